//! Performance of a model on late labels: how good is it, and how sure is that?
//!
//! | rows | give |
//! | --- | --- |
//! | [`Scored`] | two classes: AUC, Brier score, log loss, accuracy, a [`Confusion`] matrix, a [`Curve`] over thresholds, [`Reliability`] |
//! | [`Multiclass`] | several classes: a confusion matrix, AUC of each against the rest or one another, log loss, top k |
//! | [`Regression`] | mean and relative errors, R², quantile loss, checks of [residuals](Regression::residuals) |
//! | [`Ranking`] | NDCG, MAP, MRR, precision, recall and hit rate at k |
//!
//! [`by_segment`] gives any of their metrics by the values of a column, with intervals that cover all at
//! once.
//!
//! With few labels or none (over tables: [`estimated_classification`](crate::preset::estimated_classification) and
//! [`estimated_regression`](crate::preset::estimated_regression)):
//!
//! | | gives | assumes | fails |
//! | --- | --- | --- | --- |
//! | [`PredictionPowered`], [`PoweredScored`] | a mean or a ratio; shares and F1 | labels of a random sample, or of known probabilities | where the first labels to arrive are no such sample: [`sampled_alike`](PredictionPowered::sampled_alike) |
//! | [`Cbpe`], [`CbpeMulticlass`], [`CbpeMonitor`] | performance of a classifier | calibrated probabilities | by as much as the model is over-confident now: [`calibration_test`](Scored::calibration_test) of the first labels; `beyond` the scores seen |
//! | [`ImportanceWeighted`] with [`DensityRatio`] | a mean loss | only the inputs changed | under concept shift, and without overlap: refused |
//! | [`LabelShift`] | shares of classes, a mean loss | only these shares changed | under covariate or concept shift; without separation, or with shares below 0: refused |
//! | [`DirectLoss`] | a mean loss of any model | the loss of like rows is as it was | under concept shift; [`beyond`](DirectLoss::beyond) the reference: refused |
//!
//! Without labels nothing can see concept shift; a few labels can. Rows that are all alike say nothing of how far others lie: none of these
//! gives an interval without width for them, but one by the rule of three within a declared range, or an error.
//!
//! Intervals:
//!
//! | figure | interval, rows independent | interval, rows in units |
//! | --- | --- | --- |
//! | [`auc`](Scored::auc) | DeLong, Student's t on the logit scale | Obuchowski's clustered components, on the logit scale |
//! | [`brier`](Scored::brier), [`log_loss`](Scored::log_loss) | Student's t of the mean | t of the clustered mean, units − 1 degrees of freedom |
//! | [`accuracy`](Scored::accuracy), [`precision`](Scored::precision), [`recall`](Scored::recall), [`specificity`](Scored::specificity), [`Multiclass::accuracy`] | Wilson; Clopper and Pearson beyond 98 % | the same at the effective number of rows, Wilson with Student's quantile |
//! | [`Scored::skill`] and those of the other rows: what is gained over a dummy | t of the ratio of means | the same, clustered |
//! | [`Multiclass::estimate_log_loss`], [`Multiclass::brier`], [`Regression::mae`], [`Regression::mape`], [`Regression::estimate_quantile_loss`], [`Ranking::estimate`] | Student's t of the mean | t of the clustered mean |
//! | [`Regression::rmse`], [`Regression::r2`] | t of the logarithm of the mean square, of 1 − R² | the same, clustered |
//! | [`Scored::f1`] | Wilson, by the share of true positives among rows that are positive or said to be | the same at the effective number of rows |
//! | [`Scored::lift`] | of a ratio, from Wilson's intervals of both shares | the same at the effective number of rows |
//! | [`Scored::calibration_error`] | percentile of a distance that bounds its error | the same, of units |
//! | [`Cbpe::estimate`], [`CbpeMulticlass::estimate`] | of the labels of these rows, if the probabilities hold | |
//! | [`Cbpe::estimate_of_law`] | Student's t, variance of scores and of the calibration | the same, clustered |
//! | [`paired_difference`] | t of the mean difference | t of the clustered mean difference |
//! | [`paired_auc_difference`] | DeLong, paired | Obuchowski, paired |
//! | [`Scored::estimate`], [`Scored::estimate_of_curve`], [`Regression::estimate`], [`Multiclass::estimate`], [`Scored::resampled`], [`LabelShift`] | percentiles of 999 resamples | the same, of units |
//! | [`DirectLoss`] | Student's t, variance of both samples, with residuals of rows left out | the same, clustered |
//! | [`ImportanceWeighted`] | Student's t of the weighted mean; [`fitted`](ImportanceWeighted::fitted), by the sandwich of both tables | t of the clustered weighted mean |
//! | [`PredictionPowered`] | Student's t, variance of both parts | the same, clustered |
//!
//! All intervals are for a sample size fixed beforehand; for looking again and again see
//! [`mlops_core::evidence::MeanSequence`].

pub(crate) use clusters::ByUnit;

mod auc;
mod basis;
mod calibration;
mod calibration_test;
mod cbpe;
mod cbpe_monitor;
mod cbpe_multiclass;
mod clusters;
mod confusion;
mod curve;
mod density_ratio;
mod direct_loss;
mod estimate;
mod importance;
mod label_shift;
mod lift;
mod loss;
mod multiclass;
mod normal_equations;
mod outcomes;
mod paired;
mod powered_scored;
mod predicted_shares;
mod prediction_powered;
mod ranking;
mod regression;
mod reliability;
mod resampling;
mod residuals;
mod rows;
mod scored;
mod segments;
mod share;
mod singular_values;
mod skill;

pub use calibration::Calibration;
pub use cbpe::Cbpe;
pub use cbpe_monitor::{BinaryMetric, CbpeFigure, CbpeMonitor};
pub use cbpe_multiclass::CbpeMulticlass;
pub use confusion::{Average, Confusion};
pub use curve::{Curve, CurvePoint};
pub use density_ratio::DensityRatio;
pub use direct_loss::DirectLoss;
pub(crate) use direct_loss::FARTHEST;
pub use estimate::Estimate;
pub(crate) use estimate::normal_quantile;
pub use importance::ImportanceWeighted;
pub use label_shift::LabelShift;
pub use loss::Loss;
pub use multiclass::Multiclass;
pub(crate) use multiclass::sum_to_one;
pub use paired::{paired_auc_difference, paired_difference};
pub use powered_scored::PoweredScored;
pub use prediction_powered::{Powered, PredictionPowered};
pub use ranking::{Ranking, RankingMetrics};
pub use regression::{Regression, RegressionMetrics};
pub use reliability::{Reliability, ReliabilityBin};
pub use residuals::{ResidualBin, ResidualChecks};
pub use scored::Scored;
pub(crate) use segments::SMALL;
pub use segments::{Segment, SegmentableRows, by_segment};
pub use skill::{RegressionDummy, RegressionLoss};
