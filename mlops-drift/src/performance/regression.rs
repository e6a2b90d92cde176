use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::Estimate;
use super::rows::{Weighted, mean, same_length, weighted_rows};
use crate::sample::quantile_by;

/// True and predicted numbers of the same rows.
///
/// ```
/// use mlops_drift::performance::Regression;
/// let rows = Regression::new(&[1.0, 2.0, 3.0, 4.0], &[1.5, 2.0, 2.5, 4.0])?;
/// let metrics = rows.metrics();
/// assert_eq!((metrics.mae, metrics.max_error), (0.25, 0.5));
/// let mae = rows.estimate(|metrics| Some(metrics.mae))?;
/// assert!(mae.interval.contains(0.25));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Regression {
    pub(super) truth: Vec<f64>,
    pub(super) predicted: Vec<f64>,
    pub(super) rows: Weighted,
}

/// The metrics of a regression, errors being prediction less truth; all in the unit of the target unless said
/// otherwise.
///
/// Conventions are scikit-learn's: a relative error divides by at least 2.2e-16.
///
/// ```
/// use mlops_drift::performance::Regression;
/// let constant = Regression::new(&[2.0, 2.0], &[1.0, 3.0])?.metrics();
/// assert_eq!((constant.rmse, constant.r2), (1.0, None)); // nothing to explain
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegressionMetrics {
    /// Mean absolute error.
    pub mae: f64,
    /// Root of the mean squared error.
    pub rmse: f64,
    /// Mean absolute error relative to the truth, as a share.
    pub mape: f64,
    /// Mean error: above 0 if predictions are too high.
    pub mean_error: f64,
    /// Greatest absolute error.
    pub max_error: f64,
    /// Median absolute error; `None` with weights.
    pub median_absolute_error: Option<f64>,
    /// Coefficient of determination, at most 1; `None` for a constant truth.
    pub r2: Option<f64>,
    /// The same with the mean error left out; `None` for a constant truth.
    pub explained_variance: Option<f64>,
}

impl Regression {
    /// True and predicted numbers, at 95 % confidence, rows independent.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for no rows, different lengths, NaN or
    /// ±inf.
    pub fn new(truth: &[f64], predicted: &[f64]) -> Result<Self> {
        same_length("predictions", truth.len(), predicted.len())?;
        if truth.is_empty() {
            return Err(Error::invalid("at least 1 row is needed, got 0"));
        }
        for (what, values) in [("truth", truth), ("predictions", predicted)] {
            if let Some(row) = values.iter().position(|value| !value.is_finite()) {
                return Err(Error::invalid(format!(
                    "{what} must be finite, got {} in row {row}",
                    values[row]
                )));
            }
        }
        Ok(Self {
            truth: truth.to_vec(),
            predicted: predicted.to_vec(),
            rows: Weighted::rows(truth.len()),
        })
    }

    /// All metrics. O(n log n).
    pub fn metrics(&self) -> RegressionMetrics {
        RegressionMetrics {
            median_absolute_error: self.median_absolute_error(),
            ..self.weighted(self.rows.get())
        }
    }

    /// A metric with its interval, by 999 resamples of the units: about its confidence for 50 units or more.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than two units, or a metric that
    /// is undefined.
    ///
    /// ```
    /// # use mlops_drift::performance::Regression;
    /// # let rows = Regression::new(&[1.0, 2.0, 3.0, 4.0], &[1.5, 2.0, 2.5, 4.0])?;
    /// let r2 = rows.estimate(|metrics| metrics.r2)?;
    /// assert!((r2.value - 0.9).abs() < 1e-12);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn estimate(&self, metric: impl Fn(&RegressionMetrics) -> Option<f64>) -> Result<Estimate> {
        self.rows
            .estimate(|weights| metric(&self.weighted(weights)))
    }

    /// The mean quantile (pinball) loss of predictions of a quantile, in (0, 1), of the target's law.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a share outside (0, 1).
    ///
    /// ```
    /// # use mlops_drift::performance::Regression;
    /// let rows = Regression::new(&[10.0], &[8.0])?;
    /// assert!((rows.quantile_loss(0.9)? - 1.8).abs() < 1e-12); // too low is dear at 90 %
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn quantile_loss(&self, share: f64) -> Result<f64> {
        let losses = self.quantile_losses(share)?;
        Ok(mean(losses.into_iter(), self.rows.get()))
    }

    /// The same with its interval: Student's t, by units.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a share outside (0, 1), or fewer than
    /// two units.
    ///
    /// ```
    /// # use mlops_drift::performance::Regression;
    /// let rows = Regression::new(&[10.0, 4.0], &[8.0, 5.0])?;
    /// assert_eq!(rows.estimate_quantile_loss(0.9)?.value, rows.quantile_loss(0.9)?);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn estimate_quantile_loss(&self, share: f64) -> Result<Estimate> {
        self.rows
            .mean(&self.quantile_losses(share)?, (0.0, f64::INFINITY))
    }

    fn quantile_losses(&self, share: f64) -> Result<Vec<f64>> {
        if !(share > 0.0 && share < 1.0) {
            return Err(Error::invalid(format!(
                "share must lie in (0, 1), got {share}"
            )));
        }
        let loss = |error: f64| (1.0 - share) * error.max(0.0) + share * (-error).max(0.0);
        Ok(self.errors().map(loss).collect())
    }

    pub(super) fn len(&self) -> usize {
        self.truth.len()
    }

    /// Some of the rows.
    pub(super) fn part(&self, rows: &[usize]) -> Self {
        Self {
            truth: rows.iter().map(|row| self.truth[*row]).collect(),
            predicted: rows.iter().map(|row| self.predicted[*row]).collect(),
            rows: self.rows.part(rows),
        }
    }

    pub(super) fn errors(&self) -> impl Iterator<Item = f64> + Clone {
        let rows = self.truth.iter().zip(&self.predicted);
        rows.map(|(truth, predicted)| predicted - truth)
    }

    fn weighted(&self, weights: &[f64]) -> RegressionMetrics {
        let errors = self.errors();
        let relative = |(error, truth): (f64, &f64)| error.abs() / truth.abs().max(f64::EPSILON);
        let mean_error = mean(errors.clone(), weights);
        let squared = mean(errors.clone().map(|error| error * error), weights);
        let centre = mean(self.truth.iter().copied(), weights);
        let spread = mean(self.truth.iter().map(|y| (y - centre).powi(2)), weights);
        let scattered = mean(
            errors.clone().map(|error| (error - mean_error).powi(2)),
            weights,
        );
        let explained = |rest: f64| (spread > 0.0).then(|| 1.0 - rest / spread);
        let weighing = errors
            .clone()
            .zip(weights)
            .filter(|(_, weight)| **weight > 0.0);
        RegressionMetrics {
            mae: mean(errors.clone().map(f64::abs), weights),
            rmse: squared.sqrt(),
            mape: mean(errors.zip(&self.truth).map(relative), weights),
            mean_error,
            max_error: weighing.map(|(error, _)| error.abs()).fold(0.0, f64::max),
            median_absolute_error: None,
            r2: explained(squared),
            explained_variance: explained(scattered),
        }
    }

    fn median_absolute_error(&self) -> Option<f64> {
        let mut sizes: Vec<f64> = self.errors().map(f64::abs).collect();
        sizes.sort_unstable_by(f64::total_cmp);
        let unweighted = !self.rows.are_declared();
        unweighted.then(|| quantile_by(sizes.len(), 0.5, |rank| sizes[rank]))
    }
}

weighted_rows!(
    Regression,
    "# let rows = mlops_drift::performance::Regression::new(&[1.0, 2.0, 3.0, 4.0], &[1.0; 4])?;"
);
