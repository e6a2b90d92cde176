//! What the stores cost a caller: a flight's weather read online beside a lock and a hash map, what one
//! would hold the latest row of each origin in; and one logged batch on disk, durable on return,
//! beside a line appended to a file and synced.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::HashMap;
use std::fs::File;
use std::hint::black_box;
use std::io::Write as _;
use std::sync::RwLock;
use std::time::Duration;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Float64Type;
use criterion::{Criterion, criterion_group, criterion_main};
use mlops_benches::{WEATHER, departures, weather, weather_view};
use mlops_core::{
    ExperimentName, FeatureStore as _, LogBatch, Metric, OnlineReader as _, Timestamp,
    Tracker as _, TrackerExt as _,
};
use mlops_registry::SqliteStore;
use mlops_registry::features::ParquetFeatureStore;

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().build().unwrap()
}

/// The last row of each origin: what a map holds that is overwritten as rows come.
fn latest(weather: &RecordBatch) -> HashMap<String, [f64; 5]> {
    let origin = weather["origin"].as_string::<i64>();
    let columns = WEATHER.map(|name| {
        let wide = arrow::compute::cast(&weather[name], &arrow::datatypes::DataType::Float64);
        wide.unwrap().as_primitive::<Float64Type>().clone()
    });
    let row = |row: usize| columns.each_ref().map(|column| column.value(row));
    (0..weather.num_rows())
        .map(|i| (origin.value(i).to_owned(), row(i)))
        .collect()
}

fn read(criterion: &mut Criterion) {
    let (folder, runtime) = (tempfile::tempdir().unwrap(), runtime());
    let (view, request) = weather_view().unwrap();
    let (now, requests) = (
        "2013-12-30T12:00:00Z".parse::<Timestamp>().unwrap(),
        [request],
    );
    let store = runtime.block_on(async {
        let store = ParquetFeatureStore::open(folder.path()).await.unwrap();
        store.register_view(view.clone()).await.unwrap();
        store.push(&view.name, &weather().unwrap()).await.unwrap();
        store.materialize(&view.name, now).await.unwrap();
        store
    });
    let flight = departures().unwrap().project(&[0]).unwrap().slice(0, 1);
    let map = RwLock::new(latest(&weather().unwrap()));
    let origin = flight["origin"].as_string::<i64>().value(0).to_owned();

    let mut group = criterion.benchmark_group("one flight's weather, online");
    group
        .sample_size(50)
        .measurement_time(Duration::from_secs(2));
    group.bench_function("ours", |bencher| {
        bencher.iter(|| black_box(store.read(&flight, now, &requests).unwrap()));
    });
    group.bench_function("lock and map", |bencher| {
        bencher.iter(|| black_box(map.read().unwrap().get(black_box(&origin)).copied()));
    });
    group.finish();
}

fn log(criterion: &mut Criterion) {
    let (folder, runtime) = (tempfile::tempdir().unwrap(), runtime());
    let (store, run) = runtime.block_on(async {
        let store = SqliteStore::open(folder.path()).await.unwrap();
        let experiment = ExperimentName::new("bench").unwrap();
        store.ensure_experiment(&experiment).await.unwrap();
        let run = store.start_run(&experiment, "bench").await.unwrap().id;
        (store, run)
    });
    let batch = |step| {
        let metrics = (0..10).map(|i| Metric::new(format!("m{i}"), 0.5).at_step(step));
        metrics.fold(LogBatch::new(), LogBatch::metric)
    };
    let mut file = File::create(folder.path().join("lines")).unwrap();
    let mut group = criterion.benchmark_group("ten metrics, durable");
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(3));
    let mut step = 0;
    group.bench_function("ours", |bencher| {
        bencher.iter(|| {
            step += 1;
            runtime.block_on(store.log(run, batch(step))).unwrap();
        });
    });
    group.bench_function("line and sync", |bencher| {
        bencher.iter(|| {
            file.write_all(&[b'm'; 300]).unwrap();
            file.sync_data().unwrap();
        });
    });
    group.finish();
}

criterion_group!(benches, read, log);
criterion_main!(benches);
