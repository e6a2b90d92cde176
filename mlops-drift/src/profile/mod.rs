//! Profiles: all that a drift check needs to know of a table, small, exact and mergeable.
//!
//! | profile | holds | exact |
//! | --- | --- | --- |
//! | [`TableProfile`] | one of those below for every column | |
//! | [`NumericProfile`] | counts on a [`Grid`] of the reference's quantiles, missing and infinite values, moments | counts; every statistic lies surely in a [`Bracket`] |
//! | [`CategoricalProfile`] | counts by label, or by group of labels and of the most frequent ones | counts; beyond the cap every distance lies surely in a [`Bracket`] |
//! | [`FacetProfile`] | of texts and embeddings: numeric profiles of lengths, norms, projections | as those |
//!
//! A profile of the reference replaces the reference: it is a hundredth of its size, and later tables, read once, part
//! by part, on as many machines as there are, are counted on its grids and merged in any order.
//!
//! What needs no reference is not here but in a summary (module `summary`, feature `sketch`): a sketch of the quantiles
//! and of the number of distinct values of a numeric column. A profile needs neither for its verdicts: its
//! [quantiles](NumericProfile::quantile) lie surely between two cuts, where a sketch only estimates them. Both are written in the same
//! kind of file, merge, and can be made [of every segment](TableProfile::group_by) of a table; `SketchedProfile` is both in one pass.

mod bracket;
mod categorical;
mod facets;
mod format;
mod frequent;
mod grid;
mod index;
mod landmarks;
mod numeric;
mod ranks;
mod segments;
#[cfg(feature = "sketch")]
mod sketched;
mod slots;
mod table;

pub use bracket::Bracket;
pub use categorical::CategoricalProfile;
pub use facets::FacetProfile;
pub(crate) use facets::Measured;
#[cfg(feature = "sketch")]
pub(crate) use format::Framed;
pub use grid::Grid;
pub use numeric::NumericProfile;
#[cfg(feature = "sketch")]
pub(crate) use segments::Segments;
#[cfg(feature = "sketch")]
pub use sketched::SketchedProfile;
pub use table::{ColumnProfile, TableProfile, Values};
pub(crate) use table::{PARTS_DIFFER, read_in_two_ways, types_in};
