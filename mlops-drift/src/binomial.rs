//! The exact binomial law: how surprising is this many rows, and which share is still plausible?

use mlops_core::evidence::{PValue, SignificanceLevel};
use statrs::function::factorial::ln_binomial;

/// Halvings after which two neighbouring floats are left.
const HALVINGS: u32 = 1_100;

/// P(X ≥ k) of X ~ Binomial(n, p): the p-value of "a share of at most p of rows is broken" when k are.
///
/// The lesser tail is summed term by term, so its digits are kept; a regularized incomplete beta function by
/// a continued fraction of fixed length loses them for large n. Cost O(√n) terms.
pub(crate) fn at_least(k: u64, n: u64, p: f64) -> PValue {
    PValue::saturating(match k {
        0 => 1.0,
        k if k > n || p <= 0.0 => 0.0,
        _ if p >= 1.0 => 1.0,
        k if k as f64 > n as f64 * p => upper(k, n, p),
        k => 1.0 - upper(n - k + 1, n, 1.0 - p), // X ≤ k − 1 is n − X ≥ n − k + 1
    })
}

/// Σ over i from k of the probabilities, for k beyond the mean, where they fall.
fn upper(k: u64, n: u64, p: f64) -> f64 {
    let ln_first = ln_binomial(n, k) + k as f64 * p.ln() + (n - k) as f64 * (-p).ln_1p();
    let odds = p / (1.0 - p);
    let (mut term, mut sum) = (1.0, 1.0);
    for i in k..n {
        term *= (n - i) as f64 / (i + 1) as f64 * odds;
        if term < f64::EPSILON * sum / 16.0 {
            break;
        }
        sum += term;
    }
    ln_first.exp() * sum
}

/// The Clopper–Pearson upper bound: k of n rows seen broken, the share of the law is at most this, but for a
/// chance of `error`.
///
/// Clopper & Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
/// Biometrika 26, 1934. For k = 0 it is 1 − error^(1/n), the rule of three at 5 %.
pub(crate) fn share_at_most(k: u64, n: u64, error: SignificanceLevel) -> f64 {
    if k >= n {
        return 1.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        // P(X ≤ k) at this share, as P(n − X ≥ n − k) at its complement.
        match at_least(n - k, n, 1.0 - middle).get() > error.get() {
            true => low = middle,
            false => high = middle,
        }
    }
    high
}

/// The lower bound of the same: the share of the law is at least this, but for a chance of `error`.
pub(crate) fn share_at_least(k: u64, n: u64, error: SignificanceLevel) -> f64 {
    1.0 - share_at_most(n - k.min(n), n, error)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64, relative: f64) {
        assert!((a - b).abs() <= relative * b.abs(), "{a} is not {b}");
    }

    /// By adding up Pascal's triangle, whose terms are exact here.
    #[test]
    fn tails_are_sums_of_pascals_triangle() {
        for n in 1..=40_u64 {
            for p in [0.001, 0.25, 0.5, 0.9] {
                let mut term = (1.0_f64 - p).powi(n as i32);
                let mut law = vec![term];
                for i in 0..n {
                    term *= (n - i) as f64 / (i + 1) as f64 * p / (1.0 - p);
                    law.push(term);
                }
                for k in 0..=n {
                    let tail: f64 = law[k as usize..].iter().rev().sum();
                    close(at_least(k, n, p).get(), tail.min(1.0), 1e-10);
                }
            }
        }
    }

    /// None of n broken: the bound has a closed form. The complement of a share of 3e-7 keeps nine digits.
    #[test]
    fn nothing_seen_is_the_rule_of_three() {
        for n in [1, 10, 12_000, 10_000_000_u64] {
            for alpha in [0.05, 0.001] {
                let error = SignificanceLevel::new(alpha).unwrap();
                let exact = -(alpha.ln() / n as f64).exp_m1();
                close(share_at_most(0, n, error), exact, 1e-6);
            }
        }
    }

    /// Its definition: at the bound, as few broken rows have probability `error`.
    #[test]
    fn the_bound_solves_its_equation() {
        for (k, n) in [
            (1, 2),
            (7, 100),
            (99, 100),
            (500, 1_000),
            (3, 1_000_000_u64),
        ] {
            let error = SignificanceLevel::FIVE_PERCENT;
            let bound = share_at_most(k, n, error);
            close(1.0 - at_least(k + 1, n, bound).get(), 0.05, 1e-6);
        }
        assert_eq!(share_at_most(5, 5, SignificanceLevel::FIVE_PERCENT), 1.0);
        assert_eq!(share_at_most(0, 0, SignificanceLevel::FIVE_PERCENT), 1.0);
    }
}
