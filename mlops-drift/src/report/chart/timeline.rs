use super::axis::{FRAME, GRID, fitting_labels};
use super::colour;
use super::svg::{Anchor, Svg, shorten};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 110.0;
const SPAN: f64 = 634.0;
const TOP: f64 = 34.0;
const LANE: f64 = 26.0;

/// Intervals in lanes along an axis of ordered labels (which version served when), and events.
///
/// ```
/// use mlops_drift::report::chart::Timeline;
///
/// let svg = Timeline::new("what served", ["w1", "w2", "w3", "w4"])
///     .interval("champion", "v1", 0, 2)
///     .interval("champion", "v2", 2, 4)
///     .event(2, "promotion of v2")
///     .to_svg();
/// assert!(svg.contains("v1: w1 to w2") && svg.contains("promotion of v2"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    title: String,
    labels: Vec<String>,
    lanes: Vec<String>,
    intervals: Vec<Span>,
    events: Vec<(usize, String)>,
}

#[derive(Clone, Debug, PartialEq)]
struct Span {
    lane: usize,
    name: String,
    from: usize,
    to: usize,
}

impl Timeline {
    /// An axis of equal steps with these labels.
    pub fn new<L: Into<String>>(
        title: impl Into<String>,
        labels: impl IntoIterator<Item = L>,
    ) -> Self {
        Self {
            title: title.into(),
            labels: labels.into_iter().map(Into::into).collect(),
            lanes: Vec::new(),
            intervals: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Adds an interval in a lane: from step `from` up to, not including, step `to`. Cut to the axis; an
    /// empty one is left out. Equal names share a colour.
    #[must_use]
    pub fn interval(
        mut self,
        lane: impl Into<String>,
        name: impl Into<String>,
        from: usize,
        to: usize,
    ) -> Self {
        let to = to.min(self.labels.len());
        if from < to {
            let lane = lane.into();
            let known = self.lanes.iter().position(|name| *name == lane);
            let lane = known.unwrap_or_else(|| {
                self.lanes.push(lane);
                self.lanes.len() - 1
            });
            self.intervals.push(Span {
                lane,
                name: name.into(),
                from,
                to,
            });
        }
        self
    }

    /// Adds an event at the start of a step. Beyond the axis it is left out.
    #[must_use]
    pub fn event(mut self, step: usize, caption: impl Into<String>) -> Self {
        if step <= self.labels.len() {
            self.events.push((step, caption.into()));
        }
        self
    }

    /// The chart.
    pub fn to_svg(&self) -> String {
        let lanes_bottom = TOP + LANE * self.lanes.len() as f64;
        let events_top = lanes_bottom + 30.0;
        let height = events_top + 16.0 * self.events.len() as f64 + 8.0;
        let mut svg = Svg::new(WIDTH, height, &self.title);
        svg.heading();
        self.draw_axis(&mut svg, lanes_bottom);
        for (lane, name) in self.lanes.iter().enumerate() {
            let y = TOP + LANE * lane as f64 + 16.0;
            svg.text((LEFT - 6.0, y), Anchor::End, &shorten(name, 16));
        }
        for span in &self.intervals {
            self.draw_span(&mut svg, span);
        }
        for (row, (step, caption)) in self.events.iter().enumerate() {
            let y = events_top + 16.0 * row as f64 + 8.0;
            self.draw_event(&mut svg, *step, caption, y);
        }
        svg.finish()
    }

    fn x(&self, step: usize) -> f64 {
        LEFT + SPAN * step as f64 / self.labels.len().max(1) as f64
    }

    fn draw_axis(&self, svg: &mut Svg, y: f64) {
        svg.line((LEFT, y), (LEFT + SPAN, y), FRAME);
        for (step, label) in fitting_labels(&self.labels, SPAN) {
            let x = self.x(step);
            svg.line((x, TOP), (x, y + 4.0), GRID);
            svg.text((x, y + 15.0), Anchor::Start, &label);
        }
    }

    fn draw_span(&self, svg: &mut Svg, span: &Span) {
        let first_of_name = self
            .intervals
            .iter()
            .map(|other| &other.name)
            .fold(Vec::new(), |mut names: Vec<&String>, name| {
                if !names.contains(&name) {
                    names.push(name);
                }
                names
            })
            .iter()
            .position(|name| **name == span.name);
        let (start, end) = (self.x(span.from), self.x(span.to));
        let y = TOP + LANE * span.lane as f64 + 3.0;
        let tooltip = format!(
            "{}: {} to {}",
            span.name,
            self.labels[span.from],
            self.labels[span.to - 1]
        );
        let style = format!(
            r##"fill="{}" fill-opacity="0.8" stroke="#fff" rx="3""##,
            colour(first_of_name.unwrap_or(0))
        );
        svg.rectangle((start, y), (end - start, LANE - 6.0), &style, &tooltip);
        let fitting = ((end - start) / 7.0) as usize;
        if fitting >= 2 {
            svg.styled_text(
                ((start + end) / 2.0, y + 14.0),
                Anchor::Middle,
                r##"fill="#fff" pointer-events="none""##,
                &shorten(&span.name, fitting),
            );
        }
    }

    fn draw_event(&self, svg: &mut Svg, step: usize, caption: &str, y: f64) {
        let x = self.x(step);
        svg.line(
            (x, TOP),
            (x, y),
            r##"stroke="#555" stroke-dasharray="3 3""##,
        );
        svg.circle((x, y), 4.0, r##"fill="#222""##, caption);
        let (anchor, offset) = if x > LEFT + SPAN * 0.6 {
            (Anchor::End, -8.0)
        } else {
            (Anchor::Start, 8.0)
        };
        svg.text((x + offset, y + 4.0), anchor, &shorten(caption, 70));
    }
}
