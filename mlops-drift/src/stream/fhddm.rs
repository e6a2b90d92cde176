use std::collections::VecDeque;

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{Sequential, Signal, at_least, count, part, within};

/// The fast Hoeffding drift detection method: the share of right predictions in a sliding window falls below its
/// maximum by more than Hoeffding's bound.
///
/// **Observation**: whether a prediction was wrong. **Assumption**: independent errors.
/// **Guarantee**: the bound holds for one window, not for the maximum over all. **Cost**: O(1), memory of the window.
/// **Source**: Pesaranghader & Viktor, "Fast Hoeffding drift detection method for evolving data streams", ECML PKDD 2016;
/// conventions of river 0.26.
///
/// ```
/// use mlops_drift::stream::{Fhddm, Sequential, Signal};
/// let mut detector = Fhddm::new(100, 1e-6)?;
/// let signals = (0..400).map(|i| detector.observe(i >= 200)).collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(signals.iter().position(|signal| *signal == Signal::Drift), Some(226)); // 27 of 100 wrong
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Fhddm {
    size: usize,
    bound: f64,
    window: VecDeque<bool>,
    right: usize,
    greatest: f64,
    drifted: bool,
}

/// A state as it is read, before its parts are known to agree.
#[derive(Deserialize)]
struct Written {
    size: usize,
    bound: f64,
    window: VecDeque<bool>,
    right: usize,
    greatest: f64,
    drifted: bool,
}

impl TryFrom<Written> for Fhddm {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self> {
        let size = at_least("window", written.size, 1)?;
        let held = written.window.len() as u64;
        count("values", held, size as u64 - 1)?; // one more, and the oldest leaves
        let right = written.window.iter().filter(|right| **right).count();
        part("right", written.right as f64, right as f64, right as f64)?;
        Ok(Self {
            size,
            bound: within("bound", written.bound, 0.0, f64::INFINITY)?,
            window: written.window,
            right,
            greatest: part("greatest share", written.greatest, 0.0, 1.0)?,
            drifted: written.drifted,
        })
    }
}

impl Fhddm {
    /// With a window (100 by default) and the probability of the bound (1e-6 by default).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless `window >= 1` and `0 < confidence < 1`.
    pub fn new(window: usize, confidence: f64) -> Result<Self> {
        let size = at_least("window", window, 1)?;
        let confidence = within("confidence", confidence, 0.0, 1.0)?;
        Ok(Self::sized(size, confidence))
    }

    fn sized(size: usize, confidence: f64) -> Self {
        Self {
            size,
            bound: ((1.0 / confidence).ln() / (2.0 * size as f64)).sqrt(),
            window: VecDeque::new(),
            right: 0,
            greatest: 0.0,
            drifted: false,
        }
    }
}

impl Default for Fhddm {
    fn default() -> Self {
        Self::sized(100, 1e-6)
    }
}

impl Sequential<bool> for Fhddm {
    fn observe(&mut self, is_wrong: bool) -> Result<Signal> {
        if self.drifted {
            self.reset();
        }
        self.window.push_back(!is_wrong);
        self.right += usize::from(!is_wrong);
        if self.window.len() == self.size {
            let share = self.right as f64 / self.size as f64;
            self.greatest = self.greatest.max(share);
            self.drifted = self.greatest - share > self.bound;
            let leaves = self.window.pop_front().unwrap_or(false);
            self.right -= usize::from(leaves);
        }
        Ok(if self.drifted {
            Signal::Drift
        } else {
            Signal::Quiet
        })
    }

    fn reset(&mut self) {
        self.window.clear();
        (self.right, self.greatest, self.drifted) = (0, 0.0, false);
    }
}
