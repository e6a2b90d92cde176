//! Experiments and runs: what was tried, with which settings, and what came out.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{DatasetReference, Digest, Error, ErrorKind, ExperimentName, Result, RunId, Timestamp};

/// A group of comparable runs.
///
/// ```
/// use mlops_core::{Experiment, ExperimentName};
/// let experiment = Experiment {
///     name: ExperimentName::new("delays")?,
///     created_at: "2013-04-01T00:00:00Z".parse().unwrap(),
/// };
/// assert_eq!(experiment.name.as_str(), "delays");
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Experiment {
    /// Its name, unique in a store.
    pub name: ExperimentName,
    /// When it was created.
    pub created_at: Timestamp,
}

/// Where a run stands.
///
/// ```
/// use mlops_core::RunStatus;
/// assert!(RunStatus::Failed.is_final());
/// assert!(!RunStatus::Running.is_final());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Still at work.
    Running,
    /// Ended as planned.
    Finished,
    /// Ended by a fault.
    Failed,
    /// Ended from outside.
    Killed,
}

impl RunStatus {
    /// Whether nothing more can be logged.
    pub fn is_final(self) -> bool {
        self != Self::Running
    }
}

/// One value of a metric. `step` is the caller's own count (epoch, batch); NaN and infinity are
/// values like any other: a diverged loss is a result.
///
/// ```
/// use mlops_core::Metric;
/// let metric = Metric::new("loss", 0.31).at_step(4);
/// assert_eq!(metric.step, 4);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// The metric's name.
    pub key: String,
    /// The value.
    pub value: f64,
    /// The step.
    pub step: i64,
}

impl Metric {
    /// A value at step 0.
    pub fn new(key: impl Into<String>, value: f64) -> Self {
        Self {
            key: key.into(),
            value,
            step: 0,
        }
    }

    /// The same value at this step.
    #[must_use]
    pub fn at_step(mut self, step: i64) -> Self {
        self.step = step;
        self
    }
}

/// A logged value of a metric.
///
/// ```
/// use mlops_core::MetricPoint;
/// let point = MetricPoint { step: 1, value: 0.5, time: "2013-04-01T00:00:00Z".parse().unwrap() };
/// assert_eq!(point.step, 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricPoint {
    /// The step.
    pub step: i64,
    /// The value.
    pub value: f64,
    /// When it was logged.
    pub time: Timestamp,
}

/// What is logged in one go: all of it, or nothing.
///
/// ```
/// use mlops_core::{LogBatch, Metric};
///
/// let batch = LogBatch::new()
///     .param("learning_rate", 0.001)
///     .tag("stage", "trial")
///     .metric(Metric::new("loss", 0.4).at_step(1));
/// assert_eq!(batch.params["learning_rate"], "0.001");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogBatch {
    /// Settings: written once.
    pub params: BTreeMap<String, String>,
    /// Notes: the last one counts.
    pub tags: BTreeMap<String, String>,
    /// Results.
    pub metrics: Vec<Metric>,
    /// Datasets that the run read.
    pub inputs: Vec<DatasetReference>,
}

impl LogBatch {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a param.
    #[must_use]
    pub fn param(mut self, key: impl Into<String>, value: impl ToString) -> Self {
        self.params.insert(key.into(), value.to_string());
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, key: impl Into<String>, value: impl ToString) -> Self {
        self.tags.insert(key.into(), value.to_string());
        self
    }

    /// Adds a metric.
    #[must_use]
    pub fn metric(mut self, metric: Metric) -> Self {
        self.metrics.push(metric);
        self
    }

    /// Adds an input dataset.
    #[must_use]
    pub fn input(mut self, dataset: DatasetReference) -> Self {
        self.inputs.push(dataset);
        self
    }

    /// Whether every key is 1 to 250 characters long, and every value at most 8,000.
    ///
    /// # Errors
    /// `InvalidArgument` with the key and the allowed range.
    pub fn check(&self) -> Result<()> {
        let texts = self.params.iter().chain(&self.tags);
        let metrics = self.metrics.iter().map(|metric| &metric.key);
        for key in texts.clone().map(|(key, _)| key).chain(metrics) {
            if !(1..=250).contains(&key.chars().count()) {
                return Err(Error::invalid(format!(
                    "a key must be 1 to 250 characters, got {} in {key:?}",
                    key.chars().count()
                )));
            }
        }
        for (key, value) in texts {
            if value.chars().count() > 8_000 {
                return Err(Error::invalid(format!(
                    "a value must be at most 8000 characters, got {} for {key:?}",
                    value.chars().count()
                )));
            }
        }
        Ok(())
    }
}

/// A run with all that was logged, but for the history of its metrics.
///
/// ```
/// use mlops_core::{ExperimentName, Run, RunId, RunStatus};
/// let time = "2013-04-01T00:00:00Z".parse().unwrap();
/// let run = Run::started(RunId::from_parts(time, [0; 10]), ExperimentName::new("delays")?, "first", time);
/// assert_eq!(run.status, RunStatus::Running);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its identity.
    pub id: RunId,
    /// The experiment that it belongs to.
    pub experiment: ExperimentName,
    /// A name for people; need not be unique.
    pub name: String,
    /// Where it stands.
    pub status: RunStatus,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it ended, if it has.
    pub ended_at: Option<Timestamp>,
    /// Settings.
    pub params: BTreeMap<String, String>,
    /// Notes.
    pub tags: BTreeMap<String, String>,
    /// The latest value of each metric: that of the greatest step, and of those the last logged.
    pub metrics: BTreeMap<String, MetricPoint>,
    /// Datasets that it read, in the order of their names.
    pub inputs: Vec<DatasetReference>,
}

impl Run {
    /// A run that has just been started.
    pub fn started(
        id: RunId,
        experiment: ExperimentName,
        name: impl Into<String>,
        started_at: Timestamp,
    ) -> Self {
        Self {
            id,
            experiment,
            name: name.into(),
            status: RunStatus::Running,
            started_at,
            ended_at: None,
            params: BTreeMap::new(),
            tags: BTreeMap::new(),
            metrics: BTreeMap::new(),
            inputs: Vec::new(),
        }
    }
}

/// A file of a run.
///
/// ```
/// use mlops_core::{Artifact, Digest};
/// let artifact = Artifact { name: "model.safetensors".into(), digest: Digest::of(b"abc"), size: 3 };
/// assert_eq!(artifact.size, 3);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Its name within the run, such as `plots/roc.svg`; a label, never a path on disk.
    pub name: String,
    /// The digest of its bytes.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// Records experiments.
///
/// # Contract
/// - What returned `Ok` is durable, as far as the implementation is: an in-memory one says so.
/// - [`log`](Tracker::log) is atomic: a reader sees all of a batch or nothing of it; an `Err` has
///   changed nothing. Concurrent batches for one run are applied one after the other.
/// - A param is written once: the same value again is fine, another one is `AlreadyExists`.
/// - A run that ended takes no more: `Conflict`.
/// - Metrics keep every point; the same `(key, step)` logged twice is two points, in order.
/// - Dropping a call's future leaves either all or nothing of it.
///
/// # Errors
/// `NotFound` for an experiment, run or artifact that does not exist; `InvalidArgument` for keys
/// and values outside [`LogBatch::check`]'s ranges.
///
/// [`MemoryStore`](crate::memory::MemoryStore) is the readable reference.
#[async_trait]
pub trait Tracker: Send + Sync {
    /// Creates an experiment. `AlreadyExists` if there is one of that name.
    async fn create_experiment(&self, name: &ExperimentName) -> Result<Experiment>;

    /// The experiments, in the order of their names.
    async fn experiments(&self) -> Result<Vec<Experiment>>;

    /// Starts a run.
    async fn start_run(&self, experiment: &ExperimentName, name: &str) -> Result<Run>;

    /// Adds params, tags, metrics and inputs to a running run, all or nothing.
    async fn log(&self, run: RunId, batch: LogBatch) -> Result<()>;

    /// Stores a file of a running run, under a name that is new in it. The same name with the same
    /// bytes again is fine; with others it is `AlreadyExists`.
    async fn put_artifact(&self, run: RunId, name: &str, bytes: Bytes) -> Result<Artifact>;

    /// Ends a run. `status` must be final; ending it again with the same status is fine, with
    /// another it is `Conflict`.
    async fn end_run(&self, run: RunId, status: RunStatus) -> Result<()>;

    /// A run.
    async fn run(&self, run: RunId) -> Result<Run>;

    /// The runs of an experiment, the latest started first.
    async fn runs(&self, experiment: &ExperimentName) -> Result<Vec<Run>>;

    /// All points of a metric, by step, and within a step in the order of logging. Empty if it was
    /// never logged.
    async fn metric_history(&self, run: RunId, key: &str) -> Result<Vec<MetricPoint>>;

    /// The files of a run, in the order of their names.
    async fn artifacts(&self, run: RunId) -> Result<Vec<Artifact>>;

    /// The bytes of a file, checked against their digest: `Corrupt` if they do not match.
    async fn artifact(&self, run: RunId, name: &str) -> Result<Bytes>;
}

/// Checks an artifact's name: 1 to 500 characters, parts between single slashes, no part `.` or
/// `..`, no control character, no backslash.
///
/// # Errors
/// `InvalidArgument` with the name.
///
/// ```
/// use mlops_core::check_artifact_name;
/// assert!(check_artifact_name("plots/roc.svg").is_ok());
/// assert!(check_artifact_name("../secret").is_err());
/// ```
pub fn check_artifact_name(name: &str) -> Result<()> {
    let part_is_fine = |part: &str| !matches!(part, "" | "." | "..");
    let is_fine = (1..=500).contains(&name.chars().count())
        && !name.contains(|c: char| c.is_control() || c == '\\')
        && name.split('/').all(part_is_fine);
    is_fine.then_some(()).ok_or_else(|| {
        Error::invalid(format!(
            "an artifact name must be 1 to 500 characters, parts between single slashes, none of them \".\" or \"..\", got {name:?}"
        ))
    })
}

/// What every [`Tracker`] can do besides, built from its own methods.
#[async_trait]
pub trait TrackerExt: Tracker {
    /// The experiment of that name, created if there is none.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use mlops_core::{ExperimentName, SystemClock, TrackerExt, memory::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> mlops_core::Result<()> {
    /// let store = MemoryStore::new(Arc::new(SystemClock::new()));
    /// let name = ExperimentName::new("delays")?;
    /// let first = store.ensure_experiment(&name).await?;
    /// assert_eq!(store.ensure_experiment(&name).await?, first);
    /// # Ok(())
    /// # }
    /// ```
    async fn ensure_experiment(&self, name: &ExperimentName) -> Result<Experiment> {
        match self.create_experiment(name).await {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let all = self.experiments().await?;
                let found = all.into_iter().find(|experiment| experiment.name == *name);
                found.ok_or(error)
            }
            created => created,
        }
    }
}

impl<T: Tracker + ?Sized> TrackerExt for T {}
