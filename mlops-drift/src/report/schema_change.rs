use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a column was not compared: what either table has in its place.
///
/// ```
/// use mlops_drift::report::SchemaChange;
/// let change = SchemaChange::TypeChanged { from: "int32".into(), to: "text".into() };
/// assert_eq!(change.to_string(), "its type changed from int32 to text");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
#[non_exhaustive]
pub enum SchemaChange {
    /// The current table lacks the column.
    ColumnMissing,
    /// The reference lacks the column.
    ColumnNew,
    /// The current table has the column as a type whose values cannot be compared with the reference's.
    TypeChanged {
        /// The type in the reference.
        from: String,
        /// The type in the current table.
        to: String,
    },
    /// The current table is read part by part, such as file by file, and one of the parts lacks the column, has it as a type of
    /// another meaning, or holds integers that the floats of the others would round.
    PartsDiffer {
        /// Which part, and how.
        why: String,
    },
    /// The current table lacks the column of the units that the rows come in.
    UnitMissing {
        /// The name of that column.
        unit: String,
    },
}

impl SchemaChange {
    /// What an error says of the column.
    pub(crate) fn refused(&self, column: &str) -> String {
        match self {
            Self::ColumnMissing => format!("column \"{column}\" is missing"),
            Self::ColumnNew => format!("column \"{column}\" is not in the reference"),
            Self::TypeChanged { from, to } => {
                format!("column \"{column}\" must be comparable with {from}, got {to}")
            }
            Self::PartsDiffer { why } => format!("the parts of column \"{column}\" differ: {why}"),
            Self::UnitMissing { unit } => format!("unit column \"{unit}\" is missing"),
        }
    }
}

impl fmt::Display for SchemaChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ColumnMissing => write!(f, "the current table lacks it"),
            Self::ColumnNew => write!(f, "a new column, which the reference lacks"),
            Self::TypeChanged { from, to } => write!(f, "its type changed from {from} to {to}"),
            Self::PartsDiffer { why } => write!(f, "its parts differ: {why}"),
            Self::UnitMissing { unit } => write!(f, "the current table lacks its unit, {unit}"),
        }
    }
}
