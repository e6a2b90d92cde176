use std::sync::Arc;
use std::time::Duration;

use arrow::array::{
    Array, ArrayRef, AsArray, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, TimestampMillisecondArray,
};
use arrow::datatypes::Int64Type;

use super::refused;
use crate::{
    ErrorKind, FeatureRequest, FeatureStore, FeatureView, FeatureViewName, OnlineReader, Timestamp,
};

/// Checks [`FeatureStore`]'s contract on an empty store.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// mlops_core::conformance::feature_store(&mlops_core::memory::MemoryFeatureStore::new()).await;
/// # }
/// ```
pub async fn feature_store(store: &dyn FeatureStore) {
    let weather = view("weather")
        .with_event_time("known_at")
        .with_ttl(Duration::from_micros(10));
    definitions_are_kept(store, &weather).await;

    let name = &weather.name;
    store
        .push(
            name,
            &rows(&[(Some(1), Some(100), 10), (Some(1), Some(105), 11)]),
        )
        .await
        .expect("push");
    store
        .push(
            name,
            &rows(&[
                (Some(1), Some(105), 12),
                (Some(2), Some(50), 20),
                (None, Some(100), 30),
                (Some(1), None, 40),
            ]),
        )
        .await
        .expect("push");
    the_newest_known_row_counts(store, name).await;
    every_entity_row_comes_out_once(store, name).await;
    keys_compare_by_value(store, name).await;
    static_rows_were_always_known(store).await;
    bad_requests_are_refused(store, name).await;
}

fn view(name: &str) -> FeatureView {
    FeatureView::new(
        FeatureViewName::new(name).expect("a valid name"),
        ["id"],
        ["value"],
    )
}

fn request(name: &FeatureViewName) -> FeatureRequest {
    FeatureRequest::new(name.clone(), ["value"])
}

/// Rows of a view: key, time known in microseconds, value.
fn rows(rows: &[(Option<i64>, Option<i64>, i64)]) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable([
        (
            "id",
            Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>()) as ArrayRef,
            true,
        ),
        (
            "known_at",
            Arc::new(
                rows.iter()
                    .map(|row| row.1)
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            ) as _,
            true,
        ),
        (
            "value",
            Arc::new(rows.iter().map(|row| row.2).collect::<Int64Array>()) as _,
            true,
        ),
    ])
    .expect("a table")
}

/// Entity rows: key, and time in microseconds.
fn entities(rows: &[(Option<i64>, i64)]) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable([
        (
            "id",
            Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>()) as ArrayRef,
            true,
        ),
        (
            "t",
            Arc::new(
                rows.iter()
                    .map(|row| Some(row.1))
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            ) as _,
            true,
        ),
    ])
    .expect("a table")
}

fn values(table: &RecordBatch, column: &str) -> Vec<Option<i64>> {
    let column = table.column_by_name(column).expect("the column");
    if column.logical_null_count() == column.len() {
        return vec![None; column.len()];
    }
    column.as_primitive::<Int64Type>().iter().collect()
}

async fn definitions_are_kept(store: &dyn FeatureStore, weather: &FeatureView) {
    refused(
        store.view(&weather.name).await,
        ErrorKind::NotFound,
        "an unknown view is not found",
    );
    refused(
        store.push(&weather.name, &rows(&[])).await,
        ErrorKind::NotFound,
        "rows need their view",
    );
    store
        .register_view(weather.clone())
        .await
        .expect("register");
    store
        .register_view(weather.clone())
        .await
        .expect("the same again is fine");
    assert_eq!(store.view(&weather.name).await.expect("view"), *weather);
    refused(
        store.register_view(view("weather")).await,
        ErrorKind::AlreadyExists,
        "a view's definition does not change",
    );
    refused(
        store
            .register_view(view("bad").with_ttl(Duration::ZERO))
            .await,
        ErrorKind::InvalidArgument,
        "a view is checked",
    );
    let joined = store
        .join(&entities(&[(Some(1), 5)]), "t", &[request(&weather.name)])
        .await;
    let joined = joined.expect("a view without rows joins as null");
    assert_eq!(values(&joined, "value"), [None]);
}

async fn the_newest_known_row_counts(store: &dyn FeatureStore, name: &FeatureViewName) {
    let cases = [
        (Some(1), 99, None, "nothing is known before the first row"),
        (
            Some(1),
            100,
            Some(10),
            "a row is known at its event time, inclusive",
        ),
        (Some(1), 104, Some(10), "a later row is not known yet"),
        (
            Some(1),
            105,
            Some(12),
            "of equal event times the one pushed last counts",
        ),
        (Some(1), 115, Some(12), "the ttl is inclusive"),
        (
            Some(1),
            116,
            None,
            "an expired row is null, and nothing older takes its place",
        ),
        (Some(2), 55, Some(20), "keys do not mix"),
        (Some(3), 100, None, "an unknown key is null"),
        (None, 100, None, "a null never matches"),
    ];
    let asked: Vec<(Option<i64>, i64)> = cases.iter().map(|case| (case.0, case.1)).collect();
    let joined = store
        .join(&entities(&asked), "t", &[request(name)])
        .await
        .expect("join");
    for ((_, time, want, promise), got) in cases.into_iter().zip(values(&joined, "value")) {
        assert_eq!(got, want, "at {time}: {promise}");
    }
}

async fn every_entity_row_comes_out_once(store: &dyn FeatureStore, name: &FeatureViewName) {
    let table = entities(&[
        (Some(2), 55),
        (Some(1), 104),
        (Some(1), 104),
        (None, 0),
        (Some(2), 50),
    ]);
    let twice = [request(name), request(name).prefixed("again_")];
    let joined = store.join(&table, "t", &twice).await.expect("join");
    assert_eq!(
        joined.num_rows(),
        5,
        "every entity row comes out exactly once"
    );
    assert_eq!(
        joined.column(0),
        table.column(0),
        "in order, with its columns"
    );
    assert_eq!(
        joined.column(1),
        table.column(1),
        "in order, with its columns"
    );
    let wanted = [Some(20), Some(10), Some(10), None, Some(20)];
    assert_eq!(values(&joined, "value"), wanted);
    assert_eq!(
        values(&joined, "again_value"),
        wanted,
        "a view can be asked twice"
    );
    let none = store
        .join(&entities(&[]), "t", &[request(name)])
        .await
        .expect("join");
    assert_eq!(none.num_rows(), 0);
}

async fn keys_compare_by_value(store: &dyn FeatureStore, name: &FeatureViewName) {
    let narrow = RecordBatch::try_from_iter([
        ("station", Arc::new(Int32Array::from(vec![2])) as ArrayRef),
        ("t", Arc::new(TimestampMillisecondArray::from(vec![0])) as _),
        (
            "t_later",
            Arc::new(TimestampMicrosecondArray::from(vec![51])) as _,
        ),
    ])
    .expect("a table");
    let keyed = request(name).keyed_by([("id", "station")]);
    let joined = store
        .join(&narrow, "t_later", std::slice::from_ref(&keyed))
        .await
        .expect("join");
    assert_eq!(
        values(&joined, "value"),
        [Some(20)],
        "widths and names of keys may differ, naive times are UTC"
    );
    let early = store.join(&narrow, "t", &[keyed]).await.expect("join");
    assert_eq!(values(&early, "value"), [None], "units of time may differ");
}

async fn static_rows_were_always_known(store: &dyn FeatureStore) {
    let planes = view("planes");
    store.register_view(planes.clone()).await.expect("register");
    store
        .push(
            &planes.name,
            &rows(&[(Some(7), None, 1), (Some(7), None, 2)]),
        )
        .await
        .expect("push");
    let joined = store
        .join(
            &entities(&[(Some(7), i64::MIN / 2)]),
            "t",
            &[request(&planes.name)],
        )
        .await;
    assert_eq!(values(&joined.expect("join"), "value"), [Some(2)]);
}

async fn bad_requests_are_refused(store: &dyn FeatureStore, name: &FeatureViewName) {
    let table = entities(&[(Some(1), 104)]);
    let unknown = request(&FeatureViewName::new("unknown").expect("a valid name"));
    refused(
        store.join(&table, "t", &[unknown]).await,
        ErrorKind::NotFound,
        "an unknown view",
    );
    let mismatch = ErrorKind::SignatureMismatch;
    refused(
        store.join(&table, "none", &[request(name)]).await,
        mismatch,
        "a missing time column",
    );
    refused(
        store.join(&table, "id", &[request(name)]).await,
        mismatch,
        "a time column that is none",
    );
    let twice = [request(name), request(name)];
    refused(
        store.join(&table, "t", &twice).await,
        mismatch,
        "two results of one name",
    );
    let feature = FeatureRequest::new(name.clone(), ["none"]);
    refused(
        store.join(&table, "t", &[feature]).await,
        mismatch,
        "an unknown feature",
    );
    let keyed = request(name).keyed_by([("id", "none")]);
    refused(
        store.join(&table, "t", &[keyed]).await,
        mismatch,
        "a missing key column",
    );
    let timeless = RecordBatch::try_from_iter_with_nullable([
        ("id", Arc::new(Int64Array::from(vec![1])) as ArrayRef, true),
        (
            "t",
            Arc::new(TimestampMicrosecondArray::from(vec![None])) as _,
            true,
        ),
    ])
    .expect("a table");
    refused(
        store.join(&timeless, "t", &[request(name)]).await,
        ErrorKind::InvalidArgument,
        "an entity row without a time",
    );
    let narrow =
        RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]);
    refused(
        store.push(name, &narrow.expect("a table")).await,
        mismatch,
        "a push without the view's columns",
    );
    let other_type = RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from(vec![1])) as ArrayRef),
        (
            "known_at",
            Arc::new(TimestampMicrosecondArray::from(vec![1]).with_timezone("UTC")) as _,
        ),
        ("value", Arc::new(StringArray::from(vec!["x"])) as _),
    ]);
    refused(
        store.push(name, &other_type.expect("a table")).await,
        mismatch,
        "a column of another type",
    );
}

/// Checks that a store's [`OnlineReader`] gives what its offline join gives, over 500 moments of a
/// history of 60 rows, on an empty store.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// mlops_core::conformance::online_equals_offline(&mlops_core::memory::MemoryFeatureStore::new()).await;
/// # }
/// ```
pub async fn online_equals_offline<S: FeatureStore + OnlineReader>(store: &S) {
    let history = view("history")
        .with_event_time("known_at")
        .with_ttl(Duration::from_micros(30));
    store
        .register_view(history.clone())
        .await
        .expect("register");
    // Keys 0 to 3 and times up to 490, in an order that is not sorted.
    let pushed: Vec<(Option<i64>, Option<i64>, i64)> = (0..60)
        .map(|i: i64| (Some(i * 7 % 4), Some(i * 37 % 491), i))
        .collect();
    store
        .push(&history.name, &rows(&pushed))
        .await
        .expect("push");
    for now in 0..500 {
        let at = Timestamp::from_microsecond(now).expect("a time");
        store
            .materialize(&history.name, at)
            .await
            .expect("materialize");
        let table = entities(&[
            (Some(0), now),
            (Some(1), now),
            (None, now),
            (Some(3), now),
            (Some(9), now),
        ]);
        let asked = [request(&history.name)];
        let offline = store.join(&table, "t", &asked).await.expect("join");
        let online = store.read(&table, at, &asked).expect("read");
        assert_eq!(
            online.num_columns(),
            1,
            "online gives the requested columns alone"
        );
        assert_eq!(
            values(&online, "value"),
            values(&offline, "value"),
            "online equals offline at {now}"
        );
    }
}
