//! The judge of a rollout: observations in, transitions out. No clock, no I/O.

use std::collections::HashSet;
use std::time::Duration;

use mlops_core::evidence::{EValue, Evidence, FailureOdds, MeanBet, SignificanceLevel};
use mlops_core::{Error, Result, Timestamp, VersionNumber};
use serde::{Deserialize, Serialize};

use super::disagreement::Disagreement;
use super::plan::{BETS, RolloutPlan};
use crate::router::Arm;

/// Where a rollout stands.
///
/// ```
/// use mlops_serve::Stage;
/// assert!(Stage::Promoted.is_final());
/// assert!(!Stage::Canary { step: 0 }.is_final());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Stage {
    /// The challenger sees every request and answers none.
    Shadow,
    /// The challenger answers its share.
    Canary {
        /// The step, from 0.
        step: usize,
    },
    /// The challenger became the champion.
    Promoted,
    /// The challenger answers nothing any more.
    RolledBack,
}

impl Stage {
    /// Whether the rollout has ended.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Promoted | Self::RolledBack)
    }
}

/// What was seen of one request during the canary.
///
/// ```
/// use std::time::Duration;
/// use mlops_serve::{Arm, Observation};
/// let seen = Observation {
///     key: 42,
///     arm: Arm::Challenger,
///     share: 0.05,
///     failed: false,
///     latency: Duration::from_micros(80),
///     difference: Some(0.02),
/// };
/// assert!(!seen.failed);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// A hash of the key: each key counts once.
    pub key: u64,
    /// Who answered.
    pub arm: Arm,
    /// The challenger's share as it stood before the draw.
    pub share: f64,
    /// Whether the arm failed to answer.
    pub failed: bool,
    /// How long the arm took.
    pub latency: Duration,
    /// The challenger's prediction less the champion's, where the challenger was drawn and both
    /// predicted.
    pub difference: Option<f64>,
}

/// A change of stage, with what it rests on.
///
/// ```
/// use mlops_serve::{Stage, Transition};
/// let transition = Transition { kind: "promoted", to: Stage::Promoted, evidence: vec![] };
/// assert_eq!(transition.kind, "promoted");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// `canary_started`, `canary_step`, `promoted` or `rolled_back`.
    pub kind: &'static str,
    /// The stage since.
    pub to: Stage,
    /// The evidence.
    pub evidence: Vec<Evidence>,
}

/// The state of one rollout. Serializes, so that it can be committed with each decision; the set of
/// keys already counted does not, and starts empty in a rollout that is resumed.
///
/// ```
/// use mlops_core::{Timestamp, VersionNumber};
/// use mlops_serve::{Rollout, RolloutPlan, Stage};
///
/// let start = "2013-06-01T00:00:00Z".parse::<Timestamp>().unwrap();
/// let (one, two) = (VersionNumber::FIRST, VersionNumber::FIRST.next());
/// let mut rollout = Rollout::new(RolloutPlan::default(), one, two, start)?;
/// for _ in 0..2_000 {
///     rollout.observe_loss(Stage::Shadow, 0.0)?; // exactly as good on every unit
/// }
/// let transition = rollout.advance(start).unwrap();
/// assert_eq!(transition.kind, "canary_started");
/// assert_eq!(rollout.share(), 0.05);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rollout {
    plan: RolloutPlan,
    champion: VersionNumber,
    challenger: VersionNumber,
    #[serde(flatten)]
    stage: Stage,
    started_at: Timestamp,
    step_since: Timestamp,
    step_requests: u64,
    exposed: u64,
    shadow: PairedLoss,
    canary: PairedLoss,
    failures: FailureOdds,
    slow: FailureOdds,
    disagreement: Disagreement,
    #[serde(skip)]
    counted: HashSet<u64>,
}

impl Rollout {
    /// A rollout that starts in shadow.
    ///
    /// # Errors
    /// `InvalidArgument` for a plan that does not [check](RolloutPlan::check), or if both versions
    /// are the same.
    pub fn new(
        plan: RolloutPlan,
        champion: VersionNumber,
        challenger: VersionNumber,
        now: Timestamp,
    ) -> Result<Self> {
        plan.check()?;
        if champion == challenger {
            return Err(Error::invalid(format!(
                "a rollout needs two versions, got {champion} twice"
            )));
        }
        Ok(Self {
            champion,
            challenger,
            stage: Stage::Shadow,
            started_at: now,
            step_since: now,
            step_requests: 0,
            exposed: 0,
            shadow: PairedLoss::new(plan.loss_margin)?,
            canary: PairedLoss::new(plan.loss_margin)?,
            failures: FailureOdds::new(plan.failure_margin)?,
            slow: FailureOdds::new(plan.latency_margin)?,
            disagreement: Disagreement::new(plan.disagreement)?,
            counted: HashSet::new(),
            plan,
        })
    }

    /// Where it stands.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// The version that serves.
    pub fn champion(&self) -> VersionNumber {
        self.champion
    }

    /// The version that is tried.
    pub fn challenger(&self) -> VersionNumber {
        self.challenger
    }

    /// The plan.
    pub fn plan(&self) -> &RolloutPlan {
        &self.plan
    }

    /// How many requests the challenger has answered, or tried to.
    pub fn exposed(&self) -> u64 {
        self.exposed
    }

    /// The challenger's share of the keys now: 0 as soon as a bet against it has won, before any
    /// transition is committed.
    pub fn share(&self) -> f64 {
        match self.stage {
            Stage::Canary { step } if self.verdict().is_none() => {
                self.plan.steps.get(step).map_or(0.0, |step| step.share)
            }
            _ => 0.0,
        }
    }

    /// Takes in one request of the shadow stage: the challenger's prediction less the champion's.
    pub fn observe_shadow(&mut self, difference: f64) {
        if self.stage == Stage::Shadow {
            self.disagreement.learn(difference);
        }
    }

    /// Takes in one request of the canary.
    ///
    /// # Errors
    /// `InvalidArgument` for a share outside (0, 1); nothing is changed then.
    pub fn observe(&mut self, seen: &Observation) -> Result<()> {
        if !(seen.share > 0.0 && seen.share < 1.0) {
            return Err(mlops_core::OutOfRange::new("canary share", "(0, 1)", seen.share).into());
        }
        let challenger = seen.arm == Arm::Challenger;
        if challenger {
            self.exposed += 1;
            self.step_requests += 1;
        }
        // A key that comes again was not drawn again: it is no new unit.
        if !self.counted.insert(seen.key) {
            return Ok(());
        }
        if seen.failed {
            self.failures.observe_failure(seen.share, challenger)?;
        }
        if seen.latency > self.plan.latency_objective {
            self.slow.observe_failure(seen.share, challenger)?;
        }
        if let Some(difference) = seen.difference {
            self.disagreement.observe(difference)?;
        }
        Ok(())
    }

    /// Takes in one unit of late labels: the mean, over the unit's requests, of the challenger's loss
    /// less the champion's on the same request, in \[-1, 1]. `stage` is the one in which the requests
    /// were answered; labels of the shadow stage that come during the canary add nothing to it.
    ///
    /// # Errors
    /// `InvalidArgument` for a difference outside \[-1, 1].
    pub fn observe_loss(&mut self, stage: Stage, difference: f64) -> Result<()> {
        match stage {
            Stage::Shadow => self.shadow.observe(difference),
            Stage::Canary { .. } => self.canary.observe(difference),
            Stage::Promoted | Stage::RolledBack => Ok(()),
        }
    }

    /// The next transition, if its time has come; the state has moved on then.
    pub fn advance(&mut self, now: Timestamp) -> Option<Transition> {
        let transition = self.due(now)?;
        self.apply(&transition, now);
        Some(transition)
    }

    /// Moves on to a transition's stage: for whoever had it committed in between.
    pub(super) fn apply(&mut self, transition: &Transition, now: Timestamp) {
        self.stage = transition.to;
        self.step_since = now;
        self.step_requests = 0;
        if let Stage::Canary { step: 0 } = self.stage {
            self.disagreement.fix();
        }
    }

    /// The rollout as one that ended without a verdict.
    pub(super) fn interrupted(mut self) -> Self {
        self.stage = Stage::RolledBack;
        self
    }

    /// The next transition, if its time has come; nothing has moved yet.
    pub(super) fn due(&self, now: Timestamp) -> Option<Transition> {
        let transition = match self.stage {
            Stage::Promoted | Stage::RolledBack => None,
            _ if self.verdict().is_some() => self.verdict().map(|bet| rolled_back(self.bet(bet))),
            Stage::Shadow => self.after_shadow(),
            Stage::Canary { step } => self.after_step(step, now),
        };
        transition.or_else(|| self.out_of_patience(now))
    }

    /// All evidence as it stands, for a report.
    pub fn evidence(&self) -> Vec<Evidence> {
        let mut all = self.bets();
        all.push(
            self.shadow
                .certificate("shadow loss not worse", self.plan.beta),
        );
        all.push(
            self.canary
                .certificate("canary loss not worse", self.plan.beta),
        );
        all
    }

    fn after_shadow(&self) -> Option<Transition> {
        let enough = self.shadow.units() >= self.plan.shadow_min_units;
        (enough && self.shadow.proves(self.plan.beta)).then(|| Transition {
            kind: "canary_started",
            to: Stage::Canary { step: 0 },
            evidence: vec![
                self.shadow
                    .certificate("shadow loss not worse", self.plan.beta),
                Evidence::quantity("shadow units", self.shadow.units() as f64),
            ],
        })
    }

    fn after_step(&self, step: usize, now: Timestamp) -> Option<Transition> {
        let current = self.plan.steps.get(step)?;
        let passed = self.step_requests >= current.min_requests
            && elapsed(self.step_since, now) >= current.min_duration;
        if !passed {
            return None;
        }
        if let Some(next) = self.plan.steps.get(step + 1) {
            let mut evidence = self.bets();
            evidence.push(Evidence::quantity("next share", next.share));
            return Some(Transition {
                kind: "canary_step",
                to: Stage::Canary { step: step + 1 },
                evidence,
            });
        }
        self.canary.proves(self.plan.beta).then(|| Transition {
            kind: "promoted",
            to: Stage::Promoted,
            evidence: self.evidence(),
        })
    }

    fn out_of_patience(&self, now: Timestamp) -> Option<Transition> {
        let over = !self.stage.is_final() && elapsed(self.started_at, now) > self.plan.patience;
        over.then(|| Transition {
            kind: "rolled_back",
            to: Stage::RolledBack,
            evidence: vec![
                self.shadow
                    .certificate("shadow loss not worse", self.plan.beta),
                self.canary
                    .certificate("canary loss not worse", self.plan.beta),
                Evidence::quantity(
                    "days without a proof",
                    elapsed(self.started_at, now).as_secs_f64() / 86_400.0,
                )
                .saying("neither better nor worse could be shown within the plan's patience"),
            ],
        })
    }

    /// The bet against the challenger that has won, if one has.
    fn verdict(&self) -> Option<usize> {
        let level = self.plan.alpha.split(BETS);
        self.wealth()
            .iter()
            .position(|wealth| wealth.rejects_at(level))
    }

    /// What each bet against the challenger has made at best, in the order of [`Self::claim`].
    fn wealth(&self) -> [EValue; BETS] {
        [
            self.failures.greatest(),
            self.slow.greatest(),
            self.disagreement.bet.greatest(),
            self.canary.worse.greatest(),
            self.shadow.worse.greatest(),
        ]
    }

    fn claim(&self, bet: usize) -> (&'static str, String) {
        let often = |margin: f64| format!("over {} times as often as the champion", 1.0 + margin);
        let loss = format!(
            "loss is worse by over {} on the same requests",
            self.plan.loss_margin
        );
        match bet {
            0 => (
                "canary errors",
                format!("fails {}", often(self.plan.failure_margin)),
            ),
            1 => (
                "canary latency",
                format!("is slow {}", often(self.plan.latency_margin)),
            ),
            2 => (
                "canary predictions",
                format!(
                    "departs from the champion's prediction further than on 98 % of the requests in shadow, on over {} of the requests",
                    self.plan.disagreement
                ),
            ),
            3 => ("canary loss worse", loss),
            _ => ("shadow loss worse", loss),
        }
    }

    fn bet(&self, bet: usize) -> Evidence {
        let (name, claim) = self.claim(bet);
        Evidence::new(name, self.wealth()[bet])
            .at_level(self.plan.alpha.split(BETS))
            .saying(claim)
    }

    fn bets(&self) -> Vec<Evidence> {
        (0..BETS).map(|bet| self.bet(bet)).collect()
    }
}

fn rolled_back(evidence: Evidence) -> Transition {
    Transition {
        kind: "rolled_back",
        to: Stage::RolledBack,
        evidence: vec![evidence],
    }
}

fn elapsed(since: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or(Duration::ZERO)
}

/// Two bets on one paired loss: that it is worse than the margin, and that it is not.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct PairedLoss {
    worse: MeanBet,
    not_worse: MeanBet,
}

impl PairedLoss {
    fn new(margin: f64) -> Result<Self> {
        Ok(Self {
            worse: MeanBet::above(margin, -1.0, 1.0)?,
            not_worse: MeanBet::above(-margin, -1.0, 1.0)?,
        })
    }

    fn observe(&mut self, difference: f64) -> Result<()> {
        self.worse.observe(difference)?;
        Ok(self.not_worse.observe(-difference)?)
    }

    fn units(&self) -> u64 {
        self.worse.units()
    }

    fn proves(&self, beta: SignificanceLevel) -> bool {
        self.not_worse.greatest().rejects_at(beta)
    }

    fn certificate(&self, name: &str, beta: SignificanceLevel) -> Evidence {
        let margin = self.worse.bound();
        Evidence::new(name, self.not_worse.greatest())
            .at_level(beta)
            .saying(format!(
                "loss is worse by less than {margin} on the same requests, {} units",
                self.units()
            ))
    }
}
