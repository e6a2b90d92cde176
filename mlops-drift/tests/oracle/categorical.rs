//! Two samples of categories.

use std::collections::{BTreeMap, BTreeSet};

use mlops_drift::CategoricalSample;
use mlops_drift::divergence::{
    Divergence, Evidently, Hellinger, JensenShannon, LInfinity, LogBase, TotalVariation,
};
use mlops_drift::two_sample::{
    ChiSquare, FisherExact, GTest, NullDistribution, TwoProportions, TwoSampleTest,
};

use crate::case::{Case, Outcome, measured, tested};

pub(crate) fn outcome(case: &Case, function: &str) -> Option<Outcome> {
    let asymptotic = NullDistribution::Asymptotic;
    let chi_square = |test: ChiSquare| case.table(&test.null(asymptotic));
    Some(match function {
        "chi2/pearson" => chi_square(ChiSquare::default()),
        "chi2/yates" => chi_square(ChiSquare::default().yates()),
        "g_test/plain" => case.table(&GTest::default().null(asymptotic)),
        "fisher/two_sided" => case.odds_ratio(),
        "prop_z/pooled" => case.categories(&TwoProportions::default().null(asymptotic)),
        "tv/plain" => case.category_distance(&TotalVariation::default()),
        "linf/plain" => case.category_distance(&LInfinity::default()),
        "js/distance_2" => case.category_distance(&JensenShannon::default()),
        "js/distance_e" => case.category_distance(&JensenShannon::default().base(LogBase::E)),
        "hellinger/plain" => case.category_distance(&Hellinger::default()),
        "psi/evidently_categorical" => case.category_distance(&Evidently::Psi),
        "kl/evidently_categorical" => case.category_distance(&Evidently::KullbackLeibler),
        "unseen/share" => case.unseen(),
        _ => return None,
    })
}

impl Case {
    fn categories(&self, test: &dyn TwoSampleTest<CategoricalSample>) -> Outcome {
        let (reference, current) = (self.categorical("ref"), self.categorical("cur"));
        test.test(&reference, &current).map(tested)
    }

    /// A test of a contingency table, with the table's own figures.
    fn table(&self, test: &dyn TwoSampleTest<CategoricalSample>) -> Outcome {
        let [x, y] = ["ref", "cur"].map(|key| self.categorical(key));
        let labels: BTreeSet<&str> = [&x, &y]
            .iter()
            .flat_map(|sample| sample.counts())
            .map(|(label, _)| label)
            .collect();
        let rarest = labels.iter().map(|label| x.count(label) + y.count(label));
        let rarest = rarest.min().unwrap_or(0) as f64;
        let least = x.len().min(y.len()) as f64 / (x.len() + y.len()) as f64;
        let mut values = self.categories(test)?;
        values.insert("dof", vec![labels.len() as f64 - 1.0]);
        values.insert("min_expected", vec![rarest * least]);
        Ok(values)
    }

    fn unseen(&self) -> Outcome {
        let unseen = self.categorical("cur").unseen(&self.categorical("ref"))?;
        Ok(BTreeMap::from([
            ("unseen_share", vec![unseen.share]),
            ("new_categories", vec![unseen.categories as f64]),
        ]))
    }

    fn odds_ratio(&self) -> Outcome {
        let (reference, current) = (self.categorical("ref"), self.categorical("cur"));
        let result = FisherExact.test(&reference, &current)?;
        Ok(BTreeMap::from([
            ("odds_ratio", vec![result.statistic]),
            ("pvalue", vec![result.p_value.get()]),
        ]))
    }

    fn category_distance(&self, measure: &dyn Divergence<CategoricalSample>) -> Outcome {
        let (reference, current) = (self.categorical("ref"), self.categorical("cur"));
        measure.divergence(&reference, &current).map(measured)
    }
}
