use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use mlops_core::{Error, ErrorKind, Result};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;

use super::{Chunks, Table, missing};

/// Rows that are decoded at once: they stay in the cache until they are counted.
const ROWS: usize = 16_384;

/// A Parquet file on disk: its footer is read once, its columns one by one, a row group at a time. Cheap to clone.
///
/// The file must not change while it is in use; what is torn by a change is reported as
/// [`Corrupt`](ErrorKind::Corrupt) where Parquet notices it.
///
/// ```
/// # use std::{fs::File, sync::Arc};
/// # use arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// # let folder = std::env::temp_dir().join(format!("parquet-table-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("week.parquet");
/// # let column = Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
/// # let batch = RecordBatch::try_from_iter([("x", column)])?;
/// # let mut writer = parquet::arrow::ArrowWriter::try_new(File::create(&path)?, batch.schema(), None)?;
/// # writer.write(&batch)?;
/// # writer.close()?;
/// use mlops_drift::DriftCheck;
/// use mlops_drift::table::{ParquetTable, Table};
///
/// let week = ParquetTable::open(&path)?;
/// assert_eq!(week.rows(), 100);
/// assert!(!DriftCheck::against(&week).run(&week)?.verdict.drifted);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ParquetTable {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
}

impl ParquetTable {
    /// Reads the footer.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), [`PermissionDenied`](ErrorKind::PermissionDenied), or
    /// [`Corrupt`](ErrorKind::Corrupt) for a file that is no Parquet file or is truncated.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let read = || -> Result<ArrowReaderMetadata> {
            let file = File::open(&path).map_err(of_io)?;
            ArrowReaderMetadata::load(&file, Default::default()).map_err(of_parquet)
        };
        let metadata = read().map_err(|error| at(&path, error))?;
        Ok(Self { path, metadata })
    }

    fn chunks(&self, index: usize) -> Result<impl Iterator<Item = Result<ArrayRef>>> {
        let file = File::open(&self.path).map_err(of_io)?;
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), [index]);
        let reader = builder.with_projection(mask).with_batch_size(ROWS).build();
        let batches = reader.map_err(of_parquet)?;
        Ok(batches.map(|batch| Ok(batch?.column(0).clone())))
    }
}

impl Table for ParquetTable {
    fn schema(&self) -> SchemaRef {
        self.metadata.schema().clone()
    }

    fn rows(&self) -> u64 {
        let rows = self.metadata.metadata().file_metadata().num_rows();
        u64::try_from(rows).unwrap_or(0)
    }

    fn column(&self, name: &str) -> Result<Chunks<'_>> {
        let index = self.metadata.schema().index_of(name);
        let index = index.map_err(|_| missing(name))?;
        let chunks = self.chunks(index).map_err(|error| at(&self.path, error))?;
        Ok(Box::new(
            chunks.map(|chunk| chunk.map_err(|error| at(&self.path, error))),
        ))
    }
}

fn of_io(error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, "the file cannot be opened").source(error)
}

fn of_parquet(error: ParquetError) -> Error {
    let kind = match &error {
        ParquetError::NYI(_) => ErrorKind::Unsupported,
        _ => ErrorKind::Corrupt,
    };
    Error::new(kind, "not a readable Parquet file").source(error)
}

fn at(path: &Path, error: Error) -> Error {
    error
        .operation("read Parquet file")
        .context("path", path.display())
}
