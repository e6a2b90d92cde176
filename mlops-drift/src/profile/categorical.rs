use std::collections::{BTreeMap, HashMap};

use arrow::array::Array;
use mlops_core::{Digest, Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::numeric::sum_of;
use crate::sample::{CategoricalSample, labels};

/// Labels that are counted by name.
const CAP: u32 = 65_536;
/// Counts that are kept of more labels than that.
const GROUPS: usize = 4_096;

/// What is known of a column of categories: exact counts by label, or, beyond a cap on their number, exact counts
/// of 4,096 groups of labels.
///
/// A label's group is fixed by its SHA-256, so it depends on no data: shares of groups are compared as those of labels
/// are, at the same level, with less power the more labels share a group.
/// **Guarantee**: merging gives the same counts for every partition and order of the rows, byte for byte.
/// **Cost**: O(1) per distinct label and part; memory bounded by the cap.
///
/// ```
/// use arrow::array::StringArray;
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
}

/// A profile as it is read, before its parts are known to agree.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    cap: u32,
    nulls: u64,
    counts: Counts,
}

impl TryFrom<Written> for CategoricalProfile {
    type Error = Error;

    fn try_from(Written { cap, nulls, counts }: Written) -> Result<Self> {
        let (fits, values) = match &counts {
            Counts::ByLabel(labels) => (
                labels.len() <= cap as usize,
                labels.values().copied().collect(),
            ),
            Counts::ByGroup(groups) => (groups.len() == GROUPS, groups.clone()),
        };
        sum_of(&[values.as_slice(), &[nulls]].concat())?;
        if cap == 0 || !fits {
            return Err(Error::invalid(format!(
                "a profile of categories must hold at most {cap} labels, or {GROUPS} groups, got {}",
                values.len()
            )));
        }
        Ok(Self { cap, nulls, counts })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Counts {
    ByLabel(BTreeMap<String, u64>),
    ByGroup(Vec<u64>),
}

impl Counts {
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

    /// The rows of an Arrow column of strings, booleans, integers, or a dictionary of these.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for another type; nothing is counted then.
    pub fn update(&mut self, column: &dyn Array) -> Result<()> {
        let labels = labels(column)?;
        let mut counts: HashMap<&str, u64> = HashMap::new();
        for label in &labels {
            match label {
                Some(label) => *counts.entry(label).or_default() += 1,
                None => self.nulls += 1,
            }
        }
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
                let mut groups = self.counts.to_groups();
                groups
                    .iter_mut()
                    .zip(more)
                    .for_each(|(group, n)| *group += n);
                self.counts = Counts::ByGroup(groups);
            }
        }
        Ok(())
    }

    fn add(&mut self, label: &str, count: u64) {
        match &mut self.counts {
            Counts::ByGroup(groups) => groups[group_of(label)] += count,
            Counts::ByLabel(counts) => {
                match counts.get_mut(label) {
                    Some(known) => *known += count,
                    None => {
                        counts.insert(label.to_owned(), count);
                    }
                }
                if counts.len() > self.cap as usize {
                    self.counts = Counts::ByGroup(self.counts.to_groups());
                }
            }
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
            Counts::ByGroup(groups) => [0, groups[group_of(label)]],
        }
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
