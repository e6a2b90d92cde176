//! The point-in-time join of 336,776 flights with 26,115 rows of weather, beside what one would write
//! by hand: a map from origin to rows sorted by time, and a binary search per flight.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Duration;

use arrow::array::{AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::TimestampMicrosecondType;
use criterion::{Criterion, criterion_group, criterion_main};
use mlops_benches::{departures, weather, weather_view};
use mlops_registry::features::{AsOfTable, join_as_of};

fn by_hand(flights: &RecordBatch, weather: &RecordBatch) -> RecordBatch {
    let origin = weather["origin"].as_string::<i64>();
    let known = weather["known_at"].as_primitive::<TimestampMicrosecondType>();
    let mut index: HashMap<&str, Vec<(i64, u32)>> = HashMap::new();
    for row in 0..weather.num_rows() {
        let rows = index.entry(origin.value(row)).or_default();
        rows.push((known.value(row), row as u32));
    }
    index.values_mut().for_each(|rows| rows.sort());
    let origin = flights["origin"].as_string::<i64>();
    let departs = flights["departs"].as_primitive::<TimestampMicrosecondType>();
    let ttl = 6 * 3_600_000_000;
    let newest = (0..flights.num_rows()).map(|row| {
        let (rows, t) = (index.get(origin.value(row))?, departs.value(row));
        let (time, newest) = rows[..rows.partition_point(|(time, _)| *time <= t)].last()?;
        (*time >= t - ttl).then_some(*newest)
    });
    let newest: UInt32Array = newest.collect();
    take_record_batch(&weather.project(&[2, 3, 4, 5, 6]).unwrap(), &newest).unwrap()
}

fn join(criterion: &mut Criterion) {
    let (flights, weather) = (departures().unwrap(), weather().unwrap());
    let (view, request) = weather_view().unwrap();
    let ours = || {
        let table = AsOfTable::of(view.clone(), std::slice::from_ref(&weather)).unwrap();
        join_as_of(&flights, "departs", [(&table, &request)]).unwrap()
    };
    // The same answer, or the comparison means nothing.
    for name in mlops_benches::WEATHER {
        assert_eq!(*ours()[name], *by_hand(&flights, &weather)[name]);
    }
    let mut group = criterion.benchmark_group("point-in-time join");
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(5));
    group.bench_function("ours", |bencher| bencher.iter(|| black_box(ours())));
    group.bench_function("by hand", |bencher| {
        bencher.iter(|| black_box(by_hand(&flights, &weather)));
    });
    group.finish();
}

criterion_group!(benches, join);
criterion_main!(benches);
