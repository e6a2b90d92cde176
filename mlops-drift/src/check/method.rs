use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use mlops_core::Result;
use mlops_core::evidence::Distance;

use crate::divergence::{CramersV, Divergence, Psi, TotalVariation, Wasserstein};
use crate::profile::{Bracket, NumericProfile};
use crate::sample::{CategoricalSample, NumericSample};
use crate::two_sample::{ChiSquare, KolmogorovSmirnov, TestResult, TwoSampleTest};

/// How a column is read and tested.
///
/// ```
/// use mlops_drift::check::Method;
/// use mlops_drift::divergence::Psi;
/// use mlops_drift::two_sample::ChiSquare;
///
/// let by_deciles = Method::numeric(Psi::default());
/// let integer_codes = Method::categorical(ChiSquare::default()); // on an integer column
/// # let _ = (by_deciles, integer_codes);
/// ```
#[derive(Clone)]
pub struct Method(pub(super) Test);

#[derive(Clone)]
pub(super) enum Test {
    Numeric(Arc<dyn TwoSampleTest<NumericSample>>),
    Categorical(Arc<dyn TwoSampleTest<CategoricalSample>>),
    /// By facets: of texts if told so, otherwise as the column's type has it.
    Facets,
}

impl Method {
    /// The column as numbers (booleans as 0 and 1, times in their own unit). A test by permutation has a least p-value, 1 in 10,000 unless
    /// [set](crate::two_sample::Permutations::limit): beside some hundreds of columns, or in a [monitor](super::DriftMonitor), no drift reaches far enough,
    /// and the column is [undecided](crate::report::Finding::undecided), or the window, where it may have.
    pub fn numeric(test: impl TwoSampleTest<NumericSample> + 'static) -> Self {
        Self(Test::Numeric(Arc::new(test)))
    }

    /// The column as categories: strings, booleans, integers.
    pub fn categorical(test: impl TwoSampleTest<CategoricalSample> + 'static) -> Self {
        Self(Test::Categorical(Arc::new(test)))
    }

    /// The column as texts, by Kolmogorov and Smirnov's test of each [facet](crate::profile::FacetProfile): the least p-value times the number
    /// of facets. What a column of more than 1,000 distinct strings, most of them of several words, gets by default. Facets are averaged in each [unit](crate::DriftCheck::unit).
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, RecordBatch, StringArray};
    /// use mlops_drift::{DriftCheck, check::Method};
    /// let reviews = |text: &str| {
    ///     let column = (0..100).map(|i| format!("{text} {}", "again ".repeat(i % 7))).collect::<Vec<_>>();
    ///     RecordBatch::try_from_iter([("review", std::sync::Arc::new(StringArray::from(column)) as ArrayRef)])
    /// };
    /// let check = DriftCheck::against(&reviews("good")?).method("review", Method::texts());
    /// let report = check.run(&reviews("a long story that ends badly")?)?;
    /// assert!(report.verdict.drifted);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn texts() -> Self {
        Self(Test::Facets)
    }

    pub(super) fn is_numeric(&self) -> bool {
        matches!(self.0, Test::Numeric(_))
    }

    /// Whether the column is compared by what a profile of it tells, even if rows are at hand.
    pub(super) fn is_by_facets(&self) -> bool {
        matches!(self.0, Test::Facets)
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Test::Numeric(test) => write!(f, "Method::numeric({test:?})"),
            Test::Categorical(test) => write!(f, "Method::categorical({test:?})"),
            Test::Facets => f.write_str("Method::texts"),
        }
    }
}

/// The measure of a change of the missing share, which every column reports that misses a value.
pub(crate) const MISSING_SHARE: &str = "missing_share";

/// Names of the effects that a column read in this way reports, the primary one first.
pub(super) fn measures(method: &Method) -> &'static [&'static str] {
    match method.0 {
        Test::Numeric(_) => &["kolmogorov_smirnov", "wasserstein_sd", "psi"],
        Test::Categorical(_) => &["total_variation", "cramers_v"],
        Test::Facets => &["kolmogorov_smirnov"],
    }
}

pub(super) fn numeric_effects(
    reference: &NumericSample,
    current: &NumericSample,
) -> Result<Vec<Distance>> {
    let d = KolmogorovSmirnov::statistic(reference, current)?;
    let mut effects = vec![Distance::new(d, "kolmogorov_smirnov")?];
    // Undefined for infinite values or a constant reference: D and PSI stand alone then.
    effects.extend(Wasserstein::default().divergence(reference, current).ok());
    let psi = Psi::default();
    if psi.tells_nothing(reference).is_none() {
        effects.push(psi.divergence(reference, current)?);
    }
    Ok(effects)
}

pub(super) fn categorical_effects(
    reference: &CategoricalSample,
    current: &CategoricalSample,
) -> Result<Vec<Distance>> {
    Ok(vec![
        TotalVariation::default().divergence(reference, current)?,
        CramersV::default().divergence(reference, current)?,
    ])
}

/// The same of profiles: each effect at the end of its bracket that is sure, with the brackets.
pub(super) fn profile_effects(
    reference: &NumericProfile,
    current: &NumericProfile,
) -> Result<(Vec<Distance>, BTreeMap<String, Bracket>)> {
    let d = reference.kolmogorov_smirnov(current)?;
    let mut brackets = BTreeMap::from([("kolmogorov_smirnov".to_owned(), d)]);
    let distance = Wasserstein::default().bracket(reference, current).ok();
    if let Some(distance) = distance.filter(|distance| distance.high.is_finite()) {
        brackets.insert("wasserstein_sd".to_owned(), distance);
    }
    let sure = brackets
        .iter()
        .map(|(measure, bracket)| Distance::new(bracket.low, measure));
    let mut effects = sure.collect::<Result<Vec<_>, _>>()?;
    if !reference.grid().bins().is_empty() {
        // Exact: its bins end at cuts of the grid.
        let psi = Psi::default().divergence(reference, current)?;
        let at = Bracket {
            low: psi.get(),
            high: psi.get(),
        };
        brackets.insert("psi".to_owned(), at);
        effects.push(psi);
    }
    Ok((effects, brackets))
}

pub(super) fn missing_test(reference: [u64; 2], current: [u64; 2]) -> TestResult {
    let table = crate::two_sample::contingency::Contingency::from_cells([
        [reference[0], current[0]],
        [reference[1], current[1]],
    ]);
    ChiSquare::default().test_table(&table)
}
