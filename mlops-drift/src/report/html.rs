use askama::Template;
use mlops_core::evidence::Distance;
use mlops_core::{Error, ErrorKind, Result};

use super::chart::Histogram;
use super::{ColumnReport, DriftReport, short};

/// Columns whose picture has axes and tooltips: the worst.
const LARGE: usize = 20;

/// The page: every `{{ }}` of the template is escaped, but for the charts, which escape themselves.
#[derive(Template)]
#[template(path = "drift.html")]
struct Page<'a> {
    report: &'a DriftReport,
    headline: &'static str,
    columns: Vec<Row<'a>>,
}

struct Row<'a> {
    column: &'a ColumnReport,
    p_value: String,
    effects: String,
    missing: String,
    chart: String,
}

impl<'a> Row<'a> {
    fn new(rank: usize, column: &'a ColumnReport) -> Self {
        let effects = column
            .effects
            .iter()
            .map(|effect| effect_text(column, effect));
        Self {
            column,
            p_value: short(column.adjusted_p_value().get()),
            effects: effects.collect::<Vec<_>>().join(", "),
            missing: format!(
                "{:.1} % → {:.1} %",
                column.reference_missing * 100.0,
                column.current_missing * 100.0
            ),
            chart: column
                .distribution
                .as_ref()
                .map(|shares| Histogram::new(&column.column, shares))
                .map(|histogram| match rank {
                    0..LARGE => histogram.to_svg(),
                    _ => histogram.to_small_svg(),
                })
                .unwrap_or_default(),
        }
    }
}

/// The effect of the samples, and where that of the laws lies.
fn effect_text(column: &ColumnReport, effect: &Distance) -> String {
    match column.intervals.get(effect.measure()) {
        Some(interval) => format!("{effect} [{:.3}, {:.3}]", interval.low(), interval.high()),
        None => effect.to_string(),
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
    /// # use arrow::array::{ArrayRef, Int32Array, RecordBatch};
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
            columns: columns
                .map(|(rank, column)| Row::new(rank, column))
                .collect(),
        };
        page.render().map_err(|error| {
            Error::new(ErrorKind::Internal, "cannot render the report").source(error)
        })
    }
}
