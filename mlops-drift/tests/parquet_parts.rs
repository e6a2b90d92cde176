//! A table in several Parquet files: the same verdict as of one, parts that do not fit are refused, and damage is an error.
#![cfg(feature = "parquet")]
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use mlops_core::ErrorKind;
use mlops_drift::DriftCheck;
use mlops_drift::check::Source;
use mlops_drift::table::{ParquetTable, Table};
use parquet::arrow::ArrowWriter;

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

    let narrow = write(
        &folder,
        "part-9.parquet",
        &rows(0, 10).project(&[0]).unwrap(),
    );
    let error = ParquetTable::open_folder(&folder).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignatureMismatch);
    assert!(
        error.to_string().contains("\"label\"") && error.to_string().contains("part-9"),
        "{error}"
    );
    fs::remove_file(narrow).unwrap();
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
