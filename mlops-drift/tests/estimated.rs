//! Performance estimated from tables without labels: what the slices say, right where the assumption holds, and silent or told where not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs
)]

use std::sync::Arc;

use mlops_core::ErrorKind;
use mlops_core::arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
};
use mlops_core::evidence::SignificanceLevel;
use mlops_drift::multivariate::Points;
use mlops_drift::performance::{
    BinaryMetric, Cbpe, DirectLoss, Estimate, ImportanceWeighted, LabelShift, PoweredScored,
    PredictionPowered, Scored,
};
use mlops_drift::preset::{self, ChangeVerdict, EstimatedReport, EstimationMethod};
use mlops_drift::profile::TableProfile;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use statrs::distribution::{Binomial, DiscreteCDF};

fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    rng.random_range(0.0..1.0)
}

/// Rows of a model that knows the law of the label: an input in [from, to), the probability of a positive, and a label.
struct Rows {
    x: Vec<f64>,
    p: Vec<f64>,
    late: Vec<bool>,
}

impl Rows {
    fn drawn(seed: u64, rows: usize, from: f64, to: f64) -> Self {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let x: Vec<f64> = (0..rows)
            .map(|_| from + (to - from) * uniform(rng))
            .collect();
        let p: Vec<f64> = x.iter().map(|x| 0.05 + 0.9 * x).collect();
        let late = p.iter().map(|p| uniform(rng) < *p).collect();
        Self { x, p, late }
    }

    fn inputs(&self) -> Vec<(&'static str, ArrayRef)> {
        let column = |values: &Vec<f64>| Arc::new(Float64Array::from(values.clone())) as ArrayRef;
        vec![("x", column(&self.x)), ("p", column(&self.p))]
    }

    fn unlabelled(&self) -> RecordBatch {
        RecordBatch::try_from_iter(self.inputs()).unwrap()
    }

    fn labelled(&self) -> RecordBatch {
        let late = Arc::new(BooleanArray::from(self.late.clone())) as ArrayRef;
        RecordBatch::try_from_iter(self.inputs().into_iter().chain([("late", late)])).unwrap()
    }

    fn points(&self) -> Points {
        let rows = self.x.iter().zip(&self.p);
        Points::new(2, rows.flat_map(|(x, p)| [*x, *p])).unwrap()
    }

    fn scored(&self) -> Scored {
        Scored::new(&self.late, &self.p).unwrap()
    }

    fn wrong(&self) -> Vec<f64> {
        let rows = self.late.iter().zip(&self.p);
        rows.map(|(late, p)| f64::from(u8::from(*late != (*p >= 0.5))))
            .collect()
    }

    fn accuracy(&self) -> f64 {
        1.0 - self.wrong().iter().sum::<f64>() / self.late.len() as f64
    }
}

fn estimate(report: &EstimatedReport, method: &str, metric: &str) -> Estimate {
    let change = report.metric(method, metric).unwrap();
    change
        .current
        .unwrap_or_else(|| panic!("{}", change.reason))
}

fn run(before: &Rows, now: &Rows) -> EstimatedReport {
    let check = preset::estimated_classification("late", "p").features(["x"]);
    check.run(&before.labelled(), &now.unlabelled()).unwrap()
}

/// Eleven figures share the level: 6 of CBPE, 1 of label shift, 2 each of the others.
fn each() -> SignificanceLevel {
    SignificanceLevel::FIVE_PERCENT.split(11)
}

#[test]
fn tables_give_what_the_slices_give() {
    let (before, now) = (
        Rows::drawn(1, 2_000, 0.0, 1.0),
        Rows::drawn(2, 800, 0.2, 0.9),
    );
    let report = run(&before, &now);
    let scored = before.scored();
    let cbpe = Cbpe::calibrated_on(&scored, &now.p, 0.5, None).unwrap();
    for (name, metric) in [
        ("auc", BinaryMetric::RocAuc),
        ("f1", BinaryMetric::F1),
        ("precision", BinaryMetric::Precision),
        ("recall", BinaryMetric::Recall),
        ("specificity", BinaryMetric::Specificity),
        ("accuracy", BinaryMetric::Accuracy),
    ] {
        let want = cbpe.estimate_of_law(metric, each()).unwrap();
        assert_eq!(estimate(&report, "cbpe", name), want);
    }
    let brier: Vec<f64> = before
        .late
        .iter()
        .zip(&before.p)
        .map(|(late, p)| (p - f64::from(u8::from(*late))).powi(2))
        .collect();
    let weighted = ImportanceWeighted::fitted(&brier, &before.points(), &now.points())
        .unwrap()
        .level(each());
    let want = weighted.range(0.0, 1.0).unwrap().mean().unwrap();
    assert_eq!(estimate(&report, "importance_weighting", "brier"), want);
    let fit = DirectLoss::fit(&before.points(), &before.wrong())
        .unwrap()
        .level(each());
    let want = fit
        .range(0.0, 1.0)
        .unwrap()
        .estimate(&now.points())
        .unwrap();
    let got = estimate(&report, "direct_loss", "accuracy");
    assert_eq!(got.value, 1.0 - want.value);
    assert_eq!(got.interval.low(), 1.0 - want.interval.high());
    let classes = |p: &[f64]| -> Vec<usize> { p.iter().map(|p| usize::from(*p >= 0.5)).collect() };
    let truth: Vec<usize> = before.late.iter().map(|late| usize::from(*late)).collect();
    let shift = LabelShift::new(2, &truth, &classes(&before.p), &classes(&now.p)).unwrap();
    let want = shift
        .level(each())
        .range(0.0, 1.0)
        .unwrap()
        .risk(&before.wrong())
        .unwrap();
    assert_eq!(
        estimate(&report, "label_shift", "accuracy").value,
        1.0 - want.value
    );
    // The reference is what its labels show.
    let reference = report.metric("cbpe", "auc").unwrap().reference;
    assert_eq!(reference, before.scored().level(each()).auc().ok());
    assert_eq!(report.rows[1].labelled, 800);
}

/// By features and prediction; the error grows with the distance.
#[test]
fn a_regression_gives_what_the_slices_give() {
    let rng = &mut ChaCha8Rng::seed_from_u64(3);
    let mut table = |rows: usize, from: f64, width: f64| {
        let x: Vec<f64> = (0..rows).map(|_| from + width * uniform(rng)).collect();
        let truth: Vec<f64> = x.iter().map(|x| x + (uniform(rng) - 0.5) * x).collect();
        (x, truth)
    };
    let ((before, truth), (now, _)) = (table(1_500, 0.0, 1.0), table(600, 0.4, 0.5));
    let column = |values: &[f64]| Arc::new(Float64Array::from(values.to_vec())) as ArrayRef;
    let reference =
        RecordBatch::try_from_iter([("said", column(&before)), ("truth", column(&truth))]);
    // The current table may hold a target that is not there: it is not read.
    let nothing = Arc::new(Float64Array::from(vec![None::<f64>; 600])) as ArrayRef;
    let current = RecordBatch::try_from_iter_with_nullable([
        ("said", column(&now), false),
        ("truth", nothing, true),
    ]);
    let (reference, current) = (reference.unwrap(), current.unwrap());
    let check = preset::estimated_regression("truth", "said");
    let report = check.run(&reference, &current).unwrap();
    let points = |x: &[f64]| Points::new(1, x.iter().copied()).unwrap();
    let errors: Vec<f64> = before
        .iter()
        .zip(&truth)
        .map(|(a, b)| (a - b).abs())
        .collect();
    let squares: Vec<f64> = errors.iter().map(|error| error * error).collect();
    let each = SignificanceLevel::FIVE_PERCENT.split(4);
    let fit = |losses: &[f64]| {
        let fit = DirectLoss::fit(&points(&before), losses)
            .unwrap()
            .level(each);
        fit.estimate(&points(&now)).unwrap()
    };
    assert_eq!(estimate(&report, "direct_loss", "mae"), fit(&errors));
    let (got, want) = (estimate(&report, "direct_loss", "rmse"), fit(&squares));
    assert_eq!(got.value, want.value.sqrt());
    assert_eq!(got.interval.high(), want.interval.high().sqrt());
    // And it is that of the law: an error is uniform up to x/2, a quarter of x on average, and x is 0.65 on average.
    for method in ["direct_loss", "importance_weighting"] {
        let interval = estimate(&report, method, "mae").interval;
        assert!(interval.contains(0.65 / 4.0), "{method}: {interval}");
    }
    assert!(report.verdict.expected_worse);
    assert!(
        report.verdict.reason.contains("drifted: said"),
        "{}",
        report.verdict.reason
    );
}

/// Inputs move to where labels are nearly a toss-up: all methods but label shift assume what is so, and hold the accuracy of the law. With
/// p = 0.05 + 0.9·x that is the mean of 0.5 + 0.9·|x − 0.5|: 0.59 over [0.3, 0.7), from 0.725 over [0, 1).
#[test]
fn estimates_hold_the_truth_where_only_inputs_changed() {
    let runs = 40;
    let truth = 0.59;
    let law = Binomial::new(1.0 - 0.05 / 11.0, runs).unwrap();
    let mut covered = [0_u64; 3];
    let mut alarms = 0;
    for seed in 0..runs {
        let (before, now) = (
            Rows::drawn(2 * seed, 2_000, 0.0, 1.0),
            Rows::drawn(2 * seed + 1, 1_000, 0.3, 0.7),
        );
        let report = run(&before, &now);
        for (covered, method) in
            covered
                .iter_mut()
                .zip(["cbpe", "importance_weighting", "direct_loss"])
        {
            let interval = estimate(&report, method, "accuracy").interval;
            *covered += u64::from(interval.contains(truth));
        }
        alarms += u64::from(
            report
                .verdict
                .worse_metrics
                .contains(&"accuracy by cbpe".to_owned()),
        );
    }
    println!("covered {covered:?}, alarms {alarms} of {runs}");
    assert!(
        covered
            .iter()
            .all(|covered| *covered >= law.inverse_cdf(1e-4))
    );
    assert_eq!(alarms, runs);
}

/// The labels are turned round, and the inputs are as they were: no estimate sees it, and the report says so.
#[test]
fn concept_shift_is_not_seen_and_said_to_be_so() {
    let (before, mut now) = (
        Rows::drawn(7, 2_000, 0.0, 1.0),
        Rows::drawn(8, 1_000, 0.0, 1.0),
    );
    now.late.iter_mut().for_each(|late| *late = !*late);
    let report = run(&before, &now);
    assert!(now.accuracy() < 0.35 && !report.verdict.expected_worse);
    let caveat = "that the same inputs have other answers now shows in labels alone";
    assert!(report.verdict.reason.contains(caveat) && report.to_markdown().contains(caveat));
}

/// Two hundred units of ten rows that are all the same: as many rows say no more than the units.
#[test]
fn units_widen_the_intervals() {
    let repeated = |rows: &Rows| {
        let of = |values: &[f64]| values.iter().flat_map(|x| [*x; 10]).collect();
        Rows {
            x: of(&rows.x),
            p: of(&rows.p),
            late: rows.late.iter().flat_map(|late| [*late; 10]).collect(),
        }
    };
    let with_unit = |batch: RecordBatch| {
        let units = (0..batch.num_rows() as i64).map(|row| row / 10);
        let unit = Arc::new(Int64Array::from_iter_values(units)) as ArrayRef;
        let schema = batch.schema();
        let names = schema.fields().iter().map(|field| field.name().as_str());
        let columns = names.zip(batch.columns().iter().cloned());
        RecordBatch::try_from_iter(columns.chain([("unit", unit)])).unwrap()
    };
    let (before, now) = (
        Rows::drawn(11, 200, 0.0, 1.0),
        Rows::drawn(12, 200, 0.1, 0.9),
    );
    let (reference, current) = (
        with_unit(repeated(&before).labelled()),
        with_unit(repeated(&now).unlabelled()),
    );
    let check = preset::estimated_classification("late", "p").features(["x"]);
    let by_rows = check.run(&reference, &current).unwrap();
    let by_units = check.unit("unit").run(&reference, &current).unwrap();
    // Of units in both tables.
    let numbers: Vec<u64> = (0..2_000).map(|row| row / 10).collect();
    let scored = repeated(&before).scored().units(&numbers).unwrap();
    let cbpe = Cbpe::calibrated_on(&scored, &repeated(&now).p, 0.5, Some(&numbers)).unwrap();
    let want = cbpe
        .estimate_of_law(BinaryMetric::Accuracy, each())
        .unwrap();
    assert_eq!(estimate(&by_units, "cbpe", "accuracy"), want);
    for method in ["cbpe", "label_shift", "importance_weighting", "direct_loss"] {
        let change = |report: &EstimatedReport| report.metric(method, "accuracy").unwrap().clone();
        let (rows, units) = (change(&by_rows), change(&by_units));
        let (Some(rows), Some(units)) = (rows.current, units.current) else {
            panic!("{} {}", rows.reason, units.reason)
        };
        assert!(
            units.interval.width() > 2.0 * rows.interval.width(),
            "{method}"
        );
    }
}

/// No overlap, probabilities that the calibration has never seen, and predictions that no shares of classes explain: every method refuses, each with its
/// reason.
#[test]
fn methods_that_do_not_apply_refuse_and_say_why() {
    let before = Rows::drawn(21, 2_000, 0.0, 0.8);
    let now = Rows::drawn(22, 500, 0.9, 1.0);
    let report = run(&before, &now);
    let all: Vec<EstimationMethod> = report.methods.iter().map(|one| one.method).collect();
    assert_eq!((all.len(), &report.verdict.refused), (4, &all));
    assert!(!report.is_judged(), "{}", report.headline());
    let reason = &report.verdict.reason;
    assert!(reason.contains("every method refuses"), "{reason}");
    let diagnosis = |method: EstimationMethod| {
        let found = report
            .methods
            .iter()
            .find(|estimates| estimates.method == method);
        found.unwrap().diagnosis.clone()
    };
    assert!(diagnosis(EstimationMethod::LabelShift).contains("not label shift alone"));
    assert!(diagnosis(EstimationMethod::ImportanceWeighting).contains("mean ratio"));
    assert!(diagnosis(EstimationMethod::DirectLoss).contains("beyond the reference"));
    let cbpe = diagnosis(EstimationMethod::Cbpe);
    assert!(cbpe.ends_with("lie beyond those of the reference, got 1.000"));
    for change in report.methods.iter().flat_map(|method| &method.metrics) {
        assert_eq!(change.verdict, ChangeVerdict::Undefined);
    }
    let text = report.to_markdown();
    assert!(text.contains("refused: "), "{text}");
    assert_eq!(
        EstimatedReport::from_json(&report.to_json().unwrap()).unwrap(),
        report
    );
}

/// A fifth of the probabilities beyond those of the reference is the most that CBPE speaks of, and says how many there are.
#[test]
fn probabilities_that_the_reference_lacks_are_told_and_then_refused() {
    let before = Rows::drawn(23, 2_000, 0.1, 0.9);
    for (beyond, is_refused) in [(0, false), (190, false), (210, true)] {
        let mut now = Rows::drawn(24, 1_000, 0.2, 0.8);
        now.p[..beyond].fill(0.999);
        let report = run(&before, &now);
        let cbpe = &report.methods[0];
        assert_eq!(
            (cbpe.method, cbpe.refused),
            (EstimationMethod::Cbpe, is_refused)
        );
        let share = format!(
            "{:.1} % of the probabilities lie beyond",
            beyond as f64 / 10.0
        );
        assert_eq!(cbpe.diagnosis.starts_with(&share), !is_refused);
    }
}

/// All formats tell the same figures as worse, as fine and as refused, and hold what names hold.
#[test]
fn formats_agree() {
    let (before, mut now) = (
        Rows::drawn(7, 2_000, 0.0, 1.0),
        Rows::drawn(8, 1_000, 0.0, 1.0),
    );
    now.late.iter_mut().for_each(|late| *late = !*late);
    let check = preset::estimated_classification("late", "p").few_labels();
    let report = check.run(&before.labelled(), &few(&now)).unwrap();
    let (worse, all) = (report.verdict.worse_metrics.len(), 15);
    assert!((1..all).contains(&worse));
    let headline = report.headline();
    assert!(headline.starts_with("classification with few labels: expected worse in accuracy by"));
    let junit = report.to_junit();
    assert!(junit.contains(&format!(
        r#"tests="15" failures="{worse}" skipped="0" errors="0""#
    )));
    assert!(
        junit.contains(r#"name="accuracy by prediction_powered"><failure"#),
        "{junit}"
    );
    let metrics = report.to_openmetrics();
    assert_eq!(metrics.matches("estimated_metric_worse{").count(), all);
    let alarms = metrics
        .lines()
        .filter(|line| line.contains("metric_worse{") && line.ends_with(" 1"));
    assert_eq!(alarms.count(), worse);
    assert!(
        metrics.contains("mlops_drift_estimated_worse 1\nmlops")
            || metrics.contains("mlops_drift_estimated_worse 1\n#")
    );
    #[cfg(feature = "html")]
    {
        let cell = r#"<td class="verdict material">worse</td>"#;
        let html = report.to_html().unwrap();
        assert_eq!(html.matches(cell).count(), worse);
    }
    assert_eq!(report.to_markdown().matches("| worse |").count(), worse);
    assert_eq!(
        report.evidence().len(),
        all + report.input_drift.evidence().len()
    );
}

/// One labelled row of two classes tells no metric, whatever methods make of it.
#[test]
fn a_reference_of_one_row_tells_nothing() {
    let (before, now) = (Rows::drawn(7, 1, 0.0, 1.0), Rows::drawn(8, 400, 0.0, 1.0));
    let report = run(&before, &now);
    assert!(!report.is_judged() && report.to_junit().contains(r#"failures="0" skipped="0""#));
    assert!(
        report.methods[0].metrics[0]
            .reason
            .contains("at least 2 units are needed, got 1")
    );
}

/// Two labelled rows: no method says anything, and no format lets that pass.
#[test]
fn a_model_of_which_nothing_can_be_said_does_not_pass() {
    let table = |rows: Vec<f64>| {
        let columns = ["<b>", "said"]
            .map(|name| (name, Arc::new(Float64Array::from(rows.clone())) as ArrayRef));
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let (few, many) = (
        table(vec![1.0, 2.0]),
        table((0..90).map(f64::from).collect()),
    );
    let report = preset::estimated_regression("<b>", "said")
        .run(&few, &many)
        .unwrap();
    assert!(
        !report.is_judged()
            && report.evidence().is_empty() == report.input_drift.evidence().is_empty()
    );
    assert!(report.headline().ends_with("nothing can be said of it"));
    assert!(
        report
            .to_junit()
            .contains(r#"failures="0" skipped="0" errors="4""#)
    );
    let metrics = report.to_openmetrics();
    assert!(
        metrics.contains("mlops_drift_estimated_judged 0\n")
            && !metrics.contains("estimated_worse")
    );
    assert!(metrics.contains("mlops_drift_estimated_refused{method=\"direct_loss\"} 1\n"));
    #[cfg(feature = "html")]
    {
        let html = report.to_html().unwrap();
        assert!(html.contains("refused: ") && !html.contains("<b>"));
    }
}

/// A reference without a positive: where its labels leave a metric undefined no method is to blame, and what is defined is judged.
#[test]
fn a_metric_that_the_reference_lacks_is_no_refusal() {
    let (mut before, now) = (Rows::drawn(7, 300, 0.0, 0.4), Rows::drawn(8, 300, 0.0, 0.4));
    before.late.fill(false);
    let report = run(&before, &now);
    let verdict = |metric: &str| report.metric("cbpe", metric).unwrap().verdict;
    assert_eq!(verdict("accuracy"), ChangeVerdict::Same);
    assert_eq!(verdict("recall"), ChangeVerdict::Undefined);
    assert!(report.is_judged() && !report.verdict.refused.contains(&EstimationMethod::Cbpe));
}

/// Rows without a value that is read are left out, of either table, and parts are one table.
#[test]
fn missing_values_are_left_out_and_counted() {
    let (before, now) = (
        Rows::drawn(31, 900, 0.0, 1.0),
        Rows::drawn(32, 400, 0.1, 0.9),
    );
    let whole = run(&before, &now);
    let late: Vec<Option<bool>> = before
        .late
        .iter()
        .copied()
        .map(Some)
        .chain([None; 3])
        .collect();
    let x = |rows: &Rows, more: &[Option<f64>]| -> ArrayRef {
        Arc::new(
            rows.x
                .iter()
                .copied()
                .map(Some)
                .chain(more.iter().copied())
                .collect::<Float64Array>(),
        )
    };
    let p = |rows: &Rows, more: &[f64]| -> ArrayRef {
        Arc::new(Float64Array::from([rows.p.as_slice(), more].concat()))
    };
    let reference = RecordBatch::try_from_iter_with_nullable([
        ("late", Arc::new(BooleanArray::from(late)) as ArrayRef, true),
        ("x", x(&before, &[Some(0.5); 3]), true),
        ("p", p(&before, &[0.5; 3]), true),
    ]);
    let current = RecordBatch::try_from_iter_with_nullable([
        ("x", x(&now, &[None, Some(0.1)]), true),
        ("p", p(&now, &[0.5, f64::NAN]), true),
    ]);
    let (reference, current) = (reference.unwrap(), current.unwrap());
    let check = preset::estimated_classification("late", "p").features(["x"]);
    let parts = vec![reference.slice(0, 500), reference.slice(500, 403)];
    let report = check.run(&parts, &current).unwrap();
    assert_eq!((report.rows[0].left_out, report.rows[1].left_out), (3, 2));
    assert_eq!(report.methods, whole.methods);
    assert!(
        report
            .to_markdown()
            .contains("400 rows against 900 labelled ones")
    );
    assert!(report.to_markdown().contains("2 and 3 were left out"));
}

#[test]
fn bad_tables_are_refused() {
    let rows = Rows::drawn(41, 300, 0.0, 1.0);
    let (labelled, unlabelled) = (rows.labelled(), rows.unlabelled());
    let check = || preset::estimated_classification("late", "p");
    let kind = |result: mlops_core::Result<EstimatedReport>| result.unwrap_err().kind();
    let missing = check().features(["y"]).run(&labelled, &unlabelled);
    assert_eq!(kind(missing), ErrorKind::SignatureMismatch);
    let swapped = check().run(&unlabelled, &labelled);
    assert_eq!(kind(swapped), ErrorKind::SignatureMismatch);
    let target = check().features(["late"]).run(&labelled, &labelled);
    assert!(
        target
            .unwrap_err()
            .to_string()
            .contains("target must not be among")
    );
    let threshold = check().threshold(1.5).run(&labelled, &unlabelled);
    assert_eq!(kind(threshold), ErrorKind::InvalidArgument);
    let empty = check().run(&labelled, &unlabelled.slice(0, 0));
    assert!(empty.unwrap_err().to_string().contains("at least 1 row"));
    let profile = TableProfile::of(&unlabelled).unwrap();
    assert_eq!(
        kind(check().run(&labelled, &profile)),
        ErrorKind::Unsupported
    );
    let names = Arc::new(StringArray::from(vec!["a"; 300])) as ArrayRef;
    let named = |rows: &RecordBatch| {
        let schema = rows.schema();
        let columns = schema.fields().iter().map(|field| field.name().as_str());
        let columns = columns.zip(rows.columns().iter().cloned());
        RecordBatch::try_from_iter(columns.chain([("name", names.clone())])).unwrap()
    };
    // Errors name the table, the column and the row.
    let with = |rows: &RecordBatch, x: f64| {
        let mut values = vec![0.5; 300];
        values[7] = x;
        let schema = rows.schema();
        let columns = schema.fields().iter().zip(rows.columns());
        let columns = columns.map(|(field, column)| match field.name().as_str() {
            "x" => (
                "x",
                Arc::new(Float64Array::from(values.clone())) as ArrayRef,
            ),
            name => (name, column.clone()),
        });
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let by_x = || check().features(["x"]);
    let infinite = by_x()
        .run(&labelled, &with(&unlabelled, f64::INFINITY))
        .unwrap_err();
    assert_eq!(infinite.kind(), ErrorKind::InvalidArgument);
    for said in ["got inf in row 7", "column: x", "table: current"] {
        assert!(infinite.to_string().contains(said), "{infinite}");
    }
    let far = by_x()
        .run(&with(&labelled, 1e300), &unlabelled)
        .unwrap_err();
    assert!(
        far.to_string().contains("variance overflows (column: x)"),
        "{far}"
    );
    let text = check()
        .features(["name"])
        .run(&named(&labelled), &named(&unlabelled));
    assert_eq!(kind(text), ErrorKind::Unsupported);
}

/// The rows of which every tenth has a label.
fn few(rows: &Rows) -> RecordBatch {
    let late: BooleanArray = (rows.late.iter().enumerate())
        .map(|(row, late)| (row % 10 == 0).then_some(*late))
        .collect();
    let schema = [("late", Arc::new(late) as ArrayRef, true)].into_iter();
    let inputs = rows
        .inputs()
        .into_iter()
        .map(|(name, column)| (name, column, false));
    RecordBatch::try_from_iter_with_nullable(inputs.chain(schema)).unwrap()
}

#[test]
fn few_labels_see_what_no_other_row_shows() {
    let (before, mut now) = (
        Rows::drawn(7, 2_000, 0.0, 1.0),
        Rows::drawn(8, 1_000, 0.0, 1.0),
    );
    now.late.iter_mut().for_each(|late| *late = !*late);
    let check = preset::estimated_classification("late", "p")
        .features(["x"])
        .few_labels();
    let report = check.run(&before.labelled(), &few(&now)).unwrap();
    assert!(
        report
            .verdict
            .worse_metrics
            .iter()
            .all(|name| name.ends_with(" by prediction_powered"))
    );
    let accuracy = estimate(&report, "prediction_powered", "accuracy");
    assert!(
        accuracy.interval.contains(now.accuracy()),
        "{accuracy:?}, {}",
        now.accuracy()
    );
    assert!(
        report
            .verdict
            .worse_metrics
            .contains(&"accuracy by prediction_powered".to_owned())
    );
    // As the slices say, at the level of fifteen figures.
    let labels: Vec<Option<bool>> = (now.late.iter().enumerate())
        .map(|(row, late)| (row % 10 == 0).then_some(*late))
        .collect();
    let each = SignificanceLevel::FIVE_PERCENT.split(15);
    let rows = PoweredScored::new(&labels, &now.p, 0.5)
        .unwrap()
        .level(each);
    assert_eq!(accuracy, rows.accuracy().unwrap().estimate);
    assert_eq!(
        estimate(&report, "prediction_powered", "f1"),
        rows.f1().unwrap().estimate
    );
    let numbers: Vec<Option<f64>> = (labels.iter())
        .map(|label| label.map(|label| f64::from(u8::from(label))))
        .collect();
    let p = PredictionPowered::new(&numbers, &now.p)
        .unwrap()
        .sampled_alike()
        .unwrap();
    let diagnosis = &report.methods[4].diagnosis;
    assert!(
        diagnosis.starts_with("100 of 1000 rows have labels"),
        "{diagnosis}"
    );
    assert!(
        diagnosis.ends_with(&format!("{:.4}", p.get())),
        "{diagnosis}"
    );
}

/// Labels arrived for the greatest probabilities alone, or for nobody, or are no labels.
#[test]
fn labels_that_are_no_sample_are_told() {
    let (before, now) = (
        Rows::drawn(51, 1_000, 0.0, 1.0),
        Rows::drawn(52, 500, 0.0, 1.0),
    );
    let check = preset::estimated_classification("late", "p").few_labels();
    let with = |labels: Vec<Option<f64>>| {
        let late = Arc::new(Float64Array::from(labels)) as ArrayRef;
        let inputs = now
            .inputs()
            .into_iter()
            .map(|(name, column)| (name, column, false));
        let table = RecordBatch::try_from_iter_with_nullable(inputs.chain([("late", late, true)]));
        check.run(&before.labelled(), &table.unwrap())
    };
    let first = now.p.iter().map(|p| (*p > 0.8).then_some(1.0)).collect();
    let diagnosis = with(first).unwrap().methods[4].diagnosis.clone();
    assert!(diagnosis.contains("e-"), "{diagnosis}");
    let report = with(vec![None; 500]).unwrap();
    assert_eq!(
        report.verdict.refused,
        [EstimationMethod::PredictionPowered]
    );
    assert!(
        report.methods[4]
            .diagnosis
            .contains("at least 1 row with a label")
    );
    let two = with(vec![Some(2.0); 500]).unwrap_err();
    for said in ["0 and 1, got 2 in row 0", "column: late", "table: current"] {
        assert!(two.to_string().contains(said), "{two}");
    }
    let absent = check
        .run(&before.labelled(), &now.unlabelled())
        .unwrap_err();
    assert_eq!(absent.kind(), ErrorKind::SignatureMismatch);
}

/// A regression whose errors doubled, of which one row in ten says so.
#[test]
fn few_labels_of_a_regression_see_its_errors() {
    let rng = &mut ChaCha8Rng::seed_from_u64(61);
    let mut table = |rows: usize, error: f64, labelled: usize| {
        let x: Vec<f64> = (0..rows).map(|_| uniform(rng)).collect();
        let truth = x
            .iter()
            .map(|x| x + error * (uniform(rng) - 0.5))
            .collect::<Vec<_>>();
        let truth: Float64Array = (truth.into_iter().enumerate())
            .map(|(row, truth)| (row % labelled == 0).then_some(truth))
            .collect();
        RecordBatch::try_from_iter_with_nullable([
            ("said", Arc::new(Float64Array::from(x)) as ArrayRef, false),
            ("truth", Arc::new(truth), true),
        ])
        .unwrap()
    };
    let (before, now) = (table(2_000, 1.0, 1), table(2_000, 2.0, 10));
    let report = preset::estimated_regression("truth", "said")
        .few_labels()
        .run(&before, &now)
        .unwrap();
    assert_eq!(
        report.verdict.worse_metrics,
        ["mae by prediction_powered", "rmse by prediction_powered"]
    );
    // Uniform errors of up to 1: their mean size is 1/2, the root of their mean square 1/√3.
    let of = |metric: &str| estimate(&report, "prediction_powered", metric).interval;
    assert!(of("mae").contains(0.5) && of("rmse").contains(1.0 / 3.0_f64.sqrt()));
}

/// Labels that arrived for the surest rows alone are no random sample of them: no figure is made of them, and the reason stands in every format.
#[test]
fn few_labels_that_are_no_sample_are_refused() {
    let table = |labelled: &dyn Fn(usize) -> bool| {
        let said = |row: usize| (row * 37 % 100) as f64 / 100.0;
        let late = (0..900).map(|row| {
            labelled(row).then(|| f64::from(u8::from(said(row) + (row % 7) as f64 / 20.0 > 0.6)))
        });
        let late = Arc::new(late.collect::<Float64Array>()) as ArrayRef;
        let said = Arc::new(Float64Array::from_iter_values((0..900).map(said))) as ArrayRef;
        RecordBatch::try_from_iter_with_nullable([("late", late, true), ("said", said, true)])
            .unwrap()
    };
    let check = preset::estimated_classification("late", "said").few_labels();
    let told = |labelled: &dyn Fn(usize) -> bool| {
        check
            .run(&table(&|_| true), &table(labelled))
            .unwrap()
            .to_markdown()
    };
    let refused = "the rows with labels must be a random sample, got some whose predictions differ";
    assert!(told(&|row| row * 37 % 100 > 70).contains(refused));
    assert!(!told(&|row| row % 9 == 4).contains(refused));
}
