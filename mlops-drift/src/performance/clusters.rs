//! Rows in units: sums per unit, and the variance that respects them.

use std::collections::HashMap;

/// The unit of every row, numbered from 0.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Clusters {
    of_row: Vec<u32>,
    count: usize,
}

/// Rows, one unit after the other.
pub(crate) struct ByUnit {
    starts: Vec<usize>,
    rows: Vec<usize>,
}

impl ByUnit {
    /// How many units there are.
    pub(crate) fn units(&self) -> usize {
        self.starts.len() - 1
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The rows of a unit.
    pub(crate) fn rows(&self, unit: usize) -> &[usize] {
        &self.rows[self.starts[unit]..self.starts[unit + 1]]
    }
}

impl Clusters {
    /// Every row a unit of its own.
    pub(super) fn rows(rows: usize) -> Self {
        Self {
            of_row: (0..rows as u32).collect(),
            count: rows,
        }
    }

    pub(super) fn new(units: &[u64]) -> Self {
        let mut numbers = HashMap::new();
        let of_row = units
            .iter()
            .map(|unit| {
                let next = numbers.len() as u32;
                *numbers.entry(unit).or_insert(next)
            })
            .collect();
        Self {
            of_row,
            count: numbers.len(),
        }
    }

    /// Of some of the rows, none of them twice.
    pub(super) fn part(&self, rows: &[usize]) -> Self {
        if self.count == self.of_row.len() {
            return Self::rows(rows.len());
        }
        let units = rows.iter().map(|row| u64::from(self.of_row[*row]));
        Self::new(&units.collect::<Vec<_>>())
    }

    /// The units of both, those of the other one last.
    pub(super) fn joined(&self, other: &Self) -> Self {
        let before = self.count as u32;
        let others = other.of_row.iter().map(|unit| unit + before);
        Self {
            of_row: self.of_row.iter().copied().chain(others).collect(),
            count: self.count + other.count,
        }
    }

    /// The rows of every unit.
    pub(super) fn by_unit(&self) -> ByUnit {
        let mut ends = vec![0; self.count + 1];
        self.of_row
            .iter()
            .for_each(|unit| ends[*unit as usize] += 1);
        let mut before = 0;
        for end in &mut ends {
            before += std::mem::replace(end, before);
        }
        let (starts, mut rows) = (ends.clone(), vec![0; self.of_row.len()]);
        for (row, unit) in self.of_row.iter().enumerate() {
            let next = &mut ends[*unit as usize];
            rows[*next] = row;
            *next += 1;
        }
        ByUnit { starts, rows }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn of_row(&self, row: usize) -> usize {
        self.of_row[row] as usize
    }

    /// Per unit the sum of the values, given as (row, value).
    pub(super) fn sums(&self, values: impl Iterator<Item = (usize, f64)>) -> Vec<f64> {
        let mut sums = vec![0.0; self.count];
        values.for_each(|(row, value)| sums[self.of_row(row)] += value);
        sums
    }

    /// The variance of a sum of rows, given as (row, deviation from its mean): I/(I − 1)·Σ (sum in a unit)²
    /// over the units that hold such a row.
    pub(super) fn variance_of_sum(
        &self,
        deviations: impl Iterator<Item = (usize, f64)> + Clone,
    ) -> f64 {
        let units = self.held_by(deviations.clone().map(|(row, _)| row)) as f64;
        let squares: f64 = self.sums(deviations).iter().map(|sum| sum * sum).sum();
        squares * units / (units - 1.0)
    }

    /// How many units hold one of the rows.
    pub(super) fn held_by(&self, rows: impl Iterator<Item = usize>) -> usize {
        self.numbers(rows).len()
    }

    /// The units that hold one of the rows, ascending.
    pub(super) fn numbers(&self, rows: impl Iterator<Item = usize>) -> Vec<usize> {
        let mut held = vec![false; self.count];
        rows.for_each(|row| held[self.of_row(row)] = true);
        (0..self.count).filter(|unit| held[*unit]).collect()
    }
}
