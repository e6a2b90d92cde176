//! What a model gains over a dummy: values against enumeration and identities, intervals against their
//! coverage.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs
)]

use mlops_core::{Error, ErrorKind};
use mlops_drift::performance::{
    Loss, Multiclass, Ranking, RankingMetrics, Regression, RegressionDummy, RegressionLoss, Scored,
    by_segment,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use statrs::distribution::{Binomial, DiscreteCDF};

fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    rng.random_range(0.0..1.0)
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - uniform(rng)).ln()).sqrt();
    radius * (std::f64::consts::TAU * uniform(rng)).cos()
}

/// The greatest k with P(Binomial(runs, rate) < k) < 1e-4.
fn least(runs: u32, rate: f64) -> u32 {
    let law = Binomial::new(rate, u64::from(runs)).unwrap();
    law.inverse_cdf(1e-4) as u32
}

fn says<T: std::fmt::Debug>(result: Result<T, Error>, what: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(
        error.to_string().contains(what),
        "{error} does not say {what}"
    );
}

/// Scores p uniform in (0, 1) that are true: Brier score E p(1 − p) = 1/6 against 1/4, a skill of 1/3; wrong
/// answers E min(p, 1 − p) = 1/4 against 1/2, a skill of 1/2.
#[test]
fn intervals_of_skill_cover() {
    let runs = 2_000;
    let (mut brier, mut accuracy) = (0, 0);
    for seed in 0..u64::from(runs) {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let scores: Vec<f64> = (0..200).map(|_| uniform(rng)).collect();
        let labels: Vec<bool> = scores.iter().map(|p| uniform(rng) < *p).collect();
        let rows = Scored::new(&labels, &scores).unwrap();
        let skill = rows.skill(Loss::Brier, 0.5).unwrap();
        brier += u32::from(skill.interval.contains(1.0 / 3.0));
        let skill = rows.accuracy_skill(0.5, true).unwrap();
        accuracy += u32::from(skill.interval.contains(0.5));
    }
    println!("skill: brier {brier}, accuracy {accuracy} of {runs}");
    assert!(
        brier.min(accuracy) >= least(runs, 0.94),
        "{brier}, {accuracy} of {runs}"
    );
    let wrong = (runs - brier).min(runs - accuracy);
    assert!(
        wrong >= least(runs, 0.045),
        "{brier}, {accuracy} of {runs}: too wide"
    );
}

/// A random walk's last value is the best forecast: a model that repeats it has no skill over it, and much
/// over the mean.
#[test]
fn the_last_value_is_a_dummy_to_be_reckoned_with() {
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let mut at = 0.0;
    let walk: Vec<f64> = (0..2_000)
        .map(|_| {
            at += normal(rng);
            at
        })
        .collect();
    let repeated: Vec<f64> = std::iter::once(0.0)
        .chain(walk.iter().copied())
        .take(2_000)
        .collect();
    let rows = Regression::new(&walk, &repeated).unwrap();
    let skill = |dummy| rows.skill(RegressionLoss::Absolute, dummy).unwrap();
    assert_eq!(skill(RegressionDummy::LastValue).value, 0.0);
    assert_eq!(skill(RegressionDummy::LastValue).n, 1_999);
    assert!(skill(RegressionDummy::mean(&walk).unwrap()).value > 0.8);
    assert!(skill(RegressionDummy::median(&walk).unwrap()).value > 0.8);
}

#[test]
fn squared_skill_over_the_mean_is_the_coefficient_of_determination() {
    let rng = &mut ChaCha8Rng::seed_from_u64(2);
    let truth: Vec<f64> = (0..50).map(|_| normal(rng)).collect();
    let predicted: Vec<f64> = truth.iter().map(|y| y + 0.3 * normal(rng)).collect();
    let rows = Regression::new(&truth, &predicted).unwrap();
    let skill = rows.skill(
        RegressionLoss::Squared,
        RegressionDummy::mean(&truth).unwrap(),
    );
    assert!((skill.unwrap().value - rows.metrics().r2.unwrap()).abs() < 1e-12);
}

fn orders(items: &[f64]) -> Vec<Vec<f64>> {
    if items.is_empty() {
        return vec![vec![]];
    }
    let with_first = |first: usize| {
        let mut rest = items.to_vec();
        let item = rest.remove(first);
        orders(&rest)
            .into_iter()
            .map(move |order| [vec![item], order].concat())
    };
    (0..items.len()).flat_map(with_first).collect()
}

/// Expectations of random order, by all 120 orders of five items.
#[test]
fn random_order_is_the_mean_over_all_orders() {
    for items in [
        [3.0, 1.0, 0.0, 0.0, 1.0],
        [0.0, 0.0, 0.0, 0.0, 2.0],
        [1.0; 5],
        [0.0; 5],
    ] {
        for k in 1..=7 {
            let of_order = |order: &Vec<f64>| {
                let scores: Vec<f64> = (0..5).map(|rank| -f64::from(rank)).collect();
                Ranking::new(&[1; 5], order, &scores)
                    .unwrap()
                    .at(k)
                    .unwrap()
            };
            let all: Vec<RankingMetrics> = orders(&items).iter().map(of_order).collect();
            let got = Ranking::new(&[1; 5], &items, &[0.0; 5])
                .unwrap()
                .random(k)
                .unwrap();
            let metrics: [fn(&RankingMetrics) -> f64; 6] = [
                |m| m.ndcg,
                |m| m.map,
                |m| m.mrr,
                |m| m.precision,
                |m| m.recall,
                |m| m.hit_rate,
            ];
            for (which, metric) in metrics.iter().enumerate() {
                let want = all.iter().map(metric).sum::<f64>() / 120.0;
                assert!(
                    (metric(&got) - want).abs() < 1e-12,
                    "{which} at {k} of {items:?}"
                );
            }
        }
    }
}

/// Tied items stand in random order: the mean over all orders of the table's rows, which a stable sort takes as
/// they come. Scores of two levels, of which the higher one has the first three items.
#[test]
fn ties_count_as_the_mean_over_their_orders() {
    let items = [2.0, 0.0, 1.0, 0.0, 3.0];
    for k in 1..=6 {
        let (mut sums, mut count) = ([0.0; 6], 0.0);
        for high in orders(&items[..3]) {
            for low in orders(&items[3..]) {
                let order = [high.clone(), low].concat();
                let distinct: Vec<f64> = (0..5).map(|rank| -f64::from(rank)).collect();
                let m = Ranking::new(&[1; 5], &order, &distinct)
                    .unwrap()
                    .at(k)
                    .unwrap();
                let of = [m.ndcg, m.map, m.mrr, m.precision, m.recall, m.hit_rate];
                sums.iter_mut()
                    .zip(of)
                    .for_each(|(sum, value)| *sum += value);
                count += 1.0;
            }
        }
        let tied = Ranking::new(&[1; 5], &items, &[0.9, 0.9, 0.9, 0.1, 0.1]).unwrap();
        let m = tied.at(k).unwrap();
        let got = [m.ndcg, m.map, m.mrr, m.precision, m.recall, m.hit_rate];
        for (which, (got, sum)) in got.into_iter().zip(sums).enumerate() {
            assert!(
                (got - sum / count).abs() < 1e-12,
                "{which} at {k}: {got}, {}",
                sum / count
            );
        }
    }
    // A table sorted by relevance lends nothing to a constant score.
    let constant = Ranking::new(&[1, 1, 2, 2], &[1.0, 0.0].repeat(2), &[0.5; 4]).unwrap();
    assert_eq!(constant.skill(1, |query| query.ndcg).unwrap().value, 0.0);
}

/// One relevant item of ten: the best precision at 5 is 1/5, and a perfect order has it.
#[test]
fn a_perfect_order_has_all_the_skill_that_there_is() {
    let queries: Vec<u64> = (0..40).map(|row| row / 10).collect();
    let relevance: Vec<f64> = (0..40)
        .map(|row| f64::from(u8::from(row % 10 == 0)))
        .collect();
    let lists = Ranking::new(&queries, &relevance, &relevance).unwrap();
    assert!((lists.skill(5, |query| query.precision).unwrap().value - 1.0).abs() < 1e-12);
}

/// Queries in falling order: what is given row by row must not be taken for the order of their numbers.
#[test]
fn what_is_said_of_queries_is_said_row_by_row() {
    let new = || Ranking::new(&[9, 9, 3, 3], &[1.0, 0.0, 1.0, 0.0], &[0.9, 0.1, 0.1, 0.9]).unwrap();
    let by_query = |labels: [&'static str; 4]| {
        by_segment(&new(), labels.map(Some), |lists| {
            lists.estimate(1, |query| query.mrr)
        })
    };
    let segments = by_query(["good", "good", "bad", "bad"]).unwrap();
    let labels: Vec<&str> = segments
        .iter()
        .map(|s| s.label.as_deref().unwrap())
        .collect();
    assert_eq!(labels, ["bad", "good"]);
    assert_eq!(
        new()
            .weights(&[3.0, 3.0, 1.0, 1.0])
            .unwrap()
            .at(1)
            .unwrap()
            .mrr,
        0.75
    );
    says(
        by_query(["a", "b", "b", "b"]),
        "the same for all rows of a query",
    );
    says(
        new().units(&[1, 2, 3, 3]),
        "the same for all rows of a query",
    );
    says(new().units(&[1, 2]), "must number 4");
}

/// Two items in random order have no skill; 60 queries.
#[test]
fn a_ranking_at_random_has_no_skill() {
    let runs = 500;
    let covers = |seed: u64| {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let queries: Vec<u64> = (0..120).map(|row| row / 2).collect();
        let relevance: Vec<f64> = (0..120).map(|row| f64::from(row % 2)).collect();
        let scores: Vec<f64> = (0..120).map(|_| uniform(rng)).collect();
        let lists = Ranking::new(&queries, &relevance, &scores).unwrap();
        lists
            .skill(2, |query| query.mrr)
            .unwrap()
            .interval
            .contains(0.0)
    };
    let covered = (0..u64::from(runs)).filter(|seed| covers(*seed)).count() as u32;
    assert!(covered >= least(runs, 0.94), "{covered} of {runs}");
}

#[test]
fn classes_have_skill_by_their_probabilities() {
    let rows = Multiclass::new(3, &[0, 1, 2, 2], &[0.8, 0.1, 0.1].repeat(4)).unwrap();
    // −(ln 0.8 + 3·ln 0.1)/4 against ln 3; three wrong of four against two wrong.
    let want = 1.0 + (0.8_f64.ln() + 3.0 * 0.1_f64.ln()) / (4.0 * 3.0_f64.ln());
    assert!((rows.skill(Loss::LogLoss, &[1.0, 1.0, 1.0]).unwrap().value - want).abs() < 1e-12);
    assert_eq!(rows.accuracy_skill(2).unwrap().value, -0.5);
}

#[test]
fn bad_dummies_are_refused() {
    let scored = Scored::new(&[true, true], &[0.5, 0.9]).unwrap();
    says(scored.skill(Loss::Brier, 1.5), "[0, 1], got 1.5");
    says(scored.skill(Loss::Brier, 1.0), "above 0, got 0");
    says(scored.accuracy_skill(0.5, true), "above 0, got 0");
    says(
        scored.accuracy_skill(f64::NAN, true),
        "threshold must lie in [0, 1]",
    );
    let one = Scored::new(&[true], &[0.5]).unwrap();
    says(
        one.skill(Loss::Brier, 0.5),
        "at least 2 independent units, got 1",
    );
    says(RegressionDummy::mean(&[]), "at least 1 target");
    says(RegressionDummy::median(&[f64::NAN]), "finite, got NaN");
    says(
        RegressionDummy::mean(&[1.7e308, -1.7e308, f64::INFINITY]),
        "finite, got inf",
    );
    let rows = Regression::new(&[1.0, 2.0], &[1.0, 2.0]).unwrap();
    says(
        rows.skill(RegressionLoss::Absolute, RegressionDummy::LastValue),
        "2 independent units, got 1",
    );
    let infinite = RegressionDummy::Constant(f64::NAN);
    says(
        rows.skill(RegressionLoss::Absolute, infinite),
        "above 0, got NaN",
    );
    let huge = Regression::new(&[1e300, -1e300], &[0.0, 0.0]).unwrap();
    says(
        huge.skill(RegressionLoss::Squared, RegressionDummy::Constant(1.0)),
        "must be",
    );
    let classes = Multiclass::new(2, &[0, 1], &[0.5; 4]).unwrap();
    says(
        classes.skill(Loss::Brier, &[1.0]),
        "must number 2, one per class, got 1",
    );
    says(
        classes.skill(Loss::LogLoss, &[-1.0, 1.0]),
        "[0, inf), got -1",
    );
    says(classes.accuracy_skill(2), "[0, 1], got 2");
    let lists = Ranking::new(&[1, 2], &[1.0, 1.0], &[0.5, 0.5]).unwrap();
    says(lists.random(0), "k must be at least 1");
    says(lists.skill(1, |query| query.ndcg), "above 0, got 0");
}
