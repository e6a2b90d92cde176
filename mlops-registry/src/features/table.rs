//! Columns in, one table out: look-up by name, and results without two columns of one name.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, FieldRef, Schema};
use mlops_core::{Error, ErrorKind, Result};

/// The error of a column that is not there.
pub(super) fn missing(name: &str) -> Error {
    Error::new(
        ErrorKind::SignatureMismatch,
        format!("there is no column \"{name}\""),
    )
}

/// A column by name, or `SignatureMismatch`.
pub(super) fn column<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    rows.column_by_name(name).ok_or_else(|| missing(name))
}

/// The columns of a result, as it grows.
pub(super) struct Columns {
    rows: usize,
    fields: Vec<FieldRef>,
    arrays: Vec<ArrayRef>,
}

impl Columns {
    /// None yet, for this many rows.
    pub(super) fn new(rows: usize) -> Self {
        Self {
            rows,
            fields: Vec::new(),
            arrays: Vec::new(),
        }
    }

    /// All columns of a table.
    pub(super) fn of(table: &RecordBatch) -> Self {
        Self {
            rows: table.num_rows(),
            fields: table.schema_ref().fields().iter().cloned().collect(),
            arrays: table.columns().to_vec(),
        }
    }

    /// Adds a feature, which may be null.
    pub(super) fn push(&mut self, name: String, array: ArrayRef) {
        let field = Field::new(name, array.data_type().clone(), true);
        self.fields.push(Arc::new(field));
        self.arrays.push(array);
    }

    /// The table; `SignatureMismatch` if two columns have one name.
    pub(super) fn finish(self) -> Result<RecordBatch> {
        for (index, field) in self.fields.iter().enumerate() {
            if self.fields[..index]
                .iter()
                .any(|other| other.name() == field.name())
            {
                let why = format!("two columns of the result are called \"{}\"", field.name());
                return Err(Error::new(ErrorKind::SignatureMismatch, why));
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let schema = Arc::new(Schema::new(self.fields));
        Ok(RecordBatch::try_new_with_options(
            schema,
            self.arrays,
            &options,
        )?)
    }
}
