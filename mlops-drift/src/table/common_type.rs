//! What a column is of whose parts are of several types.

use arrow::array::ArrayRef;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use mlops_core::{Error, ErrorKind, Result, type_name};

use super::require_type;
use crate::sample::value_type;

/// The type that holds the values of both: the wider one of two integers or floats, a float for a float and integers, text for
/// any two encodings of it, and a float for `uint64` beside integers with a sign. Columns of type `null` take any. `None` for values that do not mean the
/// same.
pub(super) fn common_type(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType as T;
    if a == b {
        return Some(a.clone());
    }
    match (value_type(a), value_type(b)) {
        (T::Null, _) => Some(b.clone()),
        (_, T::Null) => Some(a.clone()),
        (a, b) if a == b => Some(a.clone()),
        (a, b) if is_text(a) && is_text(b) => Some(T::LargeUtf8),
        (a, b) if a.is_floating() && b.is_floating() => Some(wider(a, b)),
        (a, b) if is_number(a) && is_number(b) && (a.is_floating() || b.is_floating()) => {
            Some(T::Float64)
        }
        (a, b) if a.is_integer() && b.is_integer() => {
            match a.is_signed_integer() == b.is_signed_integer() {
                true => Some(wider(a, b)),
                false if [a, b].contains(&&T::UInt64) => Some(T::Float64),
                false => Some(T::Int64),
            }
        }
        _ => None,
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

fn is_number(data_type: &DataType) -> bool {
    data_type.is_integer() || data_type.is_floating()
}

fn wider(a: &DataType, b: &DataType) -> DataType {
    let wider = if a.primitive_width() > b.primitive_width() {
        a
    } else {
        b
    };
    wider.clone()
}

/// An error unless a part of this type can be read as one of the column's type.
pub(super) fn require_convertible(
    column: &str,
    data_type: &DataType,
    found: &DataType,
) -> Result<()> {
    match common_type(data_type, found).as_ref() == Some(data_type) {
        true => Ok(()),
        false => require_type(column, data_type, Some(found)),
    }
}

/// Whether values of the first type may have more digits than those of the second.
pub(super) fn may_round(of: &DataType, to: &DataType) -> bool {
    let is_long = matches!(value_type(of), DataType::Int64 | DataType::UInt64);
    is_long && to.is_floating()
}

/// A part as one of the column's type, to the last digit.
///
/// # Errors
/// `SignatureMismatch` for one of a type that is not part of the column's, and for integers that the column's floats would round.
pub(super) fn converted(column: &str, data_type: &DataType, part: ArrayRef) -> Result<ArrayRef> {
    if part.data_type() == data_type {
        return Ok(part);
    }
    require_convertible(column, data_type, part.data_type())?;
    let converted = cast(&part, data_type)?;
    let of = value_type(part.data_type());
    if may_round(of, data_type) && cast(&converted, of)? != cast(&part, of)? {
        return Err(Error::new(
            ErrorKind::SignatureMismatch,
            format!(
                "column \"{column}\" must be of one type in every part, got {} beside others, which would round some of its integers",
                type_name(of)
            ),
        ));
    }
    Ok(converted)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, Int64Array};

    use super::*;

    /// Whichever of two types is met first, the common one is the same, and either part is converted to it.
    #[test]
    fn the_common_type_does_not_depend_on_the_order() {
        use DataType as T;
        let of = |values: DataType| T::Dictionary(Box::new(T::Int32), Box::new(values));
        let types = [
            T::Null,
            T::Boolean,
            T::Int8,
            T::Int32,
            T::Int64,
            T::UInt8,
            T::UInt32,
            T::UInt64,
            T::Float32,
            T::Float64,
            T::Utf8,
            T::LargeUtf8,
            T::Utf8View,
            of(T::Utf8),
            of(T::Int64),
            T::Date32,
            T::Binary,
        ];
        for a in &types {
            for b in &types {
                let common = common_type(a, b);
                assert_eq!(common, common_type(b, a), "{a} and {b}");
                for part in [a, b] {
                    let Some(common) = &common else { continue };
                    let part = arrow::array::new_null_array(part, 2);
                    let part = converted("x", common, part).unwrap();
                    assert_eq!((part.data_type(), part.logical_null_count()), (common, 2));
                }
            }
        }
        assert_eq!(common_type(&T::Int64, &T::UInt64), Some(T::Float64));
        assert_eq!(common_type(&T::Int8, &T::UInt32), Some(T::Int64));
        assert_eq!(common_type(&T::Utf8, &T::Int64), None);
        assert_eq!(common_type(&T::Boolean, &T::Int8), None);
    }

    /// 2^53 + 1 is no float, 2^60 is one.
    #[test]
    fn integers_that_a_float_would_round_are_refused() {
        let part = |value: i64| Arc::new(Int64Array::from(vec![Some(value), None])) as ArrayRef;
        let coded = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Int64));
        let exact = converted("x", &DataType::Float64, part(1 << 60)).unwrap();
        let expected = Float64Array::from(vec![Some(2.0_f64.powi(60)), None]);
        assert_eq!(exact.as_ref(), &expected as &dyn arrow::array::Array);
        for rounded in [(1 << 53) + 1, i64::MAX] {
            for of in [DataType::Int64, DataType::UInt64, coded.clone()] {
                let part = cast(&part(rounded), &of).unwrap();
                let error = converted("x", &DataType::Float64, part).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::SignatureMismatch);
            }
        }
    }
}
