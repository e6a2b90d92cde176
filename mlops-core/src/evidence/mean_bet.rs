//! Is a bounded mean above a bound? Looked at after every unit.

use serde::{Deserialize, Serialize};

use super::EValue;
use super::measure::log_sum_exp;
use super::range::{require_range, require_same, require_within};
use super::state::{require_bets, require_greatest};
use crate::OutOfRange;

/// How many stakes share the capital: their price is at most `ln 16` = 2.8 nats.
const STAKES: usize = 16;
/// The smallest and the greatest stake, as a fraction of the one that a single unit can ruin.
const FRACTIONS: (f64, f64) = (0.002, 0.95);

/// A bet that the mean of a bounded quantity lies above a bound: capital of `prod(1 + λ(x - bound))`,
/// mixed over 16 stakes λ (Waudby-Smith & Ramdas, "Estimating means of bounded random variables by
/// betting", JRSS-B 2024, arXiv 2010.09686, section 4).
///
/// # Guarantee
/// If at every unit the mean given the past is at most `bound`, then P(the capital ever reaches
/// `1/alpha`) ≤ `alpha`. Nothing is assumed about the distribution, and units need not be independent:
/// it is the *conditional* mean that must stay at or below the bound. A unit is what the caller
/// says it is: rows that share a cause (the weather of one hour) are one unit, fed by their mean.
///
/// To bet that a mean lies *below* a bound, feed the negated quantity with the negated bound.
///
/// # Cost
/// 16 logarithms a unit.
///
/// ```
/// use mlops_core::evidence::{MeanBet, SignificanceLevel};
///
/// // Is the paired loss of the challenger, in [-1, 1], worse by more than 0.01?
/// let mut harm = MeanBet::above(0.01, -1.0, 1.0)?;
/// for _ in 0..200 {
///     harm.observe(0.2)?;
/// }
/// assert!(harm.e_value().rejects_at(SignificanceLevel::ONE_PERCENT));
/// # Ok::<(), mlops_core::OutOfRange>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct MeanBet {
    bound: f64,
    low: f64,
    high: f64,
    ln_wealth: Vec<f64>,
    greatest_ln: f64,
    units: u64,
}

/// A state as it is read, before its parts are known to agree.
#[derive(Deserialize)]
struct Written {
    bound: f64,
    low: f64,
    high: f64,
    ln_wealth: Vec<f64>,
    greatest_ln: f64,
    units: u64,
}

impl TryFrom<Written> for MeanBet {
    type Error = OutOfRange;

    fn try_from(written: Written) -> Result<Self, OutOfRange> {
        require_bets(written.ln_wealth.iter(), STAKES, written.units)?;
        let read = Self {
            ln_wealth: written.ln_wealth,
            greatest_ln: written.greatest_ln,
            units: written.units,
            ..Self::above(written.bound, written.low, written.high)?
        };
        require_greatest(read.greatest_ln, read.e_value())?;
        Ok(read)
    }
}

impl MeanBet {
    /// A bet on a mean above `bound` of a quantity in `[low, high]`.
    ///
    /// # Errors
    /// [`OutOfRange`] unless `low < bound < high` and `high - low < inf`.
    pub fn above(bound: f64, low: f64, high: f64) -> Result<Self, OutOfRange> {
        require_range(low, high)?;
        if !(low < bound && bound < high) {
            return Err(OutOfRange::new("bound", format!("({low}, {high})"), bound));
        }
        Ok(Self {
            bound,
            low,
            high,
            ln_wealth: vec![0.0; STAKES],
            greatest_ln: 0.0,
            units: 0,
        })
    }

    /// Takes in one unit.
    ///
    /// # Errors
    /// [`OutOfRange`] for a value outside the declared range, NaN included; nothing is changed then.
    pub fn observe(&mut self, value: f64) -> Result<(), OutOfRange> {
        require_within(value, self.low, self.high)?;
        // A stake of 1/(bound - low) loses all at the least value: every fraction stays below 1. Less than what a bound next to the least
        // value would win, rather than infinite evidence.
        let surplus = ((value - self.bound) / (self.bound - self.low)).min(f64::MAX);
        for (ln_wealth, fraction) in self.ln_wealth.iter_mut().zip(fractions()) {
            *ln_wealth += (fraction * surplus).ln_1p();
        }
        self.units += 1;
        self.greatest_ln = self.greatest_ln.max(self.e_value().ln());
        Ok(())
    }

    /// The units of a bet of the same settings, from another shard, say: stake by stake, what both have won is multiplied.
    ///
    /// The units of both must be independent of one another: see the [module](super) on what must not be merged.
    ///
    /// # Errors
    /// [`OutOfRange`] for another bound or range; nothing is changed then.
    ///
    /// ```
    /// use mlops_core::evidence::MeanBet;
    /// let shard = |values: &[f64]| {
    ///     let mut bet = MeanBet::above(0.1, 0.0, 1.0)?;
    ///     values.iter().try_for_each(|value| bet.observe(*value))?;
    ///     Ok::<_, mlops_core::OutOfRange>(bet)
    /// };
    /// let mut merged = shard(&[0.4, 0.0])?;
    /// merged.merge(&shard(&[0.9])?)?;
    /// assert!((merged.e_value().ln() - shard(&[0.4, 0.0, 0.9])?.e_value().ln()).abs() < 1e-12);
    /// # Ok::<(), mlops_core::OutOfRange>(())
    /// ```
    pub fn merge(&mut self, other: &Self) -> Result<(), OutOfRange> {
        self.require_like(other)?;
        for (ln_wealth, other) in self.ln_wealth.iter_mut().zip(&other.ln_wealth) {
            *ln_wealth += other;
        }
        self.units += other.units;
        self.greatest_ln = self.greatest_ln.max(self.e_value().ln());
        Ok(())
    }

    /// That another bet has the same settings.
    pub(super) fn require_like(&self, other: &Self) -> Result<(), OutOfRange> {
        require_same("the other's bound", self.bound, other.bound)?;
        require_same("lower end of the other's range", self.low, other.low)?;
        require_same("upper end of the other's range", self.high, other.high)
    }

    /// The evidence now.
    pub fn e_value(&self) -> EValue {
        EValue::from_ln(log_sum_exp(&self.ln_wealth) - (STAKES as f64).ln())
    }

    /// The greatest evidence so far: `1/alpha` bounds it, too. After a merge that of the path of this bet, then of both.
    pub fn greatest(&self) -> EValue {
        EValue::from_ln(self.greatest_ln)
    }

    /// How many units were taken in.
    pub fn units(&self) -> u64 {
        self.units
    }

    /// The bound that is bet against.
    pub fn bound(&self) -> f64 {
        self.bound
    }
}

fn fractions() -> impl Iterator<Item = f64> {
    let (low, high) = (FRACTIONS.0.ln(), FRACTIONS.1.ln());
    (0..STAKES).map(move |j| (low + (high - low) * j as f64 / (STAKES - 1) as f64).exp())
}
