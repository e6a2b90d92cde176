//! Whether a column is distributed as in a reference table.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use mlops_core::evidence::{PValue, SignificanceLevel};
use mlops_core::{Error, ErrorKind, Result, type_name};
use serde::{Deserialize, Serialize};

use super::column_type::{LAWS, wrong_type};
use super::conclusion::Conclusion;
use super::context::Context;
use super::memory::{Beside, Memory};
use super::number::rounded;
use super::on_rows::column;
use super::on_table::TableCheck;
use crate::check::{ColumnType, default_test, least_of_profiles};
use crate::profile::{ColumnProfile, Values};
use crate::report::{short, unresolved};
use crate::sample::ColumnKind;
use crate::serial::{Neighbours, SerialCorrelation, Series};
use crate::table::{Table, field_of, missing};
use crate::two_sample::Resolution;

/// [`Rule::DistributedAs`](super::Rule::DistributedAs): both tables as counts on the reference's grid.
pub(super) struct Distributed {
    column: String,
    data_type: String,
    level: SignificanceLevel,
    reference: Values,
    /// How much neighbours in the reference resemble each other; `None` of a profile.
    serial: Option<SerialCorrelation>,
    current: Beside<Current>,
}

/// What is kept of the table.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Current {
    values: Values,
    first: Series,
}

impl Distributed {
    pub(super) fn of(
        name: &str,
        table: &str,
        level: SignificanceLevel,
        context: &Context,
        schema: &Schema,
    ) -> Result<Self> {
        let field = field_of(schema, name)?;
        let (reference, found) = reference(context, table, name)?;
        let data_type = ColumnType::of(field.data_type());
        require_comparable(&data_type, &found)?;
        let first = Series::like(&reference, found.kind);
        let serial = match context.find_profile(table) {
            Some(_) => None,
            None => first.of_table(context.find(table)?, name)?.correlation()?,
        };
        let none = Current {
            values: reference.empty(),
            first: Series::like(&reference, data_type.kind),
        };
        Ok(Self {
            column: name.to_owned(),
            data_type: data_type.name,
            level,
            current: Beside::of(&reference, none)?,
            serial,
            reference,
        })
    }
}

/// The values of a table as a reference, if those of a table of this schema can be compared with them.
pub(super) fn comparable_reference(
    name: &str,
    table: &dyn Table,
    schema: &Schema,
) -> Result<Values> {
    let (reference, found) = of_table(table, name)?;
    require_comparable(&ColumnType::of(field_of(schema, name)?.data_type()), &found)?;
    Ok(reference)
}

/// Of tables of which one holds no values, or no units with any.
pub(super) fn none_to_compare([n, m]: [u64; 2], what: &str) -> Conclusion {
    let reason = format!("cannot be compared: {n} {what} in the reference, {m} here");
    Conclusion::new(false, reason)
}

/// The values of the reference, and what they are.
fn reference(context: &Context, table: &str, name: &str) -> Result<(Values, ColumnType)> {
    if let Some(profile) = context.find_profile(table) {
        let column = profile.column(name).ok_or_else(|| missing(name))?;
        return Ok((column.values().clone(), type_of(column)));
    }
    of_table(context.find(table)?, name)
}

fn of_table(table: &dyn Table, name: &str) -> Result<(Values, ColumnType)> {
    let schema = table.schema();
    let data_type = field_of(&schema, name)?.data_type();
    let kind = ColumnKind::of(data_type);
    if kind.has_no_values() {
        return Err(wrong_type(&type_name(data_type), LAWS).context("in", "the reference"));
    }
    let values = Values::of_reference(kind, table, name)?;
    Ok((values, ColumnType::of(data_type)))
}

fn type_of(column: &ColumnProfile) -> ColumnType {
    ColumnType {
        kind: column.kind(),
        name: column.data_type().to_owned(),
    }
}

/// As a [`DriftCheck`](crate::DriftCheck) asks for it.
fn require_comparable(current: &ColumnType, reference: &ColumnType) -> Result<()> {
    if current.is_comparable_with(reference) {
        return Ok(());
    }
    let (reference, current) = (&reference.name, &current.name);
    Err(Error::new(
        ErrorKind::SignatureMismatch,
        format!("the column must be comparable with {reference}, got {current}"),
    ))
}

impl Distributed {
    /// Of a column's profile, against a profile in the context.
    pub(super) fn of_profile(
        current: &ColumnProfile,
        table: &str,
        level: SignificanceLevel,
        context: &Context,
    ) -> Result<Conclusion> {
        let profile = context.find_profile(table);
        let profile = profile.ok_or_else(|| Error::not_found("profile in the context", table))?;
        let reference = profile.column(current.name());
        let reference = reference.ok_or_else(|| missing(current.name()))?;
        require_comparable(&type_of(current), &type_of(reference))?;
        let values = [reference.values(), current.values()];
        conclude(values, level, current.data_type())
    }
}

/// Why no values, or units, of such numbers could fail; `None` if some could.
pub(super) fn out_of_reach(
    least: PValue,
    level: SignificanceLevel,
    [n, m]: [u64; 2],
    what: &str,
) -> Option<String> {
    (!least.rejects_at(level)).then(|| {
        format!(
            "{n} {what} in the reference and {m} here are too few to differ at level {}, whatever they are: their p-value is at \
             least {}",
            rounded(level.get()),
            short(least.get())
        )
    })
}

fn conclude(
    [reference, current]: [&Values; 2],
    level: SignificanceLevel,
    data_type: &str,
) -> Result<Conclusion> {
    let sizes = [reference.present(), current.present()];
    if sizes.contains(&0) {
        return Ok(none_to_compare(sizes, "values"));
    }
    let least = least_of_profiles(reference, current, data_type);
    if let Some(why) = out_of_reach(least, level, sizes, "values") {
        return Ok(Conclusion::not_applicable(&why));
    }
    let result = match default_test(reference, current)? {
        Ok(result) => result,
        Err(why) => return Ok(Conclusion::not_applicable(&why)),
    };
    let reason = format!("{} of {}", result.method, rounded(result.statistic));
    Ok(judge(result.p_value, result.resolution, level, reason))
}

/// One that permutations cannot tell from the level, or from less, has nothing to say.
pub(super) fn judge(
    p: PValue,
    resolution: Option<Resolution>,
    level: SignificanceLevel,
    reason: String,
) -> Conclusion {
    let rejects = |p: PValue| p.rejects_at(level);
    match resolution.filter(|own| !rejects(p) && own.hides(rejects)) {
        None => Conclusion::at_level(p, level, reason),
        Some(own) => Conclusion::not_applicable(&format!(
            "{reason}, p-value {}: {}, so that it does not show whether the level is reached",
            short(p.get()),
            unresolved(own)
        )),
    }
}

impl TableCheck for Distributed {
    fn update(&mut self, part: &RecordBatch) -> Result<()> {
        let values = column(part, &self.column)?;
        self.current.state.first.add(values)?;
        self.current.state.values.update(values)
    }

    fn memory(&mut self) -> Option<&mut dyn Memory> {
        Some(&mut self.current)
    }

    fn conclude(&self) -> Result<Conclusion> {
        let Current { values, first } = &self.current.state;
        let conclusion = conclude([&self.reference, values], self.level, &self.data_type)?;
        let both = self.serial.into_iter().chain(first.correlation()?);
        let serial = SerialCorrelation::of_several(both);
        Ok(conclusion.among(serial, Neighbours::by(None)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// At a level of 2e-4, of which 10,000 permutations show the half: what they show fails, what they leave open is not applicable, with what it may be,
    /// and what they exclude passes.
    #[test]
    fn permutations_fail_pass_or_leave_open() {
        let p = |p: f64| PValue::new(p).unwrap();
        let level = SignificanceLevel::new(2e-4).unwrap();
        let judged = |found: f64, low: f64| {
            let least = p(1e-4);
            let resolution = Resolution { least, low: p(low) };
            let conclusion = judge(p(found), Some(resolution), level, "D".to_owned());
            let says = (conclusion.applicable, conclusion.passed);
            (says, conclusion.reason)
        };
        let told = |what: &str| format!("D, p-value {what}");
        assert_eq!(judged(1e-4, 1e-6), ((true, false), told("0.0001")));
        assert_eq!(judged(1e-3, 3e-4), ((true, true), told("0.0010")));
        let open = |low: &str| {
            format!(
                "nothing to check: D, p-value 0.0003: permutations show no p-value below 0.0001, and this one may be {low}, so that it does not \
                 show whether the level is reached"
            )
        };
        assert_eq!(judged(3e-4, 0.0), ((false, false), open("any less")));
        assert_eq!(
            judged(3e-4, 1e-6),
            ((false, false), open("as small as 1.0e-6"))
        );
        let by_law = judge(p(3e-4), None, level, String::new());
        assert!(by_law.applicable && by_law.passed);
    }
}
