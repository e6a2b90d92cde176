//! The reference of [`DecisionStore`].

use async_trait::async_trait;
use serde_json::Value;

use super::store::{MemoryStore, State};
use crate::{DecisionStore, Event, NewEvent, Result, Revision, StoredState, Subject, Timestamp};

#[async_trait]
impl DecisionStore for MemoryStore {
    async fn state(&self, subject: &Subject) -> Result<Option<StoredState>> {
        Ok(self.lock().subjects.get(subject).cloned())
    }

    async fn commit(
        &self,
        subject: &Subject,
        expected: Revision,
        next: Value,
        event: NewEvent,
    ) -> Result<Event> {
        event.check()?;
        let now = self.clock.now();
        let mut state = self.lock();
        let actual = state
            .subjects
            .get(subject)
            .map_or(Revision::NONE, |stored| stored.revision);
        if actual != expected {
            return Err(expected.overtaken(subject, actual));
        }
        let stored = StoredState {
            revision: expected.next(),
            state: next,
        };
        state.subjects.insert(subject.clone(), stored);
        Ok(state.append(subject, now, event))
    }

    async fn record(&self, subject: &Subject, event: NewEvent) -> Result<Event> {
        event.check()?;
        let now = self.clock.now();
        Ok(self.lock().append(subject, now, event))
    }

    async fn events(
        &self,
        subject: Option<&Subject>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Event>> {
        let state = self.lock();
        let wanted = |event: &&Event| {
            event.sequence > after && subject.is_none_or(|subject| event.subject == *subject)
        };
        let found = state.events.iter().filter(wanted);
        Ok(found.take(limit as usize).cloned().collect())
    }
}

impl State {
    fn append(&mut self, subject: &Subject, time: Timestamp, what: NewEvent) -> Event {
        let event = Event {
            sequence: self.events.len() as u64 + 1,
            subject: subject.clone(),
            time,
            what,
        };
        self.events.push(event.clone());
        event
    }
}
