//! Suites as TOML files.

use mlops_core::Result;

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
        let announced: Announced = toml::from_str(text).map_err(malformed)?;
        announced.require_known()?;
        let suite: Self = toml::from_str(text).map_err(malformed)?;
        suite.checked()
    }
}
