//! The permutation law of a statistic of counts `[reference, current]` on values or categories.

use super::Permutations;
use super::ladder::sizes;
use crate::permutation::Significance;

/// Statistics closer than rounding count as equal: more extreme than the data or equal to them.
pub(super) const ROUNDING: f64 = 1e-9;

/// How often, with the sizes of both samples and the totals per cell fixed, the statistic is at least
/// the observed one. `pooled` identifies the totals: it is mixed into the seed.
pub(crate) fn permuted(
    cells: &[[u64; 2]],
    pooled: impl Iterator<Item = u64>,
    permutations: Permutations,
    observed: f64,
    mut statistic: impl FnMut(&[[u64; 2]]) -> f64,
) -> Significance {
    let [n, m] = sizes(cells);
    let (few, size) = if n <= m { (0, n) } else { (1, m) };
    let rows = rows(cells);
    let unassigned = unassigned(cells, few);
    let mut assigned = unassigned.clone();
    let slack = if observed.is_finite() {
        ROUNDING * observed.abs()
    } else {
        0.0
    };
    let threshold = observed - slack;
    permutations.p_value(pooled, rows, size as usize, |drawn| {
        assigned.copy_from_slice(&unassigned);
        for &row in drawn {
            let cell = &mut assigned[row as usize];
            cell[few] += 1;
            cell[1 - few] -= 1;
        }
        statistic(&assigned) >= threshold
    })
}

/// The cell of every row.
fn rows(cells: &[[u64; 2]]) -> Vec<u32> {
    (0..)
        .zip(cells)
        .flat_map(|(index, cell)| std::iter::repeat_n(index, (cell[0] + cell[1]) as usize))
        .collect()
}

/// The cells with every row in the larger sample.
fn unassigned(cells: &[[u64; 2]], few: usize) -> Vec<[u64; 2]> {
    let all = |cell: &[u64; 2]| {
        let mut whole = [cell[0] + cell[1]; 2];
        whole[few] = 0;
        whole
    };
    cells.iter().map(all).collect()
}
