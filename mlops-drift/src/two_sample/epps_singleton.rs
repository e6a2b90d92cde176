use mlops_core::{Error, Result};

use super::groups::{comparable, defined};
use super::ladder::Ladder;
use super::{
    NullDistribution, Permutations, TestResult, TwoSampleTest, chi_square_sf, least_share,
    null_settings,
};
use crate::sample::{NumericSample, quantile_by};

/// Where the characteristic functions are compared, in half interquartile ranges: as recommended in the
/// paper, section 3.
const POINTS: [f64; 2] = [0.4, 0.8];
/// Real and imaginary part at each point.
const PARTS: usize = 2 * POINTS.len();
/// Size of each of two samples of like size from which the chi-square law is used.
const LARGE: u64 = 300;
/// How many times larger one sample may be for that: the covariance of the smaller one is estimated too roughly else. At 2,000
/// against 100 normal values the law's 5 % are 17 to 22.
const LIKE: u64 = 2;
/// Size of each sample from which it is used whatever the other's: its error falls as one over the smaller size.
const HUGE: u64 = 20_000;
/// The greatest sample size for which the paper corrects the statistic.
const CORRECTED: f64 = 25.0;

type Vector = [f64; PARTS];
type Matrix = [[f64; PARTS]; PARTS];

/// The Epps–Singleton test: compares the empirical characteristic functions at two points, so it fits
/// discrete columns as well as continuous ones.
///
/// **Statistic**: W2, the squared distance of the real and imaginary parts at t = 0.4 and 0.8 in units of
/// half the pooled interquartile range, weighted by the inverse of their covariance; with the paper's
/// correction where both samples are smaller than 25.
/// **Hypothesis**: both samples come from one law.
/// **Assumption**: exchangeable, finite values; at least five in each sample.
/// **Guarantee**: seeded [`Permutations`], hence an exact level, where a sample has fewer than 300 values, one is more than
/// twice as large as the other (unless both hold 20,000), or one value makes up more than 5 % of all; otherwise the chi-square
/// law with 4 degrees of freedom, within half a percent at 5 %.
/// **Weakness**: two points do not see every difference of two laws.
/// **Errors**: undefined for an infinite value, where the middle half of all values is one value, and where
/// neither sample varies.
/// **Cost**: O(n + m) for sorted samples, with two sines and cosines per distinct value.
/// **Source**: Epps & Singleton, "An omnibus test for the two-sample problem using the empirical
/// characteristic function", Journal of Statistical Computation and Simulation 26, 1986.
///
/// ```
/// use mlops_drift::NumericSample;
/// use mlops_drift::two_sample::{EppsSingleton, TwoSampleTest};
///
/// let reference = NumericSample::new((0..60).map(f64::from));
/// let current = NumericSample::new((0..60).map(|i| 3.0 * f64::from(i)));
/// assert!(EppsSingleton::default().test(&reference, &current)?.p_value.get() < 0.01);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EppsSingleton {
    null: NullDistribution,
    permutations: Permutations,
}

null_settings!("two_sample", EppsSingleton);

/// Share of one value from which the chi-square law is not used.
const ATOM: f64 = 0.05;

impl EppsSingleton {
    fn approximates(&self, ladder: &Ladder) -> bool {
        let [n, m] = ladder.sizes();
        match self.null {
            NullDistribution::Automatic => {
                let (least, most) = (n.min(m), n.max(m));
                let large = least >= HUGE || (least >= LARGE && most <= LIKE * least);
                large && ladder.largest_atom() <= ATOM
            }
            NullDistribution::Exact => false,
            NullDistribution::Asymptotic => true,
        }
    }
}

impl TwoSampleTest<NumericSample> for EppsSingleton {
    fn test(&self, reference: &NumericSample, current: &NumericSample) -> Result<TestResult> {
        let ladder = comparable(reference, current)?;
        let [n, m] = ladder.sizes();
        if n.min(m) < 5 {
            return Err(Error::invalid(format!(
                "both samples must hold at least 5 values, got {n} and {m}"
            )));
        }
        let parts = parts(&ladder)?;
        let (statistic, rank) = w2(&parts, ladder.steps());
        let statistic = defined(statistic)?;
        Ok(if self.approximates(&ladder) {
            let p = chi_square_sf(statistic, rank);
            TestResult::new(statistic, p, "epps_singleton_asymptotic")
        } else {
            let w2 = |steps: &[[u64; 2]]| w2(&parts, steps).0;
            let p = ladder.permuted(self.permutations, statistic, w2);
            TestResult::new(statistic, p, "epps_singleton_permutation")
        })
    }

    fn least_p_value(&self, sizes: [usize; 2]) -> f64 {
        self.null.exactly(least_share(sizes, true))
    }
}

/// cos and sin of every distinct value at both points.
fn parts(ladder: &Ladder) -> Result<Vec<Vector>> {
    let unit = half_interquartile_range(ladder);
    if unit <= 0.0 {
        return Err(Error::invalid(
            "the pooled interquartile range must be positive, got 0",
        ));
    }
    let [a, b] = POINTS.map(|point| point / unit);
    let part = |&x: &f64| [(a * x).cos(), (b * x).cos(), (a * x).sin(), (b * x).sin()];
    Ok(ladder.values().iter().map(part).collect())
}

fn half_interquartile_range(ladder: &Ladder) -> f64 {
    let mut up_to = 0;
    let counts = ladder.steps().iter().map(|step| {
        up_to += step[0] + step[1];
        up_to
    });
    let counts: Vec<u64> = counts.collect();
    let value = |rank: usize| {
        let index = counts.partition_point(|&count| count <= rank as u64);
        ladder.values()[index]
    };
    let quartile = |share: f64| quantile_by(up_to_last(&counts), share, value);
    (quartile(0.75) - quartile(0.25)) / 2.0
}

fn up_to_last(counts: &[u64]) -> usize {
    counts.last().copied().unwrap_or(0) as usize
}

/// The statistic and the rank of the covariance.
fn w2(parts: &[Vector], steps: &[[u64; 2]]) -> (f64, f64) {
    let [x, y] = [0, 1].map(|side| Spread::of(parts, steps, side));
    let all = x.size + y.size;
    let scaled =
        |side: &Spread, row: usize, column: usize| all / side.size * side.covariance[row][column];
    let covariance: Matrix = std::array::from_fn(|row| {
        std::array::from_fn(|column| scaled(&x, row, column) + scaled(&y, row, column))
    });
    let difference = std::array::from_fn(|part| x.mean[part] - y.mean[part]);
    let (form, rank) = inverse_form(covariance, difference, all / x.size + all / y.size);
    if rank == 0.0 {
        // No sample varies, and not all values are equal: infinitely far apart.
        return (f64::INFINITY, rank);
    }
    let correction = if x.size.max(y.size) < CORRECTED {
        1.0 / (1.0 + all.powf(-0.45) + 10.1 * (x.size.powf(-1.7) + y.size.powf(-1.7)))
    } else {
        1.0
    };
    (all * form * correction, rank)
}

/// Means of the parts and their covariance, with divisor n, over one sample.
struct Spread {
    size: f64,
    mean: Vector,
    covariance: Matrix,
}

impl Spread {
    /// In two passes: beside a far sample the parts of this one are close to one another. Distances are from the first of them, which leaves
    /// nothing of a sample that does not vary.
    fn of(parts: &[Vector], steps: &[[u64; 2]], side: usize) -> Self {
        let counts = steps.iter().map(|step| step[side] as f64);
        let held = || {
            parts
                .iter()
                .zip(counts.clone())
                .filter(|(_, count)| *count > 0.0)
        };
        let first = held().next().map_or([0.0; PARTS], |(part, _)| *part);
        let size: f64 = counts.clone().sum();
        let mut apart = [0.0; PARTS];
        for (part, count) in held() {
            for row in 0..PARTS {
                apart[row] += count * (part[row] - first[row]) / size;
            }
        }
        let mut covariance = [[0.0; PARTS]; PARTS];
        for (part, count) in held() {
            let from_mean: Vector = std::array::from_fn(|row| part[row] - first[row] - apart[row]);
            for row in 0..PARTS {
                for column in 0..PARTS {
                    covariance[row][column] += count * from_mean[row] * from_mean[column] / size;
                }
            }
        }
        Self {
            size,
            mean: std::array::from_fn(|row| first[row] + apart[row]),
            covariance,
        }
    }
}

/// dᵀ·A⁺·d with the pseudo-inverse of a symmetric matrix, and the rank of A: eigenvalues below 1e-15 of
/// the greatest count as 0, as in NumPy's `pinv`, and so do those that are rounding. The parts, at most 1, are rounded by 2^-52, so that a product of
/// their deviations, the sum of which has this weight, is so by 2^-52 of a deviation.
fn inverse_form(matrix: Matrix, d: Vector, weight: f64) -> (f64, f64) {
    let (values, vectors) = eigen(matrix);
    let greatest = values.iter().copied().fold(0.0, f64::max);
    let rounding = f64::EPSILON * (weight * greatest).sqrt();
    let (mut form, mut rank) = (0.0, 0.0);
    for (index, value) in values.iter().enumerate() {
        if *value > rounding.max(1e-15 * greatest) {
            let along: f64 = (0..PARTS).map(|row| vectors[row][index] * d[row]).sum();
            form += along * along / value;
            rank += 1.0;
        }
    }
    (form, rank)
}

/// Jacobi's method: rotations that zero the off-diagonal cells in turn; a few sweeps suffice for so
/// small a matrix. Eigenvectors are columns. (Golub & Van Loan, "Matrix Computations", section 8.5.)
fn eigen(mut a: Matrix) -> (Vector, Matrix) {
    let mut vectors: Matrix =
        std::array::from_fn(|row| std::array::from_fn(|column| f64::from(u8::from(row == column))));
    for _ in 0..30 {
        for p in 0..PARTS {
            for q in p + 1..PARTS {
                if a[p][q] != 0.0 {
                    rotate(&mut a, &mut vectors, p, q);
                }
            }
        }
    }
    (std::array::from_fn(|index| a[index][index]), vectors)
}

fn rotate(a: &mut Matrix, vectors: &mut Matrix, p: usize, q: usize) {
    let tau = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
    let tangent = tau.signum() / (tau.abs() + (1.0 + tau * tau).sqrt());
    let cosine = 1.0 / (1.0 + tangent * tangent).sqrt();
    let sine = tangent * cosine;
    let turn = |x: f64, y: f64| (cosine * x - sine * y, sine * x + cosine * y);
    for row in a.iter_mut().chain(vectors) {
        (row[p], row[q]) = turn(row[p], row[q]);
    }
    let (above, below) = (a[p], a[q]);
    a[p] = std::array::from_fn(|column| turn(above[column], below[column]).0);
    a[q] = std::array::from_fn(|column| turn(above[column], below[column]).1);
    (a[p][q], a[q][p]) = (0.0, 0.0);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Two tight samples far apart: mpmath, 80 digits, of the same sine and cosine sums.
    #[test]
    fn far_samples_keep_their_digits() {
        let near = [
            -0.05831632,
            0.22621706,
            -1.12807203,
            -0.9061051,
            -0.58812225,
            -0.07925226,
            -0.58839897,
            0.55426375,
        ];
        let far = [
            100.29943563,
            100.37188078,
            100.40669948,
            99.96860409,
            99.26375346,
            99.17469765,
            98.35571395,
            97.95019608,
            99.25718658,
        ];
        let [near, far] = [NumericSample::new(near), NumericSample::new(far)];
        let got = EppsSingleton::default()
            .test(&near, &far)
            .unwrap()
            .statistic;
        assert!((got / 233_889_368.920_099_14 - 1.0).abs() < 1e-8, "{got}");
    }

    /// Of two values all parts lie on one line, whatever their place and scale: the covariance has rank 1, and W2 is the squared
    /// difference of the shares over its variance, 0.2²/(0.24/60 + 0.24/90) = 6, of one degree of freedom: p = erfc √3.
    #[test]
    fn two_values_have_one_degree_of_freedom_anywhere() {
        let test = EppsSingleton::default().null(NullDistribution::Asymptotic);
        for place in 0..200 {
            let (low, width) = (f64::from(place) * 0.07 - 7.0, 1.0 + f64::from(place % 7));
            let sample = |ones: usize, size: usize| {
                NumericSample::new((0..size).map(|row| if row < ones { low + width } else { low }))
            };
            let result = test.test(&sample(24, 60), &sample(54, 90)).unwrap();
            let p = statrs::function::erf::erfc(3.0_f64.sqrt());
            assert!((result.statistic - 6.0).abs() < 1e-9, "{low}: {result:?}");
            assert!((result.p_value.get() - p).abs() < 1e-9, "{low}: {result:?}");
        }
    }

    /// Two samples 1e-10 wide and 1 apart: their parts lie along v and w, the derivatives there, but for rounding, beside which squares
    /// of 1e-10 are nothing. So the covariance has rank 2. It is V·vvᵀ + W·wwᵀ, with the variances V and W of both means; and if s·v +
    /// t·w is the part of the means' difference that lies in that plane (by the normal equations), W2 = s²/V + t²/W. Parts are rounded by
    /// 1e-16, and 1e-11 or more apart.
    #[test]
    fn tight_samples_are_compared_in_the_plane_that_they_span() {
        let step = 2.0_f64.powi(-36);
        let steps: Vec<f64> = (0..30).map(|row| f64::from(row.max(20) - 20)).collect(); // 21 times 0, then 1 to 9
        let sample = |low: f64, step: f64| NumericSample::new(steps.iter().map(|x| low + x * step));
        // Half the interquartile range is 1/2.
        let (a, b) = (0.8, 1.6);
        let part = |x: f64| [(a * x).cos(), (b * x).cos(), (a * x).sin(), (b * x).sin()];
        let slope = |x: f64| {
            [
                -a * (a * x).sin(),
                -b * (b * x).sin(),
                a * (a * x).cos(),
                b * (b * x).cos(),
            ]
        };
        let dot = |x: Vector, y: Vector| -> f64 { (0..PARTS).map(|i| x[i] * y[i]).sum() };
        let (v, w) = (slope(1.0), slope(2.0));
        let (here, there) = (part(1.0), part(2.0));
        let apart: Vector = std::array::from_fn(|i| here[i] - there[i]);
        let determinant = dot(v, v) * dot(w, w) - dot(v, w).powi(2);
        let s = (dot(w, w) * dot(v, apart) - dot(v, w) * dot(w, apart)) / determinant;
        let t = (dot(v, v) * dot(w, apart) - dot(v, w) * dot(v, apart)) / determinant;
        // Steps have the mean 45/30 and the mean square 285/30; those of the other sample are twice as wide.
        let variance = (9.5 - 1.5 * 1.5) * step * step / 30.0;
        let by_hand = s * s / variance + t * t / (4.0 * variance);
        let test = EppsSingleton::default().null(NullDistribution::Asymptotic);
        let samples = [sample(1.0, step), sample(2.0, 2.0 * step)];
        let found = test.test(&samples[0], &samples[1]).unwrap().statistic;
        assert!(
            (found / by_hand - 1.0).abs() < 1e-4,
            "{found} for {by_hand}"
        );
    }

    #[test]
    fn eigenvectors_rebuild_the_matrix() {
        let matrix = [
            [4.0, 1.0, -2.0, 0.5],
            [1.0, 3.0, 0.0, 1.0],
            [-2.0, 0.0, 5.0, -1.0],
            [0.5, 1.0, -1.0, 2.0],
        ];
        let (values, vectors) = eigen(matrix);
        for row in 0..PARTS {
            for column in 0..PARTS {
                let rebuilt: f64 = (0..PARTS)
                    .map(|k| vectors[row][k] * values[k] * vectors[column][k])
                    .sum();
                assert!((rebuilt - matrix[row][column]).abs() < 1e-12);
            }
        }
    }
}
