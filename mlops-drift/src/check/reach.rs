//! How far a test can reach: whether any samples of these sizes could be told apart at all.

use mlops_core::Result;
use mlops_core::evidence::PValue;

use super::method::{Method, Test};
use super::observed::Values;
use crate::profile;
use crate::sample::{CategoricalSample, NumericSample};
use crate::two_sample::{ChiSquare, KolmogorovSmirnov, TestResult, TwoSampleTest};

/// Ways to part both samples beyond which nobody asks for a p-value of one in so many.
const AMPLE: f64 = 1e12;
/// Values of the larger sample beyond which one in so many is little enough.
const MOST: usize = 100_000;

/// The p-value of samples of these sizes that are as different as can be: all values of one sample are less than those of the other, by far,
/// or have another label. 0 where it is too small to matter.
pub(super) fn least_p_value(
    method: &Method,
    reference: &Values,
    current: &Values,
) -> Result<PValue> {
    least(method, [reference.len(), current.len()])
}

/// The same of profiles, by the default test of their kind; facets are corrected for their number.
pub(crate) fn least_of_profiles(
    reference: &profile::Values,
    current: &profile::Values,
) -> Result<PValue> {
    let size = |values: &profile::Values| usize::try_from(values.present()).unwrap_or(usize::MAX);
    let sizes = [size(reference), size(current)];
    match reference {
        profile::Values::Numeric(_) => least(&Method::numeric(KolmogorovSmirnov::default()), sizes),
        profile::Values::Categorical(_) => least(&Method::categorical(ChiSquare::default()), sizes),
        profile::Values::Facets(facets) => {
            let number = facets.facets().count() as f64;
            let least = least(&Method::texts(), sizes)?;
            Ok(PValue::saturating(least.get() * number))
        }
    }
}

fn least(method: &Method, sizes: [usize; 2]) -> Result<PValue> {
    if sizes.contains(&0) || sizes.iter().any(|&size| size > MOST) || ways(sizes) > AMPLE {
        return Ok(PValue::saturating(0.0));
    }
    let p_value = |result: TestResult| result.p_value;
    match &method.0 {
        Test::Numeric(test) => {
            let [reference, current] = apart(sizes);
            test.test(&reference, &current).map(p_value)
        }
        Test::Categorical(test) => {
            let [reference, current] = unlike(sizes);
            test.test(&reference, &current).map(p_value)
        }
        Test::Facets => {
            let [reference, current] = apart(sizes);
            KolmogorovSmirnov::default()
                .test(&reference, &current)
                .map(p_value)
        }
    }
}

/// In how many ways so many values can be parted into samples of these sizes, or some more than are asked for.
fn ways([n, m]: [usize; 2]) -> f64 {
    let (less, all) = (n.min(m), n + m);
    let mut ways = 1.0;
    for chosen in 0..less {
        ways *= (all - chosen) as f64 / (chosen + 1) as f64;
        if ways > AMPLE {
            break;
        }
    }
    ways
}

fn apart([n, m]: [usize; 2]) -> [NumericSample; 2] {
    let values = |start: f64, size: usize| {
        NumericSample::new((0..size).map(move |i| start + i as f64 / size as f64))
    };
    [values(0.0, n), values(1e6, m)]
}

fn unlike([n, m]: [usize; 2]) -> [CategoricalSample; 2] {
    let all = |label, size| CategoricalSample::new(std::iter::repeat_n(Some(label), size));
    [all("reference", n), all("current", m)]
}
