//! Two samples of categories.

use mlops_drift::CategoricalSample;
use mlops_drift::divergence::{Divergence, LInfinity, TotalVariation};
use mlops_drift::two_sample::{ChiSquare, NullDistribution, TwoSampleTest};

use crate::case::{Case, Outcome, measured, tested};

pub(crate) fn outcome(case: &Case, function: &str) -> Option<Outcome> {
    let chi_square = |test: ChiSquare| case.categories(&test.null(NullDistribution::Asymptotic));
    Some(match function {
        "chi2/pearson" => chi_square(ChiSquare::default()),
        "chi2/yates" => chi_square(ChiSquare::default().yates()),
        "tv/plain" => case.category_distance(&TotalVariation),
        "linf/plain" => case.category_distance(&LInfinity),
        _ => return None,
    })
}

impl Case {
    fn categories(&self, test: &dyn TwoSampleTest<CategoricalSample>) -> Outcome {
        let (reference, current) = (self.categorical("ref"), self.categorical("cur"));
        test.test(&reference, &current).map(tested)
    }

    fn category_distance(&self, measure: &dyn Divergence<CategoricalSample>) -> Outcome {
        let (reference, current) = (self.categorical("ref"), self.categorical("cur"));
        measure.divergence(&reference, &current).map(measured)
    }
}
