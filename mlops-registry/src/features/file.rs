//! A table as the bytes of a Parquet file, and back.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use mlops_core::Bytes;
use mlops_core::{Digest, Error, ErrorKind, Result};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

/// Snappy: the rows are read far more often than written, and its decoder is fastest.
pub(super) fn encode(rows: &RecordBatch) -> Result<Vec<u8>> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .build();
    let write = || {
        let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties))?;
        writer.write(rows)?;
        writer.into_inner()
    };
    write().map_err(|error: ParquetError| {
        let kind = match &error {
            ParquetError::NYI(_) | ParquetError::ArrowError(_) => ErrorKind::Unsupported,
            _ => ErrorKind::Internal,
        };
        Error::new(kind, format!("cannot write as Parquet: {error}")).source(error)
    })
}

/// The table in a file's bytes; `Corrupt` if they are not those of the digest, or no Parquet.
pub(super) fn decode(bytes: Bytes, digest: Digest) -> Result<RecordBatch> {
    let actual = Digest::of(&bytes);
    if actual != digest {
        let why = format!("bytes have digest {actual}, not {digest}");
        return Err(Error::new(ErrorKind::Corrupt, why));
    }
    let damaged = |error: String| Error::new(ErrorKind::Corrupt, format!("no Parquet: {error}"));
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes)
        .map_err(|error| damaged(error.to_string()).source(error))?;
    let schema = builder.schema().clone();
    let batches = builder
        .build()
        .map_err(|error| damaged(error.to_string()).source(error))?
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| damaged(error.to_string()).source(error))?;
    Ok(concat_batches(&schema, &batches)?)
}
