use mlops_core::evidence::SignificanceLevel;
use mlops_core::{Error, Result};

use super::clusters::Clusters;
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
    pub(super) clusters: Clusters,
    pub(super) confidence: f64,
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
            clusters: Clusters::rows(labels.len()),
            confidence: 0.95,
        })
    }

    /// Declares which rows share a unit (a user, an origin-hour): rows of one unit may depend on
    /// each other in any way, units may not. The intervals widen accordingly.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for another number of rows.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false, true], &[0.8, 0.4, 0.3])?.units(&[1, 1, 2])?;
    /// assert_eq!(scored.brier()?.units, 2);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn units(mut self, units: &[u64]) -> Result<Self> {
        same_length("units", self.labels.len(), units.len())?;
        self.clusters = Clusters::new(units);
        Ok(self)
    }

    /// Intervals that miss with this probability instead of 5 %.
    ///
    /// ```
    /// use mlops_core::evidence::SignificanceLevel;
    /// use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false], &[0.9, 0.2])?.level(SignificanceLevel::ONE_PERCENT);
    /// assert_eq!(scored.brier()?.interval.confidence(), 0.99);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    #[must_use]
    pub fn level(mut self, level: SignificanceLevel) -> Self {
        self.confidence = 1.0 - level.get();
        self
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Always false: a `Scored` holds at least one row.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
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
    /// **Interval**: Wilson ("Probable inference", JASA 1927); with units at n divided by the design
    /// effect (Kish), the ratio of the clustered to the plain variance. **Cost**: O(n).
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
        super::accuracy::accuracy(self, threshold)
    }

    fn mean_loss(&self, loss: Loss) -> Result<Estimate> {
        self.clusters
            .mean(&self.losses(loss), self.confidence, (0.0, loss.greatest()))
    }

    /// The loss of every row.
    pub(super) fn losses(&self, loss: Loss) -> Vec<f64> {
        let rows = self.labels.iter().zip(&self.probabilities);
        rows.map(|(&label, &p)| loss.of(label, p)).collect()
    }

    /// The confusion matrix of saying yes from a threshold on, 1 being the positive class: precision, recall, F1, kappa and so on.
    ///
    /// ```
    /// # use mlops_drift::performance::{Average, Scored};
    /// let scored = Scored::new(&[true, false, true], &[0.8, 0.6, 0.3])?;
    /// assert_eq!(scored.confusion(0.5).recall(Average::Class(1)), 0.5);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn confusion(&self, threshold: f64) -> Confusion {
        let predicted = self
            .probabilities
            .iter()
            .map(|p| usize::from(*p >= threshold));
        let truth: Vec<usize> = self
            .labels
            .iter()
            .map(|label| usize::from(*label))
            .collect();
        let weights = vec![1.0; self.labels.len()];
        Confusion::counted(2, &truth, &predicted.collect::<Vec<_>>(), &weights)
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
        let rows = self.labels.iter().zip(&self.probabilities);
        Curve::of_rows(rows.map(|(label, p)| (*p, if *label { [1.0, 0.0] } else { [0.0, 1.0] })))
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
        Ok(Reliability::of(&self.labels, &self.probabilities, bins))
    }
}

pub(super) fn same_length(what: &str, want: usize, got: usize) -> Result<()> {
    if want == got {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{what} must number {want}, one per label, got {got}"
    )))
}
