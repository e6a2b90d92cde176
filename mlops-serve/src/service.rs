//! The service: routes a request to a version, answers, and feeds what it saw to the rollout.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use mlops_core::{
    Clock, Error, ErrorKind, InferenceBackend, ModelName, Result, SystemClock, Tensors, Timestamp,
    VersionNumber,
};

use crate::log::{LoggedPrediction, PredictionLog, Role};
use crate::rollout::{Observation, Rollout, Stage};
use crate::router::{Arm, Split, position};

/// A request for predictions.
///
/// ```
/// use mlops_core::{ModelName, Tensor, Tensors};
/// use mlops_serve::PredictRequest;
///
/// let inputs = Tensors::new([Tensor::from_f32("x", [1, 1], vec![1.0])?])?;
/// let request = PredictRequest::new(ModelName::new("demo")?, "r1", inputs).keyed("user 7");
/// assert_eq!(request.key, "user 7");
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct PredictRequest {
    /// The model.
    pub model: ModelName,
    /// The version; `None` lets the route decide.
    pub version: Option<VersionNumber>,
    /// The request's id, by which labels are joined later.
    pub id: String,
    /// What sticks to an arm: the request id, unless said otherwise.
    pub key: String,
    /// What the model takes.
    pub inputs: Tensors,
}

impl PredictRequest {
    /// A request to whichever version the route decides on, keyed by its id.
    pub fn new(model: ModelName, id: impl Into<String>, inputs: Tensors) -> Self {
        let id = id.into();
        Self {
            model,
            version: None,
            key: id.clone(),
            id,
            inputs,
        }
    }

    /// With a key that sticks to an arm, such as a user.
    #[must_use]
    pub fn keyed(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }

    /// To this version alone: neither routed nor part of a rollout's evidence.
    #[must_use]
    pub fn to_version(mut self, version: VersionNumber) -> Self {
        self.version = Some(version);
        self
    }
}

/// What one version made of a request.
///
/// ```
/// # use std::time::Duration;
/// # use mlops_core::{Tensors, VersionNumber};
/// # use mlops_serve::{Prediction, Role};
/// let prediction = Prediction {
///     version: VersionNumber::FIRST,
///     role: Role::Shadow,
///     latency: Duration::from_micros(9),
///     outputs: Ok(Tensors::default()),
/// };
/// assert!(prediction.first().is_none());
/// ```
#[derive(Debug)]
pub struct Prediction {
    /// The version.
    pub version: VersionNumber,
    /// In which role.
    pub role: Role,
    /// How long it computed.
    pub latency: Duration,
    /// What it gave.
    pub outputs: Result<Tensors>,
}

impl Prediction {
    /// The first number of the first output.
    pub fn first(&self) -> Option<f64> {
        let outputs = self.outputs.as_ref().ok()?;
        outputs.iter().next()?.to_f64().ok()?.first().copied()
    }
}

/// The answer to a request.
///
/// ```
/// # use std::sync::Arc;
/// # use mlops_core::{ModelName, Tensor, Tensors, VersionNumber, memory::LinearModel};
/// # use mlops_serve::{PredictRequest, Role, Service};
/// # let service = Service::builder().build();
/// # let name = ModelName::new("demo")?;
/// # service.deploy(&name, VersionNumber::FIRST, Arc::new(LinearModel::new(vec![2.0], 0.0)?))?;
/// # let inputs = Tensors::new([Tensor::from_f32("x", [1, 1], vec![1.0])?])?;
/// let answer = service.predict(&PredictRequest::new(name, "r1", inputs))?;
/// assert_eq!(answer.role, Role::Champion);
/// assert_eq!(answer.outputs.get("y")?.as_f32()?, [2.0]);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Answer {
    /// The version that answered.
    pub version: VersionNumber,
    /// In which role.
    pub role: Role,
    /// What it gave.
    pub outputs: Tensors,
    /// The rollout's stage when the request came, if one was under way.
    pub stage: Option<Stage>,
    /// What every version made of the request, whoever answered: the arm that failed, the shadows.
    pub predictions: Vec<Prediction>,
}

impl Answer {
    /// What a version made of the request.
    pub fn of(&self, version: VersionNumber) -> Option<&Prediction> {
        self.predictions.iter().find(|p| p.version == version)
    }
}

/// Serves models in the calling process: no socket, no copy, no thread of its own.
///
/// Cheap to clone: clones share the routes. [`predict`](Service::predict) runs on the caller's thread,
/// shadows included; an async caller uses a blocking thread for a model that takes long. Routes are
/// swapped as a whole: a request sees one route from start to end.
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::{ModelName, Tensor, Tensors, VersionNumber, memory::LinearModel};
/// use mlops_serve::{PredictRequest, Service};
///
/// let service = Service::builder().build();
/// let name = ModelName::new("demo")?;
/// service.deploy(&name, VersionNumber::FIRST, Arc::new(LinearModel::new(vec![2.0], 1.0)?))?;
///
/// let inputs = Tensors::new([Tensor::from_f32("x", [1, 1], vec![3.0])?])?;
/// let answer = service.predict(&PredictRequest::new(name, "request 1", inputs))?;
/// assert_eq!(answer.outputs.get("y")?.as_f32()?, [7.0]);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Arc<dyn Clock>,
    log: Option<PredictionLog>,
    routes: ArcSwap<BTreeMap<ModelName, Arc<Route>>>,
    changes: Mutex<()>,
}

/// One model's versions and who of them does what.
#[derive(Clone)]
struct Route {
    champion: Deployed,
    observers: Vec<Deployed>,
    rollout: Option<LiveRollout>,
}

#[derive(Clone)]
struct Deployed {
    version: VersionNumber,
    backend: Arc<dyn InferenceBackend>,
}

#[derive(Clone)]
struct LiveRollout {
    challenger: Deployed,
    judge: Arc<Mutex<Rollout>>,
}

impl LiveRollout {
    fn judge(&self) -> MutexGuard<'_, Rollout> {
        // A judge's state is changed by sums of numbers: a panic elsewhere cannot have torn it.
        self.judge.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Builds a [`Service`].
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::{ManualClock, Timestamp};
/// use mlops_serve::Service;
/// let service = Service::builder().clock(Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH))).build();
/// assert!(service.models().is_empty());
/// ```
#[derive(Debug, Default)]
pub struct ServiceBuilder {
    clock: Option<Arc<dyn Clock>>,
    log: Option<PredictionLog>,
}

impl ServiceBuilder {
    /// Where the time comes from; the machine's clock by default.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Where predictions are logged; nowhere by default.
    #[must_use]
    pub fn log(mut self, log: PredictionLog) -> Self {
        self.log = Some(log);
        self
    }

    /// The service, without a model yet.
    pub fn build(self) -> Service {
        Service {
            inner: Arc::new(Inner {
                clock: self.clock.unwrap_or_else(|| Arc::new(SystemClock::new())),
                log: self.log,
                routes: ArcSwap::default(),
                changes: Mutex::new(()),
            }),
        }
    }
}

impl Service {
    /// Starts to build one.
    pub fn builder() -> ServiceBuilder {
        ServiceBuilder::default()
    }

    /// Makes a version the champion of a model, at once, whatever was there. The version before keeps
    /// its place among the [observers](Service::observe) if it was one. A rollout ends.
    ///
    /// # Errors
    /// `SignatureMismatch` if callers of the present champion would break, listing how.
    pub fn deploy(
        &self,
        model: &ModelName,
        version: VersionNumber,
        backend: Arc<dyn InferenceBackend>,
    ) -> Result<()> {
        self.change(model, |route| {
            if let Some(route) = &route {
                same_callers(backend.as_ref(), route.champion.backend.as_ref(), version)?;
            }
            let observers = route.map(|route| route.observers).unwrap_or_default();
            Ok(Route {
                champion: Deployed { version, backend },
                observers,
                rollout: None,
            })
        })
    }

    /// Adds a version that sees every request of a model and answers none.
    ///
    /// # Errors
    /// `NotFound` if the model is not deployed; `SignatureMismatch` if it cannot take its requests.
    pub fn observe(
        &self,
        model: &ModelName,
        version: VersionNumber,
        backend: Arc<dyn InferenceBackend>,
    ) -> Result<()> {
        self.change(model, |route| {
            let mut route = route.ok_or_else(|| not_deployed(model))?;
            same_callers(backend.as_ref(), route.champion.backend.as_ref(), version)?;
            route
                .observers
                .retain(|deployed| deployed.version != version);
            route.observers.push(Deployed { version, backend });
            Ok(route)
        })
    }

    /// Starts a rollout in shadow. [`RolloutController`](crate::RolloutController) does this together with the record of it.
    ///
    /// # Errors
    /// `NotFound` if the model is not deployed; `Conflict` if a rollout is under way, or the champion
    /// is not the one that the rollout was made for; `SignatureMismatch` if callers would break.
    pub fn start_rollout(
        &self,
        model: &ModelName,
        rollout: Rollout,
        challenger: Arc<dyn InferenceBackend>,
    ) -> Result<()> {
        self.change(model, |route| {
            let mut route = route.ok_or_else(|| not_deployed(model))?;
            let conflict =
                |why: String| Error::new(ErrorKind::Conflict, why).context("model", model);
            if let Some(live) = &route.rollout
                && !live.judge().stage().is_final()
            {
                let version = live.challenger.version;
                return Err(conflict(format!(
                    "a rollout of version {version} is under way"
                )));
            }
            if route.champion.version != rollout.champion() {
                return Err(conflict(format!(
                    "the champion is version {}, the rollout is against {}",
                    route.champion.version,
                    rollout.champion()
                )));
            }
            let version = rollout.challenger();
            same_callers(
                challenger.as_ref(),
                route.champion.backend.as_ref(),
                version,
            )?;
            let challenger = Deployed {
                version,
                backend: challenger,
            };
            route.rollout = Some(LiveRollout {
                challenger,
                judge: Arc::new(Mutex::new(rollout)),
            });
            Ok(route)
        })
    }

    /// Ends a rollout: with the challenger as champion if it was promoted, else as it was.
    pub(crate) fn end_rollout(&self, model: &ModelName) -> Result<()> {
        self.change(model, |route| {
            let mut route = route.ok_or_else(|| not_deployed(model))?;
            if let Some(live) = route.rollout.take()
                && live.judge().stage() == Stage::Promoted
            {
                route.champion = live.challenger.clone();
            }
            Ok(route)
        })
    }

    /// Reads or changes the judge of the rollout under way.
    ///
    /// # Errors
    /// `NotFound` if the model is not deployed or has no rollout.
    pub fn with_rollout<T>(
        &self,
        model: &ModelName,
        action: impl FnOnce(&mut Rollout) -> T,
    ) -> Result<T> {
        let route = self.route(model)?;
        let live = route
            .rollout
            .as_ref()
            .ok_or_else(|| Error::not_found("rollout of", model))?;
        let mut judge = live.judge();
        Ok(action(&mut judge))
    }

    /// Answers a request, on the caller's thread.
    ///
    /// The route decides who answers; a challenger that fails is counted, and the champion answers in
    /// its place. Then the shadows predict, the rollout sees what happened, and everything is logged.
    ///
    /// # Errors
    /// `NotFound` for a model or version that is not deployed; `SignatureMismatch` for inputs that do
    /// not fit, listing every difference; what the champion's backend returned, if it failed. An error
    /// of the log is returned only after the answer was computed and counted.
    pub fn predict(&self, request: &PredictRequest) -> Result<Answer> {
        let route = self.route(&request.model)?;
        let now = self.inner.clock.now();
        if let Some(version) = request.version {
            return self.pinned(&route, request, version, now);
        }
        route
            .champion
            .backend
            .signature()
            .check_inputs(&request.inputs)?;
        match &route.rollout {
            None => self.settle(&route, request, now, None, vec![]),
            Some(live) => self.with_challenger(&route, live, request, now),
        }
    }

    /// The models that are deployed.
    pub fn models(&self) -> Vec<ModelName> {
        self.inner.routes.load().keys().cloned().collect()
    }

    /// The champion of a model: its version and its backend.
    ///
    /// # Errors
    /// `NotFound` if the model is not deployed.
    pub fn champion(
        &self,
        model: &ModelName,
    ) -> Result<(VersionNumber, Arc<dyn InferenceBackend>)> {
        let champion = self.route(model)?.champion.clone();
        Ok((champion.version, champion.backend))
    }

    /// The versions of a model that are loaded, in order.
    ///
    /// # Errors
    /// `NotFound` if the model is not deployed.
    pub fn versions(&self, model: &ModelName) -> Result<Vec<VersionNumber>> {
        let route = self.route(model)?;
        let mut versions: Vec<VersionNumber> = route.deployed().map(|d| d.version).collect();
        versions.sort();
        versions.dedup();
        Ok(versions)
    }

    fn route(&self, model: &ModelName) -> Result<Arc<Route>> {
        let routes = self.inner.routes.load();
        routes
            .get(model)
            .cloned()
            .ok_or_else(|| not_deployed(model))
    }

    /// Swaps one model's route for a changed one; changes come one after the other.
    fn change(
        &self,
        model: &ModelName,
        change: impl FnOnce(Option<Route>) -> Result<Route>,
    ) -> Result<()> {
        let _one_at_a_time = self
            .inner
            .changes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut routes = BTreeMap::clone(&self.inner.routes.load());
        let before = routes.get(model).map(|route| Route::clone(route));
        routes.insert(model.clone(), Arc::new(change(before)?));
        self.inner.routes.store(Arc::new(routes));
        Ok(())
    }

    fn run(&self, deployed: &Deployed, role: Role, inputs: &Tensors) -> Prediction {
        let start = self.inner.clock.monotonic();
        // Outputs that do not fit the signature (a NaN, too few rows) are a failure like any other.
        let outputs = deployed.backend.infer(inputs).and_then(|outputs| {
            deployed.backend.signature().check_outputs(&outputs)?;
            Ok(outputs)
        });
        Prediction {
            version: deployed.version,
            role,
            latency: self.inner.clock.monotonic().saturating_sub(start),
            outputs,
        }
    }

    fn pinned(
        &self,
        route: &Route,
        request: &PredictRequest,
        version: VersionNumber,
        now: Timestamp,
    ) -> Result<Answer> {
        let deployed = route
            .deployed()
            .find(|deployed| deployed.version == version)
            .ok_or_else(|| {
                Error::not_found("deployed version", version).context("model", &request.model)
            })?;
        deployed.backend.signature().check_inputs(&request.inputs)?;
        let prediction = self.run(deployed, Role::Champion, &request.inputs);
        self.finish(request, now, None, 0.0, vec![prediction])
    }

    fn with_challenger(
        &self,
        route: &Route,
        live: &LiveRollout,
        request: &PredictRequest,
        now: Timestamp,
    ) -> Result<Answer> {
        let (stage, share) = {
            let judge = live.judge();
            (judge.stage(), judge.share())
        };
        if share > 0.0 {
            return self.canary(route, live, request, now, (stage, share));
        }
        if stage != Stage::Shadow {
            return self.settle(route, request, now, Some(stage), vec![]);
        }
        let shadow = self.run(&live.challenger, Role::Shadow, &request.inputs);
        let answer = self.settle(route, request, now, Some(stage), vec![shadow])?;
        if let Some(difference) = difference(route, live, &answer.predictions) {
            live.judge().observe_shadow(difference);
        }
        Ok(answer)
    }

    /// The canary: one arm is drawn; if it is the challenger's, the champion predicts as well, as its
    /// pair and in its place should it fail.
    fn canary(
        &self,
        route: &Route,
        live: &LiveRollout,
        request: &PredictRequest,
        now: Timestamp,
        (stage, share): (Stage, f64),
    ) -> Result<Answer> {
        let salt = format!("{} {}", request.model, live.challenger.version);
        let arm = Split::new(&salt, share)?.arm(&request.key);
        let (deployed, role) = match arm {
            Arm::Champion => (&route.champion, Role::Champion),
            Arm::Challenger => (&live.challenger, Role::Challenger),
        };
        let mut predictions = vec![self.run(deployed, role, &request.inputs)];
        if arm == Arm::Challenger {
            let role = match predictions[0].outputs {
                Err(_) => Role::Champion,
                Ok(_) => Role::Shadow,
            };
            predictions.push(self.run(&route.champion, role, &request.inputs));
        }
        live.judge().observe(&Observation {
            key: position(&salt, &request.key).to_bits(),
            arm,
            share,
            failed: predictions[0].outputs.is_err(),
            latency: predictions[0].latency,
            difference: difference(route, live, &predictions),
        })?;
        predictions.extend(self.observed(route, request));
        self.finish(request, now, Some(stage), share, predictions)
    }

    /// The champion answers; `shadows` have predicted already.
    fn settle(
        &self,
        route: &Route,
        request: &PredictRequest,
        now: Timestamp,
        stage: Option<Stage>,
        shadows: Vec<Prediction>,
    ) -> Result<Answer> {
        let mut predictions = vec![self.run(&route.champion, Role::Champion, &request.inputs)];
        predictions.extend(shadows);
        predictions.extend(self.observed(route, request));
        self.finish(request, now, stage, 0.0, predictions)
    }

    fn observed(&self, route: &Route, request: &PredictRequest) -> Vec<Prediction> {
        let observers = route.observers.iter();
        observers
            .filter(|observer| observer.version != route.champion.version)
            .map(|observer| self.run(observer, Role::Shadow, &request.inputs))
            .collect()
    }

    /// Logs everything, and picks the answer: the first that is no shadow and has not failed.
    fn finish(
        &self,
        request: &PredictRequest,
        now: Timestamp,
        stage: Option<Stage>,
        share: f64,
        mut predictions: Vec<Prediction>,
    ) -> Result<Answer> {
        if let Some(log) = &self.inner.log {
            let rows = predictions.iter();
            log.append(rows.map(|prediction| logged(request, now, share, prediction)))?;
        }
        let answers = |p: &Prediction| p.role != Role::Shadow && p.outputs.is_ok();
        let index = predictions.iter().position(answers);
        match index.map(|index| (index, &predictions[index])) {
            Some((_, prediction)) => Ok(Answer {
                version: prediction.version,
                role: prediction.role,
                outputs: prediction
                    .outputs
                    .as_ref()
                    .map(Tensors::clone)
                    .unwrap_or_default(),
                stage,
                predictions,
            }),
            None => match predictions.swap_remove(0).outputs {
                Err(error) => Err(error.operation("predict").context("model", &request.model)),
                Ok(_) => Err(Error::new(ErrorKind::Internal, "no version answered")),
            },
        }
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("models", &self.models())
            .finish_non_exhaustive()
    }
}

impl Route {
    fn deployed(&self) -> impl Iterator<Item = &Deployed> {
        let challenger = self.rollout.iter().map(|live| &live.challenger);
        std::iter::once(&self.champion)
            .chain(challenger)
            .chain(&self.observers)
    }
}

/// The challenger's prediction less the champion's, if both predicted.
fn difference(route: &Route, live: &LiveRollout, predictions: &[Prediction]) -> Option<f64> {
    let first = |deployed: &Deployed| {
        let mut made = predictions.iter();
        made.find(|p| p.version == deployed.version)?.first()
    };
    Some(first(&live.challenger)? - first(&route.champion)?)
}

fn not_deployed(model: &ModelName) -> Error {
    Error::not_found("deployed model", model)
}

fn same_callers(
    new: &dyn InferenceBackend,
    old: &dyn InferenceBackend,
    version: VersionNumber,
) -> Result<()> {
    let broken = new.signature().breaks(old.signature());
    if broken.is_empty() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::SignatureMismatch, broken.join("; "))
        .operation("deploy")
        .context("version", version))
}

fn logged(
    request: &PredictRequest,
    now: Timestamp,
    share: f64,
    prediction: &Prediction,
) -> LoggedPrediction {
    let outputs = prediction.outputs.as_ref();
    let numbers = |tensors: &Tensors| {
        tensors
            .iter()
            .flat_map(|t| t.to_f64().unwrap_or_default())
            .collect()
    };
    LoggedPrediction {
        request: request.id.clone(),
        time: now,
        model: request.model.clone(),
        version: prediction.version,
        role: prediction.role,
        challenger_share: share,
        latency: prediction.latency,
        error: outputs.err().map(ToString::to_string),
        outputs: outputs.map(numbers).unwrap_or_default(),
    }
}
