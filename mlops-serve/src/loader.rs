//! From a registered version to a backend: architectures and their constructors.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use mlops_core::{
    Bytes, Error, ErrorKind, InferenceBackend, ModelName, ModelRegistry, ModelVersion, Result,
    VersionNumber,
};

type Constructor = dyn Fn(&ModelVersion, Bytes) -> Result<Arc<dyn InferenceBackend>> + Send + Sync;

/// The architectures that an application can load. A model file holds numbers, never code: what is
/// done with them is registered here, under the architecture's id.
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::memory::{LinearModel, MemoryStore};
/// use mlops_core::{Architecture, InferenceBackend, ModelName, ModelRegistry, NewVersion, SystemClock};
/// use mlops_serve::ModelLoader;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> mlops_core::Result<()> {
/// let loader = ModelLoader::new().architecture("slope/1", |_, bytes| {
///     let slope = bytes.first().copied().unwrap_or_default();
///     Ok(Arc::new(LinearModel::new(vec![f32::from(slope)], 0.0)?))
/// });
///
/// let registry = MemoryStore::new(Arc::new(SystemClock::new()));
/// let name = ModelName::new("demo")?;
/// registry.create_model(&name, "").await?;
/// let signature = LinearModel::new(vec![1.0], 0.0)?.signature().clone();
/// let new = NewVersion::new(signature, Architecture::new("slope/1", serde_json::json!({})), vec![3]);
/// let version = registry.create_version(&name, new).await?;
/// let backend = loader.load(&registry, &name, version.number).await?;
/// # let x = mlops_core::Tensor::from_f32("x", [1, 1], vec![2.0])?;
/// # assert_eq!(backend.infer(&mlops_core::Tensors::new([x])?)?.get("y")?.as_f32()?, [6.0]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct ModelLoader {
    constructors: BTreeMap<String, Arc<Constructor>>,
}

impl ModelLoader {
    /// A loader that knows no architecture yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an architecture. Its constructor gets the version (with its configuration and signature)
    /// and the bytes of the model file, and returns an error, not a panic, for bytes that it
    /// cannot read. A second constructor of the same id replaces the first.
    #[must_use]
    pub fn architecture(
        mut self,
        id: impl Into<String>,
        constructor: impl Fn(&ModelVersion, Bytes) -> Result<Arc<dyn InferenceBackend>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.constructors.insert(id.into(), Arc::new(constructor));
        self
    }

    /// Loads a version: bytes checked against their digest, built by the architecture's constructor,
    /// and its signature compared with the registered one.
    ///
    /// # Errors
    /// `NotFound` for an unknown model or version; `Unsupported` for an architecture that was not
    /// registered here, with those that were; `Corrupt` for a damaged file; `SignatureMismatch` if
    /// the backend's signature is not the registered one.
    pub async fn load(
        &self,
        registry: &dyn ModelRegistry,
        model: &ModelName,
        number: VersionNumber,
    ) -> Result<Arc<dyn InferenceBackend>> {
        let version = registry.version(model, number).await?;
        let bytes = registry.bytes(model, number).await?;
        self.build(&version, bytes).map_err(|error| {
            error
                .operation("load model")
                .context("model", model)
                .context("version", number)
        })
    }

    fn build(&self, version: &ModelVersion, bytes: Bytes) -> Result<Arc<dyn InferenceBackend>> {
        let id = &version.architecture.id;
        let constructor = self.constructors.get(id).ok_or_else(|| {
            let known: Vec<&String> = self.constructors.keys().collect();
            let why = format!("architecture {id:?} is not among the registered {known:?}");
            Error::new(ErrorKind::Unsupported, why)
        })?;
        let backend = constructor(version, bytes)?;
        if backend.signature() == &version.signature {
            return Ok(backend);
        }
        let why = "the loaded model's signature is not the registered one";
        Err(Error::new(ErrorKind::SignatureMismatch, why))
    }
}

impl fmt::Debug for ModelLoader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.constructors.keys()).finish()
    }
}
