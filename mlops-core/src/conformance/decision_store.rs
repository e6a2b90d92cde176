use serde_json::json;

use super::refused;
use crate::evidence::{EValue, Evidence};
use crate::{Actor, DecisionStore, ErrorKind, Event, NewEvent, Revision, Subject};

/// Checks [`DecisionStore`]'s contract. Other subjects may have events already.
///
/// ```
/// # use std::sync::Arc;
/// # use mlops_core::{SystemClock, conformance, memory::MemoryStore};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// conformance::decision_store(&MemoryStore::new(Arc::new(SystemClock::new()))).await;
/// # }
/// ```
pub async fn decision_store(store: &dyn DecisionStore) {
    let subject = Subject::new("conformance:one").expect("a valid name");
    assert_eq!(store.state(&subject).await.expect("state"), None);

    let first = store
        .commit(
            &subject,
            Revision::NONE,
            json!({"step": 1}),
            event("started"),
        )
        .await
        .expect("commit");
    assert_eq!(
        first.what,
        event("started"),
        "an event keeps its evidence and details"
    );
    refused(
        store
            .commit(&subject, Revision::NONE, json!({"step": 9}), event("late"))
            .await,
        ErrorKind::Conflict,
        "a committer that was overtaken changes nothing",
    );
    refused(
        store
            .commit(
                &subject,
                Revision(1),
                json!({"step": 9}),
                event("Not Snake"),
            )
            .await,
        ErrorKind::InvalidArgument,
        "an event's kind is snake_case",
    );
    let stored = store
        .state(&subject)
        .await
        .expect("state")
        .expect("a state");
    assert_eq!(
        (stored.revision, stored.state),
        (Revision(1), json!({"step": 1}))
    );

    let second = store
        .commit(&subject, Revision(1), json!({"step": 2}), event("stepped"))
        .await
        .expect("commit");
    let note = store
        .record(&subject, event("noted"))
        .await
        .expect("record");
    let stored = store
        .state(&subject)
        .await
        .expect("state")
        .expect("a state");
    assert_eq!(
        (stored.revision, stored.state),
        (Revision(2), json!({"step": 2}))
    );
    events_have_one_order(store, &subject, &[first, second, note]).await;
}

fn event(kind: &str) -> NewEvent {
    let infinite = EValue::new(f64::INFINITY).expect("a valid e-value");
    NewEvent::new(kind, Actor::new("conformance suite").expect("a valid name"))
        .evidence(Evidence::quantity("requests", 3.0))
        .evidence(Evidence::new(
            "errors",
            EValue::from_ln(infinite.ln().min(700.0)),
        ))
        .detail("version", 2)
}

async fn events_have_one_order(store: &dyn DecisionStore, subject: &Subject, expected: &[Event]) {
    let other = Subject::new("conformance:two").expect("a valid name");
    let elsewhere = store
        .record(&other, event("elsewhere"))
        .await
        .expect("record");
    let all = store.events(Some(subject), 0, 100).await.expect("events");
    assert_eq!(
        all, expected,
        "a subject's events come in order, without those refused"
    );
    assert!(
        all.windows(2)
            .all(|pair| pair[0].sequence < pair[1].sequence)
    );
    let rest = store
        .events(Some(subject), expected[0].sequence, 1)
        .await
        .expect("events");
    assert_eq!(rest, expected[1..2], "after and limit cut out a page");
    let everything = store.events(None, 0, 10_000).await.expect("events");
    assert_eq!(
        everything.last(),
        Some(&elsewhere),
        "all subjects share one order"
    );
}
