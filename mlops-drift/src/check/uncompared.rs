//! Columns whose values cannot be compared: which are missing can.

use mlops_core::Result;
use mlops_core::evidence::Distance;

use super::DriftCheck;
use super::compared::Compared;
use super::default_tests::DefaultTests;
use super::observed::Missing;
use super::selection::{is_of_missing, unit_of};
use super::source::{ColumnType, Source, in_table, unlike_parts};
use crate::report::{ColumnReport, Finding, ReportedColumn, SchemaChange};
use crate::sample::ColumnKind;
use crate::serial::Series;
use crate::table::missing_rows;

/// A column of a reference that nobody named and of a type that cannot be compared, or that holds no value.
#[derive(Clone)]
pub(super) struct Uncompared {
    pub(super) name: String,
    pub(super) data_type: ColumnType,
    /// Why its values cannot be compared.
    pub(super) why: String,
    /// Rows of the reference that are `[missing, present]`; `None` of a profile, which does not tell, and of a column whose rows depend on one another.
    pub(super) missing: Option<[u64; 2]>,
    /// The smallest change of the missing share that matters.
    pub(super) least: Vec<Distance>,
}

impl Uncompared {
    pub(super) fn prepare(
        check: &DriftCheck,
        name: String,
        data_type: ColumnType,
        why: String,
    ) -> Result<Self> {
        let missing = match unit_of(check, &name) {
            Some(_) => None,
            None => missing_in(&check.reference, &name)
                .map_err(in_table("reference"))
                .map_err(|error| unlike_parts(&check.reference, error))?,
        };
        let own = check.effects_for.get(&name).into_iter().flatten();
        let least = own
            .chain(&check.effects)
            .filter(|effect| is_of_missing(effect));
        Ok(Self {
            least: least.take(1).cloned().collect(),
            name,
            data_type,
            why,
            missing,
        })
    }

    pub(super) fn schema_change(&self, current: &Source) -> Option<SchemaChange> {
        self.data_type.change_to(current.column_type(&self.name))
    }

    /// As many are missing: the test of that, where both tables tell how many.
    pub(super) fn compare(&self, tests: DefaultTests, current: &Source) -> Result<ReportedColumn> {
        let untold = ReportedColumn::not_applicable(&self.name, &self.why);
        let (Some(before), Some(now)) = (self.missing, missing_in(current, &self.name)?) else {
            return Ok(untold);
        };
        let tables = [before, now].map(Missing::Rows);
        let shares = [&tables[0], &tables[1]].map(Missing::share);
        let result = tests.missing(&tables[0], &tables[1])?;
        let mut compared = Compared::default();
        if result.is_some() {
            let sizes = [&tables[0], &tables[1]].map(Missing::len);
            compared.add_missing((shares[0] - shares[1]).abs(), sizes)?;
        }
        let serial = match current.as_table() {
            Ok(table) => Series::of_kind(ColumnKind::Unsupported)
                .of_table(table, &self.name)?
                .correlation_of_missing()?,
            Err(_) => None,
        };
        Ok(ReportedColumn {
            missing: result.map(|result| Finding::new(format!("{}:missing", self.name), result)),
            report: ColumnReport {
                minimum_effects: self.least.clone(),
                effects: compared.effects,
                intervals: compared.intervals,
                missing_unknown: false,
                reference_missing: shares[0],
                current_missing: shares[1],
                missing_serial_correlation: serial.filter(|_| shares != [0.0; 2]),
                ..untold.report
            },
            ..untold
        })
    }

    /// The reference alone.
    pub(super) fn not_compared(&self, change: SchemaChange) -> ReportedColumn {
        let untold = ReportedColumn::not_applicable(&self.name, &self.why);
        ReportedColumn::without_test(ColumnReport {
            schema_change: Some(change),
            reference_missing: self.missing.map_or(0.0, |rows| Missing::Rows(rows).share()),
            ..untold.report
        })
    }
}

/// How many rows of a column are `[missing, present]`; `None` of a profile.
///
/// # Errors
/// What reading the column can cause.
fn missing_in(source: &Source, column: &str) -> Result<Option<[u64; 2]>> {
    let Ok(table) = source.as_table() else {
        return Ok(None);
    };
    let counted = missing_rows(table, column);
    counted
        .map(Some)
        .map_err(|error| error.context("column", column))
}
