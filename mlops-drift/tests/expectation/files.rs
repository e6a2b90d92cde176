//! Suites as files, and bad rows in Parquet files of their own.

use mlops_drift::expectation::{Rule, Suite};

use super::parts::{every_rule, first_rules};

/// A suite as written by the first version; newer readers must read it.
const FIRST: &str = include_str!("../fixtures/suite-v1.json");
const SECOND: &str = include_str!("../fixtures/suite-v2.json");

#[test]
fn every_rule_comes_back_from_json() {
    let suite = every_rule();
    assert_eq!(Suite::from_json(&suite.to_json().unwrap()).unwrap(), suite);
}

/// By the table of the documentation, whatever is wrong about it.
#[test]
fn an_unreadable_rule_is_told_with_how_it_is_written() {
    for expectation in every_rule().expectations() {
        let name = expectation.rule().name();
        let error = Rule::from_json(&format!("{{\"{name}\": [[]]}}")).unwrap_err();
        let error = error.to_string();
        let (_, written) = error.split_once("(written as: ").unwrap();
        let written = Rule::from_json(written.strip_suffix(')').unwrap()).unwrap();
        assert_eq!(written.name(), name);
    }
    // A list would be read by the order of the fields.
    for listed in [
        r#"{"between": [5]}"#,
        r#"{"between": [0, 23]}"#,
        r#"{"rows": [300]}"#,
        r#"{"mean": [10, 20]}"#,
        r#"{"quantile": [0.5, {"max": 3}]}"#,
        r#"{"quantile": {"share": 0.5, "within": [3]}}"#,
        r#"{"at_most": ["y"]}"#,
    ] {
        let suite = |expectation: String| {
            Suite::from_json(&format!(
                r#"{{"version": 2, "expectations": [{expectation}]}}"#
            ))
        };
        let on = format!(r#"{{"column": "x", "rule": {listed}}}"#);
        let condition = format!(
            r#"{{"column": "x", "rule": "not_null", "where": [{{"column": "y", "rule": {listed}}}]}}"#
        );
        for error in [
            Rule::from_json(listed).unwrap_err(),
            suite(on).unwrap_err(),
            suite(condition).unwrap_err(),
        ] {
            let error = error.to_string();
            assert!(
                error.contains("settings must be named, got a list of them"),
                "{error}"
            );
            assert!(
                error.contains("written as: {") || error.contains("rule: not_null"),
                "{error}"
            );
        }
    }
    let unnamed =
        r#"{"version": 2, "expectations": [["k", 0.01, null, "warning", null, [], "not_null"]]}"#;
    let error = Suite::from_json(unnamed).unwrap_err().to_string();
    assert!(
        error.contains("settings must be named") && error.contains("1 of 1"),
        "{error}"
    );
    let unknown = Rule::from_json("\"betwixt\"").unwrap_err().to_string();
    assert!(
        unknown.contains("betwixt") && !unknown.contains("written as"),
        "{unknown}"
    );
}

#[test]
fn files_of_the_first_version_are_read() {
    assert_eq!(Suite::from_json(FIRST).unwrap(), Suite::new(first_rules()));
}

#[test]
fn files_of_the_second_version_are_read() {
    assert_eq!(Suite::from_json(SECOND).unwrap(), every_rule());
}

#[cfg(feature = "toml")]
mod toml {
    use mlops_core::ErrorKind;

    use super::*;

    #[test]
    fn every_rule_comes_back() {
        let suite = every_rule();
        assert_eq!(Suite::from_toml(&suite.to_toml().unwrap()).unwrap(), suite);
    }

    /// Bounds of a standard deviation that leave some in and some out.
    #[test]
    fn bounds_that_reach_below_0_are_fine() {
        for bounds in [
            "{ above = 0 }",
            "{ min = 0, max = 3 }",
            "{ min = -3, max = 5 }",
            "{ max = 0 }",
        ] {
            let text = format!(
                "version = 2\n[[expectations]]\ncolumn = \"x\"\nrule.standard_deviation = {bounds}"
            );
            assert!(Suite::from_toml(&text).is_ok(), "{bounds}");
        }
    }

    #[test]
    fn what_is_no_suite_is_an_error() {
        let newer = Suite::from_toml("version = 3\nexpectations = []").unwrap_err();
        assert_eq!(newer.kind(), ErrorKind::Unsupported);
        let of = |rule: &str| format!("version = 1\n[[expectations]]\ncolumn = \"x\"\n{rule}");
        assert!(Suite::from_toml(&of("rule = \"not_null\"")).is_ok());
        for (text, why) in [
            (String::new(), "version"),
            ("version = ".into(), "not a suite"),
            ("version = -1".into(), "not a suite"),
            (
                "version = 1\nexpectations = 5".into(),
                "invalid type: integer `5`",
            ),
            (of(""), "rule"),
            (of("rule = \"sounds_nice\""), "sounds_nice"),
            (of("rule = \"not_null\"\nmost = 1"), "most"),
            (
                of("rule = \"not_null\"\nmostly = \"all\""),
                "rule: not_null)",
            ), // the rule is well written
            (of("rule = \"not_null\"\nmostly = nan"), "(0, 1], got NaN"),
            (of("rule = \"not_null\"\nmostly = 0"), "(0, 1], got 0"),
            (of("rule = \"not_null\"\nlevel = 2.0"), "(0, 1)"),
            (of("rule.matches = \"(\""), "well-formed"),
            (of("rule.between.min = inf"), "finite"),
            (of("rule.between.minimum = 1"), "minimum"),
            (of("rule.between.min = 2013-01-01"), "in quotation marks"),
            (of("rule.between = {}"), "must have an end"),
            (
                of("rule.at_most.column = \"x\""),
                "with another, got \"x\" at most x",
            ),
            (
                of(
                    "rule = \"not_null\"\nwhere = [{ column = \"y\", rule.less_than.column = \"y\" }]",
                ),
                "with another",
            ),
            (of("rule.standard_deviation.max = -1"), "at least 0"),
            (of("rule.between = [5]"), "settings must be named"),
            (of("rule.none_of = []"), "at least 1 value"),
            (of("rule.matches = \"\""), "must not match every text"),
            (of("rule.standard_deviation.above = -1"), "at least 0"),
            (of("rule.standard_deviation.min = -3"), "at least 0"),
            (of("rule.standard_deviation.min = 0"), "at least 0"),
            (of("rule.standard_deviation.below = 0"), "at least 0"),
            // How it is written, where serde says what our types are.
            (
                of("rule = \"between\""),
                "(expectation: 1 of 1, column: x, rule: between, written as: {\"between\": {\"min\": 0, ",
            ),
            (
                of("rule.one_of = \"n1\""),
                "written as: {\"one_of\": [\"EWR\", \"JFK\"]})",
            ),
            (of("rule.not_null = true"), "written as: \"not_null\")"),
            (
                of("rule.key_in_table.table = \"t\""),
                "written as: {\"key_in_table\": {\"with\"",
            ),
            (of("rule.type = \"utf8\""), "such as bool"),
            (
                of("rule.between.min = 18446744073709551616"),
                "18446744073709551616",
            ),
        ] {
            let error = Suite::from_toml(&text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(
                error.to_string().contains(why),
                "{error} does not say {why}"
            );
        }
    }

    /// Beyond the 64 bits with a sign that TOML asks for.
    #[test]
    fn the_greatest_count_comes_back() {
        use mlops_drift::expectation::{Expectation, Rule};
        let suite = Suite::new([Expectation::on_table(Rule::Rows((u64::MAX..).into()))]);
        assert_eq!(Suite::from_toml(&suite.to_toml().unwrap()).unwrap(), suite);
    }
}

#[cfg(feature = "parquet")]
mod quarantine {
    use std::fs::File;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    use arrow::compute::concat_batches;
    use mlops_core::ErrorKind;
    use mlops_drift::expectation::{Context, Expectation, Rule, Suite};
    use mlops_drift::table::ParquetTable;
    use parquet::arrow::ArrowWriter;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use parquet::file::properties::WriterProperties;

    use super::super::table;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    /// Identifiers of which every hundredth is the one before, and columns that no rule is on.
    fn flights(rows: i64) -> RecordBatch {
        let ids = (0..rows).map(|i| Some(if i % 100 == 99 { i - 1 } else { i }));
        let delays = (0..rows).map(|i| (i % 7 != 0).then_some(i % 300 - 20));
        let names = (0..rows).map(|i| format!("flight {i}"));
        table([
            ("id", Arc::new(ids.collect::<Int64Array>()) as ArrayRef),
            ("name", Arc::new(StringArray::from_iter_values(names))),
            ("delay", Arc::new(delays.collect::<Int64Array>())),
        ])
    }

    fn write(batch: &RecordBatch, path: &Path) {
        let groups = WriterProperties::builder()
            .set_max_row_group_row_count(Some(10_000))
            .build();
        let file = File::create(path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(groups)).unwrap();
        writer.write(batch).unwrap();
        writer.close().unwrap();
    }

    fn read(path: &Path) -> RecordBatch {
        let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
        let schema = builder.schema().clone();
        let parts: Vec<_> = builder.build().unwrap().map(Result::unwrap).collect();
        concat_batches(&schema, &parts).unwrap()
    }

    fn suite() -> Suite {
        Suite::new([
            Expectation::on("id", Rule::Unique),
            Expectation::on("delay", Rule::between(-15, 240).unwrap()),
            Expectation::on("delay", Rule::NotNull).mostly(0.8).unwrap(),
        ])
    }

    /// A file of five row groups, read and written in parts, against the whole in memory.
    #[test]
    fn a_parquet_file_is_split_as_its_rows_are() {
        let folder = Folder::new("quarantine");
        let path = |name: &str| folder.0.join(name);
        let all = flights(50_000);
        write(&all, &path("all.parquet"));
        let (suite, context) = (suite(), Context::default());
        let report = suite
            .quarantine(
                &ParquetTable::open(path("all.parquet")).unwrap(),
                &context,
                File::create(path("accepted.parquet")).unwrap(),
                File::create(path("quarantined.parquet")).unwrap(),
            )
            .unwrap();
        assert_eq!(report, suite.validate(&all).unwrap());
        assert_eq!(report.results[0].broken, 500);
        let (accepted, quarantined) = suite.split(&all, &context).unwrap();
        assert!(accepted.num_rows() > 0 && quarantined.num_rows() > 0);
        assert_eq!(
            read(&path("accepted.parquet")).columns(),
            accepted.columns()
        );
        assert_eq!(
            read(&path("quarantined.parquet")).columns(),
            quarantined.columns()
        );
        let again = ParquetTable::open(path("quarantined.parquet")).unwrap();
        let error = suite
            .quarantine(&again, &context, Vec::new(), Vec::new())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }

    #[test]
    fn what_cannot_be_written_is_an_error() {
        struct Full;
        impl std::io::Write for Full {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let error = suite()
            .quarantine(&flights(9), &Context::default(), Full, Vec::new())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
}
