//! Data validation: each rule against its definition, every type, and what cannot be checked.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray,
    Float64Array, Int32Array, LargeStringArray, ListArray, RecordBatch, StringArray,
    StringViewArray, TimestampMillisecondArray,
};
use arrow::datatypes::Int32Type;
use mlops_core::ErrorKind;
use mlops_drift::expectation::{Expectation, ExpectationResult, Rule, Severity, Suite};
use proptest::prelude::*;

fn table(columns: impl IntoIterator<Item = (&'static str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn result(rule: Rule, column: ArrayRef) -> ExpectationResult {
    let suite = Suite::new([Expectation::on("x", rule)]);
    suite
        .validate(&table([("x", column)]))
        .unwrap()
        .results
        .remove(0)
}

fn broken(rule: Rule, column: impl Array + 'static) -> Vec<usize> {
    result(rule, Arc::new(column)).rows().to_vec()
}

fn value() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        6 => (-5..5_i32).prop_map(|x| Some(f64::from(x) / 2.0)),
        1 => prop_oneof![
            Just(None), Just(Some(f64::NAN)), Just(Some(f64::INFINITY)), Just(Some(f64::NEG_INFINITY))
        ],
    ]
}

proptest! {
    #[test]
    fn rules_on_numbers_are_their_definitions(
        values in prop::collection::vec(value(), 0..40),
        other in prop::collection::vec(value(), 40),
        ends in (-4..4_i32, 0..4_i32),
    ) {
        let present = |row: usize| values[row].filter(|x| !x.is_nan());
        let column = || Float64Array::from(values.clone());
        let rows = |breaks: &dyn Fn(usize) -> bool| (0..values.len()).filter(|&row| breaks(row)).collect::<Vec<_>>();
        let (low, high) = (f64::from(ends.0) / 2.0, f64::from(ends.0 + ends.1) / 2.0);

        prop_assert_eq!(broken(Rule::NotNull, column()), rows(&|row| present(row).is_none()));
        prop_assert_eq!(
            broken(Rule::between(low, high).unwrap(), column()),
            rows(&|row| present(row).is_some_and(|x| x < low || x > high))
        );
        prop_assert_eq!(
            broken(Rule::Unique, column()),
            rows(&|row| present(row).is_some_and(|x| (0..row).any(|before| present(before) == Some(x))))
        );
        let before = |row: usize| (0..row).rev().find_map(present);
        prop_assert_eq!(
            broken(Rule::Increasing, column()),
            rows(&|row| present(row).zip(before(row)).is_some_and(|(x, last)| x < last))
        );
        let both = table([
            ("x", Arc::new(column()) as ArrayRef),
            ("y", Arc::new(Float64Array::from(other[..values.len()].to_vec())) as ArrayRef),
        ]);
        let rule = Rule::AtMost { column: "y".into() };
        let report = Suite::new([Expectation::on("x", rule)]).validate(&both).unwrap();
        let above = rows(&|row| present(row).zip(other[row]).is_some_and(|(x, y)| x > y));
        prop_assert_eq!(report.results[0].rows(), above);
    }

    #[test]
    fn rules_on_texts_are_their_definitions(
        values in prop::collection::vec(prop::option::of("[ab]{0,3}é?"), 0..30),
        allowed in prop::collection::btree_set("[ab]{0,2}", 0..4),
    ) {
        let rows = |breaks: &dyn Fn(&str) -> bool| {
            let rows = values.iter().enumerate();
            rows.filter(|(_, value)| value.as_deref().is_some_and(breaks)).map(|(row, _)| row).collect::<Vec<_>>()
        };
        let columns: [ArrayRef; 4] = [
            Arc::new(StringArray::from(values.clone())),
            Arc::new(LargeStringArray::from(values.clone())),
            Arc::new(StringViewArray::from_iter(values.iter().map(Option::as_deref))),
            Arc::new(values.iter().map(Option::as_deref).collect::<DictionaryArray<Int32Type>>()),
        ];
        for column in columns {
            let of = |rule| result(rule, column.clone()).rows().to_vec();
            let set: BTreeSet<String> = allowed.clone();
            prop_assert_eq!(of(Rule::OneOf(set)), rows(&|text| !allowed.contains(text)));
            prop_assert_eq!(of(Rule::matches("^a*$").unwrap()), rows(&|text| text.chars().any(|c| c != 'a')));
            prop_assert_eq!(
                of(Rule::Length { min: 1, max: 2 }),
                rows(&|text| !(1..=2).contains(&text.chars().count()))
            );
        }
    }

    /// Every row goes one way, in its order, and none is changed.
    #[test]
    fn a_split_loses_nothing(values in prop::collection::vec(value(), 0..40)) {
        let batch = table([("x", Arc::new(Float64Array::from(values.clone())) as ArrayRef)]);
        let suite = Suite::new([
            Expectation::on("x", Rule::NotNull),
            Expectation::on("x", Rule::at_least(0.0).unwrap()),
            Expectation::on("x", Rule::Unique).severity(Severity::Warning),
        ]);
        let (accepted, quarantined) = suite.validate(&batch).unwrap().split(&batch).unwrap();
        prop_assert_eq!(accepted.schema(), batch.schema());
        let bits = |batch: &RecordBatch| -> Vec<Option<u64>> {
            let column: &Float64Array = batch["x"].as_primitive();
            column.iter().map(|x| x.map(f64::to_bits)).collect()
        };
        let good = |x: &Option<f64>| x.is_some_and(|x| x >= 0.0);
        let part = |wanted: bool| -> Vec<Option<u64>> {
            let rows = values.iter().filter(|x| good(x) == wanted);
            rows.map(|x| x.map(f64::to_bits)).collect()
        };
        prop_assert_eq!(bits(&accepted), part(true));
        prop_assert_eq!(bits(&quarantined), part(false));
    }
}

#[test]
fn every_type_is_read_as_itself() {
    let between = || Rule::between(0.0, 10.0).unwrap();
    assert_eq!(
        broken(between(), Int32Array::from(vec![Some(11), None, Some(3)])),
        [0]
    );
    let decimal = Decimal128Array::from(vec![1_050, 950])
        .with_precision_and_scale(9, 2)
        .unwrap();
    assert_eq!(broken(between(), decimal), [0]);
    assert_eq!(
        broken(between(), BooleanArray::from(vec![true, false])),
        [0_usize; 0]
    );
    assert_eq!(broken(between(), Date32Array::from(vec![5, 20_000])), [1]);
    let time = TimestampMillisecondArray::from(vec![9, 11]).with_timezone("Europe/Paris");
    assert_eq!(broken(between(), time.clone()), [1]);
    assert_eq!(broken(Rule::Increasing, time.clone()), [0_usize; 0]);
    assert!(
        result(
            Rule::Type("timestamp(ms, Europe/Paris)".into()),
            Arc::new(time)
        )
        .passed
    );
    assert_eq!(
        broken(Rule::one_of(["1"]), Int32Array::from(vec![1, 2])),
        [1]
    );
    assert_eq!(
        broken(
            Rule::one_of(["true"]),
            BooleanArray::from(vec![true, false])
        ),
        [1]
    );
    assert_eq!(
        broken(
            Rule::Unique,
            StringArray::from(vec![Some("a"), None, None, Some("a")])
        ),
        [3]
    );
}

#[test]
fn what_cannot_be_checked_fails_with_its_reason_for_every_row() {
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1)]), None]);
    let cases: [(Rule, ArrayRef, &str); 4] = [
        (
            Rule::at_least(0.0).unwrap(),
            Arc::new(StringArray::from(vec!["a", "b"])),
            "as numbers",
        ),
        (
            Rule::one_of(["1"]),
            Arc::new(Float64Array::from(vec![1.0, 2.0])),
            "as categories",
        ),
        (Rule::at_least(0.0).unwrap(), Arc::new(lists), "as numbers"),
        (
            Rule::Type("int64".into()),
            Arc::new(Int32Array::from(vec![1, 2])),
            "must be of type int64, got int32",
        ),
    ];
    for (rule, column, why) in cases {
        let result = result(rule, column);
        assert!(!result.passed && result.broken == 2, "{result:?}");
        assert!(result.reason.contains(why), "{}", result.reason);
    }
    let other = Rule::AtMost { column: "y".into() };
    assert!(
        result(other, Arc::new(Int32Array::from(vec![1])))
            .reason
            .contains("\"y\" is missing")
    );
}

#[test]
fn shares_and_severities_decide_the_verdict() {
    let column = || Arc::new(Int32Array::from(vec![Some(1), None, Some(2), Some(3)])) as ArrayRef;
    let batch = table([("x", column())]);
    let passes = |share: f64, severity| {
        let expectation = Expectation::on("x", Rule::NotNull).mostly(share).unwrap();
        let report = Suite::new([expectation.severity(severity)])
            .validate(&batch)
            .unwrap();
        (report.results[0].passed, report.passed())
    };
    assert_eq!(passes(0.75, Severity::Error), (true, true));
    assert_eq!(passes(0.76, Severity::Error), (false, false));
    assert_eq!(passes(0.76, Severity::Warning), (false, true));
    let empty = table([(
        "x",
        Arc::new(Int32Array::from(Vec::<i32>::new())) as ArrayRef,
    )]);
    assert!(
        Suite::new([Expectation::on("x", Rule::NotNull)])
            .validate(&empty)
            .unwrap()
            .passed()
    );
    assert!(
        !Suite::new([Expectation::on("y", Rule::NotNull)])
            .validate(&empty)
            .unwrap()
            .passed()
    );
}

#[test]
fn suites_that_make_no_sense_are_errors() {
    let text = |rule: &str| {
        format!(r#"{{"version": 1, "expectations": [{{"column": "x", "rule": {rule}}}]}}"#)
    };
    for (rule, why) in [
        (r#"{"between": {"min": 2, "max": 1}}"#, "got 2 and 1"),
        (r#"{"matches": "("}"#, "well-formed"),
        (r#"{"length": {"min": 3, "max": 2}}"#, "got 3 and 2"),
        (r#"{"sounds_nice": 1}"#, "sounds_nice"),
        (r#"{"between": {"minimum": 2}}"#, "minimum"),
        (r#""not_null", "mostly": 1.5"#, "[0, 1], got 1.5"),
        (r#""not_null", "most": 1"#, "most"),
    ] {
        let error = Suite::from_json(&text(rule)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(
            error.to_string().contains(why),
            "{error} does not say {why}"
        );
    }
    assert!(Suite::from_json(&text(r#""not_null""#)).is_ok());
    let unchecked = Rule::Matches("(".into());
    let batch = table([("x", Arc::new(StringArray::from(vec!["a"])) as ArrayRef)]);
    assert!(
        Suite::new([Expectation::on("x", unchecked)])
            .validate(&batch)
            .is_err()
    );
}

#[test]
fn a_split_of_another_table_is_an_error() {
    let batch = |rows: i32| {
        table([(
            "x",
            Arc::new(Int32Array::from_iter_values(0..rows)) as ArrayRef,
        )])
    };
    let report = Suite::new([Expectation::on("x", Rule::NotNull)])
        .validate(&batch(2))
        .unwrap();
    let error = report.split(&batch(3)).unwrap_err();
    assert!(error.to_string().contains("of 2 rows, got 3"), "{error}");
    let (_, quarantined) = report.split(&batch(2)).unwrap();
    assert!(quarantined.num_rows() == 0 && quarantined.num_columns() == 2);
    let again = Suite::new([]).validate(&quarantined).unwrap();
    assert!(again.split(&quarantined).is_err());
}
