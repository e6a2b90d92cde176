use super::axis::{Plot, Scale, legend};
use super::colour;
use super::svg::{Svg, shorten};
use crate::report::Distribution;

const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 200.0;
const PLOT: Plot = Plot {
    left: 52.0,
    top: 44.0,
    width: 456.0,
    height: 126.0,
};

/// The plot of a picture without axes.
const SMALL: Plot = Plot {
    left: 4.0,
    top: 4.0,
    width: 232.0,
    height: 44.0,
};

/// Shares of reference and current, bin by bin, overlaid.
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

    /// The chart, with axes and a tooltip for every bin: some 4 kB.
    pub fn to_svg(&self) -> String {
        let mut svg = Svg::new(WIDTH, HEIGHT, &self.title);
        svg.heading();
        legend(
            &mut svg,
            (PLOT.left, 36.0),
            &[("reference", colour(0)), ("current", colour(1))],
        );
        let scale = self.scale();
        PLOT.vertical_axis(&mut svg, &scale);
        PLOT.slot_labels(&mut svg, &self.shares.labels);
        self.draw_series(&mut svg, &PLOT, &scale);
        self.add_tooltips(&mut svg);
        svg.finish()
    }

    /// The outlines of the bars alone, for one of many pictures on a page: some 600 bytes.
    ///
    /// ```
    /// use mlops_drift::{NumericSample, report::{Distribution, chart::Histogram}};
    /// let sample = NumericSample::new((0..100).map(f64::from));
    /// let shares = Distribution::of_numbers(&sample, &sample);
    /// let histogram = Histogram::new("temp", &shares);
    /// assert!(histogram.to_small_svg().len() < histogram.to_svg().len() / 4);
    /// ```
    pub fn to_small_svg(&self) -> String {
        let (width, height) = (
            SMALL.width + 2.0 * SMALL.left,
            SMALL.height + 2.0 * SMALL.top,
        );
        let mut svg = Svg::new(width, height, &shorten(&self.title, 80));
        let scale = self.scale();
        for (index, shares) in self.series().into_iter().enumerate() {
            let tops = shares.iter().map(|&share| SMALL.y(&scale, share));
            let style = format!(r#"fill="{}" fill-opacity=".5""#, colour(index));
            svg.outline(SMALL.left, SMALL.width, tops, SMALL.bottom(), &style);
        }
        svg.finish_plain()
    }

    fn series(&self) -> [&[f64]; 2] {
        [&self.shares.reference, &self.shares.current]
    }

    fn scale(&self) -> Scale {
        let all = self.series().into_iter().flatten().copied();
        Scale::holding(all.chain([0.0]))
    }

    fn draw_series(&self, svg: &mut Svg, plot: &Plot, scale: &Scale) {
        let count = self.shares.labels.len();
        let width = plot.width / count.max(1) as f64 * 0.84;
        for (index, shares) in self.series().into_iter().enumerate() {
            let bars = shares.iter().enumerate().map(|(slot, &share)| {
                let left = plot.slot(slot, count) - width / 2.0;
                (left, plot.y(scale, share))
            });
            let style = format!(r#"fill="{}" fill-opacity="0.5""#, colour(index));
            svg.bars(bars, width, plot.bottom(), &style);
        }
    }

    /// Invisible areas over the bins that tell their shares.
    fn add_tooltips(&self, svg: &mut Svg) {
        let count = self.shares.labels.len();
        let width = PLOT.width / count.max(1) as f64;
        let [reference, current] = self.series();
        for (slot, label) in self.shares.labels.iter().enumerate() {
            let share = |shares: &[f64]| shares.get(slot).copied().unwrap_or(0.0) * 100.0;
            let tooltip = format!(
                "{}: {:.1} %, now {:.1} %",
                shorten(label, 120),
                share(reference),
                share(current)
            );
            let left = PLOT.slot(slot, count) - width / 2.0;
            svg.rectangle(
                (left, PLOT.top),
                (width, PLOT.height),
                r#"fill="transparent""#,
                &tooltip,
            );
        }
    }
}
