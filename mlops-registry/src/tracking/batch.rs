//! Writing what was logged in one go. The caller commits all of it, or nothing.

use std::collections::BTreeMap;

use mlops_core::{Actor, DatasetReference, Error, LogBatch, Metric, NewEvent, Result, Timestamp};
use sqlx::query;

use crate::database::Transaction;
use crate::dataset::check_registered;

pub(super) async fn write(
    writing: &mut Transaction,
    run: i64,
    batch: &LogBatch,
    now: Timestamp,
) -> Result<()> {
    write_params(writing, run, &batch.params).await?;
    write_tags(writing, run, &batch.tags).await?;
    for metric in &batch.metrics {
        write_metric(writing, run, metric, now).await?;
    }
    for input in &batch.inputs {
        write_input(writing, run, input).await?;
    }
    Ok(())
}

/// One event for the whole batch: what was logged by name, metrics by count, values in their tables.
pub(super) fn event(batch: &LogBatch, by: Actor) -> NewEvent {
    let names = |texts: &BTreeMap<String, String>| texts.keys().cloned().collect::<Vec<_>>();
    NewEvent::new("logged", by)
        .detail("params", names(&batch.params))
        .detail("tags", names(&batch.tags))
        .detail("metric_points", batch.metrics.len())
        .detail(
            "inputs",
            batch
                .inputs
                .iter()
                .map(|input| input.name.to_string())
                .collect::<Vec<_>>(),
        )
}

async fn write_params(
    writing: &mut Transaction,
    run: i64,
    params: &BTreeMap<String, String>,
) -> Result<()> {
    for (key, value) in params {
        let statement = query(
            "INSERT INTO params (run, key, value) VALUES ($1, $2, $3)
             ON CONFLICT (run, key) DO UPDATE SET value = params.value RETURNING value",
        );
        let row = writing
            .first(statement.bind(run).bind(key).bind(value))
            .await?;
        let kept: String = row.map_or(Ok(String::new()), |row| row.get("value"))?;
        if kept != *value {
            return Err(Error::already_exists("param", key)
                .context("value", kept)
                .context("given", value));
        }
    }
    Ok(())
}

async fn write_tags(
    writing: &mut Transaction,
    run: i64,
    tags: &BTreeMap<String, String>,
) -> Result<()> {
    for (key, value) in tags {
        let statement = query(
            "INSERT INTO tags (run, key, value) VALUES ($1, $2, $3)
             ON CONFLICT (run, key) DO UPDATE SET value = excluded.value",
        );
        writing
            .execute(statement.bind(run).bind(key).bind(value))
            .await?;
    }
    Ok(())
}

async fn write_metric(
    writing: &mut Transaction,
    run: i64,
    metric: &Metric,
    now: Timestamp,
) -> Result<()> {
    let point = query(
        "INSERT INTO metric_points (run, key, step, value, time) VALUES ($1, $2, $3, $4, $5)",
    );
    let latest = query(
        "INSERT INTO latest_metrics (run, key, step, value, time) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (run, key) DO UPDATE
         SET step = excluded.step, value = excluded.value, time = excluded.time
         WHERE excluded.step >= latest_metrics.step",
    );
    for statement in [point, latest] {
        let statement = statement
            .bind(run)
            .bind(&metric.key)
            .bind(metric.step)
            .bind(stored_value(metric.value))
            .bind(now.as_microsecond());
        writing.execute(statement).await?;
    }
    Ok(())
}

/// SQLite has no NaN: it stands as NULL.
fn stored_value(value: f64) -> Option<f64> {
    (!value.is_nan()).then_some(value)
}

async fn write_input(writing: &mut Transaction, run: i64, input: &DatasetReference) -> Result<()> {
    check_registered(writing, input).await?;
    let statement = query(
        "INSERT INTO run_inputs (run, dataset, fingerprint) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING",
    )
    .bind(run)
    .bind(input.name.as_str())
    .bind(input.fingerprint.to_string());
    writing.execute(statement).await?;
    Ok(())
}
