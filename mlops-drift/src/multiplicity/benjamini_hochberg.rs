use mlops_core::evidence::PValue;

use super::{Correction, ascending};

/// The step-up procedure of Benjamini & Hochberg ("Controlling the false discovery rate", JRSS B
/// 1995): p of rank r becomes the least of p·K/r over this rank and those above.
///
/// **Guarantee**: the expected share of false alarms among all alarms is at most alpha; if nothing
/// drifted, so is the probability of any alarm.
/// **Assumption**: p-values independent or positively dependent (PRDS: Benjamini & Yekutieli, Annals
/// of Statistics 2001), as of columns that move together.
/// **Weakness**: with arbitrary dependence the bound grows by up to ln K + 0.58. **Cost**: O(K log K).
///
/// ```
/// use mlops_core::evidence::PValue;
/// use mlops_drift::multiplicity::{BenjaminiHochberg, Correction};
/// let adjusted = BenjaminiHochberg.adjust(&[0.04, 0.01].map(PValue::saturating));
/// assert_eq!(adjusted, [0.04, 0.02].map(PValue::saturating));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BenjaminiHochberg;

impl Correction for BenjaminiHochberg {
    fn adjust(&self, family: &[PValue]) -> Vec<PValue> {
        let mut adjusted = family.to_vec();
        let mut least = 1.0_f64;
        for (rank, &position) in ascending(family).iter().enumerate().rev() {
            least = least.min(family[position].get() * family.len() as f64 / (rank + 1) as f64);
            adjusted[position] = PValue::saturating(least);
        }
        adjusted
    }

    fn name(&self) -> &'static str {
        "benjamini_hochberg"
    }

    fn guarantee(&self) -> &'static str {
        "without any drift the probability of any alarm is at most alpha, and otherwise the expected \
         share of false alarms among the alarms is at most alpha, for exchangeable units and \
         p-values that are independent or positively dependent across columns"
    }
}
