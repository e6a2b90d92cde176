//! A feature store in a folder: Parquet files under a log of commits, and an online table in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use arrow::array::RecordBatch;
use async_trait::async_trait;
use mlops_core::Bytes;
use mlops_core::{
    Digest, Error, ErrorKind, FeatureRequest, FeatureStore, FeatureView, FeatureViewName,
    OnlineReader, Result, Timestamp, type_name,
};
use tracing::{debug, instrument};

use super::as_of::{AsOfTable, declared_columns, join_as_of};
use super::file;
use super::instant::nanoseconds_of;
use super::log::{Change, Log, PushedFile};
use super::online::{OnlineTable, Pending};
use super::rows::too_many_rows;
use super::table::Columns;
use crate::blocking::blocking;
use crate::disk;

/// Feature views and their rows in one folder, with the newest visible rows in memory.
///
/// ```text
/// <folder>/log/00000000000000000001.json    one change each: a view registered, a file pushed
/// <folder>/data/<sha256>.parquet            immutable rows, named by content
/// ```
///
/// - **Durable**: what returned `Ok` is on disk, file and folder synced. A crash in between leaves
///   at most a file that no commit names. A push whose view is online can fail after its commit,
///   where older rows turn out to be damaged: its own rows are kept then. The file system must know
///   hard links.
/// - **Shared**: several processes may push and join in one folder at the same time; every call but
///   [`read`](OnlineReader::read) first takes in what others committed. The online table is this
///   process's own: rows of others become visible by the next `materialize`.
/// - **Checked**: a file is compared with its digest when it is read: `Corrupt`, with its path.
/// - **Cost**: a view's rows are read at its first join or materialization, then kept in memory
///   (see [`AsOfTable`]). A push is one file and four syncs, whatever its size: push in batches. A
///   join costs O(m log n). `materialize` costs what became visible, and one copy of the newest rows
///   if something did. `read` takes microseconds and never waits for disk or writers.
///
/// Cheap to clone: clones share the state. The asynchronous calls run on the blocking threads of the
/// surrounding tokio runtime.
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::arrow::array::{Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
/// use mlops_core::{FeatureRequest, FeatureStore, FeatureView, FeatureViewName, OnlineReader, Timestamp};
/// use mlops_registry::features::ParquetFeatureStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> mlops_core::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// let store = ParquetFeatureStore::open(folder.path()).await?;
/// let name = FeatureViewName::new("weather")?;
/// store.register_view(FeatureView::new(name.clone(), ["origin"], ["temp"]).with_event_time("known_at")).await?;
/// let rows = RecordBatch::try_from_iter([
///     ("origin", Arc::new(StringArray::from(vec!["JFK", "JFK"])) as _),
///     ("temp", Arc::new(Int64Array::from(vec![39, 41])) as _),
///     ("known_at", Arc::new(TimestampMicrosecondArray::from(vec![10, 20])) as _),
/// ])?;
/// store.push(&name, &rows).await?;
///
/// let now = Timestamp::from_microsecond(19).unwrap();
/// store.materialize(&name, now).await?;
/// let origin = RecordBatch::try_from_iter([("origin", Arc::new(StringArray::from(vec!["JFK"])) as _)])?;
/// let features = store.read(&origin, now, &[FeatureRequest::new(name, ["temp"])])?;
/// assert_eq!(*features["temp"], Int64Array::from(vec![39]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ParquetFeatureStore {
    state: Arc<State>,
}

struct State {
    folder: PathBuf,
    log: Mutex<Log>,
    views: RwLock<BTreeMap<FeatureViewName, Arc<View>>>,
}

/// A view: what was loaded, what the log says of it, and what is visible. Each has its own lock, so
/// that a reader online waits for neither disk nor index; whoever takes two takes them in this order.
struct View {
    definition: Arc<FeatureView>,
    loaded: Mutex<Loaded>,
    files: Mutex<Vec<PushedFile>>,
    online: RwLock<Arc<OnlineTable>>,
}

struct Loaded {
    files: usize,
    table: Arc<AsOfTable>,
    pending: Pending,
}

impl ParquetFeatureStore {
    /// Opens the store in a folder, which is created if it is not there.
    ///
    /// # Errors
    /// `PermissionDenied` for a folder that may not be created or read; `InvalidArgument` for one
    /// that is a file; `Corrupt` for a damaged log; `Unsupported` for one of a newer version. All with
    /// the path. A store that is there and may not be written opens, and refuses pushes. See
    /// [`ParquetFeatureStore`] for an example.
    #[instrument(level = "debug", skip_all, fields(folder = %folder.as_ref().display()), err(level = "debug"))]
    pub async fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref().to_owned();
        let state = blocking(move || State::open(folder))
            .await
            .map_err(|error| error.operation("open feature store"))?;
        Ok(Self {
            state: Arc::new(state),
        })
    }

    /// The folder.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> mlops_core::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// let store = mlops_registry::features::ParquetFeatureStore::open(folder.path()).await?;
    /// assert_eq!(store.folder(), folder.path());
    /// # Ok(())
    /// # }
    /// ```
    pub fn folder(&self) -> &Path {
        &self.state.folder
    }

    /// The names of the views that this process knows, in order.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> mlops_core::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// let store = mlops_registry::features::ParquetFeatureStore::open(folder.path()).await?;
    /// assert!(store.views().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn views(&self) -> Vec<FeatureViewName> {
        read(&self.state.views).keys().cloned().collect()
    }

    /// Runs `work` on the store's state where it may wait for the disk.
    async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&State) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let state = self.state.clone();
        blocking(move || work(&state))
            .await
            .map_err(|error| error.operation(operation))
    }
}

impl fmt::Debug for ParquetFeatureStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParquetFeatureStore")
            .field("folder", &self.state.folder)
            .finish_non_exhaustive()
    }
}

impl State {
    fn open(folder: PathBuf) -> Result<Self> {
        disk::create_folder(&folder)?;
        disk::create_folder(&folder.join("data"))?;
        let state = Self {
            log: Mutex::new(Log::open(folder.join("log"))?),
            folder,
            views: RwLock::default(),
        };
        state.refresh(&mut lock(&state.log))?;
        Ok(state)
    }

    /// Takes in what was committed since, here or elsewhere.
    fn refresh(&self, log: &mut Log) -> Result<()> {
        while let Some(change) = log.read_next()? {
            self.apply(change).map_err(|error| {
                let why = "the feature log contradicts itself";
                Error::new(ErrorKind::Corrupt, why).source(error)
            })?;
        }
        Ok(())
    }

    fn apply(&self, change: Change) -> Result<()> {
        match change {
            Change::RegisterView { view } => {
                let name = view.name.clone();
                let view = Arc::new(View::new(view)?);
                write(&self.views).insert(name, view);
            }
            Change::Push { view, file } => lock(&self.known(&view)?.files).push(file),
        }
        Ok(())
    }

    /// A view as far as this process has read the log.
    fn known(&self, name: &FeatureViewName) -> Result<Arc<View>> {
        let views = read(&self.views);
        let view = views.get(name).cloned();
        view.ok_or_else(|| Error::not_found("feature view", name))
    }

    /// A view, after all that was committed.
    fn current(&self, name: &FeatureViewName) -> Result<Arc<View>> {
        self.refresh(&mut lock(&self.log))?;
        self.known(name)
    }

    /// Commits the change that `decide` makes of the newest state, again whenever another writer
    /// was faster; `None` if there is nothing to change.
    fn commit(&self, decide: impl Fn() -> Result<Option<Change>>) -> Result<()> {
        let mut log = lock(&self.log);
        loop {
            self.refresh(&mut log)?;
            let Some(change) = decide()? else {
                return Ok(());
            };
            if log.try_commit(&change)? {
                return self.refresh(&mut log);
            }
        }
    }

    fn register_view(&self, view: &FeatureView) -> Result<()> {
        view.check()?;
        self.commit(|| match self.known(&view.name) {
            Ok(old) if *old.definition == *view => Ok(None),
            Ok(_) => Err(Error::already_exists("feature view", &view.name)),
            Err(_) => Ok(Some(Change::RegisterView { view: view.clone() })),
        })
    }

    fn push(&self, name: &FeatureViewName, rows: &RecordBatch) -> Result<()> {
        let view = self.current(name)?;
        let rows = view.checked(rows)?;
        let bytes = file::encode(&rows)?;
        let file = PushedFile {
            digest: Digest::of(&bytes),
            rows: rows.num_rows() as u64,
            columns: named_types(&rows),
        };
        self.keep(&file, &bytes)?;
        self.commit(|| {
            view.check(&file)?;
            Ok(Some(Change::Push {
                view: name.clone(),
                file: file.clone(),
            }))
        })?;
        let mut loaded = lock(&view.loaded);
        match loaded.pending.until() {
            // What is visible stays complete: a late row shows without another materialization.
            Some(until) => self.show(&view, &mut loaded, until),
            None => Ok(()),
        }
    }

    /// Puts a file in its place. One that is there already was perhaps damaged: it is replaced
    /// unless it is whole.
    fn keep(&self, file: &PushedFile, bytes: &[u8]) -> Result<()> {
        let path = self.path_of(file);
        if disk::write_once(&path, bytes)? {
            return Ok(());
        }
        if std::fs::read(&path).is_ok_and(|there| there == bytes) {
            return disk::sync(&path);
        }
        disk::replace(&path, bytes)
    }

    fn path_of(&self, file: &PushedFile) -> PathBuf {
        let name = format!("{}.parquet", file.digest);
        self.folder.join("data").join(name)
    }

    /// Reads the files that were pushed since, and gives the table with all rows.
    fn load<'a>(&self, view: &View, loaded: &'a mut Loaded) -> Result<&'a Arc<AsOfTable>> {
        let new: Vec<PushedFile> = lock(&view.files)[loaded.files..].to_vec();
        for file in new {
            let rows = self.read(&file)?;
            let added = Arc::make_mut(&mut loaded.table).add(&rows)?;
            loaded.pending.add(added);
            loaded.files += 1;
        }
        Ok(&loaded.table)
    }

    fn read(&self, file: &PushedFile) -> Result<RecordBatch> {
        let path = self.path_of(file);
        let read = || {
            let bytes = std::fs::read(&path).map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => {
                    Error::new(ErrorKind::Corrupt, "a committed file is missing").source(error)
                }
                _ => disk::failed("read features", &path, error),
            })?;
            let rows = file::decode(Bytes::from(bytes), file.digest)?;
            debug!(path = %path.display(), rows = rows.num_rows(), "read features");
            Ok(rows)
        };
        read().map_err(|error: Error| error.context("path", path.display()))
    }

    fn join(
        &self,
        entities: &RecordBatch,
        time: &str,
        requests: &[FeatureRequest],
    ) -> Result<RecordBatch> {
        self.refresh(&mut lock(&self.log))?;
        let tables = requests.iter().map(|request| {
            let view = self.known(&request.view)?;
            let mut loaded = lock(&view.loaded);
            self.load(&view, &mut loaded).cloned()
        });
        let tables = tables.collect::<Result<Vec<_>>>()?;
        join_as_of(
            entities,
            time,
            tables.iter().map(AsRef::as_ref).zip(requests),
        )
    }

    fn materialize(&self, name: &FeatureViewName, until: i128) -> Result<()> {
        let view = self.current(name)?;
        let mut loaded = lock(&view.loaded);
        self.show(&view, &mut loaded, until)
    }

    /// Replaces the online table by one with all rows known until then.
    fn show(&self, view: &View, loaded: &mut Loaded, until: i128) -> Result<()> {
        self.load(view, loaded)?;
        let visible = loaded.pending.visible(until, &loaded.table);
        let rows = visible.len();
        let online = read(&view.online).clone();
        if let Some(next) = online.with(&loaded.table, visible)? {
            debug!(view = %view.definition.name, rows, "rows became visible");
            *write(&view.online) = Arc::new(next);
        }
        loaded.pending.shown(until, rows);
        Ok(())
    }
}

impl View {
    fn new(definition: FeatureView) -> Result<Self> {
        let loaded = Loaded {
            files: 0,
            table: Arc::new(AsOfTable::new(definition.clone())?),
            pending: Pending::default(),
        };
        let definition = Arc::new(definition);
        Ok(Self {
            files: Mutex::default(),
            loaded: Mutex::new(loaded),
            online: RwLock::new(Arc::new(OnlineTable::empty(definition.clone()))),
            definition,
        })
    }

    /// The declared columns of these rows, if a table of the view can hold them.
    fn checked(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let rows = declared_columns(&self.definition, rows)
            .map_err(|error| error.context("feature view", &self.definition.name))?;
        let head = rows.slice(0, rows.num_rows().min(1));
        AsOfTable::of(FeatureView::clone(&self.definition), &[head])?;
        Ok(rows)
    }

    /// Whether the file goes with those before: `SignatureMismatch` for other types, `Unsupported` for
    /// more rows than a table can number.
    fn check(&self, file: &PushedFile) -> Result<()> {
        let files = lock(&self.files);
        let rows: u64 = files.iter().chain([file]).map(|file| file.rows).sum();
        if rows > u64::from(u32::MAX) {
            return Err(too_many_rows().context("feature view", &self.definition.name));
        }
        let Some(first) = files.first() else {
            return Ok(());
        };
        for ((name, before), (_, now)) in first.columns.iter().zip(&file.columns) {
            if before != now {
                let why = format!("column \"{name}\" must be {before}, got {now}");
                return Err(Error::new(ErrorKind::SignatureMismatch, why)
                    .context("feature view", &self.definition.name));
            }
        }
        Ok(())
    }
}

#[async_trait]
impl FeatureStore for ParquetFeatureStore {
    #[instrument(level = "debug", skip_all, fields(view = %view.name), err(level = "debug"))]
    async fn register_view(&self, view: FeatureView) -> Result<()> {
        self.run("register feature view", move |state| {
            state.register_view(&view)
        })
        .await
    }

    #[instrument(level = "debug", skip_all, fields(view = %name), err(level = "debug"))]
    async fn view(&self, name: &FeatureViewName) -> Result<FeatureView> {
        let name = name.clone();
        self.run("look up feature view", move |state| {
            Ok(FeatureView::clone(&state.current(&name)?.definition))
        })
        .await
    }

    #[instrument(level = "debug", skip_all, fields(%view, rows = rows.num_rows()), err(level = "debug"))]
    async fn push(&self, view: &FeatureViewName, rows: &RecordBatch) -> Result<()> {
        let (view, rows) = (view.clone(), rows.clone());
        self.run("push features", move |state| state.push(&view, &rows))
            .await
    }

    #[instrument(level = "debug", skip_all, fields(rows = entities.num_rows()), err(level = "debug"))]
    async fn join(
        &self,
        entities: &RecordBatch,
        time: &str,
        requests: &[FeatureRequest],
    ) -> Result<RecordBatch> {
        let (entities, time, requests) = (entities.clone(), time.to_owned(), requests.to_vec());
        self.run("join features", move |state| {
            state.join(&entities, &time, &requests)
        })
        .await
    }

    #[instrument(level = "debug", skip_all, fields(%view, %until), err(level = "debug"))]
    async fn materialize(&self, view: &FeatureViewName, until: Timestamp) -> Result<()> {
        let view = view.clone();
        self.run("materialize features", move |state| {
            state.materialize(&view, nanoseconds_of(until))
        })
        .await
    }
}

impl OnlineReader for ParquetFeatureStore {
    fn read(
        &self,
        entities: &RecordBatch,
        at: Timestamp,
        requests: &[FeatureRequest],
    ) -> Result<RecordBatch> {
        let mut result = Columns::new(entities.num_rows());
        for request in requests {
            let online = read(&self.state.known(&request.view)?.online).clone();
            online
                .read(entities, nanoseconds_of(at), request, &mut result)
                .map_err(|error| error.context("feature view", &request.view))?;
        }
        result.finish()
    }
}

// A panic under a lock can have left a table half extended only between two files, each of which
// is added whole; so a poisoned lock is taken over.

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// Each column's name, and the [name](type_name) of its type.
fn named_types(rows: &RecordBatch) -> Vec<(String, String)> {
    let fields = rows.schema_ref().fields().iter();
    fields
        .map(|field| (field.name().clone(), type_name(field.data_type())))
        .collect()
}
