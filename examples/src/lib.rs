//! What the examples share: a small burn network for tables, [`TabularMlp`], with its training loop.
//!
//! The examples themselves: `quickstart` (track, register, serve, check drift in under 60 lines), `drift_by_month` (real drift
//! by effect size, on a page) and `flight_delays` (the whole lifecycle on real flights, in simulated time).

#[cfg(feature = "burn")]
mod tabular_mlp;

#[cfg(feature = "burn")]
pub use tabular_mlp::{ARCHITECTURE, Examples, TabularMlp, Training, backend, signature};
