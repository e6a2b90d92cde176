//! Metrics beyond AUC and the losses: intervals that cover, units that count, bad rows that are refused.
//! Values are in `oracle`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs
)]

use mlops_core::{Error, ErrorKind};
use mlops_drift::performance::{
    Average, Cbpe, Confusion, Curve, Loss, Multiclass, PredictionPowered, Ranking, Regression,
    Scored, by_segment,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use statrs::distribution::{Binomial, DiscreteCDF};

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random_range(0.0..1.0_f64)).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random_range(0.0..1.0_f64)).cos()
}

/// The greatest k with P(Binomial(runs, rate) < k) < 1e-4.
fn least(runs: u32, rate: f64) -> u32 {
    let law = Binomial::new(rate, u64::from(runs)).unwrap();
    law.inverse_cdf(1e-4) as u32
}

/// Percentiles of resamples cover somewhat less than they say for few rows; 92 % is held here for 95 %.
const COVERED: f64 = 0.92;

fn covering(runs: u32, covers: impl Fn(&mut ChaCha8Rng) -> bool) -> u32 {
    let seeds = 0..u64::from(runs);
    seeds
        .filter(|&seed| covers(&mut ChaCha8Rng::seed_from_u64(seed)))
        .count() as u32
}

#[test]
fn intervals_of_regression_and_ranking_cover() {
    let mean_absolute = (2.0 / std::f64::consts::PI).sqrt();
    let mae = covering(150, |rng| {
        let errors: Vec<f64> = (0..80).map(|_| normal(rng)).collect();
        let rows = Regression::new(&[0.0; 80], &errors).unwrap();
        let estimate = rows.mae().unwrap();
        estimate.interval.contains(mean_absolute)
    });
    // Of two items in random order the relevant one is first in half of the queries.
    let mrr = covering(150, |rng| {
        let queries: Vec<u64> = (0..160).map(|row| row / 2).collect();
        let relevance: Vec<f64> = (0..160).map(|row| f64::from(row % 2)).collect();
        let scores: Vec<f64> = (0..160).map(|_| rng.random_range(0.0..1.0)).collect();
        let lists = Ranking::new(&queries, &relevance, &scores).unwrap();
        lists
            .estimate(2, |query| query.mrr)
            .unwrap()
            .interval
            .contains(0.75)
    });
    println!("mae {mae}, mrr {mrr} of 150");
    assert!(mae.min(mrr) >= least(150, COVERED), "{mae}, {mrr} of 150");
}

/// Rows of one unit share their error: intervals that know it cover, others do not.
#[test]
fn units_widen_the_interval_as_they_must() {
    let runs = |by_unit: bool| {
        covering(100, |rng| {
            let shared: Vec<f64> = (0..40).map(|_| normal(rng)).collect();
            let errors: Vec<f64> = (0..400).map(|row| shared[row / 10]).collect();
            let units: Vec<u64> = (0..400).map(|row| row / 10).collect();
            let mut rows = Regression::new(&[0.0; 400], &errors).unwrap();
            if by_unit {
                rows = rows.units(&units).unwrap();
            }
            let estimate = rows.estimate(|metrics| Some(metrics.mean_error)).unwrap();
            estimate.interval.contains(0.0)
        })
    };
    let (by_unit, by_row) = (runs(true), runs(false));
    println!("by unit {by_unit}, by row {by_row} of 100");
    assert!(
        by_unit >= least(100, COVERED) && by_row < 60,
        "{by_unit}, {by_row}"
    );
}

/// A class that was predicted and never came true counts, as 0; one that did neither does not. scikit-learn 1.9.1's
/// `f1_score(["sun", "sun", "rain", "rain"], ["sun", "snow", "rain", "sun"], average="macro")` is 0.38889.
#[test]
fn macro_averages_count_the_classes_that_occur() {
    let confusion = Confusion::of(5, &[0, 0, 1, 1], &[0, 2, 1, 0]).unwrap();
    assert!((confusion.f1(Average::Macro) - (0.5 + 2.0 / 3.0) / 3.0).abs() < 1e-12);
}

#[test]
fn an_interval_of_macro_f1_covers() {
    // Predictions right with probability 0.7, wrong ones spread evenly over the other two of three equal
    // classes: by symmetry precision = recall = F1 = 0.7 for each.
    let covered = covering(150, |rng| {
        let (mut labels, mut probabilities) = (Vec::new(), Vec::new());
        for row in 0..150_usize {
            let label = row % 3;
            let miss = rng.random_range(1..3);
            let hit = rng.random_range(0.0..1.0) < 0.7;
            let predicted = if hit { label } else { (label + miss) % 3 };
            labels.push(label);
            probabilities.extend((0..3).map(|class| if class == predicted { 0.8 } else { 0.1 }));
        }
        let rows = Multiclass::new(3, &labels, &probabilities).unwrap();
        let f1 = rows
            .estimate(|confusion| Some(confusion.f1(Average::Macro)))
            .unwrap();
        f1.interval.contains(0.7)
    });
    println!("macro F1: {covered} of 150");
    assert!(covered >= least(150, COVERED), "{covered} of 150");
}

/// Calibrated: right. Over-confident by eight points: off by as much, whatever the number of rows. That is
/// what its documentation says.
#[test]
fn cbpe_is_as_good_as_the_calibration() {
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let scores: Vec<f64> = (0..40_000).map(|_| rng.random_range(0.6..0.9)).collect();
    let estimated = Cbpe::of(&scores, 0.5).unwrap().confusion.accuracy();
    let mut accuracy = |bias: f64| {
        let right = scores
            .iter()
            .filter(|p| rng.random_range(0.0..1.0) < **p - bias);
        right.count() as f64 / scores.len() as f64
    };
    assert!((estimated - accuracy(0.0)).abs() < 4.0 * 0.5 / 200.0);
    assert!((estimated - accuracy(0.08) - 0.08).abs() < 4.0 * 0.5 / 200.0);
}

/// Errors of one law wherever the prediction lies, normal or with heavy tails: rejected at 5 % in 5 % of runs
/// at most. The bias is found within its interval, the order with nothing in it.
#[test]
fn checks_of_good_residuals_stay_quiet() {
    let runs = 1_000;
    for heavy in [false, true] {
        let (mut widths, mut orders, mut biases) = (0, 0, 0);
        for seed in 0..u64::from(runs) {
            let rng = &mut ChaCha8Rng::seed_from_u64(seed);
            let predicted: Vec<f64> = (0..150).map(|_| 3.0 * normal(rng)).collect();
            let error = |rng: &mut ChaCha8Rng| {
                let square = |rng: &mut ChaCha8Rng| normal(rng).powi(2);
                let scale = (square(rng) + square(rng) + square(rng)) / 3.0;
                normal(rng) / if heavy { scale.sqrt() } else { 1.0 }
            };
            let truth: Vec<f64> = predicted.iter().map(|p| p - error(rng)).collect();
            let checks = Regression::new(&truth, &predicted)
                .unwrap()
                .residuals()
                .unwrap();
            widths += u32::from(checks.heteroscedasticity.unwrap().p_value.get() > 0.05);
            orders += u32::from(checks.autocorrelation.unwrap().p_value.get() > 0.05);
            biases += u32::from(checks.bias.interval.contains(0.0));
        }
        println!("residuals, heavy {heavy}: {widths}, {orders}, {biases} of {runs}");
        assert!(
            widths.min(orders) >= least(runs, 0.95),
            "{widths}, {orders} of {runs}"
        );
        assert!(biases >= least(runs, 0.94), "{biases} of {runs}");
        // The medians make it cautious, not silent.
        assert!(runs - widths >= least(runs, 0.03), "{widths} of {runs}");
    }
}

/// Errors twice as wide at both ends, each near the one before, and half a unit too high.
#[test]
fn checks_of_bad_residuals_speak() {
    let rng = &mut ChaCha8Rng::seed_from_u64(5);
    let predicted: Vec<f64> = (0..1_000).map(|_| rng.random_range(-1.0..1.0)).collect();
    let mut before = 0.0;
    let mut error = |p: &f64| {
        before = 0.5 * before + normal(rng);
        0.5 + before * (1.0 + p.abs())
    };
    let truth: Vec<f64> = predicted.iter().map(|p| p - error(p)).collect();
    let checks = Regression::new(&truth, &predicted)
        .unwrap()
        .residuals()
        .unwrap();
    assert!(checks.heteroscedasticity.unwrap().p_value.get() < 1e-4);
    assert!(checks.autocorrelation.unwrap().p_value.get() < 1e-4);
    assert!(checks.bias.interval.low() > 0.0);
    let bins = &checks.by_prediction;
    assert!(
        bins.len() == 5 && bins.iter().all(|bin| bin.rows == 200),
        "{bins:?}"
    );
    assert!(bins.windows(2).all(|pair| pair[0].high < pair[1].low));
    // About 1.155·1.8 at the ends and 1.155·1.1 in the middle.
    assert!(bins[0].deviation > 1.3 * bins[2].deviation, "{bins:?}");
}

/// Two predictions, errors of 1 to 10 and of twice that: the statistic by hand.
#[test]
fn widths_are_compared_by_levene_about_medians() {
    let predicted: Vec<f64> = (0..20).map(|row| f64::from(row / 10)).collect();
    let error = |row: i32| f64::from((row % 10 + 1) * (row / 10 + 1));
    let truth: Vec<f64> = (0..20)
        .map(|row| f64::from(row / 10) - error(row))
        .collect();
    let checks = Regression::new(&truth, &predicted)
        .unwrap()
        .residuals()
        .unwrap();
    // Distances from 5.5: 4.5 … 0.5 twice, mean 2.5 and Σ(d − 2.5)² = 20; doubled: mean 5 and 80. Between:
    // 20·1.25².
    let want = (20.0 * 1.25_f64.powi(2) / 1.0) / ((20.0 + 80.0) / 18.0);
    let got = checks.heteroscedasticity.unwrap();
    assert!((got.statistic - want).abs() < 1e-12, "{got:?}, {want}");
    // F with 1 and 18 degrees of freedom: 4.413873 is its 95 % quantile, 8.285420 its 99 % quantile.
    assert!((0.01..0.05).contains(&got.p_value.get()), "{got:?}");
    let alike = Regression::new(&[0.0; 20], &[1.0; 20])
        .unwrap()
        .residuals()
        .unwrap();
    assert_eq!(
        (alike.heteroscedasticity, alike.autocorrelation),
        (None, None)
    );
}

/// Eight segments of 300 rows: their intervals cover at once in 95 % of runs; at 95 % each they would in 66
/// %.
#[test]
fn intervals_of_segments_cover_at_once() {
    let runs = 400;
    let (mut at_once, mut alone) = (0, 0);
    for seed in 0..u64::from(runs) {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let scores: Vec<f64> = (0..2_400).map(|_| rng.random_range(0.0..1.0)).collect();
        let labels: Vec<bool> = scores
            .iter()
            .map(|p| rng.random_range(0.0..1.0) < *p)
            .collect();
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let segment = |row: usize| Some(names[row % 8]);
        let rows = Scored::new(&labels, &scores).unwrap();
        let segments = by_segment(&rows, (0..2_400).map(segment), Scored::brier).unwrap();
        let covers = |estimate: &Option<mlops_drift::performance::Estimate>| {
            estimate.unwrap().interval.contains(1.0 / 6.0)
        };
        assert!(segments.len() == 8 && segments.iter().all(|s| s.rows == 300 && !s.small));
        at_once += u32::from(segments.iter().all(|segment| covers(&segment.estimate)));
        let plain = |name: &str| {
            let of = (0..2_400).filter(|row| segment(*row) == Some(name));
            let (l, p): (Vec<bool>, Vec<f64>) = of.map(|row| (labels[row], scores[row])).unzip();
            covers(&Scored::new(&l, &p).unwrap().brier().ok())
        };
        alone += u32::from(names.iter().all(|name| plain(name)));
    }
    println!("segments: at once {at_once}, at 95 % each {alone} of {runs}");
    assert!(at_once >= least(runs, 0.94), "{at_once} of {runs}");
    assert!(alone < 320, "{alone} of {runs}");
}

#[test]
fn every_kind_of_rows_splits_into_what_its_parts_give() {
    let labels = || ["x", "y", "x", "y", "x", "y"].into_iter().map(Some);
    let xs = |values: &[f64]| -> Vec<f64> { values.iter().step_by(2).copied().collect() };
    let truth = [1.0, 5.0, 2.0, 5.0, 4.0, 5.0];
    let guess = [1.5, 5.0, 2.0, 5.5, 3.0, 9.0];
    let rows = Regression::new(&truth, &guess)
        .unwrap()
        .units(&[1, 1, 1, 2, 2, 2])
        .unwrap();
    let of = |rows: &Regression| rows.estimate(|metrics| Some(metrics.mae));
    let x = &by_segment(&rows, labels(), of).unwrap()[0];
    let own = Regression::new(&xs(&truth), &xs(&guess))
        .unwrap()
        .metrics()
        .mae;
    assert_eq!((x.estimate.unwrap().value, x.units), (own, 2));

    let classes = Multiclass::new(2, &[0, 1, 1, 0, 0, 0], &[0.9, 0.1].repeat(6)).unwrap();
    let of = |rows: &Multiclass| rows.estimate(|confusion| Some(confusion.accuracy()));
    let segments = by_segment(&classes, labels(), of).unwrap();
    assert!(
        segments
            .iter()
            .all(|segment| (segment.estimate.unwrap().value - 2.0 / 3.0).abs() < 1e-12)
    );

    let lists = Ranking::new(
        &[1, 1, 2, 2, 3, 3],
        &[1.0, 0.0].repeat(3),
        &[0.9, 0.1, 0.1, 0.9, 0.8, 0.3],
    )
    .unwrap();
    let by_query = ["p", "p", "q", "q", "p", "p"].into_iter().map(Some);
    let segments = by_segment(&lists, by_query, |lists| {
        lists.estimate(2, |query| query.mrr)
    })
    .unwrap();
    assert_eq!(segments[0].estimate.unwrap().value, 1.0);
    assert!(
        segments[1]
            .undefined
            .as_ref()
            .unwrap()
            .contains("at least 2 independent units")
    );

    let known = [Some(1.0), None, Some(0.0), Some(1.0), None, Some(0.0)];
    let powered = PredictionPowered::new(&known, &[0.5; 6]).unwrap();
    let segments = by_segment(&powered, labels(), |rows| Ok(rows.mean()?.estimate)).unwrap();
    assert!(
        segments
            .iter()
            .all(|segment| segment.estimate.unwrap().value == 0.5)
    );
    assert!(
        by_segment(&rows, [Some("x")], of_nothing)
            .unwrap_err()
            .to_string()
            .contains("must number 6")
    );
}

fn of_nothing(_: &Regression) -> mlops_core::Result<mlops_drift::performance::Estimate> {
    Err(Error::invalid("nothing"))
}

/// With two classes, one against the rest is the AUC: resampled and by DeLong it is about as uncertain. Units of four
/// equal rows make it twice as uncertain as rows do.
#[test]
fn intervals_of_several_classes_agree_with_those_of_two() {
    let rng = &mut ChaCha8Rng::seed_from_u64(15);
    let scores: Vec<f64> = (0..100)
        .flat_map(|_| [rng.random_range(0.0..1.0); 4])
        .collect();
    let mut yes = |p: f64| rng.random_range(0.0..1.0) < p;
    let labels: Vec<bool> = scores
        .iter()
        .step_by(4)
        .flat_map(|p| [yes(*p); 4])
        .collect();
    let two = Scored::new(&labels, &scores).unwrap();
    let truth: Vec<usize> = labels.iter().map(|label| usize::from(*label)).collect();
    let rows: Vec<f64> = scores.iter().flat_map(|p| [1.0 - p, *p]).collect();
    let several = Multiclass::new(2, &truth, &rows).unwrap();
    let units: Vec<u64> = (0..400).map(|row| row / 4).collect();
    let width = |rows: &Multiclass| {
        rows.estimate_auc_one_against_rest()
            .unwrap()
            .interval
            .width()
    };
    // 999 draws know a percentile's place to some 5 % of the width, the normal law on the logit as well.
    let ratio = width(&several) / two.auc().unwrap().interval.width();
    assert!((ratio - 1.0).abs() < 0.15, "{ratio}");
    let by_unit = several.clone().units(&units).unwrap();
    let ratio = width(&by_unit) / width(&several);
    assert!((ratio - 2.0).abs() < 0.3, "{ratio}");
    let (a, b) = (
        several.estimate_log_loss().unwrap(),
        two.log_loss().unwrap(),
    );
    assert!(
        (a.value - b.value).abs() < 1e-12 && (a.interval.low() - b.interval.low()).abs() < 1e-12
    );
    assert_eq!(several.estimate_top(2).unwrap().value, 1.0);
    assert_eq!(
        several.estimate_top(1).unwrap().value,
        several.top(1).unwrap()
    );
}

#[test]
fn bad_residuals_are_refused() {
    let refused = |truth: &[f64], predicted: &[f64]| {
        Regression::new(truth, predicted)
            .unwrap()
            .residuals()
            .unwrap_err()
            .to_string()
    };
    assert!(refused(&[1.0; 19], &[1.0; 19]).contains("at least 20 rows, got 19"));
    assert!(refused(&[1e308; 20], &[-1e308; 20]).contains("must be finite, got -inf"));
    let mut mixed = vec![1e308; 20];
    mixed[0] = -1e308;
    assert!(refused(&mixed, &[0.0; 20]).contains("must be finite"));
}

#[test]
fn bad_rows_are_refused_with_what_is_wrong() {
    let says = |error: Error, what: &str| {
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(
            error.to_string().contains(what),
            "{error} does not say {what}"
        );
    };
    says(Regression::new(&[], &[]).unwrap_err(), "at least 1 row");
    says(
        Regression::new(&[1.0], &[1.0, 2.0]).unwrap_err(),
        "must number 1, one per label, got 2",
    );
    says(
        Regression::new(&[1.0], &[f64::NAN]).unwrap_err(),
        "got NaN in row 0",
    );
    let one = Regression::new(&[1.0], &[2.0]).unwrap();
    says(
        one.estimate(|m| Some(m.mae)).unwrap_err(),
        "at least 2 independent units, got 1",
    );
    says(one.quantile_loss(1.0).unwrap_err(), "(0, 1), got 1");
    says(one.weights(&[0.0]).unwrap_err(), "sum to more than 0");
    let constant = Regression::new(&[1.0, 1.0], &[1.0, 2.0]).unwrap();
    says(
        constant.estimate(|m| m.r2).unwrap_err(),
        "undefined for these rows",
    );
    // The mean of equal numbers may be another one, rounded: that is no spread.
    let guesses: Vec<f64> = (0..11).map(f64::from).collect();
    for (truth, weight) in [
        (0.1, 1.0),
        (0.3, 0.1718),
        (-1e-9, 0.7),
        (1e9 + 0.1, 1.0 / 3.0),
    ] {
        let rows = Regression::new(&[truth; 11], &guesses).unwrap();
        for rows in [rows.clone(), rows.weights(&[weight; 11]).unwrap()] {
            let metrics = rows.metrics();
            assert_eq!(
                (metrics.r2, metrics.explained_variance),
                (None, None),
                "{truth}"
            );
            assert!(rows.r2().is_err() && rows.estimate(|m| m.explained_variance).is_err());
        }
    }
    // One row of another value, which weighs nothing.
    let rows = Regression::new(&[5.0, 0.1, 0.1, 0.1], &[1.0, 2.0, 3.0, 4.0]).unwrap();
    assert_eq!(
        rows.weights(&[0.0, 0.1, 0.2, 0.7]).unwrap().metrics().r2,
        None
    );
    says(
        Ranking::new(&[1], &[-1.0], &[0.5]).unwrap_err(),
        "[0, inf), got -1",
    );
    says(
        Ranking::new(&[1], &[1.0], &[f64::NAN]).unwrap_err(),
        "finite, got NaN",
    );
    says(
        Ranking::new(&[1], &[1.0], &[0.5])
            .unwrap()
            .at(0)
            .unwrap_err(),
        "k must be at least 1",
    );
    says(
        Multiclass::new(1, &[0], &[1.0]).unwrap_err(),
        "at least 2 classes",
    );
    says(
        Multiclass::new(0, &[], &[]).unwrap_err(),
        "at least 2 classes",
    );
    says(
        Multiclass::new(2, &[2], &[0.5, 0.5]).unwrap_err(),
        "[0, 1], got 2",
    );
    says(
        Multiclass::of_scores(2, &[0], &[0.0, 0.0]).unwrap_err(),
        "more than 0, got 0 in row 0",
    );
    says(
        Multiclass::new(2, &[0, 1], &[0.5, 0.5, 0.5, 0.7]).unwrap_err(),
        "must sum to 1, got 1.2 in row 1",
    );
    // The tolerance of numpy.allclose, by which scikit-learn's roc_auc_score refuses.
    for (sum, is_taken) in [(1.0 + 9e-6, true), (1.0 - 9e-6, true), (1.0 - 2e-5, false)] {
        let rows = Multiclass::new(2, &[0], &[0.5, sum - 0.5]);
        assert_eq!(rows.is_ok(), is_taken, "{sum}");
    }
    says(
        Multiclass::new(2, &[0], &[f64::NAN, 0.5]).unwrap_err(),
        "got NaN",
    );
    let absent = Multiclass::new(3, &[0, 1], &[0.5, 0.3, 0.2, 0.1, 0.8, 0.1]).unwrap();
    says(
        absent.auc_one_against_rest().unwrap_err(),
        "rows of both classes",
    );
    says(absent.top(4).unwrap_err(), "[1, 3], got 4");
    says(Confusion::of(2, &[0], &[5]).unwrap_err(), "[0, 1], got 5");
    says(Curve::of(&[true], &[f64::NAN]).unwrap_err(), "NaN");
    says(
        Curve::of(&[true], &[0.5]).unwrap().auc().unwrap_err(),
        "both classes",
    );
    says(
        Curve::of(&[false], &[0.5])
            .unwrap()
            .average_precision()
            .unwrap_err(),
        "positive row",
    );
    says(
        Curve::weighted(&[true], &[0.5], &[-1.0]).unwrap_err(),
        "[0, inf), got -1",
    );
    says(Cbpe::of(&[1.5], 0.5).unwrap_err(), "[0, 1], got 1.5");
    says(Cbpe::of(&[], 0.5).unwrap_err(), "at least 1 row");
    says(
        Loss::Brier.weighted(&[true], &[2.0], &[1.0]).unwrap_err(),
        "[0, 1], got 2",
    );
    let scored = Scored::new(&[true], &[0.5]).unwrap();
    says(scored.reliability(0).unwrap_err(), "[1, 10000], got 0");
    assert_eq!(scored.confusion(0.5).precision(Average::Class(9)), 0.0);
}

/// The rule of three of errors of one size: the share of others that it allows, s, is the same in the mean error, 0.1·(1 − s), and in the mean square.
#[test]
fn errors_of_one_size_are_no_certainty() {
    let rows =
        Regression::new(&[1.0, 2.0, 3.0, 4.0, 5.0], &[1.25, 1.75, 3.25, 3.75, 5.25]).unwrap();
    let (mae, rmse) = (rows.mae().unwrap(), rows.rmse().unwrap());
    let shares = [
        mae.interval.low() / 0.25,
        (rmse.interval.low() / 0.25).powi(2),
    ];
    assert!(
        (shares[0] - shares[1]).abs() < 1e-12 && shares[0] < 0.8,
        "{shares:?}"
    );
}

/// Errors of 1, 5 and 7, by hand: squares of 1, 25 and 49 have the mean 25, the deviation 24 and the standard error 24/√3, which is
/// 24/(25·√3) on the scale of the logarithm and half of that for the root. Student's t of two degrees of freedom has t² = 2·0.95²/(1 −
/// 0.95²).
#[test]
fn the_interval_of_rmse_is_that_of_the_logarithm_of_the_mean_square() {
    let rows = Regression::new(&[0.0; 3], &[1.0, -5.0, 7.0]).unwrap();
    let rmse = rows.rmse().unwrap();
    let student = (2.0 * 0.95_f64.powi(2) / (1.0 - 0.95_f64.powi(2))).sqrt();
    let factor = (student * 24.0 / (25.0 * 3.0_f64.sqrt()) / 2.0).exp();
    let ends = [rmse.interval.low() * factor, rmse.interval.high() / factor];
    assert_eq!(rmse.value, 5.0);
    assert!(ends.iter().all(|end| (end - 5.0).abs() < 1e-8), "{rmse:?}");
}

/// Squares beyond the range of floats leave no share of them.
#[test]
fn r2_is_never_nan() {
    for size in [1e200, 1e308] {
        let metrics = Regression::new(&[-size, size, size], &[0.0; 3])
            .unwrap()
            .metrics();
        assert_eq!(
            (metrics.r2, metrics.explained_variance),
            (None, None),
            "{size}"
        );
        assert_eq!(metrics.median_absolute_error, Some(size));
    }
}
