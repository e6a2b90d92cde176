//! The bytes that tell one reference from another.

use super::observed::{Missing, Observed, Values};
use crate::profile::{self, NumericProfile};
use crate::sample::{CategoricalSample, NumericSample};

impl Observed {
    /// Appends what verdicts rest on; moments of profiles are left out, since they differ by rounding.
    pub(super) fn write_to(&self, bytes: &mut Vec<u8>) {
        match &self.values {
            Values::Numeric(sample) => write_numbers(sample, bytes),
            Values::Categorical(sample) => write_labels(sample, bytes),
            Values::Units(labels) => labels.write_to(bytes),
            Values::Profile(profile) => write_profile(profile, bytes),
        }
        match &self.missing {
            Missing::Rows(counts) => write_counts(counts, bytes),
            Missing::Units(shares) => write_numbers(shares, bytes),
        }
    }
}

pub(super) fn write_counts(counts: &[u64], bytes: &mut Vec<u8>) {
    counts
        .iter()
        .for_each(|count| bytes.extend(count.to_le_bytes()));
}

fn write_numbers(sample: &NumericSample, bytes: &mut Vec<u8>) {
    write_floats(sample.sorted(), bytes);
}

fn write_floats(values: &[f64], bytes: &mut Vec<u8>) {
    write_counts(&[values.len() as u64], bytes);
    values
        .iter()
        .for_each(|value| bytes.extend(value.to_bits().to_le_bytes()));
}

pub(super) fn write_labels(sample: &CategoricalSample, bytes: &mut Vec<u8>) {
    for (label, count) in sample.counts() {
        write_counts(&[label.len() as u64, count], bytes);
        bytes.extend(label.as_bytes());
    }
}

fn write_profile(values: &profile::Values, bytes: &mut Vec<u8>) {
    match values {
        profile::Values::Numeric(profile) => write_cells(profile, bytes),
        profile::Values::Categorical(profile) => {
            let [sample, _] = profile.samples(profile);
            write_labels(&sample, bytes);
        }
        profile::Values::Facets(profile) => {
            for (name, facet) in profile.facets() {
                bytes.extend(name.as_bytes());
                write_cells(facet, bytes);
            }
        }
    }
}

fn write_cells(profile: &NumericProfile, bytes: &mut Vec<u8>) {
    write_floats(profile.grid().cuts(), bytes);
    write_counts(profile.cells(), bytes);
    write_counts(&profile.infinite(), bytes);
}
