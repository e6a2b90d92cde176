//! Reports as Markdown, JUnit XML and JSON, with names that try to break out.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array};
use mlops_core::evidence::SignificanceLevel;
use mlops_drift::expectation::{Expectation, Rule, Severity, Suite, ValidationReport};

use super::table;

/// Markup of both formats, and of HTML.
const HOSTILE: &str = "a|b\n<script>\"x\" & 'y'</script> @all #1 \\ `c` *d* [e](f) \u{1}";

/// One holds, one fails as a warning, one fails on evidence, one cannot be checked.
fn report() -> ValidationReport {
    let column = || Arc::new(Int32Array::from(vec![Some(1), None, None, Some(9)])) as ArrayRef;
    let positive = || Rule::between(1, 5).unwrap();
    let evidence = Expectation::on(HOSTILE, Rule::NotNull)
        .mostly(0.99)
        .unwrap();
    let suite = Suite::new([
        Expectation::on("x", Rule::Type("int32".into())),
        Expectation::on("x", positive()).severity(Severity::Warning),
        evidence
            .level(SignificanceLevel::ONE_PERCENT)
            .unwrap()
            .because(HOSTILE),
        Expectation::on("y", positive()),
    ]);
    suite
        .validate(&table([("x", column()), (HOSTILE, column())]))
        .unwrap()
}

#[test]
fn markdown_has_a_row_an_expectation_whatever_its_name() {
    let text = report().to_markdown();
    assert!(
        text.starts_with("### 2 of 4 expectations failed: "),
        "{text}"
    );
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 2 + 4, "{text}");
    for row in &rows {
        assert_eq!(row.replace("\\|", "").matches('|').count(), 6, "{row}");
    }
    for markup in ["<script", "@all", "#1", " `c", " *d", "[e]("] {
        assert!(!text.contains(markup), "{markup} in {text}");
    }
    let verdicts = rows[2..].iter().map(|row| {
        row.replace("\\|", "")
            .split(" | ")
            .nth(1)
            .unwrap()
            .to_owned()
    });
    assert_eq!(
        verdicts.collect::<Vec<_>>(),
        ["error", "error", "warning", "holds"]
    );
    assert!(text.ends_with("\n\n4 rows\n"));
}

#[test]
fn junit_fails_errors_and_notes_warnings() {
    let text = report().to_junit();
    let head = r#"<testsuite name="validation" tests="4" failures="2" skipped="0" errors="0">"#;
    assert!(text.contains(head), "{text}");
    assert!(text.contains(r#"<testcase classname="validation" name="x: type"/>"#));
    let note = "name=\"x: between\"><system-out>x is between 1 and 5: broken by 1 of 4 rows, first by row 3, and 2 miss a value: 9</system-out>";
    assert!(text.contains(note), "{text}");
    let failure = "<failure type=\"validation\" message=\"y is between 1 and 5: cannot be checked: column &quot;y&quot; is missing\"/>";
    assert!(text.contains(failure), "{text}");
    assert!(text.chars().all(|c| c >= ' ' || c == '\n'));
    assert!(!text.contains("<script"));
}

/// A suite of nothing, or of what nothing in the table is of, passes no CI.
#[test]
fn what_checked_nothing_is_an_error() {
    let none = table([(
        "x",
        Arc::new(Int32Array::from(vec![None, None])) as ArrayRef,
    )]);
    let positive = || Expectation::on("x", Rule::at_least(0.0).unwrap());
    for (suite, cases) in [(vec![], 1), (vec![positive()], 1)] {
        let report = Suite::new(suite).validate(&none).unwrap();
        assert!(!report.is_checked());
        let counts = format!(r#"tests="{cases}" failures="0" skipped="0" errors="{cases}""#);
        assert!(report.to_junit().contains(&counts), "{}", report.to_junit());
        assert!(
            report
                .to_openmetrics()
                .contains("mlops_drift_validation_checked 0\n")
        );
    }
    let also = Expectation::on_table(Rule::Rows((1..).into()));
    let report = Suite::new([positive(), also]).validate(&none).unwrap();
    assert!(report.is_checked() && report.to_junit().contains(r#"skipped="1" errors="0""#));
}

#[test]
fn headlines_tell_the_worst() {
    let x = table([("x", Arc::new(Int32Array::from(vec![1])) as ArrayRef)]);
    let headline = |suite: Vec<Expectation>| Suite::new(suite).validate(&x).unwrap().headline();
    assert_eq!(
        headline(vec![]),
        "The suite has no expectation: nothing was checked"
    );
    let missing = || Expectation::on("y", Rule::NotNull);
    let warning = || missing().severity(Severity::Warning);
    assert_eq!(
        headline(vec![warning()]),
        "1 of 1 expectations failed, as warnings"
    );
    assert_eq!(
        headline(vec![warning(), missing()]),
        "1 of 2 expectations failed: y is not missing"
    );
    let many = headline(vec![missing(); 300]);
    assert!(many.starts_with("300 of 300 expectations failed: y is not missing; y is"));
    assert!(
        many.ends_with("; and 295 more") && many.len() < 200,
        "{many}"
    );
}

#[test]
fn json_comes_back() {
    let json = report().to_json().unwrap();
    assert_eq!(
        serde_json::from_str::<ValidationReport>(&json).unwrap(),
        report()
    );
}
