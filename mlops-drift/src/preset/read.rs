//! From a source to the rows that are labelled, with their units.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{filter_record_batch, take_record_batch};
use mlops_core::{Error, Result};

use crate::check::{Source, Units, find, require_rows};
use crate::sample::{ColumnKind, labels, numbers};

/// The rows of which every column that is needed is there.
pub(super) struct Labelled {
    pub(super) rows: RecordBatch,
    /// The unit of every row.
    pub(super) units: Option<Vec<u64>>,
    /// The segment of every row, if there are segments; null is one of its own.
    pub(super) segments: Vec<Option<String>>,
    /// Rows that were left out.
    pub(super) left_out: usize,
    /// The rows that should be there: those that lack nothing but what may be late are left out.
    pub(super) due: RecordBatch,
    /// Which rows of the table were not left out.
    kept: BooleanArray,
}

/// What is read of a table.
pub(super) struct Wanted<'a> {
    /// Columns without a value of which a row is left out.
    pub(super) needed: &'a [&'a str],
    /// Those among them that a row may lack for good reason, such as a label that is not there yet; where others are missing something broke.
    pub(super) late: &'a [&'a str],
    /// Columns in which a value may be missing.
    pub(super) may_be_missing: &'a [&'a str],
    /// Rows with the same value depend on one another; a row without one is left out.
    pub(super) unit: Option<&'a str>,
    /// The value by which rows are told apart; null is one of its own.
    pub(super) segment: Option<&'a str>,
}

impl Labelled {
    /// # Errors
    /// `SignatureMismatch` for a missing column, `Unsupported` for a profile, `InvalidArgument` if no row is left.
    pub(super) fn of(source: &Source, role: &str, wanted: &Wanted<'_>) -> Result<Self> {
        let Wanted { unit, segment, .. } = *wanted;
        let needed: BTreeSet<&str> = wanted.needed.iter().copied().chain(unit).collect();
        let read = needed
            .iter()
            .chain(wanted.may_be_missing)
            .copied()
            .chain(segment);
        let read: BTreeSet<&str> = read.collect();
        let of_table = |error: Error| error.context("table", role);
        require_rows(source, role)?;
        let table = source.gather(&Vec::from_iter(read)).map_err(of_table)?;
        let complete = |columns: &mut dyn Iterator<Item = &str>| -> Result<Vec<bool>> {
            let mut complete = vec![true; table.num_rows()];
            for column in columns {
                let present = present(&table, column).map_err(of_table)?;
                complete
                    .iter_mut()
                    .zip(present)
                    .for_each(|(complete, present)| *complete &= present);
            }
            Ok(complete)
        };
        let due = complete(&mut wanted.late.iter().copied().chain(unit))?;
        let due = filter_record_batch(&table, &BooleanArray::from(due))?;
        let complete = complete(&mut needed.iter().copied())?;
        let kept = BooleanArray::from(complete);
        let rows = filter_record_batch(&table, &kept)?;
        let left_out = table.num_rows() - rows.num_rows();
        if rows.num_rows() == 0 {
            return Err(Error::invalid(format!(
                "the {role} table must hold at least 1 row without a missing value in {}, got 0 of {}",
                needed.into_iter().collect::<Vec<_>>().join(", "),
                table.num_rows()
            )));
        }
        let units = unit.map(|unit| Units::of(&rows, unit)).transpose();
        let units = units.map_err(of_table)?;
        let segments = segment.map(|column| segments_of(&rows, column));
        let segments = segments.transpose().map_err(of_table)?;
        Ok(Self {
            kept,
            segments: segments.unwrap_or_default(),
            units: units.map(|units| units.of_rows()),
            rows,
            left_out,
            due,
        })
    }

    /// The place in the table of a row that was not left out.
    pub(super) fn row_given(&self, labelled: usize) -> usize {
        let mut kept = self.kept.values().set_indices();
        kept.nth(labelled).unwrap_or(labelled)
    }

    /// How many rows lack what is never late.
    pub(super) fn broken(&self) -> usize {
        self.due.num_rows() - self.rows.num_rows()
    }

    /// How many units there are, or rows.
    pub(super) fn units(&self) -> usize {
        match &self.units {
            Some(units) => units.iter().collect::<BTreeSet<_>>().len(),
            None => self.rows.num_rows(),
        }
    }

    /// An error for a unit, such as a query, of which rows are in several segments: part of a list is no list.
    pub(super) fn require_whole_units(&self) -> Result<()> {
        let mut of_unit = BTreeMap::new();
        let units = self.units.iter().flatten();
        for (row, (unit, segment)) in units.zip(&self.segments).enumerate() {
            if of_unit.entry(unit).or_insert(segment) != &segment {
                return Err(Error::invalid(format!(
                    "the rows of a list must be of one segment, got another in row {row}"
                )));
            }
        }
        Ok(())
    }

    /// Some of the rows; none if there are none.
    pub(super) fn part(&self, rows: &[u32]) -> Result<Option<Self>> {
        if rows.is_empty() {
            return Ok(None);
        }
        let of_part = |units: &Vec<u64>| rows.iter().map(|row| units[*row as usize]).collect();
        Ok(Some(Self {
            units: self.units.as_ref().map(of_part),
            segments: Vec::new(),
            kept: BooleanArray::from(Vec::<bool>::new()),
            rows: take_record_batch(&self.rows, &UInt32Array::from(rows.to_vec()))?,
            due: self.due.slice(0, 0),
            left_out: 0,
        }))
    }
}

fn segments_of(rows: &RecordBatch, column: &str) -> Result<Vec<Option<String>>> {
    let labels = labels(find(rows, column)?).map_err(|error| error.context("column", column))?;
    Ok(labels
        .iter()
        .map(|label| label.map(str::to_owned))
        .collect())
}

/// Per row, whether the value is neither null nor NaN.
fn present(table: &RecordBatch, column: &str) -> Result<Vec<bool>> {
    let array = find(table, column)?;
    if ColumnKind::of(array.data_type()) == ColumnKind::Numeric {
        return Ok(numbers(array)?
            .into_iter()
            .map(|value| !value.is_nan())
            .collect());
    }
    let nulls = array.logical_nulls();
    let is_there = |row| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
    Ok((0..array.len()).map(is_there).collect())
}

pub(super) fn numbers_of(rows: &RecordBatch, column: &str) -> Result<Vec<f64>> {
    numbers(find(rows, column)?).map_err(|error| error.context("column", column))
}

pub(super) fn labels_of(rows: &RecordBatch, column: &str) -> Result<Vec<String>> {
    let labels = labels(find(rows, column)?).map_err(|error| error.context("column", column))?;
    Ok(labels.iter().flatten().map(str::to_owned).collect())
}
