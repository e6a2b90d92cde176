//! From a source to the rows that are labelled, with their units.

use arrow::array::{Array, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use mlops_core::{Error, Result};

use crate::check::{Source, Units, find};
use crate::sample::{ColumnKind, labels, numbers};

/// The rows of which every column that is needed is there.
pub(super) struct Labelled {
    pub(super) rows: RecordBatch,
    /// The unit of every row.
    pub(super) units: Option<Vec<u64>>,
    /// Rows that were left out.
    pub(super) left_out: usize,
}

impl Labelled {
    /// # Errors
    /// `SignatureMismatch` for a missing column, `Unsupported` for a profile, `InvalidArgument` if no row is left.
    pub(super) fn of(
        source: &Source,
        role: &str,
        columns: &[&str],
        unit: Option<&str>,
    ) -> Result<Self> {
        let needed: Vec<&str> = columns.iter().copied().chain(unit).collect();
        let table = source.gather(&needed)?;
        let mut complete = vec![true; table.num_rows()];
        for column in &needed {
            let present = present(&table, column)?;
            complete
                .iter_mut()
                .zip(present)
                .for_each(|(complete, present)| *complete &= present);
        }
        let rows = filter_record_batch(&table, &BooleanArray::from(complete))?;
        let left_out = table.num_rows() - rows.num_rows();
        if rows.num_rows() == 0 {
            return Err(Error::invalid(format!(
                "the {role} table must hold at least 1 labelled row, got 0 of {}",
                table.num_rows()
            )));
        }
        let units = unit.map(|unit| Units::of(&rows, unit)).transpose()?;
        Ok(Self {
            units: units.map(|units| units.of_rows()),
            rows,
            left_out,
        })
    }
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
