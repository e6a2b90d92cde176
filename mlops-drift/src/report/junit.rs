//! The report for CI servers.

use super::{ColumnReport, ColumnVerdict, DriftReport};

impl DriftReport {
    /// The report as JUnit XML: a test case for every column, which fails if it drifted materially,
    /// is an error if it was not compared for a change of the schema, or drifted and nobody knows whether materially, and is skipped if it could not be tested, or is not in the reference. Drift
    /// below the minimum effect passes, with a note. Where nothing could be compared every column is an error.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// let report = mlops_drift::DriftCheck::against(&table).run(&table)?;
    /// assert!(report.to_junit().contains(r#"tests="1" failures="0" skipped="0""#));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_junit(&self) -> String {
        let new = self.untold_columns().into_iter().map(|name| Case {
            name,
            outcome: Outcome::Skipped("not compared: the reference lacks it"),
        });
        let columns = self.columns.iter().map(|column| self.case(column));
        let cases: Vec<Case<'_>> = columns.chain(new).collect();
        suite("drift", &cases)
    }

    fn case<'a>(&self, column: &'a ColumnReport) -> Case<'a> {
        let reason = column.reason.as_str();
        Case {
            name: &column.column,
            outcome: match column.verdict {
                ColumnVerdict::Stable if column.has_notes() => Outcome::Noted(reason),
                ColumnVerdict::Stable => Outcome::Passed,
                ColumnVerdict::Drifted if column.materiality_undecided => Outcome::Broken(reason),
                ColumnVerdict::Drifted => Outcome::Noted(reason),
                ColumnVerdict::Material => Outcome::Failed(reason),
                // A suite of skipped cases passes.
                ColumnVerdict::Untested if self.verdict.nothing_compared => Outcome::Broken(reason),
                ColumnVerdict::Untested => Outcome::Skipped(reason),
                ColumnVerdict::NotCompared => Outcome::Broken(reason),
            },
        }
    }
}

/// A test case of a suite.
pub(crate) struct Case<'a> {
    pub(crate) name: &'a str,
    pub(crate) outcome: Outcome<'a>,
}

/// What became of it, and why.
pub(crate) enum Outcome<'a> {
    Passed,
    Noted(&'a str),
    Failed(&'a str),
    /// It could not be looked at.
    Broken(&'a str),
    Skipped(&'a str),
}

/// One suite as a whole file.
pub(crate) fn suite(name: &str, cases: &[Case<'_>]) -> String {
    let count =
        |of: fn(&Outcome<'_>) -> bool| cases.iter().filter(|case| of(&case.outcome)).count();
    let written: String = cases.iter().map(|case| case.to_xml(name)).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" errors=\"{}\">\n{written}</testsuite>\n</testsuites>\n",
        cases.len(),
        count(|outcome| matches!(outcome, Outcome::Failed(_))),
        count(|outcome| matches!(outcome, Outcome::Skipped(_))),
        count(|outcome| matches!(outcome, Outcome::Broken(_))),
    )
}

impl Case<'_> {
    fn to_xml(&self, suite: &str) -> String {
        let open = format!(
            "<testcase classname=\"{suite}\" name=\"{}\"",
            escaped(self.name)
        );
        let inside = match self.outcome {
            Outcome::Passed => return format!("{open}/>\n"),
            Outcome::Noted(why) => format!("<system-out>{}</system-out>", escaped(why)),
            Outcome::Failed(why) => {
                format!("<failure type=\"{suite}\" message=\"{}\"/>", escaped(why))
            }
            Outcome::Broken(why) => {
                format!("<error type=\"{suite}\" message=\"{}\"/>", escaped(why))
            }
            Outcome::Skipped(why) => format!("<skipped message=\"{}\"/>", escaped(why)),
        };
        format!("{open}>{inside}</testcase>\n")
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
