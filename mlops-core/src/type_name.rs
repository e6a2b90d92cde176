//! Names of Arrow types that last.

use arrow::datatypes::{DataType, Field, IntervalUnit, TimeUnit};

/// The name of an Arrow type, as it is kept in files and fingerprints. It is ours, for it is compared
/// with names that were written long ago, and Arrow spells its own anew from time to time. Parameters
/// are part of it; the encodings of text and bytes have names of their own.
///
/// ```
/// use mlops_core::arrow::datatypes::{DataType, TimeUnit};
/// use mlops_core::type_name;
/// assert_eq!(type_name(&DataType::Int64), "int64");
/// let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
/// assert_eq!(type_name(&time), "timestamp(us, UTC)");
/// ```
pub fn type_name(data_type: &DataType) -> String {
    use DataType as T;
    match data_type {
        T::Timestamp(unit, None) => format!("timestamp({})", of_unit(*unit)),
        T::Timestamp(unit, Some(zone)) => format!("timestamp({}, {zone})", of_unit(*unit)),
        T::Time32(unit) | T::Time64(unit) => format!("time({})", of_unit(*unit)),
        T::Duration(unit) => format!("duration({})", of_unit(*unit)),
        T::Interval(IntervalUnit::YearMonth) => "interval(months)".into(),
        T::Interval(IntervalUnit::DayTime) => "interval(days, ms)".into(),
        T::Interval(IntervalUnit::MonthDayNano) => "interval(months, days, ns)".into(),
        T::FixedSizeBinary(size) => format!("bytes({size})"),
        T::Decimal32(precision, scale) => format!("decimal32({precision}, {scale})"),
        T::Decimal64(precision, scale) => format!("decimal64({precision}, {scale})"),
        T::Decimal128(precision, scale) => format!("decimal128({precision}, {scale})"),
        T::Decimal256(precision, scale) => format!("decimal256({precision}, {scale})"),
        T::List(item) => format!("list({})", type_name(item.data_type())),
        T::LargeList(item) => format!("large_list({})", type_name(item.data_type())),
        T::FixedSizeList(item, size) => format!("list({}, {size})", type_name(item.data_type())),
        T::Struct(fields) => {
            let fields: Vec<String> = fields.iter().map(|field| of_field(field)).collect();
            format!("struct({})", fields.join(", "))
        }
        plain => of_plain(plain),
    }
}

fn of_field(field: &Field) -> String {
    format!("{}: {}", field.name(), type_name(field.data_type()))
}

fn of_unit(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
    }
}

/// Types without parameters, and those that are rare enough to be spelt as Arrow does.
fn of_plain(data_type: &DataType) -> String {
    use DataType as T;
    let name = match data_type {
        T::Null => "null",
        T::Boolean => "bool",
        T::Int8 => "int8",
        T::Int16 => "int16",
        T::Int32 => "int32",
        T::Int64 => "int64",
        T::UInt8 => "uint8",
        T::UInt16 => "uint16",
        T::UInt32 => "uint32",
        T::UInt64 => "uint64",
        T::Float16 => "float16",
        T::Float32 => "float32",
        T::Float64 => "float64",
        T::Date32 => "date32",
        T::Date64 => "date64",
        T::Utf8 => "text",
        T::LargeUtf8 => "large_text",
        T::Utf8View => "text_view",
        T::Binary => "bytes",
        T::LargeBinary => "large_bytes",
        T::BinaryView => "bytes_view",
        rare => return rare.to_string(),
    };
    name.into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn names_that_were_written_do_not_change() {
        let micros =
            |zone: Option<&str>| DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into));
        let item = |of: DataType| Arc::new(Field::new("item", of, true));
        for (data_type, name) in [
            (DataType::Int64, "int64"),
            (DataType::Utf8, "text"),
            (micros(None), "timestamp(us)"),
            (micros(Some("UTC")), "timestamp(us, UTC)"),
            (DataType::Decimal128(10, 2), "decimal128(10, 2)"),
            (
                DataType::FixedSizeList(item(DataType::Float32), 8),
                "list(float32, 8)",
            ),
            (
                DataType::Struct(vec![item(DataType::Boolean)].into()),
                "struct(item: bool)",
            ),
        ] {
            assert_eq!(type_name(&data_type), name);
        }
    }
}
