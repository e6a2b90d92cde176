use std::borrow::Borrow;
use std::collections::BTreeMap;

use mlops_core::evidence::SignificanceLevel;
use mlops_core::{Error, Result};

use super::change::MetricChange;
use super::measure::{Dummy, Judged, Measure, Predictions};
use super::reach::told;
use super::read::{Labelled, Wanted};
use super::report::{Classes, PerformanceReport, Picture, Rows, SegmentChange};
use super::shuffle::{Budget, weighed};
use super::target_drift;
use super::task::Task;
use crate::DriftReport;
use crate::check::Source;
use crate::performance::{Reliability, SMALL};
use crate::report::{Distribution, SerialCorrelation};

/// Did a model get worse? Its metrics in two labelled tables, the changes of all of them at one error rate, and the drift of target and
/// predictions.
///
/// One of the metrics, `skill`, is what the model saves of the loss of a dummy that never looks at a row, and was fitted to the reference: its shares of
/// classes (log loss), its most frequent label (wrong answers), its mean (squared error), a random order (NDCG).
///
/// **Guarantee**: if the rows, or the declared units, of both tables are exchangeable, any metric is called worse with probability alpha at most,
/// at every size up to 36,000 rows of both tables together (and beyond, where one is a twentieth of the other), under any law. Each of the K
/// metrics has alpha/K, and with [segments](Self::segments) alike; what its interval calls worse must also be rare when all rows are shuffled
/// between the two tables ([`shuffled`](MetricChange::shuffled)). Of greater tables intervals alone decide, and so they do after 5·10⁸ rows of
/// shuffles, which a check asks for if much has changed, or of a thousand segments several hundred rows each.
/// **If the model does as well on rows of another law** (other inputs, other shares of classes), intervals decide, too: shares are exact for
/// independent rows, means have Student's t, which errors with heavy tails in tables or segments of some tens of rows exceed.
/// **Assumption**: rows, or the declared units, are independent; the intervals are those of [`performance`](crate::performance).
/// **Cost**: for each metric that changed 6·K/alpha times the metric of both tables, which a build without optimization shows.
/// **Weakness**: says that performance fell, not why; for that see [`slice`](crate::slice).
/// Target and predictions are compared by the same rows or units, see [`DriftCheck::unit`](crate::DriftCheck::unit).
/// A metric of fewer than 30 rows (`auc`, `recall` and `balanced_accuracy`: of a class; `precision`: that were predicted to be positive) of which no outcome that is tried would be called worse, and a skill of which the interval does not exclude that all of it is lost, are no pass:
/// they are [`Undefined`](super::ChangeVerdict::Undefined), and headline and reason say that it is too little to tell.
/// A metric whose rows are all alike, such as the errors of a perfect model, has an interval where the range of others is known: that of `skill`, `r2` and
/// shares. `mae`, `rmse` and `mean_error` have none, in either table, so that only another perfect one can be told from it: the same.
/// Rows without a label or a prediction are left out and counted: labels that come late for a reason bias every metric.
///
/// Made by [`classification`](super::classification), [`multiclass`](super::multiclass), [`classification_by_labels`](super::classification_by_labels), [`regression`](super::regression) and
/// [`ranking`](super::ranking).
#[derive(Clone, Debug)]
pub struct PerformanceCheck {
    task: Task,
    unit: Option<String>,
    segments: Option<String>,
    level: SignificanceLevel,
}

/// Segments of a column; more are no segments, but identifiers by mistake.
const SEGMENTS: usize = 1_000;

impl PerformanceCheck {
    pub(super) fn new(task: Task) -> Self {
        let unit = match &task {
            Task::Ranking { query, .. } => Some(query.clone()),
            _ => None,
        };
        Self {
            task,
            unit,
            segments: None,
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

    /// Compares the [primary metric](super) also by the values of this column, strings, booleans or integers: a model may get worse for a few of them and for
    /// nobody else. The lists of a ranking must each have one value. Segments of fewer than 30 rows (units) in either table are told as undefined. Metrics and segments have half of the level each, which each of both families shares out evenly.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
    /// let week = |error: f64| {
    ///     let origin = StringArray::from_iter_values((0..600).map(|i| ["JFK", "LGA", "EWR"][i % 3]));
    ///     let delay = Float64Array::from_iter_values((0..600).map(|i| f64::from(i % 60)));
    ///     let predicted = (0..600).map(|i| f64::from(i % 60) + if i % 3 == 0 { error } else { 1.0 } * f64::from(i % 7 - 3));
    ///     let predicted = Arc::new(Float64Array::from_iter_values(predicted)) as ArrayRef;
    ///     RecordBatch::try_from_iter([("origin", Arc::new(origin) as ArrayRef), ("delay", Arc::new(delay)), ("predicted", predicted)])
    /// };
    /// let check = mlops_drift::preset::regression("delay", "predicted").segments("origin");
    /// assert_eq!(check.run(&week(1.0)?, &week(1.4)?)?.verdict.worse_segments, ["origin = JFK"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn segments(mut self, column: impl Into<String>) -> Self {
        self.segments = Some(column.into());
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
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for no labelled rows, a probability or threshold outside \[0, 1], probabilities of
    /// several classes that do not sum to 1, an unknown class, fewer than two classes or one named twice, a number that is not finite, the first 0
    /// items of a ranking; [`Unsupported`](mlops_core::ErrorKind::Unsupported) for a profile. Each names the table, the column and the row that it is
    /// of. A metric that is undefined for the rows at hand, or of a table of one row (unit), is told as such.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
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
        let wanted = Wanted {
            needed: &columns,
            late: &[self.task.target()],
            may_be_missing: &[],
            unit: self.unit.as_deref(),
            segment: self.segments.as_deref(),
        };
        let labelled = |source: &Source, role| Labelled::of(source, role, &wanted);
        let reference = labelled(&reference.into(), "reference")?;
        let current = labelled(&current.into(), "current")?;
        let tables = [&reference, &current];
        let roles = [(&reference, "reference"), (&current, "current")];
        for (table, role) in roles {
            let checked = self.task.check_kinds(table);
            let checked = checked.and_then(|()| self.task.check_rows(table));
            checked.map_err(|error| error.context("table", role))?;
        }
        self.task
            .check_types(roles.map(|(table, role)| (&table.rows, role)))?;
        self.task.check_labels(tables.map(|table| &table.rows))?;
        let task = self.task.with_classes_of(tables.map(|table| &table.rows))?;
        let check = Self {
            task,
            ..self.clone()
        };
        let budget = Budget::of_a_check();
        let report = PerformanceReport::of(
            &check.task,
            self.level,
            check.changes(tables, &budget)?,
            check.changes_by_segment(&reference, &current, &budget)?,
            tables.map(Rows::of),
            self.drift(&reference, &current)?,
        );
        let serial = tables.map(|table| {
            let errors = check.task.predictions(table, self.level)?;
            errors.serial_correlation(&check.task)
        });
        let [before, now] = serial;
        let serial = SerialCorrelation::of_several(before?.into_iter().chain(now?));
        Ok(PerformanceReport {
            picture: check.picture(&reference, &current)?,
            confusion: check.confusion(&reference, &current)?,
            reliability: check.reliability(&reference, &current)?,
            ..report.among(serial)
        })
    }

    /// Of target and predictions, of the units that the metrics are of; predictions that are missing beside a label are told.
    fn drift(&self, reference: &Labelled, current: &Labelled) -> Result<DriftReport> {
        let outcomes = self.task.outcome_columns();
        let tables = [&reference.due, &current.due];
        let [reference, current] = self.task.with_one_type_of_target(tables)?;
        let mut check = target_drift(&reference, outcomes.clone()).level(self.level);
        if let Some(unit) = &self.unit {
            check = check.unit(unit, outcomes);
        }
        check.run(&current)
    }

    /// The level of a family: all metrics, or all segments.
    fn level_of_family(&self) -> SignificanceLevel {
        let families = 1 + usize::from(self.segments.is_some());
        self.level.split(families)
    }

    fn changes(&self, tables: [&Labelled; 2], budget: &Budget) -> Result<Vec<MetricChange>> {
        let measures = self.task.measures();
        let each = self.level_of_family().split(measures.len());
        let rows = |table: &Labelled, role| {
            let rows = self.task.predictions(table, each);
            rows.map_err(|error| error.context("table", role))
        };
        let [reference, current] = tables;
        let [reference, current] = [rows(reference, "reference")?, rows(current, "current")?];
        let dummy = self.task.dummy(&reference)?;
        let change = |measure: &Measure| {
            self.change(measure, [Ok(&reference), Ok(&current)], &dummy, budget)
        };
        measures.iter().map(change).collect()
    }

    /// Of a metric, in rows of either table or none; undefined of less than two units, which show nothing of how far others lie. What the intervals tell must hold against rows that are shuffled between both, too.
    fn change<R: Borrow<Predictions>>(
        &self,
        measure: &Measure,
        tables: [Result<R>; 2],
        dummy: &Dummy,
        budget: &Budget,
    ) -> Result<MetricChange> {
        let task = &self.task;
        let figured = tables.map(|rows| match rows {
            Ok(rows) => {
                let judged = Judged {
                    task,
                    rows: rows.borrow(),
                    dummy,
                };
                let enough = judged.rows.require_two_units();
                (enough.and_then(|()| measure.figure(judged)), Some(rows))
            }
            Err(error) => (Err(error), None),
        });
        let [(before, reference), (now, current)] = figured;
        let change = MetricChange::of(measure.name, measure.better, before, now)?;
        let Some((reference, current)) = reference.zip(current) else {
            return Ok(change);
        };
        let tables = [reference.borrow(), current.borrow()];
        let change = weighed(change, task, measure, tables, budget)?;
        told(change, measure, task, tables, dummy, budget)
    }

    /// The primary metric by the values of a column that occur in either table.
    fn changes_by_segment(
        &self,
        reference: &Labelled,
        current: &Labelled,
        budget: &Budget,
    ) -> Result<Vec<SegmentChange>> {
        let mut rows: BTreeMap<Option<&str>, [Vec<u32>; 2]> = BTreeMap::new();
        for (table, labelled) in [reference, current].into_iter().enumerate() {
            for (row, segment) in labelled.segments.iter().enumerate() {
                rows.entry(segment.as_deref()).or_default()[table].push(row as u32);
            }
        }
        if rows.len() > SEGMENTS {
            return Err(Error::invalid(format!(
                "the column of segments must hold at most {SEGMENTS} values, got {}",
                rows.len()
            )));
        }
        if matches!(self.task, Task::Ranking { .. }) {
            reference.require_whole_units()?;
            current.require_whole_units()?;
        }
        let each = self.level_of_family().split(rows.len().max(1));
        let measures = self.task.measures();
        let (primary, no_dummy) = (&measures[0], Dummy::RandomOrder);
        let of_segment = |(segment, rows): (Option<&str>, [Vec<u32>; 2])| {
            let parts = [reference.part(&rows[0])?, current.part(&rows[1])?];
            let parts = parts.map(|part| self.of_segment(part.as_ref(), each));
            Ok(SegmentChange {
                column: self.segments.clone().unwrap_or_default(),
                segment: segment.map(str::to_owned),
                rows: rows.map(|rows| rows.len()),
                change: self.change(primary, parts, &no_dummy, budget)?,
            })
        };
        rows.into_iter().map(of_segment).collect()
    }

    /// The rows of a segment, if they are enough to judge it by.
    fn of_segment(&self, rows: Option<&Labelled>, level: SignificanceLevel) -> Result<Predictions> {
        let units = rows.map_or(0, Labelled::units);
        let rows = rows.filter(|_| units >= SMALL).ok_or_else(|| {
            Error::invalid(format!(
                "a segment needs at least {SMALL} rows or units, got {units}"
            ))
        })?;
        self.task.predictions(rows, level)
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
