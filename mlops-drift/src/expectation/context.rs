use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use mlops_core::{Error, Result, Timestamp};

use crate::profile::TableProfile;
use crate::table::Table;

/// What rules need beside the table: the time, and other tables by name. Cheap to clone.
///
/// ```
/// # use std::sync::Arc;
/// # use mlops_core::arrow::array::{ArrayRef, RecordBatch, StringArray};
/// # let of = |labels: Vec<&str>| RecordBatch::try_from_iter([("carrier", Arc::new(StringArray::from(labels)) as ArrayRef)]);
/// # let (airlines, flights) = (of(vec!["UA", "B6"])?, of(vec!["UA", "XX"])?);
/// use mlops_drift::expectation::{Context, Expectation, Rule, Suite};
/// let context = Context::default().now("2013-01-02T00:00:00Z".parse()?).table("airlines", airlines);
/// let rule = Rule::InTable { table: "airlines".into(), column: "carrier".into() };
/// let report = Suite::new([Expectation::on("carrier", rule)]).validate_with(&flights, &context)?;
/// assert_eq!(report.results[0].examples, [1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Context {
    now: Option<Timestamp>,
    tables: BTreeMap<String, Arc<dyn Table>>,
    profiles: BTreeMap<String, Arc<TableProfile>>,
}

impl Context {
    /// The moment that ages are counted from.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, RecordBatch, TimestampSecondArray};
    /// # let column = std::sync::Arc::new(TimestampSecondArray::from(vec![0, 600])) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("time", column)])?;
    /// use mlops_drift::expectation::{Context, Expectation, Rule, Suite};
    /// let suite = Suite::new([Expectation::on("time", Rule::Fresh { within_seconds: 900, ahead_seconds: 0 })]);
    /// let at = |now: &str| -> Result<bool, Box<dyn std::error::Error>> {
    ///     Ok(suite.validate_with(&table, &Context::default().now(now.parse()?))?.passed())
    /// };
    /// assert!(at("1970-01-01T00:20:00Z")? && !at("1970-01-01T00:30:00Z")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn now(self, now: Timestamp) -> Self {
        let now = Some(now);
        Self { now, ..self }
    }

    /// Another table, by the name that rules know it under.
    #[must_use]
    pub fn table(mut self, name: impl Into<String>, table: impl Table + 'static) -> Self {
        self.tables.insert(name.into(), Arc::new(table));
        self
    }

    /// The profile of another table: enough for [`DistributedAs`](super::Rule::DistributedAs), where it comes
    /// before a table of the same name.
    #[must_use]
    pub fn profile(mut self, name: impl Into<String>, profile: TableProfile) -> Self {
        self.profiles.insert(name.into(), Arc::new(profile));
        self
    }

    pub(super) fn moment(&self) -> Result<Timestamp> {
        let absent = || Error::invalid("the context must hold the time \"now\", got none");
        self.now.ok_or_else(absent)
    }

    pub(super) fn find(&self, name: &str) -> Result<&dyn Table> {
        let table = self.tables.get(name).map(AsRef::as_ref);
        table.ok_or_else(|| Error::not_found("table in the context", name))
    }

    pub(super) fn find_profile(&self, name: &str) -> Option<&TableProfile> {
        self.profiles.get(name).map(AsRef::as_ref)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("now", &self.now)
            .field("tables", &self.tables.keys())
            .field("profiles", &self.profiles.keys())
            .finish()
    }
}
