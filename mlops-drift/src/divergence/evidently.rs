use mlops_core::evidence::Distance;
use mlops_core::{Error, Result};

use super::Divergence;
use super::jensen_shannon::nats;
use super::kullback_leibler::relative_entropy;
use super::shares::shares;
use crate::sample::{CategoricalSample, NumericSample};
use crate::two_sample::contingency::Contingency;
use crate::two_sample::ladder::Ladder;

/// A reference of at most so many distinct values is compared value by value.
const DISTINCT: usize = 20;

/// Divergences exactly as Evidently 0.7 computes them. For comparison with its reports only: bins depend on the
/// current sample too, and the fill for an empty cell on the rarest other one.
///
/// **Cells**: of numeric samples, if the reference has more than 20 distinct values, bins of equal width between
/// the least and the greatest value of both samples, their number by Sturges's rule; else the distinct values.
/// Of categorical samples the categories. [`Hellinger`](Self::Hellinger) always takes bins of equal width, as many
/// as the rule gives for the number of *distinct* values.
/// **Empty cells** ([`Psi`](Self::Psi) and [`KullbackLeibler`](Self::KullbackLeibler)): a share of 0 counts as
/// 1e-4, or, where the least other share of that sample is at most 1e-4, as a millionth of that.
/// **Null distribution**: none of its own; with [`PermutationTest::of`](crate::two_sample::PermutationTest::of)
/// the level is exact.
/// **Errors**: undefined with an infinite value in either sample.
/// **Cost**: O((n + m) log) with sorting.
///
/// ```
/// use mlops_drift::CategoricalSample;
/// use mlops_drift::divergence::{Divergence, Evidently};
///
/// let reference = CategoricalSample::new(["a", "b"].map(Some));
/// let current = CategoricalSample::new(["a", "a", "a", "b"].map(Some));
/// let psi = Evidently::Psi.divergence(&reference, &current)?;
/// assert!((psi.get() - 0.25 * 3.0_f64.ln()).abs() < 1e-12);
/// assert_eq!(psi.measure(), "psi_evidently");
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidently {
    /// The population stability index, in nats.
    Psi,
    /// Σ p·ln(p/q), p of the reference, after dividing by the sums.
    KullbackLeibler,
    /// The Jensen–Shannon distance in nats.
    JensenShannon,
    /// The Hellinger distance.
    Hellinger,
}

impl Evidently {
    fn of_cells(self, cells: &[[u64; 2]]) -> Result<Distance> {
        let value = match self {
            Self::Psi => filled(cells)
                .iter()
                .map(|[p, q]| (q - p) * (q / p).ln())
                .sum(),
            Self::KullbackLeibler => relative_entropy(&filled(cells)),
            Self::JensenShannon => nats(shares(cells)).sqrt(),
            Self::Hellinger => root_of_rest(shares(cells).map(|[p, q]| (p * q).sqrt()).sum()),
        };
        Ok(Distance::new(value, self.measure())?)
    }

    fn measure(self) -> &'static str {
        match self {
            Self::Psi => "psi_evidently",
            Self::KullbackLeibler => "kullback_leibler_evidently",
            Self::JensenShannon => "jensen_shannon_evidently",
            Self::Hellinger => "hellinger_evidently",
        }
    }
}

impl Divergence<NumericSample> for Evidently {
    fn divergence(&self, reference: &NumericSample, current: &NumericSample) -> Result<Distance> {
        let ladder = Ladder::of(reference, current)?;
        let [n, m] = ladder.sizes();
        let distinct = ladder.steps().iter().filter(|step| step[0] > 0).count();
        if self == &Self::Hellinger && ladder.steps().len() > 1 {
            let histogram = Histogram::of(&ladder, ladder.steps().len() as u64)?;
            Ok(Distance::new(histogram.hellinger(), self.measure())?)
        } else if distinct > DISTINCT {
            self.of_cells(&Histogram::of(&ladder, n + m)?.cells)
        } else {
            self.of_cells(ladder.steps())
        }
    }
}

impl Divergence<CategoricalSample> for Evidently {
    fn divergence(
        &self,
        reference: &CategoricalSample,
        current: &CategoricalSample,
    ) -> Result<Distance> {
        let table = Contingency::of(reference.require("reference")?, current.require("current")?);
        self.of_cells(table.cells())
    }
}

/// The shares with empty cells filled.
fn filled(cells: &[[u64; 2]]) -> Vec<[f64; 2]> {
    let fill = [0, 1].map(|side| {
        let present = shares(cells)
            .map(|pair| pair[side])
            .filter(|share| *share > 0.0);
        let least = present.fold(f64::INFINITY, f64::min);
        if least <= 1e-4 { least / 1e6 } else { 1e-4 }
    });
    let or_fill = |share: f64, fill: f64| if share == 0.0 { fill } else { share };
    let pairs = shares(cells);
    pairs
        .map(|[p, q]| [or_fill(p, fill[0]), or_fill(q, fill[1])])
        .collect()
}

/// Counts in bins `[low, high)` of equal width, the last one closed.
struct Histogram {
    cells: Vec<[u64; 2]>,
    edges: Vec<f64>,
}

impl Histogram {
    /// With as many bins as Sturges gives this size.
    fn of(ladder: &Ladder, size: u64) -> Result<Self> {
        let values = ladder.values();
        let (least, greatest) = (values[0], values[values.len() - 1]);
        if !(greatest - least).is_finite() {
            return Err(Error::invalid(format!(
                "values must be finite and less than 1.8e308 apart, got {least} to {greatest}"
            )));
        }
        let range = greatest - least;
        // As NumPy: the range by the rule's width, which rounding may raise above a whole number.
        let bins = (range / (range / ((size as f64).log2() + 1.0))).ceil() as usize;
        let width = range / bins as f64;
        let inner = (0..bins).map(|bin| least + bin as f64 * width);
        let edges: Vec<f64> = inner.chain([greatest]).collect();
        let mut cells = vec![[0; 2]; bins];
        for (value, step) in values.iter().zip(ladder.steps()) {
            let cell = &mut cells[edges[1..bins].partition_point(|edge| edge <= value)];
            *cell = [cell[0] + step[0], cell[1] + step[1]];
        }
        Ok(Self { cells, edges })
    }

    /// From densities, so that each bin counts with the mean width over its own, which differ by rounding.
    fn hellinger(&self) -> f64 {
        let bins = self.cells.len();
        let width = (self.edges[bins] - self.edges[0]) / bins as f64;
        let terms = shares(&self.cells).zip(self.edges.windows(2));
        let terms = terms.filter(|([p, q], _)| *p > 0.0 && *q > 0.0);
        let affinity = terms.map(|([p, q], ends)| (p * q).sqrt() * width / (ends[1] - ends[0]));
        root_of_rest(affinity.sum())
    }
}

/// √(1 − affinity): of equal samples it leaves the root of a rounding error, some 1e-8, as in the original.
fn root_of_rest(affinity: f64) -> f64 {
    (1.0 - affinity).max(0.0).sqrt()
}
