//! Intervals of any metric that is a function of the rows' weights, by resampling of units.
//!
//! Units are drawn with replacement, so a row weighs as often as its unit was drawn; the interval lies between
//! the percentiles of the metric over 999 such draws, fewer beyond 200,000 rows (Efron, "Bootstrap methods:
//! another look at the jackknife", Annals of Statistics 7, 1979).

use mlops_core::{Error, Result};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Estimate;
use super::rows::Weighted;
use crate::sample::quantile_by;

/// Resamples of an interval.
const RESAMPLES: usize = 999;
/// Resamples that remain for very many rows.
const FEWEST: usize = 199;
/// Rows drawn in all, as far as `FEWEST` permits: some seconds.
const BUDGET: usize = 200_000_000;
/// The generator's seed: the same rows give the same interval.
const SEED: u64 = 0x0006_D6C6_F707_3000;

impl Weighted {
    /// A metric of the rows as they are, with its interval. Draws for which it is undefined are left out, up to
    /// half of them.
    pub(super) fn estimate(&self, metric: impl Fn(&[f64]) -> Option<f64>) -> Result<Estimate> {
        let [estimate] = self.estimates(|weights| [metric(weights)]);
        estimate
    }

    /// Several metrics, from the same draws.
    pub(super) fn estimates<const N: usize>(
        &self,
        metrics: impl Fn(&[f64]) -> [Option<f64>; N],
    ) -> [Result<Estimate>; N] {
        let values = metrics(self.get());
        let mut drawn = [const { Vec::new() }; N];
        if self.clusters.count() > 1 {
            for weights in self.resamples() {
                for (drawn, value) in drawn.iter_mut().zip(metrics(&weights)) {
                    drawn.extend(value.filter(|value| value.is_finite()));
                }
            }
        }
        let mut drawn = drawn.into_iter();
        values.map(|value| self.percentiles(value, drawn.next().unwrap_or_default()))
    }

    fn percentiles(&self, value: Option<f64>, mut drawn: Vec<f64>) -> Result<Estimate> {
        let undefined = |what: &str| Error::invalid(format!("the metric is undefined {what}"));
        let value = value.filter(|value| value.is_finite());
        let value = value.ok_or_else(|| undefined("for these rows"))?;
        self.needs_two_units()?;
        if drawn.len() < self.draws() / 2 {
            return Err(undefined("for most resamples of the rows"));
        }
        drawn.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - self.confidence) / 2.0;
        let [low, high] =
            [tail, 1.0 - tail].map(|share| quantile_by(drawn.len(), share, |rank| drawn[rank]));
        self.figure(value, low, high)
    }

    /// Every unit is drawn as often as it comes: the weights of the rows, draw by draw.
    pub(super) fn resamples(&self) -> impl Iterator<Item = Vec<f64>> {
        self.resamples_from(SEED)
    }

    /// The same from another seed, for rows that are independent of others.
    pub(super) fn resamples_from(&self, seed: u64) -> impl Iterator<Item = Vec<f64>> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..self.draws()).map(move |_| {
            let mut times = vec![0_u32; self.clusters.count()];
            for _ in 0..times.len() {
                let unit = rng.random_range(0..times.len() as u64) as usize;
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
