//! Do a version's predictions change once it serves?

use mlops_core::Result;
use mlops_core::evidence::FailureOdds;
use serde::{Deserialize, Serialize};

/// How many predictions in shadow set the tails.
const SAMPLE: usize = 4_096;

/// Fewer predictions in shadow than this set no tail.
const LEAST_SAMPLE: usize = 500;

/// A tail holds this share of a version's predictions in shadow. Far out, for two healthy versions may
/// well differ in how strongly the hour of the day moves them about the middle of their range; a
/// broken one leaves the range.
const SHARE: f64 = 0.01;

/// Bets that the challenger's predictions lie in its own tails more often than the champion's lie in
/// the champion's.
///
/// Each version is held against what it predicted itself in shadow: a challenger that is calibrated
/// otherwise than the champion is no bug, one that predicts otherwise than it did an hour ago, while
/// the champion does not, is. The tails are fixed when the canary starts, so they are known before
/// every draw.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Tails {
    /// The latest predictions on the same requests, champion's and challenger's.
    sample: Vec<(f64, f64)>,
    next: usize,
    pub(super) above: Tail,
    pub(super) below: Tail,
}

impl Tails {
    pub(super) fn new(margin: f64) -> Result<Self> {
        Ok(Self {
            sample: Vec::new(),
            next: 0,
            above: Tail::new(margin)?,
            below: Tail::new(margin)?,
        })
    }

    pub(super) fn learn(&mut self, champion: f64, challenger: f64) {
        if self.sample.len() < SAMPLE {
            self.sample.push((champion, challenger));
        } else {
            self.sample[self.next] = (champion, challenger);
            self.next = (self.next + 1) % SAMPLE;
        }
    }

    /// Sets where the tails begin, from the sample.
    pub(super) fn fix(&mut self) {
        let (champion, challenger): (Vec<f64>, Vec<f64>) =
            std::mem::take(&mut self.sample).into_iter().unzip();
        let mirrored = |sample: &[f64]| sample.iter().map(|p| -p).collect();
        self.below.bounds = bound(mirrored(&champion)).zip(bound(mirrored(&challenger)));
        self.above.bounds = bound(champion).zip(bound(challenger));
    }

    pub(super) fn observe(&mut self, prediction: f64, share: f64, challenger: bool) -> Result<()> {
        self.above.observe(prediction, share, challenger)?;
        self.below.observe(-prediction, share, challenger)
    }
}

/// One tail: everything above a version's bound.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Tail {
    /// Champion's and challenger's; `None` while unknown, or where there is no tail to speak of.
    bounds: Option<(f64, f64)>,
    pub(super) odds: FailureOdds,
}

impl Tail {
    fn new(margin: f64) -> Result<Self> {
        Ok(Self {
            bounds: None,
            odds: FailureOdds::new(margin)?,
        })
    }

    fn observe(&mut self, prediction: f64, share: f64, challenger: bool) -> Result<()> {
        let bound = self
            .bounds
            .map(|(old, new)| if challenger { new } else { old });
        if bound.is_some_and(|bound| prediction > bound) {
            self.odds.observe_failure(share, challenger)?;
        }
        Ok(())
    }
}

/// The 99 % quantile of a sample, if half a tail at least lies above: values may pile up there.
fn bound(mut sample: Vec<f64>) -> Option<f64> {
    if sample.len() < LEAST_SAMPLE {
        return None;
    }
    sample.sort_by(f64::total_cmp);
    let tail = SHARE * sample.len() as f64;
    let bound = sample[sample.len() - 1 - tail as usize];
    let above = sample.len() - sample.partition_point(|p| *p <= bound);
    (above as f64 >= tail / 2.0).then_some(bound)
}
