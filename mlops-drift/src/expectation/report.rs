use mlops_core::Result;
use mlops_core::evidence::PValue;
use serde::{Deserialize, Serialize};

use super::conclusion::Conclusion;
use super::expected::{Expectation, Severity};
use super::found::Found;
use crate::report::chart::label_in_words;
use crate::report::{SerialCorrelation, version};

/// What a [`Suite`](super::Suite) found in one table.
///
/// ```
/// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// # let column = std::sync::Arc::new(Int32Array::from(vec![1, 2])) as ArrayRef;
/// # let table = RecordBatch::try_from_iter([("x", column)])?;
/// use mlops_drift::expectation::{Expectation, Rule, Suite, ValidationReport};
/// let report = Suite::new([Expectation::on("y", Rule::NotNull)]).validate(&table)?;
/// assert!(!report.passed());
/// assert_eq!(report.results[0].reason, "cannot be checked: column \"y\" is missing");
/// assert_eq!(ValidationReport::from_json(&report.to_json()?)?, report);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValidationReport {
    /// Of the format: 1.
    #[serde(deserialize_with = "version::known")]
    pub version: u16,
    /// Rows of the table.
    pub rows: u64,
    /// The results, in the order of the suite.
    pub results: Vec<ExpectationResult>,
}

/// What became of one expectation.
///
/// ```
/// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
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
    /// What the expectation is [known by](super::Suite::names), as a test case and as a series of metrics.
    pub expectation: String,
    /// The expectation in words, with its values.
    pub description: String,
    /// The column; `None` for a rule on the table alone.
    pub column: Option<String>,
    /// How bad a failure is.
    pub severity: Severity,
    /// Whether enough rows obey, or the table does; never where there was nothing to check.
    pub passed: bool,
    /// Whether there was anything to check. A rule on rows has nothing to check where no row meets its
    /// [condition](Expectation::only_where), if it is on values, where a value is missing in every row, and if it has a
    /// [level](Expectation::level), where the rows are so few that it would hold whatever they are.
    #[serde(default = "applicable")]
    pub applicable: bool,
    /// Rows that the expectation is on: all, or those that meet its condition.
    #[serde(default)]
    pub rows: u64,
    /// Of these, rows in which a value that the rule reads is missing. They break no rule but
    /// [`NotNull`](super::Rule::NotNull).
    #[serde(default)]
    pub missing: u64,
    /// How many rows break a rule on rows; all, if it could not be checked.
    pub broken: u64,
    /// The first ten of them.
    pub examples: Vec<u64>,
    /// The first ten distinct values that break a rule on rows; none of a rule that could not be checked.
    #[serde(default)]
    pub values: Vec<BrokenValue>,
    /// How surprising the table is if the law obeys; for an expectation with a [level](Expectation::level).
    pub p_value: Option<PValue>,
    /// How much neighbouring rows, or units, resemble each other, of an expectation with a level, which takes them for exchangeable; `None` of fewer than 20,
    /// and where the table is a profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_correlation: Option<SerialCorrelation>,
    /// In plain language.
    pub reason: String,
    /// Why it is expected, if the suite says so.
    pub expected_because: Option<String>,
}

/// A value that breaks a rule, and how often it does.
///
/// ```
/// # use mlops_core::arrow::array::{ArrayRef, RecordBatch, StringArray};
/// # let column = std::sync::Arc::new(StringArray::from(vec!["UA", "XX", "ua", "XX"])) as ArrayRef;
/// # let table = RecordBatch::try_from_iter([("carrier", column)])?;
/// use mlops_drift::expectation::{Expectation, Rule, Suite};
/// let suite = Suite::new([Expectation::on("carrier", Rule::one_of(["UA"]))]);
/// let values = &suite.validate(&table)?.results[0].values;
/// assert_eq!((values[0].value.as_str(), values[0].rows), ("XX", 2));
/// assert_eq!((values[1].value.as_str(), values[1].rows), ("ua", 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokenValue {
    /// As text, of a rule that reads several columns one after another; cut off at 100 characters. Values that are then the same count as one.
    pub value: String,
    /// How many rows that break the rule hold it.
    pub rows: u64,
}

impl BrokenValue {
    pub(super) fn once(value: &str) -> Self {
        let value = value.to_owned();
        Self { value, rows: 1 }
    }
}

impl std::fmt::Display for BrokenValue {
    /// In quotation marks where it could not be told apart otherwise, for its spaces.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&label_in_words(&self.value, usize::MAX))?;
        match self.rows {
            1 => Ok(()),
            rows => write!(f, " ({rows} rows)"),
        }
    }
}

impl ExpectationResult {
    pub(super) fn new(
        name: String,
        expectation: &Expectation,
        conclusion: Conclusion,
        found: Found,
    ) -> Self {
        Self {
            expectation: name,
            description: expectation.to_string(),
            column: expectation.column().map(str::to_owned),
            severity: expectation.severity_of_failure(),
            passed: conclusion.passed,
            applicable: conclusion.applicable,
            rows: found.rows,
            missing: found.missing,
            broken: found.broken,
            examples: found.examples,
            values: found.values,
            p_value: conclusion.p_value,
            serial_correlation: conclusion.serial_correlation,
            reason: conclusion.reason,
            expected_because: expectation.reason().map(str::to_owned),
        }
    }

    /// The outcome in a word or two: `holds`, `not applicable`, or the severity of the failure.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from(vec![None, None])) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// use mlops_drift::expectation::{Expectation, Rule, Suite};
    /// let suite = Suite::new([Expectation::on("x", Rule::between(0, 5)?)]);
    /// let report = suite.validate(&table)?;
    /// assert_eq!(report.results[0].outcome(), "not applicable");
    /// assert_eq!(report.results[0].reason, "nothing to check: a value is missing in each of 2 rows");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn outcome(&self) -> &'static str {
        match (self.applicable, self.passed) {
            (false, _) => "not applicable",
            (true, true) => "holds",
            (true, false) => self.severity.as_str(),
        }
    }
}

fn applicable() -> bool {
    true
}

impl ValidationReport {
    pub(super) fn new(rows: u64, results: Vec<ExpectationResult>) -> Self {
        Self {
            version: version::VERSION,
            rows,
            results,
        }
    }

    /// Whether no expectation of severity [`Error`](Severity::Error) failed, and [something was checked](Self::is_checked). One that had nothing to
    /// check has not failed, since missing values are for [`NotNull`](super::Rule::NotNull); but a table without rows does not pass where such an
    /// expectation had nothing to check.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from(vec![1, 2])) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// use mlops_drift::expectation::{Expectation, Rule, Suite};
    /// let suite = Suite::new([Expectation::on("x", Rule::NotNull)]);
    /// assert!(suite.validate(&table)?.passed());
    /// assert!(!suite.validate(&table.slice(0, 0))?.passed());
    /// assert!(!Suite::new([]).validate(&table)?.passed());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn passed(&self) -> bool {
        let is_error = |result: &ExpectationResult| result.severity == Severity::Error;
        let unseen = self.rows == 0 && self.not_applicable().any(is_error);
        self.is_checked() && !unseen && !self.failures().any(is_error)
    }

    /// Whether any expectation had something to check; else nothing is known of the table, of which a suite without expectations knows nothing.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from(vec![None, Some(2)])) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// use mlops_drift::expectation::{Expectation, Rule, Suite};
    /// let suite = Suite::new([Expectation::on("x", Rule::at_least(0.0)?)]);
    /// assert!(suite.validate(&table)?.is_checked());
    /// assert!(!suite.validate(&table.slice(0, 1))?.is_checked()); // no number to check
    /// assert!(!Suite::new([]).validate(&table)?.is_checked());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_checked(&self) -> bool {
        self.results.iter().any(|result| result.applicable)
    }

    /// The expectations that failed, warnings too.
    pub fn failures(&self) -> impl Iterator<Item = &ExpectationResult> {
        let failed = |result: &&ExpectationResult| result.applicable && !result.passed;
        self.results.iter().filter(failed)
    }

    /// The expectations that had nothing to check, warnings too.
    pub fn not_applicable(&self) -> impl Iterator<Item = &ExpectationResult> {
        self.results.iter().filter(|result| !result.applicable)
    }

    /// The report as JSON.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// A report from JSON.
    ///
    /// # Errors
    /// [`Unsupported`](mlops_core::ErrorKind::Unsupported) for a newer version; [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for
    /// anything else that is no such report.
    ///
    /// ```
    /// # use mlops_core::ErrorKind;
    /// use mlops_drift::expectation::ValidationReport;
    /// let error = ValidationReport::from_json(r#"{"version": 99}"#).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Unsupported);
    /// ```
    pub fn from_json(json: &str) -> Result<Self> {
        version::from_json(json)
    }
}
