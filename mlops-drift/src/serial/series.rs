use std::collections::BTreeSet;

use arrow::array::{Array, ArrayRef};
use mlops_core::Result;
use serde::{Deserialize, Serialize};

use super::SerialCorrelation;
use crate::profile::{self, Measured};
use crate::sample::{ColumnKind, labels, numbers};

/// Rows that are looked at.
const FIRST: usize = 4_096;

/// What the first rows of a column hold, in their order, or units in that of their appearance: the same however the rows are parted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Series {
    /// Rows so far, those included in which the value is missing.
    rows: usize,
    values: Values,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Values {
    Numbers(Vec<f64>),
    Labels(Vec<String>),
    /// Those of each facet.
    Facets(Measured, Vec<Vec<f64>>),
    /// Of columns that are neither, and of profiles.
    #[default]
    None,
}

impl Series {
    /// Of no rows yet, of a column that is read part by part.
    pub(crate) fn of_kind(kind: ColumnKind) -> Self {
        Self::of(match kind {
            ColumnKind::Numeric | ColumnKind::Temporal => Values::Numbers(Vec::new()),
            ColumnKind::Categorical => Values::Labels(Vec::new()),
            _ => Values::None,
        })
    }

    /// The same of a column that is profiled like this, and is of that kind.
    pub(crate) fn like(profile: &profile::Values, kind: ColumnKind) -> Self {
        match profile {
            profile::Values::Facets(facets) => {
                let none = facets.facets().map(|_| Vec::new());
                Self::of(Values::Facets(facets.measured(), none.collect()))
            }
            _ => Self::of_kind(kind),
        }
    }

    /// Of numbers, of which NaN is missing.
    pub(crate) fn of_numbers(values: impl IntoIterator<Item = f64>) -> Self {
        Self::of(Values::Numbers(
            present(values.into_iter().take(FIRST)).collect(),
        ))
    }

    /// Of facets, one number each.
    pub(crate) fn of_facets(measured: Measured, facets: &[ArrayRef]) -> Result<Self> {
        let first = facets.iter().map(|facet| {
            let first = facet.slice(0, facet.len().min(FIRST));
            Ok(present(numbers(&first)?).collect())
        });
        let first = first.collect::<Result<_>>()?;
        Ok(Self::of(Values::Facets(measured, first)))
    }

    fn of(values: Values) -> Self {
        Self { rows: 0, values }
    }

    /// The next part.
    pub(crate) fn add(&mut self, part: &ArrayRef) -> Result<()> {
        let first = part.slice(0, part.len().min(FIRST - self.rows));
        if first.is_empty() {
            return Ok(());
        }
        self.rows += first.len();
        match &mut self.values {
            Values::Numbers(known) => known.extend(present(numbers(&first)?)),
            Values::Labels(known) => {
                known.extend(labels(&first)?.iter().flatten().map(str::to_owned));
            }
            Values::Facets(measured, known) => {
                for (known, facet) in known.iter_mut().zip(measured.of_column(&first)?) {
                    known.extend(present(facet.iter().flatten()));
                }
            }
            Values::None => {}
        }
        Ok(())
    }

    /// How much neighbours resemble each other; `None` of fewer than 20.
    pub(crate) fn correlation(&self) -> Result<Option<SerialCorrelation>> {
        match &self.values {
            Values::Numbers(values) => SerialCorrelation::of(values),
            Values::Labels(labels) => SerialCorrelation::of(&places(labels)),
            Values::Facets(_, facets) => {
                let each = facets.iter().map(|facet| SerialCorrelation::of(facet));
                let each: Vec<Option<SerialCorrelation>> = each.collect::<Result<_>>()?;
                Ok(SerialCorrelation::of_several(each.into_iter().flatten()))
            }
            Values::None => Ok(None),
        }
    }
}

/// Those that are no NaN. Infinite ones are as great as numbers get, which leaves their rank, and can be written.
fn present(values: impl IntoIterator<Item = f64>) -> impl Iterator<Item = f64> {
    let present = values.into_iter().filter(|value| !value.is_nan());
    present.map(|value| value.clamp(f64::MIN, f64::MAX))
}

/// Labels by their place in the order of all. Any numbers that tell labels apart would do, if they did not depend on the order of rows.
fn places(labels: &[String]) -> Vec<f64> {
    let distinct: BTreeSet<&String> = labels.iter().collect();
    let distinct: Vec<&String> = distinct.into_iter().collect();
    let place = |label| distinct.partition_point(|other| *other < label) as f64;
    labels.iter().map(place).collect()
}
