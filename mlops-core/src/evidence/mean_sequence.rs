//! Where does a bounded mean lie? An interval that may be read after every unit.

use serde::{Deserialize, Serialize};

use super::range::{require_range, require_same, require_within, value_at};
use super::state::require_part;
use super::{Interval, Sides, SignificanceLevel};
use crate::OutOfRange;

/// A confidence sequence for the mean of a bounded quantity: the predictable plug-in
/// empirical-Bernstein sequence (Waudby-Smith & Ramdas, "Estimating means of bounded random variables
/// by betting", JRSS-B 2024, arXiv 2010.09686, theorem 2), with running intersection.
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
/// use mlops_core::evidence::{MeanSequence, Sides, SignificanceLevel};
///
/// let mut loss = MeanSequence::new(0.0, 1.0, Sides::Both, SignificanceLevel::FIVE_PERCENT)?;
/// for t in 0..2_000 {
///     loss.observe(if t % 4 == 0 { 1.0 } else { 0.0 })?;
/// }
/// assert!(loss.interval().is_some_and(|mean| mean.contains(0.25) && mean.width() < 0.15));
/// # Ok::<(), mlops_core::OutOfRange>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct MeanSequence {
    low: f64,
    high: f64,
    sides: Sides,
    alpha: SignificanceLevel,
    units: u64,
    sum: f64,
    squares: f64,
    stakes: f64,
    staked: f64,
    penalty: f64,
    /// In units of the range; the lower one lies above the upper one once the mean is known to have moved.
    bounds: (f64, f64),
}

/// A state as it is read, before its parts are known to agree.
#[derive(Deserialize)]
struct Written {
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

impl TryFrom<Written> for MeanSequence {
    type Error = OutOfRange;

    fn try_from(written: Written) -> Result<Self, OutOfRange> {
        let units = written.units as f64;
        // Before the first unit nothing is staked; then something is, since a share of nothing is no centre.
        let (least, most) = match written.units {
            0 => (0.0, 0.0),
            _ => (f64::MIN_POSITIVE, f64::MAX),
        };
        require_part("sum of a state", written.sum, 0.0, units)?;
        require_part("sum of squares", written.squares, 0.0, units)?;
        require_part("sum of stakes", written.stakes, least, units / 2.0)?;
        require_part("what was staked", written.staked, 0.0, written.stakes)?;
        require_part("penalty", written.penalty, 0.0, most)?;
        require_part("lower bound", written.bounds.0, 0.0, 1.0)?;
        require_part("upper bound", written.bounds.1, 0.0, 1.0)?;
        Ok(Self {
            units: written.units,
            sum: written.sum,
            squares: written.squares,
            stakes: written.stakes,
            staked: written.staked,
            penalty: written.penalty,
            bounds: written.bounds,
            ..Self::new(written.low, written.high, written.sides, written.alpha)?
        })
    }
}

impl MeanSequence {
    /// A sequence for a quantity in `[low, high]` that misses with probability at most `alpha`, ever. Which ends it promises is settled
    /// before the first unit.
    ///
    /// # Errors
    /// [`OutOfRange`] unless `0 < high - low < inf`.
    pub fn new(
        low: f64,
        high: f64,
        sides: Sides,
        alpha: SignificanceLevel,
    ) -> Result<Self, OutOfRange> {
        require_range(low, high)?;
        Ok(Self {
            low,
            high,
            sides,
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

    /// Takes in one unit.
    ///
    /// # Errors
    /// [`OutOfRange`] for a value outside the declared range, NaN included; nothing is changed then.
    pub fn observe(&mut self, value: f64) -> Result<(), OutOfRange> {
        require_within(value, self.low, self.high)?;
        let x = (value - self.low) / (self.high - self.low);
        let t = self.units as f64 + 1.0;

        // Mean and variance before this unit, each with one pseudo-observation.
        let mean_before = (0.5 + self.sum) / t;
        let variance_before = (0.25 + self.squares) / t;
        let ln_confidence = self.sides.ln_confidence(self.alpha);
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
        self.draw_bounds();
        Ok(())
    }

    fn draw_bounds(&mut self) {
        if self.units == 0 {
            return;
        }
        let centre = self.staked / self.stakes;
        let radius = (self.sides.ln_confidence(self.alpha) + self.penalty) / self.stakes;
        if self.sides.holds_lower() {
            self.bounds.0 = self.bounds.0.max(centre - radius);
        }
        if self.sides.holds_upper() {
            self.bounds.1 = self.bounds.1.min(centre + radius);
        }
    }

    /// The units of a sequence of the same settings and the same mean, from another shard, say. The interval is that of all units together,
    /// in whichever order states are merged; the running intersection starts anew with it.
    ///
    /// The units of both must be independent of one another: see the [module](super) on what must not be merged.
    ///
    /// # Errors
    /// [`OutOfRange`] for another range, other sides or another level; nothing is changed then.
    ///
    /// ```
    /// use mlops_core::evidence::{MeanSequence, Sides, SignificanceLevel};
    /// let shard = |first: u32| {
    ///     let mut loss = MeanSequence::new(0.0, 1.0, Sides::Both, SignificanceLevel::FIVE_PERCENT)?;
    ///     (first..first + 400).try_for_each(|t| loss.observe(f64::from(t % 3 % 2)))?;
    ///     Ok::<_, mlops_core::OutOfRange>(loss)
    /// };
    /// let mut both = shard(0)?;
    /// both.merge(&shard(400)?)?;
    /// assert_eq!(both.units(), 800);
    /// assert!(both.interval().unwrap().width() < shard(0)?.interval().unwrap().width());
    /// # Ok::<(), mlops_core::OutOfRange>(())
    /// ```
    pub fn merge(&mut self, other: &Self) -> Result<(), OutOfRange> {
        require_same("lower end of the other's range", self.low, other.low)?;
        require_same("upper end of the other's range", self.high, other.high)?;
        self.sides.require_same(other.sides)?;
        require_same("the other's level", self.alpha.get(), other.alpha.get())?;
        self.units += other.units;
        self.sum += other.sum;
        self.squares += other.squares;
        self.stakes += other.stakes;
        self.staked += other.staked;
        self.penalty += other.penalty;
        self.bounds = (0.0, 1.0);
        self.draw_bounds();
        Ok(())
    }

    /// The interval now: the whole range before the first unit. `None` once the intervals so far have no point in common: with confidence
    /// `1 - alpha` there is no such mean, because it has moved.
    pub fn interval(&self) -> Option<Interval> {
        let end = |share| value_at(share, self.low, self.high);
        Interval::new(
            end(self.bounds.0),
            end(self.bounds.1),
            1.0 - self.alpha.get(),
        )
        .ok()
    }

    /// How many units were taken in.
    pub fn units(&self) -> u64 {
        self.units
    }

    /// The plain mean of the units, or `None` before the first.
    pub fn mean(&self) -> Option<f64> {
        (self.units > 0).then(|| value_at(self.sum / self.units as f64, self.low, self.high))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The lemma that the guarantee rests on, by sums over laws of two points with mean m: at every state,
    /// E exp(stake·(x − m) − penalty) ≤ 1, for both signs. With half the penalty it is not so.
    #[test]
    fn no_step_is_worth_more_than_it_costs() {
        let mut dearest = [0.0_f64; 2];
        for seen in [
            &[][..],
            &[0.0; 3],
            &[1.0; 5],
            &[0.4, 0.6, 0.5, 0.5, 0.4],
            &[0.0, 1.0, 1.0],
        ] {
            let alpha = SignificanceLevel::FIVE_PERCENT;
            let mut before = MeanSequence::new(0.0, 1.0, Sides::Both, alpha).unwrap();
            seen.iter().for_each(|x| before.observe(*x).unwrap());
            for (low, high) in [(0.0, 1.0), (0.2, 1.0), (0.0, 0.6), (0.45, 0.55)] {
                for share in [0.01, 0.2, 0.5, 0.9] {
                    let mean = low + share * (high - low);
                    let worth = |sign: f64, price: f64| {
                        let factor = |x: f64| {
                            let mut after = before.clone();
                            after.observe(x).unwrap();
                            let won = after.staked
                                - before.staked
                                - mean * (after.stakes - before.stakes);
                            (sign * won - price * (after.penalty - before.penalty)).exp()
                        };
                        (1.0 - share) * factor(low) + share * factor(high)
                    };
                    for (dearest, price) in dearest.iter_mut().zip([1.0, 0.5]) {
                        *dearest = dearest.max(worth(1.0, price)).max(worth(-1.0, price));
                    }
                }
            }
        }
        assert!(dearest[0] <= 1.0 + 1e-15, "{dearest:?}");
        assert!(dearest[1] > 1.0, "{dearest:?}");
    }
}
