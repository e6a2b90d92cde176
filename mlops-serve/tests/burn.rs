//! Burn models as backends, and what their files do when they are damaged.
#![cfg(feature = "burn")]
#![allow(clippy::unwrap_used)]

use burn::nn::{Linear, LinearConfig};
use burn::tensor::Device;
use mlops_core::{ElementType, ErrorKind, Signature, Tensor, TensorSpec, Tensors, conformance};
use mlops_serve::burn::{BurnModel, load, save};

fn linear(inputs: usize) -> Linear {
    LinearConfig::new(inputs, 1).init(&Device::flex())
}

fn model(linear: Linear, inputs: usize) -> BurnModel<Linear> {
    let signature = Signature::new(
        [TensorSpec::new(
            "x",
            ElementType::Fp32,
            [None, Some(inputs)],
        )],
        [TensorSpec::new("y", ElementType::Fp32, [None, Some(1)])],
    );
    BurnModel::new(signature.unwrap(), Device::flex(), linear, |linear, x| {
        linear.forward(x)
    })
    .unwrap()
}

fn example() -> Tensors {
    let elements = (0..24).map(|i| (i as f32).sin()).collect();
    Tensors::new([Tensor::from_f32("x", [6, 4], elements).unwrap()]).unwrap()
}

#[test]
fn a_burn_model_is_a_backend() {
    // Another summation order of 4 products of numbers below 1: a few units in the last place.
    conformance::inference_backend(
        &model(linear(4), 4),
        &example(),
        4.0 * f64::from(f32::EPSILON),
    );
}

#[test]
fn numbers_survive_the_file_bit_by_bit() {
    use mlops_core::InferenceBackend as _;
    let original = linear(4);
    let bytes = save(&original).unwrap();
    let expected = model(original, 4).infer(&example()).unwrap();
    let restored = load(linear(4), &bytes).unwrap();
    assert_eq!(model(restored, 4).infer(&example()).unwrap(), expected);
}

#[test]
fn damaged_files_are_typed_errors() {
    let bytes = save(&linear(4)).unwrap();
    for cut in [0, 1, 7, 8, 20, bytes.len() / 2, bytes.len() - 1] {
        let error = load(linear(4), &bytes[..cut]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "cut at {cut}: {error}");
    }
    let mut garbage = bytes.to_vec();
    garbage[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert_eq!(
        load(linear(4), &garbage).unwrap_err().kind(),
        ErrorKind::Corrupt
    );
}

#[test]
fn a_file_of_another_shape_is_a_mismatch() {
    let bytes = save(&linear(5)).unwrap();
    let error = load(linear(4), &bytes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignatureMismatch, "{error}");
    let without_bias: Linear = LinearConfig::new(4, 1)
        .with_bias(false)
        .init(&Device::flex());
    let error = load(linear(4), &save(&without_bias).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignatureMismatch, "{error}");
    let error = load(without_bias, &save(&linear(4)).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignatureMismatch, "{error}");
}

#[test]
fn other_signatures_are_unsupported() {
    let two = [
        TensorSpec::new("a", ElementType::Fp32, [None, Some(1)]),
        TensorSpec::new("b", ElementType::Fp32, [None, Some(1)]),
    ];
    let one = [TensorSpec::new("y", ElementType::Fp32, [None, Some(1)])];
    let signature = Signature::new(two, one).unwrap();
    let result = BurnModel::new(signature, Device::flex(), linear(1), |linear, x| {
        linear.forward(x)
    });
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Unsupported);
}
