//! Figures against their definitions, and intervals against the coverage that they state.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use mlops_drift::performance::{
    Estimate, Loss, Multiclass, Scored, paired_auc_difference, paired_difference,
};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The AUC by its definition: every pair of a positive and a negative.
fn auc_by_pairs(labels: &[bool], scores: &[f64]) -> f64 {
    let of = |class: bool| {
        let rows = labels.iter().zip(scores);
        rows.filter(move |(label, _)| **label == class)
            .map(|(_, score)| *score)
    };
    let (mut sum, mut pairs) = (0.0, 0.0);
    for positive in of(true) {
        for negative in of(false) {
            sum += if positive > negative {
                1.0
            } else if positive == negative {
                0.5
            } else {
                0.0
            };
            pairs += 1.0;
        }
    }
    sum / pairs
}

proptest! {
    #[test]
    fn auc_equals_its_definition_by_pairs(
        rows in prop::collection::vec((any::<bool>(), 0u8..12), 8..60),
    ) {
        let labels: Vec<bool> = rows.iter().map(|(label, _)| *label).collect();
        let scores: Vec<f64> = rows.iter().map(|(_, score)| f64::from(*score) / 12.0).collect();
        prop_assume!(labels.iter().filter(|l| **l).count() >= 2);
        prop_assume!(labels.iter().filter(|l| !**l).count() >= 2);
        let auc = Scored::new(&labels, &scores).unwrap().auc().unwrap();
        prop_assert!((auc.value - auc_by_pairs(&labels, &scores)).abs() < 1e-12);
        prop_assert!(auc.interval.contains(auc.value));
    }

    #[test]
    fn units_of_one_row_change_nothing(
        rows in prop::collection::vec((any::<bool>(), 0.0..1.0f64), 8..60),
    ) {
        let labels: Vec<bool> = rows.iter().map(|(label, _)| *label).collect();
        let scores: Vec<f64> = rows.iter().map(|(_, score)| *score).collect();
        prop_assume!(labels.iter().filter(|l| **l).count() >= 2);
        prop_assume!(labels.iter().filter(|l| !**l).count() >= 2);
        let ids: Vec<u64> = (0..labels.len() as u64).map(|i| i * 7919).collect();
        let plain = Scored::new(&labels, &scores).unwrap();
        let units = plain.clone().units(&ids).unwrap();
        prop_assert_eq!(plain.auc().unwrap(), units.auc().unwrap());
        prop_assert_eq!(plain.brier().unwrap(), units.brier().unwrap());
        prop_assert_eq!(plain.accuracy(0.5).unwrap(), units.accuracy(0.5).unwrap());
    }
}

/// Repeating every row k times as one unit must not sharpen any interval.
#[test]
fn repeated_rows_in_one_unit_carry_no_information() {
    let (labels, scores) = rows(&mut ChaCha8Rng::seed_from_u64(5), 80, 1);
    let repeat = |k: usize| {
        let indices = || (0..labels.len()).flat_map(move |i| std::iter::repeat_n(i, k));
        let l: Vec<bool> = indices().map(|i| labels[i]).collect();
        let s: Vec<f64> = indices().map(|i| scores[i]).collect();
        let u: Vec<u64> = indices().map(|i| i as u64).collect();
        Scored::new(&l, &s).unwrap().units(&u).unwrap()
    };
    let (once, tenfold) = (repeat(1), repeat(10));
    // Wilson's effective number of rows comes out as n - 0.9 instead of n, and with units the quantile is
    // Student's with 79 degrees of freedom, 1.9905 instead of 1.9600.
    let same = |a: Estimate, b: Estimate, tolerance: f64| {
        assert!((a.value - b.value).abs() < 1e-12, "{a:?} {b:?}");
        assert!(
            (a.interval.width() / b.interval.width() - 1.0).abs() < tolerance,
            "{a:?} {b:?}"
        );
    };
    same(once.brier().unwrap(), tenfold.brier().unwrap(), 1e-9);
    same(once.log_loss().unwrap(), tenfold.log_loss().unwrap(), 1e-9);
    same(once.auc().unwrap(), tenfold.auc().unwrap(), 1e-9);
    same(
        once.accuracy(0.5).unwrap(),
        tenfold.accuracy(0.5).unwrap(),
        0.025,
    );
}

/// A row of weight k is k copies of it in one unit: every figure and every interval.
#[test]
fn a_weight_is_that_many_copies_in_one_unit() {
    let rng = &mut ChaCha8Rng::seed_from_u64(6);
    let (labels, scores) = rows(rng, 60, 1);
    let times: Vec<usize> = labels.iter().map(|_| rng.random_range(1..4)).collect();
    let weights: Vec<f64> = times.iter().map(|&k| k as f64).collect();
    let indices = || (0..60).flat_map(|i| std::iter::repeat_n(i, times[i]));
    let copied = Scored::new(
        &indices().map(|i| labels[i]).collect::<Vec<_>>(),
        &indices().map(|i| scores[i]).collect::<Vec<_>>(),
    );
    let units: Vec<u64> = indices().map(|i| i as u64).collect();
    let copied = copied.unwrap().units(&units).unwrap();
    let weighted = Scored::new(&labels, &scores)
        .unwrap()
        .weights(&weights)
        .unwrap();
    let same = |figure: &dyn Fn(&Scored) -> Estimate, tolerance: f64| {
        let (a, b) = (figure(&weighted), figure(&copied));
        assert!((a.value - b.value).abs() < 1e-12, "{a:?} {b:?}");
        assert!(
            (a.interval.low() - b.interval.low()).abs() < tolerance,
            "{a:?} {b:?}"
        );
        assert!(
            (a.interval.high() - b.interval.high()).abs() < tolerance,
            "{a:?} {b:?}"
        );
    };
    same(&|s| s.auc().unwrap(), 1e-9);
    same(&|s| s.brier().unwrap(), 1e-9);
    same(&|s| s.estimate(0.5, |c| Some(c.mcc())).unwrap(), 1e-9);
    same(
        &|s| s.estimate_of_curve(|c| c.average_precision().ok()).unwrap(),
        1e-9,
    );
    // n and n − 1 of the design effect stand for rows, which copies multiply: 1/60 of a width of 0.25.
    same(&|s| s.accuracy(0.5).unwrap(), 0.25 / 60.0);
    same(&|s| s.precision(0.5).unwrap(), 0.4 / 30.0);
    assert_eq!(weighted.confusion(0.5), copied.confusion(0.5));
    let (a, b) = (
        weighted.reliability(7).unwrap(),
        copied.reliability(7).unwrap(),
    );
    assert!((a.expected_calibration_error() - b.expected_calibration_error()).abs() < 1e-12);
}

/// Wilson's interval for 8 of 10 is (0.4902, 0.9433): Newcombe, Statistics in Medicine 1998, method 3.
#[test]
fn accuracy_has_wilsons_interval() {
    let labels = [true; 10];
    let scores = [0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.1, 0.1];
    let accuracy = Scored::new(&labels, &scores)
        .unwrap()
        .accuracy(0.5)
        .unwrap();
    assert!(
        (accuracy.interval.low() - 0.4902).abs() < 1e-4,
        "{}",
        accuracy.interval
    );
    assert!(
        (accuracy.interval.high() - 0.9433).abs() < 1e-4,
        "{}",
        accuracy.interval
    );
}

/// Votes of ten trees are equal or not, whatever a tenth of them is in floating point.
#[test]
fn equal_votes_are_ties() {
    let rng = &mut ChaCha8Rng::seed_from_u64(31);
    for rows in [17, 60, 200, 1_000] {
        let labels: Vec<usize> = (0..rows).map(|i| i % 3).collect();
        let votes: Vec<[u32; 3]> = labels
            .iter()
            .map(|label| {
                let mut votes = [0; 3];
                for _ in 0..10 {
                    let is_right = rng.random_range(0.0..1.0) < 0.4;
                    votes[if is_right {
                        *label
                    } else {
                        rng.random_range(0..3)
                    }] += 1;
                }
                votes
            })
            .collect();
        let shares: Vec<f64> = votes
            .iter()
            .flatten()
            .map(|votes| f64::from(*votes) / 10.0)
            .collect();
        let by_pairs = (0..3).map(|class| {
            let is_one: Vec<bool> = labels.iter().map(|label| *label == class).collect();
            let of_class: Vec<f64> = votes.iter().map(|votes| f64::from(votes[class])).collect();
            auc_by_pairs(&is_one, &of_class)
        });
        let want = by_pairs.sum::<f64>() / 3.0;
        let got = Multiclass::new(3, &labels, &shares)
            .unwrap()
            .auc_one_against_rest()
            .unwrap();
        assert!(
            (got - want).abs() < 1e-12,
            "{rows} rows: {got} is not {want}"
        );
    }
}

/// The two-sided 95 % quantile t of Student's law with two degrees of freedom, whose distribution function is ½ + t/(2√(2 + t²)): t² =
/// 2·0.95²/(1 − 0.95²).
fn student_of_two() -> f64 {
    (2.0 * 0.95_f64.powi(2) / (1.0 - 0.95_f64.powi(2))).sqrt()
}

fn assert_ends(estimate: Estimate, ends: [f64; 2]) {
    let found = [estimate.interval.low(), estimate.interval.high()];
    let off = [found[0] - ends[0], found[1] - ends[1]];
    assert!(
        off.iter().all(|off| off.abs() < 1e-9),
        "{found:?} for {ends:?}"
    );
}

/// Three units of a positive and a negative row each, by hand after Obuchowski ("Nonparametric analysis of clustered ROC curve data",
/// Biometrics 53, 1997). The positives at 0.9, 0.6 and 0.3 lie above 3, 3 and 1 of the negatives at 0.5, 0.4 and 0.2, and these below 2,
/// 2 and 3 of them: the area is 7/9. Deviations by unit, as shares of a class, are (2, 2, −4)/27 and (−1, −1, 2)/27, so that the variance
/// is 3/2·(24 + 6 − 2·12)/27² = 1/81: units whose classes deviate against each other are worth more than rows. Satterthwaite's degrees of
/// freedom, of parts as 36 to 9 with 2 each, would be 45²/((36² + 9²)/2) = 2.9, but three units have 2. On the scale of the logit the
/// error is (1/9)/(7/9·2/9) = 9/14.
#[test]
fn units_of_both_classes_have_the_auc_of_obuchowski() {
    let labels = [true, false, true, false, true, false];
    let scores = [0.9, 0.5, 0.6, 0.4, 0.3, 0.2];
    let rows = Scored::new(&labels, &scores).unwrap();
    let auc = rows.units(&[1, 1, 2, 2, 3, 3]).unwrap().auc().unwrap();
    assert!((auc.value - 7.0 / 9.0).abs() < 1e-12, "{auc:?}");
    let odds = [-1.0, 1.0].map(|sign: f64| 3.5 * (sign * student_of_two() * 9.0 / 14.0).exp());
    assert_ends(auc, odds.map(|odds| odds / (1.0 + odds)));
}

/// Units of a hit and a miss each vary less than rows do (their design effect is 0), and yet count for no more than their six rows:
/// Wilson's interval around one half has the radius t/(2√(6 + t²)), with Student's t of three units.
#[test]
fn units_that_vary_less_than_rows_count_for_no_more_than_these() {
    let rows = Scored::new(&[true; 6], &[0.9, 0.1, 0.9, 0.1, 0.9, 0.1]).unwrap();
    let units = rows.units(&[1, 1, 2, 2, 3, 3]).unwrap();
    let radius = student_of_two() / (2.0 * (6.0 + student_of_two().powi(2)).sqrt());
    assert_ends(units.accuracy(0.5).unwrap(), [0.5 - radius, 0.5 + radius]);
}

#[test]
fn a_perfect_order_has_an_honest_interval() {
    let labels: Vec<bool> = (0..40).map(|i| i >= 20).collect();
    let scores: Vec<f64> = (0..40).map(|i| f64::from(i) / 40.0).collect();
    let auc = Scored::new(&labels, &scores).unwrap().auc().unwrap();
    assert_eq!(auc.value, 1.0);
    assert!((auc.interval.low() - 0.025_f64.powf(1.0 / 20.0)).abs() < 1e-12);
    assert_eq!(auc.interval.high(), 1.0);
}

/// Units of `size` rows that share part of their label's and their score's luck.
fn rows(rng: &mut ChaCha8Rng, units: usize, size: usize) -> (Vec<bool>, Vec<f64>) {
    let (mut labels, mut scores) = (Vec::new(), Vec::new());
    for _ in 0..units {
        let shared: f64 = rng.random_range(-0.25..0.25);
        for _ in 0..size {
            let truth: f64 = 0.5 + shared + rng.random_range(-0.2..0.2);
            labels.push(rng.random_range(0.0..1.0) < truth);
            scores.push((truth + 0.6 * shared + rng.random_range(-0.2..0.2)).clamp(0.02, 0.98));
        }
    }
    (labels, scores)
}

fn scored(rng: &mut ChaCha8Rng, units: usize, size: usize) -> Scored {
    let (labels, scores) = rows(rng, units, size);
    let ids: Vec<u64> = (0..labels.len()).map(|row| (row / size) as u64).collect();
    Scored::new(&labels, &scores).unwrap().units(&ids).unwrap()
}

/// 95 % intervals over 400 redrawn samples of 60 units: with true coverage 0.93 (asymptotics at 60
/// units may cost two points), fewer than 352 hits have probability below 1e-4.
#[test]
fn clustered_intervals_cover() {
    type Figure = fn(&Scored) -> Estimate;
    let figures: [(&str, Figure); 7] = [
        ("auc", |s| s.auc().unwrap()),
        ("brier", |s| s.brier().unwrap()),
        ("log loss", |s| s.log_loss().unwrap()),
        ("accuracy", |s| s.accuracy(0.5).unwrap()),
        ("precision", |s| s.precision(0.5).unwrap()),
        ("recall", |s| s.recall(0.5).unwrap()),
        ("specificity", |s| s.specificity(0.5).unwrap()),
    ];
    let rng = &mut ChaCha8Rng::seed_from_u64(0);
    let truth = scored(rng, 40_000, 5);
    let truths = figures.map(|(_, figure)| figure(&truth).value);
    let mut hits = [0; 7];
    for _ in 0..400 {
        let sample = scored(rng, 60, 5);
        for (hit, ((_, figure), truth)) in hits.iter_mut().zip(figures.iter().zip(truths)) {
            *hit += u32::from(figure(&sample).interval.contains(truth));
        }
    }
    for ((name, _), hits) in figures.iter().zip(hits) {
        println!("{name}: {hits} of 400");
        assert!(hits >= 352, "{name}: {hits} of 400");
    }
}

/// Champion and challenger with equal noise: no difference, at 95 %. See above for the bound.
#[test]
fn paired_intervals_cover_no_difference_and_see_a_real_one() {
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let (mut brier, mut auc, mut seen) = (0, 0, 0);
    for _ in 0..400 {
        let (labels, scores) = rows(rng, 60, 5);
        let ids: Vec<u64> = (0..300).map(|row| row / 5).collect();
        let mut model = |noise: f64| {
            let noisy = scores
                .iter()
                .map(|s| (s + rng.random_range(-noise..noise)).clamp(0.0, 1.0));
            let noisy: Vec<f64> = noisy.collect();
            Scored::new(&labels, &noisy).unwrap().units(&ids).unwrap()
        };
        let (champion, equal, worse) = (model(0.2), model(0.2), model(0.8));
        let difference = paired_difference(&champion, &equal, Loss::Brier).unwrap();
        brier += u32::from(difference.interval.contains(0.0));
        auc += u32::from(
            paired_auc_difference(&champion, &equal)
                .unwrap()
                .interval
                .contains(0.0),
        );
        let worse = paired_difference(&champion, &worse, Loss::Brier).unwrap();
        seen += u32::from(worse.interval.low() > 0.0);
    }
    println!("brier {brier}, auc {auc}, seen {seen} of 400");
    assert!(brier >= 352 && auc >= 352, "{brier} {auc} of 400");
    assert!(seen >= 390, "{seen} of 400");
}

#[test]
fn champion_and_challenger_in_exchanged_roles_change_the_sign() {
    let rng = &mut ChaCha8Rng::seed_from_u64(2);
    let (labels, scores) = rows(rng, 50, 2);
    let other: Vec<f64> = scores.iter().map(|s| s * 0.9).collect();
    let (a, b) = (
        Scored::new(&labels, &scores).unwrap(),
        Scored::new(&labels, &other).unwrap(),
    );
    let (there, back) = (
        paired_difference(&a, &b, Loss::LogLoss).unwrap(),
        paired_difference(&b, &a, Loss::LogLoss).unwrap(),
    );
    assert_eq!(there.value, -back.value);
    assert!((there.interval.low() + back.interval.high()).abs() < 1e-12);
    assert_eq!(paired_auc_difference(&a, &b).unwrap().value, 0.0); // the order is the same
}
