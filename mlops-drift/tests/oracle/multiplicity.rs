//! Families of p-values.

use std::collections::BTreeMap;

use mlops_core::evidence::PValue;
use mlops_drift::multiplicity::{BenjaminiHochberg, Correction, Holm};

use crate::case::{Case, Outcome, Values};

pub(crate) fn outcome(case: &Case, function: &str) -> Option<Outcome> {
    Some(Ok(match function {
        "bh/adjusted" => case.adjusted(&BenjaminiHochberg),
        "holm/adjusted" => case.adjusted(&Holm),
        _ => return None,
    }))
}

impl Case {
    fn adjusted(&self, correction: &dyn Correction) -> Values {
        let family: Vec<PValue> = self
            .numbers("p")
            .into_iter()
            .map(PValue::saturating)
            .collect();
        let adjusted = correction.adjust(&family);
        BTreeMap::from([("q", adjusted.iter().map(|p| p.get()).collect())])
    }
}
