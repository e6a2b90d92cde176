//! What the tests of the service share.
#![allow(dead_code, clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mlops_core::memory::{LinearModel, MemoryStore};
use mlops_core::{
    Architecture, Clock, Error, ErrorKind, InferenceBackend, ManualClock, ModelName,
    ModelRegistry as _, NewVersion, Result, Signature, Tensor, Tensors, Timestamp, VersionNumber,
};
use mlops_serve::{CanaryStep, PredictRequest, RolloutController, RolloutPlan, Service};

/// The first and the second version.
pub(crate) fn versions() -> (VersionNumber, VersionNumber) {
    (VersionNumber::FIRST, VersionNumber::FIRST.next())
}

pub(crate) fn name() -> ModelName {
    ModelName::new("demo").unwrap()
}

/// `y = slope * x`.
pub(crate) fn line(slope: f32) -> Arc<dyn InferenceBackend> {
    Arc::new(LinearModel::new(vec![slope], 0.0).unwrap())
}

pub(crate) fn x(value: f32) -> Tensors {
    Tensors::new([Tensor::from_f32("x", [1, 1], vec![value]).unwrap()]).unwrap()
}

pub(crate) fn request(id: impl Into<String>, value: f32) -> PredictRequest {
    PredictRequest::new(name(), id, x(value))
}

/// Fails while the switch is on.
pub(crate) struct Fragile {
    pub(crate) inner: Arc<dyn InferenceBackend>,
    pub(crate) broken: Arc<AtomicBool>,
}

impl Fragile {
    pub(crate) fn new(slope: f32) -> (Arc<Self>, Arc<AtomicBool>) {
        let broken = Arc::new(AtomicBool::new(false));
        let inner = line(slope);
        (
            Arc::new(Self {
                inner,
                broken: broken.clone(),
            }),
            broken,
        )
    }
}

impl InferenceBackend for Fragile {
    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn infer(&self, inputs: &Tensors) -> Result<Tensors> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Internal, "the weights are on fire"));
        }
        self.inner.infer(inputs)
    }
}

/// A service with version 1 deployed, and a store in which versions 1 and 2 are registered.
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) service: Service,
}

impl World {
    pub(crate) async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let store = Arc::new(MemoryStore::new(clock.clone()));
        store.create_model(&name(), "").await.unwrap();
        for _ in 0..2 {
            let architecture = Architecture::new("line/1", serde_json::json!({}));
            let signature = line(1.0).signature().clone();
            let new = NewVersion::new(signature, architecture, "");
            store.create_version(&name(), new).await.unwrap();
        }
        let service = Service::builder().clock(clock.clone()).build();
        service.deploy(&name(), versions().0, line(1.0)).unwrap();
        Self {
            clock,
            store,
            service,
        }
    }

    pub(crate) fn controller(&self) -> RolloutController {
        let clock: Arc<dyn Clock> = self.clock.clone();
        let (registry, decisions) = (self.store.clone(), self.store.clone());
        RolloutController::new(self.service.clone(), registry, decisions, clock, name()).unwrap()
    }
}

/// Two steps without a least duration.
pub(crate) fn quick_plan() -> RolloutPlan {
    let step = |share| CanaryStep {
        share,
        min_requests: 5,
        min_duration: Duration::ZERO,
    };
    RolloutPlan {
        shadow_min_units: 50,
        steps: vec![step(0.2), step(0.5)],
        loss_margin: 0.1,
        ..RolloutPlan::default()
    }
}
