use std::fmt;

use mlops_core::{Error, Result};

use super::contingency::Contingency;
use super::ladder::Ladder;
use super::resample::permuted;
use super::{Permutations, TestResult, TwoSampleTest, least_share};
use crate::divergence::Divergence;
use crate::permutation::Significance;
use crate::sample::{CategoricalSample, NumericSample};

/// The permutation test of any statistic: how often is it as large when values are dealt to the two
/// samples at random?
///
/// **Statistic**: a function of the two samples; large values speak against the hypothesis (for a
/// two-sided test take an absolute value).
/// **Hypothesis**: both samples come from one law.
/// **Assumption**: exchangeable values. **Guarantee**: its level is exact at every sample size, for every
/// statistic; see [`Permutations`] for the p-value: (exceedances + 1) / (permutations + 1), or Besag and
/// Clifford's early stop. A permutation for which the statistic is undefined or NaN counts as extreme. An infinite
/// statistic is a value like others.
/// **Errors**: a statistic of the data that is undefined or NaN.
/// **Cost**: O(n + m) and one statistic per permutation.
/// **Source**: Fisher, "The Design of Experiments", 1935; Phipson & Smyth, "Permutation p-values should never
/// be zero", Statistical Applications in Genetics and Molecular Biology 9, 2010, for the +1.
///
/// ```
/// use mlops_drift::NumericSample;
/// use mlops_drift::two_sample::{PermutationTest, TwoSampleTest};
///
/// // A difference of the 90 % quantiles, which has no law in a textbook.
/// let test = PermutationTest::new("p90", |x: &NumericSample, y: &NumericSample| {
///     let quantile = |sample: &NumericSample| sample.quantile(0.9).unwrap_or(f64::NAN);
///     Ok((quantile(x) - quantile(y)).abs())
/// });
/// let reference = NumericSample::new((0..100).map(f64::from));
/// let current = NumericSample::new((0..100).map(|i| 2.0 * f64::from(i)));
/// let result = test.test(&reference, &current)?;
/// assert_eq!(result.method, "p90_permutation");
/// assert!(result.p_value.get() < 0.01);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone)]
pub struct PermutationTest<F> {
    name: String,
    statistic: F,
    permutations: Permutations,
}

impl<F> PermutationTest<F> {
    /// The test of a statistic with a name in `snake_case`.
    ///
    /// ```
    /// use mlops_core::Result;
    /// use mlops_drift::{NumericSample, two_sample::PermutationTest};
    /// fn sizes(x: &NumericSample, y: &NumericSample) -> Result<f64> {
    ///     Ok(x.len().abs_diff(y.len()) as f64)
    /// }
    /// let test = PermutationTest::new("sizes", sizes);
    /// # let _ = test;
    /// ```
    pub fn new(name: impl Into<String>, statistic: F) -> Self {
        Self {
            name: name.into(),
            statistic,
            permutations: Permutations::default(),
        }
    }

    /// How permutations are drawn.
    ///
    /// ```
    /// use mlops_drift::NumericSample;
    /// use mlops_drift::divergence::Wasserstein;
    /// use mlops_drift::two_sample::{PermutationTest, Permutations};
    /// let test = PermutationTest::of::<NumericSample>("wasserstein", Wasserstein::raw())
    ///     .permutations(Permutations::default().seed(7));
    /// # let _ = test;
    /// ```
    #[must_use]
    pub fn permutations(self, permutations: Permutations) -> Self {
        Self {
            permutations,
            ..self
        }
    }
}

/// All but the statistic, which its name tells.
impl<F> fmt::Debug for PermutationTest<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PermutationTest")
            .field("name", &self.name)
            .field("permutations", &self.permutations)
            .finish_non_exhaustive()
    }
}

impl PermutationTest<()> {
    /// The test whose statistic is a divergence: an error rate for every distance.
    ///
    /// ```
    /// use mlops_drift::CategoricalSample;
    /// use mlops_drift::divergence::TotalVariation;
    /// use mlops_drift::two_sample::{PermutationTest, TwoSampleTest};
    ///
    /// let test = PermutationTest::of::<CategoricalSample>("total_variation", TotalVariation::default());
    /// let reference = CategoricalSample::new([Some("a"); 30]);
    /// let current = CategoricalSample::new([Some("a"); 20].into_iter().chain([Some("b"); 10]));
    /// assert!(test.test(&reference, &current)?.p_value.get() < 0.01);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn of<S: Exchangeable>(
        name: impl Into<String>,
        divergence: impl Divergence<S>,
    ) -> PermutationTest<impl Fn(&S, &S) -> Result<f64> + Send + Sync> {
        let statistic =
            move |x: &S, y: &S| divergence.divergence(x, y).map(|distance| distance.get());
        PermutationTest::new(name, statistic)
    }
}

impl<S, F> TwoSampleTest<S> for PermutationTest<F>
where
    S: Exchangeable,
    F: Fn(&S, &S) -> Result<f64> + Send + Sync,
{
    fn test(&self, reference: &S, current: &S) -> Result<TestResult> {
        reference.require_values("reference")?;
        current.require_values("current")?;
        let observed = (self.statistic)(reference, current)?;
        if observed.is_nan() {
            return Err(Error::invalid(format!(
                "the statistic {} must be defined for the data, got NaN",
                self.name
            )));
        }
        let mut statistic = |x: &S, y: &S| {
            let value = (self.statistic)(x, y).unwrap_or(f64::INFINITY);
            if value.is_nan() { f64::INFINITY } else { value }
        };
        let p = S::permuted(
            reference,
            current,
            self.permutations,
            observed,
            &mut statistic,
        );
        let method = format!("{}_permutation", self.name);
        Ok(TestResult::new(observed, p, &method))
    }

    fn least_p_value(&self, sizes: [usize; 2]) -> f64 {
        least_share(sizes, false)
    }
}

/// Samples whose values can be dealt anew: [`NumericSample`] and [`CategoricalSample`]. Sealed.
///
/// ```
/// fn is_exchangeable<S: mlops_drift::two_sample::Exchangeable>() {}
/// is_exchangeable::<mlops_drift::NumericSample>();
/// ```
pub trait Exchangeable: sealed::Dealt {}

impl Exchangeable for NumericSample {}
impl Exchangeable for CategoricalSample {}

mod sealed {
    use super::{Permutations, Result, Significance};

    pub trait Dealt: Sized {
        fn require_values(&self, role: &str) -> Result<()>;

        fn permuted(
            reference: &Self,
            current: &Self,
            permutations: Permutations,
            observed: f64,
            statistic: &mut dyn FnMut(&Self, &Self) -> f64,
        ) -> Significance;
    }
}

impl sealed::Dealt for NumericSample {
    fn require_values(&self, role: &str) -> Result<()> {
        self.require(role).map(|_| ())
    }

    fn permuted(
        reference: &Self,
        current: &Self,
        permutations: Permutations,
        observed: f64,
        statistic: &mut dyn FnMut(&Self, &Self) -> f64,
    ) -> Significance {
        let ladder = Ladder::of_sorted(reference.sorted(), current.sorted());
        ladder.permuted(permutations, observed, |steps| {
            let [x, y] = [0, 1].map(|side| {
                let rows = ladder.values().iter().zip(steps);
                let values =
                    rows.flat_map(|(&v, step)| std::iter::repeat_n(v, step[side] as usize));
                Self::from_sorted(values.collect())
            });
            statistic(&x, &y)
        })
    }
}

impl sealed::Dealt for CategoricalSample {
    fn require_values(&self, role: &str) -> Result<()> {
        self.require(role).map(|_| ())
    }

    fn permuted(
        reference: &Self,
        current: &Self,
        permutations: Permutations,
        observed: f64,
        statistic: &mut dyn FnMut(&Self, &Self) -> f64,
    ) -> Significance {
        let (labels, table) = Contingency::labelled(reference, current);
        let bits = table.cells().iter().map(|cell| cell[0] + cell[1]);
        permuted(table.cells(), bits, permutations, observed, |cells| {
            let [x, y] = [0, 1].map(|side| {
                let counts = labels.iter().zip(cells);
                Self::from_counts(counts.map(|(&label, cell)| (label, cell[side])))
            });
            statistic(&x, &y)
        })
    }
}
