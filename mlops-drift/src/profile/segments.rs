use std::collections::BTreeMap;

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::take;
use mlops_core::{Error, Result};

use crate::sample::labels;
use crate::table::{Table, parts_of};

/// Segments that one table may have.
const MOST: u64 = 10_000;
/// The segment of a row without a label.
const NONE: u32 = u32::MAX;

/// The rows of a table by the label that they carry in one column. 4 bytes a row.
pub(crate) struct Segments {
    names: Vec<String>,
    of_row: Vec<u32>,
}

impl Segments {
    /// Of a table that may have so many, which is checked while it is read.
    pub(crate) fn of(table: &dyn Table, column: &str, most: u64) -> Result<Self> {
        let most = most.min(MOST);
        let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
        let mut of_row = Vec::new(); // what a footer says of its rows is no reason to reserve memory
        for chunk in parts_of(table, column)? {
            for label in labels(&chunk?)?.iter() {
                let number = match label {
                    None => NONE,
                    Some(label) => match numbers.get(label) {
                        Some(number) => *number,
                        None if numbers.len() as u64 == most => return Err(too_many(column, most)),
                        None => {
                            numbers.insert(label.to_owned(), numbers.len() as u32);
                            numbers.len() as u32 - 1
                        }
                    },
                };
                of_row.push(number);
            }
        }
        let mut names = vec![String::new(); numbers.len()];
        for (name, number) in numbers {
            names[number as usize] = name;
        }
        Ok(Self { names, of_row })
    }

    /// The labels, in order of appearance.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// How many rows each segment has.
    pub(crate) fn rows(&self) -> Vec<u64> {
        let mut rows = vec![0; self.names.len()];
        let labelled = self.of_row.iter().filter(|&&segment| segment != NONE);
        labelled.for_each(|&segment| rows[segment as usize] += 1);
        rows
    }

    /// A part of a column that starts at this row, as a part for each segment that has rows in it.
    pub(crate) fn split(&self, start: usize, part: &ArrayRef) -> Result<Vec<(usize, ArrayRef)>> {
        let of_row = self.of_row.get(start..start + part.len()).ok_or_else(|| {
            Error::invalid(format!(
                "every column must hold {} rows, got at least {}",
                self.of_row.len(),
                start + part.len()
            ))
        })?;
        let mut order: Vec<u32> = (0..part.len() as u32).collect();
        order.retain(|&row| of_row[row as usize] != NONE);
        order.sort_by_key(|&row| of_row[row as usize]); // stable: rows keep their order
        let sorted = take(part, &UInt32Array::from(order.clone()), None)?;
        let mut parts = Vec::new();
        let mut done = 0;
        for rows in order.chunk_by(|&a, &b| of_row[a as usize] == of_row[b as usize]) {
            let segment = of_row[rows[0] as usize] as usize;
            parts.push((segment, sorted.slice(done, rows.len())));
            done += rows.len();
        }
        Ok(parts)
    }
}

fn too_many(column: &str, most: u64) -> Error {
    Error::invalid(format!(
        "column \"{column}\" must hold at most {most} labels, got more: profiles of segments are held at once, within 1 GiB"
    ))
}
