use mlops_core::evidence::{Interval, PValue};
use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::performance::Estimate;
use crate::report::scaled as in_words;

/// Which way a metric should move.
///
/// ```
/// use mlops_drift::preset::Better;
/// assert_eq!(serde_json::to_string(&Better::Higher)?, "\"higher\"");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// The greater the better, such as AUC.
    Higher,
    /// The less the better, such as an error.
    Lower,
    /// Nearer to 0, such as a bias: a change is told, not judged.
    Neither,
}

/// What became of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeVerdict {
    /// The interval of the change lies wholly on the wrong side of 0.
    Worse,
    /// It lies wholly on the right side.
    Improved,
    /// It excludes 0, of a metric that is not judged.
    Changed,
    /// It holds 0: no evidence of a change.
    Same,
    /// Nothing is concluded: the metric is undefined in one of the tables, or these are too little to tell a change, in which case figures and change
    /// are given all the same.
    Undefined,
}

impl ChangeVerdict {
    /// The name in `snake_case`.
    ///
    /// ```
    /// assert_eq!(mlops_drift::preset::ChangeVerdict::Worse.as_str(), "worse");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::Improved => "improved",
            Self::Changed => "changed",
            Self::Same => "same",
            Self::Undefined => "undefined",
        }
    }
}

/// A metric in the reference and in the current table, and the difference of both.
///
/// The interval of the difference comes from those of the two figures, which are independent: its ends are as far from the difference as the
/// ends of either that oppose each other, squared and added (Zou & Donner, "Construction of confidence limits about effect measures", Statistics
/// in Medicine 27, 2008; for shares, Newcombe, ibid. 17, 1998). It covers about as well as they do. A
/// [`PerformanceCheck`](super::PerformanceCheck) extends it to 0 where rows that are shuffled between both tables differ as much more often than it
/// may miss.
///
/// ```
/// use mlops_drift::performance::Scored;
/// use mlops_drift::preset::{Better, ChangeVerdict, MetricChange};
/// let accuracy = |right: usize| Scored::new(&[true; 400], &(0..400).map(|i| if i < right { 0.9 } else { 0.1 }).collect::<Vec<_>>())?.accuracy(0.5);
/// let change = MetricChange::of("accuracy", Better::Higher, accuracy(380), accuracy(300))?;
/// assert_eq!(change.verdict, ChangeVerdict::Worse);
/// assert!((change.change.unwrap() + 0.2).abs() < 1e-12);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricChange {
    /// The metric in `snake_case`.
    pub metric: String,
    /// Which way it should move.
    pub better: Better,
    /// In the reference.
    pub reference: Option<Estimate>,
    /// In the current table.
    pub current: Option<Estimate>,
    /// Current less reference.
    pub change: Option<f64>,
    /// Where the change lies.
    pub interval: Option<Interval>,
    /// How often rows, or units, that are shuffled between the two tables differ as much in this direction. Drawn where the intervals of both
    /// figures alone exclude 0, and tables are not so great that these are what they say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shuffled: Option<PValue>,
    /// What became of it.
    pub verdict: ChangeVerdict,
    /// In plain language.
    pub reason: String,
}

impl MetricChange {
    /// From both figures; one that is an error makes the change undefined, and its reason.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn of(
        metric: impl Into<String>,
        better: Better,
        reference: Result<Estimate>,
        current: Result<Estimate>,
    ) -> Result<Self> {
        let (reference, current) = (bounded(reference), bounded(current));
        let (reference, current) = match (reference, current) {
            (Ok(reference), Ok(current)) => (reference, current),
            (reference, current) => {
                return Ok(Self::undefined(metric.into(), better, reference, current));
            }
        };
        if let Some((role, n)) = certain(&reference, &current) {
            let error = Error::invalid(format!(
                "all {n} rows are alike, which says nothing of how far others lie"
            ));
            let (of_reference, of_current) = match role {
                Role::Reference => (Err(error), Ok(current)),
                Role::Current => (Ok(reference), Err(error)),
            };
            return Ok(Self::undefined(
                metric.into(),
                better,
                of_reference,
                of_current,
            ));
        }
        let change = current.value - reference.value;
        let interval = difference(&reference, &current)?;
        let verdict = judge(better, &interval);
        Ok(Self {
            metric: metric.into(),
            better,
            reason: told(&reference, &current, &interval),
            reference: Some(reference),
            current: Some(current),
            change: Some(change),
            interval: Some(interval),
            shuffled: None,
            verdict,
        })
    }

    /// Whether the interval excludes 0, and on which side the change then lies: of one side, the rate at which it does so by chance.
    pub(super) fn beyond_zero(&self) -> Option<(bool, f64)> {
        let interval = self.interval.filter(|interval| !interval.contains(0.0))?;
        Some((interval.low() > 0.0, (1.0 - interval.confidence()) / 2.0))
    }

    /// With how often rows that are shuffled differ as much. If that is more often than the interval misses, 0 belongs to it.
    pub(super) fn weighed(self, p: PValue) -> Result<Self> {
        let (Some(interval), Some((_, level)), Some((before, now))) = (
            self.interval,
            self.beyond_zero(),
            self.reference.as_ref().zip(self.current.as_ref()),
        ) else {
            return Ok(self);
        };
        let share = percent(p.get());
        if p.get() <= level {
            return Ok(Self {
                reason: format!(
                    "{}; rows shuffled between the two tables differ as much in at most {share} of shuffles",
                    self.reason
                ),
                shuffled: Some(p),
                ..self
            });
        }
        let (low, high) = (interval.low().min(0.0), interval.high().max(0.0));
        let interval = Interval::new(low, high, interval.confidence())?;
        Ok(Self {
            verdict: judge(self.better, &interval),
            reason: format!(
                "{}: rows shuffled between the two tables differ as much in {share} of shuffles, more than the {} that this metric may take",
                told(before, now, &interval),
                percent(level)
            ),
            interval: Some(interval),
            shuffled: Some(p),
            ..self
        })
    }

    /// Of tables that could not have told a change.
    pub(super) fn untold(self, why: &str) -> Self {
        Self {
            verdict: ChangeVerdict::Undefined,
            reason: format!("{why}; {}", self.reason),
            ..self
        }
    }

    /// Whether it is known in both tables, and too little is known to tell a change.
    pub(super) fn is_untold(&self) -> bool {
        self.verdict == ChangeVerdict::Undefined && self.change.is_some()
    }

    fn undefined(
        metric: String,
        better: Better,
        reference: Result<Estimate>,
        current: Result<Estimate>,
    ) -> Self {
        let why = |role: &str, figure: &Result<Estimate>| {
            figure
                .as_ref()
                .err()
                .map(|error| format!("undefined in the {role}: {error}"))
        };
        let reasons = [why("reference", &reference), why("current table", &current)];
        Self {
            metric,
            better,
            reason: reasons.into_iter().flatten().collect::<Vec<_>>().join("; "),
            reference: reference.ok(),
            current: current.ok(),
            change: None,
            interval: None,
            shuffled: None,
            verdict: ChangeVerdict::Undefined,
        }
    }
}

fn told(reference: &Estimate, current: &Estimate, change: &Interval) -> String {
    format!(
        "from {} to {}, a change in [{}, {}]",
        in_words(reference.value),
        in_words(current.value),
        in_words(change.low()),
        in_words(change.high())
    )
}

fn percent(share: f64) -> String {
    format!("{:.3} %", 100.0 * share)
}

/// A figure whose change can be told: finite, in an interval with finite ends.
fn bounded(figure: Result<Estimate>) -> Result<Estimate> {
    let figure = figure?;
    let numbers = [figure.value, figure.interval.low(), figure.interval.high()];
    match numbers.into_iter().find(|number| !number.is_finite()) {
        None => Ok(figure),
        Some(_) => Err(Error::invalid(format!(
            "the figure and its interval must be finite, got {} in [{}, {}]",
            in_words(figure.value),
            in_words(figure.interval.low()),
            in_words(figure.interval.high())
        ))),
    }
}

enum Role {
    Reference,
    Current,
}

/// A figure whose interval is a point, though the other one differs: it claims to be certain of what none of its rows has shown.
fn certain(reference: &Estimate, current: &Estimate) -> Option<(Role, usize)> {
    let is_point = |figure: &Estimate| figure.interval.low() == figure.interval.high();
    match (is_point(reference), is_point(current)) {
        _ if reference.value == current.value => None,
        (true, _) => Some((Role::Reference, reference.n)),
        (_, true) => Some((Role::Current, current.n)),
        _ => None,
    }
}

/// The interval of current less reference.
fn difference(reference: &Estimate, current: &Estimate) -> Result<Interval> {
    let change = current.value - reference.value;
    let below =
        (current.value - current.interval.low()).hypot(reference.interval.high() - reference.value);
    let above =
        (current.interval.high() - current.value).hypot(reference.value - reference.interval.low());
    let confidences = [reference, current].map(|figure| figure.interval.confidence());
    let confidence = confidences[0];
    if confidence != confidences[1] {
        return Err(Error::invalid(format!(
            "both intervals must have one confidence, got {} and {}",
            confidences[0], confidences[1]
        )));
    }
    Ok(Interval::new(change - below, change + above, confidence)?)
}

fn judge(better: Better, change: &Interval) -> ChangeVerdict {
    let (fell, rose) = (change.high() < 0.0, change.low() > 0.0);
    match better {
        _ if !fell && !rose => ChangeVerdict::Same,
        Better::Neither => ChangeVerdict::Changed,
        Better::Higher if fell => ChangeVerdict::Worse,
        Better::Lower if rose => ChangeVerdict::Worse,
        Better::Higher | Better::Lower => ChangeVerdict::Improved,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// By hand, of intervals that are not symmetric: a change is lower by what the current figure may be too high and the reference's too low.
    #[test]
    fn a_change_has_the_right_ends_of_both_intervals() {
        let figure = |low, value, high| Estimate {
            value,
            interval: Interval::new(low, high, 0.99).unwrap(),
            n: 100,
            units: 100,
        };
        let change = difference(&figure(0.1, 0.5, 0.53), &figure(0.66, 0.7, 1.0)).unwrap();
        assert!((change.low() - (0.2 - 0.05)).abs() < 1e-12, "{change:?}"); // √(0.04² + 0.03²)
        assert!((change.high() - (0.2 + 0.5)).abs() < 1e-12, "{change:?}"); // √(0.3² + 0.4²)
    }
}
