//! False discoveries over time: the share of false alarms among all alarms, over seeds, and the published formulas written out.
//!
//! `cargo test --release -p mlops-drift --test online_fdr -- --ignored --nocapture` runs 10,000 streams a case and prints every rate.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs
)]

use mlops_core::evidence::{EValue, PValue, SignificanceLevel};
use mlops_drift::multiplicity::{ELond, Lord, OnlineDecision, Saffron};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use statrs::distribution::{Binomial, DiscreteCDF};
use statrs::function::erf::erfc;

const ALPHA: f64 = 0.1;

fn level() -> SignificanceLevel {
    SignificanceLevel::new(ALPHA).unwrap()
}

fn gamma(j: usize) -> f64 {
    let j = j as f64;
    0.07720838 * j.max(2.0).ln() / (j * j.ln().sqrt().exp())
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random_range(0.0..1.0_f64)).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random_range(0.0..1.0_f64)).cos()
}

fn upper_tail(z: f64) -> f64 {
    erfc(z / std::f64::consts::SQRT_2) / 2.0
}

/// The levels as the papers write them, with every sum over all earlier rejections taken anew.
#[test]
fn levels_are_those_of_the_formulas() {
    let rng = &mut ChaCha8Rng::seed_from_u64(3);
    let ps: Vec<f64> = (0..300)
        .map(|t| {
            rng.random_range(0.0..1.0_f64)
                .powi(if t % 4 == 0 { 12 } else { 1 })
        })
        .collect();
    let (mut lord, mut saffron) = (Lord::new(level()), Saffron::new(level()));
    let (mut e_lond, mut e_lond_hits) = (ELond::new(level()), 0.0);
    let (mut lord_hits, mut saffron_hits): (Vec<usize>, Vec<usize>) = (vec![], vec![]);
    for (index, &p) in ps.iter().enumerate() {
        let t = index + 1;
        let got = lord.test(PValue::new(p).unwrap());
        let w0 = ALPHA / 10.0;
        let later: f64 = lord_hits.iter().skip(1).map(|tau| gamma(t - tau)).sum();
        let first = lord_hits
            .first()
            .map_or(0.0, |tau| (ALPHA - w0) * gamma(t - tau));
        let want = w0 * gamma(t) + first + ALPHA * later;
        assert!((got.level - want).abs() < 1e-15, "{t}");
        if p <= want {
            lord_hits.push(t);
        }

        let e = 1.0 / p;
        let got = e_lond.test(EValue::new(e).unwrap());
        let want = ALPHA * gamma(t) * (e_lond_hits + 1.0);
        assert!((got.level - want).abs() < 1e-15, "{t}");
        assert_eq!(got.rejected, e >= 1.0 / want, "{t}");
        e_lond_hits += f64::from(u8::from(got.rejected));

        // t less the rejection's position less the candidates after it, as in the paper.
        let got = saffron.test(PValue::new(p).unwrap());
        let w0 = ALPHA / 4.0;
        let candidates = |after: usize| ps[after..index].iter().filter(|p| **p <= 0.5).count();
        let term = |tau: usize| gamma(t - tau - candidates(tau));
        let later: f64 = saffron_hits.iter().skip(1).map(|tau| term(*tau)).sum();
        let first = saffron_hits
            .first()
            .map_or(0.0, |tau| (0.5 * ALPHA - w0) * term(*tau));
        let want = (w0 * term(0) + first + 0.5 * ALPHA * later).min(0.5);
        assert!(
            (got.level - want).abs() < 1e-15,
            "{t}: {} for {want}",
            got.level
        );
        if p <= want {
            saffron_hits.push(t);
        }
    }
    assert!(
        lord_hits.len() > 10 && saffron_hits.len() > 10 && e_lond_hits > 10.0,
        "nothing was rejected"
    );
}

/// Long streams of rejections: never above the formula, whose sum is taken in full, and by 2 % below it at most.
#[test]
fn levels_stay_those_of_the_formulas_in_long_streams() {
    const TESTS: usize = 6_000;
    let (mut lord, mut saffron) = (Lord::new(level()), Saffron::new(level()));
    let mut idle = 0;
    let (mut lord_hits, mut saffron_hits): (Vec<usize>, Vec<usize>) = (vec![], vec![]);
    for t in 1..=TESTS {
        let p = PValue::new(if t % 3 == 0 { 0.9 } else { 0.0 }).unwrap();
        let got = [lord.test(p).level, saffron.test(p).level];
        if t % 499 == 0 || t == TESTS {
            let [first, budget] = [ALPHA / 10.0, ALPHA / 2.0];
            let all: f64 = lord_hits.iter().map(|tau| gamma(t - tau)).sum();
            let paid = first * gamma(t) - first * gamma(t - lord_hits[0]) + ALPHA * all;
            let all: f64 = saffron_hits.iter().map(|at| gamma(idle - at + 1)).sum();
            let first = ALPHA / 4.0;
            let other = first * gamma(idle + 1) - first * gamma(idle - saffron_hits[0] + 1);
            for (got, want) in got.into_iter().zip([paid, (other + budget * all).min(0.5)]) {
                assert!(
                    (0.98 * want..=want + 1e-12).contains(&got),
                    "{t}: {got} for {want}"
                );
            }
        }
        if t % 3 == 0 {
            idle += 1;
        } else {
            lord_hits.push(t);
            saffron_hits.push(idle);
        }
    }
}

/// Every rejection pays (1 − λ)·alpha·γ₁ for the next test, 0.05·0.0535 here, and candidates do not let it decay: a thousand of them
/// would pay 2.7. A level is at most λ = ½ all the same, or tests that are no candidates would be rejected.
#[test]
fn no_level_of_saffron_exceeds_its_candidates() {
    let mut saffron = Saffron::new(level());
    let levels: Vec<f64> = (0..1_000)
        .map(|_| saffron.test(PValue::new(0.0).unwrap()).level)
        .collect();
    assert!(levels.is_sorted() && levels[100] < 0.5);
    assert_eq!(levels[999], 0.5);
    assert!(!saffron.test(PValue::new(0.51).unwrap()).rejected);
}

/// e-values that pay all or nothing, at most one of them in a stream: nothing less than alpha·Σγ is spent, and nothing more.
#[test]
fn e_lond_spends_its_levels_whole_where_dependence_is_worst() {
    const RUNS: u64 = 4_000;
    const TESTS: usize = 50;
    let alarms = (0..RUNS).filter(|&seed| {
        let drawn = ChaCha8Rng::seed_from_u64(seed).random_range(0.0..1.0);
        let (mut e_lond, mut spent) = (ELond::new(level()), 0.0);
        (0..TESTS).any(|_| {
            let next = e_lond.clone().test(EValue::new(0.0).unwrap()).level;
            let pays = spent <= drawn && drawn < spent + next; // with probability `next`
            spent += next;
            let e = if pays {
                -next.ln() + 1e-9
            } else {
                f64::NEG_INFINITY
            };
            e_lond.test(EValue::from_ln(e)).rejected
        })
    });
    let count = alarms.count() as f64;
    let expected = RUNS as f64 * ALPHA * (1..=TESTS).map(gamma).sum::<f64>();
    println!("e-LOND at its worst: {count} of {RUNS}, {expected:.0} expected");
    assert!(
        (count - expected).abs() <= 4.0 * expected.sqrt(),
        "{count} of {expected}"
    );
}

/// Mean false discovery proportion over runs, with its standard error, and the mean share of changes that were found.
fn rates(runs: u64, mut run: impl FnMut(&mut ChaCha8Rng) -> [f64; 2]) -> [f64; 3] {
    let results: Vec<[f64; 2]> = (0..runs)
        .map(|seed| run(&mut ChaCha8Rng::seed_from_u64(seed)))
        .collect();
    let size = runs as f64;
    let mean = |i: usize| results.iter().map(|r| r[i]).sum::<f64>() / size;
    let variance = results
        .iter()
        .map(|r| (r[0] - mean(0)).powi(2))
        .sum::<f64>()
        / (size - 1.0);
    [mean(0), (variance / size).sqrt(), mean(1)]
}

/// A stream of 400 tests of which the share `changed` is of a mean of 3; all share a part of their noise.
fn stream(
    rng: &mut ChaCha8Rng,
    shared: f64,
    changed: f64,
    mut test: impl FnMut(f64) -> OnlineDecision,
) -> [f64; 2] {
    let common = normal(rng) * shared.sqrt();
    let (mut alarms, mut false_alarms, mut changes, mut found) = (0.0, 0.0, 0.0, 0.0);
    for _ in 0..400 {
        let change = rng.random_range(0.0..1.0) < changed;
        let z = common + normal(rng) * (1.0 - shared).sqrt() + if change { 3.0 } else { 0.0 };
        let rejected = test(z).rejected;
        changes += f64::from(u8::from(change));
        alarms += f64::from(u8::from(rejected));
        found += f64::from(u8::from(rejected && change));
        false_alarms += f64::from(u8::from(rejected && !change));
    }
    [
        false_alarms / f64::max(alarms, 1.0),
        found / f64::max(changes, 1.0),
    ]
}

/// Four standard errors above alpha fail.
fn holds([rate, error, found]: [f64; 3], name: &str, least_found: f64) {
    println!("{name}: false discovery rate {rate:.4} ± {error:.4}, found {found:.2}");
    assert!(rate <= ALPHA + 4.0 * error, "{name}: {rate}");
    assert!(found >= least_found, "{name} found {found}");
}

#[test]
fn independent_p_values_keep_the_rate_and_find_changes() {
    let p = |z: f64| PValue::new(upper_tail(z)).unwrap();
    for changed in [0.0, 0.1, 0.4] {
        let least_found = if changed == 0.0 { 0.0 } else { 0.05 };
        let lord = rates(200, |rng| {
            let mut lord = Lord::new(level());
            stream(rng, 0.0, changed, |z| lord.test(p(z)))
        });
        holds(lord, "lord++", least_found);
        let saffron = rates(200, |rng| {
            let mut saffron = Saffron::new(level());
            stream(rng, 0.0, changed, |z| saffron.test(p(z)))
        });
        holds(saffron, "saffron", least_found);
    }
}

/// Likelihood ratios of a mean of 3 are e-values, whatever the tests share.
#[test]
fn dependent_e_values_keep_the_rate_and_find_changes() {
    for shared in [0.0, 0.5, 0.9] {
        for changed in [0.0, 0.2] {
            let least_found = if changed == 0.0 { 0.0 } else { 0.02 };
            let e_lond = rates(200, |rng| {
                let mut e_lond = ELond::new(level());
                stream(rng, shared, changed, |z| {
                    e_lond.test(EValue::from_ln(3.0 * z - 4.5))
                })
            });
            holds(e_lond, &format!("e-lond, {shared} shared"), least_found);
        }
    }
}

/// The least k with P(Binomial(runs, alpha) > k) < 1e-4.
fn most(runs: u64) -> u64 {
    let law = Binomial::new(ALPHA, runs).unwrap();
    law.inverse_cdf(1.0 - 1e-4)
}

/// A discovery drawn from all of a stream's is false with the probability that the false discovery rate is: counted, a line of the table.
fn drawn_discoveries_are_false(
    case: &str,
    runs: u64,
    mut run: impl FnMut(&mut ChaCha8Rng) -> [f64; 2],
) {
    let count = (0..runs).filter(|&seed| {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let [false_share, _] = run(rng);
        rng.random_range(0.0..1.0) < false_share
    });
    let (count, bound) = (count.count() as u64, most(runs));
    let rate = count as f64 / runs as f64;
    println!("false discovery rate of {case}: {rate:.4} ({count} of {runs}, bound {bound})");
    assert!(count <= bound, "{case}: {count} of {runs}");
}

#[test]
#[ignore = "minutes: see guarantees.sh"]
fn rates_over_time_in_many_runs() {
    const RUNS: u64 = 10_000;
    let p = |z: f64| PValue::new(upper_tail(z)).unwrap();
    for changed in [0.0, 0.1, 0.2, 0.5] {
        let case = |name: &str| format!("{name}, 400 independent tests, {changed} changed");
        drawn_discoveries_are_false(&case("LORD++"), RUNS, |rng| {
            let mut lord = Lord::new(level());
            stream(rng, 0.0, changed, |z| lord.test(p(z)))
        });
        drawn_discoveries_are_false(&case("SAFFRON"), RUNS, |rng| {
            let mut saffron = Saffron::new(level());
            stream(rng, 0.0, changed, |z| saffron.test(p(z)))
        });
        for shared in [0.0, 0.5, 0.9] {
            let case = format!("e-LOND, 400 tests of correlation {shared}, {changed} changed");
            drawn_discoveries_are_false(&case, RUNS, |rng| {
                let mut e_lond = ELond::new(level());
                stream(rng, shared, changed, |z| {
                    e_lond.test(EValue::from_ln(3.0 * z - 4.5))
                })
            });
        }
    }
}

#[test]
fn states_go_on_after_a_restart() {
    let (mut lord, mut saffron, mut e_lond) = (
        Lord::new(level()),
        Saffron::new(level()),
        ELond::new(level()),
    );
    for t in 0..50 {
        let p = PValue::new(if t % 7 == 0 { 1e-5 } else { 0.6 }).unwrap();
        let e = EValue::new(if t % 7 == 0 { 1e6 } else { 0.5 }).unwrap();
        let mut copies: (Lord, Saffron, ELond) =
            serde_json::from_str(&serde_json::to_string(&(&lord, &saffron, &e_lond)).unwrap())
                .unwrap();
        assert_eq!(lord.test(p), copies.0.test(p));
        assert_eq!(saffron.test(p), copies.1.test(p));
        assert_eq!(e_lond.test(e), copies.2.test(e));
    }
}

/// A rejection that lies ahead would underflow an age.
#[test]
fn states_that_cannot_be_are_refused() {
    let mut lord = Lord::new(level());
    let mut saffron = Saffron::new(level());
    for p in [1e-9, 0.7, 1e-9, 0.7] {
        lord.test(PValue::new(p).unwrap());
        saffron.test(PValue::new(p).unwrap());
    }
    let (lord, saffron) = (
        serde_json::to_string(&lord).unwrap(),
        serde_json::to_string(&saffron).unwrap(),
    );
    let (ahead, disordered) = (
        lord.replace("[1,3]", "[1,30]"),
        lord.replace("[1,3]", "[3,1]"),
    );
    assert!(
        ahead != lord && saffron.contains("[0,1]"),
        "{lord} {saffron}"
    );
    assert!(serde_json::from_str::<Lord>(&ahead).is_err());
    assert!(serde_json::from_str::<Lord>(&disordered).is_err());
    assert!(serde_json::from_str::<Saffron>(&saffron.replace("[0,1]", "[0,9]")).is_err());
}
