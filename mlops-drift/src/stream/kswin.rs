use std::collections::VecDeque;

use mlops_core::{Error, Result};
use rand::{SeedableRng, seq::index};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{Sequential, Signal, finite, within};
use crate::NumericSample;
use crate::two_sample::{KolmogorovSmirnov, NullDistribution, TwoSampleTest};

/// The least distance that alarms.
const LEAST: f64 = 0.1;

/// Kolmogorov–Smirnov windowing: the newest values of a sliding window against as many drawn from the older ones.
///
/// **Assumption**: independent values. **Guarantee**: alpha for one look; it looks after every observation, so a drift-free
/// stream alarms in the end. **Unit**: see the [module](super). **Errors**: NaN and ±inf. **Cost**: O(window + recent·log) per observation.
/// **Source**: Raab, Heusinger & Schleif, "Reactive soft prototype computing for concept drift streams", Neurocomputing 416,
/// 2020; conventions of river 0.26, with a seeded generator that depends on nothing but seed and position.
///
/// ```
/// use mlops_drift::stream::{Kswin, Sequential, Signal};
/// let mut detector = Kswin::new(1e-4, 100, 30)?;
/// let stream = (0..600).map(|i| f64::from(i * 7 % 11) + if i < 400 { 0.0 } else { 8.0 });
/// let signals = stream.map(|x| detector.observe(x)).collect::<Result<Vec<_>, _>>()?;
/// let alarm = signals.iter().position(|signal| *signal == Signal::Drift).unwrap();
/// assert!((400..430).contains(&alarm));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Kswin {
    alpha: f64,
    size: usize,
    recent: usize,
    seed: u64,
    observations: u64,
    window: VecDeque<f64>,
    drifted: bool,
}

/// A state as it is read, before its parts are known to agree.
#[derive(Deserialize)]
struct Written {
    alpha: f64,
    size: usize,
    recent: usize,
    seed: u64,
    observations: u64,
    window: VecDeque<f64>,
    drifted: bool,
}

impl TryFrom<Written> for Kswin {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self> {
        if written.window.len() > written.size || !written.window.iter().all(|x| x.is_finite()) {
            return Err(Error::invalid(format!(
                "a state must hold at most {} finite values, got {} values",
                written.size,
                written.window.len()
            )));
        }
        Ok(Self {
            observations: written.observations,
            window: written.window,
            drifted: written.drifted,
            ..Self::new(written.alpha, written.size, written.recent)?.seed(written.seed)
        })
    }
}

impl Default for Kswin {
    fn default() -> Self {
        Self {
            alpha: 0.005,
            size: 100,
            recent: 30,
            seed: 0,
            observations: 0,
            window: VecDeque::new(),
            drifted: false,
        }
    }
}

impl Kswin {
    /// With a level for one look (0.005 by default), a window (100) and its recent part (30).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless `0 < alpha < 1` and `1 <= recent <= window / 2`.
    pub fn new(alpha: f64, window: usize, recent: usize) -> Result<Self> {
        if recent == 0 || recent > window / 2 {
            return Err(Error::invalid(format!(
                "recent must lie in [1, {}], got {recent}",
                window / 2
            )));
        }
        Ok(Self {
            alpha: within("alpha", alpha, 0.0, 1.0)?,
            size: window,
            recent,
            ..Self::default()
        })
    }

    /// With another seed (0 by default).
    ///
    /// ```
    /// use mlops_drift::stream::Kswin;
    /// assert_ne!(Kswin::default().seed(1), Kswin::default());
    /// ```
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    fn looks_different(&self) -> Result<bool> {
        let older = self.size - self.recent;
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(self.observations);
        let drawn = index::sample(&mut rng, older, self.recent);
        let drawn = NumericSample::new(drawn.into_iter().map(|i| self.window[i]));
        let recent = NumericSample::new(self.window.range(older..).copied());
        // As river's: the law without ties, which is conservative where there are some.
        let test = KolmogorovSmirnov::default().null(NullDistribution::Exact);
        let result = test.test(&drawn, &recent)?;
        Ok(result.p_value.get() <= self.alpha && result.statistic > LEAST)
    }
}

impl Sequential<f64> for Kswin {
    fn observe(&mut self, value: f64) -> Result<Signal> {
        let value = finite(value)?;
        if self.drifted {
            self.reset();
        }
        self.observations += 1;
        if self.window.len() == self.size {
            self.window.pop_front();
        }
        self.window.push_back(value);
        self.drifted = self.window.len() == self.size && self.looks_different()?;
        Ok(if self.drifted {
            Signal::Drift
        } else {
            Signal::Quiet
        })
    }

    fn reset(&mut self) {
        self.window.clear();
        self.drifted = false;
    }
}
