//! The reports for a pull request and as pages.

use std::fmt::Display;

#[cfg(feature = "html")]
use mlops_core::Result;
use mlops_core::evidence::{EValue, Interval, SignificanceLevel};

use super::{
    DriftSlice, DriftSlicesReport, ErrorSlice, ErrorSlicesReport, LossSlice, LossSlicesReport, Part,
};
use crate::report::chart::shorten;
use crate::report::markdown::{Table, escaped};
use crate::report::{named, number, short};
use crate::serial::{Neighbours, SerialCorrelation};

/// Characters of a slice in a headline.
const HEADLINE: usize = 200;
/// New columns that are named.
const NAMES: usize = 12;

/// What all of the reports show: a line, a table, and what is promised.
pub(super) struct Shown<const N: usize> {
    pub(super) headline: String,
    pub(super) header: [&'static str; N],
    pub(super) slices: Vec<[String; N]>,
    /// How many there are, of which those of the table are the surest.
    pub(super) found: usize,
    pub(super) note: String,
}

impl<const N: usize> Shown<N> {
    fn to_markdown(&self) -> String {
        format!(
            "### {}\n\n{}\n{}\n",
            escaped(&self.headline),
            Table::new(self.header).rows("slices", self.slices.iter().cloned()),
            escaped(&self.told())
        )
    }

    /// The note, and that some slices are not in the table.
    pub(super) fn told(&self) -> String {
        match self.found > self.slices.len() {
            true => format!(
                "The {} surest of {} slices are shown. {}",
                self.slices.len(),
                self.found,
                self.note
            ),
            false => self.note.clone(),
        }
    }
}

/// `7 slices drifted, the surest carrier = UA`.
fn counted(found: usize, did: [&str; 2], surest: Option<&impl Display>) -> String {
    let surest = surest.map(|slice| shorten(&slice.to_string(), HEADLINE));
    match (found, surest) {
        (1, Some(slice)) => format!("1 slice {}: {slice}", did[0]),
        (_, Some(slice)) => format!("{found} slices {}, the surest {slice}", did[1]),
        (_, None) => format!("{found} slices {}", did[1]),
    }
}

/// That no slice is found says nothing where none could be.
fn untestable(what: &str, level: SignificanceLevel) -> String {
    format!(
        "No slice could be tested: {what} are too few, or too little divided by these columns, for any slice to reach level {}",
        level.get()
    )
}

/// A sentence, if there is something to say.
fn about_dependence(serial: Option<SerialCorrelation>, of: &str, are_units: bool) -> String {
    let warning = serial.and_then(|serial| serial.warning(Neighbours { of, are_units }));
    let mut letters = warning.as_deref().unwrap_or_default().chars();
    match letters.next() {
        None => String::new(),
        Some(first) => format!(" {}{}.", first.to_uppercase(), letters.as_str()),
    }
}

fn share(part: Part) -> String {
    format!("{:.1} % of {}", 100.0 * part.share(), part.of)
}

fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "–".to_owned(), number)
}

fn ends(interval: Interval) -> String {
    match interval.high() == f64::MAX {
        true => format!("above {}", number(interval.low())),
        false => format!("{} to {}", number(interval.low()), number(interval.high())),
    }
}

fn evidence(e: EValue) -> String {
    match e.ln() {
        ln if ln < 700.0 => number(ln.exp()),
        ln => format!("e^{ln:.0}"),
    }
}

impl DriftSlicesReport {
    /// One line that says the most important thing.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = Arc::new(Int32Array::from_iter_values(0..50)) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// use mlops_drift::slice::DriftSlices;
    /// assert_eq!(DriftSlices::default().find(&table, &table)?.headline(), "No slice drifted");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn headline(&self) -> String {
        let surest = self.worst.first().map(|found| &found.slice);
        let drifted = match self.found {
            0 if self.nothing_testable => untestable("the rows", self.level),
            0 => "No slice drifted".to_owned(),
            found => counted(found, ["drifted"; 2], surest),
        };
        match self.new_columns.len() {
            0 => drifted,
            1 => drifted + "; 1 column is new and in no slice",
            new => format!("{drifted}; {new} columns are new and in no slice"),
        }
    }

    pub(super) fn shown(&self) -> Shown<6> {
        let row = |found: &DriftSlice| {
            [
                found.slice.to_string(),
                share(found.reference),
                share(found.current),
                ratio(found.ratio),
                ends(found.odds_ratio),
                short(found.adjusted.get()),
            ]
        };
        Shown {
            headline: self.headline(),
            header: [
                "slice",
                "reference",
                "now",
                "ratio",
                "odds ratio",
                "adjusted p",
            ],
            slices: self.worst.iter().map(row).collect(),
            found: self.found,
            note: format!(
                "Without drift any slice is reported with probability at most {}, over all that were looked at.{}{}",
                self.level.get(),
                self.about_new_columns(),
                about_dependence(
                    self.most_dependent(),
                    "in the slices shown, ",
                    self.are_units
                ),
            ),
        }
    }

    /// Of the slices shown.
    fn most_dependent(&self) -> Option<SerialCorrelation> {
        let all = self
            .worst
            .iter()
            .filter_map(|found| found.serial_correlation);
        let conspicuous = all.filter(SerialCorrelation::is_conspicuous);
        conspicuous.max_by(|a, b| a.correlation.abs().total_cmp(&b.correlation.abs()))
    }

    fn about_new_columns(&self) -> String {
        match self.new_columns.is_empty() {
            true => String::new(),
            false => format!(
                " Not in the reference, and in no slice: {}.",
                named(self.new_columns.iter(), NAMES)
            ),
        }
    }
}

impl ErrorSlicesReport {
    /// One line that says the most important thing.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = Arc::new(Int32Array::from_iter_values(0..50)) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// use mlops_drift::slice::ErrorSlices;
    /// let report = ErrorSlices::default().find(&table, &[false; 50])?;
    /// assert_eq!(report.headline(), "None of 50 rows is wrong: no slice can err more often than the others");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn headline(&self) -> String {
        let surest = self.worst.first().map(|found| &found.slice);
        let rows = self.errors.of;
        match (self.found, self.errors.rows) {
            (0, 0) => {
                format!("None of {rows} rows is wrong: no slice can err more often than the others")
            }
            (0, wrong) if wrong == rows => {
                format!("All {rows} rows are wrong: no slice can err more often than the others")
            }
            (0, wrong) if self.nothing_testable => {
                let what = format!("{wrong} wrong and {} right rows", rows - wrong);
                untestable(&what, self.level)
            }
            (0, _) => "No slice errs more often than the others".to_owned(),
            (found, _) => counted(
                found,
                [
                    "errs more often than the others",
                    "err more often than the others",
                ],
                surest,
            ),
        }
    }

    pub(super) fn shown(&self) -> Shown<6> {
        let row = |found: &ErrorSlice| {
            [
                found.slice.to_string(),
                share(found.inside),
                share(found.outside),
                ratio(found.ratio),
                ends(found.odds_ratio),
                short(found.adjusted.get()),
            ]
        };
        Shown {
            headline: self.headline(),
            header: [
                "slice",
                "wrong inside",
                "wrong elsewhere",
                "ratio",
                "odds ratio",
                "adjusted p",
            ],
            slices: self.worst.iter().map(row).collect(),
            found: self.found,
            note: format!(
                "Of all rows {} are wrong. If errors depend on nothing, any slice is reported with probability at most {}, over all that were \
                 looked at.{}",
                share(self.errors),
                self.level.get(),
                about_dependence(self.serial_correlation, "errors of ", self.are_units),
            ),
        }
    }
}

impl LossSlicesReport {
    /// One line that says the most important thing.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = Arc::new(Int32Array::from_iter_values(0..50)) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// use mlops_drift::slice::LossSlices;
    /// let report = LossSlices::default().least_rows(5).find(&table, &[0.0; 50])?;
    /// assert_eq!(report.headline(), "No slice was worth a test");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn headline(&self) -> String {
        let surest = self.found.first().map(|found| &found.slice);
        match (self.found.len(), self.candidates) {
            (0, _) if self.nothing_testable => untestable("the rows", self.level),
            (0, 0) => "No slice was worth a test".to_owned(),
            (0, candidates) => format!("None of {candidates} slices tested has a greater loss"),
            (found, _) => counted(found, ["has a greater loss", "have a greater loss"], surest),
        }
    }

    pub(super) fn shown(&self) -> Shown<6> {
        let row = |found: &LossSlice| {
            [
                found.slice.to_string(),
                found.rows.to_string(),
                number(found.inside),
                number(found.outside),
                evidence(found.e_value),
                short(found.adjusted.get()),
            ]
        };
        Shown {
            headline: self.headline(),
            header: [
                "slice",
                "rows",
                "mean loss",
                "elsewhere",
                "e-value",
                "adjusted p",
            ],
            slices: self.found.iter().map(row).collect(),
            found: self.found.len(),
            note: format!(
                "{} slices were tested on {} rows that the search has not seen. Any false one is reported with probability at most {}.{}",
                self.candidates,
                self.rows,
                self.level.get(),
                about_dependence(self.serial_correlation, "losses of ", self.are_units),
            ),
        }
    }
}

/// The formats of a report.
macro_rules! rendered {
    ($report:ident, $example:literal) => {
        impl $report {
            /// The report as Markdown (GitHub's tables), the surest slice first, as many as fit into a comment on GitHub; the others are
            /// counted. Names from the data are escaped: they open no markup and no cell.
            ///
            /// ```
            /// # use std::sync::Arc;
            /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
            /// # let column = Arc::new(Int32Array::from_iter_values(0..50)) as ArrayRef;
            /// # let table = RecordBatch::try_from_iter([("x", column)])?;
            #[doc = $example]
            /// assert!(report.to_markdown().starts_with("### No"));
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            pub fn to_markdown(&self) -> String {
                self.shown().to_markdown()
            }

            /// The report as one HTML page of at most 200 slices, the surest first. It is self-contained: no script, no style sheet, no font
            /// and no link from elsewhere, so it opens offline; names from the data are escaped.
            ///
            /// # Errors
            /// None that input can cause.
            ///
            /// ```
            /// # use std::sync::Arc;
            /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
            /// # let column = Arc::new(Int32Array::from_iter_values(0..50)) as ArrayRef;
            /// # let table = RecordBatch::try_from_iter([("x", column)])?;
            #[doc = $example]
            /// assert!(report.to_html()?.contains("<h1>No"));
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[cfg(feature = "html")]
            pub fn to_html(&self) -> Result<String> {
                super::html::page(&self.shown())
            }
        }
    };
}
rendered!(
    DriftSlicesReport,
    "let report = mlops_drift::slice::DriftSlices::default().find(&table, &table)?;"
);
rendered!(
    ErrorSlicesReport,
    "let report = mlops_drift::slice::ErrorSlices::default().find(&table, &[false; 50])?;"
);
rendered!(
    LossSlicesReport,
    "let report = mlops_drift::slice::LossSlices::default().find(&table, &[0.5; 50])?;"
);
