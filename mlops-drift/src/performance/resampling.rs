//! Intervals of any metric that is a function of the rows' weights, by resampling of units.
//!
//! Units are drawn with replacement, so a row weighs as often as its unit was drawn; the interval lies
//! between the percentiles of the metric over 999 such draws, fewer beyond 200,000 rows (Efron, "Bootstrap
//! methods: another look at the jackknife", Annals of Statistics 7, 1979).

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
/// That of rows drawn beside them.
const OTHER_SEED: u64 = 0x0006_D6C6_F707_3001;

impl Weighted {
    /// A metric of the rows as they are, with its interval. Draws for which it is undefined are left out, up
    /// to half of them.
    pub(super) fn estimate(&self, metric: impl Fn(&[f64]) -> Option<f64>) -> Result<Estimate> {
        let drawn = self.resamples().map(|weights| metric(&weights));
        self.between(metric(self.get()), drawn.collect())
    }

    /// Several metrics of these rows and of others that are independent of them, from the same draws. All are
    /// undefined where one is.
    pub(super) fn estimates_with(
        &self,
        others: &Self,
        metrics: impl Fn(&[f64], &[f64]) -> Option<Vec<f64>>,
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
            self.between(Some(value), drawn.collect())
        };
        values.into_iter().enumerate().map(of_one).collect()
    }

    /// A value with the percentiles of its draws.
    fn between(&self, value: Option<f64>, drawn: Vec<Option<f64>>) -> Result<Estimate> {
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
        let tail = (1.0 - self.confidence) / 2.0;
        let [low, high] =
            [tail, 1.0 - tail].map(|share| quantile_by(drawn.len(), share, |rank| drawn[rank]));
        self.figure(value, low, high)
    }

    /// Every unit is drawn as often as it comes: the weights of the rows, draw by draw.
    fn resamples(&self) -> impl Iterator<Item = Vec<f64>> {
        self.resamples_from(SEED)
    }

    fn resamples_from(&self, seed: u64) -> impl Iterator<Item = Vec<f64>> {
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

fn undefined(what: &str) -> Error {
    Error::invalid(format!("the metric is undefined {what}"))
}
