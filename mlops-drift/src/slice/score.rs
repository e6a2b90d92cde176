//! SliceLine: the slices with the greatest scores, exactly, by bounds that their parents set.

use std::cmp::Ordering;

use mlops_core::Result;

use super::bits::{Layout, RowSet};
use super::cut::Cut;
use super::search::{self, Search};

/// What a score weighs, and how many slices are kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Score {
    /// The weight of the error; the rest is that of the size.
    pub(super) weight: f64,
    /// Rows that a slice must hold.
    pub(super) least: u64,
    pub(super) keep: usize,
}

/// A slice with a score above 0.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scored {
    pub(super) score: f64,
    pub(super) predicates: Vec<u32>,
}

/// Rows, their losses together, and the greatest of these.
#[derive(Clone, Copy)]
pub(super) struct Sums {
    rows: u64,
    loss: f64,
    worst: f64,
}

struct Visitor<'a> {
    losses: &'a [f64],
    mean: f64,
    score: Score,
    best: Vec<Scored>,
}

/// The best slices of the first rows, which have these losses, best first.
pub(super) fn best(cut: &Cut, losses: &[f64], depth: usize, score: Score) -> Result<Vec<Scored>> {
    let mean = losses.iter().sum::<f64>() / losses.len() as f64;
    if mean <= 0.0 {
        return Ok(Vec::new());
    }
    let mut visitor = Visitor {
        losses,
        mean,
        score,
        best: Vec::new(),
    };
    search::run(&mut visitor, cut, &Layout::of_one(losses.len()), depth)?;
    Ok(visitor.best)
}

impl Visitor<'_> {
    /// a·(mean loss inside/mean loss − 1) − (1 − a)·(rows/rows inside − 1).
    fn score(&self, rows: f64, loss: f64) -> f64 {
        let all = self.losses.len() as f64;
        let weight = self.score.weight;
        weight * (loss / rows / self.mean - 1.0) - (1.0 - weight) * (all / rows - 1.0)
    }

    /// The greatest score of any slice inside all of these. With s rows its loss is min(s·worst, loss) at
    /// most; the score grows with s up to loss/worst, and is monotone beyond: the greatest is at loss/worst
    /// or at the greatest s.
    fn ceiling(&self, parents: &[Sums]) -> f64 {
        let least_of =
            |value: fn(&Sums) -> f64| parents.iter().map(value).fold(f64::INFINITY, f64::min);
        let (rows, loss, worst) = (
            least_of(|sums| sums.rows as f64),
            least_of(|sums| sums.loss),
            least_of(|sums| sums.worst),
        );
        let all_worst = (loss / worst).clamp((self.score.least as f64).min(rows), rows);
        let of = |size: f64| self.score(size, (size * worst).min(loss));
        of(all_worst).max(of(rows))
    }

    /// The score that a slice must exceed.
    fn bar(&self) -> f64 {
        let last = self.best.get(self.score.keep.wrapping_sub(1));
        last.map_or(0.0, |scored| scored.score)
    }

    fn keep(&mut self, score: f64, predicates: &[u32]) {
        if score <= self.bar() || self.score.keep == 0 {
            return;
        }
        let not_below = |other: &Scored| other.score.total_cmp(&score) != Ordering::Less;
        let at = self.best.partition_point(not_below);
        let predicates = predicates.to_vec();
        self.best.insert(at, Scored { score, predicates });
        self.best.truncate(self.score.keep);
    }
}

impl Search for Visitor<'_> {
    type Slice = Sums;

    fn least(&self) -> u64 {
        self.score.least
    }

    fn is_promising(&self, parents: &[Sums]) -> bool {
        // Rounding must not cut off a slice as good as its bound.
        self.ceiling(parents) * (1.0 + 1e-9) >= self.bar()
    }

    fn visit(&mut self, predicates: &[u32], parents: &[Sums], rows: &RowSet) -> Option<Sums> {
        let size = rows.len();
        let is_all = size == self.losses.len() as u64;
        if size < self.score.least || is_all || parents.iter().any(|parent| parent.rows == size) {
            return None;
        }
        let (mut loss, mut worst) = (0.0_f64, 0.0_f64);
        rows.each(|row| {
            loss += self.losses[row];
            worst = worst.max(self.losses[row]);
        });
        self.keep(self.score(size as f64, loss), predicates);
        let rows = size;
        (loss > 0.0).then_some(Sums { rows, loss, worst })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int32Array, RecordBatch};
    use proptest::prelude::*;

    use super::*;
    use crate::slice::Lattice;

    /// Every conjunction of three columns, one after the other.
    fn naive(cut: &Cut, losses: &[f64], depth: usize, score: Score) -> Vec<f64> {
        let mean = losses.iter().sum::<f64>() / losses.len() as f64;
        let predicates: Vec<u32> = cut.members(losses.len()).map(|(id, _)| id).collect();
        let rows = |ids: &[u32]| -> Vec<usize> {
            (0..losses.len())
                .filter(|row| cut.holds(ids, *row))
                .collect()
        };
        let mut scores = Vec::new();
        for subset in 1_u64..1 << predicates.len() {
            let ids: Vec<u32> = (0..predicates.len())
                .filter(|i| subset >> i & 1 == 1)
                .map(|i| predicates[i])
                .collect();
            let mut columns: Vec<u32> = ids.iter().map(|id| cut.column_of(*id)).collect();
            columns.dedup();
            let inside = rows(&ids);
            let shorter = (0..ids.len()).map(|i| [&ids[..i], &ids[i + 1..]].concat());
            let is_new = shorter
                .into_iter()
                .all(|fewer| rows(&fewer).len() > inside.len());
            if columns.len() < ids.len()
                || ids.len() > depth
                || (inside.len() as u64) < score.least
                || !is_new
            {
                continue;
            }
            let error: f64 = inside.iter().map(|row| losses[*row]).sum();
            let share = losses.len() as f64 / inside.len() as f64;
            scores.push(
                score.weight * (error / inside.len() as f64 / mean - 1.0)
                    - (1.0 - score.weight) * (share - 1.0),
            );
        }
        scores.retain(|score| *score > 0.0);
        scores.sort_by(|x, y| y.total_cmp(x));
        scores.truncate(score.keep);
        scores
    }

    proptest! {
        #[test]
        fn the_best_slices_are_those_of_an_exhaustive_search(
            rows in prop::collection::vec((0..3, 0..3, 0..2, 0..5_u8), 12..60),
            keep in 1_usize..5,
            least in 1_u64..6,
            weight in 0.3..1.0,
        ) {
            let column = |of: fn(&(i32, i32, i32, u8)) -> i32| -> ArrayRef {
                Arc::new(Int32Array::from_iter_values(rows.iter().map(of)))
            };
            let columns = [("x", column(|row| row.0)), ("y", column(|row| row.1)), ("z", column(|row| row.2))];
            let batch = RecordBatch::try_from_iter(columns).unwrap();
            let losses: Vec<f64> = rows.iter().map(|row| f64::from(row.3) / 4.0).collect();
            let cut = Cut::of(&[&batch], &Lattice::default(), losses.len()).unwrap();
            let score = Score { weight, least, keep };
            for depth in 1..=3 {
                let found = best(&cut, &losses, depth, score).unwrap();
                let got: Vec<f64> = found.iter().map(|scored| scored.score).collect();
                let want = naive(&cut, &losses, depth, score);
                prop_assert_eq!(got.len(), want.len());
                for (got, want) in got.iter().zip(&want) {
                    prop_assert!((got - want).abs() < 1e-9, "{got} is not {want}");
                }
            }
        }
    }
}
