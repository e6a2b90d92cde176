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
    table: Table,
}

/// Per slot, how many cuts lie in earlier ones, above [`BITS`] that tell whether it holds none, [`ONE`] or [`MORE`]. And the number
/// of all cuts. In as few bytes as hold it: half as many are looked up faster.
#[derive(Debug, PartialEq)]
enum Table {
    Narrow(Vec<u16>),
    Wide(Vec<u32>),
}

impl Table {
    fn of(entries: Vec<u32>) -> Self {
        let narrow = entries.iter().map(|&entry| u16::try_from(entry));
        match narrow.collect() {
            Ok(entries) => Self::Narrow(entries),
            Err(_) => Self::Wide(entries),
        }
    }
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
        let mut entries: Vec<u32> = entries.collect();
        entries.push((cuts.len() as u32) << BITS);
        let table = Table::of(entries);
        Self { slots, table }
    }

    /// The cell of a value: twice the number of cuts below, and one more at a cut.
    pub(super) fn locate(&self, cuts: &[f64], value: f64) -> usize {
        let slot = self.slots.of(value);
        match &self.table {
            Table::Narrow(table) => locate_in(table, slot, cuts, value),
            Table::Wide(table) => locate_in(table, slot, cuts, value),
        }
    }

    /// Adds each value to its cell.
    pub(super) fn count(&self, cuts: &[f64], values: &[f64], cells: &mut [u64]) {
        match &self.table {
            Table::Narrow(table) => self.count_by(table, cuts, values, cells),
            Table::Wide(table) => self.count_by(table, cuts, values, cells),
        }
    }

    fn count_by<E: Copy + Into<u32>>(
        &self,
        table: &[E],
        cuts: &[f64],
        values: &[f64],
        cells: &mut [u64],
    ) {
        self.slots.for_each(values, |slot, value| {
            cells[locate_in(table, slot, cuts, value)] += 1;
        });
    }
}

#[inline(always)]
fn locate_in<E: Copy + Into<u32>>(table: &[E], slot: usize, cuts: &[f64], value: f64) -> usize {
    let entry: u32 = table[slot].into();
    let (before, held) = ((entry >> BITS) as usize, entry & ((1 << BITS) - 1));
    if held == MORE {
        let next: u32 = table[slot + 1].into();
        let end = (next >> BITS) as usize;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Narrow or wide, each value lies where a search of the cuts puts it.
    #[test]
    fn cells_are_those_of_a_search() {
        for number in [0, 1, 3, 16_383, 16_384, 40_000] {
            let cuts: Vec<f64> = (0..number).map(|i| f64::from(i) * 0.5).collect();
            let index = Index::of(&cuts);
            let is_narrow = matches!(index.table, Table::Narrow(_));
            assert_eq!(is_narrow, number <= 16_383, "{number}");
            let values: Vec<f64> = (-9..9_000).map(|i| f64::from(i) * 2.25).collect();
            let mut cells = vec![0; 2 * cuts.len() + 1];
            index.count(&cuts, &values, &mut cells);
            let mut expected = vec![0; cells.len()];
            for &value in &values {
                let below = cuts.partition_point(|&cut| cut < value);
                let cell = 2 * below + usize::from(cuts.get(below) == Some(&value));
                assert_eq!(index.locate(&cuts, value), cell, "{number}: {value}");
                expected[cell] += 1;
            }
            assert_eq!(cells, expected, "{number}");
        }
    }
}
