//! The reference of [`DriftDetector`].

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};

use crate::evidence::{Distance, PValue};
use crate::{DriftDetector, DriftFinding, Error, ErrorKind, Result};

/// Mood's median test, exact: do both samples lie above the pooled median equally often?
///
/// Hypothesis: the values of both samples are exchangeable. Given how many of all values lie above
/// the pooled median, the number among the current ones is hypergeometric; the p-value is the
/// probability of all counts that are at most as likely as the one seen. Effect: the difference of
/// the two shares above the median, in \[0, 1]. It sees shifts of location, and nothing else.
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::DriftDetector;
/// use mlops_core::arrow::array::{ArrayRef, Float64Array};
/// use mlops_core::memory::MedianTest;
///
/// let column = |from: i32| -> ArrayRef {
///     Arc::new((from..from + 20).map(f64::from).map(Some).collect::<Float64Array>())
/// };
/// assert!(MedianTest.detect(&column(0), &column(20))?.p_value.get() < 1e-6);
/// assert_eq!(MedianTest.detect(&column(0), &column(0))?.effect.get(), 0.0);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct MedianTest;

impl DriftDetector for MedianTest {
    fn detect(&self, reference: &ArrayRef, current: &ArrayRef) -> Result<DriftFinding> {
        if reference.data_type() != current.data_type() {
            return Err(Error::invalid(format!(
                "both samples must have one type, got {} and {}",
                reference.data_type(),
                current.data_type()
            )));
        }
        let reference = present("reference", reference)?;
        let current = present("current", current)?;
        let mut pooled = [reference.as_slice(), &current].concat();
        pooled.sort_by(f64::total_cmp);
        let median = pooled[(pooled.len() - 1) / 2];
        let above = |sample: &[f64]| sample.iter().filter(|value| **value > median).count();
        let (in_reference, in_current) = (above(&reference), above(&current));

        let p = two_sided(
            reference.len() + current.len(),
            in_reference + in_current,
            current.len(),
            in_current,
        );
        let share = |count: usize, sample: &[f64]| count as f64 / sample.len() as f64;
        let effect = (share(in_reference, &reference) - share(in_current, &current)).abs();
        Ok(DriftFinding {
            method: "median_test".into(),
            p_value: PValue::saturating(p),
            effect: Distance::new(effect, "share_above_median")?,
            reference_size: reference.len(),
            current_size: current.len(),
        })
    }
}

/// The values that are neither null nor NaN.
fn present(which: &str, column: &ArrayRef) -> Result<Vec<f64>> {
    if !column.data_type().is_numeric() {
        let why = format!("the median test needs numbers, got {}", column.data_type());
        return Err(Error::new(ErrorKind::Unsupported, why));
    }
    let numbers = cast(column, &DataType::Float64)?;
    let values = numbers.as_primitive::<Float64Type>().iter().flatten();
    let present: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
    if present.is_empty() {
        return Err(Error::invalid(format!(
            "the {which} sample must have at least one value, got none among {} rows",
            column.len()
        )));
    }
    Ok(present)
}

/// The hypergeometric probability of all counts at most as likely as `seen`, among `drawn` out of
/// `all` of which `marked` are marked.
fn two_sided(all: usize, marked: usize, drawn: usize, seen: usize) -> f64 {
    let ln_factorials: Vec<f64> = (0..=all)
        .scan(0.0, |sum, i| {
            *sum += (i.max(1) as f64).ln();
            Some(*sum)
        })
        .collect();
    let ln_choose = |n: usize, k: usize| ln_factorials[n] - ln_factorials[k] - ln_factorials[n - k];
    let ln_total = ln_choose(all, drawn);
    let probability = |count: usize| {
        (ln_choose(marked, count) + ln_choose(all - marked, drawn - count) - ln_total).exp()
    };
    let possible = drawn.saturating_sub(all - marked)..=marked.min(drawn);
    // Probabilities that are equal may differ in the last digits.
    let limit = probability(seen) * (1.0 + 1e-9);
    possible.map(probability).filter(|p| *p <= limit).sum()
}
