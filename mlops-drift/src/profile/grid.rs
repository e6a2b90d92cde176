use std::sync::Arc;

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::index::Index;
use super::ranks::{Ordered, grid_ranks};
use crate::divergence::QuantileBins;
use crate::sample::NumericSample;

/// Cut points that a reference fixes, in ascending order: what makes counts of any later table comparable
/// with it.
///
/// k cuts make 2k + 1 cells: below the first cut, at it, between it and the next, and so on. A value that many
/// rows share is a cut of its own, so ties cost no precision; a reference of fewer distinct values than the
/// resolution is kept exactly.
///
/// ```
/// use mlops_drift::NumericSample;
/// use mlops_drift::profile::Grid;
/// let grid = Grid::of(&NumericSample::new((0..10_000).map(f64::from)), Grid::resolution_for(10_000))?;
/// assert!(grid.cuts().len() > 400);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Points", into = "Points")]
pub struct Grid {
    cuts: Arc<[f64]>,
    /// The inner edges of the bins of a stability index: some of the cuts.
    bins: Arc<[f64]>,
    index: Arc<Index>,
}

/// Grids of which one is a clone of the other are told at once.
impl PartialEq for Grid {
    fn eq(&self, other: &Self) -> bool {
        let is_clone = Arc::ptr_eq(&self.index, &other.index);
        is_clone || (self.cuts == other.cuts && self.bins == other.bins)
    }
}

impl Grid {
    /// Cuts at exact quantiles of the finite values of a reference: `resolution` equal steps of rank (type 1), ranks
    /// 1, 2, 4, … from either end, so that tails are resolved too, and the deciles (type 7) that
    /// [`Psi`](crate::divergence::Psi) uses. O(resolution + log n) for a sorted sample.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless `2 <= resolution <= 1048576`.
    pub fn of(reference: &NumericSample, resolution: usize) -> Result<Self> {
        if !(2..=1 << 20).contains(&resolution) {
            return Err(Error::invalid(format!(
                "resolution must lie in [2, 1048576], got {resolution}"
            )));
        }
        Ok(Self::of_ranks(reference, resolution))
    }

    /// The same of values that are looked up by rank.
    pub(super) fn of_ranks(reference: &impl Ordered, resolution: usize) -> Self {
        let sizes = reference.sizes();
        let mut cuts = reference.distinct(resolution).unwrap_or_else(|| {
            let ranks = grid_ranks(sizes, resolution).into_iter();
            ranks.map(|rank| reference.at(rank)).collect()
        });
        let bins = QuantileBins::default();
        let edges = bins.edges_by(sizes.iter().sum(), |rank| reference.at(rank));
        let bins: Vec<f64> = edges.into_iter().filter(|edge| edge.is_finite()).collect();
        cuts.extend(&bins);
        cuts.sort_unstable_by(f64::total_cmp);
        cuts.dedup();
        Self::from_ascending(cuts, bins)
    }

    /// The resolution that keeps a verdict undecided in less than a tenth of drift-free cases: the power of two
    /// from 4·√n, in \[256, 16384].
    ///
    /// ```
    /// use mlops_drift::profile::Grid;
    /// assert_eq!(Grid::resolution_for(1_000_000), 4_096);
    /// ```
    pub fn resolution_for(rows: u64) -> usize {
        let steps = (4.0 * (rows as f64).sqrt()).ceil() as usize;
        steps.next_power_of_two().clamp(256, 16_384)
    }

    /// The cuts, ascending and finite.
    pub fn cuts(&self) -> &[f64] {
        &self.cuts
    }

    /// The inner edges of the ten bins of [`Psi`](crate::divergence::Psi), ascending: some of the cuts.
    pub fn bins(&self) -> &[f64] {
        &self.bins
    }

    /// How many cells: one at every cut, one beside each.
    pub fn cells(&self) -> usize {
        2 * self.cuts.len() + 1
    }

    /// Adds each value to its cell. NaN and ±inf go to the outer cells: leave them out beforehand.
    pub(super) fn count(&self, values: &[f64], cells: &mut [u64]) {
        self.index.count(&self.cuts, values, cells);
    }

    /// The cell of a finite value.
    pub(crate) fn cell(&self, value: f64) -> usize {
        self.index.locate(&self.cuts, value)
    }

    /// How many finite values of an ordered sample lie in each cell.
    pub(crate) fn count_ordered(&self, sample: &impl Ordered) -> Vec<u64> {
        let mut before = 0;
        let ends = self.cuts.iter().flat_map(|&cut| sample.around(cut));
        let counts = ends.chain([sample.sizes()[1]]).map(|end| {
            let count = end - before;
            before = end;
            count as u64
        });
        counts.collect()
    }

    fn from_ascending(cuts: Vec<f64>, bins: Vec<f64>) -> Self {
        Self {
            index: Arc::new(Index::of(&cuts)),
            cuts: cuts.into(),
            bins: bins.into(),
        }
    }
}

/// A grid as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Points {
    cuts: Vec<f64>,
    bins: Vec<f64>,
}

impl TryFrom<Points> for Grid {
    type Error = Error;

    fn try_from(Points { cuts, bins }: Points) -> Result<Self> {
        let ascend = |points: &[f64]| points.windows(2).all(|pair| pair[0] < pair[1]);
        let is_cut = |bin: &f64| cuts.binary_search_by(|cut| cut.total_cmp(bin)).is_ok();
        let finite = cuts.iter().all(|cut| cut.is_finite());
        if finite && ascend(&cuts) && ascend(&bins) && bins.iter().all(is_cut) {
            return Ok(Self::from_ascending(cuts, bins));
        }
        Err(Error::invalid(
            "a grid must hold finite cuts that ascend, and bins that end at cuts, got others",
        ))
    }
}

impl From<Grid> for Points {
    fn from(grid: Grid) -> Self {
        Self {
            cuts: grid.cuts.to_vec(),
            bins: grid.bins.to_vec(),
        }
    }
}

/// The part of an ascending sample without ±inf.
pub(super) fn finite(sorted: &[f64]) -> &[f64] {
    let start = sorted.partition_point(|&value| value == f64::NEG_INFINITY);
    let end = sorted.partition_point(|&value| value < f64::INFINITY);
    &sorted[start..end]
}

/// The distinct values, if they are no more than `most`.
fn distinct(sorted: &[f64], most: usize) -> Option<Vec<f64>> {
    let mut found = Vec::new();
    let mut rest = sorted;
    while let Some(&value) = rest.first() {
        if found.len() == most {
            return None;
        }
        found.push(value);
        rest = &rest[rest.partition_point(|&other| other <= value)..];
    }
    Some(found)
}

impl Ordered for NumericSample {
    fn sizes(&self) -> [usize; 3] {
        let [below, above] = self.infinite();
        [below, self.len() - below - above, above]
    }

    fn at(&self, rank: usize) -> f64 {
        self.sorted()[rank]
    }

    fn distinct(&self, most: usize) -> Option<Vec<f64>> {
        distinct(finite(self.sorted()), most)
    }

    fn around(&self, cut: f64) -> [usize; 2] {
        let finite = finite(self.sorted());
        [
            finite.partition_point(|&value| value < cut),
            finite.partition_point(|&value| value <= cut),
        ]
    }
}
