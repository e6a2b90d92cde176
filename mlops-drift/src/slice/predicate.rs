use std::fmt;

use serde::{Deserialize, Serialize};

use crate::report::Scale;
use crate::report::chart::label_in_words;

/// What one column of a row must be.
///
/// ```
/// use mlops_drift::report::Scale;
/// use mlops_drift::slice::Predicate;
/// let between = |column: &str, low, high, scale| Predicate::Between { column: column.into(), low, high, scale };
/// assert_eq!(between("hour", Some(6.0), Some(9.0), Scale::Numbers).to_string(), "hour in [6, 9)");
/// assert_eq!(between("day", Some(15_706.0), None, Scale::Days).to_string(), "day >= 2013-01-01");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Predicate {
    /// The value is this one, as text.
    Equals {
        /// The column's name.
        column: String,
        /// The label, the number, or the time in UTC.
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
        /// In which terms these numbers are told.
        #[serde(default, skip_serializing_if = "Scale::is_of_numbers")]
        scale: Scale,
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
            Self::Equals { column, value } => {
                write!(f, "{column} = {}", label_in_words(value, usize::MAX))
            }
            Self::Missing { column } => write!(f, "{column} is missing"),
            Self::Between {
                column,
                low,
                high,
                scale,
            } => match [low, high].map(|end| end.map(|end| scale.exactly(end))) {
                [Some(low), Some(high)] => write!(f, "{column} in [{low}, {high})"),
                [Some(low), None] => write!(f, "{column} >= {low}"),
                [None, Some(high)] => write!(f, "{column} < {high}"),
                [None, None] => write!(f, "{column} is a number"),
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
