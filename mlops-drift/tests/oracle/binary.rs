//! Two classes: labels and probabilities.

use std::collections::BTreeMap;

use mlops_core::Result;
use mlops_drift::performance::Scored;

use crate::case::{Case, Outcome};

pub(crate) fn outcome(case: &Case, function: &str) -> Option<Outcome> {
    if case.fields["params"]["weighted"] == true {
        return None;
    }
    Some(match function {
        "auc/roc" => case.auc(),
        "proba/losses" => case.losses(),
        _ => return None,
    })
}

impl Case {
    fn scored(&self) -> Result<Scored> {
        let labels: Vec<bool> = self.numbers("y").iter().map(|&y| y == 1.0).collect();
        Scored::new(&labels, &self.numbers("score"))
    }

    fn auc(&self) -> Outcome {
        Ok(BTreeMap::from([(
            "roc_auc",
            vec![self.scored()?.auc()?.value],
        )]))
    }

    fn losses(&self) -> Outcome {
        let scored = self.scored()?;
        Ok(BTreeMap::from([
            ("log_loss", vec![scored.log_loss()?.value]),
            ("brier", vec![scored.brier()?.value]),
        ]))
    }
}
