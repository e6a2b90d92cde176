use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use mlops_core::evidence::{Distance, SignificanceLevel};
use mlops_core::{Digest, Error, ErrorKind, Result};

use super::DriftCheck;
use super::compared::Compared;
use super::default_tests::DefaultTests;
use super::method::{MISSING_SHARE, Method, Test, measures};
use super::notes::notes;
use super::observed::{FIRST, Observed, Units, Values, facets_per_unit, find, first_of, observe};
use super::reach::least_p_value;
use super::source::{ColumnType, Held, Source, no_rows};
use super::uncompared::{Uncompared, missing_rows};
use crate::multiplicity::Correction;
use crate::parallel;
use crate::profile::{self, FacetProfile, Measured};
use crate::report::{
    ColumnReport, DriftReport, Finding, ReportedColumn, Scale, SchemaChange, SerialCorrelation,
};
use crate::sample::{ColumnKind, Infinite, numbers};
use crate::table::missing;
use crate::two_sample::TestResult;

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

/// One column of the reference, ready to be compared.
struct Column {
    name: String,
    unit: Option<String>,
    data_type: ColumnType,
    method: Method,
    tests: DefaultTests,
    /// The smallest effects that matter.
    least: Vec<Distance>,
    /// Whether units with several labels are compared by permuting units: by the default method alone.
    permutes_units: bool,
    reference: Observed,
}

/// A column of the reference, with what the current table has in its place if that cannot be compared.
type WithChange<'a> = (&'a Column, Option<SchemaChange>);

/// The units of a table by the name of their column, each numbered once.
type UnitsByName = BTreeMap<String, Units>;

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
        let refused: Vec<String> = refused.into_iter().collect();
        Err(Error::new(
            ErrorKind::SignatureMismatch,
            format!(
                "the current table does not fit the reference: {}",
                refused.join("; ")
            ),
        ))
    }
}

impl Column {
    fn prepare(
        check: &DriftCheck,
        name: &str,
        tests: DefaultTests,
        units: &UnitsByName,
    ) -> Result<Self> {
        let data_type = check.reference.column_type(name)?;
        let unit = unit_of(check, name).map(str::to_owned);
        let of_rows = unit.as_deref().and_then(|unit| units.get(unit));
        let (method, reference) = match check.methods.get(name) {
            Some(_) if check.reference_risk.is_some() => {
                return Err(Error::invalid(format!(
                    "a level for this very reference needs the default method, got another for \"{name}\""
                )));
            }
            Some(method) if method.is_by_facets() => {
                let reference = match of_rows {
                    Some(units) => of_units(&check.reference, name, units, Measured::Texts, None),
                    None => texts_of(&check.reference, name)
                        .and_then(|texts| Observed::of_profile(texts, check.infinite)),
                };
                (method.clone(), reference.map_err(in_table("reference"))?)
            }
            Some(method) => {
                let reference = read(&check.reference, name, of_rows, method, check.infinite);
                (method.clone(), reference.map_err(in_table("reference"))?)
            }
            None => by_default(check, name, of_rows, &data_type, tests)
                .map_err(in_table("reference"))?,
        };
        let permutes_units = !check.methods.contains_key(name) && check.reference_risk.is_none();
        if let (Values::Units(labels), false) = (&reference.values, permutes_units) {
            labels.require_one_each()?;
        }
        let least = least_effects(check, name, &method)?;
        Ok(Self {
            permutes_units,
            name: name.to_owned(),
            unit,
            data_type,
            method,
            tests,
            least,
            reference,
        })
    }

    /// What keeps this column of the current table, whose columns have names of their own, from being compared.
    fn schema_changes(&self, current: &Source) -> Vec<SchemaChange> {
        let own = self.data_type.change_to(current.column_type(&self.name));
        let unit = self.unit.clone();
        let lost = unit.filter(|unit| current.column_type(unit).is_err());
        let of_unit = lost.map(|unit| SchemaChange::UnitMissing { unit });
        own.into_iter().chain(of_unit).collect()
    }

    /// The reference alone: nothing was tested.
    fn not_compared(&self, change: SchemaChange) -> ReportedColumn {
        ReportedColumn::without_test(ColumnReport {
            schema_change: Some(change),
            minimum_effects: self.least.clone(),
            unit: self.unit.clone(),
            reference_size: self.reference.values.len(),
            reference_missing: self.reference.missing.share(),
            ..ColumnReport::new(&self.name)
        })
    }

    fn read(&self, current: &Source, units: &UnitsByName, infinite: Infinite) -> Result<Observed> {
        let units = self.unit.as_deref().and_then(|unit| units.get(unit));
        let Values::Profile(reference) = &self.reference.values else {
            return read(current, &self.name, units, &self.method, infinite);
        };
        if let (Some(units), profile::Values::Facets(reference)) = (units, reference) {
            let of = reference.measured();
            return of_units(current, &self.name, units, of, Some(reference));
        }
        let mut first = Vec::new();
        let is_numeric = self.data_type.kind == ColumnKind::Numeric;
        let mut watch = |part: &ArrayRef| {
            if is_numeric && first.len() < FIRST {
                let part = numbers(&part.slice(0, part.len().min(FIRST)))?;
                first = first_of(std::mem::take(&mut first).into_iter().chain(part));
            }
            Ok(())
        };
        let values = match &current.0 {
            Held::Rows(batch) => reference.like_watched(batch, &self.name, &mut watch)?,
            Held::Parts(table) => reference.like_watched(table.as_ref(), &self.name, &mut watch)?,
            // Of a column of type null a profile knows the type alone.
            Held::Profile(profile) if profile.column(&self.name).is_none() => {
                reference.of_missing(profile.rows())
            }
            Held::Profile(_) => profiled(current, &self.name, self.data_type.kind)?,
        };
        Ok(Observed {
            first,
            ..Observed::of_profile(values, infinite)?
        })
    }

    fn compare(
        &self,
        current: &Source,
        units: &UnitsByName,
        infinite: Infinite,
    ) -> Result<ReportedColumn> {
        let current_type = current.column_type(&self.name)?;
        let current = self.read(current, units, infinite);
        let current = current.map_err(in_table("current"))?;
        let notes = notes(
            [&self.data_type, &current_type],
            [&self.reference.values, &current.values],
        );
        let testable = self.reference.values.len() > 0 && current.values.len() > 0;
        let value = testable.then(|| self.test(&current.values)).transpose()?;
        let (result, compared) = value.unzip();
        let tells_nothing = self.tells_nothing();
        let result = result.filter(|_| tells_nothing.is_none());
        let mut compared = compared.unwrap_or_default();
        let missing = self
            .tests
            .missing(&self.reference.missing, &current.missing)?;
        let shares = [self.reference.missing.share(), current.missing.share()];
        if missing.is_some() {
            let sizes = [self.reference.missing.len(), current.missing.len()];
            compared.add_missing((shares[0] - shares[1]).abs(), sizes)?;
        }
        let finding = |result: TestResult, suffix: &str| {
            Finding::new(format!("{}{suffix}", self.name), result)
        };
        Ok(ReportedColumn {
            least_p_value: least_p_value(
                &self.method,
                self.tests,
                &self.reference.values,
                &current.values,
            ),
            value: result.map(|result| finding(result, "")),
            missing: missing.map(|result| finding(result, ":missing")),
            report: ColumnReport {
                minimum_effects: self.least.clone(),
                notes,
                not_applicable: tells_nothing.or(compared.not_applicable),
                moved: compared.moved,
                effects: compared.effects,
                intervals: compared.intervals,
                brackets: compared.brackets,
                distribution: compared.distribution,
                unit: self.unit.clone(),
                reference_size: self.reference.values.len(),
                current_size: current.values.len(),
                reference_infinite: self.reference.values.infinite(),
                current_infinite: current.values.infinite(),
                reference_missing: shares[0],
                current_missing: shares[1],
                serial_correlation: SerialCorrelation::of(&current.first)?,
                ..ColumnReport::new(&self.name)
            },
        })
    }

    /// Why the test tells nothing, whatever the current table holds. No p-value is made of it then, which others would be corrected for.
    fn tells_nothing(&self) -> Option<String> {
        match (&self.method.0, &self.reference.values) {
            (Test::Numeric(test), Values::Numeric(reference)) => test.tells_nothing(reference),
            (Test::Categorical(test), Values::Categorical(reference)) => {
                test.tells_nothing(reference)
            }
            _ => None,
        }
    }

    fn test(&self, current: &Values) -> Result<(TestResult, Compared)> {
        let scale = Scale::of_type(&self.data_type.name);
        match (&self.method.0, &self.reference.values, current) {
            (Test::Numeric(test), Values::Numeric(reference), Values::Numeric(current)) => Ok((
                test.test(reference, current)?,
                Compared::of_numbers(reference, current, scale)?,
            )),
            (
                Test::Categorical(test),
                Values::Categorical(reference),
                Values::Categorical(current),
            ) => Ok((
                test.test(reference, current)?,
                Compared::of_categories(reference, current)?,
            )),
            (Test::Categorical(test), Values::Units(reference), Values::Units(current)) => {
                if self.permutes_units && reference.mixed().or(current.mixed()).is_some() {
                    return Ok((
                        reference.test(current),
                        Compared::of_units(reference, current)?,
                    ));
                }
                current.require_one_each()?;
                let (reference, current) = (reference.one_each(), current.one_each());
                Ok((
                    test.test(&reference, &current)?,
                    Compared::of_categories(&reference, &current)?,
                ))
            }
            (_, Values::Profile(reference), Values::Profile(current)) => {
                self.tests.profiles(reference, current, scale)
            }
            _ => Err(read_in_two_ways()),
        }
    }
}

pub(super) fn read_in_two_ways() -> Error {
    Error::new(ErrorKind::Internal, "a column was read in two ways")
}

fn read(
    source: &Source,
    column: &str,
    units: Option<&Units>,
    method: &Method,
    infinite: Infinite,
) -> Result<Observed> {
    let batch = source.gather(&[column])?;
    observe(find(&batch, column)?, units, method.is_numeric(), infinite)
}

/// The unit that a column is declared to come in.
fn unit_of<'a>(check: &'a DriftCheck, column: &str) -> Option<&'a str> {
    let mut units = check.units.iter();
    let of = units.find(|(_, columns)| columns.iter().any(|name| name == column));
    of.map(|(unit, _)| unit.as_str())
}

fn units_of<'a>(source: &Source, names: impl Iterator<Item = &'a str>) -> Result<UnitsByName> {
    let names: BTreeSet<&str> = names.collect();
    let numbered = names.into_iter().map(|name| {
        let units = Units::of(&source.gather(&[name])?, name)?;
        Ok((name.to_owned(), units))
    });
    numbered.collect()
}

/// The default method for a column, and the reference read for it. Columns with a unit, and those of rows, are read as rows; texts and
/// embeddings always as facets, by unit where there is one.
fn by_default(
    check: &DriftCheck,
    name: &str,
    units: Option<&Units>,
    data_type: &ColumnType,
    tests: DefaultTests,
) -> Result<(Method, Observed)> {
    let method = tests.method(data_type)?;
    let rows = || read(&check.reference, name, units, &method, check.infinite);
    let is_of_rows = units.is_some() || matches!(check.reference.0, Held::Rows(_));
    if is_of_rows && method.is_numeric() {
        return Ok((method.clone(), rows()?));
    }
    let values = profiled(&check.reference, name, data_type.kind)?;
    if let profile::Values::Facets(facets) = &values {
        let reference = match units {
            Some(units) => of_units(&check.reference, name, units, facets.measured(), None)?,
            None => Observed::of_profile(values, check.infinite)?,
        };
        return Ok((Method::texts(), reference));
    }
    let reference = match is_of_rows {
        true => rows()?,
        false => Observed::of_profile(values, check.infinite)?,
    };
    Ok((method, reference))
}

/// The facets of a column by unit, counted like the reference, if it is not this one.
fn of_units(
    source: &Source,
    column: &str,
    units: &Units,
    of: Measured,
    reference: Option<&FacetProfile>,
) -> Result<Observed> {
    let batch = source.gather(&[column])?;
    facets_per_unit(find(&batch, column)?, units, of, reference)
}

/// A column of a source as texts.
fn texts_of(source: &Source, column: &str) -> Result<profile::Values> {
    match &source.0 {
        Held::Rows(batch) => profile::Values::of_texts(batch, column),
        Held::Parts(table) => profile::Values::of_texts(table.as_ref(), column),
        Held::Profile(profile) => match profile.column(column).map(|found| found.values()) {
            Some(values @ profile::Values::Facets(_)) => Ok(values.clone()),
            Some(_) => Err(no_rows()),
            None => Err(missing(column)),
        },
    }
}

/// A column of a source as a profile of its own.
fn profiled(source: &Source, column: &str, kind: ColumnKind) -> Result<profile::Values> {
    match &source.0 {
        Held::Rows(batch) => profile::Values::of_reference(kind, batch, column),
        Held::Parts(table) => profile::Values::of_reference(kind, table.as_ref(), column),
        Held::Profile(profile) => {
            let found = profile.column(column).ok_or_else(|| missing(column))?;
            Ok(found.values().clone())
        }
    }
}

/// An error for a table without rows.
pub(crate) fn require_rows(source: &Source, role: &str) -> Result<()> {
    if source.rows() > 0 {
        return Ok(());
    }
    let of_nothing = match source.columns().as_slice() {
        [] => ", and no column: a list of batches must not be empty",
        _ => "",
    };
    Err(Error::invalid(format!(
        "the {role} table must hold at least 1 row, got 0{of_nothing}"
    )))
}

/// What to do about a reference of which a column, though it is there, cannot be read from every part.
fn unlike_parts(reference: &Source, error: Error) -> Error {
    if !matches!(reference.0, Held::Parts(_)) || error.kind() != ErrorKind::SignatureMismatch {
        return error;
    }
    Error::new(
        ErrorKind::SignatureMismatch,
        format!(
            "every part of the reference must have the column, as types of one meaning; leave out the column, by `except`, or the parts that differ: {error}"
        ),
    )
}

/// An error for two columns of one name.
fn require_distinct(source: &Source, role: &'static str) -> Result<()> {
    source.columns().iter().try_for_each(|name| {
        let found = source.column_type(name);
        found.map(drop).map_err(in_table(role))
    })
}

/// Says which of the two tables an error is of.
pub(crate) fn in_table(role: &'static str) -> impl Fn(Error) -> Error {
    move |error| error.context("table", role)
}

/// The columns to compare, and those that cannot be and that nobody named, or that hold no value, with the reason. If none can be for its type, that
/// is an error.
fn comparable(check: &DriftCheck) -> Result<(Vec<String>, Vec<Uncompared>)> {
    let (mut comparable, mut others) = (Vec::new(), Vec::new());
    let mut holds_null = false;
    for name in selected(check) {
        let found = check.reference.column_type(&name)?;
        match found.kind {
            ColumnKind::Null => {
                holds_null = true;
                let why = "the reference holds no value, being of type null";
                others.push(uncompared(check, name, found, why.to_owned())?);
            }
            ColumnKind::Unsupported if !is_named(check, &name) => {
                let why = format!("values of type {} cannot be compared", found.name);
                others.push(uncompared(check, name, found, why)?);
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

fn uncompared(
    check: &DriftCheck,
    name: String,
    data_type: ColumnType,
    why: String,
) -> Result<Uncompared> {
    let missing = match unit_of(check, &name) {
        Some(_) => None,
        None => missing_rows(&check.reference, &name)
            .map_err(in_table("reference"))
            .map_err(|error| unlike_parts(&check.reference, error))?,
    };
    let own = check.effects_for.get(&name).into_iter().flatten();
    let least = own
        .chain(&check.effects)
        .filter(|effect| is_of_missing(effect));
    Ok(Uncompared {
        least: least.take(1).cloned().collect(),
        name,
        data_type,
        why,
        missing,
    })
}

fn is_of_missing(effect: &Distance) -> bool {
    effect.measure() == MISSING_SHARE
}

fn is_named(check: &DriftCheck, column: &str) -> bool {
    check.columns.is_some()
        || check.methods.contains_key(column)
        || check.effects_for.contains_key(column)
        || unit_of(check, column).is_some()
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

/// Every column that the check speaks of must exist, and lie in one unit at most.
fn check_names(check: &DriftCheck) -> Result<()> {
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
fn check_effects(check: &DriftCheck, columns: &[Arc<Column>]) -> Result<()> {
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

fn least_effects(check: &DriftCheck, name: &str, method: &Method) -> Result<Vec<Distance>> {
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
