//! Which rows an expectation is on.

use std::fmt;

use arrow::array::RecordBatch;
use mlops_core::{Error, Result};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::check::{RowCheck, on_rows};
use super::context::Context;
use super::on_rows::nulls_of;
use super::rule::{Rule, require_others};

/// A rule that a row must obey for an expectation to be on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Condition {
    pub(super) column: String,
    pub(super) rule: Rule,
}

impl Condition {
    /// The columns that it reads.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        let others = self.rule.other_columns().iter().map(String::as_str);
        std::iter::once(self.column.as_str()).chain(others)
    }

    pub(super) fn checked(&self) -> Result<()> {
        if !self.rule.is_on_one_row() {
            return Err(Error::invalid(format!(
                "a condition must be a rule that looks at one row, got one that is {}",
                self.rule
            )));
        }
        require_others(&self.column, &self.rule)?;
        self.rule.clone().checked().map(|_| ())
    }
}

impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is {}", self.column, self.rule)
    }
}

/// The conditions of one expectation, all of which a row must meet.
#[derive(Default)]
pub(super) struct Conditions(Vec<Watched>);

struct Watched {
    condition: Condition,
    check: Box<dyn RowCheck>,
}

impl Conditions {
    pub(super) fn of(conditions: &[Condition], context: &Context) -> Result<Self> {
        let watched = conditions.iter().map(|condition| {
            Ok(Watched {
                check: on_rows(&condition.column, &condition.rule, context)?,
                condition: condition.clone(),
            })
        });
        Ok(Self(watched.collect::<Result<_>>()?))
    }

    /// The rows of a part that meet them all, ascending; `None` where there are no conditions.
    pub(super) fn met(&mut self, part: &RecordBatch) -> Result<Option<Vec<usize>>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let mut meets = vec![true; part.num_rows()];
        for Watched { condition, check } in &mut self.0 {
            for row in check.broken(part)? {
                meets[row] = false;
            }
            if !condition.rule.reads_values() {
                continue;
            }
            // What is missing breaks no rule, but meets no condition either.
            if let Some(nulls) = nulls_of(part, condition.columns())? {
                meets
                    .iter_mut()
                    .zip(nulls.iter())
                    .for_each(|(meets, valid)| *meets &= valid);
            }
        }
        Ok(Some((0..meets.len()).filter(|&row| meets[row]).collect()))
    }
}

/// Conditions as they stand in a file: in a list, be it of one.
pub(super) fn read<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Vec<Condition>, D::Error> {
    deserializer.deserialize_seq(Listed)
}

struct Listed;

impl<'de> Visitor<'de> for Listed {
    type Value = Vec<Condition>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of conditions, each with `column` and `rule`")
    }

    fn visit_seq<A: SeqAccess<'de>>(
        self,
        conditions: A,
    ) -> std::result::Result<Vec<Condition>, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(conditions))
    }
}
