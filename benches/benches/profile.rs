//! Values per second and core of the parts of a numeric profile.
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mlops_drift::NumericSample;
use mlops_drift::profile::NumericProfile;
use mlops_drift::sample::Moments;
use mlops_drift::summary::TableSummary;

const ROWS: usize = 1_000_000;

/// Shuffled, smooth and distinct.
fn values() -> Vec<f64> {
    (0..ROWS as u64)
        .map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11) as f64)
        .collect()
}

fn profile(criterion: &mut Criterion) {
    let values = values();
    let mut group = criterion.benchmark_group("numeric column");
    group
        .sample_size(20)
        .throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("counts and moments", |bench| {
        bench.iter(|| Moments::of(&values));
    });
    let sample = NumericSample::new(values.iter().copied());
    let reference = NumericProfile::of(&sample).unwrap();
    let column = Float64Array::from(values.clone());
    group.bench_function("grid, counts and moments", |bench| {
        bench.iter(|| {
            let mut profile = reference.empty();
            profile.update(&column).unwrap();
            profile
        });
    });
    group.bench_function("sort, as a reference", |bench| {
        bench.iter(|| NumericProfile::of(&NumericSample::new(values.iter().copied())).unwrap());
    });
    let table = RecordBatch::try_from_iter([("x", Arc::new(column.clone()) as ArrayRef)]).unwrap();
    group.bench_function("summary: counts, moments and sketches", |bench| {
        bench.iter(|| TableSummary::of(&table).unwrap());
    });
    group.bench_function("peer: sort_unstable alone", |bench| {
        bench.iter(|| {
            let mut sorted = values.clone();
            sorted.sort_unstable_by(f64::total_cmp);
            sorted
        });
    });
    group.finish();
}

criterion_group!(benches, profile);
criterion_main!(benches);
