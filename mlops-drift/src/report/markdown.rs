//! The report for a pull request.

use std::fmt::Write as _;

use super::{ColumnReport, DriftReport, short};

impl DriftReport {
    /// The report as Markdown (GitHub's tables), worst column first: a headline, the verdict's reason,
    /// and a row for every column. Names from the data are escaped: they open no markup and no cell.
    ///
    /// ```
    /// # use arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// let report = mlops_drift::DriftCheck::against(&table).run(&table)?;
    /// assert!(report.to_markdown().starts_with("### No drift\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_markdown(&self) -> String {
        let mut text = format!(
            "### {}\n\n{}\n\n| column | verdict | adjusted p | effect | missing | why |\n| --- | --- | --- | --- | --- | --- |\n",
            self.headline(),
            escaped(&self.verdict.reason)
        );
        for column in self.worst_first() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}", row(column));
        }
        let _ = writeln!(
            text,
            "\n{} rows against {} of the reference, {} tests, {} at level {}",
            self.current_rows,
            self.reference_rows,
            self.tests,
            self.correction,
            self.level.get()
        );
        text
    }
}

fn row(column: &ColumnReport) -> String {
    let effects: Vec<String> = column.effects.iter().map(ToString::to_string).collect();
    format!(
        "| {} | {} | {} | {} | {:.1} % → {:.1} % | {} |",
        escaped(&column.column),
        column.verdict.as_str(),
        short(column.adjusted_p_value().get()),
        escaped(&effects.join(", ")),
        column.reference_missing * 100.0,
        column.current_missing * 100.0,
        escaped(&column.reason)
    )
}

/// Every character that could be markup, as an entity or behind a backslash; lines become one.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            // A mention notifies people, and a number links to an issue.
            '@' => safe.push_str("&#64;"),
            '#' => safe.push_str("&#35;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' => safe.extend(['\\', c]),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}
