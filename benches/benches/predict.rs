//! What the service costs on top of the model: a bare model, the service, the service with a shadow,
//! with a canary, and a sticky split alone. The model is linear in 32 features.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use mlops_core::memory::LinearModel;
use mlops_core::{InferenceBackend, ModelName, Tensor, Tensors, Timestamp, VersionNumber};
use mlops_serve::{PredictRequest, Rollout, RolloutPlan, Service, Split, Stage};

fn model() -> Arc<LinearModel> {
    Arc::new(LinearModel::new(vec![0.1; 32], 0.5).unwrap())
}

fn inputs() -> Tensors {
    Tensors::new([Tensor::from_f32("x", [1, 32], vec![1.0; 32]).unwrap()]).unwrap()
}

/// A service in one of its states.
fn service(state: &str) -> Service {
    let name = ModelName::new("demo").unwrap();
    let (one, two) = (VersionNumber::FIRST, VersionNumber::FIRST.next());
    let service = Service::builder().build();
    service.deploy(&name, one, model()).unwrap();
    if state != "champion alone" {
        let mut rollout =
            Rollout::new(RolloutPlan::default(), one, two, Timestamp::UNIX_EPOCH).unwrap();
        if state == "canary" {
            for _ in 0..2_000 {
                rollout.observe_loss(Stage::Shadow, 0.0).unwrap();
            }
            rollout.advance(Timestamp::UNIX_EPOCH).unwrap();
        }
        service.start_rollout(&name, rollout, model()).unwrap();
    }
    service
}

fn predict(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("predict");
    group
        .sample_size(50)
        .measurement_time(Duration::from_secs(2));
    let (bare, x) = (model(), inputs());
    group.bench_function("bare model", |bencher| {
        bencher.iter(|| black_box(bare.infer(black_box(&x)).unwrap()));
    });
    for state in ["champion alone", "shadow", "canary"] {
        let service = service(state);
        let mut request = PredictRequest::new(ModelName::new("demo").unwrap(), "", inputs());
        let mut id = 0_u64;
        group.bench_function(BenchmarkId::new("service", state), |bencher| {
            bencher.iter(|| {
                id += 1;
                request.key = id.to_string();
                black_box(service.predict(black_box(&request)).unwrap())
            });
        });
    }
    let split = Split::new("salt", 0.1).unwrap();
    group.bench_function("split", |bencher| {
        bencher.iter(|| black_box(split.arm(black_box("user 1234567"))));
    });
    group.finish();
}

criterion_group!(benches, predict);
criterion_main!(benches);
