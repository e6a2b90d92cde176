//! One column of one batch, read for testing: row by row, or aggregated to units.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch};
use mlops_core::Result;
use serde::{Deserialize, Serialize};

use super::unit_labels::UnitLabels;
use crate::profile::{self, FacetProfile, Measured};
use crate::sample::{CategoricalSample, ColumnKind, Infinite, NumericSample, numbers};
use crate::serial::Series;
use crate::table::{column_of, units_of};

/// The values of a column, and how much of it is missing.
pub(super) struct Observed {
    pub(super) values: Values,
    pub(super) missing: Missing,
    pub(super) first: Series,
}

pub(super) enum Values {
    Numeric(NumericSample),
    Categorical(CategoricalSample),
    Units(UnitLabels),
    Profile(profile::Values),
}

/// What is known about missing values.
pub(super) enum Missing {
    /// Rows that are `[missing, present]`.
    Rows([u64; 2]),
    /// The missing share of every unit.
    Units(NumericSample),
}

impl Values {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Numeric(sample) => sample.len(),
            Self::Categorical(sample) => sample.len(),
            Self::Units(labels) => labels.len(),
            Self::Profile(profile) => profile.present() as usize,
        }
    }

    /// How many are infinite numbers.
    pub(super) fn infinite(&self) -> usize {
        match self {
            Self::Numeric(sample) => sample.infinite().iter().sum(),
            Self::Profile(profile::Values::Numeric(profile)) => {
                profile.infinite().iter().sum::<u64>() as usize
            }
            Self::Categorical(_) | Self::Units(_) | Self::Profile(_) => 0,
        }
    }
}

impl Observed {
    /// What a profile tells, with this policy for ±inf.
    pub(super) fn of_profile(values: profile::Values, infinite: Infinite) -> Result<Self> {
        let values = values.with_infinite(infinite)?;
        let missing = Missing::Rows([values.missing(), values.present()]);
        Ok(Self {
            values: Values::Profile(values),
            missing,
            first: Series::default(),
        })
    }
}

impl Missing {
    /// How many rows, or units.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Rows([missing, present]) => (missing + present) as usize,
            Self::Units(shares) => shares.len(),
        }
    }

    /// The missing share of the rows, or the mean of those of the units.
    pub(super) fn share(&self) -> f64 {
        match self {
            Self::Rows([missing, present]) => {
                *missing as f64 / ((missing + present) as f64).max(1.0)
            }
            Self::Units(shares) => shares.mean().unwrap_or(0.0),
        }
    }
}

/// The unit of every row: a number below `count`.
pub(crate) struct Units {
    of_row: Vec<u32>,
    count: usize,
}

impl Units {
    /// Numbers the distinct values of the unit column in order of appearance.
    pub(crate) fn of(batch: &RecordBatch, column: &str) -> Result<Self> {
        let rows = units_of(batch, column)?;
        let mut numbers = HashMap::new();
        let of_row = rows
            .iter()
            .map(|row| {
                let next = numbers.len() as u32;
                *numbers.entry(row).or_insert(next)
            })
            .collect();
        Ok(Self {
            of_row,
            count: numbers.len(),
        })
    }
}

impl Units {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// The units of the rows, in their order.
    pub(crate) fn in_order(&self) -> &[u32] {
        &self.of_row
    }

    /// The number of the unit of every row.
    pub(crate) fn of_rows(&self) -> Vec<u64> {
        self.of_row.iter().map(|&unit| unit.into()).collect()
    }
}

/// The column of this name.
pub(crate) fn find<'a>(batch: &'a RecordBatch, column: &str) -> Result<&'a ArrayRef> {
    column_of(batch, column)
}

/// Reads a column as numbers or as categories.
pub(super) fn observe(
    array: &ArrayRef,
    units: Option<&Units>,
    numeric: bool,
    infinite: Infinite,
) -> Result<Observed> {
    match (numeric, units) {
        (true, None) => {
            let values = numbers(array)?;
            let is_missing = |x: f64| x.is_infinite() && infinite == Infinite::Missing;
            let present = values
                .iter()
                .map(|&x| if is_missing(x) { f64::NAN } else { x });
            let first = Series::of_numbers(present);
            let sample = NumericSample::with_infinite(values, infinite)?;
            let missing = Missing::Rows([sample.missing() as u64, sample.len() as u64]);
            Ok(Observed {
                values: Values::Numeric(sample),
                missing,
                first,
            })
        }
        (false, None) => {
            let sample = CategoricalSample::from_array(array)?;
            let missing = Missing::Rows([sample.missing() as u64, sample.len() as u64]);
            let mut first = Series::of_kind(ColumnKind::Categorical);
            first.add(array)?;
            Ok(Observed {
                values: Values::Categorical(sample),
                missing,
                first,
            })
        }
        (true, Some(units)) => mean_per_unit(array, units, infinite),
        (false, Some(units)) => {
            let (labels, tally, first) = UnitLabels::of(array, units)?;
            Ok(Observed {
                values: Values::Units(labels),
                first: first.missing(tally.shares()),
                missing: tally.missing(),
            })
        }
    }
}

/// Rows and missing rows of every unit.
pub(super) struct Tally {
    rows: Vec<u64>,
    missing: Vec<u64>,
}

impl Tally {
    pub(super) fn new(units: &Units) -> Self {
        Self {
            rows: vec![0; units.count],
            missing: vec![0; units.count],
        }
    }

    pub(super) fn count(&mut self, unit: u32, is_missing: bool) {
        self.rows[unit as usize] += 1;
        self.missing[unit as usize] += u64::from(is_missing);
    }

    /// A unit of which nothing is known.
    fn lose(&mut self, unit: usize) {
        self.missing[unit] = self.rows[unit];
    }

    /// The missing share of every unit, in their order.
    fn shares(&self) -> impl Iterator<Item = f64> {
        let shares = self.missing.iter().zip(&self.rows);
        shares.map(|(&missing, &rows)| missing as f64 / rows as f64)
    }

    fn missing(&self) -> Missing {
        Missing::Units(NumericSample::new(self.shares()))
    }
}

/// The mean of some numbers, value by value: never beyond their range, and of equal values that very value.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mean {
    finite: u64,
    mean: f64,
    /// Whether −∞ is among them, and +∞.
    infinite: [bool; 2],
}

impl Mean {
    pub(crate) fn push(&mut self, value: f64) {
        if value.is_infinite() {
            self.infinite[usize::from(value > 0.0)] = true;
            return;
        }
        self.finite += 1;
        let count = self.finite as f64;
        self.mean += value / count - self.mean / count; // (value - mean)/count could overflow
    }

    /// Whether −∞ meets +∞.
    pub(crate) fn is_undefined(self) -> bool {
        self.infinite == [true, true]
    }

    /// NaN of none, and where −∞ meets +∞.
    pub(crate) fn get(self) -> f64 {
        match self.infinite {
            [true, true] => f64::NAN,
            [true, false] => f64::NEG_INFINITY,
            [false, true] => f64::INFINITY,
            [false, false] if self.finite == 0 => f64::NAN,
            [false, false] => self.mean,
        }
    }
}

fn mean_per_unit(array: &ArrayRef, units: &Units, infinite: Infinite) -> Result<Observed> {
    let (means, tally) = means_of(numbers(array)?, units, infinite);
    let first = Series::of_numbers(means.iter().copied()).missing(tally.shares());
    let sample = NumericSample::with_infinite(means, infinite)?;
    Ok(Observed {
        values: Values::Numeric(sample),
        missing: tally.missing(),
        first,
    })
}

/// The facets of texts or embeddings by their mean in each unit, counted on the grids of the reference, if it is not this one.
pub(super) fn facets_per_unit(
    array: &ArrayRef,
    units: &Units,
    of: Measured,
    reference: Option<&FacetProfile>,
) -> Result<Observed> {
    let (mut means, mut missing) = (Vec::new(), None);
    for facet in of.of_column(array)? {
        let values = facet.iter().map(|value| value.unwrap_or(f64::NAN));
        let (facet, tally) = means_of(values, units, Infinite::Keep);
        means.push(Arc::new(Float64Array::from(facet)) as ArrayRef);
        missing.get_or_insert(tally); // alike for all of them
    }
    let tally = missing.unwrap_or_else(|| Tally::new(units));
    let first = Series::of_facets(of, &means)?.missing(tally.shares());
    let profile = match reference {
        Some(reference) => reference.like_facets(&means)?,
        None => FacetProfile::of_facets(of, &means)?,
    };
    Ok(Observed {
        values: Values::Profile(profile::Values::Facets(profile)),
        missing: tally.missing(),
        first,
    })
}

/// The mean of the rows of every unit, NaN where there is none, and what is missing.
fn means_of(
    values: impl IntoIterator<Item = f64>,
    units: &Units,
    infinite: Infinite,
) -> (Vec<f64>, Tally) {
    let mut tally = Tally::new(units);
    let mut means = vec![Mean::default(); units.count];
    for (value, &unit) in values.into_iter().zip(&units.of_row) {
        let is_missing = value.is_nan() || (value.is_infinite() && infinite == Infinite::Missing);
        tally.count(unit, is_missing);
        if !is_missing {
            means[unit as usize].push(value);
        }
    }
    let means: Vec<f64> = means.into_iter().map(Mean::get).collect();
    for (unit, mean) in means.iter().enumerate() {
        if mean.is_nan() {
            tally.lose(unit);
        }
    }
    (means, tally)
}
