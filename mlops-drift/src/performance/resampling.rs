//! Intervals of any metric that is a function of the rows' weights, by resampling of units.
//!
//! Units are drawn with replacement, so a row weighs as often as its unit was drawn; the interval lies
//! between percentiles of the metric over 999 such draws, fewer beyond 200,000 rows and 199 from a million on
//! (Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7, 1979).
//!
//! The percentiles are those of a normal law at √(n/(n − 1))·t for n units, with Student's quantile t, so that
//! few units widen them as they do the interval of a mean (Hesterberg, "What teachers should know about the
//! bootstrap", American Statistician 69, 2015, section 5.3). Where fewer than ten draws lie beyond such a
//! percentile (a tail of 1 % of 999 draws, 5 % of 199), its distance from the value is that of the outermost
//! one with ten draws beyond it, extrapolated by the normal law.

use mlops_core::evidence::SignificanceLevel;
use mlops_core::{Error, Result};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use statrs::distribution::{ContinuousCDF, Normal};

use super::Estimate;
use super::rows::Weighted;
use crate::sample::quantile_by;

/// Resamples of an interval.
const RESAMPLES: usize = 999;
/// Resamples that remain for very many rows.
const FEWEST: usize = 199;
/// Rows drawn in all, as far as `FEWEST` permits: some seconds.
const BUDGET: usize = 200_000_000;
/// Draws beyond a percentile that is read off.
const BEYOND: f64 = 10.0;
/// The generator's seed: the same rows give the same interval.
const SEED: u64 = 0x0006_D6C6_F707_3000;
/// That of rows drawn beside them.
const OTHER_SEED: u64 = 0x0006_D6C6_F707_3001;

impl Weighted {
    /// A metric of the rows as they are, with its interval. Draws for which it is undefined are left out, up
    /// to half of them.
    pub(super) fn estimate(&self, metric: impl Fn(&[f64]) -> Option<f64>) -> Result<Estimate> {
        self.estimate_beside(metric, [0.0; 2])
    }

    /// The same, and beside what the draws show how far below and above the value it may lie for what no
    /// row has shown: independent parts of the error, whose squares add up (Zou & Donner, "Construction of
    /// confidence limits about effect measures", Statistics in Medicine 27, 2008).
    pub(super) fn estimate_beside(
        &self,
        metric: impl Fn(&[f64]) -> Option<f64>,
        unseen: [f64; 2],
    ) -> Result<Estimate> {
        let value = metric(self.get());
        let drawn = self.resamples().map(|weights| metric(&weights)).collect();
        self.between(value, drawn, unseen)
    }

    /// The same of a metric that few rows overstate, such as the area under a curve of precision, whose draws overstate it once more: both ends
    /// are moved back by twice the mean that the draws lie above the value (Efron & Tibshirani, "An introduction to the bootstrap", 1993,
    /// chapter 10), as far as the value stays between them.
    pub(super) fn estimate_less_bias(
        &self,
        metric: impl Fn(&[f64]) -> Option<f64>,
    ) -> Result<Estimate> {
        let value = metric(self.get());
        let drawn: Vec<Option<f64>> = self.resamples().map(|weights| metric(&weights)).collect();
        let known: Vec<f64> = drawn.iter().flatten().copied().collect();
        let estimate = self.between(value, drawn, [0.0; 2])?;
        let (low, high) = (estimate.interval.low(), estimate.interval.high());
        let bias = known.iter().sum::<f64>() / known.len() as f64 - estimate.value;
        let [low, high] = [low, high].map(|end| end - 2.0 * bias);
        self.figure(
            estimate.value,
            low.min(estimate.value),
            high.max(estimate.value),
        )
    }

    /// An estimate whose ends do not lie beyond what the metric is when every answer is right.
    pub(super) fn no_better_than(&self, estimate: Estimate, best: Option<f64>) -> Result<Estimate> {
        let (low, high) = (estimate.interval.low(), estimate.interval.high());
        match best {
            Some(best) if estimate.value < best => self.figure(estimate.value, low, high.min(best)),
            Some(best) if estimate.value > best => self.figure(estimate.value, low.max(best), high),
            _ => Ok(estimate),
        }
    }

    /// The share of draws below which a distance from the value as they have it lies with the confidence:
    /// for a distance, which is never below 0.
    pub(super) fn distance(&self, distance: impl Fn(&[f64]) -> f64) -> Result<f64> {
        self.needs_two_units()?;
        let mut drawn: Vec<f64> = self.resamples().map(|weights| distance(&weights)).collect();
        drawn.sort_unstable_by(f64::total_cmp);
        let few = self.reach()? / normal().inverse_cdf(0.5 + self.confidence / 2.0);
        let share = self.confidence.min(1.0 - BEYOND / drawn.len() as f64);
        let stretch = normal().inverse_cdf(self.confidence) / normal().inverse_cdf(share);
        Ok(few * stretch * quantile_by(drawn.len(), share, |rank| drawn[rank]))
    }

    /// Several metrics of these rows and of others that are independent of them, from the same draws, each beside what
    /// is unseen of it. All are undefined where one is.
    pub(super) fn estimates_with(
        &self,
        others: &Self,
        metrics: impl Fn(&[f64], &[f64]) -> Option<Vec<f64>>,
        unseen: &[[f64; 2]],
    ) -> Result<Vec<Estimate>> {
        others.needs_two_units()?;
        let values =
            metrics(self.get(), others.get()).ok_or_else(|| undefined("for these rows"))?;
        let pairs = self.resamples().zip(others.resamples_from(OTHER_SEED));
        let drawn: Vec<Option<Vec<f64>>> =
            pairs.map(|(own, other)| metrics(&own, &other)).collect();
        let of_one = |(index, value): (usize, f64)| {
            let drawn = drawn
                .iter()
                .map(|values| values.as_ref().map(|values| values[index]));
            self.between(Some(value), drawn.collect(), unseen[index])
        };
        values.into_iter().enumerate().map(of_one).collect()
    }

    /// A value with the percentiles of its draws.
    fn between(
        &self,
        value: Option<f64>,
        drawn: Vec<Option<f64>>,
        unseen: [f64; 2],
    ) -> Result<Estimate> {
        let finite = |value: &f64| value.is_finite();
        let value = value
            .filter(finite)
            .ok_or_else(|| undefined("for these rows"))?;
        self.needs_two_units()?;
        let draws = drawn.len();
        let mut drawn: Vec<f64> = drawn.into_iter().flatten().filter(finite).collect();
        if drawn.len() < draws / 2 {
            return Err(undefined("for most resamples of the rows"));
        }
        drawn.sort_unstable_by(f64::total_cmp);
        let reach = self.reach()?;
        let tail = normal().cdf(-reach).max(BEYOND / drawn.len() as f64);
        let stretch = -reach / normal().inverse_cdf(tail);
        let at = |share: f64| quantile_by(drawn.len(), share, |rank| drawn[rank]);
        let [below, above] =
            [value - at(tail), at(1.0 - tail) - value].map(|distance| stretch * distance.max(0.0));
        self.figure(
            value,
            value - below.hypot(unseen[0]),
            value + above.hypot(unseen[1]),
        )
    }

    /// How many standard deviations of the draws an end lies from the middle: their variance is that of
    /// a mean with the divisor n, not n − 1.
    fn reach(&self) -> Result<f64> {
        let units = self.units_held() as f64;
        Ok((units / (units - 1.0)).sqrt() * self.student_quantile()?)
    }

    /// Every unit is drawn as often as it comes: the weights of the rows, draw by draw.
    fn resamples(&self) -> impl Iterator<Item = Vec<f64>> {
        self.resamples_from(SEED)
    }

    fn resamples_from(&self, seed: u64) -> impl Iterator<Item = Vec<f64>> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let units = self.clusters.numbers(self.weighing());
        (0..self.draws()).map(move |_| {
            let mut times = vec![0_u32; self.clusters.count()];
            for _ in 0..units.len() {
                let unit = units[rng.random_range(0..units.len() as u64) as usize];
                times[unit] += 1;
            }
            let rows = self.get().iter().enumerate();
            rows.map(|(row, weight)| weight * f64::from(times[self.clusters.of_row(row)]))
                .collect()
        })
    }

    fn draws(&self) -> usize {
        (BUDGET / self.len().max(1)).clamp(FEWEST, RESAMPLES)
    }
}

/// A value with the percentiles of draws of it, of so many independent rows.
pub(super) fn percentiles(
    value: Option<f64>,
    drawn: Vec<Option<f64>>,
    level: SignificanceLevel,
    rows: usize,
) -> Result<Estimate> {
    let mut weighted = Weighted::rows(rows);
    weighted.confidence = 1.0 - level.get();
    weighted.between(value, drawn, [0.0; 2])
}

fn normal() -> Normal {
    Normal::standard()
}

fn undefined(what: &str) -> Error {
    Error::invalid(format!("the metric is undefined {what}"))
}
