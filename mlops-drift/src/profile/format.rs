//! Profiles as files: JSON to read, bytes to keep.
//!
//! Bytes: `MLPF`, the version as u16, the SHA-256 of the rest, and the profile as CBOR (RFC 8949). Integers are big-endian.

use mlops_core::{Digest, Error, ErrorKind, Result};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::TableProfile;

const MAGIC: &[u8; 4] = b"MLPF";
/// Counts up with every change that an older reader cannot follow.
const VERSION: u16 = 3;
/// Magic, version and digest.
const HEADER: usize = 4 + 2 + 32;

#[derive(Serialize)]
struct Versioned<'a> {
    version: u16,
    profile: &'a TableProfile,
}

#[derive(Deserialize)]
struct Written {
    profile: TableProfile,
}

#[derive(Deserialize)]
struct Announced {
    version: u16,
    #[serde(rename = "profile")]
    _profile: IgnoredAny,
}

impl TableProfile {
    /// The profile as JSON, with the version of the format.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn to_json(&self) -> Result<String> {
        let profile = self;
        let version = VERSION;
        Ok(serde_json::to_string(&Versioned { version, profile })?)
    }

    /// A profile from JSON.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for a newer version; [`Corrupt`](ErrorKind::Corrupt) for anything else that is not such
    /// a profile.
    ///
    /// ```
    /// use mlops_drift::profile::TableProfile;
    /// let error = TableProfile::from_json(r#"{"version": 99, "profile": {}}"#).unwrap_err();
    /// assert!(error.to_string().contains("version must lie in [1, 3], got 99"));
    /// ```
    pub fn from_json(text: &str) -> Result<Self> {
        let announced: Announced = serde_json::from_str(text).map_err(corrupt)?;
        require_known(announced.version)?;
        let written: Written = serde_json::from_str(text).map_err(corrupt)?;
        Ok(written.profile)
    }

    /// The profile as bytes, a third of the JSON's size.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        ciborium::into_writer(self, &mut body).map_err(|error| {
            Error::new(ErrorKind::Internal, "cannot write a profile").source(error)
        })?;
        let digest = Digest::of(&body);
        Ok([
            MAGIC.as_slice(),
            &VERSION.to_be_bytes(),
            digest.as_bytes(),
            &body,
        ]
        .concat())
    }

    /// A profile from bytes.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for a newer version; [`Corrupt`](ErrorKind::Corrupt) for anything else that is not such
    /// a profile to the last bit.
    ///
    /// ```
    /// use mlops_core::ErrorKind;
    /// use mlops_drift::profile::TableProfile;
    /// assert_eq!(TableProfile::from_bytes(b"MLPF").unwrap_err().kind(), ErrorKind::Corrupt);
    /// ```
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (header, body) = bytes
            .split_at_checked(HEADER)
            .filter(|(header, _)| header.starts_with(MAGIC))
            .ok_or_else(|| {
                let what = format!("a profile starts with {HEADER} bytes of header, got others");
                Error::new(ErrorKind::Corrupt, what)
            })?;
        require_known(u16::from_be_bytes([header[4], header[5]]))?;
        if Digest::of(body).as_bytes() != &header[6..] {
            return Err(Error::new(
                ErrorKind::Corrupt,
                "the digest of a profile does not match",
            ));
        }
        ciborium::from_reader(body).map_err(corrupt)
    }
}

fn require_known(version: u16) -> Result<()> {
    if (1..=VERSION).contains(&version) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        format!("a profile's version must lie in [1, {VERSION}], got {version}"),
    ))
}

fn corrupt(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Corrupt, "not a profile of a table").source(error)
}
