use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{Sequential, Signal, finite, part, within};

/// The two-sided cumulative sum chart of a quantity whose mean and standard deviation are known.
///
/// **Statistic**: sums of standardized deviations beyond a slack k, never below 0, one for rises and one for falls; drift
/// when either exceeds h. **Assumption**: independent, normal values of the stated mean and deviation while nothing changes.
/// **Guarantee**: then the average run length until a false alarm is about [`average_run_length`](Self::average_run_length), 465
/// observations at the usual k = 0.5 and h = 5; it is optimal for a shift of 2k deviations.
/// **Weakness**: an estimated mean or deviation that is off, and dependence, shorten it by a factor. **Unit**: see the [module](super). **Cost**: O(1).
/// **Source**: Page, "Continuous inspection schemes", Biometrika 41, 1954; Siegmund, "Sequential Analysis", 1985, for the run length.
///
/// ```
/// use mlops_drift::stream::{Cusum, Sequential, Signal};
/// let mut chart = Cusum::new(20.0, 2.0)?;
/// assert_eq!(chart.observe(20.0)?, Signal::Quiet);
/// let signals = (0..9).map(|_| chart.observe(23.0)).collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(signals.iter().position(|signal| *signal == Signal::Drift), Some(5)); // 6 steps of 1.5 - 0.5 exceed 5
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Cusum {
    mean: f64,
    deviation: f64,
    slack: f64,
    threshold: f64,
    rise: f64,
    fall: f64,
    drifted: bool,
}

/// A state as it is read, before its parts are known to agree.
#[derive(Deserialize)]
struct Written {
    mean: f64,
    deviation: f64,
    slack: f64,
    threshold: f64,
    rise: f64,
    fall: f64,
    drifted: bool,
}

impl TryFrom<Written> for Cusum {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self> {
        let new = Self::new(written.mean, written.deviation)?;
        Ok(Self {
            rise: part("rise", written.rise, 0.0, f64::MAX)?,
            fall: part("fall", written.fall, 0.0, f64::MAX)?,
            drifted: written.drifted,
            ..new.with(written.slack, written.threshold)?
        })
    }
}

impl Cusum {
    /// Of a known mean and standard deviation, with slack 0.5 and threshold 5.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a mean that is not finite or a deviation that is not positive.
    pub fn new(mean: f64, deviation: f64) -> Result<Self> {
        Ok(Self {
            mean: finite(mean)?,
            deviation: within("deviation", deviation, 0.0, f64::INFINITY)?,
            slack: 0.5,
            threshold: 5.0,
            rise: 0.0,
            fall: 0.0,
            drifted: false,
        })
    }

    /// With another slack and threshold, in standard deviations.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless both are positive and finite.
    ///
    /// ```
    /// use mlops_drift::stream::Cusum;
    /// let chart = Cusum::new(0.0, 1.0)?.with(0.5, 4.0)?;
    /// assert!((chart.average_run_length() - 168.0).abs() < 2.0); // Montgomery, table 9.3
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn with(self, slack: f64, threshold: f64) -> Result<Self> {
        Ok(Self {
            slack: within("slack", slack, 0.0, f64::INFINITY)?,
            threshold: within("threshold", threshold, 0.0, f64::INFINITY)?,
            ..self
        })
    }

    /// Siegmund's approximation to the average number of observations until a false alarm.
    pub fn average_run_length(&self) -> f64 {
        let (drift, barrier) = (self.slack, self.threshold + 1.166);
        let one_sided =
            ((2.0 * drift * barrier).exp() - 2.0 * drift * barrier - 1.0) / (2.0 * drift * drift);
        one_sided / 2.0
    }
}

impl Sequential<f64> for Cusum {
    fn observe(&mut self, value: f64) -> Result<Signal> {
        let value = finite(value)?;
        if self.drifted {
            self.reset();
        }
        let standardized = (value - self.mean) / self.deviation;
        // Far beyond any threshold, but finite: a state that can be written down.
        let sum = |sum: f64| (sum - self.slack).clamp(0.0, f64::MAX);
        (self.rise, self.fall) = (sum(self.rise + standardized), sum(self.fall - standardized));
        self.drifted = self.rise.max(self.fall) > self.threshold;
        Ok(if self.drifted {
            Signal::Drift
        } else {
            Signal::Quiet
        })
    }

    fn reset(&mut self) {
        (self.rise, self.fall, self.drifted) = (0.0, 0.0, false);
    }
}
