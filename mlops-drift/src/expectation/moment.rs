//! Where a mean or a standard deviation must lie.

use arrow::array::RecordBatch;
use mlops_core::Result;
use serde::{Deserialize, Serialize};

use super::bounds::Bounds;
use super::column_type::floats_of;
use super::conclusion::Conclusion;
use super::memory::Memory;
use super::number::exact;
use super::on_rows::column;
use super::on_table::TableCheck;
use crate::sample::Moments;

/// Values that are added up at once: always as many, so that sums do not depend on where parts are cut.
const BLOCK: usize = 16_384;

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
        self.sums.add(floats_of(column(part, &self.column)?)?);
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
                Conclusion::new(passed, format!("the {what} is {}", exact(value)))
            }
            None => Conclusion::new(false, format!("the {what} is undefined")),
        })
    }
}
