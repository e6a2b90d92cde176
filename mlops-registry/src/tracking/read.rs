//! Reading experiments and runs back.

use std::collections::BTreeMap;

use mlops_core::{
    Artifact, Error, ErrorKind, Experiment, ExperimentName, MetricPoint, Result, Run, RunId,
    RunStatus,
};
use sqlx::query;

use crate::database::{Row, Statement, Transaction};
use crate::dataset::dataset_reference;

/// Which runs are read.
#[derive(Clone, Copy)]
pub(super) enum Selection<'a> {
    Run(RunId),
    Experiment(&'a ExperimentName),
}

impl Selection<'_> {
    /// Binds the two parameters that every statement below has: an id, and an experiment.
    fn bound_to<'q>(self, statement: Statement<'q>) -> Statement<'q> {
        let (id, experiment) = match self {
            Self::Run(id) => (Some(id.to_string()), None),
            Self::Experiment(name) => (None, Some(name.as_str().to_owned())),
        };
        statement.bind(id).bind(experiment)
    }
}

/// The selected runs with all that was logged, the latest started first: five statements, however
/// many runs.
pub(super) async fn runs(reading: &mut Transaction, which: Selection<'_>) -> Result<Vec<Run>> {
    let rows = reading
        .all(which.bound_to(query(
            "SELECT * FROM runs WHERE id = $1 OR experiment = $2
             ORDER BY started_at DESC, sequence DESC",
        )))
        .await?;
    let order: Vec<i64> = rows
        .iter()
        .map(|row| row.get("sequence"))
        .collect::<Result<_>>()?;
    let mut runs: BTreeMap<i64, Run> = BTreeMap::new();
    for (sequence, row) in order.iter().zip(&rows) {
        runs.insert(*sequence, run(row)?);
    }
    let logged = logged(reading, which).await?;
    for row in &logged.params {
        let of = owner(&mut runs, row)?;
        of.params.insert(row.get("key")?, row.get("value")?);
    }
    for row in &logged.tags {
        let of = owner(&mut runs, row)?;
        of.tags.insert(row.get("key")?, row.get("value")?);
    }
    for row in &logged.metrics {
        let of = owner(&mut runs, row)?;
        of.metrics.insert(row.get("key")?, metric_point(row)?);
    }
    for row in &logged.inputs {
        owner(&mut runs, row)?.inputs.push(dataset_reference(row)?);
    }
    Ok(order
        .iter()
        .filter_map(|sequence| runs.remove(sequence))
        .collect())
}

struct Logged {
    params: Vec<Row>,
    tags: Vec<Row>,
    metrics: Vec<Row>,
    inputs: Vec<Row>,
}

async fn logged(reading: &mut Transaction, which: Selection<'_>) -> Result<Logged> {
    let params = query(
        "SELECT * FROM params
         WHERE run IN (SELECT sequence FROM runs WHERE id = $1 OR experiment = $2)",
    );
    let tags = query(
        "SELECT * FROM tags
         WHERE run IN (SELECT sequence FROM runs WHERE id = $1 OR experiment = $2)",
    );
    let metrics = query(
        "SELECT * FROM latest_metrics
         WHERE run IN (SELECT sequence FROM runs WHERE id = $1 OR experiment = $2)",
    );
    let inputs = query(
        "SELECT * FROM run_inputs
         WHERE run IN (SELECT sequence FROM runs WHERE id = $1 OR experiment = $2)
         ORDER BY dataset, fingerprint",
    );
    Ok(Logged {
        params: reading.all(which.bound_to(params)).await?,
        tags: reading.all(which.bound_to(tags)).await?,
        metrics: reading.all(which.bound_to(metrics)).await?,
        inputs: reading.all(which.bound_to(inputs)).await?,
    })
}

/// The run that a row names. It was read in the same transaction, so it is there.
fn owner<'a>(runs: &'a mut BTreeMap<i64, Run>, row: &Row) -> Result<&'a mut Run> {
    let sequence: i64 = row.get("run")?;
    runs.get_mut(&sequence)
        .ok_or_else(|| Error::new(ErrorKind::Corrupt, "a row names a run that is not there"))
}

pub(super) fn experiment(row: &Row) -> Result<Experiment> {
    Ok(Experiment {
        name: row.parsed("name")?,
        created_at: row.time("created_at")?,
    })
}

pub(super) async fn check_experiment(
    reading: &mut Transaction,
    name: &ExperimentName,
) -> Result<()> {
    let statement = query("SELECT 1 FROM experiments WHERE name = $1");
    if reading.exists(statement.bind(name.as_str())).await? {
        return Ok(());
    }
    Err(Error::not_found("experiment", name))
}

fn run(row: &Row) -> Result<Run> {
    let started = Run::started(
        row.parsed("id")?,
        row.parsed("experiment")?,
        row.get::<String>("name")?,
        row.time("started_at")?,
    );
    Ok(Run {
        status: status(row)?,
        ended_at: row.time_or_null("ended_at")?,
        ..started
    })
}

/// A run's sequence, and where it stands.
pub(super) async fn standing(reading: &mut Transaction, run: RunId) -> Result<(i64, RunStatus)> {
    let statement = query("SELECT sequence, status FROM runs WHERE id = $1");
    let row = reading.first(statement.bind(run.to_string())).await?;
    let row = row.ok_or_else(|| Error::not_found("run", run))?;
    Ok((row.get("sequence")?, status(&row)?))
}

const STATUSES: [(RunStatus, &str); 4] = [
    (RunStatus::Running, "running"),
    (RunStatus::Finished, "finished"),
    (RunStatus::Failed, "failed"),
    (RunStatus::Killed, "killed"),
];

/// How a status is stored.
pub(super) fn status_name(status: RunStatus) -> &'static str {
    let found = STATUSES.iter().find(|(known, _)| *known == status);
    found.map_or("running", |(_, name)| name)
}

fn status(row: &Row) -> Result<RunStatus> {
    let stored: String = row.get("status")?;
    let found = STATUSES.iter().find(|(_, name)| *name == stored);
    found.map(|(status, _)| *status).ok_or_else(|| {
        Error::new(ErrorKind::Corrupt, "a run has an unknown status").context("status", stored)
    })
}

pub(super) async fn metric_points(
    reading: &mut Transaction,
    run: i64,
    key: &str,
) -> Result<Vec<MetricPoint>> {
    let statement = query(
        "SELECT step, value, time FROM metric_points WHERE run = $1 AND key = $2
         ORDER BY step, sequence",
    );
    let rows = reading.all(statement.bind(run).bind(key)).await?;
    rows.iter().map(metric_point).collect()
}

fn metric_point(row: &Row) -> Result<MetricPoint> {
    let value: Option<f64> = row.get("value")?;
    Ok(MetricPoint {
        step: row.get("step")?,
        value: value.unwrap_or(f64::NAN),
        time: row.time("time")?,
    })
}

pub(super) async fn artifacts(reading: &mut Transaction, run: RunId) -> Result<Vec<Artifact>> {
    let statement = query(
        "SELECT name, digest, size FROM run_artifacts
         WHERE run = (SELECT sequence FROM runs WHERE id = $1) ORDER BY name",
    );
    let rows = reading.all(statement.bind(run.to_string())).await?;
    rows.iter().map(artifact_of).collect()
}

pub(super) async fn artifact(
    reading: &mut Transaction,
    run: RunId,
    name: &str,
) -> Result<Option<Artifact>> {
    let statement = query(
        "SELECT name, digest, size FROM run_artifacts
         WHERE run = (SELECT sequence FROM runs WHERE id = $1) AND name = $2",
    );
    let row = reading
        .first(statement.bind(run.to_string()).bind(name))
        .await?;
    row.as_ref().map(artifact_of).transpose()
}

fn artifact_of(row: &Row) -> Result<Artifact> {
    Ok(Artifact {
        name: row.get("name")?,
        digest: row.parsed("digest")?,
        size: row.count("size")?,
    })
}
