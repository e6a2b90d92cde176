use std::sync::{Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use mlops_core::Result;

use super::Series;
use crate::sample::ColumnKind;
use crate::table::{Chunks, Table};

/// A table of which the first rows of a column are looked at while it is read, so that they are not read twice.
pub(crate) struct Watched<'a> {
    table: &'a dyn Table,
    first: Mutex<Series>,
}

impl<'a> Watched<'a> {
    /// For a column of this kind, the only one that is read, perhaps several times.
    pub(crate) fn of(table: &'a dyn Table, kind: ColumnKind) -> Self {
        let first = Mutex::new(Series::of_kind(kind).of_rows(table.rows()));
        Self { table, first }
    }

    /// What was seen.
    pub(crate) fn into_series(self) -> Series {
        let first = self.first.into_inner();
        first.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table for Watched<'_> {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn rows(&self) -> u64 {
        self.table.rows()
    }

    fn column(&self, name: &str) -> Result<Chunks<'_>> {
        let chunks = self.table.column(name)?;
        Ok(Box::new(chunks.map(|chunk| {
            let chunk = chunk?;
            let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
            first.add(&chunk)?;
            Ok(chunk)
        })))
    }
}
