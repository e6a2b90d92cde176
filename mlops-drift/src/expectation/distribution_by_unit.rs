//! Whether a column is distributed as in a reference table, where units are exchangeable and rows are not.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::Schema;
use mlops_core::evidence::{PValue, SignificanceLevel};
use mlops_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::conclusion::Conclusion;
use super::context::Context;
use super::distribution::{comparable_reference, judge, none_to_compare, out_of_reach};
use super::memory::{Beside, Memory};
use super::number::rounded;
use super::on_rows::column;
use super::on_table::TableCheck;
use super::units::UnitNumbers;
use crate::check::Mean;
use crate::profile::{Measured, Values};
use crate::report::{ColumnReport, Finding};
use crate::sample::{labels, numbers};
use crate::serial::{Neighbours, SerialCorrelation};
use crate::table::in_parts;
use crate::two_sample::{ChiSquare, KolmogorovSmirnov, Resolution, TwoSampleTest};
use crate::{DriftCheck, NumericSample};

/// The unit's column in the tables that are compared.
const UNIT: &str = "unit";

/// [`Rule::DistributedAs`](super::Rule::DistributedAs) with a unit: both tables as one value per unit, or as the labels of each.
pub(super) struct DistributedByUnit {
    column: String,
    unit: String,
    level: SignificanceLevel,
    reference: PerUnit,
    current: Beside<PerUnit>,
}

/// What is kept of the rows of every unit.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PerUnit {
    units: UnitNumbers,
    kept: Kept,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    /// The mean of a number.
    Numbers(Vec<Mean>),
    /// How often each label occurs.
    Labels(Vec<BTreeMap<String, u64>>),
    /// The mean of each facet.
    Facets(Measured, Vec<Vec<Mean>>),
}

impl DistributedByUnit {
    pub(super) fn of(
        name: &str,
        unit: &str,
        table: &str,
        level: SignificanceLevel,
        context: &Context,
        schema: &Schema,
    ) -> Result<Self> {
        let rows = context
            .find(table)
            .map_err(|error| match context.find_profile(table) {
                Some(_) => {
                    let reason =
                        format!("a profile holds no units: give the table \"{table}\" itself");
                    Error::new(ErrorKind::Unsupported, reason)
                }
                None => error,
            })?;
        let values = comparable_reference(name, rows, schema)?;
        let mut reference = PerUnit::like(&values);
        for part in in_parts(rows, &[unit, name])? {
            reference.add(&part?, name, unit)?;
        }
        Ok(Self {
            column: name.to_owned(),
            unit: unit.to_owned(),
            level,
            current: Beside::of(&reference, PerUnit::like(&values))?,
            reference,
        })
    }

    /// The findings on the columns of the units' tables, of which several are facets.
    fn compare(&self) -> Result<Vec<ColumnReport>> {
        let [reference, current] = [self.reference.table()?, self.current.state.table()?];
        let schema = reference.schema();
        let names = schema.fields().iter().map(|field| field.name().clone());
        let names: Vec<String> = names.filter(|name| name != UNIT).collect();
        let check = DriftCheck::against(&reference).columns(names.clone());
        // At no level: what can be reached is known, and the p-value is all that is asked for.
        let check = check.unit(UNIT, names).level(SignificanceLevel::new(0.99)?);
        Ok(check.run(&current)?.columns)
    }
}

impl TableCheck for DistributedByUnit {
    fn update(&mut self, part: &RecordBatch) -> Result<()> {
        self.current.state.add(part, &self.column, &self.unit)
    }

    fn memory(&mut self) -> Option<&mut dyn Memory> {
        Some(&mut self.current)
    }

    fn conclude(&self) -> Result<Conclusion> {
        let both = [&self.reference, &self.current.state];
        let sizes = both.map(PerUnit::with_value);
        if let Some(nothing) = self.nothing_to_compare(both.map(PerUnit::undefined), sizes) {
            return Ok(nothing);
        }
        let compared = self.compare()?;
        let mut whys = compared
            .iter()
            .filter_map(|column| column.not_applicable.as_ref());
        if let Some(why) = whys.next() {
            return Ok(Conclusion::not_applicable(why));
        }
        let found: Vec<&Finding> = compared.iter().flat_map(|column| &column.value).collect();
        let least = found
            .iter()
            .min_by(|a, b| a.p_value.get().total_cmp(&b.p_value.get()));
        let conclusion = match least {
            Some(least) => self.judge(least, &found, sizes),
            None => none_to_compare(sizes, "units"),
        };
        let serial = compared
            .iter()
            .filter_map(|column| column.serial_correlation);
        let serial = SerialCorrelation::of_several(serial);
        Ok(conclusion.among(serial, Neighbours::by(Some(&self.unit))))
    }
}

impl DistributedByUnit {
    /// Why nothing follows of units of which so many have no mean, and so many a value; `None` if something does.
    fn nothing_to_compare(&self, [before, now]: [usize; 2], sizes: [u64; 2]) -> Option<Conclusion> {
        if before + now > 0 {
            let reason = format!(
                "cannot be compared: {before} units in the reference and {now} here hold −inf and +inf, and have no mean"
            );
            return Some(Conclusion::new(false, reason));
        }
        if sizes.contains(&0) {
            return Some(none_to_compare(sizes, "units"));
        }
        let least = self.reference.least_p_value(sizes);
        let why = out_of_reach(least, self.level, sizes, "units")?;
        Some(Conclusion::not_applicable(&why))
    }

    /// By Bonferroni's inequality, where the finding is the least of several facets.
    fn judge(&self, least: &Finding, all: &[&Finding], [n, m]: [u64; 2]) -> Conclusion {
        let of_all = |p: PValue| PValue::saturating(p.get() * all.len() as f64);
        let resolution = Resolution::of_least(all.iter().map(|found| found.resolution));
        let resolution = resolution.map(|own| own.map(of_all));
        let (method, statistic) = (&least.method, rounded(least.statistic));
        let reason = format!("{method} of {statistic}, {n} units in the reference and {m} here");
        judge(of_all(least.p_value), resolution, self.level, reason)
    }
}

impl PerUnit {
    /// Of no rows, to be filled as these values are read.
    fn like(values: &Values) -> Self {
        let kept = match values {
            Values::Numeric(_) => Kept::Numbers(Vec::new()),
            Values::Categorical(_) => Kept::Labels(Vec::new()),
            Values::Facets(facets) => {
                let facet = |_| Vec::new();
                Kept::Facets(facets.measured(), facets.facets().map(facet).collect())
            }
        };
        let units = UnitNumbers::default();
        Self { units, kept }
    }

    fn add(&mut self, part: &RecordBatch, name: &str, unit: &str) -> Result<()> {
        let units = self.units.of(part, unit)?;
        let (values, count) = (column(part, name)?, self.units.len());
        match &mut self.kept {
            Kept::Numbers(means) => push(means, count, &units, numbers(values)?),
            Kept::Facets(measured, facets) => {
                for (means, facet) in facets.iter_mut().zip(measured.of_column(values)?) {
                    let values = facet.iter().map(|value| value.unwrap_or(f64::NAN));
                    push(means, count, &units, values);
                }
            }
            Kept::Labels(counts) => {
                counts.resize_with(count, BTreeMap::new);
                for (label, &unit) in labels(values)?.iter().zip(&units) {
                    if let Some(label) = label {
                        *counts[unit].entry(label.to_owned()).or_default() += 1;
                    }
                }
            }
        }
        Ok(())
    }

    /// Units that hold a value.
    fn with_value(&self) -> u64 {
        let defined = |means: &[Mean]| means.iter().filter(|mean| !mean.get().is_nan()).count();
        let count = match &self.kept {
            Kept::Numbers(means) => defined(means),
            Kept::Labels(counts) => counts.iter().filter(|unit| !unit.is_empty()).count(),
            Kept::Facets(_, facets) => facets.first().map_or(0, |means| defined(means)),
        };
        count as u64
    }

    /// What no p-value of so many units with a value can be less than.
    fn least_p_value(&self, sizes: [u64; 2]) -> PValue {
        let sizes = sizes.map(|size| size as usize);
        let test: &dyn TwoSampleTest<NumericSample> = &KolmogorovSmirnov::default();
        PValue::saturating(match &self.kept {
            Kept::Numbers(_) => test.least_p_value(sizes),
            Kept::Facets(_, facets) => test.least_p_value(sizes) * facets.len() as f64,
            Kept::Labels(_) => ChiSquare::default().least_p_value(sizes),
        })
    }

    /// Units whose numbers have no mean.
    fn undefined(&self) -> usize {
        match &self.kept {
            Kept::Numbers(means) => means.iter().filter(|mean| mean.is_undefined()).count(),
            Kept::Labels(_) | Kept::Facets(..) => 0,
        }
    }

    /// A row per unit, or one per label of each.
    fn table(&self) -> Result<RecordBatch> {
        let numbered = |means: &[Mean]| {
            let values = means.iter().map(|mean| mean.get());
            Arc::new(Float64Array::from_iter_values(values)) as ArrayRef
        };
        let units = |units: Vec<u64>| {
            (
                UNIT.to_owned(),
                Arc::new(UInt64Array::from(units)) as ArrayRef,
            )
        };
        let all = || units((0..self.units.len() as u64).collect());
        let columns = match &self.kept {
            Kept::Numbers(means) => vec![all(), ("value".to_owned(), numbered(means))],
            Kept::Facets(_, facets) => {
                let facets = facets.iter().enumerate();
                let facets =
                    facets.map(|(facet, means)| (format!("facet {facet}"), numbered(means)));
                std::iter::once(all()).chain(facets).collect()
            }
            Kept::Labels(counts) => {
                let rows = (0..).zip(counts).flat_map(|(unit, counts)| {
                    let repeated = counts.iter().flat_map(|(label, &count)| {
                        std::iter::repeat_n(label.as_str(), count as usize)
                    });
                    repeated.map(move |label| (unit, label))
                });
                let (of_rows, labels): (Vec<u64>, Vec<&str>) = rows.unzip();
                let labels = Arc::new(StringArray::from(labels)) as ArrayRef;
                vec![units(of_rows), ("value".to_owned(), labels)]
            }
        };
        Ok(RecordBatch::try_from_iter(columns)?)
    }
}

/// Values that are no NaN, to the means of their units.
fn push(
    means: &mut Vec<Mean>,
    count: usize,
    units: &[usize],
    values: impl IntoIterator<Item = f64>,
) {
    means.resize(count, Mean::default());
    for (value, &unit) in values.into_iter().zip(units) {
        if !value.is_nan() {
            means[unit].push(value);
        }
    }
}
