//! The words, traits and evidence of an embeddable MLOps toolkit: what an application and its own
//! stores, models and detectors agree on.
//!
//! | you want to | look at |
//! | --- | --- |
//! | record experiments | [`Tracker`], [`Run`], [`LogBatch`], [`Metric`] |
//! | keep models, and know who promoted what and why | [`ModelRegistry`], [`ModelVersion`], [`MoveAlias`], [`AliasChange`] |
//! | change the state of a rollout together with the record of it | [`DecisionStore`], [`NewEvent`], [`Event`] |
//! | join features as of a moment, and read them online | [`FeatureStore`], [`OnlineReader`], [`FeatureView`], [`FeatureRequest`] |
//! | ask whether a column drifted | [`DriftDetector`], [`DriftFinding`] |
//! | run a model | [`InferenceBackend`], [`Tensors`], [`Signature`] |
//! | decide on evidence that has a stated error rate | [`evidence`] |
//! | pass time in | [`Clock`], [`SystemClock`], [`ManualClock`] |
//! | name a dataset by its content | [`Fingerprint`], [`DatasetVersion`], [`Digest`] |
//! | implement a trait | its contract; the readable reference in [`memory`]; the suite in `conformance` (feature `conformance`) |
//!
//! Tables are Arrow [`RecordBatch`](arrow::array::RecordBatch); model inputs and outputs are
//! [`Tensors`]; [`Tensors::from_batch`] is the one bridge. [`arrow`] is re-exported so that a user's
//! types meet ours. Nothing here prints, waits, or reads a clock that it was not given, but for
//! [`SystemClock`].
//!
//! ```
//! use std::sync::Arc;
//! use mlops_core::memory::{LinearModel, MemoryStore};
//! use mlops_core::{
//!     Actor, Alias, Architecture, InferenceBackend, ModelName, ModelRegistry, MoveAlias,
//!     NewVersion, SystemClock,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> mlops_core::Result<()> {
//! let registry = MemoryStore::new(Arc::new(SystemClock::new()));
//! let name = ModelName::new("demo")?;
//! registry.create_model(&name, "a line through two points").await?;
//!
//! let model = LinearModel::new(vec![2.0], 1.0)?;
//! let architecture = Architecture::new("linear/1", serde_json::json!({"inputs": 1}));
//! let new = NewVersion::new(model.signature().clone(), architecture, "2 1");
//! let version = registry.create_version(&name, new).await?;
//!
//! let champion = Alias::new("champion")?;
//! registry.move_alias(MoveAlias {
//!     model: name.clone(),
//!     alias: champion.clone(),
//!     expected: None,
//!     to: Some(version.number),
//!     by: Actor::new("maintainer")?,
//!     why: "the first one".into(),
//! }).await?;
//! assert_eq!(registry.resolve(&name, &champion).await?, version);
//! # Ok(())
//! # }
//! ```

pub use arrow;
pub use bytes::Bytes;

#[cfg(feature = "conformance")]
pub mod conformance;
mod dataset;
mod decision;
mod digest;
mod drift;
mod error;
pub mod evidence;
mod feature;
mod inference;
pub mod memory;
mod name;
mod registry;
mod signature;
mod tensor;
mod time;
mod tracking;
mod type_name;

pub use dataset::{DatasetReference, DatasetVersion, Fingerprint};
pub use decision::{DecisionStore, Event, NewEvent, Revision, StoredState};
pub use digest::Digest;
pub use drift::{DriftDetector, DriftFinding};
pub use error::{Error, ErrorKind, OutOfRange, Result};
pub use feature::{FeatureRequest, FeatureStore, FeatureView, OnlineReader};
pub use inference::InferenceBackend;
pub use name::{
    Actor, Alias, DatasetName, ExperimentName, FeatureViewName, InvalidName, ModelName, RunId,
    Subject, VersionNumber,
};
pub use registry::{
    AliasChange, Architecture, Lineage, ModelRegistry, ModelRegistryExt, ModelVersion, MoveAlias,
    NewVersion, RegisteredModel,
};
pub use signature::{Difference, Signature, TensorSpec};
pub use tensor::{ElementType, Tensor, Tensors};
pub use time::{Clock, ManualClock, SystemClock, Timestamp};
pub use tracking::{
    Artifact, Experiment, LogBatch, Metric, MetricPoint, Run, RunStatus, Tracker, TrackerExt,
    check_artifact_name,
};
pub use type_name::type_name;
