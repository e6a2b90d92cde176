//! Where? The slices of a table that drifted, or on which a model fails, with one error rate for all that
//! were looked at.
//!
//! A slice is the rows for which a conjunction holds, such as `carrier = UA and hour in [6, 9)`. A table
//! has so many of them that the worst one looks bad by chance alone; naming it without an error rate
//! misleads.
//!
//! | finder | names the slices | guarantee |
//! | --- | --- | --- |
//! | [`DriftSlices`] | whose share differs between two tables | any at all with probability at most alpha if nothing drifted; nearly so for those that did not, beside others |
//! | [`ErrorSlices`] | on which predictions are wrong more often than elsewhere | the same if errors depend on nothing |
//! | [`LossSlices`] | on which a loss in \[0, 1], or of any range by rank, is greater | any false one with probability at most alpha, from half of the rows |
//!
//! The first two look at every slice of the [`Lattice`], exactly: those that are too small to ever be
//! called do not count (Tarone's correction), which is why hundreds of thousands of slices cost little
//! power. The third searches on one half of the rows and tests on the other.

mod bits;
mod cell;
mod contrast;
mod cut;
mod drift;
mod error;
#[cfg(feature = "html")]
mod html;
mod lattice;
mod loss;
mod predicate;
mod render;
mod rows;
mod score;
mod search;
mod tarone;

pub use drift::{Direction, DriftSlice, DriftSlices, DriftSlicesReport};
pub use error::{ErrorSlice, ErrorSlices, ErrorSlicesReport};
pub use lattice::Lattice;
pub use loss::{LossSlice, LossSlices, LossSlicesReport};
pub use predicate::{Conjunction, Predicate};

use serde::{Deserialize, Serialize};

/// Some rows out of others.
///
/// ```
/// use mlops_drift::slice::Part;
/// assert_eq!(Part { rows: 3, of: 12 }.share(), 0.25);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The rows that are meant.
    pub rows: u64,
    /// All rows that they are among.
    pub of: u64,
}

impl Part {
    /// In \[0, 1]; 0 out of none.
    pub fn share(&self) -> f64 {
        self.rows as f64 / (self.of as f64).max(1.0)
    }

    /// This share over the other; `None` where the other is 0.
    fn ratio_to(&self, other: Self) -> Option<f64> {
        (other.rows > 0).then(|| self.share() / other.share())
    }
}

/// The settings that every finder has; with `limit`, also that of a finder which reports the worst slices
/// alone.
macro_rules! finder_settings {
    ($finder:ident) => {
        impl $finder {
            /// The slices that are looked at.
            ///
            /// ```
            #[doc = concat!("use mlops_drift::slice::{Lattice, ", stringify!($finder), "};")]
            #[doc = concat!("let same = ", stringify!($finder), "::default().over(Lattice::default());")]
            #[doc = concat!("assert_eq!(same, ", stringify!($finder), "::default());")]
            /// ```
            #[must_use]
            pub fn over(self, lattice: $crate::slice::Lattice) -> Self {
                Self { lattice, ..self }
            }

            /// The accepted probability of any false report.
            ///
            /// ```
            /// use mlops_core::evidence::SignificanceLevel;
            #[doc = concat!("use mlops_drift::slice::", stringify!($finder), ";")]
            #[doc = concat!("let strict = ", stringify!($finder), "::default().level(SignificanceLevel::ONE_PERCENT);")]
            #[doc = concat!("assert_ne!(strict, ", stringify!($finder), "::default());")]
            /// ```
            #[must_use]
            pub fn level(self, level: mlops_core::evidence::SignificanceLevel) -> Self {
                Self { level, ..self }
            }
        }
    };
    ($finder:ident, limit) => {
        finder_settings!($finder);

        impl $finder {
            /// The greatest number of slices reported: 20, unless set.
            ///
            /// ```
            #[doc = concat!("use mlops_drift::slice::", stringify!($finder), ";")]
            #[doc = concat!("let same = ", stringify!($finder), "::default().limit(20);")]
            #[doc = concat!("assert_eq!(same, ", stringify!($finder), "::default());")]
            /// ```
            #[must_use]
            pub fn limit(self, limit: usize) -> Self {
                Self { limit, ..self }
            }
        }
    };
}
use finder_settings;
