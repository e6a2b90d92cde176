//! Cox's test of calibration.

use mlops_core::evidence::PValue;
use mlops_core::{Error, Result};
use statrs::distribution::{ChiSquared, ContinuousCDF, FisherSnedecor};

use super::Scored;

/// Units that are needed: two for the statistic, two for its variance.
const FEWEST: usize = 4;

/// Sums over rows of (label − p) and (label − p)·logit, against their variance if p is right.
pub(super) fn calibration_test(scored: &Scored) -> Result<PValue> {
    if scored.rows.are_declared() {
        return Err(Error::invalid(
            "rows of a test of calibration must have no weights",
        ));
    }
    let units = scored.rows.units_held();
    if units < FEWEST {
        return Err(Error::invalid(format!(
            "a test of calibration needs at least {FEWEST} units, got {units}"
        )));
    }
    let rows = scored.labels.iter().zip(&scored.probabilities);
    let scores: Vec<[f64; 2]> = rows
        .map(|(label, p)| {
            let gap = f64::from(u8::from(*label)) - p;
            [gap, gap * logit(*p)]
        })
        .collect();
    let by_unit = [0, 1].map(|of| {
        let terms = scores.iter().map(|score| score[of]);
        scored.rows.clusters.sums(terms.enumerate())
    });
    let sums = [0, 1].map(|of| by_unit[of].iter().sum::<f64>());
    let (n, independent) = (units as f64, units == scored.len());
    let variance = |a: usize, b: usize| -> f64 {
        if independent {
            let terms = scored.probabilities.iter();
            let power = |p: f64| [1.0, logit(p)];
            terms
                .map(|p| p * (1.0 - p) * power(*p)[a] * power(*p)[b])
                .sum()
        } else {
            let pairs = by_unit[a].iter().zip(&by_unit[b]);
            let products: f64 = pairs
                .map(|(x, y)| (x - sums[a] / n) * (y - sums[b] / n))
                .sum();
            products * n / (n - 1.0)
        }
    };
    let (level, both, slope) = (variance(0, 0), variance(0, 1), variance(1, 1));
    let determinant = level * slope - both * both;
    let statistic = (slope * sums[0] * sums[0] - 2.0 * both * sums[0] * sums[1]
        + level * sums[1] * sums[1])
        / determinant;
    if !statistic.is_finite() || determinant <= 1e-12 * level * slope {
        return Err(Error::invalid(
            "a test of calibration needs probabilities that differ and are not all 0 or 1",
        ));
    }
    let law = |error: &dyn std::fmt::Display| Error::invalid(format!("{units} units: {error}"));
    let p = if independent {
        ChiSquared::new(2.0).map_err(|e| law(&e))?.sf(statistic)
    } else {
        let scaled = statistic * (n - 2.0) / (2.0 * (n - 1.0));
        FisherSnedecor::new(2.0, n - 2.0)
            .map_err(|e| law(&e))?
            .sf(scaled)
    };
    Ok(PValue::saturating(p))
}

/// Of a probability kept one machine epsilon away from 0 and 1.
fn logit(p: f64) -> f64 {
    let p = p.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
    (p / (1.0 - p)).ln()
}
