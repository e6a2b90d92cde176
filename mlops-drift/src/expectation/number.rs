//! Numbers and instants that are compared without rounding.

use std::cmp::Ordering;

use mlops_core::{Error, Result, Timestamp};
use serde::{Deserialize, Serialize};

/// Decimal places of a nanosecond.
pub(super) const NANOSECOND: i32 = 9;
/// Sizes of floats whose digits are written out; others as a power of ten.
const WRITTEN_OUT: std::ops::Range<f64> = 1e-5..1e16;
/// 2^127, the least float that no `i128` reaches.
const BEYOND: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;

/// A value that is not missing: `unscaled · 10^-scale`, or a float that is not NaN.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) enum Number {
    Decimal { unscaled: i128, scale: i32 },
    Float(f64),
}

impl Number {
    pub(super) fn integer(value: i64) -> Self {
        Self::Decimal {
            unscaled: value.into(),
            scale: 0,
        }
    }

    pub(super) fn unsigned(value: u64) -> Self {
        Self::Decimal {
            unscaled: value.into(),
            scale: 0,
        }
    }

    /// The digits that it is written as, if they are few enough.
    pub(super) fn of_float(x: f64) -> Self {
        Self::of_digits(&x.to_string()).unwrap_or(Self::Float(x))
    }

    /// Seconds since 1970.
    pub(super) fn of_instant(instant: Timestamp) -> Self {
        Self::Decimal {
            unscaled: instant.as_nanosecond(),
            scale: NANOSECOND,
        }
    }

    /// An instant with its offset.
    pub(super) fn of_zoned(text: &str) -> Option<Self> {
        text.parse().map(Self::of_instant).ok()
    }

    /// A date, or a date and a time, without a time zone.
    pub(super) fn of_local(text: &str) -> Option<Self> {
        Self::of_zoned(&format!("{text}Z")).or_else(|| Self::of_zoned(&format!("{text}T00:00:00Z")))
    }

    pub(super) fn of_time_of_day(text: &str) -> Option<Self> {
        Self::of_zoned(&format!("1970-01-01T{text}Z"))
    }

    /// The moment that lies so many seconds before now.
    pub(super) fn before(now: Timestamp, seconds: u64) -> Self {
        Self::from_now(now, -i128::from(seconds))
    }

    /// The moment that lies so many seconds after now.
    pub(super) fn after(now: Timestamp, seconds: u64) -> Self {
        Self::from_now(now, seconds.into())
    }

    fn from_now(now: Timestamp, seconds: i128) -> Self {
        let distance = seconds.saturating_mul(1_000_000_000);
        Self::Decimal {
            unscaled: now.as_nanosecond().saturating_add(distance),
            scale: NANOSECOND,
        }
    }

    pub(super) fn to_f64(self) -> f64 {
        match self {
            Self::Float(x) => x,
            Self::Decimal { unscaled, scale: 0 } => unscaled as f64,
            // The nearest float to the digits, not a quotient of two rounded ones.
            Self::Decimal { unscaled, scale } => {
                format!("{unscaled}e{}", -scale).parse().unwrap_or(f64::NAN)
            }
        }
    }

    /// The order, exact among integers, decimals and instants, and of an integer with a float. A decimal with
    /// places is compared with a float as a float.
    pub(super) fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (
                Self::Decimal { unscaled, scale },
                Self::Decimal {
                    unscaled: other,
                    scale: places,
                },
            ) => of_decimals((unscaled, scale), (other, places)),
            (Self::Decimal { unscaled, scale: 0 }, Self::Float(x)) => of_integer(unscaled, x),
            (Self::Float(x), Self::Decimal { unscaled, scale: 0 }) => {
                of_integer(unscaled, x).reverse()
            }
            _ => {
                let order = self.to_f64().partial_cmp(&other.to_f64());
                order.unwrap_or(Ordering::Equal) // neither is NaN
            }
        }
    }

    /// Equal numbers have equal forms, decimals without zeros at the end: an integral float is its exact value, one
    /// with places the shortest digits that it is written as.
    pub(super) fn canonical(self) -> Self {
        match self {
            Self::Float(x) if x.fract() == 0.0 && x.abs() < BEYOND => Self::Decimal {
                unscaled: x as i128,
                scale: 0,
            }
            .canonical(),
            Self::Float(x) => Self::of_digits(&x.to_string()).map_or(self, Self::canonical),
            Self::Decimal { unscaled, scale } => without_zeros(unscaled, scale),
        }
    }

    /// Digits with at most one point, such as `-12.50`.
    pub(super) fn of_digits(text: &str) -> Option<Self> {
        let (whole, places) = text.split_once('.').unwrap_or((text, ""));
        let digits = whole.strip_prefix(['-', '+']).unwrap_or(whole);
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if digits.is_empty() || !is_digits(digits) || !is_digits(places) {
            return None;
        }
        Some(Self::Decimal {
            unscaled: format!("{whole}{places}").parse().ok()?,
            scale: i32::try_from(places.len()).ok()?,
        })
    }
}

/// A float for a reader, to its last digit.
pub(super) fn exact(x: f64) -> String {
    match x == 0.0 || !x.is_finite() || WRITTEN_OUT.contains(&x.abs()) {
        true => x.to_string(),
        false => format!("{x:e}"),
    }
}

/// A float for a reader, to four digits.
pub(super) fn rounded(x: f64) -> String {
    exact(format!("{x:.3e}").parse().unwrap_or(x))
}

/// Nearly all have 64 bits, whose division costs less.
fn without_zeros(unscaled: i128, mut scale: i32) -> Number {
    let Ok(mut short) = i64::try_from(unscaled) else {
        return match unscaled % 10 {
            0 => without_zeros(unscaled / 10, scale - 1),
            _ => Number::Decimal { unscaled, scale },
        };
    };
    while short != 0 && short % 10 == 0 {
        (short, scale) = (short / 10, scale - 1);
    }
    Number::Decimal {
        unscaled: short.into(),
        scale: if short == 0 { 0 } else { scale },
    }
}

fn shifted(unscaled: i128, places: i32) -> Option<i128> {
    let factor = 10_i128.checked_pow(u32::try_from(places).ok()?)?;
    unscaled.checked_mul(factor)
}

/// By sign, then by size: what cannot be brought to more places without overflow is the greater in size.
fn of_decimals((a, scale): (i128, i32), (b, places): (i128, i32)) -> Ordering {
    let signs = a.signum().cmp(&b.signum());
    if signs.is_ne() || a == 0 {
        return signs;
    }
    let common = scale.max(places);
    match (shifted(a, common - scale), shifted(b, common - places)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (None, _) => a.cmp(&0),
        (_, None) => 0.cmp(&b),
    }
}

fn of_integer(integer: i128, x: f64) -> Ordering {
    if x >= BEYOND {
        Ordering::Less
    } else if x < -BEYOND {
        Ordering::Greater
    } else {
        let below = x.floor();
        let fraction = 0.0_f64.partial_cmp(&(x - below));
        integer
            .cmp(&(below as i128))
            .then(fraction.unwrap_or(Ordering::Equal))
    }
}

/// As text: no format but this one has 128 bits, and JSON no infinite floats.
impl From<Number> for String {
    fn from(number: Number) -> Self {
        match number {
            Number::Decimal { unscaled, scale } => format!("{unscaled}/{scale}"),
            Number::Float(x) => x.to_string(),
        }
    }
}

impl TryFrom<String> for Number {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let malformed = || Error::invalid(format!("not a number: {text:?}"));
        let Some((unscaled, scale)) = text.split_once('/') else {
            let x: Option<f64> = text.parse().ok();
            return x
                .filter(|x| !x.is_nan())
                .map(Self::Float)
                .ok_or_else(malformed);
        };
        Ok(Self::Decimal {
            unscaled: unscaled.parse().map_err(|_| malformed())?,
            scale: scale.parse().map_err(|_| malformed())?,
        })
    }
}
