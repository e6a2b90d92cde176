use serde::{Deserialize, Serialize};

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

    /// The greatest value that a mean of it can take.
    pub(super) fn greatest(self) -> f64 {
        match self {
            Self::Brier => 1.0,
            Self::LogLoss => -f64::EPSILON.ln(),
        }
    }
}
