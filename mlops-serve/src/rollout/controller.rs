//! Drives a rollout: commits each decision with its evidence, then applies it.

use std::fmt;
use std::sync::Arc;

use mlops_core::{
    Actor, Alias, Clock, DecisionStore, Error, ErrorKind, Event, InferenceBackend, ModelName,
    ModelRegistry, MoveAlias, NewEvent, Result, Revision, Subject, VersionNumber,
};

use super::judge::{Rollout, Stage, Transition};
use super::plan::RolloutPlan;
use crate::service::Service;

/// Drives the rollouts of one model.
///
/// A decision becomes durable before it takes effect, with one exception: as soon as a bet against
/// the challenger has won, the [`Rollout`]'s share is 0, and no request goes to it, whether or not
/// [`tick`](Self::tick) has committed the rollback yet.
///
/// The alias `champion` is moved after a promotion was committed. If the process dies in between,
/// [`recover`](Self::recover) moves it at the next start; a rollout that was under way then is rolled
/// back as interrupted, for its evidence in memory is gone.
///
/// ```
/// # use std::sync::Arc;
/// # use mlops_core::memory::{LinearModel, MemoryStore};
/// # use mlops_core::*;
/// use mlops_serve::{RolloutController, RolloutPlan, Service, Stage};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> mlops_core::Result<()> {
/// # let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
/// # let store = Arc::new(MemoryStore::new(clock.clone()));
/// # let name = ModelName::new("demo")?;
/// # store.create_model(&name, "").await?;
/// # let model = || LinearModel::new(vec![1.0], 0.0);
/// # for _ in 0..2 {
/// #     let new = NewVersion::new(model()?.signature().clone(), Architecture::new("linear/1", serde_json::json!({})), "");
/// #     store.create_version(&name, new).await?;
/// # }
/// # let (one, two) = (VersionNumber::FIRST, VersionNumber::FIRST.next());
/// let service = Service::builder().clock(clock.clone()).build();
/// service.deploy(&name, one, Arc::new(model()?))?;
/// let controller = RolloutController::new(service.clone(), store.clone(), store.clone(), clock, name.clone())?;
/// controller.start(two, Arc::new(model()?), RolloutPlan::default()).await?;
///
/// // Every request is answered by version 1, and shown to version 2. Once labels come:
/// for _ in 0..2_000 {
///     service.with_rollout(&name, |rollout| rollout.observe_loss(Stage::Shadow, -0.02))??;
/// }
/// let event = controller.tick().await?.expect("a decision");
/// assert_eq!(event.what.kind, "canary_started");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RolloutController {
    service: Service,
    registry: Arc<dyn ModelRegistry>,
    decisions: Arc<dyn DecisionStore>,
    clock: Arc<dyn Clock>,
    model: ModelName,
    subject: Subject,
    champion: Alias,
    actor: Actor,
}

impl RolloutController {
    /// A controller for one model, with alias `champion`, as actor `rollout controller`.
    ///
    /// # Errors
    /// `InvalidArgument` if the model's name is too long to name a subject.
    pub fn new(
        service: Service,
        registry: Arc<dyn ModelRegistry>,
        decisions: Arc<dyn DecisionStore>,
        clock: Arc<dyn Clock>,
        model: ModelName,
    ) -> Result<Self> {
        Ok(Self {
            subject: Subject::new(format!("rollout:{model}"))?,
            champion: Alias::new("champion")?,
            actor: Actor::new("rollout controller")?,
            service,
            registry,
            decisions,
            clock,
            model,
        })
    }

    /// Starts a rollout of a registered version in shadow, and records it as `shadow_started`.
    ///
    /// # Errors
    /// `NotFound` for a version that is not registered or a model that is not deployed; `Conflict` if
    /// a rollout is under way; `SignatureMismatch` if callers would break.
    pub async fn start(
        &self,
        challenger: VersionNumber,
        backend: Arc<dyn InferenceBackend>,
        plan: RolloutPlan,
    ) -> Result<Event> {
        self.registry.version(&self.model, challenger).await?;
        let (champion, _) = self.service.champion(&self.model)?;
        let rollout = Rollout::new(plan, champion, challenger, self.clock.now())?;
        self.service
            .start_rollout(&self.model, rollout.clone(), backend)?;
        let committed = self
            .commit(&rollout, self.event("shadow_started", &rollout))
            .await;
        if committed.is_err() {
            self.service.end_rollout(&self.model)?;
        }
        committed
    }

    /// Lets the judge decide, commits what it decided, and applies it. `None` if there was nothing
    /// to decide. To be called whenever something may have changed: after labels came in, and
    /// every few seconds. Calls must not overlap for one model; if they do, the later one gets
    /// `Conflict`.
    ///
    /// # Errors
    /// Those of the stores. A decision that could not be committed is not applied, and comes again
    /// at the next call.
    pub async fn tick(&self) -> Result<Option<Event>> {
        let now = self.clock.now();
        let decided = self.service.with_rollout(&self.model, |rollout| {
            let transition = rollout.due(now)?;
            let mut next = rollout.clone();
            next.apply(&transition, now);
            Some((next, transition))
        });
        let Some((next, transition)) = decided? else {
            return Ok(None);
        };
        let event = self.decision(&next, &transition);
        let event = self.commit(&next, event).await?;
        // The judge may have seen more requests since: it advances itself, to the same stage.
        self.service
            .with_rollout(&self.model, |rollout| rollout.apply(&transition, now))?;
        self.apply(transition.to, &next, &event).await?;
        Ok(Some(event))
    }

    /// Finishes what a process that died has left: moves the alias after a promotion that was
    /// committed, and ends a rollout that was under way as `rolled_back`. To be called before the
    /// champion is loaded.
    ///
    /// # Errors
    /// Those of the stores; `Corrupt` for a state that cannot be read.
    pub async fn recover(&self) -> Result<Option<Event>> {
        let Some(stored) = self.decisions.state(&self.subject).await? else {
            return Ok(None);
        };
        let rollout: Rollout = serde_json::from_value(stored.state)?;
        match rollout.stage() {
            Stage::RolledBack => Ok(None),
            Stage::Promoted => {
                self.move_champion(&rollout, "finishing a committed promotion")
                    .await?;
                Ok(None)
            }
            Stage::Shadow | Stage::Canary { .. } => {
                let rollout = rollout.interrupted();
                let event = self
                    .event("rolled_back", &rollout)
                    .detail("why", "the process ended during the rollout");
                self.commit(&rollout, event).await.map(Some)
            }
        }
    }

    async fn apply(&self, to: Stage, rollout: &Rollout, event: &Event) -> Result<()> {
        if to == Stage::Promoted {
            let why = format!("promoted by evidence, event {}", event.sequence);
            self.move_champion(rollout, &why).await?;
        }
        if to.is_final() {
            self.service.end_rollout(&self.model)?;
        }
        tracing::info!(model = %self.model, version = %rollout.challenger(), kind = %event.what.kind, "rollout decided");
        Ok(())
    }

    /// Points the alias to the challenger, unless it does already.
    async fn move_champion(&self, rollout: &Rollout, why: &str) -> Result<()> {
        let moved = self
            .registry
            .move_alias(MoveAlias {
                model: self.model.clone(),
                alias: self.champion.clone(),
                expected: Some(rollout.champion()),
                to: Some(rollout.challenger()),
                by: self.actor.clone(),
                why: why.to_owned(),
            })
            .await;
        match moved {
            Err(error) if error.kind() == ErrorKind::Conflict => {
                let points_to = self.registry.resolve(&self.model, &self.champion).await?;
                if points_to.number == rollout.challenger() {
                    Ok(())
                } else {
                    Err(error)
                }
            }
            moved => moved.map(|_| ()),
        }
    }

    fn decision(&self, rollout: &Rollout, transition: &Transition) -> NewEvent {
        let event = self.event(transition.kind, rollout);
        transition
            .evidence
            .iter()
            .cloned()
            .fold(event, NewEvent::evidence)
    }

    fn event(&self, kind: &str, rollout: &Rollout) -> NewEvent {
        NewEvent::new(kind, self.actor.clone())
            .detail("version", rollout.challenger().get())
            .detail("against", rollout.champion().get())
            .detail("requests_exposed", rollout.exposed())
    }

    async fn commit(&self, rollout: &Rollout, event: NewEvent) -> Result<Event> {
        let stored = self.decisions.state(&self.subject).await?;
        let revision = stored.map_or(Revision::NONE, |stored| stored.revision);
        let state = serde_json::to_value(rollout)
            .map_err(|e| Error::new(ErrorKind::Internal, "a rollout serializes").source(e))?;
        self.decisions
            .commit(&self.subject, revision, state, event)
            .await
    }
}

impl fmt::Debug for RolloutController {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RolloutController")
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}
