//! Verdicts, severities, files, and what makes no sense.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, StringArray};
use mlops_core::ErrorKind;
use mlops_core::evidence::SignificanceLevel;
use mlops_drift::expectation::{
    Bounds, Context, Expectation, ExpectationResult, Rule, Severity, Suite,
};
use mlops_drift::profile::TableProfile;

use super::table;

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
    let of_nothing = Suite::new([Expectation::on("x", Rule::NotNull)])
        .validate(&empty)
        .unwrap();
    assert!(!of_nothing.passed() && !of_nothing.results[0].applicable);
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
        (
            r#"{"between": {"min": 2, "max": 1}}"#,
            "got between 2 and 1",
        ),
        (r#"{"matches": "("}"#, "well-formed"),
        (r#"{"length": {"min": 3, "max": 2}}"#, "got 3 and 2"),
        (r#"{"sounds_nice": 1}"#, "sounds_nice"),
        (r#"{"between": {"minimum": 2}}"#, "minimum"),
        (r#""not_null", "mostly": 1.5"#, "(0, 1], got 1.5"),
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
    let suite = Suite::new([Expectation::on("x", Rule::NotNull)]);
    let context = Context::default();
    let mut validator = suite.validator(&batch(2).schema(), &context).unwrap();
    let part = validator.check(&batch(2)).unwrap();
    let error = part.split(&batch(3)).unwrap_err();
    assert!(error.to_string().contains("of 2 rows, got 3"), "{error}");
    let (_, quarantined) = part.split(&batch(2)).unwrap();
    assert!(quarantined.num_rows() == 0 && quarantined.num_columns() == 2);
    assert!(Suite::new([]).split(&quarantined, &context).is_err());
}

/// k of n rows obey: that is a share of k/n, for every k of 1 and more, and every n, without rounding.
#[test]
fn a_share_is_a_quotient() {
    for n in 1..=60_i32 {
        for obeying in 1..=n {
            let column = Int32Array::from_iter_values((0..n).map(|i| i32::from(i < obeying)));
            let batch = table([("x", Arc::new(column) as ArrayRef)]);
            let passes = |share: f64| {
                let expectation = Expectation::on("x", Rule::one_of(["1"])).mostly(share);
                let report = Suite::new([expectation.unwrap()]).validate(&batch).unwrap();
                report.passed()
            };
            let share = f64::from(obeying) / f64::from(n);
            assert!(passes(share), "{obeying} of {n}");
            assert!(share == 1.0 || !passes(share.next_up()), "{obeying} of {n}");
        }
    }
}

/// P(X >= 3) of Binomial(10, 1/10) is 0.07019082640, by its ten terms.
#[test]
fn a_level_asks_for_evidence() {
    let column = Int32Array::from_iter_values((0..10).map(|i| i32::from(i >= 3)));
    let batch = table([("x", Arc::new(column) as ArrayRef)]);
    let result = |level: f64| {
        let expectation = Expectation::on("x", Rule::one_of(["1"]))
            .mostly(0.9)
            .unwrap();
        let level = SignificanceLevel::new(level).unwrap();
        let suite = Suite::new([expectation.level(level).unwrap()]);
        suite.validate(&batch).unwrap().results.remove(0)
    };
    let p = result(0.07).p_value.unwrap().get();
    assert!((p - 0.070_190_826_4).abs() < 1e-12, "{p}");
    assert_eq!((result(0.07).passed, result(0.071).passed), (true, false));
}

/// If a tenth may break the rule, all of n rows do so by chance with probability 10^-n: at 1 % one row or two say nothing.
#[test]
fn rows_too_few_to_fail_do_not_pass() {
    let result = |values: Vec<Option<i32>>, rule: Rule| {
        let batch = table([("x", Arc::new(Int32Array::from(values)) as ArrayRef)]);
        let expectation = Expectation::on("x", rule).mostly(0.9).unwrap();
        let level = SignificanceLevel::ONE_PERCENT;
        let suite = Suite::new([expectation.level(level).unwrap()]);
        let profile = TableProfile::of(&batch).unwrap();
        let by_profile = suite
            .validate_profile(&profile, &Context::default())
            .unwrap();
        let found = suite.validate(&batch).unwrap().results.remove(0);
        let state = |of: &ExpectationResult| (of.applicable, of.passed);
        assert_eq!(state(&found), state(&by_profile.results[0]));
        state(&found)
    };
    let range = || Rule::between(0, 1).unwrap();
    assert_eq!(result(vec![Some(9)], range()), (false, false));
    assert_eq!(result(vec![Some(1)], range()), (false, false));
    assert_eq!(result(vec![Some(9); 3], range()), (true, false));
    assert_eq!(result(vec![Some(1); 3], range()), (true, true));
    // One value of ten: that one in ten breaks the rule is expected.
    let mut one = vec![None; 9];
    one.push(Some(9));
    assert_eq!(result(one.clone(), range()), (false, false));
    assert_eq!(result(one, Rule::NotNull), (true, false));
}

#[test]
fn what_an_expectation_cannot_have_is_an_error() {
    let level = SignificanceLevel::FIVE_PERCENT;
    let comparison = || Expectation::on("x", Rule::DistributedAs { table: "y".into() });
    assert!(Expectation::on("x", Rule::Exists).mostly(0.5).is_err());
    assert!(Expectation::on("x", Rule::Exists).level(level).is_err());
    assert!(comparison().mostly(0.5).is_err());
    assert!(comparison().level(level).is_ok());
    let batch = table([("x", Arc::new(Int32Array::from(vec![1])) as ArrayRef)]);
    for senseless in [
        comparison(),
        Expectation::on_table(Rule::NotNull),
        Expectation::on("x", Rule::Rows((1..).into())),
        Expectation::on("x", Rule::UniqueWith(Vec::new())),
        Expectation::on("x", Rule::Length((5..5).into())),
        Expectation::on(
            "x",
            Rule::Quantile {
                share: 1.0,
                within: Bounds::default().min(0),
            },
        ),
        Expectation::on("x", Rule::Mean(Bounds::default().min("1"))),
        Expectation::on("x", Rule::Mean(Bounds::default().min(1).above(1))),
        Expectation::on("x", Rule::Between(Bounds::default().above(1).max(1))),
        Expectation::on("x", Rule::Between(Bounds::default().max(f64::INFINITY))),
    ] {
        let error = Suite::new([senseless]).validate(&batch).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    }
}
