//! The report for a pull request and for CI servers.

use super::expected::Severity;
use super::report::{ExpectationResult, ValidationReport};
use crate::report::SerialCorrelation;
use crate::report::junit::{Case, Outcome, suite};
use crate::report::markdown::{escaped, table};
use crate::report::short;

/// Failures that a headline names.
const NAMED: usize = 5;

impl ValidationReport {
    /// One line that says the most important thing.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from(vec![Some(1), None])) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// use mlops_drift::expectation::{Expectation, Rule, Suite};
    /// let report = Suite::new([Expectation::on("x", Rule::NotNull)]).validate(&table)?;
    /// assert_eq!(report.headline(), "1 of 1 expectations failed: x is not missing");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn headline(&self) -> String {
        let failed = |severity| {
            self.failures()
                .filter(move |result| result.severity == severity)
        };
        let all = self.results.len();
        let unchecked = self.not_applicable().count();
        let (errors, warnings) = (failed(Severity::Error), failed(Severity::Warning).count());
        let mut errors = errors.map(|result| result.description.as_str());
        let first: Vec<&str> = errors.by_ref().take(NAMED).collect();
        let others = errors.count();
        match (first.len() + others, warnings) {
            (0, 0) if self.rows == 0 && unchecked > 0 => format!(
                "The table has no rows: {unchecked} of {all} expectations had nothing to check"
            ),
            (0, 0) if unchecked > 0 => format!(
                "{} of {all} expectations hold, {unchecked} had nothing to check",
                all - unchecked
            ),
            (0, 0) if all == 0 => "The suite has no expectation: nothing was checked".to_owned(),
            (0, 0) if all == 1 => "The 1 expectation holds".to_owned(),
            (0, 0) => format!("All {all} expectations hold"),
            (0, warnings) => format!("{warnings} of {all} expectations failed, as warnings"),
            (count, _) if others > 0 => format!(
                "{count} of {all} expectations failed: {}; and {others} more",
                first.join("; ")
            ),
            (count, _) => {
                format!("{count} of {all} expectations failed: {}", first.join("; "))
            }
        }
    }

    /// The report as Markdown (GitHub's tables), failures first, errors before warnings. Names from the data
    /// are escaped: they open no markup and no cell.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from(vec![1, 2])) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// use mlops_drift::expectation::{Expectation, Rule, Suite};
    /// let report = Suite::new([Expectation::on("x", Rule::NotNull)]).validate(&table)?;
    /// assert!(report.to_markdown().starts_with("### The 1 expectation holds\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_markdown(&self) -> String {
        let header = ["expectation", "result", "broken rows", "p-value", "why"];
        format!(
            "### {}\n\n{}\n{} rows\n",
            escaped(&self.headline()),
            table(header, self.worst_first().into_iter().map(cells)),
            self.rows
        )
    }

    /// The report as JUnit XML: a test case for every expectation, by what it is [known by](super::Suite::names), so that a server tells the same
    /// case again. A failure's message has the expectation in words and the first values that break it. A failed warning passes, with a note;
    /// one that had nothing to check is skipped, with the reason.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from(vec![1, 2])) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// use mlops_drift::expectation::{Expectation, Rule, Suite};
    /// let report = Suite::new([Expectation::on("x", Rule::NotNull)]).validate(&table)?;
    /// assert!(report.to_junit().contains(r#"tests="1" failures="0" skipped="0""#));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_junit(&self) -> String {
        self.to_junit_beside(Vec::new())
    }

    /// Beside other cases.
    pub(crate) fn to_junit_beside(&self, others: Vec<Case<'_>>) -> String {
        let told: Vec<String> = self.results.iter().map(ExpectationResult::why).collect();
        let results = self.results.iter().zip(&told);
        let is_checked = self.is_checked();
        let mut cases: Vec<Case<'_>> = results
            .map(|(result, why)| case(result, why, is_checked))
            .collect();
        if cases.is_empty() {
            cases.push(Case {
                name: "suite",
                outcome: Outcome::Broken("the suite has no expectation: nothing was checked"),
            });
        }
        cases.extend(others);
        suite("validation", &cases)
    }

    pub(crate) fn worst_first(&self) -> Vec<&ExpectationResult> {
        let mut results: Vec<&ExpectationResult> = self.results.iter().collect();
        let rank = |result: &ExpectationResult| (result.passed, !result.applicable);
        results.sort_by_key(|result| (rank(result), std::cmp::Reverse(result.severity)));
        results
    }
}

impl ExpectationResult {
    /// The expectation in words, what became of it, values that break the rule, and why it is expected.
    pub(crate) fn why(&self) -> String {
        let because = (self.expected_because.iter()).map(|why| format!("; expected, as {why}"));
        [&self.description, ": ", &self.reason]
            .map(str::to_owned)
            .into_iter()
            .chain(self.broken_values())
            .chain(because)
            .collect()
    }

    fn is_dependent(&self) -> bool {
        let serial = self.serial_correlation.as_ref();
        serial.is_some_and(SerialCorrelation::is_conspicuous)
    }

    /// The first of them, and how many rows hold others.
    fn broken_values(&self) -> Option<String> {
        let told: u64 = self.values.iter().map(|value| value.rows).sum();
        let values: Vec<String> = self.values.iter().map(ToString::to_string).collect();
        let others = match self.broken.saturating_sub(told) {
            0 => String::new(),
            rows => format!("; others in {rows} rows"),
        };
        (!values.is_empty()).then(|| format!(": {}{others}", values.join("; ")))
    }
}

fn cells(result: &ExpectationResult) -> [String; 5] {
    let p = result.p_value.map(|p| short(p.get()));
    [
        result.expectation.clone(),
        result.outcome().to_owned(),
        result.broken.to_string(),
        p.unwrap_or_else(|| "–".into()),
        result.why(),
    ]
}

/// Of a report in which anything was checked, or nothing.
fn case<'a>(result: &'a ExpectationResult, why: &'a str, is_checked: bool) -> Case<'a> {
    Case {
        name: &result.expectation,
        outcome: match (result.passed, result.severity) {
            // A suite of skipped cases passes.
            _ if !is_checked => Outcome::Broken(why),
            _ if !result.applicable => Outcome::Skipped(why),
            (true, _) if result.is_dependent() => Outcome::Noted(why),
            (true, _) => Outcome::Passed,
            (false, Severity::Warning) => Outcome::Noted(why),
            (false, Severity::Error) => Outcome::Failed(why),
        },
    }
}
