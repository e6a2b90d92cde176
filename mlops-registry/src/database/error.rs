//! The one place that gives a database error its meaning.

use mlops_core::{Error, ErrorKind};
use sqlx::error::DatabaseError;

/// SQLite's primary result codes, <https://www.sqlite.org/rescode.html>.
mod code {
    pub(super) const PERM: i32 = 3;
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const READONLY: i32 = 8;
    pub(super) const IOERR: i32 = 10;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const CANTOPEN: i32 = 14;
    pub(super) const TOOBIG: i32 = 18;
    pub(super) const AUTH: i32 = 23;
    pub(super) const NOTADB: i32 = 26;
    /// An extended code: a page beyond the end of the file.
    pub(super) const IOERR_SHORT_READ: i32 = 522;
}

pub(crate) fn database_error(error: sqlx::Error) -> Error {
    let kind = kind(&error);
    Error::new(kind, error.to_string()).source(error)
}

fn kind(error: &sqlx::Error) -> ErrorKind {
    match error {
        sqlx::Error::Database(error) => kind_of_code(error.as_ref()),
        sqlx::Error::Io(error) => match error.kind() {
            std::io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
            _ => ErrorKind::Unavailable,
        },
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => ErrorKind::Unavailable,
        sqlx::Error::RowNotFound => ErrorKind::NotFound,
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => ErrorKind::Corrupt,
        sqlx::Error::Encode(_) | sqlx::Error::InvalidArgument(_) => ErrorKind::InvalidArgument,
        _ => ErrorKind::Internal,
    }
}

fn kind_of_code(error: &dyn DatabaseError) -> ErrorKind {
    if error.is_unique_violation() {
        return ErrorKind::AlreadyExists;
    }
    if error.is_foreign_key_violation() {
        return ErrorKind::NotFound;
    }
    let extended: i32 = error.code().and_then(|code| code.parse().ok()).unwrap_or(0);
    if extended == code::IOERR_SHORT_READ {
        return ErrorKind::Corrupt;
    }
    match extended & 0xff {
        code::BUSY | code::LOCKED | code::FULL | code::IOERR => ErrorKind::Unavailable,
        code::PERM | code::READONLY | code::CANTOPEN | code::AUTH => ErrorKind::PermissionDenied,
        code::CORRUPT | code::NOTADB => ErrorKind::Corrupt,
        code::TOOBIG => ErrorKind::InvalidArgument,
        _ => ErrorKind::Internal,
    }
}
