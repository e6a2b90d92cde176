use std::fmt;

use arrow::datatypes::Schema;
use mlops_core::Result;
use mlops_core::evidence::{Interval, PValue, SignificanceLevel};
use serde::{Deserialize, Serialize};

use super::contrast::{Contrast, Found, LIMIT, contrast};
use super::cut::Cut;
use super::{Conjunction, Lattice, Part, finder_settings, rows};
use crate::serial::{SerialCorrelation, Series};
use crate::table::Table;

/// Which way a share differs.
///
/// ```
/// use mlops_drift::slice::Direction;
/// assert_ne!(Direction::Less, Direction::More);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The slice holds less of the current table than of the reference.
    Less,
    /// The slice holds more of the current table than of the reference.
    More,
}

/// The slices whose share of the rows differs between a reference and a current table.
///
/// **Hypotheses**: for every slice of the [`Lattice`] and each direction, "its share is no greater (no
/// less) in the current table". **Statistic**: the rows of the current table in the slice, given the rows
/// of both tables in it: Fisher's exact test, one-sided.
/// **Guarantee**: without drift, the probability that any slice is reported is at most alpha, over the
/// whole lattice and both directions, at every size. Slices too small to ever reach alpha/k are not tested
/// and not paid for; k is Tarone's factor, the least number that is at least as great as the number of
/// tests left. With drift, each slice that did not drift is still tested at alpha/k; that k is a function
/// of the pooled rows, and the counts of slices that did not drift nearly independent of it, is Tarone's
/// condition, which drift elsewhere may violate slightly.
/// **Assumption**: independent rows, or units by [`Lattice::unit`].
/// **Weakness**: shares add up to 1, so where one slice grows others must shrink, and both are reported; a
/// slice inside a drifted one, or around it, has drifted too. Read the first ones. Of few rows no slice can reach alpha/k at all:
/// [`nothing_testable`](DriftSlicesReport::nothing_testable) tells.
/// **Errors**: a table without rows, a column that is missing or of another kind in the current table, an
/// unsupported type, a null unit, or a lattice that needs more than some minutes or 2,000,000 slices of one
/// depth: the error names the column with the most labels.
/// **Cost**: O(rows/64) a slice visited, O(its rows) for each further column if it holds less than one row in
/// 32; memory 4 bytes a row and column and about 100 bytes a slice that may be extended.
/// **Source**: Tarone, "A modified Bonferroni method for discrete data", Biometrics 46, 1990; Terada,
/// Okada-Hatakeyama, Tsuda & Sese, "Statistical significance of combinatorial regulations", PNAS 110, 2013.
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::arrow::array::{ArrayRef, RecordBatch, StringArray};
/// use mlops_drift::slice::DriftSlices;
///
/// // Two thirds of UA's flights leave from LGA now, not one third; the carriers are the same.
/// let week = |moved: usize| {
///     let carrier = StringArray::from_iter_values((0..600).map(|i| ["UA", "B6", "DL"][i % 3]));
///     let airport = |i: usize| if i % 3 == 0 && i % 9 < moved { "LGA" } else { "EWR" };
///     let origin = StringArray::from_iter_values((0..600).map(airport));
///     let columns = [("carrier", Arc::new(carrier) as ArrayRef), ("origin", Arc::new(origin) as ArrayRef)];
///     RecordBatch::try_from_iter(columns)
/// };
/// let report = DriftSlices::default().find(&week(1)?, &week(4)?)?;
/// assert_eq!(report.worst[0].slice.to_string(), "carrier = UA and origin = EWR");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct DriftSlices {
    lattice: Lattice,
    level: SignificanceLevel,
    directions: Vec<Direction>,
    limit: usize,
}

impl Default for DriftSlices {
    /// At 5 %, both directions, the default lattice, 20 slices reported.
    fn default() -> Self {
        Self {
            lattice: Lattice::default(),
            level: SignificanceLevel::FIVE_PERCENT,
            directions: vec![Direction::More, Direction::Less],
            limit: LIMIT,
        }
    }
}

finder_settings!(DriftSlices, limit);

impl DriftSlices {
    /// Tests in this direction alone: half as many hypotheses.
    ///
    /// ```
    /// use mlops_drift::slice::{Direction, DriftSlices};
    /// assert_ne!(DriftSlices::default().only(Direction::More), DriftSlices::default());
    /// ```
    #[must_use]
    pub fn only(self, direction: Direction) -> Self {
        let directions = vec![direction];
        Self { directions, ..self }
    }

    /// Looks at every slice of both tables.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for a table without rows, a null unit,
    /// or too large a lattice; [`SignatureMismatch`](mlops_core::ErrorKind::SignatureMismatch) for a column
    /// that is missing or of another kind in either table;
    /// [`Unsupported`](mlops_core::ErrorKind::Unsupported) for a nested or binary column.
    pub fn find(&self, reference: &dyn Table, current: &dyn Table) -> Result<DriftSlicesReport> {
        let (reference, _) = rows::of(reference, &self.lattice, "reference")?;
        let known = names(&reference.schema());
        let new_columns = self.new_columns(&known, &current.schema());
        // Of the current table only what was looked at in the reference.
        let mut named = self.lattice.clone().columns(known);
        named.excepted.clear();
        let (current, _) = rows::of(current, &named, "current")?;
        let (n, m) = (reference.num_rows(), current.num_rows());
        let cut = Cut::of(&[&reference, &current], &self.lattice, n + m)?;
        let second: Vec<bool> = (0..n + m).map(|row| row >= n).collect();
        let depth = self.lattice.depth;
        let contrast = contrast(
            &cut,
            &second,
            depth,
            self.level,
            &self.directions,
            self.limit,
        )?;
        Ok(DriftSlicesReport {
            new_columns,
            ..self.report(&cut, [n, m], contrast)?
        })
    }

    /// What the current table has beyond these columns, where all were to be looked at.
    fn new_columns(&self, known: &[String], current: &Schema) -> Vec<String> {
        if self.lattice.columns.is_some() {
            return Vec::new();
        }
        let unit = self.lattice.unit.as_ref();
        let mut new = names(current);
        let excepted = &self.lattice.excepted;
        new.retain(|name| !known.contains(name) && Some(name) != unit && !excepted.contains(name));
        new
    }

    fn report(
        &self,
        cut: &Cut,
        sizes: [usize; 2],
        contrast: Contrast,
    ) -> Result<DriftSlicesReport> {
        let worst = contrast.worst.into_iter();
        let worst = worst.map(|found| DriftSlice::of(cut, sizes, found));
        Ok(DriftSlicesReport {
            level: self.level,
            factor: contrast.factor,
            nothing_testable: contrast.nothing_testable,
            found: contrast.found,
            worst: worst.collect::<Result<_>>()?,
            are_units: self.lattice.unit.is_some(),
            new_columns: Vec::new(),
        })
    }
}

fn names(schema: &Schema) -> Vec<String> {
    let fields = schema.fields().iter();
    fields.map(|field| field.name().clone()).collect()
}

/// What [`DriftSlices`] found.
///
/// ```
/// use mlops_drift::slice::{DriftSlices, DriftSlicesReport};
/// # use std::sync::Arc;
/// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// # let column = Arc::new(Int32Array::from_iter_values(0..50)) as ArrayRef;
/// # let table = RecordBatch::try_from_iter([("x", column)])?;
/// let report: DriftSlicesReport = DriftSlices::default().find(&table, &table)?;
/// assert_eq!(report.found, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DriftSlicesReport {
    /// The accepted probability of any false report.
    pub level: SignificanceLevel,
    /// Tarone's factor k: each slice was tested at level/k.
    pub factor: u64,
    /// Whether no slice could have been found, whatever the rows hold: they are too few for any slice to reach the level, or the columns hardly
    /// divide them. Nothing is concluded then, of drift or of its absence.
    #[serde(default)]
    pub nothing_testable: bool,
    /// How many slices drifted.
    pub found: usize,
    /// Those of them that are least likely by chance, up to the limit, in that order.
    pub worst: Vec<DriftSlice>,
    /// Whether rows are one of each [unit](Lattice::unit).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub are_units: bool,
    /// Columns of the current table that the reference lacks, where no [columns](Lattice::columns) were named: no slice speaks of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub new_columns: Vec<String>,
}

/// A slice whose share of the rows differs.
///
/// ```
/// # use std::sync::Arc;
/// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// # let table = |from| {
/// #     let column = Arc::new(Int32Array::from_iter_values(from..from + 50)) as ArrayRef;
/// #     RecordBatch::try_from_iter([("x", column)])
/// # };
/// use mlops_drift::slice::{Direction, DriftSlices};
/// let report = DriftSlices::default().only(Direction::More).find(&table(0)?, &table(25)?)?;
/// let text = report.worst[0].to_string();
/// assert_eq!(text, "x >= 55: 0.0 % of the reference, 40.0 % of the current rows, adjusted p 4.4e-7");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DriftSlice {
    /// The slice.
    pub slice: Conjunction,
    /// Which way its share differs.
    pub direction: Direction,
    /// Rows of the reference in it, out of all of the reference.
    pub reference: Part,
    /// Rows of the current table in it, out of all of the current table.
    pub current: Part,
    /// The current share over that of the reference; `None` where the latter is 0.
    pub ratio: Option<f64>,
    /// The odds of a current row to lie in the slice over those of a row of the reference. Each end misses
    /// with probability level/k (a quarter at most), as the test does, so that 1 lies outside; those ends
    /// that exclude 1 hold together, for all slices reported, with probability 1 − level. An upper end of
    /// 1.8e308 is an open one.
    pub odds_ratio: Interval,
    /// One-sided, by itself.
    pub p_value: PValue,
    /// Times k: to be compared with this report's level and no other.
    pub adjusted: PValue,
    /// How much neighbouring rows, or units, are alike in the slice or out of it, in the table in which they are so the more surprisingly; `None` of
    /// fewer than 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_correlation: Option<SerialCorrelation>,
}

impl DriftSlice {
    fn of(cut: &Cut, sizes: [usize; 2], found: Found) -> Result<Self> {
        let [reference, current] = [0, 1].map(|side| Part {
            rows: found.inside[side],
            of: sizes[side] as u64,
        });
        let rows = [0..sizes[0], sizes[0]..sizes[0] + sizes[1]];
        let inside = rows.map(|rows| {
            let inside = rows.map(|row| f64::from(u8::from(cut.holds(&found.predicates, row))));
            Series::of_numbers(inside).correlation()
        });
        let [before, now] = inside;
        Ok(Self {
            slice: cut.conjunction(&found.predicates),
            direction: found.direction,
            reference,
            current,
            ratio: current.ratio_to(reference),
            odds_ratio: found.odds_ratio,
            p_value: found.p_value,
            adjusted: found.adjusted,
            serial_correlation: SerialCorrelation::of_several(before?.into_iter().chain(now?)),
        })
    }
}

impl fmt::Display for DriftSlice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [reference, current] = [self.reference, self.current].map(|part| 100.0 * part.share());
        write!(
            f,
            "{}: {reference:.1} % of the reference, {current:.1} % of the current rows, adjusted p {:.1e}",
            self.slice,
            self.adjusted.get()
        )
    }
}
