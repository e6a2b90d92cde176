use mlops_core::{Error, OutOfRange, Result};
use serde::{Deserialize, Serialize};

use super::eigen::symmetric;
use super::points::Points;
use super::standard::Standard;

/// Errors below this, in standard deviations, are rounding: of a row that lies in the space of the
/// components.
const ROUNDING: f64 = 1e-9;

/// The principal components of standardised points: those few directions in which they vary most.
///
/// **Fit**: dimensions are brought to mean 0 and standard deviation 1 (divisor n); those that do not vary
/// are left out. The eigenvectors of the covariance, greatest eigenvalue first, are kept until their share
/// of the variance exceeds the one asked for.
/// **Errors**: no rows, no dimension that varies, a variance beyond 1.8e308.
/// **Cost**: O(n·d²), and O(d³) a sweep of Jacobi's rotations, of which some ten are made: seconds from 300
/// dimensions on.
/// **Source**: Pearson, "On lines and planes of closest fit to systems of points in space", Philosophical
/// Magazine 2, 1901.
///
/// ```
/// use mlops_drift::multivariate::{Pca, Points};
/// // On the line y = 2·x: one component tells all.
/// let line = Points::new(2, (0..50).flat_map(|i| [f64::from(i), 2.0 * f64::from(i)]))?;
/// let pca = Pca::fit(&line, 0.65)?;
/// assert_eq!(pca.components(), 1);
/// let off = Points::new(2, [10.0, 20.0, 10.0, -20.0])?;
/// let errors = pca.errors(&off)?;
/// assert!(errors[0] == 0.0 && errors[1] > 0.5);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pca {
    standard: Standard,
    components: Vec<Vec<f64>>,
    share: f64,
}

impl Pca {
    /// As few components as hold more than this share of the variance, all if none does.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a share outside (0, 1), for no rows,
    /// if no dimension varies, or if a variance is not finite.
    pub fn fit(points: &Points, share: f64) -> Result<Self> {
        let share = in_range(share)?;
        if points.is_empty() {
            return Err(Error::invalid("components need at least 1 row, got 0"));
        }
        let standard = Standard::of(points)?;
        let whole = standard.varying() as f64; // the variance of each is 1
        if whole == 0.0 {
            return Err(Error::invalid(
                "components are undefined: no dimension varies",
            ));
        }
        let mut held = 0.0;
        let all = symmetric(covariance(points, &standard));
        let components = all
            .into_iter()
            .take(standard.varying())
            .take_while(|(variance, _)| {
                let is_wanted = held <= share * whole;
                held += if is_wanted { *variance } else { 0.0 };
                is_wanted
            });
        let components = components.map(|(_, vector)| vector).collect();
        Ok(Self {
            standard,
            components,
            share: held / whole,
        })
    }

    /// How many components are kept.
    pub fn components(&self) -> usize {
        self.components.len()
    }

    /// The share of the variance that they hold.
    ///
    /// ```
    /// use mlops_drift::multivariate::{Pca, Points};
    /// let square = Points::new(2, [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0])?;
    /// assert!((Pca::fit(&square, 0.3)?.share() - 0.5).abs() < 1e-12);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn share(&self) -> f64 {
        self.share
    }

    /// Per row, the Euclidean length of what the components do not hold, in standard deviations of the
    /// fitted points. Below 1e-9 it is 0; it is infinite for a row that has another value in a dimension that did not
    /// vary.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for points of other dimensions.
    pub fn errors(&self, points: &Points) -> Result<Vec<f64>> {
        if points.dimensions() != self.standard.dimensions() {
            return Err(Error::invalid(format!(
                "points must have the fitted {} dimensions, got {}",
                self.standard.dimensions(),
                points.dimensions()
            )));
        }
        Ok(points.rows().map(|row| self.error(row)).collect())
    }

    fn error(&self, row: &[f64]) -> f64 {
        if self.standard.is_left_by(row) {
            return f64::INFINITY;
        }
        let mut rest = self.standard.row(row);
        for component in &self.components {
            // Components are orthogonal: what is taken off along one leaves the others.
            let along: f64 = rest.iter().zip(component).map(|(x, c)| x * c).sum();
            rest.iter_mut()
                .zip(component)
                .for_each(|(x, c)| *x -= along * c);
        }
        let error = rest.iter().map(|x| x * x).sum::<f64>().sqrt();
        if error < ROUNDING { 0.0 } else { error }
    }
}

pub(super) fn in_range(share: f64) -> Result<f64> {
    if share > 0.0 && share < 1.0 {
        return Ok(share);
    }
    Err(OutOfRange::new("share of the variance", "(0, 1)", share).into())
}

fn covariance(points: &Points, standard: &Standard) -> Vec<Vec<f64>> {
    let size = points.dimensions();
    let mut sums = vec![vec![0.0; size]; size];
    for row in points.rows() {
        let row = standard.row(row);
        for (sums, x) in sums.iter_mut().zip(&row) {
            sums.iter_mut()
                .zip(&row)
                .for_each(|(sum, y)| *sum += x * y / points.len() as f64);
        }
    }
    sums
}
