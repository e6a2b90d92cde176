//! The whole model lifecycle on real flights, in one command and in simulated time:
//!
//! ```text
//! cargo run --release -p mlops-examples --example flight_delays [-- --out DIR --seed N]
//! ```
//!
//! Read in this order: `main` (the plot), `tables` and `features` (the data and what is known when),
//! `training` (a version), `replay` (the loop), `scores`, `summary` and `report` (what is left behind).

#![allow(clippy::print_stdout)] // a program, not a library

mod clock;
mod features;
mod replay;
mod report;
mod scores;
mod summary;
mod tables;
mod training;
mod wrong_scale;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use std::{fs, io};

use indicatif::{ProgressBar, ProgressStyle};
use jiff::{SignedDuration, Timestamp};
use mlops_core::{
    DatasetName, DatasetReference, Error, ErrorKind, ExperimentName, ModelName, ModelRegistry,
    Result, Tracker,
};
use mlops_examples::{ARCHITECTURE, Training, backend};
use mlops_registry::SqliteStore;
use mlops_registry::features::ParquetFeatureStore;
use mlops_serve::{ModelLoader, PredictionLog, Service};

use clock::ReplayClock;
use replay::{Policy, Replay};
use summary::Summary;
use tables::{Flights, Tables};
use training::{Trainer, Window};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Some(options) = Options::parse(std::env::args().skip(1))? else {
        println!("flight_delays [--out DIR] [--seed N]");
        return Ok(());
    };
    let started = Instant::now();
    let replay = run(&options).await?;
    let summary = Summary::of(&replay.0, &replay.1, options.seed, started.elapsed()).await?;
    write(&options.out.join("summary.json"), &summary.to_json()?)?;
    write(
        &options.out.join("report.html"),
        &report::render(&replay.0, &summary)?,
    )?;
    println!("{}", summary.in_short());
    println!("Report: {}", options.out.join("report.html").display());
    Ok(())
}

/// What the command line says.
struct Options {
    out: PathBuf,
    seed: u64,
}

impl Options {
    /// `None` if help was asked for.
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Self>> {
        let mut options = Self {
            out: PathBuf::from("target/flight_delays"),
            seed: 1,
        };
        while let Some(arg) = args.next() {
            let mut value = || {
                args.next()
                    .ok_or_else(|| Error::invalid(format!("{arg} needs a value")))
            };
            match arg.as_str() {
                "--out" => options.out = value()?.into(),
                "--seed" => {
                    let text = value()?;
                    let refuse = |_| {
                        Error::invalid(format!(
                            "--seed takes a whole number from 0 to 2^64-1, got {text:?}"
                        ))
                    };
                    options.seed = text.parse().map_err(refuse)?;
                }
                "--help" | "-h" => return Ok(None),
                other => {
                    return Err(Error::invalid(format!(
                        "unknown argument {other:?}; there are --out DIR and --seed N"
                    )));
                }
            }
        }
        Ok(Some(options))
    }
}

/// The plot: tables, features, version 1, then nine months of weeks.
async fn run(options: &Options) -> Result<(Replay, Tables)> {
    let april = time("2013-04-01T00:00:00-04:00")?;
    let january = time("2014-01-01T00:00:00-05:00")?;
    let bar = ProgressBar::new(1);
    bar.set_style(style());
    bar.set_message("reading tables, joining features, training version 1");

    let tables = Tables::read(Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/data/nycflights13"
    )))?;
    let flights = Arc::new(Flights::new(&tables)?);
    let clock = Arc::new(ReplayClock::new(april));
    clear(&options.out)?;
    let trainer = trainer(options, &tables, flights, clock.clone()).await?;
    let training = Training {
        hidden: 32,
        epochs: 8,
        batch: 512,
        learning_rate: 0.003,
        seed: options.seed,
    };
    let window = Window {
        from: time("2013-01-01T00:00:00-05:00")?,
        to: time("2013-03-18T00:00:00-04:00")?,
    };
    let holdout = Window {
        from: window.to,
        to: april,
    };
    let first = trainer.train(window, holdout, april, &training).await?;

    let log = PredictionLog::open(options.out.join("predictions"))?;
    let service = Service::builder()
        .clock(clock.clone())
        .log(log.clone())
        .build();
    let mut replay = Replay::start(trainer, clock, service, policy()?, training, first).await?;
    let mut start = april;
    bar.set_length(40);
    while start < january {
        let end = (start + SignedDuration::from_hours(7 * 24)).min(january);
        bar.set_message(format!("week of {}", start.strftime("%F")));
        replay.week(start, end).await?;
        bar.inc(1);
        start = end;
    }
    replay
        .finish(january + SignedDuration::from_hours(4 * 24))
        .await?;
    log.flush()?;
    bar.finish_and_clear();
    Ok((replay, tables))
}

/// When to retrain, and what is broken on purpose.
fn policy() -> Result<Policy> {
    Ok(Policy {
        drift_deviations: 0.5,
        drift_share: 0.1,
        hurt_margin: 0.02,
        cool_down: SignedDuration::from_hours(42 * 24),
        train_on: SignedDuration::from_hours(365 * 24),
        hold_out: SignedDuration::from_hours(14 * 24),
        gate_margin: 0.005,
        break_after: time("2013-08-01T00:00:00-04:00")?,
    })
}

/// The stores: dataset versions registered, feature views declared.
async fn trainer(
    options: &Options,
    tables: &Tables,
    flights: Arc<Flights>,
    clock: Arc<ReplayClock>,
) -> Result<Trainer> {
    let store = SqliteStore::builder(&options.out)
        .clock(clock)
        .open()
        .await?;
    let mut datasets: Vec<DatasetReference> = Vec::new();
    for (name, table) in tables.all() {
        let source = format!("examples/data/nycflights13/{name}.parquet");
        let batch = std::slice::from_ref(table);
        let version = store
            .register_dataset(&DatasetName::new(name)?, &source, batch)
            .await?;
        datasets.push(version.reference());
    }
    let features = Arc::new(ParquetFeatureStore::open(options.out.join("features")).await?);
    features::declare(features.as_ref(), tables).await?;

    let model = ModelName::new("flight-delays")?;
    store
        .create_model(&model, "will the flight arrive over 15 minutes late?")
        .await?;
    let experiment = ExperimentName::new("flight-delays")?;
    store.create_experiment(&experiment).await?;
    Ok(Trainer {
        entities: features::entities(tables, &flights)?,
        columns: features::model_columns(tables),
        store,
        loader: ModelLoader::new().architecture(ARCHITECTURE, backend),
        features,
        flights,
        model,
        experiment,
        datasets,
    })
}

/// The file by which a later run knows that what lies in the folder is its own.
const MARK: &str = "flight_delays.run";

/// Empties the folder of an earlier run. Any other folder that holds something is left alone.
fn clear(folder: &Path) -> Result<()> {
    let denied = |e: io::Error| {
        Error::new(ErrorKind::PermissionDenied, e.to_string())
            .operation("clear the folder of an earlier run")
            .context("path", folder.display())
            .source(e)
    };
    let empty = !folder.exists() || fs::read_dir(folder).map_err(denied)?.next().is_none();
    if !empty && !folder.join(MARK).exists() {
        let why = "--out takes a folder that is new, empty, or of an earlier run";
        return Err(Error::invalid(why).context("path", folder.display()));
    }
    if !empty {
        fs::remove_dir_all(folder).map_err(denied)?;
    }
    fs::create_dir_all(folder).map_err(denied)?;
    fs::write(folder.join(MARK), "").map_err(denied)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|e| {
        Error::new(ErrorKind::PermissionDenied, e.to_string())
            .context("path", path.display())
            .source(e)
    })
}

fn time(text: &str) -> Result<Timestamp> {
    text.parse()
        .map_err(|e: jiff::Error| Error::invalid(e.to_string()))
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{elapsed_precise} [{bar:40}] {pos}/{len} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}
