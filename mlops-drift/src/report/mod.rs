//! What a drift check found: a model that serializes, and renderers that read it.

pub mod chart;
mod column;
mod distribution;
#[cfg(feature = "html")]
mod html;
mod judge;
pub(crate) mod junit;
pub(crate) mod markdown;
mod monitor;
#[cfg(feature = "html")]
mod monitor_html;
mod moved;
pub mod openmetrics;
mod reach;
mod scale;
mod schema_change;
pub(crate) mod version;

use mlops_core::Result;
use mlops_core::evidence::{Evidence, SignificanceLevel};
use serde::{Deserialize, Serialize};

pub use crate::serial::SerialCorrelation;
pub use column::{ColumnReport, ColumnVerdict, Finding};
pub(crate) use column::{ReportedColumn, exact, figure, scaled, short, signed, unresolved};
pub use distribution::Distribution;
pub(crate) use distribution::number;
pub(crate) use monitor::{first_of, named};
pub use moved::{LabelShare, LabelShares, Location, Moved};
pub use scale::Scale;
pub use schema_change::SchemaChange;

/// What a [`DriftCheck`](crate::DriftCheck) found in one table.
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
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
    /// Columns of the current table that the reference lacks, where all were to be compared: nothing is said of them. Of a check that
    /// [reports schema changes](crate::DriftCheck::report_schema_changes) they are among the [`columns`](Self::columns), too, as
    /// [not compared](ColumnVerdict::NotCompared).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub new_columns: Vec<String>,
}

/// The verdict on the whole table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchVerdict {
    /// Whether any column drifted. Without drift this is so with probability at most `level`.
    pub drifted: bool,
    /// Whether any column drifted by at least its minimum effect. Drift of any size does in a column without one: where none is declared, this is
    /// `drifted`.
    pub material: bool,
    /// The columns that drifted.
    pub drifted_columns: Vec<String>,
    /// The columns that drifted by at least their minimum effect.
    pub material_columns: Vec<String>,
    /// The columns that drifted, by their minimum effect or by less: [what is known](ColumnReport::materiality_undecided) of them does not tell. They
    /// are not among the `material_columns`: look at them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undecided_columns: Vec<String>,
    /// The columns whose values could not be tested: look at them.
    pub untested_columns: Vec<String>,
    /// Whether no column could be judged: nothing is concluded then, of drift or of its absence, and [`reason`](Self::reason) says why.
    #[serde(default)]
    pub nothing_compared: bool,
    /// The columns that were not compared, since one of the tables lacks them or has them as another type: nothing is concluded of them. Always
    /// empty unless a check [reports schema changes](crate::DriftCheck::report_schema_changes).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_compared_columns: Vec<String>,
    /// In plain language.
    pub reason: String,
}

/// By verdict, then adjusted p-value, then name.
fn worst_first(columns: &[ColumnReport]) -> Vec<&ColumnReport> {
    let mut columns: Vec<&ColumnReport> = columns.iter().collect();
    columns.sort_by(|a, b| {
        let p = |column: &ColumnReport| column.adjusted_p_value().get();
        (b.verdict.cmp(&a.verdict))
            .then(p(a).total_cmp(&p(b)))
            .then_with(|| a.column.cmp(&b.column))
    });
    columns
}

fn has_minimums(columns: &[ColumnReport]) -> bool {
    let mut columns = columns.iter();
    columns.any(|column| !column.minimum_effects.is_empty())
}

impl DriftReport {
    /// With what there is beyond the reference.
    pub(crate) fn with_new_columns(mut self, columns: Vec<String>) -> Self {
        self.new_columns = columns;
        let untold = self.untold_columns().join(", ");
        if !untold.is_empty() {
            let told = format!("; not in the reference, and not compared: {untold}");
            self.verdict.reason.push_str(&told);
        }
        self
    }

    /// The new columns that are not among the columns of the report.
    fn untold_columns(&self) -> Vec<&str> {
        let new = self.new_columns.iter().map(String::as_str);
        new.filter(|name| self.column(name).is_none()).collect()
    }

    /// Whether a minimum effect was declared for some column, so that drift may be material or not.
    pub(crate) fn has_minimums(&self) -> bool {
        has_minimums(&self.columns)
    }

    /// The column of this name.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
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
        worst_first(&self.columns)
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
    /// effects. The p-values are already corrected: hold each against the level. Of a column that was not compared or could not be there is
    /// none: a decision should rest on [`not_compared_columns`](BatchVerdict::not_compared_columns) and
    /// [`untested_columns`](BatchVerdict::untested_columns), too. Without a test there is none at all, which is no evidence of stability: ask for
    /// [`nothing_compared`](BatchVerdict::nothing_compared) first.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
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

    /// The same, of the columns alone whose drift is significant and surely beyond the declared effect: ask for
    /// [`undecided_columns`](BatchVerdict::undecided_columns), too.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
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

    fn headline(&self) -> String {
        let lost = self.verdict.not_compared_columns.len();
        let is_whole = lost == 0 && self.verdict.untested_columns.is_empty();
        let drift = match (self.verdict.material, self.verdict.drifted) {
            _ if self.verdict.nothing_compared => "No column could be judged",
            (true, _) if !self.has_minimums() => "Drift",
            (true, _) => "Material drift",
            (false, true) if !self.verdict.undecided_columns.is_empty() => {
                "Drift, perhaps material"
            }
            (false, true) => "Drift, below the minimum effect",
            (false, false) if is_whole => "No drift",
            (false, false) => "No drift in the columns that could be judged",
        };
        match lost {
            0 => drift.to_owned(),
            1 => format!("Schema change, 1 column not compared. {drift}"),
            lost => format!("Schema change, {lost} columns not compared. {drift}"),
        }
    }

    fn evidence_of(&self, column: &ColumnReport) -> Vec<Evidence> {
        let is_evidence =
            |finding: &&Finding| finding.rejected || column.verdict != ColumnVerdict::Untested;
        let tests = column.findings().filter(is_evidence).map(|finding| {
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
