//! The 2 × k table of two categorical samples.

use std::collections::{BTreeMap, BTreeSet};

use crate::sample::CategoricalSample;

/// Counts per category, `[reference, current]`; no category is empty in both.
pub(crate) struct Contingency {
    cells: Vec<[u64; 2]>,
}

impl Contingency {
    pub(crate) fn of(reference: &CategoricalSample, current: &CategoricalSample) -> Self {
        let mut cells: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
        for (side, sample) in [reference, current].into_iter().enumerate() {
            for (label, count) in sample.counts() {
                cells.entry(label).or_default()[side] += count;
            }
        }
        Self::from_cells(cells.into_values())
    }

    /// With the label of every cell.
    pub(crate) fn labelled<'a>(
        reference: &'a CategoricalSample,
        current: &'a CategoricalSample,
    ) -> (Vec<&'a str>, Self) {
        let labels = [reference, current].into_iter().flat_map(|s| s.counts());
        let labels: BTreeSet<&str> = labels.map(|(label, _)| label).collect();
        (labels.into_iter().collect(), Self::of(reference, current))
    }

    pub(crate) fn from_cells(cells: impl IntoIterator<Item = [u64; 2]>) -> Self {
        let cells = cells.into_iter().filter(|cell| *cell != [0, 0]).collect();
        Self { cells }
    }

    pub(crate) fn cells(&self) -> &[[u64; 2]] {
        &self.cells
    }

    /// The sizes of the two samples.
    pub(crate) fn sizes(&self) -> [u64; 2] {
        self.cells
            .iter()
            .fold([0, 0], |sum, cell| [sum[0] + cell[0], sum[1] + cell[1]])
    }

    /// The smallest count that independence expects in any cell.
    pub(crate) fn least_expected(&self) -> f64 {
        let [n, m] = self.sizes();
        let rarest = self
            .cells
            .iter()
            .map(|cell| cell[0] + cell[1])
            .min()
            .unwrap_or(0);
        rarest as f64 * n.min(m) as f64 / (n + m) as f64
    }

    /// Pearson's statistic; `correction` is taken off every deviation (Yates), as far as it goes.
    pub(crate) fn pearson(&self, correction: f64) -> f64 {
        let [n, m] = self.sizes();
        let all = (n + m) as f64;
        let term = |cell: &[u64; 2]| {
            let column = (cell[0] + cell[1]) as f64;
            let deviation = (cell[0] as f64 - column * n as f64 / all).abs();
            // Both cells of a category deviate equally: 1/e1 + 1/e2 = all² / (column·n·m).
            let corrected = deviation - correction.min(deviation);
            corrected * corrected * all * all / (column * n as f64 * m as f64)
        };
        self.cells.iter().map(term).sum()
    }
}
