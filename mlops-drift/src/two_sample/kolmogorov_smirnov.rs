use mlops_core::Result;
use mlops_core::evidence::PValue;

use super::hypergeometric::Hypergeometric;
use super::kolmogorov::{one_sample_sf, two_sample_sf};
use super::ladder::sizes;
use super::tables::Tables;
use super::{
    NullDistribution, Permutations, TestResult, TwoSampleTest, null_settings, one_of_all_ways,
};
use crate::sample::NumericSample;

/// Lattice points up to which paths are counted: a few milliseconds.
const COUNTABLE: u64 = 4_000_000;
/// Distinct values of both samples up to which the law of D is that given the ties.
const TIED: usize = 64;

/// The two-sample, two-sided Kolmogorov–Smirnov test.
///
/// **Statistic**: D, the greatest distance between the two empirical distribution functions, in
/// \[0, 1]; computed in integers, so exact under ties and for ±inf.
/// **Hypothesis**: both samples come from one law.
/// **Assumption**: exchangeable values.
/// **Guarantee**: the exact p-value has its level at every sample size, and is conservative when
/// values tie.
/// **Weakness**: tails; scale changes are seen later than shifts. Where values tie much and yet more than 64 differ, an actual level
/// far below alpha, hence less power.
/// **Null distribution**: of up to 64 distinct values that given the ties, without which a flag of 0 and 1 would hardly ever be seen to
/// change: exact (hypergeometric) for two of them, by [`Permutations`] for more, beside the law without ties, which reaches further into the tail.
/// Otherwise exact by counting lattice paths if the sizes are equal or n·m ≤ 4·10^6, or that of the one-sample statistic at size
/// round(n·m/(n+m)), as SciPy's `ks_2samp(method="asymp")`. Laws that are [asked for](Self::null) know no ties, as SciPy's.
/// **Cost**: O(n + m) for the statistic of sorted samples; the exact p-value O(n) for equal sizes,
/// else at most O(n·m); a permutation O(distinct values).
/// **Source**: Hodges, "The significance probability of the Smirnov two-sample test", Arkiv för
/// Matematik 1958; Simard & L'Ecuyer, "Computing the two-sided Kolmogorov–Smirnov distribution",
/// Journal of Statistical Software 39(11), 2011.
///
/// ```
/// use mlops_drift::NumericSample;
/// use mlops_drift::two_sample::{KolmogorovSmirnov, TwoSampleTest};
///
/// let reference = NumericSample::new([1.0, 2.0, 3.0, 4.0]);
/// let current = NumericSample::new([5.0, 6.0, 7.0, 8.0]);
/// let result = KolmogorovSmirnov::default().test(&reference, &current)?;
/// assert_eq!(result.statistic, 1.0);
/// assert!((result.p_value.get() - 2.0 / 70.0).abs() < 1e-12); // 2 of C(8, 4) orders
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KolmogorovSmirnov {
    null: NullDistribution,
    permutations: Permutations,
}

null_settings!("two_sample", KolmogorovSmirnov);

impl KolmogorovSmirnov {
    /// D alone, without a p-value.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) if a sample holds no value.
    ///
    /// ```
    /// use mlops_drift::{NumericSample, two_sample::KolmogorovSmirnov};
    /// let (low, high) = (NumericSample::new([1.0, 2.0]), NumericSample::new([2.0, 3.0]));
    /// assert_eq!(KolmogorovSmirnov::statistic(&low, &high)?, 0.5);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn statistic(reference: &NumericSample, current: &NumericSample) -> Result<f64> {
        let x = reference.require("reference")?.sorted();
        let y = current.require("current")?.sorted();
        Ok(greatest_gap(x, y) as f64 / lcm(x.len() as u64, y.len() as u64) as f64)
    }

    /// The result for counts `[reference, current]` of all distinct values, ascending.
    pub(crate) fn judge_tied(&self, counts: &[[u64; 2]]) -> TestResult {
        let [n, m] = sizes(counts);
        let gap = greatest_of(counts.iter().map(|count| count[0]), [n, m], counts);
        let steps = gap / u128::from(gcd(n, m));
        let untied = self.judge(steps, n, m);
        match counts {
            _ if self.null != NullDistribution::Automatic => untied,
            [first, _] => {
                let law = Hypergeometric::new([n, m], first[0] + first[1]);
                let p = law.two_sided(first[0]);
                TestResult::new(untied.statistic, p, "kolmogorov_smirnov_exact_given_ties")
            }
            _ if counts.len() <= TIED && counts.iter().any(|[a, b]| a + b > 1) => {
                let tables = Tables::of(counts);
                let few = tables.few();
                let side = if few == 0 { [n, m] } else { [m, n] };
                let p = tables.p_value_beside(untied.p_value, self.permutations, |drawn| {
                    greatest_of(drawn.iter().copied(), side, counts) >= gap
                });
                TestResult::new(
                    untied.statistic,
                    p,
                    "kolmogorov_smirnov_permutation_given_ties",
                )
            }
            _ => untied,
        }
    }

    /// The result for D in units of 1/lcm(n, m).
    pub(crate) fn judge(&self, steps: u128, n: u64, m: u64) -> TestResult {
        // Profiles may count more rows than the product of two such numbers has room for in 64 bits.
        let lattice = u128::from(n / gcd(n, m)) * u128::from(m);
        let statistic = steps as f64 / lattice as f64;
        let (p, method) = if self.counts_paths(n, m) {
            (
                two_sample_sf(steps as u64, n, m),
                "kolmogorov_smirnov_exact",
            )
        } else {
            let size = (n as f64 * m as f64 / (n + m) as f64).round_ties_even();
            let p = one_sample_sf(statistic, size.max(1.0) as u64);
            (p, "kolmogorov_smirnov_asymptotic")
        };
        TestResult::new(statistic, PValue::saturating(p), method)
    }

    fn counts_paths(&self, n: u64, m: u64) -> bool {
        match self.null {
            NullDistribution::Automatic => n == m || n.saturating_mul(m) <= COUNTABLE,
            NullDistribution::Exact => true,
            NullDistribution::Asymptotic => false,
        }
    }
}

impl TwoSampleTest<NumericSample> for KolmogorovSmirnov {
    fn test(&self, reference: &NumericSample, current: &NumericSample) -> Result<TestResult> {
        let x = reference.require("reference")?.sorted();
        let y = current.require("current")?.sorted();
        Ok(match few_values(x, y) {
            Some(counts) => self.judge_tied(&counts),
            None => self.judge(greatest_gap(x, y).into(), x.len() as u64, y.len() as u64),
        })
    }

    /// One sample below or above the other: two of all ways to part the values.
    fn least_p_value(&self, sizes: [usize; 2]) -> f64 {
        self.null.exactly(2.0 * one_of_all_ways(sizes))
    }
}

/// The counts of all distinct values of two ascending samples, if they are few. O(distinct values · log n).
fn few_values(x: &[f64], y: &[f64]) -> Option<Vec<[u64; 2]>> {
    let mut rest = [x, y];
    let mut counts = Vec::new();
    while let Some(value) = rest
        .iter()
        .filter_map(|rest| rest.first())
        .copied()
        .reduce(f64::min)
    {
        if counts.len() == TIED {
            return None;
        }
        let ends = rest.map(|rest| rest.partition_point(|&other| other <= value));
        rest = [&rest[0][ends[0]..], &rest[1][ends[1]..]];
        counts.push(ends.map(|end| end as u64));
    }
    Some(counts)
}

/// The greatest distance of the distribution functions of one sample, of which counts are given, and of the other, in units of 1/(n·m).
/// Of the pooled values `all` are at or below one value, of the sample `some`: the distance is |some·(n + m) − n·all|.
fn greatest_of(sample: impl Iterator<Item = u64>, [n, m]: [u64; 2], counts: &[[u64; 2]]) -> u128 {
    let (mut some, mut all, mut greatest) = (0, 0, 0);
    for (count, both) in sample.zip(counts) {
        some += u128::from(count);
        all += u128::from(both[0]) + u128::from(both[1]);
        let gap = (some * (u128::from(n) + u128::from(m))).abs_diff(u128::from(n) * all);
        greatest = greatest.max(gap);
    }
    greatest
}

/// D in units of 1/lcm(n, m): the greatest `|i·lcm/n − j·lcm/m|` over the values, where `i` and `j`
/// count the values up to each.
fn greatest_gap(x: &[f64], y: &[f64]) -> u64 {
    let divisor = gcd(x.len() as u64, y.len() as u64) as i64;
    let (x_step, y_step) = (y.len() as i64 / divisor, x.len() as i64 / divisor);
    let (mut i, mut j, mut greatest) = (0, 0, 0);
    while i < x.len() && j < y.len() {
        let value = x[i].min(y[j]);
        i += x[i..].iter().take_while(|&&v| v == value).count();
        j += y[j..].iter().take_while(|&&v| v == value).count();
        greatest = greatest.max((i as i64 * x_step - j as i64 * y_step).unsigned_abs());
    }
    greatest
}

pub(crate) fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

pub(super) fn lcm(a: u64, b: u64) -> u64 {
    a / gcd(a, b) * b
}
