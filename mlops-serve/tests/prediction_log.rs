//! The prediction log on a real disk: whole files, several writers, damage, folders that refuse.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use mlops_core::arrow::array::{Array as _, AsArray as _, RecordBatch};
use mlops_core::arrow::datatypes::{Float64Type, UInt64Type};
use mlops_core::{ErrorKind, ModelName, Timestamp, VersionNumber};
use mlops_serve::{LoggedPrediction, PredictionLog, Role};

fn row(request: impl Into<String>) -> LoggedPrediction {
    LoggedPrediction {
        request: request.into(),
        time: Timestamp::UNIX_EPOCH,
        model: ModelName::new("demo").unwrap(),
        version: VersionNumber::FIRST,
        role: Role::Challenger,
        challenger_share: 0.25,
        latency: Duration::from_nanos(1_234),
        error: None,
        outputs: vec![0.5, -0.25],
    }
}

fn requests(batches: &[RecordBatch]) -> Vec<String> {
    let texts = |batch: &RecordBatch| {
        let column = batch["request"].as_string::<i32>();
        column
            .iter()
            .map(|text| text.unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    batches.iter().flat_map(texts).collect()
}

fn parquet_files(folder: &tempfile::TempDir) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.path()).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn what_was_logged_comes_back_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let log = PredictionLog::open(folder.path()).unwrap();
    log.append([row("a"), row("b")]).unwrap();
    log.flush().unwrap();
    let failed = LoggedPrediction {
        error: Some("no memory".into()),
        outputs: vec![],
        ..row("c")
    };
    log.append([failed]).unwrap();
    log.flush().unwrap();

    let batches = PredictionLog::read(folder.path()).unwrap();
    assert_eq!(requests(&batches), ["a", "b", "c"]);
    assert_eq!(
        batches[0]["latency_ns"]
            .as_primitive::<UInt64Type>()
            .value(0),
        1_234
    );
    let outputs = batches[0]["outputs"].as_list::<i32>().value(1);
    assert_eq!(
        outputs.as_primitive::<Float64Type>().values(),
        &[0.5, -0.25]
    );
    assert!(batches[0]["error"].is_null(0));
    assert_eq!(batches[1]["error"].as_string::<i32>().value(0), "no memory");
    // Nothing else is left in the folder, and flushing nothing adds nothing.
    log.flush().unwrap();
    assert_eq!(parquet_files(&folder).len(), 2);
}

#[test]
fn a_full_buffer_is_written_without_a_flush() {
    let folder = tempfile::tempdir().unwrap();
    let log = PredictionLog::open(folder.path()).unwrap();
    log.append((0..65_536).map(|i| row(i.to_string()))).unwrap();
    assert_eq!(
        requests(&PredictionLog::read(folder.path()).unwrap()).len(),
        65_536
    );
}

#[test]
fn two_writers_of_one_folder_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let log = PredictionLog::open(folder.path()).unwrap();
            scope.spawn(move || {
                for i in 0..50 {
                    log.append([row(format!("{writer} {i}"))]).unwrap();
                    log.flush().unwrap();
                }
            });
        }
    });
    let all = requests(&PredictionLog::read(folder.path()).unwrap());
    let distinct: BTreeSet<&String> = all.iter().collect();
    assert_eq!((all.len(), distinct.len()), (100, 100));
}

#[test]
fn a_truncated_file_is_named_and_none_is_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let log = PredictionLog::open(folder.path()).unwrap();
    log.append((0..500).map(|i| row(i.to_string()))).unwrap();
    log.flush().unwrap();
    let path = parquet_files(&folder).remove(0);
    let whole = fs::read(&path).unwrap();
    for cut in [0, 3, 12, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..cut]).unwrap();
        let error = PredictionLog::read(folder.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "cut at {cut}: {error}");
        assert!(
            error.to_string().contains("predictions-00000000.parquet"),
            "{error}"
        );
    }
}

#[test]
fn rows_that_cannot_be_written_stay_in_the_buffer() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("log");
    let log = PredictionLog::open(&folder).unwrap();
    log.append([row("a")]).unwrap();
    fs::remove_dir(&folder).unwrap();
    let error = log.flush().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains("log"), "{error}");
    fs::create_dir(&folder).unwrap();
    log.flush().unwrap();
    assert_eq!(requests(&PredictionLog::read(&folder).unwrap()), ["a"]);
}

#[test]
fn a_folder_that_cannot_be_is_refused_when_it_is_opened() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "in the way").unwrap();
    for path in [file.clone(), file.join("below")] {
        let error = PredictionLog::open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_read_only_folder_is_refused_when_it_is_opened() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o500)).unwrap();
    let root = fs::write(folder.path().join("probe"), "").is_ok();
    if root {
        eprintln!("skipped: permissions do not bind this user");
        return;
    }
    let error = PredictionLog::open(folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
}
