//! The metrics of a task: which way each should move, and how it is figured out.

use mlops_core::{Error, ErrorKind, Result};

use super::change::Better;
use super::task::Task;
use crate::performance::{
    Average, ByUnit, Confusion, Estimate, Loss, Multiclass, Ranking, Regression, RegressionDummy,
    RegressionLoss, Scored,
};

/// The labelled rows of one table.
#[derive(Clone)]
pub(super) enum Predictions {
    OfTwo(Scored),
    OfSeveral(Multiclass),
    Numbers(Regression),
    Lists(Ranking),
}

/// A prediction that needs no model.
pub(super) enum Dummy {
    /// Always these probabilities of the classes.
    Shares(Vec<f64>),
    /// Always this class.
    Class(usize),
    /// Always this number.
    Number(RegressionDummy),
    /// Lists in random order.
    RandomOrder,
}

/// What a metric is figured out of.
#[derive(Clone, Copy)]
pub(super) struct Judged<'a> {
    pub(super) task: &'a Task,
    pub(super) rows: &'a Predictions,
    pub(super) dummy: &'a Dummy,
}

/// What the model saves of the loss of a dummy.
pub(super) const SKILL: &str = "skill";

type Figure = fn(Judged<'_>) -> Result<Estimate>;
type Value = fn(Judged<'_>) -> Option<f64>;

/// What a metric averages over: few of these tell little, whatever the number of rows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Rows,
    /// The rows of each class, apart.
    Classes,
    /// The rows that were predicted to be positive.
    Yes,
}

/// A metric.
pub(super) struct Measure {
    pub(super) name: &'static str,
    pub(super) better: Better,
    pub(super) over: Over,
    figure: Figure,
    /// Without its interval, where that costs far less.
    value: Option<Value>,
}

impl Measure {
    fn of(name: &'static str, better: Better, figure: Figure) -> Self {
        Self {
            name,
            better,
            over: Over::Rows,
            figure,
            value: None,
        }
    }

    fn higher(name: &'static str, figure: Figure) -> Self {
        Self::of(name, Better::Higher, figure)
    }

    fn lower(name: &'static str, figure: Figure) -> Self {
        Self::of(name, Better::Lower, figure)
    }

    fn over(self, over: Over) -> Self {
        Self { over, ..self }
    }

    fn valued(self, value: Value) -> Self {
        Self {
            value: Some(value),
            ..self
        }
    }

    /// Whether it is what the model saves of the loss of a dummy.
    pub(super) fn is_skill(&self) -> bool {
        self.name == SKILL
    }

    /// With its interval.
    pub(super) fn figure(&self, of: Judged<'_>) -> Result<Estimate> {
        (self.figure)(of)
    }

    /// Without it; `None` where it is undefined.
    pub(super) fn value(&self, of: Judged<'_>) -> Option<f64> {
        match self.value {
            Some(value) => value(of),
            None => self.figure(of).ok().map(|estimate| estimate.value),
        }
    }
}

impl Task {
    /// The metrics: first the primary one, which segments are judged by, and last what the model saves of the loss of a dummy.
    pub(super) fn measures(&self) -> Vec<Measure> {
        let mut measures = match self {
            Self::Binary { .. } => of_two_classes(),
            Self::Multiclass { .. } | Self::Labels { .. } => of_classes(),
            Self::Regression { .. } => of_numbers(),
            Self::Ranking { .. } => of_lists(),
        };
        measures.push(Measure::higher(SKILL, skill));
        measures
    }
}

fn of_two_classes() -> Vec<Measure> {
    vec![
        Measure::higher("auc", |of| of.two_classes()?.auc()).over(Over::Classes),
        Measure::lower("log_loss", |of| of.two_classes()?.log_loss()),
        Measure::lower("brier", |of| of.two_classes()?.brier()),
        Measure::higher("accuracy", |of| of.two_classes()?.accuracy(of.yes_from())),
        Measure::higher("precision", |of| of.two_classes()?.precision(of.yes_from()))
            .over(Over::Yes),
        Measure::higher("recall", |of| of.two_classes()?.recall(of.yes_from())).over(Over::Classes),
    ]
}

fn of_classes() -> Vec<Measure> {
    vec![
        Measure::higher("accuracy", |of| of.classes()?.accuracy()),
        Measure::higher("balanced_accuracy", |of| {
            of.classes()?.estimate(Confusion::balanced_accuracy)
        })
        .valued(|of| of.classes().ok()?.confusion().balanced_accuracy())
        .over(Over::Classes),
        Measure::higher("macro_f1", |of| of.classes()?.estimate(macro_f1_of))
            .valued(|of| macro_f1_of(&of.classes().ok()?.confusion())),
        Measure::higher("mcc", |of| of.classes()?.estimate(mcc_of))
            .valued(|of| mcc_of(&of.classes().ok()?.confusion())),
    ]
}

fn macro_f1_of(confusion: &Confusion) -> Option<f64> {
    Some(confusion.f1(Average::Macro))
}

fn mcc_of(confusion: &Confusion) -> Option<f64> {
    Some(confusion.mcc())
}

fn of_numbers() -> Vec<Measure> {
    vec![
        Measure::lower("mae", |of| of.numbers()?.mae()),
        Measure::lower("rmse", |of| of.numbers()?.rmse()),
        Measure::of("mean_error", Better::Neither, |of| {
            of.numbers()?.mean_error()
        }),
        Measure::higher("r2", |of| of.numbers()?.r2()),
    ]
}

fn of_lists() -> Vec<Measure> {
    vec![
        Measure::higher("ndcg", |of| {
            of.lists()?.estimate(of.first_items(), |list| list.ndcg)
        }),
        Measure::higher("map", |of| {
            of.lists()?.estimate(of.first_items(), |list| list.map)
        }),
        Measure::higher("mrr", |of| {
            of.lists()?.estimate(of.first_items(), |list| list.mrr)
        }),
        Measure::higher("recall", |of| {
            of.lists()?.estimate(of.first_items(), |list| list.recall)
        }),
    ]
}

fn skill(of: Judged<'_>) -> Result<Estimate> {
    match (of.rows, of.dummy) {
        (Predictions::OfTwo(rows), Dummy::Shares(shares)) => rows.skill(Loss::LogLoss, shares[1]),
        (Predictions::OfSeveral(rows), Dummy::Shares(shares)) => rows.skill(Loss::LogLoss, shares),
        (Predictions::OfSeveral(rows), Dummy::Class(class)) => rows.accuracy_skill(*class),
        (Predictions::Numbers(rows), Dummy::Number(dummy)) => {
            rows.skill(RegressionLoss::Squared, *dummy)
        }
        (Predictions::Lists(rows), Dummy::RandomOrder) => {
            rows.skill(of.first_items(), |list| list.ndcg)
        }
        _ => Err(of_another_task()),
    }
}

fn of_another_task() -> Error {
    Error::new(ErrorKind::Internal, "rows or a dummy of another task")
}

impl<'a> Judged<'a> {
    fn two_classes(self) -> Result<&'a Scored> {
        match self.rows {
            Predictions::OfTwo(rows) => Ok(rows),
            _ => Err(of_another_task()),
        }
    }

    fn classes(self) -> Result<&'a Multiclass> {
        match self.rows {
            Predictions::OfSeveral(rows) => Ok(rows),
            _ => Err(of_another_task()),
        }
    }

    fn numbers(self) -> Result<&'a Regression> {
        match self.rows {
            Predictions::Numbers(rows) => Ok(rows),
            _ => Err(of_another_task()),
        }
    }

    fn lists(self) -> Result<&'a Ranking> {
        match self.rows {
            Predictions::Lists(rows) => Ok(rows),
            _ => Err(of_another_task()),
        }
    }

    /// Of two classes: the probability that counts as a yes.
    fn yes_from(self) -> f64 {
        self.task.yes_from()
    }

    /// Of a ranking.
    fn first_items(self) -> usize {
        self.task.first_items()
    }
}

impl Predictions {
    /// Some of the rows (of a ranking, lists), in the order given.
    pub(super) fn part(&self, numbers: &[usize]) -> Self {
        match self {
            Self::OfTwo(rows) => Self::OfTwo(rows.part(numbers)),
            Self::OfSeveral(rows) => Self::OfSeveral(rows.part(numbers)),
            Self::Numbers(rows) => Self::Numbers(rows.part(numbers)),
            Self::Lists(rows) => Self::Lists(rows.part(numbers)),
        }
    }

    /// The rows of both, those of the other one last.
    pub(super) fn joined(&self, other: &Self) -> Result<Self> {
        Ok(match (self, other) {
            (Self::OfTwo(rows), Self::OfTwo(others)) => Self::OfTwo(rows.joined(others)),
            (Self::OfSeveral(rows), Self::OfSeveral(others)) => {
                Self::OfSeveral(rows.joined(others))
            }
            (Self::Numbers(rows), Self::Numbers(others)) => Self::Numbers(rows.joined(others)),
            (Self::Lists(rows), Self::Lists(others)) => Self::Lists(rows.joined(others)),
            _ => return Err(of_another_task()),
        })
    }

    /// An error for rows of a single unit.
    pub(super) fn require_two_units(&self) -> Result<()> {
        match self.by_unit().units() {
            units @ 0..2 => Err(Error::invalid(format!(
                "at least 2 units are needed, got {units}"
            ))),
            _ => Ok(()),
        }
    }

    /// The rows of every unit.
    pub(super) fn by_unit(&self) -> ByUnit {
        match self {
            Self::OfTwo(rows) => rows.by_unit(),
            Self::OfSeveral(rows) => rows.by_unit(),
            Self::Numbers(rows) => rows.by_unit(),
            Self::Lists(rows) => rows.by_unit(),
        }
    }
}
