use mlops_core::Result;
use mlops_core::evidence::PValue;

use super::contingency::Contingency;
use super::hypergeometric::Hypergeometric;
use super::ladder::sizes;
use super::resample::permuted;
use super::{
    NullDistribution, Permutations, TestResult, TwoSampleTest, chi_square_sf, null_settings,
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
/// **Guarantee**: the chi-square law with k − 1 degrees of freedom where every expected count is at least
/// 10 (good to about half a percent at 5 %); otherwise the exact hypergeometric law (two categories)
/// or seeded [`Permutations`] with fixed margins, hence an exact level. With one category p is 1.
/// **Weakness**: many rare categories dilute it; it knows no order among categories.
/// **Cost**: O(k log k); with permutations O(k + min(n, m)) each.
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
/// assert_eq!(result.method, "g_asymptotic");
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
    fn approximates(&self, table: &Contingency) -> bool {
        match self.null {
            NullDistribution::Automatic => table.least_expected() >= LEAST_EXPECTED,
            NullDistribution::Exact => false,
            NullDistribution::Asymptotic => true,
        }
    }
}

impl TwoSampleTest<CategoricalSample> for GTest {
    fn test(
        &self,
        reference: &CategoricalSample,
        current: &CategoricalSample,
    ) -> Result<TestResult> {
        let table = Contingency::of(reference.require("reference")?, current.require("current")?);
        let cells = table.cells();
        let statistic = g(cells);
        let (p, method) = if cells.len() < 2 {
            (PValue::saturating(1.0), "g_exact")
        } else if self.approximates(&table) {
            let freedom = (cells.len() - 1) as f64;
            (chi_square_sf(statistic, freedom), "g_asymptotic")
        } else if cells.len() == 2 {
            let law = Hypergeometric::of(&table);
            let least = statistic * (1.0 - ROUNDING);
            (
                law.p_value(|count| g(&law.cells(count)) >= least),
                "g_exact",
            )
        } else {
            let bits = cells.iter().map(|cell| cell[0] + cell[1]);
            let p = permuted(cells, bits, self.permutations, statistic, g);
            (p, "g_permutation")
        };
        Ok(TestResult::new(statistic, p, method))
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
