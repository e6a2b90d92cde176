//! From p-values to verdicts.

use std::collections::BTreeMap;

use mlops_core::evidence::{PValue, SignificanceLevel};

use super::column::ReportedColumn;
use super::first_of;
use super::reach::{note_out_of_reach, note_undecided};
use super::{
    BatchVerdict, ColumnReport, ColumnVerdict, DriftReport, has_minimums, named, version,
    worst_first,
};
use crate::multiplicity::Correction;

impl DriftReport {
    /// Corrects for the number of tests and judges every column and the table.
    pub(crate) fn judge(
        level: SignificanceLevel,
        correction: &dyn Correction,
        reference_risk: Option<SignificanceLevel>,
        rows: [usize; 2],
        columns: Vec<ReportedColumn>,
    ) -> Self {
        let columns = columns.into_iter().map(ReportedColumn::into_report);
        let mut columns: Vec<ColumnReport> = columns.collect();
        let family = correct(correction, level, &mut columns);
        note_out_of_reach(correction, level, &mut columns);
        note_undecided(correction, level, &mut columns);
        columns.iter_mut().for_each(ColumnReport::conclude);
        Self {
            version: version::VERSION,
            verdict: BatchVerdict::of(&columns, level),
            level,
            correction: correction.name().to_owned(),
            guarantee: guarantee(correction, reference_risk, &columns),
            tests: family,
            reference_rows: rows[0],
            current_rows: rows[1],
            columns,
            new_columns: Vec::new(),
        }
    }
}

/// Adjusts the p-values of all findings and says which are rejected; how many there are.
fn correct(
    correction: &dyn Correction,
    level: SignificanceLevel,
    columns: &mut [ColumnReport],
) -> usize {
    let findings = columns.iter().flat_map(ColumnReport::findings);
    let family: Vec<PValue> = findings.map(|finding| finding.p_value).collect();
    let mut adjusted = correction.adjust(&family).into_iter();
    for column in columns {
        let findings = column.value.iter_mut().chain(&mut column.missing);
        for (finding, p) in findings.zip(&mut adjusted) {
            finding.adjusted_p_value = p;
            finding.rejected = p.rejects_at(level);
        }
    }
    family.len()
}

/// What the correction promises, over what, and what was taken for exchangeable.
fn guarantee(
    correction: &dyn Correction,
    reference_risk: Option<SignificanceLevel>,
    columns: &[ColumnReport],
) -> String {
    let promised = correction.guarantee();
    let over = match reference_risk {
        None => format!("{promised}; on average over references"),
        Some(risk) => format!(
            "{promised}; for windows against this very reference, but for a risk of {} that the reference is odd",
            risk.get()
        ),
    };
    format!("{over}; taken for exchangeable: {}", exchangeable(columns))
}

/// The declared units with their columns.
fn exchangeable(columns: &[ColumnReport]) -> String {
    let mut by_unit: BTreeMap<Option<&str>, Vec<&str>> = BTreeMap::new();
    for column in columns {
        by_unit
            .entry(column.unit.as_deref())
            .or_default()
            .push(&column.column);
    }
    let several = by_unit.len() > 1;
    let told = by_unit.into_iter().map(|(unit, columns)| {
        let unit = unit.map_or("rows".to_owned(), |unit| format!("units of {unit}"));
        match columns.len() {
            _ if !several => unit,
            0..=3 => format!("{unit} for {}", columns.join(", ")),
            count => format!("{unit} for {count} columns"),
        }
    });
    let unseen = columns.iter().filter(|column| column.is_unseen()).count();
    let unseen = (unseen > 0).then(|| match unseen {
        1 => "of 1 column nobody can tell whether they are, since both tables are profiles"
            .to_owned(),
        unseen => format!(
            "of {unseen} columns nobody can tell whether they are, since both tables are profiles"
        ),
    });
    told.chain(unseen).collect::<Vec<_>>().join("; ")
}

/// Columns that a verdict's reason names.
const NAMES: usize = 5;

/// The columns that drifted by name, the worst first.
fn worst(columns: &[ColumnReport]) -> String {
    let drifted: Vec<&str> = worst_first(columns)
        .into_iter()
        .filter(|column| column.verdict.is_drift())
        .map(|column| column.column.as_str())
        .collect();
    match drifted.len() {
        0 => String::new(),
        1 => format!(": {}", named(drifted.iter(), NAMES)),
        _ => format!(", the worst first: {}", named(drifted.iter(), NAMES)),
    }
}

impl BatchVerdict {
    fn of(columns: &[ColumnReport], level: SignificanceLevel) -> Self {
        let those = |holds: &dyn Fn(ColumnVerdict) -> bool| -> Vec<String> {
            let found = columns.iter().filter(|column| holds(column.verdict));
            found.map(|column| column.column.clone()).collect()
        };
        let drifted_columns = those(&ColumnVerdict::is_drift);
        let material_columns = those(&|verdict| verdict == ColumnVerdict::Material);
        let undecided = columns.iter().filter(|column| column.materiality_undecided);
        let undecided_columns: Vec<String> =
            undecided.map(|column| column.column.clone()).collect();
        let untested_columns = those(&|verdict| verdict == ColumnVerdict::Untested);
        let lost: Vec<&ColumnReport> = columns
            .iter()
            .filter(|column| column.verdict == ColumnVerdict::NotCompared)
            .collect();
        let nothing_compared = untested_columns.len() + lost.len() == columns.len();
        let dependent = columns.iter().filter(|column| column.is_dependent());
        let dependent: Vec<&str> = dependent.map(|column| column.column.as_str()).collect();
        let mut reasons = Vec::new();
        if !lost.is_empty() {
            reasons.push(schema_changed(&lost, columns.len()));
        }
        if nothing_compared {
            reasons.push(nothing_concluded(columns));
        } else {
            reasons.push(drift_found(columns, columns.len() - lost.len(), level));
            if !undecided_columns.is_empty() {
                reasons.push(format!(
                    "whether the drift of {} is material is undecided",
                    named(undecided_columns.iter(), NAMES)
                ));
            }
            if !untested_columns.is_empty() {
                reasons.push(format!(
                    "{} could not be judged",
                    named(untested_columns.iter(), NAMES)
                ));
            }
        }
        if !dependent.is_empty() && !nothing_compared {
            reasons.push(format!(
                "neighbouring rows or units are dependent in {}, for which that probability need not hold",
                named(dependent.iter(), NAMES)
            ));
        }
        Self {
            drifted: !drifted_columns.is_empty(),
            material: !material_columns.is_empty(),
            drifted_columns,
            material_columns,
            undecided_columns,
            untested_columns,
            nothing_compared,
            not_compared_columns: lost.iter().map(|column| column.column.clone()).collect(),
            reason: reasons.join("; "),
        }
    }
}

/// How many of the compared columns drifted, and which were the worst.
fn drift_found(columns: &[ColumnReport], compared: usize, level: SignificanceLevel) -> String {
    let count = |holds: fn(ColumnVerdict) -> bool| {
        let such = columns.iter().filter(|column| holds(column.verdict));
        such.count()
    };
    let is_open = columns.iter().any(|column| column.materiality_undecided);
    let for_sure = if is_open { " for sure" } else { "" };
    let materially = match has_minimums(columns) {
        true => format!(
            ", {} of them materially{for_sure}",
            count(|verdict| verdict == ColumnVerdict::Material)
        ),
        false => String::new(),
    };
    format!(
        "{} of {compared} columns drifted{materially}{}; without any drift, an alarm has probability at most {level}",
        count(ColumnVerdict::is_drift),
        worst(columns)
    )
}

/// Why no column was compared: a table that nobody could look at is no table without drift.
fn nothing_concluded(columns: &[ColumnReport]) -> String {
    let untested = columns
        .iter()
        .filter(|column| column.verdict == ColumnVerdict::Untested);
    let told = untested.map(|column| format!("{} ({})", column.column, column.reason));
    let why = first_of(told, NAMES);
    let said = "no column could be judged, and nothing is concluded of drift";
    match why.is_empty() {
        true => said.to_owned(),
        false => format!("{said}: {why}"),
    }
}

/// What was not compared, and why: before anything else, so that nobody takes silence for stability.
fn schema_changed(lost: &[&ColumnReport], columns: usize) -> String {
    let told = lost.iter().map(|column| match &column.schema_change {
        Some(change) => format!("{} ({change})", column.column),
        None => column.column.clone(),
    });
    let count = lost.len();
    format!(
        "the schema changed, and {count} of {columns} columns were not compared: {}",
        first_of(told, NAMES)
    )
}
