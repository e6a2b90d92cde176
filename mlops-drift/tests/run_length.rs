//! How often a quiet stream alarms, all alarms counted, against the promised run length c; over seeds.
//!
//! R grows by 1 an observation on average, and an alarm takes at least c away: so R + c·(alarms so far) less the number of observations is a
//! supermartingale, and t observations raise t/c alarms at most on average, the first and all later ones alike. Runs are independent; the bound of a
//! case is that expectation and four standard errors of the runs' counts.
//!
//! `cargo test --release -p mlops-drift --test run_length -- --ignored --nocapture` counts 20,000 alarms a case and prints every rate.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs
)]

use mlops_drift::stream::{Sequential, ShiryaevRoberts, Signal};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Observations of a run, in run lengths.
const LENGTHS: usize = 20;

type Law = fn(&mut ChaCha8Rng) -> f64;

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random_range(0.0..1.0_f64)).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random_range(0.0..1.0_f64)).cos()
}

fn cauchy(rng: &mut ChaCha8Rng) -> f64 {
    (std::f64::consts::PI * (rng.random_range(0.0..1.0_f64) - 0.5)).tan()
}

fn five_values(rng: &mut ChaCha8Rng) -> f64 {
    rng.random_range(0..5_u8).into()
}

const LAWS: [(&str, Law); 3] = [
    ("normal", normal),
    ("cauchy", cauchy),
    ("five values", five_values),
];

/// A detector of this threshold on quiet streams of 20 c observations each.
struct Quiet {
    law: Law,
    reference: usize,
    promised: usize,
    threshold: f64,
    runs: u64,
}

impl Quiet {
    fn alarms(&self, seed: u64) -> f64 {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let reference: Vec<f64> = (0..self.reference).map(|_| (self.law)(rng)).collect();
        let mut detector = ShiryaevRoberts::with_seed(&reference, self.threshold, seed).unwrap();
        let signals = (0..LENGTHS * self.promised).map(|_| detector.observe((self.law)(rng)));
        signals
            .filter(|signal| *signal.as_ref().unwrap() == Signal::Drift)
            .count() as f64
    }

    /// The alarms of all runs, and what they are at most.
    fn counted(&self) -> [f64; 2] {
        let counts: Vec<f64> = (0..self.runs).map(|seed| self.alarms(seed)).collect();
        let (runs, sum) = (self.runs as f64, counts.iter().sum::<f64>());
        let variance = counts
            .iter()
            .map(|count| (count - sum / runs).powi(2))
            .sum::<f64>()
            / (runs - 1.0);
        let bound = runs * LENGTHS as f64 + 4.0 * (runs * variance).sqrt();
        [sum, bound.floor()]
    }
}

fn quiet_streams_alarm_no_more_often_than_promised(
    promised: usize,
    runs: u64,
    references: &[usize],
) {
    for (name, law) in LAWS {
        for &reference in references {
            let quiet = Quiet {
                law,
                reference,
                promised,
                threshold: promised as f64,
                runs,
            };
            let [alarms, bound] = quiet.counted();
            let observations = runs * (LENGTHS * promised) as u64;
            let case = format!(
                "alarms of ShiryaevRoberts at c = {promised}, {name}, reference {reference}"
            );
            let rate = alarms / observations as f64;
            println!("{case}: {rate:.4} ({alarms} of {observations}, bound {bound})");
            assert!(alarms <= bound, "{case}: {alarms} for {bound}");
            // It alarms, and the promise is not far from what is so: of 0.70 at c = 1,000 against a reference of two Cauchy values.
            assert!(
                alarms >= 0.6 * runs as f64 * LENGTHS as f64,
                "{case}: {alarms}"
            );
        }
    }
}

#[test]
fn quiet_streams_alarm_once_in_a_run_length() {
    quiet_streams_alarm_no_more_often_than_promised(50, 50, &[2, 50, 1_000]);
    quiet_streams_alarm_no_more_often_than_promised(200, 25, &[50]);
    quiet_streams_alarm_no_more_often_than_promised(1_000, 8, &[1_000]);
}

#[test]
#[ignore = "minutes: see guarantees.sh"]
fn quiet_streams_alarm_once_in_a_run_length_in_many_runs() {
    for promised in [50, 200, 1_000] {
        quiet_streams_alarm_no_more_often_than_promised(promised, 1_000, &[2, 50, 1_000]);
    }
}

/// The bound is sharp enough to see a threshold of four fifths of c.
#[test]
fn a_threshold_of_four_fifths_is_found_out() {
    for (promised, runs) in [(50, 150), (200, 80)] {
        let threshold = 0.8 * promised as f64;
        let quiet = Quiet {
            law: normal,
            reference: 200,
            promised,
            threshold,
            runs,
        };
        let [alarms, bound] = quiet.counted();
        assert!(alarms > bound, "{alarms} for {bound} at {promised}");
    }
}
