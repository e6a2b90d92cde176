use std::fmt;
use std::ops::{Bound, RangeBounds};

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// How many: of rows, characters, distinct values.
///
/// ```
/// use mlops_drift::expectation::Count;
/// assert_eq!(Count::from(1..), Count { min: 1, max: None });
/// assert_eq!(Count::from(1..=5).to_string(), "1 to 5");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// The least allowed number.
    #[serde(default)]
    pub min: u64,
    /// The greatest allowed number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
}

impl<R: RangeBounds<u64>> From<R> for Count {
    /// An empty range becomes one whose least number is above its greatest; a suite refuses it.
    fn from(range: R) -> Self {
        let min = match range.start_bound() {
            Bound::Included(&min) => min,
            Bound::Excluded(&min) => min.saturating_add(1),
            Bound::Unbounded => 0,
        };
        match range.end_bound() {
            Bound::Excluded(0) => Self {
                min: 1,
                max: Some(0),
            },
            Bound::Excluded(&max) => Self {
                min,
                max: Some(max - 1),
            },
            Bound::Included(&max) => Self {
                min,
                max: Some(max),
            },
            Bound::Unbounded => Self { min, max: None },
        }
    }
}

impl Count {
    pub(super) fn contains(self, count: u64) -> bool {
        self.min <= count && self.max.is_none_or(|max| count <= max)
    }

    pub(super) fn check(self, what: &str) -> Result<()> {
        match self.max {
            Some(max) if max < self.min => Err(Error::invalid(format!(
                "{what} must have a least value at most its greatest, got {} and {max}",
                self.min
            ))),
            None if self.min == 0 => Err(Error::invalid(format!(
                "{what} must have a least value above 0, or a greatest one, got neither"
            ))),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            (min, Some(max)) if min == max => write!(f, "{min}"),
            (0, Some(max)) => write!(f, "at most {max}"),
            (min, Some(max)) => write!(f, "{min} to {max}"),
            (min, None) => write!(f, "at least {min}"),
        }
    }
}
