use mlops_core::evidence::{Interval, SignificanceLevel};
use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::scored::check_threshold;
use super::{Average, Calibration, Cbpe, Confusion, Scored};
use crate::sample::Moments;
use crate::stream::part;

/// Standard deviations from the mean at which the limits lie.
const DEVIATIONS: f64 = 3.0;
/// Chunks of the reference below which their deviation means nothing.
const FEWEST_CHUNKS: usize = 3;

/// A metric of a two-class model that [`Cbpe`] estimates; 1 is the positive class.
///
/// ```
/// use mlops_drift::performance::{BinaryMetric, Scored};
/// let chunk = Scored::new(&[true, false, true], &[0.8, 0.6, 0.3])?;
/// assert_eq!(BinaryMetric::Recall.realized(&chunk, 0.5), Some(0.5));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BinaryMetric {
    /// Area under the ROC curve.
    RocAuc,
    /// Harmonic mean of precision and recall.
    F1,
    /// Share of positives among the yeses.
    Precision,
    /// Share of yeses among the positives.
    Recall,
    /// Share of noes among the negatives.
    Specificity,
    /// Share of right answers.
    Accuracy,
}

impl BinaryMetric {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::RocAuc,
        Self::F1,
        Self::Precision,
        Self::Recall,
        Self::Specificity,
        Self::Accuracy,
    ];

    /// Of labelled rows that say yes from a threshold on; `None` where undefined.
    pub fn realized(self, chunk: &Scored, threshold: f64) -> Option<f64> {
        self.of(&chunk.confusion(threshold), chunk.curve().auc().ok())
    }

    /// Of an estimate without labels; `None` where undefined.
    ///
    /// ```
    /// use mlops_drift::performance::{BinaryMetric, Cbpe};
    /// let estimate = Cbpe::of(&[0.75, 0.25], 0.5)?;
    /// assert_eq!(BinaryMetric::Accuracy.estimated(&estimate), Some(0.75));
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn estimated(self, estimate: &Cbpe) -> Option<f64> {
        self.of(&estimate.confusion, estimate.auc)
    }

    /// What it is the quotient of, as weights of the cells of two classes, row by row of the confusion matrix; `None` for an area.
    pub(super) fn quotient(self) -> Option<[[f64; 4]; 2]> {
        Some(match self {
            Self::RocAuc => return None,
            Self::F1 => [[0.0, 0.0, 0.0, 2.0], [0.0, 1.0, 1.0, 2.0]],
            Self::Precision => [[0.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 1.0]],
            Self::Recall => [[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0]],
            Self::Specificity => [[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]],
            Self::Accuracy => [[1.0, 0.0, 0.0, 1.0], [1.0; 4]],
        })
    }

    pub(super) fn of(self, confusion: &Confusion, auc: Option<f64>) -> Option<f64> {
        let positive = Average::Class(1);
        match self {
            Self::RocAuc => auc,
            Self::F1 => Some(confusion.f1(positive)),
            Self::Precision => Some(confusion.precision(positive)),
            Self::Recall => Some(confusion.recall(positive)),
            Self::Specificity => Some(confusion.specificity(positive)),
            Self::Accuracy => Some(confusion.accuracy()),
        }
    }
}

/// Watches a two-class model chunk by chunk without labels: calibrated on the reference, with limits from how
/// its metrics vary there.
///
/// **Statistic**: [`Cbpe`] of the calibrated chunk. **Limits**: three standard deviations from the mean of
/// the realized metric over the reference's chunks, within \[0, 1]: NannyML's. **Guarantee**: none: about 0.3
/// % false alarms a chunk and metric if the metric of a chunk is normal, its mean and deviation known (from
/// ten chunks it is more), and the calibration holds. **Weakness**: that of [`Cbpe`], and so blind to a model
/// that grew over-confident; the estimate varies less than the realized metric, so that the limits are wide
/// for it. **Cost**: O(n log n).
///
/// ```
/// use mlops_drift::performance::{BinaryMetric, CbpeMonitor, Scored};
/// let scores: Vec<f64> = (0..3000).map(|row| f64::from(row * 37 % 100) / 100.0).collect();
/// let labels: Vec<bool> = (0..3000).map(|row| f64::from(row * 61 % 101) / 101.0 < scores[row as usize]).collect();
/// let monitor = CbpeMonitor::fit(&Scored::new(&labels, &scores)?, 0.5, 500)?;
/// let unsure = vec![0.5; 500];
/// let figures = monitor.chunk(&unsure)?;
/// let accuracy = figures.iter().find(|figure| figure.metric == BinaryMetric::Accuracy).unwrap();
/// assert!(accuracy.alarm);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct CbpeMonitor {
    calibration: Calibration,
    threshold: f64,
    limits: Vec<(BinaryMetric, f64, f64)>,
}

/// A monitor as it is read, before its parts are known to agree.
#[derive(Deserialize)]
struct Written {
    calibration: Calibration,
    threshold: f64,
    limits: Vec<(BinaryMetric, f64, f64)>,
}

impl TryFrom<Written> for CbpeMonitor {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self> {
        check_threshold(written.threshold)?;
        let limited = written.limits.iter().map(|(metric, ..)| *metric);
        if !limited.eq(BinaryMetric::ALL) {
            return Err(Error::invalid(
                "the limits of a monitor must be of all metrics, in their order",
            ));
        }
        for (_, low, high) in &written.limits {
            part("upper limit", *high, 0.0, 1.0)?;
            part("lower limit", *low, 0.0, *high)?;
        }
        Ok(Self {
            calibration: written.calibration,
            threshold: written.threshold,
            limits: written.limits,
        })
    }
}

/// A metric of one chunk, estimated without labels.
///
/// ```
/// # use mlops_drift::performance::{CbpeMonitor, Scored};
/// # let scores: Vec<f64> = (0..300).map(|row| f64::from(row * 37 % 100) / 100.0).collect();
/// # let labels: Vec<bool> = (0..300).map(|row| row * 61 % 97 < row * 37 % 100).collect();
/// let monitor = CbpeMonitor::fit(&Scored::new(&labels, &scores)?, 0.5, 100)?;
/// let accuracy = monitor.chunk(&scores[..100])?[5];
/// assert!(accuracy.value.unwrap() > 0.5 && accuracy.low < accuracy.high);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CbpeFigure {
    /// Which metric.
    pub metric: BinaryMetric,
    /// Its estimate; `None` where it is undefined, as AUC is for scores that are sure of one class.
    pub value: Option<f64>,
    /// The lower limit.
    pub low: f64,
    /// The upper limit.
    pub high: f64,
    /// Whether the estimate lies beyond a limit.
    pub alarm: bool,
    /// Where the labels of the chunk would show it, with 95 % confidence if the calibration holds; see
    /// [`Cbpe::estimate`].
    pub interval: Option<Interval>,
    /// The share of the chunk's scores beyond those of the reference: where it is not small, the estimate is
    /// a guess.
    pub beyond: f64,
}

impl CbpeMonitor {
    /// From labelled rows in their order, of which every `chunk_rows` are a chunk; a last chunk of fewer is
    /// left out of the limits.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a threshold outside \[0, 1], fewer
    /// than three chunks, or a metric that is undefined in all of them.
    pub fn fit(reference: &Scored, threshold: f64, chunk_rows: usize) -> Result<Self> {
        check_threshold(threshold)?;
        let chunks = reference.len().checked_div(chunk_rows).unwrap_or(0);
        if chunks < FEWEST_CHUNKS {
            return Err(Error::invalid(format!(
                "the reference must hold at least {FEWEST_CHUNKS} chunks, got {chunks} of {chunk_rows} rows"
            )));
        }
        let rows =
            |chunk: usize| (chunk * chunk_rows..(chunk + 1) * chunk_rows).collect::<Vec<_>>();
        let chunks: Vec<Scored> = (0..chunks)
            .map(|chunk| reference.part(&rows(chunk)))
            .collect();
        let limits = BinaryMetric::ALL.map(|metric| limits(metric, &chunks, threshold));
        Ok(Self {
            calibration: Calibration::isotonic(reference),
            threshold,
            limits: limits.into_iter().collect::<Result<_>>()?,
        })
    }

    /// The estimate of every metric for the scores of one chunk.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for no rows, or a score outside \[0, 1].
    pub fn chunk(&self, scores: &[f64]) -> Result<Vec<CbpeFigure>> {
        let estimate = Cbpe::calibrated(scores, &self.calibration, self.threshold)?;
        let figure = |&(metric, low, high): &(BinaryMetric, f64, f64)| {
            let value = metric.estimated(&estimate);
            let alarm = value.is_some_and(|value| value < low || value > high);
            CbpeFigure {
                metric,
                value,
                low,
                high,
                alarm,
                interval: estimate
                    .estimate(metric, SignificanceLevel::FIVE_PERCENT)
                    .ok()
                    .map(|figure| figure.interval),
                beyond: estimate.beyond,
            }
        };
        Ok(self.limits.iter().map(figure).collect())
    }
}

fn limits(
    metric: BinaryMetric,
    chunks: &[Scored],
    threshold: f64,
) -> Result<(BinaryMetric, f64, f64)> {
    let values = chunks
        .iter()
        .filter_map(|chunk| metric.realized(chunk, threshold));
    let moments: Moments = values.collect();
    let spread = moments.mean().zip(moments.standard_deviation());
    let (mean, deviation) = spread.ok_or_else(|| {
        Error::invalid(format!(
            "{metric:?} is undefined in every chunk of the reference"
        ))
    })?;
    let radius = DEVIATIONS * deviation;
    Ok((metric, (mean - radius).max(0.0), (mean + radius).min(1.0)))
}
