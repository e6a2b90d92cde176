//! Profiles as files: JSON to read, bytes to keep.
//!
//! Bytes: `MLPF`, the version as u16, the SHA-256 of the rest, and the profile as CBOR (RFC 8949). Integers are big-endian.

use mlops_core::{Digest, Error, ErrorKind, Result};
use serde::de::DeserializeOwned;
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
}

/// Bytes as above, of any kind of thing: magic, version, digest and CBOR.
pub(crate) struct Framed {
    pub(crate) magic: &'static [u8; 4],
    pub(crate) version: u16,
    /// What it is, in words.
    pub(crate) of: &'static str,
}

const FRAMED: Framed = Framed {
    magic: MAGIC,
    version: VERSION,
    of: "profile",
};

impl Framed {
    pub(crate) fn write(&self, content: &impl Serialize) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        ciborium::into_writer(content, &mut body).map_err(|error| {
            let what = format!("cannot write a {}", self.of);
            Error::new(ErrorKind::Internal, what).source(error)
        })?;
        let version = self.version.to_be_bytes();
        let digest = Digest::of(&body);
        Ok([self.magic, version.as_slice(), digest.as_bytes(), &body].concat())
    }

    pub(crate) fn read<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T> {
        let header = bytes.split_at_checked(HEADER);
        let (header, body) = header
            .filter(|(header, _)| header.starts_with(self.magic))
            .ok_or_else(|| {
                let [magic, found] = [self.magic.as_slice(), &bytes[..bytes.len().min(4)]]
                    .map(|bytes| bytes.escape_ascii().to_string());
                let what = format!(
                    "a {} starts with {HEADER} bytes of header, the first of them {magic}, got {found} of {} bytes",
                    self.of,
                    bytes.len()
                );
                Error::new(ErrorKind::Corrupt, what)
            })?;
        self.require_known(u16::from_be_bytes([header[4], header[5]]))?;
        if Digest::of(body).as_bytes() != &header[6..] {
            let what = format!("the digest of a {} does not match", self.of);
            return Err(Error::new(ErrorKind::Corrupt, what));
        }
        ciborium::from_reader(body).map_err(|error| self.corrupt(error))
    }

    pub(crate) fn read_json<T: DeserializeOwned>(&self, text: &str) -> Result<T> {
        let announced: Announced =
            serde_json::from_str(text).map_err(|error| self.corrupt(error))?;
        self.require_known(announced.version)?;
        serde_json::from_str(text).map_err(|error| self.corrupt(error))
    }

    fn require_known(&self, version: u16) -> Result<()> {
        if (1..=self.version).contains(&version) {
            return Ok(());
        }
        let (of, newest) = (self.of, self.version);
        let what = format!("a {of}'s version must lie in [1, {newest}], got {version}");
        Err(Error::new(ErrorKind::Unsupported, what))
    }

    fn corrupt(&self, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        let what = format!("not a {} of a table", self.of);
        Error::new(ErrorKind::Corrupt, what).source(error)
    }
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
        let written: Written = FRAMED.read_json(text)?;
        Ok(written.profile)
    }

    /// The profile as bytes, a third of the JSON's size.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        FRAMED.write(self)
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
        FRAMED.read(bytes)
    }
}
