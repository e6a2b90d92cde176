//! Each fast routine against its definition, written out slowly.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use mlops_drift::divergence::{
    CramersV, Divergence, Energy, LInfinity, TotalVariation, Wasserstein,
};
use mlops_drift::performance::Scored;
use mlops_drift::two_sample::{
    ChiSquare, CramerVonMises, KolmogorovSmirnov, Kuiper, Levene, MannWhitney, NullDistribution,
    Student, TwoSampleTest, Welch,
};
use mlops_drift::{CategoricalSample, NumericSample};
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};

fn quiet() -> Config {
    Config {
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..Config::default()
    }
}

fn cumulative(values: &[f64], at: f64) -> f64 {
    values.iter().filter(|value| **value <= at).count() as f64 / values.len() as f64
}

fn numbers() -> impl Strategy<Value = Vec<f64>> {
    // Few distinct values, so that ties within and between the samples are common.
    prop::collection::vec((-6i8..6).prop_map(|x| f64::from(x) / 2.0), 1..40)
}

/// The shares of two samples between the distinct inner deciles of the first (type 7: Hyndman & Fan, The American
/// Statistician 50, 1996), of a constant one below, at and above it.
fn shares_between_deciles(x: &[f64], y: &[f64]) -> Vec<[f64; 2]> {
    let mut sorted = x.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let last = sorted.len() - 1;
    let decile = |tenth: usize| {
        let (whole, rest) = (tenth * last / 10, (tenth * last % 10) as f64 / 10.0);
        sorted[whole] + rest * (sorted[(whole + 1).min(last)] - sorted[whole])
    };
    let inner = |edge: &f64| sorted[0] < *edge && *edge < sorted[last];
    let mut edges: Vec<f64> = (1..10).map(decile).filter(inner).collect();
    if sorted[0] == sorted[last] {
        edges = vec![sorted[0], sorted[0].next_up()];
    }
    edges.insert(0, f64::NEG_INFINITY);
    edges.push(f64::INFINITY);
    let share = |values: &[f64], low: f64, high: f64| {
        let inside = values
            .iter()
            .filter(|value| low <= **value && **value < high);
        inside.count() as f64 / values.len() as f64
    };
    let bins = edges.windows(2).filter(|edge| edge[0] < edge[1]);
    bins.map(|edge| [share(x, edge[0], edge[1]), share(y, edge[0], edge[1])])
        .collect()
}

proptest! {
    #![proptest_config(quiet())]

    #[test]
    fn distances_of_numbers_are_those_of_their_shares_between_deciles(x in numbers(), y in numbers()) {
        // Deciles are multiples of 1/20; of so many values none is one of them, unless both neighbours are, and none of `y` is one
        // either: rounding moves no value across an edge.
        let y: Vec<f64> = y.into_iter().map(|value| value + 0.01).collect();
        let size = (1..=x.len()).rev().find(|size| *size == 1 || (size % 2 == 0 && size % 10 != 6));
        let size = size.unwrap();
        let x = &x[..size];
        let shares = shares_between_deciles(x, &y);
        let (n, m) = (x.len() as f64, y.len() as f64);
        let apart = |[p, q]: &[f64; 2]| (p - q).abs();
        let occupied = shares.iter().filter(|[p, q]| p + q > 0.0);
        let v = occupied.map(|pair @ [p, q]| apart(pair).powi(2) * n * m / (n * p + m * q)).sum::<f64>() / (n + m);
        let want = [
            shares.iter().map(apart).sum::<f64>() / 2.0,
            shares.iter().map(apart).fold(0.0, f64::max),
            v.sqrt(),
        ];
        let (a, b) = (NumericSample::new(x.to_vec()), NumericSample::new(y.clone()));
        let distances: [&dyn Divergence<NumericSample>; 3] =
            [&TotalVariation::default(), &LInfinity::default(), &CramersV::default()];
        for (distance, want) in distances.into_iter().zip(want) {
            let got = distance.divergence(&a, &b).unwrap();
            prop_assert!((got.get() - want).abs() < 1e-12, "{got:?} is not {want}");
        }
    }

    #[test]
    fn d_is_the_greatest_gap_of_the_distribution_functions(x in numbers(), y in numbers()) {
        let gap = |at: &f64| (cumulative(&x, *at) - cumulative(&y, *at)).abs();
        let want = x.iter().chain(&y).map(gap).fold(0.0, f64::max);
        let (a, b) = (NumericSample::new(x.clone()), NumericSample::new(y.clone()));
        let got = KolmogorovSmirnov::statistic(&a, &b).unwrap();
        prop_assert!((got - want).abs() < 1e-12, "{got} is not {want}");
    }

    #[test]
    fn wasserstein_is_the_area_between_the_distribution_functions(x in numbers(), y in numbers()) {
        // All values are multiples of 1/2 in [-3, 3]: the area is a sum over these steps.
        let steps = (-6..6).map(|step| f64::from(step) / 2.0);
        let want: f64 = steps.map(|at| (cumulative(&x, at) - cumulative(&y, at)).abs() / 2.0).sum();
        let (a, b) = (NumericSample::new(x.clone()), NumericSample::new(y.clone()));
        let got = Wasserstein::raw().divergence(&a, &b).unwrap().get();
        prop_assert!((got - want).abs() < 1e-12, "{got} is not {want}");
    }
}

proptest! {
    #![proptest_config(quiet())]

    #[test]
    fn kuipers_v_is_the_greatest_gap_upward_plus_that_downward(x in numbers(), y in numbers()) {
        let gap = |at: &f64| cumulative(&x, *at) - cumulative(&y, *at);
        let gaps: Vec<f64> = x.iter().chain(&y).map(gap).collect();
        let want = gaps.iter().copied().fold(0.0, f64::max) - gaps.iter().copied().fold(0.0, f64::min);
        let (a, b) = (NumericSample::new(x), NumericSample::new(y));
        let got = Kuiper::default().test(&a, &b).unwrap().statistic;
        prop_assert!((got - want).abs() < 1e-12, "{got} is not {want}");
    }

    #[test]
    fn mann_whitneys_u_counts_pairs(x in numbers(), y in numbers()) {
        let wins = |a: &f64, b: &f64| if a > b { 1.0 } else if a == b { 0.5 } else { 0.0 };
        let want: f64 = x.iter().flat_map(|a| y.iter().map(move |b| wins(a, b))).sum();
        let test = MannWhitney::default().null(NullDistribution::Asymptotic);
        let got = test.test(&NumericSample::new(x), &NumericSample::new(y)).unwrap().statistic;
        prop_assert!((got - want).abs() < 1e-9, "{got} is not {want}");
    }

    #[test]
    fn energy_is_between_less_within(x in numbers(), y in numbers()) {
        let mean = |a: &[f64], b: &[f64]| {
            let all: f64 = a.iter().flat_map(|p| b.iter().map(move |q| (p - q).abs())).sum();
            all / (a.len() * b.len()) as f64
        };
        let want = (2.0 * mean(&x, &y) - mean(&x, &x) - mean(&y, &y)).max(0.0);
        let (a, b) = (NumericSample::new(x), NumericSample::new(y));
        let got = Energy::default().divergence(&a, &b).unwrap().get();
        prop_assert!((got * got - want).abs() < 1e-9, "{got}² is not {want}");
    }
}

/// The share of all splits of 0, 1, 2, … whose statistic is at least that of the first sample's ranks.
fn share_as_extreme(first: &[usize], all: usize, statistic: impl Fn(&[f64], &[f64]) -> f64) -> f64 {
    let of = |split: u32| {
        let part = |bit| {
            (0..all)
                .filter(|i| split >> i & 1 == bit)
                .map(|i| i as f64)
                .collect()
        };
        let (x, y): (Vec<f64>, Vec<f64>) = (part(1), part(0));
        statistic(&x, &y)
    };
    let observed = of(first.iter().map(|rank| 1 << rank).sum());
    let splits = (0u32..1 << all).filter(|split| split.count_ones() as usize == first.len());
    let (extreme, count) = splits.fold((0.0, 0.0), |(extreme, count), split| {
        let hit = f64::from(u8::from(of(split) >= observed - 1e-9));
        (extreme + hit, count + 1.0)
    });
    extreme / count
}

#[test]
fn exact_tests_of_ranks_equal_enumeration() {
    let squares = |x: &[f64], y: &[f64]| -> f64 {
        let gap = |at: &f64| cumulative(x, *at) - cumulative(y, *at);
        x.iter().chain(y).map(|at| gap(at).powi(2)).sum()
    };
    let wins = |x: &[f64], y: &[f64]| -> f64 {
        let above = x
            .iter()
            .flat_map(|a| y.iter().map(move |b| f64::from(u8::from(a > b))));
        (above.sum::<f64>() - (x.len() * y.len()) as f64 / 2.0).abs()
    };
    for (first, all) in [
        (vec![0, 1, 2, 4], 9),
        (vec![0, 5, 6, 7, 8, 10], 11),
        (vec![2, 3, 4], 12),
    ] {
        let first = &first;
        let part = |inside| {
            (0..all)
                .filter(move |i| first.contains(i) == inside)
                .map(|i| i as f64)
        };
        let (x, y) = (
            NumericSample::new(part(true)),
            NumericSample::new(part(false)),
        );
        let tests: [(&dyn TwoSampleTest<NumericSample>, f64); 2] = [
            (
                &CramerVonMises::default(),
                share_as_extreme(first, all, squares),
            ),
            (&MannWhitney::default(), share_as_extreme(first, all, wins)),
        ];
        for (test, want) in tests {
            let result = test.test(&x, &y).unwrap();
            let got = result.p_value.get();
            assert!(result.method.ends_with("_exact"));
            assert!(
                (got - want).abs() < 1e-12,
                "{}: {got} is not {want}",
                result.method
            );
        }
    }
}

const LABELS: [&str; 4] = ["a", "b", "c", "d"];

/// Pearson's statistic of the first sample against the rest, from observed and expected counts.
fn pearson(labels: &[usize], in_first: &dyn Fn(usize) -> bool) -> f64 {
    let all = labels.len() as f64;
    let first = (0..labels.len()).filter(|&i| in_first(i)).count() as f64;
    let mut sum = 0.0;
    for label in 0..LABELS.len() {
        let total = labels.iter().filter(|l| **l == label).count() as f64;
        let inside = (0..labels.len())
            .filter(|&i| labels[i] == label && in_first(i))
            .count() as f64;
        for (observed, size) in [(inside, first), (total - inside, all - first)] {
            if total > 0.0 {
                let expected = total * size / all;
                sum += (observed - expected).powi(2) / expected;
            }
        }
    }
    sum
}

/// The p-value over all splits of the pooled rows into samples of the same sizes.
fn p_by_enumeration(labels: &[usize], first: usize) -> f64 {
    let observed = pearson(labels, &|i| i < first);
    let splits = (0u32..1 << labels.len()).filter(|split| split.count_ones() as usize == first);
    let (mut extreme, mut all) = (0.0, 0.0);
    for split in splits {
        all += 1.0;
        if pearson(labels, &|i| split >> i & 1 == 1) >= observed - 1e-9 {
            extreme += 1.0;
        }
    }
    extreme / all
}

fn p_of_the_test(labels: &[usize], first: usize) -> f64 {
    let sample = |rows: &[usize]| CategoricalSample::new(rows.iter().map(|&l| Some(LABELS[l])));
    let (reference, current) = (sample(&labels[..first]), sample(&labels[first..]));
    let test = ChiSquare::default().null(NullDistribution::Exact);
    test.test(&reference, &current).unwrap().p_value.get()
}

#[test]
fn the_exact_test_of_two_categories_equals_enumeration() {
    for (labels, first) in [
        (vec![0, 0, 0, 0, 1, 1, 0, 1, 1, 1, 1], 5),
        (vec![0, 0, 1, 1, 0, 1, 1, 1, 1, 1], 4),
        (vec![0, 1, 1, 1, 1, 1, 1], 1),
    ] {
        let (got, want) = (
            p_of_the_test(&labels, first),
            p_by_enumeration(&labels, first),
        );
        assert!((got - want).abs() < 1e-12, "{got} is not {want}");
    }
}

/// Besag & Clifford stop at 50 exceedances: a relative standard error of 1/sqrt(50) = 14 %; four of them.
#[test]
fn the_permutation_test_estimates_the_enumerated_p_value() {
    for (labels, first) in [
        (vec![0, 0, 0, 0, 0, 1, 2, 1, 1, 2, 2, 3], 6),
        (vec![0, 1, 2, 3, 0, 1, 2, 3, 3, 3], 4),
        (vec![0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 3, 3], 5),
    ] {
        let (got, want) = (
            p_of_the_test(&labels, first),
            p_by_enumeration(&labels, first),
        );
        assert!(
            (got - want).abs() <= 0.57 * want,
            "{got} is not near {want}"
        );
    }
}

/// DeLong's variance from the definition, on the logit scale and by Student's law, against the interval that is reported.
#[test]
fn the_interval_of_auc_is_delongs() {
    let labels = [true, true, true, true, false, false, false, false, false];
    let scores = [0.9, 0.8, 0.4, 0.6, 0.7, 0.4, 0.3, 0.2, 0.1];
    let wins = |a: f64, b: f64| {
        if a > b {
            1.0
        } else if a == b {
            0.5
        } else {
            0.0
        }
    };
    let (positives, negatives) = scores.split_at(4);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let variance = |values: &[f64]| {
        let centre = mean(values);
        values.iter().map(|x| (x - centre).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0)
    };
    let v10: Vec<f64> = positives
        .iter()
        .map(|&p| mean(&negatives.iter().map(|&n| wins(p, n)).collect::<Vec<_>>()))
        .collect();
    let v01: Vec<f64> = negatives
        .iter()
        .map(|&n| mean(&positives.iter().map(|&p| wins(p, n)).collect::<Vec<_>>()))
        .collect();
    let area = mean(&v10);
    let error = (variance(&v10) / 4.0 + variance(&v01) / 5.0).sqrt();
    let logit = |x: f64| (x / (1.0 - x)).ln();
    // Of Student's law with Satterthwaite's 6.9189 degrees of freedom: scipy.stats.t.ppf(0.975, 6.918918918918918).
    let radius = 2.3702532698931487 * error / (area * (1.0 - area));

    let auc = Scored::new(&labels, &scores).unwrap().auc().unwrap();
    assert!((auc.value - area).abs() < 1e-12);
    assert!((logit(auc.interval.low()) - (logit(area) - radius)).abs() < 1e-9);
    assert!((logit(auc.interval.high()) - (logit(area) + radius)).abs() < 1e-9);
}

/// Every order of the values without ties, one by one.
fn orders(n: usize, m: usize) -> Vec<Vec<bool>> {
    if n + m == 0 {
        return vec![vec![]];
    }
    let mut all = Vec::new();
    for (first, n_left, m_left) in [(true, n.wrapping_sub(1), m), (false, n, m.wrapping_sub(1))] {
        if n_left <= n && m_left <= m {
            let rest = orders(n_left, m_left).into_iter();
            all.extend(rest.map(|rest| [vec![first], rest].concat()));
        }
    }
    all
}

/// T is the sum of squared distances, ties or not, from below as from above: 0 for equal shares at unequal sizes, and greatest for samples wholly apart.
#[test]
fn cramer_von_mises_is_a_distance_under_ties() {
    let of = |counts: [usize; 3]| {
        let values = [0.0, 1.0, 2.0].into_iter().zip(counts);
        values
            .flat_map(|(value, count)| vec![value; count])
            .collect::<Vec<f64>>()
    };
    for (x, y) in [
        (of([1_400, 600, 0]), of([140, 60, 0])),
        (of([1_400, 600, 0]), of([200, 0, 0])),
        (of([1_400, 600, 0]), of([180, 20, 0])),
        (of([3, 5, 2]), of([1, 1, 4])),
        (of([700, 0, 0]), of([0, 0, 30])),
    ] {
        let share = |of: &[f64], is: &dyn Fn(f64) -> bool| {
            of.iter().filter(|x| is(**x)).count() as f64 / of.len() as f64
        };
        let apart = |is: &dyn Fn(f64) -> bool| (share(&x, is) - share(&y, is)).powi(2);
        let all = x.iter().chain(&y);
        let apart = all.map(|z| (apart(&|x| x <= *z) + apart(&|x| x < *z)) / 2.0);
        let (n, m) = (x.len() as f64, y.len() as f64);
        let want = n * m / (n + m).powi(2) * apart.sum::<f64>();
        let (a, b) = (NumericSample::new(x.clone()), NumericSample::new(y.clone()));
        let result = CramerVonMises::default().test(&a, &b).unwrap();
        let off = (result.statistic - want).abs();
        assert!(
            off <= 1e-9 * (1.0 + want),
            "{} is not {want}",
            result.statistic
        );
        let mirrored = |of: &[f64]| NumericSample::new(of.iter().map(|x| -x));
        let from_above = CramerVonMises::default()
            .test(&mirrored(&x), &mirrored(&y))
            .unwrap();
        assert_eq!(from_above.statistic, result.statistic);
        let differ = x.iter().sum::<f64>() / n != y.iter().sum::<f64>() / m && n > 20.0;
        assert_eq!(result.p_value.get() < 1e-3, differ, "{result:?}");
    }
}

/// T of the data by midranks, and the share of orders without ties in which it is at least that: SciPy's exact
/// p-value, whether there are ties or not.
#[test]
fn cramer_von_mises_ignoring_ties_counts_orders_without_ties() {
    let test = CramerVonMises::default().ignoring_ties();
    let test = test.null(NullDistribution::Exact);
    for (x, y) in [
        (vec![1.0, 1.0, 2.0, 3.0], vec![1.0, 2.0, 2.0, 4.0, 5.0]),
        (vec![0.0, 0.0, 0.0], vec![0.0, 1.0, 1.0, 1.0]),
        (vec![1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0]),
    ] {
        let (a, b) = (NumericSample::new(x.clone()), NumericSample::new(y.clone()));
        let result = test.test(&a, &b).unwrap();
        let of_order = |order: &Vec<bool>| {
            let part = |first: bool| {
                let places = (0_u32..).zip(order).filter(|(_, is)| **is == first);
                NumericSample::new(places.map(|(place, _)| f64::from(place)))
            };
            test.test(&part(true), &part(false)).unwrap().statistic
        };
        let all: Vec<f64> = orders(x.len(), y.len()).iter().map(of_order).collect();
        let beyond = all
            .iter()
            .filter(|t| **t >= result.statistic - 1e-9)
            .count();
        let want = beyond as f64 / all.len() as f64;
        let got = result.p_value.get();
        assert!(
            (got - want).abs() < 1e-12,
            "{x:?} {y:?}: {got} is not {want}"
        );
    }
}

/// At an offset of 1e12 a step of floating point is 1.2e-4: a mean of such values is rounded to it, but the
/// difference of two means need not be.
#[test]
fn an_offset_changes_no_test_of_means() {
    let values = |n: u32, offset: f64| {
        NumericSample::new((0..n).map(|i| offset + f64::from(i.wrapping_mul(i) % 97) / 8.0))
    };
    let tests: [Box<dyn TwoSampleTest<NumericSample>>; 3] = [
        Box::new(Welch::default().null(NullDistribution::Asymptotic)),
        Box::new(Student::default().null(NullDistribution::Asymptotic)),
        Box::new(Levene::default().null(NullDistribution::Asymptotic)),
    ];
    for test in tests {
        let [plain, moved] = [0.0, 1e12].map(|offset| {
            test.test(&values(300, offset), &values(250, offset + 1.0))
                .unwrap()
        });
        let error = (moved.statistic / plain.statistic - 1.0).abs();
        assert!(error < 1e-9, "{}: {error:e}", plain.method);
    }
    let many = values(100_000, 1e12);
    let deviation = many.standard_deviation().unwrap();
    let want = values(100_000, 0.0).standard_deviation().unwrap();
    assert!(
        (deviation / want - 1.0).abs() < 1e-9,
        "{deviation} is not {want}"
    );
    let mean = many.mean().unwrap() - 1e12;
    let want = values(100_000, 0.0).mean().unwrap();
    assert!((mean - want).abs() < 1.3e-4, "{mean} is not {want}");
}
