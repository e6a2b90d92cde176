//! How far a test can reach: whether any samples of these sizes could be told apart at all.

use mlops_core::evidence::PValue;

use super::default_tests::DefaultTests;
use super::method::{Method, Test};
use super::observed::Values;
use crate::profile;
use crate::sample::CategoricalSample;
use crate::two_sample::{ChiSquare, TwoSampleTest};

/// The type of two labels.
const BOOLEAN: &str = "bool";
/// Rows of both tables from which on booleans can differ beyond any level: at most half of so many hold the rarer label.
const MANY: usize = 64;

/// What no p-value of samples of these sizes can be less than; 0 where nothing is known.
///
/// `boolean` tells that labels are two at most, by a default test: for it none differ more than those that are all the same.
pub(super) fn least_p_value(
    method: &Method,
    tests: DefaultTests,
    [reference, current]: [&Values; 2],
    boolean: bool,
) -> PValue {
    let sizes = [reference.len(), current.len()];
    if sizes.contains(&0) {
        return PValue::saturating(0.0);
    }
    PValue::saturating(match (&method.0, reference, current) {
        (Test::Numeric(test), ..) => test.least_p_value(sizes),
        (Test::Categorical(test), Values::Categorical(reference), _) => {
            least_of_labels(test.as_ref(), reference, sizes, boolean)
        }
        (Test::Categorical(test), Values::Units(reference), _) if reference.mixed().is_none() => {
            least_of_labels(test.as_ref(), &reference.one_each(), sizes, boolean)
        }
        (
            Test::Categorical(test),
            Values::Profile(profile::Values::Categorical(reference)),
            Values::Profile(profile::Values::Categorical(current)),
        ) => {
            let [reference, _] = reference.samples(current);
            least_of_labels(test.as_ref(), &reference, sizes, boolean)
        }
        (Test::Categorical(test), ..) => test.least_p_value(sizes),
        (Test::Facets, Values::Profile(profile::Values::Facets(reference)), _) => {
            tests.least_of_facets(reference.facets().count(), sizes)
        }
        (Test::Facets, ..) => 0.0,
    })
}

/// The same of profiles of a column of this type, by the default test of its kind.
pub(crate) fn least_of_profiles(
    reference: &profile::Values,
    current: &profile::Values,
    data_type: &str,
) -> PValue {
    let sizes = [reference, current].map(|values| values.present() as usize);
    PValue::saturating(match (reference, current) {
        (profile::Values::Categorical(reference), profile::Values::Categorical(current)) => {
            let [reference, _] = reference.samples(current);
            least_of_labels(
                &ChiSquare::default(),
                &reference,
                sizes,
                is_boolean(data_type),
            )
        }
        (profile::Values::Categorical(_), _) => ChiSquare::default().least_p_value(sizes),
        (profile::Values::Numeric(_), _) => DefaultTests::of(None, 1).least_of_numbers(sizes),
        (profile::Values::Facets(reference), _) => {
            DefaultTests::of(None, 1).least_of_facets(reference.facets().count(), sizes)
        }
    })
}

/// Whether the labels of a column of this type are two at most.
pub(super) fn is_boolean(data_type: &str) -> bool {
    data_type == BOOLEAN
}

/// Of labels, which may all be others than those of the reference: but booleans have no third.
fn least_of_labels(
    test: &dyn TwoSampleTest<CategoricalSample>,
    reference: &CategoricalSample,
    sizes: [usize; 2],
    boolean: bool,
) -> f64 {
    let least = test.least_p_value(sizes);
    if !boolean || sizes.iter().all(|size| *size >= MANY) {
        return least;
    }
    let all_alike = ["false", "true"].into_iter().filter_map(|label| {
        let current = CategoricalSample::from_counts([(label, sizes[1] as u64)].into_iter());
        test.test(reference, &current).ok()
    });
    let found = all_alike.map(|result| result.p_value.get());
    found
        .reduce(f64::min)
        .map_or(least, |found| found.max(least))
}
