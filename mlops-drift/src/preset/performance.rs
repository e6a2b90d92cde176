use mlops_core::Result;
use mlops_core::evidence::SignificanceLevel;

use super::change::MetricChange;
use super::read::Labelled;
use super::report::{Classes, PerformanceReport, Picture, Rows};
use super::target_drift;
use super::task::Task;
use crate::DriftReport;
use crate::check::Source;
use crate::performance::Reliability;
use crate::report::Distribution;

/// Did a model get worse? Its metrics in two labelled tables, the changes of all of them at one error rate, and the drift of target and
/// predictions.
///
/// **Guarantee**: if the model performs alike in both tables, any metric is called worse with probability about alpha at most: the intervals of the K
/// metrics are at 1 − alpha/K each. **Assumption**: rows, or the declared units, are independent; the intervals are those of
/// [`performance`](crate::performance), which are asymptotic. **Weakness**: says that performance fell, not why; for that see [`slice`](crate::slice).
/// Target and predictions are compared by the same rows or units, see [`DriftCheck::unit`](crate::DriftCheck::unit).
/// Rows without a label or a prediction are left out and counted: labels that come late for a reason bias every metric.
///
/// Made by [`classification`](super::classification), [`multiclass`](super::multiclass), [`classification_by_labels`](super::classification_by_labels), [`regression`](super::regression) and
/// [`ranking`](super::ranking).
#[derive(Clone, Debug)]
pub struct PerformanceCheck {
    task: Task,
    unit: Option<String>,
    level: SignificanceLevel,
}

impl PerformanceCheck {
    pub(super) fn new(task: Task) -> Self {
        let unit = match &task {
            Task::Ranking { query, .. } => Some(query.clone()),
            _ => None,
        };
        Self {
            task,
            unit,
            level: SignificanceLevel::FIVE_PERCENT,
        }
    }

    /// Rows with the same value in this column depend on one another: intervals are of units, not rows. For a ranking the query is the unit,
    /// and this call changes nothing.
    ///
    /// ```
    /// let check = mlops_drift::preset::regression("delay", "predicted").unit("origin_hour");
    /// # let _ = check;
    /// ```
    #[must_use]
    pub fn unit(mut self, column: impl Into<String>) -> Self {
        if !matches!(self.task, Task::Ranking { .. }) {
            self.unit = Some(column.into());
        }
        self
    }

    /// The probability of a false alarm that is accepted for all metrics together; 5 % by default.
    ///
    /// ```
    /// use mlops_core::evidence::SignificanceLevel;
    /// let check = mlops_drift::preset::regression("delay", "predicted").level(SignificanceLevel::ONE_PERCENT);
    /// # let _ = check;
    /// ```
    #[must_use]
    pub fn level(mut self, level: SignificanceLevel) -> Self {
        self.level = level;
        self
    }

    /// The probability from which two-class predictions count as positive; 0.5 by default, and of no meaning for other tasks.
    ///
    /// ```
    /// let check = mlops_drift::preset::classification("late", "probability").threshold(0.3);
    /// # let _ = check;
    /// ```
    #[must_use]
    pub fn threshold(mut self, at: f64) -> Self {
        if let Task::Binary { threshold, .. } = &mut self.task {
            *threshold = at;
        }
        self
    }

    /// Compares two labelled tables.
    ///
    /// # Errors
    /// [`SignatureMismatch`](mlops_core::ErrorKind::SignatureMismatch) for a column that is missing or of another kind;
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for no labelled rows, a probability or threshold outside \[0, 1], an unknown class,
    /// fewer than two classes or one named twice, the first 0 items of a ranking;
    /// [`Unsupported`](mlops_core::ErrorKind::Unsupported) for a profile. A metric that is undefined for the rows at hand is told as such.
    ///
    /// ```
    /// # use arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Float64Array::from_iter_values((0..40).map(f64::from))) as ArrayRef;
    /// # let week = RecordBatch::try_from_iter([("delay", column.clone()), ("predicted", column)])?;
    /// let report = mlops_drift::preset::regression("delay", "predicted").run(&week, &week)?;
    /// assert!(!report.verdict.worse);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run(
        &self,
        reference: impl Into<Source>,
        current: impl Into<Source>,
    ) -> Result<PerformanceReport> {
        self.task.check_settings()?;
        let columns = self.task.columns();
        let labelled =
            |source: &Source, role| Labelled::of(source, role, &columns, self.unit.as_deref());
        let reference = labelled(&reference.into(), "reference")?;
        let current = labelled(&current.into(), "current")?;
        let tables = [&reference, &current];
        let task = self.task.with_classes_of(tables.map(|table| &table.rows))?;
        let check = Self {
            task,
            ..self.clone()
        };
        Ok(PerformanceReport {
            picture: check.picture(&reference, &current)?,
            confusion: check.confusion(&reference, &current)?,
            reliability: check.reliability(&reference, &current)?,
            ..PerformanceReport::of(
                &check.task,
                self.level,
                check.changes(&reference, &current)?,
                tables.map(Rows::of),
                self.drift(&reference, &current)?,
            )
        })
    }

    /// Of target and predictions, of the units that the metrics are of.
    fn drift(&self, reference: &Labelled, current: &Labelled) -> Result<DriftReport> {
        let outcomes = self.task.outcome_columns();
        let mut check = target_drift(&reference.rows, outcomes.clone()).level(self.level);
        if let Some(unit) = &self.unit {
            check = check.unit(unit, outcomes);
        }
        check.run(&current.rows)
    }

    fn changes(&self, reference: &Labelled, current: &Labelled) -> Result<Vec<MetricChange>> {
        let each = self.level.split(self.task.metrics());
        let before = self.task.evaluate(reference, each);
        let before = before.map_err(|error| error.context("table", "reference"))?;
        let now = self.task.evaluate(current, each);
        let now = now.map_err(|error| error.context("table", "current"))?;
        let pairs = before.into_iter().zip(now);
        let changes = pairs.map(|(before, now)| {
            MetricChange::of(before.name, before.better, before.figure, now.figure)
        });
        changes.collect()
    }

    fn confusion(&self, reference: &Labelled, current: &Labelled) -> Result<Option<Classes>> {
        let [before, now] = [reference, current].map(|table| self.task.confusion(&table.rows));
        Ok(before?
            .zip(now?)
            .map(|((names, reference), (_, current))| Classes {
                names,
                reference,
                current,
            }))
    }

    fn reliability(
        &self,
        reference: &Labelled,
        current: &Labelled,
    ) -> Result<Option<[Reliability; 2]>> {
        let [before, now] = [reference, current].map(|table| self.task.reliability(&table.rows));
        Ok(before?.zip(now?).map(<[Reliability; 2]>::from))
    }

    fn picture(&self, reference: &Labelled, current: &Labelled) -> Result<Option<Picture>> {
        let pictures = [reference, current].map(|table| self.task.picture(&table.rows));
        let [before, now] = pictures;
        Ok(before?
            .zip(now?)
            .map(|((title, reference), (_, current))| Picture {
                title: title.to_owned(),
                distribution: Distribution::of_numbers(&reference, &current),
            }))
    }
}
