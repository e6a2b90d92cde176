//! wip

#[cfg(feature = "sqlite")]
mod artifact;
#[cfg(feature = "sqlite")]
mod database;
#[cfg(feature = "sqlite")]
mod dataset;
mod disk;
#[cfg(feature = "sqlite")]
mod events;
pub mod features;
#[cfg(feature = "sqlite")]
mod models;
#[cfg(feature = "sqlite")]
mod store;
#[cfg(feature = "sqlite")]
mod tracking;

#[cfg(feature = "sqlite")]
pub use events::subject;
#[cfg(feature = "sqlite")]
pub use store::{SqliteStore, SqliteStoreBuilder};
