use crate::Clock;

/// Checks [`Clock`]'s contract as far as it can be seen without waiting.
///
/// ```
/// mlops_core::conformance::clock(&mlops_core::SystemClock::new());
/// ```
pub fn clock(clock: &dyn Clock) {
    let mut last = clock.monotonic();
    for _ in 0..1_000 {
        let next = clock.monotonic();
        assert!(
            next >= last,
            "monotonic time never decreases: {last:?} then {next:?}"
        );
        last = next;
    }
}
