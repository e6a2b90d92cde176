//! From a window of matured labels to a registered version: joined, trained, tracked, evaluated.

use std::sync::Arc;

use arrow::array::{RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;
use jiff::Timestamp;
use mlops_core::{
    DatasetReference, ExperimentName, FeatureStore, InferenceBackend, Lineage, LogBatch, Metric,
    ModelName, ModelRegistry, ModelVersion, NewVersion, Result, RunStatus, Tensors, Tracker,
};
use mlops_drift::performance::{Estimate, Scored};
use mlops_examples::{Examples, TabularMlp, Training, signature};
use mlops_registry::SqliteStore;
use mlops_registry::features::ParquetFeatureStore;
use mlops_serve::ModelLoader;
use mlops_serve::burn::save;

use crate::features;
use crate::tables::Flights;

/// A stretch of time, `[from, to)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

/// What training reads and writes.
pub(crate) struct Trainer {
    pub(crate) store: SqliteStore,
    pub(crate) loader: ModelLoader,
    pub(crate) features: Arc<ParquetFeatureStore>,
    pub(crate) flights: Arc<Flights>,
    pub(crate) entities: RecordBatch,
    pub(crate) columns: Vec<String>,
    pub(crate) model: ModelName,
    pub(crate) experiment: ExperimentName,
    pub(crate) datasets: Vec<DatasetReference>,
}

/// Rows with matured labels, joined as of their departures.
pub(crate) struct Labelled {
    pub(crate) table: RecordBatch,
    pub(crate) inputs: Tensors,
    pub(crate) labels: Vec<bool>,
    pub(crate) units: Vec<u64>,
}

/// A version, what it was trained on, and how it does on later rows.
pub(crate) struct Trained {
    pub(crate) version: ModelVersion,
    pub(crate) backend: Arc<dyn InferenceBackend>,
    pub(crate) window: Window,
    pub(crate) reference: RecordBatch,
    pub(crate) holdout: Labelled,
    pub(crate) holdout_auc: Estimate,
    pub(crate) holdout_brier: Estimate,
}

impl Trainer {
    /// The rows of a window whose labels have matured by `now`.
    pub(crate) async fn labelled(&self, window: Window, now: Timestamp) -> Result<Labelled> {
        let flights = &self.flights;
        let matured = |row: &usize| flights.matures[*row] <= now.as_microsecond();
        let rows: Vec<(usize, bool)> = flights
            .between(window.from, window.to)
            .filter(matured)
            .filter_map(|row| Some((row, flights.late[row]?)))
            .collect();
        let indices = UInt64Array::from_iter_values(rows.iter().map(|(row, _)| *row as u64));
        let entities = take_record_batch(&self.entities, &indices)?;
        let table = self
            .features
            .join(&entities, "departs", &features::requests()?)
            .await?;
        let signature = signature(&self.columns)?;
        Ok(Labelled {
            inputs: Tensors::from_batch(&table, signature.inputs())?,
            table,
            labels: rows.iter().map(|(_, late)| *late).collect(),
            units: rows.iter().map(|(row, _)| flights.units[*row]).collect(),
        })
    }

    /// Trains on `window`, evaluates on the later `holdout`, records the run and registers a version.
    pub(crate) async fn train(
        &self,
        window: Window,
        holdout: Window,
        now: Timestamp,
        training: &Training,
    ) -> Result<Trained> {
        let rows = self.labelled(window, now).await?;
        let holdout = self.labelled(holdout, now).await?;
        let run = self
            .store
            .start_run(&self.experiment, &format!("trained to {}", window.to))
            .await?;
        self.store
            .log(run.id, self.settings(window, training, rows.labels.len()))
            .await?;

        let examples = Examples {
            values: rows.inputs.get("features")?.as_f32()?.to_vec(),
            labels: rows.labels,
        };
        let mut epochs = LogBatch::new();
        let module = TabularMlp::train(self.columns.len(), &examples, training, |epoch, loss| {
            epochs
                .metrics
                .push(Metric::new("train_log_loss", loss).at_step(epoch as i64));
        })?;
        self.store.log(run.id, epochs).await?;
        let bytes = save(&module)?;
        self.store
            .put_artifact(run.id, "model.safetensors", bytes.clone())
            .await?;

        let architecture = training.architecture(self.columns.len());
        let lineage = Lineage {
            run: Some(run.id),
            datasets: self.datasets.clone(),
            code_revision: code_revision(),
        };
        let new = NewVersion::new(signature(&self.columns)?, architecture, bytes);
        let version = self
            .store
            .create_version(&self.model, new.made_by(lineage))
            .await?;
        let loaded = self.loader.load(&self.store, &self.model, version.number);
        let backend = loaded.await?;

        let scored = holdout.scored(backend.as_ref())?;
        let (holdout_auc, holdout_brier) = (scored.auc()?, scored.brier()?);
        let results = LogBatch::new()
            .metric(Metric::new("holdout_auc", holdout_auc.value))
            .metric(Metric::new("holdout_brier", holdout_brier.value))
            .tag("version", version.number);
        self.store.log(run.id, results).await?;
        self.store.end_run(run.id, RunStatus::Finished).await?;
        Ok(Trained {
            version,
            backend,
            window,
            reference: rows.table,
            holdout,
            holdout_auc,
            holdout_brier,
        })
    }

    fn settings(&self, window: Window, training: &Training, rows: usize) -> LogBatch {
        let mut batch = LogBatch::new()
            .param("trained_from", window.from)
            .param("trained_to", window.to)
            .param("rows", rows)
            .param("features", self.columns.len())
            .param("hidden", training.hidden)
            .param("epochs", training.epochs)
            .param("batch", training.batch)
            .param("learning_rate", training.learning_rate)
            .param("seed", training.seed)
            .tag("os", std::env::consts::OS)
            .tag("arch", std::env::consts::ARCH)
            .tag("mlops", env!("CARGO_PKG_VERSION"));
        batch.inputs = self.datasets.clone();
        batch
    }
}

impl Labelled {
    /// A model's probabilities on these rows, to be scored by unit.
    pub(crate) fn scored(&self, backend: &dyn InferenceBackend) -> Result<Scored> {
        let probabilities = backend.infer(&self.inputs)?.get("probability")?.to_f64()?;
        Scored::new(&self.labels, &probabilities)?.units(&self.units)
    }
}

/// The commit that is checked out, where there is one to ask.
fn code_revision() -> Option<String> {
    let output = std::process::Command::new("git")
        .args(["rev-parse", "HEAD"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .ok()?;
    let revision = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| revision.trim().to_owned())
}
