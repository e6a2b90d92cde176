//! Entity keys: values that compare equal whatever their width or encoding, and dense numbers for them.

use std::collections::HashMap;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, LargeBinaryArray, LargeStringArray, RecordBatch,
    StringArray, UInt64Array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, UInt64Type};
use mlops_core::{Error, ErrorKind, FeatureRequest, FeatureView, Result};

use super::instant::Instants;
use super::table::column;

/// What a key column holds. Only columns of one kind compare; a column of nulls alone compares
/// with all, and matches nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    Integer,
    Text,
    Bytes,
    Boolean,
    Date,
    Instant,
    Null,
}

impl KeyKind {
    fn of(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            integer if integer.is_integer() => Self::Integer,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Self::Bytes,
            DataType::Boolean => Self::Boolean,
            DataType::Date32 => Self::Date,
            DataType::Timestamp(_, _) => Self::Instant,
            DataType::Null => Self::Null,
            DataType::Dictionary(_, values) => return Self::of(values),
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Integer => "integers",
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::Boolean => "booleans",
            Self::Date => "dates",
            Self::Instant => "timestamps",
            Self::Null => "nulls",
        }
    }
}

/// The key columns of a table, each brought to one form.
#[derive(Debug)]
pub(super) struct Keys {
    columns: Vec<(KeyKind, Values)>,
    rows: usize,
}

#[derive(Debug)]
enum Values {
    Signed(Int64Array),
    Unsigned(UInt64Array),
    Text(StringArray),
    LargeText(LargeStringArray),
    Bytes(LargeBinaryArray),
    Instants(Instants),
    Nulls,
}

impl Keys {
    /// The keys of a view's own rows.
    pub(super) fn of_rows(rows: &RecordBatch, view: &FeatureView) -> Result<Self> {
        Self::of_columns(rows, view.keys.iter().map(String::as_str))
    }

    /// The keys of entity rows, under the names that the request gives them.
    pub(super) fn of_entities(
        entities: &RecordBatch,
        view: &FeatureView,
        request: &FeatureRequest,
    ) -> Result<Self> {
        for (key, _) in &request.key_columns {
            if !view.keys.contains(key) {
                let why = format!("the view has no key \"{key}\"");
                return Err(Error::new(ErrorKind::SignatureMismatch, why));
            }
        }
        let names = view.keys.iter().map(|key| request.key_column(key));
        Self::of_columns(entities, names)
    }

    fn of_columns<'a>(rows: &RecordBatch, names: impl Iterator<Item = &'a str>) -> Result<Self> {
        let columns = names.map(|name| values(column(rows, name)?, name));
        Ok(Self {
            columns: columns.collect::<Result<_>>()?,
            rows: rows.num_rows(),
        })
    }

    pub(super) fn kinds(&self) -> Vec<KeyKind> {
        self.columns.iter().map(|(kind, _)| *kind).collect()
    }

    /// `SignatureMismatch` unless these keys compare with keys of those kinds.
    pub(super) fn check_against(&self, kinds: &[KeyKind], view: &FeatureView) -> Result<()> {
        for (((mine, _), theirs), name) in self.columns.iter().zip(kinds).zip(&view.keys) {
            if mine != theirs && *mine != KeyKind::Null && *theirs != KeyKind::Null {
                let why = format!(
                    "key \"{name}\" holds {} in the view, {} in the entity table",
                    theirs.name(),
                    mine.name()
                );
                return Err(Error::new(ErrorKind::SignatureMismatch, why));
            }
        }
        Ok(())
    }

    /// Writes a row's key as bytes, equal for equal keys only. `false` if a part is null.
    fn encode(&self, row: usize, bytes: &mut Vec<u8>) -> bool {
        bytes.clear();
        self.columns
            .iter()
            .all(|(_, values)| values.encode(row, bytes))
    }
}

impl Values {
    fn encode(&self, row: usize, bytes: &mut Vec<u8>) -> bool {
        match self {
            Self::Signed(values) => {
                let present = values.is_valid(row);
                bytes.extend(i128::from(values.value(row)).to_le_bytes());
                present
            }
            Self::Unsigned(values) => {
                let present = values.is_valid(row);
                bytes.extend(i128::from(values.value(row)).to_le_bytes());
                present
            }
            Self::Text(values) => encode_bytes(values.value(row).as_bytes(), bytes, values, row),
            Self::LargeText(values) => {
                encode_bytes(values.value(row).as_bytes(), bytes, values, row)
            }
            Self::Bytes(values) => encode_bytes(values.value(row), bytes, values, row),
            Self::Instants(values) => values
                .nanoseconds(row)
                .inspect(|time| bytes.extend(time.to_le_bytes()))
                .is_some(),
            Self::Nulls => false,
        }
    }
}

/// Length first, so that ("a", "bc") and ("ab", "c") differ.
fn encode_bytes(value: &[u8], bytes: &mut Vec<u8>, array: &dyn Array, row: usize) -> bool {
    bytes.extend((value.len() as u64).to_le_bytes());
    bytes.extend_from_slice(value);
    array.is_valid(row)
}

fn values(array: &ArrayRef, name: &str) -> Result<(KeyKind, Values)> {
    if let DataType::Dictionary(_, plain) = array.data_type() {
        return values(&cast(array, plain)?, name);
    }
    let kind = KeyKind::of(array.data_type()).ok_or_else(|| {
        let why = format!(
            "key \"{name}\" must hold integers, text, bytes, booleans, dates or timestamps, got {}",
            array.data_type()
        );
        Error::new(ErrorKind::SignatureMismatch, why)
    })?;
    let values = match (kind, array.data_type()) {
        (KeyKind::Integer, DataType::UInt64) => {
            Values::Unsigned(array.as_primitive::<UInt64Type>().clone())
        }
        (_, DataType::Int64) => Values::Signed(array.as_primitive::<Int64Type>().clone()),
        (KeyKind::Date, _) => signed(&cast(array, &DataType::Int32)?)?,
        (KeyKind::Integer | KeyKind::Boolean, _) => signed(array)?,
        (_, DataType::Utf8) => Values::Text(array.as_string::<i32>().clone()),
        (KeyKind::Text, _) => Values::LargeText(
            cast(array, &DataType::LargeUtf8)?
                .as_string::<i64>()
                .clone(),
        ),
        (KeyKind::Bytes, _) => Values::Bytes(
            cast(array, &DataType::LargeBinary)?
                .as_binary::<i64>()
                .clone(),
        ),
        (KeyKind::Instant, _) => Instants::of_array(array).map_or(Values::Nulls, Values::Instants),
        (KeyKind::Null, _) => Values::Nulls,
    };
    Ok((kind, values))
}

fn signed(array: &ArrayRef) -> Result<Values> {
    let wide = cast(array, &DataType::Int64)?;
    Ok(Values::Signed(wide.as_primitive::<Int64Type>().clone()))
}

/// A dense number for every key that was seen: 0, 1, 2 …
#[derive(Clone, Debug, Default)]
pub(super) struct KeyMap {
    numbers: HashMap<Box<[u8]>, u32>,
}

impl KeyMap {
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The number of each row's key; `None` for one that was never seen, or has a null in it.
    pub(super) fn look_up(&self, keys: &Keys) -> Vec<Option<u32>> {
        let mut bytes = Vec::with_capacity(32);
        (0..keys.rows)
            .map(|row| {
                keys.encode(row, &mut bytes)
                    .then(|| self.numbers.get(bytes.as_slice()).copied())
                    .flatten()
            })
            .collect()
    }

    /// Whether every key without a null has a number.
    pub(super) fn holds_all(&self, keys: &Keys) -> bool {
        let mut bytes = Vec::with_capacity(32);
        (0..keys.rows)
            .all(|row| !keys.encode(row, &mut bytes) || self.numbers.contains_key(bytes.as_slice()))
    }

    /// Gives each new key the next number.
    pub(super) fn insert(&mut self, keys: &Keys) {
        let mut bytes = Vec::with_capacity(32);
        for row in 0..keys.rows {
            if keys.encode(row, &mut bytes) && !self.numbers.contains_key(bytes.as_slice()) {
                // Rows are counted in u32 before keys are, so there cannot be more keys.
                let number = self.numbers.len() as u32;
                self.numbers.insert(bytes.as_slice().into(), number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use arrow::array::{Int8Array, TimestampMillisecondArray, TimestampSecondArray};
    use mlops_core::FeatureViewName;

    use super::*;

    fn keys(columns: Vec<ArrayRef>) -> Keys {
        let names: Vec<String> = (0..columns.len()).map(|i| format!("k{i}")).collect();
        let view = FeatureView::new(FeatureViewName::new("v").unwrap(), names.clone(), ["f"]);
        let rows = RecordBatch::try_from_iter_with_nullable(
            names
                .iter()
                .zip(columns)
                .map(|(name, column)| (name, column, true)),
        );
        Keys::of_rows(&rows.unwrap(), &view).unwrap()
    }

    fn found(stored: Vec<ArrayRef>, asked: Vec<ArrayRef>) -> Vec<Option<u32>> {
        let mut map = KeyMap::default();
        map.insert(&keys(stored));
        map.look_up(&keys(asked))
    }

    #[test]
    fn integers_of_any_width_compare_by_value() {
        let wide: ArrayRef = Arc::new(UInt64Array::from(vec![1, u64::MAX]));
        let narrow: ArrayRef = Arc::new(Int8Array::from(vec![Some(-1), Some(1), None]));
        assert_eq!(found(vec![wide], vec![narrow]), [None, Some(0), None]);
    }

    #[test]
    fn text_compares_exactly_in_every_encoding() {
        let stored: ArrayRef = Arc::new(StringArray::from(vec!["a", "", " a"]));
        for kind in [
            DataType::LargeUtf8,
            DataType::Utf8View,
            DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8)),
        ] {
            let asked: ArrayRef = Arc::new(StringArray::from(vec!["", "A", "a"]));
            let asked = cast(&asked, &kind).unwrap();
            assert_eq!(
                found(vec![stored.clone()], vec![asked]),
                [Some(1), None, Some(0)]
            );
        }
    }

    #[test]
    fn parts_of_a_key_do_not_run_together() {
        let text = |values: Vec<&str>| -> ArrayRef { Arc::new(StringArray::from(values)) };
        let stored = vec![text(vec!["a"]), text(vec!["bc"])];
        assert_eq!(
            found(stored, vec![text(vec!["ab"]), text(vec!["c"])]),
            [None]
        );
    }

    #[test]
    fn instants_compare_across_units() {
        let stored: ArrayRef = Arc::new(TimestampSecondArray::from(vec![2]));
        let asked: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![2_000, 2]));
        assert_eq!(found(vec![stored], vec![asked]), [Some(0), None]);
    }
}
