use crate::{ErrorKind, InferenceBackend, Tensor, Tensors};

/// Checks [`InferenceBackend`]'s contract on an example batch of at least two rows. `tolerance` is
/// how far a row's outputs may differ between batches (rounding), absolute.
///
/// ```
/// use mlops_core::memory::LinearModel;
/// use mlops_core::{Tensor, Tensors, conformance};
/// let inputs = Tensors::new([Tensor::from_f32("x", [2, 1], vec![1.0, 2.0])?])?;
/// conformance::inference_backend(&LinearModel::new(vec![2.0], 0.0)?, &inputs, 0.0);
/// # Ok::<(), mlops_core::Error>(())
/// ```
pub fn inference_backend(backend: &dyn InferenceBackend, inputs: &Tensors, tolerance: f64) {
    let signature = backend.signature();
    signature
        .check_inputs(inputs)
        .expect("the example fits the signature");
    let rows = inputs.rows().expect("the example is a batch");
    assert!(rows >= 2, "the example has at least two rows");

    let outputs = backend.infer(inputs).expect("infer");
    signature
        .check_outputs(&outputs)
        .expect("the outputs fit the signature");
    assert_eq!(outputs.rows(), Some(rows), "every row has its output");
    assert_eq!(
        backend.infer(inputs).expect("infer"),
        outputs,
        "the same inputs give the same outputs"
    );
    rows_are_independent(backend, inputs, &outputs, tolerance);
    calls_run_at_the_same_time(backend, inputs, &outputs);

    let none = backend.infer(&Tensors::default());
    let kind = none.map_err(|error| error.kind());
    assert_eq!(
        kind,
        Err(ErrorKind::SignatureMismatch),
        "missing inputs are an error, not a panic"
    );
}

fn rows_are_independent(
    backend: &dyn InferenceBackend,
    inputs: &Tensors,
    all: &Tensors,
    tolerance: f64,
) {
    for row in 0..inputs.rows().unwrap_or(0) {
        let alone = backend.infer(&only(inputs, row)).expect("infer one row");
        for (alone, expected) in alone.iter().zip(&only(all, row)) {
            let (got, want) = (alone.to_f64(), expected.to_f64());
            for (got, want) in got.into_iter().flatten().zip(want.into_iter().flatten()) {
                let same = got == want
                    || (got - want).abs() <= tolerance
                    || (got.is_nan() && want.is_nan());
                assert!(same, "row {row} alone gives {got}, in a batch {want}");
            }
        }
    }
}

fn only(tensors: &Tensors, row: usize) -> Tensors {
    let one = |tensor: &Tensor| {
        let width: usize = tensor.shape()[1..].iter().product();
        let mut shape = tensor.shape().to_vec();
        shape[0] = 1;
        Tensor::new(
            tensor.name(),
            shape,
            tensor.elements().slice(row * width, width),
        )
        .expect("a row of a tensor is a tensor")
    };
    Tensors::new(tensors.iter().map(one)).expect("names stay unique")
}

fn calls_run_at_the_same_time(
    backend: &dyn InferenceBackend,
    inputs: &Tensors,
    expected: &Tensors,
) {
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let outputs = backend.infer(inputs).expect("infer");
                    assert_eq!(&outputs, expected, "threads share a backend");
                }
            });
        }
    });
}
