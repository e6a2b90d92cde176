//! From a rule to what watches it over the parts of a table.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use mlops_core::{Error, Result};

use super::across_rows::{Ordered, Referenced, Seen};
use super::condition::Conditions;
use super::context::Context;
use super::distribution::Distributed;
use super::distribution_by_unit::DistributedByUnit;
use super::expected::Expectation;
use super::freshness::Newest;
use super::key::RowKeys;
use super::memory::Memory;
use super::moment::{MomentWithin, Sums};
use super::on_rows::{
    among, column, is_missing, is_present, not_among, of_other_type, ordered, outside, texts,
    unequal,
};
use super::on_table::{Distinct, NoOthers, Present, RowCount, Shown, TableCheck};
use super::quantile::{QuantileWithin, RangeCounts};
use super::rule::{Order, Rule, expression_of};
use crate::sample::Moments;

/// A rule on rows while the parts of a table come in.
pub(super) trait RowCheck: Send {
    /// The rows of the next part that break the rule, ascending.
    ///
    /// # Errors
    /// What the columns' types or the rule's settings forbid: the same for every part of one schema.
    fn broken(&mut self, part: &RecordBatch) -> Result<Vec<usize>>;

    /// What it remembers of the parts before; `None` if nothing.
    fn memory(&mut self) -> Option<&mut dyn Memory>;
}

/// A rule that a row breaks by itself.
impl<F: Fn(&RecordBatch) -> Result<Vec<usize>> + Send> RowCheck for F {
    fn broken(&mut self, part: &RecordBatch) -> Result<Vec<usize>> {
        self(part)
    }

    fn memory(&mut self) -> Option<&mut dyn Memory> {
        None
    }
}

pub(super) enum Check {
    Rows(Box<dyn RowCheck>),
    Table(Box<dyn TableCheck>),
    /// The rule cannot be checked, for this reason.
    Cannot {
        reason: String,
        on_rows: bool,
    },
}

impl Check {
    /// With the conditions on its rows. Tried on no rows of this schema: what fails there fails on every part.
    pub(super) fn of(
        expectation: &Expectation,
        schema: &Schema,
        context: &Context,
    ) -> (Self, Conditions) {
        let no_rows = RecordBatch::new_empty(schema.clone().into());
        let tried = || {
            let mut check = Self::build(expectation, schema, context)?;
            let mut conditions = Conditions::of(expectation.conditions(), context)?;
            check.update(&no_rows)?;
            conditions.met(&no_rows)?;
            Ok((check, conditions))
        };
        tried().unwrap_or_else(|error: Error| Self::cannot(expectation, &error.to_string()))
    }

    /// Of a rule that cannot be checked, whatever the rows.
    pub(super) fn cannot(expectation: &Expectation, reason: &str) -> (Self, Conditions) {
        let cannot = Self::Cannot {
            reason: reason.to_owned(),
            on_rows: expectation.rule().is_on_rows(),
        };
        (cannot, Conditions::default())
    }

    /// The rows of the next part that break a rule on rows; of one that cannot be checked, all.
    pub(super) fn update(&mut self, part: &RecordBatch) -> Result<Vec<usize>> {
        match self {
            Self::Rows(check) => check.broken(part),
            Self::Table(check) => check.update(part).map(|()| Vec::new()),
            Self::Cannot { on_rows: true, .. } => Ok((0..part.num_rows()).collect()),
            Self::Cannot { .. } => Ok(Vec::new()),
        }
    }

    pub(super) fn memory(&mut self) -> Option<&mut dyn Memory> {
        match self {
            Self::Rows(check) => check.memory(),
            Self::Table(check) => check.memory(),
            Self::Cannot { .. } => None,
        }
    }

    fn build(expectation: &Expectation, schema: &Schema, context: &Context) -> Result<Self> {
        if !expectation.rule().is_on_rows() {
            return on_table(expectation, schema, context).map(Self::Table);
        }
        if let Some(unit) = expectation.unit_column() {
            RowKeys::of(&RecordBatch::new_empty(schema.clone().into()), [unit])?;
        }
        let name = expectation.column().unwrap_or_default();
        on_rows(name, expectation.rule(), context).map(Self::Rows)
    }
}

pub(super) fn on_rows(name: &str, rule: &Rule, context: &Context) -> Result<Box<dyn RowCheck>> {
    let (name, rule) = (name.to_owned(), rule.clone());
    Ok(match rule {
        Rule::Matches(expression) => {
            let expression = expression_of(&expression)?;
            let breaks = move |text: &str| !expression.is_match(text);
            by_itself(move |part| texts(column(part, &name)?, &breaks))
        }
        Rule::Unique => Box::new(Seen::new(vec![name])),
        Rule::UniqueWith(mut columns) => {
            columns.insert(0, name);
            Box::new(Seen::new(columns))
        }
        Rule::Increasing => in_order(name, Order::Increasing),
        Rule::StrictlyIncreasing => in_order(name, Order::StrictlyIncreasing),
        Rule::Decreasing => in_order(name, Order::Decreasing),
        Rule::StrictlyDecreasing => in_order(name, Order::StrictlyDecreasing),
        Rule::OrderedWithin { order, by } => Box::new(Ordered::new(name, by, order)),
        Rule::InTable { table, column: of } => {
            let referenced = Referenced::of(context, &table, &[of])?;
            by_itself(move |part| referenced.unknown(part, &[&name]))
        }
        Rule::KeyInTable {
            with,
            table,
            columns,
        } => {
            let referenced = Referenced::of(context, &table, &columns)?;
            by_itself(move |part| {
                let key: Vec<&str> = std::iter::once(&name)
                    .chain(&with)
                    .map(String::as_str)
                    .collect();
                referenced.unknown(part, &key)
            })
        }
        rule => by_itself(move |part| at_once(part, &name, &rule)),
    })
}

/// Rules that need neither the rows before nor another table.
fn in_order(name: String, order: Order) -> Box<dyn RowCheck> {
    Box::new(Ordered::new(name, Vec::new(), order))
}

fn at_once(part: &RecordBatch, name: &str, rule: &Rule) -> Result<Vec<usize>> {
    let values = column(part, name)?;
    match rule {
        Rule::Type(name) => of_other_type(values, name),
        Rule::NotNull => is_missing(values),
        Rule::Missing => is_present(values),
        Rule::Between(bounds) => outside(values, bounds),
        Rule::OneOf(allowed) => not_among(values, allowed),
        Rule::NoneOf(forbidden) => among(values, forbidden),
        Rule::Length(count) => texts(values, |text| !count.contains(text.chars().count() as u64)),
        Rule::AtMost { column: of } => ordered(part, [name, of], |o| o.is_gt()),
        Rule::LessThan { column: of } => ordered(part, [name, of], |o| o.is_ge()),
        Rule::EqualTo { column: of } => unequal(part, [name, of]),
        other => Err(not_here(other)),
    }
}

/// Tells the compiler that the closure takes any part.
fn by_itself(
    check: impl Fn(&RecordBatch) -> Result<Vec<usize>> + Send + 'static,
) -> Box<dyn RowCheck> {
    Box::new(check)
}

fn on_table(
    expectation: &Expectation,
    schema: &Schema,
    context: &Context,
) -> Result<Box<dyn TableCheck>> {
    let name = expectation.column().unwrap_or_default();
    let rule = expectation.rule();
    let column = name.to_owned();
    Ok(match rule.clone() {
        Rule::Exists => Box::new(Present(column)),
        Rule::Rows(expected) => Box::new(RowCount { expected, rows: 0 }),
        Rule::OnlyColumns(allowed) => Box::new(NoOthers::of(allowed, schema)),
        Rule::AllOf(labels) => Box::new(Shown {
            column,
            missing: labels,
        }),
        Rule::Distinct(expected) => Box::new(Distinct {
            expected,
            seen: Seen::new(vec![column]),
        }),
        Rule::Fresh {
            within_seconds,
            ahead_seconds,
        } => Box::new(Newest {
            column,
            within_seconds,
            ahead_seconds,
            now: context.moment()?,
            newest: None,
        }),
        Rule::Mean(within) => Box::new(MomentWithin {
            column,
            what: "mean",
            of: Moments::mean,
            within,
            sums: Sums::default(),
        }),
        Rule::StandardDeviation(within) => Box::new(MomentWithin {
            column,
            what: "standard deviation",
            of: Moments::standard_deviation,
            within,
            sums: Sums::default(),
        }),
        Rule::Quantile { share, within } => Box::new(QuantileWithin {
            column,
            share,
            within,
            counts: RangeCounts::default(),
        }),
        Rule::DistributedAs { table } => {
            let level = expectation.significance().ok_or_else(|| not_here(rule))?;
            match expectation.unit_column() {
                None => Box::new(Distributed::of(name, &table, level, context, schema)?),
                Some(unit) => {
                    let of = DistributedByUnit::of(name, unit, &table, level, context, schema);
                    Box::new(of?)
                }
            }
        }
        other => return Err(not_here(&other)),
    })
}

fn not_here(rule: &Rule) -> Error {
    Error::invalid(format!(
        "a rule must be checked where it belongs, got {rule}"
    ))
}
