//! The join, and the reader online, against cases whose expected results come from naive loops that
//! were compared with Feast: `oracle/README.md` says what they hold it to. `MLOPS_ORACLE_CASES` may
//! name a folder with more.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mlops_core::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use mlops_core::arrow::compute::{cast, concat_batches, take_record_batch};
use mlops_core::arrow::datatypes::{DataType, Int64Type, TimeUnit};
use mlops_core::{
    ErrorKind, FeatureRequest, FeatureStore, FeatureView, FeatureViewName, OnlineReader, Timestamp,
};
use mlops_registry::features::ParquetFeatureStore;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

#[tokio::test]
async fn every_case_within_the_contract_gives_the_expected_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle");
    let more = std::env::var_os("MLOPS_ORACLE_CASES").map(PathBuf::from);
    let mut ran = 0;
    for case in cases(&folder).chain(more.iter().flat_map(|folder| cases(folder))) {
        let spec: Value =
            serde_json::from_reader(File::open(case.join("spec.json")).unwrap()).unwrap();
        if let Some(why) = beyond_the_contract(&spec) {
            eprintln!("skipped {}: {why}", case.display());
            continue;
        }
        for pushes in [1, 3] {
            check(&case, &spec, pushes).await;
        }
        ran += 1;
    }
    assert!(ran >= 33, "only {ran} cases ran");
}

fn cases(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("spec.json").exists())
        .collect();
    cases.sort();
    cases.into_iter()
}

fn beyond_the_contract(spec: &Value) -> Option<&'static str> {
    if spec["kind"] != "pit_join" {
        return Some("windows are not part of the trait");
    }
    let filters = spec["filter_by_created_timestamp"].as_bool().unwrap();
    filters.then_some("rows hidden until a second, created time are not part of the trait")
}

/// A created time that only breaks ties: it is the order in which the rows were pushed.
fn in_order_of_pushing(rows: RecordBatch, view: &Value) -> RecordBatch {
    let Some(created) = view["created_timestamp_field"].as_str() else {
        return rows;
    };
    let created = cast(&rows[created], &DataType::Int64).unwrap();
    let created = created.as_primitive::<Int64Type>();
    let mut order: Vec<u32> = (0..rows.num_rows() as u32).collect();
    // Stable, and a null loses.
    order.sort_by_key(|row| {
        let row = *row as usize;
        created.is_valid(row).then(|| created.value(row))
    });
    take_record_batch(&rows, &UInt32Array::from(order)).unwrap()
}

async fn check(case: &Path, spec: &Value, pushes: usize) {
    let folder = tempfile::tempdir().unwrap();
    let store = ParquetFeatureStore::open(folder.path()).await.unwrap();
    let requests = fill(&store, case, spec, pushes).await;
    let entities = read(&case.join(spec["entity"]["path"].as_str().unwrap()));
    let time = spec["entity"]["event_timestamp"].as_str().unwrap();
    let joined = store.join(&entities, time, &requests).await;
    if let Some(code) = spec["expected_error"].as_str() {
        assert!(["feature_name_collision", "missing_entity_column"].contains(&code));
        let error = joined.unwrap_err();
        let kind = ErrorKind::SignatureMismatch;
        assert_eq!(error.kind(), kind, "{}: {error}", case.display());
        return;
    }
    let expected = read(&case.join(spec["expected"].as_str().unwrap()));
    let joined = joined.unwrap();
    let given = &joined.columns()[..entities.num_columns()];
    assert_eq!(given, entities.columns(), "every entity row once, in order");
    assert_equal(&joined, &expected, case);
    check_online(&store, &requests, (&entities, time), &expected, case).await;
}

fn assert_equal(got: &RecordBatch, expected: &RecordBatch, case: &Path) {
    let names = |table: &RecordBatch| -> Vec<String> {
        let schema = table.schema();
        let fields = schema.fields().iter();
        fields.map(|field| field.name().clone()).collect()
    };
    let case = case.display();
    assert_eq!(names(got), names(expected), "{case}");
    assert_eq!(got.num_rows(), expected.num_rows(), "{case}");
    for (name, expected) in names(expected).iter().zip(expected.columns()) {
        let got = cast(&got[name.as_str()], expected.data_type()).unwrap();
        assert_eq!(&got, expected, "{case}: {name}");
    }
}

/// As time passes, the reader gives each entity row what the join gave it.
async fn check_online(
    store: &ParquetFeatureStore,
    requests: &[FeatureRequest],
    (entities, time): (&RecordBatch, &str),
    expected: &RecordBatch,
    case: &Path,
) {
    let places: Vec<usize> = (entities.num_columns()..expected.num_columns()).collect();
    let expected = expected.project(&places).unwrap();
    for (micros, rows) in rows_by_time(&entities[time]) {
        let now = Timestamp::from_microsecond(micros).unwrap();
        for request in requests {
            store.materialize(&request.view, now).await.unwrap();
        }
        let asked = take_record_batch(entities, &rows).unwrap();
        let got = store.read(&asked, now, requests).unwrap();
        assert_equal(&got, &take_record_batch(&expected, &rows).unwrap(), case);
    }
}

/// In microseconds, with the rows of that time.
fn rows_by_time(times: &ArrayRef) -> BTreeMap<i64, UInt32Array> {
    let DataType::Timestamp(_, zone) = times.data_type() else {
        panic!("{} is no timestamp", times.data_type());
    };
    let micros = DataType::Timestamp(TimeUnit::Microsecond, zone.clone());
    let micros = cast(&cast(times, &micros).unwrap(), &DataType::Int64).unwrap();
    let mut rows: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
    for (row, micros) in (0..).zip(micros.as_primitive::<Int64Type>().values()) {
        rows.entry(*micros).or_default().push(row);
    }
    rows.into_iter()
        .map(|(micros, rows)| (micros, rows.into()))
        .collect()
}

/// Registers the views of a case and pushes their rows in so many pieces.
async fn fill(
    store: &ParquetFeatureStore,
    case: &Path,
    spec: &Value,
    pushes: usize,
) -> Vec<FeatureRequest> {
    let mut requests = Vec::new();
    for (index, view) in spec["feature_views"].as_array().unwrap().iter().enumerate() {
        let name = FeatureViewName::new(format!("view {index}")).unwrap();
        let definition = definition(&name, view);
        store.register_view(definition.clone()).await.unwrap();
        let rows = read(&case.join(view["table"].as_str().unwrap()));
        let rows = in_order_of_pushing(rows, view);
        let step = rows.num_rows().div_ceil(pushes).max(1);
        for start in (0..rows.num_rows().max(1)).step_by(step) {
            let length = step.min(rows.num_rows() - start);
            store.push(&name, &rows.slice(start, length)).await.unwrap();
        }
        let full = spec["full_feature_names"].as_bool().unwrap();
        requests.push(request(&definition, view, full));
    }
    requests
}

fn definition(name: &FeatureViewName, view: &Value) -> FeatureView {
    let keys = pairs(view).into_iter().map(|(key, _)| key);
    let definition = FeatureView::new(name.clone(), keys, texts(&view["features"]))
        .with_event_time(view["timestamp_field"].as_str().unwrap());
    match view["ttl_us"].as_u64() {
        None | Some(0) => definition,
        Some(ttl) => definition.with_ttl(Duration::from_micros(ttl)),
    }
}

fn request(definition: &FeatureView, view: &Value, full_names: bool) -> FeatureRequest {
    let shown = view["alias"].as_str().or(view["name"].as_str()).unwrap();
    let request = FeatureRequest::new(definition.name.clone(), definition.features.clone())
        .keyed_by(pairs(view));
    if full_names {
        request.prefixed(format!("{shown}__"))
    } else {
        request
    }
}

fn pairs(view: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let keys = view["join_keys"].as_array().unwrap().iter();
    keys.map(|key| (text(&key["table_column"]), text(&key["entity_column"])))
        .collect()
}

fn texts(values: &Value) -> Vec<String> {
    let values = values.as_array().unwrap().iter();
    values
        .map(|value| value.as_str().unwrap().to_owned())
        .collect()
}

fn read(path: &Path) -> RecordBatch {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let schema = builder.schema().clone();
    let batches: Vec<RecordBatch> = builder
        .build()
        .unwrap()
        .map(|batch| batch.unwrap())
        .collect();
    concat_batches(&schema, &batches).unwrap()
}
