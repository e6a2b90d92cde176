use mlops_core::evidence::{EValue, MeanBet, MeanSequence, Sides, SignificanceLevel};
use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{Sequential, Signal, in_unit};

/// Does it hurt? A loss in \[0, 1] that has risen by more than a tolerance since the reference, looked at after every observation.
///
/// **Statistic**: a bet that the stream's mean loss lies above a bound, the upper end of a confidence interval for the reference's mean
/// loss plus the tolerance; each at half of alpha.
/// **Hypothesis**: at every step the mean loss given the past is at most the reference's plus the tolerance; it may move below that.
/// **Guarantee**: then P([`Signal::Drift`] ever) ≤ alpha, for any bounded loss. The signal stays until
/// [`reset`](Sequential::reset), which forgets the stream, not the reference.
/// **Assumption**: the reference's mean given the past is constant; see the [module](super) on units. **Weakness**: capital lost while the
/// loss was low must be won back before a rise is seen.
/// **Cost**: O(1). **Errors**: a loss outside \[0, 1], NaN included.
/// **Source**: Podkopaev & Ramdas, "Tracking the risk of a deployed model and detecting harmful distribution shifts", ICLR 2022
/// (arXiv 2110.06177), with the stream's side by betting, see [`MeanBet`].
///
/// ```
/// use mlops_core::evidence::SignificanceLevel;
/// use mlops_drift::stream::{RiskMonitor, Sequential, Signal};
///
/// let errors = |one_in: u32| (0..4_000_u32).map(move |i| f64::from(u8::from(i % one_in == 0)));
/// let mut monitor = RiskMonitor::against(errors(10), 0.02, SignificanceLevel::FIVE_PERCENT)?;
/// assert!(errors(9).all(|loss| monitor.observe(loss).is_ok_and(|signal| signal == Signal::Quiet)));
/// monitor.reset();
/// assert!(errors(4).any(|loss| monitor.observe(loss).is_ok_and(|signal| signal == Signal::Drift)));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct RiskMonitor {
    half: SignificanceLevel,
    bet: MeanBet,
}

/// A state as it is read, before its parts are known to agree.
#[derive(Deserialize)]
struct Written {
    half: SignificanceLevel,
    bet: MeanBet,
}

impl TryFrom<Written> for RiskMonitor {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self> {
        SignificanceLevel::new(2.0 * written.half.get())?;
        let mut new = MeanBet::above(written.bet.bound(), 0.0, 1.0)?;
        new.merge(&written.bet)?; // refuses that of another range
        Ok(Self {
            half: written.half,
            bet: written.bet,
        })
    }
}

impl RiskMonitor {
    /// Against the losses of a reference, each in \[0, 1], with a rise that is tolerated.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a loss outside \[0, 1], a tolerance outside \[0, 1), or a reference so
    /// small or so bad that the bound is not below 1: nothing could exceed it.
    pub fn against(
        reference: impl IntoIterator<Item = f64>,
        tolerance: f64,
        alpha: SignificanceLevel,
    ) -> Result<Self> {
        if !(0.0..1.0).contains(&tolerance) {
            return Err(Error::invalid(format!(
                "tolerance must lie in [0, 1), got {tolerance}"
            )));
        }
        let half = SignificanceLevel::new(alpha.get() / 2.0)?;
        let mut source = MeanSequence::new(0.0, 1.0, Sides::Upper, half)?;
        for loss in reference {
            source.observe(loss)?;
        }
        // An upper end alone always leaves an interval.
        let highest = source.interval().map_or(1.0, |mean| mean.high());
        let bound = highest + tolerance;
        if bound >= 1.0 {
            return Err(Error::invalid(format!(
                "the upper bound of {} reference losses plus the tolerance must be below 1, got {bound}",
                source.units()
            )));
        }
        Ok(Self {
            half,
            bet: MeanBet::above(bound, 0.0, 1.0)?,
        })
    }

    /// What the stream's mean loss must exceed: the reference's upper bound and the tolerance.
    pub fn bound(&self) -> f64 {
        self.bet.bound()
    }

    /// The evidence now that it does: [`Signal::Drift`] once this has reached 2/alpha.
    pub fn e_value(&self) -> EValue {
        self.bet.e_value()
    }
}

impl Sequential<f64> for RiskMonitor {
    fn observe(&mut self, loss: f64) -> Result<Signal> {
        self.bet.observe(in_unit(loss)?)?;
        let harmful = self.bet.greatest().rejects_at(self.half);
        Ok(if harmful {
            Signal::Drift
        } else {
            Signal::Quiet
        })
    }

    fn reset(&mut self) {
        if let Ok(bet) = MeanBet::above(self.bet.bound(), 0.0, 1.0) {
            self.bet = bet; // the bound was accepted before
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Half of alpha is the reference's, half the stream's: the bound is the end of a sequence at 1 - alpha/2, and the alarm is at evidence of 2/alpha.
    #[test]
    fn alpha_is_spent_in_two_halves() {
        let [alpha, half] = [0.1, 0.05].map(|level| SignificanceLevel::new(level).unwrap());
        let losses = || (0..400).map(|i| f64::from(i % 5) / 10.0);
        let mut source = MeanSequence::new(0.0, 1.0, Sides::Upper, half).unwrap();
        losses().for_each(|loss| source.observe(loss).unwrap());
        let mut monitor = RiskMonitor::against(losses(), 0.05, alpha).unwrap();
        assert_eq!(monitor.bound(), source.interval().unwrap().high() + 0.05);
        let mut seen = Vec::new();
        while seen.last().is_none_or(|evidence| *evidence < 20.0) {
            let signal = monitor.observe(0.5).unwrap();
            seen.push(monitor.e_value().get());
            assert_eq!(
                signal == Signal::Drift,
                seen.last() >= Some(&20.0),
                "{seen:?}"
            );
        }
        // Half of it is no alarm.
        assert!(seen.iter().any(|evidence| (10.0..20.0).contains(evidence)));
    }
}
