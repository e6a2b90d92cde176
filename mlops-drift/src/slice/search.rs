//! The lattice of conjunctions, level by level.
//!
//! Sets of rows are kept for single predicates alone, in at most 4 bytes a row and column; a longer
//! conjunction's is made when it is visited. A conjunction is visited if all those with one predicate less were,
//! and may be extended (Agrawal & Srikant, "Fast algorithms for mining association rules", VLDB 1994). One that
//! holds few rows is not set against every predicate of a further column: its rows, by their label there, are
//! the conjunctions that hold any row, so that two columns of thousands of labels cost a pass over the rows.

use std::collections::HashMap;

use mlops_core::{Error, Result};

use super::bits::{Layout, RowSet};
use super::cut::Cut;

/// Words and rows that are looked at in one search: some minutes.
const MOST_WORK: usize = 200_000_000_000;
/// Conjunctions of one level that may be extended: some hundred megabytes.
const MOST_SLICES: usize = 2_000_000;

/// What is looked for, and what it prunes.
pub(super) trait Search {
    /// What is kept of a slice while it may be extended.
    type Slice: Copy;

    /// Rows that a slice needs to be worth a visit.
    fn least(&self) -> u64;

    /// Whether a slice inside all of these may be worth a visit.
    fn is_promising(&self, parents: &[Self::Slice]) -> bool;

    /// Takes in a slice; what is kept of it if others inside it may be worth a visit.
    fn visit(
        &mut self,
        predicates: &[u32],
        parents: &[Self::Slice],
        rows: &RowSet,
    ) -> Option<Self::Slice>;
}

type Level<S> = Vec<(Vec<u32>, S)>;

/// Visits every conjunction of up to `depth` predicates over the rows of the layout that is not pruned.
pub(super) fn run<S: Search>(
    search: &mut S,
    cut: &Cut,
    layout: &Layout,
    depth: usize,
) -> Result<()> {
    let (sets, mut level) = singles(search, cut, layout);
    let mut work = 0;
    for _ in 1..depth {
        let known = level
            .iter()
            .map(|(ids, slice)| (ids.as_slice(), *slice))
            .collect();
        let mut step = Step {
            cut,
            layout,
            sets: &sets,
            known,
            work,
            found: Vec::new(),
        };
        for (index, (ids, slice)) in level.iter().enumerate() {
            step.extend(search, ids, *slice, &level[index + 1..])?;
        }
        let Step {
            found,
            work: spent,
            known,
            ..
        } = step;
        drop(known); // it borrows from the level before
        (level, work) = (found, spent);
    }
    Ok(())
}

type Sets = HashMap<u32, RowSet>;

fn singles<S: Search>(search: &mut S, cut: &Cut, layout: &Layout) -> (Sets, Level<S::Slice>) {
    let (mut sets, mut level) = (Sets::new(), Vec::new());
    let rows = layout.sizes().iter().sum::<u64>() as usize;
    for (predicate, members) in cut.members(rows) {
        // Labels of a few rows each, by the hundred thousand, must not make a set each.
        if (members.len() as u64) < search.least() {
            continue;
        }
        let set = layout.set(members);
        if let Some(slice) = search.visit(&[predicate], &[], &set) {
            sets.insert(predicate, set);
            level.push((vec![predicate], slice));
        }
    }
    level.retain(|(ids, slice)| {
        let kept = search.is_promising(&[*slice]);
        if !kept {
            sets.remove(&ids[0]);
        }
        kept
    });
    (sets, level)
}

/// From the conjunctions of one length to those of the next.
struct Step<'a, S> {
    cut: &'a Cut,
    layout: &'a Layout,
    sets: &'a Sets,
    known: HashMap<&'a [u32], S>,
    work: usize,
    found: Level<S>,
}

impl<S: Copy> Step<'_, S> {
    /// Visits a conjunction with every predicate of a later column that may be added.
    fn extend(
        &mut self,
        search: &mut impl Search<Slice = S>,
        ids: &[u32],
        slice: S,
        later: &[(Vec<u32>, S)],
    ) -> Result<()> {
        let (prefix, last) = ids.split_at(ids.len() - 1);
        let column = self.cut.column_of(last[0]);
        let mut siblings = later
            .iter()
            .take_while(|(other, _)| other.starts_with(prefix))
            .filter_map(|(other, _)| other.last().copied())
            .filter(|other| self.cut.column_of(*other) != column)
            .peekable();
        if siblings.peek().is_none() || !search.is_promising(&[slice]) {
            return Ok(());
        }
        let Some(rows) = self.rows(ids) else {
            return Ok(());
        };
        match &rows {
            RowSet::List(list) => {
                for column in column + 1..self.cut.columns() {
                    self.spend(list.len())?;
                    for (other, rows) in by_predicate(self.cut, column, list) {
                        self.visit(search, ids, other, |_| RowSet::List(rows))?;
                    }
                }
            }
            RowSet::Bits(_) => {
                for other in siblings {
                    self.visit(search, ids, other, |step| match step.sets.get(&other) {
                        Some(set) => step.layout.both(&rows, set),
                        None => RowSet::List(Vec::new()),
                    })?;
                }
            }
        }
        Ok(())
    }

    fn visit(
        &mut self,
        search: &mut impl Search<Slice = S>,
        ids: &[u32],
        other: u32,
        rows: impl FnOnce(&Self) -> RowSet,
    ) -> Result<()> {
        let Some(set) = self.sets.get(&other) else {
            return Ok(());
        };
        let conjunction = [ids, &[other]].concat();
        let Some(parents) = parents(&conjunction, &self.known) else {
            return Ok(());
        };
        if !search.is_promising(&parents) {
            return Ok(());
        }
        self.spend(set.size())?;
        let rows = rows(self);
        if let Some(slice) = search.visit(&conjunction, &parents, &rows) {
            self.found.push((conjunction, slice));
            if self.found.len() > MOST_SLICES {
                return Err(self.too_many(MOST_SLICES, "slices of one depth"));
            }
        }
        Ok(())
    }

    /// The rows of a conjunction.
    fn rows(&self, ids: &[u32]) -> Option<RowSet> {
        let (first, rest) = ids.split_first()?;
        let first = self.sets.get(first)?.clone();
        rest.iter().try_fold(first, |rows, id| {
            Some(self.layout.both(&rows, self.sets.get(id)?))
        })
    }

    fn spend(&mut self, work: usize) -> Result<()> {
        self.work += work;
        if self.work > MOST_WORK {
            return Err(self.too_many(MOST_WORK, "looks at rows"));
        }
        Ok(())
    }

    fn too_many(&self, most: usize, what: &str) -> Error {
        let (column, predicates) = self.cut.widest();
        Error::invalid(format!(
            "the lattice needs more than {most} {what}: leave out column \"{column}\" of {predicates} \
             predicates, or take fewer bins or a smaller depth"
        ))
    }
}

/// Rows of each predicate of a column among these, which ascend.
fn by_predicate(cut: &Cut, column: u32, rows: &[u32]) -> Vec<(u32, Vec<u32>)> {
    let coded = rows
        .iter()
        .filter_map(|row| Some((cut.predicate(column, *row)?, *row)));
    let mut coded: Vec<(u32, u32)> = coded.collect();
    coded.sort_unstable();
    let groups = coded.chunk_by(|(a, _), (b, _)| a == b);
    groups
        .map(|group| (group[0].0, group.iter().map(|(_, row)| *row).collect()))
        .collect()
}

/// The slices with one predicate less; `None` unless all of them may be extended.
fn parents<S: Copy>(ids: &[u32], known: &HashMap<&[u32], S>) -> Option<Vec<S>> {
    let without = (0..ids.len()).map(|left_out| {
        let rest = ids
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != left_out);
        let rest: Vec<u32> = rest.map(|(_, id)| *id).collect();
        known.get(rest.as_slice()).copied()
    });
    without.collect()
}
