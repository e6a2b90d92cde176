use mlops_core::evidence::Distance;
use mlops_core::{Error, Result};

use super::Divergence;
use crate::sample::NumericSample;
use crate::two_sample::ladder::{Ladder, sizes};
use crate::two_sample::{Permutations, TestResult, TwoSampleTest, least_share};

/// The energy distance √(2·∫(F − G)²) of the two empirical distribution functions, which is
/// √(2·E|X − Y| − E|X − X'| − E|Y − Y'|).
///
/// **Unit**: the square root of the column's.
/// **As a test**: seeded permutations of the values: under exchangeability the level is exact at every sample
/// size. Sees any difference of two laws, large shifts best.
/// **Errors**: undefined with an infinite value in either sample.
/// **Cost**: O(n + m) for sorted samples, and as much per permutation.
/// **Source**: Székely & Rizzo, "Energy statistics: a class of statistics based on distances", Journal of
/// Statistical Planning and Inference 143, 2013.
///
/// ```
/// use mlops_drift::NumericSample;
/// use mlops_drift::divergence::{Divergence, Energy};
///
/// let (low, high) = (NumericSample::new([0.0]), NumericSample::new([8.0]));
/// assert_eq!(Energy::default().divergence(&low, &high)?.get(), 4.0);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Energy {
    permutations: Permutations,
}

impl Energy {
    /// How permutations are drawn.
    ///
    /// ```
    /// use mlops_drift::divergence::Energy;
    /// use mlops_drift::two_sample::Permutations;
    /// let test = Energy::default().permutations(Permutations::default().seed(7));
    /// # let _ = test;
    /// ```
    #[must_use]
    pub fn permutations(self, permutations: Permutations) -> Self {
        Self { permutations }
    }
}

impl Divergence<NumericSample> for Energy {
    fn divergence(&self, reference: &NumericSample, current: &NumericSample) -> Result<Distance> {
        let ladder = Ladder::of(reference, current)?;
        Ok(Distance::new(finite(&ladder)?, "energy")?)
    }
}

impl TwoSampleTest<NumericSample> for Energy {
    fn test(&self, reference: &NumericSample, current: &NumericSample) -> Result<TestResult> {
        let ladder = Ladder::of(reference, current)?;
        let observed = finite(&ladder)?;
        let statistic = |steps: &[[u64; 2]]| distance(ladder.values(), steps);
        let p = ladder.permuted(self.permutations, observed, statistic);
        Ok(TestResult::new(observed, p, "energy_permutation"))
    }

    fn least_p_value(&self, sizes: [usize; 2]) -> f64 {
        least_share(sizes, true)
    }
}

fn finite(ladder: &Ladder) -> Result<f64> {
    let distance = distance(ladder.values(), ladder.steps());
    if distance.is_finite() {
        return Ok(distance);
    }
    Err(Error::invalid(format!(
        "energy is undefined: values must be finite, got a distance of {distance}"
    )))
}

fn distance(values: &[f64], steps: &[[u64; 2]]) -> f64 {
    let [n, m] = sizes(steps).map(|size| size as f64);
    let (mut f, mut g, mut area) = (0, 0, 0.0);
    for (step, ends) in steps.iter().zip(values.windows(2)) {
        (f, g) = (f + step[0], g + step[1]);
        let gap = f as f64 / n - g as f64 / m;
        area += gap * gap * (ends[1] - ends[0]);
    }
    (2.0 * area).sqrt()
}
