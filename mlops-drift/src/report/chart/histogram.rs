use super::axis::{Plot, Scale, legend};
use super::colour;
use super::svg::Svg;
use crate::report::Distribution;

const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 200.0;
const PLOT: Plot = Plot {
    left: 52.0,
    top: 44.0,
    width: 456.0,
    height: 126.0,
};

/// Shares of reference and current, bin by bin, side by side.
///
/// ```
/// use mlops_drift::{NumericSample, report::{Distribution, chart::Histogram}};
/// let reference = NumericSample::new((0..100).map(f64::from));
/// let current = NumericSample::new((50..150).map(f64::from));
/// let svg = Histogram::new("temp", &Distribution::of_numbers(&reference, &current)).to_svg();
/// assert!(svg.contains("reference") && svg.contains("current"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram<'a> {
    title: String,
    shares: &'a Distribution,
}

impl<'a> Histogram<'a> {
    /// A histogram of these shares.
    pub fn new(title: impl Into<String>, shares: &'a Distribution) -> Self {
        Self {
            title: title.into(),
            shares,
        }
    }

    /// The chart.
    pub fn to_svg(&self) -> String {
        let mut svg = Svg::new(WIDTH, HEIGHT, &self.title);
        svg.heading();
        let samples = [
            ("reference", &self.shares.reference),
            ("current", &self.shares.current),
        ];
        legend(
            &mut svg,
            (PLOT.left, 36.0),
            &[("reference", colour(0)), ("current", colour(1))],
        );
        let all = samples
            .iter()
            .flat_map(|(_, shares)| shares.iter().copied());
        let scale = Scale::holding(all.chain([0.0]));
        PLOT.vertical_axis(&mut svg, &scale);
        PLOT.slot_labels(&mut svg, &self.shares.labels);
        for (index, (name, shares)) in samples.into_iter().enumerate() {
            self.draw_bars(&mut svg, &scale, index, name, shares);
        }
        svg.finish()
    }

    fn draw_bars(&self, svg: &mut Svg, scale: &Scale, index: usize, name: &str, shares: &[f64]) {
        let count = self.shares.labels.len();
        let width = PLOT.width / count.max(1) as f64 * 0.42;
        let style = format!(r#"fill="{}" fill-opacity="0.85""#, colour(index));
        for (slot, (label, &share)) in self.shares.labels.iter().zip(shares).enumerate() {
            let x = PLOT.slot(slot, count) + width * (index as f64 - 1.0);
            let y = PLOT.y(scale, share);
            let tooltip = format!("{name}, {label}: {:.1} %", share * 100.0);
            svg.rectangle((x, y), (width, PLOT.bottom() - y), &style, &tooltip);
        }
    }
}
