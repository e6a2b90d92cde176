use std::sync::Arc;

use mlops_core::{Error, Result};

use super::Estimate;
use super::density_ratio::Fitted;
use super::estimate::{satterthwaite, student_quantile};
use super::rows::{
    EVERYWHERE, Weighted, check_unlike, check_within, checked_range, mean, rows_in_units,
    same_length,
};
use crate::multivariate::Points;

/// Effective units below which the t interval of a weighted mean means little.
const LEAST_EFFECTIVE: f64 = 30.0;

/// Performance on current rows from the losses of reference rows, by importance weighting: each reference row
/// counts as often as rows like it occur now.
///
/// **Statistic**: Σ ratio·loss / Σ ratio. **Assumption**: covariate shift: the inputs changed, the law of the
/// label given the inputs did not; the ratios are those of the densities of the inputs, up to a common factor
/// ([`DensityRatio`](super::DensityRatio) estimates them). **It fails** under concept shift, which no
/// unlabelled row shows, and where the reference lacks rows like the current ones. **Interval**: Student's t
/// of the weighted mean, by units; of [fitted](Self::fitted) ratios with their error, with the degrees of freedom of both tables
/// (Satterthwaite). Within a [range](Self::range) never narrower than the rule of three has it: of so many effective units,
/// others may be at its ends.
/// **Weakness**: a few great ratios carry everything: refused below 30 effective units, (Σ ratio)²/Σ (ratios
/// of a unit)² (Kong, "A note on importance sampling using standardized weights", University of Chicago
/// report 348, 1992); ratios without a finite variance are not noticed so. **Cost**: O(n). **Source**:
/// Shimodaira, "Improving predictive inference under covariate shift by weighting the log-likelihood
/// function", Journal of Statistical Planning and Inference 90, 2000.
///
/// ```
/// use mlops_drift::performance::ImportanceWeighted;
/// // Half of the rows are twice as frequent as the other half now, and have a loss of 1.
/// let losses: Vec<f64> = (0..100).map(|row| f64::from(row % 2)).collect();
/// let ratios: Vec<f64> = losses.iter().map(|loss| 1.0 + loss).collect();
/// let weighted = ImportanceWeighted::new(&losses, &ratios)?;
/// assert!((weighted.mean()?.value - 2.0 / 3.0).abs() < 1e-12);
/// assert!((weighted.effective_units() - 90.0).abs() < 1e-12);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ImportanceWeighted {
    losses: Vec<f64>,
    range: (f64, f64),
    rows: Weighted,
    fit: Option<Fit>,
}

/// Where ratios come from, if they are not given, and the current rows.
#[derive(Clone, Debug, PartialEq)]
struct Fit {
    ratio: Arc<Fitted>,
    current: Weighted,
}

impl ImportanceWeighted {
    /// Losses of reference rows with their ratios in \[0, ∞), at 95 % confidence, rows independent.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for no rows, different lengths, losses
    /// that are not finite, a ratio out of range, or ratios that sum to 0 or overflow.
    pub fn new(losses: &[f64], ratios: &[f64]) -> Result<Self> {
        check_losses(losses, ratios.len())?;
        let mut rows = Weighted::rows(losses.len());
        rows.weights(ratios)?;
        Ok(Self {
            losses: losses.to_vec(),
            range: EVERYWHERE,
            rows,
            fit: None,
        })
    }

    /// Losses of reference rows, with the [`DensityRatio`](super::DensityRatio) that tells current rows from them, whose error is in the
    /// interval.
    ///
    /// # Errors
    /// As [`new`](Self::new)'s and [`DensityRatio::fit`](super::DensityRatio::fit)'s.
    ///
    /// ```
    /// use mlops_drift::multivariate::Points;
    /// use mlops_drift::performance::{DensityRatio, ImportanceWeighted};
    /// let reference = Points::new(1, (0..400).map(|row| f64::from(row % 20)))?;
    /// let current = Points::new(1, (0..40).map(|row| f64::from(5 + row % 15)))?;
    /// let losses: Vec<f64> = (0..400).map(|row| f64::from(row % 20)).collect(); // greater where rows are frequent now
    /// let fitted = ImportanceWeighted::fitted(&losses, &reference, &current)?.mean()?;
    /// let ratios = DensityRatio::fit(&reference, &current)?.of(&reference)?;
    /// let given = ImportanceWeighted::new(&losses, &ratios)?.mean()?;
    /// assert_eq!(fitted.value, given.value);
    /// // The mean of forty current rows is not that of their law.
    /// assert!(fitted.interval.width() > 2.0 * given.interval.width());
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn fitted(losses: &[f64], reference: &Points, current: &Points) -> Result<Self> {
        let ratio = Arc::new(Fitted::of(reference, current)?);
        let fit = Fit {
            current: Weighted::rows(current.len()),
            ratio,
        };
        Ok(Self {
            rows: Self::new(losses, &fit.ratio.ratios)?.rows,
            losses: losses.to_vec(),
            range: EVERYWHERE,
            fit: Some(fit),
        })
    }

    /// Other losses of the same reference rows: ratios need not be fitted again.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for another number of losses, or one that is not finite.
    ///
    /// ```
    /// # use mlops_drift::performance::ImportanceWeighted;
    /// let errors: Vec<f64> = (0..100).map(|row| f64::from(row % 3)).collect();
    /// let squares: Vec<f64> = errors.iter().map(|error| error * error).collect();
    /// let absolute = ImportanceWeighted::new(&errors, &[1.0; 100])?;
    /// let squared = absolute.clone().losses(&squares)?;
    /// assert_eq!((absolute.mean()?.value, squared.mean()?.value), (0.99, 1.65));
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn losses(mut self, losses: &[f64]) -> Result<Self> {
        check_losses(losses, self.losses.len())?;
        self.losses = losses.to_vec();
        Ok(self)
    }

    /// Declares which of the current rows that ratios were [fitted](Self::fitted) to share a unit. Of no meaning for ratios that are given.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for another number of rows.
    ///
    /// ```
    /// # use mlops_drift::multivariate::Points;
    /// # use mlops_drift::performance::ImportanceWeighted;
    /// let points = Points::new(1, (0..40).map(f64::from))?;
    /// let weighted = ImportanceWeighted::fitted(&[1.0; 40], &points, &points)?;
    /// assert!(weighted.clone().current_units(&[1, 1, 2]).is_err());
    /// assert!(weighted.current_units(&(0..40).map(|row| row / 4).collect::<Vec<_>>()).is_ok());
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn current_units(mut self, units: &[u64]) -> Result<Self> {
        if let Some(fit) = &mut self.fit {
            fit.current.units(units)?;
        }
        Ok(self)
    }

    /// Intervals within the range of the loss, such as \[0, 1] of a wrong answer. Where all losses are alike, others that
    /// no row has shown may lie at its ends, by the rule of three; without a range of two finite ends they are refused.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless `low < high`.
    ///
    /// ```
    /// # use mlops_drift::performance::ImportanceWeighted;
    /// let never_wrong = ImportanceWeighted::new(&[0.0; 100], &[1.0; 100])?;
    /// assert!(never_wrong.mean().is_err());
    /// let wrong = never_wrong.range(0.0, 1.0)?.mean()?;
    /// assert!((0.03..0.04).contains(&wrong.interval.high()));
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn range(mut self, low: f64, high: f64) -> Result<Self> {
        self.range = checked_range(low, high)?;
        Ok(self)
    }

    /// As how many units of equal weight they count.
    pub fn effective_units(&self) -> f64 {
        self.rows.effective_units()
    }

    /// The mean loss over the current rows.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than 30 effective units, for losses
    /// beyond their [range](Self::range), and for losses that are all alike without one.
    ///
    /// ```
    /// # use mlops_drift::performance::ImportanceWeighted;
    /// let mut ratios = vec![0.01; 1000];
    /// ratios[0] = 100.0; // one row is all that is left
    /// let refused = ImportanceWeighted::new(&vec![1.0; 1000], &ratios)?.mean().unwrap_err();
    /// assert!(refused.to_string().contains("at least 30 effective units, got 1.2"));
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn mean(&self) -> Result<Estimate> {
        let effective = self.effective_units();
        // NaN: squares of the ratios overflow.
        if effective.is_nan() || effective < LEAST_EFFECTIVE {
            return Err(Error::invalid(format!(
                "importance weighting needs at least {LEAST_EFFECTIVE} effective units, got {effective:.1}"
            )));
        }
        self.rows.needs_two_units()?;
        check_within(self.losses.iter().copied(), self.range)?;
        let mean = mean(self.losses.iter().copied(), self.rows.get());
        let parts = self.variances(mean)?;
        let error = (parts[0].0 + parts[1].0).sqrt();
        check_unlike(error, mean, self.range, self.rows.units_held())?;
        let confidence = self.rows.confidence;
        let radius = error * student_quantile(confidence, satterthwaite(parts))?;
        self.rows
            .around(mean, radius, self.range, self.least_units())
    }

    /// Effective units of the reference, or of the current rows if they are fewer.
    fn least_units(&self) -> f64 {
        let current = self.fit.as_ref().map(|fit| fit.current.effective_units());
        current.map_or(self.effective_units(), |current| {
            current.min(self.effective_units())
        })
    }

    /// Of the mean: from the reference and from the current rows, each with its units.
    fn variances(&self, mean: f64) -> Result<[(f64, usize); 2]> {
        let sum: f64 = self.rows.get().iter().sum();
        let rows = self.losses.iter().zip(self.rows.get());
        let changes: Vec<f64> = rows
            .map(|(loss, ratio)| ratio * (loss - mean) / sum)
            .collect();
        let Some(fit) = &self.fit else {
            let variance = self.rows.variance_of_sum(&changes);
            return Ok([
                (variance, self.rows.units_held()),
                (0.0, self.rows.units_held()),
            ]);
        };
        fit.current.needs_two_units()?;
        let [before, now] = fit.ratio.influence(&changes);
        let before = changes.iter().zip(before).map(|(own, by_fit)| own + by_fit);
        let before: Vec<f64> = before.collect();
        Ok([
            (self.rows.variance_of_sum(&before), self.rows.units_held()),
            (fit.current.variance_of_sum(&now), fit.current.units_held()),
        ])
    }
}

rows_in_units!(
    ImportanceWeighted,
    "# let rows = mlops_drift::performance::ImportanceWeighted::new(&[1.0; 4], &[0.5; 4])?;"
);

fn check_losses(losses: &[f64], rows: usize) -> Result<()> {
    same_length("ratios", losses.len(), rows)?;
    if losses.is_empty() {
        return Err(Error::invalid("at least 1 row is needed, got 0"));
    }
    match losses.iter().find(|loss| !loss.is_finite()) {
        Some(loss) => Err(Error::invalid(format!("losses must be finite, got {loss}"))),
        None => Ok(()),
    }
}
