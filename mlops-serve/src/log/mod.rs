//! What was answered, and what turned out: the prediction log and the late labels.

mod labels;
mod prediction;

pub use labels::{LabelQueue, Settled};
pub use prediction::{LoggedPrediction, PredictionLog, Role};
