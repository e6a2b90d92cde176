use std::collections::BTreeSet;

use mlops_core::evidence::SignificanceLevel;
use mlops_core::{Error, Result};

use super::change::MetricChange;
use super::checked::{LABEL, PROBABILITY, is_label, is_share};
use super::estimated_report::{EstimatedReport, Estimates, EstimationMethod};
use super::estimator::{Estimator, Figure, Tables};
use super::measure::Predictions;
use super::read::{Labelled, Wanted, numbers_of};
use super::report::Rows;
use super::task::Task;
use crate::check::Source;
use crate::multivariate::Points;
use crate::report::SerialCorrelation;
use crate::sample::Moments;
use crate::{DriftCheck, DriftReport};

/// How good is a model on rows whose labels are not there yet? Its metrics estimated from a labelled reference and the current inputs and
/// predictions, by each method that the task has, with what each assumes and how far the tables bear it out.
///
/// | method | estimates | assumes | says where it fails |
/// | --- | --- | --- | --- |
/// | [`Cbpe`](crate::performance::Cbpe), calibrated on the reference | `accuracy`, `auc`, `f1`, `precision`, `recall`, `specificity` | probabilities mean what they meant | refused with more than a fifth of the probabilities beyond those of the reference; else that share |
/// | [`LabelShift`](crate::performance::LabelShift) | `accuracy` | only the shares of the classes changed | refused where no shares explain the predictions |
/// | [`ImportanceWeighted`](crate::performance::ImportanceWeighted) | `accuracy` and `brier`, `mae` and `rmse` | only the inputs changed | refused below 30 effective reference rows or units, and without overlap |
/// | [`DirectLoss`](crate::performance::DirectLoss) | `accuracy` and `brier`, `mae` and `rmse` | like rows have the loss that they had | refused with more than a fifth of the rows beyond the reference |
/// | [`PredictionPowered`](crate::performance::PredictionPowered), with [few labels](Self::few_labels) | `accuracy`, `f1`, `precision`, `recall`, `mae` and `rmse` | the rows with labels are a random sample | refused where their predictions differ from the others', at the level of a figure; else the p-value of that |
///
/// **Verdict**: a metric is expected to be worse if the interval of its change from the reference lies on the worse side of 0.
/// **Guarantee**: where the assumptions hold and the model performs as it did, any metric is called worse by any method with probability about
/// alpha at most: the intervals of all K figures are at 1 − alpha/K each, of all rows of the law that a table is drawn from, by units where they are
/// declared. A metric that the reference shows to be better than by chance, and of which the estimate does not exclude that it is so no more, is told as
/// [`Undefined`](super::ChangeVerdict::Undefined): too little to tell. Change and reference share rows, which makes the interval of a change wider than need be: of the laws that are simulated, rare positives, far
/// thresholds, few rows and heavy tails among them, the rates at 5 % stand in `GUARANTEES.md`. **Assumption**: that of each method, and
/// none of them holds under concept shift (another answer to the same inputs), which rows without labels do not show, but for the last one, which is
/// of labels. Methods that disagree say that at least one assumption fails; methods that agree may all be wrong. **Weakness**: those of the
/// methods. **Cost**: that of the methods; the tables' columns are held in memory. **It fails** like
/// [`PerformanceCheck::run`](super::PerformanceCheck::run), and for features whose variance overflows; a method that refuses is told with its
/// reason and leaves the others alone.
///
/// Made by [`estimated_classification`](super::estimated_classification) and [`estimated_regression`](super::estimated_regression).
#[derive(Clone, Debug)]
pub struct EstimatedPerformance {
    task: Task,
    features: Vec<String>,
    unit: Option<String>,
    level: SignificanceLevel,
    few_labels: bool,
}

impl EstimatedPerformance {
    pub(super) fn new(task: Task) -> Self {
        Self {
            task,
            features: Vec::new(),
            unit: None,
            level: SignificanceLevel::FIVE_PERCENT,
            few_labels: false,
        }
    }

    /// The inputs by which rows are compared, beside the prediction: columns of numbers, booleans or times. Those that the model uses are the
    /// ones to name; categories enter as numbers, as the model encodes them. Without any, rows are compared by the prediction alone.
    ///
    /// ```
    /// let check = mlops_drift::preset::estimated_regression("delay", "predicted").features(["distance", "hour"]);
    /// # let _ = check;
    /// ```
    #[must_use]
    pub fn features<C: Into<String>>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.features = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Rows with the same value in this column depend on one another: intervals are of units, not rows.
    ///
    /// ```
    /// let check = mlops_drift::preset::estimated_regression("delay", "predicted").unit("origin_hour");
    /// # let _ = check;
    /// ```
    #[must_use]
    pub fn unit(mut self, column: impl Into<String>) -> Self {
        self.unit = Some(column.into());
        self
    }

    /// The probability of a false alarm that is accepted for all figures together; 5 % by default.
    ///
    /// ```
    /// use mlops_core::evidence::SignificanceLevel;
    /// let check = mlops_drift::preset::estimated_regression("delay", "predicted").level(SignificanceLevel::ONE_PERCENT);
    /// # let _ = check;
    /// ```
    #[must_use]
    pub fn level(mut self, level: SignificanceLevel) -> Self {
        self.level = level;
        self
    }

    /// The probability from which two-class predictions count as positive; 0.5 by default, and of no meaning for a regression.
    ///
    /// ```
    /// let check = mlops_drift::preset::estimated_classification("late", "probability").threshold(0.3);
    /// # let _ = check;
    /// ```
    #[must_use]
    pub fn threshold(mut self, at: f64) -> Self {
        if let Task::Binary { threshold, .. } = &mut self.task {
            *threshold = at;
        }
        self
    }

    /// Reads the target of the current table, too, where it is there: labels of a random sample of the rows, which take out by how much the
    /// other estimates are wrong, and see what no row without a label shows. Those that arrived first are no such sample.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// let table = |late: &dyn Fn(i32) -> Option<f64>| {
    ///     let late: Float64Array = (0..900).map(late).collect();
    ///     let said = Float64Array::from_iter_values((0..900).map(|i| if i % 2 == 0 { 0.9 } else { 0.1 }));
    ///     RecordBatch::try_from_iter_with_nullable([("late", Arc::new(late) as ArrayRef, true), ("said", Arc::new(said), true)])
    /// };
    /// let right = |i: i32| if i % 10 < 9 { 1 - i % 2 } else { i % 2 };
    /// let last_month = table(&|i| Some(f64::from(right(i))))?;
    /// let today = table(&|i| (i % 7 == 0).then(|| f64::from(i / 7 % 2)))?; // of one in seven: answers are turned round
    /// let check = mlops_drift::preset::estimated_classification("late", "said").few_labels();
    /// let worse = check.run(&last_month, &today)?.verdict.worse_metrics;
    /// assert!(worse.contains(&"accuracy by prediction_powered".to_owned()));
    /// assert!(!worse.contains(&"accuracy by cbpe".to_owned()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn few_labels(mut self) -> Self {
        self.few_labels = true;
        self
    }

    /// Estimates the metrics of a current table, in which the target is not read but for [few labels](Self::few_labels), from a labelled
    /// reference. Rows without one of the columns that are read are left out and counted.
    ///
    /// # Errors
    /// [`SignatureMismatch`](mlops_core::ErrorKind::SignatureMismatch) for a column that is missing;
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a table without a row in which nothing is missing, a probability or
    /// threshold outside \[0, 1], an infinite number, or a target among the features;
    /// [`Unsupported`](mlops_core::ErrorKind::Unsupported) for a profile, or a feature that is no number.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = |values: Vec<f64>| std::sync::Arc::new(Float64Array::from(values)) as ArrayRef;
    /// // Errors grow with the distance, and flights are longer now.
    /// let distance = |from: i32| column((0..400).map(|i| f64::from(from + i % 50)).collect());
    /// let predicted = || column(vec![0.0; 400]);
    /// let delay = column((0..400).map(|i| f64::from(i % 50) / 10.0 * if i / 50 % 2 == 0 { 1.0 } else { -1.0 }).collect());
    /// let last_month = RecordBatch::try_from_iter([("distance", distance(0)), ("predicted", predicted()), ("delay", delay)])?;
    /// let longer = column((0..400).map(|i| f64::from(30 + i % 20)).collect());
    /// let today = RecordBatch::try_from_iter([("distance", longer), ("predicted", predicted())])?;
    /// let check = mlops_drift::preset::estimated_regression("delay", "predicted").features(["distance"]);
    /// let report = check.run(&last_month, &today)?;
    /// assert!(report.verdict.expected_worse);
    /// let mae = report.metric("direct_loss", "mae").and_then(|mae| mae.current).unwrap();
    /// assert!((mae.value - 3.95).abs() < 0.05); // of distances 30 to 49
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run(
        &self,
        reference: impl Into<Source>,
        current: impl Into<Source>,
    ) -> Result<EstimatedReport> {
        self.task.check_settings()?;
        let inputs = self.inputs()?;
        let unit = self.unit.as_deref();
        let labelled: Vec<&str> = inputs.iter().copied().chain([self.target()]).collect();
        let of_reference = Wanted {
            needed: &labelled,
            late: &[self.target()],
            may_be_missing: &[],
            unit,
            segment: None,
        };
        let reference = Labelled::of(&reference.into(), "reference", &of_reference)?;
        let labels: &[&str] = if self.few_labels {
            &[self.target()]
        } else {
            &[]
        };
        let of_current = Wanted {
            needed: &inputs,
            late: &[],
            may_be_missing: labels,
            ..of_reference
        };
        let current = Labelled::of(&current.into(), "current", &of_current)?;
        self.check_rows(&reference, &current, &inputs)?;
        let methods = self.methods();
        let figures: usize = methods.iter().map(|(_, figures)| figures.len()).sum();
        let tables = self.tables(&reference, &current, &inputs, self.level.split(figures))?;
        let estimates = methods
            .iter()
            .map(|(method, figures)| estimates(&tables, *method, figures));
        let labelled = tables.labelled()?;
        let labelled = std::iter::once(&tables.reference).chain(&labelled);
        let errors = labelled.map(|rows| rows.serial_correlation(&self.task));
        let errors: Vec<Option<SerialCorrelation>> = errors.collect::<Result<_>>()?;
        let errors = SerialCorrelation::of_several(errors.into_iter().flatten());
        let report = EstimatedReport::of(
            self.task.name(),
            self.level,
            estimates.collect::<Result<_>>()?,
            [&reference, &current].map(Rows::of),
            self.drift(&reference, &current, &inputs)?,
        );
        Ok(report.among(errors))
    }

    fn target(&self) -> &str {
        self.task.target()
    }

    fn prediction(&self) -> &str {
        self.task.columns()[1]
    }

    /// The features and the prediction, each once.
    fn inputs(&self) -> Result<Vec<&str>> {
        let mut seen = BTreeSet::new();
        let features = self.features.iter().map(String::as_str);
        let mut inputs: Vec<&str> = features.chain([self.prediction()]).collect();
        inputs.retain(|column| seen.insert(*column));
        match seen.contains(self.target()) {
            true => Err(Error::invalid(format!(
                "the target must not be among what rows are compared by, got \"{}\"",
                self.target()
            ))),
            false => Ok(inputs),
        }
    }

    /// An error for a row that is none of this task, and for a column whose numbers are too far apart to compare rows by them.
    fn check_rows(&self, reference: &Labelled, current: &Labelled, inputs: &[&str]) -> Result<()> {
        let tables = [(reference, "reference"), (current, "current")];
        for (table, role) in tables {
            let of_table = |error: Error| error.context("table", role);
            self.task.check_kinds(table).map_err(of_table)?;
        }
        let of_reference = |error: Error| error.context("table", "reference");
        self.task.check_rows(reference).map_err(of_reference)?;
        for (table, role) in tables {
            let of_table = |error: Error| error.context("table", role);
            for column in inputs {
                let finite = table.must(column, "values must be finite", f64::is_finite);
                finite.map_err(of_table)?;
            }
            if matches!(self.task, Task::Binary { .. }) {
                table
                    .must(self.prediction(), PROBABILITY, is_share)
                    .map_err(of_table)?;
            }
        }
        let both = |column: &str| -> Result<Moments> {
            let tables = [reference, current].map(|table| numbers_of(&table.rows, column));
            let [before, now] = tables;
            Ok(before?.into_iter().chain(now?).collect())
        };
        for column in inputs {
            if both(column)?.standard_deviation().is_none() {
                let far =
                    Error::invalid("rows cannot be compared by values whose variance overflows");
                return Err(far.context("column", *column));
            }
        }
        Ok(())
    }

    fn methods(&self) -> Vec<(EstimationMethod, &'static [Figure])> {
        let (mut methods, few) = match self.task {
            Task::Binary { .. } => (
                vec![
                    (EstimationMethod::Cbpe, Figure::OF_TWO_CLASSES),
                    (EstimationMethod::LabelShift, &[Figure::Accuracy]),
                    (
                        EstimationMethod::ImportanceWeighting,
                        Figure::LOSSES_OF_TWO_CLASSES,
                    ),
                    (EstimationMethod::DirectLoss, Figure::LOSSES_OF_TWO_CLASSES),
                ],
                Figure::OF_FEW_LABELS,
            ),
            _ => (
                vec![
                    (EstimationMethod::ImportanceWeighting, Figure::OF_NUMBERS),
                    (EstimationMethod::DirectLoss, Figure::OF_NUMBERS),
                ],
                Figure::OF_NUMBERS,
            ),
        };
        if self.few_labels {
            methods.push((EstimationMethod::PredictionPowered, few));
        }
        methods
    }

    fn tables<'a>(
        &self,
        reference: &'a Labelled,
        current: &'a Labelled,
        inputs: &[&str],
        level: SignificanceLevel,
    ) -> Result<Tables<'a>> {
        Ok(Tables {
            reference: self.task.predictions(reference, level)?,
            predicted: numbers_of(&current.rows, self.prediction())?,
            threshold: self.task.yes_from(),
            points: [points(reference, inputs)?, points(current, inputs)?],
            units: reference.units.as_deref().zip(current.units.as_deref()),
            labels: match self.few_labels {
                true => self.labels(current)?,
                false => Vec::new(),
            },
            level,
        })
    }

    /// The target of the current rows that have one.
    fn labels(&self, current: &Labelled) -> Result<Vec<Option<f64>>> {
        let of_two = matches!(self.task, Task::Binary { .. });
        let checked = match of_two {
            true => current.must(self.target(), LABEL, |label| {
                label.is_nan() || is_label(label)
            }),
            false => current.must(self.target(), "a label must be finite", |label| {
                !label.is_infinite()
            }),
        };
        checked.map_err(|error| error.context("table", "current"))?;
        let target = numbers_of(&current.rows, self.target())?;
        let labels = target.into_iter();
        Ok(labels
            .map(|label| Some(label).filter(|x| !x.is_nan()))
            .collect())
    }

    fn drift(
        &self,
        reference: &Labelled,
        current: &Labelled,
        inputs: &[&str],
    ) -> Result<DriftReport> {
        let mut check = DriftCheck::against(&reference.due).level(self.level);
        check = check.columns(inputs.iter().copied());
        if let Some(unit) = &self.unit {
            check = check.unit(unit, inputs.iter().copied());
        }
        check.run(&current.due)
    }
}

/// What a method makes of its figures; all of them are undefined where it refuses.
fn estimates(
    tables: &Tables<'_>,
    method: EstimationMethod,
    figures: &[Figure],
) -> Result<Estimates> {
    let estimator = Estimator::of(method, tables);
    let diagnosis = estimator
        .as_ref()
        .map_err(refusal)
        .and_then(|estimator| estimator.diagnosis(tables).map_err(|error| refusal(&error)));
    let changes = figures.iter().map(|figure| {
        let estimate = match &estimator {
            Ok(estimator) => estimator.estimate(tables, *figure),
            Err(error) => Err(Error::invalid(refusal(error))),
        };
        let enough = tables.reference.require_two_units();
        let reference = enough.and_then(|()| figure.realized(&tables.reference, tables.threshold));
        let change = MetricChange::of(figure.name(), figure.better(), reference, estimate)?;
        Ok(match figure.too_little(&change, tables) {
            Some(why) => change.untold(&format!("too little to tell: {why}")),
            None => change,
        })
    });
    let metrics = changes.collect::<Result<Vec<_>>>()?;
    Ok(Estimates::of(method, diagnosis, metrics))
}

fn refusal(error: &Error) -> String {
    error.to_string()
}

/// Rows as points, a column each.
fn points(table: &Labelled, columns: &[&str]) -> Result<Points> {
    let columns = columns
        .iter()
        .map(|column| numbers_of(&table.rows, column))
        .collect::<Result<Vec<_>>>()?;
    let rows = 0..table.rows.num_rows();
    let by_row = rows.flat_map(|row| columns.iter().map(move |column| column[row]));
    Points::new(columns.len(), by_row)
}

/// A figure that rows of this kind do not have.
pub(super) fn of_another_task(figure: Figure, of: &Predictions) -> Error {
    let task = match of {
        Predictions::OfTwo(_) => "two classes",
        Predictions::OfSeveral(_) => "several classes",
        Predictions::Numbers(_) => "numbers",
        Predictions::Lists(_) => "lists",
    };
    Error::new(
        mlops_core::ErrorKind::Internal,
        format!("{} of {task}", figure.name()),
    )
}
