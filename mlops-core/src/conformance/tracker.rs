use bytes::Bytes;

use super::refused;
use crate::{
    Digest, ErrorKind, ExperimentName, LogBatch, Metric, Run, RunId, RunStatus, Timestamp, Tracker,
};

/// Checks [`Tracker`]'s contract on an empty store.
///
/// ```
/// # use std::sync::Arc;
/// # use mlops_core::{SystemClock, conformance, memory::MemoryStore};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// conformance::tracker(&MemoryStore::new(Arc::new(SystemClock::new()))).await;
/// # }
/// ```
pub async fn tracker(store: &dyn Tracker) {
    let name = ExperimentName::new("conformance").expect("a valid name");
    refused(
        store.start_run(&name, "early").await,
        ErrorKind::NotFound,
        "a run needs its experiment",
    );
    let created = store.create_experiment(&name).await.expect("create");
    assert_eq!(created.name, name);
    refused(
        store.create_experiment(&name).await,
        ErrorKind::AlreadyExists,
        "an experiment's name is unique",
    );
    assert_eq!(store.experiments().await.expect("list"), [created]);

    unknown_runs_are_not_found(store).await;
    let run = store.start_run(&name, "first").await.expect("start");
    assert_eq!(store.run(run.id).await.expect("read back"), run);
    batches_are_atomic(store, &run).await;
    metrics_keep_every_point(store, &run).await;
    artifacts_are_written_once(store, &run).await;
    an_ended_run_takes_no_more(store, &run).await;

    let second = store.start_run(&name, "second").await.expect("start");
    assert_ne!(second.id, run.id, "run ids are unique");
    let listed: Vec<RunId> = store
        .runs(&name)
        .await
        .expect("list")
        .iter()
        .map(|run| run.id)
        .collect();
    assert_eq!(listed, [second.id, run.id], "the latest run comes first");
}

async fn unknown_runs_are_not_found(store: &dyn Tracker) {
    let unknown = RunId::from_parts(Timestamp::UNIX_EPOCH, [9; 10]);
    let promise = "an unknown run is not found";
    refused(store.run(unknown).await, ErrorKind::NotFound, promise);
    refused(
        store.log(unknown, LogBatch::new().tag("a", 1)).await,
        ErrorKind::NotFound,
        promise,
    );
    refused(
        store.end_run(unknown, RunStatus::Finished).await,
        ErrorKind::NotFound,
        promise,
    );
    refused(
        store.metric_history(unknown, "a").await,
        ErrorKind::NotFound,
        promise,
    );
    refused(
        store.artifact(unknown, "a").await,
        ErrorKind::NotFound,
        promise,
    );
    refused(store.artifacts(unknown).await, ErrorKind::NotFound, promise);
    refused(
        store.put_artifact(unknown, "a", Bytes::new()).await,
        ErrorKind::NotFound,
        promise,
    );
}

async fn batches_are_atomic(store: &dyn Tracker, run: &Run) {
    let first = LogBatch::new().param("rate", 0.1).tag("stage", "one");
    store.log(run.id, first.clone()).await.expect("log");
    store
        .log(run.id, first)
        .await
        .expect("the same param again is fine");
    let clash = LogBatch::new()
        .param("depth", 3)
        .param("rate", 0.2)
        .tag("stage", "two")
        .metric(Metric::new("loss", 1.0));
    refused(
        store.log(run.id, clash).await,
        ErrorKind::AlreadyExists,
        "a param is written once",
    );
    let too_long = LogBatch::new()
        .param("k".repeat(251), 1)
        .tag("stage", "two");
    refused(
        store.log(run.id, too_long).await,
        ErrorKind::InvalidArgument,
        "a key has at most 250 characters",
    );
    let seen = store.run(run.id).await.expect("read back");
    assert_eq!(seen.params.len(), 1, "a refused batch changes no param");
    assert_eq!(seen.tags["stage"], "one", "a refused batch changes no tag");
    assert!(seen.metrics.is_empty(), "a refused batch adds no metric");

    store
        .log(run.id, LogBatch::new().tag("stage", "two"))
        .await
        .expect("log");
    let seen = store.run(run.id).await.expect("read back");
    assert_eq!(seen.tags["stage"], "two", "the last tag counts");
}

async fn metrics_keep_every_point(store: &dyn Tracker, run: &Run) {
    let point = |value, step| Metric::new("loss", value).at_step(step);
    let batch = LogBatch::new()
        .metric(point(0.5, 2))
        .metric(point(f64::NAN, 1))
        .metric(point(f64::INFINITY, 1))
        .metric(point(f64::NEG_INFINITY, -1));
    store.log(run.id, batch).await.expect("log");
    store
        .log(run.id, LogBatch::new().metric(point(0.4, 2)))
        .await
        .expect("log");

    let history = store.metric_history(run.id, "loss").await.expect("history");
    let steps: Vec<i64> = history.iter().map(|point| point.step).collect();
    assert_eq!(steps, [-1, 1, 1, 2, 2], "points come by step");
    let bits: Vec<f64> = history.iter().map(|point| point.value).collect();
    assert_eq!(bits[0], f64::NEG_INFINITY, "infinity is a value");
    assert!(
        bits[1].is_nan(),
        "NaN is a value, and comes in the order of logging"
    );
    assert_eq!(
        bits[2..],
        [f64::INFINITY, 0.5, 0.4],
        "equal steps come in the order of logging"
    );
    let latest = store.run(run.id).await.expect("read back").metrics["loss"];
    assert_eq!(
        (latest.step, latest.value),
        (2, 0.4),
        "the latest is the last of the greatest step"
    );
    assert!(
        store
            .metric_history(run.id, "never")
            .await
            .expect("history")
            .is_empty()
    );
}

async fn artifacts_are_written_once(store: &dyn Tracker, run: &Run) {
    let bytes = Bytes::from_static(b"\0model\xff");
    let put = |name: &'static str, bytes: Bytes| store.put_artifact(run.id, name, bytes);
    let artifact = put("models/best.bin", bytes.clone()).await.expect("put");
    assert_eq!((artifact.digest, artifact.size), (Digest::of(&bytes), 7));
    assert_eq!(
        put("models/best.bin", bytes.clone())
            .await
            .expect("the same again"),
        artifact
    );
    refused(
        put("models/best.bin", Bytes::from_static(b"other")).await,
        ErrorKind::AlreadyExists,
        "an artifact is written once",
    );
    for name in ["", "/etc/passwd", "a/../b", "a//b", "a\\b", "a\0b", ".."] {
        refused(
            put(name, Bytes::new()).await,
            ErrorKind::InvalidArgument,
            "an artifact's name is no path",
        );
    }
    put("empty", Bytes::new())
        .await
        .expect("an empty file is a file");
    let names: Vec<String> = store
        .artifacts(run.id)
        .await
        .expect("list")
        .into_iter()
        .map(|a| a.name)
        .collect();
    assert_eq!(names, ["empty", "models/best.bin"]);
    assert_eq!(
        store
            .artifact(run.id, "models/best.bin")
            .await
            .expect("get"),
        bytes
    );
    refused(
        store.artifact(run.id, "none").await,
        ErrorKind::NotFound,
        "an unknown artifact is not found",
    );
}

async fn an_ended_run_takes_no_more(store: &dyn Tracker, run: &Run) {
    refused(
        store.end_run(run.id, RunStatus::Running).await,
        ErrorKind::InvalidArgument,
        "a run ends with a final status",
    );
    store
        .end_run(run.id, RunStatus::Finished)
        .await
        .expect("end");
    store
        .end_run(run.id, RunStatus::Finished)
        .await
        .expect("the same again is fine");
    let promise = "an ended run takes no more";
    refused(
        store.end_run(run.id, RunStatus::Failed).await,
        ErrorKind::Conflict,
        promise,
    );
    refused(
        store.log(run.id, LogBatch::new().tag("late", 1)).await,
        ErrorKind::Conflict,
        promise,
    );
    refused(
        store.put_artifact(run.id, "late", Bytes::new()).await,
        ErrorKind::Conflict,
        promise,
    );
    let seen = store.run(run.id).await.expect("read back");
    assert_eq!(seen.status, RunStatus::Finished);
    assert!(
        seen.ended_at >= Some(seen.started_at),
        "a run ends after it started"
    );
    assert!(!seen.tags.contains_key("late"));
}
