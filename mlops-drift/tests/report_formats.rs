//! Markdown, JUnit XML and OpenMetrics: what the formats ask for, and names that try to break out.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, NullArray, RecordBatch, StringArray};
use mlops_core::evidence::{Distance, SignificanceLevel};
use mlops_drift::check::DriftMonitor;
use mlops_drift::preset;
use mlops_drift::profile::TableProfile;
use mlops_drift::report::ColumnVerdict;
use mlops_drift::report::openmetrics::Exposition;
use mlops_drift::{DriftCheck, DriftReport};

/// Markup of all three formats, and of HTML.
const HOSTILE: &str =
    "a|b\n<script>\"x\" & 'y'</script> @all #1 \\ `c` *d* [e](f) $g$ http://h.org \u{1}";

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
    assert!(
        text.contains("wasserstein\\_sd 3.4") && text.contains("mean 0.495 → 1.5"),
        "{text}"
    );
    for row in rows {
        let cells = row.replace("\\|", "").matches('|').count();
        assert_eq!(cells, 8, "{row}");
    }
    for markup in ["<script", "@all", "#1", " `c", " *d", "[e](", "$g", "://"] {
        assert!(!text.contains(markup), "{markup} in {text}");
    }
}

/// The column that drifted beyond its minimum effect is worse than the one that did not, and comes first.
#[test]
fn a_verdict_names_the_worst_columns() {
    let report = report();
    assert_eq!(report.verdict.drifted_columns, ["little", HOSTILE]);
    let reason = &report.verdict.reason;
    let told = format!("2 of 4 columns drifted, 1 of them materially, the worst first: {HOSTILE}");
    assert!(reason.starts_with(&told[..told.len() - 60]), "{reason}");
    assert!(reason.contains(", little; without any drift"), "{reason}");
    let week = |shift: f64| {
        let column = |name: usize| {
            let values = (0..200).map(|i| f64::from(i) + shift * name as f64);
            (
                format!("x{name}"),
                Arc::new(Float64Array::from_iter_values(values)) as ArrayRef,
            )
        };
        RecordBatch::try_from_iter((0..9).map(column)).unwrap()
    };
    let check = DriftCheck::against(&week(0.0));
    let reason = check.run(&week(40.0)).unwrap().verdict.reason;
    assert!(
        reason.contains("the worst first: x5, x6, x7, x8, x4 and 3 more;"),
        "{reason}"
    );
    let reason = check.run(&week(0.0)).unwrap().verdict.reason;
    assert!(
        reason.starts_with("0 of 9 columns drifted; without"),
        "{reason}"
    );
}

/// Without a declared effect no text speaks of one.
#[test]
fn drift_is_material_only_where_an_effect_was_declared() {
    let week = |shift: f64| {
        let column = Float64Array::from_iter_values((0..200).map(|i| f64::from(i) + shift));
        RecordBatch::try_from_iter([("x", Arc::new(column) as ArrayRef)]).unwrap()
    };
    let check = DriftCheck::against(&week(0.0));
    let declared = check
        .clone()
        .effect(Distance::new(0.1, "wasserstein_sd").unwrap());
    for (check, says) in [(check, false), (declared, true)] {
        let report = check.run(&week(90.0)).unwrap();
        assert!(report.verdict.drifted);
        #[cfg_attr(not(feature = "html"), allow(unused_mut))] // pages are added
        let mut texts = vec![report.to_markdown(), report.to_junit()];
        #[cfg(feature = "html")]
        {
            let page = report.to_html().unwrap();
            let classes = page.replace(r#"class="verdict material""#, "");
            texts.push(classes.split_once("</style>").unwrap().1.to_owned());
        }
        for text in texts {
            let material = text.to_lowercase().contains("material");
            assert!(!material || says, "{text}");
        }
        let markdown = report.to_markdown();
        let told = match says {
            true => "### Material drift\n\n1 of 1 columns drifted, 1 of them materially",
            false => "### Drift\n\n1 of 1 columns drifted: x",
        };
        assert!(markdown.starts_with(told), "{markdown}");
    }
}

#[test]
fn junit_fails_what_is_material_and_skips_what_is_untested() {
    let text = report().to_junit();
    assert!(
        text.contains(r#"<testsuite name="drift" tests="4" failures="1" skipped="1" errors="0">"#)
    );
    assert!(text.contains(r#"name="still"><system-out>"#)); // sorted rows
    assert!(text.contains(r#"name="little"><system-out>"#));
    assert!(text.contains(r#"name="empty"><skipped message=""#));
    let name = "a|b&#10;&lt;script&gt;&quot;x&quot; &amp; &apos;y&apos;&lt;/script&gt; @all #1 \\ `c` *d* [e](f) $g$ http://h.org \u{fffd}";
    assert!(
        text.contains(&format!("name=\"{name}\"><failure type=\"drift\"")),
        "{text}"
    );
    assert!(text.chars().all(|c| c >= ' ' || c == '\n'));
}

/// A small reader of the format: families are declared before their samples, and do not interleave, no series comes twice;
/// the text ends with `# EOF`. The numbers of families and samples.
fn read_openmetrics(text: &str) -> (usize, usize) {
    assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1);
    let mut family = String::new();
    let (mut families, mut series) = (BTreeSet::new(), BTreeSet::new());
    for line in text.lines().take_while(|line| *line != "# EOF") {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            family = declared.strip_suffix(" gauge").unwrap().to_owned();
            assert!(families.insert(family.clone()), "{family} comes twice");
        } else if let Some(help) = line.strip_prefix("# HELP ") {
            assert!(help.starts_with(&family));
        } else {
            let rest = line.strip_prefix(&family).unwrap();
            assert!(rest.starts_with(['{', ' ']), "{line}");
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(!value.parse::<f64>().unwrap().is_nan());
            assert!(series.insert(name.to_owned()), "{name} comes twice");
        }
    }
    (families.len(), series.len())
}

#[test]
fn openmetrics_reads_as_the_format_says() {
    let text = report().to_openmetrics();
    let (families, samples) = read_openmetrics(&text);
    assert_eq!(families, 19);
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

/// A line feed and a backslash before an n are two names: each has series of its own.
#[test]
fn columns_of_similar_names_have_series_of_their_own() {
    let values = Arc::new(Float64Array::from_iter_values((0..50).map(f64::from))) as ArrayRef;
    let names = ["a\nb", "a\\nb", "a\\\nb", "a\"b", "a\\\"b", "a b", "a_b"];
    let table = RecordBatch::try_from_iter(names.map(|name| (name, Arc::clone(&values)))).unwrap();
    let text = DriftCheck::against(&table)
        .run(&table)
        .unwrap()
        .to_openmetrics();
    read_openmetrics(&text);
    assert_eq!(
        text.matches("\nmlops_drift_column_drifted{").count(),
        names.len()
    );
}

/// A series has every label once: of those whose names become one by what a name may not hold, the first is kept.
#[test]
fn labels_whose_names_become_one_are_one() {
    let labels = [
        ("data-center", "rome"),
        ("data_center", "oslo"),
        ("data center", "bern"),
    ];
    let text = Exposition::new().labels(labels).with(&report()).to_text();
    read_openmetrics(&text);
    assert!(
        text.contains("mlops_drift_drifted{data_center=\"rome\"} 1\n"),
        "{text}"
    );
    assert!(!text.contains("oslo") && !text.contains("bern"), "{text}");
}

/// Nothing is said of the drift of a column that could not be tested, in one report beside a column that could.
#[test]
fn openmetrics_have_no_verdict_on_a_column_that_was_not_tested() {
    let text = report().to_openmetrics();
    let has = |gauge: &str, column: &str| {
        text.contains(&format!(
            "mlops_drift_column_{gauge}{{column=\"{column}\"}}"
        ))
    };
    for (column, is_tested) in [("still", true), ("empty", false)] {
        assert!(has("compared", column), "{text}");
        for gauge in ["drifted", "material_decided", "adjusted_p_value"] {
            assert_eq!(has(gauge, column), is_tested, "{gauge} of {column}: {text}");
        }
    }
    assert!(text.contains("mlops_drift_column_compared{column=\"empty\"} 0\n"));
}

/// A profile knows an effect as an interval alone. By the definition of an interval, a minimum below it is reached, one above it is not, and of one
/// inside nothing is known, which no format takes for drift that does not matter.
#[test]
fn materiality_is_undecided_where_the_minimum_lies_in_the_bracket() {
    let week = |shift: f64| {
        let values = (0..3_000).map(|i| f64::from(i * 7 % 3_000).sqrt() + shift);
        RecordBatch::try_from_iter([(
            "x",
            Arc::new(Float64Array::from_iter_values(values)) as ArrayRef,
        )])
        .unwrap()
    };
    let profile = TableProfile::of(&week(0.0)).unwrap();
    let measure = "wasserstein_sd";
    let with_minimum = |least: f64| {
        let least = Distance::new(least, measure).unwrap();
        let check = DriftCheck::against(&profile).effect(least);
        check.run(&week(5.0)).unwrap()
    };
    let bracket = with_minimum(1e-9).columns[0].brackets[measure];
    let inside = (bracket.low + bracket.high) / 2.0;
    assert!(bracket.low < inside && inside < bracket.high);
    for (least, verdict, undecided) in [
        (bracket.low, ColumnVerdict::Material, false),
        (inside, ColumnVerdict::Drifted, true),
        (bracket.high, ColumnVerdict::Drifted, true),
        (bracket.high * 1.001, ColumnVerdict::Drifted, false),
    ] {
        let report = with_minimum(least);
        let column = &report.columns[0];
        assert_eq!(
            (column.verdict, column.materiality_undecided),
            (verdict, undecided)
        );
        let named: &[&str] = if undecided { &["x"] } else { &[] };
        assert_eq!(report.verdict.undecided_columns, named);
        let told = [&column.reason, &report.verdict.reason];
        assert!(
            told.iter()
                .all(|reason| reason.contains("undecided") == undecided),
            "{told:?}"
        );
        let json = report.to_json().unwrap();
        assert_eq!(json.contains("\"materiality_undecided\": true"), undecided);
        assert_eq!(DriftReport::from_json(&json).unwrap(), report);
        let markdown = report.to_markdown();
        assert_eq!(
            markdown.starts_with("### Drift, perhaps material\n"),
            undecided,
            "{markdown}"
        );
        assert_eq!(
            markdown.contains("| x | drifted, materially or not |"),
            undecided
        );
        #[cfg(feature = "html")]
        {
            let page = report.to_html().unwrap();
            assert_eq!(page.contains(">drifted, materially or not</td>"), undecided);
            assert_eq!(page.contains("<h1>Drift, perhaps material"), undecided);
        }
        let errors = format!("errors=\"{}\"", u8::from(undecided));
        assert!(report.to_junit().contains(&errors), "{}", report.to_junit());
        let text = report.to_openmetrics();
        for gauge in ["material_decided", "column_material_decided{column=\"x\"}"] {
            let line = format!("mlops_drift_{gauge} {}\n", u8::from(!undecided));
            assert!(text.contains(&line), "{line} in {text}");
        }
        assert_eq!(text.contains("mlops_drift_material "), !undecided, "{text}");
    }
    // The rows themselves decide.
    let least = Distance::new(inside, measure).unwrap();
    let exact = DriftCheck::against(&week(0.0))
        .effect(least)
        .run(&week(5.0))
        .unwrap();
    assert!(exact.verdict.undecided_columns.is_empty());
}

/// Where no minimum effect is declared drift of any size counts, which is what is documented.
#[test]
fn without_a_minimum_effect_all_drift_is_material() {
    let week = |shift: f64| {
        let values = (0..200).map(|i| f64::from(i) + shift);
        RecordBatch::try_from_iter([(
            "x",
            Arc::new(Float64Array::from_iter_values(values)) as ArrayRef,
        )])
        .unwrap()
    };
    for (shift, drifted) in [(0.0, 0), (90.0, 1)] {
        let text = DriftCheck::against(&week(0.0))
            .run(&week(shift))
            .unwrap()
            .to_openmetrics();
        for gauge in ["drifted", "material"] {
            assert!(
                text.contains(&format!("mlops_drift_{gauge} {drifted}\n")),
                "{text}"
            );
        }
    }
}

/// Rows without a value are no rows of a value that is written like them.
#[test]
fn a_segment_of_nulls_has_series_of_its_own() {
    let rows = 120;
    let origins = (0..rows).map(|i| [None, Some("(null)"), Some("JFK")][i as usize % 3]);
    let numbers = |step: f64| {
        let values = (0..rows).map(|i| f64::from(i) * step);
        Arc::new(Float64Array::from_iter_values(values)) as ArrayRef
    };
    let week = RecordBatch::try_from_iter([
        (
            "origin",
            Arc::new(origins.collect::<StringArray>()) as ArrayRef,
        ),
        ("delay", numbers(1.0)),
        ("predicted", numbers(1.1)),
    ])
    .unwrap();
    let check = preset::regression("delay", "predicted").segments("origin");
    let text = check.run(&week, &week).unwrap().to_openmetrics();
    read_openmetrics(&text);
    let of_segment = "mlops_drift_performance_segment_worse{metric=\"mae\",column=\"origin\",";
    for labels in [
        "segment=\"(null)\",segment_is_null=\"true\"} 0\n",
        "segment=\"(null)\"} 0\n",
        "segment=\"JFK\"} 0\n",
    ] {
        assert!(text.contains(&format!("{of_segment}{labels}")), "{text}");
    }
}

/// Windows that alarm are no quiet ones.
#[test]
fn windows_are_counted_by_outcome() {
    let week = |shift: f64| {
        let values = (0..200).map(|i| f64::from(i) + shift);
        let values = Arc::new(Float64Array::from_iter_values(values)) as ArrayRef;
        RecordBatch::try_from_iter([("x", values)]).unwrap()
    };
    let check = DriftCheck::against(&week(0.0)).prepare().unwrap();
    let mut monitor = DriftMonitor::new(check, SignificanceLevel::FIVE_PERCENT);
    for (day, shift) in [("one", 0.0), ("two", 0.0), ("three", 1e6)] {
        monitor.observe(day, &week(shift)).unwrap();
    }
    let text = monitor.state().to_openmetrics();
    for told in ["\"quiet\"} 2\n", "\"alarm\"} 1\n", "\"not_compared\"} 0\n"] {
        assert!(text.contains(told), "{told} in {text}");
    }
}

/// One column is material for sure, whatever is undecided of another.
#[test]
fn what_is_material_for_sure_is_told_beside_what_is_undecided() {
    // Of a distance within its bracket nobody knows whether it reaches the minimum; of a far one all do.
    let table = |near: f64, far: f64| {
        let column = |shift: f64| -> ArrayRef {
            let value = |i: u32| f64::from(i.wrapping_mul(2_654_435_761) >> 8) / 16_777_216.0;
            Arc::new(Float64Array::from_iter_values(
                (0..20_000).map(|i| value(i) + shift),
            ))
        };
        RecordBatch::try_from_iter([("near", column(near)), ("far", column(far))]).unwrap()
    };
    let reference = TableProfile::of(&table(0.0, 0.0)).unwrap();
    let current = table(0.1, 5.0);
    let found = DriftCheck::against(&reference).run(&current).unwrap();
    let bracket = found.column("near").unwrap().brackets["kolmogorov_smirnov"];
    assert!(bracket.low < bracket.high, "{bracket:?}");
    let within = f64::midpoint(bracket.low, bracket.high);
    let least = Distance::new(within, "kolmogorov_smirnov").unwrap();
    let report = DriftCheck::against(&reference)
        .effect(least)
        .run(&current)
        .unwrap();
    assert_eq!(report.verdict.undecided_columns, ["near"]);
    let text = report.to_openmetrics();
    for told in [
        "mlops_drift_material_decided 1\n",
        "mlops_drift_material 1\n",
    ] {
        assert!(text.contains(told), "{told} in {text}");
    }
}

/// Reports of two models, a monitor, a model's performance and a table's quality in one text.
#[test]
fn several_reports_make_one_exposition() {
    let week = || {
        let numbers = |step: f64| {
            Arc::new(Float64Array::from_iter_values(
                (0..60).map(|i| f64::from(i) * step),
            )) as ArrayRef
        };
        RecordBatch::try_from_iter([("delay", numbers(1.0)), ("predicted", numbers(1.1))]).unwrap()
    };
    let check = DriftCheck::against(&week()).prepare().unwrap();
    let mut monitor = DriftMonitor::new(check, SignificanceLevel::FIVE_PERCENT);
    monitor.observe("monday", &week()).unwrap();
    assert!(
        monitor
            .observe("tuesday", &week().project(&[0]).unwrap())
            .is_err()
    );
    let performance = preset::regression("delay", "predicted")
        .run(&week(), &week())
        .unwrap();
    let quality = preset::data_quality(&week(), SignificanceLevel::FIVE_PERCENT).unwrap();
    let text = Exposition::new()
        .labels([
            ("model", "late"),
            ("what-ever", HOSTILE),
            ("column", "is the report's own"),
        ])
        .with(&report())
        .with(monitor.state())
        .with(&quality.run(&week()).unwrap())
        .labels([("model", "fare")])
        .with(&performance)
        .to_text();
    let (families, samples) = read_openmetrics(&text);
    assert!(families > 20 && samples > 60, "{families}, {samples}");
    assert!(!text.contains("is the report's own\",column=") && !text.contains("own\",metric="));
    for line in [
        "mlops_drift_monitor_windows{model=\"late\"",
        "outcome=\"not_compared\"} 1\n",
        "mlops_drift_performance_metric{model=\"fare\",metric=\"mae\",table=\"current\"} 2.95",
        "what_ever=\"a|b\\n<script>",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    for text in [
        monitor.state().to_openmetrics(),
        performance.to_openmetrics(),
    ] {
        read_openmetrics(&text);
    }
    let text = monitor.state().to_markdown();
    assert!(
        text.starts_with("### No alarm") && text.contains("| tuesday | not compared | – | – |"),
        "{text}"
    );
    let text = monitor.state().to_junit();
    assert!(
        text.contains("tests=\"2\" failures=\"0\" skipped=\"0\" errors=\"1\""),
        "{text}"
    );
}

/// Null by type; gone now; so few values that nothing could be told: whatever kept a table from being compared, no format takes it for one
/// without drift.
#[test]
fn a_table_that_could_not_be_compared_passes_in_no_format() {
    let of = |name: &str, column: ArrayRef| {
        RecordBatch::try_from_iter_with_nullable([(name, column, true)]).unwrap()
    };
    let numbers = |rows: i32| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values((0..rows).map(f64::from)))
    };
    let nulls = || -> ArrayRef { Arc::new(NullArray::new(50)) };
    let odd = [
        (of("x", nulls()), of("x", nulls()), "being of type null"),
        (
            of("x", numbers(50)),
            of("y", numbers(50)),
            "the current table lacks it",
        ),
        (of("x", numbers(2)), of("x", numbers(2)), "too few values"),
    ];
    for (reference, current, why) in odd {
        let check = DriftCheck::against(&reference).report_schema_changes();
        let report = check.run(&current).unwrap();
        assert!(report.verdict.nothing_compared && !report.verdict.drifted);
        let reason = &report.verdict.reason;
        assert!(reason.contains(why), "{reason}");
        assert!(reason.contains("nothing is concluded"), "{reason}");
        assert!(!reason.contains("0 of"), "{reason}");
        let headline = "No column could be judged";
        let markdown = report.to_markdown();
        let first = markdown.lines().next().unwrap();
        assert!(first.ends_with(headline), "{first}");
        #[cfg(feature = "html")]
        assert!(report.to_html().unwrap().contains(headline));
        let junit = report.to_junit();
        assert!(junit.contains(r#"skipped="0""#) && !junit.contains(r#"errors="0""#));
        let metrics = report.to_openmetrics();
        read_openmetrics(&metrics);
        assert!(metrics.contains("mlops_drift_compared 0\n"), "{metrics}");
        assert!(!metrics.contains("mlops_drift_drifted "), "{metrics}");
        assert_eq!(
            report.evidence().is_empty(),
            report.tests == 0,
            "{report:?}"
        );
    }
    assert!(!report().verdict.nothing_compared);
    assert!(
        report()
            .to_openmetrics()
            .contains("mlops_drift_compared 1\n")
    );
}

/// Reports that were written before the field was.
#[test]
fn a_report_without_the_newest_fields_is_read() {
    let mut json: serde_json::Value = serde_json::from_str(&report().to_json().unwrap()).unwrap();
    let verdict = json["verdict"].as_object_mut().unwrap();
    assert!(verdict.remove("nothing_compared").is_some());
    assert_eq!(DriftReport::from_json(&json.to_string()).unwrap(), report());
}

/// Nobody counts the digits of 1e300: no text has a row of more than twenty.
#[test]
fn great_numbers_are_told_as_powers_of_ten() {
    let week = |scale: f64, shift: f64| {
        let great = (0..200).map(|i| scale * f64::from(i % 50) + shift);
        let constant = (0..200).map(|_| shift + 1.0);
        RecordBatch::try_from_iter([
            (
                "great",
                Arc::new(Float64Array::from_iter_values(great)) as ArrayRef,
            ),
            (
                "constant",
                Arc::new(Float64Array::from_iter_values(constant)) as ArrayRef,
            ),
        ])
        .unwrap()
    };
    for reference in [week(1.0, 0.0), week(1e300, 0.0)] {
        let current = week(3e306, 1e307);
        let least = Distance::new(1e200, "wasserstein_sd").unwrap();
        let check = DriftCheck::against(&reference).effect(least);
        let profile = TableProfile::of(&reference).unwrap();
        for report in [
            check.run(&current).unwrap(),
            DriftCheck::against(&profile).run(&current).unwrap(),
        ] {
            assert!(report.verdict.drifted);
            #[cfg_attr(not(feature = "html"), allow(unused_mut))]
            let mut texts = vec![
                report.to_markdown(),
                report.to_junit(),
                report.to_openmetrics(),
            ];
            #[cfg(feature = "html")]
            texts.push(report.to_html().unwrap());
            for text in texts {
                let mut digits = text.split(|c: char| !c.is_ascii_digit());
                let long = digits.find(|row| row.len() > 20);
                assert!(long.is_none(), "{long:?} in {text}");
            }
        }
    }
}
