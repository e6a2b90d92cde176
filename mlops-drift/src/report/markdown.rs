//! The report for a pull request.

use super::chart::shorten;
use super::{ColumnReport, DriftReport, Moved};

impl DriftReport {
    /// The report as Markdown (GitHub's tables), worst column first: a headline, the verdict's reason,
    /// and a row for every column, as far as a comment on GitHub has room for them (65,536 characters); the others are counted. Names from the data are
    /// escaped: they open no markup and no cell.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// let report = mlops_drift::DriftCheck::against(&table).run(&table)?;
    /// assert!(report.to_markdown().starts_with("### No drift\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_markdown(&self) -> String {
        let header = [
            "column",
            "verdict",
            "adjusted p",
            "effect, where that of the laws lies",
            "before → now",
            "missing",
            "why",
        ];
        let has_minimums = self.has_minimums();
        let cells_of = |column| cells(column, has_minimums);
        format!(
            "### {}\n\n{}\n\n{}\n{} rows against {} of the reference, {} tests, {} at level {}: {}\n",
            self.headline(),
            escaped(&shorten(&self.verdict.reason, REASON)),
            Table::new(header).rows("columns", self.worst_first().into_iter().map(cells_of)),
            self.current_rows,
            self.reference_rows,
            self.tests,
            self.correction,
            self.level.get(),
            escaped(&shorten(&self.guarantee, REASON))
        )
    }
}

fn cells(column: &ColumnReport, has_minimums: bool) -> [String; 7] {
    [
        column.column.clone(),
        column.verdict_in_words(has_minimums).to_owned(),
        column.p_value_in_words(),
        column.effects_in_words(),
        column
            .moved
            .as_ref()
            .map(Moved::in_short)
            .unwrap_or_default(),
        column.missing_in_words(),
        column.reason.clone(),
    ]
}

/// GitHub takes 65,536 characters a comment: these for a table, so that two of them fit with what stands around.
const ROWS: usize = 30_000;
/// Characters of a cell.
const CELL: usize = 600;
/// Characters of a verdict's reason.
const REASON: usize = 1_500;

/// A table of GitHub's.
pub(crate) struct Table<const N: usize> {
    header: [&'static str; N],
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(header: [&'static str; N]) -> Self {
        Self { header }
    }

    /// The table with as many of the rows as there is room for; the others are counted. Cells are cut and escaped.
    pub(crate) fn rows(self, what: &str, rows: impl Iterator<Item = [String; N]>) -> String {
        let line = |cells: [String; N]| format!("| {} |\n", cells.join(" | "));
        let head = [
            self.header.map(str::to_owned),
            self.header.map(|_| "---".to_owned()),
        ];
        let (mut text, mut left_out) = (head.map(line).concat(), 0);
        for cells in rows {
            let row = line(cells.map(|cell| escaped(&shorten(&cell, CELL))));
            if left_out > 0 || text.len() + row.len() > ROWS {
                left_out += 1;
            } else {
                text.push_str(&row);
            }
        }
        if left_out > 0 {
            text.push_str(&format!("\n{left_out} more {what} are left out here.\n"));
        }
        text
    }
}

/// A table whose cells are escaped.
pub(crate) fn table<const N: usize>(
    header: [&'static str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> String {
    Table::new(header).rows("rows", rows)
}

/// Every character that could be markup, as an entity or behind a backslash; lines become one.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            // A mention notifies people, and a number links to an issue.
            '@' => safe.push_str("&#64;"),
            '#' => safe.push_str("&#35;"),
            // Mathematics.
            '$' => safe.push_str("&#36;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' => safe.extend(['\\', c]),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    // A bare address would become a link.
    safe.replace("://", "&#58;//").replace("www.", "www&#46;")
}
