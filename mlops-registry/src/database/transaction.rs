//! A transaction: statements in, rows out, errors in the family's own words.

use std::path::Path;
use std::sync::Arc;

use mlops_core::{Error, ErrorKind, Result};
use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;

use super::error::database_error;
use super::row::Row;

/// A statement with its parameters.
pub(crate) type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

/// All or nothing: dropped without a [`commit`](Transaction::commit) it leaves nothing behind.
pub(crate) struct Transaction {
    pub(super) begun: sqlx::Transaction<'static, Sqlite>,
    pub(super) path: Arc<Path>,
}

impl Transaction {
    /// Runs a statement, and gives the number of rows that it changed.
    pub(crate) async fn execute(&mut self, statement: Statement<'_>) -> Result<u64> {
        let result = statement.execute(&mut *self.begun).await;
        Ok(result
            .map_err(|error| failed(error, &self.path))?
            .rows_affected())
    }

    /// The first row, if there is one.
    pub(crate) async fn first(&mut self, statement: Statement<'_>) -> Result<Option<Row>> {
        let row = statement.fetch_optional(&mut *self.begun).await;
        Ok(row.map_err(|error| failed(error, &self.path))?.map(Row))
    }

    /// Whether there is a row.
    pub(crate) async fn exists(&mut self, statement: Statement<'_>) -> Result<bool> {
        Ok(self.first(statement).await?.is_some())
    }

    /// All rows.
    pub(crate) async fn all(&mut self, statement: Statement<'_>) -> Result<Vec<Row>> {
        let rows = statement.fetch_all(&mut *self.begun).await;
        let rows = rows.map_err(|error| failed(error, &self.path))?;
        Ok(rows.into_iter().map(Row).collect())
    }

    /// Makes the changes durable and visible to others.
    pub(crate) async fn commit(self) -> Result<()> {
        let committed = self.begun.commit().await;
        committed.map_err(|error| failed(error, &self.path))
    }
}

/// The error of a statement, with the place of the file where that is what to look at.
pub(super) fn failed(error: sqlx::Error, path: &Path) -> Error {
    let error = database_error(error);
    match error.kind() {
        ErrorKind::Corrupt | ErrorKind::PermissionDenied | ErrorKind::Unavailable => {
            error.context("path", path.display())
        }
        _ => error,
    }
}
