use mlops_core::Result;
use mlops_core::evidence::PValue;

use super::ladder::{Ladder, sizes};
use super::laws::normal_two_sided;
use super::{
    NullDistribution, Permutations, TestResult, TwoSampleTest, null_settings, one_of_all_ways,
};
use crate::sample::NumericSample;

/// n·m up to which the law of U is computed: some milliseconds.
const COUNTABLE: u64 = 2_500;
/// The same where it is asked for: some tens of milliseconds.
const COUNTABLE_IF_ASKED: u64 = 10_000;
/// Values off the most frequent one that the smaller sample must expect for the normal law.
const LEAST_EXPECTED: f64 = 20.0;

/// The Mann–Whitney (Wilcoxon rank sum) test, two-sided.
///
/// **Statistic**: U of the reference: pairs in which the reference's value is greater than the current
/// one, ties counting half.
/// **Hypothesis**: both samples come from one law.
/// **Assumption**: exchangeable values.
/// **Guarantee**: exact where n·m ≤ 2,500 (10,000 of [`Exact`](NullDistribution::Exact)) without ties; by seeded [`Permutations`] for small or heavily
/// tied samples (fewer than 20 values off the most frequent one expected in the smaller sample);
/// otherwise the normal law with corrections for ties and continuity, which is good to some tenths of
/// a percent at 5 %. If all values are equal, p is 1.
/// **Weakness**: sees shifts only; blind to a change of scale about the median.
/// **Cost**: O(n + m) for sorted samples; O(n + m) per permutation; O((n·m)²) for the exact law.
/// **Source**: Mann & Whitney, "On a test of whether one of two random variables is stochastically larger
/// than the other", Annals of Mathematical Statistics 18, 1947.
///
/// ```
/// use mlops_drift::NumericSample;
/// use mlops_drift::two_sample::{MannWhitney, TwoSampleTest};
///
/// let reference = NumericSample::new([1.0, 2.0, 3.0, 4.0]);
/// let current = NumericSample::new([5.0, 6.0, 7.0, 8.0]);
/// let result = MannWhitney::default().test(&reference, &current)?;
/// assert_eq!(result.statistic, 0.0);
/// assert!((result.p_value.get() - 2.0 / 70.0).abs() < 1e-12);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MannWhitney {
    null: NullDistribution,
    permutations: Permutations,
}

null_settings!("two_sample", MannWhitney);

enum Law {
    Counted,
    Permuted,
    Normal,
}

impl MannWhitney {
    fn law(&self, ladder: &Ladder) -> Law {
        let [n, m] = ladder.sizes();
        let most = match self.null {
            NullDistribution::Exact => COUNTABLE_IF_ASKED,
            _ => COUNTABLE,
        };
        let countable = n.saturating_mul(m) <= most && !ladder.has_ties();
        let off_atom = n.min(m) as f64 * (1.0 - ladder.largest_atom());
        match self.null {
            NullDistribution::Asymptotic => Law::Normal,
            _ if countable => Law::Counted,
            NullDistribution::Exact => Law::Permuted,
            NullDistribution::Automatic if off_atom < LEAST_EXPECTED => Law::Permuted,
            NullDistribution::Automatic => Law::Normal,
        }
    }
}

impl TwoSampleTest<NumericSample> for MannWhitney {
    fn test(&self, reference: &NumericSample, current: &NumericSample) -> Result<TestResult> {
        let ladder = Ladder::of(reference, current)?;
        let [n, m] = ladder.sizes();
        let twice_u = twice_u(ladder.steps());
        let distance = |twice_u: u64| twice_u.abs_diff(n * m); // 2·|U − nm/2|
        let (p, method) = match self.law(&ladder) {
            Law::Counted => {
                let greater = n * m - twice_u.min(2 * n * m - twice_u) / 2;
                let p = 2.0 * upper_tail(greater, n, m);
                (PValue::saturating(p).into(), "mann_whitney_exact")
            }
            Law::Permuted => {
                let statistic = |steps: &[[u64; 2]]| distance(self::twice_u(steps)) as f64;
                let p = ladder.permuted(self.permutations, distance(twice_u) as f64, statistic);
                (p, "mann_whitney_permutation")
            }
            Law::Normal => {
                let deviation = standard_deviation(ladder.steps());
                let beyond = (distance(twice_u) as f64 - 1.0) / 2.0; // continuity
                (
                    normal_tail(beyond, deviation).into(),
                    "mann_whitney_asymptotic",
                )
            }
        };
        Ok(TestResult::new(twice_u as f64 / 2.0, p, method))
    }

    /// One sample below or above the other, where these are counted: two of all ways to part the values.
    fn least_p_value(&self, sizes: [usize; 2]) -> f64 {
        self.null.exactly(2.0 * one_of_all_ways(sizes))
    }
}

fn normal_tail(beyond: f64, deviation: f64) -> PValue {
    if beyond <= 0.0 || deviation == 0.0 {
        PValue::saturating(1.0)
    } else {
        normal_two_sided(beyond / deviation)
    }
}

fn twice_u(steps: &[[u64; 2]]) -> u64 {
    let (mut below, mut sum) = (0, 0);
    for step in steps {
        sum += step[0] * (2 * below + step[1]);
        below += step[1];
    }
    sum
}

/// Of U, given the ties.
fn standard_deviation(steps: &[[u64; 2]]) -> f64 {
    let [n, m] = sizes(steps).map(|size| size as f64);
    let all = n + m;
    let height = |step: &[u64; 2]| (step[0] + step[1]) as f64;
    let ties: f64 = steps
        .iter()
        .map(|step| height(step).powi(3) - height(step))
        .sum();
    let shrunk = all + 1.0 - ties / (all * (all - 1.0));
    (n * m / 12.0 * shrunk.max(0.0)).sqrt()
}

/// P(U ≥ u) without ties. The greatest of all values is of the first sample with probability
/// n/(n + m), and then exceeds all m of the second.
fn upper_tail(u: u64, n: u64, m: u64) -> f64 {
    let (n, m) = (n as usize, m as usize);
    let mut column: Vec<Vec<f64>> = vec![vec![1.0]; m + 1]; // laws of U with 0 and j values
    for i in 1..=n {
        column[0] = vec![1.0];
        for j in 1..=m {
            let mut law = vec![0.0; i * j + 1];
            let first = i as f64 / (i + j) as f64;
            for (u, p) in column[j].iter().enumerate() {
                law[u + j] += first * p;
            }
            for (u, p) in column[j - 1].iter().enumerate() {
                law[u] += (1.0 - first) * p;
            }
            column[j] = law;
        }
    }
    column[m].iter().skip(u as usize).sum()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Fully apart: two of the C(110, 50) ways to part the values, and of C(200, 100). SciPy 1.17.1's `mannwhitneyu(method="exact")` says the first.
    #[test]
    fn exact_is_counted_where_it_is_asked_for() {
        let test = MannWhitney::default().null(NullDistribution::Exact);
        for (n, m) in [(50, 60), (100, 100)] {
            let low = NumericSample::new((0..n).map(f64::from));
            let high = NumericSample::new((0..m).map(|i| 1e6 + f64::from(i)));
            let ways: f64 = (1..=n).map(|i| f64::from(m + i) / f64::from(i)).product();
            let result = test.test(&low, &high).unwrap();
            assert_eq!(result.method, "mann_whitney_exact");
            assert!((result.p_value.get() * ways / 2.0 - 1.0).abs() < 1e-11);
        }
    }
}
