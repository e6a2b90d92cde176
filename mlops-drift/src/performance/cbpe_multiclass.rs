use mlops_core::evidence::SignificanceLevel;
use mlops_core::{Error, Result};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::curve::Curve;
use super::{Calibration, Confusion, Estimate, Multiclass};

/// Draws of labels of an interval.
const DRAWS: usize = 999;
/// The generator's seed: the same rows give the same interval.
const SEED: u64 = 0x0006_D6C6_F707_3002;

/// Performance of a model of several classes without labels: [`Cbpe`](super::Cbpe), every row counting as each
/// class with its probability.
///
/// **Assumption**, **failure** and **guarantee**: those of [`Cbpe`](super::Cbpe); test the assumption by the
/// first labels with [`calibration_test`](super::Scored::calibration_test) of
/// [`Multiclass::answers`]. **Cost**: O(k·n log n) for k classes.
///
/// ```
/// use mlops_core::evidence::SignificanceLevel;
/// use mlops_drift::performance::CbpeMulticlass;
/// let rows = [0.8, 0.1, 0.1, 0.2, 0.7, 0.1].repeat(200);
/// let estimate = CbpeMulticlass::of(3, &rows)?;
/// assert!((estimate.confusion().accuracy() - 0.75).abs() < 1e-12);
/// let accuracy = estimate.estimate(SignificanceLevel::FIVE_PERCENT, |confusion| Some(confusion.accuracy()))?;
/// assert!(accuracy.interval.contains(0.75) && accuracy.interval.width() < 0.1);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CbpeMulticlass {
    classes: usize,
    predicted: Vec<usize>,
    /// Row by row, each summing to 1.
    probabilities: Vec<f64>,
    beyond: f64,
    calibrated: bool,
}

impl CbpeMulticlass {
    /// From calibrated probabilities row by row, of which the greatest is the answer.
    ///
    /// # Errors
    /// As [`Multiclass::new`]'s.
    pub fn of(classes: usize, probabilities: &[f64]) -> Result<Self> {
        Self::of_rows(classes, probabilities, Multiclass::new)
    }

    fn of_rows(
        classes: usize,
        cells: &[f64],
        read: fn(usize, &[usize], &[f64]) -> Result<Multiclass>,
    ) -> Result<Self> {
        let rows = cells.len() / classes.max(1);
        let (predicted, probabilities) = read(classes, &vec![0; rows], cells)?.into_answers();
        Ok(Self {
            classes,
            predicted,
            probabilities,
            beyond: 0.0,
            calibrated: false,
        })
    }

    /// From scores whose greatest is the answer, and for each class the calibration of its score against all
    /// others; a row's probabilities are scaled to a sum of 1.
    ///
    /// # Errors
    /// As [`Multiclass::of_scores`]'s, for another number of calibrations than classes, and for a row for which no
    /// class is possible.
    ///
    /// ```
    /// use mlops_drift::performance::{Calibration, CbpeMulticlass, Multiclass};
    /// let scores = [0.9, 0.1, 0.9, 0.1, 0.9, 0.1, 0.2, 0.8];
    /// let reference = Multiclass::new(2, &[0, 0, 1, 1], &scores)?;
    /// let of_class = |class| Ok(Calibration::isotonic(&reference.against_rest(class)?));
    /// let calibrations = (0..2).map(of_class).collect::<mlops_core::Result<Vec<_>>>()?;
    /// let estimate = CbpeMulticlass::calibrated(2, &scores, &calibrations)?;
    /// assert!((estimate.confusion().accuracy() - 0.75).abs() < 1e-12); // what the reference shows
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn calibrated(
        classes: usize,
        scores: &[f64],
        calibrations: &[Calibration],
    ) -> Result<Self> {
        if calibrations.len() != classes {
            return Err(Error::invalid(format!(
                "calibrations must number {classes}, one per class, got {}",
                calibrations.len()
            )));
        }
        let said = Self::of_rows(classes, scores, Multiclass::of_scores)?;
        let column = |class: usize| said.probabilities.iter().skip(class).step_by(classes);
        let columns: Vec<Vec<f64>> = (0..classes)
            .map(|class| column(class).copied().collect())
            .collect();
        let calibrated = columns
            .iter()
            .zip(calibrations)
            .map(|(column, fit)| fit.of(column));
        let calibrated = calibrated.collect::<Result<Vec<_>>>()?;
        let rows = 0..said.predicted.len();
        let by_row = rows.flat_map(|row| calibrated.iter().map(move |column| column[row]));
        let beyond = columns
            .iter()
            .zip(calibrations)
            .map(|(column, fit)| fit.beyond(column));
        Ok(Self {
            beyond: beyond.fold(0.0, f64::max),
            predicted: said.predicted,
            calibrated: true,
            ..Self::of_rows(classes, &by_row.collect::<Vec<_>>(), Multiclass::of_scores)?
        })
    }

    /// The expected confusion matrix.
    pub fn confusion(&self) -> Confusion {
        let rows = self.predicted.iter().zip(self.rows());
        let cells = rows.flat_map(|(answer, row)| {
            row.iter()
                .enumerate()
                .map(move |(class, p)| (class, *answer, *p))
        });
        let (mut truth, mut answers, mut weights) = (vec![], vec![], vec![]);
        for (class, answer, p) in cells {
            truth.push(class);
            answers.push(answer);
            weights.push(p);
        }
        Confusion::counted(self.classes, &truth, &answers, &weights)
    }

    /// The mean over the classes of the expected area under the ROC curve of each against all others; `None`
    /// if a class is impossible, or sure, for all rows.
    pub fn auc(&self) -> Option<f64> {
        let area = |class: usize| {
            let rows = self
                .rows()
                .map(|row| (row[class], [row[class], 1.0 - row[class]]));
            Curve::of_rows(rows).auc().ok()
        };
        let areas = (0..self.classes).map(area);
        Some(areas.sum::<Option<f64>>()? / self.classes as f64)
    }

    /// The share of scores beyond those that the calibration has seen, of the class of which it is greatest: what
    /// is said of them is a guess.
    pub fn beyond(&self) -> f64 {
        self.beyond
    }

    /// A metric with an interval for what the labels of these very rows will show, if the probabilities hold:
    /// percentiles of 999 draws of labels from them. The calibration's own error is not in it. **Cost**:
    /// O(999·n).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a metric that is undefined, and where a
    /// calibration is sure of the label of every row, which the few rows of a pool cannot show.
    pub fn estimate(
        &self,
        level: SignificanceLevel,
        metric: impl Fn(&Confusion) -> Option<f64>,
    ) -> Result<Estimate> {
        if self.calibrated && self.rows().all(|row| row.contains(&1.0)) {
            return Err(Error::invalid(format!(
                "a calibration must leave the label of some row open, got {} rows that are sure of theirs",
                self.predicted.len()
            )));
        }
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        let weights = vec![1.0; self.predicted.len()];
        let drawn = (0..DRAWS).map(|_| {
            let labels: Vec<usize> = self.rows().map(|row| drawn(row, &mut rng)).collect();
            metric(&Confusion::counted(
                self.classes,
                &labels,
                &self.predicted,
                &weights,
            ))
        });
        let drawn: Vec<Option<f64>> = drawn.collect();
        super::resampling::percentiles(metric(&self.confusion()), drawn, level, weights.len())
    }

    fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.probabilities.chunks_exact(self.classes)
    }
}

/// A class by its probability.
fn drawn(row: &[f64], rng: &mut ChaCha8Rng) -> usize {
    let mut left = rng.random_range(0.0..1.0);
    for (class, p) in row.iter().enumerate() {
        left -= p;
        if left < 0.0 {
            return class;
        }
    }
    row.len() - 1
}
