use std::collections::BTreeSet;
use std::fmt;

use mlops_core::evidence::{Distance, EValue, PValue, SignificanceLevel};
use mlops_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::{PreparedCheck, Source};
use crate::multiplicity::{ELond, is_rejected};
use crate::report::{ColumnReport, ColumnVerdict, DriftReport, Finding, version};

/// Windows that a state holds unless told otherwise.
const KEPT: usize = 200;
/// Windows that a state may count: no number of them overflows.
const MOST: u64 = 1 << 53;
/// Names of alarms that a state holds.
const ALARMS: usize = 1_000;

/// A drift check over time: window after window against one reference, with an error rate for all of them together.
///
/// A check at 5 % alarms without drift in one week of twenty, for ever; and the weeks share a reference, so their errors come
/// together. The monitor combines the p-values of a window (Bonferroni: the least times their number), turns the result into an e-value, and
/// tests that by [`ELond`].
/// **Guarantee**: at any time the expected share of false alarms among all alarms so far is at most alpha, and without any drift an alarm
/// ever comes with probability at most alpha, however windows and columns depend on one another. The reference counts as drawn anew.
/// **Weakness**: pays with power: at 5 %, after twenty quiet windows, an alarm needs a p-value of about 5e-7. A check's own verdict on a
/// window, at its level for that window alone, is in the report. The level of a window falls for ever but for
/// a step up after every alarm: a drift so slow that no window shows it by itself is never seen. Alarms are of drift of any size; minimum effects of
/// the check are told in each window's report.
/// Columns by a [`Method`](super::Method) that permutes without a bound beside it (any [`PermutationTest`](crate::two_sample::PermutationTest),
/// and distances as tests) end at p-values of 1 in 10,000, of which no window alarms: leave these to the default. A window that they cannot decide, or one
/// of too few rows to ever alarm, is [undecided](Window::undecided), not quiet.
/// **State**: the last 200 windows, or as many as [`MonitorState::keep`] says, and counts of all. Older ones are the caller's, who was
/// given each when it was observed.
/// **Assumption**: as the check's, within each window: see [`DriftCheck`](super::DriftCheck).
/// **Source**: Xu & Ramdas (see [`ELond`]); Vovk & Wang (see [`PValue::to_e_value`]).
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
/// use mlops_core::evidence::SignificanceLevel;
/// use mlops_drift::{DriftCheck, check::{DriftMonitor, MonitorState}};
///
/// let week = |shift: f64| {
///     let column = Float64Array::from_iter_values((0..300).map(|i| f64::from(i * 37 % 100) + shift));
///     RecordBatch::try_from_iter([("temperature", Arc::new(column) as ArrayRef)])
/// };
/// let check = DriftCheck::against(&week(0.0)?).prepare()?;
/// let mut monitor = DriftMonitor::new(check.clone(), SignificanceLevel::FIVE_PERCENT);
/// assert!(!monitor.observe("2013-W14", &week(0.0)?)?.0.alarmed);
///
/// let saved = monitor.state().to_json()?; // across a restart
/// let mut monitor = DriftMonitor::resume(check, MonitorState::from_json(&saved)?)?;
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
    #[serde(deserialize_with = "version::known")]
    version: u16,
    procedure: ELond,
    /// The fingerprint of the check; `None` before any.
    check: Option<String>,
    keep: usize,
    /// The last ones.
    windows: Vec<Window>,
    counts: WindowCounts,
    /// The names of the windows that alarmed, the last ones.
    alarms: Vec<String>,
}

/// What became of all windows, of those too that a state no longer holds.
///
/// ```
/// use mlops_core::evidence::SignificanceLevel;
/// use mlops_drift::check::MonitorState;
/// assert_eq!(MonitorState::new(SignificanceLevel::FIVE_PERCENT).counts().compared, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowCounts {
    /// Compared with the reference.
    pub compared: u64,
    /// Of these, those that alarmed.
    pub alarmed: u64,
    /// Of those that were compared, those that are undecided.
    #[serde(default)]
    pub undecided: u64,
    /// Not compared, for an error.
    pub not_compared: u64,
}

/// What became of one window.
///
/// ```
/// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
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
    /// The level that the window was tested at: it alarms at an e-value of at least the reciprocal. 0 of a window that was not compared.
    pub level: f64,
    /// Whether it alarmed.
    pub alarmed: bool,
    /// Why that it did not tells nothing, where that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undecided: Option<Undecided>,
    /// What the check said of every column, at its own level for this window alone.
    pub columns: Vec<WindowColumn>,
    /// Why it could not be compared at all, where that is so: nothing was concluded then, and nothing spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_compared: Option<String>,
}

/// Why a window that did not alarm is no quiet one.
///
/// ```
/// use mlops_drift::check::Undecided;
/// assert!(Undecided::TooFew.to_string().contains("too few rows"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undecided {
    /// No p-value of so few rows reaches the level, whatever they hold.
    TooFew,
    /// Permutations [cannot show](crate::two_sample::Resolution) whether the p-value does.
    Permutations,
}

impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooFew => "too few rows to alarm, whatever they hold: take longer windows",
            Self::Permutations => {
                "permutations cannot show whether it should alarm: leave columns to their default methods, or draw more"
            }
        })
    }
}

/// What the check said of a column in one window.
///
/// ```
/// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
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
    /// Whether its values are too few to make the window alarm by themselves, whatever they are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub out_of_reach: bool,
    /// Whether its neighbouring rows, or units, [resemble each other](ColumnReport::is_dependent), so that no level need hold.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dependent: bool,
}

impl Window {
    /// The columns that the check called drifted.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
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

    /// The columns that were not compared, since the window's schema is another, new ones among them: of a check that
    /// [reports schema changes](super::DriftCheck::report_schema_changes).
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
    /// # let day = RecordBatch::try_from_iter([("x", column.clone()), ("y", column)])?;
    /// # use mlops_core::evidence::SignificanceLevel;
    /// # use mlops_drift::{DriftCheck, check::DriftMonitor};
    /// let check = DriftCheck::against(&day).report_schema_changes().prepare()?;
    /// let mut monitor = DriftMonitor::new(check, SignificanceLevel::FIVE_PERCENT);
    /// let (window, _) = monitor.observe("monday", &day.project(&[0])?)?;
    /// assert_eq!(window.not_compared_columns().collect::<Vec<_>>(), ["y"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn not_compared_columns(&self) -> impl Iterator<Item = &str> {
        let lost = self.columns.iter().filter(|column| !column.is_compared());
        lost.map(|column| column.column.as_str())
    }

    /// The columns of which nothing is concluded, since their values could not be tested, or so few could tell nothing at the level of the check or of the
    /// window.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
    /// # let day = RecordBatch::try_from_iter([("x", column)])?;
    /// # use mlops_core::evidence::SignificanceLevel;
    /// # use mlops_drift::{DriftCheck, check::DriftMonitor};
    /// let check = DriftCheck::against(&day).level(SignificanceLevel::ONE_PERCENT).prepare()?;
    /// let mut monitor = DriftMonitor::new(check, SignificanceLevel::FIVE_PERCENT);
    /// assert_eq!(monitor.observe("noon", &day.slice(50, 1))?.0.untested_columns().count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn untested_columns(&self) -> impl Iterator<Item = &str> {
        let untested = |column: &&WindowColumn| {
            column.verdict == ColumnVerdict::Untested || column.out_of_reach
        };
        let untested = self.columns.iter().filter(untested);
        untested.map(|column| column.column.as_str())
    }

    /// The columns of which neighbouring rows, or units, resemble each other, so that no level need hold.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
    /// # let sorted = RecordBatch::try_from_iter([("x", column)])?;
    /// # use mlops_core::evidence::SignificanceLevel;
    /// # use mlops_drift::{DriftCheck, check::DriftMonitor};
    /// let check = DriftCheck::against(&sorted).prepare()?;
    /// let mut monitor = DriftMonitor::new(check, SignificanceLevel::FIVE_PERCENT);
    /// assert_eq!(monitor.observe("monday", &sorted)?.0.dependent_columns().collect::<Vec<_>>(), ["x"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn dependent_columns(&self) -> impl Iterator<Item = &str> {
        let dependent = self.columns.iter().filter(|column| column.dependent);
        dependent.map(|column| column.column.as_str())
    }

    /// Whether every column was compared.
    pub(crate) fn is_compared(&self) -> bool {
        self.columns.iter().all(WindowColumn::is_compared)
    }

    /// Whether something was concluded of every column.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_compared() && self.untested_columns().next().is_none()
    }
}

impl WindowColumn {
    pub(crate) fn is_compared(&self) -> bool {
        self.verdict != ColumnVerdict::NotCompared
    }

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
            out_of_reach: false,
            dependent: report.is_dependent(),
        }
    }
}

impl Window {
    fn not_compared(name: &str, why: String) -> Self {
        let p_value = PValue::saturating(1.0);
        Self {
            name: name.to_owned(),
            p_value,
            e_value: p_value.to_e_value(),
            level: 0.0,
            alarmed: false,
            undecided: None,
            columns: Vec::new(),
            not_compared: Some(why),
        }
    }
}

impl MonitorState {
    /// No window yet, at a false discovery rate of alpha.
    pub fn new(alpha: SignificanceLevel) -> Self {
        Self {
            version: version::VERSION,
            procedure: ELond::new(alpha),
            check: None,
            keep: KEPT,
            windows: Vec::new(),
            counts: WindowCounts::default(),
            alarms: Vec::new(),
        }
    }

    /// How many of the last windows are held, 200 by default; 0 counts as 1. Names are known as long as their windows are held.
    ///
    /// ```
    /// use mlops_core::evidence::SignificanceLevel;
    /// use mlops_drift::check::MonitorState;
    /// let state = MonitorState::new(SignificanceLevel::FIVE_PERCENT).keep(24 * 7);
    /// assert!(state.windows().is_empty());
    /// ```
    #[must_use]
    pub fn keep(mut self, windows: usize) -> Self {
        self.keep = windows.max(1);
        self.forget();
        self
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

    /// The last windows, in their order.
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// Of all windows.
    pub fn counts(&self) -> WindowCounts {
        self.counts
    }

    /// The names of the windows that alarmed, in their order, the last thousand.
    pub fn alarms(&self) -> &[String] {
        &self.alarms
    }

    /// The state as JSON.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string(self)?)
    }

    /// A state from its JSON.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for a newer version; [`InvalidArgument`](ErrorKind::InvalidArgument) for anything else that is no
    /// state.
    pub fn from_json(json: &str) -> Result<Self> {
        let state: Self = version::from_json(json)?;
        state.require_windows()?;
        state.require_counts()?;
        Ok(state)
    }

    /// An error unless windows are those of one check, told apart by their names.
    fn require_windows(&self) -> Result<()> {
        let windows = self.windows.iter();
        let names: BTreeSet<&str> = windows.clone().map(|window| window.name.as_str()).collect();
        let mut levels = windows.map(|window| window.level);
        let is_of_a_check = self.check.is_some() || self.counts.compared == 0;
        let are_apart = names.len() == self.windows.len();
        if is_of_a_check
            && are_apart
            && self.keep > 0
            && levels.all(|level| (0.0..=1.0).contains(&level))
        {
            return Ok(());
        }
        Err(Error::invalid(
            "not a state: it must tell its check, keep at least 1 window, each under a name of its own and at a level in [0, 1]",
        ))
    }

    /// An error unless counts are those of the windows, and of more perhaps.
    fn require_counts(&self) -> Result<()> {
        let held = self.windows.len() as u64;
        let number = |is: fn(&Window) -> bool| {
            let windows = self.windows.iter().filter(|window| is(window));
            windows.count() as u64
        };
        let failed = number(|window| window.not_compared.is_some());
        let alarming = number(|window| window.alarmed).max(self.alarms.len() as u64);
        let open = number(|window| window.undecided.is_some());
        let WindowCounts {
            compared,
            alarmed,
            undecided,
            not_compared,
        } = self.counts;
        let are_possible = compared.max(not_compared) <= MOST
            && alarmed <= compared
            && undecided <= compared - alarmed;
        let are_those = failed <= not_compared
            && held - failed <= compared
            && alarming <= alarmed
            && open <= undecided;
        if are_possible && are_those {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "not a state: it counts {alarmed} alarms and {undecided} undecided of {compared} windows, and {not_compared} that were not compared, of {held} that it holds"
        )))
    }

    fn known(&self, name: &str) -> Option<&Window> {
        let compared = self
            .windows
            .iter()
            .filter(|window| window.not_compared.is_none());
        compared.rev().find(|window| window.name == name)
    }

    /// The next window, in place of an earlier attempt at it that came to nothing.
    fn record(&mut self, window: Window) {
        let before = self.windows.len();
        self.windows
            .retain(|known| known.not_compared.is_none() || known.name != window.name);
        self.counts.not_compared -= (before - self.windows.len()) as u64;
        match window.not_compared {
            Some(_) => self.counts.not_compared += 1,
            None => self.counts.compared += 1,
        }
        self.counts.undecided += u64::from(window.undecided.is_some());
        if window.alarmed {
            self.counts.alarmed += 1;
            self.alarms.push(window.name.clone());
        }
        self.windows.push(window);
        self.forget();
    }

    fn forget(&mut self) {
        self.windows
            .drain(..self.windows.len().saturating_sub(self.keep));
        self.alarms
            .drain(..self.alarms.len().saturating_sub(ALARMS));
    }
}

impl DriftMonitor {
    /// A monitor at a false discovery rate of alpha.
    pub fn new(check: PreparedCheck, alpha: SignificanceLevel) -> Self {
        let mut state = MonitorState::new(alpha);
        state.check = Some(check.fingerprint());
        Self { check, state }
    }

    /// A monitor that goes on from a state.
    ///
    /// # Errors
    /// [`SignatureMismatch`](ErrorKind::SignatureMismatch) for the state of a check with another reference or other settings: what the monitor
    /// promises is of one check.
    pub fn resume(check: PreparedCheck, mut state: MonitorState) -> Result<Self> {
        let fingerprint = check.fingerprint();
        match &state.check {
            Some(known) if *known != fingerprint => Err(Error::new(
                ErrorKind::SignatureMismatch,
                format!(
                    "the check must be the one of the state, with its reference and settings, got {fingerprint} for {known}"
                ),
            )),
            _ => {
                state.check = Some(fingerprint);
                Ok(Self { check, state })
            }
        }
    }

    /// What to keep across a restart.
    pub fn state(&self) -> &MonitorState {
        &self.state
    }

    /// Compares the next window with the reference. A window whose name the state knows is not tested again: the recorded verdict is
    /// given and nothing spent, so that a window may be delivered twice.
    ///
    /// # Errors
    /// [`PreparedCheck::run`]'s; the window is recorded as not compared then, and spends nothing. It may come again. So may a window in which
    /// nothing was tested, such as one of another schema where the check [reports schema changes](super::DriftCheck::report_schema_changes); that is
    /// no error.
    pub fn observe(
        &mut self,
        name: impl Into<String>,
        current: impl Into<Source>,
    ) -> Result<(Window, DriftReport)> {
        let name = name.into();
        let known = self.state.known(&name).cloned();
        let report = match (self.check.run(current), known) {
            (report, Some(known)) => return Ok((known, report?)),
            (Err(error), None) => {
                self.state
                    .record(Window::not_compared(&name, error.to_string()));
                return Err(error.context("window", name));
            }
            (Ok(report), None) => report,
        };
        if report.tests == 0 {
            return Ok((self.nothing_compared(name, &report), report));
        }
        let p_value = of_window(&report);
        let e_value = p_value.to_e_value();
        let decision = self.state.procedure.test(e_value);
        let window = Window {
            name,
            p_value,
            e_value,
            level: decision.level,
            alarmed: decision.rejected,
            undecided: undecided(&report, decision.level).filter(|_| !decision.rejected),
            columns: columns_at(&report, decision.level),
            not_compared: None,
        };
        self.state.record(window.clone());
        Ok((window, report))
    }

    /// A window in which nothing was tested spends nothing either, and may come again.
    fn nothing_compared(&mut self, name: String, report: &DriftReport) -> Window {
        let window = Window::not_compared(&name, report.verdict.reason.clone());
        self.state.record(window.clone());
        window
    }
}

fn findings(report: &DriftReport) -> impl Iterator<Item = &Finding> {
    report.columns.iter().flat_map(ColumnReport::findings)
}

/// The least p-value times their number.
fn of_window(report: &DriftReport) -> PValue {
    least_of(report, |finding| finding.p_value)
}

fn least_of(report: &DriftReport, p: fn(&Finding) -> PValue) -> PValue {
    let least = findings(report).map(|finding| p(finding).get());
    of_all(report, PValue::saturating(least.fold(1.0, f64::min)))
}

/// Bonferroni: of the least of the report's p-values.
fn of_all(report: &DriftReport, least: PValue) -> PValue {
    PValue::saturating(least.get() * report.tests.max(1) as f64)
}

/// The columns, and whether the values of each could have alarmed at this level.
fn columns_at(report: &DriftReport, level: f64) -> Vec<WindowColumn> {
    let is_beyond = |column: &ColumnReport| {
        let least = column.value.as_ref().map(|value| value.least_p_value);
        least.is_some_and(|least| !is_rejected(of_all(report, least).to_e_value(), level))
    };
    let columns = report.columns.iter().map(|column| WindowColumn {
        out_of_reach: is_beyond(column),
        ..WindowColumn::of(column)
    });
    columns.collect()
}

/// Why a window that did not alarm at this level could not have, or may have had to.
fn undecided(report: &DriftReport, level: f64) -> Option<Undecided> {
    let alarms = |p: PValue| is_rejected(p.to_e_value(), level);
    if !alarms(least_of(report, |finding| finding.least_p_value)) {
        return Some(Undecided::TooFew);
    }
    let mut told = findings(report).filter_map(|finding| finding.resolution);
    let is_hidden = told.any(|own| own.map(|p| of_all(report, p)).hides(alarms));
    is_hidden.then_some(Undecided::Permutations)
}
