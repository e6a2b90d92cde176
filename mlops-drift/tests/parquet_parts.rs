//! A table in several Parquet files: the same verdict as of one, parts that do not fit are refused, and damage is an error.
#![cfg(feature = "parquet")]
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use mlops_core::ErrorKind;
use mlops_core::evidence::SignificanceLevel;
use mlops_drift::check::Source;
use mlops_drift::parquet::arrow::ArrowWriter;
use mlops_drift::profile::TableProfile;
use mlops_drift::report::ColumnVerdict;
use mlops_drift::table::{ParquetTable, Projection, Table};
use mlops_drift::{DriftCheck, preset};

fn rows(from: u32, to: u32) -> RecordBatch {
    let x = Float64Array::from_iter_values((from..to).map(|i| f64::from(i * 37 % 1_000)));
    let label = StringArray::from_iter_values((from..to).map(|i| ["a", "b", "c"][i as usize % 3]));
    RecordBatch::try_from_iter([("x", Arc::new(x) as ArrayRef), ("label", Arc::new(label))])
        .unwrap()
}

fn write(folder: &Path, name: &str, batch: &RecordBatch) -> PathBuf {
    let path = folder.join(name);
    let mut writer =
        ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    path
}

#[test]
fn the_parts_of_a_folder_are_one_table() {
    let folder = std::env::temp_dir().join(format!("parquet-parts-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let whole = write(&folder, "whole", &rows(0, 3_000));
    let parts = [(0, 100), (100, 2_000), (2_000, 3_000)];
    let parts: Vec<PathBuf> = (0..)
        .zip(parts)
        .map(|(number, (from, to))| {
            // The columns of a part may come in another order.
            let batch = rows(from, to)
                .project(if number == 1 { &[1, 0] } else { &[0, 1] })
                .unwrap();
            write(&folder, &format!("part-{number}.parquet"), &batch)
        })
        .collect();
    let whole = ParquetTable::open(whole).unwrap();
    let current = ParquetTable::open_folder(&folder).unwrap();
    assert_eq!(current.rows(), 3_000);
    let check = DriftCheck::against(&whole).prepare().unwrap();
    assert_eq!(check.run(&current).unwrap(), check.run(&whole).unwrap());
    assert_eq!(ParquetTable::open_all(&parts).unwrap().rows(), 3_000);
    let batches = [rows(0, 1_500), rows(1_500, 3_000)];
    let in_memory = [Source::from(&batches[..]), Source::from(batches.to_vec())];
    for source in in_memory {
        assert!(!check.run(source).unwrap().verdict.drifted);
    }

    fs::write(folder.join("part-9.parquet"), b"torn").unwrap();
    assert_eq!(
        ParquetTable::open_folder(&folder).unwrap_err().kind(),
        ErrorKind::Corrupt
    );
    let none = ParquetTable::open_folder(folder.join("nowhere")).unwrap_err();
    assert_eq!(none.kind(), ErrorKind::NotFound);
    assert_eq!(
        ParquetTable::open_all([""; 0]).unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
    fs::remove_dir_all(&folder).unwrap();
}

/// As pandas writes them: integers in one file, floats in the next, since some are missing there, and text in two encodings.
#[test]
fn files_of_types_of_one_meaning_are_one_table() {
    use arrow::datatypes::DataType as T;
    let folder = std::env::temp_dir().join(format!("parquet-types-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let coded = T::Dictionary(Box::new(T::Int32), Box::new(T::Utf8));
    let whole = write(&folder, "whole", &rows(0, 3_000));
    for (part, number, label) in [(0, T::Int64, coded), (1, T::Float64, T::Utf8)] {
        let plain = rows(part * 1_500, (part + 1) * 1_500);
        let column = |index: usize, of| arrow::compute::cast(plain.column(index), of).unwrap();
        let part_of = [("x", column(0, &number)), ("label", column(1, &label))];
        let part_of = RecordBatch::try_from_iter(part_of).unwrap();
        write(&folder, &format!("part-{part}.parquet"), &part_of);
    }
    let whole = ParquetTable::open(whole).unwrap();
    let parts = ParquetTable::open_folder(&folder).unwrap();
    assert_eq!(parts.schema().field(0).data_type(), &T::Float64);
    let check = DriftCheck::against(&whole).prepare().unwrap();
    assert_eq!(check.run(&parts).unwrap(), check.run(&whole).unwrap());
    let check = DriftCheck::against(&parts).prepare().unwrap();
    assert_eq!(check.run(&parts).unwrap(), check.run(&whole).unwrap());
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_folder_of_folders_is_told() {
    let folder = std::env::temp_dir().join(format!("parquet-hive-{}", std::process::id()));
    fs::create_dir_all(folder.join("month=1")).unwrap();
    write(&folder.join("month=1"), "part", &rows(0, 10));
    let error = ParquetTable::open_folder(&folder).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let error = error.to_string();
    assert!(
        error.contains("folders within it are not looked into") && error.contains("parquet-hive"),
        "{error}"
    );
    fs::remove_dir_all(&folder).unwrap();
}

/// As of batches in memory: of a folder in which a file lost a column, has one beyond the others, or has one as another type, the other columns are
/// compared if schema changes are reported; else it is an error that names the file. So it is of a reference, always.
#[test]
fn files_that_differ_are_told_or_refused() {
    let folder = std::env::temp_dir().join(format!("parquet-differ-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let whole = ParquetTable::open(write(&folder, "whole", &rows(0, 3_000))).unwrap();
    write(&folder, "part-0.parquet", &rows(0, 1_500));
    let later = rows(1_500, 3_000);
    let x = || later.column(0).clone();
    let text = arrow::compute::cast(&x(), &arrow::datatypes::DataType::Utf8).unwrap();
    let lost = later.project(&[0]).unwrap();
    let beyond = [("x", x()), ("label", later.column(1).clone()), ("new", x())];
    let retyped = [("x", text), ("label", later.column(1).clone())];
    for (later, column, why) in [
        (lost, "label", "column \"label\" is missing"),
        (
            RecordBatch::try_from_iter(beyond).unwrap(),
            "new",
            "a new column",
        ),
        (
            RecordBatch::try_from_iter(retyped).unwrap(),
            "x",
            "column \"x\" must be of type float64 in every part, got text",
        ),
    ] {
        write(&folder, "part-1.parquet", &later);
        let parts = ParquetTable::open_folder(&folder).unwrap();
        assert_eq!(parts.rows(), 3_000);
        let told = |error: mlops_core::Error, what: &str| {
            assert_eq!(error.kind(), ErrorKind::SignatureMismatch);
            let error = error.to_string();
            assert!(error.contains(what), "{error}");
            error
        };
        let check = DriftCheck::against(&whole);
        if column == "new" {
            assert_eq!(check.run(&parts).unwrap().new_columns, ["new"]);
        } else {
            let error = told(check.run(&parts).unwrap_err(), why);
            assert!(
                error.contains("part-1.parquet") && error.contains("table: current"),
                "{error}"
            );
        }
        let report = check.report_schema_changes().run(&parts).unwrap();
        assert_eq!(report.verdict.not_compared_columns, [column]);
        let told_of = &report.column(column).unwrap().reason;
        assert!(told_of.contains(why), "{told_of}");
        // The others are those of the whole table, in whatever parts.
        let other = if column == "x" { "label" } else { "x" };
        let other = report.column(other).unwrap();
        assert_eq!(other.verdict, ColumnVerdict::Stable);
        assert_eq!((other.current_size, other.effects[0].get()), (3_000, 0.0));

        let reference = DriftCheck::against(&parts);
        let error = told(
            reference.prepare().unwrap_err(),
            "every part of the reference",
        );
        let file = if column == "new" { "part-0" } else { "part-1" };
        assert!(
            error.contains(file) && error.contains("`except`"),
            "{error}"
        );
        assert!(reference.except([column]).prepare().is_ok());
        told(TableProfile::of(&parts).unwrap_err(), file);
        let rest = || Projection::except(parts.clone(), [column]).unwrap();
        let profiled = TableProfile::of(&rest()).unwrap();
        assert_eq!(profiled.columns().len(), parts.schema().fields().len() - 1);
        assert!(profiled.column(column).is_none());
        let level = SignificanceLevel::FIVE_PERCENT;
        let quality = preset::data_quality(rest(), level).unwrap();
        assert!(quality.run(rest()).unwrap().passed());
    }
    fs::remove_dir_all(&folder).unwrap();
}

/// Whichever byte of a file is damaged, and however: the table is read, perhaps with other values, or refused; nothing panics.
#[test]
fn damage_is_an_error() {
    let folder = std::env::temp_dir().join(format!("parquet-damage-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = write(&folder, "whole", &rows(0, 40));
    let bytes = fs::read(&path).unwrap();
    let damaged = folder.join("damaged");
    let mut kinds = std::collections::BTreeMap::new();
    for (place, bit) in (0..bytes.len()).flat_map(|place| [(place, 0), (place, 4), (place, 6)]) {
        let mut torn = bytes.clone();
        torn[place] ^= 1 << bit;
        fs::write(&damaged, &torn).unwrap();
        let read = ParquetTable::open(&damaged).and_then(|table| {
            let schema = table.schema();
            let names = schema.fields().iter().map(|field| field.name());
            for name in names {
                for chunk in table.column(name)? {
                    chunk?;
                }
            }
            Ok(())
        });
        let kind = read.map_or_else(
            |error: mlops_core::Error| format!("{:?}", error.kind()),
            |()| "read".to_owned(),
        );
        *kinds.entry(kind).or_insert(0_u32) += 1;
    }
    // Pages without a checksum hide what became of their values; footers do not.
    assert!(kinds["read"] > 0 && kinds["Corrupt"] > 100, "{kinds:?}");
    fs::remove_dir_all(&folder).unwrap();
}

/// What a reader does next differs: write it again, copy it again, look for another file.
#[test]
fn an_empty_a_truncated_and_another_file_are_told_apart() {
    let folder = std::env::temp_dir().join(format!("parquet-apart-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let whole = fs::read(write(&folder, "whole", &rows(0, 40))).unwrap();
    let mut damaged = whole.clone();
    let footer = damaged.len() - 8; // its length, before the last four bytes
    damaged[footer..footer + 4].fill(0xff);
    let cases: [(&[u8], &str); 6] = [
        (b"", "the file is empty: 0 bytes"),
        (&whole[..whole.len() / 2], "the Parquet file is truncated"),
        (&whole[..6], "the Parquet file is truncated"),
        (b"a,b\n1,2\n3,4\n", "not a Parquet file"),
        (b"PA", "not a Parquet file"),
        (&damaged, "Parquet file cannot be read"),
    ];
    for (bytes, told) in cases {
        let path = folder.join("odd.parquet");
        fs::write(&path, bytes).unwrap();
        let error = ParquetTable::open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        let error = error.to_string();
        assert!(
            error.contains(told) && error.contains("odd.parquet"),
            "{error}"
        );
    }
    fs::remove_dir_all(&folder).unwrap();
}
