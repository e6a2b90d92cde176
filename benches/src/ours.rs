//! `ours WORK TIMES FOLDER`: does one piece of work so many times, for `compare.py` to weigh against a peer.
#![allow(clippy::print_stdout)] // a program, not a library

use std::fs::File;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use mlops_benches::{departures, table, weather, weather_view};
use mlops_core::evidence::SignificanceLevel;
use mlops_core::{Error, ErrorKind, Result};
use mlops_drift::DriftCheck;
use mlops_drift::check::DriftMonitor;
use mlops_drift::profile::TableProfile;
use mlops_drift::table::ParquetTable;
use mlops_registry::features::{AsOfTable, join_as_of};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let (work, times) = (args.next().unwrap_or_default(), args.next());
    let folder = PathBuf::from(args.next().unwrap_or_default());
    let times: usize = times.and_then(|times| times.parse().ok()).ok_or_else(|| {
        Error::invalid("usage: ours join|drift|files|profile|chunks TIMES FOLDER")
    })?;
    match work.as_str() {
        "join" => join(times),
        "drift" => drift(times),
        "files" => files(times, &folder),
        "profile" => profile(times, &folder),
        "chunks" => chunks(times, &folder),
        other => Err(Error::invalid(format!(
            "unknown work {other:?}; there are join, drift, files, profile and chunks"
        ))),
    }
}

/// Every flight with the newest weather known at its departure; the index is built each time.
fn join(times: usize) -> Result<()> {
    let (flights, weather) = (departures()?, weather()?);
    let (view, request) = weather_view()?;
    for _ in 0..times {
        let table = AsOfTable::of(view.clone(), std::slice::from_ref(&weather))?;
        let joined = join_as_of(&flights, "departs", [(&table, &request)])?;
        println!("{}", black_box(joined)["temp"].null_count());
    }
    Ok(())
}

/// Kolmogorov–Smirnov on the weather's numbers: the first half of the year against the second.
fn drift(times: usize) -> Result<()> {
    let weather = table("weather")?;
    let half = weather.num_rows() / 2;
    let (reference, current) = (
        weather.slice(0, half),
        weather.slice(half, weather.num_rows() - half),
    );
    for _ in 0..times {
        let check = DriftCheck::against(&reference).columns(mlops_benches::WEATHER);
        println!(
            "{:?}",
            black_box(check.run(&current)?)
                .verdict
                .drifted_columns
                .len()
        );
    }
    Ok(())
}

/// The default check of one Parquet file against another, to the report as JSON.
fn files(times: usize, folder: &Path) -> Result<()> {
    for _ in 0..times {
        let reference = ParquetTable::open(folder.join("reference.parquet"))?;
        let current = ParquetTable::open(folder.join("current.parquet"))?;
        let report = DriftCheck::against(&reference).run(&current)?;
        black_box(report.to_json()?);
        println!("{}", report.verdict.drifted_columns.len());
    }
    Ok(())
}

/// The same against a profile of the reference that was saved before.
fn profile(times: usize, folder: &Path) -> Result<()> {
    let reference = ParquetTable::open(folder.join("reference.parquet"))?;
    let saved = TableProfile::of(&reference)?.to_bytes()?;
    for _ in 0..times {
        let reference = TableProfile::from_bytes(&saved)?;
        let current = ParquetTable::open(folder.join("current.parquet"))?;
        let report = DriftCheck::against(&reference).run(&current)?;
        black_box(report.to_json()?);
        println!("{}", report.verdict.drifted_columns.len());
    }
    Ok(())
}

/// One file against another in windows of 5,000 rows, by a monitor.
fn chunks(times: usize, folder: &Path) -> Result<()> {
    for _ in 0..times {
        let reference = ParquetTable::open(folder.join("reference.parquet"))?;
        let check = DriftCheck::against(&TableProfile::of(&reference)?).prepare()?;
        let mut monitor = DriftMonitor::new(check, SignificanceLevel::FIVE_PERCENT);
        let windows = windows(&folder.join("current.parquet")).map_err(unreadable)?;
        for (number, window) in windows.enumerate() {
            monitor.observe(number.to_string(), &window?)?;
        }
        black_box(serde_json::to_string(monitor.state())?);
        println!("{}", monitor.state().windows().len());
    }
    Ok(())
}

fn windows(path: &Path) -> parquet::errors::Result<ParquetRecordBatchReader> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
    builder.with_batch_size(5_000).build()
}

fn unreadable(error: parquet::errors::ParquetError) -> Error {
    Error::new(ErrorKind::Corrupt, "cannot read a table").source(error)
}
