use arrow::datatypes::{Schema, SchemaRef};
use mlops_core::{Error, Result};

use super::{Chunks, Table, index_of, missing};

/// Some columns of a table; the others are never read. For a profile, a suite, a summary or a preset of a table that holds a column of no use, such as an
/// identifier, or one that is not the same in every part, which they refuse in a reference.
///
/// ```
/// # use std::sync::Arc;
/// use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
/// use mlops_drift::DriftCheck;
/// use mlops_drift::profile::TableProfile;
/// use mlops_drift::table::Projection;
///
/// let x = Arc::new(Int32Array::from_iter_values(0..50)) as ArrayRef;
/// let [numbers, texts] = [Arc::new(Int32Array::from(vec![1; 50])) as ArrayRef, Arc::new(StringArray::from(vec!["1"; 50]))];
/// let part = |code: ArrayRef| RecordBatch::try_from_iter([("x", x.clone()), ("code", code)]);
/// let week = vec![part(numbers)?, part(texts)?];
///
/// assert!(TableProfile::of(&week).is_err()); // "code" is of no one type
/// let rest = Projection::except(week, ["code"])?;
/// let profile = TableProfile::of(&rest)?;
/// assert_eq!((profile.rows(), profile.columns().len()), (100, 1));
/// assert!(!DriftCheck::against(&profile).run(&rest)?.verdict.drifted);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Projection<T> {
    table: T,
    schema: SchemaRef,
}

impl<T: Table> Projection<T> {
    /// These columns, in this order.
    ///
    /// # Errors
    /// [`SignatureMismatch`](mlops_core::ErrorKind::SignatureMismatch) for a column that the table lacks or has twice;
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for one that is named twice.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let x = Arc::new(Int32Array::from(vec![1])) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", x.clone()), ("y", x)])?;
    /// use mlops_drift::table::{Projection, Table};
    /// let y = Projection::of(table, ["y"])?;
    /// assert!(y.column("y").is_ok() && y.column("x").is_err());
    /// assert!(Projection::of(&y, ["y", "y"]).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of<C: AsRef<str>>(table: T, columns: impl IntoIterator<Item = C>) -> Result<Self> {
        let mut kept = Vec::new();
        for column in columns {
            let index = index_of(&table.schema(), column.as_ref())?;
            if kept.contains(&index) {
                let twice = format!(
                    "columns must be named once, got \"{}\" twice",
                    column.as_ref()
                );
                return Err(Error::invalid(twice));
            }
            kept.push(index);
        }
        Self::at(table, &kept)
    }

    /// All columns but these.
    ///
    /// # Errors
    /// [`SignatureMismatch`](mlops_core::ErrorKind::SignatureMismatch) for a column that the table lacks.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let x = Arc::new(Int32Array::from(vec![1])) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", x.clone()), ("y", x)])?;
    /// use mlops_drift::table::{Projection, Table};
    /// assert_eq!(Projection::except(&table, ["y"])?.schema().fields().len(), 1);
    /// assert!(Projection::except(&table, ["z"]).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn except<C: AsRef<str>>(table: T, columns: impl IntoIterator<Item = C>) -> Result<Self> {
        let schema = table.schema();
        let mut kept: Vec<usize> = (0..schema.fields().len()).collect();
        for column in columns {
            let column = column.as_ref();
            if schema.column_with_name(column).is_none() {
                return Err(missing(column));
            }
            kept.retain(|&index| schema.field(index).name() != column);
        }
        Self::at(table, &kept)
    }

    fn at(table: T, indices: &[usize]) -> Result<Self> {
        let schema: Schema = table.schema().project(indices)?;
        Ok(Self {
            table,
            schema: schema.into(),
        })
    }
}

impl<T: Table> Table for Projection<T> {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn rows(&self) -> u64 {
        self.table.rows()
    }

    fn column(&self, name: &str) -> Result<Chunks<'_>> {
        index_of(&self.schema, name)?;
        self.table.column(name)
    }
}

/// A table that is borrowed is one.
impl<T: Table + ?Sized> Table for &T {
    fn schema(&self) -> SchemaRef {
        (**self).schema()
    }

    fn rows(&self) -> u64 {
        (**self).rows()
    }

    fn column(&self, name: &str) -> Result<Chunks<'_>> {
        (**self).column(name)
    }
}
