use mlops_core::Result;
use mlops_core::evidence::{Distance, EValue, PValue, SignificanceLevel};
use serde::{Deserialize, Serialize};

use super::{PreparedCheck, Source};
use crate::multiplicity::ELond;
use crate::report::{ColumnReport, ColumnVerdict, DriftReport};

/// A drift check over time: window after window against one reference, with an error rate for all of them together.
///
/// A check at 5 % alarms without drift in one week of twenty, for ever; and the weeks share a reference, so their errors come
/// together. The monitor combines the p-values of a window (Bonferroni: the least times their number), turns the result into an e-value, and
/// tests that by [`ELond`].
/// **Guarantee**: at any time the expected share of false alarms among all alarms so far is at most alpha, and without any drift an alarm
/// ever comes with probability at most alpha, however windows and columns depend on one another. The reference counts as drawn anew.
/// **Weakness**: pays with power: at 5 %, after twenty quiet windows, an alarm needs a p-value of about 5e-7. A check's own verdict on a
/// window, at its level for that window alone, is in the report.
/// **Assumption**: as the check's, within each window: see [`DriftCheck`](super::DriftCheck).
/// **Source**: Xu & Ramdas (see [`ELond`]); Vovk & Wang (see [`PValue::to_e_value`]).
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, Float64Array, RecordBatch};
/// use mlops_core::evidence::SignificanceLevel;
/// use mlops_drift::{DriftCheck, check::DriftMonitor};
///
/// let week = |shift: f64| {
///     let column = Float64Array::from_iter_values((0..300).map(|i| f64::from(i * 37 % 100) + shift));
///     RecordBatch::try_from_iter([("temperature", Arc::new(column) as ArrayRef)])
/// };
/// let check = DriftCheck::against(&week(0.0)?).prepare()?;
/// let mut monitor = DriftMonitor::new(check.clone(), SignificanceLevel::FIVE_PERCENT);
/// assert!(!monitor.observe("2013-W14", &week(0.0)?)?.0.alarmed);
///
/// let saved = serde_json::to_string(monitor.state())?; // across a restart
/// let mut monitor = DriftMonitor::resume(check, serde_json::from_str(&saved)?);
/// let (window, report) = monitor.observe("2013-W15", &week(60.0)?)?;
/// assert!(window.alarmed && report.verdict.drifted);
/// assert_eq!(monitor.state().windows().len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct DriftMonitor {
    check: PreparedCheck,
    state: MonitorState,
}

/// What a [`DriftMonitor`] has to keep across a restart.
///
/// ```
/// use mlops_core::evidence::SignificanceLevel;
/// use mlops_drift::check::MonitorState;
/// assert!(MonitorState::new(SignificanceLevel::FIVE_PERCENT).windows().is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MonitorState {
    procedure: ELond,
    windows: Vec<Window>,
}

/// What became of one window.
///
/// ```
/// # use arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
/// # let day = RecordBatch::try_from_iter([("x", column)])?;
/// use mlops_core::evidence::SignificanceLevel;
/// use mlops_drift::{DriftCheck, check::DriftMonitor};
/// let check = DriftCheck::against(&day).prepare()?;
/// let mut monitor = DriftMonitor::new(check, SignificanceLevel::FIVE_PERCENT);
/// let (window, _) = monitor.observe("monday", &day)?;
/// assert_eq!((window.name.as_str(), window.alarmed), ("monday", false));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// The caller's name of the window.
    pub name: String,
    /// The p-value of "nothing drifted in this window", under any dependence of the columns.
    pub p_value: PValue,
    /// The same as an e-value.
    pub e_value: EValue,
    /// The level that the window was tested at: it alarms at an e-value of at least the reciprocal.
    pub level: f64,
    /// Whether it alarmed.
    pub alarmed: bool,
    /// What the check said of every column, at its own level for this window alone.
    pub columns: Vec<WindowColumn>,
}

/// What the check said of a column in one window.
///
/// ```
/// # use arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
/// # let day = RecordBatch::try_from_iter([("x", column)])?;
/// use mlops_core::evidence::SignificanceLevel;
/// use mlops_drift::{DriftCheck, check::DriftMonitor};
/// let check = DriftCheck::against(&day).prepare()?;
/// let mut monitor = DriftMonitor::new(check, SignificanceLevel::FIVE_PERCENT);
/// let (window, _) = monitor.observe("monday", &day)?;
/// let x = &window.columns[0];
/// assert_eq!((x.column.as_str(), x.effect.as_ref().map(|d| d.get())), ("x", Some(0.0)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowColumn {
    /// The column's name.
    pub column: String,
    /// The verdict.
    pub verdict: ColumnVerdict,
    /// The primary effect: Kolmogorov and Smirnov's D, or the total variation; `None` if the values could not be compared.
    pub effect: Option<Distance>,
    /// The least adjusted p-value of the column.
    pub adjusted_p_value: PValue,
}

impl Window {
    /// The columns that the check called drifted.
    ///
    /// ```
    /// # use arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
    /// # let day = RecordBatch::try_from_iter([("x", column)])?;
    /// # use mlops_core::evidence::SignificanceLevel;
    /// # use mlops_drift::{DriftCheck, check::DriftMonitor};
    /// # let check = DriftCheck::against(&day).prepare()?;
    /// let mut monitor = DriftMonitor::new(check, SignificanceLevel::FIVE_PERCENT);
    /// assert_eq!(monitor.observe("monday", &day)?.0.drifted_columns().count(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drifted_columns(&self) -> impl Iterator<Item = &str> {
        let drifted = self
            .columns
            .iter()
            .filter(|column| column.verdict.is_drift());
        drifted.map(|column| column.column.as_str())
    }
}

impl WindowColumn {
    fn of(report: &ColumnReport) -> Self {
        let measures = ["kolmogorov_smirnov", "total_variation"];
        Self {
            column: report.column.clone(),
            verdict: report.verdict,
            effect: measures
                .into_iter()
                .find_map(|measure| report.effect(measure))
                .cloned(),
            adjusted_p_value: report.adjusted_p_value(),
        }
    }
}

impl MonitorState {
    /// No window yet, at a false discovery rate of alpha.
    pub fn new(alpha: SignificanceLevel) -> Self {
        Self {
            procedure: ELond::new(alpha),
            windows: Vec::new(),
        }
    }

    /// The rate of false alarms among all alarms that is promised.
    ///
    /// ```
    /// use mlops_core::evidence::SignificanceLevel;
    /// use mlops_drift::check::MonitorState;
    /// let state = MonitorState::new(SignificanceLevel::ONE_PERCENT);
    /// assert_eq!(state.alpha(), SignificanceLevel::ONE_PERCENT);
    /// ```
    pub fn alpha(&self) -> SignificanceLevel {
        self.procedure.alpha()
    }

    /// All windows so far, in their order.
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }
}

impl DriftMonitor {
    /// A monitor at a false discovery rate of alpha.
    pub fn new(check: PreparedCheck, alpha: SignificanceLevel) -> Self {
        Self::resume(check, MonitorState::new(alpha))
    }

    /// A monitor that goes on from a state.
    pub fn resume(check: PreparedCheck, state: MonitorState) -> Self {
        Self { check, state }
    }

    /// What to keep across a restart.
    pub fn state(&self) -> &MonitorState {
        &self.state
    }

    /// Compares the next window with the reference.
    ///
    /// # Errors
    /// [`PreparedCheck::run`]'s; the window does not count then.
    pub fn observe(
        &mut self,
        name: impl Into<String>,
        current: impl Into<Source>,
    ) -> Result<(Window, DriftReport)> {
        let report = self.check.run(current)?;
        let p_value = of_window(&report);
        let e_value = p_value.to_e_value();
        let decision = self.state.procedure.test(e_value);
        let window = Window {
            name: name.into(),
            p_value,
            e_value,
            level: decision.level,
            alarmed: decision.rejected,
            columns: report.columns.iter().map(WindowColumn::of).collect(),
        };
        self.state.windows.push(window.clone());
        Ok((window, report))
    }
}

/// The least p-value times their number.
fn of_window(report: &DriftReport) -> PValue {
    let findings = report.columns.iter().flat_map(|column| column.findings());
    let least = findings
        .map(|finding| finding.p_value.get())
        .fold(1.0, f64::min);
    PValue::saturating(least * report.tests as f64)
}
