//! Every rule on a column of every type: a verdict or a reason, never a panic, and the same in parts.

use std::sync::Arc;

use arrow::array::types::{Float32Type, Int32Type};
use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Date64Array, Decimal128Array,
    Decimal256Array, DictionaryArray, DurationMicrosecondArray, FixedSizeBinaryArray,
    FixedSizeListArray, Float16Array, Float32Array, Float64Array, Int8Array, Int32Builder,
    Int64Array, IntervalMonthDayNanoArray, IntervalYearMonthArray, ListArray, MapBuilder,
    NullArray, RecordBatch, RunArray, StringArray, StringBuilder, StringViewArray, StructArray,
    Time64NanosecondArray, TimestampNanosecondArray, UInt64Array, UnionBuilder,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, i256};
use mlops_core::evidence::SignificanceLevel;
use mlops_drift::expectation::{Context, Suite};
use mlops_drift::profile::TableProfile;

use super::parts::every_rule;
use super::table;

fn columns() -> Vec<ArrayRef> {
    let texts = || StringArray::from(vec![Some("a"), None, Some("")]);
    let big = Decimal256Array::from(vec![Some(i256::MAX), None, Some(i256::MIN)]);
    let item = Arc::new(Field::new("x", DataType::Utf8, true));
    let floats = vec![Some(f64::MAX), Some(f64::NAN), Some(f64::NEG_INFINITY)];
    let half = cast(&Float64Array::from(floats.clone()), &DataType::Float16).unwrap();
    let runs = RunArray::<Int32Type>::from_iter([Some("a"), Some("a"), None]);
    let dictionary = DictionaryArray::<Int32Type>::from_iter([Some("a"), None, Some("a")]);
    let of_numbers = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Int64));
    let numbers = Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX)]);
    let of_floats = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Float64));
    let to = |array: &dyn Array, of: &DataType| cast(array, of).unwrap();
    let mut union = UnionBuilder::new_dense();
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    for i in 0..3 {
        union.append::<Int32Type>("a", i).unwrap();
        map.append(i > 0).unwrap();
    }
    let embeddings = [Some(vec![Some(1.0), Some(2.0)]), None];
    let embeddings = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(embeddings, 2);
    vec![
        to(&Float64Array::from(floats.clone()), &of_floats),
        to(&texts(), &DataType::LargeUtf8),
        to(&texts(), &DataType::BinaryView),
        to(&texts(), &DataType::LargeBinary),
        Arc::new(union.build().unwrap()),
        Arc::new(map.finish()),
        Arc::new(embeddings),
        Arc::new(IntervalMonthDayNanoArray::from(vec![None, None])),
        cast(&numbers.slice(1, 1), &of_numbers).unwrap(),
        Arc::new(numbers),
        Arc::new(Int8Array::from(vec![-128, 127, 0])),
        Arc::new(UInt64Array::from(vec![Some(u64::MAX), None, Some(0)])),
        Arc::new(Float16Array::from(half.to_data())),
        Arc::new(Float32Array::from(vec![f32::MAX, -0.0, f32::NAN])),
        Arc::new(Float64Array::from(floats)),
        Arc::new(Decimal128Array::from(vec![
            Some(i128::MAX),
            None,
            Some(i128::MIN),
        ])),
        Arc::new(big.with_precision_and_scale(76, 3).unwrap()),
        Arc::new(
            Decimal256Array::from(vec![Some(i256::ONE), None])
                .with_precision_and_scale(20, -3)
                .unwrap(),
        ),
        Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
        Arc::new(Date32Array::from(vec![i32::MIN, 0, i32::MAX])),
        Arc::new(Date64Array::from(vec![i64::MIN, 0, i64::MAX])),
        Arc::new(TimestampNanosecondArray::from(vec![i64::MIN, 0, i64::MAX])),
        Arc::new(
            TimestampNanosecondArray::from(vec![i64::MIN, 0, i64::MAX])
                .with_timezone("Europe/Paris"),
        ),
        Arc::new(Time64NanosecondArray::from(vec![0, 1, i64::MAX])),
        Arc::new(DurationMicrosecondArray::from(vec![i64::MIN, 0, i64::MAX])),
        Arc::new(IntervalYearMonthArray::from(vec![1, 2])),
        Arc::new(texts()),
        Arc::new(StringViewArray::from_iter(texts().iter())),
        Arc::new(BinaryArray::from(vec![
            Some(b"a".as_ref()),
            None,
            Some(b""),
        ])),
        Arc::new(FixedSizeBinaryArray::try_from_iter([b"ab", b"cd"].into_iter()).unwrap()),
        Arc::new(dictionary),
        Arc::new(runs),
        Arc::new(NullArray::new(3)),
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([
            Some(vec![Some(1)]),
            None,
        ])),
        Arc::new(StructArray::from(vec![(
            item,
            Arc::new(texts()) as ArrayRef,
        )])),
    ]
}

fn batch(column: &ArrayRef) -> RecordBatch {
    table(["x", "y", "t"].map(|name| (name, column.clone())))
}

#[test]
fn every_rule_meets_every_type() {
    let suite = every_rule();
    let now = "2013-01-01T00:00:00Z".parse().unwrap();
    for column in columns() {
        for other in columns() {
            let context = Context::default().now(now).table("other", batch(&other));
            let whole = batch(&column);
            let report = suite.validate_with(&whole, &context).unwrap();
            assert_eq!(report.results.len(), suite.expectations().len());
            let rows: Vec<RecordBatch> = (0..column.len()).map(|row| whole.slice(row, 1)).collect();
            assert_eq!(suite.validate_with(&rows, &context).unwrap(), report);
            if column.data_type() == other.data_type() {
                let (accepted, quarantined) = suite.split(&whole, &context).unwrap();
                assert_eq!(accepted.num_rows() + quarantined.num_rows(), column.len());
            }
        }
    }
}

/// Where a rule passes or fails by what it saw, its reason is not that it could not be checked.
#[test]
fn keys_are_checked_on_all_but_nested_columns() {
    use mlops_drift::expectation::Rule;
    for column in columns() {
        let data_type = column.data_type().clone();
        let refused = super::result(Rule::Unique, column)
            .reason
            .contains("cannot be checked");
        let nested = matches!(
            data_type,
            DataType::List(_)
                | DataType::Struct(_)
                | DataType::Interval(_)
                | DataType::RunEndEncoded(_, _)
                | DataType::Decimal256(76, _)
                | DataType::Union(_, _)
                | DataType::Map(_, _)
                | DataType::FixedSizeList(_, _)
        );
        assert_eq!(refused, nested, "{data_type}");
    }
}

/// A suite that was inferred from a table of any type is no error on that table, and quarantines none of its rows.
#[test]
fn every_type_is_inferred() {
    for column in columns() {
        let seen = batch(&column);
        let profile = TableProfile::of(&seen).unwrap();
        let suite = Suite::infer(&profile, SignificanceLevel::FIVE_PERCENT).unwrap();
        let report = suite.validate(&seen).unwrap();
        assert!(report.passed(), "{report:?}");
    }
}
