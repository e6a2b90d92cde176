//! Two-sample tests: could these two samples come from one law?
//!
//! | test | sample | sees | blind to |
//! | --- | --- | --- | --- |
//! | [`KolmogorovSmirnov`] | numeric | any difference of the two laws, shifts best | rare tails |
//! | [`Kuiper`] | numeric | the same, in the tails as well as in the middle; angles | – |
//! | [`CramerVonMises`] | numeric | shifts, with more power than Kolmogorov–Smirnov | rare tails |
//! | [`AndersonDarling`] | numeric, also [several](AndersonDarling::of_samples) at once | shifts, scales and tails | – |
//! | [`EppsSingleton`] | numeric | shapes; discrete columns | what two points do not show |
//! | [`MannWhitney`] | numeric | shifts, whatever the tails | scales |
//! | [`Welch`], [`Student`] | numeric | a difference of means | everything else |
//! | [`Levene`] | numeric | a difference of spreads | everything else |
//! | [`Psi`](crate::divergence::Psi) | both | differences between the reference's deciles, or of categories | changes inside a decile |
//! | [`ChiSquare`], [`GTest`] | categorical | any difference of the shares | order of the categories |
//! | [`FisherExact`], [`TwoProportions`] | two categories | a difference of the shares | – |
//! | [`PermutationTest`] | either | what its statistic sees | what it does not |
//!
//! All hold their level for **exchangeable** rows: rows that share a unit (a user, an hour) are
//! aggregated to the unit first, see [`DriftCheck::unit`](crate::DriftCheck::unit). For one fixed
//! reference that is used again and again, the level is an average over references.

mod anderson_darling;
mod anderson_darling_law;
mod calibration_conditional;
mod chi_square;
pub(crate) mod contingency;
mod cramer_von_mises;
mod epps_singleton;
mod fisher;
mod groups;
pub(crate) mod hypergeometric;
mod kolmogorov;
mod kolmogorov_smirnov;
mod kuiper;
pub(crate) mod ladder;
mod laws;
mod levene;
mod likelihood_ratio;
mod mann_whitney;
mod many;
mod permutation_test;
mod proportions;
pub(crate) mod resample;
mod student;
mod tables;
mod welch;

use std::fmt;

use mlops_core::Result;
use mlops_core::evidence::PValue;
use serde::{Deserialize, Serialize};

use crate::permutation::Significance;
pub use crate::permutation::{Permutations, Resolution};
pub use anderson_darling::{AndersonDarling, AtTies};
pub use calibration_conditional::CalibrationConditional;
pub use chi_square::ChiSquare;
pub(crate) use chi_square::chi_square_sf;
pub use cramer_von_mises::CramerVonMises;
pub use epps_singleton::EppsSingleton;
pub use fisher::FisherExact;
pub use kolmogorov_smirnov::KolmogorovSmirnov;
pub(crate) use kolmogorov_smirnov::gcd;
pub use kuiper::Kuiper;
pub use levene::{Centre, Levene};
pub use likelihood_ratio::GTest;
pub use mann_whitney::MannWhitney;
pub use permutation_test::{Exchangeable, PermutationTest};
pub use proportions::TwoProportions;
pub use student::Student;
pub use welch::Welch;

/// What a two-sample test found.
///
/// ```
/// use mlops_drift::NumericSample;
/// use mlops_drift::two_sample::{KolmogorovSmirnov, TwoSampleTest};
/// let sample = NumericSample::new([1.0, 2.0]);
/// let result = KolmogorovSmirnov::default().test(&sample, &sample)?;
/// assert_eq!(result.method, "kolmogorov_smirnov_exact_given_ties");
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
    /// How finely permutations told the p-value; `None` where a law did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
}

impl TestResult {
    pub(crate) fn new(statistic: f64, found: impl Into<Significance>, method: &str) -> Self {
        let found = found.into();
        Self {
            statistic,
            p_value: found.p_value,
            method: method.to_owned(),
            resolution: found.resolution,
        }
    }

    /// The same by a method of another name.
    pub(crate) fn named(self, method: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            ..self
        }
    }
}

/// A test of "both samples come from one law" on samples of type `S`.
///
/// # Contract
/// - Pure and deterministic; randomness is seeded by the test's own configuration.
/// - `Debug` tells all settings: two tests that print alike give alike results.
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
pub trait TwoSampleTest<S: ?Sized>: fmt::Debug + Send + Sync {
    /// Compares the current sample with the reference.
    fn test(&self, reference: &S, current: &S) -> Result<TestResult>;

    /// What no p-value of samples of these sizes, reference and current, can be less than, however different they are (of values that are all distinct; and
    /// as exactly as permutations tell it). 0, which claims nothing, by default; of a test of this crate that is exact at these sizes, a share of all ways to
    /// part the values. Where it does not reach the level, a [`DriftCheck`](crate::DriftCheck) calls a column untested rather than stable.
    ///
    /// ```
    /// use mlops_drift::NumericSample;
    /// use mlops_drift::two_sample::{KolmogorovSmirnov, TwoSampleTest};
    /// let test: &dyn TwoSampleTest<NumericSample> = &KolmogorovSmirnov::default();
    /// let two = NumericSample::new([1.0, 2.0]);
    /// let others = NumericSample::new([8.0, 9.0]);
    /// assert!((test.least_p_value([2, 2]) - 1.0 / 3.0).abs() < 1e-15);
    /// assert!((test.test(&two, &others)?.p_value.get() - 1.0 / 3.0).abs() < 1e-12);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    fn least_p_value(&self, _sizes: [usize; 2]) -> f64 {
        0.0
    }

    /// Why the test tells nothing of samples that are compared with this reference, however different they are; `None`, for a test that always
    /// tells something, by default. A [`DriftCheck`](crate::DriftCheck) gives it as the reason why a column is untested.
    ///
    /// ```
    /// use mlops_drift::NumericSample;
    /// use mlops_drift::divergence::Psi;
    /// use mlops_drift::two_sample::TwoSampleTest;
    /// let flags = NumericSample::new((0..21).map(|row| f64::from(u8::from(row == 20)))); // no decile lies between 0 and 1
    /// assert!(Psi::default().tells_nothing(&flags).is_some());
    /// let numbers = NumericSample::new([0.0, 0.5, 1.0]);
    /// assert_eq!(Psi::default().tells_nothing(&numbers), None);
    /// ```
    fn tells_nothing(&self, _reference: &S) -> Option<String> {
        None
    }
}

/// One in so many is beyond any level.
const AMPLE: f64 = 1e300;

/// The share of one of all ways to part values into samples of these sizes; 0 where they are ample.
pub(crate) fn one_of_all_ways([n, m]: [usize; 2]) -> f64 {
    let (less, all) = (n.min(m), n + m);
    let mut ways = 1.0;
    for chosen in 0..less {
        ways *= (all - chosen) as f64 / (chosen + 1) as f64;
        if ways > AMPLE {
            return 0.0;
        }
    }
    1.0 / ways
}

/// The share of the ways to part values that are as extreme as the data at least: these, and those with both samples exchanged where that makes no
/// difference, as of a `symmetric` statistic of samples of one size.
pub(crate) fn least_share(sizes: [usize; 2], symmetric: bool) -> f64 {
    let alike = if symmetric && sizes[0] == sizes[1] {
        2.0
    } else {
        1.0
    };
    (alike * one_of_all_ways(sizes)).min(1.0)
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

impl NullDistribution {
    /// A least p-value that the exact law has; an approximation claims none.
    pub(crate) fn exactly(self, least: f64) -> f64 {
        match self {
            Self::Asymptotic => 0.0,
            Self::Automatic | Self::Exact => least.min(1.0),
        }
    }
}

/// The two settings that every test with a permutation law shares: which null distribution, and how
/// permutations are drawn.
macro_rules! null_settings {
    ($module:literal, $test:ident) => {
        impl $test {
            /// Fixes the null distribution.
            ///
            /// ```
            #[doc = concat!("use mlops_drift::", $module, "::", stringify!($test), ";")]
            /// use mlops_drift::two_sample::NullDistribution;
            #[doc = concat!("let permuted = ", stringify!($test), "::default().null(NullDistribution::Exact);")]
            #[doc = concat!("assert_ne!(permuted, ", stringify!($test), "::default());")]
            /// ```
            #[must_use]
            pub fn null(self, null: $crate::two_sample::NullDistribution) -> Self {
                Self { null, ..self }
            }

            /// How permutations are drawn.
            ///
            /// ```
            #[doc = concat!("use mlops_drift::", $module, "::", stringify!($test), ";")]
            /// use mlops_drift::two_sample::Permutations;
            #[doc = concat!("let seeded = ", stringify!($test), "::default().permutations(Permutations::default().seed(7));")]
            #[doc = concat!("assert_ne!(seeded, ", stringify!($test), "::default());")]
            /// ```
            #[must_use]
            pub fn permutations(self, permutations: $crate::two_sample::Permutations) -> Self {
                Self {
                    permutations,
                    ..self
                }
            }
        }
    };
}
pub(crate) use null_settings;
