use mlops_core::Result;
use mlops_core::evidence::Distance;

use super::Divergence;
use crate::sample::CategoricalSample;
use crate::two_sample::contingency::Contingency;

/// The greatest |p − q| over the categories, in \[0, 1]: blind to many small changes, easy to
/// explain. O(k log k).
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
        let greatest = table
            .shares()
            .map(|[p, q]| (p - q).abs())
            .fold(0.0, f64::max);
        Ok(Distance::new(greatest, "l_infinity")?)
    }
}
