//! Where the effects of the laws behind two samples lie, each at 95 % and for independent values of any law.
//!
//! Either empirical distribution function is off by at most √(ln(4/0.05)/2n) anywhere, with probability 97.5 % (Massart, "The tight constant
//! in the Dvoretzky–Kiefer–Wolfowitz inequality", Annals of Probability 18, 1990): what holds for D and the Wasserstein distance. A figure that
//! one value of n moves by 1/n at most, and one of m by 1/m, is off its expectation by at most √(ln(2/0.05)/2·(1/n + 1/m)) (McDiarmid, "On the method
//! of bounded differences", Surveys in Combinatorics, 1989): what holds for shares and the total variation.
//! PSI and Cramér's V have the approximate ends of a noncentral law, where every cell holds at least 5 values in both samples.

use std::collections::BTreeMap;

use mlops_core::Result;
use mlops_core::evidence::Interval;

use crate::divergence::{CramersV, Psi, Wasserstein};
use crate::profile::{Bracket, NumericProfile};
use crate::sample::{CategoricalSample, NumericSample};
use crate::two_sample::contingency::Contingency;

/// The confidence of each interval.
const CONFIDENCE: f64 = 0.95;

/// By measure.
pub(super) type Intervals = BTreeMap<String, Interval>;

pub(super) fn of_numbers(
    reference: &NumericSample,
    current: &NumericSample,
    d: f64,
) -> Result<Intervals> {
    let sizes = [reference.len(), current.len()];
    let distance = Wasserstein::default().within(reference, current, band(sizes));
    let psi = Psi::default().ends_of(reference, current, CONFIDENCE);
    with(
        both(Bracket { low: d, high: d }, sizes, distance.ok())?,
        "psi",
        psi,
    )
}

pub(super) fn of_profiles(
    reference: &NumericProfile,
    current: &NumericProfile,
    d: Bracket,
) -> Result<Intervals> {
    let sizes = [reference, current].map(|profile| profile.present() as usize);
    let distance = Wasserstein::default().bracket_within(reference, current, band(sizes));
    let psi = match reference.grid().bins().is_empty() {
        true => None,
        false => Psi::default().ends(&reference.in_bins(current)?, CONFIDENCE),
    };
    with(both(d, sizes, distance.ok())?, "psi", psi)
}

/// The same with the ends of another measure, if it has any.
fn with(mut intervals: Intervals, measure: &str, ends: Option<[f64; 2]>) -> Result<Intervals> {
    if let Some([low, high]) = ends {
        intervals.insert(measure.to_owned(), Interval::new(low, high, CONFIDENCE)?);
    }
    Ok(intervals)
}

/// Of D, from a bracket that holds D of the samples; and of the Wasserstein distance where that is defined.
fn both(d: Bracket, sizes: [usize; 2], distance: Option<Bracket>) -> Result<Intervals> {
    let d = widened(d, band(sizes))?;
    let mut intervals = Intervals::from([("kolmogorov_smirnov".to_owned(), d)]);
    if let Some(distance) = distance.filter(|distance| distance.high.is_finite()) {
        let distance = Interval::new(distance.low, distance.high, CONFIDENCE)?;
        intervals.insert("wasserstein_sd".to_owned(), distance);
    }
    Ok(intervals)
}

/// Of the total variation: what McDiarmid allows, and at the lower end the distance that samples of one law have on average, which is
/// at most ½√((k − 1)/n) for each, for k labels. And of Cramér's V. `sizes` are those of the samples or, where rows come in units, as many units of equal
/// size as say as much: a unit moves a share by its part of the rows at most.
pub(super) fn of_categories(
    reference: &CategoricalSample,
    current: &CategoricalSample,
    sizes: [usize; 2],
    total_variation: f64,
) -> Result<Intervals> {
    let table = Contingency::of(reference, current);
    let labels = table.cells().len();
    let bias = |size: usize| 0.5 * ((labels.max(1) - 1) as f64 / size as f64).sqrt();
    let radius = deviation(sizes);
    let low = (total_variation - radius - bias(sizes[0]) - bias(sizes[1])).max(0.0);
    let high = (total_variation + radius).min(1.0);
    let interval = Interval::new(low, high, CONFIDENCE)?;
    let distance = Intervals::from([("total_variation".to_owned(), interval)]);
    // Rows of one unit are no independent labels: how V varies they do not tell.
    let is_of_rows = table.sizes() == sizes.map(|size| size as u64);
    let v = is_of_rows.then(|| CramersV::default().ends(table.cells(), CONFIDENCE));
    with(distance, "cramers_v", v.flatten())
}

/// The same interval, up to a distance that is still possible if that is more.
pub(super) fn reaching(interval: &Interval, high: f64) -> Result<Interval> {
    Ok(Interval::new(
        interval.low(),
        interval.high().max(high),
        CONFIDENCE,
    )?)
}

/// Of the distance of two shares.
pub(super) fn of_shares(distance: f64, sizes: [usize; 2]) -> Result<Interval> {
    let at = Bracket {
        low: distance,
        high: distance,
    };
    widened(at, deviation(sizes))
}

fn widened(held: Bracket, radius: f64) -> Result<Interval> {
    let (low, high) = ((held.low - radius).max(0.0), (held.high + radius).min(1.0));
    Ok(Interval::new(low, high, CONFIDENCE)?)
}

/// How far the difference of both distribution functions may be off, anywhere.
fn band(sizes: [usize; 2]) -> f64 {
    let radius = |size: usize| ((4.0 / (1.0 - CONFIDENCE)).ln() / (2.0 * size as f64)).sqrt();
    sizes.into_iter().map(radius).sum()
}

fn deviation(sizes: [usize; 2]) -> f64 {
    let shares: f64 = sizes.into_iter().map(|size| 1.0 / size as f64).sum();
    ((2.0 / (1.0 - CONFIDENCE)).ln() / 2.0 * shares).sqrt()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const BAND: f64 = 0.190_126;
    const DEVIATION: f64 = 0.123_977;

    /// By hand, of 200 and 300 values: √(ln 80/400) + √(ln 80/600) = 0.190126…, and √(ln 40/2 · (1/200 + 1/300)) = 0.123977….
    #[test]
    fn ends_are_those_of_the_inequalities() {
        let is = |found: f64, by_hand: f64| assert!((found - by_hand).abs() < 1e-6, "{found}");
        let d = both(
            Bracket {
                low: 0.5,
                high: 0.5,
            },
            [200, 300],
            None,
        )
        .unwrap()["kolmogorov_smirnov"];
        is(d.low(), 0.5 - BAND);
        is(d.high(), 0.5 + BAND);
        let share = of_shares(0.5, [200, 300]).unwrap();
        is(share.low(), 0.5 - DEVIATION);
        is(share.high(), 0.5 + DEVIATION);
        // Of three labels ½√(2/200) + ½√(2/300) less at the lower end.
        let counted = |counts: [u64; 3]| {
            CategoricalSample::from_counts(["a", "b", "c"].into_iter().zip(counts))
        };
        let (one, other) = (counted([100, 60, 40]), counted([30, 60, 210]));
        let distance = of_categories(&one, &other, [200, 300], 0.5).unwrap()["total_variation"];
        is(distance.low(), 0.5 - DEVIATION - 0.05 - 0.0408248);
        is(distance.high(), 0.5 + DEVIATION);
    }

    /// So many values of 0, 1 and 2.
    fn counted(counts: [usize; 3]) -> NumericSample {
        let repeated = [0.0, 1.0, 2.0].into_iter().zip(counts);
        NumericSample::new(repeated.flat_map(|(value, count)| std::iter::repeat_n(value, count)))
    }

    /// 200 values against 300. By hand: the area is the gap of the distribution functions between 0 and 1 and that between 1 and 2, each
    /// off by the band at most and in [0, 1]; in deviations of the reference, √(0.1·0.9) = 0.3 of a tenth of zeros among ones, and √(1.5
    /// − 1.1²) of the last one.
    #[test]
    fn the_ends_of_a_wasserstein_distance_are_those_of_the_band() {
        for (reference, current, deviation, low, high) in [
            ([20, 180, 0], [300, 0, 0], 0.3, 0.9 - BAND, 1.0),
            ([20, 180, 0], [120, 180, 0], 0.3, 0.3 - BAND, 0.3 + BAND),
            ([20, 180, 0], [30, 270, 0], 0.3, 0.0, BAND),
            (
                [20, 140, 40],
                [180, 60, 60],
                0.29_f64.sqrt(),
                0.5 - BAND,
                0.5 + 2.0 * BAND,
            ),
        ] {
            let (reference, current) = (counted(reference), counted(current));
            let profile = NumericProfile::of(&reference).unwrap();
            let d = Bracket {
                low: 0.0,
                high: 0.0,
            };
            for found in [
                of_numbers(&reference, &current, 0.0),
                of_profiles(&profile, &profile.like(&current), d),
            ] {
                let distance = found.unwrap()["wasserstein_sd"];
                assert!(
                    (distance.low() - low / deviation).abs() < 1e-5,
                    "{distance:?}"
                );
                assert!(
                    (distance.high() - high / deviation).abs() < 1e-5,
                    "{distance:?}"
                );
            }
        }
    }
}
