//! Where does a bounded mean lie? By betting against every value that it could have.

use serde::{Deserialize, Serialize};

use super::range::{require_range, require_same, require_within, value_at};
use super::state::{require_bets, require_part};
use super::{Interval, Sides, SignificanceLevel};
use crate::OutOfRange;

/// Means that are bet against; they lie closer together towards the ends of the range.
const MEANS: usize = 512;
/// The share of the capital that a single unit can cost at most.
const MOST: f64 = 0.5;

/// A confidence sequence for the mean of a bounded quantity, by betting: those means against which no bet has won 1/alpha.
///
/// Tighter than [`MeanSequence`](super::MeanSequence) where values are rarely far from one end, as losses and failures are: at a mean
/// of 0.02 a seventh narrower after 500 units. On a grid of means, widened to the next point: never too narrow, and never narrower than a
/// step, which is at most 0.0031 of the range, in its middle.
///
/// # Guarantee
/// If at every unit the mean given the past is the same `mu`, then P(some interval ever misses `mu`) ≤ `alpha`. It does not
/// cover a mean that moves. See [`MeanBet`](super::MeanBet) on units.
/// **Source**: Waudby-Smith & Ramdas, "Estimating means of bounded random variables by betting", JRSS-B 2024 (arXiv
/// 2010.09686), theorem 3 (hedged capital), with predictable plug-in bets, at most half of the capital.
///
/// # Cost
/// Some thousand logarithms and 8 KiB a sequence and unit.
///
/// ```
/// use mlops_core::evidence::{BettingSequence, Sides, SignificanceLevel};
///
/// let mut loss = BettingSequence::new(0.0, 1.0, Sides::Both, SignificanceLevel::FIVE_PERCENT)?;
/// for t in 0..2_000 {
///     loss.observe(if t % 50 == 0 { 1.0 } else { 0.0 })?;
/// }
/// assert!(loss.interval().is_some_and(|mean| mean.contains(0.02) && mean.width() < 0.03));
/// # Ok::<(), mlops_core::OutOfRange>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct BettingSequence {
    low: f64,
    high: f64,
    sides: Sides,
    alpha: SignificanceLevel,
    units: u64,
    sum: f64,
    squares: f64,
    /// Per mean, the logarithm of what bets on more and on less have won.
    ln_wealth: Vec<[f64; 2]>,
    /// In units of the range; the lower one lies above the upper one once the mean is known to have moved.
    bounds: (f64, f64),
}

/// A state as it is read, before its parts are known to agree.
#[derive(Deserialize)]
struct Written {
    low: f64,
    high: f64,
    sides: Sides,
    alpha: SignificanceLevel,
    units: u64,
    sum: f64,
    squares: f64,
    ln_wealth: Vec<[f64; 2]>,
    bounds: (f64, f64),
}

impl TryFrom<Written> for BettingSequence {
    type Error = OutOfRange;

    fn try_from(written: Written) -> Result<Self, OutOfRange> {
        let bets = written.ln_wealth.as_flattened();
        require_bets(bets.iter(), 2 * (MEANS + 1), written.units)?;
        let units = written.units as f64;
        require_part("sum of a state", written.sum, 0.0, units)?;
        require_part("sum of squares", written.squares, 0.0, units)?;
        require_part("lower bound", written.bounds.0, 0.0, 1.0)?;
        require_part("upper bound", written.bounds.1, 0.0, 1.0)?;
        Ok(Self {
            units: written.units,
            sum: written.sum,
            squares: written.squares,
            ln_wealth: written.ln_wealth,
            bounds: written.bounds,
            ..Self::new(written.low, written.high, written.sides, written.alpha)?
        })
    }
}

impl BettingSequence {
    /// A sequence for a quantity in `[low, high]` that misses with probability at most `alpha`, ever.
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
            ln_wealth: vec![[0.0; 2]; MEANS + 1],
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
        let stake = self.stake();
        for (point, wealth) in self.ln_wealth.iter_mut().enumerate() {
            let mean = mean_at(point);
            // A stake of 1/mean would lose all at 0, one of 1/(1 - mean) at 1.
            wealth[0] += (stake.min(MOST / mean) * (x - mean)).ln_1p();
            wealth[1] += (stake.min(MOST / (1.0 - mean)) * (mean - x)).ln_1p();
        }
        self.units += 1;
        self.sum += x;
        self.squares += (x - (0.5 + self.sum) / (self.units as f64 + 1.0)).powi(2);
        self.draw_bounds();
        Ok(())
    }

    /// What is known before the next unit decides how much is bet on it.
    fn stake(&self) -> f64 {
        let t = self.units as f64 + 1.0;
        let variance = (0.25 + self.squares) / t;
        let ln_confidence = self.sides.ln_confidence(self.alpha);
        (2.0 * ln_confidence / (variance * t * (1.0 + t).ln())).sqrt()
    }

    /// A bet on more than m wins less the greater m is, so it is lost from some m on; the other way round for less.
    fn draw_bounds(&mut self) {
        let won = self.sides.ln_confidence(self.alpha);
        let lower = self.ln_wealth.iter().rposition(|wealth| wealth[0] >= won);
        let upper = self.ln_wealth.iter().position(|wealth| wealth[1] >= won);
        if let Some(point) = lower.filter(|_| self.sides.holds_lower()) {
            self.bounds.0 = self.bounds.0.max(mean_at(point));
        }
        if let Some(point) = upper.filter(|_| self.sides.holds_upper()) {
            self.bounds.1 = self.bounds.1.min(mean_at(point));
        }
    }

    /// The units of a sequence of the same settings and the same mean, from another shard, say: what both have won is multiplied. The interval is
    /// that of all units together, in whichever order states are merged; the running intersection starts anew with it.
    ///
    /// The units of both must be independent of one another: see the [module](super) on what must not be merged.
    ///
    /// # Errors
    /// [`OutOfRange`] for another range, other sides or another level; nothing is changed then.
    ///
    /// ```
    /// use mlops_core::evidence::{BettingSequence, Sides, SignificanceLevel};
    /// let shard = |first: u32| {
    ///     let mut loss = BettingSequence::new(0.0, 1.0, Sides::Both, SignificanceLevel::FIVE_PERCENT)?;
    ///     (first..first + 100).try_for_each(|t| loss.observe(f64::from(t % 3 % 2)))?;
    ///     Ok::<_, mlops_core::OutOfRange>(loss)
    /// };
    /// let mut both = shard(0)?;
    /// both.merge(&shard(100)?)?;
    /// assert_eq!(both.units(), 200);
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
        for (wealth, other) in self.ln_wealth.iter_mut().zip(&other.ln_wealth) {
            *wealth = [wealth[0] + other[0], wealth[1] + other[1]];
        }
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
}

/// Ascending from 0 to 1, closer together towards both.
fn mean_at(point: usize) -> f64 {
    let angle = std::f64::consts::FRAC_PI_2 * point as f64 / MEANS as f64;
    angle.sin().powi(2)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// By sums over laws of two points with mean m, at every m of the grid: a step multiplies either capital by 1 on average if m is the mean,
    /// and by no more if the mean is lower (bets on more) or higher (bets on less).
    #[test]
    fn every_bet_is_fair_at_its_mean() {
        let mut before =
            BettingSequence::new(0.0, 1.0, Sides::Both, SignificanceLevel::ONE_PERCENT).unwrap();
        for seen in [0.5, 0.0, 0.0, 1.0, 0.02, 0.9, 1.0] {
            let after = [0.0, 0.37, 1.0].map(|x| {
                let mut after = before.clone();
                after.observe(x).unwrap();
                after
            });
            for point in 1..MEANS {
                let factor = |outcome: usize, side: usize| {
                    (after[outcome].ln_wealth[point][side] - before.ln_wealth[point][side]).exp()
                };
                let mean = mean_at(point);
                let expected = |low: usize, high: usize, mean: f64, side| {
                    let ends = [0.0, 0.37, 1.0];
                    let share = (mean - ends[low]) / (ends[high] - ends[low]);
                    (1.0 - share) * factor(low, side) + share * factor(high, side)
                };
                for side in [0, 1] {
                    assert!(
                        (expected(0, 2, mean, side) - 1.0).abs() < 1e-12,
                        "{mean}, {side}"
                    );
                    let (low, high) = if mean <= 0.37 { (0, 1) } else { (1, 2) };
                    assert!(
                        (expected(low, high, mean, side) - 1.0).abs() < 1e-12,
                        "{mean}, {side}"
                    );
                    let further = if side == 0 {
                        mean / 2.0
                    } else {
                        f64::midpoint(mean, 1.0)
                    };
                    assert!(expected(0, 2, further, side) < 1.0, "{mean}, {side}");
                }
            }
            before.observe(seen).unwrap();
        }
    }
}
