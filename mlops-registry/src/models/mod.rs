//! Registered models, their versions and aliases.

mod alias;
mod version;

use async_trait::async_trait;
use mlops_core::{
    Alias, AliasChange, Bytes, Error, ModelName, ModelRegistry, ModelVersion, MoveAlias, NewEvent,
    NewVersion, RegisteredModel, Result, VersionNumber,
};
use sqlx::query;
use tracing::instrument;

use crate::database::{Row, Transaction};
use crate::events::{append, subject};
use crate::store::SqliteStore;

#[async_trait]
impl ModelRegistry for SqliteStore {
    #[instrument(level = "debug", skip_all, fields(model = %name), err(level = "debug"))]
    async fn create_model(&self, name: &ModelName, description: &str) -> Result<RegisteredModel> {
        let model = RegisteredModel {
            name: name.clone(),
            description: description.to_owned(),
            created_at: self.inner.now(),
        };
        let mut writing = self.inner.write().await?;
        insert(&mut writing, &model).await?;
        let event = NewEvent::new("model_created", self.inner.actor.clone())
            .detail("description", description);
        append(&mut writing, subject::model(name), model.created_at, event).await?;
        writing.commit().await?;
        Ok(model)
    }

    #[instrument(level = "debug", skip_all, err(level = "debug"))]
    async fn models(&self) -> Result<Vec<RegisteredModel>> {
        let statement = query("SELECT * FROM models ORDER BY name");
        let rows = self.inner.read().await?.all(statement).await?;
        rows.iter().map(registered_model).collect()
    }

    #[instrument(level = "debug", skip_all, fields(%model, bytes = new.bytes.len()), err(level = "debug"))]
    async fn create_version(&self, model: &ModelName, new: NewVersion) -> Result<ModelVersion> {
        // A look ahead, so that a refused call stores no bytes; what counts is the look below.
        version::check(&mut self.inner.read().await?, model, &new.lineage).await?;
        let digest = self.inner.blobs.put(new.bytes.clone()).await?;
        let mut writing = self.inner.write().await?;
        version::check(&mut writing, model, &new.lineage).await?;
        let version = ModelVersion {
            model: model.clone(),
            number: version::next_number(&mut writing, model).await?,
            signature: new.signature,
            architecture: new.architecture,
            digest,
            size: new.bytes.len() as u64,
            lineage: new.lineage,
            created_at: self.inner.now(),
        };
        version::insert(&mut writing, &version).await?;
        let event = version::event(&version, self.inner.actor.clone());
        append(
            &mut writing,
            subject::model(model),
            version.created_at,
            event,
        )
        .await?;
        writing.commit().await?;
        Ok(version)
    }

    #[instrument(level = "debug", skip_all, fields(%model, %number), err(level = "debug"))]
    async fn version(&self, model: &ModelName, number: VersionNumber) -> Result<ModelVersion> {
        let mut reading = self.inner.read().await?;
        check_model(&mut reading, model).await?;
        version::get(&mut reading, model, number).await
    }

    #[instrument(level = "debug", skip_all, fields(%model), err(level = "debug"))]
    async fn versions(&self, model: &ModelName) -> Result<Vec<ModelVersion>> {
        let mut reading = self.inner.read().await?;
        check_model(&mut reading, model).await?;
        version::select(&mut reading, model, None).await
    }

    #[instrument(level = "debug", skip_all, fields(%model, %number), err(level = "debug"))]
    async fn bytes(&self, model: &ModelName, number: VersionNumber) -> Result<Bytes> {
        let version = self.version(model, number).await?;
        let bytes = self.inner.blobs.get(version.digest).await;
        bytes.map_err(|error| {
            error
                .operation("load model")
                .context("model", model)
                .context("version", number)
        })
    }

    #[instrument(level = "debug", skip_all, fields(model = %change.model, alias = %change.alias), err(level = "debug"))]
    async fn move_alias(&self, change: MoveAlias) -> Result<AliasChange> {
        change.check()?;
        let mut writing = self.inner.write().await?;
        check_model(&mut writing, &change.model).await?;
        let actual = alias::target(&mut writing, &change.model, &change.alias).await?;
        if actual != change.expected {
            return Err(change.overtaken(actual));
        }
        if let Some(number) = change.to {
            version::check_exists(&mut writing, &change.model, number).await?;
        }
        let entry = AliasChange {
            alias: change.alias,
            from: actual,
            to: change.to,
            at: self.inner.now(),
            by: change.by,
            why: change.why,
        };
        alias::write(&mut writing, &change.model, &entry).await?;
        let event = alias::event(&entry);
        append(&mut writing, subject::model(&change.model), entry.at, event).await?;
        writing.commit().await?;
        Ok(entry)
    }

    #[instrument(level = "debug", skip_all, fields(%model, %alias), err(level = "debug"))]
    async fn resolve(&self, model: &ModelName, alias: &Alias) -> Result<ModelVersion> {
        let mut reading = self.inner.read().await?;
        check_model(&mut reading, model).await?;
        let number = alias::target(&mut reading, model, alias).await?;
        let number =
            number.ok_or_else(|| Error::not_found("alias", alias).context("model", model))?;
        version::get(&mut reading, model, number).await
    }

    #[instrument(level = "debug", skip_all, fields(%model), err(level = "debug"))]
    async fn alias_history(&self, model: &ModelName) -> Result<Vec<AliasChange>> {
        let mut reading = self.inner.read().await?;
        check_model(&mut reading, model).await?;
        alias::history(&mut reading, model).await
    }
}

async fn insert(writing: &mut Transaction, model: &RegisteredModel) -> Result<()> {
    let statement = query(
        "INSERT INTO models (name, description, created_at) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING",
    )
    .bind(model.name.as_str())
    .bind(&model.description)
    .bind(model.created_at.as_microsecond());
    match writing.execute(statement).await? {
        0 => Err(Error::already_exists("registered model", &model.name)),
        _ => Ok(()),
    }
}

async fn check_model(reading: &mut Transaction, name: &ModelName) -> Result<()> {
    let statement = query("SELECT 1 FROM models WHERE name = $1");
    if reading.exists(statement.bind(name.as_str())).await? {
        return Ok(());
    }
    Err(Error::not_found("registered model", name))
}

fn registered_model(row: &Row) -> Result<RegisteredModel> {
    Ok(RegisteredModel {
        name: row.parsed("name")?,
        description: row.get("description")?,
        created_at: row.time("created_at")?,
    })
}
