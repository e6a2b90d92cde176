//! Features: declared once, joined as of a moment offline, read in microseconds online.

use std::time::Duration;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Error, FeatureViewName, Result, Timestamp};

/// A table of features: which entity its rows describe, when each became known, which columns count.
///
/// ```
/// use std::time::Duration;
/// use mlops_core::{FeatureView, FeatureViewName};
///
/// let weather = FeatureView::new(FeatureViewName::new("weather")?, ["origin"], ["temp", "wind_speed"])
///     .with_event_time("known_at")
///     .with_ttl(Duration::from_secs(6 * 3600));
/// weather.check()?;
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureView {
    /// Its name, unique in a store.
    pub name: FeatureViewName,
    /// The columns that name the entity.
    pub keys: Vec<String>,
    /// The columns that are features.
    pub features: Vec<String>,
    /// The column that says when a row became *known* (not when it was measured): a timestamp. `None`
    /// for a static table, whose rows were always known.
    pub event_time: Option<String>,
    /// How long a row counts after its event time; `None` for ever.
    pub ttl: Option<Duration>,
}

impl FeatureView {
    /// A static view: rows that were always known.
    pub fn new<K: Into<String>, F: Into<String>>(
        name: FeatureViewName,
        keys: impl IntoIterator<Item = K>,
        features: impl IntoIterator<Item = F>,
    ) -> Self {
        Self {
            name,
            keys: keys.into_iter().map(Into::into).collect(),
            features: features.into_iter().map(Into::into).collect(),
            event_time: None,
            ttl: None,
        }
    }

    /// With the column that says when a row became known.
    #[must_use]
    pub fn with_event_time(mut self, column: impl Into<String>) -> Self {
        self.event_time = Some(column.into());
        self
    }

    /// With a time to live.
    #[must_use]
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Whether it has a key and a feature, no column twice, and a time to live above zero only
    /// together with an event time.
    ///
    /// # Errors
    /// `InvalidArgument` that says which.
    pub fn check(&self) -> Result<()> {
        let refuse = |why: String| Err(Error::invalid(why).context("feature view", &self.name));
        if self.keys.is_empty() || self.features.is_empty() {
            return refuse("a feature view needs at least one key and one feature".into());
        }
        let columns: Vec<&String> = self
            .keys
            .iter()
            .chain(&self.features)
            .chain(&self.event_time)
            .collect();
        for (index, column) in columns.iter().enumerate() {
            if columns[..index].contains(column) {
                return refuse(format!("column {column:?} is declared twice"));
            }
        }
        match (self.ttl, &self.event_time) {
            (Some(Duration::ZERO), _) => refuse("ttl must be above zero, got 0s".into()),
            (Some(_), None) => refuse("a ttl needs an event time column".into()),
            _ => Ok(()),
        }
    }
}

/// Features that are asked for: some of one view's, under its name or an alias.
///
/// ```
/// use mlops_core::{FeatureRequest, FeatureViewName};
/// let request = FeatureRequest::new(FeatureViewName::new("airport")?, ["elevation"])
///     .keyed_by([("faa", "origin")])
///     .prefixed("origin_");
/// assert_eq!(request.output_name("elevation"), "origin_elevation");
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureRequest {
    /// The view.
    pub view: FeatureViewName,
    /// The features wanted, in order.
    pub features: Vec<String>,
    /// Where the entity table names a key otherwise: `(view's key, entity table's column)`.
    pub key_columns: Vec<(String, String)>,
    /// What is put before every feature's name in the result.
    pub prefix: String,
}

impl FeatureRequest {
    /// Features of a view, under their own names.
    pub fn new<F: Into<String>>(
        view: FeatureViewName,
        features: impl IntoIterator<Item = F>,
    ) -> Self {
        Self {
            view,
            features: features.into_iter().map(Into::into).collect(),
            key_columns: Vec::new(),
            prefix: String::new(),
        }
    }

    /// With keys that the entity table names otherwise.
    #[must_use]
    pub fn keyed_by<V: Into<String>, E: Into<String>>(
        mut self,
        columns: impl IntoIterator<Item = (V, E)>,
    ) -> Self {
        self.key_columns = columns
            .into_iter()
            .map(|(key, column)| (key.into(), column.into()))
            .collect();
        self
    }

    /// With a prefix to every name in the result.
    #[must_use]
    pub fn prefixed(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// The entity table's column that holds a view's key.
    ///
    /// ```
    /// use mlops_core::{FeatureRequest, FeatureViewName};
    /// let request = FeatureRequest::new(FeatureViewName::new("plane")?, ["seats"]);
    /// assert_eq!(request.key_column("tailnum"), "tailnum");
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn key_column<'a>(&'a self, key: &'a str) -> &'a str {
        self.key_columns
            .iter()
            .find(|(view_key, _)| view_key == key)
            .map_or(key, |(_, column)| column)
    }

    /// The name of a feature in the result.
    pub fn output_name(&self, feature: &str) -> String {
        format!("{}{feature}", self.prefix)
    }
}

/// Keeps feature views and their rows, and joins them as of a moment.
///
/// # The point-in-time join
/// For an entity row at time `t`, and each view, the candidates are the rows whose every key equals
/// the entity's (a null never matches), with `event_time <= t`, ends included. The one with the
/// greatest event time counts; of several with the same, the one pushed last. If it is older than
/// `t - ttl` it has expired, and nothing older takes its place. A row without an event time is
/// never used, except in a static view, where every row was always known.
///
/// Every entity row comes out exactly once, in order, with all its columns, then the features as
/// requested, null where nothing matched. Times of any unit and zone compare as instants.
///
/// # Contract
/// - A join sees every push that returned before it began, and of a concurrent one all or nothing.
/// - Pushed rows are never changed or removed by a later push.
/// - What returned `Ok` is durable, as far as the implementation is.
///
/// # Errors
/// `NotFound` for an unknown view; `SignatureMismatch` for a missing column, a column of another
/// type than before, or two results of one name; `InvalidArgument` for an entity row without a time.
///
/// [`MemoryFeatureStore`](crate::memory::MemoryFeatureStore) is the readable reference.
#[async_trait]
pub trait FeatureStore: Send + Sync {
    /// Registers a view. The same definition again is fine; another one under the name is
    /// `AlreadyExists`.
    async fn register_view(&self, view: FeatureView) -> Result<()>;

    /// A view's definition.
    async fn view(&self, name: &FeatureViewName) -> Result<FeatureView>;

    /// Adds rows, which hold at least the view's columns; others are ignored.
    async fn push(&self, view: &FeatureViewName, rows: &RecordBatch) -> Result<()>;

    /// Joins features to entity rows, each as of the time in its column `time`.
    async fn join(
        &self,
        entities: &RecordBatch,
        time: &str,
        requests: &[FeatureRequest],
    ) -> Result<RecordBatch>;

    /// Makes the rows known by `until` visible to the store's [`OnlineReader`]. Rows once
    /// visible stay so: an earlier `until` is fine and does nothing.
    async fn materialize(&self, view: &FeatureViewName, until: Timestamp) -> Result<()>;
}

/// Reads features for a request that is being served.
///
/// # Contract
/// - Synchronous and in memory: microseconds, no I/O, shared by threads.
/// - Equals the offline join: for entities at time `at`, if exactly the rows with
///   `event_time <= at` are visible, `read` gives the columns that
///   [`FeatureStore::join`] gives for them.
/// - A row that is visible though its event time lies after `at` shadows older ones: it is treated
///   as not known, and the features are null. Materialize no further than the present.
///
/// # Errors
/// As [`FeatureStore::join`].
pub trait OnlineReader: Send + Sync {
    /// The features of every row of `entities`, in order: the requested columns alone.
    fn read(
        &self,
        entities: &RecordBatch,
        at: Timestamp,
        requests: &[FeatureRequest],
    ) -> Result<RecordBatch>;
}
