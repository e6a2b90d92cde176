//! Rules on rows against their definitions, for every type, and what cannot be checked.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array,
    Int32Array, LargeStringArray, ListArray, RecordBatch, StringArray, StringViewArray,
    TimestampMillisecondArray,
};
use arrow::datatypes::Int32Type;
use mlops_drift::expectation::{Context, Count, Expectation, Rule, Severity, Suite};
use proptest::prelude::*;

use super::{broken, broken_of, result, table, value};

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
        let above = rows(&|row| present(row).zip(other[row]).is_some_and(|(x, y)| x > y));
        prop_assert_eq!(super::broken_in(&both, rule), above);
    }

    #[test]
    fn rules_on_texts_are_their_definitions(
        values in prop::collection::vec(prop::option::of("[ab]{0,3}é?"), 0..30),
        allowed in prop::collection::btree_set("[ab]{0,2}", 1..4),
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
            let of = |rule| broken_of(rule, column.clone());
            let set: BTreeSet<String> = allowed.clone();
            prop_assert_eq!(of(Rule::OneOf(set)), rows(&|text| !allowed.contains(text)));
            prop_assert_eq!(of(Rule::matches("^a*$").unwrap()), rows(&|text| text.chars().any(|c| c != 'a')));
            prop_assert_eq!(
                of(Rule::Length(Count::from(1..=2))),
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
        let (accepted, quarantined) = suite.split(&batch, &Context::default()).unwrap();
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
            "must hold numbers, booleans, dates, times or durations, got text",
        ),
        (
            Rule::one_of(["1"]),
            Arc::new(Float64Array::from(vec![1.0, 2.0])),
            "must hold texts, booleans or integers, got float64",
        ),
        (
            Rule::at_least(0.0).unwrap(),
            Arc::new(lists),
            "durations, got list(int32)",
        ),
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

/// As profiles have it.
#[test]
fn an_embedding_that_holds_what_is_no_number_is_missing() {
    use arrow::array::{FixedSizeListArray, types::Float64Type};
    use mlops_drift::profile::TableProfile;
    let odd = [Some(1.0), None, Some(f64::NAN), Some(f64::INFINITY)];
    let rows = odd
        .map(|x| Some(vec![x, Some(2.0)]))
        .into_iter()
        .chain([None]);
    let rows: Vec<_> = rows.collect();
    let column = FixedSizeListArray::from_iter_primitive::<Float64Type, _, _>(rows, 2);
    let table = table([("x", Arc::new(column) as ArrayRef)]);
    let suite = Suite::new([
        Expectation::on("x", Rule::NotNull),
        Expectation::on("x", Rule::Missing),
    ]);
    let profile = TableProfile::of(&table).unwrap();
    let reports = [
        suite.validate(&table).unwrap(),
        suite
            .validate(&vec![table.slice(0, 2), table.slice(2, 3)])
            .unwrap(),
        suite
            .validate_profile(&profile, &Context::default())
            .unwrap(),
    ];
    for report in reports {
        assert_eq!(report.results[0].broken, 4, "{report:?}");
        assert!(!report.results[1].passed, "{report:?}");
    }
    let report = suite.validate(&table.slice(1, 4)).unwrap();
    assert_eq!((report.results[0].broken, report.results[1].broken), (4, 0));
}
