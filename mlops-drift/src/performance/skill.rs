//! Skill: the part of a dummy's loss that a model saves, on the same rows.

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::estimate::unseen;
use super::rows::{Weighted, mean};
use super::scored::check_threshold;
use super::{Estimate, Loss, Multiclass, Ranking, RankingMetrics, Regression, Scored};
use crate::sample::quantile_by;

/// Error of a skill to which all rows contribute alike, but for rounding.
const ALIKE: f64 = 1e-12;

/// 1 − mean loss / mean loss of the dummy, with Student's t interval of the ratio by the delta method. Where
/// all rows have the same ratio (a model without a loss, or the dummy itself), units that none of these was of
/// may cost as much as the dummy's worst row, or nothing.
pub(super) fn skill(rows: &Weighted, losses: &[f64], dummy: &[f64]) -> Result<Estimate> {
    rows.needs_two_units()?;
    let of = |losses: &[f64]| mean(losses.iter().copied(), rows.get());
    let (own, least) = (of(losses), of(dummy));
    // NaN: losses of the dummy that overflow.
    if least.is_nan() || least <= 0.0 {
        return Err(Error::invalid(format!(
            "the dummy's mean loss must be above 0, got {least}"
        )));
    }
    let ratio = own / least;
    let rest = losses
        .iter()
        .zip(dummy)
        .map(|(loss, dummy)| (loss - ratio * dummy) / least);
    let error = rows.error_of_mean(&rest.collect::<Vec<_>>(), 0.0);
    let (below, above) = if error <= ALIKE {
        let share = unseen(rows.confidence, rows.effective_units());
        let worst = dummy.iter().copied().fold(0.0, f64::max);
        (share * worst / least, share * ratio)
    } else {
        let radius = error * rows.student_quantile()?;
        (radius, radius)
    };
    rows.figure(
        1.0 - ratio,
        1.0 - ratio - below,
        (1.0 - ratio + above).min(1.0),
    )
}

impl Scored {
    /// Skill against a dummy that always says the same probability, such as the share of positives in
    /// training: 1 − mean loss / mean loss of the dummy, at most 1, and 0 for a model that is no better.
    ///
    /// **Interval**: Student's t of the ratio by the delta method, by units; the dummy's probability is taken
    /// as given. A model without any loss, whose rows do not vary, may lose as much as the dummy's worst row
    /// on the share of units that as many may all have missed (the rule of three). **Weakness**: below some 30
    /// units, or a dummy that is nearly always right. **Cost**: O(n).
    /// **Source**: Murphy, "Skill scores based on the mean square error and their relationships to the
    /// correlation coefficient", Monthly Weather Review 116, 1988.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a probability outside \[0, 1], fewer
    /// than two units, or a dummy without loss.
    ///
    /// ```
    /// # use mlops_drift::performance::{Loss, Scored};
    /// let scored = Scored::new(&[true, false, true, false], &[0.75, 0.25, 0.75, 0.25])?;
    /// assert_eq!(scored.skill(Loss::Brier, 0.5)?.value, 0.75); // 1/16 instead of 1/4
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn skill(&self, loss: Loss, prior: f64) -> Result<Estimate> {
        let dummy = Scored::new(&self.labels, &vec![prior; self.len()])?;
        skill(&self.rows, &self.losses(loss), &dummy.losses(loss))
    }

    /// Skill in the share of wrong answers, against a dummy that always gives the same one, such as the
    /// majority class of training.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a threshold outside \[0, 1], fewer
    /// than two units, or a dummy that is always right.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false, true, false], &[0.75, 0.25, 0.75, 0.75])?;
    /// assert_eq!(scored.accuracy_skill(0.5, true)?.value, 0.5); // one wrong instead of two
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn accuracy_skill(&self, threshold: f64, majority: bool) -> Result<Estimate> {
        check_threshold(threshold)?;
        let wrong = |yes: bool, label: bool| f64::from(u8::from(yes != label));
        let rows = self.labels.iter().zip(&self.probabilities);
        let own: Vec<f64> = rows
            .map(|(label, p)| wrong(*p >= threshold, *label))
            .collect();
        let dummy: Vec<f64> = self
            .labels
            .iter()
            .map(|label| wrong(majority, *label))
            .collect();
        skill(&self.rows, &own, &dummy)
    }
}

impl Multiclass {
    /// Skill against a dummy that always says the same probabilities, such as the classes' shares in training;
    /// see [`Scored::skill`].
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for another number of probabilities, one
    /// that is negative or not finite, fewer than two units, or a dummy without loss.
    ///
    /// ```
    /// # use mlops_drift::performance::{Loss, Multiclass};
    /// let rows = Multiclass::new(2, &[0, 1], &[0.5, 0.5, 0.5, 0.5])?;
    /// assert_eq!(rows.skill(Loss::LogLoss, &[0.5, 0.5])?.value, 0.0);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn skill(&self, loss: Loss, priors: &[f64]) -> Result<Estimate> {
        let dummy = self.always(priors)?;
        skill(&self.rows, &self.losses(loss), &dummy.losses(loss))
    }

    /// Skill in the share of wrong answers, against a dummy that always gives the same one, such as the
    /// majority class of training.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a class out of range, fewer than two
    /// units, or a dummy that is always right.
    ///
    /// ```
    /// # use mlops_drift::performance::Multiclass;
    /// let rows = Multiclass::new(2, &[0, 1], &[0.9, 0.1, 0.2, 0.8])?;
    /// assert_eq!(rows.accuracy_skill(0)?.value, 1.0);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn accuracy_skill(&self, majority: usize) -> Result<Estimate> {
        self.check_class(majority)?;
        let one = |class: usize| f64::from(u8::from(class == majority));
        let dummy = self.always(&(0..self.classes()).map(one).collect::<Vec<_>>())?;
        skill(&self.rows, &self.misses(), &dummy.misses())
    }
}

/// A loss of a predicted number.
///
/// ```
/// use mlops_drift::performance::RegressionLoss;
/// assert_eq!(RegressionLoss::Squared.of(3.0, 1.0), 4.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegressionLoss {
    /// |prediction − truth|.
    Absolute,
    /// (prediction − truth)².
    Squared,
    /// |prediction − truth| as a share of the truth, which counts as 2.2e-16 at least.
    Relative,
    /// The pinball loss of predictions of this quantile, in (0, 1), of the target's law.
    Quantile(f64),
}

impl RegressionLoss {
    /// The loss of one row.
    pub fn of(self, truth: f64, predicted: f64) -> f64 {
        let error = predicted - truth;
        match self {
            Self::Absolute => error.abs(),
            Self::Squared => error * error,
            Self::Relative => error.abs() / truth.abs().max(f64::EPSILON),
            Self::Quantile(share) => (1.0 - share) * error.max(0.0) + share * (-error).max(0.0),
        }
    }
}

impl RegressionLoss {
    /// Whether a quantile lies in (0, 1).
    pub(super) fn check(self) -> Result<()> {
        match self {
            Self::Quantile(share) if !(share > 0.0 && share < 1.0) => Err(Error::invalid(format!(
                "share must lie in (0, 1), got {share}"
            ))),
            _ => Ok(()),
        }
    }
}

/// A forecast that needs no model.
///
/// ```
/// use mlops_drift::performance::RegressionDummy;
/// assert_eq!(RegressionDummy::median(&[1.0, 2.0, 9.0])?, RegressionDummy::Constant(2.0));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegressionDummy {
    /// Always this number.
    Constant(f64),
    /// The truth of the row before; the first row, which has none before it, is left out.
    LastValue,
}

impl RegressionDummy {
    /// The mean of the targets in training: the best constant under squared loss.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for no targets, or any that is not finite.
    ///
    /// ```
    /// use mlops_drift::performance::RegressionDummy;
    /// assert_eq!(RegressionDummy::mean(&[1.0, 2.0, 9.0])?, RegressionDummy::Constant(4.0));
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn mean(targets: &[f64]) -> Result<Self> {
        check_targets(targets)?;
        let moments = crate::sample::Moments::of(targets);
        let mean = moments
            .mean()
            .ok_or_else(|| Error::invalid("the mean of the targets overflows"));
        Ok(Self::Constant(mean?))
    }

    /// The median of the targets in training: the best constant under absolute loss.
    ///
    /// # Errors
    /// As [`mean`](Self::mean)'s.
    pub fn median(targets: &[f64]) -> Result<Self> {
        check_targets(targets)?;
        let mut sorted = targets.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        Ok(Self::Constant(quantile_by(sorted.len(), 0.5, |rank| {
            sorted[rank]
        })))
    }
}

fn check_targets(targets: &[f64]) -> Result<()> {
    if targets.is_empty() {
        return Err(Error::invalid("at least 1 target is needed, got 0"));
    }
    match targets.iter().find(|target| !target.is_finite()) {
        Some(target) => Err(Error::invalid(format!(
            "targets must be finite, got {target}"
        ))),
        None => Ok(()),
    }
}

impl Regression {
    /// Skill against a dummy, see [`Scored::skill`]; against the last value it tells a forecast that only
    /// repeats it from one that knows more. The dummy is taken as given.
    ///
    /// **Assumption**: independent units; rows of a series depend on each other, so declare stretches of it
    /// as units.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for fewer than two units, a constant that
    /// is not finite, or a dummy without loss.
    ///
    /// ```
    /// # use mlops_drift::performance::{Regression, RegressionDummy, RegressionLoss};
    /// let rows = Regression::new(&[1.0, 2.0, 3.0, 4.0], &[1.5, 2.0, 2.5, 4.0])?;
    /// let skill = rows.skill(RegressionLoss::Squared, RegressionDummy::Constant(2.5))?;
    /// assert!((skill.value - rows.metrics().r2.unwrap()).abs() < 1e-15); // R² is such a skill
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn skill(&self, loss: RegressionLoss, dummy: RegressionDummy) -> Result<Estimate> {
        loss.check()?;
        let first = usize::from(dummy == RegressionDummy::LastValue);
        let rows = self.part(&(first..self.len()).collect::<Vec<_>>());
        let guesses = match dummy {
            RegressionDummy::Constant(constant) => vec![constant; self.len()],
            RegressionDummy::LastValue => self.truth.clone(),
        };
        let losses = |guesses: &[f64]| -> Vec<f64> {
            let rows = rows.truth.iter().zip(guesses);
            rows.map(|(truth, guess)| loss.of(*truth, *guess)).collect()
        };
        skill(&rows.rows, &losses(&rows.predicted), &losses(&guesses))
    }
}

impl Ranking {
    /// The metrics of the first k items that lists in random order have on average.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for k = 0.
    ///
    /// ```
    /// # use mlops_drift::performance::Ranking;
    /// let lists = Ranking::new(&[1, 1], &[1.0, 0.0], &[0.9, 0.1])?;
    /// assert_eq!((lists.random(1)?.precision, lists.random(2)?.mrr), (0.5, 0.75));
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn random(&self, k: usize) -> Result<RankingMetrics> {
        Ok(self.average(&self.random_by_query(k)?))
    }

    /// Skill of a metric of the first k items against random order: what it lacks to that of the best order, in
    /// parts of what random order lacks, 1 − (best − metric) / (best − random), so that a perfect order has 1;
    /// interval as [`Scored::skill`]'s, by queries.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for k = 0, fewer than two queries, or
    /// lists of which no order is better than another.
    ///
    /// ```
    /// # use mlops_drift::performance::Ranking;
    /// let lists = Ranking::new(&[1, 1, 2, 2], &[1.0, 0.0, 0.0, 1.0], &[0.9, 0.1, 0.3, 0.8])?;
    /// assert_eq!(lists.skill(2, |query| query.ndcg)?.value, 1.0);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn skill(&self, k: usize, metric: impl Fn(&RankingMetrics) -> f64) -> Result<Estimate> {
        let best = self.best_by_query(k)?;
        let short = |queries: Vec<RankingMetrics>| -> Vec<f64> {
            let queries = queries.iter().zip(&best);
            queries
                .map(|(query, best)| metric(best) - metric(query))
                .collect()
        };
        skill(
            &self.rows,
            &short(self.by_query(k)?),
            &short(self.random_by_query(k)?),
        )
    }
}
