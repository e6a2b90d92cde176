use mlops_core::evidence::{EValue, SignificanceLevel};
use mlops_core::{Error, Result};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{Sequential, Signal, at_least, count, finite, part, within};
use crate::NumericSample;
use crate::permutation::shuffle_head;
use crate::profile::Grid;

/// The bets: directions of the linear and of the quadratic part.
const DIRECTIONS: [f64; 3] = [-1.0, 0.0, 1.0];
const BETS: usize = 9;
/// The share of the capital that changes its bet at each step.
const JUMP: f64 = 0.01;
/// Streams of the generator: what one draws says nothing of the other.
const TIES: u64 = 0;
const SPLIT: u64 = 1;
/// What a state may count: no number of observations overflows.
const MOST: u64 = 1 << 53;
/// By how much rounding may move a sum of shares.
const ROUNDING: f64 = 1e-9;

/// Against a reference, one observation at a time: has the law changed, at an error rate that holds for ever?
///
/// **Statistic**: the capital of a gambler who bets that conformal p-values, the ranks of new values among all values so far,
/// are not uniform: nine bets (on low, high, outer or inner ranks, and their mixtures) share the capital and change places slowly.
/// **Hypothesis**: reference and stream are exchangeable. Half of the reference, drawn by a seeded generator, fixes a grid, and the other half starts the
/// ranks. Ranks are those of cells, ties broken by the generator, which keeps the p-values exactly uniform for a reference of any size.
/// **Guarantee**: P([`Signal::Drift`] ever) ≤ alpha (Ville's inequality), however long the stream. Once the capital has reached 1/alpha the signal
/// stays until [`reset`](Sequential::reset).
/// **Weakness**: capital lost on a long quiet stream must be won back first: a late change is seen late; see
/// [`ShiryaevRoberts`]. A change joins the values so far, and is no change after a while.
/// **Unit**: see the [module](super): serial dependence breaks the promise.
/// **Cost**: O(log cells) per observation, memory O(cells). **Errors**: NaN and ±inf.
/// **Source**: Vovk, Petej, Nouretdinov, Ahlberg, Carlsson & Gammerman, "Retrain or not retrain: conformal test martingales for
/// change-point detection", COPA 2021 (arXiv 2102.10439).
///
/// ```
/// use mlops_core::evidence::SignificanceLevel;
/// use mlops_drift::NumericSample;
/// use mlops_drift::stream::{ConformalMartingale, Sequential, Signal};
///
/// let reference: Vec<f64> = (0..1_000).map(|i| f64::from(i * 37 % 100)).collect();
/// let mut martingale = ConformalMartingale::against(&reference, SignificanceLevel::ONE_PERCENT)?;
/// let mut signals = (0..200).map(|i| martingale.observe(f64::from(i * 37 % 100) + 60.0));
/// assert!(signals.any(|signal| signal.is_ok_and(|signal| signal == Signal::Drift)));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WrittenMartingale")]
pub struct ConformalMartingale {
    ranks: Ranks,
    jumper: Jumper,
    alpha: SignificanceLevel,
    ln_capital: f64,
    greatest: f64,
}

/// A state as it is read, before its parts are known to agree.
#[derive(Deserialize)]
struct WrittenMartingale {
    ranks: Ranks,
    jumper: Jumper,
    alpha: SignificanceLevel,
    ln_capital: f64,
    greatest: f64,
}

impl TryFrom<WrittenMartingale> for ConformalMartingale {
    type Error = Error;

    fn try_from(written: WrittenMartingale) -> Result<Self> {
        let ln_capital = part("capital", written.ln_capital, f64::MIN, f64::MAX)?;
        let least = ln_capital.max(0.0);
        Ok(Self {
            ranks: written.ranks,
            jumper: written.jumper,
            alpha: written.alpha,
            ln_capital,
            greatest: part("greatest capital", written.greatest, least, f64::MAX)?,
        })
    }
}

/// The same bets for a stream that never ends: it alarms, and goes on, and false alarms are rare.
///
/// **Statistic**: R = (R + 1)·(growth of the capital in this step); [`Signal::Drift`] when R reaches c, and R starts again at 0.
/// **Guarantee**: without change, the average number of observations until the first alarm is at least c, with no threshold to
/// simulate: R less the number of observations is a martingale. **Weakness**: the delay grows with ln c; for a shift of one
/// deviation about 20 observations at c = 1,000.
/// **Source**: Shin, Ramdas & Rinaldo, "E-detectors: a nonparametric framework for sequential change detection", New England Journal of
/// Statistics in Data Science 2023 (arXiv 2203.03532), section 2. Otherwise as [`ConformalMartingale`].
///
/// ```
/// use mlops_drift::stream::{Sequential, ShiryaevRoberts, Signal};
///
/// let reference: Vec<f64> = (0..1_000).map(|i| f64::from(i * 37 % 100)).collect();
/// let mut detector = ShiryaevRoberts::against(&reference, 100_000.0)?;
/// let mut signals = (0..200).map(|i| detector.observe(f64::from(i * 37 % 100) + 60.0));
/// assert!(signals.any(|signal| signal.is_ok_and(|signal| signal == Signal::Drift)));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WrittenRoberts")]
pub struct ShiryaevRoberts {
    detector: Detector,
    run_length: f64,
}

/// A state as it is read, before its parts are known to agree.
#[derive(Deserialize)]
struct WrittenRoberts {
    detector: Detector,
    run_length: f64,
}

impl TryFrom<WrittenRoberts> for ShiryaevRoberts {
    type Error = Error;

    fn try_from(written: WrittenRoberts) -> Result<Self> {
        let run_length = run_length(written.run_length)?;
        part("statistic", written.detector.statistic, 0.0, run_length)?;
        Ok(Self {
            detector: written.detector,
            run_length,
        })
    }
}

fn run_length(value: f64) -> Result<f64> {
    within("run length", value, 1.0, f64::INFINITY)
}

impl ConformalMartingale {
    /// Against reference values in any order; NaN and ±inf are left out.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than 2 finite values: one for the grid, one for the ranks.
    ///
    /// ```
    /// use mlops_core::evidence::SignificanceLevel;
    /// use mlops_drift::stream::ConformalMartingale;
    /// assert!(ConformalMartingale::against(&[1.0, f64::NAN], SignificanceLevel::FIVE_PERCENT).is_err());
    /// ```
    pub fn against(reference: &[f64], alpha: SignificanceLevel) -> Result<Self> {
        Self::with_seed(reference, alpha, 0)
    }

    /// The same with another seed: it draws the half of the reference that fixes the grid, and the order of ties.
    ///
    /// # Errors
    /// As [`against`](Self::against).
    ///
    /// ```
    /// use mlops_core::evidence::SignificanceLevel;
    /// use mlops_drift::stream::ConformalMartingale;
    /// let martingale = ConformalMartingale::with_seed(&[1.0, 2.0], SignificanceLevel::FIVE_PERCENT, 7)?;
    /// assert_eq!(martingale.e_value().get(), 1.0);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn with_seed(reference: &[f64], alpha: SignificanceLevel, seed: u64) -> Result<Self> {
        Ok(Self {
            ranks: Ranks::of(reference, seed)?,
            jumper: Jumper::default(),
            alpha,
            ln_capital: 0.0,
            greatest: 0.0,
        })
    }

    /// The capital now: an e-value at any stopping time.
    pub fn e_value(&self) -> EValue {
        EValue::from_ln(self.ln_capital)
    }
}

impl Sequential<f64> for ConformalMartingale {
    fn observe(&mut self, value: f64) -> Result<Signal> {
        let p = self.ranks.next(finite(value)?);
        self.ln_capital += self.jumper.grow(p).ln();
        self.greatest = self.greatest.max(self.ln_capital);
        let drifted = EValue::from_ln(self.greatest).rejects_at(self.alpha);
        Ok(if drifted {
            Signal::Drift
        } else {
            Signal::Quiet
        })
    }

    fn reset(&mut self) {
        self.ranks.reset();
        self.jumper = Jumper::default();
        (self.ln_capital, self.greatest) = (0.0, 0.0);
    }
}

impl ShiryaevRoberts {
    /// Against reference values, as [`ConformalMartingale::against`], with an average run length of at least `run_length`
    /// observations without change.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless `1 < run_length < inf`, and for fewer than 2 finite values.
    pub fn against(reference: &[f64], run_length: f64) -> Result<Self> {
        Self::with_seed(reference, run_length, 0)
    }

    /// The same with another seed, see [`ConformalMartingale::with_seed`].
    ///
    /// # Errors
    /// As [`against`](Self::against).
    ///
    /// ```
    /// use mlops_drift::stream::ShiryaevRoberts;
    /// let detector = ShiryaevRoberts::with_seed(&[1.0, 2.0], 1_000.0, 7)?;
    /// assert_eq!(detector.statistic(), 0.0);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn with_seed(reference: &[f64], run_length: f64, seed: u64) -> Result<Self> {
        Ok(Self {
            run_length: self::run_length(run_length)?,
            detector: Detector::against(reference, seed)?,
        })
    }

    /// R now, in \[0, c).
    pub fn statistic(&self) -> f64 {
        self.detector.statistic
    }
}

impl Sequential<f64> for ShiryaevRoberts {
    fn observe(&mut self, value: f64) -> Result<Signal> {
        self.detector.observe(finite(value)?);
        if self.detector.statistic < self.run_length {
            return Ok(Signal::Quiet);
        }
        self.detector.statistic = 0.0;
        Ok(Signal::Drift)
    }

    fn reset(&mut self) {
        self.detector.reset();
    }
}

/// An e-detector: Shiryaev and Roberts' R without a threshold. At any stopping time its expectation is at most that time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WrittenDetector")]
pub(super) struct Detector {
    ranks: Ranks,
    jumper: Jumper,
    statistic: f64,
}

/// A state as it is read, before its parts are known to agree.
#[derive(Deserialize)]
struct WrittenDetector {
    ranks: Ranks,
    jumper: Jumper,
    statistic: f64,
}

impl TryFrom<WrittenDetector> for Detector {
    type Error = Error;

    fn try_from(written: WrittenDetector) -> Result<Self> {
        Ok(Self {
            ranks: written.ranks,
            jumper: written.jumper,
            statistic: part("statistic", written.statistic, 0.0, f64::MAX)?,
        })
    }
}

impl Detector {
    pub(super) fn against(reference: &[f64], seed: u64) -> Result<Self> {
        Ok(Self {
            ranks: Ranks::of(reference, seed)?,
            jumper: Jumper::default(),
            statistic: 0.0,
        })
    }

    pub(super) fn statistic(&self) -> f64 {
        self.statistic
    }

    /// A finite value.
    pub(super) fn observe(&mut self, value: f64) {
        let growth = self.jumper.grow(self.ranks.next(value));
        self.statistic = ((self.statistic + 1.0) * growth).min(f64::MAX);
    }

    pub(super) fn reset(&mut self) {
        self.ranks.reset();
        self.jumper = Jumper::default();
        self.statistic = 0.0;
    }
}

/// Conformal p-values: the rank of each value among all before it, by cell of a grid that none of them had a part in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WrittenRanks")]
struct Ranks {
    grid: Grid,
    /// Counts per cell of the reference's other half.
    reference: Vec<u64>,
    /// Counts per cell of that half and the stream, as sums over ranges.
    counts: Sums,
    seed: u64,
    observations: u64,
}

/// Ranks as they are read, before their parts are known to agree.
#[derive(Deserialize)]
struct WrittenRanks {
    grid: Grid,
    reference: Vec<u64>,
    counts: Sums,
    seed: u64,
    observations: u64,
}

impl TryFrom<WrittenRanks> for Ranks {
    type Error = Error;

    fn try_from(written: WrittenRanks) -> Result<Self> {
        let cells = written.grid.cells();
        let (held, sums) = (written.reference.len(), written.counts.0.len());
        if held != cells || sums != cells + 1 {
            return Err(Error::invalid(format!(
                "a state must hold counts of {cells} cells and {} sums, got {held} and {sums}",
                cells + 1
            )));
        }
        let mut numbers = written.reference.iter().chain(&written.counts.0);
        if numbers.any(|number| *number > MOST) || written.observations > MOST {
            return Err(Error::invalid(format!(
                "a state must count at most {MOST}, got more"
            )));
        }
        let all = written.counts.counts().ok_or_else(|| {
            Error::invalid("the sums of a state must be those of counts, got others")
        })?;
        let (mut streamed, mut cells) = (0, all.iter().zip(&written.reference));
        cells.try_for_each(|(all, reference)| {
            count("count of the reference in a cell", *reference, *all)?;
            streamed += all - reference;
            Ok::<_, Error>(())
        })?;
        count("values in cells", streamed, written.observations)?; // fewer after a reset
        Ok(Self {
            grid: written.grid,
            reference: written.reference,
            counts: written.counts,
            seed: written.seed,
            observations: written.observations,
        })
    }
}

impl Ranks {
    /// The half that fixes the grid is drawn, so that whatever rows have in common with their neighbours, or with every second one, both halves have.
    fn of(reference: &[f64], seed: u64) -> Result<Self> {
        let finite: Vec<f64> = reference
            .iter()
            .copied()
            .filter(|x| x.is_finite())
            .collect();
        at_least("finite values of the reference", finite.len(), 2)?;
        let held_out = finite.len() / 2;
        let mut order: Vec<u32> = (0..finite.len() as u32).collect();
        shuffle_head(&mut order, held_out, &mut generator(seed, SPLIT));
        let sample = |positions: &[u32]| {
            NumericSample::new(positions.iter().map(|&row| finite[row as usize]))
        };
        let grid = Grid::of(
            &sample(&order[..held_out]),
            Grid::resolution_for(held_out as u64),
        )?;
        let reference = grid.count_ordered(&sample(&order[held_out..]));
        Ok(Self {
            counts: Sums::of(&reference),
            grid,
            reference,
            seed,
            observations: 0,
        })
    }

    /// The share of the values so far that lie above, this one's ties and itself in random order: uniform under exchangeability.
    fn next(&mut self, value: f64) -> f64 {
        let cell = self.grid.cell(value);
        let [low, high] = self.ends(cell);
        let p = low + self.uniform() * (high - low);
        self.counts.add(cell);
        self.observations += 1;
        p
    }

    /// Between what shares a value in this cell stands: of the values above, and of those with its ties and itself.
    fn ends(&self, cell: usize) -> [f64; 2] {
        let below = self.counts.until(cell);
        let above = self.counts.total() - self.counts.until(cell + 1);
        let all = self.counts.total() + 1;
        [above, all - below].map(|count| count as f64 / all as f64)
    }

    /// The generator's value at this position, whatever was drawn before.
    fn uniform(&self) -> f64 {
        let mut rng = generator(self.seed, TIES);
        rng.set_word_pos(u128::from(self.observations) * 2);
        rng.random_range(0.0..1.0)
    }

    fn reset(&mut self) {
        self.counts = Sums::of(&self.reference);
    }
}

fn generator(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(stream);
    generator
}

/// Counts per cell with their sums in O(log cells): a binary indexed tree (Fenwick, Software: Practice and Experience 24, 1994).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sums(Vec<u64>);

impl Sums {
    fn of(counts: &[u64]) -> Self {
        let mut sums = Self(vec![0; counts.len() + 1]);
        for (cell, &count) in counts.iter().enumerate() {
            sums.add_many(cell, count);
        }
        sums
    }

    fn add(&mut self, cell: usize) {
        self.add_many(cell, 1);
    }

    fn add_many(&mut self, cell: usize, count: u64) {
        let mut node = cell + 1;
        while let Some(sum) = self.0.get_mut(node) {
            *sum += count;
            node += node & node.wrapping_neg();
        }
    }

    /// The counts of which these are the sums; `None` if there are no such.
    fn counts(&self) -> Option<Vec<u64>> {
        let (first, mut counts) = (self.0.first()?, self.0.get(1..)?.to_vec());
        for node in (1..=counts.len()).rev() {
            let part = counts[node - 1];
            if let Some(whole) = counts.get_mut(node + (node & node.wrapping_neg()) - 1) {
                *whole = whole.checked_sub(part)?;
            }
        }
        (*first == 0).then_some(counts)
    }

    /// The sum of the counts of the first cells.
    fn until(&self, cells: usize) -> u64 {
        let (mut node, mut sum) = (cells, 0);
        while node > 0 {
            sum += self.0[node];
            node &= node - 1;
        }
        sum
    }

    fn total(&self) -> u64 {
        self.until(self.0.len() - 1)
    }
}

/// The simple jumper: nine bets, their shares of the capital, and a hundredth of it dealt anew at each step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WrittenJumper")]
struct Jumper {
    shares: [f64; BETS],
}

/// Shares as they are read, before they are known to make a whole.
#[derive(Deserialize)]
struct WrittenJumper {
    shares: [f64; BETS],
}

impl TryFrom<WrittenJumper> for Jumper {
    type Error = Error;

    fn try_from(WrittenJumper { shares }: WrittenJumper) -> Result<Self> {
        for share in shares {
            part("share of a bet", share, 0.0, 1.0)?;
        }
        let whole = shares.iter().sum();
        part("sum of shares", whole, 1.0 - ROUNDING, 1.0 + ROUNDING)?;
        Ok(Self { shares })
    }
}

impl Default for Jumper {
    fn default() -> Self {
        Self {
            shares: [1.0 / BETS as f64; BETS],
        }
    }
}

impl Jumper {
    /// The factor by which the capital grows at this p-value: at least 0.1, and 1 in expectation if it is uniform.
    fn grow(&mut self, p: f64) -> f64 {
        for (index, share) in self.shares.iter_mut().enumerate() {
            let stake = (1.0 - JUMP) * *share + JUMP / BETS as f64;
            *share = stake * bet(index, p);
        }
        let growth = self.shares.iter().sum::<f64>();
        self.shares = self.shares.map(|share| share / growth);
        growth
    }
}

/// 1 + 0.9·e·(p − ½) + 0.45·e'·(6(p − ½)² − ½): at least 0.1, with integral 1 over \[0, 1].
fn bet(index: usize, p: f64) -> f64 {
    let centred = p - 0.5;
    let (linear, quadratic) = (DIRECTIONS[index / 3], DIRECTIONS[index % 3]);
    1.0 + 0.9 * linear * centred + 0.45 * quadratic * (6.0 * centred * centred - 0.5)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Growth is a polynomial of degree 2 in p, which Simpson's rule integrates exactly: its expectation at uniform p is 1 whatever has been seen,
    /// and no single p ruins.
    #[test]
    fn every_bet_is_fair() {
        let grown = |mut jumper: Jumper, p: f64| jumper.grow(p);
        let expectation =
            |growth: &dyn Fn(f64) -> f64| (growth(0.0) + 4.0 * growth(0.5) + growth(1.0)) / 6.0;
        for index in 0..BETS {
            assert!(
                (expectation(&|p| bet(index, p)) - 1.0).abs() < 1e-15,
                "bet {index}"
            );
            assert!(
                (0..=100_u8).all(|p| bet(index, f64::from(p) / 100.0) >= 0.1 - 1e-15),
                "bet {index}"
            );
        }
        let mut jumper = Jumper::default();
        for p in [0.9, 0.99, 0.5, 0.01, 0.02, 0.97, 0.93, 0.9999, 0.0, 1.0] {
            assert!(
                (expectation(&|p| grown(jumper, p)) - 1.0).abs() < 1e-14,
                "{jumper:?}"
            );
            jumper.grow(p);
        }
        assert!(jumper != Jumper::default());
    }

    /// By the definition: of exchangeable values each is as likely the last, and then the ends of its p tile \[0, 1] evenly, so that p is uniform.
    #[test]
    fn p_is_uniform_whatever_the_ties() {
        let reference: Vec<f64> = (0..40).map(f64::from).collect();
        let values = [3.0, 3.0, 3.0, 11.0, 17.0, 17.0, 200.0];
        let empty = {
            let mut ranks = Ranks::of(&reference, 0).unwrap();
            ranks.reference.fill(0);
            ranks.reset();
            ranks
        };
        for level in [0.05, 0.3, 0.5, 0.77] {
            let below = |last: usize| {
                let mut ranks = empty.clone();
                let others = values
                    .iter()
                    .enumerate()
                    .filter(|(index, _)| *index != last);
                others.for_each(|(_, value)| ranks.counts.add(ranks.grid.cell(*value)));
                let [low, high] = ranks.ends(ranks.grid.cell(values[last]));
                ((level - low) / (high - low)).clamp(0.0, 1.0)
            };
            let probability = (0..values.len()).map(below).sum::<f64>() / values.len() as f64;
            assert!(
                (probability - level).abs() < 1e-12,
                "{probability} for {level}"
            );
        }
    }
}
