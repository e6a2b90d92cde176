//! Rules on the table: what is kept of all rows, and what is concluded from it.

use arrow::array::{Array, RecordBatch};
use mlops_core::{Result, Timestamp};
use serde::{Deserialize, Serialize};

use super::across_rows::Seen;
use super::bounds::Bounds;
use super::check::RowCheck;
use super::conclusion::Conclusion;
use super::count::Count;
use super::memory::Memory;
use super::number::Number;
use super::numbers::{Numbers, Scale};
use super::on_rows::{Range, column};
use crate::sample::{Moments, numbers, unsupported};

/// Values that are added up at once: always as many, so that sums do not depend on where parts are cut.
const BLOCK: usize = 16_384;

/// A rule on the table while its parts come in.
pub(super) trait TableCheck: Send {
    /// Another part.
    ///
    /// # Errors
    /// What the columns' types or the rule's settings forbid: the same for every part of one schema.
    fn update(&mut self, part: &RecordBatch) -> Result<()>;

    /// What it remembers of the parts before; `None` if nothing.
    fn memory(&mut self) -> Option<&mut dyn Memory>;

    /// What all parts come to.
    fn conclude(&self) -> Result<Conclusion>;
}

/// [`Rule::Exists`](super::Rule::Exists).
pub(super) struct Present(pub(super) String);

impl TableCheck for Present {
    fn update(&mut self, part: &RecordBatch) -> Result<()> {
        column(part, &self.0).map(|_| ())
    }

    fn memory(&mut self) -> Option<&mut dyn Memory> {
        None
    }

    fn conclude(&self) -> Result<Conclusion> {
        Ok(Conclusion::new(true, "the column is there".into()))
    }
}

/// [`Rule::Rows`](super::Rule::Rows).
pub(super) struct RowCount {
    pub(super) expected: Count,
    pub(super) rows: u64,
}

impl TableCheck for RowCount {
    fn update(&mut self, part: &RecordBatch) -> Result<()> {
        self.rows += part.num_rows() as u64;
        Ok(())
    }

    fn memory(&mut self) -> Option<&mut dyn Memory> {
        Some(&mut self.rows)
    }

    fn conclude(&self) -> Result<Conclusion> {
        let passed = self.expected.contains(self.rows);
        Ok(Conclusion::new(passed, format!("{} rows", self.rows)))
    }
}

/// [`Rule::Distinct`](super::Rule::Distinct).
pub(super) struct Distinct {
    pub(super) expected: Count,
    pub(super) seen: Seen,
}

impl TableCheck for Distinct {
    fn update(&mut self, part: &RecordBatch) -> Result<()> {
        self.seen.broken(part).map(|_| ())
    }

    fn memory(&mut self) -> Option<&mut dyn Memory> {
        self.seen.memory()
    }

    fn conclude(&self) -> Result<Conclusion> {
        let distinct = self.seen.distinct();
        let passed = self.expected.contains(distinct);
        Ok(Conclusion::new(
            passed,
            format!("{distinct} distinct values"),
        ))
    }
}

/// [`Rule::Fresh`](super::Rule::Fresh).
pub(super) struct Newest {
    pub(super) column: String,
    pub(super) within_seconds: u64,
    pub(super) now: Timestamp,
    pub(super) newest: Option<Number>,
}

impl TableCheck for Newest {
    fn update(&mut self, part: &RecordBatch) -> Result<()> {
        let values = column(part, &self.column)?;
        let numbers = Numbers::of(values)?;
        if !matches!(numbers.scale, Scale::Instant { .. }) {
            return Err(unsupported(values.data_type(), "times"));
        }
        let later = |a: Number, b: Number| if b.compare(a).is_gt() { b } else { a };
        self.newest = self
            .newest
            .into_iter()
            .chain(numbers.iter().flatten())
            .reduce(later);
        Ok(())
    }

    fn memory(&mut self) -> Option<&mut dyn Memory> {
        Some(&mut self.newest)
    }

    fn conclude(&self) -> Result<Conclusion> {
        let Some(newest) = self.newest else {
            return Ok(Conclusion::new(false, "there is no time".into()));
        };
        let age = self.now.as_second() as f64 - newest.to_f64();
        let oldest = Number::oldest(self.now, self.within_seconds);
        let passed = newest.compare(oldest).is_ge();
        let reason = match age < 0.0 {
            true => format!("the newest time lies {:.0} s after now", -age),
            false => format!("the newest time is {age:.0} s old"),
        };
        Ok(Conclusion::new(passed, reason))
    }
}

/// [`Rule::Mean`](super::Rule::Mean) and [`Rule::StandardDeviation`](super::Rule::StandardDeviation).
pub(super) struct MomentWithin {
    pub(super) column: String,
    pub(super) what: &'static str,
    pub(super) of: fn(&Moments) -> Option<f64>,
    pub(super) within: Bounds,
    pub(super) sums: Sums,
}

/// Sums of the finite values.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Sums {
    moments: Moments,
    /// Values that fill no block yet.
    rest: Vec<f64>,
    /// Whether there was an infinite value, which leaves every moment undefined.
    infinite: bool,
}

impl Sums {
    fn add(&mut self, values: Vec<f64>) {
        self.infinite |= values.iter().any(|x| x.is_infinite());
        self.rest
            .extend(values.into_iter().filter(|x| x.is_finite()));
        let mut blocks = self.rest.chunks_exact(BLOCK);
        for block in &mut blocks {
            self.moments.merge(&Moments::of(block));
        }
        self.rest = blocks.remainder().to_vec();
    }

    fn moments(&self) -> Option<Moments> {
        let mut moments = self.moments;
        moments.merge(&Moments::of(&self.rest));
        (!self.infinite).then_some(moments)
    }
}

impl TableCheck for MomentWithin {
    fn update(&mut self, part: &RecordBatch) -> Result<()> {
        self.sums.add(numbers(column(part, &self.column)?)?);
        Ok(())
    }

    fn memory(&mut self) -> Option<&mut dyn Memory> {
        Some(&mut self.sums)
    }

    fn conclude(&self) -> Result<Conclusion> {
        let what = self.what;
        Ok(match self.sums.moments().as_ref().and_then(self.of) {
            Some(value) => {
                let passed = self.within.contains(value);
                Conclusion::new(passed, format!("the {what} is {value}"))
            }
            None => Conclusion::new(false, format!("the {what} is undefined")),
        })
    }
}

/// [`Rule::Quantile`](super::Rule::Quantile): it lies within, if few enough values lie below and above. So
/// counts are enough, and exact.
pub(super) struct QuantileWithin {
    pub(super) column: String,
    pub(super) share: f64,
    pub(super) within: Bounds,
    pub(super) counts: RangeCounts,
}

/// How many values lie where.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct RangeCounts {
    values: u64,
    below: u64,
    above: u64,
}

impl RangeCounts {
    fn add(&mut self, range: &Range, x: Number) {
        self.values += 1;
        self.below += u64::from(range.is_below(x));
        self.above += u64::from(range.is_above(x));
    }
}

impl TableCheck for QuantileWithin {
    fn update(&mut self, part: &RecordBatch) -> Result<()> {
        let numbers = Numbers::of(column(part, &self.column)?)?;
        let range = Range::of(&self.within, &numbers)?;
        numbers
            .iter()
            .flatten()
            .for_each(|x| self.counts.add(&range, x));
        Ok(())
    }

    fn memory(&mut self) -> Option<&mut dyn Memory> {
        Some(&mut self.counts)
    }

    fn conclude(&self) -> Result<Conclusion> {
        let RangeCounts {
            values,
            below,
            above,
        } = self.counts;
        let rank = rank_of(self.share, values);
        let passed = values > 0 && below < rank && rank + above <= values;
        let reason = format!(
            "of {values} values {below} lie below and {above} above, and the quantile has rank {rank}"
        );
        Ok(Conclusion::new(passed, reason))
    }
}

/// The least rank r with r/n of at least the share; as a quotient, since a product of a share like 0.07 is
/// rounded up.
fn rank_of(share: f64, n: u64) -> u64 {
    let rank = (share * n as f64).ceil().max(1.0) as u64;
    let is_enough = |rank: u64| rank as f64 / n as f64 >= share;
    if rank > 1 && is_enough(rank - 1) {
        rank - 1
    } else {
        rank
    }
}
