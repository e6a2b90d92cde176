//! The promise of estimates without labels: a model that does as well as before, on rows of one law, is expected to be worse by any metric
//! of any method with probability alpha at most; rare positives, far thresholds, heavy tails, units and few labels included.
//!
//! The bound: of `runs` pairs of tables of one law more than `most(runs)` are called worse with probability below 1e-4, if the level holds.
//!
//! `cargo test --release -p mlops-drift --test estimated_level -- --ignored --nocapture` runs the larger grid and prints every rate.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs
)]

mod bound;
mod laws;

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch};
use bound::most;
use laws::{Law, heavy, lognormal, normal, rare, uniform};
use mlops_drift::preset::{self, EstimatedPerformance};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const ALPHA: f64 = 0.05;

/// A column whose values may be missing.
type Column = (&'static str, ArrayRef, bool);

fn batch(columns: Vec<Column>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn numbers(name: &'static str, values: Vec<f64>) -> Column {
    (name, Arc::new(Float64Array::from(values)), false)
}

/// The unit of every row.
fn units(rows: usize, of: usize) -> Column {
    let units = (0..rows as i64).map(|row| row / of as i64);
    ("unit", Arc::new(Int64Array::from_iter_values(units)), false)
}

/// Every so many rows one has a label.
fn some<T>(values: Vec<T>, every: usize) -> impl Iterator<Item = Option<T>> {
    let rows = values.into_iter().enumerate();
    rows.map(move |(row, value)| (row % every == 0).then_some(value))
}

/// How probabilities of two classes are drawn.
#[derive(Clone, Copy)]
struct Classes {
    name: &'static str,
    /// The true probability of a positive.
    law: Law,
    /// The probability that the model gives it.
    said: fn(f64) -> f64,
    threshold: f64,
    /// Rows of a unit, which share a probability, and a label.
    of_unit: usize,
}

fn honest(p: f64) -> f64 {
    p
}

impl Classes {
    /// A table with a label in every so many rows.
    fn draw(self, rng: &mut ChaCha8Rng, rows: usize, labelled: usize) -> RecordBatch {
        let (mut said, mut late) = (Vec::new(), Vec::new());
        while said.len() < rows {
            let p = (self.law)(rng);
            let is_late = uniform(rng) < p;
            for _ in 0..self.of_unit {
                said.push((self.said)(p));
                late.push(is_late);
            }
        }
        let x = said.iter().map(|p| p + 0.3 * normal(rng)).collect();
        let rows = said.len();
        let late: BooleanArray = some(late, labelled).collect();
        batch(vec![
            numbers("x", x),
            numbers("said", said),
            ("late", Arc::new(late), true),
            units(rows, self.of_unit),
        ])
    }

    fn check(self, few: bool) -> EstimatedPerformance {
        let check = preset::estimated_classification("late", "said")
            .features(["x"])
            .threshold(self.threshold);
        let check = match self.of_unit {
            1 => check,
            _ => check.unit("unit"),
        };
        match few {
            true => check.few_labels(),
            false => check,
        }
    }
}

const CLASSES: [Classes; 9] = [
    Classes {
        name: "even",
        law: uniform,
        said: honest,
        threshold: 0.5,
        of_unit: 1,
    },
    Classes {
        name: "rare positives",
        law: |rng| uniform(rng).powi(5),
        said: honest,
        threshold: 0.5,
        of_unit: 1,
    },
    Classes {
        name: "rare positives, threshold 0.01",
        law: |rng| uniform(rng).powi(5),
        said: honest,
        threshold: 0.01,
        of_unit: 1,
    },
    Classes {
        name: "nearly sure",
        law: |rng| if uniform(rng) < 0.3 { 0.98 } else { 0.01 },
        said: honest,
        threshold: 0.5,
        of_unit: 1,
    },
    Classes {
        name: "nearly sure, threshold 0.001",
        law: |rng| if uniform(rng) < 0.3 { 0.98 } else { 0.01 },
        said: honest,
        threshold: 0.001,
        of_unit: 1,
    },
    Classes {
        name: "over-confident",
        law: uniform,
        said: |p| {
            if p < 0.5 {
                2.0 * p * p
            } else {
                1.0 - 2.0 * (1.0 - p) * (1.0 - p)
            }
        },
        threshold: 0.5,
        of_unit: 1,
    },
    Classes {
        name: "two scores",
        law: |rng| if uniform(rng) < 0.5 { 0.55 } else { 0.95 },
        said: honest,
        threshold: 0.5,
        of_unit: 1,
    },
    Classes {
        name: "a rare score",
        law: |rng| if uniform(rng) < 0.03 { 0.99 } else { 0.55 },
        said: honest,
        threshold: 0.5,
        of_unit: 1,
    },
    Classes {
        name: "units of 10",
        law: uniform,
        said: honest,
        threshold: 0.3,
        of_unit: 10,
    },
];

/// Errors of a law, some of them of greater size where x is greater.
fn regression(rng: &mut ChaCha8Rng, rows: usize, labelled: usize, law: Law) -> RecordBatch {
    let x: Vec<f64> = (0..rows).map(|_| uniform(rng)).collect();
    let predicted: Vec<f64> = x.iter().map(|x| 60.0 * x).collect();
    let truth = x.iter().zip(&predicted);
    let truth = truth.map(|(x, said)| said + (0.5 + x) * law(rng)).collect();
    let truth: Float64Array = some(truth, labelled).collect();
    batch(vec![
        numbers("x", x),
        numbers("predicted", predicted),
        ("delay", Arc::new(truth), true),
    ])
}

const LAWS: [(&str, Law); 4] = [
    ("normal", normal),
    ("t3", heavy),
    ("lognormal", lognormal),
    ("rare", rare),
];

/// The name of a rate above the bound, if it is.
fn above(
    name: &str,
    check: &EstimatedPerformance,
    runs: u32,
    [n, m]: [usize; 2],
    draw: impl Fn(&mut ChaCha8Rng, usize, bool) -> RecordBatch,
) -> Option<String> {
    let worse = (0..runs).filter(|seed| {
        let rng = &mut ChaCha8Rng::seed_from_u64(u64::from(*seed));
        let (reference, current) = (draw(rng, n, true), draw(rng, m, false));
        check
            .run(&reference, &current)
            .unwrap()
            .verdict
            .expected_worse
    });
    let (count, bound) = (worse.count() as u32, most(runs, ALPHA));
    println!(
        "{name}, {n}/{m}: {:.4} ({count} of {runs}, bound {bound})",
        f64::from(count) / f64::from(runs)
    );
    (count > bound).then(|| format!("{name}: {count} of {runs} are called worse, at most {bound}"))
}

fn quick(
    name: &str,
    check: &EstimatedPerformance,
    sizes: [usize; 2],
    draw: impl Fn(&mut ChaCha8Rng, usize, bool) -> RecordBatch,
) {
    assert_eq!(above(name, check, 100, sizes, draw), None);
}

/// What estimates lack that know nothing of how scores and units were drawn, or of what few of them have not shown: up to a quarter of equal models
/// are called worse then.
#[test]
fn few_rows_of_a_far_threshold_and_units_keep_the_level() {
    let named = |name: &str| {
        CLASSES
            .into_iter()
            .find(|classes| classes.name == name)
            .unwrap()
    };
    for (name, sizes) in [
        ("rare positives, threshold 0.01", [1_000, 100]),
        ("nearly sure, threshold 0.001", [1_000, 100]),
        ("units of 10", [1_000, 100]),
        ("units of 10", [1_000, 50]),
        ("two scores", [1_000, 2]),
        ("two scores", [1_000, 3]),
        ("a rare score", [20_000, 60]),
    ] {
        let classes = named(name);
        quick(name, &classes.check(false), sizes, |rng, rows, _| {
            classes.draw(rng, rows, 1)
        });
    }
}

#[test]
fn heavy_tails_and_few_labels_keep_the_level() {
    let regressed = preset::estimated_regression("delay", "predicted").features(["x"]);
    quick(
        "lognormal",
        &regressed.clone().few_labels(),
        [1_000, 500],
        |rng, rows, is_reference| {
            regression(rng, rows, if is_reference { 1 } else { 10 }, lognormal)
        },
    );
    quick("t3", &regressed, [1_000, 50], |rng, rows, _| {
        regression(rng, rows, 1, heavy)
    });
    let even = CLASSES[0];
    quick(
        "even",
        &even.check(true),
        [1_000, 200],
        |rng, rows, is_reference| even.draw(rng, rows, if is_reference { 1 } else { 10 }),
    );
}

#[test]
#[ignore = "minutes in release: the larger grid"]
fn the_grid() {
    let runs = 400;
    let mut off = Vec::new();
    for sizes in [
        [100, 100],
        [100, 1_000],
        [1_000, 20],
        [1_000, 100],
        [1_000, 500],
    ] {
        for few in [false, true] {
            let labelled = |is_reference| if is_reference { 1 } else { 10 };
            let told = if few { ", few labels" } else { "" };
            for classes in CLASSES {
                off.extend(above(
                    &format!("classification {}{told}", classes.name),
                    &classes.check(few),
                    runs,
                    sizes,
                    |rng, rows, is_reference| classes.draw(rng, rows, labelled(is_reference)),
                ));
            }
            for (name, law) in LAWS {
                let check = preset::estimated_regression("delay", "predicted").features(["x"]);
                off.extend(above(
                    &format!("regression {name}{told}"),
                    &if few { check.few_labels() } else { check },
                    runs,
                    sizes,
                    |rng, rows, is_reference| regression(rng, rows, labelled(is_reference), law),
                ));
            }
        }
    }
    assert!(off.is_empty(), "{off:#?}");
}
