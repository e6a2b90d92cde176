//! The tests of this crate as [`DriftDetector`]s: one column in, p-value and effect out.
//!
//! | detector | effect |
//! | --- | --- |
//! | [`KolmogorovSmirnov`] | D, `kolmogorov_smirnov` |
//! | [`ChiSquare`] | total variation, `total_variation` |
//! | [`Psi`] | the index, `psi` |
//!
//! ```
//! use std::sync::Arc;
//! use mlops_core::arrow::array::{ArrayRef, Float64Array};
//! use mlops_core::DriftDetector;
//! use mlops_drift::two_sample::KolmogorovSmirnov;
//!
//! let reference: ArrayRef = Arc::new(Float64Array::from_iter_values((0..100).map(f64::from)));
//! let current: ArrayRef = Arc::new(Float64Array::from_iter_values((50..150).map(f64::from)));
//! let finding = KolmogorovSmirnov::default().detect(&reference, &current)?;
//! assert_eq!(finding.effect.get(), 0.5);
//! assert!(finding.p_value.get() < 1e-10);
//! # Ok::<(), mlops_core::Error>(())
//! ```

use arrow::array::ArrayRef;
use mlops_core::evidence::Distance;
use mlops_core::{DriftDetector, DriftFinding, Error, Result};

use crate::divergence::{Divergence, Psi, TotalVariation};
use crate::sample::{CategoricalSample, NumericSample};
use crate::two_sample::{ChiSquare, KolmogorovSmirnov, TestResult, TwoSampleTest};

impl DriftDetector for KolmogorovSmirnov {
    fn detect(&self, reference: &ArrayRef, current: &ArrayRef) -> Result<DriftFinding> {
        let (reference, current) = numeric(reference, current)?;
        let result = self.test(&reference, &current)?;
        let effect = Distance::new(result.statistic, "kolmogorov_smirnov")?;
        Ok(finding(result, effect, reference.len(), current.len()))
    }
}

impl DriftDetector for Psi {
    fn detect(&self, reference: &ArrayRef, current: &ArrayRef) -> Result<DriftFinding> {
        let (reference, current) = numeric(reference, current)?;
        let result = self.test(&reference, &current)?;
        let effect = Distance::new(result.statistic, "psi")?;
        Ok(finding(result, effect, reference.len(), current.len()))
    }
}

impl DriftDetector for ChiSquare {
    fn detect(&self, reference: &ArrayRef, current: &ArrayRef) -> Result<DriftFinding> {
        same_type(reference, current)?;
        let reference = CategoricalSample::from_array(reference)?;
        let current = CategoricalSample::from_array(current)?;
        let result = self.test(&reference, &current)?;
        let effect = TotalVariation::default().divergence(&reference, &current)?;
        Ok(finding(result, effect, reference.len(), current.len()))
    }
}

fn numeric(reference: &ArrayRef, current: &ArrayRef) -> Result<(NumericSample, NumericSample)> {
    same_type(reference, current)?;
    Ok((
        NumericSample::from_array(reference)?,
        NumericSample::from_array(current)?,
    ))
}

fn same_type(reference: &ArrayRef, current: &ArrayRef) -> Result<()> {
    if reference.data_type() == current.data_type() {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the current column must be of the reference's type {}, got {}",
        reference.data_type(),
        current.data_type()
    )))
}

fn finding(
    result: TestResult,
    effect: Distance,
    reference_size: usize,
    current_size: usize,
) -> DriftFinding {
    DriftFinding {
        method: result.method,
        p_value: result.p_value,
        effect,
        reference_size,
        current_size,
    }
}
