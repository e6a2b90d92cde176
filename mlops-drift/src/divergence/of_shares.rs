//! The implementations that every divergence of shares has: numbers in the reference's quantile bins,
//! categories as they are, and for both a test: by the limit law where cells are full, by permutation elsewhere.

use mlops_core::evidence::PValue;

use crate::sample::NumericSample;
use crate::two_sample::ladder::sizes;
use crate::two_sample::{NullDistribution, TwoSampleTest, chi_square_sf};

/// Values that every cell must expect in both samples for the chi-square law.
const LEAST_EXPECTED: f64 = 100.0;

/// The chi-square law of a deviance, which is to be multiplied by n·m/(n + m): where it is asked for, or cells are
/// full.
pub(super) fn chi_square(
    null: NullDistribution,
    cells: &[[u64; 2]],
    deviance: f64,
) -> Option<PValue> {
    let [n, m] = sizes(cells).map(|size| size as f64);
    let rarest = cells.iter().map(|[p, q]| p + q).min().unwrap_or(0);
    let approximates = match null {
        NullDistribution::Automatic => rarest as f64 * n.min(m) / (n + m) >= LEAST_EXPECTED,
        NullDistribution::Exact => false,
        NullDistribution::Asymptotic => true,
    };
    approximates.then(|| chi_square_sf(deviance * n * m / (n + m), (cells.len() - 1) as f64))
}

/// Values of a sample below which an index of bins tells little.
const FEW: usize = 30;
/// Values that stand for more of a reference: its bins hold the same shares.
const MANY: usize = 10_000;

/// The p-value of samples of these sizes that are wholly apart, if one of them is of a few values: counts in bins tell less than the values, and no law says
/// how much.
pub(super) fn least_of_bins(test: &impl TwoSampleTest<NumericSample>, sizes: [usize; 2]) -> f64 {
    if sizes[0].min(sizes[1]) > FEW {
        return 0.0;
    }
    let [n, m] = sizes.map(|size| size.min(MANY));
    let values = |from: usize, number: usize| {
        NumericSample::new((from..from + number).map(|value| value as f64))
    };
    let apart = test.test(&values(0, n), &values(2 * n + m, m));
    apart.map_or(0.0, |apart| apart.p_value.get())
}

/// Why an index of quantile bins tells nothing of a reference without a quantile between its extremes.
pub(super) fn one_bin(measure: &str) -> String {
    format!(
        "all numbers fall into the one bin that the quantiles of the reference leave, and {measure} is 0 whatever they are: compare them as categories, or by another method"
    )
}

/// For a type of [`divergence_of_shares`] with a field `null: NullDistribution` and a method
/// `deviance(&self, index) -> f64`.
macro_rules! limit_law {
    ($divergence:ident) => {
        impl $divergence {
            /// Fixes the null distribution.
            ///
            /// ```
            #[doc = concat!("use mlops_drift::divergence::", stringify!($divergence), ";")]
            /// use mlops_drift::two_sample::NullDistribution;
            #[doc = concat!("let permuted = ", stringify!($divergence), "::default().null(NullDistribution::Exact);")]
            #[doc = concat!("assert_ne!(permuted, ", stringify!($divergence), "::default());")]
            /// ```
            #[must_use]
            pub fn null(self, null: crate::two_sample::NullDistribution) -> Self {
                Self { null, ..self }
            }

            fn limit(&self, cells: &[[u64; 2]], index: f64) -> Option<mlops_core::evidence::PValue> {
                super::of_shares::chi_square(self.null, cells, self.deviance(index))
            }

            fn exactly(&self, least: f64) -> f64 {
                self.null.exactly(least)
            }
        }
    };
}
pub(super) use limit_law;

/// For a type of [`divergence_of_shares`] that is tested by permutation alone.
macro_rules! no_limit_law {
    ($divergence:ident) => {
        impl $divergence {
            fn limit(&self, _: &[[u64; 2]], _: f64) -> Option<mlops_core::evidence::PValue> {
                None
            }

            fn exactly(&self, least: f64) -> f64 {
                least
            }
        }
    };
}
pub(super) use no_limit_law;

/// For a type with fields `bins: QuantileBins` and `permutations: Permutations`, a constant `SYMMETRIC` that says
/// whether both samples may be exchanged, and methods
/// `index(&self, cells) -> f64`, `limit(&self, cells, index) -> Option<PValue>` and `measure(&self) -> &'static str`.
macro_rules! divergence_of_shares {
    ($divergence:ident) => {
        impl $divergence {
            /// With another number of quantile bins, for numeric samples.
            ///
            /// # Errors
            /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless
            /// `2 <= bins <= 1000`.
            ///
            /// ```
            #[doc = concat!("use mlops_drift::divergence::", stringify!($divergence), ";")]
            #[doc = concat!("assert!(", stringify!($divergence), "::default().bins(20).is_ok());")]
            #[doc = concat!("assert!(", stringify!($divergence), "::default().bins(1).is_err());")]
            /// ```
            pub fn bins(self, bins: usize) -> mlops_core::Result<Self> {
                let bins = super::bins::QuantileBins::new(bins)?;
                Ok(Self { bins, ..self })
            }

            /// How permutations are drawn.
            ///
            /// ```
            #[doc = concat!("use mlops_drift::divergence::", stringify!($divergence), ";")]
            /// use mlops_drift::two_sample::Permutations;
            #[doc = concat!("let seeded = ", stringify!($divergence), "::default().permutations(Permutations::default().seed(7));")]
            #[doc = concat!("assert_ne!(seeded, ", stringify!($divergence), "::default());")]
            /// ```
            #[must_use]
            pub fn permutations(self, permutations: crate::two_sample::Permutations) -> Self {
                Self {
                    permutations,
                    ..self
                }
            }

            fn finite(&self, cells: &[[u64; 2]]) -> mlops_core::Result<f64> {
                let index = self.index(cells);
                if index.is_finite() {
                    return Ok(index);
                }
                Err(mlops_core::Error::invalid(format!(
                    "{} is undefined: a cell is empty in one sample only",
                    self.measure()
                )))
            }

            fn tested(
                &self,
                cells: &[[u64; 2]],
                index: f64,
                permuted: impl FnOnce() -> crate::permutation::Significance,
            ) -> crate::two_sample::TestResult {
                let (p, law) = match self.limit(cells, index) {
                    Some(p) => (p.into(), "asymptotic"),
                    None => (permuted(), "permutation"),
                };
                let method = format!("{}_{law}", self.measure());
                crate::two_sample::TestResult::new(index, p, &method)
            }
        }

        impl super::Divergence<crate::NumericSample> for $divergence {
            fn divergence(
                &self,
                reference: &crate::NumericSample,
                current: &crate::NumericSample,
            ) -> mlops_core::Result<mlops_core::evidence::Distance> {
                let reference = reference.require("reference")?.sorted();
                let current = current.require("current")?.sorted();
                let index = self.finite(&self.bins.counts(reference, current))?;
                Ok(mlops_core::evidence::Distance::new(index, self.measure())?)
            }
        }

        impl super::Divergence<crate::CategoricalSample> for $divergence {
            fn divergence(
                &self,
                reference: &crate::CategoricalSample,
                current: &crate::CategoricalSample,
            ) -> mlops_core::Result<mlops_core::evidence::Distance> {
                let table = crate::two_sample::contingency::Contingency::of(
                    reference.require("reference")?,
                    current.require("current")?,
                );
                let index = self.finite(table.cells())?;
                Ok(mlops_core::evidence::Distance::new(index, self.measure())?)
            }
        }

        impl crate::two_sample::TwoSampleTest<crate::NumericSample> for $divergence {
            fn test(
                &self,
                reference: &crate::NumericSample,
                current: &crate::NumericSample,
            ) -> mlops_core::Result<crate::two_sample::TestResult> {
                let x = reference.require("reference")?.sorted();
                let y = current.require("current")?.sorted();
                let cells = self.bins.counts(x, y);
                let index = self.finite(&cells)?;
                let permuted = |cells: &[[u64; 2]]| self.index(cells);
                Ok(self.tested(&cells, index, || {
                    self.bins.permuted(x, y, self.permutations, index, permuted)
                }))
            }

            fn least_p_value(&self, sizes: [usize; 2]) -> f64 {
                super::of_shares::least_of_bins(self, sizes)
            }

            fn tells_nothing(&self, reference: &crate::NumericSample) -> Option<String> {
                let is_blind = self.bins.are_one(reference.sorted());
                is_blind.then(|| super::of_shares::one_bin(self.measure()))
            }
        }

        impl crate::two_sample::TwoSampleTest<crate::CategoricalSample> for $divergence {
            fn test(
                &self,
                reference: &crate::CategoricalSample,
                current: &crate::CategoricalSample,
            ) -> mlops_core::Result<crate::two_sample::TestResult> {
                let table = crate::two_sample::contingency::Contingency::of(
                    reference.require("reference")?,
                    current.require("current")?,
                );
                let cells = table.cells();
                let index = self.finite(cells)?;
                let pooled = cells.iter().map(|cell| cell[0] + cell[1]);
                let permuted = |cells: &[[u64; 2]]| self.index(cells);
                Ok(self.tested(cells, index, || {
                    crate::two_sample::resample::permuted(
                        cells,
                        pooled,
                        self.permutations,
                        index,
                        permuted,
                    )
                }))
            }

            fn least_p_value(&self, sizes: [usize; 2]) -> f64 {
                self.exactly(crate::two_sample::least_share(sizes, Self::SYMMETRIC))
            }
        }
    };
}
pub(super) use divergence_of_shares;
