//! Which rows break a rule.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::row::{RowConverter, SortField};
use mlops_core::{Error, ErrorKind, Result, type_name};

use super::rule::{Rule, expression_of};
use crate::sample::{labels, numbers};
use crate::table::missing;

/// The rows that break a rule, or why it could not be evaluated.
pub(super) enum Broken {
    Rows(Vec<usize>),
    All(String),
}

/// The rows that break the rule, ascending.
pub(super) fn evaluate(column: &str, rule: &Rule, table: &RecordBatch) -> Result<Vec<usize>> {
    let values = table
        .column_by_name(column)
        .ok_or_else(|| missing(column))?;
    match rule {
        Rule::NotNull => not_null(values),
        Rule::Type(name) => of_type(values, name),
        Rule::Between { min, max } => {
            let (low, high) = (
                min.unwrap_or(f64::NEG_INFINITY),
                max.unwrap_or(f64::INFINITY),
            );
            let outside = |x: &f64| *x < low || *x > high; // NaN is neither
            Ok(rows_of(&numbers(values)?, outside))
        }
        Rule::OneOf(allowed) => texts(values, |label| !allowed.contains(label)),
        Rule::Matches(expression) => {
            let expression = expression_of(expression)?;
            texts(values, |text| !expression.is_match(text))
        }
        Rule::Length { min, max } => texts(values, |text| {
            !(*min..=*max).contains(&(text.chars().count() as u64))
        }),
        Rule::Unique => repeated(values),
        Rule::Increasing => falling(&numbers(values)?),
        Rule::AtMost { column } => {
            let bound = table
                .column_by_name(column)
                .ok_or_else(|| missing(column))?;
            let pairs: Vec<(f64, f64)> =
                numbers(values)?.into_iter().zip(numbers(bound)?).collect();
            Ok(rows_of(&pairs, |(value, bound)| value > bound))
        }
    }
}

fn rows_of<T>(values: &[T], breaks: impl Fn(&T) -> bool) -> Vec<usize> {
    let rows = values.iter().enumerate();
    rows.filter(|(_, value)| breaks(value))
        .map(|(row, _)| row)
        .collect()
}

fn not_null(values: &ArrayRef) -> Result<Vec<usize>> {
    if values.data_type().is_floating() {
        return Ok(rows_of(&numbers(values)?, |x| x.is_nan()));
    }
    let nulls = values.logical_nulls();
    let is_null = |row: &usize| nulls.as_ref().is_some_and(|nulls| nulls.is_null(*row));
    Ok((0..values.len()).filter(is_null).collect())
}

fn of_type(values: &ArrayRef, name: &str) -> Result<Vec<usize>> {
    let found = type_name(values.data_type());
    if found == name {
        return Ok(Vec::new());
    }
    Err(Error::new(
        ErrorKind::SignatureMismatch,
        format!("the column must be of type {name}, got {found}"),
    ))
}

fn texts(values: &ArrayRef, breaks: impl Fn(&str) -> bool) -> Result<Vec<usize>> {
    let labels: StringArray = labels(values)?;
    let rows = labels.iter().enumerate();
    let broken = rows.filter(|(_, label)| label.is_some_and(&breaks));
    Ok(broken.map(|(row, _)| row).collect())
}

fn repeated(values: &ArrayRef) -> Result<Vec<usize>> {
    let converter = RowConverter::new(vec![SortField::new(values.data_type().clone())])?;
    let rows = converter.convert_columns(std::slice::from_ref(values))?;
    let missing: HashSet<usize> = not_null(values)?.into_iter().collect();
    let mut seen = HashSet::new();
    let is_repeated = |row: &usize| !missing.contains(row) && !seen.insert(rows.row(*row));
    Ok((0..values.len()).filter(is_repeated).collect())
}

fn falling(values: &[f64]) -> Result<Vec<usize>> {
    let mut last = f64::NEG_INFINITY;
    let mut broken = Vec::new();
    for (row, &value) in values
        .iter()
        .enumerate()
        .filter(|(_, value)| !value.is_nan())
    {
        if value < last {
            broken.push(row);
        }
        last = value;
    }
    Ok(broken)
}
