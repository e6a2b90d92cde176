use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, GenericListArray, OffsetSizeTrait};
use mlops_core::{Error, ErrorKind, Result};
use rand_chacha::ChaCha8Rng;

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
        if let Some(value) = all.iter().find(|value| value.is_infinite()) {
            return Err(Error::invalid(format!(
                "values must be finite, got {value}"
            )));
        }
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
        if let Some(lists) = array.as_fixed_size_list_opt() {
            let size = lists.value_length() as usize;
            let row = |row| {
                lists
                    .is_valid(row)
                    .then(|| lists.value_offset(row) as usize)
            };
            let rows = (0..lists.len()).map(row);
            let rows = rows.map(|start| start.map(|start| start..start + size));
            return Self::from_lists(size, lists.values(), rows);
        }
        if let Some(lists) = array.as_list_opt::<i32>() {
            return Self::from_variable(lists);
        }
        if let Some(lists) = array.as_list_opt::<i64>() {
            return Self::from_variable(lists);
        }
        let text = format!("cannot read {} as points", array.data_type());
        Err(Error::new(ErrorKind::Unsupported, text))
    }

    fn from_variable<O: OffsetSizeTrait>(lists: &GenericListArray<O>) -> Result<Self> {
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
        Self::from_lists(dimensions, lists.values(), rows())
    }

    /// From where each row's numbers stand; `None` is a missing row.
    fn from_lists(
        dimensions: usize,
        values: &ArrayRef,
        rows: impl Iterator<Item = Option<Range<usize>>>,
    ) -> Result<Self> {
        let values = numbers(values.as_ref())?;
        let missing = vec![f64::NAN; dimensions];
        let rows = rows.map(|row| row.map_or(missing.as_slice(), |row| &values[row]));
        Self::new(dimensions, rows.collect::<Vec<_>>().concat())
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
