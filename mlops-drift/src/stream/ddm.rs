use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::running_mean::RunningMean;
use super::{Sequential, Signal, at_least, part, within};

/// The drift detection method: the error rate lies three standard deviations above its minimum.
///
/// **Observation**: whether a prediction was wrong. **Assumption**: independent errors.
/// **Guarantee**: none: the threshold is that of one look at one rate. **Weakness**: gradual changes.
/// **Cost**: O(1). **Source**: Gama, Medas, Castillo & Rodrigues, "Learning with drift detection", SBIA 2004;
/// conventions of river 0.26.
///
/// ```
/// use mlops_drift::stream::{Ddm, Sequential, Signal};
/// let mut detector = Ddm::default();
/// let mut alarm = None;
/// for i in 0..600 {
///     let is_wrong = if i < 400 { i % 10 == 0 } else { i % 2 == 0 };
///     if detector.observe(is_wrong)? == Signal::Drift {
///         alarm = alarm.or(Some(i));
///     }
/// }
/// assert!((400..450).contains(&alarm.unwrap()));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Ddm {
    warm_up: u64,
    /// Standard deviations above the least error rate: a warning, and drift.
    thresholds: [f64; 2],
    rate: RunningMean,
    /// The rate and its standard deviation when their sum was least.
    least: Option<[f64; 2]>,
    drifted: bool,
}

/// A state as it is read, before its parts are known to agree; what is left out is as at the start.
#[derive(Deserialize)]
#[serde(default)]
struct Written {
    warm_up: usize,
    thresholds: [f64; 2],
    rate: RunningMean,
    least: Option<[f64; 2]>,
    drifted: bool,
}

impl Default for Written {
    fn default() -> Self {
        let new = Ddm::default();
        Self {
            warm_up: new.warm_up as usize,
            thresholds: new.thresholds,
            rate: new.rate,
            least: new.least,
            drifted: new.drifted,
        }
    }
}

impl TryFrom<Written> for Ddm {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self> {
        let [warning, drift] = written.thresholds;
        for least in written.least.iter().flatten() {
            part("least error rate", *least, 0.0, 1.0)?;
        }
        Ok(Self {
            rate: written.rate.of_shares(u64::MAX)?,
            least: written.least,
            drifted: written.drifted,
            ..Self::new(written.warm_up, warning, drift)?
        })
    }
}

impl Default for Ddm {
    fn default() -> Self {
        Self {
            warm_up: 30,
            thresholds: [2.0, 3.0],
            rate: RunningMean::default(),
            least: None,
            drifted: false,
        }
    }
}

impl Ddm {
    /// With observations before the first alarm (30 by default), and standard deviations above the least error rate
    /// that warn (2) and alarm (3).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless `warm_up >= 1` and both thresholds are
    /// positive and finite.
    ///
    /// ```
    /// use mlops_drift::stream::Ddm;
    /// assert_eq!(Ddm::new(30, 2.0, 3.0)?, Ddm::default());
    /// assert!(Ddm::new(30, 2.0, 0.0).is_err());
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn new(warm_up: usize, warning: f64, drift: f64) -> Result<Self> {
        Ok(Self {
            warm_up: at_least("warm_up", warm_up, 1)? as u64,
            thresholds: [
                within("warning threshold", warning, 0.0, f64::INFINITY)?,
                within("drift threshold", drift, 0.0, f64::INFINITY)?,
            ],
            ..Self::default()
        })
    }
}

impl Sequential<bool> for Ddm {
    fn observe(&mut self, is_wrong: bool) -> Result<Signal> {
        if self.drifted {
            self.reset();
        }
        self.rate.push(f64::from(u8::from(is_wrong)));
        let rate = self.rate.mean;
        let deviation = (rate * (1.0 - rate) / self.rate.size()).sqrt();
        if self.rate.count <= self.warm_up {
            return Ok(Signal::Quiet);
        }
        let now = rate + deviation;
        let least = match self.least {
            Some(least) if now > least[0] + least[1] => least,
            _ => [rate, deviation],
        };
        self.least = Some(least);
        let [warns, drifts] = self
            .thresholds
            .map(|threshold| now > least[0] + threshold * least[1]);
        self.drifted = drifts;
        Ok(match (drifts, warns) {
            (true, _) => Signal::Drift,
            (false, true) => Signal::Warning,
            (false, false) => Signal::Quiet,
        })
    }

    fn reset(&mut self) {
        let (warm_up, thresholds) = (self.warm_up, self.thresholds);
        *self = Self {
            warm_up,
            thresholds,
            ..Self::default()
        };
    }
}
