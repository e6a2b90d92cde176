use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::Scored;
use crate::stream::part;

/// By how much a weighted mean of shares may lie beyond \[0, 1].
const ROUNDING: f64 = 1e-9;
/// What the weights of all bins may sum to: more, and so would their distances.
const GREATEST: f64 = 1e300;

/// Are probabilities what they say? Predicted and observed shares by bins of equal width.
///
/// ```
/// use mlops_drift::performance::Scored;
/// let scored = Scored::new(&[true, false, true, true], &[0.95, 0.15, 0.85, 0.55])?;
/// let reliability = scored.reliability(15)?;
/// assert!((reliability.expected_calibration_error() - (0.05 + 0.15 + 0.15 + 0.45) / 4.0).abs() < 1e-12);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Reliability {
    /// The bins that hold rows, ascending.
    pub bins: Vec<ReliabilityBin>,
}

/// Bins as they are read, before they are known to hold rows.
#[derive(Deserialize)]
struct Written {
    bins: Vec<ReliabilityBin>,
}

impl TryFrom<Written> for Reliability {
    type Error = Error;

    fn try_from(Written { bins }: Written) -> Result<Self> {
        for bin in &bins {
            part("weight of a bin", bin.weight, f64::MIN_POSITIVE, GREATEST)?;
            for share in [bin.predicted, bin.observed] {
                part("share of a bin", share, -ROUNDING, 1.0 + ROUNDING)?;
            }
        }
        let all = bins.iter().map(|bin| bin.weight).sum();
        part("weight of all bins", all, f64::MIN_POSITIVE, GREATEST)?;
        if !bins.is_sorted_by(|a, b| a.predicted <= b.predicted + ROUNDING) {
            return Err(Error::invalid(
                "the bins of a reliability curve must be in the order of their predicted shares",
            ));
        }
        Ok(Self { bins })
    }
}

/// One bin of a reliability curve.
///
/// ```
/// use mlops_drift::performance::Scored;
/// let scored = Scored::new(&[true, false], &[0.9, 0.9])?;
/// let bin = scored.reliability(10)?.bins[0];
/// assert_eq!((bin.rows, bin.observed), (2, 0.5));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Rows in the bin.
    pub rows: usize,
    /// Their weight: as many as the rows, unless weights were given.
    pub weight: f64,
    /// Their mean probability.
    pub predicted: f64,
    /// Their share of positives.
    pub observed: f64,
}

impl Reliability {
    pub(super) fn of(scored: &Scored, bins: usize) -> Self {
        let mut sums = vec![ReliabilityBin::default(); bins];
        let rows = scored.labels.iter().zip(&scored.probabilities);
        for ((label, probability), weight) in rows.zip(scored.rows.get()) {
            let bin = &mut sums[Self::bin(*probability, bins)];
            bin.rows += 1;
            bin.weight += weight;
            bin.predicted += weight * probability;
            bin.observed += weight * f64::from(u8::from(*label));
        }
        sums.retain(|bin| bin.weight > 0.0);
        for bin in &mut sums {
            bin.predicted /= bin.weight;
            bin.observed /= bin.weight;
        }
        Self { bins: sums }
    }

    /// The number of a probability's bin.
    pub(super) fn bin(probability: f64, bins: usize) -> usize {
        ((probability * bins as f64) as usize).min(bins - 1)
    }

    /// The mean distance between predicted and observed shares, in \[0, 1]. Biased upwards for few rows per
    /// bin: with an interval by [`Scored::calibration_error`].
    pub fn expected_calibration_error(&self) -> f64 {
        let all: f64 = self.bins.iter().map(|bin| bin.weight).sum();
        let gaps = self
            .bins
            .iter()
            .map(|bin| bin.weight * (bin.predicted - bin.observed).abs());
        gaps.sum::<f64>() / all
    }
}
