//! Do neighbouring rows, or units, resemble each other? Looked at in the first values of what is compared, and told beside the verdict.

mod column;
mod correlation;
mod series;
mod watched;

pub(crate) use column::ColumnDependence;
pub(crate) use correlation::Neighbours;
pub use correlation::SerialCorrelation;
pub(crate) use series::Series;
pub(crate) use watched::Watched;
