//! Units in place of rows: for expectations at a level whose rows share a user or an hour.

use std::collections::HashMap;

use arrow::array::RecordBatch;
use arrow::buffer::NullBuffer;
use mlops_core::Result;
use serde::{Deserialize, Serialize};

use super::key::{Key, RowKeys};
use crate::serial::Series;

/// The units of the rows of all parts, numbered as they appear. Rows without a unit are of one more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<Option<Key>>", into = "Vec<Option<Key>>")]
pub(super) struct UnitNumbers(HashMap<Option<Key>, usize>);

impl UnitNumbers {
    /// The units of the rows of the next part.
    pub(super) fn of(&mut self, part: &RecordBatch, unit: &str) -> Result<Vec<usize>> {
        let keys = RowKeys::of(part, [unit])?;
        let number = |row| {
            let next = self.0.len();
            *self.0.entry(keys.get(row)).or_insert(next)
        };
        Ok((0..part.num_rows()).map(number).collect())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl From<Vec<Option<Key>>> for UnitNumbers {
    fn from(keys: Vec<Option<Key>>) -> Self {
        Self(keys.into_iter().zip(0..).collect())
    }
}

impl From<UnitNumbers> for Vec<Option<Key>> {
    fn from(numbers: UnitNumbers) -> Self {
        let mut keys: Vec<_> = numbers.0.into_iter().collect();
        keys.sort_unstable_by_key(|(_, number)| *number);
        keys.into_iter().map(|(key, _)| key).collect()
    }
}

/// Which of the units that hold a row of an expectation hold one with a value, and which one that breaks it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BrokenUnits {
    numbers: UnitNumbers,
    with_value: Vec<bool>,
    broken: Vec<bool>,
}

impl BrokenUnits {
    /// Rows of the next part, those in which a value is missing, and those that are broken.
    pub(super) fn add(
        &mut self,
        rows: &RecordBatch,
        unit: &str,
        nulls: Option<&NullBuffer>,
        broken: &[usize],
    ) -> Result<()> {
        let units = self.numbers.of(rows, unit)?;
        self.with_value.resize(self.numbers.len(), false);
        self.broken.resize(self.numbers.len(), false);
        for (row, &unit) in units.iter().enumerate() {
            self.with_value[unit] |= nulls.is_none_or(|nulls| nulls.is_valid(row));
        }
        broken
            .iter()
            .for_each(|&row| self.broken[units[row]] = true);
        Ok(())
    }

    pub(super) fn len(&self) -> u64 {
        self.numbers.len() as u64
    }

    pub(super) fn with_value(&self) -> u64 {
        count(&self.with_value)
    }

    /// Whether each of the first units holds a row that breaks it, as 1 and 0.
    pub(super) fn series(&self) -> Series {
        let broken = self.broken.iter();
        Series::of_numbers(broken.map(|&is_broken| f64::from(u8::from(is_broken))))
    }

    pub(super) fn broken(&self) -> u64 {
        count(&self.broken)
    }
}

fn count(flags: &[bool]) -> u64 {
    flags.iter().filter(|is| **is).count() as u64
}
