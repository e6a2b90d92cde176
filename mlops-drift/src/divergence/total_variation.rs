use mlops_core::Result;
use mlops_core::evidence::Distance;

use super::Divergence;
use super::of_shares::permuted_cells;
use super::shares::shares;
use crate::sample::CategoricalSample;
use crate::two_sample::contingency::Contingency;
use crate::two_sample::{Permutations, TestResult, TwoSampleTest};

/// Total variation: half the sum of |p − q| over the categories, in \[0, 1]: the share of values
/// that would have to change their category. The plug-in estimate is biased upward when there are
/// many rare categories. O(k log k).
///
/// **As a test**: seeded permutations of the values, hence an exact level under exchangeability;
/// [`PermutationTest::of`](crate::two_sample::PermutationTest::of) draws others. O(k + categories) per permutation,
/// k = min(n, m).
///
/// ```
/// use mlops_drift::CategoricalSample;
/// use mlops_drift::divergence::{Divergence, TotalVariation};
///
/// let reference = CategoricalSample::new([Some("a"), Some("b")]);
/// let current = CategoricalSample::new([Some("a"), Some("a")]);
/// assert_eq!(TotalVariation.divergence(&reference, &current)?.get(), 0.5);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TotalVariation;

impl Divergence<CategoricalSample> for TotalVariation {
    fn divergence(
        &self,
        reference: &CategoricalSample,
        current: &CategoricalSample,
    ) -> Result<Distance> {
        let table = Contingency::of(reference.require("reference")?, current.require("current")?);
        Ok(Distance::new(index(table.cells()), "total_variation")?)
    }
}

impl TwoSampleTest<CategoricalSample> for TotalVariation {
    fn test(
        &self,
        reference: &CategoricalSample,
        current: &CategoricalSample,
    ) -> Result<TestResult> {
        let table = Contingency::of(reference.require("reference")?, current.require("current")?);
        let method = "total_variation_permutation";
        Ok(permuted_cells(
            table.cells(),
            Permutations::default(),
            index,
            method,
        ))
    }
}

fn index(cells: &[[u64; 2]]) -> f64 {
    let sum: f64 = shares(cells).map(|[p, q]| (p - q).abs()).sum();
    sum / 2.0
}
