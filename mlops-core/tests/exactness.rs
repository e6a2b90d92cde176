//! What the evidence promises follows from two facts that need no simulation: a step multiplies a fair bet's capital by 1 on average, and the
//! sequences are those of the paper. Both by plain sums here, so that an error of a factor in alpha, a stake or a penalty cannot pass.
#![allow(clippy::unwrap_used, missing_docs)]

use mlops_core::OutOfRange;
use mlops_core::evidence::{
    BettingSequence, FailureOdds, MeanBet, MeanDifference, MeanSequence, Sides, SignificanceLevel,
};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

const ALPHA: SignificanceLevel = SignificanceLevel::FIVE_PERCENT;
const ALL_SIDES: [Sides; 3] = [Sides::Both, Sides::Lower, Sides::Upper];

fn is_one(factor: f64, what: &str) {
    assert!((factor - 1.0).abs() < 1e-12, "{what}: {factor}");
}

/// Over both arms of a failure, at the odds of the boundary, and at odds within the margin.
#[test]
fn a_failure_multiplies_the_evidence_by_one_on_average() {
    for margin in [0.0, 0.5, 20.0] {
        let mut odds = FailureOdds::new(margin).unwrap();
        for (step, share) in [0.01, 0.1, 0.5, 0.9, 0.1, 0.1, 0.999]
            .into_iter()
            .enumerate()
        {
            let after = |canary| {
                let mut after = odds.clone();
                after.observe_failure(share, canary).unwrap();
                after.e_value().get() / odds.e_value().get()
            };
            let expected = |ratio: f64| {
                let canary = share * ratio / (share * ratio + 1.0 - share);
                canary * after(true) + (1.0 - canary) * after(false)
            };
            is_one(
                expected(1.0 + margin),
                &format!("margin {margin}, share {share}"),
            );
            for within in [0.0, 0.3, 0.99] {
                assert!(expected(within * (1.0 + margin)) < 1.0);
            }
            assert!(expected(1.01 * (1.0 + margin)) > 1.0);
            odds.observe_failure(share, step % 2 == 0).unwrap();
        }
    }
}

/// Over laws of two points whose mean is the bound, and others whose mean lies below it.
#[test]
fn a_unit_multiplies_the_capital_by_one_on_average() {
    let (low, high) = (-2.0, 3.0);
    for bound in [-1.9, 0.0, 2.5] {
        let mut bet = MeanBet::above(bound, low, high).unwrap();
        for seen in [-2.0, 3.0, 0.0, 2.9, -1.0] {
            let after = |x: f64| {
                let mut after = bet.clone();
                after.observe(x).unwrap();
                after.e_value().get() / bet.e_value().get()
            };
            let expected = |a: f64, b: f64, mean: f64| {
                let share = (mean - a) / (b - a);
                (1.0 - share) * after(a) + share * after(b)
            };
            for (a, b) in [(low, high), (bound - 0.1, high), (low, bound + 0.4)] {
                is_one(
                    expected(a, b, bound),
                    &format!("bound {bound}, {a} and {b}"),
                );
                assert!(expected(a, b, f64::midpoint(a, bound)) < 1.0);
                assert!(expected(a, b, f64::midpoint(b, bound)) > 1.0);
            }
            bet.observe(seen).unwrap();
        }
    }
}

/// A pair of one value each, of which the second is greater by the margin on average.
#[test]
fn a_pair_multiplies_the_capital_by_one_on_average() {
    let margin = 0.2;
    let harm = MeanDifference::above(margin, 0.0, 1.0).unwrap();
    let after = |first: f64, second: f64| {
        let (mut early, mut late) = (harm.clone(), harm.clone());
        early.observe_first(first).unwrap();
        early.observe_second(second).unwrap();
        late.observe_second(second).unwrap();
        late.observe_first(first).unwrap();
        assert_eq!(early.e_value(), late.e_value()); // whoever comes first
        early.e_value().get()
    };
    let expected = |first: f64, second: f64| {
        let of = |x: f64, mean: f64| if x == 1.0 { mean } else { 1.0 - mean };
        let pairs = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)];
        let terms = pairs.map(|(x, y)| of(x, first) * of(y, second) * after(x, y));
        terms.iter().sum::<f64>()
    };
    for first in [0.0, 0.3, 0.8] {
        is_one(expected(first, first + margin), "at the margin");
        assert!(expected(first, first + margin / 2.0) < 1.0);
    }
}

fn ends(sides: Sides) -> f64 {
    if sides == Sides::Both { 2.0 } else { 1.0 }
}

/// λ_t of theorem 2 and of the paper's section 4, with every sum taken anew: the mean and the variance of the units before, each with one
/// pseudo-observation (1/2, and 1/4).
fn plug_in_bets(units: &[f64], ln_confidence: f64) -> Vec<f64> {
    let mean = |t: usize| (0.5 + units[..t].iter().sum::<f64>()) / (t as f64 + 1.0);
    let variance = |t: usize| {
        let squares = (1..=t).map(|i| (units[i - 1] - mean(i)).powi(2));
        (0.25 + squares.sum::<f64>()) / (t as f64 + 1.0)
    };
    let bet = |t: usize| {
        let size = t as f64;
        (2.0 * ln_confidence / (variance(t - 1) * size * (size + 1.0).ln())).sqrt()
    };
    (1..=units.len()).map(bet).collect()
}

/// Waudby-Smith & Ramdas 2024, theorem 2: Σλx/Σλ ± (ln(2/α) + Σ v ψ_E(λ))/Σλ, with v_i = 4(x_i − μ̂_{i−1})², ψ_E(λ) = (−ln(1 − λ) − λ)/4
/// and λ at most 1/2; the intersection of the intervals so far.
fn empirical_bernstein(units: &[f64], sides: Sides) -> [f64; 2] {
    let ln_confidence = (ends(sides) / ALPHA.get()).ln();
    let bets: Vec<f64> = plug_in_bets(units, ln_confidence)
        .iter()
        .map(|bet| bet.min(0.5))
        .collect();
    let mean_before = |t: usize| (0.5 + units[..t].iter().sum::<f64>()) / (t as f64 + 1.0);
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for t in 1..=units.len() {
        let bets = &bets[..t];
        let stakes: f64 = bets.iter().sum();
        let centre = bets.iter().zip(units).map(|(bet, x)| bet * x).sum::<f64>() / stakes;
        let penalty = |i: usize| {
            let psi = (-(1.0 - bets[i]).ln() - bets[i]) / 4.0;
            4.0 * (units[i] - mean_before(i)).powi(2) * psi
        };
        let radius = (ln_confidence + (0..t).map(penalty).sum::<f64>()) / stakes;
        low = low.max(centre - radius);
        high = high.min(centre + radius);
    }
    [low, high]
}

/// The same paper, theorem 3: the means m at which neither Π(1 + λ⁺(m)(x − m)) nor Π(1 − λ⁻(m)(x − m)) has ever reached the ends over α, with
/// λ⁺ = min(λ, 1/(2m)) and λ⁻ = min(λ, 1/(2(1 − m))). The capitals are monotone in m, so the ends are found by halving.
fn by_betting(units: &[f64], sides: Sides) -> [f64; 2] {
    let goal = ends(sides) / ALPHA.get();
    let bets = plug_in_bets(units, goal.ln());
    let won = |m: f64, sign: f64| {
        let most = 0.5 / if sign > 0.0 { m } else { 1.0 - m };
        let mut capital = 1.0;
        bets.iter().zip(units).any(|(bet, x)| {
            capital *= 1.0 + sign * bet.min(most) * (x - m);
            capital >= goal
        })
    };
    let halved = |sign: f64| {
        let (mut lost, mut kept) = if sign > 0.0 { (0.0, 1.0) } else { (1.0, 0.0) };
        for _ in 0..60 {
            let m = f64::midpoint(lost, kept);
            *if won(m, sign) { &mut lost } else { &mut kept } = m;
        }
        kept
    };
    [halved(1.0), halved(-1.0)]
}

fn with_sides([low, high]: [f64; 2], sides: Sides) -> [f64; 2] {
    match sides {
        Sides::Both => [low, high],
        Sides::Lower => [low, 1.0],
        Sides::Upper => [0.0, high],
    }
}

fn paths() -> Vec<Vec<f64>> {
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let two_points: Vec<f64> = (0..150)
        .map(|_| f64::from(u8::from(rng.random_bool(0.1))))
        .collect();
    let skew = (0..150).map(|_| rng.random::<f64>().powi(4)).collect();
    let narrow = (0..150).map(|_| 0.7 + 0.02 * rng.random::<f64>()).collect();
    vec![two_points, skew, narrow, vec![1.0; 60]]
}

#[test]
fn the_mean_sequence_is_that_of_the_paper() {
    for path in paths() {
        for sides in ALL_SIDES {
            let mut sequence = MeanSequence::new(-4.0, 6.0, sides, ALPHA).unwrap();
            for (t, x) in path.iter().enumerate() {
                sequence.observe(10.0 * x - 4.0).unwrap();
                if t % 29 == 28 {
                    let interval = sequence.interval().unwrap();
                    let want = with_sides(empirical_bernstein(&path[..=t], sides), sides);
                    for (got, want) in [interval.low(), interval.high()].into_iter().zip(want) {
                        let want = 10.0 * want.clamp(0.0, 1.0) - 4.0;
                        assert!(
                            (got - want).abs() < 1e-11,
                            "{sides:?} at {t}: {got} for {want}"
                        );
                    }
                }
            }
        }
    }
}

/// On its grid, outwards: within a step of the paper's interval (π/1024 of the range at most), and never inside it.
#[test]
fn the_betting_sequence_is_that_of_the_paper() {
    for path in paths() {
        for sides in ALL_SIDES {
            let mut sequence = BettingSequence::new(0.0, 1.0, sides, ALPHA).unwrap();
            path.iter().for_each(|x| sequence.observe(*x).unwrap());
            let got = sequence.interval().unwrap();
            let [low, high] = with_sides(by_betting(&path, sides), sides);
            let step = std::f64::consts::PI / 1024.0;
            assert!(
                (low - step..=low + 1e-12).contains(&got.low()),
                "{sides:?}: {got} for [{low}, {high}]"
            );
            assert!(
                (high - 1e-12..=high + step).contains(&got.high()),
                "{sides:?}: {got} for [{low}, {high}]"
            );
        }
    }
}

/// No width that overflows, no infinite evidence from one unit, and the ends of a range are themselves.
#[test]
fn a_huge_range_is_refused_and_a_large_one_says_nothing_too_early() {
    let refused = |result: Result<(), OutOfRange>| {
        let error = result.unwrap_err().to_string();
        assert!(
            error.contains("width of the range must lie in (0, inf), got"),
            "{error}"
        );
    };
    for (low, high) in [
        (-1e308, 1e308),
        (1.0, 1.0),
        (1.0, 0.0),
        (0.0, f64::INFINITY),
        (f64::NAN, 1.0),
    ] {
        refused(MeanSequence::new(low, high, Sides::Both, ALPHA).map(drop));
        refused(BettingSequence::new(low, high, Sides::Both, ALPHA).map(drop));
        refused(MeanBet::above(0.5, low, high).map(drop));
        refused(MeanDifference::above(0.0, low, high).map(drop));
    }
    refused(MeanDifference::above(0.0, 0.0, 1e308).map(drop)); // differences lie in a range twice as wide

    // One unit wins at most 1 + 0.95 (high − bound)/(bound − low) of a stake.
    let mut bet = MeanBet::above(-8e307, -8.9e307, 8.9e307).unwrap();
    bet.observe(8.9e307).unwrap();
    assert!(bet.e_value().get() <= 1.0 + 0.95 * (16.9 / 0.9));
    let mut bet = MeanBet::above(f64::MIN_POSITIVE / 4.0, 0.0, 1.0).unwrap();
    bet.observe(1.0).unwrap();
    assert!(bet.e_value().ln().is_finite());

    for (low, high) in [(-8e307, 8e307), (0.1, 0.3), (-1.0, 1e16)] {
        let mean = MeanSequence::new(low, high, Sides::Lower, ALPHA).unwrap();
        let betting = BettingSequence::new(low, high, Sides::Lower, ALPHA).unwrap();
        let (mut mean, mut betting) = (mean, betting);
        for _ in 0..500 {
            mean.observe(high).unwrap();
            betting.observe(high).unwrap();
        }
        for interval in [mean.interval().unwrap(), betting.interval().unwrap()] {
            assert!(interval.high() == high && interval.low() < high && interval.contains(high));
        }
    }
    let mut odds = FailureOdds::new(1e308).unwrap();
    for canary in [true, false, true] {
        odds.observe_failure(1e-9, canary).unwrap();
        assert!(
            odds.e_value().get() <= 1.0 + 1e-9,
            "nobody can fail more than 1e308 times as often"
        );
    }
}

/// A mean that moves leaves no interval, rather than one of no width.
#[test]
fn a_mean_that_moved_is_told_apart_from_certainty() {
    let mut mean = MeanSequence::new(0.0, 1.0, Sides::Both, ALPHA).unwrap();
    let mut betting = BettingSequence::new(0.0, 1.0, Sides::Both, ALPHA).unwrap();
    for t in 0..1_200 {
        let x = if t < 200 { 0.1 } else { 0.9 };
        mean.observe(x).unwrap();
        betting.observe(x).unwrap();
        if t == 199 {
            assert!(mean.interval().is_some() && betting.interval().is_some());
        }
    }
    assert_eq!((mean.interval(), betting.interval()), (None, None));
}

/// The state after a merge, by whichever order and grouping, is that of the sums over all units: the formula, but for rounding.
#[test]
fn merged_sequences_are_those_of_all_their_units() {
    let shards: Vec<Vec<f64>> = paths()[0].chunks(50).map(<[f64]>::to_vec).collect();
    let sequence = |units: &[f64]| {
        let mut sequence = MeanSequence::new(0.0, 1.0, Sides::Both, ALPHA).unwrap();
        units.iter().for_each(|x| sequence.observe(*x).unwrap());
        sequence
    };
    let betting = |units: &[f64]| {
        let mut sequence = BettingSequence::new(0.0, 1.0, Sides::Both, ALPHA).unwrap();
        units.iter().for_each(|x| sequence.observe(*x).unwrap());
        sequence
    };
    // Every shard bets by what it has seen itself; what they won is added up.
    let ln_confidence = (2.0 / ALPHA.get()).ln();
    let (mut stakes, mut staked, mut penalty) = (0.0, 0.0, 0.0);
    for units in &shards {
        let mean_before = |t: usize| (0.5 + units[..t].iter().sum::<f64>()) / (t as f64 + 1.0);
        for (t, bet) in plug_in_bets(units, ln_confidence).into_iter().enumerate() {
            let bet = bet.min(0.5);
            stakes += bet;
            staked += bet * units[t];
            penalty += (units[t] - mean_before(t)).powi(2) * (-(1.0 - bet).ln() - bet);
        }
    }
    let (centre, radius) = (staked / stakes, (ln_confidence + penalty) / stakes);
    let want = [
        f64::max(centre - radius, 0.0),
        f64::min(centre + radius, 1.0),
    ];

    let mut intervals = Vec::new();
    for [a, b, c] in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
        let of = |shard: usize| sequence(&shards[shard]);
        let (mut left, mut right) = (of(a), of(b));
        left.merge(&of(b)).unwrap();
        left.merge(&of(c)).unwrap();
        right.merge(&of(c)).unwrap();
        let mut grouped = of(a);
        grouped.merge(&right).unwrap();
        for merged in [left, grouped] {
            let interval = merged.interval().unwrap();
            assert_eq!(merged.units(), 150);
            for (got, want) in [interval.low(), interval.high()].into_iter().zip(want) {
                assert!((got - want).abs() < 1e-12, "{got} for {want}");
            }
        }
        let mut merged = betting(&shards[a]);
        merged.merge(&betting(&shards[b])).unwrap();
        merged.merge(&betting(&shards[c])).unwrap();
        intervals.push(merged.interval().unwrap());
    }
    assert!(intervals.iter().all(|interval| *interval == intervals[0]));
    let mut empty = sequence(&[]);
    empty.merge(&sequence(&[])).unwrap();
    assert_eq!(empty, sequence(&[]));
}

/// The sums over all units of two shards know no first one, so neither does the interval. Each shard alone is sure that the mean is not
/// 0.5, which is that of both together (0.4 and 0.6 throughout): what a shard was sure of before does not outlast the merge.
#[test]
fn merged_sequences_know_no_first_shard() {
    let mean = |x: f64| {
        let mut sequence = MeanSequence::new(0.0, 1.0, Sides::Both, ALPHA).unwrap();
        (0..400).for_each(|_| sequence.observe(x).unwrap());
        sequence
    };
    let betting = |x: f64| {
        let mut sequence = BettingSequence::new(0.0, 1.0, Sides::Both, ALPHA).unwrap();
        (0..400).for_each(|_| sequence.observe(x).unwrap());
        sequence
    };
    let (mut means, mut bettings) = ([0.4, 0.6].map(mean), [0.4, 0.6].map(betting));
    assert!(
        means
            .iter()
            .all(|one| !one.interval().unwrap().contains(0.5))
    );
    assert!(
        bettings
            .iter()
            .all(|one| !one.interval().unwrap().contains(0.5))
    );
    for (one, other) in [(0, 0.6), (1, 0.4)] {
        means[one].merge(&mean(other)).unwrap();
        bettings[one].merge(&betting(other)).unwrap();
    }
    assert_eq!(means[0], means[1]);
    assert_eq!(bettings[0], bettings[1]);
    assert!(means[0].interval().unwrap().contains(0.5));
    assert!(bettings[0].interval().unwrap().contains(0.5));
}

/// Likelihood ratios are multiplied failure by failure, whichever replica saw which: the evidence is that of one process that saw them
/// all, but for the rounding of some twenty logarithms, and failures are those of both, arm by arm.
#[test]
fn merged_failures_are_those_of_one_process() {
    let failures = [
        (0.1, true),
        (0.2, false),
        (0.1, false),
        (0.5, true),
        (0.3, false),
    ];
    let of = |failures: &[(f64, bool)]| {
        let mut odds = FailureOdds::new(0.2).unwrap();
        for (share, canary) in failures {
            odds.observe_failure(*share, *canary).unwrap();
        }
        odds
    };
    let all = of(&failures);
    for replica in 0..=failures.len() {
        let (here, there) = failures.split_at(replica);
        let mut merged = of(here);
        merged.merge(&of(there)).unwrap();
        assert_eq!(merged.failures(), (3, 2));
        assert!((merged.e_value().ln() - all.e_value().ln()).abs() < 1e-13);
    }
}

#[test]
fn states_of_other_settings_are_not_merged() {
    let mean = |high, sides, alpha| MeanSequence::new(0.0, high, sides, alpha).unwrap();
    let betting = |high, sides, alpha| BettingSequence::new(0.0, high, sides, alpha).unwrap();
    for (high, sides, alpha) in [
        (2.0, Sides::Both, ALPHA),
        (1.0, Sides::Upper, ALPHA),
        (1.0, Sides::Both, SignificanceLevel::ONE_PERCENT),
    ] {
        let mut state = mean(1.0, Sides::Both, ALPHA);
        assert!(state.merge(&mean(high, sides, alpha)).is_err());
        assert_eq!(state, mean(1.0, Sides::Both, ALPHA));
        let mut state = betting(1.0, Sides::Both, ALPHA);
        assert!(state.merge(&betting(high, sides, alpha)).is_err());
        assert_eq!(state, betting(1.0, Sides::Both, ALPHA));
    }
    let harm = |margin, high| MeanDifference::above(margin, 0.0, high).unwrap();
    for (margin, high) in [(0.2, 1.0), (0.1, 2.0)] {
        assert!(harm(0.1, 1.0).merge(&harm(margin, high)).is_err());
    }
}
