use serde::{Deserialize, Serialize};

use super::NumericSample;

/// Values of a block: small enough that its second pass finds them in the cache.
const BLOCK: usize = 1_024;
/// Sums that run side by side.
const LANES: usize = 8;

/// Size, extremes and the first four moments of numbers, in one pass and mergeable.
///
/// Stable for any offset: sums of powers of distances from the running mean (Welford, Technometrics 4, 1962;
/// Chan, Golub & LeVeque, The American Statistician 37, 1983; Pébay, Sandia report SAND2008-6212, for the third and
/// fourth). Merging in another order changes the last digits only. NaN must be left out beforehand; an
/// infinite value makes all but the extremes undefined. O(1) per value.
///
/// ```
/// use mlops_drift::sample::Moments;
/// let mut moments: Moments = [1.0, 2.0, 3.0].into_iter().collect();
/// moments.merge(&[4.0].into_iter().collect());
/// assert_eq!((moments.count(), moments.mean()), (4, Some(2.5)));
/// assert_eq!(moments.variance(), Some(5.0 / 3.0));
/// assert_eq!((moments.least(), moments.greatest()), (Some(1.0), Some(4.0)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Moments {
    count: u64,
    least: f64,
    greatest: f64,
    /// The first value; the mean is kept as a distance from it, which keeps its digits at any offset.
    origin: f64,
    mean: f64,
    /// Σ (x − mean)^k for k = 2, 3, 4.
    powers: [f64; 3],
}

impl Default for Moments {
    fn default() -> Self {
        Self {
            count: 0,
            least: f64::INFINITY,
            greatest: f64::NEG_INFINITY,
            origin: 0.0,
            mean: 0.0,
            powers: [0.0; 3],
        }
    }
}

impl Moments {
    /// One more value.
    ///
    /// ```
    /// let mut moments = mlops_drift::sample::Moments::default();
    /// moments.push(3.0);
    /// assert_eq!(moments.mean(), Some(3.0));
    /// ```
    pub fn push(&mut self, value: f64) {
        self.merge(&Self {
            count: 1,
            least: value,
            greatest: value,
            origin: value,
            mean: 0.0,
            powers: [0.0; 3],
        });
    }

    /// Of many values, block by block in two passes each: some tens of times faster than one by one.
    ///
    /// ```
    /// let moments = mlops_drift::sample::Moments::of(&[1.0, 3.0]);
    /// assert_eq!((moments.mean(), moments.variance()), (Some(2.0), Some(2.0)));
    /// ```
    pub fn of(values: &[f64]) -> Self {
        let mut moments = Self::default();
        for block in values.chunks(BLOCK) {
            moments.merge(&Self::of_block(block));
        }
        moments
    }

    fn of_block(block: &[f64]) -> Self {
        let origin = block[0];
        let [sum, least, greatest] = in_lanes(
            block,
            [0.0, f64::INFINITY, f64::NEG_INFINITY],
            |[sum, least, greatest], x| {
                [sum + (x - origin), lesser(x, least), greater(x, greatest)]
            },
            |a, b| [a[0] + b[0], lesser(b[1], a[1]), greater(b[2], a[2])],
        );
        let mean = sum / block.len() as f64;
        let powers = in_lanes(
            block,
            [0.0; 3],
            |[a, b, c], x| {
                let delta = (x - origin) - mean;
                let square = delta * delta;
                [a + square, b + square * delta, c + square * square]
            },
            |a, b| [a[0] + b[0], a[1] + b[1], a[2] + b[2]],
        );
        Self {
            count: block.len() as u64,
            least,
            greatest,
            origin,
            mean,
            powers,
        }
    }

    /// The values of another one.
    ///
    /// ```
    /// use mlops_drift::sample::Moments;
    /// let mut moments: Moments = [1.0].into_iter().collect();
    /// moments.merge(&Moments::default());
    /// assert_eq!(moments.count(), 1);
    /// ```
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        let (n, m) = (self.count as f64, other.count as f64);
        let all = n + m;
        let delta = (other.origin - self.origin) + (other.mean - self.mean);
        let share = m / all;
        let step = delta * share;
        let ([a2, a3, a4], [b2, b3, b4]) = (self.powers, other.powers);
        let d2 = delta * step * n; // delta²·n·m/all
        self.powers = [
            a2 + b2 + d2,
            a3 + b3 + d2 * delta * (n - m) / all + 3.0 * delta * (n * b2 - m * a2) / all,
            a4 + b4
                + d2 * delta * delta * (n * n - n * m + m * m) / (all * all)
                + 6.0 * delta * delta * (n * n * b2 + m * m * a2) / (all * all)
                + 4.0 * delta * (n * b3 - m * a3) / all,
        ];
        self.mean += step;
        self.count += other.count;
        self.least = self.least.min(other.least);
        self.greatest = self.greatest.max(other.greatest);
    }

    /// How many values.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The least value; `None` when empty.
    pub fn least(&self) -> Option<f64> {
        (self.count > 0).then_some(self.least)
    }

    /// The greatest value; `None` when empty.
    pub fn greatest(&self) -> Option<f64> {
        (self.count > 0).then_some(self.greatest)
    }

    /// The mean; `None` when empty or undefined.
    pub fn mean(&self) -> Option<f64> {
        let mean = self.origin + self.mean;
        (self.count > 0 && mean.is_finite()).then_some(mean)
    }

    /// The variance with divisor n − 1; `None` for fewer than two values or if undefined.
    pub fn variance(&self) -> Option<f64> {
        let variance = self.powers[0] / (self.count as f64 - 1.0);
        (self.count > 1 && variance.is_finite()).then_some(variance)
    }

    /// The standard deviation with divisor n; `None` when empty or undefined.
    ///
    /// ```
    /// let moments = mlops_drift::sample::Moments::of(&[1.0, 3.0]);
    /// assert_eq!(moments.standard_deviation(), Some(1.0));
    /// ```
    pub fn standard_deviation(&self) -> Option<f64> {
        let deviation = (self.powers[0] / self.count as f64).sqrt();
        (self.count > 0 && deviation.is_finite()).then_some(deviation)
    }

    /// The skewness m₃/m₂^1.5 with divisors n (Fisher's g₁, biased); `None` for values that do not vary beyond
    /// rounding, or if undefined.
    ///
    /// ```
    /// let moments: mlops_drift::sample::Moments = [0.0, 0.0, 3.0].into_iter().collect();
    /// assert!((moments.skewness().unwrap() - 0.5_f64.sqrt()).abs() < 1e-12);
    /// ```
    pub fn skewness(&self) -> Option<f64> {
        let [m2, m3, _] = self.central()?;
        Some(m3 / m2.powf(1.5)).filter(|skewness| skewness.is_finite())
    }

    /// The excess kurtosis m₄/m₂² − 3 with divisors n (Fisher's g₂, biased); `None` as for the skewness.
    ///
    /// ```
    /// let moments: mlops_drift::sample::Moments = [-1.0, 1.0].into_iter().collect();
    /// assert_eq!(moments.kurtosis(), Some(-2.0));
    /// ```
    pub fn kurtosis(&self) -> Option<f64> {
        let [m2, _, m4] = self.central()?;
        Some(m4 / (m2 * m2) - 3.0).filter(|kurtosis| kurtosis.is_finite())
    }

    /// Central moments, where the second is more than the rounding of the mean.
    fn central(&self) -> Option<[f64; 3]> {
        let moments = self.powers.map(|power| power / self.count as f64);
        let rounding = (f64::EPSILON * (self.origin + self.mean)).powi(2);
        (self.count > 0 && moments[0] > rounding).then_some(moments)
    }
}

/// The lesser one, `held` if either is NaN: one instruction, where `f64::min` takes three.
fn lesser(value: f64, held: f64) -> f64 {
    if value < held { value } else { held }
}

fn greater(value: f64, held: f64) -> f64 {
    if value > held { value } else { held }
}

/// Folds values in lanes that do not wait for one another, in an order that depends on their number alone.
fn in_lanes<const N: usize>(
    values: &[f64],
    zero: [f64; N],
    fold: impl Fn([f64; N], f64) -> [f64; N],
    join: impl Fn([f64; N], [f64; N]) -> [f64; N],
) -> [f64; N] {
    // By figure, then by lane: neighbours in a register.
    let mut lanes = zero.map(|figure| [figure; LANES]);
    let mut chunks = values.chunks_exact(LANES);
    let lane = |lanes: &[[f64; LANES]; N], lane: usize| lanes.map(|figures| figures[lane]);
    for chunk in &mut chunks {
        for index in 0..LANES {
            let folded = fold(lane(&lanes, index), chunk[index]);
            (0..N).for_each(|figure| lanes[figure][index] = folded[figure]);
        }
    }
    for (index, &value) in chunks.remainder().iter().enumerate() {
        let folded = fold(lane(&lanes, index), value);
        (0..N).for_each(|figure| lanes[figure][index] = folded[figure]);
    }
    (0..LANES).map(|index| lane(&lanes, index)).fold(zero, join)
}

/// Moments as they are written: what is infinite or undefined is left out, since JSON has no word for it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    count: u64,
    least: Option<f64>,
    greatest: Option<f64>,
    origin: Option<f64>,
    mean: Option<f64>,
    powers: [Option<f64>; 3],
}

impl From<Moments> for Written {
    fn from(moments: Moments) -> Self {
        let finite = |value: f64| value.is_finite().then_some(value);
        Self {
            count: moments.count,
            least: finite(moments.least),
            greatest: finite(moments.greatest),
            origin: finite(moments.origin),
            mean: finite(moments.mean),
            powers: moments.powers.map(finite),
        }
    }
}

impl From<Written> for Moments {
    fn from(written: Written) -> Self {
        let defined = |value: Option<f64>| value.unwrap_or(f64::NAN);
        Self {
            count: written.count,
            least: written.least.unwrap_or(f64::INFINITY),
            greatest: written.greatest.unwrap_or(f64::NEG_INFINITY),
            origin: defined(written.origin),
            mean: defined(written.mean),
            powers: written.powers.map(defined),
        }
    }
}

impl FromIterator<f64> for Moments {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut moments = Self::default();
        values.into_iter().for_each(|value| moments.push(value));
        moments
    }
}

impl NumericSample {
    /// Size, extremes and the first four moments of the values that are not missing. O(n).
    ///
    /// ```
    /// let moments = mlops_drift::NumericSample::new([1.0, 3.0, f64::NAN]).describe();
    /// assert_eq!((moments.mean(), moments.variance()), (Some(2.0), Some(2.0)));
    /// ```
    pub fn describe(&self) -> Moments {
        Moments::of(self.sorted())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The same values at an offset of 1e12, where squares cancel all their digits.
    #[test]
    fn an_offset_changes_nothing_but_the_mean() {
        let values = |offset: f64| (0..1_000).map(move |i| offset + f64::from(i * i % 97) / 8.0);
        let (plain, moved): (Moments, Moments) = (values(0.0).collect(), values(1e12).collect());
        let close = |a: Option<f64>, b: Option<f64>| (a.unwrap() - b.unwrap()).abs() < 1e-9;
        assert!(close(plain.variance(), moved.variance()));
        assert!(close(plain.skewness(), moved.skewness()));
        assert!(close(plain.kurtosis(), moved.kurtosis()));
    }

    #[test]
    fn merging_parts_is_one_pass() {
        let values: Vec<f64> = (0..200).map(|i| f64::from(i * i % 53)).collect();
        let whole: Moments = values.iter().copied().collect();
        for cut in [0, 1, 70, 199, 200] {
            let mut merged: Moments = values[..cut].iter().copied().collect();
            merged.merge(&values[cut..].iter().copied().collect());
            let close = |a: Option<f64>, b: Option<f64>| (a.unwrap() - b.unwrap()).abs() < 1e-10;
            assert_eq!(merged.count(), 200);
            assert!(close(merged.mean(), whole.mean()));
            assert!(close(merged.skewness(), whole.skewness()));
            assert!(close(merged.kurtosis(), whole.kurtosis()));
        }
    }

    #[test]
    fn what_is_undefined_is_none() {
        let empty = Moments::default();
        assert_eq!(
            (empty.mean(), empty.least(), empty.variance()),
            (None, None, None)
        );
        let constant: Moments = [3.5; 9].into_iter().collect();
        assert_eq!(
            (constant.variance(), constant.skewness()),
            (Some(0.0), None)
        );
        let infinite: Moments = [1.0, f64::INFINITY].into_iter().collect();
        assert_eq!((infinite.mean(), infinite.variance()), (None, None));
        assert_eq!(infinite.greatest(), Some(f64::INFINITY));
    }
}
