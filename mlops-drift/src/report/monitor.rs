//! The windows of a monitor for a pull request and for CI servers.

use super::chart::shorten;
use super::junit::{Case, Outcome, suite};
use super::markdown::{Table, escaped};
use crate::check::{MonitorState, Window};

/// Drifted columns that are named.
const NAMES: usize = 12;
/// Characters of a name.
const LENGTH: usize = 80;

/// A window in words.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) verdict: &'static str,
    /// As the style sheet names it.
    #[cfg_attr(not(feature = "html"), allow(dead_code))] // only pages have colours
    pub(super) class: &'static str,
    pub(super) e_value: String,
    pub(super) threshold: String,
    pub(super) told: String,
}

impl Row {
    pub(super) fn of(window: &Window) -> Self {
        let (verdict, class) = match (&window.not_compared, window.alarmed) {
            (Some(_), _) => ("not compared", "untested"),
            (None, true) => ("alarm", "material"),
            (None, false) if window.undecided.is_some() => ("undecided", "untested"),
            (None, false) if window.is_whole() => ("quiet", "stable"),
            (None, false) if window.is_compared() => ("quiet where tested", "untested"),
            (None, false) => ("quiet where compared", "untested"),
        };
        let figure = |value: f64| match window.not_compared {
            Some(_) => "–".to_owned(),
            None => format!("{value:.3e}"),
        };
        Self {
            name: shorten(&window.name, LENGTH),
            verdict,
            class,
            e_value: figure(window.e_value.get()),
            threshold: figure(1.0 / window.level),
            told: match &window.not_compared {
                Some(error) => shorten(error, 500),
                None => columns_of(window),
            },
        }
    }
}

/// Why it is undecided, the columns that drifted, those that were not compared or tested, and those of dependent rows.
fn columns_of(window: &Window) -> String {
    let those = |what: &str, names: &mut dyn Iterator<Item = &str>| {
        let names = named(names, NAMES);
        (!names.is_empty()).then(|| format!("{what}{names}"))
    };
    let told = [
        window.undecided.map(|why| why.to_string()),
        those(
            "drifted at the check's own level: ",
            &mut window.drifted_columns(),
        ),
        those("not compared: ", &mut window.not_compared_columns()),
        those("not tested: ", &mut window.untested_columns()),
        those(
            "neighbouring rows or units are dependent, so that no level need hold, in ",
            &mut window.dependent_columns(),
        ),
    ];
    told.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// The first names, and how many more.
pub(crate) fn named(names: impl Iterator<Item = impl AsRef<str>>, most: usize) -> String {
    first_of(names.map(|name| shorten(name.as_ref(), LENGTH)), most)
}

/// The first texts, and how many more.
pub(crate) fn first_of(texts: impl Iterator<Item = String>, most: usize) -> String {
    let texts: Vec<String> = texts.collect();
    let first = texts[..texts.len().min(most)].join(", ");
    match texts.len().saturating_sub(most) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

impl MonitorState {
    pub(super) fn headline(&self) -> String {
        let counts = self.counts();
        let alarms = match counts.alarmed {
            0 => "No alarm".to_owned(),
            1 => "1 alarm".to_owned(),
            alarms => format!("{alarms} alarms"),
        };
        let alarms = match counts.not_compared {
            0 => alarms,
            1 => format!("{alarms}, 1 window could not be compared"),
            windows => format!("{alarms}, {windows} windows could not be compared"),
        };
        let alarms = match counts.undecided {
            0 => alarms,
            1 => format!("{alarms}, 1 window is undecided"),
            windows => format!("{alarms}, {windows} windows are undecided"),
        };
        let number = |is: fn(&Window) -> bool| {
            let windows = self.windows().iter().filter(|window| is(window));
            windows.count()
        };
        let alarms = match number(|window| !window.is_whole()) {
            0 => alarms,
            1 => format!("{alarms}, 1 window not in all columns"),
            windows => format!("{alarms}, {windows} windows not in all columns"),
        };
        match number(|window| window.dependent_columns().next().is_some()) {
            0 => alarms,
            1 => format!("{alarms}, 1 window of dependent rows"),
            windows => format!("{alarms}, {windows} windows of dependent rows"),
        }
    }

    /// The windows as Markdown (GitHub's tables), newest first, as many as fit into a comment on GitHub. Names are escaped.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
    /// # let day = RecordBatch::try_from_iter([("x", column)])?;
    /// # use mlops_core::evidence::SignificanceLevel;
    /// # use mlops_drift::{DriftCheck, check::DriftMonitor};
    /// # let check = DriftCheck::against(&day).prepare()?;
    /// let mut monitor = DriftMonitor::new(check, SignificanceLevel::FIVE_PERCENT);
    /// monitor.observe("monday", &day)?;
    /// assert!(monitor.state().to_markdown().contains("| monday | quiet |"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_markdown(&self) -> String {
        let header = ["window", "verdict", "e-value", "alarms from", "told"];
        let rows = self.windows().iter().rev().map(Row::of);
        let cells = rows.map(|row| {
            [
                row.name,
                row.verdict.to_owned(),
                row.e_value,
                row.threshold,
                row.told,
            ]
        });
        let counts = self.counts();
        format!(
            "### {}\n\n{}\nWindows compared: {}, not compared: {}; the share of false alarms among the alarms is at most {} on average\n",
            escaped(&self.headline()),
            Table::new(header).rows("windows", cells),
            counts.compared,
            counts.not_compared,
            self.alpha().get()
        )
    }

    /// The windows that are held as JUnit XML: a test case each, which fails if it alarmed, is skipped if it is undecided (an error where every window
    /// is), and an error if it could not be compared, or a column of it was not. Columns that were not tested, and dependent rows, are told.
    ///
    /// ```
    /// use mlops_core::evidence::SignificanceLevel;
    /// use mlops_drift::check::MonitorState;
    /// let state = MonitorState::new(SignificanceLevel::FIVE_PERCENT);
    /// assert!(state.to_junit().contains(r#"tests="0" failures="0""#));
    /// ```
    pub fn to_junit(&self) -> String {
        let told: Vec<String> = self.windows().iter().map(about).collect();
        let is_open = |window: &Window| window.undecided.is_some() || window.not_compared.is_some();
        let nothing_decided = self.windows().iter().all(is_open);
        let cases = self.windows().iter().zip(&told).map(|(window, told)| Case {
            name: &window.name,
            outcome: match (&window.not_compared, window.alarmed) {
                (Some(_), _) => Outcome::Broken(told),
                (None, true) => Outcome::Failed(told),
                (None, false) if !window.is_compared() => Outcome::Broken(told),
                // A suite of skipped cases passes.
                (None, false) if window.undecided.is_some() && nothing_decided => {
                    Outcome::Broken(told)
                }
                (None, false) if window.undecided.is_some() => Outcome::Skipped(told),
                (None, false) if !window.is_whole() => Outcome::Noted(told),
                (None, false) if window.dependent_columns().next().is_some() => {
                    Outcome::Noted(told)
                }
                (None, false) => Outcome::Passed,
            },
        });
        suite("monitor", &cases.collect::<Vec<_>>())
    }
}

fn about(window: &Window) -> String {
    match &window.not_compared {
        Some(error) => error.clone(),
        None => format!(
            "e-value {:.3e}, alarms from {:.3e}; {}",
            window.e_value.get(),
            1.0 / window.level,
            columns_of(window)
        ),
    }
}
