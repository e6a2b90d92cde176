//! What a state that is read must satisfy beyond its settings: else it would stay mute for ever, or boast.

use super::EValue;
use super::range::require_same;
use crate::OutOfRange;

/// What rounding may make of a logarithm that is computed anew.
const ROUNDING: f64 = 1e-9;

/// A part of a state within a closed range.
pub(super) fn require_part(
    what: &'static str,
    value: f64,
    low: f64,
    high: f64,
) -> Result<(), OutOfRange> {
    if value.is_finite() && (low..=high).contains(&value) {
        return Ok(());
    }
    Err(OutOfRange::new(what, format!("[{low}, {high}]"), value))
}

/// That there are as many bets as ever, and that none has won or lost anything before the first unit.
pub(super) fn require_bets<'a>(
    ln_wealth: impl ExactSizeIterator<Item = &'a f64>,
    bets: usize,
    units: u64,
) -> Result<(), OutOfRange> {
    require_same("number of bets", bets as f64, ln_wealth.len() as f64)?;
    let most = if units == 0 { 0.0 } else { f64::MAX };
    let mut wealth = ln_wealth.copied();
    wealth.try_for_each(|ln| require_part("what a bet has won", ln, -most, most))
}

/// That the greatest evidence so far is no less than that before the first unit, and than that now.
pub(super) fn require_greatest(ln: f64, now: EValue) -> Result<(), OutOfRange> {
    let least = (now.ln() - ROUNDING * now.ln().abs()).max(0.0);
    require_part("greatest evidence", ln, least, f64::MAX)
}
