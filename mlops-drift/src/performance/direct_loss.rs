use std::sync::Arc;

use mlops_core::{Error, Result};

use super::Estimate;
use super::basis::{Basis, check_points};
use super::estimate::{satterthwaite, student_quantile, unseen};
use super::normal_equations::{Factor, NormalEquations, dot};
use super::rows::{
    EVERYWHERE, Weighted, check_unlike, check_within, checked_range, none, rows_in_units,
    same_length, towards_ends,
};
use crate::multivariate::Points;

/// Price of a squared coefficient, of standardized columns: that of one row or so.
const RIDGE: f64 = 1.0;

/// The share of current rows beyond the reference from which on there is no estimate.
pub(crate) const FARTHEST: f64 = 0.2;

/// The loss of a model without labels, by a regression of known losses on what is known of a row: direct loss
/// estimation, for any model and any loss.
///
/// **Statistic**: the mean over current rows of a ridge regression, fitted to reference rows, of the loss on
/// every column and its square, kept within the range of the losses seen. Give the model's prediction as a
/// column too. **Assumption**: the mean loss given the columns is as it was, and near a quadratic function of
/// each column, added up. **It fails** under concept shift (another answer to the same inputs: the losses
/// change, the columns do not), and where current rows lie beyond the reference's: refused if more than a fifth
/// do, see [`beyond`](Self::beyond), since an estimate kept within the losses seen would look surest there.
/// **Interval**: Student's t with the degrees of freedom of both parts (Satterthwaite), from the variance of the current rows' estimates and that of the coefficients, by the residual of each
/// reference row under a fit without it (MacKinnon & White, "Some heteroskedasticity-consistent covariance
/// matrix estimators", Journal of Econometrics 29, 1985: HC3), both by units; not in it is that the loss may
/// have another form. **Cost**: O(n·d²). **Source**: NannyML's documentation of DLE, with a regression whose
/// error is known in place of boosted trees.
///
/// ```
/// use mlops_drift::multivariate::Points;
/// use mlops_drift::performance::DirectLoss;
/// let size = |row: usize| (row % 10) as f64;
/// let reference = Points::new(1, (0..500).map(size))?;
/// let losses: Vec<f64> = (0..500).map(|row| 2.0 * size(row) + (row / 10 % 2) as f64).collect();
/// let fit = DirectLoss::fit(&reference, &losses)?;
/// let current = Points::new(1, (0..200).map(|row| size(row % 5)))?; // the smaller half
/// let loss = fit.estimate(&current)?;
/// assert!((loss.value - 4.5).abs() < 0.1 && loss.interval.contains(4.5));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct DirectLoss {
    design: Arc<Design>,
    coefficients: Vec<f64>,
    /// Least and greatest loss seen.
    range: (f64, f64),
    /// In which losses are known to lie.
    known: (f64, f64),
    /// Loss less estimate of each reference row, under a fit without it.
    left_out: Vec<f64>,
    explained: Option<f64>,
    rows: Weighted,
}

/// The reference rows, of which every loss has the same equations.
#[derive(Clone, Debug, PartialEq)]
struct Design {
    basis: Basis,
    rows: Vec<Vec<f64>>,
    factor: Factor,
    /// 1 − leverage of each row.
    freedom: Vec<f64>,
    /// Least and greatest value of each column.
    columns: Vec<(f64, f64)>,
}

impl Design {
    fn of(reference: &Points) -> Result<Self> {
        let basis = Basis::of(reference.dimensions(), &[reference])?;
        let rows: Vec<Vec<f64>> = reference.rows().map(|row| basis.row(row)).collect();
        let factor = ridge(&rows)?;
        let range = |column: usize| {
            let values = || reference.rows().map(|row| row[column]);
            (
                values().fold(f64::INFINITY, f64::min),
                values().fold(f64::NEG_INFINITY, f64::max),
            )
        };
        Ok(Self {
            freedom: rows.iter().map(|row| 1.0 - factor.leverage(row)).collect(),
            columns: (0..reference.dimensions()).map(range).collect(),
            basis,
            rows,
            factor,
        })
    }

    fn coefficients(&self, losses: &[f64]) -> Result<Vec<f64>> {
        let mut side = vec![0.0; self.basis.size()];
        for (row, loss) in self.rows.iter().zip(losses) {
            side.iter_mut()
                .zip(row)
                .for_each(|(side, x)| *side += loss * x);
        }
        let coefficients = self.factor.solve(&side);
        if coefficients.iter().any(|x| !x.is_finite()) {
            return Err(Error::invalid("the losses vary beyond floating point"));
        }
        Ok(coefficients)
    }

    /// Residuals under fits without the row: residual over 1 − leverage (Sherman & Morrison).
    fn left_out(&self, losses: &[f64], fit: &[f64]) -> Vec<f64> {
        let rows = self.rows.iter().zip(losses).zip(&self.freedom);
        rows.map(|((row, loss), freedom)| (loss - dot(row, fit)) / freedom)
            .collect()
    }
}

impl DirectLoss {
    /// From reference rows and their losses, at 95 % confidence, rows independent.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for different lengths, missing rows,
    /// losses that are not finite, no more rows than coefficients (1 + 2·columns), or values whose variance
    /// overflows.
    pub fn fit(reference: &Points, losses: &[f64]) -> Result<Self> {
        check_points("reference rows", reference, reference.dimensions())?;
        check_losses(losses, reference.len())?;
        let coefficients = 1 + 2 * reference.dimensions();
        if losses.len() <= coefficients {
            return Err(Error::invalid(format!(
                "more than {coefficients} rows are needed for as many coefficients, got {}",
                losses.len()
            )));
        }
        Self::on(
            Arc::new(Design::of(reference)?),
            losses,
            Weighted::rows(losses.len()),
        )
    }

    /// Of other losses of the same reference rows, in the same units and at the same level, which lie anywhere: what the columns say need not be figured
    /// out again.
    pub(crate) fn losses(&self, losses: &[f64]) -> Result<Self> {
        check_losses(losses, self.design.rows.len())?;
        Self::on(self.design.clone(), losses, self.rows.clone())
    }

    fn on(design: Arc<Design>, losses: &[f64], rows: Weighted) -> Result<Self> {
        let coefficients = design.coefficients(losses)?;
        let left_out = design.left_out(losses, &coefficients);
        let fold = |better: fn(f64, f64) -> f64| losses.iter().copied().reduce(better);
        Ok(Self {
            range: fold(f64::min).zip(fold(f64::max)).unwrap_or_default(),
            explained: explained(losses, &left_out),
            known: EVERYWHERE,
            rows,
            coefficients,
            design,
            left_out,
        })
    }

    /// The range of the loss, such as \[0, 1] of a wrong answer. Where the losses, or the estimates, are all alike, others that no
    /// row has shown may lie at its ends, by the rule of three; without a range of two finite ends they are refused.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless `low < high`.
    ///
    /// ```
    /// # use mlops_drift::multivariate::Points;
    /// # use mlops_drift::performance::DirectLoss;
    /// let points = Points::new(1, (0..100).map(f64::from))?;
    /// let never_wrong = DirectLoss::fit(&points, &[0.0; 100])?;
    /// assert!(never_wrong.estimate(&points).is_err());
    /// assert!(never_wrong.range(0.0, 1.0)?.estimate(&points)?.interval.high() > 0.03);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn range(mut self, low: f64, high: f64) -> Result<Self> {
        self.known = checked_range(low, high)?;
        Ok(self)
    }

    /// The estimated loss of every row: also a guess for [`PredictionPowered`](super::PredictionPowered).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for other columns, missing rows, or a row
    /// so far out that its estimate is not a number.
    pub fn of(&self, points: &Points) -> Result<Vec<f64>> {
        self.of_rows(&self.seen(points)?)
    }

    /// What the regression sees of rows.
    fn seen(&self, points: &Points) -> Result<Vec<Vec<f64>>> {
        let basis = &self.design.basis;
        check_points("rows", points, (basis.size() - 1) / 2)?;
        Ok(points.rows().map(|row| basis.row(row)).collect())
    }

    fn of_rows(&self, rows: &[Vec<f64>]) -> Result<Vec<f64>> {
        let of_row = |row: &Vec<f64>| {
            let (loss, _) = self.clamped(row);
            let number = Some(loss).filter(|loss| !loss.is_nan());
            number.ok_or_else(|| Error::invalid("estimated losses must be numbers, got NaN"))
        };
        rows.iter().map(of_row).collect()
    }

    /// The share of rows with a column beyond its range in the reference, or an estimate beyond the losses seen:
    /// what is said of them is a guess. Rows of the reference's own law lie beyond it with probability
    /// 2·columns/(rows + 1) or so.
    ///
    /// # Errors
    /// As [`of`](Self::of)'s.
    ///
    /// ```
    /// # use mlops_drift::multivariate::Points;
    /// # use mlops_drift::performance::DirectLoss;
    /// let reference = Points::new(1, (0..50).map(f64::from))?;
    /// let losses: Vec<f64> = (0..50).map(|row| f64::from(row % 7)).collect();
    /// let fit = DirectLoss::fit(&reference, &losses)?;
    /// let current = Points::new(1, [10.0, 20.0, 60.0, 70.0])?;
    /// assert_eq!(fit.beyond(&current)?, 0.5);
    /// assert!(fit.estimate(&current).unwrap_err().to_string().contains("beyond the reference"));
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn beyond(&self, points: &Points) -> Result<f64> {
        let rows = self.seen(points)?;
        self.of_rows(&rows)?;
        Ok(self.beyond_of(points, &rows))
    }

    fn beyond_of(&self, points: &Points, rows: &[Vec<f64>]) -> f64 {
        let beyond = points.rows().zip(rows).filter(|(point, row)| {
            let columns = point.iter().zip(&self.design.columns);
            let mut outside = columns.map(|(x, (least, greatest))| x < least || x > greatest);
            outside.any(|outside| outside) || !self.clamped(row).1
        });
        beyond.count() as f64 / points.len().max(1) as f64
    }

    /// The mean loss over current rows, independent of each other.
    ///
    /// # Errors
    /// As [`of`](Self::of)'s, for fewer than two units on either side, if more than a fifth of the rows lie
    /// [`beyond`](Self::beyond) the reference, and for losses that are all alike without a [range](Self::range).
    pub fn estimate(&self, current: &Points) -> Result<Estimate> {
        self.estimate_of(current, &Weighted::rows(current.len()))
    }

    /// The same for current rows of which some share a unit.
    ///
    /// # Errors
    /// As [`estimate`](Self::estimate)'s, and for another number of units.
    ///
    /// ```
    /// # use mlops_drift::multivariate::Points;
    /// # use mlops_drift::performance::DirectLoss;
    /// # let reference = Points::new(1, (0..50).map(f64::from))?;
    /// # let losses: Vec<f64> = (0..50).map(|row| f64::from(row % 7)).collect();
    /// let fit = DirectLoss::fit(&reference, &losses)?;
    /// let current = Points::new(1, [1.0, 1.5, 40.0, 41.0])?;
    /// assert_eq!(fit.estimate_in_units(&current, &[1, 1, 2, 2])?.units, 2);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn estimate_in_units(&self, current: &Points, units: &[u64]) -> Result<Estimate> {
        let mut rows = Weighted::rows(current.len());
        rows.units(units)?;
        self.estimate_of(current, &rows)
    }

    /// The share of the losses' variance that the columns explain in reference rows left out, at most 1: at 0
    /// or below, the estimate is but the mean of the reference. `None` for losses that are all the same.
    ///
    /// ```
    /// # use mlops_drift::multivariate::Points;
    /// # use mlops_drift::performance::DirectLoss;
    /// let noise = Points::new(1, (0..100).map(|row| f64::from(row * 7919 % 100)))?;
    /// let losses: Vec<f64> = (0..100).map(|row| f64::from(row % 2)).collect();
    /// assert!(DirectLoss::fit(&noise, &losses)?.explained().unwrap() < 0.1);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn explained(&self) -> Option<f64> {
        self.explained
    }

    fn estimate_of(&self, current: &Points, rows: &Weighted) -> Result<Estimate> {
        self.rows.needs_two_units()?;
        check_within([self.range.0, self.range.1], self.known)?;
        let seen = self.seen(current)?;
        let losses = self.of_rows(&seen)?;
        rows.needs_two_units()?;
        let beyond = self.beyond_of(current, &seen);
        if beyond > FARTHEST {
            return Err(Error::invalid(format!(
                "at most a share of {FARTHEST} of the rows must lie beyond the reference, got {beyond:.3}"
            )));
        }
        let mean = losses.iter().sum::<f64>() / losses.len() as f64;
        let parts = [
            (rows.error_of_mean(&losses, mean).powi(2), rows.units_held()),
            (self.variance_of_fit(&seen), self.rows.units_held()),
        ];
        let error = (parts[0].0 + parts[1].0).sqrt();
        let units = parts[0].1.min(parts[1].1);
        check_unlike(error, mean, self.known, units)?;
        let confidence = self.rows.confidence;
        let radius = error * student_quantile(confidence, satterthwaite(parts))?;
        let (low, high) = (
            (mean - radius).max(self.range.0),
            (mean + radius).min(self.range.1),
        );
        let [below, above] = towards_ends(mean, self.known, unseen(confidence, units as f64));
        Ok(Estimate {
            n: rows.len(),
            units: rows.units_held(),
            ..self
                .rows
                .figure(mean, low.min(mean - below), high.max(mean + above))?
        })
    }

    /// The variance of the mean estimate that stems from the coefficients.
    fn variance_of_fit(&self, current: &[Vec<f64>]) -> f64 {
        let mut mean = vec![0.0; self.coefficients.len()];
        let share = 1.0 / current.len() as f64;
        for row in current {
            mean.iter_mut()
                .zip(row)
                .for_each(|(mean, x)| *mean += share * x);
        }
        let direction = self.design.factor.solve(&mean);
        let terms = self.design.rows.iter().zip(&self.left_out);
        let terms = terms.map(|(row, residual)| dot(row, &direction) * residual);
        self.rows.clusters.variance_of_sum(terms.enumerate())
    }

    /// The estimate, and whether it lay within the range but for rounding.
    fn clamped(&self, row: &[f64]) -> (f64, bool) {
        let loss = dot(row, &self.coefficients);
        let clamped = loss.clamp(self.range.0, self.range.1);
        let greatest = self.range.0.abs().max(self.range.1.abs());
        (clamped, none((clamped - loss).abs(), greatest))
    }
}

rows_in_units!(
    DirectLoss,
    "# let points = mlops_drift::multivariate::Points::new(1, [1.0, 2.0, 3.0, 4.0])?;
# let rows = mlops_drift::performance::DirectLoss::fit(&points, &[1.0, 0.0, 2.0, 1.0])?;"
);

/// The factor of the rows' equations.
fn ridge(rows: &[Vec<f64>]) -> Result<Factor> {
    let mut equations = NormalEquations::new(rows[0].len());
    rows.iter().for_each(|row| equations.push(row, 1.0, 0.0));
    let factor = equations.factored(RIDGE);
    factor.ok_or_else(|| Error::invalid("the columns vary beyond floating point"))
}

fn check_losses(losses: &[f64], rows: usize) -> Result<()> {
    same_length("losses", rows, losses.len())?;
    match losses.iter().find(|loss| !loss.is_finite()) {
        Some(loss) => Err(Error::invalid(format!("losses must be finite, got {loss}"))),
        None => Ok(()),
    }
}

fn explained(losses: &[f64], left_out: &[f64]) -> Option<f64> {
    let mean = losses.iter().sum::<f64>() / losses.len() as f64;
    let spread: f64 = losses.iter().map(|loss| (loss - mean).powi(2)).sum();
    let rest: f64 = left_out.iter().map(|residual| residual * residual).sum();
    Some(1.0 - rest / spread).filter(|explained| explained.is_finite())
}

#[cfg(test)]
mod tests {
    use super::{Design, ridge};
    use crate::multivariate::Points;
    use crate::performance::normal_equations::dot;

    #[test]
    fn residuals_of_rows_left_out_are_those_of_fits_without_them() {
        let points = Points::new(1, (0..9).map(|i| f64::from(i * i % 7)));
        let Ok(design) = points.and_then(|points| Design::of(&points)) else {
            unreachable!("the columns are not constant")
        };
        let losses: Vec<f64> = (0..9).map(|i| f64::from(i * 5 % 4)).collect();
        let fit = design.coefficients(&losses).unwrap_or_default();
        let residuals = design.left_out(&losses, &fit);
        for (row, residual) in residuals.iter().enumerate() {
            let (mut others, mut theirs) = (design.clone(), losses.clone());
            let left_out = others.rows.remove(row);
            theirs.remove(row);
            let refitted = ridge(&others.rows).and_then(|factor| {
                let others = Design { factor, ..others };
                others.coefficients(&theirs)
            });
            let naive = refitted.map(|fit| losses[row] - dot(&left_out, &fit));
            assert!(naive.is_ok_and(|naive| (naive - residual).abs() < 1e-12));
        }
    }
}
