use mlops_core::Result;
use mlops_core::evidence::PValue;
use serde::{Deserialize, Serialize};

use super::conclusion::Conclusion;
use super::expected::{Expectation, Severity};

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
    pub rows: u64,
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
    /// The column; `None` for a rule on the table alone.
    pub column: Option<String>,
    /// How bad a failure is.
    pub severity: Severity,
    /// Whether enough rows obey, or the table does.
    pub passed: bool,
    /// How many rows break a rule on rows; all, if it could not be checked.
    pub broken: u64,
    /// The first ten of them.
    pub examples: Vec<u64>,
    /// How surprising the table is if the law obeys; for an expectation with a [level](Expectation::level).
    pub p_value: Option<PValue>,
    /// In plain language.
    pub reason: String,
    /// Why it is expected, if the suite says so.
    pub expected_because: Option<String>,
}

impl ExpectationResult {
    pub(super) fn new(
        expectation: &Expectation,
        conclusion: Conclusion,
        broken: u64,
        examples: Vec<u64>,
    ) -> Self {
        Self {
            expectation: expectation.to_string(),
            column: expectation.column().map(str::to_owned),
            severity: expectation.severity_of_failure(),
            passed: conclusion.passed,
            broken,
            examples,
            p_value: conclusion.p_value,
            reason: conclusion.reason,
            expected_because: expectation.reason().map(str::to_owned),
        }
    }
}

impl ValidationReport {
    /// Whether no expectation of severity [`Error`](Severity::Error) failed.
    pub fn passed(&self) -> bool {
        let is_error = |result: &ExpectationResult| result.severity == Severity::Error;
        !self.failures().any(is_error)
    }

    /// The expectations that failed, warnings too.
    pub fn failures(&self) -> impl Iterator<Item = &ExpectationResult> {
        self.results.iter().filter(|result| !result.passed)
    }

    /// The report as JSON.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }
}
