use std::fmt;

use mlops_core::evidence::{EValue, MeanBet, PValue, SignificanceLevel};
use mlops_core::{Error, OutOfRange, Result};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::cut::Cut;
use super::score::{Score, Scored, best};
use super::{Conjunction, Lattice, finder_settings, rows};
use crate::multiplicity::{Correction, Holm};
use crate::permutation::shuffle_head;
use crate::report::{figure, version};
use crate::serial::{SerialCorrelation, Series};
use crate::table::Table;

/// Slices that the search hands to the test, unless set.
const CANDIDATES: usize = 10;
/// The weight of the loss against the size, unless set: as in SliceLine's experiments.
const WEIGHT: f64 = 0.95;
/// A slice must hold this many rows of the searched half, and one in a hundred, unless set.
const LEAST: usize = 32;

/// The slices on which a loss in \[0, 1], or of any range [by rank](Self::by_rank), is greater than on the other rows: searched on one half
/// of them, tested on the other.
///
/// **Search**: the candidates with the greatest score, a·(mean loss inside/mean loss − 1) − (1 −
/// a)·(rows/rows inside − 1), among all slices of the [`Lattice`] that are large enough, exactly, with the
/// bounds of SliceLine.
/// **Hypotheses**: for each candidate, "the mean loss inside is at most that outside". **Test**, on the
/// rows that the search has not seen: each row of the smaller part is set against the mean of a block of
/// the other, and a [bet](MeanBet) that the differences have a mean above 0 gathers evidence; [`Holm`] over
/// the candidates.
/// **Guarantee**: any false report with probability at most alpha, at every size, whatever the law of the
/// losses inside and outside, and whichever other slices are worse.
/// **Assumption**: independent rows, or units by [`Lattice::unit`].
/// **Weakness**: each half sees half of the rows, and a bet pays for its generality; for losses that are 0
/// or 1, [`ErrorSlices`](super::ErrorSlices) sees more. Candidates overlap.
/// **Errors**: a loss outside \[0, 1], NaN among them, another number of losses than rows, fewer than 4
/// rows, and those of [`DriftSlices`](super::DriftSlices). Rows without any loss have no candidates.
/// **Cost**: as for [`DriftSlices`](super::DriftSlices), and O(rows inside) a slice visited.
/// **Source**: Sagadeeva & Boehm, "SliceLine: fast, linear-algebra-based slice finding for ML model
/// debugging", SIGMOD 2021; for the bet see [`MeanBet`].
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::arrow::array::{ArrayRef, RecordBatch, StringArray};
/// use mlops_drift::slice::LossSlices;
///
/// let carrier = StringArray::from_iter_values((0..900).map(|i| ["UA", "B6", "DL"][i % 3]));
/// let table = RecordBatch::try_from_iter([("carrier", Arc::new(carrier) as ArrayRef)])?;
/// let loss = |i| if i % 3 == 1 { 0.6 } else { 0.1 + f64::from(i % 7) / 70.0 };
/// let losses: Vec<f64> = (0..900).map(loss).collect();
/// let report = LossSlices::default().find(&table, &losses)?;
/// assert_eq!(report.found[0].slice.to_string(), "carrier = B6");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LossSlices {
    lattice: Lattice,
    level: SignificanceLevel,
    weight: f64,
    candidates: usize,
    least_rows: Option<usize>,
    by_rank: bool,
}

impl Default for LossSlices {
    /// At 5 %, the default lattice, ten candidates of at least 32 rows and one in a hundred, weight 0.95.
    fn default() -> Self {
        Self {
            lattice: Lattice::default(),
            level: SignificanceLevel::FIVE_PERCENT,
            weight: WEIGHT,
            candidates: CANDIDATES,
            least_rows: None,
            by_rank: false,
        }
    }
}

finder_settings!(LossSlices);

impl LossSlices {
    /// The weight of the loss in the score; the rest is that of the size.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) outside (0, 1].
    ///
    /// ```
    /// use mlops_drift::slice::LossSlices;
    /// assert!(LossSlices::default().weight(0.0).is_err());
    /// ```
    pub fn weight(self, weight: f64) -> Result<Self> {
        if weight > 0.0 && weight <= 1.0 {
            return Ok(Self { weight, ..self });
        }
        Err(OutOfRange::new("weight", "(0, 1]", weight).into())
    }

    /// How many slices the search hands to the test: 10, unless set. Each costs the others power.
    ///
    /// ```
    /// use mlops_drift::slice::LossSlices;
    /// assert_eq!(LossSlices::default().candidates(10), LossSlices::default());
    /// ```
    #[must_use]
    pub fn candidates(self, candidates: usize) -> Self {
        Self { candidates, ..self }
    }

    /// Rows of the searched half that a slice must hold; 0 counts as 1.
    ///
    /// ```
    /// use mlops_drift::slice::LossSlices;
    /// assert_ne!(LossSlices::default().least_rows(100), LossSlices::default());
    /// ```
    #[must_use]
    pub fn least_rows(self, rows: usize) -> Self {
        Self {
            least_rows: Some(rows.max(1)),
            ..self
        }
    }

    /// For losses of any range, such as the errors of a regression: each counts as the share of the searched rows whose loss is less, half of those
    /// whose loss is the same included. These rows fix that scale for those that are tested, so the guarantee is the same, of the hypothesis
    /// "the mean on this scale is inside at most that outside"; it does not depend on the unit, nor on a few enormous losses.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = Arc::new(Int32Array::from_iter_values((0..400).map(|i| i % 4))) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// use mlops_drift::slice::LossSlices;
    /// let errors: Vec<f64> = (0..400).map(|i| f64::from(i % 7) + if i % 4 == 0 { 90.0 } else { 0.0 }).collect();
    /// assert!(LossSlices::default().find(&table, &errors).is_err());
    /// let report = LossSlices::default().by_rank().find(&table, &errors)?;
    /// assert_eq!(report.found[0].slice.to_string(), "x = 0");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn by_rank(self) -> Self {
        Self {
            by_rank: true,
            ..self
        }
    }

    /// Searches the slices of a table whose rows have these losses, and tests what it finds.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for another number of losses than rows,
    /// one outside \[0, 1] (by rank: one that is NaN or infinite), fewer than 4 rows, a null unit, or too large a lattice;
    /// [`SignatureMismatch`](mlops_core::ErrorKind::SignatureMismatch) for a column that is missing;
    /// [`Unsupported`](mlops_core::ErrorKind::Unsupported) for a nested or binary column.
    pub fn find(&self, table: &dyn Table, losses: &[f64]) -> Result<LossSlicesReport> {
        let (batch, chosen) = rows::of(table, &self.lattice, "given")?;
        let losses = rows::values(&chosen, losses, table.rows())?;
        self.require_in_range(&losses, &chosen)?;
        let serial_correlation = Series::of_numbers(losses.iter().copied()).correlation()?;
        let halves = halves(losses.len(), self.lattice.seed)?;
        let batch = rows::take(&batch, &halves)?;
        let losses: Vec<f64> = halves.iter().map(|&row| losses[row as usize]).collect();
        let searched = losses.len() / 2;
        let scale = self.by_rank.then(|| shares_below(&losses[..searched]));
        let scaled: Vec<f64> = match scale {
            Some(share) => losses.iter().map(|&loss| share(loss)).collect(),
            None => losses.clone(),
        };
        let cut = Cut::of(&[&batch], &self.lattice, searched)?;
        let candidates = best(
            &cut,
            &scaled[..searched],
            self.lattice.depth,
            self.score(searched),
        )?;
        let tested: Vec<LossSlice> = candidates
            .iter()
            .map(|c| tested(&cut, [&losses, &scaled], searched, c))
            .collect::<Result<_>>()?;
        let rows = losses.len() - searched;
        Ok(LossSlicesReport {
            nothing_testable: !(self.is_any_searched(&cut, searched)
                && self.is_any_testable(&tested, rows)?),
            serial_correlation,
            ..self.report(tested, rows)
        })
    }

    /// Whether any slice is large enough to be handed to the test: one of a single predicate is, if any is.
    fn is_any_searched(&self, cut: &Cut, searched: usize) -> bool {
        let enough = self.score(searched).least as usize..searched;
        cut.members(searched)
            .any(|(_, members)| enough.contains(&members.len()))
    }

    /// Whether any of the candidates could be called, whatever its losses: Holm's first step must reject it. Without candidates, one that splits
    /// the rows evenly.
    fn is_any_testable(&self, candidates: &[LossSlice], rows: usize) -> Result<bool> {
        let pairs = |slice: &LossSlice| (slice.rows as usize).min(rows - slice.rows as usize);
        let most = candidates.iter().map(pairs).max().unwrap_or(rows / 2);
        let first = self.level.get() / candidates.len().max(1) as f64;
        let mut bet = no_bet()?;
        for _ in 0..most {
            bet.observe(1.0)?;
            if bet.e_value().to_p_value().get() <= first {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Losses of these rows of the table.
    fn require_in_range(&self, losses: &[f64], rows: &[u32]) -> Result<()> {
        let (range, holds): (_, fn(f64) -> bool) = match self.by_rank {
            true => ("(-inf, inf)", f64::is_finite),
            false => ("[0, 1]", |loss| (0.0..=1.0).contains(&loss)),
        };
        match losses.iter().zip(rows).find(|(loss, _)| !holds(**loss)) {
            Some((loss, row)) => Err(Error::invalid(format!(
                "losses must lie in {range}, got {loss} in row {row}"
            ))),
            None => Ok(()),
        }
    }

    fn score(&self, searched: usize) -> Score {
        let least = self
            .least_rows
            .unwrap_or_else(|| LEAST.max(searched.div_ceil(100)));
        Score {
            weight: self.weight,
            least: least as u64,
            keep: self.candidates,
        }
    }

    fn report(&self, mut tested: Vec<LossSlice>, rows: usize) -> LossSlicesReport {
        let p_values: Vec<PValue> = tested.iter().map(|slice| slice.adjusted).collect();
        let adjusted = Holm.adjust(&p_values);
        tested
            .iter_mut()
            .zip(adjusted)
            .for_each(|(slice, p)| slice.adjusted = p);
        let candidates = tested.len();
        tested.retain(|slice| slice.adjusted.rejects_at(self.level));
        tested.sort_by(|x, y| y.e_value.ln().total_cmp(&x.e_value.ln()));
        LossSlicesReport {
            level: self.level,
            rows: rows as u64,
            candidates,
            nothing_testable: false,
            found: tested,
            serial_correlation: None,
            are_units: self.lattice.unit.is_some(),
        }
    }
}

/// A candidate on the rows that the search has not seen, by their losses as they are, which are told, and on the scale of the test.
fn tested(
    cut: &Cut,
    [losses, scaled]: [&[f64]; 2],
    searched: usize,
    candidate: &Scored,
) -> Result<LossSlice> {
    let rows = searched..cut.rows();
    let (inside, outside): (Vec<usize>, Vec<usize>) =
        rows.partition(|row| cut.holds(&candidate.predicates, *row));
    let of = |values: &[f64], rows: &[usize]| -> Vec<f64> {
        rows.iter().map(|&row| values[row]).collect()
    };
    let bet = greater(&of(scaled, &inside), &of(scaled, &outside))?;
    Ok(LossSlice {
        slice: cut.conjunction(&candidate.predicates),
        score: candidate.score,
        rows: inside.len() as u64,
        inside: mean(&of(losses, &inside)),
        outside: mean(&of(losses, &outside)),
        e_value: bet.e_value(),
        adjusted: bet.greatest().to_p_value(), // Ville's inequality: of the greatest, too
    })
}

/// The share of some losses that lie below another one, and half of those that equal it.
fn shares_below(losses: &[f64]) -> impl Fn(f64) -> f64 {
    let mut sorted = losses.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    move |loss| {
        let below = sorted.partition_point(|&other| other < loss);
        let through = sorted.partition_point(|&other| other <= loss);
        (below + through) as f64 / (2.0 * sorted.len() as f64)
    }
}

/// All rows in an order drawn at random: the first half is searched.
fn halves(rows: usize, seed: u64) -> Result<Vec<u32>> {
    if rows < 4 {
        return Err(Error::invalid(format!(
            "the table must hold at least 4 rows, got {rows}"
        )));
    }
    let mut order: Vec<u32> = (0..rows as u32).collect();
    shuffle_head(&mut order, rows, &mut ChaCha8Rng::seed_from_u64(seed));
    Ok(order)
}

/// A bet that a mean of differences of losses in \[0, 1] is above 0, before any of them. It wins the most where each is 1.
fn no_bet() -> Result<MeanBet> {
    Ok(MeanBet::above(0.0, -1.0, 1.0)?)
}

/// A bet that the mean inside is above that outside: each row of the smaller part against a block of the
/// greater, the blocks being disjoint.
fn greater(inside: &[f64], outside: &[f64]) -> Result<MeanBet> {
    let pairs = inside.len().min(outside.len());
    let mut bet = no_bet()?;
    if pairs == 0 {
        return Ok(bet);
    }
    let blocks = |part: &[f64]| -> Vec<f64> {
        part.chunks_exact(part.len() / pairs)
            .take(pairs)
            .map(mean)
            .collect()
    };
    for (x, y) in blocks(inside).into_iter().zip(blocks(outside)) {
        bet.observe((x - y).clamp(-1.0, 1.0))?;
    }
    Ok(bet)
}

/// Finite for finite values, whose sum need not be.
fn mean(values: &[f64]) -> f64 {
    let count = (values.len() as f64).max(1.0);
    let sum: f64 = values.iter().sum();
    match sum.is_finite() {
        true => sum / count,
        false => {
            let shares = values.iter().map(|value| value / count);
            shares.sum::<f64>().clamp(f64::MIN, f64::MAX)
        }
    }
}

/// What [`LossSlices`] found.
///
/// ```
/// use mlops_drift::slice::{LossSlices, LossSlicesReport};
/// # use std::sync::Arc;
/// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// # let column = Arc::new(Int32Array::from_iter_values(0..50)) as ArrayRef;
/// # let table = RecordBatch::try_from_iter([("x", column)])?;
/// let report: LossSlicesReport = LossSlices::default().find(&table, &[0.5; 50])?;
/// assert!(report.found.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossSlicesReport {
    /// The accepted probability of any false report.
    pub level: SignificanceLevel,
    /// Rows that were tested on.
    pub rows: u64,
    /// Slices that were tested.
    pub candidates: usize,
    /// Whether no slice could have been found, whatever the rows hold: they are too few for any slice to reach the level, or the columns hardly
    /// divide them. Nothing is concluded then, of greater losses or of their absence.
    #[serde(default)]
    pub nothing_testable: bool,
    /// Those that are worse than the rest, the greatest evidence first.
    pub found: Vec<LossSlice>,
    /// How much losses of neighbouring rows, or units, resemble each other; `None` of fewer than 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_correlation: Option<SerialCorrelation>,
    /// Whether rows are one of each [unit](Lattice::unit).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub are_units: bool,
}

/// A slice on which the loss is greater than elsewhere, by the rows that the search has not seen.
///
/// ```
/// # use std::sync::Arc;
/// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// # let column = Arc::new(Int32Array::from_iter_values((0..400).map(|i| i % 4))) as ArrayRef;
/// # let table = RecordBatch::try_from_iter([("x", column)])?;
/// use mlops_drift::slice::LossSlices;
/// let losses: Vec<f64> = (0..400).map(|i| if i % 4 == 0 { 0.75 } else { 0.25 }).collect();
/// let report = LossSlices::default().find(&table, &losses)?;
/// assert!(report.found[0].to_string().starts_with("x = 0: mean loss 0.7500 over"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossSlice {
    /// The slice.
    pub slice: Conjunction,
    /// Its score on the searched half: too great, since it was the greatest.
    #[serde(with = "version::float")]
    pub score: f64,
    /// Its rows among those tested on.
    pub rows: u64,
    /// The mean loss of those. An infinite one is text in JSON.
    #[serde(with = "version::float")]
    pub inside: f64,
    /// The mean loss of the others that were tested on.
    #[serde(with = "version::float")]
    pub outside: f64,
    /// The evidence that the loss inside is greater, after all rows.
    pub e_value: EValue,
    /// From the greatest evidence on the way, by Holm over the candidates.
    pub adjusted: PValue,
}

impl fmt::Display for LossSlice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: mean loss {} over {} rows, elsewhere {}, adjusted p {:.1e}",
            self.slice,
            figure(self.inside),
            self.rows,
            figure(self.outside),
            self.adjusted.get()
        )
    }
}
