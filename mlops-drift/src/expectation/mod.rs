//! Data validation: which rows of this table break which rule?
//!
//! A [`Suite`] is a list of [`Expectation`]s, each a [`Rule`] on a column or the table, with a [`Severity`]
//! and the share of rows that must obey. It is data: written by hand as JSON or TOML, or
//! [inferred](Suite::infer) from a profile.
//!
//! | you want to | call |
//! | --- | --- |
//! | know whether a table passes, in memory or in parts | [`Suite::validate`] |
//! | give the rules the time, and other tables | [`Suite::validate_with`], [`Context`] |
//! | set bad rows apart, in memory | [`Suite::split`] |
//! | do so part by part, and see which rows break what | [`Suite::validator`], [`Validator`] |
//! | write both to Parquet files, part by part | `Suite::quarantine` (feature `parquet`) |
//! | hold the profile of a table to a suite | [`Suite::validate_profile`] |
//! | take users, not rows, for exchangeable at a level | [`Expectation::unit`] |
//! | infer a suite of a profile, some columns left out | [`Suite::infer`], [`Inference`] |
//! | keep a suite in a file | [`Suite::to_json`], `Suite::to_toml` (feature `toml`) |
//! | show the result | [`ValidationReport`]: JSON, Markdown, JUnit XML |
//!
//! What cannot be checked (a column that is missing or of another type, a time that was not given) fails with
//! that reason and never passes in silence. Missing values (null, NaN) break [`Rule::NotNull`] alone; a rule that
//! found nothing to check, because there are no rows or no values, or too few for its level, is
//! [not applicable](ExpectationResult::applicable) and says so. A verdict is exact where no [level](Expectation::level) is stated; where one is, it has that error rate.
//!
//! ```
//! use std::sync::Arc;
//! use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
//! use mlops_drift::expectation::{Context, Expectation, Rule, Suite};
//!
//! let flights = RecordBatch::try_from_iter([
//!     ("origin", Arc::new(StringArray::from(vec!["JFK", "LGA", "XXX"])) as ArrayRef),
//!     ("distance", Arc::new(Float64Array::from(vec![Some(500.0), None, Some(700.0)])) as ArrayRef),
//! ])?;
//! let suite = Suite::new([
//!     Expectation::on("origin", Rule::one_of(["EWR", "JFK", "LGA"])),
//!     Expectation::on("distance", Rule::NotNull).mostly(0.5)?,
//!     Expectation::on("distance", Rule::at_least(0.0)?),
//! ]);
//! let report = suite.validate(&flights)?;
//! assert!(!report.passed());
//! assert_eq!(report.results[0].examples, [2]); // the row with origin XXX
//!
//! let (accepted, quarantined) = suite.split(&flights, &Context::default())?;
//! assert_eq!((accepted.num_rows(), quarantined.num_rows()), (1, 2));
//! assert_eq!(suite, Suite::from_json(&suite.to_json()?)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod across_rows;
mod bounds;
mod check;
mod checkpoint;
mod column_type;
mod conclusion;
mod condition;
mod context;
mod count;
mod distribution;
mod distribution_by_unit;
mod expected;
mod found;
mod freshness;
mod infer;
mod key;
mod label;
mod memory;
mod moment;
mod named_type;
mod number;
mod numbers;
mod observed;
mod on_profile;
mod on_rows;
mod on_table;
mod place;
mod quantile;
#[cfg(feature = "parquet")]
mod quarantine;
mod render;
mod report;
mod rule;
mod suite;
#[cfg(feature = "toml")]
mod toml;
mod units;
mod validator;

pub use bounds::{Bound, Bounds};
pub use checkpoint::Checkpoint;
pub use context::Context;
pub use count::Count;
pub use expected::{Expectation, Severity};
pub use infer::Inference;
pub use report::{BrokenValue, ExpectationResult, ValidationReport};
pub(crate) use rule::listed;
pub use rule::{Order, Rule};
pub use suite::Suite;
pub use validator::{BrokenRows, CheckedPart, Validator};
