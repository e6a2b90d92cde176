use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, SchemaRef};
use mlops_core::{Error, ErrorKind, Result};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;

use super::{
    Chunks, Table, converted, field_of, index_of, may_round, require_convertible, with_columns_of,
};

/// Rows that are decoded at once: they stay in the cache until they are counted.
const ROWS: usize = 16_384;

/// A Parquet file on disk, or several whose rows follow one another: footers are read once, columns one by one, a row group at a time. Cheap
/// to clone.
///
/// The columns are those of the first file, followed by those that later ones have beyond it, in whatever order a file has them. A column that is of
/// several types in the files is of one that holds all their values, as in a [`Vec<RecordBatch>`](Table#impl-Table-for-Vec<RecordBatch>): so are integers
/// in one file and, since some were missing, floats in another. That a file lacks a column, has it as a type of another meaning, or holds integers that a
/// float would round, is an error when that column is asked for, known from the footers but for the last: a check that [reports schema changes](crate::DriftCheck::report_schema_changes) goes on with the others.
///
/// The files must not change while they are in use; what is torn by a change is reported as
/// [`Corrupt`](ErrorKind::Corrupt) where Parquet notices it.
///
/// ```
/// # use std::{fs::File, sync::Arc};
/// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// # let folder = std::env::temp_dir().join(format!("parquet-table-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("week.parquet");
/// # let column = Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
/// # let batch = RecordBatch::try_from_iter([("x", column)])?;
/// use mlops_drift::DriftCheck;
/// use mlops_drift::parquet::arrow::ArrowWriter;
/// use mlops_drift::table::{ParquetTable, Table};
///
/// let mut writer = ArrowWriter::try_new(File::create(&path)?, batch.schema(), None)?;
/// writer.write(&batch)?;
/// writer.close()?; // without it the file has no footer, and is refused
///
/// let week = ParquetTable::open(&path)?;
/// assert_eq!(week.rows(), 100);
/// assert!(!DriftCheck::against(&week).run(&week)?.verdict.drifted);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ParquetTable {
    /// At least one.
    files: Arc<Vec<ParquetFile>>,
    /// Of all files.
    schema: SchemaRef,
}

#[derive(Debug)]
struct ParquetFile {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
}

impl ParquetTable {
    /// Reads the footer.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), [`PermissionDenied`](ErrorKind::PermissionDenied), or
    /// [`Corrupt`](ErrorKind::Corrupt) for a file that is empty, no Parquet file or truncated; the message says which.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_all([path])
    }

    /// Reads the footers of several files, whose rows follow one another in this order.
    ///
    /// # Errors
    /// Those of [`open`](Self::open); [`InvalidArgument`](ErrorKind::InvalidArgument) for no file.
    pub fn open_all<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Self> {
        let files = paths
            .into_iter()
            .map(|path| ParquetFile::open(path.as_ref()));
        let files = files.collect::<Result<Vec<_>>>()?;
        let Some((first, others)) = files.split_first() else {
            return Err(Error::invalid("a table must have at least 1 file, got 0"));
        };
        let others = others.iter().map(|file| file.metadata.schema());
        let schema = others.fold(first.metadata.schema().clone(), with_columns_of);
        Ok(Self {
            files: Arc::new(files),
            schema,
        })
    }

    /// Reads the footers of all files of a folder whose names end in `.parquet`, in the order of their names: the parts that a log or a dataset was
    /// written in. Folders within it are not looked into.
    ///
    /// # Errors
    /// Those of [`open_all`](Self::open_all), of reading the folder, and [`InvalidArgument`](ErrorKind::InvalidArgument) for one without such a file.
    pub fn open_folder(path: impl AsRef<Path>) -> Result<Self> {
        let folder = path.as_ref();
        let entries = std::fs::read_dir(folder).and_then(|entries| {
            let paths = entries.map(|entry| entry.map(|entry| entry.path()));
            paths.collect::<io::Result<Vec<PathBuf>>>()
        });
        let mut paths = entries.map_err(|error| match error.kind() {
            io::ErrorKind::NotADirectory => at(
                folder,
                Error::invalid("a folder is read, got a file: see open"),
            ),
            _ => at(folder, of_io(error)),
        })?;
        paths.retain(|path| path.extension().is_some_and(|end| end == "parquet") && path.is_file());
        paths.sort();
        if paths.is_empty() {
            let what = "a folder must hold at least 1 file whose name ends in .parquet, got none; folders within it are not looked into";
            return Err(Error::invalid(what).context("folder", folder.display()));
        }
        Self::open_all(paths).map_err(|error| error.context("folder", folder.display()))
    }
}

impl ParquetFile {
    fn open(path: &Path) -> Result<Self> {
        if path.is_dir() {
            let what = "a file is read, got a folder: see open_folder";
            return Err(at(path, Error::invalid(what)));
        }
        let path = path.to_owned();
        let read = || -> Result<ArrowReaderMetadata> {
            let file = File::open(&path).map_err(of_io)?;
            let loaded = unless_torn(|| ArrowReaderMetadata::load(&file, Default::default()))
                .and_then(|loaded| loaded.map_err(of_parquet));
            loaded.map_err(|error| match (error.kind(), damage(&file)) {
                (ErrorKind::Corrupt, Ok(Some(what))) => {
                    Error::new(ErrorKind::Corrupt, what).source(error)
                }
                _ => error,
            })
        };
        let metadata = read().map_err(|error| at(&path, error))?;
        Ok(Self { path, metadata })
    }

    fn rows(&self) -> u64 {
        let rows = self.metadata.metadata().file_metadata().num_rows();
        u64::try_from(rows).unwrap_or(0)
    }

    /// Of the column of this name, which must be of this type or one that is part of it.
    fn index(&self, name: &str, data_type: &DataType) -> Result<usize> {
        let schema = self.metadata.schema();
        let found = index_of(schema, name).and_then(|index| {
            require_convertible(name, data_type, schema.field(index).data_type())?;
            Ok(index)
        });
        found.map_err(|error| at(&self.path, error))
    }

    /// An error for integers that are to be floats, and that these would round: such a column is read once more.
    fn require_exact(&self, index: usize, data_type: &DataType) -> Result<()> {
        match may_round(self.metadata.schema().field(index).data_type(), data_type) {
            true => self
                .column(index, data_type.clone())?
                .try_for_each(|part| part.map(drop)),
            false => Ok(()),
        }
    }

    /// The column at this place, as this type.
    fn column(&self, index: usize, data_type: DataType) -> Result<Chunks<'_>> {
        let chunks = self.chunks(index).map_err(|error| at(&self.path, error))?;
        let name = self.metadata.schema().field(index).name();
        Ok(Box::new(chunks.map(move |chunk| {
            let chunk = chunk.and_then(|chunk| converted(name, &data_type, chunk));
            chunk.map_err(|error| at(&self.path, error))
        })))
    }

    fn chunks(&self, index: usize) -> Result<impl Iterator<Item = Result<ArrayRef>>> {
        let file = File::open(&self.path).map_err(of_io)?;
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), [index]);
        let reader = unless_torn(|| builder.with_projection(mask).with_batch_size(ROWS).build())?;
        let mut batches = reader.map_err(of_parquet)?;
        let mut is_torn = false;
        Ok(std::iter::from_fn(move || {
            if is_torn {
                return None;
            }
            let batch = unless_torn(|| batches.next());
            is_torn = batch.is_err();
            Some(
                batch
                    .transpose()?
                    .and_then(|batch| Ok(batch?.column(0).clone())),
            )
        }))
    }
}

impl Table for ParquetTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn rows(&self) -> u64 {
        self.files.iter().map(ParquetFile::rows).sum()
    }

    fn column(&self, name: &str) -> Result<Chunks<'_>> {
        // Files that do not fit are known before anything is read; each is opened when its turn comes.
        let data_type = field_of(&self.schema, name)?.data_type();
        let of_files = self.files.iter().map(|file| file.index(name, data_type));
        let of_files = of_files.collect::<Result<Vec<usize>>>()?;
        let files = self.files.iter().zip(of_files);
        for (file, index) in files.clone() {
            file.require_exact(index, data_type)?;
        }
        Ok(Box::new(files.flat_map(move |(file, index)| {
            file.column(index, data_type.clone())
                .unwrap_or_else(|error| Box::new(std::iter::once(Err(error))))
        })))
    }
}

/// What reads a damaged file may panic, where the decoder takes for granted what its writer promised. Nothing is used after that but the message.
fn unless_torn<T>(read: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(read)).map_err(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
        let message = format!("a damaged Parquet file: {}", said.unwrap_or("undecodable"));
        Error::new(ErrorKind::Corrupt, message)
    })
}

/// What every Parquet file begins with and ends in (the format's specification, "File format").
const MAGIC: [u8; 4] = *b"PAR1";

/// What is wrong with a file whose footer cannot be read, if its first and last bytes tell.
fn damage(mut file: &File) -> io::Result<Option<String>> {
    let bytes = file.metadata()?.len();
    if bytes == 0 {
        return Ok(Some("the file is empty: 0 bytes".to_owned()));
    }
    let mut has_magic = |at: SeekFrom, least: u64| -> io::Result<bool> {
        if bytes < least {
            return Ok(false);
        }
        let mut found = [0; 4];
        file.seek(at)?;
        file.read_exact(&mut found)?;
        Ok(found == MAGIC)
    };
    let begins = has_magic(SeekFrom::Start(0), 4)?;
    let ends = has_magic(SeekFrom::End(-4), 8)?;
    Ok(match (begins, ends) {
        (true, true) => None,
        (true, false) => Some(format!(
            "the Parquet file is truncated: it must end in PAR1, and breaks off after {bytes} bytes"
        )),
        (false, _) => Some(format!(
            "not a Parquet file: it must begin with PAR1, got {bytes} bytes of something else"
        )),
    })
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
    Error::new(kind, "the Parquet file cannot be read").source(error)
}

fn at(path: &Path, error: Error) -> Error {
    error
        .operation("read Parquet file")
        .context("path", path.display())
}
