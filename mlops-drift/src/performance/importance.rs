use mlops_core::{Error, Result};

use super::Estimate;
use super::rows::{
    EVERYWHERE, Weighted, check_unlike, checked_range, mean, rows_in_units, same_length,
};

/// Effective units below which the t interval of a weighted mean means little.
const LEAST_EFFECTIVE: f64 = 30.0;

/// Performance on current rows from the losses of reference rows, by importance weighting: each reference row
/// counts as often as rows like it occur now.
///
/// **Statistic**: Σ ratio·loss / Σ ratio. **Assumption**: covariate shift: the inputs changed, the law of the
/// label given the inputs did not; the ratios are those of the densities of the inputs, up to a common factor
/// ([`DensityRatio`](super::DensityRatio) estimates them). **It fails** under concept shift, which no
/// unlabelled row shows, and where the reference lacks rows like the current ones. **Interval**: Student's t
/// of the weighted mean, by units, for ratios that are given; the error of estimated ones is not in it.
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
}

impl ImportanceWeighted {
    /// Losses of reference rows with their ratios in \[0, ∞), at 95 % confidence, rows independent.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for no rows, different lengths, losses
    /// that are not finite, a ratio out of range, or ratios that sum to 0 or overflow.
    pub fn new(losses: &[f64], ratios: &[f64]) -> Result<Self> {
        same_length("ratios", losses.len(), ratios.len())?;
        if losses.is_empty() {
            return Err(Error::invalid("at least 1 row is needed, got 0"));
        }
        if let Some(loss) = losses.iter().find(|loss| !loss.is_finite()) {
            return Err(Error::invalid(format!("losses must be finite, got {loss}")));
        }
        let mut rows = Weighted::rows(losses.len());
        rows.weights(ratios)?;
        Ok(Self {
            losses: losses.to_vec(),
            range: EVERYWHERE,
            rows,
        })
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
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than 30 effective units, and for
    /// losses that are all alike without a [range](Self::range).
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
        let mean = mean(self.losses.iter().copied(), self.rows.get());
        let error = self.rows.error_of_mean(&self.losses, mean);
        check_unlike(error, mean, self.range, self.rows.units_held())?;
        self.rows.mean(&self.losses, self.range)
    }
}

rows_in_units!(
    ImportanceWeighted,
    "# let rows = mlops_drift::performance::ImportanceWeighted::new(&[1.0; 4], &[0.5; 4])?;"
);
