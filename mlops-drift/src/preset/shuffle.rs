//! Rows that are shuffled between the two tables: how often does a metric differ as much then?

use std::cell::Cell;

use mlops_core::Result;
use mlops_core::evidence::PValue;

use super::change::MetricChange;
use super::measure::{Judged, Measure, Predictions};
use super::task::Task;
use crate::performance::ByUnit;
use crate::permutation::Permutations;

/// Shuffles per inverse of the level: p is at most the level if up to two of them differ as much. More would tell p better, which an interval
/// that excludes 0 tells as well.
const SHUFFLES: f64 = 3.0;
/// Rows of both tables up to which they are shuffled: beyond, intervals are what they say.
const ROWS: usize = 36_000;
/// In a table of so much of all rows, a difference to the rest is one to all.
const SMALL: f64 = 0.05;
/// Rounding of a metric of the same rows in another order, relative to it.
const ROUNDING: f64 = 1e-9;

/// What shuffles may cost in all, in rows: some seconds, which without a change no check takes.
pub(super) struct Budget(Cell<f64>);

impl Budget {
    pub(super) fn of_a_check() -> Self {
        Self(Cell::new(5e8))
    }

    fn spend(&self, rows: f64) -> bool {
        let left = self.0.get() - rows;
        if left >= 0.0 {
            self.0.set(left);
        }
        left >= 0.0
    }
}

/// Whether units of these tables are shuffled at all, if anything changed.
pub(super) fn are_shuffled(tables: [&Predictions; 2]) -> bool {
    Sides::of(tables).rows_to_figure().is_some()
}

/// How many shuffles a level, of one side, asks for.
fn shuffles(level: f64) -> u32 {
    (SHUFFLES / level).ceil() as u32 - 1
}

/// A change with how often shuffled rows differ as much, if its interval excludes 0.
pub(super) fn weighed(
    change: MetricChange,
    task: &Task,
    measure: &Measure,
    tables: [&Predictions; 2],
    budget: &Budget,
) -> Result<MetricChange> {
    let Some(side) = change.beyond_zero() else {
        return Ok(change);
    };
    match as_extreme(task, measure, tables, side, budget)? {
        Some(p) => change.weighed(p),
        None => Ok(change),
    }
}

/// How often a metric of the table of fewer units, less that of the other one, is at least as far off when all units are shuffled between both;
/// upwards for the current table if `rose`. Undefined counts as such. `None` where nothing is shuffled: tables are too great, or the
/// budget is spent.
///
/// Where a table is small beside the other one, and both are too great together, its metric alone is what is compared.
///
/// **Guarantee**: exact if the units of both tables are exchangeable, at every size. **Cost**: 3/level times the metric of both tables;
/// fewer where some fifty shuffles tell that it is nothing unusual.
fn as_extreme(
    task: &Task,
    measure: &Measure,
    tables: [&Predictions; 2],
    (rose, level): (bool, f64),
    budget: &Budget,
) -> Result<Option<PValue>> {
    let sides = Sides::of(tables);
    let Some(rows) = sides.rows_to_figure() else {
        return Ok(None);
    };
    if !budget.spend(f64::from(shuffles(level)) * rows as f64) {
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
    let of_both = |smaller: &Predictions, larger: &dyn Fn() -> Predictions| {
        let own = value(smaller)?;
        match sides.alone() {
            true => Some((own, own.abs())),
            false => value(&larger()).map(|other| (own - other, own.abs() + other.abs())),
        }
    };
    let sign = if rose == sides.is_current { 1.0 } else { -1.0 };
    let observed = of_both(sides.smaller, &|| sides.larger.clone());
    let enough = observed.map_or(f64::NEG_INFINITY, |(observed, size)| {
        sign * observed - ROUNDING * size
    });

    let units = pooled.by_unit();
    let shuffled = Permutations::default().limit(shuffles(level));
    let found = shuffled.p_value(
        value(&pooled).map(f64::to_bits).into_iter(),
        (0..units.units() as u32).collect(),
        sides.units,
        |dealt| {
            let smaller = pooled.part(&rows_of(&units, dealt.iter().map(|unit| *unit as usize)));
            let larger = || pooled.part(&rows_of(&units, rest(units.units(), dealt)));
            let found = of_both(&smaller, &larger);
            found.is_none_or(|(found, _)| found.is_nan() || sign * found >= enough)
        },
    );
    Ok(Some(found.p_value))
}

fn rows_of(units: &ByUnit, some: impl Iterator<Item = usize>) -> Vec<usize> {
    some.flat_map(|unit| units.rows(unit).iter().copied())
        .collect()
}

/// The units that are not among these.
fn rest(units: usize, dealt: &[u32]) -> impl Iterator<Item = usize> {
    let mut is_dealt = vec![false; units];
    dealt
        .iter()
        .for_each(|unit| is_dealt[*unit as usize] = true);
    (0..units).filter(move |unit| !is_dealt[*unit])
}

/// The table of fewer units, the current one if there are as many, and the other one.
struct Sides<'a> {
    smaller: &'a Predictions,
    larger: &'a Predictions,
    /// Of the smaller one.
    units: usize,
    rows: usize,
    rows_of_both: usize,
    is_current: bool,
}

impl<'a> Sides<'a> {
    fn of(tables: [&'a Predictions; 2]) -> Self {
        let [reference, current] = tables.map(Predictions::by_unit);
        let rows_of_both = reference.len() + current.len();
        let is_current = current.units() <= reference.units();
        let (smaller, larger, by_unit) = match is_current {
            true => (tables[1], tables[0], current),
            false => (tables[0], tables[1], reference),
        };
        Self {
            smaller,
            larger,
            units: by_unit.units(),
            rows: by_unit.len(),
            rows_of_both,
            is_current,
        }
    }

    /// Whether the metric of the smaller one alone is compared.
    fn alone(&self) -> bool {
        self.rows_of_both > ROWS
    }

    /// Rows that a shuffle asks to figure out; `None` if they are too many.
    fn rows_to_figure(&self) -> Option<usize> {
        let is_small = self.rows as f64 <= SMALL * self.rows_of_both as f64;
        match self.alone() {
            false => Some(self.rows_of_both),
            true => (is_small && self.rows <= ROWS).then_some(self.rows),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::performance::Scored;

    /// Ten rows, one of them positive, which scored this.
    fn one_positive(score: f64) -> Predictions {
        let labels: Vec<bool> = (0..10).map(|row| row == 0).collect();
        let scores: Vec<f64> = (0..10)
            .map(|row| if row == 0 { score } else { 0.1 })
            .collect();
        Predictions::OfTwo(Scored::new(&labels, &scores).unwrap())
    }

    /// Recall fell from 1 to 0. By hand: both positives lie in one table in 9 of 19 shuffles, which leaves the other one without a
    /// recall, and else they are as in the data in one of two: 9/19 + 5/19, without the former 5/19. Drawing stops at the 50th, so that
    /// five standard deviations, of p·√((1 − p)/50) each, are 0.27.
    #[test]
    fn shuffles_that_leave_a_metric_undefined_count_as_extreme() {
        let task = Task::Binary {
            target: "late".to_owned(),
            probability: "p".to_owned(),
            threshold: 0.5,
        };
        let measures = task.measures();
        let recall = measures.iter().find(|measure| measure.name == "recall");
        let tables = [one_positive(0.9), one_positive(0.1)];
        let p = as_extreme(
            &task,
            recall.unwrap(),
            [&tables[0], &tables[1]],
            (false, 0.001),
            &Budget::of_a_check(),
        );
        let p = p.unwrap().unwrap().get();
        assert!((p - 14.0 / 19.0).abs() < 0.27, "{p}");
    }

    /// Whatever the rounding of 1 − (1 − α/K): two of the shuffles may differ as much, and p is still at most the level; three may not.
    #[test]
    fn two_shuffles_may_differ_as_much() {
        for alpha in [0.1, 0.05, 0.01, 0.001] {
            for figures in 1..=1_000 {
                let confidence = 1.0 - alpha / f64::from(figures);
                let level = (1.0 - confidence) / 2.0;
                let all = f64::from(shuffles(level)) + 1.0;
                assert!(
                    3.0 / all <= level && 4.0 / all > level,
                    "{alpha}, {figures}"
                );
            }
        }
    }

    #[test]
    fn a_budget_is_spent_once() {
        let budget = Budget::of_a_check();
        assert!(budget.spend(4e8) && !budget.spend(2e8) && budget.spend(1e8));
    }
}
