use arrow::temporal_conversions::{
    date32_to_datetime, timestamp_ms_to_datetime, timestamp_ns_to_datetime,
    timestamp_s_to_datetime, timestamp_us_to_datetime,
};
use serde::{Deserialize, Serialize};

use super::{exact, number};

/// What a day begins with.
const MIDNIGHT: &str = " 00:00:00";

/// In which terms the numbers of a column are told: as such, or as the points in time that they count from 1970 on, in UTC.
///
/// ```
/// use mlops_drift::report::Scale;
/// assert_eq!(Scale::Seconds.in_words(1_357_016_400.0), "2013-01-01 05:00:00");
/// assert_eq!(Scale::Days.in_words(15_706.0), "2013-01-01");
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

    /// A point in time within the calendar.
    fn time(self, value: f64) -> Option<String> {
        let count = value.round() as i64;
        let time = match self {
            Self::Numbers => None,
            Self::Days => date32_to_datetime(i32::try_from(count).ok()?),
            Self::Seconds => timestamp_s_to_datetime(count),
            Self::Milliseconds => timestamp_ms_to_datetime(count),
            Self::Microseconds => timestamp_us_to_datetime(count),
            Self::Nanoseconds => timestamp_ns_to_datetime(count),
        };
        time.filter(|_| value.is_finite())
            .map(|time| time.to_string())
    }
}
