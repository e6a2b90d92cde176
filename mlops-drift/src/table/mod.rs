//! Tables that can be read column by column, more than once.
//!
//! | table | holds |
//! | --- | --- |
//! | `RecordBatch`, `Vec<RecordBatch>` | rows in memory |
//! | [`Projection`] | some columns of another table |
#![cfg_attr(
    feature = "parquet",
    doc = "| [`ParquetTable`] | a Parquet file, or several that need not have the same columns, read a row group at a time |"
)]

mod common_type;
#[cfg(feature = "parquet")]
mod parquet;
mod parts;
mod projection;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, new_empty_array};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::row::{RowConverter, Rows, SortField};
use mlops_core::{Error, ErrorKind, Result, type_name};

use common_type::{common_type, converted};
#[cfg(feature = "parquet")]
use common_type::{may_round, require_convertible};
#[cfg(feature = "parquet")]
pub use parquet::ParquetTable;
pub(crate) use parts::in_parts;
pub use projection::Projection;

/// The parts of one column, in the order of the rows.
pub type Chunks<'a> = Box<dyn Iterator<Item = Result<ArrayRef>> + 'a>;

/// A table that can be read column by column, more than once, by several threads.
///
/// # Contract
/// - Every reading gives the same rows in the same order; where the parts are cut apart does not matter.
/// - A part is small against memory; a column need not be.
/// - Every part of a column is of the schema's type; whoever reads it refuses another.
///
/// # Errors
/// [`SignatureMismatch`](ErrorKind::SignatureMismatch) for a column that the schema lacks or has twice; what reading can cause, such as
/// [`Corrupt`](ErrorKind::Corrupt).
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::arrow::array::{Array, ArrayRef, Int32Array, RecordBatch};
/// use mlops_drift::table::Table;
///
/// let day = |from| RecordBatch::try_from_iter([("x", Arc::new(Int32Array::from_iter_values(from..from + 5)) as ArrayRef)]);
/// let week = vec![day(0)?, day(5)?];
/// assert_eq!((week.rows(), week.column("x")?.count()), (10, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Table: Send + Sync {
    /// The columns with their types.
    fn schema(&self) -> SchemaRef;

    /// The number of rows.
    fn rows(&self) -> u64;

    /// The parts of the column of this name.
    fn column(&self, name: &str) -> Result<Chunks<'_>>;
}

impl Table for RecordBatch {
    fn schema(&self) -> SchemaRef {
        RecordBatch::schema(self)
    }

    fn rows(&self) -> u64 {
        self.num_rows() as u64
    }

    fn column(&self, name: &str) -> Result<Chunks<'_>> {
        let column = column_of(self, name)?;
        Ok(Box::new(std::iter::once(Ok(column.clone()))))
    }
}

/// The columns are those of the first batch, followed by those that later ones have beyond it. A column whose parts are of several types is of one that
/// holds all their values: the wider one of two integers with a sign, without one, or floats; `int64` for some with a sign and some without, or, beside
/// `uint64`, `float64`; `float64` for floats and integers; text, or large text, for several encodings of it; any type beside `null`. Values are kept as they are:
/// a `float32` of 0.1 is 0.10000000149… then. A batch that lacks a column or has it as a type of another meaning, and integers that a float would round,
/// are errors when that column is asked for.
impl Table for Vec<RecordBatch> {
    fn schema(&self) -> SchemaRef {
        let empty = || SchemaRef::new(Schema::empty());
        let mut whole = self.first().map_or_else(empty, RecordBatch::schema);
        for batch in self.iter().skip(1) {
            whole = with_columns_of(whole, batch.schema_ref());
        }
        whole
    }

    fn rows(&self) -> u64 {
        self.iter().map(Table::rows).sum()
    }

    fn column(&self, name: &str) -> Result<Chunks<'_>> {
        let data_type = field_of(&Table::schema(self), name)?.data_type().clone();
        let parts = (1..).zip(self).map(|(part, batch)| {
            let column = column_of(batch, name);
            let converted = column.and_then(|column| converted(name, &data_type, column.clone()));
            converted.map_err(|error| error.context("part", format!("{part} of {}", self.len())))
        });
        let parts = parts.collect::<Result<Vec<ArrayRef>>>()?; // what does not fit is known before anything is read
        Ok(Box::new(parts.into_iter().map(Ok)))
    }
}

/// A schema, followed by the columns that another one has beyond it; columns of several types are of their common one, if there is one.
fn with_columns_of(whole: SchemaRef, part: &SchemaRef) -> SchemaRef {
    if Arc::ptr_eq(&whole, part) || whole.fields() == part.fields() {
        return whole;
    }
    let by_name = |schema: &SchemaRef| -> HashMap<String, FieldRef> {
        let fields = schema.fields().iter().rev(); // of two of one name, the first
        fields
            .map(|field| (field.name().clone(), field.clone()))
            .collect()
    };
    let (known, of_part) = (by_name(&whole), by_name(part));
    let of_both = whole
        .fields()
        .iter()
        .map(|field| match of_part.get(field.name()) {
            Some(other) => of_either(field, other),
            None => field.clone(),
        });
    let new = part.fields().iter();
    let new = new.filter(|field| !known.contains_key(field.name()));
    let fields: Vec<_> = of_both.chain(new.cloned()).collect();
    SchemaRef::new(Schema::new_with_metadata(fields, whole.metadata().clone()))
}

/// A column as one of its parts has it, or another one, if both can be read as one; else as the first has it.
fn of_either(field: &FieldRef, other: &FieldRef) -> FieldRef {
    let Some(common) = common_type(field.data_type(), other.data_type()) else {
        return field.clone();
    };
    let has_nulls = [field, other]
        .iter()
        .any(|of| of.is_nullable() || of.data_type() == &DataType::Null);
    if &common == field.data_type() && has_nulls == field.is_nullable() {
        return field.clone();
    }
    let of_both = field.as_ref().clone().with_data_type(common);
    Arc::new(of_both.with_nullable(has_nulls))
}

/// Some columns of a table in one batch: for what needs all values at once.
pub(crate) fn gathered(table: &dyn Table, columns: &[&str]) -> Result<RecordBatch> {
    let whole = columns.iter().map(|name| {
        let parts = parts_of(table, name)?.collect::<Result<Vec<_>>>()?;
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        let column = match parts.as_slice() {
            [] => new_empty_array(field_of(&table.schema(), name)?.data_type()),
            parts => concat(parts)?,
        };
        Ok((*name, column))
    });
    Ok(RecordBatch::try_from_iter(
        whole.collect::<Result<Vec<_>>>()?,
    )?)
}

/// The parts of a column, each of the schema's type: numbers of one type counted as those of another mean nothing.
///
/// # Errors
/// `SignatureMismatch` for a column that is missing or there twice, or a part of another type.
pub(crate) fn parts_of<'a>(table: &'a dyn Table, name: &str) -> Result<Chunks<'a>> {
    let data_type = field_of(&table.schema(), name)?.data_type().clone();
    let name = name.to_owned();
    let parts = (1..).zip(table.column(&name)?);
    Ok(Box::new(parts.map(move |(number, part)| {
        let part = part?;
        let typed = require_type(&name, &data_type, Some(part.data_type()));
        typed.map_err(|error| error.context("part", number))?;
        Ok(part)
    })))
}

/// How many rows of a column are `[missing, present]`, whatever its type.
///
/// # Errors
/// What reading the column can cause.
pub(crate) fn missing_rows(table: &dyn Table, name: &str) -> Result<[u64; 2]> {
    parts_of(table, name)?.try_fold([0, 0], |[missing, present], part| {
        let part = part?;
        let nulls = part.logical_null_count() as u64;
        Ok([missing + nulls, present + part.len() as u64 - nulls])
    })
}

/// Of these columns those that cannot be read from every part, with the reason: what is known of it before anything is read.
///
/// # Errors
/// Other than `SignatureMismatch`, what opening the table can cause.
pub(crate) fn unreadable<'n>(
    table: &dyn Table,
    columns: impl IntoIterator<Item = &'n str>,
) -> Result<BTreeMap<String, String>> {
    let mut unreadable = BTreeMap::new();
    for column in columns {
        match parts_of(table, column).map(drop) {
            Err(error) if error.kind() == ErrorKind::SignatureMismatch => {
                unreadable.insert(column.to_owned(), error.to_string());
            }
            other => other?,
        }
    }
    Ok(unreadable)
}

/// The one field of this name. Of two columns of one name the second would never be looked at.
///
/// # Errors
/// `SignatureMismatch` for none or several.
pub(crate) fn field_of<'a>(schema: &'a Schema, name: &str) -> Result<&'a Field> {
    index_of(schema, name).map(|index| schema.field(index))
}

/// The one column of this name.
///
/// # Errors
/// As [`field_of`]'s.
pub(crate) fn column_of<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    index_of(batch.schema_ref(), name).map(|index| batch.column(index))
}

/// The units of the rows, to be told apart.
///
/// # Errors
/// As [`column_of`]'s, and for a null, be it one that a dictionary holds.
pub(crate) fn units_of(batch: &RecordBatch, name: &str) -> Result<Rows> {
    let units = column_of(batch, name)?;
    let nulls = units.logical_null_count();
    if nulls > 0 {
        return Err(Error::invalid(format!(
            "unit column \"{name}\" must hold no null, got {nulls}"
        )));
    }
    let converter = RowConverter::new(vec![SortField::new(units.data_type().clone())])?;
    Ok(converter.convert_columns(std::slice::from_ref(units))?)
}

fn index_of(schema: &Schema, name: &str) -> Result<usize> {
    let fields = schema.fields().iter().enumerate();
    let mut named = fields.filter(|(_, field)| field.name() == name);
    let (index, _) = named.next().ok_or_else(|| missing(name))?;
    match named.count() {
        0 => Ok(index),
        more => Err(Error::new(
            ErrorKind::SignatureMismatch,
            format!(
                "column \"{name}\" must be there once, got {} of this name",
                more + 1
            ),
        )),
    }
}

pub(crate) fn missing(column: &str) -> Error {
    Error::new(
        ErrorKind::SignatureMismatch,
        format!("column \"{column}\" is missing"),
    )
}

/// An error unless a part holds a column as the schema says.
pub(crate) fn require_type(
    column: &str,
    expected: &DataType,
    found: Option<&DataType>,
) -> Result<()> {
    if found == Some(expected) {
        return Ok(());
    }
    let (expected, found) = (type_name(expected), found.map_or("none".into(), type_name));
    Err(Error::new(
        ErrorKind::SignatureMismatch,
        format!("column \"{column}\" must be of type {expected} in every part, got {found}"),
    ))
}
