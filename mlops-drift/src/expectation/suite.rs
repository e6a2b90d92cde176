use std::collections::BTreeSet;
use std::ops::Range;

use arrow::array::RecordBatch;
use mlops_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::bounds::beyond;
use super::context::Context;
use super::expected::Expectation;
use super::place::{Listed, Place};
use super::report::ValidationReport;
use crate::table::{Table, in_parts, unreadable};

/// Counts up with every change that an older reader cannot follow.
const VERSION: u16 = 2;
/// A text that no suite holds, to find again what it stands for.
pub(super) const MARK: &str = "\"\u{e000}an integer beyond 64 bits\u{e000}\"";

/// A list of expectations: data, as JSON or TOML in a file of its own. Files of older versions are read.
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

/// The part of a file that every version has.
#[derive(Deserialize)]
pub(super) struct Announced {
    version: u16,
}

impl Announced {
    pub(super) fn require_known(&self) -> Result<()> {
        if (1..=VERSION).contains(&self.version) {
            return Ok(());
        }
        let found = self.version;
        let reason = format!("a suite's version must lie in [1, {VERSION}], got {found}");
        Err(Error::new(ErrorKind::Unsupported, reason))
    }
}

/// What serde would say of anything but an object speaks of our types.
fn require_object(json: &str) -> Result<()> {
    if json.trim_start().starts_with('{') {
        return Ok(());
    }
    let start: String = json.trim_start().chars().take(20).collect();
    Err(malformed(format!(
        "it must be an object such as {{\"version\": {VERSION}, \"expectations\": []}}, got one that starts with {start:?}"
    )))
}

/// Where the first integer stands that is beyond 64 bits: it would be read as a float, and rounded.
pub(super) fn inexact_integer(json: &str) -> Option<Range<usize>> {
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
    let (mut rest, mut in_text) = (json, false);
    while let Some(at) = rest.find(|c: char| matches!(c, '"' | '\\') || !in_text && is_part(c)) {
        let token = &rest[at..];
        let length = match token.as_bytes()[0] {
            b'"' => {
                in_text = !in_text;
                1
            }
            b'\\' => token.chars().take(2).map(char::len_utf8).sum(),
            _ => token.find(|c: char| !is_part(c)).unwrap_or(token.len()),
        };
        if is_inexact(&token[..length]) {
            let start = json.len() - token.len();
            return Some(start..start + length);
        }
        rest = &token[length..];
    }
    None
}

/// Whether this is a decimal integer beyond 64 bits.
pub(super) fn is_inexact(token: &str) -> bool {
    let digits = token.strip_prefix('-').unwrap_or(token);
    let is_integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_integer && token.parse::<i64>().is_err() && token.parse::<u64>().is_err()
}

/// Of an integer in whose place the list has a mark.
pub(super) fn beyond_64_bits(integer: &str, marked: &Listed) -> Error {
    let is_marked = |value: &Value| value.to_string().contains(MARK);
    marked.told(malformed(beyond(integer)), is_marked)
}

pub(super) fn malformed(error: impl std::fmt::Display) -> Error {
    Error::invalid(format!("not a suite of expectations: {error}"))
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

    /// The columns that it reads.
    pub(super) fn columns(&self) -> BTreeSet<&str> {
        self.expectations
            .iter()
            .flat_map(Expectation::columns)
            .collect()
    }

    /// What each expectation is known by in reports, as test cases and as series of metrics: its [name](Expectation::name), and from the second of
    /// one name on its number among these. As long as the suite has the same rules on the same columns, whatever their values, the names stay.
    ///
    /// ```
    /// use mlops_drift::expectation::{Expectation, Rule, Suite};
    /// let on = |rule| Expectation::on("hour", rule);
    /// let suite = Suite::new([on(Rule::between(0, 23)?), on(Rule::NotNull), on(Rule::between(5, 23)?).mostly(0.9)?]);
    /// assert_eq!(suite.names(), ["hour: between", "hour: not_null", "hour: between 2"]);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn names(&self) -> Vec<String> {
        let mut used = BTreeSet::new();
        let names = self.expectations.iter().map(|expectation| {
            let name = expectation.name();
            let numbered = (2_u64..).map(|number| format!("{name} {number}"));
            let mut names = std::iter::once(name.clone()).chain(numbered);
            let unused = names.find(|name| used.insert(name.clone()));
            unused.unwrap_or_default() // numbers do not end
        });
        names.collect()
    }

    /// Each expectation with what it is known by, if its settings make sense; an error says which one is wrong.
    pub(super) fn named(&self) -> impl Iterator<Item = Result<(String, Expectation)>> {
        let of = self.expectations.len();
        let named = self.expectations.iter().zip(self.names()).enumerate();
        named.map(move |(index, (expectation, name))| {
            let place = Place {
                index,
                of,
                column: expectation.column(),
                rule: Some(expectation.rule().name()),
            };
            let checked = expectation.clone().checked();
            Ok((name, checked.map_err(|error| place.told(error))?))
        })
    }

    pub(super) fn checked(self) -> Result<Self> {
        let checked = self.named().map(|named| Ok(named?.1));
        Ok(Self {
            expectations: checked.collect::<Result<_>>()?,
            version: VERSION, // what was read of an older version is of this one
        })
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
    /// [`Unsupported`](ErrorKind::Unsupported) for a newer version;
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for anything else that is no suite, an unknown rule or
    /// field, or a rule whose settings make no sense.
    pub fn from_json(text: &str) -> Result<Self> {
        require_object(text)?;
        let announced: Announced = serde_json::from_str(text).map_err(malformed)?;
        announced.require_known()?;
        let listed = |text: &str| serde_json::from_str::<Listed>(text).unwrap_or_default();
        if let Some(token) = inexact_integer(text) {
            let marked = [&text[..token.start], MARK, &text[token.end..]].concat();
            return Err(beyond_64_bits(&text[token], &listed(&marked)));
        }
        listed(text).require_named()?;
        let suite = serde_json::from_str::<Self>(text);
        suite
            .map_err(|error| listed(text).unreadable(malformed(error)))?
            .checked()
    }

    /// Checks every expectation on a table, part by part, see [`Validator`](super::Validator). O(rows) each.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for a rule whose settings make no sense; what reading
    /// the table can cause. What cannot be checked fails, be it of a column that is not the same in every part of the table; it is no error.
    pub fn validate(&self, table: &dyn Table) -> Result<ValidationReport> {
        self.validate_with(table, &Context::default())
    }

    /// Checks every expectation on a table, with the time and other tables at hand.
    ///
    /// # Errors
    /// As [`validate`](Self::validate)'s.
    pub fn validate_with(&self, table: &dyn Table, context: &Context) -> Result<ValidationReport> {
        let schema = table.schema();
        let used = self.columns();
        let present = schema.fields().iter().map(|field| field.name().as_str());
        let present: Vec<&str> = present.filter(|name| used.contains(name)).collect();
        let unreadable = unreadable(table, present.iter().copied())?;
        let mut validator = self.validator_of(&schema, &unreadable, context)?;
        let readable = present
            .into_iter()
            .filter(|&name| !unreadable.contains_key(name));
        for part in in_parts(table, &readable.collect::<Vec<_>>())? {
            validator.check(&part?)?;
        }
        validator.finish()
    }

    /// Sets the rows apart that break no rule of severity [`Error`](super::Severity::Error), and those that
    /// do, with a column that says which. See [`CheckedPart::split`](super::CheckedPart::split); for the
    /// report as well, or row by row, take a [`validator`](Self::validator).
    ///
    /// A rule on rows that cannot be checked, say for a misspelt column, sets all rows apart, and the column
    /// tells why.
    ///
    /// # Errors
    /// As [`validate`](Self::validate)'s; [`InvalidArgument`](ErrorKind::InvalidArgument) for a table that
    /// has a column `broken_expectations`.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, AsArray, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from(vec![1, 9, 3])) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// use mlops_drift::expectation::{Context, Expectation, Rule, Suite};
    /// let suite = Suite::new([Expectation::on("x", Rule::between(0.0, 5.0)?)]);
    /// let (accepted, quarantined) = suite.split(&table, &Context::default())?;
    /// assert_eq!(accepted.num_rows(), 2);
    /// let why = quarantined["broken_expectations"].as_string::<i64>();
    /// assert_eq!(why.value(0), "x is between 0 and 5");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn split(
        &self,
        table: &RecordBatch,
        context: &Context,
    ) -> Result<(RecordBatch, RecordBatch)> {
        let mut validator = self.validator(&table.schema(), context)?;
        validator.check(table)?.split(table)
    }
}
