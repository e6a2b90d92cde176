//! Which types of columns a rule reads, and what is said of another.

use std::collections::BTreeSet;

use arrow::array::ArrayRef;
use mlops_core::{Error, ErrorKind, Result, type_name};

use super::rule::listed;
use crate::sample::{Labels, labels, numbers};

/// What can be ordered.
pub(super) const NUMBERS: &str = "numbers, booleans, dates, times or durations";
/// What can be told apart.
pub(super) const KEYS: &str = "texts, bytes, numbers, booleans, dates, times or durations";
/// What has labels.
pub(super) const LABELS: &str = "texts, booleans or integers";
/// What has a law that can be compared.
pub(super) const LAWS: &str = "numbers, texts, booleans, dates, times, durations or embeddings";
/// What has an age.
pub(super) const INSTANTS: &str =
    "dates or timestamps (cast numbers and texts to a timestamp before)";

/// Of a column of the type of this name, by a rule that takes others.
pub(super) fn wrong_type(found: &str, takes: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("the column must hold {takes}, got {found}"),
    )
}

/// An error for labels to be kept out that no value of the type of this name has: a rule that nothing could break.
pub(super) fn require_possible(labels: &BTreeSet<String>, type_name: &str) -> Result<()> {
    let is_integer = |label: &str| {
        let integer = label.parse::<i128>();
        integer.is_ok_and(|integer| integer.to_string() == label)
    };
    let (form, is_possible): (&str, &dyn Fn(&str) -> bool) = match type_name {
        "bool" => ("\"false\" or \"true\"", &|label| {
            ["false", "true"].contains(&label)
        }),
        "int8" | "int16" | "int32" | "int64" | "uint8" | "uint16" | "uint32" | "uint64" => {
            ("integers such as \"-1\"", &is_integer)
        }
        _ => return Ok(()),
    };
    let mut impossible = labels.clone();
    impossible.retain(|label| !is_possible(label));
    if impossible.is_empty() {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the labels of a column of type {type_name} must be {form}, got {}",
        listed(&impossible)
    )))
}

pub(super) fn labels_of(values: &ArrayRef) -> Result<Labels> {
    labels(values).map_err(|error| retold(error, values, LABELS))
}

/// As floats, missing ones as NaN.
pub(super) fn floats_of(values: &ArrayRef) -> Result<Vec<f64>> {
    numbers(values).map_err(|error| retold(error, values, NUMBERS))
}

fn retold(error: Error, values: &ArrayRef, takes: &str) -> Error {
    match error.kind() {
        ErrorKind::Unsupported => wrong_type(&type_name(values.data_type()), takes),
        _ => error,
    }
}
