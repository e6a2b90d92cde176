use std::collections::BTreeSet;

use arrow::datatypes::Field;
use mlops_core::evidence::SignificanceLevel;
use mlops_core::{Error, ErrorKind, Result, type_name};
use serde::{Deserialize, Serialize};

use crate::check::{Source, in_table};
use crate::expectation::{Expectation, Inference, Rule, Suite, ValidationReport};
use crate::parallel;
use crate::profile::{ColumnProfile, NumericProfile, TableProfile, Values};
use crate::report::junit::{Case, Outcome};
use crate::report::markdown::{escaped, table};
use crate::report::{Scale, named, version};
use crate::sample::{ColumnKind, Moments};
use crate::table::{Table, missing_rows, unreadable};

/// Does a table still hold what the reference held? The [suite that the reference's profile infers](Suite::infer), and what is known of the table.
///
/// **Guarantee**: a table of the reference's law fails with probability at most the level, see [`Suite::infer`].
///
/// Made by [`data_quality`](super::data_quality).
#[derive(Clone, Debug)]
pub struct DataQuality {
    profile: TableProfile,
    level: SignificanceLevel,
    excepted: BTreeSet<String>,
    suite: Suite,
}

/// What a [`DataQuality`] found.
///
/// ```
/// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// use mlops_core::evidence::SignificanceLevel;
/// use mlops_drift::preset::DataQualityReport;
/// # let column = std::sync::Arc::new(Int32Array::from_iter_values((0..2_000).map(|i| i % 24))) as ArrayRef;
/// # let flights = RecordBatch::try_from_iter([("hour", column)])?;
/// let quality = mlops_drift::preset::data_quality(&flights, SignificanceLevel::FIVE_PERCENT)?;
/// let report = quality.run(&flights)?;
/// assert!(report.passed());
/// assert_eq!(report.columns[0].missing, 0);
/// assert_eq!(DataQualityReport::from_json(&report.to_json()?)?, report);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataQualityReport {
    /// Of the format: 1.
    #[serde(deserialize_with = "version::known")]
    pub version: u16,
    /// Every expectation with what became of it.
    pub validation: ValidationReport,
    /// What the columns hold, in their order: those that are the same in every part of the table. Of a nested column what is missing is told alone,
    /// and one that cannot be read is left out.
    pub columns: Vec<ColumnQuality>,
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnQuality {
    /// Its name.
    pub column: String,
    /// The name of its Arrow type.
    pub data_type: String,
    /// Rows that are null or NaN.
    pub missing: u64,
    /// Rows that are −∞ or +∞: neither missing, nor among the figures below. 0 in reports of versions that did not count them.
    #[serde(default)]
    pub infinite: u64,
    /// Rules that are expected of its values, beside its type: few rows of a reference allow none. `None` in reports of versions that did not count them.
    #[serde(default)]
    pub rules: Option<u64>,
    /// Distinct values; `None` if they were not counted.
    pub distinct: Option<u64>,
    /// The least finite number.
    pub least: Option<f64>,
    /// The mean of the finite numbers.
    pub mean: Option<f64>,
    /// The greatest finite number.
    pub greatest: Option<f64>,
}

/// Columns that a sentence names.
const NAMES: usize = 12;

impl DataQuality {
    pub(super) fn of(reference: &Source, level: SignificanceLevel) -> Result<Self> {
        let profile = match reference.profile() {
            Some(profile) => profile.clone(),
            None => TableProfile::of(reference.as_table()?).map_err(in_table("reference"))?,
        };
        Ok(Self {
            suite: Suite::infer(&profile, level)?,
            profile,
            level,
            excepted: BTreeSet::new(),
        })
    }

    /// Columns to leave out, such as identifiers, whose values are others in every table: nothing is expected of them, and nothing told. The
    /// level is spent on the others.
    ///
    /// # Errors
    /// [`SignatureMismatch`](mlops_core::ErrorKind::SignatureMismatch) for a column that the reference does not have.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// use mlops_core::evidence::SignificanceLevel;
    /// let day = |first: i32| {
    ///     let flight = Int32Array::from_iter_values(first..first + 2_000);
    ///     let hour = Int32Array::from_iter_values((0..2_000).map(|i| i % 24));
    ///     RecordBatch::try_from_iter([("flight", Arc::new(flight) as ArrayRef), ("hour", Arc::new(hour))])
    /// };
    /// let quality = mlops_drift::preset::data_quality(&day(0)?, SignificanceLevel::FIVE_PERCENT)?;
    /// assert!(!quality.run(&day(2_000)?)?.passed());
    /// assert!(quality.except(["flight"])?.run(&day(2_000)?)?.passed());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn except<C: Into<String>>(mut self, columns: impl IntoIterator<Item = C>) -> Result<Self> {
        self.excepted.extend(columns.into_iter().map(Into::into));
        let inference = Inference::of(&self.profile, self.level);
        let suite = inference.except(self.excepted.iter().cloned()).suite();
        self.suite = suite.map_err(in_table("reference"))?;
        Ok(self)
    }

    /// The expectations, each with its reason: to look at, save, and edit.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// use mlops_core::evidence::SignificanceLevel;
    /// # let column = std::sync::Arc::new(Int32Array::from_iter_values((0..2_000).map(|i| i % 24))) as ArrayRef;
    /// # let flights = RecordBatch::try_from_iter([("hour", column)])?;
    /// let quality = mlops_drift::preset::data_quality(&flights, SignificanceLevel::FIVE_PERCENT)?;
    /// assert_eq!(quality.suite().expectations().len(), 5); // type, missing, range; rows, no other columns
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn suite(&self) -> &Suite {
        &self.suite
    }

    /// Holds a table to them. A column that is missing, or not the same in every part of the table, fails its expectations, and a table without
    /// rows does not pass.
    ///
    /// # Errors
    /// [`Unsupported`](mlops_core::ErrorKind::Unsupported) for a profile; what reading the table can cause.
    pub fn run(&self, current: impl Into<Source>) -> Result<DataQualityReport> {
        let source = current.into();
        if source.profile().is_some() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the current table must hold rows, got a profile: give a RecordBatch, a Vec of them or a ParquetTable, or hold the profile to \
                 `suite()` by `Suite::validate_profile`",
            ));
        }
        self.report(source.as_table()?).map_err(in_table("current"))
    }

    fn report(&self, table: &dyn Table) -> Result<DataQualityReport> {
        let validation = self.suite.validate(table)?;
        Ok(DataQualityReport {
            version: version::VERSION,
            validation,
            columns: self.columns(table)?,
        })
    }

    /// What the columns of a table hold that can be read from all of its parts.
    fn columns(&self, table: &dyn Table) -> Result<Vec<ColumnQuality>> {
        let schema = table.schema();
        let told = schema
            .fields()
            .iter()
            .filter(|field| table.rows() > 0 && !self.excepted.contains(field.name()));
        let told: Vec<_> = told.collect();
        let unreadable = unreadable(table, told.iter().map(|field| field.name().as_str()))?;
        let read = told.into_iter();
        let read: Vec<_> = read
            .filter(|field| !unreadable.contains_key(field.name()))
            .collect();
        let columns = parallel::map(&read, |field| {
            let quality = match ColumnKind::of(field.data_type()).has_no_values() {
                true => match ColumnQuality::of_nested(table, field) {
                    Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(None),
                    found => found?,
                },
                false => ColumnQuality::of(&ColumnProfile::of(table, field)?),
            };
            Ok(Some(ColumnQuality {
                rules: Some(self.rules_on(field.name())),
                ..quality
            }))
        })?;
        Ok(columns.into_iter().flatten().collect())
    }

    /// Expectations of the values of a column.
    fn rules_on(&self, column: &str) -> u64 {
        let is_on_values = |of: &&Expectation| {
            of.column() == Some(column) && !matches!(of.rule(), Rule::Type(_) | Rule::Exists)
        };
        self.suite
            .expectations()
            .iter()
            .filter(is_on_values)
            .count() as u64
    }
}

impl ColumnQuality {
    /// Of a column whose values cannot be profiled.
    fn of_nested(table: &dyn Table, field: &Field) -> Result<Self> {
        let [missing, _] = missing_rows(table, field.name())?;
        Ok(Self {
            column: field.name().clone(),
            data_type: type_name(field.data_type()),
            missing,
            rules: None,
            infinite: 0,
            distinct: None,
            least: None,
            mean: None,
            greatest: None,
        })
    }

    fn of(column: &ColumnProfile) -> Self {
        let numbers = match column.values() {
            Values::Numeric(profile) => Some(profile),
            Values::Categorical(_) | Values::Facets(_) => None,
        };
        let moments = numbers.map(NumericProfile::moments);
        let distinct = match column.values() {
            Values::Categorical(profile) => profile.distinct().map(|count| count as u64),
            Values::Numeric(_) | Values::Facets(_) => None,
        };
        Self {
            column: column.name().to_owned(),
            data_type: column.data_type().to_owned(),
            missing: column.values().missing(),
            rules: None,
            infinite: numbers.map_or(0, |profile| profile.infinite().iter().sum()),
            distinct,
            least: moments.and_then(Moments::least),
            mean: moments.and_then(Moments::mean),
            greatest: moments.and_then(Moments::greatest),
        }
    }

    pub(super) fn cells(&self) -> [String; 9] {
        let scale = Scale::of_type(&self.data_type);
        let figure =
            |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |x| scale.in_words(x));
        let rules = self.rules.map(|rules| rules.to_string());
        [
            self.column.clone(),
            self.data_type.clone(),
            rules.unwrap_or_else(|| "–".to_owned()),
            self.missing.to_string(),
            self.infinite.to_string(),
            self.distinct
                .map_or_else(|| "–".to_owned(), |count| count.to_string()),
            figure(self.least),
            figure(self.mean),
            figure(self.greatest),
        ]
    }
}

impl DataQualityReport {
    pub(super) const HEADER: [&'static str; 9] = [
        "column", "type", "rules", "missing", "infinite", "distinct", "least", "mean", "greatest",
    ];

    /// The columns that may hold anything of their type, as nothing is expected of their values.
    fn unruled(&self) -> Vec<&str> {
        let unruled = self.columns.iter().filter(|column| column.rules == Some(0));
        unruled.map(|column| column.column.as_str()).collect()
    }

    /// Which these are; `None` if something is expected of all.
    pub(super) fn about_unruled(&self) -> Option<String> {
        let unruled = self.unruled();
        (!unruled.is_empty()).then(|| {
            format!(
                "Nothing is expected of the values of {}: the reference has too few rows, or they are of no kind that rules are inferred for.",
                named(unruled.iter(), NAMES)
            )
        })
    }

    /// One line that says the most important thing: that of the [validation](ValidationReport::headline), and of how many columns nothing is expected but
    /// their type.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # use mlops_core::evidence::SignificanceLevel;
    /// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..40)) as ArrayRef;
    /// # let few = RecordBatch::try_from_iter([("x", column)])?;
    /// let quality = mlops_drift::preset::data_quality(&few, SignificanceLevel::FIVE_PERCENT)?;
    /// let report = quality.run(&few)?;
    /// assert_eq!(report.headline(), "All 3 expectations hold; nothing is expected of the values of 1 column");
    /// assert!(report.to_junit().contains(r#"tests="4" failures="0" skipped="1""#));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn headline(&self) -> String {
        let headline = self.validation.headline();
        match self.unruled().len() {
            0 => headline,
            1 => format!("{headline}; nothing is expected of the values of 1 column"),
            more => format!("{headline}; nothing is expected of the values of {more} columns"),
        }
    }

    /// The report as JUnit XML: that of the [validation](ValidationReport::to_junit), and a skipped test case for every column of the values of which nothing
    /// is expected.
    pub fn to_junit(&self) -> String {
        let unruled = self.unruled().into_iter().map(|name| Case {
            name,
            outcome: Outcome::Skipped("nothing is expected of its values"),
        });
        self.validation.to_junit_beside(unruled.collect())
    }

    /// Whether every expectation of severity error holds, and [something was checked](ValidationReport::is_checked).
    pub fn passed(&self) -> bool {
        self.validation.passed()
    }

    /// The report as JSON.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// A report from JSON.
    ///
    /// # Errors
    /// [`Unsupported`](mlops_core::ErrorKind::Unsupported) for a newer version; [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for
    /// anything else that is no such report.
    ///
    /// ```
    /// # use mlops_core::ErrorKind;
    /// use mlops_drift::preset::DataQualityReport;
    /// let error = DataQualityReport::from_json(r#"{"version": 99}"#).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Unsupported);
    /// ```
    pub fn from_json(json: &str) -> Result<Self> {
        version::from_json(json)
    }

    /// The report as Markdown: the expectations, failures first, then the columns. Names are escaped.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # use mlops_core::evidence::SignificanceLevel;
    /// # let column = std::sync::Arc::new(Int32Array::from_iter_values((0..2_000).map(|i| i % 24))) as ArrayRef;
    /// # let flights = RecordBatch::try_from_iter([("hour", column)])?;
    /// let quality = mlops_drift::preset::data_quality(&flights, SignificanceLevel::FIVE_PERCENT)?;
    /// assert!(quality.run(&flights)?.to_markdown().contains("| hour | int32 | 2 | 0 | 0 |"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_markdown(&self) -> String {
        let columns = table(Self::HEADER, self.columns.iter().map(ColumnQuality::cells));
        let unruled = self
            .about_unruled()
            .map(|told| format!("{}\n\n", escaped(&told)));
        let unruled = unruled.unwrap_or_default();
        format!("{}\n{unruled}{columns}", self.validation.to_markdown())
    }
}
