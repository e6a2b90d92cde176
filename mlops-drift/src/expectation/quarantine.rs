//! Bad rows in a Parquet file of their own.

use std::io::Write;

use arrow::datatypes::{DataType, Field, Schema};
use mlops_core::{Error, ErrorKind, Result};
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;

use super::context::Context;
use super::report::ValidationReport;
use super::suite::Suite;
use super::validator::quarantine_schema;
use crate::table::{Table, in_parts};

impl Suite {
    /// Reads a table once, part by part, and writes the rows that break no rule of severity
    /// [`Error`](super::Severity::Error) as one Parquet file and the others as another, with a column
    /// `broken_expectations` that says which. Memory for one part, and one row group of each file.
    ///
    /// A rule on rows that cannot be checked, say for a misspelt column, sets all rows apart, and `broken_expectations` tells
    /// why. A row that breaks a rule which only [most](super::Expectation::mostly) rows must obey is set apart, too, though the expectation holds, unless that is
    /// [of the share](super::Expectation::of_share) alone, as it is of an inferred suite for values that were missing in some rows. Rules on the table set no row apart: look at the report before the accepted rows are used. After an
    /// error both files are incomplete, without a footer, and cannot be read.
    ///
    /// # Errors
    /// As [`validate`](Self::validate)'s; [`SignatureMismatch`](ErrorKind::SignatureMismatch) for a table of which any column is not the same in every
    /// part, since rows are written whole; [`InvalidArgument`](ErrorKind::InvalidArgument) for a table that
    /// has a column `broken_expectations`; [`Unsupported`](ErrorKind::Unsupported) for one that holds a union, before anything is
    /// written; [`Unavailable`](ErrorKind::Unavailable) for what cannot be written.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let day = |of: Vec<i32>| RecordBatch::try_from_iter([("x", std::sync::Arc::new(Int32Array::from(of)) as ArrayRef)]);
    /// use mlops_drift::expectation::{Context, Expectation, Rule, Suite};
    /// let week = vec![day(vec![1, 2])?, day(vec![2, 3])?];
    /// let suite = Suite::new([Expectation::on("x", Rule::Unique)]);
    /// let (mut accepted, mut quarantined) = (Vec::new(), Vec::new()); // or files
    /// let report = suite.quarantine(&week, &Context::default(), &mut accepted, &mut quarantined)?;
    /// assert_eq!(report.results[0].examples, [2]);
    /// assert!(quarantined.starts_with(b"PAR1"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn quarantine(
        &self,
        table: &dyn Table,
        context: &Context,
        accepted: impl Write + Send,
        quarantined: impl Write + Send,
    ) -> Result<ValidationReport> {
        let schema = table.schema();
        let columns: Vec<&str> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        require_writable(&schema)?;
        let parts = in_parts(table, &columns)?;
        let explained = quarantine_schema(parts.schema())?;
        let mut good =
            ArrowWriter::try_new(accepted, parts.schema().clone(), None).map_err(of_parquet)?;
        let mut bad = ArrowWriter::try_new(quarantined, explained, None).map_err(of_parquet)?;
        let mut validator = self.validator(&schema, context)?;
        for part in parts {
            let part = part?;
            let (obeys, breaks) = validator.check(&part)?.split(&part)?;
            good.write(&obeys).map_err(of_parquet)?;
            bad.write(&breaks).map_err(of_parquet)?;
        }
        good.close().map_err(of_parquet)?;
        bad.close().map_err(of_parquet)?;
        validator.finish()
    }
}

/// Parquet has no unions, and its writer no error for them.
fn require_writable(schema: &Schema) -> Result<()> {
    let field = schema.fields().iter().find(|field| holds_union(field));
    field.map_or(Ok(()), |field| {
        Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "column \"{}\" cannot be written: Parquet has no unions",
                field.name()
            ),
        ))
    })
}

fn holds_union(field: &Field) -> bool {
    use DataType as T;
    match field.data_type() {
        T::Union(_, _) => true,
        T::List(of) | T::LargeList(of) | T::ListView(of) | T::LargeListView(of) => holds_union(of),
        T::FixedSizeList(of, _) | T::Map(of, _) | T::RunEndEncoded(_, of) => holds_union(of),
        T::Struct(fields) => fields.iter().any(|field| holds_union(field)),
        T::Dictionary(_, of) => matches!(of.as_ref(), T::Union(_, _)),
        _ => false,
    }
}

fn of_parquet(error: ParquetError) -> Error {
    let kind = match &error {
        ParquetError::NYI(_) => ErrorKind::Unsupported,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, "the rows cannot be written").source(error)
}
