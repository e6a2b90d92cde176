//! Two samples of numbers.

use std::collections::BTreeMap;

use mlops_drift::NumericSample;
use mlops_drift::divergence::{Divergence, Energy, Evidently, Psi, Scale, Wasserstein};
use mlops_drift::multivariate::{Bandwidth, Mmd};
use mlops_drift::profile::{Grid, NumericProfile};
use mlops_drift::two_sample::{
    AndersonDarling, AtTies, Centre, CramerVonMises, EppsSingleton, KolmogorovSmirnov, Levene,
    MannWhitney, NullDistribution, Student, TwoSampleTest, Welch,
};

use serde_json::Value;

use crate::case::{Case, Outcome, Values, measured, number, present, tested};

/// Steps of rank of grids that are coarser than the default, and finer.
const RESOLUTIONS: [usize; 3] = [8, 64, 4_096];

pub(crate) fn outcome(case: &Case, function: &str) -> Option<Outcome> {
    let ks = |null| case.test(&KolmogorovSmirnov::default().null(null));
    let mann_whitney = |null| case.test(&MannWhitney::default().null(null));
    let asymptotic = NullDistribution::Asymptotic;
    let anderson = |at_ties| {
        let test = AndersonDarling::default().at_ties(at_ties);
        case.of_samples(test.published_table())
    };
    let levene = |centre| case.test(&Levene::default().centre(centre).null(asymptotic));
    Some(match function {
        "ks/asymp" => ks(NullDistribution::Asymptotic),
        "ks/exact" => ks(NullDistribution::Exact),
        "ks/empty" => ks(NullDistribution::Automatic),
        "cvm/exact" => {
            let test = CramerVonMises::default().ignoring_ties();
            case.test(&test.null(NullDistribution::Exact))
        }
        "cvm/asymptotic" => {
            let test = CramerVonMises::default().ignoring_ties();
            case.test(&test.null(asymptotic))
        }
        "anderson_ksamp/midrank" => anderson(AtTies::Midrank),
        "anderson_ksamp/right" => anderson(AtTies::Right),
        "mannwhitney/exact" => mann_whitney(NullDistribution::Exact),
        "mannwhitney/asymptotic_cc" => mann_whitney(asymptotic),
        "mannwhitney/empty" => mann_whitney(NullDistribution::Automatic),
        "welch_t/two_sided" => case.welch(),
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
        "mmd2/rbf_unbiased_sigma1" => {
            case.mmd(Bandwidth::Fixed(case.setting("sigma").unwrap_or(1.0)))
        }
        "mmd2/rbf_unbiased_median" => case.mmd(Bandwidth::MedianDistance),
        "describe/moments" => case.moments(),
        "quantiles/type7" => case.quantiles(),
        "ks/sketch_contains" => case.bracket(),
        _ => return None,
    })
}

impl Case {
    fn test(&self, test: &dyn TwoSampleTest<NumericSample>) -> Outcome {
        let (reference, current) = (self.numeric("ref")?, self.numeric("cur")?);
        test.test(&reference, &current).map(tested)
    }

    /// Of two samples, or of as many as the case has.
    fn of_samples(&self, test: AndersonDarling) -> Outcome {
        let Some(samples) = self.fields["input"]["samples"].as_array() else {
            return self.test(&test);
        };
        let sample = |values: &Value| {
            let values = values.as_array().into_iter().flatten();
            NumericSample::new(values.map(number))
        };
        let samples: Vec<NumericSample> = samples.iter().map(sample).collect();
        let samples: Vec<&NumericSample> = samples.iter().collect();
        test.of_samples(&samples).map(tested)
    }

    fn welch(&self) -> Outcome {
        let (reference, current) = (self.numeric("ref")?, self.numeric("cur")?);
        let test = Welch::default().null(NullDistribution::Asymptotic);
        let mut values = test.test(&reference, &current).map(tested)?;
        let freedom = Welch::degrees_of_freedom(&reference, &current)?;
        values.insert("df", vec![freedom]);
        Ok(values)
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
        Ok(values)
    }

    /// D, if the bracket of two profiles holds it and is as narrow as its grid promises, on every grid.
    fn bracket(&self) -> Outcome {
        let [reference, current] = ["ref", "cur"].map(|key| self.numeric(key));
        let (reference, current) = (reference?, current?);
        let exact = KolmogorovSmirnov::statistic(&reference, &current)?;
        let own = Grid::resolution_for(reference.len() as u64);
        let default = (own, NumericProfile::of(&reference)?);
        let mut profiles = vec![default];
        for resolution in RESOLUTIONS {
            let profile = NumericProfile::with_resolution(&reference, resolution)?;
            profiles.push((resolution, profile));
        }
        let least = reference.len().min(current.len()) as f64;
        let mut held = true;
        for (resolution, profile) in profiles {
            let bracket = profile.kolmogorov_smirnov(&profile.like(&current))?;
            let narrow = bracket.width() <= 2.0 / resolution as f64 + 2.0 / least;
            held &= narrow && bracket.contains(exact);
        }
        let value = if held { exact } else { f64::INFINITY };
        Ok(BTreeMap::from([("statistic_in", vec![value])]))
    }

    fn quantiles(&self) -> Outcome {
        let sample = self.numeric("x").or_else(|_| self.numeric("ref"))?;
        let shares = self.param("qs").as_array().unwrap();
        let value = |share: &serde_json::Value| {
            let quantile = share.as_f64().and_then(|share| sample.quantile(share));
            quantile.ok_or_else(|| mlops_core::Error::invalid("quantile undefined"))
        };
        let values = shares
            .iter()
            .map(value)
            .collect::<mlops_core::Result<_>>()?;
        Ok(BTreeMap::from([("q", values)]))
    }
}
