//! What a rollout promises before it starts.

use std::time::Duration;

use mlops_core::evidence::{DetectionPlan, SignificanceLevel};
use mlops_core::{Error, OutOfRange, Result};
use serde::{Deserialize, Serialize};

/// One step of a canary: how much traffic, and what must have passed before the next.
///
/// ```
/// use std::time::Duration;
/// use mlops_serve::CanaryStep;
/// let step = CanaryStep { share: 0.05, min_requests: 100, min_duration: Duration::from_secs(3600) };
/// assert_eq!(step.share, 0.05);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CanaryStep {
    /// The challenger's share of the keys, in (0, 1).
    pub share: f64,
    /// Requests that the challenger answers at least before the step ends.
    pub min_requests: u64,
    /// Time that passes at least before the step ends.
    pub min_duration: Duration,
}

/// The margins and error rates of a rollout, fixed before it starts.
///
/// # Promises
/// - **A good challenger is rarely rolled back**: if, given the past, the challenger's probability of
///   failing and of being slow exceeds the champion's at no request by more than the factors
///   `1 + margin`, its probability of departing from the champion further than usual in shadow is at
///   most `disagreement`, and its loss exceeds the champion's at no unit by more than `loss_margin` in
///   the mean, then P(rolled back as worse, ever, at any look) ≤ `alpha`: five bets at `alpha / 5` each.
/// - **A bad challenger is rarely promoted**: if its mean loss, given the past, exceeds the champion's
///   by `loss_margin` or more at every unit, then P(promoted) ≤ `beta`.
/// - A challenger for which neither can be shown within `patience` is rolled back as unproven; that
///   is no statement about it.
///
/// # Assumptions
/// Keys are drawn into the arms independently of what happens to them (a hash with a fresh salt), and
/// each key counts at its first request. Losses are fed by exchangeable units (see
/// [`MeanBet`](mlops_core::evidence::MeanBet)), paired on the same request.
///
/// ```
/// use mlops_serve::RolloutPlan;
///
/// let plan = RolloutPlan::default();
/// plan.check()?;
/// // What the first step will cost if the challenger fails five times as often, at 1 % base rate:
/// let requests = plan.detection(5.0)?.requests(0.01)?;
/// assert!(requests < 6_000.0);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolloutPlan {
    /// Units of paired loss at least before the shadow stage ends.
    pub shadow_min_units: u64,
    /// The canary's steps, with growing shares.
    pub steps: Vec<CanaryStep>,
    /// Bounds the probability that a good challenger is rolled back as worse.
    pub alpha: SignificanceLevel,
    /// Bounds the probability that a bad challenger is promoted.
    pub beta: SignificanceLevel,
    /// The challenger may fail `1 + failure_margin` times as often.
    pub failure_margin: f64,
    /// An answer that takes longer is slow.
    pub latency_objective: Duration,
    /// The challenger may be slow `1 + latency_margin` times as often.
    pub latency_margin: f64,
    /// On this share of the requests the challenger may depart from the champion's prediction further
    /// than on 98 % of the requests in shadow; in (0, 1). Not watched after a shadow of under 500
    /// requests.
    pub disagreement: f64,
    /// The challenger's mean loss may exceed the champion's by this; losses lie in \[0, 1].
    pub loss_margin: f64,
    /// When it must have been decided.
    pub patience: Duration,
}

/// How many bets against the challenger share `alpha`.
pub(super) const BETS: usize = 5;

impl Default for RolloutPlan {
    /// Canary at 5, 25 and 50 %; 5 % false rollbacks, 5 % false promotions; a loss worse by 0.01.
    fn default() -> Self {
        let step = |share, min_requests| CanaryStep {
            share,
            min_requests,
            min_duration: Duration::from_secs(24 * 3600),
        };
        Self {
            shadow_min_units: 200,
            steps: vec![step(0.05, 40), step(0.25, 200), step(0.5, 400)],
            alpha: SignificanceLevel::FIVE_PERCENT,
            beta: SignificanceLevel::FIVE_PERCENT,
            failure_margin: 0.5,
            latency_objective: Duration::from_millis(50),
            latency_margin: 1.0,
            disagreement: 0.25,
            loss_margin: 0.01,
            patience: Duration::from_secs(42 * 24 * 3600),
        }
    }
}

impl RolloutPlan {
    /// Whether every number lies in its range.
    ///
    /// # Errors
    /// `InvalidArgument` with the value and the range.
    pub fn check(&self) -> Result<()> {
        if self.steps.is_empty() {
            return Err(Error::invalid(
                "a rollout needs at least one canary step, got 0",
            ));
        }
        let mut before = 0.0;
        for step in &self.steps {
            if !(step.share > before && step.share < 1.0) {
                let range = format!("({before}, 1)");
                return Err(OutOfRange::new("canary share", range, step.share).into());
            }
            before = step.share;
        }
        for (what, margin) in [
            ("failure margin", self.failure_margin),
            ("latency margin", self.latency_margin),
        ] {
            if !(0.0..f64::INFINITY).contains(&margin) {
                return Err(OutOfRange::new(what, "[0, inf)", margin).into());
            }
        }
        for (what, share) in [
            ("disagreement", self.disagreement),
            ("loss margin", self.loss_margin),
        ] {
            if !(share > 0.0 && share < 1.0) {
                return Err(OutOfRange::new(what, "(0, 1)", share).into());
            }
        }
        Ok(())
    }

    /// What it takes to detect, in the first canary step, a challenger that fails `ratio` times as
    /// often beyond the margin.
    ///
    /// # Errors
    /// `InvalidArgument` for a ratio that is not above 1, or a plan without a valid first step.
    pub fn detection(&self, ratio: f64) -> Result<DetectionPlan> {
        let share = self.steps.first().map_or(0.0, |step| step.share);
        Ok(DetectionPlan::new(self.alpha.split(BETS), share, ratio)?)
    }
}
