//! Decisions and events: who decided what, when, on which evidence; and the durable state that a
//! decision changes.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::evidence::Evidence;
use crate::{Actor, Error, ErrorKind, Result, Subject, Timestamp};

/// Something that happened, to be recorded.
///
/// ```
/// use mlops_core::{Actor, NewEvent};
/// use mlops_core::evidence::Evidence;
///
/// let event = NewEvent::new("rolled_back", Actor::new("rollout controller")?)
///     .evidence(Evidence::quantity("requests exposed", 312.0))
///     .detail("version", 3);
/// assert_eq!(event.kind, "rolled_back");
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewEvent {
    /// What happened, in `snake_case`: `promoted`, `drift_detected`.
    pub kind: String,
    /// Who did or decided it.
    pub by: Actor,
    /// What it rests on.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// What it concerns, by name.
    #[serde(default)]
    pub details: serde_json::Map<String, Value>,
}

impl NewEvent {
    /// An event without evidence or details yet.
    pub fn new(kind: impl Into<String>, by: Actor) -> Self {
        Self {
            kind: kind.into(),
            by,
            evidence: Vec::new(),
            details: serde_json::Map::new(),
        }
    }

    /// Adds a piece of evidence.
    #[must_use]
    pub fn evidence(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }

    /// Adds a detail.
    #[must_use]
    pub fn detail(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.details.insert(key.into(), value.into());
        self
    }

    /// Whether the kind is 1 to 100 characters of `snake_case`.
    ///
    /// # Errors
    /// `InvalidArgument` with the kind.
    pub fn check(&self) -> Result<()> {
        let is_snake = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if (1..=100).contains(&self.kind.len()) && self.kind.chars().all(is_snake) {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "an event's kind must be 1 to 100 characters of snake_case, got {:?}",
            self.kind
        )))
    }
}

/// Something that happened, as recorded.
///
/// ```
/// # use mlops_core::{Actor, Event, NewEvent, Subject};
/// let event = Event {
///     sequence: 1,
///     subject: Subject::new("rollout:m")?,
///     time: "2013-04-01T00:00:00Z".parse().unwrap(),
///     what: NewEvent::new("promoted", Actor::new("maintainer")?),
/// };
/// assert_eq!(event.what.kind, "promoted");
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its place in the store's one order: 1, 2, 3 …, increasing, possibly with gaps.
    pub sequence: u64,
    /// What it is about.
    pub subject: Subject,
    /// When it was recorded.
    pub time: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub what: NewEvent,
}

/// How often a subject's state was changed: 0 before the first commit.
///
/// ```
/// use mlops_core::Revision;
/// assert_eq!(Revision::NONE.next(), Revision(1));
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Revision(pub u64);

impl Revision {
    /// There is no state yet.
    pub const NONE: Self = Self(0);

    /// The revision after the next commit.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The error of a committer that was overtaken.
    pub fn overtaken(self, subject: &Subject, actual: Self) -> Error {
        Error::new(
            ErrorKind::Conflict,
            format!("state is at revision {}, not {}", actual.0, self.0),
        )
        .context("subject", subject)
    }
}

/// A subject's durable state.
///
/// ```
/// use mlops_core::{Revision, StoredState};
/// let state = StoredState { revision: Revision(1), state: serde_json::json!({"share": 0.05}) };
/// assert_eq!(state.state["share"], 0.05);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredState {
    /// How often it was changed.
    pub revision: Revision,
    /// The state.
    pub state: Value,
}

/// Keeps the state of rollouts, monitors and triggers together with the record of why it changed.
///
/// # Contract
/// - [`commit`](DecisionStore::commit) changes the state and records the event in one transaction:
///   both or neither. It is a compare-and-set on the revision: a committer that was overtaken gets
///   `Conflict`, and nothing is changed.
/// - Events have one order across all subjects; an event that was seen never changes or goes.
/// - What returned `Ok` is durable, as far as the implementation is.
/// - Dropping a call's future leaves either all or nothing of it.
///
/// [`MemoryStore`](crate::memory::MemoryStore) is the readable reference.
#[async_trait]
pub trait DecisionStore: Send + Sync {
    /// The state of a subject; `None` before its first commit.
    async fn state(&self, subject: &Subject) -> Result<Option<StoredState>>;

    /// Replaces the state at revision `expected` by `next`, and records the event.
    async fn commit(
        &self,
        subject: &Subject,
        expected: Revision,
        next: Value,
        event: NewEvent,
    ) -> Result<Event>;

    /// Records an event that changes no state.
    async fn record(&self, subject: &Subject, event: NewEvent) -> Result<Event>;

    /// Up to `limit` events after a sequence number (0 for the beginning), in order, of one subject
    /// or of all.
    async fn events(&self, subject: Option<&Subject>, after: u64, limit: u32)
    -> Result<Vec<Event>>;
}
