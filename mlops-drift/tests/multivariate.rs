//! Tests of rows of several numbers: their level over seeds, what they see, and the laws that their
//! statistics obey.
//!
//! `cargo test --release -p mlops-drift --test multivariate -- --ignored --nocapture` runs the larger grid
//! and prints every rate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod bound;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, FixedSizeListArray, Float64Array, Int32Array, LargeListArray, ListArray,
    RecordBatch, StringArray,
};
use arrow::datatypes::{Field, Float32Type, Float64Type};
use bound::most;
use mlops_core::ErrorKind;
use mlops_drift::NumericSample;
use mlops_drift::divergence::{Divergence, Energy};
use mlops_drift::multivariate::{
    Bandwidth, DomainClassifier, EnergyTest, FittedPca, LinearMmd, Mmd, Pca, PcaReconstruction,
    Points,
};
use mlops_drift::two_sample::{NullDistribution, Permutations, TestResult, TwoSampleTest};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const ALPHA: f64 = 0.05;
type Test<'a> = &'a dyn TwoSampleTest<Points>;
type Law = fn(&mut ChaCha8Rng) -> Points;

fn alarms(test: Test<'_>, runs: u32, reference: Law, current: Law) -> u32 {
    let alarm = |seed: &u32| {
        let rng = &mut ChaCha8Rng::seed_from_u64(u64::from(*seed));
        let (reference, current) = (reference(rng), current(rng));
        test.test(&reference, &current).unwrap().p_value.get() <= ALPHA
    };
    (0..runs).filter(alarm).count() as u32
}

fn assert_level(name: &str, test: Test<'_>, runs: u32, reference: Law, current: Law) {
    assert_level_of(name, test, runs, ALPHA, [reference, current]);
}

/// A limit law that is good to some tenths of a percent is held to a higher rate than alpha.
fn assert_level_of(
    name: &str,
    test: Test<'_>,
    runs: u32,
    rate: f64,
    [reference, current]: [Law; 2],
) {
    let (count, bound) = (alarms(test, runs, reference, current), most(runs, rate));
    let rate = f64::from(count) / f64::from(runs);
    println!("{name}: {rate:.4} ({count} of {runs}, bound {bound})");
    assert!(
        count <= bound,
        "{name}: {count} of {runs} alarms, at most {bound}"
    );
}

/// Seen in at least 28 of 30 runs.
fn assert_seen(name: &str, test: Test<'_>, reference: Law, current: Law) {
    let seen = alarms(test, 30, reference, current);
    println!("{name}: seen in {seen} of 30");
    assert!(seen >= 28, "{name}: {seen} of 30");
}

/// Box–Muller.
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let mut uniform = || rng.random_range(0.0..1.0);
    let (u, v): (f64, f64) = (uniform(), uniform());
    (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// Three normal coordinates with a common part, mapped.
fn rows(rng: &mut ChaCha8Rng, rows: usize, map: impl Fn([f64; 3]) -> [f64; 3]) -> Points {
    let row = |_| {
        let common = normal(rng);
        map([0.0; 3].map(|_| 0.8 * common + 0.6 * normal(rng)))
    };
    Points::new(3, (0..rows).flat_map(row).collect::<Vec<_>>()).unwrap()
}

fn shifted(row: [f64; 3]) -> [f64; 3] {
    [row[0], row[1] + 1.0, row[2]]
}

fn wider(row: [f64; 3]) -> [f64; 3] {
    row.map(|x| 2.0 * x)
}

/// Each coordinate keeps its law; the correlations with the second turn about.
fn turned(row: [f64; 3]) -> [f64; 3] {
    [row[0], -row[1], row[2]]
}

/// Four values a coordinate.
fn coarse(row: [f64; 3]) -> [f64; 3] {
    row.map(|x| (x + 1.0).floor().clamp(0.0, 3.0))
}

fn heavy(row: [f64; 3]) -> [f64; 3] {
    row.map(|x| (2.0 * x).exp())
}

#[test]
fn the_tests_keep_their_level() {
    let (energy, domain, pca) = (
        EnergyTest::default().permutations(Permutations::default().limit(199)),
        DomainClassifier::default(),
        PcaReconstruction::default(),
    );
    let tests: [(&str, Test<'_>, u32); 3] = [
        ("energy", &energy, 150),
        ("domain", &domain, 250),
        ("pca", &pca, 250),
    ];
    for (name, test, runs) in tests {
        assert_level(
            &format!("{name} 40/30"),
            test,
            runs,
            |r| rows(r, 40, |x| x),
            |r| rows(r, 30, |x| x),
        );
        assert_level(
            &format!("{name} 30/60 coarse"),
            test,
            runs,
            |r| rows(r, 30, coarse),
            |r| rows(r, 60, coarse),
        );
        assert_level(
            &format!("{name} 50/50 heavy"),
            test,
            runs,
            |r| rows(r, 50, heavy),
            |r| rows(r, 50, heavy),
        );
    }
}

#[test]
fn the_tests_see_what_they_say_they_see() {
    let (energy, domain, pca) = (
        EnergyTest::default().permutations(Permutations::default().limit(499)),
        DomainClassifier::default(),
        PcaReconstruction::default(),
    );
    assert_seen(
        "energy, shift",
        &energy,
        |r| rows(r, 60, |x| x),
        |r| rows(r, 60, shifted),
    );
    assert_seen(
        "energy, correlation",
        &energy,
        |r| rows(r, 90, |x| x),
        |r| rows(r, 90, turned),
    );
    assert_seen(
        "domain, shift",
        &domain,
        |r| rows(r, 120, |x| x),
        |r| rows(r, 120, shifted),
    );
    assert_seen(
        "domain, spread",
        &domain,
        |r| rows(r, 150, |x| x),
        |r| rows(r, 150, wider),
    );
    assert_seen(
        "pca, correlation",
        &pca,
        |r| rows(r, 120, |x| x),
        |r| rows(r, 60, turned),
    );
}

/// Documented blindness: a shift along the first component, and, to the classifier, another sign of
/// correlations.
#[test]
fn the_tests_are_blind_where_they_say_they_are() {
    let along: Law = |r| rows(r, 100, |row| row.map(|x| x + 1.0));
    let pca = PcaReconstruction::default();
    assert!(alarms(&pca, 60, |r| rows(r, 200, |x| x), along) <= 15);
    let domain = DomainClassifier::default();
    assert!(
        alarms(
            &domain,
            60,
            |r| rows(r, 100, |x| x),
            |r| rows(r, 100, turned)
        ) <= 15
    );
}

fn energy(x: &Points, y: &Points) -> TestResult {
    let few = Permutations::default().limit(19);
    EnergyTest::default().permutations(few).test(x, y).unwrap()
}

#[test]
fn energy_is_its_definition() {
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    for (n, m) in [(1, 1), (3, 7), (20, 9)] {
        let (x, y) = (rows(rng, n, |x| x), rows(rng, m, shifted));
        let mean = |x: &Points, y: &Points| -> f64 {
            let distance = |a: &[f64], b: &[f64]| -> f64 {
                a.iter()
                    .zip(b)
                    .map(|(a, b)| (a - b) * (a - b))
                    .sum::<f64>()
                    .sqrt()
            };
            let all: f64 = x
                .rows()
                .map(|a| y.rows().map(|b| distance(a, b)).sum::<f64>())
                .sum();
            all / (x.len() * y.len()) as f64
        };
        let want = (2.0 * mean(&x, &y) - mean(&x, &x) - mean(&y, &y)).sqrt();
        let got = energy(&x, &y).statistic;
        assert!((got - want).abs() < 1e-12, "{got} is not {want}");
    }
}

#[test]
fn energy_in_one_dimension_is_the_area_between_the_distribution_functions() {
    let rng = &mut ChaCha8Rng::seed_from_u64(2);
    let [x, y] =
        [30, 50].map(|n| NumericSample::new((0..n).map(|_| normal(rng)).collect::<Vec<_>>()));
    let want = Energy::default().divergence(&x, &y).unwrap().get();
    let got = energy(&Points::from(&x), &Points::from(&y)).statistic;
    assert!((got - want).abs() < 1e-12, "{got} is not {want}");
}

#[test]
fn energy_does_not_change_when_both_samples_are_turned_and_moved() {
    let moved = |row: [f64; 3]| {
        let (sine, cosine) = 0.7_f64.sin_cos();
        let [x, y, z] = row;
        [
            cosine * x - sine * y + 3.0,
            sine * x + cosine * y - 1.0,
            z + 10.0,
        ]
    };
    let draw =
        |map: fn([f64; 3]) -> [f64; 3], seed| rows(&mut ChaCha8Rng::seed_from_u64(seed), 25, map);
    let also = |points: &Points| {
        let rows = points
            .rows()
            .flat_map(|row| moved([row[0], row[1], row[2]]));
        Points::new(3, rows.collect::<Vec<_>>()).unwrap()
    };
    let (x, y) = (draw(|x| x, 1), draw(shifted, 2));
    let (before, after) = (energy(&x, &y), energy(&also(&x), &also(&y)));
    assert!((before.statistic - after.statistic).abs() < 1e-12);
    assert!(energy(&x, &x).statistic < 1e-6 && energy(&x, &x).p_value.get() == 1.0);
}

/// Of two constants every quadruple says the same, however its mean is rounded: there is no error to hold it against.
#[test]
fn quadruples_that_do_not_differ_are_refused() {
    for (rows, there) in [(200, 0.3), (246, 0.7), (302, 0.123)] {
        let [zeros, ones] = [0.0, there].map(|x| Points::new(1, vec![x; rows]).unwrap());
        let test = LinearMmd::default().bandwidth(Bandwidth::Fixed(1.3));
        let error = test.test(&zeros, &ones).unwrap_err().to_string();
        assert!(error.contains("no quadruple of rows differs"), "{error}");
    }
}

/// Three zeros against three ones: of 20 ways to deal them, 2 are as far apart, and those tie with the data.
#[test]
fn permutations_that_tie_with_the_data_count() {
    let [zeros, ones] = [0.0, 1.0].map(|x| Points::new(1, [x; 3]).unwrap());
    for test in [&EnergyTest::default() as Test<'_>, &Mmd::default()] {
        let p = test.test(&zeros, &ones).unwrap().p_value.get();
        assert!((0.06..0.16).contains(&p), "{p} is not near 0.1");
    }
}

#[test]
fn energy_of_large_samples_says_that_it_draws() {
    let rng = &mut ChaCha8Rng::seed_from_u64(3);
    let (x, y) = (rows(rng, 6_000, |x| x), rows(rng, 300, shifted));
    let result = energy(&x, &y);
    assert_eq!(result.method, "energy_permutation_of_4000_rows");
    assert_eq!(result.p_value.get(), 0.05);
    assert!(Mmd::default().test(&x, &y).is_err());
}

/// AUC of two normal laws a shift apart: Φ(shift/√2) = 0.76025 at 1; DeLong's standard error at 2,000 rows
/// each is below 0.008.
#[test]
fn the_classifier_reaches_the_auc_of_the_best_one() {
    let rng = &mut ChaCha8Rng::seed_from_u64(4);
    let draw = |rng: &mut ChaCha8Rng, shift: f64| {
        let row = |_| [normal(rng), normal(rng) + shift, normal(rng)];
        Points::new(3, (0..4_000).flat_map(row).collect::<Vec<_>>()).unwrap()
    };
    let found = DomainClassifier::default()
        .explain(&draw(rng, 0.0), &draw(rng, 1.0))
        .unwrap();
    assert!((found.auc - 0.76025).abs() < 0.03, "{}", found.auc);
    let carrier = found.carriers[0];
    assert_eq!(carrier.dimension, 1);
    // ln(density ratio) is x·shift − shift²/2, in standard deviations of the mixture, √1.25.
    assert!(
        (carrier.shift - 1.25_f64.sqrt()).abs() < 0.15,
        "{carrier:?}"
    );
    assert!(carrier.spread.abs() < 0.15, "{carrier:?}");
}

/// Of two dimensions with correlation r > 0 the first component is (1, 1)/√2, whatever r: the error is |z1
/// − z2|/√2.
#[test]
fn the_error_of_one_component_of_two_is_their_difference() {
    let rng = &mut ChaCha8Rng::seed_from_u64(5);
    let row = |_| {
        let x = normal(rng);
        [x, 3.0 * x + 5.0 * normal(rng) + 7.0]
    };
    let values: Vec<[f64; 2]> = (0..200).map(row).collect();
    let points = Points::new(2, values.iter().flatten().copied()).unwrap();
    let pca = Pca::fit(&points, 0.5).unwrap();
    assert_eq!(pca.components(), 1);
    let moments = [0, 1].map(|d| {
        let sample = NumericSample::new(values.iter().map(|row| row[d]));
        (sample.mean().unwrap(), sample.standard_deviation().unwrap())
    });
    for (row, error) in values.iter().zip(pca.errors(&points).unwrap()) {
        let [z1, z2] = [0, 1].map(|d| (row[d] - moments[d].0) / moments[d].1);
        let want = (z1 - z2).abs() / 2.0_f64.sqrt();
        assert!((error - want).abs() < 1e-9, "{error} is not {want}");
    }
}

/// Five columns that are sums of two: two components hold all, and a row off their plane alone has an error.
#[test]
fn points_of_low_rank_are_reconstructed_exactly() {
    let rng = &mut ChaCha8Rng::seed_from_u64(6);
    let row = |a: f64, b: f64| [a, b, a + b, a - 2.0 * b, 1e6 * a];
    let draw = |rng: &mut ChaCha8Rng| {
        let rows = (0..60).flat_map(|_| row(normal(rng), normal(rng)));
        Points::new(5, rows.collect::<Vec<_>>()).unwrap()
    };
    let (reference, current) = (draw(rng), draw(rng));
    let pca = Pca::fit(&reference, 0.999_999).unwrap();
    assert_eq!(pca.components(), 2);
    assert!(
        pca.errors(&current)
            .unwrap()
            .iter()
            .all(|error| *error == 0.0)
    );
    let test = PcaReconstruction::default().share(0.999_999).unwrap();
    let fitted = test.fit(&reference).unwrap();
    assert_eq!(fitted.compare(&current).unwrap().test.p_value.get(), 1.0);
    let off = Points::new(
        5,
        (0..30)
            .flat_map(|_| [normal(rng), 0.0, 1.0, 0.0, 0.0])
            .collect::<Vec<_>>(),
    )
    .unwrap();
    let found = fitted.compare(&off).unwrap();
    assert!(found.current_error > 0.1 && found.test.p_value.get() < 0.01);
    let json = serde_json::to_string(&fitted).unwrap();
    assert_eq!(serde_json::from_str::<FittedPca>(&json).unwrap(), fitted);
}

#[test]
fn lists_of_any_encoding_are_the_same_points() {
    let rows = [
        Some([Some(1.0), Some(2.0)]),
        None,
        Some([Some(3.0), None]),
        Some([Some(5.0), Some(6.0)]),
    ];
    let want = Points::new(2, [1.0, 2.0, f64::NAN, f64::NAN, f64::NAN, 3.0, 5.0, 6.0]).unwrap();
    let fixed = FixedSizeListArray::from_iter_primitive::<Float64Type, _, _>(rows, 2);
    let singles = rows.map(|row| row.map(|row| row.map(|x| x.map(|x: f64| x as f32))));
    let variable = ListArray::from_iter_primitive::<Float32Type, _, _>(singles);
    let large = LargeListArray::from_iter_primitive::<Float64Type, _, _>(rows);
    let columns: [&dyn Array; 3] = [&fixed, &variable, &large];
    for column in columns {
        assert_eq!(Points::from_array(column).unwrap(), want);
        let tail = column.slice(3, 1);
        assert_eq!(
            Points::from_array(&tail).unwrap(),
            Points::new(2, [5.0, 6.0]).unwrap()
        );
        let none = Points::from_array(&column.slice(1, 0));
        assert!(none.is_err() || none.unwrap().is_empty());
    }
    // A null row of a list of fixed size may stand on any values: here on 9 and on infinity.
    let item = Arc::new(Field::new_list_field(
        arrow::datatypes::DataType::Float64,
        true,
    ));
    let values = Arc::new(Float64Array::from(vec![1.0, 2.0, 9.0, f64::INFINITY]));
    let nulls = Some(vec![true, false].into());
    let column = FixedSizeListArray::new(item, 2, values, nulls);
    assert_eq!(
        Points::from_array(&column).unwrap(),
        Points::new(2, [1.0, 2.0, f64::NAN, 0.0]).unwrap()
    );
}

#[test]
fn bad_input_is_a_typed_error() {
    let refused =
        |result: mlops_core::Result<Points>, kind| assert_eq!(result.unwrap_err().kind(), kind);
    let ragged = ListArray::from_iter_primitive::<Float64Type, _, _>([
        Some(vec![Some(1.0)]),
        Some(vec![Some(1.0), Some(2.0)]),
    ]);
    refused(Points::from_array(&ragged), ErrorKind::InvalidArgument);
    let all_null =
        ListArray::from_iter_primitive::<Float64Type, _, _>([None::<Vec<Option<f64>>>, None]);
    refused(Points::from_array(&all_null), ErrorKind::InvalidArgument);
    let infinite =
        ListArray::from_iter_primitive::<Float64Type, _, _>([Some([Some(f64::INFINITY)])]);
    refused(Points::from_array(&infinite), ErrorKind::InvalidArgument);
    refused(
        Points::from_array(&Int32Array::from(vec![1])),
        ErrorKind::Unsupported,
    );

    let tests: [Test<'_>; 3] = [
        &EnergyTest::default(),
        &DomainClassifier::default(),
        &PcaReconstruction::default(),
    ];
    let good = Points::new(2, (0..40).map(f64::from)).unwrap();
    let one_dimension = Points::new(1, (0..40).map(f64::from)).unwrap();
    let empty = Points::new(2, []).unwrap();
    let huge = Points::new(2, (0..40).map(|i| if i % 2 == 0 { 1e308 } else { -1e308 })).unwrap();
    let far = Points::new(2, (0..40).map(|i| if i % 4 < 2 { 1e308 } else { -1e308 })).unwrap();
    for test in tests {
        for bad in [&one_dimension, &empty] {
            for result in [test.test(&good, bad), test.test(bad, &good)] {
                assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidArgument);
            }
        }
        assert!(test.test(&far, &huge).is_err());
    }
    let flat = Points::new(2, [1.0; 40]).unwrap();
    assert!(PcaReconstruction::default().test(&flat, &flat).is_err());
    assert_eq!(
        EnergyTest::default()
            .test(&flat, &flat)
            .unwrap()
            .p_value
            .get(),
        1.0
    );
    assert_eq!(
        DomainClassifier::default()
            .test(&flat, &flat)
            .unwrap()
            .p_value
            .get(),
        1.0
    );
    for share in [0.0, 1.0, f64::NAN] {
        assert!(Pca::fit(&good, share).is_err());
        assert!(PcaReconstruction::default().share(share).is_err());
    }
    assert!(
        Pca::fit(&good, 0.5)
            .unwrap()
            .errors(&one_dimension)
            .is_err()
    );
}

#[test]
#[ignore = "minutes in release: the larger grid"]
fn the_grid() {
    let (energy, domain, pca) = (
        EnergyTest::default(),
        DomainClassifier::default(),
        PcaReconstruction::default(),
    );
    let mmd = Mmd::default();
    let tests: [(&str, Test<'_>); 4] = [
        ("energy", &energy),
        ("mmd", &mmd),
        ("domain", &domain),
        ("pca", &pca),
    ];
    for (name, test) in tests {
        assert_level(
            &format!("{name} 100/100"),
            test,
            2_000,
            |r| rows(r, 100, |x| x),
            |r| rows(r, 100, |x| x),
        );
        assert_level(
            &format!("{name} 400/50"),
            test,
            2_000,
            |r| rows(r, 400, |x| x),
            |r| rows(r, 50, |x| x),
        );
        assert_level(
            &format!("{name} 50/200 coarse"),
            test,
            2_000,
            |r| rows(r, 50, coarse),
            |r| rows(r, 200, coarse),
        );
        assert_level(
            &format!("{name} 100/80 heavy"),
            test,
            2_000,
            |r| rows(r, 100, heavy),
            |r| rows(r, 80, heavy),
        );
    }
    let linear = LinearMmd::default();
    for (name, law) in [
        ("normal", (|r| rows(r, 300, |x| x)) as Law),
        ("coarse", |r| rows(r, 300, coarse)),
        ("heavy", |r| rows(r, 300, heavy)),
    ] {
        assert_level_of(
            &format!("linear mmd 300/300 {name}"),
            &linear,
            4_000,
            ALPHA + 0.005,
            [law; 2],
        );
    }
    for (name, test) in [("energy", &energy as Test<'_>), ("mmd", &mmd)] {
        let units: Law = |r| Points::per_unit(&of_alike_rows(r), "embedding", "user").unwrap();
        assert_level(&format!("{name} by unit"), test, 2_000, units, units);
    }
    assert_level(
        "pca 1000/500",
        &pca,
        2_000,
        |r| rows(r, 1_000, |x| x),
        |r| rows(r, 500, |x| x),
    );
}

/// A column that was constant in the reference and is not any more: a default that was switched on, a change of unit.
#[test]
fn a_formerly_constant_dimension_is_seen() {
    let points = |constant: f64| {
        let row = move |i: i32| [f64::from(i % 9), f64::from(i % 7), constant];
        Points::new(3, (0..90).flat_map(row)).unwrap()
    };
    let fitted = PcaReconstruction::default().fit(&points(0.0)).unwrap();
    let found = fitted.compare(&points(1e6)).unwrap();
    assert!(found.test.p_value.get() < 0.001, "{:?}", found.test);
    assert!(found.current_error.is_finite() && found.current_error > 1e300);
    assert!(fitted.compare(&points(0.0)).unwrap().test.p_value.get() > 0.05);
    let saved = serde_json::to_string(&fitted).unwrap();
    assert_eq!(serde_json::from_str::<FittedPca>(&saved).unwrap(), fitted);
}

/// The reference lies on a line, so without error; the current rows are all one point beside it.
#[test]
fn errors_of_one_size_are_seen() {
    let line = Points::new(2, (0..90).flat_map(|i| [f64::from(i % 9); 2])).unwrap();
    let beside = Points::new(2, [3.0, 5.0].repeat(40)).unwrap();
    let result = PcaReconstruction::default().test(&line, &beside).unwrap();
    assert!(result.p_value.get() < 0.001, "{result:?}");
}

#[test]
fn a_domain_classifier_permutes_unless_told_otherwise() {
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let mut points =
        |shift: f64| Points::new(2, (0..440).map(|_| rng.random_range(0.0..1.0) + shift)).unwrap();
    let (reference, same, moved) = (points(0.0), points(0.0), points(0.3));
    let test = DomainClassifier::default();
    let result = test.test(&reference, &same).unwrap();
    assert_eq!(result.method, "domain_classifier_mann_whitney_permutation");
    assert!(result.p_value.get() > 0.01);
    let result = test.test(&reference, &moved).unwrap();
    assert_eq!(result.p_value.get(), 1e-4); // no permutation of 9,999 is as extreme
    let by_law = test
        .null(NullDistribution::Asymptotic)
        .test(&reference, &moved)
        .unwrap();
    assert_eq!(by_law.method, "domain_classifier_mann_whitney_asymptotic");
    assert!(by_law.p_value.get() < 1e-4);
}

/// 24 users of 5 rows each, which are much like each other.
fn of_alike_rows(rng: &mut ChaCha8Rng) -> RecordBatch {
    let (mut values, mut units) = (Vec::new(), Vec::new());
    for unit in 0..24 {
        let centre = [0.0; 2].map(|_| normal(rng));
        for _ in 0..5 {
            values.push(Some(centre.map(|x| Some(x + 0.2 * normal(rng)))));
            units.push(unit);
        }
    }
    let points = FixedSizeListArray::from_iter_primitive::<Float64Type, _, _>(values, 2);
    let columns: [(&str, ArrayRef); 2] = [
        ("user", Arc::new(Int32Array::from(units))),
        ("embedding", Arc::new(points)),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Rows of a unit are alike: taken for rows they alarm far too often, as means of their units they keep the level.
#[test]
fn tests_of_unit_means_keep_their_level_where_rows_of_a_unit_are_alike() {
    let of_units: Law = |rng| Points::per_unit(&of_alike_rows(rng), "embedding", "user").unwrap();
    let of_rows: Law = |rng| {
        let table = of_alike_rows(rng);
        Points::from_array(table.column_by_name("embedding").unwrap()).unwrap()
    };
    let energy = EnergyTest::default().permutations(Permutations::default().limit(199));
    let mmd = Mmd::default().permutations(Permutations::default().limit(199));
    for (name, test) in [("energy", &energy as Test<'_>), ("mmd", &mmd)] {
        assert_level(&format!("{name} by unit"), test, 100, of_units, of_units);
        assert!(alarms(test, 30, of_rows, of_rows) > 15, "{name} by rows");
    }
}

/// By hand: unit "a" holds (1, 2) and (3, 6), "b" one row, and "c" none that is whole.
#[test]
fn points_per_unit_are_means_of_whole_rows() {
    let rows = [
        Some([Some(1.0), Some(2.0)]),
        Some([Some(9.0), Some(8.0)]),
        None,
        Some([Some(3.0), Some(6.0)]),
        Some([Some(7.0), None]),
    ];
    let columns: [(&str, ArrayRef); 2] = [
        (
            "unit",
            Arc::new(StringArray::from(vec!["a", "b", "c", "a", "a"])),
        ),
        (
            "x",
            Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(rows)),
        ),
    ];
    let table = RecordBatch::try_from_iter(columns).unwrap();
    let points = Points::per_unit(&table, "x", "unit").unwrap();
    assert_eq!(
        points,
        Points::new(2, [2.0, 4.0, 9.0, 8.0, f64::NAN, 0.0]).unwrap()
    );
    for (column, unit, kind) in [
        ("x", "none", ErrorKind::SignatureMismatch),
        ("none", "unit", ErrorKind::SignatureMismatch),
        ("unit", "unit", ErrorKind::Unsupported),
    ] {
        assert_eq!(
            Points::per_unit(&table, column, unit).unwrap_err().kind(),
            kind
        );
    }
}

/// Without a kernel that is more than 0 any two samples would be alike.
#[test]
fn a_bandwidth_at_which_no_rows_are_near_each_other_is_refused() {
    let points = |shift: f64| Points::new(1, (0..50).map(|i| f64::from(i) + shift)).unwrap();
    let mmd = Mmd::default().bandwidth(Bandwidth::Fixed(0.01));
    for error in [
        mmd.test(&points(0.0), &points(1e6)).unwrap_err(),
        mmd.statistic(&points(0.0), &points(1e6)).unwrap_err(),
    ] {
        assert!(
            error
                .to_string()
                .contains("near each other at a bandwidth of 0.01"),
            "{error}"
        );
    }
    let wider = Mmd::default().bandwidth(Bandwidth::Fixed(1.0));
    assert!(
        wider
            .test(&points(0.0), &points(1e6))
            .unwrap()
            .p_value
            .get()
            < 0.001
    );
}
