//! Rules that a row breaks by what came before it, or by what another table holds.

use std::cmp::Ordering;
use std::collections::HashSet;

use arrow::array::{ArrayRef, RecordBatch, new_empty_array};
use mlops_core::Result;

use super::context::Context;
use super::key::{Key, Keys, RowKeys};
use super::number::Number;
use super::numbers::Numbers;
use super::on_rows::rows;

/// The combinations of values that have occurred. Memory for every distinct one.
pub(super) struct Seen {
    columns: Vec<String>,
    keys: HashSet<Key>,
}

impl Seen {
    pub(super) fn new(columns: Vec<String>) -> Self {
        Self {
            columns,
            keys: HashSet::new(),
        }
    }

    pub(super) fn repeated(&mut self, part: &RecordBatch) -> Result<Vec<usize>> {
        let keys = RowKeys::of(part, self.columns.iter().map(String::as_str))?;
        Ok(rows(part.num_rows(), |&row| {
            keys.get(row).is_some_and(|key| !self.keys.insert(key))
        }))
    }

    pub(super) fn distinct(&self) -> u64 {
        self.keys.len() as u64
    }
}

/// The last value that was not missing.
#[derive(Default)]
pub(super) struct Last(Option<Number>);

impl Last {
    /// Rows whose value is ordered to the one before as it must not be.
    pub(super) fn misplaced(
        &mut self,
        values: &ArrayRef,
        wrong: impl Fn(Ordering) -> bool,
    ) -> Result<Vec<usize>> {
        let numbers = Numbers::of(values)?;
        Ok(rows(values.len(), |&row| {
            let Some(x) = numbers.get(row) else {
                return false;
            };
            let before = self.0.replace(x);
            before.is_some_and(|before| wrong(x.compare(before)))
        }))
    }
}

/// The values of a column of another table.
pub(super) struct Referenced {
    kind: Keys,
    keys: HashSet<Key>,
}

impl Referenced {
    pub(super) fn of(context: &Context, table: &str, column: &str) -> Result<Self> {
        let table = context.find(table)?;
        let schema = table.schema();
        let chunks = table.column(column)?;
        let empty = new_empty_array(schema.field_with_name(column)?.data_type());
        let mut keys = HashSet::new();
        for chunk in chunks {
            let chunk = chunk?;
            let values = Keys::of(&chunk)?;
            keys.extend((0..chunk.len()).filter_map(|row| values.get(row)));
        }
        Ok(Self {
            kind: Keys::of(&empty)?,
            keys,
        })
    }

    pub(super) fn unknown(&self, values: &ArrayRef) -> Result<Vec<usize>> {
        let keys = Keys::of(values)?;
        keys.comparable(&self.kind)?;
        Ok(rows(values.len(), |&row| {
            keys.get(row).is_some_and(|key| !self.keys.contains(&key))
        }))
    }
}
