use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::bounds::{Bound, Bounds, beyond};
use super::count::Count;
use super::label;
use super::named_type::require_type_name;
use super::number::exact;
use super::suite::inexact_integer;
use crate::report::chart::label_in_words;

/// What a column or a table must be.
///
/// A **rule on rows** says which rows break it: these are counted, shown and set apart. A **rule on the
/// table** says something of all rows together; it breaks no row.
///
/// Missing values (null, NaN, an embedding that holds one of these or ±inf) break [`NotNull`](Self::NotNull) alone; −0.0 equals 0.0;
/// ±inf is a value at the end of the order. Integers, decimals, dates and times are compared without rounding.
///
/// What stands after `"rule":` in a file, an end of a range being `min`, `above`, `max` or `below`, is read by [`from_json`](Self::from_json):
///
#[doc = include_str!("rules.md")]
///
/// ```
/// use mlops_drift::expectation::Rule;
/// let rule = Rule::from_json(r#"{"between": {"min": 0.0, "max": 100.0}}"#)?;
/// assert_eq!(rule, Rule::between(0.0, 100.0)?);
/// assert_eq!(rule.to_string(), "between 0 and 100");
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Rule {
    /// The column is there.
    Exists,
    /// On rows: of the Arrow type of this [name](mlops_core::type_name), such as `int64`; all rows or none. Of a table in parts of several types,
    /// that which [holds all of them](crate::table::Table#impl-Table-for-Vec<RecordBatch>).
    Type(String),
    /// On rows: neither null nor NaN.
    NotNull,
    /// On rows: null or NaN.
    Missing,
    /// On rows: a number or time within these ends.
    Between(Bounds),
    /// On rows: one of these labels; integers and booleans as their text.
    OneOf(#[serde(deserialize_with = "label::read")] BTreeSet<String>),
    /// On rows: none of these labels. One that no value of the column could have, such as `"x"` for an integer, cannot be checked.
    NoneOf(#[serde(deserialize_with = "label::read")] BTreeSet<String>),
    /// On rows: a text that matches this regular expression somewhere; anchor it for a whole match.
    Matches(String),
    /// On rows: a text of so many characters (Unicode scalar values).
    Length(Count),
    /// On rows: no value occurs twice; of equal values all but the first break the rule.
    Unique,
    /// On rows: no combination with the values of these columns occurs twice; one with a missing part breaks
    /// nothing.
    UniqueWith(Vec<String>),
    /// On rows: not below the value before; missing ones are passed over.
    Increasing,
    /// On rows: above the value before.
    StrictlyIncreasing,
    /// On rows: not above the value before.
    Decreasing,
    /// On rows: below the value before.
    StrictlyDecreasing,
    /// On rows: ordered so to the value before among the rows with the same values in these columns. A row with a missing
    /// part is passed over. Memory for every such combination.
    OrderedWithin {
        /// How values follow one another.
        order: Order,
        /// The columns whose values tell the sequences apart.
        by: Vec<String>,
    },
    /// On rows: at most the value in this column of the same row.
    AtMost {
        /// The other column.
        column: String,
    },
    /// On rows: less than the value in this column of the same row.
    LessThan {
        /// The other column.
        column: String,
    },
    /// On rows: equal to the value in this column of the same row.
    EqualTo {
        /// The other column.
        column: String,
    },
    /// On rows: one of the values in a column of another table, which the [`Context`](super::Context) holds.
    InTable {
        /// The name of the table.
        table: String,
        /// Its column.
        column: String,
    },
    /// On rows: together with the values of other columns one of the combinations in columns of another table, which the
    /// [`Context`](super::Context) holds; one with a missing part breaks nothing.
    KeyInTable {
        /// The other columns of this table.
        with: Vec<String>,
        /// The name of the table.
        table: String,
        /// Its columns, the first for the expectation's own, the others for those of `with`.
        columns: Vec<String>,
    },
    /// On the table: so many rows.
    Rows(Count),
    /// On the table: no columns but these; whether they are there is for [`Exists`](Self::Exists).
    OnlyColumns(BTreeSet<String>),
    /// On the table: each of these labels occurs.
    AllOf(#[serde(deserialize_with = "label::read")] BTreeSet<String>),
    /// On the table: so many distinct values, missing ones not counted.
    Distinct(Count),
    /// On the table: the newest time is at most so much older than the [`Context`](super::Context)'s `now`, and at
    /// most so much ahead of it, since one row from the future would keep a table fresh for ever. A time without a time
    /// zone is read as UTC. See [`fresh`](Self::fresh).
    Fresh {
        /// The greatest age.
        within_seconds: u64,
        /// How far clocks may run ahead; 0 if it is left out.
        #[serde(default, skip_serializing_if = "is_zero")]
        ahead_seconds: u64,
    },
    /// On the table: the mean of a numeric column lies within.
    Mean(Bounds),
    /// On the table: the standard deviation (divisor n) of a numeric column lies within.
    StandardDeviation(Bounds),
    /// On the table: the quantile lies within, the least value that at least this share of values does not
    /// exceed (type 1 of Hyndman & Fan, "Sample quantiles in statistical packages", The American Statistician
    /// 1996).
    Quantile {
        /// The share, in (0, 1).
        share: f64,
        /// Where the quantile must lie.
        within: Bounds,
    },
    /// On the table: no evidence at the expectation's [level](super::Expectation::level), which it must
    /// state, that the column's law is another than in this table, which the [`Context`](super::Context)
    /// holds. Numbers by [`KolmogorovSmirnov`](crate::two_sample::KolmogorovSmirnov) on a
    /// [grid](crate::profile::Grid), categories by [`ChiSquare`](crate::two_sample::ChiSquare), texts and embeddings by
    /// the [facet](crate::profile::FacetProfile) that differs most, corrected for their number; all for exchangeable
    /// rows, or [units](super::Expectation::unit). Not applicable where the values are so few that none could fail.
    DistributedAs {
        /// The name of the table.
        table: String,
    },
}

/// How a value must be ordered to the one before, for [`Rule::OrderedWithin`].
///
/// ```
/// use mlops_drift::expectation::{Order, Rule};
/// let rule = Rule::OrderedWithin { order: Order::StrictlyIncreasing, by: vec!["tailnum".into()] };
/// assert_eq!(rule.to_string(), "above the value before of the same tailnum");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Not below it.
    Increasing,
    /// Above it.
    StrictlyIncreasing,
    /// Not above it.
    Decreasing,
    /// Below it.
    StrictlyDecreasing,
}

impl Order {
    /// Whether a value may not be ordered so to the one before.
    pub(super) fn is_broken_by(self, order: Ordering) -> bool {
        match self {
            Self::Increasing => order.is_lt(),
            Self::StrictlyIncreasing => order.is_le(),
            Self::Decreasing => order.is_gt(),
            Self::StrictlyDecreasing => order.is_ge(),
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Increasing => "not below the value before",
            Self::StrictlyIncreasing => "above the value before",
            Self::Decreasing => "not above the value before",
            Self::StrictlyDecreasing => "below the value before",
        })
    }
}

/// What stands after `"rule":` in a file, as it is documented.
const RULES: &str = include_str!("rules.md");

/// The name of what may be a rule: all of it, or its only key.
pub(super) fn name_in(rule: &Value) -> Option<&str> {
    let key = || rule.as_object()?.keys().next().map(String::as_str);
    rule.as_str().or_else(key)
}

/// How a rule of this name is written, if there is one.
fn written_as(name: &str) -> Option<&'static str> {
    let starts = [format!("\"{name}\""), format!("{{\"{name}\"")];
    let mut codes = RULES.split('`');
    codes.find(|code| starts.iter().any(|start| code.starts_with(start)))
}

/// The error, saying how a rule of this name is written, if there is one.
pub(super) fn told_how_written(error: Error, name: Option<&str>) -> Error {
    match name.and_then(written_as) {
        Some(written) => error.context("written as", written),
        None => error,
    }
}

/// What is wrong with settings that are not [named](are_named).
pub(super) const UNNAMED: &str = "settings must be named, got a list of them";

/// Whether what is written as an object where it is documented is one here: serde reads a list by the order of the fields, so that `"between": [5]`
/// would be "at least 5".
pub(super) fn are_named(rule: &Value) -> bool {
    let written = name_in(rule).and_then(written_as);
    let written = written.and_then(|written| serde_json::from_str::<Value>(written).ok());
    written.is_none_or(|written| is_like(&written, rule))
}

fn is_like(written: &Value, found: &Value) -> bool {
    match (written, found) {
        (Value::Object(written), Value::Object(found)) => found.iter().all(|(key, found)| {
            let written = written.get(key);
            written.is_none_or(|written| is_like(written, found))
        }),
        (Value::Object(_), _) => false,
        _ => true,
    }
}

fn is_zero(seconds: &u64) -> bool {
    *seconds == 0
}

impl Rule {
    /// A rule from JSON, as it stands in a suite.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for anything that is no rule, one whose settings make no sense, and an integer
    /// beyond 64 bits, which `serde_json` alone would round.
    ///
    /// ```
    /// use mlops_drift::expectation::Rule;
    /// let rule = Rule::from_json(r#"{"between": {"min": 9007199254740993}}"#)?;
    /// assert_eq!(rule.to_string(), "at least 9007199254740993"); // no float holds it
    /// assert!(Rule::from_json(r#"{"between": {"max": 18446744073709551616}}"#).is_err());
    /// let long = Rule::from_json(r#"{"between": {"max": "18446744073709551616"}}"#)?;
    /// assert_eq!(long.to_string(), "at most 18446744073709551616");
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn from_json(text: &str) -> Result<Self> {
        let malformed = |why: String| Error::invalid(format!("not a rule: {why}"));
        if let Some(token) = inexact_integer(text) {
            return Err(malformed(beyond(&text[token])));
        }
        let written = serde_json::from_str::<Value>(text).unwrap_or_default();
        let told = |why: String| told_how_written(malformed(why), name_in(&written));
        if !are_named(&written) {
            return Err(told(UNNAMED.to_owned()));
        }
        let rule = serde_json::from_str::<Self>(text);
        rule.map_err(|error| told(error.to_string()))?.checked()
    }

    /// Values from `min` to `max`, both included.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for NaN, ±inf or an empty range.
    ///
    /// ```
    /// use mlops_drift::expectation::Rule;
    /// assert!(Rule::between("2013-01-01", "2013-12-31").is_ok());
    /// assert!(Rule::between(2, 1).is_err());
    /// ```
    pub fn between(min: impl Into<Bound>, max: impl Into<Bound>) -> Result<Self> {
        Self::Between(Bounds::default().min(min).max(max)).checked()
    }

    /// Values from `min`.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for NaN or ±inf.
    ///
    /// ```
    /// assert!(mlops_drift::expectation::Rule::at_least(f64::NAN).is_err());
    /// ```
    pub fn at_least(min: impl Into<Bound>) -> Result<Self> {
        Self::Between(Bounds::default().min(min)).checked()
    }

    /// Any of these labels.
    pub fn one_of<S: Into<String>>(labels: impl IntoIterator<Item = S>) -> Self {
        Self::OneOf(labels.into_iter().map(Into::into).collect())
    }

    /// Any but these labels, which must be such as values of the column could have.
    pub fn none_of<S: Into<String>>(labels: impl IntoIterator<Item = S>) -> Self {
        Self::NoneOf(labels.into_iter().map(Into::into).collect())
    }

    /// The newest time is at most so old, and not in the future.
    ///
    /// ```
    /// use mlops_drift::expectation::Rule;
    /// assert_eq!(Rule::fresh(60).to_string(), "not older than 60 s");
    /// ```
    pub fn fresh(within_seconds: u64) -> Self {
        let ahead_seconds = 0;
        Self::Fresh {
            within_seconds,
            ahead_seconds,
        }
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

    /// The name that it has in a file, without its settings: `between`, `not_null`.
    ///
    /// ```
    /// use mlops_drift::expectation::Rule;
    /// assert_eq!(Rule::between(0, 23)?.name(), "between");
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn name(&self) -> &'static str {
        match self {
            Self::Exists => "exists",
            Self::Type(_) => "type",
            Self::NotNull => "not_null",
            Self::Missing => "missing",
            Self::Between(_) => "between",
            Self::OneOf(_) => "one_of",
            Self::NoneOf(_) => "none_of",
            Self::Matches(_) => "matches",
            Self::Length(_) => "length",
            Self::Unique => "unique",
            Self::UniqueWith(_) => "unique_with",
            Self::Increasing => "increasing",
            Self::StrictlyIncreasing => "strictly_increasing",
            Self::Decreasing => "decreasing",
            Self::StrictlyDecreasing => "strictly_decreasing",
            Self::OrderedWithin { .. } => "ordered_within",
            Self::AtMost { .. } => "at_most",
            Self::LessThan { .. } => "less_than",
            Self::EqualTo { .. } => "equal_to",
            Self::InTable { .. } => "in_table",
            Self::KeyInTable { .. } => "key_in_table",
            Self::Rows(_) => "rows",
            Self::OnlyColumns(_) => "only_columns",
            Self::AllOf(_) => "all_of",
            Self::Distinct(_) => "distinct",
            Self::Fresh { .. } => "fresh",
            Self::Mean(_) => "mean",
            Self::StandardDeviation(_) => "standard_deviation",
            Self::Quantile { .. } => "quantile",
            Self::DistributedAs { .. } => "distributed_as",
        }
    }

    /// Whether it says which rows break it.
    ///
    /// ```
    /// use mlops_drift::expectation::Rule;
    /// assert!(Rule::NotNull.is_on_rows());
    /// assert!(!Rule::Rows((1..).into()).is_on_rows());
    /// ```
    pub fn is_on_rows(&self) -> bool {
        !matches!(
            self,
            Self::Exists
                | Self::Rows(_)
                | Self::OnlyColumns(_)
                | Self::AllOf(_)
                | Self::Distinct(_)
                | Self::Fresh { .. }
                | Self::Mean(_)
                | Self::StandardDeviation(_)
                | Self::Quantile { .. }
                | Self::DistributedAs { .. }
        )
    }

    /// Whether it can be held against evidence at a level: it says something of a law that the rows are drawn
    /// from.
    pub(super) fn takes_level(&self) -> bool {
        self.is_on_rows() || matches!(self, Self::DistributedAs { .. })
    }

    /// Whether it is on values, so that it has nothing to say of a row in which one is missing.
    pub(super) fn reads_values(&self) -> bool {
        !matches!(self, Self::Type(_) | Self::NotNull | Self::Missing)
    }

    /// Whether it says which rows break it without a look at other rows.
    pub(super) fn is_on_one_row(&self) -> bool {
        let remembers = matches!(
            self,
            Self::Unique
                | Self::UniqueWith(_)
                | Self::Increasing
                | Self::StrictlyIncreasing
                | Self::Decreasing
                | Self::StrictlyDecreasing
                | Self::OrderedWithin { .. }
        );
        self.is_on_rows() && !remembers
    }

    /// Whether it says something else of some rows than of all.
    pub(super) fn is_on_chosen_rows(&self) -> bool {
        !matches!(self, Self::Exists | Self::Type(_) | Self::OnlyColumns(_))
    }

    /// Whether it is on the table alone.
    pub(super) fn is_on_no_column(&self) -> bool {
        matches!(self, Self::Rows(_) | Self::OnlyColumns(_))
    }

    /// The columns of the same table that it reads beside its own.
    pub(super) fn other_columns(&self) -> &[String] {
        match self {
            Self::UniqueWith(columns) | Self::OrderedWithin { by: columns, .. } => columns,
            Self::KeyInTable { with, .. } => with,
            Self::AtMost { column } | Self::LessThan { column } | Self::EqualTo { column } => {
                std::slice::from_ref(column)
            }
            _ => &[],
        }
    }

    /// The rule, if its settings make sense.
    pub(super) fn checked(self) -> Result<Self> {
        match &self {
            Self::Type(name) => require_type_name(name)?,
            Self::Between(bounds) => bounds.check()?,
            Self::Mean(bounds) => bounds.check_numbers()?,
            Self::StandardDeviation(bounds) => require_deviation(bounds)?,
            Self::Quantile { share, within } => {
                within.check()?;
                if !(*share > 0.0 && *share < 1.0) {
                    return Err(out_of_range("the share of a quantile", "(0, 1)", *share));
                }
            }
            Self::Length(count) => count.check("a length")?,
            Self::Rows(count) => count.check("a number of rows")?,
            Self::Distinct(count) => count.check("a number of distinct values")?,
            Self::KeyInTable { with, columns, .. } if columns.len() != with.len() + 1 => {
                return Err(Error::invalid(format!(
                    "a key of {} columns must be looked up in as many, got {}",
                    with.len() + 1,
                    columns.len()
                )));
            }
            Self::UniqueWith(columns) | Self::OrderedWithin { by: columns, .. }
                if columns.is_empty() =>
            {
                return Err(Error::invalid(
                    "a rule on several columns must name at least 1, got 0",
                ));
            }
            Self::Matches(expression) if expression.is_empty() => {
                return Err(Error::invalid(
                    "a regular expression must not match every text, got \"\"",
                ));
            }
            Self::Matches(expression) => {
                expression_of(expression)?;
            }
            Self::OneOf(labels) | Self::NoneOf(labels) | Self::AllOf(labels)
                if labels.is_empty() =>
            {
                return Err(Error::invalid("a set must hold at least 1 value, got 0"));
            }
            _ => {}
        }
        Ok(self)
    }
}

/// An error for a column that is compared with itself, which all rows obey, or none.
pub(super) fn require_others(own: &str, rule: &Rule) -> Result<()> {
    use Rule::{AtMost, EqualTo, LessThan};
    match rule {
        AtMost { column } | LessThan { column } | EqualTo { column } if column == own => {
            Err(Error::invalid(format!(
                "a rule must compare its column with another, got \"{own}\" {rule}"
            )))
        }
        _ => Ok(()),
    }
}

/// An error unless a standard deviation, which is at least 0, can lie within and beyond.
fn require_deviation(bounds: &Bounds) -> Result<()> {
    bounds.check_numbers()?;
    let number =
        |end: Option<(&Bound, bool)>| end.and_then(|(end, is_in)| Some((end.number()?, is_in)));
    let is_all = |(low, is_in): (f64, bool)| low < 0.0 || (low == 0.0 && is_in);
    let is_none = |(high, is_in): (f64, bool)| high < 0.0 || (high == 0.0 && !is_in);
    let (low, high) = (number(bounds.low()), number(bounds.high()));
    if high.is_none() && low.is_some_and(is_all) || high.is_some_and(is_none) {
        return Err(Error::invalid(format!(
            "a standard deviation is at least 0, and some of these must lie within and some beyond, got {bounds}"
        )));
    }
    Ok(())
}

fn out_of_range(what: &str, range: &str, value: f64) -> Error {
    Error::invalid(format!("{what} must lie in {range}, got {}", exact(value)))
}

pub(super) fn expression_of(expression: &str) -> Result<regex::Regex> {
    regex::Regex::new(expression).map_err(|error| {
        let why = error.to_string();
        let why = why
            .lines()
            .last()
            .unwrap_or_default()
            .trim_start_matches("error: ");
        Error::invalid(format!(
            "a regular expression must be well-formed, got {expression:?}: {why}"
        ))
    })
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists => f.write_str("present"),
            Self::Type(name) => write!(f, "of type {name}"),
            Self::NotNull => f.write_str("not missing"),
            Self::Missing => f.write_str("missing"),
            Self::Between(bounds) => bounds.fmt(f),
            Self::OneOf(labels) => write!(f, "one of {}", listed(labels)),
            Self::NoneOf(labels) => write!(f, "none of {}", listed(labels)),
            Self::AllOf(labels) => write!(f, "showing each of {}", listed(labels)),
            Self::OnlyColumns(names) if names.is_empty() => f.write_str("of no columns"),
            Self::OnlyColumns(names) => write!(f, "of no columns but {}", listed(names)),
            Self::Matches(expression) => write!(f, "matching {expression}"),
            Self::Length(count) => write!(f, "of {count} characters"),
            Self::Unique => f.write_str("unique"),
            Self::UniqueWith(columns) => write!(f, "unique together with {}", columns.join(", ")),
            Self::Increasing => Order::Increasing.fmt(f),
            Self::StrictlyIncreasing => Order::StrictlyIncreasing.fmt(f),
            Self::Decreasing => Order::Decreasing.fmt(f),
            Self::StrictlyDecreasing => Order::StrictlyDecreasing.fmt(f),
            Self::OrderedWithin { order, by } => write!(f, "{order} of the same {}", by.join(", ")),
            Self::AtMost { column } => write!(f, "at most {column}"),
            Self::LessThan { column } => write!(f, "less than {column}"),
            Self::EqualTo { column } => write!(f, "equal to {column}"),
            Self::InTable { table, column } => write!(f, "in {column} of {table}"),
            Self::KeyInTable {
                with,
                table,
                columns,
            } => write!(
                f,
                "together with {} in {} of {table}",
                with.join(", "),
                columns.join(", ")
            ),
            Self::Rows(count) => write!(f, "of {count} rows"),
            Self::Distinct(count) => write!(f, "of {count} distinct values"),
            Self::Fresh {
                within_seconds,
                ahead_seconds,
            } => match ahead_seconds {
                0 => write!(f, "not older than {within_seconds} s"),
                ahead => write!(f, "not older than {within_seconds} s, nor {ahead} s ahead"),
            },
            Self::Mean(bounds) => write!(f, "of a mean {bounds}"),
            Self::StandardDeviation(bounds) => write!(f, "of a standard deviation {bounds}"),
            Self::Quantile { share, within } => {
                write!(f, "of a {} quantile {within}", exact(*share))
            }
            Self::DistributedAs { table } => write!(f, "distributed as in {table}"),
        }
    }
}

/// The first labels, long ones cut off, and how many more.
pub(crate) fn listed(labels: &BTreeSet<String>) -> String {
    let shown = labels.iter().take(8).map(|label| label_in_words(label, 40));
    let shown: Vec<String> = shown.collect();
    match labels.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
