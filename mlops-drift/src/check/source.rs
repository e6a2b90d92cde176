use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use mlops_core::{Error, ErrorKind, Result, type_name};

use crate::profile::{PARTS_DIFFER, TableProfile};
use crate::report::SchemaChange;
use crate::sample::ColumnKind;
#[cfg(feature = "parquet")]
use crate::table::ParquetTable;
use crate::table::{Projection, Table, field_of, gathered, missing};

/// What a check compares: rows in memory, a table read part by part, or a profile of one.
///
/// | source | a column is compared by | memory |
/// | --- | --- | --- |
/// | `&RecordBatch` | its values, sorted | all rows |
/// | `Vec<RecordBatch>`, `&[RecordBatch]`, `&ParquetTable`, [`Projection`], [`Source::table`] | counts on a grid of the reference's quantiles | one column of the reference, one part of the current |
/// | `&TableProfile` | the same, of a table that need not be there any more | the profile |
///
/// The reference decides: rows are compared as rows, whatever the current table; a reference that is read part by part, or
/// a profile, makes a grid, and verdicts are drawn at the sure end of what the grid tells. Columns with a
/// [unit](super::DriftCheck::unit) or a [method](super::DriftCheck::method) of their own need rows, and are gathered from a table. Texts and
/// embeddings are compared by [facets](crate::profile::FacetProfile), whatever the source.
///
/// ```
/// # use std::sync::Arc;
/// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// # let column = Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
/// # let day = RecordBatch::try_from_iter([("x", column)])?;
/// use mlops_drift::{DriftCheck, check::Source, profile::TableProfile};
/// let week = vec![day.clone(), day.clone()];
/// assert!(!DriftCheck::against(&week).run(&day)?.verdict.drifted);
/// let profile = TableProfile::of(&week)?;
/// assert!(!DriftCheck::against(&profile).run(Source::table(week))?.verdict.drifted);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Source(pub(super) Held);

#[derive(Clone)]
pub(super) enum Held {
    Rows(RecordBatch),
    Parts(Arc<dyn Table>),
    Profile(Arc<TableProfile>),
}

/// The type of a column, as far as it decides what it can be compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ColumnType {
    pub(crate) kind: ColumnKind,
    pub(crate) name: String,
}

impl Source {
    /// A table of one's own, read part by part.
    pub fn table(table: impl Table + 'static) -> Self {
        Self(Held::Parts(Arc::new(table)))
    }

    pub(super) fn rows(&self) -> u64 {
        match &self.0 {
            Held::Rows(batch) => batch.num_rows() as u64,
            Held::Parts(table) => table.rows(),
            Held::Profile(profile) => profile.rows(),
        }
    }

    /// The names of all columns, of those too that cannot be compared.
    pub(super) fn columns(&self) -> Vec<String> {
        match &self.0 {
            Held::Profile(profile) => {
                let profiled = profile.columns().iter().map(|column| column.name());
                let others = profile.not_profiled().keys().map(String::as_str);
                profiled.chain(others).map(ToOwned::to_owned).collect()
            }
            Held::Rows(batch) => names(batch),
            Held::Parts(table) => names(table.as_ref()),
        }
    }

    pub(super) fn column_type(&self, column: &str) -> Result<ColumnType> {
        match &self.0 {
            Held::Rows(batch) => ColumnType::in_table(batch, column),
            Held::Parts(table) => ColumnType::in_table(table.as_ref(), column),
            Held::Profile(profile) => match profile.column(column) {
                Some(profiled) => Ok(ColumnType {
                    kind: profiled.kind(),
                    name: profiled.data_type().to_owned(),
                }),
                None => match profile.not_profiled().get(column) {
                    Some(name) => Ok(ColumnType::not_profiled(name)),
                    None => Err(missing(column)),
                },
            },
        }
    }

    /// The profile, if it is one.
    pub(crate) fn profile(&self) -> Option<&TableProfile> {
        match &self.0 {
            Held::Profile(profile) => Some(profile),
            Held::Rows(_) | Held::Parts(_) => None,
        }
    }

    /// The table, unless it is a profile.
    pub(crate) fn as_table(&self) -> Result<&dyn Table> {
        match &self.0 {
            Held::Rows(batch) => Ok(batch),
            Held::Parts(table) => Ok(table.as_ref()),
            Held::Profile(_) => Err(no_rows()),
        }
    }

    /// Some columns with all their rows.
    pub(crate) fn gather(&self, columns: &[&str]) -> Result<RecordBatch> {
        match &self.0 {
            Held::Rows(batch) => Ok(batch.clone()),
            Held::Parts(table) => gathered(table.as_ref(), columns),
            Held::Profile(_) => Err(no_rows()),
        }
    }
}

pub(super) fn no_rows() -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "a profile holds no rows, and they are needed: give a RecordBatch, a Vec of them or a ParquetTable (a drift check takes a profile for \
         columns without a unit or a method of their own, unless its reference is rows)",
    )
}

/// An error for a table without rows.
pub(crate) fn require_rows(source: &Source, role: &str) -> Result<()> {
    if source.rows() > 0 {
        return Ok(());
    }
    let of_nothing = match source.columns().as_slice() {
        [] => ", and no column, as an empty list of batches has none",
        _ => "",
    };
    Err(Error::invalid(format!(
        "the {role} table must hold at least 1 row, got 0{of_nothing}"
    )))
}

/// An error for two columns of one name.
pub(super) fn require_distinct(source: &Source, role: &'static str) -> Result<()> {
    source.columns().iter().try_for_each(|name| {
        let found = source.column_type(name);
        found.map(drop).map_err(in_table(role))
    })
}

/// Says which of the two tables an error is of.
pub(crate) fn in_table(role: &'static str) -> impl Fn(Error) -> Error {
    move |error| error.context("table", role)
}

/// What to do about a reference of which a column, though it is there, cannot be read from every part.
pub(super) fn unlike_parts(reference: &Source, error: Error) -> Error {
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

fn names(table: &dyn Table) -> Vec<String> {
    let schema = table.schema();
    schema
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect()
}

impl ColumnType {
    fn in_table(table: &dyn Table, column: &str) -> Result<Self> {
        let schema = table.schema();
        Ok(Self::of(field_of(&schema, column)?.data_type()))
    }

    pub(crate) fn of(data_type: &DataType) -> Self {
        Self {
            kind: ColumnKind::of(data_type),
            name: type_name(data_type),
        }
    }

    /// Of a column that a profile knows by the name of its type alone.
    fn not_profiled(name: &str) -> Self {
        let kind = match name == type_name(&DataType::Null) {
            true => ColumnKind::Null,
            false => ColumnKind::Unsupported,
        };
        let name = name.to_owned();
        Self { kind, name }
    }

    /// What became of a column of this type by the one that a current table has, if it has one; `None` if they can be compared.
    pub(crate) fn change_to(&self, found: Result<Self>) -> Option<SchemaChange> {
        match found {
            Err(_) => Some(SchemaChange::ColumnMissing),
            Ok(found) if found.name == PARTS_DIFFER => Some(SchemaChange::PartsDiffer {
                why: "of the table that the profile is of".to_owned(),
            }),
            Ok(found) if !self.is_comparable_with(&found) => Some(SchemaChange::TypeChanged {
                from: self.name.clone(),
                to: found.name,
            }),
            Ok(_) => None,
        }
    }

    /// Whether values of the two types mean the same: widths and encodings may differ, clocks may not. A column without a type is comparable with
    /// any: all of its values are missing.
    pub(crate) fn is_comparable_with(&self, other: &Self) -> bool {
        if [self.kind, other.kind].contains(&ColumnKind::Null) {
            return true;
        }
        let boolean = type_name(&DataType::Boolean);
        self.kind == other.kind
            && (!self.kind.is_of_one_type() || self.name == other.name)
            && (self.name == boolean) == (other.name == boolean)
    }
}

impl From<&Self> for Source {
    fn from(source: &Self) -> Self {
        source.clone()
    }
}

impl From<&RecordBatch> for Source {
    fn from(batch: &RecordBatch) -> Self {
        Self(Held::Rows(batch.clone()))
    }
}

impl From<Vec<RecordBatch>> for Source {
    fn from(batches: Vec<RecordBatch>) -> Self {
        Self::table(batches)
    }
}

impl From<&Vec<RecordBatch>> for Source {
    fn from(batches: &Vec<RecordBatch>) -> Self {
        Self::table(batches.clone())
    }
}

impl From<&[RecordBatch]> for Source {
    fn from(batches: &[RecordBatch]) -> Self {
        Self::table(batches.to_vec())
    }
}

#[cfg(feature = "parquet")]
impl From<&ParquetTable> for Source {
    fn from(table: &ParquetTable) -> Self {
        Self::table(table.clone())
    }
}

/// Of a borrowed table a clone: `Projection::except(table.clone(), …)`.
impl<T: Table + 'static> From<Projection<T>> for Source {
    fn from(projection: Projection<T>) -> Self {
        Self::table(projection)
    }
}

impl<T: Table + Clone + 'static> From<&Projection<T>> for Source {
    fn from(projection: &Projection<T>) -> Self {
        Self::table(projection.clone())
    }
}

impl From<&TableProfile> for Source {
    fn from(profile: &TableProfile) -> Self {
        Self(Held::Profile(Arc::new(profile.clone())))
    }
}
