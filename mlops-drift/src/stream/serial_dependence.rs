use mlops_core::evidence::PValue;
use mlops_core::{Error, Result};
use statrs::function::erf::erfc;

use crate::permutation::{Significance, beside};
use crate::sample::order_key;
use crate::two_sample::hypergeometric::Hypergeometric;
use crate::two_sample::{Permutations, TestResult};

/// Do neighbours in a series resemble each other? Then its values are not exchangeable, and no promise of this crate holds
/// for them one by one.
///
/// **Statistic**: the autocorrelation at lag 1, in \[−1, 1]. **Hypothesis**: the values are exchangeable.
/// **Guarantee**: two-sided p-value by the normal law of the rank autocorrelation under exchangeability, mean −1/(n − 1) and
/// variance about 1/n, for at least 20 values: ranks stand in for values, equal values sharing the middle of theirs. Where nearly all values are
/// equal, so that neighbours among the k others are rare (k² < 25 n), by the exact law of the number of runs of those others, if they are all equal, too;
/// if not by [`Permutations`] of the series, exactly, beside that law, which reaches further: a hundredth of the error rate is the runs'. A constant series says nothing: p = 1. **Weakness**: dependence at longer lags only. **Cost**: O(n log n).
/// **Source**: Wald & Wolfowitz, "On a test whether two samples are from the same population", Annals of Mathematical Statistics 11, 1940, for the runs;
/// and "An exact test for randomness in the non-parametric case based on serial correlation", Annals of
/// Mathematical Statistics 14, 1943.
///
/// # Errors
/// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than 20 values, or NaN.
///
/// ```
/// use mlops_drift::stream::serial_dependence;
/// let walk: Vec<f64> = (0..200).map(|i| (f64::from(i) / 10.0).sin()).collect();
/// let result = serial_dependence(&walk)?;
/// assert!(result.statistic > 0.9 && result.p_value.get() < 1e-6);
/// # Ok::<(), mlops_core::Error>(())
/// ```
pub fn serial_dependence(series: &[f64]) -> Result<TestResult> {
    if series.len() < 20 {
        return Err(Error::invalid(format!(
            "a series must hold at least 20 values, got {}",
            series.len()
        )));
    }
    if series.iter().any(|value| value.is_nan()) {
        return Err(Error::invalid("a series must not hold NaN"));
    }
    let Ranks { ranks, most } = Ranks::of(series);
    let centre = (ranks.len() - 1) as f64 / 2.0;
    let products = |shift: usize| -> f64 {
        let pairs = ranks.iter().zip(ranks.iter().cycle().skip(shift));
        pairs.map(|(a, b)| (a - centre) * (b - centre)).sum()
    };
    let size = ranks.len() as f64;
    if products(0) == 0.0 {
        let p = PValue::saturating(1.0);
        return Ok(TestResult::new(0.0, p, "serial_correlation_asymptotic"));
    }
    let correlation = products(1) / products(0); // circular, as Wald and Wolfowitz take it
    let others = Others::of(&ranks, most);
    if others.are_rare() && others.are_alike() {
        return Ok(TestResult::new(
            correlation,
            others.by_runs(),
            "serial_correlation_exact",
        ));
    }
    if others.are_rare() {
        return Ok(TestResult::new(
            correlation,
            others.permuted(),
            "serial_correlation_permutation",
        ));
    }
    let standardized = (correlation + 1.0 / (size - 1.0)) * size.sqrt();
    let p = PValue::saturating(erfc(standardized.abs() / std::f64::consts::SQRT_2));
    Ok(TestResult::new(
        correlation,
        p,
        "serial_correlation_asymptotic",
    ))
}

/// Neighbours that are expected among the values other than the most frequent one, below which their number is not normal.
const NEIGHBOURS: usize = 25;

/// The values other than the most frequent one: where they are, and how far from its rank.
struct Others {
    size: usize,
    places: Vec<u32>,
    steps: Vec<f64>,
}

impl Others {
    fn of(ranks: &[f64], most: f64) -> Self {
        let others = (0_u32..).zip(ranks).filter(|(_, rank)| **rank != most);
        let (places, steps) = others.map(|(place, rank)| (place, rank - most)).unzip();
        Self {
            size: ranks.len(),
            places,
            steps,
        }
    }

    fn are_rare(&self) -> bool {
        self.places.len().saturating_mul(self.places.len()) < NEIGHBOURS * self.size
    }

    /// Whether the series has two values: how many runs there are is all that there is to know of it then.
    fn are_alike(&self) -> bool {
        self.steps.windows(2).all(|pair| pair[0] == pair[1])
    }

    /// How far the sum of the products of neighbours lies from its mean over all orders: the rest of the autocorrelation is the same for all.
    fn permuted(&self) -> Significance {
        let (sum, squares) = self.steps.iter().fold((0.0, 0.0), |(sum, squares), step| {
            (sum + step, squares + step * step)
        });
        let mean = (sum * sum - squares) / (self.size - 1) as f64;
        let mut series = vec![0.0; self.size];
        let mut distance = |places: &[u32]| -> f64 {
            let placed = || places.iter().map(|place| *place as usize).zip(&self.steps);
            placed().for_each(|(place, step)| series[place] = *step);
            let products = placed().map(|(place, step)| step * series[(place + 1) % self.size]);
            let distance = (products.sum::<f64>() - mean).abs();
            placed().for_each(|(place, _)| series[place] = 0.0);
            distance
        };
        let observed = distance(&self.places) * (1.0 - ROUNDING);
        let bits = self.steps.iter().map(|step| step.to_bits());
        let all = (0..self.size as u32).collect();
        let permutations = Permutations::default();
        let number = self.places.len();
        beside(self.by_runs(), permutations.least(number as u64), || {
            permutations.p_value(bits, all, number, |drawn| distance(drawn) >= observed)
        })
    }

    /// How surprising so many runs of them are: of k among n there are r with probability C(k − 1, r − 1)·C(n − k + 1, r)/C(n, k).
    fn by_runs(&self) -> PValue {
        let runs = self.places.chunk_by(|a, b| a + 1 == *b).count() as u64;
        let (number, size) = (self.places.len() as u64, self.size as u64);
        Hypergeometric::new([size - number + 1, number - 1], number).two_sided(runs)
    }
}

/// Sums of the same products in another order.
const ROUNDING: f64 = 1e-9;

/// Equal values share the middle of their ranks.
struct Ranks {
    ranks: Vec<f64>,
    /// Of the most frequent value.
    most: f64,
}

impl Ranks {
    fn of(series: &[f64]) -> Self {
        let keys = series.iter().map(|&value| order_key(value));
        let mut order: Vec<(u64, usize)> = keys.zip(0..).collect();
        order.sort_unstable_by_key(|&(key, _)| key);
        let mut ranks = vec![0.0; series.len()];
        let (mut first, mut most) = (0, (0, 0.0));
        for ties in order.chunk_by(|(a, _), (b, _)| a == b) {
            let middle = first as f64 + (ties.len() - 1) as f64 / 2.0;
            ties.iter().for_each(|&(_, index)| ranks[index] = middle);
            first += ties.len();
            if ties.len() >= most.0 {
                most = (ties.len(), middle);
            }
        }
        Self {
            ranks,
            most: most.1,
        }
    }
}
