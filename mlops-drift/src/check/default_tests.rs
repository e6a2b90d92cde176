//! The tests of a column that was told of none, by its type and by what is known of it.

use mlops_core::evidence::{PValue, SignificanceLevel};
use mlops_core::{Error, ErrorKind, Result};

use super::column::read_in_two_ways;
use super::compared::Compared;
use super::method::{Method, missing_test};
use super::observed::Missing;
use super::source::ColumnType;
use crate::profile::{self, FacetProfile, NumericProfile, Values};
use crate::report::Scale;
use crate::sample::ColumnKind;
use crate::two_sample::{
    CalibrationConditional, ChiSquare, KolmogorovSmirnov, Resolution, TestResult, TwoSampleTest,
};

/// The default test of two profiles of one column, on average over references, or the reason why it would tell nothing.
pub(crate) fn default_test(
    reference: &Values,
    current: &Values,
) -> Result<std::result::Result<TestResult, String>> {
    let (result, compared) =
        DefaultTests::of(None, 1).profiles(reference, current, Scale::Numbers)?;
    Ok(compared.not_applicable.map_or(Ok(result), Err))
}

/// On average over references, or for the reference at hand.
#[derive(Clone, Copy)]
pub(super) struct DefaultTests {
    conditional: Option<CalibrationConditional>,
}

impl DefaultTests {
    /// For so many columns. Each has two hypotheses, on its values and on what is missing of them, which share the risk of an odd reference.
    pub(super) fn of(reference_risk: Option<SignificanceLevel>, columns: usize) -> Self {
        let test = |risk| CalibrationConditional::new(risk).shared_by(2 * columns);
        Self {
            conditional: reference_risk.map(test),
        }
    }

    /// The method for rows of this type.
    pub(super) fn method(self, data_type: &ColumnType) -> Result<Method> {
        match (data_type.kind, self.conditional) {
            (ColumnKind::Numeric | ColumnKind::Temporal, None) => {
                Ok(Method::numeric(KolmogorovSmirnov::default()))
            }
            (ColumnKind::Numeric | ColumnKind::Temporal, Some(test)) => Ok(Method::numeric(test)),
            (ColumnKind::Categorical, None) => Ok(Method::categorical(ChiSquare::default())),
            (ColumnKind::Categorical, Some(test)) => Ok(Method::categorical(test)),
            (ColumnKind::Embedding, _) => Ok(Method::texts()),
            (ColumnKind::Null | ColumnKind::Unsupported, _) => Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "cannot compare {}: select the other columns by name",
                    data_type.name
                ),
            )),
        }
    }

    /// Profiles of a column.
    pub(super) fn profiles(
        self,
        reference: &Values,
        current: &Values,
        scale: Scale,
    ) -> Result<(TestResult, Compared)> {
        match (reference, current) {
            (Values::Numeric(reference), Values::Numeric(current)) => Ok((
                self.numbers(reference, current)?,
                Compared::of_profiles(reference, current, scale)?,
            )),
            (Values::Categorical(reference), Values::Categorical(current)) => {
                let [x, y] = reference.samples(current);
                let mut result = match self.conditional {
                    Some(test) => test.test(&x, &y)?,
                    None => ChiSquare::default().test(&x, &y)?,
                };
                if !reference.is_exact() || !current.is_exact() {
                    result.method += " of groups of labels, which are too many";
                }
                let compared = Compared::of_category_profiles(reference, current)?;
                Ok((result, compared))
            }
            (Values::Facets(reference), Values::Facets(current)) => self.facets(reference, current),
            _ => Err(profile::read_in_two_ways()),
        }
    }

    fn numbers(self, reference: &NumericProfile, current: &NumericProfile) -> Result<TestResult> {
        match self.conditional {
            Some(test) => test.test(reference, current),
            None => KolmogorovSmirnov::default().test(reference, current),
        }
    }

    /// Every facet, by Bonferroni: the least p-value times their number.
    fn facets(
        self,
        reference: &FacetProfile,
        current: &FacetProfile,
    ) -> Result<(TestResult, Compared)> {
        reference.require_like(current)?;
        let facets = reference.facets().count();
        let each = Self {
            conditional: self.conditional.map(|test| test.shared_by(facets)),
        };
        let pairs = reference.facets().zip(current.facets());
        let tested = pairs.map(|((name, reference), (_, current))| {
            let result = each.numbers(reference, current)?;
            Ok((result, name, reference, current))
        });
        let tested = tested.collect::<Result<Vec<_>>>()?;
        let resolution = Resolution::of_least(tested.iter().map(|(result, ..)| result.resolution));
        let least = tested
            .into_iter()
            .min_by(|(a, ..), (b, ..)| a.p_value.get().total_cmp(&b.p_value.get()));
        let (result, name, reference, current) = least.ok_or_else(read_in_two_ways)?;
        let of_all = |p: PValue| PValue::saturating(p.get() * facets as f64);
        let result = TestResult {
            method: format!("{} of {name}, one of {facets} facets", result.method),
            p_value: of_all(result.p_value),
            resolution: resolution.map(|resolution| resolution.map(of_all)),
            ..result
        };
        Ok((result, Compared::of_facets(reference, current)?))
    }

    /// What no p-value of the facets of samples of these sizes can be less than.
    pub(super) fn least_of_facets(self, facets: usize, sizes: [usize; 2]) -> f64 {
        let each = Self {
            conditional: self.conditional.map(|test| test.shared_by(facets)),
        };
        (each.least_of_numbers(sizes) * facets as f64).min(1.0)
    }

    /// The same of numbers.
    pub(super) fn least_of_numbers(self, sizes: [usize; 2]) -> f64 {
        let test: &dyn TwoSampleTest<NumericProfile> = match &self.conditional {
            Some(test) => test,
            None => &KolmogorovSmirnov::default(),
        };
        test.least_p_value(sizes)
    }

    /// What no p-value of missing shares of samples of these sizes can be less than.
    pub(super) fn least_of_missing(self, reference: &Missing, current: &Missing) -> PValue {
        let sizes = [reference.len(), current.len()];
        PValue::saturating(match (reference, self.conditional) {
            (Missing::Rows(_), None) => ChiSquare::default().least_p_value(sizes),
            _ => self.least_of_numbers(sizes),
        })
    }

    /// The test of "as many are missing", if any is.
    pub(super) fn missing(
        self,
        reference: &Missing,
        current: &Missing,
    ) -> Result<Option<TestResult>> {
        if reference.share() == 0.0 && current.share() == 0.0 {
            return Ok(None);
        }
        let result = match (reference, current, self.conditional) {
            (Missing::Units(reference), Missing::Units(current), None) => {
                KolmogorovSmirnov::default().test(reference, current)?
            }
            (Missing::Units(reference), Missing::Units(current), Some(test)) => {
                test.test(reference, current)?
            }
            (Missing::Rows(reference), Missing::Rows(current), None) => {
                missing_test(*reference, *current)
            }
            (Missing::Rows(reference), Missing::Rows(current), Some(test)) => {
                test.test_shares(*reference, *current)
            }
            _ => return Err(read_in_two_ways()),
        };
        Ok(Some(result))
    }
}
