//! Names and identities, validated once so that no later code has to doubt them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Error, Timestamp};

/// A name that cannot be used, with the reason.
///
/// ```
/// use mlops_core::ModelName;
/// let error = ModelName::new("../etc").unwrap_err();
/// assert!(error.to_string().starts_with("model name must be 1 to 200 characters"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what} must be 1 to 200 characters out of letters, digits, '_', '-', '.' and (inside) spaces or ':', and not start with a dot, got {given:?}"
)]
pub struct InvalidName {
    /// What was to be named.
    pub what: &'static str,
    /// The name as given.
    pub given: String,
}

impl From<InvalidName> for Error {
    fn from(error: InvalidName) -> Self {
        Self::invalid(error.to_string())
    }
}

fn is_valid(name: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ' | ':');
    let edge = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    name.chars().count() <= 200
        && name.starts_with(edge)
        && name.ends_with(|c| edge(c) || c == '.')
        && name.chars().all(inside)
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $what:literal, $example:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// 1 to 200 characters: letters and digits of any script, `_`, `-`, `.`, and inside also
        /// spaces and `:`. It is never used as a path.
        ///
        /// ```
        #[doc = concat!("use mlops_core::", stringify!($name), ";")]
        #[doc = concat!("let name = ", stringify!($name), "::new(\"", $example, "\")?;")]
        #[doc = concat!("assert_eq!(name.as_str(), \"", $example, "\");")]
        #[doc = concat!("assert!(", stringify!($name), "::new(\"a/b\").is_err());")]
        /// # Ok::<(), mlops_core::InvalidName>(())
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the name.
            ///
            /// # Errors
            /// [`InvalidName`] with what was given and what is allowed.
            pub fn new(name: impl Into<String>) -> Result<Self, InvalidName> {
                let given = name.into();
                if is_valid(&given) {
                    Ok(Self(given))
                } else {
                    Err(InvalidName { what: $what, given })
                }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(name: &str) -> Result<Self, InvalidName> {
                Self::new(name)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(name: String) -> Result<Self, InvalidName> {
                Self::new(name)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidName;
            fn try_from(name: &str) -> Result<Self, InvalidName> {
                Self::new(name)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
    )*};
}

names! {
    /// The name of an experiment: a group of comparable runs.
    ExperimentName, "experiment name", "late arrivals";
    /// The name of a registered model.
    ModelName, "model name", "flight-delays";
    /// A movable name for one version of a model, such as `champion`.
    Alias, "alias", "champion";
    /// The name of a dataset.
    DatasetName, "dataset name", "flights";
    /// The name of a feature view.
    FeatureViewName, "feature view name", "weather";
    /// What a durable state and its decisions are about, such as `rollout:flight-delays`.
    Subject, "subject", "rollout:flight-delays";
    /// Who decided: a person, a job or a rule.
    Actor, "actor", "rollout controller";
}

/// The number of a model version: 1, 2, 3 … within its registered model.
///
/// ```
/// use mlops_core::VersionNumber;
/// assert_eq!(VersionNumber::new(3)?.to_string(), "3");
/// assert!(VersionNumber::new(0).is_err());
/// # Ok::<(), mlops_core::OutOfRange>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct VersionNumber(u32);

impl VersionNumber {
    /// The first version of every model.
    pub const FIRST: Self = Self(1);

    /// Checks the number.
    ///
    /// # Errors
    /// [`crate::OutOfRange`] for 0.
    pub fn new(number: u32) -> Result<Self, crate::OutOfRange> {
        if number == 0 {
            return Err(crate::OutOfRange::new(
                "version number",
                "1..=4294967295",
                0.0,
            ));
        }
        Ok(Self(number))
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }

    /// The number that follows.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for VersionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<u32> for VersionNumber {
    type Error = crate::OutOfRange;
    fn try_from(number: u32) -> Result<Self, Self::Error> {
        Self::new(number)
    }
}

impl From<VersionNumber> for u32 {
    fn from(version: VersionNumber) -> u32 {
        version.0
    }
}

/// The identity of a run: a UUID, version 7, so that ids sort by their time of creation.
///
/// ```
/// use mlops_core::{RunId, Timestamp};
/// let early = RunId::from_parts("2013-01-01T00:00:00Z".parse::<Timestamp>()?, [7; 10]);
/// let late = RunId::from_parts("2013-01-02T00:00:00Z".parse::<Timestamp>()?, [7; 10]);
/// assert!(early < late);
/// assert_eq!(early.to_string().parse::<RunId>().unwrap(), early);
/// # Ok::<(), jiff::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(Uuid);

impl RunId {
    /// An id from a time (milliseconds are kept; times before 1970 count as 1970) and 10 random bytes.
    pub fn from_parts(time: Timestamp, random: [u8; 10]) -> Self {
        let millis = u64::try_from(time.as_millisecond()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RunId {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        text.parse()
            .map(Self)
            .map_err(|e| Error::invalid(format!("a run id is a UUID, got {text:?}")).source(e))
    }
}
