use mlops_core::evidence::{Interval, PValue};
use mlops_core::{Error, Result};

use super::curve::{Order, cell};
use super::estimate::unseen;
use super::outcomes::Outcomes;
use super::rows::{Weighted, own_metrics, same_length, weighted_rows};
use super::share::share;
use super::{Confusion, Curve, Estimate, Loss, Reliability};

/// Labels and predicted probabilities of the same rows.
///
/// ```
/// use mlops_drift::performance::Scored;
///
/// let labels = [true, false, true, true, false, false];
/// let probabilities = [0.8, 0.3, 0.4, 0.9, 0.6, 0.1];
/// let scored = Scored::new(&labels, &probabilities)?.units(&[1, 1, 2, 2, 3, 3])?;
/// let auc = scored.auc()?;
/// assert!((auc.value - 8.0 / 9.0).abs() < 1e-15);
/// assert_eq!(auc.units, 3);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    pub(super) labels: Vec<bool>,
    pub(super) probabilities: Vec<f64>,
    pub(super) rows: Weighted,
}

impl Scored {
    /// Labels and probabilities, at 95 % confidence, rows independent.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for no rows, different lengths,
    /// or a probability outside \[0, 1], NaN included.
    pub fn new(labels: &[bool], probabilities: &[f64]) -> Result<Self> {
        same_length("probabilities", labels.len(), probabilities.len())?;
        if labels.is_empty() {
            return Err(Error::invalid("at least 1 row is needed, got 0"));
        }
        let outside = |p: &f64| !(0.0..=1.0).contains(p);
        if let Some(row) = probabilities.iter().position(outside) {
            return Err(Error::invalid(format!(
                "probabilities must lie in [0, 1], got {} in row {row}",
                probabilities[row]
            )));
        }
        Ok(Self {
            labels: labels.to_vec(),
            probabilities: probabilities.to_vec(),
            rows: Weighted::rows(labels.len()),
        })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Always false: a `Scored` holds at least one row.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Some of the rows.
    pub(crate) fn part(&self, rows: &[usize]) -> Self {
        Self {
            labels: rows.iter().map(|row| self.labels[*row]).collect(),
            probabilities: rows.iter().map(|row| self.probabilities[*row]).collect(),
            rows: self.rows.part(rows),
        }
    }

    /// The rows of both.
    pub(crate) fn joined(&self, other: &Self) -> Self {
        Self {
            labels: [&*self.labels, &other.labels].concat(),
            probabilities: [&*self.probabilities, &other.probabilities].concat(),
            rows: self.rows.joined(&other.rows),
        }
    }

    /// The same rows, had other labels come true.
    pub(crate) fn with_labels(&self, labels: Vec<bool>) -> Self {
        Self {
            labels,
            ..self.clone()
        }
    }

    /// The rows of every unit.
    pub(crate) fn by_unit(&self) -> super::ByUnit {
        self.rows.clusters.by_unit()
    }

    /// The area under the ROC curve: the probability that a positive row scores above a negative
    /// one, ties counting half.
    ///
    /// **Interval**: from the structural components of DeLong, DeLong & Clarke-Pearson (Biometrics
    /// 1988), with units those of Obuchowski ("Nonparametric analysis of clustered ROC curve data",
    /// Biometrics 1997), Student's t on the logit scale with the degrees of freedom of the two classes' parts
    /// (Satterthwaite). Where all components are alike (a perfect order, or scores that are all tied), pairs
    /// of another order may be as frequent as the binomial bound for min(positives, negatives) disjoint pairs
    /// allows, half as many with units. **Weakness**: below some 10 rows (units) of a class coverage falls
    /// short. **Cost**: O(n log n).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless both classes are present,
    /// each in at least 2 units.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, true, false, false], &[0.9, 0.4, 0.6, 0.1])?;
    /// assert_eq!(scored.auc()?.value, 0.75);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn auc(&self) -> Result<Estimate> {
        super::auc::auc(self)
    }

    /// The mean of −ln p(label), in nats; probabilities are kept 2.2e-16 away from 0 and 1.
    ///
    /// **Interval**: Student's t, see [the module](super). One confident mistake costs 36 nats and
    /// dominates the variance. **Cost**: O(n).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than 2 units.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false], &[0.5, 0.5])?;
    /// assert!((scored.log_loss()?.value - 0.5_f64.ln().abs()).abs() < 1e-15);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn log_loss(&self) -> Result<Estimate> {
        self.mean_loss(Loss::LogLoss)
    }

    /// The mean squared difference of probability and label, in \[0, 1].
    ///
    /// **Interval**: Student's t, see [the module](super). **Cost**: O(n).
    /// **Source**: Brier, Monthly Weather Review 1950.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than 2 units.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false], &[0.8, 0.4])?;
    /// assert!((scored.brier()?.value - 0.1).abs() < 1e-15);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn brier(&self) -> Result<Estimate> {
        self.mean_loss(Loss::Brier)
    }

    /// The share of rows whose label equals `probability >= threshold`.
    ///
    /// **Interval**: Wilson ("Probable inference", JASA 1927); with units or weights at n divided by the
    /// design effect (Kish), the ratio of the clustered to the plain variance, with Student's quantile of units
    /// − 1 degrees of freedom (Korn & Graubard, Survey Methodology 1998). **Cost**: O(n).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a threshold outside \[0, 1], or rows of
    /// a single unit.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false, true], &[0.8, 0.4, 0.3])?;
    /// assert_eq!(scored.accuracy(0.5)?.value, 2.0 / 3.0);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn accuracy(&self, threshold: f64) -> Result<Estimate> {
        let rows = self
            .said(threshold)?
            .map(|(row, yes, label)| (row, yes == label));
        share(&self.rows, rows, "accuracy needs a row")
    }

    /// The share of positives among the rows with `probability >= threshold`; interval as
    /// [`accuracy`](Self::accuracy)'s, given how many such rows there are.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a threshold outside \[0, 1], or no
    /// such row.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false, true], &[0.8, 0.6, 0.3])?;
    /// assert_eq!(scored.precision(0.5)?.value, 0.5);
    /// assert!(scored.precision(0.9).is_err());
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn precision(&self, threshold: f64) -> Result<Estimate> {
        let rows = self.said(threshold)?.filter(|(_, yes, _)| *yes);
        let right = rows.map(|(row, _, label)| (row, label));
        share(
            &self.rows,
            right,
            "precision needs a row at or above the threshold",
        )
    }

    /// The share of rows with `probability >= threshold` among the positives; interval as
    /// [`accuracy`](Self::accuracy)'s, given how many positives there are.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a threshold outside \[0, 1], or no
    /// positive.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false, true], &[0.8, 0.6, 0.3])?;
    /// assert_eq!(scored.recall(0.5)?.value, 0.5);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn recall(&self, threshold: f64) -> Result<Estimate> {
        let rows = self.said(threshold)?.filter(|(_, _, label)| *label);
        share(
            &self.rows,
            rows.map(|(row, yes, _)| (row, yes)),
            "recall needs a positive row",
        )
    }

    /// The share of rows with `probability < threshold` among the negatives; interval as
    /// [`accuracy`](Self::accuracy)'s, given how many negatives there are.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a threshold outside \[0, 1], or no
    /// negative.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false, false], &[0.8, 0.6, 0.3])?;
    /// assert_eq!(scored.specificity(0.5)?.value, 0.5);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn specificity(&self, threshold: f64) -> Result<Estimate> {
        let rows = self.said(threshold)?.filter(|(_, _, label)| !*label);
        share(
            &self.rows,
            rows.map(|(row, yes, _)| (row, !yes)),
            "specificity needs a negative row",
        )
    }

    /// Row by row whether it counts as a yes, and its label.
    fn said(&self, threshold: f64) -> Result<impl Iterator<Item = (usize, bool, bool)>> {
        check_threshold(threshold)?;
        let rows = self.labels.iter().zip(&self.probabilities).enumerate();
        Ok(rows.map(move |(row, (label, p))| (row, *p >= threshold, *label)))
    }

    /// A metric of the confusion matrix at a threshold (MCC, kappa and so on), with its interval by 999
    /// resamples of the units. Where all rows of a class were given one answer, the other may be as frequent
    /// as the rule of three allows, so that no interval shrinks to a point. **Cost**: O(999·n).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a threshold outside \[0, 1], fewer
    /// than two units, or a metric that is undefined.
    ///
    /// ```
    /// # use mlops_drift::performance::{Average, Scored};
    /// let scored = Scored::new(&[true, false, true], &[0.8, 0.6, 0.3])?;
    /// let f1 = scored.estimate(0.5, |confusion| Some(confusion.f1(Average::Class(1))))?;
    /// assert_eq!(f1.value, 0.5);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn estimate(
        &self,
        threshold: f64,
        metric: impl Fn(&Confusion) -> Option<f64>,
    ) -> Result<Estimate> {
        let said = self.said(threshold)?;
        let (predicted, truth): (Vec<usize>, Vec<usize>) = said
            .map(|(_, yes, label)| (usize::from(yes), usize::from(label)))
            .unzip();
        let outcomes = Outcomes {
            rows: &self.rows,
            classes: 2,
            truth: &truth,
            predicted: &predicted,
        };
        outcomes.estimate(metric)
    }

    /// What a metric of the confusion matrix gains over a dummy that says yes with a given probability
    /// whatever the row: 0 or 1 for always the same answer, the share of positives in training for a draw
    /// from it. Both on the same rows; interval as [`estimate`](Self::estimate)'s.
    ///
    /// # Errors
    /// As [`estimate`](Self::estimate)'s, and for a probability outside \[0, 1].
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false, true, false], &[0.8, 0.6, 0.7, 0.1])?;
    /// let gain = scored.gain(0.5, 1.0, |confusion| confusion.balanced_accuracy())?;
    /// assert_eq!(gain.value, 0.25); // 3/4 instead of 1/2
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn gain(
        &self,
        threshold: f64,
        yes: f64,
        metric: impl Fn(&Confusion) -> Option<f64>,
    ) -> Result<Estimate> {
        if !(0.0..=1.0).contains(&yes) {
            return Err(Error::invalid(format!(
                "the probability of a yes must lie in [0, 1], got {yes}"
            )));
        }
        self.estimate(threshold, |confusion| {
            Some(metric(confusion)? - metric(&confusion.of_dummy(&[1.0 - yes, yes]))?)
        })
    }

    /// The harmonic mean of precision and recall of the positive class, in \[0, 1].
    ///
    /// **Interval**: Wilson's of the share J of true positives among the rows that are positive or said to be,
    /// through F1 = 2·J/(1 + J), which grows with it; units and weights as in [`accuracy`](Self::accuracy).
    /// **Cost**: O(n). **Source**: Lam, Gopal & Qian, "Confidence intervals for the F1 score: a comparison of
    /// four methods", arXiv 2309.14621, 2023.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a threshold outside \[0, 1], rows of a
    /// single unit, or no row that is positive or said to be.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false, true], &[0.8, 0.6, 0.3])?;
    /// assert_eq!(scored.f1(0.5)?.value, 0.5);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn f1(&self, threshold: f64) -> Result<Estimate> {
        let rows = self
            .said(threshold)?
            .filter(|(_, yes, label)| *yes || *label);
        let both = rows.map(|(row, yes, label)| (row, yes && label));
        let jaccard = share(
            &self.rows,
            both,
            "F1 needs a row that is positive or said to be",
        )?;
        let f1 = |share: f64| 2.0 * share / (1.0 + share);
        let interval = jaccard.interval;
        Ok(Estimate {
            value: f1(jaccard.value),
            interval: Interval::new(
                f1(interval.low()),
                f1(interval.high()),
                interval.confidence(),
            )?,
            ..jaccard
        })
    }

    /// A metric of the curve (average precision, gain and so on), with its interval by 999 resamples of the units. For a perfect or tied order, which no resample changes, rows of either class may
    /// be out of order as often as the rule of three allows. **Cost**: O(n log n + 999·n).
    ///
    /// **Weakness**: a part of the curve that holds one class alone shows no spread; for the positives among the rows of greatest score see
    /// [`lift`](Self::lift).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than two units, or a metric that
    /// is undefined.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false, true, false], &[0.8, 0.6, 0.3, 0.1])?;
    /// let precision = scored.estimate_of_curve(|curve| curve.average_precision().ok())?;
    /// assert!((precision.value - 5.0 / 6.0).abs() < 1e-15);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn estimate_of_curve(&self, metric: impl Fn(&Curve) -> Option<f64>) -> Result<Estimate> {
        let order = Order::of(&self.probabilities);
        let curve = |weights: &[f64]| order.curve(|row| cell(self.labels[row], weights[row]));
        let whole = curve(self.rows.get());
        let moved = metric(&whole).map_or([0.0; 2], |value| self.unseen(&whole, value, &metric));
        let drawn = |weights: &[f64]| metric(&curve(weights));
        let estimate = self.rows.estimate_beside(drawn, moved)?;
        self.rows
            .no_better_than(estimate, metric(&whole.all_right()))
    }

    /// For an order that no draw can change, perfect, reversed or tied: how far below and above its value a
    /// metric lies if rows of either class are at the other end as often as the rule of three allows.
    fn unseen(
        &self,
        whole: &Curve,
        value: f64,
        metric: impl Fn(&Curve) -> Option<f64>,
    ) -> [f64; 2] {
        if !whole.is_rigid() {
            return [0.0; 2];
        }
        let of_class = |positive: bool| {
            let rows = self
                .rows
                .weighing()
                .filter(|row| self.labels[*row] == positive);
            let share = unseen(self.rows.confidence, self.rows.effective_units_of(rows));
            let ends = [true, false].map(|top| metric(&whole.moved(positive, share, top)));
            let moved = ends.into_iter().flatten();
            moved.fold((0.0_f64, 0.0_f64), |(fall, rise), moved| {
                (fall.max(value - moved), rise.max(moved - value))
            })
        };
        let [positives, negatives] = [true, false].map(of_class);
        [
            positives.0.hypot(negatives.0),
            positives.1.hypot(negatives.1),
        ]
    }

    /// What a metric of the curve gains over the same score for every row, such as AUC over 0.5 and average
    /// precision over the share of positives; interval as [`estimate_of_curve`](Self::estimate_of_curve)'s.
    ///
    /// # Errors
    /// As [`estimate_of_curve`](Self::estimate_of_curve)'s.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false, true, false], &[0.8, 0.6, 0.7, 0.1])?;
    /// assert_eq!(scored.gain_of_curve(|curve| curve.average_precision().ok())?.value, 0.5);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn gain_of_curve(&self, metric: impl Fn(&Curve) -> Option<f64>) -> Result<Estimate> {
        self.estimate_of_curve(|curve| Some(metric(curve)? - metric(&curve.tied())?))
    }

    fn mean_loss(&self, loss: Loss) -> Result<Estimate> {
        self.rows.mean(&self.losses(loss), (0.0, loss.greatest()))
    }

    /// The loss of every row.
    pub(super) fn losses(&self, loss: Loss) -> Vec<f64> {
        let rows = self.labels.iter().zip(&self.probabilities);
        rows.map(|(&label, &p)| loss.of(label, p)).collect()
    }

    /// The confusion matrix of saying yes from a threshold on, 1 being the positive class: precision, recall,
    /// F1, kappa and so on.
    ///
    /// ```
    /// # use mlops_drift::performance::{Average, Scored};
    /// let scored = Scored::new(&[true, false, true], &[0.8, 0.6, 0.3])?;
    /// assert_eq!(scored.confusion(0.5).recall(Average::Class(1)), 0.5);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn confusion(&self, threshold: f64) -> Confusion {
        self.confusion_of(threshold, self.rows.get())
    }

    pub(super) fn confusion_of(&self, threshold: f64, weights: &[f64]) -> Confusion {
        let mut cells = [0.0; 4];
        for ((label, p), weight) in self.labels.iter().zip(&self.probabilities).zip(weights) {
            cells[2 * usize::from(*label) + usize::from(*p >= threshold)] += weight;
        }
        Confusion::of_cells(cells)
    }

    /// The classifier at every threshold: precision and recall, gain and lift, average precision.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false, true], &[0.8, 0.6, 0.3])?;
    /// assert_eq!(scored.curve().points().len(), 3);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn curve(&self) -> Curve {
        self.curve_of(self.rows.get())
    }

    pub(super) fn curve_of(&self, weights: &[f64]) -> Curve {
        Curve::of_labels(&self.labels, &self.probabilities, weights)
    }

    /// Predicted and observed shares in bins of equal width.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless `1 <= bins <= 10000`.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false], &[0.9, 0.2])?;
    /// assert!(scored.reliability(0).is_err());
    /// assert_eq!(scored.reliability(10)?.bins.len(), 2);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn reliability(&self, bins: usize) -> Result<Reliability> {
        if !(1..=10_000).contains(&bins) {
            return Err(Error::invalid(format!(
                "bins must lie in [1, 10000], got {bins}"
            )));
        }
        Ok(Reliability::of(self, bins))
    }

    /// The share of positives in each bin of [`reliability`](Self::reliability), in its order, with Wilson's
    /// interval; all of them hold at once (Bonferroni). A bin whose mean probability lies outside is not what it
    /// says.
    ///
    /// # Errors
    /// As [`reliability`](Self::reliability)'s, and for a bin whose rows are of a single unit.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false, true, false], &[0.9, 0.2, 0.9, 0.2])?;
    /// let bands = scored.reliability_bands(10)?;
    /// assert_eq!((bands.len(), bands[1].value), (2, 1.0));
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn reliability_bands(&self, bins: usize) -> Result<Vec<Estimate>> {
        let held = self.reliability(bins)?.bins.len();
        let mut rows = self.rows.clone();
        rows.confidence = 1.0 - (1.0 - rows.confidence) / held as f64;
        let mut of_bin: Vec<Vec<usize>> = vec![Vec::new(); bins];
        let weighing = rows.weighing();
        weighing.for_each(|row| of_bin[Reliability::bin(self.probabilities[row], bins)].push(row));
        let band = |bin: &Vec<usize>| {
            let hits = bin.iter().map(|row| (*row, self.labels[*row]));
            share(&rows, hits, "a bin needs a row")
        };
        of_bin
            .iter()
            .filter(|bin| !bin.is_empty())
            .map(band)
            .collect()
    }

    /// The expected calibration error over bins of equal width, see [`Reliability`], in \[0, 1].
    ///
    /// **Interval**: the error is a distance, which chance makes greater: 0.045 over ten bins of 500 rows of a
    /// model without any. So its ends are as far away as the sum of the bins' own errors may be, a percentile of
    /// Σ |resampled gap − gap|: by the triangle inequality they cover with about the confidence, more often the
    /// greater the error is, and the lower end is above 0 only if calibration within bins is refuted at the level.
    /// **Weakness**: what bins hide; below some 30 units. **Cost**: O(999·n).
    ///
    /// # Errors
    /// As [`reliability`](Self::reliability)'s, and for fewer than two units.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let labels: Vec<bool> = (0..500).map(|row| row % 2 == 0).collect();
    /// let sure = Scored::new(&labels, &[0.9; 500])?.calibration_error(10)?;
    /// assert!((sure.value - 0.4).abs() < 1e-12 && sure.interval.low() > 0.3);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn calibration_error(&self, bins: usize) -> Result<Estimate> {
        let value = self.reliability(bins)?.expected_calibration_error();
        let gaps = |weights: &[f64]| {
            let (mut gaps, all) = (vec![0.0; bins], weights.iter().sum::<f64>());
            for ((label, p), weight) in self.labels.iter().zip(&self.probabilities).zip(weights) {
                let gap = p - f64::from(u8::from(*label));
                gaps[Reliability::bin(*p, bins)] += weight * gap / all;
            }
            gaps
        };
        let own = gaps(self.rows.get());
        let radius = self.rows.distance(|weights| {
            let drawn = gaps(weights);
            own.iter()
                .zip(drawn)
                .map(|(own, drawn)| (own - drawn).abs())
                .sum()
        })?;
        self.rows
            .figure(value, (value - radius).max(0.0), (value + radius).min(1.0))
    }

    /// Whether the probabilities are what they say: the p-value of Cox's test that the labels follow neither
    /// another level nor another slope of the logit.
    ///
    /// **Statistic**: the score test of both coefficients of a logistic regression on the logit, at 0 and 1.
    /// **Guarantee**: χ² with two degrees of freedom for many rows; with units Hotelling's T² of their sums.
    /// **Weakness**: blind to a miscalibration that is neither, such as one within a group of rows; below some 20
    /// positives and negatives. **Cost**: O(n). **Source**: Cox, "Two further applications of a model for binary
    /// regression", Biometrika 45, 1958.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for weights, fewer than four units, and
    /// probabilities that are all alike, 0 or 1.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// // Says 10 % and 90 %, and is right in two of three rows.
    /// let labels: Vec<bool> = (0..90).map(|row| (row % 3 > 0) == (row % 2 == 0)).collect();
    /// let sure: Vec<f64> = (0..90).map(|row| if row % 2 == 0 { 0.9 } else { 0.1 }).collect();
    /// assert!(Scored::new(&labels, &sure)?.calibration_test()?.get() < 1e-6);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn calibration_test(&self) -> Result<PValue> {
        super::calibration_test::calibration_test(self)
    }

    /// The labels, row by row.
    pub fn labels(&self) -> &[bool] {
        &self.labels
    }

    /// The probabilities, row by row.
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }
}

pub(super) fn check_threshold(threshold: f64) -> Result<()> {
    if (0.0..=1.0).contains(&threshold) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "threshold must lie in [0, 1], got {threshold}"
    )))
}

weighted_rows!(
    Scored,
    "# let rows = mlops_drift::performance::Scored::new(&[true, false, true, false], &[0.5; 4])?;"
);

own_metrics!(
    Scored,
    "# let rows = mlops_drift::performance::Scored::new(&[true, false, true, false], &[0.5; 4])?;"
);
