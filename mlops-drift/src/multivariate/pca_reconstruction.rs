use mlops_core::Result;
use serde::{Deserialize, Serialize};

use super::pca::{Pca, in_range};
use super::points::{Points, comparable};
use crate::NumericSample;
use crate::two_sample::{MannWhitney, Permutations, TestResult, TwoSampleTest, Welch};

/// The share of the variance that components keep, unless set: NannyML's.
const SHARE: f64 = 0.65;
/// The error of a row that has another value in a dimension that did not vary: finite, so that JSON can hold it.
const BEYOND: f64 = f64::MAX;
/// Rows of the reference: two to fit, two to compare with.
const LEAST: usize = 4;

/// Does the current table still have the reference's correlations? By how well the reference's principal
/// components reconstruct its rows.
///
/// **Statistic**: Welch's t of the rows' reconstruction errors. The [components](Pca) are fitted on one
/// half of the reference, drawn at random; the errors compared are those of its other half and of the
/// current rows. Components that were fitted on the rows they are compared with would reconstruct these too
/// well, and every window would look worse.
/// **Hypothesis**: both samples come from one law; sees a change of the mean error, in either direction.
/// **Assumption**: exchangeable rows. **Guarantee**: that of [`Welch`] for the errors, which are
/// exchangeable given the fitted half: exact by permutation for small or skewed samples. Where a row has another
/// value in a dimension that did not vary in the fitted half, its error is beyond all others (1.8e308), and the
/// errors are compared by their ranks, with [`MannWhitney`]; so they are if they take two values or one.
/// **Weakness**: blind to all that happens within the components, shifts along them among it; half of the
/// reference is spent on the fit. For one [`FittedPca`] that is used again and again, the level is an
/// average over references.
/// **Errors**: fewer than 4 rows of the reference or 2 current ones, different dimensions, no dimension
/// that varies.
/// **Cost**: that of [`Pca::fit`], then O(d·components) a row.
/// **Source**: the error is that of NannyML's data reconstruction; splitting makes it a test.
///
/// ```
/// use mlops_drift::multivariate::{PcaReconstruction, Points};
/// use mlops_drift::two_sample::TwoSampleTest;
///
/// // Each coordinate has the same law in both samples; how they depend differs.
/// let noise = |i| f64::from(i % 2);
/// let reference = Points::new(2, (0..90).flat_map(|i| [f64::from(i % 9), f64::from(i % 9) + noise(i)]))?;
/// let current = Points::new(2, (0..90).flat_map(|i| [f64::from(i % 9), f64::from(8 - i % 9) + noise(i)]))?;
/// assert!(PcaReconstruction::default().test(&reference, &current)?.p_value.get() < 0.01);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PcaReconstruction {
    share: f64,
    permutations: Permutations,
}

impl Default for PcaReconstruction {
    /// Components of 65 % of the variance.
    fn default() -> Self {
        Self {
            share: SHARE,
            permutations: Permutations::default(),
        }
    }
}

impl PcaReconstruction {
    /// The share of the variance that components keep.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) outside (0, 1).
    ///
    /// ```
    /// use mlops_drift::multivariate::PcaReconstruction;
    /// assert_eq!(PcaReconstruction::default().share(0.65)?, PcaReconstruction::default());
    /// assert!(PcaReconstruction::default().share(1.0).is_err());
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn share(self, share: f64) -> Result<Self> {
        let share = in_range(share)?;
        Ok(Self { share, ..self })
    }

    /// How the half to fit on, and permutations, are drawn.
    ///
    /// ```
    /// use mlops_drift::multivariate::PcaReconstruction;
    /// use mlops_drift::two_sample::Permutations;
    /// let seeded = PcaReconstruction::default().permutations(Permutations::default().seed(7));
    /// assert_ne!(seeded, PcaReconstruction::default());
    /// ```
    #[must_use]
    pub fn permutations(self, permutations: Permutations) -> Self {
        Self {
            permutations,
            ..self
        }
    }

    /// Fits the components, for many windows.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than 4 rows, if no dimension
    /// varies in the drawn half, or if a variance is not finite.
    ///
    /// ```
    /// use mlops_drift::multivariate::{PcaReconstruction, Points};
    /// let reference = Points::new(2, (0..90).flat_map(|i| [f64::from(i % 9), f64::from(i % 7)]))?;
    /// let fitted = PcaReconstruction::default().fit(&reference)?;
    /// let week = fitted.compare(&reference)?;
    /// assert!(week.test.p_value.get() > 0.05);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn fit(&self, reference: &Points) -> Result<FittedPca> {
        comparable(reference, reference, LEAST)?;
        let mut generator = self.permutations.generator();
        let [fitted, held_out] = reference.split(reference.len() / 2, &mut generator);
        let pca = Pca::fit(&fitted, self.share)?;
        let held_out = finite(pca.errors(&held_out)?);
        Ok(FittedPca {
            pca,
            held_out,
            permutations: self.permutations,
        })
    }
}

impl TwoSampleTest<Points> for PcaReconstruction {
    fn test(&self, reference: &Points, current: &Points) -> Result<TestResult> {
        comparable(reference, current, 2)?;
        Ok(self.fit(reference)?.compare(current)?.test)
    }
}

/// The components of a reference, and the errors of its rows that were held out. Survives a restart by serde.
///
/// ```
/// use mlops_drift::multivariate::{FittedPca, PcaReconstruction, Points};
/// let reference = Points::new(2, (0..90).flat_map(|i| [f64::from(i % 9), f64::from(i % 7)]))?;
/// let fitted: FittedPca = PcaReconstruction::default().fit(&reference)?;
/// assert_eq!(fitted.pca().components(), 2);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedPca {
    pca: Pca,
    held_out: Vec<f64>,
    permutations: Permutations,
}

impl FittedPca {
    /// The components.
    pub fn pca(&self) -> &Pca {
        &self.pca
    }

    /// Compares the errors of current rows with those held out.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than 2 rows, other dimensions,
    /// or errors beyond 1.8e308.
    pub fn compare(&self, current: &Points) -> Result<PcaDrift> {
        let reference = NumericSample::new(self.held_out.iter().copied());
        let current = NumericSample::new(finite(self.pca.errors(current)?));
        Ok(PcaDrift {
            test: self.test(&reference, &current)?,
            reference_error: reference.mean().unwrap_or(BEYOND),
            current_error: current.mean().unwrap_or(BEYOND),
        })
    }

    /// Which test is decided by both samples' errors together, so that each keeps its level.
    fn test(&self, reference: &NumericSample, current: &NumericSample) -> Result<TestResult> {
        let mut all = [reference.sorted(), current.sorted()].concat();
        all.sort_unstable_by(f64::total_cmp);
        all.dedup();
        let by_rank = all.len() <= 2 || all.last() == Some(&BEYOND);
        let test = if by_rank {
            let ranks = MannWhitney::default().permutations(self.permutations);
            ranks.test(reference, current)?
        } else {
            let welch = Welch::default().permutations(self.permutations);
            welch.test(reference, current)?
        };
        let method = format!("pca_reconstruction_{}", test.method);
        Ok(test.named(method))
    }
}

fn finite(errors: Vec<f64>) -> Vec<f64> {
    errors.into_iter().map(|error| error.min(BEYOND)).collect()
}

/// What [`FittedPca::compare`] found.
///
/// ```
/// use mlops_drift::multivariate::{PcaReconstruction, Points};
/// let row = |i: i32, turn: i32| [f64::from(i % 9), f64::from(i % 9 * turn + i % 2)];
/// let points = |turn: i32| Points::new(2, (0..90).flat_map(move |i| row(i, turn)));
/// let found = PcaReconstruction::default().fit(&points(1)?)?.compare(&points(-1)?)?;
/// assert!(found.current_error > 2.0 * found.reference_error);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PcaDrift {
    /// The test of the mean error; its statistic is t, reference less current, or U where ranks are compared.
    pub test: TestResult,
    /// The mean error of the reference's rows that were held out.
    pub reference_error: f64,
    /// The mean error of the current rows; 1.8e308 at most.
    pub current_error: f64,
}
