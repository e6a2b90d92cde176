//! Registered models, their immutable versions, and the aliases that move between them.

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Actor, Alias, DatasetReference, Digest, Error, ErrorKind, ModelName, Result, RunId, Signature,
    Timestamp, VersionNumber,
};

/// A name under which versions of a model are kept.
///
/// ```
/// use mlops_core::{ModelName, RegisteredModel};
/// let model = RegisteredModel {
///     name: ModelName::new("flight-delays")?,
///     description: "arrives over 15 minutes late".into(),
///     created_at: "2013-04-01T00:00:00Z".parse().unwrap(),
/// };
/// assert_eq!(model.name.as_str(), "flight-delays");
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredModel {
    /// Its name, unique in a store.
    pub name: ModelName,
    /// What it is for.
    pub description: String,
    /// When it was created.
    pub created_at: Timestamp,
}

/// Which code can read a model's bytes: an identifier, and what its constructor needs.
///
/// A model file holds numbers, never code. The application registers a constructor under the
/// identifier, and builds the model from `config` before the numbers are read in.
///
/// ```
/// use mlops_core::Architecture;
/// let architecture = Architecture::new("mlp/1", serde_json::json!({"inputs": 12, "hidden": 32}));
/// assert_eq!(architecture.id, "mlp/1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Architecture {
    /// The identifier.
    pub id: String,
    /// The configuration.
    pub config: Value,
}

impl Architecture {
    /// An architecture.
    pub fn new(id: impl Into<String>, config: Value) -> Self {
        Self {
            id: id.into(),
            config,
        }
    }
}

/// Where a version came from.
///
/// ```
/// let lineage = mlops_core::Lineage::default();
/// assert!(lineage.run.is_none());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    /// The run that made it.
    pub run: Option<RunId>,
    /// The dataset versions that it was made from.
    pub datasets: Vec<DatasetReference>,
    /// The revision of the code that made it, such as a commit.
    pub code_revision: Option<String>,
}

impl Lineage {
    /// Made by this run, whose inputs say from what.
    ///
    /// ```
    /// use mlops_core::{Lineage, RunId};
    /// # let run = RunId::from_parts("2013-04-01T00:00:00Z".parse().unwrap(), [0; 10]);
    /// assert_eq!(Lineage::of_run(run).run, Some(run));
    /// ```
    pub fn of_run(run: RunId) -> Self {
        Self {
            run: Some(run),
            ..Self::default()
        }
    }
}

/// What a version is made of, to be registered.
///
/// ```
/// use mlops_core::{Architecture, ElementType, NewVersion, Signature, TensorSpec};
/// let signature = Signature::new(
///     [TensorSpec::new("x", ElementType::Fp32, [None, Some(1)])],
///     [TensorSpec::new("y", ElementType::Fp32, [None, Some(1)])],
/// )?;
/// let new = NewVersion::new(signature, Architecture::new("linear/1", serde_json::json!({})), "bytes");
/// assert_eq!(new.bytes.len(), 5);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVersion {
    /// What it takes and gives.
    pub signature: Signature,
    /// Which code reads the bytes.
    pub architecture: Architecture,
    /// The model file.
    pub bytes: Bytes,
    /// Where it came from.
    pub lineage: Lineage,
}

impl NewVersion {
    /// A version without lineage yet.
    pub fn new(signature: Signature, architecture: Architecture, bytes: impl Into<Bytes>) -> Self {
        Self {
            signature,
            architecture,
            bytes: bytes.into(),
            lineage: Lineage::default(),
        }
    }

    /// With the run, datasets and code that made it.
    #[must_use]
    pub fn made_by(mut self, lineage: Lineage) -> Self {
        self.lineage = lineage;
        self
    }
}

/// An immutable version of a registered model.
///
/// ```
/// # use mlops_core::{Architecture, Digest, Lineage, ModelName, ModelVersion, Signature, VersionNumber};
/// let version = ModelVersion {
///     model: ModelName::new("m")?,
///     number: VersionNumber::FIRST,
///     signature: Signature::new([], [])?,
///     architecture: Architecture::new("linear/1", serde_json::json!({})),
///     digest: Digest::of(b"abc"),
///     size: 3,
///     lineage: Lineage::default(),
///     created_at: "2013-04-01T00:00:00Z".parse().unwrap(),
/// };
/// assert_eq!(version.number.get(), 1);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelVersion {
    /// The registered model.
    pub model: ModelName,
    /// Its number.
    pub number: VersionNumber,
    /// What it takes and gives.
    pub signature: Signature,
    /// Which code reads the bytes.
    pub architecture: Architecture,
    /// The digest of the model file.
    pub digest: Digest,
    /// The size of the model file in bytes.
    pub size: u64,
    /// Where it came from.
    pub lineage: Lineage,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// A request to move an alias.
///
/// ```
/// use mlops_core::{Actor, Alias, ModelName, MoveAlias, VersionNumber};
/// let promotion = MoveAlias {
///     model: ModelName::new("flight-delays")?,
///     alias: Alias::new("champion")?,
///     expected: Some(VersionNumber::FIRST),
///     to: Some(VersionNumber::new(2)?),
///     by: Actor::new("rollout controller")?,
///     why: "not worse by more than 0.01 at e >= 20".into(),
/// };
/// assert_eq!(promotion.to.unwrap().get(), 2);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveAlias {
    /// The registered model.
    pub model: ModelName,
    /// The alias.
    pub alias: Alias,
    /// Where the caller believes it to point now; `None` for nowhere.
    pub expected: Option<VersionNumber>,
    /// Where it shall point; `None` removes it.
    pub to: Option<VersionNumber>,
    /// Who decides.
    pub by: Actor,
    /// Why: at least one character.
    pub why: String,
}

impl MoveAlias {
    /// Whether there is a reason.
    ///
    /// # Errors
    /// `InvalidArgument` for a blank one.
    pub fn check(&self) -> Result<()> {
        if self.why.trim().is_empty() {
            return Err(Error::invalid(
                "moving an alias needs a reason, got a blank one",
            ));
        }
        Ok(())
    }

    /// The error of a caller that was overtaken.
    pub fn overtaken(&self, actual: Option<VersionNumber>) -> Error {
        let name = |version: Option<VersionNumber>| {
            version.map_or("nothing".into(), |version| format!("version {version}"))
        };
        Error::new(
            ErrorKind::Conflict,
            format!(
                "alias points to {}, not to {}",
                name(actual),
                name(self.expected)
            ),
        )
        .context("model", &self.model)
        .context("alias", &self.alias)
    }
}

/// One move of an alias: who, when, from where, to where, why.
///
/// ```
/// # use mlops_core::{Actor, Alias, AliasChange};
/// let change = AliasChange {
///     alias: Alias::new("champion")?,
///     from: None,
///     to: None,
///     at: "2013-04-01T00:00:00Z".parse().unwrap(),
///     by: Actor::new("maintainer")?,
///     why: "example".into(),
/// };
/// assert!(change.from.is_none());
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasChange {
    /// The alias.
    pub alias: Alias,
    /// Where it pointed.
    pub from: Option<VersionNumber>,
    /// Where it points since.
    pub to: Option<VersionNumber>,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Actor,
    /// Why.
    pub why: String,
}

/// Keeps models.
///
/// # Contract
/// - Versions are numbered 1, 2, 3 … without a gap or a repetition, however many callers register
///   at the same time; a version never changes.
/// - The bytes are durable before the version can be seen, and are checked against their digest when
///   they are read.
/// - [`move_alias`](ModelRegistry::move_alias) is a compare-and-set: with an `expected` that is no
///   longer true it is `Conflict` and changes nothing. The move and its history entry are one.
/// - What returned `Ok` is durable, as far as the implementation is.
/// - Dropping a call's future leaves either all or nothing of it.
///
/// # Errors
/// `NotFound` for a model, version or alias that does not exist; `Corrupt` for bytes that do not
/// match their digest.
///
/// [`MemoryStore`](crate::memory::MemoryStore) is the readable reference.
#[async_trait]
pub trait ModelRegistry: Send + Sync {
    /// Creates a registered model. `AlreadyExists` if there is one of that name.
    async fn create_model(&self, name: &ModelName, description: &str) -> Result<RegisteredModel>;

    /// The registered models, in the order of their names.
    async fn models(&self) -> Result<Vec<RegisteredModel>>;

    /// Registers the next version.
    async fn create_version(&self, model: &ModelName, new: NewVersion) -> Result<ModelVersion>;

    /// A version.
    async fn version(&self, model: &ModelName, number: VersionNumber) -> Result<ModelVersion>;

    /// All versions, in the order of their numbers.
    async fn versions(&self, model: &ModelName) -> Result<Vec<ModelVersion>>;

    /// The model file of a version.
    async fn bytes(&self, model: &ModelName, number: VersionNumber) -> Result<Bytes>;

    /// Moves, sets or removes an alias.
    async fn move_alias(&self, change: MoveAlias) -> Result<AliasChange>;

    /// The version that an alias points to.
    async fn resolve(&self, model: &ModelName, alias: &Alias) -> Result<ModelVersion>;

    /// Every move of every alias of a model, in the order in which they happened.
    async fn alias_history(&self, model: &ModelName) -> Result<Vec<AliasChange>>;
}

/// What every [`ModelRegistry`] can do besides, built from its own methods.
#[async_trait]
pub trait ModelRegistryExt: ModelRegistry {
    /// The registered model of that name, created if there is none; one that is there keeps its
    /// description.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use mlops_core::{ModelName, ModelRegistryExt, SystemClock, memory::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> mlops_core::Result<()> {
    /// let store = MemoryStore::new(Arc::new(SystemClock::new()));
    /// let name = ModelName::new("demo")?;
    /// let first = store.ensure_model(&name, "a line").await?;
    /// assert_eq!(store.ensure_model(&name, "").await?, first);
    /// # Ok(())
    /// # }
    /// ```
    async fn ensure_model(&self, name: &ModelName, description: &str) -> Result<RegisteredModel> {
        match self.create_model(name, description).await {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let all = self.models().await?;
                all.into_iter()
                    .find(|model| model.name == *name)
                    .ok_or(error)
            }
            created => created,
        }
    }
}

impl<T: ModelRegistry + ?Sized> ModelRegistryExt for T {}
