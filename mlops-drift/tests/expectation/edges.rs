//! Where rules end: ends of ranges, names of types, few rows, and what a file and a report say of them.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Decimal128Array, Decimal256Array, Int64Array, StringArray,
    UInt64Array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, TimeUnit, i256};
use mlops_core::ErrorKind;
use mlops_core::evidence::SignificanceLevel;
use mlops_core::type_name;
use mlops_drift::expectation::{Bounds, Context, Expectation, ExpectationResult, Rule, Suite};
use mlops_drift::profile::TableProfile;

use super::{broken, broken_of, result_in, table};

fn from_json(rule: &str) -> mlops_core::Result<Suite> {
    Suite::from_json(&format!(
        r#"{{"version": 2, "expectations": [{{"column": "x", "rule": {rule}}}]}}"#
    ))
}

/// However texts are held, the same rows break the same rules on labels.
#[test]
fn encodings_of_texts_are_alike() {
    use DataType as T;
    let plain = StringArray::from(vec![Some("UA"), None, Some("ua"), Some(""), Some("UA")]);
    let dictionary = |keys, values| T::Dictionary(Box::new(keys), Box::new(values));
    for of in [
        T::Utf8,
        T::LargeUtf8,
        T::Utf8View,
        dictionary(T::Int8, T::Utf8),
        dictionary(T::UInt32, T::LargeUtf8),
    ] {
        let column = || cast(&plain, &of).unwrap();
        for (rule, rows) in [
            (Rule::matches("^[A-Z]+$").unwrap(), vec![2, 3]),
            (Rule::one_of(["UA"]), vec![2, 3]),
            (Rule::none_of(["UA"]), vec![0, 4]),
            (Rule::Length((2..).into()), vec![3]),
            (Rule::Unique, vec![4]),
            (Rule::NotNull, vec![1]),
        ] {
            assert_eq!(broken_of(rule.clone(), column()), rows, "{rule} of {of}");
        }
    }
}

/// One instant in every unit is as old; a count without a unit has no age.
#[test]
fn ages_do_not_depend_on_the_unit() {
    let day = Int64Array::from(vec![Some(86_400), None]);
    let seconds = cast(&day, &DataType::Timestamp(TimeUnit::Second, None)).unwrap();
    let context = Context::default().now("1970-01-03T00:00:00Z".parse().unwrap());
    let result = |column: ArrayRef, within: u64| {
        let batch = table([("x", column)]);
        result_in(&batch, Rule::fresh(within), &context)
    };
    use TimeUnit as U;
    let units = [U::Second, U::Millisecond, U::Microsecond, U::Nanosecond];
    let stamps = units.map(|unit| DataType::Timestamp(unit, None));
    for of in stamps
        .into_iter()
        .chain([DataType::Date32, DataType::Date64])
    {
        let column = || cast(&seconds, &of).unwrap();
        let [fresh, stale] = [86_400, 86_399].map(|within| result(column(), within));
        assert!(fresh.passed && !stale.passed, "{of}: {fresh:?}");
        assert_eq!(stale.reason, "the newest time is 86400 s old");
    }
    let counted = result(Arc::new(day), u64::MAX).reason;
    assert!(
        counted.ends_with("must hold dates or timestamps (cast numbers and texts to a timestamp before), got int64"),
        "{counted}"
    );
}

/// However small: brought to its places, no integer but zero would fit.
#[test]
fn zero_is_below_every_positive_end() {
    let tiny = format!("0.{}1", "0".repeat(39));
    for rule in [
        Rule::at_least(1e-300).unwrap(),
        Rule::at_least(f64::MIN_POSITIVE).unwrap(),
        Rule::at_least(tiny.as_str()).unwrap(),
    ] {
        let integers = Int64Array::from(vec![-1, 0, 1]);
        assert_eq!(broken(rule.clone(), integers), [0, 1], "{rule}");
        let decimals = Decimal128Array::from(vec![-1, 0, 1]);
        assert_eq!(broken(rule, decimals), [0, 1]);
    }
    let above = Rule::Between(Bounds::default().max(format!("-{tiny}")));
    assert_eq!(broken(above, Int64Array::from(vec![-1, 0, 1])), [1, 2]);
}

/// A range that no rule can read would set the reference's own rows apart.
#[test]
fn a_reference_of_wide_decimals_obeys_its_own_suite() {
    for digits in [38, 50, 76] {
        let column = Decimal256Array::from_iter_values((0..2_000).map(i256::from_i128))
            .with_precision_and_scale(digits, 2)
            .unwrap();
        let batch = table([("x", Arc::new(column) as ArrayRef)]);
        let quality = mlops_drift::preset::data_quality(&batch, SignificanceLevel::FIVE_PERCENT);
        let quality = quality.unwrap();
        assert!(quality.run(&batch).unwrap().passed(), "{digits} digits");
        let (accepted, _) = quality.suite().split(&batch, &Context::default()).unwrap();
        assert_eq!(accepted.num_rows(), 2_000);
    }
}

fn compared(current: ArrayRef, reference: ArrayRef) -> [ExpectationResult; 2] {
    let rule = Rule::DistributedAs {
        table: "reference".into(),
    };
    let expectation = Expectation::on("x", rule).level(SignificanceLevel::ONE_PERCENT);
    let suite = Suite::new([expectation.unwrap()]);
    let [current, reference] = [current, reference].map(|column| table([("x", column)]));
    let rows = Context::default().table("reference", reference.clone());
    let rows = suite.validate_with(&current, &rows).unwrap();
    let profile = TableProfile::of(&reference).unwrap();
    let of_one_type = current.schema() == reference.schema();
    let current = match of_one_type {
        true => profile.like(&current).unwrap(),
        false => TableProfile::of(&current).unwrap(), // `like` reads truths as texts
    };
    let profiles = Context::default().profile("reference", profile);
    let profiles = suite.validate_profile(&current, &profiles).unwrap();
    [rows, profiles].map(|mut report| report.results.remove(0))
}

/// At 1 % the least p-values are 2/C(2n, n) and 2/(n + 1): 0.029 of 4 and 4, 0.0079 of 5 and 5; 0.0198 of 100 and 1.
#[test]
fn too_few_values_to_differ_are_not_compared() {
    let numbers = |size: i64, start: i64| {
        Arc::new(Int64Array::from_iter_values(start..start + size)) as ArrayRef
    };
    let labels = |size: i64, label: &str| {
        let labels = (0..size).map(|_| label);
        Arc::new(StringArray::from_iter_values(labels)) as ArrayRef
    };
    for (n, m, reachable) in [
        (2, 2, false),
        (4, 4, false),
        (50, 1, false),
        (5, 5, true),
        (400, 1, true),
    ] {
        let cases = [
            compared(numbers(n, 0), numbers(m, 1_000)),
            compared(labels(n, "a"), labels(m, "b")),
        ];
        for result in cases.into_iter().flatten() {
            assert_eq!(result.applicable, reachable, "{n}, {m}: {result:?}");
            assert!(!result.passed, "{n}, {m}: {result:?}");
        }
    }
    for result in compared(numbers(1, 1_000), numbers(100, 0)) {
        assert!(!result.applicable, "{result:?}");
    }
}

#[test]
fn truths_are_not_compared_with_texts() {
    let truths = BooleanArray::from(vec![true; 50]);
    let texts = StringArray::from(vec!["true"; 50]);
    for result in compared(Arc::new(truths), Arc::new(texts)) {
        let why = "cannot be checked: the column must be comparable with text, got bool";
        assert_eq!(result.reason, why);
    }
}

#[test]
fn integers_of_64_bits_are_kept() {
    let json = r#"{"between":{"min":18446744073709551615}}"#;
    let rule: Rule = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&rule).unwrap(), json);
    assert_eq!(rule, Rule::at_least(u64::MAX).unwrap());
    assert_eq!(rule, Rule::from_json(json).unwrap());
    for malformed in ["{}", "[1]", r#"{"between": {}}"#, r#"{"matches": "("}"#] {
        let error = Rule::from_json(malformed).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    }
    let greatest = UInt64Array::from(vec![u64::MAX - 1, u64::MAX]);
    assert_eq!(broken(rule.clone(), greatest), [0]);
    let suite = Suite::new([Expectation::on("x", rule)]);
    assert_eq!(Suite::from_json(&suite.to_json().unwrap()).unwrap(), suite);
    #[cfg(feature = "toml")]
    assert_eq!(Suite::from_toml(&suite.to_toml().unwrap()).unwrap(), suite);

    for beyond in ["18446744073709551616", "-9223372036854775809"] {
        let error = from_json(&format!(r#"{{"between": {{"min": {beyond}}}}}"#)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        let why = format!("[-2^63, 2^64) or be written as a text in quotation marks, got {beyond}");
        assert!(error.to_string().contains(&why), "{error}");
        let alone = Rule::from_json(&format!(r#"{{"between": {{"min": {beyond}}}}}"#)).unwrap_err();
        assert_eq!(alone.kind(), ErrorKind::InvalidArgument);
        assert!(alone.to_string().contains(&why), "{alone}");
        let text = format!(r#"{{"between": {{"min": "{beyond}"}}}}"#);
        assert!(from_json(&text).is_ok() && Rule::from_json(&text).is_ok());
    }
    assert!(from_json(r#"{"one_of": ["\\", "\"18446744073709551616"]}"#).is_ok());
    assert!(from_json(r#"{"between": {"min": 1e18, "max": 18446744073709551616.0}}"#).is_ok());
}

#[test]
fn a_range_must_hold_a_value() {
    for (min, max) in [
        ("2013-12-31", "2013-01-01"),
        ("2013-01-01T05:00:00", "2013-01-01"),
        ("2013-01-01T05:00:00Z", "2013-01-01T05:00:00+01:00"),
        ("06:00:00", "05:59:59"),
        ("10", "9"),
    ] {
        let error = Rule::between(min, max).unwrap_err();
        let why = format!("a range must hold a value, got between {min} and {max}");
        assert!(error.to_string().ends_with(&why), "{error}");
    }
    assert!(Rule::between("2013-01-01", "2013-01-01").is_ok());
    assert!(Rule::between("9", "10").is_ok());
    assert!(Rule::between("b", "a").is_ok()); // a column will refuse them
    let error = from_json(r#"{"between": {}}"#).unwrap_err();
    assert!(error.to_string().contains("must have an end"), "{error}");
}

#[test]
fn types_are_named_as_they_are_written() {
    use DataType as T;
    let item = |of| Arc::new(Field::new("item", of, true));
    for data_type in [
        T::Boolean,
        T::Utf8,
        T::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        T::Timestamp(TimeUnit::Second, None),
        T::Time64(TimeUnit::Nanosecond),
        T::Decimal128(10, 2),
        T::Decimal256(76, -3),
        T::FixedSizeBinary(16),
        T::List(item(T::Float64)),
        T::FixedSizeList(item(T::Float32), 8),
        T::FixedSizeList(item(T::Decimal128(10, 2)), 8),
        T::Struct(vec![item(T::Boolean)].into()),
        T::Dictionary(Box::new(T::Int8), Box::new(T::Utf8)),
        T::ListView(item(T::Int8)),
    ] {
        let name = type_name(&data_type);
        let rule = serde_json::to_string(&Rule::Type(name)).unwrap();
        assert!(from_json(&rule).is_ok(), "{rule}");
    }
    for name in [
        "utf8",
        "string",
        "Int64",
        "",
        "timestamp",
        "decimal128(10)",
        "list(utf8)",
    ] {
        let error = from_json(&format!(r#"{{"type": "{name}"}}"#)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        let why = format!(
            "timestamp(us, UTC), time(ms), decimal128(10, 2) or list(float64), got {name:?}"
        );
        assert!(error.to_string().contains(&why), "{error}");
    }
}

#[test]
fn what_is_no_object_hears_what_a_suite_is() {
    for text in ["[]", "", "3", "[{\"column\": \"x\"}]"] {
        let error = Suite::from_json(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(
            error
                .to_string()
                .contains(r#"such as {"version": 2, "expectations": []}"#)
        );
    }
}

#[test]
fn shares_are_told_in_four_digits() {
    let told = |share| {
        Expectation::on("x", Rule::NotNull)
            .mostly(share)
            .unwrap()
            .to_string()
    };
    assert_eq!(
        told(0.987_160_206_255_042_6),
        "x is not missing in 98.72 % of rows"
    );
    assert_eq!(told(0.999), "x is not missing in 99.9 % of rows");
    assert_eq!(
        told(0.999_999_96),
        "x is not missing in 99.999996 % of rows"
    );
}

#[test]
fn rows_set_apart_unchecked_say_so() {
    let batch = table([("x", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef)]);
    let suite = Suite::new([Expectation::on("misspelt", Rule::NotNull)]);
    let (accepted, quarantined) = suite.split(&batch, &Context::default()).unwrap();
    assert_eq!((accepted.num_rows(), quarantined.num_rows()), (0, 2));
    let why = quarantined["broken_expectations"].as_string::<i64>();
    assert_eq!(
        why.value(0),
        "misspelt is not missing (cannot be checked: column \"misspelt\" is missing)"
    );
}

/// Beyond the cap on labels a profile knows bounds of a count.
#[test]
fn bounds_of_a_profile_are_told_as_such() {
    let label = |row: u32| match row % 100 {
        0 => "a".to_owned(),
        _ => row.to_string(),
    };
    let labels = StringArray::from_iter_values((0..200_000).map(label));
    let profile = TableProfile::of(&table([("x", Arc::new(labels) as ArrayRef)])).unwrap();
    let reason = |label: &str| {
        let expectation = Expectation::on("x", Rule::none_of([label])).mostly(0.5);
        let report = Suite::new([expectation.unwrap()])
            .validate_profile(&profile, &Context::default())
            .unwrap();
        assert!(report.passed());
        report.results[0].reason.clone()
    };
    let frequent = reason("a");
    assert!(frequent.starts_with("broken by at least "), "{frequent}");
    let rare = reason("7");
    assert!(!rare.starts_with("obeyed by all"), "{rare}");
}

/// Every line of the table in the documentation, which shows every rule.
#[test]
fn the_table_of_rules_is_what_serde_reads() {
    let source = include_str!("../../src/expectation/rules.md");
    let lines = source.lines().filter(|line| line.starts_with("| [`"));
    let mut shown = 0;
    for line in lines {
        let cells: Vec<&str> = line.split('`').collect();
        for json in cells.iter().skip(3).step_by(2) {
            let rule: Rule = serde_json::from_str(json).unwrap();
            assert!(format!("{rule:?}").starts_with(cells[1]), "{line}");
            let value: serde_json::Value = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_value(&rule).unwrap(), value);
        }
        shown += 1;
    }
    let rules = super::parts::every_rule();
    let names = rules.expectations().iter().map(|expectation| {
        let name = format!("{:?}", expectation.rule());
        name.split(['(', ' ']).next().unwrap_or_default().to_owned()
    });
    let names: std::collections::BTreeSet<String> = names.collect();
    assert_eq!(shown, names.len());
}
