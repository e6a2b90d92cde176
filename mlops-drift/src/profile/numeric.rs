use std::borrow::Cow;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type};
use mlops_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::Grid;
use super::grid::finite;
use super::ranks::{Ordered, Ranks};
use crate::sample::{Infinite, Moments, NumericSample, numbers, rank_of};

/// What is known of a numeric column: exact counts on a grid that the reference fixed, missing and infinite values,
/// and moments.
///
/// **Guarantee**: counts are exact, and merging gives the same ones for every partition and order of the rows,
/// byte for byte. Moments differ by rounding alone: see [`Moments`].
/// **Cost**: O(log resolution) per value, memory O(resolution) whatever the number of rows.
///
/// ```
/// use mlops_core::arrow::array::Float64Array;
/// use mlops_drift::NumericSample;
/// use mlops_drift::profile::NumericProfile;
///
/// let reference = NumericProfile::of(&NumericSample::new((0..1_000).map(f64::from)))?;
/// let mut monday = reference.empty();
/// monday.update(&Float64Array::from(vec![Some(3.0), None, Some(f64::NAN), Some(5_000.0)]))?;
/// let mut tuesday = reference.empty();
/// tuesday.update(&Float64Array::from(vec![3.0]))?;
/// monday.merge(&tuesday)?;
/// assert_eq!((monday.finite(), monday.nulls(), monday.nans()), (3, 1, 1));
/// assert_eq!(monday.moments().greatest(), Some(5_000.0));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct NumericProfile {
    grid: Grid,
    /// Per cell of the grid, how many values.
    cells: Vec<u64>,
    negative_infinite: u64,
    positive_infinite: u64,
    nans: u64,
    nulls: u64,
    moments: Moments,
}

/// A profile as it is read, before its parts are known to agree.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    grid: Grid,
    cells: Vec<u64>,
    negative_infinite: u64,
    positive_infinite: u64,
    nans: u64,
    nulls: u64,
    moments: Moments,
}

impl TryFrom<Written> for NumericProfile {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self> {
        let others = [
            written.negative_infinite,
            written.positive_infinite,
            written.nans,
            written.nulls,
        ];
        let finite = sum_of(&written.cells)?;
        sum_of(&[&[finite], others.as_slice()].concat())?;
        let (cells, known) = (written.grid.cells(), written.moments.count());
        let extremes = [written.moments.least(), written.moments.greatest()];
        if extremes.iter().flatten().any(|x| !x.is_finite()) {
            return Err(Error::invalid(
                "a profile of finite values must hold a least and a greatest, got none",
            ));
        }
        if written.cells.len() != cells || finite != known {
            return Err(Error::invalid(format!(
                "a profile must hold {cells} cells of {known} values in all, got {} of {finite}",
                written.cells.len()
            )));
        }
        require_within_cells(&written)?;
        Ok(Self {
            grid: written.grid,
            cells: written.cells,
            negative_infinite: written.negative_infinite,
            positive_infinite: written.positive_infinite,
            nans: written.nans,
            nulls: written.nulls,
            moments: written.moments,
        })
    }
}

/// An error unless the extremes lie in the outermost cells that hold a value: brackets would hold anything else.
fn require_within_cells(written: &Written) -> Result<()> {
    let held = |count: &u64| *count > 0;
    let first = written.cells.iter().position(held);
    let last = written.cells.iter().rposition(held);
    let ends = [
        ("least", written.moments.least(), first),
        ("greatest", written.moments.greatest(), last),
    ];
    for (end, value, held) in ends {
        let (Some(value), Some(held)) = (value, held) else {
            continue;
        };
        let found = written.grid.cell(value);
        if found != held {
            return Err(Error::invalid(format!(
                "the {end} value of a profile must lie in its outermost cell that holds one, cell {held}, got {value}, of cell {found}"
            )));
        }
    }
    Ok(())
}

/// Values that a profile may count: sums of two such numbers cannot overflow.
const MOST: u64 = 1 << 53;

/// The sum of counts that were read.
pub(super) fn sum_of(counts: &[u64]) -> Result<u64> {
    let sum = counts
        .iter()
        .try_fold(0_u64, |sum, count| sum.checked_add(*count));
    sum.filter(|sum| *sum <= MOST).ok_or_else(|| {
        Error::invalid(format!(
            "the counts of a profile must sum to at most {MOST}, got more"
        ))
    })
}

impl NumericProfile {
    /// Of a reference, on the grid that it fixes, at the [usual resolution](Grid::resolution_for).
    ///
    /// # Errors
    /// None that input can cause.
    pub fn of(reference: &NumericSample) -> Result<Self> {
        let resolution = Grid::resolution_for(reference.len() as u64);
        Self::with_resolution(reference, resolution)
    }

    /// Of a reference, with a resolution of one's own.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) unless `2 <= resolution <= 1048576`.
    ///
    /// ```
    /// use mlops_drift::{NumericSample, profile::NumericProfile};
    /// let profile = NumericProfile::with_resolution(&NumericSample::new([1.0, 2.0]), 16)?;
    /// assert_eq!(profile.grid().cells(), 2 * profile.grid().cuts().len() + 1);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn with_resolution(reference: &NumericSample, resolution: usize) -> Result<Self> {
        Ok(Self::on(Grid::of(reference, resolution)?, reference))
    }

    /// Of another sample, on the same grid.
    ///
    /// ```
    /// use mlops_drift::{NumericSample, profile::NumericProfile};
    /// let reference = NumericProfile::of(&NumericSample::new([1.0, 2.0, 3.0]))?;
    /// let current = reference.like(&NumericSample::new([2.0, 2.0]));
    /// assert_eq!(current.grid(), reference.grid());
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    #[must_use]
    pub fn like(&self, sample: &NumericSample) -> Self {
        Self::on(self.grid.clone(), sample)
    }

    fn on(grid: Grid, sample: &NumericSample) -> Self {
        let [below, _, above] = sample.sizes();
        let undefined = Undefined {
            nans: sample.missing() as u64,
            infinite: [below, above].map(|size| size as u64),
        };
        let moments = Moments::of(finite(sample.sorted()));
        Self::of_ordered(grid, sample, undefined, moments)
    }

    fn of_ordered(
        grid: Grid,
        sample: &impl Ordered,
        undefined: Undefined,
        moments: Moments,
    ) -> Self {
        Self {
            cells: grid.count_ordered(sample),
            grid,
            negative_infinite: undefined.infinite[0],
            positive_infinite: undefined.infinite[1],
            nans: undefined.nans,
            nulls: 0,
            moments,
        }
    }

    /// No rows yet, on the same grid: what a day, a shard or a segment starts from.
    #[must_use]
    pub fn empty(&self) -> Self {
        Self::on_empty(self.grid.clone())
    }

    /// So many rows without a value.
    pub(super) fn of_missing(&self, rows: u64) -> Self {
        Self {
            nulls: rows,
            ..self.empty()
        }
    }

    /// No rows yet.
    pub(super) fn on_empty(grid: Grid) -> Self {
        Self {
            cells: vec![0; grid.cells()],
            grid,
            negative_infinite: 0,
            positive_infinite: 0,
            nans: 0,
            nulls: 0,
            moments: Moments::default(),
        }
    }

    /// The rows of an Arrow column of numbers, booleans, dates, times, or a dictionary of these.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for another type; nothing is counted then.
    pub fn update(&mut self, column: &dyn Array) -> Result<()> {
        let values = present(column)?;
        self.nulls += (column.len() - values.len()) as u64;
        self.count(values);
        Ok(())
    }

    fn count(&mut self, values: Cow<'_, [f64]>) {
        let (undefined, finite, moments) = Undefined::apart(values);
        self.nans += undefined.nans;
        self.negative_infinite += undefined.infinite[0];
        self.positive_infinite += undefined.infinite[1];
        self.grid.count(&finite, &mut self.cells);
        self.moments.merge(&moments);
    }

    /// The rows of another profile on the same grid.
    ///
    /// # Errors
    /// [`SignatureMismatch`](ErrorKind::SignatureMismatch) for a profile on another grid; nothing is merged then.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        self.require_same_grid(other)?;
        for (cell, more) in self.cells.iter_mut().zip(&other.cells) {
            *cell += more;
        }
        self.negative_infinite += other.negative_infinite;
        self.positive_infinite += other.positive_infinite;
        self.nans += other.nans;
        self.nulls += other.nulls;
        self.moments.merge(&other.moments);
        Ok(())
    }

    /// The grid.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Exact counts per cell of the grid.
    pub fn cells(&self) -> &[u64] {
        &self.cells
    }

    /// How many values are finite.
    pub fn finite(&self) -> u64 {
        self.cells.iter().sum()
    }

    /// How many rows are null.
    pub fn nulls(&self) -> u64 {
        self.nulls
    }

    /// How many values are NaN; a reference made from a sample counts its nulls here too.
    pub fn nans(&self) -> u64 {
        self.nans
    }

    /// How many values are −∞ and how many +∞.
    pub fn infinite(&self) -> [u64; 2] {
        [self.negative_infinite, self.positive_infinite]
    }

    /// Number, extremes and moments of the finite values.
    pub fn moments(&self) -> &Moments {
        &self.moments
    }

    /// How many values are neither null nor NaN.
    pub(crate) fn present(&self) -> u64 {
        self.finite() + self.negative_infinite + self.positive_infinite
    }

    /// Rows in all.
    pub fn rows(&self) -> u64 {
        self.present() + self.nans + self.nulls
    }

    /// An interval that surely holds the sample quantile (type 1: the least value with at least that share of the finite
    /// values at or below it); `None` when empty or for a share beyond \[0, 1].
    ///
    /// ```
    /// use mlops_drift::{NumericSample, profile::NumericProfile};
    /// let profile = NumericProfile::of(&NumericSample::new((0..=100).map(f64::from)))?;
    /// assert_eq!(profile.quantile(0.5), Some([50.0, 50.0])); // few distinct values: exact
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn quantile(&self, share: f64) -> Option<[f64; 2]> {
        let (least, greatest) = (self.moments.least()?, self.moments.greatest()?);
        if !(0.0..=1.0).contains(&share) {
            return None;
        }
        let rank = rank_of(share, self.finite());
        let mut before = 0;
        let cell = self.cells.iter().position(|count| {
            before += count;
            before >= rank
        })?;
        let cuts = self.grid.cuts();
        if cell % 2 == 1 {
            return Some([cuts[cell / 2]; 2]);
        }
        let low = cell.checked_sub(1).map_or(least, |_| cuts[cell / 2 - 1]);
        let high = cuts.get(cell / 2).copied().unwrap_or(greatest);
        Some([low.max(least), high.min(greatest)])
    }

    pub(super) fn require_same_grid(&self, other: &Self) -> Result<()> {
        if self.grid == other.grid {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::SignatureMismatch,
            format!(
                "profiles must lie on one grid, got {} and {} other cuts: profile the current table like the reference",
                self.grid.cuts().len(),
                other.grid.cuts().len()
            ),
        ))
    }

    /// With ±inf kept, counted as missing, or refused.
    pub(super) fn with_infinite(self, infinite: Infinite) -> Result<Self> {
        let count = self.negative_infinite + self.positive_infinite;
        match infinite {
            Infinite::Reject if count > 0 => Err(Error::invalid(format!(
                "values must be finite, got {count} that are not"
            ))),
            Infinite::Missing => Ok(Self {
                negative_infinite: 0,
                positive_infinite: 0,
                nans: self.nans + count,
                ..self
            }),
            Infinite::Keep | Infinite::Reject => Ok(self),
        }
    }

    /// Cells with their counts in the order of their values, −∞ and +∞ at the ends.
    pub(super) fn ranked(&self) -> impl Iterator<Item = u64> {
        let cells = self.cells.iter().copied();
        std::iter::once(self.negative_infinite)
            .chain(cells)
            .chain([self.positive_infinite])
    }

    /// Looks up shares of the values below, a cell that is cut in two being filled evenly: for a picture. O(cells) once, O(log cells) each.
    pub(crate) fn shares_below(&self) -> impl Fn(f64) -> f64 + '_ {
        let sums = self.ranked().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        let sums: Vec<u64> = sums.collect();
        let all = sums.last().copied().unwrap_or(0).max(1) as f64;
        move |value| {
            let rank = self.grid.cuts().partition_point(|&cut| cut < value);
            let before = sums[2 * rank] as f64; // of −∞ and the cells up to the cut before
            (before + self.part_below(rank, value) * self.cells[2 * rank] as f64) / all
        }
    }

    /// The part of the cell between the cuts of this rank and the one before that lies below a value: no further than the extremes.
    fn part_below(&self, rank: usize, value: f64) -> f64 {
        let cuts = self.grid.cuts();
        let (Some(least), Some(greatest)) = (self.moments.least(), self.moments.greatest()) else {
            return 0.0;
        };
        let low = rank
            .checked_sub(1)
            .map_or(least, |before| cuts[before].max(least));
        let high = cuts.get(rank).map_or(greatest, |cut| cut.min(greatest));
        match low < high {
            true => ((value - low) / (high - low)).clamp(0.0, 1.0),
            false => f64::from(u8::from(high < value)),
        }
    }
}

/// The rows of a reference, gathered part by part; what needs no grid is told of each part while it is in the cache.
#[derive(Default)]
pub(super) struct Gathered {
    finite: Vec<f64>,
    undefined: Undefined,
    moments: Moments,
    nulls: u64,
}

impl Gathered {
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self {
            finite: Vec::with_capacity(rows),
            ..Self::default()
        }
    }

    /// The rows of one more part.
    pub(super) fn add(&mut self, column: &dyn Array) -> Result<()> {
        let values = present(column)?;
        self.nulls += (column.len() - values.len()) as u64;
        let (undefined, finite, moments) = Undefined::apart(values);
        self.finite.extend_from_slice(&finite);
        self.undefined.add(&undefined);
        self.moments.merge(&moments);
        Ok(())
    }

    /// The profile of them all, without sorting them all.
    pub(super) fn profile(self) -> NumericProfile {
        let ranks = Ranks::of_values(&self.finite, self.undefined.infinite);
        NumericProfile {
            nulls: self.nulls,
            ..NumericProfile::of_ordered(ranks.grid(), &ranks, self.undefined, self.moments)
        }
    }
}

/// Values that have no place on a grid.
#[derive(Default)]
struct Undefined {
    nans: u64,
    /// −∞ and +∞.
    infinite: [u64; 2],
}

impl Undefined {
    fn add(&mut self, other: &Self) {
        self.nans += other.nans;
        for (count, more) in self.infinite.iter_mut().zip(other.infinite) {
            *count += more;
        }
    }

    /// Parts values into these and the finite ones, with the moments of those.
    fn apart(values: Cow<'_, [f64]>) -> (Self, Cow<'_, [f64]>, Moments) {
        let moments = Moments::of(&values);
        // One NaN or infinite value makes the mean undefined; so does an overflow, which the slow path sorts out.
        if values.is_empty() || moments.mean().is_some() {
            return (Self::default(), values, moments);
        }
        let number = |is_one: &dyn Fn(f64) -> bool| {
            values.iter().filter(|&&value| is_one(value)).count() as u64
        };
        let infinite = [f64::NEG_INFINITY, f64::INFINITY];
        let undefined = Self {
            nans: number(&f64::is_nan),
            infinite: infinite.map(|end| number(&|value| value == end)),
        };
        let mut finite = values.into_owned();
        finite.retain(|value| value.is_finite());
        let moments = Moments::of(&finite);
        (undefined, Cow::Owned(finite), moments)
    }
}

/// The values that are not null; borrowed where the column holds them as such.
pub(super) fn present(column: &dyn Array) -> Result<Cow<'_, [f64]>> {
    if column.data_type() == &DataType::Float64 {
        let floats = column.as_primitive::<Float64Type>();
        return Ok(if floats.null_count() == 0 {
            Cow::Borrowed(floats.values())
        } else {
            Cow::Owned(floats.iter().flatten().collect())
        });
    }
    let Some(nulls) = column.logical_nulls() else {
        return numbers(column).map(Cow::Owned);
    };
    let values = numbers(column)?.into_iter().zip(nulls.iter());
    Ok(values
        .filter_map(|(value, valid)| valid.then_some(value))
        .collect())
}
