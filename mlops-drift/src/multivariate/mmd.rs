use mlops_core::{Error, Result};

use super::Bandwidth;
use super::kernel::gaussian;
use super::pairwise::Pooled;
use super::points::{Points, comparable};
use crate::two_sample::{Permutations, TestResult, TwoSampleTest};

/// The maximum mean discrepancy with a Gaussian kernel: a two-sample test for rows of numbers.
///
/// **Statistic**: the unbiased estimate of MMD², mean kernel within the reference plus mean within the current sample
/// less twice the mean between them; may be negative. Scale columns of different units beforehand.
/// **Hypothesis**: both samples come from one law.
/// **Assumption**: exchangeable rows; at least two in each sample.
/// **Guarantee**: seeded [`Permutations`], hence an exact level at every sample size. At most about 4·10^9
/// kernels are added up, so for large samples fewer permutations are made, 999 at least.
/// **Weakness**: sees differences at the scale of the kernel; power falls with the number of dimensions.
/// **Errors**: fewer than two rows in a sample, different dimensions, a [`Bandwidth`] of 0 (more than half of
/// all pairs of rows equal), or so small that no two rows are near each other, or more than 4,000 rows in all: see [`LinearMmd`](super::LinearMmd).
/// **Cost**: O((n + m)²·dimensions), memory 8·(n + m)² bytes, O(min(n, m)²) per permutation.
/// **Source**: Gretton, Borgwardt, Rasch, Schölkopf & Smola, "A kernel two-sample test", Journal of Machine Learning
/// Research 13, 2012, equation 3.
///
/// ```
/// use mlops_drift::multivariate::{Mmd, Points};
/// use mlops_drift::two_sample::TwoSampleTest;
///
/// // Each coordinate has the same law in both samples; how they depend differs.
/// let reference = Points::new(2, (0..80).flat_map(|i| [f64::from(i % 9), f64::from(i % 9)]))?;
/// let current = Points::new(2, (0..80).flat_map(|i| [f64::from(i % 9), f64::from(8 - i % 9)]))?;
/// assert!(Mmd::default().test(&reference, &current)?.p_value.get() < 0.01);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mmd {
    bandwidth: Bandwidth,
    permutations: Permutations,
}

impl Mmd {
    /// With another bandwidth.
    ///
    /// ```
    /// use mlops_drift::multivariate::{Bandwidth, Mmd};
    /// let test = Mmd::default().bandwidth(Bandwidth::Fixed(1.0));
    /// # let _ = test;
    /// ```
    #[must_use]
    pub fn bandwidth(self, bandwidth: Bandwidth) -> Self {
        Self { bandwidth, ..self }
    }

    /// How permutations are drawn.
    ///
    /// ```
    /// use mlops_drift::multivariate::Mmd;
    /// use mlops_drift::two_sample::Permutations;
    /// let test = Mmd::default().permutations(Permutations::default().seed(7));
    /// # let _ = test;
    /// ```
    #[must_use]
    pub fn permutations(self, permutations: Permutations) -> Self {
        Self {
            permutations,
            ..self
        }
    }

    /// MMD² alone, without a p-value; O(1) memory, so for any number of rows.
    ///
    /// # Errors
    /// As the test's, but for the number of rows.
    ///
    /// ```
    /// use mlops_drift::multivariate::{Bandwidth, Mmd, Points};
    /// let (x, y) = (Points::new(1, [0.0, 1.0])?, Points::new(1, [0.0, 1.0])?);
    /// let mmd = Mmd::default().bandwidth(Bandwidth::Fixed(1.0));
    /// assert!((mmd.statistic(&x, &y)? - ((-0.5_f64).exp() - 1.0)).abs() < 1e-12);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn statistic(&self, reference: &Points, current: &Points) -> Result<f64> {
        comparable(reference, current, 2)?;
        let (x, y): (Vec<&[f64]>, Vec<&[f64]>) =
            (reference.rows().collect(), current.rows().collect());
        let sigma = self.bandwidth.of(&[x.as_slice(), &y].concat())?;
        let within = |rows: &[&[f64]]| -> f64 {
            let pairs = (0..rows.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
            pairs.map(|(i, j)| gaussian(rows[i], rows[j], sigma)).sum()
        };
        let between = x
            .iter()
            .flat_map(|a| y.iter().map(move |b| gaussian(a, b, sigma)));
        let sums = [within(&x), within(&y), between.sum()];
        require_neighbours(sums.iter().sum(), sigma)?;
        Ok(unbiased(sums, x.len(), y.len()))
    }
}

impl TwoSampleTest<Points> for Mmd {
    fn test(&self, reference: &Points, current: &Points) -> Result<TestResult> {
        comparable(reference, current, 2)?;
        let both = Pooled::of(reference, current)?;
        let sigma = self.bandwidth.of(&both.rows)?;
        let kernels = both.pairwise(|x, y| gaussian(x, y, sigma));
        require_neighbours(kernels.total(), sigma)?;
        let (mmd, p) = kernels.permuted(self.permutations, 1e-12, unbiased);
        Ok(TestResult::new(mmd, p, "mmd_permutation"))
    }
}

/// An error if all kernels are 0, which makes any two samples alike.
fn require_neighbours(kernels: f64, sigma: f64) -> Result<()> {
    if kernels > 0.0 {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the statistic is undefined: no two rows are near each other at a bandwidth of {sigma}"
    )))
}

/// From sums over unordered pairs within both samples, and over all pairs between them.
fn unbiased([within_x, within_y, between]: [f64; 3], n: usize, m: usize) -> f64 {
    let (n, m) = (n as f64, m as f64);
    2.0 * within_x / (n * (n - 1.0)) + 2.0 * within_y / (m * (m - 1.0)) - 2.0 * between / (n * m)
}
