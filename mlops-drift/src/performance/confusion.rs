use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::rows::{check_weights, same_length};

/// Classes of which a table is kept: 128 MiB.
const CLASSES: usize = 4_096;
/// What the weights of a table may sum to: Matthews' coefficient has products of four such sums.
const GREATEST: f64 = 1e75;

/// Weights of rows by true class and predicted class: what every metric of predicted classes is a function
/// of.
///
/// A ratio whose denominator is 0 is 0, as in scikit-learn, where it can be seen to be so (precision of a
/// class never predicted), and `None` where it is undefined.
///
/// ```
/// use mlops_drift::performance::{Average, Confusion};
/// let confusion = Confusion::of(2, &[1, 0, 1, 1], &[1, 0, 0, 1])?;
/// assert_eq!(confusion.accuracy(), 0.75);
/// assert_eq!(confusion.precision(Average::Class(1)), 1.0);
/// assert_eq!(confusion.recall(Average::Class(1)), 2.0 / 3.0);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Confusion {
    /// Row-major, by true class.
    cells: Vec<f64>,
    classes: usize,
}

/// A table as it is read, before its parts are known to agree.
#[derive(Deserialize)]
struct Written {
    cells: Vec<f64>,
    classes: usize,
}

impl TryFrom<Written> for Confusion {
    type Error = Error;

    fn try_from(Written { cells, classes }: Written) -> Result<Self> {
        if !(2..=CLASSES).contains(&classes) || cells.len() != classes * classes {
            return Err(Error::invalid(format!(
                "a table of 2 to {CLASSES} classes must hold their number squared, got {} cells of {classes}",
                cells.len()
            )));
        }
        check_table(&cells)?;
        Ok(Self { cells, classes })
    }
}

/// Weights that sum to some rows, of which a product of four sums does not overflow.
fn check_table(weights: &[f64]) -> Result<()> {
    check_weights(weights)?;
    let sum: f64 = weights.iter().sum();
    if sum > 0.0 && sum <= GREATEST {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "weights of a table must sum to more than 0 and at most {GREATEST:e}, got {sum:e}"
    )))
}

/// How a metric of one class becomes one of all.
///
/// ```
/// use mlops_drift::performance::Average;
/// assert_ne!(Average::Macro, Average::Weighted);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Average {
    /// Of one class alone, by its number.
    Class(usize),
    /// The mean over the classes that occur, be it as truth or as prediction: those that scikit-learn takes unless it is told `labels`.
    Macro,
    /// The metric of all classes' counts added up.
    Micro,
    /// The mean over all classes, weighted by their true numbers.
    Weighted,
}

impl Confusion {
    /// Of true and predicted classes, numbered from 0.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for no rows, different lengths, fewer than
    /// two classes, or a class out of range.
    pub fn of(classes: usize, truth: &[usize], predicted: &[usize]) -> Result<Self> {
        Self::weighted(classes, truth, predicted, &vec![1.0; truth.len()])
    }

    /// The same with a weight per row.
    ///
    /// # Errors
    /// As [`of`](Self::of)'s, and for a weight that is negative or not finite, or weights that sum to 0 or to more than 1e75.
    ///
    /// ```
    /// use mlops_drift::performance::Confusion;
    /// let confusion = Confusion::weighted(2, &[0, 1], &[0, 0], &[3.0, 1.0])?;
    /// assert_eq!(confusion.accuracy(), 0.75);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn weighted(
        classes: usize,
        truth: &[usize],
        predicted: &[usize],
        weights: &[f64],
    ) -> Result<Self> {
        same_length("predictions", truth.len(), predicted.len())?;
        same_length("weights", truth.len(), weights.len())?;
        if classes < 2 || truth.is_empty() {
            return Err(Error::invalid(format!(
                "at least 2 classes and 1 row are needed, got {classes} and {}",
                truth.len()
            )));
        }
        if classes > CLASSES {
            return Err(Error::invalid(format!(
                "at most {CLASSES} classes can be told apart, got {classes}"
            )));
        }
        if let Some(class) = truth
            .iter()
            .chain(predicted)
            .find(|class| **class >= classes)
        {
            return Err(Error::invalid(format!(
                "classes must lie in [0, {}], got {class}",
                classes - 1
            )));
        }
        check_table(weights)?;
        Ok(Self::counted(classes, truth, predicted, weights))
    }

    /// Of rows that were checked before.
    pub(super) fn counted(
        classes: usize,
        truth: &[usize],
        predicted: &[usize],
        weights: &[f64],
    ) -> Self {
        let mut cells = vec![0.0; classes * classes];
        for ((truth, predicted), weight) in truth.iter().zip(predicted).zip(weights) {
            cells[truth * classes + predicted] += weight;
        }
        Self { cells, classes }
    }

    /// Of two classes, from the four cells.
    pub(super) fn of_cells(cells: [f64; 4]) -> Self {
        Self {
            cells: cells.to_vec(),
            classes: 2,
        }
    }

    /// The weights row by row, by true class.
    pub fn cells(&self) -> &[f64] {
        &self.cells
    }

    /// The share of right predictions, in \[0, 1].
    pub fn accuracy(&self) -> f64 {
        self.right() / self.total()
    }

    /// The mean recall of the classes that occur; `None` if fewer than two do.
    ///
    /// ```
    /// use mlops_drift::performance::Confusion;
    /// assert_eq!(Confusion::of(2, &[0, 0], &[0, 1])?.balanced_accuracy(), None);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn balanced_accuracy(&self) -> Option<f64> {
        let occurring = (0..self.classes).filter(|class| self.truth(*class) > 0.0);
        let recalls: Vec<f64> = occurring.map(|class| self.recall_of(class)).collect();
        (recalls.len() > 1).then(|| recalls.iter().sum::<f64>() / recalls.len() as f64)
    }

    /// Right predictions out of all predictions of a class, in \[0, 1].
    pub fn precision(&self, average: Average) -> f64 {
        self.averaged(average, |class| {
            ratio(self.cell(class, class), self.predicted(class))
        })
    }

    /// Right predictions out of all rows of a class, in \[0, 1].
    pub fn recall(&self, average: Average) -> f64 {
        self.averaged(average, |class| self.recall_of(class))
    }

    /// The harmonic mean of precision and recall, in \[0, 1].
    pub fn f1(&self, average: Average) -> f64 {
        self.averaged(average, |class| {
            let both = self.predicted(class) + self.truth(class);
            ratio(2.0 * self.cell(class, class), both)
        })
    }

    /// The share of rows of other classes that were not predicted as this one, in \[0, 1].
    ///
    /// ```
    /// use mlops_drift::performance::{Average, Confusion};
    /// let confusion = Confusion::of(2, &[0, 0, 1], &[0, 1, 1])?;
    /// assert_eq!(confusion.specificity(Average::Class(1)), 0.5);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn specificity(&self, average: Average) -> f64 {
        if average == Average::Micro {
            return 1.0 - (1.0 - self.accuracy()) / (self.classes - 1) as f64;
        }
        self.averaged(average, |class| {
            let others = self.total() - self.truth(class);
            ratio(
                others - self.predicted(class) + self.cell(class, class),
                others,
            )
        })
    }

    /// Matthews' correlation coefficient, in \[−1, 1]; 0 if all rows are of one class or predicted as one.
    /// For many classes Gorodkin's R_K ("Comparing two K-category assignments by a K-category correlation
    /// coefficient", 2004).
    pub fn mcc(&self) -> f64 {
        let sums = |of: fn(&Self, usize) -> f64| -> Vec<f64> {
            (0..self.classes).map(|class| of(self, class)).collect()
        };
        let (truth, predicted) = (sums(Self::truth), sums(Self::predicted));
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        let total = self.total() * self.total();
        let covariance = self.right() * self.total() - dot(&truth, &predicted);
        let variances = (total - dot(&predicted, &predicted)) * (total - dot(&truth, &truth));
        ratio(covariance, variances.max(0.0).sqrt())
    }

    /// Cohen's kappa, at most 1; `None` if truth and predictions are one class.
    pub fn kappa(&self) -> Option<f64> {
        self.kappa_by(|truth, predicted| f64::from(u8::from(truth != predicted)))
    }

    /// Cohen's kappa with quadratic weights, for classes in order; `None` as for [`kappa`](Self::kappa).
    ///
    /// ```
    /// use mlops_drift::performance::Confusion;
    /// let confusion = Confusion::of(3, &[0, 1, 2], &[0, 1, 2])?;
    /// assert_eq!(confusion.quadratic_kappa(), Some(1.0));
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn quadratic_kappa(&self) -> Option<f64> {
        self.kappa_by(|truth, predicted| (truth as f64 - predicted as f64).powi(2))
    }

    fn kappa_by(&self, price: impl Fn(usize, usize) -> f64) -> Option<f64> {
        let (mut observed, mut expected) = (0.0, 0.0);
        for truth in 0..self.classes {
            for predicted in 0..self.classes {
                let price = price(truth, predicted);
                observed += price * self.cell(truth, predicted);
                expected += price * self.truth(truth) * self.predicted(predicted) / self.total();
            }
        }
        (expected > 0.0).then(|| 1.0 - observed / expected)
    }

    /// The same rows, each given its own class.
    pub(super) fn all_right(&self) -> Self {
        let mut right = Self {
            cells: vec![0.0; self.cells.len()],
            classes: self.classes,
        };
        for class in 0..self.classes {
            right.cells[class * (self.classes + 1)] = self.truth(class);
        }
        right
    }

    /// The answer that all rows of a class were given; `None` if there are several, or none.
    pub(super) fn only_answer(&self, class: usize) -> Option<usize> {
        let mut given = (0..self.classes).filter(|answer| self.cell(class, *answer) > 0.0);
        let only = given.next();
        only.filter(|_| given.next().is_none())
    }

    /// With this share of a cell moved to another answer.
    pub(super) fn moved(&self, class: usize, from: usize, to: usize, share: f64) -> Self {
        let mut moved = self.clone();
        let weight = share * self.cell(class, from);
        moved.cells[class * self.classes + from] -= weight;
        moved.cells[class * self.classes + to] += weight;
        moved
    }

    /// The classes, the rarest answer first.
    pub(super) fn by_predicted_weight(&self) -> Vec<usize> {
        let mut classes: Vec<usize> = (0..self.classes).collect();
        let weights: Vec<f64> = classes.iter().map(|class| self.predicted(*class)).collect();
        classes.sort_by(|a, b| weights[*a].total_cmp(&weights[*b]));
        classes
    }

    /// What a dummy comes to that answers class j with probability `shares[j]`, whatever the row.
    pub(super) fn of_dummy(&self, shares: &[f64]) -> Self {
        let cells = (0..self.classes)
            .flat_map(|class| shares.iter().map(move |share| (class, share)))
            .map(|(class, share)| self.truth(class) * share);
        Self {
            cells: cells.collect(),
            classes: self.classes,
        }
    }

    fn recall_of(&self, class: usize) -> f64 {
        ratio(self.cell(class, class), self.truth(class))
    }

    /// A class out of range has no rows: its metrics are 0.
    fn averaged(&self, average: Average, of_class: impl Fn(usize) -> f64) -> f64 {
        let classes = 0..self.classes;
        match average {
            Average::Class(class) if class < self.classes => of_class(class),
            Average::Class(_) => 0.0,
            Average::Macro => {
                let occurs = |class: &usize| self.truth(*class) + self.predicted(*class) > 0.0;
                let figures: Vec<f64> = classes.filter(occurs).map(of_class).collect();
                figures.iter().sum::<f64>() / figures.len() as f64
            }
            // Every false positive of one class is a false negative of another.
            Average::Micro => self.accuracy(),
            Average::Weighted => {
                let weighted = classes.map(|class| self.truth(class) * of_class(class));
                weighted.sum::<f64>() / self.total()
            }
        }
    }

    fn cell(&self, truth: usize, predicted: usize) -> f64 {
        self.cells[truth * self.classes + predicted]
    }

    fn truth(&self, class: usize) -> f64 {
        self.cells[class * self.classes..][..self.classes]
            .iter()
            .sum()
    }

    fn predicted(&self, class: usize) -> f64 {
        self.cells.iter().skip(class).step_by(self.classes).sum()
    }

    fn right(&self) -> f64 {
        self.cells.iter().step_by(self.classes + 1).sum()
    }

    fn total(&self) -> f64 {
        self.cells.iter().sum()
    }
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}
