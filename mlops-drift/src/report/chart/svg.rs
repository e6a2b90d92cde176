//! The drawing surface: the one place where text becomes markup.

use std::fmt::Write;

/// An SVG under construction.
pub(super) struct Svg {
    width: f64,
    height: f64,
    title: String,
    body: String,
}

/// Where a text is held.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

impl Svg {
    pub(super) fn new(width: f64, height: f64, title: &str) -> Self {
        Self {
            width,
            height,
            title: escape(title),
            body: String::new(),
        }
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), style: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.push(format_args!(
            r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" {style}/>"#
        ));
    }

    pub(super) fn rectangle(
        &mut self,
        corner: (f64, f64),
        size: (f64, f64),
        style: &str,
        tooltip: &str,
    ) {
        let ((x, y), (width, height)) = (corner, size);
        self.push(format_args!(
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" {style}><title>{}</title></rect>"#,
            escape(tooltip)
        ));
    }

    pub(super) fn circle(&mut self, centre: (f64, f64), radius: f64, style: &str, tooltip: &str) {
        let (x, y) = centre;
        self.push(format_args!(
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="{radius:.1}" {style}><title>{}</title></circle>"#,
            escape(tooltip)
        ));
    }

    pub(super) fn path(&mut self, points: &[(f64, f64)], closed: bool, style: &str) {
        let mut data = String::new();
        for (index, (x, y)) in points.iter().enumerate() {
            let step = if index == 0 { 'M' } else { 'L' };
            // Writing to a string cannot fail.
            let _ = write!(data, "{step}{x:.1} {y:.1}");
        }
        if closed {
            data.push('Z');
        }
        self.push(format_args!(r#"<path d="{data}" {style}/>"#));
    }

    /// Bars of one width that stand on one line, given by their upper left corners.
    pub(super) fn bars(
        &mut self,
        corners: impl Iterator<Item = (f64, f64)>,
        width: f64,
        bottom: f64,
        style: &str,
    ) {
        let mut data = String::new();
        for (x, y) in corners {
            // Writing to a string cannot fail.
            let _ = write!(data, "M{x:.1} {bottom:.1}V{y:.1}h{width:.1}V{bottom:.1}z");
        }
        self.push(format_args!(r#"<path d="{data}" {style}/>"#));
    }

    /// Bars side by side over a width, as one shape, to whole pixels.
    pub(super) fn outline(
        &mut self,
        left: f64,
        width: f64,
        tops: impl ExactSizeIterator<Item = f64>,
        bottom: f64,
        style: &str,
    ) {
        let step = width / tops.len().max(1) as f64;
        let mut data = format!("M{left:.0} {bottom:.0}");
        for (bar, top) in tops.enumerate() {
            // Writing to a string cannot fail.
            let _ = write!(data, "V{top:.0}H{:.0}", left + step * (bar + 1) as f64);
        }
        self.push(format_args!(r#"<path d="{data}V{bottom:.0}z" {style}/>"#));
    }

    pub(super) fn text(&mut self, at: (f64, f64), anchor: Anchor, text: &str) {
        self.styled_text(at, anchor, "", text);
    }

    pub(super) fn styled_text(&mut self, at: (f64, f64), anchor: Anchor, style: &str, text: &str) {
        let ((x, y), anchor) = (at, anchor.as_str());
        self.push(format_args!(
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" {style}>{}</text>"#,
            escape(text)
        ));
    }

    /// The title in bold at the top left.
    pub(super) fn heading(&mut self) {
        let title = std::mem::take(&mut self.title);
        self.push(format_args!(
            r#"<text x="8.0" y="18.0" font-weight="bold">{title}</text>"#
        ));
        self.title = title;
    }

    pub(super) fn finish(self) -> String {
        let Self {
            width,
            height,
            title,
            body,
        } = self;
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{title}" viewBox="0 0 {width:.0} {height:.0}" width="{width:.0}" height="{height:.0}" font-family="sans-serif" font-size="11" fill="#222"><title>{title}</title>{body}</svg>"##
        )
    }

    /// Without what text needs.
    pub(super) fn finish_plain(self) -> String {
        let Self {
            width,
            height,
            title,
            body,
        } = self;
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width:.0} {height:.0}" width="{width:.0}"><title>{title}</title>{body}</svg>"##
        )
    }

    fn push(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.body.write_fmt(element);
    }
}

/// Text made safe inside an element or a quoted attribute; control characters, which XML forbids,
/// become a replacement character.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// A label of data in a sentence, cut to `most` characters: in quotation marks where a reader could not tell it from another one by its spaces or
/// characters that are not seen, which are written as in Rust, or from two by its commas.
pub(crate) fn label_in_words(label: &str, most: usize) -> String {
    let is_seen = |c: char| matches!(c, '"' | '\'' | '\\') || c.escape_debug().len() == 1;
    let is_plain = label.trim() == label && !label.contains("  ") && !label.contains(',');
    match is_plain && !label.is_empty() && label.chars().all(is_seen) {
        true => shorten(label, most),
        false => format!("{:?}", shorten(label, most)),
    }
}

/// A text cut to `most` characters, with an ellipsis.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let head: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{head}…")
}
