use std::collections::BTreeMap;

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::Estimate;
use super::rows::{Weighted, mean, same_length, weighted_rows};

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
    /// Per query, relevances by falling score.
    lists: Vec<Vec<f64>>,
    pub(super) rows: Weighted,
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
    /// Rows of (query, relevance, score): higher scores come first, equal ones in their given order; an item
    /// of a relevance above 0 is relevant.
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
        let mut by_query: BTreeMap<u64, Vec<(f64, f64)>> = BTreeMap::new();
        for ((query, relevance), score) in queries.iter().zip(relevances).zip(scores) {
            by_query
                .entry(*query)
                .or_default()
                .push((*score, *relevance));
        }
        let lists: Vec<Vec<f64>> = by_query.into_values().map(ranked).collect();
        Ok(Self {
            rows: Weighted::rows(lists.len()),
            lists,
        })
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

    pub(super) fn by_query(&self, k: usize) -> Result<Vec<RankingMetrics>> {
        self.each(k, of_list)
    }

    /// What each list would have on average in random order.
    pub(super) fn random_by_query(&self, k: usize) -> Result<Vec<RankingMetrics>> {
        self.each(k, of_random_order)
    }

    fn each(
        &self,
        k: usize,
        of_list: fn(&[f64], usize) -> RankingMetrics,
    ) -> Result<Vec<RankingMetrics>> {
        if k == 0 {
            return Err(Error::invalid("k must be at least 1, got 0"));
        }
        Ok(self.lists.iter().map(|list| of_list(list, k)).collect())
    }

    /// Some of the queries.
    pub(super) fn part(&self, queries: &[usize]) -> Self {
        Self {
            lists: queries
                .iter()
                .map(|query| self.lists[*query].clone())
                .collect(),
            rows: self.rows.part(queries),
        }
    }
}

weighted_rows!(
    Ranking,
    "# let rows = mlops_drift::performance::Ranking::new(&[1, 2, 3, 4], &[1.0; 4], &[0.5; 4])?;"
);

fn ranked(mut items: Vec<(f64, f64)>) -> Vec<f64> {
    items.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    items.into_iter().map(|(_, relevance)| relevance).collect()
}

fn of_list(list: &[f64], k: usize) -> RankingMetrics {
    let relevant = list.iter().filter(|relevance| **relevance > 0.0).count();
    if relevant == 0 {
        return RankingMetrics::default();
    }
    let mut ideal = list.to_vec();
    ideal.sort_unstable_by(|a, b| b.total_cmp(a));
    let ranks = list.iter().take(k).enumerate();
    let hits: Vec<usize> = ranks
        .filter(|(_, r)| **r > 0.0)
        .map(|(i, _)| i + 1)
        .collect();
    let precisions = hits
        .iter()
        .enumerate()
        .map(|(found, rank)| (found + 1) as f64 / *rank as f64);
    RankingMetrics {
        ndcg: gain(list, k) / gain(&ideal, k),
        map: precisions.sum::<f64>() / relevant.min(k) as f64,
        mrr: hits.first().map_or(0.0, |rank| 1.0 / *rank as f64),
        precision: hits.len() as f64 / k as f64,
        recall: hits.len() as f64 / relevant as f64,
        hit_rate: f64::from(u8::from(!hits.is_empty())),
    }
}

fn gain(relevances: &[f64], k: usize) -> f64 {
    let ranks = relevances.iter().take(k).zip(2_u32..);
    ranks
        .map(|(relevance, next)| relevance / f64::from(next).log2())
        .sum()
}

/// Expectations over all orders of the list, of `relevant` out of `items`.
fn of_random_order(list: &[f64], k: usize) -> RankingMetrics {
    let relevant = list.iter().filter(|relevance| **relevance > 0.0).count();
    if relevant == 0 {
        return RankingMetrics::default();
    }
    let (items, hits, shown) = (list.len() as f64, relevant as f64, list.len().min(k));
    let mut ideal = list.to_vec();
    ideal.sort_unstable_by(|a, b| b.total_cmp(a));
    let mean_relevance = list.iter().sum::<f64>() / items;
    // Given a hit at a rank, any other item is one with this probability.
    let another = if items > 1.0 {
        (hits - 1.0) / (items - 1.0)
    } else {
        0.0
    };
    let (mut precisions, mut reciprocal, mut none_before) = (0.0, 0.0, 1.0);
    for rank in 1..=shown {
        let (rank, before) = (rank as f64, (rank - 1) as f64);
        precisions += hits / items * (1.0 + before * another) / rank;
        let first = hits / (items - before);
        reciprocal += none_before * first.min(1.0) / rank;
        none_before *= 1.0 - first.min(1.0);
    }
    RankingMetrics {
        ndcg: gain(&vec![mean_relevance; list.len()], k) / gain(&ideal, k),
        map: precisions / relevant.min(k) as f64,
        mrr: reciprocal,
        precision: hits / items * shown as f64 / k as f64,
        recall: shown as f64 / items,
        hit_rate: 1.0 - none_before,
    }
}
