//! Inferred suites: their promise over seeds, what they see, and that they contain what they were inferred from.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array,
    RecordBatch, StringArray, Time32SecondArray, TimestampNanosecondArray,
};
use mlops_core::ErrorKind;
use mlops_core::evidence::SignificanceLevel;
use mlops_drift::expectation::{Context, Expectation, Inference, Rule, Suite};
use mlops_drift::profile::TableProfile;
use mlops_drift::table::Table;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::table;

fn inferred(table: &dyn Table, level: f64) -> Suite {
    let level = SignificanceLevel::new(level).unwrap();
    Suite::infer(&TableProfile::of(table).unwrap(), level).unwrap()
}

/// The share of rows that the rule tolerates, and the rule; `None` if it was left out.
fn tolerated(suite: &Suite, is: fn(&Rule) -> bool) -> Option<(f64, Rule)> {
    let found = suite.expectations().iter().find(|e| is(e.rule()))?;
    Some((1.0 - found.obeying_share(), found.rule().clone()))
}

/// Five standard deviations of a binomial share: exceeded by chance once in a million.
fn slack(p: f64, runs: u32) -> f64 {
    5.0 * (p * (1.0 - p) / f64::from(runs)).sqrt()
}

/// One column without a level of its own has 4 parts of the level: the error of a share is a quarter.
const LEVEL: f64 = 0.8;
const ERROR: f64 = 0.2;

/// Of uniform values the mass outside is min + 1 - max, and Wilks's bound is exact: it is exceeded as often as it says.
#[test]
fn a_range_errs_as_often_as_it_says() {
    const RUNS: u32 = 2_000;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let exceeded = (0..RUNS).filter(|_| {
        let column = Float64Array::from_iter_values((0..60).map(|_| rng.random::<f64>()));
        let suite = inferred(&table([("x", Arc::new(column) as ArrayRef)]), LEVEL);
        let (share, rule) = tolerated(&suite, |rule| matches!(rule, Rule::Between(_))).unwrap();
        let ends = serde_json::to_value(rule).unwrap()["between"].clone();
        let [min, max] = ["min", "max"].map(|end| ends[end].as_f64().unwrap());
        min + (1.0 - max) > share
    });
    let rate = exceeded.count() as f64 / f64::from(RUNS);
    assert!((rate - ERROR).abs() < slack(ERROR, RUNS), "{rate}");
}

/// Missing values lie in neither gap: with half of them missing the bound holds as well, and is no worse.
#[test]
fn a_range_with_missing_values_errs_no_more() {
    const RUNS: u32 = 2_000;
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let exceeded = (0..RUNS).filter(|_| {
        let values = (0..60).map(|_| rng.random_bool(0.5).then(|| rng.random::<f64>()));
        let values: Vec<Option<f64>> = values.collect();
        let of_column = table([("x", Arc::new(Float64Array::from(values)) as ArrayRef)]);
        let suite = inferred(&of_column, LEVEL);
        let (share, rule) = tolerated(&suite, |rule| matches!(rule, Rule::Between(_))).unwrap();
        let ends = serde_json::to_value(rule).unwrap()["between"].clone();
        let [min, max] = ["min", "max"].map(|end| ends[end].as_f64().unwrap());
        0.5 * (min + (1.0 - max)) > share
    });
    let rate = exceeded.count() as f64 / f64::from(RUNS);
    assert!((rate - ERROR).abs() < slack(ERROR, RUNS), "{rate}");
}

/// Clopper and Pearson's bound errs at most as often as it says; by the steps of the law, somewhat less.
#[test]
fn a_missing_share_errs_at_most_as_often_as_it_says() {
    const RUNS: u32 = 2_000;
    for (seed, share) in [(3, 0.3), (4, 0.01)] {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let exceeded = (0..RUNS).filter(|_| {
            let values = (0..200).map(|_| (!rng.random_bool(share)).then_some(true));
            let column: BooleanArray = values.collect();
            let suite = inferred(&table([("x", Arc::new(column) as ArrayRef)]), LEVEL);
            let found = tolerated(&suite, |rule| *rule == Rule::NotNull);
            share > found.unwrap().0
        });
        let rate = exceeded.count() as f64 / f64::from(RUNS);
        assert!(
            rate <= ERROR + slack(ERROR, RUNS) && rate > ERROR / 4.0,
            "{rate}"
        );
    }
}

/// Five labels so rare that most stay unseen: 1 - ERROR^(1/n), which ignores that they are several, would be exceeded in
/// four of ten runs.
#[test]
fn unseen_labels_are_rarer_than_tolerated() {
    const RUNS: u32 = 400;
    const RARE: f64 = 0.000_45;
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let exceeded = (0..RUNS).filter(|_| {
        let labels: Vec<String> = (0..1_000)
            .map(|_| (rng.random::<f64>() / RARE).floor().min(5.0).to_string())
            .collect();
        let suite = inferred(
            &table([("x", Arc::new(StringArray::from(labels)) as ArrayRef)]),
            LEVEL,
        );
        let (share, rule) = tolerated(&suite, |rule| matches!(rule, Rule::OneOf(_))).unwrap();
        let Rule::OneOf(seen) = rule else {
            return true;
        };
        let unseen = (0..5)
            .filter(|label| !seen.contains(&label.to_string()))
            .count();
        RARE * unseen as f64 > share
    });
    let rate = exceeded.count() as f64 / f64::from(RUNS);
    assert!(rate <= ERROR + slack(ERROR, RUNS), "{rate}");
}

/// Heavy tails and missing values, counts, labels of a geometric law, and truths.
fn drawn(rng: &mut ChaCha8Rng, rows: usize) -> RecordBatch {
    let cauchy = |u: f64| (std::f64::consts::PI * (u - 0.5)).tan();
    let geometric = |u: f64| (-u.ln() * 1.5).floor();
    let column = |of: &mut dyn FnMut() -> ArrayRef| of();
    table([
        (
            "tails",
            column(&mut || {
                let values =
                    (0..rows).map(|_| (!rng.random_bool(0.05)).then(|| cauchy(rng.random())));
                Arc::new(values.collect::<Float64Array>())
            }),
        ),
        (
            "counts",
            column(&mut || {
                let values = (0..rows).map(|_| geometric(rng.random()) as i64);
                Arc::new(Int64Array::from_iter_values(values))
            }),
        ),
        (
            "labels",
            column(&mut || {
                let values = (0..rows).map(|_| geometric(rng.random()).to_string());
                Arc::new(StringArray::from_iter_values(values))
            }),
        ),
        (
            "truths",
            column(&mut || {
                Arc::new(
                    (0..rows)
                        .map(|_| Some(rng.random_bool(0.002)))
                        .collect::<BooleanArray>(),
                )
            }),
        ),
    ])
}

/// A table of the same law fails with probability at most the level, whatever the sizes.
#[test]
fn a_suite_keeps_its_level() {
    const RUNS: u32 = 150;
    for (level, rows, later) in [(0.5, 800, 100), (0.5, 300, 3_000), (0.1, 800, 800)] {
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        let alarms = (0..RUNS).filter(|_| {
            let suite = inferred(&drawn(&mut rng, rows), level);
            !suite.validate(&drawn(&mut rng, later)).unwrap().passed()
        });
        let rate = alarms.count() as f64 / f64::from(RUNS);
        assert!(rate <= level + slack(level, RUNS), "{rate} at {level}");
    }
}

#[test]
fn a_suite_sees_what_is_broken() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let reference = drawn(&mut rng, 2_000);
    let suite = inferred(&reference, 0.05);
    assert_eq!(suite, Suite::from_json(&suite.to_json().unwrap()).unwrap());
    assert!(suite.expectations().iter().all(|e| e.reason().is_some()));
    let good = drawn(&mut rng, 500);
    assert!(suite.validate(&good).unwrap().passed());

    let broken = |name: &str, column: ArrayRef| -> Vec<String> {
        let columns = ["tails", "counts", "labels", "truths"].map(|of| {
            (
                of,
                if of == name {
                    column.clone()
                } else {
                    good[of].clone()
                },
            )
        });
        let report = suite.validate(&table(columns)).unwrap();
        report
            .failures()
            .map(|result| result.description.clone())
            .collect()
    };
    let rows = || 0..500_i64;
    let missing: Float64Array = rows().map(|i| (i % 8 != 0).then_some(0.0)).collect();
    let negative = Int64Array::from_iter_values(rows().map(|i| if i % 10 == 0 { -7 } else { 1 }));
    let unseen =
        StringArray::from_iter_values(rows().map(|i| if i % 10 == 0 { "new" } else { "0" }));
    let floats = Float64Array::from_iter_values(rows().map(|_| 1.0));
    for (name, column, rule) in [
        ("tails", Arc::new(missing) as ArrayRef, "not missing"),
        ("counts", Arc::new(negative), "between 0 and"),
        ("labels", Arc::new(unseen), "one of 0, 1"),
        ("counts", Arc::new(floats), "of type int64"),
    ] {
        let failures = broken(name, column);
        assert!(
            failures.len() == 1 && failures[0].starts_with(&format!("{name} is {rule}")),
            "{failures:?}"
        );
    }
}

/// Extremes that a profile can only keep rounded are still within.
#[test]
fn what_was_seen_lies_within() {
    let long = i64::MAX - 1_000;
    let decimals = (0..200).map(|i| 12_345_678_901_234_567_890_i128 + i * 7);
    let decimals = Decimal128Array::from_iter_values(decimals);
    let seen = table([
        (
            "long",
            Arc::new(Int64Array::from_iter_values((0..200).map(|i| long + i * 3))) as ArrayRef,
        ),
        (
            "negative",
            Arc::new(Int64Array::from_iter_values((0..200).map(|i| -long - i))),
        ),
        (
            "decimal",
            Arc::new(decimals.with_precision_and_scale(30, 7).unwrap()),
        ),
        (
            "infinite",
            Arc::new(Float64Array::from_iter_values(
                (0..200).map(|i| 1.0 / f64::from(i)),
            )),
        ),
        (
            "sunken",
            Arc::new(Float64Array::from_iter_values(
                (0..200).map(|i| f64::from(i).ln()),
            )),
        ),
        (
            "hour",
            Arc::new(Time32SecondArray::from_iter_values(0..200)),
        ),
    ]);
    let suite = inferred(&seen, 0.5);
    let profile = TableProfile::of(&seen).unwrap();
    let by_profile = suite
        .validate_profile(&profile, &Context::default())
        .unwrap();
    let unchecked = by_profile.results.iter().filter(|result| !result.passed);
    // Whole numbers beyond 2^53, and decimals of more than 15 digits, may be rounded.
    let unchecked: Vec<&str> = unchecked
        .map(|result| result.expectation.as_str())
        .collect();
    assert_eq!(
        unchecked,
        ["long: between", "negative: between", "decimal: between"]
    );
    let report = suite.validate(&seen).unwrap();
    let ranges = report
        .results
        .iter()
        .filter(|result| result.description.contains(" is between "));
    assert_eq!(ranges.count(), 4);
    assert!(
        report.results.iter().all(|result| result.broken == 0),
        "{report:?}"
    );
    for open in ["infinite is at least 0.005", "sunken is at most 5.29"] {
        let mut results = report.results.iter();
        assert!(
            results.any(|result| result.description.starts_with(open)),
            "{open}: {report:?}"
        );
    }
}

#[test]
fn what_does_not_follow_is_left_out() {
    let names = (0..300).map(|i| format!("passenger {i}"));
    let columns: [(_, ArrayRef); 4] = [
        ("date", Arc::new(Date32Array::from_iter_values(0..300))),
        (
            "time",
            Arc::new(TimestampNanosecondArray::from_iter_values(0..300)),
        ),
        ("name", Arc::new(StringArray::from_iter_values(names))),
        ("empty", Arc::new(Float64Array::from(vec![None; 300]))),
    ];
    let suite = inferred(&table(columns.clone()), 0.05);
    let rules = |name: &str| -> Vec<&Rule> {
        let of = suite
            .expectations()
            .iter()
            .filter(|e| e.column() == Some(name));
        of.map(Expectation::rule).collect()
    };
    for name in ["date", "time", "name"] {
        assert!(
            matches!(rules(name)[..], [Rule::Type(_), Rule::NotNull]),
            "{:?}",
            rules(name)
        );
    }
    assert!(matches!(rules("empty")[..], [Rule::Type(_), Rule::Missing]));
    let few = inferred(
        &table(columns.map(|(name, column)| (name, column.slice(0, 5)))),
        0.05,
    );
    assert!(few.expectations().iter().all(|e| matches!(
        e.rule(),
        Rule::Type(_) | Rule::Missing | Rule::Rows(_) | Rule::OnlyColumns(_)
    )));

    let profile = TableProfile::of(&table([(
        "x",
        Arc::new(Int64Array::from(vec![1])) as ArrayRef,
    )]));
    let error =
        Suite::infer(&profile.unwrap().empty(), SignificanceLevel::ONE_PERCENT).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the profile must hold at least 1 row, got 0"
    );
}

/// 1 - ERROR^(1/n) is the share of values that n rows without any leave plausible, by the law of the first value.
#[test]
fn a_column_that_was_never_there_is_expected_to_stay_away() {
    let nan = |rows: usize| Arc::new(Float64Array::from(vec![f64::NAN; rows])) as ArrayRef;
    let null = |rows: usize| Arc::new(StringArray::from(vec![None::<&str>; rows])) as ArrayRef;
    let texts = |rows: usize| Arc::new(StringArray::from(vec!["a"; rows])) as ArrayRef;
    let numbers = |rows: usize| Arc::new(Float64Array::from(vec![1.0; rows])) as ArrayRef;
    for (absent, there) in [(nan(500), numbers(500)), (null(500), texts(500))] {
        let absent = table([("x", absent)]);
        let suite = inferred(&absent, LEVEL);
        let (share, _) = tolerated(&suite, |rule| *rule == Rule::Missing).unwrap();
        assert!(
            (share - (1.0 - ERROR.powf(1.0 / 500.0))).abs() < 1e-9,
            "{share}"
        );
        assert!(suite.validate(&absent).unwrap().passed());
        let report = suite.validate(&table([("x", there)])).unwrap();
        let failures: Vec<&str> = report
            .failures()
            .map(|of| of.expectation.as_str())
            .collect();
        assert_eq!(failures, ["x: missing"]);
    }
    // Of two rows, too: the rule tolerates much, but not everything, and it is there to be read.
    let few = inferred(&table([("x", nan(2))]), LEVEL);
    assert!(
        !few.validate(&table([("x", numbers(500))]))
            .unwrap()
            .passed()
    );
    assert!(few.validate(&table([("x", nan(500))])).unwrap().passed());
}

#[test]
fn what_is_left_out_is_told() {
    let times = TimestampNanosecondArray::from_iter_values(0..300);
    let names = (0..3_000).map(|i| format!("passenger {i}"));
    let infinite =
        Float64Array::from_iter_values((0..300).map(|i| [f64::INFINITY, -f64::INFINITY][i % 2]));
    for (column, rule, why) in [
        (
            Arc::new(times) as ArrayRef,
            "type",
            "left out: a range, which later tables leave by the nature of dates",
        ),
        (
            Arc::new(infinite),
            "type",
            "left out: a range, which has no finite end",
        ),
        (
            Arc::new(Int64Array::from(vec![1, 2])),
            "type",
            "left out: not_null, which a share of 0.",
        ),
        (
            Arc::new(StringArray::from_iter_values(names)),
            "length",
            "of 3000 rows none lay outside",
        ),
    ] {
        let suite = inferred(&table([("x", column)]), 0.05);
        let mut found = suite
            .expectations()
            .iter()
            .filter(|e| e.rule().name() == rule);
        let reason = found.next().unwrap().reason().unwrap();
        assert!(reason.contains(why), "{reason}");
    }
}

/// Nothing is expected of what is left out, and the level is all for the others.
#[test]
fn columns_are_left_out_by_name() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let reference = drawn(&mut rng, 800);
    let profile = TableProfile::of(&reference).unwrap();
    let level = SignificanceLevel::FIVE_PERCENT;
    let inference = || Inference::of(&profile, level);
    assert_eq!(
        inference().suite().unwrap(),
        Suite::infer(&profile, level).unwrap()
    );
    let without = inference()
        .except(["tails"])
        .except(["labels", "truths"])
        .suite()
        .unwrap();
    let columns = ["counts", "labels", "tails", "truths"];
    let allowed = Rule::OnlyColumns(columns.map(ToOwned::to_owned).into());
    let of_tables = without
        .expectations()
        .iter()
        .filter(|e| e.column().is_none());
    assert!(
        of_tables
            .map(Expectation::rule)
            .any(|rule| *rule == allowed)
    );
    assert!(
        without
            .expectations()
            .iter()
            .all(|e| matches!(e.column(), None | Some("counts")))
    );
    let alone = TableProfile::of(&reference.project(&[1]).unwrap()).unwrap();
    let alone = Suite::infer(&alone, level).unwrap();
    let of_counts = |suite: &Suite| -> Vec<Expectation> {
        let of = suite
            .expectations()
            .iter()
            .filter(|e| e.column() == Some("counts"));
        of.cloned().collect()
    };
    assert_eq!(of_counts(&without), of_counts(&alone));
    let unknown = inference().except(["tail"]).suite().unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::SignatureMismatch);
    assert_eq!(
        unknown.to_string(),
        "a column to leave out must be one of the 4 of the profiled table, got \"tail\"; they are counts, labels, tails, truths"
    );
}

/// Rows without a value that was missing before are as good as others; one of another label is not.
#[test]
fn an_inferred_suite_sets_apart_what_is_new() {
    let table = |label: &'static str| {
        let coupon = (0..2_000).map(|i| (i % 5 < 2).then_some(i));
        let origin = (0..2_000).map(|i| if i == 7 { label } else { ["JFK", "LGA"][i % 2] });
        super::table([
            (
                "coupon",
                Arc::new(coupon.map(|x| x.map(|i| i % 9)).collect::<Int32Array>()) as ArrayRef,
            ),
            ("origin", Arc::new(StringArray::from_iter_values(origin))),
        ])
    };
    let profile = TableProfile::of(&table("LGA")).unwrap();
    let suite = Suite::infer(&profile, SignificanceLevel::FIVE_PERCENT).unwrap();
    for (label, apart) in [("LGA", 0), ("XXX", 1)] {
        let split = suite.split(&table(label), &Context::default()).unwrap();
        assert_eq!(split.1.num_rows(), apart, "{label}");
    }
}
