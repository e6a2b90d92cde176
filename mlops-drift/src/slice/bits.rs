//! Sets of rows, a bit a row.

/// Where the rows of two samples stand: those of the first, up to a whole word, then those of the second.
pub(super) struct Layout {
    position: Vec<u32>,
    first_words: usize,
    words: usize,
    sizes: [u64; 2],
}

impl Layout {
    /// Of rows that belong to the second sample or not.
    pub(super) fn of(second: &[bool]) -> Self {
        let seconds = second.iter().filter(|second| **second).count();
        let first_words = (second.len() - seconds).div_ceil(64);
        let mut next = [0, first_words as u32 * 64];
        let position = second.iter().map(|&second| {
            let next = &mut next[usize::from(second)];
            *next += 1;
            *next - 1
        });
        Self {
            position: position.collect(),
            first_words,
            words: first_words + seconds.div_ceil(64),
            sizes: [(second.len() - seconds) as u64, seconds as u64],
        }
    }

    /// Of one sample.
    pub(super) fn of_one(rows: usize) -> Self {
        Self::of(&vec![false; rows])
    }

    pub(super) fn sizes(&self) -> [u64; 2] {
        self.sizes
    }

    pub(super) fn words(&self) -> usize {
        self.words
    }

    /// The set of these rows.
    pub(super) fn set(&self, rows: &[u32]) -> Vec<u64> {
        let mut bits = vec![0; self.words];
        for &row in rows {
            let position = self.position[row as usize];
            bits[position as usize / 64] |= 1 << (position % 64);
        }
        bits
    }

    /// How many rows of each sample a set holds.
    pub(super) fn counts(&self, bits: &[u64]) -> [u64; 2] {
        let (first, second) = bits.split_at(self.first_words);
        [first, second].map(count)
    }
}

pub(super) fn count(bits: &[u64]) -> u64 {
    bits.iter().map(|word| u64::from(word.count_ones())).sum()
}

/// Both sets, written over `into`.
pub(super) fn intersect(x: &[u64], y: &[u64], into: &mut [u64]) {
    let words = x.iter().zip(y).map(|(x, y)| x & y);
    into.iter_mut()
        .zip(words)
        .for_each(|(into, word)| *into = word);
}

/// The positions in a set, ascending.
pub(super) fn positions(bits: &[u64]) -> impl Iterator<Item = usize> + '_ {
    bits.iter().enumerate().flat_map(|(index, &word)| {
        let mut left = word;
        std::iter::from_fn(move || {
            let lowest = left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            (lowest < 64).then_some(64 * index + lowest)
        })
    })
}
