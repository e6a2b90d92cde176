use askama::Template;
use mlops_core::{Error, ErrorKind, Result};

use super::chart::{Histogram, shorten};
use super::{ColumnReport, DriftReport, Moved};

/// Columns whose picture has axes and tooltips: the worst.
const LARGE: usize = 20;
/// Characters of a column's name.
const NAME: usize = 80;
/// Characters of a column's reason.
const REASON: usize = 900;

/// The page: every `{{ }}` of the template is escaped, but for the charts, which escape themselves.
#[derive(Template)]
#[template(path = "drift.html")]
struct Page<'a> {
    report: &'a DriftReport,
    headline: String,
    has_minimums: bool,
    columns: Vec<Row<'a>>,
}

struct Row<'a> {
    column: &'a ColumnReport,
    name: String,
    p_value: String,
    effects: String,
    moved: String,
    missing: String,
    chart: String,
}

impl<'a> Row<'a> {
    fn new(rank: usize, column: &'a ColumnReport) -> Self {
        let name = shorten(&column.column, NAME);
        Self {
            column,
            p_value: column.p_value_in_words(),
            effects: column.effects_in_words(),
            moved: column
                .moved
                .as_ref()
                .map(Moved::in_short)
                .unwrap_or_default(),
            missing: column.missing_in_words(),
            chart: column
                .distribution
                .as_ref()
                .map(|shares| Histogram::new(&name, shares))
                .map(|histogram| match rank {
                    0..LARGE => histogram.to_svg(),
                    _ => histogram.to_small_svg(),
                })
                .unwrap_or_default(),
            name,
        }
    }

    /// Not longer than a page of many columns can bear.
    fn reason(&self) -> String {
        shorten(&self.column.reason, REASON)
    }
}

impl DriftReport {
    /// The report as one HTML page, worst column first, the pictures of the first 20 columns with axes and tooltips: less than 500 kB for 200
    /// columns. It is self-contained: no script, no style sheet,
    /// no font and no link from elsewhere, so it opens offline; names from the data are escaped.
    ///
    /// # Errors
    /// None that input can cause.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// let report = mlops_drift::DriftCheck::against(&table).run(&table)?;
    /// assert!(report.to_html()?.contains("No drift"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_html(&self) -> Result<String> {
        let columns = self.worst_first().into_iter().enumerate();
        let page = Page {
            report: self,
            headline: self.headline(),
            has_minimums: self.has_minimums(),
            columns: columns
                .map(|(rank, column)| Row::new(rank, column))
                .collect(),
        };
        page.render().map_err(|error| {
            Error::new(ErrorKind::Internal, "cannot render the report").source(error)
        })
    }
}
