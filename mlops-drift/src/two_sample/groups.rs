//! Means and spreads of both samples of a ladder: what the tests of location and of scale rest on.

use mlops_core::{Error, Result};

use super::NullDistribution;
use super::ladder::Ladder;
use crate::sample::NumericSample;

/// Size of each sample below which values are permuted.
const LEAST_SIZE: f64 = 30.0;
/// Cochran's rule ("Sampling Techniques", section 2.15): a mean is nearly normal from 25 times the
/// square of the skewness.
const COCHRAN: f64 = 25.0;

/// One sample's size, mean, and sum of squared distances from the mean.
#[derive(Clone, Copy)]
pub(super) struct Group {
    pub(super) size: f64,
    pub(super) mean: f64,
    pub(super) squares: f64,
}

impl Group {
    /// With divisor n − 1.
    pub(super) fn variance(&self) -> f64 {
        self.squares / (self.size - 1.0)
    }
}

/// The ladder of two samples whose means are compared: all values finite, at least two in each sample,
/// not all of them equal. Its values are distances from one in the middle, so that a large offset costs a mean no
/// digits.
pub(super) fn comparable(reference: &NumericSample, current: &NumericSample) -> Result<Ladder> {
    let ladder = Ladder::of(reference, current)?;
    let [n, m] = ladder.sizes();
    if n.min(m) < 2 {
        return Err(Error::invalid(format!(
            "both samples must hold at least 2 values, got {n} and {m}"
        )));
    }
    let values = ladder.values();
    let (least, greatest) = (values[0], values[values.len() - 1]);
    let middle = values[values.len() / 2];
    if !(greatest - least).is_finite() {
        return Err(Error::invalid(format!(
            "values must be finite and less than 1.8e308 apart, got {least} to {greatest}"
        )));
    }
    if least == greatest {
        return Err(Error::invalid(format!(
            "the statistic is undefined: all values are {least}"
        )));
    }
    Ok(ladder.centred(middle))
}

/// Both samples' groups of a function of a step's index and of the sample.
pub(super) fn groups(steps: &[[u64; 2]], value: impl Fn(usize, usize) -> f64) -> [Group; 2] {
    [0, 1].map(|side| {
        let sum_of = |f: &dyn Fn(usize) -> f64| -> f64 {
            let terms = steps.iter().enumerate().filter(|(_, step)| step[side] > 0);
            terms
                .map(|(index, step)| step[side] as f64 * f(index))
                .sum()
        };
        let size = sum_of(&|_| 1.0);
        let mean = sum_of(&|index| value(index, side)) / size;
        Group {
            size,
            mean,
            squares: sum_of(&|index| (value(index, side) - mean).powi(2)),
        }
    })
}

/// Whether the law of a mean of `f` is normal enough to be used: decided from the pooled values alone, so
/// that it does not depend on which sample holds which.
pub(super) fn approximates(
    null: NullDistribution,
    ladder: &Ladder,
    f: impl Fn(f64) -> f64,
) -> bool {
    let [n, m] = ladder.sizes();
    let smaller = n.min(m) as f64;
    match null {
        NullDistribution::Automatic => {
            let skewness = pooled_skewness(ladder, f);
            smaller >= LEAST_SIZE && smaller >= COCHRAN * skewness * skewness
        }
        NullDistribution::Exact => false,
        NullDistribution::Asymptotic => true,
    }
}

fn pooled_skewness(ladder: &Ladder, f: impl Fn(f64) -> f64) -> f64 {
    let pooled: Vec<[u64; 2]> = ladder.steps().iter().map(|s| [s[0] + s[1], 0]).collect();
    let values: Vec<f64> = ladder.values().iter().map(|value| f(*value)).collect();
    let [all, _] = groups(&pooled, |index, _| values[index]);
    let deviation = (all.squares / all.size).sqrt();
    let cubes = |index: usize| ((values[index] - all.mean) / deviation).powi(3);
    let [cubes, _] = groups(&pooled, |index, _| cubes(index));
    cubes.mean
}

/// A statistic that the observed samples must define.
pub(super) fn defined(statistic: f64) -> Result<f64> {
    if statistic.is_finite() {
        Ok(statistic)
    } else {
        Err(Error::invalid(format!(
            "the statistic is undefined: no sample varies, got {statistic}"
        )))
    }
}
