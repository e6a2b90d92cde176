//! The report for a pull request.

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
        let header = [
            "column",
            "verdict",
            "adjusted p",
            "effect",
            "missing",
            "why",
        ];
        format!(
            "### {}\n\n{}\n\n{}\n{} rows against {} of the reference, {} tests, {} at level {}\n",
            self.headline(),
            escaped(&self.verdict.reason),
            table(header, self.worst_first().into_iter().map(cells)),
            self.current_rows,
            self.reference_rows,
            self.tests,
            self.correction,
            self.level.get()
        )
    }
}

fn cells(column: &ColumnReport) -> [String; 6] {
    let effects: Vec<String> = column.effects.iter().map(ToString::to_string).collect();
    [
        column.column.clone(),
        column.verdict.as_str().to_owned(),
        short(column.adjusted_p_value().get()),
        effects.join(", "),
        format!(
            "{:.1} % → {:.1} %",
            column.reference_missing * 100.0,
            column.current_missing * 100.0
        ),
        column.reason.clone(),
    ]
}

/// A table of GitHub's; the cells are escaped.
pub(crate) fn table<const N: usize>(
    header: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> String {
    let line = |cells: [String; N]| format!("| {} |\n", cells.join(" | "));
    let rows = rows.map(|cells| line(cells.map(|cell| escaped(&cell))));
    let head = [header.map(str::to_owned), header.map(|_| "---".to_owned())].map(line);
    head.into_iter().chain(rows).collect()
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
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' => safe.extend(['\\', c]),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}
