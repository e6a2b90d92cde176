use mlops_core::evidence::Interval;
use mlops_core::{Error, Result};

use super::estimate::normal_quantile;
use super::{Estimate, Scored};

pub(super) fn accuracy(scored: &Scored, threshold: f64) -> Result<Estimate> {
    if !(0.0..=1.0).contains(&threshold) {
        return Err(Error::invalid(format!(
            "threshold must lie in [0, 1], got {threshold}"
        )));
    }
    let rows = scored.labels.iter().zip(&scored.probabilities);
    let hits: Vec<f64> = rows
        .map(|(&label, &p)| f64::from(u8::from((p >= threshold) == label)))
        .collect();
    let share = hits.iter().sum::<f64>() / hits.len() as f64;
    let rows = effective_rows(scored, &hits, share);
    let (low, high) = wilson(share, rows, normal_quantile(scored.confidence));
    Ok(Estimate {
        value: share,
        interval: Interval::new(low.min(share), high.max(share), scored.confidence)?,
        n: hits.len(),
        units: scored.clusters.count(),
    })
}

/// n over the design effect, at most n; the number of units where the effect is undefined (all hits
/// or none, or a single unit). Both variances have the divisor less one, so that independent rows have
/// an effect of exactly 1.
fn effective_rows(scored: &Scored, hits: &[f64], share: f64) -> f64 {
    let (rows, units) = (hits.len() as f64, scored.clusters.count());
    let plain = share * (1.0 - share) / (rows - 1.0).max(1.0);
    if plain == 0.0 || units < 2 {
        return units as f64;
    }
    let design_effect = scored.clusters.variance_of_mean(hits, share) / plain;
    rows / design_effect.max(1.0)
}

fn wilson(share: f64, rows: f64, z: f64) -> (f64, f64) {
    let z2 = z * z / rows;
    let centre = (share + z2 / 2.0) / (1.0 + z2);
    let radius = z / (1.0 + z2) * (share * (1.0 - share) / rows + z2 / (4.0 * rows)).sqrt();
    ((centre - radius).max(0.0), (centre + radius).min(1.0))
}
