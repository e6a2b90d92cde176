//! A suite against a profile gives the verdicts of the rows, or says that it cannot.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, DurationSecondArray, Float64Array, Int64Array,
    StringArray, Time64MicrosecondArray, TimestampMillisecondArray,
};
use arrow::datatypes::DataType;
use mlops_core::evidence::SignificanceLevel;
use mlops_drift::expectation::{Bounds, Context, Expectation, ExpectationResult, Rule, Suite};
use mlops_drift::profile::TableProfile;
use proptest::prelude::*;

use super::{table, value};

fn suite(low: f64, high: f64) -> Suite {
    let on = |rule| Expectation::on("x", rule);
    let t = |rule| Expectation::on("t", rule);
    let columns = ["x", "t", "z"].map(ToOwned::to_owned).into();
    let some = |expectation: Expectation| expectation.mostly(0.5).unwrap();
    let level = SignificanceLevel::FIVE_PERCENT;
    Suite::new([
        on(Rule::Exists),
        on(Rule::Type("float64".into())),
        on(Rule::Type("int64".into())),
        some(on(Rule::NotNull)),
        on(Rule::Missing),
        on(Rule::between(low, high).unwrap()),
        some(on(Rule::Between(Bounds::default().above(low)))),
        on(Rule::Between(Bounds::default().below(high)))
            .level(level)
            .unwrap(),
        on(Rule::Mean(Bounds::default().min(low).max(high))),
        on(Rule::StandardDeviation(
            Bounds::default().max(high - low + 1.0),
        )),
        t(Rule::one_of(["a", "b", ""])),
        some(t(Rule::none_of(["a"]))),
        t(Rule::matches("^a").unwrap()),
        t(Rule::Length((1..=2).into())),
        t(Rule::Unique),
        t(Rule::Distinct((2..=4).into())),
        Expectation::on_table(Rule::Rows((3..).into())),
        Expectation::on_table(Rule::OnlyColumns(columns)),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Few distinct values lie in cells of their own, so that nothing is left open.
    #[test]
    fn verdicts_are_those_of_the_rows(
        rows in prop::collection::vec((value(), prop::option::of("[abc]{0,3}")), 1..40),
        ends in (-4..4_i32, 0..4_i32),
    ) {
        let numbers: Float64Array = rows.iter().map(|row| row.0).collect();
        let texts: StringArray = rows.iter().map(|row| row.1.as_deref()).collect();
        let batch = table([("x", Arc::new(numbers) as ArrayRef), ("t", Arc::new(texts) as ArrayRef)]);
        let suite = suite(f64::from(ends.0) / 2.0, f64::from(ends.0 + ends.1) / 2.0);
        let profile = TableProfile::of(&batch).unwrap();
        let by_rows = suite.validate(&batch).unwrap();
        let by_profile = suite.validate_profile(&profile, &Context::default()).unwrap();
        prop_assert_eq!(by_rows.passed(), by_profile.passed());
        for (of_rows, found) in by_rows.results.iter().zip(&by_profile.results) {
            let state = |of: &ExpectationResult| (of.passed, of.applicable, of.p_value);
            prop_assert_eq!(state(of_rows), state(found), "{:?} by {:?}", found, of_rows);
            if found.rows > 0 && !found.description.contains("of type") {
                prop_assert_eq!((of_rows.broken, of_rows.missing), (found.broken, found.missing), "{:?}", found);
            }
        }
    }
}

/// A bound within a cell: decided where the rows of the cell do not change the verdict, open otherwise.
#[test]
fn what_a_cell_hides_is_not_decided() {
    let column = Float64Array::from_iter_values((0..100_000).map(|i| f64::from(i) / 7.0));
    let profile = TableProfile::of(&table([("x", Arc::new(column) as ArrayRef)])).unwrap();
    let result = |end: f64, mostly: f64| {
        let rule = Rule::Between(Bounds::default().max(end));
        let suite = Suite::new([Expectation::on("x", rule).mostly(mostly).unwrap()]);
        let report = suite.validate_profile(&profile, &Context::default());
        report.unwrap().results.remove(0)
    };
    assert!(result(20_000.0, 1.0).passed && result(7_001.3, 0.4).passed);
    let decided = result(7_001.3, 0.9);
    assert!(!decided.passed && decided.broken > 50_000, "{decided:?}");
    let open = result(7_001.3, 0.490_1); // 49,010 rows obey
    let why = "cannot be checked: a profile does not tell";
    assert!(!open.passed && open.reason.starts_with(why), "{open:?}");
}

#[test]
fn what_needs_rows_is_not_decided() {
    let ids = Int64Array::from(vec![Some(1), None, Some((1 << 53) + 1)]);
    let profile = TableProfile::of(&table([("x", Arc::new(ids) as ArrayRef)])).unwrap();
    let context = Context::default().profile("before", profile.clone());
    let held = |expectation: Expectation| {
        let report = Suite::new([expectation]).validate_profile(&profile, &context);
        report.unwrap().results.remove(0)
    };
    let on = |rule| Expectation::on("x", rule);
    for open in [
        on(Rule::Increasing),
        on(Rule::Unique),
        on(Rule::fresh(1)),
        on(Rule::between(0.0, 2f64.powi(60)).unwrap()),
        on(Rule::NotNull)
            .only_where("x", Rule::at_least(0).unwrap())
            .unwrap(),
        Expectation::on("y", Rule::NotNull),
    ] {
        let found = held(open);
        assert!(
            !found.passed && found.reason.starts_with("cannot be checked"),
            "{found:?}"
        );
    }
    assert_eq!(held(on(Rule::NotNull)).broken, 1);
    let same = on(Rule::DistributedAs {
        table: "before".into(),
    });
    let same = held(same.level(SignificanceLevel::FIVE_PERCENT).unwrap());
    assert!(!same.applicable, "{same:?}"); // two values are too few
}

/// Texts whose labels no profile keeps: their lengths are counted, and what is inferred of a profile holds of it.
#[test]
fn a_suite_inferred_of_texts_holds_of_their_own_profile() {
    let texts = |longest: usize| {
        let texts = (0..2_000_usize)
            .map(|row| format!("parcel {row:04} for {}", "x".repeat(row * 7 % longest)));
        table([(
            "note",
            Arc::new(StringArray::from_iter_values(texts)) as ArrayRef,
        )])
    };
    let profile = TableProfile::of(&texts(30)).unwrap();
    let suite = Suite::infer(&profile, SignificanceLevel::FIVE_PERCENT).unwrap();
    let has_lengths = |expectation: &Expectation| matches!(expectation.rule(), Rule::Length(_));
    assert!(suite.expectations().iter().any(has_lengths));
    let held_to = |profile: &TableProfile| suite.validate_profile(profile, &Context::default());
    let itself = held_to(&profile).unwrap();
    assert!(itself.passed(), "{}", itself.to_markdown());
    // Half of the lengths are within; the others break the rule in more rows than it allows.
    let longer = profile.like(&texts(60)).unwrap();
    let [of_profile, of_rows] = [
        held_to(&longer).unwrap(),
        suite.validate(&texts(60)).unwrap(),
    ];
    assert!(!of_profile.passed() && !of_rows.passed());
}

/// Floats of any width are exact in a profile; a limit is that of the width, as it is for rows.
#[test]
fn a_suite_that_is_inferred_of_floats_holds_of_its_profile() {
    let narrow = |width: &DataType| {
        let values = (0..600).map(|i| f64::from(i % 7) / 10.0);
        let values = Arc::new(Float64Array::from_iter_values(values)) as ArrayRef;
        table([("x", arrow::compute::cast(&values, width).unwrap())])
    };
    for width in [DataType::Float16, DataType::Float32, DataType::Float64] {
        let table = narrow(&width);
        let profile = TableProfile::of(&table).unwrap();
        let level = SignificanceLevel::FIVE_PERCENT;
        let inferred = Suite::infer(&profile, level).unwrap();
        let by_hand =
            |top: f64| Suite::new([Expectation::on("x", Rule::between(0.0, top).unwrap())]);
        for (suite, passes) in [
            (inferred, true),
            (by_hand(0.6), true),
            (by_hand(0.5), false),
        ] {
            let by_profile = suite
                .validate_profile(&profile, &Context::default())
                .unwrap();
            let by_rows = suite.validate(&table).unwrap();
            assert_eq!(
                (by_profile.passed(), by_rows.passed()),
                (passes, passes),
                "{width}"
            );
        }
    }
}

/// Decimals that floats tell apart, and integers of a unit of their own, are decided as rows are; decimals of more digits are not.
#[test]
fn ranges_of_decimals_dates_times_and_durations_are_decided_by_a_profile() {
    let wide = |scale: i8, step: i128| {
        let values = Decimal128Array::from_iter_values((0..600).map(|i| i % 7 * step));
        Arc::new(values.with_precision_and_scale(30, scale).unwrap()) as ArrayRef
    };
    let of = |i: i64| i % 7 * 10;
    let at = |column: ArrayRef, texts: [&'static str; 2], is_decided: bool| {
        (column, [(texts[0], true), (texts[1], false)], is_decided)
    };
    let digits = ["60", "59.99"];
    let columns = [
        at(wide(2, 1_000), digits, true),
        at(wide(13, 10_i128.pow(14)), digits, true), // 6e14 has 15 digits
        at(wide(14, 10_i128.pow(15)), digits, false),
        at(wide(22, 10_i128.pow(23)), digits, false),
        at(
            Arc::new(Date32Array::from_iter_values((0..600).map(|i| i % 7 * 10))),
            ["1970-03-02", "1970-03-01T12:00:00"],
            true,
        ),
        at(
            Arc::new(TimestampMillisecondArray::from_iter_values(
                (0..600).map(of),
            )),
            ["1970-01-01T00:00:00.060", "1970-01-01T00:00:00.059"],
            true,
        ),
        at(
            Arc::new(Time64MicrosecondArray::from_iter_values((0..600).map(of))),
            ["00:00:00.000060", "00:00:00.000059"],
            true,
        ),
        at(
            Arc::new(DurationSecondArray::from_iter_values((0..600).map(of))),
            digits,
            true,
        ),
    ];
    for (column, tops, is_decided) in columns {
        let name = column.data_type().to_string();
        let table = table([("x", column)]);
        let profile = TableProfile::of(&table).unwrap();
        let hold = |suite: &Suite| {
            let by_profile = suite
                .validate_profile(&profile, &Context::default())
                .unwrap();
            (
                by_profile.passed(),
                suite.validate(&table).unwrap().passed(),
            )
        };
        for (top, passes) in [(60, true), (59, false)] {
            let suite = Suite::new([Expectation::on("x", Rule::between(0, top).unwrap())]);
            assert_eq!(
                hold(&suite),
                (passes && is_decided, passes),
                "{name}, {top}"
            );
        }
        for (top, passes) in tops {
            let top = Rule::Between(Bounds::default().max(top));
            let suite = Suite::new([Expectation::on("x", top)]);
            assert_eq!(
                hold(&suite),
                (passes && is_decided, passes),
                "{name}, {tops:?}"
            );
        }
        let below = Bounds::default().below(60);
        let suite = Suite::new([Expectation::on("x", Rule::Between(below))]);
        assert_eq!(hold(&suite), (false, false), "{name}");
        let inferred = Suite::infer(&profile, SignificanceLevel::FIVE_PERCENT).unwrap();
        assert_eq!(hold(&inferred), (is_decided, true), "{name}");
    }
}

/// Powers of ten beyond 10^22 are no floats, few as the digits may be.
#[test]
fn decimals_of_many_places_are_not_decided_by_a_profile() {
    let values = Decimal128Array::from_iter_values((0..600).map(|i| i % 7));
    let values = values.with_precision_and_scale(38, 23).unwrap();
    let table = table([("x", Arc::new(values) as ArrayRef)]);
    let profile = TableProfile::of(&table).unwrap();
    let suite = Suite::new([Expectation::on("x", Rule::between(0, 1).unwrap())]);
    let report = suite
        .validate_profile(&profile, &Context::default())
        .unwrap();
    assert!(
        report.results[0]
            .reason
            .contains("whether a value was rounded")
    );
    assert!(suite.validate(&table).unwrap().passed());
}

/// Decimals that floats tell apart are expected as they were seen.
#[test]
fn a_range_of_prices_ends_where_they_did() {
    let values = Decimal128Array::from_iter_values((0..1_000).map(|i| i % 1_000 - 1));
    let values = values.with_precision_and_scale(10, 2).unwrap();
    let table = table([("x", Arc::new(values) as ArrayRef)]);
    let profile = TableProfile::of(&table).unwrap();
    let suite = Suite::infer(&profile, SignificanceLevel::FIVE_PERCENT).unwrap();
    let mut expectations = suite.expectations().iter().map(ToString::to_string);
    assert!(expectations.any(|told| told.starts_with("x is between -0.01 and 9.98 in")));
    assert!(suite.validate(&table).unwrap().passed());
    let held = suite
        .validate_profile(&profile, &Context::default())
        .unwrap();
    assert!(held.passed(), "{}", held.to_markdown());
}

/// An end that no float holds lies between two whole numbers, whatever its digits round to.
#[test]
fn ends_between_whole_numbers_are_those_of_their_neighbours() {
    let days = Arc::new(Date32Array::from_iter_values(
        (0..600).map(|i| 15_700 + i % 8),
    ));
    let numbers = Arc::new(Int64Array::from_iter_values((0..600).map(|i| i % 4)));
    let day = |bound: fn(Bounds) -> Bounds| ("day", bound);
    let x = |bound: fn(Bounds) -> Bounds| ("x", bound);
    let table = table([("day", days as ArrayRef), ("x", numbers)]);
    let profile = TableProfile::of(&table).unwrap();
    for ((column, bound), passes) in [
        (day(|ends| ends.max("2013-01-01T23:59:59.999999999")), false), // 15,707 days are 2013-01-02
        (day(|ends| ends.max("2013-01-02T00:00:00.000000001")), true),
        (day(|ends| ends.below("2013-01-02")), false),
        (
            day(|ends| ends.below("2013-01-02T00:00:00.000000001")),
            true,
        ),
        (day(|ends| ends.min("2012-12-25T23:59:59.999999999")), true), // 15,700
        (day(|ends| ends.min("2012-12-26T00:00:00.000000001")), false),
        (x(|ends| ends.max("2.9999999999999999")), false),
        (x(|ends| ends.max("3.0000000000000001")), true),
        (x(|ends| ends.above("-0.0000000000000001")), true),
        (x(|ends| ends.above("0.0000000000000001")), false),
    ] {
        let bounds = bound(Bounds::default());
        let suite = Suite::new([Expectation::on(column, Rule::Between(bounds.clone()))]);
        let by_rows = suite.validate(&table).unwrap().passed();
        let by_profile = suite
            .validate_profile(&profile, &Context::default())
            .unwrap();
        assert_eq!(
            (by_rows, by_profile.passed()),
            (passes, passes),
            "{column} {bounds}"
        );
        assert!(
            !by_profile.results[0].reason.contains("cannot be checked"),
            "{bounds}"
        );
    }
}

/// However a float rounds them: decimals of many digits, and those that count hundreds of thousands.
#[test]
fn ranges_of_odd_decimals_hold_what_was_seen() {
    let decimals = |digits: u8, places: i8, first: i128, step: i128| {
        let values = Decimal128Array::from_iter_values((0..2_000).map(|i| first + i % 7 * step));
        Arc::new(values.with_precision_and_scale(digits, places).unwrap()) as ArrayRef
    };
    for column in [
        decimals(38, 10, 1_700_000_000_000_000_000, 1),
        decimals(18, 6, 1_000_000_000_000_000_000 / 10 - 3, 1),
        decimals(20, -5, -3, 1),
        decimals(20, -15, 12_345, 7),
    ] {
        let name = column.data_type().to_string();
        let table = table([("x", column)]);
        let profile = TableProfile::of(&table).unwrap();
        let suite = Suite::infer(&profile, SignificanceLevel::FIVE_PERCENT).unwrap();
        let report = suite.validate(&table).unwrap();
        assert!(
            report.results.iter().all(|result| result.broken == 0),
            "{name}: {report:?}"
        );
    }
}
