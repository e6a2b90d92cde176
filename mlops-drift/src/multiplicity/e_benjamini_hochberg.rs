use mlops_core::evidence::{EValue, PValue};

use super::{BenjaminiHochberg, Correction};

/// The e-BH procedure: Benjamini–Hochberg of the reciprocals of e-values, as adjusted p-values. A
/// hypothesis of rank r by size is rejected at level alpha if some e of rank j ≥ r is at least K/(j·alpha).
///
/// **Guarantee**: the expected share of false alarms among all alarms is at most alpha, under any dependence of
/// the e-values, without Benjamini and Yekutieli's factor. Holds at any stopping time if the e-values
/// come from e-processes.
/// **Assumption**: every e-value of a true hypothesis has an expectation of at most 1.
/// **Weakness**: an e-value pays for this with power at a single look. **Cost**: O(K log K).
/// **Source**: Wang & Ramdas, "False discovery rate control with e-values", JRSS B 84, 2022.
///
/// ```
/// use mlops_core::evidence::{EValue, SignificanceLevel};
/// use mlops_drift::multiplicity::{e_benjamini_hochberg, rejections};
///
/// // At 5 %: 3/(1·0.05) = 60, 3/(2·0.05) = 30 and 3/(3·0.05) = 20.
/// let family = [EValue::new(35.0)?, EValue::new(0.5)?, EValue::new(31.0)?];
/// let adjusted = e_benjamini_hochberg(&family);
/// assert_eq!(rejections(&adjusted, SignificanceLevel::FIVE_PERCENT), [true, false, true]);
/// # Ok::<(), mlops_core::OutOfRange>(())
/// ```
pub fn e_benjamini_hochberg(family: &[EValue]) -> Vec<PValue> {
    let reciprocals: Vec<PValue> = family.iter().map(|e| e.to_p_value()).collect();
    BenjaminiHochberg.adjust(&reciprocals)
}
