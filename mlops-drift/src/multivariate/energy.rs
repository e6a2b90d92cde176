use mlops_core::{Error, Result};

use super::pairwise::{MOST, Pooled};
use super::points::{Points, comparable};
use crate::two_sample::{Permutations, TestResult, TwoSampleTest};

/// The energy distance between two clouds of points: a two-sample test that needs no bandwidth.
///
/// **Statistic**: √(2·E|X − Y| − E|X − X'| − E|Y − Y'|) of the two samples, with Euclidean distances; 0
/// only for equal laws, and in one dimension that of [`Energy`](crate::divergence::Energy). Unchanged by a
/// rotation or a translation of both samples. Scale columns of different units beforehand.
/// **Hypothesis**: both samples come from one law.
/// **Assumption**: exchangeable rows.
/// **Guarantee**: seeded [`Permutations`], hence an exact level at every sample size. Of more than 4,000
/// rows in all, that many are drawn at random and compared, as evenly from both samples as they allow; the
/// method then says so.
/// **Weakness**: sees shifts best; power falls with the number of dimensions, and rows beyond 4,000 add
/// none.
/// **Errors**: a sample without rows, different dimensions, distances beyond 1.8e308.
/// **Cost**: O((n + m)²·dimensions), memory 8·(n + m)² bytes, O(min(n, m)²) per permutation, of at most
/// 4,000 rows.
/// **Source**: Székely & Rizzo, "Energy statistics: a class of statistics based on distances", Journal of
/// Statistical Planning and Inference 143, 2013.
///
/// ```
/// use mlops_drift::multivariate::{EnergyTest, Points};
/// use mlops_drift::two_sample::TwoSampleTest;
///
/// // Each coordinate has the same law in both samples; how they depend differs.
/// let reference = Points::new(2, (0..80).flat_map(|i| [f64::from(i % 9), f64::from(i % 9)]))?;
/// let current = Points::new(2, (0..80).flat_map(|i| [f64::from(i % 9), f64::from(8 - i % 9)]))?;
/// assert!(EnergyTest::default().test(&reference, &current)?.p_value.get() < 0.01);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EnergyTest {
    permutations: Permutations,
}

impl EnergyTest {
    /// How permutations, and rows of large samples, are drawn.
    ///
    /// ```
    /// use mlops_drift::multivariate::EnergyTest;
    /// use mlops_drift::two_sample::Permutations;
    /// let test = EnergyTest::default().permutations(Permutations::default().seed(7));
    /// # let _ = test;
    /// ```
    #[must_use]
    pub fn permutations(self, permutations: Permutations) -> Self {
        Self { permutations }
    }

    /// Both samples, drawn from if they are large.
    fn affordable(&self, reference: &Points, current: &Points) -> Option<[Points; 2]> {
        let (n, m) = (reference.len(), current.len());
        let size = |own: usize, other: usize| own.min(MOST - other.min(MOST / 2));
        let mut generator = self.permutations.generator();
        (n + m > MOST).then(|| {
            let [reference, _] = reference.split(size(n, m), &mut generator);
            let [current, _] = current.split(size(m, n), &mut generator);
            [reference, current]
        })
    }
}

impl TwoSampleTest<Points> for EnergyTest {
    fn test(&self, reference: &Points, current: &Points) -> Result<TestResult> {
        comparable(reference, current, 1)?;
        if let Some([reference, current]) = self.affordable(reference, current) {
            let drawn = self.test(&reference, &current)?;
            let method = "energy_permutation_of_4000_rows";
            return Ok(drawn.named(method));
        }
        let both = Pooled::of(reference, current)?;
        let distances = both.pairwise(distance);
        if !distances.total().is_finite() {
            return Err(Error::invalid(format!(
                "distances must add up to less than 1.8e308, got {}",
                distances.total()
            )));
        }
        let slack = 1e-12 * distances.total() / (both.rows.len() as f64).powi(2);
        let (squared, p) = distances.permuted(self.permutations, slack, squared_energy);
        Ok(TestResult::new(
            squared.max(0.0).sqrt(),
            p,
            "energy_permutation",
        ))
    }
}

fn distance(x: &[f64], y: &[f64]) -> f64 {
    let squares = x.iter().zip(y).map(|(x, y)| (x - y).powi(2));
    squares.sum::<f64>().sqrt()
}

/// From sums over unordered pairs within both samples, and over all pairs between them.
fn squared_energy([within_x, within_y, between]: [f64; 3], n: usize, m: usize) -> f64 {
    let (n, m) = (n as f64, m as f64);
    2.0 * between / (n * m) - 2.0 * within_x / (n * n) - 2.0 * within_y / (m * m)
}
