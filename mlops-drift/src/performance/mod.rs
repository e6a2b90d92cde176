//! Performance of a binary classifier on late labels: every figure with its interval.
//!
//! | figure | interval, rows independent | interval, rows in units |
//! | --- | --- | --- |
//! | [`auc`](Scored::auc) | DeLong, on the logit scale | Obuchowski's clustered components, on the logit scale |
//! | [`brier`](Scored::brier), [`log_loss`](Scored::log_loss) | Student's t of the mean | t of the clustered mean, units − 1 degrees of freedom |
//! | [`accuracy`](Scored::accuracy) | Wilson | Wilson at the effective number of rows |
//! | [`paired_difference`] | t of the mean difference | t of the clustered mean difference |
//! | [`paired_auc_difference`] | DeLong, paired | Obuchowski, paired |
//!
//! All intervals are for a sample size fixed beforehand; for looking again and again see
//! [`mlops_core::evidence::MeanSequence`].

mod accuracy;
mod auc;
mod clusters;
mod estimate;
mod loss;
mod paired;
mod scored;

pub use estimate::Estimate;
pub use loss::Loss;
pub use paired::{paired_auc_difference, paired_difference};
pub use scored::Scored;
