use mlops_core::evidence::Interval;
use mlops_core::{Error, Result};

use super::Estimate;
use super::clusters::Clusters;
use super::estimate::{student_quantile, unseen};
use crate::report::exact;

/// Weights, units and level of rows: where every interval comes from. A mean has Student's t interval of its
/// units; any other metric is a function of the weights, see `resampling`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Weighted {
    weights: Vec<f64>,
    declared: bool,
    pub(super) clusters: Clusters,
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
        same_length("weights", self.weights.len(), weights.len())?;
        check_weights(weights)?;
        let sum: f64 = weights.iter().sum();
        if !(sum > 0.0 && sum.is_finite()) {
            return Err(Error::invalid(format!(
                "weights must sum to more than 0 and less than inf, got {sum}"
            )));
        }
        self.weights = weights.to_vec();
        self.declared = true;
        Ok(())
    }

    pub(super) fn units(&mut self, units: &[u64]) -> Result<()> {
        same_length("units", self.weights.len(), units.len())?;
        self.clusters = Clusters::new(units);
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.weights.len()
    }

    pub(super) fn are_declared(&self) -> bool {
        self.declared
    }

    pub(super) fn get(&self) -> &[f64] {
        &self.weights
    }

    /// Whether rows weigh the same and share the same units.
    pub(super) fn same_rows(&self, other: &Self) -> bool {
        self.weights == other.weights && self.clusters == other.clusters
    }

    /// Some of the rows, none of them twice, in the order given.
    pub(super) fn part(&self, rows: &[usize]) -> Self {
        Self {
            weights: rows.iter().map(|row| self.weights[*row]).collect(),
            declared: self.declared,
            clusters: self.clusters.part(rows),
            confidence: self.confidence,
        }
    }

    /// The rows of both; no unit of one is a unit of the other.
    pub(super) fn joined(&self, other: &Self) -> Self {
        Self {
            weights: [&*self.weights, &other.weights].concat(),
            declared: self.declared || other.declared,
            clusters: self.clusters.joined(&other.clusters),
            confidence: self.confidence,
        }
    }

    /// The mean with its t interval, cut to `range`. Where all units are alike, a share of units that none
    /// of these was of may be at either end of the range, see [`unseen`].
    pub(super) fn mean(&self, values: &[f64], range: (f64, f64)) -> Result<Estimate> {
        self.needs_two_units()?;
        let mean = mean(values.iter().copied(), &self.weights);
        let error = self.error_of_mean(values, mean);
        let [below, above] = if none(error, mean) {
            towards_ends(mean, range, unseen(self.confidence, self.effective_units()))
        } else {
            [error * self.student_quantile()?; 2]
        };
        self.figure(
            mean,
            (mean - below).max(range.0),
            (mean + above).min(range.1),
        )
    }

    /// The standard error of a mean: √(I/(I − 1)·Σ (weighted deviations in a unit)²) over the weights' sum,
    /// which for units of one row of equal weight is the sample's deviation over √n.
    pub(super) fn error_of_mean(&self, values: &[f64], mean: f64) -> f64 {
        let sum: f64 = self.weights.iter().sum();
        let terms = values.iter().zip(&self.weights);
        let terms = terms.map(|(value, weight)| weight * (value - mean) / sum);
        self.variance_of_sum(&terms.collect::<Vec<_>>()).sqrt()
    }

    /// The variance of a sum over the rows of weight, by units, given how far each row's share in it is from its mean.
    pub(super) fn variance_of_sum(&self, deviations: &[f64]) -> f64 {
        let rows = self.weighing().map(|row| (row, deviations[row]));
        self.clusters.variance_of_sum(rows)
    }

    /// A mean with an interval of this radius in a range; not narrower than for what units that none of so many is of may be, see [`unseen`].
    pub(super) fn around(
        &self,
        mean: f64,
        radius: f64,
        range: (f64, f64),
        units: f64,
    ) -> Result<Estimate> {
        let share = unseen(self.confidence, units);
        let [below, above] = towards_ends(mean, range, share).map(|moved| at_least(moved, radius));
        self.figure(
            mean,
            (mean - below).max(range.0),
            (mean + above).min(range.1),
        )
    }

    /// The two-sided quantile of Student's law with a degree of freedom less than there are units.
    pub(super) fn student_quantile(&self) -> Result<f64> {
        student_quantile(self.confidence, (self.units_held() - 1) as f64)
    }

    /// The rows of weight above 0: others are not there.
    pub(super) fn weighing(&self) -> impl Iterator<Item = usize> + Clone {
        (0..self.len()).filter(|row| self.weights[*row] > 0.0)
    }

    /// Units that hold a row of weight.
    pub(super) fn units_held(&self) -> usize {
        self.clusters.held_by(self.weighing())
    }

    /// Kish's effective number of units among some of the rows.
    pub(super) fn effective_units_of(&self, rows: impl Iterator<Item = usize>) -> f64 {
        let sums = self.clusters.sums(rows.map(|row| (row, self.weights[row])));
        let squares: f64 = sums.iter().map(|sum| sum * sum).sum();
        sums.iter().sum::<f64>().powi(2) / squares
    }

    /// Kish's effective number of units: as many of equal weight would carry as much.
    pub(super) fn effective_units(&self) -> f64 {
        self.effective_units_of(0..self.len())
    }

    pub(super) fn needs_two_units(&self) -> Result<()> {
        match self.units_held() {
            units @ 0..2 => Err(Error::invalid(format!(
                "an interval needs at least 2 independent units, got {units}"
            ))),
            _ => Ok(()),
        }
    }

    /// An estimate whose interval holds its value; an error where rows of a great scale overflowed.
    pub(super) fn figure(&self, value: f64, low: f64, high: f64) -> Result<Estimate> {
        if ![value, low, high].iter().all(|x| x.is_finite()) {
            return Err(Error::invalid(match value.is_finite() {
                true => format!("the interval of the figure {} must be finite", exact(value)),
                false => format!("the figure must be finite, got {value}"),
            }));
        }
        Ok(Estimate {
            value,
            interval: Interval::new(low.min(value), high.max(value), self.confidence)?,
            n: self.weighing().count(),
            units: self.units_held(),
        })
    }
}

/// Share of a figure below which its error is rounding alone.
const ROUNDING: f64 = 1e-12;

/// Whether an error is none: the units that it is of are all alike.
pub(super) fn none(error: f64, value: f64) -> bool {
    error <= ROUNDING * value.abs()
}

/// A radius, but not less than this; one that is no number stays so.
pub(super) fn at_least(least: f64, radius: f64) -> f64 {
    if radius < least { least } else { radius }
}

/// How far a figure moves towards either end of its range if this share of the units is there; not at all towards
/// an end that is not known.
pub(super) fn towards_ends(value: f64, range: (f64, f64), share: f64) -> [f64; 2] {
    [range.0, range.1].map(|end| match end.is_finite() {
        true => share * (end - value).abs(),
        false => 0.0,
    })
}

/// An error for units that are all alike, if the range does not tell where others may be: an interval without
/// width would be certain of what a few units say.
pub(super) fn check_unlike(error: f64, value: f64, range: (f64, f64), units: usize) -> Result<()> {
    if none(error, value) && !(range.0.is_finite() && range.1.is_finite()) {
        return Err(Error::invalid(format!(
            "{units} units that are all alike tell of others within a known range alone, got {} from each in [{}, {}]",
            exact(value),
            range.0,
            range.1
        )));
    }
    Ok(())
}

/// An error for a loss beyond the range that it is known to lie in.
pub(super) fn check_within(losses: impl IntoIterator<Item = f64>, range: (f64, f64)) -> Result<()> {
    let beyond = |loss: &f64| !(range.0..=range.1).contains(loss);
    match losses.into_iter().find(beyond) {
        Some(loss) => Err(Error::invalid(format!(
            "losses must lie in their range [{}, {}], got {}",
            range.0,
            range.1,
            exact(loss)
        ))),
        None => Ok(()),
    }
}

/// A range in which a mean is known to lie.
pub(super) fn checked_range(low: f64, high: f64) -> Result<(f64, f64)> {
    if low < high {
        return Ok((low, high));
    }
    Err(Error::invalid(format!(
        "a range must have low < high, got [{low}, {high}]"
    )))
}

/// The range of a mean of which nothing is known.
pub(super) const EVERYWHERE: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

pub(super) fn mean(values: impl Iterator<Item = f64>, weights: &[f64]) -> f64 {
    let weighted = values.zip(weights).map(|(value, weight)| value * weight);
    weighted.sum::<f64>() / weights.iter().sum::<f64>()
}

pub(super) fn same_length(what: &str, want: usize, got: usize) -> Result<()> {
    if want == got {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{what} must number {want}, one per label, got {got}"
    )))
}

pub(super) fn check_weights(weights: &[f64]) -> Result<()> {
    let outside = |weight: &&f64| !(0.0..f64::INFINITY).contains(*weight);
    match weights.iter().find(outside) {
        Some(weight) => Err(Error::invalid(format!(
            "weights must lie in [0, inf), got {weight}"
        ))),
        None => Ok(()),
    }
}

/// The setters that every set of rows with weights has.
macro_rules! weighted_rows {
    ($rows:ident, $example:literal) => {
        crate::performance::rows::rows_in_units!($rows, $example);

        impl $rows {
            /// With a weight in \[0, ∞) per row.
            ///
            /// # Errors
            /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for another number of rows, a
            /// weight out of range, or a sum of 0.
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
        }
    };
}
pub(super) use weighted_rows;

/// The setters that every set of rows in units has.
macro_rules! rows_in_units {
    ($rows:ident, $example:literal) => {
        impl $rows {
            /// Declares which rows share a unit (a user, an origin-hour): rows of one unit may depend on each
            /// other in any way, units may not. The intervals widen accordingly.
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
pub(super) use rows_in_units;

/// Intervals of metrics that this crate does not have, for rows of which a caller knows the values.
macro_rules! own_metrics {
    ($rows:ident, $example:literal) => {
        impl $rows {
            /// A metric of one's own that is a function of the rows' weights, in their order, with its interval
            /// by 999 resamples of the units: `None` where it is undefined. A mean of values row by row has a
            /// better one in [`mean_of`](Self::mean_of).
            ///
            /// # Errors
            /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than two units, or a
            /// metric that is undefined for these rows or most resamples.
            ///
            /// ```
            #[doc = $example]
            /// let cost = [1.0, 0.0, 5.0, 0.0];
            /// let worst_share = |weights: &[f64]| {
            ///     let all: f64 = weights.iter().zip(cost).map(|(weight, cost)| weight * cost).sum();
            ///     (all > 0.0).then(|| 5.0 * weights[2] / all)
            /// };
            /// assert_eq!(rows.resampled(worst_share)?.value, 5.0 / 6.0);
            /// # Ok::<(), mlops_core::Error>(())
            /// ```
            pub fn resampled(
                &self,
                metric: impl Fn(&[f64]) -> Option<f64>,
            ) -> Result<$crate::performance::Estimate> {
                self.rows.estimate(metric)
            }

            /// The mean of a value of every row, such as a cost of one's own, with its interval: Student's t,
            /// by units.
            ///
            /// # Errors
            /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for another number of values, one
            /// that is not finite, or fewer than two units.
            ///
            /// ```
            #[doc = $example]
            /// assert_eq!(rows.mean_of(&[1.0, 0.0, 5.0, 0.0])?.value, 1.5);
            /// # Ok::<(), mlops_core::Error>(())
            /// ```
            pub fn mean_of(&self, values: &[f64]) -> Result<$crate::performance::Estimate> {
                $crate::performance::rows::same_length("values", self.rows.len(), values.len())?;
                if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                    return Err(Error::invalid(format!(
                        "values must be finite, got {value}"
                    )));
                }
                self.rows.mean(values, (f64::NEG_INFINITY, f64::INFINITY))
            }
        }
    };
}
pub(super) use own_metrics;
