//! Where the index of two laws lies, given that of their samples: for an index that follows a chi-square law, times n·m/(n + m), without drift.
//!
//! With drift it follows a noncentral one as long as the shares are near each other, of mean f + λ and variance 2·f + 4·λ for λ = n·m/(n + m) times the
//! index of the laws; farther apart the variance is 2·f + 4·λ·ρ, with ρ by the delta method. Of such a variable a power between a third and a half is nearly
//! normal: Sankaran, "On the non-central chi-square distribution", Biometrika 46, 1959. Both ends are the λ at which the index is as far out as the
//! confidence has it.

use super::shares::shares;
use crate::performance::normal_quantile;
use crate::two_sample::ladder::sizes;

/// Values that every cell must hold in both samples: Cochran's rule for the chi-square law, of what is expected.
const LEAST: u64 = 5;
/// Halvings of a range of λ.
const STEPS: usize = 60;

/// Of counts `[reference, current]`: both ends for the index of the laws, or `None` where a cell holds too few values. `slopes` are the derivatives of the index by both shares of a cell.
pub(super) fn ends(
    cells: &[[u64; 2]],
    index: f64,
    slopes: impl Fn([f64; 2]) -> [f64; 2],
    confidence: f64,
) -> Option<[f64; 2]> {
    let [n, m] = sizes(cells).map(|size| size as f64);
    if cells.len() < 2 || cells.as_flattened().iter().any(|&count| count < LEAST) {
        return None;
    }
    let scale = n * m / (n + m);
    let observed = Observed {
        index: scale * index,
        freedom: (cells.len() - 1) as f64,
        // Rounding is all that is left of the variance of nearly equal shares.
        excess: match index > 1e-12 {
            true => variance(cells, [n, m], slopes) * scale / (4.0 * index),
            false => 1.0,
        },
    };
    let far = normal_quantile(confidence);
    let [low, high] = [far, -far].map(|errors| observed.centre(errors) / scale);
    // An index that is less than chance makes of no drift leaves no λ: its interval holds itself.
    Some([low, high.max(index)])
}

/// Of the index, by the delta method, for multinomial counts.
fn variance(cells: &[[u64; 2]], sizes: [f64; 2], slopes: impl Fn([f64; 2]) -> [f64; 2]) -> f64 {
    let of_side = |side: usize| {
        let mean = |power: i32| -> f64 {
            let term = |pair: [f64; 2]| pair[side] * slopes(pair)[side].powi(power);
            shares(cells).map(term).sum()
        };
        (mean(2) - mean(1).powi(2)) / sizes[side]
    };
    of_side(0) + of_side(1)
}

/// An index times n·m/(n + m), and what is known of its law.
struct Observed {
    index: f64,
    freedom: f64,
    /// ρ.
    excess: f64,
}

impl Observed {
    /// How many standard errors the observed index lies beyond the mean for this λ; falls as λ grows.
    fn errors(&self, lambda: f64) -> f64 {
        let f = self.freedom;
        let mean = f + lambda;
        let power = 1.0 - 2.0 * mean * (f + 3.0 * lambda) / (3.0 * (f + 2.0 * lambda).powi(2));
        let spread = (f + 2.0 * lambda * self.excess) / (mean * mean);
        let bend = spread * (power - 1.0) * (1.0 - 3.0 * power);
        let centre = 1.0 + power * spread * (power - 1.0 - (1.0 - power / 2.0) * bend);
        let error = power * (2.0 * spread).sqrt() * (1.0 + bend / 2.0);
        ((self.index / mean).powf(power) - centre) / error
    }

    /// The λ for which the index is so many standard errors out; 0 if it is less for every λ.
    fn centre(&self, errors: f64) -> f64 {
        if self.errors(0.0) <= errors {
            return 0.0;
        }
        let (mut low, mut high) = (0.0, self.index.max(1.0));
        while self.errors(high) > errors {
            high *= 2.0;
        }
        for _ in 0..STEPS {
            let middle = (low + high) / 2.0;
            if self.errors(middle) > errors {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// SciPy 1.17.1: λ with `ncx2.cdf(x, f, λ)` of 0.975 and 0.025, by `brentq`. The power is off by up to 1 %.
    #[test]
    fn ends_are_those_of_the_noncentral_law() {
        for (index, freedom, want) in [
            (9.0, 9.0, [0.0, 14.1019]),
            (30.0, 9.0, [6.03509, 45.9505]),
            (200.0, 9.0, [140.983, 250.739]),
            (3.0, 1.0, [0.0, 13.631]),
            (40.0, 1.0, [19.0497, 68.6333]),
            (60.0, 29.0, [9.59666, 62.6767]),
            (1000.0, 29.0, [852.767, 1098.94]),
        ] {
            let observed = Observed {
                index,
                freedom,
                excess: 1.0,
            };
            let far = normal_quantile(0.95);
            let [low, high] = [far, -far].map(|errors| observed.centre(errors));
            let [low_want, high_want]: [f64; 2] = want;
            assert!(
                (low - low_want).abs() < 0.01 * low_want + 0.02,
                "{low} is not {low_want}"
            );
            assert!(
                (high - high_want).abs() < 0.01 * high_want + 0.02,
                "{high} is not {high_want}"
            );
        }
    }

    /// Four cells of which each has a hundred values in both samples, or nearly: less than chance, which makes 3·(1/400 + 1/400) of no drift.
    #[test]
    fn the_interval_of_an_index_holds_it() {
        let slopes = |[p, q]: [f64; 2]| [2.0 * (p - q) / p, 2.0 * (q - p) / p];
        for (counts, index) in [([100; 4], 0.0), ([101, 99, 100, 100], 2e-6)] {
            let cells = counts.map(|count| [count, 100]);
            let [low, high] = ends(&cells, index, slopes, 0.95).unwrap();
            assert_eq!((low, high), (0.0, index));
        }
    }

    #[test]
    fn few_values_in_a_cell_have_no_interval() {
        let slopes = |_| [1.0, -1.0];
        let of = |cells: &[[u64; 2]]| ends(cells, 0.1, slopes, 0.95);
        assert!(of(&[[50, 50], [50, 50]]).is_some());
        assert!(of(&[[96, 96], [4, 4]]).is_none());
        assert!(of(&[[96, 80], [4, 20]]).is_none());
        assert!(of(&[[95, 20], [5, 80]]).is_some());
        assert!(of(&[[100, 100]]).is_none());
    }

    /// Far from no drift the interval of large samples is that of the delta method, written out: PSI is Σ (q − p)·ln(q/p).
    #[test]
    fn far_apart_the_interval_is_that_of_the_delta_method() {
        let cells = [[20_000, 45_000], [20_000, 4_000], [10_000, 1_000]];
        let slopes = |[p, q]: [f64; 2]| [(p / q).ln() + 1.0 - q / p, (q / p).ln() + 1.0 - p / q];
        let pairs = cells.map(|cell| cell.map(|count| count as f64 / 50_000.0));
        let index: f64 = pairs.iter().map(|[p, q]| (q - p) * (q / p).ln()).sum();
        let variance: f64 = [0, 1]
            .into_iter()
            .map(|side| {
                let slope = |pair: &[f64; 2]| slopes(*pair)[side];
                let mean: f64 = pairs.iter().map(|pair| pair[side] * slope(pair)).sum();
                let squares = pairs
                    .iter()
                    .map(|pair| pair[side] * (slope(pair) - mean).powi(2));
                squares.sum::<f64>() / 50_000.0
            })
            .sum();
        let [low, high] = ends(&cells, index, slopes, 0.95).unwrap();
        let wide = 2.0 * 1.959964 * variance.sqrt();
        assert!(
            ((high - low) / wide - 1.0).abs() < 0.01,
            "{low} to {high}, not {wide} wide"
        );
        assert!(((low + high) / 2.0 - index).abs() < 0.05 * wide);
    }
}
