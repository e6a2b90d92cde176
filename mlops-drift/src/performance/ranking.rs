use std::collections::HashMap;

use mlops_core::evidence::SignificanceLevel;
use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::Estimate;
use super::rows::{Weighted, mean, same_length};

/// Ranked lists, one a query: what was relevant, and how it was scored.
///
/// ```
/// use mlops_drift::performance::Ranking;
/// // The relevant item comes first in one query, second in the other.
/// let lists = Ranking::new(&[1, 1, 2, 2], &[1.0, 0.0, 0.0, 1.0], &[0.9, 0.1, 0.8, 0.3])?;
/// let metrics = lists.at(2)?;
/// assert_eq!((metrics.mrr, metrics.recall), (0.75, 1.0));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    lists: Vec<List>,
    /// The list of every row given.
    list_of_row: Vec<u32>,
    /// Weights and units of the lists.
    pub(super) rows: Weighted,
}

/// The items of one query.
#[derive(Clone, Debug, PartialEq)]
struct List {
    /// By falling score, items of one score together.
    ties: Vec<Tie>,
    /// Relevances, the greatest first: one item a tie.
    ideal: Vec<f64>,
}

/// Items of equal score, whose order is chance.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tie {
    items: usize,
    relevant: usize,
    relevance: f64,
}

/// The mean over the queries of the metrics of their first k items, each in \[0, 1]; a query without a
/// relevant item counts as 0.
///
/// ```
/// use mlops_drift::performance::Ranking;
/// let nothing = Ranking::new(&[1], &[0.0], &[0.5])?.at(1)?;
/// assert_eq!(nothing.ndcg, 0.0);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RankingMetrics {
    /// Normalized discounted cumulative gain: linear gain, discount log₂(rank + 1).
    pub ndcg: f64,
    /// Average precision, divided by the smaller of k and the number of relevant items.
    pub map: f64,
    /// The reciprocal of the first relevant item's rank.
    pub mrr: f64,
    /// Relevant items out of k.
    pub precision: f64,
    /// Relevant items out of all relevant ones.
    pub recall: f64,
    /// Whether there is a relevant item.
    pub hit_rate: f64,
}

impl Ranking {
    /// Rows of (query, relevance, score): higher scores come first; an item of a relevance above 0 is relevant.
    /// Items of one query with equal scores stand in random order, and every metric is its mean over those
    /// orders, so that a table that is sorted by relevance lends nothing to a model that tells nothing apart.
    ///
    /// Queries may stand in any order; weights, units and labels of segments are given row by row, alike for all
    /// rows of a query.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for no rows, different lengths, a negative
    /// relevance, NaN or ±inf.
    pub fn new(queries: &[u64], relevances: &[f64], scores: &[f64]) -> Result<Self> {
        same_length("relevances", queries.len(), relevances.len())?;
        same_length("scores", queries.len(), scores.len())?;
        if queries.is_empty() {
            return Err(Error::invalid("at least 1 row is needed, got 0"));
        }
        let outside = |relevance: &&f64| !(0.0..f64::INFINITY).contains(*relevance);
        if let Some(relevance) = relevances.iter().find(outside) {
            return Err(Error::invalid(format!(
                "relevances must lie in [0, inf), got {relevance}"
            )));
        }
        if let Some(score) = scores.iter().find(|score| !score.is_finite()) {
            return Err(Error::invalid(format!(
                "scores must be finite, got {score}"
            )));
        }
        let (mut numbers, mut items, mut list_of_row) = (HashMap::new(), Vec::new(), Vec::new());
        for ((query, relevance), score) in queries.iter().zip(relevances).zip(scores) {
            let next = items.len();
            let list = *numbers.entry(*query).or_insert(next);
            if list == next {
                items.push(Vec::new());
            }
            items[list].push((*score, *relevance));
            list_of_row.push(list as u32);
        }
        Ok(Self {
            rows: Weighted::rows(items.len()),
            lists: items.into_iter().map(List::of).collect(),
            list_of_row,
        })
    }

    /// With a weight in \[0, ∞) per row, the same for all rows of a query.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for another number of rows, different
    /// weights in a query, a weight out of range, or a sum of 0.
    ///
    /// ```
    /// # use mlops_drift::performance::Ranking;
    /// let lists = Ranking::new(&[1, 2, 2, 1], &[1.0, 1.0, 0.0, 0.0], &[0.9, 0.1, 0.8, 0.3])?;
    /// assert_eq!(lists.clone().weights(&[3.0, 1.0, 1.0, 3.0])?.at(1)?.mrr, 0.75);
    /// assert!(lists.weights(&[3.0, 3.0, 1.0, 1.0]).is_err());
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn weights(mut self, weights: &[f64]) -> Result<Self> {
        let of_lists = self.of_lists("weights", weights)?;
        self.rows.weights(&of_lists)?;
        Ok(self)
    }

    /// Declares which queries share a unit (a user, a session), row by row and the same for all rows of a
    /// query; see [`Scored::units`](super::Scored::units).
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for another number of rows, or different
    /// units in a query.
    ///
    /// ```
    /// # use mlops_drift::performance::Ranking;
    /// let lists = Ranking::new(&[1, 1, 2, 3], &[1.0, 1.0, 0.0, 0.0], &[0.9, 0.1, 0.8, 0.3])?;
    /// assert_eq!(lists.units(&[7, 7, 8, 7])?.estimate(1, |query| query.mrr)?.units, 2);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn units(mut self, units: &[u64]) -> Result<Self> {
        let of_lists = self.of_lists("units", units)?;
        self.rows.units(&of_lists)?;
        Ok(self)
    }

    /// Intervals that miss with this probability instead of 5 %.
    #[must_use]
    pub fn level(mut self, level: SignificanceLevel) -> Self {
        self.rows.confidence = 1.0 - level.get();
        self
    }

    /// What was given row by row, for each list.
    pub(super) fn of_lists<T: Copy + PartialEq>(&self, what: &str, values: &[T]) -> Result<Vec<T>> {
        same_length(what, self.list_of_row.len(), values.len())?;
        let mut of_lists: Vec<Option<T>> = vec![None; self.lists.len()];
        for (row, (list, value)) in self.list_of_row.iter().zip(values).enumerate() {
            let known = of_lists[*list as usize].get_or_insert(*value);
            if known != value {
                return Err(Error::invalid(format!(
                    "{what} must be the same for all rows of a query, got another one in row {row}"
                )));
            }
        }
        Ok(of_lists.into_iter().flatten().collect())
    }

    /// The metrics of the first k items.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for k = 0.
    pub fn at(&self, k: usize) -> Result<RankingMetrics> {
        Ok(self.average(&self.by_query(k)?))
    }

    pub(super) fn average(&self, queries: &[RankingMetrics]) -> RankingMetrics {
        let average =
            |metric: fn(&RankingMetrics) -> f64| mean(queries.iter().map(metric), self.rows.get());
        RankingMetrics {
            ndcg: average(|query| query.ndcg),
            map: average(|query| query.map),
            mrr: average(|query| query.mrr),
            precision: average(|query| query.precision),
            recall: average(|query| query.recall),
            hit_rate: average(|query| query.hit_rate),
        }
    }

    /// A metric of the first k items with its interval: Student's t of the mean over the queries, cut to
    /// \[0, 1] if every query lies in it.
    ///
    /// # Errors
    /// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) for k = 0 or fewer than two queries.
    ///
    /// ```
    /// # use mlops_drift::performance::Ranking;
    /// # let lists = Ranking::new(&[1, 1, 2, 2], &[1.0, 0.0, 0.0, 1.0], &[0.9, 0.1, 0.8, 0.3])?;
    /// let ndcg = lists.estimate(2, |query| query.ndcg)?;
    /// assert_eq!(ndcg.units, 2);
    /// # Ok::<(), mlops_core::Error>(())
    /// ```
    pub fn estimate(&self, k: usize, metric: impl Fn(&RankingMetrics) -> f64) -> Result<Estimate> {
        let values: Vec<f64> = self.by_query(k)?.iter().map(metric).collect();
        let share = values.iter().all(|value| (0.0..=1.0).contains(value));
        let range = if share {
            (0.0, 1.0)
        } else {
            (f64::NEG_INFINITY, f64::INFINITY)
        };
        self.rows.mean(&values, range)
    }

    pub(crate) fn by_query(&self, k: usize) -> Result<Vec<RankingMetrics>> {
        self.each(k, |list| metrics(&list.ties, &list.ideal, k))
    }

    /// What each list would have on average in random order.
    pub(super) fn random_by_query(&self, k: usize) -> Result<Vec<RankingMetrics>> {
        self.each(k, |list| metrics(&[tie(&list.ideal)], &list.ideal, k))
    }

    /// What each list would have in its best order.
    pub(super) fn best_by_query(&self, k: usize) -> Result<Vec<RankingMetrics>> {
        self.each(k, |list| {
            let ties: Vec<Tie> = list.ideal.chunks(1).map(tie).collect();
            metrics(&ties, &list.ideal, k)
        })
    }

    fn each(
        &self,
        k: usize,
        of_list: impl Fn(&List) -> RankingMetrics,
    ) -> Result<Vec<RankingMetrics>> {
        if k == 0 {
            return Err(Error::invalid("k must be at least 1, got 0"));
        }
        Ok(self.lists.iter().map(of_list).collect())
    }

    /// Some of the queries, in the order given.
    pub(crate) fn part(&self, queries: &[usize]) -> Self {
        let mut place = vec![None; self.lists.len()];
        for (at, query) in queries.iter().enumerate() {
            place[*query] = Some(at as u32);
        }
        let rows = self.list_of_row.iter();
        Self {
            lists: queries
                .iter()
                .map(|query| self.lists[*query].clone())
                .collect(),
            list_of_row: rows.filter_map(|list| place[*list as usize]).collect(),
            rows: self.rows.part(queries),
        }
    }

    /// The queries of both, none of which is one of the other's.
    pub(crate) fn joined(&self, other: &Self) -> Self {
        let before = self.lists.len() as u32;
        let others = other.list_of_row.iter().map(|list| list + before);
        Self {
            lists: [&*self.lists, &other.lists].concat(),
            list_of_row: self.list_of_row.iter().copied().chain(others).collect(),
            rows: self.rows.joined(&other.rows),
        }
    }

    /// The same lists, had the least relevant items been scored first.
    pub(crate) fn in_worst_order(&self) -> Self {
        let mut worst = self.clone();
        for list in &mut worst.lists {
            let rising = list.ideal.iter().rev();
            list.ties = rising.map(|relevance| tie(&[*relevance])).collect();
        }
        worst
    }

    /// The lists of every unit.
    pub(crate) fn by_unit(&self) -> super::ByUnit {
        self.rows.clusters.by_unit()
    }

    pub(super) fn rows_given(&self) -> usize {
        self.list_of_row.len()
    }
}

impl List {
    /// Of (score, relevance).
    fn of(mut items: Vec<(f64, f64)>) -> Self {
        items.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let relevances = |items: &[(f64, f64)]| -> Vec<f64> {
            items.iter().map(|(_, relevance)| *relevance).collect()
        };
        let ties = items.chunk_by(|(a, _), (b, _)| a == b);
        let ties = ties.map(|items| tie(&relevances(items))).collect();
        let mut ideal = relevances(&items);
        ideal.sort_unstable_by(|a, b| b.total_cmp(a));
        Self { ties, ideal }
    }
}

fn tie(relevances: &[f64]) -> Tie {
    Tie {
        items: relevances.len(),
        relevant: relevances
            .iter()
            .filter(|relevance| **relevance > 0.0)
            .count(),
        relevance: relevances.iter().sum(),
    }
}

/// Means over all orders of tied items.
fn metrics(ties: &[Tie], ideal: &[f64], k: usize) -> RankingMetrics {
    let relevant = ideal.iter().filter(|relevance| **relevance > 0.0).count();
    if relevant == 0 {
        return RankingMetrics::default();
    }
    let discount = |rank: usize| (rank as f64 + 1.0).log2();
    let (mut gain, mut hits, mut precisions) = (0.0, 0.0, 0.0);
    let (mut reciprocal, mut none_before) = (0.0, 1.0);
    let (mut before, mut found) = (0, 0.0);
    for tie in ties {
        let (items, own) = (tie.items as f64, tie.relevant as f64);
        // Given a hit at a rank, any other item of the tie is one with this probability.
        let another = (own - 1.0) / (items - 1.0).max(1.0);
        for place in 0..tie.items.min(k.saturating_sub(before)) {
            let (rank, ahead) = (before + place + 1, place as f64);
            let hit = own / items;
            gain += tie.relevance / items / discount(rank);
            hits += hit;
            precisions += hit * (found + 1.0 + ahead * another) / rank as f64;
            let first = (own / (items - ahead)).min(1.0);
            reciprocal += none_before * first / rank as f64;
            none_before *= 1.0 - first;
        }
        before += tie.items;
        found += own;
    }
    let shown = ideal.iter().take(k).zip(1..);
    let ideal_gain: f64 = shown
        .map(|(relevance, rank)| relevance / discount(rank))
        .sum();
    RankingMetrics {
        ndcg: gain / ideal_gain,
        map: precisions / relevant.min(k) as f64,
        mrr: reciprocal,
        precision: hits / k as f64,
        recall: hits / relevant as f64,
        hit_rate: 1.0 - none_before,
    }
}
