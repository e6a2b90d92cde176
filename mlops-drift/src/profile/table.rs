use std::collections::{BTreeMap, BTreeSet};

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, FieldRef, Schema};
use mlops_core::{Error, ErrorKind, Result, type_name};
use serde::{Deserialize, Serialize};

use super::facets::{are_texts, phrases};
use super::numeric::sum_of;
use super::ranks::profile_of;
use super::segments::Segments;
use super::{CategoricalProfile, FacetProfile, Measured, NumericProfile};
use crate::parallel;
use crate::sample::{ColumnKind, Infinite, unsupported};
use crate::table::{Table, field_of, parts_of, unreadable};

/// Bytes that the counts of all segments may take.
const SEGMENTS: u64 = 1 << 30;
/// What stands for the type of a column that is not the same in every part of its table.
pub(crate) const PARTS_DIFFER: &str = "parts that differ";

/// What is known of a table: a profile of every column. Small, mergeable, and enough for a drift check.
///
/// The first profile, of the reference, fixes the grids; every later one is made [like](Self::like) it.
/// **Cost**: of a reference O(n log n) per column and memory for one column of up to 16,777,216 rows (some 270 MB; one of more is read several times), of texts and
/// embeddings one of their facets; of later tables O(n) and memory for one part of a column.
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
/// use mlops_drift::{DriftCheck, profile::TableProfile};
///
/// let day = |shift: f64| {
///     let column = Float64Array::from_iter_values((0..500).map(|i| f64::from(i) + shift));
///     RecordBatch::try_from_iter([("temperature", Arc::new(column) as ArrayRef)])
/// };
/// let reference = TableProfile::of(&day(0.0)?)?;
/// let saved = reference.to_bytes()?; // the data itself is not needed any more
///
/// let reference = TableProfile::from_bytes(&saved)?;
/// let mut week = reference.like(&day(200.0)?)?;
/// week.merge(&reference.like(&day(210.0)?)?)?; // made elsewhere, in any order
/// assert!(DriftCheck::against(&reference).run(&week)?.verdict.drifted);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct TableProfile {
    rows: u64,
    columns: Vec<ColumnProfile>,
    not_profiled: BTreeMap<String, String>,
}

/// A profile as it is read, before its columns are known to agree.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    rows: u64,
    columns: Vec<ColumnProfile>,
    not_profiled: BTreeMap<String, String>,
}

impl TryFrom<Written> for TableProfile {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self> {
        let mut names: BTreeSet<&str> = written.not_profiled.keys().map(String::as_str).collect();
        for column in &written.columns {
            column.require_whole(written.rows)?;
            if !names.insert(&column.name) {
                return Err(Error::invalid(format!(
                    "a column must be profiled once, got \"{}\" twice",
                    column.name
                )));
            }
        }
        Ok(Self {
            rows: sum_of(&[written.rows])?,
            columns: written.columns,
            not_profiled: written.not_profiled,
        })
    }
}

/// What is known of one column.
///
/// ```
/// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// use mlops_drift::profile::{TableProfile, Values};
/// let column = std::sync::Arc::new(Int32Array::from_iter_values(0..9)) as ArrayRef;
/// let profile = TableProfile::of(&RecordBatch::try_from_iter([("x", column)])?)?;
/// let x = profile.column("x").unwrap();
/// assert_eq!(x.data_type(), "int32");
/// assert!(matches!(x.values(), Values::Numeric(profile) if profile.finite() == 9));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnProfile {
    name: String,
    data_type: String,
    kind: ColumnKind,
    values: Values,
}

/// The values of a profiled column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Values {
    /// Numbers and times.
    Numeric(NumericProfile),
    /// Strings and booleans.
    Categorical(CategoricalProfile),
    /// Texts and embeddings.
    Facets(FacetProfile),
}

impl Values {
    /// Of a reference column, gathered from its parts.
    pub(crate) fn of_reference(kind: ColumnKind, table: &dyn Table, name: &str) -> Result<Self> {
        match kind {
            ColumnKind::Categorical => Self::of_strings(table, name),
            ColumnKind::Embedding => {
                let schema = table.schema();
                let data_type = field_of(&schema, name)?.data_type();
                let of = Measured::embeddings(data_type);
                let of = of.ok_or_else(|| unsupported(data_type, "embeddings"))?;
                Self::of_facets(of, table, name)
            }
            _ => Self::of_numbers(table, name),
        }
    }

    /// Of strings, whatever they look like.
    pub(crate) fn of_texts(table: &dyn Table, name: &str) -> Result<Self> {
        Self::of_facets(Measured::Texts, table, name)
    }

    fn of_facets(of: Measured, table: &dyn Table, name: &str) -> Result<Self> {
        let profile = FacetProfile::of(of, table.rows(), &|with| for_each_part(table, name, with));
        profile.map(Self::Facets)
    }

    /// Of categories, or of texts if they look so.
    fn of_strings(table: &dyn Table, name: &str) -> Result<Self> {
        let (mut profile, mut several) = (CategoricalProfile::default(), 0);
        for chunk in parts_of(table, name)? {
            let chunk = chunk?;
            profile.update(&chunk)?;
            several += phrases(&chunk)?;
        }
        if are_texts(profile.distinct(), profile.values(), several) {
            return Self::of_texts(table, name);
        }
        Ok(Self::Categorical(profile))
    }

    fn of_numbers(table: &dyn Table, name: &str) -> Result<Self> {
        let profile = profile_of(table.rows(), &|with| for_each_part(table, name, with));
        profile.map(Self::Numeric)
    }

    /// Of a column of a later table, part by part.
    pub(crate) fn like(&self, table: &dyn Table, name: &str) -> Result<Self> {
        self.like_watched(table, name, &mut |_| Ok(()))
    }

    /// The same; every part is shown before it is counted, since reading it again would cost more.
    pub(crate) fn like_watched(
        &self,
        table: &dyn Table,
        name: &str,
        watch: &mut dyn FnMut(&ArrayRef) -> Result<()>,
    ) -> Result<Self> {
        let mut profile = self.empty();
        for part in parts_of(table, name)? {
            let part = part?;
            watch(&part)?;
            profile.update(&part)?;
        }
        Ok(profile)
    }

    /// With ±inf kept, counted as missing, or refused.
    pub(crate) fn with_infinite(self, infinite: Infinite) -> Result<Self> {
        match self {
            Self::Numeric(profile) => profile.with_infinite(infinite).map(Self::Numeric),
            Self::Categorical(_) | Self::Facets(_) => Ok(self),
        }
    }

    /// Counters that are held whatever was counted.
    fn cells(&self) -> u64 {
        match self {
            Self::Numeric(profile) => profile.grid().cells() as u64,
            Self::Categorical(_) => 1,
            Self::Facets(profile) => {
                let facets = profile.facets();
                facets.map(|(_, facet)| facet.grid().cells() as u64).sum()
            }
        }
    }

    /// How many values are not missing.
    pub(crate) fn present(&self) -> u64 {
        match self {
            Self::Numeric(profile) => profile.present(),
            Self::Categorical(profile) => profile.values(),
            Self::Facets(profile) => profile.values(),
        }
    }

    /// How many rows are null or NaN.
    pub(crate) fn missing(&self) -> u64 {
        match self {
            Self::Numeric(profile) => profile.nulls() + profile.nans(),
            Self::Categorical(profile) => profile.nulls(),
            Self::Facets(profile) => profile.missing(),
        }
    }

    /// So many rows without a value, on the same grid.
    pub(crate) fn of_missing(&self, rows: u64) -> Self {
        match self {
            Self::Numeric(profile) => Self::Numeric(profile.of_missing(rows)),
            Self::Categorical(profile) => Self::Categorical(profile.of_missing(rows)),
            Self::Facets(profile) => Self::Facets(profile.of_missing(rows)),
        }
    }

    /// No rows yet, on the same grid.
    pub(crate) fn empty(&self) -> Self {
        match self {
            Self::Numeric(profile) => Self::Numeric(profile.empty()),
            Self::Categorical(profile) => Self::Categorical(profile.empty()),
            Self::Facets(profile) => Self::Facets(profile.empty()),
        }
    }

    pub(crate) fn update(&mut self, column: &ArrayRef) -> Result<()> {
        match self {
            Self::Numeric(profile) => profile.update(column),
            Self::Categorical(profile) => profile.update(column),
            Self::Facets(profile) => profile.update(column),
        }
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        match (self, other) {
            (Self::Numeric(profile), Self::Numeric(other)) => profile.merge(other),
            (Self::Categorical(profile), Self::Categorical(other)) => profile.merge(other),
            (Self::Facets(profile), Self::Facets(other)) => profile.merge(other),
            _ => Err(read_in_two_ways()),
        }
    }
}

/// Of a column whose two profiles count different things, though both may be of strings.
pub(crate) fn read_in_two_ways() -> Error {
    Error::new(
        ErrorKind::SignatureMismatch,
        "a column must be read in one way in both profiles: numbers, categories or facets",
    )
}

/// What stands before the types of a column that was of several.
const MIXED: &str = "mixed: ";

/// The name of a type that merged columns were of: itself, or one that lists several.
fn mixed_type(a: &str, b: &str) -> String {
    let types: BTreeSet<&str> = [a, b].into_iter().flat_map(types_in).collect();
    let types: Vec<&str> = types.into_iter().collect();
    match types.as_slice() {
        [one] => (*one).to_owned(),
        several => format!("{MIXED}{}", several.join(" | ")),
    }
}

/// The types of a column by the name that a profile has for them: one, or several if profiles of other types were merged.
pub(crate) fn types_in(name: &str) -> impl Iterator<Item = &str> {
    name.strip_prefix(MIXED).unwrap_or(name).split(" | ")
}

fn for_each_part(
    table: &dyn Table,
    name: &str,
    with: &mut dyn FnMut(&ArrayRef) -> Result<()>,
) -> Result<()> {
    parts_of(table, name)?.try_for_each(|part| with(&part?))
}

impl ColumnProfile {
    /// The column's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The [name](type_name) of the column's Arrow type; of merged profiles of several types, such as integers of two widths, "mixed: " and their
    /// names.
    pub fn data_type(&self) -> &str {
        &self.data_type
    }

    /// How the column is compared.
    pub fn kind(&self) -> ColumnKind {
        self.kind
    }

    /// What is known of its values.
    pub fn values(&self) -> &Values {
        &self.values
    }

    pub(crate) fn of(reference: &dyn Table, field: &FieldRef) -> Result<Self> {
        let (name, kind) = (field.name(), ColumnKind::of(field.data_type()));
        let values = Values::of_reference(kind, reference, name);
        Ok(Self {
            values: values.map_err(|error| error.context("column", name))?,
            name: name.clone(),
            data_type: type_name(field.data_type()),
            kind,
        })
    }

    fn like(&self, table: &dyn Table) -> Result<Self> {
        let values = self.values.like(table, &self.name);
        Ok(Self {
            values: values.map_err(|error| error.context("column", &self.name))?,
            ..self.retyped(&table.schema())?
        })
    }

    /// As a later table has it: a wider number, say. Of type `null` it stays what it was.
    fn retyped(&self, schema: &Schema) -> Result<Self> {
        let data_type = field_of(schema, &self.name)?.data_type();
        let data_type = match ColumnKind::of(data_type) {
            ColumnKind::Null => self.data_type.clone(),
            _ => type_name(data_type),
        };
        Ok(Self {
            data_type,
            ..self.clone()
        })
    }

    /// Of every segment of a table.
    fn by(&self, table: &dyn Table, segments: &Segments) -> Result<Vec<Self>> {
        let mut profiles = vec![self.values.empty(); segments.names().len()];
        let mut start = 0;
        for chunk in parts_of(table, &self.name)? {
            let chunk = chunk?;
            for (segment, part) in segments.split(start, &chunk)? {
                let updated = profiles[segment].update(&part);
                updated.map_err(|error| error.context("column", &self.name))?;
            }
            start += chunk.len();
        }
        let retyped = self.retyped(&table.schema())?;
        let profiles = profiles.into_iter().map(|values| Self {
            values,
            ..retyped.clone()
        });
        Ok(profiles.collect())
    }

    /// An error unless it holds so many rows, in the way of its kind.
    fn require_whole(&self, rows: u64) -> Result<()> {
        let held = self.values.present() + self.values.missing();
        let fits = match (self.kind, &self.values) {
            (ColumnKind::Numeric | ColumnKind::Temporal, Values::Numeric(_))
            | (ColumnKind::Categorical, Values::Categorical(_)) => true,
            (ColumnKind::Categorical, Values::Facets(profile)) => profile.is_of_texts(),
            (ColumnKind::Embedding, Values::Facets(profile)) => !profile.is_of_texts(),
            _ => false,
        };
        if fits && held == rows {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "column \"{}\" must hold {rows} rows of {:?} values, got {held} rows or values of another kind",
            self.name, self.kind
        )))
    }

    fn require_type(&self, data_type: &DataType) -> Result<()> {
        self.require_like(&self.name, &type_name(data_type), ColumnKind::of(data_type))
    }

    fn require_like(&self, name: &str, data_type: &str, kind: ColumnKind) -> Result<()> {
        let same = self.name == name
            && (self.kind == kind || kind == ColumnKind::Null)
            && (!kind.is_of_one_type() || self.data_type == data_type);
        if same {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::SignatureMismatch,
            format!(
                "column \"{}\" must be comparable with {}, got \"{name}\" of {data_type}",
                self.name, self.data_type
            ),
        ))
    }
}

/// What to do about a table of which a column, though it is there, cannot be read from every part.
fn unlike_parts(error: Error) -> Error {
    if error.kind() != ErrorKind::SignatureMismatch {
        return error;
    }
    let what = "every part of the table must have the column, as types of one meaning; leave out the column, by a `Projection`, or the parts that differ";
    Error::new(ErrorKind::SignatureMismatch, format!("{what}: {error}"))
}

impl TableProfile {
    /// Of a reference: fixes a grid for every numeric column. Nested columns other than embeddings, and columns of type `null`, are
    /// [left out](Self::not_profiled).
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for a table without rows; what reading it can cause, such as
    /// [`SignatureMismatch`](ErrorKind::SignatureMismatch) for a column that is not the same in every part, which a
    /// [`Projection`](crate::table::Projection) leaves out.
    pub fn of(reference: &dyn Table) -> Result<Self> {
        if reference.rows() == 0 {
            return Err(Error::invalid(
                "the reference table must hold at least 1 row, got 0",
            ));
        }
        let schema = reference.schema();
        let (unsupported, supported): (Vec<&FieldRef>, Vec<&FieldRef>) = schema
            .fields()
            .iter()
            .partition(|field| ColumnKind::of(field.data_type()).has_no_values());
        let named = |field: &FieldRef| (field.name().clone(), type_name(field.data_type()));
        Ok(Self {
            rows: reference.rows(),
            columns: parallel::map(&supported, |field| {
                ColumnProfile::of(reference, field).map_err(unlike_parts)
            })?,
            not_profiled: unsupported.into_iter().map(named).collect(),
        })
    }

    /// No rows yet, on the same grids.
    #[must_use]
    pub fn empty(&self) -> Self {
        let columns = self.columns.iter().map(|column| ColumnProfile {
            values: column.values.empty(),
            ..column.clone()
        });
        Self {
            rows: 0,
            columns: columns.collect(),
            not_profiled: self.not_profiled.clone(),
        }
    }

    /// Of a later table, on the same grids. Columns beyond those of this profile are ignored; one of type `null` is missing in every row.
    ///
    /// # Errors
    /// [`SignatureMismatch`](ErrorKind::SignatureMismatch) for a column that is missing or of another kind; what reading
    /// can cause.
    pub fn like(&self, table: &dyn Table) -> Result<Self> {
        self.require_columns(table)?;
        let columns = parallel::map(&self.columns, |column| column.like(table))?;
        Ok(Self {
            rows: table.rows(),
            columns,
            not_profiled: self.not_profiled.clone(),
        })
    }

    /// Of a later table, on the same grids, in the columns alone that it has and that can be compared. One of another type, and one that this
    /// profile lacks, is [left out](Self::not_profiled) by the name of its type, one that is not the same in every part of the table as such; one that is
    /// missing is not there. A check that [reports schema changes](crate::DriftCheck::report_schema_changes) tells all of them.
    ///
    /// # Errors
    /// [`SignatureMismatch`](ErrorKind::SignatureMismatch) for a column of the profile that the table has twice; what reading can cause.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
    /// # let day = RecordBatch::try_from_iter([("x", column.clone()), ("y", column)])?;
    /// use mlops_drift::{DriftCheck, profile::TableProfile};
    /// let reference = TableProfile::of(&day)?;
    /// let tonight = reference.like_comparable(&day.project(&[0])?)?;
    /// let report = DriftCheck::against(&reference).report_schema_changes().run(&tonight)?;
    /// assert_eq!(report.verdict.not_compared_columns, ["y"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn like_comparable(&self, table: &dyn Table) -> Result<Self> {
        let schema = table.schema();
        let names = self.columns.iter().map(|column| column.name.as_str());
        let present = names.filter(|name| schema.column_with_name(name).is_some());
        let unreadable = unreadable(table, present)?;
        let mut comparable = Vec::new();
        let mut not_profiled = self.new_columns(&schema);
        for column in &self.columns {
            if schema.column_with_name(&column.name).is_none() {
                continue;
            }
            let data_type = field_of(&schema, &column.name)?.data_type();
            if unreadable.contains_key(&column.name) {
                not_profiled.insert(column.name.clone(), PARTS_DIFFER.to_owned());
                continue;
            }
            match column.require_type(data_type) {
                Ok(()) => comparable.push(column),
                Err(_) => {
                    not_profiled.insert(column.name.clone(), type_name(data_type));
                }
            }
        }
        Ok(Self {
            rows: table.rows(),
            columns: parallel::map(&comparable, |column| column.like(table))?,
            not_profiled,
        })
    }

    /// Columns that this profile does not know, with the names of their types.
    fn new_columns(&self, schema: &Schema) -> BTreeMap<String, String> {
        let is_known =
            |name: &String| self.column(name).is_some() || self.not_profiled.contains_key(name);
        let fields = schema.fields().iter();
        fields
            .filter(|field| !is_known(field.name()))
            .map(|field| (field.name().clone(), type_name(field.data_type())))
            .collect()
    }

    /// Of each segment of a later table, on the same grids: rows by the label that they carry in one column. Rows without a label
    /// are left out. Every column is read once, whatever the number of segments; O(n log n), and memory of 4 bytes per row of the table
    /// beside the segments, each of which takes as much as a profile of no rows.
    ///
    /// # Errors
    /// As [`like`](Self::like)'s; [`InvalidArgument`](ErrorKind::InvalidArgument) for more than 10,000 labels, or so many that their
    /// counts would take more than 1 GiB: for each 8 bytes per cell of a [`Grid`](super::Grid), of which a column of 1,000,000 rows has
    /// up to 8,289. It is found while the labels are read, before anything is counted.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
    /// # let delay = Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0])) as ArrayRef;
    /// # let origin = Arc::new(StringArray::from(vec!["JFK", "LGA", "JFK"])) as ArrayRef;
    /// # let flights = RecordBatch::try_from_iter([("delay", delay), ("origin", origin)])?;
    /// use mlops_drift::profile::TableProfile;
    /// let reference = TableProfile::of(&flights)?;
    /// let by_origin = reference.group_by(&flights, "origin")?;
    /// assert_eq!(by_origin["JFK"].rows(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn group_by(&self, table: &dyn Table, column: &str) -> Result<BTreeMap<String, Self>> {
        self.require_columns(table)?;
        let segments = Segments::of(table, column, SEGMENTS / self.bytes_empty())?;
        let columns = parallel::map(&self.columns, |column| column.by(table, &segments))?;
        let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
        let named = segments.names().iter().zip(segments.rows());
        Ok(named
            .map(|(name, rows)| {
                let profile = Self {
                    rows,
                    columns: columns.iter_mut().filter_map(Iterator::next).collect(),
                    not_profiled: self.not_profiled.clone(),
                };
                (name.clone(), profile)
            })
            .collect())
    }

    /// The rows of another profile on the same grids. What either has [left out](Self::not_profiled) is left out of both.
    ///
    /// # Errors
    /// [`SignatureMismatch`](ErrorKind::SignatureMismatch) for other columns or grids; nothing is merged then, nor
    /// beyond 2^53 rows.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if self.columns.len() != other.columns.len() {
            return Err(Error::new(
                ErrorKind::SignatureMismatch,
                format!(
                    "profiles must have the same columns, got {} and {}",
                    self.columns.len(),
                    other.columns.len()
                ),
            ));
        }
        let mut merged = self.columns.clone();
        for (column, of_other) in merged.iter_mut().zip(&other.columns) {
            column
                .require_like(&of_other.name, &of_other.data_type, of_other.kind)
                .and_then(|()| column.values.merge(&of_other.values))
                .map_err(|error| error.context("column", &column.name))?;
            column.data_type = match (self.rows, other.rows) {
                (_, 0) => continue,
                (0, _) => of_other.data_type.clone(),
                _ => mixed_type(&column.data_type, &of_other.data_type),
            };
        }
        self.rows = sum_of(&[self.rows, other.rows])?;
        self.columns = merged;
        for (name, data_type) in &other.not_profiled {
            let known = self.not_profiled.entry(name.clone());
            known.or_insert_with(|| data_type.clone());
        }
        Ok(())
    }

    /// Of counters, if there are no rows yet.
    fn bytes_empty(&self) -> u64 {
        let cells = self.columns.iter().map(|column| column.values.cells());
        8 * cells.sum::<u64>().max(1)
    }

    fn require_columns(&self, table: &dyn Table) -> Result<()> {
        let schema = table.schema();
        for column in &self.columns {
            column.require_type(field_of(&schema, &column.name)?.data_type())?;
        }
        Ok(())
    }

    /// How many rows.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The columns, in the order of the reference's schema.
    pub fn columns(&self) -> &[ColumnProfile] {
        &self.columns
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&ColumnProfile> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Columns of the reference that cannot be profiled, with the names of their types; of a profile that was made
    /// [as far as comparable](Self::like_comparable), columns of another type and new ones, with its name.
    pub fn not_profiled(&self) -> &BTreeMap<String, String> {
        &self.not_profiled
    }
}
