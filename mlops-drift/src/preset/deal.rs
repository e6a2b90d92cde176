//! Rows that are dealt to the two tables at random: how often does a metric differ as much then?

use mlops_core::Result;
use mlops_core::evidence::PValue;

use super::measure::{Judged, Measure, Predictions};
use super::task::Task;
use crate::permutation::Permutations;

/// Deals per inverse of the level: p is at most the level if up to two of them differ as much. More would tell p better, which an interval
/// that excludes 0 tells as well.
const DEALS: f64 = 3.0;
/// Rows dealt in all: a tenth of a second or two.
const BUDGET: f64 = 1e7;
/// Rounding of a metric of the same rows in another order, relative to it.
const ROUNDING: f64 = 1e-9;

/// How often the metric of the table of fewer units is at least as far off, upwards if `rose`, when all units are dealt to the two tables at
/// random; undefined counts as such. `None` where either table has so many rows that the deals that the level, of one side, asks for cost more
/// than they are worth: there intervals are what they say.
///
/// **Guarantee**: exact if the units of both tables are exchangeable, at every size. **Cost**: 3/level times the metric of the smaller table;
/// fewer where some fifty deals tell that it is nothing unusual.
pub(super) fn as_extreme(
    task: &Task,
    measure: &Measure,
    tables: [&Predictions; 2],
    rose: bool,
    level: f64,
) -> Result<Option<PValue>> {
    let smaller = Smaller::of(tables);
    if BUDGET / (smaller.rows_in_all as f64) < DEALS / level {
        return Ok(None);
    }
    let pooled = tables[0].joined(tables[1])?;
    let dummy = task.dummy(&pooled)?;
    let value = |rows: &Predictions| {
        measure.value(Judged {
            task,
            rows,
            dummy: &dummy,
        })
    };
    let sign = if rose == smaller.is_current {
        1.0
    } else {
        -1.0
    };
    let observed = value(smaller.rows).unwrap_or(f64::NAN);
    let enough = sign * observed - ROUNDING * observed.abs();
    let is_as_far = |rows: &Predictions| value(rows).is_none_or(|value| !(sign * value < enough));

    let units = pooled.by_unit();
    let mut rows = Vec::new();
    let deals = Permutations::default().limit((DEALS / level) as u32 - 1);
    Ok(Some(deals.p_value(
        value(&pooled).map(f64::to_bits).into_iter(),
        (0..units.units() as u32).collect(),
        smaller.units,
        |dealt| {
            let dealt = dealt.iter().flat_map(|unit| units.rows(*unit as usize));
            rows.clear();
            rows.extend(dealt.copied());
            is_as_far(&pooled.part(&rows))
        },
    )))
}

/// The table of fewer units, the current one if there are as many.
struct Smaller<'a> {
    rows: &'a Predictions,
    rows_in_all: usize,
    units: usize,
    is_current: bool,
}

impl<'a> Smaller<'a> {
    fn of(tables: [&'a Predictions; 2]) -> Self {
        let [reference, current] = tables.map(Predictions::by_unit);
        let is_current = current.units() <= reference.units();
        let (rows, by_unit) = match is_current {
            true => (tables[1], current),
            false => (tables[0], reference),
        };
        Self {
            rows,
            rows_in_all: by_unit.len(),
            units: by_unit.units(),
            is_current,
        }
    }
}
