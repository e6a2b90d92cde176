//! The promise behind every reported slice: no false one with more than the stated probability; and the
//! slices that a plain enumeration of the whole lattice would report.
//!
//! `cargo test --release -p mlops-drift --test slice -- --ignored --nocapture` runs the larger grid and
//! prints every rate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod bound;

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, DictionaryArray, Float64Array, Int32Array, Int64Array, ListArray,
    NullArray, RecordBatch, StringArray,
};
use arrow::datatypes::Int32Type;
use bound::most;
use mlops_core::ErrorKind;
use mlops_core::evidence::SignificanceLevel;
use mlops_drift::NumericSample;
use mlops_drift::slice::{
    Direction, DriftSlices, DriftSlicesReport, ErrorSlices, Lattice, LossSlices, LossSlicesReport,
    Predicate,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const ALPHA: f64 = 0.05;
fn assert_level(name: &str, runs: u32, mut alarms: impl FnMut(&mut ChaCha8Rng) -> bool) {
    let count = (0..runs)
        .filter(|seed| alarms(&mut ChaCha8Rng::seed_from_u64(u64::from(*seed))))
        .count() as u32;
    let bound = most(runs, ALPHA);
    let rate = f64::from(count) / f64::from(runs);
    println!("{name}: {rate:.4} ({count} of {runs}, bound {bound})");
    assert!(
        count <= bound,
        "{name}: {count} of {runs} alarms, at most {bound}"
    );
}

/// Independent columns: `a` of four labels, unequal; `b` of three, some missing; `c` of two numbers; `x`
/// uniform.
struct Rows {
    a: Vec<String>,
    b: Vec<Option<String>>,
    c: Vec<i64>,
    x: Vec<f64>,
}

impl Rows {
    fn draw(rng: &mut ChaCha8Rng, rows: usize) -> Self {
        let mut uniform = || rng.random_range(0.0..1.0);
        let mut drawn = Self {
            a: Vec::new(),
            b: Vec::new(),
            c: Vec::new(),
            x: Vec::new(),
        };
        for _ in 0..rows {
            drawn
                .a
                .push(format!("a{}", (4.0 * f64::powi(uniform(), 2)) as u8));
            let b: f64 = uniform();
            drawn
                .b
                .push((b > 0.1).then(|| format!("b{}", (3.0 * b) as u8)));
            drawn.c.push(i64::from(uniform() < 0.4));
            drawn.x.push(uniform());
        }
        drawn
    }

    fn table(&self) -> RecordBatch {
        let columns: [(&str, ArrayRef); 4] = [
            ("a", Arc::new(StringArray::from_iter_values(&self.a))),
            ("b", Arc::new(StringArray::from_iter(&self.b))),
            (
                "c",
                Arc::new(Int64Array::from_iter_values(self.c.iter().copied())),
            ),
            (
                "x",
                Arc::new(Float64Array::from_iter_values(self.x.iter().copied())),
            ),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
            .unwrap()
    }

    /// Per row, the words of the predicates that hold.
    fn words(&self, edges: &[f64]) -> Vec<[String; 4]> {
        let bin = |x: f64| match edges.partition_point(|edge| *edge <= x) {
            0 => format!("x < {}", edges[0]),
            last if last == edges.len() => format!("x >= {}", edges[last - 1]),
            bin => format!("x in [{}, {})", edges[bin - 1], edges[bin]),
        };
        let b = |b: &Option<String>| {
            b.as_ref()
                .map_or("b is missing".into(), |b| format!("b = {b}"))
        };
        let row = |i: usize| {
            [
                format!("a = {}", self.a[i]),
                b(&self.b[i]),
                format!("c = {}", self.c[i]),
                bin(self.x[i]),
            ]
        };
        (0..self.a.len()).map(row).collect()
    }
}

fn lattice(depth: usize) -> Lattice {
    Lattice::default().depth(depth).unwrap()
}

fn binomial(n: u64, k: u64) -> f64 {
    if k > n {
        return 0.0;
    }
    (0..k).map(|i| (n - i) as f64 / (k - i) as f64).product()
}

/// P(`count` or more of `slice` rows are of the sample of `own`) by its definition.
fn upper_tail(own: u64, others: u64, slice: u64, count: u64) -> f64 {
    let all = binomial(own + others, slice);
    (count..=slice.min(own))
        .map(|k| binomial(own, k) * binomial(others, slice - k) / all)
        .sum()
}

/// Tarone's factor, and every slice called with its direction and p-value, by writing the whole lattice out.
fn naive(
    sides: [&[[String; 4]]; 2],
    depth: usize,
    alpha: f64,
) -> (u64, Vec<(String, Direction, f64)>) {
    let [n, m] = sides.map(|rows| rows.len() as u64);
    let mut conjunctions = BTreeSet::new();
    for row in sides.into_iter().flatten() {
        for columns in 1_u32..16 {
            let held = |columns: u32| -> Vec<String> {
                (0..4)
                    .filter(|i| columns >> i & 1 == 1)
                    .map(|i| row[i].clone())
                    .collect()
            };
            if columns.count_ones() as usize <= depth {
                conjunctions.insert(held(columns));
            }
        }
    }
    let inside = |words: &[String]| {
        sides.map(|rows| {
            rows.iter()
                .filter(|row| words.iter().all(|w| row.contains(w)))
                .count() as u64
        })
    };
    let size = |words: &[String]| inside(words).iter().sum::<u64>();
    conjunctions.retain(|words| {
        (0..words.len()).all(|i| size(&[&words[..i], &words[i + 1..]].concat()) > size(words))
    });
    let hypotheses: Vec<(Vec<String>, Direction, f64, f64)> = conjunctions
        .into_iter()
        .flat_map(|words| {
            let [first, second] = inside(&words);
            let slice = first + second;
            [
                (Direction::Less, n, m, first),
                (Direction::More, m, n, second),
            ]
            .map(|(direction, own, others, count)| {
                let best = upper_tail(own, others, slice, slice.min(own));
                (
                    words.clone(),
                    direction,
                    best,
                    upper_tail(own, others, slice, count),
                )
            })
        })
        .collect();
    let able = |k: u64| {
        hypotheses
            .iter()
            .filter(|(_, _, best, _)| *best <= alpha / k as f64)
            .count() as u64
    };
    let factor = (1..).find(|k| able(*k) <= *k).unwrap();
    let called = hypotheses
        .into_iter()
        .filter(|(_, _, _, p)| *p <= alpha / factor as f64);
    (
        factor,
        called
            .map(|(words, direction, _, p)| (words.join(" and "), direction, p))
            .collect(),
    )
}

#[test]
fn the_finder_reports_what_a_written_out_lattice_does() {
    let mut called = 0;
    for seed in 0..90 {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let (n, m) = (rng.random_range(15..60), rng.random_range(15..60));
        let (reference, mut current) = (Rows::draw(rng, n), Rows::draw(rng, m));
        // Some drift, so that something is called.
        current
            .a
            .iter_mut()
            .zip(&current.c)
            .filter(|(_, c)| **c == 1)
            .for_each(|(a, _)| *a = "a0".into());
        let pooled = NumericSample::new(reference.x.iter().chain(&current.x).copied());
        let edges: Vec<f64> = (1..5)
            .map(|i| pooled.quantile(f64::from(i) * 0.2).unwrap()) // as linspace has it
            .collect();
        let (x, y) = (reference.words(&edges), current.words(&edges));
        for depth in 1..=4 {
            let (factor, want) = naive([&x, &y], depth, 0.2);
            let finder = DriftSlices::default()
                .over(lattice(depth))
                .level(SignificanceLevel::new(0.2).unwrap())
                .limit(usize::MAX);
            let report = finder.find(&reference.table(), &current.table()).unwrap();
            assert_eq!(report.factor, factor, "seed {seed} depth {depth}");
            assert_eq!(
                (report.found, report.worst.len()),
                (want.len(), want.len()),
                "seed {seed} depth {depth}"
            );
            for (words, direction, p) in want {
                let found = report
                    .worst
                    .iter()
                    .find(|found| found.slice.to_string() == words)
                    .unwrap();
                assert_eq!(found.direction, direction);
                assert!((found.p_value.get() - p).abs() < 1e-9 * p, "{words}: {p}");
                called += 1;
            }
        }
    }
    assert!(called > 100, "the comparison is of {called} slices");
}

#[test]
fn without_drift_hardly_any_run_reports_a_slice() {
    for (sizes, depth) in [([60, 50], 3), ([400, 150], 2)] {
        assert_level(
            &format!("drift slices {sizes:?} depth {depth}"),
            400,
            |rng| {
                let [reference, current] = sizes.map(|rows| Rows::draw(rng, rows).table());
                let finder = DriftSlices::default().over(lattice(depth));
                finder.find(&reference, &current).unwrap().found > 0
            },
        );
    }
}

/// `a` drifts; slices of the other columns, which do not depend on it, are still tested at their level.
#[test]
fn slices_that_did_not_drift_are_not_reported_beside_one_that_did() {
    assert_level("drift slices beside a drifted column", 300, |rng| {
        let (reference, mut current) = (Rows::draw(rng, 400), Rows::draw(rng, 400));
        current
            .a
            .iter_mut()
            .step_by(2)
            .for_each(|a| *a = "a0".into());
        let finder = DriftSlices::default().limit(usize::MAX);
        let report = finder.find(&reference.table(), &current.table()).unwrap();
        assert!(report.found > 0);
        let speaks_of_a = |predicates: &[Predicate]| predicates.iter().any(|p| p.column() == "a");
        report
            .worst
            .iter()
            .any(|found| !speaks_of_a(&found.slice.predicates))
    });
}

#[test]
fn errors_that_depend_on_nothing_hardly_ever_give_a_slice() {
    for share in [0.5, 0.05] {
        assert_level(&format!("error slices, {share} wrong"), 300, |rng| {
            let table = Rows::draw(rng, 300).table();
            let mut wrong: Vec<bool> = (0..300)
                .map(|_| rng.random_range(0.0..1.0) < share)
                .collect();
            (wrong[0], wrong[1]) = (true, false);
            let finder = ErrorSlices::default().over(lattice(3));
            finder.find(&table, &wrong).unwrap().found > 0
        });
    }
}

/// The losses inside and outside have the same mean, but different laws: no exchangeability, and still the
/// level.
#[test]
fn losses_of_equal_means_hardly_ever_give_a_slice() {
    assert_level("loss slices", 300, |rng| {
        let rows = Rows::draw(rng, 400);
        let losses: Vec<f64> = rows
            .c
            .iter()
            .map(|c| {
                let u: f64 = rng.random_range(0.0..1.0);
                if *c == 1 {
                    f64::from(u8::from(u < 0.3))
                } else {
                    0.6 * u
                }
            })
            .collect();
        let finder = LossSlices::default().over(lattice(3));
        !finder
            .find(&rows.table(), &losses)
            .unwrap()
            .found
            .is_empty()
    });
}

/// Losses without a mean: by rank the level holds, a planted slice is found, and the unit of the losses decides nothing.
#[test]
fn losses_of_any_range_are_compared_by_rank() {
    let cauchy = |rng: &mut ChaCha8Rng| {
        (std::f64::consts::PI * (rng.random_range(0.0..1.0_f64) - 0.5))
            .tan()
            .abs()
    };
    let finder = LossSlices::default().over(lattice(3)).by_rank();
    assert_level("loss slices by rank", 300, |rng| {
        let rows = Rows::draw(rng, 400);
        let losses: Vec<f64> = (0..400).map(|_| cauchy(rng)).collect();
        !finder
            .find(&rows.table(), &losses)
            .unwrap()
            .found
            .is_empty()
    });
    let mut seen = 0;
    for seed in 0..20 {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let mut rows = Rows::draw(rng, 500);
        for i in (0..500).step_by(3) {
            (rows.a[i], rows.c[i]) = ("a1".into(), 1);
        }
        let is_planted = |i: usize| rows.a[i] == "a1" && rows.c[i] == 1;
        let losses: Vec<f64> = (0..500)
            .map(|i| cauchy(rng) * if is_planted(i) { 20.0 } else { 1.0 })
            .collect();
        let report = finder.find(&rows.table(), &losses).unwrap();
        seen += u32::from(
            report
                .found
                .iter()
                .any(|found| found.slice.to_string() == "a = a1 and c = 1"),
        );
        // Any increasing function of the losses: here one that makes them squares of another unit.
        let squares: Vec<f64> = losses.iter().map(|loss| 1e-3 * loss * loss).collect();
        let other = finder.find(&rows.table(), &squares).unwrap();
        let evidence = |report: &LossSlicesReport| -> Vec<(String, f64)> {
            let found = report.found.iter();
            found
                .map(|found| (found.slice.to_string(), found.e_value.ln()))
                .collect()
        };
        assert_eq!(evidence(&report), evidence(&other));
    }
    assert!(seen >= 18, "{seen} of 20");
    let table = Rows::draw(&mut ChaCha8Rng::seed_from_u64(0), 10).table();
    for bad in [f64::NAN, f64::INFINITY] {
        let losses = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, bad];
        assert!(finder.find(&table, &losses).is_err());
    }
}

/// Ten equal rows a user: without the unit half of the runs report a slice, with it hardly any.
#[test]
fn a_unit_restores_the_level() {
    let repeated = |rng: &mut ChaCha8Rng, users: usize| {
        let drawn = Rows::draw(rng, users).table();
        let rows: Vec<u32> = (0..10 * users as u32).map(|row| row / 10).collect();
        let rows = arrow::array::UInt32Array::from(rows);
        let taken = arrow::compute::take_record_batch(&drawn, &rows).unwrap();
        let user = Arc::new(rows) as ArrayRef;
        let columns = taken
            .schema()
            .fields()
            .iter()
            .map(|f| f.name().clone())
            .zip(taken.columns().to_vec())
            .collect::<Vec<_>>();
        RecordBatch::try_from_iter(columns.into_iter().chain([("user".to_owned(), user)])).unwrap()
    };
    let mut without = 0;
    assert_level("drift slices by user", 200, |rng| {
        let (reference, current) = (repeated(rng, 60), repeated(rng, 50));
        let columns = lattice(2).columns(["a", "b", "c", "x"]);
        let by_row = DriftSlices::default().over(columns.clone());
        without += u32::from(by_row.find(&reference, &current).unwrap().found > 0);
        let by_user = DriftSlices::default().over(columns.unit("user"));
        let report = by_user.find(&reference, &current).unwrap();
        report.found > 0
    });
    assert!(without > 100, "{without} of 200 by row");
}

#[test]
fn a_planted_slice_is_the_worst() {
    let mut first = [0; 3];
    for seed in 0..20 {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let planted = |rows: &Rows, i: usize| rows.a[i] == "a1" && rows.c[i] == 1;
        // One in three current rows comes to be in the slice.
        let (reference, mut current) = (Rows::draw(rng, 500), Rows::draw(rng, 500));
        for i in (0..500).step_by(3) {
            (current.a[i], current.c[i]) = ("a1".into(), 1);
        }
        let drift = DriftSlices::default()
            .over(lattice(3))
            .only(Direction::More);
        let report = drift.find(&reference.table(), &current.table()).unwrap();
        first[0] += u32::from(report.worst[0].slice.to_string() == "a = a1 and c = 1");
        let worst = &report.worst[0];
        assert!(worst.odds_ratio.low() > 1.0 && worst.ratio.unwrap() > 1.0);
        // Wrong in half of the rows of the slice, and in one of ten elsewhere.
        let mut chance =
            |i: usize| if planted(&current, i) { 0.5 } else { 0.1 } > rng.random_range(0.0..1.0);
        let wrong: Vec<bool> = (0..500).map(&mut chance).collect();
        let errors = ErrorSlices::default().over(lattice(3));
        let report = errors.find(&current.table(), &wrong).unwrap();
        first[1] += u32::from(report.worst[0].slice.to_string() == "a = a1 and c = 1");
        let losses: Vec<f64> = (0..500)
            .map(|i| if planted(&current, i) { 0.6 } else { 0.1 })
            .collect();
        let report = LossSlices::default()
            .over(lattice(3))
            .find(&current.table(), &losses)
            .unwrap();
        first[2] += u32::from(
            report
                .found
                .iter()
                .any(|found| found.slice.to_string() == "a = a1 and c = 1"),
        );
    }
    println!(
        "planted slice first: drift {}, errors {}, losses {} of 20",
        first[0], first[1], first[2]
    );
    assert!(first.iter().all(|first| *first >= 18), "{first:?} of 20");
}

/// An end of an odds ratio that excludes 1 misses the true one, for any slice, in one run of twenty.
#[test]
fn the_ends_of_the_odds_ratios_hold_together() {
    assert_level("odds ratios of drift slices", 300, |rng| {
        let (reference, mut current) = (Rows::draw(rng, 300), Rows::draw(rng, 300));
        // P(c = 1) becomes 0.4 + 0.6/4 = 0.55: odds 11/9 instead of 2/3, a ratio of 11/6.
        current
            .c
            .iter_mut()
            .for_each(|c| *c |= i64::from(rng.random_range(0..4) == 0));
        let finder = DriftSlices::default()
            .over(lattice(1).columns(["c", "x"]))
            .limit(usize::MAX);
        let report = finder.find(&reference.table(), &current.table()).unwrap();
        let truth = |words: &str| match words {
            "c = 1" => 11.0 / 6.0,
            "c = 0" => 6.0 / 11.0,
            _ => 1.0,
        };
        report.worst.iter().any(|found| {
            let truth = truth(&found.slice.to_string());
            match found.direction {
                Direction::More => found.odds_ratio.low() > truth,
                Direction::Less => found.odds_ratio.high() < truth,
            }
        })
    });
}

#[test]
fn a_report_survives_json() {
    let table = |from: f64| Rows {
        x: (0..90).map(|i| f64::from(i) + from).collect(),
        ..Rows::draw(&mut ChaCha8Rng::seed_from_u64(1), 90)
    };
    let report = DriftSlices::default()
        .find(&table(0.0).table(), &table(60.0).table())
        .unwrap();
    assert!(report.worst.iter().any(|found| found.ratio.is_none()));
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(
        serde_json::from_str::<DriftSlicesReport>(&json).unwrap(),
        report
    );
}

#[test]
fn the_same_rows_in_another_encoding_give_the_same_slices() {
    let rng = &mut ChaCha8Rng::seed_from_u64(3);
    let (reference, current) = (Rows::draw(rng, 120), Rows::draw(rng, 120));
    let mut narrow = current.table();
    let schema = narrow.schema();
    let columns = schema
        .fields()
        .iter()
        .zip(narrow.columns())
        .map(|(field, column)| {
            let data_type = match field.name().as_str() {
                "a" => arrow::datatypes::DataType::LargeUtf8,
                "c" => arrow::datatypes::DataType::Int8,
                _ => column.data_type().clone(),
            };
            (
                field.name().clone(),
                arrow::compute::cast(column, &data_type).unwrap(),
            )
        });
    narrow = RecordBatch::try_from_iter(columns.collect::<Vec<_>>()).unwrap();
    let finder = DriftSlices::default().level(SignificanceLevel::new(0.9).unwrap());
    let want = finder.find(&reference.table(), &current.table()).unwrap();
    assert_eq!(finder.find(&reference.table(), &narrow).unwrap(), want);
}

/// As in a drift check: whatever its type is in the other table.
#[test]
fn a_column_of_type_null_is_missing_in_every_row() {
    let rows = 200;
    let nulls = one("x", NullArray::new(rows));
    let numbers = one("x", Int64Array::from_iter_values(0..rows as i64));
    let labels = one(
        "x",
        StringArray::from_iter_values((0..rows).map(|i| ["a", "b"][i % 2])),
    );
    let find = |reference: &RecordBatch, current: &RecordBatch| {
        DriftSlices::default().find(reference, current).unwrap()
    };
    assert_eq!(find(&nulls, &nulls).found, 0);
    for typed in [&numbers, &labels] {
        for (reference, current) in [(typed, &nulls), (&nulls, typed)] {
            let report = find(reference, current);
            let missing = report
                .worst
                .iter()
                .find(|found| found.slice.to_string() == "x is missing");
            let missing = missing.unwrap();
            let shares = [missing.reference.share(), missing.current.share()];
            let is_null = |table: &RecordBatch| f64::from(u8::from(table == &nulls));
            assert_eq!(shares, [reference, current].map(is_null));
        }
    }
    // As a column of nulls that has a type.
    let typed_nulls = one("x", Int64Array::from(vec![None; rows]));
    let [untyped, typed] = [&nulls, &typed_nulls].map(|now| find(&numbers, now));
    assert_eq!(untyped, typed);
}

/// The column, and of a missing one the table; numbers of many digits in few.
#[test]
fn errors_name_the_column_and_slices_are_told_in_few_digits() {
    let numbers = one("x", Int64Array::from_iter_values(0..100));
    let other = one("y", Int64Array::from_iter_values(0..100));
    let texts = one("x", StringArray::from(vec!["a"; 100]));
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>((0..3).map(|i| Some([Some(i)])));
    let lists = one("x", lists);
    let told = |reference: &RecordBatch, current: &RecordBatch| {
        let error = DriftSlices::default().find(reference, current);
        error.unwrap_err().to_string()
    };
    let lost = told(&numbers, &other);
    assert!(
        lost.contains("\"x\" is missing") && lost.contains("table: current"),
        "{lost}"
    );
    let changed = told(&numbers, &texts);
    assert!(
        changed.contains("int64 and text") && changed.contains("column: x"),
        "{changed}"
    );
    let nested = told(&lists, &lists);
    assert!(nested.contains("column: x"), "{nested}");

    let great = |scale: f64| {
        one(
            "x",
            Float64Array::from_iter_values((0..200).map(|i| scale * f64::from(i % 40))),
        )
    };
    let report = DriftSlices::default()
        .find(&great(1e300), &great(4e300))
        .unwrap();
    assert!(report.found > 0);
    for found in &report.worst {
        assert!(found.to_string().len() < 150, "{found}");
    }
}

fn one(name: &str, column: impl arrow::array::Array + 'static) -> RecordBatch {
    RecordBatch::try_from_iter([(name, Arc::new(column) as ArrayRef)]).unwrap()
}

/// Of what is wrong: where, which value, and what is allowed.
#[test]
fn errors_of_rows_name_the_row_and_those_of_types_the_table() {
    let hundred = one("x", Int64Array::from_iter_values(0..100));
    let empty = one("x", Int64Array::from_iter_values(0..0));
    let bytes = one(
        "x",
        BinaryArray::from_iter_values((0..100).map(|i: u8| [i])),
    );
    let drift = DriftSlices::default();
    for (reference, current, told) in [
        (
            &empty,
            &hundred,
            ["the reference table must hold [1, ", "rows, got 0", ""],
        ),
        (
            &hundred,
            &empty,
            ["the current table must hold [1, ", "rows, got 0", ""],
        ),
        (
            &bytes,
            &hundred,
            [
                "texts and booleans, got bytes",
                "column: x",
                "table: reference",
            ],
        ),
        (
            &hundred,
            &bytes,
            [
                "texts and booleans, got bytes",
                "column: x",
                "table: current",
            ],
        ),
    ] {
        let error = drift.find(reference, current).unwrap_err().to_string();
        assert!(told.iter().all(|part| error.contains(part)), "{error}");
    }

    // One row a unit is drawn, of 50: the row is told as it was given, not as it was drawn.
    let units = RecordBatch::try_from_iter([
        ("x", hundred.column(0).clone()),
        (
            "user",
            Arc::new(Int64Array::from_iter_values((0..100).map(|i| i / 2))) as ArrayRef,
        ),
    ])
    .unwrap();
    let by_unit = LossSlices::default().over(Lattice::default().unit("user"));
    let mut losses = vec![0.5; 100];
    losses[86] = f64::NAN;
    losses[87] = f64::NAN;
    let error = by_unit.find(&units, &losses).unwrap_err().to_string();
    let told = |row: u8| format!("losses must lie in [0, 1], got NaN in row {row}");
    assert!(
        error.contains(&told(86)) || error.contains(&told(87)),
        "{error}"
    );
    losses[86] = 0.5;
    let error = LossSlices::default().by_rank().find(&units, &losses);
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("losses must lie in (-inf, inf), got NaN in row 87"),
        "{error}"
    );
}

/// Fisher's test of 3 rows against 3 has 1/20 as its least p-value, that of 2 against 3 is 1/10: at 5 % the label that holds all rows of one table
/// can be called, alone, and nothing can in the smaller pair. Two labels of 3 rows each share the level, and 1/20 is above 0.025.
#[test]
fn rows_too_few_for_any_slice_are_told() {
    let table = |labels: &[&str]| one("x", StringArray::from(labels.to_vec()));
    let more = DriftSlices::default().only(Direction::More);
    for (reference, current, nothing_testable) in [
        (&["a", "b"][..], &["c"; 3][..], true),
        (&["a", "b", "d"], &["c"; 3], false),
        (&["a"; 3], &["c"; 3], true),
        (&["a"; 300], &["a"; 300], true), // one label divides nothing
    ] {
        let report = more.find(&table(reference), &table(current)).unwrap();
        assert_eq!(report.nothing_testable, nothing_testable, "{reference:?}");
        let headline = report.headline();
        assert_eq!(
            headline.starts_with("No slice could be tested: the rows are too few"),
            nothing_testable,
            "{headline}"
        );
        assert_eq!(report.found, usize::from(!nothing_testable));
    }
}

/// One error among 20 rows falls into one of them with probability 1/20, into one of two with 1/10.
#[test]
fn errors_too_few_for_any_slice_are_told() {
    let table = |rows: usize| {
        one(
            "x",
            StringArray::from_iter_values((0..20).map(|i| if i < rows { "a" } else { "b" })),
        )
    };
    let wrong: Vec<bool> = (0..20).map(|i| i == 0).collect();
    for (rows, nothing_testable) in [(1, false), (2, true)] {
        let report = ErrorSlices::default().find(&table(rows), &wrong).unwrap();
        assert_eq!(report.nothing_testable, nothing_testable);
        let told = report.headline().contains("1 wrong and 19 right rows");
        assert_eq!(told, nothing_testable, "{}", report.headline());
    }
}

/// The bet's capital is the mean over its stakes, of which the greatest is 0.95: after n units it is at most 1.95^n, so 4 (14.5 < 20) are too few,
/// and at least 1.95^n/16, so 9 (25.5) are enough. A slice of half of the rows has a quarter of them in the tested half.
#[test]
fn losses_too_few_for_any_slice_are_told() {
    let finder = LossSlices::default().least_rows(1).candidates(1);
    let find = |finder: &LossSlices, rows: i32| {
        let table = one("x", Int32Array::from_iter_values((0..rows).map(|i| i % 2)));
        let losses: Vec<f64> = (0..rows).map(|i| f64::from(i % 2)).collect();
        finder.find(&table, &losses).unwrap()
    };
    for (rows, nothing_testable) in [(16, true), (80, false)] {
        let report = find(&finder, rows);
        assert_eq!(report.candidates, 1);
        assert_eq!(report.nothing_testable, nothing_testable);
        assert_eq!(report.found.is_empty(), nothing_testable);
        let told = report.headline().starts_with("No slice could be tested");
        assert_eq!(told, nothing_testable, "{}", report.headline());
    }
    // A slice must hold 32 of the searched rows, and those of 60 are 30.
    let report = find(&LossSlices::default(), 60);
    assert_eq!((report.candidates, report.nothing_testable), (0, true));
    // Even losses, of which no slice has more: that is an answer.
    let table = one("x", Int32Array::from_iter_values((0..400).map(|i| i % 2)));
    let report = LossSlices::default().find(&table, &[0.5; 400]).unwrap();
    assert_eq!((report.candidates, report.nothing_testable), (0, false));
}

/// A column that only the current table has is told, unless columns were named, and but for the unit.
#[test]
fn new_columns_are_told() {
    let column = || Arc::new(Int64Array::from_iter_values(0..100)) as ArrayRef;
    let reference = RecordBatch::try_from_iter([("x", column()), ("user", column())]).unwrap();
    let current =
        RecordBatch::try_from_iter([("x", column()), ("user", column()), ("|new|", column())]);
    let current = current.unwrap();
    let by_user = || Lattice::default().unit("user");
    for (lattice, new) in [
        (Lattice::default(), vec!["|new|"]),
        (by_user(), vec!["|new|"]),
        (by_user().columns(["x"]), vec![]),
        (Lattice::default().except(["user"]), vec!["|new|"]),
    ] {
        let report = DriftSlices::default().over(lattice);
        let report = report.find(&reference, &current).unwrap();
        assert_eq!(report.new_columns, new);
        let markdown = report.to_markdown();
        let told = markdown.contains("Not in the reference, and in no slice: \\|new\\|.");
        assert_eq!(told, !new.is_empty(), "{markdown}");
        let headline = "No slice drifted; 1 column is new and in no slice";
        assert_eq!(
            report.headline() == headline,
            !new.is_empty(),
            "{}",
            report.headline()
        );
    }
    let unknown = DriftSlices::default().over(Lattice::default().except(["|new|"]));
    let error = unknown.find(&reference, &current).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignatureMismatch);
}

/// Columns that no predicate can speak of are left out by name, in both tables.
#[test]
fn columns_are_left_out_by_name() {
    let column = || Arc::new(Int64Array::from_iter_values(0..100)) as ArrayRef;
    let bytes = || Arc::new(BinaryArray::from_iter_values((0..100_u8).map(|i| [i]))) as ArrayRef;
    let table = RecordBatch::try_from_iter([("x", column()), ("raw", bytes())]).unwrap();
    let find = |lattice| DriftSlices::default().over(lattice).find(&table, &table);
    assert!(
        find(Lattice::default())
            .unwrap_err()
            .to_string()
            .contains("by `except`")
    );
    let report = find(Lattice::default().except(["raw"])).unwrap();
    assert_eq!(report, find(Lattice::default().columns(["x"])).unwrap());
    assert!(find(Lattice::default().except(["raw", "x"])).is_err());
    let without = table.project(&[0]).unwrap();
    let slices = DriftSlices::default().over(Lattice::default().except(["raw"]));
    assert!(slices.find(&table, &without).is_ok());
}

/// Means of enormous losses are finite; an infinite one, in a report of whatever origin, is written and read; reports from before are read.
#[test]
fn reports_survive_json_whatever_their_figures() {
    let table = one("x", Int32Array::from_iter_values((0..400).map(|i| i % 4)));
    let losses: Vec<f64> = (0..400)
        .map(|i| if i % 4 == 0 { 1e308 } else { f64::from(i % 7) })
        .collect();
    let mut report = LossSlices::default()
        .by_rank()
        .find(&table, &losses)
        .unwrap();
    let mean = report.found[0].inside;
    assert!((mean / 1e308 - 1.0).abs() < 1e-12, "{mean}");
    let written = |report: &LossSlicesReport| serde_json::to_string(report).unwrap();
    let read = |json: &str| serde_json::from_str::<LossSlicesReport>(json).unwrap();
    assert_eq!(read(&written(&report)), report);
    report.found[0].inside = f64::INFINITY;
    report.found[0].outside = f64::NEG_INFINITY;
    assert_eq!(read(&written(&report)), report);
    let older = written(&report).replace("\"nothing_testable\":false,", "");
    assert!(!older.contains("nothing_testable"));
    assert_eq!(read(&older), report);
}

#[test]
fn bad_input_is_a_typed_error() {
    let numbers = |n: i64| one("x", Int64Array::from_iter_values(0..n));
    let (hundred, empty) = (numbers(100), numbers(0));
    let texts = one(
        "x",
        StringArray::from_iter_values((0..100).map(|i| i.to_string())),
    );
    let drift = DriftSlices::default();
    let kind = |result: mlops_core::Result<DriftSlicesReport>| result.unwrap_err().kind();
    assert_eq!(
        kind(drift.find(&empty, &hundred)),
        ErrorKind::InvalidArgument
    );
    assert_eq!(
        kind(drift.find(&hundred, &empty)),
        ErrorKind::InvalidArgument
    );
    assert_eq!(
        kind(drift.find(&hundred, &texts)),
        ErrorKind::SignatureMismatch
    );
    let other = one("y", Int64Array::from_iter_values(0..100));
    assert_eq!(
        kind(drift.find(&hundred, &other)),
        ErrorKind::SignatureMismatch
    );
    let absent = DriftSlices::default().over(Lattice::default().unit("user"));
    assert_eq!(
        kind(absent.find(&hundred, &hundred)),
        ErrorKind::SignatureMismatch
    );
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>((0..3).map(|i| Some([Some(i)])));
    let lists = one("x", lists);
    assert_eq!(kind(drift.find(&lists, &lists)), ErrorKind::Unsupported);
    let no_columns = DriftSlices::default().over(Lattice::default().columns([""; 0]));
    assert_eq!(
        kind(no_columns.find(&hundred, &hundred)),
        ErrorKind::InvalidArgument
    );
    let nulls = one("x", Int64Array::from(vec![Some(1), None]));
    let by_null = DriftSlices::default().over(Lattice::default().unit("x").columns(["x", "y"]));
    let both = RecordBatch::try_from_iter_with_nullable([
        ("x", nulls.column(0).clone(), true),
        ("y", nulls.column(0).clone(), true),
    ]);
    let both = both.unwrap();
    assert_eq!(kind(by_null.find(&both, &both)), ErrorKind::InvalidArgument);
    let keys = Int32Array::from(vec![0, 1]); // none is null; one points at a null
    let values = Arc::new(StringArray::from(vec![Some("a"), None]));
    let units = Arc::new(DictionaryArray::<Int32Type>::new(keys, values)) as ArrayRef;
    let pointed =
        RecordBatch::try_from_iter([("x", units), ("y", nulls.column(0).clone())]).unwrap();
    let pointed = by_null.find(&pointed, &pointed).unwrap_err();
    assert!(pointed.to_string().contains("no null"), "{pointed}");
    assert!(Lattice::default().depth(0).is_err() && Lattice::default().depth(9).is_err());
    assert!(Lattice::default().bins(1).is_err());

    let errors = ErrorSlices::default();
    let short = errors.find(&hundred, &[true; 99]).unwrap_err();
    assert_eq!(short.kind(), ErrorKind::InvalidArgument);
    let losses = LossSlices::default();
    for loss in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        let error = losses
            .find(&hundred, &[[0.5; 99].as_slice(), &[loss]].concat())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().contains("[0, 1]"), "{error}");
    }
    assert!(losses.find(&hundred, &[0.5; 99]).is_err());
    assert!(losses.find(&numbers(3), &[0.5; 3]).is_err());
    assert!(LossSlices::default().weight(f64::NAN).is_err());
}

#[test]
fn extreme_columns_are_read_without_a_panic() {
    let values = [
        f64::NEG_INFINITY,
        -1e308,
        -0.0,
        0.0,
        1e308,
        f64::INFINITY,
        f64::NAN,
    ];
    let table = one(
        "x",
        Float64Array::from_iter_values((0..140).map(|i| values[i % 7])),
    );
    let constant = one("x", Float64Array::from(vec![3.0; 140]));
    let missing = one("x", Float64Array::from(vec![None; 140]));
    for (reference, current) in [
        (&table, &table),
        (&constant, &constant),
        (&missing, &missing),
    ] {
        assert_eq!(
            DriftSlices::default()
                .find(reference, current)
                .unwrap()
                .found,
            0
        );
    }
    let became_null = DriftSlices::default().find(&constant, &missing).unwrap();
    let words: Vec<String> = became_null
        .worst
        .iter()
        .map(|found| found.slice.to_string())
        .collect();
    assert_eq!(words, ["x = 3", "x is missing"]);
}

#[test]
fn as_many_labels_as_rows_cost_neither_memory_nor_power() {
    let labels =
        |from: usize| StringArray::from_iter_values((from..from + 20_000).map(|i| i.to_string()));
    let flag =
        |ones: usize| Int64Array::from_iter_values((0..20_000).map(|i| i64::from(i % 20 < ones)));
    let table = |from, ones| {
        RecordBatch::try_from_iter([
            ("id", Arc::new(labels(from)) as ArrayRef),
            ("flag", Arc::new(flag(ones)) as ArrayRef),
        ])
        .unwrap()
    };
    let report = DriftSlices::default()
        .find(&table(0, 10), &table(20_000, 11))
        .unwrap();
    assert_eq!((report.found, report.factor), (2, 4));
}

/// Two columns of 3,000 labels at 240,000 rows: nine million pairs, of which hardly one holds rows enough. A bitmap
/// for each label would take 90 MB, and one pass over each pair minutes; a third column of labels by the row adds
/// nothing. One pair is planted.
#[test]
fn columns_of_thousands_of_labels_cost_a_pass_over_the_rows() {
    let rng = &mut ChaCha8Rng::seed_from_u64(6);
    let mut table = |planted: bool| {
        let mut column =
            |rows: usize| -> Vec<u16> { (0..rows).map(|_| rng.random_range(0..3_000)).collect() };
        let (mut zip, mut product) = (column(120_000), column(120_000));
        if planted {
            zip[..60].fill(7);
            product[..60].fill(11);
        }
        let names = |column: Vec<u16>| {
            Arc::new(StringArray::from_iter_values(
                column.iter().map(u16::to_string),
            )) as ArrayRef
        };
        RecordBatch::try_from_iter([("zip", names(zip)), ("product", names(product))]).unwrap()
    };
    let report = DriftSlices::default()
        .find(&table(false), &table(true))
        .unwrap();
    let words: Vec<String> = report
        .worst
        .iter()
        .map(|found| found.slice.to_string())
        .collect();
    assert!(
        words.contains(&"zip = 7 and product = 11".to_owned()),
        "{words:?}"
    );
    assert_eq!(report.found, 3); // and both of its labels
}

/// Time and memory on a table of production size; see the report of `--nocapture`.
#[test]
#[ignore = "a measurement"]
fn the_time_of_a_million_rows() {
    let rng = &mut ChaCha8Rng::seed_from_u64(5);
    let mut table = |rows: usize| {
        let columns = (0..20).map(|c| {
            let values: Vec<f64> = (0..rows).map(|_| rng.random_range(0.0..1.0)).collect();
            (
                format!("x{c}"),
                Arc::new(Float64Array::from(values)) as ArrayRef,
            )
        });
        RecordBatch::try_from_iter(columns.collect::<Vec<_>>()).unwrap()
    };
    for (rows, depth) in [(500_000, 2), (50_000, 3)] {
        let (reference, current) = (table(rows), table(rows));
        let start = std::time::Instant::now();
        let report = DriftSlices::default()
            .over(lattice(depth))
            .find(&reference, &current)
            .unwrap();
        println!(
            "2 × {rows} rows of 20 numbers, depth {depth}: {:.2} s, factor {}, {} found",
            start.elapsed().as_secs_f64(),
            report.factor,
            report.found
        );
    }
}

#[test]
#[ignore = "minutes in release: the larger grid"]
fn the_grid() {
    for sizes in [[40, 40], [60, 200], [1000, 300], [3000, 3000]] {
        for depth in 1..=3 {
            assert_level(
                &format!("drift slices {sizes:?} depth {depth}"),
                2_000,
                |rng| {
                    let [reference, current] = sizes.map(|rows| Rows::draw(rng, rows).table());
                    let finder = DriftSlices::default().over(lattice(depth));
                    finder.find(&reference, &current).unwrap().found > 0
                },
            );
        }
    }
}

/// Where the best losses that there are, 1 in one slice and 0 in all other rows, are not found, no losses would be: by as many candidates as there are.
#[test]
fn losses_are_testable_exactly_where_the_best_would_be_found() {
    let (mut found, mut untestable) = (0, 0);
    for rows in (20..160).step_by(4) {
        let label =
            |of: usize| StringArray::from_iter_values((0..rows).map(|i| format!("{}", i * of % 4)));
        let columns = [("a", label(1)), ("b", label(5)), ("c", label(7))];
        let columns = columns.map(|(name, column)| (name, Arc::new(column) as ArrayRef));
        let table = RecordBatch::try_from_iter(columns).unwrap();
        let losses: Vec<f64> = (0..rows).map(|i| f64::from(u8::from(i % 4 == 0))).collect();
        for candidates in [1, 10] {
            let finder = LossSlices::default().least_rows(1).candidates(candidates);
            let report = finder.find(&table, &losses).unwrap();
            assert_eq!(
                report.found.is_empty(),
                report.nothing_testable,
                "{rows} rows, {report:?}"
            );
            found += usize::from(!report.nothing_testable);
            untestable += usize::from(report.nothing_testable);
        }
    }
    assert!(found > 10 && untestable > 10, "{found} and {untestable}");
}

/// Quintiles of 0 to 11 are 2.2, 4.4, 6.6 and 8.8: whole numbers are parted at the next ones, and told so.
#[test]
fn edges_between_whole_numbers_are_whole() {
    let table = |more: bool| {
        let value = |row: i32| if more && row % 2 == 0 { 7 } else { row % 12 };
        let numbers = Int32Array::from_iter_values((0..1_200).map(value));
        RecordBatch::try_from_iter([("x", Arc::new(numbers) as ArrayRef)]).unwrap()
    };
    let report = DriftSlices::default()
        .only(Direction::More)
        .find(&table(false), &table(true))
        .unwrap();
    assert_eq!(report.worst[0].slice.to_string(), "x in [7, 9)");
}
