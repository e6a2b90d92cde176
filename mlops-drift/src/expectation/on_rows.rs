//! Rules that a row breaks by itself.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::buffer::NullBuffer;
use mlops_core::{Error, ErrorKind, Result, type_name};

use super::bounds::Bounds;
use super::column_type::{labels_of, require_possible};
use super::key::Keys;
use super::number::Number;
use super::numbers::Numbers;
use crate::sample::{ColumnKind, numbers, value_type};
use crate::table::column_of;

pub(super) fn column<'a>(part: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    column_of(part, name)
}

pub(super) fn rows(len: usize, breaks: impl FnMut(&usize) -> bool) -> Vec<usize> {
    (0..len).filter(breaks).collect()
}

/// Which values are there, being neither null nor NaN, nor an embedding that holds one that is so or infinite; `None` if all are.
fn nulls(values: &ArrayRef) -> Result<Option<NullBuffer>> {
    let nulls: NullBuffer = if let Some(embeddings) = values.as_fixed_size_list_opt()
        && ColumnKind::of(values.data_type()) == ColumnKind::Embedding
    {
        let dimension = embeddings.value_length() as usize;
        let elements = numbers(embeddings.values())?;
        let are_finite = |elements: &[f64]| elements.iter().all(|x| x.is_finite());
        let rows = elements.chunks_exact(dimension).enumerate();
        rows.map(|(row, elements)| embeddings.is_valid(row) && are_finite(elements))
            .collect()
    } else if value_type(values.data_type()).is_floating() {
        numbers(values)?.into_iter().map(|x| !x.is_nan()).collect()
    } else {
        return Ok(values.logical_nulls());
    };
    Ok((nulls.null_count() > 0).then_some(nulls))
}

/// In which rows all of these columns hold a value, as far as they are there; `None` if in all.
pub(super) fn nulls_of<'a>(
    part: &RecordBatch,
    columns: impl Iterator<Item = &'a str>,
) -> Result<Option<NullBuffer>> {
    let columns = columns.filter_map(|name| part.column_by_name(name));
    columns.map(nulls).try_fold(None, |all, nulls| {
        Ok(NullBuffer::union(all.as_ref(), nulls?.as_ref()))
    })
}

pub(super) fn is_missing(values: &ArrayRef) -> Result<Vec<usize>> {
    let nulls = nulls(values)?;
    let is_null = |row: &usize| nulls.as_ref().is_some_and(|nulls| nulls.is_null(*row));
    Ok(rows(values.len(), is_null))
}

pub(super) fn is_present(values: &ArrayRef) -> Result<Vec<usize>> {
    let nulls = nulls(values)?;
    let is_valid = |row: &usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(*row));
    Ok(rows(values.len(), is_valid))
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

pub(super) fn among(values: &ArrayRef, forbidden: &BTreeSet<String>) -> Result<Vec<usize>> {
    require_possible(forbidden, &type_name(value_type(values.data_type())))?;
    texts(values, |label| forbidden.contains(label))
}

pub(super) fn texts(values: &ArrayRef, breaks: impl Fn(&str) -> bool) -> Result<Vec<usize>> {
    let labels = labels_of(values)?;
    let rows = labels.iter().enumerate();
    let broken = rows.filter(|(_, label)| label.is_some_and(&breaks));
    Ok(broken.map(|(row, _)| row).collect())
}

/// Two columns; an error names the one that cannot be read.
fn both<T>(
    part: &RecordBatch,
    [one, other]: [&str; 2],
    read: fn(&ArrayRef) -> Result<T>,
) -> Result<[T; 2]> {
    let named =
        |name: &str| read(column(part, name)?).map_err(|error| error.context("column", name));
    Ok([named(one)?, named(other)?])
}

/// Rows whose value is ordered to that in the other column as it must not be.
pub(super) fn ordered(
    part: &RecordBatch,
    columns: [&str; 2],
    wrong: impl Fn(Ordering) -> bool,
) -> Result<Vec<usize>> {
    let [x, y] = both(part, columns, Numbers::of)?;
    x.comparable(&y)?;
    Ok(rows(part.num_rows(), |&row| {
        let both = x.get(row).zip(y.get(row));
        both.is_some_and(|(x, y)| wrong(x.compare(y)))
    }))
}

pub(super) fn unequal(part: &RecordBatch, columns: [&str; 2]) -> Result<Vec<usize>> {
    let [x, y] = both(part, columns, Keys::of)?;
    x.comparable(&y)?;
    Ok(rows(part.num_rows(), |&row| {
        let both = x.get(row).zip(y.get(row));
        both.is_some_and(|(x, y)| x != y)
    }))
}
