//! The HTML report and the charts: nothing from the data becomes markup, nothing leads outside.
#![cfg(feature = "html")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use mlops_core::evidence::SignificanceLevel;
use mlops_drift::check::DriftMonitor;
use mlops_drift::profile::TableProfile;
use mlops_drift::report::Distribution;
use mlops_drift::report::chart::{HeatMap, Histogram, LineChart, Timeline};
use mlops_drift::{DriftCheck, DriftReport};

const EVIL: &str = "<script>alert('1')</script>\"&\u{0}";
const NAMESPACE: &str = "http://www.w3.org/2000/svg";

fn report() -> DriftReport {
    let table = |label: &str, shift: f64| {
        RecordBatch::try_from_iter([
            (
                EVIL,
                Arc::new(StringArray::from(vec![label; 40])) as ArrayRef,
            ),
            (
                "calm",
                Arc::new(Float64Array::from_iter_values((0..40).map(f64::from))),
            ),
            (
                "shifted",
                Arc::new(Float64Array::from_iter_values(
                    (0..40).map(|i| f64::from(i) + shift),
                )),
            ),
        ])
        .unwrap()
    };
    DriftCheck::against(&table(EVIL, 0.0))
        .run(&table("<b>evil</b>", 35.0))
        .unwrap()
}

fn assert_harmless(markup: &str) {
    assert!(!markup.contains("<script"), "{markup}");
    assert!(!markup.contains("<b>"), "{markup}");
    assert!(!markup.contains("alert('"), "{markup}");
}

#[test]
fn the_page_escapes_names_and_categories() {
    let html = report().to_html().unwrap();
    assert_harmless(&html);
    assert!(html.contains("&#60;script") || html.contains("&lt;script"));
}

#[test]
fn the_page_links_to_nothing() {
    let html = report().to_html().unwrap();
    let inside_text = html.replace(NAMESPACE, "");
    for scheme in ["http://", "https://", "src=", "href=", "@import", "url("] {
        assert!(!inside_text.contains(scheme), "{scheme}");
    }
}

#[test]
fn the_page_shows_the_worst_column_first() {
    let html = report().to_html().unwrap();
    let at = |name: &str| html.find(&format!("<th scope=\"row\">{name}")).unwrap();
    assert!(at("shifted") < at("calm"));
    assert!(html.contains("<h1>Drift</h1>"));
}

#[test]
fn charts_escape_every_text() {
    let labels = [EVIL, "b"];
    let line = LineChart::new(EVIL, labels)
        .series(EVIL, [Some(1.0), None])
        .band(EVIL, [Some((0.5, 1.5)), None])
        .marker(EVIL, EVIL)
        .y_title(EVIL);
    let heat = HeatMap::new(EVIL, labels, labels)
        .row([Some(0.2)])
        .tooltips([EVIL]);
    let time = Timeline::new(EVIL, labels)
        .interval(EVIL, EVIL, 0, 9)
        .event(1, EVIL);
    let shares = Distribution {
        labels: labels.map(str::to_owned).to_vec(),
        reference: vec![0.5, 0.5],
        current: vec![1.0, 0.0],
    };
    let histogram = Histogram::new(EVIL, &shares);
    for svg in [
        line.to_svg(),
        heat.to_svg(),
        time.to_svg(),
        histogram.to_svg(),
    ] {
        assert_harmless(&svg);
        assert!(svg.contains("&lt;script&gt;") && !svg.contains('\u{0}'));
        assert!(svg.contains("role=\"img\"") && svg.contains("<title>"));
        assert!(!svg.replace(NAMESPACE, "").contains("http"));
        // Every tag is closed: as many elements opened as ended.
        let opened = svg.matches('<').count() - svg.matches("</").count();
        assert_eq!(
            opened,
            svg.matches("/>").count() + svg.matches("</").count()
        );
    }
}

#[test]
fn charts_without_data_or_with_strange_numbers_are_drawn() {
    let nothing: [&str; 0] = [];
    let strange = [
        Some(f64::NAN),
        Some(f64::INFINITY),
        Some(-1.0),
        Some(1e300),
        Some(1e-300),
    ];
    let labels = ["a", "b", "c", "d", "e"];
    for svg in [
        LineChart::new("t", nothing).to_svg(),
        LineChart::new("t", labels).series("s", strange).to_svg(),
        LineChart::new("t", labels)
            .series("s", [Some(2.0); 5])
            .to_svg(),
        HeatMap::new("t", nothing, nothing).to_svg(),
        HeatMap::new("t", ["r"], labels).row(strange).to_svg(),
        Timeline::new("t", nothing)
            .interval("l", "v", 0, 3)
            .event(0, "e")
            .to_svg(),
        Histogram::new("t", &Distribution::default()).to_svg(),
    ] {
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"));
        assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{svg}");
    }
}

/// 200 columns of names of 64 characters that all need escaping somewhere, numbers with nulls in the order of time, and every ninth of labels of 2 kB.
fn wide(shift: i64) -> RecordBatch {
    let columns = (0..200_i64).map(|column| {
        let values =
            (0..300_i64).map(|row| (row * 5 + column + shift * (1 + column % 3)) as f64 / 7.0);
        let array: ArrayRef = match column % 9 {
            8 => Arc::new(StringArray::from_iter(values.enumerate().map(
                |(row, value)| {
                    (row % 7 > 0)
                        .then(|| format!("a long label & {} <{value:.0}>", "x".repeat(2_000)))
                },
            ))),
            _ => {
                Arc::new(Float64Array::from_iter(values.enumerate().map(
                    |(row, value)| (row as i64 % (7 + shift) > 0).then_some(value),
                )))
            }
        };
        (format!("{column:03} {}", "a&b_".repeat(15)), array)
    });
    RecordBatch::try_from_iter(columns).unwrap()
}

/// The worst of it: read from profiles, so that brackets are told; all with a change of the missing share, intervals and serial dependence.
#[test]
fn pages_of_200_columns_stay_below_500_kilobytes() {
    let reference = TableProfile::of(&wide(0)).unwrap();
    let check = DriftCheck::against(&reference).prepare().unwrap();
    let report = check.run(&wide(400)).unwrap();
    let reasons = || report.columns.iter().map(|column| column.reason.as_str());
    for told in [
        "resemble each other",
        "missing share changed",
        "lies surely in",
        "up: mean",
    ] {
        assert!(
            reasons().filter(|reason| reason.contains(told)).count() > 150,
            "{told}"
        );
    }
    let page = report.to_html().unwrap();
    assert_eq!(page.matches("<section>").count(), 200);
    assert!(page.len() < 500_000, "{} bytes", page.len());
    println!("{} bytes", page.len());
    let text = report.to_markdown();
    assert!(text.chars().count() < 65_536 && text.contains("more columns are left out here"));
}

#[test]
fn the_monitors_page_tells_what_it_leaves_out() {
    let table = |columns: usize, shift: f64| {
        let column = Float64Array::from_iter_values((0..60).map(|i| f64::from(i) + shift));
        let column = Arc::new(column) as ArrayRef;
        RecordBatch::try_from_iter((0..columns).map(|i| (format!("c{i}"), Arc::clone(&column))))
            .unwrap()
    };
    let page = |columns: usize, days: usize, alarms: &[usize]| {
        let check = DriftCheck::against(&table(columns, 0.0)).prepare().unwrap();
        let mut monitor = DriftMonitor::new(check, SignificanceLevel::FIVE_PERCENT);
        for day in 0..days {
            let shift = if alarms.contains(&day) { 100.0 } else { 0.0 };
            monitor
                .observe(format!("day {day}"), &table(columns, shift))
                .unwrap();
        }
        monitor.state().to_html().unwrap()
    };
    let long = page(3, 120, &[3, 7, 11, 100]);
    assert!(
        long.contains("<h1>4 alarms, 120 windows of dependent rows</h1>")
            && long.contains("120 windows were compared")
    );
    assert!(long.contains("70 windows before the last 50 are left out"));
    assert!(long.contains("left out</span>: day 11, day 7, day 3."));
    assert!(
        long.contains("day 119")
            && !long.contains("day 69<")
            && !long.contains("columns that drifted less")
    );
    let wide = page(200, 3, &[1]);
    assert!(
        wide.contains("160 columns that drifted less are left out")
            && !wide.contains("windows before")
    );
    assert!(wide.len() < 500_000, "{} bytes", wide.len());
}

#[test]
fn the_monitors_page_escapes_names_and_draws_its_map() {
    let table = |shift: f64| {
        let column = Float64Array::from_iter_values((0..90).map(|i| f64::from(i) + shift));
        RecordBatch::try_from_iter([(EVIL, Arc::new(column) as ArrayRef)]).unwrap()
    };
    let check = DriftCheck::against(&table(0.0)).prepare().unwrap();
    let mut monitor = DriftMonitor::new(check, SignificanceLevel::FIVE_PERCENT);
    for (name, shift) in [("quiet", 0.0), (EVIL, 80.0)] {
        monitor.observe(name, &table(shift)).unwrap();
    }
    let page = monitor.state().to_html().unwrap();
    assert_harmless(&page);
    assert!(
        page.contains("<svg") && page.contains("<h1>1 alarm, 2 windows of dependent rows</h1>")
    );
    for scheme in ["http://", "https://", "src=", "href=", "@import", "url("] {
        assert!(!page.replace(NAMESPACE, "").contains(scheme), "{scheme}");
    }
    let empty = DriftMonitor::new(
        DriftCheck::against(&table(0.0)).prepare().unwrap(),
        SignificanceLevel::FIVE_PERCENT,
    );
    assert!(empty.state().to_html().unwrap().contains("No alarm"));
}

/// What the first rows that break a rule hold is on the page, escaped, as it is in the Markdown.
#[test]
fn the_page_of_a_validation_tells_what_was_wrong() {
    use mlops_drift::expectation::{Expectation, Rule, Suite};
    let labels = StringArray::from(vec!["a", EVIL, "b", "zebra"]);
    let numbers = Float64Array::from(vec![1.0, 2.0, 77.25, 3.0]);
    let table = RecordBatch::try_from_iter([
        ("label", Arc::new(labels) as ArrayRef),
        ("number", Arc::new(numbers)),
    ])
    .unwrap();
    let suite = Suite::new([
        Expectation::on("label", Rule::one_of(["a", "b"])),
        Expectation::on("number", Rule::between(0.0, 5.0).unwrap()).because("it is a <b>share</b>"),
    ]);
    let report = suite.validate(&table).unwrap();
    let html = report.to_html().unwrap();
    assert_harmless(&html);
    for text in [html, report.to_markdown()] {
        assert!(text.contains("zebra") && text.contains("77.25"), "{text}");
        assert!(text.contains("expected, as it is a"), "{text}");
    }
}
