//! Suites as TOML files.

use mlops_core::{Error, Result};

use super::place::{Listed, is_unreadable};
use super::suite::{Announced, Suite, malformed};

impl Suite {
    /// The suite as TOML.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(malformed)
    }

    /// A suite from TOML. Times are texts, in quotation marks.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json)'s.
    ///
    /// ```
    /// use mlops_drift::expectation::Suite;
    /// let suite = Suite::from_toml(r#"
    ///     version = 1
    ///
    ///     [[expectations]]
    ///     column = "hour"
    ///     rule = { between = { min = 0, max = 23 } }
    ///     mostly = 0.99
    ///
    ///     [[expectations]]
    ///     column = "time_hour"
    ///     rule.between.min = "2013-01-01T00:00:00Z"
    ///     severity = "warning"
    ///     reason = "the airline flies since then"
    /// "#)?;
    /// assert_eq!(suite.expectations()[0].to_string(), "hour is between 0 and 23 in 99 % of rows");
    /// assert_eq!(suite, Suite::from_toml(&suite.to_toml()?)?);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn from_toml(text: &str) -> Result<Self> {
        let announced: Announced =
            toml::from_str(text).map_err(|error| malformed(told(&error, text)))?;
        announced.require_known()?;
        let suite = toml::from_str::<Self>(text);
        suite.map_err(|error| unreadable(error, text))?.checked()
    }
}

/// What is wrong, and with which expectation.
fn unreadable(error: toml::de::Error, text: &str) -> Error {
    let listed = toml::from_str::<Listed>(text).unwrap_or_default();
    listed.told(malformed(told(&error, text)), is_unreadable)
}

/// On one line, as errors of JSON are.
fn told(error: &toml::de::Error, text: &str) -> String {
    let message = error.message();
    let Some(before) = error.span().and_then(|span| text.get(..span.start)) else {
        return message.to_owned();
    };
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
    format!("{message} at line {line} column {column}")
}
