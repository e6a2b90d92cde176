use arrow::array::{Array, AsArray, LargeStringArray, StringArray, StringViewArray};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use mlops_core::Result;

use super::{ColumnKind, unsupported, value_type};

/// The labels of a column, read where they lie: strings are not copied, nor dictionaries expanded, so that no column is too long
/// to be read.
pub(crate) struct Labels {
    texts: Texts,
    of_row: Option<OfRow>,
}

enum Texts {
    Short(StringArray),
    Long(LargeStringArray),
    Views(StringViewArray),
}

/// Of a dictionary, which of its values each row has.
struct OfRow {
    values: Vec<usize>,
    nulls: Option<NullBuffer>,
}

/// The values as labels. Floats have none.
pub(crate) fn labels(array: &dyn Array) -> Result<Labels> {
    let data_type = value_type(array.data_type());
    let kind = ColumnKind::of(data_type);
    if !matches!(kind, ColumnKind::Categorical | ColumnKind::Null) && !data_type.is_integer() {
        return Err(unsupported(array.data_type(), "categories"));
    }
    match array.as_any_dictionary_opt() {
        Some(dictionary) if !dictionary.values().is_empty() => {
            let nulls = dictionary.keys().nulls().cloned();
            let values = dictionary.normalized_keys();
            let of_row = Some(OfRow { values, nulls });
            let texts = Texts::of(dictionary.values())?;
            Ok(Labels { texts, of_row })
        }
        _ => Ok(Labels {
            texts: Texts::of(array)?,
            of_row: None,
        }),
    }
}

impl Texts {
    fn of(array: &dyn Array) -> Result<Self> {
        Ok(match array.data_type() {
            DataType::Utf8 => Self::Short(array.as_string().clone()),
            DataType::Utf8View => Self::Views(array.as_string_view().clone()),
            _ => Self::Long(cast(array, &DataType::LargeUtf8)?.as_string().clone()),
        })
    }

    fn len(&self) -> usize {
        match self {
            Self::Short(texts) => texts.len(),
            Self::Long(texts) => texts.len(),
            Self::Views(texts) => texts.len(),
        }
    }

    fn get(&self, row: usize) -> Option<&str> {
        match self {
            Self::Short(texts) => texts.is_valid(row).then(|| texts.value(row)),
            Self::Long(texts) => texts.is_valid(row).then(|| texts.value(row)),
            Self::Views(texts) => texts.is_valid(row).then(|| texts.value(row)),
        }
    }
}

impl Labels {
    fn len(&self) -> usize {
        let of_row = self.of_row.as_ref();
        of_row.map_or(self.texts.len(), |of_row| of_row.values.len())
    }

    fn get(&self, row: usize) -> Option<&str> {
        let Some(OfRow { values, nulls }) = &self.of_row else {
            return self.texts.get(row);
        };
        let valid = nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
        valid.then(|| self.texts.get(values[row])).flatten()
    }

    /// In the order of the rows; `None` is missing.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        (0..self.len()).map(|row| self.get(row))
    }
}
