/// Searches that run side by side: each waits for the cache, none for the others.
pub(super) const LANES: usize = 16;
/// Slots of the table per cut.
const SLOTS: usize = 2;

/// Where a value lies among ascending cuts: a table over equal steps of the value tells nearly where, a short binary
/// search without branches the rest.
///
/// A value's slot is a monotone function of it, floating-point rounding included, so a cut in an earlier slot is less and
/// one in a later slot is greater, whatever the table's range: that range decides the speed alone.
#[derive(Debug, PartialEq)]
pub(super) struct Index {
    slots: Slots,
    /// Per slot, how many cuts lie in earlier ones.
    starts: Vec<u32>,
    /// Steps of the search, enough for the fullest slot.
    steps: u32,
    /// The cuts, and infinities that a search may run into.
    padded: Vec<f64>,
}

impl Index {
    pub(super) fn of(cuts: &[f64]) -> Self {
        let (slots, counts) = Slots::best(cuts);
        let steps = usize::BITS - counts.iter().max().unwrap_or(&0).leading_zeros();
        let starts = counts.iter().scan(0, |before, count| {
            let start = *before as u32;
            *before += count;
            Some(start)
        });
        let mut padded = cuts.to_vec();
        padded.resize(cuts.len() + (1 << steps), f64::INFINITY);
        Self {
            starts: starts.collect(),
            slots,
            steps,
            padded,
        }
    }

    /// The cells of several values: twice the number of cuts below, and one more at a cut.
    pub(super) fn locate<const N: usize>(&self, values: &[f64; N]) -> [usize; N] {
        let padded = self.padded.as_slice();
        let mut cells = values.map(|value| self.starts[self.slots.of(value)] as usize);
        for step in (0..self.steps).rev() {
            let half = 1 << step;
            for (below, value) in cells.iter_mut().zip(values) {
                *below += usize::from(padded[*below + half - 1] < *value) * half;
            }
        }
        for (cell, value) in cells.iter_mut().zip(values) {
            *cell = 2 * *cell + usize::from(padded[*cell] == *value);
        }
        cells
    }
}

/// Equal steps of the value between two of the cuts; what lies outside goes to the outer slots.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Slots {
    low: f64,
    scale: f64,
    last: usize,
}

impl Slots {
    /// Slots over a range of cuts that leaves out as many at either end as makes the fullest slot least full, with the
    /// number of cuts in each: heavy tails need a narrow range.
    fn best(cuts: &[f64]) -> (Self, Vec<usize>) {
        let trims = (0..usize::BITS).map(|power| (1_usize << power) - 1);
        let ranges = trims.take_while(|trim| 2 * trim < cuts.len());
        let counted = ranges.map(|trim| {
            let slots = Self::between(cuts, trim);
            (slots, slots.count(cuts))
        });
        let fullest = |(_, counts): &(Self, Vec<usize>)| counts.iter().max().copied();
        let none = Self {
            low: 0.0,
            scale: 0.0,
            last: 0,
        };
        counted.min_by_key(fullest).unwrap_or((none, vec![0]))
    }

    fn between(cuts: &[f64], trim: usize) -> Self {
        let (low, high) = (cuts[trim], cuts[cuts.len() - 1 - trim]);
        let slots = SLOTS * cuts.len().next_power_of_two();
        Self {
            low,
            scale: slots as f64 / (high - low),
            last: slots - 1,
        }
    }

    /// The value's slot; a cast of NaN (from 0·inf) gives 0.
    fn of(&self, value: f64) -> usize {
        (((value - self.low) * self.scale) as usize).min(self.last)
    }

    fn count(&self, cuts: &[f64]) -> Vec<usize> {
        let mut counts = vec![0; self.last + 1];
        for &cut in cuts {
            counts[self.of(cut)] += 1;
        }
        counts
    }
}
