//! What the run leaves for people: `report.html`, which opens without a network.

use std::collections::BTreeSet;

use askama::Template;
use mlops_core::evidence::{Evidence, Measure};
use mlops_core::{Error, ErrorKind, Result};
use mlops_drift::report::ColumnReport;
use mlops_drift::report::chart::{HeatMap, LineChart, Timeline};

use crate::replay::Replay;
use crate::summary::{Decision, Summary, Version};

#[derive(Template)]
#[template(path = "flight_delays.html")]
struct Page<'a> {
    summary: &'a Summary,
    charts: Vec<String>,
    versions: Vec<VersionRow<'a>>,
    decisions: Vec<DecisionRow<'a>>,
    helped: &'static str,
}

struct VersionRow<'a> {
    version: &'a Version,
    fate: String,
}

struct DecisionRow<'a> {
    decision: &'a Decision,
    /// What there is evidence of.
    in_short: String,
    evidence: Vec<String>,
}

/// The page.
pub(crate) fn render(replay: &Replay, summary: &Summary) -> Result<String> {
    let page = Page {
        charts: vec![
            performance(summary),
            drift(replay, summary),
            timeline(summary),
        ],
        versions: summary
            .versions
            .iter()
            .map(|version| VersionRow {
                version,
                fate: fate(summary, version),
            })
            .collect(),
        decisions: summary.decisions.iter().map(decision_row).collect(),
        helped: helped(summary),
        summary,
    };
    page.render()
        .map_err(|e| Error::new(ErrorKind::Internal, "cannot render the report").source(e))
}

fn days(summary: &Summary) -> Vec<&str> {
    summary
        .weeks
        .iter()
        .map(|week| day(&week.week_start))
        .collect()
}

/// The date of a time in RFC 3339.
fn day(time: &str) -> &str {
    time.get(..10).unwrap_or(time)
}

/// The week in which a decision was taken.
fn week_of(summary: &Summary, decision: &Decision) -> usize {
    let started = |week: &&crate::summary::WeekLine| week.week_start <= decision.time;
    summary
        .weeks
        .iter()
        .filter(started)
        .count()
        .saturating_sub(1)
}

fn performance(summary: &Summary) -> String {
    let weeks = &summary.weeks;
    let mut chart = LineChart::new(
        "AUC by week, with 95 % intervals by origin-hour",
        days(summary),
    )
    .series("served", weeks.iter().map(|week| week.auc))
    .band(
        "served",
        weeks.iter().map(|week| week.auc_low.zip(week.auc_high)),
    )
    .series(
        "version 1, never retrained",
        weeks.iter().map(|week| week.auc_version_1),
    )
    .y_title("AUC");
    for decision in &summary.decisions {
        let caption = match decision.kind.as_str() {
            "promoted" => format!("v{} promoted", decision.version),
            "rolled_back" => format!("v{} rolled back", decision.version),
            _ => continue,
        };
        chart = chart.marker(days(summary)[week_of(summary, decision)], caption);
    }
    chart.to_svg()
}

/// Effect sizes in units of the declared minimum: 1 is where drift starts to matter.
fn drift(replay: &Replay, summary: &Summary) -> String {
    let Some(first) = replay.weeks.first() else {
        return String::new();
    };
    let columns: Vec<&str> = first
        .drift
        .columns
        .iter()
        .map(|column| column.column.as_str())
        .collect();
    let mut map = HeatMap::new(
        "Drift by feature and week: effect size over the declared minimum (1 = it matters)",
        columns.iter().copied(),
        days(summary),
    )
    .ceiling(3.0);
    for name in columns {
        let reports: Vec<Option<&ColumnReport>> = replay
            .weeks
            .iter()
            .map(|week| week.drift.column(name))
            .collect();
        map = map
            .row(
                reports
                    .iter()
                    .map(|report| report.and_then(relative_effect)),
            )
            .tooltips(
                reports
                    .iter()
                    .map(|report| report.map_or(String::new(), |report| report.reason.clone())),
            );
    }
    map.to_svg()
}

fn relative_effect(report: &ColumnReport) -> Option<f64> {
    let least = report.minimum_effects.first()?;
    Some(report.effect(least.measure())?.get() / least.get())
}

fn timeline(summary: &Summary) -> String {
    let mut chart = Timeline::new("Which version did what", days(summary));
    let weeks: Vec<u32> = summary
        .weeks
        .iter()
        .map(|week| week.champion_version)
        .collect();
    let mut start = 0;
    for run in weeks.chunk_by(|a, b| a == b) {
        chart = chart.interval("champion", format!("v{}", run[0]), start, start + run.len());
        start += run.len();
    }
    let mut since = None;
    for decision in &summary.decisions {
        let week = week_of(summary, decision);
        match decision.kind.as_str() {
            "shadow_started" => since = Some(week),
            "promoted" | "rolled_back" => {
                let from = since.take().unwrap_or(week);
                chart = chart.interval(
                    "challenger",
                    format!("v{}", decision.version),
                    from,
                    week + 1,
                );
            }
            _ => {}
        }
        if !matches!(
            decision.kind.as_str(),
            "drift_detected" | "canary_step" | "registered"
        ) {
            let of = match decision.kind.as_str() {
                "retrain_started" => String::new(),
                _ => format!(" v{}", decision.version),
            };
            let kind = decision.kind.replace('_', " ");
            chart = chart.event(week, format!("{kind}{of}, {}", day(&decision.time)));
        }
    }
    if let Some(from) = since {
        let last = summary.versions.last().map_or(0, |version| version.version);
        chart = chart.interval("challenger", format!("v{last}"), from, summary.weeks.len());
    }
    chart.to_svg()
}

fn fate(summary: &Summary, version: &Version) -> String {
    let of_version = |decision: &&Decision| decision.version == u64::from(version.version);
    let kinds = ["promoted", "rolled_back", "gate_failed"];
    let last = summary
        .decisions
        .iter()
        .filter(of_version)
        .rfind(|d| kinds.contains(&d.kind.as_str()));
    match last {
        Some(decision) => format!(
            "{} on {}, {} requests exposed",
            decision.kind.replace('_', " "),
            day(&decision.time),
            decision.requests_exposed
        ),
        None if version.version == 1 => "the first champion".to_owned(),
        None => "under trial at the end".to_owned(),
    }
}

fn decision_row(decision: &Decision) -> DecisionRow<'_> {
    let names: BTreeSet<&str> = decision.evidence.iter().map(|e| e.name.as_str()).collect();
    DecisionRow {
        decision,
        in_short: names.into_iter().collect::<Vec<_>>().join(", "),
        evidence: decision.evidence.iter().map(in_words).collect(),
    }
}

fn in_words(evidence: &Evidence) -> String {
    let measure = match &evidence.measure {
        Measure::PValue(p) => format!("p = {:.2e}", p.get()),
        Measure::EValue(e) => format!("e = {:.3e}", e.get()),
        Measure::Distance(distance) => distance.to_string(),
        Measure::Interval(interval) => {
            format!("in {interval} at {:.0} %", 100.0 * interval.confidence())
        }
        Measure::Quantity(value) => format!("{value}"),
        _ => String::new(),
    };
    let level = evidence.level.map_or(String::new(), |level| {
        format!(" at level {:.4}", level.get())
    });
    let claim = if evidence.claim.is_empty() {
        String::new()
    } else {
        format!(": {}", evidence.claim)
    };
    format!("{} {measure}{level}{claim}", evidence.name)
}

fn helped(summary: &Summary) -> &'static str {
    let comparison = &summary.loop_against_version_1;
    if comparison.brier_difference_high < 0.0 {
        "The loop helped: what was served lost surely less than version 1 alone would have."
    } else if comparison.brier_difference_low > 0.0 {
        "The loop hurt: what was served lost surely more than version 1 alone would have."
    } else {
        "Whether the loop helped cannot be told from these labels: the interval holds 0."
    }
}
