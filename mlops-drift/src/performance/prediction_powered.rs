use mlops_core::evidence::PValue;
use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::Estimate;
use super::estimate::{student_quantile, student_tail, unseen};
use super::normal_equations::dot;
use super::rows::{
    EVERYWHERE, Weighted, at_least, check_unlike, checked_range, none, same_length, towards_ends,
    weighted_rows,
};

/// A mean over rows of which few have labels, by a guess for all of them: prediction-powered inference,
/// PPI++.
///
/// The loss of a row is known where its label is; a guess of it (what [`Cbpe`](super::Cbpe)'s assumption
/// makes of the probability, say) is known for all. The labels take the guess's error out, the guess takes
/// out what noise of the labels it can tell.
///
/// **Statistic**: λ·mean of the guess without labels + mean of (loss − λ·guess) with labels, with the λ in
/// \[0, 1] of the least estimated variance; with [label probabilities](Self::label_probabilities) π the first
/// mean is over all rows, and in the second a row weighs 1/π. **Interval**: Student's t with a degree of
/// freedom less than there are units with labels, the variance by units. **Assumption**: labels are at hand
/// for a random sample of the rows, or each row was labelled with a known probability of its own; units are
/// independent. Of the guess nothing is assumed. **Guarantee**: asymptotic coverage, however wrong the guess;
/// in expectation not wider than labels alone, to first order. **It fails** where the labels are no such
/// sample, as those that arrive first are not (a loan's default is known before its repayment):
/// [`sampled_alike`](Self::sampled_alike) tests what can be seen of it. **Weakness**: below some 30 units with
/// labels the interval is approximate; a guess that hardly tells one row's loss from another's gains little
/// width. **Cost**: O(n). **Source**: Angelopoulos, Duchi & Zrnic, "PPI++: Efficient prediction-powered
/// inference", arXiv 2311.01453, 2023; Zrnic & Candès, "Active statistical inference", ICML 2024, for
/// probabilities of labels, whose weights are scaled to a sum of 1 here; with the variance by units instead of
/// rows.
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
    label_probabilities: Option<Vec<f64>>,
    range: (f64, f64),
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
/// assert_eq!(powered.estimate.interval, powered.labelled_alone.interval);
/// assert_eq!((powered.estimate.n, powered.labelled_alone.n), (4, 2));
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
            label_probabilities: None,
            range: EVERYWHERE,
            rows: Weighted::rows(truth.len()),
        })
    }

    /// With the probability in (0, 1] that each row had of being labelled, where it was not the same for all:
    /// rows that the model is unsure of may be asked for more often, or always.
    ///
    /// **Assumption**: rows, or units, were chosen independently of each other with these probabilities, and
    /// not by the label itself. Weights then stand for something else, such as how often a row counts.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for another number of rows, or a
    /// probability outside (0, 1].
    ///
    /// ```
    /// use mlops_drift::performance::PredictionPowered;
    /// // The first two were labelled for sure, of the others every second.
    /// let missed = [Some(1.0), Some(1.0), Some(0.0), None, Some(0.0), None];
    /// let rows = PredictionPowered::new(&missed, &[0.0; 6])?;
    /// let rows = rows.label_probabilities(&[1.0, 1.0, 0.5, 0.5, 0.5, 0.5])?;
    /// assert!((rows.mean()?.estimate.value - 1.0 / 3.0).abs() < 1e-12);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn label_probabilities(mut self, probabilities: &[f64]) -> Result<Self> {
        same_length("label probabilities", self.truth.len(), probabilities.len())?;
        if let Some(p) = probabilities.iter().find(|p| !(**p > 0.0 && **p <= 1.0)) {
            return Err(Error::invalid(format!(
                "label probabilities must lie in (0, 1], got {p}"
            )));
        }
        self.label_probabilities = Some(probabilities.to_vec());
        Ok(self)
    }

    /// Intervals within the range in which the mean, or ratio, is known to lie, such as that of a share or of a bounded loss. Where all labels are
    /// alike, what none of them has shown may lie at its ends, by the rule of three; without a range of two finite ends they say nothing of
    /// others, and are refused.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless `low < high`.
    ///
    /// ```
    /// # use mlops_drift::performance::PredictionPowered;
    /// let rows = PredictionPowered::new(&[Some(0.0), Some(0.0), None, None], &[0.1, 0.0, 0.1, 0.0])?;
    /// assert!(rows.clone().range(0.0, 1.0)?.mean()?.labelled_alone.interval.high() > 0.8); // of two labels
    /// assert!(rows.mean().unwrap_err().to_string().contains("2 units that are all alike"));
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn range(self, low: f64, high: f64) -> Result<Self> {
        Ok(self.within(checked_range(low, high)?))
    }

    pub(super) fn within(mut self, range: (f64, f64)) -> Self {
        self.range = range;
        self
    }

    /// Whether the guesses with labels have the mean of all guesses, as those of a random sample do: the
    /// two-sided p-value of Student's t for their difference, by units. A small one says that the labels are no
    /// such sample; a great one does not say that they are, since the labels themselves may still differ.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for labels in fewer than two units, none
    /// that are missing, or guesses that are all the same.
    ///
    /// ```
    /// use mlops_drift::performance::PredictionPowered;
    /// // Labels arrived for the greatest guesses only.
    /// let guess: Vec<f64> = (0..200).map(|row| f64::from(row) / 200.0).collect();
    /// let truth: Vec<Option<f64>> = guess.iter().map(|p| (*p > 0.8).then_some(1.0)).collect();
    /// assert!(PredictionPowered::new(&truth, &guess)?.sampled_alike()?.get() < 1e-6);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn sampled_alike(&self) -> Result<PValue> {
        if self.truth.iter().all(Option::is_some) {
            return Err(Error::invalid(
                "every row has a label: they are all, and no sample",
            ));
        }
        let parts = Parts::of(self)?;
        let [_, guess, others] = parts.means;
        let t = (guess - others) / parts.error_of_difference();
        if !t.is_finite() {
            return Err(Error::invalid(
                "guesses with and without labels are needed, and more than one value of them",
            ));
        }
        let freedom = (parts.units[0] - 1) as f64;
        Ok(PValue::saturating(2.0 * student_tail(t.abs(), freedom)?))
    }

    /// The mean.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for labels in fewer than two units, labels
    /// that are all alike without a [range](Self::range), or rows of such a scale that the interval overflows.
    pub fn mean(&self) -> Result<Powered> {
        let parts = Parts::of(self)?;
        let lambda = parts.trusted(self.range);
        let unlike = self.unlike(|_| true, 1.0);
        let of = |lambda| {
            parts.figure(
                self,
                parts.mean(lambda),
                parts.error(lambda),
                lambda,
                &unlike,
            )
        };
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
        let lambda = Parts::of(&self.minus(start, below)?)?.trusted(self.range);
        let unlike = below.unlike_below();
        let of = |lambda: f64| {
            let ratio = divided(over.mean(lambda), under.mean(lambda))?;
            let rest = Parts::of(&self.minus(ratio, below)?)?;
            let error = rest.error(lambda) / under.mean(lambda).abs();
            rest.figure(self, ratio, error, lambda, &unlike)
        };
        self.powered(of(lambda)?, of(0.0)?, lambda)
    }

    /// Of a ratio to these labels, which is of units with a label other than 0: as far as a row counts more than others do, such as one that is both
    /// a yes and a positive for F1, the share of its kind is more.
    fn unlike_below(&self) -> Unlike {
        let counts = |row: usize| self.truth[row].is_some_and(|truth| truth != 0.0);
        let sizes = self.truth.iter().flatten().map(|truth| truth.abs());
        let sizes: Vec<f64> = sizes.filter(|size| *size > 0.0).collect();
        let mean = sizes.iter().sum::<f64>() / sizes.len() as f64;
        self.unlike(counts, sizes.into_iter().fold(0.0, f64::max) / mean)
    }

    /// Of so many times the share that none of the units with labels, of those that count, is of.
    fn unlike(&self, counts: impl Fn(usize) -> bool, times: f64) -> Unlike {
        let labelled = rows_of(self, true).into_iter();
        let labelled: Vec<(usize, f64)> = labelled.filter(|(row, _)| counts(*row)).collect();
        let units = self
            .rows
            .clusters
            .held_by(labelled.iter().map(|(row, _)| *row));
        let sums = self.rows.clusters.sums(labelled.into_iter());
        let squares: f64 = sums.iter().map(|sum| sum * sum).sum();
        let effective = sums.iter().sum::<f64>().powi(2) / squares;
        Unlike {
            share: (times * unseen(self.rows.confidence, effective)).min(1.0),
            units,
        }
    }

    /// Some of the rows.
    pub(super) fn part(&self, rows: &[usize]) -> Self {
        Self {
            truth: rows.iter().map(|row| self.truth[*row]).collect(),
            guess: rows.iter().map(|row| self.guess[*row]).collect(),
            label_probabilities: self
                .label_probabilities
                .as_ref()
                .map(|of_row| rows.iter().map(|row| of_row[*row]).collect()),
            range: self.range,
            rows: self.rows.part(rows),
        }
    }

    /// Row by row, this less `times` the other.
    fn minus(&self, times: f64, other: &Self) -> Result<Self> {
        let labels = self.truth.iter().zip(&other.truth);
        let same = labels.clone().all(|(a, b)| a.is_some() == b.is_some());
        let same = same && self.label_probabilities == other.label_probabilities;
        if self.truth.len() != other.truth.len() || !same || !self.rows.same_rows(&other.rows) {
            return Err(Error::invalid(
                "both means must be of the same rows: labels, their probabilities, weights or units differ",
            ));
        }
        let labels = labels.map(|(a, b)| Some((*a)? - times * (*b)?));
        let guesses = self.guess.iter().zip(&other.guess);
        Ok(Self {
            truth: labels.collect(),
            guess: guesses.map(|(a, b)| a - times * b).collect(),
            label_probabilities: self.label_probabilities.clone(),
            range: self.range,
            rows: self.rows.clone(),
        })
    }

    fn powered(&self, estimate: Estimate, alone: Estimate, lambda: f64) -> Result<Powered> {
        let with_labels = self
            .rows
            .weighing()
            .filter(|row| self.truth[*row].is_some());
        let rows: Vec<usize> = with_labels.collect();
        let units = self.rows.clusters.held_by(rows.iter().copied());
        Ok(Powered {
            estimate,
            labelled_alone: Estimate {
                n: rows.len(),
                units,
                ..alone
            },
            lambda,
            labelled: rows.len(),
        })
    }
}

weighted_rows!(
    PredictionPowered,
    "# let rows = mlops_drift::performance::PredictionPowered::new(&[Some(1.0); 4], &[0.5; 4])?;"
);

/// What labelled units may not have shown.
struct Unlike {
    /// Of the units that a figure is of, those that may be unlike all of these.
    share: f64,
    /// How many these are.
    units: usize,
}

/// Means, and sums of deviations by unit, of the true values and guesses with labels, and of the guesses
/// without; where rows have a probability of their label, of all guesses.
struct Parts {
    means: [f64; 3],
    sums: [Vec<f64>; 3],
    /// Units with labels, of the other guesses, and all.
    units: [usize; 3],
}

impl Parts {
    fn of(rows: &PredictionPowered) -> Result<Self> {
        let [with, without] = [true, false].map(|labelled| rows_of(rows, labelled));
        let clusters = &rows.rows.clusters;
        let held = |part: &[(usize, f64)]| clusters.held_by(part.iter().map(|(row, _)| *row));
        let units = [held(&with), held(&without), rows.rows.units_held()];
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

    /// The λ by which guesses are trusted: that of least variance, but for guesses that lie on one line with the labels. Then nothing but a known
    /// range tells how far off they may be where there is none, and without one the labels alone must do.
    fn trusted(&self, range: (f64, f64)) -> f64 {
        let [truth, guess, _] = &self.sums;
        let line = dot(truth, guess) / dot(guess, guess);
        let is_known = range.0.is_finite() && range.1.is_finite();
        match !is_known && none(self.error_of_rest(line), self.error_of_rest(0.0)) {
            true => 0.0,
            false => self.lambda(),
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
        let of_labelled = self.error_of_rest(lambda);
        if lambda == 0.0 {
            return of_labelled;
        }
        let ([.., others], [_, unlabelled, both]) = (&self.sums, self.bessel());
        let of_others = lambda * lambda * unlabelled * dot(others, others);
        let shared = 2.0 * lambda * both * dot(&self.rest(lambda), others);
        (of_labelled * of_labelled + of_others + shared)
            .max(0.0)
            .sqrt()
    }

    /// That of what the guesses leave of the labels.
    fn error_of_rest(&self, lambda: f64) -> f64 {
        let (rest, [labelled, ..]) = (self.rest(lambda), self.bessel());
        (labelled * dot(&rest, &rest)).sqrt()
    }

    fn rest(&self, lambda: f64) -> Vec<f64> {
        let [truth, guess, _] = &self.sums;
        let units = truth.iter().zip(guess);
        units.map(|(y, f)| y - lambda * f).collect()
    }

    /// The standard error of the guesses' mean with labels less that of the others.
    fn error_of_difference(&self) -> f64 {
        let [_, guess, others] = &self.sums;
        let [labelled, unlabelled, both] = self.bessel();
        let variance = labelled * dot(guess, guess) + unlabelled * dot(others, others);
        (variance - 2.0 * both * dot(guess, others)).max(0.0).sqrt()
    }

    /// With Student's t, but never narrower than the rule of three has it: this share of units may be unlike the labelled ones that the figure is of, at
    /// the ends of the range, and the guess as far off as the range is wide.
    fn figure(
        &self,
        rows: &PredictionPowered,
        value: f64,
        error: f64,
        lambda: f64,
        unlike: &Unlike,
    ) -> Result<Estimate> {
        let (confidence, range) = (rows.rows.confidence, rows.range);
        check_unlike(error, value, range, unlike.units)?;
        let radius = error * student_quantile(confidence, (self.units[0] - 1) as f64)?;
        let width = Some(range.1 - range.0).filter(|width| width.is_finite());
        let guessed = unlike.share * lambda * width.unwrap_or_default();
        let [below, above] =
            towards_ends(value, range, unlike.share).map(|moved| at_least(moved + guessed, radius));
        let within = |value: f64| value.max(range.0).min(range.1);
        rows.rows
            .figure(within(value), within(value - below), within(value + above))
    }

    fn bessel(&self) -> [f64; 3] {
        self.units.map(|units| units as f64 / (units as f64 - 1.0))
    }
}

/// Rows of weight with labels, or those of the other guesses, each with its share of their weight.
fn rows_of(rows: &PredictionPowered, labelled: bool) -> Vec<(usize, f64)> {
    let weight = |row: usize| match &rows.label_probabilities {
        Some(of_row) if labelled => rows.rows.get()[row] / of_row[row],
        _ => rows.rows.get()[row],
    };
    let everywhere = rows.label_probabilities.is_some() && !labelled;
    let of_part = |row: &usize| everywhere || rows.truth[*row].is_some() == labelled;
    let part: Vec<usize> = rows.rows.weighing().filter(of_part).collect();
    let all: f64 = part.iter().map(|row| weight(*row)).sum();
    part.into_iter()
        .map(|row| (row, weight(row) / all))
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
