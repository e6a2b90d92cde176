use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::Estimate;
use super::estimate::student_quantile;
use super::rows::{Weighted, same_length, weighted_rows};

/// A mean over rows of which few have labels, by a guess for all of them: prediction-powered inference,
/// PPI++.
///
/// The loss of a row is known where its label is; a guess of it (what [`Cbpe`](super::Cbpe)'s assumption
/// makes of the probability, say) is known for all. The labels take the guess's error out, the guess takes
/// out what noise of the labels it can tell.
///
/// **Statistic**: λ·mean of the guess without labels + mean of (loss − λ·guess) with labels, with the λ in
/// \[0, 1] of the least estimated variance. **Interval**: Student's t with a degree of freedom less than
/// there are units with labels, the variance by units. **Assumption**: labels are at hand for a random sample
/// of the rows, or each row was labelled with a known probability π and weighs 1/π with its label, 1/(1 − π)
/// without; units are independent. Of the guess nothing is assumed. **Guarantee**: asymptotic coverage,
/// however wrong the guess; in expectation not wider than labels alone, to first order. **Weakness**: labels
/// that arrive first are no random sample (a loan's default is known before its repayment); below some 30
/// units with labels the interval is approximate; a guess that hardly tells one row's loss from another's
/// gains little width. **Cost**: O(n). **Source**: Angelopoulos, Duchi & Zrnic, "PPI++: Efficient
/// prediction-powered inference", arXiv 2311.01453, 2023, with the variance by units instead of rows.
///
/// ```
/// use mlops_drift::performance::PredictionPowered;
/// let missed = [Some(1.0), Some(0.0), Some(0.0), None, None, None, None, None];
/// let guessed = [0.6, 0.1, 0.2, 0.1, 0.2, 0.3, 0.1, 0.2];
/// let powered = PredictionPowered::new(&missed, &guessed)?.mean()?;
/// assert!(powered.lambda > 0.0);
/// assert!(powered.estimate.interval.width() < powered.labelled_alone.interval.width());
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct PredictionPowered {
    truth: Vec<Option<f64>>,
    guess: Vec<f64>,
    pub(super) rows: Weighted,
}

/// A prediction-powered figure beside that of the labels alone.
///
/// ```
/// use mlops_drift::performance::PredictionPowered;
/// let useless = [0.5; 4]; // the same guess for every row: labels alone remain
/// let rows = PredictionPowered::new(&[Some(0.0), Some(1.0), None, None], &useless)?;
/// let powered = rows.mean()?;
/// assert_eq!((powered.lambda, powered.labelled), (0.0, 2));
/// assert_eq!(powered.estimate, powered.labelled_alone);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Powered {
    /// The figure with its interval.
    pub estimate: Estimate,
    /// What the rows with labels say by themselves.
    pub labelled_alone: Estimate,
    /// How far the guess is trusted, in \[0, 1].
    pub lambda: f64,
    /// Rows with labels.
    pub labelled: usize,
}

impl PredictionPowered {
    /// True values where labels are at hand, and a guess for every row, at 95 % confidence, rows independent.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for different lengths, no label, NaN or
    /// ±inf.
    pub fn new(truth: &[Option<f64>], guess: &[f64]) -> Result<Self> {
        same_length("guesses", truth.len(), guess.len())?;
        if !truth.iter().any(Option::is_some) {
            return Err(Error::invalid(
                "at least 1 row with a label is needed, got 0",
            ));
        }
        let numbers = truth.iter().flatten().chain(guess);
        if let Some(number) = numbers.into_iter().find(|number| !number.is_finite()) {
            return Err(Error::invalid(format!(
                "true values and guesses must be finite, got {number}"
            )));
        }
        Ok(Self {
            truth: truth.to_vec(),
            guess: guess.to_vec(),
            rows: Weighted::rows(truth.len()),
        })
    }

    /// The mean.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for labels in fewer than two units, or
    /// rows of such a scale that the interval overflows.
    pub fn mean(&self) -> Result<Powered> {
        let parts = Parts::of(self)?;
        let lambda = parts.lambda();
        let of = |lambda| parts.figure(self, parts.mean(lambda), parts.error(lambda));
        self.powered(of(lambda)?, of(0.0)?, lambda)
    }

    /// The ratio of this mean to another one of the same rows, such as that of true positives to that of
    /// yeses: precision. The λ is that of the ratio, the interval by the delta method.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) as [`mean`](Self::mean)'s, for other rows
    /// or labels, and for a mean of 0 below the line.
    ///
    /// ```
    /// use mlops_drift::performance::PredictionPowered;
    /// let right = PredictionPowered::new(&[Some(1.0), Some(0.0), Some(1.0), None], &[0.9, 0.6, 0.8, 0.7])?;
    /// let said = PredictionPowered::new(&[Some(1.0), Some(1.0), Some(1.0), None], &[1.0; 4])?;
    /// let precision = right.ratio(&said)?;
    /// assert!((precision.labelled_alone.value - 2.0 / 3.0).abs() < 1e-15);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn ratio(&self, below: &Self) -> Result<Powered> {
        let (over, under) = (Parts::of(self)?, Parts::of(below)?);
        let start = divided(over.mean(0.0), under.mean(0.0))?;
        let lambda = Parts::of(&self.minus(start, below)?)?.lambda();
        let of = |lambda: f64| {
            let ratio = divided(over.mean(lambda), under.mean(lambda))?;
            let rest = Parts::of(&self.minus(ratio, below)?)?;
            rest.figure(self, ratio, rest.error(lambda) / under.mean(lambda).abs())
        };
        self.powered(of(lambda)?, of(0.0)?, lambda)
    }

    /// Some of the rows.
    pub(super) fn part(&self, rows: &[usize]) -> Self {
        Self {
            truth: rows.iter().map(|row| self.truth[*row]).collect(),
            guess: rows.iter().map(|row| self.guess[*row]).collect(),
            rows: self.rows.part(rows),
        }
    }

    /// Row by row, this less `times` the other.
    fn minus(&self, times: f64, other: &Self) -> Result<Self> {
        let labels = self.truth.iter().zip(&other.truth);
        let same = labels.clone().all(|(a, b)| a.is_some() == b.is_some());
        if self.truth.len() != other.truth.len() || !same || !self.rows.same_rows(&other.rows) {
            return Err(Error::invalid(
                "both means must be of the same rows: labels, weights or units differ",
            ));
        }
        let labels = labels.map(|(a, b)| Some((*a)? - times * (*b)?));
        let guesses = self.guess.iter().zip(&other.guess);
        Ok(Self {
            truth: labels.collect(),
            guess: guesses.map(|(a, b)| a - times * b).collect(),
            rows: self.rows.clone(),
        })
    }

    fn powered(&self, estimate: Estimate, alone: Estimate, lambda: f64) -> Result<Powered> {
        Ok(Powered {
            estimate,
            labelled_alone: alone,
            lambda,
            labelled: self.truth.iter().flatten().count(),
        })
    }
}

weighted_rows!(
    PredictionPowered,
    "# let rows = mlops_drift::performance::PredictionPowered::new(&[Some(1.0); 4], &[0.5; 4])?;"
);

/// Means, and sums of deviations by unit, of the true values and guesses with labels, and of the guesses
/// without.
struct Parts {
    means: [f64; 3],
    sums: [Vec<f64>; 3],
    /// Units with labels, without, and all.
    units: [usize; 3],
}

impl Parts {
    fn of(rows: &PredictionPowered) -> Result<Self> {
        let [with, without] = [true, false].map(|labelled| rows_of(rows, labelled));
        let clusters = &rows.rows.clusters;
        let held = |part: &[(usize, f64)]| clusters.held_by(part.iter().map(|(row, _)| *row));
        let units = [held(&with), held(&without), clusters.count()];
        if units[0] < 2 {
            return Err(Error::invalid(format!(
                "an interval needs labels in at least 2 independent units, got {}",
                units[0]
            )));
        }
        let truth = |row: usize| rows.truth[row].unwrap_or_default();
        let guess = |row: usize| rows.guess[row];
        let split = |part: &[(usize, f64)], value: &dyn Fn(usize) -> f64| {
            let mean: f64 = part.iter().map(|(row, share)| share * value(*row)).sum();
            let deviations = part
                .iter()
                .map(|(row, share)| (*row, share * (value(*row) - mean)));
            (mean, clusters.sums(deviations))
        };
        let [a, b, c] = [
            split(&with, &truth),
            split(&with, &guess),
            split(&without, &guess),
        ];
        Ok(Self {
            means: [a.0, b.0, c.0],
            sums: [a.1, b.1, c.1],
            units,
        })
    }

    /// The λ of least variance; 0 where that is undefined.
    fn lambda(&self) -> f64 {
        if self.units[1] < 2 {
            return 0.0;
        }
        let [truth, guess, others] = &self.sums;
        let [labelled, unlabelled, both] = self.bessel();
        let shared = labelled * dot(truth, guess) - both * dot(truth, others);
        let spread = labelled * dot(guess, guess) + unlabelled * dot(others, others)
            - 2.0 * both * dot(guess, others);
        let lambda = shared / spread;
        if lambda.is_nan() {
            0.0
        } else {
            lambda.clamp(0.0, 1.0)
        }
    }

    fn mean(&self, lambda: f64) -> f64 {
        let [truth, guess, others] = self.means;
        if lambda == 0.0 {
            truth
        } else {
            truth + lambda * (others - guess)
        }
    }

    /// The standard error; units with and without labels may be the same ones.
    fn error(&self, lambda: f64) -> f64 {
        let [truth, guess, others] = &self.sums;
        let [labelled, unlabelled, both] = self.bessel();
        let rest: Vec<f64> = truth
            .iter()
            .zip(guess)
            .map(|(y, f)| y - lambda * f)
            .collect();
        let of_labelled = labelled * dot(&rest, &rest);
        if lambda == 0.0 {
            return of_labelled.sqrt();
        }
        let of_others = lambda * lambda * unlabelled * dot(others, others);
        (of_labelled + of_others + 2.0 * lambda * both * dot(&rest, others))
            .max(0.0)
            .sqrt()
    }

    fn figure(&self, rows: &PredictionPowered, value: f64, error: f64) -> Result<Estimate> {
        let freedom = (self.units[0] - 1) as f64;
        let radius = error * student_quantile(rows.rows.confidence, freedom)?;
        rows.rows.figure(value, value - radius, value + radius)
    }

    fn bessel(&self) -> [f64; 3] {
        self.units.map(|units| units as f64 / (units as f64 - 1.0))
    }
}

/// Rows of weight with or without labels, each with its share of their weight.
fn rows_of(rows: &PredictionPowered, labelled: bool) -> Vec<(usize, f64)> {
    let weights = rows.rows.get();
    let of_part = |row: &usize| rows.truth[*row].is_some() == labelled && weights[*row] > 0.0;
    let part: Vec<usize> = (0..rows.truth.len()).filter(of_part).collect();
    let all: f64 = part.iter().map(|row| weights[*row]).sum();
    part.into_iter()
        .map(|row| (row, weights[row] / all))
        .collect()
}

fn divided(over: f64, under: f64) -> Result<f64> {
    if under == 0.0 {
        return Err(Error::invalid(
            "the mean below the line must not be 0, got 0",
        ));
    }
    Ok(over / under)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
