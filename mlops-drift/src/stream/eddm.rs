use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{Sequential, Signal, at_least, count};
use crate::sample::Moments;

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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Eddm {
    /// Observations, and errors, before the first alarm.
    warm_up: u64,
    /// Shares of the greatest distance between errors below which to warn and to alarm.
    shares: [f64; 2],
    distances: Moments,
    observations: u64,
    last_error: u64,
    /// The greatest mean plus two standard deviations so far.
    greatest: Option<f64>,
    signal: Signal,
}

/// A state as it is read, before its parts are known to agree; what is left out is as at the start.
#[derive(Deserialize)]
#[serde(default)]
struct Written {
    warm_up: usize,
    shares: [f64; 2],
    distances: Moments,
    observations: u64,
    last_error: u64,
    greatest: Option<f64>,
    signal: Signal,
}

impl Default for Written {
    fn default() -> Self {
        let new = Eddm::default();
        Self {
            warm_up: new.warm_up as usize,
            shares: new.shares,
            distances: new.distances,
            observations: new.observations,
            last_error: new.last_error,
            greatest: new.greatest,
            signal: new.signal,
        }
    }
}

impl TryFrom<Written> for Eddm {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self> {
        let [warning, drift] = written.shares;
        count("errors", written.distances.count(), written.observations)?;
        Ok(Self {
            distances: written.distances,
            observations: written.observations,
            last_error: count("last error", written.last_error, written.observations)?,
            greatest: written.greatest,
            signal: written.signal,
            ..Self::new(written.warm_up, warning, drift)?
        })
    }
}

impl Default for Eddm {
    fn default() -> Self {
        Self {
            warm_up: 30,
            shares: [0.95, 0.9],
            distances: Moments::default(),
            observations: 0,
            last_error: 0,
            greatest: None,
            signal: Signal::default(),
        }
    }
}

impl Eddm {
    /// With observations, and errors, before the first alarm (30 by default), and the shares of the greatest distance
    /// between errors below which to warn (0.95) and to alarm (0.9).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless `warm_up >= 1` and
    /// `0 < drift <= warning <= 1`.
    ///
    /// ```
    /// use mlops_drift::stream::Eddm;
    /// assert_eq!(Eddm::new(30, 0.95, 0.9)?, Eddm::default());
    /// assert!(Eddm::new(30, 0.9, 0.95).is_err());
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn new(warm_up: usize, warning: f64, drift: f64) -> Result<Self> {
        if !(0.0 < drift && drift <= warning && warning <= 1.0) {
            return Err(Error::invalid(format!(
                "shares must satisfy 0 < drift <= warning <= 1, got drift {drift} and warning {warning}"
            )));
        }
        Ok(Self {
            warm_up: at_least("warm_up", warm_up, 1)? as u64,
            shares: [warning, drift],
            ..Self::default()
        })
    }

    /// Judges the distances after an error; a warning stays until the next error.
    fn judge(&mut self) {
        let deviation = self.distances.variance().unwrap_or(0.0).sqrt();
        let spread = self.distances.mean().unwrap_or(0.0) + 2.0 * deviation;
        let greatest = self.greatest.unwrap_or(-1.0);
        if spread > greatest {
            self.greatest = Some(spread);
        } else if self.distances.count() > self.warm_up {
            let [warns, drifts] = self.shares.map(|share| spread / greatest < share);
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
            if self.observations > self.warm_up {
                self.judge();
            }
        }
        Ok(self.signal)
    }

    fn reset(&mut self) {
        let (warm_up, shares) = (self.warm_up, self.shares);
        *self = Self {
            warm_up,
            shares,
            ..Self::default()
        };
    }
}
