//! In no case does the exact statistic of the rows lie outside what two profiles say of it: over laws, sizes, grids, and profiles that were merged
//! from parts.
//!
//! `cargo test --release -p mlops-drift --test brackets -- --ignored --nocapture` tries 200,000 pairs and prints what lay outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs
)]

use std::collections::BTreeMap;

use mlops_drift::NumericSample;
use mlops_drift::divergence::{Divergence, Psi, Wasserstein};
use mlops_drift::profile::{Bracket, NumericProfile};
use mlops_drift::two_sample::KolmogorovSmirnov;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random_range(0.0..1.0_f64)).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random_range(0.0..1.0_f64)).cos()
}

/// A value of one of seven laws, the last with ±inf among its values.
fn value(law: usize, rng: &mut ChaCha8Rng) -> f64 {
    match law {
        0 => normal(rng),
        1 => normal(rng).exp(),
        2 => normal(rng) / normal(rng),
        3 => rng.random_range(0..5_u8).into(),
        4 => {
            if rng.random_range(0..3) > 0 {
                0.0
            } else {
                normal(rng)
            }
        }
        5 => normal(rng) * 1e12 + 1e15,
        _ => match rng.random_range(0..20) {
            0 => f64::INFINITY,
            1 => f64::NEG_INFINITY,
            _ => normal(rng),
        },
    }
}

/// Sizes from 1 to 2,000, small ones as often as large ones.
fn size(rng: &mut ChaCha8Rng) -> usize {
    rng.random_range(0.0..2_000_f64.ln()).exp() as usize
}

struct Pair {
    samples: [NumericSample; 2],
    profiles: [NumericProfile; 2],
    resolution: usize,
}

impl Pair {
    /// Of one law or of two, shifted or not; the current rows in up to four parts.
    fn draw(rng: &mut ChaCha8Rng) -> Self {
        let law = rng.random_range(0..7);
        let other = if rng.random_range(0..3) == 0 {
            rng.random_range(0..6)
        } else {
            law
        };
        let shift = [0.0, 0.3, 2.0][rng.random_range(0..3_usize)];
        let sizes = [size(rng), size(rng)];
        let reference: Vec<f64> = (0..sizes[0]).map(|_| value(law, rng)).collect();
        let current: Vec<f64> = (0..sizes[1]).map(|_| value(other, rng) + shift).collect();
        let resolution = rng.random_range(2..200);
        let x = NumericSample::new(reference);
        let profile = NumericProfile::with_resolution(&x, resolution).unwrap();
        let mut merged = profile.empty();
        for part in current.chunks(sizes[1].div_ceil(rng.random_range(1..5))) {
            merged
                .merge(&profile.like(&NumericSample::new(part.to_vec())))
                .unwrap();
        }
        Self {
            samples: [x, NumericSample::new(current)],
            profiles: [profile, merged],
            resolution,
        }
    }

    /// Per statistic that the rows have, its exact value and the bracket.
    fn statistics(&self) -> Vec<(&'static str, f64, Bracket)> {
        let ([x, y], [p, q]) = (&self.samples, &self.profiles);
        let d = KolmogorovSmirnov::statistic(x, y).unwrap();
        let bracket = p.kolmogorov_smirnov(q).unwrap();
        let widest = 2.0 / self.resolution as f64 + 1.0 / x.len() as f64;
        assert!(bracket.width() <= widest, "{bracket:?} holds anything");
        let mut all = vec![("kolmogorov_smirnov", d, bracket)];
        let wassersteins = [
            ("wasserstein", Wasserstein::raw()),
            ("wasserstein_sd", Wasserstein::default()),
        ];
        for (name, wasserstein) in wassersteins {
            let bracket = wasserstein.bracket(p, q);
            match wasserstein.divergence(x, y) {
                Ok(distance) => all.push((name, distance.get(), bracket.unwrap())),
                Err(_) => assert!(bracket.is_err(), "rows have no {name}, profiles do"),
            }
        }
        let psi = |of_rows: bool| {
            let psi = Psi::default();
            let value = if of_rows {
                psi.divergence(x, y)
            } else {
                psi.divergence(p, q)
            };
            value.map(|value| value.get())
        };
        match (psi(true), psi(false)) {
            // Bins end at cuts: no bracket, but the value itself.
            (Ok(exact), Ok(told)) => all.push((
                "psi",
                exact,
                Bracket {
                    low: told,
                    high: told,
                },
            )),
            (exact, told) => assert!(exact.is_err() && told.is_err(), "{exact:?}, {told:?}"),
        }
        all
    }
}

/// To the last digit, but for an index, of which there is no bracket: its sum over ten bins is rounded.
fn lies_outside(name: &str, exact: f64, bracket: Bracket) -> bool {
    let rounding = match name {
        "psi" => 1e-12 * (1.0 + exact.abs()),
        _ => 0.0,
    };
    exact < bracket.low - rounding || exact > bracket.high + rounding
}

fn nothing_lies_outside(pairs: u64) {
    let mut counts = BTreeMap::<&str, [u64; 2]>::new();
    for seed in 0..pairs {
        let pair = Pair::draw(&mut ChaCha8Rng::seed_from_u64(seed));
        for (name, exact, bracket) in pair.statistics() {
            let [outside, all] = counts.entry(name).or_default();
            *outside += u64::from(lies_outside(name, exact, bracket));
            *all += 1;
        }
    }
    for (name, [outside, all]) in &counts {
        let rate = *outside as f64 / *all as f64;
        println!("bracket of {name}: {rate:.4} ({outside} of {all}, bound 0)");
    }
    assert_eq!(counts.len(), 4);
    assert!(
        counts
            .values()
            .all(|[outside, all]| *outside == 0 && *all > pairs / 2),
        "{counts:?}"
    );
}

#[test]
fn no_exact_statistic_lies_outside_its_bracket() {
    nothing_lies_outside(1_000);
}

#[test]
#[ignore = "minutes: see guarantees.sh"]
fn no_exact_statistic_lies_outside_its_bracket_in_many_pairs() {
    nothing_lies_outside(200_000);
}
