//! Several classes, numbers and ranked lists.

use mlops_drift::performance::{Average, Confusion, Multiclass, Ranking, Regression};

use crate::case::{Case, Outcome, Values, present};

pub(crate) fn multiclass(case: &Case, function: &str) -> Option<Outcome> {
    let one = |key: &'static str, value: f64| Values::from([(key, vec![value])]);
    let value = |rows: Multiclass| {
        let confusion = rows.confusion();
        Ok(Some(match function {
            "prf/micro" => averages(&confusion, Average::Micro),
            "prf/macro" => averages(&confusion, Average::Macro),
            "prf/weighted" => averages(&confusion, Average::Weighted),
            "class/basic" => classes(&confusion),
            "confusion/matrix" => Values::from([("matrix", confusion.cells().to_vec())]),
            "auc/ovr_macro" => one("roc_auc", rows.auc_one_against_rest()?),
            "auc/ovo_macro" => one("roc_auc", rows.auc_one_against_one()?),
            "proba/log_loss" => one("log_loss", rows.log_loss()),
            "topk/top2" => one("top2", rows.top(2)?),
            _ => return Ok(None),
        }))
    };
    rows_of(case, Multiclass::new).and_then(value).transpose()
}

/// By how much an area differs where rows that sum to 1 but for rounding are divided by their sums, which tells some equal probabilities apart: some reference
/// values are of such rows.
pub(crate) fn split_ties(case: &Case, function: &str) -> f64 {
    let area = |of: Reader| {
        let rows = rows_of(case, of).ok()?;
        match function {
            "multiclass/auc/ovr_macro" => rows.auc_one_against_rest().ok(),
            "multiclass/auc/ovo_macro" => rows.auc_one_against_one().ok(),
            _ => None,
        }
    };
    let [as_they_are, divided] = [Multiclass::new, Multiclass::of_scores].map(area);
    as_they_are.zip(divided).map_or(0.0, |(a, b)| (a - b).abs())
}

/// What makes rows of a number of classes, labels and cells.
type Reader = fn(usize, &[usize], &[f64]) -> mlops_core::Result<Multiclass>;

fn rows_of(case: &Case, of: Reader) -> mlops_core::Result<Multiclass> {
    let classes = case.setting("k").unwrap_or(0.0) as usize;
    let columns: Vec<Vec<f64>> = (0..classes)
        .map(|class| case.numbers(&format!("p{class}")))
        .collect();
    let labels: Vec<usize> = case.numbers("y").iter().map(|&y| y as usize).collect();
    let rows = (0..labels.len()).flat_map(|row| columns.iter().map(move |column| column[row]));
    let rows: Vec<f64> = rows.collect();
    of(classes, &labels, &rows)
}

fn averages(confusion: &Confusion, average: Average) -> Values {
    Values::from([
        ("precision", vec![confusion.precision(average)]),
        ("recall", vec![confusion.recall(average)]),
        ("f1", vec![confusion.f1(average)]),
    ])
}

fn classes(confusion: &Confusion) -> Values {
    let mut values = Values::from([
        ("accuracy", vec![confusion.accuracy()]),
        ("mcc", vec![confusion.mcc()]),
    ]);
    values.extend(present("balanced_accuracy", confusion.balanced_accuracy()));
    values.extend(present("kappa", confusion.kappa()));
    values.extend(present("kappa_quadratic", confusion.quadratic_kappa()));
    values
}

pub(crate) fn regression(case: &Case) -> Outcome {
    let mut rows = Regression::new(&case.numbers("y"), &case.numbers("pred"))?;
    if *case.param("weighted") == true {
        rows = rows.weights(&case.numbers("weight"))?;
    }
    let metrics = rows.metrics();
    let mut values = Values::from([
        ("mae", vec![metrics.mae]),
        ("rmse", vec![metrics.rmse]),
        ("mape", vec![metrics.mape]),
        ("mean_error", vec![metrics.mean_error]),
        ("max_error", vec![metrics.max_error]),
        ("pinball_10", vec![rows.quantile_loss(0.1)?]),
        ("pinball_90", vec![rows.quantile_loss(0.9)?]),
    ]);
    values.extend(present("medae", metrics.median_absolute_error));
    values.extend(present("r2", metrics.r2));
    values.extend(present("explained_variance", metrics.explained_variance));
    Ok(values)
}

pub(crate) fn ranking(case: &Case) -> Outcome {
    let queries: Vec<u64> = case
        .numbers("query")
        .iter()
        .map(|&query| query as u64)
        .collect();
    let lists = Ranking::new(&queries, &case.numbers("relevance"), &case.numbers("score"))?;
    let metrics = lists.at(case.setting("k").unwrap_or(0.0) as usize)?;
    Ok(Values::from([
        ("ndcg", vec![metrics.ndcg]),
        ("map", vec![metrics.map]),
        ("mrr", vec![metrics.mrr]),
        ("precision", vec![metrics.precision]),
        ("recall", vec![metrics.recall]),
        ("hit_rate", vec![metrics.hit_rate]),
    ]))
}
