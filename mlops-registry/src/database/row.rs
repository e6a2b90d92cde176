//! Reading a row: numbers and text by column name, and the forms in which other things are stored.

use std::str::FromStr;

use mlops_core::{Error, ErrorKind, Result, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row as _, Sqlite, Type};

use super::error::database_error;

/// A row of a result.
pub(crate) struct Row(pub(super) SqliteRow);

impl Row {
    /// A column as SQLite holds it; `Corrupt` if it holds something else.
    pub(crate) fn get<'r, T: Decode<'r, Sqlite> + Type<Sqlite>>(
        &'r self,
        column: &'static str,
    ) -> Result<T> {
        self.0
            .try_get(column)
            .map_err(|error| database_error(error).context("column", column))
    }

    /// A name, digest or id, which are stored as text.
    pub(crate) fn parsed<T: FromStr>(&self, column: &'static str) -> Result<T>
    where
        T::Err: std::error::Error + Send + Sync + 'static,
    {
        let text: String = self.get(column)?;
        text.parse()
            .map_err(|error: T::Err| malformed(column).source(error))
    }

    /// As [`Row::parsed`], or nothing.
    pub(crate) fn parsed_or_null<T: FromStr>(&self, column: &'static str) -> Result<Option<T>>
    where
        T::Err: std::error::Error + Send + Sync + 'static,
    {
        let text: Option<String> = self.get(column)?;
        text.map(|text| text.parse())
            .transpose()
            .map_err(|error: T::Err| malformed(column).source(error))
    }

    /// A structure, which is stored as JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T> {
        let text: String = self.get(column)?;
        serde_json::from_str(&text).map_err(|error| Error::from(error).context("column", column))
    }

    /// A time, which is stored as microseconds.
    pub(crate) fn time(&self, column: &'static str) -> Result<Timestamp> {
        time_of(self.get(column)?, column)
    }

    /// As [`Row::time`], or nothing.
    pub(crate) fn time_or_null(&self, column: &'static str) -> Result<Option<Timestamp>> {
        let micros: Option<i64> = self.get(column)?;
        micros.map(|micros| time_of(micros, column)).transpose()
    }

    /// A count, which is stored as a signed integer.
    pub(crate) fn count<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T> {
        let number: i64 = self.get(column)?;
        T::try_from(number).map_err(|_| malformed(column).context("value", number))
    }
}

fn time_of(micros: i64, column: &'static str) -> Result<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|error| malformed(column).source(error))
}

fn malformed(column: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, "a stored value is malformed").context("column", column)
}

/// A structure in the form that [`Row::json`] reads.
pub(crate) fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| {
        Error::invalid(format!("cannot be written as JSON: {error}")).source(error)
    })
}

/// A count in the form that [`Row::count`] reads.
pub(crate) fn to_count(count: impl TryInto<i64> + Copy + std::fmt::Display) -> Result<i64> {
    count
        .try_into()
        .map_err(|_| Error::invalid(format!("a count must be at most {}, got {count}", i64::MAX)))
}
