//! Expectations of units in place of rows.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, FixedSizeListArray, Float64Array, Int32Array, RecordBatch, StringArray,
};
use arrow::datatypes::Float64Type;
use mlops_core::ErrorKind;
use mlops_core::evidence::SignificanceLevel;
use mlops_drift::DriftCheck;
use mlops_drift::expectation::{
    Checkpoint, Context, Expectation, ExpectationResult, Rule, Suite, ValidationReport,
};
use mlops_drift::profile::TableProfile;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::table;

const ALPHA: SignificanceLevel = SignificanceLevel::FIVE_PERCENT;

fn by_unit(rule: Rule, mostly: f64) -> Expectation {
    let expectation = Expectation::on("x", rule).mostly(mostly).unwrap();
    expectation.level(ALPHA).unwrap().unit("unit").unwrap()
}

fn compared_by_unit() -> Expectation {
    let rule = Rule::DistributedAs {
        table: "reference".into(),
    };
    Expectation::on("x", rule)
        .level(ALPHA)
        .unwrap()
        .unit("unit")
        .unwrap()
}

fn one(report: ValidationReport) -> ExpectationResult {
    report.results.into_iter().next().unwrap()
}

/// Rows of units in turn, `None` where the unit is missing.
fn of(units: &[Option<&str>], x: &[Option<f64>]) -> RecordBatch {
    table([
        (
            "unit",
            Arc::new(StringArray::from(units.to_vec())) as ArrayRef,
        ),
        ("x", Arc::new(Float64Array::from(x.to_vec()))),
    ])
}

/// Twelve units of which three hold a broken row: P(Binomial(12, 0.1) ≥ 3) = 1 − 0.28243 − 0.37657 − 0.23013 = 0.11087. One of the three holds two.
#[test]
fn a_unit_obeys_if_all_of_its_rows_do() {
    let names: Vec<String> = (0..24).map(|row| format!("u{}", row % 12)).collect();
    let names: Vec<Option<&str>> = names.iter().map(|name| Some(name.as_str())).collect();
    let x: Vec<Option<f64>> = (0..24)
        .map(|row| {
            Some(if [1, 5, 7, 13].contains(&row) {
                -1.0
            } else {
                1.0
            })
        })
        .collect();
    let suite = Suite::new([by_unit(Rule::at_least(0.0).unwrap(), 0.9)]);
    let result = one(suite.validate(&of(&names, &x)).unwrap());
    let p = result.p_value.unwrap().get();
    assert!((p - 0.11087).abs() < 1e-5, "{p}");
    assert!(
        result.passed && result.reason.contains("3 of 12 units"),
        "{}",
        result.reason
    );
}

/// Four rows without a unit are one unit, and units without a value cannot break a rule on values: of three units one could, and
/// P(Binomial(3, 0.1) ≥ 1) = 0.271 is no evidence at 5 %.
#[test]
fn units_that_cannot_fail_are_told() {
    let units = [None, None, Some("a"), Some("b"), None, None];
    let x = [Some(-1.0), Some(-1.0), None, None, Some(-1.0), Some(-1.0)];
    let suite = Suite::new([by_unit(Rule::at_least(0.0).unwrap(), 0.9)]);
    let result = one(suite.validate(&of(&units, &x)).unwrap());
    assert!(!result.applicable, "{}", result.reason);
    assert!(
        result.reason.contains("4 values in 6 rows of 3 units"),
        "{}",
        result.reason
    );
}

fn labels(rng: &mut ChaCha8Rng, units: usize, rows: usize, often: f64) -> [ArrayRef; 2] {
    let numbers = (0..rows).map(|_| rng.random_range(0..units as i32));
    let numbers: Vec<i32> = numbers.collect();
    let text = |_: &i32| match rng.random_range(0.0..1.0) {
        u if u < often => Some("a"),
        u if u < 0.9 => Some("b"),
        _ => None,
    };
    let texts: StringArray = numbers.iter().map(text).collect();
    [Arc::new(Int32Array::from(numbers)), Arc::new(texts)]
}

/// Rows of a unit are alike.
fn numbers(rng: &mut ChaCha8Rng, units: usize, shift: f64) -> [ArrayRef; 2] {
    let (mut unit, mut x) = (vec![], vec![]);
    for number in 0..units {
        let centre = rng.random_range(0.0..1.0) + shift;
        for _ in 0..10 {
            unit.push(number as i32);
            x.push(centre + 0.1 * rng.random_range(0.0..1.0));
        }
    }
    [
        Arc::new(Int32Array::from(unit)),
        Arc::new(Float64Array::from(x)),
    ]
}

fn embeddings(rng: &mut ChaCha8Rng, units: usize) -> [ArrayRef; 2] {
    let [unit, x] = numbers(rng, units, 0.0);
    let rows = (0..x.len()).map(|_| Some([0.0; 2].map(|_| Some(rng.random_range(0.0..1.0)))));
    let rows: Vec<_> = rows.collect();
    let lists = FixedSizeListArray::from_iter_primitive::<Float64Type, _, _>(rows, 2);
    [unit, Arc::new(lists)]
}

fn named([unit, x]: [ArrayRef; 2]) -> RecordBatch {
    table([("unit", unit), ("x", x)])
}

fn context(reference: &RecordBatch) -> Context {
    Context::default().table("reference", reference.clone())
}

/// The p-value is that of a drift check by unit: numbers, labels that vary within units, and embeddings.
#[test]
fn a_comparison_by_unit_is_that_of_a_drift_check() {
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let pairs = [
        [numbers(rng, 40, 0.0), numbers(rng, 30, 0.1)],
        [labels(rng, 30, 200, 0.3), labels(rng, 25, 150, 0.5)],
        [embeddings(rng, 40), embeddings(rng, 30)],
    ];
    for pair in pairs {
        let [reference, current] = pair.map(named);
        let check = DriftCheck::against(&reference)
            .unit("unit", ["x"])
            .columns(["x"]);
        let report = check.run(&current).unwrap();
        let finding = report.columns[0].value.clone().unwrap();
        let suite = Suite::new([compared_by_unit()]);
        let result = one(suite.validate_with(&current, &context(&reference)).unwrap());
        let (got, want) = (result.p_value.unwrap().get(), finding.p_value.get());
        assert!(
            (got - want).abs() < 1e-9,
            "{got} is not {want}: {}",
            result.reason
        );
    }
}

/// Taken for rows, they nearly always differ; as units at most one in twenty does, and a shift is seen.
#[test]
fn a_comparison_by_unit_keeps_its_level() {
    let fails = |expectation: &Expectation, shift: f64| {
        let failed = (0..60).filter(|&seed| {
            let rng = &mut ChaCha8Rng::seed_from_u64(seed);
            let reference = named(numbers(rng, 20, 0.0));
            let current = named(numbers(rng, 20, shift));
            let suite = Suite::new([expectation.clone()]);
            !suite
                .validate_with(&current, &context(&reference))
                .unwrap()
                .passed()
        });
        failed.count()
    };
    let rule = Rule::DistributedAs {
        table: "reference".into(),
    };
    let of_rows = Expectation::on("x", rule).level(ALPHA).unwrap();
    // At exactly 5 %, more than 11 of 60 have a probability below 1e-4.
    assert!(fails(&compared_by_unit(), 0.0) <= 11);
    assert!(fails(&of_rows, 0.0) > 40);
    assert!(fails(&compared_by_unit(), 0.8) > 55);
}

/// However a table is cut, and wherever the validation is put aside and taken up again.
#[test]
fn parts_and_checkpoints_say_what_the_whole_table_does() {
    let rng = &mut ChaCha8Rng::seed_from_u64(7);
    for pair in [
        [numbers(rng, 20, 0.0), numbers(rng, 20, 0.3)],
        [labels(rng, 30, 200, 0.3), labels(rng, 25, 150, 0.5)],
        [embeddings(rng, 20), embeddings(rng, 20)],
    ] {
        let [reference, current] = pair.map(named);
        let context = context(&reference);
        let suite = Suite::new([compared_by_unit(), by_unit(Rule::NotNull, 0.5)]);
        let whole = suite.validate_with(&current, &context).unwrap();
        for cut in [1, current.num_rows() / 2, current.num_rows() - 3] {
            let [first, second] = [(0, cut), (cut, current.num_rows() - cut)]
                .map(|(at, rows)| current.slice(at, rows));
            let mut validator = suite.validator(&current.schema(), &context).unwrap();
            validator.check(&first).unwrap();
            let saved = serde_json::to_string(&validator.checkpoint().unwrap()).unwrap();
            let saved: Checkpoint = serde_json::from_str(&saved).unwrap();
            let resumed = suite.resume(&saved, &current.schema(), &context).unwrap();
            for mut validator in [validator, resumed] {
                validator.check(&second).unwrap();
                assert_eq!(validator.finish().unwrap().results, whole.results);
            }
        }
    }
}

#[test]
fn units_that_cannot_be_told_cannot_be_checked() {
    let reference = of(&[Some("a"), Some("b")], &[Some(1.0), Some(2.0)]);
    let current = table([(
        "x",
        Arc::new(Float64Array::from(vec![1.0, 2.0])) as ArrayRef,
    )]);
    let suite = Suite::new([compared_by_unit(), by_unit(Rule::NotNull, 0.5)]);
    let report = suite.validate_with(&current, &context(&reference)).unwrap();
    for result in &report.results {
        assert!(
            !result.passed && result.reason.contains("\"unit\" is missing"),
            "{}",
            result.reason
        );
    }
    let profile = TableProfile::of(&reference).unwrap();
    let report = suite
        .validate_profile(&profile, &context(&reference))
        .unwrap();
    assert!(
        report
            .results
            .iter()
            .all(|result| result.reason.contains("which rows are of one unit"))
    );
    let known = Context::default().profile("reference", profile);
    let result = one(suite.validate_with(&reference, &known).unwrap());
    assert!(
        result.reason.contains("a profile holds no units"),
        "{}",
        result.reason
    );
    let error = Expectation::on("x", Rule::NotNull)
        .unit("unit")
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let empty = reference.slice(0, 0);
    let result = one(suite.validate_with(&empty, &context(&reference)).unwrap());
    assert!(
        !result.passed && result.reason.contains("2 units in the reference, 0 here"),
        "{}",
        result.reason
    );
}

#[test]
fn a_unit_is_kept_in_a_file() {
    let suite = Suite::new([by_unit(Rule::NotNull, 0.5), compared_by_unit()]);
    let json = suite.to_json().unwrap();
    assert!(json.contains("\"unit\": \"unit\""), "{json}");
    assert_eq!(Suite::from_json(&json).unwrap(), suite);
    assert_eq!(
        compared_by_unit().to_string(),
        "x is distributed as in reference at level 0.05, by unit"
    );
}

fn held_to(
    expectation: Expectation,
    reference: &RecordBatch,
    current: &RecordBatch,
) -> ExpectationResult {
    one(Suite::new([expectation])
        .validate_with(current, &context(reference))
        .unwrap())
}

fn at_level(level: f64) -> Expectation {
    let rule = Rule::DistributedAs {
        table: "reference".into(),
    };
    let level = SignificanceLevel::new(level).unwrap();
    Expectation::on("x", rule)
        .level(level)
        .unwrap()
        .unit("unit")
        .unwrap()
}

/// Of three against three the least p-value is 2/C(6, 3) = 0.1, of five against five 2/C(10, 5) = 0.0079, and of nine facets nine times 2/C(8, 4).
#[test]
fn units_that_are_too_few_to_differ_are_told() {
    let numbers = |units: usize, first: f64| {
        let unit = Int32Array::from_iter_values(0..units as i32);
        let x = Float64Array::from_iter_values((0..units).map(|i| first + i as f64));
        named([Arc::new(unit), Arc::new(x)])
    };
    let apart = |units: usize, level: f64| {
        held_to(
            at_level(level),
            &numbers(units, 0.0),
            &numbers(units, 100.0),
        )
    };
    assert!(!apart(3, 0.05).applicable);
    let found = apart(3, 0.2);
    assert!(found.applicable && !found.passed, "{}", found.reason);
    assert!(!apart(5, 0.005).applicable);
    assert!(!apart(5, 0.01).passed && apart(5, 0.01).applicable);
    let points = |first: f64| {
        let rows = (0..4).map(|i| Some([first + f64::from(i), first].map(Some)));
        let rows: Vec<_> = rows.collect();
        let lists = FixedSizeListArray::from_iter_primitive::<Float64Type, _, _>(rows, 2);
        named([
            Arc::new(Int32Array::from_iter_values(0..4)),
            Arc::new(lists),
        ])
    };
    let found = held_to(at_level(0.05), &points(0.0), &points(100.0));
    assert!(!found.applicable, "{}", found.reason);
}

/// Labels that no two units share say nothing, and permutations end at one in some thousands.
#[test]
fn labels_of_which_nothing_follows_are_told() {
    let ids = |first: i32| {
        let unit = Int32Array::from_iter_values((0..400).map(|row| row / 2));
        let x = StringArray::from_iter_values((0..400).map(|row| format!("id {}", first + row)));
        named([Arc::new(unit), Arc::new(x)])
    };
    let found = held_to(compared_by_unit(), &ids(0), &ids(400));
    assert!(
        !found.applicable && found.reason.contains("as identifiers are"),
        "{}",
        found.reason
    );
    let report = DriftCheck::against(&ids(0))
        .unit("unit", ["x"])
        .columns(["x"]);
    let report = report.run(&ids(400)).unwrap();
    assert_eq!(report.verdict.untested_columns, ["x"]);

    let mixed = |swapped: bool| {
        let unit = Int32Array::from_iter_values((0..60).map(|row| row / 3));
        let label = |row: i32| ["a", "b"][usize::from((row % 3 == 0) != swapped)];
        let x = StringArray::from_iter_values((0..60).map(label));
        named([Arc::new(unit), Arc::new(x)])
    };
    let found = held_to(at_level(1e-6), &mixed(false), &mixed(true));
    assert!(
        !found.applicable
            && found
                .reason
                .contains("does not show whether the level is reached"),
        "{}",
        found.reason
    );
    assert!(!held_to(at_level(0.001), &mixed(false), &mixed(true)).passed);
    // That equal units are not told apart is sure at any level.
    let alike = held_to(at_level(1e-6), &mixed(false), &mixed(false));
    assert!(alike.applicable && alike.passed, "{}", alike.reason);
}

#[test]
fn units_without_a_mean_are_no_silent_pass() {
    let infinite = |bad: usize| {
        let unit = Int32Array::from_iter_values((0..120).map(|row| row / 2));
        let ends = [f64::NEG_INFINITY, f64::INFINITY];
        let value = |row: usize| {
            if row / 2 < bad {
                ends[row % 2]
            } else {
                row as f64
            }
        };
        named([
            Arc::new(unit),
            Arc::new(Float64Array::from_iter_values((0..120).map(value))),
        ])
    };
    let found = held_to(compared_by_unit(), &infinite(0), &infinite(30));
    assert!(
        !found.passed
            && found
                .reason
                .contains("0 units in the reference and 30 here"),
        "{}",
        found.reason
    );
}

/// A rule on missing values can fail in a unit that holds nothing else: four such units of four have P(Binomial(4, 0.1) = 4) = 1e-4.
#[test]
fn units_of_missing_values_break_a_rule_on_these() {
    let table = of(&[Some("a"), Some("b"), Some("c"), Some("d")], &[None; 4]);
    let result = one(Suite::new([by_unit(Rule::NotNull, 0.9)])
        .validate(&table)
        .unwrap());
    assert!(result.applicable && !result.passed, "{}", result.reason);
    assert!((result.p_value.unwrap().get() - 1e-4).abs() < 1e-12);
}

#[test]
fn a_nested_unit_costs_its_own_expectation_alone() {
    let lists = [Some([Some(1.0)]), Some([Some(2.0)])];
    let unit = FixedSizeListArray::from_iter_primitive::<Float64Type, _, _>(lists, 1);
    let x = Float64Array::from(vec![1.0, 2.0]);
    let table = table([("unit", Arc::new(unit) as ArrayRef), ("x", Arc::new(x))]);
    let suite = Suite::new([
        by_unit(Rule::NotNull, 0.5),
        Expectation::on("x", Rule::NotNull),
    ]);
    let report = suite.validate(&table).unwrap();
    assert!(
        report.results[0].reason.starts_with("cannot be checked"),
        "{}",
        report.results[0].reason
    );
    assert!(report.results[1].passed);
}

/// By rows and by units: a comparison that was begun with one reference is not ended with another.
#[test]
fn a_checkpoint_belongs_to_its_reference() {
    let rng = &mut ChaCha8Rng::seed_from_u64(3);
    let [reference, other, current] = [0.0, 0.5, 0.0].map(|shift| named(numbers(rng, 20, shift)));
    let rule = Rule::DistributedAs {
        table: "reference".into(),
    };
    let of_rows = Expectation::on("x", rule).level(ALPHA).unwrap();
    for expectation in [of_rows, compared_by_unit()] {
        let suite = Suite::new([expectation]);
        let mut validator = suite
            .validator(&current.schema(), &context(&reference))
            .unwrap();
        validator.check(&current).unwrap();
        let saved = validator.checkpoint().unwrap();
        assert!(
            suite
                .resume(&saved, &current.schema(), &context(&reference))
                .is_ok()
        );
        let error = suite
            .resume(&saved, &current.schema(), &context(&other))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().contains("the same reference"), "{error}");
    }
}

/// Where the context holds both, rows are read: a profile has no units.
#[test]
fn a_table_comes_before_a_profile_of_its_name() {
    let rng = &mut ChaCha8Rng::seed_from_u64(3);
    let [reference, current] = [0.0, 0.0].map(|shift| named(numbers(rng, 20, shift)));
    let both = context(&reference).profile("reference", TableProfile::of(&reference).unwrap());
    let result = one(Suite::new([compared_by_unit()])
        .validate_with(&current, &both)
        .unwrap());
    assert!(
        result.applicable && result.p_value.is_some(),
        "{}",
        result.reason
    );
    let own = Expectation::on("x", Rule::NotNull)
        .level(ALPHA)
        .unwrap()
        .unit("x");
    assert!(own.unwrap_err().to_string().contains("another column"));
}
