//! Values per chunk of NannyML: performance with and without labels, and distances column by column.

use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef};
use mlops_drift::divergence::{
    Divergence, Hellinger, JensenShannon, LInfinity, LogBase, Wasserstein,
};
use mlops_drift::performance::{BinaryMetric, CbpeMonitor, Scored};
use mlops_drift::sample::Moments;
use mlops_drift::two_sample::{ChiSquare, KolmogorovSmirnov, NullDistribution, TwoSampleTest};
use mlops_drift::{CategoricalSample, NumericSample};
use serde_json::{Value, json};

use crate::case::{Case, number};

const CHUNK: usize = 5_000;
/// Least score of a yes.
const THRESHOLD: f64 = 0.65;

/// NannyML's values of this kind, and the two tables.
struct Loans {
    values: Value,
    reference: Case,
    analysis: Case,
}

impl Loans {
    fn of(what: &str) -> Self {
        let folder = crate::own_folder();
        Self {
            values: values(what),
            reference: table(&folder, "reference"),
            analysis: table(&folder, "analysis"),
        }
    }

    fn wanted(&self, key: &str, what: &str) -> Vec<f64> {
        let values = self.values[format!("{key}/{what}")].as_array().unwrap();
        values.iter().map(number).collect()
    }
}

/// NannyML's values of this kind: those of the folder with the cases where it has them, or else the crate's. The
/// tables are the crate's in either case.
pub(crate) fn values(what: &str) -> Value {
    let own = ["nannyml.jsonl", "nannyml_pca.jsonl"].map(|name| crate::own_folder().join(name));
    let files = [crate::folder().join("nannyml.jsonl")]
        .into_iter()
        .chain(own);
    let lines = files.filter_map(|file| fs::read_to_string(file).ok());
    let of_file = |text: String| {
        let mut lines = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .collect::<Vec<_>>()
            .into_iter();
        lines.find(|line| line["what"] == what)
    };
    lines
        .filter_map(of_file)
        .next()
        .unwrap_or_else(|| panic!("no values of {what}"))["values"]
        .clone()
}

/// What the values tell: compared are `value`, thresholds, alerts, and errors of reconstruction. NannyML's own errors of sampling and its
/// boundaries of these follow its conventions, and are left out.
const TOLD: [&str; 8] = [
    "value",
    "sampling_error",
    "realized",
    "upper_confidence_boundary",
    "lower_confidence_boundary",
    "upper_threshold",
    "lower_threshold",
    "alert",
];

#[test]
fn no_values_of_nannyml_are_unknown() {
    let files = [crate::folder(), crate::own_folder()].map(|folder| folder.join("nannyml.jsonl"));
    let texts = files
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok());
    let lines: Vec<Value> = texts
        .flat_map(|text| {
            text.lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(!lines.is_empty());
    for line in lines {
        let what = line["what"].as_str().unwrap();
        assert!(
            ["cbpe", "realized", "univariate", "pca_reconstruction"].contains(&what),
            "{what}"
        );
        for key in line["values"].as_object().unwrap().keys() {
            let told = key.rsplit('/').next().unwrap();
            assert!(TOLD.contains(&told), "{what}: {key}");
        }
    }
}

/// One of the tables, as a case whose inputs are its columns.
fn table(folder: &Path, name: &str) -> Case {
    let columns = [
        "score",
        "repaid",
        "car_value",
        "debt_to_income_ratio",
        "driver_tenure",
        "salary_range",
        "loan_length",
        "repaid_loan_on_prev_car",
        "size_of_downpayment",
    ];
    let file = PathBuf::from("data").join(format!("car_loan_{name}.parquet"));
    let place = |column| (column, json!({"file": file, "column": column}));
    let input: serde_json::Map<String, Value> = columns
        .map(place)
        .into_iter()
        .map(|(name, place)| (name.into(), place))
        .collect();
    Case::parse(folder, &json!({ "input": input }).to_string())
}

fn scored(loans: &Case) -> Scored {
    let labels: Vec<bool> = loans.numbers("repaid").iter().map(|&y| y == 1.0).collect();
    Scored::new(&labels, &loans.numbers("score")).unwrap()
}

fn key(metric: BinaryMetric) -> String {
    serde_json::to_value(metric)
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned()
}

fn near(got: f64, want: f64, relative: f64, what: &str) {
    assert!(
        (got - want).abs() <= relative * want.abs(),
        "{what}: got {got}, want {want}"
    );
}

#[test]
fn estimates_without_labels_are_those_of_nannyml() {
    let loans = Loans::of("cbpe");
    let monitor = CbpeMonitor::fit(&scored(&loans.reference), THRESHOLD, CHUNK).unwrap();
    let scores = loans.analysis.numbers("score");
    for (index, chunk) in scores.chunks(CHUNK).enumerate() {
        for figure in monitor.chunk(chunk).unwrap() {
            let name = key(figure.metric);
            let what = format!("{name} of chunk {index}");
            near(
                figure.value.unwrap(),
                loans.wanted(&name, "value")[index],
                5e-3,
                &what,
            );
            near(
                figure.low,
                loans.wanted(&name, "lower_threshold")[index],
                1e-9,
                &what,
            );
            near(
                figure.high,
                loans.wanted(&name, "upper_threshold")[index],
                1e-9,
                &what,
            );
            let alert = &loans.values[format!("{name}/alert")][index];
            assert_eq!(figure.alarm, alert.as_bool().unwrap(), "{what}: {figure:?}");
        }
    }
}

#[test]
fn realized_performance_is_that_of_nannyml() {
    let loans = Loans::of("realized");
    let monitor = CbpeMonitor::fit(&scored(&loans.reference), THRESHOLD, CHUNK).unwrap();
    let labels = loans.analysis.numbers("repaid");
    let rows: Vec<(bool, f64)> = labels
        .iter()
        .zip(loans.analysis.numbers("score"))
        .map(|(label, score)| (*label == 1.0, score))
        .collect();
    for (index, chunk) in rows.chunks(CHUNK).enumerate() {
        let (labels, scores): (Vec<bool>, Vec<f64>) = chunk.iter().copied().unzip();
        let limits = monitor.chunk(&scores).unwrap();
        let chunk = Scored::new(&labels, &scores).unwrap();
        for limits in limits {
            let name = key(limits.metric);
            let got = limits.metric.realized(&chunk, THRESHOLD).unwrap();
            for (told, got) in [
                ("value", got),
                ("lower_threshold", limits.low),
                ("upper_threshold", limits.high),
            ] {
                let want = loans.wanted(&name, told)[index];
                near(got, want, 1e-9, &format!("{name} {told} of {index}"));
            }
            let alert = &loans.values[format!("{name}/alert")][index];
            let is_beyond = !(limits.low..=limits.high).contains(&got);
            assert_eq!(is_beyond, alert.as_bool().unwrap(), "{name} of {index}");
        }
    }
}

/// Edges of equal width by Doane's rule, as NumPy has it (Doane, "Aesthetic frequency classifications", The
/// American Statistician 30, 1976).
fn doane(reference: &[f64]) -> Vec<f64> {
    let moments = Moments::of(reference);
    let n = reference.len() as f64;
    let spread = (6.0 * (n - 2.0) / ((n + 1.0) * (n + 3.0))).sqrt();
    let bins = 1.0 + n.log2() + (1.0 + moments.skewness().unwrap().abs() / spread).log2();
    let (least, greatest) = (moments.least().unwrap(), moments.greatest().unwrap());
    let bins = bins.ceil() as usize;
    (0..=bins)
        .map(|edge| least + (greatest - least) * edge as f64 / bins as f64)
        .collect()
}

/// Each value by the number of its bin; all beyond the ends are in one more.
fn binned(edges: &[f64], values: &[f64]) -> CategoricalSample {
    let last = edges.len() - 1;
    let bin = |value: &f64| match edges.partition_point(|edge| edge <= value) {
        bin if *value == edges[last] => bin - 1,
        bin if bin > last => 0,
        bin => bin,
    };
    let bins: Vec<String> = values.iter().map(|value| bin(value).to_string()).collect();
    CategoricalSample::new(bins.iter().map(|bin| Some(bin.as_str())))
}

/// The greatest share of the values in one of so many cells of equal width over the range of the reference.
fn fullest(values: &[f64], reference: Moments, cells: usize) -> f64 {
    let (least, greatest) = (reference.least().unwrap(), reference.greatest().unwrap());
    let mut counts = vec![0; cells];
    for value in values
        .iter()
        .filter(|value| (least..=greatest).contains(*value))
    {
        let cell = (value - least) / (greatest - least) * cells as f64;
        counts[(cell as usize).min(cells - 1)] += 1;
    }
    f64::from(counts.into_iter().max().unwrap_or(0)) / values.len() as f64
}

/// What NannyML holds distances to: three deviations above the mean of those of the chunks of the reference.
fn limit(of_chunks: impl Iterator<Item = f64>) -> f64 {
    let moments: Moments = of_chunks.collect();
    moments.mean().unwrap() + 3.0 * moments.standard_deviation().unwrap()
}

impl Loans {
    /// The threshold and the alert of a distance, as NannyML has them.
    fn assert_limit(&self, key: &str, index: usize, got: f64, limit: f64, relative: f64) {
        let what = format!("{key} of {index}");
        near(
            limit,
            self.wanted(key, "upper_threshold")[index],
            relative,
            &what,
        );
        let alert = self.values[format!("{key}/alert")][index].as_bool();
        assert_eq!(got > limit, alert.unwrap(), "{what}: {got}, {limit}");
    }
}

fn distances(reference: &CategoricalSample, chunk: &CategoricalSample) -> [(&'static str, f64); 2] {
    let jensen_shannon = JensenShannon::default().base(LogBase::Two);
    [
        (
            "jensen_shannon",
            jensen_shannon.divergence(reference, chunk).unwrap().get(),
        ),
        (
            "hellinger",
            Hellinger::default()
                .divergence(reference, chunk)
                .unwrap()
                .get(),
        ),
    ]
}

#[test]
fn distances_of_numbers_are_those_of_nannyml() {
    let loans = Loans::of("univariate");
    for column in ["car_value", "debt_to_income_ratio", "driver_tenure"] {
        let values = loans.reference.numbers(column);
        let edges = doane(&values);
        let (bins, moments) = (binned(&edges, &values), Moments::of(&values));
        let cell = (moments.greatest().unwrap() - moments.least().unwrap()) / 10_000.0;
        let whole = NumericSample::new(values.clone());
        let of_chunks = values
            .chunks(CHUNK)
            .map(|chunk| distances(&bins, &binned(&edges, chunk)));
        let of_chunks: Vec<_> = of_chunks.collect();
        let limits = [0, 1].map(|which| limit(of_chunks.iter().map(|both| both[which].1)));
        for (index, chunk) in loans.analysis.numbers(column).chunks(CHUNK).enumerate() {
            let want = |method: &str| loans.wanted(&format!("{column}/{method}"), "value")[index];
            let found = distances(&bins, &binned(&edges, chunk));
            for ((method, got), limit) in found.into_iter().zip(limits) {
                loans.assert_limit(&format!("{column}/{method}"), index, got, limit, 0.02);
                near(
                    got,
                    want(method),
                    0.02,
                    &format!("{column} {method} of {index}"),
                );
            }
            let sample = NumericSample::new(chunk.to_vec());
            let ks = KolmogorovSmirnov::default()
                .test(&whole, &sample)
                .unwrap()
                .statistic;
            // On cells a supremum is missed by what either sample holds within one, at most.
            let missed = ks - want("kolmogorov_smirnov");
            let most = fullest(&values, moments, 10_000).max(fullest(chunk, moments, 10_000));
            assert!(
                (-1e-6..=most).contains(&missed),
                "{column} KS of {index}: {missed}, {most}"
            );
            let moved = Wasserstein::raw()
                .divergence(&whole, &sample)
                .unwrap()
                .get();
            // Each of two distribution functions is taken at one end of a cell for all of it.
            let off = (moved - want("wasserstein")).abs();
            assert!(off <= 2.0 * cell, "{column} Wasserstein of {index}: {off}");
        }
    }
}

#[test]
fn distances_of_categories_are_those_of_nannyml() {
    let loans = Loans::of("univariate");
    for column in [
        "repaid_loan_on_prev_car",
        "salary_range",
        "size_of_downpayment",
        "loan_length",
    ] {
        let of_reference = loans
            .reference
            .column(&loans.reference.fields["input"][column]);
        let analysis = loans
            .analysis
            .column(&loans.analysis.fields["input"][column]);
        let reference = CategoricalSample::from_array(&of_reference).unwrap();
        let chunk = |of: &ArrayRef, index: usize| {
            CategoricalSample::from_array(&of.slice(index * CHUNK, CHUNK)).unwrap()
        };
        let of_chunks = (0..of_reference.len() / CHUNK).map(|index| {
            let chunk = chunk(&of_reference, index);
            let [(_, js), (_, hellinger)] = distances(&reference, &chunk);
            let l_infinity = LInfinity::default().divergence(&reference, &chunk).unwrap();
            [js, hellinger, l_infinity.get()]
        });
        let of_chunks: Vec<[f64; 3]> = of_chunks.collect();
        let limits = [0, 1, 2].map(|which| limit(of_chunks.iter().map(|all| all[which])));
        for index in 0..analysis.len() / CHUNK {
            let chunk = chunk(&analysis, index);
            let pearson = ChiSquare::default().null(NullDistribution::Asymptotic);
            let yates = column == "repaid_loan_on_prev_car"; // SciPy corrects 2×2 tables
            let chi = if yates { pearson.yates() } else { pearson };
            let [js, hellinger] = distances(&reference, &chunk);
            let l_infinity = LInfinity::default()
                .divergence(&reference, &chunk)
                .unwrap()
                .get();
            let chi = chi.test(&reference, &chunk).unwrap().statistic;
            let found = [js, hellinger, ("l_infinity", l_infinity)];
            for ((method, got), limit) in found.into_iter().zip(limits) {
                loans.assert_limit(&format!("{column}/{method}"), index, got, limit, 1e-6);
            }
            for (method, got) in found.into_iter().chain([("chi2", chi)]) {
                let want = loans.wanted(&format!("{column}/{method}"), "value")[index];
                near(got, want, 1e-6, &format!("{column} {method} of {index}"));
            }
        }
    }
}
