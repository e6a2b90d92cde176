//! The schema, version by version. A version that was released never changes.

use mlops_core::{Error, ErrorKind, Result};
use sqlx::sqlite::SqliteConnection;

use super::error::database_error;

/// Each takes the schema from one version to the next, and writes the new one to `user_version`.
const MIGRATIONS: [&str; 1] = [include_str!("v1.sql")];

/// "mlop": says whose file it is, <https://www.sqlite.org/pragma.html#pragma_application_id>.
const APPLICATION_ID: i64 = 0x6d6c_6f70;

/// Brings a database to the newest version, in one transaction each. Whoever calls holds the
/// folder's lock.
pub(super) async fn migrate(connection: &mut SqliteConnection) -> Result<()> {
    let version = version(connection).await?;
    for migration in &MIGRATIONS[version..] {
        sqlx::raw_sql("BEGIN IMMEDIATE")
            .execute(&mut *connection)
            .await
            .map_err(database_error)?;
        sqlx::raw_sql(*migration)
            .execute(&mut *connection)
            .await
            .map_err(database_error)?;
        sqlx::raw_sql("COMMIT")
            .execute(&mut *connection)
            .await
            .map_err(database_error)?;
    }
    Ok(())
}

/// How many migrations the database has behind it.
async fn version(connection: &mut SqliteConnection) -> Result<usize> {
    let version = number(connection, "PRAGMA user_version").await?;
    let application = number(connection, "PRAGMA application_id").await?;
    let tables = number(connection, "SELECT count(*) FROM sqlite_schema").await?;
    if application != APPLICATION_ID && (tables > 0 || version != 0) {
        let why = "the database belongs to another application";
        return Err(Error::new(ErrorKind::Corrupt, why));
    }
    let newest = MIGRATIONS.len();
    usize::try_from(version)
        .ok()
        .filter(|version| *version <= newest)
        .ok_or_else(|| {
            let why = format!(
                "the store has schema version {version}, this program reads up to {newest}"
            );
            Error::new(ErrorKind::Unsupported, why)
        })
}

async fn number(connection: &mut SqliteConnection, statement: &'static str) -> Result<i64> {
    sqlx::query_scalar(statement)
        .fetch_one(connection)
        .await
        .map_err(database_error)
}
