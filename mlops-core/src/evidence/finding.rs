//! One piece of evidence, named, as it is written beside a decision.

use serde::{Deserialize, Serialize};

use super::{Distance, EValue, Interval, PValue, SignificanceLevel};

/// One measure out of the four kinds.
///
/// ```
/// use mlops_core::evidence::{Measure, PValue};
/// let measure = Measure::from(PValue::new(0.01)?);
/// assert_eq!(serde_json::to_string(&measure).unwrap(), r#"{"p_value":0.01}"#);
/// # Ok::<(), mlops_core::OutOfRange>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Measure {
    /// A p-value.
    PValue(PValue),
    /// An e-value.
    EValue(EValue),
    /// An effect size.
    Distance(Distance),
    /// An interval for a quantity.
    Interval(Interval),
    /// A plain quantity or count, such as a number of requests.
    Quantity(f64),
}

impl From<PValue> for Measure {
    fn from(p: PValue) -> Self {
        Self::PValue(p)
    }
}

impl From<EValue> for Measure {
    fn from(e: EValue) -> Self {
        Self::EValue(e)
    }
}

impl From<Distance> for Measure {
    fn from(distance: Distance) -> Self {
        Self::Distance(distance)
    }
}

impl From<Interval> for Measure {
    fn from(interval: Interval) -> Self {
        Self::Interval(interval)
    }
}

/// A named measure, with the level that it was held against and the claim in words.
///
/// ```
/// use mlops_core::evidence::{EValue, Evidence, SignificanceLevel};
///
/// let evidence = Evidence::new("canary errors", EValue::new(35.0)?)
///     .at_level(SignificanceLevel::FIVE_PERCENT)
///     .saying("the canary fails more often than the champion");
/// assert_eq!(evidence.name, "canary errors");
/// # Ok::<(), mlops_core::OutOfRange>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// What was measured.
    pub name: String,
    /// The measure.
    pub measure: Measure,
    /// The level of the decision, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<SignificanceLevel>,
    /// What it says, and under which assumption, in plain language.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub claim: String,
}

impl Evidence {
    /// A measure under a name.
    pub fn new(name: impl Into<String>, measure: impl Into<Measure>) -> Self {
        Self {
            name: name.into(),
            measure: measure.into(),
            level: None,
            claim: String::new(),
        }
    }

    /// A plain quantity under a name.
    ///
    /// ```
    /// let evidence = mlops_core::evidence::Evidence::quantity("requests", 120.0);
    /// assert_eq!(evidence.name, "requests");
    /// ```
    pub fn quantity(name: impl Into<String>, value: f64) -> Self {
        Self::new(name, Measure::Quantity(value))
    }

    /// Adds the level of the decision.
    #[must_use]
    pub fn at_level(mut self, alpha: SignificanceLevel) -> Self {
        self.level = Some(alpha);
        self
    }

    /// Adds what it says in plain language.
    #[must_use]
    pub fn saying(mut self, claim: impl Into<String>) -> Self {
        self.claim = claim.into();
        self
    }
}
