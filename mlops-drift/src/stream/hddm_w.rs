use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{Sequential, Signal, in_unit, part, within};

/// The Hoeffding drift detection method with weights: an exponentially weighted mean since the best cut point lies above that
/// before it by more than McDiarmid's bound.
///
/// **Observation**: a loss in \[0, 1]. **Assumption**: independent values. **Guarantee**: as [`HddmA`](super::HddmA)'s.
/// **Cost**: O(1). **Source**: as [`HddmA`](super::HddmA)'s, section 4; conventions of river 0.26.
///
/// ```
/// use mlops_drift::stream::{HddmW, Sequential, Signal};
/// let mut detector = HddmW::default();
/// let loss = |i: u32| if i < 500 { f64::from(u8::from(i % 10 == 0)) } else { 1.0 };
/// let signals = (0..600).map(|i| detector.observe(loss(i))).collect::<Result<Vec<_>, _>>()?;
/// let alarm = signals.iter().position(|signal| *signal == Signal::Drift).unwrap();
/// assert!((500..550).contains(&alarm));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct HddmW {
    drift: f64,
    warning: f64,
    weight: f64,
    two_sided: bool,
    all: Weighted,
    rise: Cut,
    fall: Cut,
    drifted: bool,
}

/// A state as it is read, before its parts are known to agree.
#[derive(Deserialize)]
struct Written {
    drift: f64,
    warning: f64,
    weight: f64,
    two_sided: bool,
    all: Weighted,
    rise: Cut,
    fall: Cut,
    drifted: bool,
}

impl TryFrom<Written> for HddmW {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self> {
        let cuts = [written.rise, written.fall];
        let means = cuts.iter().flat_map(|cut| [cut.before, cut.after]);
        means.chain([written.all]).try_for_each(Weighted::require)?;
        let (drift, warning) = (written.drift, written.warning);
        Ok(Self {
            all: written.all,
            rise: written.rise,
            fall: written.fall,
            drifted: written.drifted,
            ..Self::new(drift, warning, written.weight, written.two_sided)?
        })
    }
}

/// An exponentially weighted mean with the sum of its squared weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Weighted {
    mean: Option<f64>,
    squares: f64,
}

/// The means before and after a cut point, and the level that the first had there; `None` before the first observation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Cut {
    before: Weighted,
    after: Weighted,
    level: Option<f64>,
}

impl Default for Weighted {
    fn default() -> Self {
        Self {
            mean: None,
            squares: 1.0,
        }
    }
}

impl Weighted {
    /// That it is a mean of values in [0, 1].
    fn require(self) -> Result<()> {
        part("mean", self.mean.unwrap_or(0.0), 0.0, 1.0)?;
        part("sum of squared weights", self.squares, 0.0, 1.0)?;
        Ok(())
    }

    fn push(&mut self, value: f64, weight: f64) {
        let blend = |mean: f64| weight * value + (1.0 - weight) * mean;
        self.mean = Some(self.mean.map_or(value, blend));
        self.squares = weight * weight + (1.0 - weight) * (1.0 - weight) * self.squares;
    }
}

impl Cut {
    /// `sign` is 1 for the cut where the upper bound of the mean was least, −1 where its lower bound was greatest.
    fn push(&mut self, all: &Weighted, value: f64, weight: f64, bound: f64, sign: f64) {
        let level = sign * all.mean.unwrap_or(0.0) + bound;
        if self.level.is_none_or(|least| level < least) {
            *self = Self {
                before: *all,
                after: Weighted::default(),
                level: Some(level),
            };
        } else {
            self.after.push(value, weight);
        }
    }

    fn moved(&self, sign: f64, confidence: f64) -> bool {
        let (Some(before), Some(after)) = (self.before.mean, self.after.mean) else {
            return false;
        };
        sign * (after - before) > bound(self.before.squares + self.after.squares, confidence)
    }
}

fn bound(squares: f64, confidence: f64) -> f64 {
    (squares * (1.0 / confidence).ln() / 2.0).sqrt()
}

impl Default for HddmW {
    fn default() -> Self {
        Self {
            drift: 0.001,
            warning: 0.005,
            weight: 0.05,
            two_sided: false,
            all: Weighted::default(),
            rise: Cut::default(),
            fall: Cut::default(),
            drifted: false,
        }
    }
}

impl HddmW {
    /// With the probabilities of the bounds for drift (0.001 by default) and a warning (0.005), the weight of the newest value
    /// (0.05), and whether falls alarm too.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a probability or weight outside (0, 1).
    ///
    /// ```
    /// assert!(mlops_drift::stream::HddmW::new(0.001, 0.005, 1.0, false).is_err());
    /// ```
    pub fn new(drift: f64, warning: f64, weight: f64, two_sided: bool) -> Result<Self> {
        Ok(Self {
            drift: within("drift probability", drift, 0.0, 1.0)?,
            warning: within("warning probability", warning, 0.0, 1.0)?,
            weight: within("weight", weight, 0.0, 1.0)?,
            two_sided,
            ..Self::default()
        })
    }
}

impl Sequential<f64> for HddmW {
    fn observe(&mut self, loss: f64) -> Result<Signal> {
        let loss = in_unit(loss)?;
        if self.drifted {
            self.reset();
        }
        self.all.push(loss, self.weight);
        let width = bound(self.all.squares, self.drift);
        self.rise.push(&self.all, loss, self.weight, width, 1.0);
        self.fall.push(&self.all, loss, self.weight, width, -1.0);
        let [drifts, warns] = [self.drift, self.warning].map(|confidence| {
            self.rise.moved(1.0, confidence)
                || (self.two_sided && self.fall.moved(-1.0, confidence))
        });
        self.drifted = drifts;
        Ok(match (drifts, warns) {
            (true, _) => Signal::Drift,
            (false, true) => Signal::Warning,
            (false, false) => Signal::Quiet,
        })
    }

    fn reset(&mut self) {
        self.all = Weighted::default();
        (self.rise, self.fall) = (Cut::default(), Cut::default());
        self.drifted = false;
    }
}
