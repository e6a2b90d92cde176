//! Presets: one call for each of the reports that a team looks at every week.
//!
//! | preset | answers | gives |
//! | --- | --- | --- |
//! | [`data_drift`] | which columns drifted? | a [`DriftCheck`] |
//! | [`target_drift`] | did what is predicted drift, or the predictions? | a [`DriftCheck`] |
//! | [`data_quality`] | does the table still hold what the reference held? | a [`DataQuality`] |
//! | [`classification`], [`multiclass`], [`classification_by_labels`] | did the classifier get worse? | a [`PerformanceCheck`] |
//! | [`regression`] | did the regression get worse? | a [`PerformanceCheck`] |
//! | [`ranking`] | did the ranking get worse? | a [`PerformanceCheck`] |
//! | [`estimated_classification`], [`estimated_regression`] | will the labels that are not there yet show that it got worse? | an [`EstimatedPerformance`] |
//!
//! Each has one verdict at a stated rate of false alarms. The metrics of performance, the primary one first, of which segments are told:
//!
//! | task | metrics |
//! | --- | --- |
//! | two classes | `auc`, `log_loss`, `brier`, `accuracy`, `precision`, `recall`, `skill` |
//! | several classes | `accuracy`, `balanced_accuracy`, `macro_f1`, `mcc`, `skill` |
//! | regression | `mae`, `rmse`, `mean_error` (told, not judged), `r2`, `skill` |
//! | ranking, by the first k items | `ndcg`, `map`, `mrr`, `recall`, `skill` |
//!
//! `macro_f1` of a table is the mean over the classes that came true or were predicted in it, `balanced_accuracy` the mean recall of those that came true,
//! both as in scikit-learn by default: a class that is gone makes a model no worse. That it is gone is told by the confusion matrix, and by target drift.
//!
//! `skill` is the part of a dummy's loss that the model saves, see [`PerformanceCheck`].

mod change;
mod checked;
mod errors;
mod estimated;
mod estimated_report;
mod estimator;
#[cfg(feature = "html")]
mod html;
mod measure;
mod performance;
mod quality;
mod reach;
mod read;
mod report;
mod shuffle;
mod task;

use mlops_core::evidence::SignificanceLevel;

use crate::DriftCheck;
use crate::check::Source;
use crate::multiplicity::Holm;
use task::Task;

pub use change::{Better, ChangeVerdict, MetricChange};
pub use estimated::EstimatedPerformance;
pub use estimated_report::{EstimatedReport, EstimatedVerdict, Estimates, EstimationMethod};
pub use performance::PerformanceCheck;
pub use quality::{ColumnQuality, DataQuality, DataQualityReport};
pub use report::{Classes, PerformanceReport, PerformanceVerdict, Picture, Rows, SegmentChange};

/// Which columns drifted? [`DriftCheck::against`] by another name: all columns, each by a test that its type calls for, at 5 %.
///
/// ```
/// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
/// # let week = RecordBatch::try_from_iter([("x", column)])?;
/// assert!(!mlops_drift::preset::data_drift(&week).run(&week)?.verdict.drifted);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn data_drift(reference: impl Into<Source>) -> DriftCheck {
    DriftCheck::against(reference)
}

/// Did what is predicted drift, or the predictions? A check of these columns alone, the probability of any false alarm being at most 5 %
/// ([`Holm`]). A target must be of comparable types in both tables: one that is boolean before and 0 and 1 now is an error that names both.
///
/// ```
/// # use mlops_core::arrow::array::{ArrayRef, BooleanArray, RecordBatch};
/// let week = |late: bool| RecordBatch::try_from_iter([("late", std::sync::Arc::new(BooleanArray::from(vec![late; 50])) as ArrayRef)]);
/// let report = mlops_drift::preset::target_drift(&week(false)?, ["late"]).run(&week(true)?)?;
/// assert!(report.verdict.drifted);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn target_drift<C: Into<String>>(
    reference: impl Into<Source>,
    target_and_predictions: impl IntoIterator<Item = C>,
) -> DriftCheck {
    let check = DriftCheck::against(reference);
    check.columns(target_and_predictions).correction(Holm)
}

/// Does the table still hold what the reference held? See [`DataQuality`]; identifiers, whose values never come again, are left out by
/// [`except`](DataQuality::except).
///
/// ```
/// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// use mlops_core::evidence::SignificanceLevel;
/// let hours = |from: i32| {
///     let column = Int32Array::from_iter_values((0..2_000).map(|i| from + i % 24));
///     RecordBatch::try_from_iter([("hour", std::sync::Arc::new(column) as ArrayRef)])
/// };
/// let quality = mlops_drift::preset::data_quality(&hours(0)?, SignificanceLevel::FIVE_PERCENT)?;
/// assert!(quality.run(&hours(0)?)?.passed());
/// assert!(!quality.run(&hours(7)?)?.passed());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a reference without rows; what reading it can cause, such as
/// [`SignatureMismatch`](mlops_core::ErrorKind::SignatureMismatch) for a column that is not the same in every part, which a
/// [`Projection`](crate::table::Projection) leaves out.
pub fn data_quality(
    reference: impl Into<Source>,
    level: SignificanceLevel,
) -> mlops_core::Result<DataQuality> {
    DataQuality::of(&reference.into(), level)
}

/// Did a classifier of two classes get worse? The target is boolean, or 0 and 1, in either table; the other column its predicted probability.
///
/// ```
/// # use std::sync::Arc;
/// # use mlops_core::arrow::array::{ArrayRef, BooleanArray, Float64Array, RecordBatch};
/// let week = |right: bool| {
///     let late: BooleanArray = (0..400).map(|i| Some(i % 3 == 0)).collect();
///     let sure = |i: i32| f64::from(i % 10) / 40.0 + if (i % 3 == 0) == (right || i % 4 > 0) { 0.6 } else { 0.1 };
///     let probability: Float64Array = (0..400).map(|i| Some(sure(i))).collect();
///     RecordBatch::try_from_iter([("late", Arc::new(late) as ArrayRef), ("probability", Arc::new(probability) as ArrayRef)])
/// };
/// let check = mlops_drift::preset::classification("late", "probability");
/// let report = check.run(&week(true)?, &week(false)?)?;
/// assert!(report.verdict.worse && report.metric("auc").is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn classification(
    target: impl Into<String>,
    probability: impl Into<String>,
) -> PerformanceCheck {
    let (target, probability) = (target.into(), probability.into());
    PerformanceCheck::new(Task::Binary {
        target,
        probability,
        threshold: 0.5,
    })
}

/// Did a classifier of several classes get worse? Every class with the column of its predicted probability; those of a row sum to 1, as
/// [`Multiclass`](crate::performance::Multiclass) asks for.
///
/// ```
/// let check = mlops_drift::preset::multiclass("weather", [("sun", "p_sun"), ("rain", "p_rain"), ("snow", "p_snow")]);
/// # let _ = check;
/// ```
pub fn multiclass<L: Into<String>, C: Into<String>>(
    target: impl Into<String>,
    classes: impl IntoIterator<Item = (L, C)>,
) -> PerformanceCheck {
    let classes = classes.into_iter();
    PerformanceCheck::new(Task::Multiclass {
        target: target.into(),
        classes: classes
            .map(|(label, column)| (label.into(), column.into()))
            .collect(),
    })
}

/// Did a classifier get worse that gives labels alone, without probabilities? Both columns hold strings, booleans or integers; the classes are those
/// that occur.
///
/// ```
/// # use std::sync::Arc;
/// # use mlops_core::arrow::array::{ArrayRef, RecordBatch, StringArray};
/// let week = |wrong: usize| {
///     let truth = StringArray::from_iter_values((0..300).map(|i| ["sun", "rain", "snow"][i % 3]));
///     let predicted = (0..300).map(|i| ["sun", "rain", "snow"][(i + usize::from(i % 100 < wrong)) % 3]);
///     let predicted = StringArray::from_iter_values(predicted);
///     RecordBatch::try_from_iter([("weather", Arc::new(truth) as ArrayRef), ("predicted", Arc::new(predicted) as ArrayRef)])
/// };
/// let check = mlops_drift::preset::classification_by_labels("weather", "predicted");
/// let report = check.run(&week(5)?, &week(40)?)?;
/// assert!(report.verdict.worse);
/// assert_eq!(report.confusion.unwrap().reference.accuracy(), 0.95);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn classification_by_labels(
    target: impl Into<String>,
    prediction: impl Into<String>,
) -> PerformanceCheck {
    PerformanceCheck::new(Task::Labels {
        target: target.into(),
        prediction: prediction.into(),
        classes: Vec::new(),
    })
}

/// Did a regression get worse?
///
/// ```
/// # use std::sync::Arc;
/// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
/// let week = |error: f64| {
///     let delay = Float64Array::from_iter_values((0..300).map(|i| f64::from(i % 60)));
///     let predicted = Float64Array::from_iter_values((0..300).map(|i| f64::from(i % 60) + error * f64::from(i % 7 - 3)));
///     RecordBatch::try_from_iter([("delay", Arc::new(delay) as ArrayRef), ("predicted", Arc::new(predicted) as ArrayRef)])
/// };
/// let report = mlops_drift::preset::regression("delay", "predicted").run(&week(1.0)?, &week(3.0)?)?;
/// assert_eq!(report.verdict.worse_metrics, ["mae", "rmse", "r2", "skill"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn regression(target: impl Into<String>, prediction: impl Into<String>) -> PerformanceCheck {
    let (target, prediction) = (target.into(), prediction.into());
    PerformanceCheck::new(Task::Regression { target, prediction })
}

/// Did a ranking get worse, by the first k items of every query? Relevances are at least 0; queries are of any type.
///
/// ```
/// let check = mlops_drift::preset::ranking("session", "clicked", "score", 10);
/// # let _ = check;
/// ```
pub fn ranking(
    query: impl Into<String>,
    relevance: impl Into<String>,
    score: impl Into<String>,
    k: usize,
) -> PerformanceCheck {
    PerformanceCheck::new(Task::Ranking {
        query: query.into(),
        relevance: relevance.into(),
        score: score.into(),
        k,
    })
}

/// Will late labels show that a classifier of two classes got worse? Its metrics estimated on a table without labels, from one that has
/// them. The target is boolean, or 0 and 1; the other column its predicted probability.
///
/// ```
/// # use std::sync::Arc;
/// # use mlops_core::arrow::array::{ArrayRef, BooleanArray, Float64Array, RecordBatch};
/// let column = |sure: f64| {
///     let values = (0..600).map(|i| if i % 2 == 0 { 0.5 + sure } else { 0.5 - sure });
///     Arc::new(Float64Array::from_iter_values(values)) as ArrayRef
/// };
/// // Of the rows that were said to be late with 90 %, nine in ten were; now the model is less sure.
/// let late: BooleanArray = (0..600).map(|i| Some((i % 2 == 0) == (i / 2 % 10 > 0))).collect();
/// let unsure: BooleanArray = (0..600).map(|i| Some((i % 2 == 0) == (i / 2 % 10 > 3))).collect();
/// let table = |late: BooleanArray, sure: f64| {
///     RecordBatch::try_from_iter([("late", Arc::new(late) as ArrayRef), ("probability", column(sure))])
/// };
/// let last_month = vec![table(late, 0.4)?, table(unsure, 0.1)?];
/// let today = RecordBatch::try_from_iter([("probability", column(0.1))])?;
/// let report = mlops_drift::preset::estimated_classification("late", "probability").run(&last_month, &today)?;
/// assert!(report.verdict.worse_metrics.contains(&"accuracy by cbpe".to_owned()));
/// let accuracy = report.metric("cbpe", "accuracy").and_then(|accuracy| accuracy.current).unwrap();
/// assert!((accuracy.value - 0.6).abs() < 1e-9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn estimated_classification(
    target: impl Into<String>,
    probability: impl Into<String>,
) -> EstimatedPerformance {
    let (target, probability) = (target.into(), probability.into());
    EstimatedPerformance::new(Task::Binary {
        target,
        probability,
        threshold: 0.5,
    })
}

/// Will late labels show that a regression got worse? Its errors estimated on a table without labels, from one that has them, by the
/// [features](EstimatedPerformance::features) and the prediction.
///
/// ```
/// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
/// # let column = |step: usize| std::sync::Arc::new(Float64Array::from_iter_values((0..200).map(|i| (i * step % 41) as f64))) as ArrayRef;
/// # let week = RecordBatch::try_from_iter([("delay", column(3)), ("predicted", column(5))])?;
/// let report = mlops_drift::preset::estimated_regression("delay", "predicted").run(&week, &week)?;
/// assert!(!report.verdict.expected_worse);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn estimated_regression(
    target: impl Into<String>,
    prediction: impl Into<String>,
) -> EstimatedPerformance {
    let (target, prediction) = (target.into(), prediction.into());
    EstimatedPerformance::new(Task::Regression { target, prediction })
}
