//! What the parts so far have shown of one expectation.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use mlops_core::Result;
use serde::{Deserialize, Serialize};

use super::expected::Expectation;
use super::on_rows::nulls_of;
use super::report::BrokenValue;
use super::units::BrokenUnits;
use crate::report::chart::shorten;
use crate::sample::ColumnKind;
use crate::serial::{SerialCorrelation, Series};

/// Rows that are named in a result, and values.
const EXAMPLES: usize = 10;
/// Characters that are shown of a value.
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
    pub(super) values: Vec<BrokenValue>,
    /// Of an expectation on the rows of units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) units: Option<BrokenUnits>,
    /// Of an expectation at a level on rows that are not in units: whether each of the first rows breaks it, as 1 and 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) first: Option<Series>,
}

impl Found {
    /// Rows that the expectation is on, those of them that break it, and the column that tells their units, if that counts.
    pub(super) fn add(
        &mut self,
        rows: &RecordBatch,
        expectation: &Expectation,
        unit: Option<&str>,
        broken: &[usize],
    ) -> Result<()> {
        let nulls = nulls_of(rows, expectation.rule_columns())?;
        self.rows += rows.num_rows() as u64;
        self.missing += nulls.as_ref().map_or(0, |nulls| nulls.null_count()) as u64;
        if !expectation.rule().is_on_rows() {
            return Ok(());
        }
        match unit {
            None if expectation.significance().is_none() => Ok(()),
            Some(unit) => {
                let units = self.units.get_or_insert_default();
                units.add(rows, unit, nulls.as_ref(), broken)
            }
            None => {
                let of_rows = || Series::of_kind(ColumnKind::Numeric);
                let first = self.first.get_or_insert_with(of_rows);
                first.add(&flags(rows.num_rows(), broken))
            }
        }
    }

    /// How much neighbouring rows, or units, are alike in whether they break an expectation at a level.
    pub(super) fn serial_correlation(&self) -> Result<Option<SerialCorrelation>> {
        match (&self.units, &self.first) {
            (Some(units), _) => units.series().correlation(),
            (None, Some(first)) => first.correlation(),
            (None, None) => Ok(None),
        }
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
        self.add_values(rows, broken, columns);
    }

    /// The first distinct values are kept and counted, in O(broken rows).
    fn add_values<'a>(
        &mut self,
        part: &RecordBatch,
        broken: &[usize],
        columns: impl Iterator<Item = &'a str>,
    ) {
        if broken.is_empty() {
            return;
        }
        let options = FormatOptions::default().with_null("null");
        let columns = columns.filter_map(|name| part.column_by_name(name));
        let columns = columns.filter_map(|column| ArrayFormatter::try_new(column, &options).ok());
        let columns: Vec<ArrayFormatter<'_>> = columns.collect();
        if columns.is_empty() {
            return;
        }
        let mut text = String::new(); // one for all rows, of which there may be millions
        for &row in broken {
            text.clear();
            write_row(&columns, row, &mut text);
            match text.len() > SHOWN {
                true => self.add_value(&shorten(&text, SHOWN)),
                false => self.add_value(&text),
            }
        }
    }

    fn add_value(&mut self, value: &str) {
        let has_room = self.values.len() < EXAMPLES;
        match self.values.iter_mut().find(|known| known.value == value) {
            Some(known) => known.rows += 1,
            None if has_room => self.values.push(BrokenValue::once(value)),
            None => {}
        }
    }
}

/// Whether each of so many rows is among these.
fn flags(rows: usize, broken: &[usize]) -> ArrayRef {
    let mut flags = vec![false; rows];
    broken.iter().for_each(|&row| flags[row] = true);
    Arc::new(BooleanArray::from(flags))
}

/// What cannot be written is left out.
fn write_row(columns: &[ArrayFormatter<'_>], row: usize, text: &mut String) {
    for (i, values) in columns.iter().enumerate() {
        text.push_str(if i == 0 { "" } else { ", " });
        let before = text.len();
        if values.value(row).write(text).is_err() {
            text.truncate(before);
        }
    }
}
