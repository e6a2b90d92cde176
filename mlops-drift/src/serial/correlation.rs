use mlops_core::Result;
use mlops_core::evidence::PValue;
use serde::{Deserialize, Serialize};

use crate::stream::serial_dependence;

/// Values below which nothing is said.
const FEWEST: usize = 20;

/// How much neighbours in a column resemble each other: the most surprising [`serial_dependence`] of its values in several ways. Of numbers, as they are,
/// in their distance from the median, and in whether they are of the 5 % that are farthest; of labels, in their order and in whether they are of those that are
/// held by fewer than 5 % of rows each, or one of the three most frequent; of texts and embeddings, in
/// their facets; of a model's errors, signed and in size. **Weakness**: the first 2,048 rows alone, and dependence of direct neighbours.
///
/// ```
/// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
/// # let sorted = RecordBatch::try_from_iter([("x", column)])?;
/// let report = mlops_drift::DriftCheck::against(&sorted).run(&sorted)?;
/// assert!(report.columns[0].serial_correlation.unwrap().is_conspicuous());
/// assert!(report.columns[0].reason.contains("hardly exchangeable"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SerialCorrelation {
    /// The rank correlation of neighbours, in \[−1, 1], in the most surprising way.
    pub correlation: f64,
    /// How surprising it is for exchangeable values, times the number of ways.
    pub p_value: PValue,
    /// How many were looked at: of the first 2,048 rows, or units, those with a value; of rules, all.
    pub values: usize,
}

impl SerialCorrelation {
    /// Of numbers in their order; `None` of fewer than 20.
    pub(crate) fn of(values: &[f64]) -> Result<Option<Self>> {
        if values.len() < FEWEST {
            return Ok(None);
        }
        let result = serial_dependence(values)?;
        Ok(Some(Self {
            correlation: result.statistic,
            p_value: result.p_value,
            values: values.len(),
        }))
    }

    /// The most surprising of several, by Bonferroni's inequality.
    pub(crate) fn of_several(all: impl IntoIterator<Item = Self>) -> Option<Self> {
        let all: Vec<Self> = all.into_iter().collect();
        let least = all
            .iter()
            .min_by(|a, b| a.p_value.get().total_cmp(&b.p_value.get()))?;
        Some(Self {
            p_value: PValue::saturating(least.p_value.get() * all.len() as f64),
            ..*least
        })
    }

    /// Whether it is beyond chance (p ≤ 1e-4) and beyond 0.1 in size: verdicts on the column are told with a warning then.
    pub fn is_conspicuous(&self) -> bool {
        self.p_value.get() <= 1e-4 && self.correlation.abs() >= 0.1
    }

    /// The warning, if it is conspicuous, of `what` rows, or units, have.
    pub(crate) fn warning(&self, what: Neighbours<'_>) -> Option<String> {
        let Neighbours { of, are_units } = what;
        let (neighbours, advice) = match are_units {
            false => ("rows", "declare a unit"),
            true => ("units", "declare a larger one"),
        };
        let how = match self.correlation < 0.0 {
            true => "differ from each other more than others",
            false => "resemble each other",
        };
        self.is_conspicuous().then(|| {
            format!(
                "{of}neighbouring {neighbours} {how} (rank correlation {:.2}), so they are hardly exchangeable and the level need not hold: {advice}",
                self.correlation
            )
        })
    }
}

/// What a correlation is told of.
#[derive(Clone, Copy)]
pub(crate) struct Neighbours<'a> {
    /// What of them was looked at, if not their values: such as `"errors of "`.
    pub(crate) of: &'a str,
    pub(crate) are_units: bool,
}

impl Neighbours<'static> {
    /// Values of rows, or of units if there is one.
    pub(crate) fn by(unit: Option<&str>) -> Self {
        Self {
            of: "",
            are_units: unit.is_some(),
        }
    }
}
