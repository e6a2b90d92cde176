//! The lattice of conjunctions, level by level.
//!
//! Sets of rows are kept for single predicates alone; a longer conjunction's is made when it is visited. A
//! conjunction is visited if all those with one predicate less were, and may be extended (Agrawal &
//! Srikant, "Fast algorithms for mining association rules", VLDB 1994).

use std::collections::HashMap;

use mlops_core::{Error, Result};

use super::bits::{Layout, intersect};
use super::cut::Cut;

/// Bytes of the sets of rows of single predicates.
const MOST_BYTES: usize = 1 << 30;
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
        rows: &[u64],
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
    let (sets, mut level) = singles(search, cut, layout)?;
    for _ in 1..depth {
        level = next(search, cut, layout, &sets, &level)?;
    }
    Ok(())
}

type Sets = HashMap<u32, Vec<u64>>;

fn singles<S: Search>(
    search: &mut S,
    cut: &Cut,
    layout: &Layout,
) -> Result<(Sets, Level<S::Slice>)> {
    let (mut sets, mut level) = (Sets::new(), Vec::new());
    let rows = layout.sizes().iter().sum::<u64>() as usize;
    for (predicate, members) in cut.members(rows) {
        // Labels of a few rows each, by the hundred thousand, must not make a set each.
        if (members.len() as u64) < search.least() {
            continue;
        }
        let set = layout.set(&members);
        if let Some(slice) = search.visit(&[predicate], &[], &set) {
            sets.insert(predicate, set);
            level.push((vec![predicate], slice));
            affordable(
                8 * layout.words() * sets.len(),
                MOST_BYTES,
                "bytes for sets of rows",
            )?;
        }
    }
    level.retain(|(ids, slice)| {
        let kept = search.is_promising(&[*slice]);
        if !kept {
            sets.remove(&ids[0]);
        }
        kept
    });
    Ok((sets, level))
}

fn next<S: Search>(
    search: &mut S,
    cut: &Cut,
    layout: &Layout,
    sets: &Sets,
    level: &Level<S::Slice>,
) -> Result<Level<S::Slice>> {
    let known: HashMap<&[u32], S::Slice> = level
        .iter()
        .map(|(ids, slice)| (ids.as_slice(), *slice))
        .collect();
    let (mut first, mut both) = (vec![0; layout.words()], vec![0; layout.words()]);
    let mut found = Vec::new();
    for (index, (ids, slice)) in level.iter().enumerate() {
        let (prefix, last) = ids.split_at(ids.len() - 1);
        let others = level[index + 1..]
            .iter()
            .take_while(|(other, _)| other.starts_with(prefix));
        let others = others.filter_map(|(other, _)| other.last());
        let mut others = others
            .filter(|other| cut.column_of(**other) != cut.column_of(last[0]))
            .peekable();
        if others.peek().is_none() || !search.is_promising(&[*slice]) {
            continue;
        }
        fill(&mut first, ids, sets);
        for &other in others {
            let conjunction = [ids.as_slice(), &[other]].concat();
            let (Some(parents), Some(set)) = (parents(&conjunction, &known), sets.get(&other))
            else {
                continue;
            };
            if !search.is_promising(&parents) {
                continue;
            }
            intersect(&first, set, &mut both);
            if let Some(slice) = search.visit(&conjunction, &parents, &both) {
                found.push((conjunction, slice));
                affordable(found.len(), MOST_SLICES, "slices of one depth")?;
            }
        }
    }
    Ok(found)
}

/// The rows of a conjunction.
fn fill(into: &mut [u64], ids: &[u32], sets: &Sets) {
    into.fill(u64::MAX);
    for set in ids.iter().filter_map(|id| sets.get(id)) {
        into.iter_mut()
            .zip(set)
            .for_each(|(into, word)| *into &= word);
    }
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

fn affordable(needed: usize, most: usize, what: &str) -> Result<()> {
    if needed <= most {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the lattice needs more than {most} {what}: take fewer columns, fewer bins or a smaller depth"
    )))
}
