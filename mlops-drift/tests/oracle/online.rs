//! Detectors on streams: the positions of their alarms, value for value as river raises them.

use std::collections::BTreeMap;

use mlops_drift::stream::{
    Adwin, Ddm, Direction, Eddm, Fhddm, HddmA, HddmW, Kswin, PageHinkley, Sequential, Signal,
};

use crate::case::{Case, Outcome, number};

pub(crate) fn outcome(case: &Case, function: &str) -> Option<Outcome> {
    let (detector, _) = function.split_once('/').unwrap();
    let parameter = |name: &str, default: f64| case.setting(name).unwrap_or(default);
    let whole = |name: &str, default: usize| parameter(name, default as f64) as usize;
    let two_sided = || *case.param("two_sided_test") == true;
    let stream = || case.numbers("value");
    Some(match detector {
        "adwin" => Adwin::new(parameter("delta", 0.002), whole("clock", 32))
            .and_then(|detector| {
                let [buckets, least] =
                    ["max_buckets", "min_window_length"].map(|name| whole(name, 5));
                detector.shape(buckets, least, whole("grace_period", 10))
            })
            .and_then(|detector| alarms(detector, stream())),
        "page_hinkley" => {
            let direction = direction(case)?;
            PageHinkley::new(
                parameter("delta", 0.005),
                parameter("threshold", 50.0),
                direction,
            )
            .and_then(|detector| {
                detector.forgetting(parameter("alpha", 0.9999), whole("min_instances", 30))
            })
            .and_then(|detector| alarms(detector, stream()))
        }
        "kswin" => Kswin::new(
            parameter("alpha", 0.005),
            whole("window_size", 100),
            whole("stat_size", 30),
        )
        .and_then(|detector| alarms(detector, stream()))
        .map(|values| in_intervals(case, values)),
        "ddm" => Ddm::new(
            whole("warm_start", 30),
            parameter("warning_threshold", 2.0),
            parameter("drift_threshold", 3.0),
        )
        .and_then(|detector| alarms(detector, wrong(stream()))),
        "eddm" => Eddm::new(
            whole("warm_start", 30),
            parameter("alpha", 0.95),
            parameter("beta", 0.9),
        )
        .and_then(|detector| alarms(detector, wrong(stream()))),
        // river counts ones as right.
        "fhddm" => Fhddm::new(
            whole("sliding_window_size", 100),
            parameter("confidence_level", 1e-6),
        )
        .and_then(|detector| alarms(detector, wrong(stream()).map(|wrong| !wrong))),
        "hddm_a" => HddmA::new(
            parameter("drift_confidence", 0.001),
            parameter("warning_confidence", 0.005),
            two_sided(),
        )
        .and_then(|detector| alarms(detector, stream())),
        "hddm_w" => HddmW::new(
            parameter("drift_confidence", 0.001),
            parameter("warning_confidence", 0.005),
            parameter("lambda_val", 0.05),
            two_sided(),
        )
        .and_then(|detector| alarms(detector, stream())),
        _ => return None,
    })
}

/// `None` for one that the crate does not have.
fn direction(case: &Case) -> Option<Direction> {
    match case.param("mode").as_str().unwrap_or("both") {
        "up" => Some(Direction::Up),
        "down" => Some(Direction::Down),
        "both" => Some(Direction::Both),
        _ => None,
    }
}

fn wrong(stream: Vec<f64>) -> impl Iterator<Item = bool> {
    stream.into_iter().map(|value| value == 1.0)
}

fn alarms<X>(mut detector: impl Sequential<X>, stream: impl IntoIterator<Item = X>) -> Outcome {
    let mut positions = Vec::new();
    for (index, observation) in stream.into_iter().enumerate() {
        if detector.observe(observation)? == Signal::Drift {
            positions.push(index as f64);
        }
    }
    Ok(BTreeMap::from([
        ("n_alarms", vec![positions.len() as f64]),
        ("alarms", positions),
    ]))
}

/// A random detector is promised intervals only: its number of alarms, and the delay of the first after a change.
fn in_intervals(
    case: &Case,
    values: BTreeMap<&'static str, Vec<f64>>,
) -> BTreeMap<&'static str, Vec<f64>> {
    let expect = case.fields["expect"].as_object().unwrap();
    let change = number(&case.fields["params"]["true_changes"][0]);
    let first = values["alarms"].iter().find(|&&alarm| alarm >= change);
    let mut promised = BTreeMap::new();
    if expect.contains_key("n_alarms_in") {
        promised.insert("n_alarms_in", values["n_alarms"].clone());
    }
    if expect.contains_key("first_after_change_in") {
        promised.insert(
            "first_after_change_in",
            first.copied().into_iter().collect(),
        );
    }
    promised
}
