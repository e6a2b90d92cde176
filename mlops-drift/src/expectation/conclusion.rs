use mlops_core::evidence::{PValue, SignificanceLevel};

use super::binomial;
use super::expected::Expectation;

/// What a table comes to under one expectation.
pub(super) struct Conclusion {
    pub(super) passed: bool,
    pub(super) p_value: Option<PValue>,
    pub(super) reason: String,
}

impl Conclusion {
    pub(super) fn new(passed: bool, reason: String) -> Self {
        Self {
            passed,
            p_value: None,
            reason,
        }
    }

    pub(super) fn at_level(p: PValue, level: SignificanceLevel, reason: String) -> Self {
        Self {
            passed: !p.rejects_at(level),
            p_value: Some(p),
            reason: format!("{reason}, p-value {:.3e}", p.get()),
        }
    }

    pub(super) fn unchecked(reason: &str) -> Self {
        Self::new(false, format!("cannot be checked: {reason}"))
    }

    /// Of a rule on rows that so many break, the first of them at this row.
    pub(super) fn of_rows(
        expectation: &Expectation,
        broken: u64,
        first: Option<&u64>,
        rows: u64,
    ) -> Self {
        let reason = match first {
            None => format!("obeyed by all {rows} rows"),
            Some(first) => format!("broken by {broken} of {rows} rows, first by row {first}"),
        };
        match (expectation.obeying_share(), expectation.significance()) {
            (mostly, Some(level)) => Self::at_level(
                binomial::at_least(broken, rows, 1.0 - mostly),
                level,
                reason,
            ),
            (mostly, None) => Self::new(obeying(rows - broken, rows) >= mostly, reason),
        }
    }
}

/// As a quotient of integers: 1 of 10 rows is 0.1, which 1 - 9/10 is not.
fn obeying(rows: u64, of: u64) -> f64 {
    match of {
        0 => 1.0,
        of => rows as f64 / of as f64,
    }
}
