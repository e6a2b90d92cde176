//! Every statistic against reference values of SciPy, scikit-learn and Evidently: see
//! `tests/oracle/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef};
use mlops_core::evidence::{Distance, PValue};
use mlops_core::{ErrorKind, Result};
use mlops_drift::divergence::{Divergence, LInfinity, Psi, Scale, TotalVariation, Wasserstein};
use mlops_drift::multiplicity::{BenjaminiHochberg, Correction, Holm};
use mlops_drift::performance::Scored;
use mlops_drift::sample::Infinite;
use mlops_drift::two_sample::{
    ChiSquare, KolmogorovSmirnov, NullDistribution, TestResult, TwoSampleTest,
};
use mlops_drift::{CategoricalSample, NumericSample};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Map, Value};

/// Functions that this crate claims, and the least number of cases to have run of each.
const CLAIMED: [(&str, usize); 17] = [
    ("numeric/ks/asymp", 30),
    ("numeric/ks/exact", 28),
    ("numeric/ks/empty", 1),
    ("numeric/quantiles/type7", 30),
    ("numeric/psi/quantile10", 27),
    ("numeric/psi/empty", 1),
    ("numeric/wasserstein/raw", 30),
    ("numeric/wasserstein/normed_evidently", 30),
    ("numeric/wasserstein/empty", 1),
    ("categorical/chi2/pearson", 14),
    ("categorical/chi2/yates", 4),
    ("categorical/tv/plain", 14),
    ("categorical/linf/plain", 14),
    ("multiplicity/bh/adjusted", 3),
    ("multiplicity/holm/adjusted", 3),
    ("binary/auc/roc", 7),
    ("binary/proba/losses", 7),
];

/// What a function gave: values by key, or the error that it refused with.
type Outcome = Result<BTreeMap<&'static str, Vec<f64>>>;

#[test]
fn every_case_of_a_claimed_function_agrees() {
    let folder = std::env::var_os("MLOPS_ORACLE_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle"),
        PathBuf::from,
    );
    let lines = fs::read_to_string(folder.join("cases.jsonl")).unwrap();
    let (mut run, mut skipped) = (BTreeMap::new(), BTreeMap::new());
    let mut off = Vec::new();
    for line in lines.lines() {
        let case = Case::parse(&folder, line);
        match case.outcome() {
            None => *skipped.entry(case.function()).or_insert(0) += 1,
            Some(outcome) => {
                *run.entry(case.function()).or_insert(0) += 1;
                off.extend(case.differences(outcome));
            }
        }
    }
    println!("run: {run:?}\nnot covered: {skipped:?}");
    assert!(off.is_empty(), "{} off:\n{}", off.len(), off.join("\n"));
    for (function, least) in CLAIMED {
        let got = run.get(function).copied().unwrap_or(0);
        assert!(got >= least, "{function}: ran {got} of {least} cases");
    }
}

struct Case {
    folder: PathBuf,
    fields: Value,
}

impl Case {
    fn parse(folder: &Path, line: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            fields: serde_json::from_str(line).unwrap(),
        }
    }

    fn text(&self, key: &str) -> &str {
        self.fields[key].as_str().unwrap()
    }

    fn function(&self) -> String {
        let parts = ["family", "func", "variant"].map(|key| self.text(key));
        parts.join("/")
    }

    /// `None` for a function that the crate does not implement.
    fn outcome(&self) -> Option<Outcome> {
        if self.fields["params"]["weighted"] == true {
            return None;
        }
        Some(match self.function().as_str() {
            "numeric/ks/asymp" => self.ks(NullDistribution::Asymptotic),
            "numeric/ks/exact" => self.ks(NullDistribution::Exact),
            "numeric/ks/empty" => self.ks(NullDistribution::Automatic),
            "numeric/psi/quantile10" | "numeric/psi/empty" => self.distance(&Psi::default()),
            "numeric/wasserstein/raw" | "numeric/wasserstein/empty" => {
                self.distance(&Wasserstein::raw())
            }
            "numeric/wasserstein/normed_evidently" => {
                self.distance(&Wasserstein::default().scale(Scale::Evidently))
            }
            "numeric/quantiles/type7" => self.quantiles(),
            "categorical/chi2/pearson" => self.chi_square(ChiSquare::default()),
            "categorical/chi2/yates" => self.chi_square(ChiSquare::default().yates()),
            "categorical/tv/plain" => self.category_distance(&TotalVariation),
            "categorical/linf/plain" => self.category_distance(&LInfinity),
            "multiplicity/bh/adjusted" => Ok(self.adjusted(&BenjaminiHochberg)),
            "multiplicity/holm/adjusted" => Ok(self.adjusted(&Holm)),
            "binary/auc/roc" => self.auc(),
            "binary/proba/losses" => self.losses(),
            _ => return None,
        })
    }

    fn ks(&self, null: NullDistribution) -> Outcome {
        let (reference, current) = (self.numeric("ref")?, self.numeric("cur")?);
        let test = KolmogorovSmirnov::default().null(null);
        test.test(&reference, &current).map(tested)
    }

    fn chi_square(&self, test: ChiSquare) -> Outcome {
        let (reference, current) = (self.categorical("ref"), self.categorical("cur"));
        let test = test.null(NullDistribution::Asymptotic);
        test.test(&reference, &current).map(tested)
    }

    fn distance(&self, measure: &dyn Divergence<NumericSample>) -> Outcome {
        let (reference, current) = (self.numeric("ref")?, self.numeric("cur")?);
        measure.divergence(&reference, &current).map(measured)
    }

    fn category_distance(&self, measure: &dyn Divergence<CategoricalSample>) -> Outcome {
        let (reference, current) = (self.categorical("ref"), self.categorical("cur"));
        measure.divergence(&reference, &current).map(measured)
    }

    fn quantiles(&self) -> Outcome {
        let keys: Vec<&str> = self.fields["expect"]
            .as_object()
            .unwrap()
            .keys()
            .map(|k| k.as_str())
            .collect();
        assert!(keys.len() == 1, "{keys:?}");
        let sample = self.numeric("x").or_else(|_| self.numeric("ref"))?;
        let shares = self.fields["params"]["qs"].as_array().unwrap();
        let values = shares
            .iter()
            .map(|q| sample.quantile(q.as_f64().unwrap()).unwrap());
        Ok(BTreeMap::from([("q", values.collect())]))
    }

    fn adjusted(&self, correction: &dyn Correction) -> BTreeMap<&'static str, Vec<f64>> {
        let family: Vec<PValue> = self
            .numbers("p")
            .into_iter()
            .map(PValue::saturating)
            .collect();
        let adjusted = correction.adjust(&family);
        BTreeMap::from([("q", adjusted.iter().map(|p| p.get()).collect())])
    }

    fn scored(&self) -> Result<Scored> {
        let labels: Vec<bool> = self.numbers("y").iter().map(|&y| y == 1.0).collect();
        Scored::new(&labels, &self.numbers("score"))
    }

    fn auc(&self) -> Outcome {
        Ok(BTreeMap::from([(
            "roc_auc",
            vec![self.scored()?.auc()?.value],
        )]))
    }

    fn losses(&self) -> Outcome {
        let scored = self.scored()?;
        Ok(BTreeMap::from([
            ("log_loss", vec![scored.log_loss()?.value]),
            ("brier", vec![scored.brier()?.value]),
        ]))
    }

    /// Keys that the outcome lacks (the degrees of freedom, say) are not promised by this crate.
    fn differences(&self, outcome: Outcome) -> Vec<String> {
        let expect: &Map<String, Value> = self.fields["expect"].as_object().unwrap();
        if expect.values().any(Value::is_null) {
            return match outcome {
                Err(error) if error.kind() == ErrorKind::InvalidArgument => vec![],
                other => vec![format!("{}: undefined, got {other:?}", self.text("id"))],
            };
        }
        let got = match outcome {
            Ok(got) => got,
            Err(error) => return vec![format!("{}: {error}", self.text("id"))],
        };
        assert!(!got.is_empty());
        got.iter()
            .filter_map(|(key, got)| self.difference(key, got, &expect[*key]))
            .collect()
    }

    fn difference(&self, key: &str, got: &[f64], want: &Value) -> Option<String> {
        let want: Vec<f64> = match want {
            Value::Array(values) => values.iter().map(number).collect(),
            value => vec![number(value)],
        };
        let tolerance = &self.fields["tol"][key];
        let (abs, rel) = (number(&tolerance["abs"]), number(&tolerance["rel"]));
        let close = |(got, want): (&f64, &f64)| (got - want).abs() <= abs + rel * want.abs();
        let agrees = got.len() == want.len() && got.iter().zip(&want).all(close);
        (!agrees).then(|| format!("{} {key}: got {got:?}, want {want:?}", self.text("id")))
    }

    fn numeric(&self, key: &str) -> Result<NumericSample> {
        if self.fields["input"][key].is_null() {
            return Err(mlops_core::Error::not_found("input", key));
        }
        NumericSample::with_infinite(self.numbers(key), Infinite::Missing)
    }

    /// Numbers in their order, missing ones as NaN.
    fn numbers(&self, key: &str) -> Vec<f64> {
        match &self.fields["input"][key] {
            Value::Array(values) => values.iter().map(number).collect(),
            place => {
                let column = self.column(place);
                let floats = arrow::compute::cast(&column, &arrow::datatypes::DataType::Float64);
                let floats = floats.unwrap();
                let floats = floats.as_any().downcast_ref::<arrow::array::Float64Array>();
                floats
                    .unwrap()
                    .iter()
                    .map(|x| x.unwrap_or(f64::NAN))
                    .collect()
            }
        }
    }

    fn categorical(&self, key: &str) -> CategoricalSample {
        match &self.fields["input"][key] {
            Value::Array(values) => CategoricalSample::new(values.iter().map(Value::as_str)),
            place => CategoricalSample::from_array(&self.column(place)).unwrap(),
        }
    }

    fn column(&self, place: &Value) -> ArrayRef {
        let path = self.folder.join(place["file"].as_str().unwrap());
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap());
        let batches: Vec<_> = reader
            .unwrap()
            .build()
            .unwrap()
            .map(|b| b.unwrap())
            .collect();
        let name = place["column"].as_str().unwrap();
        let parts: Vec<&dyn Array> = batches
            .iter()
            .map(|batch| batch.column_by_name(name).unwrap().as_ref())
            .collect();
        arrow::compute::concat(&parts).unwrap()
    }
}

fn tested(result: TestResult) -> BTreeMap<&'static str, Vec<f64>> {
    BTreeMap::from([
        ("statistic", vec![result.statistic]),
        ("pvalue", vec![result.p_value.get()]),
    ])
}

fn measured(distance: Distance) -> BTreeMap<&'static str, Vec<f64>> {
    BTreeMap::from([("statistic", vec![distance.get()])])
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Null => f64::NAN,
        Value::String(text) => text.parse().unwrap(),
        value => value.as_f64().unwrap(),
    }
}
