//! Some values of a column, exactly, with how many lie below each: what fixes a grid, and what counts the column on it.

use super::slots::Slots;
use crate::sample::{of_order_key, order_key};

/// Values that are sorted rather than told apart by slots.
const FEW: usize = 4_096;
/// Values that show over which range the slots should lie.
const SHOWN: usize = 1_024;
/// Slots per rank that is looked up: few of them are then looked into.
const PER_RANK: usize = 16;

/// Values of which those that are kept are found at once.
const BLOCK: usize = 1_024;

/// A value, and how many finite ones are less, and how many at most that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Landmark {
    pub(super) value: f64,
    pub(super) below: usize,
    pub(super) through: usize,
}

/// The values at some ranks of the finite values of a column, and all distinct ones as long as they are few.
///
/// Values are told of in ascending order, at once ([`add_all`](Self::add_all)) or group by group.
#[derive(Debug)]
pub(super) struct Landmarks {
    /// Ranks from 0 that are looked up, in ascending order.
    wanted: Vec<usize>,
    /// How many of them have been passed.
    passed: usize,
    /// How many values have been passed.
    rank: usize,
    /// Distinct values that are still few.
    most: usize,
    found: Vec<Landmark>,
    /// Whether everything that was passed was found.
    complete: bool,
}

impl Landmarks {
    pub(super) fn new(mut wanted: Vec<usize>, most: usize) -> Self {
        wanted.sort_unstable();
        wanted.dedup();
        Self {
            wanted,
            passed: 0,
            rank: 0,
            most,
            found: Vec::new(),
            complete: true,
        }
    }

    /// All distinct values, if they are few.
    pub(super) fn distinct(&self) -> Option<&[Landmark]> {
        self.complete.then_some(&self.found)
    }

    /// The value of a rank that was wanted.
    pub(super) fn at(&self, rank: usize) -> Option<f64> {
        let place = self.found.partition_point(|mark| mark.through <= rank);
        self.found.get(place).map(|mark| mark.value)
    }

    /// How many values are less than a landmark, or than what lies between two neighbouring values that were wanted, and how many at most that.
    pub(super) fn around(&self, value: f64) -> [usize; 2] {
        let place = self.found.partition_point(|mark| mark.value <= value);
        match self.found[..place].last() {
            Some(mark) if mark.value == value => [mark.below, mark.through],
            Some(mark) => [mark.through; 2],
            None => [0; 2],
        }
    }

    /// Whether any of the next values is looked for.
    pub(super) fn wants(&self, count: usize) -> bool {
        self.next_looked_for(count).is_some()
    }

    /// Of so many values that come next, the first that is looked for.
    fn next_looked_for(&self, count: usize) -> Option<usize> {
        let wanted = || Some(self.wanted.get(self.passed)? - self.rank);
        let place = if self.complete { Some(0) } else { wanted() };
        place.filter(|&place| place < count)
    }

    /// The next values, all equal.
    pub(super) fn add(&mut self, value: f64, count: usize) {
        let mark = Landmark {
            value,
            below: self.rank,
            through: self.rank + count,
        };
        let is_wanted = self.pass(count);
        if self.complete && self.found.len() == self.most {
            self.keep_wanted();
        }
        if is_wanted || self.complete {
            self.found.push(mark);
        }
    }

    /// The next values, none of which is wanted.
    pub(super) fn skip(&mut self, count: usize) {
        if count > 0 {
            self.keep_wanted();
            self.pass(count);
        }
    }

    /// The next values, in any order. Those at wanted ranks, and those beside them, are sorted.
    pub(super) fn add_all(&mut self, values: &[f64]) {
        if values.len() <= FEW {
            return self.add_keys(&mut keys(values.iter().copied()));
        }
        let slots = slots_of(values, PER_RANK * self.wanted.len().next_power_of_two());
        let counts = slots.counts(values);
        let occupied = counts.iter().filter(|&&count| count > 0).count();
        if self.complete && self.found.len() + occupied > self.most {
            self.keep_wanted();
        }
        let looked_into = self.looked_into(&counts);
        let mut kept = by_slot(values, slots, &counts, &looked_into);
        let mut rest = kept.as_mut_slice();
        let mut skipped = 0;
        for (count, is_looked_into) in counts.into_iter().zip(looked_into) {
            if is_looked_into {
                let (first, later) = rest.split_at_mut(count as usize);
                self.skip(std::mem::take(&mut skipped));
                self.add_keys(first);
                rest = later;
            } else {
                skipped += count as usize;
            }
        }
        self.skip(skipped);
    }

    /// The next values by their keys, in any order.
    fn add_keys(&mut self, keys: &mut [u64]) {
        keys.sort_unstable();
        let mut rest = &*keys;
        while let Some(place) = self.next_looked_for(rest.len()) {
            let key = rest[place];
            let start = rest.partition_point(|&other| other < key);
            let end = rest.partition_point(|&other| other <= key);
            self.skip(start);
            self.add(of_order_key(key), end - start);
            rest = &rest[end..];
        }
        self.skip(rest.len());
    }

    /// By slot, whether any of its values is looked for.
    fn looked_into(&self, counts: &[u32]) -> Vec<bool> {
        let mut wanted = self.wanted[self.passed..].iter().peekable();
        let mut rank = self.rank;
        let slots = counts.iter().map(|&count| {
            rank += count as usize;
            let mut is_wanted = self.complete && count > 0;
            while wanted.next_if(|&&next| next < rank).is_some() {
                is_wanted = true;
            }
            is_wanted
        });
        slots.collect()
    }

    /// Goes past values; whether any of them is wanted.
    fn pass(&mut self, count: usize) -> bool {
        self.rank += count;
        let before = self.passed;
        while self
            .wanted
            .get(self.passed)
            .is_some_and(|&next| next < self.rank)
        {
            self.passed += 1;
        }
        self.passed > before
    }

    /// There are more distinct values than are kept.
    fn keep_wanted(&mut self) {
        if std::mem::take(&mut self.complete) {
            let wanted = &self.wanted;
            self.found.retain(|mark| {
                let next = wanted.partition_point(|&rank| rank < mark.below);
                wanted.get(next).is_some_and(|&rank| rank < mark.through)
            });
        }
    }
}

/// The keys of the values in those slots that are looked into, slot after slot.
fn by_slot(values: &[f64], slots: Slots, counts: &[u32], looked_into: &[bool]) -> Vec<u64> {
    let mut size = 0;
    let starts = counts.iter().zip(looked_into).map(|(&count, &is_one)| {
        let start = size;
        size += if is_one { count } else { 0 };
        start
    });
    let mut next: Vec<u32> = starts.collect();
    let mut kept = vec![0; size as usize];
    let mut found = [0.0; BLOCK];
    for block in values.chunks(BLOCK) {
        // Written whether it is kept or not: that is as good as random, and a wrong guess costs more.
        let mut number = 0;
        slots.for_each(block, |slot, value| {
            found[number] = value;
            number += usize::from(looked_into[slot]);
        });
        slots.for_each(&found[..number], |slot, value| {
            kept[next[slot] as usize] = order_key(value);
            next[slot] += 1;
        });
    }
    kept
}

/// At least so many over the range of every so manieth value.
fn slots_of(values: &[f64], number: usize) -> Slots {
    let step = values.len().div_ceil(SHOWN).max(1);
    let mut shown = keys(values.iter().copied().step_by(step));
    shown.sort_unstable();
    let shown: Vec<f64> = shown.into_iter().map(of_order_key).collect();
    let slots = Slots::over(&shown);
    slots.finer((number / slots.len()).max(1))
}

/// What is sorted rather than floats: a third faster.
fn keys(values: impl Iterator<Item = f64>) -> Vec<u64> {
    values.map(order_key).collect()
}
