use serde::{Deserialize, Serialize};

use super::Scale;
use crate::profile::NumericProfile;
use crate::sample::{CategoricalSample, NumericSample};

/// Bins of a numeric picture.
const BINS: usize = 20;
/// Whole numbers that have a bin each: hours of a day, days of a month.
const SINGLES: f64 = 31.0;
/// Up to here a float tells a whole number from its half.
const HALVES: f64 = (1_u64 << 52) as f64;
/// Categories of a picture; the rest is summed up.
const CATEGORIES: usize = 12;

/// Shares per bin or category of reference and current, coarse enough for a picture.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// The bins or categories.
    pub labels: Vec<String>,
    /// Shares of the reference, which sum to 1.
    pub reference: Vec<f64>,
    /// Shares of the current sample, which sum to 1.
    pub current: Vec<f64>,
}

impl Distribution {
    /// 20 bins of equal width over the middle 99 % of the two samples; the outer bins are open. Of whole numbers up to 31 have a bin each, and
    /// more than those share bins of as many whole numbers each, 20 at most: none is cut in two, and no bin holds one more than its
    /// neighbours, but for the last, which may hold fewer.
    ///
    /// ```
    /// use mlops_drift::{NumericSample, report::Distribution};
    /// let sample = NumericSample::new((0..100).map(|i| f64::from(i) / 100.0));
    /// assert_eq!(Distribution::of_numbers(&sample, &sample).labels.len(), 20);
    /// let months = NumericSample::new((0..120).map(|i| f64::from(1 + i % 12)));
    /// assert_eq!(Distribution::of_numbers(&months, &months).labels[11], "12");
    /// ```
    pub fn of_numbers(reference: &NumericSample, current: &NumericSample) -> Self {
        Self::of_numbers_in(reference, current, Scale::Numbers)
    }

    /// The same, with edges that are told in these terms.
    pub(crate) fn of_numbers_in(
        reference: &NumericSample,
        current: &NumericSample,
        scale: Scale,
    ) -> Self {
        let below = |sample: &NumericSample, edge: f64| {
            let below = sample.sorted().partition_point(|&value| value < edge);
            below as f64 / sample.len().max(1) as f64
        };
        let samples = [reference, current].map(finite);
        let values = samples.iter().flat_map(|sample| sample.sorted());
        let whole = values.copied().all(is_whole) && scale.has_whole_steps();
        Self::in_bins(Bins::over(range(&samples), whole), scale, |edge| {
            [below(reference, edge), below(current, edge)]
        })
    }

    /// The same of profiles, a cell that an edge cuts in two being filled evenly. Numbers count as whole if all that the reference's grid keeps of
    /// them are, and the extremes.
    pub(crate) fn of_profiles(
        reference: &NumericProfile,
        current: &NumericProfile,
        scale: Scale,
    ) -> Self {
        let quantiles = |share| {
            let profiles = [reference, current].into_iter();
            profiles.filter_map(move |profile| profile.quantile(share))
        };
        let low = quantiles(0.005).fold(f64::INFINITY, |low, [least, _]| low.min(least));
        let high = quantiles(0.995).fold(f64::NEG_INFINITY, |high, [_, most]| high.max(most));
        let whole = scale.has_whole_steps() && [reference, current].into_iter().all(is_of_whole);
        let [reference, current] = [reference, current].map(NumericProfile::shares_below);
        Self::in_bins(Bins::over((low, high), whole), scale, |edge| {
            [reference(edge), current(edge)]
        })
    }

    /// From the shares below an edge.
    fn in_bins(bins: Bins, scale: Scale, below: impl Fn(f64) -> [f64; 2]) -> Self {
        let mut picture = Self::default();
        let mut before = [0.0, 0.0];
        for bin in 0..bins.count {
            let until = if bin + 1 == bins.count {
                [1.0, 1.0]
            } else {
                // Within a range beyond that of floats a share may be unknown.
                let known = |[share, before]: [f64; 2]| if share.is_nan() { before } else { share };
                let [reference, current] = below(bins.edge(bin + 1));
                [[reference, before[0]], [current, before[1]]].map(known)
            };
            picture.push(
                bins.label(bin, scale),
                [until[0] - before[0], until[1] - before[1]],
            );
            before = until;
        }
        picture
    }

    /// The twelve most frequent categories of the two samples; the others are summed up.
    ///
    /// ```
    /// use mlops_drift::{CategoricalSample, report::Distribution};
    /// let sample = CategoricalSample::new([Some("a"), Some("b"), Some("a")]);
    /// assert_eq!(Distribution::of_categories(&sample, &sample).labels, ["a", "b"]);
    /// ```
    pub fn of_categories(reference: &CategoricalSample, current: &CategoricalSample) -> Self {
        let share = |sample: &CategoricalSample, label: &str| {
            sample.count(label) as f64 / sample.len().max(1) as f64
        };
        let unseen = current
            .counts()
            .filter(|(label, _)| reference.count(label) == 0);
        let mut rows: Vec<(&str, [f64; 2])> = reference
            .counts()
            .chain(unseen)
            .map(|(label, _)| (label, [share(reference, label), share(current, label)]))
            .collect();
        rows.sort_by(|(a, p), (b, q)| {
            (q[0] + q[1])
                .total_cmp(&(p[0] + p[1]))
                .then_with(|| a.cmp(b))
        });
        let mut picture = Self::default();
        for (label, shares) in rows.iter().take(CATEGORIES) {
            picture.push((*label).to_owned(), *shares);
        }
        if let Some(others) = rows.get(CATEGORIES..).filter(|others| !others.is_empty()) {
            let sum = others
                .iter()
                .fold([0.0, 0.0], |sum, (_, s)| [sum[0] + s[0], sum[1] + s[1]]);
            picture.push(format!("{} others", others.len()), sum);
        }
        picture
    }

    fn push(&mut self, label: String, shares: [f64; 2]) {
        self.labels.push(label);
        self.reference.push(shares[0]);
        self.current.push(shares[1]);
    }
}

/// Bins of equal width, the outer ones open.
struct Bins {
    low: f64,
    high: f64,
    width: f64,
    count: usize,
    whole: bool,
}

impl Bins {
    fn over((low, high): (f64, f64), whole: bool) -> Self {
        let bins = Self {
            low,
            high,
            width: high / BINS as f64 - low / BINS as f64, // their difference could overflow
            count: BINS,
            whole: false,
        };
        match (low < high, whole) {
            (false, _) => Self { count: 1, ..bins },
            (true, true) => Self::of_whole(low.floor(), high.ceil()),
            (true, false) => bins,
        }
    }

    /// With edges halfway between whole numbers, as many of which are in each bin.
    fn of_whole(low: f64, high: f64) -> Self {
        let values = high - low + 1.0;
        let width = if values <= SINGLES {
            1.0
        } else {
            (values / BINS as f64).ceil()
        };
        Self {
            low,
            high,
            width,
            count: (values / width).ceil() as usize,
            whole: true,
        }
    }

    fn edge(&self, bin: usize) -> f64 {
        let edge = self.low + self.width * bin as f64;
        if self.whole { edge - 0.5 } else { edge }
    }

    /// From one edge to the next, or the whole numbers between them.
    fn label(&self, bin: usize, scale: Scale) -> String {
        let first = self.low + self.width * bin as f64;
        let last = match self.whole {
            true => (first + self.width - 1.0).min(self.high),
            false => first + self.width,
        };
        match self.count == 1 || first == last {
            true => scale.in_words(first),
            false => format!("{} to {}", scale.in_words(first), scale.in_words(last)),
        }
    }
}

fn is_whole(value: f64) -> bool {
    value.fract() == 0.0 && value.abs() < HALVES
}

fn is_of_whole(profile: &NumericProfile) -> bool {
    let moments = profile.moments();
    let extremes = [moments.least(), moments.greatest()].into_iter().flatten();
    let cuts = profile.grid().cuts().iter().copied();
    extremes.chain(cuts).all(is_whole)
}

fn finite(sample: &NumericSample) -> NumericSample {
    NumericSample::new(sample.sorted().iter().copied().filter(|x| x.is_finite()))
}

/// From the least 0.5 % to the greatest 0.5 % quantile of the two.
fn range(samples: &[NumericSample; 2]) -> (f64, f64) {
    let ends = |share: f64| samples.iter().filter_map(move |s| s.quantile(share));
    let low = ends(0.005).fold(f64::INFINITY, f64::min);
    let high = ends(0.995).fold(f64::NEG_INFINITY, f64::max);
    (low, high)
}

/// Four significant digits or so, without a trail of zeros.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e6).contains(&size) {
        return format!("{value:.2e}");
    }
    let decimals = match size {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}
