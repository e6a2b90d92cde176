//! Which columns a check compares, and that what it says of each fits.

use std::collections::BTreeSet;
use std::sync::Arc;

use mlops_core::evidence::Distance;
use mlops_core::{Error, ErrorKind, Result};

use super::DriftCheck;
use super::column::Column;
use super::method::{MISSING_SHARE, Method, measures};
use super::source::{in_table, require_distinct};
use super::uncompared::Uncompared;
use crate::sample::ColumnKind;

/// The columns to compare, and those that cannot be and that nobody named, or that hold no value, with the reason. If none can be for its type, that
/// is an error.
pub(super) fn comparable(check: &DriftCheck) -> Result<(Vec<String>, Vec<Uncompared>)> {
    let (mut comparable, mut others) = (Vec::new(), Vec::new());
    let mut holds_null = false;
    for name in selected(check) {
        let found = check.reference.column_type(&name)?;
        match found.kind {
            ColumnKind::Null => {
                holds_null = true;
                let why = "the reference holds no value, being of type null";
                others.push(Uncompared::prepare(check, name, found, why.to_owned())?);
            }
            ColumnKind::Unsupported if !is_named(check, &name) => {
                let why = format!("values of type {} cannot be compared", found.name);
                others.push(Uncompared::prepare(check, name, found, why)?);
            }
            _ => comparable.push(name),
        }
    }
    match others.first() {
        Some(Uncompared { name, why, .. }) if comparable.is_empty() && !holds_null => {
            Err(Error::new(ErrorKind::Unsupported, why.as_str()).context("column", name))
        }
        _ => Ok((comparable, others)),
    }
}

/// The columns to compare, in order: those asked for, or all; never a unit, and none that is excepted.
fn selected(check: &DriftCheck) -> Vec<String> {
    let all = || check.reference.columns();
    let asked = check.columns.clone().unwrap_or_else(all);
    let mut seen = BTreeSet::new();
    asked
        .into_iter()
        .filter(|name| check.units.iter().all(|(unit, _)| unit != name))
        .filter(|name| !check.excepted.contains(name))
        .filter(|name| seen.insert(name.clone()))
        .collect()
}

fn is_named(check: &DriftCheck, column: &str) -> bool {
    check.columns.is_some()
        || check.methods.contains_key(column)
        || check.effects_for.contains_key(column)
        || unit_of(check, column).is_some()
}

/// The unit that a column is declared to come in.
pub(super) fn unit_of<'a>(check: &'a DriftCheck, column: &str) -> Option<&'a str> {
    let mut units = check.units.iter();
    let of = units.find(|(_, columns)| columns.iter().any(|name| name == column));
    of.map(|(unit, _)| unit.as_str())
}

/// Every column that the check speaks of must exist, and lie in one unit at most.
pub(super) fn check_names(check: &DriftCheck) -> Result<()> {
    require_distinct(&check.reference, "reference")?;
    let of_units = check
        .units
        .iter()
        .flat_map(|(unit, columns)| std::iter::once(unit).chain(columns));
    let named = of_units
        .chain(check.columns.iter().flatten())
        .chain(&check.excepted)
        .chain(check.methods.keys())
        .chain(check.effects_for.keys());
    for name in named {
        let found = check.reference.column_type(name);
        found.map_err(in_table("reference"))?;
    }
    let mut seen = BTreeSet::new();
    for name in check.units.iter().flat_map(|(_, columns)| columns) {
        if !seen.insert(name) {
            return Err(Error::invalid(format!(
                "a column must belong to one unit, got several for \"{name}\""
            )));
        }
    }
    Ok(())
}

/// The column's own minimum effects, and the general ones in measures that it reports: of the values, where it has none of its own of them; of
/// the missing share likewise.
/// A minimum effect for all columns that none of them reports is a mistake.
pub(super) fn check_effects(check: &DriftCheck, columns: &[Arc<Column>]) -> Result<()> {
    let reported = columns.iter().flat_map(|column| measures(&column.method));
    let known: BTreeSet<&str> = reported.copied().chain([MISSING_SHARE]).collect();
    let unknown = check
        .effects
        .iter()
        .find(|effect| !known.contains(effect.measure()));
    let Some(effect) = unknown.filter(|_| !columns.is_empty()) else {
        return Ok(());
    };
    let known: Vec<&str> = known.into_iter().collect();
    Err(Error::invalid(format!(
        "a minimum effect must be in one of {}, got {}",
        known.join(", "),
        effect.measure()
    )))
}

pub(super) fn least_effects(
    check: &DriftCheck,
    name: &str,
    method: &Method,
) -> Result<Vec<Distance>> {
    let measures = measures(method);
    let reports = |effect: &Distance| is_of_missing(effect) || measures.contains(&effect.measure());
    let mut least = check.effects_for.get(name).cloned().unwrap_or_default();
    if let Some(other) = least.iter().find(|effect| !reports(effect)) {
        return Err(Error::invalid(format!(
            "a minimum effect must be in one of {}, {MISSING_SHARE}, got {}",
            measures.join(", "),
            other.measure()
        )));
    }
    let own = least.clone();
    let general = check.effects.iter().filter(|effect| {
        let is_alike = |own: &Distance| is_of_missing(own) == is_of_missing(effect);
        reports(effect) && !own.iter().any(is_alike)
    });
    least.extend(general.cloned());
    Ok(least)
}

pub(super) fn is_of_missing(effect: &Distance) -> bool {
    effect.measure() == MISSING_SHARE
}
