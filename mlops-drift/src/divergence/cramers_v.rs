use mlops_core::Result;
use mlops_core::evidence::Distance;

use super::Divergence;
use crate::sample::CategoricalSample;
use crate::two_sample::contingency::Contingency;

/// Cramér's V of sample against category, in \[0, 1]: √(χ²/(n + m)), since two rows make the lesser
/// dimension 1. Depends on the ratio of the sample sizes: compare it only at equal ratios. O(k log k).
///
/// ```
/// use mlops_drift::CategoricalSample;
/// use mlops_drift::divergence::{CramersV, Divergence};
///
/// let reference = CategoricalSample::new([Some("a"), Some("a")]);
/// let current = CategoricalSample::new([Some("b"), Some("b")]);
/// assert_eq!(CramersV.divergence(&reference, &current)?.get(), 1.0);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CramersV;

impl Divergence<CategoricalSample> for CramersV {
    fn divergence(
        &self,
        reference: &CategoricalSample,
        current: &CategoricalSample,
    ) -> Result<Distance> {
        let table = Contingency::of(reference.require("reference")?, current.require("current")?);
        let [n, m] = table.sizes();
        let v = (table.pearson(0.0) / (n + m) as f64).sqrt();
        Ok(Distance::new(v, "cramers_v")?)
    }
}
