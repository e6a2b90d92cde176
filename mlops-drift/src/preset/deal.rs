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
    let pooled = tables[0].joined(tables[1])?;
    let (units, of_reference) = (pooled.by_unit(), tables[0].by_unit().units());
    let of_current = units.units() - of_reference;
    let is_current = of_current <= of_reference;
    let (smaller, size) = match is_current {
        true => (tables[1], of_current),
        false => (tables[0], of_reference),
    };
    let affordable = BUDGET / smaller.by_unit().len() as f64;
    if affordable < DEALS / level {
        return Ok(None);
    }
    let dummy = task.dummy(&pooled)?;
    let value = |rows: &Predictions| {
        let judged = Judged {
            task,
            rows,
            dummy: &dummy,
        };
        measure.value(judged)
    };
    let observed = value(smaller).unwrap_or(f64::NAN);
    let sign = if rose == is_current { 1.0 } else { -1.0 };
    let enough = sign * observed - ROUNDING * observed.abs();
    let seed = value(&pooled).map(f64::to_bits);
    let deals = Permutations::default().limit((DEALS / level) as u32 - 1);
    let all = (0..units.units() as u32).collect();
    let mut rows = Vec::new();
    Ok(Some(deals.p_value(seed.into_iter(), all, size, |dealt| {
        rows.clear();
        dealt
            .iter()
            .for_each(|unit| rows.extend_from_slice(units.rows(*unit as usize)));
        value(&pooled.part(&rows)).is_none_or(|value| !(sign * value < enough))
    })))
}
