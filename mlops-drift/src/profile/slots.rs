use wide::f64x8;

/// Slots per point of those that fix a range.
const PER_POINT: usize = 2;
/// Values whose slots are computed side by side.
const LANES: usize = 8;
/// 2^52: what is added to a smaller number is rounded to a whole one, which the last bits of the sum then tell.
const WHOLE: f64 = (1_u64 << 52) as f64;

/// Equal steps of the value over a range, numbered from 0; what lies outside goes to the outer ones.
///
/// A value's slot is a monotone function of it, floating-point rounding included: all values of one slot lie between those of
/// the slots before and after, whatever the range. That range decides the speed alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Slots {
    low: f64,
    scale: f64,
    /// One less than a power of two.
    last: usize,
}

impl Slots {
    /// Over a range of some ascending points that leaves out as many at either end as makes the fullest slot least full: heavy
    /// tails need a narrow range.
    pub(super) fn over(points: &[f64]) -> Self {
        let trims = (0..usize::BITS).map(|power| (1_usize << power) - 1);
        let ranges = trims.take_while(|trim| 2 * trim < points.len());
        let slots = ranges.map(|trim| Self::between(points, trim));
        let none = Self {
            low: 0.0,
            scale: 0.0,
            last: 0,
        };
        slots
            .min_by_key(|slots| slots.counts(points).into_iter().max())
            .unwrap_or(none)
    }

    fn between(points: &[f64], trim: usize) -> Self {
        let (low, high) = (points[trim], points[points.len() - 1 - trim]);
        let slots = PER_POINT * points.len().next_power_of_two();
        Self {
            low,
            scale: slots as f64 / (high - low),
            last: slots - 1,
        }
    }

    /// Each slot cut into so many, a power of two.
    pub(super) fn finer(self, parts: usize) -> Self {
        Self {
            scale: self.scale * parts as f64,
            last: (self.last + 1) * parts - 1,
            ..self
        }
    }

    /// How many slots.
    pub(super) fn len(&self) -> usize {
        self.last + 1
    }

    /// The value's slot. NaN, from 0·inf too, goes to the first.
    pub(super) fn of(&self, value: f64) -> usize {
        let steps = ((value - self.low) * self.scale).clamp(0.0, self.last as f64);
        (steps + WHOLE).to_bits() as usize & self.last
    }

    /// Shows every value with its slot.
    #[inline(always)] // its callers are loops of a few nanoseconds per value
    pub(super) fn for_each(&self, values: &[f64], mut with: impl FnMut(usize, f64)) {
        let (chunks, rest) = values.as_chunks::<LANES>();
        for chunk in chunks {
            for (slot, &value) in self.of_each(*chunk).into_iter().zip(chunk) {
                with(slot, value);
            }
        }
        for &value in rest {
            with(self.of(value), value);
        }
    }

    /// The same as [`of`](Self::of) each, in vectors by name, which a compiler does not always find by itself.
    #[inline(always)]
    fn of_each(&self, values: [f64; LANES]) -> [usize; LANES] {
        let [low, scale, last] = [self.low, self.scale, self.last as f64].map(f64x8::splat);
        // NaN is 0 by `max` on every platform, and by `fast_max` on some.
        let steps = ((f64x8::new(values) - low) * scale).max(f64x8::ZERO);
        let whole = steps.fast_min(last) + f64x8::splat(WHOLE);
        whole
            .to_array()
            .map(|whole| whole.to_bits() as usize & self.last)
    }

    /// How many values lie in each slot.
    pub(super) fn counts(&self, values: &[f64]) -> Vec<u32> {
        let mut counts = vec![0; self.len()];
        self.for_each(values, |slot, _| counts[slot] += 1);
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However odd the range: values in ascending order have slots in ascending order.
    #[test]
    fn slots_ascend_with_values() {
        let ranges: [&[f64]; 7] = [
            &[],
            &[1.0],
            &[0.0, 1.0],
            &[1.0, 1.0 + f64::EPSILON],
            &[f64::MIN, f64::MAX],
            &[-5e-324, 5e-324],
            &[-1e300, 0.0, 1e-300, 1e300],
        ];
        let mut values: Vec<f64> = (0..2_000_i32)
            .map(|i| f64::from(i - 1_000) * 1.7_f64.powi(i % 600 - 300))
            .chain([
                f64::MIN,
                f64::MAX,
                -5e-324,
                -0.0,
                0.0,
                5e-324,
                1.0,
                1.0_f64.next_up(),
                2.0, // so that the last block is not full
            ])
            .collect();
        values.sort_unstable_by(f64::total_cmp);
        for points in ranges {
            for slots in [Slots::over(points), Slots::over(points).finer(16)] {
                let found: Vec<usize> = values.iter().map(|&value| slots.of(value)).collect();
                let mut side_by_side = Vec::new();
                slots.for_each(&values, |slot, _| side_by_side.push(slot));
                assert_eq!(side_by_side, found, "{points:?}");
                assert!(found.is_sorted(), "{points:?}");
                assert!(found.iter().all(|&slot| slot < slots.len()));
                assert_eq!(slots.of(-0.0), slots.of(0.0));
            }
        }
    }
}
