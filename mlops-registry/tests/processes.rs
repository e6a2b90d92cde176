//! Several processes on one folder, and one that is killed: this binary runs itself as a child.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use mlops_core::arrow::array::{Int64Array, RecordBatch, TimestampMicrosecondArray};
use mlops_core::{FeatureRequest, FeatureStore, FeatureView, FeatureViewName};
use mlops_registry::features::ParquetFeatureStore;

const FOLDER: &str = "MLOPS_TEST_FOLDER";
const CHILD: &str = "MLOPS_TEST_CHILD";

/// Runs the test `name` of this binary in a process of its own.
fn spawn(name: &str, folder: &Path, child: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .env(CHILD, child.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs children that all hold the store open before any of them writes: each reports that it is
/// ready, then waits for its input to end.
fn run_together(name: &str, folder: &Path, processes: usize) {
    let mut children: Vec<Child> = (0..processes)
        .map(|child| spawn(name, folder, child))
        .collect();
    for child in &mut children {
        wait_for(child, "ready");
    }
    children
        .iter_mut()
        .for_each(|child| drop(child.stdin.take()));
    for child in children {
        let output = child.wait_with_output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{printed}");
    }
}

/// Reads byte by byte, so that nothing which follows is lost.
fn wait_for(child: &mut Child, word: &str) {
    let output = child.stdout.as_mut().unwrap();
    let mut seen = String::new();
    let mut byte = [0];
    while !seen.contains(word) {
        assert_eq!(
            output.read(&mut byte).unwrap(),
            1,
            "no {word:?} in {seen:?}"
        );
        seen.push(char::from(byte[0]));
    }
}

/// What a child does before it writes.
fn meet_the_others() {
    println!("ready");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// Reads what a child prints until `enough` lines begin with the word "done", then kills it.
fn kill_after(mut child: Child, enough: usize) -> usize {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let done = lines
        .map_while(Result::ok)
        .filter(|line| line.contains("done"));
    let seen = done.take(enough).count();
    child.kill().unwrap();
    child.wait().unwrap();
    seen
}

/// Where a child works; `None` if the test was started by hand.
fn folder() -> Option<std::path::PathBuf> {
    std::env::var_os(FOLDER).map(Into::into)
}

fn child() -> i64 {
    std::env::var(CHILD).unwrap().parse().unwrap()
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use super::*;
    use mlops_core::{
        Actor, Alias, Architecture, Bytes, DecisionStore, ErrorKind, ExperimentName, LogBatch,
        Metric, ModelName, ModelRegistry, MoveAlias, NewEvent, NewVersion, Revision, Signature,
        Subject, Tracker, VersionNumber,
    };
    use mlops_registry::SqliteStore;

    const PER_PROCESS: u8 = 8;

    /// All open a folder that is not there, create the model if no one else did, and register.
    #[tokio::test]
    #[ignore = "a child process of processes_number_versions_without_a_gap"]
    async fn register() {
        let Some(folder) = folder() else { return };
        let store = SqliteStore::open(folder).await.unwrap();
        meet_the_others();
        let model = ModelName::new("m").unwrap();
        if let Err(error) = store.create_model(&model, "").await {
            assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error:?}");
        }
        for number in 0..PER_PROCESS {
            let bytes = Bytes::copy_from_slice(&[number]);
            let signature = Signature::new([], []).unwrap();
            let new = NewVersion::new(signature, Architecture::new("m/1", 0.into()), bytes);
            store.create_version(&model, new).await.unwrap();
        }
        store.close().await;
    }

    #[tokio::test]
    async fn processes_number_versions_without_a_gap() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("new");
        run_together("sqlite::register", &place, 4);
        let store = SqliteStore::open(&place).await.unwrap();
        let versions = store.versions(&ModelName::new("m").unwrap()).await.unwrap();
        let numbers: Vec<u32> = versions
            .iter()
            .map(|version| version.number.get())
            .collect();
        assert_eq!(
            numbers,
            (1..=4 * u32::from(PER_PROCESS)).collect::<Vec<_>>()
        );
        for version in versions {
            store.bytes(&version.model, version.number).await.unwrap();
        }
    }

    fn champion(expected: Option<VersionNumber>) -> MoveAlias {
        let to = if expected == Some(VersionNumber::FIRST) {
            2
        } else {
            1
        };
        MoveAlias {
            model: ModelName::new("m").unwrap(),
            alias: Alias::new("champion").unwrap(),
            expected,
            to: Some(VersionNumber::new(to).unwrap()),
            by: Actor::new(format!("process {}", child())).unwrap(),
            why: "its turn".into(),
        }
    }

    fn counter() -> Subject {
        Subject::new("counter").unwrap()
    }

    /// To the other of two versions, again whenever another process was faster.
    async fn move_champion(store: &SqliteStore) {
        loop {
            let history = store.alias_history(&champion(None).model).await.unwrap();
            let change = champion(history.last().and_then(|change| change.to));
            match store.move_alias(change).await {
                Ok(_) => return,
                Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}"),
            }
        }
    }

    /// One more, again whenever another process was faster.
    async fn count(store: &SqliteStore) {
        loop {
            let state = store.state(&counter()).await.unwrap();
            let (revision, count) = state.map_or((Revision::NONE, 0), |stored| {
                (stored.revision, stored.state.as_i64().unwrap())
            });
            let event = NewEvent::new("counted", Actor::new("a process").unwrap());
            let next = serde_json::json!(count + 1);
            match store.commit(&counter(), revision, next, event).await {
                Ok(_) => return,
                Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}"),
            }
        }
    }

    #[tokio::test]
    #[ignore = "a child process of processes_share_a_run_an_alias_and_a_state"]
    async fn share() {
        let Some(folder) = folder() else { return };
        let store = SqliteStore::open(folder).await.unwrap();
        meet_the_others();
        let run = store
            .runs(&ExperimentName::new("e").unwrap())
            .await
            .unwrap()[0]
            .id;
        for step in 0..i64::from(PER_PROCESS) {
            let point = Metric::new(format!("of {}", child()), 0.5).at_step(step);
            store.log(run, LogBatch::new().metric(point)).await.unwrap();
            move_champion(&store).await;
            count(&store).await;
        }
    }

    #[tokio::test]
    async fn processes_share_a_run_an_alias_and_a_state() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path()).await.unwrap();
        let experiment = ExperimentName::new("e").unwrap();
        store.create_experiment(&experiment).await.unwrap();
        let run = store.start_run(&experiment, "r").await.unwrap().id;
        let model = ModelName::new("m").unwrap();
        store.create_model(&model, "").await.unwrap();
        for bytes in ["1", "2"] {
            let signature = Signature::new([], []).unwrap();
            let new = NewVersion::new(signature, Architecture::new("m/1", 0.into()), bytes);
            store.create_version(&model, new).await.unwrap();
        }

        run_together("sqlite::share", folder.path(), 3);

        let changes = 3 * usize::from(PER_PROCESS);
        for process in 0..3 {
            let points = store.metric_history(run, &format!("of {process}")).await;
            let steps: Vec<i64> = points.unwrap().iter().map(|point| point.step).collect();
            assert_eq!(steps, (0..i64::from(PER_PROCESS)).collect::<Vec<_>>());
        }
        let history = store.alias_history(&model).await.unwrap();
        assert_eq!(history.len(), changes);
        assert!(history.windows(2).all(|pair| pair[0].to == pair[1].from));
        let state = store.state(&counter()).await.unwrap().unwrap();
        assert_eq!(
            (state.revision, state.state),
            (Revision(changes as u64), changes.into())
        );
        let events = store.events(Some(&counter()), 0, 1_000).await.unwrap();
        assert_eq!(events.len(), changes);
        assert!(
            events
                .windows(2)
                .all(|pair| pair[0].sequence < pair[1].sequence)
        );
    }

    #[tokio::test]
    #[ignore = "a child process of a_killed_process_loses_nothing_that_was_acknowledged"]
    async fn log_until_killed() {
        let Some(folder) = folder() else { return };
        let store = SqliteStore::open(folder).await.unwrap();
        let experiment = ExperimentName::new("e").unwrap();
        store.create_experiment(&experiment).await.unwrap();
        let run = store.start_run(&experiment, "r").await.unwrap().id;
        for step in 0.. {
            let point = |key| Metric::new(key, 0.0).at_step(step);
            let batch = LogBatch::new().metric(point("a")).metric(point("b"));
            store.log(run, batch).await.unwrap();
            let name = format!("artifact {step}");
            store
                .put_artifact(run, &name, Bytes::from(name.clone()))
                .await
                .unwrap();
            println!("done {step}");
        }
    }

    #[tokio::test]
    async fn a_killed_process_loses_nothing_that_was_acknowledged() {
        let folder = tempfile::tempdir().unwrap();
        let acknowledged = kill_after(spawn("sqlite::log_until_killed", folder.path(), 0), 7);
        assert_eq!(acknowledged, 7);
        let store = SqliteStore::open(folder.path()).await.unwrap();
        let experiment = ExperimentName::new("e").unwrap();
        let run = store.runs(&experiment).await.unwrap()[0].id;
        let a = store.metric_history(run, "a").await.unwrap();
        assert_eq!(
            a,
            store.metric_history(run, "b").await.unwrap(),
            "a batch is atomic"
        );
        assert!(a.len() >= acknowledged);
        let artifacts = store.artifacts(run).await.unwrap();
        assert!(artifacts.len() >= acknowledged);
        for artifact in artifacts {
            let bytes = store.artifact(run, &artifact.name).await.unwrap();
            assert_eq!(bytes, artifact.name);
        }
    }
}

fn view() -> FeatureView {
    let name = FeatureViewName::new("v").unwrap();
    FeatureView::new(name, ["id"], ["value"]).with_event_time("known_at")
}

fn row(id: i64, known: i64) -> RecordBatch {
    RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from(vec![id])) as _),
        (
            "known_at",
            Arc::new(TimestampMicrosecondArray::from(vec![known])) as _,
        ),
        ("value", Arc::new(Int64Array::from(vec![known])) as _),
    ])
    .unwrap()
}

const PUSHES: i64 = 8;

#[tokio::test]
#[ignore = "a child process of processes_push_without_losing_a_row"]
async fn push() {
    let Some(folder) = folder() else { return };
    let store = ParquetFeatureStore::open(folder).await.unwrap();
    meet_the_others();
    store.register_view(view()).await.unwrap();
    for known in 0..PUSHES {
        store
            .push(&view().name, &row(child(), known))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn processes_push_without_losing_a_row() {
    let folder = tempfile::tempdir().unwrap();
    // Opened before there is anything: what others commit is taken in by every call.
    let store = ParquetFeatureStore::open(folder.path()).await.unwrap();
    run_together("push", folder.path(), 4);
    let ids: Vec<i64> = (0..4).flat_map(|id| [id; PUSHES as usize]).collect();
    let times: Vec<i64> = (0..4).flat_map(|_| 0..PUSHES).collect();
    let entities = RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from(ids)) as _),
        (
            "t",
            Arc::new(TimestampMicrosecondArray::from(times.clone())) as _,
        ),
    ]);
    let request = FeatureRequest::new(view().name, ["value"]);
    let joined = store
        .join(&entities.unwrap(), "t", &[request])
        .await
        .unwrap();
    assert_eq!(*joined["value"], Int64Array::from(times));
}

#[tokio::test]
#[ignore = "a child process of a_killed_push_loses_no_row_that_was_acknowledged"]
async fn push_until_killed() {
    let Some(folder) = folder() else { return };
    let store = ParquetFeatureStore::open(folder).await.unwrap();
    store.register_view(view()).await.unwrap();
    for known in 0.. {
        store.push(&view().name, &row(0, known)).await.unwrap();
        println!("done {known}");
    }
}

#[tokio::test]
async fn a_killed_push_loses_no_row_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let acknowledged = kill_after(spawn("push_until_killed", folder.path(), 0), 9);
    let store = ParquetFeatureStore::open(folder.path()).await.unwrap();
    let times: Vec<i64> = (0..acknowledged as i64).collect();
    let entities = RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from(vec![0; acknowledged])) as _),
        (
            "t",
            Arc::new(TimestampMicrosecondArray::from(times.clone())) as _,
        ),
    ]);
    let request = FeatureRequest::new(view().name, ["value"]);
    let joined = store
        .join(&entities.unwrap(), "t", &[request])
        .await
        .unwrap();
    assert_eq!(*joined["value"], Int64Array::from(times));
    store.push(&view().name, &row(1, 0)).await.unwrap();
}
