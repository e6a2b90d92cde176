use mlops_core::evidence::PValue;
use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, FisherSnedecor};

use super::{Estimate, Regression};
use crate::sample::{Moments, quantile_by};
use crate::stream::serial_dependence;
use crate::two_sample::TestResult;

/// Bins of the predictions.
const BINS: usize = 5;
/// Rows below which the asymptotic tests mean little.
const FEWEST: usize = 20;

/// What a regression leaves unexplained: are its errors centred, equally wide everywhere, and unrelated to
/// those before?
///
/// Normality is neither needed nor tested.
///
/// ```
/// use mlops_drift::performance::Regression;
/// let truth: Vec<f64> = (0..100).map(|i| f64::from(i)).collect();
/// let error = |i: usize| (i * 7919 % 101) as f64 / 101.0 - 0.5;
/// let predicted: Vec<f64> = truth.iter().enumerate().map(|(i, y)| y + y / 50.0 * error(i)).collect();
/// let checks = Regression::new(&truth, &predicted)?.residuals()?;
/// assert!(checks.heteroscedasticity.unwrap().p_value.get() < 0.001); // errors grow with the prediction
/// assert!(checks.bias.interval.contains(0.0));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResidualChecks {
    /// The mean error with its interval, Student's t by units: above 0 if predictions are too high.
    pub bias: Estimate,
    /// The errors by prediction, ascending: five bins of about equally many rows, fewer where predictions are
    /// equal.
    pub by_prediction: Vec<ResidualBin>,
    /// Whether errors are equally wide in all bins: Levene's test about medians; `None` where it is
    /// undefined: for one bin, or errors that are alike in each.
    pub heteroscedasticity: Option<TestResult>,
    /// Whether errors resemble those before, in the order of the rows, see [`serial_dependence`]; `None` if
    /// all are the same.
    pub autocorrelation: Option<TestResult>,
}

/// Errors of the rows with predictions in a range.
///
/// ```
/// # use mlops_drift::performance::Regression;
/// let truth: Vec<f64> = (0..20).map(f64::from).collect();
/// let checks = Regression::new(&truth, &truth.iter().map(|y| y + 1.0).collect::<Vec<_>>())?.residuals()?;
/// let bin = checks.by_prediction[0];
/// assert_eq!((bin.rows, bin.low, bin.high, bin.mean_error, bin.deviation), (4, 1.0, 4.0, 1.0, 0.0));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResidualBin {
    /// Rows in the bin.
    pub rows: usize,
    /// Their least prediction.
    pub low: f64,
    /// Their greatest prediction.
    pub high: f64,
    /// Their mean error: above 0 if predictions are too high.
    pub mean_error: f64,
    /// The standard deviation of their errors, with divisor n.
    pub deviation: f64,
}

impl Regression {
    /// Bias, width and order of the errors.
    ///
    /// **Assumption**: of the interval, independent units; of both tests, independent rows of equal weight:
    /// declared units and weights enter the bias alone. **Guarantee**: p-values by the F law with bins − 1
    /// and n − bins degrees of freedom, which the test about medians keeps or stays below for many laws of
    /// the errors, and by the normal law of the rank autocorrelation. **Weakness**: small samples; dependence
    /// beyond the row before. **Cost**: O(n log n). **Source**: Brown & Forsythe, "Robust tests for the
    /// equality of variances", JASA 69, 1974.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than 20 rows or two units, or
    /// errors that overflow.
    pub fn residuals(&self) -> Result<ResidualChecks> {
        if self.len() < FEWEST {
            return Err(Error::invalid(format!(
                "checks of residuals need at least {FEWEST} rows, got {}",
                self.len()
            )));
        }
        let errors: Vec<f64> = self.errors().collect();
        if let Some(error) = errors.iter().find(|error| !error.is_finite()) {
            return Err(Error::invalid(format!(
                "errors must be finite, got {error}"
            )));
        }
        let bins = self.bins(&errors);
        let varied = errors.iter().any(|error| *error != errors[0]);
        Ok(ResidualChecks {
            bias: self
                .rows
                .mean(&errors, (f64::NEG_INFINITY, f64::INFINITY))?,
            by_prediction: bins.iter().map(|bin| described(bin)).collect(),
            heteroscedasticity: equal_widths(&bins),
            autocorrelation: varied.then(|| serial_dependence(&errors)).transpose()?,
        })
    }

    /// (prediction, error) by bins of ascending predictions; equal predictions stay together.
    fn bins(&self, errors: &[f64]) -> Vec<Vec<(f64, f64)>> {
        let predicted = self.predicted.iter().copied();
        let mut rows: Vec<(f64, f64)> = predicted.zip(errors.iter().copied()).collect();
        rows.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let edge = |bin: usize| {
            let share = bin as f64 / BINS as f64;
            quantile_by(rows.len(), share, |rank| rows[rank].0)
        };
        let mut ends: Vec<usize> = (1..BINS)
            .map(|bin| rows.partition_point(|(p, _)| *p < edge(bin)))
            .collect();
        ends.push(rows.len());
        let mut start = 0;
        let bins = ends.into_iter().map(|end| {
            let bin = rows[start..end].to_vec();
            start = end;
            bin
        });
        bins.filter(|bin| !bin.is_empty()).collect()
    }
}

fn described(bin: &[(f64, f64)]) -> ResidualBin {
    let predicted: Moments = bin.iter().map(|(predicted, _)| *predicted).collect();
    let errors: Moments = bin.iter().map(|(_, error)| *error).collect();
    let number = |value: Option<f64>| value.unwrap_or(f64::INFINITY); // of a bin with rows: overflow
    ResidualBin {
        rows: bin.len(),
        low: number(predicted.least()),
        high: number(predicted.greatest()),
        mean_error: number(errors.mean()),
        deviation: number(errors.standard_deviation()),
    }
}

/// The analysis of variance of distances from the median of each bin.
fn equal_widths(bins: &[Vec<(f64, f64)>]) -> Option<TestResult> {
    let distances: Vec<Moments> = bins.iter().map(|bin| distances(bin)).collect();
    let mut all = Moments::default();
    distances.iter().for_each(|bin| all.merge(bin));
    let of_bin = |bin: &Moments| Some((bin.count() as f64, bin.mean()?, bin.standard_deviation()?));
    let of_bins: Vec<(f64, f64, f64)> = distances.iter().map(of_bin).collect::<Option<_>>()?;
    let mean = all.mean()?;
    let between: f64 = of_bins
        .iter()
        .map(|(n, own, _)| n * (own - mean).powi(2))
        .sum();
    let within: f64 = of_bins
        .iter()
        .map(|(n, _, deviation)| n * deviation.powi(2))
        .sum();
    let freedom = (
        bins.len() as f64 - 1.0,
        all.count() as f64 - bins.len() as f64,
    );
    let statistic = (between / freedom.0) / (within / freedom.1);
    let law = FisherSnedecor::new(freedom.0, freedom.1).ok()?;
    statistic.is_finite().then(|| {
        let p = PValue::saturating(law.sf(statistic));
        TestResult::new(statistic, p, "levene_asymptotic")
    })
}

fn distances(bin: &[(f64, f64)]) -> Moments {
    let mut errors: Vec<f64> = bin.iter().map(|(_, error)| *error).collect();
    errors.sort_unstable_by(f64::total_cmp);
    let median = quantile_by(errors.len(), 0.5, |rank| errors[rank]);
    errors.iter().map(|error| (error - median).abs()).collect()
}
