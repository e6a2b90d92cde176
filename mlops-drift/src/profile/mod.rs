//! Profiles.
mod bracket;
mod grid;
mod index;
mod numeric;

pub use bracket::Bracket;
pub use grid::Grid;
pub use numeric::NumericProfile;
