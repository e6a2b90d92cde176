use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, LargeStringArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use mlops_core::{Error, Result};

use super::check::Check;
use super::conclusion::Conclusion;
use super::condition::Conditions;
use super::context::Context;
use super::expected::{Expectation, Severity};
use super::found::Found;
use super::report::{ExpectationResult, ValidationReport};
use super::suite::Suite;
use crate::serial::Neighbours;
use crate::table::{field_of, require_type};

/// The column of the quarantined rows that says what they broke.
const BROKEN: &str = "broken_expectations";

/// Holds the parts of a table, in their order, to a suite: made by [`Suite::validator`].
///
/// **Guarantee**: every partition of the same rows gives the same results, to the last bit; uniqueness and
/// order hold over all parts. A rule can be checked or not by the schema alone, so that rows of an early part
/// need not be judged anew. **Memory**: one part, and for [`Unique`](super::Rule::Unique),
/// [`UniqueWith`](super::Rule::UniqueWith) and [`Distinct`](super::Rule::Distinct) every distinct value.
/// After an error a validator is of no further use.
///
/// ```
/// # use std::sync::Arc;
/// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// # let of = |ids: Vec<i32>| RecordBatch::try_from_iter([("id", Arc::new(Int32Array::from(ids)) as ArrayRef)]);
/// # let (monday, tuesday) = (of(vec![1, 2])?, of(vec![2, 3])?);
/// use mlops_drift::expectation::{Context, Expectation, Rule, Suite};
/// let suite = Suite::new([Expectation::on("id", Rule::Unique)]);
/// let mut validator = suite.validator(&monday.schema(), &Context::default())?;
/// assert_eq!(validator.check(&monday)?.quarantined(), 0);
/// let (accepted, quarantined) = validator.check(&tuesday)?.split(&tuesday)?;
/// assert_eq!((accepted.num_rows(), quarantined.num_rows()), (1, 1)); // Monday had a 2
/// assert_eq!(validator.finish()?.results[0].examples, [2]); // the third row of all
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Validator {
    pub(super) columns: Vec<(String, DataType)>,
    pub(super) rows: u64,
    pub(super) watched: Vec<Watched>,
}

pub(super) struct Watched {
    pub(super) name: String,
    pub(super) expectation: Expectation,
    pub(super) check: Check,
    pub(super) conditions: Conditions,
    pub(super) found: Found,
}

impl std::fmt::Debug for Validator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let expectations = self.watched.iter().map(|watched| &watched.expectation);
        f.debug_struct("Validator")
            .field("rows", &self.rows)
            .field("expectations", &expectations.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl Suite {
    /// What holds a table of this schema to the suite, part by part.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for an expectation whose settings make no
    /// sense; [`SignatureMismatch`](mlops_core::ErrorKind::SignatureMismatch) for a column of the suite that the schema
    /// has twice. What cannot be checked, such as a rule on a column that is missing, fails in the report; it is
    /// no error.
    pub fn validator(&self, schema: &Schema, context: &Context) -> Result<Validator> {
        self.validator_of(schema, &BTreeMap::new(), context)
    }

    /// The same of parts without some of the columns, which cannot be read, with the reasons.
    pub(super) fn validator_of(
        &self,
        schema: &Schema,
        unreadable: &BTreeMap<String, String>,
        context: &Context,
    ) -> Result<Validator> {
        let used = self.columns();
        let fields = schema.fields().iter();
        let named = fields.clone().map(|field| field.name());
        named
            .filter(|name| used.contains(name.as_str()))
            .try_for_each(|name| field_of(schema, name).map(|_| ()))?;
        let columns = fields.filter(|field| {
            used.contains(field.name().as_str()) && !unreadable.contains_key(field.name())
        });
        let watched = self.named().map(|named| {
            let (name, expectation) = named?;
            let unread = expectation
                .columns()
                .find_map(|column| unreadable.get(column));
            let (check, conditions) = match unread {
                Some(reason) => Check::cannot(&expectation, reason),
                None => Check::of(&expectation, schema, context),
            };
            Ok(Watched {
                name,
                expectation,
                check,
                conditions,
                found: Found::default(),
            })
        });
        Ok(Validator {
            columns: columns
                .map(|f| (f.name().clone(), f.data_type().clone()))
                .collect(),
            rows: 0,
            watched: watched.collect::<Result<_>>()?,
        })
    }
}

impl Validator {
    /// The next part.
    ///
    /// # Errors
    /// [`SignatureMismatch`](mlops_core::ErrorKind::SignatureMismatch) for a part in which a column of the
    /// suite is missing or of another type than the schema says.
    pub fn check(&mut self, part: &RecordBatch) -> Result<CheckedPart> {
        self.require_columns(part)
            .map_err(|error| error.context("part from row", self.rows))?;
        let before = self.rows;
        let broken = self.watched.iter_mut().map(|watched| {
            let broken = watched.update(part, before);
            broken.map_err(|error| error.context("expectation", &watched.name))
        });
        let broken = broken.collect::<Result<_>>()?;
        self.rows += part.num_rows() as u64;
        Ok(CheckedPart {
            rows: part.num_rows(),
            broken,
        })
    }

    fn require_columns(&self, part: &RecordBatch) -> Result<()> {
        for (name, data_type) in &self.columns {
            let found = part.column_by_name(name).map(|column| column.data_type());
            require_type(name, data_type, found)?;
            field_of(part.schema_ref(), name)?;
        }
        Ok(())
    }

    /// What became of every expectation.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn finish(self) -> Result<ValidationReport> {
        let rows = self.rows;
        let results = self.watched.into_iter().map(|watched| watched.finish(rows));
        Ok(ValidationReport::new(rows, results.collect::<Result<_>>()?))
    }
}

impl Watched {
    fn update(&mut self, part: &RecordBatch, before: u64) -> Result<BrokenRows> {
        let met = self.conditions.met(part)?;
        let rows = match &met {
            None => part.clone(),
            Some(met) => chosen(part, met, &self.expectation)?,
        };
        let broken = self.check.update(&rows)?;
        let is_checked = !matches!(self.check, Check::Cannot { .. });
        let unit = self.expectation.unit_column().filter(|_| is_checked);
        self.found.add(&rows, &self.expectation, unit, &broken)?;
        let in_part = |&row: &usize| met.as_ref().map_or(row, |met| met[row]);
        let in_table = broken.iter().map(|row| before + in_part(row) as u64);
        let columns = self.expectation.rule_columns().filter(|_| is_checked);
        self.found.add_broken(in_table, &rows, &broken, columns);
        Ok(BrokenRows {
            expectation: self.name.clone(),
            description: self.in_words(),
            severity: self.expectation.severity_of_failure(),
            sets_apart: self.expectation.severity_of_failure() == Severity::Error
                && !(is_checked && self.expectation.is_of_share()),
            rows: broken.iter().map(in_part).collect(),
        })
    }

    /// With the reason if it cannot be checked, since a row that is set apart for that reason may be as good as any.
    fn in_words(&self) -> String {
        match &self.check {
            Check::Cannot { reason, .. } => {
                format!("{} (cannot be checked: {reason})", self.expectation)
            }
            Check::Rows(_) | Check::Table(_) => self.expectation.to_string(),
        }
    }

    fn finish(self, rows: u64) -> Result<ExpectationResult> {
        let conclusion = match self.check {
            Check::Rows(_) => Conclusion::of_rows(&self.expectation, &self.found, rows).among(
                self.found.serial_correlation()?,
                Neighbours {
                    of: "in whether they obey, ",
                    ..Neighbours::by(self.expectation.unit_column())
                },
            ),
            Check::Table(check) => check.conclude()?,
            Check::Cannot { reason, .. } => Conclusion::unchecked(&reason),
        };
        Ok(ExpectationResult::new(
            self.name,
            &self.expectation,
            conclusion,
            self.found,
        ))
    }
}

/// Some rows of a part, of the columns that the rule reads.
fn chosen(part: &RecordBatch, rows: &[usize], expectation: &Expectation) -> Result<RecordBatch> {
    let schema = part.schema_ref();
    let columns = expectation
        .checked_columns()
        .filter_map(|name| schema.index_of(name).ok());
    let columns: BTreeSet<usize> = columns.collect();
    let columns: Vec<usize> = columns.into_iter().collect();
    let mut chosen = vec![false; part.num_rows()];
    rows.iter().for_each(|&row| chosen[row] = true);
    let chosen = BooleanArray::from(chosen);
    Ok(filter_record_batch(&part.project(&columns)?, &chosen)?)
}

/// What a [`Validator`] found in one part: which of its rows break which expectation.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedPart {
    rows: usize,
    broken: Vec<BrokenRows>,
}

/// The rows of a part that break one expectation.
///
/// ```
/// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// # let column = std::sync::Arc::new(Int32Array::from(vec![1, 9, 3])) as ArrayRef;
/// # let table = RecordBatch::try_from_iter([("x", column)])?;
/// use mlops_drift::expectation::{Context, Expectation, Rule, Suite};
/// let suite = Suite::new([Expectation::on("x", Rule::between(0, 5)?)]);
/// let mut validator = suite.validator(&table.schema(), &Context::default())?;
/// assert_eq!(validator.check(&table)?.broken()[0].rows, [1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct BrokenRows {
    /// What the expectation is [known by](Suite::names).
    pub expectation: String,
    /// The expectation in words, and why it cannot be checked if that is so.
    pub description: String,
    /// How bad it is.
    pub severity: Severity,
    /// Whether its rows are set apart: those of severity [`Error`](Severity::Error), unless the expectation is
    /// [of the share](super::Expectation::of_share) of rows alone.
    pub sets_apart: bool,
    /// The rows, ascending, counted from the start of the part; none for a rule on the table.
    pub rows: Vec<usize>,
}

impl CheckedPart {
    /// Per expectation, in the order of the suite, the rows that break it.
    pub fn broken(&self) -> &[BrokenRows] {
        &self.broken
    }

    /// How many rows are [set apart](BrokenRows::sets_apart).
    pub fn quarantined(&self) -> usize {
        self.reasons().iter().filter(|why| !why.is_empty()).count()
    }

    /// The rows that break no rule of severity [`Error`](Severity::Error), and the others, with a column
    /// `broken_expectations` that says which, one after another. A row counts as broken even where most rows
    /// obey, and need, unless the expectation is [of the share](super::Expectation::of_share) of rows alone.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a part of another number of rows than
    /// the checked one, or one that has such a column.
    pub fn split(&self, part: &RecordBatch) -> Result<(RecordBatch, RecordBatch)> {
        if part.num_rows() != self.rows {
            return Err(Error::invalid(format!(
                "the table must be the one validated, of {} rows, got {}",
                self.rows,
                part.num_rows()
            )));
        }
        let schema = quarantine_schema(&part.schema())?;
        let why = self.reasons();
        let obeys: BooleanArray = why.iter().map(|why| Some(why.is_empty())).collect();
        let broken: BooleanArray = why.iter().map(|why| Some(!why.is_empty())).collect();
        let why: LargeStringArray = why.iter().map(|why| Some(why.join("; "))).collect();
        let columns = part.columns().iter().cloned();
        let columns = columns.chain([Arc::new(why) as ArrayRef]).collect();
        let explained = RecordBatch::try_new(schema, columns)?;
        Ok((
            filter_record_batch(part, &obeys)?,
            filter_record_batch(&explained, &broken)?,
        ))
    }

    /// Per row, the expectations for which it is set apart.
    fn reasons(&self) -> Vec<Vec<&str>> {
        let mut why = vec![Vec::new(); self.rows];
        for broken in self.broken.iter().filter(|broken| broken.sets_apart) {
            for &row in &broken.rows {
                why[row].push(broken.description.as_str());
            }
        }
        why
    }
}

/// The columns of a table, and what its rows broke.
pub(super) fn quarantine_schema(schema: &Schema) -> Result<SchemaRef> {
    if schema.column_with_name(BROKEN).is_some() {
        return Err(Error::invalid(format!(
            "the table must not have a column \"{BROKEN}\""
        )));
    }
    let field = Arc::new(Field::new(BROKEN, DataType::LargeUtf8, false));
    let fields: Vec<_> = schema.fields().iter().cloned().chain([field]).collect();
    Ok(Arc::new(Schema::new_with_metadata(
        fields,
        schema.metadata().clone(),
    )))
}
