//! Serial dependence is told of whatever a verdict takes for exchangeable: columns of any kind, units, rules, slices, errors of a model.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod bound;

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, FixedSizeListArray, Float64Array, Int32Array, RecordBatch,
    StringArray,
};
use arrow::datatypes::Float64Type;
use bound::most;
use mlops_core::evidence::{PValue, SignificanceLevel};
use mlops_drift::DriftCheck;
use mlops_drift::check::{DriftMonitor, Method};
use mlops_drift::expectation::{Checkpoint, Context, Expectation, ExpectationResult, Rule, Suite};
use mlops_drift::preset::{self, PerformanceReport};
use mlops_drift::profile::TableProfile;
use mlops_drift::report::{ColumnReport, SerialCorrelation};
use mlops_drift::slice::{DriftSlices, ErrorSlices, Lattice, LossSlices};
use mlops_drift::stream::serial_dependence;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const ALPHA: SignificanceLevel = SignificanceLevel::FIVE_PERCENT;
const KINDS: [&str; 4] = ["number", "label", "text", "embedding"];
const BY_ROW: &str = "neighbouring rows resemble each other";

/// States in [0, 1), each of which stays for so many rows.
fn states(rng: &mut ChaCha8Rng, rows: usize, stay: usize) -> Vec<f64> {
    let mut last = 0.0;
    let state = |row: usize| {
        if row.is_multiple_of(stay) {
            last = rng.random_range(0.0..1.0);
        }
        last
    };
    (0..rows).map(state).collect()
}

/// Columns of all kinds that follow a state, with noise of their own, and units of so many rows.
fn table(seed: u64, rows: usize, stay: usize, per_unit: usize) -> RecordBatch {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let states = states(rng, rows, stay);
    let mut noisy = || -> Vec<f64> {
        let noisy = states
            .iter()
            .map(|state| state + rng.random_range(0.0..0.3));
        noisy.collect()
    };
    let number = Float64Array::from(noisy());
    let label = noisy()
        .into_iter()
        .map(|x| format!("label {}", (x * 4.0) as i32));
    let text = noisy()
        .into_iter()
        .map(|x| "so long ".repeat(1 + (x * 20.0) as usize));
    let (one, other) = (noisy(), noisy());
    let embedding = one
        .into_iter()
        .zip(other)
        .map(|(x, y)| Some([Some(x), Some(y)]));
    let unit = (0..rows).map(|row| (row / per_unit) as i32);
    RecordBatch::try_from_iter([
        (
            "unit",
            Arc::new(Int32Array::from_iter_values(unit)) as ArrayRef,
        ),
        ("number", Arc::new(number)),
        ("label", Arc::new(StringArray::from_iter_values(label))),
        ("text", Arc::new(StringArray::from_iter_values(text))),
        (
            "embedding",
            Arc::new(FixedSizeListArray::from_iter_primitive::<Float64Type, _, _>(embedding, 2)),
        ),
    ])
    .unwrap()
}

fn check(reference: &RecordBatch) -> DriftCheck {
    DriftCheck::against(reference)
        .columns(KINDS)
        .method("text", Method::texts())
}

/// Whether all kinds of columns are told with this warning, or none; how they correlate.
fn told(columns: &[ColumnReport], warning: &str, is_told: bool) -> Vec<SerialCorrelation> {
    let serial = columns.iter().map(|column| {
        let serial = column.serial_correlation.expect(&column.column);
        assert_eq!(
            serial.is_conspicuous(),
            is_told,
            "{}: {serial:?}",
            column.column
        );
        assert_eq!(
            column.reason.contains(warning),
            is_told,
            "{}",
            column.reason
        );
        serial
    });
    assert_eq!(columns.len(), KINDS.len());
    serial.collect()
}

/// Rows that stay alike for a while are told, of every kind, by rows and by profiles; drawn ones are not.
#[test]
fn columns_of_every_kind_are_diagnosed() {
    for (stay, is_told) in [(5, true), (1, false)] {
        let (reference, current) = (table(1, 1_000, stay, 1), table(2, 1_000, stay, 1));
        let report = check(&reference).run(&current).unwrap();
        let by_rows = told(&report.columns, BY_ROW, is_told);
        assert!(by_rows.iter().all(|serial| serial.values == 1_000));
        let profile = TableProfile::of(&reference).unwrap();
        for name in ["number", "label", "embedding"] {
            let report = DriftCheck::against(&profile)
                .columns([name])
                .run(&current)
                .unwrap();
            assert_eq!(report.columns[0].is_dependent(), is_told, "{name}");
        }
    }
    // Identifiers follow nothing.
    let ids = |seed: u64| {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let id = (0..1_000).map(|_| format!("id {}", rng.random_range(0..100_000)));
        let id = StringArray::from_iter_values(id);
        RecordBatch::try_from_iter([("id", Arc::new(id) as ArrayRef)]).unwrap()
    };
    let report = DriftCheck::against(&ids(1)).run(&ids(2)).unwrap();
    assert!(
        !report.columns[0]
            .serial_correlation
            .unwrap()
            .is_conspicuous()
    );
}

/// Units of four rows that mend a dependence of four rows are believed; those that follow one another themselves are told to be too small.
#[test]
fn units_of_every_kind_are_diagnosed() {
    for (stay, is_told) in [(20, true), (4, false)] {
        let (reference, current) = (table(3, 2_000, stay, 4), table(4, 2_000, stay, 4));
        let check = check(&reference).unit("unit", KINDS);
        let report = check.run(&current).unwrap();
        let warning = "neighbouring units resemble each other";
        let by_unit = told(&report.columns, warning, is_told);
        assert!(by_unit.iter().all(|serial| serial.values == 500));
        assert_eq!(
            report.columns[0].reason.contains("declare a larger one"),
            is_told
        );
    }
}

/// However the current table is cut, nulls among its values: what is looked at are the first 2,048 rows, of which a tenth is missing.
#[test]
fn the_first_rows_are_the_same_however_a_table_is_cut() {
    let full = table(5, 6_000, 3, 1);
    let holes = BooleanArray::from_iter((0..6_000).map(|row| Some(row % 10 == 7)));
    let holed = full
        .columns()
        .iter()
        .map(|column| arrow::compute::nullif(column, &holes).unwrap());
    let names = full
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect::<Vec<_>>();
    let holed = RecordBatch::try_from_iter(names.into_iter().zip(holed)).unwrap();
    let check = check(&full.slice(0, 19)).columns(KINDS); // too few to be looked at themselves
    let whole = check.run(&holed).unwrap();
    let present = (0..2_048).filter(|row| row % 10 != 7).count();
    for cut in [1, 100, 2_048, 5_000] {
        let parts = vec![holed.slice(0, cut), holed.slice(cut, 6_000 - cut)];
        let report = check.run(&parts).unwrap();
        for (column, other) in report.columns.iter().zip(&whole.columns) {
            let serial = column.serial_correlation.unwrap();
            assert_eq!(serial.values, present, "{}", column.column);
            assert_eq!(
                column.serial_correlation, other.serial_correlation,
                "{}",
                column.column
            );
        }
    }
}

/// Several facets share the error rate: of drawn texts and embeddings at 5 % no more are surprising than the bound on 100 allows.
#[test]
fn several_facets_keep_the_rate() {
    for kind in ["text", "embedding"] {
        let surprising = (0..100).filter(|&seed| {
            let table = table(1_000 + seed, 60, 1, 1);
            let report = check(&table).columns([kind]).run(&table).unwrap();
            report.columns[0].serial_correlation.unwrap().p_value.get() <= 0.05
        });
        let surprising = surprising.count() as u32;
        assert!(surprising <= most(100, 0.05), "{kind}: {surprising}");
    }
}

fn held(
    expectation: &Expectation,
    reference: &RecordBatch,
    current: &RecordBatch,
) -> ExpectationResult {
    let suite = Suite::new([expectation.clone()]);
    let context = Context::default().table("reference", reference.clone());
    let whole = suite
        .validate_with(current, &context)
        .unwrap()
        .results
        .remove(0);
    // In parts, put aside in between.
    let mut validator = suite.validator(&current.schema(), &context).unwrap();
    validator.check(&current.slice(0, 333)).unwrap();
    let saved = serde_json::to_string(&validator.checkpoint().unwrap()).unwrap();
    let saved: Checkpoint = serde_json::from_str(&saved).unwrap();
    let mut validator = suite.resume(&saved, &current.schema(), &context).unwrap();
    validator
        .check(&current.slice(333, current.num_rows() - 333))
        .unwrap();
    let parts = validator.finish().unwrap();
    assert_eq!(parts.results, std::slice::from_ref(&whole));
    whole
}

fn warns(result: &ExpectationResult, warning: &str) -> bool {
    let is_conspicuous = result.serial_correlation.unwrap().is_conspicuous();
    assert_eq!(
        result.reason.contains(warning),
        is_conspicuous,
        "{}",
        result.reason
    );
    is_conspicuous
}

/// Rules at a level, on rows and on distributions, by row and by unit; without a level nothing is taken for exchangeable, and nothing is told.
#[test]
fn expectations_at_a_level_are_diagnosed() {
    let rule = Rule::at_least(0.6).unwrap();
    let of_rows = Expectation::on("number", rule.clone())
        .mostly(0.5)
        .unwrap()
        .level(ALPHA)
        .unwrap();
    let compared = |column: &str| {
        let rule = Rule::DistributedAs {
            table: "reference".into(),
        };
        Expectation::on(column, rule).level(ALPHA).unwrap()
    };
    for (stay, is_told) in [(5, true), (1, false)] {
        let (reference, current) = (table(6, 1_000, stay, 1), table(7, 1_000, stay, 1));
        let found = held(&of_rows, &reference, &current);
        assert_eq!(
            warns(&found, &format!("in whether they obey, {BY_ROW}")),
            is_told
        );
        assert_eq!(found.serial_correlation.unwrap().values, 1_000);
        for kind in KINDS {
            assert_eq!(
                warns(&held(&compared(kind), &reference, &current), BY_ROW),
                is_told,
                "{kind}"
            );
        }
    }
    for (stay, is_told) in [(20, true), (4, false)] {
        let (reference, current) = (table(8, 2_000, stay, 4), table(9, 2_000, stay, 4));
        let warning = "neighbouring units resemble each other";
        let by_unit = |expectation: Expectation| {
            let found = held(&expectation.unit("unit").unwrap(), &reference, &current);
            assert_eq!(found.serial_correlation.unwrap().values, 500);
            warns(&found, warning)
        };
        assert_eq!(by_unit(of_rows.clone()), is_told);
        for kind in KINDS {
            assert_eq!(by_unit(compared(kind)), is_told, "{kind}");
        }
    }
    let without_level = Expectation::on("number", rule).mostly(0.5).unwrap();
    let sticky = table(7, 1_000, 5, 1);
    assert_eq!(
        held(&without_level, &sticky, &sticky).serial_correlation,
        None
    );
}

/// Slices of which the rows come together, errors and losses that do.
#[test]
fn slices_are_diagnosed() {
    let lattice = || Lattice::default().columns(["number"]);
    for (stay, is_told) in [(5, true), (1, false)] {
        let (reference, current) = (table(10, 1_000, stay, 1), table(11, 1_000, stay, 1));
        let shifted = Float64Array::from_iter_values(
            current
                .column(1)
                .as_any()
                .downcast_ref::<Float64Array>()
                .unwrap()
                .values()
                .iter()
                .map(|x| x + 0.3),
        );
        let moved =
            RecordBatch::try_from_iter([("number", Arc::new(shifted) as ArrayRef)]).unwrap();
        let report = DriftSlices::default()
            .over(lattice())
            .find(&reference, &moved)
            .unwrap();
        assert!(report.found > 0);
        assert!(
            report
                .worst
                .iter()
                .any(|slice| slice.serial_correlation.unwrap().is_conspicuous())
                == is_told
        );
        let warning = format!("In the slices shown, {BY_ROW}");
        assert_eq!(
            report.to_markdown().contains(&warning),
            is_told,
            "{}",
            report.to_markdown()
        );

        let rng = &mut ChaCha8Rng::seed_from_u64(12);
        let losses = states(rng, 1_000, stay);
        let wrong: Vec<bool> = losses.iter().map(|loss| *loss > 0.8).collect();
        let report = ErrorSlices::default()
            .over(lattice())
            .find(&current, &wrong)
            .unwrap();
        assert_eq!(report.serial_correlation.unwrap().is_conspicuous(), is_told);
        let warning = format!("Errors of {BY_ROW}");
        assert_eq!(
            report.to_markdown().contains(&warning),
            is_told,
            "{}",
            report.to_markdown()
        );
        let report = LossSlices::default()
            .over(lattice())
            .find(&current, &losses)
            .unwrap();
        assert_eq!(report.serial_correlation.unwrap().is_conspicuous(), is_told);
        let warning = format!("Losses of {BY_ROW}");
        assert_eq!(
            report.to_markdown().contains(&warning),
            is_told,
            "{}",
            report.to_markdown()
        );
    }
    // One row of each unit, of which neighbours are alike.
    let current = table(13, 4_000, 40, 4);
    let wrong: Vec<bool> = states(&mut ChaCha8Rng::seed_from_u64(14), 4_000, 40)
        .iter()
        .map(|x| *x > 0.8)
        .collect();
    let report = ErrorSlices::default()
        .over(lattice().unit("unit"))
        .find(&current, &wrong)
        .unwrap();
    assert_eq!(report.serial_correlation.unwrap().values, 1_000);
    assert!(
        report
            .to_markdown()
            .contains("Errors of neighbouring units resemble each other")
    );
}

/// Of the slices of a report it is the strongest dependence that is told, of either sign, and none that chance explains.
#[test]
fn the_strongest_dependence_of_several_slices_is_told() {
    let (reference, current) = (table(10, 1_000, 1, 1), table(11, 1_000, 1, 1));
    let moved = current.column(1).as_primitive::<Float64Type>();
    let moved = Float64Array::from_iter_values(moved.values().iter().map(|x| x + 0.3));
    let moved = RecordBatch::try_from_iter([("number", Arc::new(moved) as ArrayRef)]).unwrap();
    let slices = DriftSlices::default().over(Lattice::default().columns(["number"]));
    let mut report = slices.find(&reference, &moved).unwrap();
    report.worst = vec![report.worst[0].clone(); 3];
    let correlations = [(0.2, 1e-9), (-0.6, 1e-9), (0.9, 0.5)];
    for (slice, (correlation, p)) in report.worst.iter_mut().zip(correlations) {
        slice.serial_correlation = Some(SerialCorrelation {
            correlation,
            p_value: PValue::new(p).unwrap(),
            values: 1_000,
        });
    }
    let told = "In the slices shown, neighbouring rows differ from each other more than others (rank correlation -0.60)";
    assert!(
        report.to_markdown().contains(told),
        "{}",
        report.to_markdown()
    );
}

/// Errors that come together make a model's intervals too narrow, whatever its inputs do; in size alone, too.
#[test]
fn errors_of_a_model_are_diagnosed() {
    let week = |seed: u64, stay: usize, signed: bool| {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let errors = states(rng, 1_000, stay)
            .into_iter()
            .map(|state| match signed {
                true => state - 0.5,
                false => state * state * [-1.0, 1.0][usize::from(rng.random_range(0.0..1.0) < 0.5)],
            });
        let errors: Vec<f64> = errors.collect();
        let truth: Vec<f64> = (0..1_000).map(|_| rng.random_range(0.0..10.0)).collect();
        let predicted = truth
            .iter()
            .zip(&errors)
            .map(|(truth, error)| truth + error);
        let late = errors.iter().map(|error| Some(error.abs() > 0.3));
        let columns = [
            (
                "predicted",
                Arc::new(Float64Array::from_iter_values(predicted)) as ArrayRef,
            ),
            ("late", Arc::new(late.collect::<BooleanArray>())),
            (
                "probability",
                Arc::new(Float64Array::from(vec![0.4; 1_000])),
            ),
            (
                "hour",
                Arc::new(Int32Array::from_iter_values((0..1_000).map(|row| row / 10))),
            ),
            ("truth", Arc::new(Float64Array::from(truth))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let warns = |report: &PerformanceReport, neighbours: &str| {
        let warning = format!("errors of neighbouring {neighbours} resemble each other");
        let is_conspicuous = report.serial_correlation.unwrap().is_conspicuous();
        assert_eq!(
            report.verdict.reason.contains(&warning),
            is_conspicuous,
            "{}",
            report.verdict.reason
        );
        assert_eq!(
            PerformanceReport::from_json(&report.to_json().unwrap()).unwrap(),
            *report
        );
        is_conspicuous
    };
    for (stay, is_told) in [(10, true), (1, false)] {
        for signed in [true, false] {
            let (before, now) = (week(1, stay, signed), week(2, stay, signed));
            let of_numbers = preset::regression("truth", "predicted");
            assert_eq!(
                warns(&of_numbers.run(&before, &now).unwrap(), "rows"),
                is_told
            );
            let of_classes = preset::classification("late", "probability");
            assert_eq!(
                warns(&of_classes.run(&before, &now).unwrap(), "rows"),
                is_told
            );
            let by_hour = of_numbers.unit("hour").run(&before, &now).unwrap();
            assert!(!warns(&by_hour, "units"));
            assert_eq!(by_hour.serial_correlation.unwrap().values, 100);
        }
    }
}

/// Rows of the reference that come together make alarms as well, whatever the current ones do: of rows, of batches, by a suite, and of a model's errors.
#[test]
fn the_reference_is_diagnosed() {
    let (sticky, drawn) = (table(20, 2_000, 20, 1), table(21, 300, 1, 1));
    let report = check(&sticky).run(&drawn).unwrap();
    told(&report.columns, BY_ROW, true);
    assert!(
        report
            .verdict
            .reason
            .contains("are dependent in number, label, text, embedding"),
        "{}",
        report.verdict.reason
    );
    let parts = vec![sticky.slice(0, 10), sticky.slice(10, 1_990)];
    let by_parts = DriftCheck::against(parts).columns(["number", "label"]);
    let report = by_parts.run(&drawn).unwrap();
    assert!(report.columns.iter().all(ColumnReport::is_dependent));
    // Few rows are too few to be looked at, and no reason to be silent.
    let report = check(&sticky).run(&drawn.slice(0, 19)).unwrap();
    told(&report.columns, BY_ROW, true);
    let rule = Rule::DistributedAs {
        table: "reference".into(),
    };
    let compared = Expectation::on("number", rule).level(ALPHA).unwrap();
    assert!(warns(
        &held(&compared, &sticky, &table(22, 400, 1, 1)),
        BY_ROW
    ));
    let profile = TableProfile::of(&sticky).unwrap();
    let report = DriftCheck::against(&profile).columns(["number"]);
    let report = report.run(&TableProfile::of(&sticky).unwrap()).unwrap();
    assert!(
        report.guarantee.contains("of 1 column nobody can tell"),
        "{}",
        report.guarantee
    );
}

/// A column by itself, and whether it is told to be dependent.
fn is_told(column: ArrayRef) -> bool {
    let table = RecordBatch::try_from_iter([("x", column)]).unwrap();
    let report = DriftCheck::against(&table).run(&table).unwrap();
    let column = &report.columns[0];
    assert_eq!(
        column.reason.contains("hardly exchangeable"),
        column.is_dependent()
    );
    column.is_dependent()
}

/// Whatever comes together: what is missing, a rare label, a label in the middle of the order, the spread alone. Drawn, none of them is told.
#[test]
fn dependence_is_seen_in_several_ways() {
    let drawn = |stay: usize| states(&mut ChaCha8Rng::seed_from_u64(30), 2_000, stay);
    let noise = |seed: u64| states(&mut ChaCha8Rng::seed_from_u64(seed), 2_000, 1);
    let labels = |of: &dyn Fn(f64, f64) -> &'static str, stay: usize| -> ArrayRef {
        let both = drawn(stay).into_iter().zip(noise(31));
        Arc::new(StringArray::from_iter_values(both.map(|(x, y)| of(x, y))))
    };
    for (stay, is_dependent) in [(20, true), (1, false)] {
        let missing = drawn(stay).into_iter().zip(noise(32));
        let missing: Float64Array = missing.map(|(x, y)| (x > 0.2).then_some(y)).collect();
        assert_eq!(is_told(Arc::new(missing)), is_dependent, "missing");
        let rare = |x: f64, _: f64| ["often", "rare"][usize::from(x < 0.04)];
        assert_eq!(is_told(labels(&rare, stay)), is_dependent, "rare");
        // Runs of b, and of a and c in turn: the place in the order has no correlation.
        let middle = |x: f64, y: f64| match x < 0.5 {
            true => "b",
            false => ["a", "c"][usize::from(y < 0.5)],
        };
        assert_eq!(is_told(labels(&middle, stay)), is_dependent, "middle");
        // A rare code among ten that are not, in the middle of their order.
        let among = drawn(stay).into_iter().zip(noise(35));
        let among = among.map(|(x, y)| match x < 0.04 {
            true => "code 45".to_owned(),
            false => format!("code {}", (y * 10.0) as i32),
        });
        let among = StringArray::from_iter_values(among);
        assert_eq!(is_told(Arc::new(among)), is_dependent, "among");
        let outliers = drawn(stay).into_iter().zip(noise(36));
        let outliers = outliers.map(|(x, y)| if x < 0.03 { y * 50.0 - 25.0 } else { y });
        let outliers = Float64Array::from_iter_values(outliers);
        assert_eq!(is_told(Arc::new(outliers)), is_dependent, "outliers");
        let spread = drawn(stay)
            .into_iter()
            .zip(noise(33))
            .map(|(x, y)| x * x * (y - 0.5));
        let spread = Float64Array::from_iter_values(spread);
        assert_eq!(is_told(Arc::new(spread)), is_dependent, "spread");
    }
    // By unit: the share that is missing.
    let missing = |stay: usize| {
        let states = drawn(stay).into_iter().zip(noise(34));
        let values: Float64Array = states.map(|(x, y)| (x > 0.5).then_some(y)).collect();
        let unit = Int32Array::from_iter_values((0..2_000).map(|row| row / 4));
        let columns = [
            ("unit", Arc::new(unit) as ArrayRef),
            ("x", Arc::new(values)),
        ];
        let table = RecordBatch::try_from_iter(columns).unwrap();
        let check = DriftCheck::against(&table)
            .columns(["x"])
            .unit("unit", ["x"]);
        let report = check.run(&table).unwrap();
        let told = report.columns[0]
            .reason
            .contains("in what they miss, neighbouring units");
        assert_eq!(
            report.columns[0]
                .missing_serial_correlation
                .unwrap()
                .is_conspicuous(),
            told
        );
        told
    };
    assert!(missing(40) && !missing(4));
    // Two percent in runs of 20, in slices, whose two tables share the error rate.
    let flag = |seed: u64, stay: usize| {
        let states = states(&mut ChaCha8Rng::seed_from_u64(seed), 4_000, stay);
        let flags = StringArray::from_iter_values(
            states.iter().map(|x| ["no", "yes"][usize::from(*x < 0.02)]),
        );
        RecordBatch::try_from_iter([("flag", Arc::new(flags) as ArrayRef)]).unwrap()
    };
    let found = (0..20_u64).filter_map(|seed| {
        let report = DriftSlices::default()
            .find(&flag(100 + seed, 20), &flag(200 + seed, 20))
            .unwrap();
        (report.found > 0).then_some(report)
    });
    let found: Vec<_> = found.collect();
    assert!(found.len() > 5, "{}", found.len());
    for report in found {
        assert!(
            report.worst[0].serial_correlation.unwrap().is_conspicuous(),
            "{report:?}"
        );
    }
}

/// In every format that tells a verdict: beside a column that passes, in the verdict's reason, and over time.
#[test]
fn every_format_tells_of_dependence() {
    let (sticky, other) = (table(40, 1_000, 5, 1), table(41, 1_000, 5, 1));
    let drift = DriftCheck::against(&sticky)
        .columns(["number"])
        .level(SignificanceLevel::new(1e-6).unwrap());
    let report = drift.run(&other).unwrap();
    assert!(!report.verdict.drifted);
    assert!(
        report
            .verdict
            .reason
            .contains("for which that probability need not hold")
    );
    assert!(report.to_junit().contains(r#"name="number"><system-out>"#));
    assert!(
        report
            .to_openmetrics()
            .contains(r#"mlops_drift_column_dependent{column="number"} 1"#)
    );
    let mut monitor = DriftMonitor::new(drift.prepare().unwrap(), ALPHA);
    let (window, _) = monitor.observe("monday", &other).unwrap();
    assert_eq!(window.dependent_columns().collect::<Vec<_>>(), ["number"]);
    let state = monitor.state();
    let said = "neighbouring rows or units are dependent, so that no level need hold, in number";
    for text in [
        state.to_markdown(),
        state.to_html().unwrap(),
        state.to_junit(),
    ] {
        assert!(text.contains(said), "{text}");
    }
    assert!(state.to_markdown().contains("1 window of dependent rows"));
    assert!(
        state
            .to_openmetrics()
            .contains(r#"mlops_drift_monitor_column_dependent{column="number"} 1"#)
    );

    let rule = Rule::at_least(0.3).unwrap();
    let obeyed = Expectation::on("number", rule)
        .mostly(0.5)
        .unwrap()
        .level(ALPHA)
        .unwrap();
    let report = Suite::new([obeyed]).validate(&other).unwrap();
    assert!(
        report.passed() && report.to_junit().contains("<system-out>"),
        "{report:?}"
    );
    assert!(
        report
            .to_openmetrics()
            .contains("mlops_drift_expectation_dependent{")
    );

    let errors = states(&mut ChaCha8Rng::seed_from_u64(42), 1_000, 10);
    let truth: Vec<f64> = (0..1_000)
        .map(|row| f64::from(row * 7_919 % 1_000))
        .collect();
    let predicted = truth
        .iter()
        .zip(&errors)
        .map(|(truth, error)| truth + error);
    let columns = [
        (
            "predicted",
            Arc::new(Float64Array::from_iter_values(predicted)) as ArrayRef,
        ),
        ("truth", Arc::new(Float64Array::from(truth.clone()))),
    ];
    let week = RecordBatch::try_from_iter(columns).unwrap();
    let said = "errors of neighbouring rows resemble each other";
    let report = preset::regression("truth", "predicted")
        .run(&week, &week)
        .unwrap();
    let of_metrics = [
        report.to_markdown(),
        report.to_html().unwrap(),
        report.to_junit(),
    ];
    let performance = report.to_openmetrics();
    let report = preset::estimated_regression("truth", "predicted")
        .run(&week, &week)
        .unwrap();
    let of_estimates = [
        report.to_markdown(),
        report.to_html().unwrap(),
        report.to_junit(),
    ];
    for text in of_metrics.into_iter().chain(of_estimates) {
        assert!(text.contains(said), "{text}");
    }
    assert!(performance.contains("mlops_drift_performance_dependent 1"));
    assert!(
        report
            .to_openmetrics()
            .contains("mlops_drift_estimated_dependent 1")
    );
}

/// Estimates rest on the few labels that there are, and on the predictions: told of either alone, and of neither.
#[test]
fn estimates_are_diagnosed_by_labels_and_predictions() {
    let series = |seed: u64, stay: usize| states(&mut ChaCha8Rng::seed_from_u64(seed), 1_000, stay);
    let week = |predicted: Vec<f64>, errors: Vec<f64>| {
        let truth = predicted.iter().zip(errors).map(|(x, error)| x - error);
        let truth = Float64Array::from_iter_values(truth);
        let columns = [
            ("truth", Arc::new(truth) as ArrayRef),
            ("predicted", Arc::new(Float64Array::from(predicted))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let quiet = week(series(43, 1), series(44, 1));
    let estimated = || preset::estimated_regression("truth", "predicted");
    let told = |check: preset::EstimatedPerformance, current: &RecordBatch| {
        check.run(&quiet, current).unwrap().verdict.reason
    };
    let errors = "errors of neighbouring rows resemble each other";
    let columns = "dependent in predicted, so that the level need not hold";
    let of_labels = told(
        estimated().few_labels(),
        &week(series(45, 1), series(46, 10)),
    );
    assert!(of_labels.contains(errors), "{of_labels}");
    let of_predictions = told(estimated(), &week(series(47, 10), series(48, 1)));
    assert!(of_predictions.contains(columns), "{of_predictions}");
    let of_neither = told(
        estimated().few_labels(),
        &week(series(49, 1), series(50, 1)),
    );
    assert!(
        !of_neither.contains(errors) && !of_neither.contains(columns),
        "{of_neither}"
    );
}

/// By the definition: p at most 1e-4 and a tenth in size, of either sign.
#[test]
fn a_correlation_is_conspicuous_beyond_chance_and_in_size() {
    let of = |correlation: f64, p: f64| SerialCorrelation {
        correlation,
        p_value: PValue::new(p).unwrap(),
        values: 20,
    };
    assert!(of(0.1, 1e-4).is_conspicuous() && of(-0.1, 1e-4).is_conspicuous());
    assert!(!of(0.099, 1e-9).is_conspicuous() && !of(0.9, 1.01e-4).is_conspicuous());
}

/// Twenty numbers are enough, infinite ones among them, and their p-value is thrice the least of that of the numbers, of their distances from the median, 10,
/// and of which of them are farther than all but 5 %, of which there is none.
#[test]
fn the_p_value_is_that_of_several_ways() {
    let mut x: Vec<f64> = (0..20).map(|i| f64::from(i * 7 % 20)).collect();
    let of = |x: &[f64]| {
        let column = Arc::new(Float64Array::from(x.to_vec())) as ArrayRef;
        let table = RecordBatch::try_from_iter([("x", column)]).unwrap();
        let few = table.slice(0, 19);
        DriftCheck::against(&few).run(&table).unwrap().columns[0].serial_correlation
    };
    assert!(of(&x[..19]).is_none());
    let distances: Vec<f64> = x.iter().map(|x| (x - 10.0).abs()).collect();
    let least = [&x, &distances, &vec![0.0; 20]].map(|x| serial_dependence(x).unwrap());
    let least = least
        .into_iter()
        .min_by(|a, b| a.p_value.get().total_cmp(&b.p_value.get()))
        .unwrap();
    let found = of(&x).unwrap();
    assert_eq!((found.correlation, found.values), (least.statistic, 20));
    assert_eq!(found.p_value.get(), (3.0 * least.p_value.get()).min(1.0));
    x.extend([f64::INFINITY, f64::NEG_INFINITY]);
    assert_eq!(of(&x).unwrap().values, 22);
}

/// Eight ones in a row among 92 zeros: one run, of which there are 93·C(7, 0) of C(100, 8) = 186,087,894,300; alone, as nothing else is known of two values, or
/// with a hundredth of the error rate beside permutations that show less.
#[test]
fn rare_values_in_a_row_are_told_by_their_runs() {
    let series: Vec<f64> = (0..100)
        .map(|i| f64::from(u8::from((40..48).contains(&i))))
        .collect();
    let by_hand = 93.0 / 186_087_894_300.0;
    let p = serial_dependence(&series).unwrap().p_value.get();
    assert!((p / by_hand - 1.0).abs() < 1e-9, "{p} for {by_hand}");
    // By the exact law up to the square root of 25 n ones, and by the normal one from there on.
    for (ones, method) in [(99, "exact"), (100, "asymptotic")] {
        let series = (0..400).map(|i| f64::from(u8::from(i * 171 % 400 < ones)));
        let result = serial_dependence(&series.collect::<Vec<f64>>()).unwrap();
        assert_eq!(result.method, format!("serial_correlation_{method}"));
    }
    let unlike: Vec<f64> = (0..).zip(&series).map(|(i, x)| x * f64::from(i)).collect();
    let p = serial_dependence(&unlike).unwrap().p_value.get();
    assert!((p / by_hand * 0.01 - 1.0).abs() < 1e-9, "{p} for {by_hand}");
}

/// No more than the first 2,048 units are looked at; of labels by unit all rows count: 2 of "a" and 1 of "b" against 1 and 2.
#[test]
fn units_are_looked_at_by_all_of_their_rows() {
    let texts = table(50, 10_000, 1, 2);
    let report = check(&texts)
        .columns(["text"])
        .unit("unit", ["text"])
        .run(&texts)
        .unwrap();
    assert_eq!(report.columns[0].serial_correlation.unwrap().values, 2_048);
    let state = states(&mut ChaCha8Rng::seed_from_u64(51), 300, 10);
    let rows = || (0..300).flat_map(|unit| [(unit, 0.0), (unit, 0.5), (unit, 0.9)]);
    let label = rows().map(|(unit, row)| match row {
        0.0 => "a",
        0.9 => "b",
        _ => ["a", "b"][usize::from(state[unit] < 0.5)],
    });
    let columns = [
        (
            "unit",
            Arc::new(Int32Array::from_iter_values(
                rows().map(|(unit, _)| unit as i32),
            )) as ArrayRef,
        ),
        ("x", Arc::new(StringArray::from_iter_values(label))),
    ];
    let table = RecordBatch::try_from_iter(columns).unwrap();
    let report = DriftCheck::against(&table)
        .columns(["x"])
        .unit("unit", ["x"])
        .run(&table)
        .unwrap();
    assert!(
        report.columns[0].is_dependent(),
        "{}",
        report.columns[0].reason
    );
}

/// Errors of one size whose sign comes in runs; wrong answers of several classes, and lists that are out of order; by units of unlike size; in either table.
#[test]
fn errors_of_every_task_are_diagnosed() {
    let flags = |seed: u64, stay: usize| {
        let states = states(&mut ChaCha8Rng::seed_from_u64(seed), 1_000, stay);
        states.into_iter().map(|x| x < 0.5).collect::<Vec<bool>>()
    };
    let week = |seed: u64, stay: usize| {
        let (flags, truth) = (flags(seed, stay), |row: usize| row * 7_919 % 1_000);
        let each = || flags.iter().enumerate();
        let number = each().map(|(row, up)| truth(row) as f64 + if *up { 1.0 } else { -1.0 });
        let class = |row: usize, by: bool| ["x", "y", "z"][(truth(row) + usize::from(by)) % 3];
        let answer = each().map(|(row, wrong)| class(row, *wrong));
        // Lists of two, of which the relevant item is first or last.
        let list = (0..2_000).map(|row| row / 2);
        let score = (0..2_000).map(|row| f64::from(u8::from((row % 2 == 0) == flags[row / 2])));
        let relevance = (0..2_000).map(|row| f64::from(row % 2));
        let rng = &mut ChaCha8Rng::seed_from_u64(seed + 1_000);
        let sizes = (0..1_000).flat_map(|unit| vec![unit; rng.random_range(1..8)]);
        let unit: Vec<i32> = sizes.take(1_000).collect();
        let rows = RecordBatch::try_from_iter([
            (
                "truth",
                Arc::new(Float64Array::from_iter_values(
                    (0..1_000).map(|row| truth(row) as f64),
                )) as ArrayRef,
            ),
            ("number", Arc::new(Float64Array::from_iter_values(number))),
            (
                "class",
                Arc::new(StringArray::from_iter_values(
                    (0..1_000).map(|row| class(row, false)),
                )),
            ),
            ("answer", Arc::new(StringArray::from_iter_values(answer))),
            ("unit", Arc::new(Int32Array::from_iter_values(unit))),
        ]);
        let lists = RecordBatch::try_from_iter([
            (
                "list",
                Arc::new(Int32Array::from_iter_values(list)) as ArrayRef,
            ),
            ("score", Arc::new(Float64Array::from_iter_values(score))),
            (
                "relevance",
                Arc::new(Float64Array::from_iter_values(relevance)),
            ),
        ]);
        [rows.unwrap(), lists.unwrap()]
    };
    let is_told = |report: PerformanceReport| report.serial_correlation.unwrap().is_conspicuous();
    type Told<'a> = &'a dyn Fn(&[RecordBatch; 2], &[RecordBatch; 2]) -> bool;
    let tasks: [Told<'_>; 4] = [
        &|a, b| {
            is_told(
                preset::regression("truth", "number")
                    .run(&a[0], &b[0])
                    .unwrap(),
            )
        },
        &|a, b| {
            is_told(
                preset::classification_by_labels("class", "answer")
                    .run(&a[0], &b[0])
                    .unwrap(),
            )
        },
        &|a, b| {
            is_told(
                preset::ranking("list", "relevance", "score", 2)
                    .run(&a[1], &b[1])
                    .unwrap(),
            )
        },
        &|a, b| {
            is_told(
                preset::regression("truth", "number")
                    .unit("unit")
                    .run(&a[0], &b[0])
                    .unwrap(),
            )
        },
    ];
    let (sticky, drawn) = (week(60, 50), week(61, 1));
    for (number, is_dependent) in tasks.into_iter().enumerate() {
        assert!(!is_dependent(&drawn, &week(62, 1)), "{number}");
        assert!(is_dependent(&sticky, &drawn), "{number}");
        assert!(is_dependent(&drawn, &sticky), "{number}");
    }
}

/// Dependence in one of two tables alone; and one row of each unit.
#[test]
fn slices_are_diagnosed_in_either_table_and_by_unit() {
    let flag = |seed: u64, stay: usize, often: f64| {
        let states = states(&mut ChaCha8Rng::seed_from_u64(seed), 1_000, stay);
        let flags = StringArray::from_iter_values(
            states
                .iter()
                .map(|x| ["no", "yes"][usize::from(*x < often)]),
        );
        let unit = Int32Array::from_iter_values((0..1_000).map(|row| row / 2));
        let columns = [
            ("flag", Arc::new(flags) as ArrayRef),
            ("unit", Arc::new(unit)),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    for [before, now] in [[10, 1], [1, 10]] {
        let find = |lattice: Lattice| {
            let finder = DriftSlices::default().over(lattice.columns(["flag"]));
            finder
                .find(&flag(70, before, 0.2), &flag(71, now, 0.7))
                .unwrap()
        };
        let report = find(Lattice::default());
        assert!(
            report
                .to_markdown()
                .contains(&format!("In the slices shown, {BY_ROW}"))
        );
        let report = find(Lattice::default().unit("unit"));
        assert!(report.are_units);
        assert!(
            report
                .to_markdown()
                .contains("In the slices shown, neighbouring units resemble each other")
        );
    }
    let losses = states(&mut ChaCha8Rng::seed_from_u64(72), 1_000, 20);
    let by_unit = Lattice::default().columns(["flag"]).unit("unit");
    let report = LossSlices::default()
        .over(by_unit)
        .find(&flag(73, 1, 0.5), &losses)
        .unwrap();
    assert!(
        report
            .to_markdown()
            .contains("Losses of neighbouring units resemble each other")
    );
}

/// The warning's promise, p at most 1e-4: of 1,200 columns of drawn rows no more are told than the bound allows.
#[test]
fn drawn_rows_are_not_warned_of() {
    let warned = (0..300).map(|seed| {
        let table = table(5_000 + seed, 200, 1, 1);
        let report = check(&table.slice(0, 19)).run(&table).unwrap();
        report
            .columns
            .iter()
            .filter(|column| column.is_dependent())
            .count() as u32
    });
    let warned: u32 = warned.sum();
    assert!(warned <= most(1_200, 1e-4), "{warned}");
}
