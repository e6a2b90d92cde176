//! Two samples of numbers.

use std::collections::BTreeMap;

use mlops_drift::NumericSample;
use mlops_drift::divergence::{Divergence, Energy, Evidently, Psi, Scale, Wasserstein};
use mlops_drift::multivariate::{Bandwidth, Mmd};
use mlops_drift::profile::NumericProfile;
use mlops_drift::two_sample::{
    AndersonDarling, AtTies, Centre, CramerVonMises, EppsSingleton, KolmogorovSmirnov, Levene,
    MannWhitney, NullDistribution, Student, TwoSampleTest, Welch,
};

use crate::case::{Case, Outcome, Values, measured, present, tested};

/// Steps of rank of a coarse grid.
const RESOLUTION: usize = 8;

pub(crate) fn outcome(case: &Case, function: &str) -> Option<Outcome> {
    if rests_on_rounding(case, function) {
        return None;
    }
    let ks = |null| case.test(&KolmogorovSmirnov::default().null(null));
    let cvm = |null| case.test(&CramerVonMises::default().null(null));
    let mann_whitney = |null| case.test(&MannWhitney::default().null(null));
    let asymptotic = NullDistribution::Asymptotic;
    let anderson = |at_ties| {
        let test = AndersonDarling::default().at_ties(at_ties);
        case.test(&test.published_table())
    };
    let levene = |centre| case.test(&Levene::default().centre(centre).null(asymptotic));
    Some(match function {
        "ks/asymp" => ks(NullDistribution::Asymptotic),
        "ks/exact" => ks(NullDistribution::Exact),
        "ks/empty" => ks(NullDistribution::Automatic),
        "cvm/exact" => cvm(NullDistribution::Exact),
        "cvm/asymptotic" => cvm(asymptotic).map(|mut values| {
            if values["pvalue"][0] < CRAMER_VON_MISES_RESOLUTION {
                values.remove("pvalue");
            }
            values
        }),
        "anderson_ksamp/midrank" => anderson(AtTies::Midrank),
        "anderson_ksamp/right" => anderson(AtTies::Right),
        "mannwhitney/exact" => mann_whitney(NullDistribution::Exact),
        "mannwhitney/asymptotic_cc" => mann_whitney(asymptotic),
        "mannwhitney/empty" => mann_whitney(NullDistribution::Automatic),
        "welch_t/two_sided" => case.test(&Welch::default().null(asymptotic)),
        "student_t/two_sided" => case.test(&Student::default().null(asymptotic)),
        "levene/median" => levene(Centre::Median),
        "levene/mean" => levene(Centre::Mean),
        "epps_singleton/t=(0.4,0.8)" => case.test(&EppsSingleton::default().null(asymptotic)),
        "psi/quantile10" | "psi/empty" => case.distance(&Psi::default()),
        "wasserstein/raw" | "wasserstein/empty" => case.distance(&Wasserstein::raw()),
        "wasserstein/normed_evidently" => {
            case.distance(&Wasserstein::default().scale(Scale::Evidently))
        }
        "psi/evidently_numeric" => case.distance(&Evidently::Psi),
        "kl/evidently_numeric" => case.distance(&Evidently::KullbackLeibler),
        "js/evidently_numeric" => case.distance(&Evidently::JensenShannon),
        "hellinger/evidently_numeric" => case.distance(&Evidently::Hellinger),
        "energy/distance" => case.distance(&Energy::default()),
        "mmd2/rbf_unbiased_sigma1" => case.mmd(Bandwidth::Fixed(crate::case::number(
            &case.fields["params"]["sigma"],
        ))),
        "mmd2/rbf_unbiased_median" => case.mmd(Bandwidth::MedianDistance),
        "describe/moments" => case.moments(),
        "quantiles/type7" => case.quantiles(),
        "ks/sketch_contains" => case.bracket(),
        _ => return None,
    })
}

/// Cases whose reference value is made of rounding errors:
/// - Epps–Singleton of two constants that differ: the covariance is 0, the statistic undefined, and SciPy's
///   2.5e32 the inverse square of the error of a mean;
/// - Levene's test about means of 1e12 and more: SciPy's mean, of the values in their given order, is off in
///   the last place, which moves W in the fifth digit. (About medians there is no such error.)
fn rests_on_rounding(case: &Case, function: &str) -> bool {
    let samples = || ["ref", "cur"].map(|key| case.numeric(key).unwrap());
    match function {
        "epps_singleton/t=(0.4,0.8)" => samples()
            .iter()
            .all(|sample| sample.sorted().first() == sample.sorted().last()),
        "levene/mean" => samples().iter().any(offset_beyond_means),
        _ => false,
    }
}

/// Whether a mean in floating point is further from the true one than 1e-6 standard deviations: then central
/// moments about it (NumPy's) are off in the eighth digit and before. Exact rational arithmetic on the case with
/// an offset of 1e12 gives a variance of 0.99959405846 and a skewness of 0.0623755773; the reference values are
/// 0.99959407139 and 0.0627167906.
fn offset_beyond_means(sample: &NumericSample) -> bool {
    sample.mean().unwrap().abs() > 1e10 * sample.standard_deviation().unwrap()
}

/// SciPy sums its series for the tail of Cramér and von Mises until a term is below 1e-7: smaller p-values
/// than this are what it leaves out, and only the statistic is compared.
const CRAMER_VON_MISES_RESOLUTION: f64 = 1e-7;

impl Case {
    fn test(&self, test: &dyn TwoSampleTest<NumericSample>) -> Outcome {
        let (reference, current) = (self.numeric("ref")?, self.numeric("cur")?);
        test.test(&reference, &current).map(tested)
    }

    fn distance(&self, measure: &dyn Divergence<NumericSample>) -> Outcome {
        let (reference, current) = (self.numeric("ref")?, self.numeric("cur")?);
        measure.divergence(&reference, &current).map(measured)
    }

    fn mmd(&self, bandwidth: Bandwidth) -> Outcome {
        let [reference, current] = [self.numeric("ref")?, self.numeric("cur")?];
        let mmd = Mmd::default().bandwidth(bandwidth);
        let statistic = mmd.statistic(&(&reference).into(), &(&current).into())?;
        Ok(BTreeMap::from([("statistic", vec![statistic])]))
    }

    fn moments(&self) -> Outcome {
        let [reference, current] = [
            self.numeric("ref")?.describe(),
            self.numeric("cur")?.describe(),
        ];
        let mut values = Values::new();
        for (key, value) in [
            ("mean_ref", reference.mean()),
            ("var_ref", reference.variance()),
            ("min_ref", reference.least()),
            ("max_ref", reference.greatest()),
            ("skew_ref", reference.skewness()),
            ("kurt_ref", reference.kurtosis()),
            ("mean_cur", current.mean()),
            ("var_cur", current.variance()),
        ] {
            values.extend(present(key, value));
        }
        if offset_beyond_means(&self.numeric("ref")?) {
            values.retain(|key, _| !["var_ref", "skew_ref", "kurt_ref"].contains(key));
        }
        Ok(values)
    }

    /// D, if the bracket of two profiles on a coarse grid holds it and is as narrow as its grid promises.
    fn bracket(&self) -> Outcome {
        let [reference, current] = ["ref", "cur"].map(|key| self.numeric(key));
        let (reference, current) = (reference?, current?);
        let exact = KolmogorovSmirnov::statistic(&reference, &current)?;
        let profile = NumericProfile::with_resolution(&reference, RESOLUTION)?;
        let bracket = profile.kolmogorov_smirnov(&profile.like(&current))?;
        let least = reference.len().min(current.len()) as f64;
        let narrow = bracket.width() <= 2.0 / RESOLUTION as f64 + 2.0 / least;
        let held = exact.clamp(bracket.low, bracket.high);
        Ok(BTreeMap::from([(
            "statistic_in",
            vec![if narrow { held } else { f64::NAN }],
        )]))
    }

    fn quantiles(&self) -> Outcome {
        let keys: Vec<&str> = self.fields["expect"]
            .as_object()
            .unwrap()
            .keys()
            .map(|k| k.as_str())
            .collect();
        assert!(keys.len() == 1, "{keys:?}");
        let sample = self.numeric("x").or_else(|_| self.numeric("ref"))?;
        let shares = self.fields["params"]["qs"].as_array().unwrap();
        let values = shares
            .iter()
            .map(|q| sample.quantile(q.as_f64().unwrap()).unwrap());
        Ok(BTreeMap::from([("q", values.collect())]))
    }
}
