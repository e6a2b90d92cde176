use std::fmt;

use mlops_core::Result;
use mlops_core::evidence::{Interval, PValue, SignificanceLevel};
use serde::{Deserialize, Serialize};

use super::contrast::{Found, LIMIT, contrast};
use super::cut::Cut;
use super::{Conjunction, Direction, Lattice, Part, finder_settings, rows};
use crate::serial::{SerialCorrelation, Series};
use crate::table::Table;

/// The slices on which predictions are wrong more often than on the other rows.
///
/// **Hypotheses**: for every slice of the [`Lattice`], "errors are no more frequent inside than outside".
/// **Statistic**: the errors inside, given all errors and the rows of the slice: Fisher's exact test,
/// one-sided.
/// **Guarantee**: if errors do not depend on the columns, the probability that any slice is reported is at
/// most alpha, over the whole lattice, at every size: wrong and right rows are the two samples of
/// [`DriftSlices`](super::DriftSlices), with Tarone's factor. Its remark on slices that are true exceptions
/// among false ones holds here, too.
/// **Assumption**: independent rows, or units by [`Lattice::unit`].
/// **Weakness**: "outside" includes other bad slices; a slice inside a bad one is bad. Read the first ones.
/// **Errors** and **cost**: as for [`DriftSlices`](super::DriftSlices).
/// **Source**: Tarone, "A modified Bonferroni method for discrete data", Biometrics 46, 1990; the question
/// is that of Chung et al., "Slice Finder: automated data slicing for model validation", ICDE 2019.
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::arrow::array::{ArrayRef, RecordBatch, StringArray};
/// use mlops_drift::slice::ErrorSlices;
///
/// let carrier = StringArray::from_iter_values((0..300).map(|i| ["UA", "B6", "DL"][i % 3]));
/// let table = RecordBatch::try_from_iter([("carrier", Arc::new(carrier) as ArrayRef)])?;
/// // One in ten is wrong, of B6 every second.
/// let wrong: Vec<bool> = (0..300).map(|i| i % 10 == 0 || (i % 3 == 1 && i % 2 == 0)).collect();
/// let report = ErrorSlices::default().find(&table, &wrong)?;
/// assert_eq!(report.found, 1);
/// assert_eq!(report.worst[0].slice.to_string(), "carrier = B6");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorSlices {
    lattice: Lattice,
    level: SignificanceLevel,
    limit: usize,
}

impl Default for ErrorSlices {
    /// At 5 %, the default lattice, 20 slices reported.
    fn default() -> Self {
        Self {
            lattice: Lattice::default(),
            level: SignificanceLevel::FIVE_PERCENT,
            limit: LIMIT,
        }
    }
}

finder_settings!(ErrorSlices, limit);

impl ErrorSlices {
    /// Looks at every slice of a table whose rows are `wrong` or not. If none is, or all are, no slice is worse than the rest: nothing is
    /// found, and the [headline](ErrorSlicesReport::headline) says why.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for another number of rows, a null unit, or too large a lattice;
    /// [`SignatureMismatch`](mlops_core::ErrorKind::SignatureMismatch) for a column that is missing;
    /// [`Unsupported`](mlops_core::ErrorKind::Unsupported) for a nested or binary column.
    pub fn find(&self, table: &dyn Table, wrong: &[bool]) -> Result<ErrorSlicesReport> {
        let (batch, chosen) = rows::of(table, &self.lattice, "given")?;
        let wrong = rows::values(&chosen, wrong, table.rows())?;
        let errors = wrong.iter().filter(|wrong| **wrong).count();
        let of_all = Part {
            rows: errors as u64,
            of: wrong.len() as u64,
        };
        if errors == 0 || errors == wrong.len() {
            return Ok(ErrorSlicesReport::without_contrast(self.level, of_all));
        }
        let series = Series::of_numbers(wrong.iter().map(|&wrong| f64::from(u8::from(wrong))));
        let cut = Cut::of(&[&batch], &self.lattice, wrong.len())?;
        let (depth, more) = (self.lattice.depth, [Direction::More]);
        let contrast = contrast(&cut, &wrong, depth, self.level, &more, self.limit)?;
        let worst = contrast
            .worst
            .into_iter()
            .map(|found| ErrorSlice::of(&cut, of_all, found));
        Ok(ErrorSlicesReport {
            level: self.level,
            factor: contrast.factor,
            nothing_testable: contrast.nothing_testable,
            found: contrast.found,
            errors: of_all,
            worst: worst.collect(),
            serial_correlation: series.correlation()?,
            are_units: self.lattice.unit.is_some(),
        })
    }
}

/// What [`ErrorSlices`] found.
///
/// ```
/// use mlops_drift::slice::{ErrorSlices, ErrorSlicesReport};
/// # use std::sync::Arc;
/// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// # let column = Arc::new(Int32Array::from_iter_values(0..50)) as ArrayRef;
/// # let table = RecordBatch::try_from_iter([("x", column)])?;
/// let wrong: Vec<bool> = (0..50).map(|i| i % 5 == 0).collect();
/// let report: ErrorSlicesReport = ErrorSlices::default().find(&table, &wrong)?;
/// assert_eq!((report.found, report.errors.share()), (0, 0.2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorSlicesReport {
    /// The accepted probability of any false report.
    pub level: SignificanceLevel,
    /// Tarone's factor k: each slice was tested at level/k.
    pub factor: u64,
    /// Whether no slice could have been found, whatever the rows hold: they are too few for any slice to reach the level, the columns hardly
    /// divide them, or none is wrong, or all are. Nothing is concluded then, of errors that depend on a column or of their absence.
    #[serde(default)]
    pub nothing_testable: bool,
    /// How many slices are worse than the rest.
    pub found: usize,
    /// Wrong rows out of all.
    pub errors: Part,
    /// The slices that are least likely by chance, up to the limit, in that order.
    pub worst: Vec<ErrorSlice>,
    /// How much neighbouring rows, or units, are wrong together; `None` of fewer than 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_correlation: Option<SerialCorrelation>,
    /// Whether rows are one of each [unit](Lattice::unit).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub are_units: bool,
}

impl ErrorSlicesReport {
    /// Of rows that are all right, or all wrong: no slice differs from the others.
    fn without_contrast(level: SignificanceLevel, errors: Part) -> Self {
        Self {
            level,
            factor: 1,
            nothing_testable: true,
            found: 0,
            errors,
            worst: Vec::new(),
            serial_correlation: None,
            are_units: false,
        }
    }
}

/// A slice on which predictions are wrong more often than elsewhere.
///
/// ```
/// # use std::sync::Arc;
/// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// # let column = Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
/// # let table = RecordBatch::try_from_iter([("x", column)])?;
/// use mlops_drift::slice::ErrorSlices;
/// let wrong: Vec<bool> = (0..100).map(|i| i >= 80 || i % 10 == 0).collect();
/// let report = ErrorSlices::default().find(&table, &wrong)?;
/// let text = report.worst[0].to_string();
/// assert_eq!(text, "x >= 80: 100.0 % wrong of 20 rows, elsewhere 10.0 %, adjusted p 2.9e-14");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorSlice {
    /// The slice.
    pub slice: Conjunction,
    /// Wrong rows in it, out of its rows.
    pub inside: Part,
    /// Wrong rows outside, out of the rows outside.
    pub outside: Part,
    /// The error rate inside over that outside; `None` where the latter is 0.
    pub ratio: Option<f64>,
    /// The odds of an error inside over those outside. Each end misses with probability level/k (a quarter
    /// at most), as the test does, so that 1 lies outside; the lower ends hold together, for all slices
    /// reported, with probability 1 − level. An upper end of 1.8e308 is an open one.
    pub odds_ratio: Interval,
    /// One-sided, by itself.
    pub p_value: PValue,
    /// Times k: to be compared with this report's level and no other.
    pub adjusted: PValue,
}

impl ErrorSlice {
    fn of(cut: &Cut, errors: Part, found: Found) -> Self {
        let inside = Part {
            rows: found.inside[1],
            of: found.inside[0] + found.inside[1],
        };
        let outside = Part {
            rows: errors.rows - inside.rows,
            of: errors.of - inside.of,
        };
        Self {
            slice: cut.conjunction(&found.predicates),
            inside,
            outside,
            ratio: inside.ratio_to(outside),
            odds_ratio: found.odds_ratio,
            p_value: found.p_value,
            adjusted: found.adjusted,
        }
    }
}

impl fmt::Display for ErrorSlice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {:.1} % wrong of {} rows, elsewhere {:.1} %, adjusted p {:.1e}",
            self.slice,
            100.0 * self.inside.share(),
            self.inside.of,
            100.0 * self.outside.share(),
            self.adjusted.get()
        )
    }
}
