//! What is reported of two samples beside the test.

use std::collections::BTreeMap;

use mlops_core::Result;
use mlops_core::evidence::Distance;

use super::intervals::{self, Intervals};
use super::method::{categorical_effects, numeric_effects, profile_effects};
use crate::profile::{Bracket, NumericProfile};
use crate::report::Distribution;
use crate::sample::{CategoricalSample, NumericSample};

/// How far two samples are apart, surely and in truth, and a picture of both.
#[derive(Default)]
pub(super) struct Compared {
    pub(super) effects: Vec<Distance>,
    pub(super) intervals: Intervals,
    pub(super) brackets: BTreeMap<String, Bracket>,
    pub(super) distribution: Option<Distribution>,
}

impl Compared {
    pub(super) fn add_missing(&mut self, distance: f64, sizes: [usize; 2]) -> Result<()> {
        let name = "missing_share";
        self.effects.push(Distance::new(distance, name)?);
        let interval = intervals::of_shares(distance, sizes)?;
        self.intervals.insert(name.to_owned(), interval);
        Ok(())
    }

    pub(super) fn of_numbers(reference: &NumericSample, current: &NumericSample) -> Result<Self> {
        let effects = numeric_effects(reference, current)?;
        Ok(Self {
            intervals: intervals::of_numbers(reference, current, first(&effects))?,
            effects,
            distribution: Some(Distribution::of_numbers(reference, current)),
            ..Self::default()
        })
    }

    pub(super) fn of_categories(
        reference: &CategoricalSample,
        current: &CategoricalSample,
    ) -> Result<Self> {
        let effects = categorical_effects(reference, current)?;
        Ok(Self {
            intervals: intervals::of_categories(reference, current, first(&effects))?,
            effects,
            distribution: Some(Distribution::of_categories(reference, current)),
            ..Self::default()
        })
    }

    pub(super) fn of_profiles(
        reference: &NumericProfile,
        current: &NumericProfile,
    ) -> Result<Self> {
        let (effects, brackets) = profile_effects(reference, current)?;
        let d = brackets["kolmogorov_smirnov"];
        Ok(Self {
            intervals: intervals::of_profiles(reference, current, d)?,
            effects,
            brackets,
            distribution: Some(Distribution::of_profiles(reference, current)),
        })
    }

    /// D of the facet that differs most surely, and its picture.
    pub(super) fn of_facets(reference: &NumericProfile, current: &NumericProfile) -> Result<Self> {
        let bracket = reference.kolmogorov_smirnov(current)?;
        let mut intervals = intervals::of_profiles(reference, current, bracket)?;
        intervals.retain(|measure, _| measure == "kolmogorov_smirnov");
        Ok(Self {
            intervals,
            effects: vec![Distance::new(bracket.low, "kolmogorov_smirnov")?],
            brackets: BTreeMap::from([("kolmogorov_smirnov".to_owned(), bracket)]),
            distribution: Some(Distribution::of_profiles(reference, current)),
        })
    }
}

/// The primary effect.
fn first(effects: &[Distance]) -> f64 {
    effects.first().map_or(0.0, Distance::get)
}
