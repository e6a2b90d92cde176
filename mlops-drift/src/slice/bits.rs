//! Sets of rows: a bit a row, or a list of those of a few.

/// Rows of which one is in a set, up to which a list of them is shorter than a bit for each.
const SPARSE: usize = 32;

/// Some of the rows.
#[derive(Clone, Debug)]
pub(super) enum RowSet {
    /// A bit for each position.
    Bits(Vec<u64>),
    /// The rows, ascending.
    List(Vec<u32>),
}

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

    /// The set of these rows, which ascend, in its shorter form.
    pub(super) fn set(&self, rows: Vec<u32>) -> RowSet {
        if rows.len() * SPARSE < self.position.len() {
            return RowSet::List(rows);
        }
        let mut bits = vec![0; self.words];
        for row in rows {
            let position = self.position[row as usize];
            bits[position as usize / 64] |= 1 << (position % 64);
        }
        RowSet::Bits(bits)
    }

    fn holds(&self, bits: &[u64], row: u32) -> bool {
        let position = self.position[row as usize];
        bits[position as usize / 64] >> (position % 64) & 1 == 1
    }

    /// The rows that two sets share.
    pub(super) fn both(&self, x: &RowSet, y: &RowSet) -> RowSet {
        match (x, y) {
            (RowSet::Bits(x), RowSet::Bits(y)) => {
                RowSet::Bits(x.iter().zip(y).map(|(x, y)| x & y).collect())
            }
            (RowSet::List(rows), RowSet::Bits(bits)) | (RowSet::Bits(bits), RowSet::List(rows)) => {
                let rows = rows.iter().copied();
                RowSet::List(rows.filter(|row| self.holds(bits, *row)).collect())
            }
            (RowSet::List(x), RowSet::List(y)) => {
                let (few, many) = if x.len() < y.len() { (x, y) } else { (y, x) };
                let rows = few.iter().copied();
                RowSet::List(rows.filter(|row| many.binary_search(row).is_ok()).collect())
            }
        }
    }

    /// How many rows of each sample a set holds.
    pub(super) fn counts(&self, set: &RowSet) -> [u64; 2] {
        match set {
            RowSet::Bits(bits) => {
                let (first, second) = bits.split_at(self.first_words);
                [first, second].map(count)
            }
            RowSet::List(rows) => {
                let start = self.first_words as u32 * 64;
                let second = rows
                    .iter()
                    .filter(|row| self.position[**row as usize] >= start);
                let second = second.count() as u64;
                [rows.len() as u64 - second, second]
            }
        }
    }
}

fn count(bits: &[u64]) -> u64 {
    bits.iter().map(|word| u64::from(word.count_ones())).sum()
}

impl RowSet {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Bits(bits) => count(bits),
            Self::List(rows) => rows.len() as u64,
        }
    }

    /// What it takes to look at all of it.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Bits(bits) => bits.len(),
            Self::List(rows) => rows.len(),
        }
    }

    /// Calls `with` for every row, ascending; of one sample.
    pub(super) fn each(&self, mut with: impl FnMut(usize)) {
        match self {
            Self::List(rows) => rows.iter().for_each(|row| with(*row as usize)),
            Self::Bits(bits) => {
                for (index, word) in bits.iter().enumerate() {
                    let mut left = *word;
                    while left != 0 {
                        with(64 * index + left.trailing_zeros() as usize);
                        left &= left - 1;
                    }
                }
            }
        }
    }
}
