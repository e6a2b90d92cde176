//! Tables that could not have told any change are no pass, in any format.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use mlops_drift::preset::{self, ChangeVerdict, PerformanceReport};

fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn scored(rows: impl IntoIterator<Item = (bool, f64)>) -> RecordBatch {
    let (labels, said): (Vec<bool>, Vec<f64>) = rows.into_iter().unzip();
    batch([
        ("late", Arc::new(BooleanArray::from(labels))),
        ("said", Arc::new(Float64Array::from(said))),
    ])
}

/// Nine in ten answers are right.
fn good(rows: usize) -> RecordBatch {
    scored((0..rows).map(|row| {
        let yes = row % 3 == 0;
        let said = if yes { 0.9 } else { 0.1 } + (row % 7) as f64 / 100.0;
        (yes == (row % 10 != 4), said)
    }))
}

fn assert_says(text: &str, told: &str) {
    assert!(text.contains(told), "{text}");
}

fn formats(report: &PerformanceReport) -> Vec<String> {
    vec![
        report.headline(),
        report.to_markdown(),
        #[cfg(feature = "html")]
        report.to_html().unwrap(),
    ]
}

#[test]
fn two_wrong_rows_are_too_few() {
    let check = preset::classification("late", "said");
    let rows = scored([(false, 0.97), (true, 0.05)]);
    let report = check.run(&good(1_000), &rows).unwrap();
    assert!(
        !report.is_judged() && !report.verdict.worse,
        "{:?}",
        report.verdict
    );
    for text in formats(&report) {
        let told = "too little to tell whether it got worse, 2 rows against 1000";
        assert!(text.contains(told), "{text}");
    }
    let reason = &report.verdict.reason;
    let told = "nothing is concluded of the model";
    assert!(reason.contains(told), "{reason}");
    let junit = report.to_junit();
    assert!(
        junit.contains(r#"failures="0" skipped="0" errors="7""#),
        "{junit}"
    );
    let exposed = report.to_openmetrics();
    assert!(
        exposed.contains("mlops_drift_performance_judged 0"),
        "{exposed}"
    );
    assert!(
        !exposed.contains("mlops_drift_performance_worse"),
        "{exposed}"
    );
    // Figures and change are told all the same.
    let accuracy = report.metric("accuracy").unwrap();
    assert_eq!(accuracy.verdict, ChangeVerdict::Undefined);
    assert!(accuracy.change.is_some() && accuracy.interval.is_some());
    let read = PerformanceReport::from_json(&report.to_json().unwrap()).unwrap();
    assert_eq!(read, report);
}

/// Even if one metric of theirs got better: of nearly equal ones the interval is narrow.
#[test]
fn two_right_rows_tell_too_little() {
    let check = preset::classification("late", "said");
    let rows = scored([(true, 0.97), (false, 0.05)]);
    let report = check.run(&good(1_000), &rows).unwrap();
    for text in formats(&report) {
        let told = "too little to tell whether it got worse, 2 rows against 1000";
        assert!(text.contains(told), "{text}");
    }
}

/// By running it: as many rows are too few for a metric as leave it unjudged when all of them are wrong.
#[test]
fn rows_are_too_few_exactly_where_wrong_ones_would_not_be_called_worse() {
    let check = preset::classification("late", "said");
    let alike = |rows: usize, right: bool| {
        scored((0..rows).map(|row| {
            (
                (row % 2 == 0) == right,
                if row % 2 == 0 { 0.9 } else { 0.1 },
            )
        }))
    };
    let mut verdicts = Vec::new();
    for rows in 2..16 {
        let reference = good(400);
        let [wrong, right] = [false, true].map(|right| check.run(&reference, &alike(rows, right)));
        for metric in ["accuracy", "brier", "log_loss"] {
            let of = |report: &PerformanceReport| report.metric(metric).unwrap().verdict;
            let could = of(wrong.as_ref().unwrap()) == ChangeVerdict::Worse;
            let told = of(right.as_ref().unwrap()) != ChangeVerdict::Undefined;
            assert_eq!(could, told, "{metric} of {rows} rows");
            verdicts.push(told);
        }
    }
    assert!(verdicts.contains(&true) && verdicts.contains(&false));
}

/// Of three rows in each table 20 shuffles are all there are: none is as rare as a level of 5 % for five metrics asks for.
#[test]
fn few_shuffles_are_too_few_for_numbers() {
    let rows = |error: f64| {
        let truth = Float64Array::from_iter_values((0..3).map(f64::from));
        let said = (0..3).map(|i| f64::from(i) + error * f64::from(i + 3));
        batch([
            ("delay", Arc::new(truth)),
            ("said", Arc::new(Float64Array::from_iter_values(said))),
        ])
    };
    let check = preset::regression("delay", "said");
    for error in [0.1, 1e6] {
        let report = check.run(&rows(0.1), &rows(error)).unwrap();
        assert!(!report.is_judged(), "{report:?}");
        assert!(
            report.headline().contains("3 rows against 3"),
            "{}",
            report.headline()
        );
    }
}

/// Three absurd predictions of 300 cost the mean error more than it was, and their variance hides it.
#[test]
fn absurd_predictions_that_hide_in_their_own_variance_are_no_pass() {
    let table = |rows: usize, absurd: usize| {
        let truth = (0..rows).map(|i| (i * 37 % 60) as f64);
        let said = (0..rows).map(|i| match i % 100 < absurd {
            true => 1e6 * (1.0 + (i / 100) as f64),
            false => (i * 37 % 60) as f64 + (i % 7) as f64 - 3.0,
        });
        batch([
            ("delay", Arc::new(Float64Array::from_iter_values(truth))),
            ("said", Arc::new(Float64Array::from_iter_values(said))),
        ])
    };
    let check = preset::regression("delay", "said");
    let report = check.run(&table(1_000, 0), &table(300, 1)).unwrap();
    assert!(
        !report.verdict.worse,
        "the intervals tell by themselves: {report:?}"
    );
    let told = "no evidence that it got worse; too little to tell: skill";
    for text in formats(&report) {
        assert!(text.contains(told), "{text}");
    }
    assert!(report.verdict.reason.contains("too little to tell: "));
    assert!(!report.to_junit().contains(r#"skipped="0""#));
    let skill = report.metric("skill").unwrap();
    assert!(
        skill
            .reason
            .starts_with("too little to tell: that all of it is lost")
    );

    let report = check.run(&table(1_000, 0), &table(300, 0)).unwrap();
    assert_eq!(
        report.headline(),
        "regression: no evidence that it got worse"
    );
}

#[test]
fn two_rows_of_several_classes_and_two_lists_are_too_few() {
    let weather = |rows: usize| {
        let truth = (0..rows).map(|i| ["sun", "rain", "snow"][i % 3]);
        let said = (0..rows).map(|i| ["sun", "rain", "snow"][(i + usize::from(i % 10 == 4)) % 3]);
        batch([
            ("truth", Arc::new(StringArray::from_iter_values(truth))),
            ("said", Arc::new(StringArray::from_iter_values(said))),
        ])
    };
    let check = preset::classification_by_labels("truth", "said");
    let report = check.run(&weather(900), &weather(2)).unwrap();
    assert_says(&report.headline(), "to tell whether it got worse, 2 ");
    let report = check.run(&weather(900), &weather(600)).unwrap();
    assert_says(&report.headline(), ": no evidence that it got worse");
    assert!(report.is_judged() && report.verdict.undefined_metrics.is_empty());

    let lists = |queries: i64| {
        let query = (0..queries).flat_map(|query| [query; 5]);
        let clicked = (0..queries).flat_map(|_| [1.0, 0.0, 0.0, 0.0, 0.0]);
        let score = (0..queries).flat_map(|query| match query % 10 {
            0..4 => [0.5, 0.9, 0.3, 0.2, 0.1],
            _ => [0.9, 0.4, 0.3, 0.2, 0.1],
        });
        batch([
            ("query", Arc::new(Int64Array::from_iter_values(query))),
            ("clicked", Arc::new(Float64Array::from_iter_values(clicked))),
            ("score", Arc::new(Float64Array::from_iter_values(score))),
        ])
    };
    let check = preset::ranking("query", "clicked", "score", 1);
    let report = check.run(&lists(300), &lists(2)).unwrap();
    assert_says(&report.headline(), "to tell whether it got worse, 10 rows");
    let report = check.run(&lists(300), &lists(200)).unwrap();
    assert_says(&report.headline(), ": no evidence that it got worse");
    assert!(report.is_judged() && report.verdict.undefined_metrics.is_empty());
}

/// Fewer than a thousand rows of several classes are not few: a model that is as it was passes.
#[test]
fn an_unchanged_model_of_several_classes_passes() {
    let rows = |rows: usize, answers_shift: usize| {
        let truth = (0..rows).map(|i| ["rain", "snow", "sun"][(i + answers_shift) % 3]);
        let said = |class: usize| {
            let rows = (0..rows).map(move |i| match (i + usize::from(i % 10 > 6)) % 3 == class {
                true => 0.6,
                false => 0.2,
            });
            Arc::new(Float64Array::from_iter_values(rows)) as ArrayRef
        };
        batch([
            ("truth", Arc::new(StringArray::from_iter_values(truth))),
            ("rain", said(0)),
            ("snow", said(1)),
            ("sun", said(2)),
        ])
    };
    let check = preset::multiclass(
        "truth",
        [("rain", "rain"), ("snow", "snow"), ("sun", "sun")],
    );
    for size in [60, 300, 900] {
        let report = check.run(&rows(size, 0), &rows(size, 0)).unwrap();
        let headline = report.headline();
        let told = "no evidence that it got worse";
        assert!(headline.ends_with(told), "{size}: {headline}");
        let wrong = check.run(&rows(size, 0), &rows(size, 1)).unwrap();
        assert!(wrong.verdict.worse, "{size}: {}", wrong.headline());
    }
}

/// What was never there cannot be lost: answers that know nothing of a row are as they were.
#[test]
fn a_model_without_skill_stays_without() {
    let rows =
        |rows: usize| scored((0..rows).map(|row| (row % 2 == 0, (row * 37 % 100) as f64 / 100.0)));
    let check = preset::classification("late", "said");
    let report = check.run(&rows(1_000), &rows(1_000)).unwrap();
    let skill = report.metric("skill").unwrap();
    assert!(skill.reference.unwrap().interval.low() <= 0.0);
    assert_eq!(skill.verdict, ChangeVerdict::Same);
    assert!(report.headline().ends_with("no evidence that it got worse"));
}

/// Of a segment of two rows nothing is known, so that no series says that it did not get worse.
#[test]
fn a_segment_of_two_rows_has_no_series() {
    let week = |of_b: usize| {
        let rows = good(600);
        let origin = (0..600).map(|row| if row < of_b { "B" } else { "A" });
        let origin = Arc::new(StringArray::from_iter_values(origin)) as ArrayRef;
        let columns = ["late", "said"].map(|name| (name, rows[name].clone()));
        RecordBatch::try_from_iter(columns.into_iter().chain([("origin", origin)])).unwrap()
    };
    let check = preset::classification("late", "said").segments("origin");
    let exposed = check.run(&week(300), &week(2)).unwrap().to_openmetrics();
    let of = |segment: &str| {
        let mut lines = exposed.lines();
        let worse = "mlops_drift_performance_segment_worse{";
        lines.any(|line| line.starts_with(worse) && line.contains(&format!("\"{segment}\"")))
    };
    assert!(of("A") && !of("B"), "{exposed}");
}

/// Of 5 rows of 10 there are 252 shuffles, fewer than a change of six figures by several methods at 5 % must be rare among.
#[test]
fn estimates_of_a_few_rows_in_both_tables_are_no_pass() {
    let check = preset::estimated_classification("late", "said");
    for rows in 2..=5 {
        let unsure = || scored((0..rows).map(|row| (row % 2 == 0, 0.5)));
        let report = check.run(&unsure(), &unsure()).unwrap();
        assert!(!report.is_judged(), "{rows}: {}", report.headline());
        assert!(
            !report.headline().contains("no sign"),
            "{}",
            report.headline()
        );
    }
}

#[test]
fn an_estimate_of_few_rows_that_excludes_nothing_is_no_pass() {
    let check = preset::estimated_classification("late", "said");
    let report = check.run(&good(1_000), &good(1_000)).unwrap();
    assert!(
        report.headline().ends_with("no sign that it got worse"),
        "{}",
        report.headline()
    );
    let report = check.run(&good(1_000), &good(2)).unwrap();
    let headline = report.headline();
    assert!(headline.contains("to tell"), "{headline}");
    assert!(
        report.verdict.reason.contains("too little to tell: "),
        "{}",
        report.verdict.reason
    );
    assert!(report.to_markdown().contains("too little to tell"));
    assert!(!report.to_junit().contains(r#"skipped="0" errors="0""#));
    let accuracy = report.metric("cbpe", "accuracy").unwrap();
    assert_eq!(accuracy.verdict, ChangeVerdict::Undefined, "{accuracy:?}");
}

/// Of a few rows a metric is judged exactly where it would be called worse if the model had been as wrong as it can be by that metric: below its own
/// threshold and above (accuracy), in the wrong order (auc), and wrong where it was unsure alone, since a sure and wrong row hides the others in its
/// variance (log_loss).
#[test]
fn each_metric_has_a_worst_outcome_of_its_own() {
    let threshold = 0.9;
    let check = preset::classification("late", "said").threshold(threshold);
    let said = |metric: &str, row: usize, rows: usize| match metric {
        "accuracy" => {
            if row.is_multiple_of(4) {
                0.95
            } else {
                0.6
            }
        }
        "auc" => 0.6 + 0.3 * row as f64 / rows as f64, // all on one side of both thresholds
        _ => {
            if row == 0 {
                0.999_999
            } else {
                0.53 + 0.01 * (row % 3) as f64
            }
        }
    };
    let wrong = |metric: &str, row: usize, rows: usize, said: f64| match metric {
        "accuracy" => said < threshold,
        "auc" => row < rows / 2,
        _ => row == 0,
    };
    for (metric, rows) in [("accuracy", 3), ("auc", 19), ("log_loss", 23)] {
        let table = |turned: bool| {
            scored((0..rows).map(|row| {
                let said = said(metric, row, rows);
                (wrong(metric, row, rows, said) != turned, said)
            }))
        };
        let of = |turned| check.run(&good(400), &table(turned)).unwrap();
        let could = of(false).metric(metric).unwrap().verdict == ChangeVerdict::Worse;
        let told = of(true).metric(metric).unwrap().verdict != ChangeVerdict::Undefined;
        assert!(told && could, "{metric} of {rows} rows");
    }
}

/// Of four hundred rows with a few positives: what averages over these is judged exactly where it would be called worse if as many others, of the lowest
/// scores, had come true.
#[test]
fn rows_of_a_rare_class_are_too_few_exactly_where_wrong_ones_would_not_be_called_worse() {
    let check = preset::classification("late", "said");
    let table = |positives: usize, right: bool| {
        scored((0..400).map(|row| {
            let said = if row < positives { 0.9 } else { 0.1 } + row as f64 / 1e5;
            let is_lowest = (positives..2 * positives).contains(&row);
            (if right { row < positives } else { is_lowest }, said)
        }))
    };
    let mut told = Vec::new();
    for (before, now) in
        [1, 3, 4, 5, 6, 7, 9]
            .map(|n| (n, n))
            .into_iter()
            .chain([(40, 3), (3, 40), (40, 40)])
    {
        let of = |right| check.run(&table(before, true), &table(now, right)).unwrap();
        let (right, wrong) = (of(true), of(false));
        for metric in ["auc", "recall"] {
            let verdict = |report: &PerformanceReport| report.metric(metric).unwrap().verdict;
            let could = verdict(&wrong) == ChangeVerdict::Worse;
            let is_told = verdict(&right) != ChangeVerdict::Undefined;
            assert_eq!(could, is_told, "{metric} of {before} and {now} positives");
            told.push(is_told);
        }
        // Other metrics average over all rows.
        assert_eq!(
            right.metric("accuracy").unwrap().verdict,
            ChangeVerdict::Same
        );
        if (before, now) == (3, 3) {
            let reason = &right.metric("auc").unwrap().reason;
            assert_says(reason, "3 of one class in one of both tables");
            assert!(right.to_junit().contains("skipped"), "{}", right.to_junit());
        }
    }
    assert!(told.contains(&true) && told.contains(&false));
}

/// The same of what is predicted to be positive, which `precision` averages over: as many as leave it unjudged when none comes true.
#[test]
fn rare_predictions_are_too_few_exactly_where_wrong_ones_would_not_be_called_worse() {
    let check = preset::classification("late", "said");
    let table = |said_yes: usize, right: bool| {
        scored((0..1_000).map(|row| match row < said_yes {
            true => (right, 0.9),
            false => (row % 3 == 0, 0.1 + (row % 17) as f64 / 100.0),
        }))
    };
    let mut told = Vec::new();
    for said_yes in [1, 2, 3, 4, 5, 8, 11] {
        let of = |right| {
            check
                .run(&table(60, true), &table(said_yes, right))
                .unwrap()
        };
        let verdict = |report: &PerformanceReport| report.metric("precision").unwrap().verdict;
        let could = verdict(&of(false)) == ChangeVerdict::Worse;
        let is_told = verdict(&of(true)) != ChangeVerdict::Undefined;
        assert_eq!(could, is_told, "{said_yes}");
        told.push(is_told);
    }
    assert!(told.contains(&true) && told.contains(&false));
}

/// The recall of a class of three rows is half of the balanced accuracy of two classes.
#[test]
fn a_class_of_three_rows_tells_too_little_of_balanced_accuracy() {
    let table = |rare: usize| {
        let truth = (0..900).map(|row| if row < rare { "fraud" } else { "fine" });
        let said = truth.clone();
        batch([
            ("truth", Arc::new(StringArray::from_iter_values(truth))),
            ("said", Arc::new(StringArray::from_iter_values(said))),
        ])
    };
    let check = preset::classification_by_labels("truth", "said");
    let verdict = |rare: usize| {
        let report = check.run(&table(rare), &table(rare)).unwrap();
        report.metric("balanced_accuracy").unwrap().verdict
    };
    assert_eq!(verdict(3), ChangeVerdict::Undefined);
    assert_eq!(verdict(29), ChangeVerdict::Same);
}
