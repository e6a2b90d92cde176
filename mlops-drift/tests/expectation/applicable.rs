//! A rule that found nothing to check says so: it neither passes in silence nor fails for what is another rule's.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, FixedSizeListArray, Float16Array, Float32Array, Float64Array,
    Int32Array, RecordBatch, StringArray, TimestampSecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type};
use mlops_core::evidence::SignificanceLevel;
use mlops_drift::expectation::{
    Bounds, Context, Expectation, Order, Rule, Severity, Suite, ValidationReport,
};
use mlops_drift::preset::data_quality;

use super::{broken, result, result_in, table, values};

fn ints(values: Vec<Option<i32>>) -> ArrayRef {
    Arc::new(Int32Array::from(values))
}

fn texts(values: Vec<Option<&str>>) -> ArrayRef {
    Arc::new(StringArray::from(values))
}

/// Rules on the values of a column of integers.
fn on_values() -> Vec<Rule> {
    vec![
        Rule::between(0, 5).unwrap(),
        Rule::one_of(["1"]),
        Rule::none_of(["1"]),
        Rule::matches("1").unwrap(),
        Rule::Length((1..).into()),
        Rule::Unique,
        Rule::Increasing,
    ]
}

#[test]
fn a_column_without_values_is_neither_obeyed_nor_broken() {
    for rule in on_values() {
        let found = result(rule, ints(vec![None; 7]));
        let states = (found.applicable, found.passed, found.outcome());
        assert_eq!(states, (false, false, "not applicable"), "{found:?}");
        assert_eq!((found.rows, found.missing, found.broken), (7, 7, 0));
        assert_eq!(
            found.reason,
            "nothing to check: a value is missing in each of 7 rows"
        );
        let one = result(Rule::between(0, 5).unwrap(), ints(vec![None, Some(3)]));
        assert!(one.applicable && one.passed && one.missing == 1, "{one:?}");
    }
    assert!(!result(Rule::Distinct((..=3).into()), ints(vec![None])).applicable);
    let missing = result(Rule::NotNull, ints(vec![None; 7]));
    assert!(missing.applicable && !missing.passed);
}

#[test]
fn a_table_without_rows_does_not_pass() {
    let empty = table([("x", ints(vec![]))]);
    for rule in on_values().into_iter().chain([Rule::NotNull]) {
        let report = Suite::new([Expectation::on("x", rule)])
            .validate(&empty)
            .unwrap();
        assert!(!report.passed(), "{report:?}");
        assert_eq!(report.not_applicable().count(), 1);
        assert_eq!(report.failures().count(), 0);
    }
    let schema_alone = Suite::new([
        Expectation::on("x", Rule::Exists),
        Expectation::on("x", Rule::Type("int32".into())),
        Expectation::on_table(Rule::Rows((..9).into())),
    ]);
    assert!(schema_alone.validate(&empty).unwrap().passed());
}

#[test]
fn an_empty_table_does_not_pass_data_quality() {
    let reference = table([("x", ints((0..2_000).map(|i| Some(i % 24)).collect()))]);
    let quality = data_quality(&reference, SignificanceLevel::FIVE_PERCENT).unwrap();
    assert!(quality.run(&reference).unwrap().passed());
    let report = quality.run(&reference.slice(0, 0)).unwrap();
    assert!(!report.passed());
    assert!(
        report
            .to_markdown()
            .starts_with("### 1 of 5 expectations failed: the table is of at least 1 rows"),
        "{}",
        report.to_markdown()
    );
}

#[test]
fn every_format_shows_it() {
    let suite = Suite::new([
        Expectation::on("x", Rule::between(0, 5).unwrap()),
        Expectation::on("y", Rule::between(0, 5).unwrap()),
    ]);
    let batch = table([("x", ints(vec![None; 3])), ("y", ints(vec![Some(1); 3]))]);
    let report = suite.validate(&batch).unwrap();
    assert!(report.passed());
    assert_eq!(
        report.headline(),
        "1 of 2 expectations hold, 1 had nothing to check"
    );
    let why = "nothing to check: a value is missing in each of 3 rows";
    let why = format!("x is between 0 and 5: {why}");
    let cell = format!("| x: between | not applicable | 0 | – | {why} |");
    assert!(
        report.to_markdown().contains(&cell),
        "{}",
        report.to_markdown()
    );
    let junit = report.to_junit();
    assert!(junit.contains(r#"tests="2" failures="0" skipped="1""#));
    assert!(
        junit.contains(&format!("<skipped message=\"{why}\"/>")),
        "{junit}"
    );
    let json = report.to_json().unwrap();
    assert!(json.contains(r#""applicable": false"#) && json.contains(r#""missing": 3"#));
    assert_eq!(
        serde_json::from_str::<ValidationReport>(&json).unwrap(),
        report
    );
    let empty = suite.validate(&batch.slice(0, 0)).unwrap();
    assert_eq!(
        empty.headline(),
        "The table has no rows: 2 of 2 expectations had nothing to check"
    );
}

/// The first distinct values that break a rule, as they are written.
#[test]
fn broken_values_are_shown() {
    let column = texts((0..30).map(|i| Some(["ok", "bad"][i % 2])).collect());
    let found = result(Rule::one_of(["ok"]), column);
    assert_eq!((found.broken, values(&found)), (15, vec![("bad", 15)]));
    let both = table([
        ("x", ints(vec![Some(9), None])),
        ("y", ints(vec![Some(3), Some(1)])),
    ]);
    let rule = Rule::AtMost { column: "y".into() };
    let found = result_in(&both, rule, &Context::default());
    assert_eq!(values(&found), [("9, 3", 1)]);
    assert_eq!(
        found.reason,
        "broken by 1 of 2 rows, first by row 0, and 1 miss a value"
    );
    let long = "é".repeat(5_000);
    let found = result(Rule::Length((..9).into()), texts(vec![Some(&long)]));
    let shown = &found.values[0].value;
    assert!(shown.chars().count() == 100 && shown.ends_with("é…"));
}

fn flights() -> RecordBatch {
    let cancelled = [Some(true), Some(false), Some(false), None, Some(false)];
    table([
        ("x", ints(vec![None, Some(5), None, None, Some(90)])),
        (
            "cancelled",
            Arc::new(BooleanArray::from(cancelled.to_vec())) as ArrayRef,
        ),
        (
            "carrier",
            texts(vec![
                Some("UA"),
                Some("UA"),
                Some("B6"),
                Some("UA"),
                Some("B6"),
            ]),
        ),
    ])
}

#[test]
fn a_condition_chooses_the_rows() {
    let on = |rule: Rule, flag: &str| {
        Expectation::on("x", rule)
            .only_where("cancelled", Rule::one_of([flag]))
            .unwrap()
    };
    let flown_by_ua = on(Rule::NotNull, "false").only_where("carrier", Rule::one_of(["UA"]));
    let suite = Suite::new([
        on(Rule::NotNull, "false"),
        on(Rule::Missing, "true"),
        on(Rule::between(0, 60).unwrap(), "false"),
        on(Rule::Mean(Bounds::default().min(47.5).max(47.5)), "false"),
        on(Rule::Unique, "neither"),
        flown_by_ua.unwrap(),
    ]);
    assert_eq!(suite, Suite::from_json(&suite.to_json().unwrap()).unwrap());
    let flights = flights();
    let report = suite.validate(&flights).unwrap();
    let broken: Vec<(u64, &[u64], bool)> = report
        .results
        .iter()
        .map(|found| (found.rows, found.examples.as_slice(), found.passed))
        .collect();
    assert_eq!(
        broken,
        [
            (3, [2].as_slice(), false),
            (1, &[], true),
            (3, &[4], false),
            (3, &[], true),
            (0, &[], false),
            (1, &[], true),
        ]
    );
    let none = &report.results[4];
    assert_eq!(
        none.reason,
        "nothing to check: none of 5 rows meets the condition"
    );
    let parts: Vec<RecordBatch> = (0..5).map(|row| flights.slice(row, 1)).collect();
    assert_eq!(suite.validate(&parts).unwrap(), report);
    let (accepted, quarantined) = suite.split(&flights, &Context::default()).unwrap();
    assert_eq!((accepted.num_rows(), quarantined.num_rows()), (3, 2));

    let unknown = Expectation::on("x", Rule::NotNull).only_where("nowhere", Rule::NotNull);
    let report = Suite::new([unknown.unwrap()]).validate(&flights).unwrap();
    assert_eq!(
        report.results[0].reason,
        "cannot be checked: column \"nowhere\" is missing"
    );
    assert!(
        Expectation::on("x", Rule::NotNull)
            .only_where("x", Rule::Unique)
            .is_err()
    );
    assert!(
        Expectation::on("x", Rule::Exists)
            .only_where("x", Rule::NotNull)
            .is_err()
    );
    assert!(
        Expectation::on("x", Rule::NotNull)
            .only_where("x", Rule::Matches("(".into()))
            .is_err()
    );
}

#[test]
fn a_schema_can_be_closed() {
    let only = |names: &[&str]| {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        Suite::new([Expectation::on_table(Rule::OnlyColumns(names))])
    };
    let flights = flights();
    assert!(
        only(&["x", "cancelled", "carrier", "z"])
            .validate(&flights)
            .unwrap()
            .passed()
    );
    let open = only(&["x"]).validate(&flights).unwrap();
    assert!(!open.passed());
    assert_eq!(
        open.results[0].reason,
        "there are others: cancelled, carrier"
    );
}

#[test]
fn labels_can_be_forbidden_and_required() {
    let column = || texts(vec![Some("UA"), None, Some("B6")]);
    assert_eq!(result(Rule::none_of(["B6", "DL"]), column()).examples, [2]);
    let all_of = |labels: &[&str]| Rule::AllOf(labels.iter().map(|&l| l.to_owned()).collect());
    assert!(result(all_of(&["UA", "B6"]), column()).passed);
    let absent = result(all_of(&["UA", "DL", "AA"]), column());
    assert_eq!(
        (absent.passed, absent.reason.as_str()),
        (false, "these do not occur: AA, DL")
    );
}

/// Odometers run on by aircraft, not over all.
#[test]
fn order_holds_within_groups() {
    let rule = |order| Rule::OrderedWithin {
        order,
        by: vec!["plane".into()],
    };
    let planes = table([
        (
            "x",
            ints(vec![
                Some(5),
                Some(1),
                Some(6),
                Some(1),
                None,
                Some(3),
                Some(0),
            ]),
        ),
        (
            "plane",
            texts(vec![
                Some("A"),
                Some("B"),
                Some("A"),
                Some("B"),
                Some("A"),
                Some("A"),
                None,
            ]),
        ),
    ]);
    let examples = |order| result_in(&planes, rule(order), &Context::default()).examples;
    assert_eq!(examples(Order::Increasing), [5]);
    assert_eq!(examples(Order::StrictlyIncreasing), [3, 5]);
    assert_eq!(examples(Order::Decreasing), [2]);
    assert_eq!(examples(Order::StrictlyDecreasing), [2, 3]);
}

#[test]
fn keys_of_several_columns_are_looked_up() {
    let known = table([
        ("origin", texts(vec![Some("JFK"), Some("LGA")])),
        ("hour", ints(vec![Some(1), Some(2)])),
    ]);
    let flights = table([
        (
            "x",
            texts(vec![Some("JFK"), Some("JFK"), Some("LGA"), None]),
        ),
        ("at", ints(vec![Some(1), Some(2), None, Some(7)])),
    ]);
    let rule = |columns: &[&str]| Rule::KeyInTable {
        with: vec!["at".into()],
        table: "weather".into(),
        columns: columns.iter().map(|&name| name.to_owned()).collect(),
    };
    let context = Context::default().table("weather", known);
    let found = result_in(&flights, rule(&["origin", "hour"]), &context);
    assert_eq!(
        (found.examples.as_slice(), found.missing),
        ([1].as_slice(), 2)
    );
    let swapped = result_in(&flights, rule(&["hour", "origin"]), &context);
    assert!(
        swapped.reason.starts_with("cannot be checked"),
        "{swapped:?}"
    );
    assert!(
        Suite::new([Expectation::on("x", rule(&["origin"]))])
            .validate(&flights)
            .is_err()
    );
}

/// A row from the future would keep a table fresh for ever.
#[test]
fn the_future_is_not_fresh() {
    let at = |seconds: i64| Arc::new(TimestampSecondArray::from(vec![seconds])) as ArrayRef;
    let context = Context::default().now("1970-01-01T01:00:00Z".parse().unwrap());
    let passes = |seconds: i64, ahead_seconds: u64| {
        let rule = Rule::Fresh {
            within_seconds: 9,
            ahead_seconds,
        };
        result_in(&table([("x", at(seconds))]), rule, &context).passed
    };
    assert!(passes(3_600, 0) && !passes(3_601, 0));
    assert!(passes(3_660, 60) && !passes(3_661, 60) && !passes(9_214_646_400, 60));
}

#[test]
fn nan_in_a_dictionary_is_missing() {
    let of_floats = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Float64));
    let column = cast(&Float64Array::from(vec![1.0, f64::NAN, 1.0]), &of_floats).unwrap();
    assert_eq!(result(Rule::NotNull, column).examples, [1]);
}

/// 1e39 is no Float32 and 70,000 no Float16: rounded to infinity such a limit would let infinity in.
#[test]
fn a_limit_beyond_the_type_keeps_infinity_out() {
    let infinite = Float32Array::from(vec![f32::MAX, f32::INFINITY, f32::NEG_INFINITY]);
    assert_eq!(
        broken(Rule::between(-1e39, 1e39).unwrap(), infinite),
        [1, 2]
    );
    let half = cast(
        &Float64Array::from(vec![65_504.0, f64::INFINITY]),
        &DataType::Float16,
    );
    let half = Float16Array::from(half.unwrap().to_data());
    assert_eq!(broken(Rule::between(0, 70_000).unwrap(), half), [1]);
}

fn distributed(current: &RecordBatch, reference: &RecordBatch) -> super::ExpectationResult {
    let rule = Rule::DistributedAs {
        table: "reference".into(),
    };
    let expectation = Expectation::on("x", rule)
        .level(SignificanceLevel::ONE_PERCENT)
        .unwrap();
    let other = Expectation::on("x", Rule::NotNull).severity(Severity::Warning);
    let context = Context::default().table("reference", reference.clone());
    let report = Suite::new([expectation, other])
        .validate_with(current, &context)
        .unwrap();
    report.results[0].clone()
}

#[test]
fn texts_and_embeddings_are_compared_by_facets() {
    let prose = |end: &str| {
        let texts = (0..3_000).map(|i| format!("flight {i} was late{end}"));
        table([(
            "x",
            Arc::new(StringArray::from_iter_values(texts)) as ArrayRef,
        )])
    };
    let same = distributed(&prose(""), &prose(""));
    assert!(
        same.passed && same.reason.contains("one of 5 facets"),
        "{same:?}"
    );
    assert!(!distributed(&prose(" by three hours or so"), &prose("")).passed);

    let embeddings = |dimension: i32, shift: f32| {
        let rows = (0..500).map(|i| {
            Some(
                (0..dimension)
                    .map(|k| Some(((i * 31 + k * 7) % 97) as f32 + shift))
                    .collect::<Vec<_>>(),
            )
        });
        let column = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(rows, dimension);
        table([("x", Arc::new(column) as ArrayRef)])
    };
    assert!(distributed(&embeddings(4, 0.0), &embeddings(4, 0.0)).passed);
    assert!(!distributed(&embeddings(4, 60.0), &embeddings(4, 0.0)).passed);
    let other = distributed(&embeddings(5, 0.0), &embeddings(4, 0.0));
    assert!(other.reason.starts_with("cannot be checked"), "{other:?}");
}

/// That the number of rows of an empty table is as expected says nothing of the values that were expected.
#[test]
fn a_table_without_rows_does_not_pass_for_one_rule_that_applies() {
    let suite = Suite::new([
        Expectation::on_table(Rule::Rows((0..=0).into())),
        Expectation::on("x", Rule::between(0, 5).unwrap()),
    ]);
    let table = table([(
        "x",
        Arc::new(Int32Array::from(Vec::<i32>::new())) as ArrayRef,
    )]);
    let report = suite.validate(&table).unwrap();
    assert!(report.results[0].passed && report.is_checked());
    assert!(!report.passed());
}
