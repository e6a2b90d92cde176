//! Data validation: each rule against its definition, parts against the whole, files, and inference against its promise.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod applicable;
mod column_types;
mod edges;
mod files;
mod formats;
mod inference;
mod parts;
mod profiles;
mod rows;
mod suite;
mod told;
mod units;
mod whole;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use mlops_drift::expectation::{Context, Expectation, ExpectationResult, Rule, Suite};
use proptest::prelude::*;

fn table(columns: impl IntoIterator<Item = (&'static str, ArrayRef)>) -> RecordBatch {
    let columns = columns
        .into_iter()
        .map(|(name, column)| (name, column, true));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn result(rule: Rule, column: ArrayRef) -> ExpectationResult {
    result_in(&table([("x", column)]), rule, &Context::default())
}

fn result_in(table: &RecordBatch, rule: Rule, context: &Context) -> ExpectationResult {
    let suite = Suite::new([Expectation::on("x", rule)]);
    suite
        .validate_with(table, context)
        .unwrap()
        .results
        .remove(0)
}

fn broken(rule: Rule, column: impl Array + 'static) -> Vec<usize> {
    broken_of(rule, Arc::new(column))
}

fn broken_of(rule: Rule, column: ArrayRef) -> Vec<usize> {
    broken_in(&table([("x", column)]), rule)
}

/// What breaks the rule, and in how many rows.
fn values(result: &ExpectationResult) -> Vec<(&str, u64)> {
    let values = result.values.iter();
    values.map(|of| (of.value.as_str(), of.rows)).collect()
}

/// The rows of `x` that break a rule.
fn broken_in(table: &RecordBatch, rule: Rule) -> Vec<usize> {
    let suite = Suite::new([Expectation::on("x", rule)]);
    let validator = suite.validator(&table.schema(), &Context::default());
    validator.unwrap().check(table).unwrap().broken()[0]
        .rows
        .clone()
}

fn value() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        6 => (-5..5_i32).prop_map(|x| Some(f64::from(x) / 2.0)),
        1 => prop_oneof![
            Just(None), Just(Some(f64::NAN)), Just(Some(f64::INFINITY)), Just(Some(f64::NEG_INFINITY))
        ],
    ]
}
