//! Elements of tensors as JSON: flat or nested, typed by the declared element type.

use std::sync::Arc;

use mlops_core::arrow::array::{
    ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, PrimitiveArray,
};
use mlops_core::arrow::datatypes::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use mlops_core::{ElementType, Error, Result, Tensor};
use serde_json::Value;

/// The elements, in row-major order.
pub(super) fn parse(data: &Value, element_type: ElementType) -> Result<ArrayRef> {
    let flat = flatten(data);
    let refuse = |value: &Value| {
        let text: String = value.to_string().chars().take(40).collect();
        Error::invalid(format!("an element must be {element_type}, got {text}"))
    };
    match element_type {
        ElementType::Bool => {
            let bools = typed(&flat, Value::as_bool, refuse)?;
            Ok(Arc::new(BooleanArray::from(bools)))
        }
        ElementType::Bytes => {
            let texts = typed(&flat, |value| value.as_str(), refuse)?;
            Ok(Arc::new(BinaryArray::from_iter_values(texts)))
        }
        ElementType::Uint8 => integers::<UInt8Type>(&flat, refuse),
        ElementType::Uint16 => integers::<UInt16Type>(&flat, refuse),
        ElementType::Uint32 => integers::<UInt32Type>(&flat, refuse),
        ElementType::Int8 => integers::<Int8Type>(&flat, refuse),
        ElementType::Int16 => integers::<Int16Type>(&flat, refuse),
        ElementType::Int32 => integers::<Int32Type>(&flat, refuse),
        ElementType::Int64 => integers::<Int64Type>(&flat, refuse),
        ElementType::Uint64 => primitive::<UInt64Type>(typed(&flat, Value::as_u64, refuse)?),
        ElementType::Fp32 => {
            // A number beyond the range of 32 bits would become infinite.
            let narrow = |value: &Value| value.as_f64().map(|x| x as f32).filter(|x| x.is_finite());
            primitive::<Float32Type>(typed(&flat, narrow, refuse)?)
        }
        ElementType::Fp64 => primitive::<Float64Type>(typed(&flat, Value::as_f64, refuse)?),
        other => Err(Error::invalid(format!("{other} cannot be sent as JSON"))),
    }
}

fn flatten(data: &Value) -> Vec<&Value> {
    // An own stack: a body of a million brackets must not exhaust the thread's.
    let mut flat = Vec::new();
    let mut stack = vec![data];
    while let Some(value) = stack.pop() {
        match value {
            Value::Array(items) => stack.extend(items.iter().rev()),
            scalar => flat.push(scalar),
        }
    }
    flat
}

fn typed<'a, T>(
    flat: &[&'a Value],
    convert: impl Fn(&'a Value) -> Option<T>,
    refuse: impl Fn(&Value) -> Error,
) -> Result<Vec<T>> {
    flat.iter()
        .map(|value| convert(value).ok_or_else(|| refuse(value)))
        .collect()
}

fn integers<T: ArrowPrimitiveType<Native: TryFrom<i64>>>(
    flat: &[&Value],
    refuse: impl Fn(&Value) -> Error,
) -> Result<ArrayRef> {
    let convert = |value: &Value| value.as_i64().and_then(|x| T::Native::try_from(x).ok());
    primitive::<T>(typed(flat, convert, refuse)?)
}

fn primitive<T: ArrowPrimitiveType>(values: Vec<T::Native>) -> Result<ArrayRef> {
    Ok(Arc::new(PrimitiveArray::<T>::from_iter_values(values)))
}

/// A 32-bit number as JSON; `null` for NaN and infinity.
fn shortest(value: &f32) -> Value {
    serde_json::from_str(&format!("{value:?}")).unwrap_or(Value::Null)
}

/// The elements as one flat list. NaN and infinity, which JSON does not have, become `null`.
pub(super) fn write(tensor: &Tensor) -> Result<Value> {
    match tensor.element_type() {
        ElementType::Bool => Ok(tensor
            .as_bools()?
            .values()
            .iter()
            .map(Value::from)
            .collect()),
        ElementType::Bytes => {
            let texts = tensor.as_bytes()?.iter().flatten().map(|bytes| {
                std::str::from_utf8(bytes).map(Value::from).map_err(|e| {
                    Error::invalid("a BYTES element that is not UTF-8 cannot be sent as JSON")
                        .source(e)
                })
            });
            texts.collect()
        }
        ElementType::Int64 => Ok(tensor
            .as_slice::<Int64Type>()?
            .iter()
            .copied()
            .map(Value::from)
            .collect()),
        ElementType::Uint64 => Ok(tensor
            .as_slice::<UInt64Type>()?
            .iter()
            .copied()
            .map(Value::from)
            .collect()),
        // The shortest digits that give the 32-bit value back, not those of its 64-bit widening.
        ElementType::Fp32 => Ok(tensor.as_f32()?.iter().map(shortest).collect()),
        ElementType::Fp64 => Ok(tensor.to_f64()?.into_iter().map(Value::from).collect()),
        _ => Ok(tensor
            .to_f64()?
            .into_iter()
            .map(|x| Value::from(x as i64))
            .collect()),
    }
}
