//! The range that a quantity is declared to lie in.

use crate::OutOfRange;

/// Whether values can be measured by where they lie in the range: an infinite width would put all of them at one point.
pub(super) fn require_range(low: f64, high: f64) -> Result<(), OutOfRange> {
    let width = high - low;
    if width > 0.0 && width.is_finite() {
        return Ok(());
    }
    Err(OutOfRange::new("width of the range", "(0, inf)", width))
}

pub(super) fn require_within(value: f64, low: f64, high: f64) -> Result<(), OutOfRange> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(OutOfRange::new("value", format!("[{low}, {high}]"), value))
}

/// That two states that are to be merged speak of one quantity.
pub(super) fn require_same(what: &'static str, own: f64, other: f64) -> Result<(), OutOfRange> {
    if own == other {
        return Ok(());
    }
    Err(OutOfRange::new(what, format!("[{own}, {own}]"), other))
}

/// The value at this share of the range: its very ends at 0 and 1.
pub(super) fn value_at(share: f64, low: f64, high: f64) -> f64 {
    match share {
        1.0 => high,
        _ => (low + share * (high - low)).clamp(low, high),
    }
}
