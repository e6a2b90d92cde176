//! The reference of [`ModelRegistry`].

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;

use super::store::{MemoryStore, ModelState, State};
use crate::{
    Alias, AliasChange, Digest, Error, ModelName, ModelRegistry, ModelVersion, MoveAlias,
    NewVersion, RegisteredModel, Result, VersionNumber,
};

#[async_trait]
impl ModelRegistry for MemoryStore {
    async fn create_model(&self, name: &ModelName, description: &str) -> Result<RegisteredModel> {
        let mut state = self.lock();
        if state.models.contains_key(name) {
            return Err(Error::already_exists("registered model", name));
        }
        let model = RegisteredModel {
            name: name.clone(),
            description: description.to_owned(),
            created_at: self.clock.now(),
        };
        let kept = ModelState {
            model: model.clone(),
            versions: Vec::new(),
            aliases: BTreeMap::new(),
            history: Vec::new(),
        };
        state.models.insert(name.clone(), kept);
        Ok(model)
    }

    async fn models(&self) -> Result<Vec<RegisteredModel>> {
        let state = self.lock();
        Ok(state
            .models
            .values()
            .map(|kept| kept.model.clone())
            .collect())
    }

    async fn create_version(&self, model: &ModelName, new: NewVersion) -> Result<ModelVersion> {
        let now = self.clock.now();
        let mut state = self.lock();
        if let Some(run) = new.lineage.run
            && !state.runs.contains_key(&run)
        {
            return Err(Error::not_found("run", run));
        }
        let kept = state.model_mut(model)?;
        let number = kept
            .versions
            .last()
            .map_or(VersionNumber::FIRST, |(version, _)| version.number.next());
        let version = ModelVersion {
            model: model.clone(),
            number,
            signature: new.signature,
            architecture: new.architecture,
            digest: Digest::of(&new.bytes),
            size: new.bytes.len() as u64,
            lineage: new.lineage,
            created_at: now,
        };
        kept.versions.push((version.clone(), new.bytes));
        Ok(version)
    }

    async fn version(&self, model: &ModelName, number: VersionNumber) -> Result<ModelVersion> {
        let state = self.lock();
        Ok(state.model(model)?.get(number)?.0.clone())
    }

    async fn versions(&self, model: &ModelName) -> Result<Vec<ModelVersion>> {
        let state = self.lock();
        let versions = &state.model(model)?.versions;
        Ok(versions
            .iter()
            .map(|(version, _)| version.clone())
            .collect())
    }

    async fn bytes(&self, model: &ModelName, number: VersionNumber) -> Result<Bytes> {
        let state = self.lock();
        Ok(state.model(model)?.get(number)?.1.clone())
    }

    async fn move_alias(&self, change: MoveAlias) -> Result<AliasChange> {
        change.check()?;
        let now = self.clock.now();
        let mut state = self.lock();
        let kept = state.model_mut(&change.model)?;
        let actual = kept.aliases.get(&change.alias).copied();
        if actual != change.expected {
            return Err(change.overtaken(actual));
        }
        match change.to {
            Some(number) => {
                kept.get(number)?;
                kept.aliases.insert(change.alias.clone(), number);
            }
            None => {
                kept.aliases.remove(&change.alias);
            }
        }
        let entry = AliasChange {
            alias: change.alias,
            from: actual,
            to: change.to,
            at: now,
            by: change.by,
            why: change.why,
        };
        kept.history.push(entry.clone());
        Ok(entry)
    }

    async fn resolve(&self, model: &ModelName, alias: &Alias) -> Result<ModelVersion> {
        let state = self.lock();
        let kept = state.model(model)?;
        let number = kept
            .aliases
            .get(alias)
            .ok_or_else(|| Error::not_found("alias", alias).context("model", model))?;
        Ok(kept.get(*number)?.0.clone())
    }

    async fn alias_history(&self, model: &ModelName) -> Result<Vec<AliasChange>> {
        Ok(self.lock().model(model)?.history.clone())
    }
}

impl State {
    fn model(&self, name: &ModelName) -> Result<&ModelState> {
        self.models
            .get(name)
            .ok_or_else(|| Error::not_found("registered model", name))
    }

    fn model_mut(&mut self, name: &ModelName) -> Result<&mut ModelState> {
        self.models
            .get_mut(name)
            .ok_or_else(|| Error::not_found("registered model", name))
    }
}

impl ModelState {
    fn get(&self, number: VersionNumber) -> Result<&(ModelVersion, Bytes)> {
        self.versions
            .get(number.get() as usize - 1)
            .ok_or_else(|| Error::not_found("version", number).context("model", &self.model.name))
    }
}
