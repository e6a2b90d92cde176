//! Immutable versions, and the lineage that is kept with them.

use std::collections::BTreeMap;

use mlops_core::{
    Actor, DatasetReference, Error, Lineage, ModelName, ModelVersion, NewEvent, Result,
    VersionNumber,
};
use sqlx::query;

use super::check_model;
use crate::database::{Row, Transaction, to_count, to_json};
use crate::dataset::{check_registered, dataset_reference};

/// `NotFound` unless the model and everything that the lineage names are there.
pub(super) async fn check(
    reading: &mut Transaction,
    model: &ModelName,
    lineage: &Lineage,
) -> Result<()> {
    check_model(reading, model).await?;
    if let Some(run) = lineage.run {
        let statement = query("SELECT 1 FROM runs WHERE id = $1");
        if !reading.exists(statement.bind(run.to_string())).await? {
            return Err(Error::not_found("run", run));
        }
    }
    for dataset in &lineage.datasets {
        check_registered(reading, dataset).await?;
    }
    Ok(())
}

/// The number after the greatest. No one else writes meanwhile, and versions are never removed, so
/// numbers have neither gaps nor repetitions.
pub(super) async fn next_number(
    writing: &mut Transaction,
    model: &ModelName,
) -> Result<VersionNumber> {
    let statement = query("SELECT max(number) AS number FROM model_versions WHERE model = $1");
    let row = writing.first(statement.bind(model.as_str())).await?;
    let greatest: Option<i64> = row.map_or(Ok(None), |row| row.get("number"))?;
    let next = greatest.unwrap_or(0) + 1;
    let number = u32::try_from(next)
        .map_err(|_| Error::invalid(format!("a model has at most {} versions", u32::MAX)))?;
    Ok(VersionNumber::new(number)?)
}

pub(super) async fn insert(writing: &mut Transaction, version: &ModelVersion) -> Result<()> {
    let statement = query(
        "INSERT INTO model_versions
         (model, number, signature, architecture, digest, size, run, code_revision, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(version.model.as_str())
    .bind(version.number.get())
    .bind(to_json(&version.signature)?)
    .bind(to_json(&version.architecture)?)
    .bind(version.digest.to_string())
    .bind(to_count(version.size)?)
    .bind(version.lineage.run.map(|run| run.to_string()))
    .bind(&version.lineage.code_revision)
    .bind(version.created_at.as_microsecond());
    writing.execute(statement).await?;
    for (place, dataset) in (0_i64..).zip(&version.lineage.datasets) {
        let statement = query(
            "INSERT INTO version_datasets (model, number, place, dataset, fingerprint)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(version.model.as_str())
        .bind(version.number.get())
        .bind(place)
        .bind(dataset.name.as_str())
        .bind(dataset.fingerprint.to_string());
        writing.execute(statement).await?;
    }
    Ok(())
}

pub(super) fn event(version: &ModelVersion, by: Actor) -> NewEvent {
    let event = NewEvent::new("version_registered", by)
        .detail("version", version.number.get())
        .detail("digest", version.digest.to_string())
        .detail("architecture", version.architecture.id.as_str());
    match version.lineage.run {
        Some(run) => event.detail("run", run.to_string()),
        None => event,
    }
}

/// One version of a model that is there.
pub(super) async fn get(
    reading: &mut Transaction,
    model: &ModelName,
    number: VersionNumber,
) -> Result<ModelVersion> {
    let found = select(reading, model, Some(number)).await?;
    found
        .into_iter()
        .next()
        .ok_or_else(|| unknown(model, number))
}

pub(super) async fn check_exists(
    reading: &mut Transaction,
    model: &ModelName,
    number: VersionNumber,
) -> Result<()> {
    let statement = query("SELECT 1 FROM model_versions WHERE model = $1 AND number = $2")
        .bind(model.as_str())
        .bind(number.get());
    if reading.exists(statement).await? {
        return Ok(());
    }
    Err(unknown(model, number))
}

fn unknown(model: &ModelName, number: VersionNumber) -> Error {
    Error::not_found("version", number).context("model", model)
}

/// The version of a number, or all of them, in order.
pub(super) async fn select(
    reading: &mut Transaction,
    model: &ModelName,
    number: Option<VersionNumber>,
) -> Result<Vec<ModelVersion>> {
    let (from, to) = number.map_or((0, u32::MAX), |number| (number.get(), number.get()));
    let versions = query(
        "SELECT * FROM model_versions
         WHERE model = $1 AND number BETWEEN $2 AND $3 ORDER BY number",
    );
    let datasets = query(
        "SELECT * FROM version_datasets
         WHERE model = $1 AND number BETWEEN $2 AND $3 ORDER BY number, place",
    );
    let rows = reading
        .all(versions.bind(model.as_str()).bind(from).bind(to))
        .await?;
    let made_from = reading
        .all(datasets.bind(model.as_str()).bind(from).bind(to))
        .await?;
    let mut made_from = by_number(&made_from)?;
    rows.iter()
        .map(|row| {
            let number = row.get("number")?;
            model_version(row, made_from.remove(&number).unwrap_or_default())
        })
        .collect()
}

fn by_number(rows: &[Row]) -> Result<BTreeMap<i64, Vec<DatasetReference>>> {
    let mut datasets: BTreeMap<i64, Vec<DatasetReference>> = BTreeMap::new();
    for row in rows {
        let number = row.get("number")?;
        datasets
            .entry(number)
            .or_default()
            .push(dataset_reference(row)?);
    }
    Ok(datasets)
}

fn model_version(row: &Row, datasets: Vec<DatasetReference>) -> Result<ModelVersion> {
    Ok(ModelVersion {
        model: row.parsed("model")?,
        number: VersionNumber::new(row.count("number")?)?,
        signature: row.json("signature")?,
        architecture: row.json("architecture")?,
        digest: row.parsed("digest")?,
        size: row.count("size")?,
        lineage: Lineage {
            run: row.parsed_or_null("run")?,
            datasets,
            code_revision: row.get("code_revision")?,
        },
        created_at: row.time("created_at")?,
    })
}
