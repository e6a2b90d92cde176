//! What a model does, and which columns tell.

use std::collections::{BTreeSet, HashMap};

use arrow::array::RecordBatch;
use mlops_core::evidence::SignificanceLevel;
use mlops_core::{Error, ErrorKind, Result};

use super::measure::{Dummy, Predictions};
use super::read::{Labelled, labels_of, numbers_of};
use crate::performance::{
    Confusion, Multiclass, Ranking, Regression, RegressionDummy, Reliability, Scored,
};
use crate::report::exact;
use crate::sample::NumericSample;

/// Labels of a classifier that gives labels alone; more are no classes, but identifiers by mistake.
const LABELS: usize = 1_000;

/// Which columns say what was predicted and what came true.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Task {
    Binary {
        target: String,
        probability: String,
        threshold: f64,
    },
    Multiclass {
        target: String,
        classes: Vec<(String, String)>,
    },
    /// A classifier that gives labels alone.
    Labels {
        target: String,
        prediction: String,
        /// All that occur in either table.
        classes: Vec<String>,
    },
    Regression {
        target: String,
        prediction: String,
    },
    Ranking {
        query: String,
        relevance: String,
        score: String,
        k: usize,
    },
}

/// How frequent each class is, by Laplace's rule of succession: none that did not occur is taken for impossible.
fn shares(classes: usize, labels: impl Iterator<Item = usize>) -> Vec<f64> {
    let mut counts = vec![1.0; classes];
    labels.for_each(|label| counts[label] += 1.0);
    let all: f64 = counts.iter().sum();
    counts.into_iter().map(|count| count / all).collect()
}

impl Task {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Binary { .. } => "classification",
            Self::Multiclass { .. } => "multiclass classification",
            Self::Labels { .. } => "classification by labels",
            Self::Regression { .. } => "regression",
            Self::Ranking { .. } => "ranking",
        }
    }

    /// An error for settings that make no sense, whatever the tables.
    pub(super) fn check_settings(&self) -> Result<()> {
        let target = self.target();
        if self
            .columns()
            .iter()
            .filter(|column| **column == target)
            .count()
            > 1
        {
            return Err(Error::invalid(format!(
                "the target and what is predicted must be of columns of their own, got \"{target}\" for both"
            )));
        }
        match self {
            Self::Binary { threshold, .. } => in_unit("threshold", *threshold),
            Self::Multiclass { classes, .. } => {
                let names: BTreeSet<&String> = classes.iter().map(|(class, _)| class).collect();
                if names.len() >= 2 && names.len() == classes.len() {
                    return Ok(());
                }
                let given: Vec<&str> = classes.iter().map(|(class, _)| class.as_str()).collect();
                Err(Error::invalid(format!(
                    "at least 2 classes must be named, each once, got {}",
                    given.join(", ")
                )))
            }
            Self::Ranking { k: 0, .. } => Err(Error::invalid(
                "a ranking must be judged by its first 1 item at least, got 0",
            )),
            Self::Ranking { .. } | Self::Labels { .. } | Self::Regression { .. } => Ok(()),
        }
    }

    /// All columns that are read.
    pub(super) fn columns(&self) -> Vec<&str> {
        match self {
            Self::Binary {
                target,
                probability,
                ..
            } => vec![target, probability],
            Self::Multiclass { target, classes } => {
                let columns = classes.iter().map(|(_, column)| column.as_str());
                std::iter::once(target.as_str()).chain(columns).collect()
            }
            Self::Regression { target, prediction } => vec![target, prediction],
            Self::Labels {
                target, prediction, ..
            } => vec![target, prediction],
            Self::Ranking {
                query,
                relevance,
                score,
                ..
            } => vec![query, relevance, score],
        }
    }

    /// Of a ranking: the first items of a list that count.
    pub(super) fn first_items(&self) -> usize {
        match self {
            Self::Ranking { k, .. } => *k,
            _ => 0,
        }
    }

    /// Of two classes: the probability that counts as a yes.
    pub(super) fn yes_from(&self) -> f64 {
        match self {
            Self::Binary { threshold, .. } => *threshold,
            _ => 0.5,
        }
    }

    /// What comes true.
    pub(super) fn target(&self) -> &str {
        match self {
            Self::Binary { target, .. }
            | Self::Multiclass { target, .. }
            | Self::Labels { target, .. }
            | Self::Regression { target, .. } => target,
            Self::Ranking { relevance, .. } => relevance,
        }
    }

    /// The target and the predictions, whose drift is reported; not the query.
    pub(super) fn outcome_columns(&self) -> Vec<&str> {
        let skipped = usize::from(matches!(self, Self::Ranking { .. }));
        let mut seen = BTreeSet::new();
        let mut columns = self.columns().split_off(skipped);
        columns.retain(|column| seen.insert(*column)); // one may have two roles
        columns
    }

    /// The rows of a table, whose intervals are at this level.
    pub(super) fn predictions(
        &self,
        table: &Labelled,
        level: SignificanceLevel,
    ) -> Result<Predictions> {
        let rows = &table.rows;
        Ok(match self {
            Self::Binary {
                target,
                probability,
                ..
            } => {
                let labels = binary(rows, target)?;
                let scored = Scored::new(&labels, &numbers_of(rows, probability)?)?.level(level);
                Predictions::OfTwo(with_units(scored, table, Scored::units)?)
            }
            Self::Multiclass { .. } | Self::Labels { .. } => {
                let scored = self.labelled(rows)?.level(level);
                Predictions::OfSeveral(with_units(scored, table, Multiclass::units)?)
            }
            Self::Regression { target, prediction } => {
                let (truth, predicted) = (numbers_of(rows, target)?, numbers_of(rows, prediction)?);
                let rows = Regression::new(&truth, &predicted)?.level(level);
                Predictions::Numbers(with_units(rows, table, Regression::units)?)
            }
            Self::Ranking {
                relevance, score, ..
            } => {
                let queries = table.units.as_deref().unwrap_or_default();
                let (relevances, scores) = (numbers_of(rows, relevance)?, numbers_of(rows, score)?);
                Predictions::Lists(Ranking::new(queries, &relevances, &scores)?.level(level))
            }
        })
    }

    /// What predicts without looking at a row: fitted to the reference.
    pub(super) fn dummy(&self, reference: &Predictions) -> Result<Dummy> {
        Ok(match (self, reference) {
            (_, Predictions::OfTwo(rows)) => {
                let labels = rows.labels().iter().map(|label| usize::from(*label));
                Dummy::Shares(shares(2, labels))
            }
            (Self::Labels { .. }, Predictions::OfSeveral(rows)) => {
                let shares = shares(rows.classes(), rows.labels().iter().copied());
                let most = (0..shares.len()).max_by(|a, b| shares[*a].total_cmp(&shares[*b]));
                Dummy::Class(most.unwrap_or(0))
            }
            (_, Predictions::OfSeveral(rows)) => {
                Dummy::Shares(shares(rows.classes(), rows.labels().iter().copied()))
            }
            (_, Predictions::Numbers(rows)) => Dummy::Number(RegressionDummy::mean(rows.truth())?),
            (_, Predictions::Lists(_)) => Dummy::RandomOrder,
        })
    }

    /// What is drawn of a table: probabilities of two classes, or errors of a regression.
    pub(super) fn picture(
        &self,
        rows: &RecordBatch,
    ) -> Result<Option<(&'static str, NumericSample)>> {
        Ok(match self {
            Self::Binary { probability, .. } => Some((
                "predicted probability",
                NumericSample::new(numbers_of(rows, probability)?),
            )),
            Self::Regression { target, prediction } => {
                let pairs = numbers_of(rows, prediction)?
                    .into_iter()
                    .zip(numbers_of(rows, target)?);
                let errors = pairs.map(|(predicted, truth)| predicted - truth);
                Some(("prediction less truth", NumericSample::new(errors)))
            }
            Self::Multiclass { .. } | Self::Labels { .. } | Self::Ranking { .. } => None,
        })
    }

    /// With the classes that occur, where nobody named them.
    pub(super) fn with_classes_of(&self, tables: [&RecordBatch; 2]) -> Result<Self> {
        let Self::Labels {
            target, prediction, ..
        } = self
        else {
            return Ok(self.clone());
        };
        let mut classes = BTreeSet::new();
        for table in tables {
            classes.extend(labels_of(table, target)?);
            classes.extend(labels_of(table, prediction)?);
        }
        Ok(Self::Labels {
            target: target.clone(),
            prediction: prediction.clone(),
            classes: classes.into_iter().collect(),
        })
    }

    /// Rows of several classes.
    fn labelled(&self, rows: &RecordBatch) -> Result<Multiclass> {
        match self {
            Self::Multiclass { target, classes } => {
                let names: Vec<&str> = classes.iter().map(|(class, _)| class.as_str()).collect();
                let truth = class_numbers(rows, target, &names)?;
                let columns = classes.iter().map(|(_, column)| numbers_of(rows, column));
                let columns = columns.collect::<Result<Vec<_>>>()?;
                let by_row =
                    (0..truth.len()).flat_map(|row| columns.iter().map(move |column| column[row]));
                let probabilities: Vec<f64> = by_row.collect();
                Multiclass::new(classes.len(), &truth, &probabilities)
            }
            Self::Labels {
                target,
                prediction,
                classes,
            } => {
                let names: Vec<&str> = classes.iter().map(String::as_str).collect();
                if names.len() > LABELS {
                    return Err(Error::invalid(format!(
                        "\"{target}\" and \"{prediction}\" must hold at most {LABELS} labels, got {}",
                        names.len()
                    )));
                }
                let truth = class_numbers(rows, target, &names)?;
                let predicted = class_numbers(rows, prediction, &names)?;
                let count = names.len().max(2);
                // Wholly sure of the label that it gave.
                let sure =
                    |class: usize| (0..count).map(move |other| f64::from(u8::from(other == class)));
                let probabilities: Vec<f64> = predicted.into_iter().flat_map(sure).collect();
                Multiclass::new(count, &truth, &probabilities)
            }
            _ => Err(Error::new(ErrorKind::Internal, "a task without classes")),
        }
    }

    /// True against predicted classes, with the names of the classes.
    pub(super) fn confusion(&self, rows: &RecordBatch) -> Result<Option<(Vec<String>, Confusion)>> {
        Ok(match self {
            Self::Binary { threshold, .. } => {
                let names = ["false", "true"].map(str::to_owned).to_vec();
                self.scored(rows)?
                    .map(|scored| (names, scored.confusion(*threshold)))
            }
            Self::Multiclass { classes, .. } => {
                let names = classes.iter().map(|(class, _)| class.clone()).collect();
                Some((names, self.labelled(rows)?.confusion()))
            }
            Self::Labels { classes, .. } if classes.len() >= 2 => {
                Some((classes.clone(), self.labelled(rows)?.confusion()))
            }
            Self::Labels { .. } | Self::Regression { .. } | Self::Ranking { .. } => None,
        })
    }

    /// Predicted and observed shares of two classes.
    pub(super) fn reliability(&self, rows: &RecordBatch) -> Result<Option<Reliability>> {
        let scored = self.scored(rows)?;
        scored
            .map(|scored| scored.reliability(RELIABILITY_BINS))
            .transpose()
    }

    /// Rows of two classes.
    fn scored(&self, rows: &RecordBatch) -> Result<Option<Scored>> {
        match self {
            Self::Binary {
                target,
                probability,
                ..
            } => {
                let labels = binary(rows, target)?;
                Scored::new(&labels, &numbers_of(rows, probability)?).map(Some)
            }
            _ => Ok(None),
        }
    }
}

/// Bins of a reliability curve.
const RELIABILITY_BINS: usize = 10;

/// The rows with their units, if any were declared.
fn with_units<R>(rows: R, table: &Labelled, units: fn(R, &[u64]) -> Result<R>) -> Result<R> {
    match &table.units {
        Some(of_row) => units(rows, of_row),
        None => Ok(rows),
    }
}

fn binary(rows: &RecordBatch, target: &str) -> Result<Vec<bool>> {
    let values = numbers_of(rows, target)?.into_iter();
    let labels = values.map(|value| match value {
        0.0 => Ok(false),
        1.0 => Ok(true),
        other => Err(Error::invalid(format!(
            "a target must be boolean, or 0 and 1, got {}",
            exact(other)
        ))
        .context("column", target)),
    });
    labels.collect()
}

fn in_unit(what: &str, value: f64) -> Result<()> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{what} must lie in [0, 1], got {}",
        exact(value)
    )))
}

fn class_numbers(rows: &RecordBatch, target: &str, classes: &[&str]) -> Result<Vec<usize>> {
    let labels = labels_of(rows, target)?;
    let numbers: HashMap<&str, usize> = classes.iter().copied().zip(0..).collect();
    let number = |label: &String| {
        let known = numbers.get(label.as_str()).copied();
        known.ok_or_else(|| {
            Error::invalid(format!(
                "the target \"{target}\" must be one of {}, got \"{label}\"",
                classes.join(", ")
            ))
        })
    };
    labels.iter().map(number).collect()
}
