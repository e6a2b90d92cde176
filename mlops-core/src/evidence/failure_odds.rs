//! Does one of two arms fail more often? Looked at after every failure.

use serde::{Deserialize, Serialize};

use super::measure::log_sum_exp;
use super::range::require_same;
use super::state::{require_bets, require_greatest};
use super::{EValue, SignificanceLevel};
use crate::OutOfRange;

/// How many alternatives share the bet: their price is at most `ln 16` = 2.8 nats.
const ALTERNATIVES: usize = 16;
/// The smallest and the greatest odds factor that is bet on.
const FACTORS: (f64, f64) = (1.1, 30.0);
/// What the mixture costs against knowing the true factor, in nats (by simulation, at the factors
/// 1.5 to 30): it enters the plan only, never the guarantee.
const MIXTURE_PRICE: f64 = 1.7;

/// The conditional e-process for failures: evidence that the canary fails more than `1 + margin`
/// times as often as the baseline.
///
/// The router knows the canary's share `s` *before* it draws the arm. Look only at the requests that
/// failed, in either arm: if the canary's probability of failing is at most `1 + margin` times the
/// baseline's, then a failure is the canary's with probability at most
/// `q = s(1+m) / (s(1+m) + 1 - s)`. The process is the likelihood ratio of larger odds to `q`, mixed
/// over 16 odds factors from 1.1 to 30.
///
/// # Guarantee
/// Under the null, P(the process ever reaches `1/alpha`) ≤ `alpha`, for any number of looks, any
/// base rate, any schedule of shares, and for an outage that hits both arms alike (Ville's
/// inequality). **Assumption**: each request draws its arm independently, with the share that is
/// passed in. Where users stick to an arm, count a user once, at the first failure, and pass the
/// canary's share among the users who have not failed yet (Grünwald, Ly, Pérez-Ortiz & ter Schure,
/// "The safe log-rank test").
///
/// # Cost
/// 16 logarithms for a failure, nothing for a success.
///
/// ```
/// use mlops_core::evidence::{FailureOdds, SignificanceLevel};
///
/// let mut odds = FailureOdds::new(0.0)?;
/// for _ in 0..12 {
///     odds.observe_failure(0.1, true)?; // all twelve failures fell on the 10 % canary
/// }
/// assert!(odds.e_value().rejects_at(SignificanceLevel::FIVE_PERCENT));
/// # Ok::<(), mlops_core::OutOfRange>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct FailureOdds {
    margin: f64,
    ln_wealth: Vec<f64>,
    greatest_ln: f64,
    baseline_failures: u64,
    canary_failures: u64,
}

/// A state as it is read, before its parts are known to agree.
#[derive(Deserialize)]
struct Written {
    margin: f64,
    ln_wealth: Vec<f64>,
    greatest_ln: f64,
    baseline_failures: u64,
    canary_failures: u64,
}

impl TryFrom<Written> for FailureOdds {
    type Error = OutOfRange;

    fn try_from(written: Written) -> Result<Self, OutOfRange> {
        let failures = written.baseline_failures.max(written.canary_failures);
        require_bets(written.ln_wealth.iter(), ALTERNATIVES, failures)?;
        let read = Self {
            ln_wealth: written.ln_wealth,
            greatest_ln: written.greatest_ln,
            baseline_failures: written.baseline_failures,
            canary_failures: written.canary_failures,
            ..Self::new(written.margin)?
        };
        require_greatest(read.greatest_ln, read.e_value())?;
        Ok(read)
    }
}

impl FailureOdds {
    /// A process that tolerates a canary which fails up to `1 + margin` times as often.
    ///
    /// # Errors
    /// [`OutOfRange`] unless `0 <= margin < inf`.
    pub fn new(margin: f64) -> Result<Self, OutOfRange> {
        if !(0.0..f64::INFINITY).contains(&margin) {
            return Err(OutOfRange::new("margin", "[0, inf)", margin));
        }
        Ok(Self {
            margin,
            ln_wealth: vec![0.0; ALTERNATIVES],
            greatest_ln: 0.0,
            baseline_failures: 0,
            canary_failures: 0,
        })
    }

    /// Takes in one failure. `share` is the probability with which this request was sent to the
    /// canary, as it stood before the draw.
    ///
    /// # Errors
    /// [`OutOfRange`] unless `0 < share < 1`: at 0 and 1 there is nothing to compare.
    pub fn observe_failure(&mut self, share: f64, canary: bool) -> Result<(), OutOfRange> {
        if !(share > 0.0 && share < 1.0) {
            return Err(OutOfRange::new("canary share", "(0, 1)", share));
        }
        // The boundary's probabilities of either arm: a ratio of 1e300 leaves both of them, and what is won, finite.
        let canary_weight = share * (1.0 + self.margin);
        let (of_canary, of_baseline) = (
            canary_weight / (canary_weight + 1.0 - share),
            (1.0 - share) / (canary_weight + 1.0 - share),
        );
        for (ln_wealth, factor) in self.ln_wealth.iter_mut().zip(factors()) {
            let won = if canary { factor } else { 1.0 };
            *ln_wealth += (won / (of_canary * factor + of_baseline)).ln();
        }
        if canary {
            self.canary_failures += 1;
        } else {
            self.baseline_failures += 1;
        }
        self.greatest_ln = self.greatest_ln.max(self.e_value().ln());
        Ok(())
    }

    /// The failures of a process of the same margin, from another replica of the router, say: alternative by alternative, the likelihood
    /// ratios are multiplied.
    ///
    /// The requests of both must be drawn independently: see the [module](super) on what must not be merged.
    ///
    /// # Errors
    /// [`OutOfRange`] for another margin; nothing is changed then.
    ///
    /// ```
    /// use mlops_core::evidence::FailureOdds;
    /// let (mut one, mut other) = (FailureOdds::new(0.0)?, FailureOdds::new(0.0)?);
    /// one.observe_failure(0.1, true)?;
    /// other.observe_failure(0.2, true)?;
    /// let mut both = one.clone();
    /// both.merge(&other)?;
    /// assert_eq!(both.failures(), (0, 2));
    /// assert!(both.merge(&FailureOdds::new(0.5)?).is_err());
    /// # Ok::<(), mlops_core::OutOfRange>(())
    /// ```
    pub fn merge(&mut self, other: &Self) -> Result<(), OutOfRange> {
        require_same("the other's margin", self.margin, other.margin)?;
        for (ln_wealth, other) in self.ln_wealth.iter_mut().zip(&other.ln_wealth) {
            *ln_wealth += other;
        }
        self.baseline_failures += other.baseline_failures;
        self.canary_failures += other.canary_failures;
        self.greatest_ln = self.greatest_ln.max(self.e_value().ln());
        Ok(())
    }

    /// The evidence now.
    pub fn e_value(&self) -> EValue {
        EValue::from_ln(log_sum_exp(&self.ln_wealth) - (ALTERNATIVES as f64).ln())
    }

    /// The greatest evidence so far: `1/alpha` bounds it, too. After a merge that of the path of this process, then of both.
    pub fn greatest(&self) -> EValue {
        EValue::from_ln(self.greatest_ln)
    }

    /// Failures seen in the baseline and in the canary.
    pub fn failures(&self) -> (u64, u64) {
        (self.baseline_failures, self.canary_failures)
    }
}

/// P(canary | failure) at a traffic share, if the canary fails `ratio` times as often.
fn canary_probability(share: f64, ratio: f64) -> f64 {
    share * ratio / (share * ratio + 1.0 - share)
}

fn factors() -> impl Iterator<Item = f64> {
    let (low, high) = (FACTORS.0.ln(), FACTORS.1.ln());
    (0..ALTERNATIVES)
        .map(move |j| (low + (high - low) * j as f64 / (ALTERNATIVES - 1) as f64).exp())
}

/// What it will take to detect a canary that fails `ratio` times as often: to be read before a
/// rollout starts.
///
/// ```
/// use mlops_core::evidence::{DetectionPlan, SignificanceLevel};
///
/// let plan = DetectionPlan::new(SignificanceLevel::FIVE_PERCENT, 0.1, 5.0)?;
/// assert!(plan.failures() < 25.0);
/// // At a base failure rate of 1 %:
/// assert!(plan.requests(0.01)? < 1_700.0);
/// # Ok::<(), mlops_core::OutOfRange>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DetectionPlan {
    failures: f64,
    share: f64,
    ratio: f64,
}

impl DetectionPlan {
    /// Plans at a level, a canary share in (0, 1) and a failure ratio above 1, with margin 0.
    ///
    /// # Errors
    /// [`OutOfRange`] for a share or a ratio outside its range.
    pub fn new(alpha: SignificanceLevel, share: f64, ratio: f64) -> Result<Self, OutOfRange> {
        if !(share > 0.0 && share < 1.0) {
            return Err(OutOfRange::new("canary share", "(0, 1)", share));
        }
        if !(ratio > 1.0 && ratio.is_finite()) {
            return Err(OutOfRange::new("failure ratio", "(1, inf)", ratio));
        }
        let q = canary_probability(share, ratio);
        let divergence = q * (q / share).ln() + (1.0 - q) * ((1.0 - q) / (1.0 - share)).ln();
        Ok(Self {
            failures: (MIXTURE_PRICE - alpha.get().ln()) / divergence,
            share,
            ratio,
        })
    }

    /// The expected number of failures, in both arms together, before the canary is detected.
    pub fn failures(&self) -> f64 {
        self.failures
    }

    /// The expected number of requests, at a base failure rate in (0, 1].
    ///
    /// # Errors
    /// [`OutOfRange`] for a rate outside its range.
    pub fn requests(&self, base_rate: f64) -> Result<f64, OutOfRange> {
        if !(base_rate > 0.0 && base_rate <= 1.0) {
            return Err(OutOfRange::new("base failure rate", "(0, 1]", base_rate));
        }
        Ok(self.failures / (base_rate * (1.0 - self.share + self.share * self.ratio)))
    }
}
