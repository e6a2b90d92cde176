use mlops_core::Result;
use serde::{Deserialize, Serialize};

use super::{count, part};

/// A mean that is updated value by value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct RunningMean {
    pub(super) count: u64,
    pub(super) mean: f64,
}

impl RunningMean {
    pub(super) fn push(&mut self, value: f64) {
        self.count += 1;
        self.mean += (value - self.mean) / self.count as f64;
    }

    /// Of values in [0, 1], no more of them than `most`.
    pub(super) fn of_shares(self, most: u64) -> Result<Self> {
        Ok(Self {
            count: count("observations", self.count, most)?,
            mean: part("mean", self.mean, 0.0, 1.0)?,
        })
    }

    pub(super) fn size(&self) -> f64 {
        self.count as f64
    }
}
