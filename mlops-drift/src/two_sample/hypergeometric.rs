//! The exact law of a table whose margins are fixed.

use mlops_core::evidence::PValue;
use mlops_core::{Error, Result};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use statrs::function::factorial::ln_binomial;

use super::contingency::Contingency;

/// Values that are drawn one by one rather than from the law of their number.
const FEW: u64 = 32;

/// The law of the reference's count of one category: how many of `column` values fall to the `n` of n + m.
pub(crate) struct Hypergeometric {
    n: u64,
    m: u64,
    column: u64,
}

impl Hypergeometric {
    pub(crate) fn new([n, m]: [u64; 2], column: u64) -> Self {
        Self { n, m, column }
    }

    /// Of the first of two categories.
    pub(super) fn of(table: &Contingency) -> Self {
        let [a, b] = table.cells()[0];
        Self::new(table.sizes(), a + b)
    }

    /// The cells that this count leaves.
    pub(super) fn cells(&self, count: u64) -> [[u64; 2]; 2] {
        let rest = self.column - count;
        [[count, rest], [self.n - count, self.m - rest]]
    }

    /// The probability of all counts that are at least as extreme as the data, judged by count and probability.
    pub(super) fn p_value(&self, extreme: impl Fn(u64, f64) -> bool) -> PValue {
        let mode = self.mode();
        let terms = self.upwards(mode).chain(self.downwards(mode));
        let extreme = terms.filter(|&(count, probability)| extreme(count, probability));
        PValue::saturating(extreme.map(|(_, probability)| probability).sum())
    }

    /// The probability of all counts that are at least as far from their expectation as this one.
    pub(crate) fn two_sided(&self, count: u64) -> PValue {
        let deviation = self.deviation(count);
        self.p_value(|other, _| self.deviation(other) >= deviation)
    }

    /// How far a count is from its expectation, times n + m.
    fn deviation(&self, count: u64) -> u128 {
        let all = u128::from(self.n) + u128::from(self.m);
        (u128::from(count) * all).abs_diff(u128::from(self.column) * u128::from(self.n))
    }

    /// A random count. By inversion from the mode outwards: O(standard deviation).
    pub(super) fn draw(&self, rng: &mut ChaCha8Rng) -> u64 {
        if self.column.min(self.n) <= FEW {
            return self.draw_one_by_one(rng);
        }
        let mut left = rng.random_range(0.0..1.0_f64);
        let mode = self.mode();
        let (mut upwards, mut downwards) = (self.upwards(mode), self.downwards(mode));
        loop {
            let pair = [upwards.next(), downwards.next()];
            if pair == [None, None] {
                return mode.0; // rounding left a remainder
            }
            for (count, probability) in pair.into_iter().flatten() {
                left -= probability;
                if left < 0.0 {
                    return count;
                }
            }
        }
    }

    /// Of the fewer: each falls among the others with the share that is left of them.
    fn draw_one_by_one(&self, rng: &mut ChaCha8Rng) -> u64 {
        let (few, others) = (self.column.min(self.n), self.column.max(self.n));
        let all = self.n + self.m;
        (0..few).fold(0, |drawn, before| {
            drawn + u64::from(rng.random_range(0..all - before) < others - drawn)
        })
    }

    /// The most probable count, with its probability.
    fn mode(&self) -> (u64, f64) {
        let product = (u128::from(self.column) + 1) * (u128::from(self.n) + 1);
        let mode = (product / (u128::from(self.n) + u128::from(self.m) + 2)) as u64;
        let mode = mode.clamp(self.column.saturating_sub(self.m), self.column.min(self.n));
        (mode, self.probability(mode))
    }

    /// The mode and counts above it with their probabilities, as far as these are more than nothing.
    fn upwards(&self, mode: (u64, f64)) -> impl Iterator<Item = (u64, f64)> {
        std::iter::successors(Some(mode), |&(count, probability)| {
            let more = probability * self.growth(count);
            (count < self.column.min(self.n) && more > 0.0).then_some((count + 1, more))
        })
    }

    /// The counts below the mode.
    fn downwards(&self, mode: (u64, f64)) -> impl Iterator<Item = (u64, f64)> {
        let below = std::iter::successors(Some(mode), |&(count, probability)| {
            let is_above_least = count > self.column.saturating_sub(self.m);
            let less = is_above_least.then(|| probability / self.growth(count - 1))?;
            (less > 0.0).then_some((count - 1, less))
        });
        below.skip(1)
    }

    pub(super) fn probability(&self, count: u64) -> f64 {
        let (n, m) = (self.n, self.m);
        let ln = ln_binomial(n, count) + ln_binomial(m, self.column - count);
        (ln - ln_binomial(n + m, self.column)).exp()
    }

    /// P(count + 1)/P(count).
    fn growth(&self, count: u64) -> f64 {
        let gained = (self.n - count) as f64 * (self.column - count) as f64;
        let lost = (count + 1) as f64 * ((self.m + count + 1) - self.column) as f64;
        gained / lost
    }
}

/// The table of a test of two categories; `None` if there is only one, so that nothing can differ.
pub(super) fn two_by_two(table: Contingency) -> Result<Option<Contingency>> {
    match table.cells().len() {
        1 => Ok(None),
        2 => Ok(Some(table)),
        more => Err(Error::invalid(format!(
            "both samples together must hold at most 2 categories, got {more}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    /// Products of binomial coefficients, in integers.
    fn naive([n, m]: [u64; 2], column: u64) -> Vec<(u64, f64)> {
        let choose =
            |n: u64, k: u64| (1..=u128::from(k)).fold(1, |c, i| c * (u128::from(n - k) + i) / i);
        let counts = column.saturating_sub(m)..=column.min(n);
        let ways = |count| choose(n, count) * choose(m, column - count);
        let all = choose(n + m, column) as f64;
        counts
            .map(|count| (count, ways(count) as f64 / all))
            .collect()
    }

    const MARGINS: [([u64; 2], u64); 6] = [
        ([5, 7], 4),
        ([7, 5], 9),
        ([40, 20], 36),
        ([20, 40], 36),
        ([60, 40], 40),
        ([50, 50], 99),
    ];

    #[test]
    fn p_values_are_those_of_all_tables() {
        for (sizes, column) in MARGINS {
            let (law, terms) = (Hypergeometric::new(sizes, column), naive(sizes, column));
            let mean = column as f64 * sizes[0] as f64 / (sizes[0] + sizes[1]) as f64;
            for &(count, _) in &terms {
                let far =
                    |other: u64| (other as f64 - mean).abs() >= (count as f64 - mean).abs() - 1e-9;
                let wanted: f64 = terms
                    .iter()
                    .filter(|(other, _)| far(*other))
                    .map(|(_, p)| p)
                    .sum();
                let found = law.two_sided(count).get();
                assert!(
                    (found - wanted.min(1.0)).abs() <= 1e-10 * wanted,
                    "{sizes:?} {column} {count}"
                );
            }
        }
    }

    /// Pearson's statistic of 20,000 draws against the law: its expectation is k − 1, and beyond k − 1 + 6·√(2(k − 1)) + 20 it lies
    /// with probability below 1e-6.
    #[test]
    fn draws_follow_the_law() {
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        for (sizes, column) in MARGINS {
            let law = Hypergeometric::new(sizes, column);
            let mut counts = std::collections::BTreeMap::new();
            (0..20_000).for_each(|_| *counts.entry(law.draw(rng)).or_insert(0.0) += 1.0);
            let terms = naive(sizes, column)
                .into_iter()
                .filter(|(_, p)| 20_000.0 * p >= 5.0);
            let parts = terms.map(|(count, p)| {
                let expected = 20_000.0 * p;
                (counts.get(&count).copied().unwrap_or(0.0) - expected).powi(2) / expected
            });
            let parts: Vec<f64> = parts.collect();
            let freedom = parts.len() as f64 - 1.0;
            let most = freedom + 6.0 * (2.0 * freedom).sqrt() + 20.0;
            assert!(parts.iter().sum::<f64>() < most, "{sizes:?} {column}");
        }
    }

    /// Sums over hundreds of thousands of counts stay sums of probabilities.
    #[test]
    fn large_margins_keep_their_digits() {
        let law = Hypergeometric::new([3_000_000, 1_000_000], 800_000);
        assert!((law.p_value(|_, _| true).get() - 1.0).abs() < 1e-6);
        // A normal deviate of 40 standard deviations.
        assert!(law.two_sided(600_000 + 14_000).get() < 1e-200);
    }
}
