//! Experiments and runs.

mod batch;
mod read;

use async_trait::async_trait;
use mlops_core::{
    Artifact, Bytes, Error, ErrorKind, Experiment, ExperimentName, LogBatch, MetricPoint, NewEvent,
    Result, Run, RunId, RunStatus, Tracker, check_artifact_name,
};
use sqlx::query;
use tracing::instrument;

use crate::database::{Transaction, to_count};
use crate::events::{append, subject};
use crate::store::SqliteStore;

#[async_trait]
impl Tracker for SqliteStore {
    #[instrument(level = "debug", skip_all, fields(experiment = %name), err(level = "debug"))]
    async fn create_experiment(&self, name: &ExperimentName) -> Result<Experiment> {
        let now = self.inner.now();
        let mut writing = self.inner.write().await?;
        let statement = query(
            "INSERT INTO experiments (name, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        );
        let inserted = writing
            .execute(statement.bind(name.as_str()).bind(now.as_microsecond()))
            .await?;
        if inserted == 0 {
            return Err(Error::already_exists("experiment", name));
        }
        let event = NewEvent::new("experiment_created", self.inner.actor.clone());
        append(&mut writing, subject::experiment(name), now, event).await?;
        writing.commit().await?;
        Ok(Experiment {
            name: name.clone(),
            created_at: now,
        })
    }

    #[instrument(level = "debug", skip_all, err(level = "debug"))]
    async fn experiments(&self) -> Result<Vec<Experiment>> {
        let statement = query("SELECT name, created_at FROM experiments ORDER BY name");
        let rows = self.inner.read().await?.all(statement).await?;
        rows.iter().map(read::experiment).collect()
    }

    #[instrument(level = "debug", skip_all, fields(%experiment, name), err(level = "debug"))]
    async fn start_run(&self, experiment: &ExperimentName, name: &str) -> Result<Run> {
        let mut writing = self.inner.write().await?;
        read::check_experiment(&mut writing, experiment).await?;
        let now = self.inner.now();
        let id = RunId::from_parts(now, self.inner.random());
        let run = Run::started(id, experiment.clone(), name, now);
        insert_run(&mut writing, &run).await?;
        let event = NewEvent::new("run_started", self.inner.actor.clone())
            .detail("experiment", experiment.as_str())
            .detail("name", name);
        append(&mut writing, subject::run(id), now, event).await?;
        writing.commit().await?;
        Ok(run)
    }

    #[instrument(level = "debug", skip_all, fields(%run), err(level = "debug"))]
    async fn log(&self, run: RunId, batch: LogBatch) -> Result<()> {
        batch.check()?;
        let mut writing = self.inner.write().await?;
        let sequence = running(&mut writing, run).await?;
        let now = self.inner.now();
        batch::write(&mut writing, sequence, &batch, now).await?;
        let event = batch::event(&batch, self.inner.actor.clone());
        append(&mut writing, subject::run(run), now, event).await?;
        writing.commit().await
    }

    #[instrument(level = "debug", skip_all, fields(%run, name, bytes = bytes.len()), err(level = "debug"))]
    async fn put_artifact(&self, run: RunId, name: &str, bytes: Bytes) -> Result<Artifact> {
        check_artifact_name(name)?;
        // A look ahead, so that a refused call stores no bytes; what counts is the look below.
        running(&mut self.inner.read().await?, run).await?;
        let size = bytes.len() as u64;
        let artifact = Artifact {
            name: name.to_owned(),
            digest: self.inner.blobs.put(bytes).await?,
            size,
        };
        let mut writing = self.inner.write().await?;
        let sequence = running(&mut writing, run).await?;
        if let Some(old) = read::artifact(&mut writing, run, name).await? {
            return if old == artifact {
                Ok(old)
            } else {
                Err(Error::already_exists("artifact", name).context("run", run))
            };
        }
        insert_artifact(&mut writing, sequence, &artifact).await?;
        let event = NewEvent::new("artifact_stored", self.inner.actor.clone())
            .detail("name", name)
            .detail("digest", artifact.digest.to_string())
            .detail("size", size);
        append(&mut writing, subject::run(run), self.inner.now(), event).await?;
        writing.commit().await?;
        Ok(artifact)
    }

    #[instrument(level = "debug", skip_all, fields(%run, ?status), err(level = "debug"))]
    async fn end_run(&self, run: RunId, status: RunStatus) -> Result<()> {
        if !status.is_final() {
            return Err(Error::invalid(
                "a run ends as finished, failed or killed, got running",
            ));
        }
        let mut writing = self.inner.write().await?;
        let (sequence, before) = read::standing(&mut writing, run).await?;
        if before == status {
            return Ok(());
        }
        check_running(run, before)?;
        let now = self.inner.now();
        let statement = query("UPDATE runs SET status = $2, ended_at = $3 WHERE sequence = $1")
            .bind(sequence)
            .bind(read::status_name(status))
            .bind(now.as_microsecond());
        writing.execute(statement).await?;
        let event = NewEvent::new("run_ended", self.inner.actor.clone())
            .detail("status", read::status_name(status));
        append(&mut writing, subject::run(run), now, event).await?;
        writing.commit().await
    }

    #[instrument(level = "debug", skip_all, fields(%run), err(level = "debug"))]
    async fn run(&self, run: RunId) -> Result<Run> {
        let mut reading = self.inner.read().await?;
        let found = read::runs(&mut reading, read::Selection::Run(run)).await?;
        found
            .into_iter()
            .next()
            .ok_or_else(|| Error::not_found("run", run))
    }

    #[instrument(level = "debug", skip_all, fields(%experiment), err(level = "debug"))]
    async fn runs(&self, experiment: &ExperimentName) -> Result<Vec<Run>> {
        let mut reading = self.inner.read().await?;
        read::check_experiment(&mut reading, experiment).await?;
        read::runs(&mut reading, read::Selection::Experiment(experiment)).await
    }

    #[instrument(level = "debug", skip_all, fields(%run, key), err(level = "debug"))]
    async fn metric_history(&self, run: RunId, key: &str) -> Result<Vec<MetricPoint>> {
        let mut reading = self.inner.read().await?;
        let (sequence, _) = read::standing(&mut reading, run).await?;
        read::metric_points(&mut reading, sequence, key).await
    }

    #[instrument(level = "debug", skip_all, fields(%run), err(level = "debug"))]
    async fn artifacts(&self, run: RunId) -> Result<Vec<Artifact>> {
        let mut reading = self.inner.read().await?;
        read::standing(&mut reading, run).await?;
        read::artifacts(&mut reading, run).await
    }

    #[instrument(level = "debug", skip_all, fields(%run, name), err(level = "debug"))]
    async fn artifact(&self, run: RunId, name: &str) -> Result<Bytes> {
        let mut reading = self.inner.read().await?;
        read::standing(&mut reading, run).await?;
        let found = read::artifact(&mut reading, run, name).await?;
        let artifact =
            found.ok_or_else(|| Error::not_found("artifact", name).context("run", run))?;
        drop(reading);
        let bytes = self.inner.blobs.get(artifact.digest).await;
        bytes.map_err(|error| error.context("artifact", name).context("run", run))
    }
}

/// The sequence of a run that still takes something.
async fn running(reading: &mut Transaction, run: RunId) -> Result<i64> {
    let (sequence, status) = read::standing(reading, run).await?;
    check_running(run, status)?;
    Ok(sequence)
}

fn check_running(run: RunId, status: RunStatus) -> Result<()> {
    if status.is_final() {
        return Err(Error::new(ErrorKind::Conflict, "the run has ended").context("run", run));
    }
    Ok(())
}

async fn insert_run(writing: &mut Transaction, run: &Run) -> Result<()> {
    let statement = query(
        "INSERT INTO runs (id, experiment, name, status, started_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING",
    )
    .bind(run.id.to_string())
    .bind(run.experiment.as_str())
    .bind(&run.name)
    .bind(read::status_name(run.status))
    .bind(run.started_at.as_microsecond());
    match writing.execute(statement).await? {
        0 => Err(Error::already_exists("run", run.id)),
        _ => Ok(()),
    }
}

async fn insert_artifact(writing: &mut Transaction, run: i64, artifact: &Artifact) -> Result<()> {
    let statement =
        query("INSERT INTO run_artifacts (run, name, digest, size) VALUES ($1, $2, $3, $4)")
            .bind(run)
            .bind(&artifact.name)
            .bind(artifact.digest.to_string())
            .bind(to_count(artifact.size)?);
    writing.execute(statement).await?;
    Ok(())
}
