//! The prediction log: immutable Parquet files of what was answered, by whom, and how fast.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mlops_core::arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Float64Builder, ListBuilder, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt32Array, UInt64Array,
};
use mlops_core::{Error, ErrorKind, ModelName, Result, Timestamp, VersionNumber};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

/// In which role a version predicted.
///
/// ```
/// use mlops_serve::Role;
/// assert_eq!(Role::Shadow.as_str(), "shadow");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It answered, as the champion.
    Champion,
    /// It answered, or failed to, as the challenger.
    Challenger,
    /// Nobody saw its answer.
    Shadow,
}

impl Role {
    /// The name in `snake_case`, as it stands in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Champion => "champion",
            Self::Challenger => "challenger",
            Self::Shadow => "shadow",
        }
    }
}

/// One prediction of one version: a row of the log.
///
/// ```
/// use std::time::Duration;
/// use mlops_core::{ModelName, Timestamp, VersionNumber};
/// use mlops_serve::{LoggedPrediction, Role};
///
/// let row = LoggedPrediction {
///     request: "r1".into(),
///     time: Timestamp::UNIX_EPOCH,
///     model: ModelName::new("demo")?,
///     version: VersionNumber::FIRST,
///     role: Role::Champion,
///     challenger_share: 0.0,
///     latency: Duration::from_micros(12),
///     error: None,
///     outputs: vec![0.3],
/// };
/// assert!(row.error.is_none());
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedPrediction {
    /// The request id.
    pub request: String,
    /// When the request came.
    pub time: Timestamp,
    /// The model.
    pub model: ModelName,
    /// The version.
    pub version: VersionNumber,
    /// In which role.
    pub role: Role,
    /// The challenger's share as it stood before the draw: the propensity.
    pub challenger_share: f64,
    /// How long the version computed.
    pub latency: Duration,
    /// What went wrong, if something did.
    pub error: Option<String>,
    /// All numbers of all outputs, in the order of the signature, row by row.
    pub outputs: Vec<f64>,
}

/// Writes predictions to a folder, as Parquet files that never change once they are there.
///
/// Cheap to clone: clones share the buffer. **Durability**: a row is safe when [`flush`](Self::flush)
/// has returned; [`append`](Self::append) only buffers, and writes a file when the buffer is full.
/// Files appear whole or not at all (written aside, synced, linked), and never replace one another, so
/// several processes may log to one folder.
///
/// ```
/// # use std::time::Duration;
/// # use mlops_core::{ModelName, Timestamp, VersionNumber};
/// # use mlops_serve::{LoggedPrediction, PredictionLog, Role};
/// # let folder = tempfile::tempdir().unwrap();
/// # let row = LoggedPrediction {
/// #     request: "r1".into(), time: Timestamp::UNIX_EPOCH, model: ModelName::new("demo")?,
/// #     version: VersionNumber::FIRST, role: Role::Champion, challenger_share: 0.0,
/// #     latency: Duration::from_micros(12), error: None, outputs: vec![0.3],
/// # };
/// let log = PredictionLog::open(folder.path())?;
/// log.append([row])?;
/// log.flush()?;
/// assert_eq!(PredictionLog::read(folder.path())?.iter().map(|batch| batch.num_rows()).sum::<usize>(), 1);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct PredictionLog {
    folder: Arc<PathBuf>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    rows: Vec<LoggedPrediction>,
    next_file: u64,
}

/// Rows to a file.
const ROWS_PER_FILE: usize = 65_536;

impl PredictionLog {
    /// Opens a folder, which is created if it is missing. Files that are there stay.
    ///
    /// # Errors
    /// `PermissionDenied` if the folder cannot be created or written, with its path.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        fs::create_dir_all(folder).map_err(|e| failed("open prediction log", folder, e))?;
        // A log that cannot be written shall be known now, not at the first flush.
        stage(folder).map_err(|e| failed("open prediction log", folder, e))?;
        let files = files(folder)?;
        let next_file = files.last().map_or(0, |(number, _)| number + 1);
        Ok(Self {
            folder: Arc::new(folder.to_owned()),
            state: Arc::new(Mutex::new(State {
                rows: Vec::new(),
                next_file,
            })),
        })
    }

    /// Buffers rows. When 65,536 are there, the caller writes them, and syncs the file.
    ///
    /// # Errors
    /// As [`flush`](Self::flush); the rows stay buffered then.
    pub fn append(&self, rows: impl IntoIterator<Item = LoggedPrediction>) -> Result<()> {
        let mut state = self.lock();
        state.rows.extend(rows);
        if state.rows.len() >= ROWS_PER_FILE {
            self.write(&mut state)?;
        }
        Ok(())
    }

    /// Writes what is buffered, and returns when it is on disk.
    ///
    /// # Errors
    /// `PermissionDenied` or `Unavailable`, with the path; the rows stay buffered then.
    pub fn flush(&self) -> Result<()> {
        let mut state = self.lock();
        if state.rows.is_empty() {
            return Ok(());
        }
        self.write(&mut state)
    }

    /// Reads a folder's files, in the order in which they were written.
    ///
    /// # Errors
    /// `Corrupt` with the file's path for one that is truncated or no Parquet.
    pub fn read(folder: impl AsRef<Path>) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        for (_, path) in files(folder.as_ref())? {
            let corrupt = |e: Box<dyn std::error::Error + Send + Sync>| {
                Error::new(ErrorKind::Corrupt, format!("not a whole Parquet file: {e}"))
                    .operation("read prediction log")
                    .context("path", path.display())
                    .source(e)
            };
            let file = File::open(&path).map_err(|e| failed("read prediction log", &path, e))?;
            let reader = ParquetRecordBatchReaderBuilder::try_new(file)
                .and_then(|builder| builder.build())
                .map_err(|e| corrupt(e.into()))?;
            for batch in reader {
                batches.push(batch.map_err(|e| corrupt(e.into()))?);
            }
        }
        Ok(batches)
    }

    fn write(&self, state: &mut State) -> Result<()> {
        let fail = |e| failed("write prediction log", &self.folder, e);
        let staged = stage(&self.folder).map_err(fail)?;
        write_parquet(staged.as_file(), &table(&state.rows)?)
            .map_err(|e| failed("write prediction log", &self.folder, io::Error::other(e)))?;
        staged.as_file().sync_all().map_err(fail)?;
        self.claim(staged, state)
            .and_then(|()| sync_folder(&self.folder))
            .map_err(fail)?;
        state.rows.clear();
        Ok(())
    }

    /// Gives the file its name: the next one that nobody else has taken.
    fn claim(&self, mut staged: NamedTempFile, state: &mut State) -> io::Result<()> {
        loop {
            let name = format!("predictions-{:08}.parquet", state.next_file);
            state.next_file += 1;
            match staged.persist_noclobber(self.folder.join(name)) {
                Ok(_) => return Ok(()),
                Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => staged = e.file,
                Err(e) => return Err(e.error),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(operation: &'static str, path: &Path, error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::StorageFull | io::ErrorKind::Interrupted => ErrorKind::Unavailable,
        _ => ErrorKind::PermissionDenied,
    };
    Error::new(kind, error.to_string())
        .operation(operation)
        .context("path", path.display())
        .source(error)
}

/// A name is on disk when its folder is. Windows cannot open a folder, and needs not to.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// The log's files with their numbers, in order.
fn files(folder: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let entries = fs::read_dir(folder).map_err(|e| failed("read prediction log", folder, e))?;
    let mut files: Vec<(u64, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_name()?.to_str()?;
            let number = name
                .strip_prefix("predictions-")?
                .strip_suffix(".parquet")?;
            Some((number.parse().ok()?, path))
        })
        .collect();
    files.sort();
    Ok(files)
}

/// A new file under a name of its own, which goes away unless it is given another.
fn stage(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".predictions-").suffix(".part");
    // As any other file: others than the owner may read it, unless the umask says no.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

fn write_parquet(file: &File, batch: &RecordBatch) -> parquet::errors::Result<()> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties))?;
    writer.write(batch)?;
    writer.close()?;
    Ok(())
}

fn table(rows: &[LoggedPrediction]) -> Result<RecordBatch> {
    let text = |value: fn(&LoggedPrediction) -> Option<&str>| -> ArrayRef {
        Arc::new(rows.iter().map(value).collect::<StringArray>())
    };
    let times = rows.iter().map(|row| Some(row.time.as_microsecond()));
    let versions = rows.iter().map(|row| Some(row.version.get()));
    let shares = rows.iter().map(|row| Some(row.challenger_share));
    let latencies = rows.iter().map(|row| Some(row.latency.as_nanos() as u64));
    let mut outputs = ListBuilder::new(Float64Builder::new());
    for row in rows {
        outputs.append_value(row.outputs.iter().copied().map(Some));
    }
    Ok(RecordBatch::try_from_iter_with_nullable([
        ("request", text(|row| Some(&row.request)), false),
        (
            "time",
            Arc::new(
                times
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            ) as _,
            false,
        ),
        ("model", text(|row| Some(row.model.as_str())), false),
        (
            "version",
            Arc::new(versions.collect::<UInt32Array>()) as _,
            false,
        ),
        ("role", text(|row| Some(row.role.as_str())), false),
        (
            "challenger_share",
            Arc::new(shares.collect::<Float64Array>()) as _,
            false,
        ),
        (
            "latency_ns",
            Arc::new(latencies.collect::<UInt64Array>()) as _,
            false,
        ),
        (
            "failed",
            Arc::new(
                rows.iter()
                    .map(|row| Some(row.error.is_some()))
                    .collect::<BooleanArray>(),
            ) as _,
            false,
        ),
        ("error", text(|row| row.error.as_deref()), true),
        ("outputs", Arc::new(outputs.finish()) as _, false),
    ])?)
}
