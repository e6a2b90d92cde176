use mlops_core::evidence::{Evidence, Interval};
use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// A figure with the interval that it is known to.
///
/// ```
/// use mlops_drift::performance::Scored;
/// let scored = Scored::new(&[true, false, true, false], &[0.9, 0.2, 0.6, 0.4])?;
/// let accuracy = scored.accuracy(0.5)?;
/// assert_eq!((accuracy.value, accuracy.n), (1.0, 4));
/// assert!(accuracy.interval.low() < 0.6); // four rows say little
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// Covers the true figure with about its stated confidence.
    pub interval: Interval,
    /// Rows that entered.
    pub n: usize,
    /// Independent units that entered: rows, unless units were given.
    pub units: usize,
}

impl Estimate {
    /// The interval as evidence for a decision.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// # let scored = Scored::new(&[true, false], &[0.9, 0.2])?;
    /// assert_eq!(scored.brier()?.evidence("brier score").name, "brier score");
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn evidence(&self, name: impl Into<String>) -> Evidence {
        Evidence::new(name, self.interval).saying(format!(
            "{:.4} in {} over {} rows in {} units, which are taken to be independent",
            self.value, self.interval, self.n, self.units
        ))
    }
}

/// The two-sided quantile of the standard normal law.
pub(super) fn normal_quantile(confidence: f64) -> f64 {
    Normal::standard().inverse_cdf(0.5 + confidence / 2.0)
}

/// The two-sided quantile of Student's law.
pub(super) fn student_quantile(confidence: f64, freedom: f64) -> Result<f64> {
    let law = StudentsT::new(0.0, 1.0, freedom)
        .map_err(|error| Error::invalid(format!("{freedom} degrees of freedom: {error}")))?;
    Ok(law.inverse_cdf(0.5 + confidence / 2.0))
}
