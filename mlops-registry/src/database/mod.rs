//! The database: how it is opened, and what a transaction promises.
//!
//! One SQLite file in WAL mode with `synchronous = FULL`: a commit is on disk when it returns, and
//! readers see the state of one moment without waiting for the writer. Writers begin with
//! `BEGIN IMMEDIATE`, so that none ever has to give up halfway because another was faster.

mod error;
mod row;
mod schema;
mod transaction;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mlops_core::{Error, ErrorKind, Result};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, Sqlite};

pub(crate) use row::{Row, to_count, to_json};
pub(crate) use transaction::{Statement, Transaction};

use crate::blocking::blocking;
use crate::disk;
use error::database_error;

/// How long a writer waits for another process before it gives up as `Unavailable`.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// How many reads run at the same time.
const READERS: u32 = 4;

/// Connections to one database: one that writes, a few that read.
pub(crate) struct Database {
    path: Arc<Path>,
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Database {
    /// Opens `<folder>/mlops.db`, and creates or migrates it where needed. Several processes may do
    /// so at the same time: a lock on `<folder>/mlops.lock` puts them in line.
    pub(crate) async fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("mlops.db");
        let options = options(&path);
        let lock = lock(folder.join("mlops.lock")).await?;
        prepare(&path, &options)
            .await
            .map_err(|error| error.context("path", path.display()))?;
        drop(lock);
        let writer = pool(1).connect_lazy_with(options.clone());
        let readers = pool(READERS).connect_lazy_with(options.pragma("query_only", "ON"));
        let path = path.into();
        Ok(Self {
            path,
            writer,
            readers,
        })
    }

    /// Begins to write: waits until no one else does.
    pub(crate) async fn write(&self) -> Result<Transaction> {
        let begun = self.writer.begin_with("BEGIN IMMEDIATE").await;
        self.transaction(begun)
    }

    /// Begins to read one moment's state.
    pub(crate) async fn read(&self) -> Result<Transaction> {
        let begun = self.readers.begin().await;
        self.transaction(begun)
    }

    fn transaction(
        &self,
        begun: sqlx::Result<sqlx::Transaction<'static, Sqlite>>,
    ) -> Result<Transaction> {
        let begun = begun.map_err(|error| transaction::failed(error, &self.path))?;
        let path = self.path.clone();
        Ok(Transaction { begun, path })
    }

    /// Waits for what is under way, and closes the connections.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        // macOS alone: a sync that the drive's own cache does not swallow.
        .pragma("fullfsync", "ON")
        .disable_statement_logging()
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        // Longer than a writer waits for other processes.
        .acquire_timeout(2 * BUSY_TIMEOUT)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

/// Creates, checks and migrates the database under the folder's lock.
async fn prepare(path: &Path, options: &SqliteConnectOptions) -> Result<()> {
    check_file(path)?;
    let mut connection = SqliteConnection::connect_with(options)
        .await
        .map_err(database_error)?;
    schema::migrate(&mut connection).await?;
    connection.close().await.map_err(database_error)?;
    path.parent().map_or(Ok(()), disk::sync_folder)
}

/// SQLite takes a file of no bytes for a new database. Beside stored artifacts it is a lost one.
fn check_file(path: &Path) -> Result<()> {
    let there = std::fs::metadata(path);
    if there.as_ref().is_ok_and(|there| !there.is_file()) {
        return Err(Error::invalid("the database must be a file"));
    }
    let is_empty = there.map_or(true, |file| file.len() == 0);
    let artifacts = path.with_file_name("artifacts");
    let has_artifacts = std::fs::read_dir(artifacts).is_ok_and(|mut files| files.next().is_some());
    if is_empty && has_artifacts {
        let why = "the database is missing or empty, but there are artifacts beside it";
        return Err(Error::new(ErrorKind::Corrupt, why));
    }
    Ok(())
}

/// Waits for the lock of a folder. It is released when the file is closed, also by a crash.
async fn lock(path: PathBuf) -> Result<File> {
    blocking(move || {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .and_then(|file| file.lock().map(|()| file));
        file.map_err(|error| disk::failed("lock", &path, error))
    })
    .await
}
