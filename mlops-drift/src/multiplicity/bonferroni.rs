use mlops_core::evidence::PValue;

use super::Correction;

/// Bonferroni's correction: every p-value times their number.
///
/// **Guarantee**: the probability of any false alarm is at most alpha, under any dependence.
/// **Weakness**: [`Holm`](super::Holm) has the same guarantee and rejects no less. **Cost**: O(K).
///
/// ```
/// use mlops_core::evidence::PValue;
/// use mlops_drift::multiplicity::{Bonferroni, Correction};
/// let adjusted = Bonferroni.adjust(&[0.04, 0.01].map(PValue::saturating));
/// assert_eq!(adjusted, [0.08, 0.02].map(PValue::saturating));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bonferroni;

impl Correction for Bonferroni {
    fn adjust(&self, family: &[PValue]) -> Vec<PValue> {
        let tests = family.len() as f64;
        family
            .iter()
            .map(|p| PValue::saturating(p.get() * tests))
            .collect()
    }

    fn name(&self) -> &'static str {
        "bonferroni"
    }

    fn guarantee(&self) -> &'static str {
        "the probability of any false alarm is at most alpha, for exchangeable units and whatever \
         the dependence across columns"
    }
}
