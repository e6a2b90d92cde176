use mlops_core::evidence::{PValue, SignificanceLevel};

use super::expected::Expectation;
use super::found::Found;
use super::number::rounded;
use super::rule::Rule;
use crate::binomial;
use crate::report::short;
use crate::serial::{Neighbours, SerialCorrelation};

/// What a table comes to under one expectation.
pub(super) struct Conclusion {
    pub(super) passed: bool,
    /// Whether there was anything to check.
    pub(super) applicable: bool,
    pub(super) p_value: Option<PValue>,
    /// How much neighbours resemble each other, of an expectation at a level.
    pub(super) serial_correlation: Option<SerialCorrelation>,
    pub(super) reason: String,
}

impl Conclusion {
    pub(super) fn new(passed: bool, reason: String) -> Self {
        Self {
            passed,
            applicable: true,
            p_value: None,
            serial_correlation: None,
            reason,
        }
    }

    pub(super) fn at_level(p: PValue, level: SignificanceLevel, reason: String) -> Self {
        Self {
            p_value: Some(p),
            ..Self::new(
                !p.rejects_at(level),
                format!("{reason}, p-value {}", short(p.get())),
            )
        }
    }

    /// The same of rows, or units, of which neighbours resemble each other so much.
    pub(super) fn among(mut self, serial: Option<SerialCorrelation>, of: Neighbours<'_>) -> Self {
        let warning = serial.and_then(|serial| serial.warning(of));
        if let Some(warning) = warning.filter(|_| self.p_value.is_some()) {
            self.reason = format!("{}; {warning}", self.reason);
        }
        self.serial_correlation = serial;
        self
    }

    /// Of a rule that had nothing to check: neither passed nor failed.
    pub(super) fn not_applicable(reason: &str) -> Self {
        Self {
            applicable: false,
            ..Self::new(false, format!("nothing to check: {reason}"))
        }
    }

    pub(super) fn unchecked(reason: &str) -> Self {
        Self::new(false, format!("cannot be checked: {reason}"))
    }

    /// Of a rule on rows, in a table of so many.
    pub(super) fn of_rows(expectation: &Expectation, found: &Found, rows: u64) -> Self {
        Self::of_rows_up_to(expectation, found, found.broken, rows)
    }

    /// The same where at least those found break the rule, and at most so many.
    pub(super) fn of_rows_up_to(
        expectation: &Expectation,
        found: &Found,
        most: u64,
        rows: u64,
    ) -> Self {
        if let Some(reason) = nothing_to_check(expectation, found, rows) {
            return Self::not_applicable(&reason);
        }
        let Found {
            rows,
            missing,
            broken,
            ..
        } = *found;
        let mut reason = match (broken, found.examples.first()) {
            (0, _) if most > 0 => format!("broken by at most {most} of {rows} rows"),
            (0, _) => format!("obeyed by all {rows} rows"),
            (least, _) if least < most => format!("broken by at least {least} of {rows} rows"),
            (_, None) => format!("broken by {broken} of {rows} rows"),
            (_, Some(first)) => format!("broken by {broken} of {rows} rows, first by row {first}"),
        };
        if missing > 0 && expectation.rule().reads_values() {
            reason += &format!(", and {missing} miss a value");
        }
        let (broken, of) = match &found.units {
            Some(units) => (units.broken(), units.len()),
            None => (broken, rows),
        };
        if found.units.is_some() {
            reason += &format!("; {broken} of {of} units hold a row that breaks it");
        }
        match (expectation.obeying_share(), expectation.significance()) {
            (mostly, Some(level)) => {
                Self::at_level(binomial::at_least(broken, of, 1.0 - mostly), level, reason)
            }
            (mostly, None) => Self::new(obeying(of - broken, of) >= mostly, reason),
        }
    }
}

fn obeying(rows: u64, of: u64) -> f64 {
    match of {
        0 => 1.0,
        of => rows as f64 / of as f64,
    }
}

/// Why a rule on rows said nothing; `None` if it did. A type is that of the column, whatever its rows.
fn nothing_to_check(expectation: &Expectation, found: &Found, rows: u64) -> Option<String> {
    let rule = expectation.rule();
    if matches!(rule, Rule::Type(_)) {
        return None;
    }
    match (found.rows, rows) {
        (0, 0) => Some("the table has no rows".into()),
        (0, all) => Some(format!("none of {all} rows meets the condition")),
        (n, _) if n == found.missing && rule.reads_values() => {
            Some(format!("a value is missing in each of {n} rows"))
        }
        _ => out_of_reach(expectation, found),
    }
}

/// Why a rule at a level would hold whatever the rows are; `None` if it could fail.
fn out_of_reach(expectation: &Expectation, found: &Found) -> Option<String> {
    let level = expectation.significance()?;
    let missing = match expectation.rule().reads_values() {
        true => found.missing,
        false => 0,
    };
    let (values, rows) = (found.rows - missing, found.rows);
    let (fallible, all) = match &found.units {
        Some(units) if expectation.rule().reads_values() => (units.with_value(), units.len()),
        Some(units) => (units.len(), units.len()),
        None => (values, rows),
    };
    let of_units = found.units.as_ref();
    let of_units = of_units.map_or(String::new(), |units| format!(" of {} units", units.len()));
    let least = binomial::at_least(fallible, all, 1.0 - expectation.obeying_share());
    (!least.rejects_at(level)).then(|| {
        format!(
            "{values} values in {rows} rows{of_units} are too few to fail at level {}, whatever they are: their p-value is at least {}",
            rounded(level.get()),
            short(least.get())
        )
    })
}
