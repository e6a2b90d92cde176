//! Which types of columns a rule reads, and what is said of another.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

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
    let range = range_of(type_name);
    let form = match &range {
        Some(range) => format!("integers from \"{}\" to \"{}\"", range.start(), range.end()),
        None if type_name == "bool" => "\"false\" or \"true\"".to_owned(),
        None => return Ok(()),
    };
    let is_possible = |label: &str| match &range {
        Some(range) => {
            let integer = label.parse::<i128>();
            integer.is_ok_and(|x| range.contains(&x) && x.to_string() == label)
        }
        None => ["false", "true"].contains(&label),
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

/// What the integers of the type of this name may be.
fn range_of(type_name: &str) -> Option<RangeInclusive<i128>> {
    let (width, is_signed) = match type_name.strip_prefix("uint") {
        Some(width) => (width, false),
        None => (type_name.strip_prefix("int")?, true),
    };
    let bits: u32 = width.parse().ok()?;
    Some(match is_signed {
        true => -(1 << (bits - 1))..=(1 << (bits - 1)) - 1,
        false => 0..=(1 << bits) - 1,
    })
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
