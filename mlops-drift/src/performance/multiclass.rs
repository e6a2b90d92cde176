use mlops_core::{Error, Result};

use super::curve::cell;
use super::rows::{Weighted, mean, same_length, weighted_rows};
use super::share::share;
use super::{Confusion, Curve, Estimate};

/// Labels of several classes and the predicted probabilities of each.
///
/// ```
/// use mlops_drift::performance::{Average, Multiclass};
/// let rows = Multiclass::new(3, &[0, 1, 2, 2], &[
///     0.8, 0.1, 0.1, //
///     0.2, 0.7, 0.1, //
///     0.1, 0.2, 0.7, //
///     0.5, 0.1, 0.4, //
/// ])?;
/// assert_eq!(rows.confusion().accuracy(), 0.75);
/// assert_eq!(rows.top(2)?, 1.0);
/// let f1 = rows.estimate(|confusion| Some(confusion.f1(Average::Macro)))?;
/// assert!(f1.interval.contains(f1.value));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Multiclass {
    classes: usize,
    truth: Vec<usize>,
    predicted: Vec<usize>,
    /// Row by row, each summing to 1.
    probabilities: Vec<f64>,
    pub(super) rows: Weighted,
}

impl Multiclass {
    /// Labels, numbered from 0, and probabilities row by row; rows are scaled to a sum of 1, and the class of
    /// the greatest probability is the predicted one, the first of equal ones.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for no rows, fewer than two classes,
    /// another number of probabilities, a label out of range, a probability that is negative or not finite,
    /// or a row of zeros.
    pub fn new(classes: usize, labels: &[usize], probabilities: &[f64]) -> Result<Self> {
        same_length("probabilities", labels.len() * classes, probabilities.len())?;
        if let Some(p) = probabilities
            .iter()
            .find(|p| !(0.0..f64::INFINITY).contains(*p))
        {
            return Err(Error::invalid(format!(
                "probabilities must lie in [0, inf), got {p}"
            )));
        }
        let rows = probabilities.chunks(classes.max(1));
        let mut scaled = Vec::with_capacity(probabilities.len());
        for (index, row) in rows.clone().enumerate() {
            let sum = sum(row);
            if sum <= 0.0 {
                return Err(Error::invalid(format!(
                    "the probabilities of a row must sum to more than 0, got {sum} in row {index}"
                )));
            }
            scaled.extend(row.iter().map(|p| p / sum));
        }
        let predicted: Vec<usize> = rows.map(greatest).collect();
        Confusion::of(classes, labels, &predicted)?; // labels in range, some rows
        Ok(Self {
            classes,
            truth: labels.to_vec(),
            predicted,
            probabilities: scaled,
            rows: Weighted::rows(labels.len()),
        })
    }

    /// True against predicted classes: accuracy, precision, recall, F1, kappa and so on.
    pub fn confusion(&self) -> Confusion {
        self.weighted(self.rows.get())
    }

    /// A metric of the confusion matrix with its interval, by 999 resamples of the units.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than two units, or a metric that
    /// is undefined.
    pub fn estimate(&self, metric: impl Fn(&Confusion) -> Option<f64>) -> Result<Estimate> {
        self.rows
            .estimate(|weights| metric(&self.weighted(weights)))
    }

    /// The mean over the classes of the AUC of each against all others, in \[0, 1].
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) if a class does not occur.
    ///
    /// ```
    /// # use mlops_drift::performance::Multiclass;
    /// let rows = Multiclass::new(2, &[0, 1], &[0.9, 0.1, 0.2, 0.8])?;
    /// assert_eq!((rows.auc_one_against_rest()?, rows.auc_one_against_one()?), (1.0, 1.0));
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn auc_one_against_rest(&self) -> Result<f64> {
        self.one_against_rest(self.rows.get())
    }

    /// The same with its interval, by 999 resamples of the units. **Cost**: O(999·k·n log n) for k classes.
    ///
    /// # Errors
    /// As [`auc_one_against_rest`](Self::auc_one_against_rest)'s, for fewer than two units, and for a class so
    /// rare that most resamples lack it.
    ///
    /// ```
    /// # use mlops_drift::performance::Multiclass;
    /// let rows = Multiclass::new(2, &[0, 1, 0, 1], &[0.9, 0.1, 0.2, 0.8, 0.4, 0.6, 0.5, 0.5])?;
    /// assert_eq!(rows.estimate_auc_one_against_rest()?.value, rows.auc_one_against_rest()?);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn estimate_auc_one_against_rest(&self) -> Result<Estimate> {
        self.one_against_rest(self.rows.get())?;
        self.rows
            .estimate(|weights| self.one_against_rest(weights).ok())
    }

    fn one_against_rest(&self, weights: &[f64]) -> Result<f64> {
        let areas = (0..self.classes).map(|class| self.auc(weights, class, |_| true));
        Ok(areas.sum::<Result<f64>>()? / self.classes as f64)
    }

    /// The mean over pairs of classes of the AUC of one against the other, in \[0, 1]: insensitive to how
    /// often classes occur. Hand & Till, "A simple generalisation of the area under the ROC curve for
    /// multiple class classification problems", Machine Learning 45, 2001.
    ///
    /// # Errors
    /// As [`auc_one_against_rest`](Self::auc_one_against_rest)'s.
    pub fn auc_one_against_one(&self) -> Result<f64> {
        self.one_against_one(self.rows.get())
    }

    /// The same with its interval, by 999 resamples of the units. **Cost**: O(999·k²·n log n) for k classes.
    ///
    /// # Errors
    /// As [`estimate_auc_one_against_rest`](Self::estimate_auc_one_against_rest)'s.
    ///
    /// ```
    /// # use mlops_drift::performance::Multiclass;
    /// let rows = Multiclass::new(2, &[0, 1, 0, 1], &[0.9, 0.1, 0.2, 0.8, 0.4, 0.6, 0.5, 0.5])?;
    /// assert_eq!(rows.estimate_auc_one_against_one()?.value, rows.auc_one_against_one()?);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn estimate_auc_one_against_one(&self) -> Result<Estimate> {
        self.one_against_one(self.rows.get())?;
        self.rows
            .estimate(|weights| self.one_against_one(weights).ok())
    }

    fn one_against_one(&self, weights: &[f64]) -> Result<f64> {
        let classes = 0..self.classes;
        let pairs = classes
            .clone()
            .flat_map(|one| classes.clone().map(move |other| (one, other)));
        let areas = pairs
            .filter(|(one, other)| one != other)
            .map(|(one, other)| self.auc(weights, one, |truth| truth == one || truth == other));
        Ok(areas.sum::<Result<f64>>()? / (self.classes * (self.classes - 1)) as f64)
    }

    /// The mean −ln p(label), in nats; p is kept at least one machine epsilon.
    ///
    /// ```
    /// # use mlops_drift::performance::Multiclass;
    /// let rows = Multiclass::new(2, &[0], &[0.5, 0.5])?;
    /// assert_eq!(rows.log_loss(), std::f64::consts::LN_2);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn log_loss(&self) -> f64 {
        mean(self.log_losses().into_iter(), self.rows.get())
    }

    /// The same with its interval: Student's t, by units.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than two units.
    ///
    /// ```
    /// # use mlops_drift::performance::Multiclass;
    /// let rows = Multiclass::new(2, &[0, 1], &[0.5, 0.5, 0.2, 0.8])?;
    /// assert_eq!(rows.estimate_log_loss()?.value, rows.log_loss());
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn estimate_log_loss(&self) -> Result<Estimate> {
        self.rows
            .mean(&self.log_losses(), (0.0, -f64::EPSILON.ln()))
    }

    pub(super) fn log_losses(&self) -> Vec<f64> {
        let rows = self.truth.iter().zip(self.probability_rows());
        rows.map(|(truth, row)| -row[*truth].max(f64::EPSILON).ln())
            .collect()
    }

    /// 1 for every row whose class is not the predicted one, else 0.
    pub(super) fn misses(&self) -> Vec<f64> {
        let rows = self.truth.iter().zip(&self.predicted);
        rows.map(|(truth, predicted)| f64::from(u8::from(truth != predicted)))
            .collect()
    }

    /// The same rows with the same probabilities for each.
    pub(super) fn always(&self, probabilities: &[f64]) -> Result<Self> {
        if probabilities.len() != self.classes {
            return Err(Error::invalid(format!(
                "probabilities must number {}, one per class, got {}",
                self.classes,
                probabilities.len()
            )));
        }
        Self::new(
            self.classes,
            &self.truth,
            &probabilities.repeat(self.truth.len()),
        )
    }

    /// Some of the rows.
    pub(super) fn part(&self, rows: &[usize]) -> Self {
        let of_row = |row: &usize| self.probabilities[row * self.classes..][..self.classes].iter();
        Self {
            classes: self.classes,
            truth: rows.iter().map(|row| self.truth[*row]).collect(),
            predicted: rows.iter().map(|row| self.predicted[*row]).collect(),
            probabilities: rows.iter().flat_map(of_row).copied().collect(),
            rows: self.rows.part(rows),
        }
    }

    pub(super) fn classes(&self) -> usize {
        self.classes
    }

    /// The share of rows whose class is among the k of greatest probability, of equal ones the last.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless `1 <= k <= classes`.
    pub fn top(&self, k: usize) -> Result<f64> {
        let found = self.found(k)?.map(|found| f64::from(u8::from(found)));
        Ok(mean(found, self.rows.get()))
    }

    /// The same with its interval, as [`Scored::accuracy`](super::Scored::accuracy)'s.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless `1 <= k <= classes`.
    ///
    /// ```
    /// # use mlops_drift::performance::Multiclass;
    /// let rows = Multiclass::new(3, &[1, 2], &[0.5, 0.3, 0.2, 0.5, 0.3, 0.2])?;
    /// assert_eq!(rows.estimate_top(2)?.value, 0.5);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn estimate_top(&self, k: usize) -> Result<Estimate> {
        share(&self.rows, self.found(k)?.enumerate(), "top needs a row")
    }

    /// Row by row whether the class is among the first k.
    fn found(&self, k: usize) -> Result<impl Iterator<Item = bool>> {
        if !(1..=self.classes).contains(&k) {
            return Err(Error::invalid(format!(
                "k must lie in [1, {}], got {k}",
                self.classes
            )));
        }
        let rows = self.truth.iter().zip(self.probability_rows());
        Ok(rows.map(move |(truth, row)| {
            let ahead = row
                .iter()
                .enumerate()
                .filter(|(class, p)| **p > row[*truth] || (**p == row[*truth] && class > truth));
            ahead.count() < k
        }))
    }

    fn weighted(&self, weights: &[f64]) -> Confusion {
        Confusion::counted(self.classes, &self.truth, &self.predicted, weights)
    }

    fn probability_rows(&self) -> impl Iterator<Item = &[f64]> {
        self.probabilities.chunks_exact(self.classes)
    }

    fn auc(&self, weights: &[f64], class: usize, included: impl Fn(usize) -> bool) -> Result<f64> {
        let rows = self.truth.iter().zip(self.probability_rows()).zip(weights);
        let rows = rows.filter(|((truth, _), _)| included(**truth));
        let rows = rows.map(|((truth, row), weight)| (row[class], cell(*truth == class, *weight)));
        Curve::of_rows(rows).auc()
    }
}

weighted_rows!(
    Multiclass,
    "# let rows = mlops_drift::performance::Multiclass::new(2, &[0, 1, 0, 1], &[0.5; 8])?;"
);

/// The sum in the order in which NumPy adds up a row, so that rows tie after scaling as they do there.
fn sum(row: &[f64]) -> f64 {
    let (lanes, rest) = row.split_at(row.len() / 8 * 8);
    let mut sums = [0.0; 8];
    for chunk in lanes.chunks_exact(8) {
        sums.iter_mut().zip(chunk).for_each(|(sum, p)| *sum += p);
    }
    let [a, b, c, d, e, f, g, h] = sums;
    let whole = ((a + b) + (c + d)) + ((e + f) + (g + h));
    rest.iter().fold(whole, |sum, p| sum + p)
}

/// The position of the greatest value, the first of equal ones.
fn greatest(row: &[f64]) -> usize {
    let mut best = 0;
    for (class, p) in row.iter().enumerate() {
        if *p > row[best] {
            best = class;
        }
    }
    best
}
