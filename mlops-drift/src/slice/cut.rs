//! Tables cut into cells: per column, which of its predicates holds for each row.

use std::collections::{BTreeSet, HashMap};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::DataType;
use mlops_core::{Error, ErrorKind, Result, type_name};

use super::{Conjunction, Lattice, Predicate};
use crate::report::Scale;
use crate::sample::{ColumnKind, Labels, NumericSample, labels, numbers, value_type};
use crate::table::column_of;

/// The code of a row for which no predicate of a column holds.
const NONE: u32 = u32::MAX;

/// The rows of one or more tables, one after the other. Predicates are numbered through all columns.
pub(super) struct Cut {
    columns: Vec<Coded>,
    column_of: Vec<u32>,
    predicates: Vec<Predicate>,
    rows: usize,
}

/// Per row, the number of the predicate that holds.
struct Coded {
    first: u32,
    predicates: u32,
    of_row: Vec<u32>,
}

impl Cut {
    /// `basis` rows, counted from the first, fix values and quantiles of numeric columns.
    pub(super) fn of(tables: &[&RecordBatch], lattice: &Lattice, basis: usize) -> Result<Self> {
        let mut cut = Self {
            columns: Vec::new(),
            column_of: Vec::new(),
            predicates: Vec::new(),
            rows: tables.iter().map(|table| table.num_rows()).sum(),
        };
        let first = tables.first().map(|table| table.schema());
        for field in first.iter().flat_map(|schema| schema.fields()) {
            let (predicates, of_row) = read(tables, field.name(), lattice, basis)
                .map_err(|error| error.context("column", field.name()))?;
            cut.push(predicates, of_row);
        }
        Ok(cut)
    }

    fn push(&mut self, predicates: Vec<Predicate>, of_row: Vec<u32>) {
        let column = self.columns.len() as u32;
        self.columns.push(Coded {
            first: self.predicates.len() as u32,
            predicates: predicates.len() as u32,
            of_row,
        });
        self.column_of.extend(predicates.iter().map(|_| column));
        self.predicates.extend(predicates);
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn column_of(&self, predicate: u32) -> u32 {
        self.column_of[predicate as usize]
    }

    pub(super) fn columns(&self) -> u32 {
        self.columns.len() as u32
    }

    /// The predicate of a column that holds for a row, if any does.
    pub(super) fn predicate(&self, column: u32, row: u32) -> Option<u32> {
        let column = &self.columns[column as usize];
        let code = column.of_row[row as usize];
        (code != NONE).then(|| column.first + code)
    }

    /// The column with the most predicates, and how many these are.
    pub(super) fn widest(&self) -> (&str, u32) {
        let widest = self.columns.iter().max_by_key(|column| column.predicates);
        let name = |column: &Coded| self.predicates.get(column.first as usize);
        widest.map_or(("", 0), |column| {
            (
                name(column).map_or("", Predicate::column),
                column.predicates,
            )
        })
    }

    /// Whether all of these predicates hold for a row.
    pub(super) fn holds(&self, predicates: &[u32], row: usize) -> bool {
        predicates.iter().all(|&id| {
            let column = &self.columns[self.column_of(id) as usize];
            column.of_row[row] == id - column.first
        })
    }

    /// Every predicate with the rows for which it holds, ascending, among the first `rows`.
    pub(super) fn members(&self, rows: usize) -> impl Iterator<Item = (u32, Vec<u32>)> + '_ {
        self.columns.iter().flat_map(move |column| {
            let mut members = vec![Vec::new(); column.predicates as usize];
            let coded = (0..).zip(&column.of_row[..rows]);
            coded
                .filter(|(_, code)| **code != NONE)
                .for_each(|(row, &code)| members[code as usize].push(row));
            (column.first..).zip(members)
        })
    }

    pub(super) fn conjunction(&self, predicates: &[u32]) -> Conjunction {
        let predicates = predicates
            .iter()
            .map(|&id| self.predicates[id as usize].clone());
        Conjunction {
            predicates: predicates.collect(),
        }
    }
}

fn read(
    tables: &[&RecordBatch],
    column: &str,
    lattice: &Lattice,
    basis: usize,
) -> Result<(Vec<Predicate>, Vec<u32>)> {
    let parts = tables.iter().map(|table| column_of(table, column));
    let parts = parts.collect::<Result<Vec<&ArrayRef>>>()?;
    let data_type = type_of(&parts)?;
    if ColumnKind::of(data_type) == ColumnKind::Categorical {
        let parts = parts
            .into_iter()
            .map(|part| labels(part))
            .collect::<Result<Vec<_>>>()?;
        return Ok(by_label(column, &parts));
    }
    let parts = parts
        .into_iter()
        .map(|part| numbers(part))
        .collect::<Result<Vec<_>>>()?;
    let of = Told {
        column,
        scale: Scale::of_type(&type_name(value_type(data_type))),
    };
    Ok(by_number(&of, &parts.concat(), lattice, basis))
}

/// A column of numbers, and in which terms they are told.
struct Told<'a> {
    column: &'a str,
    scale: Scale,
}

/// The type of a column, if it is of one kind in all tables: numbers of any width, labels of any encoding, or the same temporal type. A column without
/// a type is of any, and missing in every row.
fn type_of<'a>(parts: &[&'a ArrayRef]) -> Result<&'a DataType> {
    let kind = |data_type: &DataType| ColumnKind::of(data_type);
    let mut typed = parts
        .iter()
        .map(|part| part.data_type())
        .filter(|data_type| kind(data_type) != ColumnKind::Null);
    let Some(like) = typed.next() else {
        return Ok(&DataType::Null);
    };
    let differs = |other: &&DataType| {
        kind(other) != kind(like) || (kind(like) == ColumnKind::Temporal && *other != like)
    };
    match typed.find(differs) {
        None => Ok(like),
        Some(other) => Err(Error::new(
            ErrorKind::SignatureMismatch,
            format!(
                "a column must be of one type in both tables, got {} and {}",
                type_name(like),
                type_name(other)
            ),
        )),
    }
}

fn by_label(column: &str, parts: &[Labels]) -> (Vec<Predicate>, Vec<u32>) {
    let rows = || parts.iter().flat_map(|part| part.iter());
    let distinct: BTreeSet<&str> = rows().flatten().collect();
    let codes: HashMap<&str, u32> = distinct.iter().copied().zip(0..).collect();
    let predicates = distinct
        .iter()
        .map(|label| equals(column, (*label).to_owned()));
    let of_row = rows().map(|label| label.and_then(|label| codes.get(label).copied()));
    with_missing(column, predicates.collect(), of_row.collect())
}

fn by_number(
    of: &Told<'_>,
    values: &[f64],
    lattice: &Lattice,
    basis: usize,
) -> (Vec<Predicate>, Vec<u32>) {
    let sample = NumericSample::new(values[..basis].iter().copied());
    let mut distinct = sample.sorted().to_vec();
    distinct.dedup();
    let present = |value: &f64| !value.is_nan();
    if distinct.len() <= lattice.most_values {
        let told = |value: &f64| equals(of.column, of.scale.exactly(*value));
        let predicates = distinct.iter().map(told);
        let find = |value: &f64| distinct.binary_search_by(|other| other.total_cmp(&(value + 0.0)));
        let code = |value: &f64| find(value).map_or(NONE, |code| code as u32);
        let of_row = values
            .iter()
            .map(|value| present(value).then(|| code(value)));
        return with_missing(of.column, predicates.collect(), of_row.collect());
    }
    let mut edges = lattice.bins.inner_edges(sample.sorted());
    if values
        .iter()
        .filter(|value| present(value))
        .all(|value| value.fract() == 0.0)
    {
        // Between whole numbers an edge parts them as the next one does, and that is told in fewer digits.
        edges.iter_mut().for_each(|edge| *edge = edge.ceil());
        edges.dedup();
    }
    let code = |value: &f64| edges.partition_point(|edge| edge <= value) as u32;
    let of_row = values
        .iter()
        .map(|value| present(value).then(|| code(value)));
    with_missing(of.column, between(of, &edges), of_row.collect())
}

fn between(of: &Told<'_>, edges: &[f64]) -> Vec<Predicate> {
    let lows = std::iter::once(None).chain(edges.iter().copied().map(Some));
    let highs = edges.iter().copied().map(Some).chain([None]);
    let bins = lows.zip(highs).map(|(low, high)| Predicate::Between {
        column: of.column.to_owned(),
        low,
        high,
        scale: of.scale,
    });
    bins.collect()
}

fn equals(column: &str, value: String) -> Predicate {
    Predicate::Equals {
        column: column.to_owned(),
        value,
    }
}

/// Rows without a code are missing: one predicate more.
fn with_missing(
    column: &str,
    mut predicates: Vec<Predicate>,
    of_row: Vec<Option<u32>>,
) -> (Vec<Predicate>, Vec<u32>) {
    let missing = predicates.len() as u32;
    if of_row.contains(&None) {
        predicates.push(Predicate::Missing {
            column: column.to_owned(),
        });
    }
    let of_row = of_row.into_iter().map(|code| code.unwrap_or(missing));
    (predicates, of_row.collect())
}
