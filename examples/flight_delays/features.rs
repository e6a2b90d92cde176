//! The features: declared once, joined as of each scheduled departure, offline and online alike.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{
    ArrayRef, AsArray, Float32Array, LargeStringArray, RecordBatch, TimestampMicrosecondArray,
};
use arrow::datatypes::{Int16Type, TimestampMicrosecondType};
use jiff::civil::Date;
use mlops_core::{FeatureRequest, FeatureStore, FeatureView, FeatureViewName, Result, Timestamp};

use crate::tables::{Flights, Tables};

/// What is known of the weather an hour after it was floored to: the row of 14:00 may hold what
/// was seen at 14:51.
const WEATHER_DELAY: i64 = 3_600_000_000;
const WEATHER: [&str; 7] = [
    "temp",
    "dewp",
    "humid",
    "wind_speed",
    "precip",
    "pressure",
    "visib",
];
const PLANE: [&str; 3] = ["year", "engines", "seats"];
const AIRPORT: [&str; 3] = ["lat", "lon", "alt"];
/// What the request itself brings: the calendar and the schedule.
const REQUEST: [&str; 4] = ["departure_hour", "weekday_sin", "weekday_cos", "distance"];
const ORIGINS: [&str; 3] = ["EWR", "JFK", "LGA"];

/// The names of the columns that a model takes, in order.
pub(crate) fn model_columns(tables: &Tables) -> Vec<String> {
    let plain = |names: &[&str], prefix: &str| -> Vec<String> {
        names.iter().map(|name| format!("{prefix}{name}")).collect()
    };
    [
        plain(&REQUEST, ""),
        plain(&ORIGINS, "origin_"),
        plain(&carriers(tables), "carrier_"),
        plain(&WEATHER, ""),
        plain(&PLANE, "plane_"),
        plain(&AIRPORT, "dest_"),
    ]
    .concat()
}

/// The columns that are watched for drift: those of the weather by origin-hour, the rest by flight.
pub(crate) fn watched() -> (Vec<String>, Vec<String>) {
    let weather = WEATHER.map(String::from).to_vec();
    let rest = [
        "departure_hour",
        "distance",
        "plane_year",
        "plane_seats",
        "origin",
        "carrier",
    ];
    (weather, rest.map(String::from).to_vec())
}

fn carriers(tables: &Tables) -> Vec<&str> {
    tables.airlines["carrier"]
        .as_string::<i64>()
        .iter()
        .flatten()
        .collect()
}

/// The view of the weather: the one whose rows become known as time passes.
pub(crate) fn weather_view() -> Result<FeatureViewName> {
    Ok(FeatureViewName::new("weather")?)
}

/// Declares the views and pushes their rows.
pub(crate) async fn declare(store: &impl FeatureStore, tables: &Tables) -> Result<()> {
    let weather = FeatureView::new(weather_view()?, ["origin"], WEATHER)
        .with_event_time("known_at")
        .with_ttl(Duration::from_secs(6 * 3600));
    let planes = FeatureView::new(FeatureViewName::new("planes")?, ["tailnum"], PLANE);
    let airports = FeatureView::new(FeatureViewName::new("airports")?, ["faa"], AIRPORT);
    let weather_rows = known_an_hour_later(&tables.weather)?;
    for (view, rows) in [
        (weather, &weather_rows),
        (planes, &tables.planes),
        (airports, &tables.airports),
    ] {
        let name = view.name.clone();
        store.register_view(view).await?;
        store.push(&name, rows).await?;
        // Static rows are visible at once; of the weather nothing is, before its time.
        store.materialize(&name, Timestamp::UNIX_EPOCH).await?;
    }
    Ok(())
}

/// What is asked of the views for every flight.
pub(crate) fn requests() -> Result<Vec<FeatureRequest>> {
    Ok(vec![
        FeatureRequest::new(weather_view()?, WEATHER),
        FeatureRequest::new(FeatureViewName::new("planes")?, PLANE).prefixed("plane_"),
        FeatureRequest::new(FeatureViewName::new("airports")?, AIRPORT)
            .keyed_by([("faa", "dest")])
            .prefixed("dest_"),
    ])
}

fn known_an_hour_later(weather: &RecordBatch) -> Result<RecordBatch> {
    let hours = weather["time_hour"].as_primitive::<TimestampMicrosecondType>();
    let known: TimestampMicrosecondArray = hours.unary(|hour| hour + WEATHER_DELAY);
    let mut columns: Vec<(&str, ArrayRef)> = vec![("origin", weather["origin"].clone())];
    columns.extend(WEATHER.iter().map(|name| (*name, weather[*name].clone())));
    columns.push(("known_at", Arc::new(known.with_timezone("UTC"))));
    Ok(RecordBatch::try_from_iter_with_nullable(
        columns
            .into_iter()
            .map(|(name, column)| (name, column, true)),
    )?)
}

/// The entity table: a row for each flight, with keys, time of departure, unit and request features.
/// Nothing in it is known later than the schedule.
pub(crate) fn entities(tables: &Tables, flights: &Flights) -> Result<RecordBatch> {
    let table = &tables.flights;
    let departs = TimestampMicrosecondArray::from(flights.departs.clone()).with_timezone("UTC");
    let units = arrow::array::UInt64Array::from(flights.units.clone());
    let mut columns: Vec<(String, ArrayRef)> = ["origin", "dest", "tailnum", "carrier"]
        .map(|name| (name.to_owned(), table[name].clone()))
        .to_vec();
    columns.push(("departs".into(), Arc::new(departs)));
    columns.push(("unit".into(), Arc::new(units)));
    columns.extend(calendar(table)?);
    columns.extend(one_hot("origin_", &ORIGINS, table["origin"].as_string()));
    columns.extend(one_hot(
        "carrier_",
        &carriers(tables),
        table["carrier"].as_string(),
    ));
    let columns = columns
        .into_iter()
        .map(|(name, column)| (name, column, true));
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
}

fn calendar(flights: &RecordBatch) -> Result<Vec<(String, ArrayRef)>> {
    let small = |name: &str| flights[name].as_primitive::<Int16Type>().values().to_vec();
    let (years, months, days) = (small("year"), small("month"), small("day"));
    let (hours, minutes, distances) = (small("hour"), small("minute"), small("distance"));
    let angle = |row: usize| {
        let date = Date::constant(years[row], months[row] as i8, days[row] as i8);
        std::f32::consts::TAU * f32::from(date.weekday().to_monday_zero_offset()) / 7.0
    };
    let column = |value: &dyn Fn(usize) -> f32| -> ArrayRef {
        Arc::new(
            (0..flights.num_rows())
                .map(|row| Some(value(row)))
                .collect::<Float32Array>(),
        )
    };
    let values: [ArrayRef; 4] = [
        column(&|row| f32::from(hours[row]) + f32::from(minutes[row]) / 60.0),
        column(&|row| angle(row).sin()),
        column(&|row| angle(row).cos()),
        column(&|row| f32::from(distances[row])),
    ];
    Ok(REQUEST.map(String::from).into_iter().zip(values).collect())
}

fn one_hot(
    prefix: &str,
    categories: &[&str],
    values: &LargeStringArray,
) -> Vec<(String, ArrayRef)> {
    let column = |category: &str| -> ArrayRef {
        let is = |value: Option<&str>| Some(f32::from(u8::from(value == Some(category))));
        Arc::new(values.iter().map(is).collect::<Float32Array>())
    };
    categories
        .iter()
        .map(|category| (format!("{prefix}{category}"), column(category)))
        .collect()
}

/// Entity columns and online features side by side: what the offline join gives in one go.
pub(crate) fn side_by_side(entities: &RecordBatch, features: &RecordBatch) -> Result<RecordBatch> {
    let schema = arrow::datatypes::Schema::new(
        [
            entities.schema().fields().to_vec(),
            features.schema().fields().to_vec(),
        ]
        .concat(),
    );
    let columns = [entities.columns(), features.columns()].concat();
    Ok(RecordBatch::try_new(Arc::new(schema), columns)?)
}
