//! Inputs that production sends sooner or later: typed errors or a loud report, never a panic and
//! never a silent pass.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Decimal256Array, DurationMicrosecondArray, FixedSizeListArray,
    Float64Array, Int32Array, Int32Builder, Int64Array, IntervalMonthDayNanoArray, ListArray,
    MapBuilder, NullArray, RecordBatch, RunArray, StringArray, StringBuilder, StringViewBuilder,
    TimestampMicrosecondArray, TimestampSecondArray, UnionBuilder,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float32Type, Int32Type, Schema, i256};
use mlops_core::evidence::{Distance, SignificanceLevel};
use mlops_core::{DriftDetector, ErrorKind};
use mlops_drift::check::{Method, Source};
use mlops_drift::divergence::{Divergence, Psi, Wasserstein};
use mlops_drift::expectation::{Context, Expectation, Rule, Suite};
use mlops_drift::performance::{Loss, Scored, paired_difference};
use mlops_drift::preset;
use mlops_drift::profile::TableProfile;
use mlops_drift::report::{ColumnVerdict, DriftReport, SchemaChange};
use mlops_drift::sample::Infinite;
use mlops_drift::two_sample::{ChiSquare, KolmogorovSmirnov, TwoSampleTest};
use mlops_drift::{CategoricalSample, DriftCheck, NumericSample};

fn table(name: &str, column: impl arrow::array::Array + 'static) -> RecordBatch {
    RecordBatch::try_from_iter([(name, Arc::new(column) as ArrayRef)]).unwrap()
}

fn floats(values: impl IntoIterator<Item = f64>) -> RecordBatch {
    table("x", Float64Array::from_iter_values(values))
}

fn hundred() -> impl Iterator<Item = f64> {
    (0..100).map(f64::from)
}

fn kind(result: mlops_core::Result<mlops_drift::DriftReport>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[test]
fn a_table_without_rows_is_an_error_on_either_side() {
    let (full, empty) = (floats(hundred()), floats([]));
    assert_eq!(
        kind(DriftCheck::against(&empty).run(&full)),
        ErrorKind::InvalidArgument
    );
    assert_eq!(
        kind(DriftCheck::against(&full).run(&empty)),
        ErrorKind::InvalidArgument
    );
}

#[test]
fn a_column_that_becomes_null_alarms_and_its_values_are_reported_as_untested() {
    let all_null = table("x", Float64Array::from(vec![None; 100]));
    let report = DriftCheck::against(&floats(hundred()))
        .run(&all_null)
        .unwrap();
    let column = report.column("x").unwrap();
    assert!(report.verdict.material, "{}", report.verdict.reason);
    assert!(column.value.is_none());
    assert!(column.missing.as_ref().unwrap().rejected);
    assert!(
        column.reason.contains("cannot be compared"),
        "{}",
        column.reason
    );
    assert_eq!(column.current_missing, 1.0);
}

#[test]
fn nan_is_missing_as_null_is() {
    let report = DriftCheck::against(&floats(hundred()))
        .run(&floats([f64::NAN; 100]))
        .unwrap();
    assert!(
        report
            .column("x")
            .unwrap()
            .missing
            .as_ref()
            .unwrap()
            .rejected
    );
}

#[test]
fn a_rising_missing_share_alarms_though_the_values_are_the_same() {
    let half_null = table(
        "x",
        Float64Array::from_iter((0..200).map(|i| (i % 2 == 0).then_some(f64::from(i / 2)))),
    );
    let report = DriftCheck::against(&floats(hundred()))
        .run(&half_null)
        .unwrap();
    let column = report.column("x").unwrap();
    assert!(column.missing.as_ref().unwrap().rejected);
    assert!(!column.value.as_ref().unwrap().rejected);
    assert_eq!(column.verdict, ColumnVerdict::Material);
}

#[test]
fn a_column_null_on_both_sides_is_named_as_untested() {
    let all_null = table("x", Float64Array::from(vec![None; 50]));
    let report = DriftCheck::against(&all_null).run(&all_null).unwrap();
    assert_eq!(report.verdict.untested_columns, ["x"]);
    assert!(report.verdict.reason.contains("no column could be judged"));
    assert_eq!(report.columns[0].verdict, ColumnVerdict::Untested);
}

#[test]
fn one_null_row_against_a_full_reference_is_untested_not_stable() {
    let reference = table(
        "x",
        Float64Array::from_iter((0..100).map(|i| (i > 40).then_some(1.0))),
    );
    let current = table("x", Float64Array::from(vec![None]));
    let report = DriftCheck::against(&reference).run(&current).unwrap();
    assert_eq!(report.verdict.untested_columns, ["x"]);
}

#[test]
fn a_constant_column_is_stable_and_another_constant_is_drift() {
    let constant = |value: f64| floats(std::iter::repeat_n(value, 60));
    let check = DriftCheck::against(&constant(5.0)).prepare().unwrap();
    assert!(!check.run(&constant(5.0)).unwrap().verdict.drifted);
    let moved = check.run(&constant(5.1)).unwrap();
    assert!(moved.verdict.material);
    assert!(moved.columns[0].effect("wasserstein_sd").is_none()); // undefined: the reference is constant
    assert!(moved.columns[0].effect("psi").unwrap().get() > 1.0); // not blind to a moved constant
}

#[test]
fn one_category_is_stable_and_another_is_drift() {
    let only = |label: &str| table("c", StringArray::from(vec![label; 40]));
    let check = DriftCheck::against(&only("a")).prepare().unwrap();
    assert!(!check.run(&only("a")).unwrap().verdict.drifted);
    assert!(check.run(&only("b")).unwrap().verdict.drifted);
}

#[test]
fn infinite_values_are_ranks_by_default_missing_or_an_error_on_request() {
    let infinite = || floats(hundred().chain([f64::INFINITY; 60]));
    let check = DriftCheck::against(&floats(hundred()));
    let report = check.run(&infinite()).unwrap();
    let column = &report.columns[0];
    assert!(column.value.as_ref().unwrap().rejected);
    assert!(column.effect("wasserstein_sd").is_none());
    assert!(column.effect("psi").is_some());

    let missing = check
        .clone()
        .infinite(Infinite::Missing)
        .run(&infinite())
        .unwrap();
    assert!(missing.columns[0].missing.as_ref().unwrap().rejected);
    assert!(!missing.columns[0].value.as_ref().unwrap().rejected);

    let error = check
        .infinite(Infinite::Reject)
        .run(&infinite())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.to_string().contains("column: x"), "{error}");
}

#[test]
fn an_infinite_wasserstein_distance_is_an_error() {
    let (finite, infinite) = (
        NumericSample::new([1.0, 2.0]),
        NumericSample::new([1.0, f64::NEG_INFINITY]),
    );
    for scale in [Wasserstein::raw(), Wasserstein::default()] {
        let error = scale.divergence(&finite, &infinite).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    assert!(Psi::default().divergence(&infinite, &finite).unwrap().get() >= 0.0);
}

#[test]
fn a_schema_that_does_not_fit_names_every_column() {
    let batch = |columns: [(&str, ArrayRef); 2]| RecordBatch::try_from_iter(columns).unwrap();
    let numbers = || Arc::new(Int32Array::from(vec![1, 2, 3])) as ArrayRef;
    let strings = || Arc::new(StringArray::from(vec!["a", "b", "c"])) as ArrayRef;
    let reference = batch([("a", numbers()), ("b", strings())]);
    let check = DriftCheck::against(&reference).prepare().unwrap();

    let error = check
        .run(&batch([("a", strings()), ("other", numbers())]))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignatureMismatch);
    let text = error.to_string();
    assert!(
        text.contains("\"a\"") && text.contains("\"b\" is missing"),
        "{text}"
    );

    let wider = Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef;
    assert!(check.run(&batch([("a", wider), ("b", strings())])).is_ok());
}

fn columns<const N: usize>(columns: [(&str, ArrayRef); N]) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

/// A reference of four columns, and a night in which one is lost, one has another type, one is new and the others are as they were.
fn changed_schema() -> [RecordBatch; 2] {
    let numbers = || Arc::new(Float64Array::from_iter_values(hundred())) as ArrayRef;
    let labels = || {
        let labels = (0..100).map(|i| ["a", "b", "c"][i % 3]);
        Arc::new(StringArray::from_iter_values(labels)) as ArrayRef
    };
    [
        columns([
            ("lost", numbers()),
            ("amount", numbers()),
            ("kept", numbers()),
            ("label", labels()),
        ]),
        columns([
            ("amount", labels()),
            ("kept", numbers()),
            ("label", labels()),
            ("extra", numbers()),
        ]),
    ]
}

/// Whatever the two tables are given as, what is lost or of another type is told, and the others are compared.
#[test]
fn a_changed_schema_is_reported_if_asked_for() {
    let [reference, tonight] = changed_schema();
    let whole = TableProfile::of(&reference).unwrap();
    let profile = whole.like_comparable(&tonight).unwrap();
    let changed = Some(SchemaChange::TypeChanged {
        from: "float64".into(),
        to: "text".into(),
    });
    let checks = [
        DriftCheck::against(&reference),
        DriftCheck::against(vec![reference.clone()]),
        DriftCheck::against(&whole),
    ];
    for (rows, check) in checks.into_iter().enumerate() {
        let lenient = check.clone().report_schema_changes().prepare().unwrap();
        let tables = [
            Source::from(&tonight),
            Source::from(vec![tonight.slice(0, 40), tonight.slice(40, 60)]),
            Source::from(&profile),
        ];
        // Rows are compared as rows: a profile of the current table has none, which is no matter of the schema.
        for table in &tables[..if rows == 0 { 2 } else { 3 }] {
            assert_eq!(kind(check.run(table)), ErrorKind::SignatureMismatch);
            let report = lenient.run(table).unwrap();
            let lost = &report.verdict.not_compared_columns;
            assert_eq!(lost, &["lost", "amount", "extra"]);
            let change = |name| report.column(name).unwrap().schema_change.clone();
            assert_eq!(change("lost"), Some(SchemaChange::ColumnMissing));
            assert_eq!(change("amount"), changed);
            assert_eq!(change("extra"), Some(SchemaChange::ColumnNew));
            for name in ["kept", "label"] {
                let verdict = report.column(name).unwrap().verdict;
                assert_eq!((verdict, change(name)), (ColumnVerdict::Stable, None));
            }
            assert_eq!(report.tests, 2);
            assert!(!report.verdict.drifted);
            // The others are as if the check had been of them alone.
            let alone = check.clone().columns(["kept", "label"]).run(table).unwrap();
            assert_eq!(report.column("kept"), alone.column("kept"));
            assert_eq!(report.column("label"), alone.column("label"));
        }
    }
}

#[test]
fn every_format_tells_what_was_not_compared() {
    let [reference, tonight] = changed_schema();
    let check = DriftCheck::against(&reference).report_schema_changes();
    let report = check.run(&tonight).unwrap();
    let told = "3 of 5 columns were not compared: lost (the current table lacks it), amount (its type changed from float64 to text), \
                extra (a new column, which the reference lacks)";
    assert!(report.verdict.reason.contains(told), "{report:?}");
    assert_eq!(report.new_columns, ["extra"]);

    let read = DriftReport::from_json(&report.to_json().unwrap()).unwrap();
    assert_eq!(read, report);
    let markdown = report.to_markdown();
    assert!(markdown.starts_with("### Schema change, 3 columns not compared. No drift in"));
    assert!(markdown.contains("| lost | not compared | – |"));
    assert!(markdown.contains("| extra | not compared | – |"));
    #[cfg(feature = "html")]
    {
        let page = report.to_html().unwrap();
        assert!(page.contains("<h1>Schema change, 3 columns not compared."));
        assert!(page.contains("its type changed from float64 to text") && page.contains("extra"));
    }
    let junit = report.to_junit();
    assert!(junit.contains(r#"tests="5" failures="0" skipped="0" errors="3""#));
    assert!(junit.contains(
        r#"name="lost"><error type="drift" message="not compared: the current table lacks it"/>"#
    ));
    assert!(
        junit.contains(r#"name="extra"><error type="drift" message="not compared: a new column"#)
    );
    let metrics = report.to_openmetrics();
    for series in [
        "columns_not_compared 3",
        "new_columns 1",
        "column_compared{column=\"extra\"} 0",
        "column_compared{column=\"lost\"} 0",
        "column_compared{column=\"kept\"} 1",
    ] {
        assert!(
            metrics.contains(&format!("mlops_drift_{series}\n")),
            "{metrics}"
        );
    }
    assert!(!metrics.contains("mlops_drift_column_drifted{column=\"lost\"}"));
}

/// Where schema changes are errors a new column is no change of what is compared, and is told; where columns were named, others are nobody's matter. A
/// column that only a later part has is as new as one that all have.
#[test]
fn new_columns_are_told_wherever_they_begin() {
    let numbers = || Arc::new(Float64Array::from_iter_values(hundred())) as ArrayRef;
    let before = columns([("x", numbers())]);
    let wider = columns([("x", numbers()), ("new", numbers())]);
    let stream = vec![before.clone(), wider.clone(), before.clone()];
    let check = DriftCheck::against(&before);
    for table in [Source::from(&wider), Source::from(&stream)] {
        let report = check.run(&table).unwrap();
        assert_eq!(report.new_columns, ["new"]);
        assert_eq!((report.columns.len(), report.verdict.drifted), (1, false));
        assert!(report.verdict.reason.contains("not compared: new"));
        let junit = report.to_junit();
        assert!(junit.contains(r#"name="new"><skipped message="#), "{junit}");

        let report = check.clone().report_schema_changes().run(&table).unwrap();
        assert_eq!(report.verdict.not_compared_columns, ["new"]);
        assert!(report.to_markdown().starts_with("### Schema change"));
        assert_eq!(report.to_junit().matches(r#"name="new""#).count(), 1);

        let named = check.clone().columns(["x"]).report_schema_changes();
        let report = named.run(&table).unwrap();
        assert!(report.new_columns.is_empty());
        assert!(report.to_markdown().starts_with("### No drift\n"));
    }
    let mut merged = TableProfile::of(&before).unwrap();
    merged = merged.like_comparable(&before).unwrap();
    let later = merged.like_comparable(&wider).unwrap();
    merged.merge(&later).unwrap();
    let report = DriftCheck::against(&TableProfile::of(&before).unwrap());
    let report = report.report_schema_changes().run(&merged).unwrap();
    assert_eq!(report.verdict.not_compared_columns, ["new"]);

    // A later part that lacks a column, or has it as another type.
    let both = columns([("x", numbers()), ("kept", numbers())]);
    let text = Arc::new(StringArray::from(vec!["a"; 100])) as ArrayRef;
    let odd = [
        (
            columns([("kept", numbers())]),
            "\"x\" is missing (part: 2 of 2",
        ),
        (
            columns([("x", text), ("kept", numbers())]),
            "float64 in every part, got text (part: 2 of 2, table: current)",
        ),
    ];
    for (later, told) in odd {
        let stream = vec![both.clone(), later];
        let check = DriftCheck::against(&both);
        assert_eq!(kind(check.run(&stream)), ErrorKind::SignatureMismatch);
        let report = check.report_schema_changes().run(&stream).unwrap();
        assert_eq!(report.verdict.not_compared_columns, ["x"]);
        let reason = &report.column("x").unwrap().reason;
        assert!(reason.contains(told), "{reason}");
        assert_eq!(
            report.column("kept").unwrap().verdict,
            ColumnVerdict::Stable
        );
    }

    // Of a reference a column that only some parts have cannot be read.
    let error = DriftCheck::against(&stream).prepare().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignatureMismatch);
    let told = error.to_string();
    assert!(
        told.contains("\"new\"") && told.contains("part: 1 of 3") && told.contains("`except`"),
        "{told}"
    );
    assert!(
        DriftCheck::against(&stream)
            .except(["new"])
            .prepare()
            .is_ok()
    );
}

/// A column that cannot be compared says nothing of the others, and drift of these is seen; without its unit no column of it is compared.
#[test]
fn lost_columns_do_not_hide_drift_and_lost_units_are_told() {
    let numbers = |shift: f64| {
        Arc::new(Float64Array::from_iter_values(hundred().map(|x| x + shift))) as ArrayRef
    };
    let table =
        |names: [&str; 2], shift| columns([(names[0], numbers(0.0)), (names[1], numbers(shift))]);
    let reference = table(["a", "b"], 0.0);
    let check = DriftCheck::against(&reference).report_schema_changes();
    let report = check.run(&table(["b", "c"], 0.0)).unwrap();
    assert!(!report.verdict.drifted);
    let report = check.run(&table(["c", "b"], 80.0)).unwrap();
    assert_eq!(report.verdict.material_columns, ["b"]);
    let markdown = report.to_markdown();
    assert!(markdown.starts_with("### Schema change, 2 columns not compared. Drift\n"));

    let report = check.clone().unit("a", ["b"]);
    let report = report.run(&table(["c", "b"], 80.0)).unwrap();
    let unit = "a".to_owned();
    let change = report.columns[0].schema_change.clone();
    assert_eq!(change, Some(SchemaChange::UnitMissing { unit }));
    assert_eq!((report.tests, report.verdict.drifted), (0, false));

    // A later part lost the unit.
    let stream = vec![reference.clone(), table(["c", "b"], 0.0)];
    let by_unit = DriftCheck::against(&reference).unit("a", ["b"]);
    let error = by_unit.run(&stream).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignatureMismatch);
    let told = "column \"a\" is missing (part: 2 of 2, table: current)";
    assert_eq!(error.to_string(), told);
    let report = by_unit.report_schema_changes().run(&stream).unwrap();
    let why = told.to_owned();
    let change = report.column("b").unwrap().schema_change.clone();
    assert_eq!(change, Some(SchemaChange::PartsDiffer { why }));

    // What is no change of the schema is an error as ever.
    let twice = RecordBatch::try_new(
        Arc::new(Schema::new(vec![
            Field::new("a", DataType::Float64, true),
            Field::new("a", DataType::Float64, true),
        ])),
        vec![numbers(0.0), numbers(0.0)],
    )
    .unwrap();
    assert_eq!(kind(check.run(&twice)), ErrorKind::SignatureMismatch);
    assert_eq!(
        kind(check.run(&reference.slice(0, 0))),
        ErrorKind::InvalidArgument
    );
}

#[test]
fn clocks_of_different_units_are_not_compared() {
    let seconds = table("t", TimestampSecondArray::from(vec![1, 2, 3]));
    let micros = table("t", TimestampMicrosecondArray::from(vec![1, 2, 3]));
    let check = DriftCheck::against(&seconds).prepare().unwrap();
    assert_eq!(kind(check.run(&micros)), ErrorKind::SignatureMismatch);
    assert!(check.run(&seconds).is_ok());
}

#[test]
fn nested_columns_are_refused_by_name() {
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)]), None]);
    let nested = table("list", list);
    let error = DriftCheck::against(&nested).run(&nested).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("list"), "{error}");
}

/// A column of type null is what a file without any value of it becomes: all of its values are missing, which alarms if they were not before, and if
/// they are there now. A profile leaves it out.
#[test]
fn columns_of_type_null_are_missing_or_not_applicable() {
    let nulls = || Arc::new(NullArray::new(100)) as ArrayRef;
    let numbers = || Arc::new(Float64Array::from_iter_values(hundred())) as ArrayRef;
    let strings = || Arc::new(StringArray::from(vec!["a"; 100])) as ArrayRef;
    let lists = || {
        let rows = (0..100).map(|i| Some([Some(i as f32), Some(1.0)]));
        Arc::new(FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(rows, 2)) as ArrayRef
    };
    let full = columns([
        ("x", numbers()),
        ("s", strings()),
        ("e", lists()),
        ("n", nulls()),
    ]);
    let empty = columns([
        ("x", nulls()),
        ("s", nulls()),
        ("e", nulls()),
        ("n", numbers()),
    ]);
    let profile = TableProfile::of(&full).unwrap();
    assert_eq!(profile.columns().len(), 3);
    let current = profile.like(&empty).unwrap();
    let by_type = TableProfile::of(&empty).unwrap();
    let as_rows = DriftCheck::against(&full);
    let as_profile = DriftCheck::against(&profile);
    for report in [
        as_rows.run(&empty).unwrap(),
        DriftCheck::against(vec![full.clone()]).run(&empty).unwrap(),
        as_profile.run(&empty).unwrap(),
        as_profile.run(&current).unwrap(),
        as_profile.run(&by_type).unwrap(),
    ] {
        for name in ["x", "s", "e"] {
            let column = report.column(name).unwrap();
            assert_eq!(column.verdict, ColumnVerdict::Material, "{column:?}");
            assert_eq!((column.current_missing, &column.value), (1.0, &None));
        }
        let untyped = report.column("n").unwrap();
        assert!(untyped.reason.contains("being of type null"), "{untyped:?}");
        let ratio = "mlops_drift_column_missing_ratio{column=\"n\",table=\"reference\"} 1\n";
        assert_eq!(
            report.to_openmetrics().contains(ratio),
            !untyped.missing_unknown
        );
        assert_eq!(
            report.to_markdown().contains("100.0 % → 0.0 %"),
            !untyped.missing_unknown
        );
        let expected = match untyped.missing_unknown {
            true => (ColumnVerdict::Untested, [0.0, 0.0]),
            false => (ColumnVerdict::Material, [1.0, 0.0]),
        };
        let shares = [untyped.reference_missing, untyped.current_missing];
        assert_eq!((untyped.verdict, shares), expected);
    }
    // By name, alone, with a level for this very reference, and with a method of its own.
    let alone = table("n", NullArray::new(100));
    for check in [
        as_rows.clone().columns(["n"]),
        DriftCheck::against(&alone).for_this_reference(SignificanceLevel::FIVE_PERCENT),
        DriftCheck::against(&TableProfile::of(&alone).unwrap()),
        DriftCheck::against(&alone).effect(Distance::new(0.1, "psi").unwrap()),
        DriftCheck::against(&alone).method("n", Method::numeric(Psi::default())),
    ] {
        let report = check.run(&alone).unwrap();
        assert_eq!(report.verdict.untested_columns, ["n"]);
        assert!(!report.verdict.drifted);
        let report = check.run(&empty).unwrap();
        let is_known = !report.column("n").unwrap().missing_unknown;
        assert_eq!(
            (report.tests, report.verdict.drifted),
            (usize::from(is_known), is_known),
            "{report:?}"
        );
    }
}

/// Lists cannot be compared, but that they are missing now can, as that they are gone; as many missing as before are no news.
#[test]
fn what_is_missing_of_columns_that_cannot_be_compared_is_tested() {
    let lists = |missing: usize| {
        let rows = (0..200).map(|i| (i >= missing).then(|| vec![Some(i as i32); i % 3]));
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(rows);
        let x = Float64Array::from_iter_values((0..200).map(|i| f64::from(i % 40)));
        columns([("tags", Arc::new(lists) as ArrayRef), ("x", Arc::new(x))])
    };
    let check = DriftCheck::against(&lists(20)).prepare().unwrap();
    for (missing, verdict) in [
        (20, ColumnVerdict::Untested),
        (25, ColumnVerdict::Untested),
        (200, ColumnVerdict::Material),
        (0, ColumnVerdict::Material),
    ] {
        for current in [
            Source::from(&lists(missing)),
            Source::from(vec![lists(missing)]),
        ] {
            let report = check.run(current).unwrap();
            let tags = report.column("tags").unwrap();
            assert_eq!(tags.verdict, verdict, "{}", tags.reason);
            let shares = [0.1, missing as f64 / 200.0];
            assert_eq!([tags.reference_missing, tags.current_missing], shares);
            assert!(
                tags.reason.contains("cannot be compared"),
                "{}",
                tags.reason
            );
            assert_eq!(
                DriftReport::from_json(&report.to_json().unwrap()).unwrap(),
                report
            );
        }
    }
    // A minimum of its own, and a reference in parts.
    let least = Distance::new(0.95, "missing_share").unwrap();
    let check = DriftCheck::against(vec![lists(20)]).effect(least);
    let report = check.run(&lists(200)).unwrap();
    assert_eq!(
        report.column("tags").unwrap().verdict,
        ColumnVerdict::Drifted
    );
    // Gone, or of another type.
    let check = DriftCheck::against(&lists(20));
    let lost = lists(20).project(&[1]).unwrap();
    let text = columns([
        (
            "tags",
            Arc::new(StringArray::from(vec!["a"; 200])) as ArrayRef,
        ),
        ("x", lost.column(0).clone()),
    ]);
    for (current, told) in [(lost, "column \"tags\" is missing"), (text, "list(int32)")] {
        let error = check.run(&current).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SignatureMismatch);
        assert!(error.to_string().contains(told), "{error}");
        let report = check.clone().report_schema_changes().run(&current).unwrap();
        assert_eq!(report.verdict.not_compared_columns, ["tags"]);
        assert_eq!(report.column("x").unwrap().verdict, ColumnVerdict::Stable);
    }
}

/// As a column of nulls that has a type: a rule on values has nothing to check, and one that asks for values fails.
#[test]
fn rules_on_a_column_of_type_null_have_nothing_to_check() {
    let table = columns([
        ("n", Arc::new(NullArray::new(3)) as ArrayRef),
        (
            "t",
            Arc::new(TimestampSecondArray::from(vec![1, 2, 3])) as ArrayRef,
        ),
        (
            "s",
            Arc::new(StringArray::from(vec!["a", "b", "c"])) as ArrayRef,
        ),
    ]);
    let profile = TableProfile::of(&table).unwrap();
    let of = |name: &str| name.to_owned();
    for rule in [
        Rule::between(0, 1).unwrap(),
        Rule::between("2013-01-01", "2014-01-01").unwrap(),
        Rule::one_of(["a"]),
        Rule::matches("^a").unwrap(),
        Rule::Unique,
        Rule::UniqueWith(vec![of("s")]),
        Rule::Increasing,
        Rule::AtMost { column: of("t") },
        Rule::EqualTo { column: of("s") },
    ] {
        let of_several = matches!(
            rule,
            Rule::UniqueWith(_) | Rule::AtMost { .. } | Rule::EqualTo { .. }
        );
        let suite = Suite::new([Expectation::on("n", rule)]);
        let report = suite.validate(&table).unwrap();
        let result = &report.results[0];
        assert!(!result.applicable && result.broken == 0, "{result:?}");
        let why = "a value is missing in each of 3 rows";
        assert!(result.reason.contains(why), "{result:?}");

        let by_profile = suite.validate_profile(&profile, &Context::default());
        let by_profile = &by_profile.unwrap().results[0];
        match of_several {
            true => assert!(by_profile.reason.contains("a profile does not tell")),
            false => assert_eq!(by_profile, result),
        }
    }
    for (rule, passed) in [
        (Rule::Missing, true),
        (Rule::NotNull, false),
        (Rule::Exists, true),
    ] {
        let suite = Suite::new([Expectation::on("n", rule)]);
        let by_profile = suite.validate_profile(&profile, &Context::default());
        for report in [suite.validate(&table), by_profile] {
            assert_eq!(report.unwrap().results[0].passed, passed);
        }
    }
}

#[test]
fn names_that_do_not_exist_are_refused_when_the_check_is_prepared() {
    let reference = floats(hundred());
    let check = || DriftCheck::against(&reference);
    let effect = Distance::new(0.1, "psi").unwrap();
    for check in [
        check().columns(["y"]),
        check().unit("hour", ["x"]),
        check().unit("x", ["y"]),
        check().method("y", Method::numeric(Psi::default())),
        check().effect_for("y", effect),
    ] {
        let error = check.prepare().err().unwrap();
        assert_eq!(error.kind(), ErrorKind::SignatureMismatch, "{error}");
    }
}

#[test]
fn a_minimum_effect_in_a_measure_that_the_column_lacks_is_refused() {
    let effect = Distance::new(0.1, "total_variation").unwrap();
    let check = DriftCheck::against(&floats(hundred())).effect_for("x", effect);
    let error = check.prepare().err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.to_string().contains("wasserstein_sd"), "{error}");
}

#[test]
fn a_check_of_no_column_is_refused() {
    let reference = floats(hundred());
    let error = DriftCheck::against(&reference)
        .columns([""; 0])
        .prepare()
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn many_categories_are_compared_in_bounded_time() {
    let labels = |from: u32| {
        (from..from + 20_000)
            .map(|i| i.to_string())
            .collect::<Vec<_>>()
    };
    let sample = |from| {
        let labels = labels(from);
        CategoricalSample::new(labels.iter().map(|label| Some(label.as_str())))
    };
    // Identifiers: every value occurs once, so nothing can be concluded from them.
    let result = ChiSquare::default()
        .test(&sample(0), &sample(20_000))
        .unwrap();
    assert_eq!(result.method, "chi_square_permutation");
    assert_eq!(result.p_value.get(), 1.0);
}

#[test]
fn detectors_keep_to_the_contract_of_core() {
    let numbers = Arc::new(Float64Array::from(vec![1.0, 2.0])) as ArrayRef;
    let nulls = Arc::new(Float64Array::from(vec![None, Some(f64::NAN)])) as ArrayRef;
    let strings = Arc::new(StringArray::from(vec!["a", "b"])) as ArrayRef;
    let flags = Arc::new(BooleanArray::from(vec![true, false])) as ArrayRef;
    let numeric: [&dyn DriftDetector; 2] = [&KolmogorovSmirnov::default(), &Psi::default()];
    for detector in numeric {
        let error = |a, b| detector.detect(a, b).unwrap_err().kind();
        assert_eq!(error(&numbers, &nulls), ErrorKind::InvalidArgument);
        assert_eq!(error(&nulls, &numbers), ErrorKind::InvalidArgument);
        assert_eq!(error(&numbers, &strings), ErrorKind::InvalidArgument);
        assert_eq!(error(&strings, &strings), ErrorKind::Unsupported);
        assert_eq!(detector.detect(&flags, &flags).unwrap().reference_size, 2);
    }
    let chi_square = ChiSquare::default();
    let error = |a, b| chi_square.detect(a, b).unwrap_err().kind();
    assert_eq!(error(&strings, &numbers), ErrorKind::InvalidArgument);
    assert_eq!(error(&numbers, &numbers), ErrorKind::Unsupported);
    assert_eq!(
        chi_square.detect(&strings, &strings).unwrap().effect.get(),
        0.0
    );
}

#[test]
fn scored_rows_are_validated() {
    let invalid = |labels: &[bool], probabilities: &[f64]| {
        Scored::new(labels, probabilities).unwrap_err().to_string()
    };
    assert!(invalid(&[true], &[]).contains("must number 1"));
    assert!(invalid(&[], &[]).contains("at least 1 row"));
    assert!(invalid(&[true], &[f64::NAN]).contains("[0, 1], got NaN in row 0"));
    assert!(invalid(&[true], &[1.5]).contains("got 1.5"));

    let one_class = Scored::new(&[true, true], &[0.1, 0.2]).unwrap();
    assert_eq!(
        one_class.auc().unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
    assert!(one_class.accuracy(f64::NAN).is_err());
    assert!(one_class.clone().units(&[1]).is_err());
    assert!(one_class.clone().units(&[1, 1]).unwrap().brier().is_err());

    let other = Scored::new(&[true, false], &[0.1, 0.2]).unwrap();
    assert!(paired_difference(&one_class, &other, Loss::Brier).is_err());
}

/// The parts of a table are of one type, wherever they are read.
#[test]
fn parts_of_other_types_are_not_mixed() {
    let seconds = || table("x", TimestampSecondArray::from(vec![1, 2, 3]));
    let micros = || table("x", TimestampMicrosecondArray::from(vec![1, 2, 3]));
    let ints = || table("x", Int32Array::from(vec![1, 2, 3]));
    let flags = || table("x", BooleanArray::from(vec![true, false, true]));
    let texts = || table("x", StringArray::from(vec!["1", "2", "3"]));
    for (first, second) in [
        (seconds(), micros()),
        (floats([1.0, 2.0]), flags()),
        (texts(), ints()),
    ] {
        let (whole, mixed) = (
            vec![first.clone(), first.clone()],
            vec![first.clone(), second],
        );
        let profile = TableProfile::of(&whole).unwrap();
        let check = DriftCheck::against(&whole);
        let kinds = [
            kind(check.run(&mixed)),
            kind(DriftCheck::against(&mixed).run(&whole)),
            kind(DriftCheck::against(&first).run(&mixed)),
            TableProfile::of(&mixed).unwrap_err().kind(),
            profile.like(&mixed).unwrap_err().kind(),
            #[cfg(feature = "sketch")]
            mlops_drift::summary::TableSummary::of(&mixed)
                .unwrap_err()
                .kind(),
        ];
        assert!(
            kinds
                .iter()
                .all(|&kind| kind == ErrorKind::SignatureMismatch),
            "{kinds:?}"
        );
        // Nothing is checked of such a column, and that is no pass.
        let report = suite().validate(&mixed).unwrap();
        assert!(!report.passed());
        let part = profile.like_comparable(&mixed).unwrap();
        let report = check.report_schema_changes().run(&part).unwrap();
        assert!(report.verdict.nothing_compared, "{}", report.verdict.reason);
        let told = &report.column("x").unwrap().reason;
        assert!(told.contains("its parts differ"), "{told}");
    }
}

/// Parts whose types hold values of one meaning are one column, whichever comes first: the verdict is that of the same values as one type. Integers that
/// a float would round are refused.
#[test]
fn parts_of_one_meaning_are_one_column() {
    let of = |column: ArrayRef| RecordBatch::try_from_iter([("x", column)]).unwrap();
    let numbers = Int64Array::from_iter_values((0..60).map(|i| i * 7 % 30));
    let labels = StringArray::from_iter_values((0..60).map(|i| ["a", "b", "c"][i % 3]));
    let nulls = || Arc::new(NullArray::new(60)) as ArrayRef;
    let number = |as_type: &DataType| cast(&numbers, as_type).unwrap();
    let label = |as_type: &DataType| cast(&labels, as_type).unwrap();
    let coded = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    for (one, other, of_both) in [
        (
            number(&DataType::Float64),
            number(&DataType::Int32),
            DataType::Float64,
        ),
        (
            number(&DataType::Float32),
            number(&DataType::Int8),
            DataType::Float64,
        ),
        (
            number(&DataType::Int8),
            number(&DataType::Int64),
            DataType::Int64,
        ),
        (
            number(&DataType::Int8),
            number(&DataType::UInt32),
            DataType::Int64,
        ),
        (label(&DataType::Utf8), label(&coded), DataType::Utf8),
        (
            label(&DataType::Utf8View),
            label(&DataType::LargeUtf8),
            DataType::LargeUtf8,
        ),
        (number(&DataType::Float64), nulls(), DataType::Float64),
        (nulls(), label(&coded), coded.clone()),
    ] {
        let has_nulls = [&one, &other]
            .iter()
            .any(|part| part.data_type() == &DataType::Null);
        for parts in [[&one, &other], [&other, &one]] {
            let mixed = parts.map(|part| of(part.clone())).to_vec();
            let plain = parts.map(|part| of(cast(part, &of_both).unwrap())).to_vec();
            let told = |table: &Vec<RecordBatch>| DriftCheck::against(table).run(table).unwrap();
            assert_eq!(told(&mixed), told(&plain), "{}", of_both);
            let report = suite().validate(&mixed).unwrap(); // no nulls
            assert_eq!(report.passed(), !has_nulls);
        }
    }
    let rounded = Arc::new(Int64Array::from(vec![(1 << 53) + 1]));
    let mixed = vec![of(number(&DataType::Float64)), of(rounded)];
    let error = DriftCheck::against(&mixed).prepare().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignatureMismatch);
    let told = "would round some of its integers (part: 2 of 2";
    assert!(error.to_string().contains(told), "{error}");
    // It is a column that cannot be read from every part, as any other.
    let report = suite().validate(&mixed).unwrap();
    assert!(!report.passed() && report.results[0].reason.contains(told));
    let floats = of(number(&DataType::Float64));
    let like = TableProfile::of(&floats)
        .unwrap()
        .like_comparable(&mixed)
        .unwrap();
    for current in [Source::from(&like), Source::from(&mixed)] {
        let check = DriftCheck::against(&floats).report_schema_changes();
        let report = check.run(current).unwrap();
        let change = report.column("x").unwrap().schema_change.clone();
        assert!(
            matches!(change, Some(SchemaChange::PartsDiffer { .. })),
            "{change:?}"
        );
    }
    // Nothing but that it is there is expected of such a column, and the profile does not know even that.
    let level = SignificanceLevel::FIVE_PERCENT;
    let inferred = Suite::infer(&like, level).unwrap();
    assert_eq!(inferred.names()[0], "x: exists");
    assert!(inferred.validate(&floats).unwrap().results[0].passed);
    assert!(
        !inferred
            .validate_profile(&like, &Context::default())
            .unwrap()
            .results[0]
            .passed
    );
    // A schema that has nulls in one part has them.
    let nulls_beside = vec![
        RecordBatch::try_new(
            Arc::new(Schema::new(vec![Field::new("x", DataType::Int64, false)])),
            vec![number(&DataType::Int64)],
        )
        .unwrap(),
        of(nulls()),
    ];
    let schema = mlops_drift::table::Table::schema(&nulls_beside);
    assert!(schema.field(0).is_nullable() && schema.field(0).data_type() == &DataType::Int64);
}

/// Another error than that columns do not fit is one, not a rule that fails.
#[test]
fn what_cannot_be_opened_is_an_error() {
    struct Closed(RecordBatch);
    impl mlops_drift::table::Table for Closed {
        fn schema(&self) -> arrow::datatypes::SchemaRef {
            self.0.schema()
        }
        fn rows(&self) -> u64 {
            self.0.num_rows() as u64
        }
        fn column(&self, _: &str) -> mlops_core::Result<mlops_drift::table::Chunks<'_>> {
            Err(mlops_core::Error::new(
                ErrorKind::Unavailable,
                "the disk is gone",
            ))
        }
    }
    let error = suite().validate(&Closed(floats([1.0]))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

/// Nor are those of the column that tells segments apart.
#[test]
fn segments_are_of_one_type() {
    let parts = vec![
        table("x", StringArray::from(vec!["1"])),
        table("x", Int32Array::from(vec![1])),
    ];
    let reference = TableProfile::of(&parts[0]).unwrap();
    let error = reference.group_by(&parts, "x").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignatureMismatch);
}

fn suite() -> Suite {
    Suite::new([Expectation::on("x", Rule::NotNull)])
}

/// Of two columns of one name the second would never be looked at.
#[test]
fn a_name_that_occurs_twice_is_refused() {
    let field = |name: &str| Field::new(name, DataType::Int32, true);
    let schema = Arc::new(Schema::new(vec![field("x"), field("y"), field("x")]));
    let column = || Arc::new(Int32Array::from(vec![1, 2, 3])) as ArrayRef;
    let twice = RecordBatch::try_new(schema, vec![column(), column(), column()]).unwrap();
    let once = twice.project(&[0, 1]).unwrap();
    let profile = TableProfile::of(&once).unwrap();
    let parts = vec![twice.clone()];
    let mut validator = suite()
        .validator(&once.schema(), &Context::default())
        .unwrap();
    let errors = [
        DriftCheck::against(&twice).run(&once).unwrap_err(),
        DriftCheck::against(&once).run(&twice).unwrap_err(),
        DriftCheck::against(&parts).run(&once).unwrap_err(),
        TableProfile::of(&twice).unwrap_err(),
        profile.like(&twice).unwrap_err(),
        profile.group_by(&twice, "y").unwrap_err(),
        suite().validate(&twice).unwrap_err(),
        suite().split(&twice, &Context::default()).unwrap_err(),
        suite()
            .validator(&twice.schema(), &Context::default())
            .unwrap_err(),
        validator.check(&twice).unwrap_err(),
        #[cfg(feature = "parquet")]
        suite()
            .quarantine(&twice, &Context::default(), Vec::new(), Vec::new())
            .unwrap_err(),
        #[cfg(feature = "sketch")]
        mlops_drift::summary::TableSummary::of(&twice).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::SignatureMismatch);
        assert!(
            error
                .to_string()
                .contains("\"x\" must be there once, got 2"),
            "{error}"
        );
    }
}

#[cfg(feature = "parquet")]
#[test]
fn a_union_is_not_written_and_no_panic() {
    let mut union = UnionBuilder::new_dense();
    union.append::<Int32Type>("a", 1).unwrap();
    let union = table("u", union.build().unwrap());
    let error = suite()
        .quarantine(&union, &Context::default(), Vec::new(), Vec::new())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("\"u\""), "{error}");
}

/// 2,200 views of one text of a mebibyte are more than 2^31 bytes when they are written out.
#[test]
fn long_texts_are_read_where_they_lie() {
    let mut views = StringViewBuilder::new();
    let block = views.append_block(vec![b'a'; 1 << 20].into());
    for _ in 0..2_200 {
        views.try_append_view(block, 0, 1 << 20).unwrap();
    }
    let suite = Suite::new([Expectation::on("x", Rule::none_of(["b"]))]);
    assert!(
        suite
            .validate(&table("x", views.finish()))
            .unwrap()
            .passed()
    );
}

/// Every type on every road: a result, or an error of a kind that says what is wrong.
#[test]
fn every_type_is_read_or_refused() {
    for column in columns_of_all_types() {
        let batch = RecordBatch::try_from_iter_with_nullable([("x", column, true)]).unwrap();
        let data_type = batch.schema().field(0).data_type().clone();
        let allowed = |error: mlops_core::Error| {
            let known = [ErrorKind::Unsupported, ErrorKind::InvalidArgument];
            assert!(known.contains(&error.kind()), "{data_type}: {error}");
        };
        DriftCheck::against(&batch)
            .run(&batch)
            .map(|_| ())
            .unwrap_or_else(allowed);
        let parts = vec![batch.clone(), batch.clone()];
        DriftCheck::against(&parts)
            .run(&batch)
            .map(|_| ())
            .unwrap_or_else(allowed);
        let profile = TableProfile::of(&batch).unwrap();
        let like = profile.like(&parts).unwrap();
        assert_eq!((profile.rows(), like.rows()), (3, 6));
        assert_eq!(
            TableProfile::from_json(&profile.to_json().unwrap()).unwrap(),
            profile
        );
        profile
            .group_by(&batch, "x")
            .map(|_| ())
            .unwrap_or_else(allowed);
        #[cfg(feature = "sketch")]
        {
            let summary = mlops_drift::summary::TableSummary::of(&parts).unwrap();
            assert_eq!(summary.column("x").unwrap().rows(), 6);
        }
        let found = mlops_drift::slice::DriftSlices::default().find(&batch, &batch);
        found.map(|_| ()).unwrap_or_else(allowed);
    }
}

fn columns_of_all_types() -> Vec<ArrayRef> {
    let floats = || Float64Array::from(vec![Some(1.0), Some(f64::NAN), None]);
    let texts = || StringArray::from(vec![Some("a"), None, Some("")]);
    let to = |array: &dyn arrow::array::Array, of: DataType| cast(array, &of).unwrap();
    let of_floats = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Float64));
    let mut union = UnionBuilder::new_dense();
    for i in 0..3 {
        union.append::<Int32Type>("a", i).unwrap();
    }
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    for _ in 0..3 {
        map.append(true).unwrap();
    }
    let embeddings = [
        Some(vec![Some(1.0), Some(2.0)]),
        None,
        Some(vec![None, Some(1.0)]),
    ];
    vec![
        to(&texts(), DataType::Utf8View),
        to(&texts(), DataType::LargeUtf8),
        to(&texts(), DataType::BinaryView),
        to(&texts(), DataType::LargeBinary),
        to(&floats(), DataType::Float16),
        to(&floats(), of_floats),
        Arc::new(Decimal256Array::from(vec![
            Some(i256::MAX),
            None,
            Some(i256::MIN),
        ])),
        Arc::new(DurationMicrosecondArray::from(vec![i64::MIN, 0, i64::MAX])),
        Arc::new(IntervalMonthDayNanoArray::from(vec![None, None, None])),
        Arc::new(RunArray::<Int32Type>::from_iter([
            Some("a"),
            Some("a"),
            None,
        ])),
        Arc::new(map.finish()),
        Arc::new(union.build().unwrap()),
        Arc::new(FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(embeddings, 2)),
        Arc::new(NullArray::new(3)),
    ]
}

/// Of values that no test takes there is no telling whether they drifted: dashboards see that.
#[test]
fn a_column_that_could_not_be_compared_is_told_as_such() {
    let blobs = |value: &[u8]| {
        let column = arrow::array::BinaryArray::from_iter_values(vec![value; 50]);
        let x = Float64Array::from_iter_values((0..50).map(f64::from));
        RecordBatch::try_from_iter([("blob", Arc::new(column) as ArrayRef), ("x", Arc::new(x))])
            .unwrap()
    };
    let report = DriftCheck::against(&blobs(b"a")).run(&blobs(b"b")).unwrap();
    assert_eq!(report.verdict.untested_columns, ["blob"]);
    let text = report.to_openmetrics();
    assert!(
        text.contains("column_compared{column=\"blob\"} 0\n"),
        "{text}"
    );
}

/// A list of no batches has no columns to miss.
#[test]
fn an_empty_list_of_batches_is_told_as_such() {
    let full = floats(hundred());
    let none: Vec<RecordBatch> = Vec::new();
    let strict = DriftCheck::against(&full);
    for (error, table) in [
        (strict.run(&none), "current"),
        (strict.clone().report_schema_changes().run(&none), "current"),
        (DriftCheck::against(&none).run(&full), "reference"),
    ] {
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        let told = format!(
            "the {table} table must hold at least 1 row, got 0, and no column, as an empty list of batches has none"
        );
        assert_eq!(error.to_string(), told);
    }
}

/// The table, the column, the part and both types; of a validator, which sees one part at a time, the row that the part begins with.
#[test]
fn a_part_of_another_type_is_told_with_its_place() {
    let (number, text) = (floats([1.0, 2.0]), table("x", StringArray::from(vec!["a"])));
    let mixed = vec![number.clone(), number.clone(), text.clone()];
    let told = "column \"x\" must be of type float64 in every part, got text (part: 3 of 3";
    let level = SignificanceLevel::FIVE_PERCENT;
    let quality = preset::data_quality(&number, level).unwrap();
    let of_table = |error: mlops_core::Error, table: &str| {
        assert_eq!(error.kind(), ErrorKind::SignatureMismatch);
        let error = error.to_string();
        assert!(error.contains(told), "{error}");
        assert!(error.contains(&format!("table: {table}")), "{error}");
    };
    of_table(
        DriftCheck::against(&number).run(&mixed).unwrap_err(),
        "current",
    );
    of_table(
        DriftCheck::against(&mixed).run(&number).unwrap_err(),
        "reference",
    );
    of_table(
        preset::data_quality(&mixed, level).unwrap_err(),
        "reference",
    );
    // What is expected of such a column cannot be checked, and fails.
    let quality = quality.run(&mixed).unwrap();
    assert!(!quality.passed() && quality.columns.is_empty());
    for report in [quality.validation, suite().validate(&mixed).unwrap()] {
        assert!(!report.passed());
        assert!(
            report.to_markdown().contains("got text"),
            "{}",
            report.to_markdown()
        );
    }

    let context = Context::default();
    let mut validator = suite().validator(&number.schema(), &context).unwrap();
    validator.check(&number).unwrap();
    let error = validator.check(&text).unwrap_err().to_string();
    assert!(error.ends_with("got text (part from row: 2)"), "{error}");
}

#[test]
fn what_data_quality_cannot_take_is_told_with_what_it_can() {
    let flights = columns([
        (
            "hour",
            Arc::new(Float64Array::from_iter_values(hundred())) as ArrayRef,
        ),
        (
            "flight",
            Arc::new(Float64Array::from_iter_values(hundred())),
        ),
    ]);
    let quality = preset::data_quality(&flights, SignificanceLevel::FIVE_PERCENT).unwrap();
    let error = quality.clone().except(["fligth"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignatureMismatch);
    assert_eq!(
        error.to_string(),
        "a column to leave out must be one of the 2 of the profiled table, got \"fligth\"; they are flight, hour (table: reference)"
    );

    let profile = TableProfile::of(&flights).unwrap();
    let error = quality.run(&profile).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    for told in [
        "got a profile",
        "RecordBatch",
        "ParquetTable",
        "`Suite::validate_profile`",
    ] {
        assert!(error.to_string().contains(told), "{error}");
    }
    // What it says to do can be done.
    let by_profile = quality
        .suite()
        .validate_profile(&profile, &Context::default());
    assert!(by_profile.unwrap().passed());
    let error = preset::regression("hour", "flight").run(&profile, &flights);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("give a RecordBatch"), "{error}");
}
