use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};

use crate::{DriftDetector, ErrorKind};

/// Checks [`DriftDetector`]'s contract on columns of 64-bit floats, which the detector must speak of:
/// determinism, missing values, bad samples, level over 400 drift-free pairs, and that it sees a
/// shift of three standard deviations.
///
/// ```
/// mlops_core::conformance::drift_detector(&mlops_core::memory::MedianTest);
/// ```
pub fn drift_detector(detector: &dyn DriftDetector) {
    let (reference, current) = (sample(1, 200, 0.0), sample(2, 150, 0.0));
    let finding = detector.detect(&reference, &current).expect("detect");
    assert_eq!(
        detector.detect(&reference, &current).expect("detect"),
        finding,
        "a detector is pure"
    );
    assert_eq!((finding.reference_size, finding.current_size), (200, 150));

    missing_values_do_not_enter(detector, &reference, &current);
    empty_samples_are_refused(detector, &reference);
    the_level_holds(detector);

    let shifted = detector
        .detect(&reference, &sample(3, 150, 3.0))
        .expect("detect");
    assert!(
        shifted.p_value.get() < 1e-6,
        "a shift of 3 sd has p {}",
        shifted.p_value.get()
    );
    assert!(
        shifted.effect.get() > finding.effect.get(),
        "a shift has a larger effect than none"
    );
}

/// Values near a normal law (sums of four uniforms), by SplitMix64 (Steele, Lea & Flood, 2014): the
/// suite brings its own randomness so that it depends on nothing.
fn sample(seed: u64, size: usize, shift: f64) -> ArrayRef {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut uniform = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut value = || (0..4).map(|_| uniform()).sum::<f64>() * 3.0_f64.sqrt() + shift;
    Arc::new((0..size).map(|_| Some(value())).collect::<Float64Array>())
}

fn missing_values_do_not_enter(
    detector: &dyn DriftDetector,
    reference: &ArrayRef,
    current: &ArrayRef,
) {
    let whole = detector.detect(reference, current).expect("detect");
    let missing: ArrayRef = Arc::new(Float64Array::from(vec![None, Some(f64::NAN)]));
    let holed = arrow::compute::concat(&[current, &missing]).expect("concat");
    assert_eq!(
        detector.detect(reference, &holed).expect("detect"),
        whole,
        "nulls and NaN are missing values"
    );
}

fn empty_samples_are_refused(detector: &dyn DriftDetector, reference: &ArrayRef) {
    let empty: ArrayRef = Arc::new(Float64Array::from(Vec::<f64>::new()));
    let missing: ArrayRef = Arc::new(Float64Array::from(vec![None, Some(f64::NAN)]));
    for (a, b) in [
        (&empty, reference),
        (reference, &empty),
        (reference, &missing),
    ] {
        let kind = detector.detect(a, b).map_err(|error| error.kind());
        assert_eq!(
            kind,
            Err(ErrorKind::InvalidArgument),
            "a sample without values is refused"
        );
    }
}

/// At most 37 of 400 drift-free pairs may reject at 5 %: a detector whose level holds exceeds that
/// with probability 2e-4 (binomial tail).
fn the_level_holds(detector: &dyn DriftDetector) {
    let rejects = |pair: &u64| {
        let (reference, current) = (
            sample(100 + 2 * pair, 60, 0.0),
            sample(101 + 2 * pair, 80, 0.0),
        );
        let finding = detector.detect(&reference, &current).expect("detect");
        finding.p_value.get() <= 0.05
    };
    let rejected = (0..400).filter(rejects).count();
    assert!(
        rejected <= 37,
        "{rejected} of 400 drift-free pairs reject at 5 %"
    );
}
