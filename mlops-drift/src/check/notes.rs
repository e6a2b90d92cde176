//! What to know of how a column was compared, beside its verdict.

use super::observed::Values;
use super::source::ColumnType;
use crate::profile;
use crate::report::SchemaChange;
use crate::sample::{ColumnKind, EXACT};

/// Of the reference's column and the current one.
pub(super) fn notes(types: [&ColumnType; 2], values: [&Values; 2]) -> Vec<String> {
    let rounded = are_rounded(types, values).then(|| {
        "values of more digits than 2^53 are compared as the nearest floating-point numbers"
            .to_owned()
    });
    retyped(types).into_iter().chain(rounded).collect()
}

/// Why integers cannot be told apart: as floats they are all the same, or one of two neighbours. Nobody minds what is so little of times and decimals.
pub(super) fn rounded_away(types: [&ColumnType; 2], values: [&Values; 2]) -> Option<String> {
    let ends = values.into_iter().flat_map(extremes).flatten();
    let ends: Vec<f64> = ends.filter(|end| end.is_finite()).collect();
    let greatest = ends.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let least = ends.iter().copied().fold(f64::INFINITY, f64::min);
    let step = f64::EPSILON * greatest.abs().max(least.abs());
    let is_integer = |of: &&ColumnType| ["int64", "uint64"].contains(&of.name.as_str());
    let is_so = types.iter().all(is_integer) && greatest - least <= step;
    (is_so && are_rounded(types, values)).then(|| {
        "the values lie closer together than the floating-point numbers as which they are compared".to_owned()
    })
}

fn are_rounded(types: [&ColumnType; 2], values: [&Values; 2]) -> bool {
    let mut columns = types.into_iter().zip(values);
    columns.any(|(of, values)| is_rounded(of, values))
}

/// Numbers of another width are comparable, yet a change of whoever writes them.
fn retyped([from, to]: [&ColumnType; 2]) -> Option<String> {
    let are_numbers = [from, to].iter().all(|of| of.kind == ColumnKind::Numeric);
    (are_numbers && from.name != to.name).then(|| {
        let (from, to) = (from.name.clone(), to.name.clone());
        SchemaChange::TypeChanged { from, to }.to_string()
    })
}

/// Whether some of the values have more digits than a float, or may have.
fn is_rounded(of: &ColumnType, values: &Values) -> bool {
    let exact_below = profile::types_in(&of.name).filter_map(exact_below);
    let limit = exact_below.fold(f64::INFINITY, f64::min);
    let mut ends = extremes(values).into_iter().flatten();
    ends.any(|end| end.abs() >= limit && limit.is_finite())
}

/// The size below which floats tell the values of a type apart; `None` of floats and of narrow integers, which they hold, and of what is no number. Of
/// times in their own unit.
fn exact_below(data_type: &str) -> Option<f64> {
    let name = data_type.to_lowercase();
    let of_dictionary = name
        .strip_prefix("dictionary(")
        .and_then(|of| of.split_once(", "));
    let name = of_dictionary.map_or(name.as_str(), |(_, values)| values);
    if let Some((_, digits)) = name
        .split_once("decimal")
        .and_then(|(_, of)| of.split_once(", "))
    {
        let scale = digits.trim_end_matches(')').parse().ok()?;
        return Some(EXACT / 10_f64.powi(scale));
    }
    let wide = ["int64", "uint64", "timestamp", "time(", "duration", "date"];
    wide.iter()
        .any(|wide| name.starts_with(wide))
        .then_some(EXACT)
}

fn extremes(values: &Values) -> [Option<f64>; 2] {
    match values {
        Values::Numeric(sample) => {
            let sorted = sample.sorted();
            [sorted.first().copied(), sorted.last().copied()]
        }
        Values::Profile(profile::Values::Numeric(profile)) => {
            let moments = profile.moments();
            [moments.least(), moments.greatest()]
        }
        _ => [None; 2],
    }
}
