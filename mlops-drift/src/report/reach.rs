//! What a table's p-values could have shown, beside one another: where they could not, that nothing is rejected is no news.

use mlops_core::evidence::{PValue, SignificanceLevel};

use super::column::short;
use super::{ColumnReport, Finding};
use crate::multiplicity::Correction;

/// Says so of columns whose values could not be rejected, however different, beside the other columns as they are: no evidence of a difference is
/// no news then.
pub(super) fn note_out_of_reach(
    correction: &dyn Correction,
    level: SignificanceLevel,
    columns: &mut [ColumnReport],
) {
    let family = Family::of(correction, level, columns);
    let mut place = 0;
    for column in columns {
        let of_value = place;
        place += column.findings().count();
        let open = column.value.as_ref().filter(|value| !value.rejected);
        let Some(least) = open.map(|value| value.least_p_value) else {
            continue;
        };
        if !family.is_negligible(least) && !family.rejects(of_value, least) {
            let sizes = [column.reference_size, column.current_size];
            let reason = || out_of_reach(sizes, least, family.p_values.len());
            column.not_applicable.get_or_insert_with(reason);
        }
    }
}

/// Says so of findings that permutations cannot decide; and then of those that would be rejected beside them, were they known to be as small as they may be.
pub(super) fn note_undecided(
    correction: &dyn Correction,
    level: SignificanceLevel,
    columns: &mut [ColumnReport],
) {
    let mut family = Family::of(correction, level, columns);
    let all = columns.iter().flat_map(ColumnReport::findings);
    let all: Vec<Finding> = all.cloned().collect();
    let hidden = |family: &Family<'_>| -> Vec<usize> {
        let open = all.iter().enumerate().filter(|(_, one)| !one.rejected);
        let hidden = open.filter(|(place, one)| {
            // No correction rejects what is above the level by itself.
            let own = one.resolution.filter(|own| own.low.rejects_at(level));
            own.is_some_and(|own| own.hides(|p| family.rejects(*place, p)))
        });
        hidden.map(|(place, _)| place).collect()
    };
    let mut undecided = hidden(&family);
    if undecided.is_empty() {
        return;
    }
    for &place in &undecided {
        family.p_values[place] = all[place]
            .resolution
            .map_or(all[place].p_value, |own| own.low);
    }
    let beside = family.adjusted();
    let by_law = all.iter().enumerate().filter(|(place, one)| {
        one.resolution.is_none() && !one.rejected && beside[*place].rejects_at(level)
    });
    undecided.extend(by_law.map(|(place, _)| place));
    undecided.extend(hidden(&family));
    let findings = columns
        .iter_mut()
        .flat_map(|column| column.value.iter_mut().chain(&mut column.missing));
    let mut findings: Vec<&mut Finding> = findings.collect();
    for place in undecided {
        findings[place].undecided = true;
    }
}

/// The p-values of a table, and what becomes of them.
struct Family<'a> {
    correction: &'a dyn Correction,
    level: SignificanceLevel,
    p_values: Vec<PValue>,
}

impl<'a> Family<'a> {
    fn of(
        correction: &'a dyn Correction,
        level: SignificanceLevel,
        columns: &[ColumnReport],
    ) -> Self {
        let findings = columns.iter().flat_map(ColumnReport::findings);
        Self {
            correction,
            level,
            p_values: findings.map(|finding| finding.p_value).collect(),
        }
    }

    fn adjusted(&self) -> Vec<PValue> {
        self.correction.adjust(&self.p_values)
    }

    /// Whether this p-value would be rejected in the place of one of them.
    fn rejects(&self, place: usize, p: PValue) -> bool {
        let mut p_values = self.p_values.clone();
        p_values[place] = p;
        self.correction.adjust(&p_values)[place].rejects_at(self.level)
    }

    /// Whether any correction rejects what is so small, so that it is not worth a look.
    fn is_negligible(&self, p: PValue) -> bool {
        p.get() * (self.p_values.len() as f64).powi(2) <= NEGLIGIBLE * self.level.get()
    }
}

/// The share of a level, by the square of the number of tests, below which a p-value is rejected whatever the correction.
const NEGLIGIBLE: f64 = 1e-3;

fn out_of_reach([reference, current]: [usize; 2], least: PValue, tests: usize) -> String {
    let least = short(least.get());
    let beside = match tests {
        1 => String::new(),
        2 => " beside another test".to_owned(),
        _ => format!(" beside {} other tests", tests - 1),
    };
    format!(
        "too few values to tell any difference{beside}: {reference} against {current} have a p-value of at least {least} before correction, whatever they are"
    )
}
