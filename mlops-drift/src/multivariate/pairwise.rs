//! Statistics of the pairs of rows of two samples, and their permutation law.

use mlops_core::{Error, Result};

use super::Points;
use crate::permutation::Significance;
use crate::two_sample::Permutations;

/// Rows of both samples together up to which the matrix of all pairs is kept: 128 MB.
pub(super) const MOST: usize = 4_000;
/// Pairs added up over all permutations: some seconds.
const BUDGET: u64 = 4_000_000_000;

/// The rows of both samples, those of the reference first.
pub(super) struct Pooled<'a> {
    pub(super) rows: Vec<&'a [f64]>,
    reference: usize,
}

impl<'a> Pooled<'a> {
    pub(super) fn of(reference: &'a Points, current: &'a Points) -> Result<Self> {
        let rows: Vec<&[f64]> = reference.rows().chain(current.rows()).collect();
        if rows.len() > MOST {
            return Err(Error::invalid(format!(
                "both samples together must hold at most {MOST} rows, got {}",
                rows.len()
            )));
        }
        Ok(Self {
            rows,
            reference: reference.len(),
        })
    }

    /// A symmetric function of every two rows.
    pub(super) fn pairwise(&self, value: impl Fn(&[f64], &[f64]) -> f64) -> Pairwise<'_> {
        let rows = self.rows.len();
        let mut cells = vec![0.0; rows * rows];
        for i in 0..rows {
            for j in 0..i {
                let value = value(self.rows[i], self.rows[j]);
                (cells[i * rows + j], cells[j * rows + i]) = (value, value);
            }
        }
        let by_row: Vec<f64> = cells
            .chunks_exact(rows)
            .map(|row| row.iter().sum())
            .collect();
        Pairwise {
            pooled: self,
            total: by_row.iter().sum(),
            cells,
            by_row,
        }
    }
}

/// All values between pooled rows, 0 on the diagonal, with their sums by row and in all.
pub(super) struct Pairwise<'a> {
    pooled: &'a Pooled<'a>,
    cells: Vec<f64>,
    by_row: Vec<f64>,
    total: f64,
}

impl Pairwise<'_> {
    /// Over ordered pairs.
    pub(super) fn total(&self) -> f64 {
        self.total
    }

    /// A statistic of the sums over unordered pairs within both samples and over all pairs between them,
    /// symmetric in the samples, and how often it is as great when rows are dealt anew. Statistics closer
    /// than `slack` count as equal.
    pub(super) fn permuted(
        &self,
        permutations: Permutations,
        slack: f64,
        statistic: impl Fn([f64; 3], usize, usize) -> f64,
    ) -> (f64, Significance) {
        let (n, rows) = (self.pooled.reference, self.pooled.rows.len());
        let smaller = if 2 * n <= rows {
            0..n as u32
        } else {
            n as u32..rows as u32
        };
        let members: Vec<u32> = smaller.collect();
        let size = members.len();
        let of = |members: &[u32]| statistic(self.sums(members), size, rows - size);
        let observed = of(&members);
        let pairs = (size * size) as u64;
        let affordable = u32::try_from(BUDGET / pairs).unwrap_or(u32::MAX);
        let bits = self
            .pooled
            .rows
            .iter()
            .copied()
            .flatten()
            .map(|x| x.to_bits());
        // In an order that does not tell which sample holds which.
        let mut bits: Vec<u64> = bits.collect();
        bits.sort_unstable();
        let p = permutations.at_most(affordable).p_value(
            bits.into_iter(),
            (0..rows as u32).collect(),
            size,
            |drawn| of(drawn) >= observed - slack,
        );
        (observed, p)
    }

    fn sums(&self, members: &[u32]) -> [f64; 3] {
        let rows = self.pooled.rows.len();
        let (mut inside, mut touching) = (0.0, 0.0);
        for &i in members {
            let row = &self.cells[i as usize * rows..][..rows];
            inside += members.iter().map(|&j| row[j as usize]).sum::<f64>();
            touching += self.by_row[i as usize];
        }
        let between = touching - inside;
        let outside = self.total - inside - 2.0 * between;
        [inside / 2.0, outside / 2.0, between]
    }
}
