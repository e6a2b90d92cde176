//! The report for CI servers.

use super::{ColumnReport, ColumnVerdict, DriftReport};

impl DriftReport {
    /// The report as JUnit XML: a test case for every column, which fails if it drifted materially, and
    /// is skipped if it could not be tested. Drift below the minimum effect passes, with a note.
    ///
    /// ```
    /// # use arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// let report = mlops_drift::DriftCheck::against(&table).run(&table)?;
    /// assert!(report.to_junit().contains(r#"tests="1" failures="0" skipped="0""#));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_junit(&self) -> String {
        let count = |verdict| self.columns.iter().filter(|c| c.verdict == verdict).count();
        let cases: String = self.columns.iter().map(case).collect();
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"drift\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" errors=\"0\">\n{cases}</testsuite>\n</testsuites>\n",
            self.columns.len(),
            count(ColumnVerdict::Material),
            count(ColumnVerdict::Untested),
        )
    }
}

fn case(column: &ColumnReport) -> String {
    let (name, reason) = (escaped(&column.column), escaped(&column.reason));
    let open = format!("<testcase classname=\"drift\" name=\"{name}\"");
    match column.verdict {
        ColumnVerdict::Stable => format!("{open}/>\n"),
        ColumnVerdict::Drifted => {
            format!("{open}><system-out>{reason}</system-out></testcase>\n")
        }
        ColumnVerdict::Material => {
            format!("{open}><failure type=\"drift\" message=\"{reason}\"/></testcase>\n")
        }
        ColumnVerdict::Untested => format!("{open}><skipped message=\"{reason}\"/></testcase>\n"),
    }
}

/// XML 1.0: the five special characters as entities; what it cannot hold at all, replaced.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&apos;"),
            '\t' | '\n' | '\r' => safe.push_str(&format!("&#{};", u32::from(c))),
            '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            c if c < ' ' => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}
