//! A suite from what a profile saw, each rule with its reason.

use std::collections::BTreeSet;

use mlops_core::evidence::SignificanceLevel;
use mlops_core::{Error, Result};
use statrs::function::factorial::ln_binomial;

use super::binomial::share_at_most;
use super::bounds::{Bound, Bounds};
use super::expected::{Expectation, Severity};
use super::numbers::DIGITS;
use super::rule::Rule;
use super::suite::Suite;
use crate::profile::{
    CategoricalProfile, ColumnProfile, FacetProfile, NumericProfile, TableProfile, Values,
};
use crate::sample::ColumnKind;

/// Rules of a column that have an error: on its missing values and on its values.
const RULES: usize = 2;
/// A rule that tolerates so much more than was seen is of no use, and left out.
const GREATEST_SHARE: f64 = 0.1;
/// Labels of a rule.
const LABELS: usize = 1_000;
/// Integers up to here are floats too.
const EXACT: f64 = (1_u64 << 53) as f64;

impl Suite {
    /// What held in a profiled table, as far as it can be expected of the next one: per column its type, its
    /// share of missing values, its range or its labels, then that there is a row, and, as a warning, that there
    /// are no other columns; each with the reason in words. Of a column that is
    /// [not profiled](TableProfile::not_profiled) its type alone.
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
    /// dates and timestamps, which later tables leave by their nature, and of decimals of more than 38 digits, which no rule reads. What shifts within a range is not
    /// seen: that is for a [`DriftCheck`](crate::DriftCheck). Uniqueness and order do not follow from a
    /// profile.
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
        if profile.rows() == 0 {
            return Err(Error::invalid(
                "the profile must hold at least 1 row, got 0",
            ));
        }
        let error = level.split(2 * RULES * profile.columns().len().max(1));
        let columns = profile.columns().iter().map(|column| Observed {
            column,
            rows: profile.rows(),
            error,
        });
        let expectations = columns.map(|observed| observed.expectations());
        let mut found = expectations.collect::<Result<Vec<_>>>()?.concat();
        let others = profile.not_profiled().iter();
        found.extend(others.map(|(name, data_type)| of_type(name, data_type)));
        found.push(rows(profile));
        found.push(no_other_columns(profile));
        Ok(Self::new(found))
    }
}

fn of_type(column: &str, data_type: &str) -> Expectation {
    let expectation = Expectation::on(column, Rule::Type(data_type.into()));
    expectation.because(format!("the column was of type {data_type}"))
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
    let profiled = profile.columns().iter().map(ColumnProfile::name);
    let others = profile.not_profiled().keys().map(String::as_str);
    let names: BTreeSet<String> = profiled.chain(others).map(ToOwned::to_owned).collect();
    let reason = format!("the table had these {} columns", names.len());
    Expectation::on_table(Rule::OnlyColumns(names))
        .severity(Severity::Warning)
        .because(reason)
}

/// One column, and the error that the share of a rule may have; its evidence may have the same.
struct Observed<'a> {
    column: &'a ColumnProfile,
    rows: u64,
    error: SignificanceLevel,
}

impl Observed<'_> {
    fn expectations(&self) -> Result<Vec<Expectation>> {
        let mut found = vec![of_type(self.column.name(), self.column.data_type())];
        found.extend(self.present()?);
        found.extend(match self.column.values() {
            Values::Numeric(profile) => self.range(profile)?,
            Values::Categorical(profile) => self.labels(profile)?,
            Values::Facets(profile) => self.length(profile)?,
        });
        Ok(found)
    }

    fn present(&self) -> Result<Option<Expectation>> {
        let missing = self.column.values().missing();
        let observed = format!("of {} rows {missing} were missing", self.rows);
        let share = share_at_most(missing, self.rows, self.error);
        self.expect(
            Rule::NotNull,
            share,
            missing as f64 / self.rows as f64,
            observed,
        )
    }

    fn range(&self, profile: &NumericProfile) -> Result<Option<Expectation>> {
        let Some(within) = self.within(profile) else {
            return Ok(None);
        };
        self.expect_within(Rule::Between(within))
    }

    /// Of texts; embeddings have none.
    fn length(&self, profile: &FacetProfile) -> Result<Option<Expectation>> {
        let lengths = profile.facet("characters").map(NumericProfile::moments);
        let ends = lengths.and_then(|lengths| Some((lengths.least()?, lengths.greatest()?)));
        let Some((least, greatest)) = ends else {
            return Ok(None);
        };
        self.expect_within(Rule::Length((least as u64..=greatest as u64).into()))
    }

    /// The two gaps beyond the extremes of n rows are those of one row too many, missing rows lying in neither.
    fn expect_within(&self, rule: Rule) -> Result<Option<Expectation>> {
        let share = share_at_most(1, self.rows, self.error);
        let observed = format!("of {} rows none lay outside", self.rows);
        self.expect(rule, share, 0.0, observed)
    }

    /// The finite extremes; an end is open where infinite values were seen.
    fn within(&self, profile: &NumericProfile) -> Option<Bounds> {
        let data_type = self.column.data_type();
        let is_date = self.column.kind() == ColumnKind::Temporal && is_date(data_type);
        if is_date || is_too_wide(data_type) {
            return None;
        }
        let [below, above] = profile.infinite();
        let (least, greatest) = (profile.moments().least()?, profile.moments().greatest()?);
        let exact = data_type.starts_with("float");
        let within = Bounds {
            min: (below == 0).then(|| end(least, exact, f64::next_down)),
            max: (above == 0).then(|| end(greatest, exact, f64::next_up)),
            ..Bounds::default()
        };
        (within != Bounds::default()).then_some(within)
    }

    fn labels(&self, profile: &CategoricalProfile) -> Result<Option<Expectation>> {
        let labels = profile
            .labels()
            .filter(|labels| (1..=LABELS).contains(&labels.len()));
        let Some(labels) = labels else {
            return Ok(None);
        };
        let share = unseen_at_most(labels.len() as u64, self.rows, self.error);
        let observed = format!("{} rows showed {} labels", self.rows, labels.len());
        self.expect(Rule::one_of(labels), share, 0.0, observed)
    }

    /// `None` for a share that the rule would not be worth.
    fn expect(
        &self,
        rule: Rule,
        share: f64,
        seen: f64,
        observed: String,
    ) -> Result<Option<Expectation>> {
        if share >= 1.0 || share - seen > GREATEST_SHARE {
            return Ok(None);
        }
        let error = self.error.get();
        let reason = format!(
            "{observed}; the law's share is at most {share:.2e} but for an error of {error:.1e}, and a table of this law \
             fails by chance with probability at most {:.1e}",
            2.0 * error
        );
        let expectation = Expectation::on(self.column.name(), rule).mostly(1.0 - share)?;
        Ok(Some(expectation.level(self.error)?.because(reason)))
    }
}

fn is_date(data_type: &str) -> bool {
    data_type.starts_with("date") || data_type.starts_with("timestamp")
}

/// Decimals of more digits than a rule can read; in a dictionary, too.
fn is_too_wide(data_type: &str) -> bool {
    let name = data_type.to_lowercase();
    let parameters = name.split_once("decimal256(").map(|(_, rest)| rest);
    let digits = parameters.and_then(|rest| rest.split_once(',')?.0.parse::<u8>().ok());
    digits.is_some_and(|digits| digits > DIGITS)
}

/// An extreme that a profile keeps as a float: moved outwards where the float may be rounded inwards.
fn end(x: f64, exact: bool, outwards: fn(f64) -> f64) -> Bound {
    if exact {
        Bound::Float(x)
    } else if x.fract() == 0.0 && x.abs() < EXACT {
        Bound::Integer(x as i64)
    } else {
        Bound::Float(outwards(x))
    }
}

/// A bound on the share of rows with other labels than the d that n rows showed.
///
/// If it is greater than ε, then the n − d rows that did not show a label first all fell on labels of the
/// others, which has probability at most (1 − ε)^(n − d), for each of the C(n, d) choices of rows and each d,
/// weighted by 1/(d (d + 1)).
fn unseen_at_most(d: u64, n: u64, error: SignificanceLevel) -> f64 {
    if d >= n {
        return 1.0;
    }
    let weight = (d as f64 * (d + 1) as f64).ln() + ln_binomial(n, d);
    -((error.get().ln() - weight) / (n - d) as f64).exp_m1()
}
