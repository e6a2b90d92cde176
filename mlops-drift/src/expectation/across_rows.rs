//! Rules that a row breaks by what came before it, or by what another table holds.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use arrow::array::RecordBatch;
use mlops_core::Result;
use serde::{Deserialize, Serialize, Serializer};

use super::check::RowCheck;
use super::context::Context;
use super::key::{Key, RowKeys};
use super::memory::Memory;
use super::number::Number;
use super::numbers::Numbers;
use super::on_rows::{column, rows};
use super::rule::Order;
use crate::table::in_parts;

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

/// The last value that was not missing, of every sequence, and how the next one must be ordered to it.
pub(super) struct Ordered {
    column: String,
    by: Vec<String>,
    order: Order,
    last: BTreeMap<Key, Number>,
}

impl Ordered {
    /// One sequence for every combination of values in the columns `by`.
    pub(super) fn new(column: String, by: Vec<String>, order: Order) -> Self {
        Self {
            column,
            by,
            order,
            last: BTreeMap::new(),
        }
    }
}

impl RowCheck for Ordered {
    fn broken(&mut self, part: &RecordBatch) -> Result<Vec<usize>> {
        let numbers = Numbers::of(column(part, &self.column)?)?;
        let sequences = RowKeys::of(part, self.by.iter().map(String::as_str))?;
        Ok(rows(part.num_rows(), |&row| {
            let Some((x, sequence)) = numbers.get(row).zip(sequences.get(row)) else {
                return false;
            };
            let before = self.last.insert(sequence, x);
            before.is_some_and(|before| self.order.is_broken_by(x.compare(before)))
        }))
    }

    fn memory(&mut self) -> Option<&mut dyn Memory> {
        Some(&mut self.last)
    }
}

/// The combinations of values in some columns of another table.
pub(super) struct Referenced {
    kinds: RowKeys,
    keys: HashSet<Key>,
}

impl Referenced {
    pub(super) fn of(context: &Context, table: &str, columns: &[String]) -> Result<Self> {
        let table = context.find(table)?;
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let parts = in_parts(table, &columns)?;
        let no_rows = RecordBatch::new_empty(parts.schema().clone());
        let kinds = RowKeys::of(&no_rows, columns.iter().copied())?;
        let mut keys = HashSet::new();
        for part in parts {
            let part = part?;
            let values = RowKeys::of(&part, columns.iter().copied())?;
            keys.extend((0..part.num_rows()).filter_map(|row| values.get(row)));
        }
        Ok(Self { kinds, keys })
    }

    /// The rows whose values in these columns are no such combination.
    pub(super) fn unknown(&self, part: &RecordBatch, columns: &[&str]) -> Result<Vec<usize>> {
        let keys = RowKeys::of(part, columns.iter().copied())?;
        keys.comparable(&self.kinds)?;
        Ok(rows(part.num_rows(), |&row| {
            keys.get(row).is_some_and(|key| !self.keys.contains(&key))
        }))
    }
}
