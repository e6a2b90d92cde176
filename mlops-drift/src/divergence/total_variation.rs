use mlops_core::Result;
use mlops_core::evidence::Distance;

use super::Divergence;
use crate::sample::CategoricalSample;
use crate::two_sample::contingency::Contingency;

/// Total variation: half the sum of |p − q| over the categories, in \[0, 1]: the share of values
/// that would have to change their category. The plug-in estimate is biased upward when there are
/// many rare categories. O(k log k).
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
        let sum: f64 = table.shares().map(|[p, q]| (p - q).abs()).sum();
        Ok(Distance::new(sum / 2.0, "total_variation")?)
    }
}
