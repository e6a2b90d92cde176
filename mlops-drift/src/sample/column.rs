//! From an Arrow array to plain numbers or labels.

use arrow::array::{Array, AsArray, Float64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use mlops_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

/// How a column is compared by default.
///
/// ```
/// use arrow::datatypes::DataType;
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
    /// Other nested columns, bytes and nulls: not compared.
    Unsupported,
}

impl ColumnKind {
    /// The kind of a data type; of a dictionary, that of its values.
    pub fn of(data_type: &DataType) -> Self {
        use DataType as T;
        match data_type {
            T::Dictionary(_, values) => Self::of(values),
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
    /// Whether columns of this kind are comparable only if their types are the same: clocks and dimensions must agree.
    pub(crate) fn is_of_one_type(self) -> bool {
        matches!(self, Self::Temporal | Self::Embedding)
    }
}

/// The values as `f64`, missing ones as NaN. Integers beyond 2^53 lose their last digits.
pub(crate) fn numbers(array: &dyn Array) -> Result<Vec<f64>> {
    let floats = match value_type(array.data_type()) {
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

pub(crate) fn value_type(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::Dictionary(_, values) => value_type(values),
        other => other,
    }
}

pub(crate) fn unsupported(data_type: &DataType, what: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("cannot read {data_type} as {what}"),
    )
}
