use arrow::array::RecordBatch;
use mlops_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::evaluate::{Broken, evaluate};
use super::report::{ExpectationResult, ValidationReport};
use super::rule::Rule;

/// Counts up with every change that an older reader cannot follow.
const VERSION: u16 = 1;

/// How bad it is when an expectation fails.
///
/// ```
/// use mlops_drift::expectation::Severity;
/// assert!(Severity::Error > Severity::Warning);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Look at it; the table passes, and its rows are not set apart.
    Warning,
    /// The table does not pass.
    #[default]
    Error,
}

/// A rule on a column, how many rows must obey it, and how bad it is if they do not.
///
/// ```
/// use mlops_drift::expectation::{Expectation, Rule, Severity};
/// let expectation = Expectation::on("tailnum", Rule::NotNull).mostly(0.99)?.severity(Severity::Warning);
/// assert_eq!(expectation.to_string(), "tailnum is not missing in 99 % of rows");
/// assert!(Expectation::on("tailnum", Rule::NotNull).mostly(1.5).is_err());
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    pub(super) column: String,
    pub(super) rule: Rule,
    #[serde(default = "all")]
    pub(super) mostly: f64,
    #[serde(default)]
    pub(super) severity: Severity,
}

fn all() -> f64 {
    1.0
}

impl Expectation {
    /// All rows of a column obey a rule, or it is an error.
    pub fn on(column: impl Into<String>, rule: Rule) -> Self {
        Self {
            column: column.into(),
            rule,
            mostly: all(),
            severity: Severity::Error,
        }
    }

    /// At least this share of the rows obeys, missing values counting as rows.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) unless `0 <= share <= 1`.
    pub fn mostly(self, share: f64) -> Result<Self> {
        let mostly = share;
        Self { mostly, ..self }.checked()
    }

    /// How bad it is if they do not; by default an error.
    #[must_use]
    pub fn severity(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    fn checked(self) -> Result<Self> {
        if !(0.0..=1.0).contains(&self.mostly) {
            return Err(Error::invalid(format!(
                "the share of rows that must obey must lie in [0, 1], got {}",
                self.mostly
            )));
        }
        let rule = self.rule.checked()?;
        Ok(Self { rule, ..self })
    }
}

impl std::fmt::Display for Expectation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is {}", self.column, self.rule)?;
        if self.mostly < 1.0 {
            write!(f, " in {} % of rows", 100.0 * self.mostly)?;
        }
        Ok(())
    }
}

/// A list of expectations: data, as JSON in a file of its own.
///
/// ```
/// use mlops_core::ErrorKind;
/// use mlops_drift::expectation::Suite;
/// let suite = Suite::from_json(
///     r#"{"version": 1, "expectations": [{"column": "hour", "rule": {"between": {"min": 0, "max": 23}}}]}"#,
/// )?;
/// assert_eq!(suite.expectations().len(), 1);
/// let newer = Suite::from_json(r#"{"version": 9, "expectations": []}"#).unwrap_err();
/// assert_eq!(newer.kind(), ErrorKind::Unsupported);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    version: u16,
    expectations: Vec<Expectation>,
}

#[derive(Deserialize)]
struct Announced {
    version: u16,
}

impl Suite {
    /// A suite of these expectations.
    pub fn new(expectations: impl IntoIterator<Item = Expectation>) -> Self {
        Self {
            version: VERSION,
            expectations: expectations.into_iter().collect(),
        }
    }

    /// The expectations, in their order.
    pub fn expectations(&self) -> &[Expectation] {
        &self.expectations
    }

    /// The suite as JSON.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// A suite from JSON.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for a newer version; [`InvalidArgument`](ErrorKind::InvalidArgument) for anything else that is
    /// no suite, an unknown rule or field, or a rule whose settings make no sense.
    pub fn from_json(text: &str) -> Result<Self> {
        let malformed = |error| Error::invalid(format!("not a suite of expectations: {error}"));
        let announced: Announced = serde_json::from_str(text).map_err(malformed)?;
        if !(1..=VERSION).contains(&announced.version) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "a suite's version must lie in [1, {VERSION}], got {}",
                    announced.version
                ),
            ));
        }
        let suite: Self = serde_json::from_str(text).map_err(malformed)?;
        let checked = suite.expectations.into_iter().map(Expectation::checked);
        Ok(Self {
            expectations: checked.collect::<Result<_>>()?,
            ..suite
        })
    }

    /// Checks every expectation on a table. O(rows) each, [`Rule::Unique`] with memory for all values.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for a rule whose settings make no sense. What cannot be evaluated fails; it is no error.
    pub fn validate(&self, table: &RecordBatch) -> Result<ValidationReport> {
        let results = self.expectations.iter().map(|expectation| {
            expectation.clone().checked()?;
            let broken = match evaluate(&expectation.column, &expectation.rule, table) {
                Ok(rows) => Broken::Rows(rows),
                Err(reason) => Broken::All(reason.to_string()),
            };
            Ok(ExpectationResult::of(expectation, broken, table.num_rows()))
        });
        Ok(ValidationReport {
            rows: table.num_rows(),
            results: results.collect::<Result<_>>()?,
        })
    }
}
