use serde::{Deserialize, Serialize};

use super::SignificanceLevel;
use crate::OutOfRange;

/// Which ends of an interval are promised: one end alone may spend the whole error.
///
/// ```
/// use mlops_core::evidence::{BettingSequence, SignificanceLevel, Sides};
/// let mut losses = BettingSequence::new(0.0, 1.0, Sides::Upper, SignificanceLevel::FIVE_PERCENT)?;
/// losses.observe(0.1)?;
/// assert!(losses.interval().is_some_and(|mean| mean.low() == 0.0)); // never more than the range says
/// # Ok::<(), mlops_core::OutOfRange>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sides {
    /// Both, half of the error each.
    #[default]
    Both,
    /// The lower end; the upper one is that of the range.
    Lower,
    /// The upper end; the lower one is that of the range.
    Upper,
}

impl Sides {
    /// ln(1/error) of each promised end.
    pub(super) fn ln_confidence(self, alpha: SignificanceLevel) -> f64 {
        let ends = if self == Self::Both { 2.0 } else { 1.0 };
        (ends / alpha.get()).ln()
    }

    /// That two states that are to be merged promise the same ends.
    pub(super) fn require_same(self, other: Self) -> Result<(), OutOfRange> {
        if self == other {
            return Ok(());
        }
        let promised = |sides: Self| u8::from(sides.holds_lower()) + u8::from(sides.holds_upper());
        let ends = format!("those of {self:?}");
        Err(OutOfRange::new(
            "ends that the other promises",
            ends,
            promised(other).into(),
        ))
    }

    pub(super) fn holds_lower(self) -> bool {
        self != Self::Upper
    }

    pub(super) fn holds_upper(self) -> bool {
        self != Self::Lower
    }
}
