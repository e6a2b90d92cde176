//! The reports as pages: every `{{ }}` of the template is escaped.

use askama::Template;
use mlops_core::{Error, ErrorKind, Result};

use super::render::Shown;
use crate::report::chart::shorten;

/// Slices on a page.
const SLICES: usize = 200;
/// Characters of a cell.
const CELL: usize = 600;

#[derive(Template)]
#[template(path = "slices.html")]
struct Page<'a> {
    headline: &'a str,
    note: String,
    header: &'a [&'static str],
    slices: Vec<Vec<String>>,
    left_out: usize,
}

pub(super) fn page<const N: usize>(shown: &Shown<N>) -> Result<String> {
    let cells = |row: &[String; N]| row.iter().map(|cell| shorten(cell, CELL)).collect();
    let page = Page {
        headline: &shown.headline,
        note: shown.told(),
        header: &shown.header,
        slices: shown.slices.iter().take(SLICES).map(cells).collect(),
        left_out: shown.slices.len().saturating_sub(SLICES),
    };
    page.render()
        .map_err(|error| Error::new(ErrorKind::Internal, "cannot render the report").source(error))
}
