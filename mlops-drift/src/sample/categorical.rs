use std::collections::{BTreeMap, HashMap};

use arrow::array::Array;
use mlops_core::{Error, Result};

use super::labels;
use super::numeric::share;

/// The categories of one column with their counts, and the number of missing values.
///
/// ```
/// use mlops_drift::CategoricalSample;
/// let sample = CategoricalSample::new([Some("red"), Some("blue"), None, Some("red")]);
/// assert_eq!(sample.count("red"), 2);
/// assert_eq!((sample.len(), sample.missing()), (3, 1));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CategoricalSample {
    counts: BTreeMap<String, u64>,
    len: usize,
    missing: usize,
}

impl CategoricalSample {
    /// From labels in any order; `None` is missing.
    pub fn new<'a>(labels: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let mut counts: HashMap<&str, u64> = HashMap::new();
        let (mut len, mut missing) = (0, 0);
        for label in labels {
            match label {
                Some(label) => {
                    *counts.entry(label).or_default() += 1;
                    len += 1;
                }
                None => missing += 1,
            }
        }
        let counts = counts
            .into_iter()
            .map(|(label, count)| (label.to_owned(), count))
            .collect();
        Self {
            counts,
            len,
            missing,
        }
    }

    /// From distinct labels with their counts; labels that do not occur are left out.
    pub(crate) fn from_counts<'a>(counts: impl Iterator<Item = (&'a str, u64)>) -> Self {
        let counts: BTreeMap<String, u64> = counts
            .filter(|(_, count)| *count > 0)
            .map(|(label, count)| (label.to_owned(), count))
            .collect();
        let len = counts.values().sum::<u64>() as usize;
        Self {
            counts,
            len,
            missing: 0,
        }
    }

    /// From an Arrow column of strings, booleans, integers, or a dictionary of these.
    ///
    /// # Errors
    /// [`Unsupported`](mlops_core::ErrorKind::Unsupported) for another type, floats included.
    ///
    /// ```
    /// use mlops_core::arrow::array::BooleanArray;
    /// use mlops_drift::CategoricalSample;
    /// let sample = CategoricalSample::from_array(&BooleanArray::from(vec![true, false, true]))?;
    /// assert_eq!(sample.count("true"), 2);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn from_array(array: &dyn Array) -> Result<Self> {
        Ok(Self::new(labels(array)?.iter()))
    }

    /// How many values carry this label.
    pub fn count(&self, label: &str) -> u64 {
        self.counts.get(label).copied().unwrap_or(0)
    }

    /// The labels in order, with their counts.
    pub fn counts(&self) -> impl Iterator<Item = (&str, u64)> {
        self.counts
            .iter()
            .map(|(label, &count)| (label.as_str(), count))
    }

    /// How many values are not missing.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether every value is missing, or there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many values are missing.
    pub fn missing(&self) -> usize {
        self.missing
    }

    /// Missing values out of all, in \[0, 1]; 0 for a sample of no rows.
    pub fn missing_share(&self) -> f64 {
        share(self.missing, self.len + self.missing)
    }

    /// The sample, or a typed error naming its role when it holds no value.
    pub(crate) fn require(&self, role: &str) -> Result<&Self> {
        if self.is_empty() {
            Err(no_values(role, self.missing))
        } else {
            Ok(self)
        }
    }
}

pub(super) fn no_values(role: &str, missing: usize) -> Error {
    Error::invalid(format!(
        "the {role} sample must hold at least 1 value, got 0 of {missing} rows not missing"
    ))
}
