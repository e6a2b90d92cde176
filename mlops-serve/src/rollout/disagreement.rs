//! Does a challenger predict otherwise once it serves?

use mlops_core::Result;
use mlops_core::evidence::MeanBet;
use serde::{Deserialize, Serialize};

/// How many differences in shadow set the usual range.
const SAMPLE: usize = 4_096;

/// Fewer set none, and nothing is watched.
const LEAST_SAMPLE: usize = 500;

/// A bet that the challenger disagrees with the champion more than it usually did in shadow.
///
/// Both predict on the same requests, so neither the hour nor the weather makes the difference, and a
/// challenger that is calibrated otherwise than the champion is no alarm: one that departs from it
/// further than before is. The range is fixed when the canary starts, so it is known before every
/// request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Disagreement {
    /// The latest differences in shadow.
    sample: Vec<f64>,
    next: usize,
    /// The 1 % and the 99 % quantile of the sample.
    usual: Option<(f64, f64)>,
    pub(super) bet: MeanBet,
}

impl Disagreement {
    /// A bet against at most this share of requests beyond the usual range.
    pub(super) fn new(share: f64) -> Result<Self> {
        Ok(Self {
            sample: Vec::new(),
            next: 0,
            usual: None,
            bet: MeanBet::above(share, 0.0, 1.0)?,
        })
    }

    pub(super) fn learn(&mut self, difference: f64) {
        if self.sample.len() < SAMPLE {
            self.sample.push(difference);
        } else {
            self.sample[self.next] = difference;
            self.next = (self.next + 1) % SAMPLE;
        }
    }

    /// Sets the usual range from the sample.
    pub(super) fn fix(&mut self) {
        let mut sample = std::mem::take(&mut self.sample);
        if sample.len() >= LEAST_SAMPLE {
            sample.sort_by(f64::total_cmp);
            let beyond = sample.len() / 100;
            self.usual = Some((sample[beyond], sample[sample.len() - 1 - beyond]));
        }
    }

    pub(super) fn observe(&mut self, difference: f64) -> Result<()> {
        let Some((low, high)) = self.usual else {
            return Ok(());
        };
        let beyond = !(low..=high).contains(&difference);
        Ok(self.bet.observe(f64::from(u8::from(beyond)))?)
    }
}
