//! Slices whose share differs between two samples, with Fisher's test at Tarone's level.

use mlops_core::Result;
use mlops_core::evidence::{Interval, PValue, SignificanceLevel};

use super::Direction;
use super::bits::{Layout, RowSet};
use super::cell::Cell;
use super::cut::Cut;
use super::search::{self, Search};
use super::tarone::Tarone;

/// Slices reported, unless set.
pub(super) const LIMIT: usize = 20;
/// The probability that each end of an odds ratio may miss, at most.
const WIDEST_TAIL: f64 = 0.25;

/// What was found.
pub(super) struct Contrast {
    /// Whether no slice could have been called, whatever its rows.
    pub(super) nothing_testable: bool,
    /// Tarone's factor.
    pub(super) factor: u64,
    /// How many were found.
    pub(super) found: usize,
    /// Those of them that are least likely by chance.
    pub(super) worst: Vec<Found>,
}

pub(super) struct Found {
    pub(super) predicates: Vec<u32>,
    pub(super) direction: Direction,
    pub(super) inside: [u64; 2],
    pub(super) p_value: PValue,
    pub(super) adjusted: PValue,
    pub(super) odds_ratio: Interval,
}

/// A slice that could be called when it was visited.
struct Seen {
    predicates: Vec<u32>,
    inside: [u64; 2],
}

struct Visitor<'a> {
    layout: &'a Layout,
    rows: u64,
    tarone: Tarone,
    seen: Vec<Seen>,
}

impl Search for Visitor<'_> {
    type Slice = u64; // rows

    fn least(&self) -> u64 {
        self.tarone.least()
    }

    fn is_promising(&self, parents: &[u64]) -> bool {
        parents.iter().all(|rows| *rows >= self.tarone.least())
    }

    fn visit(&mut self, predicates: &[u32], parents: &[u64], rows: &RowSet) -> Option<u64> {
        let inside = self.layout.counts(rows);
        let rows = inside[0] + inside[1];
        if rows == self.rows || parents.contains(&rows) {
            return None; // the same rows as with one predicate less, and so for all that extend it
        }
        self.tarone.add(rows);
        if self.tarone.testable(rows).next().is_some() {
            let predicates = predicates.to_vec();
            self.seen.push(Seen { predicates, inside });
        }
        (rows >= self.tarone.least()).then_some(rows)
    }
}

/// Looks at every conjunction of up to `depth` predicates.
pub(super) fn contrast(
    cut: &Cut,
    second: &[bool],
    depth: usize,
    level: SignificanceLevel,
    directions: &[Direction],
    limit: usize,
) -> Result<Contrast> {
    let layout = Layout::of(second);
    let mut visitor = Visitor {
        layout: &layout,
        rows: second.len() as u64,
        tarone: Tarone::new(layout.sizes(), level, directions),
        seen: Vec::new(),
    };
    search::run(&mut visitor, cut, &layout, depth)?;
    let (tarone, sizes) = (visitor.tarone, layout.sizes());
    let each = level.get() / tarone.factor() as f64;
    let mut found: Vec<(f64, Direction, Seen)> = Vec::new();
    for seen in visitor.seen {
        if let Some((p, direction)) = called(&seen, sizes, &tarone, each) {
            found.push((p, direction, seen));
        }
    }
    found.sort_by(|(p, _, x), (q, _, y)| {
        let order = |seen: &Seen| {
            (
                seen.predicates.len(),
                u64::MAX - seen.inside[0] - seen.inside[1],
            )
        };
        p.total_cmp(q).then_with(|| order(x).cmp(&order(y)))
    });
    let worst = found.iter().take(limit).map(|(p, direction, seen)| {
        Ok(Found {
            predicates: seen.predicates.clone(),
            direction: *direction,
            inside: seen.inside,
            p_value: PValue::saturating(*p),
            adjusted: PValue::saturating(p * tarone.factor() as f64),
            odds_ratio: Cell::new(sizes, seen.inside).odds_ratio(each.min(WIDEST_TAIL))?,
        })
    });
    Ok(Contrast {
        nothing_testable: !tarone.is_any_testable(),
        factor: tarone.factor(),
        found: found.len(),
        worst: worst.collect::<Result<_>>()?,
    })
}

/// The direction in which a slice is called, and its p-value.
fn called(seen: &Seen, sizes: [u64; 2], tarone: &Tarone, each: f64) -> Option<(f64, Direction)> {
    let cell = Cell::new(sizes, seen.inside);
    let directions = tarone.testable(seen.inside[0] + seen.inside[1]);
    let mut p_values = directions.map(|direction| (cell.p_value(direction), direction));
    p_values.find(|(p, _)| *p <= each)
}
