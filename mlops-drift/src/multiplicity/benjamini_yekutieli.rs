use mlops_core::evidence::PValue;

use super::{BenjaminiHochberg, Correction};

/// The step-up procedure of Benjamini & Yekutieli ("The control of the false discovery rate in multiple testing
/// under dependency", Annals of Statistics 29, 2001): Benjamini–Hochberg with every p-value times
/// 1 + 1/2 + … + 1/K.
///
/// **Guarantee**: the expected share of false alarms among all alarms is at most alpha, under any dependence.
/// **Weakness**: for K = 20 the factor is 3.6; often [`Holm`](super::Holm) rejects as much.
/// **Cost**: O(K log K).
///
/// ```
/// use mlops_core::evidence::PValue;
/// use mlops_drift::multiplicity::{BenjaminiYekutieli, Correction};
/// let adjusted = BenjaminiYekutieli.adjust(&[0.04, 0.01].map(PValue::saturating));
/// assert_eq!(adjusted, [0.06, 0.03].map(PValue::saturating));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BenjaminiYekutieli;

impl Correction for BenjaminiYekutieli {
    fn adjust(&self, family: &[PValue]) -> Vec<PValue> {
        let factor: f64 = (1..=family.len()).map(|rank| 1.0 / rank as f64).sum();
        let independent = BenjaminiHochberg.adjust(family);
        independent
            .iter()
            .map(|p| PValue::saturating(p.get() * factor))
            .collect()
    }

    fn name(&self) -> &'static str {
        "benjamini_yekutieli"
    }

    fn guarantee(&self) -> &'static str {
        "without any drift the probability of any alarm is at most alpha, and otherwise the expected \
         share of false alarms among the alarms is at most alpha, for exchangeable units and whatever \
         the dependence across columns"
    }
}
