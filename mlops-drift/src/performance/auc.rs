//! The area under the ROC curve by its structural components.

use mlops_core::{Error, Result};

use super::clusters::Clusters;
use super::estimate::{satterthwaite, student_quantile, unseen};
use super::{Estimate, Scored};

/// Variance of components that are all alike but for rounding.
const ALIKE: f64 = 1e-24;

/// Per row how it ranks against the other class: for a positive the share of negatives below it,
/// for a negative the share of positives above it. The mean over either class is the AUC.
pub(super) struct Components {
    positives: Vec<Component>,
    negatives: Vec<Component>,
}

#[derive(Clone, Copy)]
struct Component {
    row: usize,
    weight: f64,
    rank: f64,
}

impl Components {
    pub(super) fn of(scored: &Scored) -> Result<Self> {
        let weights = scored.rows.get();
        let rows_of = |class: bool| -> Vec<usize> {
            let rows = 0..scored.len();
            rows.filter(|&row| scored.labels[row] == class && weights[row] > 0.0)
                .collect()
        };
        let (positives, negatives) = (rows_of(true), rows_of(false));
        if positives.is_empty() || negatives.is_empty() {
            return Err(Error::invalid(format!(
                "auc needs rows of both classes, got {} positive and {} negative",
                positives.len(),
                negatives.len()
            )));
        }
        let score = |row: usize| scored.probabilities[row];
        let ladder =
            |rows: &[usize]| Ladder::of(rows.iter().map(|row| (score(*row), weights[*row])));
        let (above, below) = (ladder(&positives), ladder(&negatives));
        let ranked = |rows: Vec<usize>, rank: &dyn Fn(f64) -> f64| {
            let rows = rows.into_iter();
            rows.map(|row| Component {
                row,
                weight: weights[row],
                rank: rank(score(row)),
            })
            .collect()
        };
        Ok(Self {
            positives: ranked(positives, &|score| below.share_below(score)),
            negatives: ranked(negatives, &|score| 1.0 - above.share_below(score)),
        })
    }

    pub(super) fn area(&self) -> f64 {
        mean(&self.positives)
    }

    /// Row by row the difference to the components of another model on the same rows.
    pub(super) fn minus(&self, other: &Self) -> Self {
        let subtract = |a: &[Component], b: &[Component]| {
            let pairs = a.iter().zip(b);
            pairs
                .map(|(a, b)| Component {
                    rank: a.rank - b.rank,
                    ..*a
                })
                .collect()
        };
        Self {
            positives: subtract(&self.positives, &other.positives),
            negatives: subtract(&self.negatives, &other.negatives),
        }
    }

    /// The variance of [`area`](Self::area): S10/M + S01/N + 2·S11/(M·N) of Obuchowski (1997), which for
    /// units of one row and equal weight is that of DeLong (1988).
    pub(super) fn variance(&self, clusters: &Clusters) -> Result<f64> {
        let [positive, negative] = self.deviations(clusters);
        let [i10, i01] = self.units_per_class(clusters);
        if i10 < 2 || i01 < 2 {
            return Err(Error::invalid(format!(
                "an interval of auc needs each class in at least 2 units, got {i10} and {i01}"
            )));
        }
        let all = self.units(clusters);
        let products: f64 = positive.iter().zip(&negative).map(|(a, b)| a * b).sum();
        let variance = bessel(i10) * squares(&positive)
            + bessel(i01) * squares(&negative)
            + 2.0 * bessel(all) * products;
        Ok(variance.max(0.0))
    }

    /// By class and unit the sum of the deviations, as shares of the class.
    fn deviations(&self, clusters: &Clusters) -> [Vec<f64>; 2] {
        [&self.positives, &self.negatives].map(|class| {
            let (centre, all) = (mean(class), sum(class, |_| 1.0));
            let shares = class
                .iter()
                .map(|c| (c.row, c.weight * (c.rank - centre) / all));
            clusters.sums(shares)
        })
    }

    /// The share, with this confidence, of pairs of another order than all of those that are alike; `None` where these are not.
    pub(super) fn unseen(&self, confidence: f64, clusters: &Clusters) -> Result<Option<f64>> {
        let alike = self.variance(clusters)? <= ALIKE;
        Ok(alike.then(|| unseen(confidence, self.disjoint_pairs(clusters))))
    }

    /// Degrees of freedom of the variance: those of its two parts by Satterthwaite ("An approximate
    /// distribution of estimates of variance components", Biometrics Bulletin 2, 1946), and no more than there
    /// are units less one.
    pub(super) fn freedom(&self, clusters: &Clusters) -> f64 {
        let units = self.units_per_class(clusters);
        let parts = self.deviations(clusters);
        let parts =
            [0, 1].map(|class| (bessel(units[class]) * squares(&parts[class]), units[class]));
        let all = self.units(clusters);
        satterthwaite(parts).min((all - 1) as f64)
    }

    /// Units that hold a positive row, and units that hold a negative one.
    fn units_per_class(&self, clusters: &Clusters) -> [usize; 2] {
        [&self.positives, &self.negatives]
            .map(|class| clusters.held_by(class.iter().map(|component| component.row)))
    }

    /// Units that hold a row of either class.
    fn units(&self, clusters: &Clusters) -> usize {
        let rows = self.positives.iter().chain(&self.negatives);
        clusters.held_by(rows.map(|component| component.row))
    }

    /// Disjoint pairs of a positive and a negative row that are independent of each other.
    fn disjoint_pairs(&self, clusters: &Clusters) -> f64 {
        let [i10, i01] = self.units_per_class(clusters);
        let rows = self.positives.len() + self.negatives.len();
        let fewer = i10.min(i01);
        // A unit with both classes may stand on either side: half of the pairs stay disjoint.
        let pairs = if self.units(clusters) == rows {
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
    let clusters = &scored.rows.clusters;
    let confidence = scored.rows.confidence;
    let (low, high) = match components.unseen(confidence, clusters)? {
        Some(share) => (area * (1.0 - share), area * (1.0 - share) + share),
        None => {
            let quantile = student_quantile(confidence, components.freedom(clusters))?;
            logit_interval(area, components.variance(clusters)?, quantile)
        }
    };
    scored.rows.figure(area, low, high)
}

fn logit_interval(area: f64, variance: f64, z: f64) -> (f64, f64) {
    let logit = (area / (1.0 - area)).ln();
    let radius = z * variance.sqrt() / (area * (1.0 - area));
    let expit = |x: f64| 1.0 / (1.0 + (-x).exp());
    (expit(logit - radius), expit(logit + radius))
}

/// Ascending scores, each with the weight up to and including it.
struct Ladder(Vec<(f64, f64)>);

impl Ladder {
    fn of(scores: impl Iterator<Item = (f64, f64)>) -> Self {
        let mut steps: Vec<(f64, f64)> = scores.collect();
        steps.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
        let mut sum = 0.0;
        for (_, weight) in &mut steps {
            sum += *weight;
            *weight = sum;
        }
        Self(steps)
    }

    /// The share of the weight below this score, equal ones counting half.
    fn share_below(&self, score: f64) -> f64 {
        let up_to = |steps: usize| self.0[..steps].last().map_or(0.0, |(_, sum)| *sum);
        let below = self.0.partition_point(|(other, _)| *other < score);
        let not_above = self.0.partition_point(|(other, _)| *other <= score);
        (up_to(below) + up_to(not_above)) / (2.0 * up_to(self.0.len()))
    }
}

fn bessel(units: usize) -> f64 {
    units as f64 / (units as f64 - 1.0)
}

fn squares(sums: &[f64]) -> f64 {
    sums.iter().map(|sum| sum * sum).sum()
}

fn mean(class: &[Component]) -> f64 {
    sum(class, |component| component.rank) / sum(class, |_| 1.0)
}

fn sum(class: &[Component], of: impl Fn(&Component) -> f64) -> f64 {
    class
        .iter()
        .map(|component| component.weight * of(component))
        .sum()
}
