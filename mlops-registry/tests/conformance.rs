//! The suites of mlops-core, run against what this crate implements.
#![allow(clippy::unwrap_used, missing_docs)]

use mlops_core::conformance;
use mlops_registry::features::ParquetFeatureStore;

#[cfg(feature = "sqlite")]
mod sqlite {
    use super::*;
    use mlops_registry::SqliteStore;

    async fn store(folder: &tempfile::TempDir) -> SqliteStore {
        SqliteStore::open(folder.path()).await.unwrap()
    }

    #[tokio::test]
    async fn tracker() {
        let folder = tempfile::tempdir().unwrap();
        conformance::tracker(&store(&folder).await).await;
    }

    #[tokio::test]
    async fn model_registry() {
        let folder = tempfile::tempdir().unwrap();
        conformance::model_registry(&store(&folder).await).await;
    }

    #[tokio::test]
    async fn decision_store() {
        let folder = tempfile::tempdir().unwrap();
        conformance::decision_store(&store(&folder).await).await;
    }
}

#[tokio::test]
async fn feature_store() {
    let folder = tempfile::tempdir().unwrap();
    conformance::feature_store(&ParquetFeatureStore::open(folder.path()).await.unwrap()).await;
}

#[tokio::test]
async fn online_equals_offline() {
    let folder = tempfile::tempdir().unwrap();
    let store = ParquetFeatureStore::open(folder.path()).await.unwrap();
    conformance::online_equals_offline(&store).await;
}
