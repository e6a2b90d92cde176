use super::slots::Slots;

/// Slots are this many times finer than those that fix their range: nine in ten then hold no cut.
const FINER: usize = 4;
/// Values whose slots are computed side by side.
const LANES: usize = 16;

/// Where a value lies among ascending cuts: a table over [`Slots`] of the value tells at once, but for slots that hold a cut,
/// in which it is searched for.
#[derive(Debug, PartialEq)]
pub(super) struct Index {
    slots: Slots,
    /// Per slot, twice the number of cuts in earlier ones: the cell of its values. One more if it holds a cut. And twice the number of cuts.
    table: Vec<u32>,
}

impl Index {
    pub(super) fn of(cuts: &[f64]) -> Self {
        let slots = Slots::over(cuts).finer(FINER);
        let mut before = 0;
        let entries = slots.counts(cuts).into_iter().map(|count| {
            let entry = 2 * before + u32::from(count > 0);
            before += count;
            entry
        });
        let mut table: Vec<u32> = entries.collect();
        table.push(2 * cuts.len() as u32);
        Self { slots, table }
    }

    /// The cell of a value: twice the number of cuts below, and one more at a cut.
    pub(super) fn locate(&self, cuts: &[f64], value: f64) -> usize {
        self.locate_in(self.slots.of(value), cuts, value)
    }

    /// Adds each value to its cell.
    pub(super) fn count(&self, cuts: &[f64], values: &[f64], cells: &mut [u64]) {
        let mut chunks = values.chunks_exact(LANES);
        for chunk in &mut chunks {
            let mut slots = [0; LANES];
            for (slot, &value) in slots.iter_mut().zip(chunk) {
                *slot = self.slots.of(value);
            }
            for (slot, &value) in slots.into_iter().zip(chunk) {
                cells[self.locate_in(slot, cuts, value)] += 1;
            }
        }
        for &value in chunks.remainder() {
            cells[self.locate(cuts, value)] += 1;
        }
    }

    fn locate_in(&self, slot: usize, cuts: &[f64], value: f64) -> usize {
        let entry = self.table[slot] as usize;
        if entry.is_multiple_of(2) {
            return entry;
        }
        let (start, end) = (entry / 2, self.table[slot + 1] as usize / 2);
        let below = start + cuts[start..end].partition_point(|&cut| cut < value);
        2 * below + usize::from(cuts.get(below) == Some(&value))
    }
}
