//! The lift of the rows of greatest score, from the shares of positives among these and among the others.
//!
//! With s the share of the rows that are reached, p and q these two shares, the lift is λ = p/(s·p + (1 − s)·q), so that
//! (1 − λs)·p − λ(1 − s)·q = 0. Its interval holds the λ at which this difference of two independent shares is not told from 0 by their own
//! intervals: those of Wilson, put together as Donner & Zou do for ratios ("Closed-form confidence intervals for functions of the normal mean and
//! standard deviation", Statistical Methods in Medical Research 21, 2012).

use mlops_core::{Error, Result};

use super::share::share;
use super::{Estimate, Scored};

/// Halvings of a bracket: beyond the digits of a float.
const HALVINGS: usize = 60;

impl Scored {
    /// The share of positives among the rows of greatest score, over that among all: what a campaign gains that reaches this share of them, as
    /// [`Curve::top`](super::Curve::top) has it. At most 1/share.
    ///
    /// **Interval**: from Wilson's intervals of the two shares that it rests on, as [`accuracy`](Self::accuracy)'s, put together as those of a ratio
    /// (Donner & Zou, Statistical Methods in Medical Research 21, 2012); the rows that are reached are taken for given. Where all of them are positive
    /// it does not shrink, as resamples do. **Cost**: O(n log n).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a share outside (0, 1], no positive, or rows of a single unit.
    ///
    /// ```
    /// # use mlops_drift::performance::Scored;
    /// let scored = Scored::new(&[true, false, true, false], &[0.8, 0.6, 0.3, 0.1])?;
    /// let lift = scored.lift(0.25)?;
    /// assert_eq!(lift.value, 2.0); // one of one instead of two of four
    /// assert!(lift.interval.low() < 1.0 && lift.interval.high() > 3.0);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn lift(&self, share_reached: f64) -> Result<Estimate> {
        let point = self.curve().top(share_reached)?;
        if point.lift == 0.0 && !self.rows.weighing().any(|row| self.labels[row]) {
            return Err(Error::invalid("lift needs a positive row, got 0"));
        }
        let among = |top: bool| {
            let rows = self.rows.weighing();
            let rows = rows.filter(move |row| (self.probabilities[*row] >= point.threshold) == top);
            let hits = rows.map(|row| (row, self.labels[row]));
            share(&self.rows, hits, "lift needs a row that is reached")
        };
        if point.predicted_share >= 1.0 {
            return self.rows.figure(1.0, 1.0, 1.0); // everyone is reached
        }
        let lift = Lift {
            reached: point.predicted_share,
            top: among(true)?,
            others: among(false)?,
        };
        let (low, high) = (
            lift.end(point.lift, 0.0),
            lift.end(point.lift, 1.0 / lift.reached),
        );
        self.rows.figure(point.lift, low, high)
    }
}

struct Lift {
    reached: f64,
    top: Estimate,
    others: Estimate,
}

impl Lift {
    /// Whether the intervals of both shares do not rule a lift out.
    fn holds(&self, lift: f64) -> bool {
        let [of_top, of_others] = [1.0 - lift * self.reached, lift * (1.0 - self.reached)];
        let difference = of_top * self.top.value - of_others * self.others.value;
        let below = |share: &Estimate| share.value - share.interval.low();
        let above = |share: &Estimate| share.interval.high() - share.value;
        // A difference above 0 is off by what the first share may be less, and the second more.
        let [top, others] = match difference > 0.0 {
            true => [below(&self.top), above(&self.others)],
            false => [above(&self.top), below(&self.others)],
        };
        difference.abs() <= (of_top * top).hypot(of_others * others)
    }

    /// How far from the value towards an outermost lift it holds.
    fn end(&self, value: f64, outermost: f64) -> f64 {
        if self.holds(outermost) {
            return outermost;
        }
        let (mut held, mut beyond) = (value, outermost);
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(held, beyond);
            match self.holds(middle) {
                true => held = middle,
                false => beyond = middle,
            }
        }
        held
    }
}
