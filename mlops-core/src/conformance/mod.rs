//! The suites that every implementation of a trait runs, ours and a user's (feature `conformance`).
//!
//! Each takes a fresh, empty implementation, checks the promises of the trait's contract, and panics
//! with the promise that was broken. Run them from a test:
//!
//! ```
//! use std::sync::Arc;
//! use mlops_core::{SystemClock, conformance, memory::MemoryStore};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let store = MemoryStore::new(Arc::new(SystemClock::new()));
//! conformance::tracker(&store).await;
//! # }
//! ```
//!
//! What a process cannot see of itself (durability after a crash) is not covered: an implementation
//! tests it on its own.

// A broken promise ends a test by a panic, as an assertion does.
#![allow(clippy::expect_used)]

mod clock;
mod decision_store;
mod drift_detector;
mod feature_store;
mod inference_backend;
mod model_registry;
mod tracker;

pub use clock::clock;
pub use decision_store::decision_store;
pub use drift_detector::drift_detector;
pub use feature_store::{feature_store, online_equals_offline};
pub use inference_backend::inference_backend;
pub use model_registry::model_registry;
pub use tracker::tracker;

use crate::{ErrorKind, Result};

/// The error must be of this kind.
fn refused<T: std::fmt::Debug>(result: Result<T>, kind: ErrorKind, promise: &str) {
    match result {
        Ok(value) => panic!("{promise}: expected {kind:?}, got {value:?}"),
        Err(error) => assert_eq!(error.kind(), kind, "{promise}: {error}"),
    }
}
