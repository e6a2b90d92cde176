//! Presets: their error rates simulated, what they see, and what they refuse.
#![cfg(feature = "html")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs
)]

mod bound;

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
    TimestampSecondArray, UInt32Array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type, TimeUnit};
use bound::most;
use mlops_core::ErrorKind;
use mlops_core::evidence::SignificanceLevel;
use mlops_drift::performance::{Loss, Scored};
use mlops_drift::preset::{self, ChangeVerdict, MetricChange, PerformanceCheck, PerformanceReport};
use mlops_drift::profile::TableProfile;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    rng.random_range(0.0..1.0)
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Rows in units of `copies` equal ones; probabilities are right but for a share of `noise` labels that are drawn by a coin.
fn classified(seed: u64, units: usize, copies: usize, noise: f64) -> RecordBatch {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let (mut late, mut probability, mut user) = (Vec::new(), Vec::new(), Vec::new());
    for unit in 0..units {
        let p = uniform(rng);
        let of_law = if uniform(rng) < noise { 0.5 } else { p };
        let label = uniform(rng) < of_law;
        for _ in 0..copies {
            late.push(Some(label));
            probability.push(p);
            user.push(unit as i64);
        }
    }
    batch(vec![
        ("late", Arc::new(BooleanArray::from(late))),
        ("probability", Arc::new(Float64Array::from(probability))),
        ("user", Arc::new(Int64Array::from(user))),
    ])
}

fn regressed(seed: u64, rows: usize, error: f64) -> RecordBatch {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let truth: Vec<f64> = (0..rows).map(|_| 60.0 * uniform(rng)).collect();
    let predicted = truth
        .iter()
        .map(|x| x + error * (uniform(rng) + uniform(rng) - 1.0));
    let predicted = Float64Array::from_iter_values(predicted);
    batch(vec![
        ("delay", Arc::new(Float64Array::from(truth))),
        ("predicted", Arc::new(predicted)),
    ])
}

/// Lists of ten items of which the third part is relevant; scores know it but for noise.
fn ranked(seed: u64, queries: usize, noise: f64) -> RecordBatch {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let (mut query, mut clicked, mut score) = (Vec::new(), Vec::new(), Vec::new());
    for name in 0..queries {
        for item in 0..10 {
            let relevant = f64::from(u8::from(item % 3 == 0));
            query.push(format!("query {name}"));
            clicked.push(relevant);
            score.push(relevant + noise * uniform(rng));
        }
    }
    batch(vec![
        ("query", Arc::new(StringArray::from(query))),
        ("clicked", Arc::new(Float64Array::from(clicked))),
        ("score", Arc::new(Float64Array::from(score))),
    ])
}

fn weather(seed: u64, rows: usize, noise: f64) -> RecordBatch {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let names = ["sun", "rain", "snow"];
    let (mut truth, mut columns) = (Vec::new(), vec![Vec::new(); 3]);
    for _ in 0..rows {
        let class = rng.random_range(0..3_usize);
        let seen = if uniform(rng) < noise {
            rng.random_range(0..3)
        } else {
            class
        };
        truth.push(names[class]);
        for (other, column) in columns.iter_mut().enumerate() {
            column.push(if other == seen { 0.8 } else { 0.1 });
        }
    }
    let mut named: Vec<(&str, ArrayRef)> = vec![("weather", Arc::new(StringArray::from(truth)))];
    for (name, column) in names.into_iter().zip(columns) {
        named.push((name, Arc::new(Float64Array::from(column))));
    }
    batch(named)
}

fn multiclass() -> PerformanceCheck {
    preset::multiclass("weather", ["sun", "rain", "snow"].map(|name| (name, name)))
}

/// With three origins in turn.
fn with_origins(rows: &RecordBatch) -> RecordBatch {
    let origins = (0..rows.num_rows()).map(|row| ["EWR", "JFK", "LGA"][row % 3]);
    let mut columns: Vec<(&str, ArrayRef)> =
        vec![("origin", Arc::new(StringArray::from_iter_values(origins)))];
    let schema = rows.schema();
    columns.extend(
        schema
            .fields()
            .iter()
            .zip(rows.columns())
            .map(|(field, column)| (field.name().as_str(), column.clone())),
    );
    batch(columns)
}

type Draw = fn(u64) -> RecordBatch;

/// Runs in which the model is called worse.
fn alarms(check: &PerformanceCheck, runs: u32, reference: Draw, current: Draw) -> u32 {
    let worse = (0..u64::from(runs)).filter(|seed| {
        let report = check
            .run(&reference(2 * seed), &current(2 * seed + 1))
            .unwrap();
        report.verdict.worse
    });
    worse.count() as u32
}

#[test]
fn without_a_change_few_models_are_called_worse() {
    let cases: [(&str, PerformanceCheck, u32, Draw); 5] = [
        (
            "classification",
            preset::classification("late", "probability"),
            200,
            |seed| classified(seed, 300, 1, 0.2),
        ),
        (
            "classification by segments",
            preset::classification("late", "probability").segments("origin"),
            200,
            |seed| with_origins(&classified(seed, 300, 1, 0.2)),
        ),
        ("multiclass", multiclass(), 80, |seed| {
            weather(seed, 150, 0.3)
        }),
        (
            "regression",
            preset::regression("delay", "predicted"),
            40,
            |seed| regressed(seed, 150, 9.0),
        ),
        (
            "ranking",
            preset::ranking("query", "clicked", "score", 5),
            40,
            |seed| ranked(seed, 80, 1.5),
        ),
    ];
    for (name, check, runs, draw) in cases {
        let count = alarms(&check, runs, draw, draw);
        println!("{name}: {count} of {runs}");
        assert!(count <= most(runs, 0.05), "{name}: {count} of {runs}");
    }
}

#[test]
fn a_model_that_got_worse_is_seen() {
    let cases: [(&str, PerformanceCheck, Draw, Draw); 4] = [
        (
            "classification",
            preset::classification("late", "probability"),
            |seed| classified(seed, 1_000, 1, 0.0),
            |seed| classified(seed, 1_000, 1, 0.7),
        ),
        (
            "multiclass",
            multiclass(),
            |seed| weather(seed, 400, 0.1),
            |seed| weather(seed, 400, 0.5),
        ),
        (
            "regression",
            preset::regression("delay", "predicted"),
            |seed| regressed(seed, 300, 9.0),
            |seed| regressed(seed, 300, 15.0),
        ),
        (
            "ranking",
            preset::ranking("query", "clicked", "score", 5),
            |seed| ranked(seed, 150, 1.2),
            |seed| ranked(seed, 150, 4.0),
        ),
    ];
    for (name, check, reference, current) in cases {
        let count = alarms(&check, 4, reference, current);
        assert_eq!(count, 4, "{name}");
        assert_eq!(
            alarms(&check, 2, current, reference),
            0,
            "{name}: better is no alarm"
        );
    }
}

/// A model whose predictions are missing where labels are there is no better for it; labels that are not there yet are no fault.
#[test]
fn predictions_that_are_missing_are_told_and_late_labels_are_not() {
    let table = |lost: usize, late: usize| {
        let rows = classified(3, 600, 1, 0.0);
        let keep = |column: &str, from: usize| {
            let values = rows.column_by_name(column).unwrap();
            let indices = (0..600_u32).map(|row| (row as usize >= from).then_some(row));
            arrow::compute::take(values, &UInt32Array::from_iter(indices), None).unwrap()
        };
        let columns = [
            ("late", keep("late", late)),
            ("probability", keep("probability", lost)),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
            .unwrap()
    };
    let check = preset::classification("late", "probability");
    let late = check.run(&table(0, 0), &table(0, 200)).unwrap();
    assert_eq!((late.rows[1].left_out, late.rows[1].broken), (200, 0));
    assert!(!late.headline().contains("lack") && !late.to_junit().contains("<error"));
    let lost = check.run(&table(0, 0), &table(570, 0)).unwrap();
    assert_eq!((lost.rows[1].left_out, lost.rows[1].broken), (570, 570));
    let said =
        "570 of 600 rows lack a value; missing more often than in the reference: probability";
    for text in [
        lost.headline(),
        lost.verdict.reason.clone(),
        lost.to_markdown(),
        lost.to_html().unwrap(),
    ] {
        assert!(text.contains(said), "{text}");
    }
    assert!(
        lost.to_junit()
            .contains(&format!(r#"<error type="performance" message="{said}"/>"#))
    );
    assert!(
        lost.to_openmetrics()
            .contains("mlops_drift_broken_rows{table=\"current\"} 570\n")
    );
    let drift = &lost.target_drift.column("probability").unwrap();
    assert!(drift.verdict.is_drift() && drift.current_missing == 0.95);
    // The same of what labels will show.
    let check = preset::estimated_classification("late", "probability");
    let report = check.run(&table(0, 0), &table(570, 0)).unwrap();
    assert!(report.headline().contains(said) && report.to_junit().contains(said));
}

/// A third of the rows is predicted worse, which is a third of it in all rows: the segment is named, by every task; the figures are those of its rows alone.
#[test]
fn a_segment_that_got_worse_is_named() {
    let reference = with_origins(&regressed(1, 900, 9.0));
    let [better, worse] = [9.0, 14.0].map(|error| with_origins(&regressed(2, 900, error)));
    let is_jfk = |row: usize| row % 3 == 1;
    let rows: Vec<(usize, usize)> = (0..900)
        .map(|row| (usize::from(is_jfk(row)), row))
        .collect();
    let current = arrow::compute::interleave_record_batch(&[&better, &worse], &rows).unwrap();
    let check = preset::regression("delay", "predicted").segments("origin");
    let report = check.run(&reference, &current).unwrap();
    assert_eq!(report.verdict.worse_segments, ["origin = JFK"]);
    assert_eq!(report.segments[0].rows, [300, 300]);
    let jfk = batch_where(&current, is_jfk);
    let alone = preset::regression("delay", "predicted")
        .run(&batch_where(&reference, is_jfk), &jfk)
        .unwrap();
    let mae = |report: &MetricChange| {
        (
            report.reference.as_ref().unwrap().value,
            report.current.as_ref().unwrap().value,
        )
    };
    assert_eq!(
        mae(&report.segments[0].change),
        mae(alone.metric("mae").unwrap())
    );
    // Half of the level for three segments, half for five metrics.
    let confidence = |change: &MetricChange| change.interval.unwrap().confidence();
    assert!((confidence(&report.segments[0].change) - (1.0 - 0.025 / 3.0)).abs() < 1e-12);
    assert!((confidence(report.metric("mae").unwrap()) - (1.0 - 0.025 / 5.0)).abs() < 1e-12);
    for text in [
        report.to_markdown(),
        report.to_html().unwrap(),
        report.to_junit(),
        report.to_openmetrics(),
        report.headline(),
    ] {
        assert!(text.contains("JFK"), "{text}");
    }
    assert_eq!(
        PerformanceReport::from_json(&report.to_json().unwrap()).unwrap(),
        report
    );
    assert!(
        report
            .evidence()
            .iter()
            .any(|evidence| evidence.name == "change of mae in origin = JFK")
    );
}

/// Twenty segments of 300 rows against 40 each, and of shares near 1: far out in the tails that the level of so many asks for.
#[test]
fn many_small_segments_keep_the_level() {
    let of_labels: Draw = |seed| {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let rows = if seed % 2 == 0 { 6_000 } else { 800 };
        let wrong: Vec<bool> = (0..rows).map(|_| uniform(rng) < 0.01).collect();
        let label = |is_sun: bool| if is_sun { "sun" } else { "rain" };
        let given = wrong.iter().map(|wrong| label(!wrong));
        batch(vec![
            (
                "origin",
                Arc::new(Int64Array::from_iter_values((0..rows).map(|row| row % 20))),
            ),
            (
                "weather",
                Arc::new(StringArray::from(vec!["sun"; rows as usize])),
            ),
            ("predicted", Arc::new(StringArray::from_iter_values(given))),
        ])
    };
    let of_numbers: Draw = |seed| {
        let rows = if seed % 2 == 0 { 6_000 } else { 800 };
        let table = regressed(seed, rows, 9.0);
        let origins = Int64Array::from_iter_values((0..rows as i64).map(|row| row % 20));
        batch(vec![
            ("origin", Arc::new(origins)),
            ("delay", table.column(0).clone()),
            ("predicted", table.column(1).clone()),
        ])
    };
    let by_labels = preset::classification_by_labels("weather", "predicted").segments("origin");
    let by_numbers = preset::regression("delay", "predicted").segments("origin");
    for (name, check, draw) in [
        ("labels", by_labels, of_labels),
        ("numbers", by_numbers, of_numbers),
    ] {
        let count = alarms(&check, 60, draw, draw);
        println!("{name}: {count} of 60");
        assert!(count <= most(60, 0.05), "{name}: {count} of 60");
    }
}

/// A reference of no errors at all does not make any error an alarm: five hits of a model that is right in nine of ten rows.
#[test]
fn rows_that_are_all_alike_are_no_certainty() {
    let table = |errors: usize, rows: usize| {
        let truth = Float64Array::from_iter_values((0..rows).map(|row| row as f64));
        let predicted = (0..rows).map(|row| row as f64 + if row < errors { 1.0 } else { 0.0 });
        batch(vec![
            ("delay", Arc::new(truth) as ArrayRef),
            (
                "predicted",
                Arc::new(Float64Array::from_iter_values(predicted)),
            ),
        ])
    };
    let check = preset::regression("delay", "predicted");
    let report = check.run(&table(0, 5), &table(200, 2_000)).unwrap();
    let mae = report.metric("mae").unwrap();
    assert_eq!(mae.verdict, ChangeVerdict::Undefined);
    assert!(
        mae.reason.contains("all 5 rows are alike"),
        "{}",
        mae.reason
    );
    assert!(!report.verdict.worse);
}

/// A column that is compared with itself is predicted perfectly, whatever the model does.
#[test]
fn what_is_predicted_is_no_target() {
    let week = ranked(1, 60, 1.5);
    let told = |error: mlops_core::Error| {
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(
            error
                .to_string()
                .contains("columns of their own, got \"score\" for both"),
            "{error}"
        );
    };
    let classes = [("a", "score"), ("b", "clicked")];
    for check in [
        preset::regression("score", "score"),
        preset::classification("score", "score"),
        preset::multiclass("score", classes),
        preset::classification_by_labels("score", "score"),
        preset::ranking("query", "score", "score", 5),
    ] {
        told(check.run(&week, &week).unwrap_err());
    }
    told(
        preset::estimated_regression("score", "score")
            .run(&week, &week)
            .unwrap_err(),
    );
}

/// Labels of which none is ever right are those of something else.
#[test]
fn predicted_labels_that_never_come_true_are_refused() {
    let flags = Arc::new(BooleanArray::from([true, false].repeat(50))) as ArrayRef;
    let named = |yes: &str, no: &str| Arc::new(StringArray::from([yes, no].repeat(50))) as ArrayRef;
    let week = batch(vec![
        ("late", flags),
        ("python", named("True", "False")),
        ("rust", named("true", "false")),
        ("constant", named("True", "True")),
    ]);
    let check = |said: &str| preset::classification_by_labels("late", said).run(&week, &week);
    let error = check("python").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let told = "got False, True in \"python\" and false, true in \"late\"";
    assert!(error.to_string().contains(told), "{error}");
    assert_eq!(
        check("rust")
            .unwrap()
            .metric("accuracy")
            .unwrap()
            .current
            .unwrap()
            .value,
        1.0
    );
    assert!(check("constant").is_ok()); // one label may be a class that seldom comes true
}

/// Few rows of a reference allow no rule, and a ruined table passes: told of the columns by name, in every format.
#[test]
fn data_quality_tells_of_which_columns_nothing_is_expected() {
    let of = |rows: usize, x: f64| {
        let numbers = Float64Array::from_iter_values((0..rows).map(|i| x * (i % 7) as f64));
        let labels = StringArray::from(vec![if x.is_nan() { "garbage" } else { "a" }; rows]);
        batch(vec![
            ("x", Arc::new(numbers) as ArrayRef),
            ("label", Arc::new(labels)),
        ])
    };
    for (rows, unruled) in [(30, true), (2_000, false)] {
        let quality =
            preset::data_quality(&of(rows, 1.0), SignificanceLevel::FIVE_PERCENT).unwrap();
        let report = quality.run(&of(30, f64::NAN)).unwrap();
        assert_eq!(report.passed(), unruled);
        let told = "Nothing is expected of the values of x, label:";
        assert_eq!(
            report.to_markdown().contains(told),
            unruled,
            "{}",
            report.to_markdown()
        );
        assert_eq!(report.to_html().unwrap().contains(told), unruled);
        let gauge = "mlops_drift_quality_rules{column=\"x\"} 0\n";
        assert_eq!(report.to_openmetrics().contains(gauge), unruled);
    }
}

/// What is missing of a list is told, and that nothing else is: its values are of no kind that rules are inferred for.
#[test]
fn data_quality_tells_of_nested_columns() {
    let table = |missing: i32| {
        let list = |i: i32| (i >= missing).then(|| vec![Some(i)]);
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>((0..400).map(list));
        let numbers = Float64Array::from_iter_values((0..400).map(|i| f64::from(i % 7)));
        let columns = [
            ("x", Arc::new(numbers) as ArrayRef, false),
            ("list", Arc::new(lists), true),
        ];
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    };
    let quality = preset::data_quality(&table(0), SignificanceLevel::FIVE_PERCENT).unwrap();
    let report = quality.run(&table(300)).unwrap();
    let list = &report.columns[1];
    assert_eq!(
        (list.column.as_str(), list.missing, list.rules),
        ("list", 300, Some(0))
    );
    let told = "nothing is expected of the values of 1 column";
    assert!(report.headline().ends_with(told), "{}", report.headline());
    assert!(report.to_junit().contains("skipped=\"1\""));
    assert!(
        report
            .to_openmetrics()
            .contains("mlops_drift_quality_rules{column=\"list\"} 0\n")
    );
}

/// Other classes than those of the reference have no metric of their own that got worse: that they are others is told beside.
#[test]
fn a_target_that_drifted_is_told_beside_the_metrics() {
    let week = |names: [&'static str; 2]| {
        let labels = |of: fn(usize) -> usize| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(
                (0..400).map(|i| names[of(i) % 2]),
            ))
        };
        batch(vec![
            ("class", labels(|i| i)),
            ("said", labels(|i| i + usize::from(i % 20 == 0))),
        ])
    };
    let check = preset::classification_by_labels("class", "said");
    let report = check.run(&week(["a", "b"]), &week(["c", "d"])).unwrap();
    assert!(
        report.headline().ends_with("; drifted: class, said"),
        "{}",
        report.headline()
    );
    let same = check.run(&week(["a", "b"]), &week(["a", "b"])).unwrap();
    assert!(!same.headline().contains("drifted"));
}

/// Times are told as such, whatever their unit.
#[test]
fn data_quality_tells_times() {
    let seconds = TimestampSecondArray::from_iter_values((0..2_000).map(|i| 1_700_000_000 + i));
    let nanos = cast(&seconds, &DataType::Timestamp(TimeUnit::Nanosecond, None)).unwrap();
    let week = batch(vec![("at", nanos)]);
    let quality = preset::data_quality(&week, SignificanceLevel::FIVE_PERCENT).unwrap();
    let told = quality.run(&week).unwrap().to_markdown();
    assert!(told.contains("| 2023-11-14 22:13:20 |"), "{told}");
}

/// What each preset cannot read, with what it can, and where.
#[test]
fn columns_of_other_types_are_told_with_what_they_must_be() {
    let text = || Arc::new(StringArray::from(["no", "yes"].repeat(50))) as ArrayRef;
    let number = || Arc::new(Float64Array::from([0.0, 1.0].repeat(50))) as ArrayRef;
    let week = batch(vec![("text", text()), ("x", number()), ("y", number())]);
    for (check, column, told) in [
        (
            preset::classification("text", "x"),
            "text",
            "boolean, or 0 and 1 (labels are for the presets of several classes), got text",
        ),
        (
            preset::classification("x", "text"),
            "text",
            "a probability must be of floats",
        ),
        (
            preset::multiclass("text", [("no", "x"), ("yes", "text2")]),
            "text2",
            "missing",
        ),
        (
            preset::multiclass("y", [("no", "x"), ("yes", "text")]),
            "text",
            "a probability must be of floats",
        ),
        (
            preset::regression("text", "x"),
            "text",
            "a target of a regression must be of integers",
        ),
        (
            preset::regression("x", "text"),
            "text",
            "a prediction of a regression must be of integers",
        ),
        (
            preset::ranking("y", "text", "x", 3),
            "text",
            "a relevance must be of numbers or boolean",
        ),
        (
            preset::ranking("y", "x", "text", 3),
            "text",
            "a score must be of integers",
        ),
    ] {
        let error = check.run(&week, &week).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SignatureMismatch);
        let error = error.to_string();
        assert!(
            error.contains(told) && error.contains(column) && error.contains("table: reference"),
            "{error}"
        );
    }
    let none: Vec<RecordBatch> = Vec::new();
    let check = preset::regression("x", "y");
    for (error, table) in [
        (check.run(&none, &week), "reference"),
        (check.run(&week, &none), "current"),
    ] {
        let told = format!("the {table} table must hold at least 1 row, got 0, and no column");
        assert!(error.unwrap_err().to_string().contains(&told));
    }
}

/// Every preset reads files and batches as it reads one batch, columns of two roles included; a list of several segments is refused.
#[test]
fn sources_of_any_form_and_columns_of_two_roles() {
    let [reference, current] = [1, 2].map(|seed| ranked(seed, 60, 1.5));
    let check = preset::ranking("query", "clicked", "score", 5);
    let whole = check.run(&reference, &current).unwrap();
    let parts =
        |rows: &RecordBatch| vec![rows.slice(0, 250), rows.slice(250, rows.num_rows() - 250)];
    assert_eq!(
        check
            .run(parts(&reference), parts(&current))
            .unwrap()
            .metrics,
        whole.metrics
    );
    let same = preset::regression("clicked", "score")
        .unit("query")
        .segments("query");
    same.run(parts(&reference), parts(&current)).unwrap();
    let odd = (0..600).map(|row| if row % 2 == 0 { "odd" } else { "even" });
    let odd: ArrayRef = Arc::new(StringArray::from_iter_values(odd));
    let with_odd = batch(vec![
        ("query", reference.column(0).clone()),
        ("clicked", reference.column(1).clone()),
        ("score", reference.column(2).clone()),
        ("side", odd),
    ]);
    let error = check
        .segments("side")
        .run(&with_odd, &with_odd)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("of one segment, got another in row 1"),
        "{error}"
    );
}

fn batch_where(rows: &RecordBatch, holds: impl Fn(usize) -> bool) -> RecordBatch {
    let mask: BooleanArray = (0..rows.num_rows()).map(|row| Some(holds(row))).collect();
    arrow::compute::filter_record_batch(rows, &mask).unwrap()
}

/// Null is a segment; one that occurs in one table alone is undefined, an identifier by mistake refused, and a number no segment.
#[test]
fn odd_segments_are_told_or_refused() {
    let table = |origins: Vec<Option<&str>>| {
        let rows = regressed(5, origins.len(), 9.0);
        batch(vec![
            ("origin", Arc::new(StringArray::from(origins)) as ArrayRef),
            ("delay", rows.column(0).clone()),
            ("predicted", rows.column(1).clone()),
        ])
    };
    let check = preset::regression("delay", "predicted").segments("origin");
    let reference = table([None, Some("JFK")].repeat(40));
    let current = table([None, Some("<b>")].repeat(40));
    let report = check.run(&reference, &current).unwrap();
    let told: Vec<(&str, ChangeVerdict)> = report
        .segments
        .iter()
        .map(|segment| (segment.name(), segment.change.verdict))
        .collect();
    let expected = [
        ("(null)", ChangeVerdict::Same),
        ("<b>", ChangeVerdict::Undefined),
        ("JFK", ChangeVerdict::Undefined),
    ];
    assert_eq!(told, expected);
    assert_eq!(
        report.verdict.undefined_segments,
        ["origin = <b>", "origin = JFK"]
    );
    assert!(
        report
            .headline()
            .ends_with("nothing is known: origin = <b>, origin = JFK")
    );
    assert!(!report.to_openmetrics().contains("JFK"));
    assert!(!report.to_html().unwrap().contains("<b>"));
    assert!(!report.to_markdown().contains("<b>"));
    let names: Vec<String> = (0..1_001).map(|i| i.to_string()).collect();
    let ids = table(names.iter().map(|name| Some(name.as_str())).collect());
    let error = check.run(&ids, &ids).unwrap_err();
    assert!(
        error.to_string().contains("at most 1000 values, got 1001"),
        "{error}"
    );
    let by_number = preset::regression("delay", "predicted").segments("delay");
    assert_eq!(
        by_number.run(&reference, &current).unwrap_err().kind(),
        ErrorKind::Unsupported
    );
    let missing = preset::regression("delay", "predicted").segments("gate");
    assert_eq!(
        missing.run(&reference, &current).unwrap_err().kind(),
        ErrorKind::SignatureMismatch
    );
}

/// Five equal rows a user: taken for independent they alarm too often, as users they keep the level.
#[test]
fn units_keep_the_level_where_rows_do_not() {
    let draw: Draw = |seed| classified(seed, 120, 5, 0.2);
    let check = preset::classification("late", "probability");
    let by_rows = alarms(&check, 60, draw, draw);
    let by_users = alarms(&check.unit("user"), 60, draw, draw);
    println!("by rows {by_rows}, by users {by_users} of 60");
    assert!(
        by_rows > most(60, 0.05) && by_users <= most(60, 0.05),
        "{by_rows}, {by_users}"
    );
}

/// The drift of target and predictions is judged by the same units: by rows it alarms too often, also where an effect of the user or the query, not
/// copies, ties rows together.
#[test]
fn target_drift_keeps_the_level_by_units() {
    let alarms = |check: &PerformanceCheck, draw: Draw| {
        let drifted = (0..20_u64).filter(|seed| {
            let report = check.run(&draw(2 * seed), &draw(2 * seed + 1)).unwrap();
            report.target_drift.verdict.drifted
        });
        drifted.count() as u32
    };
    let copies: Draw = |seed| classified(seed, 120, 5, 0.2);
    let check = preset::classification("late", "probability");
    let by_rows = alarms(&check, copies);
    let by_users = alarms(&check.clone().unit("user"), copies);
    println!("copies: by rows {by_rows}, by users {by_users} of 20");
    assert!(
        by_rows > most(20, 0.05) && by_users <= most(20, 0.05),
        "{by_rows}, {by_users}"
    );
    let of_queries: Draw = |seed| {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let (mut query, mut clicked, mut score) = (Vec::new(), Vec::new(), Vec::new());
        for name in 0..40_i64 {
            let taste = uniform(rng);
            for _ in 0..10 {
                query.push(name);
                clicked.push(f64::from(u8::from(uniform(rng) < taste)));
                score.push(taste + 0.2 * uniform(rng));
            }
        }
        batch(vec![
            ("query", Arc::new(Int64Array::from(query))),
            ("clicked", Arc::new(Float64Array::from(clicked))),
            ("score", Arc::new(Float64Array::from(score))),
        ])
    };
    let by_queries = alarms(&preset::ranking("query", "clicked", "score", 5), of_queries);
    println!("ranking: {by_queries} of 20");
    assert!(by_queries <= most(20, 0.05), "{by_queries}");
}

/// Strings that a classifier gave, against the same through one-hot probabilities; a confusion matrix by hand.
#[test]
fn labels_alone_are_enough_for_a_classifier() {
    let week = |wrong: usize| {
        let names = ["rain", "snow", "sun"];
        let truth: Vec<&str> = (0..300).map(|i| names[i % 3]).collect();
        let given = |i: usize| {
            if i.is_multiple_of(3) && i % 100 < wrong {
                2
            } else {
                i % 3
            }
        };
        let predicted: Vec<&str> = (0..300).map(|i| names[given(i)]).collect();
        let mut columns: Vec<(&str, ArrayRef)> =
            vec![("weather", Arc::new(StringArray::from(truth)))];
        for name in names {
            let sure = predicted
                .iter()
                .map(|given| f64::from(u8::from(*given == name)));
            columns.push((name, Arc::new(Float64Array::from_iter_values(sure))));
        }
        columns.push(("predicted", Arc::new(StringArray::from(predicted.clone()))));
        batch(columns)
    };
    let (before, now) = (week(0), week(50));
    let report = preset::classification_by_labels("weather", "predicted")
        .run(&before, &now)
        .unwrap();
    assert_eq!(report.verdict.worse_metrics.len(), 5);
    let classes = ["rain", "snow", "sun"].map(|name| (name, name));
    let by_probabilities = preset::multiclass("weather", classes)
        .run(&before, &now)
        .unwrap();
    // But for the skill: that of labels counts wrong answers, that of probabilities their log loss.
    let alike = report.metrics.iter().zip(&by_probabilities.metrics).take(4);
    for (one, other) in alike {
        assert_eq!(one.metric, other.metric);
        let value = |change: &preset::MetricChange| change.current.as_ref().unwrap().value;
        assert!((value(one) - value(other)).abs() < 1e-12, "{}", one.metric);
    }
    // Of the rows i < 300 with i % 3 = 0, those with i % 100 < 50: 17 + 16 + 17 of 100.
    let confusion = report.confusion.as_ref().unwrap();
    assert_eq!(confusion.names, ["rain", "snow", "sun"]);
    assert_eq!(confusion.current.cells()[..3], [50.0, 0.0, 50.0]);
    let page = report.to_html().unwrap();
    assert!(
        page.contains("<td>rain</td><td>sun</td><td>0.0 %</td><td>50.0 %</td>"),
        "{page}"
    );
    let two = preset::classification("late", "probability");
    let two = two
        .run(&classified(1, 300, 1, 0.0), &classified(2, 300, 1, 0.5))
        .unwrap();
    assert_eq!(two.reliability.as_ref().unwrap()[1].bins.len(), 10);
    assert!(
        two.to_html()
            .unwrap()
            .contains("observed share by predicted probability")
    );
}

#[test]
fn the_figures_are_those_of_the_performance_module() {
    let (reference, current) = (classified(1, 500, 1, 0.0), classified(2, 400, 1, 0.5));
    let report = preset::classification("late", "probability")
        .threshold(0.3)
        .run(&reference, &current)
        .unwrap();
    let scored = |rows: &RecordBatch| {
        let labels = rows
            .column(0)
            .as_any()
            .downcast_ref::<BooleanArray>()
            .unwrap();
        let probabilities = rows
            .column(1)
            .as_any()
            .downcast_ref::<Float64Array>()
            .unwrap();
        let labels: Vec<bool> = labels.iter().flatten().collect();
        Scored::new(&labels, probabilities.values())
            .unwrap()
            .level(SignificanceLevel::FIVE_PERCENT.split(7))
    };
    let (before, now) = (scored(&reference), scored(&current));
    let recall = report.metric("recall").unwrap();
    assert_eq!(recall.reference, Some(before.recall(0.3).unwrap()));
    assert_eq!(recall.current, Some(now.recall(0.3).unwrap()));
    assert_eq!(
        recall.change,
        Some(now.recall(0.3).unwrap().value - before.recall(0.3).unwrap().value)
    );
    assert_eq!(
        report.metric("auc").unwrap().current,
        Some(now.auc().unwrap())
    );
    // Laplace's rule: the dummy says (positives + 1) / (rows + 2) of the reference, of both tables.
    let positives = before.labels().iter().filter(|label| **label).count() as f64;
    let dummy = (positives + 1.0) / 502.0;
    let skill = report.metric("skill").unwrap();
    assert_eq!(skill.reference, before.skill(Loss::LogLoss, dummy).ok());
    assert_eq!(skill.current, now.skill(Loss::LogLoss, dummy).ok());
    assert_eq!(report.target_drift.columns.len(), 2);
    assert_eq!(
        PerformanceReport::from_json(&report.to_json().unwrap()).unwrap(),
        report
    );
    assert!(report.to_html().unwrap().contains("<svg"));
    assert!(report.to_junit().contains("tests=\"7\""));
}

/// Rows without a label or a prediction are left out and counted; a class that does not occur makes its metrics undefined, no more.
#[test]
fn missing_labels_are_counted_and_undefined_metrics_are_told() {
    let reference = classified(3, 100, 1, 0.0);
    let late = BooleanArray::from(vec![Some(true), None, Some(true), Some(true), Some(true)]);
    let probability =
        Float64Array::from(vec![Some(0.9), Some(0.1), None, Some(f64::NAN), Some(0.7)]);
    let current = batch(vec![
        ("late", Arc::new(late)),
        ("probability", Arc::new(probability)),
    ]);
    let report = preset::classification("late", "probability")
        .run(&reference, &current)
        .unwrap();
    assert_eq!((report.rows[1].labelled, report.rows[1].left_out), (2, 3));
    let told = "2 labelled rows against 100 of the reference; 3 and 0 were left out";
    assert!(
        report.to_markdown().contains(told),
        "{}",
        report.to_markdown()
    );
    let auc = report.metric("auc").unwrap();
    assert_eq!(auc.verdict, ChangeVerdict::Undefined);
    assert!(
        auc.reason.starts_with("undefined in the current table:"),
        "{}",
        auc.reason
    );
    assert!(
        report.to_junit().contains(r#"skipped="0" errors="8""#), // two rows tell nothing, and predictions are lost
        "{}",
        report.to_junit()
    );
}

#[test]
fn what_cannot_be_compared_is_a_typed_error() {
    let rows = classified(1, 50, 1, 0.0);
    let check = preset::classification("late", "probability");
    let kind = |current: &RecordBatch| check.run(&rows, current).unwrap_err().kind();
    assert_eq!(
        kind(&rows.project(&[0]).unwrap()),
        ErrorKind::SignatureMismatch
    );
    assert_eq!(kind(&rows.slice(0, 0)), ErrorKind::InvalidArgument);
    let beyond = batch(vec![
        ("late", rows.column(0).clone()),
        ("probability", Arc::new(Float64Array::from(vec![1.5; 50]))),
    ]);
    assert_eq!(kind(&beyond), ErrorKind::InvalidArgument);
    let codes = batch(vec![
        ("late", Arc::new(Int64Array::from(vec![2; 50]))),
        ("probability", rows.column(1).clone()),
    ]);
    let error = check.run(&codes, &codes).unwrap_err();
    assert!(
        error.to_string().contains("boolean, or 0 and 1, got 2"),
        "{error}"
    );
    let profile = TableProfile::of(&rows).unwrap();
    assert_eq!(
        check.run(&profile, &rows).unwrap_err().kind(),
        ErrorKind::Unsupported
    );
    let other = preset::multiclass("weather", [("sun", "sun"), ("rain", "rain")]);
    let error = other
        .run(&weather(1, 50, 0.0), &weather(2, 50, 0.0))
        .unwrap_err();
    assert!(
        error.to_string().contains("one of sun, rain, got \"snow\""),
        "{error}"
    );
}

#[test]
fn data_quality_tells_columns_and_what_no_longer_holds() {
    let reference = weather(1, 3_000, 0.1);
    let quality = preset::data_quality(&reference, SignificanceLevel::FIVE_PERCENT).unwrap();
    let of_profile = preset::data_quality(
        &TableProfile::of(&reference).unwrap(),
        SignificanceLevel::FIVE_PERCENT,
    );
    assert_eq!(of_profile.unwrap().suite(), quality.suite());
    // P(a table of the same law fails) ≤ 5 %: more than most(60, 0.05) of 60 is improbable.
    let failed = (10..70).filter(|&seed| !quality.run(&weather(seed, 300, 0.1)).unwrap().passed());
    assert!(failed.count() as u32 <= most(60, 0.05));
    let fog = StringArray::from(vec!["fog <b>"; 3_000]);
    let mut columns: Vec<(&str, ArrayRef)> = vec![("weather", Arc::new(fog))];
    columns.push(("sun", reference.column(1).clone()));
    let report = quality.run(&batch(columns)).unwrap();
    assert!(!report.passed());
    let failures: Vec<&str> = report
        .validation
        .failures()
        .filter_map(|result| result.column.as_deref())
        .collect();
    assert!(
        failures.contains(&"weather") && failures.contains(&"snow") && !failures.contains(&"sun")
    );
    assert_eq!(
        (report.columns[0].distinct, report.columns[1].least),
        (Some(1), Some(0.1))
    );
    let page = report.to_html().unwrap();
    assert!(!page.contains("fog <b>") && page.contains("weather"));
    let page = report.validation.to_html().unwrap();
    assert!(!page.contains("fog <b>") && page.contains("weather"));
    assert!(
        !quality
            .run(&reference.slice(0, 0))
            .unwrap()
            .columns
            .iter()
            .any(|_| true)
    );
}

/// The extremes and the mean are of finite numbers: how many others there are is told beside them, in every format.
#[test]
fn data_quality_tells_infinite_values() {
    let of = |infinite: usize| {
        let ends = [f64::INFINITY, f64::NEG_INFINITY];
        let values = (0..2_000).map(|row| match row < infinite {
            true => ends[row % 2],
            false => f64::from(row as u32 % 24),
        });
        batch(vec![(
            "x",
            Arc::new(Float64Array::from_iter_values(values)) as ArrayRef,
        )])
    };
    let quality = preset::data_quality(&of(3), SignificanceLevel::FIVE_PERCENT).unwrap();
    for infinite in [0, 3] {
        let report = quality.run(&of(infinite)).unwrap();
        let column = &report.columns[0];
        assert_eq!((column.infinite, column.missing), (infinite as u64, 0));
        assert_eq!((column.least, column.greatest), (Some(0.0), Some(23.0)));
        let row = format!("| x | float64 | 1 | 0 | {infinite} |"); // no range has an end
        assert!(report.to_markdown().contains(&row));
        let gauge = format!("mlops_drift_quality_infinite_rows{{column=\"x\"}} {infinite}\n");
        assert!(report.to_openmetrics().contains(&gauge));
    }
}

/// Identifiers are others in every table, and nothing else has changed.
#[test]
fn data_quality_leaves_columns_out() {
    let with_ids = |seed: u64, first: i64| {
        let table = weather(seed, 3_000, 0.1);
        let ids = Int64Array::from_iter_values(first..first + 3_000);
        let columns = [
            ("id", Arc::new(ids) as ArrayRef),
            ("weather", table.column(0).clone()),
        ];
        batch(columns.into())
    };
    let reference = with_ids(1, 0);
    let quality = preset::data_quality(&reference, SignificanceLevel::FIVE_PERCENT).unwrap();
    let current = with_ids(1, 100_000);
    assert!(!quality.run(&current).unwrap().passed());
    let quality = quality.except(["id"]).unwrap();
    let report = quality.run(&current).unwrap();
    assert!(report.passed() && report.validation.failures().count() == 0);
    assert!(report.columns.iter().all(|column| column.column != "id"));
    assert_eq!(
        quality
            .run(&batch(vec![("weather", current.column(1).clone())]))
            .unwrap()
            .validation
            .failures()
            .count(),
        0
    );
    let error = quality.clone().except(["ids"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignatureMismatch);
    assert!(
        quality
            .except(["weather"])
            .unwrap()
            .run(&current)
            .unwrap()
            .columns
            .is_empty()
    );
}

/// A column without a value in the reference is no column that anything may be in.
#[test]
fn data_quality_sees_a_column_that_was_never_there() {
    let of = |value: f64| {
        batch(vec![(
            "x",
            Arc::new(Float64Array::from(vec![value; 2_000])) as ArrayRef,
        )])
    };
    let quality = preset::data_quality(&of(f64::NAN), SignificanceLevel::FIVE_PERCENT).unwrap();
    assert!(quality.run(&of(f64::NAN)).unwrap().passed());
    let report = quality.run(&of(7.0)).unwrap();
    assert!(!report.passed());
    assert!(
        report
            .to_markdown()
            .contains("broken by 2000 of 2000 rows, first by row 0")
    );
}

/// Settings that make no sense are errors, not metrics that are undefined.
#[test]
fn impossible_settings_are_refused() {
    let week = classified(1, 100, 1, 0.0);
    for threshold in [-0.1, 1.5, f64::NAN] {
        let check = preset::classification("late", "probability").threshold(threshold);
        let error = check.run(&week, &week).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(
            error
                .to_string()
                .contains("threshold must lie in [0, 1], got"),
            "{error}"
        );
    }
    let error = preset::ranking("q", "r", "s", 0)
        .run(&week, &week)
        .unwrap_err();
    assert!(error.to_string().contains("got 0"), "{error}");
    let weather: ArrayRef = Arc::new(StringArray::from(vec!["sun", "rain", "sun", "rain"]));
    let column = |values: [f64; 4]| -> ArrayRef { Arc::new(Float64Array::from(values.to_vec())) };
    let day = batch(vec![
        ("weather", weather),
        ("sun", column([0.9, 0.2, 3.0, 0.1])),
        ("rain", column([0.1, 0.8, 0.5, 0.9])),
    ]);
    let run = |classes: &[(&str, &str)]| {
        let check = preset::multiclass("weather", classes.iter().copied());
        check.run(&day, &day).unwrap_err().to_string()
    };
    let outside = run(&[("sun", "sun"), ("rain", "rain")]);
    assert!(
        outside.contains("a probability must lie in [0, 1], got 3"),
        "{outside}"
    );
    let twice = run(&[("sun", "sun"), ("sun", "rain"), ("rain", "rain")]);
    assert!(twice.contains("each once, got sun, sun, rain"), "{twice}");
}

/// An identifier by mistake would take rows times labels of memory.
#[test]
fn labels_must_be_classes() {
    let week = |from: i32| {
        let ids = || -> ArrayRef {
            Arc::new(
                (from..from + 2_000)
                    .map(|i| Some(format!("id {i}")))
                    .collect::<StringArray>(),
            )
        };
        batch(vec![("weather", ids()), ("predicted", ids())])
    };
    let error = preset::classification_by_labels("weather", "predicted").run(&week(0), &week(0));
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(
        error.to_string().contains("at most 1000 labels, got 2000"),
        "{error}"
    );
}

/// A table of one class has no AUC, and without positives no recall: the verdict names them.
#[test]
fn what_is_undefined_is_named() {
    let (before, now) = (classified(1, 300, 1, 0.0), classified(2, 300, 1, 0.0));
    let never = BooleanArray::from(vec![false; now.num_rows()]);
    let schema = now.schema();
    let columns = schema
        .fields()
        .iter()
        .map(|field| match field.name().as_str() {
            "late" => ("late".to_owned(), Arc::new(never.clone()) as ArrayRef),
            name => (name.to_owned(), now[name].clone()),
        });
    let now = RecordBatch::try_from_iter(columns).unwrap();
    let report = preset::classification("late", "probability")
        .run(&before, &now)
        .unwrap();
    assert!(
        report.verdict.undefined_metrics.contains(&"auc".to_owned()),
        "{:?}",
        report.verdict
    );
    assert!(
        report.headline().contains("undefined: "),
        "{}",
        report.headline()
    );
}

fn floats(values: impl IntoIterator<Item = f64>) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(values))
}

/// However far it lies from the others, one row, or one unit, shows nothing of how far rows lie from one another.
#[test]
fn a_table_of_one_unit_has_no_metrics() {
    let labels = |wrong: bool| {
        let labels: ArrayRef = Arc::new(StringArray::from(["a", "b", "c"].repeat(100)));
        let other: ArrayRef = Arc::new(StringArray::from(["b", "c", "a"].repeat(100)));
        let predicted = if wrong { other } else { labels.clone() };
        batch(vec![("truth", labels), ("said", predicted)])
    };
    let checks = [
        (
            preset::classification("late", "probability"),
            classified(1, 300, 1, 0.0),
        ),
        (
            preset::regression("delay", "predicted"),
            regressed(1, 300, 1.0),
        ),
        (
            preset::ranking("query", "clicked", "score", 10),
            ranked(1, 50, 0.3),
        ),
        (multiclass(), weather(1, 300, 0.0)),
        (
            preset::classification_by_labels("truth", "said"),
            labels(false),
        ),
        (
            preset::classification("late", "probability").unit("user"),
            classified(1, 30, 20, 0.0),
        ),
    ];
    for (check, rows) in checks {
        let one = rows.slice(0, 1);
        let few = check.run(&rows, &one).unwrap();
        let told = "undefined in the current table: at least 2 units are needed, got 1";
        for change in &few.metrics {
            assert_eq!(change.verdict, ChangeVerdict::Undefined, "{change:?}");
            assert_eq!(change.reason, told);
            assert!(change.current.is_none() && change.change.is_none());
        }
        assert!(!few.verdict.worse && !few.is_judged());
        let few = check.run(&one, &rows).unwrap();
        assert!(few.metrics.iter().all(|change| change.reference.is_none()));
    }
    // One wrong row beside 300 right ones would be rarer than a level of a seventh of 5 %.
    let wrong = labels(true).slice(0, 1);
    let check = preset::classification_by_labels("truth", "said");
    assert!(!check.run(&labels(false), &wrong).unwrap().verdict.worse);
    let units = classified(1, 2, 20, 0.0).slice(0, 20);
    let check = preset::classification("late", "probability").unit("user");
    let of_one = check.run(&classified(1, 30, 20, 0.0), &units).unwrap();
    assert!(!of_one.is_judged(), "{:?}", of_one.verdict);
}

/// Predictions whose errors overflow: nothing is known of the model, which passes in no format.
#[test]
fn a_model_of_which_nothing_is_known_passes_in_no_format() {
    let truth = || floats((0..60).map(f64::from));
    let before = batch(vec![("delay", truth()), ("predicted", truth())]);
    let beyond = floats((0..60).map(|i| if i % 2 == 0 { 1e308 } else { -1e308 }));
    let now = batch(vec![("delay", truth()), ("predicted", beyond)]);
    let report = preset::regression("delay", "predicted")
        .run(&before, &now)
        .unwrap();
    assert!(!report.is_judged() && !report.verdict.worse);
    let headline = "regression: no metric could be judged";
    assert_eq!(report.headline(), headline);
    let reason = &report.verdict.reason;
    let told = "no metric could be judged, and nothing is concluded of the model: mae is undefined in the current table";
    assert!(reason.starts_with(told), "{reason}");
    let markdown = report.to_markdown();
    assert!(markdown.starts_with(&format!("### {headline}\n\nno metric could be judged, and")));
    #[cfg(feature = "html")]
    assert!(report.to_html().unwrap().contains(told));
    let junit = report.to_junit();
    assert!(
        junit.contains(r#"tests="5" failures="0" skipped="0""#),
        "{junit}"
    );
    assert!(!junit.contains(r#"errors="0""#), "{junit}");
    let metrics = report.to_openmetrics();
    assert!(metrics.contains("mlops_drift_performance_judged 0\n"));
    assert!(metrics.contains("mlops_drift_performance_metric_defined{metric=\"mae\"} 0\n"));
    for silent in [
        "performance_worse ",
        "performance_metric_worse{metric=\"mae\"}",
    ] {
        assert!(!metrics.contains(silent), "{metrics}");
    }

    let known = preset::regression("delay", "predicted")
        .run(&before, &before)
        .unwrap();
    let reason = &known.verdict.reason;
    assert!(reason.starts_with("0 of "), "{reason}");
    assert!(reason.contains("without a change, an alarm has probability about 0.05"));
    assert!(
        known
            .to_openmetrics()
            .contains("mlops_drift_performance_judged 1\n")
    );
    // A report that was written before reasons were.
    let mut json: serde_json::Value = serde_json::from_str(&known.to_json().unwrap()).unwrap();
    assert!(
        json["verdict"]
            .as_object_mut()
            .unwrap()
            .remove("reason")
            .is_some()
    );
    let read = PerformanceReport::from_json(&json.to_string()).unwrap();
    assert!(read.verdict.reason.is_empty());
    assert_eq!(read.metrics, known.metrics);
    assert!(!read.to_html().unwrap().contains("<p>.</p>"));
}

#[test]
fn a_verdict_says_what_got_worse() {
    let check = preset::regression("delay", "predicted");
    let report = check
        .run(&regressed(1, 400, 1.0), &regressed(2, 400, 3.0))
        .unwrap();
    let reason = &report.verdict.reason;
    let worse = &report.verdict.worse_metrics;
    let told = format!(
        "{} of 4 metrics got worse: {}; ",
        worse.len(),
        worse.join(", ")
    );
    assert!(!worse.is_empty() && reason.starts_with(&told), "{reason}");
}

/// Each error names table, column and row, and of several tables none is left to guess.
#[test]
fn an_error_names_the_table_the_column_and_the_row() {
    let fine = classified(1, 50, 1, 0.0);
    let with = |name: &str, column: ArrayRef| {
        let schema = fine.schema();
        let fields = schema.fields().iter().zip(fine.columns());
        let columns = fields.map(|(field, values)| match field.name() == name {
            true => (name.to_owned(), column.clone()),
            false => (field.name().clone(), values.clone()),
        });
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let says = |check: &PerformanceCheck, tables: [&RecordBatch; 2], told: &[&str]| {
        let error = check.run(tables[0], tables[1]).unwrap_err().to_string();
        for part in told {
            assert!(error.contains(part), "{part} in {error}");
        }
        assert!(error.len() < 300, "{error}");
    };
    let check = preset::classification("late", "probability");
    let lost = fine.project(&[1, 2]).unwrap();
    says(
        &check,
        [&fine, &lost],
        &["\"late\" is missing", "table: current"],
    );
    says(
        &check,
        [&lost, &fine],
        &["\"late\" is missing", "table: reference"],
    );
    // The row of the table as it was given: the first of it has no label.
    let mut labels: Vec<Option<i64>> = vec![Some(1); 50];
    (labels[0], labels[7]) = (None, Some(3));
    let odd = with("late", Arc::new(Int64Array::from(labels)));
    let told = ["got 3 in row 7", "column: late", "table: current"];
    says(&check, [&fine, &odd], &told);
    let odd = with(
        "probability",
        floats((0..50).map(|i| if i == 4 { 1e308 } else { 0.5 })),
    );
    let told = [
        "[0, 1], got 1e308 in row 4",
        "column: probability",
        "table: reference",
    ];
    says(&check, [&odd, &fine], &told);
    let texts = with("probability", Arc::new(StringArray::from(vec!["x"; 50])));
    says(
        &check,
        [&fine, &texts],
        &["column: probability", "table: current"],
    );
    let by_null = preset::classification("late", "probability").segments("probability");
    says(
        &by_null,
        [&fine, &fine],
        &["column: probability", "table: reference"],
    );

    let fine = regressed(1, 50, 1.0);
    let odd = floats((0..50).map(|i| if i == 9 { f64::INFINITY } else { 1.0 }));
    let odd = batch(vec![("delay", odd.clone()), ("predicted", odd)]);
    let check = preset::regression("delay", "predicted");
    let told = [
        "must be finite, got inf in row 9",
        "column: delay",
        "table: current",
    ];
    says(&check, [&fine, &odd], &told);

    let fine = weather(1, 50, 0.0);
    let told = ["got \"snow\" in row", "column: weather", "table: reference"];
    let two = preset::multiclass("weather", [("sun", "sun"), ("rain", "rain")]);
    says(&two, [&fine, &fine], &told);
    let names: ArrayRef = Arc::new(StringArray::from(vec!["sun", "rain", "sun"]));
    let row = |values: [f64; 3]| floats(values);
    let scores = batch(vec![
        ("weather", names),
        ("sun", row([0.5, 0.9, 0.2])),
        ("rain", row([0.5, 0.6, 0.8])),
    ]);
    let told = [
        "must sum to 1, got 1.5 in row 1",
        "columns: sun, rain",
        "table: reference",
    ];
    says(&two, [&scores, &scores], &told);
}

/// Two classes are two classes, as booleans or as 0 and 1; a prediction of `true` is not the label `1`.
#[test]
fn a_target_may_be_boolean_in_one_table_and_a_number_in_the_other() {
    let booleans = classified(5, 400, 1, 0.0);
    let numbers = |rows: &RecordBatch| {
        let labels = rows["late"]
            .as_any()
            .downcast_ref::<BooleanArray>()
            .unwrap();
        let labels = labels.iter().map(|label| i64::from(label.unwrap()));
        batch(vec![
            ("late", Arc::new(Int64Array::from_iter_values(labels))),
            ("probability", rows["probability"].clone()),
        ])
    };
    let check = preset::classification("late", "probability");
    let alike = check.run(&booleans, &booleans).unwrap();
    for (before, now) in [
        (booleans.clone(), numbers(&booleans)),
        (numbers(&booleans), booleans.clone()),
    ] {
        assert_eq!(check.run(&before, &now).unwrap(), alike);
    }

    let error = preset::target_drift(&booleans, ["late"])
        .run(&numbers(&booleans))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignatureMismatch);
    let told = error.to_string();
    assert!(told.contains("bool,") && told.contains("int64"), "{told}");

    let labels = |target: ArrayRef, said: ArrayRef| batch(vec![("truth", target), ("said", said)]);
    let yes = || -> ArrayRef { Arc::new(BooleanArray::from([true, false].repeat(50))) };
    let one = || -> ArrayRef { Arc::new(Int64Array::from([1, 0].repeat(50))) };
    let check = preset::classification_by_labels("truth", "said");
    let mixed = labels(yes(), one());
    let error = check.run(&mixed, &mixed).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignatureMismatch);
    let told = error.to_string();
    for part in [
        "bool of \"truth\" in the reference",
        "int64 of \"said\" in the current",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert!(
        check
            .run(&labels(yes(), yes()), &labels(one(), one()))
            .is_err()
    );
    assert!(
        check
            .run(&labels(one(), one()), &labels(one(), one()))
            .is_ok()
    );
}

/// A number that no reader counts the digits of is told as a power of ten.
#[test]
fn great_numbers_are_told_in_few_digits() {
    let week = |scale: f64| {
        let truth = floats((0..100).map(|i| scale * f64::from(i % 10)));
        let said = floats((0..100).map(|i| scale * f64::from(i % 9)));
        batch(vec![("delay", truth), ("predicted", said)])
    };
    let report = preset::regression("delay", "predicted")
        .run(&week(1e140), &week(3e140))
        .unwrap();
    let mae = report.metric("mae").unwrap();
    let told = format!("{:.3e}", mae.current.unwrap().value);
    assert!(report.to_markdown().contains(&told), "{told}");
    let markdown = report.to_markdown();
    let mut rows = markdown.lines().filter(|row| row.starts_with("| "));
    let long = rows.find(|row| row.len() > 1_000);
    assert!(long.is_none(), "{long:?}");
    for line in report.to_openmetrics().lines() {
        assert!(line.len() < 200, "{line}");
    }
}

/// scikit-learn 1.9.1's `f1_score(truth, said, average="macro")` of each table, 0.82222 and 0.73333, which are by hand what stands below: snow neither
/// falls nor is predicted now, and is not counted.
#[test]
fn macro_averages_are_over_the_classes_that_occur() {
    let table = |truth: &[&str], said: &[&str]| {
        batch(vec![
            ("truth", Arc::new(StringArray::from(truth.to_vec()))),
            ("said", Arc::new(StringArray::from(said.to_vec()))),
        ])
    };
    let reference = table(
        &["sun", "sun", "rain", "rain", "snow", "snow"],
        &["sun", "rain", "rain", "rain", "snow", "snow"],
    );
    let current = table(
        &["sun", "sun", "rain", "rain"],
        &["sun", "sun", "rain", "sun"],
    );
    let check = preset::classification_by_labels("truth", "said");
    for (tables, turned) in [
        ([&reference, &current], false),
        ([&current, &reference], true),
    ] {
        let report = check.run(tables[0], tables[1]).unwrap();
        let figures = |metric: &str| {
            let change = report.metric(metric).unwrap();
            let mut figures =
                [&change.reference, &change.current].map(|it| it.as_ref().unwrap().value);
            if turned {
                figures.reverse();
            }
            figures
        };
        let near = |metric: &str, want: [f64; 2]| {
            for (got, want) in figures(metric).into_iter().zip(want) {
                assert!((got - want).abs() < 1e-12, "{metric}: {got}, not {want}");
            }
        };
        // Of sun 2·1/(1 + 2) and 2·2/(3 + 2), of rain 2·2/(3 + 2) and 2·1/(1 + 2), of snow 1.
        near(
            "macro_f1",
            [(2.0 / 3.0 + 0.8 + 1.0) / 3.0, (0.8 + 2.0 / 3.0) / 2.0],
        );
        // The recall of a class that does not occur is undefined, and not counted, as in scikit-learn.
        near(
            "balanced_accuracy",
            [(0.5 + 1.0 + 1.0) / 3.0, (1.0 + 0.5) / 2.0],
        );
        assert_eq!(report.confusion.unwrap().names, ["rain", "snow", "sun"]);
    }
}

/// A dataframe makes floats of integers beside nulls: which table and column, and what to do.
#[test]
fn labels_that_are_floats_are_told_what_to_become() {
    let integers = || Arc::new((0..40).map(|i| Some(i % 3)).collect::<Int64Array>()) as ArrayRef;
    let floats = || {
        Arc::new(
            (0..40)
                .map(|i| Some(f64::from(i % 3)))
                .collect::<Float64Array>(),
        ) as ArrayRef
    };
    let table = |truth, said| batch(vec![("truth", truth), ("said", said)]);
    let check = preset::classification_by_labels("truth", "said");
    for (current, column) in [
        (table(floats(), integers()), "truth"),
        (table(integers(), floats()), "said"),
    ] {
        let error = check
            .run(&table(integers(), integers()), &current)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SignatureMismatch);
        let error = error.to_string();
        for told in [
            "labels must be of texts, booleans or integers",
            "are cast to these before), got float64",
            "table: current",
            column,
        ] {
            assert!(error.contains(told), "{error}");
        }
    }
}

/// Booleans would be read as 0 and 1, and the mean absolute error of them is the error rate by another name.
#[test]
fn a_regression_is_of_numbers() {
    let numbers = || Arc::new(Float64Array::from_iter_values((0..40).map(f64::from))) as ArrayRef;
    let booleans =
        || Arc::new((0..40).map(|i| Some(i % 2 == 0)).collect::<BooleanArray>()) as ArrayRef;
    let names = || {
        Arc::new(StringArray::from_iter_values(
            (0..40).map(|i| i.to_string()),
        )) as ArrayRef
    };
    let table = |delay: ArrayRef, said: ArrayRef| batch(vec![("delay", delay), ("said", said)]);
    let good = table(numbers(), numbers());
    let check = preset::regression("delay", "said");
    for (tables, told) in [
        (
            [&table(booleans(), numbers()), &good],
            ["target", "got bool", "table: reference", "column: delay"],
        ),
        (
            [&good, &table(booleans(), numbers())],
            ["target", "got bool", "table: current", "column: delay"],
        ),
        (
            [
                &table(booleans(), booleans()),
                &table(booleans(), booleans()),
            ],
            ["target", "got bool", "table: reference", "column: delay"],
        ),
        (
            [&good, &table(numbers(), names())],
            ["prediction", "got ", "table: current", "column: said"],
        ),
    ] {
        let error = check.run(tables[0], tables[1]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SignatureMismatch, "{error}");
        let text = error.to_string();
        assert!(
            text.contains("must be of integers, decimals, floats or times"),
            "{text}"
        );
        told.iter()
            .for_each(|part| assert!(text.contains(part), "{text}"));
    }
    let estimated = preset::estimated_regression("delay", "said");
    let error = estimated
        .run(&table(booleans(), numbers()), &good)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignatureMismatch, "{error}");
    assert!(error.to_string().contains("column: delay"), "{error}");
}

/// Of errors that are all 0 nobody knows how far others lie, whichever table they are of; what is known of their range is judged.
#[test]
fn a_perfect_model_is_judged_by_what_has_a_range() {
    let rows = |error: f64| {
        let truth = (0..200).map(|i| f64::from(i * 37 % 60));
        let said = (0..200).map(|i| f64::from(i * 37 % 60) + error * f64::from(i % 7 - 3));
        batch(vec![
            ("delay", Arc::new(Float64Array::from_iter_values(truth))),
            ("said", Arc::new(Float64Array::from_iter_values(said))),
        ])
    };
    let check = preset::regression("delay", "said");
    let verdicts = |before: f64, now: f64| -> Vec<ChangeVerdict> {
        let report = check.run(&rows(before), &rows(now)).unwrap();
        let metrics = ["mae", "rmse", "mean_error", "r2", "skill"];
        metrics
            .map(|name| report.metric(name).unwrap().verdict)
            .into()
    };
    assert_eq!(verdicts(0.0, 0.0), [ChangeVerdict::Same; 5]);
    for error in [1.0, 10.0] {
        for (before, now, told) in [
            (0.0, error, ChangeVerdict::Worse),
            (error, 0.0, ChangeVerdict::Improved),
        ] {
            let of_range = if error > 1.0 {
                told
            } else {
                ChangeVerdict::Same
            };
            let undefined = [ChangeVerdict::Undefined; 3];
            let wanted = [&undefined[..], &[of_range; 2]].concat();
            assert_eq!(verdicts(before, now), wanted, "{before} to {now}");
        }
    }
}
