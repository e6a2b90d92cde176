//! A dataset is named by its content, however its rows are cut into batches.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;

use mlops_core::arrow::array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use mlops_core::arrow::compute::cast;
use mlops_core::arrow::datatypes::DataType;
use mlops_core::{DatasetName, Fingerprint};
use mlops_registry::SqliteStore;
use proptest::prelude::*;

type Row = (Option<i64>, Option<String>, Option<f64>, Option<i64>);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let text = prop::option::of("[a-zé]{0,3}");
    let number = prop::option::of(prop_oneof![any::<f64>(), Just(f64::NAN)]);
    let row = (
        prop::option::of(any::<i64>()),
        text,
        number,
        prop::option::of(any::<i64>()),
    );
    prop::collection::vec(row, 1..40)
}

fn table(rows: &[Row]) -> RecordBatch {
    let columns: [(&str, ArrayRef, bool); 4] = [
        (
            "id",
            Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>()),
            true,
        ),
        (
            "text",
            Arc::new(
                rows.iter()
                    .map(|row| row.1.clone())
                    .collect::<StringArray>(),
            ),
            true,
        ),
        (
            "value",
            Arc::new(rows.iter().map(|row| row.2).collect::<Float64Array>()),
            true,
        ),
        (
            "at",
            Arc::new(
                rows.iter()
                    .map(|row| row.3)
                    .collect::<TimestampMicrosecondArray>(),
            ),
            true,
        ),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// The same rows, in pieces that begin where told, with text in another encoding.
fn pieces(table: &RecordBatch, starts: &[prop::sample::Index]) -> Vec<RecordBatch> {
    let mut cuts: Vec<usize> = starts
        .iter()
        .map(|start| start.index(table.num_rows() + 1))
        .collect();
    cuts.extend([0, table.num_rows()]);
    cuts.sort_unstable();
    let piece = |pair: &[usize]| {
        let slice = table.slice(pair[0], pair[1] - pair[0]);
        let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let text = cast(&slice["text"], &dictionary).unwrap();
        let columns = ["id", "text", "value", "at"].map(|name| {
            let column = if name == "text" {
                text.clone()
            } else {
                slice[name].clone()
            };
            (name, column, true)
        });
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    };
    cuts.windows(2).map(piece).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn equal_rows_are_one_version_and_others_another(
        rows in rows(), starts in prop::collection::vec(any::<prop::sample::Index>(), 0..6), changed in any::<prop::sample::Index>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let store = SqliteStore::open(folder.path()).await.unwrap();
            let name = DatasetName::new("flights").unwrap();
            let whole = table(&rows);
            let version = store.register_dataset(&name, "whole", std::slice::from_ref(&whole)).await.unwrap();
            let pieces = pieces(&whole, &starts);
            assert_eq!(store.register_dataset(&name, "pieces", &pieces).await.unwrap(), version);
            assert_eq!(version.fingerprint, Fingerprint::of(&pieces).unwrap());

            let mut other = rows.clone();
            let place = changed.index(other.len());
            other[place].0 = other[place].0.map_or(Some(0), |id| Some(id.wrapping_add(1)));
            let other = store.register_dataset(&name, "other", &[table(&other)]).await.unwrap();
            assert_ne!(other.fingerprint, version.fingerprint);
            assert_eq!(store.datasets().await.unwrap(), [version, other]);
        });
    }
}
