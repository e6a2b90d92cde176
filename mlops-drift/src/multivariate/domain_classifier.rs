use mlops_core::Result;
use serde::{Deserialize, Serialize};

use super::logistic;
use super::points::{Points, comparable};
use super::standard::Standard;
use crate::NumericSample;
use crate::two_sample::{
    MannWhitney, NullDistribution, Permutations, TestResult, TwoSampleTest, null_settings,
};

/// Rows of each sample: two to fit on, two to judge by.
const LEAST: usize = 4;
/// Standard deviations at which a feature is cut, so that one outlier does not speak for all.
const FARTHEST: f64 = 10.0;

/// Can a classifier tell the two samples apart, and by which dimensions?
///
/// **Statistic**: the area under the ROC curve (AUC) of a logistic regression that tells current rows from
/// the reference's, on rows that it has not seen: each sample is split in halves at random; one is fitted
/// on, the scores of the other are compared. 0.5 is chance. Its features are each dimension, in standard
/// deviations, and its square, with a ridge of as many as there are features over the rows.
/// **Hypothesis**: both samples come from one law. **Assumption**: exchangeable rows.
/// **Guarantee**: the AUC's law by permutation of the scores, two-sided, hence an exact level at every sample size: given the fitted half
/// the scores are exchangeable, whatever the classifier learnt. All permutations are counted where ties and sizes allow it (see
/// [`MannWhitney`]), otherwise [`Permutations`] are drawn, which also seed the halves. [`NullDistribution::Asymptotic`] takes the normal law,
/// which reaches below the 1 in 10,000 of so many permutations.
/// **Weakness**: half of the rows are spent on the fit. Sees shifts and spreads of dimensions and of their
/// sums; blind to a change of correlations alone: see [`EnergyTest`](super::EnergyTest),
/// [`PcaReconstruction`](super::PcaReconstruction).
/// **Errors**: fewer than 4 rows in a sample, different dimensions, a variance beyond 1.8e308.
/// **Cost**: 300 passes over half of the rows, O(rows·dimensions) each; then O(rows) per permutation of the other half.
/// **Source**: Lopez-Paz & Oquab, "Revisiting classifier two-sample tests", ICLR 2017, with the rank test
/// in place of the accuracy; Rabanser, Günnemann & Lipton, "Failing loudly: an empirical study of methods
/// for detecting dataset shift", NeurIPS 2019, on domain classifiers.
///
/// ```
/// use mlops_drift::multivariate::{DomainClassifier, Points};
///
/// let reference = Points::new(2, (0..200).flat_map(|i| [f64::from(i % 10), f64::from(i % 7)]))?;
/// let current = Points::new(2, (0..200).flat_map(|i| [f64::from(i % 10), f64::from(i % 7) + 4.0]))?;
/// let found = DomainClassifier::default().explain(&reference, &current)?;
/// assert!(found.auc > 0.8 && found.test.p_value.get() <= 1e-4);
/// assert_eq!(found.carriers[0].dimension, 1);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DomainClassifier {
    null: NullDistribution,
    permutations: Permutations,
}

null_settings!("multivariate", DomainClassifier);

impl DomainClassifier {
    /// The test, with what the classifier learnt.
    ///
    /// # Errors
    /// As the test's.
    ///
    /// ```
    /// use mlops_drift::multivariate::{DomainClassifier, Points};
    /// let points = Points::new(1, (0..100).map(|i| f64::from(i % 10)))?;
    /// let found = DomainClassifier::default().explain(&points, &points)?;
    /// assert!(found.test.p_value.get() > 0.05);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn explain(&self, reference: &Points, current: &Points) -> Result<DomainDrift> {
        comparable(reference, current, LEAST)?;
        let mut generator = self.permutations.generator();
        let [[x, held_x], [y, held_y]] =
            [reference, current].map(|points| points.split(points.len() / 2, &mut generator));
        let classifier = Classifier::fit(&x, &y)?;
        let [held_x, held_y] = [held_x, held_y].map(|points| classifier.scores(&points));
        let test = self.ranks().test(&held_x, &held_y)?;
        let pairs = held_x.len() as f64 * held_y.len() as f64;
        let auc = 1.0 - test.statistic / pairs; // U counts pairs in which the reference scores higher
        let method = format!("domain_classifier_{}", test.method);
        Ok(DomainDrift {
            test: TestResult {
                statistic: auc,
                ..test.named(method)
            },
            auc,
            carriers: classifier.carriers(),
        })
    }

    fn ranks(&self) -> MannWhitney {
        let null = match self.null {
            NullDistribution::Automatic | NullDistribution::Exact => NullDistribution::Exact,
            NullDistribution::Asymptotic => NullDistribution::Asymptotic,
        };
        MannWhitney::default()
            .null(null)
            .permutations(self.permutations)
    }
}

impl TwoSampleTest<Points> for DomainClassifier {
    fn test(&self, reference: &Points, current: &Points) -> Result<TestResult> {
        Ok(self.explain(reference, current)?.test)
    }
}

/// What [`DomainClassifier::explain`] found.
///
/// ```
/// use mlops_drift::multivariate::{DomainClassifier, DomainDrift, Points};
/// let points = Points::new(1, (0..100).map(|i| f64::from(i % 10)))?;
/// let found: DomainDrift = DomainClassifier::default().explain(&points, &points)?;
/// assert!((0.3..0.7).contains(&found.auc));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DomainDrift {
    /// The test; its statistic is the AUC.
    pub test: TestResult,
    /// The probability that a current row scores higher than one of the reference; 0.5 is chance.
    pub auc: f64,
    /// What each dimension tells, the one that tells most first. Weights have no error rate of their own.
    pub carriers: Vec<Carrier>,
}

/// What a dimension tells about the sample that a row is of, beside all others.
///
/// ```
/// use mlops_drift::multivariate::{DomainClassifier, Points};
/// let reference = Points::new(1, (0..100).map(|i| f64::from(i % 10) - 4.5))?;
/// let current = Points::new(1, (0..100).map(|i| 5.0 * (f64::from(i % 10) - 4.5)))?;
/// let carrier = DomainClassifier::default().explain(&reference, &current)?.carriers[0];
/// assert!(carrier.spread > carrier.shift.abs());
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Carrier {
    /// Its number, from 0.
    pub dimension: usize,
    /// Log-odds of "current" per standard deviation of the dimension: above 0 if current values are greater.
    pub shift: f64,
    /// Log-odds of "current" per standard deviation of its square about the mean: above 0 if current values
    /// are wider spread.
    pub spread: f64,
}

struct Classifier {
    values: Standard,
    squares: Standard,
    weights: Vec<f64>,
}

impl Classifier {
    fn fit(reference: &Points, current: &Points) -> Result<Self> {
        let both: Vec<&[f64]> = reference.rows().chain(current.rows()).collect();
        let dimensions = reference.dimensions();
        let values = Standard::of(&Points::new(dimensions, both.concat())?)?;
        let scaled = both.iter().flat_map(|row| squares(&values, row));
        let squares = Standard::of(&Points::new(dimensions, scaled)?)?;
        let mut classifier = Self {
            values,
            squares,
            weights: Vec::new(),
        };
        let rows: Vec<Vec<f64>> = both.iter().map(|row| classifier.features(row)).collect();
        let classes: Vec<bool> = (0..rows.len()).map(|row| row >= reference.len()).collect();
        let ridge = 2.0 * dimensions as f64 / rows.len() as f64;
        classifier.weights = logistic::fit(&rows, &classes, ridge);
        Ok(classifier)
    }

    fn features(&self, row: &[f64]) -> Vec<f64> {
        let squares = self.squares.row(&squares(&self.values, row));
        let features = self.values.row(row).into_iter().chain(squares);
        features.map(|x| x.clamp(-FARTHEST, FARTHEST)).collect()
    }

    fn scores(&self, points: &Points) -> NumericSample {
        let score = |row| logistic::score(&self.weights, &self.features(row));
        NumericSample::new(points.rows().map(score))
    }

    fn carriers(&self) -> Vec<Carrier> {
        let (shifts, spreads) = self.weights.split_at(self.values.dimensions());
        let of_dimension = shifts.iter().zip(spreads).enumerate();
        let carriers = of_dimension.map(|(dimension, (shift, spread))| Carrier {
            dimension,
            shift: *shift,
            spread: *spread,
        });
        let mut carriers: Vec<Carrier> = carriers.collect();
        let weight = |carrier: &Carrier| carrier.shift.hypot(carrier.spread);
        carriers.sort_by(|x, y| weight(y).total_cmp(&weight(x)));
        carriers
    }
}

/// Of each dimension in standard deviations, cut.
fn squares(values: &Standard, row: &[f64]) -> Vec<f64> {
    let cut = |x: f64| x.clamp(-FARTHEST, FARTHEST);
    values
        .row(row)
        .into_iter()
        .map(|x| cut(x).powi(2))
        .collect()
}
