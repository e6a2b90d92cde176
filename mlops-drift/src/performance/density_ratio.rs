use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::basis::{Basis, check_points};
use super::normal_equations::{Factor, NormalEquations, dot};
use crate::multivariate::Points;

/// Price of a squared coefficient, of standardized columns: that of one row or so.
const RIDGE: f64 = 1.0;
/// Newton steps; some ten suffice.
const STEPS: usize = 100;
/// Change of the coefficients below which they count as found.
const PRECISION: f64 = 1e-9;
/// Mean ratio over the reference below which the two hardly overlap; it is 1 if the ratio is right.
const OVERLAP: f64 = 0.5;

/// How much more frequent rows like a given one are now than in the reference: the ratio of the densities.
///
/// **Statistic**: a logistic regression tells current rows from reference rows by every column and its
/// square; the ratio is odds·(reference rows / current rows). **Assumption**: the logarithm of the ratio is a
/// quadratic function of each column, added up, as for independent normal columns whose means and variances
/// change; a change of how columns hang together is missed. **Guarantee**: consistent under the assumption,
/// up to a ridge of one row's weight. **Weakness**: where the reference has no rows like the current ones, no
/// ratio helps: refused if the ratio's mean over the reference, which should be 1, is below 0.5; a hole
/// within the reference's range is not noticed. **Cost**: O(n·d²) a step, some ten steps. **Source**:
/// Sugiyama, Suzuki & Kanamori, "Density ratio estimation in machine learning", Cambridge 2012, chapter 4;
/// Newton's method as in Hastie, Tibshirani & Friedman, "The elements of statistical learning", 2nd edition,
/// section 4.4.1.
///
/// ```
/// use mlops_drift::multivariate::Points;
/// use mlops_drift::performance::DensityRatio;
/// let reference = Points::new(1, (0..100).map(f64::from))?;
/// let current = Points::new(1, (0..100).map(|i| f64::from(i) * 0.5 + 40.0))?;
/// let ratio = DensityRatio::fit(&reference, &current)?;
/// let ratios = ratio.of(&Points::new(1, [0.0, 60.0])?)?;
/// assert!(ratios[0] < 0.5 && ratios[1] > 1.5);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct DensityRatio {
    basis: Basis,
    coefficients: Vec<f64>,
    /// ln(reference rows / current rows).
    offset: f64,
}

/// A ratio as it is read, before its parts are known to agree.
#[derive(Deserialize)]
struct Written {
    basis: Basis,
    coefficients: Vec<f64>,
    offset: f64,
}

impl TryFrom<Written> for DensityRatio {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self> {
        let (size, found) = (written.basis.size(), written.coefficients.len());
        if found != size {
            return Err(Error::invalid(format!(
                "a density ratio must hold {size} coefficients, got {found}"
            )));
        }
        Ok(Self {
            basis: written.basis,
            coefficients: written.coefficients,
            offset: written.offset,
        })
    }
}

impl DensityRatio {
    /// From rows of the reference and current ones.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for no rows on either side, missing rows,
    /// different columns, values whose variance overflows, or two samples that hardly overlap.
    pub fn fit(reference: &Points, current: &Points) -> Result<Self> {
        Ok(Rows::of(reference, current)?.ratio)
    }

    /// The ratio of every row, in \[0, ∞).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for other columns, missing rows, or a row
    /// so far out that its ratio overflows.
    pub fn of(&self, points: &Points) -> Result<Vec<f64>> {
        check_points("rows", points, (self.basis.size() - 1) / 2)?;
        let rows = points.rows();
        rows.map(|row| self.of_row(&self.basis.row(row))).collect()
    }

    /// Of what the regression sees of a row.
    fn of_row(&self, row: &[f64]) -> Result<f64> {
        let ratio = (dot(row, &self.coefficients) + self.offset).exp();
        let finite = Some(ratio).filter(|ratio| ratio.is_finite());
        finite.ok_or_else(|| Error::invalid(format!("ratios must be finite, got {ratio}")))
    }
}

fn check_overlap(ratios: &[f64]) -> Result<()> {
    let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
    if mean < OVERLAP {
        return Err(Error::invalid(format!(
            "the mean ratio over the reference must be at least {OVERLAP}, got {mean:.2e}: \
             it has too few rows like the current ones"
        )));
    }
    Ok(())
}

/// A ratio, and what it was fitted to.
struct Rows {
    ratio: DensityRatio,
    /// Of the reference rows.
    ratios: Vec<f64>,
    /// What the regression sees of the reference and of the current rows.
    designs: [Vec<Vec<f64>>; 2],
}

/// A ratio, and the rows that it was fitted to: how far its error moves what is figured out with it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fitted {
    ratio: DensityRatio,
    /// Of the reference rows.
    pub(super) ratios: Vec<f64>,
    /// Of the reference and of the current rows.
    designs: [Vec<Vec<f64>>; 2],
    /// Of the likelihood's curvature.
    factor: Factor,
}

impl Rows {
    fn of(reference: &Points, current: &Points) -> Result<Self> {
        let columns = reference.dimensions();
        check_points("reference rows", reference, columns)?;
        check_points("current rows", current, columns)?;
        if reference.is_empty() || current.is_empty() {
            return Err(Error::invalid(format!(
                "at least 1 row is needed on either side, got {} and {}",
                reference.len(),
                current.len()
            )));
        }
        let basis = Basis::of(columns, &[reference, current])?;
        let design = |points: &Points| -> Vec<Vec<f64>> {
            points.rows().map(|row| basis.row(row)).collect()
        };
        let [before, now] = [design(reference), design(current)];
        let ratio = DensityRatio {
            coefficients: logistic(&before, &now)?,
            offset: (before.len() as f64 / now.len() as f64).ln(),
            basis,
        };
        let ratios = before.iter().map(|row| ratio.of_row(row));
        let ratios = ratios.collect::<Result<Vec<_>>>()?;
        check_overlap(&ratios)?;
        Ok(Self {
            ratio,
            ratios,
            designs: [before, now],
        })
    }
}

impl Fitted {
    pub(super) fn of(reference: &Points, current: &Points) -> Result<Self> {
        let Rows {
            ratio,
            ratios,
            designs,
        } = Rows::of(reference, current)?;
        let curvature = step(&designs[0], &designs[1], &ratio.coefficients).factored(RIDGE);
        Ok(Self {
            factor: curvature.ok_or_else(|| unsolved(f64::NAN))?,
            ratio,
            ratios,
            designs,
        })
    }

    /// How much of a figure each reference row makes that changes with the logarithm of the ratio of each by so much, and each current row: by what
    /// it makes of the coefficients, less the mean over its table (the sandwich of Huber, "The behavior of maximum likelihood estimates
    /// under nonstandard conditions", Proceedings of the Fifth Berkeley Symposium 1, 1967).
    pub(super) fn influence(&self, changes: &[f64]) -> [Vec<f64>; 2] {
        let mut slopes = vec![0.0; self.ratio.coefficients.len()];
        for (row, change) in self.designs[0].iter().zip(changes) {
            slopes
                .iter_mut()
                .zip(row)
                .for_each(|(slope, x)| *slope += change * x);
        }
        let direction = self.factor.solve(&slopes);
        [0.0, 1.0].map(|label| {
            let rows = self.designs[usize::from(label > 0.0)].iter();
            let moved = rows.map(|row| dot(row, &direction) * (label - self.probability(row)));
            let moved: Vec<f64> = moved.collect();
            let mean = moved.iter().sum::<f64>() / moved.len() as f64;
            moved.into_iter().map(|moved| moved - mean).collect()
        })
    }

    /// That a row is a current one.
    fn probability(&self, row: &[f64]) -> f64 {
        probability(dot(row, &self.ratio.coefficients))
    }
}

/// Coefficients that tell `now` from `before`, by Newton's method; steps that make it worse are halved.
fn logistic(before: &[Vec<f64>], now: &[Vec<f64>]) -> Result<Vec<f64>> {
    let mut at = vec![0.0; before[0].len()];
    let mut price = price_of(before, now, &at);
    for _ in 0..STEPS {
        let towards = step(before, now, &at)
            .solve(RIDGE)
            .ok_or_else(|| unsolved(price))?;
        let steps = (0..40).map(|halvings| between(&at, &towards, 0.5_f64.powi(halvings)));
        let mut priced = steps.map(|next| (price_of(before, now, &next), next));
        let better = priced.find(|(next, _)| *next <= price);
        let moved = better.as_ref().map_or(0.0, |(_, next)| distance(next, &at));
        if let Some((next_price, next)) = better {
            (price, at) = (next_price, next);
        }
        if moved < PRECISION {
            return Ok(at);
        }
    }
    Err(unsolved(price))
}

/// The equations of a Newton step.
fn step(before: &[Vec<f64>], now: &[Vec<f64>], at: &[f64]) -> NormalEquations {
    let mut equations = NormalEquations::new(at.len());
    for (rows, label) in [(before, 0.0), (now, 1.0)] {
        for row in rows {
            let logit = dot(row, at);
            let p = probability(logit);
            // At the ends of the range the weight would vanish, and the step with it.
            let weight = (p * (1.0 - p)).max(1e-12);
            equations.push(row, weight, weight * logit + label - p);
        }
    }
    equations
}

fn probability(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

/// The negative log likelihood with the ridge's price.
fn price_of(before: &[Vec<f64>], now: &[Vec<f64>], at: &[f64]) -> f64 {
    let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
    let missed = before.iter().map(|row| softplus(dot(row, at)));
    let found = now.iter().map(|row| softplus(-dot(row, at)));
    let ridge: f64 = at.iter().skip(1).map(|x| x * x).sum();
    missed.chain(found).sum::<f64>() + RIDGE / 2.0 * ridge
}

fn between(from: &[f64], to: &[f64], share: f64) -> Vec<f64> {
    from.iter()
        .zip(to)
        .map(|(a, b)| a + share * (b - a))
        .collect()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
}

fn unsolved(price: f64) -> Error {
    Error::invalid(format!(
        "the logistic regression has no solution within reach of floating point, got a price of {price}"
    ))
}
