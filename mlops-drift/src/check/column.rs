//! One column: how it is read, of a reference and of a table, and how it is compared.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::ArrayRef;
use mlops_core::evidence::Distance;
use mlops_core::{Error, ErrorKind, Result};

use super::DriftCheck;
use super::compared::Compared;
use super::default_tests::DefaultTests;
use super::method::{Method, Test};
use super::notes::{notes, rounded_away};
use super::observed::{Observed, Units, Values, facets_per_unit, find, observe};
use super::reach::{is_boolean, least_p_value};
use super::selection::{least_effects, unit_of};
use super::source::{ColumnType, Held, Source, in_table, no_rows};
use crate::profile::{self, FacetProfile, Measured};
use crate::report::{ColumnReport, Finding, ReportedColumn, Scale, SchemaChange};
use crate::sample::{ColumnKind, Infinite};
use crate::serial::{ColumnDependence, Series, Watched};
use crate::table::missing;
use crate::two_sample::TestResult;

/// One column of the reference, ready to be compared.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) unit: Option<String>,
    pub(super) data_type: ColumnType,
    pub(super) method: Method,
    tests: DefaultTests,
    /// The smallest effects that matter.
    pub(super) least: Vec<Distance>,
    /// Whether the method is the default one.
    is_default: bool,
    /// Whether units with several labels are compared by permuting units: by the default method alone.
    permutes_units: bool,
    pub(super) reference: Observed,
    /// How much neighbours in the reference resemble each other.
    serial: ColumnDependence,
}

/// The units of a table by the name of their column, each numbered once.
pub(super) type UnitsByName = BTreeMap<String, Units>;

/// Of these columns of a table.
pub(super) fn units_of<'a>(
    source: &Source,
    names: impl Iterator<Item = &'a str>,
) -> Result<UnitsByName> {
    let names: BTreeSet<&str> = names.collect();
    let numbered = names.into_iter().map(|name| {
        let units = Units::of(&source.gather(&[name])?, name)?;
        Ok((name.to_owned(), units))
    });
    numbered.collect()
}

impl Column {
    pub(super) fn prepare(
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
        let is_default = !check.methods.contains_key(name);
        let permutes_units = is_default && check.reference_risk.is_none();
        if let (Values::Units(labels), false) = (&reference.values, permutes_units) {
            labels.require_one_each()?;
        }
        let least = least_effects(check, name, &method)?;
        let first = match &reference.values {
            Values::Profile(values) if of_rows.is_none() && reference.first.is_empty() => {
                first_of(&check.reference, name, values, data_type.kind)?
            }
            _ => reference.first.clone(),
        };
        Ok(Self {
            serial: ColumnDependence::of(&first)?,
            is_default,
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
    pub(super) fn schema_changes(&self, current: &Source) -> Vec<SchemaChange> {
        let own = self.data_type.change_to(current.column_type(&self.name));
        let unit = self.unit.clone();
        let lost = unit.filter(|unit| current.column_type(unit).is_err());
        let of_unit = lost.map(|unit| SchemaChange::UnitMissing { unit });
        own.into_iter().chain(of_unit).collect()
    }

    /// The reference alone: nothing was tested.
    pub(super) fn not_compared(&self, change: SchemaChange) -> ReportedColumn {
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
        let mut first = Series::like(reference, self.data_type.kind);
        let mut watch = |part: &ArrayRef| first.add(part);
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

    pub(super) fn compare(
        &self,
        current: &Source,
        units: &UnitsByName,
        infinite: Infinite,
    ) -> Result<ReportedColumn> {
        let current_type = current.column_type(&self.name)?;
        let current = self.read(current, units, infinite);
        let current = current.map_err(in_table("current"))?;
        let types = [&self.data_type, &current_type];
        let values = [&self.reference.values, &current.values];
        let notes = notes(types, values);
        let testable = self.reference.values.len() > 0 && current.values.len() > 0;
        let value = testable.then(|| self.test(&current.values)).transpose()?;
        let (result, compared) = value.unzip();
        let refused = |result: &Told| result.as_ref().err().cloned();
        let untold = self.tells_nothing().or(result.as_ref().and_then(refused));
        let untold = untold.or_else(|| rounded_away(types, values));
        let result = result.and_then(Told::ok).filter(|_| untold.is_none());
        let mut compared = compared.unwrap_or_default();
        let missing = self
            .tests
            .missing(&self.reference.missing, &current.missing)?;
        let shares = [self.reference.missing.share(), current.missing.share()];
        if missing.is_some() {
            let sizes = [self.reference.missing.len(), current.missing.len()];
            compared.add_missing((shares[0] - shares[1]).abs(), sizes)?;
        }
        let serial = self.serial.or(ColumnDependence::of(&current.first)?);
        let finding = |result: TestResult, suffix: &str| {
            Finding::new(format!("{}{suffix}", self.name), result)
        };
        let has_missing = missing.is_some();
        let of_missing = |result| Finding {
            least_p_value: self
                .tests
                .least_of_missing(&self.reference.missing, &current.missing),
            ..finding(result, ":missing")
        };
        let of_values = |result| Finding {
            least_p_value: least_p_value(&self.method, self.tests, values, self.is_boolean()),
            ..finding(result, "")
        };
        Ok(ReportedColumn {
            value: result.map(of_values),
            missing: missing.map(of_missing),
            report: ColumnReport {
                minimum_effects: self.least.clone(),
                notes,
                not_applicable: untold.or(compared.not_applicable),
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
                serial_correlation: serial.values,
                missing_serial_correlation: serial.missing.filter(|_| has_missing),
                ..ColumnReport::new(&self.name)
            },
        })
    }

    /// Whether its labels are two at most, by a default test.
    fn is_boolean(&self) -> bool {
        self.is_default && is_boolean(&self.data_type.name)
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

    fn test(&self, current: &Values) -> Result<(Told, Compared)> {
        let scale = Scale::of_type(&self.data_type.name);
        match (&self.method.0, &self.reference.values, current) {
            (Test::Numeric(test), Values::Numeric(reference), Values::Numeric(current)) => Ok((
                told(test.test(reference, current))?,
                Compared::of_numbers(reference, current, scale)?,
            )),
            (
                Test::Categorical(test),
                Values::Categorical(reference),
                Values::Categorical(current),
            ) => Ok((
                told(test.test(reference, current))?,
                Compared::of_categories(reference, current)?,
            )),
            (Test::Categorical(test), Values::Units(reference), Values::Units(current)) => {
                if self.permutes_units && reference.mixed().or(current.mixed()).is_some() {
                    return Ok((
                        Ok(reference.test(current)),
                        Compared::of_units(reference, current)?,
                    ));
                }
                current.require_one_each()?;
                let (reference, current) = (reference.one_each(), current.one_each());
                Ok((
                    told(test.test(&reference, &current))?,
                    Compared::of_categories(&reference, &current)?,
                ))
            }
            (_, Values::Profile(reference), Values::Profile(current)) => {
                let (result, compared) = self.tests.profiles(reference, current, scale)?;
                Ok((Ok(result), compared))
            }
            _ => Err(read_in_two_ways()),
        }
    }
}

/// What a test found, or why it cannot be applied to these values.
type Told = std::result::Result<TestResult, String>;

/// A test that refuses the values of a column has nothing to say of it, and the check goes on with the others.
fn told(found: Result<TestResult>) -> Result<Told> {
    match found {
        Err(error) if error.kind() == ErrorKind::InvalidArgument => {
            Ok(Err(format!("its test cannot be applied: {error}")))
        }
        found => found.map(Ok),
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
    let (values, first) = match (&check.reference.0, data_type.kind) {
        (Held::Parts(table), kind @ (ColumnKind::Numeric | ColumnKind::Temporal)) => {
            let watched = Watched::of(table.as_ref(), kind);
            let values = profile::Values::of_reference(kind, &watched, name)?;
            (values, watched.into_series())
        }
        (_, kind) => (profiled(&check.reference, name, kind)?, Series::default()),
    };
    if let profile::Values::Facets(facets) = &values {
        let reference = match units {
            Some(units) => of_units(&check.reference, name, units, facets.measured(), None)?,
            None => Observed::of_profile(values, check.infinite)?,
        };
        return Ok((Method::texts(), reference));
    }
    let reference = match is_of_rows {
        true => rows()?,
        false => Observed {
            first,
            ..Observed::of_profile(values, check.infinite)?
        },
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

/// The first rows of a reference that is profiled like this; nothing of a profile.
fn first_of(
    source: &Source,
    column: &str,
    values: &profile::Values,
    kind: ColumnKind,
) -> Result<Series> {
    let none = Series::like(values, kind);
    match &source.0 {
        Held::Rows(batch) => none.of_table(batch, column),
        Held::Parts(table) => none.of_table(table.as_ref(), column),
        Held::Profile(_) => Ok(Series::default()),
    }
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
