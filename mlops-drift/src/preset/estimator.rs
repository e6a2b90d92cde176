//! The methods that estimate a metric without labels, over the rows of two tables.

use std::collections::BTreeSet;

use mlops_core::evidence::{Interval, SignificanceLevel};
use mlops_core::{Error, Result};

use super::change::{Better, ChangeVerdict, MetricChange};
use super::estimated::of_another_task;
use super::estimated_report::EstimationMethod;
use super::measure::Predictions;
use super::reach::are_too_few;
use crate::multivariate::Points;
use crate::performance::{
    BinaryMetric, Cbpe, DirectLoss, Estimate, FARTHEST, ImportanceWeighted, LabelShift,
    PoweredScored, PredictionPowered, Regression, Scored,
};
use crate::report::short;
use crate::sample::Moments;

/// A metric that can be estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figure {
    Accuracy,
    Auc,
    F1,
    Precision,
    Recall,
    Specificity,
    Brier,
    Mae,
    Rmse,
}

/// The reference with its labels, and what there is of the current rows.
pub(super) struct Tables<'a> {
    pub(super) reference: Predictions,
    /// Current predictions.
    pub(super) predicted: Vec<f64>,
    pub(super) threshold: f64,
    /// Reference rows and current ones, by features and prediction.
    pub(super) points: [Points; 2],
    /// Of the reference's rows and of the current ones.
    pub(super) units: Option<(&'a [u64], &'a [u64])>,
    /// Of the current rows that have one: as a number, 0 or 1 of two classes.
    pub(super) labels: Vec<Option<f64>>,
    /// Of each figure.
    pub(super) level: SignificanceLevel,
}

impl Tables<'_> {
    /// Current rows that have a label, as predicted numbers; `None` if there is none.
    pub(super) fn labelled(&self) -> Result<Option<Predictions>> {
        let rows = (0..self.labels.len()).filter(|&row| self.labels[row].is_some());
        let rows: Vec<usize> = rows.collect();
        let truth: Vec<f64> = self.labels.iter().flatten().copied().collect();
        if truth.is_empty() {
            return Ok(None);
        }
        let predicted: Vec<f64> = rows.iter().map(|&row| self.predicted[row]).collect();
        let labelled = Regression::new(&truth, &predicted)?;
        let labelled = match self.units {
            Some((_, units)) => {
                let units: Vec<u64> = rows.iter().map(|&row| units[row]).collect();
                labelled.units(&units)?
            }
            None => labelled,
        };
        Ok(Some(Predictions::Numbers(labelled)))
    }

    /// Of reference and current table.
    fn number_of_units(&self) -> [usize; 2] {
        let current = self.units.map(|(_, current)| {
            let distinct: BTreeSet<u64> = current.iter().copied().collect();
            distinct.len()
        });
        [
            self.reference.by_unit().units(),
            current.unwrap_or(self.predicted.len()),
        ]
    }
}

/// A method that is ready to estimate.
pub(super) enum Estimator {
    Cbpe(Cbpe),
    LabelShift(LabelShift),
    ImportanceWeighting(ImportanceWeighted),
    DirectLoss(DirectLoss),
    PredictionPowered,
}

impl Figure {
    pub(super) const OF_TWO_CLASSES: &'static [Self] = &[
        Self::Accuracy,
        Self::Auc,
        Self::F1,
        Self::Precision,
        Self::Recall,
        Self::Specificity,
    ];
    pub(super) const LOSSES_OF_TWO_CLASSES: &'static [Self] = &[Self::Accuracy, Self::Brier];
    pub(super) const OF_FEW_LABELS: &'static [Self] =
        &[Self::Accuracy, Self::F1, Self::Precision, Self::Recall];
    pub(super) const OF_NUMBERS: &'static [Self] = &[Self::Mae, Self::Rmse];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::Auc => "auc",
            Self::F1 => "f1",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::Specificity => "specificity",
            Self::Brier => "brier",
            Self::Mae => "mae",
            Self::Rmse => "rmse",
        }
    }

    pub(super) fn better(self) -> Better {
        match self {
            Self::Brier | Self::Mae | Self::Rmse => Better::Lower,
            _ => Better::Higher,
        }
    }

    /// As the labels of the reference show it.
    pub(super) fn realized(self, reference: &Predictions, threshold: f64) -> Result<Estimate> {
        match (reference, self) {
            (Predictions::OfTwo(rows), Self::Accuracy) => rows.accuracy(threshold),
            (Predictions::OfTwo(rows), Self::Auc) => rows.auc(),
            (Predictions::OfTwo(rows), Self::F1) => rows.f1(threshold),
            (Predictions::OfTwo(rows), Self::Precision) => rows.precision(threshold),
            (Predictions::OfTwo(rows), Self::Recall) => rows.recall(threshold),
            (Predictions::OfTwo(rows), Self::Specificity) => rows.specificity(threshold),
            (Predictions::OfTwo(rows), Self::Brier) => rows.brier(),
            (Predictions::Numbers(rows), Self::Mae) => rows.mae(),
            (Predictions::Numbers(rows), Self::Rmse) => rows.rmse(),
            _ => Err(of_another_task(self, reference)),
        }
    }

    /// Why that no change is seen says nothing, if so: tables so small have no rare shuffle, or the model, which does better than chance in the
    /// reference, may do no better now.
    pub(super) fn too_little(self, change: &MetricChange, tables: &Tables<'_>) -> Option<String> {
        let (ChangeVerdict::Same, Some(before), Some(now)) =
            (change.verdict, &change.reference, &change.current)
        else {
            return None;
        };
        let [reference, current] = tables.number_of_units();
        if are_too_few([reference, current], before) {
            return Some(format!(
                "{current} rows, or units, against {reference} could not be told apart at this level"
            ));
        }
        let by_chance = self.by_chance(&tables.reference, tables.threshold);
        let may_be_by_chance = match self.better() {
            Better::Lower => before.interval.high() < by_chance && by_chance <= now.interval.high(),
            _ => before.interval.low() > by_chance && by_chance >= now.interval.low(),
        };
        may_be_by_chance.then(|| "that it is no better than by chance is not excluded".to_owned())
    }

    /// Of answers that know nothing of a row: as many yeses as in the reference, dealt at random; of a probability or a number, the mean of what came
    /// true there.
    fn by_chance(self, reference: &Predictions, threshold: f64) -> f64 {
        let share = |hits: usize, all: usize| hits as f64 / all as f64;
        match reference {
            Predictions::OfTwo(rows) => {
                let said = rows.probabilities().iter();
                let said = share(said.filter(|p| **p >= threshold).count(), rows.len());
                let labels = rows.labels().iter();
                let true_share = share(labels.filter(|label| **label).count(), rows.len());
                self.of_shares(true_share, said)
            }
            Predictions::Numbers(rows) => {
                let moments: Moments = rows.truth().iter().copied().collect();
                let centre = moments.mean().unwrap_or(f64::NAN);
                let losses: Moments = rows
                    .truth()
                    .iter()
                    .map(|truth| self.loss(*truth, centre))
                    .collect();
                let mean = losses.mean().unwrap_or(f64::NAN);
                if self == Self::Rmse {
                    mean.sqrt()
                } else {
                    mean
                }
            }
            _ => f64::NAN,
        }
    }

    /// Of two classes, by the share of positives and that of yeses.
    fn of_shares(self, positive: f64, yes: f64) -> f64 {
        match self {
            Self::Accuracy => positive * yes + (1.0 - positive) * (1.0 - yes),
            Self::Auc => 0.5,
            Self::F1 => 2.0 * positive * yes / (positive + yes),
            Self::Precision => positive,
            Self::Recall => yes,
            Self::Specificity => 1.0 - yes,
            Self::Brier => positive * (1.0 - positive),
            Self::Mae | Self::Rmse => f64::NAN,
        }
    }

    fn of_cbpe(self) -> Option<BinaryMetric> {
        Some(match self {
            Self::Accuracy => BinaryMetric::Accuracy,
            Self::Auc => BinaryMetric::RocAuc,
            Self::F1 => BinaryMetric::F1,
            Self::Precision => BinaryMetric::Precision,
            Self::Recall => BinaryMetric::Recall,
            Self::Specificity => BinaryMetric::Specificity,
            Self::Brier | Self::Mae | Self::Rmse => return None,
        })
    }

    /// The loss of every reference row whose mean gives the figure.
    fn losses(self, tables: &Tables<'_>) -> Result<Vec<f64>> {
        let losses: Vec<f64> = match (&tables.reference, self) {
            (Predictions::OfTwo(rows), Self::Accuracy) => wrong(rows, tables.threshold),
            (Predictions::OfTwo(rows), Self::Brier) => {
                let rows = rows.labels().iter().zip(rows.probabilities());
                rows.map(|(label, p)| (p - f64::from(u8::from(*label))).powi(2))
                    .collect()
            }
            (Predictions::Numbers(rows), Self::Mae | Self::Rmse) => {
                let rows = rows.truth().iter().zip(rows.predicted());
                rows.map(|(truth, predicted)| self.loss(*truth, *predicted))
                    .collect()
            }
            _ => return Err(of_another_task(self, &tables.reference)),
        };
        Ok(losses)
    }

    /// That of a predicted number.
    fn loss(self, truth: f64, predicted: f64) -> f64 {
        match self {
            Self::Rmse => (predicted - truth).powi(2),
            _ => (predicted - truth).abs(),
        }
    }

    /// In which these losses lie.
    fn range(self) -> (f64, f64) {
        match self {
            Self::Mae | Self::Rmse => (0.0, f64::INFINITY),
            _ => (0.0, 1.0),
        }
    }

    /// The figure of a mean loss: a monotone function of it, so that the ends of an interval are those of the interval.
    fn of_mean_loss(self, loss: Estimate) -> Result<Estimate> {
        let of: fn(f64) -> f64 = match self {
            Self::Accuracy => |loss| 1.0 - loss,
            Self::Rmse => |loss| loss.max(0.0).sqrt(),
            _ => return Ok(loss),
        };
        let ends = [loss.interval.low(), loss.interval.high()].map(of);
        Ok(Estimate {
            value: of(loss.value),
            interval: Interval::new(
                ends[0].min(ends[1]),
                ends[0].max(ends[1]),
                loss.interval.confidence(),
            )?,
            ..loss
        })
    }
}

impl Estimator {
    pub(super) fn of(method: EstimationMethod, tables: &Tables<'_>) -> Result<Self> {
        Ok(match method {
            EstimationMethod::Cbpe => {
                let rows = two_classes(&tables.reference)?;
                let units = tables.units.map(|(_, current)| current);
                let cbpe = Cbpe::calibrated_on(rows, &tables.predicted, tables.threshold, units)?;
                require_within(cbpe.beyond)?;
                Self::Cbpe(cbpe)
            }
            EstimationMethod::LabelShift => {
                let shift = label_shift(two_classes(&tables.reference)?, tables)?;
                shift.weights()?; // refused for all figures, if at all
                Self::LabelShift(shift)
            }
            EstimationMethod::ImportanceWeighting => Self::ImportanceWeighting(weighted(tables)?),
            EstimationMethod::DirectLoss => Self::DirectLoss(direct_loss(tables)?),
            EstimationMethod::PredictionPowered => {
                require_sampled(tables)?;
                Self::PredictionPowered
            }
        })
    }

    pub(super) fn estimate(&self, tables: &Tables<'_>, figure: Figure) -> Result<Estimate> {
        match self {
            Self::Cbpe(cbpe) => {
                let metric = figure.of_cbpe();
                let metric = metric.ok_or_else(|| of_another_task(figure, &tables.reference))?;
                cbpe.estimate_of_law(metric, tables.level)
            }
            Self::LabelShift(shift) => figure.of_mean_loss(shift.risk(&figure.losses(tables)?)?),
            Self::ImportanceWeighting(rows) => {
                let (low, high) = figure.range();
                let rows = rows.clone().losses(&figure.losses(tables)?)?;
                figure.of_mean_loss(rows.range(low, high)?.mean()?)
            }
            Self::DirectLoss(fit) => {
                let ((low, high), current) = (figure.range(), &tables.points[1]);
                let fit = fit.losses(&figure.losses(tables)?)?.range(low, high)?;
                figure.of_mean_loss(match tables.units {
                    Some((_, units)) => fit.estimate_in_units(current, units)?,
                    None => fit.estimate(current)?,
                })
            }
            Self::PredictionPowered => powered(tables, figure),
        }
    }

    /// What the tables say of the assumption.
    pub(super) fn diagnosis(&self, tables: &Tables<'_>) -> Result<String> {
        Ok(match self {
            Self::Cbpe(cbpe) => format!(
                "{:.1} % of the probabilities lie beyond those of the reference",
                100.0 * cbpe.beyond
            ),
            Self::LabelShift(shift) => {
                let labels = two_classes(&tables.reference)?.labels();
                let before = labels.iter().filter(|label| **label).count() as f64;
                let now = shift.shares()?[1];
                format!(
                    "positives moved from {:.1} % to an estimated {:.1} %, in [{:.1}, {:.1}]",
                    100.0 * before / labels.len() as f64,
                    100.0 * now.value,
                    100.0 * now.interval.low(),
                    100.0 * now.interval.high()
                )
            }
            Self::ImportanceWeighting(rows) => {
                let what = match tables.units {
                    Some(_) => "units",
                    None => "rows",
                };
                format!(
                    "{} reference rows count as {:.0} {what} like the current ones",
                    tables.points[0].len(),
                    rows.effective_units()
                )
            }
            Self::DirectLoss(fit) => {
                let figure = first_loss(&tables.reference);
                let beyond = 100.0 * fit.beyond(&tables.points[1])?;
                let explained = fit.explained().map_or_else(String::new, |explained| {
                    format!(
                        "; the columns explain {:.1} % of the variance of the loss behind {}",
                        100.0 * explained.max(0.0),
                        figure.name()
                    )
                });
                format!("{beyond:.1} % of the rows lie beyond the reference{explained}")
            }
            Self::PredictionPowered => {
                let labelled = tables.labels.iter().flatten().count();
                let predictions = sampled(&tables.labels, &tables.predicted, tables)?;
                let alike = match predictions.sampled_alike() {
                    Ok(p) => format!(
                        "that their predictions are those of a random sample has p-value {}",
                        short(p.get())
                    ),
                    Err(error) => {
                        format!("whether they are a random sample was not tested: {error}")
                    }
                };
                format!(
                    "{labelled} of {} rows have labels; {alike}",
                    tables.labels.len()
                )
            }
        })
    }
}

/// A calibration says nothing of probabilities that the reference does not have, and would be surest there.
fn require_within(beyond: f64) -> Result<()> {
    if beyond <= FARTHEST {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "at most a share of {FARTHEST} of the probabilities must lie beyond those of the reference, got {beyond:.3}"
    )))
}

/// The loss by which a method is diagnosed.
fn first_loss(reference: &Predictions) -> Figure {
    match reference {
        Predictions::Numbers(_) => Figure::OF_NUMBERS[0],
        _ => Figure::LOSSES_OF_TWO_CLASSES[0],
    }
}

fn two_classes(reference: &Predictions) -> Result<&Scored> {
    match reference {
        Predictions::OfTwo(rows) => Ok(rows),
        other => Err(of_another_task(Figure::Accuracy, other)),
    }
}

fn wrong(rows: &Scored, threshold: f64) -> Vec<f64> {
    let rows = rows.labels().iter().zip(rows.probabilities());
    rows.map(|(label, p)| f64::from(u8::from(*label != (*p >= threshold))))
        .collect()
}

fn label_shift(rows: &Scored, tables: &Tables<'_>) -> Result<LabelShift> {
    let answers = |probabilities: &[f64]| -> Vec<usize> {
        let yes = probabilities.iter().map(|p| *p >= tables.threshold);
        yes.map(usize::from).collect()
    };
    let truth: Vec<usize> = rows
        .labels()
        .iter()
        .map(|label| usize::from(*label))
        .collect();
    let said = answers(rows.probabilities());
    let shift = LabelShift::new(2, &truth, &said, &answers(&tables.predicted))?;
    let shift = shift.level(tables.level).range(0.0, 1.0)?;
    match tables.units {
        Some((held_out, current)) => shift.units(held_out, current),
        None => Ok(shift),
    }
}

/// The reference's rows as often as rows like them occur now, by the first loss.
fn weighted(tables: &Tables<'_>) -> Result<ImportanceWeighted> {
    let losses = first_loss(&tables.reference).losses(tables)?;
    let [reference, current] = &tables.points;
    let rows = ImportanceWeighted::fitted(&losses, reference, current)?.level(tables.level);
    match tables.units {
        Some((units, current)) => rows.units(units)?.current_units(current),
        None => Ok(rows),
    }
}

/// Of the first loss.
fn direct_loss(tables: &Tables<'_>) -> Result<DirectLoss> {
    let losses = first_loss(&tables.reference).losses(tables)?;
    let fit = DirectLoss::fit(&tables.points[0], &losses)?.level(tables.level);
    match tables.units {
        Some((units, _)) => fit.units(units),
        None => Ok(fit),
    }
}

/// A mean of the current rows, of which few have a true value.
fn sampled(truth: &[Option<f64>], guess: &[f64], tables: &Tables<'_>) -> Result<PredictionPowered> {
    let rows = PredictionPowered::new(truth, guess)?.level(tables.level);
    match tables.units {
        Some((_, units)) => rows.units(units),
        None => Ok(rows),
    }
}

/// An error for labels of rows whose predictions are not those of a random sample, as far as that can be tested.
fn require_sampled(tables: &Tables<'_>) -> Result<()> {
    let sampled = sampled(&tables.labels, &tables.predicted, tables)?.sampled_alike();
    let Some(p) = sampled.ok().filter(|p| p.rejects_at(tables.level)) else {
        return Ok(());
    };
    Err(Error::invalid(format!(
        "the rows with labels must be a random sample, got some whose predictions differ from those of the others, p-value {}",
        short(p.get())
    )))
}

fn powered(tables: &Tables<'_>, figure: Figure) -> Result<Estimate> {
    match tables.reference {
        Predictions::OfTwo(_) => powered_share(tables, figure),
        _ => powered_loss(tables, figure),
    }
}

/// Of two classes, with the probability as the guess of the label.
fn powered_share(tables: &Tables<'_>, figure: Figure) -> Result<Estimate> {
    let labels = tables
        .labels
        .iter()
        .map(|label| label.map(|label| label == 1.0));
    let labels: Vec<Option<bool>> = labels.collect();
    let rows = PoweredScored::new(&labels, &tables.predicted, tables.threshold)?;
    let mut rows = rows.level(tables.level);
    if let Some((_, units)) = tables.units {
        rows = rows.units(units)?;
    }
    let powered = match figure {
        Figure::Accuracy => rows.accuracy(),
        Figure::F1 => rows.f1(),
        Figure::Precision => rows.precision(),
        Figure::Recall => rows.recall(),
        _ => Err(of_another_task(figure, &tables.reference)),
    };
    Ok(powered?.estimate)
}

/// Of a regression, with the loss that the reference makes one expect as the guess of the loss.
fn powered_loss(tables: &Tables<'_>, figure: Figure) -> Result<Estimate> {
    let fit = DirectLoss::fit(&tables.points[0], &figure.losses(tables)?)?;
    let guess = fit.of(&tables.points[1])?;
    let rows = tables.labels.iter().zip(&tables.predicted);
    let losses = rows.map(|(truth, predicted)| Some(figure.loss((*truth)?, *predicted)));
    let losses: Vec<Option<f64>> = losses.collect();
    let (low, high) = figure.range();
    let mean = sampled(&losses, &guess, tables)?.range(low, high)?.mean()?;
    figure.of_mean_loss(mean.estimate)
}
