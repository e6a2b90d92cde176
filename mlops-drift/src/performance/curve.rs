use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::rows::{check_weights, same_length};

/// A binary classifier at every threshold: from this all metrics of ranking follow.
///
/// Rows of equal score are on the same side of every threshold. O(n log n).
///
/// ```
/// use mlops_drift::performance::Curve;
/// let curve = Curve::of(&[true, false, true, false], &[0.9, 0.7, 0.4, 0.2])?;
/// assert_eq!(curve.auc()?, 0.75);
/// let point = curve.points()[1]; // the two greatest scores
/// assert_eq!((point.threshold, point.recall, point.precision), (0.7, 0.5, 0.5));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// By falling threshold, the weights of positives and negatives at or above it.
    steps: Vec<(f64, [f64; 2])>,
}

/// A classifier that says yes from a threshold on. Ratios of 0 to 0 are 0.
///
/// ```
/// use mlops_drift::performance::Curve;
/// let all = *Curve::of(&[true, false], &[0.9, 0.1])?.points().last().unwrap();
/// assert_eq!((all.predicted_share, all.lift), (1.0, 1.0)); // everyone: no better than chance
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// The least score that counts as yes.
    pub threshold: f64,
    /// The share of all rows that count as yes.
    pub predicted_share: f64,
    /// The share of the yes that is right.
    pub precision: f64,
    /// The share of the positives that is found: the true positive rate, and the cumulative gain.
    pub recall: f64,
    /// The share of the negatives that counts as yes.
    pub false_positive_rate: f64,
    /// The precision over that of saying yes to everyone.
    pub lift: f64,
}

impl Curve {
    /// Of labels and scores; any order of scores that is not NaN will do.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for no rows, different lengths, or NaN.
    pub fn of(labels: &[bool], scores: &[f64]) -> Result<Self> {
        Self::weighted(labels, scores, &vec![1.0; labels.len()])
    }

    /// The same with a weight per row.
    ///
    /// # Errors
    /// As [`of`](Self::of)'s, and for a weight that is negative or not finite.
    ///
    /// ```
    /// use mlops_drift::performance::Curve;
    /// let curve = Curve::weighted(&[true, false, false], &[0.5, 0.9, 0.1], &[1.0, 1.0, 3.0])?;
    /// assert_eq!(curve.auc()?, 0.75);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn weighted(labels: &[bool], scores: &[f64], weights: &[f64]) -> Result<Self> {
        same_length("scores", labels.len(), scores.len())?;
        same_length("weights", labels.len(), weights.len())?;
        if labels.is_empty() {
            return Err(Error::invalid("at least 1 row is needed, got 0"));
        }
        if scores.iter().any(|score| score.is_nan()) {
            return Err(Error::invalid("scores must not be NaN"));
        }
        check_weights(weights)?;
        Ok(Self::of_labels(labels, scores, weights))
    }

    /// Of rows that were checked before.
    pub(super) fn of_labels(labels: &[bool], scores: &[f64], weights: &[f64]) -> Self {
        let rows = labels.iter().zip(scores).zip(weights);
        Self::of_rows(rows.map(|((label, score), weight)| (*score, cell(*label, *weight))))
    }

    /// From scores with their weights of positives and negatives.
    pub(super) fn of_rows(rows: impl Iterator<Item = (f64, [f64; 2])>) -> Self {
        let mut rows: Vec<(f64, [f64; 2])> = rows.collect();
        rows.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        Self::of_sorted(rows.into_iter())
    }

    /// The same by falling score.
    fn of_sorted(rows: impl Iterator<Item = (f64, [f64; 2])>) -> Self {
        let mut steps: Vec<(f64, [f64; 2])> = Vec::new();
        let mut sums = [0.0, 0.0];
        for (score, [positive, negative]) in rows {
            sums = [sums[0] + positive, sums[1] + negative];
            match steps.last_mut() {
                Some((threshold, at)) if *threshold == score => *at = sums,
                _ => steps.push((score, sums)),
            }
        }
        Self { steps }
    }

    /// Every threshold, from the greatest score down.
    pub fn points(&self) -> Vec<CurvePoint> {
        let [positives, negatives] = self.totals();
        let all = positives + negatives;
        let ratio = |part: f64, whole: f64| if whole == 0.0 { 0.0 } else { part / whole };
        let point = |&(threshold, [yes, wrong]): &(f64, [f64; 2])| {
            let precision = ratio(yes, yes + wrong);
            CurvePoint {
                threshold,
                predicted_share: ratio(yes + wrong, all),
                precision,
                recall: ratio(yes, positives),
                false_positive_rate: ratio(wrong, negatives),
                lift: ratio(precision, ratio(positives, all)),
            }
        };
        self.steps.iter().map(point).collect()
    }

    /// The point that says yes to the rows of greatest score, at least this share of all: what a campaign
    /// gains that reaches the top tenth. Rows of equal score stay together, so that it may be more.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a share outside (0, 1], or a curve
    /// without weight.
    ///
    /// ```
    /// use mlops_drift::performance::Curve;
    /// let curve = Curve::of(&[true, false, true, false], &[0.9, 0.7, 0.4, 0.2])?;
    /// assert_eq!(curve.top(0.25)?.lift, 2.0); // the first is a positive, as is every other row
    /// assert!(curve.top(1.5).is_err());
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn top(&self, share: f64) -> Result<CurvePoint> {
        if !(share > 0.0 && share <= 1.0) {
            return Err(Error::invalid(format!(
                "share must lie in (0, 1], got {share}"
            )));
        }
        // A share such as 3/10 may lie a rounding above the same share of the rows.
        let reaches = |point: &CurvePoint| point.predicted_share >= share * (1.0 - 1e-12);
        let reached = self.points().into_iter().find(reaches);
        reached.ok_or_else(|| Error::invalid("the weights must sum to more than 0, got 0"))
    }

    /// The area under the ROC curve, in \[0, 1]: how often a positive scores above a negative, ties half.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) without rows of both classes.
    pub fn auc(&self) -> Result<f64> {
        let [positives, negatives] = self.both()?;
        let (mut area, mut before) = (0.0, [0.0, 0.0]);
        for (_, now) in &self.steps {
            area += (now[1] - before[1]) * (now[0] + before[0]) / 2.0;
            before = *now;
        }
        Ok(area / positives / negatives)
    }

    /// The Gini coefficient, 2·AUC − 1, in \[−1, 1].
    ///
    /// # Errors
    /// As [`auc`](Self::auc)'s.
    pub fn gini(&self) -> Result<f64> {
        Ok(2.0 * self.auc()? - 1.0)
    }

    /// The greatest distance between true and false positive rate, in \[0, 1]: Kolmogorov and Smirnov's D
    /// between the scores of both classes.
    ///
    /// # Errors
    /// As [`auc`](Self::auc)'s.
    pub fn kolmogorov_smirnov(&self) -> Result<f64> {
        let [positives, negatives] = self.both()?;
        let gaps = self
            .steps
            .iter()
            .map(|(_, [p, n])| (p / positives - n / negatives).abs());
        Ok(gaps.fold(0.0, f64::max))
    }

    /// The average precision, in \[0, 1]: precision at every threshold, weighted by the recall that it adds,
    /// without interpolation.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) without a positive.
    pub fn average_precision(&self) -> Result<f64> {
        let [positives, _] = self.totals();
        if positives == 0.0 {
            return Err(Error::invalid(
                "average precision needs a positive row, got 0",
            ));
        }
        let (mut area, mut before) = (0.0, 0.0);
        for (_, [yes, wrong]) in &self.steps {
            if yes + wrong > 0.0 {
                area += (yes - before) / positives * (yes / (yes + wrong));
            }
            before = *yes;
        }
        Ok(area)
    }

    /// The same rows in a perfect order.
    pub(super) fn all_right(&self) -> Self {
        let [positives, negatives] = self.totals();
        let steps = vec![(1.0, [positives, 0.0]), (0.0, [positives, negatives])];
        Self { steps }
    }

    /// The same rows with one score for all.
    pub(super) fn tied(&self) -> Self {
        Self {
            steps: vec![(0.0, self.totals())],
        }
    }

    /// Whether resampling the rows leaves the order as it is: perfect, reversed, or all tied.
    pub(super) fn is_rigid(&self) -> bool {
        let [positives, negatives] = self.totals();
        let split =
            |[yes, wrong]: [f64; 2]| [[positives, 0.0], [0.0, negatives]].contains(&[yes, wrong]);
        self.steps.len() == 1 || self.steps.iter().any(|(_, sums)| split(*sums))
    }

    /// With this share of the positives, or negatives, above or below all other rows.
    pub(super) fn moved(&self, positive: bool, share: f64, top: bool) -> Self {
        let class = usize::from(!positive);
        let totals = self.totals();
        let weight = share * totals[class];
        let mut steps = Vec::with_capacity(self.steps.len() + 1);
        if top {
            let mut first = [0.0, 0.0];
            first[class] = weight;
            steps.push((f64::INFINITY, first));
        }
        for (threshold, mut sums) in self.steps.iter().copied() {
            sums[class] = (1.0 - share) * sums[class] + if top { weight } else { 0.0 };
            steps.push((threshold, sums));
        }
        if !top {
            steps.push((f64::NEG_INFINITY, totals));
        }
        Self { steps }
    }

    fn totals(&self) -> [f64; 2] {
        self.steps.last().map_or([0.0, 0.0], |(_, sums)| *sums)
    }

    fn both(&self) -> Result<[f64; 2]> {
        let [positives, negatives] = self.totals();
        if positives > 0.0 && negatives > 0.0 {
            return Ok([positives, negatives]);
        }
        Err(Error::invalid(format!(
            "rows of both classes are needed, got a weight of {positives} positive and {negatives} negative"
        )))
    }
}

/// Rows by falling score, sorted once: curves of many weights follow in one pass each.
pub(super) struct Order<'a> {
    scores: &'a [f64],
    rows: Vec<u32>,
}

impl<'a> Order<'a> {
    pub(super) fn of(scores: &'a [f64]) -> Self {
        let mut rows: Vec<u32> = (0..scores.len() as u32).collect();
        rows.sort_by(|a, b| scores[*b as usize].total_cmp(&scores[*a as usize]));
        Self { scores, rows }
    }

    /// From the weights of positives and negatives of each row.
    pub(super) fn curve(&self, cell: impl Fn(usize) -> [f64; 2]) -> Curve {
        let rows = self.rows.iter().map(|row| *row as usize);
        Curve::of_sorted(rows.map(|row| (self.scores[row], cell(row))))
    }

    /// Rows of equal score together.
    pub(super) fn steps(&self) -> impl Iterator<Item = &[u32]> {
        let equal = |a: &u32, b: &u32| self.scores[*a as usize] == self.scores[*b as usize];
        self.rows.chunk_by(equal)
    }
}

/// The weights of positives and negatives in a row.
pub(super) fn cell(positive: bool, weight: f64) -> [f64; 2] {
    if positive {
        [weight, 0.0]
    } else {
        [0.0, weight]
    }
}
