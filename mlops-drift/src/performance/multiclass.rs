use mlops_core::{Error, Result};

use super::curve::{Order, cell};
use super::estimate::unseen;
use super::outcomes::Outcomes;
use super::rows::{Weighted, mean, own_metrics, same_length, weighted_rows};
use super::share::share;
use super::{Confusion, Curve, Estimate, Loss, Scored};

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

/// How far the sum of a row's probabilities may lie from 1, see [`Multiclass::new`].
const ROUNDING: f64 = 1e-5;

/// Whether probabilities of this sum are those of all classes.
pub(crate) fn sum_to_one(sum: f64) -> bool {
    (sum - 1.0).abs() <= ROUNDING
}

/// One number in [0, inf) for each class of each row.
fn check_cells(what: &str, classes: usize, labels: &[usize], cells: &[f64]) -> Result<()> {
    same_length(what, labels.len() * classes, cells.len())?;
    match cells.iter().find(|p| !(0.0..f64::INFINITY).contains(*p)) {
        Some(p) => Err(Error::invalid(format!(
            "{what} must lie in [0, inf), got {p}"
        ))),
        None => Ok(()),
    }
}

impl Multiclass {
    /// Labels, numbered from 0, and probabilities row by row, which sum to 1 within 1e-5 and are scaled by their sum, unless that is off by its own rounding;
    /// the class of the greatest probability is the predicted one, the first of equal ones. The tolerance is that of scikit-learn's `roc_auc_score` of several classes, which
    /// refuses other rows likewise, and a softmax of a thousand classes in `f32` keeps it. Scores that are no probabilities are read by
    /// [`of_scores`](Self::of_scores).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for no rows, fewer than two classes,
    /// another number of probabilities, a label out of range, a probability that is negative or not finite,
    /// or a row of another sum.
    ///
    /// ```
    /// use mlops_drift::performance::Multiclass;
    /// let error = Multiclass::new(2, &[0, 1], &[0.9, 0.1, 2.0, 6.0]).unwrap_err();
    /// assert!(error.to_string().contains("must sum to 1, got 8 in row 1"));
    /// ```
    pub fn new(classes: usize, labels: &[usize], probabilities: &[f64]) -> Result<Self> {
        check_cells("probabilities", classes, labels, probabilities)?;
        let mut sums = probabilities.chunks(classes.max(1)).map(sum);
        if let Some((row, sum)) = sums.by_ref().enumerate().find(|(_, sum)| !sum_to_one(*sum)) {
            return Err(Error::invalid(format!(
                "the probabilities of a row must sum to 1, got {sum} in row {row}: scores are read by of_scores"
            )));
        }
        // Off by no more than rounding a sum is 1: equal probabilities stay equal.
        let rounding = f64::EPSILON * classes as f64;
        let divisor = |sum: f64| {
            if (sum - 1.0).abs() <= rounding {
                1.0
            } else {
                sum
            }
        };
        Self::scaled(classes, labels, probabilities, divisor)
    }

    /// Labels, numbered from 0, and scores row by row, such as votes: each row is scaled to a sum of 1, and taken for probabilities then.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) as [`new`](Self::new), but for a sum: a row of zeros alone is refused.
    ///
    /// ```
    /// use mlops_drift::performance::Multiclass;
    /// let votes = Multiclass::of_scores(2, &[0, 1], &[9.0, 1.0, 2.0, 6.0])?;
    /// assert_eq!(votes, Multiclass::new(2, &[0, 1], &[0.9, 0.1, 0.25, 0.75])?);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn of_scores(classes: usize, labels: &[usize], scores: &[f64]) -> Result<Self> {
        check_cells("scores", classes, labels, scores)?;
        Self::scaled(classes, labels, scores, |sum| sum)
    }

    fn scaled(
        classes: usize,
        labels: &[usize],
        cells: &[f64],
        divisor: impl Fn(f64) -> f64,
    ) -> Result<Self> {
        let rows = cells.chunks(classes.max(1));
        let mut scaled = Vec::with_capacity(cells.len());
        for (index, row) in rows.clone().enumerate() {
            let sum = sum(row);
            if sum <= 0.0 {
                return Err(Error::invalid(format!(
                    "the scores of a row must sum to more than 0, got {sum} in row {index}"
                )));
            }
            let divisor = divisor(sum);
            scaled.extend(row.iter().map(|p| p / divisor));
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

    /// A metric of the confusion matrix with its interval, by 999 resamples of the units. Where all rows of a
    /// class were given one answer, others may be as frequent as the rule of three allows, so that no interval
    /// shrinks to a point.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than two units, or a metric that
    /// is undefined.
    pub fn estimate(&self, metric: impl Fn(&Confusion) -> Option<f64>) -> Result<Estimate> {
        let outcomes = Outcomes {
            rows: &self.rows,
            classes: self.classes,
            truth: &self.truth,
            predicted: &self.predicted,
        };
        outcomes.estimate(metric)
    }

    /// What a metric of the confusion matrix gains over a dummy that answers each class with a given
    /// probability whatever the row: 1 for the majority class, or the classes' shares in training for a draw
    /// from them. Both on the same rows; interval as [`estimate`](Self::estimate)'s.
    ///
    /// # Errors
    /// As [`estimate`](Self::estimate)'s, for another number of probabilities, and for one that is negative
    /// or not finite, or a sum of 0.
    ///
    /// ```
    /// # use mlops_drift::performance::Multiclass;
    /// let rows = Multiclass::new(2, &[0, 1, 1], &[0.9, 0.1, 0.2, 0.8, 0.3, 0.7])?;
    /// let gain = rows.gain(&[0.0, 1.0], |confusion| Some(confusion.accuracy()))?;
    /// assert!((gain.value - 1.0 / 3.0).abs() < 1e-12);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn gain(
        &self,
        shares: &[f64],
        metric: impl Fn(&Confusion) -> Option<f64>,
    ) -> Result<Estimate> {
        let dummy = self.always(shares)?;
        let shares = &dummy.probabilities[..self.classes];
        self.estimate(|confusion| Some(metric(confusion)? - metric(&confusion.of_dummy(shares))?))
    }

    /// The share of right answers, with its interval as [`Scored::accuracy`]'s.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for rows of a single unit.
    ///
    /// ```
    /// # use mlops_drift::performance::Multiclass;
    /// let rows = Multiclass::new(2, &[0, 1], &[0.9, 0.1, 0.7, 0.3])?;
    /// assert_eq!(rows.accuracy()?.value, 0.5);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn accuracy(&self) -> Result<Estimate> {
        let right = self.misses().into_iter().map(|miss| miss == 0.0);
        share(&self.rows, right.enumerate(), "accuracy needs a row")
    }

    /// One class against all others, by its probability: everything that [`Scored`] gives of two classes, such
    /// as average precision, the curve with its lift, and [`Reliability`](super::Reliability).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a class out of range.
    ///
    /// ```
    /// # use mlops_drift::performance::Multiclass;
    /// let rows = Multiclass::new(3, &[0, 1, 2], &[0.8, 0.1, 0.1, 0.2, 0.7, 0.1, 0.1, 0.2, 0.7])?;
    /// assert_eq!(rows.against_rest(2)?.curve().average_precision()?, 1.0);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn against_rest(&self, class: usize) -> Result<Scored> {
        self.check_class(class)?;
        Ok(Scored {
            labels: self.truth.iter().map(|truth| *truth == class).collect(),
            probabilities: self
                .probability_rows()
                .map(|row| row[class].min(1.0))
                .collect(),
            rows: self.rows.clone(),
        })
    }

    /// Whether each answer was right, by its own probability: its reliability and calibration error are those
    /// of the answers, and its curve tells what is gained by leaving unsure rows to others (Guo, Pleiss, Sun &
    /// Weinberger, "On calibration of modern neural networks", ICML 2017).
    ///
    /// ```
    /// # use mlops_drift::performance::Multiclass;
    /// let rows = Multiclass::new(2, &[0, 1], &[0.75, 0.25, 0.75, 0.25])?;
    /// let bin = rows.answers().reliability(10)?.bins[0];
    /// assert_eq!((bin.predicted, bin.observed), (0.75, 0.5));
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn answers(&self) -> Scored {
        let rows = self.probability_rows().zip(&self.predicted);
        Scored {
            labels: self.misses().into_iter().map(|miss| miss == 0.0).collect(),
            probabilities: rows.map(|(row, answer)| row[*answer].min(1.0)).collect(),
            rows: self.rows.clone(),
        }
    }

    /// The mean over the classes of a metric of the curve of each against all others, such as the macro
    /// average precision; interval by 999 resamples of the units, less the bias that they show: few rows overstate such areas (of 80 rows of three
    /// classes the macro average precision is missed in one of ten runs at 95 %, see `GUARANTEES.md`). **Cost**: O(k·n log n + 999·k·n) for k
    /// classes.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than two units, or a metric that
    /// is undefined for a class.
    ///
    /// ```
    /// # use mlops_drift::performance::Multiclass;
    /// let rows = Multiclass::new(2, &[0, 1, 0, 1], &[0.9, 0.1, 0.2, 0.8, 0.4, 0.6, 0.5, 0.5])?;
    /// let precision = rows.estimate_of_curves(|curve| curve.average_precision().ok())?;
    /// assert!(precision.interval.contains(precision.value));
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn estimate_of_curves(&self, metric: impl Fn(&Curve) -> Option<f64>) -> Result<Estimate> {
        let columns = self.columns();
        let orders: Vec<Order<'_>> = columns.iter().map(|column| Order::of(column)).collect();
        let of_class = |class: usize, weights: &[f64]| {
            metric(&orders[class].curve(|row| cell(self.truth[row] == class, weights[row])))
        };
        self.rows.estimate_less_bias(|weights| {
            let metrics = (0..self.classes).map(|class| of_class(class, weights));
            Some(metrics.sum::<Option<f64>>()? / self.classes as f64)
        })
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
        self.area(Areas::one_against_rest)
    }

    /// The same with its interval, by 999 resamples of the units. A class that is told from the rest without
    /// an error counts as in [`Scored::auc`]. **Cost**: O(k·n log n + 999·k·n) for k classes.
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
        self.estimate_area(Areas::one_against_rest)
    }

    /// The mean over pairs of classes of the AUC of one against the other, in \[0, 1]: insensitive to how
    /// often classes occur. Hand & Till, "A simple generalisation of the area under the ROC curve for
    /// multiple class classification problems", Machine Learning 45, 2001.
    ///
    /// # Errors
    /// As [`auc_one_against_rest`](Self::auc_one_against_rest)'s.
    pub fn auc_one_against_one(&self) -> Result<f64> {
        self.area(Areas::one_against_one)
    }

    /// The same with its interval, as
    /// [`estimate_auc_one_against_rest`](Self::estimate_auc_one_against_rest)'s and at its cost.
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
        self.estimate_area(Areas::one_against_one)
    }

    fn area(&self, parts: fn(&Areas) -> Result<Vec<f64>>) -> Result<f64> {
        let columns = self.columns();
        let orders: Vec<Order<'_>> = columns.iter().map(|column| Order::of(column)).collect();
        Ok(average(&parts(&Areas::of(
            &self.truth,
            &orders,
            self.rows.get(),
        ))?))
    }

    fn estimate_area(&self, parts: fn(&Areas) -> Result<Vec<f64>>) -> Result<Estimate> {
        let columns = self.columns();
        let orders: Vec<Order<'_>> = columns.iter().map(|column| Order::of(column)).collect();
        let of = |weights: &[f64]| parts(&Areas::of(&self.truth, &orders, weights));
        let moved = self.unseen_order(&of(self.rows.get())?);
        let drawn = |weights: &[f64]| of(weights).ok().map(|parts| average(&parts));
        let estimate = self.rows.estimate_beside(drawn, moved)?;
        self.rows.no_better_than(estimate, Some(1.0))
    }

    /// How far below and above the mean of these areas it may lie where all of them are 0 or 1, by the
    /// binomial bound for the class of the fewest units.
    fn unseen_order(&self, areas: &[f64]) -> [f64; 2] {
        if areas.iter().any(|area| *area > 0.0 && *area < 1.0) {
            return [0.0; 2];
        }
        let units = |class: usize| {
            let rows = self.rows.weighing().filter(|row| self.truth[*row] == class);
            self.rows.effective_units_of(rows)
        };
        let fewest = (0..self.classes).map(units).fold(f64::INFINITY, f64::min);
        let share = unseen(self.rows.confidence, fewest);
        [share * average(areas), share * (1.0 - average(areas))]
    }

    /// The probabilities of each class.
    fn columns(&self) -> Vec<Vec<f64>> {
        let column = |class: usize| self.probability_rows().map(|row| row[class]).collect();
        (0..self.classes).map(column).collect()
    }

    pub(super) fn check_class(&self, class: usize) -> Result<()> {
        if class < self.classes {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "classes must lie in [0, {}], got {class}",
            self.classes - 1
        )))
    }

    /// Brier's score: the mean squared distance between the probabilities and 1 for the label, 0 for all
    /// others, in \[0, 2]: twice that of [`Scored::brier`] for two classes. Interval: Student's t, by units.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than two units.
    ///
    /// ```
    /// # use mlops_drift::performance::Multiclass;
    /// let rows = Multiclass::new(2, &[0, 1], &[0.5, 0.5, 0.5, 0.5])?;
    /// assert_eq!(rows.brier()?.value, 0.5);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn brier(&self) -> Result<Estimate> {
        self.rows.mean(&self.losses(Loss::Brier), (0.0, 2.0))
    }

    pub(super) fn losses(&self, loss: Loss) -> Vec<f64> {
        let rows = self.truth.iter().zip(self.probability_rows());
        rows.map(|(truth, row)| match loss {
            Loss::LogLoss => -row[*truth].max(f64::EPSILON).ln(),
            Loss::Brier => {
                let wanted = |class: usize| f64::from(u8::from(class == *truth));
                let row = row.iter().enumerate();
                row.map(|(class, p)| (p - wanted(class)).powi(2)).sum()
            }
        })
        .collect()
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
        mean(self.losses(Loss::LogLoss).into_iter(), self.rows.get())
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
            .mean(&self.losses(Loss::LogLoss), (0.0, -f64::EPSILON.ln()))
    }

    /// 1 for every row whose class is not the predicted one, else 0.
    pub(crate) fn misses(&self) -> Vec<f64> {
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
        Self::of_scores(
            self.classes,
            &self.truth,
            &probabilities.repeat(self.truth.len()),
        )
    }

    /// Some of the rows.
    pub(crate) fn part(&self, rows: &[usize]) -> Self {
        let of_row = |row: &usize| self.probabilities[row * self.classes..][..self.classes].iter();
        Self {
            classes: self.classes,
            truth: rows.iter().map(|row| self.truth[*row]).collect(),
            predicted: rows.iter().map(|row| self.predicted[*row]).collect(),
            probabilities: rows.iter().flat_map(of_row).copied().collect(),
            rows: self.rows.part(rows),
        }
    }

    /// The rows of both, which have the same classes.
    pub(crate) fn joined(&self, other: &Self) -> Self {
        Self {
            classes: self.classes,
            truth: [&*self.truth, &other.truth].concat(),
            predicted: [&*self.predicted, &other.predicted].concat(),
            probabilities: [&*self.probabilities, &other.probabilities].concat(),
            rows: self.rows.joined(&other.rows),
        }
    }

    /// The same rows, had other classes come true.
    pub(crate) fn with_truth(&self, truth: Vec<usize>) -> Self {
        Self {
            truth,
            ..self.clone()
        }
    }

    /// The class that was predicted of every row.
    pub(crate) fn predicted(&self) -> &[usize] {
        &self.predicted
    }

    /// The class of the least probability of every row.
    pub(crate) fn least_probable(&self) -> Vec<usize> {
        let least = |row: &[f64]| (0..row.len()).min_by(|a, b| row[*a].total_cmp(&row[*b]));
        let rows = self.probability_rows();
        rows.map(|row| least(row).unwrap_or(0)).collect()
    }

    /// The rows of every unit.
    pub(crate) fn by_unit(&self) -> super::ByUnit {
        self.rows.clusters.by_unit()
    }

    /// Predicted classes, and probabilities row by row, each summing to 1.
    pub(super) fn into_answers(self) -> (Vec<usize>, Vec<f64>) {
        (self.predicted, self.probabilities)
    }

    /// How many classes there are.
    pub(crate) fn classes(&self) -> usize {
        self.classes
    }

    /// The true class of every row.
    pub(crate) fn labels(&self) -> &[usize] {
        &self.truth
    }

    /// The share of rows whose class is among the k of greatest probability, of equal ones the last.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless `1 <= k <= classes`.
    pub fn top(&self, k: usize) -> Result<f64> {
        let found = self.found(k)?.map(|found| f64::from(u8::from(found)));
        Ok(mean(found, self.rows.get()))
    }

    /// The same with its interval, as [`Scored::accuracy`]'s.
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
}

/// By class and other class the weight of pairs in which the class scores higher by its own probability, ties
/// half, in one pass over the rows for each class.
struct Areas {
    pairs: Vec<Vec<f64>>,
    weights: Vec<f64>,
}

impl Areas {
    fn of(truth: &[usize], orders: &[Order<'_>], weights: &[f64]) -> Self {
        let mut sums = vec![0.0; orders.len()];
        truth
            .iter()
            .zip(weights)
            .for_each(|(class, weight)| sums[*class] += weight);
        let of_class = |(class, order): (usize, &Order<'_>)| {
            let (mut pairs, mut above) = (vec![0.0; orders.len()], 0.0);
            for step in order.steps() {
                let rows = || step.iter().map(|row| *row as usize);
                let own = rows().filter(|row| truth[*row] == class);
                let tied: f64 = own.map(|row| weights[row]).sum();
                for row in rows().filter(|row| truth[*row] != class) {
                    pairs[truth[row]] += weights[row] * (above + tied / 2.0);
                }
                above += tied;
            }
            pairs
        };
        Self {
            pairs: orders.iter().enumerate().map(of_class).collect(),
            weights: sums,
        }
    }

    fn one_against_rest(&self) -> Result<Vec<f64>> {
        let all: f64 = self.weights.iter().sum();
        let classes = self.weights.iter().zip(&self.pairs);
        let area = |(own, pairs): (&f64, &Vec<f64>)| share_of(pairs.iter().sum(), *own, all - own);
        classes.map(area).collect()
    }

    fn one_against_one(&self) -> Result<Vec<f64>> {
        let classes = 0..self.weights.len();
        let pairs = classes
            .clone()
            .flat_map(|one| classes.clone().map(move |other| (one, other)));
        let pairs = pairs.filter(|(one, other)| one != other);
        let area = |(one, other): (usize, usize)| {
            share_of(
                self.pairs[one][other],
                self.weights[one],
                self.weights[other],
            )
        };
        pairs.map(area).collect()
    }
}

fn share_of(pairs: f64, positives: f64, negatives: f64) -> Result<f64> {
    if positives > 0.0 && negatives > 0.0 {
        return Ok(pairs / positives / negatives);
    }
    Err(Error::invalid(format!(
        "rows of both classes are needed, got a weight of {positives} positive and {negatives} negative"
    )))
}

fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

weighted_rows!(
    Multiclass,
    "# let rows = mlops_drift::performance::Multiclass::new(2, &[0, 1, 0, 1], &[0.5; 8])?;"
);

own_metrics!(
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
