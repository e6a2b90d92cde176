//! What two profiles on one grid surely say about the distance of the samples behind them.

use std::cmp::Ordering;
use std::ops::Sub;

use mlops_core::evidence::Distance;
use mlops_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::NumericProfile;
use crate::divergence::{Divergence, Psi, Wasserstein};
use crate::sample::{Moments, Sum};
use crate::two_sample::{KolmogorovSmirnov, TestResult, TwoSampleTest, gcd};

/// More than the relative rounding of two compensated sums, over cells here and over values where the exact distance is computed: a term is
/// a product of a count (exact below 2^53, else rounded once), a width (one subtraction) and a quotient, 2^-53 each, and the sum of terms of one
/// sign adds some 2 · 2^-53 (see [`Sum`]): less than 8 · 2^-53 each. Twice as much for both.
const ROUNDING: f64 = 16.0 * f64::EPSILON;
/// The same of two means and their difference, in parts of the greatest size of a value, see [`Moments`](crate::sample::Moments): 2^-50.
const OF_MEANS: f64 = 1.0 / (1_u64 << 50) as f64;
/// Integers up to here are floats.
const EXACT: u128 = 1 << 53;

/// An interval that surely holds the exact value of a statistic, whatever the values within the cells of a profile.
///
/// **Guarantee**: it holds the value of real numbers, and that which this library computes from the rows in floats: its ends are rounded outward by
/// more than the rounding of both.
///
/// ```
/// use mlops_drift::NumericSample;
/// use mlops_drift::profile::NumericProfile;
///
/// let reference = NumericProfile::with_resolution(&NumericSample::new((0..900).map(f64::from)), 256)?;
/// let current = reference.like(&NumericSample::new((300..1_200).map(f64::from)));
/// let bracket = reference.kolmogorov_smirnov(&current)?;
/// assert!(bracket.contains(1.0 / 3.0) && bracket.width() < 0.01);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bracket {
    /// The exact value is at least this.
    pub low: f64,
    /// The exact value is at most this.
    pub high: f64,
}

impl Bracket {
    /// The upper end less the lower one: what a finer grid could still tell.
    pub fn width(&self) -> f64 {
        self.high - self.low
    }

    /// Whether the value lies inside, ends included.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

impl NumericProfile {
    /// A bracket for Kolmogorov and Smirnov's D, ±inf being ranks at the ends. At every cut D is known exactly; between two cuts
    /// it exceeds that by the reference's share of the cell at most, less than 2/resolution. O(cells).
    ///
    /// # Errors
    /// [`SignatureMismatch`](mlops_core::ErrorKind::SignatureMismatch) for a profile on another grid;
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) if either holds no value.
    pub fn kolmogorov_smirnov(&self, current: &Self) -> Result<Bracket> {
        let steps = Steps::between(self, current)?;
        let unit = steps.unit();
        let [low, high] = steps.greatest_gap();
        Ok(Bracket {
            low: quotient(low, unit)[0],
            high: quotient(high, unit)[1].min(1.0),
        })
    }

    /// A bracket for the Wasserstein-1 distance in the column's own unit. O(cells).
    ///
    /// # Errors
    /// As [`kolmogorov_smirnov`](Self::kolmogorov_smirnov)'s, and
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for infinite values, or a distance that overflows.
    ///
    /// ```
    /// use mlops_drift::{NumericSample, profile::NumericProfile};
    /// let reference = NumericProfile::of(&NumericSample::new([0.0, 1.0]))?;
    /// let current = reference.like(&NumericSample::new([0.0, 3.0]));
    /// assert!(reference.wasserstein(&current)?.contains(1.0));
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn wasserstein(&self, current: &Self) -> Result<Bracket> {
        self.wasserstein_within(current, 0.0)
    }

    /// The same of laws whose distribution functions differ from those of the samples by at most `radius` in all, clamped to the range of the
    /// samples.
    fn wasserstein_within(&self, current: &Self, radius: f64) -> Result<Bracket> {
        let infinite: u64 = [self.infinite(), current.infinite()].iter().flatten().sum();
        if infinite > 0 {
            return Err(Error::invalid(format!(
                "values must be finite for a distance in their unit, got {infinite} that are not"
            )));
        }
        let steps = Steps::between(self, current)?;
        let (mut low, mut high) = (Sum::default(), Sum::default());
        let unit = steps.unit() as f64;
        let mut widths = self.widths(current).into_iter();
        let mut add = |gaps: [f64; 2]| {
            let [least, greatest] = gaps.map(|gap| gap / unit);
            let width = widths.next().unwrap_or(0.0);
            if radius == 0.0 {
                low.add(least * width);
            } else {
                low.add((least - radius - ROUNDING).max(0.0) * width); // the difference cancels digits
            }
            high.add((greatest + radius).min(1.0) * width);
        };
        // The cells that are no points are every other one.
        match steps.are_floats() {
            true => steps
                .cells(floats)
                .step_by(2)
                .for_each(|step| add(step.gaps())),
            false => steps
                .cells(integers)
                .step_by(2)
                .for_each(|step| add(step.gaps().map(|gap| gap as f64))),
        }
        let [low, high] = [low, high].map(Sum::total);
        if !f64::is_finite(high) {
            return Err(Error::invalid("the distance overflows"));
        }
        // Products below the normal floats lose at most the least of these each, which a relative margin does not cover.
        let underflow = |sum: f64| if sum == 0.0 { 0.0 } else { f64::MIN_POSITIVE };
        let high = high * (1.0 + ROUNDING) + underflow(high);
        let low = (low * (1.0 - ROUNDING) - underflow(low)).max(0.0);
        let apart = if radius == 0.0 {
            self.means_apart(current)
        } else {
            0.0
        };
        Ok(Bracket {
            low: low.max(apart).min(high),
            high,
        })
    }

    /// A bound below the distance of the means, which no Wasserstein distance is less than (Kantorovich and Rubinstein: the identity is a function
    /// of slope 1). It tells of values beyond the grid, which its cells do not.
    fn means_apart(&self, current: &Self) -> f64 {
        let moments = [self.moments(), current.moments()];
        let size = moments
            .iter()
            .flat_map(|m| [m.least(), m.greatest()])
            .flatten();
        let size = size.fold(0.0_f64, |size, x| size.max(x.abs()));
        match moments.map(|moments| moments.mean()) {
            [Some(before), Some(now)] => {
                let apart = (now - before).abs() - OF_MEANS * size;
                (apart * (1.0 - ROUNDING)).max(0.0) // the exact distance is rounded as well
            }
            _ => 0.0,
        }
    }

    /// The widths of the open cells; the outer ones end at the extremes of the two samples.
    fn widths(&self, current: &Self) -> Vec<f64> {
        let cuts = self.grid().cuts();
        let (Some(first), Some(last)) = (cuts.first(), cuts.last()) else {
            return Vec::new();
        };
        let extremes = [self.moments(), current.moments()];
        let least = extremes.iter().filter_map(|m| m.least());
        let greatest = extremes.iter().filter_map(|m| m.greatest());
        let left = first - least.fold(*first, f64::min);
        let right = greatest.fold(*last, f64::max) - last;
        let inner = cuts.windows(2).map(|pair| pair[1] - pair[0]);
        std::iter::once(left).chain(inner).chain([right]).collect()
    }

    /// Counts `[reference, current]` in the bins of [`Psi`], which are unions of cells.
    pub(crate) fn in_bins(&self, current: &Self) -> Result<Vec<[u64; 2]>> {
        let steps = Steps::between(self, current)?;
        let cuts = self.grid().cuts();
        let mut edges = self.grid().bins().iter().peekable();
        let [below, above] = steps.infinite();
        if self.finite() == 0 {
            // A reference that is −∞ or +∞ throughout has a bin below, at and above that value.
            let finite = steps.counts().fold([0, 0], plus);
            match self.infinite() {
                [0, _] => return Ok(vec![plus(below, finite), [0, 0], above]),
                [_, 0] => return Ok(vec![[0, 0], below, plus(finite, above)]),
                _ => {}
            }
        }
        let mut bins = vec![below];
        for (index, cell) in steps.counts().enumerate() {
            // The point at a cut begins a bin that ends there.
            let point = (index % 2 == 1).then(|| cuts.get(index / 2)).flatten();
            if edges.next_if(|edge| point == Some(edge)).is_some() {
                bins.push([0, 0]);
            }
            add_to_last(&mut bins, cell);
        }
        add_to_last(&mut bins, above);
        Ok(bins)
    }
}

/// Two profiles on one grid, neither of them empty.
struct Steps<'a> {
    profiles: [&'a NumericProfile; 2],
    sizes: [u64; 2],
}

/// The distribution functions of both samples before and after a cell, in units of [`Steps::unit`].
struct Step<T> {
    before: [T; 2],
    after: [T; 2],
}

/// How many values of either sample.
type Counts = [u64; 2];

fn plus(a: Counts, b: Counts) -> Counts {
    [a[0] + b[0], a[1] + b[1]]
}

fn add_to_last(bins: &mut [Counts], counts: Counts) {
    if let Some(bin) = bins.last_mut() {
        *bin = plus(*bin, counts);
    }
}

/// A count of one sample times the size of the other, where that is no more than [`EXACT`].
fn floats(count: u64, size: u64) -> f64 {
    count as f64 * size as f64
}

/// The same, whatever it is.
fn integers(count: u64, size: u64) -> u128 {
    u128::from(count) * u128::from(size)
}

impl<'a> Steps<'a> {
    fn between(x: &'a NumericProfile, y: &'a NumericProfile) -> Result<Self> {
        x.require_same_grid(y)?;
        let sizes = [x, y].map(NumericProfile::present);
        for (size, role) in sizes.iter().zip(["reference", "current"]) {
            if *size == 0 {
                return Err(Error::invalid(format!(
                    "the {role} profile must hold at least 1 value, got 0"
                )));
            }
        }
        Ok(Self {
            profiles: [x, y],
            sizes,
        })
    }

    /// −∞ and +∞.
    fn infinite(&self) -> [Counts; 2] {
        let [x, y] = self.profiles.map(NumericProfile::infinite);
        [[x[0], y[0]], [x[1], y[1]]]
    }

    /// In each cell: open ones, and between them points.
    fn counts(&self) -> impl Iterator<Item = Counts> {
        let [x, y] = self.profiles.map(NumericProfile::cells);
        x.iter().zip(y).map(|(&x, &y)| [x, y])
    }

    /// The counts of all distinct values, if every value lies at a cut or is infinite.
    fn points(&self) -> Option<Vec<Counts>> {
        let are_points = self.counts().step_by(2).all(|cell| cell == [0, 0]);
        are_points.then(|| {
            let [below, above] = self.infinite();
            let all = std::iter::once(below).chain(self.counts()).chain([above]);
            all.filter(|cell| *cell != [0, 0]).collect()
        })
    }

    fn cells<T>(&self, scaled: impl Fn(u64, u64) -> T) -> impl Iterator<Item = Step<T>> {
        let [n, m] = self.sizes;
        let scaled = move |[i, j]: Counts| [scaled(i, m), scaled(j, n)];
        self.counts().scan(self.infinite()[0], move |sums, cell| {
            let before = *sums;
            *sums = plus(before, cell);
            Some(Step {
                before: scaled(before),
                after: scaled(*sums),
            })
        })
    }

    /// What shares of the one sample less shares of the other are multiples of: one in so many.
    fn unit(&self) -> u128 {
        integers(self.sizes[0], self.sizes[1])
    }

    /// Whether floats tell distribution functions exactly, which is faster.
    fn are_floats(&self) -> bool {
        self.unit() <= EXACT
    }

    /// The least and greatest possible distance of the two distribution functions.
    fn greatest_gap(&self) -> [u128; 2] {
        match self.are_floats() {
            true => greatest(self.cells(floats)).map(|gap| gap as u128),
            false => greatest(self.cells(integers)),
        }
    }
}

/// The greatest of the least and of the greatest distances.
fn greatest<T>(cells: impl Iterator<Item = Step<T>>) -> [T; 2]
where
    T: Copy + Default + PartialOrd + Sub<Output = T>,
{
    let max = |a: T, b: T| if a > b { a } else { b };
    let (mut low, mut high) = (T::default(), T::default());
    for (index, step) in cells.enumerate() {
        let ([f0, g0], [f1, g1]) = (step.before, step.after);
        if index == 0 {
            low = max(beyond(f0, g0), beyond(g0, f0)); // of −∞
        }
        low = max(low, max(beyond(f1, g1), beyond(g1, f1)));
        // At a point both samples step at once.
        if index % 2 == 0 {
            high = max(high, max(beyond(f1, g0), beyond(g1, f0)));
        }
    }
    [low, max(low, high)]
}

impl<T: Copy + Default + PartialOrd + Sub<Output = T>> Step<T> {
    /// The least and greatest distance between the two distribution functions inside an open cell.
    fn gaps(&self) -> [T; 2] {
        let ([f0, g0], [f1, g1]) = (self.before, self.after);
        let max = |a: T, b: T| if a > b { a } else { b };
        [
            max(beyond(f0, g1), beyond(g0, f1)),
            max(beyond(f1, g0), beyond(g1, f0)),
        ]
    }
}

/// How far the first lies above the second.
fn beyond<T: Default + PartialOrd + Sub<Output = T>>(a: T, b: T) -> T {
    if a > b { a - b } else { T::default() }
}

/// The two floats next to a quotient, the same twice if it is one. A remainder tells on which side it was rounded, where both
/// numbers are floats themselves.
fn quotient(gap: u128, unit: u128) -> [f64; 2] {
    let (x, y) = (gap as f64, unit as f64);
    let near = x / y;
    if gap > EXACT || unit > EXACT {
        return [near * (1.0 - ROUNDING), near * (1.0 + ROUNDING)];
    }
    match near.mul_add(y, -x).partial_cmp(&0.0) {
        Some(Ordering::Greater) => [near.next_down(), near],
        Some(Ordering::Less) => [near, near.next_up()],
        _ => [near; 2],
    }
}

/// More than the relative rounding of two standard deviations of the same values, of the profile's moments and of those of the rows, and of the
/// quotients by them. The bound of [`Moments`] holds for the variance, of which a deviation has half; and there are no more blocks than values.
/// It passes one half beyond 2^42 values alone.
fn rounding_of_deviation(moments: &Moments) -> f64 {
    let unit = f64::EPSILON / 2.0;
    let ends = [moments.least(), moments.greatest()];
    let size = ends.iter().flatten().fold(0.0_f64, |a, x| a.max(x.abs()));
    let deviations = size / moments.standard_deviation().unwrap_or(f64::INFINITY);
    let of_squares = (512.0 + 8.0 * moments.count() as f64) * unit;
    let of_offset = 1_024.0 * unit * (unit * deviations).powi(2);
    (of_squares + of_offset).min(0.5)
}

/// Tests at the lower end of the bracket, so that the p-value is never below the exact one: the level holds, whatever the
/// resolution. Given the ties where every value is a cut, as with few distinct values.
impl TwoSampleTest<NumericProfile> for KolmogorovSmirnov {
    fn test(&self, reference: &NumericProfile, current: &NumericProfile) -> Result<TestResult> {
        let steps = Steps::between(reference, current)?;
        if let Some(counts) = steps.points() {
            return Ok(self.judge_tied(&counts));
        }
        let [low, _] = steps.greatest_gap();
        let [n, m] = steps.sizes;
        Ok(self.judge(low / u128::from(gcd(n, m)), n, m))
    }

    fn least_p_value(&self, sizes: [usize; 2]) -> f64 {
        TwoSampleTest::<crate::NumericSample>::least_p_value(self, sizes)
    }
}

/// Exact: the bins end at cuts of the grid. With another number of bins than the default ten it is an error, since no cut need be where
/// they end.
impl Divergence<NumericProfile> for Psi {
    fn divergence(&self, reference: &NumericProfile, current: &NumericProfile) -> Result<Distance> {
        if !self.has_default_bins() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "an index between profiles must have 10 bins, which end at cuts of every grid, got another number",
            ));
        }
        let cells = reference.in_bins(current)?;
        Ok(Distance::new(self.index(&cells), "psi")?)
    }
}

impl Wasserstein {
    /// A bracket for the distance, in this scale.
    ///
    /// # Errors
    /// As [`NumericProfile::wasserstein`]'s; and for a reference that does not vary, in standard deviations.
    ///
    /// ```
    /// use mlops_drift::{NumericSample, divergence::Wasserstein, profile::NumericProfile};
    /// let reference = NumericProfile::of(&NumericSample::new([0.0, 2.0]))?;
    /// let current = reference.like(&NumericSample::new([1.0, 3.0]));
    /// assert!(Wasserstein::default().bracket(&reference, &current)?.contains(1.0));
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn bracket(&self, reference: &NumericProfile, current: &NumericProfile) -> Result<Bracket> {
        self.bracket_within(reference, current, 0.0)
    }

    /// The same of laws within a band, see [`NumericProfile::wasserstein_within`].
    pub(crate) fn bracket_within(
        &self,
        reference: &NumericProfile,
        current: &NumericProfile,
        radius: f64,
    ) -> Result<Bracket> {
        let raw = reference.wasserstein_within(current, radius)?;
        if raw.high == 0.0 {
            return Ok(raw);
        }
        let moments = reference.moments();
        let scaled = self.bracket_in_scale(raw, moments.standard_deviation())?;
        if self.is_raw() {
            return Ok(scaled);
        }
        let margin = rounding_of_deviation(moments);
        Ok(Bracket {
            low: scaled.low * (1.0 - margin),
            high: scaled.high / (1.0 - margin),
        })
    }
}
