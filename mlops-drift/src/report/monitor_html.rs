use std::collections::BTreeMap;

use askama::Template;
use mlops_core::{Error, ErrorKind, Result};

use super::chart::{HeatMap, shorten};
use super::monitor::{Row, named};
use crate::check::{MonitorState, Window, WindowCounts};

/// Columns of the map: those of the greatest effect anywhere.
const COLUMNS: usize = 40;
/// Windows of the page: the last.
const WINDOWS: usize = 50;
/// Alarms before these that are named.
const ALARMS: usize = 100;

#[derive(Template)]
#[template(path = "monitor.html")]
struct Page {
    headline: String,
    alpha: f64,
    counts: WindowCounts,
    windows: Vec<Row>,
    /// Windows before these.
    earlier: u64,
    earlier_alarms: Option<String>,
    map: String,
    left_out: usize,
}

impl MonitorState {
    /// The windows as one HTML page: a heat map of the primary effect of the columns, those that drifted most first, and a table of the windows,
    /// newest first. Self-contained and escaped like a [report's page](crate::DriftReport::to_html); the last 50 windows and 40 columns, less than
    /// 500 kB; what is left out is counted, and alarms before are named.
    ///
    /// # Errors
    /// None that input can cause.
    ///
    /// ```
    /// # use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
    /// # let column = std::sync::Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef;
    /// # let day = RecordBatch::try_from_iter([("x", column)])?;
    /// # use mlops_core::evidence::SignificanceLevel;
    /// # use mlops_drift::{DriftCheck, check::DriftMonitor};
    /// # let check = DriftCheck::against(&day).prepare()?;
    /// let mut monitor = DriftMonitor::new(check, SignificanceLevel::FIVE_PERCENT);
    /// monitor.observe("monday", &day)?;
    /// assert!(monitor.state().to_html()?.contains("monday"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_html(&self) -> Result<String> {
        let all = self.windows();
        let windows = &all[all.len().saturating_sub(WINDOWS)..];
        let (map, left_out) = heat_map(windows);
        let counts = self.counts();
        let alarms_shown = windows.iter().filter(|window| window.alarmed).count();
        let earlier_alarms = &self.alarms()[..self.alarms().len().saturating_sub(alarms_shown)];
        let page = Page {
            headline: self.headline(),
            alpha: self.alpha().get(),
            counts,
            windows: windows.iter().map(Row::of).collect(),
            earlier: (counts.compared + counts.not_compared).saturating_sub(windows.len() as u64),
            earlier_alarms: (!earlier_alarms.is_empty())
                .then(|| named(earlier_alarms.iter().rev(), ALARMS)),
            map,
            left_out,
        };
        page.render().map_err(|error| {
            Error::new(ErrorKind::Internal, "cannot render the monitor").source(error)
        })
    }
}

/// The map, and how many columns it leaves out.
fn heat_map(windows: &[Window]) -> (String, usize) {
    let mut effects: BTreeMap<&str, Vec<Option<f64>>> = BTreeMap::new();
    for (index, window) in windows.iter().enumerate() {
        for column in &window.columns {
            let row = effects.entry(&column.column).or_default();
            row.resize(index, None); // windows without the column
            row.push(column.effect.as_ref().map(|effect| effect.get()));
        }
    }
    let greatest = |row: &[Option<f64>]| row.iter().flatten().fold(0.0, |a: f64, &b| a.max(b));
    let mut rows: Vec<(&str, Vec<Option<f64>>)> = effects.into_iter().collect();
    rows.sort_by(|(_, a), (_, b)| greatest(b).total_cmp(&greatest(a)));
    let left_out = rows.len().saturating_sub(COLUMNS);
    rows.truncate(COLUMNS);
    let names = rows.iter().map(|(name, _)| shorten(name, 40));
    let columns = windows.iter().map(|window| shorten(&window.name, 40));
    let title = "Distance from the reference (Kolmogorov–Smirnov's D, or total variation)";
    let map = HeatMap::new(title, names, columns);
    let map = rows.into_iter().fold(map, |map, (_, row)| map.row(row));
    (map.to_svg(), left_out)
}
