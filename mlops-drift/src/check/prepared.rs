use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::DataType;
use mlops_core::evidence::{Distance, SignificanceLevel};
use mlops_core::{Error, ErrorKind, Result};

use super::DriftCheck;
use super::method::{Method, Test, categorical_effects, measures, missing_test, numeric_effects};
use super::observed::{Missing, Observed, Units, Values, find, observe};
use crate::multiplicity::Correction;
use crate::report::{ColumnReport, Distribution, DriftReport, Finding, ReportedColumn};
use crate::sample::{ColumnKind, Infinite};
use crate::two_sample::{ChiSquare, KolmogorovSmirnov, TestResult, TwoSampleTest};

/// A [`DriftCheck`] whose reference is read and sorted: run it every week.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, RecordBatch, StringArray};
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
    level: SignificanceLevel,
    correction: Arc<dyn Correction>,
    infinite: Infinite,
    reference_rows: usize,
}

/// One column of the reference, ready to be compared.
struct Column {
    name: String,
    unit: Option<String>,
    data_type: DataType,
    method: Method,
    least: Option<Distance>,
    reference: Observed,
}

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
        let columns = selected(check)
            .into_iter()
            .map(|name| {
                Column::prepare(check, &name)
                    .map(Arc::new)
                    .map_err(|error| error.context("column", name))
            })
            .collect::<Result<Vec<_>>>()?;
        if columns.is_empty() {
            return Err(Error::invalid("at least 1 column must be compared, got 0"));
        }
        Ok(Self {
            columns,
            level: check.level,
            correction: Arc::clone(&check.correction),
            infinite: check.infinite,
            reference_rows: check.reference.num_rows(),
        })
    }

    /// Compares one table with the reference. Columns beyond those of the check are ignored.
    ///
    /// # Errors
    /// [`SignatureMismatch`](ErrorKind::SignatureMismatch) naming every column that is missing or of
    /// another kind; [`InvalidArgument`](ErrorKind::InvalidArgument) for a table without rows.
    pub fn run(&self, current: &RecordBatch) -> Result<DriftReport> {
        self.check_schema(current)?;
        require_rows(current, "current")?;
        let compared = self
            .columns
            .iter()
            .map(|column| {
                column
                    .compare(current, self.infinite)
                    .map_err(|error| error.context("column", &column.name))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(DriftReport::judge(
            self.level,
            self.correction.as_ref(),
            [self.reference_rows, current.num_rows()],
            compared,
        ))
    }

    fn check_schema(&self, current: &RecordBatch) -> Result<()> {
        let differences: Vec<String> = self
            .columns
            .iter()
            .flat_map(|column| column.differences(current))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        if differences.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::SignatureMismatch,
            format!(
                "the current table does not fit the reference: {}",
                differences.join("; ")
            ),
        ))
    }
}

impl Column {
    fn prepare(check: &DriftCheck, name: &str) -> Result<Self> {
        let array = find(&check.reference, name)?;
        let method = match check.methods.get(name) {
            Some(method) => method.clone(),
            None => default_method(array.data_type())?,
        };
        let unit = check
            .units
            .iter()
            .find(|(_, columns)| columns.iter().any(|column| column == name))
            .map(|(unit, _)| unit.clone());
        let least = least_effect(check, name, method.is_numeric())?;
        let reference = read(
            &check.reference,
            array,
            unit.as_deref(),
            &method,
            check.infinite,
        )?;
        Ok(Self {
            name: name.to_owned(),
            unit,
            data_type: array.data_type().clone(),
            method,
            least,
            reference,
        })
    }

    /// What keeps this column of the current table from being compared.
    fn differences(&self, current: &RecordBatch) -> Vec<String> {
        let mut differences = Vec::new();
        if let Some(unit) = &self.unit
            && current.column_by_name(unit).is_none()
        {
            differences.push(format!("unit column \"{unit}\" is missing"));
        }
        match current.column_by_name(&self.name) {
            None => differences.push(format!("column \"{}\" is missing", self.name)),
            Some(array) if !comparable(&self.data_type, array.data_type()) => {
                differences.push(format!(
                    "column \"{}\" must be comparable with {}, got {}",
                    self.name,
                    self.data_type,
                    array.data_type()
                ));
            }
            Some(_) => {}
        }
        differences
    }

    fn compare(&self, current: &RecordBatch, infinite: Infinite) -> Result<ReportedColumn> {
        let array = find(current, &self.name)?;
        let current = read(current, array, self.unit.as_deref(), &self.method, infinite)?;
        let testable = self.reference.values.len() > 0 && current.values.len() > 0;
        let value = testable.then(|| self.test(&current.values)).transpose()?;
        let (result, mut effects, distribution) = match value {
            Some((result, effects, distribution)) => (Some(result), effects, Some(distribution)),
            None => (None, Vec::new(), None),
        };
        let missing = self.test_missing(&current.missing)?;
        let shares = [self.reference.missing.share(), current.missing.share()];
        if missing.is_some() {
            effects.push(Distance::new(
                (shares[0] - shares[1]).abs(),
                "missing_share",
            )?);
        }
        let finding = |result: TestResult, suffix: &str| {
            Finding::new(format!("{}{suffix}", self.name), result)
        };
        Ok(ReportedColumn {
            value: result.map(|result| finding(result, "")),
            missing: missing.map(|result| finding(result, ":missing")),
            report: ColumnReport {
                minimum_effect: self.least.clone(),
                effects,
                distribution,
                unit: self.unit.clone(),
                reference_size: self.reference.values.len(),
                current_size: current.values.len(),
                reference_missing: shares[0],
                current_missing: shares[1],
                ..ColumnReport::new(&self.name)
            },
        })
    }

    fn test(&self, current: &Values) -> Result<(TestResult, Vec<Distance>, Distribution)> {
        match (&self.method.0, &self.reference.values, current) {
            (Test::Numeric(test), Values::Numeric(reference), Values::Numeric(current)) => Ok((
                test.test(reference, current)?,
                numeric_effects(reference, current)?,
                Distribution::of_numbers(reference, current),
            )),
            (
                Test::Categorical(test),
                Values::Categorical(reference),
                Values::Categorical(current),
            ) => Ok((
                test.test(reference, current)?,
                categorical_effects(reference, current)?,
                Distribution::of_categories(reference, current),
            )),
            _ => Err(Error::new(
                ErrorKind::Internal,
                "a column was read in two ways",
            )),
        }
    }

    /// The test of "as many are missing", if any is.
    fn test_missing(&self, current: &Missing) -> Result<Option<TestResult>> {
        if self.reference.missing.share() == 0.0 && current.share() == 0.0 {
            return Ok(None);
        }
        match (&self.reference.missing, current) {
            (Missing::Units(reference), Missing::Units(current)) => KolmogorovSmirnov::default()
                .test(reference, current)
                .map(Some),
            (Missing::Rows(reference), Missing::Rows(current)) => {
                Ok(Some(missing_test(*reference, *current)))
            }
            _ => Err(Error::new(
                ErrorKind::Internal,
                "a column was read in two ways",
            )),
        }
    }
}

fn read(
    batch: &RecordBatch,
    array: &ArrayRef,
    unit: Option<&str>,
    method: &Method,
    infinite: Infinite,
) -> Result<Observed> {
    let units = unit.map(|unit| Units::of(batch, unit)).transpose()?;
    observe(array, units.as_ref(), method.is_numeric(), infinite)
}

fn require_rows(batch: &RecordBatch, role: &str) -> Result<()> {
    if batch.num_rows() > 0 {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the {role} table must hold at least 1 row, got 0"
    )))
}

/// The columns to compare, in order: those asked for, or all; never a unit.
fn selected(check: &DriftCheck) -> Vec<String> {
    let schema = check.reference.schema();
    let all = || schema.fields().iter().map(|field| field.name().clone());
    let asked = check.columns.clone().unwrap_or_else(|| all().collect());
    let mut seen = BTreeSet::new();
    asked
        .into_iter()
        .filter(|name| check.units.iter().all(|(unit, _)| unit != name))
        .filter(|name| seen.insert(name.clone()))
        .collect()
}

/// Every column that the check speaks of must exist, and lie in one unit at most.
fn check_names(check: &DriftCheck) -> Result<()> {
    let of_units = check
        .units
        .iter()
        .flat_map(|(unit, columns)| std::iter::once(unit).chain(columns));
    let named = of_units
        .chain(check.columns.iter().flatten())
        .chain(check.methods.keys())
        .chain(check.effects_for.keys());
    for name in named {
        find(&check.reference, name)?;
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

fn default_method(data_type: &DataType) -> Result<Method> {
    match ColumnKind::of(data_type) {
        ColumnKind::Numeric | ColumnKind::Temporal => {
            Ok(Method::numeric(KolmogorovSmirnov::default()))
        }
        ColumnKind::Categorical => Ok(Method::categorical(ChiSquare::default())),
        ColumnKind::Unsupported => Err(Error::new(
            ErrorKind::Unsupported,
            format!("cannot compare {data_type}: select the other columns by name"),
        )),
    }
}

/// Whether values of the two types mean the same: widths and encodings may differ, clocks may not.
fn comparable(reference: &DataType, current: &DataType) -> bool {
    let kind = ColumnKind::of(reference);
    kind == ColumnKind::of(current)
        && (kind != ColumnKind::Temporal || reference == current)
        && (reference == &DataType::Boolean) == (current == &DataType::Boolean)
}

/// The column's own minimum effect, or the general one in a measure that it reports.
fn least_effect(check: &DriftCheck, name: &str, numeric: bool) -> Result<Option<Distance>> {
    let measures = measures(numeric);
    let reports = |effect: &&Distance| measures.contains(&effect.measure());
    match check.effects_for.get(name) {
        Some(effect) if !reports(&effect) => Err(Error::invalid(format!(
            "a minimum effect must be in one of {}, got {}",
            measures.join(", "),
            effect.measure()
        ))),
        Some(effect) => Ok(Some(effect.clone())),
        None => Ok(check.effects.iter().find(reports).cloned()),
    }
}
