//! What enters a statistic: one column's values, and what counts as missing.
//!
//! | in the column | numeric sample | categorical sample |
//! | --- | --- | --- |
//! | null | missing | missing |
//! | NaN | missing | – |
//! | ±inf | [`Infinite`]: kept (default), missing, or an error | – |
//! | −0.0 | equals 0.0 | – |
//! | empty string | – | a category of its own |
//!
//! Missing values enter no statistic of the values, but they never vanish: a sample counts them,
//! and [`DriftCheck`](crate::DriftCheck) tests the missing share as a hypothesis of its own.

mod categorical;
mod column;
mod label;
mod moments;
mod numeric;
mod sum;
mod unseen;

pub use categorical::CategoricalSample;
pub use column::ColumnKind;
#[cfg(feature = "sketch")]
pub(crate) use column::integers;
pub(crate) use column::{EXACT, numbers, unsupported, value_type};
pub(crate) use label::{Labels, labels};
pub use moments::Moments;
pub use numeric::{Infinite, NumericSample};
pub(crate) use numeric::{of_order_key, order_key, quantile_by, rank_of};
pub(crate) use sum::Sum;
pub use unseen::Unseen;
