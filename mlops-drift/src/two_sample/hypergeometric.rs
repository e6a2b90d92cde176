//! The exact law of a 2 × 2 table whose margins are fixed.

use mlops_core::evidence::PValue;
use mlops_core::{Error, Result};
use statrs::function::factorial::ln_binomial;

use super::contingency::Contingency;

/// The law of the reference's count of the first category.
pub(super) struct Hypergeometric {
    n: u64,
    m: u64,
    column: u64,
    ln_all: f64,
}

impl Hypergeometric {
    /// Of a table with two categories.
    pub(super) fn of(table: &Contingency) -> Self {
        let [n, m] = table.sizes();
        let [a, b] = table.cells()[0];
        Self {
            n,
            m,
            column: a + b,
            ln_all: ln_binomial(n + m, a + b),
        }
    }

    pub(super) fn probability(&self, count: u64) -> f64 {
        let (n, m) = (self.n, self.m);
        (ln_binomial(n, count) + ln_binomial(m, self.column - count) - self.ln_all).exp()
    }

    /// The cells that this count leaves.
    pub(super) fn cells(&self, count: u64) -> [[u64; 2]; 2] {
        let rest = self.column - count;
        [[count, rest], [self.n - count, self.m - rest]]
    }

    /// The probability of all counts that are at least as extreme as the data.
    pub(super) fn p_value(&self, extreme: impl Fn(u64) -> bool) -> PValue {
        let counts = self.column.saturating_sub(self.m)..=self.column.min(self.n);
        let extreme = counts.filter(|&count| extreme(count));
        PValue::saturating(extreme.map(|count| self.probability(count)).sum())
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
