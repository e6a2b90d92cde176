//! The front door: units, methods, minimum effects, corrections, determinism.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::Int32Type;
use mlops_core::ErrorKind;
use mlops_core::evidence::{Distance, Measure, SignificanceLevel};
use mlops_drift::DriftCheck;
use mlops_drift::check::Method;
use mlops_drift::divergence::Psi;
use mlops_drift::multiplicity::Bonferroni;
use mlops_drift::profile::TableProfile;
use mlops_drift::report::ColumnVerdict;
use mlops_drift::two_sample::ChiSquare;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn floats(values: impl IntoIterator<Item = f64>) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(values))
}

/// `hours` hours of weather, each seen by 40 flights.
fn flights(hours: u64, seed: u64) -> RecordBatch {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let weather: Vec<f64> = (0..hours).map(|_| rng.random_range(0.0..30.0)).collect();
    let rows = || (0..hours as usize).flat_map(|hour| std::iter::repeat_n(hour, 40));
    let sky = |hour: usize| {
        if weather[hour] > 15.0 {
            "clear"
        } else {
            "rain"
        }
    };
    batch([
        (
            "origin_hour",
            Arc::new(Int32Array::from_iter_values(rows().map(|h| h as i32))),
        ),
        ("temp", floats(rows().map(|hour| weather[hour]))),
        (
            "sky",
            Arc::new(rows().map(|hour| Some(sky(hour))).collect::<StringArray>()),
        ),
    ])
}

#[test]
fn rows_that_share_a_unit_count_once() {
    let reference = flights(60, 1);
    let check = DriftCheck::against(&reference);
    let by_unit = check
        .clone()
        .unit("origin_hour", ["temp", "sky"])
        .prepare()
        .unwrap();
    let by_row = check.columns(["temp", "sky"]).prepare().unwrap();
    let (mut false_by_unit, mut false_by_row) = (0, 0);
    for seed in 100..140 {
        let current = flights(40, seed);
        let report = by_unit.run(&current).unwrap();
        assert_eq!(report.columns.len(), 2); // the unit itself is not tested
        assert_eq!(report.column("temp").unwrap().current_size, 40);
        assert_eq!(
            report.column("sky").unwrap().unit.as_deref(),
            Some("origin_hour")
        );
        false_by_unit += u32::from(report.verdict.drifted);
        false_by_row += u32::from(by_row.run(&current).unwrap().verdict.drifted);
    }
    // Same law throughout. At 5 %, more than 8 of 40 have probability < 1e-3 (one reference: some slack).
    assert!(false_by_unit <= 8, "{false_by_unit} of 40");
    assert!(
        false_by_row >= 30,
        "{false_by_row} of 40: rows are not exchangeable"
    );
}

#[test]
fn a_category_that_varies_within_its_unit_is_an_error() {
    let table = batch([
        ("hour", Arc::new(Int32Array::from(vec![1, 1]))),
        ("sky", Arc::new(StringArray::from(vec!["clear", "rain"]))),
    ]);
    let error = DriftCheck::against(&table)
        .unit("hour", ["sky"])
        .prepare()
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.to_string().contains("column: sky"), "{error}");
}

#[test]
fn a_null_unit_and_a_column_in_two_units_are_errors() {
    let table = batch([
        ("hour", Arc::new(Int32Array::from(vec![Some(1), None]))),
        ("day", Arc::new(Int32Array::from(vec![1, 2]))),
        ("x", floats([1.0, 2.0])),
    ]);
    let check = DriftCheck::against(&table);
    let null_unit = check.clone().unit("hour", ["x"]).prepare().err().unwrap();
    assert!(
        null_unit.to_string().contains("no null, got 1"),
        "{null_unit}"
    );
    let two = check
        .unit("day", ["x"])
        .unit("hour", ["x"])
        .prepare()
        .err()
        .unwrap();
    assert!(two.to_string().contains("one unit"), "{two}");
}

#[test]
fn units_that_lose_their_values_alarm() {
    let reference = flights(60, 1);
    let temp = Arc::new(Float64Array::from(vec![None; 1600])) as ArrayRef;
    let current = flights(40, 2);
    let current = batch([
        ("origin_hour", Arc::clone(current.column(0))),
        ("temp", temp),
    ]);
    let check = DriftCheck::against(&reference)
        .unit("origin_hour", ["temp"])
        .columns(["temp"]);
    let report = check.run(&current).unwrap();
    assert!(
        report
            .column("temp")
            .unwrap()
            .missing
            .as_ref()
            .unwrap()
            .rejected
    );
}

#[test]
fn a_small_shift_is_drift_but_not_material() {
    let table = |shift: f64| batch([("x", floats((0..4000).map(|i| f64::from(i % 1000) + shift)))]);
    let least = Distance::new(0.3, "wasserstein_sd").unwrap();
    let check = DriftCheck::against(&table(0.0))
        .effect(least)
        .prepare()
        .unwrap();
    let slight = check.run(&table(60.0)).unwrap(); // 60 / 289 = 0.21 deviations
    assert!(slight.verdict.drifted && !slight.verdict.material);
    assert_eq!(slight.columns[0].verdict, ColumnVerdict::Drifted);
    assert!(
        slight.columns[0].reason.contains("minimum of 0.3"),
        "{}",
        slight.columns[0].reason
    );
    assert!(check.run(&table(120.0)).unwrap().verdict.material);
}

#[test]
fn methods_are_chosen_by_column() {
    let codes = |high: i32| -> ArrayRef {
        Arc::new(Int32Array::from_iter_values((0..300).map(|i| i % high)))
    };
    let table = |high| {
        batch([
            ("code", codes(high)),
            ("x", floats((0..300).map(f64::from))),
        ])
    };
    let report = DriftCheck::against(&table(3))
        .method("code", Method::categorical(ChiSquare::default()))
        .method("x", Method::numeric(Psi::default()))
        .correction(Bonferroni)
        .run(&table(4))
        .unwrap();
    let method = |name: &str| {
        report
            .column(name)
            .unwrap()
            .value
            .as_ref()
            .unwrap()
            .method
            .clone()
    };
    assert_eq!(method("code"), "chi_square_permutation");
    assert_eq!(method("x"), "psi_permutation");
    assert_eq!(report.verdict.drifted_columns, ["code"]);
    assert!(
        report
            .column("code")
            .unwrap()
            .effect("total_variation")
            .is_some()
    );
}

#[test]
fn dictionaries_of_strings_equal_strings() {
    let labels = || (0..90).map(|i| ["a", "b", "c"][i % 3]);
    let plain = batch([("c", Arc::new(StringArray::from_iter_values(labels())))]);
    let encoded: DictionaryArray<Int32Type> = labels().collect();
    let encoded = batch([("c", Arc::new(encoded))]);
    let report = DriftCheck::against(&plain).run(&encoded).unwrap();
    assert_eq!(
        report.columns[0].effect("total_variation").unwrap().get(),
        0.0
    );
}

#[test]
fn the_order_of_the_rows_does_not_matter() {
    let (reference, current) = (flights(50, 1), flights(30, 2));
    let rows: Vec<RecordBatch> = (0..current.num_rows())
        .rev()
        .map(|i| current.slice(i, 1))
        .collect();
    let reversed = concat_batches(&current.schema(), &rows).unwrap();
    let check = DriftCheck::against(&reference).prepare().unwrap();
    let (forward, backward) = (check.run(&current).unwrap(), check.run(&reversed).unwrap());
    assert_eq!(forward, backward);
    assert_eq!(forward.to_json().unwrap(), backward.to_json().unwrap());
}

#[test]
fn evidence_holds_adjusted_p_values_against_the_level() {
    let table = |shift: f64| batch([("x", floats((0..50).map(|i| f64::from(i) + shift)))]);
    let report = DriftCheck::against(&table(0.0))
        .level(SignificanceLevel::ONE_PERCENT)
        .run(&table(40.0))
        .unwrap();
    let evidence = report.evidence();
    assert_eq!(evidence[0].level, Some(SignificanceLevel::ONE_PERCENT));
    assert!(matches!(evidence[0].measure, Measure::PValue(p) if p.rejects_at(report.level)));
    assert!(evidence[0].claim.contains("exchangeable"));
    assert_eq!(
        evidence
            .iter()
            .filter(|e| matches!(e.measure, Measure::Distance(_)))
            .count(),
        3
    );
}

/// D of two uniform laws on [0, 1] and [s, 1 + s] is s: in at least 95 % of runs it lies in the interval, by rows and by profiles.
#[test]
fn the_interval_of_an_effect_covers_that_of_the_laws() {
    let column = |seed: u64, rows: usize, shift: f64| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let values = (0..rows).map(|_| rng.random_range(0.0..1.0) + shift);
        let column = Arc::new(Float64Array::from_iter_values(values)) as ArrayRef;
        RecordBatch::try_from_iter([("x", column)]).unwrap()
    };
    let mut covered = [0, 0];
    for seed in 0..100 {
        let (reference, current) = (column(seed, 300, 0.0), column(seed + 1_000, 200, 0.2));
        let profile = TableProfile::of(&reference).unwrap();
        let reports = [
            DriftCheck::against(&reference).run(&current).unwrap(),
            DriftCheck::against(&profile).run(&current).unwrap(),
        ];
        for (covered, report) in covered.iter_mut().zip(&reports) {
            let interval = report.columns[0].intervals["kolmogorov_smirnov"];
            *covered += u32::from(interval.contains(0.2));
            assert!(interval.width() < 0.5 && interval.high() < 1.0);
        }
    }
    // At exactly 95 % fewer than 85 of 100 have probability below 1e-4.
    assert!(
        covered.into_iter().all(|covered| covered >= 85),
        "{covered:?}"
    );
    let far = DriftCheck::against(&column(1, 2_000, 0.0))
        .run(&column(2, 2_000, 0.4))
        .unwrap();
    assert!(far.columns[0].intervals["kolmogorov_smirnov"].low() > 0.2);
}

/// Rows that follow one another are told as such, by rows and by profiles; drawn rows are not, and units that mend it are believed.
#[test]
fn serial_dependence_is_reported() {
    let table = |walk: bool, seed: u64| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut last = 0.0;
        let mut next = || {
            let step = rng.random_range(-1.0..1.0);
            last = if walk { 0.8 * last + step } else { step };
            last
        };
        let values: Vec<f64> = (0..1_000).map(|_| next()).collect();
        let hours = (0..1_000_i64).map(|row| row / 40);
        RecordBatch::try_from_iter([
            ("x", Arc::new(Float64Array::from(values)) as ArrayRef),
            ("hour", Arc::new(Int64Array::from_iter_values(hours))),
        ])
        .unwrap()
    };
    let conspicuous = |reference: &RecordBatch, current: &RecordBatch| {
        let profile = TableProfile::of(reference).unwrap();
        let reports = [
            DriftCheck::against(reference)
                .columns(["x"])
                .run(current)
                .unwrap(),
            DriftCheck::against(&profile)
                .columns(["x"])
                .run(current)
                .unwrap(),
        ];
        reports.map(|report| {
            let x = &report.columns[0];
            assert_eq!(x.serial_correlation.unwrap().values, 1_000);
            let told = x.reason.contains("declare a unit");
            assert_eq!(told, x.serial_correlation.unwrap().is_conspicuous());
            told
        })
    };
    assert_eq!(conspicuous(&table(true, 1), &table(true, 2)), [true, true]);
    assert_eq!(
        conspicuous(&table(false, 1), &table(false, 2)),
        [false, false]
    );
    let by_hour = DriftCheck::against(&table(true, 1)).unit("hour", ["x"]);
    let report = by_hour.run(&table(true, 2)).unwrap();
    assert!(
        !report.columns[0]
            .serial_correlation
            .unwrap()
            .is_conspicuous()
    );
}
