//! The null distributions of Kolmogorov's D: two samples (exact) and one sample.

use std::f64::consts::PI;

use statrs::function::factorial;

use super::kolmogorov_smirnov::gcd;

/// Terms of Smirnov's sum that are added up where there are more than 200,000.
const NODES: f64 = 16_384.0;

/// P(D ≥ steps/lcm(n, m)) for two samples without ties, exactly, by counting lattice paths.
pub(super) fn two_sample_sf(steps: u64, n: u64, m: u64) -> f64 {
    if steps == 0 {
        1.0
    } else if n == m {
        equal_sizes_sf(steps, n)
    } else {
        paths_outside(steps, n.max(m), n.min(m))
    }
}

/// The reflection principle: `2 Σ (-1)^(k-1) C(2n, n-kh) / C(2n, n)`, by Horner from the last term that tells. With K = kh the next
/// term is at most (1 - 2K/(n+K))^h < exp(-2Kh/n) of one: less than 2^-60 beyond K = 21·n/h. And a term is at most (1 + K/n)^-K of
/// them all, below the least positive float from K = 60·√n on.
fn equal_sizes_sf(h: u64, n: u64) -> f64 {
    let size = n as f64;
    let last = (60.0 * size.sqrt()).min(21.0 * size / h as f64).ceil();
    let mut sf = 0.0;
    for k in (0..=n.min(last as u64) / h).rev() {
        let mut ratio = 1.0;
        for j in k * h..(k + 1) * h {
            ratio *= (size - j as f64) / (size + (j + 1) as f64);
            if ratio < f64::MIN_POSITIVE {
                ratio = 0.0; // smaller numbers do not fall any more, for their rounding
                break;
            }
        }
        sf = ratio * (1.0 - sf);
    }
    2.0 * sf
}

/// The share of lattice paths from (0, 0) to (m, n) that touch `|i·n/g − j·m/g| ≥ h`, by columns:
/// a path reaches (i, j) from the left with probability i/(i+j), and once outside counts as such.
fn paths_outside(h: u64, m: u64, n: u64) -> f64 {
    let divisor = gcd(m, n);
    let (m_step, n_step, h) = ((m / divisor) as i64, (n / divisor) as i64, h as i64);
    let band = |i: i64| {
        let low = (n_step * i - h).div_euclid(m_step) + 1;
        let high = (n_step * i + h + m_step - 1).div_euclid(m_step);
        (low.max(0), high.min(n as i64 + 1))
    };
    // `outside[j - low]` for the last column; all of column 0 inside the band is certain to be inside.
    let (mut low, mut high) = band(0);
    let mut outside = vec![0.0; (high - low) as usize];
    for i in 1..=m as i64 {
        let (next_low, next_high) = band(i);
        if next_high <= next_low {
            return 1.0;
        }
        let mut below = if next_low == 0 { 0.0 } else { 1.0 };
        let column = (next_low..next_high).map(|j| {
            let left = if j < high {
                outside[(j - low) as usize]
            } else {
                1.0
            };
            below = (left * i as f64 + below * j as f64) / (i + j) as f64;
            below
        });
        outside = column.collect();
        (low, high) = (next_low, next_high);
    }
    outside[(n as i64 - low) as usize]
}

/// P(D ≥ d) of the one-sample statistic at size n: exact where cheap, otherwise an expansion with an
/// error far below 1e-6. The regions are those of Simard & L'Ecuyer (2011), table 2.
pub(super) fn one_sample_sf(d: f64, n: u64) -> f64 {
    let size = n as f64;
    let scaled = size * d * d;
    if d >= 1.0 {
        0.0
    } else if size * d <= 0.5 {
        1.0
    } else if size * d <= 1.0 {
        1.0 - (ln_factorial(n) + size * (2.0 * d - 1.0 / size).ln()).exp()
    } else if d >= 0.5 || scaled >= if n <= 140 { 4.0 } else { 2.2 } {
        2.0 * one_sided_sf(d, n)
    } else if n <= 140 || (n <= 2_000 && size * d.powf(1.5) <= 1.4) {
        1.0 - durbin_matrix_cdf(d, n)
    } else {
        1.0 - pelz_good_cdf(d, n)
    }
}

/// P(D⁺ ≥ d), Smirnov's sum, all of whose terms are positive; half of P(D ≥ d) once that is small.
fn one_sided_sf(d: f64, n: u64) -> f64 {
    let size = n as f64;
    if n > 200_000 {
        return smirnov_by_nodes(d, size);
    }
    let last = (size * (1.0 - d)).floor() as u64;
    let ln_n = ln_factorial(n);
    let term = |v: u64| {
        let share = v as f64 / size;
        let choose = ln_n - ln_factorial(v) - ln_factorial(n - v);
        let below = (v as f64 - 1.0) * (d + share).ln();
        let above = match n - v {
            0 => 0.0,
            rest => rest as f64 * (1.0 - d - share).max(0.0).ln(),
        };
        (choose + below + above).exp()
    };
    d * (0..=last).map(term).sum::<f64>()
}

/// ln n!: of a table, then by Stirling's formula, of which the first term left out is below 1e-18 there.
fn ln_factorial(n: u64) -> f64 {
    if n as usize <= factorial::MAX_FACTORIAL {
        return factorial::ln_factorial(n);
    }
    let n = n as f64;
    (n + 0.5) * n.ln() - n + (2.0 * PI).ln() / 2.0 + stirling(n)
}

/// ln(n! / (e^-n · n^n · √(2πn))) of Stirling's series.
fn stirling(n: f64) -> f64 {
    (1.0 / 12.0 - (1.0 / 360.0 - 1.0 / (1_260.0 * n * n)) / (n * n)) / n
}

/// Smirnov's sum of a great many terms, which are a smooth function of v/n that vanishes at both ends with all its
/// derivatives: a few thousand of them, evenly spaced, give the sum to its last digits (Euler and Maclaurin).
fn smirnov_by_nodes(d: f64, size: f64) -> f64 {
    let step = size / NODES;
    let term = |v: f64| {
        let (share, others) = (v / size, size - v);
        let spread = 2.0 * PI * v * others / size;
        let choose = stirling(size) - stirling(v) - stirling(others) - spread.ln() / 2.0;
        let below = v * (d / share).ln_1p();
        let above = others * (-d * size / others).ln_1p();
        (choose + below + above).exp() / (d + share)
    };
    let nodes = (1..NODES as u32).map(|node| f64::from(node) * step);
    let inside = nodes.take_while(|v| *v < size * (1.0 - d));
    d * step * inside.map(term).sum::<f64>()
}

/// P(D < d) exactly: Durbin's matrix, raised to the n-th power by squaring. O(k³ log n), k = ⌈nd⌉.
/// Marsaglia, Tsang & Wang, "Evaluating Kolmogorov's distribution", JSS 8(18), 2003.
fn durbin_matrix_cdf(d: f64, n: u64) -> f64 {
    let steps = (n as f64 * d).ceil();
    let corner = steps as usize - 1;
    let power = Scaled::new(durbin_matrix(steps as usize, steps - n as f64 * d)).power(n);
    let mut ln_cdf = power.matrix.at(corner, corner).ln() + power.ln_scale;
    ln_cdf += ln_factorial(n) - n as f64 * (n as f64).ln();
    ln_cdf.exp().min(1.0)
}

fn durbin_matrix(k: usize, h: f64) -> Square {
    let m = 2 * k - 1;
    let mut matrix = Square::zero(m);
    for i in 0..m {
        for j in 0..=(i + 1).min(m - 1) {
            *matrix.at_mut(i, j) = 1.0;
        }
    }
    for i in 0..m {
        *matrix.at_mut(i, 0) -= h.powi(i as i32 + 1);
        *matrix.at_mut(m - 1, i) -= h.powi((m - i) as i32);
    }
    *matrix.at_mut(m - 1, 0) += (2.0 * h - 1.0).max(0.0).powi(m as i32);
    for i in 0..m {
        for j in 0..=i.min(m - 1) {
            let factorial: f64 = (1..=i + 1 - j).map(|g| g as f64).product();
            *matrix.at_mut(i, j) /= factorial;
        }
    }
    matrix
}

/// A square matrix times `exp(ln_scale)`.
struct Scaled {
    matrix: Square,
    ln_scale: f64,
}

impl Scaled {
    fn new(matrix: Square) -> Self {
        Self {
            matrix,
            ln_scale: 0.0,
        }
    }

    fn power(self, n: u64) -> Self {
        if n == 1 {
            return self;
        }
        let base = Self::new(self.matrix.clone());
        let half = self.power(n / 2);
        let square = half.times(&half);
        if n % 2 == 1 {
            square.times(&base)
        } else {
            square
        }
    }

    fn times(&self, other: &Self) -> Self {
        let mut matrix = self.matrix.times(&other.matrix);
        let greatest = matrix.cells.iter().copied().fold(0.0, f64::max);
        matrix.cells.iter_mut().for_each(|cell| *cell /= greatest);
        Self {
            matrix,
            ln_scale: self.ln_scale + other.ln_scale + greatest.ln(),
        }
    }
}

#[derive(Clone)]
struct Square {
    size: usize,
    cells: Vec<f64>,
}

impl Square {
    fn zero(size: usize) -> Self {
        Self {
            size,
            cells: vec![0.0; size * size],
        }
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        self.cells[row * self.size + column]
    }

    fn at_mut(&mut self, row: usize, column: usize) -> &mut f64 {
        &mut self.cells[row * self.size + column]
    }

    fn times(&self, other: &Self) -> Self {
        let mut product = Self::zero(self.size);
        for (row, out) in product.cells.chunks_exact_mut(self.size).enumerate() {
            for inner in 0..self.size {
                let factor = self.at(row, inner);
                let others = &other.cells[inner * self.size..(inner + 1) * self.size];
                out.iter_mut()
                    .zip(others)
                    .for_each(|(cell, value)| *cell += factor * value);
            }
        }
        product
    }
}

/// P(√n·D < z) by the expansion of Pelz & Good, "Approximating the lower tail-areas of the
/// Kolmogorov–Smirnov one-sample statistic", JRSS B 38, 1976, up to n^(-3/2).
fn pelz_good_cdf(d: f64, n: u64) -> f64 {
    let root = (n as f64).sqrt();
    let z = root * d;
    let (z2, z3, z4, z6) = (z * z, z.powi(3), z.powi(4), z.powi(6));
    let (p2, p4, p6) = (PI.powi(2), PI.powi(4), PI.powi(6));
    let half_pi = (PI / 2.0).sqrt();

    // Sums over all integers, by symmetry twice those over k >= 0 (halves) or k >= 1 (wholes).
    let over_halves = |f: &dyn Fn(f64) -> f64| series(0.5, p2 / (2.0 * z2), f);
    let over_wholes = |f: &dyn Fn(f64) -> f64| series(1.0, p2 / (2.0 * z2), f);

    let k0 = half_pi / z * over_halves(&|_| 1.0);
    let k1 = half_pi / (6.0 * z4) * over_halves(&|q| p2 * q - z2);
    let k2 = half_pi / (72.0 * z.powi(7))
        * over_halves(&|q| {
            6.0 * z6 + 2.0 * z4 + p2 * (2.0 * z4 - 5.0 * z2) * q + p4 * (1.0 - 2.0 * z2) * q * q
        })
        - half_pi / (36.0 * z3) * over_wholes(&|q| p2 * q);
    let k3 = half_pi / (6480.0 * z.powi(10))
        * over_halves(&|q| {
            p6 * q.powi(3) * (5.0 - 30.0 * z2)
                + p4 * q * q * (-60.0 * z2 + 212.0 * z4)
                + p2 * q * (135.0 * z4 - 96.0 * z6)
                - (30.0 * z6 + 90.0 * z.powi(8))
        })
        + half_pi / (216.0 * z6) * over_wholes(&|q| 3.0 * p2 * z2 * q - p4 * q * q);
    (k0 + k1 / root + k2 / (root * root) + k3 / root.powi(3)).clamp(0.0, 1.0)
}

/// `2 Σ f(k²) exp(-rate·k²)` over k = first, first + 1, …, until the terms vanish.
fn series(first: f64, rate: f64, f: &dyn Fn(f64) -> f64) -> f64 {
    let squares = (0..).map(|step| (first + f64::from(step)).powi(2));
    let terms = squares.take_while(|q| rate * q < 60.0); // exp(-60) < 1e-26
    2.0 * terms.map(|q| f(q) * (-rate * q).exp()).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All C(n+m, n) orders, one by one: the naive oracle of the path counts.
    fn by_enumeration(steps: u64, n: u64, m: u64) -> f64 {
        fn walk(i: u64, j: u64, n: u64, m: u64, unit: (i64, i64), limit: i64) -> (f64, f64) {
            let outside = (i as i64 * unit.0 - j as i64 * unit.1).abs() >= limit;
            let (mut out, mut all) = (0.0, 0.0);
            if i == n && j == m {
                return (f64::from(u8::from(outside)), 1.0);
            }
            for (i, j) in [(i + 1, j), (i, j + 1)] {
                if i <= n && j <= m {
                    let (below_out, below_all) = walk(i, j, n, m, unit, limit);
                    out += if outside { below_all } else { below_out };
                    all += below_all;
                }
            }
            (out, all)
        }
        let divisor = gcd(n, m);
        let unit = ((m / divisor) as i64, (n / divisor) as i64);
        let (out, all) = walk(0, 0, n, m, unit, steps as i64);
        out / all
    }

    #[test]
    fn path_counts_equal_enumeration() {
        for (n, m) in [
            (1, 1),
            (1, 4),
            (3, 3),
            (4, 6),
            (5, 7),
            (6, 6),
            (2, 9),
            (8, 4),
        ] {
            for steps in 1..=super::super::kolmogorov_smirnov::lcm(n, m) {
                let (got, want) = (two_sample_sf(steps, n, m), by_enumeration(steps, n, m));
                assert!(
                    (got - want).abs() < 1e-12,
                    "{n} {m} {steps}: {got} is not {want}"
                );
            }
        }
    }

    /// The terms that are left out change nothing: beside the sum of them all, by the products that each is, in floats.
    #[test]
    fn the_terms_that_are_left_out_tell_nothing() {
        let n = 4_000_u64;
        let next = |term: &mut f64, j: u64| {
            let this = *term;
            *term *= (n - j) as f64 / (n + j + 1) as f64;
            Some(this)
        };
        let ratios: Vec<f64> = (0..=n).scan(1.0, next).collect();
        for h in [1, 3, 10, 40, 63, 90, 200, 900, 3_999, 4_000] {
            let terms = ratios.iter().step_by(h as usize).skip(1).enumerate();
            let sum: f64 = terms
                .map(|(k, term)| if k % 2 == 0 { *term } else { -term })
                .sum();
            let (got, want) = (two_sample_sf(h, n, n), 2.0 * sum);
            assert!((got - want).abs() <= 1e-12 * want, "{h}: {got}, {want}");
        }
        assert_eq!(two_sample_sf(200_000, 1_000_000, 1_000_000), 0.0);
    }

    /// SciPy 1.17.1, `special.smirnov(n, z / sqrt(n))`; at 100,000,000, where that is off in the eighth digit, Smirnov's
    /// sum by mpmath with 40 digits.
    #[test]
    fn smirnovs_tail_of_many_values_is_that_of_scipy() {
        for (n, z, want) in [
            (200_001, 1.5, 0.011084114530284683),
            (200_001, 4.0, 1.258216150697753e-14),
            (1_000_000, 1.5, 0.011097879215320433),
            (1_000_000, 2.0, 0.0003350138551835359),
            (1_000_000, 7.0, 2.733128428753068e-43),
            (100_000_000, 2.0, 0.000335417884644404),
            (100_000_000, 4.0, 1.26607753835155e-14),
        ] {
            let got = one_sided_sf(z / (n as f64).sqrt(), n);
            assert!(
                (got / want - 1.0).abs() < 1e-8,
                "n {n}, z {z}: {got:e} is not {want:e}"
            );
        }
    }

    /// Each region of the one-sample law against Durbin's matrix, which is exact everywhere.
    #[test]
    fn regions_of_the_one_sample_law_agree_with_the_exact_matrix() {
        for n in [20, 140, 141, 400, 1_000] {
            for z in [0.5, 0.7, 0.9, 1.1, 1.3, 1.45, 1.5, 1.7] {
                let d = z / (n as f64).sqrt();
                let (got, want) = (one_sample_sf(d, n), 1.0 - durbin_matrix_cdf(d, n));
                // The expansion leaves O(n^-2); twice the one-sided tail counts some paths twice,
                // about 2·exp(-8z²) < 1e-7 of them where it is used.
                let tolerance = 0.05 / (n * n) as f64 + 1e-7;
                assert!(
                    (got - want).abs() <= tolerance,
                    "n {n}, z {z}: {got} is not {want}"
                );
            }
        }
    }
}
