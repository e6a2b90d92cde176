//! The monitor's promise: over all windows together an alarm without drift comes with probability at most alpha.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs
)]

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray};
use mlops_core::evidence::{PValue, SignificanceLevel};
use mlops_drift::DriftCheck;
use mlops_drift::check::DriftMonitor;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Three columns that share half of their noise, so that their tests depend on one another.
fn window(rng: &mut ChaCha8Rng, rows: usize, shift: f64) -> RecordBatch {
    let mut columns = vec![Vec::new(); 3];
    for _ in 0..rows {
        let shared = rng.random_range(0.0..1.0);
        for column in &mut columns {
            column.push(shared + rng.random_range(0.0..1.0) + shift);
        }
    }
    let named = columns.into_iter().zip(["a", "b", "c"]);
    RecordBatch::try_from_iter(
        named.map(|(values, name)| (name, Arc::new(Float64Array::from(values)) as ArrayRef)),
    )
    .unwrap()
}

fn monitor(rng: &mut ChaCha8Rng, alpha: f64) -> DriftMonitor {
    let reference = window(rng, 200, 0.0);
    let check = DriftCheck::against(&reference).prepare().unwrap();
    DriftMonitor::new(check, SignificanceLevel::new(alpha).unwrap())
}

/// 30 windows against one small reference, 150 times. At exactly 20 % more than 51 alarm with probability below 1e-5.
#[test]
fn all_windows_together_keep_the_rate() {
    let alarmed = (0..150_u64).filter(|&seed| {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let mut monitor = monitor(rng, 0.2);
        (0..30).any(|day| {
            let current = window(rng, 150, 0.0);
            monitor
                .observe(day.to_string(), &current)
                .unwrap()
                .0
                .alarmed
        })
    });
    let alarmed = alarmed.count();
    println!("{alarmed} of 150 alarm");
    assert!(alarmed <= 51, "{alarmed} of 150");
}

/// A shift of half a deviation is seen in its first window, after twenty quiet ones, in 19 of 20 runs.
#[test]
fn a_change_is_seen() {
    let seen = (0..20_u64).filter(|&seed| {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let reference = window(rng, 1_000, 0.0);
        let check = DriftCheck::against(&reference).prepare().unwrap();
        let mut monitor = DriftMonitor::new(check, SignificanceLevel::FIVE_PERCENT);
        for day in 0..20 {
            monitor
                .observe(day.to_string(), &window(rng, 500, 0.0))
                .unwrap();
        }
        let changed = window(rng, 500, 0.2);
        monitor.observe("changed", &changed).unwrap().0.alarmed
    });
    let seen = seen.count();
    assert!(seen >= 19, "{seen} of 20");
}

/// Labels of which one is rare, and numbers of few values: their p-values reach as far down as a watch over many windows needs.
#[test]
fn a_change_of_labels_is_seen_at_any_time() {
    let window = |rng: &mut ChaCha8Rng, moved: bool| {
        let mut rows = |law: &dyn Fn(f64) -> u8| -> Vec<u8> {
            (0..400).map(|_| law(rng.random_range(0.0..1.0))).collect()
        };
        let label = |u: f64| u8::from(u < 0.5) + u8::from(u < 0.005);
        let labels = rows(&|u| label(u) + 3 * u8::from(moved));
        let stars = rows(&|u| (u * 5.0) as u8 / (1 + u8::from(moved)));
        let labels = labels
            .into_iter()
            .map(|label| Some(format!("label {label}")));
        let stars = stars.into_iter().map(i32::from);
        let columns: [(&str, ArrayRef); 2] = [
            ("label", Arc::new(labels.collect::<StringArray>())),
            ("stars", Arc::new(Int32Array::from_iter_values(stars))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    for column in ["label", "stars"] {
        let rng = &mut ChaCha8Rng::seed_from_u64(3);
        let check = DriftCheck::against(&window(rng, false)).columns([column]);
        let check = check.prepare().unwrap();
        let mut monitor = DriftMonitor::new(check, SignificanceLevel::FIVE_PERCENT);
        for day in 0..60 {
            let (quiet, _) = monitor
                .observe(day.to_string(), &window(rng, false))
                .unwrap();
            assert!(!quiet.alarmed, "{column}, day {day}");
        }
        let (changed, _) = monitor.observe("changed", &window(rng, true)).unwrap();
        assert!(changed.alarmed, "{column}: {changed:?}");
    }
}

#[test]
fn a_window_that_cannot_be_compared_does_not_count() {
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let mut monitor = monitor(rng, 0.05);
    monitor.observe("first", &window(rng, 100, 0.0)).unwrap();
    let before = monitor.state().clone();
    let narrow = window(rng, 100, 0.0).project(&[0]).unwrap();
    assert!(monitor.observe("narrow", &narrow).is_err());
    assert_eq!(monitor.state(), &before);
}

/// The e-value of a uniform p has expectation 1: midpoint sum over twenty binades of p, below which lies less than 1/ln(2^20).
#[test]
fn calibrated_p_values_are_e_values() {
    let e = |p: f64| PValue::new(p).unwrap().to_e_value().get();
    let mut expectation = 0.0;
    for binade in 0..20 {
        let high = 0.5_f64.powi(binade);
        let step = high / 2.0 / 2_000.0;
        expectation += (0..2_000)
            .map(|i| e(high / 2.0 + (f64::from(i) + 0.5) * step) * step)
            .sum::<f64>();
    }
    // The rest is the integral of 1/(p ln² p) and less: 1/ln(2^20) = 0.0721.
    assert!((1.0 - 0.0722..1.0).contains(&expectation), "{expectation}");
    assert!(e(1e-300).is_finite() && e(1e-300) > 1e290);
    assert!(
        e(0.999_99) < e(0.9999) && e(0.9999) < e(0.999),
        "no jump where the series takes over"
    );
}
