//! Tarone's correction: what cannot be called anyway need not be paid for.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use mlops_core::evidence::SignificanceLevel;

use super::Direction;

/// Which one-sided hypotheses about slices can reach significance at all, and among how many the level is
/// shared.
///
/// A slice of `x` rows out of `n + m` has, in the best case, the p-value ψ(x) of all its rows in one
/// sample. The factor is the least k with #{hypotheses: ψ ≤ alpha/k} ≤ k: each of those is tested at
/// alpha/k, all others are never called, so that any false call has probability at most k·alpha/k (Tarone,
/// "A modified Bonferroni method for discrete data", Biometrics 46, 1990; for lattices: Terada,
/// Okada-Hatakeyama, Tsuda & Sese, "Statistical significance of combinatorial regulations", PNAS 110,
/// 2013).
pub(super) struct Tarone {
    ln_alpha: f64,
    /// −ln ψ by the rows of a slice, for each direction that is tested.
    surprise: Vec<(Direction, Vec<f64>)>,
    /// The greatest surprise of any direction and any slice inside one of so many rows.
    reach: Vec<f64>,
    /// Of the hypotheses that can reach alpha/factor, the least on top. Bits of a positive number order as
    /// it does.
    testable: BinaryHeap<Reverse<u64>>,
    factor: u64,
    least: u64,
}

impl Tarone {
    pub(super) fn new(sizes: [u64; 2], alpha: SignificanceLevel, directions: &[Direction]) -> Self {
        let both = surprises(sizes);
        let surprise = directions
            .iter()
            .map(|&direction| (direction, both[direction as usize].clone()));
        let surprise: Vec<(Direction, Vec<f64>)> = surprise.collect();
        let mut tarone = Self {
            ln_alpha: alpha.get().ln(),
            reach: reach(&surprise),
            surprise,
            testable: BinaryHeap::new(),
            factor: 1,
            least: 0,
        };
        tarone.least = tarone.least_reaching();
        tarone
    }

    /// Takes in the hypotheses about a slice of so many rows.
    pub(super) fn add(&mut self, rows: u64) {
        for direction in 0..self.surprise.len() {
            let surprise = self.surprise[direction].1[rows as usize];
            if surprise >= self.threshold() {
                self.testable.push(Reverse(surprise.to_bits()));
            }
        }
        let before = self.factor;
        while self.testable.len() as u64 > self.factor {
            self.factor += 1;
            self.drop_untestable();
        }
        if self.factor != before {
            self.least = self.least_reaching();
        }
    }

    fn drop_untestable(&mut self) {
        let threshold = self.threshold();
        let below = |least: &Reverse<u64>| f64::from_bits(least.0) < threshold;
        while self.testable.peek().is_some_and(below) {
            self.testable.pop();
        }
    }

    /// The directions in which a slice of so many rows can be called.
    pub(super) fn testable(&self, rows: u64) -> impl Iterator<Item = Direction> + '_ {
        let threshold = self.threshold();
        let able = self
            .surprise
            .iter()
            .filter(move |(_, by_rows)| by_rows[rows as usize] >= threshold);
        able.map(|(direction, _)| *direction)
    }

    /// Rows that a slice needs so that it, or one inside it, can be called.
    pub(super) fn least(&self) -> u64 {
        self.least
    }

    pub(super) fn factor(&self) -> u64 {
        self.factor
    }

    /// Whether any hypothesis that was taken in can be called.
    pub(super) fn is_any_testable(&self) -> bool {
        !self.testable.is_empty()
    }

    fn threshold(&self) -> f64 {
        (self.factor as f64).ln() - self.ln_alpha
    }

    fn least_reaching(&self) -> u64 {
        let threshold = self.threshold();
        self.reach.partition_point(|reach| *reach < threshold) as u64
    }
}

/// −ln ψ by the rows of a slice: as many of them as possible in the first sample, and in the second.
fn surprises([n, m]: [u64; 2]) -> [Vec<f64>; 2] {
    // ln of (N over x)/(size over x), x = 0, 1, …, size: all of x rows in the sample of this size.
    let all_in = |size: u64| {
        let factors = (0..size).map(|i| ((n + m - i) as f64 / (size - i) as f64).ln());
        let sums = factors.scan(0.0, |sum, factor| {
            *sum += factor;
            Some(*sum)
        });
        std::iter::once(0.0).chain(sums).collect::<Vec<f64>>()
    };
    let (in_first, in_second) = (all_in(n), all_in(m));
    // More rows than the sample has: then all rows outside the slice are in the other one.
    let fold = |inside: &[f64], outside: &[f64]| -> Vec<f64> {
        inside
            .iter()
            .chain(outside.iter().rev().skip(1))
            .copied()
            .collect()
    };
    [fold(&in_first, &in_second), fold(&in_second, &in_first)]
}

fn reach(surprise: &[(Direction, Vec<f64>)]) -> Vec<f64> {
    let sizes = surprise.first().map_or(0, |(_, by_rows)| by_rows.len());
    let greatest = (0..sizes).map(|rows| {
        surprise
            .iter()
            .map(|(_, by_rows)| by_rows[rows])
            .fold(0.0, f64::max)
    });
    let running = greatest.scan(0.0, |greatest, surprise| {
        *greatest = f64::max(*greatest, surprise);
        Some(*greatest)
    });
    running.collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Two samples of three rows: ψ(1) = 1/2, ψ(2) = 3/15 = 1/5, ψ(3) = 1/20, and the same of 6 − x by
    /// symmetry.
    #[test]
    fn the_least_p_value_of_a_slice_is_that_of_all_its_rows_in_one_sample() {
        let [less, more] = surprises([3, 3]);
        for (rows, psi) in [1.0, 0.5, 0.2, 0.05, 0.2, 0.5, 1.0].into_iter().enumerate() {
            assert!((more[rows] + f64::ln(psi)).abs() < 1e-12, "{rows}");
            assert!((less[rows] + f64::ln(psi)).abs() < 1e-12, "{rows}");
        }
        // Two and one: all of x = 1 row in the second sample has probability 1/3, and x = 2 then holds it with 2/3.
        let [less, more] = surprises([2, 1]);
        let want = [
            [1.0, 2.0 / 3.0, 1.0 / 3.0, 1.0],
            [1.0, 1.0 / 3.0, 2.0 / 3.0, 1.0],
        ];
        for rows in 0..4 {
            assert!((less[rows] + f64::ln(want[0][rows])).abs() < 1e-12);
            assert!((more[rows] + f64::ln(want[1][rows])).abs() < 1e-12);
        }
    }

    /// By hand, samples of 5 and 5, one-sided at 5 %: ψ(3) = 10/120 = 0.0833, ψ(4) = 5/210 = 0.0238, ψ(5) =
    /// 1/252 = 0.00397. Two slices of 3 rows, two of 4 and one of 5: at k = 1 three can be called, more
    /// than 1; at k = 2 (0.025) still all three; at k = 3 (0.0167) only the one of 5. So the level is
    /// shared among 3 tests; Bonferroni would share it among 5.
    #[test]
    fn the_factor_is_that_of_a_case_by_hand() {
        let mut tarone = Tarone::new([5, 5], SignificanceLevel::FIVE_PERCENT, &[Direction::More]);
        assert_eq!(tarone.least(), 4);
        assert!(!tarone.is_any_testable());
        for (rows, factor, any) in [
            (3, 1, false),
            (4, 1, true),
            (4, 2, true),
            (3, 2, true),
            (5, 3, true),
        ] {
            tarone.add(rows);
            assert_eq!((tarone.factor(), tarone.is_any_testable()), (factor, any));
        }
        assert_eq!(tarone.least(), 5);
        assert_eq!(tarone.testable(4).count(), 0);
        assert_eq!(tarone.testable(5).collect::<Vec<_>>(), [Direction::More]);
    }

    /// By hand as above, two slices of 4 rows at 4 %: each can reach 0.04, but not 0.02, which is what two of them have.
    #[test]
    fn what_shares_the_level_may_leave_nothing_testable() {
        let alpha = SignificanceLevel::new(0.04).unwrap();
        let mut tarone = Tarone::new([5, 5], alpha, &[Direction::More]);
        for any in [true, false] {
            tarone.add(4);
            assert_eq!(tarone.is_any_testable(), any);
        }
    }
}
