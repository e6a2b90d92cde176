//! Whether errors come together: what metrics and their intervals take for exchangeable is not the inputs, but how wrong the model is.

use mlops_core::Result;

use super::measure::Predictions;
use super::task::Task;
use crate::DriftReport;
use crate::performance::ByUnit;
use crate::report::junit::{Case, Outcome};
use crate::report::named;
use crate::serial::{Neighbours, SerialCorrelation, Series};

/// Columns that are named.
const NAMES: usize = 12;

/// That errors of neighbours resemble each other, if they do. They are of the unit by which the columns were compared.
pub(super) fn dependence(
    serial: Option<SerialCorrelation>,
    compared: &DriftReport,
) -> Option<String> {
    let mut units = compared
        .columns
        .iter()
        .filter_map(|column| column.unit.as_deref());
    serial?.warning(Neighbours {
        of: "errors of ",
        ..Neighbours::by(units.next())
    })
}

/// The same of estimates, which rest on the columns as well.
pub(super) fn dependence_of_estimates(
    serial: Option<SerialCorrelation>,
    compared: &DriftReport,
) -> Option<String> {
    let columns = compared
        .columns
        .iter()
        .filter(|column| column.is_dependent());
    let columns: Vec<&str> = columns.map(|column| column.column.as_str()).collect();
    let of_columns = || {
        format!(
            "neighbouring rows or units are dependent in {}, so that the level need not hold",
            named(columns.iter(), NAMES)
        )
    };
    dependence(serial, compared).or_else(|| (!columns.is_empty()).then(of_columns))
}

impl<'a> Case<'a> {
    /// Told beside the metrics.
    pub(super) fn of_dependence(told: &'a str) -> Self {
        Self {
            name: "errors of neighbours",
            outcome: Outcome::Noted(told),
        }
    }
}

impl Predictions {
    /// How much errors of neighbouring units resemble each other, signed and in size; of lists, their NDCG.
    pub(super) fn serial_correlation(&self, task: &Task) -> Result<Option<SerialCorrelation>> {
        let by_unit = self.by_unit();
        let each = self.errors(task)?.into_iter().map(|errors| {
            let means = means(&by_unit, &errors);
            Series::of_numbers(means).correlation()
        });
        let each: Vec<Option<SerialCorrelation>> = each.collect::<Result<_>>()?;
        Ok(SerialCorrelation::of_several(each.into_iter().flatten()))
    }

    /// How wrong each row is, told in several ways.
    fn errors(&self, task: &Task) -> Result<Vec<Vec<f64>>> {
        Ok(match self {
            Self::OfTwo(rows) => {
                let both = rows.labels().iter().zip(rows.probabilities());
                let signed = both.map(|(&label, p)| p - f64::from(u8::from(label)));
                with_sizes(signed.collect())
            }
            Self::OfSeveral(rows) => vec![rows.misses()],
            Self::Numbers(rows) => with_sizes(rows.errors().collect()),
            Self::Lists(rows) => {
                let lists = rows.by_query(task.first_items())?;
                vec![lists.iter().map(|list| list.ndcg).collect()]
            }
        })
    }
}

fn with_sizes(signed: Vec<f64>) -> Vec<Vec<f64>> {
    let sizes = signed.iter().map(|error| error.abs()).collect();
    vec![signed, sizes]
}

/// In each unit, in the order of appearance.
fn means<'a>(by_unit: &'a ByUnit, values: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    (0..by_unit.units()).map(|unit| {
        let rows = by_unit.rows(unit);
        let size = rows.len() as f64;
        rows.iter().map(|&row| values[row] / size).sum()
    })
}
