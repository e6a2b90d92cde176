use std::collections::HashMap;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{DataType, Field};
use mlops_core::{Error, ErrorKind, Result, type_name};
use serde::{Deserialize, Serialize};

use super::sketch::{Distinct, FrequentLabels, Quantiles};
use crate::profile::Segments;
use crate::sample::{ColumnKind, Moments, integers, labels, numbers};
use crate::table::{Table, parts_of};

/// What a column holds.
///
/// ```
/// # use std::sync::Arc;
/// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
/// use mlops_drift::summary::TableSummary;
/// let column = Float64Array::from(vec![Some(1.0), None, Some(f64::NAN), Some(f64::INFINITY), Some(3.0)]);
/// let summary = TableSummary::of(&RecordBatch::try_from_iter([("x", Arc::new(column) as ArrayRef)])?)?;
/// let x = summary.column("x")?;
/// assert_eq!((x.nulls(), x.nans(), x.infinite()), (1, 1, [0, 1]));
/// assert_eq!((x.moments().count(), x.moments().mean()), (2, Some(2.0)));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnSummary {
    name: String,
    data_type: String,
    rows: u64,
    nulls: u64,
    nans: u64,
    infinite: [u64; 2],
    moments: Moments,
    quantiles: Quantiles,
    distinct: Option<Distinct>,
    frequent: FrequentLabels,
}

/// A label, and at least and at most how many values carry it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frequent {
    /// The label.
    pub label: String,
    /// Surely no fewer.
    pub at_least: u64,
    /// Surely no more.
    pub at_most: u64,
}

impl ColumnSummary {
    pub(crate) fn of(table: &dyn Table, field: &Field) -> Result<Self> {
        let name = field.name();
        let mut summary = Self::empty(name, field.data_type())?;
        for part in parts_of(table, name)? {
            let added = part.and_then(|part| summary.add(&part));
            added.map_err(|error| error.context("column", name))?;
        }
        Ok(summary)
    }

    /// Of every segment of a table.
    pub(super) fn by(table: &dyn Table, field: &Field, segments: &Segments) -> Result<Vec<Self>> {
        let name = field.name();
        let empty = Self::empty(name, field.data_type())?;
        let mut summaries = vec![empty; segments.names().len()];
        let mut start = 0;
        for part in parts_of(table, name)? {
            let part = part?;
            for (segment, rows) in segments.split(start, &part)? {
                let added = summaries[segment].add(&rows);
                added.map_err(|error| error.context("column", name))?;
            }
            start += part.len();
        }
        Ok(summaries)
    }

    /// Whether what it counts fits so many rows.
    pub(super) fn fits(&self, rows: u64) -> bool {
        let [below, above] = self.infinite;
        let parts = [self.nulls, self.nans, below, above, self.moments.count()];
        let counted = parts
            .iter()
            .try_fold(0_u64, |sum, part| sum.checked_add(*part));
        self.rows == rows && counted.is_some_and(|counted| counted <= rows)
    }

    /// No rows yet.
    pub(crate) fn empty(name: &str, data_type: &DataType) -> Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            data_type: type_name(data_type),
            rows: 0,
            nulls: 0,
            nans: 0,
            infinite: [0, 0],
            moments: Moments::default(),
            quantiles: Quantiles::default(),
            distinct: is_counted(data_type).then(Distinct::new).transpose()?,
            frequent: FrequentLabels::new()?,
        })
    }

    /// The rows of one more part.
    pub(crate) fn add(&mut self, part: &ArrayRef) -> Result<()> {
        self.rows += part.len() as u64;
        self.nulls += part.logical_null_count() as u64;
        match ColumnKind::of(part.data_type()) {
            ColumnKind::Numeric | ColumnKind::Temporal => self.add_numbers(part),
            ColumnKind::Categorical => self.add_labels(part),
            ColumnKind::Embedding | ColumnKind::Null | ColumnKind::Unsupported => Ok(()),
        }
    }

    fn add_numbers(&mut self, part: &ArrayRef) -> Result<()> {
        let values = numbers(part)?;
        let nans = values.iter().filter(|value| value.is_nan()).count();
        self.nans += (nans - part.logical_null_count()) as u64;
        let [negative, positive] = [f64::NEG_INFINITY, f64::INFINITY]
            .map(|end| values.iter().filter(|&&value| value == end).count() as u64);
        self.infinite = [self.infinite[0] + negative, self.infinite[1] + positive];
        let finite: Vec<f64> = values
            .into_iter()
            .filter(|value| value.is_finite())
            .collect();
        self.moments.merge(&Moments::of(&finite));
        self.quantiles.add(&finite);
        if let Some(distinct) = &mut self.distinct {
            *distinct = match integers(part)? {
                Some(integers) => distinct.with_integers(integers)?,
                None => distinct.with_numbers(&finite)?,
            };
        }
        Ok(())
    }

    fn add_labels(&mut self, part: &ArrayRef) -> Result<()> {
        let labels = labels(part)?;
        let mut counts: HashMap<&str, u64> = HashMap::new();
        for label in labels.iter().flatten() {
            *counts.entry(label).or_default() += 1;
        }
        if let Some(distinct) = &mut self.distinct {
            *distinct = distinct.with_labels(counts.keys().copied())?;
        }
        let mut counts: Vec<(&str, u64)> = counts.into_iter().collect();
        counts.sort_unstable(); // the same sketch for the same rows
        self.frequent.add(&counts);
        Ok(())
    }

    pub(super) fn merged(&self, other: &Self) -> Result<Self> {
        if (&self.name, &self.data_type) != (&other.name, &other.data_type) {
            let what = format!(
                "a column must be \"{}\" of {} in both summaries, got \"{}\" of {}",
                self.name, self.data_type, other.name, other.data_type
            );
            return Err(Error::new(ErrorKind::SignatureMismatch, what));
        }
        let mut merged = self.clone();
        merged.rows += other.rows;
        merged.nulls += other.nulls;
        merged.nans += other.nans;
        merged.infinite = [0, 1].map(|end: usize| self.infinite[end] + other.infinite[end]);
        merged.moments.merge(&other.moments);
        merged.quantiles.merge(&other.quantiles);
        let both = self.distinct.as_ref().zip(other.distinct.as_ref());
        merged.distinct = both.map(|(a, b)| a.merged(b)).transpose()?;
        merged.frequent.merge(&other.frequent);
        Ok(merged)
    }

    /// The column's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The [name](type_name) of the column's Arrow type.
    pub fn data_type(&self) -> &str {
        &self.data_type
    }

    /// How many rows.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many rows are null.
    pub fn nulls(&self) -> u64 {
        self.nulls
    }

    /// How many values are NaN.
    pub fn nans(&self) -> u64 {
        self.nans
    }

    /// How many values are −∞ and how many +∞.
    pub fn infinite(&self) -> [u64; 2] {
        self.infinite
    }

    /// Number, extremes and moments of the finite values; of none for a column of labels.
    pub fn moments(&self) -> &Moments {
        &self.moments
    }

    /// Quantiles of the finite values, estimated.
    pub fn quantiles(&self) -> &Quantiles {
        &self.quantiles
    }

    /// How many distinct values, estimated; `None` if they are not counted, as of bytes and nested columns. Integers, times and
    /// decimals of up to 128 bits are told apart to the last digit, wider decimals as floats.
    pub fn distinct(&self) -> Option<&Distinct> {
        self.distinct.as_ref()
    }

    /// The most frequent labels, within sure bounds; none for a column of numbers.
    pub fn frequent(&self) -> &FrequentLabels {
        &self.frequent
    }
}

fn is_counted(data_type: &DataType) -> bool {
    use ColumnKind as K;
    matches!(
        ColumnKind::of(data_type),
        K::Numeric | K::Temporal | K::Categorical
    )
}
