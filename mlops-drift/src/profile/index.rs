use super::slots::Slots;

/// Slots are this many times finer than those that fix their range: seven in eight then hold no cut, and the table stays in the cache.
const FINER: usize = 2;
/// The bit of an entry that tells that a slot holds several cuts.
const SEVERAL: u32 = 1;

/// Where a value lies among ascending cuts: a table over [`Slots`] of the value tells the cut to compare it with; in the few slots that hold
/// several it is searched for.
///
/// Nothing but those few is branched on: which of two ways a value goes is as good as random, and a processor that guesses wrong loses
/// more than the comparison takes.
#[derive(Debug, PartialEq)]
pub(super) struct Index {
    slots: Slots,
    table: Table,
}

/// Per slot, above the bit [`SEVERAL`], the first cut that lies in it or in a later one; the last cut where none does. All values of a slot
/// without a cut lie on one side of that cut. One more slot at the end. In as few bytes as hold it: half as many are looked up faster.
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
        let last = cuts.len().saturating_sub(1) as u32;
        let mut before: u32 = 0;
        let counts = slots.counts(cuts).into_iter().chain([0]);
        let entries = counts.map(|count| {
            let entry = 2 * before.min(last) + u32::from(count > 1) * SEVERAL;
            before += count;
            entry
        });
        let table = Table::of(entries.collect());
        Self { slots, table }
    }

    /// The cell of a value: twice the number of cuts below, and one more at a cut.
    pub(super) fn locate(&self, cuts: &[f64], value: f64) -> usize {
        if cuts.is_empty() {
            return 0;
        }
        let slot = self.slots.of(value);
        match &self.table {
            Table::Narrow(table) => locate_in(table, slot, cuts, value),
            Table::Wide(table) => locate_in(table, slot, cuts, value),
        }
    }

    /// Adds each value to its cell.
    pub(super) fn count(&self, cuts: &[f64], values: &[f64], cells: &mut [u64]) {
        match &self.table {
            _ if cuts.is_empty() => cells[0] += values.len() as u64,
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

/// Among at least one cut.
#[inline(always)]
fn locate_in<E: Copy + Into<u32>>(table: &[E], slot: usize, cuts: &[f64], value: f64) -> usize {
    let entry: u32 = table[slot].into();
    let mut first = (entry >> 1) as usize;
    if entry & SEVERAL > 0 {
        let next: u32 = table[slot + 1].into();
        let end = (next >> 1) as usize;
        first += cuts[first..end].partition_point(|&cut| cut < value);
    }
    let cut = cuts[first];
    2 * first + usize::from(value >= cut) + usize::from(value > cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Narrow or wide, each value lies where a search of the cuts puts it.
    #[test]
    fn cells_are_those_of_a_search() {
        for number in [0, 1, 3, 16_383, 32_768, 32_769, 40_000] {
            let cuts: Vec<f64> = (0..number).map(|i| f64::from(i) * 0.5).collect();
            let index = Index::of(&cuts);
            let is_narrow = matches!(index.table, Table::Narrow(_));
            assert_eq!(is_narrow, number <= 32_768, "{number}");
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
