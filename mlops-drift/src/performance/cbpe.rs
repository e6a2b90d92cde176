use mlops_core::evidence::{Interval, SignificanceLevel};
use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::curve::Order;
use super::estimate::normal_quantile;
use super::scored::check_threshold;
use super::{BinaryMetric, Calibration, Confusion, Curve, Estimate};

/// Share of the rows by which cells are moved to see how a metric changes.
const STEP: f64 = 1e-6;

/// Performance without labels: what it would be if the probabilities were what they say. Confidence-based
/// performance estimation.
///
/// **Statistic**: every row counts as a positive with its probability and as a negative with the rest.
/// **Assumption**: calibrated probabilities *on these rows*. That holds under a change of the inputs alone if
/// the model is calibrated for each of them; it fails when the relation of inputs and label changes, which is
/// what a monitor should find, and nothing in the unlabelled rows shows it: test it by the first labels with
/// [`Scored::calibration_test`](super::Scored::calibration_test). **Interval**: [`estimate`](Self::estimate).
/// **Guarantee**: none beyond the assumption; a model over-confident by eight points is over-rated by as much,
/// however many rows. Treat it as an early hint, and the late labels as the truth. **Cost**: O(n log n).
/// **Source**: NannyML's documentation of CBPE; for two classes, for more see
/// [`CbpeMulticlass`](super::CbpeMulticlass).
///
/// ```
/// use mlops_drift::performance::{Average, Cbpe};
/// let estimate = Cbpe::of(&[0.9, 0.8, 0.3, 0.1], 0.5)?;
/// assert!((estimate.confusion.accuracy() - (0.9 + 0.8 + 0.7 + 0.9) / 4.0).abs() < 1e-12);
/// assert!((estimate.confusion.precision(Average::Class(1)) - 0.85).abs() < 1e-12);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cbpe {
    /// The expected confusion matrix; 1 is the positive class.
    pub confusion: Confusion,
    /// The expected area under the ROC curve; `None` if all probabilities are 0 or all are 1.
    pub auc: Option<f64>,
    /// The share of scores beyond those that the calibration has seen: what is said of them is a guess.
    pub beyond: f64,
    /// The standard deviation of each metric about its estimate, in the order of [`BinaryMetric::ALL`].
    deviations: Vec<Option<f64>>,
}

impl Cbpe {
    /// From calibrated probabilities, with the least one that counts as a yes.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for no rows, or a probability or threshold
    /// outside \[0, 1].
    pub fn of(probabilities: &[f64], threshold: f64) -> Result<Self> {
        check_shares(probabilities)?;
        check_threshold(threshold)?;
        Ok(Self::counted(probabilities, probabilities, threshold, None))
    }

    /// From scores whose order and threshold decide, and the calibration that says how probable they are.
    ///
    /// # Errors
    /// As [`of`](Self::of)'s.
    ///
    /// ```
    /// use mlops_drift::performance::{Calibration, Cbpe, Scored};
    /// // Over-confident: what is said at 0.9 holds in three of four cases.
    /// let reference = Scored::new(&[true, true, false, true, false], &[0.9, 0.9, 0.9, 0.9, 0.2])?;
    /// let calibration = Calibration::isotonic(&reference);
    /// let estimate = Cbpe::calibrated(&[0.9, 0.9], &calibration, 0.5)?;
    /// assert_eq!(estimate.confusion.accuracy(), 0.75);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn calibrated(scores: &[f64], calibration: &Calibration, threshold: f64) -> Result<Self> {
        check_shares(scores)?;
        check_threshold(threshold)?;
        let probabilities = calibration.of(scores)?;
        Ok(Self::counted(
            scores,
            &probabilities,
            threshold,
            Some(calibration),
        ))
    }

    /// A metric with an interval for what the labels of these very rows will show, if the probabilities hold.
    ///
    /// **Interval**: normal, cut to \[0, 1], by the delta method: the labels' variance p·(1 − p), row by row, and
    /// of calibrated scores that of the calibration, pool by pool. It says nothing of a calibration that does
    /// not hold any more. **Weakness**: metrics near 0 or 1, and below some hundred rows.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a metric that is undefined.
    ///
    /// ```
    /// use mlops_core::evidence::SignificanceLevel;
    /// use mlops_drift::performance::{BinaryMetric, Cbpe};
    /// let estimate = Cbpe::of(&[0.8; 400], 0.5)?;
    /// let accuracy = estimate.estimate(BinaryMetric::Accuracy, SignificanceLevel::FIVE_PERCENT)?;
    /// // 1.96·√(0.8·0.2/400)
    /// assert!((accuracy.interval.width() / 2.0 - 0.0392).abs() < 1e-4);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn estimate(&self, metric: BinaryMetric, level: SignificanceLevel) -> Result<Estimate> {
        let place = BinaryMetric::ALL.iter().position(|other| *other == metric);
        let deviation = place.and_then(|place| *self.deviations.get(place)?);
        let known = metric.estimated(self).zip(deviation);
        let (value, deviation) = known
            .ok_or_else(|| Error::invalid(format!("{metric:?} is undefined for these rows")))?;
        let confidence = 1.0 - level.get();
        let radius = normal_quantile(confidence) * deviation;
        let n = self.confusion.cells().iter().sum::<f64>().round() as usize;
        Ok(Estimate {
            value,
            interval: Interval::new(
                (value - radius).max(0.0),
                (value + radius).min(1.0),
                confidence,
            )?,
            n,
            units: n,
        })
    }

    fn counted(
        scores: &[f64],
        probabilities: &[f64],
        threshold: f64,
        calibration: Option<&Calibration>,
    ) -> Self {
        let rows = || scores.iter().zip(probabilities);
        let sums = |yes: bool| {
            let rows = rows().filter(|(score, _)| (**score >= threshold) == yes);
            rows.fold([0.0, 0.0], |[no, yes], (_, p)| [no + (1.0 - p), yes + p])
        };
        let ([tn, fn_], [fp, tp]) = (sums(false), sums(true));
        let curve = Curve::of_rows(rows().map(|(score, p)| (*score, [*p, 1.0 - p])));
        let mut estimate = Self {
            confusion: Confusion::of_cells([tn, fp, fn_, tp]),
            auc: curve.auc().ok(),
            beyond: calibration.map_or(0.0, |calibration| calibration.beyond(scores)),
            deviations: Vec::new(),
        };
        let deviation = |metric: BinaryMetric| {
            let changes = estimate.changes(metric, scores, probabilities, threshold)?;
            let rows = changes.iter().zip(probabilities);
            let of_labels: f64 = rows
                .map(|(change, p)| change * change * p * (1.0 - p))
                .sum();
            let of_pools = calibration.map_or(0.0, |fit| fit.variance(scores, &changes));
            Some((of_labels + of_pools).sqrt())
        };
        estimate.deviations = BinaryMetric::ALL.into_iter().map(deviation).collect();
        estimate
    }

    /// Row by row how a metric changes with its probability.
    fn changes(
        &self,
        metric: BinaryMetric,
        scores: &[f64],
        probabilities: &[f64],
        threshold: f64,
    ) -> Option<Vec<f64>> {
        if metric == BinaryMetric::RocAuc {
            return Some(changes_of_auc(scores, probabilities, self.auc?));
        }
        let step = STEP * scores.len() as f64;
        let change = |yes: bool| {
            // A yes that becomes a positive moves from the false to the true ones, a no to the missed ones.
            let (from, to) = if yes { (1, 3) } else { (0, 2) };
            let moved = |by: f64| {
                let mut cells = self.confusion.cells().to_vec();
                cells[from] -= by;
                cells[to] += by;
                let cells: [f64; 4] = cells.try_into().ok()?;
                metric.of(&Confusion::of_cells(cells), None)
            };
            Some((moved(step)? - moved(-step)?) / (2.0 * step))
        };
        let [no, yes] = [change(false)?, change(true)?];
        Some(
            scores
                .iter()
                .map(|score| if *score >= threshold { yes } else { no })
                .collect(),
        )
    }
}

/// The area is U/(P·N) with U = Σ p·(1 − p′) over pairs in order: a probability adds the negatives below it to U,
/// takes the positives above it away, and moves P and N.
fn changes_of_auc(scores: &[f64], probabilities: &[f64], area: f64) -> Vec<f64> {
    let positives: f64 = probabilities.iter().sum();
    let negatives = scores.len() as f64 - positives;
    let mut changes = vec![0.0; scores.len()];
    let mut above = [0.0, 0.0];
    for step in Order::of(scores).steps() {
        let tied: f64 = step.iter().map(|row| probabilities[*row as usize]).sum();
        let tied = [tied, step.len() as f64 - tied];
        let negatives_below = negatives - above[1] - tied[1] / 2.0;
        let positives_above = above[0] + tied[0] / 2.0;
        let change = negatives_below - positives_above - area * (negatives - positives);
        for row in step {
            changes[*row as usize] = change / (positives * negatives);
        }
        above = [above[0] + tied[0], above[1] + tied[1]];
    }
    changes
}

fn check_shares(probabilities: &[f64]) -> Result<()> {
    if probabilities.is_empty() {
        return Err(Error::invalid("at least 1 row is needed, got 0"));
    }
    let outside = |p: &&f64| !(0.0..=1.0).contains(*p);
    match probabilities.iter().find(outside) {
        Some(p) => Err(Error::invalid(format!(
            "probabilities must lie in [0, 1], got {p}"
        ))),
        None => Ok(()),
    }
}
