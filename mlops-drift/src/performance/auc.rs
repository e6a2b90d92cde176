//! The area under the ROC curve by its structural components.

use mlops_core::evidence::Interval;
use mlops_core::{Error, Result};

use super::clusters::Clusters;
use super::estimate::normal_quantile;
use super::{Estimate, Scored};

/// Per row how it ranks against the other class: for a positive the share of negatives below it,
/// for a negative the share of positives above it. The mean over either class is the AUC.
pub(super) struct Components {
    positives: Vec<(usize, f64)>,
    negatives: Vec<(usize, f64)>,
}

impl Components {
    pub(super) fn of(scored: &Scored) -> Result<Self> {
        let rows_of = |class: bool| -> Vec<usize> {
            let rows = 0..scored.len();
            rows.filter(|&row| scored.labels[row] == class).collect()
        };
        let (positives, negatives) = (rows_of(true), rows_of(false));
        if positives.is_empty() || negatives.is_empty() {
            return Err(Error::invalid(format!(
                "auc needs rows of both classes, got {} positive and {} negative",
                positives.len(),
                negatives.len()
            )));
        }
        let score = |row: &usize| scored.probabilities[*row];
        let sorted = |rows: &[usize]| {
            let mut scores: Vec<f64> = rows.iter().map(score).collect();
            scores.sort_unstable_by(f64::total_cmp);
            scores
        };
        let (above, below) = (sorted(&positives), sorted(&negatives));
        let positives = positives
            .iter()
            .map(|row| (*row, share_below(&below, score(row))));
        let negatives = negatives
            .iter()
            .map(|row| (*row, 1.0 - share_below(&above, score(row))));
        Ok(Self {
            positives: positives.collect(),
            negatives: negatives.collect(),
        })
    }

    pub(super) fn area(&self) -> f64 {
        mean(&self.positives)
    }

    /// Row by row the difference to the components of another model on the same rows.
    pub(super) fn minus(&self, other: &Self) -> Self {
        let subtract = |a: &[(usize, f64)], b: &[(usize, f64)]| {
            let pairs = a.iter().zip(b);
            pairs.map(|((row, x), (_, y))| (*row, x - y)).collect()
        };
        Self {
            positives: subtract(&self.positives, &other.positives),
            negatives: subtract(&self.negatives, &other.negatives),
        }
    }

    /// The variance of [`area`](Self::area): S10/M + S01/N + 2·S11/(M·N) of Obuchowski (1997), which for
    /// units of one row is that of DeLong (1988).
    pub(super) fn variance(&self, clusters: &Clusters) -> Result<f64> {
        let deviations = |class: &[(usize, f64)]| {
            let centre = mean(class);
            clusters.sums(class.iter().map(move |(row, x)| (*row, x - centre)))
        };
        let (positive, negative) = (deviations(&self.positives), deviations(&self.negatives));
        let [i10, i01] = self.units_per_class(clusters);
        if i10 < 2 || i01 < 2 {
            return Err(Error::invalid(format!(
                "an interval of auc needs each class in at least 2 units, got {i10} and {i01}"
            )));
        }
        let bessel = |units: usize| units as f64 / (units as f64 - 1.0);
        let squares = |sums: &[f64]| sums.iter().map(|sum| sum * sum).sum::<f64>();
        let products: f64 = positive.iter().zip(&negative).map(|(a, b)| a * b).sum();
        let (m, n) = (self.positives.len() as f64, self.negatives.len() as f64);
        let variance = bessel(i10) * squares(&positive) / (m * m)
            + bessel(i01) * squares(&negative) / (n * n)
            + 2.0 * bessel(clusters.count()) * products / (m * n);
        Ok(variance.max(0.0))
    }

    /// Units that hold a positive row, and units that hold a negative one.
    fn units_per_class(&self, clusters: &Clusters) -> [usize; 2] {
        [&self.positives, &self.negatives].map(|class| {
            let ones = class.iter().map(|(row, _)| (*row, 1.0));
            clusters.sums(ones).iter().filter(|&&sum| sum > 0.0).count()
        })
    }

    /// Disjoint pairs of a positive and a negative row that are independent of each other.
    fn disjoint_pairs(&self, clusters: &Clusters) -> f64 {
        let [i10, i01] = self.units_per_class(clusters);
        let rows = self.positives.len() + self.negatives.len();
        let fewer = i10.min(i01);
        // A unit with both classes may stand on either side: half of the pairs stay disjoint.
        let pairs = if clusters.count() == rows {
            fewer
        } else {
            fewer / 2
        };
        pairs.max(1) as f64
    }
}

pub(super) fn auc(scored: &Scored) -> Result<Estimate> {
    let components = Components::of(scored)?;
    let area = components.area();
    let variance = components.variance(&scored.clusters)?;
    let confidence = scored.confidence;
    let (low, high) = if area == 0.0 || area == 1.0 {
        // All of k independent pairs in order has probability area^k: what is not implausible?
        let plausible =
            ((1.0 - confidence) / 2.0).powf(1.0 / components.disjoint_pairs(&scored.clusters));
        if area == 1.0 {
            (plausible, 1.0)
        } else {
            (0.0, 1.0 - plausible)
        }
    } else {
        logit_interval(area, variance, normal_quantile(confidence))
    };
    Ok(Estimate {
        value: area,
        interval: Interval::new(low.min(area), high.max(area), confidence)?,
        n: scored.len(),
        units: scored.clusters.count(),
    })
}

fn logit_interval(area: f64, variance: f64, z: f64) -> (f64, f64) {
    let logit = (area / (1.0 - area)).ln();
    let radius = z * variance.sqrt() / (area * (1.0 - area));
    let expit = |x: f64| 1.0 / (1.0 + (-x).exp());
    (expit(logit - radius), expit(logit + radius))
}

/// The share of sorted scores below this one, equal ones counting half.
fn share_below(sorted: &[f64], score: f64) -> f64 {
    let below = sorted.partition_point(|&other| other < score);
    let not_above = sorted.partition_point(|&other| other <= score);
    (below + not_above) as f64 / (2 * sorted.len()) as f64
}

fn mean(class: &[(usize, f64)]) -> f64 {
    class.iter().map(|(_, x)| x).sum::<f64>() / class.len() as f64
}
