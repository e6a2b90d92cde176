use std::collections::{BTreeMap, HashMap};

use arrow::array::Array;
use mlops_core::{Digest, Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::Bracket;
use super::frequent::Frequent;
use super::numeric::sum_of;
use crate::divergence::{Divergence, TotalVariation};
use crate::sample::{CategoricalSample, labels};

/// Labels that are counted by name.
const CAP: u32 = 65_536;
/// Counts that are kept of more labels than that.
const GROUPS: usize = 4_096;
/// Bytes of a label that is counted by name, on average at most.
const BYTES: u64 = 256;
/// More than the relative rounding of sums of shares of up to 65,536 labels: 2^-36.
const ROUNDING: f64 = 1.0 / (1_u64 << 36) as f64;

/// What is known of a column of categories: exact counts by label, or, beyond a cap on their number and length, exact counts
/// of 4,096 groups of labels, and of the most frequent labels at least and at most how often they occur.
///
/// A label's group is fixed by its SHA-256, so it depends on no data: shares of groups are compared as those of labels
/// are, at the same level, with less power the more labels share a group. Distances of groups may be far less than those of labels, so
/// [a bracket](Self::total_variation) is told.
/// **Guarantee**: merging gives the same counts, by label or by group, for every partition and order of the rows, byte for byte. Beyond the
/// cap the names that are kept, and their bounds, depend on the order; the bounds hold in any, and are at most 1/1,025 of the values apart.
/// **Cost**: O(1) per distinct label and part; memory bounded by the cap: labels of 256 bytes each on average, or fewer.
///
/// ```
/// use mlops_core::arrow::array::StringArray;
/// use mlops_drift::profile::CategoricalProfile;
///
/// let mut profile = CategoricalProfile::with_cap(2)?;
/// profile.update(&StringArray::from(vec![Some("UA"), None, Some("UA")]))?;
/// assert_eq!(profile.count("UA"), [2, 2]);
/// profile.update(&StringArray::from(vec!["B6", "DL"]))?; // three labels: by group from here
/// assert_eq!(profile.count("UA")[1], 2); // at most
/// assert_eq!((profile.values(), profile.nulls()), (4, 1));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct CategoricalProfile {
    cap: u32,
    nulls: u64,
    counts: Counts,
    /// Beside groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    frequent: Option<Frequent>,
    /// Of all labels that are counted by name.
    #[serde(skip)]
    bytes: u64,
}

/// A profile as it is read, before its parts are known to agree.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    cap: u32,
    nulls: u64,
    counts: Counts,
    #[serde(default)]
    frequent: Option<Frequent>,
}

impl TryFrom<Written> for CategoricalProfile {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self> {
        let Written {
            cap,
            nulls,
            counts,
            frequent,
        } = written;
        let (fits, values) = match &counts {
            Counts::ByLabel(labels) => (
                labels.len() <= cap as usize,
                labels.values().copied().collect(),
            ),
            Counts::ByGroup(groups) => (groups.len() == GROUPS, groups.clone()),
        };
        let rows = sum_of(&[values.as_slice(), &[nulls]].concat())?;
        if cap == 0 || !fits {
            return Err(Error::invalid(format!(
                "a profile of categories must hold at most {cap} labels, or {GROUPS} groups, got {}",
                values.len()
            )));
        }
        let bytes = counts.bytes();
        let frequent = match &counts {
            Counts::ByLabel(_) => None,
            // Before version 3 no names were kept.
            Counts::ByGroup(_) => Some(frequent.unwrap_or_else(|| Frequent::unknown(rows - nulls))),
        };
        if let Some(frequent) = &frequent {
            frequent.check(rows - nulls)?;
        }
        Ok(Self {
            cap,
            nulls,
            counts,
            frequent,
            bytes,
        })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Counts {
    ByLabel(BTreeMap<String, u64>),
    ByGroup(Vec<u64>),
}

impl Counts {
    /// Of the labels.
    fn bytes(&self) -> u64 {
        match self {
            Self::ByLabel(counts) => counts.keys().map(|label| label.len() as u64).sum(),
            Self::ByGroup(_) => 0,
        }
    }

    fn to_groups(&self) -> Vec<u64> {
        match self {
            Self::ByGroup(groups) => groups.clone(),
            Self::ByLabel(counts) => {
                let mut groups = vec![0; GROUPS];
                for (label, count) in counts {
                    groups[group_of(label)] += count;
                }
                groups
            }
        }
    }
}

impl Default for CategoricalProfile {
    fn default() -> Self {
        Self {
            cap: CAP,
            nulls: 0,
            counts: Counts::ByLabel(BTreeMap::new()),
            frequent: None,
            bytes: 0,
        }
    }
}

impl CategoricalProfile {
    /// With another number of labels that are counted by name; the default is 65,536.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for a cap of 0.
    pub fn with_cap(cap: u32) -> Result<Self> {
        if cap == 0 {
            return Err(Error::invalid("cap must be at least 1 label, got 0"));
        }
        Ok(Self {
            cap,
            ..Self::default()
        })
    }

    /// No rows yet, with the same cap.
    #[must_use]
    pub fn empty(&self) -> Self {
        Self {
            cap: self.cap,
            ..Self::default()
        }
    }

    /// So many rows without a value.
    pub(super) fn of_missing(&self, rows: u64) -> Self {
        Self {
            nulls: rows,
            ..self.empty()
        }
    }

    /// The rows of an Arrow column of strings, booleans, integers, or a dictionary of these.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for another type; nothing is counted then.
    pub fn update(&mut self, column: &dyn Array) -> Result<()> {
        let labels = labels(column)?;
        let mut counts: HashMap<&str, u64> = HashMap::new();
        for label in labels.iter() {
            match label {
                Some(label) => *counts.entry(label).or_default() += 1,
                None => self.nulls += 1,
            }
        }
        // Beyond the cap the order decides which labels are remembered: always that of the labels.
        let mut counts: Vec<(&str, u64)> = counts.into_iter().collect();
        counts.sort_unstable();
        for (label, count) in counts {
            self.add(label, count);
        }
        Ok(())
    }

    /// The rows of another profile.
    ///
    /// # Errors
    /// [`SignatureMismatch`](ErrorKind::SignatureMismatch) for a profile with another cap; nothing is merged then.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if self.cap != other.cap {
            return Err(Error::new(
                ErrorKind::SignatureMismatch,
                format!(
                    "profiles must have one cap, got {} and {}",
                    self.cap, other.cap
                ),
            ));
        }
        self.nulls += other.nulls;
        match &other.counts {
            Counts::ByLabel(counts) => counts.iter().for_each(|(label, &n)| self.add(label, n)),
            Counts::ByGroup(more) => {
                self.group();
                if let Counts::ByGroup(groups) = &mut self.counts {
                    let pairs = groups.iter_mut().zip(more);
                    pairs.for_each(|(group, n)| *group += n);
                }
                if let (Some(frequent), Some(more)) = (&mut self.frequent, &other.frequent) {
                    frequent.merge(more);
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, label: &str, count: u64) {
        match &mut self.counts {
            Counts::ByGroup(groups) => {
                groups[group_of(label)] += count;
                if let Some(frequent) = &mut self.frequent {
                    frequent.add(label, count);
                }
            }
            Counts::ByLabel(counts) => {
                match counts.get_mut(label) {
                    Some(known) => *known += count,
                    None => {
                        self.bytes += label.len() as u64;
                        counts.insert(label.to_owned(), count);
                    }
                }
                if counts.len() > self.cap as usize || self.bytes > BYTES * u64::from(self.cap) {
                    self.group();
                }
            }
        }
    }

    /// From here on by group.
    fn group(&mut self) {
        if let Counts::ByLabel(counts) = &self.counts {
            let labels = counts.iter().map(|(label, &n)| (label.as_str(), n));
            self.frequent = Some(Frequent::of(labels));
            self.counts = Counts::ByGroup(self.counts.to_groups());
            self.bytes = 0;
        }
    }

    /// Whether every label is counted by name.
    pub fn is_exact(&self) -> bool {
        matches!(self.counts, Counts::ByLabel(_))
    }

    /// How many values are not null.
    pub fn values(&self) -> u64 {
        match &self.counts {
            Counts::ByLabel(counts) => counts.values().sum(),
            Counts::ByGroup(groups) => groups.iter().sum(),
        }
    }

    /// How many rows are null.
    pub fn nulls(&self) -> u64 {
        self.nulls
    }

    /// How many distinct labels; `None` beyond the cap.
    pub fn distinct(&self) -> Option<usize> {
        match &self.counts {
            Counts::ByLabel(counts) => Some(counts.len()),
            Counts::ByGroup(_) => None,
        }
    }

    /// The distinct labels, in order; `None` beyond the cap.
    pub(crate) fn labels(&self) -> Option<Vec<&str>> {
        match &self.counts {
            Counts::ByLabel(counts) => Some(counts.keys().map(String::as_str).collect()),
            Counts::ByGroup(_) => None,
        }
    }

    /// At least and at most how many values carry this label.
    pub fn count(&self, label: &str) -> [u64; 2] {
        match &self.counts {
            Counts::ByLabel(counts) => [counts.get(label).copied().unwrap_or(0); 2],
            Counts::ByGroup(groups) => {
                let in_group = groups[group_of(label)];
                let frequent = self.frequent.as_ref();
                let [low, high] = frequent.map_or([0, in_group], |frequent| frequent.count(label));
                [low, high.min(in_group)]
            }
        }
    }

    /// The labels that are known by name, and at least how many values carry each.
    fn named(&self) -> Box<dyn Iterator<Item = (&str, u64)> + '_> {
        match (&self.counts, &self.frequent) {
            (Counts::ByLabel(counts), _) => {
                Box::new(counts.iter().map(|(label, &n)| (label.as_str(), n)))
            }
            (Counts::ByGroup(_), Some(frequent)) => Box::new(frequent.labels()),
            (Counts::ByGroup(_), None) => Box::new(std::iter::empty()),
        }
    }

    /// A bracket for the total variation of the labels: exact where both profiles count all of them by name. Otherwise it is at least that of the
    /// groups, since a union of labels differs by no more than its labels do, and at most what the labels that are known in both surely do not
    /// share. O(labels).
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) if either holds no value.
    ///
    /// ```
    /// use mlops_core::arrow::array::StringArray;
    /// use mlops_drift::profile::CategoricalProfile;
    /// let of = |labels: Vec<String>| -> mlops_core::Result<CategoricalProfile> {
    ///     let mut profile = CategoricalProfile::with_cap(100)?;
    ///     profile.update(&StringArray::from(labels))?;
    ///     Ok(profile)
    /// };
    /// let day = |from: u32| (from..from + 50_000).map(|user| format!("user {user}")).collect();
    /// let replaced = of(day(0))?.total_variation(&of(day(50_000))?)?;
    /// assert!(replaced.contains(1.0) && replaced.low < 0.5); // no label is the same, though groups are much alike
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn total_variation(&self, current: &Self) -> Result<Bracket> {
        let [x, y] = self.samples(current);
        let of_groups = TotalVariation::default().divergence(&x, &y)?.get();
        let low = of_groups * (1.0 - ROUNDING);
        let high = match self.is_exact() && current.is_exact() {
            true => of_groups * (1.0 + ROUNDING),
            false => 1.0 - self.shared(current) * (1.0 - ROUNDING) + ROUNDING,
        };
        Ok(Bracket {
            low,
            high: high.min(1.0),
        })
    }

    /// The mass that both surely have in common, in \[0, 1].
    fn shared(&self, other: &Self) -> f64 {
        let sizes = [self, other].map(|profile| profile.values() as f64);
        let share = |(label, count): (&str, u64)| {
            let [of_other, _] = other.count(label);
            (count as f64 / sizes[0]).min(of_other as f64 / sizes[1])
        };
        self.named().map(share).sum()
    }

    /// Both profiles as samples of the same categories: labels, or groups where either is beyond its cap.
    pub(crate) fn samples(&self, other: &Self) -> [CategoricalSample; 2] {
        match (&self.counts, &other.counts) {
            (Counts::ByLabel(x), Counts::ByLabel(y)) => [x, y].map(|counts| {
                CategoricalSample::from_counts(counts.iter().map(|(label, &n)| (label.as_str(), n)))
            }),
            (x, y) => [x, y].map(|counts| of_groups(&counts.to_groups())),
        }
    }
}

fn group_of(label: &str) -> usize {
    let digest = Digest::of(label.as_bytes());
    let [high, low, ..] = *digest.as_bytes();
    usize::from(u16::from_be_bytes([high, low])) % GROUPS
}

fn of_groups(groups: &[u64]) -> CategoricalSample {
    let names: Vec<String> = (0..groups.len())
        .map(|i| format!("labels of group {i}"))
        .collect();
    let counts = names.iter().zip(groups);
    CategoricalSample::from_counts(counts.map(|(name, &count)| (name.as_str(), count)))
}
