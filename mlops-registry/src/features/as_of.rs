//! The point-in-time join: pure, in memory, over Arrow tables.
//!
//! ```text
//! index:  key -> its rows as (event time, row), sorted by event time; equal ones in order of push
//! join:   for each entity row (key, t):
//!             row = last of the key's rows with event time <= t      binary search
//!             counts if event time >= t - ttl, else nothing does     no older row takes its place
//!         gather the features of the rows found
//! ```

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use mlops_core::{Error, ErrorKind, FeatureRequest, FeatureView, Result};

use super::instant::{Instants, Window};
use super::key::{KeyKind, KeyMap, Keys};
use super::rows::Rows;
use super::table::{Columns, column, missing};

/// A feature view's rows with an index by key and event time, to be joined any number of times.
///
/// Building costs O(n log n) for n rows, less where they come in order of time; joining m entity
/// rows costs O(m log n). In memory: the features, 16 bytes a row, and each distinct key once.
/// A clone copies the index and shares the features.
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::arrow::array::{Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
/// use mlops_core::{FeatureRequest, FeatureView, FeatureViewName};
/// use mlops_registry::features::{AsOfTable, join_as_of};
///
/// let view = FeatureView::new(FeatureViewName::new("weather")?, ["origin"], ["temp"])
///     .with_event_time("known_at");
/// let rows = RecordBatch::try_from_iter([
///     ("origin", Arc::new(StringArray::from(vec!["JFK", "JFK"])) as _),
///     ("temp", Arc::new(Int64Array::from(vec![39, 41])) as _),
///     ("known_at", Arc::new(TimestampMicrosecondArray::from(vec![10, 20])) as _),
/// ])?;
/// let weather = AsOfTable::of(view.clone(), &[rows])?;
///
/// let flights = RecordBatch::try_from_iter([
///     ("origin", Arc::new(StringArray::from(vec!["JFK", "EWR"])) as _),
///     ("departs", Arc::new(TimestampMicrosecondArray::from(vec![19, 19])) as _),
/// ])?;
/// let request = FeatureRequest::new(view.name, ["temp"]);
/// let joined = join_as_of(&flights, "departs", [(&weather, &request)])?;
/// assert_eq!(*joined["temp"], Int64Array::from(vec![Some(39), None])); // 41 is not known yet
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AsOfTable {
    view: FeatureView,
    content: Option<Content>,
}

/// What there is once the first rows have fixed the types.
#[derive(Clone, Debug)]
struct Content {
    kinds: Vec<KeyKind>,
    unit: TimeUnit,
    keys: Arc<KeyMap>,
    index: Vec<Vec<Entry>>,
    features: Rows,
}

/// A row of one entity. A static row has event time 0, which is never looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) known: i64,
    pub(super) row: u32,
}

/// A row that was added, and whose it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Added {
    pub(super) entity: u32,
    pub(super) entry: Entry,
}

impl AsOfTable {
    /// A view without rows. Its features join as columns of type `Null`: nothing is known of them.
    ///
    /// # Errors
    /// As [`FeatureView::check`].
    ///
    /// ```
    /// use mlops_core::{FeatureView, FeatureViewName};
    /// use mlops_registry::features::AsOfTable;
    /// let view = FeatureView::new(FeatureViewName::new("weather")?, ["origin"], ["temp"]);
    /// assert_eq!(AsOfTable::new(view)?.num_rows(), 0);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn new(view: FeatureView) -> Result<Self> {
        view.check()?;
        Ok(Self {
            view,
            content: None,
        })
    }

    /// A view with these rows, in the order of pushing.
    ///
    /// # Errors
    /// As [`AsOfTable::new`] and [`AsOfTable::extend`]. See [`AsOfTable`] for an example.
    pub fn of(view: FeatureView, rows: &[RecordBatch]) -> Result<Self> {
        let mut table = Self::new(view)?;
        rows.iter().try_for_each(|rows| table.extend(rows))?;
        Ok(table)
    }

    /// The view.
    ///
    /// ```
    /// use mlops_core::{FeatureView, FeatureViewName};
    /// use mlops_registry::features::AsOfTable;
    /// let view = FeatureView::new(FeatureViewName::new("weather")?, ["origin"], ["temp"]);
    /// assert_eq!(*AsOfTable::new(view.clone())?.view(), view);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn view(&self) -> &FeatureView {
        &self.view
    }

    /// How many rows it has, those included that are never used (without an event time, or with a
    /// null in the key).
    pub fn num_rows(&self) -> usize {
        self.content
            .as_ref()
            .map_or(0, |content| content.features.len())
    }

    /// Adds rows, which were pushed after those before. Cheap for rows that come in order of time.
    ///
    /// # Errors
    /// `SignatureMismatch` for a missing column, a column of another type than before, a key of a
    /// type that cannot be one, or an event time that is no timestamp; nothing is added then.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use mlops_core::arrow::array::{Int64Array, RecordBatch, StringArray};
    /// use mlops_core::{FeatureView, FeatureViewName};
    /// use mlops_registry::features::AsOfTable;
    ///
    /// let view = FeatureView::new(FeatureViewName::new("airport")?, ["faa"], ["elevation"]);
    /// let mut table = AsOfTable::new(view)?;
    /// table.extend(&RecordBatch::try_from_iter([
    ///     ("faa", Arc::new(StringArray::from(vec!["JFK"])) as _),
    ///     ("elevation", Arc::new(Int64Array::from(vec![13])) as _),
    /// ])?)?;
    /// let wrong = RecordBatch::try_from_iter([("faa", Arc::new(StringArray::from(vec!["LGA"])) as _)])?;
    /// let error = table.extend(&wrong).unwrap_err();
    /// assert_eq!(error.to_string(), "there is no column \"elevation\" (feature view: airport)");
    /// assert_eq!(table.num_rows(), 1);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn extend(&mut self, rows: &RecordBatch) -> Result<()> {
        self.add(rows).map(|_| ())
    }

    pub(super) fn add(&mut self, rows: &RecordBatch) -> Result<Vec<Added>> {
        let rows = declared_columns(&self.view, rows)
            .map_err(|e| e.context("feature view", &self.view.name))?;
        let keys = Keys::of_rows(&rows, &self.view)?;
        let times = event_times(&self.view, &rows)?;
        let features = rows.project(&feature_places(&self.view))?;
        match &mut self.content {
            Some(content) => {
                content.check_types(&self.view, &keys, times.as_ref(), &features)?;
                content.add(&keys, times.as_ref(), features)
            }
            empty => {
                let mut content = Content {
                    kinds: keys.kinds(),
                    unit: times.as_ref().map_or(TimeUnit::Second, Instants::unit),
                    keys: Arc::default(),
                    index: Vec::new(),
                    features: Rows::new(features.schema()),
                };
                let added = content.add(&keys, times.as_ref(), features)?;
                *empty = Some(content);
                Ok(added)
            }
        }
    }

    /// The columns asked for, as of the entity rows' times.
    fn columns(
        &self,
        entities: &RecordBatch,
        times: &Instants,
        request: &FeatureRequest,
        result: &mut Columns,
    ) -> Result<()> {
        let places = requested_places(&self.view, request)?;
        let Some(content) = &self.content else {
            return push_nulls(entities, &self.view, request, result);
        };
        let keys = Keys::of_entities(entities, &self.view, request)?;
        keys.check_against(&content.kinds, &self.view)?;
        let numbers = content.keys.look_up(&keys);
        let found: UInt32Array = numbers
            .iter()
            .enumerate()
            .map(|(row, number)| content.latest((*number)?, self.window(times.nanoseconds(row)?)))
            .collect();
        for (feature, place) in request.features.iter().zip(places) {
            result.push(
                request.output_name(feature),
                content.features.gather(place, &found)?,
            );
        }
        Ok(())
    }

    fn window(&self, now: i128) -> Window {
        match &self.content {
            Some(content) if self.view.event_time.is_some() => {
                Window::at(now, self.view.ttl, content.unit)
            }
            _ => Window::ALWAYS,
        }
    }

    /// The unit of the event times; `None` while there are no rows.
    pub(super) fn unit(&self) -> Option<TimeUnit> {
        self.content.as_ref().map(|content| content.unit)
    }

    pub(super) fn keys(&self) -> Option<(&Arc<KeyMap>, &[KeyKind])> {
        let content = self.content.as_ref()?;
        Some((&content.keys, &content.kinds))
    }

    pub(super) fn features(&self) -> Option<&Rows> {
        self.content.as_ref().map(|content| &content.features)
    }
}

impl Content {
    fn check_types(
        &self,
        view: &FeatureView,
        keys: &Keys,
        times: Option<&Instants>,
        features: &RecordBatch,
    ) -> Result<()> {
        let refuse = |what: &str| {
            let why = format!("{what} has another type than before");
            Err(Error::new(ErrorKind::SignatureMismatch, why).context("feature view", &view.name))
        };
        if keys.kinds() != self.kinds {
            return refuse("a key");
        }
        if times.is_some_and(|times| times.unit() != self.unit) {
            return refuse("the event time");
        }
        for (place, field) in features.schema().fields().iter().enumerate() {
            if field.data_type() != self.features.data_type(place) {
                return refuse(&format!("feature \"{}\"", field.name()));
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        keys: &Keys,
        times: Option<&Instants>,
        features: RecordBatch,
    ) -> Result<Vec<Added>> {
        let first = self.features.len() as u32;
        self.features.push(features)?;
        if !self.keys.holds_all(keys) {
            Arc::make_mut(&mut self.keys).insert(keys);
        }
        self.index.resize_with(self.keys.len(), Vec::new);
        let numbers = self.keys.look_up(keys);
        let added: Vec<Added> = (first..)
            .zip(numbers)
            .enumerate()
            .filter_map(|(place, (row, entity))| {
                let known = times.map_or(Some(0), |times| times.ticks(place))?;
                let entry = Entry { known, row };
                entity.map(|entity| Added { entity, entry })
            })
            .collect();
        self.insert(&added);
        Ok(added)
    }

    /// Appends, then sorts the entities that got a row out of order. The sort is stable and fast on
    /// runs that are sorted already.
    fn insert(&mut self, added: &[Added]) {
        let mut unsorted = Vec::new();
        for Added { entity, entry } in added {
            let entries = &mut self.index[*entity as usize];
            if entries.last().is_some_and(|last| last.known > entry.known) {
                unsorted.push(*entity as usize);
            }
            entries.push(*entry);
        }
        unsorted.sort_unstable();
        unsorted.dedup();
        for entity in unsorted {
            self.index[entity].sort_by_key(|entry| entry.known);
        }
    }

    /// The row of an entity that counts in a window: the newest known by its end, if it has not
    /// expired.
    fn latest(&self, entity: u32, window: Window) -> Option<u32> {
        let entries = &self.index[entity as usize];
        let known = entries.partition_point(|entry| entry.known <= window.newest);
        let newest = entries[..known].last()?;
        (newest.known >= window.oldest).then_some(newest.row)
    }
}

/// Joins features to entity rows, each as of the time in its column `time`: the rules are those of
/// [`FeatureStore`](mlops_core::FeatureStore). Times of the units and zones compare as instants, to
/// the nanosecond.
///
/// # Errors
/// `SignatureMismatch` for a missing column, keys of different kinds, a feature that the view does
/// not have, or two results of one name; `InvalidArgument` for an entity row without a time.
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::arrow::array::{Int64Array, RecordBatch, StringArray, TimestampSecondArray};
/// use mlops_core::{FeatureRequest, FeatureView, FeatureViewName};
/// use mlops_registry::features::{AsOfTable, join_as_of};
///
/// let view = FeatureView::new(FeatureViewName::new("airport")?, ["faa"], ["elevation"]);
/// let rows = RecordBatch::try_from_iter([
///     ("faa", Arc::new(StringArray::from(vec!["JFK", "LGA"])) as _),
///     ("elevation", Arc::new(Int64Array::from(vec![13, 21])) as _),
/// ])?;
/// let airports = AsOfTable::of(view.clone(), &[rows])?;
///
/// // One view in two roles.
/// let flights = RecordBatch::try_from_iter([
///     ("from", Arc::new(StringArray::from(vec!["JFK"])) as _),
///     ("to", Arc::new(StringArray::from(vec!["LGA"])) as _),
///     ("departs", Arc::new(TimestampSecondArray::from(vec![0])) as _),
/// ])?;
/// let role = |column: &str| {
///     FeatureRequest::new(view.name.clone(), ["elevation"])
///         .keyed_by([("faa", column)])
///         .prefixed(format!("{column}_"))
/// };
/// let (from, to) = (role("from"), role("to"));
/// let joined = join_as_of(&flights, "departs", [(&airports, &from), (&airports, &to)])?;
/// assert_eq!(*joined["from_elevation"], Int64Array::from(vec![13]));
/// assert_eq!(*joined["to_elevation"], Int64Array::from(vec![21]));
/// # Ok::<(), mlops_core::Error>(())
/// ```
pub fn join_as_of<'a>(
    entities: &RecordBatch,
    time: &str,
    requests: impl IntoIterator<Item = (&'a AsOfTable, &'a FeatureRequest)>,
) -> Result<RecordBatch> {
    let times = Instants::of_column(entities, time)?;
    if let Some(row) = (0..times.len()).find(|row| times.ticks(*row).is_none()) {
        return Err(Error::invalid(format!("entity row {row} has no time")));
    }
    let mut result = Columns::of(entities);
    for (table, request) in requests {
        table
            .columns(entities, &times, request, &mut result)
            .map_err(|e| e.context("feature view", &table.view.name))?;
    }
    result.finish()
}

/// The columns that a view declares, in its order: keys, features, event time. Dictionaries are
/// taken as their values: those of several pushes together may be more than their keys can count.
pub(super) fn declared_columns(view: &FeatureView, rows: &RecordBatch) -> Result<RecordBatch> {
    let names = view
        .keys
        .iter()
        .chain(&view.features)
        .chain(&view.event_time);
    let columns = names.map(|name| Ok((name, plain(column(rows, name)?)?, true)));
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
}

fn plain(array: &ArrayRef) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::Dictionary(_, values) => Ok(cast(array, values)?),
        _ => Ok(array.clone()),
    }
}

/// Where the features stand among the declared columns.
fn feature_places(view: &FeatureView) -> Vec<usize> {
    (view.keys.len()..view.keys.len() + view.features.len()).collect()
}

fn event_times(view: &FeatureView, rows: &RecordBatch) -> Result<Option<Instants>> {
    let name = view.event_time.as_deref();
    name.map(|name| Instants::of_column(rows, name)).transpose()
}

/// Where the requested features stand among the view's.
pub(super) fn requested_places(view: &FeatureView, request: &FeatureRequest) -> Result<Vec<usize>> {
    let place = |feature: &String| view.features.iter().position(|name| name == feature);
    request
        .features
        .iter()
        .map(|feature| place(feature).ok_or_else(|| missing(feature)))
        .collect()
}

/// Of a view without rows nothing is known, not even types: the columns are of type `Null`.
pub(super) fn push_nulls(
    entities: &RecordBatch,
    view: &FeatureView,
    request: &FeatureRequest,
    result: &mut Columns,
) -> Result<()> {
    Keys::of_entities(entities, view, request)?;
    for feature in &request.features {
        let nulls = new_null_array(&DataType::Null, entities.num_rows());
        result.push(request.output_name(feature), nulls);
    }
    Ok(())
}
