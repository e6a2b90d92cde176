//! Pictures of columns: bins that hold what a naive count of their labels holds.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;

use mlops_core::arrow::array::{ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch};
use mlops_drift::report::Distribution;
use mlops_drift::{DriftCheck, NumericSample, profile::TableProfile};

fn of(values: &[f64]) -> Distribution {
    let sample = NumericSample::new(values.iter().copied());
    Distribution::of_numbers(&sample, &sample)
}

/// `3`, or `3 to 7`.
fn ends(label: &str) -> [f64; 2] {
    let (first, last) = label.split_once(" to ").unwrap_or((label, label));
    [first, last].map(|end| end.parse().unwrap())
}

/// The share of values within the ends; the outer bins are open.
fn share(values: &[f64], labels: &[String], bin: usize) -> f64 {
    let [first, last] = ends(&labels[bin]);
    let first = if bin == 0 { f64::MIN } else { first };
    let last = if bin + 1 == labels.len() {
        f64::MAX
    } else {
        last
    };
    let inside = values
        .iter()
        .filter(|value| (first..=last).contains(*value));
    inside.count() as f64 / values.len() as f64
}

fn assert_shares(picture: &Distribution, values: &[f64]) {
    for (bin, got) in picture.reference.iter().enumerate() {
        let want = share(values, &picture.labels, bin);
        assert!(
            (got - want).abs() < 1e-12,
            "{}: {got}, {want}",
            picture.labels[bin]
        );
    }
}

fn months() -> Vec<f64> {
    (0..600)
        .map(|i| f64::from(1 + i * i % 12))
        .chain((0..600).map(|i| f64::from(1 + i % 12)))
        .collect()
}

#[test]
fn every_month_has_its_bin() {
    let picture = of(&months());
    let names: Vec<String> = (1..=12).map(|month| month.to_string()).collect();
    assert_eq!(picture.labels, names);
    assert_shares(&picture, &months());
}

#[test]
fn hours_and_days_have_their_bins() {
    for (from, to) in [(0, 23), (1, 31), (-3, 4), (0, 1)] {
        let values: Vec<f64> = (0..3_000)
            .map(|i| f64::from(from + i % (to - from + 1)))
            .collect();
        let picture = of(&values);
        let names: Vec<String> = (from..=to).map(|value| value.to_string()).collect();
        assert_eq!(picture.labels, names);
        assert_shares(&picture, &values);
    }
}

/// Bins of as many whole numbers each, next to one another, and no more than 20.
#[test]
fn bins_of_whole_numbers_are_of_whole_width() {
    for most in [32_u32, 40, 59, 365, 999] {
        let values: Vec<f64> = (0..5_000_u32)
            .map(|i| f64::from(1 + i * 7_919 % most))
            .collect();
        let picture = of(&values);
        assert!(
            (10..=20).contains(&picture.labels.len()),
            "{}",
            picture.labels.len()
        );
        let bins: Vec<[f64; 2]> = picture.labels.iter().map(|label| ends(label)).collect();
        let width = bins[0][1] - bins[0][0];
        for pair in bins.windows(2) {
            assert_eq!(pair[0][1] - pair[0][0], width);
            assert_eq!(pair[1][0], pair[0][1] + 1.0);
        }
        // The last one may hold fewer.
        let last = bins[bins.len() - 1];
        assert!((0.0..=width).contains(&(last[1] - last[0])), "{last:?}");
        assert!(bins.iter().flatten().all(|end| end.fract() == 0.0));
        assert_shares(&picture, &values);
    }
}

#[test]
fn other_numbers_have_twenty_bins_as_before() {
    let values: Vec<f64> = (0..1_000).map(|i| f64::from(i) / 7.0).collect();
    assert_eq!(of(&values).labels.len(), 20);
    // Beyond 2^52 there are no halves between whole numbers.
    let great: Vec<f64> = (0..1_000).map(|i| 1e17 + 1e15 * f64::from(i)).collect();
    assert_eq!(of(&great).labels.len(), 20);
    let whole_but_for_one: Vec<f64> = (0..1_000).map(|i| f64::from(i % 12)).chain([5.5]).collect();
    assert_eq!(of(&whole_but_for_one).labels.len(), 20);
    assert_eq!(of(&[3.0; 10]).labels, ["3"]);
    // What is not finite is in the outer bins.
    let open: Vec<f64> = (0..100)
        .map(|i| f64::from(i % 3))
        .chain([f64::INFINITY])
        .collect();
    assert_eq!(of(&open).labels, ["0", "1", "2"]);
    assert!((of(&open).reference.iter().sum::<f64>() - 1.0).abs() < 1e-12);
}

fn table(column: ArrayRef) -> RecordBatch {
    RecordBatch::try_from_iter([("x", column)]).unwrap()
}

fn picture(check: &DriftCheck, table: &RecordBatch) -> Distribution {
    let report = check.run(table).unwrap();
    report.columns[0].distribution.clone().unwrap()
}

/// Rows, and a profile of them, have one picture where each value has a cell of its own.
#[test]
fn profiles_have_the_bins_of_their_rows() {
    let column = Int64Array::from_iter_values(months().into_iter().map(|month| month as i64));
    let table = table(Arc::new(column));
    let of_rows = picture(&DriftCheck::against(&table), &table);
    let profile = TableProfile::of(&table).unwrap();
    let of_profile = picture(&DriftCheck::against(&profile), &table);
    assert_eq!(of_rows.labels, of_profile.labels);
    assert_eq!(of_rows.labels.len(), 12);
    for (a, b) in of_rows.reference.iter().zip(&of_profile.reference) {
        assert!((a - b).abs() < 1e-12);
    }
}

#[test]
fn days_have_bins_of_whole_days() {
    let days = Date32Array::from_iter_values((0..900).map(|i| 15_706 + i % 7));
    let table = table(Arc::new(days));
    let picture = picture(&DriftCheck::against(&table), &table);
    assert_eq!(picture.labels.len(), 7);
    assert_eq!(picture.labels[6], "2013-01-07");
    let floats = Float64Array::from_iter_values((0..900).map(|i| f64::from(i % 5)));
    let floats = self::table(Arc::new(floats));
    assert_eq!(
        self::picture(&DriftCheck::against(&floats), &floats)
            .labels
            .len(),
        5
    );
}
