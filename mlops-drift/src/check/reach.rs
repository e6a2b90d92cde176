//! How far a test can reach: whether any samples of these sizes could be told apart at all.

use mlops_core::evidence::PValue;

use super::default_tests::DefaultTests;
use super::method::{Method, Test};
use super::observed::Values;
use crate::profile;

/// What no p-value of samples of these sizes can be less than; 0 where nothing is known.
pub(super) fn least_p_value(
    method: &Method,
    tests: DefaultTests,
    reference: &Values,
    current: &Values,
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
