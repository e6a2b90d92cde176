use std::collections::BTreeMap;

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::numeric::sum_of;

/// Labels that are kept by name.
const KEPT: usize = 1_024;
/// Longer labels are not kept: contents of documents are no names, and memory is bounded.
const LONGEST: usize = 256;

/// The most frequent of more labels than are counted by name: a Misra–Gries summary.
///
/// **Guarantee**: of N values a label that is kept occurs `f` to `f + error` times, and one that is not at most `error` times, labels
/// beyond 256 bytes aside; `error` is at most N/1,025 in any order and partition, which the counts themselves depend on.
/// **Source**: Misra & Gries, "Finding repeated elements", Science of Computer Programming 2, 1982; Agarwal, Cormode, Huang, Phillips, Wei & Yi,
/// "Mergeable summaries", PODS 2012, theorem 2.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Frequent {
    counts: BTreeMap<String, u64>,
    error: u64,
}

impl Frequent {
    pub(super) fn of<'a>(counts: impl Iterator<Item = (&'a str, u64)>) -> Self {
        let mut frequent = Self::default();
        counts.for_each(|(label, count)| frequent.insert(label, count));
        frequent.prune();
        frequent
    }

    /// Of so many values of which no name is known.
    pub(super) fn unknown(values: u64) -> Self {
        Self {
            counts: BTreeMap::new(),
            error: values,
        }
    }

    pub(super) fn add(&mut self, label: &str, count: u64) {
        self.insert(label, count);
        if self.counts.len() > 2 * KEPT {
            self.prune(); // not with every label, which would cost a sort each
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.error += other.error;
        other
            .counts
            .iter()
            .for_each(|(label, &count)| self.insert(label, count));
        self.prune();
    }

    fn insert(&mut self, label: &str, count: u64) {
        if label.len() > LONGEST {
            return;
        }
        match self.counts.get_mut(label) {
            Some(known) => *known += count,
            None => {
                self.counts.insert(label.to_owned(), count);
            }
        }
    }

    /// Takes the greatest count beyond those that are kept off all of them: each unit of error is taken off more than so many.
    fn prune(&mut self) {
        if self.counts.len() <= KEPT {
            return;
        }
        let mut counts: Vec<u64> = self.counts.values().copied().collect();
        let (_, off, _) = counts.select_nth_unstable_by(KEPT, |a, b| b.cmp(a));
        let off = *off;
        self.counts.retain(|_, count| {
            *count = count.saturating_sub(off);
            *count > 0
        });
        self.error += off;
    }

    /// At least and at most how many values carry this label.
    pub(super) fn count(&self, label: &str) -> [u64; 2] {
        if label.len() > LONGEST {
            return [0, u64::MAX];
        }
        let known = self.counts.get(label).copied().unwrap_or(0);
        [known, known.saturating_add(self.error)]
    }

    /// The labels that are kept, and at least how many values carry each.
    pub(super) fn labels(&self) -> impl Iterator<Item = (&str, u64)> {
        self.counts
            .iter()
            .map(|(label, &count)| (label.as_str(), count))
    }

    /// An error unless it can be of so many values.
    pub(super) fn check(&self, values: u64) -> Result<()> {
        let counts: Vec<u64> = self.counts.values().copied().collect();
        let fits = self.counts.len() <= 2 * KEPT && self.error <= values;
        if fits && sum_of(&counts)? <= values {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "labels that are kept by name must be of {values} values, got more"
        )))
    }
}
