use std::collections::BTreeSet;
use std::fmt;

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// What the values of a column must be. Missing values break [`NotNull`](Self::NotNull) alone.
///
/// ```
/// use mlops_drift::expectation::Rule;
/// let rule: Rule = serde_json::from_str(r#"{"between": {"min": 0.0, "max": 100.0}}"#)?;
/// assert_eq!(rule, Rule::between(0.0, 100.0)?);
/// assert_eq!(rule.to_string(), "between 0 and 100");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Rule {
    /// Neither null nor NaN.
    NotNull,
    /// Of the Arrow type of this [name](mlops_core::type_name), such as `int64`.
    Type(String),
    /// A number within these ends, both included; times in their own unit.
    Between {
        /// The least allowed value.
        min: Option<f64>,
        /// The greatest allowed value.
        max: Option<f64>,
    },
    /// One of these labels; integers and booleans as their text.
    OneOf(BTreeSet<String>),
    /// A text that matches this regular expression somewhere; anchor it for a whole match.
    Matches(String),
    /// A text of so many characters.
    Length {
        /// The least number of characters.
        min: u64,
        /// The greatest number of characters.
        max: u64,
    },
    /// No value occurs twice: of equal values all but the first break the rule.
    Unique,
    /// Not below the value before; missing ones are passed over.
    Increasing,
    /// At most the number in this column of the same row.
    AtMost {
        /// The other column.
        column: String,
    },
}

impl Rule {
    /// Numbers from `min` to `max`.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for NaN or an empty range.
    pub fn between(min: f64, max: f64) -> Result<Self> {
        Self::Between {
            min: Some(min),
            max: Some(max),
        }
        .checked()
    }

    /// Numbers from `min`.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for NaN.
    ///
    /// ```
    /// assert!(mlops_drift::expectation::Rule::at_least(f64::NAN).is_err());
    /// ```
    pub fn at_least(min: f64) -> Result<Self> {
        Self::Between {
            min: Some(min),
            max: None,
        }
        .checked()
    }

    /// Any of these labels.
    pub fn one_of<S: Into<String>>(labels: impl IntoIterator<Item = S>) -> Self {
        Self::OneOf(labels.into_iter().map(Into::into).collect())
    }

    /// Texts that match a regular expression.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a malformed expression.
    ///
    /// ```
    /// use mlops_drift::expectation::Rule;
    /// assert!(Rule::matches("^N[0-9]+[A-Z]*$").is_ok());
    /// assert!(Rule::matches("(").is_err());
    /// ```
    pub fn matches(expression: impl Into<String>) -> Result<Self> {
        Self::Matches(expression.into()).checked()
    }

    /// The rule, if its settings make sense.
    pub(super) fn checked(self) -> Result<Self> {
        match &self {
            Self::Between { min, max } => {
                let (low, high) = (
                    min.unwrap_or(f64::NEG_INFINITY),
                    max.unwrap_or(f64::INFINITY),
                );
                if low.is_nan() || high.is_nan() || low > high {
                    return Err(Error::invalid(format!(
                        "a range must have a least value at most its greatest, got {low} and {high}"
                    )));
                }
            }
            Self::Length { min, max } if min > max => {
                return Err(Error::invalid(format!(
                    "a length must have a least value at most its greatest, got {min} and {max}"
                )));
            }
            Self::Matches(expression) => {
                expression_of(expression)?;
            }
            _ => {}
        }
        Ok(self)
    }
}

pub(super) fn expression_of(expression: &str) -> Result<regex::Regex> {
    regex::Regex::new(expression).map_err(|error| {
        Error::invalid(format!(
            "a regular expression must be well-formed, got {expression:?}"
        ))
        .source(error)
    })
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotNull => f.write_str("not missing"),
            Self::Type(name) => write!(f, "of type {name}"),
            Self::Between {
                min: Some(min),
                max: Some(max),
            } => write!(f, "between {min} and {max}"),
            Self::Between { min: Some(min), .. } => write!(f, "at least {min}"),
            Self::Between { max: Some(max), .. } => write!(f, "at most {max}"),
            Self::Between { .. } => f.write_str("a number"),
            Self::OneOf(labels) => {
                let shown: Vec<&str> = labels.iter().take(8).map(String::as_str).collect();
                let more = labels.len().saturating_sub(shown.len());
                write!(f, "one of {}", shown.join(", "))?;
                if more > 0 {
                    write!(f, " and {more} others")
                } else {
                    Ok(())
                }
            }
            Self::Matches(expression) => write!(f, "matching {expression}"),
            Self::Length { min, max } => write!(f, "of {min} to {max} characters"),
            Self::Unique => f.write_str("unique"),
            Self::Increasing => f.write_str("not below the value before"),
            Self::AtMost { column } => write!(f, "at most {column}"),
        }
    }
}
