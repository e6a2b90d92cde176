//! Shares of rows, with Wilson's interval at the effective number of rows; beyond 98 % with that of Clopper and Pearson.
//!
//! With units or weights the design effect is itself an estimate: Student's quantile, with a degree of freedom
//! less than there are units, takes the place of the normal one (Korn & Graubard, "Confidence intervals for
//! proportions with small expected number of positive counts estimated from survey data", Survey Methodology
//! 24, 1998).

use mlops_core::evidence::Interval;
use mlops_core::{Error, Result};
use statrs::distribution::{Beta, ContinuousCDF};

use super::Estimate;
use super::estimate::{normal_quantile, student_quantile};
use super::rows::Weighted;

/// The confidence beyond which an approximate interval is too narrow far out in its tails, as levels shared by many figures need it.
const EXACT: f64 = 0.98;

/// The share of hits among some of the rows, given as (row, hit); `what` says which rows are needed.
pub(super) fn share(
    rows: &Weighted,
    whole: impl Iterator<Item = (usize, bool)>,
    what: &str,
) -> Result<Estimate> {
    let weighing = whole.filter(|(row, _)| rows.get()[*row] > 0.0);
    let whole: Vec<(usize, f64)> = weighing
        .map(|(row, hit)| (row, f64::from(u8::from(hit))))
        .collect();
    if whole.is_empty() {
        return Err(Error::invalid(format!("{what}, got 0")));
    }
    let weight = |row: usize| rows.get()[row];
    let total: f64 = whole.iter().map(|(row, _)| weight(*row)).sum();
    let hits: f64 = whole.iter().map(|(row, hit)| weight(*row) * hit).sum();
    let value = hits / total;
    let effective = effective_rows(rows, &whole, value, total);
    let units = rows.clusters.held_by(whole.iter().map(|(row, _)| *row));
    let (low, high) = match rows.confidence > EXACT {
        true => clopper_pearson(value, effective, rows.confidence)?,
        false => wilson(value, effective, quantile(rows, &whole, units)?),
    };
    Ok(Estimate {
        value,
        interval: Interval::new(low.min(value), high.max(value), rows.confidence)?,
        n: whole.len(),
        units,
    })
}

/// The normal quantile for independent rows of equal weight, else Student's.
fn quantile(rows: &Weighted, whole: &[(usize, f64)], units: usize) -> Result<f64> {
    let first = rows.get()[whole[0].0];
    let alike = whole.iter().all(|(row, _)| rows.get()[*row] == first);
    match units {
        _ if alike && units == whole.len() => Ok(normal_quantile(rows.confidence)),
        0..2 => Err(Error::invalid(format!(
            "an interval needs at least 2 independent units, got {units}"
        ))),
        _ => student_quantile(rows.confidence, (units - 1) as f64),
    }
}

/// n over the design effect, at most n; where the effect is undefined (all hits or none, or a single unit),
/// Kish's effective number of units. Both variances have the divisor less one, so that independent rows of
/// equal weight have an effect of exactly 1.
fn effective_rows(rows: &Weighted, whole: &[(usize, f64)], share: f64, total: f64) -> f64 {
    let n = whole.len() as f64;
    let plain = share * (1.0 - share) / (n - 1.0).max(1.0);
    let units = rows.clusters.held_by(whole.iter().map(|(row, _)| *row));
    if plain == 0.0 || units < 2 {
        return rows.effective_units_of(whole.iter().map(|(row, _)| *row));
    }
    let deviations = whole
        .iter()
        .map(|(row, hit)| (*row, rows.get()[*row] * (hit - share) / total));
    let design_effect = rows.clusters.variance_of_sum(deviations) / plain;
    n / design_effect.max(1.0)
}

fn wilson(share: f64, rows: f64, z: f64) -> (f64, f64) {
    let z2 = z * z / rows;
    let centre = (share + z2 / 2.0) / (1.0 + z2);
    let radius = z / (1.0 + z2) * (share * (1.0 - share) / rows + z2 / (4.0 * rows)).sqrt();
    ((centre - radius).max(0.0), (centre + radius).min(1.0))
}

/// The shares at which so many hits or fewer, and so many or more, have half of the risk each (Clopper & Pearson, "The use of confidence or fiducial
/// limits", Biometrika 26, 1934; at the effective number of rows Korn & Graubard 1998).
fn clopper_pearson(share: f64, rows: f64, confidence: f64) -> Result<(f64, f64)> {
    let risk = (1.0 - confidence) / 2.0;
    let (hits, misses) = (share * rows, (1.0 - share) * rows);
    let end = |a: f64, b: f64, at: f64| -> Result<f64> {
        let law = Beta::new(a, b).map_err(|_| {
            Error::invalid(format!("a share of {share} of {rows} rows has no interval"))
        })?;
        Ok(law.inverse_cdf(at))
    };
    let low = if hits > 0.0 {
        end(hits, misses + 1.0, risk)?
    } else {
        0.0
    };
    let high = if misses > 0.0 {
        end(hits + 1.0, misses, 1.0 - risk)?
    } else {
        1.0
    };
    Ok((low, high))
}
