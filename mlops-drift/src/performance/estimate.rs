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
pub(crate) fn normal_quantile(confidence: f64) -> f64 {
    Normal::standard().inverse_cdf(0.5 + confidence / 2.0)
}

/// The greatest share, with this two-sided confidence, of a kind of unit that so many independent ones have
/// not shown: none of n is of a kind of share s with probability (1 − s)ⁿ (Hanley & Lippman-Hand, "If
/// nothing goes wrong, is everything all right?", JAMA 249, 1983: the rule of three).
pub(super) fn unseen(confidence: f64, units: f64) -> f64 {
    1.0 - ((1.0 - confidence) / 2.0).powf(1.0 / units.max(1.0))
}

/// Degrees of freedom of the sum of two independent variances, each with the units that it was estimated from
/// (Satterthwaite 1946). That of a sum of 0 is that of the fewer units.
pub(super) fn satterthwaite(parts: [(f64, usize); 2]) -> f64 {
    let freedom = |units: usize| (units as f64 - 1.0).max(1.0);
    let sum: f64 = parts.iter().map(|(variance, _)| variance).sum();
    let squares = parts.map(|(variance, units)| variance * variance / freedom(units));
    let fewest = parts.map(|(_, units)| freedom(units));
    let combined = sum * sum / (squares[0] + squares[1]);
    if combined.is_finite() {
        combined
    } else {
        fewest[0].min(fewest[1])
    }
}

/// The probability beyond t of Student's law.
pub(super) fn student_tail(t: f64, freedom: f64) -> Result<f64> {
    Ok(student(freedom)?.sf(t))
}

/// The two-sided quantile of Student's law.
pub(super) fn student_quantile(confidence: f64, freedom: f64) -> Result<f64> {
    Ok(student(freedom)?.inverse_cdf(0.5 + confidence / 2.0))
}

fn student(freedom: f64) -> Result<StudentsT> {
    StudentsT::new(0.0, 1.0, freedom)
        .map_err(|error| Error::invalid(format!("{freedom} degrees of freedom: {error}")))
}
