//! How far a test can reach: whether any samples of these sizes could be told apart at all.

use mlops_core::evidence::PValue;

use super::default_tests::DefaultTests;
use super::method::{Method, Test};
use super::observed::Values;
use crate::profile;
use crate::two_sample::{ChiSquare, TwoSampleTest};

/// What no p-value of samples of these sizes can be less than; 0 where nothing is known.
pub(super) fn least_p_value(
    method: &Method,
    tests: DefaultTests,
    [reference, current]: [&Values; 2],
) -> PValue {
    let sizes = [reference.len(), current.len()];
    if sizes.contains(&0) {
        return PValue::saturating(0.0);
    }
    PValue::saturating(match (&method.0, reference) {
        (Test::Numeric(test), _) => test.least_p_value(sizes),
        (Test::Categorical(test), _) => test.least_p_value(sizes),
        (Test::Facets, Values::Profile(profile::Values::Facets(reference))) => {
            tests.least_of_facets(reference.facets().count(), sizes)
        }
        (Test::Facets, _) => 0.0,
    })
}

/// The same of profiles of a column, by the default test of its kind.
pub(crate) fn least_of_profiles(reference: &profile::Values, current: &profile::Values) -> PValue {
    let sizes = [reference, current].map(|values| values.present() as usize);
    PValue::saturating(match reference {
        profile::Values::Numeric(_) => DefaultTests::of(None, 1).least_of_numbers(sizes),
        profile::Values::Categorical(_) => ChiSquare::default().least_p_value(sizes),
        profile::Values::Facets(reference) => {
            DefaultTests::of(None, 1).least_of_facets(reference.facets().count(), sizes)
        }
    })
}
