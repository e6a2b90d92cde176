//! Random tables with fixed margins: what permutations of the rows of two samples make of counts, without the rows.

use mlops_core::evidence::PValue;
use rand_chacha::ChaCha8Rng;

use super::Permutations;
use super::hypergeometric::Hypergeometric;
use super::ladder::sizes;
use crate::permutation::{Significance, beside};

/// Rows whose permutation costs as much as the draw of one count.
const COST: u64 = 400;

/// Cells of two samples, of which the smaller one's counts are drawn anew.
pub(super) struct Tables {
    totals: Vec<u64>,
    sizes: [u64; 2],
    /// The smaller sample.
    few: usize,
}

impl Tables {
    pub(super) fn of(cells: &[[u64; 2]]) -> Self {
        let sizes = sizes(cells);
        Self {
            totals: cells.iter().map(|cell| cell[0] + cell[1]).collect(),
            sizes,
            few: usize::from(sizes[1] < sizes[0]),
        }
    }

    /// Which of the two samples is drawn.
    pub(super) fn few(&self) -> usize {
        self.few
    }

    /// How often a table is at least as extreme as the data, judged by the smaller sample's counts.
    pub(super) fn p_value(
        &self,
        permutations: Permutations,
        mut exceeds: impl FnMut(&[u64]) -> bool,
    ) -> Significance {
        let mut counts = vec![0; self.totals.len()];
        permutations.sequential(self.totals.iter().copied(), self.cost(), |rng| {
            self.draw(&mut counts, rng);
            exceeds(&counts)
        })
    }

    /// The same [beside](beside) an exact bound.
    pub(super) fn p_value_beside(
        &self,
        bound: PValue,
        permutations: Permutations,
        exceeds: impl FnMut(&[u64]) -> bool,
    ) -> Significance {
        beside(bound, permutations.least(self.cost()), || {
            self.p_value(permutations, exceeds)
        })
    }

    fn cost(&self) -> u64 {
        self.totals.iter().map(|&total| total.min(COST)).sum()
    }

    fn draw(&self, counts: &mut [u64], rng: &mut ChaCha8Rng) {
        let (mut some, mut others) = (self.sizes[self.few], self.sizes[1 - self.few]);
        for (count, &total) in counts.iter_mut().zip(&self.totals) {
            *count = Hypergeometric::new([some, others], total).draw(rng);
            some -= *count;
            others -= total - *count;
        }
    }
}
