use mlops_core::Result;
use serde::{Deserialize, Serialize};

use super::running_mean::RunningMean;
use super::{Sequential, Signal};

/// Observations before the first alarm.
const WARM_UP: u64 = 30;
/// Standard deviations above the least error rate: a warning, and drift.
const THRESHOLDS: [f64; 2] = [2.0, 3.0];

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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ddm {
    rate: RunningMean,
    /// The rate and its standard deviation when their sum was least.
    least: Option<[f64; 2]>,
    drifted: bool,
}

impl Sequential<bool> for Ddm {
    fn observe(&mut self, is_wrong: bool) -> Result<Signal> {
        if self.drifted {
            self.reset();
        }
        self.rate.push(f64::from(u8::from(is_wrong)));
        let rate = self.rate.mean;
        let deviation = (rate * (1.0 - rate) / self.rate.size()).sqrt();
        if self.rate.count <= WARM_UP {
            return Ok(Signal::Quiet);
        }
        let now = rate + deviation;
        let least = match self.least {
            Some(least) if now > least[0] + least[1] => least,
            _ => [rate, deviation],
        };
        self.least = Some(least);
        let [warns, drifts] = THRESHOLDS.map(|threshold| now > least[0] + threshold * least[1]);
        self.drifted = drifts;
        Ok(match (drifts, warns) {
            (true, _) => Signal::Drift,
            (false, true) => Signal::Warning,
            (false, false) => Signal::Quiet,
        })
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}
