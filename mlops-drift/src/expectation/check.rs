//! From a rule to what watches it over the parts of a table.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use mlops_core::evidence::SignificanceLevel;
use mlops_core::{Error, Result};

use super::across_rows::{Last, Referenced, Seen};
use super::context::Context;
use super::distribution::Distributed;
use super::expected::Expectation;
use super::on_rows::{
    column, is_missing, not_among, of_other_type, ordered, outside, texts, unequal,
};
use super::on_table::{
    Distinct, MomentWithin, Newest, Present, QuantileWithin, RowCount, TableCheck,
};
use super::rule::{Rule, expression_of};
use crate::sample::Moments;

/// The rows of the next part that break a rule, ascending. What the columns' types or the rule's settings forbid
/// is an error, for every part of one schema.
pub(super) type RowCheck = Box<dyn FnMut(&RecordBatch) -> Result<Vec<usize>> + Send>;

pub(super) enum Check {
    Rows(RowCheck),
    Table(Box<dyn TableCheck>),
    /// The rule cannot be checked, for this reason.
    Cannot {
        reason: String,
        on_rows: bool,
    },
}

impl Check {
    /// Tried on no rows of this schema: what fails there fails on every part.
    pub(super) fn of(expectation: &Expectation, schema: &Schema, context: &Context) -> Self {
        let tried = Self::build(expectation, schema, context).and_then(|mut check| {
            check.update(&RecordBatch::new_empty(schema.clone().into()))?;
            Ok(check)
        });
        tried.unwrap_or_else(|error| Self::Cannot {
            reason: error.to_string(),
            on_rows: expectation.rule().is_on_rows(),
        })
    }

    /// The rows of the next part that break a rule on rows; of one that cannot be checked, all.
    pub(super) fn update(&mut self, part: &RecordBatch) -> Result<Vec<usize>> {
        match self {
            Self::Rows(check) => check(part),
            Self::Table(check) => check.update(part).map(|()| Vec::new()),
            Self::Cannot { on_rows: true, .. } => Ok((0..part.num_rows()).collect()),
            Self::Cannot { .. } => Ok(Vec::new()),
        }
    }

    fn build(expectation: &Expectation, schema: &Schema, context: &Context) -> Result<Self> {
        let name = expectation.column().unwrap_or_default();
        let level = expectation.significance();
        if !expectation.rule().is_on_rows() {
            return on_table(name, expectation.rule(), level, schema, context).map(Self::Table);
        }
        on_rows(name, expectation.rule(), context).map(Self::Rows)
    }
}

fn on_rows(name: &str, rule: &Rule, context: &Context) -> Result<RowCheck> {
    let (name, rule) = (name.to_owned(), rule.clone());
    Ok(match rule {
        Rule::Matches(expression) => {
            let expression = expression_of(&expression)?;
            Box::new(move |part| texts(column(part, &name)?, |text| !expression.is_match(text)))
        }
        Rule::Unique => repeated(name, Vec::new()),
        Rule::UniqueWith(others) => repeated(name, others),
        Rule::Increasing => misplaced(name, std::cmp::Ordering::is_lt),
        Rule::StrictlyIncreasing => misplaced(name, std::cmp::Ordering::is_le),
        Rule::Decreasing => misplaced(name, std::cmp::Ordering::is_gt),
        Rule::StrictlyDecreasing => misplaced(name, std::cmp::Ordering::is_ge),
        Rule::InTable { table, column: of } => {
            let referenced = Referenced::of(context, &table, &of)?;
            Box::new(move |part| referenced.unknown(column(part, &name)?))
        }
        rule => Box::new(move |part| by_itself(part, &name, &rule)),
    })
}

/// Rules that need neither the rows before nor another table.
fn by_itself(part: &RecordBatch, name: &str, rule: &Rule) -> Result<Vec<usize>> {
    let values = column(part, name)?;
    match rule {
        Rule::Type(name) => of_other_type(values, name),
        Rule::NotNull => is_missing(values),
        Rule::Between(bounds) => outside(values, bounds),
        Rule::OneOf(allowed) => not_among(values, allowed),
        Rule::Length(count) => texts(values, |text| !count.contains(text.chars().count() as u64)),
        Rule::AtMost { column: of } => ordered([values, column(part, of)?], |o| o.is_gt()),
        Rule::LessThan { column: of } => ordered([values, column(part, of)?], |o| o.is_ge()),
        Rule::EqualTo { column: of } => unequal([values, column(part, of)?]),
        other => Err(not_here(other)),
    }
}

fn repeated(name: String, others: Vec<String>) -> RowCheck {
    let mut seen = Seen::new(std::iter::once(name).chain(others).collect());
    Box::new(move |part| seen.repeated(part))
}

fn misplaced(name: String, wrong: fn(std::cmp::Ordering) -> bool) -> RowCheck {
    let mut last = Last::default();
    Box::new(move |part| last.misplaced(column(part, &name)?, wrong))
}

fn on_table(
    name: &str,
    rule: &Rule,
    level: Option<SignificanceLevel>,
    schema: &Schema,
    context: &Context,
) -> Result<Box<dyn TableCheck>> {
    let column = name.to_owned();
    Ok(match rule.clone() {
        Rule::Exists => Box::new(Present(column)),
        Rule::Rows(expected) => Box::new(RowCount { expected, rows: 0 }),
        Rule::Distinct(expected) => Box::new(Distinct {
            expected,
            seen: Seen::new(vec![column]),
        }),
        Rule::Fresh { within_seconds } => Box::new(Newest {
            column,
            within_seconds,
            now: context.moment()?,
            newest: None,
        }),
        Rule::Mean(within) => Box::new(MomentWithin {
            column,
            what: "mean",
            of: Moments::mean,
            within,
            moments: Moments::default(),
            rest: Vec::new(),
        }),
        Rule::StandardDeviation(within) => Box::new(MomentWithin {
            column,
            what: "standard deviation",
            of: Moments::standard_deviation,
            within,
            moments: Moments::default(),
            rest: Vec::new(),
        }),
        Rule::Quantile { share, within } => Box::new(QuantileWithin {
            column,
            share,
            within,
            below: 0,
            above: 0,
            values: 0,
        }),
        Rule::DistributedAs { table } => {
            let level = level.ok_or_else(|| not_here(rule))?;
            Box::new(Distributed::of(name, &table, level, context, schema)?)
        }
        other => return Err(not_here(&other)),
    })
}

fn not_here(rule: &Rule) -> Error {
    Error::invalid(format!(
        "a rule must be checked where it belongs, got {rule}"
    ))
}
