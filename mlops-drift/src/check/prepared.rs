use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use mlops_core::evidence::SignificanceLevel;
use mlops_core::{Digest, Error, ErrorKind, Result};

use super::DriftCheck;
use super::column::{Column, UnitsByName, units_of};
use super::default_tests::DefaultTests;
use super::selection::{check_effects, check_names, comparable, unit_of};
use super::source::{Held, Source, in_table, require_distinct, require_rows, unlike_parts};
use super::uncompared::Uncompared;
use crate::multiplicity::Correction;
use crate::parallel;
use crate::report::{DriftReport, ReportedColumn, SchemaChange, first_of};
use crate::sample::Infinite;

/// Columns that an error names.
const CHANGES: usize = 12;

/// A [`DriftCheck`] whose reference is read and sorted: run it every week.
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::arrow::array::{ArrayRef, RecordBatch, StringArray};
/// use mlops_drift::DriftCheck;
///
/// let week = |label: &str| {
///     RecordBatch::try_from_iter([(
///         "carrier",
///         Arc::new(StringArray::from(vec![label; 60])) as ArrayRef,
///     )])
/// };
/// let check = DriftCheck::against(&week("UA")?).prepare()?;
/// assert!(!check.run(&week("UA")?)?.verdict.drifted);
/// assert!(check.run(&week("B6")?)?.verdict.drifted);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct PreparedCheck {
    columns: Vec<Arc<Column>>,
    /// Columns that were not asked for by name and whose values cannot be compared.
    uncompared: Vec<Uncompared>,
    tests: DefaultTests,
    /// All columns of the reference, unless some were asked for by name.
    known: Option<BTreeSet<String>>,
    level: SignificanceLevel,
    correction: Arc<dyn Correction>,
    reference_risk: Option<SignificanceLevel>,
    infinite: Infinite,
    reports_schema_changes: bool,
    reference_rows: u64,
}

/// A column of the reference, with what the current table has in its place if that cannot be compared.
type WithChange<'a> = (&'a Column, Option<SchemaChange>);

impl fmt::Debug for PreparedCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.columns.iter().map(|column| &column.name);
        f.debug_struct("PreparedCheck")
            .field("columns", &columns.collect::<Vec<_>>())
            .field("level", &self.level)
            .field("correction", &self.correction.name())
            .finish_non_exhaustive()
    }
}

impl PreparedCheck {
    pub(super) fn new(check: &DriftCheck) -> Result<Self> {
        require_rows(&check.reference, "reference")?;
        check_names(check)?;
        let (selected, uncompared) = comparable(check)?;
        let columns = selected.len() + uncompared.len();
        let tests = DefaultTests::of(check.reference_risk, columns.max(1));
        let units = units_of(
            &check.reference,
            selected.iter().filter_map(|name| unit_of(check, name)),
        );
        let units = units.map_err(in_table("reference"))?;
        let columns = parallel::map(&selected, |name| {
            Column::prepare(check, name, tests, &units)
                .map(Arc::new)
                .map_err(|error| unlike_parts(&check.reference, error).context("column", name))
        })?;
        if columns.is_empty() && uncompared.is_empty() {
            return Err(Error::invalid("at least 1 column must be compared, got 0"));
        }
        check_effects(check, &columns)?;
        Ok(Self {
            columns,
            uncompared,
            tests,
            known: check
                .columns
                .is_none()
                .then(|| check.reference.columns().into_iter().collect()),
            level: check.level,
            correction: Arc::clone(&check.correction),
            reference_risk: check.reference_risk,
            infinite: check.infinite,
            reports_schema_changes: check.reports_schema_changes,
            reference_rows: check.reference.rows(),
        })
    }

    /// Compares a table, or the profile of one, with the reference. Columns beyond those of the check are not
    /// compared; those that the reference lacks are [told](DriftReport::new_columns), as a change of the schema where the check
    /// [reports](DriftCheck::report_schema_changes) these.
    ///
    /// # Errors
    /// [`SignatureMismatch`](ErrorKind::SignatureMismatch) naming every column that is missing or of
    /// another kind, unless the check [reports schema changes](DriftCheck::report_schema_changes), and for two columns of one name;
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for a table without rows.
    pub fn run(&self, current: impl Into<Source>) -> Result<DriftReport> {
        self.compare(&current.into())
    }

    /// A digest of the reference and of all settings: two checks with the same one say the same of any table that both compare. Whether schema
    /// changes are reported is none of them, so that a monitor may begin to.
    pub(super) fn fingerprint(&self) -> String {
        let settings = (
            self.level,
            self.correction.name(),
            self.reference_risk,
            self.infinite,
        );
        let mut bytes = format!("{settings:?}").into_bytes();
        for column in &self.columns {
            let how = (
                &column.name,
                &column.unit,
                &column.data_type.name,
                &column.method,
                &column.least,
            );
            bytes.extend(format!("{how:?}").into_bytes());
            column.reference.write_to(&mut bytes);
            // One column after another, so that only one is held twice.
            bytes = Digest::of(&bytes).as_bytes().to_vec();
        }
        for column in &self.uncompared {
            let how = (
                &column.name,
                &column.data_type.name,
                column.missing,
                &column.least,
            );
            bytes.extend(format!("{how:?}").into_bytes());
        }
        Digest::of(&bytes).to_string()
    }

    fn compare(&self, current: &Source) -> Result<DriftReport> {
        require_rows(current, "current")?;
        require_distinct(current, "current")?;
        let mut columns = self.with_schema_changes(current)?;
        let units = self.units(current, &mut columns)?;
        let mut compared = parallel::map(&columns, |(column, change)| match change {
            Some(change) => Ok(column.not_compared(change.clone())),
            None => self.compare_column(column, current, &units),
        })?;
        let others = parallel::map(&self.uncompared, |column| {
            self.compare_missing(column, current)
        })?;
        compared.extend(others);
        let new_columns = self.new_columns(current);
        if self.reports_schema_changes {
            compared.extend(
                new_columns
                    .iter()
                    .map(|name| ReportedColumn::new_column(name)),
            );
        }
        let report = DriftReport::judge(
            self.level,
            self.correction.as_ref(),
            self.reference_risk,
            [self.reference_rows, current.rows()].map(|rows| rows as usize),
            compared,
        );
        Ok(report.with_new_columns(new_columns))
    }

    /// Of the columns that can be compared; those whose units cannot be read are not.
    fn units(&self, current: &Source, columns: &mut [WithChange<'_>]) -> Result<UnitsByName> {
        let mut units = UnitsByName::new();
        for (column, change) in columns.iter_mut() {
            let Some(unit) = column.unit.as_deref().filter(|_| change.is_none()) else {
                continue;
            };
            if units.contains_key(unit) {
                continue;
            }
            match units_of(current, [unit].into_iter()).map_err(in_table("current")) {
                Ok(found) => units.extend(found),
                Err(error) => *change = Some(self.parts_differ(current, error)?),
            }
        }
        Ok(units)
    }

    /// What is told of a column that is there, and cannot be read from every part of the table; other errors are errors.
    fn parts_differ(&self, current: &Source, error: Error) -> Result<SchemaChange> {
        let is_of_parts = matches!(current.0, Held::Parts(_));
        if !self.reports_schema_changes
            || !is_of_parts
            || error.kind() != ErrorKind::SignatureMismatch
        {
            return Err(error);
        }
        let why = error.to_string();
        Ok(SchemaChange::PartsDiffer { why })
    }

    /// One column. That a later part of a table has another schema is known once it is read.
    fn compare_column(
        &self,
        column: &Column,
        current: &Source,
        units: &UnitsByName,
    ) -> Result<ReportedColumn> {
        let compared = column.compare(current, units, self.infinite);
        let compared = compared.or_else(|error| {
            let change = self.parts_differ(current, error)?;
            Ok(column.not_compared(change))
        });
        compared.map_err(|error: Error| error.context("column", &column.name))
    }

    /// One column of which nothing but what is missing can be compared.
    fn compare_missing(&self, column: &Uncompared, current: &Source) -> Result<ReportedColumn> {
        if let Some(change) = column.schema_change(current) {
            return Ok(column.not_compared(change));
        }
        let compared = column.compare(self.tests, current);
        let compared = compared.map_err(in_table("current"));
        compared.or_else(|error| Ok(column.not_compared(self.parts_differ(current, error)?)))
    }

    /// Columns that the reference lacks, if all were to be compared.
    fn new_columns(&self, current: &Source) -> Vec<String> {
        let Some(known) = &self.known else {
            return Vec::new();
        };
        let columns = current.columns().into_iter();
        columns.filter(|name| !known.contains(name)).collect()
    }

    /// Every column with what keeps it from being compared, which is an error unless it is to be reported.
    fn with_schema_changes(&self, current: &Source) -> Result<Vec<WithChange<'_>>> {
        let (mut columns, mut refused) = (Vec::new(), BTreeSet::new());
        for column in &self.columns {
            let changes = column.schema_changes(current);
            refused.extend(changes.iter().map(|change| change.refused(&column.name)));
            columns.push((column.as_ref(), changes.into_iter().next()));
        }
        for column in &self.uncompared {
            let change = column.schema_change(current);
            refused.extend(change.map(|change| change.refused(&column.name)));
        }
        if refused.is_empty() || self.reports_schema_changes {
            return Ok(columns);
        }
        let told = first_of(refused.into_iter(), CHANGES);
        Err(Error::new(
            ErrorKind::SignatureMismatch,
            format!("the current table does not fit the reference: {told}"),
        ))
    }
}
