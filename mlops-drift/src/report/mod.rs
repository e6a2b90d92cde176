//! What a drift check found: a model that serializes, and renderers that read it.

pub mod chart;
mod distribution;
#[cfg(feature = "html")]
mod html;
pub(crate) mod junit;
pub(crate) mod markdown;
mod monitor;
#[cfg(feature = "html")]
mod monitor_html;
mod moved;
pub mod openmetrics;
pub(crate) mod version;

use std::collections::BTreeMap;

use mlops_core::Result;
use mlops_core::evidence::{Distance, Evidence, Interval, PValue, SignificanceLevel};
use serde::{Deserialize, Serialize};

use crate::check::MISSING_SHARE;
use crate::multiplicity::Correction;
use crate::profile::Bracket;
use crate::stream::serial_dependence;
use crate::two_sample::TestResult;

pub use distribution::Distribution;
pub(crate) use distribution::number;
pub use moved::{LabelShare, LabelShares, Location, Moved};

/// What a [`DriftCheck`](crate::DriftCheck) found in one table.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// use mlops_drift::{DriftCheck, report::DriftReport};
///
/// let column = Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
/// let table = RecordBatch::try_from_iter([("x", column)])?;
/// let report = DriftCheck::against(&table).run(&table)?;
/// assert_eq!(report.columns[0].column, "x");
/// assert_eq!(DriftReport::from_json(&report.to_json()?)?, report);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DriftReport {
    /// Of the format: 1.
    #[serde(deserialize_with = "version::known")]
    pub version: u16,
    /// The verdict on the whole table.
    pub verdict: BatchVerdict,
    /// The false-alarm rate asked for.
    pub level: SignificanceLevel,
    /// The correction for the number of tests.
    pub correction: String,
    /// What the level promises, and under which assumption.
    pub guarantee: String,
    /// How many hypotheses were tested.
    pub tests: usize,
    /// Rows of the reference.
    pub reference_rows: usize,
    /// Rows of the current table.
    pub current_rows: usize,
    /// The columns, in the order of the check, then those that cannot be compared.
    pub columns: Vec<ColumnReport>,
    /// Columns of the current table that the reference lacks, where all were to be compared: nothing is said of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub new_columns: Vec<String>,
}

/// The verdict on the whole table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchVerdict {
    /// Whether any column drifted. Without drift this is so with probability at most `level`.
    pub drifted: bool,
    /// Whether any column drifted by at least its minimum effect.
    pub material: bool,
    /// The columns that drifted.
    pub drifted_columns: Vec<String>,
    /// The columns that drifted by at least their minimum effect.
    pub material_columns: Vec<String>,
    /// The columns whose values could not be tested: look at them.
    pub untested_columns: Vec<String>,
    /// In plain language.
    pub reason: String,
}

/// The verdict on one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnVerdict {
    /// No evidence of a difference.
    Stable,
    /// The values could not be tested, since one side has none, or a test can tell next to nothing of them; nothing else was conspicuous.
    Untested,
    /// Significantly different after correction, but by less than the minimum effect.
    Drifted,
    /// Significantly different after correction, by at least the minimum effect.
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
            Self::Drifted => "drifted",
            Self::Material => "material",
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
    /// lower end supposes that there are no labels beyond those seen), `missing_share`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub intervals: BTreeMap<String, Interval>,
    /// The smallest effects that matter, where declared: of the values, each of which must be reached, and of the missing share.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub minimum_effects: Vec<Distance>,
    /// Why a test can tell next to nothing of the values, where that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_applicable: Option<String>,
    /// What the column held before, and holds now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<Moved>,
    /// The unit that the rows were aggregated to.
    pub unit: Option<String>,
    /// Values (or units) of the reference that entered the test.
    pub reference_size: usize,
    /// Values (or units) of the current table that entered the test.
    pub current_size: usize,
    /// The missing share in the reference, in \[0, 1].
    pub reference_missing: f64,
    /// The missing share in the current table, in \[0, 1].
    pub current_missing: f64,
    /// How much neighbouring rows, or units, of the current table resemble each other; `None` for categories and profiles, and below 20
    /// numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_correlation: Option<SerialCorrelation>,
    /// In plain language.
    pub reason: String,
    /// Shares per bin or category, for a picture.
    pub distribution: Option<Distribution>,
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
        }
    }
}

/// How much neighbours in a column resemble each other: see [`serial_dependence`].
///
/// ```
/// # use arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
/// # let sorted = RecordBatch::try_from_iter([("x", column)])?;
/// let report = mlops_drift::DriftCheck::against(&sorted).run(&sorted)?;
/// assert!(report.columns[0].serial_correlation.unwrap().is_conspicuous());
/// assert!(report.columns[0].reason.contains("hardly exchangeable"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SerialCorrelation {
    /// The rank correlation of neighbours, in \[−1, 1].
    pub correlation: f64,
    /// How surprising it is for exchangeable values.
    pub p_value: PValue,
    /// How many of the first values were looked at.
    pub values: usize,
}

impl SerialCorrelation {
    /// Of the first numbers of a column, at least 20.
    pub(crate) fn of(values: &[f64]) -> Result<Option<Self>> {
        if values.len() < 20 {
            return Ok(None);
        }
        let result = serial_dependence(values)?;
        Ok(Some(Self {
            correlation: result.statistic,
            p_value: result.p_value,
            values: values.len(),
        }))
    }

    /// Whether it is beyond chance (p ≤ 1e-4) and beyond 0.1 in size: verdicts on the column are told with a warning then.
    pub fn is_conspicuous(&self) -> bool {
        self.p_value.get() <= 1e-4 && self.correlation.abs() >= 0.1
    }
}

/// A compared column before the correction.
pub(crate) struct ReportedColumn {
    pub(crate) value: Option<Finding>,
    pub(crate) missing: Option<Finding>,
    pub(crate) report: ColumnReport,
}

impl ReportedColumn {
    /// A column that no test was made of.
    pub(crate) fn not_applicable(column: &str, why: &str) -> Self {
        Self {
            value: None,
            missing: None,
            report: ColumnReport {
                not_applicable: Some(format!("not applicable: {why}")),
                ..ColumnReport::new(column)
            },
        }
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
            not_applicable: None,
            moved: None,
            unit: None,
            reference_size: 0,
            current_size: 0,
            reference_missing: 0.0,
            current_missing: 0.0,
            serial_correlation: None,
            reason: String::new(),
            distribution: None,
        }
    }

    /// The effect in this measure.
    ///
    /// ```
    /// # use arrow::array::{ArrayRef, Int32Array, RecordBatch};
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
    fn effects_in_words(&self) -> String {
        let effects = self.effects.iter();
        let told = effects.map(|effect| match self.intervals.get(effect.measure()) {
            Some(interval) => {
                format!("{effect} [{:.3}, {:.3}]", interval.low(), interval.high())
            }
            None => effect.to_string(),
        });
        told.collect::<Vec<_>>().join(", ")
    }

    fn missing_in_words(&self) -> String {
        let [before, now] =
            [self.reference_missing, self.current_missing].map(|share| share * 100.0);
        format!("{before:.1} % → {now:.1} %")
    }

    fn conclude(&mut self) {
        self.verdict = self.conclusion();
        self.reason = self.explanation();
    }

    fn conclusion(&self) -> ColumnVerdict {
        let rejects = |finding: &Option<Finding>| finding.as_ref().is_some_and(|f| f.rejected);
        let (value, missing) = (rejects(&self.value), rejects(&self.missing));
        if value && self.reaches(self.minimums_of_values())
            || missing && self.reaches(self.minimum_of_missing())
        {
            ColumnVerdict::Material
        } else if value || missing {
            ColumnVerdict::Drifted
        } else if self.value.is_none() || self.not_applicable.is_some() {
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

    /// Whether all of these are; none is always. An effect that is undefined (infinite) reaches every minimum.
    fn reaches<'a>(&self, mut minimums: impl Iterator<Item = &'a Distance>) -> bool {
        minimums.all(|least| {
            let effect = self.effect(least.measure());
            effect.is_none_or(|effect| effect.get() >= least.get())
        })
    }

    fn explanation(&self) -> String {
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
        for (measure, bracket) in &self.brackets {
            sentences.push(format!(
                "{measure} lies surely in [{:.4}, {:.4}]",
                bracket.low, bracket.high
            ));
        }
        if let Some(finding) = &self.missing {
            sentences.push(self.about_missing(finding));
        }
        let dependent = self
            .serial_correlation
            .filter(SerialCorrelation::is_conspicuous);
        sentences.extend(dependent.map(|serial| self.about_dependence(serial)));
        sentences.join("; ")
    }

    fn about_values(&self, finding: &Finding) -> String {
        let verb = if finding.rejected {
            "the values differ from the reference"
        } else {
            "no evidence that the values differ"
        };
        let mut effects: Vec<String> = self
            .minimums_of_values()
            .map(|least| self.against(least))
            .collect();
        if let (true, Some(effect)) = (effects.is_empty(), self.effects.first()) {
            effects.push(effect.to_string());
        }
        let told: Vec<String> = std::iter::once(p_text(finding)).chain(effects).collect();
        let moved = self.moved.as_ref().filter(|_| finding.rejected);
        let moved = moved.map(|moved| format!(", {moved}")).unwrap_or_default();
        format!("{verb} ({}){moved}", told.join(", "))
    }

    fn against(&self, least: &Distance) -> String {
        match self.effect(least.measure()) {
            Some(effect) => format!("{effect} against a minimum of {:.4}", least.get()),
            None => format!("{} undefined", least.measure()),
        }
    }

    fn about_dependence(&self, serial: SerialCorrelation) -> String {
        let (what, advice) = match self.unit {
            None => ("rows", "declare a unit"),
            Some(_) => ("units", "declare a larger one"),
        };
        let how = match serial.correlation < 0.0 {
            true => "differ from each other more than others",
            false => "resemble each other",
        };
        format!(
            "neighbouring {what} {how} (rank correlation {:.2}), so they are hardly exchangeable and the level need not hold: {advice}",
            serial.correlation
        )
    }

    fn about_missing(&self, finding: &Finding) -> String {
        let verb = if finding.rejected {
            "the missing share changed"
        } else {
            "no evidence that the missing share changed"
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
    format!(
        "{}, adjusted p {}",
        finding.method,
        short(finding.adjusted_p_value.get())
    )
}

/// What the correction promises, over what, and what was taken for exchangeable.
fn guarantee(
    correction: &dyn Correction,
    reference_risk: Option<SignificanceLevel>,
    columns: &[ColumnReport],
) -> String {
    let promised = correction.guarantee();
    let over = match reference_risk {
        None => format!("{promised}; on average over references"),
        Some(risk) => format!(
            "{promised}; for windows against this very reference, but for a risk of {} that the reference is odd",
            risk.get()
        ),
    };
    format!("{over}; taken for exchangeable: {}", exchangeable(columns))
}

/// The declared units with their columns.
fn exchangeable(columns: &[ColumnReport]) -> String {
    let mut by_unit: BTreeMap<Option<&str>, Vec<&str>> = BTreeMap::new();
    for column in columns {
        by_unit
            .entry(column.unit.as_deref())
            .or_default()
            .push(&column.column);
    }
    let several = by_unit.len() > 1;
    let told = by_unit.into_iter().map(|(unit, columns)| {
        let unit = unit.map_or("rows".to_owned(), |unit| format!("units of {unit}"));
        match columns.len() {
            _ if !several => unit,
            0..=3 => format!("{unit} for {}", columns.join(", ")),
            count => format!("{unit} for {count} columns"),
        }
    });
    told.collect::<Vec<_>>().join("; ")
}

/// A p-value for a reader: four decimals, or a power of ten.
pub(crate) fn short(p: f64) -> String {
    if p >= 1e-4 {
        format!("{p:.4}")
    } else {
        format!("{p:.1e}")
    }
}

impl DriftReport {
    /// Corrects for the number of tests and judges every column and the table.
    pub(crate) fn judge(
        level: SignificanceLevel,
        correction: &dyn Correction,
        reference_risk: Option<SignificanceLevel>,
        rows: [usize; 2],
        columns: Vec<ReportedColumn>,
    ) -> Self {
        let mut columns: Vec<ColumnReport> = columns
            .into_iter()
            .map(|column| ColumnReport {
                value: column.value,
                missing: column.missing,
                ..column.report
            })
            .collect();
        let family: Vec<PValue> = columns
            .iter()
            .flat_map(ColumnReport::findings)
            .map(|finding| finding.p_value)
            .collect();
        let mut adjusted = correction.adjust(&family).into_iter();
        for column in &mut columns {
            let findings = column.value.iter_mut().chain(&mut column.missing);
            for (finding, p) in findings.zip(&mut adjusted) {
                finding.adjusted_p_value = p;
                finding.rejected = p.rejects_at(level);
            }
            column.conclude();
        }
        Self {
            version: version::VERSION,
            verdict: BatchVerdict::of(&columns, level),
            level,
            correction: correction.name().to_owned(),
            guarantee: guarantee(correction, reference_risk, &columns),
            tests: family.len(),
            reference_rows: rows[0],
            current_rows: rows[1],
            columns,
            new_columns: Vec::new(),
        }
    }

    /// With what there is beyond the reference.
    pub(crate) fn with_new_columns(mut self, columns: Vec<String>) -> Self {
        if !columns.is_empty() {
            let told = format!(
                "; not in the reference, and not compared: {}",
                columns.join(", ")
            );
            self.verdict.reason.push_str(&told);
        }
        self.new_columns = columns;
        self
    }

    /// The column of this name.
    ///
    /// ```
    /// # use arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// let report = mlops_drift::DriftCheck::against(&table).run(&table)?;
    /// assert!(report.column("x").is_some() && report.column("y").is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn column(&self, name: &str) -> Option<&ColumnReport> {
        self.columns.iter().find(|column| column.column == name)
    }

    /// The columns, worst first: by verdict, then adjusted p-value, then name.
    pub fn worst_first(&self) -> Vec<&ColumnReport> {
        let mut columns: Vec<&ColumnReport> = self.columns.iter().collect();
        columns.sort_by(|a, b| {
            let p = |column: &ColumnReport| column.adjusted_p_value().get();
            (b.verdict.cmp(&a.verdict))
                .then(p(a).total_cmp(&p(b)))
                .then_with(|| a.column.cmp(&b.column))
        });
        columns
    }

    /// The report as JSON.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// A report from its JSON.
    ///
    /// # Errors
    /// [`Unsupported`](mlops_core::ErrorKind::Unsupported) for a newer version;
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for anything else that is no report.
    ///
    /// ```
    /// use mlops_drift::report::DriftReport;
    /// let newer = DriftReport::from_json(r#"{"version": 99, "columns": "in another form"}"#).unwrap_err();
    /// assert!(newer.to_string().contains("version must lie in [1, 1], got 99"));
    /// ```
    pub fn from_json(json: &str) -> Result<Self> {
        version::from_json(json)
    }

    /// The report as evidence for a decision: per hypothesis its adjusted p-value, per column its
    /// effects. The p-values are already corrected: hold each against the level.
    ///
    /// ```
    /// # use arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// let report = mlops_drift::DriftCheck::against(&table).run(&table)?;
    /// assert_eq!(report.evidence()[0].name, "drift of x");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn evidence(&self) -> Vec<Evidence> {
        let columns = self.columns.iter();
        columns
            .flat_map(|column| self.evidence_of(column))
            .collect()
    }

    /// The same, of the columns alone whose drift is significant and beyond the declared effect.
    ///
    /// ```
    /// # use arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// let report = mlops_drift::DriftCheck::against(&table).run(&table)?;
    /// assert!(report.material_evidence().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn material_evidence(&self) -> Vec<Evidence> {
        let names = &self.verdict.material_columns;
        let columns = self.columns.iter();
        columns
            .filter(|column| names.contains(&column.column))
            .flat_map(|column| self.evidence_of(column))
            .collect()
    }

    fn headline(&self) -> &'static str {
        match (self.verdict.material, self.verdict.drifted) {
            (true, _) => "Material drift",
            (false, true) => "Drift, below the minimum effect",
            (false, false) if self.verdict.untested_columns.is_empty() => "No drift",
            (false, false) => "No drift in the columns that could be compared",
        }
    }

    fn evidence_of(&self, column: &ColumnReport) -> Vec<Evidence> {
        let tests = column.findings().map(|finding| {
            let name = format!("drift of {}", finding.hypothesis);
            Evidence::new(name, finding.adjusted_p_value)
                .at_level(self.level)
                .saying(format!("{}; {}", column.reason, self.guarantee))
        });
        let effects = column
            .effects
            .iter()
            .map(|effect| Evidence::new(format!("effect in {}", column.column), effect.clone()));
        tests.chain(effects).collect()
    }
}

impl BatchVerdict {
    fn of(columns: &[ColumnReport], level: SignificanceLevel) -> Self {
        let named = |holds: &dyn Fn(ColumnVerdict) -> bool| -> Vec<String> {
            let found = columns.iter().filter(|column| holds(column.verdict));
            found.map(|column| column.column.clone()).collect()
        };
        let drifted_columns = named(&ColumnVerdict::is_drift);
        let material_columns = named(&|verdict| verdict == ColumnVerdict::Material);
        let untested_columns = named(&|verdict| verdict == ColumnVerdict::Untested);
        let mut reason = format!(
            "{} of {} columns drifted, {} of them materially; without any drift, an alarm has probability at most {level}",
            drifted_columns.len(),
            columns.len(),
            material_columns.len()
        );
        if !untested_columns.is_empty() {
            reason.push_str(&format!(
                "; {} could not be compared",
                untested_columns.join(", ")
            ));
        }
        Self {
            drifted: !drifted_columns.is_empty(),
            material: !material_columns.is_empty(),
            drifted_columns,
            material_columns,
            untested_columns,
            reason,
        }
    }
}
