//! The record of what happened, and the states that change together with it.

pub mod subject;

use async_trait::async_trait;
use mlops_core::{
    DecisionStore, Error, Event, NewEvent, Result, Revision, StoredState, Subject, Timestamp,
};
use serde_json::Value;
use sqlx::query;
use tracing::instrument;

use crate::database::{Row, Transaction, to_count, to_json};
use crate::store::SqliteStore;

#[async_trait]
impl DecisionStore for SqliteStore {
    #[instrument(level = "debug", skip_all, fields(%subject), err(level = "debug"))]
    async fn state(&self, subject: &Subject) -> Result<Option<StoredState>> {
        let mut reading = self.inner.read().await?;
        state_of(&mut reading, subject).await
    }

    #[instrument(level = "debug", skip_all, fields(%subject, kind = event.kind), err(level = "debug"))]
    async fn commit(
        &self,
        subject: &Subject,
        expected: Revision,
        next: Value,
        event: NewEvent,
    ) -> Result<Event> {
        event.check()?;
        let mut writing = self.inner.write().await?;
        let actual = state_of(&mut writing, subject)
            .await?
            .map_or(Revision::NONE, |stored| stored.revision);
        if actual != expected {
            return Err(expected
                .overtaken(subject, actual)
                .operation("commit decision"));
        }
        let stored = StoredState {
            revision: expected.next(),
            state: next,
        };
        put_state(&mut writing, subject, &stored).await?;
        let event = append(&mut writing, subject.clone(), self.inner.now(), event).await?;
        writing.commit().await?;
        Ok(event)
    }

    #[instrument(level = "debug", skip_all, fields(%subject, kind = event.kind), err(level = "debug"))]
    async fn record(&self, subject: &Subject, event: NewEvent) -> Result<Event> {
        event.check()?;
        let mut writing = self.inner.write().await?;
        let event = append(&mut writing, subject.clone(), self.inner.now(), event).await?;
        writing.commit().await?;
        Ok(event)
    }

    #[instrument(level = "debug", skip(self), err(level = "debug"))]
    async fn events(
        &self,
        subject: Option<&Subject>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Event>> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let statement = match subject {
            Some(subject) => query(
                "SELECT * FROM events WHERE sequence > $1 AND subject = $3
                 ORDER BY sequence LIMIT $2",
            )
            .bind(after)
            .bind(limit)
            .bind(subject.as_str()),
            None => query("SELECT * FROM events WHERE sequence > $1 ORDER BY sequence LIMIT $2")
                .bind(after)
                .bind(limit),
        };
        let rows = self.inner.read().await?.all(statement).await?;
        rows.iter().map(event).collect()
    }
}

/// Appends an event within a transaction: both or neither.
pub(crate) async fn append(
    writing: &mut Transaction,
    subject: Subject,
    time: Timestamp,
    what: NewEvent,
) -> Result<Event> {
    let statement = query(
        "INSERT INTO events (subject, time, kind, actor, evidence, details)
         VALUES ($1, $2, $3, $4, $5, $6) RETURNING sequence",
    )
    .bind(subject.as_str())
    .bind(time.as_microsecond())
    .bind(&what.kind)
    .bind(what.by.as_str())
    .bind(to_json(&what.evidence)?)
    .bind(to_json(&what.details)?);
    let row = writing.first(statement).await?;
    let row = row.ok_or_else(|| Error::not_found("event", &subject))?;
    Ok(Event {
        sequence: row.count("sequence")?,
        subject,
        time,
        what,
    })
}

async fn state_of(reading: &mut Transaction, subject: &Subject) -> Result<Option<StoredState>> {
    let statement = query("SELECT revision, state FROM states WHERE subject = $1");
    let row = reading.first(statement.bind(subject.as_str())).await?;
    row.map(|row| {
        Ok(StoredState {
            revision: Revision(row.count("revision")?),
            state: row.json("state")?,
        })
    })
    .transpose()
}

async fn put_state(
    writing: &mut Transaction,
    subject: &Subject,
    stored: &StoredState,
) -> Result<()> {
    let statement = query(
        "INSERT INTO states (subject, revision, state) VALUES ($1, $2, $3)
         ON CONFLICT (subject) DO UPDATE SET revision = excluded.revision, state = excluded.state",
    )
    .bind(subject.as_str())
    .bind(to_count(stored.revision.0)?)
    .bind(to_json(&stored.state)?);
    writing.execute(statement).await?;
    Ok(())
}

fn event(row: &Row) -> Result<Event> {
    Ok(Event {
        sequence: row.count("sequence")?,
        subject: row.parsed("subject")?,
        time: row.time("time")?,
        what: NewEvent {
            kind: row.get("kind")?,
            by: row.parsed("actor")?,
            evidence: row.json("evidence")?,
            details: row.json("details")?,
        },
    })
}
