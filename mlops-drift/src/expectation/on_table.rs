//! Rules on the table: what is kept of all rows, and what is concluded from it.

use std::collections::BTreeSet;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use mlops_core::Result;

use super::across_rows::Seen;
use super::check::RowCheck;
use super::column_type::labels_of;
use super::conclusion::Conclusion;
use super::count::Count;
use super::memory::Memory;
use super::on_rows::column;
use super::rule::listed;

/// A rule on the table while its parts come in.
pub(super) trait TableCheck: Send {
    /// Another part.
    ///
    /// # Errors
    /// What the columns' types or the rule's settings forbid: the same for every part of one schema.
    fn update(&mut self, part: &RecordBatch) -> Result<()>;

    /// What it remembers of the parts before; `None` if nothing.
    fn memory(&mut self) -> Option<&mut dyn Memory>;

    /// What all parts come to.
    fn conclude(&self) -> Result<Conclusion>;
}

/// [`Rule::Exists`](super::Rule::Exists).
pub(super) struct Present(pub(super) String);

impl TableCheck for Present {
    fn update(&mut self, part: &RecordBatch) -> Result<()> {
        column(part, &self.0).map(|_| ())
    }

    fn memory(&mut self) -> Option<&mut dyn Memory> {
        None
    }

    fn conclude(&self) -> Result<Conclusion> {
        Ok(Conclusion::new(true, "the column is there".into()))
    }
}

/// [`Rule::OnlyColumns`](super::Rule::OnlyColumns).
pub(super) struct NoOthers {
    allowed: BTreeSet<String>,
    /// In no order but their own, however parts come.
    others: BTreeSet<String>,
}

impl NoOthers {
    /// By the schema: the parts may hold the columns of the suite alone.
    pub(super) fn of(allowed: BTreeSet<String>, schema: &Schema) -> Self {
        let mut found = Self {
            allowed,
            others: BTreeSet::new(),
        };
        found.look_at(schema);
        found
    }

    fn look_at(&mut self, schema: &Schema) {
        let names = schema.fields().iter().map(|field| field.name());
        let others = names.filter(|name| !self.allowed.contains(*name));
        self.others.extend(others.cloned());
    }
}

impl TableCheck for NoOthers {
    fn update(&mut self, part: &RecordBatch) -> Result<()> {
        self.look_at(part.schema_ref());
        Ok(())
    }

    fn memory(&mut self) -> Option<&mut dyn Memory> {
        Some(&mut self.others)
    }

    fn conclude(&self) -> Result<Conclusion> {
        Ok(no_others(&self.others))
    }
}

/// Of a table with such columns beside those that are allowed.
pub(super) fn no_others(others: &BTreeSet<String>) -> Conclusion {
    let reason = match others.is_empty() {
        true => "there are no others".to_owned(),
        false => format!("there are others: {}", listed(others)),
    };
    Conclusion::new(others.is_empty(), reason)
}

/// [`Rule::AllOf`](super::Rule::AllOf).
pub(super) struct Shown {
    pub(super) column: String,
    /// Labels that did not occur yet.
    pub(super) missing: BTreeSet<String>,
}

impl TableCheck for Shown {
    fn update(&mut self, part: &RecordBatch) -> Result<()> {
        for label in labels_of(column(part, &self.column)?)?.iter().flatten() {
            if !self.missing.is_empty() {
                self.missing.remove(label);
            }
        }
        Ok(())
    }

    fn memory(&mut self) -> Option<&mut dyn Memory> {
        Some(&mut self.missing)
    }

    fn conclude(&self) -> Result<Conclusion> {
        let reason = match self.missing.is_empty() {
            true => "each of them occurs".to_owned(),
            false => format!("these do not occur: {}", listed(&self.missing)),
        };
        Ok(Conclusion::new(self.missing.is_empty(), reason))
    }
}

/// [`Rule::Rows`](super::Rule::Rows).
pub(super) struct RowCount {
    pub(super) expected: Count,
    pub(super) rows: u64,
}

impl TableCheck for RowCount {
    fn update(&mut self, part: &RecordBatch) -> Result<()> {
        self.rows += part.num_rows() as u64;
        Ok(())
    }

    fn memory(&mut self) -> Option<&mut dyn Memory> {
        Some(&mut self.rows)
    }

    fn conclude(&self) -> Result<Conclusion> {
        let passed = self.expected.contains(self.rows);
        Ok(Conclusion::new(passed, format!("{} rows", self.rows)))
    }
}

/// [`Rule::Distinct`](super::Rule::Distinct).
pub(super) struct Distinct {
    pub(super) expected: Count,
    pub(super) seen: Seen,
}

impl TableCheck for Distinct {
    fn update(&mut self, part: &RecordBatch) -> Result<()> {
        self.seen.broken(part).map(|_| ())
    }

    fn memory(&mut self) -> Option<&mut dyn Memory> {
        self.seen.memory()
    }

    fn conclude(&self) -> Result<Conclusion> {
        let distinct = self.seen.distinct();
        let passed = self.expected.contains(distinct);
        if distinct == 0 && passed {
            return Ok(Conclusion::not_applicable("there is no value"));
        }
        Ok(Conclusion::new(
            passed,
            format!("{distinct} distinct values"),
        ))
    }
}
