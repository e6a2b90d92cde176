//! The reference of [`Tracker`].

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;

use super::store::{MemoryStore, RunState, State};
use crate::{
    Artifact, Digest, Error, ErrorKind, Experiment, ExperimentName, LogBatch, MetricPoint, Result,
    Run, RunId, RunStatus, Timestamp, Tracker, check_artifact_name,
};

#[async_trait]
impl Tracker for MemoryStore {
    async fn create_experiment(&self, name: &ExperimentName) -> Result<Experiment> {
        let mut state = self.lock();
        if state.experiments.contains_key(name) {
            return Err(Error::already_exists("experiment", name));
        }
        let experiment = Experiment {
            name: name.clone(),
            created_at: self.clock.now(),
        };
        state.experiments.insert(name.clone(), experiment.clone());
        Ok(experiment)
    }

    async fn experiments(&self) -> Result<Vec<Experiment>> {
        Ok(self.lock().experiments.values().cloned().collect())
    }

    async fn start_run(&self, experiment: &ExperimentName, name: &str) -> Result<Run> {
        let mut state = self.lock();
        if !state.experiments.contains_key(experiment) {
            return Err(Error::not_found("experiment", experiment));
        }
        let id = state.next_id(self.clock.now());
        let run = Run::started(id, experiment.clone(), name, self.clock.now());
        let kept = RunState {
            run: run.clone(),
            history: BTreeMap::new(),
            artifacts: BTreeMap::new(),
        };
        state.runs.insert(id, kept);
        Ok(run)
    }

    async fn log(&self, run: RunId, batch: LogBatch) -> Result<()> {
        batch.check()?;
        let now = self.clock.now();
        let mut state = self.lock();
        let kept = state.running(run)?;
        for (key, value) in &batch.params {
            match kept.run.params.get(key) {
                Some(old) if old != value => {
                    return Err(Error::already_exists("param", key)
                        .context("value", old)
                        .context("given", value));
                }
                _ => {}
            }
        }
        kept.run.params.extend(batch.params);
        kept.run.tags.extend(batch.tags);
        kept.run.inputs.extend(batch.inputs);
        kept.run.inputs.sort();
        kept.run.inputs.dedup();
        for metric in batch.metrics {
            let point = MetricPoint {
                step: metric.step,
                value: metric.value,
                time: now,
            };
            let history = kept.history.entry(metric.key.clone()).or_default();
            // Behind all of its own step: sorted by step, and within one by time of logging.
            let place = history.partition_point(|old| old.step <= point.step);
            history.insert(place, point);
            if let Some(latest) = history.last() {
                kept.run.metrics.insert(metric.key, *latest);
            }
        }
        Ok(())
    }

    async fn put_artifact(&self, run: RunId, name: &str, bytes: Bytes) -> Result<Artifact> {
        check_artifact_name(name)?;
        let artifact = Artifact {
            name: name.to_owned(),
            digest: Digest::of(&bytes),
            size: bytes.len() as u64,
        };
        let mut state = self.lock();
        let kept = state.running(run)?;
        match kept.artifacts.get(name) {
            Some((old, _)) if *old != artifact => {
                return Err(Error::already_exists("artifact", name));
            }
            _ => kept
                .artifacts
                .insert(name.to_owned(), (artifact.clone(), bytes)),
        };
        Ok(artifact)
    }

    async fn end_run(&self, run: RunId, status: RunStatus) -> Result<()> {
        if !status.is_final() {
            return Err(Error::invalid(
                "a run ends as finished, failed or killed, got running",
            ));
        }
        let now = self.clock.now();
        let mut state = self.lock();
        if state.get(run)?.run.status == status {
            return Ok(());
        }
        let kept = state.running(run)?;
        kept.run.status = status;
        kept.run.ended_at = Some(now);
        Ok(())
    }

    async fn run(&self, run: RunId) -> Result<Run> {
        Ok(self.lock().get(run)?.run.clone())
    }

    async fn runs(&self, experiment: &ExperimentName) -> Result<Vec<Run>> {
        let state = self.lock();
        if !state.experiments.contains_key(experiment) {
            return Err(Error::not_found("experiment", experiment));
        }
        let runs = state.runs.values().rev().map(|kept| &kept.run);
        Ok(runs
            .filter(|run| run.experiment == *experiment)
            .cloned()
            .collect())
    }

    async fn metric_history(&self, run: RunId, key: &str) -> Result<Vec<MetricPoint>> {
        let state = self.lock();
        let history = &state.get(run)?.history;
        Ok(history.get(key).cloned().unwrap_or_default())
    }

    async fn artifacts(&self, run: RunId) -> Result<Vec<Artifact>> {
        let state = self.lock();
        let artifacts = state.get(run)?.artifacts.values();
        Ok(artifacts.map(|(artifact, _)| artifact.clone()).collect())
    }

    async fn artifact(&self, run: RunId, name: &str) -> Result<Bytes> {
        let state = self.lock();
        let found = state.get(run)?.artifacts.get(name);
        found
            .map(|(_, bytes)| bytes.clone())
            .ok_or_else(|| Error::not_found("artifact", name))
    }
}

impl State {
    fn get(&self, run: RunId) -> Result<&RunState> {
        self.runs
            .get(&run)
            .ok_or_else(|| Error::not_found("run", run))
    }

    /// A run that still takes something.
    fn running(&mut self, run: RunId) -> Result<&mut RunState> {
        let kept = self
            .runs
            .get_mut(&run)
            .ok_or_else(|| Error::not_found("run", run))?;
        if kept.run.status.is_final() {
            return Err(Error::new(ErrorKind::Conflict, "the run has ended").context("run", run));
        }
        Ok(kept)
    }

    /// Ids need only be unique here: the count of runs stands where others have randomness.
    fn next_id(&self, now: Timestamp) -> RunId {
        let mut tail = [0; 10];
        tail[2..].copy_from_slice(&(self.runs.len() as u64).to_be_bytes());
        RunId::from_parts(now, tail)
    }
}
