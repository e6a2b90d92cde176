use mlops_core::evidence::PValue;
use mlops_core::{Error, Result};

use crate::two_sample::{TestResult, chi_square_sf};

/// Fisher's combination of independent tests: did anything drift at all, though no single test is sure?
///
/// **Statistic**: −2·Σ ln p; a p-value of 0 makes it infinite, and the combined one 0.
/// **Hypothesis**: all hypotheses of the family are true.
/// **Assumption**: the p-values are **independent** (batches apart in time; not columns of one table, whose
/// combination alarms far above its level).
/// **Guarantee**: the chi-square law with 2K degrees of freedom is exact for continuous p-values, and the test
/// conservative for discrete ones.
/// **Errors**: an empty family. **Cost**: O(K).
/// **Source**: Fisher, "Statistical Methods for Research Workers", 4th edition 1932, section 21.1.
///
/// ```
/// use mlops_core::evidence::PValue;
/// use mlops_drift::multiplicity::fisher_combination;
/// let family = [0.08, 0.06, 0.07].map(PValue::saturating);
/// assert!(fisher_combination(&family)?.p_value.get() < 0.02);
/// # Ok::<(), mlops_core::Error>(())
/// ```
pub fn fisher_combination(family: &[PValue]) -> Result<TestResult> {
    if family.is_empty() {
        return Err(Error::invalid(
            "the family must hold at least 1 p-value, got 0",
        ));
    }
    let statistic = -2.0 * family.iter().map(|p| p.get().ln()).sum::<f64>();
    let p = if statistic.is_infinite() {
        PValue::saturating(0.0)
    } else {
        chi_square_sf(statistic, 2.0 * family.len() as f64)
    };
    Ok(TestResult::new(statistic, p, "fisher_combination"))
}
