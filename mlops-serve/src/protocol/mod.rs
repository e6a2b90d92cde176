//! Wire formats: each lives and dies in its own module.

mod v2;

pub use v2::v2_router;
