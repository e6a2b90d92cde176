use std::fmt;

use serde::{Deserialize, Serialize};

use crate::report::exact;

/// What one column of a row must be.
///
/// ```
/// use mlops_drift::slice::Predicate;
/// let early = Predicate::Between { column: "hour".into(), low: Some(6.0), high: Some(9.0) };
/// assert_eq!(early.to_string(), "hour in [6, 9)");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Predicate {
    /// The value is this one, as text.
    Equals {
        /// The column's name.
        column: String,
        /// The label, or the number.
        value: String,
    },
    /// The number is at least `low` and below `high`; an end that is `None` is open.
    Between {
        /// The column's name.
        column: String,
        /// The least value inside.
        low: Option<f64>,
        /// The least value beyond.
        high: Option<f64>,
    },
    /// The value is null or NaN.
    Missing {
        /// The column's name.
        column: String,
    },
}

impl Predicate {
    /// The column's name.
    ///
    /// ```
    /// use mlops_drift::slice::Predicate;
    /// assert_eq!(Predicate::Missing { column: "delay".into() }.column(), "delay");
    /// ```
    pub fn column(&self) -> &str {
        match self {
            Self::Equals { column, .. }
            | Self::Between { column, .. }
            | Self::Missing { column } => column,
        }
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equals { column, value } => write!(f, "{column} = {value}"),
            Self::Missing { column } => write!(f, "{column} is missing"),
            Self::Between { column, low, high } => match (low.map(exact), high.map(exact)) {
                (Some(low), Some(high)) => write!(f, "{column} in [{low}, {high})"),
                (Some(low), None) => write!(f, "{column} >= {low}"),
                (None, Some(high)) => write!(f, "{column} < {high}"),
                (None, None) => write!(f, "{column} is a number"),
            },
        }
    }
}

/// Predicates on different columns that hold together: the slice of the rows for which all do.
///
/// ```
/// use mlops_drift::slice::{Conjunction, Predicate};
/// let equals = |column: &str, value: &str| Predicate::Equals { column: column.into(), value: value.into() };
/// let slice = Conjunction { predicates: vec![equals("carrier", "UA"), equals("origin", "EWR")] };
/// assert_eq!(slice.to_string(), "carrier = UA and origin = EWR");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Conjunction {
    /// The predicates, in the order of the columns.
    pub predicates: Vec<Predicate>,
}

impl fmt::Display for Conjunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, predicate) in self.predicates.iter().enumerate() {
            let lead = if index == 0 { "" } else { " and " };
            write!(f, "{lead}{predicate}")?;
        }
        Ok(())
    }
}
