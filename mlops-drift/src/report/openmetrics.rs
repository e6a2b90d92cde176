//! Reports for a metrics server, as OpenMetrics 1.0 text: one of them, or several in one [`Exposition`].

use std::fmt::Write as _;

use super::{ColumnReport, ColumnVerdict, DriftReport, exact};
use crate::check::MonitorState;
use crate::expectation::ValidationReport;
use crate::performance::Estimate;
use crate::preset::{
    ChangeVerdict, DataQualityReport, EstimatedReport, MetricChange, PerformanceReport, Rows,
};

/// Several reports as one text, each with labels that tell it from the others. All metrics are gauges named `mlops_drift_…`.
///
/// ```
/// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
/// # let table = RecordBatch::try_from_iter([("x", column)])?;
/// use mlops_drift::report::openmetrics::Exposition;
/// let report = mlops_drift::DriftCheck::against(&table).run(&table)?;
/// let text = Exposition::new()
///     .labels([("model", "late")])
///     .with(&report)
///     .labels([("model", "fare")])
///     .with(&report)
///     .to_text();
/// assert!(text.contains("mlops_drift_drifted{model=\"late\"} 0\nmlops_drift_drifted{model=\"fare\"} 0\n"));
/// assert_eq!(text.matches("# EOF").count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exposition {
    labels: Vec<(String, String)>,
    families: Vec<Family>,
}

#[derive(Clone, Debug, PartialEq)]
struct Family {
    name: &'static str,
    help: &'static str,
    samples: String,
}

/// What tells its figures as gauges.
pub trait Expose {
    /// Adds them.
    fn expose(&self, to: &mut Exposition);
}

impl Exposition {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The labels of all that is added from here on, in place of others. What a label's name may not hold (all but ASCII letters, digits and `_`)
    /// becomes `_`; a label that a metric has itself, such as `column`, is left out there.
    #[must_use]
    pub fn labels<N: Into<String>, V: Into<String>>(
        mut self,
        labels: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let named = labels
            .into_iter()
            .map(|(name, value)| (label_name(&name.into()), value.into()));
        self.labels.clear();
        for (name, value) in named {
            if self.labels.iter().all(|(known, _)| *known != name) {
                self.labels.push((name, value));
            }
        }
        self
    }

    /// A report. Two of one kind need different [`labels`](Self::labels), or their series are the same.
    #[must_use]
    pub fn with(mut self, report: &impl Expose) -> Self {
        report.expose(&mut self);
        self
    }

    /// The text.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for Family {
            name,
            help,
            samples,
        } in &self.families
        {
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "# TYPE mlops_drift_{name} gauge\n# HELP mlops_drift_{name} {help}\n{samples}"
            );
        }
        text.push_str("# EOF\n");
        text
    }

    fn gauge(&mut self, name: &'static str, help: &'static str, own: &[(&str, &str)], value: f64) {
        let others = self
            .labels
            .iter()
            .map(|(label, value)| (label.as_str(), value.as_str()));
        let others = others.filter(|(label, _)| own.iter().all(|(known, _)| known != label));
        let labels = others.chain(own.iter().copied());
        let labels: Vec<String> = labels
            .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
            .collect();
        let braces = match labels.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", labels.join(",")),
        };
        let line = format!("mlops_drift_{name}{braces} {}\n", figure(value));
        match self.families.iter_mut().find(|family| family.name == name) {
            Some(family) => family.samples.push_str(&line),
            None => self.families.push(Family {
                name,
                help,
                samples: line,
            }),
        }
    }
}

fn one(report: &impl Expose) -> String {
    Exposition::new().with(report).to_text()
}

fn flag(on: bool) -> f64 {
    f64::from(u8::from(on))
}

impl Expose for DriftReport {
    fn expose(&self, to: &mut Exposition) {
        // Nothing is said of drift where nothing is known.
        if !self.verdict.nothing_compared {
            let help = "Whether any column drifted.";
            to.gauge("drifted", help, &[], flag(self.verdict.drifted));
            let is_decided = self.verdict.material || self.verdict.undecided_columns.is_empty();
            let help = "Whether it is known if any column drifted materially.";
            to.gauge("material_decided", help, &[], flag(is_decided));
            if is_decided {
                let help = "Whether any column drifted by its minimum effect, or by anything if it has none.";
                to.gauge("material", help, &[], flag(self.verdict.material));
            }
        }
        let help = "Whether any column could be compared.";
        to.gauge("compared", help, &[], flag(!self.verdict.nothing_compared));
        let lost = self.verdict.not_compared_columns.len();
        let help = "Columns that were not compared, since the schema changed, new ones among them.";
        to.gauge("columns_not_compared", help, &[], lost as f64);
        let help = "Columns that were compared, and of which nothing is concluded.";
        let untested = self.verdict.untested_columns.len();
        to.gauge("columns_untested", help, &[], untested as f64);
        let help = "Columns that the reference lacks.";
        to.gauge("new_columns", help, &[], self.new_columns.len() as f64);
        for (table, rows) in [
            ("reference", self.reference_rows),
            ("current", self.current_rows),
        ] {
            to.gauge("rows", "Rows compared.", &[("table", table)], rows as f64);
        }
        for column in &self.columns {
            let name = ("column", column.column.as_str());
            let has_changed = column.schema_change.is_some();
            let is_compared = !has_changed && column.verdict != ColumnVerdict::Untested;
            let help = "Whether the column was compared.";
            to.gauge("column_compared", help, &[name], flag(is_compared));
            // Nothing is said of a column of which nothing is known.
            if has_changed {
                continue;
            }
            if is_compared {
                expose_verdict(to, name, column);
            }
            let help = "Whether neighbouring rows or units of the column are dependent, so that no level need hold.";
            to.gauge(
                "column_dependent",
                help,
                &[name],
                flag(column.is_dependent()),
            );
            for effect in &column.effects {
                let labels = [name, ("measure", effect.measure())];
                to.gauge(
                    "column_effect",
                    "How far it moved, by measure.",
                    &labels,
                    effect.get(),
                );
            }
            for (measure, interval) in &column.intervals {
                let labels = [name, ("measure", measure)];
                let help = "The lower end of the 95 % interval of the effect.";
                to.gauge("column_effect_low", help, &labels, interval.low());
                let help = "The upper end of the 95 % interval of the effect.";
                to.gauge("column_effect_high", help, &labels, interval.high());
            }
            for (table, share, infinite) in [
                (
                    "reference",
                    column.reference_missing,
                    column.reference_infinite,
                ),
                ("current", column.current_missing, column.current_infinite),
            ] {
                let labels = [name, ("table", table)];
                if !column.missing_unknown {
                    let help = "Its share of missing values.";
                    to.gauge("column_missing_ratio", help, &labels, share);
                }
                let help = "Its infinite values.";
                to.gauge("column_infinite", help, &labels, infinite as f64);
            }
            let help = "What the reports tell of how its values were compared, such as that its type changed.";
            to.gauge("column_notes", help, &[name], column.notes.len() as f64);
        }
    }
}

/// What was found in a column that was compared.
fn expose_verdict(to: &mut Exposition, name: (&str, &str), column: &ColumnReport) {
    let drifted = flag(column.verdict.is_drift());
    let help = "Whether the column drifted.";
    to.gauge("column_drifted", help, &[name], drifted);
    let help = "Whether it is known if the column drifted materially.";
    let is_decided = flag(!column.materiality_undecided);
    to.gauge("column_material_decided", help, &[name], is_decided);
    let help = "Its least p-value, adjusted for all tests.";
    let p = column.adjusted_p_value().get();
    to.gauge("column_adjusted_p_value", help, &[name], p);
}

impl Expose for MonitorState {
    fn expose(&self, to: &mut Exposition) {
        let counts = self.counts();
        let outcomes = [
            ("quiet", counts.compared - counts.alarmed - counts.undecided),
            ("alarm", counts.alarmed),
            ("undecided", counts.undecided),
            ("not_compared", counts.not_compared),
        ];
        for (outcome, count) in outcomes {
            let labels = [("outcome", outcome)];
            to.gauge(
                "monitor_windows",
                "Windows so far, by outcome.",
                &labels,
                count as f64,
            );
        }
        let Some(last) = self.windows().last() else {
            return;
        };
        to.gauge(
            "monitor_alarmed",
            "Whether the last window alarmed.",
            &[],
            flag(last.alarmed),
        );
        let help = "Whether the last window could be compared.";
        to.gauge(
            "monitor_compared",
            help,
            &[],
            flag(last.not_compared.is_none()),
        );
        if last.not_compared.is_some() {
            return;
        }
        to.gauge(
            "monitor_e_value",
            "The e-value of the last window.",
            &[],
            last.e_value.get(),
        );
        let help = "Whether it is known if the last window should have alarmed.";
        to.gauge("monitor_decided", help, &[], flag(last.undecided.is_none()));
        let help = "The e-value from which the last window alarmed.";
        to.gauge("monitor_e_value_of_alarm", help, &[], 1.0 / last.level);
        for column in &last.columns {
            let name = ("column", column.column.as_str());
            let help = "Whether neighbouring rows of the column are dependent in the last window.";
            to.gauge(
                "monitor_column_dependent",
                help,
                &[name],
                flag(column.dependent),
            );
            let help =
                "Whether the column drifted in the last window, or could have made it alarm.";
            let is_told = column.verdict.is_drift()
                || (column.verdict != ColumnVerdict::Untested && !column.out_of_reach);
            let is_compared = column.is_compared() && is_told;
            to.gauge("monitor_column_compared", help, &[name], flag(is_compared));
            if !is_compared {
                continue;
            }
            let help = "Whether the column drifted in the last window, at the level of the check.";
            to.gauge(
                "monitor_column_drifted",
                help,
                &[name],
                flag(column.verdict.is_drift()),
            );
            if let Some(effect) = &column.effect {
                let help = "How far the column lay from the reference in the last window.";
                to.gauge(
                    "monitor_column_effect",
                    help,
                    &[name, ("measure", effect.measure())],
                    effect.get(),
                );
            }
        }
    }
}

impl Expose for PerformanceReport {
    fn expose(&self, to: &mut Exposition) {
        let is_judged = self.is_judged();
        let help = "Whether any metric of the model could be judged.";
        to.gauge("performance_judged", help, &[], flag(is_judged));
        // Nothing is said of a model of which nothing is known.
        if is_judged {
            let help = "Whether any metric of the model got worse.";
            to.gauge("performance_worse", help, &[], flag(self.verdict.worse));
        }
        expose_rows(to, "performance_rows", "Labelled rows.", self.rows);
        let help = "Whether errors of neighbouring rows or units are dependent, so that no level need hold.";
        let is_dependent = self.dependence().is_some();
        to.gauge("performance_dependent", help, &[], flag(is_dependent));
        for change in &self.metrics {
            expose_change(to, &OF_PERFORMANCE, &[("metric", &change.metric)], change);
        }
        for segment in &self.segments {
            let mut labels = vec![
                ("metric", segment.change.metric.as_str()),
                ("column", segment.column.as_str()),
                ("segment", segment.name()),
            ];
            // Its name may be that of another one.
            if segment.segment.is_none() {
                labels.push(("segment_is_null", "true"));
            }
            // Nothing is said of a segment of which nothing is known.
            let is_known = segment.change.verdict != ChangeVerdict::Undefined;
            if let Some(change) = segment.change.change.filter(|_| is_known) {
                let worse = flag(segment.change.verdict == ChangeVerdict::Worse);
                let help = "Whether the metric got worse in the segment.";
                to.gauge("performance_segment_worse", help, &labels, worse);
                let help = "What the metric of the segment is more than in the reference.";
                to.gauge("performance_segment_change", help, &labels, change);
            }
        }
        self.target_drift.expose(to);
    }
}

/// Rows that were read, and those that were not for a fault.
fn expose_rows(to: &mut Exposition, name: &'static str, help: &'static str, rows: [Rows; 2]) {
    for (table, rows) in ["reference", "current"].into_iter().zip(rows) {
        let labels = [("table", table)];
        to.gauge(name, help, &labels, rows.labelled as f64);
        let help = "Rows left out for want of a prediction or a feature, not of a label.";
        to.gauge("broken_rows", help, &labels, rows.broken as f64);
    }
}

/// The names of the gauges of a metric.
struct MetricGauges {
    defined: &'static str,
    worse: &'static str,
    value: &'static str,
    low: &'static str,
    high: &'static str,
}

const OF_PERFORMANCE: MetricGauges = MetricGauges {
    defined: "performance_metric_defined",
    worse: "performance_metric_worse",
    value: "performance_metric",
    low: "performance_metric_low",
    high: "performance_metric_high",
};

const OF_ESTIMATES: MetricGauges = MetricGauges {
    defined: "estimated_metric_defined",
    worse: "estimated_metric_worse",
    value: "estimated_metric",
    low: "estimated_metric_low",
    high: "estimated_metric_high",
};

/// A metric in both tables, and whether it got worse.
fn expose_change(
    to: &mut Exposition,
    gauges: &MetricGauges,
    labels: &[(&str, &str)],
    change: &MetricChange,
) {
    let is_defined = change.verdict != ChangeVerdict::Undefined;
    let help = "Whether the metric is defined in both tables.";
    to.gauge(gauges.defined, help, labels, flag(is_defined));
    if is_defined {
        let worse = flag(change.verdict == ChangeVerdict::Worse);
        to.gauge(gauges.worse, "Whether the metric got worse.", labels, worse);
    }
    for (table, figure) in [
        ("reference", &change.reference),
        ("current", &change.current),
    ] {
        let Some(Estimate {
            value, interval, ..
        }) = figure
        else {
            continue;
        };
        let labels = [labels, &[("table", table)]].concat();
        to.gauge(gauges.value, "A metric of the model.", &labels, *value);
        let help = "The lower end of its interval.";
        to.gauge(gauges.low, help, &labels, interval.low());
        let help = "The upper end of its interval.";
        to.gauge(gauges.high, help, &labels, interval.high());
    }
}

impl Expose for EstimatedReport {
    fn expose(&self, to: &mut Exposition) {
        let is_judged = self.is_judged();
        let help = "Whether any method says anything of the model.";
        to.gauge("estimated_judged", help, &[], flag(is_judged));
        let help = "Whether labelled errors of neighbouring rows or units are dependent, so that no level need hold.";
        let is_dependent = self.dependence().is_some();
        to.gauge("estimated_dependent", help, &[], flag(is_dependent));
        // Nothing is said of a model of which nothing is known.
        if is_judged {
            let help = "Whether any metric of the model is expected to be worse.";
            to.gauge(
                "estimated_worse",
                help,
                &[],
                flag(self.verdict.expected_worse),
            );
        }
        let help = "Rows that estimates are of.";
        expose_rows(to, "estimated_rows", help, self.rows);
        for estimates in &self.methods {
            let method = ("method", estimates.method.as_str());
            let help = "Whether the method refuses to say anything.";
            to.gauge(
                "estimated_refused",
                help,
                &[method],
                flag(estimates.refused),
            );
            for change in &estimates.metrics {
                expose_change(
                    to,
                    &OF_ESTIMATES,
                    &[("metric", &change.metric), method],
                    change,
                );
            }
        }
        self.input_drift.expose(to);
    }
}

impl Expose for ValidationReport {
    fn expose(&self, to: &mut Exposition) {
        let help = "Whether every expectation of severity error holds.";
        to.gauge("validation_passed", help, &[], flag(self.passed()));
        let help = "Whether any expectation had something to check.";
        to.gauge("validation_checked", help, &[], flag(self.is_checked()));
        to.gauge(
            "validation_rows",
            "Rows of the table.",
            &[],
            self.rows as f64,
        );
        for result in &self.results {
            let labels = [
                ("column", result.column.as_deref().unwrap_or("")),
                ("expectation", result.expectation.as_str()),
                ("severity", result.severity.as_str()),
            ];
            to.gauge(
                "expectation_holds",
                "Whether the expectation holds.",
                &labels,
                flag(result.passed),
            );
            let help = "Whether there was anything that the expectation applies to.";
            to.gauge(
                "expectation_applies",
                help,
                &labels,
                flag(result.applicable),
            );
            if let Some(serial) = &result.serial_correlation {
                let help = "Whether neighbouring rows or units are dependent, so that its level need not hold.";
                to.gauge(
                    "expectation_dependent",
                    help,
                    &labels,
                    flag(serial.is_conspicuous()),
                );
            }
            let help = "Rows that break the expectation.";
            to.gauge(
                "expectation_broken_rows",
                help,
                &labels,
                result.broken as f64,
            );
        }
    }
}

impl Expose for DataQualityReport {
    fn expose(&self, to: &mut Exposition) {
        self.validation.expose(to);
        for column in &self.columns {
            let name = ("column", column.column.as_str());
            to.gauge(
                "quality_missing_rows",
                "Rows without a value.",
                &[name],
                column.missing as f64,
            );
            if let Some(rules) = column.rules {
                let help =
                    "Rules on the values of the column: of none, whatever they are is no failure.";
                to.gauge("quality_rules", help, &[name], rules as f64);
            }
            let help = "Rows of the column that are infinite, and among no other figure.";
            to.gauge(
                "quality_infinite_rows",
                help,
                &[name],
                column.infinite as f64,
            );
            let figures = [
                ("least", column.least),
                ("mean", column.mean),
                ("greatest", column.greatest),
            ];
            for (figure, value) in figures {
                let Some(value) = value else { continue };
                let labels = [name, ("figure", figure)];
                to.gauge(
                    "quality_figure",
                    "Of the finite numbers of the column.",
                    &labels,
                    value,
                );
            }
        }
    }
}

impl DriftReport {
    /// The report as OpenMetrics 1.0 text, all gauges: the verdict of the batch and of every column
    /// (0 or 1), adjusted p-values, effects by measure with their intervals, shares of missing values, infinite values, how many
    /// [notes](ColumnReport::notes) there are, rows. Of a column of another
    /// schema there is `mlops_drift_column_compared` alone, 0 then, as it is of a column that could not be compared, which has no
    /// `mlops_drift_column_drifted` either: have it alarm, or `mlops_drift_columns_not_compared`. Where nothing could be compared
    /// `mlops_drift_compared` is 0, and there is no `mlops_drift_drifted`. `mlops_drift_material` is `mlops_drift_drifted` where no minimum effect is
    /// declared. Where a [minimum lies in a bracket](ColumnReport::materiality_undecided) `mlops_drift_column_material_decided` is 0; if no other
    /// column drifted materially `mlops_drift_material_decided` is 0, and there is no `mlops_drift_material`.
    /// With labels, or beside other reports, by an [`Exposition`].
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// let report = mlops_drift::DriftCheck::against(&table).run(&table)?;
    /// assert!(report.to_openmetrics().contains("mlops_drift_column_drifted{column=\"x\"} 0\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_openmetrics(&self) -> String {
        one(self)
    }
}

impl MonitorState {
    /// The state as OpenMetrics 1.0 text, all gauges: windows by outcome, and the last window with its columns.
    ///
    /// ```
    /// use mlops_core::evidence::SignificanceLevel;
    /// use mlops_drift::check::MonitorState;
    /// let state = MonitorState::new(SignificanceLevel::FIVE_PERCENT);
    /// assert!(state.to_openmetrics().contains("mlops_drift_monitor_windows{outcome=\"alarm\"} 0\n"));
    /// ```
    pub fn to_openmetrics(&self) -> String {
        one(self)
    }
}

impl PerformanceReport {
    /// The report as OpenMetrics 1.0 text, all gauges: metrics with their intervals, then the drift of target and predictions. Where no metric could
    /// be judged `mlops_drift_performance_judged` is 0, and there is no `mlops_drift_performance_worse`. The segment of
    /// the rows without a value is named `(null)` and has a label `segment_is_null` beside, so that it is not taken for rows of that value.
    pub fn to_openmetrics(&self) -> String {
        one(self)
    }
}

impl EstimatedReport {
    /// The report as OpenMetrics 1.0 text, all gauges: metrics by method with their intervals, then the drift of features and predictions.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = |step: usize| std::sync::Arc::new(Float64Array::from_iter_values((0..200).map(|i| (i * step % 41) as f64))) as ArrayRef;
    /// # let week = RecordBatch::try_from_iter([("delay", column(3)), ("predicted", column(5))])?;
    /// let report = mlops_drift::preset::estimated_regression("delay", "predicted").run(&week, &week)?;
    /// assert!(report.to_openmetrics().contains("mlops_drift_estimated_metric_worse{metric=\"mae\",method=\"direct_loss\"} 0\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_openmetrics(&self) -> String {
        one(self)
    }
}

impl ValidationReport {
    /// The report as OpenMetrics 1.0 text, all gauges: whether each expectation holds, and how many rows break it.
    pub fn to_openmetrics(&self) -> String {
        one(self)
    }
}

impl DataQualityReport {
    /// The report as OpenMetrics 1.0 text, all gauges: the expectations, then figures of the columns.
    pub fn to_openmetrics(&self) -> String {
        one(self)
    }
}

fn figure(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        value => exact(value),
    }
}

fn label_name(name: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = name.chars().map(allowed).collect();
    match name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() {
        true => format!("_{name}"),
        false => name,
    }
}

/// As the format asks: backslash, quote and line feed behind a backslash.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
