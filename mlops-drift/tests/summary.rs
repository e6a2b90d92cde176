//! Summaries: exact figures equal naive ones in any partition, sketches keep their bounds, saved ones are read again.
#![cfg(feature = "sketch")]
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int32Array, Int64Array, ListArray,
    RecordBatch, StringArray, TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::{Float64Type, Int32Type, SchemaRef};
use mlops_core::ErrorKind;
use mlops_drift::profile::{SketchedProfile, TableProfile};
use mlops_drift::summary::{Quantiles, TableSummary};
use mlops_drift::table::{Chunks, Table};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Numbers with all that can be wrong with them, and labels of which few are frequent.
fn table(rows: usize, seed: u64) -> RecordBatch {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let numbers: Float64Array = (0..rows)
        .map(|_| match rng.random_range(0..40) {
            0 => None,
            1 => Some(f64::NAN),
            2 => Some(f64::INFINITY),
            3 => Some(f64::NEG_INFINITY),
            _ => Some(-rng.random_range(0.0..1.0_f64).ln()),
        })
        .collect();
    let labels: StringArray = (0..rows)
        .map(|_| {
            let rank = (1.0 / (1.0 - rng.random_range(0.0..1.0_f64))).min(1e5) as u32; // a heavy tail
            (rng.random_range(0..30) > 0).then(|| format!("label {rank}"))
        })
        .collect();
    RecordBatch::try_from_iter([
        ("number", Arc::new(numbers) as ArrayRef),
        ("label", Arc::new(labels) as ArrayRef),
    ])
    .unwrap()
}

#[test]
fn any_partition_gives_the_same_exact_figures_and_sketches_within_their_bounds() {
    const ROWS: usize = 60_000;
    let rows = table(ROWS, 1);
    let numbers = rows.column(0).as_primitive::<Float64Type>();
    let mut finite: Vec<f64> = numbers.iter().flatten().filter(|x| x.is_finite()).collect();
    finite.sort_unstable_by(f64::total_cmp);
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for label in rows.column(1).as_string::<i32>().iter().flatten() {
        *counts.entry(label).or_default() += 1;
    }
    let mut merged = TableSummary::of(&rows.slice(40_000, 20_000)).unwrap();
    for (start, length) in [(0, 1), (1, 9_999), (10_000, 30_000)] {
        merged
            .merge(&TableSummary::of(&rows.slice(start, length)).unwrap())
            .unwrap();
    }
    let parts: Vec<RecordBatch> = (0..6).map(|i| rows.slice(i * 10_000, 10_000)).collect();
    for summary in [
        TableSummary::of(&rows).unwrap(),
        TableSummary::of(&parts).unwrap(),
        merged,
    ] {
        assert_eq!(summary.rows(), ROWS as u64);
        let x = summary.column("number").unwrap();
        assert_eq!(
            (x.rows(), x.nulls()),
            (ROWS as u64, numbers.null_count() as u64)
        );
        let count =
            |is: fn(f64) -> bool| numbers.iter().flatten().filter(|&x| is(x)).count() as u64;
        assert_eq!(x.nans(), count(f64::is_nan));
        assert_eq!(
            x.infinite(),
            [
                count(|x| x == f64::NEG_INFINITY),
                count(|x| x == f64::INFINITY)
            ]
        );
        assert_eq!(x.moments().count(), finite.len() as u64);
        assert_eq!(x.moments().greatest(), finite.last().copied());
        let mean = finite.iter().sum::<f64>() / finite.len() as f64;
        assert!((x.moments().mean().unwrap() / mean - 1.0).abs() < 1e-12);
        // Ten times the error measured by others for this law and compression.
        for share in [0.001, 0.01, 0.25, 0.5, 0.75, 0.99, 0.999] {
            let value = x.quantiles().quantile(share).unwrap().unwrap();
            let rank = finite.partition_point(|&other| other < value) as f64 / finite.len() as f64;
            assert!((rank - share).abs() < 0.005, "{share}: {rank}");
        }
        let distinct = finite.len() as f64; // floats of a smooth law: ties are improbable
        // Five standard errors of 1/√4096.
        assert!((x.distinct().unwrap().estimate() / distinct - 1.0).abs() < 5.0 / 64.0);
        let labels = summary.column("label").unwrap();
        let known = counts.keys().collect::<BTreeSet<_>>().len() as f64;
        assert!((labels.distinct().unwrap().estimate() / known - 1.0).abs() < 5.0 / 64.0);
        assert_eq!(labels.frequent().values(), counts.values().sum::<u64>());
        let width = 3.5 / 1024.0 * labels.frequent().values() as f64;
        for (label, &count) in &counts {
            let [low, high] = labels.frequent().count(label);
            assert!(
                low <= count && count <= high && (high - low) as f64 <= width,
                "{label}"
            );
        }
        let top: Vec<String> = labels
            .frequent()
            .top(3)
            .into_iter()
            .map(|top| top.label)
            .collect();
        assert_eq!(top, ["label 1", "label 2", "label 3"]);
    }
}

#[test]
fn a_saved_summary_says_the_same_and_nothing_else_passes_for_one() {
    let summary = TableSummary::of(&table(5_000, 2)).unwrap();
    let text = serde_json::to_string(&summary).unwrap();
    let read: TableSummary = serde_json::from_str(&text).unwrap();
    for (column, of_read) in summary.columns().iter().zip(read.columns()) {
        assert_eq!(
            (column.moments(), column.nulls()),
            (of_read.moments(), of_read.nulls())
        );
        assert_eq!(
            column.quantiles().quantile(0.3).unwrap(),
            of_read.quantiles().quantile(0.3).unwrap()
        );
        assert_eq!(
            column.distinct().unwrap().estimate(),
            of_read.distinct().unwrap().estimate()
        );
        assert_eq!(column.frequent().top(1_000), of_read.frequent().top(1_000));
    }
    let mut merged = read;
    merged.merge(&summary).unwrap();
    assert_eq!(
        merged.column("number").unwrap().moments().count(),
        2 * summary.column("number").unwrap().moments().count()
    );
    assert!(
        serde_json::from_str::<TableSummary>(&text.replace("\"quantiles\":[", "\"quantiles\":[9,"))
            .is_err()
    );
    assert!(serde_json::from_str::<TableSummary>("{}").is_err());
}

/// Written by version 1 of the format, which stays readable, and says the same.
#[test]
fn the_first_version_stays_readable() {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/summary-v1.mlsm");
    let summary = TableSummary::of(&table(900, 5)).unwrap();
    if std::env::var_os("MLOPS_WRITE_FIXTURES").is_some() {
        std::fs::write(&path, summary.to_bytes().unwrap()).unwrap();
    }
    let bytes = std::fs::read(&path).unwrap();
    let mut old = TableSummary::from_bytes(&bytes).unwrap();
    for (column, of_old) in summary.columns().iter().zip(old.columns()) {
        assert_eq!(
            (column.rows(), column.nulls()),
            (of_old.rows(), of_old.nulls())
        );
        assert_eq!(column.moments().count(), of_old.moments().count());
        let distinct =
            |column: &mlops_drift::summary::ColumnSummary| column.distinct().unwrap().estimate();
        assert_eq!(distinct(column), distinct(of_old));
        assert_eq!(column.frequent().top(9), of_old.frequent().top(9));
    }
    old.merge(&summary).unwrap();
    assert_eq!(old.rows(), 1_800);
    let kind = |bytes: &[u8]| TableSummary::from_bytes(bytes).unwrap_err().kind();
    let mut newer = bytes.clone();
    newer[5] = 2;
    assert_eq!(kind(&newer), ErrorKind::Unsupported);
    let mut damaged = bytes.clone();
    damaged[60] ^= 1;
    assert_eq!(kind(&damaged), ErrorKind::Corrupt);
    assert_eq!(kind(&bytes[..20]), ErrorKind::Corrupt);
    let text = summary.to_json().unwrap();
    assert_eq!(TableSummary::from_json(&text).unwrap().rows(), 900);
    for (from, to) in [
        ("\"rows\":900", "\"rows\":18446744073709551615"),
        ("\"rows\":900", "\"rows\":899"),
        ("\"name\":\"label\"", "\"name\":\"number\""),
    ] {
        assert!(text.contains(from));
        let error = TableSummary::from_json(&text.replacen(from, to, 1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{from}");
    }
}

/// Against summaries of the rows of each segment by itself.
#[test]
fn segments_are_summaries_of_their_rows() {
    let rows = table(5_000, 6);
    let labels = StringArray::from_iter((0..5_000).map(|i| ["a", "b", "c"].get(i % 4)));
    let columns = [
        ("number", rows.column(0).clone()),
        ("segment", Arc::new(labels) as ArrayRef),
    ];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let segments = TableSummary::group_by(
        &vec![rows.slice(0, 1_500), rows.slice(1_500, 3_500)],
        "segment",
    )
    .unwrap();
    assert_eq!(segments.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
    for (i, segment) in segments.values().enumerate() {
        let indices = arrow::array::UInt32Array::from_iter_values((i as u32..5_000).step_by(4));
        let alone =
            TableSummary::of(&arrow::compute::take_record_batch(&rows, &indices).unwrap()).unwrap();
        assert_eq!(segment.rows(), 1_250);
        let [x, y] = [segment, &alone].map(|summary| summary.column("number").unwrap());
        assert_eq!(
            (x.nulls(), x.nans(), x.infinite()),
            (y.nulls(), y.nans(), y.infinite())
        );
        assert_eq!(x.moments().count(), y.moments().count());
        assert!((x.moments().mean().unwrap() - y.moments().mean().unwrap()).abs() < 1e-12);
        assert_eq!(
            x.distinct().unwrap().estimate(),
            y.distinct().unwrap().estimate()
        );
    }
}

/// Identifiers next to one another beyond 2^53, where floats are 256 apart.
#[test]
fn long_integers_are_told_apart() {
    let ids = || (0..1_000_i64).map(|i| (1 << 60) + i);
    let decimals = ids().map(|id| i128::from(id) << 50);
    let columns: [ArrayRef; 4] = [
        Arc::new(Int64Array::from_iter_values(ids())),
        Arc::new(UInt64Array::from_iter_values(
            ids().map(|id| id as u64 + (1 << 63)),
        )),
        Arc::new(TimestampNanosecondArray::from_iter_values(ids())),
        Arc::new(Decimal128Array::from_iter_values(decimals)),
    ];
    for column in columns {
        let batch = RecordBatch::try_from_iter([("id", column)]).unwrap();
        let parts = vec![batch.slice(0, 600), batch.slice(400, 600)];
        let summary = TableSummary::of(&parts).unwrap();
        let distinct = summary.column("id").unwrap().distinct().unwrap();
        assert_eq!(distinct.estimate(), 1_000.0);
        assert!(distinct.interval().unwrap().contains(1_000.0));
    }
}

#[test]
fn empty_nested_and_mismatched_tables() {
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1)]), None]);
    let nulls = Int32Array::from(vec![None::<i32>, None]);
    let batch = RecordBatch::try_from_iter([
        ("list", Arc::new(lists) as ArrayRef),
        ("nulls", Arc::new(nulls) as ArrayRef),
    ])
    .unwrap();
    let mut summary = TableSummary::of(&batch).unwrap();
    let list = summary.column("list").unwrap();
    assert_eq!(
        (list.rows(), list.nulls(), list.moments().count()),
        (2, 1, 0)
    );
    assert!(list.distinct().is_none()); // not counted, rather than 0
    let nulls = summary.column("nulls").unwrap();
    assert_eq!(
        (
            nulls.nulls(),
            nulls.moments().mean(),
            nulls.distinct().unwrap().estimate()
        ),
        (2, None, 0.0)
    );
    assert_eq!(nulls.quantiles().quantile(0.5).unwrap(), None);
    assert_eq!(
        nulls.quantiles().quantile(f64::NAN).unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
    assert_eq!(
        summary.column("none").unwrap_err().kind(),
        ErrorKind::SignatureMismatch
    );
    let other = TableSummary::of(&table(10, 3)).unwrap();
    assert_eq!(
        summary.merge(&other).unwrap_err().kind(),
        ErrorKind::SignatureMismatch
    );
    assert_eq!(summary.rows(), 2);
    assert_eq!(
        TableSummary::of(&table(0, 1))
            .unwrap()
            .column("number")
            .unwrap()
            .rows(),
        0
    );
}

/// Counts how often each column is read.
struct Counted {
    table: Vec<RecordBatch>,
    reads: Mutex<BTreeMap<String, usize>>,
}

impl Table for Counted {
    fn schema(&self) -> SchemaRef {
        Table::schema(&self.table)
    }

    fn rows(&self) -> u64 {
        self.table.rows()
    }

    fn column(&self, name: &str) -> mlops_core::Result<Chunks<'_>> {
        *self
            .reads
            .lock()
            .unwrap()
            .entry(name.to_owned())
            .or_default() += 1;
        self.table.column(name)
    }
}

/// Profile and summary of one pass are those of a pass each, to the byte.
#[test]
fn a_profile_with_sketches_is_both_in_one_pass() {
    let with_text = |seed: u64| {
        let rows = table(4_000, seed);
        let texts: StringArray = (0..4_000)
            .map(|i| Some(format!("a review of {i} words, number {}", i * seed)))
            .collect();
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(
            (0..4_000).map(|i| Some(vec![Some(i); 2])),
        );
        RecordBatch::try_from_iter([
            ("number", rows.column(0).clone()),
            ("label", rows.column(1).clone()),
            ("text", Arc::new(texts) as ArrayRef),
            ("list", Arc::new(lists) as ArrayRef),
        ])
        .unwrap()
    };
    let parts = |seed: u64| {
        let rows = with_text(seed);
        vec![rows.slice(0, 1_500), rows.slice(1_500, 2_500)]
    };
    let counted = Counted {
        table: parts(1),
        reads: Mutex::default(),
    };
    let mut both = SketchedProfile::of(&counted).unwrap();
    // Texts are told from labels by reading them once, as without sketches.
    let reads = counted.reads.lock().unwrap().clone();
    assert_eq!(reads["number"], 1);
    assert_eq!((reads["label"], reads["text"], reads["list"]), (1, 2, 1));
    let alike = |both: &SketchedProfile, profile: &TableProfile, summary: &TableSummary| {
        assert_eq!(both.profile(), profile);
        assert_eq!(
            both.summary().to_bytes().unwrap(),
            summary.to_bytes().unwrap()
        );
    };
    let (mut profile, mut summary) = (
        TableProfile::of(&parts(1)).unwrap(),
        TableSummary::of(&parts(1)).unwrap(),
    );
    alike(&both, &profile, &summary);
    let later = both.like(&parts(2)).unwrap();
    both.merge(&later).unwrap();
    profile.merge(&profile.like(&parts(2)).unwrap()).unwrap();
    summary
        .merge(&TableSummary::of(&parts(2)).unwrap())
        .unwrap();
    alike(&both, &profile, &summary);

    let bytes = both.to_bytes().unwrap();
    let copy = SketchedProfile::from_bytes(&bytes).unwrap();
    alike(&copy, &profile, &summary);
    let mut newer = bytes.clone();
    newer[5] = 2;
    assert_eq!(
        SketchedProfile::from_bytes(&newer).unwrap_err().kind(),
        ErrorKind::Unsupported
    );
    let mut damaged = bytes;
    damaged[100] ^= 1;
    assert_eq!(
        SketchedProfile::from_bytes(&damaged).unwrap_err().kind(),
        ErrorKind::Corrupt
    );

    let other = RecordBatch::try_from_iter([("number", with_text(3).column(1).clone())]).unwrap();
    assert_eq!(
        both.like(&other).unwrap_err().kind(),
        ErrorKind::SignatureMismatch
    );
    let before = both.to_bytes().unwrap();
    assert!(both.merge(&SketchedProfile::of(&other).unwrap()).is_err());
    assert_eq!(both.to_bytes().unwrap(), before, "nothing is merged");
}

/// A profile with its sketches, as version 1 writes it, stays readable. `MLOPS_WRITE_FIXTURES` writes it anew.
#[test]
fn a_sketched_profile_of_the_first_version_stays_readable() {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sketched-v1.mlps");
    let rows = table(600, 5);
    if std::env::var_os("MLOPS_WRITE_FIXTURES").is_some() {
        let written = SketchedProfile::of(&rows).unwrap().to_bytes().unwrap();
        std::fs::write(&path, written).unwrap();
    }
    let old = SketchedProfile::from_bytes(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!((old.profile().rows(), old.summary().rows()), (600, 600));
    let anew = old.profile().like(&rows).unwrap();
    assert_eq!(anew.to_bytes().unwrap(), old.profile().to_bytes().unwrap());
}

/// A digest is that of its finite values in their order, however they come and whatever lies between them.
#[test]
fn a_digest_does_not_depend_on_how_its_values_come() {
    let value = |i: u64| f64::from((i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as u32);
    let infinite = |i: u64| {
        if i.is_multiple_of(7) {
            f64::INFINITY
        } else {
            value(i)
        }
    };
    let rows = || 0..20_000_u64;
    let digest = |values: Vec<f64>, size: usize| {
        let mut quantiles = Quantiles::default();
        values.chunks(size).for_each(|chunk| quantiles.add(chunk));
        quantiles.to_bytes()
    };
    let finite: Vec<f64> = rows().map(infinite).filter(|x| x.is_finite()).collect();
    let whole = digest(finite.clone(), 20_000);
    for size in [1, 7, 500, 1_640, 1_641, 4_096, 20_000] {
        assert!(digest(finite.clone(), size) == whole, "{size}");
        assert!(
            digest(rows().map(infinite).collect(), size) == whole,
            "{size}, with infinities"
        );
    }
}
