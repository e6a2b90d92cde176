//! States and reports that are read from JSON which somebody has edited: an error, or something that never panics nor gives NaN.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray};
use mlops_core::evidence::SignificanceLevel;
use mlops_drift::multivariate::Points;
use mlops_drift::performance::{
    Average, BinaryMetric, Calibration, Cbpe, CbpeMonitor, CbpeMulticlass, Confusion, DensityRatio,
    Multiclass, Reliability, Scored,
};
use mlops_drift::preset::{self, EstimatedReport, PerformanceReport};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The paths of all parts of a JSON document; of a long list, the first and the last item.
fn parts(of: &Value, path: &str, found: &mut Vec<String>) {
    found.push(path.to_owned());
    match of {
        Value::Array(items) => {
            let last = items.len().saturating_sub(1);
            for (index, item) in items.iter().enumerate() {
                if index == 0 || index == last {
                    parts(item, &format!("{path}/{index}"), found);
                }
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                parts(field, &format!("{path}/{name}"), found);
            }
        }
        _ => {}
    }
}

/// What somebody may make of a part.
fn edits(part: &Value) -> Vec<Value> {
    match part {
        Value::Number(_) => vec![
            json!(-1),
            json!(0),
            json!(0.5),
            json!(2),
            json!(1e308),
            json!(-1e308),
            json!(u64::MAX),
            Value::Null,
        ],
        Value::Array(items) => {
            let shorter = items[..items.len().saturating_sub(1)].to_vec();
            let longer = [items.clone(), items.last().cloned().into_iter().collect()].concat();
            let turned: Vec<Value> = items.iter().rev().cloned().collect();
            vec![
                json!([]),
                json!(shorter),
                json!(longer),
                json!(turned),
                Value::Null,
            ]
        }
        Value::String(_) => vec![json!(""), json!("NaN"), Value::Null],
        Value::Bool(is) => vec![json!(!is)],
        _ => vec![Value::Null],
    }
}

/// Reads every edit of a state; what is read must do all that it can do. How many were read, and how many not.
fn edited<T: Serialize + DeserializeOwned>(state: &T, works: impl Fn(T)) -> [usize; 2] {
    let written = serde_json::to_value(state).unwrap();
    works(serde_json::from_value(written.clone()).unwrap());
    let (mut paths, mut counts) = (Vec::new(), [0, 0]);
    parts(&written, "", &mut paths);
    for path in paths {
        for edit in edits(written.pointer(&path).unwrap()) {
            let mut broken = written.clone();
            *broken.pointer_mut(&path).unwrap() = edit;
            // As text: numbers beyond a double are none.
            match serde_json::from_str::<T>(&broken.to_string()) {
                Ok(read) => {
                    works(read);
                    counts[0] += 1;
                }
                Err(_) => counts[1] += 1,
            }
        }
    }
    counts
}

fn all_numbers(what: &str, numbers: impl IntoIterator<Item = f64>) {
    numbers
        .into_iter()
        .for_each(|number| assert!(!number.is_nan(), "{what}"));
}

fn scored() -> Scored {
    let scores: Vec<f64> = (0..300)
        .map(|row| f64::from(row * 37 % 100) / 100.0)
        .collect();
    let labels: Vec<bool> = (0..300).map(|row| row * 61 % 97 < row * 37 % 100).collect();
    Scored::new(&labels, &scores).unwrap()
}

/// One coefficient too few or too many, one class that no cell is of: what would be read is another state.
#[test]
fn lengths_that_contradict_are_refused() {
    let of = |from: f64| Points::new(2, (0..200).map(|i| f64::from(i * 37 % 97) + from)).unwrap();
    let ratio = DensityRatio::fit(&of(0.0), &of(3.0)).unwrap();
    let written = serde_json::to_value(&ratio).unwrap();
    let week = RecordBatch::try_from_iter([
        (
            "late",
            Arc::new(BooleanArray::from([true, false, false].repeat(40))) as ArrayRef,
        ),
        (
            "said",
            Arc::new(Float64Array::from([0.7, 0.4, 0.2].repeat(40))),
        ),
    ])
    .unwrap();
    let report = preset::classification("late", "said")
        .run(&week, &week)
        .unwrap();
    let told = serde_json::to_value(&report).unwrap();
    let with = |of: &Value, path: &str, change: &dyn Fn(&mut Vec<Value>)| {
        let mut edited = of.clone();
        change(edited.pointer_mut(path).unwrap().as_array_mut().unwrap());
        edited.to_string()
    };
    let one_less = |items: &mut Vec<Value>| drop(items.pop());
    let one_more = |items: &mut Vec<Value>| items.push(items[0].clone());
    let same = |_: &mut Vec<Value>| {};
    type Edit<'a> = &'a dyn Fn(&mut Vec<Value>);
    let edits: [(Edit<'_>, bool); 3] = [(&one_less, false), (&one_more, false), (&same, true)];
    for (edit, is_read) in edits {
        let ratio = with(&written, "/coefficients", edit);
        assert_eq!(
            serde_json::from_str::<DensityRatio>(&ratio).is_ok(),
            is_read
        );
        let report = with(&told, "/confusion/names", edit);
        assert_eq!(PerformanceReport::from_json(&report).is_ok(), is_read);
    }
}

const SCORES: [f64; 5] = [0.0, 0.05, 0.5, 0.73, 1.0];

fn of_cbpe(estimate: &Cbpe) {
    for metric in BinaryMetric::ALL {
        all_numbers("a metric", metric.estimated(estimate));
        let level = SignificanceLevel::FIVE_PERCENT;
        for figure in [
            estimate.estimate(metric, level),
            estimate.estimate_of_law(metric, level),
        ] {
            let figure = figure.into_iter();
            all_numbers(
                "an estimate",
                figure.flat_map(|it| [it.value, it.interval.low()]),
            );
        }
    }
}

#[test]
fn an_edited_calibration_is_refused_or_works() {
    let calibration = Calibration::isotonic(&scored());
    let [read, refused] = edited(&calibration, |calibration| {
        let shares = calibration.of(&SCORES).unwrap();
        assert!(
            shares.iter().all(|share| (0.0..=1.0).contains(share)),
            "{shares:?}"
        );
        assert!(shares.is_sorted());
        all_numbers("beyond", [calibration.beyond(&SCORES)]);
        of_cbpe(&Cbpe::calibrated(&SCORES, &calibration, 0.5).unwrap());
        let scores: Vec<f64> = SCORES
            .iter()
            .flat_map(|score| [*score, 1.0 - score])
            .collect();
        let both = [calibration.clone(), calibration];
        if let Ok(estimate) = CbpeMulticlass::calibrated(2, &scores, &both) {
            all_numbers("accuracy", [estimate.confusion().accuracy()]);
        }
    });
    assert!(read > 0 && refused > read, "{read} and {refused}");
}

/// Each would panic, or answer at random, later on.
#[test]
fn a_calibration_of_no_pools_or_of_impossible_ones_is_no_calibration() {
    for (knots, pools, said) in [
        (json!([]), json!([]), "at least 1 pool, got 0"),
        (
            json!([[0.2, 0.5]]),
            json!([{"last": 0.2, "share": 1.5, "weight": 3.0, "rows": 3.0}]),
            "share of a pool of a state must lie in [0, 1], got 1.5",
        ),
        (
            json!([[0.2, 0.5]]),
            json!([{"last": 0.2, "share": 0.5, "weight": 0.0, "rows": 0.0}]),
            "weight of a pool",
        ),
        (
            json!([[0.2, 0.5], [0.1, 0.6]]),
            json!([
                {"last": 0.2, "share": 0.5, "weight": 3.0, "rows": 3.0},
                {"last": 0.1, "share": 0.6, "weight": 3.0, "rows": 3.0}
            ]),
            "must rise from pool to pool",
        ),
        (
            json!([[0.3, 0.5]]),
            json!([{"last": 0.2, "share": 0.5, "weight": 3.0, "rows": 3.0}]),
            "must be the ends of its pools",
        ),
        (
            json!([[0.2, 0.5], [0.4, 0.5]]),
            json!([{"last": 0.2, "share": 0.5, "weight": 3.0, "rows": 3.0}]),
            "got one at 0.4 beyond the last",
        ),
    ] {
        let state = json!({"knots": knots, "pools": pools});
        let error = serde_json::from_value::<Calibration>(state).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn an_edited_monitor_is_refused_or_works() {
    let monitor = CbpeMonitor::fit(&scored(), 0.5, 100).unwrap();
    edited(&monitor, |monitor| {
        let figures = monitor.chunk(&SCORES).unwrap();
        assert_eq!(figures.len(), BinaryMetric::ALL.len());
        for figure in figures {
            all_numbers(
                "a limit",
                [figure.low, figure.high].into_iter().chain(figure.value),
            );
            assert!(figure.low <= figure.high);
        }
    });
}

#[test]
fn other_edited_states_are_refused_or_work() {
    let scored = scored();
    edited(
        &Cbpe::calibrated_on(&scored, &SCORES, 0.5, None).unwrap(),
        |it| of_cbpe(&it),
    );
    edited(&scored.reliability(10).unwrap(), |it| {
        all_numbers("the error", [it.expected_calibration_error()]);
    });
    assert!(serde_json::from_str::<Reliability>(r#"{"bins": []}"#).is_err());

    let points = |values: &[f64]| Points::new(1, values.iter().copied()).unwrap();
    let ratio = DensityRatio::fit(&points(&SCORES), &points(&SCORES[2..])).unwrap();
    edited(&ratio, |it| {
        all_numbers("a ratio", it.of(&points(&SCORES)).into_iter().flatten());
    });

    let rows = Multiclass::new(2, &[0, 1, 1], &[0.9, 0.1, 0.2, 0.8, 0.7, 0.3]).unwrap();
    edited(&rows.confusion(), |it| {
        let averages = [
            Average::Macro,
            Average::Micro,
            Average::Weighted,
            Average::Class(1),
        ];
        all_numbers("F1", averages.map(|average| it.f1(average)));
        all_numbers("precision", averages.map(|average| it.precision(average)));
        all_numbers(
            "specificity",
            averages.map(|average| it.specificity(average)),
        );
        all_numbers("mcc, accuracy", [it.mcc(), it.accuracy()]);
        let kappas = [it.kappa(), it.quadratic_kappa(), it.balanced_accuracy()];
        all_numbers("kappa", kappas.into_iter().flatten());
    });
    assert!(Confusion::weighted(2, &[0, 1], &[0, 0], &[0.0, 0.0]).is_err());
}

fn week(wrong: i32) -> RecordBatch {
    let late: BooleanArray = (0..120)
        .map(|i| Some((i % 2 == 0) == (i / 2 % 10 >= wrong)))
        .collect();
    let said = Float64Array::from_iter_values((0..120).map(|i| if i % 2 == 0 { 0.9 } else { 0.1 }));
    let origin = StringArray::from_iter_values((0..120).map(|i| ["EWR", "LGA"][i / 2 % 2]));
    RecordBatch::try_from_iter([
        ("late", Arc::new(late) as ArrayRef),
        ("said", Arc::new(said)),
        ("origin", Arc::new(origin)),
    ])
    .unwrap()
}

/// In every format, of whichever report.
macro_rules! rendered {
    ($report:ident) => {{
        let told = [
            $report.to_markdown(),
            $report.to_junit(),
            $report.headline(),
            $report.to_json().unwrap(),
        ];
        assert!(told.iter().all(|text| !text.is_empty()));
        #[cfg(feature = "html")]
        assert!(!$report.to_html().unwrap().is_empty());
        $report.evidence();
    }};
}

#[test]
fn an_edited_report_of_performance_is_refused_or_rendered() {
    let check = preset::classification("late", "said").segments("origin");
    let report = check.run(&week(1), &week(7)).unwrap();
    edited(&report, |it: PerformanceReport| rendered!(it));
}

#[test]
fn an_edited_report_of_estimates_is_refused_or_rendered() {
    let check = preset::estimated_classification("late", "said").few_labels();
    let report = check.run(&week(1), &week(7)).unwrap();
    edited(&report, |it: EstimatedReport| rendered!(it));
}

/// Scores at the edge of a bin, of which the mean is rounded to that of the next one.
#[test]
fn a_curve_of_scores_at_the_edges_of_bins_is_read_again() {
    for edge in (1..10).map(|tenth| f64::from(tenth) / 10.0) {
        for [below, at] in [[1, 6], [3, 5], [7, 2], [9, 9]] {
            let scores = [vec![edge.next_down(); below], vec![edge; at]].concat();
            let labels: Vec<bool> = (0..scores.len()).map(|row| row % 2 == 0).collect();
            let curve = Scored::new(&labels, &scores).unwrap().reliability(10);
            let curve = curve.unwrap();
            let json = serde_json::to_string(&curve).unwrap();
            assert_eq!(serde_json::from_str::<Reliability>(&json).unwrap(), curve);
        }
    }
}
