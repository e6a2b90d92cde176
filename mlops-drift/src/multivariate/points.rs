use arrow::array::{Array, AsArray, FixedSizeListArray};
use mlops_core::{Error, ErrorKind, Result};

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

    /// From an Arrow column of fixed-size lists of numbers, such as embeddings. A null row is missing, and so is one
    /// with a null in it.
    ///
    /// # Errors
    /// [`Unsupported`](mlops_core::ErrorKind::Unsupported) for another type; otherwise as [`new`](Self::new).
    ///
    /// ```
    /// use arrow::array::FixedSizeListArray;
    /// use arrow::datatypes::Float32Type;
    /// use mlops_drift::multivariate::Points;
    /// let rows = [Some([Some(1.0), Some(2.0)]), None];
    /// let column = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(rows, 2);
    /// assert_eq!(Points::from_array(&column)?.missing(), 1);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn from_array(array: &dyn Array) -> Result<Self> {
        let Some(lists) = array.as_fixed_size_list_opt() else {
            let text = format!("cannot read {} as points", array.data_type());
            return Err(Error::new(ErrorKind::Unsupported, text));
        };
        let dimensions = lists.value_length() as usize;
        let mut values = numbers(lists_values(lists).as_ref())?;
        let rows = values.chunks_exact_mut(dimensions.max(1)).enumerate();
        rows.filter(|(row, _)| lists.is_null(*row))
            .for_each(|(_, row)| row.fill(f64::NAN));
        Self::new(dimensions, values)
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

/// A sliced list array still holds all its values.
fn lists_values(lists: &FixedSizeListArray) -> arrow::array::ArrayRef {
    let length = lists.value_length() as usize;
    let from = lists.value_offset(0) as usize;
    lists.values().slice(from, lists.len() * length)
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
