//! The replay: April to December, hour by hour through the serving path, week by week through the
//! monitor.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use jiff::{SignedDuration, Timestamp};
use mlops_core::evidence::{Distance, Evidence, SignificanceLevel};
use mlops_core::{
    Actor, Alias, DecisionStore, Event, FeatureRequest, FeatureStore, InferenceBackend,
    ModelRegistry, MoveAlias, NewEvent, OnlineReader, Result, Signature, Subject, Tensor, Tensors,
    VersionNumber,
};
use mlops_drift::performance::{Estimate, Loss, paired_difference};
use mlops_drift::{DriftCheck, DriftReport, PreparedCheck};
use mlops_examples::{Training, signature};
use mlops_serve::{
    Answer, LabelQueue, PredictRequest, Prediction, RolloutController, RolloutPlan, Service,
};

use crate::clock::ReplayClock;
use crate::features;
use crate::scores::{Kept, Pair, UnitLosses, WeekScores};
use crate::training::{Trained, Trainer, Window};
use crate::wrong_scale::WrongScale;

/// When the loop retrains, and what a challenger must show offline.
pub(crate) struct Policy {
    /// A numeric column matters when it moved by this many reference standard deviations.
    pub(crate) drift_deviations: f64,
    /// A categorical column matters when this share of its rows changed category.
    pub(crate) drift_share: f64,
    /// Served Brier loss hurts when it is surely above the champion's holdout loss by this.
    pub(crate) hurt_margin: f64,
    /// Time between two retrainings at least.
    pub(crate) cool_down: SignedDuration,
    /// How far back a retraining looks.
    pub(crate) train_on: SignedDuration,
    /// How much at the end is held out for the gate.
    pub(crate) hold_out: SignedDuration,
    /// The challenger's Brier loss on the held-out rows may exceed the champion's by this.
    pub(crate) gate_margin: f64,
    /// The first challenger retrained after this is broken on purpose.
    pub(crate) break_after: Timestamp,
}

/// What is remembered of a version.
pub(crate) struct VersionRecord {
    pub(crate) number: VersionNumber,
    pub(crate) window: Window,
    pub(crate) holdout_auc: f64,
    pub(crate) holdout_brier: f64,
}

/// One replayed week.
pub(crate) struct Week {
    pub(crate) start: Timestamp,
    pub(crate) requests: usize,
    pub(crate) champion: VersionNumber,
    pub(crate) drift: DriftReport,
}

/// The live system and what it has seen so far.
pub(crate) struct Replay {
    pub(crate) trainer: Trainer,
    pub(crate) clock: Arc<ReplayClock>,
    pub(crate) service: Service,
    pub(crate) controller: RolloutController,
    pub(crate) policy: Policy,
    pub(crate) training: Training,
    pub(crate) versions: Vec<VersionRecord>,
    pub(crate) weeks: Vec<Week>,
    /// By week of the request.
    pub(crate) scores: Vec<WeekScores>,
    pub(crate) mismatches: usize,
    champion_reference: PreparedCheck,
    challenger_reference: Option<PreparedCheck>,
    live: Live,
    queue: LabelQueue<Kept, bool>,
    reports: BinaryHeap<Reverse<(i64, usize)>>,
    losses: UnitLosses,
    settled_this_week: WeekScores,
    last_retrain: Timestamp,
    broken: Option<(VersionNumber, Arc<AtomicBool>)>,
    subject: Subject,
    actor: Actor,
}

/// What every request needs, made once.
struct Live {
    signature: Signature,
    requests: Vec<FeatureRequest>,
}

const HOUR: i64 = 3_600_000_000;

impl Replay {
    /// Deploys version 1, as champion and beside all later ones, and stands ready to replay.
    pub(crate) async fn start(
        trainer: Trainer,
        clock: Arc<ReplayClock>,
        service: Service,
        policy: Policy,
        training: Training,
        first: Trained,
    ) -> Result<Self> {
        let now = mlops_core::Clock::now(clock.as_ref());
        let store = Arc::new(trainer.store.clone());
        let (model, number) = (trainer.model.clone(), first.version.number);
        service.deploy(&model, number, first.backend.clone())?;
        service.observe(&model, number, first.backend.clone())?;
        let controller = RolloutController::new(
            service.clone(),
            store.clone(),
            store,
            clock.clone(),
            model.clone(),
        )?;
        let live = Live {
            signature: signature(&trainer.columns)?,
            requests: features::requests()?,
        };
        let replay = Self {
            champion_reference: prepared(&first.reference, &policy)?,
            challenger_reference: None,
            subject: Subject::new(format!("loop:{model}"))?,
            actor: Actor::new("retraining loop")?,
            versions: vec![record(&first)],
            weeks: Vec::new(),
            scores: Vec::new(),
            mismatches: 0,
            queue: LabelQueue::new(),
            reports: BinaryHeap::new(),
            losses: UnitLosses::default(),
            settled_this_week: WeekScores::default(),
            last_retrain: now,
            broken: None,
            trainer,
            clock,
            service,
            controller,
            policy,
            training,
            live,
        };
        replay.registered(&first).await?;
        replay.name_champion(number).await?;
        Ok(replay)
    }

    /// Replays one week, and takes its decisions at the end.
    pub(crate) async fn week(&mut self, start: Timestamp, end: Timestamp) -> Result<()> {
        let rows = self.trainer.flights.between(start, end);
        let champion = self.service.champion(&self.trainer.model)?.0;
        self.scores.push(WeekScores::default());
        let mut served = Vec::new();
        let mut hour = start.as_microsecond().div_euclid(HOUR);
        for group in self.departing_together(rows.clone()) {
            let departs = self.trainer.flights.departs[group.start];
            if departs.div_euclid(HOUR) > hour {
                hour = departs.div_euclid(HOUR);
                self.labels_and_rollout(microseconds(hour * HOUR)?).await?;
            }
            served.push(self.serve(group, microseconds(departs)?).await?);
        }
        self.labels_and_rollout(end).await?;

        let schema = served
            .first()
            .map(RecordBatch::schema)
            .unwrap_or_else(|| self.trainer.entities.schema());
        let served = concat_batches(&schema, &served)?;
        self.mismatches += self.differing(rows.clone(), &served).await?;
        let drift = self.champion_reference.run(&served)?;
        self.weeks.push(Week {
            start,
            requests: rows.len(),
            champion,
            drift,
        });
        self.decide(end).await
    }

    /// Waits for the last labels.
    pub(crate) async fn finish(&mut self, end: Timestamp) -> Result<()> {
        self.labels_and_rollout(end).await
    }

    /// Everything that the loop and the rollouts decided, in order.
    pub(crate) async fn decisions(&self) -> Result<Vec<Event>> {
        let store = &self.trainer.store;
        let rollout = Subject::new(format!("rollout:{}", self.trainer.model))?;
        let mut events = store.events(Some(&self.subject), 0, u32::MAX).await?;
        events.extend(store.events(Some(&rollout), 0, u32::MAX).await?);
        events.sort_by_key(|event| event.sequence);
        Ok(events)
    }

    /// Runs of rows with one scheduled departure.
    fn departing_together(&self, rows: Range<usize>) -> Vec<Range<usize>> {
        let departs = &self.trainer.flights.departs[rows.clone()];
        let mut start = rows.start;
        departs
            .chunk_by(|a, b| a == b)
            .map(|chunk| {
                let group = start..start + chunk.len();
                start = group.end;
                group
            })
            .collect()
    }

    /// Answers the flights that depart now, each a request of its own, on features read online.
    async fn serve(&mut self, rows: Range<usize>, now: Timestamp) -> Result<RecordBatch> {
        self.clock.set(now);
        let store = self.trainer.features.clone();
        store.materialize(&features::weather_view()?, now).await?;
        let entities = self.trainer.entities.slice(rows.start, rows.len());
        let online = store.read(&entities, now, &self.live.requests)?;
        let table = features::side_by_side(&entities, &online)?;
        let inputs = Tensors::from_batch(&table, self.live.signature.inputs())?;
        let inputs = inputs.get("features")?;
        let width = self.trainer.columns.len();
        for (offset, row) in rows.enumerate() {
            let values = inputs.elements().slice(offset * width, width);
            let one = Tensors::new([Tensor::new("features", [1, width], values)?])?;
            self.answer(row, one)?;
        }
        Ok(table)
    }

    fn answer(&mut self, row: usize, inputs: Tensors) -> Result<()> {
        let id = self.trainer.flights.ids[row].clone();
        let request = PredictRequest::new(self.trainer.model.clone(), id.clone(), inputs);
        let answer = self.service.predict(&request)?;
        let probability = |version: VersionNumber| answer.of(version).and_then(Prediction::first);
        let served = probability(answer.version).unwrap_or(f64::NAN);
        let kept = Kept {
            row,
            week: self.weeks.len(),
            served,
            version_1: probability(self.versions[0].number).unwrap_or(served),
            pair: self.pair(&answer)?,
        };
        let due = microseconds(self.trainer.flights.matures[row])?;
        self.queue.expect(id, due, kept)?;
        if let Some(time) = self.trainer.flights.reports[row] {
            self.reports.push(Reverse((time, row)));
        }
        Ok(())
    }

    /// Champion and challenger on one request: all in shadow, the challenger's own in the canary.
    fn pair(&self, answer: &Answer) -> Result<Option<Pair>> {
        let Some(stage) = answer.stage.filter(|stage| !stage.is_final()) else {
            return Ok(None);
        };
        let versions = self.service.with_rollout(&self.trainer.model, |rollout| {
            (rollout.champion(), rollout.challenger())
        })?;
        let probability = |version| answer.of(version).and_then(Prediction::first);
        let both = probability(versions.0).zip(probability(versions.1));
        Ok(
            both.map(|(champion_probability, challenger_probability)| Pair {
                stage,
                challenger: versions.1,
                champion_probability,
                challenger_probability,
            }),
        )
    }

    /// Labels that have arrived are reported, those that are due are scored, and the rollout decides.
    async fn labels_and_rollout(&mut self, now: Timestamp) -> Result<()> {
        self.clock.set(now);
        while let Some(Reverse((time, row))) = self.reports.peek().copied() {
            if time > now.as_microsecond() {
                break;
            }
            self.reports.pop();
            if let Some(late) = self.trainer.flights.late[row] {
                self.queue.report(&self.trainer.flights.ids[row], late)?;
            }
        }
        let challenger = self.challenger();
        let mut last_unit = None;
        for settled in self.queue.advance(now) {
            let (kept, label) = (settled.prediction, settled.label);
            let unit = self.trainer.flights.units[kept.row];
            last_unit = Some(unit);
            self.settled_this_week.settle(&kept, unit, label);
            if let Some((pair, label)) = kept.pair.as_ref().zip(label)
                && Some(pair.challenger) == challenger
            {
                self.losses.add(unit, pair, label);
            }
            self.scores[kept.week].settle(&kept, unit, label);
        }
        if challenger.is_some() {
            self.weigh(last_unit).await?;
        }
        Ok(())
    }

    /// The version that is tried, while a rollout is under way.
    fn challenger(&self) -> Option<VersionNumber> {
        self.service
            .with_rollout(&self.trainer.model, |rollout| rollout.challenger())
            .ok()
    }

    /// Feeds complete units to the judge and lets it decide.
    async fn weigh(&mut self, last_unit: Option<u64>) -> Result<()> {
        // The three origins of the hour under way are not complete yet.
        let complete = last_unit.map_or(0, |unit| unit / 3 * 3);
        for (stage, difference) in self.losses.complete_before(complete) {
            self.service.with_rollout(&self.trainer.model, |rollout| {
                rollout.observe_loss(stage, difference)
            })??;
        }
        let Some(event) = self.controller.tick().await? else {
            return Ok(());
        };
        match event.what.kind.as_str() {
            "canary_started" => self.switch_bug(true),
            "promoted" => {
                self.losses.clear();
                if let Some(reference) = self.challenger_reference.take() {
                    self.champion_reference = reference;
                }
            }
            "rolled_back" => {
                self.losses.clear();
                self.switch_bug(false);
            }
            _ => {}
        }
        Ok(())
    }

    fn switch_bug(&self, on: bool) {
        if let Some((version, live)) = &self.broken {
            let under_trial = self
                .versions
                .last()
                .is_some_and(|last| last.number == *version);
            live.store(on && under_trial, Ordering::Relaxed);
        }
    }

    /// The week's decisions: is there drift that matters, does it hurt, is it time to retrain?
    async fn decide(&mut self, now: Timestamp) -> Result<()> {
        let Some(drift) = self.weeks.last().map(|week| week.drift.clone()) else {
            return Ok(());
        };
        let champion = self.service.champion(&self.trainer.model)?.0;
        if drift.verdict.material {
            let columns = drift.verdict.material_columns.clone();
            let event = NewEvent::new("drift_detected", self.actor.clone())
                .detail("version", champion.get())
                .detail("columns", columns);
            let evidence = drift.material_evidence().into_iter();
            self.record(evidence.fold(event, NewEvent::evidence))
                .await?;
        }
        let loss = std::mem::take(&mut self.settled_this_week)
            .served()
            .and_then(|s| s.brier())
            .ok();
        let bound = self.holdout_brier(champion) + self.policy.hurt_margin;
        let hurts = loss.filter(|loss| loss.interval.low() > bound);
        let rested = now.duration_since(self.last_retrain) >= self.policy.cool_down;
        if rested && self.challenger().is_none() && (drift.verdict.material || hurts.is_some()) {
            self.retrain(now, &drift, hurts).await?;
        }
        Ok(())
    }

    async fn retrain(
        &mut self,
        now: Timestamp,
        drift: &DriftReport,
        hurts: Option<Estimate>,
    ) -> Result<()> {
        self.last_retrain = now;
        let reason = match hurts {
            Some(_) => "it hurts",
            None => "drift beyond the declared effect size",
        };
        let hurts = hurts.map(|loss| loss.evidence("served brier loss"));
        let champion = self.service.champion(&self.trainer.model)?.0;
        let event = NewEvent::new("retrain_started", self.actor.clone())
            .detail("version", champion.get())
            .detail("why", reason)
            .detail("columns", drift.verdict.material_columns.clone());
        let evidence = hurts.into_iter().chain(drift.material_evidence());
        self.record(evidence.fold(event, NewEvent::evidence))
            .await?;

        let cut = shifted(now, -self.policy.hold_out)?;
        let window = Window {
            from: shifted(cut, -self.policy.train_on)?.max(self.versions[0].window.from),
            to: cut,
        };
        let holdout = Window { from: cut, to: now };
        let training = Training {
            seed: self.training.seed + self.versions.len() as u64,
            ..self.training.clone()
        };
        let trained = self.trainer.train(window, holdout, now, &training).await?;
        self.registered(&trained).await?;
        self.versions.push(record(&trained));
        if self.gate(&trained).await? {
            self.roll_out(&trained, now).await?;
        }
        Ok(())
    }

    /// The offline gate: on rows that neither has seen, is the challenger surely not worse by more than
    /// the margin?
    async fn gate(&self, trained: &Trained) -> Result<bool> {
        let (number, champion) = self.service.champion(&self.trainer.model)?;
        let challenger = trained.holdout.scored(trained.backend.as_ref())?;
        let champion = trained.holdout.scored(champion.as_ref())?;
        let difference = paired_difference(&champion, &challenger, Loss::Brier)?;
        let passed = difference.interval.high() < self.policy.gate_margin;
        let claim = format!(
            "brier loss less that of version {number} is {:.4} in {} over {} units; it must lie below {}",
            difference.value, difference.interval, difference.units, self.policy.gate_margin
        );
        let kind = if passed { "gate_passed" } else { "gate_failed" };
        let event = NewEvent::new(kind, self.actor.clone())
            .detail("version", trained.version.number.get())
            .detail("against", number.get())
            .evidence(Evidence::new("holdout loss difference", difference.interval).saying(claim));
        self.record(event).await?;
        Ok(passed)
    }

    async fn roll_out(&mut self, trained: &Trained, now: Timestamp) -> Result<()> {
        let number = trained.version.number;
        let mut backend = trained.backend.clone();
        if self.broken.is_none() && now >= self.policy.break_after {
            let live = Arc::new(AtomicBool::new(false));
            backend = self.with_bug(backend, live.clone());
            self.broken = Some((number, live));
        }
        self.challenger_reference = Some(prepared(&trained.reference, &self.policy)?);
        self.controller
            .start(number, backend, RolloutPlan::default())
            .await?;
        Ok(())
    }

    /// Temperature in tenths of a degree, as some weather feeds send it.
    fn with_bug(
        &self,
        backend: Arc<dyn InferenceBackend>,
        live: Arc<AtomicBool>,
    ) -> Arc<dyn InferenceBackend> {
        let column = self
            .trainer
            .columns
            .iter()
            .position(|name| name == "temp")
            .unwrap_or(0);
        Arc::new(WrongScale::new(backend, column, 10.0, live))
    }

    async fn registered(&self, trained: &Trained) -> Result<()> {
        let event = NewEvent::new("registered", self.actor.clone())
            .detail("version", trained.version.number.get())
            .evidence(trained.holdout_auc.evidence("holdout auc"))
            .evidence(trained.holdout_brier.evidence("holdout brier loss"));
        self.record(event).await
    }

    async fn record(&self, event: NewEvent) -> Result<()> {
        self.trainer.store.record(&self.subject, event).await?;
        Ok(())
    }

    async fn name_champion(&self, number: VersionNumber) -> Result<()> {
        self.trainer
            .store
            .move_alias(MoveAlias {
                model: self.trainer.model.clone(),
                alias: Alias::new("champion")?,
                expected: None,
                to: Some(number),
                by: self.actor.clone(),
                why: "the first version: there is nothing to compare it with".into(),
            })
            .await?;
        Ok(())
    }

    /// How many of the served rows differ from the offline join: none may.
    async fn differing(&self, rows: Range<usize>, served: &RecordBatch) -> Result<usize> {
        let entities = self.trainer.entities.slice(rows.start, rows.len());
        let offline = self
            .trainer
            .features
            .join(&entities, "departs", &self.live.requests)
            .await?;
        if offline == *served {
            return Ok(0);
        }
        let differs = |row: &usize| offline.slice(*row, 1) != served.slice(*row, 1);
        Ok((0..rows.len()).filter(differs).count())
    }

    fn holdout_brier(&self, version: VersionNumber) -> f64 {
        let known = self.versions.iter().find(|record| record.number == version);
        known.map_or(f64::INFINITY, |record| record.holdout_brier)
    }
}

fn record(trained: &Trained) -> VersionRecord {
    VersionRecord {
        number: trained.version.number,
        window: trained.window,
        holdout_auc: trained.holdout_auc.value,
        holdout_brier: trained.holdout_brier.value,
    }
}

fn prepared(reference: &RecordBatch, policy: &Policy) -> Result<PreparedCheck> {
    let (weather, rest) = features::watched();
    DriftCheck::against(reference)
        .columns(weather.iter().chain(&rest).cloned())
        .unit("unit", weather)
        .level(SignificanceLevel::ONE_PERCENT)
        .effect(Distance::new(policy.drift_deviations, "wasserstein_sd")?)
        .effect(Distance::new(policy.drift_share, "total_variation")?)
        .prepare()
}

fn microseconds(time: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(time).map_err(|e| mlops_core::Error::invalid(e.to_string()))
}

fn shifted(time: Timestamp, by: SignedDuration) -> Result<Timestamp> {
    time.checked_add(by)
        .map_err(|e| mlops_core::Error::invalid(e.to_string()))
}
