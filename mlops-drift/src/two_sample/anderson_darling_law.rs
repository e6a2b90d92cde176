//! The law of Anderson and Darling's A² of k samples of one law.

use std::f64::consts::PI;

use mlops_core::evidence::PValue;
use mlops_core::{Error, Result};

use super::laws::{ANDERSON_DARLING, sum_of_anderson_darling_sf};

/// Table 2 in Scholz & Stephens (1987), as SciPy completes it: levels, and the three factors of each point.
const LEVELS: [f64; 7] = [0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001];
const FACTORS: [[f64; 3]; 7] = [
    [0.675, -0.245, -0.105],
    [1.281, 0.25, -0.305],
    [1.645, 0.678, -0.362],
    [1.96, 1.149, -0.391],
    [2.326, 1.822, -0.396],
    [2.573, 2.364, -0.345],
    [3.085, 3.615, -0.154],
];

/// For samples of these sizes.
pub(super) struct Law {
    samples: usize,
    standard_deviation: f64,
}

impl Law {
    pub(super) fn of(sizes: &[u64]) -> Result<Self> {
        let (all, samples) = (sizes.iter().sum::<u64>(), sizes.len());
        // The variance has a factor of 1/(all - 3).
        if all < samples as u64 + 2 {
            return Err(Error::invalid(format!(
                "{samples} samples together must hold at least {} values, got {all}",
                samples + 2
            )));
        }
        Ok(Self {
            samples,
            standard_deviation: standard_deviation(sizes),
        })
    }

    fn mean(&self) -> f64 {
        (self.samples - 1) as f64
    }

    pub(super) fn standardized(&self, a_squared: f64) -> f64 {
        (a_squared - self.mean()) / self.standard_deviation
    }

    /// The limit law is that of k − 1 independent terms, each with mean 1 and variance 2(π² − 9)/3.
    pub(super) fn limit_sf(&self, statistic: f64) -> PValue {
        let deviation = (self.mean() * 2.0 * (PI * PI - 9.0) / 3.0).sqrt();
        let a_squared = self.mean() + statistic * deviation;
        match self.samples {
            2 => ANDERSON_DARLING.sf(a_squared),
            samples => sum_of_anderson_darling_sf(a_squared, samples - 1),
        }
    }

    /// From the parabola through ln p at the points of the table, by least squares.
    pub(super) fn table_sf(&self, statistic: f64) -> PValue {
        let root = self.mean().sqrt();
        let points = FACTORS.map(|[b0, b1, b2]| b0 + b1 / root + b2 / self.mean());
        PValue::saturating(if statistic < points[0] {
            LEVELS[0]
        } else if statistic > points[6] {
            LEVELS[6]
        } else {
            parabola(points, LEVELS.map(f64::ln), statistic).exp()
        })
    }
}

/// Equation 4, without ties.
fn standard_deviation(sizes: &[u64]) -> f64 {
    let all = sizes.iter().sum::<u64>() as f64;
    let k = sizes.len() as f64;
    let sizes: f64 = sizes.iter().map(|&size| 1.0 / size as f64).sum();
    let (mut h, mut g) = (0.0, 0.0);
    let mut index = 1.0;
    while index < all - 1.0 {
        h += 1.0 / (all - index);
        index += 1.0;
        g += h / index;
    }
    h += 1.0;
    let a = (4.0 * g - 6.0) * (k - 1.0) + (10.0 - 6.0 * g) * sizes;
    let b = (2.0 * g - 4.0) * k * k + 8.0 * h * k + (2.0 * g - 14.0 * h - 4.0) * sizes - 8.0 * h
        + 4.0 * g
        - 6.0;
    let c = (6.0 * h + 2.0 * g - 2.0) * k * k
        + (4.0 * h - 4.0 * g + 6.0) * k
        + (2.0 * h - 6.0) * sizes
        + 4.0 * h;
    let d = (2.0 * h + 6.0) * k * k - 4.0 * h * k;
    let variance = a * all.powi(3) + b * all * all + c * all + d;
    (variance / ((all - 1.0) * (all - 2.0) * (all - 3.0))).sqrt()
}

/// At `x`, the parabola that fits the points best, in polynomials that are orthogonal on them.
fn parabola(xs: [f64; 7], ys: [f64; 7], x: f64) -> f64 {
    let mean = |values: [f64; 7]| values.iter().sum::<f64>() / 7.0;
    let centre = mean(xs);
    let line = |x: f64| x - centre;
    let squares = mean(xs.map(|x| line(x).powi(2)));
    let slope = mean(xs.map(|x| line(x).powi(3))) / squares;
    let curve = |x: f64| line(x) * (line(x) - slope) - squares;
    let along = |basis: &dyn Fn(f64) -> f64| {
        let products: f64 = xs.iter().zip(ys).map(|(x, y)| basis(*x) * y).sum();
        products / xs.iter().map(|x| basis(*x).powi(2)).sum::<f64>()
    };
    mean(ys) + along(&line) * line(x) + along(&curve) * curve(x)
}
