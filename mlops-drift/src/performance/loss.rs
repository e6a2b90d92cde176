use mlops_core::Result;
use serde::{Deserialize, Serialize};

use super::Scored;
use super::rows::mean;

/// A proper loss of a predicted probability: its mean is least for the true probabilities.
///
/// ```
/// use mlops_drift::performance::Loss;
/// assert_eq!(Loss::Brier.of(true, 0.5), 0.25);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// (p − label)², in \[0, 1].
    Brier,
    /// −ln p(label), in nats; p is kept one machine epsilon (2.2e-16) away from 0 and 1.
    LogLoss,
}

impl Loss {
    /// The loss of one row.
    pub fn of(self, label: bool, probability: f64) -> f64 {
        let target = f64::from(u8::from(label));
        match self {
            Self::Brier => (probability - target).powi(2),
            Self::LogLoss => {
                let p = probability.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
                -(if label { p.ln() } else { (-p).ln_1p() })
            }
        }
    }

    /// What the loss of a probability comes to on average if it is what it says: a guess without the label.
    ///
    /// ```
    /// use mlops_drift::performance::Loss;
    /// assert_eq!(Loss::Brier.expected(0.5), 0.25);
    /// assert_eq!(Loss::LogLoss.expected(1.0), Loss::LogLoss.of(true, 1.0));
    /// ```
    pub fn expected(self, probability: f64) -> f64 {
        let [yes, no] = [true, false].map(|label| self.of(label, probability));
        probability * yes + (1.0 - probability) * no
    }

    /// The mean over rows with a weight each.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for no rows, different lengths, a
    /// probability outside \[0, 1], or weights that are negative, not finite, or sum to 0.
    ///
    /// ```
    /// use mlops_drift::performance::Loss;
    /// assert_eq!(Loss::Brier.weighted(&[true, false], &[0.5, 0.0], &[3.0, 1.0])?, 0.1875);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn weighted(self, labels: &[bool], probabilities: &[f64], weights: &[f64]) -> Result<f64> {
        let scored = Scored::new(labels, probabilities)?.weights(weights)?;
        Ok(mean(scored.losses(self).into_iter(), scored.rows.get()))
    }

    /// The greatest value that a mean of it can take.
    pub(super) fn greatest(self) -> f64 {
        match self {
            Self::Brier => 1.0,
            Self::LogLoss => -f64::EPSILON.ln(),
        }
    }
}
