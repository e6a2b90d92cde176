//! How old the newest time may be.

use arrow::array::{Array, RecordBatch};
use mlops_core::{Result, Timestamp, type_name};

use super::column_type::{INSTANTS, wrong_type};
use super::conclusion::Conclusion;
use super::memory::Memory;
use super::number::Number;
use super::numbers::{Numbers, Scale};
use super::on_rows::column;
use super::on_table::TableCheck;

/// [`Rule::Fresh`](super::Rule::Fresh).
pub(super) struct Newest {
    pub(super) column: String,
    pub(super) within_seconds: u64,
    pub(super) ahead_seconds: u64,
    pub(super) now: Timestamp,
    pub(super) newest: Option<Number>,
}

impl TableCheck for Newest {
    fn update(&mut self, part: &RecordBatch) -> Result<()> {
        let values = column(part, &self.column)?;
        let numbers = Numbers::read(values, INSTANTS)?;
        if !matches!(numbers.scale, Scale::Instant { .. }) && !numbers.are_of_no_type() {
            return Err(wrong_type(&type_name(values.data_type()), INSTANTS));
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
        let oldest = Number::before(self.now, self.within_seconds);
        let latest = Number::after(self.now, self.ahead_seconds);
        let passed = newest.compare(oldest).is_ge() && newest.compare(latest).is_le();
        let reason = match age < 0.0 {
            true => format!("the newest time lies {:.0} s after now", -age),
            false => format!("the newest time is {age:.0} s old"),
        };
        Ok(Conclusion::new(passed, reason))
    }
}
