//! Two classes: labels and probabilities.

use std::collections::BTreeMap;

use mlops_drift::performance::{Average, Cbpe, Confusion, Curve, Loss, Scored};

use crate::case::{Case, Outcome, Values, present};

const POSITIVE: Average = Average::Class(1);

pub(crate) fn outcome(case: &Case, function: &str) -> Option<Outcome> {
    let rows = Rows::of(case);
    Some(match function {
        "auc/roc" => rows.auc(),
        "auc/average_precision" => rows
            .curve()
            .and_then(|curve| curve.average_precision())
            .map(|ap| Values::from([("ap", vec![ap])])),
        "class/basic" => rows.confusion().map(|confusion| basic(&confusion)),
        "confusion/labels01" => rows
            .confusion()
            .map(|confusion| Values::from([("tn_fp_fn_tp", confusion.cells().to_vec())])),
        "proba/ece15" => Scored::new(&rows.labels, &rows.scores)
            .and_then(|scored| scored.reliability(15))
            .map(|curve| Values::from([("ece", vec![curve.expected_calibration_error()])])),
        "proba/ks_gini" => rows.ks_gini(),
        "proba/losses" => rows.losses(),
        _ => return None,
    })
}

/// Expected counts from probabilities alone.
pub(crate) fn label_free(case: &Case, function: &str) -> Option<Outcome> {
    let threshold = case.setting("threshold").unwrap_or(0.5);
    let of = |cbpe: Cbpe| {
        let cells = cbpe.confusion.cells().to_vec();
        let keys = ["tn", "fp", "fn", "tp"];
        let mut values: Values = keys
            .into_iter()
            .zip(cells.into_iter().map(|c| vec![c]))
            .collect();
        values.extend(basic(&cbpe.confusion));
        values.extend(present("roc_auc", cbpe.auc));
        values
    };
    (function == "cbpe/calibrated").then(|| Cbpe::of(&case.numbers("score"), threshold).map(of))
}

fn basic(confusion: &Confusion) -> Values {
    let mut values = BTreeMap::from([
        ("accuracy", vec![confusion.accuracy()]),
        ("precision", vec![confusion.precision(POSITIVE)]),
        ("recall", vec![confusion.recall(POSITIVE)]),
        ("f1", vec![confusion.f1(POSITIVE)]),
        ("mcc", vec![confusion.mcc()]),
    ]);
    values.extend(present("balanced_accuracy", confusion.balanced_accuracy()));
    values.extend(present("kappa", confusion.kappa()));
    values
}

struct Rows {
    labels: Vec<bool>,
    scores: Vec<f64>,
    weights: Option<Vec<f64>>,
    threshold: f64,
}

impl Rows {
    fn of(case: &Case) -> Self {
        let weighted = *case.param("weighted") == true;
        Self {
            labels: case.numbers("y").iter().map(|&y| y == 1.0).collect(),
            scores: case.numbers("score"),
            weights: weighted.then(|| case.numbers("weight")),
            threshold: case.setting("threshold").unwrap_or(0.5),
        }
    }

    fn weights(&self) -> Vec<f64> {
        self.weights
            .clone()
            .unwrap_or_else(|| vec![1.0; self.labels.len()])
    }

    fn curve(&self) -> mlops_core::Result<Curve> {
        Curve::weighted(&self.labels, &self.scores, &self.weights())
    }

    fn confusion(&self) -> mlops_core::Result<Confusion> {
        let class = |yes: bool| usize::from(yes);
        let truth: Vec<usize> = self.labels.iter().map(|&label| class(label)).collect();
        let predicted = self
            .scores
            .iter()
            .map(|&score| class(score >= self.threshold));
        Confusion::weighted(2, &truth, &predicted.collect::<Vec<_>>(), &self.weights())
    }

    /// Both ways: by DeLong's components and by the curve.
    fn auc(&self) -> Outcome {
        let area = self.curve()?.auc()?;
        let scored = Scored::new(&self.labels, &self.scores)?.weights(&self.weights())?;
        // An interval needs two of each class.
        if let Ok(components) = scored.auc().map(|estimate| estimate.value) {
            assert!(
                (components - area).abs() < 1e-12,
                "{components} against {area}"
            );
        }
        Ok(BTreeMap::from([("roc_auc", vec![area])]))
    }

    fn ks_gini(&self) -> Outcome {
        let curve = self.curve()?;
        Ok(BTreeMap::from([
            ("ks", vec![curve.kolmogorov_smirnov()?]),
            ("gini", vec![curve.gini()?]),
        ]))
    }

    fn losses(&self) -> Outcome {
        let weights = self.weights();
        let mean = |loss: Loss| loss.weighted(&self.labels, &self.scores, &weights);
        let has_interval = self.labels.len() > 1;
        if self.weights.is_none() && has_interval {
            let scored = Scored::new(&self.labels, &self.scores)?;
            assert!((scored.brier()?.value - mean(Loss::Brier)?).abs() < 1e-12);
        }
        Ok(BTreeMap::from([
            ("log_loss", vec![mean(Loss::LogLoss)?]),
            ("brier", vec![mean(Loss::Brier)?]),
        ]))
    }
}
