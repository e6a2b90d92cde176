//! Real drift, by effect size: January to March 2013 in New York against each later month.
//!
//!     cargo run --release -p mlops-examples --example drift_by_month [-- --out FOLDER]
//!
//! Writes `flights.md` with its pictures `flights.svg` and `flights_categories.svg`; the copy in `mlops-drift/docs` is made by this command.
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
use mlops_drift::report::{ColumnReport, Moved, chart::HeatMap};
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

/// The pictures: a measure each.
const PICTURES: [(&str, &str, &str); 2] = [
    (
        "flights.svg",
        "wasserstein_sd",
        "numbers: distance from January to March, in standard deviations, by month of 2013",
    ),
    (
        "flights_categories.svg",
        "total_variation",
        "categories: share of flights that would have to change, by month of 2013",
    ),
];

fn main() -> Result<()> {
    let folder = folder();
    let weather = by_month(&weather()?, DriftCheck::columns)?;
    // Flights of one origin and hour share their weather and their queue: the unit of the late share is that hour.
    let late = by_month(&late()?, |check, _| check.unit("origin_hour", ["late"]))?;
    let flights = by_month(&flights()?, DriftCheck::columns)?;
    let mut rows: Vec<Row> = [late, weather, flights]
        .iter()
        .flat_map(|reports| rows(reports))
        .collect();
    // Worst first, numbers before categories: their measures cannot be compared.
    rows.sort_by(|a, b| (b.measure.cmp(a.measure)).then(b.greatest().total_cmp(&a.greatest())));
    fs::create_dir_all(&folder)?;
    for (name, measure, title) in PICTURES {
        let of_measure = rows.iter().filter(|row| row.measure == measure);
        fs::write(folder.join(name), picture(title, of_measure))?;
    }
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
    moved: Vec<Option<Moved>>,
}

impl Row {
    fn greatest(&self) -> f64 {
        self.effects.iter().flatten().fold(0.0, |a, &b| a.max(b))
    }
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
                moved: by_month().map(|column| column.moved.clone()).collect(),
            }
        })
        .collect()
}

fn picture<'a>(title: &str, rows: impl Iterator<Item = &'a Row> + Clone) -> String {
    let names = rows.clone().map(|row| row.name.clone());
    let map = HeatMap::new(title, names, MONTHS).root_scale().numbered(2);
    rows.fold(map, |map, row| map.row(row.effects.iter().copied()))
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
    let months = MONTHS.join(" | ");
    text.push_str("\n## How far\n\n");
    push_row(&mut text, ["variable", "measure", &months]);
    push_row(&mut text, ["---", "---", &rule(MONTHS.len())]);
    for row in rows {
        let effects = row.effects.iter().zip(&row.significant);
        let cells = effects.map(|(effect, significant)| {
            let number = effect.map_or("–".to_owned(), |effect| format!("{effect:.2}"));
            if *significant {
                format!("**{number}**")
            } else {
                number
            }
        });
        let cells: Vec<String> = cells.collect();
        push_row(
            &mut text,
            [&row.name, short(row.measure), &cells.join(" | ")],
        );
    }
    text.push_str(
        "\n## Which way\n\nMeans, of `late` in percent; an arrow where the values differ.\n\n",
    );
    push_row(&mut text, ["variable", "Jan–Mar", &months]);
    push_row(&mut text, ["---", "---", &rule(MONTHS.len())]);
    for row in rows {
        if let Some((before, now)) = means(row) {
            push_row(&mut text, [&row.name, &before, &now.join(" | ")]);
        }
    }
    text.push_str("\nThe label whose share moved most:\n\n");
    push_row(&mut text, ["variable", &months, ""]);
    push_row(&mut text, ["---", &rule(MONTHS.len()), ""]);
    for row in rows {
        let labels = row.moved.iter().flatten();
        let labels: Vec<String> = labels
            .filter(|moved| matches!(moved, Moved::Categories(_)))
            .map(Moved::in_short)
            .collect();
        if !labels.is_empty() {
            push_row(&mut text, [&row.name, &labels.join(" | "), ""]);
        }
    }
    text
}

/// The mean before, and by month with an arrow where the values differ.
fn means(row: &Row) -> Option<(String, Vec<String>)> {
    let number = |mean: f64| match row.name.as_str() {
        "late" => format!("{:.1}", mean * 100.0),
        _ if mean.abs() < 1.0 => format!("{mean:.4}"),
        _ => format!("{mean:.1}"),
    };
    let of_month = row
        .moved
        .iter()
        .zip(&row.significant)
        .map(|(moved, significant)| {
            let Some(Moved::Numbers { reference, current }) = moved else {
                return None;
            };
            let (before, now) = (reference.mean?, current.mean?);
            let arrow = match now > before {
                _ if !significant => "",
                true => " ↑",
                false => " ↓",
            };
            Some((number(before), format!("{}{arrow}", number(now))))
        });
    let (before, now): (Vec<String>, Vec<String>) =
        of_month.collect::<Option<Vec<_>>>()?.into_iter().unzip();
    Some((before.into_iter().next()?, now))
}

/// A row of Markdown; an empty cell at its end is none.
fn push_row(text: &mut String, cells: [&str; 3]) {
    let cells: Vec<&str> = cells.into_iter().filter(|cell| !cell.is_empty()).collect();
    text.push_str(&format!("| {} |\n", cells.join(" | ")));
}

fn rule(columns: usize) -> String {
    vec!["---"; columns].join(" | ")
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
