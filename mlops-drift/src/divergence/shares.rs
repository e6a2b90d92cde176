//! Shares per bin or category, and what an empty one counts as.

use crate::two_sample::ladder::sizes;

/// Per cell, the shares in the reference and in the current sample.
pub(super) fn shares(cells: &[[u64; 2]]) -> impl Iterator<Item = [f64; 2]> {
    let [n, m] = sizes(cells).map(|size| size as f64);
    cells
        .iter()
        .map(move |cell| [cell[0] as f64 / n, cell[1] as f64 / m])
}

/// The usual convention for an empty bin.
const FLOOR: f64 = 1e-4;

/// What a bin or category that is empty in one sample counts as, where a logarithm would be infinite.
///
/// ```
/// use mlops_drift::divergence::EmptyBins;
/// assert_eq!(EmptyBins::default(), EmptyBins::HalfValue);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EmptyBins {
    /// A share of 0 counts as 1e-4, or as half a value of its sample where that is less: below every share that is
    /// not 0. Shares then add up to slightly more than 1.
    #[default]
    HalfValue,
    /// Every share below 1e-4 counts as 1e-4, the usual convention: at most about 9 nats per cell. Blind to what
    /// happens among cells that are all that rare; so that not all are, no share is raised above a tenth of the mean
    /// one.
    Floor,
    /// The divergence is undefined: an error if it would be infinite.
    Refuse,
}

impl EmptyBins {
    /// The shares, with what empty ones count as.
    pub(super) fn shares(self, cells: &[[u64; 2]]) -> impl Iterator<Item = [f64; 2]> {
        let half = sizes(cells).map(|size| FLOOR.min(0.5 / size as f64));
        let floor = FLOOR.min(0.1 / cells.len() as f64);
        shares(cells).map(move |pair| match self {
            Self::HalfValue => {
                let filled = |side: usize| {
                    if pair[side] == 0.0 {
                        half[side]
                    } else {
                        pair[side]
                    }
                };
                [filled(0), filled(1)]
            }
            Self::Floor => pair.map(|share| share.max(floor)),
            Self::Refuse => pair,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_cell_counts_as_what_its_policy_says() {
        let of = |policy: EmptyBins, cells: &[[u64; 2]]| policy.shares(cells).collect::<Vec<_>>();
        let small = [[0, 50], [100, 50]];
        assert_eq!(of(EmptyBins::HalfValue, &small), [[1e-4, 0.5], [1.0, 0.5]]);
        assert_eq!(of(EmptyBins::Floor, &small), [[1e-4, 0.5], [1.0, 0.5]]);
        assert_eq!(of(EmptyBins::Refuse, &small), [[0.0, 0.5], [1.0, 0.5]]);
        let large = [[0, 99_999], [100_000, 1]];
        assert_eq!(of(EmptyBins::HalfValue, &large)[0][0], 5e-6);
        assert_eq!(of(EmptyBins::HalfValue, &large)[1][1], 1e-5);
        assert_eq!(of(EmptyBins::Floor, &large)[1][1], 1e-4);
    }
}
