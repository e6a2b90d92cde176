//! The reports as pages: every `{{ }}` of the templates is escaped, but for the chart, which escapes itself.

use askama::Template;
use mlops_core::{Error, ErrorKind, Result};

use super::change::{ChangeVerdict, MetricChange};
use super::estimated_report::{EstimatedReport, Estimates};
use super::quality::{ColumnQuality, DataQualityReport};
use super::report::{Classes, PerformanceReport};
use crate::DriftReport;
use crate::expectation::{ExpectationResult, ValidationReport};
use crate::performance::{Confusion, Reliability};
use crate::report::chart::{Histogram, LineChart};

#[derive(Template)]
#[template(path = "performance.html")]
struct PerformancePage<'a> {
    report: &'a PerformanceReport,
    drift: &'a DriftReport,
    headline: String,
    confidence: f64,
    metrics: Vec<([String; 5], &'static str)>,
    segments: Vec<([String; 5], &'static str)>,
    chart: String,
    classes: Vec<[String; 4]>,
    reliability: String,
}

#[derive(Template)]
#[template(path = "estimated.html")]
struct EstimatedPage<'a> {
    report: &'a EstimatedReport,
    drift: &'a DriftReport,
    headline: String,
    confidence: f64,
    metrics: Vec<([String; 6], &'static str)>,
    methods: Vec<[String; 3]>,
}

#[derive(Template)]
#[template(path = "validation.html")]
struct ValidationPage<'a> {
    rows: u64,
    headline: String,
    results: Vec<&'a ExpectationResult>,
}

#[derive(Template)]
#[template(path = "quality.html")]
struct QualityPage<'a> {
    rows: u64,
    headline: String,
    results: Vec<&'a ExpectationResult>,
    unruled: Option<String>,
    header: [&'static str; 9],
    columns: Vec<[String; 9]>,
}

impl PerformanceReport {
    /// The report as one HTML page, self-contained and escaped like that of a [`DriftReport`](crate::DriftReport::to_html).
    ///
    /// # Errors
    /// None that input can cause.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Float64Array::from_iter_values((0..40).map(f64::from))) as ArrayRef;
    /// # let week = RecordBatch::try_from_iter([("delay", column.clone()), ("predicted", column)])?;
    /// let report = mlops_drift::preset::regression("delay", "predicted").run(&week, &week)?;
    /// assert!(report.to_html()?.contains("no evidence that it got worse"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_html(&self) -> Result<String> {
        let picture = self.picture.as_ref();
        let chart =
            picture.map(|picture| Histogram::new(&picture.title, &picture.distribution).to_svg());
        let page = PerformancePage {
            report: self,
            drift: &self.target_drift,
            headline: self.headline(),
            confidence: 1.0 - self.level.get(),
            metrics: self
                .metrics
                .iter()
                .map(|change| (change.cells(), class(change)))
                .collect(),
            segments: self
                .segments
                .iter()
                .take(SEGMENTS)
                .map(|segment| (segment.cells(), class(&segment.change)))
                .collect(),
            chart: chart.unwrap_or_default(),
            classes: self
                .confusion
                .as_ref()
                .map(|classes| {
                    let mut cells = classes.cells();
                    cells.truncate(PAIRS);
                    cells
                })
                .unwrap_or_default(),
            reliability: self.reliability.as_ref().map(curves).unwrap_or_default(),
        };
        page.render().map_err(cannot)
    }
}

impl EstimatedReport {
    /// The report as one HTML page, self-contained and escaped like that of a [`DriftReport`](crate::DriftReport::to_html).
    ///
    /// # Errors
    /// None that input can cause.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
    /// # let column = |step: usize| std::sync::Arc::new(Float64Array::from_iter_values((0..200).map(|i| (i * step % 41) as f64))) as ArrayRef;
    /// # let week = RecordBatch::try_from_iter([("delay", column(3)), ("predicted", column(5))])?;
    /// let report = mlops_drift::preset::estimated_regression("delay", "predicted").run(&week, &week)?;
    /// assert!(report.to_html()?.contains("rows that are alike have the loss that they had"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_html(&self) -> Result<String> {
        let metrics = self.methods.iter().flat_map(Estimates::cells);
        let page = EstimatedPage {
            report: self,
            drift: &self.input_drift,
            headline: self.headline(),
            confidence: 1.0 - self.level.get(),
            metrics: metrics
                .map(|(cells, change)| (cells, class(change)))
                .collect(),
            methods: self.methods.iter().map(Estimates::assumed).collect(),
        };
        page.render().map_err(cannot)
    }
}

impl ValidationReport {
    /// The report as one HTML page, failures first, self-contained and escaped like that of a [`DriftReport`](crate::DriftReport::to_html).
    ///
    /// # Errors
    /// None that input can cause.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from(vec![1, 2])) as ArrayRef;
    /// # let table = RecordBatch::try_from_iter([("x", column)])?;
    /// use mlops_drift::expectation::{Expectation, Rule, Suite};
    /// let report = Suite::new([Expectation::on("x", Rule::NotNull)]).validate(&table)?;
    /// assert!(report.to_html()?.contains("<h1>The 1 expectation holds</h1>"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_html(&self) -> Result<String> {
        let page = ValidationPage {
            rows: self.rows,
            headline: self.headline(),
            results: self.worst_first(),
        };
        page.render().map_err(cannot)
    }
}

impl DataQualityReport {
    /// The report as one HTML page, self-contained and escaped like that of a [`DriftReport`](crate::DriftReport::to_html).
    ///
    /// # Errors
    /// None that input can cause.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # use mlops_core::evidence::SignificanceLevel;
    /// # let column = std::sync::Arc::new(Int32Array::from_iter_values((0..2_000).map(|i| i % 24))) as ArrayRef;
    /// # let flights = RecordBatch::try_from_iter([("hour", column)])?;
    /// let quality = mlops_drift::preset::data_quality(&flights, SignificanceLevel::FIVE_PERCENT)?;
    /// assert!(quality.run(&flights)?.to_html()?.contains("expectations hold"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_html(&self) -> Result<String> {
        let page = QualityPage {
            rows: self.validation.rows,
            results: self.validation.worst_first(),
            headline: self.headline(),
            unruled: self.about_unruled(),
            header: Self::HEADER,
            columns: self.columns.iter().map(ColumnQuality::cells).collect(),
        };
        page.render().map_err(cannot)
    }
}

/// Pairs of classes on a page: those that changed most.
const PAIRS: usize = 50;

/// Segments on a page: those that got worse first.
const SEGMENTS: usize = 200;

/// Observed against predicted shares, by bins of the predicted one.
fn curves(tables: &[Reliability; 2]) -> String {
    let bins = 10;
    let labels = (0..bins).map(|bin| format!("{}–{} %", bin * 10, bin * 10 + 10));
    let observed = |table: &Reliability| -> Vec<Option<f64>> {
        let mut shares = vec![None; bins];
        for bin in &table.bins {
            shares[((bin.predicted * bins as f64) as usize).min(bins - 1)] = Some(bin.observed);
        }
        shares
    };
    let even = (0..bins).map(|bin| Some((bin as f64 + 0.5) / bins as f64));
    LineChart::new("observed share by predicted probability", labels)
        .series("reference", observed(&tables[0]))
        .series("current", observed(&tables[1]))
        .series("well calibrated", even)
        .to_svg()
}

/// The colour of a verdict, as the style sheet of the drift report names it.
fn class(change: &MetricChange) -> &'static str {
    match change.verdict {
        ChangeVerdict::Worse => "material",
        ChangeVerdict::Undefined | ChangeVerdict::Changed => "untested",
        ChangeVerdict::Same | ChangeVerdict::Improved => "stable",
    }
}

fn cannot(error: askama::Error) -> Error {
    Error::new(ErrorKind::Internal, "cannot render the report").source(error)
}

impl Classes {
    /// For every pair of a true and a predicted class that occurs, the share of the true class that was predicted so, before and now; those that
    /// changed most first.
    fn cells(&self) -> Vec<[String; 4]> {
        let count = self.names.len();
        let share = |confusion: &Confusion, truth: usize, predicted: usize| {
            let of_truth = confusion.cells().get(truth * count..(truth + 1) * count)?;
            let all: f64 = of_truth.iter().sum();
            (all > 0.0).then(|| of_truth[predicted] / all)
        };
        let pairs =
            (0..count).flat_map(|truth| (0..count).map(move |predicted| (truth, predicted)));
        let mut shares: Vec<_> = pairs
            .map(|(truth, predicted)| {
                let [before, now] = [&self.reference, &self.current]
                    .map(|confusion| share(confusion, truth, predicted));
                (truth, predicted, before, now)
            })
            .filter(|(.., before, now)| {
                [*before, *now]
                    .into_iter()
                    .flatten()
                    .any(|share| share > 0.0)
            })
            .collect();
        let change = |before: Option<f64>, now: Option<f64>| {
            (now.unwrap_or(0.0) - before.unwrap_or(0.0)).abs()
        };
        shares.sort_by(|(.., a, b), (.., c, d)| change(*c, *d).total_cmp(&change(*a, *b)));
        let text = |share: Option<f64>| {
            share.map_or_else(|| "–".to_owned(), |share| format!("{:.1} %", share * 100.0))
        };
        let told = shares.into_iter().map(|(truth, predicted, before, now)| {
            [
                self.names[truth].clone(),
                self.names[predicted].clone(),
                text(before),
                text(now),
            ]
        });
        told.collect()
    }
}
