//! What the parts so far have shown of one expectation.

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use mlops_core::Result;
use serde::{Deserialize, Serialize};

use super::on_rows::nulls_of;

/// Rows that are named in a result.
const EXAMPLES: usize = 10;
/// Characters that are shown of the values of one of them.
const SHOWN: usize = 100;

/// Counts of rows, and the first broken ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Found {
    /// Rows that the expectation is on.
    pub(super) rows: u64,
    /// Of these, rows in which a value that the rule reads is missing.
    pub(super) missing: u64,
    pub(super) broken: u64,
    pub(super) examples: Vec<u64>,
    pub(super) values: Vec<String>,
}

impl Found {
    /// Rows that the expectation is on, and the columns that its rule reads.
    pub(super) fn add<'a>(
        &mut self,
        rows: &RecordBatch,
        columns: impl Iterator<Item = &'a str>,
    ) -> Result<()> {
        let nulls = nulls_of(rows, columns)?;
        self.rows += rows.num_rows() as u64;
        self.missing += nulls.map_or(0, |nulls| nulls.null_count()) as u64;
        Ok(())
    }

    /// Broken rows, as they are numbered in the table and here.
    pub(super) fn add_broken<'a>(
        &mut self,
        numbers: impl ExactSizeIterator<Item = u64>,
        rows: &RecordBatch,
        broken: &[usize],
        columns: impl Iterator<Item = &'a str>,
    ) {
        self.broken += numbers.len() as u64;
        let room = EXAMPLES - self.examples.len();
        self.examples.extend(numbers.take(room));
        let shown = &broken[..broken.len().min(room)];
        self.values.extend(shown_values(rows, shown, columns));
    }
}

/// The values of some rows as text; what cannot be written is left out.
fn shown_values<'a>(
    part: &RecordBatch,
    rows: &[usize],
    columns: impl Iterator<Item = &'a str>,
) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let options = FormatOptions::default().with_null("null");
    let columns = columns.filter_map(|name| part.column_by_name(name));
    let columns = columns.filter_map(|column| ArrayFormatter::try_new(column, &options).ok());
    let columns: Vec<ArrayFormatter<'_>> = columns.collect();
    if columns.is_empty() {
        return Vec::new();
    }
    let text = |&row: &usize| {
        let values = columns
            .iter()
            .map(|values| values.value(row).try_to_string());
        let values: Vec<String> = values.map(Result::unwrap_or_default).collect();
        values.join(", ").chars().take(SHOWN).collect()
    };
    rows.iter().map(text).collect()
}
