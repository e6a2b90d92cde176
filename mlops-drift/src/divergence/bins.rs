//! Numeric samples counted in bins that the reference fixes, and the permutation law of any index of the
//! counts, with the bins computed again from each permuted reference.

use mlops_core::{Error, Result};

use crate::permutation::Significance;
use crate::sample::quantile_by;
use crate::two_sample::Permutations;

/// Bins `[low, high)` between the distinct type-7 quantiles of the reference, the outer ones open. A constant
/// reference has three: below, at, and above its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QuantileBins(usize);

impl Default for QuantileBins {
    fn default() -> Self {
        Self(10)
    }
}

impl QuantileBins {
    pub(crate) fn new(bins: usize) -> Result<Self> {
        if (2..=1_000).contains(&bins) {
            return Ok(Self(bins));
        }
        Err(Error::invalid(format!(
            "bins must lie in [2, 1000], got {bins}"
        )))
    }

    /// The inner edges of the bins that an ascending sample fixes, ascending; none for an empty one.
    pub(crate) fn inner_edges(self, reference: &[f64]) -> Vec<f64> {
        self.edges_by(reference.len(), |rank| reference[rank])
    }

    /// The same of so many values that are looked up by rank.
    pub(crate) fn edges_by(self, len: usize, at: impl Fn(usize) -> f64) -> Vec<f64> {
        if len == 0 {
            return Vec::new();
        }
        let (least, greatest) = (at(0), at(len - 1));
        if least == greatest {
            return vec![least, least.next_up()];
        }
        let mut edges: Vec<f64> = self
            .shares()
            .map(|share| quantile_by(len, share, &at))
            .filter(|&edge| least < edge && edge < greatest)
            .collect();
        edges.dedup();
        edges
    }

    /// Whether all values fall into one bin, whatever they are.
    pub(crate) fn are_one(self, reference: &[f64]) -> bool {
        self.inner_edges(reference).is_empty()
    }

    /// The ranks that are looked up for this.
    pub(crate) fn ranks(self, len: usize) -> Vec<usize> {
        if len == 0 {
            return Vec::new();
        }
        let looked_up = std::cell::RefCell::new(vec![0, len - 1]);
        for share in self.shares() {
            quantile_by(len, share, |rank| {
                looked_up.borrow_mut().push(rank);
                0.0
            });
        }
        looked_up.into_inner()
    }

    fn shares(self) -> impl Iterator<Item = f64> {
        // As multiples of a step, as NumPy's `linspace`: 3 · 0.1 lies above 0.3, and where the rank of a quantile is
        // a whole number that decides in which bin its value is.
        let step = 1.0 / self.0 as f64;
        (1..self.0).map(move |bin| bin as f64 * step)
    }

    /// Counts `[reference, current]` per bin of two ascending samples, neither of them empty.
    pub(super) fn counts(self, reference: &[f64], current: &[f64]) -> Vec<[u64; 2]> {
        self.counted(&reference, &current)
    }

    fn counted(self, reference: &impl Ordered, current: &impl Ordered) -> Vec<[u64; 2]> {
        let edges = self.edges_by(reference.len(), |rank| reference.at(rank));
        let (p, q) = (counts(reference, &edges), counts(current, &edges));
        p.into_iter().zip(q).map(|(p, q)| [p, q]).collect()
    }

    /// How often an index of the counts is at least the observed one.
    pub(super) fn permuted(
        self,
        reference: &[f64],
        current: &[f64],
        permutations: Permutations,
        observed: f64,
        index: impl Fn(&[[u64; 2]]) -> f64,
    ) -> Significance {
        let pooled = merge(reference, current);
        let draws_current = current.len() <= reference.len();
        let ranks = (0..pooled.len() as u32).collect();
        let size = reference.len().min(current.len());
        let mut drawn_ranks = Vec::with_capacity(size);
        let bits = pooled.iter().map(|value| value.to_bits());
        permutations.p_value(bits, ranks, size, |drawn| {
            drawn_ranks.clear();
            drawn_ranks.extend_from_slice(drawn);
            drawn_ranks.sort_unstable();
            let drawn = Drawn {
                pooled: &pooled,
                ranks: &drawn_ranks,
            };
            let rest = Rest {
                pooled: &pooled,
                without: &drawn_ranks,
            };
            let permuted = if draws_current {
                self.counted(&rest, &drawn)
            } else {
                self.counted(&drawn, &rest)
            };
            index(&permuted) >= observed * (1.0 - 1e-12)
        })
    }
}

/// Values in ascending order, found by rank: a sample, or a part of the pooled samples.
trait Ordered {
    fn len(&self) -> usize;
    /// The value of this rank, from 0.
    fn at(&self, rank: usize) -> f64;
    /// How many values lie below.
    fn below(&self, edge: f64) -> usize;
}

impl Ordered for &[f64] {
    fn len(&self) -> usize {
        <[f64]>::len(self)
    }

    fn at(&self, rank: usize) -> f64 {
        self[rank]
    }

    fn below(&self, edge: f64) -> usize {
        self.partition_point(|&value| value < edge)
    }
}

/// The pooled values at some ranks, which ascend.
struct Drawn<'a> {
    pooled: &'a [f64],
    ranks: &'a [u32],
}

impl Ordered for Drawn<'_> {
    fn len(&self) -> usize {
        self.ranks.len()
    }

    fn at(&self, rank: usize) -> f64 {
        self.pooled[self.ranks[rank] as usize]
    }

    fn below(&self, edge: f64) -> usize {
        self.ranks
            .partition_point(|&rank| self.pooled[rank as usize] < edge)
    }
}

/// The pooled values without those at some ranks, which ascend.
struct Rest<'a> {
    pooled: &'a [f64],
    without: &'a [u32],
}

impl Ordered for Rest<'_> {
    fn len(&self) -> usize {
        self.pooled.len() - self.without.len()
    }

    fn at(&self, rank: usize) -> f64 {
        // `without[i] - i` values remain before the i-th gap: skip every gap up to this rank.
        let (mut low, mut high) = (0, self.without.len());
        while low < high {
            let middle = (low + high) / 2;
            if self.without[middle] as usize - middle <= rank {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.pooled[rank + low]
    }

    fn below(&self, edge: f64) -> usize {
        let pooled = self.pooled.partition_point(|&value| value < edge);
        let without = self
            .without
            .partition_point(|&rank| self.pooled[rank as usize] < edge);
        pooled - without
    }
}

fn counts(sample: &impl Ordered, edges: &[f64]) -> Vec<u64> {
    let mut before = 0;
    let mut counts: Vec<u64> = Vec::with_capacity(edges.len() + 1);
    for &edge in edges {
        let below = sample.below(edge);
        counts.push((below - before) as u64);
        before = below;
    }
    counts.push((sample.len() - before) as u64);
    counts
}

fn merge(x: &[f64], y: &[f64]) -> Vec<f64> {
    let mut pooled = [x, y].concat();
    pooled.sort_unstable_by(f64::total_cmp);
    pooled
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The rank arithmetic of a permuted split, against writing the two halves out.
        #[test]
        fn a_split_by_ranks_equals_two_written_samples(
            values in prop::collection::vec(0u8..20, 2..40),
            marks in prop::collection::vec(any::<bool>(), 40),
        ) {
            let mut pooled: Vec<f64> = values.into_iter().map(f64::from).collect();
            pooled.sort_unstable_by(f64::total_cmp);
            let ranks: Vec<u32> = (0..pooled.len() as u32).filter(|&r| marks[r as usize]).collect();
            prop_assume!(!ranks.is_empty() && ranks.len() < pooled.len());
            let part = |marked: bool| -> Vec<f64> {
                (0..pooled.len()).filter(|&r| marks[r] == marked).map(|r| pooled[r]).collect()
            };
            let drawn = Drawn { pooled: &pooled, ranks: &ranks };
            let rest = Rest { pooled: &pooled, without: &ranks };
            let bins = QuantileBins::default();
            let (marked, unmarked) = (part(true), part(false));
            let want = bins.counts(&unmarked, &marked);
            prop_assert_eq!(bins.counted(&rest, &drawn), want);
        }
    }
}
