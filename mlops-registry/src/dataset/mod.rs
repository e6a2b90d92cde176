//! Dataset versions: which content was ever used under which name.

use mlops_core::arrow::array::RecordBatch;
use mlops_core::{
    DatasetName, DatasetReference, DatasetVersion, Digest, Error, Fingerprint, NewEvent, Result,
};
use sqlx::query;
use tracing::instrument;

use crate::database::{Row, Transaction, to_count};
use crate::events::{append, subject};
use crate::store::SqliteStore;

impl SqliteStore {
    /// Registers a dataset by its content: the batches of one table, in order. The same content
    /// again under the name is the same version: what was registered first comes back.
    ///
    /// Durable on `Ok`. Cost: one pass over the data (SHA-256), one transaction.
    ///
    /// # Errors
    /// As [`Fingerprint::update`] for batches that do not belong together.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use mlops_core::DatasetName;
    /// use mlops_core::arrow::array::{Int64Array, RecordBatch};
    /// use mlops_registry::SqliteStore;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> mlops_core::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// let store = SqliteStore::open(folder.path()).await?;
    /// let flights = RecordBatch::try_from_iter([("delay", Arc::new(Int64Array::from(vec![3, 18])) as _)])?;
    /// let name = DatasetName::new("flights")?;
    /// let version = store.register_dataset(&name, "file:flights.parquet", &[flights.clone()]).await?;
    /// assert_eq!(version.rows, 2);
    /// assert_eq!(store.register_dataset(&name, "a copy", &[flights]).await?, version);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn register_dataset(
        &self,
        name: &DatasetName,
        source: &str,
        batches: &[RecordBatch],
    ) -> Result<DatasetVersion> {
        let mut fingerprint = Fingerprint::default();
        batches
            .iter()
            .try_for_each(|batch| fingerprint.update(batch))
            .map_err(|error| error.operation("register dataset").context("dataset", name))?;
        let rows = fingerprint.rows();
        self.register_fingerprint(name, source, fingerprint.finish(), rows)
            .await
    }

    /// As [`register_dataset`](Self::register_dataset), for a dataset too large to hold: the caller
    /// computes the [`Fingerprint`] batch by batch.
    ///
    /// # Errors
    /// `InvalidArgument` for more rows than an `i64` counts.
    ///
    /// ```
    /// # use mlops_core::DatasetName;
    /// # use mlops_registry::SqliteStore;
    /// use mlops_core::Fingerprint;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> mlops_core::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path()).await?;
    /// let name = DatasetName::new("flights")?;
    /// let nothing = Fingerprint::default().finish();
    /// store.register_fingerprint(&name, "nowhere", nothing, 0).await?;
    /// assert_eq!(store.dataset(&name, nothing).await?.source, "nowhere");
    /// # Ok(())
    /// # }
    /// ```
    #[instrument(level = "debug", skip_all, fields(dataset = %name, rows), err(level = "debug"))]
    pub async fn register_fingerprint(
        &self,
        name: &DatasetName,
        source: &str,
        fingerprint: Digest,
        rows: u64,
    ) -> Result<DatasetVersion> {
        let version = DatasetVersion {
            name: name.clone(),
            fingerprint,
            rows,
            source: source.to_owned(),
            registered_at: self.inner.now(),
        };
        let mut writing = self.inner.write().await?;
        if let Some(known) = find(&mut writing, &version.reference()).await? {
            return Ok(known);
        }
        insert(&mut writing, &version).await?;
        let event = NewEvent::new("dataset_registered", self.inner.actor.clone())
            .detail("fingerprint", fingerprint.to_string())
            .detail("rows", rows)
            .detail("source", source);
        append(
            &mut writing,
            subject::dataset(name),
            version.registered_at,
            event,
        )
        .await?;
        writing.commit().await?;
        Ok(version)
    }

    /// Every version of every dataset, by name, and within a name in the order of registration.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> mlops_core::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// let store = mlops_registry::SqliteStore::open(folder.path()).await?;
    /// assert!(store.datasets().await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the database alone.
    #[instrument(level = "debug", skip_all, err(level = "debug"))]
    pub async fn datasets(&self) -> Result<Vec<DatasetVersion>> {
        let statement = query("SELECT * FROM dataset_versions ORDER BY name, sequence");
        let rows = self.inner.read().await?.all(statement).await?;
        rows.iter().map(dataset_version).collect()
    }

    /// One version of a dataset. See [`register_fingerprint`](Self::register_fingerprint) for an
    /// example.
    ///
    /// # Errors
    /// `NotFound` if that content was never registered under that name.
    #[instrument(level = "debug", skip_all, fields(dataset = %name), err(level = "debug"))]
    pub async fn dataset(&self, name: &DatasetName, fingerprint: Digest) -> Result<DatasetVersion> {
        let reference = DatasetReference {
            name: name.clone(),
            fingerprint,
        };
        let found = find(&mut self.inner.read().await?, &reference).await?;
        found.ok_or_else(|| not_registered(&reference))
    }
}

/// `NotFound` unless the dataset was registered: lineage leads somewhere.
pub(crate) async fn check_registered(
    reading: &mut Transaction,
    reference: &DatasetReference,
) -> Result<()> {
    let found = find(reading, reference).await?;
    found.map(|_| ()).ok_or_else(|| not_registered(reference))
}

fn not_registered(reference: &DatasetReference) -> Error {
    Error::not_found("dataset", &reference.name).context("fingerprint", reference.fingerprint)
}

async fn find(
    reading: &mut Transaction,
    reference: &DatasetReference,
) -> Result<Option<DatasetVersion>> {
    let statement = query("SELECT * FROM dataset_versions WHERE name = $1 AND fingerprint = $2")
        .bind(reference.name.as_str())
        .bind(reference.fingerprint.to_string());
    let row = reading.first(statement).await?;
    row.as_ref().map(dataset_version).transpose()
}

async fn insert(writing: &mut Transaction, version: &DatasetVersion) -> Result<()> {
    let statement = query(
        "INSERT INTO dataset_versions (name, fingerprint, rows, source, registered_at)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(version.name.as_str())
    .bind(version.fingerprint.to_string())
    .bind(to_count(version.rows)?)
    .bind(&version.source)
    .bind(version.registered_at.as_microsecond());
    writing.execute(statement).await?;
    Ok(())
}

fn dataset_version(row: &Row) -> Result<DatasetVersion> {
    Ok(DatasetVersion {
        name: row.parsed("name")?,
        fingerprint: row.parsed("fingerprint")?,
        rows: row.count("rows")?,
        source: row.get("source")?,
        registered_at: row.time("registered_at")?,
    })
}

/// The reference in a row's columns `dataset` and `fingerprint`.
pub(crate) fn dataset_reference(row: &Row) -> Result<DatasetReference> {
    Ok(DatasetReference {
        name: row.parsed("dataset")?,
        fingerprint: row.parsed("fingerprint")?,
    })
}
