//! The promises of a `RolloutPlan`, simulated over seeds: whoever reads `alpha` and `beta` there can
//! see here how often rollouts of challengers just inside and just outside the margins went wrong.
//!
//! Each count is held against the quantile of the binomial law at the promised rate that a correct
//! judge exceeds once in a million runs.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use mlops_core::evidence::SignificanceLevel;
use mlops_core::{Timestamp, VersionNumber};
use mlops_serve::{Arm, CanaryStep, Observation, Rollout, RolloutPlan, Split, Stage};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use statrs::distribution::{Binomial, DiscreteCDF as _};

const ROLLOUTS: u64 = 200;
/// Requests to one hour, and to one unit of the loss.
const HOUR: u64 = 40;

/// How two versions behave. What is not said is alike in both.
#[derive(Clone, Copy)]
struct World {
    /// Of the champion; the challenger's is `factor` times as much.
    failure_rate: f64,
    failure_factor: f64,
    slow_factor: f64,
    /// How often the challenger departs from the champion further than 98 % of the time in shadow.
    departs: f64,
    /// The challenger's mean loss less the champion's, in shadow and in canary.
    loss_difference: (f64, f64),
    /// Every so often everything fails a lot, whoever answers.
    outages: bool,
}

const ALIKE: World = World {
    failure_rate: 0.02,
    failure_factor: 1.0,
    slow_factor: 1.0,
    departs: 0.02,
    loss_difference: (0.0, 0.0),
    outages: false,
};

fn plan() -> RolloutPlan {
    let step = |share, min_requests| CanaryStep {
        share,
        min_requests,
        min_duration: Duration::from_secs(4 * 3600),
    };
    RolloutPlan {
        shadow_min_units: 50,
        steps: vec![step(0.05, 5), step(0.25, 40), step(0.5, 80)],
        loss_margin: 0.05,
        patience: Duration::from_secs(300 * 3600),
        ..RolloutPlan::default()
    }
}

/// How a rollout ended, and why.
struct End {
    stage: Stage,
    evidence: Vec<String>,
    exposed: u64,
}

impl End {
    fn rolled_back_as_worse(&self) -> bool {
        self.stage == Stage::RolledBack && self.evidence.len() == 1
    }
}

struct Simulation {
    world: World,
    rng: ChaCha8Rng,
    rollout: Rollout,
    split_salt: String,
    requests: u64,
}

impl Simulation {
    fn new(world: World, seed: u64) -> Self {
        let (one, two) = (VersionNumber::FIRST, VersionNumber::FIRST.next());
        Self {
            world,
            rng: ChaCha8Rng::seed_from_u64(seed),
            rollout: Rollout::new(plan(), one, two, Timestamp::UNIX_EPOCH).unwrap(),
            split_salt: format!("simulation {seed}"),
            requests: 0,
        }
    }

    fn run(mut self) -> End {
        for hour in 0.. {
            let now = Timestamp::from_second(hour * 3600).unwrap();
            let outage = self.world.outages && self.rng.random_bool(0.1);
            for _ in 0..HOUR {
                self.request(outage);
                // Looked at after every single request.
                if let Some(transition) = self.rollout.advance(now)
                    && transition.to.is_final()
                {
                    return self.end(&transition);
                }
            }
            self.label();
        }
        unreachable!("patience ends every rollout")
    }

    fn end(self, transition: &mlops_serve::Transition) -> End {
        End {
            stage: transition.to,
            evidence: transition.evidence.iter().map(|e| e.name.clone()).collect(),
            exposed: self.rollout.exposed(),
        }
    }

    fn request(&mut self, outage: bool) {
        self.requests += 1;
        let level = if outage { 0.5 } else { self.world.failure_rate };
        if self.rollout.stage() == Stage::Shadow {
            self.rollout.observe_shadow(self.rng.random::<f64>());
            return;
        }
        let share = self.rollout.share();
        if share == 0.0 {
            return;
        }
        let key = format!("request {}", self.requests);
        let arm = Split::new(&*self.split_salt, share).unwrap().arm(&key);
        let challenger = arm == Arm::Challenger;
        let factor = |factor: f64| if challenger { factor } else { 1.0 };
        let world = self.world;
        let failed = self.chance(level * factor(world.failure_factor));
        let slow = self.chance(0.02 * factor(world.slow_factor));
        let beyond = self.chance(world.departs);
        let seen = Observation {
            key: self.requests,
            arm,
            share,
            failed,
            latency: Duration::from_millis(if slow { 80 } else { 3 }),
            difference: challenger.then_some(if beyond { 2.0 } else { 0.5 }),
        };
        self.rollout.observe(&seen).unwrap();
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.rng.random_bool(probability.min(1.0))
    }

    /// One unit of labels: a difference of two losses in [0, 1].
    fn label(&mut self) {
        let stage = self.rollout.stage();
        let mean = match stage {
            Stage::Shadow => self.world.loss_difference.0,
            _ => self.world.loss_difference.1,
        };
        let noise = 0.2 * (self.rng.random::<f64>() - 0.5);
        self.rollout.observe_loss(stage, mean + noise).unwrap();
    }
}

fn simulate(world: World) -> Vec<End> {
    (0..ROLLOUTS)
        .map(|seed| Simulation::new(world, seed).run())
        .collect()
}

/// The count that a rate of at most `rate` exceeds once in a million.
fn most(rate: f64) -> u64 {
    Binomial::new(rate, ROLLOUTS)
        .unwrap()
        .inverse_cdf(1.0 - 1e-6)
}

fn count(ends: &[End], holds: impl Fn(&End) -> bool) -> u64 {
    ends.iter().filter(|end| holds(end)).count() as u64
}

fn rarely_rolled_back(world: World) {
    let ends = simulate(world);
    let alpha = SignificanceLevel::FIVE_PERCENT.get();
    let wrong = count(&ends, End::rolled_back_as_worse);
    assert!(
        wrong <= most(alpha),
        "{wrong} of {ROLLOUTS} good challengers rolled back as worse"
    );
}

fn rarely_promoted(world: World) {
    let ends = simulate(world);
    let beta = SignificanceLevel::FIVE_PERCENT.get();
    let wrong = count(&ends, |end| end.stage == Stage::Promoted);
    assert!(
        wrong <= most(beta),
        "{wrong} of {ROLLOUTS} bad challengers promoted"
    );
}

/// Detected in (nearly) every rollout, by this bet.
fn always_caught(world: World, by: &str) -> Vec<End> {
    let ends = simulate(world);
    let caught = count(&ends, |end| {
        end.rolled_back_as_worse() && end.evidence[0] == by
    });
    assert!(
        caught >= ROLLOUTS * 95 / 100,
        "{by} caught {caught} of {ROLLOUTS}"
    );
    ends
}

#[test]
fn an_equal_challenger_is_rarely_rolled_back_and_mostly_promoted() {
    let ends = simulate(ALIKE);
    let wrong = count(&ends, End::rolled_back_as_worse);
    assert!(wrong <= most(0.05), "{wrong} of {ROLLOUTS}");
    let promoted = count(&ends, |end| end.stage == Stage::Promoted);
    assert!(
        promoted >= ROLLOUTS * 9 / 10,
        "{promoted} of {ROLLOUTS} promoted"
    );
}

#[test]
fn a_challenger_at_every_margin_is_rarely_rolled_back() {
    let plan = plan();
    rarely_rolled_back(World {
        failure_factor: 1.0 + plan.failure_margin,
        slow_factor: 1.0 + plan.latency_margin,
        departs: plan.disagreement,
        loss_difference: (plan.loss_margin, plan.loss_margin),
        ..ALIKE
    });
}

#[test]
fn an_outage_of_both_arms_rolls_nothing_back() {
    rarely_rolled_back(World {
        outages: true,
        ..ALIKE
    });
}

#[test]
fn a_challenger_whose_loss_is_worse_by_the_margin_is_rarely_promoted() {
    let margin = plan().loss_margin;
    rarely_promoted(World {
        loss_difference: (margin, margin),
        ..ALIKE
    });
    // It may as well deteriorate once it answers: a pass in shadow does not help it.
    rarely_promoted(World {
        loss_difference: (0.0, margin),
        ..ALIKE
    });
}

#[test]
fn a_challenger_that_fails_is_caught_within_the_plan() {
    let world = World {
        failure_factor: 20.0,
        ..ALIKE
    };
    let ends = always_caught(world, "canary errors");
    // What the plan says the first step takes: requests to both arms until enough of them failed.
    let plan = plan();
    let ratio = world.failure_factor / (1.0 + plan.failure_margin);
    let planned = plan.detection(ratio).unwrap();
    let requests = planned.requests(world.failure_rate).unwrap();
    let mean = ends.iter().map(|end| end.exposed as f64).sum::<f64>() / ends.len() as f64;
    // Its share of those is what it answered; steps that passed meanwhile answer more.
    let first_step = requests * plan.steps[0].share;
    assert!(
        mean <= 2.0 * first_step,
        "{mean} exposed on average, {first_step} planned"
    );
}

#[test]
fn slow_answers_and_changed_predictions_are_caught() {
    always_caught(
        World {
            slow_factor: 25.0,
            ..ALIKE
        },
        "canary latency",
    );
    always_caught(
        World {
            departs: 0.9,
            ..ALIKE
        },
        "canary predictions",
    );
}

#[test]
fn a_loss_that_is_far_worse_is_caught_in_shadow_and_in_canary() {
    let margin = plan().loss_margin;
    always_caught(
        World {
            loss_difference: (3.0 * margin, 0.0),
            ..ALIKE
        },
        "shadow loss worse",
    );
    always_caught(
        World {
            loss_difference: (0.0, 3.0 * margin),
            ..ALIKE
        },
        "canary loss worse",
    );
}
