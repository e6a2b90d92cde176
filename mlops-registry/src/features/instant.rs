//! Columns of instants, compared exactly whatever their units and zones.

use std::time::Duration;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{
    DataType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use mlops_core::{Error, ErrorKind, Result, Timestamp};

use super::table::column;

/// A timestamp column as ticks of its own unit since 1970, UTC. A naive time is in UTC; a zoned one
/// is stored as an instant already, so neither needs a cast.
#[derive(Clone, Debug)]
pub(super) struct Instants {
    ticks: ScalarBuffer<i64>,
    nulls: Option<NullBuffer>,
    unit: TimeUnit,
}

impl Instants {
    /// The instants in a column.
    ///
    /// `SignatureMismatch` if there is no such column or it holds something else.
    pub(super) fn of_column(rows: &RecordBatch, name: &str) -> Result<Self> {
        let values = column(rows, name)?;
        Self::of_array(values.as_ref()).ok_or_else(|| {
            let why = format!("\"{name}\" must be a timestamp, got {}", values.data_type());
            Error::new(ErrorKind::SignatureMismatch, why)
        })
    }

    /// The instants in an array, if it holds any.
    pub(super) fn of_array(values: &dyn Array) -> Option<Self> {
        let DataType::Timestamp(unit, _) = values.data_type() else {
            return None;
        };
        let ticks = match unit {
            TimeUnit::Second => values.as_primitive::<TimestampSecondType>().values(),
            TimeUnit::Millisecond => values.as_primitive::<TimestampMillisecondType>().values(),
            TimeUnit::Microsecond => values.as_primitive::<TimestampMicrosecondType>().values(),
            TimeUnit::Nanosecond => values.as_primitive::<TimestampNanosecondType>().values(),
        };
        Some(Self {
            ticks: ticks.clone(),
            nulls: values.nulls().cloned(),
            unit: *unit,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.ticks.len()
    }

    pub(super) fn unit(&self) -> TimeUnit {
        self.unit
    }

    /// In ticks of the column's unit.
    pub(super) fn ticks(&self, row: usize) -> Option<i64> {
        let is_null = self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        (!is_null).then(|| self.ticks[row])
    }

    /// In nanoseconds, which is exact for every unit.
    pub(super) fn nanoseconds(&self, row: usize) -> Option<i128> {
        self.ticks(row)
            .map(|ticks| i128::from(ticks) * nanoseconds_per_tick(self.unit))
    }
}

/// The event times that count at a moment, in ticks of the feature rows' unit, ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) oldest: i64,
    pub(super) newest: i64,
}

impl Window {
    /// Everything: that of a static view.
    pub(super) const ALWAYS: Self = Self {
        oldest: i64::MIN,
        newest: i64::MAX,
    };

    /// What counts at `now`, in nanoseconds. Feature times are whole ticks, so rounding `now` down
    /// and the oldest time up to ticks loses nothing.
    pub(super) fn at(now: i128, ttl: Option<Duration>, unit: TimeUnit) -> Self {
        let oldest = ttl.map_or(i64::MIN, |ttl| {
            let oldest = now - i128::try_from(ttl.as_nanos()).unwrap_or(i128::MAX / 2);
            clamped(-(-oldest).div_euclid(nanoseconds_per_tick(unit)))
        });
        Self {
            oldest,
            newest: ticks_until(now, unit),
        }
    }

    pub(super) fn contains(self, ticks: i64) -> bool {
        (self.oldest..=self.newest).contains(&ticks)
    }
}

/// The last whole tick that is not after a moment in nanoseconds.
pub(super) fn ticks_until(nanoseconds: i128, unit: TimeUnit) -> i64 {
    clamped(nanoseconds.div_euclid(nanoseconds_per_tick(unit)))
}

pub(super) fn nanoseconds_of(time: Timestamp) -> i128 {
    time.as_nanosecond()
}

fn clamped(ticks: i128) -> i64 {
    i64::try_from(ticks.clamp(i128::from(i64::MIN), i128::from(i64::MAX))).unwrap_or(i64::MAX)
}

fn nanoseconds_per_tick(unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_rounds_towards_its_inside() {
        let at =
            |now, ttl: u64| Window::at(now, Some(Duration::from_nanos(ttl)), TimeUnit::Microsecond);
        assert_eq!(
            at(10_999, 1_000),
            Window {
                oldest: 10,
                newest: 10
            }
        );
        assert_eq!(
            at(10_000, 1_000),
            Window {
                oldest: 9,
                newest: 10
            }
        );
        assert_eq!(
            at(-1, 1_000),
            Window {
                oldest: -1,
                newest: -1
            }
        );
        assert!(at(10_999, 0).oldest > at(10_999, 0).newest);
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        let end = i128::from(i64::MAX) * 1_000_000_000;
        let window = Window::at(-end, Some(Duration::MAX), TimeUnit::Nanosecond);
        assert_eq!(
            window,
            Window {
                oldest: i64::MIN,
                newest: i64::MIN
            }
        );
    }
}
