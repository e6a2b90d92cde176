//! Late labels: the order of requests, the watermark, and nothing lost or made up.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use mlops_core::{ErrorKind, Timestamp};
use mlops_serve::LabelQueue;
use proptest::prelude::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn a_request_without_a_label_is_unlabelled_and_not_negative() {
    let mut queue = LabelQueue::<(), bool>::new();
    queue.expect("cancelled", at(1), ()).unwrap();
    let settled = queue.advance(at(1));
    assert_eq!((settled.len(), settled[0].label), (1, None));
}

#[test]
fn labels_of_nobody_and_requests_entered_twice_are_errors() {
    let mut queue = LabelQueue::new();
    queue.expect("a", at(1), 0).unwrap();
    assert_eq!(
        queue.expect("a", at(2), 1).unwrap_err().kind(),
        ErrorKind::AlreadyExists
    );
    assert_eq!(
        queue.report("b", true).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    queue.advance(at(1));
    let late = queue.report("a", true).unwrap_err();
    assert_eq!(late.kind(), ErrorKind::NotFound, "it has settled");
    assert!(late.to_string().contains('a'));
}

proptest! {
    /// Against the naive rule: at each look, the longest prefix of the requests that are all mature.
    #[test]
    fn every_request_settles_once_in_order_behind_the_watermark(
        maturities in prop::collection::vec(0_i64..50, 1..40),
        reports in prop::collection::vec((0_i64..60, any::<prop::sample::Index>(), any::<bool>()), 0..60),
    ) {
        let mut queue = LabelQueue::new();
        for (i, due) in maturities.iter().enumerate() {
            queue.expect(i.to_string(), at(*due), i).unwrap();
        }
        let mut last = HashMap::new();
        let mut settled = 0;
        for now in 0..60 {
            for (time, request, label) in &reports {
                let request = request.index(maturities.len());
                if *time == now && queue.report(&request.to_string(), *label).is_ok() {
                    last.insert(request, *label);
                }
            }
            let mature = maturities[settled..].iter().take_while(|due| **due <= now).count();
            let out = queue.advance(at(now));
            let order: Vec<usize> = out.iter().map(|settled| settled.prediction).collect();
            prop_assert_eq!(order, (settled..settled + mature).collect::<Vec<_>>());
            for one in out {
                prop_assert_eq!(one.label, last.get(&one.prediction).copied());
            }
            settled += mature;
            prop_assert_eq!(queue.len(), maturities.len() - settled);
        }
        prop_assert_eq!(settled, maturities.len());
    }
}
