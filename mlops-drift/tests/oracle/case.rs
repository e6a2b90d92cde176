//! One reference case: its input, and how far from the expected values an outcome may lie.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef};
use mlops_core::evidence::Distance;
use mlops_core::{ErrorKind, Result};
use mlops_drift::sample::Infinite;
use mlops_drift::two_sample::TestResult;
use mlops_drift::{CategoricalSample, NumericSample};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::rounding::{Rounding, Roundings};

/// Values by key.
pub(crate) type Values = BTreeMap<&'static str, Vec<f64>>;

/// What a function gave: values by key, or the error that it refused with.
pub(crate) type Outcome = Result<Values>;

pub(crate) struct Case {
    folder: PathBuf,
    pub(crate) fields: Value,
    /// Names of the params that were read.
    read: RefCell<BTreeSet<String>>,
}

/// Params that tell about a case and set nothing: by the beginning of the function's name.
const DESCRIPTIVE: &[(&str, &[&str])] = &[
    (
        "numeric/",
        &["n_ref", "n_cur", "missing_ref", "missing_cur"],
    ),
    ("numeric/mmd2/rbf_unbiased_median", &["sigma"]), // what the median gives
    ("categorical/", &["n_ref", "n_cur", "k"]),
    ("multiclass/", &["pred"]), // argmax, the first of equal ones
    ("online/", &["true_changes"]),
    ("online/kswin", &["seed", "seeds"]),
];

/// What was found when an outcome was compared.
#[derive(Default)]
pub(crate) struct Comparison {
    pub(crate) off: Vec<String>,
    /// Values that were not compared, each with the reason.
    pub(crate) left_out: Vec<String>,
}

impl Case {
    pub(crate) fn parse(folder: &Path, line: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            fields: serde_json::from_str(line).unwrap(),
            read: RefCell::default(),
        }
    }

    /// A param, null if the case has none of this name.
    pub(crate) fn param(&self, name: &str) -> &Value {
        self.read.borrow_mut().insert(name.to_owned());
        &self.fields["params"][name]
    }

    /// A number among the params.
    pub(crate) fn setting(&self, name: &str) -> Option<f64> {
        let value = self.param(name);
        (!value.is_null()).then(|| number(value))
    }

    /// Params that change what is expected, as far as anyone knows, and that nobody has read.
    fn unread(&self) -> Vec<String> {
        let function = self.function();
        let told = |name: &str| {
            let lists = DESCRIPTIVE
                .iter()
                .filter(|(prefix, _)| function.starts_with(prefix));
            lists.into_iter().any(|(_, names)| names.contains(&name))
        };
        let read = self.read.borrow();
        let params = self.fields["params"].as_object().into_iter().flatten();
        let unread = params.filter(|(name, _)| !told(name) && !read.contains(*name));
        unread
            .map(|(name, value)| format!("{}: param {name} = {value} is not read", self.text("id")))
            .collect()
    }

    pub(crate) fn expected(&self, key: &str) -> Vec<f64> {
        match &self.fields["expect"][key] {
            Value::Array(values) => values.iter().map(number).collect(),
            value => vec![number(value)],
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

    /// Key by key of what is expected. A null is undefined: a refusal, no value, or an infinite one.
    pub(crate) fn compare(&self, outcome: Outcome, roundings: &Roundings) -> Comparison {
        let mut comparison = Comparison::default();
        let expect = self.fields["expect"].as_object().unwrap();
        let is_undefined = |key: &str| self.expected(key).iter().any(|value| value.is_nan());
        let got = match outcome {
            Ok(got) => got,
            Err(error) if error.kind() == ErrorKind::InvalidArgument => {
                let wanted = expect.keys().filter(|key| !is_undefined(key));
                for key in wanted {
                    match roundings.get(key.as_str()) {
                        Some(Rounding::All(reason)) => comparison.leave_out(self, key, reason),
                        _ => comparison
                            .off
                            .push(format!("{} {key}: {error}", self.text("id"))),
                    }
                }
                return comparison;
            }
            Err(error) => {
                comparison.off.push(format!("{}: {error}", self.text("id")));
                return comparison;
            }
        };
        comparison.off.extend(self.unread());
        for key in expect.keys() {
            let rounding = roundings.get(key.as_str());
            let got = got.get(key.as_str());
            let difference = match (rounding, got) {
                (Some(Rounding::All(reason)), _) => {
                    comparison.leave_out(self, key, reason);
                    None
                }
                (_, got) if is_undefined(key) => got
                    .filter(|got| got.iter().any(|value| value.is_finite()))
                    .map(|got| format!("undefined, got {got:?}")),
                (_, None) => Some("got no value".to_owned()),
                (Some(Rounding::UpTo(slack)), Some(got)) => self.difference(key, got, *slack),
                (None, Some(got)) => self.difference(key, got, 0.0),
            };
            let named = difference.map(|text| format!("{} {key}: {text}", self.text("id")));
            comparison.off.extend(named);
        }
        comparison
    }

    /// `slack` is what the reference value itself may be off.
    fn difference(&self, key: &str, got: &[f64], slack: f64) -> Option<String> {
        let want = self.expected(key);
        if key.ends_with("_in") {
            let inside = matches!((got, &want[..]), ([x], [low, high]) if low - 1e-12 <= *x && *x <= high + 1e-12);
            return (!inside).then(|| format!("got {got:?}, not in {want:?}"));
        }
        let tolerance = &self.fields["tol"][key];
        let (abs, rel) = (number(&tolerance["abs"]), number(&tolerance["rel"]));
        let close = |(got, want): (&f64, &f64)| {
            got == want || (got - want).abs() <= abs + rel * want.abs() + slack
        };
        let agrees = got.len() == want.len() && got.iter().zip(&want).all(close);
        (!agrees).then(|| format!("got {got:?}, want {want:?}, rounding {slack:e}"))
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
            Value::Array(values) => {
                let labels: Vec<Option<String>> = values.iter().map(label).collect();
                CategoricalSample::new(labels.iter().map(Option::as_deref))
            }
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

impl Comparison {
    fn leave_out(&mut self, case: &Case, key: &str, reason: &str) {
        self.left_out
            .push(format!("{} {key}: {reason}", case.text("id")));
    }
}

/// The name of a category; numbers are named so that names are in the order of the numbers.
fn label(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(_) => {
            let bits = (number(value) + 0.0).to_bits();
            let negative = bits >> 63 == 1;
            let key = if negative { !bits } else { bits | (1 << 63) };
            Some(format!("{key:016x}"))
        }
        other => Some(other.to_string()),
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
        Value::Bool(is) => f64::from(u8::from(*is)),
        Value::String(text) => text.parse().unwrap(),
        value => value.as_f64().unwrap(),
    }
}
