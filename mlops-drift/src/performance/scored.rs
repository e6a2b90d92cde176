use mlops_core::{Error, Result};

use super::rows::{Weighted, same_length, weighted_rows};
use super::share::share;
use super::{Confusion, Curve, Estimate, Loss, Reliability};

/// Labels and predicted probabilities of the same rows.
///
/// ```
/// use mlops_drift::performance::Scored;
///
/// let labels = [true, false, true, true, false, false];
/// let probabilities = [0.8, 0.3, 0.4, 0.9, 0.6, 0.1];
/// let scored = Scored::new(&labels, &probabilities)?.units(&[1, 1, 2, 2, 3, 3])?;
/// let auc = scored.auc()?;
/// assert!((auc.value - 8.0 / 9.0).abs() < 1e-15);
/// assert_eq!(auc.units, 3);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    pub(super) labels: Vec<bool>,
    pub(super) probabilities: Vec<f64>,
    pub(super) rows: Weighted,
}

impl Scored {
    /// Labels and probabilities, at 95 % confidence, rows independent.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for no rows, different lengths,
    /// or a probability outside \[0, 1], NaN included.
    pub fn new(labels: &[bool], probabilities: &[f64]) -> Result<Self> {
        same_length("probabilities", labels.len(), probabilities.len())?;
        if labels.is_empty() {
            return Err(Error::invalid("at least 1 row is needed, got 0"));
        }
        let outside = |p: &f64| !(0.0..=1.0).contains(p);
        if let Some(row) = probabilities.iter().position(outside) {
            return Err(Error::invalid(format!(
                "probabilities must lie in [0, 1], got {} in row {row}",
                probabilities[row]
            )));
        }
        Ok(Self {
            labels: labels.to_vec(),
            probabilities: probabilities.to_vec(),
            rows: Weighted::rows(labels.len()),
        })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Always false: a `Scored` holds at least one row.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Some of the rows.
    pub(super) fn part(&self, rows: &[usize]) -> Self {
        Self {
            labels: rows.iter().map(|row| self.labels[*row]).collect(),
            probabilities: rows.iter().map(|row| self.probabilities[*row]).collect(),
            rows: self.rows.part(rows),
        }
    }

    /// The area under the ROC curve: the probability that a positive row scores above a negative
    /// one, ties counting half.
    ///
    /// **Interval**: from the structural components of DeLong, DeLong & Clarke-Pearson (Biometrics
    /// 1988), with units those of Obuchowski ("Nonparametric analysis of clustered ROC curve data",
    /// Biometrics 1997), normal on the logit scale. For a perfect order (all components alike) it
    /// is the exact binomial bound for min(positives, negatives) disjoint pairs, halved with units.
    /// **Weakness**: below some 10 rows (units) of a class coverage falls short. **Cost**: O(n log n).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless both classes are present,
    /// each in at least 2 units.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, true, false, false], &[0.9, 0.4, 0.6, 0.1])?;
    /// assert_eq!(scored.auc()?.value, 0.75);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn auc(&self) -> Result<Estimate> {
        super::auc::auc(self)
    }

    /// The mean of −ln p(label), in nats; probabilities are kept 2.2e-16 away from 0 and 1.
    ///
    /// **Interval**: Student's t, see [the module](super). One confident mistake costs 36 nats and
    /// dominates the variance. **Cost**: O(n).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than 2 units.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false], &[0.5, 0.5])?;
    /// assert!((scored.log_loss()?.value - 0.5_f64.ln().abs()).abs() < 1e-15);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn log_loss(&self) -> Result<Estimate> {
        self.mean_loss(Loss::LogLoss)
    }

    /// The mean squared difference of probability and label, in \[0, 1].
    ///
    /// **Interval**: Student's t, see [the module](super). **Cost**: O(n).
    /// **Source**: Brier, Monthly Weather Review 1950.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than 2 units.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false], &[0.8, 0.4])?;
    /// assert!((scored.brier()?.value - 0.1).abs() < 1e-15);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn brier(&self) -> Result<Estimate> {
        self.mean_loss(Loss::Brier)
    }

    /// The share of rows whose label equals `probability >= threshold`.
    ///
    /// **Interval**: Wilson ("Probable inference", JASA 1927); with units or weights at n divided by the
    /// design effect (Kish), the ratio of the clustered to the plain variance. **Cost**: O(n).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a threshold outside \[0, 1].
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false, true], &[0.8, 0.4, 0.3])?;
    /// assert_eq!(scored.accuracy(0.5)?.value, 2.0 / 3.0);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn accuracy(&self, threshold: f64) -> Result<Estimate> {
        let rows = self
            .said(threshold)?
            .map(|(row, yes, label)| (row, yes == label));
        share(&self.rows, rows, "accuracy needs a row")
    }

    /// The share of positives among the rows with `probability >= threshold`; interval as
    /// [`accuracy`](Self::accuracy)'s, given how many such rows there are.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a threshold outside \[0, 1], or no
    /// such row.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false, true], &[0.8, 0.6, 0.3])?;
    /// assert_eq!(scored.precision(0.5)?.value, 0.5);
    /// assert!(scored.precision(0.9).is_err());
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn precision(&self, threshold: f64) -> Result<Estimate> {
        let rows = self.said(threshold)?.filter(|(_, yes, _)| *yes);
        let right = rows.map(|(row, _, label)| (row, label));
        share(
            &self.rows,
            right,
            "precision needs a row at or above the threshold",
        )
    }

    /// The share of rows with `probability >= threshold` among the positives; interval as
    /// [`accuracy`](Self::accuracy)'s, given how many positives there are.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a threshold outside \[0, 1], or no
    /// positive.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false, true], &[0.8, 0.6, 0.3])?;
    /// assert_eq!(scored.recall(0.5)?.value, 0.5);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn recall(&self, threshold: f64) -> Result<Estimate> {
        let rows = self.said(threshold)?.filter(|(_, _, label)| *label);
        share(
            &self.rows,
            rows.map(|(row, yes, _)| (row, yes)),
            "recall needs a positive row",
        )
    }

    /// The share of rows with `probability < threshold` among the negatives; interval as
    /// [`accuracy`](Self::accuracy)'s, given how many negatives there are.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a threshold outside \[0, 1], or no
    /// negative.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false, false], &[0.8, 0.6, 0.3])?;
    /// assert_eq!(scored.specificity(0.5)?.value, 0.5);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn specificity(&self, threshold: f64) -> Result<Estimate> {
        let rows = self.said(threshold)?.filter(|(_, _, label)| !*label);
        share(
            &self.rows,
            rows.map(|(row, yes, _)| (row, !yes)),
            "specificity needs a negative row",
        )
    }

    /// Row by row whether it counts as a yes, and its label.
    fn said(&self, threshold: f64) -> Result<impl Iterator<Item = (usize, bool, bool)>> {
        check_threshold(threshold)?;
        let rows = self.labels.iter().zip(&self.probabilities).enumerate();
        Ok(rows.map(move |(row, (label, p))| (row, *p >= threshold, *label)))
    }

    /// A metric of the confusion matrix at a threshold (F1, kappa and so on), with its interval by 999
    /// resamples of the units. **Cost**: O(999·n).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a threshold outside \[0, 1], fewer
    /// than two units, or a metric that is undefined.
    ///
    /// ```
    /// # use mlops_drift::performance::{Average, Scored};
    /// let scored = Scored::new(&[true, false, true], &[0.8, 0.6, 0.3])?;
    /// let f1 = scored.estimate(0.5, |confusion| Some(confusion.f1(Average::Class(1))))?;
    /// assert_eq!(f1.value, 0.5);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn estimate(
        &self,
        threshold: f64,
        metric: impl Fn(&Confusion) -> Option<f64>,
    ) -> Result<Estimate> {
        check_threshold(threshold)?;
        self.rows
            .estimate(|weights| metric(&self.confusion_of(threshold, weights)))
    }

    /// A metric of the curve (average precision, lift of the top tenth and so on), with its interval by 999
    /// resamples of the units. **Cost**: O(999·n log n).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than two units, or a metric that
    /// is undefined.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false, true, false], &[0.8, 0.6, 0.3, 0.1])?;
    /// let lift = scored.estimate_of_curve(|curve| Some(curve.top(0.25).ok()?.lift))?;
    /// assert_eq!(lift.value, 2.0);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn estimate_of_curve(&self, metric: impl Fn(&Curve) -> Option<f64>) -> Result<Estimate> {
        self.rows
            .estimate(|weights| metric(&self.curve_of(weights)))
    }

    fn mean_loss(&self, loss: Loss) -> Result<Estimate> {
        self.rows.mean(&self.losses(loss), (0.0, loss.greatest()))
    }

    /// The loss of every row.
    pub(super) fn losses(&self, loss: Loss) -> Vec<f64> {
        let rows = self.labels.iter().zip(&self.probabilities);
        rows.map(|(&label, &p)| loss.of(label, p)).collect()
    }

    /// The confusion matrix of saying yes from a threshold on, 1 being the positive class: precision, recall,
    /// F1, kappa and so on.
    ///
    /// ```
    /// # use mlops_drift::performance::{Average, Scored};
    /// let scored = Scored::new(&[true, false, true], &[0.8, 0.6, 0.3])?;
    /// assert_eq!(scored.confusion(0.5).recall(Average::Class(1)), 0.5);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn confusion(&self, threshold: f64) -> Confusion {
        self.confusion_of(threshold, self.rows.get())
    }

    pub(super) fn confusion_of(&self, threshold: f64, weights: &[f64]) -> Confusion {
        let mut cells = [0.0; 4];
        for ((label, p), weight) in self.labels.iter().zip(&self.probabilities).zip(weights) {
            cells[2 * usize::from(*label) + usize::from(*p >= threshold)] += weight;
        }
        Confusion::of_cells(cells)
    }

    /// The classifier at every threshold: precision and recall, gain and lift, average precision.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false, true], &[0.8, 0.6, 0.3])?;
    /// assert_eq!(scored.curve().points().len(), 3);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn curve(&self) -> Curve {
        self.curve_of(self.rows.get())
    }

    pub(super) fn curve_of(&self, weights: &[f64]) -> Curve {
        Curve::of_labels(&self.labels, &self.probabilities, weights)
    }

    /// Predicted and observed shares in bins of equal width.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless `1 <= bins <= 10000`.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false], &[0.9, 0.2])?;
    /// assert!(scored.reliability(0).is_err());
    /// assert_eq!(scored.reliability(10)?.bins.len(), 2);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn reliability(&self, bins: usize) -> Result<Reliability> {
        if !(1..=10_000).contains(&bins) {
            return Err(Error::invalid(format!(
                "bins must lie in [1, 10000], got {bins}"
            )));
        }
        Ok(Reliability::of(self, bins))
    }
}

pub(super) fn check_threshold(threshold: f64) -> Result<()> {
    if (0.0..=1.0).contains(&threshold) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "threshold must lie in [0, 1], got {threshold}"
    )))
}

weighted_rows!(
    Scored,
    "# let rows = mlops_drift::performance::Scored::new(&[true, false, true, false], &[0.5; 4])?;"
);
