use pulp::Simd;

use crate::lanes::{Map, map};

/// Slots per point of those that fix a range.
const PER_POINT: usize = 2;
/// Values whose slots are computed before they are looked at: what is read one by one where it was just written in vectors has to wait.
const BLOCK: usize = 512;
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
        let mut steps = [0.0; BLOCK];
        for block in values.chunks(BLOCK) {
            let steps = &mut steps[..block.len()];
            map(block, self, steps);
            for (steps, &value) in steps.iter().zip(block) {
                with(steps.to_bits() as usize & self.last, value);
            }
        }
    }

    /// How many values lie in each slot.
    pub(super) fn counts(&self, values: &[f64]) -> Vec<u32> {
        let mut counts = vec![0; self.len()];
        self.for_each(values, |slot, _| counts[slot] += 1);
        counts
    }
}

/// The same as [`of`](Slots::of): the slot is in the last bits.
impl Map for Slots {
    #[inline(always)]
    fn of<S: Simd>(&self, simd: S, values: S::f64s) -> S::f64s {
        let [low, scale, last] =
            [self.low, self.scale, self.last as f64].map(|x| simd.splat_f64s(x));
        let steps = simd.mul_f64s(simd.sub_f64s(values, low), scale);
        let zero = simd.splat_f64s(0.0);
        // NaN is 0 by a comparison on every platform, and by a maximum on some.
        let steps = simd.select_f64s(simd.less_than_f64s(zero, steps), steps, zero);
        simd.add_f64s(simd.min_f64s(steps, last), simd.splat_f64s(WHOLE))
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
