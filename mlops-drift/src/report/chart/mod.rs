//! Charts as inline SVG: pure builders, from values to a string.
//!
//! | chart | shows |
//! | --- | --- |
//! | [`LineChart`] | several series over ordered labels, with bands and vertical markers |
//! | [`HeatMap`] | rows by columns of values from 0 upwards |
//! | [`Histogram`] | shares of reference and current side by side |
//! | [`Timeline`] | intervals in lanes along an axis, and events |
//!
//! The output is deterministic, self-contained (no script, no style sheet, no link), readable on a
//! light background, and accessible: every chart is an image with a title, every mark has a tooltip.
//! All text is escaped.

mod axis;
mod heat_map;
mod histogram;
mod line;
mod svg;
mod timeline;

pub use heat_map::HeatMap;
pub use histogram::Histogram;
pub use line::LineChart;
pub(crate) use svg::{label_in_words, shorten};
pub use timeline::Timeline;

/// Colours that stay apart for colour-blind readers: Okabe & Ito, "Color universal design", 2008, without
/// yellow, which is too faint on white.
const PALETTE: [&str; 7] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#444444",
];

fn colour(index: usize) -> &'static str {
    PALETTE[index % PALETTE.len()]
}
