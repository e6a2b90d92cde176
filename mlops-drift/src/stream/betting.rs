use std::collections::VecDeque;

use mlops_core::evidence::{EValue, MeanBet, SignificanceLevel};
use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{Sequential, Signal, count, finite, part};

/// Pairs that are remembered.
const MEMORY: usize = 4_096;
/// The witness is sought anew when the pairs since the last search are this share of those remembered.
const REFIT: usize = 16;

/// Two streams side by side, one pair at a time: do they follow one law, at an error rate that holds for ever?
///
/// **Statistic**: the capital of a gambler who, before each pair, looks for the threshold at which the distribution functions of the last 4,096
/// pairs lie furthest apart, and bets that the next pair falls on either side of it as those did; 16 stakes share the
/// capital (see [`MeanBet`]).
/// **Hypothesis**: in every pair, given the pairs before, first and second are exchangeable: of one law, say, which may change with time as long as
/// it does so in both. Champion and challenger on the same requests, two regions in the same hour.
/// **Guarantee**: then P([`Signal::Drift`] ever) ≤ alpha (Ville's inequality), however long the streams. The signal stays until
/// [`reset`](Sequential::reset).
/// **Weakness**: capital lost while the laws were equal must be won back first; a difference of laws that cross often shows as the greatest of its
/// parts alone. **Unit**: pairs must not depend on each other beyond what both halves share: see the [module](super).
/// **Cost**: O(log memory) per pair on average, memory of 4,096 pairs. **Errors**: NaN and ±inf.
/// **Source**: Shekhar & Ramdas, "Nonparametric two-sample testing by betting", IEEE Transactions on Information Theory 2024 (arXiv
/// 2112.09162), with the Kolmogorov–Smirnov witness.
///
/// ```
/// use mlops_core::evidence::SignificanceLevel;
/// use mlops_drift::stream::{BettingTest, Sequential, Signal};
///
/// let latency = |i: i32| f64::from(i * 37 % 100);
/// let mut test = BettingTest::new(SignificanceLevel::ONE_PERCENT)?;
/// assert!((0..500).all(|i| test.observe([latency(i), latency(i + 51)]).is_ok_and(|signal| signal == Signal::Quiet)));
/// let mut slower = (0..500).map(|i| test.observe([latency(i), latency(i + 51) + 40.0]));
/// assert!(slower.any(|signal| signal.is_ok_and(|signal| signal == Signal::Drift)));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct BettingTest {
    alpha: SignificanceLevel,
    bet: MeanBet,
    pairs: VecDeque<[f64; 2]>,
    witness: Witness,
    /// Pairs since the witness was sought.
    since: usize,
}

/// A state as it is read, before its parts are known to agree.
#[derive(Deserialize)]
struct Written {
    alpha: SignificanceLevel,
    bet: MeanBet,
    pairs: VecDeque<[f64; 2]>,
    witness: Witness,
    since: usize,
}

impl TryFrom<Written> for BettingTest {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self> {
        let mut new = Self::new(written.alpha)?;
        new.bet.merge(&written.bet)?; // refuses that of another bound or range
        count("pairs", written.pairs.len() as u64, MEMORY as u64)?;
        let mut values = written.pairs.iter().flatten();
        values.try_for_each(|value| finite(*value).map(drop))?;
        part("sign", written.witness.sign, -1.0, 1.0)?;
        finite(written.witness.threshold)?;
        count("since", written.since as u64, written.pairs.len() as u64)?;
        Ok(Self {
            alpha: written.alpha,
            bet: written.bet,
            pairs: written.pairs,
            witness: written.witness,
            since: written.since,
        })
    }
}

/// Where the laws seem furthest apart, and which side the first of a pair prefers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Witness {
    threshold: f64,
    /// 1 if firsts lie at or below the threshold more often than seconds, −1 if less, 0 if neither.
    sign: f64,
}

impl BettingTest {
    /// At an error rate for the whole of both streams.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn new(alpha: SignificanceLevel) -> Result<Self> {
        Ok(Self {
            alpha,
            bet: MeanBet::above(0.0, -1.0, 1.0)?,
            pairs: VecDeque::new(),
            witness: Witness::default(),
            since: 0,
        })
    }

    /// The capital now: an e-value at any stopping time.
    ///
    /// ```
    /// use mlops_core::evidence::SignificanceLevel;
    /// use mlops_drift::stream::BettingTest;
    /// assert_eq!(BettingTest::new(SignificanceLevel::FIVE_PERCENT)?.e_value().get(), 1.0);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn e_value(&self) -> EValue {
        self.bet.e_value()
    }

    fn remember(&mut self, pair: [f64; 2]) {
        if self.pairs.len() == MEMORY {
            self.pairs.pop_front();
        }
        self.pairs.push_back(pair);
        self.since += 1;
        if self.since * REFIT >= self.pairs.len() {
            self.witness = Witness::of(&self.pairs);
            self.since = 0;
        }
    }
}

impl Sequential<[f64; 2]> for BettingTest {
    fn observe(&mut self, pair: [f64; 2]) -> Result<Signal> {
        let [first, second] = pair;
        finite(first).and(finite(second))?;
        self.bet.observe(self.witness.payoff(pair))?; // before the pair has a part in the witness
        self.remember(pair);
        Ok(if self.bet.greatest().rejects_at(self.alpha) {
            Signal::Drift
        } else {
            Signal::Quiet
        })
    }

    fn reset(&mut self) {
        if let Ok(new) = Self::new(self.alpha) {
            *self = new;
        }
    }
}

impl Witness {
    fn of(pairs: &VecDeque<[f64; 2]>) -> Self {
        let sides = pairs
            .iter()
            .flat_map(|[first, second]| [(*first, 1_i64), (*second, -1)]);
        let mut values: Vec<(f64, i64)> = sides.collect();
        values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let (mut lead, mut greatest, mut witness) = (0_i64, 0, Self::default());
        for ties in values.chunk_by(|a, b| a.0 == b.0) {
            lead += ties.iter().map(|(_, side)| side).sum::<i64>();
            if lead.abs() > greatest {
                greatest = lead.abs();
                let sign = lead.signum() as f64;
                let threshold = ties[0].0;
                witness = Self { threshold, sign };
            }
        }
        witness
    }

    /// In {−1, 0, 1}; its mean is 0 if the pair is exchangeable.
    fn payoff(self, pair: [f64; 2]) -> f64 {
        let [first, second] = pair.map(|value| f64::from(u8::from(value <= self.threshold)));
        self.sign * (first - second)
    }
}
