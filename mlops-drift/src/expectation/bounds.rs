//! The ends of a range of values.

use std::cmp::Ordering;
use std::fmt;

use mlops_core::{Error, Result};
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::number::{Number, exact};

/// One end of [`Bounds`]: a number, or a text that is read as the column's type is.
///
/// | column | text |
/// | --- | --- |
/// | timestamp with a time zone | an instant with its offset: `2013-01-01T05:00:00Z` |
/// | timestamp without one, date | `2013-01-01T05:00:00` or `2013-01-01` |
/// | time of day | `05:00:00` |
/// | integer, decimal | its digits, for more of them than a float holds: `12345678901234567890.01` |
///
/// A number on a temporal column counts the column's own unit.
///
/// ```
/// use mlops_drift::expectation::Bound;
/// assert_eq!(Bound::from(5), Bound::Integer(5));
/// assert_eq!(Bound::from("2013-01-01").to_string(), "2013-01-01");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Bound {
    /// An integer, compared without rounding.
    Integer(i64),
    /// An integer above those of 64 bits with a sign.
    Unsigned(u64),
    /// A float; on integers and decimals the number that it is written as, on floats rounded to their width.
    Float(f64),
    /// A text, by the table above.
    Text(String),
}

impl From<i64> for Bound {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<u64> for Bound {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or(Self::Unsigned(value), Self::Integer)
    }
}

impl From<i32> for Bound {
    fn from(value: i32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<f64> for Bound {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Bound {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Bound {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(f),
            Self::Unsigned(value) => value.fmt(f),
            Self::Float(value) => f.write_str(&exact(*value)),
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl Bound {
    /// As a number without its column; a text has none.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(value) => Some(*value as f64),
            Self::Unsigned(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Text(_) => None,
        }
    }

    /// What it says without a column; `None` for a text that is nothing that can be ordered.
    fn meaning(&self) -> Option<(Meaning, Number)> {
        match self {
            Self::Integer(value) => Some((Meaning::Number, Number::integer(*value))),
            Self::Unsigned(value) => Some((Meaning::Number, Number::unsigned(*value))),
            Self::Float(x) => Some((Meaning::Number, Number::of_float(*x))),
            Self::Text(text) => of_text(text),
        }
    }

    /// `None` where both are not of one kind, so that a column decides.
    fn compare(&self, other: &Self) -> Option<Ordering> {
        let ((kind, a), (other, b)) = self.meaning().zip(other.meaning())?;
        (kind == other).then(|| a.compare(b))
    }
}

/// Kinds of ends, of which only the same are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Number,
    Instant,
    Local,
    TimeOfDay,
}

fn of_text(text: &str) -> Option<(Meaning, Number)> {
    let as_kind = |kind| move |number| (kind, number);
    Number::of_digits(text)
        .map(as_kind(Meaning::Number))
        .or_else(|| Number::of_zoned(text).map(as_kind(Meaning::Instant)))
        .or_else(|| Number::of_local(text).map(as_kind(Meaning::Local)))
        .or_else(|| Number::of_time_of_day(text).map(as_kind(Meaning::TimeOfDay)))
}

/// Integers are kept to the last digit, or refused.
impl<'de> Deserialize<'de> for Bound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(AsBound)
    }
}

struct AsBound;

impl<'de> Visitor<'de> for AsBound {
    type Value = Bound;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a number, or a text in quotation marks, such as \"2013-01-01\", as an end of a range",
        )
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> std::result::Result<Bound, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> std::result::Result<Bound, E> {
        Ok(value.into())
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> std::result::Result<Bound, E> {
        let signed = i64::try_from(value).map(Bound::from);
        let bound = signed.or_else(|_| u64::try_from(value).map(Bound::from));
        bound.map_err(|_| E::custom(beyond(value)))
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> std::result::Result<Bound, E> {
        let bound = u64::try_from(value).map(Bound::from);
        bound.map_err(|_| E::custom(beyond(value)))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> std::result::Result<Bound, E> {
        Ok(value.into())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> std::result::Result<Bound, E> {
        Ok(value.into())
    }

    /// TOML hands over its dates as tables.
    fn visit_map<A: MapAccess<'de>>(self, _: A) -> std::result::Result<Bound, A::Error> {
        Err(de::Error::custom(
            "an end of a range must be a number or a text; dates and times are written in quotation marks, such as \"2013-01-01\"",
        ))
    }
}

/// Of an integer that no 64 bits hold.
pub(super) fn beyond(value: impl fmt::Display) -> String {
    format!(
        "an integer must lie in [-2^63, 2^64) or be written as a text in quotation marks, got {value}"
    )
}

/// The ends of a range, each included or not, each may be left out.
///
/// ```
/// use mlops_drift::expectation::Bounds;
/// let share = Bounds::default().above(0).max(1);
/// assert_eq!(share.to_string(), "above 0 and at most 1");
/// let same: Bounds = serde_json::from_str(r#"{"above": 0, "max": 1}"#)?;
/// assert_eq!(same, share);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// The least allowed value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Bound>,
    /// What the values must be above; instead of `min`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<Bound>,
    /// The greatest allowed value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Bound>,
    /// What the values must be below; instead of `max`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<Bound>,
}

impl Bounds {
    /// From this value, included.
    ///
    /// ```
    /// use mlops_drift::expectation::Bounds;
    /// assert_eq!(Bounds::default().min(2).to_string(), "at least 2");
    /// ```
    #[must_use]
    pub fn min(self, value: impl Into<Bound>) -> Self {
        let min = Some(value.into());
        Self { min, ..self }
    }

    /// From this value, not included.
    ///
    /// ```
    /// use mlops_drift::expectation::Bounds;
    /// assert_eq!(Bounds::default().above(2).to_string(), "above 2");
    /// ```
    #[must_use]
    pub fn above(self, value: impl Into<Bound>) -> Self {
        let above = Some(value.into());
        Self { above, ..self }
    }

    /// To this value, included.
    ///
    /// ```
    /// use mlops_drift::expectation::Bounds;
    /// assert_eq!(Bounds::default().max(2).to_string(), "at most 2");
    /// ```
    #[must_use]
    pub fn max(self, value: impl Into<Bound>) -> Self {
        let max = Some(value.into());
        Self { max, ..self }
    }

    /// To this value, not included.
    ///
    /// ```
    /// use mlops_drift::expectation::Bounds;
    /// assert_eq!(Bounds::default().below(2).to_string(), "below 2");
    /// ```
    #[must_use]
    pub fn below(self, value: impl Into<Bound>) -> Self {
        let below = Some(value.into());
        Self { below, ..self }
    }

    /// The lower end and whether it is included.
    pub(super) fn low(&self) -> Option<(&Bound, bool)> {
        let included = self.min.as_ref().map(|bound| (bound, true));
        included.or(self.above.as_ref().map(|bound| (bound, false)))
    }

    /// The upper end and whether it is included.
    pub(super) fn high(&self) -> Option<(&Bound, bool)> {
        let included = self.max.as_ref().map(|bound| (bound, true));
        included.or(self.below.as_ref().map(|bound| (bound, false)))
    }

    fn ends(&self) -> impl Iterator<Item = &Bound> {
        let ends = [&self.min, &self.above, &self.max, &self.below];
        ends.into_iter().flatten()
    }

    /// An error unless the ends leave room for a value, as far as that shows without a column.
    pub(super) fn check(&self) -> Result<()> {
        if self.min.is_some() && self.above.is_some() || self.max.is_some() && self.below.is_some()
        {
            return Err(Error::invalid(
                "a range must have one lower and one upper end at most, got both kinds of one",
            ));
        }
        let infinite = |bound: &&Bound| bound.number().is_some_and(|x| !x.is_finite());
        if let Some(bound) = self.ends().find(infinite) {
            return Err(Error::invalid(format!(
                "an end of a range must be finite or left out, got {bound}"
            )));
        }
        let Some(((low, a), (high, b))) = self.low().zip(self.high()) else {
            return self.require_end();
        };
        match low.compare(high) {
            Some(Ordering::Greater) => Err(self.is_empty()),
            Some(Ordering::Equal) if !(a && b) => Err(self.is_empty()),
            _ => Ok(()),
        }
    }

    fn is_empty(&self) -> Error {
        Error::invalid(format!("a range must hold a value, got {self}"))
    }

    fn require_end(&self) -> Result<()> {
        match self.ends().next() {
            Some(_) => Ok(()),
            None => Err(Error::invalid(
                "a range must have an end (min, above, max or below), got none",
            )),
        }
    }

    /// An error unless every end is a number.
    pub(super) fn check_numbers(&self) -> Result<()> {
        match self.ends().find(|bound| bound.number().is_none()) {
            Some(bound) => Err(Error::invalid(format!(
                "an end of this range must be a number, got the text \"{bound}\""
            ))),
            None => self.check(),
        }
    }

    /// Whether a number lies within numeric ends.
    pub(super) fn contains(&self, x: f64) -> bool {
        let within = |end: Option<(&Bound, bool)>, sign: f64| {
            end.and_then(|(bound, included)| Some((bound.number()?, included)))
                .is_none_or(|(bound, included)| match included {
                    true => sign * x >= sign * bound,
                    false => sign * x > sign * bound,
                })
        };
        within(self.low(), 1.0) && within(self.high(), -1.0)
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(min), Some(max)) = (&self.min, &self.max) {
            return write!(f, "between {min} and {max}");
        }
        let low = self.low().map(|(bound, included)| match included {
            true => format!("at least {bound}"),
            false => format!("above {bound}"),
        });
        let high = self.high().map(|(bound, included)| match included {
            true => format!("at most {bound}"),
            false => format!("below {bound}"),
        });
        match (low, high) {
            (Some(low), Some(high)) => write!(f, "{low} and {high}"),
            (Some(one), None) | (None, Some(one)) => f.write_str(&one),
            (None, None) => f.write_str("anything that can be ordered"),
        }
    }
}
