use arrow::temporal_conversions::{
    date32_to_datetime, time32ms_to_time, time32s_to_time, time64ns_to_time, time64us_to_time,
    timestamp_ms_to_datetime, timestamp_ns_to_datetime, timestamp_s_to_datetime,
    timestamp_us_to_datetime,
};
use serde::{Deserialize, Serialize};

use super::{exact, number};

/// What a day begins with.
const MIDNIGHT: &str = " 00:00:00";

/// In which terms the numbers of a column are told: as such, as the points in time that they count from 1970 on, in UTC, or as times of a day.
///
/// ```
/// use mlops_drift::report::Scale;
/// assert_eq!(Scale::Seconds.in_words(1_357_016_400.0), "2013-01-01 05:00:00");
/// assert_eq!(Scale::Days.in_words(15_706.0), "2013-01-01");
/// assert_eq!(Scale::SecondsOfDay.in_words(45_296.0), "12:34:56");
/// assert_eq!(Scale::Numbers.in_words(2.50), "2.5");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Numbers.
    #[default]
    Numbers,
    /// Dates.
    Days,
    /// Times in seconds.
    Seconds,
    /// In milliseconds.
    Milliseconds,
    /// In microseconds.
    Microseconds,
    /// In nanoseconds.
    Nanoseconds,
    /// Times of a day in seconds.
    SecondsOfDay,
    /// In milliseconds.
    MillisecondsOfDay,
    /// In microseconds.
    MicrosecondsOfDay,
    /// In nanoseconds.
    NanosecondsOfDay,
}

impl Scale {
    /// Of a column whose type has this [name](mlops_core::type_name).
    pub(crate) fn of_type(name: &str) -> Self {
        let is_unit = |unit: &str| {
            let rest = name
                .strip_prefix("timestamp(")
                .and_then(|rest| rest.strip_prefix(unit));
            rest.is_some_and(|rest| rest.starts_with([',', ')']))
        };
        match name {
            "date32" => Self::Days,
            "date64" => Self::Milliseconds,
            "time(s)" => Self::SecondsOfDay,
            "time(ms)" => Self::MillisecondsOfDay,
            "time(us)" => Self::MicrosecondsOfDay,
            "time(ns)" => Self::NanosecondsOfDay,
            _ if is_unit("s") => Self::Seconds,
            _ if is_unit("ms") => Self::Milliseconds,
            _ if is_unit("us") => Self::Microseconds,
            _ if is_unit("ns") => Self::Nanoseconds,
            _ => Self::Numbers,
        }
    }

    #[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
    pub(crate) fn is_of_numbers(&self) -> bool {
        *self == Self::Numbers
    }

    /// Whether whole numbers are a unit of their own, told one by one: times of a clock are told from edge to edge.
    pub(super) fn has_whole_steps(self) -> bool {
        matches!(self, Self::Numbers | Self::Days)
    }

    /// In few digits, or to the second.
    pub fn in_words(self, value: f64) -> String {
        let Some(time) = self.time(value) else {
            return number(value);
        };
        let whole = time.split('.').next().unwrap_or_default();
        whole.strip_suffix(MIDNIGHT).unwrap_or(whole).to_owned()
    }

    /// In so many significant digits; a time in all.
    pub(super) fn in_digits(self, value: f64, digits: usize) -> String {
        self.time(value).unwrap_or_else(|| {
            let rounded = format!("{value:.*e}", digits - 1).parse();
            exact(rounded.unwrap_or(value))
        })
    }

    /// In all digits; a day without hours.
    pub(crate) fn exactly(self, value: f64) -> String {
        let told = self.time(value).unwrap_or_else(|| exact(value));
        told.strip_suffix(MIDNIGHT).unwrap_or(&told).to_owned()
    }

    /// A point in time within the calendar, or a time within a day.
    fn time(self, value: f64) -> Option<String> {
        if !value.is_finite() {
            return None;
        }
        let count = value.round() as i64;
        let in_32_bits = i32::try_from(count).ok();
        let of_day = match self {
            Self::SecondsOfDay => in_32_bits.and_then(time32s_to_time),
            Self::MillisecondsOfDay => in_32_bits.and_then(time32ms_to_time),
            Self::MicrosecondsOfDay => time64us_to_time(count),
            Self::NanosecondsOfDay => time64ns_to_time(count),
            _ => None,
        };
        if let Some(time) = of_day {
            return Some(time.to_string());
        }
        let time = match self {
            Self::Days => date32_to_datetime(in_32_bits?),
            Self::Seconds => timestamp_s_to_datetime(count),
            Self::Milliseconds => timestamp_ms_to_datetime(count),
            Self::Microseconds => timestamp_us_to_datetime(count),
            Self::Nanoseconds => timestamp_ns_to_datetime(count),
            _ => None,
        };
        time.map(|time| time.to_string())
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, TimeUnit};
    use mlops_core::type_name;

    use super::*;

    /// 12:34:56.789 is 45,296.789 seconds of a day.
    #[test]
    fn times_of_a_day_are_told_as_such() {
        use DataType::{Time32, Time64};
        for (data_type, value, exactly) in [
            (Time32(TimeUnit::Second), 45_296.0, "12:34:56"),
            (Time32(TimeUnit::Millisecond), 45_296_789.0, "12:34:56.789"),
            (
                Time64(TimeUnit::Microsecond),
                45_296_789_000.0,
                "12:34:56.789",
            ),
            (
                Time64(TimeUnit::Nanosecond),
                45_296_789_000_000.0,
                "12:34:56.789",
            ),
        ] {
            let scale = Scale::of_type(&type_name(&data_type));
            assert_eq!(scale.in_words(value), "12:34:56", "{data_type}");
            assert_eq!(scale.exactly(value), exactly, "{data_type}");
        }
        assert_eq!(Scale::SecondsOfDay.in_words(0.0), "00:00:00");
        assert_eq!(Scale::SecondsOfDay.in_words(-5.0), "-5"); // no time of a day
        assert_eq!(
            Scale::SecondsOfDay.in_words(f64::INFINITY),
            number(f64::INFINITY)
        );
    }
}
