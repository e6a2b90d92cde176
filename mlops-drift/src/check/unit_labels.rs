//! Categories of rows that come in units: a test of them that takes units, not rows, for exchangeable.

use std::collections::BTreeMap;

use arrow::array::ArrayRef;
use mlops_core::evidence::PValue;
use mlops_core::{Error, Result};

use super::fingerprint::{write_counts, write_labels};
use super::observed::{Tally, Units};
use crate::permutation::{Permutations, beside};
use crate::sample::{CategoricalSample, labels};
use crate::serial::Series;
use crate::two_sample::TestResult;

/// Labels counted at one permutation of all units, as far as the least number of permutations permits: about a second.
const BUDGET: usize = 100_000_000;
/// Of sums in another order.
const ROUNDING: f64 = 1e-12;

/// How often each label occurs in each unit. Units without a label are left out.
pub(super) struct UnitLabels {
    /// In order.
    labels: Vec<String>,
    /// Of each unit, the numbers of its labels in order with their counts; the units themselves in an order that does not depend on that of the
    /// rows, so that a verdict does not either.
    units: Vec<Vec<(u32, u32)>>,
}

impl UnitLabels {
    /// With what is missing, and the first units in their order as numbers: the mean place of a unit's labels among all.
    pub(super) fn of(array: &ArrayRef, units: &Units) -> Result<(Self, Tally, Series)> {
        let values = labels(array)?;
        let mut numbers: BTreeMap<&str, u32> =
            values.iter().flatten().map(|label| (label, 0)).collect();
        (0..)
            .zip(numbers.values_mut())
            .for_each(|(number, known)| *known = number);
        let mut tally = Tally::new(units);
        let mut counts: Vec<BTreeMap<u32, u32>> = vec![BTreeMap::new(); units.len()];
        for (label, &unit) in values.iter().zip(units.in_order()) {
            tally.count(unit, label.is_none());
            if let Some(number) = label.and_then(|label| numbers.get(label)) {
                *counts[unit as usize].entry(*number).or_default() += 1;
            }
        }
        let first = Series::of_numbers(counts.iter().map(mean_place));
        let known = counts.into_iter().filter(|unit| !unit.is_empty());
        let mut units: Vec<Vec<(u32, u32)>> =
            known.map(|unit| unit.into_iter().collect()).collect();
        units.sort_unstable();
        let labels = numbers.into_keys().map(str::to_owned).collect();
        Ok((Self { labels, units }, tally, first))
    }

    /// Units with a label.
    pub(super) fn len(&self) -> usize {
        self.units.len()
    }

    /// An example of a unit with several labels.
    pub(super) fn mixed(&self) -> Option<[&str; 2]> {
        self.units.iter().find_map(|unit| match unit.as_slice() {
            [(one, _), (other, _), ..] => Some([*one, *other].map(|number| self.label(number))),
            _ => None,
        })
    }

    /// One label of each unit: its only one, unless it is [`mixed`](Self::mixed).
    pub(super) fn one_each(&self) -> CategoricalSample {
        let first = self.units.iter().filter_map(|unit| unit.first());
        CategoricalSample::new(first.map(|&(number, _)| Some(self.label(number))))
    }

    /// The labels of all rows.
    pub(super) fn rows(&self) -> CategoricalSample {
        let mut counts = vec![0; self.labels.len()];
        for &(number, count) in self.units.iter().flatten() {
            counts[number as usize] += u64::from(count);
        }
        CategoricalSample::from_counts(self.labels.iter().map(String::as_str).zip(counts))
    }

    /// In how many units each label occurs.
    pub(super) fn held(&self) -> CategoricalSample {
        let mut units = vec![0; self.labels.len()];
        for &(number, _) in self.units.iter().flatten() {
            units[number as usize] += 1;
        }
        CategoricalSample::from_counts(self.labels.iter().map(String::as_str).zip(units))
    }

    /// As many units of equal size would say as much of shares: (Σ rows)²/Σ rows².
    pub(super) fn equal_units(&self) -> usize {
        let rows =
            |unit: &Vec<(u32, u32)>| unit.iter().map(|&(_, count)| f64::from(count)).sum::<f64>();
        let (sum, squares) = self
            .units
            .iter()
            .map(rows)
            .fold((0.0, 0.0), |(sum, squares), rows| {
                (sum + rows, squares + rows * rows)
            });
        (sum * sum / squares) as usize
    }

    pub(super) fn write_to(&self, bytes: &mut Vec<u8>) {
        write_labels(&self.rows(), bytes);
        for unit in &self.units {
            write_counts(&[unit.len() as u64], bytes);
            for &(number, count) in unit {
                write_counts(&[number.into(), count.into()], bytes);
            }
        }
    }

    fn label(&self, number: u32) -> &str {
        &self.labels[number as usize]
    }

    pub(super) fn require_one_each(&self) -> Result<()> {
        self.mixed().map_or(Ok(()), |[one, other]| {
            Err(Error::invalid(format!(
                "a category must be constant within its unit for a method of one's own and for this very reference, got \"{one}\" and \"{other}\""
            )))
        })
    }

    /// Permutes whole units: how often are the shares of the labels among the rows as far apart as in the data, in the sense of Pearson's
    /// statistic, Σ (p − q)²/(share in both)? Exact for exchangeable units, of whatever size. Beside it a bound, which reaches beyond the least
    /// p-value of so many permutations where there are many units.
    pub(super) fn test(&self, current: &Self) -> TestResult {
        let both = Pooled::of(self, current);
        let few = if self.len() <= current.len() {
            0..self.len()
        } else {
            self.len()..both.units.len()
        };
        let size = few.len();
        let few: Vec<u32> = few.map(|unit| unit as u32).collect();
        let mut counts = vec![0.0; both.totals.len()];
        let observed = both.statistic(&few, &mut counts);
        let entries = both
            .units
            .iter()
            .map(|unit| unit.len())
            .sum::<usize>()
            .max(1);
        let permutations = Permutations::default().at_most((BUDGET / entries) as u32);
        let bits: Vec<u64> = both.totals.iter().map(|total| total.to_bits()).collect();
        let all = (0..both.units.len() as u32).collect();
        let bound = both.bound(size, &counts);
        let p = beside(bound, permutations.least(size as u64), || {
            permutations.p_value(bits.into_iter(), all, size, |drawn| {
                both.statistic(drawn, &mut counts) >= observed * (1.0 - ROUNDING)
            })
        });
        TestResult::new(observed, p, "shares_by_unit_permutation")
    }
}

/// NaN of a unit without labels.
fn mean_place(counts: &BTreeMap<u32, u32>) -> f64 {
    let (sum, rows) = counts
        .iter()
        .fold((0.0, 0.0), |(sum, rows), (&place, &count)| {
            let count = f64::from(count);
            (sum + f64::from(place) * count, rows + count)
        });
    sum / rows
}

/// The units of both samples, reference first, with common numbers for labels.
struct Pooled {
    units: Vec<Vec<(u32, u32)>>,
    totals: Vec<f64>,
}

impl Pooled {
    fn of(reference: &UnitLabels, current: &UnitLabels) -> Self {
        let labels = reference.labels.iter().chain(&current.labels);
        let mut numbers: BTreeMap<&str, u32> = labels.map(|label| (label.as_str(), 0)).collect();
        (0..)
            .zip(numbers.values_mut())
            .for_each(|(number, known)| *known = number);
        let renumbered = [reference, current].into_iter().flat_map(|sample| {
            let numbers: Vec<u32> = sample
                .labels
                .iter()
                .map(|label| numbers[label.as_str()])
                .collect();
            sample.units.iter().map(move |unit| {
                unit.iter()
                    .map(|&(number, count)| (numbers[number as usize], count))
                    .collect()
            })
        });
        let units: Vec<Vec<(u32, u32)>> = renumbered.collect();
        let mut totals = vec![0.0; numbers.len()];
        for &(number, count) in units.iter().flatten() {
            totals[number as usize] += f64::from(count);
        }
        Self { units, totals }
    }

    /// Of so many units that hold these counts: how probable are counts of a label that are as far from its share of their rows, at most? What
    /// a unit holds beyond its share of its rows sums to 0 over all units, and drawn without replacement (Hoeffding, "Probability inequalities
    /// for sums of bounded random variables", Journal of the American Statistical Association 58, 1963; Serfling, "Probability inequalities
    /// for the sum in sampling without replacement", Annals of Statistics 2, 1974). Of all labels together by Bonferroni.
    fn bound(&self, size: usize, counts: &[f64]) -> PValue {
        let (all, rows) = (self.totals.iter().sum::<f64>(), counts.iter().sum::<f64>());
        let rows_of =
            |unit: &Vec<(u32, u32)>| unit.iter().map(|&(_, count)| f64::from(count)).sum::<f64>();
        let largest = self.units.iter().map(rows_of).fold(0.0, f64::max);
        let shares: Vec<f64> = self.totals.iter().map(|total| total / all).collect();
        let mut greatest = vec![0.0_f64; shares.len()];
        for unit in &self.units {
            let rows = rows_of(unit);
            for &(number, count) in unit {
                let beyond = f64::from(count) - shares[number as usize] * rows;
                greatest[number as usize] = greatest[number as usize].max(beyond);
            }
        }
        let drawn = size as f64 * (1.0 - (size as f64 - 1.0) / self.units.len() as f64);
        let tails = (0..shares.len()).map(|label| {
            let beyond = counts[label] - shares[label] * rows;
            let range = greatest[label] + shares[label] * largest;
            (-2.0 * (beyond / range).powi(2) / drawn).exp()
        });
        PValue::saturating(2.0 * shares.len() as f64 * tails.fold(1.0, f64::min))
    }

    /// Of these units against the others; `counts` is room for the labels.
    fn statistic(&self, drawn: &[u32], counts: &mut [f64]) -> f64 {
        counts.fill(0.0);
        for &(number, count) in drawn.iter().flat_map(|&unit| &self.units[unit as usize]) {
            counts[number as usize] += f64::from(count);
        }
        let all: f64 = self.totals.iter().sum();
        let rows: f64 = counts.iter().sum();
        let term = |(count, total): (&f64, &f64)| {
            let apart = count / rows - (total - count) / (all - rows);
            apart * apart / (total / all)
        };
        counts.iter().zip(&self.totals).map(term).sum()
    }
}
