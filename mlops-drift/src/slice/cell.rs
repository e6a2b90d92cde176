//! The law of the one free cell of a 2 × 2 table whose margins are fixed, at any odds ratio.

use mlops_core::Result;
use mlops_core::evidence::Interval;

use super::Direction;

/// Terms below this share of their sum end it.
const NEGLIGIBLE: f64 = 1e-18;
/// |ln odds ratio| up to which ends of an interval are searched.
const FARTHEST: f64 = 60.0;
/// Halvings of that range: to 1e-13.
const HALVINGS: u32 = 50;
/// JSON has no infinity: an upper end that is open.
const OPEN: f64 = f64::MAX;

/// How many of a slice's rows are of the second sample.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    sizes: [u64; 2],
    slice: u64,
    count: u64,
}

impl Cell {
    /// Of two samples, and the rows of each inside the slice.
    pub(super) fn new(sizes: [u64; 2], inside: [u64; 2]) -> Self {
        Self {
            sizes,
            slice: inside[0] + inside[1],
            count: inside[1],
        }
    }

    fn least(&self) -> u64 {
        self.slice.saturating_sub(self.sizes[0])
    }

    fn greatest(&self) -> u64 {
        self.slice.min(self.sizes[1])
    }

    /// The probability of as many rows of the second sample or more (fewer), if both have equal shares of
    /// the slice.
    pub(super) fn p_value(&self, direction: Direction) -> f64 {
        self.tail(direction, 1.0)
    }

    /// The same for odds of the slice in the second sample that are so many times those in the first.
    fn tail(&self, direction: Direction, odds_ratio: f64) -> f64 {
        let (up, down) = (self.above(odds_ratio), self.below(odds_ratio));
        let (tail, rest) = match direction {
            Direction::More => (1.0 + up, down),
            Direction::Less => (1.0 + down, up),
        };
        if tail.is_infinite() {
            1.0
        } else {
            tail / (tail + rest)
        }
    }

    /// P(count + 1) + P(count + 2) + …, over P(count).
    fn above(&self, odds_ratio: f64) -> f64 {
        sum((self.count..self.greatest()).map(|count| self.step(count) * odds_ratio))
    }

    /// P(count − 1) + P(count − 2) + …, over P(count).
    fn below(&self, odds_ratio: f64) -> f64 {
        sum((self.least()..self.count)
            .rev()
            .map(|count| 1.0 / (self.step(count) * odds_ratio)))
    }

    /// P(count + 1)/P(count) at equal shares.
    fn step(&self, count: u64) -> f64 {
        let [n, m] = self.sizes.map(|size| size as f64);
        let (slice, count) = (self.slice as f64, count as f64);
        (m - count) * (slice - count) / ((count + 1.0) * (n - slice + count + 1.0))
    }

    /// The exact conditional interval of the odds ratio, second sample over first, each end missed with
    /// probability `tail` at most (Cornfield, "A statistical problem arising from retrospective studies",
    /// Third Berkeley Symposium 1956).
    pub(super) fn odds_ratio(&self, tail: f64) -> Result<Interval> {
        let end = |direction: Direction| {
            let ends = (-FARTHEST, FARTHEST);
            let (low, high) = (0..HALVINGS).fold(ends, |(low, high), _| {
                let middle = (low + high) / 2.0;
                let rare = self.tail(direction, middle.exp()) <= tail;
                if rare == (direction == Direction::More) {
                    (middle, high)
                } else {
                    (low, middle)
                }
            });
            ((low + high) / 2.0).exp()
        };
        let low = if self.count == self.least() {
            0.0
        } else {
            end(Direction::More)
        };
        let high = if self.count == self.greatest() {
            OPEN
        } else {
            end(Direction::Less)
        };
        Ok(Interval::new(low, high, 1.0 - 2.0 * tail)?)
    }
}

/// The sum of running products. The factors fall, so that once a product is negligible and falls, so is the
/// rest.
fn sum(factors: impl Iterator<Item = f64>) -> f64 {
    let (mut term, mut sum) = (1.0, 0.0);
    for factor in factors {
        term *= factor;
        sum += term;
        if (factor < 1.0 && term < NEGLIGIBLE * sum) || sum.is_infinite() {
            break;
        }
    }
    sum
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The lady tasting tea, three right of four: P(3 or more) = (16 + 1)/70.
    #[test]
    fn one_sided_p_values_are_those_of_fisher() {
        let cell = Cell::new([4, 4], [1, 3]);
        assert!((cell.p_value(Direction::More) - 17.0 / 70.0).abs() < 1e-15);
        assert!((cell.p_value(Direction::Less) - 69.0 / 70.0).abs() < 1e-15);
    }

    /// The weights are 1, 16ω, 36ω², 16ω³ and ω⁴. R's one-sided interval of this table (`?fisher.test`)
    /// starts at 0.3135693; the upper end solves 16/ω + 36/ω² + 16/ω³ + 1/ω⁴ = 1/0.975 − 1, so 626.24349.
    #[test]
    fn the_ends_of_an_interval_are_those_of_its_definition() {
        let cell = Cell::new([4, 4], [1, 3]);
        let low = cell.odds_ratio(0.05).unwrap().low();
        assert!((low - 0.3135693).abs() < 1e-5, "{low}");
        let high = cell.odds_ratio(0.025).unwrap().high();
        let sum = 16.0 / high + 36.0 / high.powi(2) + 16.0 / high.powi(3) + high.powi(-4);
        assert!((sum - (1.0 / 0.975 - 1.0)).abs() < 1e-12, "{high}");
    }

    #[test]
    fn an_end_is_open_where_the_data_set_none() {
        let interval = Cell::new([4, 4], [0, 4]).odds_ratio(0.025).unwrap();
        assert_eq!(interval.high(), f64::MAX);
        assert_eq!(
            Cell::new([4, 4], [4, 0]).odds_ratio(0.025).unwrap().low(),
            0.0
        );
    }

    /// Beyond the range of a float in both directions.
    #[test]
    fn an_extreme_table_has_a_finite_answer() {
        let cell = Cell::new([1_000_000, 1_000_000], [0, 500_000]);
        assert_eq!(cell.p_value(Direction::More), 0.0);
        assert_eq!(cell.p_value(Direction::Less), 1.0);
        assert!(cell.odds_ratio(1e-6).unwrap().low() > 1_000.0);
    }
}
