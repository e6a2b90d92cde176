use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::scored::check_threshold;
use super::{Calibration, Confusion, Curve};

/// Performance without labels: what it would be if the probabilities were what they say. Confidence-based
/// performance estimation.
///
/// **Statistic**: every row counts as a positive with its probability and as a negative with the rest.
/// **Assumption**: calibrated probabilities *on these rows*. That holds under a change of the inputs alone if
/// the model is calibrated for each of them; it fails when the relation of inputs and label changes, which is
/// what a monitor should find, and nothing in the unlabelled rows shows it. **Guarantee**: none beyond the
/// assumption; a model over-confident by eight points is over-rated by as much, however many rows. Treat it
/// as an early hint, and the late labels as the truth. **Cost**: O(n log n). **Source**: NannyML's
/// documentation of CBPE; for binary classifiers.
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
        Ok(Self::counted(probabilities, probabilities, threshold))
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
        Ok(Self::counted(scores, &probabilities, threshold))
    }

    fn counted(scores: &[f64], probabilities: &[f64], threshold: f64) -> Self {
        let rows = || scores.iter().zip(probabilities);
        let sums = |yes: bool| {
            let rows = rows().filter(|(score, _)| (**score >= threshold) == yes);
            rows.fold([0.0, 0.0], |[no, yes], (_, p)| [no + (1.0 - p), yes + p])
        };
        let ([tn, fn_], [fp, tp]) = (sums(false), sums(true));
        let curve = Curve::of_rows(rows().map(|(score, p)| (*score, [*p, 1.0 - p])));
        Self {
            confusion: Confusion::of_cells([tn, fp, fn_, tp]),
            auc: curve.auc().ok(),
        }
    }
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
