//! The rows of a table that enter: all, or one a unit.

use std::collections::HashMap;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use mlops_core::{Error, ErrorKind, Result, type_name};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Lattice;
use crate::sample::ColumnKind;
use crate::table::{Table, gathered, missing, units_of};

/// Rows that a bitmap numbers.
const MOST: usize = u32::MAX as usize / 4;

/// The columns of the lattice, and which rows of the table they hold, ascending.
pub(super) fn of(
    table: &dyn Table,
    lattice: &Lattice,
    role: &str,
) -> Result<(RecordBatch, Vec<u32>)> {
    let of_table = |error: Error| error.context("table", role);
    let schema = table.schema();
    let columns: Vec<&str> = match &lattice.columns {
        Some(columns) => columns.iter().map(String::as_str).collect(),
        None => schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect(),
    };
    let mut excepted = lattice.excepted.iter();
    if let Some(unknown) = excepted.find(|name| schema.column_with_name(name).is_none()) {
        return Err(of_table(missing(unknown)));
    }
    let unit = lattice.unit.as_deref();
    let columns: Vec<&str> = columns
        .into_iter()
        .filter(|name| Some(*name) != unit && !lattice.excepted.contains(*name))
        .collect();
    if columns.is_empty() {
        return Err(of_table(Error::invalid(
            "slices need at least 1 column, got 0",
        )));
    }
    let batch = gathered(table, &columns).map_err(of_table)?;
    require_readable(&batch).map_err(of_table)?;
    let rows = batch.num_rows();
    if rows == 0 || rows > MOST {
        return Err(Error::invalid(format!(
            "the {role} table must hold [1, {MOST}] rows, got {rows}"
        )));
    }
    let Some(unit) = unit else {
        return Ok((batch, (0..rows as u32).collect()));
    };
    let drawn = gathered(table, &[unit]).and_then(|units| one_per_unit(&units, unit, lattice.seed));
    let drawn = drawn.map_err(of_table)?;
    Ok((take(&batch, &drawn)?, drawn))
}

/// That predicates can be made of every column.
fn require_readable(batch: &RecordBatch) -> Result<()> {
    use ColumnKind::{Categorical, Null, Numeric, Temporal};
    let schema = batch.schema();
    let mut fields = schema.fields().iter();
    let odd = fields.find(|field| {
        let kind = ColumnKind::of(field.data_type());
        !matches!(kind, Categorical | Null | Numeric | Temporal)
    });
    match odd {
        None => Ok(()),
        Some(field) => Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "slices are cut by numbers, dates, times, texts and booleans, got {}: leave this one out by `except`",
                type_name(field.data_type())
            ),
        )
        .context("column", field.name())),
    }
}

pub(super) fn take(batch: &RecordBatch, rows: &[u32]) -> Result<RecordBatch> {
    Ok(take_record_batch(
        batch,
        &UInt32Array::from_iter_values(rows.iter().copied()),
    )?)
}

/// One row drawn uniformly of each unit, in one pass: the i-th row of a unit replaces the one held with
/// probability 1/i (Vitter, "Random sampling with a reservoir", ACM Transactions on Mathematical Software
/// 11, 1985).
fn one_per_unit(batch: &RecordBatch, unit: &str, seed: u64) -> Result<Vec<u32>> {
    let keys = units_of(batch, unit)?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut held: HashMap<_, (u32, u32)> = HashMap::new();
    for (row, key) in (0..).zip(keys.iter()) {
        let (seen, kept) = held.entry(key).or_insert((0, row));
        *seen += 1;
        if rng.random_range(0..*seen) == 0 {
            *kept = row;
        }
    }
    let mut rows: Vec<u32> = held.into_values().map(|(_, row)| row).collect();
    rows.sort_unstable();
    Ok(rows)
}

/// What was given row by row, for the rows that enter.
pub(super) fn values<T: Copy>(chosen: &[u32], values: &[T], rows: u64) -> Result<Vec<T>> {
    if values.len() as u64 != rows {
        return Err(Error::invalid(format!(
            "there must be one value for each of {rows} rows, got {}",
            values.len()
        )));
    }
    let of_chosen = chosen.iter().filter_map(|&row| values.get(row as usize));
    Ok(of_chosen.copied().collect())
}
