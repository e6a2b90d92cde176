//! The promises of the evidence, simulated over seeds.
//!
//! Each count of failures is held against the quantile of the binomial law at the promised rate
//! that a correct implementation exceeds once in a million runs; each mean against three standard errors.
#![allow(clippy::unwrap_used, missing_docs)]

use mlops_core::evidence::{
    BettingSequence, DetectionPlan, EValue, FailureOdds, Interval, MeanBet, MeanDifference,
    MeanSequence, Sides, SignificanceLevel,
};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use statrs::distribution::{Binomial, DiscreteCDF as _};

const PATHS: u64 = 1_000;
const ALPHA: SignificanceLevel = SignificanceLevel::FIVE_PERCENT;

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// The count that a rate of at most `rate` exceeds once in a million.
fn most(rate: f64) -> u64 {
    Binomial::new(rate, PATHS).unwrap().inverse_cdf(1.0 - 1e-6)
}

fn count(holds: impl Fn(u64) -> bool) -> u64 {
    (0..PATHS).filter(|seed| holds(*seed)).count() as u64
}

/// A canary beside a baseline, request by request, until `requests` have passed.
struct Traffic {
    margin: f64,
    /// The canary fails this many times as often.
    ratio: f64,
    requests: u64,
    /// The canary's share and the base rate of failures at each request.
    weather: fn(u64, &mut ChaCha8Rng) -> (f64, f64),
}

impl Traffic {
    fn run(&self, seed: u64, mut seen: impl FnMut(u64, &FailureOdds) -> bool) -> FailureOdds {
        let (mut rng, mut odds) = (rng(seed), FailureOdds::new(self.margin).unwrap());
        for request in 0..self.requests {
            let (share, rate) = (self.weather)(request, &mut rng);
            let canary = rng.random_bool(share);
            let ratio = if canary { self.ratio } else { 1.0 };
            if rng.random_bool((rate * ratio).min(1.0)) {
                odds.observe_failure(share, canary).unwrap();
            }
            if seen(request, &odds) {
                break;
            }
        }
        odds
    }
}

fn steady(_: u64, _: &mut ChaCha8Rng) -> (f64, f64) {
    (0.1, 0.05)
}

/// Outages that come in bursts and hit both arms alike.
fn outages(request: u64, _: &mut ChaCha8Rng) -> (f64, f64) {
    (0.1, if request % 500 < 50 { 0.6 } else { 0.01 })
}

/// A share that is stepped up, and jumps about, but is known before each draw.
fn ramp(request: u64, rng: &mut ChaCha8Rng) -> (f64, f64) {
    let base = [0.01, 0.05, 0.25, 0.5][(request / 500) as usize % 4];
    (base * rng.random_range(0.5..1.5), 0.05)
}

#[test]
fn a_canary_within_the_margin_is_rarely_flagged_at_any_look() {
    for weather in [
        steady as fn(u64, &mut ChaCha8Rng) -> (f64, f64),
        outages,
        ramp,
    ] {
        for margin in [0.0, 0.5] {
            let traffic = Traffic {
                margin,
                ratio: 1.0 + margin,
                requests: 2_000,
                weather,
            };
            let flagged =
                count(|seed| traffic.run(seed, |_, _| false).greatest().rejects_at(ALPHA));
            assert!(
                flagged <= most(ALPHA.get()),
                "{flagged} of {PATHS} at margin {margin}"
            );
        }
    }
}

#[test]
fn the_e_value_has_mean_at_most_one() {
    let traffic = Traffic {
        margin: 0.0,
        ratio: 1.0,
        requests: 400,
        weather: steady,
    };
    let values: Vec<f64> = (0..PATHS)
        .map(|seed| traffic.run(seed, |_, _| false).e_value().get())
        .collect();
    at_most_one(&values);
    let fair: Vec<f64> = (0..PATHS)
        .map(|seed| {
            let (mut rng, mut bet) = (rng(seed), MeanBet::above(0.3, 0.0, 1.0).unwrap());
            (0..50).for_each(|_| {
                bet.observe(f64::from(u8::from(rng.random_bool(0.3))))
                    .unwrap()
            });
            bet.e_value().get()
        })
        .collect();
    at_most_one(&fair);
}

fn at_most_one(values: &[f64]) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    assert!(mean <= 1.0 + 3.0 * (variance / n).sqrt(), "mean {mean}");
}

/// The bound of the methods' notes: detection within 1.75 times what the plan says.
#[test]
fn a_bad_canary_is_detected_within_the_plan() {
    for ratio in [2.0, 5.0, 20.0] {
        let traffic = Traffic {
            margin: 0.0,
            ratio,
            requests: 200_000,
            weather: steady,
        };
        let plan = DetectionPlan::new(ALPHA, 0.1, ratio).unwrap();
        let planned = plan.requests(0.05).unwrap();
        let paths = 200;
        let total: u64 = (0..paths)
            .map(|seed| {
                let mut detected = 0;
                traffic.run(seed, |request, odds| {
                    detected = request;
                    odds.greatest().rejects_at(ALPHA)
                });
                detected
            })
            .sum();
        let mean = total as f64 / paths as f64;
        assert!(
            mean <= 1.75 * planned,
            "ratio {ratio}: {mean} requests, {planned} planned"
        );
        // A plan that promised anything would pass the bound above.
        assert!(
            mean >= planned / 3.0,
            "ratio {ratio}: {mean} requests, {planned} planned"
        );
    }
}

/// Laws on [0, 1], by mean: two points, one of them rare; uniform; skewed; one whose spread depends
/// on the value before, but whose mean given the past does not.
fn law(kind: usize, mean: f64, before: f64, rng: &mut ChaCha8Rng) -> f64 {
    match kind {
        0 => f64::from(u8::from(rng.random_bool(mean))),
        1 => 2.0 * mean * rng.random::<f64>(),
        2 => mean / 0.25 * rng.random::<f64>().powi(3),
        _ => {
            let width = mean.min(1.0 - mean) * if before > mean { 0.2 } else { 1.0 };
            mean + width * (2.0 * rng.random::<f64>() - 1.0)
        }
    }
}

const LAWS: usize = 4;

fn path(kind: usize, mean: f64, units: usize, seed: u64) -> Vec<f64> {
    let (mut rng, mut before) = (rng(seed), mean);
    (0..units)
        .map(|_| {
            before = law(kind, mean, before, &mut rng);
            before
        })
        .collect()
}

#[test]
fn a_mean_at_the_bound_is_rarely_said_to_lie_above_it() {
    for kind in 0..LAWS {
        for mean in [0.02, 0.2] {
            let wrong = count(|seed| {
                let mut bet = MeanBet::above(mean, 0.0, 1.0).unwrap();
                let units = path(kind, mean, 500, seed);
                units.iter().any(|x| {
                    bet.observe(*x).unwrap();
                    bet.e_value().rejects_at(ALPHA) // stops as soon as it may
                })
            });
            assert!(
                wrong <= most(ALPHA.get()),
                "law {kind}, mean {mean}: {wrong} of {PATHS}"
            );
        }
    }
}

#[test]
fn a_mean_above_the_bound_is_found() {
    for kind in 0..LAWS {
        let found = count(|seed| {
            let mut bet = MeanBet::above(0.1, 0.0, 1.0).unwrap();
            path(kind, 0.2, 500, seed)
                .iter()
                .for_each(|x| bet.observe(*x).unwrap());
            bet.greatest().rejects_at(ALPHA)
        });
        assert!(found >= PATHS * 95 / 100, "law {kind}: {found} of {PATHS}");
    }
}

#[test]
fn a_confidence_sequence_covers_at_all_times_at_once() {
    for kind in 0..LAWS {
        for mean in [0.02, 0.2] {
            let missed = count(|seed| {
                let mut sequence = MeanSequence::new(0.0, 1.0, ALPHA).unwrap();
                path(kind, mean, 500, seed).iter().any(|x| {
                    sequence.observe(*x).unwrap();
                    !sequence.interval().contains(mean)
                })
            });
            assert!(
                missed <= most(ALPHA.get()),
                "law {kind}, mean {mean}: {missed} of {PATHS}"
            );
        }
    }
}

/// One end alone has the whole error; the other stays that of the range.
#[test]
fn one_sided_sequences_cover_at_all_times_at_once() {
    for sides in [Sides::Lower, Sides::Upper] {
        let held = |interval: Interval, mean: f64| match sides {
            Sides::Upper => interval.low() == 0.0 && mean <= interval.high(),
            _ => interval.high() == 1.0 && interval.low() <= mean,
        };
        for kind in 0..LAWS {
            let missed = count(|seed| {
                let mut sequence = MeanSequence::new(0.0, 1.0, ALPHA).unwrap().sides(sides);
                path(kind, 0.2, 300, seed).iter().any(|x| {
                    sequence.observe(*x).unwrap();
                    !held(sequence.interval(), 0.2)
                })
            });
            assert!(
                missed <= most(ALPHA.get()),
                "law {kind}, {sides:?}: {missed} of {PATHS}"
            );
        }
    }
}

/// A fifth of the paths of the others: a unit costs a thousand logarithms.
#[test]
fn a_betting_sequence_covers_at_all_times_at_once_and_is_tighter_for_rare_losses() {
    const FEWER: u64 = PATHS / 5;
    let bound = Binomial::new(ALPHA.get(), FEWER)
        .unwrap()
        .inverse_cdf(1.0 - 1e-6);
    for sides in [Sides::Both, Sides::Upper] {
        for kind in 0..LAWS {
            let missed = (0..FEWER).filter(|&seed| {
                let mut sequence = BettingSequence::new(0.0, 1.0, sides, ALPHA).unwrap();
                path(kind, 0.02, 200, seed).iter().any(|x| {
                    sequence.observe(*x).unwrap();
                    !sequence.interval().contains(0.02)
                })
            });
            let missed = missed.count() as u64;
            assert!(
                missed <= bound,
                "law {kind}, {sides:?}: {missed} of {FEWER}"
            );
        }
    }
    let mut betting = BettingSequence::new(0.0, 1.0, Sides::Both, ALPHA).unwrap();
    let mut bernstein = MeanSequence::new(0.0, 1.0, ALPHA).unwrap();
    for t in 0..500 {
        let x = f64::from(u8::from(t % 50 == 7));
        betting.observe(x).unwrap();
        bernstein.observe(x).unwrap();
    }
    let (tight, wide) = (betting.interval().width(), bernstein.interval().width());
    assert!(tight < 0.9 * wide, "{tight} against {wide}");
}

/// Four shards that are merged are one process: its promise holds, and each shard alone says less.
#[test]
fn merged_shards_keep_the_promise_and_say_more() {
    let shards = |mean: f64, seed: u64| {
        (0..4).map(move |shard| {
            let mut bet = MeanBet::above(0.1, 0.0, 1.0).unwrap();
            let values = path(0, mean, 100, 4 * seed + shard);
            values.iter().for_each(|x| bet.observe(*x).unwrap());
            bet
        })
    };
    let merged = |mean: f64, seed: u64| {
        shards(mean, seed).reduce(|mut all, shard| {
            all.merge(&shard).unwrap();
            all
        })
    };
    let wrong = count(|seed| merged(0.1, seed).unwrap().greatest().rejects_at(ALPHA));
    assert!(wrong <= most(ALPHA.get()), "{wrong} of {PATHS}");
    let found = count(|seed| merged(0.2, seed).unwrap().e_value().rejects_at(ALPHA));
    let alone = count(|seed| {
        shards(0.2, seed)
            .next()
            .unwrap()
            .e_value()
            .rejects_at(ALPHA)
    });
    assert!(
        found >= 2 * alone && found >= PATHS * 4 / 5,
        "{found}, alone {alone}"
    );
    let mut odds = FailureOdds::new(0.2).unwrap();
    assert!(odds.merge(&FailureOdds::new(0.3).unwrap()).is_err());
    let mut bet = MeanBet::above(0.1, 0.0, 1.0).unwrap();
    assert!(bet.merge(&MeanBet::above(0.2, 0.0, 1.0).unwrap()).is_err());
    let sequence = |sides| BettingSequence::new(0.0, 1.0, sides, ALPHA).unwrap();
    assert!(
        sequence(Sides::Both)
            .merge(&sequence(Sides::Upper))
            .is_err()
    );
}

/// Two streams, one twice as fast as the other: no alarm while their means are alike within the margin, one when they are not.
#[test]
fn two_streams_of_bounded_outcomes_are_compared_at_every_look() {
    let alarms = |second: f64| {
        count(|seed| {
            let mut harm = MeanDifference::above(0.05, 0.0, 1.0).unwrap();
            let (first, second) = (path(0, 0.1, 800, seed), path(0, second, 400, seed + PATHS));
            first.chunks(2).zip(second).any(|(pair, x)| {
                pair.iter().for_each(|x| harm.observe_first(*x).unwrap());
                harm.observe_second(x).unwrap();
                harm.e_value().rejects_at(ALPHA)
            })
        })
    };
    let wrong = alarms(0.15);
    assert!(wrong <= most(ALPHA.get()), "{wrong} of {PATHS}");
    let found = alarms(0.3);
    assert!(found >= PATHS * 95 / 100, "{found} of {PATHS}");
    let mut harm = MeanDifference::above(0.0, 0.0, 1.0).unwrap();
    let before = harm.clone();
    assert!(harm.observe_first(f64::NAN).is_err() && harm.observe_second(-0.1).is_err());
    assert_eq!(harm, before);
    assert!(
        MeanDifference::above(1.0, 0.0, 1.0).is_err()
            && MeanDifference::above(0.0, 1.0, 1.0).is_err()
    );
}

#[test]
fn a_confidence_sequence_narrows_and_never_widens() {
    let mut sequence = MeanSequence::new(0.0, 1.0, ALPHA).unwrap();
    let mut width = 1.0;
    for x in path(0, 0.2, 5_000, 1) {
        sequence.observe(x).unwrap();
        assert!(sequence.interval().width() <= width);
        width = sequence.interval().width();
    }
    // The documented width: 2 sqrt(2 var ln(2/alpha) ln(t) / t), to a factor of two.
    let t = 5_000_f64;
    let documented = 2.0 * (2.0 * 0.16 * 40_f64.ln() * t.ln() / t).sqrt();
    assert!(width <= 2.0 * documented, "{width} against {documented}");
}

#[test]
fn evidence_that_is_written_and_read_goes_on_bit_by_bit() {
    let mut odds = FailureOdds::new(0.3).unwrap();
    let mut bet = MeanBet::above(0.1, 0.0, 1.0).unwrap();
    let mut sequence = MeanSequence::new(0.0, 1.0, ALPHA).unwrap();
    for (i, x) in path(2, 0.13, 100, 3).into_iter().enumerate() {
        odds.observe_failure(0.1 + x / 2.0, i % 3 == 0).unwrap();
        bet.observe(x).unwrap();
        sequence.observe(x).unwrap();
        if i == 50 {
            let text = serde_json::to_string(&(&odds, &bet, &sequence)).unwrap();
            let read: (FailureOdds, MeanBet, MeanSequence) = serde_json::from_str(&text).unwrap();
            assert_eq!(read, (odds.clone(), bet.clone(), sequence.clone()));
            (odds, bet, sequence) = read;
        }
    }
}

#[test]
fn what_lies_outside_is_refused_by_value_and_range_and_changes_nothing() {
    let mut odds = FailureOdds::new(0.0).unwrap();
    for share in [0.0, 1.0, -0.1, f64::NAN] {
        let error = odds.observe_failure(share, true).unwrap_err().to_string();
        assert!(
            error.contains("(0, 1)") && error.contains(&share.to_string()),
            "{error}"
        );
    }
    assert_eq!(odds, FailureOdds::new(0.0).unwrap());

    let mut bet = MeanBet::above(0.0, -1.0, 1.0).unwrap();
    let mut sequence = MeanSequence::new(-1.0, 1.0, ALPHA).unwrap();
    for value in [-1.1, 1.1, f64::INFINITY, f64::NAN] {
        let errors =
            [bet.observe(value), sequence.observe(value)].map(|r| r.unwrap_err().to_string());
        for error in errors {
            assert!(
                error.contains("[-1, 1]") && error.contains(&value.to_string()),
                "{error}"
            );
        }
    }
    assert_eq!((bet.units(), sequence.units()), (0, 0));

    for alpha in [0.0, 1.0, -0.5, f64::NAN] {
        assert!(SignificanceLevel::new(alpha).is_err(), "{alpha}");
    }
    for margin in [-0.1, f64::INFINITY, f64::NAN] {
        assert!(FailureOdds::new(margin).is_err(), "{margin}");
    }
    for (bound, low, high) in [
        (0.0, 0.0, 1.0),
        (1.0, 0.0, 1.0),
        (0.5, 0.0, f64::INFINITY),
        (0.5, 1.0, 0.0),
    ] {
        assert!(
            MeanBet::above(bound, low, high).is_err(),
            "{bound} in ({low}, {high})"
        );
    }
    assert!(EValue::new(-1.0).is_err() && EValue::new(f64::NAN).is_err());
}

/// The mean of e-values is an e-value under any dependence; a product is one only if they are
/// independent, and is not offered.
#[test]
fn the_mean_of_e_values_is_their_mean() {
    let values = [0.5, 40.0, 3.0].map(|e| EValue::new(e).unwrap());
    let mean = EValue::mean(values).unwrap().get();
    assert!((mean - 14.5).abs() < 1e-12);
    assert!(EValue::mean([]).is_none());
}
