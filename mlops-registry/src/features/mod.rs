//! wip
mod as_of;
mod file;
mod instant;
mod key;
mod log;
mod online;
mod rows;
mod store;
mod table;

pub use as_of::{AsOfTable, join_as_of};
pub use store::ParquetFeatureStore;
