use super::axis::fitting_labels;
use super::svg::{Anchor, Svg, shorten};
use crate::report::distribution::number;

const LEFT: f64 = 150.0;
const TOP: f64 = 52.0;
const ROW: f64 = 20.0;
const WIDTH: f64 = 760.0;

/// Rows by columns of values in \[0, ∞): white at 0, dark at the ceiling and above, hatched grey where
/// there is no value.
///
/// ```
/// use mlops_drift::report::chart::HeatMap;
///
/// let svg = HeatMap::new("drift by week", ["temp", "wind"], ["w1", "w2"])
///     .row([Some(0.1), Some(0.4)])
///     .row([None, Some(0.2)])
///     .ceiling(0.5)
///     .to_svg();
/// assert!(svg.contains("temp, w2: 0.4"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct HeatMap {
    title: String,
    rows: Vec<String>,
    columns: Vec<String>,
    values: Vec<Vec<Option<f64>>>,
    tooltips: Vec<Vec<String>>,
    ceiling: Option<f64>,
    /// Whether shades grow with the square root of the value.
    root: bool,
    /// Decimals of the numbers in the cells, if any are written.
    decimals: Option<usize>,
}

impl HeatMap {
    /// A map with these row and column names.
    pub fn new<R: Into<String>, C: Into<String>>(
        title: impl Into<String>,
        rows: impl IntoIterator<Item = R>,
        columns: impl IntoIterator<Item = C>,
    ) -> Self {
        Self {
            title: title.into(),
            rows: rows.into_iter().map(Into::into).collect(),
            columns: columns.into_iter().map(Into::into).collect(),
            values: Vec::new(),
            tooltips: Vec::new(),
            ceiling: None,
            root: false,
            decimals: None,
        }
    }

    /// The values of the next row, one per column; missing ones at the end count as no value. A value
    /// that is NaN or negative counts as none.
    #[must_use]
    pub fn row(mut self, values: impl IntoIterator<Item = Option<f64>>) -> Self {
        let valid = |value: Option<f64>| value.filter(|value| *value >= 0.0);
        self.values.push(values.into_iter().map(valid).collect());
        self
    }

    /// Tooltips of the next row, in place of "row, column: value"; call it as often as
    /// [`row`](Self::row).
    #[must_use]
    pub fn tooltips<T: Into<String>>(mut self, tooltips: impl IntoIterator<Item = T>) -> Self {
        self.tooltips
            .push(tooltips.into_iter().map(Into::into).collect());
        self
    }

    /// The value that is fully dark; by default the greatest finite one.
    #[must_use]
    pub fn ceiling(mut self, ceiling: f64) -> Self {
        self.ceiling = Some(ceiling);
        self
    }

    /// Shades that grow with the square root of the value: of values whose ranges differ widely, small ones and large ones tell apart.
    ///
    /// ```
    /// use mlops_drift::report::chart::HeatMap;
    /// let map = || HeatMap::new("drift", ["temp"], ["w1", "w2"]).row([Some(0.2), Some(5.0)]);
    /// assert_ne!(map().root_scale().to_svg(), map().to_svg());
    /// ```
    #[must_use]
    pub fn root_scale(mut self) -> Self {
        self.root = true;
        self
    }

    /// Writes the values into their cells.
    ///
    /// ```
    /// use mlops_drift::report::chart::HeatMap;
    /// let map = HeatMap::new("drift", ["temp"], ["w1"]).row([Some(1.8)]).numbered(2);
    /// assert!(map.to_svg().contains(">1.80</text>"));
    /// ```
    #[must_use]
    pub fn numbered(mut self, decimals: usize) -> Self {
        self.decimals = Some(decimals);
        self
    }

    /// The chart.
    pub fn to_svg(&self) -> String {
        let height = TOP + ROW * self.rows.len() as f64 + 34.0;
        let mut svg = Svg::new(WIDTH, height, &self.title);
        svg.heading();
        self.draw_column_names(&mut svg);
        for row in 0..self.rows.len() {
            let y = TOP + ROW * row as f64;
            let name = shorten(&self.rows[row], 22);
            svg.text((LEFT - 6.0, y + 14.0), Anchor::End, &name);
            for column in 0..self.columns.len() {
                self.draw_cell(&mut svg, row, column, y);
            }
        }
        self.draw_scale(&mut svg, height - 20.0);
        svg.finish()
    }

    fn cell_width(&self) -> f64 {
        (WIDTH - LEFT - 16.0) / self.columns.len().max(1) as f64
    }

    fn top(&self) -> f64 {
        let finite = self.values.iter().flatten().flatten();
        let greatest = finite
            .filter(|v| v.is_finite())
            .fold(0.0_f64, |a, &b| a.max(b));
        let top = self.ceiling.unwrap_or(greatest);
        if top > 0.0 && top.is_finite() {
            top
        } else {
            1.0
        }
    }

    fn draw_column_names(&self, svg: &mut Svg) {
        let width = self.cell_width();
        for (column, name) in fitting_labels(&self.columns, WIDTH - LEFT - 16.0) {
            let x = LEFT + width * (column as f64 + 0.5);
            svg.text((x, TOP - 6.0), Anchor::Middle, &name);
        }
    }

    fn draw_cell(&self, svg: &mut Svg, row: usize, column: usize, y: f64) {
        let value = self
            .values
            .get(row)
            .and_then(|row| row.get(column))
            .copied();
        let value = value.flatten();
        let width = self.cell_width();
        let style = format!(r##"fill="{}" stroke="#e4e4e4""##, self.fill(value));
        let own = self.tooltips.get(row).and_then(|row| row.get(column));
        let tooltip = own.cloned().unwrap_or_else(|| {
            let value = value.map_or_else(|| "no value".to_owned(), number);
            format!("{}, {}: {value}", self.rows[row], self.columns[column])
        });
        let corner = (LEFT + width * column as f64, y);
        svg.rectangle(corner, (width, ROW), &style, &tooltip);
        if let (Some(value), Some(decimals)) = (value, self.decimals) {
            let colour = if self.darkness(value) > 0.55 {
                "#fff"
            } else {
                "#222"
            };
            svg.styled_text(
                (corner.0 + width / 2.0, y + 14.0),
                Anchor::Middle,
                &format!(r#"fill="{colour}" pointer-events="none""#),
                &format!("{value:.decimals$}"),
            );
        }
        if value.is_none() {
            let end = (corner.0 + width, y + ROW);
            svg.line(corner, end, r##"stroke="#bbb""##);
        }
    }

    fn fill(&self, value: Option<f64>) -> String {
        match value {
            None => "#eee".to_owned(),
            Some(value) => shade(self.darkness(value)),
        }
    }

    /// From 0 to 1.
    fn darkness(&self, value: f64) -> f64 {
        let share = (value / self.top()).min(1.0);
        if self.root { share.sqrt() } else { share }
    }

    fn draw_scale(&self, svg: &mut Svg, y: f64) {
        for step in 0..10 {
            let share = f64::from(step) / 9.0;
            let style = format!(r#"fill="{}""#, shade(share));
            let x = LEFT + 14.0 * f64::from(step);
            let value = if self.root { share * share } else { share } * self.top();
            svg.rectangle((x, y), (14.0, 10.0), &style, &number(value));
        }
        svg.text((LEFT - 6.0, y + 9.0), Anchor::End, "0");
        let top = format!("{} and above", number(self.top()));
        svg.text((LEFT + 146.0, y + 9.0), Anchor::Start, &top);
    }
}

/// From white to a dark red, darker throughout, so that it survives grey printing.
fn shade(share: f64) -> String {
    let (white, dark) = ([255.0, 255.0, 255.0], [140.0, 20.0, 10.0]);
    let channel = |i: usize| (white[i] + (dark[i] - white[i]) * share).round() as u8;
    format!("#{:02x}{:02x}{:02x}", channel(0), channel(1), channel(2))
}
