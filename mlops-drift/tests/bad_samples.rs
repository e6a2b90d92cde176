//! Samples that production sends sooner or later, to every test and divergence: a typed error or a documented
//! result, never a panic and never a p-value that hides the problem.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use mlops_core::ErrorKind;
use mlops_core::evidence::PValue;
use mlops_drift::divergence::{
    Divergence, EmptyBins, Energy, Evidently, Hellinger, JensenShannon, KullbackLeibler, LInfinity,
    Psi, TotalVariation, Wasserstein,
};
use mlops_drift::multiplicity::fisher_combination;
use mlops_drift::multivariate::{LinearMmd, Mmd, Points};
use mlops_drift::two_sample::{
    AndersonDarling, CramerVonMises, EppsSingleton, FisherExact, GTest, Kuiper, Levene,
    MannWhitney, NullDistribution, PermutationTest, Permutations, Student, TwoProportions,
    TwoSampleTest, Welch,
};
use mlops_drift::{CategoricalSample, NumericSample};

type NumericTest = Box<dyn TwoSampleTest<NumericSample>>;

/// Defined for constants and infinite values: they ask for the order alone.
fn tests_of_order() -> Vec<NumericTest> {
    vec![
        Box::new(Kuiper::default()),
        Box::new(CramerVonMises::default()),
        Box::new(CramerVonMises::default().null(NullDistribution::Asymptotic)),
        Box::new(AndersonDarling::default()),
        Box::new(AndersonDarling::default().null(NullDistribution::Asymptotic)),
        Box::new(MannWhitney::default()),
        Box::new(MannWhitney::default().null(NullDistribution::Asymptotic)),
        Box::new(KullbackLeibler::default()),
        Box::new(JensenShannon::default()),
        Box::new(Hellinger::default()),
    ]
}

fn tests_of_moments() -> Vec<NumericTest> {
    vec![
        Box::new(Student::default()),
        Box::new(Welch::default()),
        Box::new(Levene::default()),
        Box::new(EppsSingleton::default()),
    ]
}

fn numbers(values: &[f64]) -> NumericSample {
    NumericSample::new(values.iter().copied())
}

fn refused<T: std::fmt::Debug>(result: mlops_core::Result<T>) {
    assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn an_empty_sample_is_refused_by_all() {
    let (some, none) = (numbers(&[1.0, 2.0, 3.0, 4.0, 5.0]), numbers(&[f64::NAN; 3]));
    for test in tests_of_order().iter().chain(&tests_of_moments()) {
        refused(test.test(&some, &none));
        refused(test.test(&none, &some));
    }
    let energy = PermutationTest::of::<NumericSample>("energy", Energy::default());
    refused(energy.test(&some, &none));
    refused(TwoSampleTest::test(&Energy::default(), &none, &some));
    refused(TwoSampleTest::test(&Wasserstein::raw(), &none, &some));
    for divergence in [Evidently::Psi, Evidently::Hellinger] {
        refused(divergence.divergence(&some, &none));
    }
    let (some, none) = (
        CategoricalSample::new([Some("a")]),
        CategoricalSample::new([None]),
    );
    let tests: [&dyn TwoSampleTest<CategoricalSample>; 7] = [
        &Psi::default(),
        &TotalVariation::default(),
        &LInfinity::default(),
        &GTest::default(),
        &FisherExact,
        &TwoProportions::default(),
        &Hellinger::default(),
    ];
    for test in tests {
        refused(test.test(&some, &none));
        refused(test.test(&none, &some));
    }
    refused(fisher_combination(&[]));
}

#[test]
fn equal_constants_are_no_drift_and_different_ones_are() {
    let constant = |value: f64| numbers(&[value; 20]);
    for test in tests_of_order() {
        let same = test.test(&constant(5.0), &constant(5.0)).unwrap();
        assert_eq!(same.p_value.get(), 1.0, "{}", same.method);
        let moved = test.test(&constant(5.0), &constant(5.1)).unwrap();
        assert!(
            moved.p_value.get() < 0.01,
            "{}: {:?}",
            moved.method,
            moved.p_value
        );
    }
    for test in tests_of_moments() {
        refused(test.test(&constant(5.0), &constant(5.0)));
        refused(test.test(&constant(5.0), &constant(5.1)));
    }
}

#[test]
fn one_value_is_a_result_or_refused() {
    let (many, one) = (numbers(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), numbers(&[2.5]));
    for test in tests_of_order().iter().chain(&tests_of_moments()) {
        for (x, y) in [(&many, &one), (&one, &many), (&one, &one)] {
            match test.test(x, y) {
                Ok(result) => assert!(result.p_value.get() > 0.05),
                Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidArgument),
            }
        }
    }
}

#[test]
fn infinite_and_huge_values_have_ranks_but_no_moments() {
    let finite: Vec<f64> = (0..60).map(f64::from).collect();
    for extreme in [f64::INFINITY, f64::NEG_INFINITY] {
        let wild = numbers(&[finite.as_slice(), &[extreme; 5]].concat());
        for test in tests_of_order() {
            let result = test.test(&numbers(&finite), &wild).unwrap();
            assert!(result.statistic.is_finite(), "{}", result.method);
        }
        for test in tests_of_moments() {
            refused(test.test(&numbers(&finite), &wild));
        }
        refused(Energy::default().divergence(&wild, &numbers(&finite)));
        refused(Evidently::Psi.divergence(&wild, &numbers(&finite)));
        refused(Points::new(1, [extreme]));
    }
    let huge = numbers(&[-1.7e308, 0.0, 1.0, 2.0, 3.0, 1.7e308]);
    for test in tests_of_moments() {
        refused(test.test(&huge, &numbers(&finite)));
    }
}

/// Tests of means and spreads know no scale: squares that would overflow or vanish change nothing.
#[test]
fn tests_of_moments_know_no_scale() {
    let x: Vec<f64> = (0..60).map(|i| f64::from(i * 37 % 60)).collect();
    let y: Vec<f64> = (0..60).map(|i| f64::from(i * 11 % 60) + 20.0).collect();
    let scaled = |values: &[f64], factor: f64| {
        numbers(&values.iter().map(|v| v * factor).collect::<Vec<_>>())
    };
    let tests: [&dyn TwoSampleTest<NumericSample>; 3] =
        [&Student::default(), &Welch::default(), &Levene::default()];
    for test in tests {
        let want = test.test(&scaled(&x, 1.0), &scaled(&y, 1.0)).unwrap();
        // Powers of two: nothing is rounded but where values are subnormal.
        for power in [-1_000, -700, -400, 400, 512, 700, 1_000] {
            let factor = 2.0_f64.powi(power);
            let got = test.test(&scaled(&x, factor), &scaled(&y, factor)).unwrap();
            let off = (got.p_value.get() - want.p_value.get()).abs();
            assert!(
                off < 1e-9,
                "{} at 2^{power}: {got:?} is not {want:?}",
                want.method
            );
        }
    }
    // One value whose square overflows, beside others that differ.
    let (low, high) = ((0..60).map(f64::from), (1_000..1_059).map(f64::from));
    let high: Vec<f64> = high.chain([1.7e308]).collect();
    let shifted = Welch::default()
        .test(&numbers(&low.collect::<Vec<_>>()), &numbers(&high))
        .unwrap();
    assert!(shifted.statistic != 0.0, "{shifted:?}");
}

#[test]
fn quantiles_between_far_values_are_finite() {
    let far = numbers(&[-1.7e308, 1.7e308]);
    assert_eq!(far.quantile(0.5), Some(0.0));
    assert_eq!(far.quantile(1.0), Some(1.7e308));
}

#[test]
fn more_categories_than_a_test_knows_are_refused() {
    let three = CategoricalSample::new(["a", "b", "c"].map(Some));
    refused(FisherExact.test(&three, &three));
    refused(TwoProportions::default().test(&three, &three));
    let one = CategoricalSample::new([Some("a")]);
    assert_eq!(FisherExact.test(&one, &one).unwrap().p_value.get(), 1.0);
    assert_eq!(
        TwoProportions::default()
            .test(&one, &one)
            .unwrap()
            .p_value
            .get(),
        1.0
    );
    assert_eq!(
        GTest::default().test(&one, &one).unwrap().p_value.get(),
        1.0
    );
}

#[test]
fn points_that_cannot_be_compared_are_refused() {
    let flat = Points::new(1, [1.0; 400]).unwrap();
    refused(Mmd::default().test(&flat, &flat));
    refused(LinearMmd::default().test(&flat, &flat));
    refused(Mmd::default().test(&flat, &Points::new(2, [1.0; 400]).unwrap()));
    refused(Mmd::default().test(&flat, &Points::new(1, []).unwrap()));
    let many = Points::new(1, (0..4_000).map(f64::from)).unwrap();
    refused(Mmd::default().test(&many, &flat));
    refused(Points::new(0, []));
}

#[test]
fn a_p_value_of_zero_combines_to_zero() {
    let family = [0.0, 1.0].map(PValue::saturating);
    assert_eq!(fisher_combination(&family).unwrap().p_value.get(), 0.0);
}

/// The skewness of a constant is 0/0: no verdict, above all not "drift".
#[test]
fn a_permutation_test_of_an_undefined_statistic_is_refused() {
    let shape = |x: &NumericSample, y: &NumericSample| {
        let skewness = |sample: &NumericSample| sample.describe().skewness().unwrap_or(f64::NAN);
        Ok((skewness(x) - skewness(y)).abs())
    };
    let constant = numbers(&[5.0; 20]);
    refused(PermutationTest::new("skewness", shape).test(&constant, &constant));
}

/// The log ratio of two shares is infinite in the data and in every permutation that leaves one sample without the
/// rare label: with one such label in 40, dealt to either of two equal samples, in all of them.
#[test]
fn an_infinite_statistic_is_as_extreme_as_others() {
    let ratio = |x: &CategoricalSample, y: &CategoricalSample| {
        Ok((x.count("b") as f64 / y.count("b") as f64).ln().abs())
    };
    let labels = |rare: usize| {
        CategoricalSample::new((0..20).map(|i| Some(if i < rare { "b" } else { "a" })))
    };
    let test = PermutationTest::new("log_ratio", ratio);
    let result = test.test(&labels(0), &labels(1)).unwrap();
    assert_eq!(
        (result.statistic, result.p_value.get()),
        (f64::INFINITY, 1.0)
    );
    // Of six, none in one sample: 2·C(34, 20)/C(40, 20) = 2.0 % of the deals.
    let p = test.test(&labels(0), &labels(6)).unwrap().p_value.get();
    assert!((0.013..0.03).contains(&p), "{p}");
}

#[test]
fn ids_that_the_samples_do_not_share_are_seen() {
    let ids = |first: u32| {
        let labels: Vec<String> = (0..20_000).map(|i| (first + i / 2).to_string()).collect();
        CategoricalSample::new(labels.iter().map(|label| Some(label.as_str())))
    };
    let (reference, current) = (ids(0), ids(20_000));
    let few = Permutations::default().limit(60);
    let divergence = KullbackLeibler::default().permutations(few);
    // Every id has two values of 20,000 in one sample, and counts as half a one in the other.
    let want = (0.8 - 0.2) * 4.0_f64.ln();
    let got = divergence.divergence(&reference, &current).unwrap().get();
    assert!((got - want).abs() < 1e-9, "{got} is not {want}");
    for test in [
        Box::new(divergence) as Box<dyn TwoSampleTest<CategoricalSample>>,
        Box::new(Psi::default().permutations(few)),
        Box::new(
            Psi::default()
                .empty_bins(EmptyBins::HalfValue)
                .permutations(few),
        ),
    ] {
        let result = test.test(&reference, &current).unwrap();
        assert!(
            result.p_value.get() < 0.02,
            "{}: {:?}",
            result.method,
            result.p_value
        );
    }
}

#[test]
fn several_samples_that_cannot_be_compared_are_refused() {
    let test = AndersonDarling::default();
    let (none, one, many) = (numbers(&[]), numbers(&[1.0]), numbers(&[1.0, 2.0, 3.0]));
    refused(test.of_samples(&[]));
    refused(test.of_samples(&[&many]));
    refused(test.of_samples(&[&many, &none, &many]));
    refused(test.of_samples(&[&one, &one, &one])); // their deviation is not defined
    assert!(test.of_samples(&[&one, &many, &one]).is_ok());
    let constant = numbers(&[5.0; 20]);
    assert_eq!(test.of_samples(&[&constant; 4]).unwrap().p_value.get(), 1.0);
}

/// One that lies apart among small samples, among large ones, and among many: by permutation where one of them is small or a value makes up more than
/// one in a hundred, and by the limit law elsewhere.
#[test]
fn a_sample_that_lies_apart_is_seen_among_several() {
    let at = |number: usize, size: usize, first: f64| {
        let value = |i: usize| first + (i as f64 * 0.618 + number as f64 * 0.1234567).fract();
        NumericSample::new((0..size).map(value))
    };
    let p = |sizes: &[usize], step: f64| {
        let samples = sizes.iter().enumerate();
        let samples = samples
            .map(|(number, &size)| at(number, size, f64::from(u8::from(number == 1)) * step));
        let samples: Vec<NumericSample> = samples.collect();
        let samples: Vec<&NumericSample> = samples.iter().collect();
        let result = AndersonDarling::default().of_samples(&samples).unwrap();
        (result.method, result.p_value.get())
    };
    for (sizes, method) in [
        (&[12, 9, 300][..], "anderson_darling_permutation"),
        (&[60, 49, 70], "anderson_darling_permutation"),
        (&[60, 50, 70], "anderson_darling_asymptotic"),
        (&[60; 40], "anderson_darling_asymptotic"),
        (&[60; 150], "anderson_darling_asymptotic"),
    ] {
        let (by, apart) = p(sizes, 2.0);
        assert_eq!(by, method, "{sizes:?}");
        assert!(apart < 0.001, "{sizes:?}: {apart}");
        assert!(p(sizes, 0.0).1 > 0.05, "{sizes:?}");
    }
    let tied = numbers(&[1.0; 60]);
    let other = at(1, 100, 0.0);
    let result = AndersonDarling::default()
        .of_samples(&[&tied, &other, &other])
        .unwrap();
    assert_eq!(result.method, "anderson_darling_permutation");
}

/// However many shares are added up.
#[test]
fn no_total_variation_exceeds_one() {
    let ids = |first: u32| {
        let labels: Vec<String> = (0..200_000).map(|i| (first + i).to_string()).collect();
        CategoricalSample::new(labels.iter().map(|label| Some(label.as_str())))
    };
    let distance = TotalVariation::default()
        .divergence(&ids(0), &ids(200_000))
        .unwrap();
    assert_eq!(distance.get(), 1.0);
}
