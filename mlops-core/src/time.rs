//! Time, as a value that is passed in.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

pub use jiff::Timestamp;

/// Where the time comes from.
///
/// # Contract
/// - [`now`](Clock::now) is the wall time: it stamps records and decides what was known when. It
///   may be set back; whoever needs an order uses a sequence number.
/// - [`monotonic`](Clock::monotonic) never decreases between two calls that are ordered, on any
///   thread. It measures durations; its zero is arbitrary.
/// - Neither blocks. Waiting belongs to whoever drives the work.
///
/// [`SystemClock`] and [`ManualClock`] implement it.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The wall time.
    fn now(&self) -> Timestamp;
    /// Time since an arbitrary start.
    fn monotonic(&self) -> Duration;
}

/// The machine's clock.
///
/// ```
/// use mlops_core::{Clock, SystemClock};
/// let clock = SystemClock::new();
/// let before = clock.monotonic();
/// assert!(clock.monotonic() >= before);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts at zero now.
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A clock that moves only when it is told to: for tests and for replaying the past.
///
/// ```
/// use std::time::Duration;
/// use mlops_core::{Clock, ManualClock, Timestamp};
///
/// let clock = ManualClock::new("2013-01-01T05:00:00Z".parse::<Timestamp>()?);
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now().to_string(), "2013-01-01T05:01:00Z");
/// assert_eq!(clock.monotonic(), Duration::from_secs(60));
/// # Ok::<(), jiff::Error>(())
/// ```
#[derive(Debug)]
pub struct ManualClock {
    state: Mutex<(Timestamp, Duration)>,
}

impl ManualClock {
    /// A clock that stands at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self {
            state: Mutex::new((now, Duration::ZERO)),
        }
    }

    /// Moves both times forward. Saturates at the greatest representable time.
    pub fn advance(&self, by: Duration) {
        let mut state = self.lock();
        state.0 = state.0.saturating_add(by).unwrap_or(Timestamp::MAX);
        state.1 = state.1.saturating_add(by);
    }

    /// Sets the wall time. Monotonic time moves on by the difference if that is positive.
    pub fn set(&self, now: Timestamp) {
        let mut state = self.lock();
        let forward = Duration::try_from(now.duration_since(state.0)).unwrap_or(Duration::ZERO);
        *state = (now, state.1.saturating_add(forward));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (Timestamp, Duration)> {
        // The state is two numbers, always consistent: a panic elsewhere cannot have torn it.
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.lock().0
    }

    fn monotonic(&self) -> Duration {
        self.lock().1
    }
}
