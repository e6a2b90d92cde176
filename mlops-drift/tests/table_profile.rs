//! Checks over Parquet files and profiles: the same verdicts as over rows, small files, typed errors.
#![cfg(feature = "parquet")]
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, ListArray, RecordBatch, StringArray,
    TimestampMillisecondArray,
};
use arrow::datatypes::Int32Type;
use mlops_core::ErrorKind;
use mlops_core::evidence::Distance;
use mlops_drift::DriftCheck;
use mlops_drift::check::{Method, Source};
use mlops_drift::profile::{CategoricalProfile, TableProfile, Values};
use mlops_drift::report::ColumnVerdict;
use mlops_drift::table::ParquetTable;
use mlops_drift::two_sample::KolmogorovSmirnov;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Rows of several types, with nulls, NaN and ties.
fn table(rows: usize, seed: u64, shift: f64) -> RecordBatch {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut some = |share: f64| rng.random_range(0.0..1.0) < share;
    let present: Vec<bool> = (0..rows).map(|_| some(0.95)).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(seed + 1_000);
    let smooth = Float64Array::from_iter(present.iter().map(|present| {
        let x = rng.random_range(0.0..1.0_f64) + rng.random_range(0.0..1.0) + shift;
        present.then_some(x)
    }));
    let tied = Float64Array::from_iter_values((0..rows).map(|_| rng.random_range(0..7_u8).into()));
    let carrier = StringArray::from_iter_values(
        (0..rows).map(|_| ["UA", "B6", "DL"][rng.random_range(0..3)]),
    );
    let late = BooleanArray::from_iter((0..rows).map(|_| Some(rng.random_range(0..4) == 0)));
    let time = (0..rows).map(|_| rng.random_range(0..1_000_000_i64));
    let time = TimestampMillisecondArray::from_iter_values(time).with_timezone("UTC");
    RecordBatch::try_from_iter([
        ("smooth", Arc::new(smooth) as ArrayRef),
        ("tied", Arc::new(tied) as ArrayRef),
        ("carrier", Arc::new(carrier) as ArrayRef),
        ("late", Arc::new(late) as ArrayRef),
        ("time", Arc::new(time) as ArrayRef),
    ])
    .unwrap()
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mlops-drift-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, batch: &RecordBatch) -> PathBuf {
        let path = self.0.join(name);
        let groups = WriterProperties::builder()
            .set_max_row_group_row_count(Some(700))
            .build();
        let file = File::create(&path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(groups)).unwrap();
        writer.write(batch).unwrap();
        writer.close().unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn files_and_profiles_give_the_verdict_of_the_rows() {
    let folder = Folder::new("verdict");
    let reference = table(3_000, 1, 0.0);
    let in_file = ParquetTable::open(folder.write("reference.parquet", &reference)).unwrap();
    let profile = TableProfile::of(&reference).unwrap();
    for shift in [0.0, 0.1] {
        let current = table(2_000, 2, shift);
        let current_file = ParquetTable::open(folder.write("current.parquet", &current)).unwrap();
        let by_rows = DriftCheck::against(&reference).run(&current).unwrap();
        assert_eq!(
            by_rows.verdict.drifted,
            shift > 0.0,
            "{}",
            by_rows.verdict.reason
        );
        let least = Distance::new(0.05, "kolmogorov_smirnov").unwrap();
        for source in [Source::from(&in_file), (&profile).into()] {
            let check = DriftCheck::against(source)
                .effect(least.clone())
                .prepare()
                .unwrap();
            for current in [
                Source::from(&current_file),
                (&current).into(),
                (&profile.like(&current_file).unwrap()).into(),
            ] {
                let report = check.run(current).unwrap();
                assert_eq!(
                    report.verdict.drifted_columns,
                    by_rows.verdict.drifted_columns
                );
                assert_eq!(report.reference_rows, 3_000);
                assert_eq!(report.current_rows, 2_000);
                let smooth = report.column("smooth").unwrap();
                assert!(
                    smooth
                        .reason
                        .contains("kolmogorov_smirnov lies surely in ["),
                    "{}",
                    smooth.reason
                );
                for (column, exact) in report.columns.iter().zip(&by_rows.columns) {
                    assert_eq!(column.current_missing, exact.current_missing);
                    for (measure, bracket) in &column.brackets {
                        let exact = exact.effect(measure).unwrap().get();
                        let rounding = 1e-12 * (1.0 + exact);
                        assert!(
                            bracket.low <= exact + rounding && exact <= bracket.high + rounding
                        );
                    }
                    let p = |finding: &mlops_drift::report::Finding| finding.p_value.get();
                    let (p, exact) = (
                        p(column.value.as_ref().unwrap()),
                        p(exact.value.as_ref().unwrap()),
                    );
                    assert!(p >= exact - 1e-12, "{}: {p} against {exact}", column.column);
                }
            }
        }
    }
}

/// A file that lost a column, and its profile, against a file and its profile.
#[test]
fn files_that_lost_a_column_are_compared_in_the_others() {
    let folder = Folder::new("lost");
    let reference = table(3_000, 1, 0.0);
    let schema = reference.schema();
    let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    let kept: Vec<usize> = (1..names.len()).collect();
    let current = table(2_000, 2, 0.0).project(&kept).unwrap();
    let reference = ParquetTable::open(folder.write("reference.parquet", &reference)).unwrap();
    let current = ParquetTable::open(folder.write("current.parquet", &current)).unwrap();
    let profile = TableProfile::of(&reference).unwrap();
    let comparable = profile.like_comparable(&current).unwrap();
    assert_eq!(
        profile.like(&current).unwrap_err().kind(),
        ErrorKind::SignatureMismatch
    );
    let by_file = DriftCheck::against(&reference).report_schema_changes();
    let by_profile = DriftCheck::against(&profile).report_schema_changes();
    let report = by_file.run(&current).unwrap();
    assert_eq!(report.verdict.not_compared_columns, names[..1]);
    assert!(!report.verdict.drifted, "{}", report.verdict.reason);
    for other in [
        by_file.run(&comparable),
        by_profile.run(&current),
        by_profile.run(&comparable),
    ] {
        let other = other.unwrap();
        assert_eq!(other.verdict, report.verdict);
    }
}

#[test]
fn columns_with_a_unit_or_a_method_are_gathered_from_a_file_and_refused_from_a_profile() {
    let folder = Folder::new("units");
    let rows = table(1_000, 5, 0.0);
    let file = ParquetTable::open(folder.write("rows.parquet", &rows)).unwrap();
    let by_unit = |check: DriftCheck| check.columns(["smooth"]).unit("tied", ["smooth"]);
    let of_file = by_unit(DriftCheck::against(&file)).run(&file).unwrap();
    let of_rows = by_unit(DriftCheck::against(&rows)).run(&rows).unwrap();
    assert_eq!(of_file, of_rows);

    let profile = TableProfile::of(&rows).unwrap();
    let error = by_unit(DriftCheck::against(&profile))
        .run(&rows)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let own = Method::numeric(KolmogorovSmirnov::default());
    assert!(
        DriftCheck::against(&profile)
            .method("smooth", own)
            .prepare()
            .is_err()
    );
    let error = DriftCheck::against(&rows).run(&profile).unwrap_err();
    assert!(
        error.to_string().contains("a profile holds no rows"),
        "{error}"
    );
}

#[test]
fn a_profile_survives_bytes_and_json_and_nothing_else_passes_for_one() {
    let profile = TableProfile::of(&table(500, 3, 0.0)).unwrap();
    let bytes = profile.to_bytes().unwrap();
    assert_eq!(TableProfile::from_bytes(&bytes).unwrap(), profile);
    assert_eq!(
        TableProfile::from_json(&profile.to_json().unwrap()).unwrap(),
        profile
    );
    for length in [0, 3, 4, 20, 37, 38, 39, bytes.len() / 2, bytes.len() - 1] {
        let error = TableProfile::from_bytes(&bytes[..length]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "of {length} bytes");
    }
    for position in (0..bytes.len())
        .step_by(97)
        .filter(|position| !(4..6).contains(position))
    {
        let mut damaged = bytes.clone();
        damaged[position] ^= 4;
        let error = TableProfile::from_bytes(&damaged).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "at {position}");
    }
    let mut newer = bytes.clone();
    newer[5] = 4;
    let error = TableProfile::from_bytes(&newer).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("got 4"), "{error}");
    for text in [
        "",
        "{}",
        "[1]",
        r#"{"version":1}"#,
        r#"{"version":1,"profile":{"rows":1}}"#,
    ] {
        assert_eq!(
            TableProfile::from_json(text).unwrap_err().kind(),
            ErrorKind::Corrupt,
            "{text}"
        );
    }
}

/// JSON carries no digest: parts that do not agree are refused, whatever they claim.
#[test]
fn profiles_whose_parts_disagree_are_corrupt() {
    let written = TableProfile::of(&table(60, 3, 0.0))
        .unwrap()
        .to_json()
        .unwrap();
    let changed = |from: &str, to: &str| {
        assert!(written.contains(from), "{from}");
        let error = TableProfile::from_json(&written.replacen(from, to, 1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{from}");
    };
    changed("\"cells\":[0,", "\"cells\":[");
    changed("\"cells\":[0,", "\"cells\":[7,");
    changed("\"cells\":[0,", "\"cells\":[18446744073709551615,");
    changed("\"nulls\":", "\"nulls\":9007199254740993");
    changed("\"cap\":65536", "\"cap\":0");
    changed("\"cap\":65536", "\"cap\":2");
}

/// The table as a whole: rows, kinds and names are those of the columns.
#[test]
fn a_table_that_contradicts_its_columns_is_corrupt() {
    let written = TableProfile::of(&table(60, 3, 0.0)).unwrap();
    let text = written.to_json().unwrap();
    assert_eq!(TableProfile::from_json(&text).unwrap(), written);
    for (from, to) in [
        ("\"rows\":60", "\"rows\":18446744073709551615"),
        ("\"rows\":60", "\"rows\":0"),
        ("\"rows\":60", "\"rows\":1"),
        ("\"name\":\"tied\"", "\"name\":\"smooth\""),
        (
            "\"not_profiled\":{}",
            "\"not_profiled\":{\"tied\":\"list\"}",
        ),
        ("\"kind\":\"numeric\"", "\"kind\":\"categorical\""),
        ("\"kind\":\"categorical\"", "\"kind\":\"embedding\""),
        ("\"kind\":\"numeric\"", "\"kind\":\"unsupported\""),
        ("\"least\":", "\"least\":1e9,\"most\":"),
        ("\"least\":", "\"least\":1e9 "),
    ] {
        assert!(text.contains(from), "{from}");
        let error = TableProfile::from_json(&text.replacen(from, to, 1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{from} as {to}");
    }
}

/// 10,000 labels of 20 columns with thousands of cells each would take gigabytes: refused before anything is counted.
#[test]
fn segments_are_held_to_a_budget() {
    let rows = 60_000;
    let column = |shift: usize| {
        let values = (0..rows).map(|i| ((i * 7_919 + shift) % rows) as f64);
        Arc::new(Float64Array::from_iter_values(values)) as ArrayRef
    };
    let labels = |distinct: usize| {
        let of = (0..rows).map(|i| format!("label {}", i % distinct));
        Arc::new(StringArray::from_iter_values(of)) as ArrayRef
    };
    let names: Vec<String> = (0..20).map(|i| format!("x{i}")).collect();
    let columns = names
        .iter()
        .enumerate()
        .map(|(i, name)| (name.as_str(), column(i)));
    let numbers = RecordBatch::try_from_iter(columns).unwrap();
    let reference = TableProfile::of(&numbers).unwrap();
    let labelled = |distinct: usize| {
        let columns = names
            .iter()
            .enumerate()
            .map(|(i, name)| (name.as_str(), column(i)));
        RecordBatch::try_from_iter(columns.chain([("label", labels(distinct))])).unwrap()
    };
    let error = reference.group_by(&labelled(9_000), "label").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.to_string().contains("within 1 GiB"), "{error}");
    assert_eq!(reference.group_by(&labelled(3), "label").unwrap().len(), 3);
}

/// A footer may claim any number of rows.
#[test]
fn rows_that_are_only_claimed_reserve_no_memory() {
    struct Boaster(RecordBatch);
    impl mlops_drift::table::Table for Boaster {
        fn schema(&self) -> arrow::datatypes::SchemaRef {
            self.0.schema()
        }
        fn rows(&self) -> u64 {
            1 << 62
        }
        fn column(&self, name: &str) -> mlops_core::Result<mlops_drift::table::Chunks<'_>> {
            mlops_drift::table::Table::column(&self.0, name)
        }
    }
    let batch = table(50, 1, 0.0);
    let reference = TableProfile::of(&batch).unwrap();
    assert_eq!(
        reference
            .group_by(&Boaster(batch), "carrier")
            .unwrap()
            .len(),
        3
    );
}

/// A profile written by version 1 of the format stays readable, and says the same.
#[test]
fn the_first_version_stays_readable() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/profile-v1.mlpf");
    let reference = table(300, 11, 0.0);
    let old = TableProfile::from_bytes(&fs::read(&path).unwrap()).unwrap();
    let anew = old.like(&reference).unwrap(); // the same rows, counted on the old grids
    let report = DriftCheck::against(&old).run(&anew).unwrap();
    let effects = report.columns.iter().flat_map(|column| &column.effects);
    assert!(effects.into_iter().all(|effect| effect.get() == 0.0));
    assert_eq!(old.rows(), 300);
    assert!(
        !DriftCheck::against(&old)
            .run(&table(300, 12, 0.0))
            .unwrap()
            .verdict
            .drifted
    );
    assert!(
        DriftCheck::against(&old)
            .run(&table(300, 12, 0.5))
            .unwrap()
            .verdict
            .drifted
    );
}

/// Version 3, which added grouped labels. `MLOPS_WRITE_FIXTURES` writes it anew.
#[test]
fn the_third_version_stays_readable() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/profile-v3.mlpf");
    let reference = table(300, 13, 0.0);
    if std::env::var_os("MLOPS_WRITE_FIXTURES").is_some() {
        let written = TableProfile::of(&reference).unwrap().to_bytes().unwrap();
        fs::write(&path, written).unwrap();
    }
    let old = TableProfile::from_bytes(&fs::read(&path).unwrap()).unwrap();
    let anew = old.like(&reference).unwrap();
    assert_eq!(old.to_bytes().unwrap(), anew.to_bytes().unwrap());
    let json = serde_json::to_string(&old).unwrap();
    let read: TableProfile = serde_json::from_str(&json).unwrap();
    assert_eq!(read.to_bytes().unwrap(), old.to_bytes().unwrap());
}

#[test]
fn files_that_are_not_there_truncated_or_damaged_are_typed_errors() {
    let folder = Folder::new("damaged");
    let path = folder.write("rows.parquet", &table(3_000, 7, 0.0));
    let bytes = fs::read(&path).unwrap();
    let kind = |path: &Path| ParquetTable::open(path).unwrap_err().kind();
    assert_eq!(kind(&folder.0.join("none.parquet")), ErrorKind::NotFound);
    for length in [0, 3, 8, bytes.len() / 2, bytes.len() - 1] {
        let cut = folder.0.join("cut.parquet");
        fs::write(&cut, &bytes[..length]).unwrap();
        assert_eq!(kind(&cut), ErrorKind::Corrupt, "of {length} bytes");
    }
    // A file that loses its pages after it was opened.
    let table = ParquetTable::open(&path).unwrap();
    fs::write(&path, &bytes[..200]).unwrap();
    let error = TableProfile::of(&table).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(
        error.to_string().contains("rows.parquet") && error.to_string().contains("column"),
        "{error}"
    );
}

#[test]
fn nested_columns_are_named_and_never_pass_in_silence() {
    let lists = (0..20).map(|i| (i % 2 == 0).then(|| vec![Some(i)]));
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(lists);
    let numbers = Arc::new(Float64Array::from_iter_values((0..20).map(f64::from))) as ArrayRef;
    let batch =
        RecordBatch::try_from_iter([("x", numbers), ("nested", Arc::new(lists) as ArrayRef)])
            .unwrap();
    let profile = TableProfile::of(&batch).unwrap();
    assert_eq!(
        profile.not_profiled().keys().collect::<Vec<_>>(),
        ["nested"]
    );
    let report = DriftCheck::against(&profile).run(&batch).unwrap();
    assert_eq!(report.verdict.untested_columns, ["nested"]);
    let named = DriftCheck::against(&profile).columns(["x", "nested"]);
    assert_eq!(
        named.run(&batch).unwrap_err().kind(),
        ErrorKind::Unsupported
    );
    assert!(
        DriftCheck::against(&profile)
            .columns(["x"])
            .run(&batch)
            .is_ok()
    );
}

#[test]
fn other_columns_or_types_are_errors_and_nothing_is_merged() {
    let profile = TableProfile::of(&table(100, 1, 0.0)).unwrap();
    let narrow = table(100, 1, 0.0).project(&[0, 1]).unwrap();
    let error = profile.like(&narrow).unwrap_err();
    assert!(
        error.to_string().contains("\"carrier\" is missing"),
        "{error}"
    );
    let other = TableProfile::of(&table(100, 2, 0.0)).unwrap(); // other grids
    let mut merged = profile.clone();
    assert_eq!(
        merged.merge(&other).unwrap_err().kind(),
        ErrorKind::SignatureMismatch
    );
    assert_eq!(merged, profile);
    assert!(merged.merge(&TableProfile::of(&narrow).unwrap()).is_err());
    let error = DriftCheck::against(&profile).run(&other).unwrap_err();
    assert!(error.to_string().contains("one grid"), "{error}");
    assert!(TableProfile::of(&table(0, 1, 0.0)).is_err());
    assert!(
        DriftCheck::against(Vec::<RecordBatch>::new())
            .prepare()
            .is_err()
    );
}

#[test]
fn a_million_categories_are_compared_by_group_at_their_level() {
    let ids = |from: u32| {
        let labels = StringArray::from_iter_values((from..from + 300_000).map(|id| id.to_string()));
        RecordBatch::try_from_iter([("id", Arc::new(labels) as ArrayRef)]).unwrap()
    };
    let profile = TableProfile::of(&ids(0)).unwrap();
    let Values::Categorical(column) = profile.column("id").unwrap().values() else {
        panic!()
    };
    assert_eq!(
        (column.is_exact(), column.values(), column.distinct()),
        (false, 300_000, None)
    );
    assert!(
        !DriftCheck::against(&profile)
            .run(&ids(1_000_000))
            .unwrap()
            .verdict
            .drifted
    );
    let one = StringArray::from(vec!["7"; 1_000]);
    let one = RecordBatch::try_from_iter([("id", Arc::new(one) as ArrayRef)]).unwrap();
    assert!(
        DriftCheck::against(&profile)
            .run(&one)
            .unwrap()
            .verdict
            .drifted
    );
}

/// Of 100,000 labels none is left, which groups of them hardly show: the exact distance of 1 lies in the bracket and in the interval. And that
/// groups do not differ is not called stable.
#[test]
fn a_complete_replacement_is_not_told_to_be_small() {
    let users = |from: u32| {
        let labels = (from..from + 100_000).map(|user| format!("user-{user}"));
        let labels = labels.flat_map(|label| [label.clone(), label]);
        let labels = StringArray::from_iter_values(labels);
        RecordBatch::try_from_iter([("user", Arc::new(labels) as ArrayRef)]).unwrap()
    };
    let reference = TableProfile::of(&users(0)).unwrap();
    let report = DriftCheck::against(&reference)
        .run(&users(100_000))
        .unwrap();
    let user = report.column("user").unwrap();
    assert_eq!(user.brackets["total_variation"].high, 1.0);
    assert!(user.effect("total_variation").unwrap().get() < 0.5);
    assert_eq!(user.intervals["total_variation"].high(), 1.0);
    let v = user.brackets["cramers_v"];
    assert!(v.low < 0.5 && v.high == 1.0, "{v:?}"); // all labels differ: V is 1
    let why = "of groups of labels, which are too many";
    assert!(user.value.as_ref().unwrap().method.contains(why));
    assert!(
        user.reason.contains("total_variation lies surely in ["),
        "{}",
        user.reason
    );
    let same = DriftCheck::against(&reference).run(&users(0)).unwrap();
    let user = same.column("user").unwrap();
    assert_eq!(user.verdict, ColumnVerdict::Untested);
    assert!(user.reason.contains("by groups"), "{}", user.reason);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A few frequent labels and a long tail, in parts in any order, against counts of all.
    #[test]
    fn bounds_of_labels_beyond_the_cap_hold(seeds in [0..1_000_u64, 0..1_000], parts in 1..5_usize, tail in 3_000..9_000_u32) {
        let profiles = seeds.map(|seed| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let label = |rng: &mut ChaCha8Rng| match rng.random_range(0..10) {
                0..4 => "UA".to_owned(),
                4..6 => ["B6", "DL"][seed as usize % 2].to_owned(),
                _ => rng.random_range(0..tail).to_string(),
            };
            let labels: Vec<String> = (0..12_000).map(|_| label(&mut rng)).collect();
            let mut exact: std::collections::BTreeMap<&str, u64> = Default::default();
            labels.iter().for_each(|label| *exact.entry(label).or_default() += 1);
            let mut merged = CategoricalProfile::with_cap(500).unwrap();
            for part in labels.chunks(12_000 / parts + 1).rev() {
                let mut profile = merged.empty();
                profile.update(&StringArray::from_iter_values(part)).unwrap();
                merged.merge(&profile).unwrap();
            }
            let copy: CategoricalProfile = serde_json::from_str(&serde_json::to_string(&merged).unwrap()).unwrap();
            assert_eq!(copy, merged);
            for (label, count) in &exact {
                let [low, high] = merged.count(label);
                assert!(low <= *count && *count <= high, "{count} of {label} in [{low}, {high}]");
            }
            let [low, high] = merged.count("UA");
            assert!(low > 4_000 && high - low <= 12_000 / 1_025, "[{low}, {high}]");
            let exact = exact.into_iter().map(|(label, n)| (label.to_owned(), n));
            (merged, exact.collect::<std::collections::BTreeMap<String, u64>>())
        });
        let [(x, of_x), (y, of_y)] = &profiles;
        let labels = of_x.keys().chain(of_y.keys()).collect::<std::collections::BTreeSet<_>>();
        let count = |of: &std::collections::BTreeMap<String, u64>, label: &str| of.get(label).copied().unwrap_or(0);
        let apart = labels.into_iter().map(|label| count(of_x, label).abs_diff(count(of_y, label)));
        let exact = apart.sum::<u64>() as f64 / 24_000.0;
        let bracket = x.total_variation(y).unwrap();
        prop_assert!(bracket.contains(exact), "{} in {:?}", exact, bracket);
        prop_assert!(bracket.high < 0.7, "{:?}", bracket); // the frequent ones are shared
    }
}

/// Few labels, each of them a document: they are not kept by name.
#[test]
fn labels_are_bounded_in_bytes() {
    let mut profile = CategoricalProfile::with_cap(100).unwrap();
    let documents = |from: u32| (from..from + 40).map(|i| format!("{i}{}", "x".repeat(1_000)));
    profile
        .update(&StringArray::from_iter_values(documents(0)))
        .unwrap();
    assert!(!profile.is_exact());
    assert!(serde_json::to_string(&profile).unwrap().len() < 20_000);
    let [low, high] = profile.count(&documents(0).next().unwrap());
    assert!(low == 0 && high >= 1);
    profile
        .update(&StringArray::from_iter_values(documents(40)))
        .unwrap();
    assert_eq!(profile.values(), 80);
}

#[test]
fn segments_add_up_to_the_table() {
    let rows = table(2_000, 21, 0.0);
    let reference = TableProfile::of(&rows).unwrap();
    let segments = reference.group_by(&rows, "carrier").unwrap();
    assert_eq!(segments.keys().collect::<Vec<_>>(), ["B6", "DL", "UA"]);
    let mut sum = reference.empty();
    for segment in segments.values() {
        sum.merge(segment).unwrap();
    }
    assert_eq!(sum.rows(), 2_000);
    assert!(
        !DriftCheck::against(&reference)
            .run(&sum)
            .unwrap()
            .verdict
            .drifted
    );
    assert!(reference.group_by(&rows, "none").is_err());
    assert!(reference.group_by(&rows, "smooth").is_err());
}

proptest! {
    #[test]
    fn labels_count_the_same_in_any_partition_and_order(
        labels in prop::collection::vec(prop::option::weighted(0.9, 0..9_u8), 0..60),
        parts in prop::collection::vec(0..3_usize, 60),
        cap in 1..12_u32,
    ) {
        let empty = CategoricalProfile::with_cap(cap).unwrap();
        let profiled = |rows: Vec<Option<u8>>| {
            let rows = rows.into_iter().map(|label| label.map(|label| label.to_string()));
            let mut profile = empty.clone();
            profile.update(&rows.collect::<StringArray>()).unwrap();
            profile
        };
        let mut merged = empty.clone();
        for part in [2, 0, 1] {
            let rows = labels.iter().zip(&parts).filter(|(_, p)| **p == part);
            merged.merge(&profiled(rows.map(|(label, _)| *label).rev().collect())).unwrap();
        }
        let whole = profiled(labels.clone());
        prop_assert_eq!(&merged, &whole);
        let distinct: std::collections::BTreeSet<u8> = labels.iter().flatten().copied().collect();
        prop_assert_eq!(whole.is_exact(), distinct.len() <= cap as usize);
        for label in 0..9_u8 {
            let count = labels.iter().filter(|l| **l == Some(label)).count() as u64;
            let [low, high] = whole.count(&label.to_string());
            prop_assert!(low <= count && count <= high);
        }
    }
}

/// Profiles of integers and floats merge in any order, and know both types; those of no rows have none to add.
#[test]
fn merged_profiles_know_all_of_their_types() {
    use arrow::datatypes::DataType::{Float64, Int32, Int64};
    use mlops_drift::expectation::{Context, Expectation, Rule, Suite};
    let numbers = arrow::array::Int64Array::from_iter_values((0..300).map(|i| i * 37 % 100));
    let labels = arrow::array::StringArray::from_iter_values((0..300).map(|i| ["a", "b"][i % 2]));
    let of = |data_type: &arrow::datatypes::DataType| {
        let column = arrow::compute::cast(&numbers, data_type).unwrap();
        let labels = Arc::new(labels.clone()) as ArrayRef;
        RecordBatch::try_from_iter([("x", column), ("label", labels)]).unwrap()
    };
    let reference = TableProfile::of(&of(&Float64)).unwrap();
    let like = |data_type: &_| reference.like(&of(data_type)).unwrap();
    let [float, long, short] = [Float64, Int64, Int32].map(|data_type| like(&data_type));
    let merged = |parts: [&TableProfile; 3]| {
        let mut all = reference.empty();
        parts.into_iter().for_each(|part| all.merge(part).unwrap());
        all
    };
    let all = merged([&float, &long, &short]);
    assert_eq!(all, merged([&short, &float, &long]));
    let type_of = |profile: &TableProfile| profile.column("x").unwrap().data_type().to_owned();
    assert_eq!(type_of(&all), "mixed: float64 | int32 | int64");
    assert_eq!(type_of(&merged([&long, &long, &long])), "int64");
    assert_eq!(
        type_of(&reference.group_by(&of(&Int64), "label").unwrap()["a"]),
        "int64"
    );
    assert_eq!(
        TableProfile::from_bytes(&all.to_bytes().unwrap()).unwrap(),
        all
    );
    let report = DriftCheck::against(&reference).run(&all).unwrap();
    assert!(report.columns[0].notes[0].ends_with("to mixed: float64 | int32 | int64"));
    for data_type in ["float64", "int64"] {
        let suite = Suite::new([Expectation::on("x", Rule::Type(data_type.into()))]);
        assert!(
            !suite
                .validate_profile(&all, &Context::default())
                .unwrap()
                .passed()
        );
    }
}
