//! Loops over numbers in the widest vectors that the machine has, which is found out as it runs. There are always eight lanes, however wide the
//! vectors, and nothing is fused: results are the same bits on every machine.

use pulp::{Arch, Simd, WithSimd};

/// Numbers that run side by side.
pub(crate) const LANES: usize = 8;

/// How figures of numbers are kept up lane by lane, and those of two lanes brought together.
///
/// All of it must be inlined: outside of what is built for wide vectors there are none.
pub(crate) trait Fold<const N: usize> {
    /// The figures of no number.
    const NONE: [f64; N];

    /// With one more number a lane.
    fn step<S: Simd>(&self, simd: S, figures: [S::f64s; N], values: S::f64s) -> [S::f64s; N];

    /// Of two lanes.
    fn join(&self, a: [f64; N], b: [f64; N]) -> [f64; N];
}

/// Figures of numbers, in an order that depends on how many there are alone.
pub(crate) fn fold<const N: usize, F: Fold<N>>(values: &[f64], with: &F) -> [f64; N] {
    Arch::new().dispatch(Folding { values, with })
}

struct Folding<'a, F, const N: usize> {
    values: &'a [f64],
    with: &'a F,
}

impl<const N: usize, F: Fold<N>> WithSimd for Folding<'_, F, N> {
    type Output = [f64; N];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> [f64; N] {
        let (chunks, rest) = self.values.as_chunks();
        // Of these as many as make up all lanes are in use: how many is known when this is built.
        let mut vectors = [F::NONE.map(|figure| simd.splat_f64s(figure)); LANES];
        for chunk in chunks {
            self.step(simd, &mut vectors, chunk);
        }
        let full = in_lanes::<S, N>(&vectors);
        let mut last = [0.0; LANES];
        last[..rest.len()].copy_from_slice(rest);
        self.step(simd, &mut vectors, &last);
        let last = in_lanes::<S, N>(&vectors);
        let of_lane = |lane| {
            if lane < rest.len() {
                last[lane]
            } else {
                full[lane]
            }
        };
        (0..LANES)
            .map(of_lane)
            .fold(F::NONE, |a, b| self.with.join(a, b))
    }
}

impl<const N: usize, F: Fold<N>> Folding<'_, F, N> {
    #[inline(always)]
    fn step<S: Simd>(&self, simd: S, vectors: &mut [[S::f64s; N]; LANES], chunk: &[f64; LANES]) {
        let (values, _) = S::as_simd_f64s(chunk);
        for (figures, values) in vectors.iter_mut().zip(values) {
            *figures = self.with.step(simd, *figures, *values);
        }
    }
}

/// The figures of each lane.
#[inline(always)]
fn in_lanes<S: Simd, const N: usize>(vectors: &[[S::f64s; N]; LANES]) -> [[f64; N]; LANES] {
    let mut lanes = [[0.0; N]; LANES];
    for figure in 0..N {
        let mut of_all = [0.0; LANES];
        let (parts, _) = S::as_mut_simd_f64s(&mut of_all);
        for (part, vector) in parts.iter_mut().zip(vectors) {
            *part = vector[figure];
        }
        for (lane, value) in lanes.iter_mut().zip(of_all) {
            lane[figure] = value;
        }
    }
    lanes
}

/// A function of a number, to be inlined as well.
pub(crate) trait Map {
    fn of<S: Simd>(&self, simd: S, values: S::f64s) -> S::f64s;
}

/// Writes the function of every number: to as many places as there are numbers.
pub(crate) fn map(values: &[f64], of: &impl Map, to: &mut [f64]) {
    debug_assert_eq!(values.len(), to.len());
    Arch::new().dispatch(Mapping { values, of, to });
}

struct Mapping<'a, M> {
    values: &'a [f64],
    of: &'a M,
    to: &'a mut [f64],
}

impl<M: Map> WithSimd for Mapping<'_, M> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (vectors, rest) = S::as_simd_f64s(self.values);
        let (places, places_of_rest) = S::as_mut_simd_f64s(self.to);
        for (place, &vector) in places.iter_mut().zip(vectors) {
            *place = self.of.of(simd, vector);
        }
        let last = self.of.of(simd, simd.partial_load_f64s(rest));
        simd.partial_store_f64s(places_of_rest, last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of numbers and of their products by a third, which a fused step would round otherwise.
    struct Thirds;

    impl Fold<2> for Thirds {
        const NONE: [f64; 2] = [0.0, f64::NEG_INFINITY];

        #[inline(always)]
        fn step<S: Simd>(
            &self,
            simd: S,
            [sum, most]: [S::f64s; 2],
            values: S::f64s,
        ) -> [S::f64s; 2] {
            let thirds = simd.mul_f64s(values, simd.splat_f64s(1.0 / 3.0));
            [simd.add_f64s(sum, thirds), simd.max_f64s(values, most)]
        }

        #[inline(always)]
        fn join(&self, a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
            [a[0] + b[0], a[1].max(b[1])]
        }
    }

    impl Map for Thirds {
        #[inline(always)]
        fn of<S: Simd>(&self, simd: S, values: S::f64s) -> S::f64s {
            let thirds = simd.mul_f64s(values, simd.splat_f64s(1.0 / 3.0));
            simd.sub_f64s(thirds, simd.splat_f64s(0.1))
        }
    }

    fn values(number: usize) -> Vec<f64> {
        (0..number as u32)
            .map(|i| f64::from(i.wrapping_mul(2_654_435_761) >> 7) * 1e-3 - 9e3)
            .collect()
    }

    /// Lane by lane, one number after the other.
    fn one_by_one(values: &[f64]) -> [f64; 2] {
        let mut lanes = [Thirds::NONE; LANES];
        for (place, &value) in values.iter().enumerate() {
            let [sum, most] = &mut lanes[place % LANES];
            *sum += value * (1.0 / 3.0);
            *most = most.max(value);
        }
        let join = |a, b| Thirds.join(a, b);
        lanes.into_iter().fold(Thirds::NONE, join)
    }

    /// Every kind of vectors that this machine has, and none.
    fn for_each_kind(mut see: impl FnMut(Arch)) {
        see(Arch::Scalar);
        #[cfg(target_arch = "x86_64")]
        {
            pulp::x86::V3::try_new().map(Arch::V3).map(&mut see);
            pulp::x86::V4::try_new().map(Arch::V4).map(&mut see);
        }
        see(Arch::new());
    }

    #[test]
    fn figures_are_the_same_bits_in_vectors_of_every_width() {
        for number in (0..70).chain([1_024, 1_031]) {
            let values = values(number);
            let bits = |figures: [f64; 2]| figures.map(f64::to_bits);
            let expected = bits(one_by_one(&values));
            assert_eq!(bits(fold(&values, &Thirds)), expected, "{number}");
            for_each_kind(|arch| {
                let found = arch.dispatch(Folding {
                    values: &values,
                    with: &Thirds,
                });
                assert_eq!(bits(found), expected, "{number} by {arch:?}");
            });
        }
    }

    #[test]
    fn functions_are_the_same_bits_in_vectors_of_every_width() {
        for number in (0..70).chain([512, 519]) {
            let values = values(number);
            let expected: Vec<f64> = values.iter().map(|x| x * (1.0 / 3.0) - 0.1).collect();
            for_each_kind(|arch| {
                let mut found = vec![f64::NAN; number];
                arch.dispatch(Mapping {
                    values: &values,
                    of: &Thirds,
                    to: &mut found,
                });
                assert_eq!(found, expected, "{number} by {arch:?}");
            });
        }
    }
}
