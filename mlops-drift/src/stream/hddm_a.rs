use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::running_mean::RunningMean;
use super::{Sequential, Signal, in_unit, within};

/// The Hoeffding drift detection method with averages: the mean since the start lies above that of its lowest beginning by more
/// than Hoeffding's bound.
///
/// **Observation**: a loss in \[0, 1], such as 1 for a wrong prediction. **Assumption**: independent values.
/// **Guarantee**: the bound holds for one cut point, not for the best of all. **Weakness**: sees rises only, unless two-sided.
/// **Cost**: O(1). **Source**: Frías-Blanco, del Campo-Ávila, Ramos-Jiménez, Morales-Bueno, Ortiz-Díaz & Caballero-Mota, "Online and
/// non-parametric drift detection methods based on Hoeffding's bounds", IEEE TKDE 27, 2015; conventions of river 0.26.
///
/// ```
/// use mlops_drift::stream::{HddmA, Sequential, Signal};
/// let mut detector = HddmA::default();
/// let loss = |i: u32| if i < 500 { f64::from(u8::from(i % 10 == 0)) } else { 1.0 };
/// let signals = (0..600).map(|i| detector.observe(loss(i))).collect::<Result<Vec<_>, _>>()?;
/// let alarm = signals.iter().position(|signal| *signal == Signal::Drift).unwrap();
/// assert!((500..550).contains(&alarm));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct HddmA {
    drift: f64,
    warning: f64,
    two_sided: bool,
    all: RunningMean,
    lowest: RunningMean,
    highest: RunningMean,
    drifted: bool,
}

/// A state as it is read, before its parts are known to agree.
#[derive(Deserialize)]
struct Written {
    drift: f64,
    warning: f64,
    two_sided: bool,
    all: RunningMean,
    lowest: RunningMean,
    highest: RunningMean,
    drifted: bool,
}

impl TryFrom<Written> for HddmA {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self> {
        let all = written.all.of_shares(u64::MAX)?;
        Ok(Self {
            all,
            lowest: written.lowest.of_shares(all.count)?,
            highest: written.highest.of_shares(all.count)?,
            drifted: written.drifted,
            ..Self::new(written.drift, written.warning, written.two_sided)?
        })
    }
}

impl Default for HddmA {
    fn default() -> Self {
        Self {
            drift: 0.001,
            warning: 0.005,
            two_sided: false,
            all: RunningMean::default(),
            lowest: RunningMean::default(),
            highest: RunningMean::default(),
            drifted: false,
        }
    }
}

impl HddmA {
    /// With the probabilities of the bounds for drift (0.001 by default) and a warning (0.005), and whether falls alarm too.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a probability outside (0, 1).
    ///
    /// ```
    /// assert!(mlops_drift::stream::HddmA::new(0.0, 0.005, true).is_err());
    /// ```
    pub fn new(drift: f64, warning: f64, two_sided: bool) -> Result<Self> {
        Ok(Self {
            drift: within("drift probability", drift, 0.0, 1.0)?,
            warning: within("warning probability", warning, 0.0, 1.0)?,
            two_sided,
            ..Self::default()
        })
    }

    fn bound(&self, mean: &RunningMean) -> f64 {
        ((1.0 / self.drift).ln() / (2.0 * mean.size())).sqrt()
    }

    /// Whether the mean of all lies apart from that of a beginning, in the direction of `sign`.
    fn moved(&self, beginning: &RunningMean, sign: f64, confidence: f64) -> bool {
        if beginning.count == self.all.count {
            return false;
        }
        let later = (self.all.count - beginning.count) as f64;
        let size = later / beginning.size() * (1.0 / self.all.size());
        let bound = (size / 2.0 * (2.0 / confidence).ln()).sqrt();
        sign * (self.all.mean - beginning.mean) >= bound
    }
}

impl Sequential<f64> for HddmA {
    fn observe(&mut self, loss: f64) -> Result<Signal> {
        let loss = in_unit(loss)?;
        if self.drifted {
            self.reset();
        }
        self.all.push(loss);
        for beginning in [&mut self.lowest, &mut self.highest] {
            if beginning.count == 0 {
                *beginning = self.all;
            }
        }
        let now = self.bound(&self.all);
        if self.lowest.mean + self.bound(&self.lowest) >= self.all.mean + now {
            self.lowest = self.all;
        }
        if self.highest.mean - self.bound(&self.highest) <= self.all.mean - now {
            self.highest = self.all;
        }
        let [drifts, warns] = [self.drift, self.warning].map(|confidence| {
            self.moved(&self.lowest, 1.0, confidence)
                || (self.two_sided && self.moved(&self.highest, -1.0, confidence))
        });
        self.drifted = drifts;
        Ok(match (drifts, warns) {
            (true, _) => Signal::Drift,
            (false, true) => Signal::Warning,
            (false, false) => Signal::Quiet,
        })
    }

    fn reset(&mut self) {
        let (drift, warning, two_sided) = (self.drift, self.warning, self.two_sided);
        *self = Self {
            drift,
            warning,
            two_sided,
            ..Self::default()
        };
    }
}
