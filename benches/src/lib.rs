//! Tables that the benches share: the flights and the weather of New York in 2013, from
//! `examples/data`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{Int16Type, TimestampMicrosecondType};
use mlops_core::{Error, ErrorKind, FeatureRequest, FeatureView, FeatureViewName, Result};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// The weather's numbers.
pub const WEATHER: [&str; 5] = ["temp", "dewp", "humid", "wind_speed", "pressure"];

const HOUR: i64 = 3_600_000_000;

/// One of the tables, whole.
///
/// # Errors
/// `Corrupt` for a file that cannot be read, with its path.
pub fn table(name: &str) -> Result<RecordBatch> {
    let path = data().join(format!("{name}.parquet"));
    let fail = |e: String| Error::new(ErrorKind::Corrupt, e).context("path", path.display());
    let file = File::open(&path).map_err(|e| fail(e.to_string()))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| fail(e.to_string()))?;
    let schema = reader.schema().clone();
    let batches = reader.build().map_err(|e| fail(e.to_string()))?;
    let batches = batches.collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(concat_batches(&schema, &batches)?)
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/data/nycflights13")
}

/// Each flight's origin and scheduled departure.
///
/// # Errors
/// As [`table`].
pub fn departures() -> Result<RecordBatch> {
    let flights = table("flights")?;
    let minute = flights["minute"].as_primitive::<Int16Type>();
    let hour = flights["time_hour"].as_primitive::<TimestampMicrosecondType>();
    let departs = hour
        .iter()
        .zip(minute)
        .map(|(hour, minute)| Some(hour? + i64::from(minute?) * 60_000_000));
    let departs: TimestampMicrosecondArray = departs.collect();
    Ok(RecordBatch::try_from_iter([
        ("origin", flights["origin"].clone()),
        ("departs", Arc::new(departs.with_timezone("UTC")) as _),
    ])?)
}

/// The weather by origin, with the time at which it was known.
///
/// # Errors
/// As [`table`].
pub fn weather() -> Result<RecordBatch> {
    let weather = table("weather")?;
    let hour = weather["time_hour"].as_primitive::<TimestampMicrosecondType>();
    let known: TimestampMicrosecondArray = hour.unary(|hour| hour + HOUR);
    let mut columns = vec![
        ("origin", weather["origin"].clone()),
        (
            "known_at",
            Arc::new(known.with_timezone("UTC")) as Arc<dyn Array>,
        ),
    ];
    columns.extend(WEATHER.map(|name| (name, weather[name].clone())));
    Ok(RecordBatch::try_from_iter(columns)?)
}

/// The weather as a feature view with its request: six hours old at most.
///
/// # Errors
/// None, for these names.
pub fn weather_view() -> Result<(FeatureView, FeatureRequest)> {
    let name = FeatureViewName::new("weather")?;
    let view = FeatureView::new(name.clone(), ["origin"], WEATHER)
        .with_event_time("known_at")
        .with_ttl(std::time::Duration::from_secs(6 * 3600));
    Ok((view, FeatureRequest::new(name, WEATHER)))
}
