//! Columns brought to mean 0 and standard deviation 1.

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::Points;

/// The mean and the standard deviation (divisor n) of every dimension of some points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Standard {
    means: Vec<f64>,
    deviations: Vec<f64>,
}

impl Standard {
    pub(super) fn of(points: &Points) -> Result<Self> {
        let mean_of = |value: &dyn Fn(usize, f64) -> f64| -> Vec<f64> {
            let mut sums = vec![0.0; points.dimensions()];
            for row in points.rows() {
                let values = row.iter().enumerate().map(|(d, x)| value(d, *x));
                sums.iter_mut()
                    .zip(values)
                    .for_each(|(sum, x)| *sum += x / points.len() as f64);
            }
            sums
        };
        let mut means = mean_of(&|_, x| x);
        let variances = mean_of(&|d, x| (x - means[d]).powi(2));
        if let Some(variance) = variances.iter().find(|variance| !variance.is_finite()) {
            return Err(Error::invalid(format!(
                "variances must be finite, got {variance}"
            )));
        }
        // Rounding gives a constant a deviation, too.
        let first = points.rows().next().unwrap_or(&[]).to_vec();
        let varies = |d: usize| points.rows().any(|row| row[d] != first[d]);
        let mut deviations: Vec<f64> = variances.iter().map(|variance| variance.sqrt()).collect();
        for (d, value) in first.iter().enumerate().filter(|(d, _)| !varies(*d)) {
            (means[d], deviations[d]) = (*value, 0.0);
        }
        Ok(Self { means, deviations })
    }

    pub(super) fn dimensions(&self) -> usize {
        self.means.len()
    }

    /// How many dimensions vary.
    pub(super) fn varying(&self) -> usize {
        self.deviations
            .iter()
            .filter(|deviation| **deviation > 0.0)
            .count()
    }

    /// Whether a row has another value in a dimension that did not vary.
    pub(super) fn is_left_by(&self, row: &[f64]) -> bool {
        let scales = self.means.iter().zip(&self.deviations);
        row.iter()
            .zip(scales)
            .any(|(x, (mean, deviation))| *deviation == 0.0 && x != mean)
    }

    /// A row in standard deviations from the mean; 0 in a dimension that does not vary.
    pub(super) fn row(&self, row: &[f64]) -> Vec<f64> {
        let scales = self.means.iter().zip(&self.deviations);
        let scaled = row.iter().zip(scales).map(|(x, (mean, deviation))| {
            if *deviation > 0.0 {
                (x - mean) / deviation
            } else {
                0.0
            }
        });
        scaled.collect()
    }
}
