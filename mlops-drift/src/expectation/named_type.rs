//! Whether a text is the name of a type, as [`mlops_core::type_name`] writes it.

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
