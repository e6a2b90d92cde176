//! What to know of how a column was compared, beside its verdict.

use super::observed::Values;
use super::source::ColumnType;
use crate::profile;
use crate::report::SchemaChange;
use crate::sample::{ColumnKind, EXACT};

/// Of the reference's column and the current one.
pub(super) fn notes(types: [&ColumnType; 2], values: [&Values; 2]) -> Vec<String> {
    let rounded = types
        .iter()
        .zip(values)
        .any(|(of, values)| is_rounded(of, values));
    let rounded = rounded.then(|| {
        "integers beyond 2^53 are compared as the nearest floating-point numbers".to_owned()
    });
    retyped(types).into_iter().chain(rounded).collect()
}

/// Numbers of another width are comparable, yet a change of whoever writes them.
fn retyped([from, to]: [&ColumnType; 2]) -> Option<String> {
    let are_numbers = [from, to].iter().all(|of| of.kind == ColumnKind::Numeric);
    (are_numbers && from.name != to.name).then(|| {
        let (from, to) = (from.name.clone(), to.name.clone());
        SchemaChange::TypeChanged { from, to }.to_string()
    })
}

/// Whether some of the values are integers that no float holds, or may be.
fn is_rounded(of: &ColumnType, values: &Values) -> bool {
    let is_wide = ["int64", "uint64"].contains(&of.name.as_str());
    is_wide
        && extremes(values)
            .into_iter()
            .flatten()
            .any(|end| end.abs() >= EXACT)
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
