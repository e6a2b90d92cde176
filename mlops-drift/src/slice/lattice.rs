use std::collections::BTreeSet;

use mlops_core::{Error, Result};

use crate::divergence::QuantileBins;
use crate::permutation::DEFAULT_SEED;

/// Predicates in one conjunction, at most.
const DEEPEST: usize = 8;
/// Quantile bins of a numeric column, unless set.
const BINS: usize = 5;

/// The slices that are looked at: all conjunctions of up to `depth` predicates on different columns.
///
/// A column of strings or booleans gives a predicate for each of its labels. A numeric or temporal column
/// gives one for each of its values if it has at most as many as `bins`, otherwise one for each bin between
/// its quantiles; temporal ones count in their own unit. A column with missing values gives one more.
/// Quantiles are those of the rows of both tables together: bins of the reference alone would fix the
/// reference's shares and leave only the current ones to chance, and the law that the test rests on would
/// no longer hold exactly. [`LossSlices`](super::LossSlices) takes them from the half that it searches.
///
/// A conjunction that holds for the same rows as one with fewer predicates is left out.
///
/// **Rows must be independent.** Where several share a cause (a user, an hour), name the column that tells
/// them apart as the [`unit`](Self::unit).
///
/// ```
/// use mlops_drift::slice::Lattice;
/// let lattice = Lattice::default().columns(["carrier", "hour"]).depth(2)?.bins(4)?;
/// assert!(Lattice::default().depth(0).is_err());
/// # let _ = lattice;
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lattice {
    pub(super) columns: Option<Vec<String>>,
    pub(super) excepted: BTreeSet<String>,
    pub(super) unit: Option<String>,
    pub(super) depth: usize,
    pub(super) most_values: usize,
    pub(super) bins: QuantileBins,
    pub(super) seed: u64,
}

impl Default for Lattice {
    /// Of all columns, depth 2, five bins.
    fn default() -> Self {
        Self {
            columns: None,
            excepted: BTreeSet::new(),
            unit: None,
            depth: 2,
            most_values: BINS,
            bins: QuantileBins::new(BINS).unwrap_or_default(),
            seed: DEFAULT_SEED,
        }
    }
}

impl Lattice {
    /// The columns that predicates speak of; without this call all but the unit.
    ///
    /// ```
    /// use mlops_drift::slice::Lattice;
    /// assert_ne!(Lattice::default().columns(["carrier"]), Lattice::default());
    /// ```
    #[must_use]
    pub fn columns<C: Into<String>>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.columns = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Columns to leave out, such as identifiers, or those that predicates cannot speak of. A name that the reference does not have is an error.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = Arc::new(Int32Array::from_iter_values(0..50)) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column.clone()), ("flight", column)])?;
    /// use mlops_drift::slice::{DriftSlices, Lattice};
    /// let find = |lattice| DriftSlices::default().over(lattice).find(&table, &table);
    /// assert!(find(Lattice::default().except(["flight"])).is_ok());
    /// assert!(find(Lattice::default().except(["fligth"])).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn except<C: Into<String>>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.excepted.extend(columns.into_iter().map(Into::into));
        self
    }

    /// The greatest number of predicates in one conjunction: 2, unless set.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) outside \[1, 8].
    ///
    /// ```
    /// use mlops_drift::slice::Lattice;
    /// assert_eq!(Lattice::default().depth(2)?, Lattice::default());
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn depth(self, depth: usize) -> Result<Self> {
        if (1..=DEEPEST).contains(&depth) {
            return Ok(Self { depth, ..self });
        }
        Err(Error::invalid(format!(
            "depth must lie in [1, {DEEPEST}], got {depth}"
        )))
    }

    /// Quantile bins of a numeric column: 5, unless set.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) outside \[2, 1000].
    ///
    /// ```
    /// use mlops_drift::slice::Lattice;
    /// assert!(Lattice::default().bins(1).is_err());
    /// ```
    pub fn bins(self, bins: usize) -> Result<Self> {
        Ok(Self {
            bins: QuantileBins::new(bins)?,
            most_values: bins,
            ..self
        })
    }

    /// Takes one row, drawn at random, of each distinct value of this column in a table: independent units
    /// then give independent rows, and shares are shares of units. A unit that stands in both tables counts
    /// once in each. The column itself gives no predicates.
    ///
    /// ```
    /// use mlops_drift::slice::Lattice;
    /// assert_ne!(Lattice::default().unit("user"), Lattice::default());
    /// ```
    #[must_use]
    pub fn unit(mut self, column: impl Into<String>) -> Self {
        self.unit = Some(column.into());
        self
    }

    /// The seed of what is drawn: the row of a unit, the half that a search is made on.
    ///
    /// ```
    /// use mlops_drift::slice::Lattice;
    /// assert_eq!(Lattice::default().seed(0x6d6c6f7073), Lattice::default());
    /// ```
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }
}
