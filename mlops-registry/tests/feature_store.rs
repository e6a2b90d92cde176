//! What ParquetFeatureStore promises beyond the trait: durability, and errors that name the file.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mlops_core::arrow::array::{
    ArrayRef, AsArray, DictionaryArray, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray, TimestampNanosecondArray,
};
use mlops_core::arrow::datatypes::{Float64Type, Int8Type};
use mlops_core::{
    Digest, Error, ErrorKind, FeatureRequest, FeatureStore, FeatureView, FeatureViewName,
    OnlineReader, Result, Timestamp,
};
use mlops_registry::features::ParquetFeatureStore;

fn view() -> FeatureView {
    let name = FeatureViewName::new("weather: hourly").unwrap();
    FeatureView::new(name, ["origin"], ["temp"]).with_event_time("known_at")
}

fn rows(origins: Vec<&str>, known: Vec<i64>, temp: Vec<i64>) -> RecordBatch {
    RecordBatch::try_from_iter([
        ("origin", Arc::new(StringArray::from(origins)) as ArrayRef),
        (
            "known_at",
            Arc::new(TimestampMicrosecondArray::from(known)) as _,
        ),
        ("temp", Arc::new(Int64Array::from(temp)) as _),
    ])
    .unwrap()
}

fn flights(origins: Vec<&str>, departs: Vec<i64>) -> RecordBatch {
    RecordBatch::try_from_iter([
        ("origin", Arc::new(StringArray::from(origins)) as ArrayRef),
        (
            "departs",
            Arc::new(TimestampMicrosecondArray::from(departs)) as _,
        ),
    ])
    .unwrap()
}

fn request() -> FeatureRequest {
    FeatureRequest::new(view().name, ["temp"])
}

async fn open(folder: &Path) -> ParquetFeatureStore {
    ParquetFeatureStore::open(folder).await.unwrap()
}

/// A store with one view and two pushed files.
async fn filled(folder: &Path) -> ParquetFeatureStore {
    let store = open(folder).await;
    store.register_view(view()).await.unwrap();
    store
        .push(&view().name, &rows(vec!["JFK"], vec![10], vec![39]))
        .await
        .unwrap();
    store
        .push(&view().name, &rows(vec!["JFK"], vec![20], vec![41]))
        .await
        .unwrap();
    store
}

async fn temperatures(store: &ParquetFeatureStore, departs: Vec<i64>) -> Result<ArrayRef> {
    let table = flights(vec!["JFK"; departs.len()], departs);
    let joined = store.join(&table, "departs", &[request()]).await?;
    Ok(joined["temp"].clone())
}

fn expect<T: std::fmt::Debug>(result: Result<T>, kind: ErrorKind, named: &str) -> Error {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
    assert!(error.to_string().contains(named), "{error} names {named}");
    error
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn reopening_keeps_views_and_rows() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path()).await);
    let store = open(folder.path()).await;
    assert_eq!(store.views(), [view().name]);
    assert_eq!(store.view(&view().name).await.unwrap(), view());
    let got = temperatures(&store, vec![9, 10, 19, 20]).await.unwrap();
    assert_eq!(
        *got,
        Int64Array::from(vec![None, Some(39), Some(39), Some(41)])
    );
}

#[tokio::test]
async fn another_handle_sees_what_was_pushed() {
    let folder = tempfile::tempdir().unwrap();
    let other = open(folder.path()).await;
    let store = filled(folder.path()).await;
    assert_eq!(
        *temperatures(&other, vec![20]).await.unwrap(),
        Int64Array::from(vec![41])
    );
    let different = FeatureView::new(view().name, ["origin"], ["wind"]);
    expect(
        other.register_view(different).await,
        ErrorKind::AlreadyExists,
        "weather",
    );
    other
        .push(&view().name, &rows(vec!["JFK"], vec![30], vec![43]))
        .await
        .unwrap();
    assert_eq!(
        *temperatures(&store, vec![30]).await.unwrap(),
        Int64Array::from(vec![43])
    );
}

#[tokio::test]
async fn the_same_rows_pushed_twice_are_kept_in_one_file_and_count_twice() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.register_view(view()).await.unwrap();
    let (first, second) = (
        rows(vec!["JFK"], vec![10], vec![39]),
        rows(vec!["JFK"], vec![10], vec![40]),
    );
    for rows in [&first, &second, &first] {
        store.push(&view().name, rows).await.unwrap();
    }
    assert_eq!(files(&folder.path().join("data")).len(), 2);
    assert_eq!(
        *temperatures(&store, vec![10]).await.unwrap(),
        Int64Array::from(vec![39])
    );
    assert_eq!(
        *temperatures(&open(folder.path()).await, vec![10])
            .await
            .unwrap(),
        Int64Array::from(vec![39])
    );
}

#[tokio::test]
async fn a_damaged_file_of_rows_is_corrupt_and_named() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path()).await);
    let path = files(&folder.path().join("data")).remove(0);
    let whole = std::fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 3] ^= 1;
    let named = path.to_str().unwrap();
    for damaged in [
        &whole[..whole.len() - 1],
        &whole[..8],
        b"garbage",
        b"",
        &flipped,
    ] {
        std::fs::write(&path, damaged).unwrap();
        let store = open(folder.path()).await;
        expect(
            temperatures(&store, vec![20]).await,
            ErrorKind::Corrupt,
            named,
        );
        let until = Timestamp::from_microsecond(20).unwrap();
        expect(
            store.materialize(&view().name, until).await,
            ErrorKind::Corrupt,
            named,
        );
    }
    std::fs::remove_file(&path).unwrap();
    expect(
        temperatures(&open(folder.path()).await, vec![20]).await,
        ErrorKind::Corrupt,
        named,
    );
    std::fs::write(&path, whole).unwrap();
    let store = open(folder.path()).await;
    assert_eq!(
        *temperatures(&store, vec![20]).await.unwrap(),
        Int64Array::from(vec![41])
    );
}

#[tokio::test]
async fn a_damaged_log_is_corrupt_and_named() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path()).await);
    let commits = files(&folder.path().join("log"));
    assert_eq!(commits.len(), 3);
    let whole = std::fs::read(&commits[1]).unwrap();
    let named = commits[1].to_str().unwrap();
    for damaged in [&whole[..whole.len() / 2], b"{}", b"", b"\xff"] {
        std::fs::write(&commits[1], damaged).unwrap();
        expect(
            ParquetFeatureStore::open(folder.path()).await,
            ErrorKind::Corrupt,
            named,
        );
    }
    std::fs::remove_file(&commits[1]).unwrap();
    expect(
        ParquetFeatureStore::open(folder.path()).await,
        ErrorKind::Corrupt,
        named,
    );
    let newer = String::from_utf8(whole)
        .unwrap()
        .replace("\"format\": 1", "\"format\": 2");
    std::fs::write(&commits[1], newer).unwrap();
    expect(
        ParquetFeatureStore::open(folder.path()).await,
        ErrorKind::Unsupported,
        "format 2",
    );
}

#[tokio::test]
async fn a_file_without_its_commit_is_not_there_and_one_cut_off_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path()).await);
    // What a crash between the two leaves behind: the file of the second push, and no commit.
    let log = files(&folder.path().join("log"));
    std::fs::remove_file(&log[2]).unwrap();
    let store = open(folder.path()).await;
    assert_eq!(
        *temperatures(&store, vec![20]).await.unwrap(),
        Int64Array::from(vec![39])
    );
    for path in files(&folder.path().join("data")) {
        std::fs::write(path, b"cut").unwrap();
    }
    store
        .push(&view().name, &rows(vec!["JFK"], vec![10], vec![39]))
        .await
        .unwrap();
    store
        .push(&view().name, &rows(vec!["JFK"], vec![20], vec![41]))
        .await
        .unwrap();
    let store = open(folder.path()).await;
    assert_eq!(
        *temperatures(&store, vec![20]).await.unwrap(),
        Int64Array::from(vec![41])
    );
}

#[tokio::test]
async fn refused_rows_leave_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.register_view(view()).await.unwrap();
    let good = rows(vec!["JFK"], vec![10], vec![39]);
    let with = |name: &str, column: ArrayRef| {
        let columns = ["origin", "known_at", "temp"].map(|other| {
            let column = if other == name {
                column.clone()
            } else {
                good[other].clone()
            };
            (other, column)
        });
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let float: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
    let mismatch = ErrorKind::SignatureMismatch;
    expect(
        store
            .push(&view().name, &with("origin", float.clone()))
            .await,
        mismatch,
        "origin",
    );
    expect(
        store
            .push(&view().name, &with("known_at", float.clone()))
            .await,
        mismatch,
        "known_at",
    );
    expect(
        store
            .push(&view().name, &good.project(&[0, 1]).unwrap())
            .await,
        mismatch,
        "temp",
    );
    store.push(&view().name, &good).await.unwrap();
    expect(
        store.push(&view().name, &with("temp", float)).await,
        mismatch,
        "temp",
    );
    let nanoseconds: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![1]));
    expect(
        store
            .push(&view().name, &with("known_at", nanoseconds))
            .await,
        mismatch,
        "known_at",
    );
    assert_eq!(
        *temperatures(&store, vec![10]).await.unwrap(),
        Int64Array::from(vec![39])
    );
    assert_eq!(files(&folder.path().join("log")).len(), 2);
}

#[tokio::test]
async fn keys_that_cannot_be_equal_are_refused_rather_than_joined_as_null() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path()).await;
    let now = Timestamp::from_microsecond(20).unwrap();
    store.materialize(&view().name, now).await.unwrap();
    let table = RecordBatch::try_from_iter([
        ("origin", Arc::new(Int32Array::from(vec![1])) as ArrayRef),
        (
            "departs",
            Arc::new(TimestampMicrosecondArray::from(vec![20])) as _,
        ),
    ])
    .unwrap();
    let mismatch = ErrorKind::SignatureMismatch;
    expect(
        store.join(&table, "departs", &[request()]).await,
        mismatch,
        "integers",
    );
    expect(store.read(&table, now, &[request()]), mismatch, "integers");
    let mistyped = request().keyed_by([("orgin", "dest")]);
    let table = flights(vec!["JFK"], vec![20]);
    expect(
        store
            .join(&table, "departs", std::slice::from_ref(&mistyped))
            .await,
        mismatch,
        "orgin",
    );
    expect(store.read(&table, now, &[mistyped]), mismatch, "orgin");
}

#[tokio::test]
async fn nothing_is_visible_online_before_it_is_materialized() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path()).await;
    let read = |at: i64| {
        let at = Timestamp::from_microsecond(at).unwrap();
        store
            .read(&flights(vec!["JFK", "LGA"], vec![0, 0]), at, &[request()])
            .unwrap()["temp"]
            .clone()
    };
    assert_eq!(read(20).logical_null_count(), 2);
    store
        .materialize(&view().name, Timestamp::from_microsecond(15).unwrap())
        .await
        .unwrap();
    assert_eq!(*read(20), Int64Array::from(vec![Some(39), None]));
    store
        .materialize(&view().name, Timestamp::from_microsecond(20).unwrap())
        .await
        .unwrap();
    assert_eq!(*read(20), Int64Array::from(vec![Some(41), None]));
    assert_eq!(
        *read(19),
        Int64Array::from(vec![None, None]),
        "a row from the future shadows older ones"
    );
}

#[tokio::test]
async fn instants_compare_to_the_nanosecond() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.register_view(view()).await.unwrap();
    let known: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![10_001]));
    let good = rows(vec!["JFK"], vec![0], vec![39]);
    let batch = RecordBatch::try_from_iter([
        ("origin", good["origin"].clone()),
        ("known_at", known),
        ("temp", good["temp"].clone()),
    ]);
    store.push(&view().name, &batch.unwrap()).await.unwrap();
    let got = temperatures(&store, vec![10, 11]).await.unwrap();
    assert_eq!(*got, Int64Array::from(vec![None, Some(39)]));
}

#[tokio::test]
async fn a_file_in_place_of_a_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let refused = ErrorKind::InvalidArgument;
    let named = file.to_str().unwrap();
    expect(ParquetFeatureStore::open(&file).await, refused, named);
    expect(
        ParquetFeatureStore::open(file.join("x")).await,
        refused,
        named,
    );
    for part in ["data", "log"] {
        let store = folder.path().join(format!("a file called {part} in it"));
        std::fs::create_dir(&store).unwrap();
        std::fs::write(store.join(part), "").unwrap();
        let named = store.join(part).display().to_string();
        expect(ParquetFeatureStore::open(&store).await, refused, &named);
    }
}

fn set_readonly(path: &Path, readonly: bool) {
    let mut permissions = std::fs::metadata(path).unwrap().permissions();
    permissions.set_readonly(readonly);
    std::fs::set_permissions(path, permissions).unwrap();
}

#[tokio::test]
async fn a_store_that_may_not_be_written_is_read_and_refuses_pushes() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path()).await);
    let parts = ["data", "log", ""].map(|part| folder.path().join(part));
    parts.iter().for_each(|part| set_readonly(part, true));
    if std::fs::write(folder.path().join("probe"), "").is_ok() {
        eprintln!("skipped: this user (root?) may write to a read-only folder");
        return;
    }
    let store = open(folder.path()).await;
    let got = temperatures(&store, vec![20]).await.unwrap();
    assert_eq!(*got, Int64Array::from(vec![41]));
    let pushed = store
        .push(&view().name, &rows(vec!["JFK"], vec![30], vec![1]))
        .await;
    let named = parts[0].to_str().unwrap();
    expect(pushed, ErrorKind::PermissionDenied, named);
    let inside = ParquetFeatureStore::open(folder.path().join("new")).await;
    expect(inside, ErrorKind::PermissionDenied, "new");
    parts
        .iter()
        .rev()
        .for_each(|part| set_readonly(part, false));
}

#[tokio::test]
async fn the_kernels_own_folders_are_permission_denied_for_root_too() {
    let place = Path::new("/sys/kernel");
    if !place.is_dir() {
        eprintln!("skipped: there is no /sys/kernel");
        return;
    }
    let store = ParquetFeatureStore::open(place.join("mlops-features")).await;
    expect(
        store,
        ErrorKind::PermissionDenied,
        "/sys/kernel/mlops-features",
    );
}

#[tokio::test]
async fn an_unknown_view_or_feature_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path()).await;
    let unknown = FeatureViewName::new("no such view").unwrap();
    let now = Timestamp::from_microsecond(20).unwrap();
    let table = flights(vec!["JFK"], vec![20]);
    let asked = [FeatureRequest::new(unknown.clone(), ["temp"])];
    let errors = [
        store.view(&unknown).await.map(drop),
        store.push(&unknown, &table).await,
        store.materialize(&unknown, now).await,
        store.join(&table, "departs", &asked).await.map(drop),
        store.read(&table, now, &asked).map(drop),
    ];
    for error in errors {
        expect(error, ErrorKind::NotFound, "\"no such view\"");
    }
    let asked = [FeatureRequest::new(view().name, ["humidity"])];
    let (refused, named) = (ErrorKind::SignatureMismatch, "\"humidity\"");
    expect(store.join(&table, "departs", &asked).await, refused, named);
    expect(store.read(&table, now, &asked), refused, named);
    expect(
        store.join(&table, "arrives", &[request()]).await,
        refused,
        "\"arrives\"",
    );
    let bad = FeatureView::new(unknown, ["id"], ["id"]);
    expect(
        store.register_view(bad).await,
        ErrorKind::InvalidArgument,
        "\"id\" is declared twice",
    );
}

/// Its digest is the one that the log names, so only the decoder can tell.
#[tokio::test]
async fn a_file_that_never_was_parquet_is_corrupt_and_named() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path()).await);
    let garbage = b"PAR1 and nothing that follows from it PAR1";
    let commit = files(&folder.path().join("log")).remove(1);
    let text = std::fs::read_to_string(&commit).unwrap();
    let before: serde_json::Value = serde_json::from_str(&text).unwrap();
    let before = before["file"]["digest"].as_str().unwrap().to_owned();
    let digest = Digest::of(garbage).to_string();
    std::fs::write(&commit, text.replace(&before, &digest)).unwrap();
    let path = folder.path().join("data").join(format!("{digest}.parquet"));
    std::fs::write(&path, garbage).unwrap();
    let joined = temperatures(&open(folder.path()).await, vec![20]).await;
    expect(joined, ErrorKind::Corrupt, path.to_str().unwrap());
}

/// Two pushes of 100 names each are more than the 128 that the keys of either dictionary can count.
#[tokio::test]
async fn the_keys_of_a_dictionary_do_not_limit_a_view() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let name = FeatureViewName::new("gates").unwrap();
    let gates = FeatureView::new(name.clone(), ["flight"], ["gate"]);
    store.register_view(gates).await.unwrap();
    let names = |ids: std::ops::Range<i64>| ids.map(|id| format!("gate {id}"));
    for ids in [0..100, 100..200] {
        let gates: Vec<String> = names(ids.clone()).collect();
        let gates: DictionaryArray<Int8Type> = gates.iter().map(String::as_str).collect();
        let columns: [(&str, ArrayRef); 2] = [
            ("flight", Arc::new(Int64Array::from_iter_values(ids))),
            ("gate", Arc::new(gates)),
        ];
        let rows = RecordBatch::try_from_iter(columns).unwrap();
        store.push(&name, &rows).await.unwrap();
    }
    let flights: ArrayRef = Arc::new(Int64Array::from_iter_values(0..200));
    let departs: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![0; 200]));
    let table = RecordBatch::try_from_iter([("flight", flights), ("departs", departs)]).unwrap();
    let asked = [FeatureRequest::new(name.clone(), ["gate"])];
    let expected = StringArray::from_iter_values(names(0..200));
    let joined = store.join(&table, "departs", &asked).await.unwrap();
    assert_eq!(*joined["gate"], expected);
    let now = Timestamp::UNIX_EPOCH;
    store.materialize(&name, now).await.unwrap();
    assert_eq!(*store.read(&table, now, &asked).unwrap()["gate"], expected);
}

/// NaN is a feature's value like any other: null means that nothing is known.
#[tokio::test]
async fn nan_and_infinity_are_values_and_null_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.register_view(view()).await.unwrap();
    let given = [Some(f64::NAN), Some(f64::INFINITY), Some(-0.0), None];
    let rows = RecordBatch::try_from_iter_with_nullable([
        (
            "origin",
            Arc::new(StringArray::from(vec!["JFK"; 4])) as ArrayRef,
            true,
        ),
        (
            "known_at",
            Arc::new(TimestampMicrosecondArray::from(vec![1, 2, 3, 4])) as _,
            true,
        ),
        (
            "temp",
            Arc::new(Float64Array::from(given.to_vec())) as _,
            true,
        ),
    ]);
    store.push(&view().name, &rows.unwrap()).await.unwrap();
    drop(store);
    let got = temperatures(&open(folder.path()).await, vec![1, 2, 3, 4, 0])
        .await
        .unwrap();
    let bits = |value: Option<f64>| value.map(f64::to_bits);
    let got: Vec<_> = got.as_primitive::<Float64Type>().iter().map(bits).collect();
    let expected: Vec<_> = given.into_iter().chain([None]).map(bits).collect();
    assert_eq!(got, expected);
}

#[tokio::test]
async fn rows_of_another_process_are_online_after_the_next_materialization() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path()).await;
    let now = Timestamp::from_microsecond(40).unwrap();
    store.materialize(&view().name, now).await.unwrap();
    let other = open(folder.path()).await;
    other
        .push(&view().name, &rows(vec!["JFK"], vec![30], vec![43]))
        .await
        .unwrap();
    let read = || {
        store
            .read(&flights(vec!["JFK"], vec![0]), now, &[request()])
            .unwrap()
    };
    assert_eq!(*read()["temp"], Int64Array::from(vec![41]));
    store.materialize(&view().name, now).await.unwrap();
    assert_eq!(*read()["temp"], Int64Array::from(vec![43]));
}
