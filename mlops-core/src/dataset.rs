//! Datasets: what a model was made from, named by content.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{DatasetName, Digest, Error, ErrorKind, Result, Timestamp, type_name};

/// A dataset as it was at one moment: immutable, named by its content.
///
/// ```
/// use mlops_core::{DatasetName, DatasetVersion, Fingerprint, Timestamp};
/// # use std::sync::Arc;
/// # use mlops_core::arrow::array::{Int32Array, RecordBatch};
/// # let table = RecordBatch::try_from_iter([("x", Arc::new(Int32Array::from(vec![1])) as _)])?;
/// let version = DatasetVersion {
///     name: DatasetName::new("flights")?,
///     fingerprint: Fingerprint::of([&table])?,
///     rows: 1,
///     source: "file:flights.parquet".into(),
///     registered_at: "2013-04-01T00:00:00Z".parse::<Timestamp>().unwrap(),
/// };
/// assert_eq!(version.reference().name, version.name);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetVersion {
    /// The dataset's name.
    pub name: DatasetName,
    /// What it holds.
    pub fingerprint: Digest,
    /// How many rows it has.
    pub rows: u64,
    /// Where it was read from, for people.
    pub source: String,
    /// When it was registered first.
    pub registered_at: Timestamp,
}

impl DatasetVersion {
    /// Name and fingerprint: what lineage keeps.
    pub fn reference(&self) -> DatasetReference {
        DatasetReference {
            name: self.name.clone(),
            fingerprint: self.fingerprint,
        }
    }
}

/// One version of a dataset, by name and content.
///
/// ```
/// use mlops_core::{DatasetName, DatasetReference, Digest};
/// let reference = DatasetReference { name: DatasetName::new("flights")?, fingerprint: Digest::of(b"") };
/// assert_eq!(reference.name.as_str(), "flights");
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DatasetReference {
    /// The dataset's name.
    pub name: DatasetName,
    /// What it holds.
    pub fingerprint: Digest,
}

/// The fingerprint of a table: equal for equal column names, logical types and values in equal
/// row order, however the rows are cut into batches, and whether or not strings are
/// dictionary-encoded or of the large or view kind.
///
/// Nested columns other than none are not spoken of. Cost: one pass, SHA-256 over the values.
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::Fingerprint;
/// use mlops_core::arrow::array::{Int32Array, RecordBatch};
///
/// let table = RecordBatch::try_from_iter([("x", Arc::new(Int32Array::from(vec![1, 2, 3])) as _)])?;
/// let (head, tail) = (table.slice(0, 1), table.slice(1, 2));
/// assert_eq!(Fingerprint::of([&table])?, Fingerprint::of([&head, &tail])?);
/// assert_ne!(Fingerprint::of([&table])?, Fingerprint::of([&head])?);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Default)]
pub struct Fingerprint {
    rows: u64,
    columns: BTreeMap<String, ColumnHash>,
}

struct ColumnHash {
    kind: String,
    present: Sha256,
    values: Sha256,
}

impl Fingerprint {
    /// The fingerprint of some batches of one table, in order.
    ///
    /// # Errors
    /// As [`Fingerprint::update`].
    pub fn of<'a>(batches: impl IntoIterator<Item = &'a RecordBatch>) -> Result<Digest> {
        let mut fingerprint = Self::default();
        batches
            .into_iter()
            .try_for_each(|batch| fingerprint.update(batch))?;
        Ok(fingerprint.finish())
    }

    /// Takes in the next rows.
    ///
    /// # Errors
    /// `SignatureMismatch` if columns differ from those before; `Unsupported` for a nested column.
    pub fn update(&mut self, batch: &RecordBatch) -> Result<()> {
        if self.rows == 0 && self.columns.is_empty() {
            self.columns = fresh(&batch.schema());
        }
        if batch.num_columns() != self.columns.len() {
            return Err(Error::new(
                ErrorKind::SignatureMismatch,
                format!(
                    "batch has {} columns, the ones before {}",
                    batch.num_columns(),
                    self.columns.len()
                ),
            ));
        }
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            let hash = self
                .columns
                .get_mut(field.name())
                .filter(|hash| hash.kind == logical_type(field.data_type()))
                .ok_or_else(|| {
                    let why = format!("column was not there before as {}", field.data_type());
                    Error::new(ErrorKind::SignatureMismatch, why).context("column", field.name())
                })?;
            hash.update(column)
                .map_err(|e| e.context("column", field.name()))?;
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// How many rows were taken in.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The digest of all.
    pub fn finish(self) -> Digest {
        let mut all = format!("table 1\nrows {}\n", self.rows);
        for (name, hash) in self.columns {
            let present = Digest::of(&hash.present.finalize());
            let values = Digest::of(&hash.values.finalize());
            all.push_str(&format!(
                "{}:{name} {} {present} {values}\n",
                name.len(),
                hash.kind
            ));
        }
        Digest::of(all.as_bytes())
    }
}

fn fresh(schema: &Schema) -> BTreeMap<String, ColumnHash> {
    let column = |data_type: &DataType| ColumnHash {
        kind: logical_type(data_type),
        present: Sha256::new(),
        values: Sha256::new(),
    };
    schema
        .fields()
        .iter()
        .map(|field| (field.name().clone(), column(field.data_type())))
        .collect()
}

/// One name for all encodings of the same values.
fn logical_type(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".into(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "bytes".into(),
        DataType::Dictionary(_, values) => logical_type(values),
        other => type_name(other),
    }
}

impl ColumnHash {
    fn update(&mut self, column: &ArrayRef) -> Result<()> {
        let column = plain(column)?;
        // Logical nulls, so that a slice and a copy of it hash alike.
        let nulls = column.logical_nulls();
        match &nulls {
            None => self.present.update(vec![1_u8; column.len()]),
            Some(nulls) => self
                .present
                .update(nulls.iter().map(u8::from).collect::<Vec<u8>>()),
        }
        let is_present = |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
        let rows = (0..column.len()).filter(|row| is_present(*row));
        if let Some(bytes) = column.as_binary_opt::<i64>() {
            for row in rows {
                let value = bytes.value(row);
                self.values.update((value.len() as u64).to_le_bytes());
                self.values.update(value);
            }
        } else if let Some(bools) = column.as_boolean_opt() {
            let bytes: Vec<u8> = rows.map(|row| u8::from(bools.value(row))).collect();
            self.values.update(bytes);
        } else {
            self.fixed_width(&column, rows)?;
        }
        Ok(())
    }

    fn fixed_width(&mut self, column: &ArrayRef, rows: impl Iterator<Item = usize>) -> Result<()> {
        let width = column.data_type().primitive_width().ok_or_else(|| {
            let why = format!("a fingerprint does not speak of {}", column.data_type());
            Error::new(ErrorKind::Unsupported, why)
        })?;
        let data = column.to_data();
        let bytes = &data.buffers()[0].as_slice()[data.offset() * width..];
        let mut kept = Vec::with_capacity(column.len() * width);
        for row in rows {
            kept.extend_from_slice(&bytes[row * width..(row + 1) * width]);
        }
        self.values.update(kept);
        Ok(())
    }
}

/// Dictionaries unpacked, and all text and bytes as large binary.
fn plain(column: &ArrayRef) -> Result<ArrayRef> {
    match logical_type(column.data_type()).as_str() {
        "text" | "bytes" => {
            let unpacked = match column.data_type() {
                DataType::Dictionary(_, values) => arrow::compute::cast(column, values)?,
                _ => column.clone(),
            };
            Ok(arrow::compute::cast(&unpacked, &DataType::LargeBinary)?)
        }
        _ => match column.data_type() {
            DataType::Dictionary(_, values) => Ok(arrow::compute::cast(column, values)?),
            _ => Ok(column.clone()),
        },
    }
}
