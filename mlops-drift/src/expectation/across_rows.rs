//! Rules that a row breaks by what came before it, or by what another table holds.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};

use arrow::array::{ArrayRef, RecordBatch, new_empty_array};
use mlops_core::Result;
use serde::{Deserialize, Serialize, Serializer};

use super::check::RowCheck;
use super::context::Context;
use super::key::{Key, Keys, RowKeys};
use super::memory::Memory;
use super::number::Number;
use super::numbers::Numbers;
use super::on_rows::{column, rows};

/// The combinations of values that have occurred. Memory for every distinct one.
pub(super) struct Seen {
    columns: Vec<String>,
    occurred: Occurred,
}

#[derive(Default, Serialize, Deserialize)]
struct Occurred(#[serde(serialize_with = "ascending")] HashSet<Key>);

/// A set has no order of its own, and equal states must be written as equal bytes.
fn ascending<S: Serializer>(keys: &HashSet<Key>, serializer: S) -> Result<S::Ok, S::Error> {
    keys.iter().collect::<BTreeSet<_>>().serialize(serializer)
}

impl Seen {
    pub(super) fn new(columns: Vec<String>) -> Self {
        Self {
            columns,
            occurred: Occurred::default(),
        }
    }

    pub(super) fn distinct(&self) -> u64 {
        self.occurred.0.len() as u64
    }
}

impl RowCheck for Seen {
    /// Rows whose combination has occurred before.
    fn broken(&mut self, part: &RecordBatch) -> Result<Vec<usize>> {
        let keys = RowKeys::of(part, self.columns.iter().map(String::as_str))?;
        Ok(rows(part.num_rows(), |&row| {
            keys.get(row)
                .is_some_and(|key| !self.occurred.0.insert(key))
        }))
    }

    fn memory(&mut self) -> Option<&mut dyn Memory> {
        Some(&mut self.occurred)
    }
}

/// The last value that was not missing, and how the next one must not be ordered to it.
pub(super) struct Order {
    column: String,
    wrong: fn(Ordering) -> bool,
    last: Option<Number>,
}

impl Order {
    pub(super) fn new(column: String, wrong: fn(Ordering) -> bool) -> Self {
        Self {
            column,
            wrong,
            last: None,
        }
    }
}

impl RowCheck for Order {
    fn broken(&mut self, part: &RecordBatch) -> Result<Vec<usize>> {
        let numbers = Numbers::of(column(part, &self.column)?)?;
        Ok(rows(part.num_rows(), |&row| {
            let Some(x) = numbers.get(row) else {
                return false;
            };
            let before = self.last.replace(x);
            before.is_some_and(|before| (self.wrong)(x.compare(before)))
        }))
    }

    fn memory(&mut self) -> Option<&mut dyn Memory> {
        Some(&mut self.last)
    }
}

/// The values of a column of another table.
pub(super) struct Referenced {
    kind: Keys,
    keys: HashSet<Key>,
}

impl Referenced {
    pub(super) fn of(context: &Context, table: &str, name: &str) -> Result<Self> {
        let table = context.find(table)?;
        let schema = table.schema();
        let chunks = table.column(name)?;
        let empty = new_empty_array(schema.field_with_name(name)?.data_type());
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
