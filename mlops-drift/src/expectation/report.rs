use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema};
use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::evaluate::Broken;
use super::suite::{Expectation, Severity};

/// Rows that are named in a result.
const EXAMPLES: usize = 10;
/// The column of the quarantined rows that says what they broke.
const BROKEN: &str = "broken_expectations";

/// What a [`Suite`](super::Suite) found in one table.
///
/// ```
/// # use arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// # let column = std::sync::Arc::new(Int32Array::from(vec![1, 2])) as ArrayRef;
/// # let table = RecordBatch::try_from_iter([("x", column)])?;
/// use mlops_drift::expectation::{Expectation, Rule, Suite};
/// let report = Suite::new([Expectation::on("y", Rule::NotNull)]).validate(&table)?;
/// assert!(!report.passed());
/// assert_eq!(report.results[0].reason, "cannot be checked: column \"y\" is missing");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValidationReport {
    /// Rows of the table.
    pub rows: usize,
    /// The results, in the order of the suite.
    pub results: Vec<ExpectationResult>,
}

/// What became of one expectation.
///
/// ```
/// # use arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// # let column = std::sync::Arc::new(Int32Array::from(vec![1, 9, 3])) as ArrayRef;
/// # let table = RecordBatch::try_from_iter([("x", column)])?;
/// use mlops_drift::expectation::{Expectation, Rule, Suite};
/// let suite = Suite::new([Expectation::on("x", Rule::between(0.0, 5.0)?)]);
/// let result = &suite.validate(&table)?.results[0];
/// assert_eq!(result.reason, "broken by 1 of 3 rows, first by row 1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExpectationResult {
    /// The expectation in words.
    pub expectation: String,
    /// The column.
    pub column: String,
    /// How bad a failure is.
    pub severity: Severity,
    /// Whether enough rows obey.
    pub passed: bool,
    /// How many rows break the rule; all, if it could not be checked.
    pub broken: usize,
    /// The first ten of them.
    pub examples: Vec<usize>,
    /// In plain language.
    pub reason: String,
    /// All rows that break the rule, ascending.
    #[serde(skip)]
    rows: Vec<usize>,
}

impl ExpectationResult {
    pub(super) fn of(expectation: &Expectation, broken: Broken, rows: usize) -> Self {
        let (broken_rows, passed, reason) = match broken {
            Broken::Rows(broken) => {
                let share = broken.len() as f64 / rows.max(1) as f64;
                let reason = explained(&broken, rows);
                (broken, 1.0 - share >= expectation.mostly, reason)
            }
            Broken::All(reason) => (
                (0..rows).collect(),
                false,
                format!("cannot be checked: {reason}"),
            ),
        };
        Self {
            expectation: expectation.to_string(),
            column: expectation.column.clone(),
            severity: expectation.severity,
            passed,
            broken: broken_rows.len(),
            examples: broken_rows.iter().copied().take(EXAMPLES).collect(),
            reason,
            rows: broken_rows,
        }
    }

    /// All rows that break the rule, ascending; empty for a result that was read from JSON.
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }
}

fn explained(broken: &[usize], rows: usize) -> String {
    match broken.first() {
        None => format!("obeyed by all {rows} rows"),
        Some(first) => format!(
            "broken by {} of {rows} rows, first by row {first}",
            broken.len()
        ),
    }
}

impl ValidationReport {
    /// Whether no expectation of severity [`Error`](Severity::Error) failed.
    pub fn passed(&self) -> bool {
        let failed =
            |result: &&ExpectationResult| !result.passed && result.severity == Severity::Error;
        !self.results.iter().any(|result| failed(&result))
    }

    /// The expectations that failed, warnings too.
    pub fn failures(&self) -> impl Iterator<Item = &ExpectationResult> {
        self.results.iter().filter(|result| !result.passed)
    }

    /// The rows that break no rule of severity [`Error`](Severity::Error), and the others, with a column `broken_expectations` that says
    /// which, one after another. A row counts as broken even where most rows obey.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a table of another number of rows than the report's, or one that has such
    /// a column.
    ///
    /// ```
    /// # use arrow::array::{ArrayRef, AsArray, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from(vec![1, 9, 3])) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// use mlops_drift::expectation::{Expectation, Rule, Suite};
    /// let suite = Suite::new([Expectation::on("x", Rule::between(0.0, 5.0)?)]);
    /// let (_, quarantined) = suite.validate(&table)?.split(&table)?;
    /// let why = quarantined["broken_expectations"].as_string::<i32>();
    /// assert_eq!(why.value(0), "x is between 0 and 5");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn split(&self, table: &RecordBatch) -> Result<(RecordBatch, RecordBatch)> {
        if table.num_rows() != self.rows {
            return Err(Error::invalid(format!(
                "the table must be the one validated, of {} rows, got {}",
                self.rows,
                table.num_rows()
            )));
        }
        if table.column_by_name(BROKEN).is_some() {
            return Err(Error::invalid(format!(
                "the table must not have a column \"{BROKEN}\""
            )));
        }
        let mut why: Vec<Vec<&str>> = vec![Vec::new(); self.rows];
        let errors = self
            .results
            .iter()
            .filter(|result| result.severity == Severity::Error);
        for result in errors {
            result
                .rows
                .iter()
                .for_each(|&row| why[row].push(&result.expectation));
        }
        let broken: BooleanArray = why.iter().map(|why| Some(!why.is_empty())).collect();
        let obeys: BooleanArray = why.iter().map(|why| Some(why.is_empty())).collect();
        let why: StringArray = why.iter().map(|why| Some(why.join("; "))).collect();
        let accepted = filter_record_batch(table, &obeys)?;
        let quarantined = filter_record_batch(&with_column(table, Arc::new(why))?, &broken)?;
        Ok((accepted, quarantined))
    }
}

fn with_column(table: &RecordBatch, column: ArrayRef) -> Result<RecordBatch> {
    let schema = table.schema();
    let field = Arc::new(Field::new(BROKEN, DataType::Utf8, false));
    let fields: Vec<_> = schema.fields().iter().cloned().chain([field]).collect();
    let columns = table.columns().iter().cloned().chain([column]).collect();
    let schema = Schema::new_with_metadata(fields, schema.metadata().clone());
    Ok(RecordBatch::try_new(Arc::new(schema), columns)?)
}
