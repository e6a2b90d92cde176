//! From values to pixels.

use super::svg::{Anchor, Svg, shorten};
use crate::report::distribution::number;

pub(super) const GRID: &str = r##"stroke="#ddd""##;
pub(super) const FRAME: &str = r##"stroke="#888""##;

/// The area in which marks are drawn.
#[derive(Clone, Copy)]
pub(super) struct Plot {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A linear scale with round ticks.
pub(super) struct Scale {
    low: f64,
    high: f64,
    step: f64,
}

impl Scale {
    /// The least scale with round ends that holds all finite values.
    pub(super) fn holding(values: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| value.is_finite()) {
            (low, high) = (low.min(value), high.max(value));
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if high - low < 1e-12 * low.abs().max(high.abs()).max(1e-300) {
            (low, high) = (low - 0.5, high + 0.5);
        }
        let step = round_step((high - low) / 5.0);
        Self {
            low: (low / step).floor() * step,
            high: (high / step).ceil() * step,
            step,
        }
    }

    /// The position within the scale, from 0 to 1.
    pub(super) fn share(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        let count = ((self.high - self.low) / self.step).round() as u32;
        (0..=count).map(|tick| {
            let value = self.low + self.step * f64::from(tick);
            // 0.1 + 0.2 is not 0.3: a tick meant to be zero must read so.
            if value.abs() < self.step * 1e-9 {
                0.0
            } else {
                value
            }
        })
    }
}

/// 1, 2 or 5 times a power of ten, at least `width`.
fn round_step(width: f64) -> f64 {
    let power = 10_f64.powf(width.log10().floor());
    let factors = [1.0, 2.0, 5.0].into_iter();
    let fitting = factors
        .map(|factor| factor * power)
        .find(|&step| step >= width);
    fitting.unwrap_or(10.0 * power)
}

impl Plot {
    pub(super) fn y(&self, scale: &Scale, value: f64) -> f64 {
        self.top + self.height * (1.0 - scale.share(value))
    }

    pub(super) fn bottom(&self) -> f64 {
        self.top + self.height
    }

    /// The middle of slot `index` of `count`.
    pub(super) fn slot(&self, index: usize, count: usize) -> f64 {
        self.left + self.width * (index as f64 + 0.5) / count.max(1) as f64
    }

    /// Grid lines and numbers of the vertical scale.
    pub(super) fn vertical_axis(&self, svg: &mut Svg, scale: &Scale) {
        for value in scale.ticks() {
            let y = self.y(scale, value);
            svg.line((self.left, y), (self.left + self.width, y), GRID);
            svg.text((self.left - 6.0, y + 4.0), Anchor::End, &number(value));
        }
    }

    /// Labels under the slots, as many as fit.
    pub(super) fn slot_labels(&self, svg: &mut Svg, labels: &[String]) {
        let (bottom, right) = (self.bottom(), self.left + self.width);
        svg.line((self.left, bottom), (right, bottom), FRAME);
        for (index, label) in fitting_labels(labels, self.width) {
            let x = self.slot(index, labels.len());
            svg.text((x, bottom + 16.0), Anchor::Middle, &label);
        }
    }
}

/// Every so many labels that they fit side by side into a width, each with its position; the longest are
/// cut.
pub(super) fn fitting_labels(
    labels: &[String],
    width: f64,
) -> impl Iterator<Item = (usize, String)> {
    const MOST: usize = 16; // characters
    let longest = labels.iter().map(|label| label.chars().count()).max();
    let needed = 10.0 + 6.2 * longest.unwrap_or(0).min(MOST) as f64;
    let fitting = (width / needed).floor().max(1.0) as usize;
    let every = labels.len().div_ceil(fitting).max(1);
    let shown = labels.iter().enumerate().step_by(every);
    shown.map(|(index, label)| (index, shorten(label, MOST)))
}

/// Names in their colours, side by side.
pub(super) fn legend(svg: &mut Svg, at: (f64, f64), names: &[(&str, &str)]) {
    let (mut x, y) = at;
    for (name, colour) in names {
        let name = shorten(name, 28);
        svg.rectangle(
            (x, y - 9.0),
            (10.0, 10.0),
            &format!(r#"fill="{colour}""#),
            &name,
        );
        svg.text((x + 14.0, y), Anchor::Start, &name);
        x += 26.0 + 6.2 * name.chars().count() as f64;
    }
}
