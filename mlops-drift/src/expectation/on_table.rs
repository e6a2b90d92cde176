//! Rules on the table: what is kept of all rows, and what is concluded from it.

use arrow::array::RecordBatch;
use mlops_core::Result;

use super::across_rows::Seen;
use super::check::RowCheck;
use super::conclusion::Conclusion;
use super::count::Count;
use super::memory::Memory;
use super::on_rows::column;

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
        Ok(Conclusion::new(
            passed,
            format!("{distinct} distinct values"),
        ))
    }
}
