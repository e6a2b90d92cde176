use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use mlops_core::{Error, ErrorKind, Result};

use super::{Chunks, Table, field_of, parts_of};

/// Rows of a part that holds no column.
const ROWS: usize = 65_536;

/// Some columns of a table side by side, part by part, wherever each column is cut. Memory for one part.
///
/// # Errors
/// `SignatureMismatch` for a column that is missing, there twice, or whose parts are of another type than the schema's;
/// `Corrupt` for columns of different lengths.
pub(crate) fn in_parts<'a>(table: &'a dyn Table, columns: &[&str]) -> Result<Parts<'a>> {
    let schema = table.schema();
    let fields = columns.iter().map(|name| {
        // The first part may have no nulls where a later one has.
        Ok(field_of(&schema, name)?.clone().with_nullable(true))
    });
    let fields = fields.collect::<Result<Vec<Field>>>()?;
    let readers = columns.iter().map(|name| {
        let chunks = parts_of(table, name)?;
        Ok(Reader { chunks, rest: None })
    });
    Ok(Parts {
        schema: Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone())),
        readers: readers.collect::<Result<_>>()?,
        rows: table.rows(),
        ended: false,
    })
}

/// Batches whose columns are cut at the same rows.
pub(crate) struct Parts<'a> {
    schema: SchemaRef,
    readers: Vec<Reader<'a>>,
    /// That are still to come.
    rows: u64,
    ended: bool,
}

struct Reader<'a> {
    chunks: Chunks<'a>,
    /// What is left of the chunk at hand.
    rest: Option<ArrayRef>,
}

impl Reader<'_> {
    /// The rows at hand; 0 at the end of the column.
    fn fill(&mut self) -> Result<usize> {
        while self.rest.as_ref().is_none_or(|rest| rest.is_empty()) {
            match self.chunks.next() {
                Some(chunk) => self.rest = Some(chunk?),
                None => return Ok(0),
            }
        }
        Ok(self.rest.as_ref().map_or(0, |rest| rest.len()))
    }

    fn take(&mut self, rows: usize) -> Option<ArrayRef> {
        let chunk = self.rest.take()?;
        self.rest = Some(chunk.slice(rows, chunk.len() - rows));
        Some(chunk.slice(0, rows))
    }
}

impl Parts<'_> {
    /// Of every part.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn read(&mut self) -> Result<RecordBatch> {
        let ready = self.readers.iter_mut().map(Reader::fill);
        let ready = ready.collect::<Result<Vec<usize>>>()?;
        let left = usize::try_from(self.rows).unwrap_or(usize::MAX);
        let rows = ready.into_iter().min().unwrap_or(ROWS).min(left);
        if rows == 0 {
            return Err(Error::new(
                ErrorKind::Corrupt,
                format!("a column ends {left} rows before its table"),
            ));
        }
        self.rows -= rows as u64;
        let columns: Vec<ArrayRef> = self
            .readers
            .iter_mut()
            .filter_map(|r| r.take(rows))
            .collect();
        let size = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.schema),
            columns,
            &size,
        )?)
    }

    fn require_end(&mut self) -> Result<()> {
        for reader in &mut self.readers {
            if reader.fill()? > 0 {
                return Err(Error::new(
                    ErrorKind::Corrupt,
                    "a column goes on after its table",
                ));
            }
        }
        Ok(())
    }
}

impl Iterator for Parts<'_> {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        if self.rows == 0 {
            self.ended = true;
            return self.require_end().err().map(Err);
        }
        let part = self.read();
        self.ended = part.is_err();
        Some(part)
    }
}
