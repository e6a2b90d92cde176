//! What the columns of a task must hold, row by row: an error names the table, the column and the row.

use std::collections::BTreeSet;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::datatypes::DataType;
use mlops_core::{Error, ErrorKind, Result, type_name};

use super::read::{Labelled, labels_of, numbers_of};
use super::task::Task;
use crate::check::find;
use crate::expectation::listed;
use crate::performance::sum_to_one;
use crate::report::exact;
use crate::sample::{ColumnKind, value_type};

impl Task {
    /// An error for a labelled row of the table that the task cannot have.
    pub(super) fn check_rows(&self, table: &Labelled) -> Result<()> {
        let must = |column: &str, be: &str, holds: fn(f64) -> bool| table.must(column, be, holds);
        match self {
            Self::Binary {
                target,
                probability,
                ..
            } => {
                must(target, LABEL, is_label)?;
                must(probability, PROBABILITY, is_share)
            }
            Self::Multiclass { target, classes } => {
                let names: Vec<&str> = classes.iter().map(|(class, _)| class.as_str()).collect();
                table.must_be_one_of(target, &names)?;
                let mut columns = classes.iter().map(|(_, column)| column.as_str());
                columns.try_for_each(|column| must(column, PROBABILITY, is_share))?;
                table.must_sum_to_one(classes)
            }
            Self::Regression { target, prediction } => {
                must(target, "a target must be finite", f64::is_finite)?;
                must(prediction, "a prediction must be finite", f64::is_finite)
            }
            Self::Ranking {
                relevance, score, ..
            } => {
                must(relevance, "a relevance must lie in [0, inf)", is_relevance)?;
                must(score, "a score must be finite", f64::is_finite)
            }
            Self::Labels { .. } => Ok(()),
        }
    }

    /// An error for a column whose type the task cannot read. The booleans of a regression, which are read as 0 and 1 elsewhere, are the labels of a
    /// classifier.
    pub(super) fn check_kinds(&self, table: &Labelled) -> Result<()> {
        for (column, be, holds) in self.kinds() {
            let Ok(values) = find(&table.rows, column) else {
                continue; // not read of this table
            };
            let data_type = values.data_type();
            if !holds(data_type) {
                let told = format!("{be}, got {}", type_name(data_type));
                return Err(
                    Error::new(ErrorKind::SignatureMismatch, told).context("column", column)
                );
            }
        }
        Ok(())
    }

    /// What the types of the columns must be, in words and as a test.
    fn kinds(&self) -> Vec<(&str, &'static str, OfType)> {
        match self {
            Self::Binary {
                target,
                probability,
                ..
            } => vec![
                (
                    target,
                    "a target of two classes must be boolean, or 0 and 1 (labels are for the presets of several classes)",
                    is_number_or_boolean,
                ),
                (probability, PROBABILITIES, is_number),
            ],
            Self::Multiclass { target, classes } => {
                let columns = classes.iter().map(|(_, column)| column.as_str());
                let columns = columns.map(|column| (column, PROBABILITIES, is_number as OfType));
                columns
                    .chain([(target.as_str(), LABELS, has_labels as OfType)])
                    .collect()
            }
            Self::Regression { target, prediction } => vec![
                (
                    target,
                    "a target of a regression must be of integers, decimals, floats or times",
                    is_number_or_time,
                ),
                (
                    prediction,
                    "a prediction of a regression must be of integers, decimals, floats or times",
                    is_number_or_time,
                ),
            ],
            Self::Ranking {
                relevance, score, ..
            } => vec![
                (
                    relevance,
                    "a relevance must be of numbers or boolean",
                    is_number_or_boolean,
                ),
                (
                    score,
                    "a score must be of integers, decimals, floats or times",
                    is_number_or_time,
                ),
            ],
            Self::Labels {
                target, prediction, ..
            } => vec![
                (target, LABELS, has_labels),
                (prediction, LABELS, has_labels),
            ],
        }
    }

    /// An error for labels of which some are boolean and others are numbers: no `true` is the label `1`.
    pub(super) fn check_types(&self, tables: [(&RecordBatch, &str); 2]) -> Result<()> {
        let Self::Labels {
            target, prediction, ..
        } = self
        else {
            return Ok(());
        };
        let mut found = Vec::new();
        for (rows, role) in tables {
            for column in [target, prediction] {
                let data_type = value_type(find(rows, column)?.data_type()).clone();
                found.push((column, role, data_type));
            }
        }
        let has = |of: fn(&DataType) -> bool| found.iter().any(|(_, _, data_type)| of(data_type));
        if !(has(is_boolean) && has(DataType::is_integer)) {
            return Ok(());
        }
        let told = found.iter().map(|(column, role, data_type)| {
            format!(
                "{} of \"{column}\" in the {role} table",
                type_name(data_type)
            )
        });
        Err(Error::new(
            ErrorKind::SignatureMismatch,
            format!(
                "labels must be of one type, got {}",
                told.collect::<Vec<_>>().join(", ")
            ),
        ))
    }

    /// An error for predicted labels of which none ever comes true, in neither table, as of "True" and "False" for booleans: no answer could be right.
    pub(super) fn check_labels(&self, tables: [&RecordBatch; 2]) -> Result<()> {
        let Self::Labels {
            target, prediction, ..
        } = self
        else {
            return Ok(());
        };
        let labels = |column: &str| -> Result<BTreeSet<String>> {
            let [before, now] = tables.map(|rows| labels_of(rows, column));
            Ok(before?.into_iter().chain(now?).collect())
        };
        let (true_ones, predicted) = (labels(target)?, labels(prediction)?);
        if true_ones.len() < 2 || predicted.len() < 2 || !true_ones.is_disjoint(&predicted) {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "some predicted label must be one that comes true, got {} in \"{prediction}\" and {} in \"{target}\"",
            listed(&predicted),
            listed(&true_ones)
        )))
    }

    /// Both tables with the target as booleans where it is boolean in one of them and a number in the other: two classes either way.
    pub(super) fn with_one_type_of_target(
        &self,
        tables: [&RecordBatch; 2],
    ) -> Result<[RecordBatch; 2]> {
        let [reference, current] = tables.map(Clone::clone);
        let Self::Binary { target, .. } = self else {
            return Ok([reference, current]);
        };
        let boolean = |rows: &RecordBatch| -> Result<bool> {
            Ok(is_boolean(value_type(find(rows, target)?.data_type())))
        };
        if boolean(&reference)? == boolean(&current)? {
            return Ok([reference, current]);
        }
        Ok([
            with_boolean(&reference, target)?,
            with_boolean(&current, target)?,
        ])
    }
}

/// Whether a column's type is as it must be.
type OfType = fn(&DataType) -> bool;

const PROBABILITIES: &str = "a probability must be of floats, decimals or integers";

const LABELS: &str = "labels must be of texts, booleans or integers (floats that stand for integers, as pandas makes of integers with nulls, are cast to these before)";

fn has_labels(data_type: &DataType) -> bool {
    let values = value_type(data_type);
    ColumnKind::of(values) == ColumnKind::Categorical || values.is_integer()
}

fn is_number(data_type: &DataType) -> bool {
    ColumnKind::of(data_type) == ColumnKind::Numeric
}

fn is_number_or_time(data_type: &DataType) -> bool {
    is_number(data_type) || ColumnKind::of(data_type) == ColumnKind::Temporal
}

fn is_number_or_boolean(data_type: &DataType) -> bool {
    is_number(data_type) || is_boolean(value_type(data_type))
}

pub(super) const LABEL: &str = "a target must be boolean, or 0 and 1";
pub(super) const PROBABILITY: &str = "a probability must lie in [0, 1]";

pub(super) fn is_label(value: f64) -> bool {
    value == 0.0 || value == 1.0
}

pub(super) fn is_share(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

fn is_relevance(value: f64) -> bool {
    (0.0..f64::INFINITY).contains(&value)
}

fn is_boolean(data_type: &DataType) -> bool {
    *data_type == DataType::Boolean
}

/// The column as booleans: true where it is not 0.
fn with_boolean(rows: &RecordBatch, column: &str) -> Result<RecordBatch> {
    let labels = numbers_of(rows, column)?.into_iter();
    let labels: BooleanArray = labels.map(|value| Some(value != 0.0)).collect();
    let schema = rows.schema();
    let columns = schema.fields().iter().zip(rows.columns());
    let columns = columns.map(|(field, values)| match field.name() == column {
        true => (
            field.name(),
            std::sync::Arc::new(labels.clone()) as ArrayRef,
        ),
        false => (field.name(), values.clone()),
    });
    Ok(RecordBatch::try_from_iter(columns)?)
}

impl Labelled {
    /// An error for the first value that is not as it must be.
    pub(super) fn must(&self, column: &str, be: &str, holds: impl Fn(f64) -> bool) -> Result<()> {
        let values = numbers_of(&self.rows, column)?;
        match values.iter().position(|value| !holds(*value)) {
            Some(row) => {
                let got = exact(values[row]);
                Err(self
                    .refused(row, &format!("{be}, got {got}"))
                    .context("column", column))
            }
            None => Ok(()),
        }
    }

    fn must_be_one_of(&self, column: &str, classes: &[&str]) -> Result<()> {
        let labels = labels_of(&self.rows, column)?;
        let unknown = |label: &String| !classes.contains(&label.as_str());
        match labels.iter().position(unknown) {
            Some(row) => {
                let (classes, got) = (classes.join(", "), &labels[row]);
                let why = format!("a target must be one of {classes}, got \"{got}\"");
                Err(self.refused(row, &why).context("column", column))
            }
            None => Ok(()),
        }
    }

    /// Of the columns of all classes.
    fn must_sum_to_one(&self, classes: &[(String, String)]) -> Result<()> {
        let mut sums = vec![0.0; self.rows.num_rows()];
        for (_, column) in classes {
            let values = numbers_of(&self.rows, column)?;
            sums.iter_mut().zip(values).for_each(|(sum, p)| *sum += p);
        }
        match sums.iter().position(|sum| !sum_to_one(*sum)) {
            Some(row) => {
                let got = exact(sums[row]);
                let why = format!("the probabilities of a row must sum to 1, got {got}");
                let columns = classes.iter().map(|(_, column)| column.as_str());
                let columns = columns.collect::<Vec<_>>().join(", ");
                Err(self.refused(row, &why).context("columns", columns))
            }
            None => Ok(()),
        }
    }

    fn refused(&self, row: usize, why: &str) -> Error {
        Error::invalid(format!("{why} in row {}", self.row_given(row)))
    }
}
