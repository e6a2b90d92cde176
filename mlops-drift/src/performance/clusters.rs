//! Rows in units: sums per unit, and the mean whose variance respects them.

use std::collections::HashMap;

use mlops_core::evidence::Interval;
use mlops_core::{Error, Result};

use super::Estimate;
use super::estimate::student_quantile;

/// The unit of every row, numbered from 0.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Clusters {
    of_row: Vec<u32>,
    count: usize,
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

    /// The squared standard error of the mean: I/(I − 1)·Σ (sum of deviations in a unit)²/n², which
    /// for units of one row is the sample variance over n.
    pub(super) fn variance_of_mean(&self, values: &[f64], mean: f64) -> f64 {
        let deviations = values.iter().map(|value| value - mean).enumerate();
        let squares: f64 = self.sums(deviations).iter().map(|sum| sum * sum).sum();
        let units = self.count as f64;
        squares * units / (units - 1.0) / (values.len() as f64).powi(2)
    }

    /// The mean with its t interval, cut to `range`.
    pub(super) fn mean(
        &self,
        values: &[f64],
        confidence: f64,
        range: (f64, f64),
    ) -> Result<Estimate> {
        if self.count < 2 {
            return Err(Error::invalid(format!(
                "an interval needs at least 2 independent units, got {}",
                self.count
            )));
        }
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let error = self.variance_of_mean(values, mean).sqrt();
        let radius = error * student_quantile(confidence, (self.count - 1) as f64)?;
        let (low, high) = range;
        Ok(Estimate {
            value: mean,
            interval: Interval::new(
                (mean - radius).max(low).min(mean),
                (mean + radius).min(high).max(mean),
                confidence,
            )?,
            n: values.len(),
            units: self.count,
        })
    }
}
