//! Names of types, as [`mlops_core::type_name`] writes them: whether a text is one, and of which type of numbers.

use arrow::datatypes::{DataType, TimeUnit};
use mlops_core::{Error, Result};

/// Types without parameters.
const PLAIN: [&str; 21] = [
    "null",
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
    "date32",
    "date64",
    "text",
    "large_text",
    "text_view",
    "bytes",
    "large_bytes",
    "bytes_view",
];
/// Types that are so rare that they are named as Arrow does.
const RARE: [&str; 6] = [
    "Dictionary",
    "Map",
    "Union",
    "RunEndEncoded",
    "ListView",
    "LargeListView",
];
const UNITS: [&str; 4] = ["s", "ms", "us", "ns"];
const INTERVALS: [&str; 3] = ["months", "days, ms", "months, days, ns"];

/// # Errors
/// `InvalidArgument` for a name that no column's type has, with some that are.
pub(super) fn require_type_name(name: &str) -> Result<()> {
    if is_type_name(name) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "a type must be one such as bool, int64, uint8, float64, text, date32, bytes, timestamp(us), timestamp(us, UTC), time(ms), \
         decimal128(10, 2) or list(float64), got {name:?}"
    )))
}

fn is_type_name(name: &str) -> bool {
    if PLAIN.contains(&name) {
        return true;
    }
    let parts = name.strip_suffix(')').and_then(|name| name.split_once('('));
    parts.is_some_and(|(head, parameters)| are_parameters(head, parameters))
}

fn are_parameters(head: &str, parameters: &str) -> bool {
    let first = parameters
        .split_once(", ")
        .map_or(parameters, |(unit, _)| unit);
    match head {
        "timestamp" => UNITS.contains(&first),
        "time" | "duration" => UNITS.contains(&parameters),
        "interval" => INTERVALS.contains(&parameters),
        "bytes" => parameters.parse::<u32>().is_ok(),
        "decimal32" | "decimal64" | "decimal128" | "decimal256" => is_precision(parameters),
        "list" => is_type_name(parameters) || is_sized(parameters),
        "large_list" => is_type_name(parameters),
        "struct" => true, // whose fields may have any names
        rare => RARE.contains(&rare),
    }
}

/// The digits and the places of a decimal.
fn is_precision(parameters: &str) -> bool {
    let both = parameters.split_once(", ");
    both.is_some_and(|(digits, places)| {
        digits.parse::<u8>().is_ok() && places.parse::<i8>().is_ok()
    })
}

/// The items of a list of one size, and the size.
fn is_sized(parameters: &str) -> bool {
    let both = parameters.rsplit_once(", ");
    both.is_some_and(|(item, size)| is_type_name(item) && size.parse::<u32>().is_ok())
}

/// The type of numbers, dates, times or durations of this name; `None` for other ones.
pub(super) fn number_type(name: &str) -> Option<DataType> {
    use DataType as T;
    Some(match name {
        "int8" => T::Int8,
        "int16" => T::Int16,
        "int32" => T::Int32,
        "int64" => T::Int64,
        "uint8" => T::UInt8,
        "uint16" => T::UInt16,
        "uint32" => T::UInt32,
        "uint64" => T::UInt64,
        "float16" => T::Float16,
        "float32" => T::Float32,
        "float64" => T::Float64,
        "date32" => T::Date32,
        "date64" => T::Date64,
        _ => {
            let (head, parameters) = name.strip_suffix(')')?.split_once('(')?;
            return parametric(head, parameters);
        }
    })
}

fn parametric(head: &str, parameters: &str) -> Option<DataType> {
    use DataType as T;
    let (first, second) = match parameters.split_once(", ") {
        Some((first, second)) => (first, Some(second)),
        None => (parameters, None),
    };
    let unit = || {
        Some(match first {
            "s" => TimeUnit::Second,
            "ms" => TimeUnit::Millisecond,
            "us" => TimeUnit::Microsecond,
            "ns" => TimeUnit::Nanosecond,
            _ => return None,
        })
    };
    let precision = || Some((first.parse().ok()?, second?.parse().ok()?));
    match head {
        "timestamp" => Some(T::Timestamp(unit()?, second.map(Into::into))),
        "duration" => Some(T::Duration(unit()?)),
        "time" => Some(match unit()? {
            unit @ (TimeUnit::Second | TimeUnit::Millisecond) => T::Time32(unit),
            unit => T::Time64(unit),
        }),
        "decimal32" => precision().map(|(digits, places)| T::Decimal32(digits, places)),
        "decimal64" => precision().map(|(digits, places)| T::Decimal64(digits, places)),
        "decimal128" => precision().map(|(digits, places)| T::Decimal128(digits, places)),
        "decimal256" => precision().map(|(digits, places)| T::Decimal256(digits, places)),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use mlops_core::type_name;

    use super::*;

    #[test]
    fn types_of_numbers_are_found_by_their_names() {
        use DataType as T;
        use TimeUnit as U;
        for data_type in [
            T::Int8,
            T::UInt64,
            T::Float16,
            T::Float64,
            T::Date32,
            T::Date64,
            T::Timestamp(U::Nanosecond, None),
            T::Timestamp(U::Second, Some("+01:00".into())),
            T::Time32(U::Millisecond),
            T::Time64(U::Microsecond),
            T::Duration(U::Second),
            T::Decimal32(9, 2),
            T::Decimal64(18, -2),
            T::Decimal128(38, 10),
            T::Decimal256(70, 3),
        ] {
            assert_eq!(number_type(&type_name(&data_type)).unwrap(), data_type);
        }
        for other in [
            "text",
            "bool",
            "time(d)",
            "list(int8)",
            "decimal128(10)",
            "int8(",
        ] {
            assert_eq!(number_type(other), None, "{other}");
        }
    }
}
