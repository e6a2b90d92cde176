//! Suites as TOML files.

use std::ops::Range;

use mlops_core::{Error, Result};

use super::place::Listed;
use super::suite::{Announced, MARK, Suite, beyond_64_bits, is_inexact, malformed};

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
        let announced = toml::from_str::<Announced>(text);
        if let Ok(announced) = &announced {
            announced.require_known()?;
        }
        if let Some(token) = inexact_integer(text) {
            let listed = toml::from_str(&marked(text)).unwrap_or_default();
            return Err(beyond_64_bits(&text[token], &listed));
        }
        announced.map_err(|error| malformed(told(&error, text)))?;
        toml::from_str::<Listed>(text)
            .unwrap_or_default()
            .require_named()?;
        let suite = toml::from_str::<Self>(text);
        suite.map_err(|error| unreadable(error, text))?.checked()
    }
}

/// How integers begin that are not decimal.
const RADIXES: [(&str, u32); 3] = [("0x", 16), ("0o", 8), ("0b", 2)];

/// Where the first integer stands that is beyond 64 bits, if the file is well-formed up to there.
fn inexact_integer(text: &str) -> Option<Range<usize>> {
    let span = toml::from_str::<Listed>(text).err()?.span()?;
    let token = text.get(span.clone())?.replace('_', "");
    let is_beyond = match RADIXES.iter().find(|(prefix, _)| token.starts_with(prefix)) {
        Some((prefix, radix)) => is_beyond(&token[prefix.len()..], *radix),
        None => is_inexact(token.trim_start_matches('+')),
    };
    is_beyond.then_some(span)
}

/// Whether these are digits of which 64 bits do not hold the number.
fn is_beyond(digits: &str, radix: u32) -> bool {
    let are_digits = digits.chars().all(|digit| digit.is_digit(radix));
    are_digits && !digits.is_empty() && u64::from_str_radix(digits, radix).is_err()
}

/// The file with a mark in place of each integer beyond 64 bits.
fn marked(text: &str) -> String {
    let mut marked = text.to_owned();
    while let Some(token) = inexact_integer(&marked) {
        marked.replace_range(token, MARK);
    }
    marked
}

/// What is wrong, and with which expectation.
fn unreadable(error: toml::de::Error, text: &str) -> Error {
    let listed = toml::from_str::<Listed>(text).unwrap_or_default();
    listed.unreadable(malformed(told(&error, text)))
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
