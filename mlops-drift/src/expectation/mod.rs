//! Data validation: which rows of this table break which rule?
//!
//! A [`Suite`] is a list of [`Expectation`]s, each a [`Rule`] on a column with a [`Severity`] and the share of rows that must obey it.
//! Validating a table gives a [`ValidationReport`]: the verdict and the reason per expectation, and per row what it broke, so that bad rows
//! can be [set apart](ValidationReport::split) and the others used.
//!
//! A suite is data: it is written and read as JSON. What cannot be evaluated (a column that is missing or of another type) fails with
//! that reason and never passes in silence. Missing values (null, NaN) break [`Rule::NotNull`] alone.
//!
//! ```
//! use std::sync::Arc;
//! use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
//! use mlops_drift::expectation::{Expectation, Rule, Suite};
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
//! let (accepted, quarantined) = report.split(&flights)?;
//! assert_eq!((accepted.num_rows(), quarantined.num_rows()), (1, 2));
//! assert_eq!(suite, Suite::from_json(&suite.to_json()?)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod evaluate;
mod report;
mod rule;
mod suite;

pub use report::{ExpectationResult, ValidationReport};
pub use rule::Rule;
pub use suite::{Expectation, Severity, Suite};
