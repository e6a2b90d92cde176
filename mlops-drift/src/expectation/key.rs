//! What makes two values the same, whatever the type that holds them: for uniqueness, distinct values and
//! keys.

use arrow::array::{ArrayRef, AsArray, LargeBinaryArray, LargeStringArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use mlops_core::{Error, ErrorKind, Result, type_name};

use super::column_type::KEYS;
use super::numbers::{Numbers, Scale};
use crate::sample::value_type;
use crate::table::column_of;

/// Equal keys, equal values: a text, bytes in hexadecimal digits, or a number in its canonical form. It
/// lasts: keys are written in checkpoints.
pub(super) type Key = String;

/// A column whose values can be told apart.
pub(super) struct Keys {
    values: Values,
    data_type: DataType,
}

enum Values {
    Numbers(Numbers),
    Texts(LargeStringArray),
    Bytes(LargeBinaryArray),
}

impl Keys {
    /// # Errors
    /// `Unsupported` for a nested column.
    pub(super) fn of(array: &ArrayRef) -> Result<Self> {
        Ok(Self {
            values: Values::of(array)?,
            data_type: array.data_type().clone(),
        })
    }

    /// `None` for a missing value.
    pub(super) fn get(&self, row: usize) -> Option<Key> {
        use arrow::array::Array;
        match &self.values {
            Values::Numbers(numbers) => numbers.get(row).map(|number| number.canonical().into()),
            Values::Texts(texts) => texts.is_valid(row).then(|| texts.value(row).to_owned()),
            Values::Bytes(bytes) => bytes.is_valid(row).then(|| of_bytes(bytes.value(row))),
        }
    }

    /// What its values are: keys of one column are looked up only among those of its kind.
    fn kind(&self) -> (u8, Option<&Scale>) {
        match &self.values {
            Values::Numbers(numbers) => (0, Some(&numbers.scale)),
            Values::Texts(_) => (1, None),
            Values::Bytes(_) => (2, None),
        }
    }

    fn are_of_no_type(&self) -> bool {
        matches!(&self.values, Values::Numbers(numbers) if numbers.are_of_no_type())
    }

    /// An error unless equal values of both have equal keys.
    pub(super) fn comparable(&self, other: &Self) -> Result<()> {
        if self.kind() == other.kind() || self.are_of_no_type() || other.are_of_no_type() {
            return Ok(());
        }
        let [a, b] = [self, other].map(|keys| type_name(&keys.data_type));
        Err(Error::new(
            ErrorKind::Unsupported,
            format!("the two columns must hold values that can be equal, got {a} and {b}"),
        ))
    }
}

impl Values {
    fn of(array: &ArrayRef) -> Result<Self> {
        use DataType as T;
        Ok(match value_type(array.data_type()) {
            T::Utf8 | T::LargeUtf8 | T::Utf8View => {
                Self::Texts(cast(array, &T::LargeUtf8)?.as_string::<i64>().clone())
            }
            T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => {
                Self::Bytes(cast(array, &T::LargeBinary)?.as_binary::<i64>().clone())
            }
            _ => Self::Numbers(Numbers::read(array, KEYS)?),
        })
    }
}

fn of_bytes(bytes: &[u8]) -> Key {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Several columns as one key; missing if any of them is, as in SQL.
pub(super) struct RowKeys(Vec<Keys>);

impl RowKeys {
    pub(super) fn of<'a>(
        table: &RecordBatch,
        columns: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self> {
        let keys = columns.into_iter().map(|name| {
            Keys::of(column_of(table, name)?).map_err(|error| error.context("column", name))
        });
        Ok(Self(keys.collect::<Result<_>>()?))
    }

    /// An error unless equal values of both have equal keys.
    pub(super) fn comparable(&self, other: &Self) -> Result<()> {
        let mut pairs = self.0.iter().zip(&other.0);
        pairs.try_for_each(|(keys, other)| keys.comparable(other))
    }

    pub(super) fn get(&self, row: usize) -> Option<Key> {
        if let [one] = self.0.as_slice() {
            return one.get(row);
        }
        let parts: Option<Vec<Key>> = self.0.iter().map(|keys| keys.get(row)).collect();
        // Lengths keep ("a", "bc") and ("ab", "c") apart.
        let part = |key: &Key| format!("{}:{key}", key.len());
        Some(parts?.iter().map(part).collect())
    }
}
