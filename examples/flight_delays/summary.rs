//! What the run leaves for machines: `summary.json`.

use std::time::Duration;

use mlops_core::evidence::Evidence;
use mlops_core::{AliasChange, Event, ModelRegistry, Result};
use mlops_drift::performance::{Estimate, Loss, paired_difference};
use serde::Serialize;
use serde_json::Value;

use crate::replay::{Replay, Week};
use crate::scores::WeekScores;
use crate::tables::Tables;

/// The summary. Times are RFC 3339. The same seed gives the same one, but for `elapsed_s`.
#[derive(Serialize)]
pub(crate) struct Summary {
    pub(crate) rows: Rows,
    pub(crate) versions: Vec<Version>,
    pub(crate) weeks: Vec<WeekLine>,
    pub(crate) decisions: Vec<Decision>,
    pub(crate) loop_against_version_1: Comparison,
    pub(crate) seed: u64,
    pub(crate) elapsed_s: f64,
}

#[derive(Serialize)]
pub(crate) struct Rows {
    pub(crate) flights: usize,
    pub(crate) weather: usize,
    pub(crate) planes: usize,
    pub(crate) airports: usize,
    pub(crate) airlines: usize,
    /// Flights that never arrived where they were bound for.
    pub(crate) cancelled_or_diverted: usize,
    /// Flights bound for an airport whose time zone is not in the tables: their arrival is taken from
    /// the time in the air.
    pub(crate) without_time_zone: usize,
    pub(crate) requests: usize,
    pub(crate) labels: usize,
    pub(crate) unlabelled: usize,
    /// Served rows whose features differ from the offline join.
    pub(crate) online_offline_mismatches: usize,
}

#[derive(Serialize)]
pub(crate) struct Version {
    pub(crate) version: u32,
    pub(crate) alias_history: Vec<AliasChange>,
    pub(crate) trained_from: String,
    pub(crate) trained_to: String,
    pub(crate) holdout_auc: f64,
}

#[derive(Serialize)]
pub(crate) struct WeekLine {
    pub(crate) week_start: String,
    pub(crate) requests: usize,
    pub(crate) labels: usize,
    pub(crate) champion_version: u32,
    pub(crate) auc: Option<f64>,
    pub(crate) auc_low: Option<f64>,
    pub(crate) auc_high: Option<f64>,
    pub(crate) auc_version_1: Option<f64>,
    pub(crate) drifted_features: Vec<String>,
}

#[derive(Serialize)]
pub(crate) struct Decision {
    pub(crate) time: String,
    pub(crate) kind: String,
    pub(crate) version: u64,
    pub(crate) requests_exposed: u64,
    pub(crate) evidence: Vec<Evidence>,
}

/// Did the loop help? What was served against version 1, on the same requests.
#[derive(Serialize)]
pub(crate) struct Comparison {
    pub(crate) labels: usize,
    pub(crate) auc_served: f64,
    pub(crate) auc_version_1: f64,
    /// Brier loss of what was served less that of version 1: below 0 the loop helped.
    pub(crate) brier_difference: f64,
    pub(crate) brier_difference_low: f64,
    pub(crate) brier_difference_high: f64,
}

impl Summary {
    /// Gathers it from the replay and from what the store has recorded.
    pub(crate) async fn of(
        replay: &Replay,
        tables: &Tables,
        seed: u64,
        elapsed: Duration,
    ) -> Result<Self> {
        let weeks = replay.weeks.iter().zip(&replay.scores);
        Ok(Self {
            rows: rows(replay, tables),
            versions: versions(replay).await?,
            weeks: weeks.map(|(week, scores)| line(week, scores)).collect(),
            decisions: replay.decisions().await?.iter().map(decision).collect(),
            loop_against_version_1: compared(&replay.scores)?,
            seed,
            elapsed_s: elapsed.as_secs_f64(),
        })
    }

    /// As JSON, for people as well.
    pub(crate) fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// A few lines for the terminal.
    pub(crate) fn in_short(&self) -> String {
        let count = |kind: &str| self.decisions.iter().filter(|d| d.kind == kind).count();
        let comparison = &self.loop_against_version_1;
        format!(
            "{} flights, {} requests, {} labels in {:.1} s\n\
             {} versions registered, {} promoted, {} rolled back\n\
             AUC served {:.4}, version 1 alone {:.4}; Brier loss less that of version 1: {:.5} in [{:.5}, {:.5}]",
            self.rows.flights,
            self.rows.requests,
            self.rows.labels,
            self.elapsed_s,
            count("registered"),
            count("promoted"),
            count("rolled_back"),
            comparison.auc_served,
            comparison.auc_version_1,
            comparison.brier_difference,
            comparison.brier_difference_low,
            comparison.brier_difference_high,
        )
    }
}

fn rows(replay: &Replay, tables: &Tables) -> Rows {
    let flights = &replay.trainer.flights;
    Rows {
        flights: tables.flights.num_rows(),
        weather: tables.weather.num_rows(),
        planes: tables.planes.num_rows(),
        airports: tables.airports.num_rows(),
        airlines: tables.airlines.num_rows(),
        cancelled_or_diverted: tables.flights["arr_delay"].null_count(),
        without_time_zone: flights.without_zone,
        requests: replay.weeks.iter().map(|week| week.requests).sum(),
        labels: replay.scores.iter().map(|scores| scores.labels.len()).sum(),
        unlabelled: replay.scores.iter().map(|scores| scores.unlabelled).sum(),
        online_offline_mismatches: replay.mismatches,
    }
}

async fn versions(replay: &Replay) -> Result<Vec<Version>> {
    let history = replay
        .trainer
        .store
        .alias_history(&replay.trainer.model)
        .await?;
    let version = |record: &crate::replay::VersionRecord| {
        let number = Some(record.number);
        let concerns = |change: &&AliasChange| change.from == number || change.to == number;
        Version {
            version: record.number.get(),
            alias_history: history.iter().filter(concerns).cloned().collect(),
            trained_from: record.window.from.to_string(),
            trained_to: record.window.to.to_string(),
            holdout_auc: record.holdout_auc,
        }
    };
    Ok(replay.versions.iter().map(version).collect())
}

fn line(week: &Week, scores: &WeekScores) -> WeekLine {
    // A week without both outcomes has no AUC.
    let auc: Option<Estimate> = scores.served().and_then(|scored| scored.auc()).ok();
    let version_1 = scores.version_1().and_then(|scored| scored.auc()).ok();
    WeekLine {
        week_start: week.start.to_string(),
        requests: week.requests,
        labels: scores.labels.len(),
        champion_version: week.champion.get(),
        auc: auc.as_ref().map(|auc| auc.value),
        auc_low: auc.as_ref().map(|auc| auc.interval.low()),
        auc_high: auc.as_ref().map(|auc| auc.interval.high()),
        auc_version_1: version_1.map(|auc| auc.value),
        drifted_features: week.drift.verdict.material_columns.clone(),
    }
}

fn decision(event: &Event) -> Decision {
    let number = |key: &str| {
        event
            .what
            .details
            .get(key)
            .and_then(Value::as_u64)
            .unwrap_or(0)
    };
    // Latency is measured on the machine's own clock: the one piece of evidence that no seed repeats.
    let repeats = |evidence: &&Evidence| evidence.name != "canary latency";
    Decision {
        time: event.time.to_string(),
        kind: event.what.kind.clone(),
        version: number("version"),
        requests_exposed: number("requests_exposed"),
        evidence: event
            .what
            .evidence
            .iter()
            .filter(repeats)
            .cloned()
            .collect(),
    }
}

fn compared(weeks: &[WeekScores]) -> Result<Comparison> {
    let mut all = WeekScores::default();
    for week in weeks {
        all.served.extend(&week.served);
        all.version_1.extend(&week.version_1);
        all.labels.extend(&week.labels);
        all.units.extend(&week.units);
    }
    let (served, version_1) = (all.served()?, all.version_1()?);
    let difference = paired_difference(&version_1, &served, Loss::Brier)?;
    Ok(Comparison {
        labels: all.labels.len(),
        auc_served: served.auc()?.value,
        auc_version_1: version_1.auc()?.value,
        brier_difference: difference.value,
        brier_difference_low: difference.interval.low(),
        brier_difference_high: difference.interval.high(),
    })
}
