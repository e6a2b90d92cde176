use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, GenericListArray, OffsetSizeTrait, RecordBatch};
use mlops_core::{Error, ErrorKind, Result};
use rand_chacha::ChaCha8Rng;

use crate::check::{Mean, Units, find};
use crate::permutation::shuffle_head;
use crate::sample::{NumericSample, numbers};

/// Rows of equally many numbers, in their order, and the number of missing rows.
///
/// A row with a NaN is missing as a whole. Infinite values are refused: no distance to them is defined.
///
/// ```
/// use mlops_drift::multivariate::Points;
/// let points = Points::new(2, [1.0, 2.0, f64::NAN, 4.0])?;
/// assert_eq!((points.len(), points.missing(), points.dimensions()), (1, 1, 2));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    dimensions: usize,
    values: Vec<f64>,
    missing: usize,
}

impl Points {
    /// From numbers row by row.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for 0 dimensions, a row that is not whole, or an
    /// infinite value.
    ///
    /// ```
    /// use mlops_drift::multivariate::Points;
    /// assert!(Points::new(2, [1.0, 2.0, 3.0]).is_err());
    /// ```
    pub fn new(dimensions: usize, values: impl IntoIterator<Item = f64>) -> Result<Self> {
        let all: Vec<f64> = values.into_iter().collect();
        if dimensions == 0 || !all.len().is_multiple_of(dimensions) {
            return Err(Error::invalid(format!(
                "values must fill rows of at least 1 dimension, got {} values for {dimensions}",
                all.len()
            )));
        }
        require_finite(&all)?;
        let whole = all
            .chunks_exact(dimensions)
            .filter(|row| !row.iter().any(|x| x.is_nan()));
        let values: Vec<f64> = whole.flatten().copied().collect();
        let missing = (all.len() - values.len()) / dimensions;
        Ok(Self {
            dimensions,
            values,
            missing,
        })
    }

    /// From an Arrow column of lists of equally many numbers, such as embeddings. A null row is missing, and so is one
    /// with a null or NaN in it.
    ///
    /// # Errors
    /// [`Unsupported`](mlops_core::ErrorKind::Unsupported) for another type;
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for lists of different lengths, and for lists of
    /// variable size if all of them are null; otherwise as [`new`](Self::new).
    ///
    /// ```
    /// use mlops_core::arrow::array::{FixedSizeListArray, ListArray};
    /// use mlops_core::arrow::datatypes::Float32Type;
    /// use mlops_drift::multivariate::Points;
    /// let rows = [Some([Some(1.0), Some(2.0)]), None];
    /// let column = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(rows, 2);
    /// assert_eq!(Points::from_array(&column)?.missing(), 1);
    /// let column = ListArray::from_iter_primitive::<Float32Type, _, _>(rows);
    /// assert_eq!(Points::from_array(&column)?.dimensions(), 2);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn from_array(array: &dyn Array) -> Result<Self> {
        let (dimensions, values) = lists(array)?;
        Self::new(dimensions, values)
    }

    /// From a column of a table, the mean of the whole rows of every unit: for tests that take units, such as users, and not rows for
    /// exchangeable. A unit without a whole row is missing. A change of the spread within units alone is not seen.
    ///
    /// # Errors
    /// As [`from_array`](Self::from_array); [`SignatureMismatch`](ErrorKind::SignatureMismatch) for a column that the table lacks;
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for a null in the unit column.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// use mlops_core::arrow::array::{ArrayRef, FixedSizeListArray, Int32Array, RecordBatch};
    /// use mlops_core::arrow::datatypes::Float32Type;
    /// use mlops_drift::multivariate::Points;
    ///
    /// let rows = [[1.0, 2.0], [3.0, 6.0], [5.0, 5.0]].map(|row| Some(row.map(Some)));
    /// let embedding = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(rows, 2);
    /// let user = Int32Array::from(vec![7, 7, 8]);
    /// let columns: [(&str, ArrayRef); 2] = [("user", Arc::new(user)), ("embedding", Arc::new(embedding))];
    /// let table = RecordBatch::try_from_iter(columns)?;
    /// let users = Points::per_unit(&table, "embedding", "user")?;
    /// assert_eq!(users, Points::new(2, [2.0, 4.0, 5.0, 5.0])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn per_unit(table: &RecordBatch, column: &str, unit: &str) -> Result<Self> {
        let units = Units::of(table, unit)?;
        let (dimensions, values) = lists(find(table, column)?)?;
        require_finite(&values)?;
        let mut means = vec![Mean::default(); units.len() * dimensions];
        for (row, &unit) in values.chunks_exact(dimensions.max(1)).zip(units.in_order()) {
            if !row.iter().any(|x| x.is_nan()) {
                let of_unit = &mut means[unit as usize * dimensions..][..dimensions];
                of_unit
                    .iter_mut()
                    .zip(row)
                    .for_each(|(mean, x)| mean.push(*x));
            }
        }
        Self::new(dimensions, means.into_iter().map(Mean::get))
    }

    /// So many rows drawn at random, and the others.
    pub(super) fn split(&self, size: usize, generator: &mut ChaCha8Rng) -> [Self; 2] {
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        let size = size.min(order.len());
        shuffle_head(&mut order, size, generator);
        let rows: Vec<&[f64]> = self.rows().collect();
        let (drawn, rest) = order.split_at(size);
        [drawn, rest].map(|part| Self {
            dimensions: self.dimensions,
            values: part
                .iter()
                .flat_map(|&row| rows[row as usize])
                .copied()
                .collect(),
            missing: 0,
        })
    }

    /// How many rows are not missing.
    pub fn len(&self) -> usize {
        self.values.len() / self.dimensions
    }

    /// Whether every row is missing, or there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// How many rows are missing.
    pub fn missing(&self) -> usize {
        self.missing
    }

    /// Numbers per row.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The rows that are not missing.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.values.chunks_exact(self.dimensions)
    }
}

impl From<&NumericSample> for Points {
    /// One dimension; infinite values count as missing.
    fn from(sample: &NumericSample) -> Self {
        let finite = sample
            .sorted()
            .iter()
            .copied()
            .filter(|value| value.is_finite());
        let values: Vec<f64> = finite.collect();
        Self {
            dimensions: 1,
            missing: sample.missing() + sample.len() - values.len(),
            values,
        }
    }
}

fn require_finite(values: &[f64]) -> Result<()> {
    match values.iter().find(|value| value.is_infinite()) {
        Some(value) => Err(Error::invalid(format!(
            "values must be finite, got {value}"
        ))),
        None => Ok(()),
    }
}

/// How many numbers a row of a column of lists has, and those of all rows; a missing row is of NaN.
fn lists(array: &dyn Array) -> Result<(usize, Vec<f64>)> {
    if let Some(lists) = array.as_fixed_size_list_opt() {
        let size = lists.value_length() as usize;
        let row = |row| {
            let start = lists.value_offset(row) as usize;
            lists.is_valid(row).then_some(start..start + size)
        };
        return joined(size, lists.values(), (0..lists.len()).map(row));
    }
    if let Some(lists) = array.as_list_opt::<i32>() {
        return variable_lists(lists);
    }
    if let Some(lists) = array.as_list_opt::<i64>() {
        return variable_lists(lists);
    }
    let text = format!("cannot read {} as points", array.data_type());
    Err(Error::new(ErrorKind::Unsupported, text))
}

fn variable_lists<O: OffsetSizeTrait>(lists: &GenericListArray<O>) -> Result<(usize, Vec<f64>)> {
    let row = |row| {
        let [start, end] = [row, row + 1].map(|at: usize| lists.value_offsets()[at].as_usize());
        lists.is_valid(row).then_some(start..end)
    };
    let rows = || (0..lists.len()).map(row);
    let lengths = || rows().flatten().map(|row| row.len());
    let dimensions = lengths().next().unwrap_or(0);
    if let Some(other) = lengths().find(|length| *length != dimensions) {
        return Err(Error::invalid(format!(
            "lists must be of one length, got {dimensions} and {other}"
        )));
    }
    joined(dimensions, lists.values(), rows())
}

/// From where each row's numbers stand; `None` is a missing row.
fn joined(
    dimensions: usize,
    values: &ArrayRef,
    rows: impl Iterator<Item = Option<Range<usize>>>,
) -> Result<(usize, Vec<f64>)> {
    let values = numbers(values.as_ref())?;
    let missing = vec![f64::NAN; dimensions];
    let rows = rows.map(|row| row.map_or(missing.as_slice(), |row| &values[row]));
    Ok((dimensions, rows.collect::<Vec<_>>().concat()))
}

/// Both samples, if they can be compared and hold at least so many rows each.
pub(super) fn comparable(reference: &Points, current: &Points, least: usize) -> Result<()> {
    if reference.dimensions != current.dimensions {
        return Err(Error::invalid(format!(
            "the current points must have the reference's {} dimensions, got {}",
            reference.dimensions, current.dimensions
        )));
    }
    let (n, m) = (reference.len(), current.len());
    if n.min(m) < least {
        return Err(Error::invalid(format!(
            "both samples must hold at least {least} rows, got {n} and {m}"
        )));
    }
    Ok(())
}
