//! The state that the three stores in memory share.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::{
    Alias, AliasChange, Artifact, Clock, Event, Experiment, ExperimentName, MetricPoint, ModelName,
    ModelVersion, RegisteredModel, Run, RunId, StoredState, Subject, VersionNumber,
};

/// Experiments, models and decisions in memory. Nothing outlives the last clone of it.
///
/// Cheap to clone: clones share the state. Every call takes one lock, so calls are atomic.
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::memory::MemoryStore;
/// use mlops_core::{ExperimentName, LogBatch, Metric, RunStatus, SystemClock, Tracker};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> mlops_core::Result<()> {
/// let store = MemoryStore::new(Arc::new(SystemClock::new()));
/// let experiment = ExperimentName::new("delays")?;
/// store.create_experiment(&experiment).await?;
/// let run = store.start_run(&experiment, "first").await?;
/// store.log(run.id, LogBatch::new().metric(Metric::new("auc", 0.7))).await?;
/// store.end_run(run.id, RunStatus::Finished).await?;
/// assert_eq!(store.run(run.id).await?.metrics["auc"].value, 0.7);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    pub(super) clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            state: Arc::default(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is made after all of its checks, so a panic cannot have torn the state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

#[derive(Default)]
pub(super) struct State {
    pub(super) experiments: BTreeMap<ExperimentName, Experiment>,
    pub(super) runs: BTreeMap<RunId, RunState>,
    pub(super) models: BTreeMap<ModelName, ModelState>,
    pub(super) subjects: BTreeMap<Subject, StoredState>,
    pub(super) events: Vec<Event>,
}

pub(super) struct RunState {
    pub(super) run: Run,
    pub(super) history: BTreeMap<String, Vec<MetricPoint>>,
    pub(super) artifacts: BTreeMap<String, (Artifact, Bytes)>,
}

pub(super) struct ModelState {
    pub(super) model: RegisteredModel,
    pub(super) versions: Vec<(ModelVersion, Bytes)>,
    pub(super) aliases: BTreeMap<Alias, VersionNumber>,
    pub(super) history: Vec<AliasChange>,
}
