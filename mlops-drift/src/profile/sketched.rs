use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use mlops_core::Result;
use serde::{Deserialize, Serialize};

use super::{Framed, TableProfile};
use crate::parallel;
use crate::summary::{ColumnSummary, TableSummary};
use crate::table::{Chunks, Table, field_of};

const FRAMED: Framed = Framed {
    magic: b"MLPS",
    // Counts up with every change that an older reader cannot follow.
    version: 1,
    of: "profile with sketches",
};

/// A [`TableProfile`] and a [`TableSummary`] of the same rows, made in one pass: exact counts, on which verdicts rest, and sketches of
/// quantiles, distinct values and frequent labels beside them, which are as fine for a later table far from the reference.
///
/// **Cost**: as both; what is read is read once, but for columns that a profile reads several times itself.
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
/// use mlops_drift::{DriftCheck, profile::SketchedProfile};
///
/// let day = |shift: f64| {
///     let column = Float64Array::from_iter_values((0..1_000).map(|i| f64::from(i) + shift));
///     RecordBatch::try_from_iter([("temperature", Arc::new(column) as ArrayRef)])
/// };
/// let reference = SketchedProfile::of(&day(0.0)?)?;
/// let mut week = reference.like(&day(5_000.0)?)?;
/// week.merge(&reference.like(&day(6_000.0)?)?)?;
/// assert!(DriftCheck::against(reference.profile()).run(week.profile())?.verdict.drifted);
///
/// // Beyond the reference a profile knows no more than the extremes; a sketch does.
/// let temperature = week.summary().column("temperature")?;
/// assert!((temperature.quantiles().quantile(0.25)?.unwrap() - 5_500.0).abs() < 20.0);
/// assert!(temperature.distinct().unwrap().interval()?.contains(2_000.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SketchedProfile {
    profile: TableProfile,
    summary: TableSummary,
}

impl SketchedProfile {
    /// Of a reference.
    ///
    /// # Errors
    /// As [`TableProfile::of`]'s.
    pub fn of(reference: &dyn Table) -> Result<Self> {
        let schema = reference.schema();
        let names = schema.fields().iter().map(|field| field.name().clone());
        Self::read(reference, names.collect(), |table| TableProfile::of(table))
    }

    /// Of a later table, on the same grids.
    ///
    /// # Errors
    /// As [`TableProfile::like`]'s.
    pub fn like(&self, table: &dyn Table) -> Result<Self> {
        let columns = self.summary.columns().iter();
        let names = columns.map(|column| column.name().to_owned()).collect();
        Self::read(table, names, |table| self.profile.like(table))
    }

    fn read(
        table: &dyn Table,
        names: Vec<String>,
        profile: impl FnOnce(&Tee<'_>) -> Result<TableProfile>,
    ) -> Result<Self> {
        let tee = Tee::of(table, &names)?;
        let profile = profile(&tee)?;
        let columns = parallel::map(&names, |name| match tee.take(name) {
            Some(Seen::Whole(summary)) => Ok(summary),
            // Of a kind that no profile reads.
            _ => ColumnSummary::of(table, field_of(&table.schema(), name)?),
        })?;
        Ok(Self {
            profile,
            summary: TableSummary::of_columns(table.rows(), columns),
        })
    }

    /// The rows of another one, of the same reference.
    ///
    /// # Errors
    /// As [`TableProfile::merge`]'s; nothing is merged then.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        let mut merged = self.clone();
        merged.profile.merge(&other.profile)?;
        merged.summary.merge(&other.summary)?;
        *self = merged;
        Ok(())
    }

    /// The exact counts: what a check compares.
    pub fn profile(&self) -> &TableProfile {
        &self.profile
    }

    /// The sketches.
    pub fn summary(&self) -> &TableSummary {
        &self.summary
    }

    /// Both as bytes: `MLPS`, the version as u16, the SHA-256 of the rest, and CBOR.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        FRAMED.write(self)
    }

    /// Both from bytes.
    ///
    /// # Errors
    /// As [`TableProfile::from_bytes`]'s.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from(vec![1, 2])) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// use mlops_drift::profile::SketchedProfile;
    /// let bytes = SketchedProfile::of(&table)?.to_bytes()?;
    /// assert_eq!(SketchedProfile::from_bytes(&bytes)?.summary().rows(), 2);
    /// assert!(SketchedProfile::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        FRAMED.read(bytes)
    }
}

/// A table whose parts are summarized when they are read for the first time.
struct Tee<'a> {
    table: &'a dyn Table,
    columns: BTreeMap<String, Mutex<Option<Seen>>>,
}

/// What has been read of a column.
enum Seen {
    Nothing(ColumnSummary),
    Whole(ColumnSummary),
}

impl<'a> Tee<'a> {
    fn of(table: &'a dyn Table, names: &[String]) -> Result<Self> {
        let schema = table.schema();
        let empty = |name: &String| {
            let summary = ColumnSummary::empty(name, field_of(&schema, name)?.data_type())?;
            Ok((name.clone(), Mutex::new(Some(Seen::Nothing(summary)))))
        };
        Ok(Self {
            table,
            columns: names.iter().map(empty).collect::<Result<_>>()?,
        })
    }

    fn take(&self, name: &str) -> Option<Seen> {
        let seen = self.columns.get(name)?;
        seen.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, name: &str, summary: ColumnSummary) {
        if let Some(seen) = self.columns.get(name) {
            *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Seen::Whole(summary));
        }
    }
}

impl Table for Tee<'_> {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn rows(&self) -> u64 {
        self.table.rows()
    }

    fn column(&self, name: &str) -> Result<Chunks<'_>> {
        let parts = self.table.column(name)?;
        match self.take(name) {
            Some(Seen::Nothing(summary)) => Ok(Box::new(Summarized {
                tee: self,
                name: name.to_owned(),
                summary: Some(summary),
                parts,
            })),
            Some(Seen::Whole(summary)) => {
                self.put(name, summary);
                Ok(parts)
            }
            None => Ok(parts),
        }
    }
}

/// The parts of a column, which are summarized as they pass.
struct Summarized<'a> {
    tee: &'a Tee<'a>,
    name: String,
    /// Until all of them have passed.
    summary: Option<ColumnSummary>,
    parts: Chunks<'a>,
}

impl Iterator for Summarized<'_> {
    type Item = Result<ArrayRef>;

    fn next(&mut self) -> Option<Self::Item> {
        match (self.parts.next(), &mut self.summary) {
            (Some(Ok(part)), Some(summary)) => Some(summary.add(&part).map(|()| part)),
            (None, summary) => {
                if let Some(summary) = summary.take() {
                    self.tee.put(&self.name, summary);
                }
                None
            }
            (part, _) => part,
        }
    }
}
