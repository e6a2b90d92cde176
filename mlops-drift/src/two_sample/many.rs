//! Several numeric samples as one ladder: every distinct value, and how many of each sample stand on it.

use mlops_core::{Error, Result};

use super::Permutations;
use crate::permutation::{Significance, shuffle_head};
use crate::sample::NumericSample;

/// Distinct values, ascending, with the counts of each sample.
pub(super) struct Many {
    values: Vec<f64>,
    /// Of each sample, on every value.
    counts: Vec<Vec<u64>>,
    /// Of all samples together.
    heights: Vec<u64>,
}

impl Many {
    /// Of two samples or more, none of them empty.
    pub(super) fn of(samples: &[&NumericSample]) -> Result<Self> {
        if samples.len() < 2 {
            return Err(Error::invalid(format!(
                "at least 2 samples must be compared, got {}",
                samples.len()
            )));
        }
        let require = |(number, sample): (usize, &&NumericSample)| {
            let role = format!("number {} of the", number + 1);
            sample.require(&role).map(|_| ())
        };
        samples.iter().enumerate().try_for_each(require)?;
        let mut values: Vec<f64> = samples
            .iter()
            .flat_map(|sample| sample.sorted())
            .copied()
            .collect();
        values.sort_unstable_by(f64::total_cmp);
        values.dedup();
        let counts = samples
            .iter()
            .map(|sample| counts(sample.sorted(), &values));
        let counts: Vec<Vec<u64>> = counts.collect();
        let height = |step: usize| counts.iter().map(|sample| sample[step]).sum();
        Ok(Self {
            heights: (0..values.len()).map(height).collect(),
            values,
            counts,
        })
    }

    pub(super) fn sizes(&self) -> Vec<u64> {
        self.counts
            .iter()
            .map(|sample| sample.iter().sum())
            .collect()
    }

    /// The share of all values that stand on the most frequent one.
    pub(super) fn largest_atom(&self) -> f64 {
        let largest = self.heights.iter().max().copied().unwrap_or(0);
        largest as f64 / self.heights.iter().sum::<u64>() as f64
    }

    /// On every value, how many of this sample stand there, and how many of all.
    pub(super) fn steps_of(&self, sample: usize) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.counts[sample]
            .iter()
            .copied()
            .zip(self.heights.iter().copied())
    }

    /// How often the values, dealt anew to samples of these sizes, are `extreme`.
    pub(super) fn permuted(
        &self,
        permutations: Permutations,
        extreme: impl Fn(&Self) -> bool,
    ) -> Significance {
        let sizes = self.sizes();
        let pooled = self.values.iter().zip(&self.heights);
        let bits = pooled.map(|(value, height)| value.to_bits() ^ height.rotate_left(52));
        let mut rows: Vec<u32> = (0..)
            .zip(&self.heights)
            .flat_map(|(step, height)| std::iter::repeat_n(step, *height as usize))
            .collect();
        let mut dealt = Self {
            values: Vec::new(),
            counts: self.counts.clone(),
            heights: self.heights.clone(),
        };
        let cost = rows.len() + self.heights.len() * self.counts.len();
        permutations.sequential(bits, cost as u64, |rng| {
            let all = rows.len();
            shuffle_head(&mut rows, all, rng);
            let mut start = 0;
            for (counts, &size) in dealt.counts.iter_mut().zip(&sizes) {
                counts.fill(0);
                let end = start + size as usize;
                rows[start..end]
                    .iter()
                    .for_each(|&step| counts[step as usize] += 1);
                start = end;
            }
            extreme(&dealt)
        })
    }
}

/// How often each of these values occurs; both ascending.
fn counts(sorted: &[f64], values: &[f64]) -> Vec<u64> {
    let mut rest = sorted;
    let count = |value: &f64| {
        let here = rest.iter().take_while(|x| *x == value).count();
        rest = &rest[here..];
        here as u64
    };
    values.iter().map(count).collect()
}
