//! What the reports on slices say, and that nothing from the data becomes markup.
#![cfg(feature = "html")]
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;

use mlops_core::arrow::array::{
    ArrayRef, Date32Array, Int32Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use mlops_drift::slice::{DriftSlices, ErrorSlices, ErrorSlicesReport, Lattice, LossSlices};

const EVIL: &str = "<script>alert('1')</script>|\"&@all [a](http://b.c)";

/// A column of three labels, of which the first is hostile, as its name is.
fn table(rows: usize, of: impl Fn(usize) -> usize) -> RecordBatch {
    let label = |row: usize| [EVIL, "b", "c"][of(row)];
    let column = StringArray::from_iter_values((0..rows).map(label));
    RecordBatch::try_from_iter([(EVIL, Arc::new(column) as ArrayRef)]).unwrap()
}

fn even(rows: usize) -> RecordBatch {
    table(rows, |row| row % 3)
}

/// Headline, Markdown and page of the three reports, each of which finds the hostile slice.
fn reports() -> [(String, String, String); 3] {
    let drift = DriftSlices::default()
        .find(&even(600), &table(600, |row| row % 9 / 4))
        .unwrap();
    let wrong: Vec<bool> = (0..600).map(|row| row % 3 == 0 || row % 10 == 1).collect();
    let errors = ErrorSlices::default().find(&even(600), &wrong).unwrap();
    let losses: Vec<f64> = (0..900)
        .map(|row| if row % 3 == 0 { 0.9 } else { 0.1 })
        .collect();
    let losses = LossSlices::default().find(&even(900), &losses).unwrap();
    [
        (
            drift.headline(),
            drift.to_markdown(),
            drift.to_html().unwrap(),
        ),
        (
            errors.headline(),
            errors.to_markdown(),
            errors.to_html().unwrap(),
        ),
        (
            losses.headline(),
            losses.to_markdown(),
            losses.to_html().unwrap(),
        ),
    ]
}

#[test]
fn names_from_the_data_become_no_markup() {
    for (headline, markdown, html) in reports() {
        assert!(headline.contains(EVIL), "{headline}");
        assert!(
            !html.contains("<script") && !html.contains("alert('"),
            "{html}"
        );
        assert!(html.contains("&#60;script") || html.contains("&lt;script"));
        assert!(
            !markdown.contains("<script") && !markdown.contains("@all"),
            "{markdown}"
        );
        assert!(
            !markdown.replace("\\]", "").contains("](") && !markdown.contains("http://"),
            "{markdown}"
        );
        // Cells that the data cannot add to: six in each row, so seven bars that are not escaped.
        for row in markdown.lines().filter(|line| line.starts_with('|')) {
            assert_eq!(row.replace("\\|", "").matches('|').count(), 7, "{row}");
        }
    }
}

/// Days and times are told as such, labels of spaces in quotation marks.
#[test]
fn slices_are_told_in_the_terms_of_their_column() {
    let days = (0..900).map(|row| 15_706 + row % 3); // from 2013-01-01 on
    let days = Arc::new(Date32Array::from_iter_values(days)) as ArrayRef;
    // One every half hour of these days.
    let hours = (0..900).map(|row| 1_356_998_400_000 + row * 1_800_000 + 250);
    let hours = Arc::new(TimestampMillisecondArray::from_iter_values(hours)) as ArrayRef;
    let labels = (0..900).map(|row| ["a ", "b", "c"][row % 3]);
    let labels = Arc::new(StringArray::from_iter_values(labels)) as ArrayRef;
    let by_third: Vec<bool> = (0..900).map(|row| row % 3 == 0).collect();
    let late: Vec<bool> = (0..900).map(|row| row >= 675).collect();
    for (column, wrong, told) in [
        (days, &by_third, "x = 2013-01-01"),
        (labels, &by_third, "x = \"a \""),
        (hours, &late, "x >= 2013-01-1"),
    ] {
        let table = RecordBatch::try_from_iter([("x", column)]).unwrap();
        let report = ErrorSlices::default().find(&table, wrong).unwrap();
        assert!(report.headline().contains(told), "{}", report.headline());
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(
            serde_json::from_str::<ErrorSlicesReport>(&json).unwrap(),
            report
        );
    }
}

#[test]
fn pages_open_offline() {
    for (.., html) in reports() {
        assert!(html.starts_with("<!DOCTYPE html>") && html.ends_with("</html>"));
        let text = html.replace("http://b.c", "");
        for scheme in ["http://", "https://", "src=", "href=", "@import", "url("] {
            assert!(!text.contains(scheme), "{scheme}");
        }
    }
}

/// 200 of 600 rows are always wrong, of the other 400 those with row % 10 == 1: 40.
#[test]
fn figures_are_told() {
    let [_, (headline, markdown, html), (loss, loss_table, _)] = reports();
    assert!(
        headline.starts_with("1 slice errs more often than the others: "),
        "{headline}"
    );
    for text in [&markdown, &html] {
        assert!(
            text.contains("100.0 % of 200") && text.contains("10.0 % of 400"),
            "{text}"
        );
        assert!(text.contains("40.0 % of 600"), "{text}");
    }
    assert!(loss.starts_with("1 slice has a greater loss: "), "{loss}");
    assert!(loss_table.contains("| 0.9 | 0.1 |"), "{loss_table}");
}

#[test]
fn a_model_without_errors_has_no_slices() {
    for (wrong, says) in [
        (false, "None of 300 rows is wrong"),
        (true, "All 300 rows are wrong"),
    ] {
        let report = ErrorSlices::default()
            .find(&even(300), &[wrong; 300])
            .unwrap();
        assert_eq!((report.found, report.worst.len()), (0, 0));
        assert_eq!(report.errors.share(), f64::from(u8::from(wrong)));
        assert!(report.headline().starts_with(says), "{}", report.headline());
        assert!(report.to_markdown().starts_with(&format!("### {says}")));
        assert!(report.to_html().unwrap().contains(says));
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(
            serde_json::from_str::<ErrorSlicesReport>(&json).unwrap(),
            report
        );
    }
    // One error is enough to look, and too little to find.
    let one: Vec<bool> = (0..300).map(|row| row == 0).collect();
    let report = ErrorSlices::default().find(&even(300), &one).unwrap();
    let says = "No slice could be tested: 1 wrong and 299 right rows are too few";
    for text in [
        report.headline(),
        report.to_markdown(),
        report.to_html().unwrap(),
    ] {
        assert!(text.contains(says), "{text}");
    }
    assert!(
        serde_json::to_string(&report)
            .unwrap()
            .contains("\"nothing_testable\":true")
    );
}

/// Two halves of 400 labels each, which swap: every label drifted, and is a slice.
#[test]
fn long_reports_are_cut_and_say_so() {
    let label = |at: i32| format!("{at:04}{}", "x".repeat(2_000));
    let column = |from: i32| {
        let labels = StringArray::from_iter_values((0..8_000).map(|row| label(from + row % 400)));
        let numbers = Int32Array::from_iter_values((0..8_000).map(|row| row % 2));
        RecordBatch::try_from_iter([
            ("label", Arc::new(labels) as ArrayRef),
            ("number", Arc::new(numbers)),
        ])
        .unwrap()
    };
    let finder = DriftSlices::default().over(Lattice::default().depth(1).unwrap());
    let report = finder
        .clone()
        .limit(10)
        .find(&column(0), &column(400))
        .unwrap();
    assert!(
        report
            .to_markdown()
            .contains("The 10 surest of 800 slices are shown")
    );
    let report = finder.limit(1_000).find(&column(0), &column(400)).unwrap();
    assert_eq!(report.found, 800);
    let (markdown, html) = (report.to_markdown(), report.to_html().unwrap());
    assert!(markdown.len() < 65_536 && markdown.contains("more slices are left out here"));
    assert!(html.len() < 500_000, "{}", html.len());
    assert!(html.contains("600 more slices are left out here"));
}
