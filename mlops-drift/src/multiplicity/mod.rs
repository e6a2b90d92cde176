//! Many tests at once: which of them still say something?
//!
//! | correction | controls | under |
//! | --- | --- | --- |
//! | [`BenjaminiHochberg`] | the expected share of false alarms among all alarms | independence or positive dependence |
//! | [`BenjaminiYekutieli`] | the same | any dependence |
//! | [`e_benjamini_hochberg`] | the same, from e-values | any dependence |
//! | [`Holm`] | the probability of any false alarm | any dependence |
//! | [`Bonferroni`] | the same, with less power | any dependence |
//!
//! If nothing drifted at all, every one of them alarms anywhere with probability at most alpha.
//! Over time, hypotheses being decided as they come:
//!
//! | procedure | controls | under |
//! | --- | --- | --- |
//! | [`ELond`] | the expected share of false alarms among all alarms so far, from e-values | any dependence |
//! | [`Lord`], [`Saffron`] | the same, from p-values | independence |
//!
//! [`fisher_combination`] asks of independent tests whether anything drifted, not which.

mod benjamini_hochberg;
mod benjamini_yekutieli;
mod bonferroni;
mod e_benjamini_hochberg;
mod fisher_combination;
mod holm;
mod online;

use mlops_core::evidence::{PValue, SignificanceLevel};

pub use benjamini_hochberg::BenjaminiHochberg;
pub use benjamini_yekutieli::BenjaminiYekutieli;
pub use bonferroni::Bonferroni;
pub use e_benjamini_hochberg::e_benjamini_hochberg;
pub use fisher_combination::fisher_combination;
pub use holm::Holm;
pub(crate) use online::is_rejected;
pub use online::{ELond, Lord, OnlineDecision, Saffron};

/// Turns the p-values of a family of tests into adjusted ones: a hypothesis is rejected at level
/// alpha if its adjusted p-value is at most alpha.
///
/// # Contract
/// As many as given, in the same order; none below its original; none for none.
///
/// ```
/// use mlops_core::evidence::{PValue, SignificanceLevel};
/// use mlops_drift::multiplicity::{BenjaminiHochberg, Correction, rejections};
///
/// let family = [0.01, 0.02, 0.9].map(PValue::saturating);
/// let adjusted = BenjaminiHochberg.adjust(&family);
/// assert_eq!(adjusted[0].get(), 0.03);
/// assert_eq!(rejections(&adjusted, SignificanceLevel::FIVE_PERCENT), [true, true, false]);
/// ```
pub trait Correction: Send + Sync {
    /// The adjusted p-values.
    fn adjust(&self, family: &[PValue]) -> Vec<PValue>;

    /// The name in `snake_case`.
    fn name(&self) -> &'static str;

    /// What a rejection at level alpha is worth, in one sentence without alpha's value.
    fn guarantee(&self) -> &'static str;
}

/// Which adjusted p-values are at most the level.
///
/// ```
/// use mlops_core::evidence::{PValue, SignificanceLevel};
/// use mlops_drift::multiplicity::rejections;
/// let adjusted = [0.04, 0.06].map(PValue::saturating);
/// assert_eq!(rejections(&adjusted, SignificanceLevel::FIVE_PERCENT), [true, false]);
/// ```
pub fn rejections(adjusted: &[PValue], alpha: SignificanceLevel) -> Vec<bool> {
    adjusted.iter().map(|p| p.rejects_at(alpha)).collect()
}

/// Positions of the p-values, ascending; equal ones in their given order.
fn ascending(family: &[PValue]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..family.len()).collect();
    order.sort_by(|&a, &b| family[a].get().total_cmp(&family[b].get()));
    order
}
