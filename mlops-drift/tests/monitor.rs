//! The monitor's promise: over all windows together an alarm without drift comes with probability at most alpha.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs
)]

mod bound;

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::Schema;
use bound::most;
use mlops_core::ErrorKind;
use mlops_core::evidence::{PValue, SignificanceLevel};
use mlops_drift::check::{DriftMonitor, Method, MonitorState};
use mlops_drift::divergence::{Psi, Wasserstein};
use mlops_drift::two_sample::{KolmogorovSmirnov, PermutationTest, Welch};
use mlops_drift::{DriftCheck, NumericSample};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Three columns that share half of their noise, so that their tests depend on one another.
fn window(rng: &mut ChaCha8Rng, rows: usize, shift: f64) -> RecordBatch {
    let mut columns = vec![Vec::new(); 3];
    for _ in 0..rows {
        let shared = rng.random_range(0.0..1.0);
        for column in &mut columns {
            column.push(shared + rng.random_range(0.0..1.0) + shift);
        }
    }
    let named = columns.into_iter().zip(["a", "b", "c"]);
    RecordBatch::try_from_iter(
        named.map(|(values, name)| (name, Arc::new(Float64Array::from(values)) as ArrayRef)),
    )
    .unwrap()
}

fn monitor(rng: &mut ChaCha8Rng, alpha: f64) -> DriftMonitor {
    let reference = window(rng, 200, 0.0);
    let check = DriftCheck::against(&reference).prepare().unwrap();
    DriftMonitor::new(check, SignificanceLevel::new(alpha).unwrap())
}

/// 30 windows against one small reference, 150 times. At exactly 20 % more than 51 alarm with probability below 1e-5.
#[test]
fn all_windows_together_keep_the_rate() {
    let alarmed = (0..150_u64).filter(|&seed| {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let mut monitor = monitor(rng, 0.2);
        (0..30).any(|day| {
            let current = window(rng, 150, 0.0);
            monitor
                .observe(day.to_string(), &current)
                .unwrap()
                .0
                .alarmed
        })
    });
    let alarmed = alarmed.count();
    println!("{alarmed} of 150 alarm");
    assert!(alarmed <= 51, "{alarmed} of 150");
}

/// Numbers, labels of which some are rare, and numbers that are often missing.
fn mixed(rng: &mut ChaCha8Rng, rows: usize) -> RecordBatch {
    let mut column = |value: &dyn Fn(f64) -> Option<f64>| {
        let values = (0..rows).map(|_| value(rng.random_range(0.0..1.0)));
        Arc::new(values.collect::<Float64Array>()) as ArrayRef
    };
    let skewed = column(&|u| Some((4.0 * u).exp()));
    let missing = column(&|u| (u > 0.2).then_some(u));
    let labels = (0..rows).map(|_| {
        let u: f64 = rng.random_range(0.0..1.0);
        Some(format!("label {}", (6.0 * u.powi(3)) as u8))
    });
    let labels = Arc::new(labels.collect::<StringArray>()) as ArrayRef;
    let columns = [("skewed", skewed), ("missing", missing), ("label", labels)];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Streams of windows against redrawn references, in which any window alarms.
#[test]
#[ignore = "minutes: see guarantees.sh"]
fn all_windows_together_keep_the_rate_on_the_grid() {
    type Table = fn(&mut ChaCha8Rng, usize) -> RecordBatch;
    let alike: Table = |rng, rows| window(rng, rows, 0.0);
    let cases: [(&str, Table); 2] = [
        ("numbers that share noise", alike),
        ("mixed columns", mixed),
    ];
    for (name, table) in cases {
        for (sizes, windows, alpha) in [
            ([200, 150], 30, 0.2),
            ([50, 1_000], 30, 0.05),
            ([2_000, 100], 100, 0.05),
        ] {
            let runs = 1_000;
            let alarmed = (0..runs).filter(|&seed| {
                let rng = &mut ChaCha8Rng::seed_from_u64(seed.into());
                let check = DriftCheck::against(&table(rng, sizes[0]))
                    .prepare()
                    .unwrap();
                let mut monitor = DriftMonitor::new(check, SignificanceLevel::new(alpha).unwrap());
                let mut alarms = |day: u32| {
                    let seen = monitor.observe(day.to_string(), &table(rng, sizes[1]));
                    seen.unwrap().0.alarmed
                };
                (0..windows).any(&mut alarms)
            });
            let (count, bound) = (alarmed.count() as u32, most(runs, alpha));
            let rate = f64::from(count) / f64::from(runs);
            println!(
                "streams with an alarm at {alpha}, {windows} windows, {name}, {sizes:?}: {rate:.4} ({count} of {runs}, bound {bound})"
            );
            assert!(count <= bound, "{name}: {count} of {runs}, at most {bound}");
        }
    }
}

/// The least p-value of a window times the number of its tests, exactly.
#[test]
fn the_p_value_of_a_window_is_that_of_all_its_tests() {
    let rng = &mut ChaCha8Rng::seed_from_u64(5);
    let mut monitor = monitor(rng, 0.2);
    for (day, shift) in [0.0, 0.1, 0.2, 0.3].into_iter().enumerate() {
        let (seen, report) = monitor
            .observe(day.to_string(), &window(rng, 150, shift))
            .unwrap();
        assert_eq!(report.tests, 3); // of three columns, none of which misses a value
        let values = report.columns.iter().flat_map(|column| &column.value);
        let least = values
            .map(|finding| finding.p_value.get())
            .fold(1.0_f64, f64::min);
        assert_eq!(seen.p_value.get(), f64::min(3.0 * least, 1.0));
    }
}

/// A shift of half a deviation is seen in its first window, after twenty quiet ones, in 19 of 20 runs.
#[test]
fn a_change_is_seen() {
    let seen = (0..20_u64).filter(|&seed| {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let reference = window(rng, 1_000, 0.0);
        let check = DriftCheck::against(&reference).prepare().unwrap();
        let mut monitor = DriftMonitor::new(check, SignificanceLevel::FIVE_PERCENT);
        for day in 0..20 {
            monitor
                .observe(day.to_string(), &window(rng, 500, 0.0))
                .unwrap();
        }
        let changed = window(rng, 500, 0.2);
        monitor.observe("changed", &changed).unwrap().0.alarmed
    });
    let seen = seen.count();
    assert!(seen >= 19, "{seen} of 20");
}

/// Labels of which one is rare, and numbers of few values: their p-values reach as far down as a watch over many windows needs.
#[test]
fn a_change_of_labels_is_seen_at_any_time() {
    let window = |rng: &mut ChaCha8Rng, moved: bool| {
        let mut rows = |law: &dyn Fn(f64) -> u8| -> Vec<u8> {
            (0..400).map(|_| law(rng.random_range(0.0..1.0))).collect()
        };
        let label = |u: f64| u8::from(u < 0.5) + u8::from(u < 0.005);
        let labels = rows(&|u| label(u) + 3 * u8::from(moved));
        let stars = rows(&|u| (u * 5.0) as u8 / (1 + u8::from(moved)));
        let labels = labels
            .into_iter()
            .map(|label| Some(format!("label {label}")));
        let stars = stars.into_iter().map(i32::from);
        let columns: [(&str, ArrayRef); 2] = [
            ("label", Arc::new(labels.collect::<StringArray>())),
            ("stars", Arc::new(Int32Array::from_iter_values(stars))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    for column in ["label", "stars"] {
        let rng = &mut ChaCha8Rng::seed_from_u64(3);
        let check = DriftCheck::against(&window(rng, false)).columns([column]);
        let check = check.prepare().unwrap();
        let mut monitor = DriftMonitor::new(check, SignificanceLevel::FIVE_PERCENT);
        for day in 0..60 {
            let (quiet, _) = monitor
                .observe(day.to_string(), &window(rng, false))
                .unwrap();
            assert!(!quiet.alarmed, "{column}, day {day}");
        }
        let (changed, _) = monitor.observe("changed", &window(rng, true)).unwrap();
        assert!(changed.alarmed, "{column}: {changed:?}");
    }
}

/// It spends nothing, leaves a trace, and may come again.
#[test]
fn a_window_that_cannot_be_compared_is_recorded_and_spends_nothing() {
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let mut monitor = monitor(rng, 0.05);
    let mut calm = monitor.clone();
    let windows: Vec<RecordBatch> = (0..2).map(|_| window(rng, 100, 0.0)).collect();
    monitor.observe("first", &windows[0]).unwrap();
    let narrow = windows[1].project(&[0]).unwrap();
    for _ in 0..2 {
        let error = monitor.observe("second", &narrow).unwrap_err();
        assert!(error.to_string().contains("window: second"), "{error}");
    }
    let held = monitor.state().windows();
    assert!(
        held[1]
            .not_compared
            .as_ref()
            .unwrap()
            .contains("\"b\" is missing")
    );
    assert_eq!((held.len(), monitor.state().counts().not_compared), (2, 1));
    #[cfg(feature = "html")]
    assert!(monitor.state().to_html().unwrap().contains("not compared"));
    assert!(
        monitor
            .state()
            .to_junit()
            .contains("skipped=\"0\" errors=\"1\"")
    );
    monitor.observe("second", &windows[1]).unwrap();
    for (name, window) in ["first", "second"].into_iter().zip(&windows) {
        calm.observe(name, window).unwrap();
    }
    assert_eq!(
        monitor.state(),
        calm.state(),
        "as if it had come right away"
    );
}

/// The others are watched on; a window of none is recorded as not compared and spends nothing.
#[test]
fn windows_that_lose_a_column_are_watched_in_the_others() {
    let rng = &mut ChaCha8Rng::seed_from_u64(4);
    let check = DriftCheck::against(&window(rng, 1_000, 0.0)).report_schema_changes();
    let check = check.prepare().unwrap();
    let mut monitor = DriftMonitor::new(check, SignificanceLevel::FIVE_PERCENT);
    let narrow = window(rng, 300, 0.0).project(&[0]).unwrap();
    let (first, report) = monitor.observe("first", &narrow).unwrap();
    assert!(!first.alarmed && first.not_compared.is_none());
    let lost = &report.verdict.not_compared_columns;
    assert_eq!(&first.not_compared_columns().collect::<Vec<_>>(), lost);
    assert!(!lost.is_empty());
    let state = monitor.state();
    let markdown = state.to_markdown();
    assert!(markdown.starts_with("### No alarm, 1 window not in all columns\n"));
    assert!(markdown.contains("| quiet where compared |"), "{markdown}");
    assert!(
        state
            .to_junit()
            .contains("failures=\"0\" skipped=\"0\" errors=\"1\"")
    );
    let told = format!("monitor_column_compared{{column=\"{}\"}} 0\n", lost[0]);
    assert!(state.to_openmetrics().contains(&told));

    let spent = state.clone();
    let other = narrow.schema().field(0).clone().with_name("other");
    let other = Schema::new(vec![other]);
    let other = RecordBatch::try_new(Arc::new(other), narrow.columns().to_vec()).unwrap();
    let (second, _) = monitor.observe("second", &other).unwrap();
    assert!(second.not_compared.is_some() && !second.alarmed);
    assert_eq!(monitor.state().counts().not_compared, 1);
    assert_eq!(monitor.state().counts().compared, spent.counts().compared);

    // A column that comes later is one of them.
    let wide = window(rng, 300, 0.0);
    let (name, extra) = ("late".to_owned(), wide.column(0).clone());
    let schema = wide.schema();
    let named = schema.fields().iter().map(|field| field.name().clone());
    let columns = named.zip(wide.columns().to_vec()).chain([(name, extra)]);
    let wide = RecordBatch::try_from_iter(columns).unwrap();
    let (wide, _) = monitor.observe("wide", &wide).unwrap();
    assert_eq!(wide.not_compared_columns().collect::<Vec<_>>(), ["late"]);
    assert!(monitor.state().to_markdown().contains("not compared: late"));
    let told = "monitor_column_compared{column=\"late\"} 0\n";
    assert!(monitor.state().to_openmetrics().contains(told));

    let (third, _) = monitor
        .observe("third", &window(rng, 1_000, 0.3).project(&[0]).unwrap())
        .unwrap();
    assert!(third.alarmed, "{third:?}");
    let read = MonitorState::from_json(&monitor.state().to_json().unwrap()).unwrap();
    assert_eq!(&read, monitor.state());
}

#[test]
fn a_window_that_comes_twice_is_answered_and_not_tested_again() {
    let rng = &mut ChaCha8Rng::seed_from_u64(2);
    let mut monitor = monitor(rng, 0.05);
    let day = window(rng, 300, 0.5);
    let (first, _) = monitor.observe("monday", &day).unwrap();
    assert!(first.alarmed);
    let state = monitor.state().clone();
    assert_eq!(monitor.observe("monday", &day).unwrap().0, first);
    assert_eq!(monitor.state(), &state);
}

#[test]
fn a_state_is_of_one_check_and_bounded() {
    let rng = &mut ChaCha8Rng::seed_from_u64(3);
    let (reference, other) = (window(rng, 200, 0.0), window(rng, 200, 0.0));
    let check = |reference: &RecordBatch| DriftCheck::against(reference);
    let prepared = check(&reference).prepare().unwrap();
    let state = MonitorState::new(SignificanceLevel::FIVE_PERCENT).keep(5);
    let mut monitor = DriftMonitor::resume(prepared.clone(), state).unwrap();
    for day in 0..12 {
        let shift = if day == 2 { 0.9 } else { 0.0 };
        monitor
            .observe(day.to_string(), &window(rng, 150, shift))
            .unwrap();
    }
    let state = monitor.state();
    let names: Vec<&str> = state
        .windows()
        .iter()
        .map(|window| window.name.as_str())
        .collect();
    assert_eq!(names, ["7", "8", "9", "10", "11"]);
    assert_eq!(
        (
            state.counts().compared,
            state.counts().alarmed,
            state.alarms()
        ),
        (12, 1, &["2".to_owned()][..])
    );
    let saved = state.to_json().unwrap();
    let read = || MonitorState::from_json(&saved).unwrap();
    assert_eq!(&read(), state);
    assert!(DriftMonitor::resume(check(&reference).prepare().unwrap(), read()).is_ok());
    let level = check(&reference).level(SignificanceLevel::ONE_PERCENT);
    let method = |method: Method| check(&reference).method("a", method);
    let default = method(Method::numeric(KolmogorovSmirnov::default()));
    let methods = [
        method(Method::numeric(Welch::default())),
        method(Method::numeric(Psi::default())),
        method(Method::numeric(Psi::with_bins(20).unwrap())),
        method(Method::numeric(PermutationTest::of::<NumericSample>(
            "w",
            Wasserstein::raw(),
        ))),
    ];
    assert!(DriftMonitor::resume(default.prepare().unwrap(), read()).is_ok());
    let others = [check(&other), check(&reference).columns(["a", "b"]), level];
    for changed in others.into_iter().chain(methods) {
        let error = DriftMonitor::resume(changed.prepare().unwrap(), read()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SignatureMismatch);
    }
    let edits = [
        ("\"compared\":12", "\"compared\":0"),
        ("\"rejections\":1", "\"rejections\":1000"),
        ("\"tests\":12", "\"tests\":18446744073709551615"),
        ("\"compared\":12", "\"compared\":18446744073709551615"),
        ("\"keep\":5", "\"keep\":0"),
        ("\"name\":\"8\"", "\"name\":\"7\""),
    ];
    for (from, to) in edits {
        let edited = saved.replacen(from, to, 1);
        assert_ne!(edited, saved, "{from}");
        let error = MonitorState::from_json(&edited).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{to}");
    }
    let newer = saved.replace("\"version\":1", "\"version\":2");
    assert_eq!(
        MonitorState::from_json(&newer).unwrap_err().kind(),
        ErrorKind::Unsupported
    );
}

/// A state of four windows, of which one alarmed and one was not compared: its counts may be of more windows, since it forgets, but
/// neither of fewer with any outcome, nor of more alarms than comparisons.
#[test]
fn counts_that_contradict_the_windows_are_no_state() {
    let rng = &mut ChaCha8Rng::seed_from_u64(4);
    let mut monitor = monitor(rng, 0.05);
    for (name, shift) in [("monday", 0.0), ("tuesday", 0.9), ("wednesday", 0.0)] {
        monitor.observe(name, &window(rng, 300, shift)).unwrap();
    }
    let lost = window(rng, 300, 0.0).project(&[0]).unwrap();
    assert!(monitor.observe("thursday", &lost).is_err());
    let saved = monitor.state().to_json().unwrap();
    let read = |[compared, alarmed, not_compared]: [u64; 3]| {
        let mut state: serde_json::Value = serde_json::from_str(&saved).unwrap();
        state["counts"] = serde_json::json!({
            "compared": compared,
            "alarmed": alarmed,
            "not_compared": not_compared,
        });
        MonitorState::from_json(&state.to_string())
    };
    assert_eq!(&read([3, 1, 1]).unwrap(), monitor.state());
    for more in [[4, 1, 1], [3, 3, 1], [3, 1, 2]] {
        assert!(read(more).is_ok(), "{more:?}");
    }
    let undecided = |count: u64, of_window: bool| {
        let mut state: serde_json::Value = serde_json::from_str(&saved).unwrap();
        state["counts"]["undecided"] = serde_json::json!(count);
        if of_window {
            state["windows"][0]["undecided"] = serde_json::json!("too_few");
        }
        MonitorState::from_json(&state.to_string()).is_ok()
    };
    assert!(undecided(0, false) && undecided(1, true) && undecided(2, false));
    assert!(!undecided(0, true) && !undecided(3, false)); // an alarm is one of three
    // Windows are kept for a while, names of alarms for ever.
    let mut forgotten: serde_json::Value = serde_json::from_str(&saved).unwrap();
    forgotten["windows"] = serde_json::json!([]);
    assert!(MonitorState::from_json(&forgotten.to_string()).is_ok());
    forgotten["counts"]["alarmed"] = serde_json::json!(0);
    assert!(MonitorState::from_json(&forgotten.to_string()).is_err());
    for contradicting in [
        [2, 1, 1],
        [3, 4, 1],
        [3, 0, 1],
        [3, 1, 0],
        [3, 1, u64::MAX],
        [u64::MAX, 1, 1],
    ] {
        let error = read(contradicting).expect_err(&format!("{contradicting:?}"));
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().contains("it counts"), "{error}");
    }
}

/// Labels that vary within their unit: permutations end at one in 10,000, which no watch over many windows could alarm at; the bound beside
/// them reaches further.
#[test]
fn labels_that_are_replaced_in_all_units_alarm() {
    let rows = |labels: [&str; 2]| {
        let user = Int32Array::from_iter_values((0..400).map(|i| i / 4));
        let label = StringArray::from_iter_values((0..400).map(|i| labels[i % 3 % 2]));
        RecordBatch::try_from_iter([
            ("user", Arc::new(user) as ArrayRef),
            ("label", Arc::new(label) as ArrayRef),
        ])
        .unwrap()
    };
    let check = DriftCheck::against(&rows(["a", "b"]))
        .columns(["label"])
        .unit("user", ["label"]);
    let mut monitor = DriftMonitor::new(check.prepare().unwrap(), SignificanceLevel::FIVE_PERCENT);
    for day in 0..20 {
        assert!(
            !monitor
                .observe(day.to_string(), &rows(["a", "b"]))
                .unwrap()
                .0
                .alarmed
        );
    }
    let (window, _) = monitor.observe("replaced", &rows(["c", "d"])).unwrap();
    // By hand, of "c": a third of all rows, in 4 rows of a unit at most 3 of them, so that units lie within 3 of one another; 267 instead
    // of 133 in 100 of 200 units: 8·exp(−2·(133/3)²/50.5), a hundred times.
    let by_hand = 800.0 * (-2.0 * (133.3_f64 / 3.0).powi(2) / 50.5).exp();
    assert!(window.alarmed);
    assert!(
        (window.p_value.get().ln() / by_hand.ln() - 1.0).abs() < 0.02,
        "{window:?}"
    );
}

/// The e-value of a uniform p has expectation 1: midpoint sum over twenty binades of p, below which lies less than 1/ln(2^20).
#[test]
fn calibrated_p_values_are_e_values() {
    let e = |p: f64| PValue::new(p).unwrap().to_e_value().get();
    let mut expectation = 0.0;
    for binade in 0..20 {
        let high = 0.5_f64.powi(binade);
        let step = high / 2.0 / 2_000.0;
        expectation += (0..2_000)
            .map(|i| e(high / 2.0 + (f64::from(i) + 0.5) * step) * step)
            .sum::<f64>();
    }
    // The rest is the integral of 1/(p ln² p) and less: 1/ln(2^20) = 0.0721.
    assert!((1.0 - 0.0722..1.0).contains(&expectation), "{expectation}");
    assert!(e(1e-300).is_finite() && e(1e-300) > 1e290);
    assert!(
        e(0.999_99) < e(0.9999) && e(0.9999) < e(0.999),
        "no jump where the series takes over"
    );
}

/// An index of one bin tests nothing, whatever the window holds: such a window is not compared, and spends nothing.
#[test]
fn a_window_of_which_nothing_was_tested_is_not_compared() {
    let flags = |ones: usize| {
        let flags = (0..500).map(|row| f64::from(u8::from(row < ones)));
        let flags = Arc::new(Float64Array::from_iter_values(flags)) as ArrayRef;
        RecordBatch::try_from_iter([("flag", flags)]).unwrap()
    };
    let check = DriftCheck::against(&flags(61)).method("flag", Method::numeric(Psi::default()));
    let mut monitor = DriftMonitor::new(check.prepare().unwrap(), SignificanceLevel::FIVE_PERCENT);
    for name in ["monday", "tuesday"] {
        let (window, report) = monitor.observe(name, &flags(400)).unwrap();
        assert!(report.verdict.nothing_compared);
        let why = window.not_compared.unwrap();
        assert!(why.contains("one bin"), "{why}");
    }
    let counts = monitor.state().counts();
    assert_eq!([counts.compared, counts.not_compared], [0, 2]);
    assert!(monitor.state().to_junit().contains(r#"errors="2""#));
    assert!(
        monitor
            .state()
            .to_openmetrics()
            .contains("mlops_drift_monitor_compared 0")
    );
}
