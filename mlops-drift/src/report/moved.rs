use serde::{Deserialize, Serialize};

use super::Scale;
use super::chart::label_in_words;
use crate::profile::NumericProfile;
use crate::sample::{CategoricalSample, Moments, NumericSample, rank_of};

/// Labels that are told of each kind.
const LABELS: usize = 5;
/// Of these, in a sentence.
const NAMED: usize = 3;
/// Characters of a label in a sentence.
const LENGTH: usize = 40;

/// What a column held before and holds now, in its own terms: which way it moved.
///
/// ```
/// use mlops_drift::{NumericSample, report::Moved};
/// let [before, now] = [0, 40].map(|shift| NumericSample::new((0..79).map(|i| f64::from(i + shift))));
/// let moved = Moved::of_numbers(&before, &now).unwrap();
/// assert_eq!(moved.to_string(), "up: mean 39 → 79, quartiles 19, 39, 59 → 59, 79, 99");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moved {
    /// Numbers: where the finite ones lie.
    Numbers {
        /// Before.
        reference: Location,
        /// Now.
        current: Location,
    },
    /// Categories: labels whose share changed.
    Categories(LabelShares),
}

/// Where finite numbers lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Location {
    /// The mean; `None` if it is beyond the range of floats.
    pub mean: Option<f64>,
    /// The quartiles: each the least value with at least a quarter, half or three quarters of the values at or below it, or, from a profile, an
    /// interval that surely holds it.
    pub quartiles: [[f64; 2]; 3],
    /// The shares of the values that are −∞ and +∞, each in \[0, 1].
    #[serde(default)]
    pub infinite: [f64; 2],
    /// In which terms these numbers are told.
    #[serde(default, skip_serializing_if = "Scale::is_of_numbers")]
    pub scale: Scale,
}

/// Labels whose share changed, each kind with the greatest change first, five at most.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LabelShares {
    /// In both samples.
    pub moved: Vec<LabelShare>,
    /// In the current sample alone.
    pub new: Vec<LabelShare>,
    /// How many there are of these.
    pub new_labels: usize,
    /// In the reference alone.
    pub gone: Vec<LabelShare>,
    /// How many there are of these.
    pub gone_labels: usize,
}

/// A label with its shares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelShare {
    /// The label.
    pub label: String,
    /// In the reference, in \[0, 1].
    pub reference: f64,
    /// In the current sample, in \[0, 1].
    pub current: f64,
}

impl Moved {
    /// Of two samples of numbers; `None` unless both hold a finite one.
    pub fn of_numbers(reference: &NumericSample, current: &NumericSample) -> Option<Self> {
        Some(Self::Numbers {
            reference: Location::of_sample(reference)?,
            current: Location::of_sample(current)?,
        })
    }

    /// Of two samples of categories.
    ///
    /// ```
    /// use mlops_drift::{CategoricalSample, report::Moved};
    /// let [before, now] = [["UA", "B6"], ["UA", "ZZ"]].map(|labels| CategoricalSample::new(labels.map(Some)));
    /// let moved = Moved::of_categories(&before, &now);
    /// assert_eq!(moved.to_string(), "new: ZZ 50.0 %; gone: B6 50.0 %");
    /// ```
    pub fn of_categories(reference: &CategoricalSample, current: &CategoricalSample) -> Self {
        let share = |sample: &CategoricalSample, label: &str| {
            sample.count(label) as f64 / sample.len().max(1) as f64
        };
        let unseen = current
            .counts()
            .filter(|(label, _)| reference.count(label) == 0);
        let labels = reference.counts().chain(unseen).map(|(label, _)| label);
        let mut shares: Vec<(&str, [f64; 2])> = labels
            .map(|label| (label, [share(reference, label), share(current, label)]))
            .filter(|(_, [before, now])| before != now)
            .collect();
        let change = |[before, now]: [f64; 2]| (now - before).abs();
        shares.sort_by(|(a, x), (b, y)| change(*y).total_cmp(&change(*x)).then_with(|| a.cmp(b)));
        let among = |wanted: &dyn Fn([f64; 2]) -> bool| -> Vec<LabelShare> {
            let wanted = shares.iter().filter(|(_, shares)| wanted(*shares));
            let told = wanted
                .take(LABELS)
                .map(|(label, [before, now])| LabelShare {
                    label: (*label).to_owned(),
                    reference: *before,
                    current: *now,
                });
            told.collect()
        };
        let count =
            |wanted: fn([f64; 2]) -> bool| shares.iter().filter(|(_, both)| wanted(*both)).count();
        Self::Categories(LabelShares {
            moved: among(&|[before, now]| before > 0.0 && now > 0.0),
            new: among(&|[before, _]| before == 0.0),
            new_labels: count(|[before, _]| before == 0.0),
            gone: among(&|[_, now]| now == 0.0),
            gone_labels: count(|[_, now]| now == 0.0),
        })
    }

    pub(crate) fn of_profiles(
        reference: &NumericProfile,
        current: &NumericProfile,
    ) -> Option<Self> {
        Some(Self::Numbers {
            reference: Location::of_profile(reference)?,
            current: Location::of_profile(current)?,
        })
    }

    /// Told in these terms.
    pub(crate) fn in_scale(mut self, scale: Scale) -> Self {
        if let Self::Numbers { reference, current } = &mut self {
            (reference.scale, current.scale) = (scale, scale);
        }
        self
    }

    /// The most important of it, for a cell of a table; empty if nothing moved.
    ///
    /// ```
    /// use mlops_drift::{NumericSample, report::Moved};
    /// let [before, now] = [[0.0], [1.5]].map(NumericSample::new);
    /// assert_eq!(Moved::of_numbers(&before, &now).unwrap().in_short(), "mean 0 → 1.5");
    /// ```
    pub fn in_short(&self) -> String {
        match self {
            Self::Numbers { reference, current } => {
                let (what, pair) = Location::middles(reference, current);
                let [told] = apart([pair], reference.scale);
                format!("{what} {}", told.join(" → "))
            }
            Self::Categories(shares) => {
                let all = shares.moved.iter().chain(&shares.new).chain(&shares.gone);
                let most = all.max_by(|a, b| a.change().abs().total_cmp(&b.change().abs()));
                most.map(LabelShare::to_string).unwrap_or_default()
            }
        }
    }
}

impl std::fmt::Display for Moved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Numbers { reference, current } => {
                let direction = direction(reference, current);
                let (what, middle) = Location::middles(reference, current);
                let [a, b, c] = [0, 1, 2].map(|i| [reference.quartiles[i], current.quartiles[i]]);
                let [middle, quartiles @ ..] = apart([middle, a, b, c], reference.scale);
                let [before, now] = [0, 1].map(|side: usize| {
                    let of_side: [&str; 3] = quartiles.each_ref().map(|pair| pair[side].as_str());
                    of_side.join(", ")
                });
                let middle = middle.join(" → ");
                write!(f, "{direction}{what} {middle}, quartiles {before} → {now}")?;
                for (name, end) in [("−∞", 0), ("+∞", 1)] {
                    let [before, now] = [reference, current].map(|l| 100.0 * l.infinite[end]);
                    if before != now {
                        write!(f, ", {name} {before:.1} % → {now:.1} %")?;
                    }
                }
                Ok(())
            }
            Self::Categories(shares) => f.write_str(&shares.in_words()),
        }
    }
}

/// By the mean, or the median where there is none; nothing where a reader would see no difference.
fn direction(reference: &Location, current: &Location) -> &'static str {
    let middle = |location: &Location| location.mean.unwrap_or(location.quartiles[1][0]);
    let (before, now) = (middle(reference), middle(current));
    match before.total_cmp(&now) {
        _ if before == now => "",
        // Of finite values alone, where others became infinite: that says nothing of the whole.
        _ if reference.infinite != current.infinite => "",
        std::cmp::Ordering::Less => "up: ",
        _ => "down: ",
    }
}

impl Location {
    fn of_sample(sample: &NumericSample) -> Option<Self> {
        let sorted = sample.sorted();
        let from = sorted.partition_point(|&value| value == f64::NEG_INFINITY);
        let to = sorted.partition_point(|&value| value < f64::INFINITY);
        let finite = &sorted[from..to];
        let quartile = |share| {
            let rank = rank_of(share, finite.len() as u64) as usize;
            finite
                .get(rank.saturating_sub(1))
                .map(|&value| [value, value])
        };
        Some(Self {
            scale: Scale::default(),
            mean: Moments::of(finite).mean(),
            quartiles: [quartile(0.25)?, quartile(0.5)?, quartile(0.75)?],
            infinite: [from, sorted.len() - to].map(|count| count as f64 / sorted.len() as f64),
        })
    }

    fn of_profile(profile: &NumericProfile) -> Option<Self> {
        let quartile = |share| profile.quantile(share);
        Some(Self {
            scale: Scale::default(),
            mean: profile.moments().mean().filter(|mean| mean.is_finite()),
            quartiles: [quartile(0.25)?, quartile(0.5)?, quartile(0.75)?],
            infinite: profile
                .infinite()
                .map(|count| count as f64 / profile.present() as f64),
        })
    }

    /// What is told first: the means, or the medians where there is one mean at most.
    fn middles(reference: &Self, current: &Self) -> (&'static str, Pair) {
        match [reference.mean, current.mean] {
            [Some(before), Some(now)] => ("mean", [[before; 2], [now; 2]]),
            _ => ("median", [reference.quartiles[1], current.quartiles[1]]),
        }
    }
}

/// A number before and now, each as an interval.
type Pair = [[f64; 2]; 2];

/// Numbers before and now in few digits, or all in more where two of a pair would be alike: in as many as tell every pair apart, and two more.
fn apart<const N: usize>(pairs: [Pair; N], scale: Scale) -> [[String; 2]; N] {
    let all =
        |number: &dyn Fn(f64) -> String| pairs.map(|pair| pair.map(|ends| in_words(ends, number)));
    let is_told = |told: &[[String; 2]; N]| {
        let mut pairs = pairs.iter().zip(told);
        pairs.all(|([before, now], told)| before == now || told[0] != told[1])
    };
    let short = all(&|value| scale.in_words(value));
    if is_told(&short) {
        return short;
    }
    let told = (4..=17).map(|digits| all(&|value| scale.in_digits(value, digits)));
    let mut apart = told.skip_while(|told| !is_told(told)).take(3);
    apart.by_ref().last().unwrap_or(short)
}

/// A number, or both ends of an interval where they differ.
fn in_words([low, high]: [f64; 2], number: impl Fn(f64) -> String) -> String {
    let (low, high) = (number(low), number(high));
    if low == high {
        low
    } else {
        format!("{low} to {high}")
    }
}

impl LabelShare {
    fn change(&self) -> f64 {
        self.current - self.reference
    }

    fn name(&self) -> String {
        label_in_words(&self.label, LENGTH)
    }
}

impl std::fmt::Display for LabelShare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [before, now] = [self.reference, self.current].map(|share| share * 100.0);
        write!(f, "{} {before:.1} % → {now:.1} %", self.name())
    }
}

impl LabelShares {
    fn in_words(&self) -> String {
        let list = |shares: &[LabelShare], all: usize, text: fn(&LabelShare) -> String| {
            let named: Vec<String> = shares.iter().take(NAMED).map(text).collect();
            match all.saturating_sub(named.len()) {
                0 => named.join(", "),
                more => format!("{} and {more} more", named.join(", ")),
            }
        };
        let moved = self.moved.len().min(NAMED);
        let mut parts = vec![list(&self.moved, moved, LabelShare::to_string)];
        if self.new_labels > 0 {
            let now =
                |share: &LabelShare| format!("{} {:.1} %", share.name(), share.current * 100.0);
            parts.push(format!("new: {}", list(&self.new, self.new_labels, now)));
        }
        if self.gone_labels > 0 {
            let before =
                |share: &LabelShare| format!("{} {:.1} %", share.name(), share.reference * 100.0);
            parts.push(format!(
                "gone: {}",
                list(&self.gone, self.gone_labels, before)
            ));
        }
        parts.retain(|part| !part.is_empty());
        parts.join("; ")
    }
}
