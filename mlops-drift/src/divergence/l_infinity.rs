use mlops_core::Result;
use mlops_core::evidence::Distance;

use super::Divergence;
use super::of_shares::permuted_cells;
use super::shares::shares;
use crate::sample::CategoricalSample;
use crate::two_sample::contingency::Contingency;
use crate::two_sample::{Permutations, TestResult, TwoSampleTest};

/// The greatest |p − q| over the categories, in \[0, 1]: blind to many small changes, easy to
/// explain. O(k log k).
///
/// **As a test**: seeded permutations of the values, hence an exact level under exchangeability;
/// [`PermutationTest::of`](crate::two_sample::PermutationTest::of) draws others. O(k + categories) per permutation,
/// k = min(n, m).
///
/// ```
/// use mlops_drift::CategoricalSample;
/// use mlops_drift::divergence::{Divergence, LInfinity};
///
/// let reference = CategoricalSample::new([Some("a"), Some("b")]);
/// let current = CategoricalSample::new([Some("a"), Some("a")]);
/// assert_eq!(LInfinity.divergence(&reference, &current)?.get(), 0.5);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LInfinity;

impl Divergence<CategoricalSample> for LInfinity {
    fn divergence(
        &self,
        reference: &CategoricalSample,
        current: &CategoricalSample,
    ) -> Result<Distance> {
        let table = Contingency::of(reference.require("reference")?, current.require("current")?);
        Ok(Distance::new(index(table.cells()), "l_infinity")?)
    }
}

impl TwoSampleTest<CategoricalSample> for LInfinity {
    fn test(
        &self,
        reference: &CategoricalSample,
        current: &CategoricalSample,
    ) -> Result<TestResult> {
        let table = Contingency::of(reference.require("reference")?, current.require("current")?);
        let method = "l_infinity_permutation";
        Ok(permuted_cells(
            table.cells(),
            Permutations::default(),
            index,
            method,
        ))
    }
}

fn index(cells: &[[u64; 2]]) -> f64 {
    shares(cells)
        .map(|[p, q]| (p - q).abs())
        .fold(0.0, f64::max)
}
