//! The promises of detectors on streams, simulated over seeds; and what every detector must do with bad values and restarts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs
)]

mod bound;

use std::fmt::Debug;

use bound::most;
use mlops_core::ErrorKind;
use mlops_core::evidence::SignificanceLevel;
use mlops_drift::stream::{
    Adwin, BettingTest, ConformalMartingale, Cusum, Ddm, Eddm, Fhddm, HddmA, HddmW, Kswin,
    ManyStreams, PageHinkley, RiskMonitor, Sequential, ShiryaevRoberts, Signal, serial_dependence,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const ALPHA: f64 = 0.05;
type Law = fn(&mut ChaCha8Rng) -> f64;
type Change = fn(f64) -> f64;

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random_range(0.0..1.0_f64)).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random_range(0.0..1.0_f64)).cos()
}

fn cauchy(rng: &mut ChaCha8Rng) -> f64 {
    (std::f64::consts::PI * (rng.random_range(0.0..1.0_f64) - 0.5)).tan()
}

fn five_values(rng: &mut ChaCha8Rng) -> f64 {
    rng.random_range(0..5_u8).into()
}

/// The position of the first alarm among the next values.
fn first_alarm(
    detector: &mut impl Sequential<f64>,
    values: impl IntoIterator<Item = f64>,
) -> Option<usize> {
    let mut signals = values
        .into_iter()
        .map(|value| detector.observe(value).unwrap());
    signals.position(|signal| signal == Signal::Drift)
}

fn draws(rng: &mut ChaCha8Rng, count: usize, law: Law) -> Vec<f64> {
    (0..count).map(|_| law(rng)).collect()
}

/// How many of the runs alarm at any time.
fn alarming(runs: u32, alarms: impl Fn(&mut ChaCha8Rng) -> bool) -> u32 {
    let seeds = 0..u64::from(runs);
    seeds
        .filter(|&seed| alarms(&mut ChaCha8Rng::seed_from_u64(seed)))
        .count() as u32
}

fn martingale_alarms(runs: u32, reference: usize, steps: usize, law: Law) -> u32 {
    let level = SignificanceLevel::new(ALPHA).unwrap();
    alarming(runs, |rng| {
        let reference = draws(rng, reference, law);
        let seed = rng.random_range(0..u64::MAX);
        let mut martingale = ConformalMartingale::with_seed(&reference, level, seed).unwrap();
        first_alarm(&mut martingale, draws(rng, steps, law)).is_some()
    })
}

fn martingale_keeps_its_level(runs: u32, steps: usize) {
    for (name, law) in [
        ("normal", normal as Law),
        ("cauchy", cauchy),
        ("five values", five_values),
    ] {
        for reference in [2, 50, 1_000] {
            let count = martingale_alarms(runs, reference, steps, law);
            let bound = most(runs, ALPHA);
            let rate = f64::from(count) / f64::from(runs);
            println!(
                "martingale of {steps}, {name}, reference {reference}: {rate:.4} ({count} of {runs}, bound {bound})"
            );
            assert!(
                count <= most(runs, ALPHA),
                "{name}, {reference}: {count} of {runs}"
            );
        }
    }
}

#[test]
fn the_conformal_martingale_keeps_its_level_at_every_look() {
    martingale_keeps_its_level(150, 400);
}

#[test]
#[ignore = "minutes: see guarantees.sh"]
fn the_conformal_martingale_keeps_its_level_for_long() {
    martingale_keeps_its_level(2_000, 5_000);
}

/// References in whose rows two laws take turns, and streams of the same mixture in any order: nothing has changed.
#[test]
fn a_reference_may_be_in_any_order() {
    let level = SignificanceLevel::new(ALPHA).unwrap();
    let two_values: Law = |rng| rng.random_range(0..2_u8).into();
    let two_sites: Law = |rng| normal(rng) + f64::from(rng.random_range(0..2_u8));
    let in_turn = |count: usize, value: &mut dyn FnMut() -> f64| -> Vec<f64> {
        (0..count).map(|row| value() + (row % 2) as f64).collect()
    };
    for (name, two_sites, law) in [("values", false, two_values), ("sites", true, two_sites)] {
        let count = alarming(200, |rng| {
            let reference = in_turn(200, &mut || if two_sites { normal(rng) } else { 0.0 });
            let seed = rng.random_range(0..u64::MAX);
            let mut martingale = ConformalMartingale::with_seed(&reference, level, seed).unwrap();
            first_alarm(&mut martingale, draws(rng, 300, law)).is_some()
        });
        assert!(count <= most(200, ALPHA), "two {name}: {count} of 200");
    }
}

/// A detector that nothing could alarm is not made.
#[test]
fn a_reference_without_values_is_an_error() {
    let level = SignificanceLevel::FIVE_PERCENT;
    for reference in [
        &[] as &[f64],
        &[1.0],
        &[f64::NAN, f64::INFINITY, 1.0, f64::NEG_INFINITY],
    ] {
        let errors = [
            ConformalMartingale::against(reference, level).unwrap_err(),
            ShiryaevRoberts::against(reference, 100.0).unwrap_err(),
            ManyStreams::against([&[1.0, 2.0], reference], level).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.to_string().contains("at least 2, got"), "{error}");
        }
    }
    // Two are enough to see a change by.
    let mut detector = ShiryaevRoberts::against(&[0.0, 1.0], 100.0).unwrap();
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let changing = (0..400).map(|step| normal(rng) + if step < 200 { 0.0 } else { 100.0 });
    assert!(first_alarm(&mut detector, changing).is_some());
}

/// What no sum could hold would blind it for ever: refused by value and range, and the next change is seen.
#[test]
fn adwin_refuses_what_its_sums_cannot_hold() {
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let mut detector = Adwin::default();
    for marker in [f64::MAX, -1e155, 1e141] {
        let error = detector.observe(marker).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().contains("[-1e140, 1e140]"), "{error}");
    }
    assert_eq!(detector, Adwin::default());
    let mut shifting = |shift: f64| (0..500).map(|_| normal(rng) + shift).collect::<Vec<f64>>();
    assert_eq!(first_alarm(&mut detector, shifting(0.0)), None);
    assert!(first_alarm(&mut detector, shifting(100.0)).is_some());
    // The greatest that it takes leave its sums finite, and what it says of outliers is so.
    let mut detector = Adwin::default();
    for value in [1e140, -1e140].repeat(500) {
        detector.observe(value).unwrap();
        assert!(detector.mean().is_some_and(f64::is_finite));
    }
    let mut blinded = Adwin::default();
    blinded.observe(1e5).unwrap();
    assert_eq!(first_alarm(&mut blinded, shifting(0.0)), None);
    assert_eq!(first_alarm(&mut blinded, shifting(100.0)), None);
}

/// Median delays after a quiet stream of 500, at a promised run length of 1,000: the stream's own values dull later ones.
#[test]
fn changes_are_seen_soon() {
    let changes: [(&str, Change, usize); 3] = [
        ("half a deviation", |x| x + 0.5, 60),
        ("one deviation", |x| x + 1.0, 35),
        ("half as wide again", |x| 1.5 * x, 75),
    ];
    for (name, change, most) in changes {
        let mut delays: Vec<usize> = (0..41)
            .map(|seed| {
                let rng = &mut ChaCha8Rng::seed_from_u64(seed);
                let reference = draws(rng, 2_000, normal);
                let mut detector = ShiryaevRoberts::against(&reference, 1_000.0).unwrap();
                first_alarm(&mut detector, draws(rng, 500, normal));
                let changed = draws(rng, 1_000, normal).into_iter().map(change);
                first_alarm(&mut detector, changed).unwrap_or(1_000)
            })
            .collect();
        delays.sort_unstable();
        println!("{name}: median delay {}", delays[20]);
        assert!(delays[20] <= most, "{name}: {}", delays[20]);
    }
}

/// What the documentation says of serial dependence is so: the level is lost, and the diagnosis sees it.
#[test]
fn serial_dependence_breaks_the_level_and_is_diagnosed() {
    let level = SignificanceLevel::new(ALPHA).unwrap();
    let series = |rng: &mut ChaCha8Rng, count: usize| -> Vec<f64> {
        let mut last = 0.0;
        let step = |_| {
            last = 0.3 * last + normal(rng);
            last
        };
        (0..count).map(step).collect()
    };
    let count = alarming(60, |rng| {
        let reference = series(rng, 1_000);
        let mut martingale = ConformalMartingale::against(&reference, level).unwrap();
        first_alarm(&mut martingale, series(rng, 2_000)).is_some()
    });
    println!("autoregression: {count} of 60 alarm");
    assert!((20..=55).contains(&count), "{count} of 60");
    assert_eq!(serial_dependence(&[3.0; 50]).unwrap().p_value.get(), 1.0);
    let seen = alarming(60, |rng| {
        serial_dependence(&series(rng, 500)).unwrap().p_value.get() <= ALPHA
    });
    assert!(seen >= 58, "{seen} of 60");
    // Of 5,000 values of two sorts, ties counted by their order would resemble their neighbours.
    let two_values: Law = |rng| rng.random_range(0..2_u8).into();
    for (law, size) in [
        (normal as Law, 60),
        (cauchy, 60),
        (five_values, 60),
        (two_values, 5_000),
    ] {
        let count = alarming(400, |rng| {
            serial_dependence(&draws(rng, size, law))
                .unwrap()
                .p_value
                .get()
                <= ALPHA
        });
        assert!(count <= most(400, ALPHA + 0.005), "{count} of 400");
    }
}

/// By hand: of n ranks in order, with S = Σ (r − r̄)² = n(n² − 1)/12, neighbours in a circle differ by 1, and once by n − 1, so that Σ (r
/// − r̄)(r′ − r̄) = S − n(n − 1)/2 and the autocorrelation is 1 − 6/(n + 1); of ranks that alternate between two values it is −1. By the
/// law of Wald and Wolfowitz it is normal, of mean −1/(n − 1) and variance 1/n.
#[test]
fn serial_dependence_of_orders_known_by_hand() {
    let ordered: Vec<f64> = (0..41).map(f64::from).collect();
    let alternating: Vec<f64> = (0..100).map(|row| f64::from(row % 2)).collect();
    for (series, by_hand) in [(ordered, 6.0 / 7.0), (alternating, -1.0)] {
        let result = serial_dependence(&series).unwrap();
        assert!((result.statistic - by_hand).abs() < 1e-12, "{result:?}");
        let size = series.len() as f64;
        let standardized: f64 = (by_hand + 1.0 / (size - 1.0)) * size.sqrt();
        let p = statrs::function::erf::erfc(standardized.abs() / 2.0_f64.sqrt());
        assert!(
            (result.p_value.get() / p - 1.0).abs() < 1e-9,
            "{result:?}, {p}"
        );
    }
}

/// How many runs alarm within 1,500 losses of this rate, after so many of one in ten.
fn risk_alarms(runs: u32, reference: usize, rate: f64, tolerance: f64) -> u32 {
    let level = SignificanceLevel::new(ALPHA).unwrap();
    let losses = |rng: &mut ChaCha8Rng, count: usize, rate: f64| -> Vec<f64> {
        (0..count)
            .map(|_| f64::from(u8::from(rng.random_range(0.0..1.0) < rate)))
            .collect()
    };
    alarming(runs, |rng| {
        let reference = losses(rng, reference, 0.1);
        let mut monitor = RiskMonitor::against(reference, tolerance, level).unwrap();
        first_alarm(&mut monitor, losses(rng, 1_500, rate)).is_some()
    })
}

fn the_risk_monitor_keeps_its_level(runs: u32) {
    for (rate, tolerance) in [(0.1, 0.0), (0.15, 0.05), (0.3, 0.2)] {
        for reference in [200, 20_000] {
            let count = risk_alarms(runs, reference, rate, tolerance);
            let (bound, share) = (most(runs, ALPHA), f64::from(count) / f64::from(runs));
            println!(
                "risk monitor, loss {rate}, tolerance {tolerance}, reference {reference}: {share:.4} ({count} of {runs}, bound {bound})"
            );
            assert!(count <= bound, "{count} of {runs} at {rate}");
        }
    }
}

#[test]
fn the_risk_monitor_keeps_its_level_and_sees_harm() {
    the_risk_monitor_keeps_its_level(60);
    let seen = risk_alarms(30, 500, 0.3, 0.05);
    assert!(seen >= 29, "{seen} of 30");
}

#[test]
#[ignore = "minutes: see guarantees.sh"]
fn the_risk_monitor_keeps_its_level_in_many_runs() {
    the_risk_monitor_keeps_its_level(5_000);
}

/// A pair and its exchange are as likely as each other: on average over both the capital stays what it was, whatever has been seen.
#[test]
fn a_pair_and_its_exchange_win_nothing_on_average() {
    let mut test = BettingTest::new(SignificanceLevel::ONE_PERCENT).unwrap();
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    for _ in 0..300 {
        let pair = [normal(rng), normal(rng) + 1.0];
        let after = |pair: [f64; 2]| {
            let mut test = test.clone();
            test.observe(pair).unwrap();
            test.e_value().get()
        };
        let average = f64::midpoint(after(pair), after([pair[1], pair[0]]));
        assert!(
            (average / test.e_value().get() - 1.0).abs() < 1e-12,
            "{average}"
        );
        test.observe(pair).unwrap();
    }
    assert!(
        test.e_value().get() > 100.0,
        "nothing was won: nothing was tested"
    );
}

fn betting_alarms(runs: u32, steps: usize, law: Law, change: Change) -> u32 {
    let level = SignificanceLevel::new(ALPHA).unwrap();
    alarming(runs, |rng| {
        let mut test = BettingTest::new(level).unwrap();
        // Both halves of a pair share a daily cycle and a trend: no reason to alarm.
        let mut pairs = (0..steps).map(|step| {
            let common = (step as f64 / 24.0).sin() + step as f64 / 500.0;
            [common + law(rng), common + change(law(rng))]
        });
        pairs.any(|pair| test.observe(pair).unwrap() == Signal::Drift)
    })
}

fn betting_keeps_its_level(runs: u32, steps: usize) {
    for (name, law) in [
        ("normal", normal as Law),
        ("cauchy", cauchy),
        ("five values", five_values),
    ] {
        let count = betting_alarms(runs, steps, law, |x| x);
        let bound = most(runs, ALPHA);
        let rate = f64::from(count) / f64::from(runs);
        println!("betting test of {steps}, {name}: {rate:.4} ({count} of {runs}, bound {bound})");
        assert!(count <= bound, "{name}: {count} of {runs}");
    }
}

#[test]
fn the_betting_test_keeps_its_level_at_every_look_and_sees_differences() {
    betting_keeps_its_level(200, 500);
    let changes: [(&str, Change); 2] = [
        ("half a deviation", |x| x + 0.5),
        ("twice as wide", |x| 2.0 * x),
    ];
    for (name, change) in changes {
        let seen = betting_alarms(40, 1_000, normal, change);
        println!("betting test, {name}: {seen} of 40 seen");
        assert!(seen >= 38, "{name}: {seen} of 40");
    }
}

#[test]
#[ignore = "minutes: see guarantees.sh"]
fn the_betting_test_keeps_its_level_for_long() {
    betting_keeps_its_level(2_000, 5_000);
}

/// Twenty streams of which some changed, looked at once at a fixed step: the expected share of false ones among those declared is at most alpha times
/// that step. One of those declared is drawn: it is false with just that probability.
fn few_of_the_streams_are_false(runs: u32) {
    const STREAMS: usize = 20;
    const STEPS: usize = 150;
    const SHARE: f64 = 0.1;
    let level = SignificanceLevel::new(SHARE / STEPS as f64).unwrap();
    for changed in [0, 4] {
        let seen = std::cell::Cell::new(0);
        let count = alarming(runs, |rng| {
            let references: Vec<Vec<f64>> = (0..STREAMS).map(|_| draws(rng, 300, normal)).collect();
            let mut streams = ManyStreams::against(&references, level).unwrap();
            for _ in 0..STEPS {
                let common = normal(rng); // streams depend on one another
                for stream in 0..STREAMS {
                    let shift = if stream < changed { 2.0 } else { 0.0 };
                    let value = (common + normal(rng)) / 2.0_f64.sqrt() + shift;
                    streams.observe(stream, value).unwrap();
                }
            }
            let declared = streams.changed();
            let wrong = declared.iter().filter(|&&stream| stream >= changed).count();
            seen.set(seen.get() + declared.len() - wrong);
            wrong > 0 && rng.random_range(0..declared.len()) < wrong
        });
        let (bound, rate) = (most(runs, SHARE), f64::from(count) / f64::from(runs));
        println!(
            "false discovery rate of ManyStreams, {changed} of {STREAMS} changed: {rate:.4} ({count} of {runs}, bound {bound})"
        );
        assert!(count <= bound, "{changed} changed: {count} of {runs}");
        assert!(
            seen.get() * 10 >= 9 * changed * runs as usize,
            "{}",
            seen.get()
        );
    }
}

#[test]
fn few_of_the_streams_declared_are_false() {
    few_of_the_streams_are_false(100);
}

#[test]
#[ignore = "minutes: see guarantees.sh"]
fn few_of_the_streams_declared_are_false_in_many_runs() {
    few_of_the_streams_are_false(4_000);
}

/// R less the number of observations is a martingale: the mean of R without a change is that number, but for four standard errors; and after a
/// restart a detector goes on as if nothing had been.
#[test]
fn the_statistic_of_a_quiet_stream_is_its_length_on_average() {
    const STEPS: usize = 20;
    let alpha = SignificanceLevel::ONE_PERCENT;
    let values: Vec<f64> = (0..2_000_u64)
        .map(|seed| {
            let rng = &mut ChaCha8Rng::seed_from_u64(seed);
            let mut streams = ManyStreams::against([draws(rng, 100, five_values)], alpha).unwrap();
            for step in 0..STEPS {
                streams.observe(0, five_values(rng)).unwrap();
                if step == STEPS / 2 {
                    let saved = serde_json::to_string(&streams).unwrap();
                    assert_eq!(
                        serde_json::from_str::<ManyStreams>(&saved).unwrap(),
                        streams
                    );
                }
            }
            streams.statistics()[0]
        })
        .collect();
    let size = values.len() as f64;
    let mean = values.iter().sum::<f64>() / size;
    let variance = values.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (size - 1.0);
    println!("mean of R after {STEPS}: {mean:.2}");
    assert!(
        (mean - STEPS as f64).abs() <= 4.0 * (variance / size).sqrt(),
        "{mean}"
    );
}

/// Montgomery, "Introduction to Statistical Quality Control", table 9.3: 465 observations at k = 0.5 and h = 5. Run lengths are
/// nearly exponential, so the mean of 400 has a standard error of a twentieth; four of them.
#[test]
fn the_cusum_runs_as_long_as_its_table_says() {
    let chart = Cusum::new(10.0, 2.0).unwrap();
    assert!((chart.average_run_length() - 465.0).abs() < 5.0);
    let lengths = (0..400).map(|seed| {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let mut chart = chart.clone();
        let values = std::iter::repeat_with(|| 10.0 + 2.0 * normal(rng));
        (first_alarm(&mut chart, values.take(20_000)).unwrap() + 1) as f64
    });
    let mean = lengths.sum::<f64>() / 400.0;
    assert!((mean - 465.0).abs() < 0.2 * 465.0, "{mean}");
}

/// Written down in the middle and read back, it goes on as one that was not; a refused value changes nothing.
fn goes_on<D, X>(detector: D, stream: impl Iterator<Item = X> + Clone, bad: &[X])
where
    D: Sequential<X> + Clone + Serialize + DeserializeOwned + PartialEq + Debug,
    X: Copy,
{
    let (mut whole, mut broken) = (detector.clone(), detector.clone());
    let mut alarms = 0;
    for (index, value) in stream.clone().enumerate() {
        let signal = whole.observe(value).unwrap();
        alarms += usize::from(signal == Signal::Drift);
        assert_eq!(broken.observe(value).unwrap(), signal, "at {index}");
        if index % 97 == 0 {
            broken = serde_json::from_str(&serde_json::to_string(&broken).unwrap()).unwrap();
            for &bad in bad {
                let before = broken.clone();
                broken.observe(bad).unwrap_err();
                assert_eq!(broken, before);
            }
        }
    }
    assert!(alarms > 0, "{whole:?} never alarmed: nothing was tested");
}

#[test]
fn every_detector_survives_a_restart_and_refuses_what_it_cannot_read() {
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let numbers: Vec<f64> = (0..600)
        .map(|i| normal(rng) + if i < 300 { 0.0 } else { 3.0 })
        .collect();
    let numbers = || numbers.clone().into_iter();
    let reference = draws(rng, 300, normal);
    let wrong: Vec<bool> = (0..900)
        .map(|i| rng.random_range(0.0..1.0) < if i < 500 { 0.1 } else { 0.8 })
        .collect();
    let wrong = || wrong.clone().into_iter();
    let quiet = draws(rng, 600, normal);
    let pairs = numbers().zip(quiet).map(|(x, y)| [x, y]);
    let pairs: Vec<[f64; 2]> = pairs.collect();
    let losses = || wrong().map(|wrong| f64::from(u8::from(wrong)));
    let bad = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    let bad_losses = [f64::NAN, -0.1, 1.1];
    let level = SignificanceLevel::ONE_PERCENT;
    goes_on(Adwin::default(), numbers(), &bad);
    goes_on(PageHinkley::default(), numbers(), &bad);
    goes_on(Kswin::default(), numbers(), &bad);
    goes_on(Cusum::new(0.0, 1.0).unwrap(), numbers(), &bad);
    goes_on(
        ConformalMartingale::against(&reference, level).unwrap(),
        numbers(),
        &bad,
    );
    goes_on(
        ShiryaevRoberts::against(&reference, 1e4).unwrap(),
        numbers(),
        &bad,
    );
    goes_on(
        BettingTest::new(level).unwrap(),
        pairs.into_iter(),
        &bad.map(|bad| [0.0, bad]),
    );
    goes_on(Ddm::default(), wrong(), &[]);
    goes_on(Eddm::default(), wrong(), &[]);
    goes_on(Fhddm::default(), wrong(), &[]);
    goes_on(HddmA::default(), losses(), &bad_losses);
    goes_on(HddmW::default(), losses(), &bad_losses);
    let reference = losses().take(400);
    goes_on(
        RiskMonitor::against(reference, 0.0, level).unwrap(),
        losses(),
        &bad_losses,
    );
}

#[test]
fn settings_out_of_range_are_errors_with_the_value_and_the_range() {
    let says = |error: mlops_core::Error, what: &str| {
        assert!(
            error.to_string().contains(what),
            "{error} does not say {what}"
        );
    };
    says(
        Adwin::new(0.0, 32).unwrap_err(),
        "delta must lie in (0, 1), got 0",
    );
    says(
        Adwin::new(0.1, 0).unwrap_err(),
        "clock must be at least 1, got 0",
    );
    says(
        Cusum::new(0.0, 0.0).unwrap_err(),
        "deviation must lie in (0, inf), got 0",
    );
    says(Cusum::new(f64::NAN, 1.0).unwrap_err(), "finite, got NaN");
    says(Kswin::new(0.1, 100, 51).unwrap_err(), "[1, 50], got 51");
    says(
        Fhddm::new(0, 0.1).unwrap_err(),
        "window must be at least 1, got 0",
    );
    says(HddmA::new(1.0, 0.1, false).unwrap_err(), "(0, 1), got 1");
    says(
        ShiryaevRoberts::against(&[1.0, 2.0], 1.0).unwrap_err(),
        "(1, inf), got 1",
    );
    let level = SignificanceLevel::FIVE_PERCENT;
    says(
        RiskMonitor::against([], 0.0, level).unwrap_err(),
        "of 0 reference losses",
    );
    says(
        RiskMonitor::against([0.5], 1.0, level).unwrap_err(),
        "[0, 1), got 1",
    );
    says(
        RiskMonitor::against([2.0], 0.1, level).unwrap_err(),
        "got 2",
    );
    says(
        serial_dependence(&[0.0; 19]).unwrap_err(),
        "20 values, got 19",
    );
}

/// A part that is left out is as at the start, as in files of settings alone.
#[test]
fn settings_alone_are_a_state() {
    let ddm: Ddm = serde_json::from_value(json!({"warm_up": 50})).unwrap();
    assert_eq!(ddm, Ddm::new(50, 2.0, 3.0).unwrap());
    let eddm: Eddm = serde_json::from_value(json!({"warm_up": 50})).unwrap();
    assert_eq!(eddm, Eddm::new(50, 0.95, 0.9).unwrap());
}

/// The JSON of a detector with one part changed is none; unchanged it is the same one.
fn refuses<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    whole: &T,
    wrong: &[(&str, Value)],
) {
    let written = serde_json::to_value(whole).unwrap();
    assert_eq!(
        &serde_json::from_value::<T>(written.clone()).unwrap(),
        whole
    );
    for (part, value) in wrong {
        let mut broken = written.clone();
        *broken.pointer_mut(part).unwrap() = value.clone();
        let read = serde_json::from_value::<T>(broken);
        assert!(
            read.as_ref()
                .is_err_and(|error| error.to_string().contains("must ")),
            "{part} = {value}: {read:?}"
        );
    }
}

#[test]
fn a_chart_goes_on_after_any_finite_value() {
    for extreme in [1e308, -1e308, f64::MAX, f64::MIN] {
        let mut chart = Cusum::new(0.0, 0.1).unwrap();
        assert_eq!(chart.observe(extreme).unwrap(), Signal::Drift);
        let saved = serde_json::to_string(&chart).unwrap();
        assert_eq!(serde_json::from_str::<Cusum>(&saved).unwrap(), chart);
        assert_eq!(chart.observe(0.0).unwrap(), Signal::Quiet);
    }
}

/// Each would panic, or be mute, later on.
#[test]
fn states_that_cannot_be_are_refused() {
    let kswin = serde_json::to_string(&Kswin::default()).unwrap();
    for broken in [
        kswin.replace("\"size\":100", "\"size\":20"),
        kswin.replace("\"window\":[]", "\"window\":[null]"),
    ] {
        assert_ne!(broken, kswin);
        assert!(serde_json::from_str::<Kswin>(&broken).is_err(), "{broken}");
    }
    let level = SignificanceLevel::FIVE_PERCENT;
    refuses(
        &Adwin::default(),
        &[("/delta", json!(1.0)), ("/clock", json!(0))],
    );
    let mut adwin = Adwin::default();
    first_alarm(&mut adwin, (0..50).map(f64::from));
    let window = [
        ("/window/width", json!(7.0)),
        ("/window/rows/0", json!([])),
        ("/shape/buckets", json!(1)),
        ("/shape/least", json!(0.0)),
    ];
    refuses(&adwin, &window);
    let page_hinkley = [
        ("/delta", json!(-1.0)),
        ("/threshold", json!(-50.0)),
        ("/forgetting", json!(1.5)),
        ("/least", json!(0)),
    ];
    refuses(&PageHinkley::default(), &page_hinkley);
    let cusum = [
        ("/deviation", json!(0.0)),
        ("/slack", json!(-0.5)),
        ("/threshold", json!(0.0)),
        ("/rise", json!(-1.0)),
    ];
    refuses(&Cusum::new(0.0, 1.0).unwrap(), &cusum);
    let ddm = [
        ("/warm_up", json!(0)),
        ("/thresholds/1", json!(0.0)),
        ("/rate/mean", json!(2.0)),
    ];
    refuses(&Ddm::default(), &ddm);
    let eddm = [
        ("/warm_up", json!(0)),
        ("/shares/1", json!(0.99)),
        ("/last_error", json!(5)),
    ];
    refuses(&Eddm::default(), &eddm);
    let mut fhddm = Fhddm::new(3, 0.1).unwrap();
    fhddm.observe(false).unwrap();
    let windows = [
        ("/size", json!(0)),
        ("/bound", json!(-0.1)),
        ("/window", json!([true, true, true, true])),
        ("/right", json!(0)),
    ];
    refuses(&fhddm, &windows);
    let probabilities = [("/drift", json!(0.0)), ("/warning", json!(1.0))];
    let beginnings = [("/lowest/count", json!(9)), ("/all/mean", json!(1.5))];
    let whole = HddmA::default();
    refuses(&whole, &[&probabilities[..], &beginnings].concat());
    let weights = [("/weight", json!(1.0)), ("/all/mean", json!(-1.0))];
    refuses(&HddmW::default(), &[&probabilities[..], &weights].concat());
    let mut betting = BettingTest::new(level).unwrap();
    betting.observe([0.0, 1.0]).unwrap();
    let bets = [
        ("/witness/sign", json!(3.0)),
        ("/bet/bound", json!(-0.9)),
        ("/since", json!(2)),
    ];
    refuses(&betting, &bets);
    let risk = RiskMonitor::against([0.0; 900], 0.1, level).unwrap();
    refuses(&risk, &[("/half", json!(0.6)), ("/bet/high", json!(2.0))]);

    let mut roberts = ShiryaevRoberts::against(&[1.0, 2.0, 3.0, 4.0, 5.0], 1e3).unwrap();
    first_alarm(&mut roberts, (0..9).map(f64::from));
    let roberts_parts = [
        ("/run_length", json!(-1.0)),
        ("/detector/statistic", json!(-0.5)),
        ("/detector/statistic", json!(2e3)),
        ("/detector/jumper/shares/0", json!(0.9)),
        ("/detector/ranks/counts/0", json!(1)),
        ("/detector/ranks/counts/1", json!(100)),
        ("/detector/ranks/reference/0", json!(1_000)),
        ("/detector/ranks/observations", json!(2)),
    ];
    refuses(&roberts, &roberts_parts);
    roberts.reset();
    refuses(&roberts, &roberts_parts[..1]);

    let martingale = ConformalMartingale::against(&[1.0, 2.0, 3.0, 4.0], level).unwrap();
    let capital = [("/greatest", json!(-1.0)), ("/ln_capital", json!(1.0))];
    refuses(&martingale, &capital);
    let mut state = serde_json::to_value(&martingale).unwrap();
    state["ranks"]["counts"].as_array_mut().unwrap().pop();
    assert!(serde_json::from_value::<ConformalMartingale>(state).is_err());
    let mut page_hinkley = PageHinkley::default();
    assert!(
        page_hinkley.observe(1.7e308).is_err(),
        "its sums would overflow"
    );
    assert_eq!(page_hinkley, PageHinkley::default());
}
