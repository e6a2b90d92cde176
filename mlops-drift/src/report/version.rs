//! The format of reports as JSON: which version wrote them, and numbers that JSON does not know.

use mlops_core::{Error, ErrorKind, Result};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

/// What this library writes, and the newest that it reads.
pub(crate) const VERSION: u16 = 1;

/// The part of a report that every version has.
#[derive(Deserialize)]
struct Announced {
    version: u16,
}

fn require_known(version: u16) -> Result<u16> {
    if (1..=VERSION).contains(&version) {
        return Ok(version);
    }
    let reason =
        format!("a report or state: its version must lie in [1, {VERSION}], got {version}");
    Err(Error::new(ErrorKind::Unsupported, reason))
}

/// A report from JSON: `Unsupported` for a newer version, `InvalidArgument` for anything else that is no such report.
pub(crate) fn from_json<T: DeserializeOwned>(json: &str) -> Result<T> {
    let malformed = |error| Error::invalid(format!("not such a report or state: {error}"));
    let announced: Announced = serde_json::from_str(json).map_err(malformed)?;
    require_known(announced.version)?;
    serde_json::from_str(json).map_err(malformed)
}

/// For the field itself, so that no other way of reading accepts a newer version either.
pub(crate) fn known<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<u16, D::Error> {
    require_known(u16::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// A float that may be infinite or NaN: as text then, since JSON has numbers alone.
pub(crate) mod float {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(f64),
        Text(String),
    }

    pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        match value.is_finite() {
            true => serializer.serialize_f64(*value),
            false => serializer.collect_str(value),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Number(value) => Ok(value),
            Written::Text(text) => text.parse().map_err(D::Error::custom),
        }
    }
}
