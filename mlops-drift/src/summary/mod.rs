//! Summaries: what a table holds, in one pass, without a reference.
//!
//! | of a column | exact | by a sketch |
//! | --- | --- | --- |
//! | any | rows, missing | |
//! | numbers, times | NaN, ±inf, extremes, moments | quantiles, distinct values |
//! | strings, booleans | | distinct values, frequent labels, each with sure bounds |
//!
//! Summaries are small, merge in any order, and grow with neither rows nor distinct values: what a pipeline keeps of every batch to look
//! at. Verdicts rest on [profiles](crate::profile), which are exact.
//!
//! The sketches are those of Apache DataSketches, and their bytes are read by its libraries for Java, C++, Python and Go (tried: Python's
//! 5.2.0).

mod column;
mod format;
mod sketch;

use std::collections::{BTreeMap, BTreeSet};

use mlops_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::parallel;
use crate::profile::Segments;
use crate::table::{Table, missing};

pub use column::{ColumnSummary, Frequent};
pub use sketch::{Distinct, FrequentLabels, Quantiles};

/// What a table holds: a [`ColumnSummary`] of every column.
///
/// **Cost**: O(1) per value; memory for one part of a column, and some tens of KiB per column for the summary. **Merging**: exact figures come out the same
/// for any partition and order (moments but for their last digits), sketches within their bounds.
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
/// use mlops_drift::summary::TableSummary;
///
/// let day = |from: i32| {
///     let delay = Float64Array::from_iter_values((from..from + 1_000).map(f64::from));
///     let carrier = StringArray::from_iter_values((0..1_000).map(|i| ["UA", "UA", "B6"][i % 3]));
///     RecordBatch::try_from_iter([("delay", Arc::new(delay) as ArrayRef), ("carrier", Arc::new(carrier) as ArrayRef)])
/// };
/// let mut week = TableSummary::of(&day(0)?)?;
/// week.merge(&TableSummary::of(&day(1_000)?)?)?;
///
/// let delay = week.column("delay")?;
/// assert_eq!(delay.moments().mean(), Some(999.5));
/// assert!((delay.quantiles().quantile(0.5)?.unwrap() - 1_000.0).abs() < 20.0);
/// assert!(delay.distinct().unwrap().interval()?.contains(2_000.0));
/// let carrier = week.column("carrier")?;
/// assert_eq!(carrier.frequent().top(1)[0].label, "UA");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct TableSummary {
    rows: u64,
    columns: Vec<ColumnSummary>,
}

/// A summary as it is read, before its columns are known to agree.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    rows: u64,
    columns: Vec<ColumnSummary>,
}

/// Rows that a summary may count: sums of many such numbers cannot overflow.
const MOST: u64 = 1 << 53;
/// Bytes that the sketches of all segments may take, and those of one column.
const SEGMENTS: u64 = 1 << 30;
const SKETCHES: u64 = 1 << 16;

impl TryFrom<Written> for TableSummary {
    type Error = Error;

    fn try_from(Written { rows, columns }: Written) -> Result<Self> {
        let names: BTreeSet<&str> = columns.iter().map(ColumnSummary::name).collect();
        let fits = rows <= MOST && columns.iter().all(|column| column.fits(rows));
        if fits && names.len() == columns.len() {
            return Ok(Self { rows, columns });
        }
        Err(Error::invalid(format!(
            "every column must be summarized once, of {rows} rows and at most {MOST}, got another"
        )))
    }
}

impl TableSummary {
    /// Of a table, read column by column, part by part. Of nested and binary columns rows and nulls alone are counted.
    ///
    /// # Errors
    /// What reading the table can cause, such as [`SignatureMismatch`](ErrorKind::SignatureMismatch) for a column that is not the same in every part,
    /// which a [`Projection`](crate::table::Projection) leaves out.
    pub fn of(table: &dyn Table) -> Result<Self> {
        let schema = table.schema();
        let fields: Vec<_> = schema.fields().iter().collect();
        Ok(Self {
            rows: table.rows(),
            columns: parallel::map(&fields, |field| ColumnSummary::of(table, field))?,
        })
    }

    /// Of each segment of a table: rows by the label that they carry in one column; rows without a label are left out. Every column is read
    /// once. Some 40 KiB per column and segment, and 4 bytes per row.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for a column without labels; [`InvalidArgument`](ErrorKind::InvalidArgument) for more than 10,000
    /// labels, or for more than 16,384 divided by the number of columns; what reading can cause.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
    /// # let delay = Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0])) as ArrayRef;
    /// # let origin = Arc::new(StringArray::from(vec!["JFK", "LGA", "JFK"])) as ArrayRef;
    /// # let flights = RecordBatch::try_from_iter([("delay", delay), ("origin", origin)])?;
    /// use mlops_drift::summary::TableSummary;
    /// let by_origin = TableSummary::group_by(&flights, "origin")?;
    /// assert_eq!(by_origin["JFK"].column("delay")?.moments().mean(), Some(2.0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn group_by(table: &dyn Table, column: &str) -> Result<BTreeMap<String, Self>> {
        let schema = table.schema();
        let fields: Vec<_> = schema.fields().iter().collect();
        let most = SEGMENTS / (SKETCHES * fields.len().max(1) as u64);
        let segments = Segments::of(table, column, most)?;
        let columns = parallel::map(&fields, |field| ColumnSummary::by(table, field, &segments))?;
        let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
        let named = segments.names().iter().zip(segments.rows());
        Ok(named
            .map(|(name, rows)| {
                let columns = columns.iter_mut().filter_map(Iterator::next).collect();
                (name.clone(), Self { rows, columns })
            })
            .collect())
    }

    pub(crate) fn of_columns(rows: u64, columns: Vec<ColumnSummary>) -> Self {
        Self { rows, columns }
    }

    /// The rows of another table.
    ///
    /// # Errors
    /// [`SignatureMismatch`](ErrorKind::SignatureMismatch) for other columns or types; nothing is merged then.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// use mlops_drift::summary::TableSummary;
    /// let of = |name| TableSummary::of(&RecordBatch::try_from_iter([(name, Arc::new(Int32Array::from(vec![1])) as ArrayRef)])?);
    /// let mut summary = of("x")?;
    /// assert!(summary.merge(&of("y")?).is_err());
    /// assert_eq!(summary.rows(), 1);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if self.columns.len() != other.columns.len() {
            return Err(Error::new(
                ErrorKind::SignatureMismatch,
                format!(
                    "summaries must have the same columns, got {} and {}",
                    self.columns.len(),
                    other.columns.len()
                ),
            ));
        }
        let pairs = self.columns.iter().zip(&other.columns);
        let merged = pairs.map(|(column, other)| {
            let merged = column.merged(other);
            merged.map_err(|error| error.context("column", column.name()))
        });
        self.columns = merged.collect::<Result<_>>()?;
        self.rows += other.rows;
        Ok(())
    }

    /// How many rows.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The columns, in the order of the schema.
    pub fn columns(&self) -> &[ColumnSummary] {
        &self.columns
    }

    /// The column of this name.
    ///
    /// # Errors
    /// [`SignatureMismatch`](ErrorKind::SignatureMismatch) if there is none.
    pub fn column(&self, name: &str) -> Result<&ColumnSummary> {
        let mut columns = self.columns.iter();
        columns
            .find(|column| column.name() == name)
            .ok_or_else(|| missing(name))
    }
}
