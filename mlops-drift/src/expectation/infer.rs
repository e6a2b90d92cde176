//! A suite from what a profile saw, each rule with its reason.

use std::collections::BTreeSet;

use mlops_core::evidence::SignificanceLevel;
use mlops_core::{Error, ErrorKind, Result};

use super::expected::{Expectation, Severity};
use super::observed::{Observed, of_type};
use super::rule::{Rule, listed};
use super::suite::Suite;
use crate::profile::{ColumnProfile, TableProfile};

/// Rules of a column that have an error: on its missing values and on its values.
const RULES: usize = 2;

impl Suite {
    /// What held in a profiled table, as far as it can be expected of the next one: per column its type, its
    /// share of missing values, its range or its labels, then that there is a row, and, as a warning, that there
    /// are no other columns; each with the reason in words. Of a column that was missing in every row, that it is missing. Of one that is
    /// [not profiled](TableProfile::not_profiled) its type alone. Columns are left out by an [`Inference`].
    ///
    /// **Guarantee**: a later table of the same columns, whose rows are independent draws of the same law, fails with
    /// probability at most `level`, whatever the law and the number of rows, of which there must be one. Each rule tolerates the
    /// greatest share of rows that the profile leaves plausible, and fails only on
    /// [evidence](Expectation::level) against that share. Half of the level is spent on the share, half on
    /// the evidence, the same for all rules.
    ///
    /// | rule | share that is tolerated, with an error of δ |
    /// | --- | --- |
    /// | not missing; k of n rows were | the upper bound of k of n |
    /// | missing; all n rows were | the upper bound of 0 of n |
    /// | within the range, or the range of lengths of texts, of n rows | the upper bound of 1 of n |
    /// | one of the d labels of n rows | 1 − (δ / (d (d + 1) C(n, d)))^(1/(n − d)) |
    ///
    /// **Source**: Clopper & Pearson, "The use of confidence or fiducial limits illustrated in the case of
    /// the binomial", Biometrika 26, 1934; Wilks, "Determination of sample sizes for setting tolerance
    /// limits", Annals of Mathematical Statistics 12, 1941; Floyd & Warmuth, "Sample compression,
    /// learnability, and the Vapnik–Chervonenkis dimension", Machine Learning 21, 1995, the compression being
    /// to d rows that show the labels.
    /// **Weakness**: a rule whose tolerated share would exceed the seen one by more than a tenth is left out
    /// (so are all rules but the type's for small tables), and so are labels beyond 1,000, and ranges of
    /// dates and timestamps, which later tables leave by their nature, and of decimals of more than 38 digits, which no rule reads: the reason of
    /// the column's type tells what was left out. What shifts within a range is not seen: that is for a [`DriftCheck`](crate::DriftCheck).
    /// Uniqueness and order do not follow from a profile.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a profile of no rows.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from_iter_values((0..2_000).map(|i| i % 24))) as ArrayRef;
    /// # let flights = RecordBatch::try_from_iter([("hour", column)])?;
    /// use mlops_core::evidence::SignificanceLevel;
    /// use mlops_drift::expectation::Suite;
    /// use mlops_drift::profile::TableProfile;
    /// let suite = Suite::infer(&TableProfile::of(&flights)?, SignificanceLevel::FIVE_PERCENT)?;
    /// assert!(suite.validate(&flights)?.passed());
    /// let range = &suite.expectations()[2];
    /// assert!(range.to_string().starts_with("hour is between 0 and 23 in 99.6"));
    /// assert!(range.reason().unwrap().starts_with("of 2000 rows none lay outside; "));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn infer(profile: &TableProfile, level: SignificanceLevel) -> Result<Self> {
        Inference::of(profile, level).suite()
    }
}

/// What [`Suite::infer`] does, with settings.
///
/// ```
/// # use std::sync::Arc;
/// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// # let column = |of: fn(i32) -> i32| Arc::new(Int32Array::from_iter_values((0..2_000).map(of))) as ArrayRef;
/// # let flights = RecordBatch::try_from_iter([("flight", column(|i| i)), ("hour", column(|i| i % 24))])?;
/// use mlops_core::evidence::SignificanceLevel;
/// use mlops_drift::expectation::Inference;
/// use mlops_drift::profile::TableProfile;
/// let profile = TableProfile::of(&flights)?;
/// let suite = Inference::of(&profile, SignificanceLevel::FIVE_PERCENT).except(["flight"]).suite()?;
/// assert_eq!(suite.names(), ["hour: type", "hour: not_null", "hour: between", "rows", "only_columns"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Inference<'a> {
    profile: &'a TableProfile,
    level: SignificanceLevel,
    excepted: BTreeSet<String>,
}

impl<'a> Inference<'a> {
    /// Of all columns of a profiled table, at this level.
    pub fn of(profile: &'a TableProfile, level: SignificanceLevel) -> Self {
        Self {
            profile,
            level,
            excepted: BTreeSet::new(),
        }
    }

    /// Columns to leave out, such as identifiers, whose values are others in every table. Nothing is expected of them, not even that they are
    /// there; that they are is no offence. The level is spent on the others.
    #[must_use]
    pub fn except<C: Into<String>>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.excepted.extend(columns.into_iter().map(Into::into));
        self
    }

    /// The suite.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a profile of no rows;
    /// [`SignatureMismatch`](mlops_core::ErrorKind::SignatureMismatch) for a column to leave out that the table does not have.
    pub fn suite(&self) -> Result<Suite> {
        let profile = self.profile;
        if profile.rows() == 0 {
            return Err(Error::invalid(
                "the profile must hold at least 1 row, got 0",
            ));
        }
        self.require_columns()?;
        let columns = profile.columns().iter();
        let columns: Vec<_> = columns.filter(|column| self.is_on(column.name())).collect();
        let error = self.level.split(2 * RULES * columns.len().max(1));
        let expectations = columns.into_iter().map(|column| {
            let rows = profile.rows();
            Observed {
                column,
                rows,
                error,
            }
            .expectations()
        });
        let mut found = expectations.collect::<Result<Vec<_>>>()?.concat();
        let others = profile.not_profiled().iter();
        let others = others.filter(|(name, _)| self.is_on(name));
        let unread = ["rules on its values, which are not profiled".to_owned()];
        found.extend(others.map(|(name, data_type)| of_type(name, data_type, &unread)));
        found.push(rows(profile));
        found.push(no_other_columns(profile));
        Ok(Suite::new(found))
    }

    fn is_on(&self, column: &str) -> bool {
        !self.excepted.contains(column)
    }

    fn require_columns(&self) -> Result<()> {
        let names: BTreeSet<String> = names(self.profile).map(ToOwned::to_owned).collect();
        let unknown = self.excepted.difference(&names).next();
        unknown.map_or(Ok(()), |name| {
            let (of, names) = (names.len(), listed(&names));
            Err(Error::new(
                ErrorKind::SignatureMismatch,
                format!("a column to leave out must be one of the {of} of the profiled table, got \"{name}\"; they are {names}"),
            ))
        })
    }
}

fn names(profile: &TableProfile) -> impl Iterator<Item = &str> {
    let profiled = profile.columns().iter().map(ColumnProfile::name);
    profiled.chain(profile.not_profiled().keys().map(String::as_str))
}

fn rows(profile: &TableProfile) -> Expectation {
    let expectation = Expectation::on_table(Rule::Rows((1..).into()));
    expectation.because(format!(
        "there were {} rows, and a table without any shows nothing",
        profile.rows()
    ))
}

/// A warning, since a new column breaks nothing that was there.
fn no_other_columns(profile: &TableProfile) -> Expectation {
    let names: BTreeSet<String> = names(profile).map(ToOwned::to_owned).collect();
    let reason = format!("the table had these {} columns", names.len());
    Expectation::on_table(Rule::OnlyColumns(names))
        .severity(Severity::Warning)
        .because(reason)
}
