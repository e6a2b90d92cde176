//! Hypotheses that come one after another, for ever: each is decided when it comes.

use mlops_core::evidence::{EValue, PValue, SignificanceLevel};
use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// The constant that Javanmard and Montanari give the sequence below ("Online rules for control of false discovery rate and false
/// discovery exceedance", Annals of Statistics 46, 2018); its sum is 0.976, so alpha is not spent whole.
const LEVELS: f64 = 0.077_208_38;
/// The threshold of SAFFRON's candidates.
const CANDIDATE: f64 = 0.5;

/// Whether an e-value rejects at this level: it is at least the reciprocal.
pub(crate) fn is_rejected(e: EValue, level: f64) -> bool {
    e.ln() >= -level.ln()
}

/// The share of alpha for the j-th test since an event, from 1: 0.0772·ln(max(j, 2))/(j·exp(√ln j)). Falls slowly.
fn share(j: u64) -> f64 {
    let j = j as f64;
    LEVELS * j.max(2.0).ln() / (j * j.ln().sqrt().exp())
}

/// Tests that a state may count: no number of them overflows.
const MOST: u64 = 1 << 53;
/// Ages up to this one are exact.
const RECENT: u64 = 1_024;

/// An age, rounded up to a 64th of the power of two below it if it is no longer recent. The share of a greater age is smaller, so that levels are
/// too low, by 2 % at most, and never too high; and it depends on the age alone, so that one more rejection never lowers a level.
fn rounded(age: u64) -> u64 {
    match age {
        0..=RECENT => age,
        _ => age.next_multiple_of(1 << (age.ilog2() - 6)),
    }
}

/// The sum of the shares since every rejection, given the times of these in ascending order: one term for all of one rounded age.
fn shares_since(rejections: &[u64], now: u64) -> f64 {
    let (mut rest, mut sum) = (rejections, 0.0);
    while let Some(&latest) = rest.last() {
        let age = rounded(now - latest);
        let (older, alike) = rest.split_at(rest.partition_point(|&at| now - at > age));
        sum += alike.len() as f64 * share(age);
        rest = older;
    }
    sum
}

/// What became of one hypothesis.
///
/// ```
/// use mlops_core::evidence::{PValue, SignificanceLevel};
/// use mlops_drift::multiplicity::Lord;
/// let decision = Lord::new(SignificanceLevel::FIVE_PERCENT).test(PValue::saturating(1e-6));
/// assert!(decision.rejected && decision.level < 0.05);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OnlineDecision {
    /// The level that this hypothesis was tested at, known before its p-value.
    pub level: f64,
    /// Whether it was rejected.
    pub rejected: bool,
}

/// e-LOND: the false discovery rate over time from e-values, under any dependence.
///
/// **Statistic**: test t has the level alpha·γ(t)·(rejections so far + 1), and rejects an e-value of at least its reciprocal.
/// **Guarantee**: at any time the expected share of false alarms among all alarms so far is at most alpha, however the e-values
/// depend on one another: so for checks that share a reference, and the default over time.
/// **Assumption**: every e-value of a true hypothesis has an expectation of at most 1.
/// **Unit**: one hypothesis, such as a column in a week; that a single e-value is one rests on what its own test calls exchangeable (rows, users,
/// origin-hours), and nothing is asked of the hypotheses among one another.
/// **Cost**: O(1). **Source**: Xu & Ramdas, "Online multiple testing with e-values", AISTATS 2024.
///
/// ```
/// use mlops_core::evidence::{EValue, SignificanceLevel};
/// use mlops_drift::multiplicity::ELond;
/// let mut weekly = ELond::new(SignificanceLevel::FIVE_PERCENT);
/// assert!(!weekly.test(EValue::new(20.0)?).rejected); // enough for one test, not for a stream of them
/// assert!(weekly.test(EValue::new(1e6)?).rejected);
/// # Ok::<(), mlops_core::OutOfRange>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WrittenELond")]
pub struct ELond {
    alpha: SignificanceLevel,
    tests: u64,
    rejections: u64,
}

/// A state as it is read, before its parts are known to agree.
#[derive(Deserialize)]
struct WrittenELond {
    alpha: SignificanceLevel,
    tests: u64,
    rejections: u64,
}

impl TryFrom<WrittenELond> for ELond {
    type Error = Error;

    fn try_from(written: WrittenELond) -> Result<Self> {
        require_past(&[written.rejections], written.tests)?;
        Ok(Self {
            tests: written.tests,
            rejections: written.rejections,
            ..Self::new(written.alpha)
        })
    }
}

impl ELond {
    /// At a false discovery rate of alpha.
    pub fn new(alpha: SignificanceLevel) -> Self {
        Self {
            alpha,
            tests: 0,
            rejections: 0,
        }
    }

    /// The false discovery rate that is promised.
    ///
    /// ```
    /// use mlops_core::evidence::SignificanceLevel;
    /// use mlops_drift::multiplicity::ELond;
    /// assert_eq!(ELond::new(SignificanceLevel::ONE_PERCENT).alpha(), SignificanceLevel::ONE_PERCENT);
    /// ```
    pub fn alpha(&self) -> SignificanceLevel {
        self.alpha
    }

    /// Decides the next hypothesis.
    pub fn test(&mut self, e: EValue) -> OnlineDecision {
        self.tests += 1;
        let level = self.alpha.get() * share(self.tests) * (self.rejections + 1) as f64;
        let rejected = is_rejected(e, level);
        self.rejections += u64::from(rejected);
        OnlineDecision { level, rejected }
    }
}

/// LORD++: the false discovery rate over time from independent p-values; each rejection earns levels for later tests.
///
/// **Statistic**: test t has the level w₀γ(t) + (alpha − w₀)γ(t − τ₁) + alpha·Σ γ(t − τⱼ), j ≥ 2, τⱼ being the tests that rejected, and
/// w₀ = alpha/10. **Guarantee**: at any time the expected share of false alarms among all alarms so far is at most alpha.
/// **Assumption**: p-values independent of one another. Those of checks that share a reference are not: see [`ELond`].
/// **Unit**: one hypothesis, such as a column in a week, whose p-value rests on what its own test calls exchangeable (rows, users, origin-hours);
/// no such unit may have a part in two hypotheses.
/// **Cost**: a share per rejection among the last 1,024 tests, and 64 for every doubling of the tests before these, whose levels are up to 2 %
/// below the formula's; memory of a number per rejection. **Source**: Ramdas, Yang, Wainwright & Jordan, "Online control of the false discovery rate with
/// decaying memory", NeurIPS 2017.
///
/// ```
/// use mlops_core::evidence::{PValue, SignificanceLevel};
/// use mlops_drift::multiplicity::Lord;
/// let mut lord = Lord::new(SignificanceLevel::FIVE_PERCENT);
/// let first = lord.test(PValue::saturating(1e-6)).level;
/// assert!(lord.test(PValue::saturating(0.9)).level > first); // a rejection pays
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WrittenLord")]
pub struct Lord {
    alpha: SignificanceLevel,
    wealth: f64,
    tests: u64,
    rejected: Vec<u64>,
}

/// A state as it is read, before its parts are known to agree.
#[derive(Deserialize)]
struct WrittenLord {
    alpha: SignificanceLevel,
    wealth: f64,
    tests: u64,
    rejected: Vec<u64>,
}

impl TryFrom<WrittenLord> for Lord {
    type Error = Error;

    fn try_from(written: WrittenLord) -> Result<Self> {
        require_past(&written.rejected, written.tests)?;
        Ok(Self {
            tests: written.tests,
            rejected: written.rejected,
            ..Self::with_wealth(written.alpha, written.wealth)?
        })
    }
}

impl Lord {
    /// At a false discovery rate of alpha, with an initial wealth of alpha/10.
    pub fn new(alpha: SignificanceLevel) -> Self {
        Self {
            alpha,
            wealth: alpha.get() / 10.0,
            tests: 0,
            rejected: Vec::new(),
        }
    }

    /// With another initial wealth.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless `0 < wealth < alpha`.
    ///
    /// ```
    /// use mlops_core::evidence::SignificanceLevel;
    /// use mlops_drift::multiplicity::Lord;
    /// assert!(Lord::with_wealth(SignificanceLevel::FIVE_PERCENT, 0.06).is_err());
    /// ```
    pub fn with_wealth(alpha: SignificanceLevel, wealth: f64) -> Result<Self> {
        let wealth = within_wealth(wealth, alpha.get())?;
        Ok(Self {
            wealth,
            ..Self::new(alpha)
        })
    }

    /// Decides the next hypothesis.
    pub fn test(&mut self, p: PValue) -> OnlineDecision {
        self.tests += 1;
        let level = level_at(self.wealth, self.alpha.get(), &self.rejected, self.tests);
        let rejected = p.get() <= level;
        if rejected {
            self.rejected.push(self.tests);
        }
        OnlineDecision { level, rejected }
    }
}

/// SAFFRON: as [`Lord`], but tests that are no candidates (p above one half) cost nothing: more power where many hypotheses are false.
///
/// **Statistic**: as LORD++'s, with (1 − λ)·alpha for alpha and γ of the number of tests since each event that were no candidates, λ = ½,
/// w₀ = alpha/4, levels at most λ. **Guarantee**, **assumption** and **unit**: as [`Lord`]'s; moreover, p-values of true hypotheses must be uniform or larger.
/// **Cost**: as [`Lord`]'s. **Source**: Ramdas, Zrnic, Wainwright & Jordan, "SAFFRON: an adaptive algorithm for online control
/// of the false discovery rate", ICML 2018.
///
/// ```
/// use mlops_core::evidence::{PValue, SignificanceLevel};
/// use mlops_drift::multiplicity::Saffron;
/// let mut saffron = Saffron::new(SignificanceLevel::FIVE_PERCENT);
/// let first = saffron.test(PValue::saturating(0.3)); // a candidate
/// assert_eq!(saffron.test(PValue::saturating(0.9)).level, first.level); // which cost nothing
/// assert!(saffron.test(PValue::saturating(0.9)).level < first.level);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WrittenSaffron")]
pub struct Saffron {
    alpha: SignificanceLevel,
    wealth: f64,
    /// Tests so far that were no candidates.
    idle: u64,
    /// How many of those there were at each rejection.
    rejected: Vec<u64>,
}

/// A state as it is read, before its parts are known to agree.
#[derive(Deserialize)]
struct WrittenSaffron {
    alpha: SignificanceLevel,
    wealth: f64,
    idle: u64,
    rejected: Vec<u64>,
}

impl TryFrom<WrittenSaffron> for Saffron {
    type Error = Error;

    fn try_from(written: WrittenSaffron) -> Result<Self> {
        require_past(&written.rejected, written.idle)?;
        Ok(Self {
            idle: written.idle,
            rejected: written.rejected,
            ..Self::with_wealth(written.alpha, written.wealth)?
        })
    }
}

impl Saffron {
    /// At a false discovery rate of alpha, with an initial wealth of alpha/4.
    pub fn new(alpha: SignificanceLevel) -> Self {
        Self {
            alpha,
            wealth: alpha.get() / 4.0,
            idle: 0,
            rejected: Vec::new(),
        }
    }

    /// With another initial wealth.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless `0 < wealth < alpha / 2`.
    ///
    /// ```
    /// use mlops_core::evidence::SignificanceLevel;
    /// use mlops_drift::multiplicity::Saffron;
    /// assert!(Saffron::with_wealth(SignificanceLevel::FIVE_PERCENT, 0.03).is_err());
    /// ```
    pub fn with_wealth(alpha: SignificanceLevel, wealth: f64) -> Result<Self> {
        let wealth = within_wealth(wealth, (1.0 - CANDIDATE) * alpha.get())?;
        Ok(Self {
            wealth,
            ..Self::new(alpha)
        })
    }

    /// Decides the next hypothesis.
    pub fn test(&mut self, p: PValue) -> OnlineDecision {
        let budget = (1.0 - CANDIDATE) * self.alpha.get();
        let level = level_at(self.wealth, budget, &self.rejected, self.idle + 1);
        let level = level.min(CANDIDATE);
        let rejected = p.get() <= level;
        self.idle += u64::from(p.get() > CANDIDATE);
        if rejected {
            self.rejected.push(self.idle);
        }
        OnlineDecision { level, rejected }
    }
}

/// The initial wealth's share of this time, and the budget's share since every rejection; from the first of them the wealth is taken back.
fn level_at(wealth: f64, budget: f64, rejections: &[u64], now: u64) -> f64 {
    let taken_back = rejections
        .first()
        .map_or(0.0, |first| wealth * share(rounded(now - first)));
    wealth * share(now) + budget * shares_since(rejections, now) - taken_back
}

/// The times of rejections ascend, and none lies ahead.
fn require_past(rejected: &[u64], now: u64) -> Result<()> {
    if now > MOST {
        return Err(Error::invalid(format!(
            "tests must number at most {MOST}, got {now}"
        )));
    }
    if rejected.is_sorted() && rejected.last().is_none_or(|last| *last <= now) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "rejections must ascend to at most {now}, got others"
    )))
}

fn within_wealth(wealth: f64, most: f64) -> Result<f64> {
    if wealth > 0.0 && wealth < most {
        return Ok(wealth);
    }
    Err(Error::invalid(format!(
        "initial wealth must lie in (0, {most}), got {wealth}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first million terms, and an integral above the rest, which the substitution u = √ln j turns into 2u³·exp(−u).
    #[test]
    fn the_shares_sum_to_at_most_one() {
        let terms = 1_000_000_u64;
        let head: f64 = (1..=terms).map(share).sum();
        let u = (terms as f64).ln().sqrt();
        let tail = LEVELS * 2.0 * (-u).exp() * (u.powi(3) + 3.0 * u.powi(2) + 6.0 * u + 6.0);
        assert!((0.97..=1.0).contains(&(head + tail)), "{}", head + tail);
        assert!((1..1_000).all(|j| share(j + 1) <= share(j)));
    }

    /// Ages are rounded up, in order, and by a 64th at most.
    #[test]
    fn rounded_ages_are_close_and_in_order() {
        assert!((0..=RECENT).all(|age| rounded(age) == age));
        for age in RECENT..200_000 {
            let close = age + age / 64;
            assert!((age..=close).contains(&rounded(age)), "{age}");
            assert!(rounded(age) <= rounded(age + 1), "{age}");
        }
    }
}
