//! Texts and embeddings: what is measured of them, that any partition gives the same, that checks keep their level, and segments in one pass.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, FixedSizeListArray, Float64Array, LargeStringArray, RecordBatch, StringArray,
};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{Float32Type, Float64Type};
use mlops_core::ErrorKind;
use mlops_core::evidence::SignificanceLevel;
use mlops_drift::DriftCheck;
use mlops_drift::check::{Method, Source};
use mlops_drift::expectation::Suite;
use mlops_drift::profile::{FacetProfile, NumericProfile, TableProfile, Values};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const DIMENSION: i32 = 16;

/// Rows of a text, an embedding, a label and a number, some of each missing.
fn table(rows: usize, seed: u64, longer: usize, shift: f32) -> RecordBatch {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let words = ["good", "bad", "naïve", "42", "flight", "late"];
    let texts: StringArray = (0..rows)
        .map(|_| {
            let count = rng.random_range(2..30_usize) + longer;
            let text: Vec<&str> = (0..count)
                .map(|_| words[rng.random_range(0..words.len())])
                .collect();
            (rng.random_range(0..50) > 0).then(|| text.join(" "))
        })
        .collect();
    let normal =
        |rng: &mut ChaCha8Rng| (0..12).map(|_| rng.random_range(0.0..1.0_f32)).sum::<f32>() - 6.0;
    let embeddings: Vec<Option<Vec<Option<f32>>>> = (0..rows)
        .map(|_| {
            let values = (0..DIMENSION).map(|_| Some(normal(rng) + shift)).collect();
            (rng.random_range(0..50) > 0).then_some(values)
        })
        .collect();
    let embeddings =
        FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(embeddings, DIMENSION);
    let labels: StringArray = (0..rows)
        .map(|_| Some(["a", "b", "c"][rng.random_range(0..3)]))
        .collect();
    let numbers: Float64Array = (0..rows)
        .map(|_| Some(rng.random_range(0.0..1.0)))
        .collect();
    RecordBatch::try_from_iter([
        ("review", Arc::new(texts) as ArrayRef),
        ("embedding", Arc::new(embeddings) as ArrayRef),
        ("label", Arc::new(labels) as ArrayRef),
        ("number", Arc::new(numbers) as ArrayRef),
    ])
    .unwrap()
}

fn facets<'a>(profile: &'a TableProfile, column: &str) -> &'a FacetProfile {
    match profile.column(column).unwrap().values() {
        Values::Facets(facets) => facets,
        other => panic!("{column} is read as {other:?}"),
    }
}

/// All that is exact: cells and missing rows.
fn counts(profile: &NumericProfile) -> (Vec<u64>, u64, u64) {
    (profile.cells().to_vec(), profile.nulls(), profile.nans())
}

fn facet_counts(profile: &FacetProfile) -> Vec<(Vec<u64>, u64, u64)> {
    profile.facets().map(|(_, facet)| counts(facet)).collect()
}

#[test]
fn facets_are_what_their_names_say() {
    let texts = StringArray::from(vec![Some("naïve 42!"), None, Some("")]);
    let profile = FacetProfile::of_texts(&texts).unwrap();
    let [least, greatest] = [true, false].map(|least| {
        let values = profile.facets().map(|(_, facet)| {
            let moments = facet.moments();
            if least {
                moments.least()
            } else {
                moments.greatest()
            }
            .unwrap()
        });
        values.collect::<Vec<_>>()
    });
    // n a ï v e, a space, two digits, an exclamation mark: 9 characters of which one lies beyond ASCII.
    assert_eq!(greatest, [9.0, 2.0, 5.0 / 9.0, 2.0 / 9.0, 1.0 / 9.0]);
    assert_eq!(least, [0.0; 5]);
    assert_eq!((profile.values(), profile.missing()), (2, 1));

    let row = |values: [f32; 2]| Some(values.map(Some).to_vec());
    let rows = [
        row([3.0, 4.0]),
        row([f32::NAN, 1.0]),
        row([f32::INFINITY, 1.0]),
        Some(vec![None, Some(1.0)]),
        None,
    ];
    let column = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(rows, 2);
    let profile = FacetProfile::of_embeddings(&column).unwrap();
    assert_eq!((profile.values(), profile.missing()), (1, 4));
    assert_eq!(profile.facet("norm").unwrap().moments().mean(), Some(5.0));
    for (name, facet) in profile.facets().skip(1) {
        let projected = facet.moments().mean().unwrap().abs() * 2.0_f64.sqrt();
        assert!(
            (projected - 1.0).abs() < 1e-12 || (projected - 7.0).abs() < 1e-12,
            "{name}: {projected}"
        );
    }
}

/// Counts do not depend on how rows are cut into parts, nor on their order; nor on the width of strings.
/// Squares of such entries overflow, or vanish; norms and projections do not, and nothing is missing.
#[test]
fn entries_of_any_size_have_a_norm() {
    let column = |entries: [f64; 4]| {
        let row = entries.map(Some).to_vec();
        FixedSizeListArray::from_iter_primitive::<Float64Type, _, _>([Some(row)], 4)
    };
    for (unit, relative) in [(1e200, 1e-15), (1.0, 0.0), (1e-200, 1e-15)] {
        let profile = FacetProfile::of_embeddings(&column([3.0, 0.0, -4.0, 0.0].map(|x| x * unit)));
        let profile = profile.unwrap();
        let norm = profile.facet("norm").unwrap().moments().mean().unwrap();
        assert!((norm / unit - 5.0).abs() <= 5.0 * relative, "{norm}");
        assert_eq!((profile.values(), profile.missing()), (1, 0));
    }
    let greatest = FacetProfile::of_embeddings(&column([f64::MAX; 4])).unwrap();
    for (name, facet) in greatest.facets() {
        assert_eq!(facet.finite(), 1, "{name}");
    }
}

#[test]
fn any_partition_gives_the_same_counts() {
    let reference = TableProfile::of(&table(3_000, 1, 0, 0.0)).unwrap();
    let rows = table(1_000, 2, 3, 0.5);
    let whole = reference.like(&rows).unwrap();
    let mut merged = reference.empty();
    for (start, length) in [(600, 400), (0, 1), (1, 599)] {
        merged
            .merge(&reference.like(&rows.slice(start, length)).unwrap())
            .unwrap();
    }
    for column in ["review", "embedding"] {
        assert_eq!(
            facet_counts(facets(&whole, column)),
            facet_counts(facets(&merged, column))
        );
        assert_eq!(
            facets(&whole, column).values(),
            1_000 - rows.column_by_name(column).unwrap().null_count() as u64
        );
    }
    let texts = rows.column_by_name("review").unwrap();
    let wide = LargeStringArray::from_iter(texts.as_any().downcast_ref::<StringArray>().unwrap());
    let mut of_wide = facets(&reference, "review").empty();
    of_wide.update(&wide).unwrap();
    assert_eq!(&of_wide, facets(&whole, "review"));
    let saved = whole.to_bytes().unwrap();
    assert_eq!(TableProfile::from_bytes(&saved).unwrap(), whole);
}

/// What a column looks like decides how it is read: prose as texts, identifiers and labels as categories.
#[test]
fn only_prose_is_read_as_texts() {
    let strings = |of: fn(usize) -> String| {
        let column: StringArray = (0..3_000).map(|i| Some(of(i))).collect();
        let batch = RecordBatch::try_from_iter([("x", Arc::new(column) as ArrayRef)]).unwrap();
        TableProfile::of(&batch).unwrap()
    };
    let is_text =
        |profile: TableProfile| matches!(profile.column("x").unwrap().values(), Values::Facets(_));
    assert!(is_text(strings(|i| format!("flight {i} was late"))));
    assert!(!is_text(strings(|i| format!("flight-{i}"))));
    assert!(!is_text(strings(|i| format!("{} Main Street", i % 900))));
}

/// Rows, parts and profiles: the same verdict, p-value and effect.
#[test]
fn every_source_gives_the_same_verdict_on_texts_and_embeddings() {
    let (reference, current) = (table(3_000, 3, 0, 0.0), table(800, 4, 4, 0.0));
    let profile = TableProfile::of(&reference).unwrap();
    let columns = ["review", "embedding"];
    let of_rows = DriftCheck::against(&reference)
        .columns(columns)
        .run(&current)
        .unwrap();
    let parts = vec![current.slice(0, 300), current.slice(300, 500)];
    let of_parts = DriftCheck::against(vec![reference])
        .columns(columns)
        .run(&parts)
        .unwrap();
    let of_profiles = DriftCheck::against(&profile)
        .columns(columns)
        .run(&profile.like(&current).unwrap())
        .unwrap();
    assert!(of_rows.column("review").unwrap().verdict.is_drift());
    let reason = &of_rows.column("review").unwrap().reason;
    assert!(reason.contains("one of 5 facets"), "{reason}");
    for other in [of_parts, of_profiles] {
        for (a, b) in of_rows.columns.iter().zip(&other.columns) {
            assert_eq!(
                (&a.value, &a.missing, &a.effects),
                (&b.value, &b.missing, &b.effects)
            );
        }
    }
}

#[test]
fn checks_of_texts_and_embeddings_keep_their_level_and_see_changes() {
    const RUNS: u32 = 200;
    let columns = ["review", "embedding"];
    let alarms = |longer: usize, shift: f32, runs: u32| {
        let drifted = (0..u64::from(runs)).filter(|seed| {
            let check = DriftCheck::against(&table(1_300, 2 * seed, 0, 0.0)).columns(columns);
            let check = check.run(&table(150, 2 * seed + 1, longer, shift)).unwrap();
            check.verdict.drifted
        });
        drifted.count() as u32
    };
    // P(Binomial(200, 0.05) > 23) is below 1e-4.
    let quiet = alarms(0, 0.0, RUNS);
    assert!(quiet <= 23, "{quiet} of {RUNS}");
    assert!(alarms(5, 0.0, 20) >= 19);
    assert!(alarms(0, 0.6, 20) >= 19);
}

#[test]
fn other_values_are_typed_errors_and_nothing_is_counted() {
    let reference = table(100, 5, 0, 0.0);
    let mut profile = FacetProfile::of_embeddings(reference.column(1)).unwrap();
    let before = profile.clone();
    let narrow =
        FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>([Some(vec![Some(1.0)])], 1);
    for wrong in [
        &narrow as &dyn Array,
        reference.column(0),
        reference.column(3),
    ] {
        assert_eq!(
            profile.update(wrong).unwrap_err().kind(),
            ErrorKind::Unsupported
        );
        assert_eq!(profile, before);
    }
    let texts = FacetProfile::of_texts(reference.column(0)).unwrap();
    assert_eq!(
        profile.merge(&texts).unwrap_err().kind(),
        ErrorKind::SignatureMismatch
    );
    assert_eq!(
        FacetProfile::of_texts(reference.column(3))
            .unwrap_err()
            .kind(),
        ErrorKind::Unsupported
    );
    assert_eq!(
        FacetProfile::of_embeddings(reference.column(0))
            .unwrap_err()
            .kind(),
        ErrorKind::Unsupported
    );
    let other = RecordBatch::try_from_iter([("embedding", Arc::new(narrow) as ArrayRef)]).unwrap();
    let error = DriftCheck::against(&reference)
        .columns(["embedding"])
        .run(&other)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignatureMismatch);
    let lengths = DriftCheck::against(&reference)
        .columns(["label"])
        .method("label", Method::texts());
    assert!(!lengths.run(&reference).unwrap().verdict.drifted);
}

/// In one pass the same as one filtered table after the other; and over parts, cut where they may.
#[test]
fn segments_in_one_pass_are_those_of_filtered_tables() {
    let reference = TableProfile::of(&table(1_500, 6, 0, 0.0)).unwrap();
    let parts: Vec<RecordBatch> = (0..3)
        .map(|i| table(200 + 50 * i as usize, 7 + i, 0, 0.0))
        .collect();
    let whole = concat_batches(&parts[0].schema(), &parts).unwrap();
    let segments = reference.group_by(&parts, "label").unwrap();
    assert_eq!(segments.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
    for (name, segment) in &segments {
        let labels = whole.column_by_name("label").unwrap();
        let is = arrow::compute::kernels::cmp::eq(labels, &StringArray::new_scalar(name.as_str()))
            .unwrap();
        let filtered = reference
            .like(&filter_record_batch(&whole, &is).unwrap())
            .unwrap();
        assert_eq!(segment.rows(), filtered.rows());
        for column in ["review", "embedding"] {
            assert_eq!(
                facet_counts(facets(segment, column)),
                facet_counts(facets(&filtered, column))
            );
        }
        let numbers = |profile: &TableProfile| match profile.column("number").unwrap().values() {
            Values::Numeric(numbers) => counts(numbers),
            other => panic!("{other:?}"),
        };
        assert_eq!(numbers(segment), numbers(&filtered));
    }
    let numbers = DriftCheck::against(&reference).columns(["number"]);
    assert!(
        !numbers
            .run(Source::from(&segments["a"]))
            .unwrap()
            .verdict
            .drifted
    );
}

/// A profile written by version 2 of the format, which added facets, stays readable, and says the same.
#[test]
fn the_second_version_stays_readable() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/profile-v2.mlpf");
    let reference = table(1_200, 8, 0, 0.0).project(&[0, 1, 2]).unwrap();
    let old = TableProfile::from_bytes(&std::fs::read(&path).unwrap()).unwrap();
    let anew = old.like(&reference).unwrap(); // the same rows, counted on the old grids
    let report = DriftCheck::against(&old).run(&anew).unwrap();
    let effects = report.columns.iter().flat_map(|column| &column.effects);
    assert!(effects.into_iter().all(|effect| effect.get() == 0.0));
    assert_eq!((old.rows(), old.columns().len()), (1_200, 3));
}

/// Of texts the range of their lengths is inferred, and holds for texts of the same law but not for shorter ones.
#[test]
fn a_suite_inferred_from_texts_expects_their_lengths() {
    let level = SignificanceLevel::FIVE_PERCENT;
    let reference = table(3_000, 10, 0, 0.0).project(&[0]).unwrap();
    let suite = Suite::infer(&TableProfile::of(&reference).unwrap(), level).unwrap();
    let mut rules = suite.expectations().iter().rev();
    let lengths = rules.nth(2).unwrap().to_string(); // the last two are on the table
    assert!(lengths.contains("characters"), "{lengths}");
    assert!(suite.validate(&table(500, 11, 0, 0.0)).unwrap().passed());
    let short: StringArray = (0..500).map(|i| Some(["a b", "a c"][i % 2])).collect();
    let short = RecordBatch::try_from_iter([("review", Arc::new(short) as ArrayRef)]).unwrap();
    assert!(!suite.validate(&short).unwrap().passed());
}
