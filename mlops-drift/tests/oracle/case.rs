//! One reference case: its input, and how far from the expected values an outcome may lie.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef};
use mlops_core::evidence::Distance;
use mlops_core::{ErrorKind, Result};
use mlops_drift::sample::Infinite;
use mlops_drift::two_sample::TestResult;
use mlops_drift::{CategoricalSample, NumericSample};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Map, Value};

/// Values by key.
pub(crate) type Values = BTreeMap<&'static str, Vec<f64>>;

/// What a function gave: values by key, or the error that it refused with.
pub(crate) type Outcome = Result<Values>;

pub(crate) struct Case {
    folder: PathBuf,
    pub(crate) fields: Value,
}

impl Case {
    pub(crate) fn parse(folder: &Path, line: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            fields: serde_json::from_str(line).unwrap(),
        }
    }

    fn text(&self, key: &str) -> &str {
        self.fields[key].as_str().unwrap()
    }

    /// Family, function and variant.
    pub(crate) fn function(&self) -> String {
        let parts = ["family", "func", "variant"].map(|key| self.text(key));
        parts.join("/")
    }

    /// Keys that the outcome lacks (the degrees of freedom, say) are not promised by this crate.
    pub(crate) fn differences(&self, outcome: Outcome) -> Vec<String> {
        let expect: &Map<String, Value> = self.fields["expect"].as_object().unwrap();
        let undefined = |key: &str| expect[key].is_null();
        if expect.values().all(Value::is_null) {
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
        let differences = got.iter().filter_map(|(key, got)| match undefined(key) {
            true => Some(format!("{} {key}: undefined, got {got:?}", self.text("id"))),
            false => self.difference(key, got, &expect[*key]),
        });
        differences.collect()
    }

    fn difference(&self, key: &str, got: &[f64], want: &Value) -> Option<String> {
        let want: Vec<f64> = match want {
            Value::Array(values) => values.iter().map(number).collect(),
            value => vec![number(value)],
        };
        if key.ends_with("_in") {
            let inside = matches!((got, &want[..]), ([x], [low, high]) if low - 1e-12 <= *x && *x <= high + 1e-12);
            return (!inside)
                .then(|| format!("{} {key}: got {got:?}, not in {want:?}", self.text("id")));
        }
        let tolerance = &self.fields["tol"][key];
        let (abs, rel) = (number(&tolerance["abs"]), number(&tolerance["rel"]));
        let close = |(got, want): (&f64, &f64)| (got - want).abs() <= abs + rel * want.abs();
        let agrees = got.len() == want.len() && got.iter().zip(&want).all(close);
        (!agrees).then(|| format!("{} {key}: got {got:?}, want {want:?}", self.text("id")))
    }

    pub(crate) fn numeric(&self, key: &str) -> Result<NumericSample> {
        if self.fields["input"][key].is_null() {
            return Err(mlops_core::Error::not_found("input", key));
        }
        NumericSample::with_infinite(self.numbers(key), Infinite::Missing)
    }

    /// Numbers in their order, missing ones as NaN.
    pub(crate) fn numbers(&self, key: &str) -> Vec<f64> {
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

    pub(crate) fn categorical(&self, key: &str) -> CategoricalSample {
        match &self.fields["input"][key] {
            Value::Array(values) => CategoricalSample::new(values.iter().map(Value::as_str)),
            place => CategoricalSample::from_array(&self.column(place)).unwrap(),
        }
    }

    pub(crate) fn column(&self, place: &Value) -> ArrayRef {
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

pub(crate) fn tested(result: TestResult) -> Values {
    BTreeMap::from([
        ("statistic", vec![result.statistic]),
        ("pvalue", vec![result.p_value.get()]),
    ])
}

pub(crate) fn measured(distance: Distance) -> Values {
    BTreeMap::from([("statistic", vec![distance.get()])])
}

/// The value under its key, if it is defined.
pub(crate) fn present(key: &'static str, value: Option<f64>) -> Values {
    value.into_iter().map(|value| (key, vec![value])).collect()
}

pub(crate) fn number(value: &Value) -> f64 {
    match value {
        Value::Null => f64::NAN,
        Value::String(text) => text.parse().unwrap(),
        value => value.as_f64().unwrap(),
    }
}
