//! Late labels, joined by request id, scored behind a watermark.

use std::collections::{HashMap, VecDeque};

use mlops_core::{Error, Result, Timestamp};

/// A request whose time has come: with its label, or without one for good.
///
/// ```
/// use mlops_serve::Settled;
/// let settled = Settled { request: "r1".to_owned(), prediction: 0.7, label: Some(true) };
/// assert_eq!(settled.label, Some(true));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Settled<P, L> {
    /// The request id.
    pub request: String,
    /// What was kept of the prediction.
    pub prediction: P,
    /// The label; `None` if none was reported by the time it had to be.
    pub label: Option<L>,
}

/// Waits for labels and gives them out in the order of the requests, each no sooner than its own
/// time of maturity.
///
/// A label that is slow to come is often slow *because* of what it says (a late flight reports late):
/// scoring labels as they arrive is biased. So every request declares when its label must be there,
/// and nothing is given out before all earlier requests have reached that time. A request without
/// a label then is unlabelled: counted, never a negative.
///
/// Pure: time is passed in. Cost: constant for each call and request; memory holds what is not
/// settled yet.
///
/// ```
/// use mlops_core::Timestamp;
/// use mlops_serve::LabelQueue;
///
/// let at = |hour: i64| Timestamp::from_second(hour * 3600).unwrap();
/// let mut queue = LabelQueue::new();
/// queue.expect("a", at(10), 0.7)?;
/// queue.expect("b", at(4), 0.2)?;
/// queue.report("b", true)?;
/// assert!(queue.advance(at(5)).is_empty()); // "b" is mature, but "a" comes first
/// queue.report("a", false)?;
/// let settled = queue.advance(at(10));
/// assert_eq!(settled.len(), 2);
/// assert_eq!(settled[0].request, "a");
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LabelQueue<P, L> {
    waiting: VecDeque<(String, Timestamp, P)>,
    labels: HashMap<String, Option<L>>,
}

impl<P, L> LabelQueue<P, L> {
    /// An empty queue.
    pub fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            labels: HashMap::new(),
        }
    }

    /// Enters a request: when its label must be there, and what to keep of the prediction.
    ///
    /// # Errors
    /// `AlreadyExists` if the request is waiting already.
    pub fn expect(
        &mut self,
        request: impl Into<String>,
        matures_at: Timestamp,
        prediction: P,
    ) -> Result<()> {
        let request = request.into();
        if self.labels.contains_key(&request) {
            return Err(Error::already_exists("waiting request", request));
        }
        self.labels.insert(request.clone(), None);
        self.waiting.push_back((request, matures_at, prediction));
        Ok(())
    }

    /// Reports a label. The last report before the request settles counts.
    ///
    /// # Errors
    /// `NotFound` if no such request is waiting: it was never entered, or has settled.
    pub fn report(&mut self, request: &str, label: L) -> Result<()> {
        match self.labels.get_mut(request) {
            Some(place) => {
                *place = Some(label);
                Ok(())
            }
            None => Err(Error::not_found("waiting request", request)),
        }
    }

    /// Gives out every request that is mature at `now`, with all before it, in their order.
    pub fn advance(&mut self, now: Timestamp) -> Vec<Settled<P, L>> {
        let mut settled = Vec::new();
        while self.waiting.front().is_some_and(|first| first.1 <= now) {
            let Some((request, _, prediction)) = self.waiting.pop_front() else {
                break;
            };
            let label = self.labels.remove(&request).flatten();
            settled.push(Settled {
                request,
                prediction,
                label,
            });
        }
        settled
    }

    /// How many requests are waiting.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none is waiting.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

impl<P, L> Default for LabelQueue<P, L> {
    fn default() -> Self {
        Self::new()
    }
}
