use super::axis::{Plot, Scale, legend};
use super::colour;
use super::svg::{Anchor, Svg, shorten};
use crate::report::distribution::number;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 280.0;
const PLOT: Plot = Plot {
    left: 62.0,
    top: 48.0,
    width: 680.0,
    height: 190.0,
};

/// Several named series over ordered labels, with optional interval bands and vertical markers.
///
/// ```
/// use mlops_drift::report::chart::LineChart;
///
/// let svg = LineChart::new("AUC by week", ["w1", "w2", "w3"])
///     .series("champion", [Some(0.71), Some(0.70), None])
///     .band("champion", [Some((0.69, 0.73)), Some((0.68, 0.72)), None])
///     .marker("w2", "promotion")
///     .to_svg();
/// assert!(svg.starts_with("<svg") && svg.contains("promotion"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LineChart {
    title: String,
    labels: Vec<String>,
    series: Vec<Series>,
    bands: Vec<Band>,
    markers: Vec<(String, String)>,
    y_title: String,
    limits: Option<(f64, f64)>,
}

#[derive(Clone, Debug, PartialEq)]
struct Band {
    series: String,
    ends: Vec<Option<(f64, f64)>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Series {
    name: String,
    values: Vec<Option<f64>>,
}

impl LineChart {
    /// A chart over these labels, from left to right.
    pub fn new<L: Into<String>>(
        title: impl Into<String>,
        labels: impl IntoIterator<Item = L>,
    ) -> Self {
        Self {
            title: title.into(),
            labels: labels.into_iter().map(Into::into).collect(),
            series: Vec::new(),
            bands: Vec::new(),
            markers: Vec::new(),
            y_title: String::new(),
            limits: None,
        }
    }

    /// Adds a line: one value per label. `None` or a value that is not finite is a gap; values beyond
    /// the labels are left out.
    #[must_use]
    pub fn series(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = Option<f64>>,
    ) -> Self {
        let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
        self.series.push(Series {
            name: name.into(),
            values: values
                .into_iter()
                .map(finite)
                .take(self.labels.len())
                .collect(),
        });
        self
    }

    /// Adds a band from low to high behind the series of this name, in its colour.
    #[must_use]
    pub fn band(
        mut self,
        series: impl Into<String>,
        ends: impl IntoIterator<Item = Option<(f64, f64)>>,
    ) -> Self {
        let finite = |ends: Option<(f64, f64)>| {
            ends.filter(|(low, high)| low.is_finite() && high.is_finite())
        };
        let ends = ends
            .into_iter()
            .map(finite)
            .take(self.labels.len())
            .collect();
        let series = series.into();
        self.bands.push(Band { series, ends });
        self
    }

    /// Adds a dashed vertical line with a caption at a label. An unknown label is left out.
    #[must_use]
    pub fn marker(mut self, label: impl Into<String>, caption: impl Into<String>) -> Self {
        self.markers.push((label.into(), caption.into()));
        self
    }

    /// What the vertical axis measures, and in which unit.
    #[must_use]
    pub fn y_title(mut self, title: impl Into<String>) -> Self {
        self.y_title = title.into();
        self
    }

    /// Makes the vertical axis hold at least these values.
    #[must_use]
    pub fn y_holds(mut self, low: f64, high: f64) -> Self {
        self.limits = Some((low, high));
        self
    }

    /// The chart.
    pub fn to_svg(&self) -> String {
        let mut svg = Svg::new(WIDTH, HEIGHT, &self.title);
        svg.heading();
        let names: Vec<(&str, &str)> = self
            .series
            .iter()
            .enumerate()
            .map(|(index, series)| (series.name.as_str(), colour(index)))
            .collect();
        legend(&mut svg, (PLOT.left, 36.0), &names);
        let scale = self.scale();
        PLOT.vertical_axis(&mut svg, &scale);
        PLOT.slot_labels(&mut svg, &self.labels);
        svg.styled_text(
            (14.0, PLOT.top + PLOT.height / 2.0),
            Anchor::Middle,
            r#"transform="rotate(-90 14 143)""#,
            &shorten(&self.y_title, 32),
        );
        self.draw_bands(&mut svg, &scale);
        self.draw_markers(&mut svg);
        for (index, series) in self.series.iter().enumerate() {
            self.draw_series(&mut svg, &scale, series, colour(index));
        }
        svg.finish()
    }

    fn scale(&self) -> Scale {
        let values = self
            .series
            .iter()
            .flat_map(|s| &s.values)
            .flatten()
            .copied();
        let bands = self.bands.iter().flat_map(|band| &band.ends).flatten();
        let limits = self.limits.iter();
        Scale::holding(values.chain(bands.chain(limits).flat_map(|&(low, high)| [low, high])))
    }

    fn x(&self, index: usize) -> f64 {
        PLOT.slot(index, self.labels.len())
    }

    fn draw_series(&self, svg: &mut Svg, scale: &Scale, series: &Series, colour: &str) {
        let at = |(index, value): (usize, f64)| (self.x(index), PLOT.y(scale, value));
        for run in runs(&series.values) {
            let points: Vec<_> = run.into_iter().map(at).collect();
            let style = format!(r#"fill="none" stroke="{colour}" stroke-width="2""#);
            svg.path(&points, false, &style);
        }
        for (index, value) in series.values.iter().enumerate() {
            let Some(value) = *value else { continue };
            let tooltip = format!("{}, {}: {}", series.name, self.labels[index], number(value));
            svg.circle(
                at((index, value)),
                2.6,
                &format!(r#"fill="{colour}""#),
                &tooltip,
            );
        }
    }

    fn draw_bands(&self, svg: &mut Svg, scale: &Scale) {
        for Band { series, ends } in &self.bands {
            let of_series = self.series.iter().position(|known| known.name == *series);
            let style = format!(
                r#"fill="{}" fill-opacity="0.16""#,
                colour(of_series.unwrap_or(self.series.len()))
            );
            for run in runs(ends) {
                let above = run
                    .iter()
                    .map(|&(i, (_, high))| (self.x(i), PLOT.y(scale, high)));
                let below = run
                    .iter()
                    .rev()
                    .map(|&(i, (low, _))| (self.x(i), PLOT.y(scale, low)));
                svg.path(&above.chain(below).collect::<Vec<_>>(), true, &style);
            }
        }
    }

    fn draw_markers(&self, svg: &mut Svg) {
        for (place, (label, caption)) in self.markers.iter().enumerate() {
            let Some(index) = self.labels.iter().position(|known| known == label) else {
                continue;
            };
            let x = self.x(index);
            svg.line(
                (x, PLOT.top),
                (x, PLOT.bottom()),
                r##"stroke="#555" stroke-dasharray="4 3""##,
            );
            let (anchor, offset) = if x > PLOT.left + PLOT.width * 0.8 {
                (Anchor::End, -4.0)
            } else {
                (Anchor::Start, 4.0)
            };
            // In two rows, so that neighbours do not run into each other.
            let y = PLOT.top + 10.0 + 13.0 * (place % 2) as f64;
            svg.text((x + offset, y), anchor, &shorten(caption, 40));
        }
    }
}

/// The stretches without a gap, each value with its position.
fn runs<T: Copy>(values: &[Option<T>]) -> Vec<Vec<(usize, T)>> {
    let mut runs = vec![Vec::new()];
    for (index, value) in values.iter().enumerate() {
        match (value, runs.last_mut()) {
            (Some(value), Some(run)) => run.push((index, *value)),
            _ => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}
