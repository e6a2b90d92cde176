//! What is kept: experiments, models, decisions, datasets and features, in one folder, inside the
//! application's own process.
//!
//! | you want to | look at |
//! | --- | --- |
//! | record experiments and runs | [`SqliteStore`] as a [`Tracker`](mlops_core::Tracker) |
//! | keep models, versions, aliases and who moved them | [`SqliteStore`] as a [`ModelRegistry`](mlops_core::ModelRegistry) |
//! | change a state together with the record of why | [`SqliteStore`] as a [`DecisionStore`](mlops_core::DecisionStore) |
//! | name a dataset by its content | [`SqliteStore::register_dataset`] |
//! | read what happened to a model, run, experiment or dataset | [`events`](mlops_core::DecisionStore::events) under its [`subject`] |
//! | join features as of a moment, without a leak from the future | [`ParquetFeatureStore`](features::ParquetFeatureStore) |
//! | read features for a request, in microseconds | the same, as an [`OnlineReader`](mlops_core::OnlineReader) |
//! | join tables in memory, without any store | [`join_as_of`](features::join_as_of) |
//!
//! The traits, their contracts and their readable references in memory are those of [`mlops_core`].
//!
//! # Experiments, models, decisions
//!
#![cfg_attr(feature = "sqlite", doc = "```")]
#![cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
//! use mlops_core::{
//!     Actor, Alias, Architecture, DecisionStore, ElementType, ExperimentName, Lineage, LogBatch,
//!     Metric, ModelName, ModelRegistry, MoveAlias, NewEvent, NewVersion, RunStatus, Signature,
//!     TensorSpec, Tracker,
//! };
//! use mlops_registry::{SqliteStore, subject};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> mlops_core::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let folder = folder.path();
//! let store = SqliteStore::open(folder).await?;
//!
//! let experiment = ExperimentName::new("flight delays")?;
//! store.create_experiment(&experiment).await?;
//! let run = store.start_run(&experiment, "logistic, six months").await?;
//! let batch = LogBatch::new().param("rate", 0.1).metric(Metric::new("auc", 0.71));
//! store.log(run.id, batch).await?; // all of it, or nothing
//! store.put_artifact(run.id, "plots/roc.svg", "<svg/>".into()).await?;
//! store.end_run(run.id, RunStatus::Finished).await?;
//!
//! let model = ModelName::new("flight-delays")?;
//! store.create_model(&model, "arrives more than 15 minutes late").await?;
//! let signature = Signature::new(
//!     [TensorSpec::of_columns("x", ElementType::Fp32, ["temp", "distance"])],
//!     [TensorSpec::new("p", ElementType::Fp32, [None, Some(1)])],
//! )?;
//! let architecture = Architecture::new("logistic/1", serde_json::json!({"inputs": 2}));
//! let lineage = Lineage { run: Some(run.id), ..Lineage::default() };
//! let new = NewVersion::new(signature, architecture, "the model's bytes").made_by(lineage);
//! let version = store.create_version(&model, new).await?;
//! assert_eq!(version.number.get(), 1);
//!
//! let champion = Alias::new("champion")?;
//! store.move_alias(MoveAlias {
//!     model: model.clone(),
//!     alias: champion.clone(),
//!     expected: None, // a compare-and-set: whoever was overtaken gets `Conflict`
//!     to: Some(version.number),
//!     by: Actor::new("maintainer")?,
//!     why: "better than the rule of thumb in use".into(),
//! }).await?;
//! assert_eq!(store.resolve(&model, &champion).await?, version);
//! assert_eq!(store.bytes(&model, version.number).await?, "the model's bytes");
//!
//! // One record of everything: what the store wrote, and what the application adds.
//! let seen = NewEvent::new("drift_seen", Actor::new("weekly check")?).detail("column", "temp");
//! store.record(&subject::model(&model), seen).await?;
//! let events = store.events(Some(&subject::model(&model)), 0, 100).await?;
//! let kinds: Vec<&str> = events.iter().map(|event| event.what.kind.as_str()).collect();
//! assert_eq!(kinds, ["model_created", "version_registered", "alias_moved", "drift_seen"]);
//! # Ok(())
//! # }
//! ```
//!
//! # Features, as of a moment
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//! use mlops_core::arrow::array::{Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
//! use mlops_core::{FeatureRequest, FeatureStore, FeatureView, FeatureViewName, OnlineReader, Timestamp};
//! use mlops_registry::features::ParquetFeatureStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> mlops_core::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let folder = folder.path();
//! let store = ParquetFeatureStore::open(folder.join("features")).await?;
//! let weather = FeatureViewName::new("weather")?;
//! let view = FeatureView::new(weather.clone(), ["origin"], ["temp"])
//!     .with_event_time("known_at") // when a row became known, not when it was measured
//!     .with_ttl(Duration::from_secs(3 * 3600));
//! store.register_view(view).await?;
//!
//! let hour = 3_600_000_000; // microseconds
//! store.push(&weather, &RecordBatch::try_from_iter([
//!     ("origin", Arc::new(StringArray::from(vec!["JFK", "JFK"])) as _),
//!     ("known_at", Arc::new(TimestampMicrosecondArray::from(vec![hour, 2 * hour])) as _),
//!     ("temp", Arc::new(Int64Array::from(vec![39, 41])) as _),
//! ])?).await?;
//!
//! // Offline, for training: each flight sees what was known when it departed.
//! let flights = RecordBatch::try_from_iter([
//!     ("origin", Arc::new(StringArray::from(vec!["JFK", "JFK", "JFK", "EWR"])) as _),
//!     ("departs", Arc::new(TimestampMicrosecondArray::from(vec![2 * hour - 1, 2 * hour, 6 * hour, 2 * hour])) as _),
//! ])?;
//! let wanted = FeatureRequest::new(weather.clone(), ["temp"]);
//! let joined = store.join(&flights, "departs", std::slice::from_ref(&wanted)).await?;
//! assert_eq!(*joined["temp"], Int64Array::from(vec![Some(39), Some(41), None, None])); // expired; unknown
//!
//! // Online, for one request: the same answer, from memory.
//! let now = Timestamp::from_microsecond(2 * hour - 1).unwrap();
//! store.materialize(&weather, now).await?;
//! let flight = RecordBatch::try_from_iter([("origin", Arc::new(StringArray::from(vec!["JFK"])) as _)])?;
//! assert_eq!(*store.read(&flight, now, &[wanted])?["temp"], Int64Array::from(vec![39]));
//! # Ok(())
//! # }
//! ```
//!
//! # The folder
//!
//! ```text
//! <folder>/mlops.db, -wal, -shm               SQLite: everything but bytes and features
//! <folder>/mlops.lock                         puts those who open the store in line
//! <folder>/artifacts/<2 digits>/<sha256>      model files and artifacts, each stored once
//!
//! <folder>/features/log/<number>.json         one change each: a view registered, a file pushed
//! <folder>/features/data/<sha256>.parquet     the rows of one push
//! ```
//!
//! A backup is a copy of the folder while no one writes. Names are kept in the database and in the
//! log; none becomes part of a path.
//!
//! # What is promised
//!
//! - **Durable.** What returned `Ok` is on disk: the database runs in WAL mode with
//!   `synchronous = FULL`; blobs and Parquet files are synced, with their folders, before anything
//!   names them. A process killed at any moment leaves whole changes, and at most bytes that nothing
//!   names.
//! - **All or nothing.** A batch, a version, a move of an alias or a push is seen whole or not at
//!   all, also when the future of the call is dropped.
//! - **Recorded.** Every change in the database writes one event in its own transaction.
//! - **Immutable.** Versions, dataset versions, artifacts, pushed rows and events never change, and
//!   nothing here removes them.
//! - **Checked.** Bytes are compared with their SHA-256 whenever they are read.
//! - **Shared.** Tasks, clones and processes may use one folder at the same time, on one machine: the
//!   WAL needs shared memory, and the feature log hard links, so not on a network share. Writers
//!   take turns: one waits up to 30 s for another process, then fails as `Unavailable`. Readers see
//!   one moment's state and do not wait for writers.
//! - **Numbers.** A metric may be NaN or infinite: a diverged loss is a result. Values come back to
//!   the last bit, but for the payload of a NaN and the sign of a zero, which SQLite does not keep.
//!   Params and tags are text. Times are kept to the microsecond.
//!
//! Not promised: SQLite has no checksum of its own, so a bit flipped inside a stored number goes
//! unseen; a damaged structure does not.
//!
//! # Errors
//!
//! All are [`mlops_core::Error`]; [`kind`](mlops_core::Error::kind) tells what a caller can do.
//!
//! | kind | when |
//! | --- | --- |
//! | `NotFound` | no model, version, alias, run, experiment, artifact, dataset or view of that name |
//! | `AlreadyExists` | a name, or a write-once value, that is there already and differs |
//! | `InvalidArgument` | a blank reason, a key too long, an artifact name that looks like a path; a file where a folder must be |
//! | `SignatureMismatch` | a column that is missing or of another type |
//! | `Conflict` | someone else was faster, or the run has ended: read again |
//! | `Corrupt` | a damaged database, log, blob or Parquet file, with its path |
//! | `Unsupported` | a folder written by a newer version |
//! | `PermissionDenied` | a place that may not be read or written |
//! | `Unavailable` | the disk is full, another process keeps the database busy, or the store was closed |
//!
//! # Features of the crate
//!
//! | feature | default | brings |
//! | --- | --- | --- |
//! | `sqlite` | yes | [`SqliteStore`] and [`subject`] |
//!
//! Without it there is the feature store alone, and no SQL is compiled.
// The page is about the whole crate; without the feature some of what it links to is not there.
#![cfg_attr(not(feature = "sqlite"), allow(rustdoc::broken_intra_doc_links))]

#[cfg(feature = "sqlite")]
mod artifact;
mod blocking;
#[cfg(feature = "sqlite")]
mod database;
#[cfg(feature = "sqlite")]
mod dataset;
mod disk;
#[cfg(feature = "sqlite")]
mod events;
pub mod features;
#[cfg(feature = "sqlite")]
mod models;
#[cfg(feature = "sqlite")]
mod store;
#[cfg(feature = "sqlite")]
mod tracking;

#[cfg(feature = "sqlite")]
pub use events::subject;
#[cfg(feature = "sqlite")]
pub use store::{SqliteStore, SqliteStoreBuilder};

/// The program on the front page runs.
#[cfg(all(doctest, feature = "sqlite"))]
#[doc = include_str!("../README.md")]
struct Readme;
