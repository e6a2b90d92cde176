use mlops_core::{Error, Result};

use super::auc::Components;
use super::estimate::student_quantile;
use super::rows::same_length;
use super::{Estimate, Loss, Scored};

/// The mean loss of the challenger less that of the champion, on the same rows: below 0 the
/// challenger is better. Pairing takes out what is hard for both.
///
/// **Interval**: Student's t of the differences, by the units of the champion; so an offline gate is
/// `interval.high() < 0`. **Assumption**: independent units, enough of them for the mean to be normal.
/// **Cost**: O(n). **Source**: Diebold & Mariano, "Comparing predictive accuracy", Journal of Business &
/// Economic Statistics 1995.
///
/// # Errors
/// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless labels, weights and units are the same,
/// and for fewer than 2 units.
///
/// ```
/// use mlops_drift::performance::{Loss, Scored, paired_difference};
///
/// let labels = [true, false, true, false];
/// let champion = Scored::new(&labels, &[0.6, 0.4, 0.6, 0.4])?;
/// let challenger = Scored::new(&labels, &[0.9, 0.2, 0.8, 0.1])?;
/// let difference = paired_difference(&champion, &challenger, Loss::Brier)?;
/// assert!(difference.interval.high() < 0.0);
/// # Ok::<(), mlops_core::Error>(())
/// ```
pub fn paired_difference(champion: &Scored, challenger: &Scored, loss: Loss) -> Result<Estimate> {
    same_rows(champion, challenger)?;
    let champions = champion.losses(loss);
    let challengers = challenger.losses(loss);
    let differences: Vec<f64> = challengers
        .iter()
        .zip(&champions)
        .map(|(challenger, champion)| challenger - champion)
        .collect();
    let range = (-loss.greatest(), loss.greatest());
    champion.rows.mean(&differences, range)
}

/// The AUC of the challenger less that of the champion, on the same rows: above 0 the challenger is
/// better.
///
/// **Interval**: Student's t, with the paired variance of DeLong (1988), with units that of Obuchowski (1997).
/// Of width 0 if both order all rows alike. **Cost**: O(n log n).
///
/// # Errors
/// [`InvalidArgument`](mlops_core::ErrorKind::InvalidArgument) unless labels, weights and units are the same
/// and both classes present, each in at least 2 units.
///
/// ```
/// use mlops_drift::performance::{Scored, paired_auc_difference};
///
/// let labels = [true, true, false, false];
/// let champion = Scored::new(&labels, &[0.6, 0.3, 0.4, 0.2])?;
/// let challenger = Scored::new(&labels, &[0.6, 0.5, 0.4, 0.2])?;
/// assert_eq!(paired_auc_difference(&champion, &challenger)?.value, 0.25);
/// # Ok::<(), mlops_core::Error>(())
/// ```
pub fn paired_auc_difference(champion: &Scored, challenger: &Scored) -> Result<Estimate> {
    same_rows(champion, challenger)?;
    let difference = Components::of(challenger)?.minus(&Components::of(champion)?);
    let value = difference.area();
    let (rows, clusters) = (&champion.rows, &champion.rows.clusters);
    // Pairs that all differ alike say nothing of others, which may differ by 1 either way.
    if let Some(share) = difference.unseen(rows.confidence, clusters)? {
        let kept = value * (1.0 - share);
        return rows.figure(value, kept - share, kept + share);
    }
    let error = difference.variance(clusters)?.sqrt();
    let radius = student_quantile(rows.confidence, difference.freedom(clusters))? * error;
    rows.figure(value, (value - radius).max(-1.0), (value + radius).min(1.0))
}

fn same_rows(champion: &Scored, challenger: &Scored) -> Result<()> {
    same_length("rows of the challenger", champion.len(), challenger.len())?;
    if champion.labels != challenger.labels || !champion.rows.same_rows(&challenger.rows) {
        return Err(Error::invalid(
            "champion and challenger must be scored on the same rows: labels, weights or units differ",
        ));
    }
    Ok(())
}
