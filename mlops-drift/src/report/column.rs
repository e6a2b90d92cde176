use std::collections::BTreeMap;

use mlops_core::evidence::{Distance, Interval, PValue};
use serde::{Deserialize, Serialize};

use super::{Distribution, Moved, SchemaChange, version};
use crate::check::MISSING_SHARE;
use crate::profile::Bracket;
use crate::serial::{Neighbours, SerialCorrelation};
use crate::two_sample::{Resolution, TestResult};

/// The verdict on one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnVerdict {
    /// No evidence of a difference.
    Stable,
    /// The values could not be tested, since one side has none or both so few that nothing could be told whatever they are, or a test can tell next
    /// to nothing of them, or permutations [cannot show](Finding::undecided) the level; nothing else was conspicuous.
    Untested,
    /// One of the tables lacks the column, or has it as another type: nothing was tested, and nothing is concluded.
    NotCompared,
    /// Significantly different after correction, but by less than the minimum effect, or [perhaps](ColumnReport::materiality_undecided) by more.
    Drifted,
    /// Significantly different after correction, by at least the minimum effect. Where none is declared every drift is.
    Material,
}

impl ColumnVerdict {
    /// The name in `snake_case`.
    ///
    /// ```
    /// assert_eq!(mlops_drift::report::ColumnVerdict::Material.as_str(), "material");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Untested => "untested",
            Self::NotCompared => "not_compared",
            Self::Drifted => "drifted",
            Self::Material => "material",
        }
    }

    /// For a reader. Drift is material only where a minimum effect was declared for some column of the table.
    fn in_words(self, has_minimums: bool) -> &'static str {
        match self {
            Self::NotCompared => "not compared",
            Self::Material if !has_minimums => Self::Drifted.as_str(),
            verdict => verdict.as_str(),
        }
    }

    /// Whether the column drifted, materially or not.
    pub fn is_drift(self) -> bool {
        self >= Self::Drifted
    }
}

/// One tested hypothesis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// `<column>` for the values, `<column>:missing` for the missing share.
    pub hypothesis: String,
    /// The test and its null distribution.
    pub method: String,
    /// The test statistic; some are infinite, such as an odds ratio, and are text in JSON then.
    #[serde(with = "version::float")]
    pub statistic: f64,
    /// The p-value of this test alone.
    pub p_value: PValue,
    /// The p-value corrected for the number of tests.
    pub adjusted_p_value: PValue,
    /// Whether the adjusted p-value is at most the level.
    pub rejected: bool,
    /// What no p-value of samples of these sizes can be less than; 0 where nothing is known.
    #[serde(default = "any", skip_serializing_if = "is_any")]
    pub least_p_value: PValue,
    /// How finely permutations told the p-value; `None` where a law did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// Whether the permutations behind it cannot show if it would be rejected, see [`Resolution`]: that it is not tells nothing then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undecided: bool,
}

fn any() -> PValue {
    PValue::saturating(0.0)
}

fn is_any(least: &PValue) -> bool {
    least.get() == 0.0
}

/// What was found in one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnReport {
    /// The column's name.
    pub column: String,
    /// The verdict.
    pub verdict: ColumnVerdict,
    /// The test of the values; `None` if one side has none.
    pub value: Option<Finding>,
    /// The test of the missing share; `None` if nothing is missing.
    pub missing: Option<Finding>,
    /// How large the difference is, by several measures.
    pub effects: Vec<Distance>,
    /// Where profiles stand in for rows: the intervals that surely hold the exact effects, of which `effects` tells
    /// the lower ends. A verdict rests on these.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub brackets: BTreeMap<String, Bracket>,
    /// Where the effects of the laws themselves lie, not of the samples, each at 95 % and for independent values of any law: `kolmogorov_smirnov`,
    /// `wasserstein_sd` (of the laws clamped to the range of the samples, in standard deviations of the reference's sample), `total_variation` (its
    /// lower end supposes that there are no labels beyond those seen), `missing_share`. Approximate, by a noncentral chi-square law, and only where every
    /// cell holds at least 5 values in both samples: `psi` (in the bins of the reference's sample) and `cramers_v` (of labels that are no groups, nor vary
    /// within units), measured to miss in up to 7 % (`GUARANTEES.md`, coverage).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub intervals: BTreeMap<String, Interval>,
    /// The smallest effects that matter, where declared: of the values, each of which must be reached, and of the missing share.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub minimum_effects: Vec<Distance>,
    /// Whether drift may reach the minimum effect, and may not: the exact effect is known to lie in one of the `brackets` alone, and the minimum lies
    /// inside. The verdict is [`Drifted`](ColumnVerdict::Drifted) then, by the lower ends, but nothing is concluded of whether that matters.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub materiality_undecided: bool,
    /// Why a test can tell next to nothing of the values, where that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_applicable: Option<String>,
    /// Why the column was not compared, where that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_change: Option<SchemaChange>,
    /// What to know of how the values were compared, such as that the type of these numbers changed, or that some have more digits than a float
    /// and were rounded. No verdict rests on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What the column held before, and holds now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<Moved>,
    /// The unit that the rows were aggregated to.
    pub unit: Option<String>,
    /// Values (or units) of the reference that entered the test.
    pub reference_size: usize,
    /// Values (or units) of the current table that entered the test.
    pub current_size: usize,
    /// Infinite ones among those of the reference: the least or the greatest of numbers.
    #[serde(default, skip_serializing_if = "is_none_of_them")]
    pub reference_infinite: usize,
    /// Infinite ones among those of the current table.
    #[serde(default, skip_serializing_if = "is_none_of_them")]
    pub current_infinite: usize,
    /// Whether the missing shares are not known, and 0 below: of a column that a profile leaves out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub missing_unknown: bool,
    /// The missing share in the reference, in \[0, 1].
    pub reference_missing: f64,
    /// The missing share in the current table, in \[0, 1].
    pub current_missing: f64,
    /// How much neighbouring rows, or units, resemble each other, in the table in which they do so the more surprisingly; `None` where both are profiles,
    /// of which nobody can tell, and below 20 values in both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_correlation: Option<SerialCorrelation>,
    /// The same of what they miss; `None` too where nothing is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_serial_correlation: Option<SerialCorrelation>,
    /// In plain language.
    pub reason: String,
    /// Shares per bin or category, for a picture.
    pub distribution: Option<Distribution>,
}

fn is_none_of_them(count: &usize) -> bool {
    *count == 0
}

impl Finding {
    pub(crate) fn new(hypothesis: String, result: TestResult) -> Self {
        Self {
            hypothesis,
            method: result.method,
            statistic: result.statistic,
            p_value: result.p_value,
            adjusted_p_value: result.p_value,
            rejected: false,
            least_p_value: any(),
            resolution: result.resolution,
            undecided: false,
        }
    }
}

fn rejects(finding: &Option<Finding>) -> bool {
    finding.as_ref().is_some_and(|finding| finding.rejected)
}

/// A compared column before the correction.
pub(crate) struct ReportedColumn {
    pub(crate) value: Option<Finding>,
    pub(crate) missing: Option<Finding>,
    pub(crate) report: ColumnReport,
}

impl ReportedColumn {
    /// Its report with what was found, not corrected yet.
    pub(super) fn into_report(self) -> ColumnReport {
        ColumnReport {
            value: self.value,
            missing: self.missing,
            ..self.report
        }
    }

    /// A column that no test was made of.
    pub(crate) fn without_test(report: ColumnReport) -> Self {
        Self {
            value: None,
            missing: None,
            report,
        }
    }

    /// A column that the reference lacks.
    pub(crate) fn new_column(column: &str) -> Self {
        Self::without_test(ColumnReport {
            schema_change: Some(SchemaChange::ColumnNew),
            ..ColumnReport::new(column)
        })
    }

    /// A column that cannot be compared, whatever the current table.
    pub(crate) fn not_applicable(column: &str, why: &str) -> Self {
        Self::without_test(ColumnReport {
            not_applicable: Some(format!("not applicable: {why}")),
            missing_unknown: true,
            ..ColumnReport::new(column)
        })
    }
}

impl ColumnReport {
    pub(crate) fn new(column: &str) -> Self {
        Self {
            column: column.to_owned(),
            verdict: ColumnVerdict::Untested,
            value: None,
            missing: None,
            effects: Vec::new(),
            brackets: BTreeMap::new(),
            intervals: BTreeMap::new(),
            minimum_effects: Vec::new(),
            materiality_undecided: false,
            not_applicable: None,
            schema_change: None,
            notes: Vec::new(),
            moved: None,
            unit: None,
            reference_size: 0,
            current_size: 0,
            reference_infinite: 0,
            current_infinite: 0,
            missing_unknown: false,
            reference_missing: 0.0,
            current_missing: 0.0,
            serial_correlation: None,
            missing_serial_correlation: None,
            reason: String::new(),
            distribution: None,
        }
    }

    /// The effect in this measure.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// let report = mlops_drift::DriftCheck::against(&table).run(&table)?;
    /// assert_eq!(report.columns[0].effect("wasserstein_sd").map(|d| d.get()), Some(0.0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn effect(&self, measure: &str) -> Option<&Distance> {
        self.effects
            .iter()
            .find(|effect| effect.measure() == measure)
    }

    /// The least adjusted p-value of the column, 1 if nothing was tested.
    pub fn adjusted_p_value(&self) -> PValue {
        let least = self
            .findings()
            .map(|finding| finding.adjusted_p_value.get());
        PValue::saturating(least.fold(1.0, f64::min))
    }

    /// The tested hypotheses: values, then missing share.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.value.iter().chain(&self.missing)
    }

    /// The effects of the samples, each with where that of the laws lies.
    pub(super) fn effects_in_words(&self) -> String {
        let effects = self.effects.iter();
        let told = effects.map(|effect| match self.intervals.get(effect.measure()) {
            Some(interval) => {
                let [low, high] = [interval.low(), interval.high()].map(|end| decimals(end, 3));
                format!("{} [{low}, {high}]", in_words(effect))
            }
            None => in_words(effect),
        });
        told.collect::<Vec<_>>().join(", ")
    }

    pub(super) fn p_value_in_words(&self) -> String {
        match self.schema_change {
            Some(_) => "–".to_owned(),
            None => short(self.adjusted_p_value().get()),
        }
    }

    pub(super) fn missing_in_words(&self) -> String {
        if self.schema_change.is_some() || self.missing_unknown {
            return "–".to_owned();
        }
        let [before, now] =
            [self.reference_missing, self.current_missing].map(|share| share * 100.0);
        format!("{before:.1} % → {now:.1} %")
    }

    pub(super) fn conclude(&mut self) {
        self.verdict = self.conclusion();
        self.materiality_undecided =
            self.verdict == ColumnVerdict::Drifted && self.is_material(Self::greatest_effect);
        self.reason = self.explanation();
    }

    fn conclusion(&self) -> ColumnVerdict {
        if self.schema_change.is_some() {
            return ColumnVerdict::NotCompared;
        }
        if self.is_material(Self::least_effect) {
            ColumnVerdict::Material
        } else if self.findings().any(|finding| finding.rejected) {
            ColumnVerdict::Drifted
        } else if self.value.is_none()
            || self.not_applicable.is_some()
            || self.findings().any(|finding| finding.undecided)
        {
            ColumnVerdict::Untested
        } else {
            ColumnVerdict::Stable
        }
    }

    fn minimums_of_values(&self) -> impl Iterator<Item = &Distance> {
        let minimums = self.minimum_effects.iter();
        minimums.filter(|least| least.measure() != MISSING_SHARE)
    }

    fn minimum_of_missing(&self) -> impl Iterator<Item = &Distance> {
        let minimums = self.minimum_effects.iter();
        minimums.filter(|least| least.measure() == MISSING_SHARE)
    }

    /// Whether what is significantly different is so by at least its minimum effects, if the effects are these.
    fn is_material(&self, effect: fn(&Self, &str) -> Option<f64>) -> bool {
        let reached = |least: &Distance| self.reaches(least, effect);
        self.are_material(effect)
            || rejects(&self.missing) && self.minimum_of_missing().all(reached)
    }

    /// The same of the values alone.
    fn are_material(&self, effect: fn(&Self, &str) -> Option<f64>) -> bool {
        let reached = |least: &Distance| self.reaches(least, effect);
        rejects(&self.value) && self.minimums_of_values().all(reached)
    }

    /// None is reached always. An effect that is undefined (infinite) reaches every minimum; PSI, of one bin, perhaps.
    fn reaches(&self, least: &Distance, effect: fn(&Self, &str) -> Option<f64>) -> bool {
        effect(self, least.measure()).is_none_or(|effect| effect >= least.get())
    }

    fn least_effect(&self, measure: &str) -> Option<f64> {
        let known = self.effect(measure).map(Distance::get);
        known.or(self.tells_nothing(measure).then_some(0.0))
    }

    /// Whether the measure is undefined for want of bins, and says nothing of how far the values differ.
    fn tells_nothing(&self, measure: &str) -> bool {
        measure == "psi" && self.effect(measure).is_none()
    }

    /// As far as is known: the upper end of a bracket.
    fn greatest_effect(&self, measure: &str) -> Option<f64> {
        let least = self.effect(measure)?.get();
        let bracket = self.brackets.get(measure);
        Some(bracket.map_or(least, |bracket| bracket.high.max(least)))
    }

    /// The verdict for a reader.
    pub(crate) fn verdict_in_words(&self, has_minimums: bool) -> &'static str {
        match self.materiality_undecided {
            true => "drifted, materially or not",
            false => self.verdict.in_words(has_minimums),
        }
    }

    fn explanation(&self) -> String {
        if let Some(change) = &self.schema_change {
            return format!("not compared: {change}");
        }
        let mut sentences = Vec::new();
        sentences.extend(self.not_applicable.clone());
        match &self.value {
            Some(finding) => sentences.push(self.about_values(finding)),
            None if self.not_applicable.is_some() => {}
            None => sentences.push(format!(
                "the values cannot be compared: {} in the reference, {} in the current table",
                self.reference_size, self.current_size
            )),
        }
        let missing = self.missing.as_ref();
        let missing = missing.map(|finding| (finding.rejected, self.about_missing(finding)));
        match missing {
            // What the verdict rests on comes first.
            Some((true, told)) if !self.value.as_ref().is_some_and(|value| value.rejected) => {
                sentences.insert(0, told)
            }
            Some((_, told)) => sentences.push(told),
            None => {}
        }
        sentences.extend(self.about_infinite());
        let open = self
            .brackets
            .iter()
            .filter(|(_, bracket)| bracket.high - bracket.low >= 5e-5);
        sentences.extend(open.map(|(measure, bracket)| {
            format!(
                "{measure} lies surely in [{}, {}]",
                figure(bracket.low),
                figure(bracket.high)
            )
        }));
        sentences.extend(self.about_materiality());
        sentences.extend(self.about_material_missing());
        sentences.extend(self.about_dependence());
        sentences.extend(self.notes.iter().cloned());
        sentences.join("; ")
    }

    /// Where it is undecided: which minimum effects lie in which brackets, or are in a measure that tells nothing.
    fn about_materiality(&self) -> Option<String> {
        let open = self.minimum_effects.iter().filter_map(|least| {
            let measure = least.measure();
            if self.tells_nothing(measure) {
                return Some(format!("{measure} has one bin, and tells nothing"));
            }
            let bracket = self.brackets.get(measure)?;
            let is_inside = bracket.low < least.get() && least.get() <= bracket.high;
            let least = figure(least.get());
            is_inside.then(|| format!("the minimum {least} in {measure} lies between these ends"))
        });
        let open: Vec<String> = open.collect();
        let told = || {
            format!(
                "whether that is material is undecided, since {}",
                open.join(", ")
            )
        };
        self.materiality_undecided.then(told)
    }

    /// Where the values differ by less than their minimum, and the column is material all the same.
    fn about_material_missing(&self) -> Option<String> {
        let has_minimum = self.minimums_of_values().next().is_some();
        let by_values = self.are_material(Self::least_effect);
        let is_odd = self.verdict == ColumnVerdict::Material && has_minimum && !by_values;
        let told = match self.minimum_of_missing().next() {
            Some(_) => "material by the share of missing values",
            None => "material by the share of missing values, which has no minimum",
        };
        is_odd.then(|| told.to_owned())
    }

    fn about_values(&self, finding: &Finding) -> String {
        let verb = match (finding.rejected, &self.not_applicable) {
            (true, _) => "the values differ from the reference",
            (false, Some(_)) => "nothing is concluded of the values",
            (false, None) if finding.undecided => "whether the values differ is not shown",
            (false, None) => "no evidence that the values differ",
        };
        let mut effects: Vec<String> = self
            .minimums_of_values()
            .map(|least| self.against(least))
            .collect();
        if let (true, Some(effect)) = (effects.is_empty(), self.effects.first()) {
            effects.push(in_words(effect));
        }
        let told: Vec<String> = std::iter::once(p_text(finding)).chain(effects).collect();
        let moved = self.moved.as_ref().filter(|_| finding.rejected);
        let moved = moved.map(|moved| format!(", {moved}")).unwrap_or_default();
        format!("{verb} ({}){moved}", told.join(", "))
    }

    fn against(&self, least: &Distance) -> String {
        match self.effect(least.measure()) {
            Some(effect) => format!(
                "{} against a minimum of {}",
                in_words(effect),
                figure(least.get())
            ),
            None => format!("{} undefined", least.measure()),
        }
    }

    /// Of the values, and of what is missing.
    fn about_dependence(&self) -> impl Iterator<Item = String> + use<> {
        let of_values = Neighbours::by(self.unit.as_deref());
        let of_missing = Neighbours {
            of: "in what they miss, ",
            ..of_values
        };
        let both = [
            (self.serial_correlation, of_values),
            (self.missing_serial_correlation, of_missing),
        ];
        both.into_iter()
            .filter_map(|(serial, of)| serial.and_then(|serial| serial.warning(of)))
    }

    /// Whether neighbours [resemble each other](SerialCorrelation::is_conspicuous), in the values or in what is missing, so that the level need not hold.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
    /// # let sorted = RecordBatch::try_from_iter([("x", column)])?;
    /// let report = mlops_drift::DriftCheck::against(&sorted).run(&sorted)?;
    /// assert!(report.columns[0].is_dependent());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_dependent(&self) -> bool {
        let both = [self.serial_correlation, self.missing_serial_correlation];
        both.iter().flatten().any(SerialCorrelation::is_conspicuous)
    }

    /// Whether values were tested of which nobody can tell if neighbours resemble each other.
    pub(super) fn is_unseen(&self) -> bool {
        let is_enough = self.reference_size.max(self.current_size) >= 20;
        self.value.is_some() && self.serial_correlation.is_none() && is_enough
    }

    /// Whether there is something to know of a column beside its verdict.
    pub(super) fn has_notes(&self) -> bool {
        self.is_dependent()
            || !self.notes.is_empty()
            || self.reference_infinite + self.current_infinite > 0
    }

    fn about_infinite(&self) -> Option<String> {
        let [before, now] = [self.reference_infinite, self.current_infinite];
        let of_all = |infinite: usize, values: usize| format!("{infinite} of {values}");
        (before + now > 0).then(|| {
            format!(
                "infinite are {} values of the reference, {} of the current table",
                of_all(before, self.reference_size),
                of_all(now, self.current_size)
            )
        })
    }

    fn about_missing(&self, finding: &Finding) -> String {
        let verb = match (finding.rejected, finding.undecided) {
            (true, _) => "the missing share changed",
            (false, true) => "it is not shown whether the missing share changed",
            (false, false) => "no evidence that the missing share changed",
        };
        let least = self.minimum_of_missing().map(|least| self.against(least));
        let told: Vec<String> = std::iter::once(p_text(finding)).chain(least).collect();
        format!(
            "{verb} from {:.1} % to {:.1} % ({})",
            self.reference_missing * 100.0,
            self.current_missing * 100.0,
            told.join(", ")
        )
    }
}

fn p_text(finding: &Finding) -> String {
    let p = short(finding.adjusted_p_value.get());
    let told = format!("{}, adjusted p {p}", finding.method);
    match (finding.undecided, finding.resolution) {
        (false, _) => told,
        (true, Some(resolution)) => {
            format!(
                "{told}; before correction {}, and more permutations would tell",
                unresolved(resolution)
            )
        }
        (true, None) => format!(
            "{told}, which the p-values of other columns that permutations leave open may lower"
        ),
    }
}

/// Of a p-value that is no evidence, nor evidence of the contrary.
pub(crate) fn unresolved(resolution: Resolution) -> String {
    let low = match resolution.low.get() {
        0.0 => "any less".to_owned(),
        low => format!("as small as {}", short(low)),
    };
    let least = short(resolution.least.get());
    format!("permutations show no p-value below {least}, and this one may be {low}")
}

/// An effect with its measure.
fn in_words(effect: &Distance) -> String {
    format!("{} {}", effect.measure(), figure(effect.get()))
}

/// A figure for a reader: four decimals, or a power of ten where nobody would count the digits.
pub(crate) fn figure(value: f64) -> String {
    decimals(value, 4)
}

/// The same of a figure of any scale: a power of ten, too, where four decimals would leave a digit or none.
pub(crate) fn scaled(value: f64) -> String {
    let rounding = 1e-15; // of figures about 1, which would be 0 but for it
    match (rounding..1e-3).contains(&value.abs()) {
        true => format!("{value:.3e}"),
        false => figure(value),
    }
}

/// The same with its sign, for a change.
pub(crate) fn signed(value: f64) -> String {
    match value.is_sign_negative() {
        true => scaled(value),
        false => format!("+{}", scaled(value)),
    }
}

fn decimals(value: f64, decimals: usize) -> String {
    match value.is_finite() && value.abs() >= 1e9 {
        true => format!("{value:.3e}"),
        false => format!("{value:.decimals$}"),
    }
}

/// A number with all of its digits, but for zeros that a power of ten stands for.
pub(crate) fn exact(value: f64) -> String {
    let size = value.abs();
    match size.is_finite() && size != 0.0 && !(1e-5..1e16).contains(&size) {
        true => format!("{value:e}"),
        false => value.to_string(),
    }
}

/// A p-value for a reader: four decimals, or a power of ten.
pub(crate) fn short(p: f64) -> String {
    if p < 1e-300 {
        "< 1e-300".to_owned()
    } else if p >= 1e-4 {
        format!("{p:.4}")
    } else {
        format!("{p:.1e}")
    }
}
