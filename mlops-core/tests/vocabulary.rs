//! Names, numbers, digests and fingerprints: what is accepted, what is refused, what is equal.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;
use std::sync::Arc;

use mlops_core::arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, LargeStringArray,
    RecordBatch, StringArray,
};
use mlops_core::arrow::compute::concat_batches;
use mlops_core::arrow::datatypes::Int32Type;
use mlops_core::{
    Actor, Alias, Digest, ErrorKind, Fingerprint, ModelName, RunId, Subject, Timestamp,
    VersionNumber,
};
use proptest::prelude::*;

#[test]
fn names_that_could_be_paths_controls_or_blanks_are_refused() {
    for bad in [
        "",
        " ",
        "a ",
        " a",
        ".",
        "..",
        ".hidden",
        "a/b",
        "a\\b",
        "../a",
        "a\0",
        "a\nb",
        "a\u{202e}b",
        ":",
        "a:",
        "a*",
        "a?b",
        "a\"b",
        "${a}",
        &"a".repeat(201),
    ] {
        let error = ModelName::new(bad).unwrap_err();
        assert!(error.to_string().contains(&format!("{bad:?}")), "{error}");
        let read = serde_json::from_value::<ModelName>(bad.into());
        assert!(read.is_err(), "{bad:?} must not come in by a file either");
        assert!(Alias::new(bad).is_err() && Actor::new(bad).is_err() && Subject::new(bad).is_err());
    }
    for good in [
        "a",
        "flight-delays",
        "rollout:flight-delays",
        "Verspätung 2",
        "模型",
        "v1.2.",
        "_",
        &"a".repeat(200),
    ] {
        assert_eq!(ModelName::new(good).unwrap().as_str(), good);
    }
}

#[test]
fn version_numbers_start_at_one() {
    let error = VersionNumber::new(0).unwrap_err();
    assert!(error.to_string().contains('0'), "{error}");
    assert!(serde_json::from_str::<VersionNumber>("0").is_err());
    assert!(VersionNumber::FIRST < VersionNumber::FIRST.next());
}

proptest! {
    #[test]
    fn run_ids_sort_by_time_and_read_back(
        a in 0_i64..4_000_000_000_000, b in 0_i64..4_000_000_000_000, random in any::<[u8; 10]>(),
    ) {
        let id = |millis| RunId::from_parts(Timestamp::from_millisecond(millis).unwrap(), random);
        if a != b {
            prop_assert_eq!(id(a) < id(b), a < b);
        }
        prop_assert_eq!(id(a).to_string().parse::<RunId>().unwrap(), id(a));
    }
}

/// The vectors of FIPS 180-2, appendix B.
#[test]
fn digests_are_sha_256() {
    for (message, expected) in [
        (
            "abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
    ] {
        let expected: Digest = expected.parse().unwrap();
        assert_eq!(Digest::of(message.as_bytes()), expected);
    }
    let sign = format!("+{}", "0".repeat(63));
    for bad in ["", "ab", &"g".repeat(64), &sign, &"é".repeat(32)] {
        let error = bad.parse::<Digest>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{bad}");
    }
}

/// One row of a table: a number, a text and a flag, each of which may be missing.
type Row = (Option<i64>, Option<String>, Option<bool>);

fn table(rows: &[Row]) -> RecordBatch {
    let columns: [(&str, ArrayRef, bool); 3] = [
        (
            "n",
            Arc::new(Int64Array::from_iter(rows.iter().map(|r| r.0))),
            true,
        ),
        (
            "t",
            Arc::new(StringArray::from_iter(rows.iter().map(|r| r.1.clone()))),
            true,
        ),
        (
            "f",
            Arc::new(BooleanArray::from_iter(rows.iter().map(|r| r.2))),
            true,
        ),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn fingerprint(table: &RecordBatch) -> Digest {
    Fingerprint::of([table]).unwrap()
}

proptest! {
    #[test]
    fn a_fingerprint_does_not_see_how_rows_are_cut_or_text_is_encoded(
        rows in prop::collection::vec(any::<Row>(), 1..40),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let whole = table(&rows);
        let cuts: BTreeSet<usize> = cuts.iter().map(|cut| cut.index(rows.len() + 1)).collect();
        let ends = cuts.iter().copied().chain([rows.len()]);
        let mut start = 0;
        let parts: Vec<RecordBatch> = ends
            .map(|end| {
                let part = whole.slice(start, end - start);
                start = end;
                part
            })
            .collect();
        prop_assert_eq!(Fingerprint::of(&parts).unwrap(), fingerprint(&whole));
        let copied = concat_batches(&whole.schema(), &parts).unwrap();
        prop_assert_eq!(fingerprint(&copied), fingerprint(&whole));

        let texts: Vec<Option<&str>> = rows.iter().map(|row| row.1.as_deref()).collect();
        let large: ArrayRef = Arc::new(LargeStringArray::from(texts.clone()));
        let coded: ArrayRef = Arc::new(texts.into_iter().collect::<DictionaryArray<Int32Type>>());
        for other in [large, coded] {
            let columns = [("n", whole["n"].clone()), ("t", other), ("f", whole["f"].clone())];
            let columns = columns.map(|(name, column)| (name, column, true));
            let other = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
            prop_assert_eq!(fingerprint(&other), fingerprint(&whole));
        }
    }

    #[test]
    fn a_fingerprint_sees_every_change(
        rows in prop::collection::vec(any::<Row>(), 2..20), at in any::<prop::sample::Index>(),
    ) {
        let original = fingerprint(&table(&rows));
        let at = at.index(rows.len());
        let changed = |change: &dyn Fn(&mut Row)| {
            let mut rows = rows.clone();
            change(&mut rows[at]);
            let digest = fingerprint(&table(&rows));
            (rows, digest)
        };
        for change in [
            &(|row: &mut Row| row.0 = Some(row.0.unwrap_or(0).wrapping_add(1))) as &dyn Fn(&mut Row),
            &|row: &mut Row| row.0 = row.0.is_none().then_some(0),
            &|row: &mut Row| row.1 = row.1.as_ref().map_or(Some(String::new()), |_| None),
            &|row: &mut Row| row.2 = row.2.map_or(Some(false), |flag| Some(!flag)),
        ] {
            let (after, digest) = changed(change);
            prop_assert_ne!(&after, &rows);
            prop_assert_ne!(digest, original);
        }
        let mut turned = rows.clone();
        turned.reverse();
        prop_assert_eq!(fingerprint(&table(&turned)) == original, turned == rows);
        prop_assert_ne!(fingerprint(&table(&rows[1..])), original);
        let renamed = table(&rows).project(&[0, 1]).unwrap();
        prop_assert_ne!(fingerprint(&renamed), original);
    }
}

#[test]
fn text_does_not_run_from_one_row_into_the_next() {
    let texts = |values: [&str; 2]| table(&values.map(|t| (None, Some(t.to_owned()), None)));
    assert_ne!(
        fingerprint(&texts(["ab", "c"])),
        fingerprint(&texts(["a", "bc"]))
    );
}

#[test]
fn a_name_and_a_type_are_part_of_a_fingerprint() {
    let one = |name: &str, column: ArrayRef| {
        fingerprint(&RecordBatch::try_from_iter([(name, column)]).unwrap())
    };
    let zero: ArrayRef = Arc::new(Int64Array::from(vec![0]));
    let float: ArrayRef = Arc::new(Float64Array::from(vec![0.0]));
    assert_ne!(one("a", zero.clone()), one("b", zero.clone()));
    assert_ne!(one("a", zero), one("a", float));
}

#[test]
fn batches_of_another_schema_are_refused() {
    let mut all = Fingerprint::default();
    all.update(&table(&[(None, None, None)])).unwrap();
    let other = table(&[(None, None, None)]).project(&[0, 1]).unwrap();
    assert_eq!(
        all.update(&other).unwrap_err().kind(),
        ErrorKind::SignatureMismatch
    );
    assert_eq!(all.rows(), 1);
}
