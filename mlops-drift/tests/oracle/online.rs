//! Detectors on streams: the positions of their alarms, value for value as river raises them.

use std::collections::BTreeMap;

use mlops_core::Result;
use mlops_drift::stream::{
    Adwin, Ddm, Direction, Eddm, Fhddm, HddmA, HddmW, Kswin, PageHinkley, Sequential, Signal,
};

use crate::case::{Case, Outcome, number};

pub(crate) fn outcome(case: &Case, function: &str) -> Option<Outcome> {
    let (detector, _) = function.split_once('/').unwrap();
    let parameter = |name: &str| number(&case.fields["params"][name]);
    let whole = |name: &str| parameter(name) as usize;
    let stream = || case.numbers("value");
    Some(match detector {
        "adwin" => Adwin::new(parameter("delta"), whole("clock"))
            .and_then(|detector| alarms(detector, stream())),
        "page_hinkley" => page_hinkley(case, parameter("delta"), parameter("threshold"))
            .and_then(|detector| detector.forgetting(parameter("alpha"), whole("min_instances")))
            .and_then(|detector| alarms(detector, stream())),
        "kswin" => Kswin::new(parameter("alpha"), whole("window_size"), whole("stat_size"))
            .and_then(|detector| alarms(detector, stream()))
            .map(|values| in_intervals(case, values)),
        "ddm" => alarms(Ddm::default(), wrong(stream())),
        "eddm" => alarms(Eddm::default(), wrong(stream())),
        // river counts ones as right.
        "fhddm" => Fhddm::new(whole("sliding_window_size"), parameter("confidence_level"))
            .and_then(|detector| alarms(detector, wrong(stream()).map(|wrong| !wrong))),
        "hddm_a" => HddmA::new(
            parameter("drift_confidence"),
            parameter("warning_confidence"),
            false,
        )
        .and_then(|detector| alarms(detector, stream())),
        "hddm_w" => HddmW::new(
            parameter("drift_confidence"),
            parameter("warning_confidence"),
            parameter("lambda_val"),
            false,
        )
        .and_then(|detector| alarms(detector, stream())),
        _ => return None,
    })
}

fn page_hinkley(case: &Case, delta: f64, threshold: f64) -> Result<PageHinkley> {
    let direction = match case.fields["params"]["mode"].as_str().unwrap() {
        "up" => Direction::Up,
        "down" => Direction::Down,
        _ => Direction::Both,
    };
    PageHinkley::new(delta, threshold, direction)
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
