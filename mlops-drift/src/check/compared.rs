//! What is reported of two samples beside the test.

use std::collections::BTreeMap;

use mlops_core::Result;
use mlops_core::evidence::Distance;

use super::intervals::{self, Intervals};
use super::method::{MISSING_SHARE, categorical_effects, numeric_effects, profile_effects};
use super::unit_labels::UnitLabels;
use crate::profile::{Bracket, CategoricalProfile, NumericProfile};
use crate::report::{Distribution, Moved, Scale};
use crate::sample::{CategoricalSample, NumericSample};

/// How far two samples are apart, surely and in truth, and a picture of both.
#[derive(Default)]
pub(super) struct Compared {
    pub(super) effects: Vec<Distance>,
    pub(super) intervals: Intervals,
    pub(super) brackets: BTreeMap<String, Bracket>,
    pub(super) distribution: Option<Distribution>,
    pub(super) moved: Option<Moved>,
    /// Why a test can tell next to nothing of the values.
    pub(super) not_applicable: Option<String>,
}

impl Compared {
    pub(super) fn add_missing(&mut self, distance: f64, sizes: [usize; 2]) -> Result<()> {
        let name = MISSING_SHARE;
        self.effects.push(Distance::new(distance, name)?);
        let interval = intervals::of_shares(distance, sizes)?;
        self.intervals.insert(name.to_owned(), interval);
        Ok(())
    }

    pub(super) fn of_numbers(
        reference: &NumericSample,
        current: &NumericSample,
        scale: Scale,
    ) -> Result<Self> {
        let effects = numeric_effects(reference, current)?;
        Ok(Self {
            intervals: intervals::of_numbers(reference, current, first(&effects))?,
            effects,
            distribution: Some(Distribution::of_numbers_in(reference, current, scale)),
            moved: Moved::of_numbers(reference, current).map(|moved| moved.in_scale(scale)),
            ..Self::default()
        })
    }

    pub(super) fn of_categories(
        reference: &CategoricalSample,
        current: &CategoricalSample,
    ) -> Result<Self> {
        let sizes = [reference.len(), current.len()];
        Ok(Self {
            not_applicable: identifiers(reference, current),
            ..Self::of_labels(reference, current, sizes)?
        })
    }

    /// Of the rows of units that hold several labels each.
    pub(super) fn of_units(reference: &UnitLabels, current: &UnitLabels) -> Result<Self> {
        let sizes = [reference.equal_units(), current.equal_units()];
        let held = [reference, current].map(UnitLabels::held);
        Ok(Self {
            not_applicable: identifiers(&held[0], &held[1]),
            ..Self::of_labels(&reference.rows(), &current.rows(), sizes)?
        })
    }

    /// Of samples that say as much as so many independent labels.
    fn of_labels(
        reference: &CategoricalSample,
        current: &CategoricalSample,
        sizes: [usize; 2],
    ) -> Result<Self> {
        let effects = categorical_effects(reference, current)?;
        Ok(Self {
            intervals: intervals::of_categories(reference, current, sizes, first(&effects))?,
            effects,
            distribution: Some(Distribution::of_categories(reference, current)),
            moved: Some(Moved::of_categories(reference, current)),
            ..Self::default()
        })
    }

    /// Of labels that were grouped, the distance lies in a bracket, and the interval reaches as far: that no difference is seen says little.
    pub(super) fn of_category_profiles(
        reference: &CategoricalProfile,
        current: &CategoricalProfile,
    ) -> Result<Self> {
        let [x, y] = reference.samples(current);
        let mut compared = Self::of_categories(&x, &y)?;
        if reference.is_exact() && current.is_exact() {
            return Ok(compared);
        }
        let (measure, bracket) = ("total_variation", reference.total_variation(current)?);
        if let Some(interval) = compared.intervals.get_mut(measure) {
            *interval = intervals::reaching(interval, bracket.high)?;
        }
        compared.intervals.remove("cramers_v"); // that of the groups
        if let Some(of_groups) = compared
            .effects
            .iter()
            .find(|effect| effect.measure() == "cramers_v")
        {
            let of_labels = v_within(of_groups.get(), bracket.high, [x.len(), y.len()]);
            compared.brackets.insert("cramers_v".to_owned(), of_labels);
        }
        compared.brackets.insert(measure.to_owned(), bracket);
        compared.not_applicable.get_or_insert_with(|| {
            "labels are too many and compared by groups: one that gives way to others of its group is not seen".to_owned()
        });
        Ok(compared)
    }

    pub(super) fn of_profiles(
        reference: &NumericProfile,
        current: &NumericProfile,
        scale: Scale,
    ) -> Result<Self> {
        let (effects, brackets) = profile_effects(reference, current)?;
        let d = brackets["kolmogorov_smirnov"];
        Ok(Self {
            intervals: intervals::of_profiles(reference, current, d)?,
            effects,
            brackets,
            distribution: Some(Distribution::of_profiles(reference, current, scale)),
            moved: Moved::of_profiles(reference, current).map(|moved| moved.in_scale(scale)),
            ..Self::default()
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
            distribution: Some(Distribution::of_profiles(
                reference,
                current,
                Scale::Numbers,
            )),
            moved: Moved::of_profiles(reference, current),
            ..Self::default()
        })
    }
}

/// Where V of labels lies, from that of their groups, which can only be less, and from the greatest total variation: each of its terms
/// (p − q)²/(share in both) is at most |p − q|·(n + m)/min(n, m).
fn v_within(of_groups: f64, total_variation: f64, [n, m]: [usize; 2]) -> Bracket {
    let larger = n.max(m) as f64 / (n + m) as f64;
    let high = (2.0 * larger * total_variation).sqrt().min(1.0);
    Bracket {
        low: of_groups,
        high: high.max(of_groups),
    }
}

/// The reason why categories of which hardly any occurs twice cannot be compared: any table of new ones looks like any other. Fewer values
/// than a tenth of the smaller sample repeat another; both samples together decide, so that the level is not touched.
fn identifiers(reference: &CategoricalSample, current: &CategoricalSample) -> Option<String> {
    let new = current
        .counts()
        .filter(|(label, _)| reference.count(label) == 0);
    let distinct = reference.counts().count() + new.count();
    let values = reference.len() + current.len();
    let repeats = values - distinct;
    (10 * repeats < reference.len().min(current.len())).then(|| {
        format!("{distinct} of {values} values are distinct, as identifiers are, and shares of single values cannot be compared; texts can, by the method `texts`")
    })
}

/// The primary effect.
fn first(effects: &[Distance]) -> f64 {
    effects.first().map_or(0.0, Distance::get)
}
