//! Where does a bounded mean lie? An interval that may be read after every unit.

use serde::{Deserialize, Serialize};

use super::{Interval, Sides, SignificanceLevel};
use crate::OutOfRange;

/// A confidence sequence for the mean of a bounded quantity: the predictable plug-in
/// empirical-Bernstein sequence (Waudby-Smith & Ramdas, "Estimating means of bounded random variables
/// by betting", JRSS-B 2024, arXiv 2010.09686, theorem 2), two-sided unless asked otherwise, with running intersection.
/// [`BettingSequence`](super::BettingSequence) is tighter and dearer.
///
/// # Guarantee
/// If at every unit the mean given the past is the same `mu`, then P(some interval ever misses `mu`)
/// ≤ `alpha`. It does not cover a mean that moves. See [`MeanBet`](super::MeanBet) on units.
///
/// # Cost
/// Constant time and memory a unit. Width about `2 sqrt(2 var ln(2/alpha) ln(t) / t)`.
///
/// ```
/// use mlops_core::evidence::{MeanSequence, SignificanceLevel};
///
/// let mut loss = MeanSequence::new(0.0, 1.0, SignificanceLevel::FIVE_PERCENT)?;
/// for t in 0..2_000 {
///     loss.observe(if t % 4 == 0 { 1.0 } else { 0.0 })?;
/// }
/// assert!(loss.interval().contains(0.25));
/// assert!(loss.interval().width() < 0.15);
/// # Ok::<(), mlops_core::OutOfRange>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanSequence {
    low: f64,
    high: f64,
    #[serde(default)]
    sides: Sides,
    alpha: SignificanceLevel,
    units: u64,
    sum: f64,
    squares: f64,
    stakes: f64,
    staked: f64,
    penalty: f64,
    bounds: (f64, f64),
}

impl MeanSequence {
    /// A sequence for a quantity in `[low, high]` that misses with probability at most `alpha`, ever.
    ///
    /// # Errors
    /// [`OutOfRange`] unless `low < high`, both finite.
    pub fn new(low: f64, high: f64, alpha: SignificanceLevel) -> Result<Self, OutOfRange> {
        if !(low.is_finite() && high.is_finite() && low < high) {
            let range = format!("({low}, inf)");
            return Err(OutOfRange::new("upper end of the range", range, high));
        }
        Ok(Self {
            low,
            high,
            sides: Sides::Both,
            alpha,
            units: 0,
            sum: 0.0,
            squares: 0.0,
            stakes: 0.0,
            staked: 0.0,
            penalty: 0.0,
            bounds: (0.0, 1.0),
        })
    }

    /// The same with one end alone, which then has the whole of alpha.
    ///
    /// ```
    /// use mlops_core::evidence::{MeanSequence, Sides, SignificanceLevel};
    /// let both = MeanSequence::new(0.0, 1.0, SignificanceLevel::FIVE_PERCENT)?;
    /// let mut upper = both.sides(Sides::Upper);
    /// upper.observe(0.2)?;
    /// assert_eq!(upper.interval().low(), 0.0);
    /// # Ok::<(), mlops_core::OutOfRange>(())
    /// ```
    #[must_use]
    pub fn sides(self, sides: Sides) -> Self {
        Self { sides, ..self }
    }

    /// Takes in one unit.
    ///
    /// # Errors
    /// [`OutOfRange`] for a value outside the declared range, NaN included; nothing is changed then.
    pub fn observe(&mut self, value: f64) -> Result<(), OutOfRange> {
        if !(self.low..=self.high).contains(&value) {
            let range = format!("[{}, {}]", self.low, self.high);
            return Err(OutOfRange::new("value", range, value));
        }
        let x = (value - self.low) / (self.high - self.low);
        let seen = self.units as f64;
        let ln_confidence = self.sides.ln_confidence(self.alpha);

        // Mean and variance before this unit, each with one pseudo-observation.
        let mean_before = (0.5 + self.sum) / (seen + 1.0);
        let variance_before = (0.25 + self.squares) / (seen + 1.0);
        let t = seen + 1.0;
        let stake = (2.0 * ln_confidence / (variance_before * t * (1.0 + t).ln()))
            .sqrt()
            .min(0.5);

        self.units += 1;
        self.sum += x;
        let mean = (0.5 + self.sum) / (t + 1.0);
        self.squares += (x - mean).powi(2);
        self.stakes += stake;
        self.staked += stake * x;
        let psi = (-(-stake).ln_1p() - stake) / 4.0;
        self.penalty += 4.0 * (x - mean_before).powi(2) * psi;

        let centre = self.staked / self.stakes;
        let radius = (ln_confidence + self.penalty) / self.stakes;
        if self.sides.holds_lower() {
            self.bounds.0 = self.bounds.0.max(centre - radius);
        }
        if self.sides.holds_upper() {
            self.bounds.1 = self.bounds.1.min(centre + radius);
        }
        Ok(())
    }

    /// The interval now: the whole range before the first unit. If the mean moved so far that the
    /// intervals no longer intersect, it is the point where they parted.
    pub fn interval(&self) -> Interval {
        let scale = |x: f64| self.low + x * (self.high - self.low);
        let (low, high) = (self.bounds.0.min(self.bounds.1), self.bounds.1);
        let confidence = 1.0 - self.alpha.get();
        Interval::new(scale(low), scale(high), confidence).unwrap_or_else(|_| self.whole_range())
    }

    /// How many units were taken in.
    pub fn units(&self) -> u64 {
        self.units
    }

    /// The plain mean of the units, or `None` before the first.
    pub fn mean(&self) -> Option<f64> {
        (self.units > 0).then(|| self.low + (self.high - self.low) * self.sum / self.units as f64)
    }

    fn whole_range(&self) -> Interval {
        #[allow(clippy::expect_used)] // checked by `new`
        Interval::new(self.low, self.high, 1.0 - self.alpha.get()).expect("low < high")
    }
}
