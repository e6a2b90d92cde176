use std::collections::VecDeque;

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{Sequential, Signal, at_least, part, summable, within};

/// Adaptive windowing: drops the oldest values while two parts of the window have means too far apart.
///
/// **Assumption**: independent values on a scale of about 1. **Guarantee**: a cut between two parts of one law has probability at most
/// delta by a normal approximation to Bernstein's bound, for one look; ADWIN looks every `clock` observations.
/// **Weakness**: a value far out, such as a marker of missing values, widens the bound for as long as the window holds it: after a
/// single 1e5 a shift of 100 deviations is not seen. **Unit**: see the [module](super).
/// **Errors**: NaN, and values beyond ±1e140, whose squares no sum would hold. **Cost**: O(log n) per look, memory O(log n) for a window of n.
/// **Source**: Bifet & Gavaldà, "Learning from time-changing data with adaptive windowing", SDM 2007; conventions of river 0.26,
/// which starts anew after an alarm.
///
/// ```
/// use mlops_drift::stream::{Adwin, Sequential, Signal};
/// let mut detector = Adwin::default();
/// let stream = (0..2_000).map(|i| f64::from(i % 5) + if i < 1_000 { 0.0 } else { 2.0 });
/// let signals = stream.map(|x| detector.observe(x)).collect::<Result<Vec<_>, _>>()?;
/// let alarm = signals.iter().position(|signal| *signal == Signal::Drift).unwrap();
/// assert!((1_000..1_100).contains(&alarm));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Adwin {
    delta: f64,
    clock: usize,
    shape: Shape,
    window: Window,
    ticks: usize,
    drifted: bool,
}

/// A state as it is read, before its parts are known to agree.
#[derive(Deserialize)]
struct Written {
    delta: f64,
    clock: usize,
    #[serde(default)]
    shape: Shape,
    window: Window,
    ticks: usize,
    drifted: bool,
}

impl TryFrom<Written> for Adwin {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self> {
        written.window.require_whole()?;
        Ok(Self {
            shape: written.shape.checked()?,
            window: written.window,
            ticks: written.ticks,
            drifted: written.drifted,
            ..Self::new(written.delta, written.clock)?
        })
    }
}

/// How the window is kept and cut.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Shape {
    /// Buckets of one size; one more, and the two oldest become one of twice the size.
    buckets: usize,
    /// Values that either side of a cut must hold.
    least: f64,
    /// Values before the first look.
    grace: f64,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            buckets: 5,
            least: 5.0,
            grace: 10.0,
        }
    }
}

/// All values of the window: buckets by size, 1, 2, 4, … values each, the newest at the back of a row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Window {
    rows: Vec<VecDeque<Bucket>>,
    width: f64,
    total: f64,
    /// Sum of squared distances from the mean.
    squares: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Bucket {
    total: f64,
    squares: f64,
}

impl Default for Adwin {
    fn default() -> Self {
        Self {
            delta: 0.002,
            clock: 32,
            shape: Shape::default(),
            window: Window::default(),
            ticks: 0,
            drifted: false,
        }
    }
}

impl Adwin {
    /// With the probability of a cut without change (0.002 by default) and observations between two looks (32).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless `0 < delta < 1` and `clock >= 1`.
    ///
    /// ```
    /// assert!(mlops_drift::stream::Adwin::new(0.1, 0).is_err());
    /// ```
    pub fn new(delta: f64, clock: usize) -> Result<Self> {
        Ok(Self {
            delta: within("delta", delta, 0.0, 1.0)?,
            clock: at_least("clock", clock, 1)?,
            ..Self::default()
        })
    }

    /// With buckets of one size (5 by default: more cut finer and cost more), values that either side of a cut must
    /// hold (5), and values before the first look (10).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless `buckets >= 2` and `least >= 1`.
    ///
    /// ```
    /// use mlops_drift::stream::Adwin;
    /// assert_eq!(Adwin::default().shape(5, 5, 10)?, Adwin::default());
    /// assert!(Adwin::default().shape(5, 0, 10).is_err());
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn shape(self, buckets: usize, least: usize, grace: usize) -> Result<Self> {
        let shape = Shape {
            buckets,
            least: least as f64,
            grace: grace as f64,
        };
        Ok(Self {
            shape: shape.checked()?,
            ..self
        })
    }

    /// How many values the window holds.
    pub fn width(&self) -> usize {
        self.window.width as usize
    }

    /// The mean of the window; `None` when empty.
    pub fn mean(&self) -> Option<f64> {
        (self.window.width > 0.0).then(|| self.window.total / self.window.width)
    }
}

impl Sequential<f64> for Adwin {
    fn observe(&mut self, value: f64) -> Result<Signal> {
        let value = summable(value)?;
        if self.drifted {
            self.reset();
        }
        self.window.push(value, self.shape.buckets);
        self.ticks += 1;
        if self.ticks.is_multiple_of(self.clock) && self.window.width > self.shape.grace {
            while self.window.splits(self.delta, self.shape.least) {
                self.window.drop_oldest();
                self.drifted = true;
            }
        }
        Ok(if self.drifted {
            Signal::Drift
        } else {
            Signal::Quiet
        })
    }

    fn reset(&mut self) {
        self.window = Window::default();
        (self.ticks, self.drifted) = (0, false);
    }
}

impl Shape {
    fn checked(self) -> Result<Self> {
        at_least("buckets of one size", self.buckets, 2)?;
        at_least("values on either side of a cut", self.least as usize, 1)?;
        part("values before the first look", self.grace, 0.0, f64::MAX)?;
        Ok(self)
    }
}

impl Window {
    /// That it is as wide as its buckets, and that there is an oldest one to drop.
    fn require_whole(&self) -> Result<()> {
        let rows = self.rows.iter().enumerate();
        let held: f64 = rows
            .map(|(row, buckets)| buckets.len() as f64 * size_of_row(row))
            .sum();
        part("width", self.width, held, held)?;
        if self.rows.last().is_some_and(VecDeque::is_empty) {
            return Err(Error::invalid(
                "the last row of a state must hold at least 1 bucket, got 0",
            ));
        }
        Ok(())
    }

    fn push(&mut self, value: f64, most: usize) {
        if self.width > 0.0 {
            let delta = value - self.total / self.width;
            self.squares += self.width * delta * delta / (self.width + 1.0);
        }
        self.width += 1.0;
        self.total += value;
        let bucket = Bucket {
            total: value,
            squares: 0.0,
        };
        self.insert(0, bucket, most);
    }

    fn insert(&mut self, row: usize, bucket: Bucket, most: usize) {
        if row == self.rows.len() {
            self.rows.push(VecDeque::new());
        }
        let buckets = &mut self.rows[row];
        buckets.push_back(bucket);
        if buckets.len() > most
            && let (Some(a), Some(b)) = (buckets.pop_front(), buckets.pop_front())
        {
            let size = size_of_row(row);
            let delta = (a.total - b.total) / size;
            let between = size / 2.0 * delta * delta;
            let merged = Bucket {
                total: a.total + b.total,
                squares: a.squares + b.squares + between,
            };
            self.insert(row + 1, merged, most);
        }
    }

    fn drop_oldest(&mut self) {
        let size = size_of_row(self.rows.len().saturating_sub(1));
        let Some(oldest) = self.rows.last_mut().and_then(VecDeque::pop_front) else {
            return;
        };
        if self.rows.last().is_some_and(VecDeque::is_empty) {
            self.rows.pop();
        }
        self.width -= size;
        self.total -= oldest.total;
        let delta = oldest.total / size - self.total / self.width;
        let between = size * self.width * delta * delta / (size + self.width);
        self.squares -= oldest.squares + between;
    }

    /// Whether some cut parts the window into two of means too far apart.
    fn splits(&self, delta: f64, least: f64) -> bool {
        let ln = (2.0 * self.width.ln() / delta).ln();
        let variance = self.squares / self.width;
        let (mut size, mut total) = (0.0, 0.0);
        let rows = self.rows.iter().enumerate().rev();
        let oldest_first = rows.flat_map(|(row, buckets)| buckets.iter().map(move |b| (row, b)));
        for (row, bucket) in oldest_first {
            size += size_of_row(row);
            total += bucket.total;
            let rest = self.width - size;
            if size < least || rest < least {
                continue;
            }
            let inverse = 1.0 / (size - least + 1.0) + 1.0 / (rest - least + 1.0);
            let bound = (2.0 * inverse * variance * ln).sqrt() + 2.0 / 3.0 * ln * inverse;
            if (total / size - (self.total - total) / rest).abs() > bound {
                return true;
            }
        }
        false
    }
}

/// How many values a bucket of this row holds.
fn size_of_row(row: usize) -> f64 {
    (row as f64).exp2()
}
