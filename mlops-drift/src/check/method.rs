use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use mlops_core::Result;
use mlops_core::evidence::{Distance, Interval};

use crate::divergence::{CramersV, Divergence, Psi, TotalVariation, Wasserstein};
use crate::profile::{Bracket, NumericProfile};
use crate::sample::{CategoricalSample, NumericSample};
use crate::two_sample::{ChiSquare, KolmogorovSmirnov, TestResult, TwoSampleTest};

/// The confidence of intervals for effects.
const CONFIDENCE: f64 = 0.95;

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
}

impl Method {
    /// The column as numbers (booleans as 0 and 1, times in their own unit).
    pub fn numeric(test: impl TwoSampleTest<NumericSample> + 'static) -> Self {
        Self(Test::Numeric(Arc::new(test)))
    }

    /// The column as categories: strings, booleans, integers.
    pub fn categorical(test: impl TwoSampleTest<CategoricalSample> + 'static) -> Self {
        Self(Test::Categorical(Arc::new(test)))
    }

    pub(super) fn is_numeric(&self) -> bool {
        matches!(self.0, Test::Numeric(_))
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_numeric() {
            "Method::numeric"
        } else {
            "Method::categorical"
        })
    }
}

/// Names of the effects that a column read in this way reports, the primary one first.
pub(super) fn measures(numeric: bool) -> &'static [&'static str] {
    if numeric {
        &["kolmogorov_smirnov", "wasserstein_sd", "psi"]
    } else {
        &["total_variation", "cramers_v"]
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
    effects.push(Psi::default().divergence(reference, current)?);
    Ok(effects)
}

pub(super) fn categorical_effects(
    reference: &CategoricalSample,
    current: &CategoricalSample,
) -> Result<Vec<Distance>> {
    Ok(vec![
        TotalVariation.divergence(reference, current)?,
        CramersV.divergence(reference, current)?,
    ])
}

/// The same of profiles: each effect at the end of its bracket that is sure, with the brackets.
pub(super) fn profile_effects(
    reference: &NumericProfile,
    current: &NumericProfile,
) -> Result<(Vec<Distance>, BTreeMap<String, Bracket>)> {
    let d = reference.kolmogorov_smirnov(current)?;
    let mut brackets = BTreeMap::from([("kolmogorov_smirnov".to_owned(), d)]);
    if let Ok(distance) = Wasserstein::default().bracket(reference, current) {
        brackets.insert("wasserstein_sd".to_owned(), distance);
    }
    let sure = brackets
        .iter()
        .map(|(measure, bracket)| Distance::new(bracket.low, measure));
    let mut effects = sure.collect::<Result<Vec<_>, _>>()?;
    effects.push(Psi::default().divergence(reference, current)?);
    Ok((effects, brackets))
}

/// Where D of the two laws lies at 95 %, from an interval that holds D of the samples: either empirical distribution function
/// is off by at most √(ln(4/0.05)/2n) anywhere, with probability 97.5 % (Massart, "The tight constant in the
/// Dvoretzky–Kiefer–Wolfowitz inequality", Annals of Probability 18, 1990).
pub(super) fn interval_of_d(held: Bracket, sizes: [usize; 2]) -> Result<Interval> {
    let radius = |size: usize| ((4.0 / (1.0 - CONFIDENCE)).ln() / (2.0 * size as f64)).sqrt();
    let radius: f64 = sizes.into_iter().map(radius).sum();
    let (low, high) = ((held.low - radius).max(0.0), (held.high + radius).min(1.0));
    Ok(Interval::new(low, high, CONFIDENCE)?)
}

pub(super) fn missing_test(reference: [u64; 2], current: [u64; 2]) -> TestResult {
    let table = crate::two_sample::contingency::Contingency::from_cells([
        [reference[0], current[0]],
        [reference[1], current[1]],
    ]);
    ChiSquare::default().test_table(&table)
}
