//! Two numeric samples as one ladder: every distinct value, and how many of each sample stand on it.
//! A statistic of ranks is a function of the counts alone, one of moments of counts and values.

use mlops_core::Result;

use super::Permutations;
use super::resample::permuted;
use crate::permutation::Significance;
use crate::sample::NumericSample;

/// Distinct values, ascending, with the counts `[reference, current]` of each.
pub(crate) struct Ladder {
    values: Vec<f64>,
    steps: Vec<[u64; 2]>,
}

impl Ladder {
    /// Of two samples, neither of them empty.
    pub(crate) fn of(reference: &NumericSample, current: &NumericSample) -> Result<Self> {
        let x = reference.require("reference")?.sorted();
        let y = current.require("current")?.sorted();
        Ok(Self::of_sorted(x, y))
    }

    /// Of two ascending slices.
    pub(crate) fn of_sorted(x: &[f64], y: &[f64]) -> Self {
        let (mut values, mut steps) = (Vec::new(), Vec::new());
        let (mut i, mut j) = (0, 0);
        while i < x.len() || j < y.len() {
            let value = match (x.get(i), y.get(j)) {
                (Some(a), Some(b)) => a.min(*b),
                (Some(a), None) => *a,
                (None, b) => b.copied().unwrap_or(f64::NAN),
            };
            let in_x = x[i..].iter().take_while(|&&v| v == value).count();
            let in_y = y[j..].iter().take_while(|&&v| v == value).count();
            values.push(value);
            steps.push([in_x as u64, in_y as u64]);
            (i, j) = (i + in_x, j + in_y);
        }
        Self { values, steps }
    }

    pub(crate) fn values(&self) -> &[f64] {
        &self.values
    }

    pub(crate) fn steps(&self) -> &[[u64; 2]] {
        &self.steps
    }

    /// The sizes of the two samples.
    pub(crate) fn sizes(&self) -> [u64; 2] {
        sizes(&self.steps)
    }

    pub(crate) fn has_ties(&self) -> bool {
        self.steps.iter().any(|step| step[0] + step[1] > 1)
    }

    /// The share of all values that stand on the most frequent one.
    pub(crate) fn largest_atom(&self) -> f64 {
        let [n, m] = self.sizes();
        let largest = self.steps.iter().map(|step| step[0] + step[1]).max();
        largest.unwrap_or(0) as f64 / (n + m) as f64
    }

    /// The same ladder with every value less this one. Keeps sums of squares small.
    pub(crate) fn centred(mut self, origin: f64) -> Self {
        self.values.iter_mut().for_each(|value| *value -= origin);
        self
    }

    /// The same ladder with every value times this one.
    pub(crate) fn scaled(mut self, factor: f64) -> Self {
        self.values.iter_mut().for_each(|value| *value *= factor);
        self
    }

    /// The permutation p-value of a statistic of the steps.
    pub(crate) fn permuted(
        &self,
        permutations: Permutations,
        observed: f64,
        statistic: impl FnMut(&[[u64; 2]]) -> f64,
    ) -> Significance {
        let pooled = self.values.iter().zip(&self.steps);
        let bits =
            pooled.map(|(value, step)| value.to_bits() ^ (step[0] + step[1]).rotate_left(52));
        permuted(&self.steps, bits, permutations, observed, statistic)
    }
}

pub(crate) fn sizes(steps: &[[u64; 2]]) -> [u64; 2] {
    steps
        .iter()
        .fold([0, 0], |sum, step| [sum[0] + step[0], sum[1] + step[1]])
}
