use mlops_core::Result;
use mlops_core::evidence::PValue;

use super::kolmogorov_smirnov::{gcd, lcm};
use super::ladder::Ladder;
use super::{
    NullDistribution, Permutations, TestResult, TwoSampleTest, null_settings, one_of_all_ways,
};
use crate::sample::NumericSample;

/// Steps of the path count up to which it is made: some tens of milliseconds at most.
const COUNTABLE: u64 = 5_000_000;

/// Size of the smaller sample from which the limit law is used: of 3 values against 20,000 it alarms in 5.7 % at 5 %.
const LARGE: u64 = 10;

/// Kuiper's test: the Kolmogorov–Smirnov test that is as sensitive in the tails as at the median.
///
/// **Statistic**: V = D⁺ + D⁻, the greatest distance of the empirical distribution functions upward plus
/// the greatest downward, in \[0, 1]; computed in integers. For angles and times of day it does not
/// depend on where the circle is cut.
/// **Hypothesis**: both samples come from one law.
/// **Assumption**: exchangeable values.
/// **Guarantee**: the exact p-value has its level at every sample size, and is conservative under ties.
/// **Null distribution**: exact by counting lattice paths of a given range, where that takes at most
/// 5·10^6 steps (sizes to about 100, or several hundreds if they share a divisor); otherwise Kuiper's
/// limit law with Stephens's correction for the sample size (at 5 % good to some tenths of a percent, conservative at smaller
/// levels). [`NullDistribution::Exact`] permutes where counting is too dear, and so does the default where a sample has
/// fewer than 10 values.
/// **Cost**: O(n + m) for the statistic of sorted samples.
/// **Source**: Kuiper, "Tests concerning random points on a circle", Indagationes Mathematicae 1960;
/// Stephens, "Use of the Kolmogorov–Smirnov, Cramér–von Mises and related statistics without extensive
/// tables", JRSS B 1970.
///
/// ```
/// use mlops_drift::NumericSample;
/// use mlops_drift::two_sample::{Kuiper, TwoSampleTest};
///
/// let reference = NumericSample::new([1.0, 2.0, 3.0, 4.0]);
/// let current = NumericSample::new([5.0, 6.0, 7.0, 8.0]);
/// let result = Kuiper::default().test(&reference, &current)?;
/// assert_eq!(result.statistic, 1.0);
/// assert!((result.p_value.get() - 8.0 / 70.0).abs() < 1e-12); // 8 of C(8, 4) orders, one per cut
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kuiper {
    null: NullDistribution,
    permutations: Permutations,
}

null_settings!("two_sample", Kuiper);

impl TwoSampleTest<NumericSample> for Kuiper {
    fn test(&self, reference: &NumericSample, current: &NumericSample) -> Result<TestResult> {
        let ladder = Ladder::of(reference, current)?;
        let [n, m] = ladder.sizes();
        let range = range(ladder.steps(), n, m);
        let statistic = range as f64 / lcm(n, m) as f64;
        let countable = range.saturating_mul(n).saturating_mul(m) <= COUNTABLE;
        let (p, method) = match self.null {
            NullDistribution::Automatic | NullDistribution::Exact if countable => {
                (two_sample_sf(range, n, m), "kuiper_exact")
            }
            null if null == NullDistribution::Exact
                || (null == NullDistribution::Automatic && n.min(m) < LARGE) =>
            {
                let p = ladder.permuted(self.permutations, range as f64, |steps| {
                    self::range(steps, n, m) as f64
                });
                return Ok(TestResult::new(statistic, p, "kuiper_permutation"));
            }
            _ => (limit_sf(statistic, n, m), "kuiper_asymptotic"),
        };
        Ok(TestResult::new(statistic, PValue::saturating(p), method))
    }
    /// On a circle one sample beside the other: as many of all ways to part the values as there are values.
    fn least_p_value(&self, sizes: [usize; 2]) -> f64 {
        let turns = (sizes[0] + sizes[1]) as f64;
        self.null.exactly(turns * one_of_all_ways(sizes))
    }
}

/// V in units of 1/lcm(n, m).
fn range(steps: &[[u64; 2]], n: u64, m: u64) -> u64 {
    let divisor = gcd(n, m);
    let (up, down) = ((m / divisor) as i64, (n / divisor) as i64);
    let (mut height, mut low, mut high) = (0, 0, 0);
    for step in steps {
        height += step[0] as i64 * up - step[1] as i64 * down;
        (low, high) = (low.min(height), high.max(height));
    }
    high.abs_diff(low)
}

/// P(V ≥ range/lcm(n, m)) for samples without ties. A path of range r stays within `w − r + 1` of the
/// windows of width w that hold 0; so windows of width w less windows of width w − 1 count the paths
/// of range at most w once each.
fn two_sample_sf(range: u64, n: u64, m: u64) -> f64 {
    let Some(width) = range.checked_sub(1) else {
        return 1.0;
    };
    let outside = |width: u64| -> f64 {
        (0..=width)
            .map(|below| paths_outside(below as i64, (width - below) as i64, n, m))
            .sum()
    };
    let narrower = width.checked_sub(1).map_or(0.0, outside);
    outside(width) - narrower
}

/// The share of lattice paths to (n, m) that leave `[-below, above]` in units of 1/lcm: a path reaches
/// (i, j) from the left with probability i/(i+j), and once outside counts as such.
fn paths_outside(below: i64, above: i64, n: u64, m: u64) -> f64 {
    let divisor = gcd(n, m);
    let (up, down) = ((m / divisor) as i64, (n / divisor) as i64);
    let leaves = |i: usize, j: usize| {
        let height = i as i64 * up - j as i64 * down;
        f64::from(u8::from(height < -below || height > above))
    };
    let mut column: Vec<f64> = Vec::with_capacity(m as usize + 1);
    for j in 0..=m as usize {
        let before = column.last().copied().unwrap_or(0.0);
        column.push(leaves(0, j).max(before));
    }
    for i in 1..=n as usize {
        column[0] = column[0].max(leaves(i, 0));
        for j in 1..=m as usize {
            column[j] = if leaves(i, j) > 0.0 {
                1.0
            } else {
                (column[j] * i as f64 + column[j - 1] * j as f64) / (i + j) as f64
            };
        }
    }
    column[m as usize]
}

/// Kuiper's limit law at Stephens's argument.
fn limit_sf(v: f64, n: u64, m: u64) -> f64 {
    let root = (n as f64 * m as f64 / (n + m) as f64).sqrt();
    let lambda = (root + 0.155 + 0.24 / root) * v;
    if lambda < 0.4 {
        return 1.0; // P(V ≥ 0.4) differs from 1 by less than 1e-7; the series needs ever more terms
    }
    let squares = (1..100).map(|j| 2.0 * f64::from(j * j) * lambda * lambda);
    let terms = squares.take_while(|square| *square < 750.0);
    2.0 * terms.map(|q| (2.0 * q - 1.0) * (-q).exp()).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The range of every order of the pooled values, one by one: the naive oracle.
    fn by_enumeration(range: u64, n: u64, m: u64) -> f64 {
        let (mut extreme, mut all) = (0.0, 0.0);
        for order in 0u32..1 << (n + m) {
            if u64::from(order.count_ones()) == n {
                let steps: Vec<[u64; 2]> = (0..n + m)
                    .map(|row| {
                        if order >> row & 1 == 1 {
                            [1, 0]
                        } else {
                            [0, 1]
                        }
                    })
                    .collect();
                all += 1.0;
                extreme += f64::from(u8::from(super::range(&steps, n, m) >= range));
            }
        }
        extreme / all
    }

    #[test]
    fn path_counts_equal_enumeration() {
        for (n, m) in [
            (1, 1),
            (1, 4),
            (3, 3),
            (4, 6),
            (5, 7),
            (6, 6),
            (2, 9),
            (8, 4),
        ] {
            for range in 0..=lcm(n, m) {
                let (got, want) = (two_sample_sf(range, n, m), by_enumeration(range, n, m));
                assert!(
                    (got - want).abs() < 1e-12,
                    "{n} {m} {range}: {got} is not {want}"
                );
            }
        }
    }

    /// Kuiper's percentage points of V·(√N + 0.155 + 0.24/√N): 1.620, 1.747 and 2.001 at 10, 5 and
    /// 1 % (Stephens 1970, table 1).
    #[test]
    fn the_limit_law_has_its_published_quantiles() {
        for (point, want) in [(1.620, 0.10), (1.747, 0.05), (2.001, 0.01)] {
            let root = 1e3; // n·m/(n + m) = 1e6
            let got = limit_sf(point / (root + 0.155 + 0.24 / root), 2_000_000, 2_000_000);
            assert!(
                (got - want).abs() < 0.01 * want,
                "{point}: {got} is not {want}"
            );
        }
    }

    #[test]
    fn the_limit_law_is_near_the_exact_one() {
        for (n, m) in [(60, 60), (50, 75)] {
            for share in [0.25, 0.3, 0.35] {
                let range = (share * lcm(n, m) as f64).round() as u64;
                let exact = two_sample_sf(range, n, m);
                let limit = limit_sf(range as f64 / lcm(n, m) as f64, n, m);
                assert!(
                    (exact - limit).abs() < 0.05,
                    "{n} {m} {share}: {limit} is not {exact}"
                );
            }
        }
    }
}
