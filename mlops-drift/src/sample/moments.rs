use mlops_core::{Error, Result};
use pulp::{Scalar, Simd};
use serde::{Deserialize, Serialize};

use super::NumericSample;
use crate::lanes::{Fold, fold};

/// Values of a block: small enough that its second pass finds them in the cache.
const BLOCK: usize = 1_024;
/// Of values that are so much smaller, a block's sum does not overflow: 2^-10.
const SMALL: f64 = 1.0 / BLOCK as f64;

/// Size, extremes and the first four moments of numbers, in one pass and mergeable.
///
/// Stable for any offset: sums of powers of distances from the running mean (Welford, Technometrics 4, 1962;
/// Chan, Golub & LeVeque, The American Statistician 37, 1983; Pébay, Sandia report SAND2008-6212, for the third and
/// fourth), which is kept in twice the digits of a float (Dekker, "A floating-point technique for extending the available
/// precision", Numerische Mathematik 18, 1971). NaN must be left out beforehand; an infinite value, or a difference of values
/// that overflows, makes all but the extremes undefined. O(1) per value.
///
/// **Guarantee**: in any order and any partition, with u = 2^-53, A the greatest size of a value and k blocks of up to 1,024
/// values or single ones that were merged,
///
/// | | off by at most |
/// | --- | --- |
/// | count, extremes | nothing |
/// | mean | u · \|mean\| + (2^14 + 2^5 k) · u² · A |
/// | variance | (2^8 + 2^3 k) · u of itself, and 2^10 u³ · A² |
///
/// Sums lose nothing but what their own error terms round off: in each of 8 lanes of 128 values these are at most u · 2^7 A, and
/// 2^7 of them are summed with a relative error of 2^7 u, which is 2^24 u² A in a block and 2^14 u² A in its mean. A merge adds
/// fewer than 2^3 roundings of u² to numbers up to 4 A. Squares are of one sign, so relative errors do not grow by
/// cancellation: some 2^7 additions in a block, and 2^3 operations in a merge.
///
/// ```
/// use mlops_drift::sample::Moments;
/// let mut moments: Moments = [1.0, 2.0, 3.0].into_iter().collect();
/// moments.merge(&[4.0].into_iter().collect());
/// assert_eq!((moments.count(), moments.mean()), (4, Some(2.5)));
/// assert_eq!(moments.variance(), Some(5.0 / 3.0));
/// assert_eq!((moments.least(), moments.greatest()), (Some(1.0), Some(4.0)));
/// ```
/// Two are equal if they say the same: what is undefined in both, such as squares that overflow, is no difference.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Moments {
    count: u64,
    least: f64,
    greatest: f64,
    /// The mean, as the sum of two floats, the second of which is what the first rounds off.
    mean: [f64; 2],
    /// Σ (x − mean)^k for k = 2, 3, 4.
    powers: [f64; 3],
}

impl PartialEq for Moments {
    fn eq(&self, other: &Self) -> bool {
        let of = |moments: &Self| {
            let defined = |power: f64| power.is_finite().then_some(power);
            (
                (moments.count, moments.least, moments.greatest),
                moments.defined_mean(),
                moments.powers.map(defined),
            )
        };
        of(self) == of(other)
    }
}

impl Default for Moments {
    fn default() -> Self {
        Self {
            count: 0,
            least: f64::INFINITY,
            greatest: f64::NEG_INFINITY,
            mean: [0.0; 2],
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
            least: positive(value),
            greatest: positive(value),
            mean: [value, 0.0],
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
        let mut sums = Sums::of(block);
        if !sums.mean[0].is_finite() {
            sums.mean = mean_of_large(block); // a sum may overflow where the mean does not
        }
        Self {
            count: block.len() as u64,
            least: sums.least,
            greatest: sums.greatest,
            mean: sums.mean,
            powers: fold(block, &Powers { mean: sums.mean }),
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
        let apart = plus(other.mean, self.mean.map(|part| -part));
        let step = times(apart, divided([m, 0.0], all));
        let (delta, step_of_powers) = (apart[0], step[0]);
        let ([a2, a3, a4], [b2, b3, b4]) = (self.powers, other.powers);
        let d2 = delta * step_of_powers * n; // delta²·n·m/all
        self.powers = [
            a2 + b2 + d2,
            a3 + b3 + d2 * delta * (n - m) / all + 3.0 * delta * (n * b2 - m * a2) / all,
            a4 + b4
                + d2 * delta * delta * (n * n - n * m + m * m) / (all * all)
                + 6.0 * delta * delta * (n * n * b2 + m * m * a2) / (all * all)
                + 4.0 * delta * (n * b3 - m * a3) / all,
        ];
        self.mean = plus(self.mean, step);
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

    /// Both parts of the mean, or none of one that is infinite or undefined.
    fn defined_mean(&self) -> Option<[f64; 2]> {
        let is_defined = self.mean.iter().all(|part| part.is_finite());
        is_defined.then_some(self.mean)
    }

    /// The mean; `None` when empty or undefined.
    pub fn mean(&self) -> Option<f64> {
        let mean = self.mean[0] + self.mean[1];
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
        let rounding = (f64::EPSILON * self.mean[0]).powi(2);
        (self.count > 0 && moments[0] > rounding).then_some(moments)
    }
}

/// The mean and the extremes of a block.
struct Sums {
    mean: [f64; 2],
    least: f64,
    greatest: f64,
}

impl Sums {
    fn of(block: &[f64]) -> Self {
        let [sum, lost, least, greatest] = fold(block, &SumsAndEnds);
        Self {
            mean: divided([sum, lost], block.len() as f64),
            least: positive(least),
            greatest: positive(greatest),
        }
    }
}

/// The sum, what it rounds off, the least and the greatest value.
struct SumsAndEnds;

impl Fold<4> for SumsAndEnds {
    const NONE: [f64; 4] = [0.0, 0.0, f64::INFINITY, f64::NEG_INFINITY];

    #[inline(always)]
    fn step<S: Simd>(
        &self,
        simd: S,
        [sum, lost, least, greatest]: [S::f64s; 4],
        values: S::f64s,
    ) -> [S::f64s; 4] {
        let [sum, more] = two_sum_in(simd, sum, values);
        [
            sum,
            simd.add_f64s(lost, more),
            simd.min_f64s(values, least),
            simd.max_f64s(values, greatest),
        ]
    }

    #[inline(always)]
    fn join(&self, a: [f64; 4], b: [f64; 4]) -> [f64; 4] {
        let [sum, more] = two_sum(a[0], b[0]);
        let lost = more + (a[1] + b[1]);
        [sum, lost, a[2].min(b[2]), a[3].max(b[3])]
    }
}

/// Σ (x − mean)^k for k = 2, 3, 4.
struct Powers {
    mean: [f64; 2],
}

impl Fold<3> for Powers {
    const NONE: [f64; 3] = [0.0; 3];

    #[inline(always)]
    fn step<S: Simd>(
        &self,
        simd: S,
        [second, third, fourth]: [S::f64s; 3],
        values: S::f64s,
    ) -> [S::f64s; 3] {
        let [mean, rest] = self.mean.map(|part| simd.splat_f64s(part));
        let delta = simd.sub_f64s(simd.sub_f64s(values, mean), rest);
        let square = simd.mul_f64s(delta, delta);
        [
            simd.add_f64s(second, square),
            simd.add_f64s(third, simd.mul_f64s(square, delta)),
            simd.add_f64s(fourth, simd.mul_f64s(square, square)),
        ]
    }

    #[inline(always)]
    fn join(&self, a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
        [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
    }
}

/// Of two zeros the positive one, since which of them is the least depends on their order.
fn positive(value: f64) -> f64 {
    value + 0.0
}

/// By way of values that are smaller by a power of two, which loses nothing of those that make a sum overflow.
fn mean_of_large(block: &[f64]) -> [f64; 2] {
    let small: Vec<f64> = block.iter().map(|value| value * SMALL).collect();
    Sums::of(&small).mean.map(|part| part / SMALL)
}

/// A sum and what it rounds off, exactly (Knuth, The Art of Computer Programming 2, 4.2.2, theorem B).
fn two_sum(a: f64, b: f64) -> [f64; 2] {
    two_sum_in(Scalar::new(), a, b)
}

#[inline(always)]
fn two_sum_in<S: Simd>(simd: S, a: S::f64s, b: S::f64s) -> [S::f64s; 2] {
    let sum = simd.add_f64s(a, b);
    let of_b = simd.sub_f64s(sum, a);
    let lost_of_a = simd.sub_f64s(a, simd.sub_f64s(sum, of_b));
    [sum, simd.add_f64s(lost_of_a, simd.sub_f64s(b, of_b))]
}

fn plus(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    let [sum, lost] = two_sum(a[0], b[0]);
    two_sum(sum, lost + (a[1] + b[1]))
}

fn times(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    let product = a[0] * b[0];
    let lost = a[0].mul_add(b[0], -product);
    two_sum(product, lost + (a[0] * b[1] + a[1] * b[0]))
}

fn divided(a: [f64; 2], by: f64) -> [f64; 2] {
    let quotient = a[0] / by;
    let rest = (-quotient).mul_add(by, a[0]) + a[1];
    two_sum(quotient, rest / by)
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
            origin: moments.defined_mean().map(|[origin, _]| origin),
            mean: moments.defined_mean().map(|[_, rest]| rest),
            powers: moments.powers.map(finite),
        }
    }
}

impl TryFrom<Written> for Moments {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self> {
        let reversed = written
            .least
            .zip(written.greatest)
            .is_some_and(|(a, b)| a > b);
        if reversed || written.powers[0].is_some_and(|power| power < 0.0) {
            return Err(Error::invalid(
                "moments must have a least value up to the greatest and no negative squares, got others",
            ));
        }
        let defined = |value: Option<f64>| value.unwrap_or(f64::NAN);
        let [least, greatest] = match written.count {
            0 => [f64::INFINITY, f64::NEG_INFINITY],
            _ => [f64::NEG_INFINITY, f64::INFINITY], // what is left out of some is infinite
        };
        Ok(Self {
            count: written.count,
            least: written.least.unwrap_or(least),
            greatest: written.greatest.unwrap_or(greatest),
            mean: two_sum(defined(written.origin), defined(written.mean)),
            powers: written.powers.map(defined),
        })
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

    /// Sums of integers are exact: values are multiples of 2^-8, two of them ±1e12, anywhere in the order.
    #[test]
    fn sentinels_anywhere_leave_the_bound() {
        const N: usize = 20_000;
        const UNIT: f64 = 256.0;
        let plain = |i: usize| (i as i128 * 7_919) % 10_007 - 300;
        let sentinel = 1_000_000_000_000 * UNIT as i128;
        let u = f64::EPSILON / 2.0;
        for places in [
            [0, 1],
            [0, N - 1],
            [9_999, 10_000],
            [N - 2, N - 1],
            [5, 12_345],
        ] {
            let mut exact: Vec<i128> = (0..N).map(plain).collect();
            exact[places[0]] = sentinel;
            exact[places[1]] = -sentinel;
            let sum: i128 = exact.iter().sum();
            let squares: i128 = exact.iter().map(|x| x * x).sum();
            let mean = sum as f64 / (N as f64 * UNIT);
            let n = N as i128;
            let variance =
                (n * squares - sum * sum) as f64 / (N as f64 * UNIT * UNIT) / (N - 1) as f64;
            let values: Vec<f64> = exact.iter().map(|&x| x as f64 / UNIT).collect();
            let merged = |size: usize| {
                let parts = values.chunks(size).rev().map(Moments::of);
                parts.fold(Moments::default(), |mut all, part| {
                    all.merge(&part);
                    all
                })
            };
            let blocks = N.div_ceil(1_024);
            for (moments, k) in [
                (Moments::of(&values), blocks),
                (values.iter().copied().collect(), N),
                (merged(777), N.div_ceil(777)),
                (merged(3_001), 7 * 3),
            ] {
                let k = k as f64;
                let of_mean = u * mean.abs() + (16_384.0 + 32.0 * k) * u * u * 1e12;
                let off = (moments.mean().unwrap() - mean).abs();
                assert!(
                    off <= of_mean + u * mean.abs(),
                    "{off} beyond {of_mean} at {places:?}"
                ); // the expected mean is rounded too
                let off = (moments.variance().unwrap() / variance - 1.0).abs();
                assert!(off <= (256.0 + 8.0 * k + 4.0) * u, "{off} at {places:?}");
            }
        }
    }

    /// The mean lies between two floats, and deviations are from it, not from the nearest float.
    #[test]
    fn deviations_are_from_both_parts_of_the_mean() {
        let moments = Moments::of(&[1.0, 1.0_f64.next_up()]);
        assert_eq!(moments.variance(), Some(f64::EPSILON.powi(2) / 2.0));
    }

    #[test]
    fn a_mean_is_defined_where_its_sum_overflows() {
        assert_eq!(Moments::of(&[1e308; 5_000]).mean(), Some(1e308));
        assert_eq!(Moments::of(&[-1e308, 1e308]).mean(), Some(0.0));
    }

    /// Which zero is the least depends on nothing: neither their order nor the width of vectors.
    #[test]
    fn zeros_are_positive() {
        for values in [[0.0, -0.0], [-0.0, 0.0], [-0.0, -0.0]] {
            let many = values.repeat(9);
            for moments in [Moments::of(&many), many.iter().copied().collect()] {
                let ends = [moments.least(), moments.greatest()];
                assert!(ends.into_iter().all(|end| end.unwrap().is_sign_positive()));
            }
        }
    }

    #[test]
    fn moments_that_contradict_themselves_are_not_read() {
        let text = serde_json::to_string(&Moments::of(&[1.0, 2.0])).unwrap();
        let read = |from: &str, to: &str| serde_json::from_str::<Moments>(&text.replace(from, to));
        assert!(read("2.0", "2.0").is_ok());
        assert!(read("\"greatest\":2.0", "\"greatest\":0.5").is_err());
        assert!(read("[0.5", "[-0.5").is_err());
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
