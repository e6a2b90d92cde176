//! Has a second stream a greater mean than a first? Looked at after every unit of either.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::range::{require_range, require_same, require_within};
use super::state::require_part;
use super::{EValue, MeanBet};
use crate::OutOfRange;

/// Units that wait for one of the other stream.
const WAITING: usize = 65_536;

/// A bet that the mean of a bounded quantity is greater in a second stream than in a first, by more than a margin: a challenger's loss against
/// a champion's, a canary's latency, cut at a ceiling, against the baseline's.
///
/// The k-th unit of one stream is paired with the k-th of the other, and the difference fed to a [`MeanBet`]; units of the
/// stream that is ahead wait, the last 65,536 of them.
///
/// # Guarantee
/// If in every pair the mean of the second, given the pairs before, is at most that of the first plus the margin, then
/// P(the capital ever reaches `1/alpha`) ≤ `alpha`. **Assumption**: a mean that moves with the time of day must move alike for both of a pair: where one stream runs
/// far ahead of the other, feed both the same share of the traffic, or [`FailureOdds`](super::FailureOdds), whose pairs are requests.
///
/// # Cost
/// 16 logarithms a pair.
///
/// ```
/// use mlops_core::evidence::{MeanDifference, SignificanceLevel};
///
/// let mut harm = MeanDifference::above(0.01, 0.0, 1.0)?;
/// for t in 0..600_u32 {
///     harm.observe_first(if t % 10 == 0 { 1.0 } else { 0.0 })?;
///     harm.observe_second(if t % 3 == 0 { 1.0 } else { 0.0 })?;
/// }
/// assert!(harm.e_value().rejects_at(SignificanceLevel::ONE_PERCENT));
/// # Ok::<(), mlops_core::OutOfRange>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct MeanDifference {
    low: f64,
    high: f64,
    bet: MeanBet,
    /// Of the first and of the second stream; one of them is empty.
    waiting: [VecDeque<f64>; 2],
}

/// A state as it is read, before its parts are known to agree.
#[derive(Deserialize)]
struct Written {
    low: f64,
    high: f64,
    bet: MeanBet,
    waiting: [VecDeque<f64>; 2],
}

impl TryFrom<Written> for MeanDifference {
    type Error = OutOfRange;

    fn try_from(written: Written) -> Result<Self, OutOfRange> {
        let Written {
            low,
            high,
            bet,
            waiting,
        } = written;
        let new = Self::above(bet.bound(), low, high)?;
        new.bet.require_like(&bet)?;
        let [behind, ahead] = {
            let [first, second] = [waiting[0].len(), waiting[1].len()];
            [first.min(second) as f64, first.max(second) as f64]
        };
        require_part("units that wait in both streams", behind, 0.0, 0.0)?;
        require_part("units that wait", ahead, 0.0, WAITING as f64)?;
        let mut values = waiting.iter().flatten();
        values.try_for_each(|value| require_within(*value, low, high))?;
        Ok(Self {
            bet,
            waiting,
            ..new
        })
    }
}

impl MeanDifference {
    /// A bet on a difference above `margin` of a quantity in `[low, high]`.
    ///
    /// # Errors
    /// [`OutOfRange`] unless `low < high`, twice `high - low` is finite, and the margin lies between `low - high` and `high - low`.
    pub fn above(margin: f64, low: f64, high: f64) -> Result<Self, OutOfRange> {
        require_range(low, high)?;
        Ok(Self {
            low,
            high,
            bet: MeanBet::above(margin, low - high, high - low)?,
            waiting: [VecDeque::new(), VecDeque::new()],
        })
    }

    /// Takes in one unit of the first stream.
    ///
    /// # Errors
    /// [`OutOfRange`] for a value outside the declared range, NaN included; nothing is changed then.
    pub fn observe_first(&mut self, value: f64) -> Result<(), OutOfRange> {
        self.observe(0, value)
    }

    /// Takes in one unit of the second stream.
    ///
    /// # Errors
    /// [`OutOfRange`] for a value outside the declared range, NaN included; nothing is changed then.
    ///
    /// ```
    /// use mlops_core::evidence::MeanDifference;
    /// let mut harm = MeanDifference::above(0.0, 0.0, 1.0)?;
    /// assert!(harm.observe_second(1.1).is_err());
    /// harm.observe_second(1.0)?;
    /// assert_eq!(harm.pairs(), 0); // none of the first yet
    /// # Ok::<(), mlops_core::OutOfRange>(())
    /// ```
    pub fn observe_second(&mut self, value: f64) -> Result<(), OutOfRange> {
        self.observe(1, value)
    }

    fn observe(&mut self, stream: usize, value: f64) -> Result<(), OutOfRange> {
        require_within(value, self.low, self.high)?;
        if let Some(other) = self.waiting[1 - stream].pop_front() {
            let difference = if stream == 1 {
                value - other
            } else {
                other - value
            };
            return self.bet.observe(difference);
        }
        if self.waiting[stream].len() == WAITING {
            self.waiting[stream].pop_front();
        }
        self.waiting[stream].push_back(value);
        Ok(())
    }

    /// The pairs of a comparison of the same settings, from another shard, say: what both have won is multiplied. Units of the other that still
    /// wait for a partner are left out: one of this shard might be of another population.
    ///
    /// The pairs of both must be independent of one another: see the [module](super) on what must not be merged.
    ///
    /// # Errors
    /// [`OutOfRange`] for another margin or range; nothing is changed then.
    ///
    /// ```
    /// use mlops_core::evidence::MeanDifference;
    /// let shard = |first: f64, second: f64| {
    ///     let mut harm = MeanDifference::above(0.0, 0.0, 1.0)?;
    ///     harm.observe_first(first)?;
    ///     harm.observe_second(second)?;
    ///     Ok::<_, mlops_core::OutOfRange>(harm)
    /// };
    /// let mut both = shard(0.1, 0.9)?;
    /// both.merge(&shard(0.2, 0.7)?)?;
    /// assert_eq!(both.pairs(), 2);
    /// assert!(both.e_value().get() > shard(0.1, 0.9)?.e_value().get());
    /// # Ok::<(), mlops_core::OutOfRange>(())
    /// ```
    pub fn merge(&mut self, other: &Self) -> Result<(), OutOfRange> {
        require_same("lower end of the other's range", self.low, other.low)?;
        require_same("upper end of the other's range", self.high, other.high)?;
        self.bet.merge(&other.bet)
    }

    /// The evidence now.
    pub fn e_value(&self) -> EValue {
        self.bet.e_value()
    }

    /// The greatest evidence so far: `1/alpha` bounds it, too. After a merge that of the path of this comparison, then of both.
    pub fn greatest(&self) -> EValue {
        self.bet.greatest()
    }

    /// How many pairs were complete.
    pub fn pairs(&self) -> u64 {
        self.bet.units()
    }
}
