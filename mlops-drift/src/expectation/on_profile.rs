//! A suite against the profile of a table: the rules that counts decide.

use arrow::array::new_empty_array;
use arrow::datatypes::DataType;
use mlops_core::{Error, ErrorKind, Result, type_name};

use super::bounds::{Bound, Bounds};
use super::column_type::{LABELS, NUMBERS, require_possible, wrong_type};
use super::conclusion::Conclusion;
use super::context::Context;
use super::count::Count;
use super::distribution::Distributed;
use super::expected::Expectation;
use super::found::Found;
use super::named_type::number_type;
use super::number::{Number, exact};
use super::numbers::Numbers;
use super::on_table::no_others;
use super::report::{ExpectationResult, ValidationReport};
use super::rule::{Rule, expression_of};
use super::suite::Suite;
use crate::profile::{
    CategoricalProfile, ColumnProfile, NumericProfile, PARTS_DIFFER, TableProfile, Values,
};
use crate::sample::{ColumnKind, Moments};
use crate::table::missing;

/// Integers up to here are floats.
const EXACT: f64 = (1_u64 << 53) as f64;

impl Suite {
    /// Holds the profile of a table to the suite, where the rows are no longer at hand: a shard that keeps only its profile can still be
    /// validated.
    ///
    /// | rule | decided by |
    /// | --- | --- |
    /// | rows, columns, types, missing values | the profile's exact figures |
    /// | ranges of numbers, dates, times and durations; not of decimals of more than 15 digits, nor of integers beyond 2^53, nanoseconds since 1970 among them | counts on the grid, if they leave one verdict |
    /// | labels, expressions, lengths, distinct values, uniqueness of strings | counts by label, or their bounds |
    /// | lengths of texts | counts of characters on the grid, if they leave one verdict |
    /// | mean, standard deviation | moments |
    /// | distributed as in a profile on the same grid | the test between profiles |
    ///
    /// **Guarantee**: a verdict is that of the rows, but for moments that meet a bound to the last digits, which rest on the order of the rows. What the profile leaves open, such as order, other tables, conditions, and rows within a cell
    /// that a bound cuts, "cannot be checked" and fails, as in [`validate`](Self::validate). No row is named.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for a rule whose settings make no sense.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from(vec![Some(1), None, Some(9)])) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// use mlops_drift::expectation::{Context, Expectation, Rule, Suite};
    /// use mlops_drift::profile::TableProfile;
    /// let suite = Suite::new([Expectation::on("x", Rule::between(0, 5)?), Expectation::on("x", Rule::Increasing)]);
    /// let report = suite.validate_profile(&TableProfile::of(&table)?, &Context::default())?;
    /// assert_eq!(report.results[0].reason, "broken by 1 of 3 rows, and 1 miss a value");
    /// assert!(report.results[1].reason.starts_with("cannot be checked: a profile does not tell"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn validate_profile(
        &self,
        profile: &TableProfile,
        context: &Context,
    ) -> Result<ValidationReport> {
        let results = self.named().map(|named| {
            let (name, expectation) = named?;
            let held = Held {
                profile,
                expectation: &expectation,
                context,
            };
            let (conclusion, found) = held.conclude().unwrap_or_else(|error| {
                let unchecked = Conclusion::unchecked(&error.to_string());
                (unchecked, Found::default())
            });
            Ok(ExpectationResult::new(
                name,
                &expectation,
                conclusion,
                found,
            ))
        });
        let results = results.collect::<Result<_>>()?;
        Ok(ValidationReport::new(profile.rows(), results))
    }
}

/// A profile that is held to one expectation.
struct Held<'a> {
    profile: &'a TableProfile,
    expectation: &'a Expectation,
    context: &'a Context,
}

impl Held<'_> {
    fn conclude(&self) -> Result<(Conclusion, Found)> {
        let rule = self.expectation.rule();
        if !self.expectation.conditions().is_empty() {
            return Err(untold("which rows meet a condition"));
        }
        if self.expectation.unit_column().is_some() {
            return Err(untold("which rows are of one unit"));
        }
        if !rule.is_on_rows() {
            return Ok((self.of_table(rule)?, Found::default()));
        }
        let (missing, [least, most]) = match rule {
            Rule::Type(name) => return self.of_type(name),
            _ if self.is_of_no_type() => (self.profile.rows(), self.broken_by_nulls(rule)?),
            _ => {
                let column = self.column()?;
                (column.values().missing(), broken(rule, column)?)
            }
        };
        let [few, many] = [least, most].map(|broken| self.of_rows(missing, broken, most));
        if few.0.passed != many.0.passed {
            return Err(untold(&format!(
                "enough: {least} to {most} rows break the rule"
            )));
        }
        Ok(few)
    }

    /// Whether the column is of Arrow's type `null`, so that all of its values are missing.
    fn is_of_no_type(&self) -> bool {
        let others = self.profile.not_profiled();
        let found = others.get(self.name());
        found.is_some_and(|name| *name == type_name(&DataType::Null))
    }

    /// How many rows without a value break a rule that looks at this column alone.
    fn broken_by_nulls(&self, rule: &Rule) -> Result<[u64; 2]> {
        match rule {
            Rule::NotNull => Ok([self.profile.rows(); 2]),
            Rule::InTable { .. } => Err(untold("another table")),
            rule if !rule.other_columns().is_empty() => Err(untold("rows of several columns")),
            _ => Ok([0; 2]),
        }
    }

    fn of_rows(&self, missing: u64, broken: u64, most: u64) -> (Conclusion, Found) {
        let found = Found {
            rows: self.profile.rows(),
            missing,
            broken,
            ..Found::default()
        };
        let rows = self.profile.rows();
        let conclusion = Conclusion::of_rows_up_to(self.expectation, &found, most, rows);
        (conclusion, found)
    }

    fn name(&self) -> &str {
        self.expectation.column().unwrap_or_default()
    }

    fn column(&self) -> Result<&ColumnProfile> {
        let name = self.name();
        match self.profile.column(name) {
            Some(column) => Ok(column),
            None if self.profile.not_profiled().contains_key(name) => {
                Err(untold("the values of this column"))
            }
            None => Err(missing(name)),
        }
    }

    fn type_name(&self) -> Result<&str> {
        let name = self.name();
        let profiled = self.profile.column(name).map(ColumnProfile::data_type);
        let other = || self.profile.not_profiled().get(name).map(String::as_str);
        match profiled.or_else(other) {
            Some(PARTS_DIFFER) => Err(Error::new(
                ErrorKind::SignatureMismatch,
                format!("column \"{name}\" must be the same in every part, got {PARTS_DIFFER}"),
            )),
            Some(found) => Ok(found),
            None => Err(missing(name)),
        }
    }

    fn of_type(&self, expected: &str) -> Result<(Conclusion, Found)> {
        let found = self.type_name()?;
        if found == expected {
            let rows = self.profile.rows();
            let reason = format!("obeyed by all {rows} rows");
            let found = Found {
                rows,
                ..Found::default()
            };
            return Ok((Conclusion::new(true, reason), found));
        }
        Err(Error::new(
            ErrorKind::SignatureMismatch,
            format!("the column must be of type {expected}, got {found}"),
        ))
    }

    fn of_table(&self, rule: &Rule) -> Result<Conclusion> {
        match rule {
            Rule::Exists => {
                self.type_name()?;
                Ok(Conclusion::new(true, "the column is there".into()))
            }
            Rule::Rows(expected) => {
                let rows = self.profile.rows();
                Ok(Conclusion::new(
                    expected.contains(rows),
                    format!("{rows} rows"),
                ))
            }
            Rule::OnlyColumns(allowed) => {
                let profiled = self.profile.columns().iter().map(ColumnProfile::name);
                let others = self.profile.not_profiled().keys().map(String::as_str);
                let names = profiled.chain(others).map(ToOwned::to_owned);
                Ok(no_others(
                    &names.filter(|name| !allowed.contains(name)).collect(),
                ))
            }
            Rule::Mean(within) => self.moment(within, "mean", Moments::mean),
            Rule::StandardDeviation(within) => {
                self.moment(within, "standard deviation", Moments::standard_deviation)
            }
            Rule::Distinct(expected) => {
                let distinct = labels(self.column()?)?.distinct();
                let distinct = distinct.ok_or_else(|| untold("how many labels there are"))? as u64;
                let reason = format!("{distinct} distinct values");
                match (distinct, expected.contains(distinct)) {
                    (0, true) => Ok(Conclusion::not_applicable("there is no value")),
                    (_, passed) => Ok(Conclusion::new(passed, reason)),
                }
            }
            Rule::DistributedAs { table } => {
                let level = self.expectation.significance();
                let level = level.ok_or_else(|| untold("a level"))?;
                Distributed::of_profile(self.column()?, table, level, self.context)
            }
            _ => Err(untold("this")),
        }
    }

    fn moment(
        &self,
        within: &Bounds,
        what: &str,
        of: fn(&Moments) -> Option<f64>,
    ) -> Result<Conclusion> {
        let numbers = numbers(self.column()?)?;
        let defined = numbers.infinite() == [0, 0];
        Ok(match of(numbers.moments()).filter(|_| defined) {
            Some(value) => Conclusion::new(
                within.contains(value),
                format!("the {what} is {}", exact(value)),
            ),
            None => Conclusion::new(false, format!("the {what} is undefined")),
        })
    }
}

/// At least and at most how many rows break a rule.
fn broken(rule: &Rule, column: &ColumnProfile) -> Result<[u64; 2]> {
    let values = column.values();
    match rule {
        Rule::NotNull => Ok([values.missing(); 2]),
        Rule::Missing => Ok([values.present(); 2]),
        Rule::Between(bounds) => {
            let profile = numbers(column)?;
            outside(profile, &ends(bounds, column.data_type(), profile)?)
        }
        Rule::OneOf(allowed) => {
            let labels = labels_alone(column)?;
            let [least, most] = counted(labels, allowed.iter());
            let all = labels.values();
            Ok([all.saturating_sub(most), all - least])
        }
        Rule::NoneOf(forbidden) => {
            require_possible(forbidden, column.data_type())?;
            Ok(counted(labels_alone(column)?, forbidden.iter()))
        }
        Rule::Matches(expression) => {
            let expression = expression_of(expression)?;
            by_label(column, |label| !expression.is_match(label))
        }
        Rule::Length(count) => match characters(column) {
            Some(lengths) => outside(lengths, &ends_of(*count)),
            None => by_label(column, |label| {
                !count.contains(label.chars().count() as u64)
            }),
        },
        Rule::Unique => {
            let labels = labels(column)?;
            let distinct = labels.distinct().ok_or_else(|| untold("every label"))?;
            Ok([labels.values() - distinct as u64; 2])
        }
        _ => Err(untold("this")),
    }
}

/// At least and at most how many values carry one of these labels.
fn counted<'a>(of: &CategoricalProfile, labels: impl Iterator<Item = &'a String>) -> [u64; 2] {
    let counts = labels.map(|label| of.count(label));
    let [least, most] = counts.fold([0_u64; 2], |sum, count| {
        [sum[0] + count[0], sum[1].saturating_add(count[1])]
    });
    [least, most.min(of.values())]
}

fn by_label(column: &ColumnProfile, breaks: impl Fn(&str) -> bool) -> Result<[u64; 2]> {
    let profile = labels_alone(column)?;
    let labels = profile.labels().ok_or_else(|| untold("every label"))?;
    let breaking = labels.into_iter().filter(|label| breaks(label));
    Ok([breaking.map(|label| profile.count(label)[0]).sum(); 2])
}

fn numbers(column: &ColumnProfile) -> Result<&NumericProfile> {
    match column.values() {
        Values::Numeric(profile) => Ok(profile),
        Values::Categorical(_) if column.data_type().to_lowercase().contains("bool") => {
            Err(untold("numbers of a column of truths"))
        }
        _ => Err(wrong_type(column.data_type(), NUMBERS)),
    }
}

/// The lengths of texts.
fn characters(column: &ColumnProfile) -> Option<&NumericProfile> {
    match column.values() {
        Values::Facets(profile) => profile.facet("characters"),
        _ => None,
    }
}

/// Of strings and truths.
fn labels(column: &ColumnProfile) -> Result<&CategoricalProfile> {
    match column.values() {
        Values::Categorical(profile) => Ok(profile),
        Values::Numeric(_) => Err(untold("single numbers")),
        Values::Facets(_) => Err(untold("single texts or embeddings")),
    }
}

/// Labels that a rule on labels takes: floats and times have none.
fn labels_alone(column: &ColumnProfile) -> Result<&CategoricalProfile> {
    let is_integer = || column.data_type().to_lowercase().contains("int");
    match column.kind() {
        ColumnKind::Temporal | ColumnKind::Embedding => Err(wrong_type(column.data_type(), LABELS)),
        ColumnKind::Numeric if !is_integer() => Err(wrong_type(column.data_type(), LABELS)),
        _ => labels(column),
    }
}

/// An end and whether it is included.
type End = Option<(f64, bool)>;

/// The ends as floats in the column's own unit, where no rounding can change a verdict.
fn ends(bounds: &Bounds, name: &str, profile: &NumericProfile) -> Result<[End; 2]> {
    let data_type =
        number_type(name).ok_or_else(|| untold("which values of this type lie within"))?;
    let rounded = || untold("whether a value was rounded");
    let is_decimal = name.starts_with("decimal");
    if is_decimal && !are_short_decimals(name, profile) {
        return Err(rounded());
    }
    let numbers = Numbers::of(&new_empty_array(&data_type))?;
    let read = |(bound, included): (&Bound, bool), is_low: bool| {
        let number = numbers.bound(bound)?;
        let told = match (is_decimal, number) {
            (false, Number::Float(x)) if data_type.is_floating() => Some((x, included)),
            (false, number) => numbers
                .whole(number)
                .and_then(|end| whole_end(end, included, is_low)),
            (true, number) => is_short(bound, number).then(|| (number.to_f64(), included)),
        };
        told.ok_or_else(rounded)
    };
    Ok([
        bounds.low().map(|end| read(end, true)).transpose()?,
        bounds.high().map(|end| read(end, false)).transpose()?,
    ])
}

/// Of whole numbers, an end that is none is that of its neighbour within.
fn whole_end(
    (at_most, is_whole): (i128, bool),
    included: bool,
    is_low: bool,
) -> Option<(f64, bool)> {
    let whole = at_most + i128::from(is_low && !is_whole);
    let end = whole as f64;
    (end.abs() < EXACT).then_some((end, included || !is_whole))
}

/// Whether a decimal of few digits is an end if its float is that of the end: one that is written out may have more digits than a float keeps.
fn is_short(bound: &Bound, number: Number) -> bool {
    match (bound, number) {
        (Bound::Text(_), Number::Decimal { unscaled, .. }) => {
            unscaled.unsigned_abs() < 10_u128.pow(DIGITS as u32)
        }
        _ => true,
    }
}

/// Digits that a float keeps of every decimal.
const DIGITS: i32 = 15;

/// The decimal places of a decimal, if powers of ten up to there are floats.
fn places_of(data_type: &DataType) -> Option<i32> {
    use DataType as T;
    let places = match data_type {
        T::Decimal32(_, places) | T::Decimal64(_, places) => places,
        T::Decimal128(_, places) | T::Decimal256(_, places) => places,
        _ => return None,
    };
    (0..=22).contains(places).then_some(i32::from(*places))
}

/// Whether all values are decimals of so few digits that floats tell them apart.
pub(super) fn are_short_decimals(name: &str, profile: &NumericProfile) -> bool {
    let places = number_type(name).and_then(|data_type| places_of(&data_type));
    places.is_some_and(|places| are_short(profile, places))
}

/// The same of so many decimal places.
fn are_short(profile: &NumericProfile, places: i32) -> bool {
    let moments = profile.moments();
    let extremes = [moments.least(), moments.greatest()].into_iter().flatten();
    let largest = extremes.map(f64::abs).fold(0.0, f64::max);
    largest * 10_f64.powi(places) < 10_f64.powi(DIGITS)
}

/// The ends of a count; beyond 2^53 it is no length.
fn ends_of(count: Count) -> [End; 2] {
    [Some(count.min), count.max].map(|end| Some((end? as f64, true)))
}

/// At least and at most how many values lie outside.
fn outside(profile: &NumericProfile, [low, high]: &[End; 2]) -> Result<[u64; 2]> {
    let below = |x: f64| low.is_some_and(|(end, included)| x < end || x == end && !included);
    let above = |x: f64| high.is_some_and(|(end, included)| x > end || x == end && !included);
    let [negative, positive] = profile.infinite();
    let infinite =
        if low.is_some() { negative } else { 0 } + if high.is_some() { positive } else { 0 };
    let mut sum = [infinite; 2];
    let moments = profile.moments();
    let (Some(least), Some(greatest)) = (moments.least(), moments.greatest()) else {
        return Ok(sum);
    };
    let cuts = profile.grid().cuts();
    for (cell, &count) in profile.cells().iter().enumerate() {
        let (from, to) = match cell % 2 {
            1 => (cuts[cell / 2], cuts[cell / 2]),
            _ => {
                let before = (cell / 2).checked_sub(1).map_or(least, |cut| cuts[cut]);
                let after = cuts.get(cell / 2).copied().unwrap_or(greatest);
                (before.max(least), after.min(greatest))
            }
        };
        // A cell lies between these, ends included: more than it holds, so that nothing is missed.
        let sure = below(to) || above(from);
        let possible = below(from) || above(to);
        sum[0] += if sure { count } else { 0 };
        sum[1] += if possible { count } else { 0 };
    }
    Ok(sum)
}

fn untold(what: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("a profile does not tell {what}"),
    )
}
