//! Summaries as files: JSON to read, bytes to keep, in the manner of profiles.
//!
//! Bytes: `MLSM`, the version as u16, the SHA-256 of the rest, and the summary as CBOR (RFC 8949), with the sketches in the format of Apache
//! DataSketches.

use mlops_core::Result;
use serde::{Deserialize, Serialize};

use super::TableSummary;
use crate::profile::Framed;

const FRAMED: Framed = Framed {
    magic: b"MLSM",
    // Counts up with every change that an older reader cannot follow.
    version: 1,
    of: "summary",
};

#[derive(Serialize)]
struct Versioned<'a> {
    version: u16,
    summary: &'a TableSummary,
}

#[derive(Deserialize)]
struct Written {
    summary: TableSummary,
}

impl TableSummary {
    /// The summary as JSON, with the version of the format.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string(&Versioned {
            version: FRAMED.version,
            summary: self,
        })?)
    }

    /// A summary from JSON.
    ///
    /// # Errors
    /// [`Unsupported`](mlops_core::ErrorKind::Unsupported) for a newer version; [`Corrupt`](mlops_core::ErrorKind::Corrupt) for anything else
    /// that is not such a summary.
    ///
    /// ```
    /// use mlops_drift::summary::TableSummary;
    /// let error = TableSummary::from_json(r#"{"version": 99}"#).unwrap_err();
    /// assert_eq!(error.kind(), mlops_core::ErrorKind::Unsupported);
    /// ```
    pub fn from_json(text: &str) -> Result<Self> {
        let written: Written = FRAMED.read_json(text)?;
        Ok(written.summary)
    }

    /// The summary as bytes.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        FRAMED.write(self)
    }

    /// A summary from bytes.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json)'s, for anything that is not such a summary to the last bit.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from(vec![1, 2])) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// use mlops_drift::summary::TableSummary;
    /// let mut bytes = TableSummary::of(&table)?.to_bytes()?;
    /// assert_eq!(TableSummary::from_bytes(&bytes)?.rows(), 2);
    /// bytes.pop();
    /// assert!(TableSummary::from_bytes(&bytes).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        FRAMED.read(bytes)
    }
}
