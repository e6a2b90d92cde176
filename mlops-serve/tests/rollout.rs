//! Rollouts through the service and the controller: what users see, what is recorded, what survives.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use common::{Fragile, World, line, name, quick_plan, request, versions, x};
use mlops_core::arrow::datatypes::Float64Type;
use mlops_core::{
    Alias, Clock as _, DecisionStore as _, ErrorKind, ModelRegistry as _, MoveAlias, Revision,
    Subject, Tensor, Tensors,
};
use mlops_serve::{Arm, CanaryStep, Role, Rollout, RolloutPlan, Split, Stage};

/// Feeds the judge units of an equal loss until the shadow stage ends.
async fn pass_shadow(world: &World) {
    for _ in 0..200 {
        world
            .service
            .with_rollout(&name(), |rollout| rollout.observe_loss(Stage::Shadow, 0.0))
            .unwrap()
            .unwrap();
    }
    let event = world.controller().tick().await.unwrap().unwrap();
    assert_eq!(event.what.kind, "canary_started");
}

async fn champion(world: &World) -> u32 {
    let alias = Alias::new("champion").unwrap();
    world
        .store
        .resolve(&name(), &alias)
        .await
        .unwrap()
        .number
        .get()
}

async fn name_champion(world: &World) {
    let moved = world.store.move_alias(MoveAlias {
        model: name(),
        alias: Alias::new("champion").unwrap(),
        expected: None,
        to: Some(versions().0),
        by: mlops_core::Actor::new("test").unwrap(),
        why: "the first".to_owned(),
    });
    moved.await.unwrap();
}

async fn kinds(world: &World) -> Vec<String> {
    let subject = Subject::new("rollout:demo").unwrap();
    let events = world.store.events(Some(&subject), 0, 100).await.unwrap();
    events.into_iter().map(|event| event.what.kind).collect()
}

#[tokio::test]
async fn a_shadow_sees_every_request_and_answers_none() {
    let world = World::new().await;
    world
        .controller()
        .start(versions().1, line(2.0), quick_plan())
        .await
        .unwrap();
    for i in 0..100 {
        let answer = world
            .service
            .predict(&request(format!("r{i}"), 3.0))
            .unwrap();
        assert_eq!(answer.version, versions().0);
        assert_eq!(answer.outputs.get("y").unwrap().as_f32().unwrap(), [3.0]);
        let shadow = answer.of(versions().1).unwrap();
        assert_eq!((shadow.role, shadow.first()), (Role::Shadow, Some(6.0)));
    }
}

#[tokio::test]
async fn a_good_challenger_is_promoted_and_the_alias_follows() {
    let world = World::new().await;
    name_champion(&world).await;
    let controller = world.controller();
    controller
        .start(versions().1, line(1.0), quick_plan())
        .await
        .unwrap();
    pass_shadow(&world).await;
    let mut id = 0;
    while world.service.champion(&name()).unwrap().0 == versions().0 {
        assert!(id < 5_000, "no promotion after {id} requests");
        world
            .service
            .predict(&request(format!("r{id}"), id as f32))
            .unwrap();
        let _ = world.service.with_rollout(&name(), |rollout| {
            let stage = rollout.stage();
            rollout.observe_loss(stage, 0.0)
        });
        controller.tick().await.unwrap();
        id += 1;
    }
    assert_eq!(champion(&world).await, 2);
    let expected = [
        "shadow_started",
        "canary_started",
        "canary_step",
        "promoted",
    ];
    assert_eq!(kinds(&world).await, expected);
    let history = world.store.alias_history(&name()).await.unwrap();
    assert!(history.last().unwrap().why.contains("promoted by evidence"));
    // Everything answered by the new champion alone from now on.
    let answer = world.service.predict(&request("after", 1.0)).unwrap();
    assert_eq!((answer.version, answer.stage), (versions().1, None));
}

#[tokio::test]
async fn a_canary_that_fails_costs_no_answer_and_is_rolled_back_at_once() {
    let world = World::new().await;
    name_champion(&world).await;
    let (challenger, broken) = Fragile::new(1.0);
    let controller = world.controller();
    controller
        .start(versions().1, challenger, quick_plan())
        .await
        .unwrap();
    pass_shadow(&world).await;
    broken.store(true, Ordering::Relaxed);

    let (mut exposed, mut after_verdict) = (0, 0);
    for i in 0..500 {
        let decided = world
            .service
            .with_rollout(&name(), |r| r.share() == 0.0)
            .unwrap();
        let answer = world
            .service
            .predict(&request(format!("r{i}"), 1.0))
            .unwrap();
        assert_eq!(answer.version, versions().0, "the champion stands in");
        let tried = answer
            .predictions
            .iter()
            .any(|p| p.role == Role::Challenger);
        exposed += u32::from(tried);
        after_verdict += u32::from(tried && decided);
    }
    // No tick yet: the judge has closed the canary by itself.
    assert_eq!(after_verdict, 0);
    assert!((1..=10).contains(&exposed), "{exposed} requests exposed");
    let event = controller.tick().await.unwrap().unwrap();
    assert_eq!(event.what.kind, "rolled_back");
    assert_eq!(event.what.evidence[0].name, "canary errors");
    assert_eq!(event.what.details["requests_exposed"], u64::from(exposed));
    assert_eq!(champion(&world).await, 1);
    assert!(
        world.service.with_rollout(&name(), |_| ()).is_err(),
        "it has ended"
    );
}

#[tokio::test]
async fn an_output_that_is_no_number_counts_as_a_failure() {
    let world = World::new().await;
    let huge = || line(f32::MAX);
    world
        .controller()
        .start(versions().1, huge(), quick_plan())
        .await
        .unwrap();
    pass_shadow(&world).await;
    // 10 times the greatest number overflows to infinity, which the signature does not allow.
    for i in 0..200 {
        let answer = world
            .service
            .predict(&request(format!("r{i}"), 10.0))
            .unwrap();
        assert_eq!(answer.outputs.get("y").unwrap().as_f32().unwrap(), [10.0]);
    }
    let event = world.controller().tick().await.unwrap().unwrap();
    assert_eq!(event.what.kind, "rolled_back");
}

#[tokio::test]
async fn a_rollout_without_a_proof_ends_when_patience_does() {
    let world = World::new().await;
    let controller = world.controller();
    let plan = RolloutPlan {
        patience: Duration::from_secs(60),
        ..quick_plan()
    };
    controller
        .start(versions().1, line(1.0), plan)
        .await
        .unwrap();
    assert!(controller.tick().await.unwrap().is_none());
    world.clock.advance(Duration::from_secs(61));
    let event = controller.tick().await.unwrap().unwrap();
    assert_eq!(event.what.kind, "rolled_back");
    assert!(
        event
            .what
            .evidence
            .iter()
            .any(|e| e.name == "days without a proof")
    );
}

#[tokio::test]
async fn a_rollout_cut_short_is_recovered_as_rolled_back() {
    let world = World::new().await;
    world
        .controller()
        .start(versions().1, line(1.0), quick_plan())
        .await
        .unwrap();
    pass_shadow(&world).await;
    // Another process starts on the same store: the evidence in memory is gone.
    let event = world.controller().recover().await.unwrap().unwrap();
    assert_eq!(event.what.kind, "rolled_back");
    assert!(
        world.controller().recover().await.unwrap().is_none(),
        "once is enough"
    );
}

#[tokio::test]
async fn a_promotion_whose_alias_was_not_moved_is_finished_at_the_next_start() {
    let world = World::new().await;
    name_champion(&world).await;
    let now = world.clock.now();
    let (one, two) = versions();
    let plan = RolloutPlan {
        steps: vec![CanaryStep {
            share: 0.5,
            min_requests: 0,
            min_duration: Duration::ZERO,
        }],
        ..quick_plan()
    };
    let mut rollout = Rollout::new(plan, one, two, now).unwrap();
    for stage in [Stage::Shadow, Stage::Canary { step: 0 }] {
        for _ in 0..500 {
            rollout.observe_loss(stage, -0.1).unwrap();
        }
        rollout.advance(now).unwrap();
    }
    assert_eq!(rollout.stage(), Stage::Promoted);
    // Committed, and then the process died.
    let subject = Subject::new("rollout:demo").unwrap();
    let event = mlops_core::NewEvent::new("promoted", mlops_core::Actor::new("test").unwrap());
    let state = serde_json::to_value(&rollout).unwrap();
    world
        .store
        .commit(&subject, Revision::NONE, state, event)
        .await
        .unwrap();

    assert!(world.controller().recover().await.unwrap().is_none());
    assert_eq!(champion(&world).await, 2);
}

#[tokio::test]
async fn rollouts_that_cannot_be_are_refused_and_change_nothing() {
    let world = World::new().await;
    let controller = world.controller();
    let (_, two) = versions();
    let kind =
        |result: mlops_core::Result<_>| result.map(|_: mlops_core::Event| ()).unwrap_err().kind();

    let unknown = controller.start(two.next(), line(1.0), quick_plan()).await;
    assert_eq!(kind(unknown), ErrorKind::NotFound);
    let wider: Arc<dyn mlops_core::InferenceBackend> =
        Arc::new(mlops_core::memory::LinearModel::new(vec![1.0, 1.0], 0.0).unwrap());
    assert_eq!(
        kind(controller.start(two, wider, quick_plan()).await),
        ErrorKind::SignatureMismatch
    );
    let same = controller
        .start(versions().0, line(1.0), quick_plan())
        .await;
    assert_eq!(kind(same), ErrorKind::InvalidArgument);
    assert!(kinds(&world).await.is_empty());

    controller
        .start(two, line(1.0), quick_plan())
        .await
        .unwrap();
    let twice = controller.start(two, line(1.0), quick_plan()).await;
    assert_eq!(kind(twice), ErrorKind::Conflict);
    assert_eq!(kinds(&world).await, ["shadow_started"]);
}

#[test]
fn plans_out_of_range_name_the_value_and_the_range() {
    let with_steps = |shares: &[f64]| RolloutPlan {
        steps: shares
            .iter()
            .map(|share| CanaryStep {
                share: *share,
                min_requests: 0,
                min_duration: Duration::ZERO,
            })
            .collect(),
        ..RolloutPlan::default()
    };
    let default = RolloutPlan::default;
    for (plan, value) in [
        (with_steps(&[]), "0"),
        (with_steps(&[0.0]), "(0, 1)"),
        (with_steps(&[0.5, 0.25]), "0.25"),
        (with_steps(&[1.0]), "(0, 1)"),
        (with_steps(&[f64::NAN]), "NaN"),
        (
            RolloutPlan {
                failure_margin: -0.1,
                ..default()
            },
            "-0.1",
        ),
        (
            RolloutPlan {
                latency_margin: f64::INFINITY,
                ..default()
            },
            "inf",
        ),
        (
            RolloutPlan {
                loss_margin: 0.0,
                ..default()
            },
            "(0, 1)",
        ),
        (
            RolloutPlan {
                loss_margin: 1.5,
                ..default()
            },
            "1.5",
        ),
    ] {
        let error = plan.check().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(
            error.to_string().contains(value),
            "{error} must name {value}"
        );
    }
}

#[test]
fn a_judge_that_is_written_and_read_goes_on_as_if_nothing_had_happened() {
    let now = mlops_core::Timestamp::UNIX_EPOCH;
    let (one, two) = versions();
    let mut original = Rollout::new(quick_plan(), one, two, now).unwrap();
    for i in 0..1_000_u32 {
        original.observe_shadow(f64::from(i) / 200.0);
        original
            .observe_loss(Stage::Shadow, f64::from(i % 7) * 0.01 - 0.03)
            .unwrap();
    }
    original.advance(now).unwrap();
    let text = serde_json::to_string(&original).unwrap();
    let mut read: Rollout = serde_json::from_str(&text).unwrap();
    for i in 0..50 {
        for rollout in [&mut original, &mut read] {
            let seen = mlops_serve::Observation {
                key: i,
                arm: if i % 3 == 0 {
                    Arm::Challenger
                } else {
                    Arm::Champion
                },
                share: 0.2,
                failed: i % 5 == 0,
                latency: Duration::from_millis(i),
                difference: Some(i as f64 / 10.0),
            };
            rollout.observe(&seen).unwrap();
        }
    }
    assert_eq!(original.evidence(), read.evidence());
    assert_eq!(original.exposed(), read.exposed());
}

#[tokio::test]
async fn a_request_that_does_not_fit_is_refused_with_every_difference() {
    let world = World::new().await;
    let refused = |inputs: Tensors| {
        let request = mlops_serve::PredictRequest::new(name(), "r", inputs);
        let error = world.service.predict(&request).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SignatureMismatch, "{error}");
        error.to_string()
    };
    assert!(refused(Tensors::default()).contains('x'));
    let extra = Tensor::from_f32("extra", [1, 1], vec![0.0]).unwrap();
    let both = x(1.0).into_iter().chain([extra]);
    assert!(refused(Tensors::new(both).unwrap()).contains("extra"));
    let wide = Tensor::from_f32("x", [1, 2], vec![0.0, 1.0]).unwrap();
    assert!(refused(Tensors::new([wide]).unwrap()).contains('2'));
    let double = Tensor::from_vec::<Float64Type>("x", [1, 1], vec![0.0]).unwrap();
    assert!(refused(Tensors::new([double]).unwrap()).contains("FP64"));
    assert!(refused(x(f32::NAN)).contains("NaN"));

    let nobody = mlops_core::ModelName::new("nobody").unwrap();
    let error = world
        .service
        .predict(&mlops_serve::PredictRequest::new(nobody, "r", x(1.0)));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound);
    let error = world
        .service
        .predict(&request("r", 1.0).to_version(versions().1));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn many_threads_predict_while_routes_change() {
    let world = World::new().await;
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let service = &world.service;
            scope.spawn(move || {
                for i in 0..500 {
                    let answer = service
                        .predict(&request(format!("{thread} {i}"), 1.0))
                        .unwrap();
                    // A request sees one route from start to end.
                    let slope = if answer.version == versions().0 {
                        1.0
                    } else {
                        2.0
                    };
                    assert_eq!(answer.outputs.get("y").unwrap().as_f32().unwrap(), [slope]);
                }
            });
        }
        for i in 0..200 {
            let (version, slope) = if i % 2 == 0 {
                (versions().1, 2.0)
            } else {
                (versions().0, 1.0)
            };
            world.service.deploy(&name(), version, line(slope)).unwrap();
        }
    });
}

/// A share of `p` gets a share of `p` of the keys: the count is binomial, held to a band that it
/// leaves once in a million.
#[test]
fn a_split_keeps_its_share_its_keys_and_only_ever_moves_them_to_the_challenger() {
    use statrs::distribution::{Binomial, DiscreteCDF as _};
    const KEYS: u64 = 20_000;
    let mut before = vec![false; KEYS as usize];
    for share in [0.01, 0.05, 0.25, 0.5, 0.99] {
        let split = Split::new("salt", share).unwrap();
        let now: Vec<bool> = (0..KEYS)
            .map(|key| split.arm(&format!("user {key}")) == Arm::Challenger)
            .collect();
        let law = Binomial::new(share, KEYS).unwrap();
        let count = now.iter().filter(|challenger| **challenger).count() as u64;
        let band = law.inverse_cdf(5e-7)..=law.inverse_cdf(1.0 - 5e-7);
        assert!(
            band.contains(&count),
            "{count} of {KEYS} at share {share}, expected {band:?}"
        );
        assert!(before.iter().zip(&now).all(|(before, now)| !before || *now));
        before = now;
    }
}

/// Two salts draw independently: the keys that both give to the challenger are `p²` of all.
#[test]
fn the_keys_of_one_rollout_are_not_those_of_the_next() {
    use statrs::distribution::{Binomial, DiscreteCDF as _};
    let (one, two) = (
        Split::new("one", 0.3).unwrap(),
        Split::new("two", 0.3).unwrap(),
    );
    let both = |key: &u64| {
        let key = format!("user {key}");
        one.arm(&key) == Arm::Challenger && two.arm(&key) == Arm::Challenger
    };
    let count = (0..20_000).filter(both).count() as u64;
    let law = Binomial::new(0.09, 20_000).unwrap();
    assert!(
        (law.inverse_cdf(5e-7)..=law.inverse_cdf(1.0 - 5e-7)).contains(&count),
        "{count}"
    );
}

/// A judge in its canary, with nothing seen.
fn canary() -> Rollout {
    let (one, two) = versions();
    let now = mlops_core::Timestamp::UNIX_EPOCH;
    let mut rollout = Rollout::new(quick_plan(), one, two, now).unwrap();
    for _ in 0..500 {
        rollout.observe_loss(Stage::Shadow, -0.1).unwrap();
    }
    rollout.advance(now).unwrap();
    assert_eq!(rollout.stage(), Stage::Canary { step: 0 });
    rollout
}

fn failure(key: u64) -> mlops_serve::Observation {
    mlops_serve::Observation {
        key,
        arm: Arm::Challenger,
        share: 0.2,
        failed: true,
        latency: Duration::ZERO,
        difference: None,
    }
}

/// The wealth that is needed, and the margin that is granted, against core's process on its own.
#[test]
fn the_canary_closes_at_its_share_of_alpha_and_beyond_its_margin() {
    use mlops_core::evidence::FailureOdds;
    let (mut rollout, plan) = (canary(), quick_plan());
    let mut odds = FailureOdds::new(plan.failure_margin).unwrap();
    let level = plan.alpha.split(5);
    for key in 0.. {
        let closed = rollout.share() == 0.0;
        assert_eq!(
            closed,
            odds.greatest().rejects_at(level),
            "after {key} failures"
        );
        if closed {
            break;
        }
        rollout.observe(&failure(key)).unwrap();
        odds.observe_failure(0.2, true).unwrap();
    }
    let bets = rollout
        .evidence()
        .into_iter()
        .filter(|e| e.level == Some(level));
    assert_eq!(bets.count(), 5);
}

#[test]
fn a_key_that_comes_again_is_no_new_evidence() {
    let mut rollout = canary();
    for _ in 0..1_000 {
        rollout.observe(&failure(7)).unwrap();
    }
    assert!(rollout.share() > 0.0, "one user in trouble is one unit");
    assert_eq!(rollout.exposed(), 1_000);
}
