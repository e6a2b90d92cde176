//! The reconstruction errors per chunk that NannyML gives.

use std::path::Path;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use mlops_drift::multivariate::{Pca, Points};
use serde_json::{Value, json};

use crate::case::{Case, number};

const CHUNK: usize = 5_000;
const NUMBERS: [&str; 4] = [
    "car_value",
    "debt_to_income_ratio",
    "loan_length",
    "driver_tenure",
];
const CATEGORIES: [&str; 3] = [
    "salary_range",
    "repaid_loan_on_prev_car",
    "size_of_downpayment",
];

fn table(folder: &Path, name: &str) -> Case {
    let place =
        |column: &str| json!({"file": format!("data/car_loan_{name}.parquet"), "column": column});
    let columns = NUMBERS.into_iter().chain(CATEGORIES);
    let input: serde_json::Map<String, Value> = columns
        .map(|column| (column.to_owned(), place(column)))
        .collect();
    Case::parse(folder, &json!({ "input": input }).to_string())
}

/// Row by row: numbers, and for each category its share of the reference.
fn points(reference: &Case, table: &Case) -> Points {
    let mut columns: Vec<Vec<f64>> = NUMBERS.map(|column| table.numbers(column)).into();
    for column in CATEGORIES {
        let shares = reference.categorical(column);
        let labels = table.column(&table.fields["input"][column]);
        let labels = cast(&labels, &DataType::Utf8).unwrap();
        let share = |label: Option<&str>| shares.count(label.unwrap()) as f64 / shares.len() as f64;
        columns.push(labels.as_string::<i32>().iter().map(share).collect());
    }
    let rows = (0..columns[0].len()).flat_map(|row| columns.iter().map(move |column| column[row]));
    Points::new(columns.len(), rows).unwrap()
}

/// Of `synthetic_car_loan`, a data set in NannyML (Apache License 2.0), in chunks of 5,000 rows; the
/// components are fitted on the whole reference. Two columns are stored in single precision: 1e-6, where
/// the case allows 1e-2.
#[test]
fn reconstruction_errors_are_those_of_nannyml() {
    let folder = crate::own_folder();
    let values = crate::nannyml::values("pca_reconstruction");
    let want: Vec<f64> = values["reconstruction_error/value"]
        .as_array()
        .unwrap()
        .iter()
        .map(number)
        .collect();

    let [reference, analysis] = ["reference", "analysis"].map(|name| table(&folder, name));
    let pca = Pca::fit(&points(&reference, &reference), 0.65).unwrap();
    let errors = pca.errors(&points(&reference, &analysis)).unwrap();
    assert_eq!(errors.len(), want.len() * CHUNK);
    for (chunk, want) in errors.chunks(CHUNK).zip(want) {
        let got = chunk.iter().sum::<f64>() / CHUNK as f64;
        assert!((got - want).abs() <= 1e-6 * want, "{got} is not {want}");
    }
}
