//! Which arm answers: a pure function of a salt, a key and the challenger's share.

use mlops_core::{OutOfRange, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// One of the two versions that share the traffic of a rollout.
///
/// ```
/// use mlops_serve::Arm;
/// assert_eq!(serde_json::to_string(&Arm::Challenger).unwrap(), r#""challenger""#);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// The version that serves.
    Champion,
    /// The version that is tried.
    Challenger,
}

/// Splits keys between two arms by a hash: the same key stays in its arm as long as the share stays,
/// and when the share grows, keys only ever move to the challenger.
///
/// The position of a key is the first 53 bits of SHA-256 over salt and key, as a number in \[0, 1).
/// Another salt draws anew, so that the keys of one canary are not those of the next. Cost: one SHA-256.
///
/// ```
/// use mlops_serve::{Arm, Split};
///
/// let split = Split::new("rollout of version 2", 0.1)?;
/// assert_eq!(split.arm("user 7"), split.arm("user 7"));
/// assert_eq!(Split::new("any", 0.0)?.arm("user 7"), Arm::Champion);
/// assert!(Split::new("any", 1.5).is_err());
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    salt: String,
    share: f64,
}

impl Split {
    /// A split that sends this share of the keys to the challenger.
    ///
    /// # Errors
    /// `InvalidArgument` unless `0 <= share <= 1`.
    pub fn new(salt: impl Into<String>, share: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&share) {
            return Err(OutOfRange::new("challenger share", "[0, 1]", share).into());
        }
        Ok(Self {
            salt: salt.into(),
            share,
        })
    }

    /// The arm of a key.
    pub fn arm(&self, key: &str) -> Arm {
        if position(&self.salt, key) < self.share {
            Arm::Challenger
        } else {
            Arm::Champion
        }
    }

    /// The challenger's share of the keys, in \[0, 1].
    pub fn share(&self) -> f64 {
        self.share
    }
}

/// Where a key lies in \[0, 1).
pub(crate) fn position(salt: &str, key: &str) -> f64 {
    let digest = Sha256::new()
        .chain_update((salt.len() as u64).to_le_bytes())
        .chain_update(salt)
        .chain_update(key)
        .finalize();
    let mut head = [0; 8];
    head.copy_from_slice(&digest[..8]);
    (u64::from_le_bytes(head) >> 11) as f64 / (1_u64 << 53) as f64
}
