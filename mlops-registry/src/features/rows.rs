//! Rows that only grow, numbered from 0, gathered by number.

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array, new_null_array};
use arrow::compute::{concat_batches, interleave, take};
use arrow::datatypes::{DataType, SchemaRef};
use mlops_core::{Error, ErrorKind, Result};

/// Beyond this many rows segments are no longer merged: copying them again saves little.
const MOST_ROWS_MERGED: usize = 1 << 20;

/// Nor beyond this many bytes: the offsets of text have 31 bits.
const MOST_BYTES_MERGED: usize = 1 << 30;

/// Rows in segments whose sizes at least halve from one to the next, so that `n` rows that were
/// pushed one by one were each copied about `log2 n` times, and lie in about `log2 n` segments.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    schema: SchemaRef,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug)]
struct Segment {
    first: u32,
    rows: RecordBatch,
}

impl Rows {
    pub(super) fn new(schema: SchemaRef) -> Self {
        Self {
            schema,
            segments: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        let last = self.segments.last();
        last.map_or(0, |last| last.first as usize + last.rows.num_rows())
    }

    pub(super) fn data_type(&self, column: usize) -> &DataType {
        self.schema.field(column).data_type()
    }

    /// Appends rows, which take the next numbers. The columns must be those of the schema.
    pub(super) fn push(&mut self, rows: RecordBatch) -> Result<()> {
        let first = self.len();
        if u32::try_from(first + rows.num_rows()).is_err() {
            return Err(too_many_rows());
        }
        if rows.num_rows() > 0 {
            // The check above: it fits.
            let first = first as u32;
            self.segments.push(Segment { first, rows });
        }
        self.merge_tail()
    }

    fn merge_tail(&mut self) -> Result<()> {
        while let [.., left, right] = self.segments.as_slice() {
            if !is_worth_merging(&left.rows, &right.rows) {
                break;
            }
            let rows = concat_batches(&self.schema, [&left.rows, &right.rows])?;
            let first = left.first;
            self.segments.truncate(self.segments.len() - 2);
            self.segments.push(Segment { first, rows });
        }
        Ok(())
    }

    /// The values of a column in the rows of these numbers, null for a null.
    pub(super) fn gather(&self, column: usize, numbers: &UInt32Array) -> Result<ArrayRef> {
        match self.segments.as_slice() {
            [] => Ok(new_null_array(self.data_type(column), numbers.len())),
            [only] => Ok(take(only.rows.column(column), numbers, None)?),
            _ => self.gather_across(column, numbers),
        }
    }

    fn gather_across(&self, column: usize, numbers: &UInt32Array) -> Result<ArrayRef> {
        let null = new_null_array(self.data_type(column), 1);
        let columns = self
            .segments
            .iter()
            .map(|segment| segment.rows.column(column).as_ref());
        let arrays: Vec<&dyn Array> = std::iter::once(null.as_ref()).chain(columns).collect();
        let picks: Vec<(usize, usize)> = numbers
            .iter()
            .map(|number| number.map_or((0, 0), |number| self.place(number)))
            .collect();
        Ok(interleave(&arrays, &picks)?)
    }

    /// The place of a row among `[null] + segments`.
    fn place(&self, number: u32) -> (usize, usize) {
        let after = self
            .segments
            .partition_point(|segment| segment.first <= number);
        let first = self.segments[after - 1].first;
        (after, (number - first) as usize)
    }
}

/// The error of a view whose rows can no longer be numbered.
pub(super) fn too_many_rows() -> Error {
    let why = format!("a feature view holds at most {} rows", u32::MAX);
    Error::new(ErrorKind::Unsupported, why)
}

fn is_worth_merging(left: &RecordBatch, right: &RecordBatch) -> bool {
    let (left_rows, right_rows) = (left.num_rows(), right.num_rows());
    let bytes = size_of_values(left) + size_of_values(right);
    left_rows < 2 * right_rows
        && left_rows + right_rows <= MOST_ROWS_MERGED
        && bytes <= MOST_BYTES_MERGED
}

/// Of what is in the rows alone, though they may be a slice of something large.
fn size_of_values(rows: &RecordBatch) -> usize {
    let size = |column: &ArrayRef| {
        let sliced = column.to_data().get_slice_memory_size();
        sliced.unwrap_or_else(|_| column.get_array_memory_size())
    };
    rows.columns().iter().map(size).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::Int64Type;

    use super::*;

    #[test]
    fn pushing_one_by_one_keeps_few_segments_and_every_number() {
        let batch = |value: i64| {
            let column: ArrayRef = Arc::new(Int64Array::from(vec![value]));
            RecordBatch::try_from_iter([("x", column)]).unwrap()
        };
        let mut rows = Rows::new(batch(0).schema());
        (0..1_000).for_each(|value| rows.push(batch(value)).unwrap());
        assert_eq!(rows.len(), 1_000);
        assert!(rows.segments.len() <= 10, "{}", rows.segments.len());
        let numbers = UInt32Array::from(vec![Some(999), None, Some(0), Some(511)]);
        let got = rows.gather(0, &numbers).unwrap();
        let got: Vec<_> = got.as_primitive::<Int64Type>().iter().collect();
        assert_eq!(got, [Some(999), None, Some(0), Some(511)]);
    }
}
