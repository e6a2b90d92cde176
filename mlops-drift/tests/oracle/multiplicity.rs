//! Families of p-values.

use std::collections::BTreeMap;

use mlops_core::evidence::PValue;
use mlops_drift::multiplicity::{
    BenjaminiHochberg, BenjaminiYekutieli, Correction, Holm, fisher_combination,
};

use crate::case::{Case, Outcome, Values, tested};

pub(crate) fn outcome(case: &Case, function: &str) -> Option<Outcome> {
    Some(Ok(match function {
        "bh/adjusted" => case.adjusted(&BenjaminiHochberg),
        "by/adjusted" => case.adjusted(&BenjaminiYekutieli),
        "fisher_combine/plain" => return Some(fisher_combination(&case.family()).map(tested)),
        "holm/adjusted" => case.adjusted(&Holm),
        _ => return None,
    }))
}

impl Case {
    fn family(&self) -> Vec<PValue> {
        let p_values = self.numbers("p").into_iter();
        p_values.map(PValue::saturating).collect()
    }

    fn adjusted(&self, correction: &dyn Correction) -> Values {
        let adjusted = correction.adjust(&self.family());
        BTreeMap::from([("q", adjusted.iter().map(|p| p.get()).collect())])
    }
}
