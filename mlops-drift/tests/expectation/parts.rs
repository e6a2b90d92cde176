//! A table in parts gives what the table in one gives.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use mlops_core::ErrorKind;
use mlops_core::evidence::SignificanceLevel;
use mlops_drift::expectation::{
    Bounds, Checkpoint, Context, Expectation, Order, Rule, Severity, Suite, ValidationReport,
};
use mlops_drift::table::Table;
use proptest::prelude::*;

use super::{table, value};

/// Every rule, on columns x (numbers), y (numbers) and t (texts).
pub(crate) fn every_rule() -> Suite {
    let on = |rule| Expectation::on("x", rule);
    let labels = |of: &[&str]| of.iter().map(|&label| label.to_owned()).collect();
    let second = [
        on(Rule::Missing).severity(Severity::Warning),
        on(Rule::none_of(["a"])),
        Expectation::on("t", Rule::none_of(["b", "c"])),
        Expectation::on("t", Rule::AllOf(labels(&["a", "b"]))),
        on(Rule::OrderedWithin {
            order: Order::StrictlyIncreasing,
            by: vec!["t".into()],
        }),
        on(Rule::KeyInTable {
            with: vec!["y".into(), "t".into()],
            table: "other".into(),
            columns: ["x", "y", "t"].map(ToOwned::to_owned).into(),
        }),
        Expectation::on_table(Rule::OnlyColumns(labels(&["t", "x"]))),
        on(Rule::Fresh {
            within_seconds: 1,
            ahead_seconds: 2,
        }),
        on(Rule::between(-1, 1).unwrap())
            .only_where("t", Rule::one_of(["a"]))
            .unwrap()
            .only_where("y", Rule::NotNull)
            .unwrap(),
        on(Rule::Unique).only_where("t", Rule::NotNull).unwrap(),
        on(Rule::Mean(Bounds::default().min(0)))
            .only_where("y", Rule::at_least(0).unwrap())
            .unwrap(),
    ];
    Suite::new(first_rules().into_iter().chain(second))
}

/// Those that the first version had.
pub(crate) fn first_rules() -> Vec<Expectation> {
    let on = |rule| Expectation::on("x", rule);
    let y = || "y".to_owned();
    let level = SignificanceLevel::FIVE_PERCENT;
    let within = || Bounds::default().min(-0.5).below(0.5);
    vec![
        on(Rule::Exists),
        on(Rule::Type("float64".into())),
        on(Rule::Type("int8".into())),
        on(Rule::NotNull).mostly(0.9).unwrap(),
        on(Rule::NotNull).mostly(0.5).unwrap().level(level).unwrap(),
        on(Rule::between(-1, 1).unwrap()).severity(Severity::Warning),
        on(Rule::one_of(["a"])),
        Expectation::on("t", Rule::one_of(["a", "b"])),
        Expectation::on("t", Rule::matches("^a").unwrap()),
        Expectation::on("t", Rule::Length((1..=2).into())),
        Expectation::on("t", Rule::Unique),
        on(Rule::Unique),
        on(Rule::UniqueWith(vec![y(), "t".into()])),
        on(Rule::Increasing),
        on(Rule::StrictlyIncreasing),
        on(Rule::Decreasing),
        on(Rule::StrictlyDecreasing),
        on(Rule::AtMost { column: y() }),
        on(Rule::LessThan { column: y() }),
        on(Rule::EqualTo { column: y() }),
        on(Rule::InTable {
            table: "other".into(),
            column: y(),
        }),
        Expectation::on_table(Rule::Rows((3..=20).into())),
        on(Rule::Distinct((2..=4).into())),
        on(Rule::fresh(1)),
        on(Rule::Mean(within())),
        on(Rule::StandardDeviation(within())),
        on(Rule::Quantile {
            share: 0.3,
            within: within(),
        }),
        on(Rule::DistributedAs {
            table: "other".into(),
        })
        .level(level)
        .unwrap(),
        Expectation::on(
            "t",
            Rule::DistributedAs {
                table: "other".into(),
            },
        )
        .level(level)
        .unwrap(),
    ]
}

type Row = (Option<f64>, Option<f64>, Option<String>);

fn batch(rows: &[Row]) -> RecordBatch {
    let column = |of: fn(&Row) -> Option<f64>| {
        Arc::new(rows.iter().map(of).collect::<Float64Array>()) as ArrayRef
    };
    let texts: StringArray = rows.iter().map(|row| row.2.as_deref()).collect();
    table([
        ("x", column(|row| row.0)),
        ("y", column(|row| row.1)),
        ("t", Arc::new(texts) as ArrayRef),
    ])
}

fn rows(most: usize) -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec((value(), value(), prop::option::of("[abc]{0,2}")), 0..most)
}

/// Columns that are cut apart elsewhere than one another.
struct Ragged(RecordBatch, [usize; 2]);

impl Table for Ragged {
    fn schema(&self) -> arrow::datatypes::SchemaRef {
        self.0.schema()
    }

    fn rows(&self) -> u64 {
        self.0.num_rows() as u64
    }

    fn column(&self, name: &str) -> mlops_core::Result<mlops_drift::table::Chunks<'_>> {
        let column = self.0[name].clone();
        let step = if name == "x" { self.1[0] } else { self.1[1] };
        let len = column.len();
        let starts = (0..len).step_by(step);
        Ok(Box::new(starts.map(move |start| {
            Ok(column.slice(start, step.min(len - start)))
        })))
    }
}

/// Part by part: the report, and the rows that are accepted and set apart.
fn in_parts(
    suite: &Suite,
    parts: &[RecordBatch],
    context: &Context,
) -> (ValidationReport, [RecordBatch; 2]) {
    let mut validator = suite.validator(&parts[0].schema(), context).unwrap();
    let mut split = Vec::new();
    for part in parts {
        split.push(validator.check(part).unwrap().split(part).unwrap());
        let saved = serde_json::to_string(&validator.checkpoint().unwrap()).unwrap();
        let checkpoint: Checkpoint = serde_json::from_str(&saved).unwrap();
        validator = suite.resume(&checkpoint, &part.schema(), context).unwrap();
    }
    let (good, bad): (Vec<_>, Vec<_>) = split.into_iter().unzip();
    let whole = |parts: Vec<RecordBatch>| concat_batches(&parts[0].schema(), &parts).unwrap();
    (validator.finish().unwrap(), [whole(good), whole(bad)])
}

/// Equal to the last bit, NaN to NaN.
fn same(a: &RecordBatch, b: &RecordBatch) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn parts_are_the_whole(all in rows(30), other in rows(12), cuts in [0..30_usize, 0..30], steps in [1..9_usize, 1..9]) {
        let suite = every_rule();
        let context = Context::default().now("1970-01-01T00:00:00Z".parse().unwrap()).table("other", batch(&other));
        let whole = batch(&all);
        let expected = suite.validate_with(&whole, &context).unwrap();
        let (accepted, quarantined) = suite.split(&whole, &context).unwrap();

        let mut cuts = cuts.map(|cut| cut.min(all.len()));
        cuts.sort_unstable();
        let parts = vec![batch(&all[..cuts[0]]), batch(&all[cuts[0]..cuts[1]]), batch(&all[cuts[1]..])];
        prop_assert_eq!(&suite.validate_with(&parts, &context).unwrap(), &expected);
        let (report, [good, bad]) = in_parts(&suite, &parts, &context);
        prop_assert_eq!(&report, &expected);
        prop_assert!(same(&good, &accepted) && same(&bad, &quarantined));
        prop_assert_eq!(&suite.validate_with(&Ragged(whole, steps), &context).unwrap(), &expected);
    }
}

/// More values than a block of sums, cut where no block ends.
#[test]
fn sums_do_not_depend_on_the_cuts() {
    let values: Vec<f64> = (0..50_000)
        .map(|i| f64::from(i).sin() * 1e3 + 0.1)
        .collect();
    let column = |of: &[f64]| table([("x", Arc::new(Float64Array::from(of.to_vec())) as ArrayRef)]);
    let suite = Suite::new([
        Expectation::on("x", Rule::Mean(Bounds::default().max(0))),
        Expectation::on("x", Rule::StandardDeviation(Bounds::default().max(0))),
    ]);
    let whole = suite.validate(&column(&values)).unwrap();
    for size in [1_000, 16_384, 16_385, 40_001] {
        let parts: Vec<RecordBatch> = values.chunks(size).map(column).collect();
        assert_eq!(suite.validate(&parts).unwrap(), whole);
    }
}

/// What is expected of a column that is not the same in every part fails, with the reason and all rows; the other columns are checked.
#[test]
fn a_column_that_is_not_the_same_in_every_part_fails() {
    let y = || Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef;
    let x = || Arc::new(Float64Array::from(vec![1.0, 2.0])) as ArrayRef;
    let text = || Arc::new(StringArray::from(vec!["1", "2"])) as ArrayRef;
    let on = |column, rule| Expectation::on(column, rule);
    let suite = Suite::new([
        on("x", Rule::NotNull),
        on("x", Rule::Exists),
        on("y", Rule::between(1, 2).unwrap())
            .only_where("x", Rule::NotNull)
            .unwrap(),
        on("y", Rule::between(1, 2).unwrap()),
        Expectation::on_table(Rule::OnlyColumns(["x".to_owned(), "y".to_owned()].into())),
    ]);
    for (later, why) in [
        (
            table([("x", text()), ("y", y())]),
            "got text (part: 2 of 2)",
        ),
        (table([("y", y())]), "\"x\" is missing (part: 2 of 2)"),
    ] {
        let report = suite
            .validate(&vec![table([("x", x()), ("y", y())]), later])
            .unwrap();
        let passed: Vec<bool> = report.results.iter().map(|result| result.passed).collect();
        assert_eq!(passed, [false, false, false, true, true]);
        assert_eq!(report.rows, 4);
        for result in &report.results[..3] {
            assert!(result.reason.contains(why), "{}", result.reason);
        }
    }
}

#[test]
fn parts_of_another_type_or_length_are_errors() {
    let float = table([("x", Arc::new(Float64Array::from(vec![1.0])) as ArrayRef)]);
    let integer = table([("x", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]);
    let suite = Suite::new([Expectation::on("x", Rule::NotNull)]);
    let mut validator = suite
        .validator(&float.schema(), &Context::default())
        .unwrap();
    assert!(validator.check(&integer).is_err());
    let other = table([("z", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]);
    assert!(
        validator
            .check(&other)
            .unwrap_err()
            .to_string()
            .contains("got none")
    );

    /// Says another number of rows than it has.
    struct Miscounted(RecordBatch, u64);
    impl Table for Miscounted {
        fn schema(&self) -> arrow::datatypes::SchemaRef {
            self.0.schema()
        }
        fn rows(&self) -> u64 {
            self.1
        }
        fn column(&self, name: &str) -> mlops_core::Result<mlops_drift::table::Chunks<'_>> {
            Table::column(&self.0, name)
        }
    }
    for rows in [0, 7] {
        let error = suite
            .validate(&Miscounted(float.clone(), rows))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }
}

/// A column is declared without nulls by a first part that has none.
#[test]
fn a_later_part_may_be_the_first_with_nulls() {
    let of = |ids: Vec<Option<i64>>| {
        let column = Arc::new(Int64Array::from(ids)) as ArrayRef;
        RecordBatch::try_from_iter([("x", column)]).unwrap()
    };
    let parts = vec![of(vec![Some(1)]), of(vec![None])];
    assert!(!parts[0].schema().field(0).is_nullable());
    let report = Suite::new([Expectation::on("x", Rule::NotNull)])
        .validate(&parts)
        .unwrap();
    assert_eq!(report.results[0].examples, [1]);
}

/// A suite without columns counts rows; one of a table without parts, none.
#[test]
fn tables_without_columns_or_parts_have_rows() {
    let suite = Suite::new([Expectation::on_table(Rule::Rows((2..).into()))]);
    let two = table([("x", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef)]);
    assert!(suite.validate(&two).unwrap().passed());
    let none = suite.validate(&Vec::<RecordBatch>::new()).unwrap();
    assert_eq!((none.rows, none.passed()), (0, false));
}

#[test]
fn a_checkpoint_of_something_else_is_an_error() {
    let batch = |ids: Vec<i64>| table([("x", Arc::new(Int64Array::from(ids)) as ArrayRef)]);
    let suite = |rule| Suite::new([Expectation::on("x", rule)]);
    let (unique, context) = (suite(Rule::Unique), Context::default());
    let schema = batch(vec![]).schema();
    let mut validator = unique.validator(&schema, &context).unwrap();
    validator.check(&batch(vec![3, 1, 2])).unwrap();
    let checkpoint = validator.checkpoint().unwrap();
    assert_eq!(checkpoint, validator.checkpoint().unwrap()); // whatever the order of the set
    assert!(unique.resume(&checkpoint, &schema, &context).is_ok());

    let floats = table([("x", Arc::new(Float64Array::from(vec![1.0])) as ArrayRef)]);
    let other = suite(Rule::NotNull)
        .resume(&checkpoint, &schema, &context)
        .unwrap_err();
    assert!(
        other.to_string().contains("has the same expectations"),
        "{other}"
    );
    let other = unique
        .resume(&checkpoint, &floats.schema(), &context)
        .unwrap_err();
    assert!(
        other.to_string().contains("is on the same columns"),
        "{other}"
    );

    let json = serde_json::to_value(&checkpoint).unwrap();
    let changed = |field: &str, to: serde_json::Value| {
        let mut json = json.clone();
        *json.pointer_mut(field).unwrap() = to;
        let checkpoint: Checkpoint = serde_json::from_value(json).unwrap();
        unique
            .resume(&checkpoint, &schema, &context)
            .unwrap_err()
            .kind()
    };
    assert_eq!(changed("/version", 6.into()), ErrorKind::Unsupported);
    assert_eq!(
        changed("/content/rows", u64::MAX.into()),
        ErrorKind::Corrupt
    );
    let key = "/content/watched/0/memory/0/0";
    assert_eq!(json.pointer(key).unwrap(), "1/0");
    assert_eq!(changed(key, "2/0".into()), ErrorKind::Corrupt);
    assert_eq!(
        changed("/content/watched/0/memory", serde_json::Value::Null),
        ErrorKind::Corrupt
    );
}
