use mlops_core::{Error, Result};

use super::rows::{Weighted, same_length, weighted_rows};
use super::scored::check_threshold;
use super::{Powered, PredictionPowered};

/// Accuracy, precision, recall and F1 of a two-class model of which few rows have labels: prediction-powered,
/// with the probability as the guess of each label.
///
/// **Statistic**: [`PredictionPowered`] means, and ratios of two of them. **Interval**, **assumption**,
/// **guarantee**: as there, ratios by the delta method, cut to \[0, 1]; labels that are all alike leave a
/// share of others by the rule of three. **Weakness**: recall and F1 need some 30 labelled positives. **Cost**:
/// O(n).
///
/// ```
/// use mlops_drift::performance::PoweredScored;
/// let labels = [Some(true), Some(false), Some(true), Some(false), None, None, None, None];
/// let probabilities = [0.9, 0.2, 0.7, 0.6, 0.8, 0.1, 0.9, 0.3];
/// let rows = PoweredScored::new(&labels, &probabilities, 0.5)?;
/// assert!((rows.f1()?.labelled_alone.value - 0.8).abs() < 1e-12); // two right of three yeses, none missed
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct PoweredScored {
    labels: Vec<Option<bool>>,
    probabilities: Vec<f64>,
    threshold: f64,
    label_probabilities: Option<Vec<f64>>,
    pub(super) rows: Weighted,
}

impl PoweredScored {
    /// Labels where they are at hand, the probability of every row, and the least one that counts as a yes; at
    /// 95 % confidence, rows independent.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for different lengths, no label, or a
    /// probability or threshold outside \[0, 1].
    pub fn new(labels: &[Option<bool>], probabilities: &[f64], threshold: f64) -> Result<Self> {
        same_length("probabilities", labels.len(), probabilities.len())?;
        check_threshold(threshold)?;
        if let Some(p) = probabilities.iter().find(|p| !(0.0..=1.0).contains(*p)) {
            return Err(Error::invalid(format!(
                "probabilities must lie in [0, 1], got {p}"
            )));
        }
        if !labels.iter().any(Option::is_some) {
            return Err(Error::invalid(
                "at least 1 row with a label is needed, got 0",
            ));
        }
        Ok(Self {
            labels: labels.to_vec(),
            probabilities: probabilities.to_vec(),
            threshold,
            label_probabilities: None,
            rows: Weighted::rows(labels.len()),
        })
    }

    /// See [`PredictionPowered::label_probabilities`].
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for another number of rows, or a
    /// probability outside (0, 1].
    pub fn label_probabilities(mut self, probabilities: &[f64]) -> Result<Self> {
        self.mean_of(|_, _| 1.0)?
            .label_probabilities(probabilities)?;
        self.label_probabilities = Some(probabilities.to_vec());
        Ok(self)
    }

    /// The share of right answers.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for labels in fewer than two units.
    pub fn accuracy(&self) -> Result<Powered> {
        self.mean_of(|label, yes| number(label == yes))?.mean()
    }

    /// The share of positives among the yeses.
    ///
    /// # Errors
    /// As [`accuracy`](Self::accuracy)'s, and for no yes.
    pub fn precision(&self) -> Result<Powered> {
        let yeses = self.mean_of(|_, yes| number(yes))?;
        self.mean_of(|label, yes| number(label && yes))?
            .ratio(&yeses)
    }

    /// The share of yeses among the positives.
    ///
    /// # Errors
    /// As [`accuracy`](Self::accuracy)'s, and for no positive.
    pub fn recall(&self) -> Result<Powered> {
        let positives = self.mean_of(|label, _| number(label))?;
        self.mean_of(|label, yes| number(label && yes))?
            .ratio(&positives)
    }

    /// The harmonic mean of precision and recall: twice the true positives over yeses and positives together.
    ///
    /// # Errors
    /// As [`accuracy`](Self::accuracy)'s, and for neither a yes nor a positive.
    pub fn f1(&self) -> Result<Powered> {
        let both = self.mean_of(|label, yes| number(label) + number(yes))?;
        self.mean_of(|label, yes| 2.0 * number(label && yes))?
            .ratio(&both)
    }

    /// The mean of what a label and an answer come to; without the label, on average by the probability.
    fn mean_of(&self, of: impl Fn(bool, bool) -> f64) -> Result<PredictionPowered> {
        let yes = |p: f64| p >= self.threshold;
        let rows = self.labels.iter().zip(&self.probabilities);
        let truth = rows.map(|(label, p)| label.map(|label| of(label, yes(*p))));
        let truth: Vec<Option<f64>> = truth.collect();
        let guess = self.probabilities.iter();
        let guess = guess.map(|p| p * of(true, yes(*p)) + (1.0 - p) * of(false, yes(*p)));
        let guess: Vec<f64> = guess.collect();
        let mut means = PredictionPowered::new(&truth, &guess)?.within((0.0, 1.0));
        means.rows = self.rows.clone();
        match &self.label_probabilities {
            Some(probabilities) => means.label_probabilities(probabilities),
            None => Ok(means),
        }
    }

    /// Some of the rows.
    pub(super) fn part(&self, rows: &[usize]) -> Self {
        Self {
            labels: rows.iter().map(|row| self.labels[*row]).collect(),
            probabilities: rows.iter().map(|row| self.probabilities[*row]).collect(),
            threshold: self.threshold,
            label_probabilities: self
                .label_probabilities
                .as_ref()
                .map(|of_row| rows.iter().map(|row| of_row[*row]).collect()),
            rows: self.rows.part(rows),
        }
    }
}

weighted_rows!(
    PoweredScored,
    "# let rows = mlops_drift::performance::PoweredScored::new(&[Some(true); 4], &[0.5; 4], 0.5)?;"
);

fn number(is: bool) -> f64 {
    f64::from(u8::from(is))
}
