//! What the small regressions of this module see of a row: an intercept, every column and its square.

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::multivariate::Points;
use crate::sample::Moments;
use crate::stream::part;

/// Columns, standardized by the rows it was fitted to; a constant column becomes 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub(super) struct Basis {
    /// Mean and standard deviation by column.
    scales: Vec<(f64, f64)>,
}

/// Scales as they are read, before they are known to be some.
#[derive(Deserialize)]
struct Written {
    scales: Vec<(f64, f64)>,
}

impl TryFrom<Written> for Basis {
    type Error = Error;

    fn try_from(Written { scales }: Written) -> Result<Self> {
        for (_, deviation) in &scales {
            part("standard deviation of a column", *deviation, 0.0, f64::MAX)?;
        }
        Ok(Self { scales })
    }
}

impl Basis {
    pub(super) fn of(columns: usize, sides: &[&Points]) -> Result<Self> {
        let scale = |column: usize| {
            let rows = sides.iter().flat_map(|points| points.rows());
            let moments: Moments = rows.map(|row| row[column]).collect();
            let scale = moments.mean().zip(moments.standard_deviation());
            scale.ok_or_else(|| {
                Error::invalid(format!(
                    "column {column} must have a finite mean and variance"
                ))
            })
        };
        let scales = (0..columns).map(scale).collect::<Result<_>>()?;
        Ok(Self { scales })
    }

    pub(super) fn size(&self) -> usize {
        1 + 2 * self.scales.len()
    }

    pub(super) fn row(&self, row: &[f64]) -> Vec<f64> {
        let standardized = row.iter().zip(&self.scales).map(|(x, (mean, deviation))| {
            if *deviation > 0.0 {
                (x - mean) / deviation
            } else {
                0.0
            }
        });
        let squares = standardized.clone().map(|z| z * z);
        std::iter::once(1.0)
            .chain(standardized)
            .chain(squares)
            .collect()
    }
}

/// Rows for a regression: of one width, none missing.
pub(super) fn check_points(what: &str, points: &Points, columns: usize) -> Result<()> {
    if points.dimensions() != columns {
        return Err(Error::invalid(format!(
            "{what} must have {columns} columns, got {}",
            points.dimensions()
        )));
    }
    if points.missing() > 0 {
        return Err(Error::invalid(format!(
            "{what} must not be missing, got {} missing rows",
            points.missing()
        )));
    }
    Ok(())
}
