//! What permutations cannot show is no silent pass.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray};
use mlops_core::evidence::SignificanceLevel;
use mlops_drift::check::{DriftMonitor, Method};
use mlops_drift::divergence::Wasserstein;
use mlops_drift::report::{ColumnReport, ColumnVerdict, DriftReport};
use mlops_drift::two_sample::{Permutations, TwoSampleTest};
use mlops_drift::{DriftCheck, NumericSample};

fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn numbers(of: impl IntoIterator<Item = f64>) -> RecordBatch {
    let values = Float64Array::from_iter_values(of);
    batch([("x", Arc::new(values) as ArrayRef)])
}

fn level(level: f64) -> SignificanceLevel {
    SignificanceLevel::new(level).unwrap()
}

/// Units of three rows, two of one label and one of the other.
fn mixed(units: i32, label: impl Fn(i32) -> &'static str) -> RecordBatch {
    let rows = 0..3 * units;
    let unit = Int32Array::from_iter_values(rows.clone().map(|row| row / 3));
    let labels = StringArray::from_iter_values(rows.map(label));
    batch([
        ("unit", Arc::new(unit) as ArrayRef),
        ("x", Arc::new(labels)),
    ])
}

fn more_of(label: usize) -> impl Fn(i32) -> &'static str {
    move |row| ["a", "b"][(usize::from(row % 3 == 0) + label) % 2]
}

fn assert_says(column: &ColumnReport, told: &str) {
    assert!(column.reason.contains(told), "{}", column.reason);
}

/// Ten below ten: 2 of the C(20, 10) = 184,756 ways to deal them are as extreme, p = 1.08e-5, of which 9,999 permutations show 1e-4 at best. A level
/// between the two is reached by the data and not shown, and one above is.
#[test]
fn a_level_that_permutations_cannot_show_leaves_a_column_untested() {
    let (below, above) = (0..10, 100..110);
    let check = |at: f64| {
        let check = DriftCheck::against(&numbers(below.clone().map(f64::from)));
        let check = check.method("x", Method::numeric(Wasserstein::default()));
        check
            .level(level(at))
            .run(&numbers(above.clone().map(f64::from)))
            .unwrap()
    };
    let hidden = check(2e-5);
    let column = &hidden.columns[0];
    assert_eq!(column.verdict, ColumnVerdict::Untested);
    assert_says(column, "whether the values differ is not shown");
    assert_says(column, "permutations show no p-value below 0.0001");
    assert!(column.value.as_ref().unwrap().undecided);
    assert!(!hidden.verdict.drifted && hidden.verdict.nothing_compared);
    assert!(hidden.to_junit().contains(r#"errors="1""#));
    let read = DriftReport::from_json(&hidden.to_json().unwrap()).unwrap();
    assert_eq!(read, hidden);

    let shown = check(1e-3);
    assert_eq!(shown.columns[0].verdict, ColumnVerdict::Material);
    assert!(!shown.columns[0].value.as_ref().unwrap().undecided);
}

/// The same two samples in any order alike: half of all dealings are as extreme, and that no level below is reached is sure.
#[test]
fn permutations_that_exclude_the_level_are_an_answer() {
    let even = numbers((0..40).map(|i| f64::from(2 * i)));
    let odd = numbers((0..40).map(|i| f64::from(2 * i + 1)));
    let check = DriftCheck::against(&even).method("x", Method::numeric(Wasserstein::default()));
    let report = check.level(level(1e-9)).run(&odd).unwrap();
    let column = &report.columns[0];
    assert_eq!(column.verdict, ColumnVerdict::Stable, "{}", column.reason);
    assert!(column.value.as_ref().unwrap().resolution.unwrap().low.get() > 0.1);
}

/// Labels that vary within units, of which permutations and a bound tell: 20 units whose labels are swapped are surely others, which shows at 1 in
/// 1,000 and not beside 1,000 columns at 5 %. Units of the same labels are stable beside them.
#[test]
fn labels_by_unit_beside_many_columns_are_no_silent_pass() {
    let check = |at: f64, more: usize| {
        let check = DriftCheck::against(&mixed(20, more_of(0)));
        let check = check.columns(["x"]).unit("unit", ["x"]).level(level(at));
        check
            .run(&mixed(20, more_of(more)))
            .unwrap()
            .columns
            .remove(0)
    };
    assert_eq!(check(1e-3, 1).verdict, ColumnVerdict::Material);
    let hidden = check(0.05 / 1_000.0, 1);
    assert_eq!(hidden.verdict, ColumnVerdict::Untested);
    assert_says(&hidden, "is not shown");
    assert_eq!(check(0.05 / 1_000.0, 0).verdict, ColumnVerdict::Stable);
    // Of 200 units the bound reaches further.
    let check = DriftCheck::against(&mixed(200, more_of(0))).columns(["x"]);
    let check = check.unit("unit", ["x"]).level(level(1e-8));
    assert!(check.run(&mixed(200, more_of(1))).unwrap().verdict.drifted);
}

/// That values are missing, by unit: in 3 of 20 units all rows before, and now in the 17 others. Shares are 0 and 1, whose law is exact; shares of a
/// half beside them are permuted.
#[test]
fn missing_shares_by_unit_are_no_silent_pass() {
    let table = |missing: &dyn Fn(i32) -> i32| {
        let rows = || (0..20).flat_map(|unit| [(unit, 0), (unit, 1)]);
        let unit = Int32Array::from_iter_values(rows().map(|(unit, _)| unit));
        let values = rows().map(|(unit, row)| (row >= missing(unit)).then_some(1.0));
        let values: Float64Array = values.collect();
        batch([
            ("unit", Arc::new(unit) as ArrayRef),
            ("x", Arc::new(values)),
        ])
    };
    let before = table(&|unit| [0, 1][usize::from(unit < 2)]);
    let now = table(&|unit| [1, 2][usize::from(unit < 2)]);
    let run = |at: f64, current: &RecordBatch| {
        let check = DriftCheck::against(&before)
            .columns(["x"])
            .unit("unit", ["x"]);
        check
            .level(level(at))
            .run(current)
            .unwrap()
            .columns
            .remove(0)
    };
    let shown = run(0.01, &now);
    assert!(shown.missing.as_ref().unwrap().rejected, "{}", shown.reason);
    let at = shown.missing.as_ref().unwrap().p_value.get() * 0.9;
    let hidden = run(at, &now);
    assert!(
        hidden.missing.as_ref().unwrap().undecided,
        "{}",
        hidden.reason
    );
    assert_eq!(hidden.verdict, ColumnVerdict::Untested);
    assert_says(&hidden, "it is not shown whether the missing share changed");
    assert_eq!(run(at, &before).verdict, ColumnVerdict::Stable);
}

/// A watch over windows by a distance, whose permutations end before an alarm: what is surely the same is quiet, what is surely another undecided.
/// Windows of two rows against two have nothing to say whatever they hold.
#[test]
fn a_window_that_could_not_alarm_is_undecided() {
    let week = |shift: f64| numbers((0..200).map(|i| f64::from(i * 37 % 200) + shift));
    let check =
        DriftCheck::against(&week(0.0)).method("x", Method::numeric(Wasserstein::default()));
    let mut monitor = DriftMonitor::new(check.prepare().unwrap(), SignificanceLevel::FIVE_PERCENT);
    let (quiet, _) = monitor.observe("quiet", &week(0.3)).unwrap();
    assert!(!quiet.alarmed && !quiet.undecided);
    let (open, report) = monitor.observe("open", &week(500.0)).unwrap();
    assert!(!open.alarmed && open.undecided && report.verdict.drifted);
    let state = monitor.state();
    assert_eq!([state.counts().compared, state.counts().undecided], [2, 1]);
    let markdown = state.to_markdown();
    assert!(
        markdown.contains("No alarm, 1 window is undecided"),
        "{markdown}"
    );
    assert!(markdown.contains("| open | undecided |"), "{markdown}");
    assert!(
        state
            .to_junit()
            .contains(r#"failures="0" skipped="1" errors="0""#)
    );
    let text = state.to_openmetrics();
    for line in [
        r#"mlops_drift_monitor_windows{outcome="quiet"} 1"#,
        r#"mlops_drift_monitor_windows{outcome="undecided"} 1"#,
        "mlops_drift_monitor_decided 0",
    ] {
        assert!(text.contains(line), "{text}");
    }
    let two = |shift: f64| numbers([shift, shift + 1.0]);
    let check = DriftCheck::against(&two(0.0)).prepare().unwrap();
    let mut monitor = DriftMonitor::new(check, SignificanceLevel::FIVE_PERCENT);
    for shift in [0.0, 9.0] {
        let (window, _) = monitor.observe(shift.to_string(), &two(shift)).unwrap();
        assert!(window.undecided, "{window:?}");
    }
}

/// More permutations tell more.
#[test]
fn a_resolution_follows_the_number_of_permutations() {
    let [near, far] =
        [0.0, 500.0].map(|shift| NumericSample::new((0..50).map(|i| f64::from(i) + shift)));
    for limit in [99, 999, 9_999] {
        let test = Wasserstein::default().permutations(Permutations::default().limit(limit));
        let result = test.test(&near, &far).unwrap();
        let resolution = result.resolution.unwrap();
        assert_eq!(resolution.least.get(), 1.0 / f64::from(limit + 1));
        assert_eq!(result.p_value, resolution.least);
        assert_eq!(resolution.low.get(), 0.0);
    }
}
