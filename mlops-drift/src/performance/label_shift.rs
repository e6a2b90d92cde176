use mlops_core::evidence::SignificanceLevel;
use mlops_core::{Error, Result};

use super::estimate::{satterthwaite, student_quantile, unseen};
use super::normal_equations::dot;
use super::predicted_shares::PredictedShares;
use super::rows::{EVERYWHERE, Weighted, check_unlike, checked_range, same_length, towards_ends};
use super::{Confusion, Estimate};

/// The probability of refusing shares for being below 0 when label shift holds, at most.
const INFEASIBLE: f64 = 0.01;
/// Shares below 0 by less are rounding.
const ROUNDING: f64 = 1e-9;

/// How the shares of the classes changed, and what that does to performance, without labels: black box shift
/// estimation, BBSE.
///
/// **Statistic**: with C the held-out shares of rows by predicted and true class, and μ the current shares of
/// predicted classes, w = C⁻¹·μ is by how much each class became more frequent; negative weights are set to
/// 0, and the weighted shares scaled to sum to 1. **Assumption**: label shift: the shares of the classes
/// changed, the law of the inputs within each class did not; so it fits causes seen by their effects (a
/// disease by its symptoms). **It fails** where the inputs change within a class, or what a class means
/// (covariate or concept shift), and the figures are then wrong by any amount. The predicted classes can tell
/// that from label shift only where no shares of classes would give them: then a share comes out below 0 by
/// more than chance explains, see [`unconstrained`](Self::unconstrained), and all figures are refused. **Guarantee**: consistent under the assumption; intervals lie
/// between percentiles of 999 resamples of held-out and current units together, wider by the rule of three for a class that was
/// never predicted now, or always given one answer: no resample shows another. **Weakness**: a classifier
/// that hardly tells two classes apart says little, see [`weights`](Self::weights). **Cost**: O(999·(n + m +
/// k³)) for n held-out and m current rows of k classes. **Source**: Lipton, Wang & Smola, "Detecting and
/// correcting for label shift with black box predictors", ICML 2018, section 3.
///
/// ```
/// use mlops_drift::performance::LabelShift;
/// // Right in four of five rows; both classes equally frequent, until one makes all of the current rows.
/// let truth: Vec<usize> = (0..1000).map(|row| row % 2).collect();
/// let predicted: Vec<usize> = (0..1000).map(|row| if row % 10 < 8 { row % 2 } else { 1 - row % 2 }).collect();
/// let current: Vec<usize> = (0..1000).map(|row| usize::from(row % 5 != 0)).collect();
/// let shift = LabelShift::new(2, &truth, &predicted, &current)?;
/// let shares = shift.shares()?;
/// assert!((shares[1].value - 1.0).abs() < 1e-12);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LabelShift {
    classes: usize,
    truth: Vec<usize>,
    predicted: Vec<usize>,
    held_out: Weighted,
    current: Vec<usize>,
    current_rows: Weighted,
    range: (f64, f64),
}

impl LabelShift {
    /// True and predicted classes, numbered from 0, of rows that the model was not trained on, and the
    /// predicted classes of current rows; at 95 % confidence, rows independent.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for no rows, different lengths, fewer than
    /// two classes, or a class out of range.
    pub fn new(
        classes: usize,
        truth: &[usize],
        predicted: &[usize],
        current: &[usize],
    ) -> Result<Self> {
        Confusion::of(classes, truth, predicted)?;
        Confusion::of(classes, current, current)?;
        Ok(Self {
            classes,
            truth: truth.to_vec(),
            predicted: predicted.to_vec(),
            held_out: Weighted::rows(truth.len()),
            current: current.to_vec(),
            current_rows: Weighted::rows(current.len()),
            range: EVERYWHERE,
        })
    }

    /// The range of the losses of [`risk`](Self::risk), such as \[0, 1] of wrong answers. Where those of a class are all
    /// alike, others that no row has shown may lie at its ends, by the rule of three.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless `low < high`.
    ///
    /// ```
    /// # use mlops_drift::performance::LabelShift;
    /// let rows: Vec<usize> = (0..200).map(|row| row % 2).collect();
    /// let never_wrong = LabelShift::new(2, &rows, &rows, &rows)?;
    /// assert!(never_wrong.risk(&[0.0; 200]).is_err());
    /// assert!(never_wrong.range(0.0, 1.0)?.risk(&[0.0; 200])?.interval.high() > 0.02);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn range(mut self, low: f64, high: f64) -> Result<Self> {
        self.range = checked_range(low, high)?;
        Ok(self)
    }

    /// Declares which held-out rows, and which current rows, share a unit; see
    /// [`Scored::units`](super::Scored::units).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for another number of rows.
    ///
    /// ```
    /// # use mlops_drift::performance::LabelShift;
    /// let shift = LabelShift::new(2, &[0, 1, 0, 1], &[0, 1, 0, 1], &[0, 0])?;
    /// assert!(shift.units(&[1, 1, 2, 2], &[3]).is_err());
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn units(mut self, held_out: &[u64], current: &[u64]) -> Result<Self> {
        self.held_out.units(held_out)?;
        self.current_rows.units(current)?;
        Ok(self)
    }

    /// Intervals that miss with this probability instead of 5 %.
    #[must_use]
    pub fn level(mut self, level: SignificanceLevel) -> Self {
        self.held_out.confidence = 1.0 - level.get();
        self.current_rows.confidence = 1.0 - level.get();
        self
    }

    /// By how much each class became more frequent.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) if a share comes out below 0 by more than
    /// chance explains (in 1 % of cases), and if C could be singular: if its least
    /// singular value is not above the distance, in operator norm, that the estimate of C keeps from it but
    /// for a probability of 5 %. That is the t of n·t²/2 = (v + 2·t/3)·ln(2·k/0.05), with the effective
    /// number n of held-out units and the greatest share v of a true or predicted class (Tropp,
    /// "User-friendly tail bounds for sums of random matrices", Foundations of Computational Mathematics 12,
    /// 2012, theorem 1.6; no singular value moves further, by Weyl's inequality).
    ///
    /// ```
    /// # use mlops_drift::performance::LabelShift;
    /// let truth: Vec<usize> = (0..1000).map(|row| row % 2).collect();
    /// let always_yes = LabelShift::new(2, &truth, &[1; 1000], &[1; 1000])?;
    /// assert!(always_yes.weights().unwrap_err().to_string().contains("smallest singular value"));
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn weights(&self) -> Result<Vec<f64>> {
        let shown = self.as_shown();
        let least = shown.singular_values().least();
        let floor = self.noise();
        if least <= floor {
            return Err(Error::invalid(format!(
                "the smallest singular value of the confusion matrix must be above {floor:.4}, \
                 got {least:.4}: predictions do not tell the classes apart, or a class is missing"
            )));
        }
        self.check_feasible()?;
        let weights = shown.weights();
        weights.ok_or_else(|| Error::invalid("no class is left in the current rows"))
    }

    /// The shares of the classes as C⁻¹·μ has them, before what is below 0 is set to 0; with Student's t
    /// intervals by the delta method, from held-out and current units. Under label shift they lie in \[0, 1]
    /// but for chance; one whose interval lies below 0 says that something else changed.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than two units on either side, or
    /// a singular C.
    ///
    /// ```
    /// # use mlops_drift::performance::LabelShift;
    /// // Right in four of five rows: label shift can give at most 80 % of a class, and now it is all of them.
    /// let truth: Vec<usize> = (0..1000).map(|row| row % 2).collect();
    /// let predicted: Vec<usize> = (0..1000).map(|row| if row % 10 < 8 { row % 2 } else { 1 - row % 2 }).collect();
    /// let shift = LabelShift::new(2, &truth, &predicted, &[1; 500])?;
    /// let shares = shift.unconstrained()?;
    /// assert!((shares[0].value + 1.0 / 3.0).abs() < 1e-12 && shares[0].interval.high() < 0.0);
    /// assert!(shift.shares().unwrap_err().to_string().contains("not label shift alone"));
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn unconstrained(&self) -> Result<Vec<Estimate>> {
        self.unconstrained_at(self.held_out.confidence)
    }

    fn unconstrained_at(&self, confidence: f64) -> Result<Vec<Estimate>> {
        self.held_out.needs_two_units()?;
        self.current_rows.needs_two_units()?;
        let (held_out, current) = (self.held_out.get(), self.current_rows.get());
        let shown = self.shown(held_out, current);
        let (inverse, weights) = (shown.singular_values(), shown.unconstrained());
        let unseen = self.unseen(
            |shown| Some(times(&shown.of_truth(), &shown.unconstrained())),
            confidence,
        );
        let columns: Vec<Vec<f64>> = (0..self.classes)
            .map(|class| {
                let unit = |other: usize| f64::from(u8::from(other == class));
                inverse.solve(&(0..self.classes).map(unit).collect::<Vec<_>>())
            })
            .collect();
        let of_truth = shown.of_truth();
        let of_class = |class: usize| {
            let share = of_truth[class];
            let value = weights[class] * share;
            // What a row adds: μ moves by its predicted class, C by both, and the held-out share by the true one.
            let now = self
                .current
                .iter()
                .map(|said| columns[*said][class] * share);
            let before = self.truth.iter().zip(&self.predicted).map(|(truth, said)| {
                let own = f64::from(u8::from(*truth == class));
                weights[class] * own - columns[*said][class] * weights[*truth] * share
            });
            let (now, before): (Vec<f64>, Vec<f64>) = (now.collect(), before.collect());
            let error = |rows: &Weighted, terms: &[f64]| {
                rows.error_of_mean(terms, super::rows::mean(terms.iter().copied(), rows.get()))
            };
            let parts = [
                (
                    error(&self.current_rows, &now).powi(2),
                    self.current_rows.units_held(),
                ),
                (
                    error(&self.held_out, &before).powi(2),
                    self.held_out.units_held(),
                ),
            ];
            let quantile = student_quantile(confidence, satterthwaite(parts))?;
            let radius = quantile * (parts[0].0 + parts[1].0).sqrt();
            let mut rows = self.current_rows.clone();
            rows.confidence = confidence;
            let [below, above] = unseen[class].map(|moved| radius.hypot(moved));
            rows.figure(value, value - below, value + above)
        };
        (0..self.classes).map(of_class).collect()
    }

    /// One side of 1 %, shared among the classes: a right model is refused in 1 of 100 cases at most.
    fn check_feasible(&self) -> Result<()> {
        if self.held_out.needs_two_units().is_err() || self.current_rows.needs_two_units().is_err()
        {
            return Ok(());
        }
        let shares = self.unconstrained_at(1.0 - 2.0 * INFEASIBLE / self.classes as f64)?;
        let below = |share: &&Estimate| share.interval.high() < -ROUNDING;
        match shares.iter().find(below) {
            Some(share) => Err(Error::invalid(format!(
                "shares of classes must lie in [0, 1] but for chance, got {:.4} in {}: \
                 not label shift alone",
                share.value, share.interval
            ))),
            None => Ok(()),
        }
    }

    /// The share of each class in the current rows.
    ///
    /// # Errors
    /// As [`weights`](Self::weights)'s, and for fewer than two units on either side.
    pub fn shares(&self) -> Result<Vec<Estimate>> {
        self.weights()?;
        let shares = |shown: &PredictedShares| Some(times(&shown.of_truth(), &shown.weights()?));
        let estimates = self.current_rows.estimates_with(
            &self.held_out,
            |current, held_out| shares(&self.shown(held_out, current)),
            &self.unseen(shares, self.current_rows.confidence),
        )?;
        let within = |share: Estimate| {
            let (low, high) = (share.interval.low(), share.interval.high());
            let rows = &self.current_rows;
            rows.figure(share.value, low.max(0.0), high.min(1.0))
        };
        estimates.into_iter().map(within).collect()
    }

    /// The mean loss in the current rows, from the losses of the held-out rows: each weighs as much as its
    /// class became more frequent.
    ///
    /// # Errors
    /// As [`shares`](Self::shares)'s, for another number of losses, for NaN or ±inf, and for losses that are all alike
    /// without a [range](Self::range).
    ///
    /// ```
    /// # use mlops_drift::performance::LabelShift;
    /// // Class 1 is missed twice as often as class 0, and became three times as frequent as class 0.
    /// let truth: Vec<usize> = (0..2000).map(|row| row % 2).collect();
    /// let missed = |row: usize| row % 20 == 0 || row % 20 == 1 || row % 20 == 3;
    /// let predicted: Vec<usize> = (0..2000).map(|row| truth[row] ^ usize::from(missed(row))).collect();
    /// let losses: Vec<f64> = (0..2000).map(|row| f64::from(u8::from(missed(row)))).collect();
    /// let current: Vec<usize> = (0..2000).map(|row| usize::from(row % 40 < 25)).collect();
    /// let risk = LabelShift::new(2, &truth, &predicted, &current)?.risk(&losses)?;
    /// assert!((risk.value - (0.25 * 0.1 + 0.75 * 0.2)).abs() < 1e-12);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn risk(&self, losses: &[f64]) -> Result<Estimate> {
        same_length("losses", self.truth.len(), losses.len())?;
        if let Some(loss) = losses.iter().find(|loss| !loss.is_finite()) {
            return Err(Error::invalid(format!("losses must be finite, got {loss}")));
        }
        self.weights()?;
        let all = super::rows::mean(losses.iter().copied(), self.held_out.get());
        let error = self.held_out.error_of_mean(losses, all);
        check_unlike(error, all, self.range, self.held_out.units_held())?;
        let moved = self.unseen_risk(losses)?;
        let risks = self.held_out.estimates_with(
            &self.current_rows,
            |held_out, current| {
                let weights = self.shown(held_out, current).weights()?;
                let rows = self.truth.iter().zip(held_out);
                let rows: Vec<f64> = rows
                    .map(|(class, weight)| weights[*class] * weight)
                    .collect();
                Some(vec![super::rows::mean(losses.iter().copied(), &rows)])
            },
            &[moved],
        )?;
        let first = risks.into_iter().next();
        let risk = first.ok_or_else(|| Error::invalid("the risk is undefined for these rows"))?;
        let (low, high) = (risk.interval.low(), risk.interval.high());
        self.held_out
            .figure(risk.value, low.max(self.range.0), high.min(self.range.1))
    }

    /// How far the risk may lie from where it is for what no row has shown: of the shares, and of the losses of a
    /// class whose losses are all alike.
    fn unseen_risk(&self, losses: &[f64]) -> Result<[f64; 2]> {
        let held_out = self.held_out.get();
        let mean_of = |class: usize| {
            let rows = self.of_class(class);
            let weights: Vec<f64> = rows.clone().map(|row| held_out[row]).collect();
            super::rows::mean(rows.map(|row| losses[row]), &weights)
        };
        let means: Vec<f64> = (0..self.classes).map(mean_of).collect();
        let risk = |shown: &PredictedShares| {
            let shares = times(&shown.of_truth(), &shown.weights()?);
            Some(vec![dot(&shares, &means)])
        };
        let confidence = self.held_out.confidence;
        let mut moved = self.unseen(risk, confidence).pop().unwrap_or_default();
        let shares = times(&self.as_shown().of_truth(), &self.weights()?);
        for (class, share) in shares.into_iter().enumerate() {
            let mut seen = self.of_class(class).map(|row| losses[row]);
            let first = seen.next();
            if seen.all(|loss| Some(loss) == first) {
                let unlike = self.unseen_of(class, confidence);
                let ends = towards_ends(means[class], self.range, share * unlike);
                moved = [moved[0].hypot(ends[0]), moved[1].hypot(ends[1])];
            }
        }
        Ok(moved)
    }

    /// How far the estimate of C may lie from it, see [`weights`](Self::weights).
    fn noise(&self) -> f64 {
        let shown = self.as_shown();
        let shares = shown.of_truth().into_iter().chain(shown.of_predicted());
        let rate = (2.0 * self.classes as f64 / 0.05).ln() / self.held_out.effective_units();
        let linear = 2.0 / 3.0 * rate;
        linear + (linear * linear + 2.0 * shares.fold(0.0, f64::max) * rate).sqrt()
    }

    /// Of rows with these weights.
    fn shown(&self, held_out: &[f64], current: &[f64]) -> PredictedShares {
        PredictedShares::of(
            self.classes,
            (&self.truth, &self.predicted, held_out),
            (&self.current, current),
        )
    }

    fn as_shown(&self) -> PredictedShares {
        self.shown(self.held_out.get(), self.current_rows.get())
    }

    /// How far figures may lie from where they are for what no row has shown.
    fn unseen(
        &self,
        figures: impl Fn(&PredictedShares) -> Option<Vec<f64>>,
        confidence: f64,
    ) -> Vec<[f64; 2]> {
        self.as_shown().unseen(
            figures,
            unseen(confidence, self.current_rows.effective_units()),
            |class| self.unseen_of(class, confidence),
        )
    }

    /// The share of a class's held-out rows that may be unlike those seen.
    fn unseen_of(&self, class: usize, confidence: f64) -> f64 {
        unseen(
            confidence,
            self.held_out.effective_units_of(self.of_class(class)),
        )
    }

    /// The held-out rows of weight of a true class.
    fn of_class(&self, class: usize) -> impl Iterator<Item = usize> + Clone {
        let weighing = self.held_out.weighing();
        weighing.filter(move |row| self.truth[*row] == class)
    }
}

fn times(shares: &[f64], weights: &[f64]) -> Vec<f64> {
    shares.iter().zip(weights).map(|(a, b)| a * b).collect()
}
