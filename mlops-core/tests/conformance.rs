//! The in-memory references pass the suites that every implementation runs.
#![cfg(feature = "conformance")]
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use mlops_core::memory::{LinearModel, MedianTest, MemoryFeatureStore, MemoryStore};
use mlops_core::{ManualClock, SystemClock, Tensor, Tensors, Timestamp, conformance};

fn store() -> MemoryStore {
    MemoryStore::new(Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)))
}

#[tokio::test]
async fn memory_store() {
    conformance::tracker(&store()).await;
    conformance::model_registry(&store()).await;
    conformance::decision_store(&store()).await;
}

#[tokio::test]
async fn memory_feature_store() {
    conformance::feature_store(&MemoryFeatureStore::new()).await;
    conformance::online_equals_offline(&MemoryFeatureStore::new()).await;
}

#[test]
fn linear_model() {
    let model = LinearModel::new(vec![0.5, -2.0, 3.25], 0.125)
        .unwrap()
        .logistic();
    let x = Tensor::from_f32(
        "x",
        [3, 3],
        vec![0.1, 0.2, 0.3, -4.0, 5.0, 6.5, 1e6, 0.0, -1e6],
    );
    conformance::inference_backend(&model, &Tensors::new([x.unwrap()]).unwrap(), 0.0);
}

#[test]
fn median_test() {
    conformance::drift_detector(&MedianTest);
}

#[test]
fn clocks() {
    conformance::clock(&SystemClock::new());
    conformance::clock(&ManualClock::new(Timestamp::UNIX_EPOCH));
}
