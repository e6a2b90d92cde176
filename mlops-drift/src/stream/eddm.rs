use mlops_core::Result;
use serde::{Deserialize, Serialize};

use super::{Sequential, Signal};
use crate::sample::Moments;

/// Observations, and errors, before the first alarm.
const WARM_UP: u64 = 30;
/// Shares of the greatest distance between errors below which to warn and to alarm.
const SHARES: [f64; 2] = [0.95, 0.9];

/// The early drift detection method: errors follow one another faster than at their slowest.
///
/// **Observation**: whether a prediction was wrong. **Assumption**: independent errors.
/// **Guarantee**: none. **Weakness**: alarms without drift where errors are rare or come in bursts. **Cost**: O(1).
/// **Source**: Baena-García, del Campo-Ávila, Fidalgo, Bifet, Gavaldà & Morales-Bueno, "Early drift detection method", 2006;
/// conventions of river 0.26.
///
/// ```
/// use mlops_drift::stream::{Eddm, Sequential, Signal};
/// let mut detector = Eddm::default();
/// let mut alarm = None;
/// for i in 0..3_000 {
///     let is_wrong = i >= 600 || i % 10 == 9;
///     if detector.observe(is_wrong)? == Signal::Drift {
///         alarm = alarm.or(Some(i));
///     }
/// }
/// assert!(alarm.unwrap() >= 600);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Eddm {
    distances: Moments,
    observations: u64,
    last_error: u64,
    /// The greatest mean plus two standard deviations so far.
    greatest: Option<f64>,
    signal: Signal,
}

impl Eddm {
    /// Judges the distances after an error; a warning stays until the next error.
    fn judge(&mut self) {
        let deviation = self.distances.variance().unwrap_or(0.0).sqrt();
        let spread = self.distances.mean().unwrap_or(0.0) + 2.0 * deviation;
        let greatest = self.greatest.unwrap_or(-1.0);
        if spread > greatest {
            self.greatest = Some(spread);
        } else if self.distances.count() > WARM_UP {
            let [warns, drifts] = SHARES.map(|share| spread / greatest < share);
            self.signal = match (drifts, warns) {
                (true, _) => Signal::Drift,
                (false, true) => Signal::Warning,
                (false, false) => Signal::Quiet,
            };
        }
    }
}

impl Sequential<bool> for Eddm {
    fn observe(&mut self, is_wrong: bool) -> Result<Signal> {
        if self.signal == Signal::Drift {
            self.reset();
        }
        self.observations += 1;
        if is_wrong {
            self.distances
                .push((self.observations - self.last_error) as f64);
            self.last_error = self.observations;
            if self.observations > WARM_UP {
                self.judge();
            }
        }
        Ok(self.signal)
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}
