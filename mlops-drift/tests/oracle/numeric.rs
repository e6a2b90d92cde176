//! Two samples of numbers.

use std::collections::BTreeMap;

use mlops_drift::NumericSample;
use mlops_drift::divergence::{Divergence, Psi, Scale, Wasserstein};
use mlops_drift::two_sample::{KolmogorovSmirnov, NullDistribution, TwoSampleTest};

use crate::case::{Case, Outcome, measured, tested};

pub(crate) fn outcome(case: &Case, function: &str) -> Option<Outcome> {
    let ks = |null| case.test(&KolmogorovSmirnov::default().null(null));
    Some(match function {
        "ks/asymp" => ks(NullDistribution::Asymptotic),
        "ks/exact" => ks(NullDistribution::Exact),
        "ks/empty" => ks(NullDistribution::Automatic),
        "psi/quantile10" | "psi/empty" => case.distance(&Psi::default()),
        "wasserstein/raw" | "wasserstein/empty" => case.distance(&Wasserstein::raw()),
        "wasserstein/normed_evidently" => {
            case.distance(&Wasserstein::default().scale(Scale::Evidently))
        }
        "quantiles/type7" => case.quantiles(),
        _ => return None,
    })
}

impl Case {
    fn test(&self, test: &dyn TwoSampleTest<NumericSample>) -> Outcome {
        let (reference, current) = (self.numeric("ref")?, self.numeric("cur")?);
        test.test(&reference, &current).map(tested)
    }

    fn distance(&self, measure: &dyn Divergence<NumericSample>) -> Outcome {
        let (reference, current) = (self.numeric("ref")?, self.numeric("cur")?);
        measure.divergence(&reference, &current).map(measured)
    }

    fn quantiles(&self) -> Outcome {
        let keys: Vec<&str> = self.fields["expect"]
            .as_object()
            .unwrap()
            .keys()
            .map(|k| k.as_str())
            .collect();
        assert!(keys.len() == 1, "{keys:?}");
        let sample = self.numeric("x").or_else(|_| self.numeric("ref"))?;
        let shares = self.fields["params"]["qs"].as_array().unwrap();
        let values = shares
            .iter()
            .map(|q| sample.quantile(q.as_f64().unwrap()).unwrap());
        Ok(BTreeMap::from([("q", values.collect())]))
    }
}
