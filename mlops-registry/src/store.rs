//! The store's handle: what is opened, shared and closed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mlops_core::{Actor, Clock, Error, Result, SystemClock, Timestamp};
use tracing::instrument;

use crate::artifact::Blobs;
use crate::database::{Database, Transaction};
use crate::disk;

/// Experiments, runs, models, aliases, dataset versions, decisions and events in one folder.
///
/// ```text
/// <folder>/mlops.db          SQLite: WAL, synchronous = FULL, foreign keys on
/// <folder>/artifacts/        model files and artifacts, under their SHA-256
/// <folder>/mlops.lock        puts openers in line
/// ```
///
/// It implements [`Tracker`](mlops_core::Tracker), [`ModelRegistry`](mlops_core::ModelRegistry) and
/// [`DecisionStore`](mlops_core::DecisionStore).
///
/// - **Durable**: what returned `Ok` is on disk, bytes before the row that names them.
/// - **Shared**: tasks, clones and several processes may use one folder at the same time. Writers
///   take turns: one waits up to 30 s for another process, and up to 60 s for others of its own, then
///   fails as `Unavailable`; readers see one moment's state and do not wait for writers. The folder
///   must lie on a local disk: SQLite's WAL needs shared memory.
/// - **Recorded**: every change writes one event in its own transaction, under the
///   [`subject`](crate::subject) of what it concerns.
/// - **Cost**: a write is one transaction and so one sync of the disk; a read is a query by key.
///
/// Cheap to clone: clones share the connections. Times are kept to the microsecond. A metric may be
/// NaN or infinite; a NaN loses its payload and a zero its sign.
///
/// ```
/// use mlops_core::{ExperimentName, LogBatch, Metric, RunStatus, Tracker};
/// use mlops_registry::SqliteStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> mlops_core::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let folder = folder.path();
/// let store = SqliteStore::open(folder).await?;
/// let experiment = ExperimentName::new("delays")?;
/// store.create_experiment(&experiment).await?;
/// let run = store.start_run(&experiment, "first").await?;
/// store.log(run.id, LogBatch::new().metric(Metric::new("auc", 0.7))).await?;
/// store.end_run(run.id, RunStatus::Finished).await?;
/// store.close().await;
///
/// let again = SqliteStore::open(folder).await?;
/// assert_eq!(again.run(run.id).await?.metrics["auc"].value, 0.7);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SqliteStore {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    folder: PathBuf,
    pub(crate) database: Database,
    pub(crate) blobs: Blobs,
    clock: Arc<dyn Clock>,
    random: RandomSource,
    pub(crate) actor: Actor,
}

type RandomSource = Arc<dyn Fn() -> [u8; 10] + Send + Sync>;

impl SqliteStore {
    /// Opens the store in a folder, which is created if it is not there. Must be called within a
    /// tokio runtime with its I/O-free parts (`rt`, `time`).
    ///
    /// # Errors
    /// `PermissionDenied` for a folder that may not be written; `InvalidArgument` for one that is a
    /// file; `Corrupt` for a damaged database, one of another application, or artifacts without their
    /// database; `Unsupported` for a schema of a newer version; `Unavailable` if another process
    /// keeps the database busy. All with the path. See [`SqliteStore`] for an example.
    pub async fn open(folder: impl AsRef<Path>) -> Result<Self> {
        Self::builder(folder.as_ref()).open().await
    }

    /// A store with its own clock, randomness or actor.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use mlops_core::{Clock, ExperimentName, ManualClock, Timestamp, Tracker};
    /// use mlops_registry::SqliteStore;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> mlops_core::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// let clock = Arc::new(ManualClock::new("2013-04-01T00:00:00Z".parse::<Timestamp>().unwrap()));
    /// let store = SqliteStore::builder(folder.path()).clock(clock.clone()).open().await?;
    /// let experiment = store.create_experiment(&ExperimentName::new("delays")?).await?;
    /// assert_eq!(experiment.created_at, clock.now());
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(folder: impl Into<PathBuf>) -> SqliteStoreBuilder {
        SqliteStoreBuilder {
            folder: folder.into(),
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(random_of_the_system),
            actor: None,
        }
    }

    /// The folder.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> mlops_core::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// let store = mlops_registry::SqliteStore::open(folder.path()).await?;
    /// assert_eq!(store.folder(), folder.path());
    /// # Ok(())
    /// # }
    /// ```
    pub fn folder(&self) -> &Path {
        &self.inner.folder
    }

    /// Waits for what is under way, and closes the connections of all clones. Later calls are
    /// `Unavailable`. Nothing is lost without it: it only merges the WAL into the database file.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> mlops_core::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// use mlops_core::{ErrorKind, ModelRegistry};
    /// let store = mlops_registry::SqliteStore::open(folder.path()).await?;
    /// let clone = store.clone();
    /// store.close().await;
    /// assert_eq!(clone.models().await.unwrap_err().kind(), ErrorKind::Unavailable);
    /// # Ok(())
    /// # }
    /// ```
    #[instrument(level = "debug", skip_all)]
    pub async fn close(&self) {
        self.inner.database.close().await;
    }
}

impl Inner {
    /// The time to the microsecond, as it is stored.
    pub(crate) fn now(&self) -> Timestamp {
        let now = self.clock.now();
        // A microsecond count of a timestamp is always one of a timestamp.
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    pub(crate) fn random(&self) -> [u8; 10] {
        (self.random)()
    }

    pub(crate) async fn write(&self) -> Result<Transaction> {
        self.database.write().await
    }

    pub(crate) async fn read(&self) -> Result<Transaction> {
        self.database.read().await
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("folder", &self.inner.folder)
            .finish_non_exhaustive()
    }
}

/// What a [`SqliteStore`] is opened with: see [`SqliteStore::builder`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> mlops_core::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// use std::sync::Arc;
/// use mlops_core::{Actor, ManualClock, RunId, Timestamp, Tracker, ExperimentName};
/// let store = mlops_registry::SqliteStore::builder(folder.path())
///     .actor(Actor::new("nightly training")?)
///     .clock(Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)))
///     .random(|| [7; 10]) // ids that can be told in advance, for a test
///     .open()
///     .await?;
/// let experiment = ExperimentName::new("delays")?;
/// store.create_experiment(&experiment).await?;
/// let run = store.start_run(&experiment, "first").await?;
/// assert_eq!(run.id, RunId::from_parts(Timestamp::UNIX_EPOCH, [7; 10]));
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct SqliteStoreBuilder {
    folder: PathBuf,
    clock: Arc<dyn Clock>,
    random: RandomSource,
    actor: Option<Actor>,
}

impl SqliteStoreBuilder {
    /// Where the time comes from; the machine's clock by default.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Where the random part of run ids comes from; the operating system by default. A source that
    /// repeats itself within a millisecond of the clock makes `start_run` fail as `AlreadyExists`.
    pub fn random(mut self, random: impl Fn() -> [u8; 10] + Send + Sync + 'static) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// Whom events name where a call does not say who acts; "application" by default.
    pub fn actor(mut self, actor: Actor) -> Self {
        self.actor = Some(actor);
        self
    }

    /// Opens the store.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    #[instrument(level = "debug", skip_all, fields(folder = %self.folder.display()), err(level = "debug"))]
    pub async fn open(self) -> Result<SqliteStore> {
        self.open_folder()
            .await
            .map_err(|error: Error| error.operation("open store"))
    }

    async fn open_folder(self) -> Result<SqliteStore> {
        disk::create_folder(&self.folder)?;
        let database = Database::open(&self.folder).await?;
        let blobs = Blobs::open(self.folder.join("artifacts"))?;
        let actor = match self.actor {
            Some(actor) => actor,
            None => Actor::new("application")?,
        };
        let inner = Inner {
            folder: self.folder,
            database,
            blobs,
            clock: self.clock,
            random: self.random,
            actor,
        };
        Ok(SqliteStore {
            inner: Arc::new(inner),
        })
    }
}

impl fmt::Debug for SqliteStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStoreBuilder")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// The bytes of a version 4 UUID but for the two that hold its version and variant.
fn random_of_the_system() -> [u8; 10] {
    let bytes = uuid::Uuid::new_v4().into_bytes();
    let mut random = [0; 10];
    random[..6].copy_from_slice(&bytes[..6]);
    random[6..].copy_from_slice(&bytes[9..13]);
    random
}
