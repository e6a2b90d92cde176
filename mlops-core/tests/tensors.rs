//! The bridge between tables and tensors, and what a signature refuses.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;

use mlops_core::arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, DictionaryArray, FixedSizeListArray, Float32Array,
    Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    UInt8Array, UInt64Array,
};
use mlops_core::arrow::datatypes::{Float32Type, Int8Type};
use mlops_core::{ElementType, ErrorKind, Signature, Tensor, TensorSpec, Tensors};
use proptest::prelude::*;

fn table(column: impl mlops_core::arrow::array::Array + 'static) -> RecordBatch {
    let column: ArrayRef = Arc::new(column);
    RecordBatch::try_from_iter_with_nullable([("x", column, true)]).unwrap()
}

fn spec(element_type: ElementType) -> TensorSpec {
    TensorSpec::new("x", element_type, [None])
}

fn bridged(table: &RecordBatch, spec: TensorSpec) -> mlops_core::Result<Tensors> {
    Tensors::from_batch(table, &[spec])
}

fn refused(table: &RecordBatch, spec: TensorSpec) -> String {
    let error = bridged(table, spec).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignatureMismatch, "{error}");
    error.to_string()
}

proptest! {
    /// Gathered columns against the naive double loop; nulls become NaN.
    #[test]
    fn columns_are_gathered_row_by_row(
        rows in prop::collection::vec((any::<Option<f32>>(), any::<i16>(), any::<Option<f64>>()), 0..50),
    ) {
        let float = Float32Array::from_iter(rows.iter().map(|row| row.0));
        let whole = Int32Array::from_iter_values(rows.iter().map(|row| i32::from(row.1)));
        // Doubles that a float can hold.
        let double = |x: f64| f64::from(x as f32).clamp(f64::from(f32::MIN), f64::from(f32::MAX));
        let double = rows.iter().map(|row| row.2.map(double));
        let columns: [(&str, ArrayRef, bool); 3] = [
            ("a", Arc::new(float), true),
            ("b", Arc::new(whole), false),
            ("c", Arc::new(Float64Array::from_iter(double.clone())), true),
        ];
        let table = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        let spec = TensorSpec::of_columns("x", ElementType::Fp32, ["a", "b", "c"]).allowing_nan();
        let tensors = bridged(&table, spec).unwrap();
        let got = tensors.get("x").unwrap();
        prop_assert_eq!(got.shape(), [rows.len(), 3]);
        let mut want = Vec::new();
        for (row, double) in rows.iter().zip(double) {
            want.push(row.0.unwrap_or(f32::NAN));
            want.push(f32::from(row.1));
            want.push(double.map_or(f32::NAN, |x| x as f32));
        }
        let bits = |values: &[f32]| -> Vec<u32> {
            values.iter().map(|x| if x.is_nan() { f32::NAN.to_bits() } else { x.to_bits() }).collect()
        };
        prop_assert_eq!(bits(got.as_f32().unwrap()), bits(&want));
    }

    /// A table that was made of tensors gives the same tensors back, slices of it included.
    #[test]
    fn tensors_survive_the_table(
        values in prop::collection::vec(any::<f32>().prop_filter("finite", |x| x.is_finite()), 0..60),
        width in 1_usize..5,
        cut in any::<prop::sample::Index>(),
    ) {
        let rows = values.len() / width;
        let tensor = Tensor::from_f32("x", [rows, width], values[..rows * width].to_vec()).unwrap();
        let tensors = Tensors::new([tensor]).unwrap();
        let table = tensors.to_batch().unwrap();
        let spec = TensorSpec::new("x", ElementType::Fp32, [None, Some(width)]);
        prop_assert_eq!(&bridged(&table, spec.clone()).unwrap(), &tensors);
        let from = if rows == 0 { 0 } else { cut.index(rows) };
        let part = bridged(&table.slice(from, rows - from), spec).unwrap();
        prop_assert_eq!(part.get("x").unwrap().as_f32().unwrap(), &values[from * width..rows * width]);
    }
}

#[test]
fn numbers_become_floats_and_whole_numbers_whole_numbers() {
    let first = |table: &RecordBatch, to| {
        let tensors = bridged(table, spec(to)).unwrap();
        tensors.get("x").unwrap().to_f64().unwrap()
    };
    assert_eq!(
        first(&table(UInt8Array::from(vec![7])), ElementType::Fp32),
        [7.0]
    );
    assert_eq!(
        first(&table(Int64Array::from(vec![-7])), ElementType::Int8),
        [-7.0]
    );
    assert_eq!(
        first(&table(BooleanArray::from(vec![true])), ElementType::Fp64),
        [1.0]
    );
    let decimal = Decimal128Array::from(vec![1250])
        .with_precision_and_scale(10, 2)
        .unwrap();
    assert_eq!(first(&table(decimal), ElementType::Fp64), [12.5]);
    let coded = DictionaryArray::<Int8Type>::new(
        mlops_core::arrow::array::Int8Array::from(vec![1, 0]),
        Arc::new(Float64Array::from(vec![0.25, 0.5])),
    );
    assert_eq!(first(&table(coded), ElementType::Fp64), [0.5, 0.25]);
}

#[test]
fn nothing_is_parsed_cut_off_or_wrapped_around() {
    let text = refused(
        &table(StringArray::from(vec!["39"])),
        spec(ElementType::Fp32),
    );
    assert!(
        text.contains("Utf8 does not fit FP32") && text.contains("column: x"),
        "{text}"
    );
    refused(
        &table(Float64Array::from(vec![3.7])),
        spec(ElementType::Int32),
    );
    refused(
        &table(Int64Array::from(vec![300])),
        spec(ElementType::Uint8),
    );
    refused(
        &table(Int64Array::from(vec![-1])),
        spec(ElementType::Uint64),
    );
    refused(
        &table(UInt64Array::from(vec![u64::MAX])),
        spec(ElementType::Int64),
    );
    refused(&table(Int32Array::from(vec![1])), spec(ElementType::Bool));
    refused(
        &table(TimestampMicrosecondArray::from(vec![1])),
        spec(ElementType::Int64),
    );
    let too_large = table(Float64Array::from(vec![1e39]));
    refused(&too_large, spec(ElementType::Fp32));
    refused(&too_large, spec(ElementType::Fp32).allowing_nan());
    // What is infinite already stays so where the model says that it knows what to do.
    let infinite = table(Float64Array::from(vec![f64::INFINITY]));
    assert!(bridged(&infinite, spec(ElementType::Fp32).allowing_nan()).is_ok());
}

#[test]
fn a_null_is_nan_for_floats_that_may_be_and_an_error_elsewhere() {
    let holes = table(Float32Array::from(vec![Some(1.0), None]));
    let error = refused(&holes, spec(ElementType::Fp32));
    assert!(error.contains("1 nulls"), "{error}");
    let tensors = bridged(&holes, spec(ElementType::Fp32).allowing_nan()).unwrap();
    assert!(tensors.get("x").unwrap().as_f32().unwrap()[1].is_nan());
    let holes = table(Int64Array::from(vec![Some(1), None]));
    refused(&holes, spec(ElementType::Int64).allowing_nan());
    let holes = table(BooleanArray::from(vec![Some(true), None]));
    refused(&holes, spec(ElementType::Bool).allowing_nan());
    let lists = vec![Some(vec![Some(1.0), Some(2.0)]), None];
    let lists = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(lists, 2);
    let pairs = TensorSpec::new("x", ElementType::Fp32, [None, Some(2)]);
    refused(&table(lists), pairs.allowing_nan());
}

#[test]
fn a_missing_column_is_named_with_those_that_are_there() {
    let wanted = TensorSpec::of_columns("features", ElementType::Fp32, ["x", "temp"]);
    let error = refused(&table(Float32Array::from(vec![1.0])), wanted);
    assert!(
        error.contains("temp") && error.contains("[\"x\"]"),
        "{error}"
    );
}

#[test]
fn tensors_that_cannot_be_are_refused() {
    let kind = |tensor: mlops_core::Result<Tensor>| tensor.unwrap_err().kind();
    let f32s = |shape: &[usize], n| Tensor::from_f32("x", shape.to_vec(), vec![0.0; n]);
    assert_eq!(kind(f32s(&[2, 3], 5)), ErrorKind::InvalidArgument);
    assert_eq!(kind(f32s(&[usize::MAX, 2], 1)), ErrorKind::InvalidArgument);
    assert!(f32s(&[0, 3], 0).is_ok());
    let twice = [f32s(&[1], 1).unwrap(), f32s(&[1], 1).unwrap()];
    assert_eq!(
        Tensors::new(twice).unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
    // Neither text nor a table's column with nulls is a tensor.
    let nulls: ArrayRef = Arc::new(Float32Array::from(vec![None]));
    assert!(Tensor::new("x", [1], nulls).is_err());
}

fn signature() -> Signature {
    Signature::new(
        [
            TensorSpec::new("a", ElementType::Fp32, [None, Some(2)]),
            TensorSpec::new("b", ElementType::Int64, [None]),
        ],
        [TensorSpec::new("y", ElementType::Fp32, [None])],
    )
    .unwrap()
}

#[test]
fn every_difference_is_listed_at_once() {
    let wrong = Tensors::new([
        Tensor::from_f32("a", [1, 3], vec![f32::NAN; 3]).unwrap(),
        Tensor::from_f32("c", [1], vec![0.0]).unwrap(),
    ]);
    let error = signature().check_inputs(&wrong.unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignatureMismatch);
    for named in ["\"a\"", "[1, 3]", "[?, 2]", "\"b\" is missing", "\"c\""] {
        assert!(
            error.to_string().contains(named),
            "{error} must name {named}"
        );
    }
}

#[test]
fn a_signature_never_breaks_itself_and_breaks_callers_that_it_asks_for_more() {
    let old = signature();
    assert!(old.breaks(&old).is_empty());
    let more =
        old.inputs()
            .iter()
            .cloned()
            .chain([TensorSpec::new("c", ElementType::Fp32, [None])]);
    let more = Signature::new(more.collect::<Vec<_>>(), old.outputs().to_vec()).unwrap();
    assert_eq!(more.breaks(&old).len(), 1);
    // Giving more breaks nobody.
    let gives =
        old.outputs()
            .iter()
            .cloned()
            .chain([TensorSpec::new("z", ElementType::Fp32, [None])]);
    let gives = Signature::new(old.inputs().to_vec(), gives.collect::<Vec<_>>()).unwrap();
    assert!(gives.breaks(&old).is_empty());
    let silent = Signature::new(old.inputs().to_vec(), []).unwrap();
    assert_eq!(silent.breaks(&old).len(), 1);
}

#[test]
fn rows_that_differ_between_inputs_are_refused() {
    let uneven = Tensors::new([
        Tensor::from_f32("a", [1, 2], vec![0.0; 2]).unwrap(),
        Tensor::new("b", [2], Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef).unwrap(),
    ]);
    assert!(signature().check_inputs(&uneven.unwrap()).is_err());
}
