use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::Scored;
use crate::stream::part;

/// Probabilities that hold on the reference: isotonic regression of labels on scores.
///
/// **Statistic**: the non-decreasing function of the score that fits the labels best by least squares, by
/// pooling adjacent violators; straight lines between the pools, constant beyond the ends, as in
/// scikit-learn. **Assumption**: a greater score never means a smaller probability. **Guarantee**: consistent
/// under it; on the rows of the fit the mean probability is the share of positives. **Weakness**: overfits
/// below some 1,000 rows; holds for current rows only while the relation of score and label does. **Cost**:
/// O(n log n). **Source**: Zadrozny & Elkan, "Transforming classifier scores into accurate multiclass
/// probability estimates", KDD 2002; Ayer, Brunk, Ewing, Reid & Silverman, "An empirical distribution
/// function for sampling with incomplete information", Annals of Mathematical Statistics 26, 1955.
///
/// ```
/// use mlops_drift::performance::{Calibration, Scored};
/// let reference = Scored::new(&[false, true, false, true], &[0.1, 0.6, 0.7, 0.9])?;
/// let calibration = Calibration::isotonic(&reference);
/// assert_eq!(calibration.of(&[0.0, 0.65, 1.0])?, [0.0, 0.5, 1.0]);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Calibration {
    /// Score and probability at the ends of each pool, ascending.
    knots: Vec<(f64, f64)>,
    /// Ascending.
    pools: Vec<Fitted>,
}

/// A calibration as it is read, before its parts are known to agree.
#[derive(Deserialize)]
struct Written {
    knots: Vec<(f64, f64)>,
    pools: Vec<Fitted>,
}

impl TryFrom<Written> for Calibration {
    type Error = Error;

    fn try_from(Written { knots, pools }: Written) -> Result<Self> {
        if pools.is_empty() {
            return Err(Error::invalid(
                "a calibration must hold at least 1 pool, got 0",
            ));
        }
        pools.iter().try_for_each(Fitted::require_possible)?;
        let rises = |a: &Fitted, b: &Fitted| a.last < b.last && a.share < b.share;
        if !pools.is_sorted_by(rises) {
            return Err(Error::invalid(
                "the scores and the shares of a calibration's pools must rise from pool to pool",
            ));
        }
        require_ends_of_pools(&knots, &pools)?;
        Ok(Self { knots, pools })
    }
}

/// An error unless every pool has its last knot, and the first one where that is another, with its share.
fn require_ends_of_pools(knots: &[(f64, f64)], pools: &[Fitted]) -> Result<()> {
    let mut left = knots;
    for pool in pools {
        let (own, others) = left.split_at(left.partition_point(|(score, _)| *score <= pool.last));
        let of_pool = |(score, share): &(f64, f64)| *score >= 0.0 && *share == pool.share;
        let rise = own.is_sorted_by(|(a, _), (b, _)| a < b);
        let last = own.last().is_some_and(|(score, _)| *score == pool.last);
        if own.len() > 2 || !rise || !last || !own.iter().all(of_pool) {
            return Err(Error::invalid(format!(
                "the knots of a calibration must be the ends of its pools, got {own:?} of the pool that ends at {}",
                pool.last
            )));
        }
        left = others;
    }
    match left.first() {
        Some((score, _)) => Err(Error::invalid(format!(
            "the knots of a calibration must be the ends of its pools, got one at {score} beyond the last"
        ))),
        None => Ok(()),
    }
}

/// What a pool came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Fitted {
    /// Its greatest score.
    last: f64,
    share: f64,
    weight: f64,
    /// As many rows of equal weight would carry as much.
    rows: f64,
}

impl Fitted {
    /// An error for a pool of no rows, or beyond \[0, 1].
    fn require_possible(&self) -> Result<()> {
        part("score of a pool", self.last, 0.0, 1.0)?;
        part("share of a pool", self.share, 0.0, 1.0)?;
        part("weight of a pool", self.weight, f64::MIN_POSITIVE, f64::MAX)?;
        part("rows of a pool", self.rows, 1.0 - ROUNDING, f64::MAX)?;
        Ok(())
    }
}

/// By how much (Σ weight)²/Σ weight² of one row may lie below 1.
const ROUNDING: f64 = 1e-9;

/// Neighbouring scores with one probability.
struct Pool {
    first: f64,
    last: f64,
    weight: f64,
    /// Σ weight².
    squares: f64,
    positives: f64,
}

impl Pool {
    fn share(&self) -> f64 {
        self.positives / self.weight
    }
}

impl Calibration {
    /// Of labelled rows, with their weights.
    pub fn isotonic(reference: &Scored) -> Self {
        let mut pools: Vec<Pool> = Vec::new();
        for next in by_score(reference) {
            let mut next = next;
            while let Some(before) = pools.pop_if(|before| before.share() >= next.share()) {
                next = Pool {
                    first: before.first,
                    last: next.last,
                    weight: before.weight + next.weight,
                    squares: before.squares + next.squares,
                    positives: before.positives + next.positives,
                };
            }
            pools.push(next);
        }
        let ends = |pool: &Pool| [(pool.first, pool.share()), (pool.last, pool.share())];
        let mut knots: Vec<(f64, f64)> = pools.iter().flat_map(ends).collect();
        knots.dedup();
        let pools = pools.iter();
        Self {
            knots,
            pools: pools
                .map(|pool| Fitted {
                    last: pool.last,
                    share: pool.share(),
                    weight: pool.weight,
                    rows: pool.weight * pool.weight / pool.squares,
                })
                .collect(),
        }
    }

    /// The probability of each score.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a NaN.
    pub fn of(&self, scores: &[f64]) -> Result<Vec<f64>> {
        if scores.iter().any(|score| score.is_nan()) {
            return Err(Error::invalid("scores must not be NaN"));
        }
        Ok(scores.iter().map(|score| self.of_one(*score)).collect())
    }

    /// The share of scores beyond those of the reference, where the probability is that of the end.
    ///
    /// ```
    /// # use mlops_drift::performance::{Calibration, Scored};
    /// let reference = Scored::new(&[false, true, false, true], &[0.1, 0.6, 0.7, 0.9])?;
    /// assert_eq!(Calibration::isotonic(&reference).beyond(&[0.05, 0.5]), 0.5);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn beyond(&self, scores: &[f64]) -> f64 {
        let ends = self.knots.first().zip(self.knots.last());
        let inside = |score: &f64| {
            ends.is_some_and(|((least, _), (greatest, _))| (*least..=*greatest).contains(score))
        };
        let outside = scores.iter().filter(|score| !inside(score)).count();
        outside as f64 / scores.len().max(1) as f64
    }

    /// The variance that the pools' shares lend to a figure which changes with the probability of each score
    /// by so much: pools are independent, and half a row of either label is added to each, so that one without
    /// a positive is not taken to be sure.
    pub(super) fn variance(&self, scores: &[f64], changes: &[f64]) -> f64 {
        let pools = self.pools.iter().zip(self.sums(scores, changes));
        let of_pool = |(Fitted { share, rows, .. }, sum): (&Fitted, f64)| {
            let share = (share * rows + 0.5) / (rows + 1.0);
            sum * sum * share * (1.0 - share) / rows
        };
        pools.map(of_pool).sum()
    }

    /// The same of units of the reference that it was fitted to, by how far their labels are from the pools' shares.
    pub(super) fn variance_in_units(
        &self,
        scores: &[f64],
        changes: &[f64],
        reference: &Scored,
    ) -> f64 {
        let sums = self.sums(scores, changes);
        let off = |row: usize| {
            let pool = self.pool_of(reference.probabilities[row]);
            let Fitted { share, weight, .. } = self.pools[pool];
            let label = f64::from(u8::from(reference.labels[row]));
            sums[pool] * reference.rows.get()[row] * (label - share) / weight
        };
        let rows = reference.rows.weighing().map(|row| (row, off(row)));
        reference.rows.clusters.variance_of_sum(rows)
    }

    /// By pool, how much a figure changes with its share.
    fn sums(&self, scores: &[f64], changes: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.pools.len()];
        for (score, change) in scores.iter().zip(changes) {
            sums[self.pool_of(*score)] += change;
        }
        sums
    }

    fn pool_of(&self, score: f64) -> usize {
        let pool = self.pools.partition_point(|pool| pool.last < score);
        pool.min(self.pools.len() - 1)
    }

    fn of_one(&self, score: f64) -> f64 {
        let (below, above) = self
            .knots
            .split_at(self.knots.partition_point(|(x, _)| *x <= score));
        match (below.last(), above.first()) {
            (Some((x0, y0)), Some((x1, y1))) => y0 + (y1 - y0) * ((score - x0) / (x1 - x0)),
            (Some((_, end)), None) | (None, Some((_, end))) => *end,
            (None, None) => score,
        }
    }
}

/// Rows of weight by ascending score, equal scores as one.
fn by_score(reference: &Scored) -> Vec<Pool> {
    let rows = reference.labels.iter().zip(&reference.probabilities);
    let mut pools: Vec<Pool> = rows
        .zip(reference.rows.get())
        .filter(|(_, weight)| **weight > 0.0)
        .map(|((label, score), weight)| Pool {
            first: *score,
            last: *score,
            weight: *weight,
            squares: weight * weight,
            positives: if *label { *weight } else { 0.0 },
        })
        .collect();
    pools.sort_by(|a, b| a.first.total_cmp(&b.first));
    pools.dedup_by(|next, kept| {
        let same = next.first == kept.first;
        if same {
            kept.weight += next.weight;
            kept.squares += next.squares;
            kept.positives += next.positives;
        }
        same
    });
    pools
}
