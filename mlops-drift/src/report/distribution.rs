use serde::{Deserialize, Serialize};

use super::Scale;
use crate::profile::NumericProfile;
use crate::sample::{CategoricalSample, NumericSample};

/// Bins of a numeric picture.
const BINS: usize = 20;
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
    /// 20 bins of equal width over the middle 99 % of the two samples; the outer bins are open.
    ///
    /// ```
    /// use mlops_drift::{NumericSample, report::Distribution};
    /// let sample = NumericSample::new((0..100).map(f64::from));
    /// assert_eq!(Distribution::of_numbers(&sample, &sample).labels.len(), 20);
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
        Self::in_bins(range(reference, current), scale, |edge| {
            [below(reference, edge), below(current, edge)]
        })
    }

    /// The same of profiles, a cell that an edge cuts in two being filled evenly.
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
        let [reference, current] = [reference, current].map(NumericProfile::shares_below);
        Self::in_bins((low, high), scale, |edge| [reference(edge), current(edge)])
    }

    /// 20 bins of equal width over a range, the outer ones open, from the shares below an edge.
    fn in_bins((low, high): (f64, f64), scale: Scale, below: impl Fn(f64) -> [f64; 2]) -> Self {
        if low >= high {
            return Self {
                labels: vec![scale.in_words(low)],
                reference: vec![1.0],
                current: vec![1.0],
            };
        }
        let width = high / BINS as f64 - low / BINS as f64; // their difference could overflow
        let edge = |bin: usize| low + width * bin as f64;
        let mut picture = Self::default();
        let mut before = [0.0, 0.0];
        for bin in 0..BINS {
            let until = if bin + 1 == BINS {
                [1.0, 1.0]
            } else {
                // Within a range beyond that of floats a share may be unknown.
                let known = |[share, before]: [f64; 2]| if share.is_nan() { before } else { share };
                let [reference, current] = below(edge(bin + 1));
                [[reference, before[0]], [current, before[1]]].map(known)
            };
            let [from, to] = [edge(bin), edge(bin) + width].map(|edge| scale.in_words(edge));
            let label = format!("{from} to {to}");
            picture.push(label, [until[0] - before[0], until[1] - before[1]]);
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

/// From the least 0.5 % to the greatest 0.5 % quantile of the two, within the finite values.
fn range(reference: &NumericSample, current: &NumericSample) -> (f64, f64) {
    let finite = |sample: &NumericSample| {
        NumericSample::new(sample.sorted().iter().copied().filter(|x| x.is_finite()))
    };
    let samples = [finite(reference), finite(current)];
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
