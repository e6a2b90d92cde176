//! Markdown, JUnit XML and OpenMetrics: what the formats ask for, and names that try to break out.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch};
use mlops_core::evidence::Distance;
use mlops_drift::{DriftCheck, DriftReport};

/// Markup of all three formats, and of HTML.
const HOSTILE: &str = "a|b\n<script>\"x\" & 'y'</script> @all #1 \\ `c` *d* [e](f) \u{1}";

/// One column stands still, one moves a little, one a lot, one is empty.
fn report() -> DriftReport {
    let table = |small: f64, large: f64| {
        let column = |shift: f64| -> ArrayRef {
            let values = (0..2_000).map(|i| f64::from(i % 100) / 100.0 + shift);
            Arc::new(Float64Array::from_iter_values(values))
        };
        let empty: ArrayRef = Arc::new(Float64Array::from(vec![None::<f64>; 2_000]));
        let columns = [
            ("still", column(0.0), true),
            ("little", column(small), true),
            (HOSTILE, column(large), true),
            ("empty", empty, true),
        ];
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    };
    let least = Distance::new(0.5, "wasserstein_sd").unwrap();
    let check = DriftCheck::against(&table(0.0, 0.0)).effect(least);
    check.run(&table(0.1, 1.0)).unwrap()
}

#[test]
fn markdown_has_a_row_a_column_whatever_its_name() {
    let text = report().to_markdown();
    assert!(text.starts_with("### Material drift\n"));
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 2 + 4, "{text}");
    for row in rows {
        let cells = row.replace("\\|", "").matches('|').count();
        assert_eq!(cells, 7, "{row}");
    }
    for markup in ["<script", "@all", "#1", " `c", " *d", "[e]("] {
        assert!(!text.contains(markup), "{markup} in {text}");
    }
}

#[test]
fn junit_fails_what_is_material_and_skips_what_is_untested() {
    let text = report().to_junit();
    assert!(
        text.contains(r#"<testsuite name="drift" tests="4" failures="1" skipped="1" errors="0">"#)
    );
    assert!(text.contains(r#"<testcase classname="drift" name="still"/>"#));
    assert!(text.contains(r#"name="little"><system-out>"#));
    assert!(text.contains(r#"name="empty"><skipped message=""#));
    let name = "a|b&#10;&lt;script&gt;&quot;x&quot; &amp; &apos;y&apos;&lt;/script&gt; @all #1 \\ `c` *d* [e](f) \u{fffd}";
    assert!(
        text.contains(&format!("name=\"{name}\"><failure type=\"drift\"")),
        "{text}"
    );
    assert!(text.chars().all(|c| c >= ' ' || c == '\n'));
}

/// A small reader of the format: families are declared before their samples, and do not interleave;
/// the text ends with `# EOF`.
#[test]
fn openmetrics_reads_as_the_format_says() {
    let text = report().to_openmetrics();
    assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1);
    let mut family = String::new();
    let mut seen = std::collections::BTreeSet::new();
    let mut samples = 0;
    for line in text.lines().take_while(|line| *line != "# EOF") {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            family = declared.strip_suffix(" gauge").unwrap().to_owned();
            assert!(seen.insert(family.clone()), "{family} comes twice");
        } else if let Some(help) = line.strip_prefix("# HELP ") {
            assert!(help.starts_with(&family));
        } else {
            let rest = line.strip_prefix(&family).unwrap();
            assert!(rest.starts_with(['{', ' ']), "{line}");
            let value: f64 = rest.rsplit(' ').next().unwrap().parse().unwrap();
            assert!(value.is_finite());
            samples += 1;
        }
    }
    assert_eq!(seen.len(), 7);
    assert!(samples > 4 * 4, "{samples}");
    let hostile = HOSTILE
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    assert!(text.contains(&format!(
        "mlops_drift_column_drifted{{column=\"{hostile}\"}} 1\n"
    )));
    assert!(text.contains("mlops_drift_column_drifted{column=\"still\"} 0\n"));
    assert!(text.contains("mlops_drift_rows{table=\"current\"} 2000\n"));
}
