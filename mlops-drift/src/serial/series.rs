use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef};
use mlops_core::Result;
use serde::{Deserialize, Serialize};

use super::SerialCorrelation;
use crate::profile::{self, Measured};
use crate::sample::{ColumnKind, labels, numbers};
use crate::table::{Table, parts_of};

/// Rows that are looked at: of so many a correlation of a tenth is beyond chance, 4.5 standard deviations from 0.
const FIRST: usize = 2_048;
/// Labels that are looked at one by one: the most frequent.
const FREQUENT: usize = 3;
/// The share of rows below which a label is rare, and of numbers that are far from the median.
const RARE: f64 = 0.05;

/// What the first rows of a column hold, in their order, or units in that of their appearance: the same however the rows are parted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Series {
    /// Those that are not missing.
    values: Values,
    /// Of every row whether it is missing, as 1 and 0; of a unit, the share of its rows.
    missing: Vec<f64>,
    /// Rows that are looked at.
    most: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Values {
    Numbers(Vec<f64>),
    Labels(Labels),
    /// Those of each facet.
    Facets(Measured, Vec<Vec<f64>>),
    /// Of columns that are neither, and of profiles.
    #[default]
    None,
}

/// Each label once, however often it comes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Labels {
    /// In the order of their appearance.
    numbers: BTreeMap<String, u32>,
    rows: Vec<u32>,
}

impl Series {
    /// Of no rows yet, of a column that is read part by part.
    pub(crate) fn of_kind(kind: ColumnKind) -> Self {
        Self::of(match kind {
            ColumnKind::Numeric | ColumnKind::Temporal => Values::Numbers(Vec::new()),
            ColumnKind::Categorical => Values::Labels(Labels::default()),
            _ => Values::None,
        })
    }

    /// The same of a column that is profiled like this, and is of that kind.
    pub(crate) fn like(profile: &profile::Values, kind: ColumnKind) -> Self {
        match profile {
            profile::Values::Facets(facets) => {
                let none = facets.facets().map(|_| Vec::new());
                Self::of(Values::Facets(facets.measured(), none.collect()))
            }
            _ => Self::of_kind(kind),
        }
    }

    /// Of numbers, of which NaN is missing.
    pub(crate) fn of_numbers(values: impl IntoIterator<Item = f64>) -> Self {
        let first: Vec<f64> = values.into_iter().take(FIRST).collect();
        Self {
            missing: first.iter().map(|x| flag(x.is_nan())).collect(),
            values: Values::Numbers(present(first).collect()),
            most: FIRST,
        }
    }

    /// Of facets, one number each.
    pub(crate) fn of_facets(measured: Measured, facets: &[ArrayRef]) -> Result<Self> {
        let first = facets.iter().map(|facet| {
            let first = facet.slice(0, facet.len().min(FIRST));
            Ok(present(numbers(&first)?).collect())
        });
        let first = first.collect::<Result<_>>()?;
        Ok(Self::of(Values::Facets(measured, first)))
    }

    fn of(values: Values) -> Self {
        Self {
            values,
            missing: Vec::new(),
            most: FIRST,
        }
    }

    /// The same of a column of so many rows, which may be read again.
    pub(crate) fn of_rows(self, rows: u64) -> Self {
        let most = usize::try_from(rows).unwrap_or(FIRST).min(FIRST);
        Self { most, ..self }
    }

    /// Whether nothing was looked at yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.missing.is_empty()
    }

    /// The same of units of which such shares are missing.
    pub(crate) fn missing(self, shares: impl IntoIterator<Item = f64>) -> Self {
        let missing = shares.into_iter().take(FIRST).collect();
        Self { missing, ..self }
    }

    /// The next part.
    pub(crate) fn add(&mut self, part: &ArrayRef) -> Result<()> {
        let first = part.slice(
            0,
            part.len().min(self.most.saturating_sub(self.missing.len())),
        );
        if first.is_empty() {
            return Ok(());
        }
        match &mut self.values {
            Values::Numbers(known) => {
                let first = numbers(&first)?;
                self.missing.extend(first.iter().map(|x| flag(x.is_nan())));
                known.extend(present(first));
            }
            Values::Labels(known) => {
                let labels = labels(&first)?;
                self.missing
                    .extend(labels.iter().map(|label| flag(label.is_none())));
                labels.iter().flatten().for_each(|label| known.push(label));
            }
            Values::Facets(measured, known) => {
                let facets = measured.of_column(&first)?;
                if let Some(facet) = facets.first() {
                    self.missing.extend(facet.iter().map(|x| flag(x.is_none())));
                }
                for (known, facet) in known.iter_mut().zip(facets) {
                    known.extend(present(facet.iter().flatten()));
                }
            }
            Values::None => {
                let nulls = first.logical_nulls();
                let is_null = |row| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
                self.missing
                    .extend((0..first.len()).map(|row| flag(is_null(row))));
            }
        }
        Ok(())
    }

    /// Of the first parts of a column of a table.
    pub(crate) fn of_table(mut self, table: &dyn Table, name: &str) -> Result<Self> {
        for part in parts_of(table, name)? {
            self.add(&part?)?;
            if self.missing.len() >= self.most {
                break;
            }
        }
        Ok(self)
    }

    /// How much neighbouring values resemble each other, in several ways; `None` of fewer than 20.
    pub(crate) fn correlation(&self) -> Result<Option<SerialCorrelation>> {
        match &self.values {
            Values::Numbers(values) => {
                let distances = distances(values);
                several(&[values.clone(), farthest(&distances), distances])
            }
            Values::Labels(labels) => several(&labels.indicators()),
            Values::Facets(_, facets) => several(facets),
            Values::None => Ok(None),
        }
    }

    /// How much neighbouring rows, or units, resemble each other in what they miss; `None` of fewer than 20.
    pub(crate) fn correlation_of_missing(&self) -> Result<Option<SerialCorrelation>> {
        SerialCorrelation::of(&self.missing)
    }
}

fn flag(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

fn several(all: &[Vec<f64>]) -> Result<Option<SerialCorrelation>> {
    let each = all.iter().map(|series| SerialCorrelation::of(series));
    let each: Vec<Option<SerialCorrelation>> = each.collect::<Result<_>>()?;
    Ok(SerialCorrelation::of_several(each.into_iter().flatten()))
}

/// From the median: where the spread comes in runs, and not the values.
fn distances(values: &[f64]) -> Vec<f64> {
    let median = at(values, 0.5);
    values.iter().map(|value| (value - median).abs()).collect()
}

/// Whether they are among the rare ones that are farthest from it.
fn farthest(distances: &[f64]) -> Vec<f64> {
    let far = at(distances, 1.0 - RARE);
    distances
        .iter()
        .map(|distance| flag(*distance > far))
        .collect()
}

/// The value at this share of the ascending ones.
fn at(values: &[f64], share: f64) -> f64 {
    let mut values = values.to_vec();
    let place = (values.len() as f64 * share) as usize;
    match place < values.len() {
        true => *values.select_nth_unstable_by(place, f64::total_cmp).1,
        false => 0.0,
    }
}

impl Labels {
    fn push(&mut self, label: &str) {
        let number = self.numbers.get(label).copied().unwrap_or_else(|| {
            let next = self.numbers.len() as u32;
            self.numbers.insert(label.to_owned(), next);
            next
        });
        self.rows.push(number);
    }

    /// By their place in the order of all; and, as that order may hide what comes together, whether they are rare, or one of the most frequent.
    fn indicators(&self) -> Vec<Vec<f64>> {
        let mut places = vec![0.0; self.numbers.len()];
        for (place, &number) in self.numbers.values().enumerate() {
            places[number as usize] = place as f64;
        }
        let of_rows = |of: &dyn Fn(u32) -> f64| self.rows.iter().map(|&row| of(row)).collect();
        let mut counts = vec![0_usize; self.numbers.len()];
        self.rows.iter().for_each(|&row| counts[row as usize] += 1);
        let mut frequent: Vec<u32> = self.numbers.values().copied().collect();
        frequent.sort_by_key(|&number| std::cmp::Reverse(counts[number as usize]));
        // Of two labels the place says as much.
        frequent.truncate(if frequent.len() > 2 { FREQUENT } else { 0 });
        let is_one = |one: u32| of_rows(&|row| flag(row == one));
        let is_rare =
            of_rows(&|row| flag((counts[row as usize] as f64) < RARE * self.rows.len() as f64));
        let place = of_rows(&|row| places[row as usize]);
        let frequent = frequent.into_iter().map(is_one);
        [place, is_rare].into_iter().chain(frequent).collect()
    }
}

/// Those that are no NaN. Infinite ones are as great as numbers get, which leaves their rank, and can be written.
fn present(values: impl IntoIterator<Item = f64>) -> impl Iterator<Item = f64> {
    let present = values.into_iter().filter(|value| !value.is_nan());
    present.map(|value| value.clamp(f64::MIN, f64::MAX))
}
