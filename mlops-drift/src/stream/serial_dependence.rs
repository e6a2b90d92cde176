use mlops_core::evidence::PValue;
use mlops_core::{Error, Result};
use statrs::function::erf::erfc;

use crate::sample::order_key;
use crate::two_sample::TestResult;

/// Do neighbours in a series resemble each other? Then its values are not exchangeable, and no promise of this crate holds
/// for them one by one.
///
/// **Statistic**: the autocorrelation at lag 1, in \[−1, 1]. **Hypothesis**: the values are exchangeable.
/// **Guarantee**: two-sided p-value by the normal law of the rank autocorrelation under exchangeability, mean −1/(n − 1) and
/// variance about 1/n: for at least 20 values, whatever their law, since ranks stand in for values, equal values sharing the middle
/// of theirs. A constant series says nothing: p = 1. **Weakness**: dependence at longer lags only. **Cost**: O(n log n).
/// **Source**: Wald & Wolfowitz, "An exact test for randomness in the non-parametric case based on serial correlation", Annals of
/// Mathematical Statistics 14, 1943.
///
/// # Errors
/// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than 20 values, or NaN.
///
/// ```
/// use mlops_drift::stream::serial_dependence;
/// let walk: Vec<f64> = (0..200).map(|i| (f64::from(i) / 10.0).sin()).collect();
/// let result = serial_dependence(&walk)?;
/// assert!(result.statistic > 0.9 && result.p_value.get() < 1e-6);
/// # Ok::<(), mlops_core::Error>(())
/// ```
pub fn serial_dependence(series: &[f64]) -> Result<TestResult> {
    if series.len() < 20 {
        return Err(Error::invalid(format!(
            "a series must hold at least 20 values, got {}",
            series.len()
        )));
    }
    if series.iter().any(|value| value.is_nan()) {
        return Err(Error::invalid("a series must not hold NaN"));
    }
    let ranks = ranks(series);
    let centre = (ranks.len() - 1) as f64 / 2.0;
    let products = |shift: usize| -> f64 {
        let pairs = ranks.iter().zip(ranks.iter().cycle().skip(shift));
        pairs.map(|(a, b)| (a - centre) * (b - centre)).sum()
    };
    let size = ranks.len() as f64;
    if products(0) == 0.0 {
        let p = PValue::saturating(1.0);
        return Ok(TestResult::new(0.0, p, "serial_correlation_asymptotic"));
    }
    let correlation = products(1) / products(0); // circular, as Wald and Wolfowitz take it
    let standardized = (correlation + 1.0 / (size - 1.0)) * size.sqrt();
    let p = PValue::saturating(erfc(standardized.abs() / std::f64::consts::SQRT_2));
    Ok(TestResult::new(
        correlation,
        p,
        "serial_correlation_asymptotic",
    ))
}

/// Equal values share the middle of their ranks.
fn ranks(series: &[f64]) -> Vec<f64> {
    let keys = series.iter().map(|&value| order_key(value));
    let mut order: Vec<(u64, usize)> = keys.zip(0..).collect();
    order.sort_unstable();
    let mut ranks = vec![0.0; series.len()];
    let mut first = 0;
    for ties in order.chunk_by(|(a, _), (b, _)| a == b) {
        let middle = first as f64 + (ties.len() - 1) as f64 / 2.0;
        ties.iter().for_each(|&(_, index)| ranks[index] = middle);
        first += ties.len();
    }
    ranks
}
