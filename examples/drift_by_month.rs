//! Real drift, by effect size: January to March 2013 in New York against each later month.
//!
//!     cargo run --release -p mlops-examples --example drift_by_month [-- --out FOLDER]
//!
//! Writes `flights.md` with its picture `flights.svg`; the copy in `mlops-drift/docs` is made by this command.
#![allow(clippy::print_stdout)] // a program, not a library

use std::error::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{Int16Type, Int64Type, TimestampMicrosecondType};
use mlops_drift::report::{ColumnReport, chart::HeatMap};
use mlops_drift::{DriftCheck, DriftReport};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const MONTHS: [&str; 9] = [
    "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const WEATHER: [&str; 7] = [
    "temp",
    "dewp",
    "humid",
    "wind_speed",
    "precip",
    "pressure",
    "visib",
];

fn main() -> Result<()> {
    let folder = folder();
    let weather = by_month(&weather()?, DriftCheck::columns)?;
    // Flights of one origin and hour share their weather and their queue: the unit of the late share is that hour.
    let late = by_month(&late()?, |check, _| check.unit("origin_hour", ["late"]))?;
    let flights = by_month(&flights()?, DriftCheck::columns)?;
    let rows: Vec<Row> = [late, weather, flights]
        .iter()
        .flat_map(|reports| rows(reports))
        .collect();
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("flights.svg"), picture(&rows))?;
    fs::write(folder.join("flights.md"), page(&rows))?;
    println!("{}", folder.join("flights.md").display());
    Ok(())
}

fn folder() -> PathBuf {
    let mut args = std::env::args().skip(1);
    let out = args.find(|arg| arg == "--out").and_then(|_| args.next());
    out.map_or_else(|| PathBuf::from("mlops-drift/docs"), PathBuf::from)
}

/// The reports of April to December against January to March; the table's `month` is not compared.
fn by_month(
    table: &RecordBatch,
    how: impl FnOnce(DriftCheck, Vec<String>) -> DriftCheck,
) -> Result<Vec<DriftReport>> {
    let month = table["month"].as_primitive::<Int64Type>();
    let among = |wanted: &dyn Fn(i64) -> bool| {
        let rows: BooleanArray = month.iter().map(|month| month.map(wanted)).collect();
        filter_record_batch(table, &rows)
    };
    let schema = table.schema();
    let names = schema.fields().iter().map(|field| field.name().clone());
    let compared: Vec<String> = names
        .filter(|name| !["month", "origin_hour"].contains(&name.as_str()))
        .collect();
    let check = DriftCheck::against(&among(&|month| month <= 3)?).columns(compared.clone());
    let check = how(check, compared).prepare()?;
    let months = 4..=12;
    months
        .map(|wanted| Ok(check.run(&among(&|month| month == wanted)?)?))
        .collect()
}

/// One variable: its effect by month, in the measure of its kind.
struct Row {
    name: String,
    measure: &'static str,
    effects: Vec<Option<f64>>,
    significant: Vec<bool>,
}

fn rows(reports: &[DriftReport]) -> Vec<Row> {
    let names = reports
        .first()
        .map_or(&[][..], |report| &report.columns)
        .iter();
    names
        .map(|column| {
            let by_month = || {
                reports
                    .iter()
                    .filter_map(|report| report.column(&column.column))
            };
            let measures = ["wasserstein_sd", "total_variation"];
            let measure = measures
                .into_iter()
                .find(|measure| column.effect(measure).is_some());
            let measure = measure.unwrap_or("kolmogorov_smirnov");
            let effect = |column: &ColumnReport| column.effect(measure).map(|effect| effect.get());
            Row {
                name: column.column.clone(),
                measure,
                effects: by_month().map(effect).collect(),
                significant: by_month().map(|column| column.verdict.is_drift()).collect(),
            }
        })
        .collect()
}

fn picture(rows: &[Row]) -> String {
    let names = rows
        .iter()
        .map(|row| format!("{} ({})", row.name, short(row.measure)));
    let title = "distance from January to March, by month of 2013";
    let map = HeatMap::new(title, names, MONTHS).ceiling(1.5);
    rows.iter()
        .fold(map, |map, row| map.row(row.effects.iter().copied()))
        .to_svg()
}

fn short(measure: &str) -> &str {
    match measure {
        "wasserstein_sd" => "sd",
        "total_variation" => "share",
        other => other,
    }
}

fn page(rows: &[Row]) -> String {
    let mut text = String::from(include_str!("drift_by_month.md"));
    text.push_str(&format!(
        "\n| variable | measure | {} |\n",
        MONTHS.join(" | ")
    ));
    text.push_str(&format!("| --- | --- |{}\n", " --- |".repeat(MONTHS.len())));
    for row in rows {
        let cells = row
            .effects
            .iter()
            .zip(&row.significant)
            .map(|(effect, significant)| {
                let number = effect.map_or("–".to_owned(), |effect| format!("{effect:.2}"));
                if *significant {
                    format!("**{number}**")
                } else {
                    number
                }
            });
        let cells: Vec<String> = cells.collect();
        text.push_str(&format!(
            "| {} | {} | {} |\n",
            row.name,
            short(row.measure),
            cells.join(" | ")
        ));
    }
    text
}

fn weather() -> Result<RecordBatch> {
    let table = read("weather")?;
    let columns = ["month"].into_iter().chain(WEATHER);
    Ok(RecordBatch::try_from_iter(
        columns.map(|name| (name, table[name].clone())),
    )?)
}

/// Whether each flight arrived more than 15 minutes late, with its origin and hour; flights without an arrival are left out by the null.
fn late() -> Result<RecordBatch> {
    let table = read("flights")?;
    let delay = table["arr_delay"].as_primitive::<Int16Type>().iter();
    let late = delay.map(|delay| delay.map(|minutes| f64::from(u8::from(minutes > 15))));
    let hour = table["time_hour"].as_primitive::<TimestampMicrosecondType>();
    let origin = table["origin"].as_string::<i64>();
    let unit = origin
        .iter()
        .zip(hour)
        .map(|(origin, hour)| Some(format!("{} {}", origin?, hour?)));
    Ok(RecordBatch::try_from_iter([
        ("month", month(&table)?),
        (
            "origin_hour",
            Arc::new(unit.collect::<StringArray>()) as ArrayRef,
        ),
        ("late", Arc::new(late.collect::<Float64Array>()) as ArrayRef),
    ])?)
}

fn flights() -> Result<RecordBatch> {
    let table = read("flights")?;
    let columns = ["carrier", "origin", "distance", "hour"].map(|name| (name, table[name].clone()));
    Ok(RecordBatch::try_from_iter(
        [("month", month(&table)?)].into_iter().chain(columns),
    )?)
}

fn month(table: &RecordBatch) -> Result<ArrayRef> {
    let month = table["month"].as_primitive::<Int16Type>().iter();
    Ok(Arc::new(
        month
            .map(|month| month.map(i64::from))
            .collect::<Int64Array>(),
    ))
}

fn read(name: &str) -> Result<RecordBatch> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/nycflights13");
    let file = File::open(folder.join(format!("{name}.parquet")))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)?;
    let schema = reader.schema().clone();
    let batches = reader
        .build()?
        .collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(concat_batches(&schema, &batches)?)
}
