//! How far a metric reaches: whether anything that the current rows could have shown would be called worse.

use mlops_core::Result;
use statrs::function::factorial::ln_binomial;

use super::change::{Better, ChangeVerdict, MetricChange};
use super::measure::{Dummy, Judged, Measure, Predictions};
use super::shuffle::are_shuffled;
use super::task::Task;
use crate::performance::Estimate;

/// Units of the smaller table from which on some outcome is taken to be called worse.
const FEW: usize = 30;
/// What comes true, one row in so many, where the others are wrong: of metrics that are at their end in every row the interval is wide.
const RIGHT: usize = 5;
/// A probability this far from a half is of a row that costs more than its variance hides, if it is wrong.
const SURE: f64 = 0.45;

/// The change as it is, unless it is none and these tables could not have told one: too little is known of it then.
///
/// **Few rows**, below 30: bad truths of the current rows, given what was predicted of them, are tried, and none would be called worse; or all shuffles of
/// so few units are hardly as rare as the level asks for. Truths of a regression have no worst one, so that the shuffles alone tell.
/// **Wide intervals**: a skill that the reference shows may all be lost, as far as the interval of its change tells.
pub(super) fn told(
    change: MetricChange,
    measure: &Measure,
    task: &Task,
    tables: [&Predictions; 2],
    dummy: &Dummy,
) -> Result<MetricChange> {
    let (ChangeVerdict::Same, Some(before)) = (change.verdict, &change.reference) else {
        return Ok(change);
    };
    if change.better == Better::Neither {
        return Ok(change);
    }
    let units = tables.map(|rows| rows.by_unit().units());
    if !could_be_worse(measure, task, tables, units, before, dummy)? {
        let [reference, current] = units;
        return Ok(change.untold(&format!(
            "too little to tell: no outcome that was tried of {current} rows, or units, against {reference} would be called worse"
        )));
    }
    Ok(match measure.is_skill() && all_may_be_lost(&change) {
        true => change.untold("too little to tell: that all of it is lost is not excluded"),
        false => change,
    })
}

fn could_be_worse(
    measure: &Measure,
    task: &Task,
    tables: [&Predictions; 2],
    units: [usize; 2],
    before: &Estimate,
    dummy: &Dummy,
) -> Result<bool> {
    if units[0].min(units[1]) >= FEW {
        return Ok(true);
    }
    if are_shuffled(tables) && are_too_few(units, before) {
        return Ok(false);
    }
    let Some(outcomes) = tables[1].worst_outcomes(task.yes_from()) else {
        return Ok(true);
    };
    for rows in &outcomes {
        let now = measure.figure(Judged { task, rows, dummy });
        let change = MetricChange::of(measure.name, measure.better, Ok(*before), now)?;
        if change.verdict == ChangeVerdict::Worse {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the rarest of all shuffles of these units between the tables is not as rare as the level of a change asks for: without a change a test that
/// keeps the level cannot call any.
pub(super) fn are_too_few(units: [usize; 2], before: &Estimate) -> bool {
    let level = (1.0 - before.interval.confidence()) / 2.0;
    least_of_shuffles(units[0] + units[1], units[0].min(units[1])) > level
}

/// How rare the rarest shuffle is: one of all ways to choose the units of the smaller table.
fn least_of_shuffles(units: usize, fewest: usize) -> f64 {
    (-ln_binomial(units as u64, fewest as u64)).exp()
}

fn all_may_be_lost(skill: &MetricChange) -> bool {
    let (Some(before), Some(change)) = (&skill.reference, skill.interval) else {
        return false;
    };
    before.interval.low() > 0.0 && change.low() <= -before.value
}

impl Predictions {
    /// The same predictions with bad truths, for one metric or another; `None` where there is no worst.
    fn worst_outcomes(&self, yes_from: f64) -> Option<Vec<Self>> {
        Some(match self {
            Self::OfTwo(rows) => {
                let said = rows.probabilities();
                let against = |yes_from: f64| said.iter().map(|p| *p < yes_from).collect();
                let lower_half = {
                    let mut order: Vec<usize> = (0..said.len()).collect();
                    order.sort_by(|a, b| said[*a].total_cmp(&said[*b]));
                    let mut labels = vec![false; said.len()];
                    let half = said.len() / 2;
                    order[..half].iter().for_each(|row| labels[*row] = true);
                    labels
                };
                let sure_are_right = said
                    .iter()
                    .map(|p| (*p < 0.5) != ((p - 0.5).abs() > SURE))
                    .collect();
                let labels = [against(yes_from), against(0.5), lower_half, sure_are_right];
                labels
                    .map(|labels| Self::OfTwo(rows.with_labels(labels)))
                    .into()
            }
            Self::OfSeveral(rows) => {
                let others = rows.classes() - 1;
                let answers = rows.predicted().iter().enumerate();
                let another =
                    answers.map(|(row, answer)| (answer + 1 + row % others) % (others + 1));
                let another: Vec<usize> = another.collect();
                let mut most = another.clone();
                let right = rows.predicted().iter().zip(&mut most).step_by(RIGHT);
                right.for_each(|(answer, truth)| *truth = *answer);
                let truths = [another, most, rows.least_probable()];
                truths
                    .map(|truth| Self::OfSeveral(rows.with_truth(truth)))
                    .into()
            }
            Self::Lists(rows) => vec![Self::Lists(rows.in_worst_order())],
            Self::Numbers(_) => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two units of six are chosen in 15 ways.
    #[test]
    fn the_rarest_shuffle_is_one_of_all() {
        assert!((least_of_shuffles(6, 2) - 1.0 / 15.0).abs() < 1e-12);
        assert!(least_of_shuffles(2_000_000, 1_000) < 1e-300);
    }
}
