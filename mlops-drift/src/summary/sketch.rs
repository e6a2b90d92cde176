//! Apache DataSketches behind types of our own: what they promise, and their bytes.

use std::borrow::Cow;
use std::fmt;

use datasketches::common::NumStdDev;
use datasketches::frequencies::{ErrorType, FrequentItemsSketch};
use datasketches::hash::value::{canonical_float, raw_bytes};
use datasketches::tdigest::TDigestMut;
use datasketches::theta::{CompactThetaSketch, ThetaSketchBuilder, ThetaUnionBuilder};
use mlops_core::evidence::Interval;
use mlops_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::Frequent;
use crate::sample::{of_order_key, order_key};

/// Labels that a sketch of frequent labels can tell apart: their bounds are off by at most 3.5/1024 of all values.
const LABELS: usize = 1_024;

/// Values that are sorted before a digest takes them in, which sorts centroids: a run that ascends costs it a third. So many a digest of
/// compression 200 gathers before it sorts: it then has one run beside its centroids.
const RUN: usize = 1_640;

/// Quantiles of numbers: a t-digest of compression 200, about 3 KiB.
///
/// An estimate without a bound: on smooth laws its rank is off by less than 0.001, most in the middle. The same values in the same order give
/// the same digest. **Source**: Dunning, "The t-digest: efficient estimates of distributions", Software Impacts 7, 2021.
///
/// ```
/// use mlops_drift::summary::Quantiles;
/// let mut quantiles = Quantiles::default();
/// quantiles.add(&[3.0, 1.0, 2.0]);
/// assert_eq!(quantiles.quantile(0.5)?, Some(2.0));
/// assert_eq!(Quantiles::default().quantile(0.5)?, None);
/// assert!(quantiles.quantile(1.5).is_err());
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<u8>", into = "Vec<u8>")]
pub struct Quantiles(TDigestMut);

/// How many distinct values: a theta sketch of 4,096 hashes, at most 32 KiB.
///
/// Exact up to some thousand distinct values; beyond, the standard error is 1.6 %. **Source**: Dasgupta, Lang, Rhodes & Thaler, "A framework for estimating
/// stream expression cardinalities", ICDT 2016.
///
/// ```
/// use mlops_drift::summary::Distinct;
/// let distinct = Distinct::new()?.with_numbers(&[1.0, 2.0, 1.0])?;
/// assert_eq!(distinct.estimate(), 2.0);
/// assert_eq!(distinct.interval()?.low(), 2.0);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Vec<u8>", into = "Vec<u8>")]
pub struct Distinct(CompactThetaSketch);

/// The most frequent labels: a Misra–Gries sketch of at most 768 labels.
///
/// **Guarantee**: every label's count lies within its bounds, surely, and a label that is missing from the sketch occurs in at most 0.35 % of all values.
/// **Source**: Anderson, Bevin, Lang, Liberty, Rhodes & Thaler, "A high-performance algorithm for identifying frequent items in data streams",
/// IMC 2017.
///
/// ```
/// use mlops_drift::summary::FrequentLabels;
/// let mut labels = FrequentLabels::new()?;
/// labels.add(&[("B6", 2), ("UA", 5)]);
/// assert_eq!(labels.top(1)[0].at_least, 5);
/// assert_eq!(labels.values(), 7);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Vec<u8>", into = "Vec<u8>")]
pub struct FrequentLabels(FrequentItemsSketch<String>);

impl Quantiles {
    /// More values; NaN and ±inf are left out.
    pub fn add(&mut self, values: &[f64]) {
        let values = match values.iter().all(|value| value.is_finite()) {
            true => Cow::Borrowed(values),
            false => values.iter().copied().filter(|x| x.is_finite()).collect(),
        };
        let mut keys = Vec::with_capacity(RUN.min(values.len()));
        let gathered = self.0.total_weight() % RUN as u64;
        let (first, rest) = values.split_at(values.len().min(RUN - gathered as usize));
        for run in std::iter::once(first).chain(rest.chunks(RUN)) {
            keys.clear();
            keys.extend(run.iter().copied().map(order_key));
            keys.sort_unstable();
            keys.iter()
                .for_each(|&key| self.0.update(of_order_key(key)));
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.0.merge(&other.0);
    }

    /// The value that this share of the values lies below, about; `None` of no values.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for a share beyond \[0, 1].
    pub fn quantile(&self, share: f64) -> Result<Option<f64>> {
        self.0.clone().quantile(share).map_err(|error| {
            Error::invalid(format!("a share must lie in [0, 1], got {share}")).source(error)
        })
    }

    /// The digest in the format of Apache DataSketches' `tdigest_double`.
    ///
    /// ```
    /// assert_eq!(mlops_drift::summary::Quantiles::default().to_bytes().len(), 8);
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.clone().serialize()
    }
}

impl Distinct {
    /// Of no values yet.
    ///
    /// # Errors
    /// None that input can cause.
    ///
    /// ```
    /// assert_eq!(mlops_drift::summary::Distinct::new()?.estimate(), 0.0);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn new() -> Result<Self> {
        let sketch = ThetaSketchBuilder::default().build().map_err(internal)?;
        Ok(Self(sketch.compact(true)))
    }

    /// With these numbers; all zeros are one, and so are all NaN.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn with_numbers(&self, values: &[f64]) -> Result<Self> {
        let mut sketch = ThetaSketchBuilder::default().build().map_err(internal)?;
        values
            .iter()
            .for_each(|&value| sketch.update(canonical_float::from_f64(value)));
        self.merged(&Self(sketch.compact(true)))
    }

    /// With these integers, each as its own value, beyond 2^53 too; those of 64 bits are hashed as DataSketches' other libraries do.
    ///
    /// # Errors
    /// None that input can cause.
    ///
    /// ```
    /// use mlops_drift::summary::Distinct;
    /// let ids = Distinct::new()?.with_integers((0..1_000).map(|i| (1 << 60) + i))?;
    /// assert_eq!(ids.estimate(), 1_000.0); // as floats they would be 5
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn with_integers(&self, values: impl IntoIterator<Item = i128>) -> Result<Self> {
        let mut sketch = ThetaSketchBuilder::default().build().map_err(internal)?;
        for value in values {
            match i64::try_from(value) {
                Ok(value) => sketch.update(value),
                Err(_) => sketch.update(value),
            }
        }
        self.merged(&Self(sketch.compact(true)))
    }

    /// With these labels.
    ///
    /// # Errors
    /// None that input can cause.
    ///
    /// ```
    /// use mlops_drift::summary::Distinct;
    /// assert_eq!(Distinct::new()?.with_labels(["UA", "B6", "UA"])?.estimate(), 2.0);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn with_labels<'a>(&self, labels: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut sketch = ThetaSketchBuilder::default().build().map_err(internal)?;
        labels
            .into_iter()
            .for_each(|label| sketch.update(raw_bytes::from_str(label)));
        self.merged(&Self(sketch.compact(true)))
    }

    pub(super) fn merged(&self, other: &Self) -> Result<Self> {
        let mut union = ThetaUnionBuilder::default().build().map_err(internal)?;
        union.update(&self.0).map_err(internal)?;
        union.update(&other.0).map_err(internal)?;
        Ok(Self(union.to_sketch(true)))
    }

    /// About how many.
    pub fn estimate(&self) -> f64 {
        self.0.estimate()
    }

    /// Where the number lies at 95 %, about.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn interval(&self) -> Result<Interval> {
        let [low, high] = [
            self.0.lower_bound(NumStdDev::Two),
            self.0.upper_bound(NumStdDev::Two),
        ];
        Ok(Interval::new(low, high, 0.95)?)
    }

    /// The sketch in the format of Apache DataSketches' compact theta sketch.
    ///
    /// ```
    /// assert!(!mlops_drift::summary::Distinct::new()?.to_bytes().is_empty());
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.serialize()
    }
}

impl FrequentLabels {
    /// Of no values yet.
    ///
    /// # Errors
    /// None that input can cause.
    ///
    /// ```
    /// assert!(mlops_drift::summary::FrequentLabels::new()?.top(10).is_empty());
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn new() -> Result<Self> {
        FrequentItemsSketch::new(LABELS).map(Self).map_err(internal)
    }

    /// More values, as labels with their counts.
    pub fn add(&mut self, counts: &[(&str, u64)]) {
        for (label, count) in counts {
            self.0.update_with_count_ref(*label, *count);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.0.merge(&other.0);
    }

    /// How many values.
    pub fn values(&self) -> u64 {
        self.0.total_weight()
    }

    /// The labels that may be frequent, most frequent first, equally frequent ones by name; at most so many.
    pub fn top(&self, most: usize) -> Vec<Frequent> {
        let rows = self.0.frequent_items(ErrorType::NoFalseNegatives);
        let mut labels: Vec<Frequent> = rows.iter().map(Frequent::of).collect();
        labels.sort_by(|a, b| (b.at_least.cmp(&a.at_least)).then_with(|| a.label.cmp(&b.label)));
        labels.truncate(most);
        labels
    }

    /// At least and at most how many values carry this label.
    ///
    /// ```
    /// use mlops_drift::summary::FrequentLabels;
    /// let mut labels = FrequentLabels::new()?;
    /// labels.add(&[("UA", 5)]);
    /// assert_eq!((labels.count("UA"), labels.count("B6")), ([5, 5], [0, 0]));
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn count(&self, label: &str) -> [u64; 2] {
        [self.0.lower_bound(label), self.0.upper_bound(label)]
    }

    /// The sketch in the format of Apache DataSketches' `frequent_strings_sketch`.
    ///
    /// ```
    /// assert!(!mlops_drift::summary::FrequentLabels::new()?.to_bytes().is_empty());
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.serialize()
    }
}

impl Frequent {
    fn of(row: &datasketches::frequencies::Row<String>) -> Self {
        Self {
            label: row.item().clone(),
            at_least: row.lower_bound(),
            at_most: row.upper_bound(),
        }
    }
}

/// Serialization as the sketch's own bytes, and a `Debug` that tells what is asked of it.
macro_rules! as_bytes {
    ($own:ident, $sketch:ty, $name:literal, $shown:expr) => {
        impl From<$own> for Vec<u8> {
            fn from(sketch: $own) -> Self {
                sketch.to_bytes()
            }
        }

        impl TryFrom<Vec<u8>> for $own {
            type Error = Error;

            fn try_from(bytes: Vec<u8>) -> Result<Self> {
                <$sketch>::deserialize(&bytes).map(Self).map_err(|error| {
                    Error::new(ErrorKind::Corrupt, concat!("not a sketch of ", $name)).source(error)
                })
            }
        }

        impl fmt::Debug for $own {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let shown: fn(&Self) -> f64 = $shown;
                f.debug_tuple(stringify!($own)).field(&shown(self)).finish()
            }
        }
    };
}
as_bytes!(
    Quantiles,
    TDigestMut,
    "quantiles",
    |quantiles| quantiles.0.total_weight() as f64
);
as_bytes!(
    Distinct,
    CompactThetaSketch,
    "distinct values",
    Distinct::estimate
);
as_bytes!(
    FrequentLabels,
    FrequentItemsSketch<String>,
    "frequent labels",
    |labels| labels.values() as f64
);

fn internal(error: datasketches::error::Error) -> Error {
    Error::new(ErrorKind::Internal, "a sketch refused its settings").source(error)
}
