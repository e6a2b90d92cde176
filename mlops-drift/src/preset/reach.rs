//! How far a metric reaches: whether anything that the current rows could have shown would be called worse.

use mlops_core::Result;
use statrs::function::factorial::ln_binomial;

use super::change::{Better, ChangeVerdict, MetricChange};
use super::measure::{Dummy, Judged, Measure, Over, Predictions};
use super::shuffle::{Budget, are_shuffled, weighed};
use super::task::Task;
use crate::performance::{Estimate, Multiclass};

/// Units of the smaller table from which on some outcome is taken to be called worse.
const FEW: usize = 30;
/// What comes true, one row in so many, where the others are wrong: of metrics that are at their end in every row the interval is wide.
const RIGHT: usize = 5;
/// A probability this far from a half is of a row that costs more than its variance hides, if it is wrong.
const SURE: f64 = 0.45;

/// The change as it is, unless it is none and these tables could not have told one: too little is known of it then.
///
/// **Few rows**, below 30: bad truths of the current rows, given what was predicted of them, are tried, and none would be called worse; or all shuffles of
/// so few units are hardly as rare as the level asks for. Truths of a regression have no worst one, so that the shuffles alone tell. So it is of few rows
/// of a class, or that were predicted to be positive, where a metric is a mean over these; of the former, truths with as many rows of each class are tried.
/// **Wide intervals**: a skill that the reference shows may all be lost, as far as the interval of its change tells.
pub(super) fn told(
    change: MetricChange,
    measure: &Measure,
    task: &Task,
    tables: [&Predictions; 2],
    dummy: &Dummy,
    budget: &Budget,
) -> Result<MetricChange> {
    let (ChangeVerdict::Same, Some(before)) = (change.verdict, &change.reference) else {
        return Ok(change);
    };
    if change.better == Better::Neither {
        return Ok(change);
    }
    let few = Few {
        before,
        measure,
        task,
        tables,
        units: tables.map(|rows| rows.by_unit().units()),
        fewest: fewest(measure.over, task, tables),
    };
    if !few.could_be_worse(dummy, budget)? {
        let why = few.in_words();
        return Ok(change.untold(&why));
    }
    Ok(match measure.is_skill() && all_may_be_lost(&change) {
        true => change.untold("too little to tell: that all of it is lost is not excluded"),
        false => change,
    })
}

/// The fewest units, in either table, that a metric is a mean over.
fn fewest(over: Over, task: &Task, tables: [&Predictions; 2]) -> usize {
    let of_table = |rows: &Predictions| match over {
        Over::Rows => rows.by_unit().units(),
        Over::Classes => rows.fewest_of_a_class(),
        Over::Yes => rows.units_predicted(task.yes_from()),
    };
    tables.map(of_table).into_iter().min().unwrap_or(0)
}

/// Two tables, and a metric of them.
struct Few<'a> {
    before: &'a Estimate,
    measure: &'a Measure,
    task: &'a Task,
    tables: [&'a Predictions; 2],
    /// Of both.
    units: [usize; 2],
    /// The fewest that the metric is a mean over.
    fewest: usize,
}

impl Few<'_> {
    fn could_be_worse(&self, dummy: &Dummy, budget: &Budget) -> Result<bool> {
        if self.fewest >= FEW {
            return Ok(true);
        }
        let [reference, current] = self.tables;
        let are_few = self.units[0].min(self.units[1]) < FEW;
        if are_few && are_shuffled(self.tables) && are_too_few(self.units, self.before) {
            return Ok(false);
        }
        let outcomes = match self.measure.over {
            Over::Classes => current.worst_of_as_many(),
            Over::Rows | Over::Yes => current.worst_outcomes(self.task.yes_from()),
        };
        let Some(outcomes) = outcomes else {
            return Ok(true);
        };
        let (task, measure) = (self.task, self.measure);
        for rows in &outcomes {
            let now = measure.figure(Judged { task, rows, dummy });
            let change = MetricChange::of(measure.name, measure.better, Ok(*self.before), now)?;
            let change = weighed(change, task, measure, [reference, rows], budget)?;
            if change.verdict == ChangeVerdict::Worse {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn in_words(&self) -> String {
        let [reference, current] = self.units;
        let of_them = match self.measure.over {
            Over::Rows => String::new(),
            Over::Classes => format!(", {} of one class in one of both tables,", self.fewest),
            Over::Yes => format!(
                ", {} predicted to be positive in one of both tables,",
                self.fewest
            ),
        };
        format!(
            "too little to tell: no outcome that was tried of {current} rows, or units, against {reference}{of_them} would be called worse"
        )
    }
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
    /// Units that hold a row of this kind.
    fn units_with(&self, is_of: impl Fn(usize) -> bool) -> usize {
        let units = self.by_unit();
        let held = |unit: &usize| units.rows(*unit).iter().any(|row| is_of(*row));
        (0..units.units()).filter(held).count()
    }

    /// Units with a row that was predicted to be positive.
    fn units_predicted(&self, yes_from: f64) -> usize {
        match self {
            Self::OfTwo(rows) => self.units_with(|row| rows.probabilities()[row] >= yes_from),
            _ => self.units_with(|_| true),
        }
    }

    /// Units with a row of the class that the fewest hold, of those that occur.
    fn fewest_of_a_class(&self) -> usize {
        let counts: Vec<usize> = match self {
            Self::OfTwo(rows) => [false, true]
                .map(|class| self.units_with(|row| rows.labels()[row] == class))
                .into(),
            Self::OfSeveral(rows) => (0..rows.classes())
                .map(|class| self.units_with(|row| rows.labels()[row] == class))
                .collect(),
            _ => return self.units_with(|_| true),
        };
        counts
            .into_iter()
            .filter(|count| *count > 0)
            .min()
            .unwrap_or(0)
    }

    /// The same predictions with bad truths of as many rows of each class; `None` where there are no classes.
    fn worst_of_as_many(&self) -> Option<Vec<Self>> {
        let worst = match self {
            Self::OfTwo(rows) => {
                let positives = rows.labels().iter().filter(|label| **label).count();
                Self::OfTwo(rows.with_labels(lowest(rows.probabilities(), positives)))
            }
            Self::OfSeveral(rows) => Self::OfSeveral(rows.with_truth(rotated(rows))),
            _ => return None,
        };
        Some(vec![worst])
    }

    /// The same predictions with bad truths, for one metric or another; `None` where there is no worst.
    fn worst_outcomes(&self, yes_from: f64) -> Option<Vec<Self>> {
        Some(match self {
            Self::OfTwo(rows) => {
                let said = rows.probabilities();
                let against = |yes_from: f64| said.iter().map(|p| *p < yes_from).collect();
                let lower_half = lowest(said, said.len() / 2);
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

/// Whether a row is among so many of the lowest probability.
fn lowest(said: &[f64], number: usize) -> Vec<bool> {
    let mut order: Vec<usize> = (0..said.len()).collect();
    order.sort_by(|a, b| said[*a].total_cmp(&said[*b]));
    let mut labels = vec![false; said.len()];
    order[..number].iter().for_each(|row| labels[*row] = true);
    labels
}

/// The true classes in another order: in that of the predicted ones, and turned by the size of the greatest class, so that few are met.
fn rotated(rows: &Multiclass) -> Vec<usize> {
    let mut truths = rows.labels().to_vec();
    truths.sort_unstable();
    let sizes = truths.chunk_by(|a, b| a == b).map(<[usize]>::len);
    let greatest = sizes.max().unwrap_or(0);
    truths.rotate_left(greatest);
    let mut order: Vec<usize> = (0..truths.len()).collect();
    order.sort_by_key(|row| rows.predicted()[*row]);
    let mut turned = vec![0; truths.len()];
    for (row, truth) in order.into_iter().zip(truths) {
        turned[row] = truth;
    }
    turned
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
