//! The HTML report and the charts: nothing from the data becomes markup, nothing leads outside.
#![cfg(feature = "html")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

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
    assert!(html.contains("<h1>Material drift</h1>"));
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

/// 200 columns of long names, half of them of labels, read from profiles, so that brackets are told too.
fn wide(shift: i64) -> RecordBatch {
    let columns = (0..200_i64).map(|column| {
        let values = (0..300_i64).map(|row| (row * 7_919 + column) % 97 + shift * (column % 3));
        let array: ArrayRef = match column % 2 {
            0 => Arc::new(Float64Array::from_iter_values(
                values.map(|value| value as f64 / 7.0),
            )),
            _ => Arc::new(StringArray::from_iter_values(
                values.map(|value| format!("a long label {value}")),
            )),
        };
        (
            format!("a_column_with_quite_a_long_name_{column:03}"),
            array,
        )
    });
    RecordBatch::try_from_iter(columns).unwrap()
}

#[test]
fn pages_of_200_columns_stay_below_500_kilobytes() {
    let reference = TableProfile::of(&wide(0)).unwrap();
    let check = DriftCheck::against(&reference).prepare().unwrap();
    let page = check.run(&wide(9)).unwrap().to_html().unwrap();
    assert_eq!(page.matches("<section>").count(), 200);
    assert!(page.len() < 500_000, "{} bytes", page.len());
    let mut monitor = DriftMonitor::new(check, SignificanceLevel::FIVE_PERCENT);
    let windows = [wide(0), wide(9)];
    for day in 0..55 {
        let window = &windows[usize::from(day % 2 == 1)];
        monitor
            .observe(format!("a day with a long name {day}"), window)
            .unwrap();
    }
    let page = monitor.state().to_html().unwrap();
    assert!(page.len() < 500_000, "{} bytes", page.len());
    assert!(page.contains("a day with a long name 54") && !page.contains("long name 4<"));
    assert!(page.contains("160 columns that drifted less are left out"));
}

#[test]
fn the_monitors_page_escapes_names_and_draws_its_map() {
    let table = |shift: f64| {
        let column = Float64Array::from_iter_values((0..90).map(|i| f64::from(i) + shift));
        RecordBatch::try_from_iter([(EVIL, Arc::new(column) as ArrayRef)]).unwrap()
    };
    let check = DriftCheck::against(&table(0.0)).prepare().unwrap();
    let mut monitor = DriftMonitor::new(check, SignificanceLevel::FIVE_PERCENT);
    for shift in [0.0, 80.0] {
        monitor.observe(EVIL, &table(shift)).unwrap();
    }
    let page = monitor.state().to_html().unwrap();
    assert_harmless(&page);
    assert!(page.contains("<svg") && page.contains("<h1>1 alarm</h1>"));
    for scheme in ["http://", "https://", "src=", "href=", "@import", "url("] {
        assert!(!page.replace(NAMESPACE, "").contains(scheme), "{scheme}");
    }
    let empty = DriftMonitor::new(
        DriftCheck::against(&table(0.0)).prepare().unwrap(),
        SignificanceLevel::FIVE_PERCENT,
    );
    assert!(empty.state().to_html().unwrap().contains("No alarm"));
}
