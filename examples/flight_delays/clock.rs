//! Simulated wall time over the machine's own monotonic time: the calendar is replayed, latencies are real.

use std::time::Duration;

use mlops_core::{Clock, ManualClock, SystemClock, Timestamp};

/// The replay's clock.
#[derive(Debug)]
pub(crate) struct ReplayClock {
    wall: ManualClock,
    machine: SystemClock,
}

impl ReplayClock {
    /// A clock that stands at `now`.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            wall: ManualClock::new(now),
            machine: SystemClock::new(),
        }
    }

    /// Moves the calendar.
    pub(crate) fn set(&self, now: Timestamp) {
        self.wall.set(now);
    }
}

impl Clock for ReplayClock {
    fn now(&self) -> Timestamp {
        self.wall.now()
    }

    fn monotonic(&self) -> Duration {
        self.machine.monotonic()
    }
}
