use serde::{Deserialize, Serialize};

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

    pub(super) fn size(&self) -> f64 {
        self.count as f64
    }
}
