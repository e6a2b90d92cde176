//! Which expectation of a suite is wrong.

use mlops_core::Error;
use serde::Deserialize;
use serde_json::Value;

use super::expected::Expectation;

/// One of the expectations of a suite.
pub(super) struct Place<'a> {
    /// From 0.
    pub(super) index: usize,
    pub(super) of: usize,
    pub(super) column: Option<&'a str>,
    pub(super) rule: Option<&'a str>,
}

impl Place<'_> {
    /// The error, saying that it is here.
    pub(super) fn told(&self, error: Error) -> Error {
        let number = format!("{} of {}", self.index + 1, self.of);
        let parts = [("column", self.column), ("rule", self.rule)];
        let parts = parts.into_iter().filter_map(|(key, of)| Some((key, of?)));
        parts.fold(error.context("expectation", number), |error, (key, of)| {
            error.context(key, of)
        })
    }
}

/// As much of a file as can be read even where it is no suite.
#[derive(Default, Deserialize)]
pub(super) struct Listed {
    #[serde(default)]
    expectations: Vec<Value>,
}

impl Listed {
    /// The error, saying which expectation is the first that is so, if any is.
    pub(super) fn told(&self, error: Error, is_wrong: impl Fn(&Value) -> bool) -> Error {
        let wrong = self.expectations.iter().position(is_wrong);
        let Some(index) = wrong else { return error };
        let expectation = &self.expectations[index];
        let place = Place {
            index,
            of: self.expectations.len(),
            column: expectation["column"].as_str(),
            rule: rule_of(&expectation["rule"]),
        };
        place.told(error)
    }
}

/// Its name, which is all of it or its only key.
fn rule_of(rule: &Value) -> Option<&str> {
    let key = || rule.as_object()?.keys().next().map(String::as_str);
    rule.as_str().or_else(key)
}

/// Whether an expectation cannot be read.
pub(super) fn is_unreadable(value: &Value) -> bool {
    Expectation::deserialize(value).is_err()
}
