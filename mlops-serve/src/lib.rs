//! Inference that embeds in an application, and rollouts that are decided by evidence.
//!
//! | you want to | look at |
//! | --- | --- |
//! | answer requests in your own process | [`Service`], [`PredictRequest`], [`Answer`] |
//! | answer them over HTTP (feature `http`) | [`v2_router`], [`Server`] |
//! | load registered models | [`ModelLoader`] |
//! | run a burn model (feature `burn`) | `burn::BurnModel` |
//! | try a new version on real traffic | [`RolloutController`], [`RolloutPlan`], [`Rollout`] |
//! | see a version beside the one that answers | [`Service::observe`] |
//! | keep what was predicted | [`PredictionLog`] |
//! | score it when labels come late | [`LabelQueue`] |
//! | split traffic by key | [`Split`] |
//!
//! Nothing here is global: two services live in one process without meeting. Time is the
//! [`Clock`](mlops_core::Clock) that the service was given. The registry and the store of decisions are
//! any implementations of mlops-core's traits.
//!
//! ```
//! use std::sync::Arc;
//! use mlops_core::{ModelName, Tensor, Tensors, VersionNumber, memory::LinearModel};
//! use mlops_serve::{PredictRequest, Service};
//!
//! let service = Service::builder().build();
//! let name = ModelName::new("demo")?;
//! service.deploy(&name, VersionNumber::FIRST, Arc::new(LinearModel::new(vec![2.0], 1.0)?))?;
//!
//! let inputs = Tensors::new([Tensor::from_f32("x", [1, 1], vec![3.0])?])?;
//! let answer = service.predict(&PredictRequest::new(name, "request 1", inputs))?;
//! assert_eq!(answer.outputs.get("y")?.as_f32()?, [7.0]);
//! # Ok::<(), mlops_core::Error>(())
//! ```

#[cfg(feature = "burn")]
pub mod burn;
mod loader;
mod log;
#[cfg(feature = "http")]
mod protocol;
mod rollout;
mod router;
#[cfg(feature = "http")]
mod server;
mod service;

pub use loader::ModelLoader;
pub use log::{LabelQueue, LoggedPrediction, PredictionLog, Role, Settled};
#[cfg(feature = "http")]
pub use protocol::v2_router;
pub use rollout::{
    CanaryStep, Observation, Rollout, RolloutController, RolloutPlan, Stage, Transition,
};
pub use router::{Arm, Split};
#[cfg(feature = "http")]
pub use server::Server;
pub use service::{Answer, PredictRequest, Prediction, Service, ServiceBuilder};
