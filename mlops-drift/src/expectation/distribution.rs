//! Whether a column is distributed as in a reference table.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema};
use mlops_core::evidence::SignificanceLevel;
use mlops_core::{Error, ErrorKind, Result, type_name};

use super::conclusion::Conclusion;
use super::context::Context;
use super::memory::Memory;
use super::on_rows::column;
use super::on_table::TableCheck;
use crate::check::default_test;
use crate::profile::{ColumnProfile, Values};
use crate::sample::{ColumnKind, unsupported};
use crate::table::{field_of, missing};

/// [`Rule::DistributedAs`](super::Rule::DistributedAs): both tables as counts on the reference's grid.
pub(super) struct Distributed {
    column: String,
    level: SignificanceLevel,
    reference: Values,
    current: Values,
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
        require_comparable(field.data_type(), &found)?;
        Ok(Self {
            column: name.to_owned(),
            level,
            current: reference.empty(),
            reference,
        })
    }
}

/// The values of the reference, and what they are.
fn reference(context: &Context, table: &str, name: &str) -> Result<(Values, (ColumnKind, String))> {
    if let Some(profile) = context.find_profile(table) {
        let column = profile.column(name).ok_or_else(|| missing(name))?;
        let found = (column.kind(), column.data_type().to_owned());
        return Ok((column.values().clone(), found));
    }
    let table = context.find(table)?;
    let schema = table.schema();
    let data_type = field_of(&schema, name)?.data_type();
    let kind = ColumnKind::of(data_type);
    if kind == ColumnKind::Unsupported {
        return Err(unsupported(data_type, "numbers or categories"));
    }
    let values = Values::of_reference(kind, table, name)?;
    Ok((values, (kind, type_name(data_type))))
}

/// Of one kind; times also of one type, since their units would differ.
fn require_comparable(current: &DataType, (kind, reference): &(ColumnKind, String)) -> Result<()> {
    let (of, name) = (ColumnKind::of(current), type_name(current));
    if of == *kind && (!of.is_of_one_type() || name == *reference) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::SignatureMismatch,
        format!("the column must be comparable with {reference}, got {name}"),
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
        let compared = Self {
            column: current.name().to_owned(),
            level,
            reference: reference.values().clone(),
            current: current.values().clone(),
        };
        compared.conclude()
    }
}

impl TableCheck for Distributed {
    fn update(&mut self, part: &RecordBatch) -> Result<()> {
        self.current.update(column(part, &self.column)?)
    }

    fn memory(&mut self) -> Option<&mut dyn Memory> {
        Some(&mut self.current)
    }

    fn conclude(&self) -> Result<Conclusion> {
        let sizes = [self.reference.present(), self.current.present()];
        if sizes.contains(&0) {
            let [n, m] = sizes;
            let reason = format!("cannot be compared: {n} values in the reference, {m} here");
            return Ok(Conclusion::new(false, reason));
        }
        let result = match default_test(&self.reference, &self.current)? {
            Ok(result) => result,
            Err(why) => return Ok(Conclusion::not_applicable(&why)),
        };
        let reason = format!("{} of {:.4}", result.method, result.statistic);
        Ok(Conclusion::at_level(result.p_value, self.level, reason))
    }
}
