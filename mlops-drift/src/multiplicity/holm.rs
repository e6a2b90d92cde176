use mlops_core::evidence::PValue;

use super::{Correction, ascending};

/// The step-down procedure of Holm ("A simple sequentially rejective multiple test procedure",
/// Scandinavian Journal of Statistics 1979): p of rank r becomes the greatest of p·(K − r + 1) over
/// this rank and those below.
///
/// **Guarantee**: the probability of any false alarm is at most alpha, whatever has drifted and however
/// the columns depend. **Weakness**: less power than Benjamini–Hochberg. **Cost**: O(K log K).
///
/// ```
/// use mlops_core::evidence::PValue;
/// use mlops_drift::multiplicity::{Correction, Holm};
/// let adjusted = Holm.adjust(&[0.04, 0.01].map(PValue::saturating));
/// assert_eq!(adjusted, [0.04, 0.02].map(PValue::saturating));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holm;

impl Correction for Holm {
    fn adjust(&self, family: &[PValue]) -> Vec<PValue> {
        let mut adjusted = family.to_vec();
        let mut greatest = 0.0_f64;
        for (rank, &position) in ascending(family).iter().enumerate() {
            greatest = greatest.max(family[position].get() * (family.len() - rank) as f64);
            adjusted[position] = PValue::saturating(greatest);
        }
        adjusted
    }

    fn name(&self) -> &'static str {
        "holm"
    }

    fn guarantee(&self) -> &'static str {
        "the probability of any false alarm is at most alpha, for exchangeable units and whatever \
         the dependence across columns"
    }
}
