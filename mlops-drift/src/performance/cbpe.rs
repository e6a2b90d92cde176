use mlops_core::evidence::{Interval, SignificanceLevel};
use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::curve::Order;
use super::estimate::{normal_quantile, satterthwaite, student_quantile, unseen};
use super::rows::{Weighted, at_least, towards_ends};
use super::scored::check_threshold;
use super::{BinaryMetric, Calibration, Confusion, Curve, Estimate, Scored};
use crate::stream::part;

/// Performance without labels: what it would be if the probabilities were what they say. Confidence-based
/// performance estimation.
///
/// **Statistic**: every row counts as a positive with its probability and as a negative with the rest.
/// **Assumption**: calibrated probabilities *on these rows*. That holds under a change of the inputs alone if
/// the model is calibrated for each of them; it fails when the relation of inputs and label changes, which is
/// what a monitor should find, and nothing in the unlabelled rows shows it: test it by the first labels with
/// [`Scored::calibration_test`](super::Scored::calibration_test). **Interval**: [`estimate`](Self::estimate).
/// **Guarantee**: none beyond the assumption; a model over-confident by eight points is over-rated by as much,
/// however many rows. Treat it as an early hint, and the late labels as the truth. **Cost**: O(n log n).
/// **Source**: NannyML's documentation of CBPE; for two classes, for more see
/// [`CbpeMulticlass`](super::CbpeMulticlass).
///
/// ```
/// use mlops_drift::performance::{Average, Cbpe};
/// let estimate = Cbpe::of(&[0.9, 0.8, 0.3, 0.1], 0.5)?;
/// assert!((estimate.confusion.accuracy() - (0.9 + 0.8 + 0.7 + 0.9) / 4.0).abs() < 1e-12);
/// assert!((estimate.confusion.precision(Average::Class(1)) - 0.85).abs() < 1e-12);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Cbpe {
    /// The expected confusion matrix; 1 is the positive class.
    pub confusion: Confusion,
    /// The expected area under the ROC curve; `None` if all probabilities are 0 or all are 1.
    pub auc: Option<f64>,
    /// The share of scores beyond those that the calibration has seen: what is said of them is a guess.
    pub beyond: f64,
    /// The standard deviation of each metric about its estimate, in the order of [`BinaryMetric::ALL`].
    deviations: Vec<Option<f64>>,
    /// The same of all rows of the law that these are drawn from.
    of_law: Vec<Option<Spread>>,
    /// Independent units among the rows.
    units: usize,
}

/// An estimate as it is read, before its parts are known to agree.
#[derive(Deserialize)]
struct Written {
    confusion: Confusion,
    auc: Option<f64>,
    beyond: f64,
    deviations: Vec<Option<f64>>,
    #[serde(default)]
    of_law: Vec<Option<Spread>>,
    #[serde(default)]
    units: usize,
}

impl TryFrom<Written> for Cbpe {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self> {
        if written.confusion.cells().len() != 4 {
            return Err(Error::invalid(format!(
                "a table of 2 classes must hold 4 cells, got {}",
                written.confusion.cells().len()
            )));
        }
        if let Some(auc) = written.auc {
            part("auc", auc, -ROUNDING, 1.0 + ROUNDING)?;
        }
        part("share of scores beyond", written.beyond, 0.0, 1.0)?;
        for deviation in written.deviations.iter().flatten() {
            part("deviation", *deviation, 0.0, f64::MAX)?;
        }
        let spreads = written.of_law.iter().flatten();
        for (variance, _) in spreads.flat_map(|spread| spread.parts) {
            part("variance", variance, 0.0, GREATEST)?;
        }
        Ok(Self {
            confusion: written.confusion,
            auc: written.auc,
            beyond: written.beyond,
            deviations: written.deviations,
            of_law: written.of_law,
            units: written.units,
        })
    }
}

/// By how much an area may lie beyond \[0, 1].
const ROUNDING: f64 = 1e-9;
/// What a variance that is read may be: its square is a number.
const GREATEST: f64 = 1e150;

/// How far a metric of a law may lie from its estimate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Spread {
    /// Two independent variances, each with the units that it was estimated from: of the scores, and of the calibration.
    parts: [(f64, usize); 2],
    /// Units with a row on which the metric depends, such as a yes for precision.
    telling: usize,
}

/// What the calibration lends to a figure that changes with the probability of each score by so much.
struct OfCalibration<F> {
    /// As independent rows have it, and as units do.
    variances: F,
    /// Units that it was fitted to.
    units: usize,
}

/// What a metric gains by a positive, and by a negative, more in the place of each row.
struct Slopes {
    positive: Vec<f64>,
    negative: Vec<f64>,
}

impl Cbpe {
    /// From calibrated probabilities, with the least one that counts as a yes.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for no rows, or a probability or threshold
    /// outside \[0, 1].
    pub fn of(probabilities: &[f64], threshold: f64) -> Result<Self> {
        check_shares(probabilities)?;
        check_threshold(threshold)?;
        let rows = Weighted::rows(probabilities.len());
        let none = OfCalibration {
            variances: |_: &[f64]| [0.0; 2],
            units: rows.units_held(),
        };
        Ok(Self::counted(
            probabilities,
            probabilities,
            threshold,
            &rows,
            none,
        ))
    }

    /// From scores whose order and threshold decide, and the calibration that says how probable they are.
    ///
    /// # Errors
    /// As [`of`](Self::of)'s.
    ///
    /// ```
    /// use mlops_drift::performance::{Calibration, Cbpe, Scored};
    /// // Over-confident: what is said at 0.9 holds in three of four cases.
    /// let reference = Scored::new(&[true, true, false, true, false], &[0.9, 0.9, 0.9, 0.9, 0.2])?;
    /// let calibration = Calibration::isotonic(&reference);
    /// let estimate = Cbpe::calibrated(&[0.9, 0.9], &calibration, 0.5)?;
    /// assert_eq!(estimate.confusion.accuracy(), 0.75);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn calibrated(scores: &[f64], calibration: &Calibration, threshold: f64) -> Result<Self> {
        check_shares(scores)?;
        check_threshold(threshold)?;
        let probabilities = calibration.of(scores)?;
        let rows = Weighted::rows(scores.len());
        let of_pools = OfCalibration {
            variances: |changes: &[f64]| [calibration.variance(scores, changes); 2],
            units: rows.units_held(),
        };
        Ok(Self {
            beyond: calibration.beyond(scores),
            ..Self::counted(scores, &probabilities, threshold, &rows, of_pools)
        })
    }

    /// From scores, calibrated on labelled rows of the reference with their weights and units; the scores' rows in units of their own, if any
    /// are given.
    ///
    /// # Errors
    /// As [`of`](Self::of)'s, for another number of units, and for a reference of fewer than two.
    ///
    /// ```
    /// use mlops_core::evidence::SignificanceLevel;
    /// use mlops_drift::performance::{BinaryMetric, Cbpe, Scored};
    /// let said = [0.9, 0.2, 0.6, 0.4].repeat(50);
    /// let labels = [true, false, true, true, true, false, false, false].repeat(25);
    /// let of_rows = Cbpe::calibrated_on(&Scored::new(&labels, &said)?, &said, 0.5, None)?;
    /// // Five rows each share a user.
    /// let users: Vec<u64> = (0..200).map(|row| row / 5).collect();
    /// let reference = Scored::new(&labels, &said)?.units(&users)?;
    /// let of_users = Cbpe::calibrated_on(&reference, &said, 0.5, Some(&users))?;
    /// assert_eq!(of_rows.confusion, of_users.confusion);
    /// let accuracy = of_users.estimate_of_law(BinaryMetric::Accuracy, SignificanceLevel::FIVE_PERCENT)?;
    /// assert_eq!((accuracy.n, accuracy.units), (200, 40));
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn calibrated_on(
        reference: &Scored,
        scores: &[f64],
        threshold: f64,
        units: Option<&[u64]>,
    ) -> Result<Self> {
        check_shares(scores)?;
        check_threshold(threshold)?;
        let calibration = Calibration::isotonic(reference);
        let probabilities = calibration.of(scores)?;
        let mut rows = Weighted::rows(scores.len());
        units.map_or(Ok(()), |units| rows.units(units))?;
        reference.rows.needs_two_units()?;
        let of_pools = OfCalibration {
            variances: |changes: &[f64]| {
                let by_row = calibration.variance(scores, changes);
                let by_unit = calibration.variance_in_units(scores, changes, reference);
                [by_row, by_row.max(by_unit)]
            },
            units: reference.rows.units_held(),
        };
        Ok(Self {
            beyond: calibration.beyond(scores),
            ..Self::counted(scores, &probabilities, threshold, &rows, of_pools)
        })
    }

    /// A metric with an interval for what the labels of these very rows will show, if the probabilities hold.
    ///
    /// **Interval**: normal, cut to \[0, 1], by the delta method: the labels' variance p·(1 − p), row by row, and
    /// of calibrated scores that of the calibration, pool by pool. It says nothing of a calibration that does
    /// not hold any more. **Weakness**: metrics near 0 or 1, and below some hundred rows.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a metric that is undefined.
    ///
    /// ```
    /// use mlops_core::evidence::SignificanceLevel;
    /// use mlops_drift::performance::{BinaryMetric, Cbpe};
    /// let estimate = Cbpe::of(&[0.8; 400], 0.5)?;
    /// let accuracy = estimate.estimate(BinaryMetric::Accuracy, SignificanceLevel::FIVE_PERCENT)?;
    /// // 1.96·√(0.8·0.2/400)
    /// assert!((accuracy.interval.width() / 2.0 - 0.0392).abs() < 1e-4);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn estimate(&self, metric: BinaryMetric, level: SignificanceLevel) -> Result<Estimate> {
        let (value, deviation) = self.known(metric, &self.deviations)?;
        let confidence = 1.0 - level.get();
        let radius = normal_quantile(confidence) * deviation;
        self.within(value, [radius; 2], self.rows(), confidence)
    }

    /// A metric with an interval for all rows of the law that these are drawn from, if the probabilities hold: to compare with another table.
    ///
    /// **Interval**: Student's t with the degrees of freedom of both parts (Satterthwaite), cut to \[0, 1], by the delta method: the variance of the
    /// scores, and of calibrated ones that of the calibration; both by units where [`calibrated_on`](Self::calibrated_on) has them. Labels of these
    /// rows do not enter. Never narrower than the rule of three has it: of so many units on which the metric depends, others may be at either end.
    /// **Weakness**: that of [`estimate`](Self::estimate).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a metric that is undefined, and for fewer than two units.
    ///
    /// ```
    /// use mlops_core::evidence::SignificanceLevel;
    /// use mlops_drift::performance::{BinaryMetric, Cbpe};
    /// // As many sure rows as open ones: what the share of either is in the law is known to ±0.07 and so.
    /// let estimate = Cbpe::of(&[1.0, 0.6].repeat(100), 0.5)?;
    /// let accuracy = estimate.estimate_of_law(BinaryMetric::Accuracy, SignificanceLevel::FIVE_PERCENT)?;
    /// // 1.97·√(0.2²/199)
    /// assert!((accuracy.interval.width() / 2.0 - 0.02796).abs() < 1e-4);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn estimate_of_law(
        &self,
        metric: BinaryMetric,
        level: SignificanceLevel,
    ) -> Result<Estimate> {
        if self.units < 2 {
            return Err(Error::invalid(format!(
                "an interval needs at least 2 independent units, got {}",
                self.units
            )));
        }
        let (value, Spread { parts, telling }) = self.known(metric, &self.of_law)?;
        let confidence = 1.0 - level.get();
        let quantile = student_quantile(confidence, satterthwaite(parts))?;
        let radius = quantile * (parts[0].0 + parts[1].0).sqrt();
        let share = unseen(confidence, telling as f64);
        let radii = towards_ends(value, (0.0, 1.0), share).map(|moved| at_least(moved, radius));
        self.within(value, radii, self.units, confidence)
    }

    /// The value of a metric, and what is known of it.
    fn known<T: Copy>(&self, metric: BinaryMetric, of: &[Option<T>]) -> Result<(f64, T)> {
        let place = BinaryMetric::ALL.iter().position(|other| *other == metric);
        let known = place.and_then(|place| *of.get(place)?);
        let known = metric.estimated(self).zip(known);
        known.ok_or_else(|| Error::invalid("the metric is undefined for these rows: no yes, no positive or no negative is probable"))
    }

    fn rows(&self) -> usize {
        self.confusion.cells().iter().sum::<f64>().round() as usize
    }

    fn within(
        &self,
        value: f64,
        [below, above]: [f64; 2],
        units: usize,
        confidence: f64,
    ) -> Result<Estimate> {
        let (low, high) = ((value - below).max(0.0), (value + above).min(1.0));
        Ok(Estimate {
            value,
            interval: Interval::new(low, high, confidence)?,
            n: self.rows(),
            units,
        })
    }

    fn counted(
        scores: &[f64],
        probabilities: &[f64],
        threshold: f64,
        rows: &Weighted,
        of_calibration: OfCalibration<impl Fn(&[f64]) -> [f64; 2]>,
    ) -> Self {
        let sums = |yes: bool| {
            let side = scores.iter().zip(probabilities);
            let side = side.filter(|(score, _)| (**score >= threshold) == yes);
            side.fold([0.0, 0.0], |[no, yes], (_, p)| [no + (1.0 - p), yes + p])
        };
        let ([tn, fn_], [fp, tp]) = (sums(false), sums(true));
        let curve = scores.iter().zip(probabilities);
        let curve = Curve::of_rows(curve.map(|(score, p)| (*score, [*p, 1.0 - p])));
        let mut estimate = Self {
            confusion: Confusion::of_cells([tn, fp, fn_, tp]),
            auc: curve.auc().ok(),
            beyond: 0.0,
            deviations: Vec::new(),
            of_law: Vec::new(),
            units: rows.units_held(),
        };
        let spreads = BinaryMetric::ALL.into_iter().map(|metric| {
            let slopes = estimate.slopes(metric, scores, probabilities, threshold)?;
            let changes = slopes.changes();
            let [by_row, by_unit] = (of_calibration.variances)(&changes);
            let of_labels = of_labels(&changes, probabilities);
            let of_scores = slopes.variance_of_scores(probabilities, rows);
            let of_law = Spread {
                parts: [(of_scores, estimate.units), (by_unit, of_calibration.units)],
                telling: rows.clusters.held_by(slopes.telling()),
            };
            Some(((of_labels + by_row).sqrt(), of_law))
        });
        let spreads: Vec<Option<(f64, Spread)>> = spreads.collect();
        estimate.deviations = spreads
            .iter()
            .map(|spread| spread.map(|(deviation, _)| deviation))
            .collect();
        // Of one unit no variance is a number.
        let known = spreads
            .into_iter()
            .map(|spread| Some(spread?.1).filter(|_| estimate.units > 1));
        estimate.of_law = known.collect();
        estimate
    }

    /// Row by row how a metric changes with what is there of it.
    fn slopes(
        &self,
        metric: BinaryMetric,
        scores: &[f64],
        probabilities: &[f64],
        threshold: f64,
    ) -> Option<Slopes> {
        if metric == BinaryMetric::RocAuc {
            return Some(slopes_of_auc(scores, probabilities, self.auc?));
        }
        let [over, under] = metric.quotient()?;
        let all: f64 = self
            .confusion
            .cells()
            .iter()
            .zip(under)
            .map(|(cell, weight)| cell * weight)
            .sum();
        let value = metric.estimated(self).filter(|_| all > 0.0)?;
        let change = |cell: usize| (over[cell] - value * under[cell]) / all;
        let [tn, fp, fn_, tp] = [0, 1, 2, 3].map(change);
        let by_side = |no: f64, yes: f64| {
            let side = |score: &f64| if *score >= threshold { yes } else { no };
            scores.iter().map(side).collect()
        };
        Some(Slopes {
            positive: by_side(fn_, tp),
            negative: by_side(tn, fp),
        })
    }
}

impl Slopes {
    /// The rows on which the metric depends.
    fn telling(&self) -> impl Iterator<Item = usize> {
        let rows = self.positive.iter().zip(&self.negative).enumerate();
        rows.filter(|(_, slopes)| *slopes != (&0.0, &0.0))
            .map(|(row, _)| row)
    }

    /// With the probability of each row.
    fn changes(&self) -> Vec<f64> {
        let rows = self.positive.iter().zip(&self.negative);
        rows.map(|(positive, negative)| positive - negative)
            .collect()
    }

    /// The variance that rows of other scores, drawn like these, would lend: every row has an influence, and all of them sum to 0, since a metric
    /// does not change with the number of rows.
    fn variance_of_scores(&self, probabilities: &[f64], rows: &Weighted) -> f64 {
        let slopes = self.positive.iter().zip(&self.negative);
        let influence = slopes.zip(probabilities);
        let influence =
            influence.map(|((positive, negative), p)| p * positive + (1.0 - p) * negative);
        rows.variance_of_sum(&influence.collect::<Vec<_>>())
    }
}

/// The variance that labels lend, each drawn from its probability.
fn of_labels(changes: &[f64], probabilities: &[f64]) -> f64 {
    let rows = changes.iter().zip(probabilities);
    rows.map(|(change, p)| change * change * p * (1.0 - p))
        .sum()
}

/// The area is U/(P·N) with U = Σ p·(1 − p′) over pairs in order: a positive more adds the negatives below it to U, a negative more
/// the positives above it, and either moves P or N.
fn slopes_of_auc(scores: &[f64], probabilities: &[f64], area: f64) -> Slopes {
    let positives: f64 = probabilities.iter().sum();
    let negatives = scores.len() as f64 - positives;
    let mut slopes = Slopes {
        positive: vec![0.0; scores.len()],
        negative: vec![0.0; scores.len()],
    };
    let pairs = positives * negatives;
    let mut above = [0.0, 0.0];
    for step in Order::of(scores).steps() {
        let tied: f64 = step.iter().map(|row| probabilities[*row as usize]).sum();
        let tied = [tied, step.len() as f64 - tied];
        let negatives_below = negatives - above[1] - tied[1] / 2.0;
        let positives_above = above[0] + tied[0] / 2.0;
        for row in step {
            slopes.positive[*row as usize] = (negatives_below - area * negatives) / pairs;
            slopes.negative[*row as usize] = (positives_above - area * positives) / pairs;
        }
        above = [above[0] + tied[0], above[1] + tied[1]];
    }
    slopes
}

fn check_shares(probabilities: &[f64]) -> Result<()> {
    if probabilities.is_empty() {
        return Err(Error::invalid("at least 1 row is needed, got 0"));
    }
    let outside = |p: &&f64| !(0.0..=1.0).contains(*p);
    match probabilities.iter().find(outside) {
        Some(p) => Err(Error::invalid(format!(
            "probabilities must lie in [0, 1], got {p}"
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Curve, slopes_of_auc};

    /// Tied scores and others: a thousandth of a row more of either label moves the area as its slope says, and a share more of all rows does not move it.
    #[test]
    fn slopes_of_an_area_are_how_it_changes() {
        let scores = [0.1, 0.5, 0.5, 0.5, 0.7, 0.9, 0.9];
        let probabilities = [0.2, 0.4, 0.3, 0.9, 0.5, 0.8, 0.6];
        let area = |more: Option<(usize, [f64; 2])>| {
            let rows = scores
                .iter()
                .zip(&probabilities)
                .enumerate()
                .map(|(row, (score, p))| {
                    let [positive, negative] = more
                        .filter(|(of, _)| *of == row)
                        .map_or([0.0; 2], |(_, more)| more);
                    (*score, [p + positive, 1.0 - p + negative])
                });
            Curve::of_rows(rows).auc().unwrap_or(f64::NAN)
        };
        let slopes = slopes_of_auc(&scores, &probabilities, area(None));
        let step = 1e-5;
        let mut all = 0.0;
        for (row, p) in probabilities.iter().enumerate() {
            let change = |of: [f64; 2]| {
                (area(Some((row, of))) - area(Some((row, of.map(|x| -x))))) / (2.0 * step)
            };
            assert!(
                (change([step, 0.0]) - slopes.positive[row]).abs() < 1e-8,
                "positive {row}"
            );
            assert!(
                (change([0.0, step]) - slopes.negative[row]).abs() < 1e-8,
                "negative {row}"
            );
            all += p * slopes.positive[row] + (1.0 - p) * slopes.negative[row];
        }
        assert!(all.abs() < 1e-14, "{all}");
    }
}
