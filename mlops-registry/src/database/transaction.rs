//! A transaction: statements in, rows out, errors in the family's own words.

use mlops_core::Result;
use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;

use super::error::database_error;
use super::row::Row;

/// A statement with its parameters.
pub(crate) type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

/// All or nothing: dropped without a [`commit`](Transaction::commit) it leaves nothing behind.
pub(crate) struct Transaction(pub(super) sqlx::Transaction<'static, Sqlite>);

impl Transaction {
    /// Runs a statement, and gives the number of rows that it changed.
    pub(crate) async fn execute(&mut self, statement: Statement<'_>) -> Result<u64> {
        let result = statement.execute(&mut *self.0).await;
        Ok(result.map_err(database_error)?.rows_affected())
    }

    /// The first row, if there is one.
    pub(crate) async fn first(&mut self, statement: Statement<'_>) -> Result<Option<Row>> {
        let row = statement.fetch_optional(&mut *self.0).await;
        Ok(row.map_err(database_error)?.map(Row))
    }

    /// Whether there is a row.
    pub(crate) async fn exists(&mut self, statement: Statement<'_>) -> Result<bool> {
        Ok(self.first(statement).await?.is_some())
    }

    /// All rows.
    pub(crate) async fn all(&mut self, statement: Statement<'_>) -> Result<Vec<Row>> {
        let rows = statement.fetch_all(&mut *self.0).await;
        Ok(rows.map_err(database_error)?.into_iter().map(Row).collect())
    }

    /// Makes the changes durable and visible to others.
    pub(crate) async fn commit(self) -> Result<()> {
        self.0.commit().await.map_err(database_error)
    }
}
