//! Drift of one column: the question, the answer, and who can give it.

use arrow::array::ArrayRef;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::evidence::{Distance, PValue};

/// What a detector says about one column.
///
/// ```
/// use mlops_core::DriftFinding;
/// use mlops_core::evidence::{Distance, PValue};
///
/// let finding = DriftFinding {
///     method: "kolmogorov_smirnov".into(),
///     p_value: PValue::new(0.2)?,
///     effect: Distance::new(0.05, "kolmogorov_smirnov")?,
///     reference_size: 100,
///     current_size: 100,
/// };
/// assert!(finding.p_value.get() > 0.05);
/// # Ok::<(), mlops_core::OutOfRange>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DriftFinding {
    /// The name of the test, in `snake_case`.
    pub method: String,
    /// How surprising the difference is without drift.
    pub p_value: PValue,
    /// How large the difference is.
    pub effect: Distance,
    /// Values of the reference that entered the test.
    pub reference_size: usize,
    /// Values of the current sample that entered the test.
    pub current_size: usize,
}

/// Compares a current sample of one column with a reference.
///
/// # Contract
/// - Pure: the same arrays give the same finding, on every platform; any randomness is seeded by the
///   detector's own configuration. No clock, no I/O, no waiting.
/// - Level: if the values of both samples are exchangeable, then for every `alpha` the p-value is at
///   most `alpha` with probability at most `alpha` (plus the stated error of an approximation).
/// - Nulls and NaN are missing values and enter neither sample: what to make of *them* is a
///   separate question. The sizes reported are those after removal.
/// - Symmetric in time, not in roles: bins and cut points come from the reference.
///
/// # Errors
/// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if a sample has no value after removal of
/// the missing ones, or the two types differ; [`Unsupported`](crate::ErrorKind::Unsupported) for a
/// type that the detector does not speak of. Never a panic.
///
/// The readable reference is [`MedianTest`](crate::memory::MedianTest).
pub trait DriftDetector: Send + Sync {
    /// The verdict on one column.
    fn detect(&self, reference: &ArrayRef, current: &ArrayRef) -> Result<DriftFinding>;
}
