//! Rows of several numbers at once, such as embeddings: drift that no single column shows.
//!
//! | test | sees | cost |
//! | --- | --- | --- |
//! | [`Mmd`] | any difference of the two laws, at the scale of its kernel | quadratic |
//! | [`LinearMmd`] | the same, with less power | linear |

mod kernel;
mod linear_mmd;
mod mmd;
mod points;

pub use kernel::Bandwidth;
pub use linear_mmd::LinearMmd;
pub use mmd::Mmd;
pub use points::Points;
