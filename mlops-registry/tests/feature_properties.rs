//! The indexed join and the online table against the reference in memory, which is nested loops.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;
use std::time::Duration;

use mlops_core::arrow::array::{
    Array, ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use mlops_core::arrow::compute::cast;
use mlops_core::arrow::datatypes::{DataType, TimeUnit};
use mlops_core::memory::MemoryFeatureStore;
use mlops_core::{
    FeatureRequest, FeatureStore, FeatureView, FeatureViewName, OnlineReader, Timestamp,
};
use mlops_registry::features::{AsOfTable, ParquetFeatureStore, join_as_of};
use proptest::prelude::*;

/// Two parts of a key, a time in seconds, a value.
type Row = (Option<i64>, Option<&'static str>, Option<i64>, Option<i64>);

#[derive(Clone, Debug)]
enum Step {
    Push(Vec<Row>),
    Materialize(i64),
    Read(Vec<Row>, i64),
}

fn row() -> impl Strategy<Value = Row> {
    let part = prop_oneof![Just(None), Just(Some("")), Just(Some("a")), Just(Some("é"))];
    let known = prop_oneof![1 => Just(None), 9 => (-3_i64..30).prop_map(Some)];
    (
        prop::option::weighted(0.9, -2_i64..3),
        part,
        known,
        prop::option::of(any::<i64>()),
    )
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec(row(), 0..12)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        rows().prop_map(Step::Push),
        (-5_i64..35).prop_map(Step::Materialize),
        (rows(), -5_i64..35).prop_map(|(rows, at)| Step::Read(rows, at)),
    ]
}

/// Static, for ever, or with a time to live in seconds.
fn view() -> impl Strategy<Value = FeatureView> {
    let name = FeatureViewName::new("v").unwrap();
    let fixed = FeatureView::new(name, ["id", "part"], ["value"]);
    let timed = fixed.clone().with_event_time("known_at");
    let ttl = timed.clone();
    prop_oneof![
        Just(fixed),
        Just(timed),
        (1_u64..20).prop_map(move |seconds| ttl.clone().with_ttl(Duration::from_secs(seconds))),
    ]
}

fn unit() -> impl Strategy<Value = TimeUnit> {
    prop_oneof![
        Just(TimeUnit::Second),
        Just(TimeUnit::Millisecond),
        Just(TimeUnit::Microsecond),
        Just(TimeUnit::Nanosecond),
    ]
}

const SECOND: i64 = 1_000_000;

fn times(rows: &[Row], missing: Option<i64>) -> ArrayRef {
    let micros = rows
        .iter()
        .map(|row| row.2.or(missing).map(|second| second * SECOND));
    Arc::new(
        micros
            .collect::<TimestampMicrosecondArray>()
            .with_timezone("UTC"),
    )
}

/// Rows of the view, in 64-bit integers and text, with times of this unit.
fn feature_rows(rows: &[Row], unit: TimeUnit) -> RecordBatch {
    let kind = DataType::Timestamp(unit, Some("+02:00".into()));
    RecordBatch::try_from_iter_with_nullable([
        (
            "ignored",
            Arc::new(Int32Array::from(vec![0; rows.len()])) as ArrayRef,
            true,
        ),
        (
            "id",
            Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>()),
            true,
        ),
        (
            "part",
            Arc::new(rows.iter().map(|row| row.1).collect::<StringArray>()),
            true,
        ),
        ("known_at", cast(&times(rows, None), &kind).unwrap(), true),
        (
            "value",
            Arc::new(rows.iter().map(|row| row.3).collect::<Int64Array>()),
            true,
        ),
    ])
    .unwrap()
}

/// Entity rows, in other encodings and under other names.
fn entity_rows(rows: &[Row]) -> RecordBatch {
    let dictionary = DataType::Dictionary(Box::new(DataType::Int16), Box::new(DataType::LargeUtf8));
    let id: ArrayRef = Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>());
    let part: ArrayRef = Arc::new(rows.iter().map(|row| row.1).collect::<StringArray>());
    RecordBatch::try_from_iter_with_nullable([
        ("station", cast(&id, &DataType::Int8).unwrap(), true),
        ("part", cast(&part, &dictionary).unwrap(), true),
        ("t", times(rows, Some(7)), true),
    ])
    .unwrap()
}

fn request(view: &FeatureView) -> FeatureRequest {
    FeatureRequest::new(view.name.clone(), ["value"]).keyed_by([("id", "station")])
}

/// Values, also of a column whose type nothing has fixed yet.
fn values(table: &RecordBatch) -> ArrayRef {
    let column = table.column_by_name("value").unwrap();
    if column.data_type() == &DataType::Null {
        return cast(column, &DataType::Int64).unwrap();
    }
    column.clone()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

async fn both(
    view: &FeatureView,
    folder: &tempfile::TempDir,
) -> (MemoryFeatureStore, ParquetFeatureStore) {
    let reference = MemoryFeatureStore::new();
    reference.register_view(view.clone()).await.unwrap();
    let store = ParquetFeatureStore::open(folder.path()).await.unwrap();
    store.register_view(view.clone()).await.unwrap();
    (reference, store)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// However rows are cut into pushes, and whatever the unit of their times.
    #[test]
    fn the_kernel_equals_nested_loops(
        view in view(), unit in unit(), pushes in prop::collection::vec(rows(), 0..5), asked in rows(),
    ) {
        block_on(async {
            let reference = MemoryFeatureStore::new();
            reference.register_view(view.clone()).await.unwrap();
            let mut table = AsOfTable::new(view.clone()).unwrap();
            for rows in &pushes {
                reference.push(&view.name, &feature_rows(rows, unit)).await.unwrap();
                table.extend(&feature_rows(rows, unit)).unwrap();
            }
            let (asked, request) = (entity_rows(&asked), request(&view));
            let want = reference.join(&asked, "t", std::slice::from_ref(&request)).await.unwrap();
            let got = join_as_of(&asked, "t", [(&table, &request)]).unwrap();
            assert_eq!(got.columns()[..3], *asked.columns(), "every entity row once, in order");
            assert_eq!(got.num_columns(), 4);
            assert_eq!(&values(&got), &values(&want));
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// In any order of pushes, materializations and reads, late rows and earlier moments included.
    #[test]
    fn the_online_table_equals_the_reference(
        view in view(), unit in unit(), steps in prop::collection::vec(step(), 1..16),
    ) {
        block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let (reference, store) = both(&view, &folder).await;
            for step in &steps {
                match step {
                    Step::Push(rows) => {
                        reference.push(&view.name, &feature_rows(rows, unit)).await.unwrap();
                        store.push(&view.name, &feature_rows(rows, unit)).await.unwrap();
                    }
                    Step::Materialize(until) => {
                        let until = Timestamp::from_second(*until).unwrap();
                        reference.materialize(&view.name, until).await.unwrap();
                        store.materialize(&view.name, until).await.unwrap();
                    }
                    Step::Read(asked, at) => {
                        let at = Timestamp::from_second(*at).unwrap();
                        let want = reference.read(&entity_rows(asked), at, &[request(&view)]);
                        let got = store.read(&entity_rows(asked), at, &[request(&view)]);
                        assert_eq!(&values(&got.unwrap()), &values(&want.unwrap()));
                    }
                }
            }
        });
    }

    /// What `read` gives after `materialize(t)` is what `join` gives at t, for growing t.
    #[test]
    fn online_equals_offline(
        view in view(), unit in unit(), pushed in rows(), mut moments in prop::collection::vec(-5_i64..35, 1..8), asked in rows(),
    ) {
        moments.sort_unstable();
        block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let (_, store) = both(&view, &folder).await;
            store.push(&view.name, &feature_rows(&pushed, unit)).await.unwrap();
            for moment in moments {
                let at = Timestamp::from_second(moment).unwrap();
                store.materialize(&view.name, at).await.unwrap();
                let now: Vec<Row> = asked.iter().map(|row| (row.0, row.1, Some(moment), None)).collect();
                let table = entity_rows(&now);
                let online = store.read(&table, at, &[request(&view)]).unwrap();
                let offline = store.join(&table, "t", &[request(&view)]).await.unwrap();
                assert_eq!(online.num_columns(), 1);
                assert_eq!(values(&online).to_data(), values(&offline).to_data());
            }
        });
    }
}
