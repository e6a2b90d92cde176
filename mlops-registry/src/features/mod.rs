//! Features: joined as of a moment offline, read in microseconds online, from one declaration.
//!
//! | you want to | look at |
//! | --- | --- |
//! | join tables that you have in memory | [`AsOfTable`] and [`join_as_of`]: pure, no disk, no runtime |
//! | keep rows, and share them between processes | [`ParquetFeatureStore`] as a [`FeatureStore`](mlops_core::FeatureStore) |
//! | serve | [`ParquetFeatureStore`] as an [`OnlineReader`](mlops_core::OnlineReader) |
//!
//! # The rules of the join
//!
//! For an entity row at time `t`, of all rows of its entity with `event_time <= t` the newest counts;
//! of several with that time, the one pushed last. If it is older than `t - ttl` there is no value,
//! and nothing older takes its place; both ends are inclusive. Every entity row comes out exactly
//! once and in order, with null where nothing counts. The event time is when a row became *known*: a
//! measurement that arrives an hour late was not known an hour ago, and training on it would leak.
//!
//! Online gives what offline gives: if exactly the rows known by `t` are visible,
//! [`read`](mlops_core::OnlineReader::read) at `t` equals the join at `t`.
//!
//! # What is equal to what
//!
//! - **Times** are Arrow timestamps of any unit and zone, compared as instants to the nanosecond. One
//!   without a zone is in UTC. Rows without an event time are kept and never used.
//! - **Keys** are integers of any width, text and bytes of any encoding, booleans, dates and
//!   timestamps, one column or several. A null equals nothing. Keys that cannot be equal, such as text
//!   and integers, are refused and not joined as null. A float is no key.
//! - **Features** have any type that Parquet can hold, and come out in it. A dictionary is taken as
//!   its values.
//! - All pushes of a view have the same types; columns that the view does not declare are ignored.
//!
//! # Limits
//!
//! A view that is joined or served is in memory, and has at most 4,294,967,295 rows. Rows are never
//! removed. The online table belongs to the process, and is filled by `materialize`.

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
