use std::fmt;

use mlops_core::Result;
use mlops_core::evidence::{Evidence, SignificanceLevel};
use serde::{Deserialize, Serialize};

use super::change::{ChangeVerdict, MetricChange};
use super::errors::dependence_of_estimates;
use super::report::{Rows, lost};
use crate::DriftReport;
use crate::report::SerialCorrelation;
use crate::report::junit::{Case, suite};
use crate::report::markdown::{escaped, table};
use crate::report::{named, version};

/// Figures and columns that a reason names.
const NAMES: usize = 12;

/// A method that estimates metrics without labels.
///
/// ```
/// use mlops_drift::preset::EstimationMethod;
/// assert_eq!(EstimationMethod::DirectLoss.to_string(), "direct_loss");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EstimationMethod {
    /// [`Cbpe`](crate::performance::Cbpe), calibrated on the reference.
    Cbpe,
    /// [`LabelShift`](crate::performance::LabelShift).
    LabelShift,
    /// [`ImportanceWeighted`](crate::performance::ImportanceWeighted).
    ImportanceWeighting,
    /// [`DirectLoss`](crate::performance::DirectLoss).
    DirectLoss,
    /// [`PredictionPowered`](crate::performance::PredictionPowered), by the few labels that there are.
    PredictionPowered,
}

impl EstimationMethod {
    /// As it is written in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cbpe => "cbpe",
            Self::LabelShift => "label_shift",
            Self::ImportanceWeighting => "importance_weighting",
            Self::DirectLoss => "direct_loss",
            Self::PredictionPowered => "prediction_powered",
        }
    }

    /// What it takes for granted, in plain language.
    ///
    /// ```
    /// use mlops_drift::preset::EstimationMethod;
    /// assert_eq!(EstimationMethod::LabelShift.assumption(), "only the shares of the classes changed");
    /// ```
    pub fn assumption(self) -> &'static str {
        match self {
            Self::Cbpe => "a probability means what it meant in the reference",
            Self::LabelShift => "only the shares of the classes changed",
            Self::ImportanceWeighting => "only the inputs changed",
            Self::DirectLoss => "rows that are alike have the loss that they had",
            Self::PredictionPowered => "the rows with labels are a random sample",
        }
    }
}

impl fmt::Display for EstimationMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What one method makes of the metrics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimates {
    /// The method.
    pub method: EstimationMethod,
    /// What it takes for granted.
    pub assumption: String,
    /// How far the tables bear that out, or why the method refuses.
    pub diagnosis: String,
    /// Whether it estimates none of them.
    pub refused: bool,
    /// Its metrics: those of the reference by its labels, and the current ones as they are estimated.
    pub metrics: Vec<MetricChange>,
}

/// What an [`EstimatedPerformance`](super::EstimatedPerformance) found.
///
/// ```
/// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
/// # let column = |step: usize| std::sync::Arc::new(Float64Array::from_iter_values((0..200).map(|i| (i * step % 41) as f64))) as ArrayRef;
/// # let week = RecordBatch::try_from_iter([("delay", column(3)), ("predicted", column(5))])?;
/// use mlops_drift::preset::EstimatedReport;
/// let report = mlops_drift::preset::estimated_regression("delay", "predicted").run(&week, &week)?;
/// assert_eq!(report.headline(), "regression without labels: no sign that it got worse");
/// assert_eq!(EstimatedReport::from_json(&report.to_json()?)?, report);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EstimatedReport {
    /// Of the format: 1.
    #[serde(deserialize_with = "version::known")]
    pub version: u16,
    /// What the model does.
    pub task: String,
    /// The verdict on the model.
    pub verdict: EstimatedVerdict,
    /// The false-alarm rate asked for.
    pub level: SignificanceLevel,
    /// The methods with their metrics.
    pub methods: Vec<Estimates>,
    /// Rows of reference and current table; those of the latter have no labels, or few.
    pub rows: [Rows; 2],
    /// Whether features and predictions drifted.
    pub input_drift: DriftReport,
    /// How much errors of neighbouring labelled rows, or units, resemble each other, which estimates take for independent, in the table in which they do so the
    /// more surprisingly; `None` of fewer than 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_correlation: Option<SerialCorrelation>,
}

/// The verdict on the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EstimatedVerdict {
    /// Whether any metric is expected to be worse, by any method. If the methods' assumptions hold, and the model performs as it did, this is
    /// so with probability about `level` at most.
    pub expected_worse: bool,
    /// The metrics that are, each as `accuracy by cbpe`.
    pub worse_metrics: Vec<String>,
    /// The methods that refuse: what they assume does not hold, or cannot be used.
    pub refused: Vec<EstimationMethod>,
    /// In plain language, with what no estimate sees.
    pub reason: String,
}

impl Estimates {
    /// With a diagnosis, or the reason of a refusal.
    pub(super) fn of(
        method: EstimationMethod,
        diagnosis: std::result::Result<String, String>,
        metrics: Vec<MetricChange>,
    ) -> Self {
        let refused = metrics.iter().all(|metric| metric.current.is_none());
        let why = metrics.first().filter(|_| refused);
        let why = why.map_or_else(String::new, |metric| format!("; {}", metric.reason));
        Self {
            method,
            assumption: method.assumption().to_owned(),
            refused,
            diagnosis: match diagnosis {
                Ok(diagnosis) => format!("{diagnosis}{why}"),
                Err(refusal) => refusal,
            },
            metrics,
        }
    }

    /// Its metrics, each as `accuracy by cbpe`.
    fn named(&self) -> impl Iterator<Item = (String, &MetricChange)> {
        let metrics = self.metrics.iter();
        metrics.map(|change| (format!("{} by {}", change.metric, self.method), change))
    }

    fn worse(&self) -> impl Iterator<Item = String> {
        let worse = self.named();
        let worse = worse.filter(|(_, change)| change.verdict == ChangeVerdict::Worse);
        worse.map(|(name, _)| name)
    }

    /// Metrics without a figure, of a method that gives others.
    fn undefined(&self) -> impl Iterator<Item = String> {
        let undefined = self.named().filter(|_| !self.refused);
        let undefined = undefined.filter(|(_, change)| change.verdict == ChangeVerdict::Undefined);
        let undefined = undefined.filter(|(_, change)| !change.is_untold());
        undefined.map(|(name, _)| name)
    }

    /// Metrics with a figure, of which too little is known to tell a change.
    fn untold(&self) -> impl Iterator<Item = String> {
        let untold = self.named().filter(|(_, change)| change.is_untold());
        untold.map(|(name, _)| name)
    }

    /// As lines of a table: metric, method, verdict, figures and change.
    pub(super) fn cells(&self) -> impl Iterator<Item = ([String; 6], &MetricChange)> {
        self.metrics.iter().map(|change| {
            let [metric, verdict, reference, current, told] = change.cells();
            let method = self.method.to_string();
            ([metric, method, verdict, reference, current, told], change)
        })
    }

    /// Of a table of methods: its name, what it takes for granted, and how far the tables bear that out.
    pub(super) fn assumed(&self) -> [String; 3] {
        let told = match self.refused {
            true => format!("refused: {}", self.diagnosis),
            false => self.diagnosis.clone(),
        };
        [self.method.to_string(), self.assumption.clone(), told]
    }
}

/// How many metrics are defined, estimated and by the labels of the reference, and known well enough.
fn judged(methods: &[Estimates]) -> usize {
    let metrics = methods.iter().flat_map(|estimates| &estimates.metrics);
    let judged = metrics.filter(|metric| metric.verdict != ChangeVerdict::Undefined);
    judged.count()
}

/// Of metrics with a figure, if there are any.
fn too_little(untold: &[String]) -> Option<String> {
    (!untold.is_empty()).then(|| format!("too little to tell: {}", named(untold.iter(), NAMES)))
}

impl EstimatedVerdict {
    fn of(methods: &[Estimates], input_drift: &DriftReport, lost: Option<String>) -> Self {
        let worse_metrics: Vec<String> = methods.iter().flat_map(Estimates::worse).collect();
        let refused = methods.iter().filter(|method| method.refused);
        let refused: Vec<EstimationMethod> = refused.map(|method| method.method).collect();
        let undefined: Vec<String> = methods.iter().flat_map(Estimates::undefined).collect();
        let untold: Vec<String> = methods.iter().flat_map(Estimates::untold).collect();
        let judged = judged(methods);
        let inputs = &input_drift.verdict.drifted_columns;
        let told = [
            Some(match worse_metrics.len() {
                0 if refused.len() == methods.len() => "every method refuses".to_owned(),
                0 if untold.len() > judged => "too little to tell whether it got worse".to_owned(),
                0 if judged == 0 => "no metric could be judged".to_owned(),
                0 => "no sign that it got worse".to_owned(),
                _ => format!("expected worse in {}", named(worse_metrics.iter(), NAMES)),
            }),
            (!refused.is_empty() && refused.len() < methods.len()).then(|| {
                let names = refused.iter().map(|method| method.as_str());
                format!("nothing is said by {}", named(names, NAMES))
            }),
            (!undefined.is_empty())
                .then(|| format!("undefined: {}", named(undefined.iter(), NAMES))),
            too_little(&untold),
            Some(match inputs.len() {
                0 if input_drift.verdict.nothing_compared => {
                    "no feature or prediction could be compared".to_owned()
                }
                0 => "no evidence that features or predictions drifted".to_owned(),
                _ => format!("drifted: {}", named(inputs.iter(), NAMES)),
            }),
            lost,
            Some("that the same inputs have other answers now shows in labels alone".to_owned()),
        ];
        Self {
            expected_worse: !worse_metrics.is_empty(),
            worse_metrics,
            refused,
            reason: told.into_iter().flatten().collect::<Vec<_>>().join("; "),
        }
    }
}

impl EstimatedReport {
    pub(super) fn of(
        task: &str,
        level: SignificanceLevel,
        methods: Vec<Estimates>,
        rows: [Rows; 2],
        input_drift: DriftReport,
    ) -> Self {
        Self {
            version: version::VERSION,
            task: task.to_owned(),
            verdict: EstimatedVerdict::of(&methods, &input_drift, lost(&rows, &input_drift)),
            level,
            methods,
            rows,
            input_drift,
            serial_correlation: None,
        }
    }

    /// The same by labelled rows, or units, of which neighbours err so much alike.
    pub(super) fn among(mut self, serial: Option<SerialCorrelation>) -> Self {
        self.serial_correlation = serial;
        if let Some(told) = self.dependence() {
            self.verdict.reason.push_str(&format!("; {told}"));
        }
        self
    }

    /// That errors of neighbours resemble each other, or rows in a column, if they do.
    pub(crate) fn dependence(&self) -> Option<String> {
        dependence_of_estimates(self.serial_correlation, &self.input_drift)
    }

    /// What a method makes of a metric, both by name.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = |step: usize| std::sync::Arc::new(Float64Array::from_iter_values((0..200).map(|i| (i * step % 41) as f64))) as ArrayRef;
    /// # let week = RecordBatch::try_from_iter([("delay", column(3)), ("predicted", column(5))])?;
    /// let report = mlops_drift::preset::estimated_regression("delay", "predicted").run(&week, &week)?;
    /// assert!(report.metric("direct_loss", "mae").is_some() && report.metric("cbpe", "mae").is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn metric(&self, method: &str, metric: &str) -> Option<&MetricChange> {
        let mut of_method = self
            .methods
            .iter()
            .filter(|estimates| estimates.method.as_str() == method);
        let metrics = &of_method.next()?.metrics;
        metrics.iter().find(|change| change.metric == metric)
    }

    /// Whether any metric could be judged by any method; else nothing is concluded of the model.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = |step: usize| std::sync::Arc::new(Float64Array::from_iter_values((0..200).map(|i| (i * step % 41) as f64))) as ArrayRef;
    /// # let week = RecordBatch::try_from_iter([("delay", column(3)), ("predicted", column(5))])?;
    /// let check = mlops_drift::preset::estimated_regression("delay", "predicted");
    /// assert!(check.run(&week, &week)?.is_judged());
    /// assert!(!check.run(&week.slice(0, 2), &week)?.is_judged());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_judged(&self) -> bool {
        judged(&self.methods) > 0
    }

    /// Whether labels of some of the current rows entered.
    fn has_labels(&self) -> bool {
        let of_labels = EstimationMethod::PredictionPowered;
        let mut methods = self.methods.iter();
        methods.any(|estimates| estimates.method == of_labels)
    }

    /// One line that says the most important thing.
    pub fn headline(&self) -> String {
        let untold: Vec<String> = self.methods.iter().flat_map(Estimates::untold).collect();
        let said = match self.verdict.worse_metrics.len() {
            0 if untold.len() > judged(&self.methods) => format!(
                "too little to tell whether it got worse, {} rows against {}",
                self.rows[1].labelled, self.rows[0].labelled
            ),
            0 if !self.is_judged() => "nothing can be said of it".to_owned(),
            0 => "no sign that it got worse".to_owned(),
            _ => format!(
                "expected worse in {}",
                named(self.verdict.worse_metrics.iter(), NAMES)
            ),
        };
        let labels = match self.has_labels() {
            true => "with few labels",
            false => "without labels",
        };
        let lost = lost(&self.rows, &self.input_drift);
        let lost = lost.map_or_else(String::new, |lost| format!("; {lost}"));
        let too_little = too_little(&untold).map_or_else(String::new, |told| format!("; {told}"));
        let refused = self.verdict.refused.iter().map(|method| method.as_str());
        let refused = named(refused, NAMES);
        let refused = match refused.is_empty() || !self.is_judged() {
            true => String::new(),
            false => format!("; nothing is said by {refused}"),
        };
        format!("{} {labels}: {said}{too_little}{refused}{lost}", self.task)
    }

    /// The changes as evidence for a decision, each with the method that estimates it, and that of the [drift](DriftReport::evidence) of features and
    /// predictions.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = |step: usize| std::sync::Arc::new(Float64Array::from_iter_values((0..200).map(|i| (i * step % 41) as f64))) as ArrayRef;
    /// # let week = RecordBatch::try_from_iter([("delay", column(3)), ("predicted", column(5))])?;
    /// let report = mlops_drift::preset::estimated_regression("delay", "predicted").run(&week, &week)?;
    /// assert_eq!(report.evidence()[0].name, "change of mae by importance_weighting");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn evidence(&self) -> Vec<Evidence> {
        let changes = self.methods.iter().flat_map(|estimates| {
            let changes = estimates.named();
            changes.filter_map(|(name, change)| {
                let evidence = Evidence::new(format!("change of {name}"), change.interval?);
                let (reason, assumption) = (&change.reason, &estimates.assumption);
                Some(evidence.saying(format!("{reason}; assumed: {assumption}")))
            })
        });
        changes.chain(self.input_drift.evidence()).collect()
    }

    /// The report as JSON.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// A report from its JSON.
    ///
    /// # Errors
    /// [`Unsupported`](mlops_core::ErrorKind::Unsupported) for a newer version;
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for anything else that is no report.
    pub fn from_json(json: &str) -> Result<Self> {
        version::from_json(json)
    }

    /// The report as Markdown (GitHub's tables): metrics by method, then what each method assumes and how far the tables bear that out, then
    /// the drift of features and predictions. Names are escaped.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = |step: usize| std::sync::Arc::new(Float64Array::from_iter_values((0..200).map(|i| (i * step % 41) as f64))) as ArrayRef;
    /// # let week = RecordBatch::try_from_iter([("delay", column(3)), ("predicted", column(5))])?;
    /// let report = mlops_drift::preset::estimated_regression("delay", "predicted").run(&week, &week)?;
    /// assert!(report.to_markdown().contains("| mae | direct\\_loss | same |"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_markdown(&self) -> String {
        let header = [
            "metric",
            "method",
            "verdict",
            "reference, by labels",
            "now, estimated",
            "change",
        ];
        let metrics = self.methods.iter().flat_map(Estimates::cells);
        let methods = self.methods.iter().map(Estimates::assumed);
        format!(
            "### {}\n\n{}\n\n{}\n{}\n{} rows against {} labelled ones of the reference; {} and {} were left out for lack of a value; \
             all intervals together at {}, where the assumptions hold\n\n#{}",
            escaped(&self.headline()),
            escaped(&self.verdict.reason),
            table(header, metrics.map(|(cells, _)| cells)),
            table(["method", "assumes", "in these tables"], methods),
            self.rows[1].labelled,
            self.rows[0].labelled,
            self.rows[1].left_out,
            self.rows[0].left_out,
            1.0 - self.level.get(),
            self.input_drift.to_markdown()
        )
    }

    /// The report as JUnit XML: a test case for every metric by every method, which fails if it is expected to be worse, and is skipped where
    /// the method refuses; where [all of them do](Self::is_judged) it is an error. Inputs that are missing more often are an error of their own.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = |step: usize| std::sync::Arc::new(Float64Array::from_iter_values((0..200).map(|i| (i * step % 41) as f64))) as ArrayRef;
    /// # let week = RecordBatch::try_from_iter([("delay", column(3)), ("predicted", column(5))])?;
    /// let check = mlops_drift::preset::estimated_regression("delay", "predicted");
    /// assert!(check.run(&week, &week)?.to_junit().contains(r#"failures="0" skipped="0" errors="0""#));
    /// assert!(check.run(&week.slice(0, 2), &week)?.to_junit().contains(r#"errors="4""#)); // nothing can be said
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_junit(&self) -> String {
        let changes: Vec<(String, &MetricChange)> =
            self.methods.iter().flat_map(Estimates::named).collect();
        let cases = changes.iter().map(|(name, change)| Case {
            name,
            outcome: change.outcome(self.is_judged()),
        });
        let lost = lost(&self.rows, &self.input_drift);
        let lost = lost.as_deref().map(Case::of_lost);
        let dependence = self.dependence().filter(|_| self.is_judged());
        let dependent = dependence.as_deref().map(Case::of_dependence);
        suite(
            "estimated performance",
            &cases.chain(lost).chain(dependent).collect::<Vec<_>>(),
        )
    }
}
