use std::fmt;

use mlops_core::evidence::{Evidence, SignificanceLevel};
use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::change::{Better, ChangeVerdict, MetricChange};
use super::errors::dependence;
use super::measure::SKILL;
use super::read::Labelled;
use super::task::Task;
use crate::DriftReport;
use crate::performance::{Confusion, Estimate, Reliability};
use crate::report::junit::{Case, Outcome, suite};
use crate::report::markdown::{escaped, table};
use crate::report::{
    Distribution, SerialCorrelation, named as listed, scaled as in_words, signed, version,
};

/// Metrics and segments that a headline names.
const NAMES: usize = 12;

/// What a [`PerformanceCheck`](super::PerformanceCheck) found.
///
/// ```
/// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
/// # let column = std::sync::Arc::new(Float64Array::from_iter_values((0..40).map(f64::from))) as ArrayRef;
/// # let week = RecordBatch::try_from_iter([("delay", column.clone()), ("predicted", column)])?;
/// use mlops_drift::preset::PerformanceReport;
/// let report = mlops_drift::preset::regression("delay", "predicted").run(&week, &week)?;
/// assert_eq!(report.headline(), "regression: no evidence that it got worse");
/// assert_eq!(PerformanceReport::from_json(&report.to_json()?)?, report);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PerformanceReport {
    /// Of the format: 1.
    #[serde(deserialize_with = "version::known")]
    pub version: u16,
    /// What the model does.
    pub task: String,
    /// The verdict on the model.
    pub verdict: PerformanceVerdict,
    /// The false-alarm rate asked for.
    pub level: SignificanceLevel,
    /// The metrics, the primary one first.
    pub metrics: Vec<MetricChange>,
    /// The primary metric by the values of a column, where that was asked for: worse ones first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<SegmentChange>,
    /// Rows of reference and current table.
    pub rows: [Rows; 2],
    /// Shares per bin of what describes the predictions best, for a picture.
    pub picture: Option<Picture>,
    /// True against predicted classes.
    pub confusion: Option<Classes>,
    /// Predicted and observed shares of two classes, in reference and current table.
    pub reliability: Option<[Reliability; 2]>,
    /// Whether target and predictions drifted.
    pub target_drift: DriftReport,
    /// How much errors of neighbouring rows, or units, resemble each other, signed or in size (of lists, their NDCG), which metrics take for independent, in the
    /// table in which they do so the more surprisingly; `None` of fewer than 20 in both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_correlation: Option<SerialCorrelation>,
}

/// The verdict on the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PerformanceVerdict {
    /// Whether any metric got worse, of all rows or in a segment. Without a change this is so with probability about `level` at most.
    pub worse: bool,
    /// The metrics that did.
    pub worse_metrics: Vec<String>,
    /// The segments in which the primary metric did, each as `column = value`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub worse_segments: Vec<String>,
    /// The segments of which nothing was concluded: too small, or gone from one of the tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undefined_segments: Vec<String>,
    /// The metrics that got better, which is no alarm.
    pub improved_metrics: Vec<String>,
    /// The metrics of which nothing was concluded: undefined in one of the tables, or known too little to tell a change.
    #[serde(default)]
    pub undefined_metrics: Vec<String>,
    /// In plain language; empty in reports that were written before it was told.
    #[serde(default)]
    pub reason: String,
}

/// How many rows entered, and how many did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// With a label and a prediction.
    pub labelled: usize,
    /// Without one of them.
    pub left_out: usize,
    /// Those among them that have their label, if it is asked for, but lack a prediction, or a feature that is compared.
    #[serde(default)]
    pub broken: usize,
}

/// The primary metric in the rows that have one value of a column.
///
/// ```
/// use mlops_drift::performance::Scored;
/// use mlops_drift::preset::{Better, MetricChange, SegmentChange};
/// let accuracy = || Scored::new(&[true, false], &[0.9, 0.1])?.accuracy(0.5);
/// let change = MetricChange::of("accuracy", Better::Higher, accuracy(), accuracy())?;
/// let segment = SegmentChange { column: "origin".into(), segment: None, rows: [2, 2], change };
/// assert_eq!(segment.to_string(), "origin = (null)");
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentChange {
    /// The column.
    pub column: String,
    /// The value; `None` for null.
    pub segment: Option<String>,
    /// Labelled rows in the reference and in the current table.
    pub rows: [usize; 2],
    /// What became of the metric.
    pub change: MetricChange,
}

impl SegmentChange {
    /// The value, or `(null)`.
    pub fn name(&self) -> &str {
        self.segment.as_deref().unwrap_or("(null)")
    }

    /// As a line of a table: segment, verdict, figures and change.
    pub(super) fn cells(&self) -> [String; 5] {
        let mut cells = self.change.cells();
        cells[0] = self.to_string();
        cells
    }
}

impl fmt::Display for SegmentChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.column, self.name())
    }
}

/// A picture of reference and current.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// What is drawn.
    pub title: String,
    /// The shares.
    pub distribution: Distribution,
}

/// How often which class was taken for which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WrittenClasses")]
pub struct Classes {
    /// The names of the classes, in the order of the cells.
    pub names: Vec<String>,
    /// In the reference.
    pub reference: Confusion,
    /// In the current table.
    pub current: Confusion,
}

/// Classes as they are read, before both tables are known to be of them.
#[derive(Deserialize)]
struct WrittenClasses {
    names: Vec<String>,
    reference: Confusion,
    current: Confusion,
}

impl TryFrom<WrittenClasses> for Classes {
    type Error = Error;

    fn try_from(written: WrittenClasses) -> Result<Self> {
        let cells = written.names.len().saturating_mul(written.names.len());
        for confusion in [&written.reference, &written.current] {
            let found = confusion.cells().len();
            if found != cells {
                return Err(Error::invalid(format!(
                    "tables of {} classes must hold {cells} cells, got {found}",
                    written.names.len()
                )));
            }
        }
        Ok(Self {
            names: written.names,
            reference: written.reference,
            current: written.current,
        })
    }
}

/// That predictions, or features, are missing more often than in the reference, as the drift of them has it.
pub(super) fn lost(rows: &[Rows; 2], drift: &DriftReport) -> Option<String> {
    let more = drift.columns.iter().filter(|column| {
        let told = column
            .missing
            .as_ref()
            .is_some_and(|finding| finding.rejected);
        told && column.current_missing > column.reference_missing
    });
    let columns: Vec<&str> = more.map(|column| column.column.as_str()).collect();
    let Rows {
        labelled, broken, ..
    } = rows[1];
    (!columns.is_empty()).then(|| {
        format!(
            "{broken} of {} rows lack a value; missing more often than in the reference: {}",
            labelled.saturating_add(broken),
            listed(columns.iter(), NAMES)
        )
    })
}

impl Rows {
    pub(super) fn of(table: &Labelled) -> Self {
        Self {
            labelled: table.rows.num_rows(),
            left_out: table.left_out,
            broken: table.broken(),
        }
    }
}

impl PerformanceReport {
    pub(super) fn of(
        task: &Task,
        level: SignificanceLevel,
        metrics: Vec<MetricChange>,
        mut segments: Vec<SegmentChange>,
        rows: [Rows; 2],
        target_drift: DriftReport,
    ) -> Self {
        segments.sort_by_key(|segment| segment.change.verdict != ChangeVerdict::Worse);
        Self {
            version: version::VERSION,
            task: task.name().to_owned(),
            verdict: PerformanceVerdict::of(&metrics, &segments, level)
                .with(lost(&rows, &target_drift)),
            level,
            metrics,
            segments,
            rows,
            picture: None,
            confusion: None,
            reliability: None,
            target_drift,
            serial_correlation: None,
        }
    }

    /// The same of rows, or units, of which neighbours err so much alike.
    pub(super) fn among(mut self, serial: Option<SerialCorrelation>) -> Self {
        self.serial_correlation = serial;
        let dependence = self.dependence();
        self.verdict = self.verdict.with(dependence);
        self
    }

    /// That errors of neighbours resemble each other, if they do.
    pub(crate) fn dependence(&self) -> Option<String> {
        dependence(self.serial_correlation, &self.target_drift)
    }

    /// Whether any metric could be judged, of all rows or in a segment; else nothing is concluded of the model.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Float64Array::from_iter_values((0..40).map(f64::from))) as ArrayRef;
    /// # let week = RecordBatch::try_from_iter([("delay", column.clone()), ("predicted", column)])?;
    /// let check = mlops_drift::preset::regression("delay", "predicted");
    /// assert!(check.run(&week, &week)?.is_judged());
    /// assert!(!check.run(&week, &week.slice(0, 1))?.is_judged()); // one row tells nothing
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_judged(&self) -> bool {
        judged(&self.metrics).next().is_some() || judged_segments(&self.segments).next().is_some()
    }

    /// The metric of this name.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Float64Array::from_iter_values((0..40).map(f64::from))) as ArrayRef;
    /// # let week = RecordBatch::try_from_iter([("delay", column.clone()), ("predicted", column)])?;
    /// let report = mlops_drift::preset::regression("delay", "predicted").run(&week, &week)?;
    /// assert_eq!(report.metric("mae").and_then(|mae| mae.change), Some(0.0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn metric(&self, name: &str) -> Option<&MetricChange> {
        self.metrics.iter().find(|change| change.metric == name)
    }

    /// One line that says the most important thing.
    pub fn headline(&self) -> String {
        let (verdict, little) = (&self.verdict, TooLittle::of(&self.metrics));
        let rows = format!(
            "{} rows against {}",
            self.rows[1].labelled, self.rows[0].labelled
        );
        let too_little = || {
            format!(
                "{}: too little to tell whether it got worse, {rows}",
                self.task
            )
        };
        if !self.is_judged() {
            return match little.untold.is_empty() {
                true => format!("{}: no metric could be judged", self.task),
                false => too_little(),
            };
        }
        let mut said = match verdict.worse {
            true => format!(
                "{}: worse in {}",
                self.task,
                listed(verdict.worse_figures(), NAMES)
            ),
            false if little.untold.len() > little.judged => too_little(),
            false => format!("{}: no evidence that it got worse", self.task),
        };
        said.push_str(&little.told("undefined"));
        if !verdict.undefined_segments.is_empty() {
            let names = listed(verdict.undefined_segments.iter(), NAMES);
            said.push_str(&format!("; segments of which nothing is known: {names}"));
        }
        if let Some(lost) = lost(&self.rows, &self.target_drift) {
            said.push_str(&format!("; {lost}"));
        }
        let drifted = &self.target_drift.verdict.drifted_columns;
        if !drifted.is_empty() {
            said.push_str(&format!("; drifted: {}", listed(drifted.iter(), NAMES)));
        }
        said
    }

    /// The changes as evidence for a decision, and that of the [drift](DriftReport::evidence) of target and predictions.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Float64Array::from_iter_values((0..40).map(f64::from))) as ArrayRef;
    /// # let week = RecordBatch::try_from_iter([("delay", column.clone()), ("predicted", column)])?;
    /// let report = mlops_drift::preset::regression("delay", "predicted").run(&week, &week)?;
    /// assert_eq!(report.evidence()[0].name, "change of mae");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn evidence(&self) -> Vec<Evidence> {
        let changes = self.metrics.iter().filter_map(|change| {
            let evidence = Evidence::new(format!("change of {}", change.metric), change.interval?);
            Some(evidence.saying(change.reason.clone()))
        });
        let segments = self.segments.iter().filter_map(|segment| {
            let name = format!("change of {} in {segment}", segment.change.metric);
            Some(
                Evidence::new(name, segment.change.interval?).saying(segment.change.reason.clone()),
            )
        });
        changes
            .chain(segments)
            .chain(self.target_drift.evidence())
            .collect()
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

    /// The report as Markdown (GitHub's tables): the verdict's reason, metrics, how many rows entered and how many were left out, then the drift of target and
    /// predictions. Names are escaped.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Float64Array::from_iter_values((0..40).map(f64::from))) as ArrayRef;
    /// # let week = RecordBatch::try_from_iter([("delay", column.clone()), ("predicted", column)])?;
    /// let report = mlops_drift::preset::regression("delay", "predicted").run(&week, &week)?;
    /// assert!(report.to_markdown().contains("| mae | same |"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_markdown(&self) -> String {
        let header = |what| [what, "verdict", "reference", "now", "change"];
        let segments = match self.segments.first() {
            Some(first) => {
                let rows = self.segments.iter().map(SegmentChange::cells);
                let title = escaped(&first.change.metric);
                format!(
                    "\n#### {title} by segment\n\n{}",
                    table(header("segment"), rows)
                )
            }
            None => String::new(),
        };
        format!(
            "### {}\n\n{}\n\n{}{segments}\n{} labelled rows against {} of the reference; {} and {} were left out for lack of a label or a prediction; \
             all intervals together at {}\n\n#{}",
            escaped(&self.headline()),
            escaped(&self.verdict.reason),
            table(
                header("metric"),
                self.metrics.iter().map(MetricChange::cells)
            ),
            self.rows[1].labelled,
            self.rows[0].labelled,
            self.rows[1].left_out,
            self.rows[0].left_out,
            1.0 - self.level.get(),
            self.target_drift.to_markdown()
        )
    }

    /// The report as JUnit XML: a test case for every metric, and for it in every segment, which fails if it got worse, and is skipped if it is undefined;
    /// where [none could be judged](Self::is_judged) it is an error. Predictions that are missing more often are an error of their own.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Float64Array::from_iter_values((0..40).map(f64::from))) as ArrayRef;
    /// # let week = RecordBatch::try_from_iter([("delay", column.clone()), ("predicted", column)])?;
    /// let report = mlops_drift::preset::regression("delay", "predicted").run(&week, &week)?;
    /// assert!(report.to_junit().contains(r#"failures="0""#));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_junit(&self) -> String {
        let of_segments = self.segments.iter().map(|segment| {
            let name = format!("{} in {segment}", segment.change.metric);
            (name, &segment.change)
        });
        let of_all = self
            .metrics
            .iter()
            .map(|change| (change.metric.clone(), change));
        let changes: Vec<(String, &MetricChange)> = of_all.chain(of_segments).collect();
        let is_judged = self.is_judged();
        let cases = changes.iter().map(|(name, change)| Case {
            name,
            outcome: change.outcome(is_judged),
        });
        let lost = lost(&self.rows, &self.target_drift);
        let lost = lost.as_deref().map(Case::of_lost);
        let dependence = self.dependence().filter(|_| self.is_judged());
        let dependent = dependence.as_deref().map(Case::of_dependence);
        suite(
            "performance",
            &cases.chain(lost).chain(dependent).collect::<Vec<_>>(),
        )
    }
}

/// The metrics that were judged: not those that are undefined, nor those of which a change is told alone.
fn judged(metrics: &[MetricChange]) -> impl Iterator<Item = &MetricChange> {
    let metrics = metrics.iter();
    metrics.filter(|change| {
        change.verdict != ChangeVerdict::Undefined && change.better != Better::Neither
    })
}

fn judged_segments(segments: &[SegmentChange]) -> impl Iterator<Item = &SegmentChange> {
    let segments = segments.iter();
    segments.filter(|segment| segment.change.verdict != ChangeVerdict::Undefined)
}

/// The metrics of which nothing is concluded.
struct TooLittle<'a> {
    undefined: Vec<&'a str>,
    /// Those that are defined, of tables that could not have told a change.
    untold: Vec<&'a str>,
    /// How many there are of the others.
    judged: usize,
}

impl<'a> TooLittle<'a> {
    fn of(metrics: &'a [MetricChange]) -> Self {
        let such = metrics.iter();
        let such = such.filter(|change| change.verdict == ChangeVerdict::Undefined);
        let (untold, undefined): (Vec<&MetricChange>, _) = such.partition(|it| it.is_untold());
        let names = |changes: Vec<&'a MetricChange>| -> Vec<&'a str> {
            changes.iter().map(|it| it.metric.as_str()).collect()
        };
        let (untold, undefined) = (names(untold), names(undefined));
        Self {
            judged: metrics.len() - undefined.len() - untold.len(),
            undefined,
            untold,
        }
    }

    /// Both, each with its names; empty if there are none.
    fn told(&self, undefined: &str) -> String {
        let named = |what: &str, names: &[&str]| match names {
            [] => String::new(),
            names => format!("; {what}: {}", names.join(", ")),
        };
        let too_little = named("too little to tell", &self.untold);
        named(undefined, &self.undefined) + &too_little
    }
}

impl PerformanceVerdict {
    fn of(metrics: &[MetricChange], segments: &[SegmentChange], level: SignificanceLevel) -> Self {
        let named = |verdict: ChangeVerdict| -> Vec<String> {
            let such = metrics.iter().filter(|change| change.verdict == verdict);
            such.map(|change| change.metric.clone()).collect()
        };
        let named_segments = |verdict: ChangeVerdict| -> Vec<String> {
            let such = segments
                .iter()
                .filter(|segment| segment.change.verdict == verdict);
            such.map(SegmentChange::to_string).collect()
        };
        let worse_metrics = named(ChangeVerdict::Worse);
        let worse_segments = named_segments(ChangeVerdict::Worse);
        let mut verdict = Self {
            worse: !worse_metrics.is_empty() || !worse_segments.is_empty(),
            worse_metrics,
            worse_segments,
            undefined_segments: named_segments(ChangeVerdict::Undefined),
            improved_metrics: named(ChangeVerdict::Improved),
            undefined_metrics: named(ChangeVerdict::Undefined),
            reason: String::new(),
        };
        verdict.reason = verdict.explanation(metrics, segments, level);
        verdict
    }

    /// With what else there is to say, if anything is.
    fn with(mut self, more: Option<String>) -> Self {
        if let Some(more) = more {
            self.reason.push_str(&format!("; {more}"));
        }
        self
    }

    /// Metrics that got worse, then segments.
    fn worse_figures(&self) -> impl Iterator<Item = String> {
        let segments = self.worse_segments.iter();
        let segments = segments.map(|segment| format!("segment {segment}"));
        self.worse_metrics.iter().cloned().chain(segments)
    }

    fn explanation(
        &self,
        metrics: &[MetricChange],
        segments: &[SegmentChange],
        level: SignificanceLevel,
    ) -> String {
        let (of_all, of_segments) = (judged(metrics).count(), judged_segments(segments).count());
        if of_all + of_segments == 0 {
            let why = metrics.first().map(|primary| {
                let MetricChange { metric, reason, .. } = primary;
                match primary.is_untold() {
                    true => format!(": {metric}: {reason}"),
                    false => format!(": {metric} is {reason}"),
                }
            });
            return format!(
                "no metric could be judged, and nothing is concluded of the model{}",
                why.unwrap_or_default()
            );
        }
        let mut told = vec![format!(
            "{} of {of_all} metrics got worse",
            self.worse_metrics.len()
        )];
        if !segments.is_empty() {
            let worse = self.worse_segments.len();
            told.push(format!(
                "the primary one in {worse} of {of_segments} segments"
            ));
        }
        let mut said = told.join(", ");
        if self.worse {
            said.push_str(&format!(": {}", listed(self.worse_figures(), NAMES)));
        }
        said.push_str(&format!(
            "; without a change, an alarm has probability about {level} at most"
        ));
        said.push_str(&TooLittle::of(metrics).told("not judged, being undefined"));
        let skill = metrics.iter().find(|change| change.metric == SKILL);
        if let Some(skill) = skill.filter(|skill| skill.is_untold()) {
            said.push_str(&format!(" ({SKILL}: {})", skill.reason));
        }
        if !self.undefined_segments.is_empty() {
            let names = listed(self.undefined_segments.iter(), NAMES);
            said.push_str(&format!("; segments of which nothing is known: {names}"));
        }
        said
    }
}

impl<'a> Case<'a> {
    /// Of values that are missing more often.
    pub(super) fn of_lost(lost: &'a str) -> Self {
        Self {
            name: "missing values",
            outcome: Outcome::Broken(lost),
        }
    }
}

impl MetricChange {
    /// As a test case, of a report in which any metric could be judged, or none.
    pub(super) fn outcome(&self, is_judged: bool) -> Outcome<'_> {
        match self.verdict {
            ChangeVerdict::Same => Outcome::Passed,
            ChangeVerdict::Improved | ChangeVerdict::Changed => Outcome::Noted(&self.reason),
            ChangeVerdict::Worse => Outcome::Failed(&self.reason),
            // A suite of skipped cases passes.
            ChangeVerdict::Undefined if !is_judged => Outcome::Broken(&self.reason),
            ChangeVerdict::Undefined => Outcome::Skipped(&self.reason),
        }
    }

    pub(super) fn cells(&self) -> [String; 5] {
        let figure = |estimate: &Option<Estimate>| match estimate {
            Some(estimate) => format!(
                "{} [{}, {}]",
                in_words(estimate.value),
                in_words(estimate.interval.low()),
                in_words(estimate.interval.high())
            ),
            None => "–".to_owned(),
        };
        let change = match (self.change, self.interval) {
            (Some(change), Some(interval)) => format!(
                "{} [{}, {}]",
                signed(change),
                signed(interval.low()),
                signed(interval.high())
            ),
            _ => self.reason.clone(),
        };
        let verdict = match self.is_untold() {
            true => "too little to tell",
            false => self.verdict.as_str(),
        };
        [
            self.metric.clone(),
            verdict.to_owned(),
            figure(&self.reference),
            figure(&self.current),
            change,
        ]
    }
}
