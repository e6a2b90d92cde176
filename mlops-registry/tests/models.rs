//! Models in SqliteStore: versions that never change, aliases with their whole history, names that
//! are never a path, and the name of whatever is not there.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;
use std::time::Duration;

use mlops_core::{
    Actor, Alias, AliasChange, Architecture, DecisionStore, ElementType, ErrorKind, Event,
    ManualClock, ModelName, ModelRegistry, ModelVersion, MoveAlias, NewEvent, NewVersion, Result,
    Revision, Signature, Subject, TensorSpec, Timestamp, VersionNumber,
};
use mlops_registry::{SqliteStore, subject};
use tempfile::TempDir;

async fn fresh() -> (TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).await.unwrap();
    (folder, store)
}

fn model(name: &str) -> ModelName {
    ModelName::new(name).unwrap()
}

fn number(number: u32) -> VersionNumber {
    VersionNumber::new(number).unwrap()
}

fn signature() -> Signature {
    let x = TensorSpec::of_columns("x", ElementType::Fp32, ["temp", "distance"]).allowing_nan();
    let p = TensorSpec::new("p", ElementType::Fp32, [None, Some(1)]);
    Signature::new([x], [p]).unwrap()
}

fn new_version(bytes: &'static str) -> NewVersion {
    let config = serde_json::json!({"rate": 0.1 + 0.2, "layers": [64, 32]});
    NewVersion::new(signature(), Architecture::new("mlp/1", config), bytes)
}

/// A model with some versions.
async fn with_versions(
    store: &SqliteStore,
    name: &ModelName,
    versions: usize,
) -> Vec<ModelVersion> {
    store.create_model(name, "").await.unwrap();
    let mut made = Vec::new();
    for bytes in ["one", "two", "three"].into_iter().take(versions) {
        made.push(
            store
                .create_version(name, new_version(bytes))
                .await
                .unwrap(),
        );
    }
    made
}

#[tokio::test]
async fn the_history_of_an_alias_says_who_when_from_where_to_where_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let start: Timestamp = "2013-04-01T00:00:00Z".parse().unwrap();
    let clock = Arc::new(ManualClock::new(start));
    let builder = SqliteStore::builder(folder.path()).clock(clock.clone());
    let store = builder.open().await.unwrap();
    let name = model("flight-delays");
    with_versions(&store, &name, 3).await;

    let moves = [
        ("champion", None, Some(1), "maintainer", "the first one"),
        (
            "challenger",
            None,
            Some(2),
            "nightly training",
            "lower loss",
        ),
        (
            "champion",
            Some(1),
            Some(2),
            "rollout controller",
            "e-value 24 at 20",
        ),
        (
            "champion",
            Some(2),
            Some(1),
            "rollout controller",
            "errors 3 times as frequent",
        ),
        ("challenger", Some(2), None, "maintainer", "withdrawn"),
        ("champion", Some(1), Some(1), "maintainer", "confirmed"),
    ];
    let mut expected = Vec::new();
    for (alias, from, to, by, why) in moves {
        clock.advance(Duration::from_secs(60));
        let change = MoveAlias {
            model: name.clone(),
            alias: Alias::new(alias).unwrap(),
            expected: from.map(number),
            to: to.map(number),
            by: Actor::new(by).unwrap(),
            why: why.into(),
        };
        let entry = AliasChange {
            alias: change.alias.clone(),
            from: change.expected,
            to: change.to,
            at: start + Duration::from_secs(60 * (expected.len() as u64 + 1)),
            by: change.by.clone(),
            why: change.why.clone(),
        };
        assert_eq!(store.move_alias(change.clone()).await.unwrap(), entry);
        expected.push(entry);
        // Refused: neither the alias nor its history moves.
        let overtaken = MoveAlias {
            expected: Some(number(3)),
            ..change.clone()
        };
        let error = store.move_alias(overtaken).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.is_retryable());
        let blank = MoveAlias {
            expected: change.to,
            why: " ".into(),
            ..change
        };
        let error = store.move_alias(blank).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    store.close().await;

    let store = SqliteStore::open(folder.path()).await.unwrap();
    assert_eq!(store.alias_history(&name).await.unwrap(), expected);
    let events = store
        .events(Some(&subject::model(&name)), 0, 100)
        .await
        .unwrap();
    let moved: Vec<&Event> = events
        .iter()
        .filter(|event| event.what.kind == "alias_moved")
        .collect();
    assert_eq!(moved.len(), expected.len());
    for (event, entry) in moved.iter().zip(&expected) {
        assert_eq!((event.time, &event.what.by), (entry.at, &entry.by));
        assert_eq!(event.what.details["why"], entry.why);
    }
}

#[tokio::test]
async fn a_version_never_changes() {
    let (folder, store) = fresh().await;
    let (name, other) = (model("a"), model("b"));
    let made = with_versions(&store, &name, 1).await;
    store
        .create_version(&name, new_version("one"))
        .await
        .unwrap();
    with_versions(&store, &other, 3).await;
    let change = MoveAlias {
        model: name.clone(),
        alias: Alias::new("champion").unwrap(),
        expected: None,
        to: Some(number(1)),
        by: Actor::new("maintainer").unwrap(),
        why: "why not".into(),
    };
    store.move_alias(change).await.unwrap();
    let error = store.create_model(&name, "another").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert!(error.to_string().contains("\"a\""), "{error}");
    store.close().await;

    let store = SqliteStore::open(folder.path()).await.unwrap();
    assert_eq!(store.version(&name, number(1)).await.unwrap(), made[0]);
    assert_eq!(store.bytes(&name, number(1)).await.unwrap(), "one");
    let again = store.version(&name, number(2)).await.unwrap();
    assert_eq!(again.digest, made[0].digest, "equal bytes are stored once");
    assert_eq!(
        again.signature,
        signature(),
        "columns and NaN policy included"
    );
    assert_eq!(store.models().await.unwrap()[0].description, "");
}

#[tokio::test]
async fn what_is_not_there_is_not_found_by_name() {
    let (_folder, store) = fresh().await;
    let (known, unknown) = (model("known"), model("unknown model"));
    with_versions(&store, &known, 1).await;
    let champion = Alias::new("no-such-alias").unwrap();
    let move_of = |model: &ModelName, to| MoveAlias {
        model: model.clone(),
        alias: champion.clone(),
        expected: None,
        to: Some(number(to)),
        by: Actor::new("maintainer").unwrap(),
        why: "a try".into(),
    };
    let name = unknown.as_str();
    let errors = [
        (
            store
                .create_version(&unknown, new_version("1"))
                .await
                .map(drop),
            name,
        ),
        (store.version(&unknown, number(1)).await.map(drop), name),
        (store.versions(&unknown).await.map(drop), name),
        (store.bytes(&unknown, number(1)).await.map(drop), name),
        (store.resolve(&unknown, &champion).await.map(drop), name),
        (store.alias_history(&unknown).await.map(drop), name),
        (store.move_alias(move_of(&unknown, 1)).await.map(drop), name),
        (
            store.resolve(&known, &champion).await.map(drop),
            "\"no-such-alias\" (model: known)",
        ),
        (
            store.version(&known, number(7)).await.map(drop),
            "\"7\" (model: known)",
        ),
        (
            store.bytes(&known, number(7)).await.map(drop),
            "\"7\" (model: known)",
        ),
        (
            store.move_alias(move_of(&known, 7)).await.map(drop),
            "\"7\" (model: known)",
        ),
    ];
    for (place, (result, named)) in errors.into_iter().enumerate() {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{place}: {error}");
        assert!(error.to_string().contains(named), "{place}: {error}");
    }
    assert!(store.alias_history(&known).await.unwrap().is_empty());
}

#[tokio::test]
async fn bad_names_signatures_and_kinds_of_event_are_refused_with_what_is_allowed() {
    for bad in [
        "",
        "../etc",
        "a/b",
        ".hidden",
        " a",
        "a\0b",
        "a\nb",
        &"n".repeat(201),
    ] {
        let error = ModelName::new(bad).unwrap_err().to_string();
        assert!(error.contains("1 to 200 characters"), "{error}");
        assert!(error.contains(&format!("{bad:?}")), "{error}");
    }
    let x = TensorSpec::new("x", ElementType::Fp32, [None]);
    let twice: Result<Signature> = Signature::new([x.clone(), x], []);
    let error = twice.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.to_string().contains("\"x\""), "{error}");
    assert!(VersionNumber::new(0).is_err());

    let (_folder, store) = fresh().await;
    let about = Subject::new("rollout:m").unwrap();
    let event = || NewEvent::new("Not Snake", Actor::new("maintainer").unwrap());
    for refused in [
        store.record(&about, event()).await,
        store
            .commit(&about, Revision::NONE, 1.into(), event())
            .await,
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().contains("\"Not Snake\""), "{error}");
    }
    assert!(store.events(None, 0, 9).await.unwrap().is_empty());
    assert_eq!(store.state(&about).await.unwrap(), None);
}

#[tokio::test]
async fn a_name_is_kept_as_it_is_and_never_becomes_a_path() {
    let (folder, store) = fresh().await;
    let names = ["a..b", "CON", "con", "x-- drop", "a.b_", "模型", "é"].map(model);
    for name in &names {
        with_versions(&store, name, 1).await;
    }
    let mut sorted = names.to_vec();
    sorted.sort();
    let kept: Vec<ModelName> = store
        .models()
        .await
        .unwrap()
        .into_iter()
        .map(|m| m.name)
        .collect();
    assert_eq!(kept, sorted, "names that differ in case alone are two");
    store.close().await;
    let entries = std::fs::read_dir(folder.path()).unwrap();
    let mut files: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, ["artifacts", "mlops.db", "mlops.lock"]);
}
