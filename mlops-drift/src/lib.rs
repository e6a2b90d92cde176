#![doc = include_str!("../README.md")]

mod binomial;
pub mod check;
pub mod detector;
pub mod divergence;
pub mod expectation;
mod lanes;
pub mod multiplicity;
pub mod multivariate;
mod parallel;
pub mod performance;
mod permutation;
pub mod preset;
pub mod profile;
pub mod report;
pub mod sample;
mod serial;
pub mod slice;
pub mod stream;
#[cfg(feature = "sketch")]
pub mod summary;
pub mod table;
pub mod two_sample;

/// The library that [`table::ParquetTable`] reads by, for whoever writes Parquet files: its types meet [`mlops_core::arrow`]'s.
#[cfg(feature = "parquet")]
pub use parquet;

pub use check::{DriftCheck, PreparedCheck};
pub use report::DriftReport;
pub use sample::{CategoricalSample, NumericSample};
