use mlops_core::{Error, Result};

/// Pooled rows of which the median distance is taken at most.
const ROWS: usize = 4_000;

/// The width σ of the Gaussian kernel exp(−d²/(2σ²)).
///
/// ```
/// use mlops_drift::multivariate::Bandwidth;
/// assert_eq!(Bandwidth::default(), Bandwidth::MedianDistance);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Bandwidth {
    /// The median distance between two rows of both samples together (of at most 4,000 rows, evenly spread): depends
    /// on the pooled rows only, so that permutations stay exact. Undefined where it is 0.
    #[default]
    MedianDistance,
    /// This one, in the unit of the columns.
    Fixed(f64),
}

impl Bandwidth {
    /// σ for these pooled rows.
    pub(super) fn of(self, rows: &[&[f64]]) -> Result<f64> {
        let sigma = match self {
            Self::MedianDistance => median_distance(rows),
            Self::Fixed(sigma) => sigma,
        };
        if sigma > 0.0 && sigma.is_finite() {
            return Ok(sigma);
        }
        Err(Error::invalid(format!(
            "the bandwidth must be positive and finite, got {sigma}"
        )))
    }
}

pub(super) fn gaussian(x: &[f64], y: &[f64], sigma: f64) -> f64 {
    let scaled = x.iter().zip(y).map(|(a, b)| ((a - b) / sigma).powi(2));
    (-scaled.sum::<f64>() / 2.0).exp()
}

fn median_distance(rows: &[&[f64]]) -> f64 {
    let rows: Vec<&[f64]> = rows
        .iter()
        .step_by(rows.len().div_ceil(ROWS))
        .copied()
        .collect();
    let pairs = rows.iter().enumerate().flat_map(|(index, x)| {
        rows[..index].iter().map(|y| {
            let squares = x.iter().zip(*y).map(|(a, b)| (a - b).powi(2));
            squares.sum::<f64>().sqrt()
        })
    });
    let mut distances: Vec<f64> = pairs.collect();
    if distances.is_empty() {
        return 0.0;
    }
    let middle = distances.len() / 2;
    let even = distances.len().is_multiple_of(2);
    let (below, upper, _) = distances.select_nth_unstable_by(middle, f64::total_cmp);
    if even {
        let lower = below.iter().copied().fold(0.0, f64::max);
        lower + (*upper - lower) / 2.0
    } else {
        *upper
    }
}
