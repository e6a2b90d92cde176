use mlops_core::Result;

use super::{SerialCorrelation, Series};

/// How much neighbours in a column resemble each other in their values, and in what they miss.
#[derive(Clone, Copy, Default)]
pub(crate) struct ColumnDependence {
    pub(crate) values: Option<SerialCorrelation>,
    pub(crate) missing: Option<SerialCorrelation>,
}

impl ColumnDependence {
    pub(crate) fn of(first: &Series) -> Result<Self> {
        Ok(Self {
            values: first.correlation()?,
            missing: first.correlation_of_missing()?,
        })
    }

    /// That of either table which is the more surprising.
    pub(crate) fn or(self, other: Self) -> Self {
        let either = |one: Option<SerialCorrelation>, other: Option<SerialCorrelation>| {
            SerialCorrelation::of_several(one.into_iter().chain(other))
        };
        Self {
            values: either(self.values, other.values),
            missing: either(self.missing, other.missing),
        }
    }
}
