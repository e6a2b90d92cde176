use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, Float64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use mlops_core::{Error, ErrorKind, Result};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::NumericProfile;
use super::ranks::{BUDGET, Read, profile_of};
use crate::sample::{Labels, labels};

/// Directions that an embedding is projected on.
const PROJECTIONS: usize = 8;
/// The generator's seed: the same directions for every embedding of one dimension.
const SEED: u64 = 0x0065_6D62_6564;
/// Strings of fewer distinct values are categories, whatever they hold.
const FEWEST: usize = 1_000;
/// Embeddings that are widened at once.
const SLICE: usize = 16_384;

/// What is known of a column whose values are no numbers but have some: texts and embeddings, by a numeric profile of each facet.
///
/// | values | facets |
/// | --- | --- |
/// | texts | characters, words, and of the characters the shares of letters, digits and those beyond ASCII |
/// | embeddings | the Euclidean norm, and the projections on 8 directions of random signs, fixed by the dimension |
///
/// **Guarantee**: that of [`NumericProfile`] for every facet: exact counts in any order, and brackets. **Weakness**: a change that leaves
/// lengths and characters alike, or that is spread thin over hundreds of dimensions, is seen late or not at all; on rows, [`multivariate`](crate::multivariate) sees the latter.
/// **Cost**: O(characters), or O(9 · dimension), per value.
///
/// ```
/// use mlops_core::arrow::array::StringArray;
/// use mlops_drift::profile::FacetProfile;
/// let reviews = StringArray::from(vec![Some("very good"), Some("not so good"), None]);
/// let reference = FacetProfile::of_texts(&reviews)?;
/// let mut current = reference.empty();
/// current.update(&StringArray::from(vec!["good"]))?;
/// assert_eq!(current.facet("words").unwrap().moments().mean(), Some(1.0));
/// assert_eq!((reference.values(), reference.missing()), (2, 1));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct FacetProfile {
    of: Measured,
    profiles: Vec<NumericProfile>,
}

/// A profile as it is read, before its parts are known to agree.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    of: Measured,
    profiles: Vec<NumericProfile>,
}

impl TryFrom<Written> for FacetProfile {
    type Error = Error;

    fn try_from(Written { of, profiles }: Written) -> Result<Self> {
        let facets = of.names().len();
        let rows: BTreeSet<u64> = profiles.iter().map(NumericProfile::rows).collect();
        if profiles.len() == facets && rows.len() == 1 {
            return Ok(Self { of, profiles });
        }
        Err(Error::invalid(format!(
            "a profile of {of:?} must hold {facets} facets of as many rows, got {}",
            profiles.len()
        )))
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Measured {
    Texts,
    Embeddings { dimension: u32 },
}

impl Measured {
    /// How the values of a column are measured that neither numbers nor categories describe.
    pub(crate) fn embeddings(data_type: &DataType) -> Option<Self> {
        let DataType::FixedSizeList(_, dimension) = data_type else {
            return None;
        };
        let dimension = u32::try_from(*dimension).ok()?;
        Some(Self::Embeddings { dimension })
    }

    fn names(self) -> Vec<String> {
        match self {
            Self::Texts => ["characters", "words", "letters", "digits", "beyond_ascii"]
                .map(ToOwned::to_owned)
                .into(),
            Self::Embeddings { .. } => {
                let projections = (1..=PROJECTIONS).map(|i| format!("projection_{i}"));
                std::iter::once("norm".to_owned())
                    .chain(projections)
                    .collect()
            }
        }
    }

    /// Every part as a column per facet.
    fn gather(self, read: &Read<'_>) -> Result<Vec<Vec<ArrayRef>>> {
        let mut parts = Vec::new();
        read(&mut |part| {
            let facets = self.of_column(part)?.into_iter();
            parts.push(facets.map(|facet| Arc::new(facet) as ArrayRef).collect());
            Ok(())
        })?;
        Ok(parts)
    }

    /// One facet of a part.
    fn facet(self, part: &ArrayRef, facet: usize) -> Result<ArrayRef> {
        Ok(Arc::new(self.of_column(part)?.swap_remove(facet)))
    }

    /// A column per facet; missing where the value is.
    pub(crate) fn of_column(self, column: &dyn Array) -> Result<Vec<Float64Array>> {
        match self {
            Self::Texts => Ok(of_texts(&labels(column)?)),
            Self::Embeddings { dimension } => of_embeddings(column, dimension as usize),
        }
    }
}

impl FacetProfile {
    /// Of a reference of texts.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for a column of other values.
    pub fn of_texts(column: &dyn Array) -> Result<Self> {
        Self::of_array(Measured::Texts, column)
    }

    /// Of a reference of embeddings: a fixed-size list of numbers. One that holds a null, NaN or ±inf is missing.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for a column of other values.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use mlops_core::arrow::array::{FixedSizeListArray, types::Float32Type};
    /// use mlops_drift::profile::FacetProfile;
    /// let rows = [Some(vec![Some(3.0), Some(4.0)]), None];
    /// let column = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(rows, 2);
    /// let profile = FacetProfile::of_embeddings(&column)?;
    /// assert_eq!(profile.facet("norm").unwrap().moments().mean(), Some(5.0));
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn of_embeddings(column: &dyn Array) -> Result<Self> {
        let of = Measured::embeddings(column.data_type());
        let of = of.ok_or_else(|| no_embeddings(column.data_type()))?;
        Self::of_array(of, column)
    }

    fn of_array(of: Measured, column: &dyn Array) -> Result<Self> {
        let whole = column.slice(0, column.len());
        Self::of(of, column.len() as u64, &|with| with(&whole))
    }

    /// Of a reference of so many rows. Facets are gathered at once if they fit in memory, otherwise one after another.
    pub(super) fn of(of: Measured, rows: u64, read: &Read<'_>) -> Result<Self> {
        let facets = of.names().len();
        let held = (rows as usize).saturating_mul(facets) <= BUDGET;
        let parts = held.then(|| of.gather(read)).transpose()?;
        let profile = |facet: usize| match &parts {
            Some(parts) => profile_of(rows, &|with| {
                parts.iter().try_for_each(|part| with(&part[facet]))
            }),
            None => profile_of(rows, &|with| {
                read(&mut |part| with(&of.facet(part, facet)?))
            }),
        };
        let profiles = (0..facets).map(profile).collect::<Result<_>>()?;
        Ok(Self { of, profiles })
    }

    /// Of what was made of the facets of a reference, such as their means by unit: a column per facet, all of as many rows.
    pub(crate) fn of_facets(of: Measured, facets: &[ArrayRef]) -> Result<Self> {
        let profile = |facet: &ArrayRef| profile_of(facet.len() as u64, &|with| with(facet));
        let profiles = facets.iter().map(profile).collect::<Result<_>>()?;
        Ok(Self { of, profiles })
    }

    /// The same of a later table, on the grids of this reference.
    pub(crate) fn like_facets(&self, facets: &[ArrayRef]) -> Result<Self> {
        let mut current = self.empty();
        let mut profiles = current.profiles.iter_mut().zip(facets);
        profiles.try_for_each(|(profile, facet)| profile.update(facet))?;
        Ok(current)
    }

    /// What is measured.
    pub(crate) fn measured(&self) -> Measured {
        self.of
    }

    /// No rows yet, on the same grids.
    #[must_use]
    pub fn empty(&self) -> Self {
        let profiles = self.profiles.iter().map(NumericProfile::empty);
        Self {
            profiles: profiles.collect(),
            of: self.of,
        }
    }

    /// So many rows without a value.
    pub(super) fn of_missing(&self, rows: u64) -> Self {
        let profiles = self.profiles.iter();
        Self {
            profiles: profiles.map(|profile| profile.of_missing(rows)).collect(),
            of: self.of,
        }
    }

    /// The rows of a column of such values.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for a column of other values, or of another dimension; nothing is counted then.
    pub fn update(&mut self, column: &dyn Array) -> Result<()> {
        let facets = self.of.of_column(column)?;
        let mut profiles = self.profiles.iter_mut().zip(facets);
        profiles.try_for_each(|(profile, facet)| profile.update(&facet))
    }

    /// The rows of another profile on the same grids.
    ///
    /// # Errors
    /// [`SignatureMismatch`](ErrorKind::SignatureMismatch) for a profile of other values or on other grids; nothing is merged then.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        self.require_like(other)?;
        let mut merged = self.profiles.clone();
        for (profile, other) in merged.iter_mut().zip(&other.profiles) {
            profile.merge(other)?;
        }
        self.profiles = merged;
        Ok(())
    }

    pub(super) fn is_of_texts(&self) -> bool {
        self.of == Measured::Texts
    }

    pub(crate) fn require_like(&self, other: &Self) -> Result<()> {
        if self.of == other.of {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::SignatureMismatch,
            format!(
                "profiles must be of the same values, got {:?} and {:?}",
                self.of, other.of
            ),
        ))
    }

    /// The facets with their names.
    ///
    /// ```
    /// use mlops_core::arrow::array::StringArray;
    /// use mlops_drift::profile::FacetProfile;
    /// let profile = FacetProfile::of_texts(&StringArray::from(vec!["one two"]))?;
    /// let names: Vec<String> = profile.facets().map(|(name, _)| name).collect();
    /// assert_eq!(names, ["characters", "words", "letters", "digits", "beyond_ascii"]);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn facets(&self) -> impl Iterator<Item = (String, &NumericProfile)> {
        self.of.names().into_iter().zip(&self.profiles)
    }

    /// The profile of the facet of this name.
    pub fn facet(&self, name: &str) -> Option<&NumericProfile> {
        self.facets()
            .find(|(facet, _)| facet == name)
            .map(|(_, profile)| profile)
    }

    /// How many values are not missing.
    pub fn values(&self) -> u64 {
        self.profiles.first().map_or(0, NumericProfile::finite)
    }

    /// How many rows are missing.
    pub fn missing(&self) -> u64 {
        self.profiles
            .first()
            .map_or(0, |first| first.rows() - first.finite())
    }
}

/// Whether strings are better read as texts than as categories: more than 1,000 distinct values, over half of all, and
/// over half of them of several words.
pub(super) fn are_texts(distinct: Option<usize>, values: u64, phrases: u64) -> bool {
    let many = distinct.is_none_or(|distinct| distinct > FEWEST && 2 * distinct as u64 > values);
    many && 2 * phrases > values
}

/// Strings of several words.
pub(super) fn phrases(column: &dyn Array) -> Result<u64> {
    let labels = labels(column)?;
    let several = labels
        .iter()
        .flatten()
        .filter(|text| text.trim().contains(char::is_whitespace));
    Ok(several.count() as u64)
}

fn of_texts(texts: &Labels) -> Vec<Float64Array> {
    let measures: [fn(&str) -> f64; 5] = [
        |text| text.chars().count() as f64,
        |text| text.split_whitespace().count() as f64,
        |text| share_of(text, char::is_alphabetic),
        |text| share_of(text, char::is_numeric),
        |text| share_of(text, |c| !c.is_ascii()),
    ];
    let measured = measures.map(|measure| texts.iter().map(|text| text.map(measure)).collect());
    measured.into()
}

/// The share of a text's characters that are so; 0 of none.
fn share_of(text: &str, is: impl Fn(char) -> bool) -> f64 {
    let (some, all) = text.chars().fold((0_u64, 0_u64), |(some, all), c| {
        (some + u64::from(is(c)), all + 1)
    });
    some as f64 / all.max(1) as f64
}

fn of_embeddings(column: &dyn Array, dimension: usize) -> Result<Vec<Float64Array>> {
    if column.data_type() == &DataType::Null {
        return Ok(vec![Float64Array::new_null(column.len()); PROJECTIONS + 1]);
    }
    let list = column.as_fixed_size_list_opt();
    let list = list.filter(|list| list.value_length() as usize == dimension);
    let list = list.ok_or_else(|| no_embeddings(column.data_type()))?;
    let directions = directions(dimension);
    let mut all: Vec<Option<Vec<f64>>> = Vec::with_capacity(list.len());
    for start in (0..list.len()).step_by(SLICE) {
        let rows = list.slice(start, SLICE.min(list.len() - start));
        measured_rows(&rows, dimension, &directions, &mut all)?;
    }
    let facet = |index: usize| {
        all.iter()
            .map(|row| row.as_ref().map(|row| row[index]))
            .collect()
    };
    Ok((0..=PROJECTIONS).map(facet).collect())
}

/// Adds what is measured of every row. The elements of these rows alone are widened.
fn measured_rows(
    rows: &FixedSizeListArray,
    dimension: usize,
    directions: &[Vec<f64>],
    all: &mut Vec<Option<Vec<f64>>>,
) -> Result<()> {
    let elements = cast(rows.values(), &DataType::Float64);
    let elements = elements.map_err(|_| no_embeddings(rows.data_type()))?;
    let elements = elements.as_primitive::<Float64Type>();
    all.extend((0..rows.len()).map(|row| {
        let values = elements.slice(row * dimension, dimension);
        let finite = values.null_count() == 0 && values.values().iter().all(|x| x.is_finite());
        (rows.is_valid(row) && finite).then(|| measured(values.values(), directions))
    }));
    Ok(())
}

/// The norm, then the projections.
fn measured(values: &[f64], directions: &[Vec<f64>]) -> Vec<f64> {
    let projections = directions
        .iter()
        .map(|direction| project(values, direction));
    std::iter::once(norm(values)).chain(projections).collect()
}

/// By shares of the greatest entry where squares overflow, or vanish.
fn norm(values: &[f64]) -> f64 {
    let plain = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>();
    let squares = plain(&mut values.iter().copied());
    if squares.is_normal() {
        return squares.sqrt();
    }
    let greatest = greatest(values);
    if greatest == 0.0 {
        return 0.0;
    }
    let shares = plain(&mut values.iter().map(|x| x / greatest));
    (greatest * shares.sqrt()).min(f64::MAX)
}

/// By shares of the greatest entry where sums overflow.
fn project(values: &[f64], direction: &[f64]) -> f64 {
    let along = |scale: f64| -> f64 {
        let pairs = values.iter().zip(direction);
        pairs.map(|(x, sign)| x / scale * sign).sum()
    };
    let plain = along(1.0);
    if plain.is_finite() {
        return plain;
    }
    let greatest = greatest(values);
    (along(greatest) * greatest).clamp(f64::MIN, f64::MAX)
}

fn greatest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |greatest, x| x.abs().max(greatest))
}

/// Unit vectors of random signs.
fn directions(dimension: usize) -> Vec<Vec<f64>> {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let length = (dimension as f64).sqrt();
    let mut direction = || {
        (0..dimension)
            .map(|_| if rng.random::<bool>() { 1.0 } else { -1.0 } / length)
            .collect()
    };
    (0..PROJECTIONS).map(|_| direction()).collect()
}

fn no_embeddings(data_type: &DataType) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("cannot read {data_type} as embeddings of this dimension"),
    )
}
