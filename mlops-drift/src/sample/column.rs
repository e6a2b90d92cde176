//! From an Arrow array to plain numbers or labels.

use arrow::array::{Array, AsArray, Float64Array};
use arrow::compute::cast;
#[cfg(feature = "sketch")]
use arrow::datatypes::Decimal128Type;
use arrow::datatypes::{DataType, Float64Type};
use mlops_core::{Error, ErrorKind, Result, type_name};
use serde::{Deserialize, Serialize};

/// How a column is compared by default.
///
/// ```
/// use mlops_core::arrow::datatypes::DataType;
/// use mlops_drift::sample::ColumnKind;
/// assert_eq!(ColumnKind::of(&DataType::Int32), ColumnKind::Numeric);
/// assert_eq!(ColumnKind::of(&DataType::Utf8), ColumnKind::Categorical);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ColumnKind {
    /// Integers, floats and decimals: compared as numbers, whatever their width.
    Numeric,
    /// Dates, times, timestamps and durations: numbers, but only within one and the same type.
    Temporal,
    /// Strings, booleans, and dictionaries of strings: compared as categories.
    Categorical,
    /// Fixed-size lists of numbers: compared by their norms and projections, within one and the same type.
    Embedding,
    /// Columns of Arrow's type `null`: missing in every row, whatever they are compared with; with themselves they are not.
    Null,
    /// Other nested columns and bytes: not compared.
    Unsupported,
}

impl ColumnKind {
    /// The kind of a data type; of a dictionary, that of its values.
    pub fn of(data_type: &DataType) -> Self {
        use DataType as T;
        match data_type {
            T::Dictionary(_, values) => Self::of(values),
            T::Null => Self::Null,
            T::Utf8 | T::LargeUtf8 | T::Utf8View | T::Boolean => Self::Categorical,
            T::Date32
            | T::Date64
            | T::Time32(_)
            | T::Time64(_)
            | T::Timestamp(_, _)
            | T::Duration(_) => Self::Temporal,
            T::FixedSizeList(element, dimension)
                if *dimension > 0 && element.data_type().is_numeric() =>
            {
                Self::Embedding
            }
            data_type if data_type.is_numeric() => Self::Numeric,
            _ => Self::Unsupported,
        }
    }
}

impl ColumnKind {
    /// Whether nothing can be read of columns of this kind by which others could be compared with them.
    pub(crate) fn has_no_values(self) -> bool {
        matches!(self, Self::Null | Self::Unsupported)
    }

    /// Whether columns of this kind are comparable only if their types are the same: clocks and dimensions must agree.
    pub(crate) fn is_of_one_type(self) -> bool {
        matches!(self, Self::Temporal | Self::Embedding)
    }
}

/// Integers up to here, 2^53, are floats too; beyond it they lose their last digits as [`numbers`].
pub(crate) const EXACT: f64 = (1_u64 << 53) as f64;

/// The values as `f64`, missing ones as NaN.
pub(crate) fn numbers(array: &dyn Array) -> Result<Vec<f64>> {
    let floats = match value_type(array.data_type()) {
        DataType::Null => return Ok(vec![f64::NAN; array.len()]),
        DataType::Boolean => cast(array, &DataType::Float64)?,
        data_type => match ColumnKind::of(data_type) {
            ColumnKind::Numeric => cast(array, &DataType::Float64)?,
            ColumnKind::Temporal => cast(&ticks(array)?, &DataType::Float64)?,
            _ => return Err(unsupported(array.data_type(), "numbers")),
        },
    };
    let floats: &Float64Array = floats.as_primitive::<Float64Type>();
    Ok(floats.iter().map(|x| x.unwrap_or(f64::NAN)).collect())
}

/// A temporal array as the integer count of its own unit.
fn ticks(array: &dyn Array) -> Result<arrow::array::ArrayRef> {
    let plain = cast(array, value_type(array.data_type()))?;
    let integer = match plain.data_type() {
        DataType::Date32 | DataType::Time32(_) => DataType::Int32,
        _ => DataType::Int64,
    };
    Ok(cast(&plain, &integer)?)
}

/// The values that are not missing, as integers of the column's own unit, without rounding: of integers, times and decimals of up to
/// 128 bits; `None` of other columns.
#[cfg(feature = "sketch")]
pub(crate) fn integers(array: &dyn Array) -> Result<Option<Vec<i128>>> {
    use DataType as T;
    let data_type = value_type(array.data_type());
    let wide = match data_type {
        T::Decimal32(_, scale) | T::Decimal64(_, scale) | T::Decimal128(_, scale) => {
            cast(&cast(array, data_type)?, &T::Decimal128(38, *scale))?
        }
        of if of.is_integer() => cast(&cast(array, of)?, &T::Decimal128(38, 0))?,
        of if ColumnKind::of(of) == ColumnKind::Temporal => {
            cast(&ticks(array)?, &T::Decimal128(38, 0))?
        }
        _ => return Ok(None),
    };
    let values = wide.as_primitive::<Decimal128Type>();
    Ok(Some(values.iter().flatten().collect()))
}

pub(crate) fn value_type(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::Dictionary(_, values) => value_type(values),
        other => other,
    }
}

pub(crate) fn unsupported(data_type: &DataType, what: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("cannot read {} as {what}", type_name(data_type)),
    )
}
