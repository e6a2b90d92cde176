//! Rules that a row breaks by itself.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use mlops_core::{Error, ErrorKind, Result, type_name};

use super::bounds::Bounds;
use super::key::Keys;
use super::number::Number;
use super::numbers::Numbers;
use crate::sample::{labels, numbers};
use crate::table::missing;

pub(super) fn column<'a>(part: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    part.column_by_name(name).ok_or_else(|| missing(name))
}

pub(super) fn rows(len: usize, breaks: impl FnMut(&usize) -> bool) -> Vec<usize> {
    (0..len).filter(breaks).collect()
}

pub(super) fn is_missing(values: &ArrayRef) -> Result<Vec<usize>> {
    if values.data_type().is_floating() {
        let numbers = numbers(values)?;
        return Ok(rows(values.len(), |&row| numbers[row].is_nan()));
    }
    let nulls = values.logical_nulls();
    let is_null = |row: &usize| nulls.as_ref().is_some_and(|nulls| nulls.is_null(*row));
    Ok(rows(values.len(), is_null))
}

pub(super) fn of_other_type(values: &ArrayRef, name: &str) -> Result<Vec<usize>> {
    let found = type_name(values.data_type());
    if found == name {
        return Ok(Vec::new());
    }
    Err(Error::new(
        ErrorKind::SignatureMismatch,
        format!("the column must be of type {name}, got {found}"),
    ))
}

/// The ends of a range as a column reads them.
pub(super) struct Range {
    low: Option<(Number, bool)>,
    high: Option<(Number, bool)>,
}

impl Range {
    pub(super) fn of(bounds: &Bounds, column: &Numbers) -> Result<Self> {
        let read = |(bound, included)| Ok::<_, Error>((column.bound(bound)?, included));
        Ok(Self {
            low: bounds.low().map(read).transpose()?,
            high: bounds.high().map(read).transpose()?,
        })
    }

    pub(super) fn is_above(&self, x: Number) -> bool {
        beyond(self.high, |end| x.compare(end))
    }

    pub(super) fn is_below(&self, x: Number) -> bool {
        beyond(self.low, |end| end.compare(x))
    }
}

fn beyond(end: Option<(Number, bool)>, compare: impl Fn(Number) -> Ordering) -> bool {
    end.is_some_and(|(end, included)| match compare(end) {
        Ordering::Greater => true,
        Ordering::Equal => !included,
        Ordering::Less => false,
    })
}

pub(super) fn outside(values: &ArrayRef, bounds: &Bounds) -> Result<Vec<usize>> {
    let numbers = Numbers::of(values)?;
    let range = Range::of(bounds, &numbers)?;
    let breaks = |x| range.is_below(x) || range.is_above(x);
    Ok(rows(values.len(), |&row| {
        numbers.get(row).is_some_and(breaks)
    }))
}

pub(super) fn not_among(values: &ArrayRef, allowed: &BTreeSet<String>) -> Result<Vec<usize>> {
    texts(values, |label| !allowed.contains(label))
}

pub(super) fn texts(values: &ArrayRef, breaks: impl Fn(&str) -> bool) -> Result<Vec<usize>> {
    let labels: StringArray = labels(values)?;
    let rows = labels.iter().enumerate();
    let broken = rows.filter(|(_, label)| label.is_some_and(&breaks));
    Ok(broken.map(|(row, _)| row).collect())
}

/// Rows whose value is ordered to that in the other column as it must not be.
pub(super) fn ordered(
    [values, other]: [&ArrayRef; 2],
    wrong: impl Fn(Ordering) -> bool,
) -> Result<Vec<usize>> {
    let [x, y] = [Numbers::of(values)?, Numbers::of(other)?];
    x.comparable(&y)?;
    Ok(rows(values.len(), |&row| {
        let both = x.get(row).zip(y.get(row));
        both.is_some_and(|(x, y)| wrong(x.compare(y)))
    }))
}

pub(super) fn unequal([values, other]: [&ArrayRef; 2]) -> Result<Vec<usize>> {
    let [x, y] = [Keys::of(values)?, Keys::of(other)?];
    x.comparable(&y)?;
    Ok(rows(values.len(), |&row| {
        let both = x.get(row).zip(y.get(row));
        both.is_some_and(|(x, y)| x != y)
    }))
}
