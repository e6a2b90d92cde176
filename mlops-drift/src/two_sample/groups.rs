//! Means and spreads of both samples of a ladder: what the tests of location and of scale rest on.

use mlops_core::{Error, Result};

use super::ladder::Ladder;
use super::resample::ROUNDING;
use super::{NullDistribution, Permutations};
use crate::permutation::Significance;
use crate::sample::NumericSample;

/// Size of each sample below which values are permuted.
const LEAST_SIZE: f64 = 30.0;
/// Cochran's rule ("Sampling Techniques", section 2.15): a mean is nearly normal from 25 times the
/// square of the skewness.
const COCHRAN: f64 = 25.0;
/// Standard errors for which that rule is meant, and up to which it is extended: a two-sided level of 0.1 %.
const RANGE: [f64; 2] = [2.0, 3.3];

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
    Ok(in_range(ladder.centred(middle)))
}

/// Values whose squares, and sums of these, neither overflow nor vanish: scaled by a power of two where they would, of which no statistic
/// that compares means with spreads knows.
fn in_range(ladder: Ladder) -> Ladder {
    let greatest = ladder
        .values()
        .iter()
        .map(|value| value.abs())
        .fold(0.0, f64::max);
    if (1e-100..1e100).contains(&greatest) {
        return ladder;
    }
    // In two steps, since the reciprocal of a subnormal number overflows.
    let half = (-greatest.log2() / 2.0).round().exp2();
    ladder.scaled(half).scaled(half)
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

/// Whether the law of a mean of `f` is normal enough to be used at so many standard errors: decided from the pooled
/// values and the statistic, so that it does not depend on which sample holds which. Far out a skewed law is less
/// normal: by the expansion of Edgeworth the relative error of both tails together grows as skewness²/n times the
/// sixth power of the distance. (For exponential values, 120 against 10,000, the law alarms 1.14 times too often at
/// 5 %, 3.2 times at 0.1 %.)
pub(super) fn approximates(
    null: NullDistribution,
    ladder: &Ladder,
    errors: f64,
    f: impl Fn(f64) -> f64,
) -> bool {
    let [n, m] = ladder.sizes();
    let smaller = n.min(m) as f64;
    match null {
        NullDistribution::Automatic => {
            let skewness = pooled_skewness(ladder, f);
            let distance = errors.abs().clamp(RANGE[0], RANGE[1]) / RANGE[0];
            let least = COCHRAN * skewness * skewness * distance.powi(6);
            smaller >= LEAST_SIZE.max(least)
        }
        NullDistribution::Exact => false,
        NullDistribution::Asymptotic => true,
    }
}

/// How often a statistic of the two means and spreads is as great as observed when values are dealt anew. Of each
/// permutation only the smaller sample is added up, O(min(n, m)): the rest follows from the totals.
pub(super) fn permuted(
    ladder: &Ladder,
    permutations: Permutations,
    observed: f64,
    statistic: impl Fn(&[Group; 2]) -> f64,
) -> Significance {
    let pooled: Vec<[u64; 2]> = ladder.steps().iter().map(|s| [s[0] + s[1], 0]).collect();
    let [all, _] = groups(&pooled, |index, _| ladder.values()[index]);
    let rows: Vec<u32> = (0..)
        .zip(&pooled)
        .flat_map(|(index, step)| std::iter::repeat_n(index, step[0] as usize))
        .collect();
    let centred: Vec<f64> = ladder.values().iter().map(|x| x - all.mean).collect();
    let [n, m] = ladder.sizes();
    let size = n.min(m);
    let (few, rest) = (size as f64, all.size - size as f64);
    let threshold = observed - ROUNDING * observed.abs();
    let values = ladder.values().iter().zip(&pooled);
    let bits = values.map(|(value, step)| value.to_bits() ^ step[0].rotate_left(52));
    permutations.p_value(bits, rows, size as usize, |drawn| {
        let (mut sum, mut squares) = (0.0, 0.0);
        for &row in drawn {
            let x = centred[row as usize];
            (sum, squares) = (sum + x, squares + x * x);
        }
        let group = |size: f64, sum: f64, squares: f64| Group {
            size,
            mean: sum / size,
            squares: (squares - sum * sum / size).max(0.0),
        };
        let drawn = group(few, sum, squares);
        let other = group(rest, -sum, all.squares - squares);
        let dealt = if n <= m {
            [drawn, other]
        } else {
            [other, drawn]
        };
        statistic(&dealt) >= threshold
    })
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
            "no sample varies, so that the statistic is undefined, got {statistic}"
        )))
    }
}
