//! The promises of the evidence, simulated over seeds.
//!
//! Each count of failures is held against the quantile of the binomial law at the promised rate
//! that a correct implementation exceeds once in a million runs; each mean against three standard errors. That each bet is fair, and each
//! sequence the paper's, is shown without simulation in `exactness.rs`.
//!
//! `cargo test --release -p mlops-core --test guarantees -- --ignored --nocapture` simulates 20,000 paths a case and prints every rate.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use mlops_core::evidence::{
    BettingSequence, DetectionPlan, Distance, EValue, FailureOdds, Interval, MeanBet,
    MeanDifference, MeanSequence, PValue, Sides, SignificanceLevel,
};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use statrs::distribution::{Binomial, DiscreteCDF as _};

const PATHS: u64 = 1_000;
/// Behind `--ignored`.
const MANY: u64 = 20_000;
const ALPHA: SignificanceLevel = SignificanceLevel::FIVE_PERCENT;

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// The count that a rate of at most `rate` exceeds once in a million.
fn most(rate: f64, runs: u64) -> u64 {
    Binomial::new(rate, runs).unwrap().inverse_cdf(1.0 - 1e-6)
}

fn count(runs: u64, holds: impl Fn(u64) -> bool) -> u64 {
    (0..runs).filter(|seed| holds(*seed)).count() as u64
}

/// At most alpha of the paths go wrong: counted, printed as a line of the table, and held to the bound.
fn rarely(case: &str, runs: u64, goes_wrong: impl Fn(u64) -> bool) -> u64 {
    let (wrong, bound) = (count(runs, goes_wrong), most(ALPHA.get(), runs));
    let rate = wrong as f64 / runs as f64;
    println!("{case}: {rate:.4} ({wrong} of {runs}, bound {bound})");
    assert!(wrong <= bound, "{case}: {wrong} of {runs}");
    wrong
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

/// The canary's share and the base rate of a request.
type Weather = fn(u64, &mut ChaCha8Rng) -> (f64, f64);

fn a_canary_within_the_margin_is_rarely_flagged(paths: u64) {
    let weathers: [(&str, Weather); 3] = [("steady", steady), ("outages", outages), ("ramp", ramp)];
    for (name, weather) in weathers {
        for margin in [0.0, 0.5] {
            let traffic = Traffic {
                margin,
                ratio: 1.0 + margin,
                requests: 2_000,
                weather,
            };
            let flagged = rarely(
                &format!("false alarms of FailureOdds, {name}, margin {margin}"),
                paths,
                |seed| traffic.run(seed, |_, _| false).greatest().rejects_at(ALPHA),
            );
            // A process that never alarms would keep any level.
            assert!(flagged * 200 >= paths, "{flagged} of {paths} in {name}");
        }
    }
}

#[test]
fn a_canary_within_the_margin_is_rarely_flagged_at_any_look() {
    a_canary_within_the_margin_is_rarely_flagged(PATHS);
}

#[test]
#[ignore = "minutes: see guarantees.sh"]
fn a_canary_within_the_margin_is_rarely_flagged_in_many_paths() {
    a_canary_within_the_margin_is_rarely_flagged(MANY);
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

/// Laws on [0, 1], by mean: two points; even up to an end; skewed; one whose spread depends on the value before, but whose mean given the past
/// does not.
fn law(kind: usize, mean: f64, before: f64, rng: &mut ChaCha8Rng) -> f64 {
    match kind {
        0 => f64::from(u8::from(rng.random_bool(mean))),
        1 if mean > 0.5 => 1.0 - 2.0 * (1.0 - mean) * rng.random::<f64>(),
        1 => 2.0 * mean * rng.random::<f64>(),
        2 => rng.random::<f64>().powf(1.0 / mean - 1.0),
        _ => {
            let width = mean.min(1.0 - mean) * if before > mean { 0.2 } else { 1.0 };
            mean + width * (2.0 * rng.random::<f64>() - 1.0)
        }
    }
}

const LAWS: [&str; 4] = ["two points", "even", "skewed", "spread by the past"];
const MEANS: [f64; 4] = [0.02, 0.2, 0.5, 0.9];

fn path(kind: usize, mean: f64, units: usize, seed: u64) -> Vec<f64> {
    let (mut rng, mut before) = (rng(seed), mean);
    (0..units)
        .map(|_| {
            before = law(kind, mean, before, &mut rng);
            before
        })
        .collect()
}

fn a_mean_at_the_bound_is_rarely_exceeded(paths: u64) {
    for (kind, name) in LAWS.iter().enumerate() {
        for mean in MEANS {
            let case = format!("false alarms of MeanBet, {name}, mean {mean}");
            rarely(&case, paths, |seed| {
                let mut bet = MeanBet::above(mean, 0.0, 1.0).unwrap();
                let units = path(kind, mean, 500, seed);
                units.iter().any(|x| {
                    bet.observe(*x).unwrap();
                    bet.e_value().rejects_at(ALPHA) // stops as soon as it may
                })
            });
        }
    }
}

#[test]
fn a_mean_at_the_bound_is_rarely_said_to_lie_above_it() {
    a_mean_at_the_bound_is_rarely_exceeded(PATHS / 5);
}

#[test]
#[ignore = "minutes: see guarantees.sh"]
fn a_mean_at_the_bound_is_rarely_said_to_lie_above_it_in_many_paths() {
    a_mean_at_the_bound_is_rarely_exceeded(MANY);
}

#[test]
fn a_mean_above_the_bound_is_found() {
    for (kind, name) in LAWS.iter().enumerate() {
        let found = count(PATHS, |seed| {
            let mut bet = MeanBet::above(0.1, 0.0, 1.0).unwrap();
            path(kind, 0.2, 500, seed)
                .iter()
                .for_each(|x| bet.observe(*x).unwrap());
            bet.greatest().rejects_at(ALPHA)
        });
        assert!(found >= PATHS * 95 / 100, "{name}: {found} of {PATHS}");
    }
}

const ALL_SIDES: [(&str, Sides); 3] = [
    ("both ends", Sides::Both),
    ("lower end", Sides::Lower),
    ("upper end", Sides::Upper),
];

/// The mean lies inside, and the end that is not promised is that of the range.
fn holds(interval: Option<Interval>, sides: Sides, mean: f64) -> bool {
    interval.is_some_and(|interval| {
        interval.contains(mean)
            && (sides != Sides::Upper || interval.low() == 0.0)
            && (sides != Sides::Lower || interval.high() == 1.0)
    })
}

fn a_mean_sequence_covers(paths: u64) {
    for (kind, name) in LAWS.iter().enumerate() {
        for mean in MEANS {
            for (ends, sides) in ALL_SIDES {
                let case = format!("misses of MeanSequence, {ends}, {name}, mean {mean}");
                rarely(&case, paths, |seed| {
                    let mut sequence = MeanSequence::new(0.0, 1.0, sides, ALPHA).unwrap();
                    path(kind, mean, 500, seed).iter().any(|x| {
                        sequence.observe(*x).unwrap();
                        !holds(sequence.interval(), sides, mean)
                    })
                });
            }
        }
    }
}

#[test]
fn a_confidence_sequence_covers_at_all_times_at_once() {
    a_mean_sequence_covers(PATHS / 5);
}

#[test]
#[ignore = "minutes: see guarantees.sh"]
fn a_confidence_sequence_covers_at_all_times_at_once_in_many_paths() {
    a_mean_sequence_covers(MANY);
}

/// Fewer paths and units than the others: a unit costs a thousand logarithms.
fn a_betting_sequence_covers(paths: u64, units: usize, means: &[f64]) {
    for &mean in means {
        for (ends, sides) in ALL_SIDES {
            let kinds = if sides == Sides::Both {
                &[0, 2][..]
            } else {
                &[0]
            };
            for &kind in kinds {
                let name = LAWS[kind];
                let case = format!("misses of BettingSequence, {ends}, {name}, mean {mean}");
                rarely(&case, paths, |seed| {
                    let mut sequence = BettingSequence::new(0.0, 1.0, sides, ALPHA).unwrap();
                    path(kind, mean, units, seed).iter().any(|x| {
                        sequence.observe(*x).unwrap();
                        !holds(sequence.interval(), sides, mean)
                    })
                });
            }
        }
    }
}

#[test]
fn a_betting_sequence_covers_at_all_times_at_once() {
    a_betting_sequence_covers(PATHS / 20, 100, &[0.02, 0.9]);
}

#[test]
#[ignore = "minutes: see guarantees.sh"]
fn a_betting_sequence_covers_at_all_times_at_once_in_many_paths() {
    a_betting_sequence_covers(MANY, 100, &MEANS);
}

#[test]
fn a_betting_sequence_is_tighter_for_rare_losses() {
    let mut betting = BettingSequence::new(0.0, 1.0, Sides::Both, ALPHA).unwrap();
    let mut bernstein = MeanSequence::new(0.0, 1.0, Sides::Both, ALPHA).unwrap();
    for t in 0..500 {
        let x = f64::from(u8::from(t % 50 == 7));
        betting.observe(x).unwrap();
        bernstein.observe(x).unwrap();
    }
    let width = |interval: Option<Interval>| interval.unwrap().width();
    let (tight, wide) = (width(betting.interval()), width(bernstein.interval()));
    assert!(tight < 0.9 * wide, "{tight} against {wide}");
}

/// Three shards that are looked at together after every fifth of their units, merged anew each time, in an order that the path draws: no look misses
/// more than a single sequence may.
fn merged_sequences_cover(paths: u64) {
    for mean in MEANS {
        let case = format!("misses of merged MeanSequences, both ends, two points, mean {mean}");
        rarely(&case, paths, |seed| {
            let shards = [0, 1, 2].map(|shard| path(0, mean, 100, 3 * seed + shard));
            let mut sequences = shards
                .each_ref()
                .map(|_| MeanSequence::new(0.0, 1.0, Sides::Both, ALPHA).unwrap());
            (0..5).any(|look| {
                for (sequence, shard) in sequences.iter_mut().zip(&shards) {
                    let units = &shard[20 * look..20 * look + 20];
                    units.iter().for_each(|x| sequence.observe(*x).unwrap());
                }
                let order = [[0, 1, 2], [1, 2, 0], [2, 1, 0]][(seed % 3) as usize];
                let mut merged = sequences[order[0]].clone();
                merged.merge(&sequences[order[1]]).unwrap();
                merged.merge(&sequences[order[2]]).unwrap();
                !holds(merged.interval(), Sides::Both, mean)
            })
        });
    }
}

#[test]
fn merged_sequences_cover_at_every_look() {
    merged_sequences_cover(PATHS);
}

#[test]
#[ignore = "minutes: see guarantees.sh"]
fn merged_sequences_cover_at_every_look_in_many_paths() {
    merged_sequences_cover(MANY);
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
    rarely("false alarms of four merged MeanBets", PATHS, |seed| {
        merged(0.1, seed).unwrap().greatest().rejects_at(ALPHA)
    });
    let found = count(PATHS, |seed| {
        merged(0.2, seed).unwrap().e_value().rejects_at(ALPHA)
    });
    let alone = count(PATHS, |seed| {
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

/// Two streams, one twice as fast as the other, and their comparison in two shards: an alarm at any look.
fn difference_alarms(means: [f64; 2], seed: u64) -> bool {
    let mut harms = [0, 1].map(|_| MeanDifference::above(0.05, 0.0, 1.0).unwrap());
    let streams = [0, 1].map(|shard| {
        let seed = 4 * seed + 2 * shard;
        (
            path(0, means[0], 400, seed),
            path(0, means[1], 200, seed + 1),
        )
    });
    (0..200).any(|t| {
        for (harm, (first, second)) in harms.iter_mut().zip(&streams) {
            harm.observe_first(first[2 * t]).unwrap();
            harm.observe_first(first[2 * t + 1]).unwrap();
            harm.observe_second(second[t]).unwrap();
        }
        let mut merged = harms[0].clone();
        merged.merge(&harms[1]).unwrap();
        merged.e_value().rejects_at(ALPHA)
    })
}

fn two_streams_are_compared(paths: u64) {
    for means in [[0.1, 0.15], [0.45, 0.5], [0.1, 0.05]] {
        let case = format!("false alarms of merged MeanDifferences, means {means:?}, margin 0.05");
        rarely(&case, paths, |seed| difference_alarms(means, seed));
    }
}

/// No alarm while their means are alike within the margin, one when they are not.
#[test]
fn two_streams_of_bounded_outcomes_are_compared_at_every_look() {
    two_streams_are_compared(PATHS / 5);
    let found = count(PATHS / 5, |seed| difference_alarms([0.1, 0.3], seed));
    assert!(found >= PATHS * 19 / 100, "{found} of {}", PATHS / 5);
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
#[ignore = "minutes: see guarantees.sh"]
fn two_streams_of_bounded_outcomes_are_compared_in_many_paths() {
    two_streams_are_compared(MANY);
}

#[test]
fn a_confidence_sequence_narrows_and_never_widens() {
    let mut sequence = MeanSequence::new(0.0, 1.0, Sides::Both, ALPHA).unwrap();
    let mut width = 1.0;
    for x in path(0, 0.2, 5_000, 1) {
        sequence.observe(x).unwrap();
        let now = sequence.interval().unwrap().width();
        assert!(now <= width);
        width = now;
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
    let mut sequence = MeanSequence::new(0.0, 1.0, Sides::Both, ALPHA).unwrap();
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

/// The JSON of a value with one part changed is no value; unchanged it is the same one.
fn refuses<T: Serialize + DeserializeOwned + PartialEq>(whole: &T, wrong: &[(&str, Value)]) {
    let written = serde_json::to_value(whole).unwrap();
    assert!(serde_json::from_value::<T>(written.clone()).unwrap() == *whole);
    for (part, value) in wrong {
        let mut broken = written.clone();
        *broken.pointer_mut(part).unwrap() = value.clone();
        let read = serde_json::from_value::<T>(broken);
        assert!(
            read.is_err_and(|error| error.to_string().contains("must lie in")),
            "{part} = {value}"
        );
    }
}

/// JSON has no infinity. Finite ends are numbers as ever, and what was written before infinite ones were texts is read.
#[test]
fn intervals_without_an_end_are_written_and_read() {
    let infinite = [f64::NEG_INFINITY, f64::INFINITY];
    for [low, high] in [
        infinite,
        [-1.5, infinite[1]],
        [infinite[0], 2.0],
        [-1.5, 2.0],
    ] {
        let interval = Interval::new(low, high, 0.95).unwrap();
        let written = serde_json::to_string(&interval).unwrap();
        let end = |end: f64| match end.is_finite() {
            true => json!(end),
            false => json!(end.to_string()),
        };
        let expected = json!({"low": end(low), "high": end(high), "confidence": 0.95});
        let value: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert_eq!(value, expected);
        assert_eq!(
            serde_json::from_str::<Interval>(&written).unwrap(),
            interval
        );

        let nulls = written
            .replace("\"inf\"", "null")
            .replace("\"-inf\"", "null");
        assert_eq!(serde_json::from_str::<Interval>(&nulls).unwrap(), interval);
    }
    let whole = Interval::new(1.0, infinite[1], 0.95).unwrap();
    for low in [json!("inf"), json!("nan"), json!("0.5")] {
        refuses(&Interval::new(1.0, 2.0, 0.95).unwrap(), &[("/low", low)]);
    }
    refuses(&whole, &[("/high", json!("-inf"))]);
    let without_an_end = r#"{"low": 1.0, "confidence": 0.95}"#;
    assert!(serde_json::from_str::<Interval>(without_an_end).is_err());
}

#[test]
fn certain_evidence_is_written_and_read() {
    let certain = PValue::new(0.0).unwrap().to_e_value();
    for e in [
        certain,
        EValue::new(0.0).unwrap(),
        EValue::new(40.0).unwrap(),
    ] {
        let written = serde_json::to_string(&e).unwrap();
        assert_eq!(serde_json::from_str::<EValue>(&written).unwrap(), e);
    }
    assert_eq!(certain.get(), f64::INFINITY);
}

/// Each would claim what no data say, or nothing for ever.
#[test]
fn measures_and_states_that_cannot_be_are_not_read() {
    let interval = Interval::new(0.1, 0.2, 0.95).unwrap();
    refuses(
        &interval,
        &[("/low", json!(2.0)), ("/confidence", json!(7.0))],
    );
    let distance = Distance::new(0.2, "psi").unwrap();
    refuses(&distance, &[("/value", json!(-3.0))]);

    let settings = [("/bound", json!(1.5)), ("/high", json!(-1.0))];
    let wealth = [
        ("/ln_wealth", json!([])),
        ("/ln_wealth/3", json!(500.0)),
        ("/greatest_ln", json!(-1.0)),
    ];
    let mut bet = MeanBet::above(0.1, 0.0, 1.0).unwrap();
    refuses(&bet, &[&settings[..], &wealth].concat());
    bet.observe(0.9).unwrap();
    refuses(&bet, &[&settings[..], &wealth].concat());

    let mut odds = FailureOdds::new(0.3).unwrap();
    refuses(&odds, &[&[("/margin", json!(-0.1))], &wealth[..]].concat());
    odds.observe_failure(0.1, true).unwrap();
    refuses(&odds, &wealth);

    let mut harm = MeanDifference::above(0.0, 0.0, 1.0).unwrap();
    harm.observe_first(0.5).unwrap();
    let apart = [
        ("/waiting/1", json!([0.5])),
        ("/waiting/0/0", json!(2.0)),
        ("/high", json!(3.0)),
        ("/bet/high", json!(3.0)),
    ];
    refuses(&harm, &apart);

    let ends = [
        ("/high", json!(0.0)),
        ("/sum", json!(2.5)),
        ("/squares", json!(-1.0)),
        ("/bounds/0", json!(-0.5)),
        ("/bounds/1", json!(1.5)),
    ];
    let mut cheap = MeanSequence::new(0.0, 1.0, Sides::Both, ALPHA).unwrap();
    let mut tight = BettingSequence::new(0.0, 1.0, Sides::Both, ALPHA).unwrap();
    refuses(&cheap, &[&ends[..], &[("/stakes", json!(0.1))]].concat());
    refuses(
        &tight,
        &[&ends[..], &[("/ln_wealth/7/0", json!(9.0))]].concat(),
    );
    for value in [0.0, 1.0] {
        cheap.observe(value).unwrap();
        tight.observe(value).unwrap();
    }
    let stakes = [
        ("/stakes", json!(0.0)),
        ("/staked", json!(1.5)),
        ("/penalty", json!(-0.1)),
    ];
    refuses(&cheap, &[&ends[..], &stakes].concat());
    refuses(&tight, &[&ends[..], &[("/ln_wealth", json!([]))]].concat());
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
    let mut sequence = MeanSequence::new(-1.0, 1.0, Sides::Both, ALPHA).unwrap();
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
