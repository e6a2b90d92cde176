//! How many of so many runs may do what has a stated probability.

/// The probability with which a promise that is kept exactly is called broken.
const MISS: f64 = 1e-4;

/// The least k with P(Binomial(runs, rate) > k) < MISS.
pub(crate) fn most(runs: u32, rate: f64) -> u32 {
    let mut probability = (1.0 - rate).powi(runs as i32);
    let (mut cumulative, mut k) = (probability, 0);
    while 1.0 - cumulative >= MISS {
        probability *= f64::from(runs - k) / f64::from(k + 1) * rate / (1.0 - rate);
        cumulative += probability;
        k += 1;
    }
    k
}
