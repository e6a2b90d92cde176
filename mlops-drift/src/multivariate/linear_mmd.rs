use mlops_core::evidence::PValue;
use mlops_core::{Error, Result};
use statrs::function::erf::erfc;

use super::Bandwidth;
use super::kernel::gaussian;
use super::points::{Points, comparable};
use crate::two_sample::{TestResult, TwoSampleTest};

/// Rows per sample from which the normal law of the mean of quadruples is used.
const LEAST: usize = 200;

/// The maximum mean discrepancy in linear time: the mean over disjoint quadruples of two rows of each sample.
///
/// **Statistic**: an unbiased estimate of MMD², the mean of k(x, x') + k(y, y') − k(x, y') − k(x', y) over
/// successive pairs of rows; rows beyond the size of the smaller sample are not used.
/// **Hypothesis**: both samples come from one law. **Assumption**: exchangeable rows, in an order that does not
/// depend on their values (sorted rows do; shuffle them); at least 200 in each sample.
/// **Guarantee**: without drift the terms are symmetric about 0 and bounded by 2, and their mean over its standard
/// error is normal but for some tenths of a percent at 5 % (one-sided: large values alarm).
/// **Weakness**: far less power than [`Mmd`](super::Mmd) at equal sizes; for samples too large for that one.
/// **Cost**: O((n + m)·dimensions), and the median distance of at most 4,000 rows.
/// **Source**: Gretton, Borgwardt, Rasch, Schölkopf & Smola, "A kernel two-sample test", Journal of Machine Learning
/// Research 13, 2012, section 6.
///
/// ```
/// use mlops_drift::multivariate::{LinearMmd, Points};
/// use mlops_drift::two_sample::TwoSampleTest;
///
/// let reference = Points::new(1, (0..2_000).map(|i| f64::from(i * 7 % 100)))?;
/// let current = Points::new(1, (0..2_000).map(|i| f64::from(i * 7 % 100) + 60.0))?;
/// assert!(LinearMmd::default().test(&reference, &current)?.p_value.get() < 1e-6);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LinearMmd {
    bandwidth: Bandwidth,
}

impl LinearMmd {
    /// With another bandwidth.
    ///
    /// ```
    /// use mlops_drift::multivariate::{Bandwidth, LinearMmd};
    /// let test = LinearMmd::default().bandwidth(Bandwidth::Fixed(1.0));
    /// # let _ = test;
    /// ```
    #[must_use]
    pub fn bandwidth(self, bandwidth: Bandwidth) -> Self {
        Self { bandwidth }
    }
}

impl TwoSampleTest<Points> for LinearMmd {
    fn test(&self, reference: &Points, current: &Points) -> Result<TestResult> {
        comparable(reference, current, LEAST)?;
        let (x, y): (Vec<&[f64]>, Vec<&[f64]>) =
            (reference.rows().collect(), current.rows().collect());
        let sigma = self.bandwidth.of(&[x.as_slice(), &y].concat())?;
        let quadruples = x.chunks_exact(2).zip(y.chunks_exact(2));
        let terms: Vec<f64> = quadruples.map(|(x, y)| term(x, y, sigma)).collect();
        let count = terms.len() as f64;
        let mean = terms.iter().sum::<f64>() / count;
        let squares: f64 = terms.iter().map(|term| (term - mean).powi(2)).sum();
        let error = (squares / (count - 1.0) / count).sqrt();
        // Rounding of the mean gives equal terms an error, too.
        if terms.iter().all(|term| *term == terms[0]) {
            return Err(Error::invalid(
                "the statistic is undefined: no quadruple of rows differs",
            ));
        }
        let p = PValue::saturating(erfc(mean / error / std::f64::consts::SQRT_2) / 2.0);
        Ok(TestResult::new(mean, p, "linear_mmd_asymptotic"))
    }
}

fn term(x: &[&[f64]], y: &[&[f64]], sigma: f64) -> f64 {
    let kernel = |a, b| gaussian(a, b, sigma);
    kernel(x[0], x[1]) + kernel(y[0], y[1]) - kernel(x[0], y[1]) - kernel(x[1], y[0])
}
