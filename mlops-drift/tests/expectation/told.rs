//! What reports and errors tell: names that stay, what was wrong, where, and of which type.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Float64Array, Int32Array, RecordBatch,
    StringArray, UInt8Array,
};
use arrow::datatypes::DataType;
use mlops_core::ErrorKind;
use mlops_core::evidence::SignificanceLevel;
use mlops_drift::expectation::{Bounds, Context, Expectation, Rule, Suite};
use mlops_drift::profile::TableProfile;
use proptest::prelude::*;

use super::parts::every_rule;
use super::{result, result_in, table, value, values};

fn texts(of: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(of.to_vec()))
}

/// Two tables of one schema with nothing in common: what is inferred of them differs in values, and in no name.
#[test]
fn names_stay_when_values_change() {
    let flights = |labels: [&str; 2], from: i32| {
        let hours = Int32Array::from_iter_values((0..2_000).map(|i| from + i % 24));
        let carriers = (0..2_000).map(|i| labels[i % 2]);
        table([
            ("hour", Arc::new(hours) as ArrayRef),
            ("carrier", Arc::new(StringArray::from_iter_values(carriers))),
        ])
    };
    let [old, new] = [flights(["UA", "B6"], 0), flights(["DL", "AA"], 100)];
    let suite = |of: &RecordBatch| {
        Suite::infer(
            &TableProfile::of(of).unwrap(),
            SignificanceLevel::FIVE_PERCENT,
        )
        .unwrap()
    };
    let [before, after] = [suite(&old), suite(&new)];
    assert_ne!(before, after);
    assert_eq!(before.names(), after.names());
    let [before, after] = [before, after].map(|suite| suite.validate(&new).unwrap());
    let cases = |junit: String| -> Vec<String> {
        let names = junit.split(" name=\"").skip(2);
        names
            .map(|rest| rest.split('"').next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(cases(before.to_junit()), cases(after.to_junit()));
    let series = |metrics: String| -> Vec<String> {
        let lines = metrics.lines().filter(|line| !line.starts_with('#'));
        lines
            .map(|line| line.rsplit_once(' ').unwrap_or_default().0.to_owned())
            .collect()
    };
    let series = [before.to_openmetrics(), after.to_openmetrics()].map(series);
    assert_eq!(series[0], series[1]);
    assert!(
        series[0]
            .iter()
            .any(|line| line.contains("expectation=\"carrier: one_of\""))
    );
    assert!(!cases(after.to_junit()).concat().contains("DL"));
    assert!(
        after
            .results
            .iter()
            .any(|of| of.description.contains("one of AA, DL"))
    );
}

/// A name for each, that of the rule's JSON, whatever the columns are called.
#[test]
fn names_are_of_one_expectation() {
    for expectation in every_rule().expectations() {
        let json = serde_json::to_value(expectation.rule()).unwrap();
        let written = json.as_object().and_then(|of| of.keys().next().cloned());
        let written = written.unwrap_or_else(|| json.as_str().unwrap_or_default().to_owned());
        assert_eq!(expectation.rule().name(), written);
        assert!(expectation.name().contains(&written));
    }
    let hostile = [
        Expectation::on("x", Rule::NotNull),
        Expectation::on("x", Rule::NotNull).mostly(0.5).unwrap(),
        Expectation::on("x: not_null 2", Rule::NotNull),
        Expectation::on("x", Rule::NotNull)
            .only_where("y 2", Rule::NotNull)
            .unwrap(),
        Expectation::on("x", Rule::NotNull)
            .only_where("y", Rule::NotNull)
            .unwrap(),
        Expectation::on("x", Rule::NotNull)
            .only_where("y", Rule::Missing)
            .unwrap(),
        Expectation::on("x, y", Rule::Unique),
        Expectation::on("x", Rule::UniqueWith(vec!["y".into()])),
    ];
    for suite in [every_rule(), Suite::new(hostile)] {
        let names: BTreeSet<String> = suite.names().into_iter().collect();
        assert_eq!(names.len(), suite.expectations().len(), "{names:?}");
    }
}

proptest! {
    /// Against a count of every broken value.
    #[test]
    fn broken_values_are_counted(of in prop::collection::vec(value(), 0..60)) {
        let found = result(Rule::between(-0.6, 0.6).unwrap(), Arc::new(Float64Array::from(of.clone())));
        let broken = of.iter().flatten().filter(|x| x.abs() > 0.6);
        let mut counted: Vec<(f64, u64)> = Vec::new();
        for &x in broken {
            match counted.iter_mut().find(|(known, _)| *known == x) {
                Some((_, rows)) => *rows += 1,
                None => counted.push((x, 1)),
            }
        }
        counted.truncate(10);
        let found: Vec<(f64, u64)> = values(&found).iter().map(|(x, rows)| (x.parse().unwrap(), *rows)).collect();
        prop_assert_eq!(found, counted);
    }
}

#[test]
fn every_format_tells_what_was_wrong() {
    let labels: Vec<String> = (0..1_000).map(|i| format!("<{}>", i / 2)).collect();
    let column =
        StringArray::from_iter_values(labels.iter().map(String::as_str).chain(["ok", " ok"]));
    let suite = Suite::new([Expectation::on("x", Rule::one_of(["ok"]))]);
    let report = suite
        .validate(&table([("x", Arc::new(column) as ArrayRef)]))
        .unwrap();
    let junit = report.to_junit();
    assert!(junit.contains("message=\"x is one of ok: broken by 1001 of 1002 rows, first by row 0: &lt;0&gt; (2 rows); "));
    assert!(
        junit.contains("&lt;9&gt; (2 rows); others in 981 rows\"/>"),
        "{junit}"
    );
    assert!(!junit.contains("&lt;10&gt;"));
    assert!(
        report
            .to_markdown()
            .contains("(2 rows); others in 981 rows")
    );
    assert!(report.to_json().unwrap().contains(r#""value": "<9>""#));
    #[cfg(feature = "html")]
    assert!(
        report
            .to_html()
            .unwrap()
            .contains("9&#62; (2 rows); others in 981 rows")
    );
    let spaces = suite
        .validate(&table([("x", texts(&[" ok", "", "ok"]))]))
        .unwrap();
    assert!(
        spaces.to_markdown().contains("\" ok\"; \"\""),
        "{}",
        spaces.to_markdown()
    );
    // Values that were not looked at break nothing.
    let unchecked = result(Rule::between(0, 1).unwrap(), texts(&["a"]));
    assert!(
        unchecked.broken == 1 && unchecked.values.is_empty(),
        "{unchecked:?}"
    );
}

/// Of three expectations the second, in every way in which it can be wrong.
#[test]
fn an_error_says_which_expectation_is_wrong() {
    let suite = |wrong: &str| {
        format!(
            r#"{{"version": 2, "expectations": [
                {{"column": "x", "rule": "not_null"}},
                {{"column": "hour", {wrong}}},
                {{"column": "y", "rule": {{"one_of": ["18446744073709551616"]}}}}
            ]}}"#
        )
    };
    assert!(Suite::from_json(&suite(r#""rule": "unique""#)).is_ok());
    for (wrong, rule) in [
        (
            r#""rule": {"between": {"min": 2, "max": 1}}"#,
            Some("between"),
        ),
        (r#""rule": {"between": {"minimum": 2}}"#, Some("between")),
        (
            r#""rule": {"between": {"min": 18446744073709551616}}"#,
            Some("between"),
        ),
        (r#""rule": {"matches": "("}"#, Some("matches")),
        (r#""rule": {"sounds_nice": 1}"#, Some("sounds_nice")),
        (r#""rule": "sounds_nice""#, Some("sounds_nice")),
        (r#""rule": "not_null", "mostly": 1.5"#, Some("not_null")),
        (r#""rule": "not_null", "most": 1"#, Some("not_null")),
        (r#""severity": "error""#, None),
    ] {
        let error = Suite::from_json(&suite(wrong)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        let rule = rule.map_or_else(String::new, |rule| format!(", rule: {rule}"));
        let place = format!("(expectation: 2 of 3, column: hour{rule}");
        assert!(error.to_string().contains(&place), "{error}");
    }
    #[cfg(feature = "toml")]
    for wrong in [
        "rule.between.minimum = 1",
        "rule.between.min = 2013-01-01",
        "rule.between = {}",
    ] {
        let of = |rule: &str| format!("[[expectations]]\ncolumn = \"hour\"\n{rule}\n");
        let text = format!("version = 2\n{}{}", of("rule = \"unique\""), of(wrong));
        let error = Suite::from_toml(&text).unwrap_err().to_string();
        assert!(
            error.contains("(expectation: 2 of 2, column: hour, rule: between"),
            "{error}"
        );
        assert!(!error.contains('\n'), "{error}");
    }
    #[cfg(feature = "toml")]
    for (integer, of_rule) in [
        ("18446744073709551616", "between.min"),
        ("-9_223_372_036_854_775_809", "between.max"),
        ("0x1_0000_0000_0000_0000", "between.min"),
        ("340282366920938463463374607431768211456", "between.min"), // 2^128
        ("18446744073709551616", "rows.min"),
    ] {
        let of = |rule: &str| format!("[[expectations]]\ncolumn = \"hour\"\n{rule}\n");
        let wrong = of(&format!("rule.{of_rule} = {integer}"));
        let text = format!("version = 2\n{}{wrong}{wrong}", of("rule = \"unique\""));
        let rule = of_rule.split('.').next().unwrap();
        let error = Suite::from_toml(&text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert_eq!(
            error.to_string(),
            format!(
                "not a suite of expectations: an integer must lie in [-2^63, 2^64) or be written as a text in quotation marks, got {integer} \
                 (expectation: 2 of 3, column: hour, rule: {rule})"
            )
        );
        let newer = Suite::from_toml(&text.replace("version = 2", "version = 3"));
        let is_announced = !integer.starts_with("34"); // TOML reads no more than 128 bits
        assert_eq!(
            newer.unwrap_err().kind() == ErrorKind::Unsupported,
            is_announced
        );
    }
    let built = Suite::new([
        Expectation::on("x", Rule::NotNull),
        Expectation::on("x", Rule::Matches("(".into())),
    ]);
    let batch = table([("x", texts(&["a"]))]);
    let profile = TableProfile::of(&batch).unwrap();
    for error in [
        built.validate(&batch).unwrap_err(),
        built
            .validate_profile(&profile, &Context::default())
            .unwrap_err(),
    ] {
        let place = "(expectation: 2 of 2, column: x, rule: matches)";
        assert!(error.to_string().ends_with(place), "{error}");
    }
}

#[test]
fn a_condition_outside_a_list_is_told_where_it_belongs() {
    let json = r#"{"version": 2, "expectations": [{"column": "x", "rule": "not_null", "where": {"column": "y", "rule": "not_null"}}]}"#;
    let error = Suite::from_json(json).unwrap_err().to_string();
    assert!(
        error.contains("expected a list of conditions, each with `column` and `rule`"),
        "{error}"
    );
    assert!(error.contains("expectation: 1 of 1, column: x"), "{error}");
}

/// A label that no value of the column could have makes a rule that nothing could break.
#[test]
fn forbidden_labels_must_be_possible() {
    let integers = || Arc::new(Int32Array::from(vec![1, -2])) as ArrayRef;
    let truths = || Arc::new(BooleanArray::from(vec![true, false])) as ArrayRef;
    let bytes_of = || Arc::new(UInt8Array::from(vec![1, 255])) as ArrayRef;
    let coded = || {
        arrow::compute::cast(
            &integers(),
            &DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Int32)),
        )
        .unwrap()
    };
    for (column, label, told) in [
        (
            integers(),
            "x",
            "int32 must be integers from \"-2147483648\" to \"2147483647\", got x",
        ),
        (integers(), "01", "got 01"),
        (integers(), "1.0", "got 1.0"),
        (integers(), "-0", "got -0"),
        (coded(), "", "to \"2147483647\", got \"\""),
        (
            truths(),
            "True",
            "bool must be \"false\" or \"true\", got True",
        ),
        (truths(), "1", "got 1"),
        (integers(), "2147483648", "got 2147483648"),
        (
            bytes_of(),
            "-1",
            "uint8 must be integers from \"0\" to \"255\", got -1",
        ),
        (bytes_of(), "256", "got 256"),
    ] {
        let result = result(Rule::none_of([label]), column);
        assert!(!result.passed && result.applicable);
        assert!(
            result.reason.starts_with("cannot be checked") && result.reason.contains(told),
            "{}",
            result.reason
        );
    }
    assert_eq!(result(Rule::none_of(["-2", "7"]), integers()).broken, 1);
    assert_eq!(result(Rule::none_of(["true"]), truths()).broken, 1);
    assert!(result(Rule::none_of(["x"]), Arc::new(StringArray::from(vec!["y"]))).passed);
    let table = table([("x", truths())]);
    let suite = Suite::new([Expectation::on("x", Rule::none_of(["True"]))]);
    let profile = TableProfile::of(&table).unwrap();
    let report = suite
        .validate_profile(&profile, &Context::default())
        .unwrap();
    assert!(report.results[0].reason.contains("got True"));
}

/// Labels are texts; those of integers and booleans are written in quotation marks, and found.
#[test]
fn a_label_without_quotation_marks_is_told_how_to_be_written() {
    for rule in ["one_of", "none_of", "all_of"] {
        for (wrong, found) in [
            ("1", "integer `1`"),
            ("true", "boolean `true`"),
            ("1.5", "floating point `1.5`"),
        ] {
            let how = "expected a label, which is a text in quotation marks: \"1\" for an integer 1, \"true\" for a boolean";
            let json = format!(
                r#"{{"version": 2, "expectations": [{{"column": "x", "rule": {{"{rule}": ["0", {wrong}]}}}}]}}"#
            );
            let errors = [
                Suite::from_json(&json).unwrap_err().to_string(),
                #[cfg(feature = "toml")]
                Suite::from_toml(&format!(
                    "version = 2\n[[expectations]]\ncolumn = \"x\"\nrule.{rule} = [\"0\", {wrong}]"
                ))
                .unwrap_err()
                .to_string(),
            ];
            for error in errors {
                assert!(
                    error.contains(&format!("invalid type: {found}, {how}")),
                    "{error}"
                );
                let place = format!("(expectation: 1 of 1, column: x, rule: {rule}, written as: ");
                assert!(error.contains(&place), "{error}");
            }
        }
    }
    let of_integers = Arc::new(Int32Array::from(vec![1, 2])) as ArrayRef;
    let of_booleans = Arc::new(BooleanArray::from(vec![true, false])) as ArrayRef;
    for (column, label, other) in [(of_integers, "1", "2"), (of_booleans, "true", "false")] {
        let rule = Rule::from_json(&format!(r#"{{"one_of": ["{label}"]}}"#)).unwrap();
        let found = result_in(&table([("x", column)]), rule, &Context::default());
        assert_eq!((found.broken, found.values[0].value.as_str()), (1, other));
    }
}

#[test]
fn a_wrong_type_is_told_with_those_that_are_right() {
    let floats = || Arc::new(Float64Array::from(vec![1.5])) as ArrayRef;
    let bytes = || Arc::new(BinaryArray::from(vec![b"a".as_ref()])) as ArrayRef;
    let numbers = "must hold numbers, booleans, dates, times or durations";
    let labels = "must hold texts, booleans or integers";
    let mean = || Rule::Mean(Bounds::default().min(0));
    let all_of = || Rule::AllOf(["a".to_owned()].into());
    for (rule, column, takes, found) in [
        (Rule::between(0, 1).unwrap(), texts(&["a"]), numbers, "text"),
        (Rule::Increasing, bytes(), numbers, "bytes"),
        (mean(), texts(&["a"]), numbers, "text"),
        (Rule::one_of(["a"]), floats(), labels, "float64"),
        (Rule::none_of(["a"]), bytes(), labels, "bytes"),
        (all_of(), floats(), labels, "float64"),
        (Rule::matches("a").unwrap(), floats(), labels, "float64"),
        (Rule::Length((1..).into()), bytes(), labels, "bytes"),
    ] {
        let batch = table([("x", column)]);
        let by_rows = result_in(&batch, rule.clone(), &Context::default());
        let why = format!("cannot be checked: the column {takes}, got {found}");
        assert_eq!((by_rows.passed, by_rows.reason), (false, why.clone()));
        let profile = TableProfile::of(&batch).unwrap();
        let suite = Suite::new([Expectation::on("x", rule.clone())]);
        let by_profile = suite
            .validate_profile(&profile, &Context::default())
            .unwrap();
        let reason = &by_profile.results[0].reason;
        let is_profiled = found != "bytes" && !matches!(rule, Rule::AllOf(_));
        assert!(!is_profiled || *reason == why, "{rule}: {reason}");
    }
    let both = table([
        ("x", Arc::new(Int32Array::from(vec![1])) as ArrayRef),
        ("y", texts(&["a"])),
        ("day", Arc::new(Date32Array::from(vec![1]))),
        ("flag", Arc::new(BooleanArray::from(vec![true]))),
    ]);
    let reason = |rule| result_in(&both, rule, &Context::default()).reason;
    let ordered = reason(Rule::AtMost { column: "y".into() });
    assert_eq!(
        ordered,
        format!("cannot be checked: the column {numbers}, got text (column: y)")
    );
    for (column, found) in [("y", "text"), ("day", "date32")] {
        let equal = reason(Rule::EqualTo {
            column: column.into(),
        });
        assert!(
            equal.ends_with(&format!("got int32 and {found}")),
            "{equal}"
        );
    }
    assert!(
        reason(Rule::AtMost {
            column: "flag".into()
        })
        .starts_with("obeyed")
    );
}

/// What is written can be read as the very number, and is short.
#[test]
fn numbers_are_written_for_readers() {
    let numbers = [
        1e308,
        -1e308,
        5e-324,
        1e-5,
        0.1,
        123_456_789.123,
        1e15,
        1e16,
        0.0,
        1.0 / 3.0,
    ];
    for x in numbers {
        let rule = Rule::at_least(x).unwrap().to_string();
        let written = rule.strip_prefix("at least ").unwrap();
        assert_eq!(written.parse::<f64>().unwrap(), x, "{rule}");
        assert!(written.len() <= 24, "{rule}");
        let mean = result(
            Rule::Mean(Bounds::default().min(0)),
            Arc::new(Float64Array::from(vec![x])),
        );
        assert_eq!(mean.reason, format!("the mean is {written}"));
    }
    let error = Expectation::on("x", Rule::NotNull)
        .mostly(1e308)
        .unwrap_err();
    assert!(error.to_string().ends_with("got 1e308"), "{error}");
    let rare = Expectation::on("x", Rule::NotNull).level(SignificanceLevel::new(1e-300).unwrap());
    assert_eq!(
        rare.unwrap().to_string(),
        "x is not missing at level 1e-300"
    );
    let quantile = |share| Rule::Quantile {
        share,
        within: Bounds::default().max(f64::MAX),
    };
    let suite = Suite::new([Expectation::on("x", quantile(1e308))]);
    let error = suite
        .to_json()
        .and_then(|json| Suite::from_json(&json))
        .unwrap_err();
    assert!(error.to_string().contains("got 1e308"), "{error}");
    assert!(
        quantile(0.5)
            .to_string()
            .ends_with("at most 1.7976931348623157e308")
    );
}

/// Labels as long as books, and thousands of columns, make no reason of their length.
#[test]
fn what_is_listed_is_short() {
    let long = "é".repeat(100_000);
    let rule = Rule::one_of([long.as_str(), "b"]);
    assert!(rule.to_string().chars().count() < 100);
    let absent: BTreeSet<String> = (0..5_000).map(|i| format!("label {i}")).collect();
    let found = result(Rule::AllOf(absent), texts(&["a"]));
    assert!(
        found.reason.ends_with("and 4992 more") && found.reason.len() < 200,
        "{found:?}"
    );
}
