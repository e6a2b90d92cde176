use super::slots::Slots;

/// Slots are this many times finer than those that fix their range: seven in eight then hold no cut, and the table stays in the cache.
const FINER: usize = 2;
/// What a slot holds: no cut, one, or more.
const ONE: u32 = 1;
const MORE: u32 = 2;
/// Bits of an entry that tell so.
const BITS: u32 = 2;

/// Where a value lies among ascending cuts: a table over [`Slots`] of the value tells at once, after one comparison where a slot holds
/// a cut; in the few that hold several it is searched for.
///
/// Nothing but those few is branched on: which of two ways a value goes is as good as random, and a processor that guesses wrong loses
/// more than the comparison takes.
#[derive(Debug, PartialEq)]
pub(super) struct Index {
    slots: Slots,
    /// Per slot, how many cuts lie in earlier ones, above [`BITS`] that tell whether it holds none, [`ONE`] or [`MORE`]. And the number
    /// of all cuts.
    table: Vec<u32>,
}

impl Index {
    pub(super) fn of(cuts: &[f64]) -> Self {
        let slots = Slots::over(cuts).finer(FINER);
        let mut before = 0;
        let entries = slots.counts(cuts).into_iter().map(|count| {
            let entry = before << BITS | count.min(MORE);
            before += count;
            entry
        });
        let mut table: Vec<u32> = entries.collect();
        table.push((cuts.len() as u32) << BITS);
        Self { slots, table }
    }

    /// The cell of a value: twice the number of cuts below, and one more at a cut.
    pub(super) fn locate(&self, cuts: &[f64], value: f64) -> usize {
        self.locate_in(self.slots.of(value), cuts, value)
    }

    /// Adds each value to its cell.
    pub(super) fn count(&self, cuts: &[f64], values: &[f64], cells: &mut [u64]) {
        self.slots.for_each(values, |slot, value| {
            cells[self.locate_in(slot, cuts, value)] += 1;
        });
    }

    #[inline(always)]
    fn locate_in(&self, slot: usize, cuts: &[f64], value: f64) -> usize {
        let entry = self.table[slot];
        let (before, held) = ((entry >> BITS) as usize, entry & ((1 << BITS) - 1));
        if held == MORE {
            let end = (self.table[slot + 1] >> BITS) as usize;
            let below = before + cuts[before..end].partition_point(|&cut| cut < value);
            return 2 * below + usize::from(cuts.get(below) == Some(&value));
        }
        // The first cut is at hand for slots without one.
        let held = (held & ONE) as usize;
        let Some(&cut) = cuts.get(before * held) else {
            return 0; // no cuts at all: one cell
        };
        2 * before + (held & usize::from(value >= cut)) + (held & usize::from(value > cut))
    }
}
