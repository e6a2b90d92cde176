use std::fmt;

use mlops_core::evidence::SignificanceLevel;
use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::condition::{self, Condition};
use super::number::{exact, rounded};
use super::rule::{Rule, require_others};

/// How bad it is when an expectation fails.
///
/// ```
/// use mlops_drift::expectation::Severity;
/// assert!(Severity::Error > Severity::Warning);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Look at it; the table passes, and its rows are not set apart.
    Warning,
    /// The table does not pass.
    #[default]
    Error,
}

impl Severity {
    /// The name in `snake_case`.
    ///
    /// ```
    /// assert_eq!(mlops_drift::expectation::Severity::Warning.as_str(), "warning");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A rule on a column or on the table, how many rows must obey it, and how bad it is if they do not.
///
/// ```
/// use mlops_drift::expectation::{Expectation, Rule, Severity};
/// let expectation = Expectation::on("tailnum", Rule::NotNull).mostly(0.99)?.severity(Severity::Warning);
/// assert_eq!(expectation.to_string(), "tailnum is not missing in 99 % of rows");
/// assert!(Expectation::on("tailnum", Rule::NotNull).mostly(1.5).is_err());
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    #[serde(default = "all", skip_serializing_if = "is_all")]
    mostly: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    level: Option<SignificanceLevel>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    of_share: bool,
    #[serde(default)]
    severity: Severity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(
        default,
        rename = "where",
        deserialize_with = "condition::read",
        skip_serializing_if = "Vec::is_empty"
    )]
    conditions: Vec<Condition>,
    rule: Rule,
}

fn all() -> f64 {
    1.0
}

fn is_all(share: &f64) -> bool {
    *share == all()
}

impl Expectation {
    /// All rows of a column obey a rule, or it is an error.
    pub fn on(column: impl Into<String>, rule: Rule) -> Self {
        Self::new(Some(column.into()), rule)
    }

    /// The table obeys a rule that is on no column: [`Rule::Rows`] or [`Rule::OnlyColumns`].
    ///
    /// ```
    /// use mlops_drift::expectation::{Expectation, Rule};
    /// let expectation = Expectation::on_table(Rule::Rows((1..).into()));
    /// assert_eq!(expectation.to_string(), "the table is of at least 1 rows");
    /// ```
    pub fn on_table(rule: Rule) -> Self {
        Self::new(None, rule)
    }

    fn new(column: Option<String>, rule: Rule) -> Self {
        Self {
            column,
            rule,
            mostly: all(),
            level: None,
            unit: None,
            of_share: false,
            severity: Severity::Error,
            reason: None,
            conditions: Vec::new(),
        }
    }

    /// On those rows alone in which a column obeys another rule, and its value is not missing; of several conditions all
    /// must be met. In a file: `"where": [{"column": "cancelled", "rule": {"one_of": ["false"]}}]`.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a condition that does not look at one row by
    /// itself, or a rule on the table's columns.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use mlops_core::arrow::array::{ArrayRef, BooleanArray, Int32Array, RecordBatch};
    /// # let cancelled = Arc::new(BooleanArray::from(vec![true, false, false])) as ArrayRef;
    /// # let delay = Arc::new(Int32Array::from(vec![None, Some(5), None])) as ArrayRef;
    /// # let flights = RecordBatch::try_from_iter([("cancelled", cancelled), ("delay", delay)])?;
    /// use mlops_drift::expectation::{Expectation, Rule, Suite};
    /// let flown = Expectation::on("delay", Rule::NotNull).only_where("cancelled", Rule::one_of(["false"]))?;
    /// assert_eq!(flown.to_string(), "delay is not missing where cancelled is one of false");
    /// let result = &Suite::new([flown]).validate(&flights)?.results[0];
    /// assert_eq!((result.rows, result.examples.as_slice()), (2, [2].as_slice()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn only_where(mut self, column: impl Into<String>, rule: Rule) -> Result<Self> {
        let column = column.into();
        self.conditions.push(Condition { column, rule });
        self.checked()
    }

    /// At least this share of the rows obeys, missing values counting as rows. For rules on rows. A row that breaks the rule is
    /// [set apart](super::Suite::quarantine) all the same, unless the expectation is [of the share](Self::of_share) alone.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless `0 < share <= 1`, or for a rule on
    /// the table.
    pub fn mostly(self, share: f64) -> Result<Self> {
        let mostly = share;
        Self { mostly, ..self }.checked()
    }

    /// Of the share of rows that obey, and of no single row: those that break the rule are as good as others, and none is
    /// [set apart](super::Suite::quarantine). A suite that is [inferred](super::Suite::infer) says so of values that were missing in some rows.
    /// In a file: `"of_share": true`.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) where all rows must obey.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from(vec![Some(1), None, Some(3)])) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("coupon", column)])?;
    /// use mlops_drift::expectation::{Context, Expectation, Rule, Suite};
    /// let mostly = Expectation::on("coupon", Rule::NotNull).mostly(0.5)?;
    /// let set_apart = |expectation| Suite::new([expectation]).split(&table, &Context::default()).map(|(_, apart)| apart.num_rows());
    /// assert_eq!(set_apart(mostly.clone())?, 1);
    /// assert_eq!(set_apart(mostly.of_share()?)?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of_share(self) -> Result<Self> {
        Self {
            of_share: true,
            ..self
        }
        .checked()
    }

    /// Whether it is [of the share](Self::of_share) of rows alone.
    pub fn is_of_share(&self) -> bool {
        self.of_share
    }

    /// Fails only on evidence at this level.
    ///
    /// A rule on rows then speaks of the law that the rows are drawn from: it fails if more rows break it
    /// than a binomial law allows with a share of `1 - mostly` (the exact one-sided binomial test, for
    /// independent rows, or [units](Self::unit)). A table of rows that obey as often as they must fails with probability at most
    /// `level`; without one, at the very share, in about half of all cases. It does not apply to rows so few that
    /// it would hold whatever they are. A comparison of distributions must state its level.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a rule on the table that is no
    /// comparison of distributions.
    ///
    /// ```
    /// use mlops_core::evidence::SignificanceLevel;
    /// use mlops_drift::expectation::{Expectation, Rule};
    /// let expectation = Expectation::on("x", Rule::NotNull).mostly(0.99)?;
    /// let expectation = expectation.level(SignificanceLevel::FIVE_PERCENT)?;
    /// assert_eq!(expectation.to_string(), "x is not missing in 99 % of rows at level 0.05");
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn level(self, level: SignificanceLevel) -> Result<Self> {
        let level = Some(level);
        Self { level, ..self }.checked()
    }

    /// Takes the distinct values of the column `unit`, not rows, for exchangeable: a thousand rows of one user are one observation, not a thousand.
    ///
    /// A rule on rows then speaks of units: one obeys if all of its rows do, and at least the stated share of units must. A comparison of
    /// distributions is one of [units](crate::DriftCheck::unit), by their means or by their labels, in both tables. Rows in which the unit is missing are of
    /// one unit. **Memory**: what is kept of every unit. In a file: `"unit": "user"`.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) without a [level](Self::level).
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let user = Arc::new(Int32Array::from_iter_values((0..100).map(|row| row / 10))) as ArrayRef;
    /// # let age = Arc::new(Int32Array::from_iter((0..100).map(|row| (row >= 10).then_some(30)))) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("user", user), ("age", age)])?;
    /// use mlops_core::evidence::SignificanceLevel;
    /// use mlops_drift::expectation::{Expectation, Rule, Suite};
    /// let known = Expectation::on("age", Rule::NotNull).mostly(0.95)?.level(SignificanceLevel::FIVE_PERCENT)?;
    /// let by_user = known.clone().unit("user")?;
    /// assert_eq!(by_user.to_string(), "age is not missing in 95 % of units at level 0.05, by user");
    /// // Ten rows of a hundred are missing, all of one user of ten.
    /// assert!(!Suite::new([known]).validate(&table)?.passed());
    /// assert!(Suite::new([by_user]).validate(&table)?.passed());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unit(self, unit: impl Into<String>) -> Result<Self> {
        let unit = Some(unit.into());
        Self { unit, ..self }.checked()
    }

    /// How bad it is if they do not; by default an error.
    #[must_use]
    pub fn severity(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    /// Why it is expected, in words; kept with the suite and told with a failure.
    ///
    /// ```
    /// use mlops_drift::expectation::{Expectation, Rule};
    /// let expectation = Expectation::on("hour", Rule::NotNull).because("the schedule has an hour for every flight");
    /// assert!(expectation.reason().is_some());
    /// ```
    #[must_use]
    pub fn because(self, reason: impl Into<String>) -> Self {
        let reason = Some(reason.into());
        Self { reason, ..self }
    }

    /// The column; `None` for a rule on the table alone.
    pub fn column(&self) -> Option<&str> {
        self.column.as_deref()
    }

    /// The rule.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// What it is on and by which [rule](Rule::name), without any value: the same when the values are inferred anew. Two expectations of one
    /// suite may have the same; [`Suite::names`](super::Suite::names) tells them apart.
    ///
    /// ```
    /// use mlops_drift::expectation::{Expectation, Rule};
    /// let not_null = Expectation::on("delay", Rule::NotNull);
    /// assert_eq!(not_null.name(), "delay: not_null");
    /// let flown = not_null.only_where("cancelled", Rule::one_of(["false"]))?;
    /// assert_eq!(flown.name(), "delay: not_null where cancelled");
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn name(&self) -> String {
        let columns: Vec<&str> = self.rule_columns().collect();
        let conditions: Vec<&str> = self
            .conditions
            .iter()
            .flat_map(Condition::columns)
            .collect();
        let of = match columns.as_slice() {
            [] => String::new(),
            columns => format!("{}: ", columns.join(", ")),
        };
        let chosen = match conditions.as_slice() {
            [] => String::new(),
            columns => format!(" where {}", columns.join(", ")),
        };
        format!("{of}{}{chosen}", self.rule.name())
    }

    /// Why it is expected.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The least share of rows that must obey, in (0, 1].
    pub fn obeying_share(&self) -> f64 {
        self.mostly
    }

    /// The level of the evidence that it takes to fail; `None` if no evidence is asked for.
    pub fn significance(&self) -> Option<SignificanceLevel> {
        self.level
    }

    /// The column of its units; `None` where rows are exchangeable.
    pub fn unit_column(&self) -> Option<&str> {
        self.unit.as_deref()
    }

    pub(super) fn severity_of_failure(&self) -> Severity {
        self.severity
    }

    pub(super) fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// The columns that it reads.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        let of_conditions = self.conditions.iter().flat_map(Condition::columns);
        self.checked_columns().chain(of_conditions)
    }

    /// The columns that its check reads of the rows that it is on.
    pub(super) fn checked_columns(&self) -> impl Iterator<Item = &str> {
        self.rule_columns().chain(self.unit_column())
    }

    /// The columns that its rule reads.
    pub(super) fn rule_columns(&self) -> impl Iterator<Item = &str> {
        let others = self.rule.other_columns().iter().map(String::as_str);
        self.column.as_deref().into_iter().chain(others)
    }

    pub(super) fn checked(self) -> Result<Self> {
        if !(self.mostly > 0.0 && self.mostly <= 1.0) {
            return Err(Error::invalid(format!(
                "the share of rows that must obey must lie in (0, 1], got {}",
                exact(self.mostly)
            )));
        }
        let refused = |what: &str| Error::invalid(format!("{what}, got one that is {}", self.rule));
        let is_comparison = matches!(self.rule, Rule::DistributedAs { .. });
        if self.column.is_none() != self.rule.is_on_no_column() {
            return Err(refused(match self.column {
                None => "a rule must name a column unless it counts rows or names all columns",
                Some(_) => "a rule that counts rows or names all columns must name none itself",
            }));
        }
        if let Some(own) = &self.column {
            require_others(own, &self.rule)?;
        }
        if !self.conditions.is_empty() && !self.rule.is_on_chosen_rows() {
            return Err(refused("a condition must be of a rule that looks at rows"));
        }
        self.conditions.iter().try_for_each(Condition::checked)?;
        if self.mostly < 1.0 && !self.rule.is_on_rows() {
            return Err(refused("a share of rows must be of a rule on rows"));
        }
        if self.of_share && self.mostly == 1.0 {
            return Err(refused(
                "an expectation of the share of rows must not be of all",
            ));
        }
        if self.level.is_some() && !self.rule.takes_level() {
            return Err(refused("a level must be of a rule on rows or on a law"));
        }
        if self.level.is_none() && self.unit.is_some() {
            return Err(refused("an expectation by unit must state a level"));
        }
        if self.unit.is_some() && self.unit == self.column {
            return Err(refused("a unit must be told by another column"));
        }
        if self.level.is_none() && is_comparison {
            return Err(refused("a comparison of distributions must state a level"));
        }
        let rule = self.rule.checked()?;
        Ok(Self { rule, ..self })
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = self.column.as_deref().unwrap_or("the table");
        write!(f, "{column} is {}", self.rule)?;
        for (i, condition) in self.conditions.iter().enumerate() {
            write!(f, " {} {condition}", if i == 0 { "where" } else { "and" })?;
        }
        if self.mostly < 1.0 {
            let of = if self.unit.is_some() { "units" } else { "rows" };
            write!(f, " in {} % of {of}", exact(percent(self.mostly)))?;
        }
        if let Some(level) = self.level {
            write!(f, " at level {}", rounded(level.get()))?;
        }
        match &self.unit {
            Some(unit) => write!(f, ", by {unit}"),
            None => Ok(()),
        }
    }
}

/// To four digits, or as many as tell it from all.
fn percent(share: f64) -> f64 {
    let exact = exact_percent(share);
    let rounded = |places: usize| format!("{exact:.places$e}").parse().ok();
    let rounded = (3..16).filter_map(rounded).find(|&percent| percent < 100.0);
    rounded.unwrap_or(exact)
}

/// Exact to what a float tells: 99.9 and not 99.90000000000001.
fn exact_percent(share: f64) -> f64 {
    let digits = format!("{share:e}");
    let scaled = digits.split_once('e').and_then(|(mantissa, exponent)| {
        let exponent: i32 = exponent.parse().ok()?;
        format!("{mantissa}e{}", exponent + 2).parse().ok()
    });
    scaled.unwrap_or(100.0 * share)
}
