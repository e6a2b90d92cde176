//! A column's values as numbers that are compared without rounding.

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int64Array};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type, TimeUnit};
use mlops_core::{Error, ErrorKind, Result, type_name};

use super::bounds::Bound;
use super::column_type::{NUMBERS, wrong_type};
use super::number::{NANOSECOND, Number};
use crate::sample::{ColumnKind, value_type};

const SECONDS_OF_A_DAY: i64 = 86_400;
/// Digits that an `i128` holds.
pub(super) const DIGITS: u8 = 38;

/// What the numbers of a column count: only numbers of one measure are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    Plain,
    /// Seconds since 1970; with a time zone or without.
    Instant {
        zoned: bool,
    },
    /// Seconds of a day.
    TimeOfDay,
    /// Seconds.
    Duration,
}

/// A column whose values can be ordered.
pub(super) struct Numbers {
    values: Values,
    pub(super) scale: Scale,
    /// What the column's integers are multiplied by: seconds of a day, for dates.
    factor: i64,
    /// Decimal places of the column's integers.
    places: i32,
    data_type: DataType,
}

enum Values {
    Integers(Int64Array),
    Wide(Decimal128Array),
    Floats(Float64Array),
}

impl Numbers {
    /// # Errors
    /// `Unsupported` for texts, bytes and nested columns, and for decimals of more than 38 digits.
    pub(super) fn of(array: &ArrayRef) -> Result<Self> {
        Self::read(array, NUMBERS)
    }

    /// The same for a rule that takes columns of other types, too.
    pub(super) fn read(array: &ArrayRef, takes: &str) -> Result<Self> {
        use DataType as T;
        let refused = |takes| wrong_type(&type_name(array.data_type()), takes);
        let data_type = value_type(array.data_type()).clone();
        let (scale, factor, places) = match &data_type {
            T::Date32 => (Scale::Instant { zoned: false }, SECONDS_OF_A_DAY, 0),
            T::Date64 => (Scale::Instant { zoned: false }, 1, 3),
            T::Timestamp(unit, zone) => {
                let zoned = zone.is_some();
                (Scale::Instant { zoned }, 1, places_of(*unit))
            }
            T::Time32(unit) | T::Time64(unit) => (Scale::TimeOfDay, 1, places_of(*unit)),
            T::Duration(unit) => (Scale::Duration, 1, places_of(*unit)),
            T::Decimal256(digits, _) if *digits > DIGITS => {
                return Err(refused("numbers of at most 38 digits"));
            }
            T::Boolean | T::Null => (Scale::Plain, 1, 0),
            of if ColumnKind::of(of) == ColumnKind::Numeric => {
                (Scale::Plain, 1, places_of_decimal(of))
            }
            _ => return Err(refused(takes)),
        };
        Ok(Self {
            values: Values::of(&cast(array, &data_type)?)?,
            scale,
            factor,
            places,
            data_type,
        })
    }

    /// The value of a row; `None` if it is missing.
    pub(super) fn get(&self, row: usize) -> Option<Number> {
        let unscaled: i128 = match &self.values {
            Values::Floats(floats) => {
                let x = floats.is_valid(row).then(|| floats.value(row))?;
                return (!x.is_nan()).then_some(Number::Float(x));
            }
            Values::Integers(values) => values.is_valid(row).then(|| values.value(row))?.into(),
            Values::Wide(values) => values.is_valid(row).then(|| values.value(row))?,
        };
        Some(Number::Decimal {
            unscaled: unscaled.saturating_mul(self.factor.into()),
            scale: self.places,
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Option<Number>> + '_ {
        (0..self.len()).map(|row| self.get(row))
    }

    pub(super) fn len(&self) -> usize {
        match &self.values {
            Values::Integers(values) => values.len(),
            Values::Wide(values) => values.len(),
            Values::Floats(values) => values.len(),
        }
    }

    /// The bound as this column reads it, see [`Bound`].
    pub(super) fn bound(&self, bound: &Bound) -> Result<Number> {
        let number = match bound {
            Bound::Text(text) => return self.text(text),
            Bound::Integer(value) => Number::integer(*value),
            Bound::Unsigned(value) => Number::unsigned(*value),
            Bound::Float(x) => Number::of_float(*x),
        };
        match (&self.values, number) {
            (Values::Floats(_), _) => self.rounded(bound.number().unwrap_or(f64::NAN)),
            (_, number) if self.scale == Scale::Plain => Ok(number),
            (_, Number::Decimal { unscaled, scale }) => Ok(Number::Decimal {
                unscaled: unscaled.saturating_mul(self.factor.into()),
                scale: scale + self.places,
            }),
            (_, beyond) => Ok(beyond),
        }
    }

    /// Of a column whose values are whole in a unit of their own: the greatest of these that is at most a bound, as [`bound`](Self::bound) reads it, and
    /// whether it is the bound. `None` beyond the range of an `i128`, and for a bound of floats.
    pub(super) fn whole(&self, bound: Number) -> Option<(i128, bool)> {
        let Number::Decimal { unscaled, scale } = bound else {
            return None;
        };
        let ten = |power: i32| 10_i128.checked_pow(power.try_into().ok()?);
        let factor: i128 = self.factor.into();
        let (numerator, denominator) = match scale - self.places {
            more if more > 0 => (unscaled, ten(more)?.checked_mul(factor)?),
            less => (unscaled.checked_mul(ten(-less)?)?, factor),
        };
        let at_most = numerator.div_euclid(denominator);
        Some((at_most, numerator.rem_euclid(denominator) == 0))
    }

    /// To the width of the column.
    fn rounded(&self, x: f64) -> Result<Number> {
        rounded_to(&self.data_type, x).map(Number::Float)
    }

    /// Whether every value is missing, whatever it would be.
    pub(super) fn are_of_no_type(&self) -> bool {
        self.data_type == DataType::Null
    }

    fn text(&self, text: &str) -> Result<Number> {
        if self.are_of_no_type() {
            return Ok(Number::integer(0)); // nothing is compared with it
        }
        let digits = || {
            let digits = Number::of_digits(text)?;
            Some(match self.values {
                Values::Floats(_) => Number::Float(digits.to_f64()),
                _ => digits,
            })
        };
        let number = match self.scale {
            Scale::Plain | Scale::Duration => digits(),
            Scale::Instant { zoned: true } => Number::of_zoned(text),
            Scale::Instant { zoned: false } => Number::of_local(text),
            Scale::TimeOfDay => Number::of_time_of_day(text),
        };
        let name = type_name(&self.data_type);
        number.ok_or_else(|| {
            Error::invalid(format!(
                "an end of a range must be readable as {name}, got {text:?}"
            ))
        })
    }

    /// An error unless both count the same thing.
    pub(super) fn comparable(&self, other: &Self) -> Result<()> {
        if self.scale == other.scale || self.are_of_no_type() || other.are_of_no_type() {
            return Ok(());
        }
        let [a, b] = [self, other].map(|numbers| type_name(&numbers.data_type));
        Err(Error::new(
            ErrorKind::Unsupported,
            format!("cannot compare {a} with {b}"),
        ))
    }
}

impl Values {
    fn of(array: &ArrayRef) -> Result<Self> {
        use DataType as T;
        let to = |target: &DataType| {
            let strict = CastOptions {
                safe: false, // what does not fit is an error, not missing
                ..CastOptions::default()
            };
            cast_with_options(array, target, &strict)
        };
        Ok(match array.data_type() {
            T::Float16 | T::Float32 | T::Float64 => {
                Self::Floats(to(&T::Float64)?.as_primitive::<Float64Type>().clone())
            }
            T::UInt64 => Self::wide(to(&T::Decimal128(38, 0))?),
            T::Decimal32(_, scale)
            | T::Decimal64(_, scale)
            | T::Decimal128(_, scale)
            | T::Decimal256(_, scale) => Self::wide(to(&T::Decimal128(38, *scale))?),
            T::Date32 | T::Time32(_) => Self::integers(cast(&to(&T::Int32)?, &T::Int64)?),
            _ => Self::integers(to(&T::Int64)?),
        })
    }

    fn integers(array: ArrayRef) -> Self {
        Self::Integers(array.as_primitive::<Int64Type>().clone())
    }

    fn wide(array: ArrayRef) -> Self {
        Self::Wide(array.as_primitive::<Decimal128Type>().clone())
    }
}

fn places_of(unit: TimeUnit) -> i32 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => NANOSECOND,
    }
}

fn places_of_decimal(data_type: &DataType) -> i32 {
    use DataType as T;
    match data_type {
        T::Decimal32(_, scale)
        | T::Decimal64(_, scale)
        | T::Decimal128(_, scale)
        | T::Decimal256(_, scale) => (*scale).into(),
        _ => 0,
    }
}

/// A limit to the width of a column of floats, so that one of 0.1 includes the column's own 0.1. A limit beyond all finite
/// values of the column stays what it is: rounded to infinity it would let infinite values in.
pub(super) fn rounded_to(data_type: &DataType, x: f64) -> Result<f64> {
    let narrow = cast(&Float64Array::from(vec![x]), data_type)?;
    let wide = cast(&narrow, &DataType::Float64)?;
    let rounded = wide.as_primitive::<Float64Type>().value(0);
    let beyond = rounded.is_infinite() && x.is_finite();
    Ok(if beyond { x } else { rounded })
}
