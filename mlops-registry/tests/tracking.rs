//! What SqliteStore keeps of a run: every number that a metric can be, text as it was given, and the
//! name of whatever is not there.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, missing_docs)]

use mlops_core::{
    DecisionStore, ErrorKind, ExperimentName, LogBatch, Metric, MetricPoint, Result, Run, RunId,
    RunStatus, Timestamp, Tracker,
};
use mlops_registry::{SqliteStore, subject};
use proptest::prelude::*;
use tempfile::TempDir;

async fn running() -> (TempDir, SqliteStore, Run) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).await.unwrap();
    let experiment = ExperimentName::new("delays").unwrap();
    store.create_experiment(&experiment).await.unwrap();
    let run = store.start_run(&experiment, "first").await.unwrap();
    (folder, store, run)
}

fn values(points: Result<Vec<MetricPoint>>) -> Vec<f64> {
    points.unwrap().iter().map(|point| point.value).collect()
}

/// The same number, bit by bit, but for the payload of a NaN and the sign of a zero.
fn is_kept(given: f64, kept: f64) -> bool {
    let is_same = given.to_bits() == kept.to_bits();
    is_same || (given.is_nan() && kept.is_nan()) || (given == 0.0 && kept == 0.0)
}

#[tokio::test]
async fn a_diverged_loss_is_a_result() {
    let (folder, store, run) = running().await;
    let diverging = [1.0, f64::INFINITY, f64::NAN, f64::NEG_INFINITY, f64::NAN];
    for (step, value) in (0..).zip(diverging) {
        let point = Metric::new("loss", value).at_step(step);
        store
            .log(run.id, LogBatch::new().metric(point))
            .await
            .unwrap();
    }
    store.end_run(run.id, RunStatus::Failed).await.unwrap();
    store.close().await;

    let store = SqliteStore::open(folder.path()).await.unwrap();
    let kept = values(store.metric_history(run.id, "loss").await);
    assert_eq!(kept.len(), diverging.len(), "no point is dropped");
    for (given, kept) in diverging.iter().zip(&kept) {
        assert!(is_kept(*given, *kept), "{given} came back as {kept}");
    }
    let latest = store.run(run.id).await.unwrap().metrics["loss"];
    assert_eq!(latest.step, 4);
    assert!(
        latest.value.is_nan(),
        "the latest value is the last one, though it is NaN"
    );
    let listed = &store.runs(&run.experiment).await.unwrap()[0];
    assert!(listed.metrics["loss"].value.is_nan());
}

#[tokio::test]
async fn text_comes_back_as_it_was_given() {
    let (_folder, store, run) = running().await;
    let texts = [
        "",
        "NULL",
        "1e3",
        "it's; DROP TABLE runs; --",
        "a\0b",
        "línea\r\n\t模型 \u{202e}",
        "$1",
    ];
    let mut batch = LogBatch::new();
    for text in texts {
        batch = batch
            .param(format!("p {text}"), text)
            .tag(format!("t {text}"), text);
    }
    store.log(run.id, batch.clone()).await.unwrap();
    let kept = store.run(run.id).await.unwrap();
    assert_eq!((kept.params, kept.tags), (batch.params, batch.tags));
}

#[tokio::test]
async fn keys_and_values_outside_their_range_are_refused_with_the_range() {
    let (_folder, store, run) = running().await;
    let long = "k".repeat(251);
    let cases = [
        (
            LogBatch::new().metric(Metric::new("", 1.0)),
            "1 to 250 characters, got 0",
        ),
        (
            LogBatch::new().param(long, 1),
            "1 to 250 characters, got 251",
        ),
        (
            LogBatch::new().tag("note", "v".repeat(8_001)),
            "at most 8000 characters, got 8001",
        ),
    ];
    for (batch, range) in cases {
        let error = store.log(run.id, batch).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().contains(range), "{error}");
    }
    assert_eq!(store.run(run.id).await.unwrap(), run);
}

#[tokio::test]
async fn what_is_not_there_is_not_found_by_name() {
    let (_folder, store, run) = running().await;
    let unknown = RunId::from_parts(Timestamp::UNIX_EPOCH, [9; 10]);
    let missing = ExperimentName::new("no such experiment").unwrap();
    let errors = [
        (store.run(unknown).await.map(drop), unknown.to_string()),
        (
            store.log(unknown, LogBatch::new()).await,
            unknown.to_string(),
        ),
        (
            store.end_run(unknown, RunStatus::Killed).await,
            unknown.to_string(),
        ),
        (
            store.metric_history(unknown, "loss").await.map(drop),
            unknown.to_string(),
        ),
        (
            store.artifacts(unknown).await.map(drop),
            unknown.to_string(),
        ),
        (
            store.artifact(unknown, "a").await.map(drop),
            unknown.to_string(),
        ),
        (
            store.put_artifact(unknown, "a", "".into()).await.map(drop),
            unknown.to_string(),
        ),
        (
            store.artifact(run.id, "no such file").await.map(drop),
            "no such file".into(),
        ),
        (store.runs(&missing).await.map(drop), missing.to_string()),
        (
            store.start_run(&missing, "first").await.map(drop),
            missing.to_string(),
        ),
    ];
    for (place, (result, name)) in errors.into_iter().enumerate() {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{place}: {error}");
        assert!(error.to_string().contains(&name), "{place}: {error}");
        assert!(!error.is_retryable());
    }
    let events = store
        .events(Some(&subject::run(unknown)), 0, 9)
        .await
        .unwrap();
    assert!(events.is_empty(), "a refused call leaves no record");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    /// Of any bits, at any step.
    #[test]
    fn every_point_of_every_number_is_kept(points in prop::collection::vec((any::<u64>(), any::<i64>()), 1..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (_folder, store, run) = running().await;
            let points: Vec<(f64, i64)> = points.iter().map(|(bits, step)| (f64::from_bits(*bits), *step)).collect();
            let batch = points.iter().fold(LogBatch::new(), |batch, (value, step)| {
                batch.metric(Metric::new("m", *value).at_step(*step))
            });
            store.log(run.id, batch).await.unwrap();
            let mut sorted = points;
            sorted.sort_by_key(|point| point.1);
            let kept = store.metric_history(run.id, "m").await.unwrap();
            assert_eq!(kept.len(), sorted.len());
            for ((value, step), kept) in sorted.iter().zip(&kept) {
                assert!(*step == kept.step && is_kept(*value, kept.value), "{value} at {step} came back as {kept:?}");
            }
        });
    }
}
