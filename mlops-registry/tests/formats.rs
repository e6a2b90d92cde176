//! A folder that version 1 of the formats wrote stays readable: `fixtures/v1` is never written again,
//! and a new format gets a folder and a test of its own.
//!
//! The fixture was written by `write_v1` below, which is kept to show what is in it:
//! `MLOPS_FIXTURE=<new folder> cargo test -p mlops-registry --test formats -- --ignored`.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mlops_core::arrow::array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use mlops_core::evidence::{EValue, Evidence};
use mlops_core::{
    Actor, Alias, Architecture, DatasetName, DecisionStore, ElementType, ExperimentName,
    FeatureRequest, FeatureStore, FeatureView, FeatureViewName, Fingerprint, Lineage, LogBatch,
    ManualClock, Metric, ModelName, ModelRegistry, MoveAlias, NewEvent, NewVersion, OnlineReader,
    Revision, RunId, RunStatus, Signature, Subject, TensorSpec, Timestamp, Tracker, VersionNumber,
};
use mlops_registry::SqliteStore;
use mlops_registry::features::ParquetFeatureStore;

fn start() -> Timestamp {
    "2013-04-01T00:00:00Z".parse().unwrap()
}

fn experiment() -> ExperimentName {
    ExperimentName::new("flight delays").unwrap()
}

fn model() -> ModelName {
    ModelName::new("flight-delays").unwrap()
}

fn rollout() -> Subject {
    Subject::new("rollout:flight-delays").unwrap()
}

fn actor() -> Actor {
    Actor::new("maintainer").unwrap()
}

fn signature() -> Signature {
    let x = TensorSpec::of_columns("x", ElementType::Fp32, ["temp", "distance"]).allowing_nan();
    let p = TensorSpec::new("p", ElementType::Fp32, [None, Some(1)]);
    Signature::new([x], [p]).unwrap()
}

fn architecture() -> Architecture {
    Architecture::new(
        "logistic/1",
        serde_json::json!({"inputs": 2, "rate": 0.1 + 0.2}),
    )
}

fn flights() -> RecordBatch {
    let columns: [(&str, ArrayRef); 2] = [
        ("carrier", Arc::new(StringArray::from(vec!["UA", "B6"]))),
        ("delay", Arc::new(Float64Array::from(vec![3.5, -1.0]))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn weather() -> FeatureView {
    let name = FeatureViewName::new("weather").unwrap();
    FeatureView::new(name, ["origin"], ["temp"])
        .with_event_time("known_at")
        .with_ttl(Duration::from_micros(15))
}

fn weather_rows(known: Vec<i64>, temp: Vec<Option<i64>>) -> RecordBatch {
    let origin: ArrayRef = Arc::new(StringArray::from(vec!["JFK"; known.len()]));
    let known: ArrayRef = Arc::new(TimestampMicrosecondArray::from(known).with_timezone("UTC"));
    let temp: ArrayRef = Arc::new(Int64Array::from(temp));
    let columns = [
        ("origin", origin, true),
        ("known_at", known, true),
        ("temp", temp, true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn started() -> NewEvent {
    NewEvent::new("started", actor())
        .evidence(Evidence::quantity("requests", 312.0))
        .evidence(Evidence::new("errors", EValue::new(24.5).unwrap()))
        .detail("share", 0.1 + 0.2)
}

#[tokio::test]
#[ignore = "writes the fixture of a format that is new"]
async fn write_v1() {
    let Some(folder) = std::env::var_os("MLOPS_FIXTURE") else {
        return;
    };
    let folder = PathBuf::from(folder);
    let store = SqliteStore::builder(&folder)
        .clock(Arc::new(ManualClock::new(start())))
        .random(|| [7; 10])
        .open()
        .await
        .unwrap();
    let name = DatasetName::new("flights").unwrap();
    let data = store
        .register_dataset(&name, "file:flights.parquet", &[flights()])
        .await
        .unwrap();
    store.create_experiment(&experiment()).await.unwrap();
    let run = store.start_run(&experiment(), "first").await.unwrap().id;
    let batch = LogBatch::new()
        .param("rate", 0.1)
        .tag("note", "línea")
        .metric(Metric::new("loss", 0.1 + 0.2))
        .metric(Metric::new("loss", f64::NAN).at_step(1))
        .metric(Metric::new("loss", f64::INFINITY).at_step(2))
        .input(data.reference());
    store.log(run, batch).await.unwrap();
    store
        .put_artifact(run, "plots/roc.svg", "<svg/>".into())
        .await
        .unwrap();
    store.end_run(run, RunStatus::Finished).await.unwrap();
    store.create_model(&model(), "arrives late").await.unwrap();
    let lineage = Lineage {
        run: Some(run),
        datasets: vec![data.reference()],
        code_revision: Some("abc123".into()),
    };
    let new = NewVersion::new(signature(), architecture(), "weights").made_by(lineage);
    store.create_version(&model(), new).await.unwrap();
    let promotion = MoveAlias {
        model: model(),
        alias: Alias::new("champion").unwrap(),
        expected: None,
        to: Some(VersionNumber::FIRST),
        by: actor(),
        why: "the first one".into(),
    };
    store.move_alias(promotion).await.unwrap();
    let state = serde_json::json!({"share": 0.1 + 0.2});
    store
        .commit(&rollout(), Revision::NONE, state, started())
        .await
        .unwrap();
    store.close().await;

    let store = ParquetFeatureStore::open(folder.join("features"))
        .await
        .unwrap();
    store.register_view(weather()).await.unwrap();
    let name = weather().name;
    store
        .push(&name, &weather_rows(vec![10, 20], vec![Some(39), None]))
        .await
        .unwrap();
    store
        .push(&name, &weather_rows(vec![20], vec![Some(41)]))
        .await
        .unwrap();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &place);
        } else {
            std::fs::copy(entry.path(), place).unwrap();
        }
    }
}

/// A copy of the fixture: opening a database may write to it.
fn v1() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1");
    copy(&fixture, folder.path());
    folder
}

#[tokio::test]
async fn a_database_of_version_1_is_read() {
    let folder = v1();
    let store = SqliteStore::open(folder.path()).await.unwrap();
    let id = RunId::from_parts(start(), [7; 10]);
    let run = store.run(id).await.unwrap();
    assert_eq!(run.params["rate"], "0.1");
    assert_eq!(run.tags["note"], "línea");
    assert_eq!(
        (run.status, run.ended_at),
        (RunStatus::Finished, Some(start()))
    );
    let fingerprint = Fingerprint::of([&flights()]).unwrap();
    assert_eq!(
        run.inputs[0].fingerprint, fingerprint,
        "fingerprints mean what they meant"
    );
    let loss = store.metric_history(id, "loss").await.unwrap();
    assert_eq!(loss[0].value.to_bits(), (0.1_f64 + 0.2).to_bits());
    assert!(loss[1].value.is_nan());
    assert_eq!(loss[2].value, f64::INFINITY);
    assert_eq!(store.artifact(id, "plots/roc.svg").await.unwrap(), "<svg/>");

    let champion = Alias::new("champion").unwrap();
    let version = store.resolve(&model(), &champion).await.unwrap();
    assert_eq!(
        (&version.signature, &version.architecture),
        (&signature(), &architecture())
    );
    assert_eq!(version.lineage.run, Some(id));
    assert_eq!(version.lineage.datasets, run.inputs);
    assert_eq!(
        store.bytes(&model(), version.number).await.unwrap(),
        "weights"
    );
    let history = store.alias_history(&model()).await.unwrap();
    assert_eq!(
        (history[0].why.as_str(), &history[0].by),
        ("the first one", &actor())
    );

    let state = store.state(&rollout()).await.unwrap().unwrap();
    assert_eq!(state.state, serde_json::json!({"share": 0.1 + 0.2}));
    let events = store.events(None, 0, 100).await.unwrap();
    assert_eq!(events.len(), 10);
    assert_eq!(events[9].what, started());
}

#[tokio::test]
async fn a_database_of_version_1_takes_more() {
    let folder = v1();
    let store = SqliteStore::open(folder.path()).await.unwrap();
    let run = store.start_run(&experiment(), "second").await.unwrap();
    store
        .log(run.id, LogBatch::new().param("rate", 0.2))
        .await
        .unwrap();
    let new = NewVersion::new(signature(), architecture(), "weights");
    assert_eq!(
        store
            .create_version(&model(), new)
            .await
            .unwrap()
            .number
            .get(),
        2
    );
    assert_eq!(store.runs(&experiment()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_feature_log_of_format_1_is_read_and_takes_more() {
    let folder = v1();
    let store = ParquetFeatureStore::open(folder.path().join("features"))
        .await
        .unwrap();
    let name = weather().name;
    assert_eq!(store.view(&name).await.unwrap(), weather());
    store
        .push(&name, &weather_rows(vec![30], vec![Some(43)]))
        .await
        .unwrap();
    let times = vec![9, 10, 19, 20, 30, 45, 46];
    let table = weather_rows(times, vec![None; 7]).project(&[0, 1]).unwrap();
    let asked = [FeatureRequest::new(name.clone(), ["temp"])];
    let joined = store.join(&table, "known_at", &asked).await.unwrap();
    let expected = [None, Some(39), Some(39), Some(41), Some(43), Some(43), None];
    assert_eq!(*joined["temp"], Int64Array::from(expected.to_vec()));
    let now = Timestamp::from_microsecond(20).unwrap();
    store.materialize(&name, now).await.unwrap();
    let online = store.read(&table.slice(0, 1), now, &asked).unwrap();
    assert_eq!(*online["temp"], Int64Array::from(vec![41]));
}
