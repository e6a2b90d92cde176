use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::rows::{Weighted, mean, none, own_metrics, same_length, weighted_rows};
use super::skill::skill;
use super::{Estimate, RegressionLoss};

/// True and predicted numbers of the same rows.
///
/// ```
/// use mlops_drift::performance::Regression;
/// let rows = Regression::new(&[1.0, 2.0, 3.0, 4.0], &[1.5, 2.0, 2.5, 4.0])?;
/// let metrics = rows.metrics();
/// assert_eq!((metrics.mae, metrics.max_error), (0.25, 0.5));
/// assert!(rows.mae()?.interval.contains(0.25));
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
    /// Mean absolute error. This and the other errors are infinite where they lie beyond 1.8e308; their [estimates](Regression::mae) are errors then.
    pub mae: f64,
    /// Root of the mean squared error.
    pub rmse: f64,
    /// Mean absolute error relative to the truth, as a share.
    pub mape: f64,
    /// Mean error: above 0 if predictions are too high.
    pub mean_error: f64,
    /// Greatest absolute error.
    pub max_error: f64,
    /// Median absolute error; `None` with weights, for which see [`Regression::median_absolute_error`].
    pub median_absolute_error: Option<f64>,
    /// Coefficient of determination, at most 1; `None` for a constant truth, and where squares are beyond the range of floats.
    pub r2: Option<f64>,
    /// The same with the mean error left out; `None` as above.
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

    /// The true number of every row.
    pub(crate) fn truth(&self) -> &[f64] {
        &self.truth
    }

    /// The predicted number of every row.
    pub(crate) fn predicted(&self) -> &[f64] {
        &self.predicted
    }

    /// All metrics. O(n log n).
    pub fn metrics(&self) -> RegressionMetrics {
        RegressionMetrics {
            median_absolute_error: self.unweighted_median(),
            ..self.weighted(self.rows.get())
        }
    }

    /// The mean absolute error with its interval: Student's t, by units.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than two units, or errors that
    /// overflow.
    ///
    /// ```
    /// # use mlops_drift::performance::Regression;
    /// let rows = Regression::new(&[1.0, 2.0, 3.0, 4.0], &[1.5, 2.0, 2.5, 4.0])?;
    /// assert_eq!((rows.mae()?.value, rows.mean_error()?.value), (0.25, 0.0));
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn mae(&self) -> Result<Estimate> {
        self.mean_loss(RegressionLoss::Absolute)
    }

    /// The mean error relative to the truth, as a share; as [`mae`](Self::mae).
    ///
    /// # Errors
    /// As [`mae`](Self::mae)'s.
    pub fn mape(&self) -> Result<Estimate> {
        self.mean_loss(RegressionLoss::Relative)
    }

    /// The mean error, above 0 if predictions are too high; as [`mae`](Self::mae).
    ///
    /// # Errors
    /// As [`mae`](Self::mae)'s.
    pub fn mean_error(&self) -> Result<Estimate> {
        let errors: Vec<f64> = self.errors().collect();
        self.rows.mean(&errors, (f64::NEG_INFINITY, f64::INFINITY))
    }

    /// The root of the mean squared error.
    ///
    /// **Interval**: Student's t of the logarithm of the mean square by the delta method, by units: squares
    /// are skewed, and their mean is more nearly normal on this scale. **Weakness**: rare great errors: 93 % of
    /// 30 normal errors, 91 % of 80 Laplace ones; for errors without a fourth moment (Student's law with three
    /// degrees of freedom) 78 % of 300, and more rows hardly help. [`mae`](Self::mae) does not have that. Errors of one size have the ends of the
    /// mean square's interval, which knows the rule of three.
    ///
    /// # Errors
    /// As [`mae`](Self::mae)'s.
    ///
    /// ```
    /// # use mlops_drift::performance::Regression;
    /// let rows = Regression::new(&[1.0, 2.0, 3.0, 4.0], &[1.5, 2.0, 2.5, 4.0])?;
    /// assert_eq!(rows.rmse()?.value, 0.125_f64.sqrt());
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn rmse(&self) -> Result<Estimate> {
        self.rows.needs_two_units()?;
        let squares = self.losses(RegressionLoss::Squared);
        let square = mean(squares.iter().copied(), self.rows.get());
        if square == 0.0 {
            return self.rows.figure(0.0, 0.0, 0.0);
        }
        let root = square.sqrt();
        let error = self.rows.error_of_mean(&squares, square) / square;
        if none(error, 1.0) {
            // Errors that are all of one size: as far as the rule of three has it.
            let mean = self.rows.mean(&squares, (0.0, f64::INFINITY))?.interval;
            let [low, high] = [mean.low(), mean.high()].map(f64::sqrt);
            return self.rows.figure(root, low, high);
        }
        let factor = (error * self.rows.student_quantile()? / 2.0).exp();
        self.rows.figure(root, root / factor, root * factor)
    }

    /// The coefficient of determination: skill in squared loss over the mean of these very truths.
    ///
    /// **Interval**: Student's t of the logarithm of 1 − R² by the delta method, by units. **Weakness**: as
    /// [`rmse`](Self::rmse)'s, and truths with rare great values.
    ///
    /// # Errors
    /// As [`mae`](Self::mae)'s, and for a constant truth.
    ///
    /// ```
    /// # use mlops_drift::performance::Regression;
    /// let rows = Regression::new(&[1.0, 2.0, 3.0, 4.0], &[1.5, 2.0, 2.5, 4.0])?;
    /// assert!((rows.r2()?.value - 0.9).abs() < 1e-12);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn r2(&self) -> Result<Estimate> {
        let centre = centre(&self.truth, self.rows.get());
        let dummy = self.truth.iter().map(|y| (y - centre).powi(2));
        let dummy: Vec<f64> = dummy.collect();
        let losses = self.losses(RegressionLoss::Squared);
        let linear = skill(&self.rows, &losses, &dummy)?;
        let ratio = 1.0 - linear.value;
        if ratio == 0.0 {
            return Ok(linear);
        }
        let factor = ((linear.value - linear.interval.low()) / ratio).exp();
        self.rows
            .figure(linear.value, 1.0 - ratio * factor, 1.0 - ratio / factor)
    }

    /// The median absolute error with its interval, by 999 resamples of the units; with weights that of half
    /// the weight.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than two units.
    ///
    /// ```
    /// # use mlops_drift::performance::Regression;
    /// let rows = Regression::new(&[1.0, 2.0, 3.0, 4.0], &[1.5, 2.0, 2.5, 4.0])?;
    /// assert_eq!(rows.median_absolute_error()?.value, 0.25);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn median_absolute_error(&self) -> Result<Estimate> {
        let (sizes, order) = self.sizes();
        self.rows
            .estimate(|weights| Some(weighted_median(&sizes, &order, weights)))
    }

    /// Absolute errors, and the rows in their order.
    fn sizes(&self) -> (Vec<f64>, Vec<usize>) {
        let sizes: Vec<f64> = self.errors().map(f64::abs).collect();
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        order.sort_by(|a, b| sizes[*a].total_cmp(&sizes[*b]));
        (sizes, order)
    }

    fn mean_loss(&self, loss: RegressionLoss) -> Result<Estimate> {
        self.rows.mean(&self.losses(loss), (0.0, f64::INFINITY))
    }

    fn losses(&self, loss: RegressionLoss) -> Vec<f64> {
        let rows = self.truth.iter().zip(&self.predicted);
        rows.map(|(truth, predicted)| loss.of(*truth, *predicted))
            .collect()
    }

    fn unweighted_median(&self) -> Option<f64> {
        let (sizes, order) = self.sizes();
        let unweighted = !self.rows.are_declared();
        unweighted.then(|| weighted_median(&sizes, &order, self.rows.get()))
    }

    /// A metric with its interval, by 999 resamples of the units: about its confidence for 50 units or more
    /// of errors without rare great ones. [`mae`](Self::mae), [`rmse`](Self::rmse), [`r2`](Self::r2) and
    /// others have intervals of their own, which cost less and hold for fewer. The greatest error has none:
    /// no resample exceeds it.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than two units, or a metric that
    /// is undefined.
    ///
    /// ```
    /// # use mlops_drift::performance::Regression;
    /// # let rows = Regression::new(&[1.0, 2.0, 3.0, 4.0], &[1.5, 2.0, 2.5, 4.0])?;
    /// let explained = rows.estimate(|metrics| metrics.explained_variance)?;
    /// assert!((explained.value - 0.9).abs() < 1e-12);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn estimate(&self, metric: impl Fn(&RegressionMetrics) -> Option<f64>) -> Result<Estimate> {
        let (sizes, order) = self.sizes();
        let unweighted = !self.rows.are_declared();
        self.rows.estimate(|weights| {
            metric(&RegressionMetrics {
                median_absolute_error: unweighted.then(|| weighted_median(&sizes, &order, weights)),
                ..self.weighted(weights)
            })
        })
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
        let loss = RegressionLoss::Quantile(share);
        loss.check()?;
        Ok(self.losses(loss))
    }

    pub(super) fn len(&self) -> usize {
        self.truth.len()
    }

    /// Some of the rows.
    pub(crate) fn part(&self, rows: &[usize]) -> Self {
        Self {
            truth: rows.iter().map(|row| self.truth[*row]).collect(),
            predicted: rows.iter().map(|row| self.predicted[*row]).collect(),
            rows: self.rows.part(rows),
        }
    }

    /// The rows of both.
    pub(crate) fn joined(&self, other: &Self) -> Self {
        Self {
            truth: [&*self.truth, &other.truth].concat(),
            predicted: [&*self.predicted, &other.predicted].concat(),
            rows: self.rows.joined(&other.rows),
        }
    }

    /// The rows of every unit.
    pub(crate) fn by_unit(&self) -> super::ByUnit {
        self.rows.clusters.by_unit()
    }

    pub(crate) fn errors(&self) -> impl Iterator<Item = f64> + Clone {
        let rows = self.truth.iter().zip(&self.predicted);
        rows.map(|(truth, predicted)| predicted - truth)
    }

    fn weighted(&self, weights: &[f64]) -> RegressionMetrics {
        let errors = self.errors();
        let relative = |(error, truth): (f64, &f64)| error.abs() / truth.abs().max(f64::EPSILON);
        let mean_error = mean(errors.clone(), weights);
        let squared = mean(errors.clone().map(|error| error * error), weights);
        let centre = centre(&self.truth, weights);
        let spread = mean(self.truth.iter().map(|y| (y - centre).powi(2)), weights);
        let scattered = mean(
            errors.clone().map(|error| (error - mean_error).powi(2)),
            weights,
        );
        let explained = |rest: f64| {
            let explained = Some(1.0 - rest / spread).filter(|_| spread > 0.0);
            explained.filter(|share| share.is_finite())
        };
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
}

/// The mean, which is exactly the value of values that are all equal, whatever their weights: distances from the first one are averaged.
fn centre(values: &[f64], weights: &[f64]) -> f64 {
    let weighing = values
        .iter()
        .zip(weights)
        .find(|(_, weight)| **weight > 0.0);
    let first = weighing.map_or(0.0, |(value, _)| *value);
    first + mean(values.iter().map(|value| value - first), weights)
}

/// The least value with at least half of the weight up to it; the middle between it and the next if that is
/// exactly half.
fn weighted_median(values: &[f64], order: &[usize], weights: &[f64]) -> f64 {
    let half = weights.iter().sum::<f64>() / 2.0;
    let (mut below, mut at_half) = (0.0, None);
    for row in order.iter().filter(|row| weights[**row] > 0.0) {
        if let Some(lower) = at_half {
            return f64::midpoint(lower, values[*row]);
        }
        below += weights[*row];
        if below == half {
            at_half = Some(values[*row]);
        } else if below > half {
            return values[*row];
        }
    }
    at_half.unwrap_or(f64::NAN)
}

weighted_rows!(
    Regression,
    "# let rows = mlops_drift::performance::Regression::new(&[1.0, 2.0, 3.0, 4.0], &[1.0; 4])?;"
);

own_metrics!(
    Regression,
    "# let rows = mlops_drift::performance::Regression::new(&[1.0, 2.0, 3.0, 4.0], &[1.0; 4])?;"
);
