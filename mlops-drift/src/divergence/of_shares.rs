//! The implementations that every divergence of shares has: numbers in the reference's quantile bins,
//! categories as they are, and a permutation law for both.

/// For a type with fields `bins: QuantileBins` and `permutations: Permutations`, a method
/// `index(&self, cells) -> f64` and a method `measure(&self) -> &'static str`.
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

            fn tested(&self, index: f64, p: mlops_core::evidence::PValue) -> crate::two_sample::TestResult {
                crate::two_sample::TestResult::new(index, p, &format!("{}_permutation", self.measure()))
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
                let index = self.finite(&self.bins.counts(x, y))?;
                let permuted = |cells: &[[u64; 2]]| self.index(cells);
                let p = self.bins.permuted(x, y, self.permutations, index, permuted);
                Ok(self.tested(index, p))
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
                let p = crate::two_sample::resample::permuted(
                    cells,
                    pooled,
                    self.permutations,
                    index,
                    permuted,
                );
                Ok(self.tested(index, p))
            }
        }
    };
}
pub(super) use divergence_of_shares;
