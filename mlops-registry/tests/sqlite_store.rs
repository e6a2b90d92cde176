//! What SqliteStore promises beyond the traits: durability, one event per change, and errors that
//! say what is wrong with a folder.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mlops_core::arrow::array::{ArrayRef, Int64Array, RecordBatch};
use mlops_core::{
    Actor, Alias, Architecture, Bytes, DatasetName, DatasetReference, DecisionStore, Digest, Error,
    ErrorKind, ExperimentName, Lineage, LogBatch, ManualClock, Metric, ModelName, ModelRegistry,
    MoveAlias, NewEvent, NewVersion, Result, Revision, RunId, RunStatus, Signature, Subject,
    Timestamp, Tracker, VersionNumber,
};
use mlops_registry::{SqliteStore, subject};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tempfile::TempDir;

async fn fresh() -> (TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).await.unwrap();
    (folder, store)
}

fn model_name() -> ModelName {
    ModelName::new("flight-delays").unwrap()
}

fn new_version(bytes: &'static [u8]) -> NewVersion {
    let config = serde_json::json!({"rate": 0.1 + 0.2, "layers": [64, 32]});
    NewVersion::new(
        Signature::new([], []).unwrap(),
        Architecture::new("mlp/1", config),
        bytes,
    )
}

fn promotion(expected: Option<u32>, to: Option<u32>) -> MoveAlias {
    let number = |n: u32| VersionNumber::new(n).unwrap();
    MoveAlias {
        model: model_name(),
        alias: Alias::new("champion").unwrap(),
        expected: expected.map(number),
        to: to.map(number),
        by: Actor::new("maintainer").unwrap(),
        why: "better".into(),
    }
}

fn table(values: Vec<i64>) -> RecordBatch {
    RecordBatch::try_from_iter([("x", Arc::new(Int64Array::from(values)) as ArrayRef)]).unwrap()
}

fn kind<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

fn blob(folder: &Path, digest: Digest) -> PathBuf {
    let digits = digest.to_string();
    folder.join("artifacts").join(&digits[..2]).join(digits)
}

async fn event_kinds(store: &SqliteStore, subject: &Subject) -> Vec<String> {
    let events = store.events(Some(subject), 0, 100).await.unwrap();
    events.into_iter().map(|event| event.what.kind).collect()
}

#[tokio::test]
async fn reopening_keeps_everything_to_the_last_bit() {
    let (folder, store) = fresh().await;
    let data = store
        .register_dataset(
            &DatasetName::new("flights").unwrap(),
            "file:x",
            &[table(vec![1, 2])],
        )
        .await
        .unwrap();
    let experiment = ExperimentName::new("delays").unwrap();
    store.create_experiment(&experiment).await.unwrap();
    let run = store
        .start_run(&experiment, "é 'quoted\" name; --")
        .await
        .unwrap();
    let batch = LogBatch::new()
        .param("rate", 0.1)
        .tag("note", "line one\nline two")
        .metric(Metric::new("loss", f64::MIN_POSITIVE).at_step(i64::MIN))
        .metric(Metric::new("loss", 0.1 + 0.2).at_step(i64::MAX))
        .metric(Metric::new("odd", f64::NAN))
        .input(data.reference());
    store.log(run.id, batch).await.unwrap();
    store
        .put_artifact(run.id, "plots/roc.svg", Bytes::from_static(b"<svg/>"))
        .await
        .unwrap();
    store.end_run(run.id, RunStatus::Finished).await.unwrap();
    store
        .create_model(&model_name(), "arrives late")
        .await
        .unwrap();
    let lineage = Lineage {
        run: Some(run.id),
        datasets: vec![data.reference()],
        code_revision: Some("abc123".into()),
    };
    let version = store
        .create_version(&model_name(), new_version(b"weights").made_by(lineage))
        .await
        .unwrap();
    store.move_alias(promotion(None, Some(1))).await.unwrap();
    let state = serde_json::json!({"share": 0.1 + 0.2});
    let about = Subject::new("rollout:flight-delays").unwrap();
    let event =
        NewEvent::new("started", Actor::new("controller").unwrap()).detail("share", 0.1 + 0.2);
    store
        .commit(&about, Revision::NONE, state, event)
        .await
        .unwrap();

    let before = (
        store.experiments().await.unwrap(),
        store.artifacts(run.id).await.unwrap(),
        store.models().await.unwrap(),
        store.versions(&model_name()).await.unwrap(),
        store.alias_history(&model_name()).await.unwrap(),
        store.datasets().await.unwrap(),
        store.state(&about).await.unwrap(),
        store.events(None, 0, 100).await.unwrap(),
    );
    let history = store.metric_history(run.id, "loss").await.unwrap();
    let run_before = store.run(run.id).await.unwrap();
    store.close().await;

    let store = SqliteStore::open(folder.path()).await.unwrap();
    let after = (
        store.experiments().await.unwrap(),
        store.artifacts(run.id).await.unwrap(),
        store.models().await.unwrap(),
        store.versions(&model_name()).await.unwrap(),
        store.alias_history(&model_name()).await.unwrap(),
        store.datasets().await.unwrap(),
        store.state(&about).await.unwrap(),
        store.events(None, 0, 100).await.unwrap(),
    );
    assert_eq!(after, before);
    assert_eq!(after.3, [version]);
    assert_eq!(store.metric_history(run.id, "loss").await.unwrap(), history);
    let run_after = store.run(run.id).await.unwrap();
    assert_eq!(run_after.params, run_before.params);
    assert_eq!(run_after.tags, run_before.tags);
    assert_eq!(run_after.inputs, [data.reference()]);
    assert_eq!(
        run_after.metrics["loss"].value.to_bits(),
        (0.1_f64 + 0.2).to_bits()
    );
    assert!(run_after.metrics["odd"].value.is_nan());
    assert_eq!(
        store.artifact(run.id, "plots/roc.svg").await.unwrap(),
        "<svg/>"
    );
    let champion = Alias::new("champion").unwrap();
    assert_eq!(
        store
            .resolve(&model_name(), &champion)
            .await
            .unwrap()
            .number
            .get(),
        1
    );
    assert_eq!(
        store
            .bytes(&model_name(), VersionNumber::FIRST)
            .await
            .unwrap(),
        "weights"
    );
}

#[tokio::test]
async fn every_change_writes_one_event_and_a_refused_one_none() {
    let (_folder, store) = fresh().await;
    let experiment = ExperimentName::new("delays").unwrap();
    store.create_experiment(&experiment).await.unwrap();
    store.create_experiment(&experiment).await.unwrap_err();
    let run = store.start_run(&experiment, "first").await.unwrap();
    let many = (0..50).fold(LogBatch::new(), |batch, step| {
        batch.metric(Metric::new("loss", 1.0).at_step(step))
    });
    store.log(run.id, many).await.unwrap();
    store
        .log(run.id, LogBatch::new().param("a", 1))
        .await
        .unwrap();
    store
        .log(run.id, LogBatch::new().param("a", 2))
        .await
        .unwrap_err();
    store.put_artifact(run.id, "a", Bytes::new()).await.unwrap();
    store.put_artifact(run.id, "a", Bytes::new()).await.unwrap();
    store.end_run(run.id, RunStatus::Failed).await.unwrap();
    store.end_run(run.id, RunStatus::Failed).await.unwrap();
    store.create_model(&model_name(), "").await.unwrap();
    store
        .create_version(&model_name(), new_version(b"1"))
        .await
        .unwrap();
    store.move_alias(promotion(None, Some(1))).await.unwrap();
    store
        .move_alias(promotion(None, Some(1)))
        .await
        .unwrap_err();

    assert_eq!(
        event_kinds(&store, &subject::experiment(&experiment)).await,
        ["experiment_created"]
    );
    let of_run = [
        "run_started",
        "logged",
        "logged",
        "artifact_stored",
        "run_ended",
    ];
    assert_eq!(event_kinds(&store, &subject::run(run.id)).await, of_run);
    let of_model = ["model_created", "version_registered", "alias_moved"];
    assert_eq!(
        event_kinds(&store, &subject::model(&model_name())).await,
        of_model
    );
    let all = store.events(None, 0, 100).await.unwrap();
    assert_eq!(all.len(), 1 + of_run.len() + of_model.len());
    assert_eq!(all[2].what.details["metric_points"], 50);
    assert_eq!(all.last().unwrap().what.by.as_str(), "maintainer");
}

#[tokio::test]
async fn a_dataset_is_one_version_however_often_and_in_whatever_pieces_it_comes() {
    let (_folder, store) = fresh().await;
    let name = DatasetName::new("flights").unwrap();
    let whole = store
        .register_dataset(&name, "a", &[table(vec![1, 2, 3])])
        .await
        .unwrap();
    let pieces = [table(vec![1]), table(vec![2, 3])];
    assert_eq!(
        store.register_dataset(&name, "b", &pieces).await.unwrap(),
        whole
    );
    let other = store
        .register_dataset(&name, "c", &[table(vec![9])])
        .await
        .unwrap();
    assert_eq!(store.datasets().await.unwrap(), [whole.clone(), other]);
    assert_eq!(
        store.dataset(&name, whole.fingerprint).await.unwrap(),
        whole
    );
    assert_eq!(
        kind(store.dataset(&name, Digest::of(b"?")).await),
        ErrorKind::NotFound
    );
    assert_eq!(event_kinds(&store, &subject::dataset(&name)).await.len(), 2);
    let mixed = [
        table(vec![1]),
        RecordBatch::try_from_iter([("y", Arc::new(Int64Array::from(vec![1])) as ArrayRef)])
            .unwrap(),
    ];
    assert_eq!(
        kind(store.register_dataset(&name, "d", &mixed).await),
        ErrorKind::SignatureMismatch
    );
}

#[tokio::test]
async fn lineage_leads_to_what_was_registered() {
    let (folder, store) = fresh().await;
    store.create_model(&model_name(), "").await.unwrap();
    let nowhere = DatasetReference {
        name: DatasetName::new("nowhere").unwrap(),
        fingerprint: Digest::of(b"?"),
    };
    let lineage = Lineage {
        datasets: vec![nowhere.clone()],
        ..Lineage::default()
    };
    let refused = store
        .create_version(&model_name(), new_version(b"1").made_by(lineage))
        .await;
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("nowhere"), "{error}");
    assert!(
        !blob(folder.path(), Digest::of(b"1")).exists(),
        "a refused call stores no bytes"
    );

    let experiment = ExperimentName::new("delays").unwrap();
    store.create_experiment(&experiment).await.unwrap();
    let run = store.start_run(&experiment, "first").await.unwrap();
    let batch = LogBatch::new().tag("a", 1).input(nowhere);
    assert_eq!(kind(store.log(run.id, batch).await), ErrorKind::NotFound);
    assert!(
        store.run(run.id).await.unwrap().tags.is_empty(),
        "a refused batch changes nothing"
    );
}

#[tokio::test]
async fn a_blob_without_its_row_is_no_version() {
    let (folder, store) = fresh().await;
    store.create_model(&model_name(), "").await.unwrap();
    // What a crash between the two leaves behind: the bytes, and no row.
    let digest = Digest::of(b"weights");
    let path = blob(folder.path(), digest);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, b"weights").unwrap();
    store.close().await;

    let store = SqliteStore::open(folder.path()).await.unwrap();
    assert!(store.versions(&model_name()).await.unwrap().is_empty());
    let version = store
        .create_version(&model_name(), new_version(b"weights"))
        .await
        .unwrap();
    assert_eq!(
        (version.number, version.digest),
        (VersionNumber::FIRST, digest)
    );
    assert_eq!(
        store.bytes(&model_name(), version.number).await.unwrap(),
        "weights"
    );
}

#[tokio::test]
async fn damaged_and_missing_bytes_are_corrupt_with_digest_and_path() {
    let (folder, store) = fresh().await;
    store.create_model(&model_name(), "").await.unwrap();
    let version = store
        .create_version(&model_name(), new_version(b"weights"))
        .await
        .unwrap();
    let experiment = ExperimentName::new("delays").unwrap();
    store.create_experiment(&experiment).await.unwrap();
    let run = store.start_run(&experiment, "first").await.unwrap().id;
    let weights = Bytes::from_static(b"weights");
    store.put_artifact(run, "a", weights).await.unwrap();
    let path = blob(folder.path(), version.digest);
    let named = [version.digest.to_string(), path.display().to_string()];
    for damage in [Some(&b"weightz"[..]), Some(b""), None] {
        match damage {
            Some(bytes) => std::fs::write(&path, bytes).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        for read in [
            store.bytes(&model_name(), version.number).await,
            store.artifact(run, "a").await,
        ] {
            let error = read.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            for named in &named {
                assert!(error.to_string().contains(named), "{error} names {named}");
            }
        }
    }
}

#[tokio::test]
async fn concurrent_registration_through_two_stores_leaves_no_gap() {
    let (folder, store) = fresh().await;
    store.create_model(&model_name(), "").await.unwrap();
    let other = SqliteStore::open(folder.path()).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..24_u8 {
        let store = if number % 2 == 0 {
            store.clone()
        } else {
            other.clone()
        };
        tasks.spawn(async move {
            let bytes = Bytes::copy_from_slice(&[number / 2]);
            let new = NewVersion {
                bytes,
                ..new_version(b"")
            };
            store
                .create_version(&model_name(), new)
                .await
                .unwrap()
                .number
                .get()
        });
    }
    let mut numbers = tasks.join_all().await;
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=24).collect::<Vec<u32>>());
}

#[tokio::test]
async fn of_concurrent_moves_and_commits_one_wins() {
    let (folder, store) = fresh().await;
    store.create_model(&model_name(), "").await.unwrap();
    store
        .create_version(&model_name(), new_version(b"1"))
        .await
        .unwrap();
    let other = SqliteStore::open(folder.path()).await.unwrap();
    let about = Subject::new("rollout:m").unwrap();
    let event = || NewEvent::new("stepped", Actor::new("controller").unwrap());
    let (a, b, c, d) = tokio::join!(
        store.move_alias(promotion(None, Some(1))),
        other.move_alias(promotion(None, Some(1))),
        store.commit(&about, Revision::NONE, 1.into(), event()),
        other.commit(&about, Revision::NONE, 2.into(), event()),
    );
    assert_eq!(u8::from(a.is_ok()) + u8::from(b.is_ok()), 1);
    assert_eq!(a.and(b).unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(u8::from(c.is_ok()) + u8::from(d.is_ok()), 1);
    assert_eq!(store.alias_history(&model_name()).await.unwrap().len(), 1);
    assert_eq!(store.events(Some(&about), 0, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_reader_sees_all_of_a_batch_or_nothing() {
    let (_folder, store) = fresh().await;
    let experiment = ExperimentName::new("delays").unwrap();
    store.create_experiment(&experiment).await.unwrap();
    let run = store.start_run(&experiment, "first").await.unwrap().id;
    let writer = store.clone();
    let writing = tokio::spawn(async move {
        for step in 0..40 {
            let point = |key| Metric::new(key, 0.0).at_step(step);
            let batch = LogBatch::new()
                .tag("step", step)
                .metric(point("a"))
                .metric(point("b"));
            writer.log(run, batch).await.unwrap();
        }
    });
    while !writing.is_finished() {
        let seen = store.run(run).await.unwrap();
        let step = |key: &str| seen.metrics.get(key).map(|point| point.step);
        assert_eq!(step("a"), step("b"));
        assert_eq!(
            seen.tags.get("step").cloned(),
            step("a").map(|step| step.to_string())
        );
    }
    writing.await.unwrap();
}

#[tokio::test]
async fn a_dropped_call_leaves_all_or_nothing_and_the_store_usable() {
    let (_folder, store) = fresh().await;
    let experiment = ExperimentName::new("delays").unwrap();
    store.create_experiment(&experiment).await.unwrap();
    let run = store.start_run(&experiment, "first").await.unwrap().id;
    for polls in 0..60_i64 {
        let point = |key| Metric::new(key, 0.0).at_step(polls);
        let batch = LogBatch::new().metric(point("a")).metric(point("b"));
        let mut call = store.log(run, batch);
        // Polled a given number of times, then dropped wherever it stands.
        for _ in 0..polls {
            tokio::select! {
                biased;
                _ = &mut call => break,
                () = tokio::task::yield_now() => {}
            }
        }
        drop(call);
    }
    store
        .log(run, LogBatch::new().tag("still", "alive"))
        .await
        .unwrap();
    let (a, b) = (
        store.metric_history(run, "a").await,
        store.metric_history(run, "b").await,
    );
    let steps = |points: Result<Vec<mlops_core::MetricPoint>>| -> Vec<i64> {
        points.unwrap().iter().map(|point| point.step).collect()
    };
    assert_eq!(steps(a), steps(b));
}

#[tokio::test]
async fn time_and_randomness_are_those_passed_in() {
    let folder = tempfile::tempdir().unwrap();
    let start: Timestamp = "2013-04-01T00:00:00.123456789Z".parse().unwrap();
    let clock = Arc::new(ManualClock::new(start));
    let store = SqliteStore::builder(folder.path())
        .clock(clock)
        .random(|| [7; 10])
        .open()
        .await
        .unwrap();
    let experiment = ExperimentName::new("delays").unwrap();
    let created = store.create_experiment(&experiment).await.unwrap();
    assert_eq!(
        created.created_at.to_string(),
        "2013-04-01T00:00:00.123456Z"
    );
    let run = store.start_run(&experiment, "first").await.unwrap();
    assert_eq!(run.id, RunId::from_parts(start, [7; 10]));
    let again = store.start_run(&experiment, "the same id").await;
    assert_eq!(kind(again), ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn a_closed_store_is_unavailable() {
    let (_folder, store) = fresh().await;
    store.clone().close().await;
    assert_eq!(kind(store.models().await), ErrorKind::Unavailable);
    assert_eq!(
        kind(store.create_model(&model_name(), "").await),
        ErrorKind::Unavailable
    );
}

async fn refused(folder: impl AsRef<Path>, expected: ErrorKind) -> Error {
    let error = SqliteStore::open(folder.as_ref()).await.unwrap_err();
    assert_eq!(error.kind(), expected, "{error:?}");
    let path = folder.as_ref().display().to_string();
    assert!(
        error.to_string().contains(&path),
        "the error names the path: {error}"
    );
    error
}

#[tokio::test]
async fn a_file_in_place_of_the_folder_or_above_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    refused(&file, ErrorKind::InvalidArgument).await;
    for part in ["mlops.db", "mlops.lock"] {
        let store = folder.path().join(format!("a folder called {part} in it"));
        std::fs::create_dir_all(store.join(part)).unwrap();
        refused(&store, ErrorKind::InvalidArgument).await;
    }
    let store = folder.path().join("a file called artifacts in it");
    std::fs::create_dir(&store).unwrap();
    std::fs::write(store.join("artifacts"), "").unwrap();
    refused(&store, ErrorKind::InvalidArgument).await;
    refused(file.join("store"), ErrorKind::InvalidArgument).await;
}

#[tokio::test]
async fn a_folder_that_may_not_be_written_is_permission_denied() {
    let folder = tempfile::tempdir().unwrap();
    let mut read_only = std::fs::metadata(folder.path()).unwrap().permissions();
    read_only.set_readonly(true);
    std::fs::set_permissions(folder.path(), read_only).unwrap();
    let new_file = folder.path().join("probe");
    if std::fs::write(&new_file, "").is_ok() {
        eprintln!("skipped: this user (root?) may write to a read-only folder");
        return;
    }
    refused(folder.path(), ErrorKind::PermissionDenied).await;
    refused(folder.path().join("store"), ErrorKind::PermissionDenied).await;
}

#[tokio::test]
async fn the_kernels_own_folders_are_permission_denied_for_root_too() {
    let place = Path::new("/sys/kernel");
    if !place.is_dir() {
        eprintln!("skipped: there is no /sys/kernel");
        return;
    }
    refused(place.join("mlops-store"), ErrorKind::PermissionDenied).await;
}

#[tokio::test]
async fn a_damaged_database_is_corrupt() {
    let (folder, store) = fresh().await;
    store.create_model(&model_name(), "").await.unwrap();
    store
        .create_version(&model_name(), new_version(b"1"))
        .await
        .unwrap();
    store.close().await;
    let path = folder.path().join("mlops.db");
    let whole = std::fs::read(&path).unwrap();
    let garbage = vec![0x5a; whole.len()];
    for damaged in [
        &garbage[..],
        b"not a database",
        &whole[..whole.len() / 2],
        &whole[..5000],
        b"",
    ] {
        std::fs::write(&path, damaged).unwrap();
        refused(folder.path(), ErrorKind::Corrupt).await;
    }
    std::fs::remove_file(&path).unwrap();
    refused(folder.path(), ErrorKind::Corrupt).await;
    std::fs::write(&path, whole).unwrap();
    let store = SqliteStore::open(folder.path()).await.unwrap();
    assert_eq!(
        store
            .bytes(&model_name(), VersionNumber::FIRST)
            .await
            .unwrap(),
        "1"
    );
}

/// All that can be read of a model and a run, as text.
async fn everything(store: &SqliteStore) -> Result<String> {
    let model = &store.models().await?[0].name;
    let experiment = &store.experiments().await?[0].name;
    let runs = store.runs(experiment).await?;
    let seen = (
        store.versions(model).await?,
        store.alias_history(model).await?,
        store.resolve(model, &promotion(None, None).alias).await?,
        store.metric_history(runs[0].id, "loss").await?,
        store.artifacts(runs[0].id).await?,
        store.datasets().await?,
        store.events(None, 0, 100).await?,
    );
    Ok(format!("{runs:?} {seen:?}"))
}

/// Whichever page is overwritten: what is read is what was written, or the call says that the file
/// is damaged.
#[tokio::test]
async fn a_damaged_page_is_corrupt_where_it_is_read_and_named() {
    let (folder, store) = fresh().await;
    store.create_model(&model_name(), "").await.unwrap();
    store
        .create_version(&model_name(), new_version(b"1"))
        .await
        .unwrap();
    store.move_alias(promotion(None, Some(1))).await.unwrap();
    let data = DatasetName::new("flights").unwrap();
    store
        .register_dataset(&data, "", &[table(vec![1])])
        .await
        .unwrap();
    let experiment = ExperimentName::new("delays").unwrap();
    store.create_experiment(&experiment).await.unwrap();
    let run = store.start_run(&experiment, "first").await.unwrap().id;
    let batch = LogBatch::new()
        .param("a", 1)
        .metric(Metric::new("loss", 0.5));
    store.log(run, batch).await.unwrap();
    let expected = everything(&store).await.unwrap();
    store.close().await;

    let path = folder.path().join("mlops.db");
    let whole = std::fs::read(&path).unwrap();
    let page = usize::from(u16::from_be_bytes([whole[16], whole[17]]));
    let mut damage_seen = 0;
    for start in (0..whole.len()).step_by(page) {
        let mut damaged = whole.clone();
        damaged[start..start + page].fill(0x5a);
        std::fs::write(&path, damaged).unwrap();
        let read = match SqliteStore::open(folder.path()).await {
            Ok(store) => {
                let read = everything(&store).await;
                store.close().await;
                read
            }
            Err(error) => Err(error),
        };
        match read {
            Ok(read) => assert_eq!(read, expected, "page at {start}"),
            Err(error) => {
                damage_seen += 1;
                assert_eq!(
                    error.kind(),
                    ErrorKind::Corrupt,
                    "page at {start}: {error:?}"
                );
                let path = path.display().to_string();
                assert!(
                    error.to_string().contains(&path),
                    "page at {start}: {error}"
                );
            }
        }
    }
    assert!(
        damage_seen >= 10,
        "damage was seen in {damage_seen} pages alone"
    );
}

#[tokio::test]
async fn a_malformed_value_in_a_sound_database_is_corrupt_and_names_its_column() {
    for (damage, column) in [
        (
            "UPDATE models SET created_at = 9223372036854775807",
            "created_at",
        ),
        ("UPDATE models SET name = '../etc'", "name"),
        ("UPDATE model_versions SET signature = '{'", "signature"),
        ("UPDATE model_versions SET digest = 'abc'", "digest"),
        ("UPDATE model_versions SET size = -1", "size"),
        ("UPDATE model_versions SET run = 'no id'", "run"),
    ] {
        let (folder, store) = fresh().await;
        store.create_model(&model_name(), "").await.unwrap();
        store
            .create_version(&model_name(), new_version(b"1"))
            .await
            .unwrap();
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("mlops.db"))
            .foreign_keys(false);
        let mut other = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::query(damage).execute(&mut other).await.unwrap();
        let read = match store.models().await {
            Ok(_) => store.versions(&model_name()).await.map(drop),
            Err(error) => Err(error),
        };
        let error = read.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
        let named = format!("column: {column}");
        assert!(error.to_string().contains(&named), "{error} names {column}");
    }
}

/// Bytes 60 to 63 of an SQLite file hold `user_version`, 68 to 71 `application_id`, both big-endian
/// (<https://www.sqlite.org/fileformat.html#the_database_header>).
#[tokio::test]
async fn a_newer_schema_and_another_applications_database_are_refused() {
    let (folder, store) = fresh().await;
    store.close().await;
    let path = folder.path().join("mlops.db");
    let whole = std::fs::read(&path).unwrap();
    let with = |place: usize, bytes: [u8; 4]| {
        let mut changed = whole.clone();
        changed[place..place + 4].copy_from_slice(&bytes);
        std::fs::write(&path, changed).unwrap();
    };
    with(60, 99_u32.to_be_bytes());
    let error = refused(folder.path(), ErrorKind::Unsupported).await;
    assert!(
        error
            .to_string()
            .contains("version 99, this program reads up to 1"),
        "{error}"
    );
    with(68, *b"else");
    refused(folder.path(), ErrorKind::Corrupt).await;
}
