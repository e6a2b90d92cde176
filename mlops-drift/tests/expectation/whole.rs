//! Rules on several columns, other tables and the table as a whole.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array,
    Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray,
    TimestampSecondArray, UInt64Array,
};
use arrow::datatypes::Int32Type;
use mlops_core::evidence::SignificanceLevel;
use mlops_drift::NumericSample;
use mlops_drift::expectation::{Bounds, Context, Expectation, ExpectationResult, Rule, Suite};
use mlops_drift::profile::TableProfile;
use mlops_drift::two_sample::{ChiSquare, KolmogorovSmirnov, TwoSampleTest};
use proptest::prelude::*;

use super::{broken, broken_in, result, result_in, table, value};

fn floats(values: Vec<Option<f64>>) -> ArrayRef {
    Arc::new(Float64Array::from(values))
}

proptest! {
    #[test]
    fn rules_across_columns_are_their_definitions(
        values in prop::collection::vec((value(), value()), 0..40)
    ) {
        let present = |x: Option<f64>| x.filter(|x| !x.is_nan());
        let batch = table([
            ("x", floats(values.iter().map(|row| row.0).collect())),
            ("y", floats(values.iter().map(|row| row.1).collect())),
        ]);
        let rows = |breaks: &dyn Fn(f64, f64) -> bool| -> Vec<usize> {
            let both = values.iter().map(|&(x, y)| present(x).zip(present(y))).enumerate();
            both.filter(|(_, both)| both.is_some_and(|(x, y)| breaks(x, y))).map(|(row, _)| row).collect()
        };
        let column = || "y".to_owned();
        prop_assert_eq!(broken_in(&batch, Rule::LessThan { column: column() }), rows(&|x, y| x >= y));
        prop_assert_eq!(broken_in(&batch, Rule::EqualTo { column: column() }), rows(&|x, y| x != y));
        let pair = |row: usize| present(values[row].0).zip(present(values[row].1));
        let repeated: Vec<usize> = (0..values.len())
            .filter(|&row| pair(row).is_some() && (0..row).any(|before| pair(before) == pair(row)))
            .collect();
        prop_assert_eq!(broken_in(&batch, Rule::UniqueWith(vec![column()])), repeated);

        let before = |row: usize| (0..row).rev().find_map(|row| present(values[row].0));
        let after = |breaks: &dyn Fn(f64, f64) -> bool| -> Vec<usize> {
            let wrong = |&row: &usize| present(values[row].0).zip(before(row)).is_some_and(|(x, last)| breaks(x, last));
            (0..values.len()).filter(wrong).collect()
        };
        prop_assert_eq!(broken_in(&batch, Rule::StrictlyIncreasing), after(&|x, last| x <= last));
        prop_assert_eq!(broken_in(&batch, Rule::Decreasing), after(&|x, last| x > last));
        prop_assert_eq!(broken_in(&batch, Rule::StrictlyDecreasing), after(&|x, last| x >= last));
    }

    #[test]
    fn a_key_must_be_in_the_other_table(
        values in prop::collection::vec(prop::option::of(0..9_i64), 0..20),
        known in prop::collection::vec(prop::option::of(0..9_i32), 0..9),
    ) {
        let other = table([("id", Arc::new(Int32Array::from(known.clone())) as ArrayRef)]);
        let batch = table([("x", Arc::new(Int64Array::from(values.clone())) as ArrayRef)]);
        let rule = Rule::InTable { table: "other".into(), column: "id".into() };
        let result = result_in(&batch, rule, &Context::default().table("other", vec![other]));
        let unknown = values.iter().flatten().filter(|&&x| !known.iter().flatten().any(|&id| i64::from(id) == x));
        prop_assert_eq!(result.broken, unknown.count() as u64);
    }

    /// Against the sorted values.
    #[test]
    fn quantiles_lie_where_the_sorted_values_say(
        values in prop::collection::vec(value(), 1..40),
        share in 1..100_u32,
        ends in (-5..5_i32, 1..5_i32),
    ) {
        let share = f64::from(share) / 100.0;
        let mut sorted: Vec<f64> = values.iter().flatten().copied().filter(|x| !x.is_nan()).collect();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len();
        let quantile = (1..=n).find(|&rank| rank as f64 / n as f64 >= share).map(|rank| sorted[rank - 1]);
        let (low, high) = (f64::from(ends.0) / 2.0, f64::from(ends.0 + ends.1) / 2.0);
        let rule = Rule::Quantile { share, within: Bounds::default().above(low).max(high) };
        let passed = result(rule, floats(values)).passed;
        prop_assert_eq!(passed, quantile.is_some_and(|x| x > low && x <= high));
    }
}

/// 0.07 · 100 is more than 7 in floats; the quantile is the seventh value all the same.
#[test]
fn ranks_are_not_rounded() {
    for rank in 1..100 {
        let column = floats((1..=100).map(|x| Some(f64::from(x))).collect());
        let rule = Rule::Quantile {
            share: f64::from(rank) / 100.0,
            within: Bounds::default().min(rank).max(rank),
        };
        assert!(result(rule, column).passed, "{rank}");
    }
}

fn passes(rule: Rule, column: ArrayRef) -> bool {
    result(rule, column).passed
}

#[test]
fn counts_moments_and_distinct_values() {
    let column = || floats(vec![Some(1.0), Some(3.0), None, Some(3.0), Some(f64::NAN)]);
    assert!(passes(Rule::Distinct((2..=2).into()), column()));
    assert!(!passes(Rule::Distinct((3..).into()), column()));
    let third = Bounds::default()
        .min(7.0 / 3.0 - 1e-12)
        .max(7.0 / 3.0 + 1e-12);
    assert!(passes(Rule::Mean(third.clone()), column()));
    assert!(!passes(Rule::Mean(Bounds::default().above(2.5)), column()));
    let deviation = (8.0_f64 / 9.0).sqrt(); // of 1, 3, 3
    let near = Bounds::default()
        .min(deviation - 1e-12)
        .max(deviation + 1e-12);
    assert!(passes(Rule::StandardDeviation(near), column()));
    for empty in [vec![], vec![None], vec![Some(f64::INFINITY)]] {
        let result = result(Rule::Mean(Bounds::default().min(0)), floats(empty));
        assert!(!result.passed && result.reason == "the mean is undefined");
    }
    assert!(!passes(
        Rule::Quantile {
            share: 0.5,
            within: Bounds::default().min(0)
        },
        floats(vec![None])
    ));
    assert!(passes(Rule::Exists, column()));
    let batch = table([("x", column())]);
    let suite = Suite::new([Expectation::on("y", Rule::Exists)]);
    let report = suite.validate(&batch).unwrap();
    assert!(!report.passed() && report.results[0].broken == 0);
}

/// Digits that a float does not hold decide.
#[test]
fn nothing_is_rounded() {
    let big = 1_i64 << 53;
    let column = || Int64Array::from(vec![big, big + 1, big + 2]);
    assert_eq!(broken(Rule::StrictlyIncreasing, column()), [0_usize; 0]);
    assert_eq!(broken(Rule::Unique, column()), [0_usize; 0]);
    assert_eq!(
        broken(Rule::between(big + 1, big + 1).unwrap(), column()),
        [0, 2]
    );
    let wide = UInt64Array::from(vec![u64::MAX, u64::MAX - 1]);
    let text = "18446744073709551615";
    assert_eq!(broken(Rule::between(text, text).unwrap(), wide), [1]);
    let nano =
        TimestampNanosecondArray::from(vec![1_357_000_000_000_000_001, 1_357_000_000_000_000_002]);
    assert_eq!(broken(Rule::StrictlyDecreasing, nano), [1]);
    let cents = Decimal128Array::from(vec![10, 11])
        .with_precision_and_scale(9, 2)
        .unwrap();
    assert_eq!(broken(Rule::between(0.1, 0.1).unwrap(), cents), [1]);
    let narrow = Float32Array::from(vec![0.1]);
    assert_eq!(
        broken(Rule::between(0.1, 0.1).unwrap(), narrow),
        [0_usize; 0]
    );
    let zeros = Float64Array::from(vec![0.0, -0.0, 1e308, f64::INFINITY, f64::NEG_INFINITY]);
    assert_eq!(broken(Rule::Unique, zeros.clone()), [1]);
    assert_eq!(broken(Rule::between(0, 1e308).unwrap(), zeros), [3, 4]);
}

/// Equal values have equal keys whatever holds them, and others have others.
#[test]
fn keys_are_of_values() {
    let texts = |of: Vec<&str>| Arc::new(StringArray::from(of)) as ArrayRef;
    let batch = table([
        ("x", texts(vec!["a", "ab", "a"])),
        ("y", texts(vec!["bc", "c", "bc"])),
    ]);
    assert_eq!(broken_in(&batch, Rule::UniqueWith(vec!["y".into()])), [2]);
    let bytes = BinaryArray::from(vec![b"\x01\x23".as_ref(), b"\x12\x03", b"\x01\x23"]);
    assert_eq!(broken(Rule::Unique, bytes), [2]);

    let decimals = |of: Vec<i128>| {
        let column = Decimal128Array::from(of).with_precision_and_scale(38, 2);
        Arc::new(column.unwrap()) as ArrayRef
    };
    let wide = 10_i128.pow(30);
    let midnight = TimestampSecondArray::from(vec![86_400, 86_401]);
    let cases: [(ArrayRef, ArrayRef); 7] = [
        (
            Arc::new(Int32Array::from(vec![100, 101])),
            decimals(vec![10_000]),
        ),
        (floats(vec![Some(-0.1), Some(0.25)]), decimals(vec![-10])),
        (
            floats(vec![Some(1e25), Some(1e300)]),
            Arc::new(Float64Array::from(vec![1e25])),
        ),
        (decimals(vec![wide, wide + 1]), decimals(vec![wide])),
        (Arc::new(Int32Array::from(vec![0, 1])), decimals(vec![0])),
        (Arc::new(midnight), Arc::new(Date32Array::from(vec![1]))),
        (
            texts(vec!["a", ""]),
            Arc::new(DictionaryArray::<Int32Type>::from_iter(["a"])),
        ),
    ];
    for (values, known) in cases {
        let context = Context::default().table("other", table([("id", known)]));
        let rule = Rule::InTable {
            table: "other".into(),
            column: "id".into(),
        };
        let result = result_in(&table([("x", values)]), rule, &context);
        assert_eq!(result.examples, [1], "{result:?}");
    }
}

#[test]
fn times_are_read_from_texts() {
    let days = || Date32Array::from(vec![15_705, 15_706, 16_071]); // 2012-12-31, 2013-01-01, 2014-01-01
    let year = || Rule::between("2013-01-01", "2013-12-31").unwrap();
    assert_eq!(broken(year(), days()), [0, 2]);
    let seconds = || vec![1_356_998_399, 1_356_998_400]; // the last of 2012 and the first of 2013, UTC
    assert_eq!(broken(year(), TimestampSecondArray::from(seconds())), [0]);
    let zoned = || TimestampSecondArray::from(seconds()).with_timezone("America/New_York");
    let instant = Rule::between("2013-01-01T01:00:00+01:00", "2013-12-31T00:00:00Z").unwrap();
    assert_eq!(broken(instant, zoned()), [0]);
    for (rule, column) in [
        (year(), Arc::new(zoned()) as ArrayRef),
        (Rule::between("soon", "later").unwrap(), Arc::new(days())),
        (year(), Arc::new(Int32Array::from(vec![1]))),
        (
            Rule::between("2013-13-01", "2014-01-01").unwrap(),
            Arc::new(days()),
        ),
    ] {
        let reason = result(rule, column).reason;
        assert!(
            reason.contains("cannot be checked: an end of a range must be readable as"),
            "{reason}"
        );
    }
}

#[test]
fn what_is_of_another_kind_is_not_compared() {
    let batch = table([
        ("x", Arc::new(Date32Array::from(vec![1])) as ArrayRef),
        ("y", Arc::new(Int32Array::from(vec![1])) as ArrayRef),
        ("t", Arc::new(StringArray::from(vec!["1"])) as ArrayRef),
    ]);
    let context = Context::default().table("other", batch.clone());
    let column = |name: &str| name.to_owned();
    for rule in [
        Rule::AtMost {
            column: column("y"),
        },
        Rule::LessThan {
            column: column("t"),
        },
        Rule::EqualTo {
            column: column("t"),
        },
        Rule::EqualTo {
            column: column("nowhere"),
        },
        Rule::UniqueWith(vec![column("nowhere")]),
        Rule::InTable {
            table: "other".into(),
            column: column("t"),
        },
        Rule::InTable {
            table: "other".into(),
            column: column("nowhere"),
        },
        Rule::InTable {
            table: "nowhere".into(),
            column: column("x"),
        },
        Rule::fresh(1), // no now
    ] {
        let result = result_in(&batch, rule, &context);
        assert!(
            !result.passed && result.reason.starts_with("cannot be checked"),
            "{result:?}"
        );
    }
    let numbers = table([("x", Arc::new(Int32Array::from(vec![1])) as ArrayRef)]);
    let now = context.now("2013-01-01T00:00:00Z".parse().unwrap());
    let result = result_in(&numbers, Rule::fresh(1), &now);
    assert_eq!(
        result.reason,
        "cannot be checked: the column must hold dates or timestamps (cast numbers and texts to a timestamp before), got int32"
    );
}

#[test]
fn the_newest_time_may_be_so_old() {
    let fresh = Rule::fresh;
    let batch = |seconds: Vec<Option<i64>>| {
        table([(
            "x",
            Arc::new(TimestampSecondArray::from(seconds)) as ArrayRef,
        )])
    };
    let context = Context::default().now("1970-01-01T01:00:00Z".parse().unwrap());
    let old = batch(vec![Some(600), None, Some(-5)]);
    assert!(result_in(&old, fresh(3_000), &context).passed);
    let stale = result_in(&old, fresh(2_999), &context);
    assert_eq!(
        (stale.passed, stale.reason.as_str()),
        (false, "the newest time is 3000 s old")
    );
    assert!(result_in(&old, fresh(u64::MAX), &context).passed);
    let future = result_in(&batch(vec![Some(3_700)]), fresh(0), &context);
    assert_eq!(future.reason, "the newest time lies 100 s after now");
    assert!(!future.passed);
    assert!(!result_in(&batch(vec![None]), fresh(9), &context).passed);
}

fn compared(current: &RecordBatch, context: &Context) -> ExpectationResult {
    let rule = Rule::DistributedAs {
        table: "reference".into(),
    };
    let expectation = Expectation::on("x", rule)
        .level(SignificanceLevel::ONE_PERCENT)
        .unwrap();
    Suite::new([expectation])
        .validate_with(current, context)
        .unwrap()
        .results
        .remove(0)
}

/// The tests of this crate are tested elsewhere: here, that their p-value is what the report tells.
#[test]
fn laws_are_compared_by_the_crates_tests() {
    let numbers =
        |shift: f64| -> Vec<f64> { (0..200).map(|i| f64::from(i * i % 199) + shift).collect() };
    let column =
        |values: Vec<f64>| table([("x", Arc::new(Float64Array::from(values)) as ArrayRef)]);
    let context = Context::default().table("reference", column(numbers(0.0)));
    for shift in [5.0, 60.0] {
        let found = compared(&column(numbers(shift)), &context);
        let [x, y] = [0.0, shift].map(|shift| NumericSample::new(numbers(shift)));
        let p = KolmogorovSmirnov::default().test(&x, &y).unwrap().p_value;
        assert_eq!(found.p_value, Some(p)); // few distinct values: the grid is exact
        assert_eq!(found.passed, p.get() > 0.01);
    }
    let profile = TableProfile::of(&column(numbers(0.0))).unwrap();
    let by_profile = Context::default().profile("reference", profile);
    let current = column(numbers(60.0));
    // But for whether rows of the reference are dependent, which no profile tells.
    let undiagnosed = |context: &Context| ExpectationResult {
        serial_correlation: None,
        ..compared(&current, context)
    };
    assert_eq!(undiagnosed(&by_profile), undiagnosed(&context));

    let labels =
        |rare: usize| -> Vec<&str> { (0..100).map(|i| if i < rare { "b" } else { "a" }).collect() };
    let texts = |rare| table([("x", Arc::new(StringArray::from(labels(rare))) as ArrayRef)]);
    let context = Context::default().table("reference", texts(30));
    let found = compared(&texts(60), &context);
    let sample = |rare| mlops_drift::CategoricalSample::new(labels(rare).into_iter().map(Some));
    let p = ChiSquare::default()
        .test(&sample(30), &sample(60))
        .unwrap()
        .p_value;
    assert_eq!((found.p_value, found.passed), (Some(p), false));

    let seconds = table([(
        "x",
        Arc::new(TimestampSecondArray::from(vec![1])) as ArrayRef,
    )]);
    let nanos = table([(
        "x",
        Arc::new(TimestampNanosecondArray::from(vec![1])) as ArrayRef,
    )]);
    let of_seconds = Context::default().table("reference", seconds);
    let units = compared(&nanos, &of_seconds).reason;
    let why =
        "cannot be checked: the column must be comparable with timestamp(s), got timestamp(ns)";
    assert_eq!(units, why);

    let kinds = compared(&column(numbers(0.0)), &context).reason;
    assert_eq!(
        kinds,
        "cannot be checked: the column must be comparable with text, got float64"
    );
    let empty = compared(&texts(0).slice(0, 0), &context).reason;
    assert_eq!(
        empty,
        "cannot be compared: 100 values in the reference, 0 here"
    );
}

/// Any table of identifiers looks like any other.
#[test]
fn identifiers_have_no_law_to_compare() {
    let ids = |from: usize| {
        let ids: StringArray = (from..from + 200)
            .map(|i| Some(format!("id {i}")))
            .collect();
        table([("x", Arc::new(ids) as ArrayRef)])
    };
    let context = Context::default().table("reference", ids(0));
    let found = compared(&ids(1_000), &context);
    assert!(!found.passed && !found.applicable, "{found:?}");
    assert!(
        found.reason.contains("400 of 400 values are distinct"),
        "{}",
        found.reason
    );
}

/// Permutations show no p-value below one in some thousands: a smaller level is not passed by them.
#[test]
fn a_level_that_permutations_do_not_show_is_told() {
    let labels = |often: usize| {
        let label = |row: usize| ["a", "b", "c"][if row % 10 < often { 0 } else { 1 + row % 2 }];
        let labels = StringArray::from_iter_values((0..400).map(label));
        table([("x", Arc::new(labels) as ArrayRef)])
    };
    let rule = Rule::DistributedAs {
        table: "before".into(),
    };
    let context = Context::default().table("before", labels(3));
    let found = |often: usize, level: f64| {
        let level = SignificanceLevel::new(level).unwrap();
        let suite = Suite::new([Expectation::on("x", rule.clone()).level(level).unwrap()]);
        suite
            .validate_with(&labels(often), &context)
            .unwrap()
            .results
            .remove(0)
    };
    // Whatever the test is: where it permutes it does not pass, and else it is sure.
    for often in 3..=10 {
        let result = found(often, 1e-9);
        let p = result.p_value.map(|p| p.get());
        let is_open = result
            .reason
            .contains("does not show whether the level is reached");
        assert!(is_open != result.applicable, "{}", result.reason);
        // Of 9,999 permutations one at least was as extreme, which excludes 1e-9; no permutation and the data are 1/10,000, at 99 % of the level.
        assert!(!result.passed || p.unwrap() > 1.02e-4 || !result.reason.contains("permutation"));
    }
    assert!(found(3, 0.05).passed && !found(9, 0.05).passed);
}
