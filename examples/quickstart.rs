//! Track, register, serve, check drift: in your own process, without a server.
#![allow(clippy::print_stdout)] // a program, not a library

use std::{error::Error, sync::Arc};

use mlops_core::arrow::array::{ArrayRef, Float32Array, RecordBatch};
use mlops_core::memory::LinearModel;
use mlops_core::*;
use mlops_drift::DriftCheck;
use mlops_registry::SqliteStore;
use mlops_serve::{PredictRequest, Service};

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    // The rent of 200 flats by their area, and the line through two of them.
    let area: Vec<f32> = (0..200).map(|i| 20.0 + 0.3 * i as f32).collect();
    let rent: Vec<f32> = area.iter().map(|area| 300.0 + 8.0 * area).collect();
    let slope = (rent[199] - rent[0]) / (area[199] - area[0]);
    let model = LinearModel::new(vec![slope], rent[0] - slope * area[0])?;

    // Track: runs, models, datasets and decisions live in one folder, durably.
    let store = SqliteStore::open("target/quickstart").await?;
    let (experiment, flats) = (ExperimentName::new("rents")?, DatasetName::new("flats")?);
    let rows = [table(&area)?];
    let data = store.register_dataset(&flats, "made up", &rows).await?;
    store.ensure_experiment(&experiment).await?;
    let run = store.start_run(&experiment, "through two points").await?;
    let batch = LogBatch::new().metric(Metric::new("slope", slope.into()));
    store.log(run.id, batch.input(data.reference())).await?;
    store.end_run(run.id, RunStatus::Finished).await?;

    // Register: an immutable version, with its signature and where it came from.
    let name = ModelName::new("rent")?;
    store.ensure_model(&name, "monthly rent by area").await?;
    let linear = Architecture::new("linear/1", serde_json::json!({ "inputs": 1 }));
    let new = NewVersion::new(model.signature().clone(), linear, slope.to_string());
    let version = store.create_version(&name, new.made_by(Lineage::of_run(run.id)));
    let version = version.await?.number;

    // Serve: on your own thread, and to others with `mlops_serve::v2_router(service)`.
    let service = Service::builder().build();
    service.deploy(&name, version, Arc::new(model))?;
    let inputs = Tensors::new([Tensor::from_f32("x", [1, 1], vec![50.0])?])?;
    let answer = service.predict(&PredictRequest::new(name, "request 1", inputs))?;
    let rent = answer.outputs.get("y")?.as_f32()?;
    println!("50 m² cost {rent:?} a month, says version {version}");

    // Check drift: the verdict states the rate of false alarms that it was made at.
    let larger: Vec<f32> = area.iter().map(|area| area + 15.0).collect();
    let report = DriftCheck::against(&rows[0]).run(&table(&larger)?)?;
    println!("{}", report.verdict.reason);
    Ok(())
}

fn table(area: &[f32]) -> Result<RecordBatch> {
    let column: ArrayRef = Arc::new(Float32Array::from(area.to_vec()));
    Ok(RecordBatch::try_from_iter([("area", column)])?)
}
