//! The front door: a reference table, and is the current one still like it? [`DriftCheck`] asks once, [`DriftMonitor`] window after
//! window.

mod column;
mod compared;
mod default_tests;
mod fingerprint;
mod intervals;
mod method;
mod monitor;
mod notes;
mod observed;
mod prepared;
mod reach;
mod selection;
mod source;
mod uncompared;
mod unit_labels;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use mlops_core::Result;
use mlops_core::evidence::{Distance, SignificanceLevel};

use crate::multiplicity::{BenjaminiHochberg, Correction};
use crate::report::DriftReport;
use crate::sample::Infinite;

pub(crate) use default_tests::default_test;
pub(crate) use method::MISSING_SHARE;
pub use method::Method;
pub use monitor::{DriftMonitor, MonitorState, Undecided, Window, WindowColumn, WindowCounts};
pub(crate) use observed::{Mean, Units, find};
pub use prepared::PreparedCheck;
pub(crate) use reach::least_of_profiles;
pub use source::Source;
pub(crate) use source::{ColumnType, in_table, require_rows};

/// A drift check over the columns of a table: what to compare, how, and with which error rate.
///
/// Every column is one hypothesis, "its values follow one law in both tables"; a column with missing
/// values in either table is one more, "as many are missing", so that a column which becomes null
/// cannot pass in silence, be it of its type or of Arrow's type `null`. Numeric columns are tested by
/// [`KolmogorovSmirnov`](crate::two_sample::KolmogorovSmirnov), strings, booleans and dictionaries
/// of strings by [`ChiSquare`](crate::two_sample::ChiSquare); the p-values are corrected for their
/// number.
///
/// **Guarantee**: if nothing drifted, any column is called drifted with probability at most alpha.
/// By default (Benjamini–Hochberg) this holds for independent or positively dependent p-values, and
/// when something did drift, the expected share of false alarms among the alarms is at most alpha;
/// with [`Holm`](crate::multiplicity::Holm) the probability of any false alarm is at most alpha
/// under any dependence.
/// **Assumption**: rows are exchangeable, or, with [`unit`](Self::unit), units are. For one fixed
/// reference that is used again and again the level is an average over references: with reference and windows of equal size (1,000 rows), one
/// in twenty references alarms in a fifth of its windows at 5 % if there is one column, and in 14 % of them if there are 20; about half of the latter
/// alarm in 3.5 % or less (`tests/fixed_reference.rs`). With [`for_this_reference`](Self::for_this_reference) it holds for this one.
/// **Cost**: O(n log n) once for the reference in [`prepare`](Self::prepare), then O(m log m + n) a
/// run and column.
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
/// use mlops_core::evidence::{Distance, SignificanceLevel};
/// use mlops_drift::DriftCheck;
///
/// let table = |shift: f64| {
///     let column = Float64Array::from_iter_values((0..200).map(|i| f64::from(i % 50) + shift));
///     RecordBatch::try_from_iter([("temperature", Arc::new(column) as ArrayRef)])
/// };
/// let check = DriftCheck::against(&table(0.0)?)
///     .level(SignificanceLevel::ONE_PERCENT)
///     .effect_for("temperature", Distance::new(0.3, "wasserstein_sd")?)
///     .prepare()?;
///
/// assert!(!check.run(&table(0.0)?)?.verdict.drifted);
/// assert!(check.run(&table(9.0)?)?.verdict.material);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct DriftCheck {
    reference: Source,
    columns: Option<Vec<String>>,
    excepted: BTreeSet<String>,
    units: Vec<(String, Vec<String>)>,
    methods: BTreeMap<String, Method>,
    effects: Vec<Distance>,
    effects_for: BTreeMap<String, Vec<Distance>>,
    level: SignificanceLevel,
    correction: Arc<dyn Correction>,
    reference_risk: Option<SignificanceLevel>,
    infinite: Infinite,
    reports_schema_changes: bool,
}

impl fmt::Debug for DriftCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DriftCheck")
            .field("columns", &self.columns)
            .field("units", &self.units)
            .field("methods", &self.methods)
            .field("level", &self.level)
            .field("correction", &self.correction.name())
            .finish_non_exhaustive()
    }
}

impl DriftCheck {
    /// A check against this reference, a table or a [profile](crate::profile): all of its columns, at 5 %.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = |n: i32| std::sync::Arc::new(Float64Array::from_iter_values((0..n).map(|i| f64::from(i % 7)))) as ArrayRef;
    /// # let reference = RecordBatch::try_from_iter([("hour", column(70)), ("x", column(70))])?;
    /// use mlops_drift::DriftCheck;
    /// let report = DriftCheck::against(&reference).run(&reference)?;
    /// assert_eq!(report.columns.len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn against(reference: impl Into<Source>) -> Self {
        Self {
            reference: reference.into(),
            columns: None,
            excepted: BTreeSet::new(),
            units: Vec::new(),
            methods: BTreeMap::new(),
            effects: Vec::new(),
            effects_for: BTreeMap::new(),
            level: SignificanceLevel::FIVE_PERCENT,
            correction: Arc::new(BenjaminiHochberg),
            reference_risk: None,
            infinite: Infinite::default(),
            reports_schema_changes: false,
        }
    }

    /// The probability of a false alarm that is accepted for the whole table.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = |n: i32| std::sync::Arc::new(Float64Array::from_iter_values((0..n).map(|i| f64::from(i % 7)))) as ArrayRef;
    /// # let reference = RecordBatch::try_from_iter([("hour", column(70)), ("x", column(70))])?;
    /// use mlops_drift::DriftCheck;
    /// use mlops_core::evidence::SignificanceLevel;
    /// let check = DriftCheck::against(&reference).level(SignificanceLevel::ONE_PERCENT);
    /// assert_eq!(check.run(&reference)?.level, SignificanceLevel::ONE_PERCENT);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn level(mut self, level: SignificanceLevel) -> Self {
        self.level = level;
        self
    }

    /// The columns to compare; without this call all, except units. Of all columns those of a type that cannot be compared, such as lists, are reported as
    /// untested unless more or fewer of them are missing than in the reference, which a profile does not tell. They are read for that: leave large ones
    /// out by [`except`](Self::except). One that is named here is an error.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = |n: i32| std::sync::Arc::new(Float64Array::from_iter_values((0..n).map(|i| f64::from(i % 7)))) as ArrayRef;
    /// # let reference = RecordBatch::try_from_iter([("hour", column(70)), ("x", column(70))])?;
    /// use mlops_drift::DriftCheck;
    /// let report = DriftCheck::against(&reference).columns(["x"]).run(&reference)?;
    /// assert_eq!(report.columns.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn columns<C: Into<String>>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.columns = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Columns to leave out, such as identifiers and event times, which differ in every table.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = |n: i32| std::sync::Arc::new(Float64Array::from_iter_values((0..n).map(|i| f64::from(i % 7)))) as ArrayRef;
    /// # let reference = RecordBatch::try_from_iter([("hour", column(70)), ("x", column(70))])?;
    /// use mlops_drift::DriftCheck;
    /// let report = DriftCheck::against(&reference).except(["hour"]).run(&reference)?;
    /// assert_eq!(report.columns[0].column, "x");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn except<C: Into<String>>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.excepted.extend(columns.into_iter().map(Into::into));
        self
    }

    /// Takes the distinct values of the column `unit`, not rows, for exchangeable: a thousand flights in one stormy hour are one observation of the
    /// weather, not a thousand. Numbers are compared by their mean in each unit, so a change of their spread within units is not seen. Categories
    /// that are constant within units are counted once a unit; others are compared by their shares among the rows, and whole units are permuted. Texts
    /// and embeddings are compared by the mean of each facet in each unit. The unit column itself is never tested. Missing values are compared by the units' missing shares; a unit that holds
    /// −∞ and +∞ has no mean, and counts as missing.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = |n: i32| std::sync::Arc::new(Float64Array::from_iter_values((0..n).map(|i| f64::from(i % 7)))) as ArrayRef;
    /// # let reference = RecordBatch::try_from_iter([("hour", column(70)), ("x", column(70))])?;
    /// use mlops_drift::DriftCheck;
    /// let report = DriftCheck::against(&reference).unit("hour", ["x"]).run(&reference)?;
    /// assert_eq!(report.columns[0].reference_size, 7); // hours, not rows
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn unit<C: Into<String>>(
        mut self,
        unit: impl Into<String>,
        columns: impl IntoIterator<Item = C>,
    ) -> Self {
        let columns = columns.into_iter().map(Into::into).collect();
        self.units.push((unit.into(), columns));
        self
    }

    /// Tests this column in another way than by default. Where a test cannot be applied to the values that a table holds, as one of variances to
    /// a single value, the column is untested, its reason says why, and the others are judged. A category that varies within its unit is an error.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = |n: i32| std::sync::Arc::new(Float64Array::from_iter_values((0..n).map(|i| f64::from(i % 7)))) as ArrayRef;
    /// # let reference = RecordBatch::try_from_iter([("hour", column(70)), ("x", column(70))])?;
    /// use mlops_drift::DriftCheck;
    /// use mlops_drift::{check::Method, divergence::Psi};
    /// let check = DriftCheck::against(&reference).method("x", Method::numeric(Psi::default()));
    /// assert!(check.run(&reference)?.columns[1].value.as_ref().unwrap().method.starts_with("psi"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn method(mut self, column: impl Into<String>, method: Method) -> Self {
        self.methods.insert(column.into(), method);
        self
    }

    /// The smallest effect that matters, for every column that reports this measure and has none of
    /// its own. Numeric columns report `kolmogorov_smirnov` (D), `wasserstein_sd` (in standard
    /// deviations of the reference) and `psi`; categories `total_variation` and `cramers_v`, texts and embeddings `kolmogorov_smirnov` of a facet; all that miss a value `missing_share` (the difference of the
    /// two shares). A column that drifted by less is reported as drifted, not as material; of several measures each must reach its minimum.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = |n: i32| std::sync::Arc::new(Float64Array::from_iter_values((0..n).map(|i| f64::from(i % 7)))) as ArrayRef;
    /// # let reference = RecordBatch::try_from_iter([("hour", column(70)), ("x", column(70))])?;
    /// use mlops_drift::DriftCheck;
    /// use mlops_core::evidence::Distance;
    /// let check = DriftCheck::against(&reference).effect(Distance::new(0.1, "wasserstein_sd")?);
    /// assert_eq!(check.run(&reference)?.columns[0].minimum_effects.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn effect(mut self, least: Distance) -> Self {
        self.effects.push(least);
        self
    }

    /// The smallest effect that matters in this column, in place of general ones. See [`effect`](Self::effect).
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = |n: i32| std::sync::Arc::new(Float64Array::from_iter_values((0..n).map(|i| f64::from(i % 7)))) as ArrayRef;
    /// # let reference = RecordBatch::try_from_iter([("hour", column(70)), ("x", column(70))])?;
    /// use mlops_drift::DriftCheck;
    /// use mlops_core::evidence::Distance;
    /// let check = DriftCheck::against(&reference).effect_for("x", Distance::new(0.1, "psi")?);
    /// assert!(check.run(&reference)?.columns[0].minimum_effects.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn effect_for(mut self, column: impl Into<String>, least: Distance) -> Self {
        self.effects_for
            .entry(column.into())
            .or_default()
            .push(least);
        self
    }

    /// The correction for the number of tests; by default
    /// [`BenjaminiHochberg`].
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from(vec![1, 2])) as ArrayRef;
    /// # let reference = RecordBatch::try_from_iter([("x", column)])?;
    /// use mlops_drift::{DriftCheck, multiplicity::Holm};
    /// let report = DriftCheck::against(&reference).correction(Holm).run(&reference)?;
    /// assert_eq!(report.correction, "holm");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn correction(mut self, correction: impl Correction + 'static) -> Self {
        self.correction = Arc::new(correction);
        self
    }

    /// A level that holds for windows against this very reference, which is used again and again, but for a chance of `risk` that the
    /// reference is odd; not only on average over references. Columns are compared by
    /// [`CalibrationConditional`](crate::two_sample::CalibrationConditional), which costs power unless the reference is much larger than a window.
    ///
    /// **Guarantee**: with probability at least 1 − risk over references, and for all windows, the probability of a false alarm is at most the
    /// [`level`](Self::level), in the sense and under the dependence that the correction states.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = |n: i32| std::sync::Arc::new(Float64Array::from_iter_values((0..n).map(|i| f64::from(i % 7)))) as ArrayRef;
    /// # let reference = RecordBatch::try_from_iter([("hour", column(70)), ("x", column(70))])?;
    /// use mlops_drift::DriftCheck;
    /// use mlops_core::evidence::SignificanceLevel;
    /// let check = DriftCheck::against(&reference).for_this_reference(SignificanceLevel::FIVE_PERCENT);
    /// let report = check.run(&reference)?;
    /// assert!(!report.verdict.drifted && report.guarantee.contains("this very reference"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn for_this_reference(mut self, risk: SignificanceLevel) -> Self {
        self.reference_risk = Some(risk);
        self
    }

    /// What to make of ±inf; by default they are values at the ends of the order.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = |n: i32| std::sync::Arc::new(Float64Array::from_iter_values((0..n).map(|i| f64::from(i % 7)))) as ArrayRef;
    /// # let reference = RecordBatch::try_from_iter([("hour", column(70)), ("x", column(70))])?;
    /// use mlops_drift::DriftCheck;
    /// use mlops_drift::sample::Infinite;
    /// let check = DriftCheck::against(&reference).infinite(Infinite::Reject);
    /// assert!(check.run(&reference).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn infinite(mut self, infinite: Infinite) -> Self {
        self.infinite = infinite;
        self
    }

    /// Goes on where the current table lacks a column of the reference, has it as another type, or lacks its unit; by default such a table is an error.
    /// The column is reported as [not compared](crate::report::ColumnVerdict::NotCompared), with the [change](crate::report::SchemaChange); the verdict
    /// names it before anything else, JUnit XML has it as an error, OpenMetrics as `column_compared` 0. So is a column that the reference lacks, unless
    /// the columns to compare were [named](Self::columns), and one that only some parts of a table have, such as later batches, or files of a folder.
    ///
    /// Numbers of another width are compared with one another, and so are integers and floats; that the type changed is told in the column's
    /// [notes](crate::report::ColumnReport::notes).
    ///
    /// **Guarantee**: of the columns that are compared, as ever: they are corrected for the tests that are made, and which ones these are is known from
    /// the schema, and from integers too long for floats in other parts, not from how values compare. Nothing is concluded of the others, so
    /// [`drifted`](crate::report::BatchVerdict::drifted) speaks of the compared ones: look at
    /// [`not_compared_columns`](crate::report::BatchVerdict::not_compared_columns) beside it.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = |n: i32| std::sync::Arc::new(Float64Array::from_iter_values((0..n).map(|i| f64::from(i % 7)))) as ArrayRef;
    /// # let reference = RecordBatch::try_from_iter([("hour", column(70)), ("x", column(70))])?;
    /// use mlops_drift::DriftCheck;
    /// use mlops_drift::report::{ColumnVerdict, SchemaChange};
    /// let tonight = RecordBatch::try_from_iter([("x", column(70)), ("y", column(70))])?; // "hour" is lost, "y" is new
    /// assert!(DriftCheck::against(&reference).run(&tonight).is_err());
    ///
    /// let report = DriftCheck::against(&reference).report_schema_changes().run(&tonight)?;
    /// let hour = report.column("hour").unwrap();
    /// assert_eq!(hour.schema_change, Some(SchemaChange::ColumnMissing));
    /// assert_eq!(hour.verdict, ColumnVerdict::NotCompared);
    /// assert_eq!(report.verdict.not_compared_columns, ["hour", "y"]);
    /// assert_eq!(report.column("x").unwrap().verdict, ColumnVerdict::Stable);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn report_schema_changes(mut self) -> Self {
        self.reports_schema_changes = true;
        self
    }

    /// Reads and sorts the reference, for many runs.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a reference without rows or
    /// columns, a null unit, a category that varies within its unit and is to be tested in a way of its own, a minimum effect in a measure
    /// that the column does not report; [`SignatureMismatch`](mlops_core::ErrorKind::SignatureMismatch)
    /// for a named column that the reference lacks, and for two columns of one name; [`Unsupported`](mlops_core::ErrorKind::Unsupported)
    /// for a nested or binary column that was named, or if there is no other.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = |n: i32| std::sync::Arc::new(Float64Array::from_iter_values((0..n).map(|i| f64::from(i % 7)))) as ArrayRef;
    /// # let reference = RecordBatch::try_from_iter([("hour", column(70)), ("x", column(70))])?;
    /// use mlops_drift::DriftCheck;
    /// let prepared = DriftCheck::against(&reference).prepare()?;
    /// assert!(!prepared.run(&reference)?.verdict.drifted);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn prepare(&self) -> Result<PreparedCheck> {
        PreparedCheck::new(self)
    }

    /// Compares one table with the reference.
    ///
    /// # Errors
    /// Those of [`prepare`](Self::prepare) and [`PreparedCheck::run`].
    pub fn run(&self, current: impl Into<Source>) -> Result<DriftReport> {
        self.prepare()?.run(current)
    }
}
