//! What permutations cannot show is no silent pass.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray};
use mlops_core::evidence::SignificanceLevel;
use mlops_drift::check::{DriftMonitor, Method, Undecided};
use mlops_drift::divergence::{
    CramersV, Energy, Hellinger, JensenShannon, KullbackLeibler, LInfinity, Psi, TotalVariation,
    Wasserstein,
};
use mlops_drift::multivariate::{DomainClassifier, EnergyTest, PcaReconstruction, Points};
use mlops_drift::report::{ColumnReport, ColumnVerdict, DriftReport};
use mlops_drift::two_sample::{
    AndersonDarling, ChiSquare, CramerVonMises, FisherExact, GTest, KolmogorovSmirnov, Kuiper,
    Levene, MannWhitney, PermutationTest, Permutations, Student, TwoProportions, TwoSampleTest,
    Welch,
};
use mlops_drift::{CategoricalSample, DriftCheck, NumericSample};

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
    assert!(!quiet.alarmed && quiet.undecided.is_none());
    let (open, report) = monitor.observe("open", &week(500.0)).unwrap();
    assert!(
        !open.alarmed && open.undecided == Some(Undecided::Permutations) && report.verdict.drifted
    );
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
        assert_eq!(window.undecided, Some(Undecided::TooFew));
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

/// Five numbers below five others, beside 19 columns that are alike: no test can show that at 5 % of all, by Fisher's count of the C(10, 5) = 252 ways to
/// part them. The least p-values are those of the separated samples: 2/252, 10/252 on a circle.
#[test]
fn tests_of_a_few_values_are_no_silent_pass() {
    let tests: [(Method, f64); 11] = [
        (Method::numeric(KolmogorovSmirnov::default()), 2.0),
        (Method::numeric(MannWhitney::default()), 2.0),
        (Method::numeric(CramerVonMises::default()), 2.0),
        (Method::numeric(AndersonDarling::default()), 2.0),
        (Method::numeric(Kuiper::default()), 10.0),
        (Method::numeric(Welch::default()), 2.0),
        (Method::numeric(Student::default()), 2.0),
        (Method::numeric(Levene::default()), 2.0),
        (Method::numeric(Energy::default()), 2.0),
        (Method::numeric(Wasserstein::raw()), 2.0),
        (Method::numeric(Wasserstein::default()), 1.0),
    ];
    let values =
        |shift: f64| Float64Array::from_iter_values([0.0, 1.5, 3.1, 4.0, 5.7].map(|x| x + shift));
    let table = |shift: f64| {
        let column = |name: usize| {
            let shift = if name == 0 { shift } else { 0.0 };
            (format!("c{name}"), Arc::new(values(shift)) as ArrayRef)
        };
        RecordBatch::try_from_iter((0..20).map(column)).unwrap()
    };
    for (method, ways) in tests {
        let told = format!("{method:?}");
        let names = (0..20).map(|name| format!("c{name}"));
        let check = names.fold(DriftCheck::against(&table(0.0)), |check, name| {
            check.method(name, method.clone())
        });
        let report = check.run(&table(50.0)).unwrap();
        let column = &report.columns[0];
        assert_eq!(
            column.verdict,
            ColumnVerdict::Untested,
            "{told}: {}",
            column.reason
        );
        let value = column.value.as_ref().unwrap();
        assert!(
            (value.least_p_value.get() - ways / 252.0).abs() < 1e-12,
            "{told}: {value:?}"
        );
        // By half: three and a half deviations of permutations that end at 50 as extreme.
        assert!(
            value.p_value.get() >= 0.5 * value.least_p_value.get(),
            "{told}"
        );
        assert!(report.verdict.nothing_compared, "{told}");
    }
    let labels = |label: &str, rows: usize| {
        let labels = StringArray::from(vec![label; rows]);
        batch([("x", Arc::new(labels) as ArrayRef)])
    };
    let tests = [
        Method::categorical(ChiSquare::default()),
        Method::categorical(GTest::default()),
        Method::categorical(FisherExact),
        Method::categorical(TwoProportions::default()),
        Method::categorical(TotalVariation::default()),
        Method::categorical(JensenShannon::default()),
        Method::categorical(Hellinger::default()),
        Method::categorical(LInfinity::default()),
        Method::categorical(CramersV::default()),
        Method::categorical(PermutationTest::of::<CategoricalSample>(
            "tv",
            TotalVariation::default(),
        )),
    ];
    for method in tests {
        for rows in [[5, 5], [2_000, 1]] {
            let check = DriftCheck::against(&labels("a", rows[0])).method("x", method.clone());
            let report = check.level(level(1e-4)).run(&labels("b", rows[1])).unwrap();
            let column = &report.columns[0];
            assert_eq!(
                column.verdict,
                ColumnVerdict::Untested,
                "{method:?} {rows:?}: {}",
                column.reason
            );
        }
    }
}

/// 500 against 500 that are alike, by a test whose permutations end at 1 in 10,000, at a level below: that it is not reached is sure. Of 22 against 22 and an
/// absurd level nothing is.
#[test]
fn many_values_are_not_too_few_for_want_of_permutations() {
    let even = numbers((0..500).map(|i| f64::from(2 * i)));
    let odd = numbers((0..500).map(|i| f64::from(2 * i + 1)));
    let test = || {
        Method::numeric(PermutationTest::of::<NumericSample>(
            "energy",
            Energy::default(),
        ))
    };
    let check = DriftCheck::against(&even)
        .method("x", test())
        .level(level(1e-6));
    assert_eq!(
        check.run(&odd).unwrap().columns[0].verdict,
        ColumnVerdict::Stable
    );
    let far = numbers((0..500).map(|i| f64::from(i) + 5_000.0));
    assert_eq!(
        check.run(&far).unwrap().columns[0].verdict,
        ColumnVerdict::Untested
    );
    let [low, high] = [0.0, 50.0].map(|shift| numbers((0..22).map(|i| f64::from(i) + shift)));
    let report = DriftCheck::against(&low)
        .level(level(1e-13))
        .run(&high)
        .unwrap();
    assert_eq!(report.columns[0].verdict, ColumnVerdict::Untested);
}

/// An exact p-value of 3.8e-5 beside 50 of which permutations show 1e-4 and the truth is far less: Benjamini and Hochberg would reject it beside these at
/// 1e-3 of 1,000, and nobody can tell. Beside 50 that are known it is rejected, and beside none it is not.
#[test]
fn what_hangs_on_undecided_columns_is_undecided() {
    let shifted = |by: f64| Float64Array::from_iter_values((0..60).map(|i| f64::from(i) + by));
    let table = |far: f64, near: f64| {
        let column = |name: usize| {
            let by = match name {
                0..50 => far,
                50 => near,
                _ => 0.0,
            };
            (format!("c{name}"), Arc::new(shifted(by)) as ArrayRef)
        };
        RecordBatch::try_from_iter((0..1_000).map(column)).unwrap()
    };
    let run = |permuted: bool, far: f64| {
        let mut check = DriftCheck::against(&table(0.0, 0.0)).level(level(1e-3));
        if permuted {
            let names = (0..50).map(|name| format!("c{name}"));
            check = names.fold(check, |check, name| {
                check.method(name, Method::numeric(Wasserstein::default()))
            });
        }
        let report = check.run(&table(far, 26.5)).unwrap();
        let c50 = report.column("c50").unwrap().clone();
        assert!(
            (1e-6..5e-5).contains(&c50.value.as_ref().unwrap().p_value.get()),
            "{c50:?}"
        );
        (c50, report)
    };
    let (hangs, report) = run(true, 500.0);
    assert_eq!(hangs.verdict, ColumnVerdict::Untested, "{}", hangs.reason);
    assert_says(&hangs, "the p-values of other columns");
    assert_eq!(report.verdict.untested_columns.len(), 51);
    assert!(
        report.verdict.reason.len() < 400,
        "{}",
        report.verdict.reason
    );
    assert!(
        report
            .to_openmetrics()
            .contains("mlops_drift_columns_untested 51")
    );
    assert_eq!(run(false, 500.0).0.verdict, ColumnVerdict::Material);
    assert_eq!(run(false, 0.0).0.verdict, ColumnVerdict::Stable);
}

/// Few rows of which some are missing are as few; a column of too few values beside one of enough is told; and windows of which none could alarm are no pass.
#[test]
fn windows_tell_what_was_not_tested() {
    let table = |rows: usize, shift: f64, present: usize| {
        let x = (0..rows)
            .map(|row| (row % 10 != 3 || rows < 10).then_some((row * 37 % rows) as f64 + shift));
        let x: Float64Array = x.collect();
        let y = (0..rows).map(|row| (row < present).then_some(row as f64 + shift));
        let y: Float64Array = y.collect();
        batch([("x", Arc::new(x) as ArrayRef), ("y", Arc::new(y))])
    };
    let monitor = |columns: &[&str]| {
        let check = DriftCheck::against(&table(200, 0.0, 2)).columns(columns.iter().copied());
        DriftMonitor::new(check.prepare().unwrap(), SignificanceLevel::FIVE_PERCENT)
    };
    let mut tiny = monitor(&["x"]);
    for rows in 1..=2 {
        let (window, _) = tiny
            .observe(rows.to_string(), &table(rows, 900.0, 0))
            .unwrap();
        assert_eq!(window.undecided, Some(Undecided::TooFew), "{window:?}");
    }
    assert!(
        tiny.state()
            .to_junit()
            .contains(r#"skipped="0" errors="2""#)
    );
    assert!(tiny.state().to_junit().contains("too few rows to alarm"));
    let mut partly = monitor(&["x", "y"]);
    let (window, _) = partly.observe("partly", &table(200, 0.0, 2)).unwrap();
    assert_eq!(window.untested_columns().collect::<Vec<_>>(), ["y"]);
    let markdown = partly.state().to_markdown();
    assert!(
        markdown.contains("| partly | quiet where tested |") && markdown.contains("not tested: y"),
        "{markdown}"
    );
    assert!(partly.state().to_junit().contains("not tested: y"));
}

/// Tests that are made of others say as much of their permutations.
#[test]
fn tests_of_rows_say_how_finely_they_tell() {
    let points = |shift: f64| {
        let row = move |i: i32| [f64::from(i % 9) + shift, f64::from(i * i % 7)];
        Points::new(2, (0..40).flat_map(row)).unwrap()
    };
    let (near, far) = (points(0.0), points(50.0));
    for result in [
        DomainClassifier::default().test(&near, &far).unwrap(),
        EnergyTest::default().test(&near, &far).unwrap(),
        PcaReconstruction::default()
            .fit(&near)
            .unwrap()
            .compare(&far)
            .unwrap()
            .test,
    ] {
        let resolution = result.resolution.expect(&result.method);
        assert!(
            resolution.least.get() > 0.0 && resolution.least <= result.p_value,
            "{result:?}"
        );
    }
}

/// Two columns by permutations of 50 against 50 that are far apart: Bonferroni doubles 1e-4, of which ten times the half is too coarse for a window's level.
#[test]
fn a_window_is_undecided_by_all_of_its_tests() {
    let week = |shift: f64| {
        let column = |seed: f64| -> ArrayRef {
            Arc::new(Float64Array::from_iter_values(
                (0..50).map(|i| f64::from(i) * seed + shift),
            ))
        };
        batch([("x", column(1.0)), ("y", column(1.5))])
    };
    let fine = Permutations::default().limit(50_000_000);
    let coarse = || Method::numeric(Wasserstein::default());
    let of = |x: Method| {
        let check = DriftCheck::against(&week(0.0))
            .method("x", x)
            .method("y", coarse());
        let mut monitor =
            DriftMonitor::new(check.prepare().unwrap(), SignificanceLevel::FIVE_PERCENT);
        let moved = batch([
            ("x", week(0.0).column(0).clone()),
            ("y", week(500.0).column(1).clone()),
        ]);
        monitor.observe("moved", &moved).unwrap().0.undecided
    };
    // However finely the column that did not move is told.
    assert_eq!(of(coarse()), Some(Undecided::Permutations));
    assert_eq!(
        of(Method::numeric(Wasserstein::default().permutations(fine))),
        Some(Undecided::Permutations)
    );
}

/// Counts in ten bins say little of one or two values, wherever these are: any two of 2,002 share a bin with a probability of a tenth.
#[test]
fn bins_of_a_few_values_are_no_silent_pass() {
    let run = |method: Method, [n, m]: [u32; 2]| {
        let reference = numbers((0..n).map(f64::from));
        let current = numbers((0..m).map(|i| f64::from(i) + 1e6));
        DriftCheck::against(&reference)
            .method("x", method)
            .run(&current)
            .unwrap()
    };
    for method in [
        Method::numeric(Psi::default()),
        Method::numeric(JensenShannon::default()),
        Method::numeric(KullbackLeibler::default()),
        Method::numeric(Hellinger::default()),
        Method::numeric(TotalVariation::default()),
        Method::numeric(LInfinity::default()),
    ] {
        for sizes in [[5, 5], [2_000, 1], [2_000, 2], [2, 2_000]] {
            let report = run(method.clone(), sizes);
            let column = &report.columns[0];
            assert_ne!(
                column.verdict,
                ColumnVerdict::Stable,
                "{method:?} {sizes:?}: {}",
                column.reason
            );
        }
        assert_eq!(
            run(method, [2_000, 20]).columns[0].verdict,
            ColumnVerdict::Material
        );
    }
    let two = run(Method::numeric(Psi::default()), [2_000, 2]);
    let least = two.columns[0].value.as_ref().unwrap().least_p_value.get();
    assert!((0.07..0.14).contains(&least), "{least}"); // three deviations of 50 draws
}

/// Six values against six have p-values of 2/924 and more, which is no evidence beside another column in a window.
#[test]
fn columns_that_could_not_make_a_window_alarm_are_told() {
    let table = |shift: f64| {
        let x = (0..400).map(|i| f64::from(i * 37 % 400));
        let y: Float64Array = (0..400)
            .map(|i| (i < 6).then_some(f64::from(i) + shift))
            .collect();
        batch([
            ("x", Arc::new(Float64Array::from_iter_values(x)) as ArrayRef),
            ("y", Arc::new(y)),
        ])
    };
    let check = DriftCheck::against(&table(0.0)).prepare().unwrap();
    let mut monitor = DriftMonitor::new(check, SignificanceLevel::FIVE_PERCENT);
    let (window, report) = monitor.observe("monday", &table(900.0)).unwrap();
    assert!(report.verdict.drifted && !window.alarmed && window.undecided.is_none());
    assert_eq!(window.untested_columns().collect::<Vec<_>>(), ["y"]);
    let markdown = monitor.state().to_markdown();
    assert!(
        markdown.contains("| monday | quiet where tested |"),
        "{markdown}"
    );
    // It drifted at the level of the check, which is told; unless it did, nothing is.
    for (day, compared) in [("monday", 1), ("tuesday", 0)] {
        if day == "tuesday" {
            monitor.observe(day, &table(0.0)).unwrap();
        }
        let metrics = monitor.state().to_openmetrics();
        for (column, compared) in [("x", 1), ("y", compared)] {
            let label = format!("{{column=\"{column}\"}}");
            let gauge = format!("mlops_drift_monitor_column_compared{label} {compared}\n");
            assert!(metrics.contains(&gauge), "{metrics}");
            let drifted = format!("mlops_drift_monitor_column_drifted{label}");
            assert_eq!(metrics.contains(&drifted), compared == 1, "{metrics}");
        }
    }
}
