//! Where a quantile must lie.

use arrow::array::RecordBatch;
use mlops_core::Result;
use serde::{Deserialize, Serialize};

use super::bounds::Bounds;
use super::conclusion::Conclusion;
use super::memory::Memory;
use super::number::Number;
use super::numbers::Numbers;
use super::on_rows::{Range, column};
use super::on_table::TableCheck;
use crate::sample::rank_of;

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
