//! Profiles: counts that no order and no partition changes, and brackets that surely hold the exact value.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch};
use mlops_core::ErrorKind;
use mlops_drift::NumericSample;
use mlops_drift::divergence::{Divergence, Psi, Wasserstein};
use mlops_drift::profile::{Bracket, Grid, NumericProfile, TableProfile};
use mlops_drift::two_sample::{KolmogorovSmirnov, NullDistribution, TwoSampleTest};
use proptest::prelude::*;

/// Smooth, tied, heavy-tailed, signed zeros, NaN and infinities.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => -3.0..3.0_f64,
        4 => (-4..4_i32).prop_map(f64::from),
        1 => (-9.0..9.0_f64).prop_map(|x| x.powi(9)),
        1 => prop_oneof![Just(0.0), Just(-0.0), Just(f64::NAN), Just(1e-300)],
    ]
}

fn column() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(value(), 1..400)
}

fn with_infinite() -> impl Strategy<Value = Vec<f64>> {
    let infinite = prop_oneof![Just(f64::INFINITY), Just(f64::NEG_INFINITY)];
    prop::collection::vec(prop_oneof![9 => value(), 1 => infinite], 1..200)
}

fn profiled(reference: &NumericProfile, values: &[f64]) -> NumericProfile {
    let mut profile = reference.empty();
    profile
        .update(&Float64Array::from(values.to_vec()))
        .unwrap();
    profile
}

/// The counts alone, as bytes.
fn counts(profile: &NumericProfile) -> String {
    let parts = (
        profile.cells(),
        profile.infinite(),
        profile.nans(),
        profile.nulls(),
    );
    serde_json::to_string(&parts).unwrap()
}

/// Whether low ≤ p/q ≤ high, by multiplying out: both ends are floats of at most 53 bits, so their fractions are exact.
fn surely_holds(bracket: Bracket, p: u128, q: u128) -> bool {
    let side = |x: f64| -> Ordering {
        if x < 2f64.powi(-70) {
            // A fraction of these samples is none, or more than that.
            return if p > 0 {
                Ordering::Less
            } else {
                x.total_cmp(&0.0)
            };
        }
        let bits = x.to_bits();
        let exponent = ((bits >> 52) & 0x7ff) as i32 - 1_075;
        let mantissa = u128::from((bits & ((1 << 52) - 1)) | (1 << 52));
        assert!((-127..0).contains(&exponent), "{x:e}");
        // mantissa · 2^exponent against p/q: mantissa · q against p · 2^-exponent, in 256 bits.
        wide(mantissa, q).cmp(&wide(p, 1_u128 << -exponent))
    };
    side(bracket.low).is_le() && side(bracket.high).is_ge()
}

/// The product as two halves, the greater first.
fn wide(a: u128, b: u128) -> [u128; 2] {
    let half = |x: u128| [x >> 64, x & u128::from(u64::MAX)];
    let ([a1, a0], [b1, b0]) = (half(a), half(b));
    let (low, cross, other, high) = (a0 * b0, a1 * b0, a0 * b1, a1 * b1);
    let middle = (low >> 64) + (cross & u128::from(u64::MAX)) + (other & u128::from(u64::MAX));
    [
        high + (cross >> 64) + (other >> 64) + (middle >> 64),
        (middle << 64) | (low & u128::from(u64::MAX)),
    ]
}

/// n·m·D and n·m·scale·W of integers, by definition.
fn exact(x: &[i64], y: &[i64]) -> (u128, u128) {
    let (n, m) = (x.len() as i128, y.len() as i128);
    let mut cuts: Vec<i64> = x.iter().chain(y).copied().collect();
    cuts.sort_unstable();
    let below = |values: &[i64], cut: i64| values.iter().filter(|&&x| x <= cut).count() as i128;
    let gap = |cut: i64| (below(x, cut) * m - below(y, cut) * n).unsigned_abs();
    let greatest = cuts.iter().map(|&cut| gap(cut)).max().unwrap_or(0);
    let area = cuts
        .windows(2)
        .map(|pair| gap(pair[0]) * (pair[1] - pair[0]) as u128);
    (greatest, area.sum())
}

fn integers() -> impl Strategy<Value = Vec<i64>> {
    prop::collection::vec(
        prop_oneof![4 => -40..40_i64, 1 => -1_000_000..1_000_000_i64],
        1..120,
    )
}

/// Of a million ones and zeros whose shares differ by less than the rounding of a difference of shares: 1/3 of 1e-6.
#[test]
fn brackets_hold_tiny_distances() {
    for (n, zeros, m, others) in [
        (1_000_000_u32, 333_333_u32, 999_999_u32, 333_333_u32),
        (1_000_000, 777_777, 999_999, 777_776),
        (16, 3, 7, 1),
    ] {
        let sample = |rows: u32, zeros: u32| {
            NumericSample::new((0..rows).map(|i| f64::from(u8::from(i >= zeros))))
        };
        let reference = NumericProfile::of(&sample(n, zeros)).unwrap();
        let current = reference.like(&sample(m, others));
        let [n, zeros, m, others] = [n, zeros, m, others].map(u128::from);
        let gap = (zeros * m).abs_diff(others * n);
        for bracket in [
            reference.wasserstein(&current),
            reference.kolmogorov_smirnov(&current),
        ] {
            let bracket = bracket.unwrap();
            assert!(surely_holds(bracket, gap, n * m), "{bracket:?}");
            assert!(bracket.width() <= 1e-14 * bracket.high, "{bracket:?}");
        }
    }
}

#[test]
fn an_index_of_other_bins_than_a_grid_has_is_an_error() {
    let profile = NumericProfile::of(&NumericSample::new((0..500).map(f64::from))).unwrap();
    let error = Psi::with_bins(20)
        .unwrap()
        .divergence(&profile, &profile)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(
        Psi::with_bins(10)
            .unwrap()
            .divergence(&profile, &profile)
            .is_ok()
    );
}

proptest! {
    /// Without any tolerance: the exact distances are rational numbers.
    #[test]
    fn brackets_hold_exact_rationals(x in integers(), y in integers(), resolution in 2..40_usize, power in 0..20_i32) {
        let unit = 2f64.powi(-power);
        let sample = |values: &[i64]| NumericSample::new(values.iter().map(|&x| x as f64 * unit));
        let reference = NumericProfile::with_resolution(&sample(&x), resolution).unwrap();
        let current = reference.like(&sample(&y));
        let (d, w) = exact(&x, &y);
        let rows = (x.len() * y.len()) as u128;
        let bracket = reference.kolmogorov_smirnov(&current).unwrap();
        prop_assert!(surely_holds(bracket, d, rows), "{}/{} in {:?}", d, rows, bracket);
        let bracket = reference.wasserstein(&current).unwrap();
        let scale = 2f64.powi(power);
        let scaled = Bracket { low: bracket.low * scale, high: bracket.high * scale };
        prop_assert!(surely_holds(scaled, w, rows), "{}/{} in {:?}", w, rows, scaled);
    }

    #[test]
    fn any_partition_and_any_order_count_the_same(
        reference in column(),
        values in with_infinite(),
        parts in prop::collection::vec(0..5_usize, 400),
        resolution in 2..40_usize,
    ) {
        let reference = NumericProfile::with_resolution(&NumericSample::new(reference), resolution).unwrap();
        let whole = profiled(&reference, &values);
        let mut merged = reference.empty();
        for part in (0..5).rev() {
            let rows = values.iter().zip(&parts).filter(|(_, p)| **p == part);
            let rows: Vec<f64> = rows.map(|(value, _)| *value).rev().collect();
            merged.merge(&profiled(&reference, &rows)).unwrap();
        }
        prop_assert_eq!(counts(&merged), counts(&whole));
        prop_assert_eq!(merged.rows() as usize, values.len());
    }

    /// Against counting each cell by its definition.
    #[test]
    fn every_value_lies_in_its_cell(reference in column(), values in column(), resolution in 2..40_usize) {
        let reference = NumericProfile::with_resolution(&NumericSample::new(reference), resolution).unwrap();
        let cuts = reference.grid().cuts();
        let inside = |cell: usize, x: f64| {
            let cut = cuts.get(cell / 2).copied().unwrap_or(f64::INFINITY);
            let before = cell.checked_sub(2).map_or(f64::NEG_INFINITY, |_| cuts[cell / 2 - 1]);
            if cell % 2 == 1 { x == cut } else { before < x && x < cut }
        };
        let naive = (0..reference.grid().cells())
            .map(|cell| values.iter().filter(|&&x| inside(cell, x)).count() as u64);
        let naive: Vec<u64> = naive.collect();
        let profile = profiled(&reference, &values);
        prop_assert_eq!(profile.cells(), naive.as_slice());
        let sample = reference.like(&NumericSample::new(values));
        prop_assert_eq!(sample.cells(), naive.as_slice());
    }

    #[test]
    fn the_exact_statistic_lies_in_its_bracket(x in column(), y in column(), resolution in 2..40_usize) {
        let (x, y) = (NumericSample::new(x), NumericSample::new(y));
        prop_assume!(!x.is_empty() && !y.is_empty());
        let reference = NumericProfile::with_resolution(&x, resolution).unwrap();
        let current = reference.like(&y);

        let d = KolmogorovSmirnov::statistic(&x, &y).unwrap();
        let bracket = reference.kolmogorov_smirnov(&current).unwrap();
        prop_assert!(bracket.contains(d), "{} in {:?}", d, bracket);
        prop_assert!(bracket.width() <= 2.0 / resolution as f64 + 1.0 / x.len() as f64);
        let p = |result: mlops_drift::two_sample::TestResult| result.p_value.get();
        // Laws that know no ties: permutations would scatter.
        let test = KolmogorovSmirnov::default().null(NullDistribution::Exact);
        prop_assert!(p(test.test(&reference, &current).unwrap()) >= p(test.test(&x, &y).unwrap()) - 1e-12);

        let psi = Psi::default();
        let exact = psi.divergence(&x, &y).unwrap().get();
        let counted = psi.divergence(&reference, &current).unwrap().get();
        prop_assert!((exact - counted).abs() <= 1e-12 * (1.0 + exact), "{} against {}", counted, exact);
    }

    /// To the last digit, in whatever parts the profiles were counted: of values on a lattice, where many distances are the same number, with
    /// offsets that cost digits, and of any size.
    #[test]
    fn the_exact_distance_lies_in_its_bracket(
        x in column(), y in column(), resolution in 2..500_usize, part in 1..200_usize,
        offset in prop_oneof![Just(0.0), Just(1e6), Just(1e15)], scale in prop_oneof![Just(1.0), Just(0.1), Just(1e-300), Just(1e290)],
    ) {
        let moved = |values: Vec<f64>| -> Vec<f64> { values.into_iter().map(|x| (x + offset) * scale).collect() };
        let (x, y) = (moved(x), moved(y));
        let merged = |grid: &NumericProfile, values: &[f64]| {
            values.chunks(part).fold(grid.empty(), |mut all, part| {
                all.merge(&profiled(grid, part)).unwrap();
                all
            })
        };
        let [x, y] = [x, y].map(|values| (NumericSample::new(values.clone()), values));
        let grid = NumericProfile::with_resolution(&x.0, resolution).unwrap();
        for (reference, current) in [(&x, &y), (&y, &x)] {
            let [p, q] = [reference, current].map(|(_, values)| merged(&grid, values));
            for distance in [Wasserstein::raw(), Wasserstein::default()] {
                // Of an empty sample there is none, nor in deviations of one that does not vary.
                let Ok(exact) = distance.divergence(&reference.0, &current.0) else { continue };
                let bracket = distance.bracket(&p, &q).unwrap();
                prop_assert!(bracket.contains(exact.get()), "{} in {:?}", exact.get(), bracket);
            }
        }
    }

    /// With more steps than values every statistic is exact, ±inf included.
    #[test]
    fn a_reference_of_few_values_is_kept_exactly(x in with_infinite(), y in with_infinite()) {
        let (x, y) = (NumericSample::new(x), NumericSample::new(y));
        let reference = NumericProfile::of(&x).unwrap();
        prop_assume!(!x.is_empty() && !y.is_empty());
        let bracket = reference.kolmogorov_smirnov(&reference.like(&y)).unwrap();
        let d = KolmogorovSmirnov::statistic(&x, &y).unwrap();
        prop_assert!((bracket.low - d).abs() < 1e-12 && bracket.width() < 1e-12, "{} in {:?}", d, bracket);
    }

    #[test]
    fn a_quantile_lies_in_its_bracket(x in column(), share in 0.0..=1.0_f64, resolution in 2..40_usize) {
        let sample = NumericSample::new(x);
        prop_assume!(!sample.is_empty());
        let rank = ((share * sample.len() as f64).ceil() as usize).max(1);
        let exact = sample.sorted()[rank - 1];
        let profile = NumericProfile::with_resolution(&sample, resolution).unwrap();
        let [low, high] = profile.quantile(share).unwrap();
        prop_assert!(low <= exact && exact <= high, "{} in [{}, {}]", exact, low, high);
    }

    #[test]
    fn json_gives_the_same_profile(x in with_infinite()) {
        let profile = NumericProfile::of(&NumericSample::new(x)).unwrap();
        let text = serde_json::to_string(&profile).unwrap();
        let copy: NumericProfile = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(serde_json::to_string(&copy).unwrap(), text);
        prop_assert_eq!(copy, profile);
    }
}

/// Squares of such numbers overflow, so that no moment but the mean is defined: no difference between two profiles.
#[test]
fn moments_that_overflow_are_read_as_they_were() {
    let column = |values: &[f64]| {
        let column = Arc::new(Float64Array::from(values.to_vec())) as ArrayRef;
        RecordBatch::try_from_iter([("x", column)]).unwrap()
    };
    for values in [
        vec![1e308, -1e308],
        vec![1e308; 3],
        vec![f64::MAX, f64::MIN, 0.0],
        vec![1e308, f64::INFINITY, f64::NAN],
        vec![],
    ] {
        let profile = NumericProfile::of(&NumericSample::new(values.clone())).unwrap();
        let text = serde_json::to_string(&profile).unwrap();
        assert_eq!(
            serde_json::from_str::<NumericProfile>(&text).unwrap(),
            profile
        );
        if values.is_empty() {
            continue;
        }
        let table = TableProfile::of(&column(&values)).unwrap();
        let read = TableProfile::from_bytes(&table.to_bytes().unwrap()).unwrap();
        assert_eq!(read, table);
    }
}

/// The brackets of a profile whose extremes are not those of its values hold anything.
#[test]
fn extremes_that_contradict_the_counts_are_not_read() {
    let profile = NumericProfile::of(&NumericSample::new((0..10).map(f64::from))).unwrap();
    let profile = profiled(&profile, &[-3.0, 2.0, 4.5, 40.0]);
    let read = |end: &str, value: f64| {
        let mut written = serde_json::to_value(&profile).unwrap();
        written["moments"][end] = value.into();
        serde_json::from_value::<NumericProfile>(written)
    };
    assert!(read("least", -3.0).is_ok());
    assert!(read("least", -4.0).is_ok(), "as well in the cell");
    for (end, value) in [
        ("least", 0.0),
        ("least", 1.0),
        ("least", 2.0),
        ("greatest", 9.0),
        ("greatest", 4.5),
    ] {
        let error = read(end, value).unwrap_err().to_string();
        let told = format!("the {end} value of a profile must lie in its outermost cell");
        assert!(
            error.contains(&told) && error.contains(&format!("got {value}")),
            "{error}"
        );
    }
}

/// A grid of 4·√n steps leaves the bracket narrower than the noise: undecided between p = 4.4 % and 5.6 % at most.
#[test]
fn the_usual_resolution_is_finer_than_chance() {
    let rows = 40_000_u32;
    let x = NumericSample::new((0..rows).map(|i| f64::from(i).sqrt()));
    let y = NumericSample::new((0..rows).map(|i| f64::from(i).sqrt() + 0.3));
    let reference = NumericProfile::of(&x).unwrap();
    let bracket = reference.kolmogorov_smirnov(&reference.like(&y)).unwrap();
    let noise = (2.0 / f64::from(rows)).sqrt(); // D has this scale without drift
    assert!(bracket.width() < noise / 4.0, "{bracket:?} against {noise}");
}

#[test]
fn profiles_on_two_grids_are_an_error_and_nothing_is_merged() {
    let x = NumericProfile::of(&NumericSample::new([1.0, 2.0])).unwrap();
    let y = NumericProfile::of(&NumericSample::new([1.0, 3.0])).unwrap();
    let mut merged = x.clone();
    let error = merged.merge(&y).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignatureMismatch);
    assert_eq!(merged, x);
    assert!(x.kolmogorov_smirnov(&y).is_err() && x.wasserstein(&y).is_err());
}

#[test]
fn an_empty_side_and_an_infinite_distance_are_errors() {
    let x = NumericProfile::of(&NumericSample::new([1.0, f64::INFINITY])).unwrap();
    assert!(x.kolmogorov_smirnov(&x.empty()).is_err());
    assert!(x.kolmogorov_smirnov(&x).is_ok());
    let error = x.wasserstein(&x).unwrap_err();
    assert!(error.to_string().contains("finite"), "{error}");
    let huge = NumericProfile::of(&NumericSample::new([-1e308, 1e308])).unwrap();
    // Half of the mass moves by 2e308.
    let bracket = huge.wasserstein(&huge.like(&NumericSample::new([1e308])));
    assert!(bracket.unwrap().contains(1e308));
    let least = NumericProfile::of(&NumericSample::new([-1.7e308])).unwrap();
    let apart = least.wasserstein(&least.like(&NumericSample::new([1.7e308])));
    assert!(apart.is_err(), "{apart:?}");
    assert_eq!(
        huge.moments().mean(),
        Some(0.0),
        "a mean may be defined where the distance is not"
    );
    let nothing = NumericProfile::of(&NumericSample::new([f64::NAN])).unwrap();
    assert!(nothing.kolmogorov_smirnov(&nothing).is_err());
    assert_eq!((nothing.rows(), nothing.quantile(0.5)), (1, None));
}

#[test]
fn a_resolution_out_of_range_and_a_foreign_grid_are_errors() {
    let sample = NumericSample::new([1.0, 2.0]);
    assert!(
        Grid::of(&sample, 1)
            .unwrap_err()
            .to_string()
            .contains("[2, 1048576], got 1")
    );
    assert!(Grid::of(&sample, 2_000_000).is_err());
    for text in [
        r#"{"cuts":[2.0,1.0],"bins":[]}"#,
        r#"{"cuts":[1.0,2.0],"bins":[1.5]}"#,
        r#"{"cuts":[1.0]}"#,
    ] {
        assert!(serde_json::from_str::<Grid>(text).is_err(), "{text}");
    }
}

/// The product of such sizes has no room in 64 bits.
#[test]
fn billions_of_rows_are_compared() {
    let profile = NumericProfile::of(&NumericSample::new((0..100).map(f64::from))).unwrap();
    let many = |times: u64, more: u64| -> NumericProfile {
        let mut written = serde_json::to_value(&profile).unwrap();
        let cells = written["cells"].as_array_mut().unwrap();
        for cell in cells.iter_mut() {
            *cell = (cell.as_u64().unwrap() * times).into();
        }
        let last = cells
            .iter_mut()
            .rfind(|cell| cell.as_u64() > Some(0))
            .unwrap();
        *last = (last.as_u64().unwrap() + more).into();
        written["moments"]["count"] = (100 * times + more).into();
        serde_json::from_value(written).unwrap()
    };
    let (x, y) = (many(1 << 33, 0), many(1 << 33, 1));
    let alike = KolmogorovSmirnov::default().test(&x, &y).unwrap();
    assert!(
        alike.statistic < 1e-11 && alike.p_value.get() > 0.99,
        "{alike:?}"
    );
    let (x, y) = (many(1 << 33, 0), many(1 << 33, (1 << 30) + 1));
    let apart = KolmogorovSmirnov::default().test(&x, &y).unwrap();
    let share = ((1_u64 << 30) + 1) as f64 / ((100_u64 << 33) + (1 << 30) + 1) as f64;
    // The last value's share rises by 99/100 of what was added.
    assert!((apart.statistic - 0.99 * share).abs() < 1e-12, "{apart:?}");
}

/// Found by the full grid of brackets: of a reference that is infinite throughout, an index between profiles was 0 whatever the current values.
#[test]
fn an_index_against_an_infinite_reference_is_that_of_the_rows() {
    for end in [f64::NEG_INFINITY, f64::INFINITY] {
        let x = NumericSample::new([end; 3]);
        let profile = NumericProfile::of(&x).unwrap();
        for current in [vec![end; 4], vec![1.0, end], vec![0.0, -end, 2.0]] {
            let y = NumericSample::new(current);
            let psi = Psi::default();
            let want = psi.divergence(&x, &y).unwrap();
            assert_eq!(
                psi.divergence(&profile, &profile.like(&y)).unwrap(),
                want,
                "{y:?}"
            );
        }
    }
}
