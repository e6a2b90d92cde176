//! The five tables, and what each flight is: when it departs, when its label is due, what it said.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{concat_batches, sort_to_indices, take_record_batch};
use arrow::datatypes::{Int16Type, TimestampMicrosecondType};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use mlops_core::{Error, ErrorKind, Result};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// The tables as they are on disk; flights sorted by scheduled departure.
pub(crate) struct Tables {
    pub(crate) flights: RecordBatch,
    pub(crate) weather: RecordBatch,
    pub(crate) planes: RecordBatch,
    pub(crate) airports: RecordBatch,
    pub(crate) airlines: RecordBatch,
}

impl Tables {
    /// Reads a folder of Parquet files.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let table = |name: &str| read_parquet(&folder.join(format!("{name}.parquet")));
        Ok(Self {
            flights: by_departure(&table("flights")?)?,
            weather: table("weather")?,
            planes: table("planes")?,
            airports: table("airports")?,
            airlines: table("airlines")?,
        })
    }

    /// Every table with its name.
    pub(crate) fn all(&self) -> [(&'static str, &RecordBatch); 5] {
        [
            ("flights", &self.flights),
            ("weather", &self.weather),
            ("planes", &self.planes),
            ("airports", &self.airports),
            ("airlines", &self.airlines),
        ]
    }
}

fn read_parquet(path: &Path) -> Result<RecordBatch> {
    let corrupt = |e: Box<dyn std::error::Error + Send + Sync>| {
        Error::new(ErrorKind::Corrupt, e.to_string()).context("path", path.display())
    };
    let file = File::open(path).map_err(|e| Error::not_found("file", path.display()).source(e))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| corrupt(e.into()))?;
    let schema = builder.schema().clone();
    let reader = builder.build().map_err(|e| corrupt(e.into()))?;
    let batches: Vec<RecordBatch> = reader
        .collect::<Result<_, _>>()
        .map_err(|e| corrupt(e.into()))?;
    Ok(concat_batches(&schema, &batches)?)
}

fn by_departure(flights: &RecordBatch) -> Result<RecordBatch> {
    let departures: arrow::array::Int64Array = departures(flights).into();
    let order = sort_to_indices(&departures, None, None)?;
    Ok(take_record_batch(flights, &order)?)
}

/// Scheduled departures, in microseconds since 1970: the hour and its minute.
fn departures(flights: &RecordBatch) -> Vec<i64> {
    let hours = flights["time_hour"].as_primitive::<TimestampMicrosecondType>();
    let minutes = flights["minute"].as_primitive::<Int16Type>();
    let pairs = hours.values().iter().zip(minutes.values());
    pairs
        .map(|(hour, minute)| hour + i64::from(*minute) * 60_000_000)
        .collect()
}

/// A label is final this long after the scheduled arrival: a flight that is late reports late.
const MATURITY: SignedDuration = SignedDuration::from_hours(24);
/// A flight is late beyond this many minutes.
const LATE: i16 = 15;

/// What the replay knows of each flight, by row of the sorted table.
pub(crate) struct Flights {
    /// Unique: carrier, flight, origin and scheduled departure.
    pub(crate) ids: Vec<String>,
    /// Scheduled departure, microseconds since 1970.
    pub(crate) departs: Vec<i64>,
    /// When the label is due, microseconds since 1970.
    pub(crate) matures: Vec<i64>,
    /// When the flight arrived and reported its label, microseconds since 1970; `None` as for `late`.
    pub(crate) reports: Vec<Option<i64>>,
    /// Over 15 minutes late? `None` if cancelled or diverted.
    pub(crate) late: Vec<Option<bool>>,
    /// The exchangeable unit: flights of one origin and hour share their weather.
    pub(crate) units: Vec<u64>,
    /// How many are bound for an airport whose time zone is not in the tables.
    pub(crate) without_zone: usize,
}

impl Flights {
    /// Derives them from the tables.
    pub(crate) fn new(tables: &Tables) -> Result<Self> {
        let flights = &tables.flights;
        let departs = departures(flights);
        let zones = zones(&tables.airports);
        let zoned: Vec<Option<i64>> = (0..flights.num_rows())
            .map(|row| scheduled_arrival(flights, &zones, row, departs[row]))
            .collect();
        let arrivals = zoned.iter().enumerate();
        let arrivals: Vec<Option<i64>> = arrivals
            .map(|(row, zoned)| zoned.or_else(|| flown_arrival(flights, row, departs[row])))
            .collect();
        let delays = flights["arr_delay"].as_primitive::<Int16Type>();
        let delay = |row: usize| delays.is_valid(row).then(|| delays.value(row));
        let report = |(row, arrival): (usize, &Option<i64>)| {
            arrival
                .zip(delay(row))
                .map(|(arrival, late)| arrival + minutes(late))
        };
        let maturity = MATURITY.as_micros() as i64;
        let due = |(arrival, departs): (&Option<i64>, &i64)| {
            // Never flown, to an airport of unknown time: a day for the flight, and a day as for all.
            arrival.map_or(departs + 2 * maturity, |arrival| arrival + maturity)
        };
        let rows = 0..flights.num_rows();
        Ok(Self {
            ids: ids(flights, &departs)?,
            late: rows.map(|row| delay(row).map(|late| late > LATE)).collect(),
            reports: arrivals.iter().enumerate().map(report).collect(),
            matures: arrivals.iter().zip(&departs).map(due).collect(),
            units: units(flights, &departs),
            without_zone: zoned.iter().filter(|arrival| arrival.is_none()).count(),
            departs,
        })
    }

    /// The rows that depart in `[from, to)`.
    pub(crate) fn between(&self, from: Timestamp, to: Timestamp) -> std::ops::Range<usize> {
        let at = |time: Timestamp| self.departs.partition_point(|t| *t < time.as_microsecond());
        at(from)..at(to)
    }
}

fn ids(flights: &RecordBatch, departs: &[i64]) -> Result<Vec<String>> {
    let carriers = flights["carrier"].as_string::<i64>();
    let origins = flights["origin"].as_string::<i64>();
    let numbers = flights["flight"].as_primitive::<Int16Type>();
    let id = |row: usize| {
        let minute = departs[row] / 60_000_000;
        format!(
            "{}{}-{}-{minute}",
            carriers.value(row),
            numbers.value(row),
            origins.value(row)
        )
    };
    let ids: Vec<String> = (0..flights.num_rows()).map(id).collect();
    let distinct: std::collections::HashSet<&String> = ids.iter().collect();
    if distinct.len() < ids.len() {
        return Err(Error::invalid("two flights have the same id"));
    }
    Ok(ids)
}

fn units(flights: &RecordBatch, departs: &[i64]) -> Vec<u64> {
    let origins = flights["origin"].as_string::<i64>();
    let origin = |row: usize| match origins.value(row) {
        "EWR" => 0,
        "JFK" => 1,
        _ => 2,
    };
    let hour = |time: i64| time.div_euclid(3_600_000_000) as u64;
    let rows = departs.iter().enumerate();
    rows.map(|(row, time)| hour(*time) * 3 + origin(row))
        .collect()
}

fn zones(airports: &RecordBatch) -> HashMap<String, TimeZone> {
    let codes = airports["faa"].as_string::<i64>();
    let names = airports["tzone"].as_string::<i64>();
    let zone = |row: usize| {
        let zone = names
            .is_valid(row)
            .then(|| TimeZone::get(names.value(row)).ok());
        Some((codes.value(row).to_owned(), zone.flatten()?))
    };
    (0..airports.num_rows()).filter_map(zone).collect()
}

/// The arrival that the schedule gives as local clock time at the destination: the first such time
/// after departure.
fn scheduled_arrival(
    flights: &RecordBatch,
    zones: &HashMap<String, TimeZone>,
    row: usize,
    departs: i64,
) -> Option<i64> {
    let zone = zones.get(flights["dest"].as_string::<i64>().value(row))?;
    let clock = flights["sched_arr_time"]
        .as_primitive::<Int16Type>()
        .value(row);
    // 2400 is midnight, written as the end of the day.
    let (hour, minute) = ((clock / 100 % 24) as i8, (clock % 100) as i8);
    let departure = Timestamp::from_microsecond(departs).ok()?;
    let local: DateTime = zone.to_datetime(departure);
    let same_day = local.date().at(hour, minute, 0, 0);
    let at = |time: DateTime| zone.to_timestamp(time).ok();
    let arrival = at(same_day).filter(|arrival| *arrival > departure);
    let arrival =
        arrival.or_else(|| at(same_day.checked_add(SignedDuration::from_hours(24)).ok()?))?;
    Some(arrival.as_microsecond())
}

/// Where the destination's time zone is not known: when the flight arrived, less its delay. To the
/// minute but for taxiing, and only to tell when a label was due; known after the fact.
fn flown_arrival(flights: &RecordBatch, row: usize, departs: i64) -> Option<i64> {
    let [late_off, in_air, late_on] = ["dep_delay", "air_time", "arr_delay"].map(|name| {
        let column = flights[name].as_primitive::<Int16Type>();
        column.is_valid(row).then(|| minutes(column.value(row)))
    });
    Some(departs + late_off? + in_air? - late_on?)
}

/// In microseconds.
fn minutes(count: i16) -> i64 {
    i64::from(count) * 60_000_000
}
