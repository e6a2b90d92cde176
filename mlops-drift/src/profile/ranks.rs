//! The values of a column at the ranks that fix a grid, exactly, whether the column fits in memory or not.

use arrow::array::ArrayRef;
use mlops_core::Result;

use super::landmarks::Landmarks;
use super::numeric::Gathered;
use super::{Grid, NumericProfile};
use crate::divergence::QuantileBins;
use crate::sample::{numbers, of_order_key, order_key};

/// Values that are held at once, 128 MiB. A column of more is read several times.
pub(super) const BUDGET: usize = 1 << 24;
/// Bits of a key that one pass tells apart.
const BITS: u32 = 16;

/// Calls back for every part of a column, as often as it is called itself.
pub(super) type Read<'a> = dyn Fn(&mut dyn FnMut(&ArrayRef) -> Result<()>) -> Result<()> + 'a;

/// The profile of a reference column of so many rows.
pub(super) fn profile_of(rows: u64, read: &Read<'_>) -> Result<NumericProfile> {
    profile_within(rows, read, BUDGET)
}

fn profile_within(rows: u64, read: &Read<'_>, budget: usize) -> Result<NumericProfile> {
    if rows > budget as u64 {
        let ranks = Ranks::of_parts(read, budget)?;
        let mut profile = NumericProfile::on_empty(ranks.grid());
        read(&mut |part| profile.update(part))?;
        return Ok(profile);
    }
    let mut gathered = Gathered::with_capacity(rows as usize);
    read(&mut |part| gathered.add(part))?;
    Ok(gathered.profile())
}

/// Values in ascending order, found by rank.
pub(crate) trait Ordered {
    /// How many values are −∞, finite, and +∞.
    fn sizes(&self) -> [usize; 3];

    /// The value of this rank, from 0, ±inf at the ends.
    fn at(&self, rank: usize) -> f64;

    /// The distinct finite values, if they are no more than `most`.
    fn distinct(&self, most: usize) -> Option<Vec<f64>>;

    /// How many finite values are less than a cut of its grid, and how many at most that.
    fn around(&self, cut: f64) -> [usize; 2];
}

/// The ranks that a grid of this resolution looks up, of so many values: `steps` equal steps of the finite ones (type 1), ranks 1, 2, 4, … from
/// either end of them, so that tails are resolved too.
pub(super) fn grid_ranks([below, finite, _]: [usize; 3], steps: usize) -> Vec<usize> {
    let Some(last) = finite.checked_sub(1) else {
        return Vec::new();
    };
    let even = (0..=steps).map(|step| (step as u128 * last as u128 / steps as u128) as usize);
    let tails = (0..usize::BITS).map(|power| 1_usize << power);
    let tails = tails.take_while(|&rank| rank <= last);
    let ranks = even.chain(tails.flat_map(|rank| [rank, last - rank]));
    ranks.map(|rank| below + rank).collect()
}

/// The values of a column at the ranks that its grid looks up.
pub(super) struct Ranks {
    sizes: [usize; 3],
    resolution: usize,
    landmarks: Landmarks,
}

impl Ranks {
    /// None passed yet.
    fn of_sizes(sizes: [usize; 3]) -> Self {
        let len: usize = sizes.iter().sum();
        let resolution = Grid::resolution_for(len as u64);
        let looked_up = grid_ranks(sizes, resolution).into_iter();
        let looked_up = looked_up.chain(QuantileBins::default().ranks(len));
        let finite = looked_up.filter_map(|rank| rank.checked_sub(sizes[0]));
        let wanted = finite.filter(|&rank| rank < sizes[1]).collect();
        Self {
            sizes,
            resolution,
            landmarks: Landmarks::new(wanted, resolution),
        }
    }

    /// Of finite values in memory, beside so many that are −∞ and +∞.
    pub(super) fn of_values(finite: &[f64], [below, above]: [u64; 2]) -> Self {
        let mut ranks = Self::of_sizes([below as usize, finite.len(), above as usize]);
        ranks.landmarks.add_all(finite);
        ranks
    }

    /// Of a column that is read several times.
    fn of_parts(read: &Read<'_>, budget: usize) -> Result<Self> {
        let (sizes, histogram) = first_pass(read)?;
        let mut ranks = Self::of_sizes(sizes);
        let passes = Passes { read, budget };
        passes.visit(&histogram, 0, u64::BITS - BITS, &mut ranks.landmarks)?;
        Ok(ranks)
    }

    /// The grid that these ranks fix.
    pub(super) fn grid(&self) -> Grid {
        Grid::of_ranks(self, self.resolution)
    }
}

impl Ordered for Ranks {
    fn sizes(&self) -> [usize; 3] {
        self.sizes
    }

    fn at(&self, rank: usize) -> f64 {
        match rank.checked_sub(self.sizes[0]) {
            None => f64::NEG_INFINITY,
            Some(rank) => self.landmarks.at(rank).unwrap_or(f64::INFINITY),
        }
    }

    fn distinct(&self, most: usize) -> Option<Vec<f64>> {
        let distinct = self.landmarks.distinct()?;
        let few = distinct.len() <= most;
        few.then(|| distinct.iter().map(|mark| mark.value).collect())
    }

    fn around(&self, cut: f64) -> [usize; 2] {
        self.landmarks.around(cut)
    }
}

/// −∞, finite values and +∞, and finite values by the first bits of their keys.
fn first_pass(read: &Read<'_>) -> Result<([usize; 3], Vec<usize>)> {
    let mut sizes = [0; 3];
    let mut histogram = vec![0; 1 << BITS];
    read(&mut |part| {
        for value in numbers(part)? {
            if value.is_finite() {
                sizes[1] += 1;
                histogram[(order_key(value) >> (u64::BITS - BITS)) as usize] += 1;
            } else if !value.is_nan() {
                sizes[if value < 0.0 { 0 } else { 2 }] += 1;
            }
        }
        Ok(())
    })?;
    Ok((sizes, histogram))
}

struct Passes<'a> {
    read: &'a Read<'a>,
    budget: usize,
}

impl Passes<'_> {
    /// The finite values whose keys start with `prefix`, in ascending order: the histogram tells how many there are for each of the next 16
    /// bits, above the `shift` last ones. As many buckets as fit are gathered at once; one that does not fit is told apart further.
    fn visit(
        &self,
        histogram: &[usize],
        prefix: u64,
        shift: u32,
        found: &mut Landmarks,
    ) -> Result<()> {
        let mut start = 0;
        while start < histogram.len() {
            let mut end = start;
            let mut size = 0;
            while end < histogram.len() && (size + histogram[end] <= self.budget) {
                size += histogram[end];
                end += 1;
            }
            let first = (prefix << BITS) | start as u64;
            if end > start {
                if found.wants(size) {
                    let buckets = first..=(prefix << BITS) | (end - 1) as u64;
                    self.gather(buckets, shift, size, found)?;
                } else {
                    found.skip(size);
                }
                start = end;
                continue;
            }
            match shift.checked_sub(BITS) {
                _ if !found.wants(histogram[start]) => found.skip(histogram[start]),
                None => found.add(of_order_key(first), histogram[start]), // one key: one value
                Some(finer) => {
                    self.visit(&self.histogram(first, shift, finer)?, first, finer, found)?
                }
            }
            start += 1;
        }
        Ok(())
    }

    /// The values of one bucket by the next bits.
    fn histogram(&self, bucket: u64, shift: u32, finer: u32) -> Result<Vec<usize>> {
        let mut histogram = vec![0; 1 << BITS];
        self.for_each(|value| {
            let key = order_key(value);
            if key >> shift == bucket {
                histogram[(key >> finer) as usize & ((1 << BITS) - 1)] += 1;
            }
        })?;
        Ok(histogram)
    }

    /// The values of some buckets.
    fn gather(
        &self,
        buckets: std::ops::RangeInclusive<u64>,
        shift: u32,
        size: usize,
        found: &mut Landmarks,
    ) -> Result<()> {
        let mut values = Vec::with_capacity(size);
        self.for_each(|value| {
            if buckets.contains(&(order_key(value) >> shift)) {
                values.push(value);
            }
        })?;
        found.add_all(&values);
        Ok(())
    }

    fn for_each(&self, mut with: impl FnMut(f64)) -> Result<()> {
        (self.read)(&mut |part| {
            let finite = numbers(part)?.into_iter().filter(|value| value.is_finite());
            finite.for_each(&mut with);
            Ok(())
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Float64Array;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::sample::NumericSample;

    type Law = fn(&mut ChaCha8Rng) -> f64;

    const LAWS: [Law; 9] = [
        |rng| rng.random_range(-1.0..1.0),
        |rng| 1.7e12 + f64::from(rng.random_range(0..1_000_000_u32)), // milliseconds: one bucket of the first pass
        |rng| f64::from(rng.random_range(0..5_u8)),
        |_| 3.0,
        |rng| (rng.random_range(-700.0..700.0_f64)).exp(),
        |rng| f64::from_bits(rng.random_range(1..2_000_000_u64)), // subnormal
        // As many distinct values as are kept of 60,000 rows, and one more.
        |rng| f64::from(rng.random_range(0..1_024_u32)),
        |rng| f64::from(rng.random_range(0..1_025_u32)),
        |rng| match rng.random_range(1e-9..1.0_f64) {
            u if u < 0.3 => 7.0,
            u => u.powi(-3),
        },
    ];

    fn column(law: Law, sizes: [usize; 4]) -> Vec<ArrayRef> {
        let rng = &mut ChaCha8Rng::seed_from_u64(7);
        let mut part = |rows: usize| -> ArrayRef {
            let value = |rng: &mut ChaCha8Rng| match rng.random_range(0..60) {
                0 => None,
                1 => Some(f64::NAN),
                2 => Some(f64::INFINITY),
                3 => Some(f64::NEG_INFINITY),
                4 => Some(-0.0),
                _ => Some(law(rng)),
            };
            Arc::new((0..rows).map(|_| value(rng)).collect::<Float64Array>())
        };
        sizes.map(&mut part).into()
    }

    /// However few values may be sorted at once, grid, counts and missing rows are those of the sorted whole.
    #[test]
    fn any_budget_gives_the_same_profile() {
        for law in LAWS {
            let parts = column(law, [1_500, 1, 0, 2_499]);
            let read =
                |with: &mut dyn FnMut(&ArrayRef) -> Result<()>| parts.iter().try_for_each(with);
            let whole = profile_within(4_000, &read, 4_000).unwrap();
            for budget in [1, 10, 333, 3_999] {
                let other = profile_within(4_000, &read, budget).unwrap();
                assert_eq!(other.grid(), whole.grid(), "{budget}");
                assert_eq!(other.cells(), whole.cells(), "{budget}");
                assert_eq!(
                    (other.nulls(), other.nans(), other.infinite()),
                    (whole.nulls(), whole.nans(), whole.infinite())
                );
            }
        }
    }

    /// The same where values are found by their slots, at once and group by group.
    #[test]
    fn values_found_by_slots_are_those_of_a_sort() {
        for (law, of) in LAWS.into_iter().enumerate() {
            let parts = column(of, [15_000, 1, 0, 44_999]);
            let read =
                |with: &mut dyn FnMut(&ArrayRef) -> Result<()>| parts.iter().try_for_each(with);
            let all = parts.iter().map(|part| numbers(part).unwrap());
            let sample = NumericSample::new(all.flatten());
            let sorted = NumericProfile::of(&sample).unwrap();
            for budget in [5_000, 9_999, 20_000, 59_999, 60_000] {
                let found = profile_within(60_000, &read, budget).unwrap();
                assert!(found.grid() == sorted.grid(), "law {law}, {budget}");
                assert_eq!(found.cells(), sorted.cells(), "law {law}, {budget}");
                assert_eq!(found.infinite(), sorted.infinite(), "law {law}, {budget}");
            }
        }
    }

    #[test]
    fn keys_keep_the_order_and_lose_nothing() {
        let values = [
            f64::MIN,
            -1.0,
            -f64::MIN_POSITIVE,
            -5e-324,
            0.0,
            5e-324,
            1.0,
            1.0_f64.next_up(),
            f64::MAX,
        ];
        assert!(
            values
                .windows(2)
                .all(|pair| order_key(pair[0]) < order_key(pair[1]))
        );
        assert!(values.iter().all(|&x| of_order_key(order_key(x)) == x));
        assert_eq!(order_key(-0.0), order_key(0.0));
    }
}
