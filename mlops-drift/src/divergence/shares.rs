//! Shares per bin or category, and what an empty one counts as.

use crate::two_sample::ladder::sizes;

/// Per cell, the shares in the reference and in the current sample.
pub(super) fn shares(cells: &[[u64; 2]]) -> impl Iterator<Item = [f64; 2]> {
    let [n, m] = sizes(cells).map(|size| size as f64);
    cells
        .iter()
        .map(move |cell| [cell[0] as f64 / n, cell[1] as f64 / m])
}

/// What a bin or category that is empty in one sample counts as, where a logarithm would be infinite.
///
/// ```
/// use mlops_drift::divergence::EmptyBins;
/// assert_eq!(EmptyBins::default(), EmptyBins::Floor);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EmptyBins {
    /// Shares below 1e-4 count as 1e-4, the usual convention: at most about 9 nats per cell. Shares then
    /// add up to slightly more than 1.
    #[default]
    Floor,
    /// The divergence is undefined: an error if it would be infinite.
    Refuse,
}

impl EmptyBins {
    pub(super) fn apply(self, [p, q]: [f64; 2]) -> [f64; 2] {
        match self {
            Self::Floor => [p, q].map(|share| share.max(1e-4)),
            Self::Refuse => [p, q],
        }
    }
}
