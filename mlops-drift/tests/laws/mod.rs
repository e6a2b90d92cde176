//! Laws of errors.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

pub(crate) type Law = fn(&mut ChaCha8Rng) -> f64;

pub(crate) fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    rng.random_range(0.0..1.0)
}

pub(crate) fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - uniform(rng)).ln()).sqrt();
    radius * (std::f64::consts::TAU * uniform(rng)).cos()
}

pub(crate) fn lognormal(rng: &mut ChaCha8Rng) -> f64 {
    (1.5 * normal(rng)).exp()
}

/// Student's with three degrees of freedom.
pub(crate) fn heavy(rng: &mut ChaCha8Rng) -> f64 {
    let chi_square: f64 = (0..3).map(|_| normal(rng).powi(2)).sum();
    normal(rng) / (chi_square / 3.0).sqrt()
}

/// One row in fifty is wrong.
pub(crate) fn rare(rng: &mut ChaCha8Rng) -> f64 {
    f64::from(u8::from(uniform(rng) < 0.02))
}
