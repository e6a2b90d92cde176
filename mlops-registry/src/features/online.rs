//! The newest visible row of every entity, read without waiting for writers.

use std::cmp::Reverse;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array};
use arrow::compute::interleave;
use arrow::datatypes::{Field, Schema, TimeUnit};
use mlops_core::{FeatureRequest, FeatureView, Result};

use super::as_of::{Added, AsOfTable, Entry, push_nulls, requested_places};
use super::instant::{Window, ticks_until};
use super::key::{KeyKind, KeyMap, Keys};
use super::table::Columns;

/// A snapshot: immutable, replaced as a whole.
#[derive(Debug)]
pub(super) struct OnlineTable {
    view: Arc<FeatureView>,
    content: Option<Content>,
}

#[derive(Debug)]
struct Content {
    kinds: Vec<KeyKind>,
    unit: TimeUnit,
    keys: Arc<KeyMap>,
    /// By the entity's number: its newest visible row, whose features stand at that place in `rows`.
    newest: Vec<Option<Entry>>,
    rows: RecordBatch,
}

impl OnlineTable {
    pub(super) fn empty(view: Arc<FeatureView>) -> Self {
        Self {
            view,
            content: None,
        }
    }

    /// The snapshot after these rows of `table` have become visible. Cost: one copy of the newest
    /// rows, and of them only if something changed.
    pub(super) fn with(&self, table: &AsOfTable, visible: &[Added]) -> Result<Option<Self>> {
        let (Some((keys, kinds)), Some(features), Some(unit)) =
            (table.keys(), table.features(), table.unit())
        else {
            return Ok(None);
        };
        let mut newest = self
            .content
            .as_ref()
            .map_or(Vec::new(), |old| old.newest.clone());
        newest.resize(keys.len(), None);
        let changed = newest_of(visible, &mut newest);
        if changed.is_empty() && self.content.is_some() {
            return Ok(None);
        }
        let numbers: UInt32Array = changed
            .iter()
            .map(|entity| newest[*entity as usize].map(|entry| entry.row))
            .collect();
        let picks = picks(self.content.as_ref(), &changed, newest.len());
        let columns = (0..self.view.features.len()).map(|place| {
            let fresh = features.gather(place, &numbers)?;
            let old = self.content.as_ref().map(|old| old.rows.column(place));
            place_side_by_side(old, &fresh, &picks)
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        Ok(Some(Self {
            view: self.view.clone(),
            content: Some(Content {
                kinds: kinds.to_vec(),
                unit,
                keys: keys.clone(),
                rows: feature_rows(&self.view, columns, newest.len())?,
                newest,
            }),
        }))
    }

    /// Adds the requested columns for entity rows at a moment in nanoseconds.
    pub(super) fn read(
        &self,
        entities: &RecordBatch,
        now: i128,
        request: &FeatureRequest,
        result: &mut Columns,
    ) -> Result<()> {
        let places = requested_places(&self.view, request)?;
        let Some(content) = &self.content else {
            return push_nulls(entities, &self.view, request, result);
        };
        let keys = Keys::of_entities(entities, &self.view, request)?;
        keys.check_against(&content.kinds, &self.view)?;
        let window = match self.view.event_time {
            Some(_) => Window::at(now, self.view.ttl, content.unit),
            None => Window::ALWAYS,
        };
        let numbers = content.keys.look_up(&keys);
        let found: UInt32Array = numbers
            .into_iter()
            .map(|number| content.counting(number?, window))
            .collect();
        for (feature, place) in request.features.iter().zip(places) {
            let values = arrow::compute::take(content.rows.column(place), &found, None)?;
            result.push(request.output_name(feature), values);
        }
        Ok(())
    }
}

impl Content {
    /// The entity itself, if its newest row counts. A key that the shared map has learnt since this
    /// snapshot has no row here yet.
    fn counting(&self, entity: u32, window: Window) -> Option<u32> {
        let entry = self.newest.get(entity as usize).copied().flatten()?;
        window.contains(entry.known).then_some(entity)
    }
}

/// Moves each entity on to its newest row, and lists those that moved.
fn newest_of(visible: &[Added], newest: &mut [Option<Entry>]) -> Vec<u32> {
    let mut changed = Vec::new();
    for Added { entity, entry } in visible {
        let place = &mut newest[*entity as usize];
        let order = |entry: &Entry| (entry.known, entry.row);
        if place.is_none_or(|old| order(&old) < order(entry)) {
            *place = Some(*entry);
            changed.push(*entity);
        }
    }
    changed.sort_unstable();
    changed.dedup();
    changed
}

/// Where each entity's features are: in the null row, the old snapshot, or the rows just gathered.
fn picks(old: Option<&Content>, changed: &[u32], entities: usize) -> Vec<(usize, usize)> {
    const NULL: usize = 0;
    const OLD: usize = 1;
    const FRESH: usize = 2;
    let kept = old.map_or(0, |old| old.newest.len());
    let mut picks: Vec<(usize, usize)> = (0..entities)
        .map(|entity| {
            if entity < kept {
                (OLD, entity)
            } else {
                (NULL, 0)
            }
        })
        .collect();
    for (place, entity) in changed.iter().enumerate() {
        picks[*entity as usize] = (FRESH, place);
    }
    picks
}

fn place_side_by_side(
    old: Option<&ArrayRef>,
    fresh: &ArrayRef,
    picks: &[(usize, usize)],
) -> Result<ArrayRef> {
    let null = new_null_array(fresh.data_type(), 1);
    let arrays: [&dyn Array; 3] = [&null, old.unwrap_or(&null), fresh];
    Ok(interleave(&arrays, picks)?)
}

fn feature_rows(view: &FeatureView, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let fields = view
        .features
        .iter()
        .zip(&columns)
        .map(|(name, column)| Field::new(name, column.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(
        schema, columns, &options,
    )?)
}

/// Rows that are not visible yet, and until when all are.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// The next to become visible last.
    rows: Vec<Added>,
    until: Option<i128>,
}

impl Pending {
    pub(super) fn add(&mut self, added: Vec<Added>) {
        if added.is_empty() {
            return;
        }
        self.rows.extend(added);
        self.rows.sort_by_key(|row| Reverse(row.entry.known));
    }

    /// Until when rows are visible, in nanoseconds.
    pub(super) fn until(&self) -> Option<i128> {
        self.until
    }

    /// What becomes visible at a moment in nanoseconds, and never less than at one before. All of a
    /// static view, whose rows were always known.
    pub(super) fn visible(&self, until: i128, table: &AsOfTable) -> &[Added] {
        let Some(unit) = table.unit() else {
            return &[];
        };
        let is_static = table.view().event_time.is_none();
        let newest = ticks_until(self.latest(until), unit);
        let later = self
            .rows
            .partition_point(|row| !is_static && row.entry.known > newest);
        &self.rows[later..]
    }

    /// Forgets the last rows, so many as [`visible`](Self::visible) gave: they are shown.
    pub(super) fn shown(&mut self, until: i128, rows: usize) {
        self.until = Some(self.latest(until));
        self.rows.truncate(self.rows.len() - rows);
    }

    fn latest(&self, until: i128) -> i128 {
        self.until.map_or(until, |before| before.max(until))
    }
}
