use mlops_core::Result;
use mlops_core::evidence::PValue;

use super::chi_square::DOUBTFUL;
use super::contingency::Contingency;
use super::hypergeometric::Hypergeometric;
use super::ladder::sizes;
use super::tables::Tables;
use super::{
    NullDistribution, Permutations, TestResult, TwoSampleTest, chi_square_sf, least_share,
    null_settings,
};
use crate::sample::CategoricalSample;

/// Expected count below which the chi-square law is not used: twice Cochran's rule, since G approaches its
/// limit more slowly than Pearson's statistic.
const LEAST_EXPECTED: f64 = 10.0;
/// Statistics closer than rounding count as equal.
const ROUNDING: f64 = 1e-9;

/// The G test: the likelihood ratio test on the 2 × k table of two categorical samples.
///
/// **Statistic**: G = 2·Σ observed·ln(observed/expected), with 0·ln 0 = 0; in nats, twice the number of
/// values times the information that a value's category gives about its sample.
/// **Hypothesis**: both samples have the same shares.
/// **Assumption**: exchangeable values; the set of categories may differ and is not fixed beforehand.
/// **Guarantee**: at its level for every table and every alpha up to 10 %: the exact hypergeometric law (two categories); of more, the
/// chi-square law with k − 1 degrees of freedom where every expected count is at least 10 and p is above 10 %, otherwise seeded
/// [`Permutations`] with fixed margins. With one category p is 1.
/// **Weakness**: many rare categories dilute it; it knows no order among categories.
/// **Cost**: O(k log k); a permutation O(k), or as many steps as rare categories have values.
/// **Source**: Wilks, "The large-sample distribution of the likelihood ratio", Annals of Mathematical
/// Statistics 9, 1938; Sokal & Rohlf, "Biometry", chapter 17.
///
/// ```
/// use mlops_drift::CategoricalSample;
/// use mlops_drift::two_sample::{GTest, TwoSampleTest};
///
/// let reference = CategoricalSample::new([Some("a"); 40].into_iter().chain([Some("b"); 20]));
/// let current = CategoricalSample::new([Some("a"); 20].into_iter().chain([Some("b"); 40]));
/// let result = GTest::default().test(&reference, &current)?;
/// assert_eq!(result.method, "g_exact");
/// assert!(result.p_value.get() < 0.001);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GTest {
    null: NullDistribution,
    permutations: Permutations,
}

null_settings!("two_sample", GTest);

impl GTest {
    /// By the chi-square law, where that is asked for or good enough.
    fn approximate(&self, table: &Contingency, statistic: f64) -> Option<PValue> {
        let categories = table.cells().len();
        let p = chi_square_sf(statistic, (categories - 1) as f64);
        let is_good = match self.null {
            NullDistribution::Exact => false,
            NullDistribution::Asymptotic => true,
            NullDistribution::Automatic => {
                categories > 2 && table.least_expected() >= LEAST_EXPECTED && p.get() > DOUBTFUL
            }
        };
        is_good.then_some(p)
    }

    fn exact(&self, table: &Contingency, statistic: f64) -> TestResult {
        let cells = table.cells();
        let least = statistic * (1.0 - ROUNDING);
        if cells.len() == 2 {
            let law = Hypergeometric::of(table);
            let p = law.p_value(|count, _| g(&law.cells(count)) >= least);
            return TestResult::new(statistic, p, "g_exact");
        }
        let tables = Tables::of(cells);
        let (few, mut drawn) = (tables.few(), cells.to_vec());
        let p = tables.p_value(self.permutations, |counts| {
            for (cell, &count) in drawn.iter_mut().zip(counts) {
                let total = cell[0] + cell[1];
                cell[few] = count;
                cell[1 - few] = total - count;
            }
            g(&drawn) >= least
        });
        TestResult::new(statistic, p, "g_permutation")
    }
}

impl TwoSampleTest<CategoricalSample> for GTest {
    fn test(
        &self,
        reference: &CategoricalSample,
        current: &CategoricalSample,
    ) -> Result<TestResult> {
        let table = Contingency::of(reference.require("reference")?, current.require("current")?);
        let statistic = g(table.cells());
        if table.cells().len() < 2 {
            let p = PValue::saturating(1.0);
            return Ok(TestResult::new(statistic, p, "g_exact"));
        }
        Ok(match self.approximate(&table, statistic) {
            Some(p) => TestResult::new(statistic, p, "g_asymptotic"),
            None => self.exact(&table, statistic),
        })
    }

    fn least_p_value(&self, sizes: [usize; 2]) -> f64 {
        self.null.exactly(least_share(sizes, true))
    }
}

fn g(cells: &[[u64; 2]]) -> f64 {
    let [n, m] = sizes(cells).map(|size| size as f64);
    let term = |observed: u64, expected: f64| {
        let observed = observed as f64;
        if observed > 0.0 {
            observed * (observed / expected).ln()
        } else {
            0.0
        }
    };
    let sum: f64 = cells
        .iter()
        .map(|&[a, b]| {
            let share = (a + b) as f64 / (n + m);
            term(a, share * n) + term(b, share * m)
        })
        .sum();
    (2.0 * sum).max(0.0) // equal shares leave rounding
}
