//! Tail probabilities of the limit laws that several tests share.

use std::f64::consts::{PI, SQRT_2};

use mlops_core::evidence::PValue;
use num_complex::Complex64;
use statrs::function::beta::checked_beta_reg;
use statrs::function::erf::erfc;

/// Degrees of freedom from which Student's law is that of a transformed normal variable: relative
/// error below 1e-9 for p-values above 1e-12.
const NEARLY_NORMAL: f64 = 2_000.0;
/// Nodes of one integral of [`weighted_chi_squares_sf`]: the midpoint rule on a smooth function that is
/// even about both ends, so the error vanishes faster than any power.
const NODES: u32 = 64;

/// P(|Z| ≥ |z|) of a standard normal variable.
pub(super) fn normal_two_sided(z: f64) -> PValue {
    PValue::saturating(erfc(z.abs() / SQRT_2))
}

/// P(|T| ≥ |t|) of Student's law.
pub(super) fn student_two_sided(t: f64, freedom: f64) -> PValue {
    if freedom >= NEARLY_NORMAL {
        return normal_two_sided(normal_of_student(t, freedom));
    }
    let whole = freedom + t * t;
    // Near 0 and near 1 a probability keeps its digits only as the lesser of the two tails.
    let p = if t.abs() < 1.0 {
        checked_beta_reg(0.5, freedom / 2.0, t * t / whole).map(|inner| 1.0 - inner)
    } else {
        checked_beta_reg(freedom / 2.0, 0.5, freedom / whole)
    };
    PValue::saturating(p.unwrap_or(f64::NAN))
}

/// The normal variable of the same tail: Hill, "Algorithm 395: Student's t-distribution",
/// Communications of the ACM 13(10), 1970.
fn normal_of_student(t: f64, freedom: f64) -> f64 {
    let a = freedom - 0.5;
    let b = 48.0 * a * a;
    let z = (a * (t * t / freedom).ln_1p()).sqrt();
    let z2 = z * z;
    let third = ((4.0 * z2 + 33.0) * z2 + 240.0) * z2 + 855.0;
    z * (1.0 + (z2 + 3.0) / b - third / (10.0 * b * (b + 0.8 * z2 * z2 + 100.0)))
}

/// A law of the form Σ Z²/λ with independent standard normal Z: the limit of a quadratic statistic of
/// two empirical distribution functions.
pub(super) struct WeightedChiSquares {
    /// λ of rank k = 1, 2, …, ascending.
    pub(super) root: fn(f64) -> f64,
    /// |Π (1 − y/λ)| over all λ.
    pub(super) product: fn(f64) -> f64,
}

/// Cramér and von Mises: λ = k²π².
pub(super) const CRAMER_VON_MISES: WeightedChiSquares = WeightedChiSquares {
    root: |k| (k * PI).powi(2),
    product: |y| (y.sqrt().sin() / y.sqrt()).abs(),
};

/// Anderson and Darling: λ = k(k + 1).
pub(super) const ANDERSON_DARLING: WeightedChiSquares = WeightedChiSquares {
    root: |k| k * (k + 1.0),
    product: |y| ((PI / 2.0 * (1.0 + 4.0 * y).sqrt()).cos() / (PI * y)).abs(),
};

impl WeightedChiSquares {
    /// P(Σ Z²/λ ≥ x), to about 1e-10 of its value from x = 0.01 upward, by Smirnov's formula
    /// ("Sur la distribution de ω²", Comptes Rendus 1936; Anderson & Darling, Annals of Mathematical
    /// Statistics 1952, section 4):
    /// 1/π · Σ (−1)^(k+1) ∫ e^(−xy/2) / (y·√|Π(1 − y/λ)|) dy from λ of rank 2k − 1 to that of 2k.
    pub(super) fn sf(&self, x: f64) -> PValue {
        if x < 0.003 {
            return PValue::saturating(1.0); // P(Σ < 0.003) is below 1e-12 for both laws
        }
        let (mut sum, mut sign) = (0.0, 1.0);
        for k in 1..1_000 {
            let term = self.integral(f64::from(2 * k - 1), x);
            sum += sign * term;
            sign = -sign;
            if term <= 1e-17 * sum.abs() {
                break;
            }
        }
        PValue::saturating(sum / PI)
    }

    /// With y = low + width·(1 − cos φ)/2 the singularities at both ends cancel against dy/dφ.
    fn integral(&self, rank: f64, x: f64) -> f64 {
        let (low, high) = ((self.root)(rank), (self.root)(rank + 1.0));
        let half = (high - low) / 2.0;
        let node = |index: u32| {
            let phi = PI * (f64::from(index) + 0.5) / f64::from(NODES);
            let y = low + half * (1.0 - phi.cos());
            half * phi.sin() * (-x * y / 2.0).exp() / (y * (self.product)(y).sqrt())
        };
        (0..NODES).map(node).sum::<f64>() * PI / f64::from(NODES)
    }
}

/// ln of the share of the tail that an approximation of it may be off by.
const ACCURACY: f64 = 18.0;
/// ln of the least float that is more than 0.
const LEAST: f64 = -745.0;
/// Halvings of a range of exponents.
const HALVINGS: usize = 50;

/// P(Q ≥ x) for the sum Q of r independent variables of Anderson and Darling's law, to about 1e-6 of its value.
///
/// The moment generating function of one is M(s)^½ with M(s) = Π (1 − 2s/(k(k + 1)))^(−1) = −2πs/cos(½π√(1 + 8s)), so the tail is
/// ∫ M(s)^(r/2)·e^(−sx)/s ds/(2πi) along a line Re s = c with 0 < c < 1, where nothing cancels if c is the saddle point. Summed at steps of
/// 2π/L, it is off by e^(−cL), of what lies L below x, and by the tail at x + L times e^(cL), of which Chernoff's bound by any t < 1 is
/// M(t)^(r/2)·e^(−tx − (t − c)L) (Abate & Whitt, "The Fourier-series method for inverting transforms of probability distributions",
/// Queueing Systems 10, 1992).
pub(super) fn sum_of_anderson_darling_sf(x: f64, r: usize) -> PValue {
    if x <= 0.0 {
        return PValue::saturating(1.0);
    }
    let half = r as f64 / 2.0;
    // Of a real exponent.
    let height = |s: f64| half * ln_generating(s) - s * x - s.ln();
    let line = lowest(&height);
    if height(line) < LEAST {
        return PValue::saturating(0.0);
    }
    let farther = (1.0 + line) / 2.0;
    let chernoff = height(farther) + farther.ln() - height(line);
    let period = ((ACCURACY + chernoff.max(0.0)) / (farther - line))
        .max((ACCURACY - height(line).min(0.0)) / line);
    let step = 2.0 * PI / period;
    let (mut sum, mut phase, mut index) = (0.0, 0.0, 0.0);
    loop {
        let s = Complex64::new(line, index * step);
        let cosine = ((s * 8.0 + 1.0).sqrt() * (PI / 2.0)).cos();
        let ln = (-2.0 * PI * s / cosine).ln();
        // Of all logarithms the one that continues the last.
        phase += (ln.im - phase + PI).rem_euclid(2.0 * PI) - PI;
        let ln = Complex64::new(ln.re, phase);
        // Relative to the first one; later ones are smaller.
        let term = (ln * half - s * x - height(line)).exp() / s;
        sum += if index == 0.0 { term.re / 2.0 } else { term.re };
        if term.norm() < f64::EPSILON {
            break;
        }
        index += 1.0;
    }
    PValue::saturating(sum * step / PI * height(line).exp())
}

/// ln M(s) for 0 < s < 1.
fn ln_generating(s: f64) -> f64 {
    (-2.0 * PI * s / (PI / 2.0 * (1.0 + 8.0 * s).sqrt()).cos()).ln()
}

/// Where a convex function on (0, 1) that is infinite at both ends is lowest.
fn lowest(height: &dyn Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let third = (high - low) / 3.0;
        let (left, right) = (low + third, high - third);
        if height(left) < height(right) {
            high = right;
        } else {
            low = left;
        }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(got: PValue, want: f64, relative: f64) {
        let got = got.get();
        assert!(
            (got - want).abs() <= relative * want,
            "{got:e} is not {want:e}"
        );
    }

    /// SciPy 1.17.1, `2 * stats.t.sf(x, df)`.
    #[test]
    fn students_law_is_that_of_scipy() {
        for (t, freedom, want) in [
            (0.5, 1.0, 0.7048327646991335),
            (2.0, 3.5, 0.12613852257591343),
            (10.0, 10.0, 1.5895531755964125e-06),
            (2.0, 1999.0, 0.04563534086615817),
            (1.0, 2000.0, 0.3174314781007433),
            (4.0, 2000.0, 6.564676494309251e-05),
            (7.5, 2000.0, 9.539600329785931e-14),
            (0.01, 19998.0, 0.9920213871206448),
            (5.5, 200000.0, 3.802542484626537e-08),
        ] {
            assert_close(student_two_sided(t, freedom), want, 1e-8);
        }
    }

    /// SciPy 1.17.1, `1 - stats._hypotests._cdf_cvm_inf(x)`, which sums Bessel functions.
    #[test]
    fn the_law_of_cramer_and_von_mises_is_that_of_scipy() {
        for (x, want) in [
            (0.03, 0.976168450558292),
            (0.1, 0.5848734384067971),
            (0.2, 0.2674704305407771),
            (0.46136, 0.05000038313265287),
            (0.74346, 0.009999961915457156),
            (1.2, 0.0008426019154603726),
        ] {
            assert_close(CRAMER_VON_MISES.sf(x), want, 1e-10);
        }
    }

    /// Marsaglia & Marsaglia, "Evaluating the Anderson–Darling distribution", Journal of Statistical
    /// Software 9(2), 2004: 1 − their `ADinf`, whose error is below 2e-6; 2.492 is the classical 5 % point.
    #[test]
    fn the_law_of_anderson_and_darling_has_its_published_quantiles() {
        for (x, want) in [(1.933, 0.1), (2.492, 0.05), (3.0775, 0.025), (3.8781, 0.01)] {
            assert_close(ANDERSON_DARLING.sf(x), want, 2e-3);
        }
        assert_eq!(ANDERSON_DARLING.sf(0.001).get(), 1.0);
    }

    /// One term is Smirnov's; the sum of two, of mean 2/(k(k + 1)) exponentials, is by residues Σ (−1)^(k+1)·(2k + 1)·e^(−k(k+1)x/2).
    #[test]
    fn sums_of_the_law_are_those_of_other_formulas() {
        for x in [0.3, 1.0, 2.492, 6.0, 20.0, 45.0] {
            assert_close(
                sum_of_anderson_darling_sf(x, 1),
                ANDERSON_DARLING.sf(x).get(),
                1e-6,
            );
            let term = |k: i32| {
                let k = f64::from(k);
                let sign = if k % 2.0 == 1.0 { 1.0 } else { -1.0 };
                sign * (2.0 * k + 1.0) * (-k * (k + 1.0) * x / 2.0).exp()
            };
            assert_close(
                sum_of_anderson_darling_sf(x, 2),
                (1..60).map(term).sum(),
                1e-6,
            );
        }
        assert_eq!(sum_of_anderson_darling_sf(0.0, 3).get(), 1.0);
    }

    /// Inverted from the characteristic function, not the moment generating one, by Gil-Pelaez's formula: NumPy, the midpoint rule on 2,000,000 nodes.
    #[test]
    fn sums_of_the_law_are_those_of_another_inversion() {
        for (r, x, want) in [
            (3, 1.6812093410329614, 8.803691751e-01),
            (3, 3.6593953294835195, 2.475376578e-01),
            (3, 5.637581317934077, 4.540887630e-02),
            (3, 8.275162635868154, 4.061812488e-03),
            (7, 4.985513993160951, 8.554937702e-01),
            (7, 8.007243003419525, 2.684295263e-01),
            (7, 11.028972013678098, 4.071042083e-02),
            (7, 15.057944027356196, 1.990024926e-03),
            (29, 24.899713210713884, 8.441886015e-01),
            (29, 31.050143394643058, 2.889457476e-01),
            (29, 37.20057357857223, 3.317320316e-02),
            (29, 45.401147157144464, 5.497901303e-04),
            (149, 139.7058779951228, 8.418477016e-01),
            (149, 153.64706100243862, 2.999531494e-01),
            (149, 167.58824400975442, 2.771833468e-02),
            (149, 186.17648801950887, 1.576290515e-04),
        ] {
            assert_close(sum_of_anderson_darling_sf(x, r), want, 1e-6);
        }
        // Far out the tail is that of its largest term, and falls as e^(−x) does.
        let far = [400.0, 500.0].map(|x| sum_of_anderson_darling_sf(x, 149).get());
        assert!(far[0] < 1e-60 && far[1] < far[0] * 1e-30, "{far:?}");
        assert_eq!(sum_of_anderson_darling_sf(1e9, 2).get(), 0.0);
    }

    /// Table 1 in Scholz & Stephens (1987), of k − 1 = 3 and 4: points at 25, 10, 5, 2.5 and 1 %, standardized. They are
    /// fitted, and off by some percent of the level.
    #[test]
    fn sums_of_the_law_have_their_published_quantiles() {
        let variance = 2.0 * (PI * PI - 9.0) / 3.0;
        for (r, points) in [
            (3, [0.498, 1.324, 1.915, 2.493, 3.246]),
            (4, [0.525, 1.329, 1.894, 2.438, 3.139]),
        ] {
            for (point, level) in points.into_iter().zip([0.25, 0.1, 0.05, 0.025, 0.01]) {
                let x = f64::from(r) + point * (f64::from(r) * variance).sqrt();
                assert_close(sum_of_anderson_darling_sf(x, r as usize), level, 0.03);
            }
        }
    }
}
