//! What the labels say: scores by week, and paired losses by unit for the rollout.

use std::collections::BTreeMap;

use mlops_core::{Result, VersionNumber};
use mlops_drift::performance::Scored;
use mlops_serve::Stage;

/// What is kept of a request until its label is due.
pub(crate) struct Kept {
    pub(crate) row: usize,
    pub(crate) week: usize,
    pub(crate) served: f64,
    pub(crate) version_1: f64,
    pub(crate) pair: Option<Pair>,
}

/// Champion and challenger on the same request, while a rollout was under way.
pub(crate) struct Pair {
    pub(crate) stage: Stage,
    pub(crate) challenger: VersionNumber,
    pub(crate) champion_probability: f64,
    pub(crate) challenger_probability: f64,
}

/// Probabilities with their labels, of one week.
#[derive(Default)]
pub(crate) struct WeekScores {
    pub(crate) served: Vec<f64>,
    pub(crate) version_1: Vec<f64>,
    pub(crate) labels: Vec<bool>,
    pub(crate) units: Vec<u64>,
    pub(crate) unlabelled: usize,
}

impl WeekScores {
    /// Takes in a request that has settled.
    pub(crate) fn settle(&mut self, kept: &Kept, unit: u64, label: Option<bool>) {
        let Some(label) = label else {
            self.unlabelled += 1;
            return;
        };
        self.served.push(kept.served);
        self.version_1.push(kept.version_1);
        self.labels.push(label);
        self.units.push(unit);
    }

    /// What was served, to be scored by unit.
    pub(crate) fn served(&self) -> Result<Scored> {
        Scored::new(&self.labels, &self.served)?.units(&self.units)
    }

    /// What version 1 would have served, to be scored by unit.
    pub(crate) fn version_1(&self) -> Result<Scored> {
        Scored::new(&self.labels, &self.version_1)?.units(&self.units)
    }
}

/// Sums paired differences of the Brier loss until their unit is complete.
#[derive(Default)]
pub(crate) struct UnitLosses {
    open: BTreeMap<(u64, bool), (Stage, f64, u32)>,
}

impl UnitLosses {
    /// Takes in one labelled pair.
    pub(crate) fn add(&mut self, unit: u64, pair: &Pair, label: bool) {
        let outcome = f64::from(u8::from(label));
        let loss = |probability: f64| (probability - outcome).powi(2);
        let difference = loss(pair.challenger_probability) - loss(pair.champion_probability);
        let shadow = pair.stage == Stage::Shadow;
        let entry = self
            .open
            .entry((unit, shadow))
            .or_insert((pair.stage, 0.0, 0));
        entry.1 += difference;
        entry.2 += 1;
    }

    /// Gives out the mean difference of every unit before `unit`, in order: labels come in order of
    /// request, so nothing more will come for those.
    pub(crate) fn complete_before(&mut self, unit: u64) -> Vec<(Stage, f64)> {
        let rest = self.open.split_off(&(unit, false));
        let complete = std::mem::replace(&mut self.open, rest);
        let mean = |(stage, sum, count): (Stage, f64, u32)| (stage, sum / f64::from(count));
        complete.into_values().map(mean).collect()
    }

    /// Forgets what is open: the rollout that it belonged to has ended.
    pub(crate) fn clear(&mut self) {
        self.open.clear();
    }
}
