use arrow::array::Array;
use mlops_core::{Error, Result};

use super::numbers;

/// What to make of ±inf in a numeric column.
///
/// ```
/// use mlops_drift::{NumericSample, sample::Infinite};
/// let values = [1.0, f64::NEG_INFINITY];
/// assert_eq!(NumericSample::with_infinite(values, Infinite::Keep)?.len(), 2);
/// assert!(NumericSample::with_infinite(values, Infinite::Reject).is_err());
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Infinite {
    /// Values like others, at the ends of the order. Right for statistics of ranks; a distance in
    /// the column's own unit ([`Wasserstein`](crate::divergence::Wasserstein)) is undefined then.
    #[default]
    Keep,
    /// Missing, as NaN.
    Missing,
    /// An error.
    Reject,
}

/// The values of one numeric column, sorted, and the number of missing ones.
///
/// Built once in O(n log n); every statistic of this crate then takes one pass over it.
///
/// ```
/// use mlops_drift::NumericSample;
/// let sample = NumericSample::new([3.0, 1.0, f64::NAN, 2.0]);
/// assert_eq!(sample.sorted(), [1.0, 2.0, 3.0]);
/// assert_eq!(sample.missing(), 1);
/// assert_eq!(sample.missing_share(), 0.25);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NumericSample {
    sorted: Vec<f64>,
    missing: usize,
}

impl NumericSample {
    /// From values in any order; NaN is missing, ±inf is kept.
    pub fn new(values: impl IntoIterator<Item = f64>) -> Self {
        Self::of_vec(values.into_iter().collect())
    }

    /// The same without a copy. Keys are sorted rather than floats: a third faster.
    pub(crate) fn of_vec(values: Vec<f64>) -> Self {
        let rows = values.len();
        let present = values.into_iter().filter(|value| !value.is_nan());
        let mut keys: Vec<u64> = present.map(order_key).collect();
        keys.sort_unstable();
        Self {
            missing: rows - keys.len(),
            sorted: keys.into_iter().map(of_order_key).collect(),
        }
    }

    /// From values that ascend already, none of them NaN or −0.0.
    pub(crate) fn from_sorted(sorted: Vec<f64>) -> Self {
        Self { sorted, missing: 0 }
    }

    /// From values in any order, with a policy for ±inf.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for an infinite value under
    /// [`Infinite::Reject`].
    ///
    /// ```
    /// use mlops_drift::{NumericSample, sample::Infinite};
    /// let sample = NumericSample::with_infinite([1.0, f64::INFINITY], Infinite::Missing)?;
    /// assert_eq!((sample.len(), sample.missing()), (1, 1));
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn with_infinite(
        values: impl IntoIterator<Item = f64>,
        infinite: Infinite,
    ) -> Result<Self> {
        let mut rejected = None;
        let sample = Self::new(values.into_iter().map(|value| match infinite {
            Infinite::Missing if value.is_infinite() => f64::NAN,
            Infinite::Reject if value.is_infinite() => {
                rejected = Some(value);
                value
            }
            _ => value,
        }));
        match rejected {
            Some(value) => Err(Error::invalid(format!(
                "values must be finite, got {value}"
            ))),
            None => Ok(sample),
        }
    }

    /// From an Arrow column of numbers, decimals, booleans (0 and 1), dates, times, timestamps
    /// (in their own unit), or a dictionary of these. ±inf is kept.
    ///
    /// # Errors
    /// [`Unsupported`](mlops_core::ErrorKind::Unsupported) for another type.
    ///
    /// ```
    /// use mlops_core::arrow::array::Int32Array;
    /// use mlops_drift::NumericSample;
    /// let sample = NumericSample::from_array(&Int32Array::from(vec![Some(2), None, Some(1)]))?;
    /// assert_eq!(sample.sorted(), [1.0, 2.0]);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn from_array(array: &dyn Array) -> Result<Self> {
        Ok(Self::new(numbers(array)?))
    }

    /// The values that are not missing, ascending.
    pub fn sorted(&self) -> &[f64] {
        &self.sorted
    }

    /// How many values are not missing.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether every value is missing, or there is none.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// How many values are missing.
    pub fn missing(&self) -> usize {
        self.missing
    }

    /// Missing values out of all, in \[0, 1]; 0 for a sample of no rows.
    pub fn missing_share(&self) -> f64 {
        share(self.missing, self.len() + self.missing)
    }

    /// How many are −∞ and how many +∞.
    ///
    /// ```
    /// use mlops_drift::NumericSample;
    /// let sample = NumericSample::new([f64::INFINITY, 0.0, f64::NEG_INFINITY, f64::INFINITY]);
    /// assert_eq!(sample.infinite(), [1, 2]);
    /// ```
    pub fn infinite(&self) -> [usize; 2] {
        let below = |&value: &f64| value == f64::NEG_INFINITY;
        let finite = |&value: &f64| value < f64::INFINITY;
        let sorted = self.sorted();
        [
            sorted.partition_point(below),
            sorted.len() - sorted.partition_point(finite),
        ]
    }

    /// The mean, to its last digits at any offset; `None` when empty, or undefined for an infinite value. See
    /// [`Moments`](super::Moments).
    ///
    /// ```
    /// assert_eq!(mlops_drift::NumericSample::new([1.0, 3.0]).mean(), Some(2.0));
    /// ```
    pub fn mean(&self) -> Option<f64> {
        self.describe().mean()
    }

    /// The standard deviation with divisor n, to its last digits at any offset; `None` when empty, or undefined for
    /// an infinite value.
    ///
    /// ```
    /// assert_eq!(mlops_drift::NumericSample::new([1.0, 3.0]).standard_deviation(), Some(1.0));
    /// ```
    pub fn standard_deviation(&self) -> Option<f64> {
        self.describe().standard_deviation()
    }

    /// The sample quantile of a share in \[0, 1], by linear interpolation (type 7 of Hyndman & Fan,
    /// "Sample quantiles in statistical packages", The American Statistician 1996); `None` when
    /// empty or out of range.
    ///
    /// ```
    /// assert_eq!(mlops_drift::NumericSample::new([0.0, 10.0]).quantile(0.25), Some(2.5));
    /// ```
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let valid = !self.is_empty() && (0.0..=1.0).contains(&share);
        valid.then(|| quantile_by(self.len(), share, |rank| self.sorted[rank]))
    }

    /// The sample, or a typed error naming its role when it holds no value.
    pub(crate) fn require(&self, role: &str) -> Result<&Self> {
        if self.is_empty() {
            Err(super::categorical::no_values(role, self.missing))
        } else {
            Ok(self)
        }
    }
}

/// Unsigned integers in the order of the floats; both zeros are one.
pub(crate) fn order_key(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits(); // -0.0 becomes 0.0
    if bits >> 63 == 1 {
        !bits
    } else {
        bits | (1 << 63)
    }
}

/// The float of a key.
pub(crate) fn of_order_key(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 {
        key & !(1 << 63)
    } else {
        !key
    })
}

/// Type-7 quantile of `len` ordered values that are looked up by rank.
pub(crate) fn quantile_by(len: usize, share: f64, value: impl Fn(usize) -> f64) -> f64 {
    let position = share * (len - 1) as f64;
    let below = position.floor();
    let low = value(below as usize);
    let high = value((below as usize + 1).min(len - 1));
    let fraction = position - below;
    // Equal or infinite neighbours must not be subtracted: inf - inf is NaN.
    if fraction == 0.0 || low == high {
        low
    } else if low.is_infinite() || high.is_infinite() {
        if fraction < 0.5 { low } else { high }
    } else if !(high - low).is_finite() {
        low * (1.0 - fraction) + high * fraction
    } else if fraction < 0.5 {
        low + (high - low) * fraction
    } else {
        // From the nearer end, as NumPy: at a large offset an edge may fall on a value or beside it.
        high - (high - low) * (1.0 - fraction)
    }
}

/// The least rank r, from 1, with r/n of at least the share; as a quotient, since a product of a share like 0.07 is
/// rounded up.
pub(crate) fn rank_of(share: f64, n: u64) -> u64 {
    let rank = (share * n as f64).ceil().max(1.0) as u64;
    let is_enough = |rank: u64| rank as f64 / n as f64 >= share;
    if rank > 1 && is_enough(rank - 1) {
        rank - 1
    } else {
        rank
    }
}

pub(crate) fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}
