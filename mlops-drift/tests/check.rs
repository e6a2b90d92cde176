//! The front door: units, methods, minimum effects, corrections, determinism.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bound;

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, FixedSizeListArray,
    Float64Array, Int32Array, Int64Array, ListArray, RecordBatch, StringArray,
    TimestampMillisecondArray, TimestampNanosecondArray,
};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Float32Type, Float64Type, Int32Type, Schema, TimeUnit};
use mlops_core::evidence::{Distance, Measure, PValue, SignificanceLevel};
use mlops_core::{Error, ErrorKind, type_name};
use mlops_drift::check::{Method, Source};
use mlops_drift::divergence::{
    Hellinger, JensenShannon, KullbackLeibler, LInfinity, Psi, TotalVariation,
};
use mlops_drift::multiplicity::Bonferroni;
use mlops_drift::profile::TableProfile;
use mlops_drift::report::{ColumnVerdict, Moved};
use mlops_drift::sample::Infinite;
use mlops_drift::two_sample::{ChiSquare, FisherExact, TestResult, TwoSampleTest, Welch};
use mlops_drift::{CategoricalSample, DriftCheck, DriftReport, NumericSample};
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

/// A key that points at a null is one, though the keys hold none.
#[test]
fn a_null_in_the_dictionary_of_units_is_refused() {
    let values = StringArray::from(vec![Some("a"), None]);
    let keys = Int32Array::from(vec![0, 1, 1]);
    let units = DictionaryArray::<Int32Type>::new(keys, Arc::new(values));
    let table = batch([("user", Arc::new(units)), ("x", floats([1.0, 2.0, 3.0]))]);
    let check = DriftCheck::against(&table).unit("user", ["x"]);
    let error = check.prepare().err().unwrap().to_string();
    assert!(error.contains("must hold no null, got 2"), "{error}");
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
fn a_category_that_varies_within_its_unit_has_no_other_method() {
    let table = batch([
        ("hour", Arc::new(Int32Array::from(vec![1, 1]))),
        ("sky", Arc::new(StringArray::from(vec!["clear", "rain"]))),
    ]);
    let error = DriftCheck::against(&table)
        .unit("hour", ["sky"])
        .method("sky", Method::categorical(ChiSquare::default()))
        .prepare()
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.to_string().contains("column: sky"), "{error}");
}

/// What holds for this very reference is promised of one label per unit: units of several are refused in the reference and in a table
/// beside it, with an example.
#[test]
fn a_check_of_this_reference_refuses_units_of_several_labels() {
    let table = |sky: [&str; 4]| {
        batch([
            ("hour", Arc::new(Int32Array::from(vec![1, 1, 2, 2]))),
            ("sky", Arc::new(StringArray::from(sky.to_vec()))),
        ])
    };
    let pure = table(["clear", "clear", "rain", "rain"]);
    let several = table(["clear", "clear", "clear", "rain"]);
    let check = |reference: &RecordBatch| {
        DriftCheck::against(reference)
            .unit("hour", ["sky"])
            .for_this_reference(SignificanceLevel::FIVE_PERCENT)
    };
    assert!(check(&pure).run(&pure).is_ok());
    let of_reference = check(&several).prepare().err().unwrap();
    let of_current = check(&pure).run(&several).unwrap_err();
    for error in [of_reference, of_current] {
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        let said = error.to_string();
        assert!(said.contains("got \"clear\" and \"rain\""), "{said}");
    }
}

/// Users, each with a taste of their own; `fond` are fond of apples.
fn tastes(users: usize, fond: f64, seed: u64) -> RecordBatch {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut user, mut fruit) = (Vec::new(), Vec::new());
    for number in 0..users {
        let apples = if rng.random_range(0.0..1.0) < fond {
            0.9
        } else {
            0.1
        };
        for _ in 0..20 {
            user.push(number as i32);
            let other = ["pear", "plum"][rng.random_range(0..2)];
            fruit.push(if rng.random_range(0.0..1.0) < apples {
                "apple"
            } else {
                other
            });
        }
    }
    batch([
        ("user", Arc::new(Int32Array::from(user))),
        ("fruit", Arc::new(StringArray::from(fruit))),
    ])
}

/// A label that varies within its unit: taken for rows it alarms nearly always, by users it keeps the level and sees a change.
#[test]
fn categories_that_vary_within_their_unit_are_compared_by_units() {
    let alarms = |by_unit: bool, fond: f64| {
        (0..40_u64)
            .filter(|seed| {
                let check = DriftCheck::against(&tastes(40, 0.5, 2 * seed)).columns(["fruit"]);
                let check = if by_unit {
                    check.unit("user", ["fruit"])
                } else {
                    check
                };
                let report = check.run(&tastes(50, fond, 2 * seed + 1)).unwrap();
                let fruit = &report.columns[0];
                assert!(!by_unit || (fruit.reference_size, fruit.current_size) == (40, 50));
                report.verdict.drifted
            })
            .count()
    };
    // At exactly 5 % more than 8 of 40 have probability below 1e-4.
    assert!(alarms(true, 0.5) <= 8, "{}", alarms(true, 0.5));
    assert!(alarms(false, 0.5) >= 14, "{}", alarms(false, 0.5));
    assert!(alarms(true, 0.95) >= 38, "{}", alarms(true, 0.95));
}

/// The order of rows decides nothing, though how alike neighbours are is told of it; the guarantee names what is taken for exchangeable.
#[test]
fn units_of_several_labels_are_told_and_their_order_is_not() {
    let (reference, current) = (tastes(30, 0.5, 1), tastes(30, 0.6, 2));
    let rows: Vec<RecordBatch> = (0..current.num_rows())
        .rev()
        .map(|i| current.slice(i, 1))
        .collect();
    let reversed = concat_batches(&current.schema(), &rows).unwrap();
    let check = DriftCheck::against(&reference)
        .unit("user", ["fruit"])
        .prepare()
        .unwrap();
    let run = |table: &RecordBatch| {
        let mut report = check.run(table).unwrap();
        report.columns[0].serial_correlation = None;
        report
    };
    let report = run(&current);
    assert_eq!(report, run(&reversed));
    assert!(
        report
            .guarantee
            .ends_with("taken for exchangeable: units of user"),
        "{}",
        report.guarantee
    );
    let by_row = DriftCheck::against(&flights(20, 1)).unit("origin_hour", ["temp"]);
    let guarantee = by_row.run(&flights(20, 2)).unwrap().guarantee;
    assert!(
        guarantee.ends_with("rows for sky; units of origin_hour for temp"),
        "{guarantee}"
    );
}

/// By hand: 50 units of 4 rows and 50 of 2 say as much of shares as (Σ rows)²/Σ rows² = 300²/1000 = 90 units of equal size do, and 120 of
/// 2 rows as 120. Shares that are the same in both tables may be apart by √(ln 40/2 · (1/90 + 1/120)) (McDiarmid).
#[test]
fn units_of_unequal_size_say_less_of_shares() {
    let table = |sizes: &[usize]| {
        let units = (0..).zip(sizes);
        let rows: Vec<(i32, usize)> = units
            .flat_map(|(unit, &size)| (0..size).map(move |row| (unit, row)))
            .collect();
        let users = rows.iter().map(|(unit, _)| *unit);
        let fruits = rows.iter().map(|(_, row)| ["apple", "pear"][row % 2]);
        batch([
            ("user", Arc::new(Int32Array::from_iter_values(users))),
            ("fruit", Arc::new(StringArray::from_iter_values(fruits))),
        ])
    };
    let reference = table(&[[4; 50], [2; 50]].concat());
    let check = DriftCheck::against(&reference).unit("user", ["fruit"]);
    let report = check.run(&table(&[2; 120])).unwrap();
    let interval = report.column("fruit").unwrap().intervals["total_variation"];
    let radius = (40.0_f64.ln() / 2.0 * (1.0 / 90.0 + 1.0 / 120.0)).sqrt();
    assert_eq!(interval.low(), 0.0);
    assert!(
        (interval.high() - radius).abs() < 1e-12,
        "{interval} for {radius}"
    );
}

/// The mean of two values of 1e308 is 1e308, and that of equal values their value; a unit of both infinities has none.
#[test]
fn means_of_units_do_not_overflow() {
    let table = |values: Vec<f64>| {
        let units = (0..values.len() as i32).map(|row| row / 2);
        batch([
            ("unit", Arc::new(Int32Array::from_iter_values(units))),
            ("x", floats(values)),
        ])
    };
    let large = table([1e308, 1e308, -1e308, 1e308, 0.1, 0.1].repeat(10));
    let check = DriftCheck::against(&large)
        .unit("unit", ["x"])
        .infinite(Infinite::Reject);
    let report = check.run(&large).unwrap();
    assert!(!report.verdict.drifted);
    let Some(Moved::Numbers { current, .. }) = report.columns[0].moved else {
        panic!("numbers move")
    };
    assert_eq!(current.quartiles, [[0.0; 2], [0.1; 2], [1e308; 2]]);
    let both = table(
        [
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::INFINITY,
            1.0,
            2.0,
            4.0,
        ]
        .repeat(10),
    );
    let report = DriftCheck::against(&both)
        .unit("unit", ["x"])
        .run(&both)
        .unwrap();
    let x = &report.columns[0];
    assert_eq!((x.current_size, x.current_missing), (20, 1.0 / 3.0));
}

/// 1.00 % of a million against 1.20 %: a change without a doubt, and less than the least that matters.
#[test]
fn a_missing_share_has_a_minimum_like_any_other_effect() {
    let table = |missing: usize| {
        let values =
            (0..60_000).map(|row| (row % 100 >= missing).then_some(f64::from(row as u32 % 7)));
        batch([("x", Arc::new(values.collect::<Float64Array>()))])
    };
    let (before, now) = (table(1), table(3));
    let material = |check: DriftCheck| {
        let report = check.run(&now).unwrap();
        assert!(report.columns[0].missing.as_ref().unwrap().rejected);
        report.columns[0].verdict == ColumnVerdict::Material
    };
    let least = |share| Distance::new(share, "missing_share").unwrap();
    let check = || DriftCheck::against(&before);
    assert!(material(check()));
    assert!(material(check().effect(least(0.01))));
    assert!(!material(check().effect(least(0.05))));
    assert!(!material(check().effect_for("x", least(0.05))));
    assert!(material(
        check().effect(least(0.05)).effect_for("x", least(0.01))
    ));
    // A minimum of the values is none of the missing share.
    assert!(material(
        check().effect(Distance::new(0.5, "kolmogorov_smirnov").unwrap())
    ));
}

#[test]
fn of_several_minimums_each_must_be_reached() {
    let table = |shift: f64| batch([("x", floats((0..4000).map(|i| f64::from(i % 1000) + shift)))]);
    let [sd, d] = [("wasserstein_sd", 0.3), ("kolmogorov_smirnov", 0.2)]
        .map(|(measure, least)| Distance::new(least, measure).unwrap());
    let check = |first: &Distance, second: &Distance| {
        let check = DriftCheck::against(&table(0.0))
            .effect(first.clone())
            .effect(second.clone());
        check.run(&table(120.0)).unwrap().columns[0].verdict // D = 0.12, and 0.42 deviations
    };
    assert_eq!(check(&sd, &d), ColumnVerdict::Drifted);
    assert_eq!(check(&d, &sd), ColumnVerdict::Drifted);
    assert_eq!(check(&sd, &sd), ColumnVerdict::Material);
}

/// Other identifiers are no evidence, and "stable" would be a lie; a label that takes over is evidence.
#[test]
fn identifiers_are_untested_and_say_so() {
    let ids = |from: usize, constant: usize| {
        let id = |i: usize| {
            if i < constant {
                "none".to_owned()
            } else {
                format!("u{}", from + i)
            }
        };
        batch([(
            "id",
            Arc::new(StringArray::from_iter_values((0..500).map(id))),
        )])
    };
    for source in [
        Source::from(&ids(0, 0)),
        Source::from(&TableProfile::of(&ids(0, 0)).unwrap()),
    ] {
        let check = DriftCheck::against(source).prepare().unwrap();
        let report = check.run(&ids(5_000, 0)).unwrap();
        assert_eq!(report.verdict.untested_columns, ["id"]);
        assert!(
            report.columns[0]
                .reason
                .contains("1000 of 1000 values are distinct"),
            "{}",
            report.columns[0].reason
        );
        assert!(report.to_junit().contains("errors=\"1\""));
        assert!(check.run(&ids(5_000, 400)).unwrap().verdict.drifted);
    }
}

#[test]
fn columns_are_left_out_or_told_as_not_applicable() {
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>((0..40).map(|i| Some([Some(i)])));
    let table = batch([
        ("x", floats((0..40).map(f64::from))),
        ("list", Arc::new(lists)),
        ("id", floats((0..40).map(f64::from))),
    ]);
    let check = DriftCheck::against(&table).except(["id"]);
    let report = check.run(&table).unwrap();
    let names: Vec<&str> = report
        .columns
        .iter()
        .map(|column| column.column.as_str())
        .collect();
    assert_eq!((names, report.tests), (vec!["x", "list"], 1));
    assert_eq!(report.verdict.untested_columns, ["list"]);
    assert!(
        report.columns[1]
            .reason
            .starts_with("not applicable: values of type list"),
        "{}",
        report.columns[1].reason
    );
    let wider = batch([
        ("new", floats([1.0])),
        ("x", floats([1.0])),
        ("list", table.column(1).slice(0, 1)),
        ("id", floats([1.0])),
    ]);
    let report = check.run(&wider).unwrap();
    assert_eq!(report.new_columns, ["new"]);
    assert!(
        report
            .verdict
            .reason
            .ends_with("not in the reference, and not compared: new")
    );
    let only = DriftCheck::against(&table)
        .columns(["x"])
        .run(&wider)
        .unwrap();
    assert!(only.new_columns.is_empty());
    let named = DriftCheck::against(&table)
        .columns(["x", "list"])
        .run(&table);
    assert_eq!(named.unwrap_err().kind(), ErrorKind::Unsupported);
    let unknown = DriftCheck::against(&table).except(["y"]).run(&table);
    assert_eq!(unknown.unwrap_err().kind(), ErrorKind::SignatureMismatch);
    let twice = RecordBatch::try_new(
        Arc::new(Schema::new(
            ["x", "x"]
                .map(|name| Field::new(name, DataType::Float64, false))
                .to_vec(),
        )),
        vec![floats([1.0]), floats([2.0])],
    );
    let twice = DriftCheck::against(&twice.unwrap())
        .prepare()
        .err()
        .unwrap();
    assert_eq!(twice.kind(), ErrorKind::SignatureMismatch);
}

/// Computed by hand: what moved, from where to where, in rows and in profiles.
#[test]
fn a_report_says_which_way_a_column_moved() {
    let table = |shift: f64, new: &'static str| {
        let label = move |i: usize| {
            if i.is_multiple_of(4) {
                new
            } else {
                ["a", "b"][i % 2]
            }
        };
        batch([
            ("x", floats((0..200).map(|i| f64::from(i % 100) + shift))),
            (
                "label",
                Arc::new(StringArray::from_iter_values((0..200).map(label))),
            ),
        ])
    };
    let (before, now) = (table(0.0, "b"), table(-60.0, "zz"));
    let rows = DriftCheck::against(&before).run(&now).unwrap();
    let profile = DriftCheck::against(&TableProfile::of(&before).unwrap())
        .run(&now)
        .unwrap();
    for report in [&rows, &profile] {
        let Some(Moved::Numbers { reference, current }) = report.columns[0].moved else {
            panic!("numbers move")
        };
        assert_eq!((reference.mean, current.mean), (Some(49.5), Some(-10.5)));
        let holds = |interval: [f64; 2], value: f64| interval[0] <= value && value <= interval[1];
        for (quartile, value) in current.quartiles.into_iter().zip([-36.0, -11.0, 14.0]) {
            assert!(holds(quartile, value), "{quartile:?} {value}");
        }
        let reason = &report.columns[1].reason;
        assert!(
            reason.contains("b 75.0 % → 50.0 %; new: zz 25.0 %"),
            "{reason}"
        );
    }
    let reason = &rows.columns[0].reason;
    assert!(
        reason.contains("down: mean 49.5 → -10.5, quartiles 24, 49, 74 → -36, -11, 14"),
        "{reason}"
    );
    let same = DriftCheck::against(&before).run(&before).unwrap();
    assert!(
        !same.columns[0].reason.contains("mean"),
        "what did not drift is not explained"
    );
}

/// Numbers that few digits do not tell apart are all told in as many: quartiles ascend as they are told.
#[test]
fn close_numbers_are_told_in_equal_digits() {
    let table = |shift: f64| {
        batch([(
            "x",
            floats((0..2_001).map(|i| 1e9 + f64::from(i) / 16.0 + shift)),
        )])
    };
    let report = DriftCheck::against(&table(0.0)).run(&table(7.0)).unwrap();
    let told = report.columns[0].moved.as_ref().unwrap().to_string();
    let expected = "up: mean 1000000062.5 → 1000000069.5, quartiles 1000000031.2, 1000000062.5, 1000000093.8 → 1000000038.2, 1000000069.5, 1000000100.8";
    assert_eq!(told, expected);
}

/// "true" and true are labels alike, and yet not the same.
#[test]
fn booleans_are_not_compared_with_texts() {
    let truths = batch([(
        "x",
        Arc::new((0..60).map(|i| Some(i % 2 == 0)).collect::<BooleanArray>()) as ArrayRef,
    )]);
    let texts = batch([(
        "x",
        Arc::new(StringArray::from_iter_values(
            (0..60).map(|i| (i % 2 == 0).to_string()),
        )) as ArrayRef,
    )]);
    for (reference, current) in [(&truths, &texts), (&texts, &truths)] {
        let check = DriftCheck::against(reference);
        assert_eq!(
            check.run(current).unwrap_err().kind(),
            ErrorKind::SignatureMismatch
        );
        let report = check.report_schema_changes().run(current).unwrap();
        assert_eq!(report.verdict.not_compared_columns, ["x"]);
    }
}

/// Labels that differ by spaces alone are told in quotation marks.
#[test]
fn labels_that_look_alike_are_told_apart() {
    let table = |label: &'static str| {
        batch([(
            "x",
            Arc::new(StringArray::from_iter_values(
                (0..200).map(|i| if i % 2 == 0 { label } else { "B6" }),
            )),
        )])
    };
    for (now, told) in [
        ("UA ", "\"UA \""),
        ("U  A", "\"U  A\""),
        ("UA\n", "\"UA\\n\""),
        ("", "\"\""),
        ("\u{feff}UA", "\"\\u{feff}UA\""),
        ("UA\u{200b}", "\"UA\\u{200b}\""),
        ("U\u{a0}A", "\"U\\u{a0}A\""),
        ("\u{202e}UA", "\"\\u{202e}UA\""),
        ("UA, B6", "\"UA, B6\""),
        ("Zürich's \"A\"", "Zürich's \"A\""),
        ("ua", "ua"),
    ] {
        let report = DriftCheck::against(&table("UA")).run(&table(now)).unwrap();
        let reason = &report.columns[0].reason;
        assert!(
            reason.contains(&format!("new: {told} 50.0 %; gone: UA 50.0 %")),
            "{reason}"
        );
    }
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

/// What is wrong with a test itself is an error, not a column that is untested.
#[test]
fn a_test_that_breaks_is_an_error_of_the_check() {
    #[derive(Debug)]
    struct Broken;
    impl TwoSampleTest<NumericSample> for Broken {
        fn test(&self, _: &NumericSample, _: &NumericSample) -> mlops_core::Result<TestResult> {
            Err(Error::new(ErrorKind::Internal, "out of order"))
        }
    }
    let table = batch([("x", floats((0..40).map(f64::from)))]);
    let check = DriftCheck::against(&table).method("x", Method::numeric(Broken));
    let error = check.run(&table).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
}

/// Booleans have no third label: five of them can all be `true`, which half of the reference is, and tell nothing; thirteen tell.
#[test]
fn booleans_are_untested_where_they_could_not_differ_enough() {
    let table = |rows: usize, every: usize| {
        let values: BooleanArray = (0..rows).map(|i| Some(i % every == 0)).collect();
        batch([("b", Arc::new(values) as ArrayRef)])
    };
    for reference in [
        Source::from(&table(1_000, 2)),
        Source::from(&TableProfile::of(&table(1_000, 2)).unwrap()),
    ] {
        let check = DriftCheck::against(reference).prepare().unwrap();
        // Of halves: 1 in 2^5 and in 2^13, at either end.
        for (rows, verdict) in [(5, ColumnVerdict::Untested), (13, ColumnVerdict::Drifted)] {
            let report = check.run(&table(rows, 1)).unwrap();
            let column = &report.columns[0];
            assert_eq!(
                column.verdict.is_drift(),
                verdict.is_drift(),
                "{}",
                column.reason
            );
            assert_eq!(column.verdict == ColumnVerdict::Untested, rows == 5);
        }
    }
}

/// The same by unit, whose labels are compared as rows are.
#[test]
fn booleans_by_unit_are_untested_as_rows_are() {
    let table = |units: i32, every: i32| {
        let values: BooleanArray = (0..units).map(|i| Some(i % every == 0)).collect();
        let ids = Int32Array::from_iter_values(0..units);
        batch([("user", Arc::new(ids) as ArrayRef), ("b", Arc::new(values))])
    };
    let check = DriftCheck::against(&table(1_000, 2)).unit("user", ["b"]);
    let check = check.columns(["b"]);
    for (units, is_untested) in [(5, true), (13, false)] {
        let column = &check.run(&table(units, 1)).unwrap().columns[0];
        assert_eq!(column.verdict == ColumnVerdict::Untested, is_untested);
        assert_eq!(column.verdict.is_drift(), !is_untested, "{}", column.reason);
    }
}

/// What a law of one's own can show of booleans is for it to say.
#[test]
fn a_method_of_ones_own_says_how_far_it_reaches() {
    #[derive(Debug)]
    struct Alike;
    impl TwoSampleTest<CategoricalSample> for Alike {
        fn test(
            &self,
            reference: &CategoricalSample,
            current: &CategoricalSample,
        ) -> mlops_core::Result<TestResult> {
            let test = ChiSquare::default().test(reference, current)?;
            let alike = PValue::new(1.0 - test.p_value.get())?;
            Ok(TestResult {
                p_value: alike,
                ..test
            })
        }
    }
    let table = |rows: i32| {
        let values: BooleanArray = (0..rows).map(|i| Some(i % 2 == 0)).collect();
        batch([("b", Arc::new(values) as ArrayRef)])
    };
    let check = DriftCheck::against(&table(1_000)).method("b", Method::categorical(Alike));
    let report = check.run(&table(40)).unwrap();
    let value = report.columns[0].value.as_ref().unwrap();
    assert_eq!(value.least_p_value.get(), 0.0);
    assert!(report.verdict.drifted); // as alike as can be
}

/// The least p-value is that of the test which is used, of a profile as of rows.
#[test]
fn this_very_reference_reaches_as_far_by_a_profile_as_by_rows() {
    let table = |rows: usize| {
        let labels = (0..rows).map(|i| ["a", "b", "c"][i % 3]);
        batch([(
            "c",
            Arc::new(StringArray::from_iter_values(labels)) as ArrayRef,
        )])
    };
    let profile = TableProfile::of(&table(300)).unwrap();
    for rows in [1, 2] {
        let least = [Source::from(&table(300)), Source::from(&profile)].map(|reference| {
            let check =
                DriftCheck::against(reference).for_this_reference(SignificanceLevel::FIVE_PERCENT);
            let report = check.run(&table(rows)).unwrap();
            let value = report.columns[0].value.as_ref().unwrap();
            value.least_p_value.get()
        });
        assert_eq!(least[0], least[1], "{rows} rows");
    }
}

/// Integers that floats round to one another are not stable: nobody has seen whether they differ. Times that lie so close are.
#[test]
fn integers_that_floats_cannot_tell_apart_are_untested() {
    let table = |from: i64| {
        let values = || (0..200).map(move |i| (1_i64 << 60) + from + i % 50);
        batch([
            (
                "id",
                Arc::new(Int64Array::from_iter_values(values())) as ArrayRef,
            ),
            (
                "at",
                Arc::new(TimestampNanosecondArray::from_iter_values(values())),
            ),
            (
                "wide",
                Arc::new(Int64Array::from_iter_values(
                    values().map(|x| x / 50 * (x % 50)),
                )),
            ),
        ])
    };
    let report = DriftCheck::against(&table(0)).run(&table(55)).unwrap();
    assert_eq!(report.verdict.untested_columns, ["id"]);
    let id = report.column("id").unwrap();
    assert!(
        id.reason
            .contains("closer together than the floating-point numbers"),
        "{}",
        id.reason
    );
}

/// One value has no variance, and three labels are no two-by-two table: that column is untested, with the reason, and the others are judged.
#[test]
fn a_test_that_refuses_the_values_of_a_column_leaves_the_others_their_verdict() {
    let table = |rows: i32, prices: i32, labels: i32, from: i32| {
        let price = (0..rows).map(|i| (i < prices).then(|| f64::from(i)));
        batch([
            (
                "price",
                Arc::new(Float64Array::from_iter(price)) as ArrayRef,
            ),
            (
                "code",
                Arc::new(Int32Array::from_iter_values((0..rows).map(|i| i % labels))),
            ),
            ("x", floats((0..rows).map(|i| f64::from(from + i)))),
        ])
    };
    let report = DriftCheck::against(&table(200, 200, 2, 0))
        .method("price", Method::numeric(Welch::default()))
        .method("code", Method::categorical(FisherExact))
        .run(&table(200, 1, 3, 100))
        .unwrap();
    assert_eq!(report.verdict.untested_columns, ["code"]);
    assert_eq!(report.verdict.drifted_columns, ["price", "x"]); // the prices that are missing now
    for (name, why) in [("price", "at least 2"), ("code", "2 categories")] {
        let column = report.column(name).unwrap();
        assert!(column.value.is_none());
        assert!(column.reason.contains("its test cannot be applied"));
        assert!(column.reason.contains(why), "{}", column.reason);
    }
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

/// Rows of a unit are no independent labels, and groups of labels no labels: V has no interval there, and where it has one it holds V.
#[test]
fn cramers_v_has_an_interval_where_labels_are_independent() {
    let label = |row: usize| ["a", "b", "c"][row * 7 % 11 % 3];
    let table = |rows: usize, per_unit: usize| {
        let labels = StringArray::from_iter_values((0..rows).map(label));
        let units = Int64Array::from_iter_values((0..rows).map(|row| (row / per_unit) as i64));
        batch([("label", Arc::new(labels)), ("unit", Arc::new(units))])
    };
    let check = |table: &RecordBatch| DriftCheck::against(table).columns(["label"]);
    let by_row = check(&table(600, 1)).run(&table(400, 1)).unwrap();
    let v = by_row.columns[0]
        .effects
        .iter()
        .find(|effect| effect.measure() == "cramers_v");
    let interval = by_row.columns[0].intervals["cramers_v"];
    assert!(
        interval.contains(v.unwrap().get()) && interval.high() > 0.0,
        "{interval:?}"
    );
    let by_unit = check(&table(600, 5))
        .unit("unit", ["label"])
        .run(&table(400, 5))
        .unwrap();
    let intervals = &by_unit.columns[0].intervals;
    assert!(intervals.contains_key("total_variation") && !intervals.contains_key("cramers_v"));
}

/// Values that differ by less than their minimum, and more missing ones: the reason names what the verdict rests on.
#[test]
fn a_column_that_is_material_by_its_missing_values_says_so() {
    let numbers = |shift: f64, missing: usize| {
        let value = |row: usize| (row % 10 >= missing).then_some((row * 37 % 1_000) as f64 + shift);
        batch([(
            "x",
            Arc::new((0..5_000).map(value).collect::<Float64Array>()),
        )])
    };
    let reference = numbers(0.0, 0);
    let least = Distance::new(0.2, "kolmogorov_smirnov").unwrap();
    let run = |shift: f64, missing: usize| {
        let check = DriftCheck::against(&reference).effect(least.clone());
        check
            .run(&numbers(shift, missing))
            .unwrap()
            .columns
            .remove(0)
    };
    let told = "material by the share of missing values, which has no minimum";
    let by_missing = run(60.0, 2);
    assert_eq!(by_missing.verdict, ColumnVerdict::Material);
    assert!(by_missing.reason.contains(told), "{}", by_missing.reason);
    for (shift, missing) in [(60.0, 0), (600.0, 2)] {
        let reason = run(shift, missing).reason;
        assert!(!reason.contains(told), "{reason}");
    }
}

/// A misspelt minimum would leave every drift material; which way numbers moved says nothing where they became infinite.
#[test]
fn a_minimum_effect_that_no_column_reports_is_refused() {
    let numbers = |shift: f64, infinite: usize| {
        let value = |i: usize| {
            if i < infinite {
                f64::INFINITY
            } else {
                (i * 37 % 100) as f64 + shift
            }
        };
        batch([(
            "x",
            Arc::new(Float64Array::from_iter_values((0..500).map(value))),
        )])
    };
    let reference = numbers(0.0, 0);
    let check = |measure: &str| {
        let least = Distance::new(99.0, measure).unwrap();
        DriftCheck::against(&reference)
            .effect(least)
            .run(&numbers(20.0, 0))
    };
    assert!(
        check("wasserstein_sd")
            .unwrap()
            .verdict
            .material_columns
            .is_empty()
    );
    for measure in ["wassertein_sd", "total_variation"] {
        let error = check(measure).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().contains("kolmogorov_smirnov"), "{error}");
    }
    for profiled in [false, true] {
        let current = numbers(0.0, 475);
        let report = match profiled {
            true => {
                let profile = TableProfile::of(&reference).unwrap();
                let current = profile.like(&current).unwrap();
                DriftCheck::against(&profile).run(&current).unwrap()
            }
            false => DriftCheck::against(&reference).run(&current).unwrap(),
        };
        let reason = &report.columns[0].reason;
        assert!(reason.contains("+∞ 0.0 % → 95.0 %"), "{reason}");
        assert!(
            !reason.contains("down: ") && !reason.contains("up: "),
            "{reason}"
        );
    }
}

/// Numbers that differ in a later digit are told in two more than that; dates and times as such, from rows and from profiles.
#[test]
fn numbers_are_told_in_few_digits_and_times_as_times() {
    let (january, february) = (1_356_998_400_000, 1_359_676_800_000);
    let table = |from: i64| {
        let all = || (0..100).map(move |i| from + i);
        batch([
            (
                "t",
                Arc::new(TimestampMillisecondArray::from_iter_values(all())) as ArrayRef,
            ),
            (
                "day",
                Arc::new(Date32Array::from_iter_values(
                    all().map(|ms| (ms / 86_400_000) as i32),
                )),
            ),
            ("x", Arc::new(Int64Array::from_iter_values(all()))),
        ])
    };
    let reference = table(january);
    let profile = TableProfile::of(&reference).unwrap();
    for check in [
        DriftCheck::against(&reference),
        DriftCheck::against(&profile),
    ] {
        let report = check.run(&table(february)).unwrap();
        for (name, told) in [
            ("t", "up: mean 2013-01-01 → 2013-02-01"),
            ("day", "up: mean 2013-01-01 → 2013-02-01"),
            ("x", "up: mean 1357000000000 → 1359680000000"),
        ] {
            let reason = &report.column(name).unwrap().reason;
            assert!(reason.contains(told), "{reason}");
        }
        let labels = &report
            .column("t")
            .unwrap()
            .distribution
            .as_ref()
            .unwrap()
            .labels;
        assert!(
            labels[0].starts_with("2013-01-01 to 2013-01-0"),
            "{labels:?}"
        );
    }
}

/// "Stable" is said only where a difference would have been told: a column is untested exactly where it would not drift if it had nothing in common
/// with the reference, the other columns being as they are. Of rows and profiles, numbers, labels and embeddings, one column and several, on average
/// and for one reference.
#[test]
fn what_cannot_alarm_is_not_called_stable() {
    let mut seen = [0, 0];
    let sizes = [
        (1, 1),
        (2, 2),
        (3, 3),
        (4, 4),
        (5, 5),
        (6, 6),
        (1, 30),
        (1, 90),
        (2, 12),
        (3, 20),
        (100, 1),
        (3, 2_000),
        (6, 1_000),
    ];
    for (n, m) in sizes {
        for names in [
            &["x"][..],
            &["label"],
            &["e"],
            &["x", "label", "e", "y", "z"],
        ] {
            let table = |size: usize, unlike: Option<&str>| {
                let columns = names
                    .iter()
                    .map(|name| (*name, column(name, size, unlike == Some(name))));
                RecordBatch::try_from_iter(columns).unwrap()
            };
            let (reference, alike) = (table(n, None), table(m, None));
            let checks = [
                DriftCheck::against(&reference),
                DriftCheck::against(&reference).correction(Bonferroni),
                DriftCheck::against(&TableProfile::of(&reference).unwrap()),
                DriftCheck::against(&reference).for_this_reference(SignificanceLevel::FIVE_PERCENT),
            ];
            for check in checks {
                let report = check.run(&alike).unwrap();
                for name in names {
                    let of_unlike = check.run(&table(m, Some(name))).unwrap();
                    let can_alarm = of_unlike.column(name).unwrap().verdict.is_drift();
                    let told = report.column(name).unwrap();
                    let expected =
                        [ColumnVerdict::Untested, ColumnVerdict::Stable][usize::from(can_alarm)];
                    assert_eq!(
                        told.verdict, expected,
                        "{name} of {n} against {m}: {}",
                        told.reason
                    );
                    assert_eq!(told.reason.contains("too few values"), !can_alarm);
                    seen[usize::from(can_alarm)] += 1;
                }
            }
        }
    }
    assert!(seen[0] > 50 && seen[1] > 50, "{seen:?}");
}

/// A column of so many rows, spread evenly over the same range as any other number of them, or with nothing in common.
fn column(name: &str, size: usize, unlike: bool) -> ArrayRef {
    let start = if unlike { 1e6 } else { 0.0 };
    let numbers = (0..size).map(|i| start + (i as f64 + 0.5) * 10.0 / size as f64);
    match name {
        "label" => Arc::new(StringArray::from(vec![
            if unlike { "b" } else { "a" };
            size
        ])),
        "e" => {
            let vectors = numbers.map(|x| Some(vec![Some(x), Some(x)]));
            Arc::new(FixedSizeListArray::from_iter_primitive::<Float64Type, _, _>(vectors, 2))
        }
        _ => floats(numbers),
    }
}

/// The column, and the table that it is of.
#[test]
fn an_error_names_the_column_and_the_table() {
    let fine = batch([("x", floats((0..50).map(f64::from)))]);
    let other = batch([("y", floats((0..50).map(f64::from)))]);
    let odd = batch([(
        "x",
        floats((0..50).map(|i| f64::from(i) / f64::from(i % 2))),
    )]);
    let strict = |table: Source| DriftCheck::against(table).infinite(Infinite::Reject);
    let profile = TableProfile::of(&fine).unwrap();
    let errors = [
        (strict(Source::from(&fine)).run(&odd), "current"),
        (strict(Source::from(&profile)).run(&odd), "current"),
        (strict(Source::from(&odd)).run(&fine), "reference"),
        (
            strict(Source::from(vec![odd.clone()])).run(&fine),
            "reference",
        ),
    ];
    for (error, table) in errors {
        let error = error.unwrap_err().to_string();
        for told in ["must be finite", "column: x", &format!("table: {table}")] {
            assert!(error.contains(told), "{told} in {error}");
        }
    }
    let named = DriftCheck::against(&other).columns(["x"]).prepare();
    let error = named.unwrap_err().to_string();
    assert!(
        error.contains("\"x\" is missing (table: reference)"),
        "{error}"
    );
    let units = batch([
        ("x", floats((0..50).map(f64::from))),
        ("hour", Arc::new(Float64Array::from(vec![None; 50]))),
    ]);
    let error = DriftCheck::against(&units).unit("hour", ["x"]).prepare();
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("\"hour\" must hold no null, got 50 (table: reference)"),
        "{error}"
    );
}

/// So many ones among so many rows, as floats.
fn flags(ones: usize, rows: usize) -> RecordBatch {
    batch([(
        "late",
        floats((0..rows).map(|row| f64::from(u8::from(row < ones)))),
    )])
}

/// No quantile lies between two values, so an index of quantile bins is 0 whatever happens: nothing was tested then, and no index is told.
#[test]
fn an_index_of_one_bin_is_no_test() {
    let (before, after) = (flags(350, 1_000), flags(900, 1_000)); // a decile at the jump would lie between the two
    let methods: [(&str, Method); 6] = [
        ("psi", Method::numeric(Psi::default())),
        (
            "kullback_leibler",
            Method::numeric(KullbackLeibler::default()),
        ),
        ("jensen_shannon", Method::numeric(JensenShannon::default())),
        ("hellinger", Method::numeric(Hellinger::default())),
        (
            "total_variation",
            Method::numeric(TotalVariation::default()),
        ),
        ("l_infinity", Method::numeric(LInfinity::default())),
    ];
    for (name, method) in methods {
        let check = DriftCheck::against(&before).method("late", method);
        let report = check.run(&after).unwrap();
        let column = &report.columns[0];
        assert_eq!(column.verdict, ColumnVerdict::Untested, "{name}");
        assert_eq!(report.tests, 0, "{name}");
        assert!(column.reason.contains("one bin"), "{}", column.reason);
        let passes = "no evidence that the values differ";
        assert!(!column.reason.contains(passes), "{}", column.reason);
    }
    let by_default = DriftCheck::against(&before).run(&after).unwrap();
    assert_eq!(by_default.verdict.drifted_columns, ["late"]);
    assert_eq!(by_default.columns[0].effect("psi"), None);
    // Nobody knows whether it reaches a minimum in an index that tells nothing.
    let least = Distance::new(0.1, "psi").unwrap();
    let of_least = DriftCheck::against(&before)
        .effect(least)
        .run(&after)
        .unwrap();
    assert_eq!(of_least.columns[0].verdict, ColumnVerdict::Drifted);
    assert_eq!(of_least.verdict.undecided_columns, ["late"]);
    let told = "undecided, since psi has one bin, and tells nothing";
    let reason = &of_least.columns[0].reason;
    assert!(reason.contains(told), "{reason}");
    let profile = TableProfile::of(&before).unwrap();
    let of_profiles = DriftCheck::against(&profile).run(&after).unwrap();
    assert_eq!(of_profiles.verdict.drifted_columns, ["late"]);
    assert_eq!(of_profiles.columns[0].effect("psi"), None);
    let as_categories = DriftCheck::against(&categories(350, 1_000))
        .method("late", Method::categorical(Psi::default()))
        .run(&categories(900, 1_000))
        .unwrap();
    let expected = 0.55 * (0.9_f64 / 0.35).ln() + 0.55 * (0.65_f64 / 0.1).ln();
    let psi = as_categories.columns[0].value.as_ref().unwrap().statistic;
    assert!((psi - expected).abs() < 1e-12, "{psi}");
}

/// The same as whole numbers, which can be read as categories.
fn categories(ones: usize, rows: usize) -> RecordBatch {
    let flags = (0..rows).map(|row| i32::from(row < ones));
    batch([("late", Arc::new(Int32Array::from_iter_values(flags)))])
}

/// Infinite values that do not make a column drift are told, however the table is read.
#[test]
fn infinite_values_are_told() {
    let table = |infinite: usize| {
        let ends = [f64::INFINITY, f64::NEG_INFINITY];
        let values = (0..500).map(|row| match row < infinite {
            true => ends[row % 2],
            false => row as f64,
        });
        batch([("x", floats(values))])
    };
    let (before, after) = (table(2), table(3));
    let profile = TableProfile::of(&before).unwrap();
    let sources = [Source::from(&before), Source::from(&profile)];
    for source in sources {
        let report = DriftCheck::against(source).run(&after).unwrap();
        let column = &report.columns[0];
        assert_eq!(column.verdict, ColumnVerdict::Stable);
        assert_eq!([column.reference_infinite, column.current_infinite], [2, 3]);
        let told = "infinite are 2 of 500 values of the reference, 3 of 500 of the current table";
        assert!(column.reason.contains(told), "{}", column.reason);
        assert!(report.to_junit().contains(told));
        let metrics = report.to_openmetrics();
        for (table, count) in [("reference", 2), ("current", 3)] {
            let gauge =
                format!("mlops_drift_column_infinite{{column=\"x\",table=\"{table}\"}} {count}\n");
            assert!(metrics.contains(&gauge), "{metrics}");
        }
    }
}

/// A change of whoever writes the table, though the numbers are the same: told, and no alarm. Of categories encodings alone may differ.
#[test]
fn numbers_of_another_type_are_compared_and_told() {
    let numbers = || floats((0..200).map(|i| f64::from(i % 40)));
    let of = |data_type: &DataType| batch([("x", cast(&numbers(), data_type).unwrap())]);
    let types = [
        DataType::Int32,
        DataType::Int64,
        DataType::Float32,
        DataType::Float64,
    ];
    for from in &types {
        for to in &types {
            let (reference, current) = (of(from), of(to));
            let profile = TableProfile::of(&reference).unwrap();
            let like = profile.like(&current).unwrap(); // which knows the type it was made of
            for (source, current) in [
                (Source::from(&reference), Source::from(&current)),
                (Source::from(&profile), Source::from(&current)),
                (Source::from(&profile), Source::from(&like)),
            ] {
                let report = DriftCheck::against(source).run(current).unwrap();
                let column = &report.columns[0];
                assert_eq!(column.verdict, ColumnVerdict::Stable);
                let (from, to) = (type_name(from), type_name(to));
                let told = format!("its type changed from {from} to {to}");
                assert_eq!(
                    column.notes.contains(&told),
                    from != to,
                    "{:?}",
                    column.notes
                );
                assert_eq!(
                    column.reason.contains(&told),
                    from != to,
                    "{}",
                    column.reason
                );
                let notes = format!(
                    "mlops_drift_column_notes{{column=\"x\"}} {}\n",
                    column.notes.len()
                );
                assert!(report.to_openmetrics().contains(&notes));
                assert_eq!(
                    DriftReport::from_json(&report.to_json().unwrap()).unwrap(),
                    report
                );
            }
        }
    }
    let labels = || Arc::new(StringArray::from(["a", "b"].repeat(50))) as ArrayRef;
    let long = cast(&labels(), &DataType::LargeUtf8).unwrap();
    let report = DriftCheck::against(&batch([("x", labels())])).run(&batch([("x", long)]));
    assert!(report.unwrap().columns[0].notes.is_empty());
}

/// 2^53 + 1 is the first integer that is no float, and is not told apart from 2^53.
#[test]
fn rounded_integers_are_told() {
    let exact = 1_i64 << 53;
    let of = |from: i64| {
        let column = Int64Array::from_iter_values((0..100).map(|i| from + i % 2));
        batch([("x", Arc::new(column) as ArrayRef)])
    };
    for (from, is_told) in [
        (0, false),
        (exact - 2, false),
        (exact, true),
        (-exact - 1, true),
    ] {
        let reference = of(from);
        let profile = TableProfile::of(&reference).unwrap();
        for source in [Source::from(&reference), Source::from(&profile)] {
            let report = DriftCheck::against(source).run(&of(from)).unwrap();
            let column = &report.columns[0];
            assert_eq!(
                column.reason.contains("more digits than 2^53"),
                is_told,
                "{}",
                column.reason
            );
        }
        // On one side is enough.
        let report = DriftCheck::against(&of(0)).run(&reference).unwrap();
        assert_eq!(report.columns[0].notes.len(), usize::from(is_told));
    }
    // The rounded and the exact are one: without the note, "stable" would hide that all values changed.
    let odd = batch([(
        "x",
        Arc::new(Int64Array::from(vec![exact + 1; 100])) as ArrayRef,
    )]);
    let even = batch([(
        "x",
        Arc::new(Int64Array::from(vec![exact; 100])) as ArrayRef,
    )]);
    let report = DriftCheck::against(&even).run(&odd).unwrap();
    assert_eq!(report.columns[0].effects[0].get(), 0.0);
    assert_eq!(report.columns[0].notes.len(), 1);
    // Whatever has more digits than a float: 9,007,199,254,740,992 = 2^53 of the smallest unit.
    let coded = |of: DataType| DataType::Dictionary(Box::new(DataType::Int32), Box::new(of));
    let nanos = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    for (data_type, ticks, is_told) in [
        (DataType::UInt64, exact, true),
        (coded(DataType::Int64), exact, true),
        (coded(DataType::Int64), exact - 2, false),
        (nanos, 1_700_000_000_000_000_000, true),
        (
            DataType::Timestamp(TimeUnit::Microsecond, None),
            1_700_000_000_000_000,
            false,
        ),
        (DataType::Duration(TimeUnit::Nanosecond), exact, true),
        (DataType::Decimal128(20, 0), exact, true),
        (DataType::Decimal128(20, 0), exact - 2, false),
        (DataType::Float64, exact, false),
        (DataType::Int32, 7, false),
    ] {
        let ticks = Int64Array::from(vec![ticks; 100]);
        let column = batch([("x", cast(&ticks, &data_type).unwrap())]);
        let report = DriftCheck::against(&column).run(&column).unwrap();
        assert_eq!(
            report.columns[0].notes.len(),
            usize::from(is_told),
            "{data_type}"
        );
    }
    // Cents: 2^53 of them are 90,071,992,547,409.92.
    for (cents, is_told) in [(exact, true), (exact - 200, false)] {
        let cents = Decimal128Array::from(vec![i128::from(cents); 100]);
        let cents = cents.with_precision_and_scale(20, 2).unwrap();
        let column = batch([("x", Arc::new(cents) as ArrayRef)]);
        let report = DriftCheck::against(&column).run(&column).unwrap();
        assert_eq!(report.columns[0].notes.len(), usize::from(is_told));
    }
}

/// Documents by some authors, each with a length and a place of an embedding of its own, `copies` of each.
fn documents(authors: i32, copies: usize, shift: f32, seed: u64) -> RecordBatch {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut drawn = || rng.random_range(0.0..1.0_f32);
    let of_authors: Vec<(i32, f32, [f32; 3])> = (0..authors)
        .map(|author| (author, drawn(), [drawn() + shift, drawn(), drawn()]))
        .collect();
    let rows = || {
        let authors = of_authors.iter();
        authors.flat_map(|author| std::iter::repeat_n(author, copies))
    };
    let texts = rows().enumerate().map(|(row, (author, length, _))| {
        let words = (length * 30.0 + shift * 30.0) as usize;
        format!("{author} {row:05} {}", "word ".repeat(words))
    });
    let places = rows().map(|(_, _, place)| Some(place.map(Some)));
    let places = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(places, 3);
    batch([
        (
            "author",
            Arc::new(Int32Array::from_iter_values(rows().map(|row| row.0))),
        ),
        ("text", Arc::new(texts.map(Some).collect::<StringArray>())),
        ("place", Arc::new(places)),
    ])
}

/// A check of texts and embeddings, by author if told so.
fn of_documents(reference: &RecordBatch, by_author: bool) -> DriftCheck {
    let check = DriftCheck::against(reference).method("text", Method::texts());
    match by_author {
        true => check.unit("author", ["text", "place"]),
        false => check.columns(["text", "place"]),
    }
}

/// One document an author: the author says no more than the row. And copies of documents say nothing that one of each does not.
#[test]
fn texts_and_embeddings_are_compared_by_unit() {
    let [before, after] = [(0.0, 1), (0.2, 2)].map(|(shift, seed)| documents(80, 1, shift, seed));
    let by_row = of_documents(&before, false).run(&after).unwrap();
    let by_unit = of_documents(&before, true).run(&after).unwrap();
    let copied = of_documents(&documents(80, 20, 0.0, 1), true)
        .run(&documents(80, 20, 0.2, 2))
        .unwrap();
    for column in ["text", "place"] {
        let found = [&by_row, &by_unit, &copied].map(|report| report.column(column).unwrap());
        assert_eq!(found.map(|column| column.current_size), [80; 3]);
        assert_eq!(found[1].unit.as_deref(), Some("author"));
        let value = found.map(|column| column.value.clone().unwrap());
        assert_eq!(value[0].p_value, value[1].p_value, "{column}");
        assert_eq!(value[0].statistic, value[1].statistic, "{column}");
        assert_eq!(value[0].method, value[1].method, "{column}");
    }
    // The text of a copy has its row in it, so that rounding of a mean may part what was equal; embeddings are equal.
    let value = |report: &DriftReport| report.column("place").unwrap().value.clone().unwrap();
    assert_eq!(value(&by_row).p_value, value(&copied).p_value);
}

/// Two tables of other authors of one law, 20 documents each: with the author as the unit the level is kept, and rows alarm nearly always.
#[test]
fn the_level_of_texts_and_embeddings_by_unit_is_kept() {
    const RUNS: u32 = 200;
    let alarms = |by_author: bool, runs: u32, shift: f32| {
        let drifted = (0..runs).filter(|run| {
            let seed = u64::from(2 * run);
            let check = of_documents(&documents(40, 20, 0.0, seed), by_author);
            let current = documents(40, 20, shift, seed + 1);
            check.run(&current).unwrap().verdict.drifted
        });
        drifted.count() as u32
    };
    let quiet = alarms(true, RUNS, 0.0);
    assert!(quiet <= bound::most(RUNS, 0.05), "{quiet} of {RUNS}");
    assert!(alarms(false, 20, 0.0) >= 15, "rows are no units here");
    assert_eq!(alarms(true, 20, 0.7), 20, "a shift of most of the range");
}

/// By default, too: strings that look like texts are read as such, and what is missing is counted by unit.
#[test]
fn strings_of_units_are_read_as_texts() {
    let table = |words: usize| {
        let rows = 0..3_000_usize;
        let texts = rows.clone().map(|row| match row / 10 % 4 {
            0 => None,
            _ => Some(format!("{row} {}", "word ".repeat(words + row % 5))),
        });
        let units = rows.map(|row| (row / 10) as i32);
        batch([
            ("unit", Arc::new(Int32Array::from_iter_values(units))),
            ("text", Arc::new(texts.collect::<StringArray>())),
        ])
    };
    let (before, after) = (table(3), table(9));
    let check = DriftCheck::against(&before).unit("unit", ["text"]);
    let same = check.run(&before).unwrap();
    assert_eq!(same.columns[0].verdict, ColumnVerdict::Stable);
    let sizes = [same.columns[0].reference_size, same.columns[0].current_size];
    assert_eq!(sizes, [225; 2]);
    assert_eq!(same.columns[0].reference_missing, 0.25);
    let longer = check.run(&after).unwrap();
    let method = &longer.columns[0].value.as_ref().unwrap().method;
    assert!(method.contains("one of 5 facets"), "{method}");
    assert_eq!(longer.columns[0].verdict, ColumnVerdict::Material);
    assert_eq!(check.prepare().unwrap().run(&after).unwrap(), longer);
}
