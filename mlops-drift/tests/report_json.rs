//! Reports as JSON: whatever the test said, what is written can be read again; a newer version is refused.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use mlops_core::ErrorKind;
use mlops_core::evidence::SignificanceLevel;
use mlops_drift::check::Method;
use mlops_drift::divergence::{Energy, Hellinger, JensenShannon, KullbackLeibler, Psi};
use mlops_drift::expectation::ValidationReport;
use mlops_drift::preset::{self, DataQualityReport, PerformanceReport};
use mlops_drift::profile::TableProfile;
use mlops_drift::two_sample::{
    AndersonDarling, ChiSquare, CramerVonMises, EppsSingleton, FisherExact, GTest,
    KolmogorovSmirnov, Kuiper, Levene, MannWhitney, Student, TwoProportions, Welch,
};
use mlops_drift::{DriftCheck, DriftReport};

fn numbers(values: impl IntoIterator<Item = f64>) -> RecordBatch {
    let column = Float64Array::from_iter_values(values);
    RecordBatch::try_from_iter([("c", Arc::new(column) as ArrayRef)]).unwrap()
}

fn labels(values: &[&str]) -> RecordBatch {
    let column = StringArray::from(values.to_vec());
    RecordBatch::try_from_iter([("c", Arc::new(column) as ArrayRef)]).unwrap()
}

/// The report of a check that has one, written, read and compared.
fn assert_round_trip(check: &DriftCheck, current: &RecordBatch) -> bool {
    let Ok(report) = check.run(current) else {
        return false;
    };
    let json = report.to_json().unwrap();
    assert_eq!(DriftReport::from_json(&json).unwrap(), report, "{json}");
    assert_eq!(serde_json::from_str::<DriftReport>(&json).unwrap(), report);
    true
}

#[test]
fn what_a_numeric_method_says_is_read_again() {
    let methods = || {
        [
            Method::numeric(KolmogorovSmirnov::default()),
            Method::numeric(Kuiper::default()),
            Method::numeric(CramerVonMises::default()),
            Method::numeric(AndersonDarling::default()),
            Method::numeric(MannWhitney::default()),
            Method::numeric(Welch::default()),
            Method::numeric(Student::default()),
            Method::numeric(Levene::default()),
            Method::numeric(EppsSingleton::default()),
            Method::numeric(Psi::default()),
            Method::numeric(Energy::default()),
        ]
    };
    let tables = [
        numbers((0..40).map(|i| f64::from(i) / 3.0)),
        numbers((0..30).map(|i| f64::from(i % 2))),
        numbers([1.0; 25]),
        numbers([2.0; 25]),
        numbers([f64::INFINITY, f64::NEG_INFINITY, f64::NAN].repeat(10)),
        numbers([1.7e308, -1.7e308, 0.0].repeat(10)),
    ];
    let mut reports = 0;
    for (number, reference) in tables.iter().enumerate() {
        for current in [reference, &tables[(number + 1) % tables.len()]] {
            let by_default = DriftCheck::against(reference);
            let profile = DriftCheck::against(&TableProfile::of(reference).unwrap());
            let checks = methods()
                .into_iter()
                .map(|method| by_default.clone().method("c", method));
            for check in checks.chain([by_default.clone(), profile]) {
                reports += u32::from(assert_round_trip(&check, current));
            }
        }
        assert!(reports > 10 * number as u32, "{reports} reports");
    }
}

/// An odds ratio of 50/0 among them.
#[test]
fn what_a_categorical_method_says_is_read_again() {
    let methods = || {
        [
            Method::categorical(ChiSquare::default()),
            Method::categorical(GTest::default()),
            Method::categorical(FisherExact),
            Method::categorical(TwoProportions::default()),
            Method::categorical(JensenShannon::default()),
            Method::categorical(KullbackLeibler::default()),
            Method::categorical(Hellinger::default()),
        ]
    };
    let tables = [
        labels(&["a"; 10]),
        labels(&["a", "b"].repeat(5)),
        labels(&["b"; 10]),
        labels(&["a", "b", "c"].repeat(4)),
    ];
    let mut infinite = 0;
    for reference in &tables {
        for current in &tables {
            let by_default = DriftCheck::against(reference);
            let checks = methods()
                .into_iter()
                .map(|method| by_default.clone().method("c", method));
            for check in checks.chain([by_default.clone()]) {
                assert_round_trip(&check, current);
                let report = check.run(current).ok();
                let finding = report.and_then(|report| report.columns[0].value.clone());
                infinite += u32::from(finding.is_some_and(|f| f.statistic.is_infinite()));
            }
        }
    }
    assert!(infinite > 0, "no statistic was infinite");
}

#[test]
fn a_newer_version_is_unsupported_and_anything_else_invalid() {
    let week = numbers((0..40).map(f64::from));
    let report = DriftCheck::against(&week).run(&week).unwrap();
    let newer = report
        .to_json()
        .unwrap()
        .replace("\"version\": 1", "\"version\": 2");
    assert_eq!(
        DriftReport::from_json(&newer).unwrap_err().kind(),
        ErrorKind::Unsupported
    );
    assert!(serde_json::from_str::<DriftReport>(&newer).is_err());
    assert_eq!(
        DriftReport::from_json("{}").unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
    let newer = PerformanceReport::from_json(r#"{"version": 7, "anything": []}"#);
    assert_eq!(newer.unwrap_err().kind(), ErrorKind::Unsupported);
}

/// A perfect regression, a model that errs without bounds, classes that do not occur.
#[test]
fn a_report_of_a_model_is_read_again_whatever_its_figures() {
    let rows = |predicted: f64| {
        let truth = Float64Array::from_iter_values((0..40).map(f64::from));
        let predicted = Float64Array::from_iter_values((0..40).map(|i| f64::from(i) * predicted));
        RecordBatch::try_from_iter([
            ("truth", Arc::new(truth) as ArrayRef),
            ("predicted", Arc::new(predicted)),
        ])
        .unwrap()
    };
    let check = preset::regression("truth", "predicted");
    for (reference, current) in [(1.0, 1.0), (1.0, 1e200), (1e306, 1.1)] {
        let Ok(report) = check.run(&rows(reference), &rows(current)) else {
            continue;
        };
        let json = report.to_json().unwrap();
        assert_eq!(
            PerformanceReport::from_json(&json).unwrap(),
            report,
            "{json}"
        );
    }
}

/// Hours of which some are beyond the reference's range, carriers, and one missing value.
fn quality() -> DataQualityReport {
    let flights = |hours: i32| {
        let hour =
            Float64Array::from_iter((0..2_000).map(|i| (i > 0).then(|| f64::from(i % hours))));
        let carrier = StringArray::from_iter_values((0..2_000).map(|i| ["UA", "B6"][i % 2]));
        RecordBatch::try_from_iter([
            ("hour", Arc::new(hour) as ArrayRef),
            ("carrier", Arc::new(carrier)),
        ])
        .unwrap()
    };
    let quality = preset::data_quality(&flights(24), SignificanceLevel::FIVE_PERCENT).unwrap();
    quality.run(&flights(30)).unwrap()
}

#[test]
fn data_quality_is_read_again_and_a_newer_version_is_not() {
    let report = quality();
    let json = report.to_json().unwrap();
    assert_eq!(DataQualityReport::from_json(&json).unwrap(), report);
    let validation = report.validation.to_json().unwrap();
    assert_eq!(
        ValidationReport::from_json(&validation).unwrap(),
        report.validation
    );

    let newer = |json: &str| json.replace("\"version\": 1", "\"version\": 2");
    let kinds = [
        DataQualityReport::from_json(&newer(&json))
            .unwrap_err()
            .kind(),
        ValidationReport::from_json(&newer(&validation))
            .unwrap_err()
            .kind(),
    ];
    assert_eq!(kinds, [ErrorKind::Unsupported; 2]);
    assert!(serde_json::from_str::<ValidationReport>(&newer(&validation)).is_err());
    for other in ["{}", "[]", "null", "", &validation] {
        let error = DataQualityReport::from_json(other).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{other}");
    }
}

/// What the first version wrote stays readable.
#[test]
fn the_first_version_of_data_quality_is_read() {
    let written = include_str!("fixtures/data-quality-v1.json");
    let report = DataQualityReport::from_json(written).unwrap();
    assert_eq!((report.version, report.validation.version), (1, 1));
    assert!(!report.passed());
    let failed: Vec<_> = report.validation.failures().collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].expectation, "hour: between");
    // Of 2,000 rows those of 24 to 29 in each 30: 6 of 30 in 66 rounds, and none of the 20 rows left.
    assert_eq!(failed[0].broken, 66 * 6);
    let [hour, carrier] = report.columns.as_slice() else {
        panic!("2 columns, got {:?}", report.columns)
    };
    assert_eq!((hour.missing, hour.greatest), (1, Some(29.0)));
    assert_eq!(carrier.distinct, Some(2));
}
