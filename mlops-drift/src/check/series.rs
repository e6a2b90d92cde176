//! The first values of a column in the order of its rows, or of its units' appearance: what serial dependence is diagnosed on.

use std::collections::BTreeSet;

use arrow::array::{Array, ArrayRef};
use mlops_core::Result;

use crate::sample::{ColumnKind, labels, numbers};

/// Values that are looked at.
const FIRST: usize = 4_096;

/// The first of some numbers that are not missing.
pub(super) fn first_of(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let present = values.into_iter().filter(|value| !value.is_nan());
    present.take(FIRST).collect()
}

/// The first values of a column that is read part by part.
pub(super) enum Series {
    Numbers(Vec<f64>),
    Labels(Vec<String>),
    /// Of columns that are neither.
    None,
}

impl Series {
    pub(super) fn of(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Numeric | ColumnKind::Temporal => Self::Numbers(Vec::new()),
            ColumnKind::Categorical => Self::Labels(Vec::new()),
            _ => Self::None,
        }
    }

    /// The next part.
    pub(super) fn add(&mut self, part: &ArrayRef) -> Result<()> {
        let first = part.slice(0, part.len().min(FIRST));
        match self {
            Self::Numbers(known) if known.len() < FIRST => {
                *known = first_of(std::mem::take(known).into_iter().chain(numbers(&first)?));
            }
            Self::Labels(known) if known.len() < FIRST => {
                let first = labels(&first)?;
                let room = FIRST - known.len();
                let present = first.iter().flatten().map(str::to_owned);
                known.extend(present.take(room));
            }
            _ => {}
        }
        Ok(())
    }

    /// As numbers: labels by their place in the order of all. Any numbers that tell labels apart would do, if they did not depend on the order of rows.
    pub(super) fn values(self) -> Vec<f64> {
        match self {
            Self::Numbers(values) => values,
            Self::None => Vec::new(),
            Self::Labels(labels) => {
                let distinct: BTreeSet<&String> = labels.iter().collect();
                let distinct: Vec<&String> = distinct.into_iter().collect();
                let place = |label| distinct.partition_point(|other| *other < label) as f64;
                labels.iter().map(place).collect()
            }
        }
    }
}
