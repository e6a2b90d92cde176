//! Rollouts: a plan, a pure state machine that weighs evidence, and a controller that drives it.
//!
//! ```text
//! shadow ── not worse ──▶ canary 5 % ──▶ 25 % ──▶ 50 % ── not worse ──▶ promoted
//!    │                        │            │        │
//!    └─ worse, or no proof    └── worse, at any look, or no proof in time ──▶ rolled back
//! ```
//!
//! [`RolloutPlan`] states the margins and the error rates, [`Rollout`] is the judge (no clock, no
//! I/O), [`RolloutController`] commits each decision with its evidence and then applies it.

mod controller;
mod disagreement;
mod judge;
mod plan;

pub use controller::RolloutController;
pub use judge::{Observation, Rollout, Stage, Transition};
pub use plan::{CanaryStep, RolloutPlan};
