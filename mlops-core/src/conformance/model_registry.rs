use super::refused;
use crate::{
    Actor, Alias, Architecture, Digest, ElementType, ErrorKind, Lineage, ModelName, ModelRegistry,
    MoveAlias, NewVersion, RunId, Signature, TensorSpec, Timestamp, VersionNumber,
};

/// Checks [`ModelRegistry`]'s contract on an empty store.
///
/// ```
/// # use std::sync::Arc;
/// # use mlops_core::{SystemClock, conformance, memory::MemoryStore};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// conformance::model_registry(&MemoryStore::new(Arc::new(SystemClock::new()))).await;
/// # }
/// ```
pub async fn model_registry(store: &dyn ModelRegistry) {
    let name = ModelName::new("conformance").expect("a valid name");
    let promise = "an unknown model is not found";
    refused(
        store.create_version(&name, new_version(b"1")).await,
        ErrorKind::NotFound,
        promise,
    );
    refused(store.versions(&name).await, ErrorKind::NotFound, promise);
    refused(
        store.alias_history(&name).await,
        ErrorKind::NotFound,
        promise,
    );

    let model = store
        .create_model(&name, "for the suite")
        .await
        .expect("create");
    refused(
        store.create_model(&name, "again").await,
        ErrorKind::AlreadyExists,
        "a registered model's name is unique",
    );
    assert_eq!(store.models().await.expect("list"), [model]);
    versions_are_numbered_and_immutable(store, &name).await;
    aliases_move_by_compare_and_set(store, &name).await;
}

fn new_version(bytes: &'static [u8]) -> NewVersion {
    let signature = Signature::new(
        [TensorSpec::of_columns("x", ElementType::Fp32, ["a", "b"]).allowing_nan()],
        [TensorSpec::new("y", ElementType::Fp32, [None, Some(1)])],
    );
    let architecture = Architecture::new("linear/1", serde_json::json!({"inputs": 2}));
    NewVersion::new(signature.expect("a valid signature"), architecture, bytes)
}

async fn versions_are_numbered_and_immutable(store: &dyn ModelRegistry, name: &ModelName) {
    for (number, bytes) in [(1, b"one"), (2, b"two")] {
        let new = new_version(bytes);
        let version = store
            .create_version(name, new.clone())
            .await
            .expect("create");
        assert_eq!(
            version.number.get(),
            number,
            "versions are numbered 1, 2, 3 …"
        );
        assert_eq!(version.digest, Digest::of(bytes));
        assert_eq!(version.signature, new.signature);
        assert_eq!(version.architecture, new.architecture);
        let seen = store
            .version(name, version.number)
            .await
            .expect("read back");
        assert_eq!(seen, version);
        let read = store.bytes(name, version.number).await.expect("bytes");
        assert_eq!(read, new.bytes, "the bytes come back");
    }
    let of_unknown_run = new_version(b"three").made_by(Lineage {
        run: Some(RunId::from_parts(Timestamp::UNIX_EPOCH, [9; 10])),
        ..Lineage::default()
    });
    refused(
        store.create_version(name, of_unknown_run).await,
        ErrorKind::NotFound,
        "lineage names a run that exists",
    );
    let versions = store.versions(name).await.expect("list");
    assert_eq!(versions.len(), 2, "a refused version takes no number");
    let third = VersionNumber::new(3).expect("a valid number");
    refused(
        store.version(name, third).await,
        ErrorKind::NotFound,
        "an unknown version is not found",
    );
    refused(
        store.bytes(name, third).await,
        ErrorKind::NotFound,
        "an unknown version is not found",
    );
}

async fn aliases_move_by_compare_and_set(store: &dyn ModelRegistry, name: &ModelName) {
    let champion = Alias::new("champion").expect("a valid alias");
    let number = |n: u32| VersionNumber::new(n).ok();
    let change = |expected: Option<VersionNumber>, to: Option<VersionNumber>| MoveAlias {
        model: name.clone(),
        alias: champion.clone(),
        expected,
        to,
        by: Actor::new("conformance suite").expect("a valid name"),
        why: "to see whether it moves".into(),
    };
    refused(
        store.resolve(name, &champion).await,
        ErrorKind::NotFound,
        "an unset alias is not found",
    );
    refused(
        store.move_alias(change(None, number(3))).await,
        ErrorKind::NotFound,
        "an alias points to a version that exists",
    );
    let set = store
        .move_alias(change(None, number(1)))
        .await
        .expect("set");
    assert_eq!((set.from, set.to), (None, number(1)));
    refused(
        store.move_alias(change(None, number(2))).await,
        ErrorKind::Conflict,
        "a caller that was overtaken changes nothing",
    );
    refused(
        store
            .move_alias(MoveAlias {
                why: " ".into(),
                ..change(number(1), number(2))
            })
            .await,
        ErrorKind::InvalidArgument,
        "a move has a reason",
    );
    let moved = store
        .move_alias(change(number(1), number(2)))
        .await
        .expect("move");
    let resolved = store.resolve(name, &champion).await.expect("resolve");
    assert_eq!(Some(resolved.number), number(2));
    let removed = store
        .move_alias(change(number(2), None))
        .await
        .expect("remove");
    refused(
        store.resolve(name, &champion).await,
        ErrorKind::NotFound,
        "a removed alias is not found",
    );
    assert_eq!(
        store.alias_history(name).await.expect("history"),
        [set, moved, removed],
        "the history holds every move, and nothing that was refused"
    );
}
