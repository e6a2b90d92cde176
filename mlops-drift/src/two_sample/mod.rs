//! Two-sample tests: could these two samples come from one law?
//!
//! | test | sample | sees | blind to |
//! | --- | --- | --- | --- |
//! | [`KolmogorovSmirnov`] | numeric | any difference of the two laws, shifts best | rare tails |
//! | [`ChiSquare`] | categorical | any difference of the shares | order of the categories |
//! | [`Psi`](crate::divergence::Psi) | numeric | differences between the reference's deciles | changes inside a decile |
//!
//! All hold their level for **exchangeable** rows: rows that share a unit (a user, an hour) are
//! aggregated to the unit first, see [`DriftCheck::unit`](crate::DriftCheck::unit). For one fixed
//! reference that is used again and again, the level is an average over references.

mod chi_square;
pub(crate) mod contingency;
mod kolmogorov;
mod kolmogorov_smirnov;

use mlops_core::Result;
use mlops_core::evidence::PValue;
use serde::{Deserialize, Serialize};

pub use crate::permutation::Permutations;
pub use chi_square::ChiSquare;
pub(crate) use chi_square::chi_square_sf;
pub use kolmogorov_smirnov::KolmogorovSmirnov;

/// What a two-sample test found.
///
/// ```
/// use mlops_drift::NumericSample;
/// use mlops_drift::two_sample::{KolmogorovSmirnov, TwoSampleTest};
/// let sample = NumericSample::new([1.0, 2.0]);
/// let result = KolmogorovSmirnov::default().test(&sample, &sample)?;
/// assert_eq!(result.method, "kolmogorov_smirnov_exact");
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestResult {
    /// The test statistic, on the scale of its method.
    pub statistic: f64,
    /// How surprising the statistic is if both samples come from one law.
    pub p_value: PValue,
    /// The test and the null distribution used, such as `kolmogorov_smirnov_exact`.
    pub method: String,
}

impl TestResult {
    pub(crate) fn new(statistic: f64, p_value: PValue, method: &str) -> Self {
        Self {
            statistic,
            p_value,
            method: method.to_owned(),
        }
    }
}

/// A test of "both samples come from one law" on samples of type `S`.
///
/// # Contract
/// - Pure and deterministic; randomness is seeded by the test's own configuration.
/// - Level: if all values are exchangeable, `P(p <= alpha) <= alpha` for every `alpha`, up to the
///   error of an approximation, which the test documents.
///
/// # Errors
/// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) if a sample holds no value.
///
/// ```
/// use mlops_drift::NumericSample;
/// use mlops_drift::two_sample::{KolmogorovSmirnov, TwoSampleTest};
///
/// let test: Box<dyn TwoSampleTest<NumericSample>> = Box::new(KolmogorovSmirnov::default());
/// let reference = NumericSample::new((0..50).map(f64::from));
/// let current = NumericSample::new((25..75).map(f64::from));
/// assert!(test.test(&reference, &current)?.p_value.get() < 0.001);
/// # Ok::<(), mlops_core::Error>(())
/// ```
pub trait TwoSampleTest<S: ?Sized>: Send + Sync {
    /// Compares the current sample with the reference.
    fn test(&self, reference: &S, current: &S) -> Result<TestResult>;
}

/// Which null distribution a test takes its p-value from.
///
/// ```
/// use mlops_drift::two_sample::{ChiSquare, NullDistribution};
/// let by_permutation = ChiSquare::default().null(NullDistribution::Exact);
/// assert_ne!(by_permutation, ChiSquare::default());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NullDistribution {
    /// The exact one where it is affordable or the approximation poor; the test documents when.
    #[default]
    Automatic,
    /// The exact one: by counting, or by seeded permutations.
    Exact,
    /// The large-sample approximation, whatever the sample size.
    Asymptotic,
}
