//! Which expectation of a suite is wrong.

use mlops_core::{Error, Result};
use serde::Deserialize;
use serde_json::Value;

use super::expected::Expectation;
use super::rule::{Rule, UNNAMED, are_named, name_in, told_how_written};
use super::suite::malformed;

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
        match self.expectations.iter().position(is_wrong) {
            Some(index) => self.place(index).told(error),
            None => error,
        }
    }

    /// The error, saying which expectation is the first that cannot be read, and how its rule is written if that is why.
    pub(super) fn unreadable(&self, error: Error) -> Error {
        let is_unreadable = |value: &Value| Expectation::deserialize(value).is_err();
        let Some(index) = self.expectations.iter().position(is_unreadable) else {
            return error;
        };
        let place = self.place(index);
        let is_no_rule = Rule::deserialize(&self.expectations[index]["rule"]).is_err();
        told_how_written(place.told(error), place.rule.filter(|_| is_no_rule))
    }

    /// An error for an expectation, or a rule of one, whose settings are listed instead of named.
    pub(super) fn require_named(&self) -> Result<()> {
        let lists_settings = |expectation: &Value| {
            let rules = expectation["where"].as_array().into_iter().flatten();
            let rules = rules.map(|condition| &condition["rule"]);
            let mut rules = rules.chain([&expectation["rule"]]);
            !expectation.is_object() || !rules.all(are_named)
        };
        let Some(index) = self.expectations.iter().position(lists_settings) else {
            return Ok(());
        };
        let place = self.place(index);
        let is_of_rule = !are_named(&self.expectations[index]["rule"]);
        let error = place.told(malformed(UNNAMED));
        Err(told_how_written(error, place.rule.filter(|_| is_of_rule)))
    }

    fn place(&self, index: usize) -> Place<'_> {
        let expectation = &self.expectations[index];
        Place {
            index,
            of: self.expectations.len(),
            column: expectation["column"].as_str(),
            rule: name_in(&expectation["rule"]),
        }
    }
}
