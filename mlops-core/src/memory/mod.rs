//! A readable implementation beside each trait: the executable specification, for tests and
//! for embedding where nothing need outlive the process.
//!
//! | type | implements |
//! | --- | --- |
//! | [`MemoryStore`] | [`Tracker`](crate::Tracker), [`ModelRegistry`](crate::ModelRegistry), [`DecisionStore`](crate::DecisionStore) |
//! | [`MemoryFeatureStore`] | [`FeatureStore`](crate::FeatureStore), [`OnlineReader`](crate::OnlineReader) |
//! | [`MedianTest`] | [`DriftDetector`](crate::DriftDetector) |
//! | [`LinearModel`] | [`InferenceBackend`](crate::InferenceBackend) |
//!
//! [`ManualClock`](crate::ManualClock) is the reference for [`Clock`](crate::Clock).

mod decisions;
mod feature_store;
mod linear_model;
mod median_test;
mod models;
mod store;
mod tracking;

pub use feature_store::MemoryFeatureStore;
pub use linear_model::LinearModel;
pub use median_test::MedianTest;
pub use store::MemoryStore;
