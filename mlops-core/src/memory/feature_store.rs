//! The reference of [`FeatureStore`] and [`OnlineReader`]: nested loops that read like the contract.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt64Array};
use arrow::compute::{cast, concat, take};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit, TimestampMicrosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use async_trait::async_trait;

use crate::{
    Error, ErrorKind, FeatureRequest, FeatureStore, FeatureView, FeatureViewName, OnlineReader,
    Result, Timestamp,
};

/// Feature views and their rows in memory, joined by nested loops: entities × rows.
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::arrow::array::{Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
/// use mlops_core::memory::MemoryFeatureStore;
/// use mlops_core::{FeatureRequest, FeatureStore, FeatureView, FeatureViewName};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> mlops_core::Result<()> {
/// let store = MemoryFeatureStore::new();
/// let name = FeatureViewName::new("weather")?;
/// store.register_view(FeatureView::new(name.clone(), ["origin"], ["temp"]).with_event_time("known_at")).await?;
/// let rows = RecordBatch::try_from_iter([
///     ("origin", Arc::new(StringArray::from(vec!["JFK", "JFK"])) as _),
///     ("temp", Arc::new(Int64Array::from(vec![39, 41])) as _),
///     ("known_at", Arc::new(TimestampMicrosecondArray::from(vec![10, 20])) as _),
/// ])?;
/// store.push(&name, &rows).await?;
/// let flights = RecordBatch::try_from_iter([
///     ("origin", Arc::new(StringArray::from(vec!["JFK"])) as _),
///     ("departs", Arc::new(TimestampMicrosecondArray::from(vec![19])) as _),
/// ])?;
/// let joined = store.join(&flights, "departs", &[FeatureRequest::new(name, ["temp"])]).await?;
/// assert_eq!(*joined["temp"], Int64Array::from(vec![39])); // 41 is not known yet
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct MemoryFeatureStore {
    views: Mutex<BTreeMap<FeatureViewName, ViewState>>,
}

#[derive(Clone, Debug)]
struct ViewState {
    view: FeatureView,
    rows: Option<RecordBatch>,
    visible_until: Option<i64>,
}

impl MemoryFeatureStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<FeatureViewName, ViewState>> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, name: &FeatureViewName) -> Result<ViewState> {
        self.lock()
            .get(name)
            .cloned()
            .ok_or_else(|| Error::not_found("feature view", name))
    }

    /// The requested columns, for entity rows at these times. `visible` limits the rows online.
    fn columns(
        &self,
        entities: &RecordBatch,
        times: &[i64],
        requests: &[FeatureRequest],
        online: bool,
    ) -> Result<Vec<(String, ArrayRef)>> {
        let mut columns = Vec::new();
        for request in requests {
            let state = self.get(&request.view)?;
            let matches = state.matches(entities, times, request, online)?;
            for feature in &request.features {
                columns.push((
                    request.output_name(feature),
                    state.gather(feature, &matches)?,
                ));
            }
        }
        Ok(columns)
    }
}

impl ViewState {
    /// For each entity row the row of the view that counts, by the rules of the join.
    fn matches(
        &self,
        entities: &RecordBatch,
        times: &[i64],
        request: &FeatureRequest,
        online: bool,
    ) -> Result<UInt64Array> {
        let Some(rows) = &self.rows else {
            return Ok(times.iter().map(|_| None).collect());
        };
        let known = self.known_at(rows)?;
        let row_keys = keys(rows, self.view.keys.iter().map(String::as_str))?;
        let columns = self.view.keys.iter().map(|key| request.key_column(key));
        let entity_keys = keys(entities, columns)?;
        let is_visible =
            |known: i64| !online || self.visible_until.is_some_and(|until| known <= until);

        let newest = |entity: usize| {
            let key = entity_keys[entity].as_ref()?;
            let candidates =
                (0..rows.num_rows()).filter(|row| row_keys[*row].as_ref() == Some(key));
            let known = candidates.filter_map(|row| Some((known[row]?, row)));
            // Online, a row from the future shadows older ones; offline it does not exist.
            known
                .filter(|(known, _)| is_visible(*known) && (online || *known <= times[entity]))
                .max()
        };
        let counts = |(known, row): (i64, usize), now: i64| {
            let age = i128::from(now) - i128::from(known);
            let ttl = self.view.ttl.map(|ttl| ttl.as_micros() as i128);
            (known == ALWAYS || (age >= 0 && ttl.is_none_or(|ttl| age <= ttl)))
                .then_some(row as u64)
        };
        Ok((0..entities.num_rows())
            .map(|entity| newest(entity).and_then(|found| counts(found, times[entity])))
            .collect())
    }

    fn known_at(&self, rows: &RecordBatch) -> Result<Vec<Option<i64>>> {
        match &self.view.event_time {
            Some(column) => instants(rows, column),
            None => Ok(vec![Some(ALWAYS); rows.num_rows()]),
        }
    }

    fn gather(&self, feature: &str, matches: &UInt64Array) -> Result<ArrayRef> {
        if !self.view.features.iter().any(|name| name == feature) {
            return Err(missing(feature).context("feature view", &self.view.name));
        }
        match &self.rows {
            Some(rows) => Ok(take(column(rows, feature)?, matches, None)?),
            None => Ok(arrow::array::new_null_array(&DataType::Null, matches.len())),
        }
    }
}

/// The event time of a static row.
const ALWAYS: i64 = i64::MIN;

fn missing(name: &str) -> Error {
    Error::new(
        ErrorKind::SignatureMismatch,
        format!("there is no column \"{name}\""),
    )
}

fn column<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    rows.column_by_name(name).ok_or_else(|| missing(name))
}

/// Microseconds since 1970; `None` for a null.
fn instants(rows: &RecordBatch, name: &str) -> Result<Vec<Option<i64>>> {
    let values = column(rows, name)?;
    if !matches!(values.data_type(), DataType::Timestamp(_, _)) {
        let why = format!("\"{name}\" must be a timestamp, got {}", values.data_type());
        return Err(Error::new(ErrorKind::SignatureMismatch, why));
    }
    let utc = Some("+00:00".into());
    let micros = match values.data_type() {
        // A naive time is in UTC already: casting it to a zone must not shift it.
        DataType::Timestamp(_, None) => {
            cast(values, &DataType::Timestamp(TimeUnit::Microsecond, None))?
        }
        _ => cast(values, &DataType::Timestamp(TimeUnit::Microsecond, utc))?,
    };
    Ok(micros
        .as_primitive::<TimestampMicrosecondType>()
        .iter()
        .collect())
}

/// Each row's key as text, which makes integers of any width and strings of any encoding equal;
/// `None` if a part is null.
fn keys<'a>(
    rows: &RecordBatch,
    names: impl Iterator<Item = &'a str>,
) -> Result<Vec<Option<Vec<String>>>> {
    let columns: Vec<&ArrayRef> = names
        .map(|name| column(rows, name))
        .collect::<Result<_>>()?;
    let options = FormatOptions::default();
    let parts: Vec<ArrayFormatter<'_>> = columns
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
        .collect::<Result<_, _>>()?;
    let key = |row: usize| {
        let has_null = columns.iter().any(|column| column.is_null(row));
        (!has_null).then(|| {
            parts
                .iter()
                .map(|part| part.value(row).to_string())
                .collect()
        })
    };
    Ok((0..rows.num_rows()).map(key).collect())
}

fn table(columns: Vec<(String, ArrayRef)>, rows: usize) -> Result<RecordBatch> {
    for (index, (name, _)) in columns.iter().enumerate() {
        if columns[..index].iter().any(|(other, _)| other == name) {
            let why = format!("two columns of the result are called \"{name}\"");
            return Err(Error::new(ErrorKind::SignatureMismatch, why));
        }
    }
    let field =
        |(name, column): &(String, ArrayRef)| Field::new(name, column.data_type().clone(), true);
    let schema = Schema::new(columns.iter().map(field).collect::<Vec<_>>());
    let arrays = columns.into_iter().map(|(_, column)| column).collect();
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(
        Arc::new(schema),
        arrays,
        &options,
    )?)
}

#[async_trait]
impl FeatureStore for MemoryFeatureStore {
    async fn register_view(&self, view: FeatureView) -> Result<()> {
        view.check()?;
        let mut views = self.lock();
        match views.get(&view.name) {
            Some(old) if old.view != view => Err(Error::already_exists("feature view", &view.name)),
            Some(_) => Ok(()),
            None => {
                let state = ViewState {
                    view,
                    rows: None,
                    visible_until: None,
                };
                views.insert(state.view.name.clone(), state);
                Ok(())
            }
        }
    }

    async fn view(&self, name: &FeatureViewName) -> Result<FeatureView> {
        Ok(self.get(name)?.view)
    }

    async fn push(&self, view: &FeatureViewName, rows: &RecordBatch) -> Result<()> {
        let mut views = self.lock();
        let state = views
            .get_mut(view)
            .ok_or_else(|| Error::not_found("feature view", view))?;
        let declared = &state.view;
        let names = declared
            .keys
            .iter()
            .chain(&declared.features)
            .chain(&declared.event_time);
        let mut columns = Vec::new();
        for name in names {
            let new = column(rows, name)?;
            let all = match &state.rows {
                Some(old) if column(old, name)?.data_type() != new.data_type() => {
                    let why = format!(
                        "column \"{name}\" must be {}, got {}",
                        column(old, name)?.data_type(),
                        new.data_type()
                    );
                    return Err(Error::new(ErrorKind::SignatureMismatch, why));
                }
                Some(old) => concat(&[column(old, name)?, new])?,
                None => new.clone(),
            };
            columns.push((name.clone(), all));
        }
        let before = state.rows.as_ref().map_or(0, RecordBatch::num_rows);
        let pushed = table(columns, before + rows.num_rows())?;
        state.known_at(&pushed)?;
        state.rows = Some(pushed);
        Ok(())
    }

    async fn join(
        &self,
        entities: &RecordBatch,
        time: &str,
        requests: &[FeatureRequest],
    ) -> Result<RecordBatch> {
        let times: Vec<i64> = instants(entities, time)?
            .into_iter()
            .enumerate()
            .map(|(row, time)| {
                time.ok_or_else(|| Error::invalid(format!("entity row {row} has no time")))
            })
            .collect::<Result<_>>()?;
        let fields = entities.schema();
        let names = fields.fields().iter().map(|field| field.name().clone());
        let mut columns: Vec<(String, ArrayRef)> =
            names.zip(entities.columns().iter().cloned()).collect();
        columns.extend(self.columns(entities, &times, requests, false)?);
        table(columns, entities.num_rows())
    }

    async fn materialize(&self, view: &FeatureViewName, until: Timestamp) -> Result<()> {
        let mut views = self.lock();
        let state = views
            .get_mut(view)
            .ok_or_else(|| Error::not_found("feature view", view))?;
        state.visible_until = state.visible_until.max(Some(until.as_microsecond()));
        Ok(())
    }
}

impl OnlineReader for MemoryFeatureStore {
    fn read(
        &self,
        entities: &RecordBatch,
        at: Timestamp,
        requests: &[FeatureRequest],
    ) -> Result<RecordBatch> {
        let times = vec![at.as_microsecond(); entities.num_rows()];
        table(
            self.columns(entities, &times, requests, true)?,
            entities.num_rows(),
        )
    }
}
