use mlops_core::evidence::Interval;
use mlops_core::{Error, Result};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Estimate;
use super::clusters::Clusters;
use crate::sample::quantile_by;

/// Resamples of an interval.
const RESAMPLES: usize = 999;
/// The generator's seed: the same rows give the same interval.
const SEED: u64 = 0x0006_D6C6_F707_3000;

/// Rows with their units and weights: what every metric that is a function of weights gets its interval from.
///
/// Units are drawn with replacement, so a row weighs as often as its unit was drawn; the interval lies between the percentiles of
/// the metric over 999 such draws (Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7, 1979).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Weighted {
    weights: Vec<f64>,
    declared: bool,
    clusters: Clusters,
    pub(super) confidence: f64,
}

impl Weighted {
    pub(super) fn rows(rows: usize) -> Self {
        Self {
            weights: vec![1.0; rows],
            declared: false,
            clusters: Clusters::rows(rows),
            confidence: 0.95,
        }
    }

    pub(super) fn weights(&mut self, weights: &[f64]) -> Result<()> {
        super::scored::same_length("weights", self.weights.len(), weights.len())?;
        let invalid = |weight: &&f64| !(**weight >= 0.0 && weight.is_finite());
        if let Some(weight) = weights.iter().find(invalid) {
            return Err(Error::invalid(format!(
                "weights must lie in [0, inf), got {weight}"
            )));
        }
        if weights.iter().sum::<f64>() <= 0.0 {
            return Err(Error::invalid("weights must sum to more than 0, got 0"));
        }
        self.weights = weights.to_vec();
        self.declared = true;
        Ok(())
    }

    pub(super) fn units(&mut self, units: &[u64]) -> Result<()> {
        super::scored::same_length("units", self.weights.len(), units.len())?;
        self.clusters = Clusters::new(units);
        Ok(())
    }

    pub(super) fn are_declared(&self) -> bool {
        self.declared
    }

    pub(super) fn get(&self) -> &[f64] {
        &self.weights
    }

    /// The metric of the rows as they are, with its interval. Draws for which it is undefined are left out, up to half of them.
    pub(super) fn estimate(&self, metric: impl Fn(&[f64]) -> Option<f64>) -> Result<Estimate> {
        let undefined = |what: &str| Error::invalid(format!("the metric is undefined {what}"));
        let value = metric(&self.weights).ok_or_else(|| undefined("for these rows"))?;
        if self.clusters.count() < 2 {
            return Err(Error::invalid(format!(
                "an interval needs at least 2 independent units, got {}",
                self.clusters.count()
            )));
        }
        let mut drawn: Vec<f64> = self.resamples().filter_map(|w| metric(&w)).collect();
        if drawn.len() < RESAMPLES / 2 {
            return Err(undefined("for most resamples of the rows"));
        }
        drawn.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - self.confidence) / 2.0;
        let [low, high] =
            [tail, 1.0 - tail].map(|share| quantile_by(drawn.len(), share, |rank| drawn[rank]));
        Ok(Estimate {
            value,
            interval: Interval::new(low.min(value), high.max(value), self.confidence)?,
            n: self.weights.len(),
            units: self.clusters.count(),
        })
    }

    fn resamples(&self) -> impl Iterator<Item = Vec<f64>> {
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        (0..RESAMPLES).map(move |_| {
            let mut times = vec![0_u32; self.clusters.count()];
            for _ in 0..times.len() {
                let unit = rng.random_range(0..times.len());
                times[unit] += 1;
            }
            let rows = self.weights.iter().enumerate();
            rows.map(|(row, weight)| weight * f64::from(times[self.clusters.of_row(row)]))
                .collect()
        })
    }
}

/// The setters that every set of rows with weights has.
macro_rules! weighted_rows {
    ($rows:ident, $example:literal) => {
        impl $rows {
            /// With a weight in \[0, ∞) per row.
            ///
            /// # Errors
            /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for another number of rows, a weight out of range, or a
            /// sum of 0.
            ///
            /// ```
            #[doc = $example]
            /// assert!(rows.clone().weights(&[1.0, -1.0, 1.0, 1.0]).is_err());
            /// assert!(rows.weights(&[1.0, 2.0, 1.0, 1.0]).is_ok());
            /// # Ok::<(), mlops_core::Error>(())
            /// ```
            pub fn weights(mut self, weights: &[f64]) -> Result<Self> {
                self.rows.weights(weights)?;
                Ok(self)
            }

            /// Declares which rows share a unit (a user, an origin-hour): intervals draw units, not rows.
            ///
            /// # Errors
            /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for another number of rows.
            ///
            /// ```
            #[doc = $example]
            /// assert!(rows.clone().units(&[1, 1]).is_err());
            /// assert!(rows.units(&[1, 1, 2, 2]).is_ok());
            /// # Ok::<(), mlops_core::Error>(())
            /// ```
            pub fn units(mut self, units: &[u64]) -> Result<Self> {
                self.rows.units(units)?;
                Ok(self)
            }

            /// Intervals that miss with this probability instead of 5 %.
            ///
            /// ```
            #[doc = $example]
            /// let rows = rows.level(mlops_core::evidence::SignificanceLevel::ONE_PERCENT);
            /// # let _ = rows;
            /// # Ok::<(), mlops_core::Error>(())
            /// ```
            #[must_use]
            pub fn level(mut self, level: mlops_core::evidence::SignificanceLevel) -> Self {
                self.rows.confidence = 1.0 - level.get();
                self
            }
        }
    };
}
pub(super) use weighted_rows;
