use mlops_core::{Error, Result};

use super::Bandwidth;
use super::kernel::gaussian;
use super::points::{Points, comparable};
use crate::two_sample::{Permutations, TestResult, TwoSampleTest};

/// Rows of both samples together up to which the matrix of all kernels is kept: 128 MB.
const MOST: usize = 4_000;
/// Kernels added up over all permutations: some seconds.
const BUDGET: u64 = 4_000_000_000;

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
/// all pairs of rows equal), or more than 4,000 rows in all: see [`LinearMmd`](super::LinearMmd).
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
        Ok(unbiased(
            [within(&x), within(&y), between.sum()],
            x.len(),
            y.len(),
        ))
    }
}

impl TwoSampleTest<Points> for Mmd {
    fn test(&self, reference: &Points, current: &Points) -> Result<TestResult> {
        comparable(reference, current, 2)?;
        let (n, m) = (reference.len(), current.len());
        if n + m > MOST {
            return Err(Error::invalid(format!(
                "both samples together must hold at most {MOST} rows, got {}",
                n + m
            )));
        }
        let kernels = Kernels::of(reference, current, self.bandwidth)?;
        let smaller_first = n <= m;
        let members: Vec<u32> = if smaller_first {
            0..n as u32
        } else {
            n as u32..(n + m) as u32
        }
        .collect();
        let observed = kernels.mmd(&members);
        let size = members.len() as u64;
        let affordable = u32::try_from(BUDGET / (size * size)).unwrap_or(u32::MAX);
        let bits = reference
            .rows()
            .chain(current.rows())
            .flatten()
            .map(|x| x.to_bits());
        // In an order that does not tell which sample holds which.
        let mut bits: Vec<u64> = bits.collect();
        bits.sort_unstable();
        let rows = (0..(n + m) as u32).collect();
        let threshold = observed - 1e-12;
        let p = self.permutations.at_most(affordable).p_value(
            bits.into_iter(),
            rows,
            members.len(),
            |drawn| kernels.mmd(drawn) >= threshold,
        );
        Ok(TestResult::new(observed, p, "mmd_permutation"))
    }
}

/// All kernels between pooled rows, 0 on the diagonal, with their sums by row and in all.
struct Kernels {
    rows: usize,
    cells: Vec<f64>,
    by_row: Vec<f64>,
    total: f64,
}

impl Kernels {
    fn of(reference: &Points, current: &Points, bandwidth: Bandwidth) -> Result<Self> {
        let pooled: Vec<&[f64]> = reference.rows().chain(current.rows()).collect();
        let sigma = bandwidth.of(&pooled)?;
        let rows = pooled.len();
        let mut cells = vec![0.0; rows * rows];
        for i in 0..rows {
            for j in 0..i {
                let kernel = gaussian(pooled[i], pooled[j], sigma);
                (cells[i * rows + j], cells[j * rows + i]) = (kernel, kernel);
            }
        }
        let by_row: Vec<f64> = cells
            .chunks_exact(rows)
            .map(|row| row.iter().sum())
            .collect();
        let total = by_row.iter().sum();
        Ok(Self {
            rows,
            cells,
            by_row,
            total,
        })
    }

    /// MMD² of these rows against all others.
    fn mmd(&self, members: &[u32]) -> f64 {
        let (mut inside, mut touching) = (0.0, 0.0);
        for &i in members {
            let row = &self.cells[i as usize * self.rows..][..self.rows];
            inside += members.iter().map(|&j| row[j as usize]).sum::<f64>();
            touching += self.by_row[i as usize];
        }
        let between = touching - inside;
        let outside = self.total - inside - 2.0 * between;
        let size = members.len();
        unbiased(
            [inside / 2.0, outside / 2.0, between],
            size,
            self.rows - size,
        )
    }
}

/// From sums over unordered pairs within both samples, and over all pairs between them.
fn unbiased([within_x, within_y, between]: [f64; 3], n: usize, m: usize) -> f64 {
    let (n, m) = (n as f64, m as f64);
    2.0 * within_x / (n * (n - 1.0)) + 2.0 * within_y / (m * (m - 1.0)) - 2.0 * between / (n * m)
}
