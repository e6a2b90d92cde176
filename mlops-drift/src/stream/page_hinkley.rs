use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::running_mean::RunningMean;
use super::{Sequential, Signal, at_least, summable, within};

/// Which changes of the mean a [`PageHinkley`] test sees.
///
/// ```
/// use mlops_drift::stream::Direction;
/// assert_eq!(Direction::default(), Direction::Both);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// A rise.
    Up,
    /// A fall.
    Down,
    /// Either.
    #[default]
    Both,
}

/// Page and Hinkley's test: sums of deviations from the running mean, less a tolerance, that move too far from their extreme.
///
/// **Assumption**: values on a scale that suits the threshold. **Guarantee**: none; without drift, standard normal
/// values alarm every thousand observations or so by default.
/// **Errors**: NaN, ±inf, and values beyond ±1e140, whose sums could overflow. **Cost**: O(1). **Source**: Page, "Continuous inspection schemes", Biometrika 41, 1954;
/// conventions of river 0.26.
///
/// ```
/// use mlops_drift::stream::{Direction, PageHinkley, Sequential, Signal};
/// let mut rises = PageHinkley::new(0.005, 20.0, Direction::Up)?;
/// for i in 0..500 {
///     assert_eq!(rises.observe(-f64::from(i))?, Signal::Quiet); // falls only
/// }
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct PageHinkley {
    delta: f64,
    threshold: f64,
    direction: Direction,
    forgetting: f64,
    least: usize,
    state: State,
}

/// A state as it is read, before its parts are known to agree.
#[derive(Deserialize)]
struct Written {
    delta: f64,
    threshold: f64,
    direction: Direction,
    forgetting: f64,
    least: usize,
    state: State,
}

impl TryFrom<Written> for PageHinkley {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self> {
        let new = Self::new(written.delta, written.threshold, written.direction)?;
        Ok(Self {
            state: written.state,
            ..new.forgetting(written.forgetting, written.least)?
        })
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct State {
    mean: RunningMean,
    /// The sum that a rise drives up and its minimum; `None` before the first observation.
    rise: f64,
    lowest: Option<f64>,
    /// The sum that a fall drives down and its maximum, which starts at −1.
    fall: f64,
    highest: Option<f64>,
    drifted: bool,
}

impl Default for PageHinkley {
    fn default() -> Self {
        Self {
            delta: 0.005,
            threshold: 50.0,
            direction: Direction::Both,
            forgetting: 1.0 - 0.0001,
            least: 30,
            state: State::default(),
        }
    }
}

impl PageHinkley {
    /// With a tolerance `delta` and a threshold, both in the unit of the values (0.005 and 50 by default).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a threshold that is not positive or a negative delta.
    pub fn new(delta: f64, threshold: f64, direction: Direction) -> Result<Self> {
        if !(0.0..f64::INFINITY).contains(&delta) {
            return Err(Error::invalid(format!(
                "delta must lie in [0, inf), got {delta}"
            )));
        }
        Ok(Self {
            delta,
            threshold: within("threshold", threshold, 0.0, f64::INFINITY)?,
            direction,
            ..Self::default()
        })
    }

    /// With a factor for old sums (0.9999 by default) and observations before the first alarm (30 by default).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless `0 < forgetting <= 1` and `least >= 1`.
    ///
    /// ```
    /// use mlops_drift::stream::PageHinkley;
    /// assert!(PageHinkley::default().forgetting(1.0, 50).is_ok());
    /// assert!(PageHinkley::default().forgetting(1.5, 50).is_err());
    /// ```
    pub fn forgetting(self, forgetting: f64, least: usize) -> Result<Self> {
        if !(forgetting > 0.0 && forgetting <= 1.0) {
            return Err(Error::invalid(format!(
                "forgetting must lie in (0, 1], got {forgetting}"
            )));
        }
        Ok(Self {
            forgetting,
            least: at_least("observations before an alarm", least, 1)?,
            ..self
        })
    }
}

impl Sequential<f64> for PageHinkley {
    fn observe(&mut self, value: f64) -> Result<Signal> {
        let value = summable(value)?;
        if self.state.drifted {
            self.reset();
        }
        let state = &mut self.state;
        state.mean.push(value);
        let deviation = value - state.mean.mean;
        state.rise = self.forgetting * state.rise + deviation - self.delta;
        state.fall = self.forgetting * state.fall + deviation + self.delta;
        let lowest = state
            .lowest
            .map_or(state.rise, |lowest| lowest.min(state.rise));
        let highest = state.highest.unwrap_or(-1.0).max(state.fall);
        (state.lowest, state.highest) = (Some(lowest), Some(highest));
        let rises = state.rise - lowest > self.threshold && self.direction != Direction::Down;
        let falls = highest - state.fall > self.threshold && self.direction != Direction::Up;
        state.drifted = state.mean.count >= self.least as u64 && (rises || falls);
        Ok(if state.drifted {
            Signal::Drift
        } else {
            Signal::Quiet
        })
    }

    fn reset(&mut self) {
        self.state = State::default();
    }
}
